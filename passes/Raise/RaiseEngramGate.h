// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Recognises the gates of Engram values.
#ifndef TRINE_PASSES_RAISE_RAISEENGRAMGATE_H
#define TRINE_PASSES_RAISE_RAISEENGRAMGATE_H

#include "RaiseEngram.h"

namespace mlir::trine::engram {

/// One of the two tensors whose product opens the gate.
struct Side {
  Value input; ///< [B, S, D] or [B, S, M, D]
  std::optional<double> epsilon;
  SmallVector<Value, 2> weights;
};

struct GateForm {
  Side key, query;
  Value value;  ///< [B, S, D]
  Value result; ///< like the sides' inputs
  SignedRoot root = SignedRoot::None;
  double floor = 0;
  SmallVector<Operation *> matched;
};

/// Matches one sigmoid after the other.
class GateMatcher : public Attempt {
public:
  explicit GateMatcher(Raising &raising) : raising(raising) {}

  std::optional<GateForm> match(onnx::SigmoidOp op);
  static bool isWeight(Value value);

private:
  static Value strip(Value value, SmallVectorImpl<Operation *> &nodes);
  Value readRoot(Value value, GateForm &form);
  std::optional<double> readFloor(Value value, Value &input, GateForm &form);
  bool readProduct(Value value, GateForm &form);
  bool readScalars(Value value, bool divides, unsigned depth);
  bool isPerRow(Value value);
  bool readVectors(Value value, unsigned depth);
  bool readResult(onnx::SigmoidOp op, GateForm &form);
  /// Whether `value` is made from the same rows as the gate's value.
  static Value rootOf(Value value);

  Raising &raising;
  // Of the product that is being read.
  Value dot;
  double factor = 1;
  SmallVector<MeanSquare> norms;
  SmallVector<Value> weights, scalars;
  SmallVector<Side, 2> sides;
  SmallVector<Operation *> *matched = nullptr;
};

} // namespace mlir::trine::engram

#endif
