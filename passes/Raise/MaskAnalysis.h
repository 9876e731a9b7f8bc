// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What masks of attention mean: conditions on positions, proved by how they
/// are computed.
#ifndef TRINE_PASSES_RAISE_MASKANALYSIS_H
#define TRINE_PASSES_RAISE_MASKANALYSIS_H

#include "IndexViews.h"

namespace mlir::trine {

/// A condition at each point of an index space: `margin` >= 0 where it is
/// known as arithmetic on indices, else that `root` holds (or, negated, that
/// it does not).
struct Condition {
  std::optional<AffineIndex> margin;
  View root;
  bool negated = false;

  bool isSame(const Condition &other) const;
};

/// An additive mask: 0 where `keep` holds, `fill` elsewhere.
struct TwoValuedMask {
  Condition keep;
  double fill;
};

class MaskAnalysis {
public:
  explicit MaskAnalysis(IndexSpace &space)
      : space(space), raising(space.getRaising()) {}

  /// The number at each point of an integer view, as arithmetic on indices.
  std::optional<AffineIndex> evaluate(View view, unsigned depth = 0);
  /// What a view of truth values says, also of numbers 0 and 1.
  Condition analyzeCondition(View view);
  /// An additive mask of two values, one of which is 0.
  std::optional<TwoValuedMask> analyzeAdditive(View view);
  /// "No key of this row is kept", over the column `dim`: the condition of
  /// keeping.
  std::optional<Condition> analyzeEmptyRow(View view, unsigned column);

  /// The offset, if the condition is column <= row + offset.
  SymbolicExpression getCausalOffset(const Condition &condition, unsigned row,
                                     unsigned column);
  /// An i64 scalar of a size; null if it is not made of arguments' sizes.
  Value makeScalar(Operation *before, SymbolicExpression size);

private:
  std::optional<View> operand(const View &view, unsigned i);

  IndexSpace &space;
  Raising &raising;
};

/// Whether adding `fill` to a score leaves nothing of it in the softmax: minus
/// infinity, or so low that no score of a model comes near.
bool isMaskFill(double fill);

} // namespace mlir::trine

#endif
