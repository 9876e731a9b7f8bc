// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Sizes of results as sums of products of operand sizes, and what follows from
/// them.
#ifndef TRINE_SUPPORT_RESULTSIZE_H
#define TRINE_SUPPORT_RESULTSIZE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "trine/Support/SymbolicExpression.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

namespace mlir::trine {

/// factor times the product of sizes of operands, plus other such products.
struct ResultSize {
  ResultSize(int64_t factor) : factor(factor) {}
  /// The size of `operand` along `dimension`.
  ResultSize(OpOperand &operand, unsigned dimension)
      : operands{{operand.getOperandNumber(), dimension}} {}

  /// Of two products.
  friend ResultSize operator*(ResultSize a, const ResultSize &b) {
    if (llvm::MulOverflow(a.factor, b.factor, a.factor))
      a.factor = -1; // no size; who infers from it says so
    a.operands.append(b.operands.begin(), b.operands.end());
    return a;
  }
  friend ResultSize operator+(ResultSize a, const ResultSize &b) {
    a.addends.push_back(b);
    return a;
  }

  int64_t factor = 1;
  /// Operand numbers and dimensions.
  SmallVector<std::pair<unsigned, unsigned>, 2> operands;
  std::vector<ResultSize> addends;
};

/// All dimensions of a ranked operand.
SmallVector<ResultSize> getSizesOf(OpOperand &operand);

/// Sizes of all results of an op with ResultSizeOpInterface as expressions,
/// from those of its operands.
SmallVector<SmallVector<SymbolicExpression>>
inferResultSizes(Operation *op, SymbolicContext &context,
                 llvm::function_ref<ArrayRef<SymbolicExpression>(Value)> shape);

/// The same as attributes and index values made at the op; the body of
/// ReifyRankedShapedTypeOpInterface::reifyResultShapes.
LogicalResult reifyResultSizes(Operation *op, OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &sizes);

} // namespace mlir::trine

#include "trine/Support/ResultSizeInterface.h.inc"

#endif
