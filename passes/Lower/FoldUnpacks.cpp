// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelBody.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace mlir::trine;

/// Whether `offset` is a multiple of `tile`: a constant, or the variable of a
/// loop that starts at and steps by multiples.
static bool isMultiple(OpFoldResult offset, int64_t tile) {
  if (std::optional<int64_t> constant = getConstantIntValue(offset))
    return *constant % tile == 0;
  auto argument = dyn_cast<BlockArgument>(cast<Value>(offset));
  if (!argument)
    return false;
  auto loop = dyn_cast<LoopLikeOpInterface>(argument.getOwner()->getParentOp());
  if (!loop)
    return false;
  std::optional<SmallVector<Value>> variables = loop.getLoopInductionVars();
  std::optional<SmallVector<OpFoldResult>> starts = loop.getLoopLowerBounds();
  std::optional<SmallVector<OpFoldResult>> steps = loop.getLoopSteps();
  if (!variables || !starts || !steps)
    return false;
  for (auto [variable, start, step] : llvm::zip(*variables, *starts, *steps)) {
    if (variable != argument)
      continue;
    std::optional<int64_t> first = getConstantIntValue(start);
    std::optional<int64_t> stride = getConstantIntValue(step);
    return first && stride && *first % tile == 0 && *stride % tile == 0;
  }
  return false;
}

static bool isAtMost(OpFoldResult size, int64_t limit) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant <= limit;
  FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
      presburger::BoundType::UB, {cast<Value>(size)},
      /*stopCondition=*/nullptr, /*closedUB=*/true);
  return succeeded(bound) && *bound <= limit;
}

bool trine::isPanelSlice(Value value, int64_t column, int64_t tile) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  return slice && isMultiple(slice.getMixedOffsets()[column], tile) &&
         isAtMost(slice.getMixedSizes()[column], tile);
}

namespace {
/// A read of the stored form in place of a read of the logical matrix.
struct StoredRead {
  Value tensor;
  /// From coordinates of the logical matrix to those of `tensor`.
  AffineMap map;
};
} // namespace

/// The whole matrix: every tile coordinate is a division and a remainder.
static StoredRead readWhole(linalg::UnPackOp unpack) {
  MLIRContext *context = unpack.getContext();
  int64_t rank = unpack.getDestRank();
  SmallVector<AffineExpr> outer, inner;
  for (int64_t dim = 0; dim < rank; ++dim)
    outer.push_back(getAffineDimExpr(dim, context));
  for (auto [dim, tile] :
       llvm::zip(unpack.getInnerDimsPos(), unpack.getStaticInnerTiles())) {
    AffineExpr position = getAffineDimExpr(dim, context);
    outer[dim] = position.floorDiv(tile);
    inner.push_back(position % tile);
  }
  SmallVector<AffineExpr> results;
  if (unpack.getOuterDimsPerm().empty())
    results = outer;
  for (int64_t dim : unpack.getOuterDimsPerm())
    results.push_back(outer[dim]);
  llvm::append_range(results, inner);
  return {unpack.getSource(), AffineMap::get(rank, 0, results, context)};
}

