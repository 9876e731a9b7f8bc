// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-fuse-latent-decompression: the form of each attention on a latent.
#include "SizeSources.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/LatentAttentionCost.h"
#include "trine/Passes/Optimize.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEFUSELATENTDECOMPRESSION
#include "trine/Passes/Optimize.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
struct FuseLatentDecompression
    : trine::impl::TrineFuseLatentDecompressionBase<FuseLatentDecompression> {
  using TrineFuseLatentDecompressionBase::TrineFuseLatentDecompressionBase;

  void runOnOperation() override;

private:
  void chooseForm(MLAAttentionOp op);
  void emitBoth(MLAAttentionOp op, Value queries, Value keys,
                const LatentFormChoice &choice);
  MachineFigures machineFor(Type elementType) const;
  remark::detail::InFlightRemark explain(MLAAttentionOp op, StringRef name);
};

} // namespace

static int64_t staticSize(Value tensor, unsigned dim, int64_t otherwise) {
  int64_t size = cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
  return ShapedType::isDynamic(size) ? otherwise : size;
}

MachineFigures FuseLatentDecompression::machineFor(Type elementType) const {
  MachineFigures machine;
  bool isHalf = elementType.getIntOrFloatBitWidth() <= 16;
  machine.flops = (isHalf ? gigaflopsHalf : gigaflops) * 1e9;
  machine.bandwidth = gigabytes * 1e9;
  return machine;
}

/// "52.3 MFLOP, 12.6 MB, 0.6 ms".
static std::string describeCost(const LatentAttentionCost &cost) {
  return llvm::formatv("{0:F1} MFLOP, {1:F1} MB, {2:F2} ms", cost.flops / 1e6,
                       cost.bytes / 1e6, cost.seconds * 1e3)
      .str();
}

/// What both forms cost at typical shapes of the site, and where they cross.
static std::string describeSite(const LatentAttentionSite &site,
                                const MachineFigures &machine,
                                const LatentShapes &shapes) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto at = [&](double queries, double keys) {
    stream << llvm::formatv(
        "; at {0} new of {1} rows absorbed {2}, decompressed {3}",
        static_cast<int64_t>(queries), static_cast<int64_t>(keys),
        describeCost(costOfAbsorbed(site, machine, queries, keys)),
        describeCost(costOfDecompressed(site, machine, queries, keys)));
  };
  double keys = shapes.keys ? *shapes.keys : 4096;
  if (shapes.keysAreNew) {
    at(256, 256);
  } else if (shapes.queries) {
    at(*shapes.queries, keys);
  } else {
    at(1, keys);
    at(std::min(keys, 512.0), keys);
    stream << "; crossover at";
    for (double rows : {256.0, 1024.0, 4096.0, 16384.0}) {
      if (shapes.keys)
        rows = keys;
      stream << llvm::formatv(
          " {0} new of {1},",
          std::llround(std::min(latentCrossover(site, machine, rows), 1e9)),
          static_cast<int64_t>(rows));
      if (shapes.keys)
        break;
    }
    text.pop_back();
  }
  return text;
}

/// Both forms, of which a condition on sizes takes one.
void FuseLatentDecompression::emitBoth(MLAAttentionOp op, Value queries,
                                       Value keys,
                                       const LatentFormChoice &choice) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value limit = arith::ConstantIndexOp::create(b, choice.limit),
        offset = arith::ConstantIndexOp::create(b, choice.offset);
  Value left = arith::MulIOp::create(b, queries,
                                     arith::AddIOp::create(b, keys, offset)),
        right = arith::MulIOp::create(b, keys, limit);
  Value few = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, left, right);
  SmallVector<unsigned> used;
  SmallVector<Type> types;
  for (OpResult result : op->getResults())
    if (!result.use_empty()) {
      used.push_back(result.getResultNumber());
      types.push_back(result.getType());
    }
  if (used.empty())
    return;
  auto branch = scf::IfOp::create(b, types, few, /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
  branch->setAttr("trine.choice",
                  b.getStrArrayAttr({"absorbed", "decompressed"}));
  for (auto [block, form] :
       {std::pair(branch.thenBlock(), LatentForm::Absorbed),
        {branch.elseBlock(), LatentForm::Decompressed}}) {
    b.setInsertionPointToEnd(block);
    auto clone = cast<MLAAttentionOp>(b.clone(*op));
    clone.setForm(form);
    SmallVector<Value> values;
    for (unsigned result : used)
      values.push_back(clone->getResult(result));
    scf::YieldOp::create(b, values);
  }
  for (auto [result, value] : llvm::zip(used, branch.getResults()))
    op->getResult(result).replaceAllUsesWith(value);
  op->erase();
}

