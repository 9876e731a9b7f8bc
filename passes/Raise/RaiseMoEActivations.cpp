// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations of gated networks and experts, with their limits and constants.
#include "RaiseMoE.h"

#include <limits>

using namespace mlir;
using namespace mlir::trine;

/// x of x · sigmoid(alpha x), of gelu(x) or relu(x).
static bool takePlainActivation(MoEPattern &pattern, Value value,
                                GatedActivation &result, Value &input) {
  size_t mark = pattern.mark();
  if (auto swish = pattern.take<onnx::SwishOp>(value)) {
    result.activation = Activation::SiluGated;
    result.alpha = swish.getAlpha().convertToDouble();
    input = swish->getOperand(0);
    return true;
  }
  if (auto gelu = pattern.take<onnx::GeluOp>(value)) {
    result.activation = gelu.getApproximate() == "tanh"
                            ? Activation::GeluTanhGated
                            : Activation::GeluGated;
    input = gelu->getOperand(0);
    return true;
  }
  if (auto relu = pattern.take<onnx::ReluOp>(value)) {
    result.activation = Activation::ReluGated;
    input = relu->getOperand(0);
    return true;
  }
  if (auto mul = pattern.take<onnx::MulOp>(value)) {
    bool found = matchEitherOrder(mul, [&](Value x, Value s) {
      size_t inner = pattern.mark();
      auto sigmoid = pattern.take<onnx::SigmoidOp>(s);
      if (!sigmoid)
        return false;
      Value y = sigmoid->getOperand(0);
      double alpha = 1;
      if (y != x) {
        auto scale = pattern.take<onnx::MulOp>(y);
        std::optional<NumberOperand> scaled = splitNumber(scale);
        if (!scaled || scaled->other != x) {
          pattern.rollback(inner);
          return false;
        }
        alpha = scaled->number;
      }
      result.activation = Activation::SiluGated;
      result.alpha = alpha;
      input = x;
      return true;
    });
    if (found)
      return true;
  }
  pattern.rollback(mark);
  return false;
}

/// The value before all limits, to at most `high` and at least `low`: of one
/// limit within another the narrower holds.
static Value takeLimits(MoEPattern &pattern, Value value,
                        std::optional<double> &low,
                        std::optional<double> &high) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  while (true) {
    if (auto clip = producer<onnx::ClipOp>(value)) {
      auto limit = [&](unsigned i, double none) -> std::optional<double> {
        if (clip->getNumOperands() <= i ||
            isa<NoneType>(clip->getOperand(i).getType()))
          return none;
        return constantNumber(clip->getOperand(i));
      };
      std::optional<double> from = limit(1, -infinity), to = limit(2, infinity);
      if (!from || !to)
        return value;
      // The lowest number of the type is no limit.
      if (*from > -1e38)
        low = std::max(low.value_or(*from), *from);
      if (*to < 1e38)
        high = std::min(high.value_or(*to), *to);
      pattern.add(clip);
      value = clip->getOperand(0);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (isa_and_nonnull<onnx::MinOp, onnx::MaxOp>(op)) {
      std::optional<NumberOperand> parts = splitNumber(op);
      if (!parts)
        return value;
      if (isa<onnx::MinOp>(op))
        high = std::min(high.value_or(parts->number), parts->number);
      else
        low = std::max(low.value_or(parts->number), parts->number);
      pattern.add(op);
      value = parts->other;
      continue;
    }
    return value;
  }
}

/// Constants of the clamped form: the same limit on both, from both sides on
/// up.
static bool takeClamps(MoEPattern &pattern, GatedActivation &result) {
  std::optional<double> gateLow, gateHigh, upLow, upHigh;
  if (result.gate)
    result.gate = takeLimits(pattern, result.gate, gateLow, gateHigh);
  // (up + beta)
  if (auto add = producer<onnx::AddOp>(result.up); add && result.gate)
    if (std::optional<NumberOperand> parts = splitNumber(add)) {
      pattern.add(add);
      result.beta = parts->number;
      result.up = parts->other;
    }
  Operation *upMaker = result.up.getDefiningOp();
  result.up = takeLimits(pattern, result.up, upLow, upHigh);
  if (!gateHigh && !gateLow && !upHigh && !upLow)
    return true;
  if (!upHigh || !upLow || *upLow != -*upHigh || !(*upHigh > 0) || gateLow ||
      (result.gate && (!gateHigh || *gateHigh != *upHigh)))
    return pattern.fail(upMaker, "the limits of gate and up differ");
  result.clamp = *upHigh;
  return true;
}

static Activation withoutGate(Activation activation) {
  switch (activation) {
  case Activation::GeluGated:
    return Activation::Gelu;
  case Activation::GeluTanhGated:
    return Activation::GeluTanh;
  case Activation::ReluGated:
    return Activation::Relu;
  default:
    return Activation::Silu;
  }
}

