// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Recognises routers: what chooses experts and weighs them.
#ifndef TRINE_PASSES_RAISE_RAISEROUTER_H
#define TRINE_PASSES_RAISE_RAISEROUTER_H

#include "RaiseMoE.h"

namespace mlir::trine {

struct RouteMatch {
  Value logits, bias, tokenIds, table;
  Scoring scoring = Scoring::Sigmoid;
  int64_t k = 0, groups = 1, kept = 1;
  GroupScore groupScore = GroupScore::Max;
  MaskedScore maskedScore = MaskedScore::Zero;
  bool fromChoice = false, renormalize = false, rounded = false;
  /// Chosen logits come from a GatherElements, not from the TopK.
  bool isGathered = false;
  double epsilon = 0, scale = 1;
  ScalePosition scalePosition = ScalePosition::AfterDivision;
  /// What is replaced.
  Value ids, weights;
};

/// What an op that masks scores says.
struct Masking {
  Value mask, choice;
  /// The score of what is masked.
  std::optional<double> value;
  /// Whether the mask says what is kept.
  bool keeps = true;
};

class RouterMatcher {
public:
  RouterMatcher(MoEPattern &pattern)
      : pattern(pattern), raising(pattern.raising) {}

  bool matchTopK(onnx::TopKOp topK);
  bool matchTable(onnx::GatherElementsOp gather);
  bool raise(Operation *before, StringRef form);

  RouteMatch match;

private:
  bool takeScores(Value value);
  Value takeSoftplus(Value value);
  Value takeBias(Value value);
  Value takeScoresOfChosen(Value chosen);
  SmallVector<onnx::GatherElementsOp> gathersByChoice();
  bool takeGather(onnx::GatherElementsOp gather);
  bool takeGathered(onnx::GatherElementsOp gather, Value data, Value weights);
  Operation *findMask(Value data);
  Value takeMasked(Operation *op, Value data, Masking &masking);
  bool takeGroups(Operation *op, Value choice, const Masking &masking);
  bool takeGroupScores(Value ranks, Value choice);
  bool takeMask(Value mask, bool keeps, int64_t grouped, onnx::TopKOp &groups,
                int64_t experts);
  bool takeWeights(Value chosen);
  Operation *onlyUser(Value value) {
    return value.hasOneUse() ? *value.user_begin() : nullptr;
  }

  MoEPattern &pattern;
  Raising &raising;
  /// The scores before the bias.
  Value scores;
};

inline bool isLastAxis(Raising &raising, int64_t axis, Value value) {
  return raising.normalAxis(axis, value) == raising.rank(value) - 1;
}

} // namespace mlir::trine

#endif
