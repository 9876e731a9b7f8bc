// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelBody.h"
#include "TilePolicy.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TILEKERNELS
#include "trine/Passes/Lower.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Folds what tiling leaves: slices of fresh tensors, slices of slices, sizes.
static LogicalResult cleanUp(plan::KernelOp kernel) {
  MLIRContext *context = kernel.getContext();
  RewritePatternSet patterns(context);
  linalg::populateLinalgTilingCanonicalizationPatterns(patterns);
  tensor::populateFoldTensorEmptyPatterns(patterns);
  tensor::populateMergeConsecutiveInsertExtractSlicePatterns(patterns);
  scf::ForallOp::getCanonicalizationPatterns(patterns, context);
  linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  if (failed(applyPatternsGreedily(kernel, std::move(patterns))))
    // No test: only a defect upstream leads here.
    return kernel.emitOpError() << "could not be cleaned up after tiling";
  IRRewriter rewriter(context);
  DominanceInfo dominance(kernel);
  eliminateCommonSubExpressions(rewriter, dominance, kernel);
  return success();
}

/// Tiles the root and fuses what the policy says. False: nothing was tiled.
static bool tileRoot(plan::KernelOp kernel, IRRewriter &rewriter) {
  auto terminator =
      cast<plan::ReturnOp>(kernel.getBody().front().getTerminator());
  linalg::LinalgOp root = findRoot(terminator);
  if (!root)
    return false;
  TilePolicy policy = chooseTiles(root);
  if (llvm::all_of(policy.sizes, [](int64_t size) { return size == 0; }))
    return false;
  scf::SCFTilingOptions tiling;
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : policy.sizes)
    sizes.push_back(rewriter.getIndexAttr(size));
  tiling.setTileSizes(sizes);
  tiling.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
  scf::SCFTileAndFuseOptions options;
  options.setTilingOptions(std::move(tiling));
  options.setFusionControlFn(
      [&](tensor::ExtractSliceOp, OpResult producer,
          bool) -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
        if (!policy.fused.contains(producer.getOwner()))
          return std::nullopt;
        return scf::SCFTileAndFuseOptions::ControlFnResult{};
      });
  rewriter.setInsertionPoint(root);
  FailureOr<scf::SCFTileAndFuseResult> tiled =
      scf::tileConsumerAndFuseProducersUsingSCF(
          rewriter, cast<TilingInterface>(root.getOperation()), options);
  if (failed(tiled))
    return false;
  for (OpResult result : root->getResults())
    if (Value replacement = tiled->replacements.lookup(result))
      rewriter.replaceAllUsesWith(result, replacement);
  return true;
}

/// Products that still read a whole packed matrix go through it by panels.
static void tilePanels(plan::KernelOp kernel, IRRewriter &rewriter) {
  SmallVector<std::pair<linalg::GenericOp, SmallVector<OpFoldResult>>> work;
  kernel.walk([&](linalg::GenericOp op) {
    if (!isFloatProduct(op))
      return;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      Value value = operand->get();
      if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
        value = slice.getSource();
      auto unpack = value.getDefiningOp<linalg::UnPackOp>();
      if (!unpack || unpack.getInnerDimsPos().empty())
        continue;
      int64_t tile = unpack.getStaticInnerTiles()[0];
      auto column =
          dyn_cast<AffineDimExpr>(op.getMatchingIndexingMap(operand).getResult(
              unpack.getInnerDimsPos()[0]));
      if (ShapedType::isDynamic(tile) || !column)
        continue;
      SmallVector<int64_t> extents = op.getStaticLoopRanges();
      int64_t extent = extents[column.getPosition()];
      if (!ShapedType::isDynamic(extent) && extent <= tile)
        continue;
      SmallVector<OpFoldResult> sizes(extents.size(), rewriter.getIndexAttr(0));
      sizes[column.getPosition()] = rewriter.getIndexAttr(tile);
      if (value != operand->get() &&
          isPanelSlice(operand->get(), unpack.getInnerDimsPos()[0], tile))
        continue;
      work.emplace_back(op, sizes);
      return;
    }
  });
  for (auto &[op, sizes] : work) {
    scf::SCFTilingOptions tiling;
    tiling.setTileSizes(sizes);
    rewriter.setInsertionPoint(op);
    FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
        rewriter, cast<TilingInterface>(op.getOperation()), tiling);
    if (succeeded(tiled))
      rewriter.replaceOp(op, tiled->replacements);
  }
}

/// What is still unpacked as a whole becomes a transposed copy.
static LogicalResult lowerUnpacks(plan::KernelOp kernel, IRRewriter &rewriter) {
  SmallVector<linalg::UnPackOp> unpacks;
  kernel.walk([&](linalg::UnPackOp op) { unpacks.push_back(op); });
  for (linalg::UnPackOp op : unpacks) {
    if (op->use_empty()) {
      rewriter.eraseOp(op);
      continue;
    }
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::LowerUnPackOpResult> lowered =
        linalg::lowerUnPack(rewriter, op);
    if (failed(lowered))
      return op.emitOpError() << "cannot be lowered";
    rewriter.setInsertionPoint(lowered->transposeOp);
    (void)linalg::generalizeNamedOp(
        rewriter, cast<linalg::LinalgOp>(lowered->transposeOp.getOperation()));
  }
  return success();
}

namespace {
struct TileKernels : trine::impl::TileKernelsBase<TileKernels> {
  void runOnOperation() override {
    plan::KernelOp kernel = getOperation();
    IRRewriter rewriter(&getContext());
    if (failed(prepareKernel(kernel)))
      return signalPassFailure();
    if (tileRoot(kernel, rewriter) || tileInsertions(kernel))
      ++numTiled;
    else
      ++numWhole;
    if (failed(cleanUp(kernel)))
      return signalPassFailure();
    tilePanels(kernel, rewriter);
    foldUnpacks(kernel);
    if (failed(cleanUp(kernel)) || failed(lowerUnpacks(kernel, rewriter)))
      return signalPassFailure();
    reuseDestinations(kernel);
    if (boundTemporaries(kernel) && failed(cleanUp(kernel)))
      return signalPassFailure();
  }
};
} // namespace