/// A slice within one tile of the first tiled dimension: a slice of one panel.
static std::optional<StoredRead> readPanel(RewriterBase &rewriter,
                                           linalg::UnPackOp unpack,
                                           ArrayRef<OpFoldResult> offsets,
                                           ArrayRef<OpFoldResult> sizes) {
  int64_t rank = unpack.getDestRank();
  ArrayRef<int64_t> positions = unpack.getInnerDimsPos();
  ArrayRef<int64_t> tiles = unpack.getStaticInnerTiles();
  if (positions.empty())
    return std::nullopt;
  int64_t column = positions[0];
  if (!isMultiple(offsets[column], tiles[0]) ||
      !isAtMost(sizes[column], tiles[0]))
    return std::nullopt;
  // Further tiled dimensions are read from their start.
  for (int64_t dim : positions.drop_front())
    if (!isConstantIntValue(offsets[dim], 0))
      return std::nullopt;

  Location loc = unpack.getLoc();
  MLIRContext *context = unpack.getContext();
  RankedTensorType stored =
      cast<RankedTensorType>(unpack.getSource().getType());
  SmallVector<int64_t> order(unpack.getOuterDimsPerm());
  if (order.empty())
    order = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  SmallVector<OpFoldResult> newOffsets, newSizes;
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> results;
  auto extent = [](OpFoldResult size) {
    return getConstantIntValue(size).value_or(ShapedType::kDynamic);
  };
  for (auto [index, dim] : llvm::enumerate(order)) {
    AffineExpr position = getAffineDimExpr(dim, context);
    if (dim == column) {
      AffineExpr panel = getAffineSymbolExpr(0, context).floorDiv(tiles[0]);
      newOffsets.push_back(affine::makeComposedFoldedAffineApply(
          rewriter, loc, AffineMap::get(0, 1, panel), {offsets[dim]}));
      newSizes.push_back(rewriter.getIndexAttr(1));
      continue;
    }
    if (llvm::is_contained(positions, dim)) {
      int64_t tile = tiles[llvm::find(positions, dim) - positions.begin()];
      newOffsets.push_back(rewriter.getIndexAttr(0));
      newSizes.push_back(rewriter.getIndexAttr(stored.getDimSize(index)));
      shape.push_back(stored.getDimSize(index));
      results.push_back(position.floorDiv(tile));
      continue;
    }
    newOffsets.push_back(offsets[dim]);
    newSizes.push_back(sizes[dim]);
    shape.push_back(extent(sizes[dim]));
    results.push_back(position);
  }
  for (auto [dim, tile] : llvm::zip(positions, tiles)) {
    AffineExpr position = getAffineDimExpr(dim, context);
    newOffsets.push_back(rewriter.getIndexAttr(0));
    OpFoldResult size = dim == column
                            ? sizes[column]
                            : OpFoldResult(rewriter.getIndexAttr(tile));
    newSizes.push_back(size);
    shape.push_back(extent(size));
    results.push_back(dim == column ? position : position % tile);
  }
  SmallVector<OpFoldResult> strides(newSizes.size(), rewriter.getIndexAttr(1));
  auto type = RankedTensorType::get(shape, stored.getElementType());
  Value panel = tensor::ExtractSliceOp::create(
      rewriter, loc, type, unpack.getSource(), newOffsets, newSizes, strides);
  return StoredRead{panel, AffineMap::get(rank, 0, results, context)};
}

static void foldOperand(RewriterBase &rewriter, linalg::GenericOp op,
                        OpOperand &operand) {
  Value value = operand.get();
  // Tiles of a matrix that is smaller than they are: all of it.
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  auto unpack =
      (slice ? slice.getSource() : value).getDefiningOp<linalg::UnPackOp>();
  if (!unpack || !unpack.getInnerTiles().empty())
    return;
  std::optional<StoredRead> read;
  if (slice) {
    if (slice.getType().getRank() !=
            static_cast<int64_t>(unpack.getDestRank()) ||
        !slice.hasUnitStride())
      return;
    rewriter.setInsertionPoint(slice);
    read = readPanel(rewriter, unpack, slice.getMixedOffsets(),
                     slice.getMixedSizes());
  } else {
    rewriter.setInsertionPoint(op);
    SmallVector<OpFoldResult> starts(unpack.getDestRank(),
                                     rewriter.getIndexAttr(0));
    read = readPanel(
        rewriter, unpack, starts,
        tensor::getMixedSizes(rewriter, unpack.getLoc(), unpack.getDest()));
    if (!read)
      read = readWhole(unpack);
  }
  if (!read)
    return;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap &map = maps[operand.getOperandNumber()];
  map = read->map.compose(map);
  rewriter.modifyOpInPlace(op, [&] {
    operand.set(read->tensor);
    op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  });
}

void trine::foldUnpacks(plan::KernelOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  SmallVector<linalg::GenericOp> generics;
  kernel.walk([&](linalg::GenericOp op) { generics.push_back(op); });
  for (linalg::GenericOp op : generics)
    for (OpOperand *operand : op.getDpsInputOperands())
      foldOperand(rewriter, op, *operand);
}
