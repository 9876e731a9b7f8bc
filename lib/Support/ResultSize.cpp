// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Support/ResultSize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "trine/Support/ResultSizeInterface.cpp.inc"

using namespace mlir;
using namespace mlir::trine;

SmallVector<ResultSize> mlir::trine::getSizesOf(OpOperand &operand) {
  SmallVector<ResultSize> sizes;
  int64_t rank = cast<RankedTensorType>(operand.get().getType()).getRank();
  for (int64_t dimension = 0; dimension < rank; ++dimension)
    sizes.emplace_back(operand, dimension);
  return sizes;
}

static SymbolicExpression
evaluateSize(const ResultSize &size, Operation *op, SymbolicContext &context,
             llvm::function_ref<ArrayRef<SymbolicExpression>(Value)> shape) {
  SymbolicExpression result = context.getConstant(size.factor);
  for (auto [operand, dimension] : size.operands)
    result = result * shape(op->getOperand(operand))[dimension];
  for (const ResultSize &addend : size.addends)
    result = result + evaluateSize(addend, op, context, shape);
  return result;
}

SmallVector<SmallVector<SymbolicExpression>> mlir::trine::inferResultSizes(
    Operation *op, SymbolicContext &context,
    llvm::function_ref<ArrayRef<SymbolicExpression>(Value)> shape) {
  SmallVector<SmallVector<SymbolicExpression>> results;
  for (const SmallVector<ResultSize> &sizes :
       cast<ResultSizeOpInterface>(op).getResultSizes()) {
    SmallVector<SymbolicExpression> &dims = results.emplace_back();
    for (const ResultSize &size : sizes)
      dims.push_back(evaluateSize(size, op, context, shape));
  }
  return results;
}

static Value reify(const ResultSize &size, Operation *op, OpBuilder &builder) {
  Location loc = op->getLoc();
  Value result;
  for (auto [operand, dimension] : size.operands) {
    Value next = builder.createOrFold<tensor::DimOp>(
        loc, op->getOperand(operand), dimension);
    result =
        result ? builder.createOrFold<arith::MulIOp>(loc, result, next) : next;
  }
  if (!result || size.factor != 1) {
    Value factor = arith::ConstantIndexOp::create(builder, loc, size.factor);
    result = result ? builder.createOrFold<arith::MulIOp>(loc, result, factor)
                    : factor;
  }
  for (const ResultSize &addend : size.addends)
    result = builder.createOrFold<arith::AddIOp>(loc, result,
                                                 reify(addend, op, builder));
  return result;
}

LogicalResult
mlir::trine::reifyResultSizes(Operation *op, OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &results) {
  for (auto [result, sizes] :
       llvm::zip_equal(op->getResults(),
                       cast<ResultSizeOpInterface>(op).getResultSizes())) {
    auto type = cast<RankedTensorType>(result.getType());
    SmallVector<OpFoldResult> &dims = results.emplace_back();
    for (auto [dimension, size] : llvm::enumerate(sizes)) {
      if (type.isDynamicDim(dimension))
        dims.push_back(reify(size, op, builder));
      else
        dims.push_back(builder.getIndexAttr(type.getDimSize(dimension)));
    }
  }
  return success();
}
