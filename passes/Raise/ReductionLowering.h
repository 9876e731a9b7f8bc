// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What lowerings of reductions and norms share.
#ifndef TRINE_PASSES_RAISE_REDUCTIONLOWERING_H
#define TRINE_PASSES_RAISE_REDUCTIONLOWERING_H

#include "ONNXLowering.h"

namespace mlir::trine {

/// Dims of a shape, some of which are reduced.
struct ReducedDims {
  SmallVector<SymbolicExpression> all;
  /// One per dim of `all`.
  SmallVector<bool> isReduced;

  /// The dims that are not reduced.
  SmallVector<SymbolicExpression> getKept() const;
  /// All dims, reduced ones replaced by 1.
  SmallVector<SymbolicExpression> getWithOnes(ONNXLowering &lowering) const;
  /// How many elements go into one.
  SymbolicExpression getCount(ONNXLowering &lowering) const;
};

/// Computes the new accumulator from operand scalars and, as the last scalar,
/// the old accumulator.
using ReductionBody = ONNXLowering::ScalarBody;

/// One linalg.generic over `dims.all` that reduces into a tensor over the kept
/// dims, which starts as `initial` (its type is the accumulator's). Inputs are
/// broadcast to `dims.all`; their f16 and bf16 scalars are widened to f32.
Value reduce(ONNXLowering &lowering, ArrayRef<ONNXLowering::Operand> inputs,
             const ReducedDims &dims, Value initial, ReductionBody body);

/// The sum of `term` over the reduced dims, accumulated in the compute type.
Value reduceSum(ONNXLowering &lowering, ArrayRef<ONNXLowering::Operand> inputs,
                const ReducedDims &dims, Type computeType,
                ONNXLowering::ScalarBody term);

/// A tensor over the kept dims as an operand that broadcasts over `dims.all`.
ONNXLowering::Operand withOnes(ONNXLowering &lowering, Value kept,
                               const ReducedDims &dims);

/// A size as a scalar of a float or integer type, for use in bodies; `count` is
/// its index value, null if `size` is constant.
Value sizeScalar(OpBuilder &builder, Location loc, Type type,
                 SymbolicExpression size, Value count);

} // namespace mlir::trine

#endif
