// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StridedRead.h"

#include "Scalars.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::trine::cuda;

std::string StridedRead::pointer() const {
  return sumText(argumentName(argument), offset);
}

static std::optional<StridedRead> throughSlice(tensor::ExtractSliceOp slice,
                                               ElementWriter &sizes) {
  std::optional<StridedRead> read = findStridedRead(slice.getSource(), sizes);
  if (!read)
    return std::nullopt;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  SmallVector<std::string> strides;
  for (auto [dim, start, step] :
       llvm::enumerate(slice.getMixedOffsets(), slice.getMixedStrides())) {
    FailureOr<std::string> offset = sizes.size(start),
                           stride = sizes.size(step);
    if (failed(offset) || failed(stride))
      return std::nullopt;
    read->offset =
        sumText(read->offset, productText(*offset, read->strides[dim]));
    if (!dropped[dim])
      strides.push_back(productText(*stride, read->strides[dim]));
  }
  read->strides = strides;
  return read;
}

/// A generic that moves elements, and computes nothing.
static std::optional<StridedRead>
throughMove(linalg::LinalgOp op, unsigned result, ElementWriter &sizes) {
  Block *body = op.getBlock();
  auto argument =
      dyn_cast<BlockArgument>(body->getTerminator()->getOperand(result));
  if (op.getNumReductionLoops() != 0 || !argument ||
      argument.getOwner() != body ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return std::nullopt;
  OpOperand *operand = op.getMatchingOpOperand(argument);
  AffineMap in = op.getMatchingIndexingMap(operand);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(result));
  if (!out.isPermutation() ||
      !in.isProjectedPermutation(/*allowZeroInResults=*/true))
    return std::nullopt;
  std::optional<StridedRead> read = findStridedRead(operand->get(), sizes);
  if (!read)
    return std::nullopt;
  SmallVector<std::string> loops(op.getNumLoops(), "0");
  for (auto [dim, expression] : llvm::enumerate(in.getResults()))
    if (auto loop = dyn_cast<AffineDimExpr>(expression))
      loops[loop.getPosition()] = read->strides[dim];
  SmallVector<std::string> strides;
  for (AffineExpr expression : out.getResults())
    strides.push_back(loops[cast<AffineDimExpr>(expression).getPosition()]);
  read->strides = strides;
  return read;
}

std::optional<StridedRead>
mlir::trine::cuda::findStridedRead(Value tensor, ElementWriter &sizes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    StridedRead read;
    read.argument = argument;
    read.strides.assign(type.getRank(), "1");
    std::string stride = "1";
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      read.strides[dim] = stride;
      FailureOr<std::string> size = sizes.dimension(tensor, dim);
      if (failed(size))
        return std::nullopt;
      stride = productText(*size, stride);
    }
    return read;
  }
  Operation *op = tensor.getDefiningOp();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return throughSlice(slice, sizes);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return findStridedRead(cast.getSource(), sizes);
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return throughMove(linalg, cast<OpResult>(tensor).getResultNumber(), sizes);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    std::optional<StridedRead> read = findStridedRead(expand.getSrc(), sizes);
    if (!read)
      return std::nullopt;
    SmallVector<std::string> strides(type.getRank(), "1");
    for (auto [dim, group] :
         llvm::enumerate(expand.getReassociationIndices())) {
      std::string stride = read->strides[dim];
      for (int64_t inner : llvm::reverse(group)) {
        strides[inner] = stride;
        FailureOr<std::string> size = sizes.dimension(tensor, inner);
        if (failed(size))
          return std::nullopt;
        stride = productText(*size, stride);
      }
    }
    read->strides = strides;
    return read;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    std::optional<StridedRead> read = findStridedRead(collapse.getSrc(), sizes);
    if (!read)
      return std::nullopt;
    SmallVector<std::string> strides;
    for (ReassociationIndices group : collapse.getReassociationIndices()) {
      // Of several dimensions that are not 1, each must go on where the next
      // ends.
      std::string stride = "1", expected;
      for (int64_t dim : llvm::reverse(group)) {
        FailureOr<std::string> size = sizes.dimension(collapse.getSrc(), dim);
        if (failed(size))
          return std::nullopt;
        if (*size == "1")
          continue;
        if (expected.empty())
          stride = read->strides[dim];
        else if (read->strides[dim] != expected)
          return std::nullopt;
        expected = productText(*size, read->strides[dim]);
      }
      strides.push_back(stride);
    }
    read->strides = strides;
    return read;
  }
  return std::nullopt;
}
