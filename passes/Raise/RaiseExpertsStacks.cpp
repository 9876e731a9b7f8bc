// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weights of experts that are written out one by one, as stacks.
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

/// The tensor of which `matrix` is slice `index` along axis 0.
static Value stackOf(Raising &raising, Value matrix, int64_t &index) {
  while (auto reshape = producer<onnx::ReshapeOp>(matrix))
    matrix = reshape->getOperand(0);
  std::optional<SliceRange> range = sliceOf(raising, matrix);
  if (!range || range->axis != 0 || range->end != range->start + 1 ||
      raising.rank(range->input) != 3)
    return Value();
  index = range->start;
  return range->input;
}

bool ExpertStack::check(MoEPattern &pattern) {
  Raising &raising = pattern.raising;
  int64_t index;
  Value stack = stackOf(raising, layers[0].weight, index);
  for (auto [expert, layer] : llvm::enumerate(layers)) {
    Operation *node = layer.weight.getDefiningOp();
    if (!isWeight(layer.weight))
      return pattern.fail(node, "the matrix of expert " + Twine(expert) +
                                    " is no weight");
    if (static_cast<bool>(layer.bias) != static_cast<bool>(layers[0].bias))
      return pattern.fail(node, "only some of expert " + Twine(expert) +
                                    " and expert 0 have a bias");
    if (layer.bias && !isWeight(layer.bias))
      return pattern.fail(node, "the bias of expert " + Twine(expert) +
                                    " is no weight of one number a column");
    if (layer.transposed != layers[0].transposed ||
        raising.dims(layer.weight) != raising.dims(layers[0].weight) ||
        layer.weight.getType() != layers[0].weight.getType())
      return pattern.fail(node, "the matrix of expert " + Twine(expert) +
                                    " has another form than that of expert 0");
    Value own = stackOf(raising, layer.weight, index);
    if (own != stack)
      return pattern.fail(node, "the matrix of expert " + Twine(expert) +
                                    " is of another stack than that of "
                                    "expert 0");
    if (stack && index != static_cast<int64_t>(expert))
      return pattern.fail(node, "expert " + Twine(expert) + " has matrix " +
                                    Twine(index) + " of the stack");
  }
  if (stack &&
      raising.staticDim(stack, 0) != std::optional<int64_t>(layers.size()))
    return pattern.fail(layers[0].weight.getDefiningOp(),
                        "the stack of weights has " +
                            raising.dims(stack)[0].str() + " matrices for " +
                            Twine(layers.size()) + " experts");
  return true;
}

Value ExpertStack::buildBias(Raising &raising, Operation *before) {
  if (!layers[0].bias)
    return Value();
  SmallVector<Value> parts;
  for (const LinearLayer &layer : layers)
    parts.push_back(raising.reshape(
        before, layer.bias,
        {1, raising.dims(layer.bias).back().getConstant().value_or(-1)}));
  return raising.concat(before, parts, 0);
}

Value ExpertStack::build(MoEPattern &pattern, Operation *before) {
  Raising &raising = pattern.raising;
  int64_t index;
  Value stack = stackOf(raising, layers[0].weight, index);
  if (!stack) {
    SmallVector<Value> parts;
    std::optional<int64_t> rows = raising.staticDim(layers[0].weight, 0),
                           columns = raising.staticDim(layers[0].weight, 1);
    if (!rows || !columns)
      return Value();
    for (const LinearLayer &layer : layers)
      parts.push_back(
          raising.reshape(before, layer.weight, {1, *rows, *columns}));
    stack = raising.concat(before, parts, 0);
  } else {
    // A slice may have been reshaped to the matrix; the stack is [E, r, c].
    SmallVector<int64_t> sizes{static_cast<int64_t>(layers.size())};
    for (int64_t i = 0; i < 2; ++i)
      sizes.push_back(raising.staticDim(layers[0].weight, i).value_or(-1));
    if (raising.staticDim(stack, 1) != std::optional<int64_t>(sizes[1]))
      stack = raising.reshape(before, stack, sizes);
  }
  return layers[0].transposed ? stack
                              : raising.transpose(before, stack, {0, 2, 1});
}

bool mlir::trine::takeExpertLayers(MoEPattern &pattern, int64_t expert,
                                   Value output, Operation *node,
                                   ExpertLayers &layers) {
  std::string who = "expert " + std::to_string(expert);
  std::optional<LinearLayer> down =
      takeLinear(pattern, pattern.takeViewsAndWidening(output));
  if (!down)
    return pattern.fail(node, who + " does not end with a product");
  layers.down = *down;
  std::optional<GatedActivation> activation =
      takeActivation(pattern, pattern.takeViews(down->input));
  if (!activation)
    return pattern.fail(node,
                        "the activation of " + who + " is not a known one");
  layers.activation = *activation;
  std::optional<LinearLayer> first, second;
  if (!activation->gate) {
    layers.layout = GateUpLayout::UpOnly;
    first = takeLinear(pattern, activation->up);
  } else if (std::optional<FusedHalves> halves =
                 takeHalves(pattern, activation->gate, activation->up)) {
    layers.layout = halves->layout;
    first = takeLinear(pattern, halves->product);
  } else if (pattern.failed()) {
    return false;
  } else {
    first = takeLinear(pattern, activation->gate);
    second = takeLinear(pattern, activation->up);
    if (!second || (first && first->input != second->input))
      return pattern.fail(node, "gate and up of " + who +
                                    " are no products of one input");
    layers.second = *second;
  }
  if (!first)
    return pattern.fail(node,
                        "the activation's input of " + who + " is no product");
  layers.first = *first;
  if (second &&
      static_cast<bool>(first->bias) != static_cast<bool>(second->bias))
    return pattern.fail(node,
                        "only one of gate and up of " + who + " has a bias");
  return true;
}

bool UnrolledExperts::add(MoEPattern &pattern, const ExpertLayers &layers,
                          Operation *node) {
  if (first.size() == 0)
    reference = layers;
  const GatedActivation &a = layers.activation, &b = reference.activation;
  if (a.activation != b.activation || a.clamp != b.clamp ||
      a.alpha != b.alpha || a.beta != b.beta ||
      layers.layout != reference.layout ||
      static_cast<bool>(layers.second.weight) !=
          static_cast<bool>(reference.second.weight))
    return pattern.fail(node, "expert " + Twine(first.size()) +
                                  " has another activation than expert 0");
  first.add(layers.first);
  down.add(layers.down);
  if (layers.second.weight)
    second.add(layers.second);
  return true;
}

bool UnrolledExperts::finish(MoEPattern &pattern, ExpertsMatch &match) {
  if (!first.check(pattern) || !down.check(pattern) ||
      (second.size() && !second.check(pattern)))
    return false;
  match.activation = reference.activation;
  match.layout = reference.layout;
  Operation *before = match.result.getDefiningOp();
  match.wDown = down.build(pattern, before);
  match.wGateUp = first.build(pattern, before);
  match.bDown = down.buildBias(pattern.raising, before);
  match.bGateUp = first.buildBias(pattern.raising, before);
  if (second.size()) {
    match.wGateUp = pattern.raising.concat(
        before, {match.wGateUp, second.build(pattern, before)}, 1);
    if (match.bGateUp)
      match.bGateUp = pattern.raising.concat(
          before, {match.bGateUp, second.buildBias(pattern.raising, before)},
          1);
  }
  return true;
}
