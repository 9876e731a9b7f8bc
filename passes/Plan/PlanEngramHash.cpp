// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Plan.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEPLANENGRAMHASH
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
struct PlanEngramHash : trine::impl::TrinePlanEngramHashBase<PlanEngramHash> {
  using TrinePlanEngramHashBase::TrinePlanEngramHashBase;

  void runOnOperation() override;

private:
  void replace(EngramHashOp hash, FlatSymbolRefAttr device);
};
} // namespace

/// Whether the ids of some fetch are computed from these rows.
static bool isFetched(EngramHashOp hash) {
  llvm::SmallDenseSet<Value> seen;
  SmallVector<Value> values = {hash.getRows()};
  while (!values.empty()) {
    Value value = values.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    for (Operation *user : value.getUsers()) {
      if (isa<plan::PrefetchIssueOp>(user))
        return true;
      llvm::append_range(values, user->getResults());
    }
  }
  return false;
}

/// Why the library does not compute the hash; empty if it does.
static StringRef obstacle(EngramHashOp hash, func::FuncOp main) {
  if (hash->getParentOp() != main)
    return "it is in a branch or loop";
  // The library keeps a copy.
  if (Value map = hash.getTokenMap())
    if (!isa_and_nonnull<WeightOp, AssembledWeightOp, arith::ConstantOp>(
            map.getDefiningOp()))
      return "its token map is computed";
  if (hash.getMaxOrder() > 64 || hash.getModuli().size() > 65536)
    return "the library computes 64 orders and 65536 columns at most";
  for (auto [modulus, offset] : llvm::zip(hash.getModuli(), hash.getOffsets()))
    if (offset > std::numeric_limits<int64_t>::max() - modulus)
      return "its rows do not fit in 63 bits";
  return "";
}

void PlanEngramHash::replace(EngramHashOp hash, FlatSymbolRefAttr device) {
  OpBuilder builder(hash);
  Location loc = hash.getLoc();
  auto makeEmpty = [&](Value value, ArrayRef<OpFoldResult> sizes) {
    auto type = cast<RankedTensorType>(value.getType());
    Value empty =
        tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
    if (empty.getType() != type)
      empty = tensor::CastOp::create(builder, loc, type, empty);
    return empty;
  };
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, hash.getTokenIds());
  int64_t before = hash.getMaxOrder() - 1;
  Value rows =
      makeEmpty(hash.getRows(),
                {sizes[0], sizes[1],
                 builder.getIndexAttr(before * int64_t(hash.getHeads()))});
  Value present =
      makeEmpty(hash.getPresent(), {sizes[0], builder.getIndexAttr(before)});
  auto planned = plan::EngramHashOp::create(
      builder, loc, hash->getResultTypes(), hash.getTokenIds(),
      hash.getHistory(), hash.getTokenMap(), rows, present,
      hash.getMaxOrderAttr(), hash.getHeadsAttr(), hash.getMultipliersAttr(),
      hash.getModuliAttr(), hash.getOffsetsAttr(), hash.getPadAttr(),
      hash.getResetTokenAttr(), device, builder.getI64IntegerAttr(0));
  hash.replaceAllUsesWith(planned.getOutputs());
  hash.erase();
}

void PlanEngramHash::runOnOperation() {
  if (which != "all" && which != "fetched" && which != "none") {
    emitError(getOperation().getLoc())
        << "which '" << which.getValue()
        << "' is not known; expected all, fetched or none";
    return signalPassFailure();
  }
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main || which == "none")
    return markAllAnalysesPreserved();
  SmallVector<EngramHashOp> hashes;
  main.walk([&](EngramHashOp hash) { hashes.push_back(hash); });
  FlatSymbolRefAttr device;
  for (EngramHashOp hash : hashes) {
    StringRef reason = obstacle(hash, main);
    if (reason.empty() && which == "fetched" && !isFetched(hash))
      reason = "no fetch reads its rows";
    auto options = remark::RemarkOpts::name("host-hash")
                       .category("trine-plan-engram-hash")
                       .function("main");
    if (!reason.empty()) {
      remark::missed(hash.getLoc(), options)
          << remark::add("hash of {0} columns is a kernel: {1}",
                         hash.getModuli().size(), reason);
      continue;
    }
    remark::passed(hash.getLoc(), options)
        << remark::add("hash of {0} columns is computed by the host's library",
                       hash.getModuli().size());
    if (!device) {
      SymbolTable table(getOperation());
      auto declared = table.lookup<plan::DeviceOp>("device0");
      if (!declared) {
        OpBuilder builder(main);
        declared = plan::DeviceOp::create(builder, main.getLoc(), "device0");
        table.insert(declared);
      }
      device = FlatSymbolRefAttr::get(declared.getSymNameAttr());
    }
    replace(hash, device);
    ++numHashes;
  }
}
