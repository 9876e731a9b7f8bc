// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Plan.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEPLANTABLES
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
struct PlanTables : trine::impl::TrinePlanTablesBase<PlanTables> {
  using TrinePlanTablesBase::TrinePlanTablesBase;

  void runOnOperation() override;

private:
  FlatSymbolRefAttr tableOf(EngramLookupOp lookup);
  FlatSymbolRefAttr addWeight(Operation *weight, const Twine &name);
  void replace(EngramLookupOp lookup, FlatSymbolRefAttr device);

  std::optional<OpBuilder> symbols;
  SymbolTable *names = nullptr;
  /// By the weight ops of values and scales.
  llvm::DenseMap<std::pair<Operation *, Operation *>, FlatSymbolRefAttr> tables;
};
} // namespace

/// A weight or a weight put together from pieces.
static Operation *weightOf(Value value) {
  Operation *op = value ? value.getDefiningOp() : nullptr;
  return isa_and_nonnull<WeightOp, AssembledWeightOp>(op) ? op : nullptr;
}

static int64_t bytesOf(Value value) {
  return getStoredBytes(cast<RankedTensorType>(value.getType()));
}

/// Why the store cannot hold the table; empty if it can.
static StringRef obstacle(EngramLookupOp lookup) {
  if (!weightOf(lookup.getTable()) ||
      (lookup.getScales() && !weightOf(lookup.getScales())))
    return "the table is computed";
  auto table = cast<RankedTensorType>(lookup.getTable().getType());
  Type element = table.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !isa<Float8E4M3FNType>(element))
    return "a store holds f32, f16, bf16 and f8E4M3FN only";
  if (Value scales = lookup.getScales()) {
    auto type = cast<RankedTensorType>(scales.getType());
    if (!isa<Float8E8M0FNUType>(type.getElementType()) ||
        type.getDimSize(1) * 32 != table.getDimSize(1))
      return "a store holds one f8E8M0FNU scale for 32 values";
  }
  Type result = cast<RankedTensorType>(lookup.getType()).getElementType();
  if (!result.isF32() && !result.isF16() && !result.isBF16())
    return "a store gives f32, f16 and bf16 only";
  return "";
}

FlatSymbolRefAttr PlanTables::addWeight(Operation *op, const Twine &name) {
  Value value = op->getResult(0);
  auto type = cast<RankedTensorType>(value.getType());
  Builder &b = *symbols;
  SmallVector<int64_t> identity(type.getRank());
  std::iota(identity.begin(), identity.end(), 0);
  StringAttr file, original;
  int64_t offset = 0, length = 0;
  ArrayAttr pieces;
  if (auto weight = dyn_cast<WeightOp>(op)) {
    file = weight.getFileAttr();
    original = weight.getNameAttr();
    offset = weight.getOffset();
    length = weight.getLength();
  } else {
    auto assembled = cast<AssembledWeightOp>(op);
    original = assembled.getNameAttr();
    pieces = assembled.getPieces();
  }
  auto planned = plan::WeightOp::create(
      *symbols, op->getLoc(), b.getStringAttr(name), original, file,
      b.getI64IntegerAttr(offset), b.getI64IntegerAttr(length),
      /*value=*/ElementsAttr(), pieces, TypeAttr::get(type),
      b.getDenseI64ArrayAttr(identity), b.getDenseI64ArrayAttr({}),
      b.getDenseI64ArrayAttr({}), b.getDenseI64ArrayAttr({}),
      TypeAttr::get(type));
  names->insert(planned);
  return FlatSymbolRefAttr::get(planned.getSymNameAttr());
}

FlatSymbolRefAttr PlanTables::tableOf(EngramLookupOp lookup) {
  Operation *values = weightOf(lookup.getTable());
  Operation *scales = weightOf(lookup.getScales());
  FlatSymbolRefAttr &known = tables[{values, scales}];
  if (known)
    return known;
  std::string name;
  for (unsigned i = tables.size() - 1; name.empty() || names->lookup(name); ++i)
    name = "table" + std::to_string(i);
  FlatSymbolRefAttr valuesName = addWeight(values, name + "_values"),
                    scalesName;
  if (scales)
    scalesName = addWeight(scales, name + "_scales");
  auto weight = names->lookup<plan::WeightOp>(valuesName.getValue());
  auto table = plan::TableOp::create(
      *symbols, lookup.getLoc(), symbols->getStringAttr(name),
      weight.getNameAttr(), valuesName, scalesName);
  names->insert(table);
  ++numTables;
  return known = FlatSymbolRefAttr::get(table.getSymNameAttr());
}

void PlanTables::replace(EngramLookupOp lookup, FlatSymbolRefAttr device) {
  FlatSymbolRefAttr table = tableOf(lookup);
  OpBuilder builder(lookup);
  Location loc = lookup.getLoc();
  auto issue = plan::PrefetchIssueOp::create(
      builder, loc, plan::TicketType::get(&getContext()), table,
      lookup.getRows(), device, builder.getI64IntegerAttr(0));
  auto type = cast<RankedTensorType>(lookup.getType());
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, lookup.getRows());
  sizes.push_back(builder.getIndexAttr(type.getShape().back()));
  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  if (empty.getType() != type)
    empty = tensor::CastOp::create(builder, loc, type, empty);
  auto await = plan::PrefetchAwaitOp::create(
      builder, loc, type, issue, empty, device, builder.getI64IntegerAttr(0));
  lookup.replaceAllUsesWith(await.getOutput());
  lookup.erase();
}

void PlanTables::runOnOperation() {
  if (limit < 0)
    return markAllAnalysesPreserved();
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  SymbolTable table(getOperation());
  names = &table;
  tables.clear();
  symbols.emplace(main);
  SmallVector<EngramLookupOp> lookups;
  main.walk([&](EngramLookupOp lookup) { lookups.push_back(lookup); });
  FlatSymbolRefAttr device;
  for (EngramLookupOp lookup : lookups) {
    auto remark = [&](bool taken) {
      auto options = remark::RemarkOpts::name("table-store")
                         .category("trine-plan-tables")
                         .function("main");
      return taken ? remark::passed(lookup.getLoc(), options)
                   : remark::missed(lookup.getLoc(), options);
    };
    int64_t bytes = bytesOf(lookup.getTable()) +
                    (lookup.getScales() ? bytesOf(lookup.getScales()) : 0);
    if (bytes <= limit) {
      remark(false) << remark::add("table of {0} bytes stays a weight: the "
                                   "limit is {1}",
                                   bytes, limit.getValue());
      continue;
    }
    if (StringRef reason = obstacle(lookup); !reason.empty()) {
      remark(false) << remark::add("table of {0} bytes stays a weight: {1}",
                                   bytes, reason);
      continue;
    }
    // A lookup in a branch or loop is fetched there.
    if (!device) {
      auto declared = table.lookup<plan::DeviceOp>("device0");
      if (!declared) {
        declared = plan::DeviceOp::create(*symbols, main.getLoc(), "device0");
        table.insert(declared);
      }
      device = FlatSymbolRefAttr::get(declared.getSymNameAttr());
    }
    remark(true) << remark::add("table of {0} bytes is served by the store",
                                bytes);
    replace(lookup, device);
  }
  names = nullptr;
}
