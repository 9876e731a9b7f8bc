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

SmallVector<SmallVector<SymbolicExpression>> mlir::trine::inferResultSizes(
    Operation *op, SymbolicContext &context,
    llvm::function_ref<ArrayRef<SymbolicExpression>(Value)> shape) {
  SmallVector<SmallVector<SymbolicExpression>> results;
  for (const SmallVector<ResultSize> &sizes :
       cast<ResultSizeOpInterface>(op).getResultSizes()) {
    SmallVector<SymbolicExpression> &dims = results.emplace_back();
    for (const ResultSize &size : sizes) {
      SymbolicExpression product = context.getConstant(size.factor);
      for (auto [operand, dimension] : size.operands)
        product = product * shape(op->getOperand(operand))[dimension];
      dims.push_back(product);
    }
  }
  return results;
}

LogicalResult
mlir::trine::reifyResultSizes(Operation *op, OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &results) {
  Location loc = op->getLoc();
  for (auto [result, sizes] :
       llvm::zip_equal(op->getResults(),
                       cast<ResultSizeOpInterface>(op).getResultSizes())) {
    auto type = cast<RankedTensorType>(result.getType());
    SmallVector<OpFoldResult> &dims = results.emplace_back();
    for (auto [dimension, size] : llvm::enumerate(sizes)) {
      if (!type.isDynamicDim(dimension)) {
        dims.push_back(builder.getIndexAttr(type.getDimSize(dimension)));
        continue;
      }
      Value product;
      for (auto [operand, operandDimension] : size.operands) {
        Value next = builder.createOrFold<tensor::DimOp>(
            loc, op->getOperand(operand), operandDimension);
        product = product
                      ? builder.createOrFold<arith::MulIOp>(loc, product, next)
                      : next;
      }
      if (!product || size.factor != 1) {
        Value factor =
            arith::ConstantIndexOp::create(builder, loc, size.factor);
        product =
            product ? builder.createOrFold<arith::MulIOp>(loc, product, factor)
                    : factor;
      }
      dims.push_back(product);
    }
  }
  return success();
}
