// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-experts: routed experts, in any form, become trine.moe.experts.
#include "RaiseMoE.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEEXPERTS
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
struct RaiseExperts
    : RaisingPass<trine::impl::TrineRaiseExpertsBase<RaiseExperts>> {
  void raise(Raising &raising) override;

private:
  using Matcher = bool (*)(MoEPattern &, onnx::ReduceSumOp, ExpertsMatch &);
  bool tryForm(Raising &raising, onnx::ReduceSumOp sum, Matcher matcher,
               StringRef what);
};
} // namespace

/// True if the sum needs no further look.
bool RaiseExperts::tryForm(Raising &raising, onnx::ReduceSumOp sum,
                           Matcher matcher, StringRef what) {
  MoEPattern pattern(raising);
  ExpertsMatch match;
  if (matcher(pattern, sum, match)) {
    match.result = takeFinalCast(pattern, match.result, match.input);
    if (match.result && raiseExperts(pattern, match)) {
      ++numRaised;
      return true;
    }
  }
  for (Value made :
       {match.wGateUp, match.wDown, match.bGateUp, match.bDown, match.input})
    if (made && made.getDefiningOp())
      raising.eraseIfDead(made.getDefiningOp());
  if (!pattern.failed())
    return false;
  raising.missed(sum, what, pattern.miss);
  ++numMissed;
  return true;
}

void RaiseExperts::raise(Raising &raising) {
  auto count = [&](RaiseCounts counts) {
    numRaised += counts.raised;
    numMissed += counts.missed;
  };
  count(raiseContribExperts(raising));
  for (onnx::ReduceSumOp sum : raising.opsOf<onnx::ReduceSumOp>())
    if (Raising::isLinked(sum) &&
        !tryForm(raising, sum, matchBatchedExperts, "batched experts") &&
        !tryForm(raising, sum, matchGroupedExperts, "grouped experts"))
      tryForm(raising, sum, matchStackedExperts, "stacked experts");
  count(raiseDenseExperts(raising));
  count(raiseSelectedExperts(raising));
}
