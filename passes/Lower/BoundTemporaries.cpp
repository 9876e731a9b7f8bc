// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelBody.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace mlir::trine;

/// Elements of a temporary that is computed piece by piece.
static constexpr int64_t kChunkElements = 2048;

std::optional<int64_t> trine::boundBytes(ShapedType type,
                                         ValueRange dynamicSizes) {
  int64_t count = 1;
  unsigned dynamic = 0;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
          presburger::BoundType::UB, {dynamicSizes[dynamic++]},
          /*stopCondition=*/nullptr, /*closedUB=*/true);
      if (failed(bound))
        return std::nullopt;
      size = std::max<int64_t>(*bound, 0);
    }
    if (size > kStackBytes)
      return std::nullopt;
    count *= size;
    if (count > kStackBytes)
      return std::nullopt;
  }
  Type element = type.getElementType();
  int64_t width = element.isIndex()
                      ? 8
                      : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  if (count * width > kStackBytes)
    return std::nullopt;
  return count * width;
}

/// Whether `op` computes into memory of its own that is too large for a
/// workgroup.
static bool needsTooMuch(linalg::LinalgOp op) {
  if (op->getNumResults() != 1 || !op.hasPureTensorSemantics())
    return false;
  Value init = op.getDpsInits()[0];
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    init = fill.getOutputs()[0];
  auto empty = init.getDefiningOp<tensor::EmptyOp>();
  return empty && !boundBytes(empty.getType(), empty.getDynamicSizes());
}

/// Computes the producer within the loops of its one consumer.
static bool fuseIntoLoops(RewriterBase &rewriter, OpOperand &use) {
  auto consumer = cast<linalg::GenericOp>(use.getOwner());
  if (isFloatProduct(consumer) || !linalg::areElementwiseOpsFusable(&use))
    return false;
  rewriter.setInsertionPoint(consumer);
  FailureOr<linalg::ElementwiseOpFusionResult> fused =
      linalg::fuseElementwiseOps(rewriter, &use);
  if (failed(fused))
    return false;
  for (OpResult result : consumer->getResults())
    rewriter.replaceAllUsesWith(result, fused->replacements.lookup(result));
  rewriter.eraseOp(consumer);
  return true;
}

/// Goes through the consumer's loops in pieces, each with its own piece of the
/// producer.
static bool tileInPieces(RewriterBase &rewriter, OpOperand &use) {
  auto consumer = cast<linalg::GenericOp>(use.getOwner());
  AffineMap map = consumer.getMatchingIndexingMap(&use);
  if (!llvm::all_of(consumer.getIndexingMapsArray(), [](AffineMap each) {
        return each.isProjectedPermutation(/*allowZeroInResults=*/true);
      }))
    return false;
  SmallVector<int64_t> extents = consumer.getStaticLoopRanges();
  SmallVector<OpFoldResult> sizes(extents.size(), rewriter.getIndexAttr(0));
  int64_t elements = 1;
  for (AffineExpr expression : llvm::reverse(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expression);
    if (!dim)
      continue;
    int64_t extent = extents[dim.getPosition()];
    int64_t fitting = std::max<int64_t>(1, kChunkElements / elements);
    if (!ShapedType::isDynamic(extent) && extent <= fitting) {
      elements *= extent;
      continue;
    }
    sizes[dim.getPosition()] = rewriter.getIndexAttr(fitting);
    elements = kChunkElements;
  }
  scf::SCFTilingOptions options;
  options.setTileSizes(sizes);
  rewriter.setInsertionPoint(consumer);
  FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(consumer.getOperation()), options);
  if (failed(tiled))
    return false;
  rewriter.replaceOp(consumer, tiled->replacements);
  SmallVector<Operation *> slices(tiled->generatedSlices);
  while (!slices.empty()) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(slices.pop_back_val());
    auto producer =
        slice ? slice.getSource().getDefiningOp<linalg::LinalgOp>() : nullptr;
    if (!producer || !(needsTooMuch(producer) ||
                       isa<linalg::FillOp>(producer.getOperation())))
      continue;
    if (std::optional<scf::SCFFuseProducerOfSliceResult> fused =
            scf::tileAndFuseProducerOfSlice(rewriter, slice, tiled->loops))
      llvm::append_range(slices, fused->generatedSlices);
  }
  return true;
}

bool trine::boundTemporaries(plan::KernelOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  SmallVector<linalg::GenericOp> producers;
  kernel.walk([&](linalg::GenericOp op) {
    if (needsTooMuch(op))
      producers.push_back(op);
  });
  bool changed = false;
  // Last first: a user that is computed again reads what its producers made.
  for (linalg::GenericOp producer : llvm::reverse(producers)) {
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : producer->getUses())
      uses.push_back(&use);
    for (OpOperand *use : uses) {
      auto consumer = dyn_cast<linalg::GenericOp>(use->getOwner());
      if (!consumer || !consumer.isDpsInput(use) ||
          consumer->getBlock() != producer->getBlock())
        continue;
      // A producer of its own, so that nothing else keeps the temporary alive.
      rewriter.setInsertionPoint(consumer);
      Operation *own = rewriter.clone(*producer);
      use->set(own->getResult(0));
      changed |= fuseIntoLoops(rewriter, *use) || tileInPieces(rewriter, *use);
      if (isOpTriviallyDead(own))
        rewriter.eraseOp(own);
    }
    if (isOpTriviallyDead(producer))
      rewriter.eraseOp(producer);
  }
  return changed;
}
