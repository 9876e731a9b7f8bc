// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the schedule of experts, their decompositions and the kernels that they
/// become share.
#ifndef TRINE_PASSES_EXPERTSBUILDER_H
#define TRINE_PASSES_EXPERTSBUILDER_H

#include "trine/Passes/LinalgBuilder.h"

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

/// act(gate) * (up + beta), gate limited to at most `clamp` and up to
/// [-clamp, clamp].
Value buildGated(ImplicitLocOpBuilder &b, Activation activation, Value gate,
                 Value up, std::optional<double> clamp, double alpha,
                 double beta);
/// x limited to [-limit, limit].
Value buildLimit(ImplicitLocOpBuilder &b, Value x, double limit);

/// A constant of the type of `like`.
Value numberLike(ImplicitLocOpBuilder &b, double value, Value like);

/// Ends the step with `message` unless all of the integer tensor lie in
/// [0, end).
void requireInRange(LinalgBuilder &b, Value integers, Value end,
                    const Twine &message);

/// What a route by table needs of its operands.
void requireOperands(MoERouteOp op, LinalgBuilder &b);
/// The ids of a group must be experts; nothing where a route chose them.
void requireOperands(MoEGroupOp op, LinalgBuilder &b);

/// The route as one loop over tokens, on tensors: its ids and weights, written
/// into `destinations`.
SmallVector<Value> expandRoute(MoERouteOp op, LinalgBuilder &b,
                               ValueRange destinations);

} // namespace mlir::trine

#endif
