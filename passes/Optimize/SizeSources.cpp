// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SizeSources.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "trine/Support/ResultSize.h"

using namespace mlir;
using namespace mlir::trine;

/// One step towards where a size comes from: a size, or a dimension of another
/// tensor. False: the size is the tensor's own.
static bool step(Value &tensor, int64_t &dim, OpFoldResult &size) {
  auto result = dyn_cast<OpResult>(tensor);
  if (!result)
    return false;
  Operation *op = result.getOwner();
  auto follow = [&](Value next, int64_t nextDim) {
    tensor = next;
    dim = nextDim;
    return true;
  };
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    size = empty.getMixedSizes()[dim];
    return true;
  }
  if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
    return follow(style.getTiedOpOperand(result)->get(), dim);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return follow(insert.getDest(), dim);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    size = expand.getMixedOutputShape()[dim];
    return true;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    // A group may have one dim that is not 1.
    std::optional<int64_t> only;
    // A copy: the list of groups ends with this statement.
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t inner : group) {
      if (collapse.getSrcType().getDimSize(inner) == 1)
        continue;
      if (only)
        return false;
      only = inner;
    }
    return only && follow(collapse.getSrc(), *only);
  }
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return follow(cast.getSource(), dim);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t kept = 0;
    for (auto [inner, length] : llvm::enumerate(slice.getMixedSizes())) {
      if (dropped.test(inner) || kept++ != dim)
        continue;
      size = length;
      return true;
    }
    return false;
  }
  if (auto sizes = dyn_cast<ResultSizeOpInterface>(op)) {
    ResultSize found = sizes.getResultSizes()[result.getResultNumber()][dim];
    if (found.factor != 1 || found.operands.size() != 1 ||
        !found.addends.empty())
      return false;
    auto [operand, operandDim] = found.operands.front();
    return follow(op->getOperand(operand), operandDim);
  }
  return false;
}

Value mlir::trine::sizeSource(OpBuilder &builder, Value tensor, int64_t dim) {
  Location loc = tensor.getLoc();
  OpFoldResult size;
  while (true) {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.isDynamicDim(dim))
      size = builder.getIndexAttr(type.getDimSize(dim));
    if (size || !step(tensor, dim, size))
      break;
  }
  if (auto value = dyn_cast_if_present<Value>(size))
    return value;
  if (size)
    return arith::ConstantIndexOp::create(builder, loc,
                                          *getConstantIntValue(size));
  // The one that is there, if it is before.
  Block *block = builder.getInsertionBlock();
  for (Operation *user : tensor.getUsers())
    if (auto known = dyn_cast<tensor::DimOp>(user);
        known && known.getConstantIndex() == dim &&
        known->getBlock() == block &&
        (builder.getInsertionPoint() == block->end() ||
         known->isBeforeInBlock(&*builder.getInsertionPoint())))
      return known;
  return builder.createOrFold<tensor::DimOp>(loc, tensor, dim);
}