std::optional<GatedActivation> mlir::trine::takeActivation(MoEPattern &pattern,
                                                           Value value) {
  GatedActivation result;
  Value input;
  // Without a gate.
  if (takePlainActivation(pattern, value, result, input)) {
    // x · sigmoid(x) of a product is also gate · sigmoid(gate) · 1.
    result.activation = withoutGate(result.activation);
    result.up = input;
    if (!takeClamps(pattern, result))
      return std::nullopt;
    return result;
  }
  auto mul = producer<onnx::MulOp>(value);
  if (!mul)
    return std::nullopt;
  size_t mark = pattern.mark();
  pattern.add(mul);
  bool found = matchEitherOrder(mul, [&](Value act, Value up) {
    if (takePlainActivation(pattern, act, result, result.gate)) {
      result.up = up;
      return true;
    }
    return false;
  });
  // (gate · up) · sigmoid(gate), gate · (sigmoid(gate) · up)
  if (!found)
    found = matchEitherOrder(mul, [&](Value rest, Value other) {
      size_t inner = pattern.mark();
      auto product = pattern.take<onnx::MulOp>(rest);
      bool ok = product && matchEitherOrder(product, [&](Value a, Value b) {
                  size_t deeper = pattern.mark();
                  auto sigmoid = pattern.take<onnx::SigmoidOp>(other);
                  if (sigmoid && sigmoid->getOperand(0) == a) {
                    result.gate = a;
                    result.up = b;
                    return true;
                  }
                  pattern.rollback(deeper);
                  sigmoid = pattern.take<onnx::SigmoidOp>(a);
                  if (sigmoid && sigmoid->getOperand(0) == other) {
                    result.gate = other;
                    result.up = b;
                    return true;
                  }
                  pattern.rollback(deeper);
                  return false;
                });
      if (!ok)
        pattern.rollback(inner);
      result.activation = Activation::SiluGated;
      return ok;
    });
  if (!found) {
    pattern.rollback(mark);
    return std::nullopt;
  }
  if (!takeClamps(pattern, result))
    return std::nullopt;
  return result;
}

std::optional<FusedHalves> mlir::trine::takeHalves(MoEPattern &pattern,
                                                   Value gate, Value up) {
  Raising &raising = pattern.raising;
  size_t mark = pattern.mark();
  gate = pattern.takeViews(gate);
  up = pattern.takeViews(up);
  std::optional<SliceRange> first = sliceOf(raising, gate),
                            second = sliceOf(raising, up);
  if (!first || !second || first->input != second->input ||
      first->axis != second->axis || first->step != second->step) {
    pattern.rollback(mark);
    return std::nullopt;
  }
  pattern.add(gate.getDefiningOp());
  pattern.add(up.getDefiningOp());
  Value product = first->input;
  std::optional<int64_t> size = raising.staticDim(product, first->axis);
  if (!size || *size % 2 != 0)
    return std::nullopt;
  // Only axes of size 1 may follow.
  bool isLast = true;
  for (int64_t i = first->axis + 1; i < raising.rank(product); ++i)
    isLast &= raising.dims(product)[i].isConstant(1);
  if (!isLast)
    return std::nullopt;
  auto covers = [&](const SliceRange &range, int64_t start, int64_t end) {
    return range.start == start && range.end >= end;
  };
  // [..., I, 2], one of the last: before the halves, which are the same of two
  // columns. With I = 1 both layouts are one.
  if (first->step == 1 && *size == 2 && first->start == 0 && first->end == 1 &&
      covers(*second, 1, 2))
    return FusedHalves{pattern.takeViews(product), GateUpLayout::Interleaved};
  // Halves of whole rows: [..., k · 2I] would give whole slots to each.
  Value rows = product;
  while (isa_and_nonnull<onnx::ReshapeOp, onnx::CastOp>(rows.getDefiningOp()))
    rows = rows.getDefiningOp()->getOperand(0);
  SmallVector<SymbolicExpression> wide = wideSizes(raising.dims(rows));
  bool isRow = !wide.empty() && wide.back().isConstant(*size);
  if (isRow && first->step == 1 && first->start == 0 &&
      first->end == *size / 2 && covers(*second, *size / 2, *size))
    return FusedHalves{product, GateUpLayout::Concatenated};
  if (first->step == 2 && first->start == 0 && second->start == 1 &&
      first->end >= *size - 1 && second->end >= *size)
    return FusedHalves{product, GateUpLayout::Interleaved};
  if (second->start == 0 && first->start != 0)
    pattern.fail(gate.getDefiningOp(),
                 "the gate is the second part of its product");
  else
    pattern.fail(gate.getDefiningOp(), "gate and up are no halves");
  return std::nullopt;
}
