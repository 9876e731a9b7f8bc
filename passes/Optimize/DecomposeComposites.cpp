// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-decompose-composites: trine ops become linalg.
#include "DecomposeComposites.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "trine/Passes/ExpertsBuilder.h"
#include "trine/Passes/Optimize.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEDECOMPOSECOMPOSITES
#include "trine/Passes/Optimize.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
class DecomposeComposites
    : public trine::impl::TrineDecomposeCompositesBase<DecomposeComposites> {
public:
  using TrineDecomposeCompositesBase::TrineDecomposeCompositesBase;

  LogicalResult replace(Operation *op) {
    LinalgBuilder builder(op);
    // These have kernels of their own.
    if (isa<MoEGroupedMatMulOp>(op))
      return success();
    if (auto route = dyn_cast<MoERouteOp>(op))
      return requireOperands(route, builder), success();
    if (auto group = dyn_cast<MoEGroupOp>(op))
      return requireOperands(group, builder), success();
    Decomposed values =
        llvm::TypeSwitch<Operation *, Decomposed>(op)
            .Case([&](AttentionOp op) {
              return attentionKernels && isForKernel(op)
                         ? schedule(op, builder)
                         : decompose(op, builder);
            })
            .Case<MergeOp, MLAAttentionOp, RMSNormOp, RopeOp, EngramHashOp,
                  EngramLookupOp, EngramGateOp, EngramConvOp, HyperMixOp,
                  HyperCombineOp, MoECombineOp, GatedMLPOp>(
                [&](auto op) { return decompose(op, builder); })
            .Default([](Operation *op) -> Decomposed {
              return op->emitError() << "'" << op->getName()
                                     << "' has no decomposition to linalg";
            });
    if (failed(values))
      return failure();
    for (auto [result, value] : llvm::zip_equal(op->getResults(), *values))
      if (value)
        result.replaceAllUsesWith(builder.castTo(value, result.getType()));
    op->erase();
    ++numDecomposed;
    return success();
  }

  void runOnOperation() override {
    SmallVector<Operation *> composites;
    getOperation().walk([&](Operation *op) {
      if (isa<ResultSizeOpInterface>(op) && !isa<AssembledWeightOp>(op))
        composites.push_back(op);
    });
    if (composites.empty())
      return;
    for (Operation *op : composites) {
      if (auto lookup = dyn_cast<EngramLookupOp>(op);
          lookup && areRowsInRange(lookup))
        op->setAttr(kRowsInRange, UnitAttr::get(&getContext()));
    }
    // Attention comes last: latent attention is made of it.
    bool isWhole = true;
    for (Operation *op : composites)
      if (!isa<AttentionOp>(op))
        isWhole &= succeeded(replace(op));
    SmallVector<AttentionOp> attentions;
    getOperation().walk([&](AttentionOp op) { attentions.push_back(op); });
    for (AttentionOp op : attentions)
      if (!op.getPartial())
        isWhole &= succeeded(replace(op));
    if (!isWhole)
      return signalPassFailure();
    // Sizes of intermediate tensors become those of the function's entry, so
    // that equal sizes are equal values.
    RewritePatternSet patterns(&getContext());
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    tensor::DimOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
