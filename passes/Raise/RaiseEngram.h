// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the passes that recognise Engram and hyper-connections share.
#ifndef TRINE_PASSES_RAISE_RAISEENGRAM_H
#define TRINE_PASSES_RAISE_RAISEENGRAM_H

#include "Raising.h"

namespace mlir::trine::engram {

/// A tensor type of these sizes; those that are no numbers are dynamic.
RankedTensorType typeOf(ArrayRef<SymbolicExpression> sizes, Type elementType);

/// A Slice along one axis with step 1.
struct AxisSlice {
  Value input;
  int64_t axis = 0;
  /// Where it begins, from the start of the axis.
  SymbolicExpression begin;
};
std::optional<AxisSlice> matchSlice(Raising &raising, Value value);

/// The axes of a reduction, not negative; none when they are not known.
std::optional<SmallVector<int64_t>> reducedAxes(Raising &raising,
                                                Operation *op);

/// The operand of 1 / sqrt(x), however it is spelled.
Value matchReciprocalRoot(Value value);

/// mean(x²) over the last axis, plus a number (0 where nothing is added).
struct MeanSquare {
  Value input;
  double epsilon = 0;
  SmallVector<Operation *> nodes;
};
std::optional<MeanSquare> matchMeanSquare(Raising &raising, Value value);

/// The value before Reshapes.
Value skipReshapes(Value value);

/// The tensors on which `value` sits: a Concat of parts, where all are
/// onnx.Constants, is one constant.
Value concat(Raising &raising, Operation *before, ArrayRef<Value> parts,
             int64_t axis);

/// A value [B, S, ...] with other sizes behind batch and sequence.
Value reshapeTokens(Raising &raising, Operation *before, Value value,
                    ArrayRef<int64_t> sizes);

/// Moves the ops that make a weight before `before` where they stand behind it;
/// false where it is computed from other values.
bool hoistWeight(Value value, Operation *before);

/// A constant filled with one number, made before `before`.
Value filled(Raising &raising, Operation *before, ArrayRef<int64_t> sizes,
             Type elementType, double number);

bool isNone(Value value);

/// A number for a remark: "1e-05".
std::string describe(double number);

} // namespace mlir::trine::engram

#endif
