// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-gated-mlp: dense SwiGLU and relatives become trine.gated_mlp.
#include "RaiseMoE.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEGATEDMLP
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Whether the operator can say it: rows that stay where they are, and
/// matrices and biases of sizes that fit. Gate and up may have been reshaped or
/// broadcast between the products.
static bool checkSizes(MoEPattern &pattern, Operation *last, Value result,
                       const LinearLayer &gate, const LinearLayer *up,
                       const LinearLayer &down) {
  Raising &raising = pattern.raising;
  auto sizeOf = [&](const LinearLayer &layer, bool output) {
    return raising.dims(layer.weight)[output != layer.transposed ? 1 : 0];
  };
  ArrayRef<SymbolicExpression> inputs = raising.dims(gate.input),
                               results = raising.dims(result);
  SymbolicExpression inner = sizeOf(down, false);
  if (inputs.empty() || inputs.size() != results.size() ||
      inputs.drop_back() != results.drop_back() ||
      results.back() != sizeOf(down, true))
    return pattern.fail(last, "its result has other rows than its input");
  if (sizeOf(gate, true) != (up ? inner : inner * 2) ||
      (up && sizeOf(*up, true) != inner))
    return pattern.fail(last, "the sizes of its weights do not agree");
  return true;
}

/// The network that ends with the product `last`; false also where `last` is
/// nothing of the kind.
static bool raiseGatedMLP(MoEPattern &pattern, Operation *last) {
  Raising &raising = pattern.raising;
  Value result = last->getResult(0);
  // The bias of the last product follows it.
  if (auto add = result.hasOneUse()
                     ? dyn_cast<onnx::AddOp>(*result.user_begin())
                     : nullptr) {
    Value bias = add->getOperand(add->getOperand(0) == result ? 1 : 0);
    if (isWeight(bias) && raising.rank(bias) == 1 &&
        isColumnBias(raising, bias, result)) {
      last = add;
      result = add->getResult(0);
    }
  }
  std::optional<LinearLayer> down = takeLinear(pattern, result);
  if (!down)
    return false;
  std::optional<GatedActivation> activation =
      takeActivation(pattern, down->input);
  if (!activation || !activation->gate) {
    // Other networks than gated ones are none of this pass's business.
    return false;
  }
  std::optional<LinearLayer> gate, up;
  std::optional<GateUpLayout> layout;
  if (std::optional<FusedHalves> halves =
          takeHalves(pattern, activation->gate, activation->up)) {
    layout = halves->layout;
    gate = takeLinear(pattern, halves->product);
  } else if (!pattern.failed()) {
    gate = takeLinear(pattern, activation->gate);
    up = takeLinear(pattern, activation->up);
    if (gate && up && gate->input != up->input)
      return pattern.fail(last, "gate and up have different inputs");
    if (!up)
      return false;
  }
  if (!gate)
    return false;
  SmallVector<LinearLayer *> layers{&*down, &*gate};
  if (up)
    layers.push_back(&*up);
  for (LinearLayer *layer : layers) {
    if (!isWeight(layer->weight))
      return pattern.fail(last, "one of its matrices is no weight");
    if (layer->weight.getType() != down->weight.getType() &&
        getElementTypeOrSelf(layer->weight.getType()) !=
            getElementTypeOrSelf(down->weight.getType()))
      // No test: products without casts between have one type.
      return pattern.fail(last, "its matrices have different types");
  }
  Type type = getElementTypeOrSelf(gate->input.getType());
  if (getElementTypeOrSelf(result.getType()) != type)
    // No test: products without casts between have one type.
    return pattern.fail(last, "its result has another type than its input");
  if (!checkSizes(pattern, last, result, *gate, up ? &*up : nullptr, *down))
    return false;
  if (Operation *user = pattern.findOutsideUse(result))
    return pattern.fail(user, "a value inside of it is used here");
  for (LinearLayer *layer : layers) {
    if (layer->transposed)
      layer->weight = raising.transpose(last, layer->weight, {1, 0});
    layer->bias = columnBias(raising, last, layer->bias);
  }
  ImplicitLocOpBuilder b = raising.builderBefore(last);
  auto op = GatedMLPOp::create(
      b, result.getType(), gate->input, gate->weight, down->weight,
      up ? up->weight : Value(), gate->bias, up ? up->bias : Value(),
      down->bias, activation->activation,
      layout ? GateUpLayoutAttr::get(b.getContext(), *layout)
             : GateUpLayoutAttr(),
      activation->clamp ? b.getF64FloatAttr(*activation->clamp) : FloatAttr(),
      APFloat(activation->alpha), APFloat(activation->beta));
  if (failed(raising.visit(op))) {
    raising.eraseIfDead(op);
    // No test: all were compared above.
    return pattern.fail(last, "its sizes contradict each other");
  }
  raising.replace(result, op, up ? "gated-mlp" : "gated-mlp-fused",
                  pattern.ops());
  return true;
}

namespace {
struct RaiseGatedMLP
    : RaisingPass<trine::impl::TrineRaiseGatedMLPBase<RaiseGatedMLP>> {
  void raise(Raising &raising) override {
    SmallVector<Operation *> products;
    getOperation().walk([&](Operation *op) {
      if (isa<onnx::MatMulOp, onnx::GemmOp>(op) &&
          isa<func::FuncOp>(op->getParentOp()))
        products.push_back(op);
    });
    for (Operation *op : products) {
      if (!Raising::isLinked(op))
        continue;
      MoEPattern pattern(raising);
      if (raiseGatedMLP(pattern, op)) {
        ++numRaised;
      } else if (pattern.failed()) {
        raising.missed(op, "a gated network", pattern.miss);
        ++numMissed;
      }
    }
  }
};
} // namespace
