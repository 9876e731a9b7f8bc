// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Recognises hyper-connections: where residual streams are read and mixed.
#ifndef TRINE_PASSES_RAISE_RAISEHYPERCONNECTIONS_H
#define TRINE_PASSES_RAISE_RAISEHYPERCONNECTIONS_H

#include "RaiseEngram.h"

namespace mlir::trine::engram {

/// Some outputs of the projection: scale · z[begin:] + bias.
struct Part {
  Value result;
  Value scale, bias;
};

struct SiteForm {
  int64_t streams = 0, rounds = 0;
  double epsilon = 0, normEpsilon = 0;
  Value input;      ///< the streams [B, S, M, D]
  Value projection; ///< [M·D, outputs], or [outputs, M·D] if `isTurned`
  bool isTurned = false;
  Part parts[3];
  Value mixed, post, comb;
  SmallVector<Operation *> matched;
};

/// Matches one softmax after the other.
class SiteMatcher : public Attempt {
public:
  explicit SiteMatcher(Raising &raising) : raising(raising) {}

  bool match(onnx::SoftmaxOp op, SiteForm &form);

private:
  bool readRounds(onnx::SoftmaxOp op, SiteForm &form);
  Operation *nextDivision(Value matrix, int64_t axis, SiteForm &form);
  Value readLogits(Value value, SiteForm &form);
  bool readProjection(Value outputs, SiteForm &form);
  bool readPart(Value slice, Part &part, SiteForm &form);
  bool readPre(SiteForm &form);
  bool readPost(SiteForm &form);
  bool readMixed(Value weights, SiteForm &form);

  Raising &raising;
};

} // namespace mlir::trine::engram

#endif
