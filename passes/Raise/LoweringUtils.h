// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Small helpers that more than one operator family's lowering uses.
#ifndef TRINE_PASSES_RAISE_LOWERINGUTILS_H
#define TRINE_PASSES_RAISE_LOWERINGUTILS_H

#include "ONNXLowering.h"

namespace mlir::trine {

/// `axis` counted from the front. The shape analysis has checked that it is in
/// [-rank, rank).
int64_t normaliseAxis(int64_t axis, int64_t rank);

/// The transpose `permutation` of a lowered tensor: dimension i of the result
/// is dimension permutation[i] of the operand.
ONNXLowering::Operand transpose(ONNXLowering &lowering,
                                ONNXLowering::Operand operand,
                                ArrayRef<int64_t> permutation);

/// The operand under other dims, as a view.
ONNXLowering::Operand reshaped(ONNXLowering &lowering,
                               ONNXLowering::Operand operand,
                               ArrayRef<SymbolicExpression> dims);

/// acc + a * b of scalars, floats (16-bit ones widened) or integers (wrapping).
Value multiplyAdd(OpBuilder &builder, Location loc, Value accumulator, Value a,
                  Value b);

/// A float tensor in accumulation type, rounded once to `elementType`; the
/// operand itself if it has that type already.
Value roundTo(ONNXLowering &lowering, ONNXLowering::Operand operand,
              Type elementType);

/// An integer or index scalar as an index, in [0, size): negative values count
/// from the end, and what is outside is clamped unless `inRange` says that the
/// value is known to lie in [0, size). `size` must be positive or the result
/// must not be used.
Value wrapIndex(OpBuilder &builder, Location loc, Value integer, Value size,
                bool inRange);

/// What is known of an index tensor for an axis of size `size`.
enum class IndexRange {
  NonNegative, ///< provably in [0, size)
  Wrapped,     ///< provably in [-size, size)
  Unknown,
};
IndexRange indexRange(ONNXLowering &lowering, Value onnxIndices,
                      SymbolicExpression size);

/// A rank-0 i1 tensor that says whether `holds` is true for all elements of a
/// tensor, as one reduction.
Value allOf(
    ONNXLowering &lowering, Value tensor,
    llvm::function_ref<Value(OpBuilder &, Location, Value element)> holds);

/// Makes the step fail at run time unless `size` is at most `limit`; nothing if
/// that is known. `what` names the size.
void requireAtMost(ONNXLowering &lowering, SymbolicExpression size,
                   SymbolicExpression limit, const Twine &what);

/// "[-160, 160)": where indices for an axis of this size lie.
std::string describeIndices(SymbolicExpression size);

/// Makes the step fail at run time unless all elements of `indices` (a lowered
/// integer tensor) are in [-size, size); `what` says which.
void requireIndicesInRange(ONNXLowering &lowering, Operation *op, Value indices,
                           Value size, SymbolicExpression sizeExpression,
                           StringRef what = "indices");

} // namespace mlir::trine

#endif
