// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the decompositions of routes, experts and gated networks share.
#ifndef TRINE_PASSES_OPTIMIZE_DECOMPOSEMOE_H
#define TRINE_PASSES_OPTIMIZE_DECOMPOSEMOE_H

#include "LinalgBuilder.h"

namespace mlir::trine {

/// A sequential loop over [begin, end) with step 1, whose body is built with
/// `b` itself.
SmallVector<Value> buildLoop(
    LinalgBuilder &b, Value begin, Value end, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(Value index, ValueRange state)> body,
    int64_t step = 1);

/// act(x) of a scalar in f32 or f64. For gated kinds the activation of the
/// gate.
Value buildActivation(ImplicitLocOpBuilder &b, Activation activation, Value x,
                      double alpha = 1);

/// A constant of the type of `like`.
Value numberLike(ImplicitLocOpBuilder &b, double value, Value like);

/// Ends the step with `message` unless all of the integer tensor lie in
/// [0, end).
void requireInRange(LinalgBuilder &b, Value integers, Value end,
                    const Twine &message);

} // namespace mlir::trine

#endif