remark::detail::InFlightRemark
FuseLatentDecompression::explain(MLAAttentionOp op, StringRef name) {
  return remark::passed(op.getLoc(), remark::RemarkOpts::name(name)
                                         .category(getArgument())
                                         .function(getOperation().getName()));
}

void FuseLatentDecompression::chooseForm(MLAAttentionOp op) {
  auto elementType =
      cast<RankedTensorType>(op.getLatent().getType()).getElementType();
  LatentAttentionSite site;
  site.batch = staticSize(op.getLatent(), 0, 1);
  site.heads = staticSize(op.getQNope(), 1, 1);
  site.rank = staticSize(op.getLatent(), 2, 0);
  site.nope = staticSize(op.getQNope(), 3, 0);
  site.rope = staticSize(op.getQRope(), 3, 0);
  site.value = staticSize(op.getWUv(), 2, 0);
  site.elementBytes = llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);

  OpBuilder builder(op);
  Value queries = sizeSource(builder, op.getQNope(), 2),
        keys = sizeSource(builder, op.getLatent(), 1);
  LatentShapes shapes;
  shapes.queries = getConstantIntValue(queries);
  shapes.keys = getConstantIntValue(keys);
  shapes.keysAreNew = queries == keys;

  MachineFigures machine = machineFor(elementType);
  LatentFormChoice choice;
  StringRef reason = "by the cost model";
  if (form == "auto") {
    choice = chooseLatentForm(site, machine, shapes, tolerance);
  } else {
    reason = "as the option says";
    if (form == "by-shape")
      choice = fitLatentChoice(site, machine);
    else
      choice.kind = form == "absorbed" ? LatentFormChoice::Absorbed
                                       : LatentFormChoice::Decompressed;
  }
  std::string figures = describeSite(site, machine, shapes);
  switch (choice.kind) {
  case LatentFormChoice::ByShape:
    explain(op, "by-shape") << remark::add(
        "absorbed where new * (rows + {0}) < {1} * rows, else decompressed, "
        "{2}{3}",
        choice.offset, choice.limit, reason, figures);
    ++numByShape;
    return emitBoth(op, queries, keys, choice);
  case LatentFormChoice::Absorbed:
    explain(op, "absorbed")
        << remark::add("absorbed at every shape, {0}{1}", reason, figures);
    ++numAbsorbed;
    return op.setForm(LatentForm::Absorbed);
  case LatentFormChoice::Decompressed:
    explain(op, "decompressed")
        << remark::add("decompressed at every shape, {0}{1}", reason, figures);
    ++numDecompressed;
    return op.setForm(LatentForm::Decompressed);
  }
}

void FuseLatentDecompression::runOnOperation() {
  if (!llvm::is_contained({"auto", "absorbed", "decompressed", "by-shape"},
                          StringRef(form))) {
    getOperation().emitError()
        << "'form' must be auto, absorbed, decompressed or by-shape, got '"
        << form << "'";
    return signalPassFailure();
  }
  if (!(gigaflops > 0) || !(gigaflopsHalf > 0) || !(gigabytes > 0)) {
    getOperation().emitError() << "machine figures must be positive";
    return signalPassFailure();
  }
  SmallVector<MLAAttentionOp> sites;
  getOperation().walk([&](MLAAttentionOp op) { sites.push_back(op); });
  for (MLAAttentionOp op : sites) {
    if (op.getPast().empty()) {
      chooseForm(op);
      continue;
    }
    remark::missed(op.getLoc(), remark::RemarkOpts::name("expanded-cache")
                                    .category(getArgument())
                                    .function(getOperation().getName()))
        << remark::add("the model caches keys and values of every head, so "
                       "there is no latent to attend to; trine-recache-latent "
                       "makes it cache latents");
  }
}
