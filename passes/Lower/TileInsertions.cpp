// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels that put several tensors side by side: workgroups are tiles of the
// result, and copy into it what each tensor has there.
#include "KernelBody.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::trine;

/// Elements of a tile: a copy is worth a workgroup when it is longer than a
/// page.
static constexpr int64_t kTileElements = 16 * 1024;

/// Whether `value` is an argument, perhaps seen in another form.
static bool isArgument(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             tensor::ExtractSliceOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return true;
}

/// The insertions that make `result` of a destination, first to last; empty
/// where it is anything else.
static SmallVector<tensor::InsertSliceOp> findInsertions(Value result) {
  SmallVector<tensor::InsertSliceOp> insertions;
  while (auto insertion = result.getDefiningOp<tensor::InsertSliceOp>()) {
    if (!result.hasOneUse() || !insertion.hasUnitStride() ||
        insertion.getSourceType().getRank() == 0 ||
        !isArgument(insertion.getSource()))
      return {};
    insertions.push_back(insertion);
    result = insertion.getDest();
  }
  if (!isa<BlockArgument>(result))
    return {};
  return llvm::to_vector(llvm::reverse(insertions));
}

/// Tile sizes of a tensor: innermost dims whole while they are few elements.
static SmallVector<int64_t> chooseTile(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> tile(shape.size(), 1);
  int64_t fitting = kTileElements;
  for (int64_t dim = shape.size() - 1; dim >= 0 && fitting > 1; --dim) {
    bool isWhole = !ShapedType::isDynamic(shape[dim]) && shape[dim] <= fitting;
    tile[dim] = isWhole ? std::max<int64_t>(shape[dim], 1) : fitting;
    fitting = isWhole ? fitting / tile[dim] : 1;
  }
  return tile;
}

bool trine::tileInsertions(plan::KernelOp kernel) {
  auto terminator =
      cast<plan::ReturnOp>(kernel.getBody().front().getTerminator());
  if (terminator.getNumOperands() != 1)
    return false;
  SmallVector<tensor::InsertSliceOp> insertions =
      findInsertions(terminator.getOperand(0));
  if (insertions.empty())
    return false;
  Value destination = insertions.front().getDest();
  auto type = cast<RankedTensorType>(destination.getType());
  int64_t rank = type.getRank();
  SmallVector<int64_t> tile = chooseTile(type.getShape());
  if (ArrayRef(tile) == type.getShape())
    return false;

  ImplicitLocOpBuilder b(insertions.back().getLoc(), terminator);
  SmallVector<OpFoldResult> zeros(rank, b.getIndexAttr(0)), steps,
      ones(rank, b.getIndexAttr(1)),
      sizes = tensor::getMixedSizes(b, b.getLoc(), destination);
  for (int64_t size : tile)
    steps.push_back(b.getIndexAttr(size));
  auto tiles =
      scf::ForallOp::create(b, zeros, sizes, steps, destination, std::nullopt);
  b.setInsertionPoint(tiles.getTerminator());
  auto toValue = [&](OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), value);
  };
  SmallVector<OpFoldResult> begins, extents;
  AffineExpr size, begin;
  bindSymbols(b.getContext(), size, begin);
  for (int64_t dim = 0; dim < rank; ++dim) {
    begins.push_back(tiles.getInductionVar(dim));
    std::optional<int64_t> all = getConstantIntValue(sizes[dim]);
    if (tile[dim] == 1 || (all && *all % tile[dim] == 0)) {
      extents.push_back(steps[dim]);
      continue;
    }
    AffineMap least =
        AffineMap::get(0, 2, {size - begin, b.getAffineConstantExpr(tile[dim])},
                       b.getContext());
    extents.push_back(affine::makeComposedFoldedAffineMin(
        b, b.getLoc(), least, {sizes[dim], begins[dim]}));
  }
  Value part = tensor::ExtractSliceOp::create(b, tiles.getRegionIterArgs()[0],
                                              begins, extents, ones);
  for (tensor::InsertSliceOp insertion : insertions) {
    // What of the source lies in the tile: from `from` of the tile on, `count`
    // elements that begin at `at` of the source.
    SmallVector<OpFoldResult> from, count, at, sourceAt, sourceCount;
    for (int64_t dim = 0; dim < rank; ++dim) {
      OpFoldResult offset = insertion.getMixedOffsets()[dim],
                   length = insertion.getMixedSizes()[dim];
      if (isConstantIntValue(offset, 0) && getConstantIntValue(length) &&
          getConstantIntValue(length) == getConstantIntValue(sizes[dim])) {
        from.push_back(b.getIndexAttr(0));
        count.push_back(extents[dim]);
        at.push_back(begins[dim]);
        continue;
      }
      Value first = toValue(offset), tileBegin = toValue(begins[dim]);
      Value last = arith::AddIOp::create(b, first, toValue(length));
      Value tileEnd =
          arith::AddIOp::create(b, tileBegin, toValue(extents[dim]));
      // Where they do not meet, nothing from the tile's end on.
      Value end = arith::MinSIOp::create(b, last, tileEnd);
      Value start = arith::MinSIOp::create(
          b, arith::MaxSIOp::create(b, first, tileBegin), tileEnd);
      Value inSource = arith::MinSIOp::create(b, start, last);
      Value none = arith::ConstantIndexOp::create(b, 0);
      from.push_back(arith::SubIOp::create(b, start, tileBegin).getResult());
      count.push_back(
          arith::MaxSIOp::create(b, arith::SubIOp::create(b, end, start), none)
              .getResult());
      at.push_back(arith::MaxSIOp::create(
                       b, arith::SubIOp::create(b, inSource, first), none)
                       .getResult());
    }
    // The source may lack dims of size 1.
    llvm::SmallBitVector dropped = insertion.getDroppedDims();
    int64_t kept = dropped.find_first_unset();
    for (int64_t dim = 0; dim < rank; ++dim) {
      if (dropped.test(dim) && getConstantIntValue(count[dim]) != 1) {
        // A tile beside such a dim takes no element of another.
        count[kept] =
            arith::MulIOp::create(b, toValue(count[kept]), toValue(count[dim]))
                .getResult();
        count[dim] = b.getIndexAttr(1);
      }
    }
    for (int64_t dim = 0; dim < rank; ++dim) {
      if (dropped.test(dim))
        continue;
      sourceAt.push_back(at[dim]);
      sourceCount.push_back(count[dim]);
    }
    SmallVector<OpFoldResult> sourceOnes(sourceAt.size(), b.getIndexAttr(1));
    Value source = tensor::ExtractSliceOp::create(
        b, insertion.getSource(), sourceAt, sourceCount, sourceOnes);
    part = tensor::InsertSliceOp::create(b, source, part, from, count, ones);
  }
  b.setInsertionPointToStart(tiles.getTerminator().getBody());
  tensor::ParallelInsertSliceOp::create(b, part, tiles.getRegionIterArgs()[0],
                                        begins, extents, ones);
  terminator.setOperand(0, tiles.getResult(0));
  for (tensor::InsertSliceOp insertion : llvm::reverse(insertions))
    insertion.erase();
  return true;
}
