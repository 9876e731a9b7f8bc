// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RaiseMoE.h"

#include <limits>

using namespace mlir;
using namespace mlir::trine;

//===----------------------------------------------------------------------===//
// Views, weights, slices, products
//===----------------------------------------------------------------------===//

Operation *MoEPattern::findOutsideUse(ValueRange results) {
  // Views of views from outside are such, too.
  llvm::DenseMap<Operation *, bool> fromOutside;
  auto comesFromOutside = [&](auto &self, Operation *op) -> bool {
    if (!op || !matched.contains(op))
      return true;
    if (!isa<onnx::ReshapeOp, onnx::CastOp, onnx::ExpandOp, onnx::RangeOp>(op))
      return false;
    auto [entry, isNew] = fromOutside.try_emplace(op, false);
    if (!isNew)
      return entry->second;
    bool all = llvm::all_of(op->getOperands(), [&](Value operand) {
      return self(self, operand.getDefiningOp());
    });
    return fromOutside[op] = all;
  };
  SmallVector<Operation *> inner;
  for (Operation *op : matched)
    if (!comesFromOutside(comesFromOutside, op))
      inner.push_back(op);
  // Views count as users that are inside.
  llvm::SmallPtrSet<Operation *, 32> inside(matched.begin(), matched.end());
  for (Operation *op : inner)
    for (Value result : op->getResults()) {
      if (llvm::is_contained(results, result))
        continue;
      for (Operation *user : result.getUsers())
        if (!inside.contains(user))
          return user;
    }
  return nullptr;
}

Value MoEPattern::takeViews(Value value) {
  while (auto reshape = take<onnx::ReshapeOp>(value))
    value = reshape->getOperand(0);
  return value;
}

Value MoEPattern::takeViewsAndWidening(Value value) {
  while (true) {
    value = takeViews(value);
    auto cast = producer<onnx::CastOp>(value);
    if (!cast || skipWideningCasts(value) == value)
      return value;
    matched.insert(cast);
    value = cast->getOperand(0);
  }
}

bool mlir::trine::isWeight(Value value) {
  for (unsigned depth = 0; depth < 16; ++depth) {
    Operation *op = value ? value.getDefiningOp() : nullptr;
    if (!op)
      return false;
    if (isa<onnx::InitializerOp, onnx::ConstantOp>(op))
      return true;
    if (isa<onnx::ConcatOp>(op))
      return llvm::all_of(op->getOperands(), [](Value part) {
        Operation *maker = part.getDefiningOp();
        return isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp,
                               onnx::ReshapeOp, onnx::SliceOp,
                               onnx::TransposeOp>(maker) &&
               (maker->getNumOperands() == 0 ||
                isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp>(
                    maker->getOperand(0).getDefiningOp()));
      });
    if (!isa<onnx::ReshapeOp, onnx::TransposeOp, onnx::SliceOp, onnx::CastOp>(
            op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

std::optional<SmallVector<int64_t>> mlir::trine::reducedAxes(Raising &raising,
                                                             Operation *op) {
  Value input = op->getOperand(0);
  SmallVector<int64_t> axes;
  if (op->getNumOperands() < 2 || isa<NoneType>(op->getOperand(1).getType())) {
    for (int64_t i = 0; i < raising.rank(input); ++i)
      axes.push_back(i);
    return axes;
  }
  std::optional<SmallVector<int64_t>> given =
      constantIntegers(op->getOperand(1));
  if (!given || given->empty())
    return std::nullopt;
  for (int64_t axis : *given)
    axes.push_back(raising.normalAxis(axis, input));
  return axes;
}

bool mlir::trine::reducesAxis(Raising &raising, Operation *op, int64_t axis) {
  std::optional<SmallVector<int64_t>> axes = reducedAxes(raising, op);
  return axes && axes->size() == 1 &&
         axes->front() == raising.normalAxis(axis, op->getOperand(0));
}

std::optional<SliceRange> mlir::trine::sliceOf(Raising &raising, Value value) {
  auto slice = producer<onnx::SliceOp>(value);
  if (!slice || slice->getNumOperands() < 5)
    return std::nullopt;
  std::optional<int64_t> numbers[4];
  for (unsigned i = 0; i < 4; ++i) {
    numbers[i] = constantInteger(slice->getOperand(i + 1));
    if (!numbers[i])
      return std::nullopt;
  }
  Value input = slice->getOperand(0);
  int64_t axis = raising.normalAxis(*numbers[2], input);
  if (axis < 0 || axis >= raising.rank(input) || *numbers[3] < 1)
    return std::nullopt;
  return SliceRange{input, axis, *numbers[0], *numbers[1], *numbers[3]};
}

std::optional<LinearLayer> mlir::trine::takeLinear(MoEPattern &pattern,
                                                   Value value) {
  size_t mark = pattern.mark();
  LinearLayer layer;
  if (auto add = producer<onnx::AddOp>(value)) {
    for (unsigned i : {1u, 0u}) {
      Value bias = add->getOperand(i), product = add->getOperand(1 - i);
      if (isWeight(bias) && pattern.raising.rank(bias) == 1 &&
          isa_and_nonnull<onnx::MatMulOp>(product.getDefiningOp())) {
        pattern.add(add);
        layer.bias = bias;
        value = product;
        break;
      }
    }
  }
  if (auto matmul = pattern.take<onnx::MatMulOp>(value)) {
    layer.input = matmul->getOperand(0);
    layer.weight = matmul->getOperand(1);
  } else if (auto gemm = pattern.take<onnx::GemmOp>(value);
             gemm && gemm.getAlpha().convertToDouble() == 1 &&
             gemm.getTransA() == 0) {
    layer.input = gemm->getOperand(0);
    layer.weight = gemm->getOperand(1);
    layer.transposed = gemm.getTransB() != 0;
    if (gemm->getNumOperands() > 2 &&
        !isa<NoneType>(gemm->getOperand(2).getType())) {
      if (gemm.getBeta().convertToDouble() != 1) {
        pattern.rollback(mark);
        return std::nullopt;
      }
      layer.bias = gemm->getOperand(2);
    }
  } else {
    pattern.rollback(mark);
    return std::nullopt;
  }
  return layer;
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

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

/// The value before a limit to at most `high` (and at least `low`, if given).
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
        low = *from;
      if (*to < 1e38)
        high = *to;
      pattern.add(clip);
      value = clip->getOperand(0);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (isa_and_nonnull<onnx::MinOp, onnx::MaxOp>(op)) {
      std::optional<NumberOperand> parts = splitNumber(op);
      if (!parts)
        return value;
      (isa<onnx::MinOp>(op) ? high : low) = parts->number;
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
  if (first->step == 1 && first->start == 0 && first->end == *size / 2 &&
      covers(*second, *size / 2, *size))
    return FusedHalves{product, GateUpLayout::Concatenated};
  if (first->step == 2 && first->start == 0 && second->start == 1 &&
      first->end >= *size - 1 && second->end >= *size)
    return FusedHalves{product, GateUpLayout::Interleaved};
  // [..., I, 2], one of the last.
  if (first->step == 1 && *size == 2 && first->start == 0 && first->end == 1 &&
      covers(*second, 1, 2))
    return FusedHalves{pattern.takeViews(product), GateUpLayout::Interleaved};
  if (second->start == 0 && first->start != 0)
    pattern.fail(gate.getDefiningOp(),
                 "the gate is the second part of its product");
  else
    pattern.fail(gate.getDefiningOp(), "gate and up are no halves");
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Stacks of weights
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Unrolled experts
//===----------------------------------------------------------------------===//

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
  if (down->bias || first->bias || (second && second->bias))
    return pattern.fail(node, who + " has a bias");
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
  if (second.size())
    match.wGateUp = pattern.raising.concat(
        before, {match.wGateUp, second.build(pattern, before)}, 1);
  return true;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Value mlir::trine::takeFinalCast(MoEPattern &pattern, Value value,
                                 Value input) {
  Type type = getElementTypeOrSelf(input.getType());
  if (getElementTypeOrSelf(value.getType()) == type)
    return value;
  // Reshapes may lie in between.
  Value next = value;
  while (next.hasOneUse()) {
    Operation *user = *next.user_begin();
    if (!isa<onnx::CastOp, onnx::ReshapeOp>(user) ||
        user->getOperand(0) != next)
      break;
    pattern.add(user);
    next = user->getResult(0);
    if (getElementTypeOrSelf(next.getType()) == type)
      return next;
  }
  pattern.fail(value.getDefiningOp(),
               "its result has another type than its input");
  return Value();
}

Value mlir::trine::takeSlotSource(MoEPattern &pattern, Value value, int64_t k) {
  while (true) {
    ArrayRef<SymbolicExpression> dims = pattern.raising.dims(value);
    if (dims.size() == 2 && dims[1].isConstant(k))
      return value;
    if (auto reshape = pattern.take<onnx::ReshapeOp>(value)) {
      value = reshape->getOperand(0);
      continue;
    }
    auto cast = producer<onnx::CastOp>(value);
    if (!cast || skipWideningCasts(value) == value)
      return value;
    pattern.add(cast);
    value = cast->getOperand(0);
  }
}

Value mlir::trine::reshapeAs(Raising &raising, Operation *before, Value value,
                             Value result, Value source) {
  if (raising.haveSameShape(value, result))
    return value;
  ArrayRef<SymbolicExpression> dims = raising.dims(result);
  SmallVector<int64_t> sizes;
  for (SymbolicExpression size : dims)
    sizes.push_back(size.getConstant().value_or(-1));
  if (llvm::count(sizes, -1) <= 1)
    return raising.reshape(before, value, sizes);
  Builder b(raising.getContext());
  NamedAttribute allowZero =
      b.getNamedAttr("allowzero", b.getI64IntegerAttr(1));
  if (auto reshape = producer<onnx::ReshapeOp>(result))
    return raising.create(before, "Reshape", {value, reshape->getOperand(1)},
                          allowZero);
  if (!source || raising.rank(source) != static_cast<int64_t>(dims.size()) ||
      raising.dims(source).drop_back() != dims.drop_back() || sizes.back() < 0)
    return Value();
  Value outer = raising.create(
      before, "Shape", {source},
      {b.getNamedAttr("start", b.getI64IntegerAttr(0)),
       b.getNamedAttr("end", b.getI64IntegerAttr(dims.size() - 1))});
  Value shape = raising.create(before, "Concat",
                               {outer, raising.integers(before, sizes.back())},
                               b.getNamedAttr("axis", b.getI64IntegerAttr(0)));
  return raising.create(before, "Reshape", {value, shape}, allowZero);
}

bool mlir::trine::takeSumOfSlots(MoEPattern &pattern, onnx::ReduceSumOp sum,
                                 ExpertsMatch &match) {
  Raising &raising = pattern.raising;
  Value input = sum->getOperand(0);
  int64_t rank = raising.rank(input);
  if (rank < 3 || !reducesAxis(raising, sum, -2))
    return false;
  std::optional<int64_t> k = raising.staticDim(input, rank - 2);
  if (!k || *k < 1)
    return false;
  pattern.add(sum);
  match.k = *k;
  match.result = sum->getResult(0);
  return true;
}

bool mlir::trine::raiseExperts(MoEPattern &pattern, ExpertsMatch match) {
  Raising &raising = pattern.raising;
  Operation *before = match.result.getDefiningOp();
  const GatedActivation &activation = match.activation;
  bool hasGate = match.layout != GateUpLayout::UpOnly;
  // Sizes of the weights.
  auto dims = [&](Value value) { return raising.dims(value); };
  if (raising.rank(match.wGateUp) != 3 || raising.rank(match.wDown) != 3)
    return pattern.fail(before, "its weights are not stacked");
  std::optional<int64_t> experts = raising.staticDim(match.wDown, 0),
                         width = raising.staticDim(match.wDown, 1),
                         inner = raising.staticDim(match.wDown, 2);
  if (!experts || !width || !inner)
    return pattern.fail(before, "the sizes of its weights are not known");
  if (!dims(match.wGateUp)[0].isConstant(*experts) ||
      !dims(match.wGateUp)[1].isConstant(hasGate ? 2 * *inner : *inner) ||
      !dims(match.wGateUp)[2].isConstant(*width))
    return pattern.fail(before, "the sizes of its weights do not agree");
  if (!dims(match.input).back().isConstant(*width))
    return pattern.fail(before, "its input has " +
                                    dims(match.input).back().str() +
                                    " columns, its weights " + Twine(*width));
  Type type = getElementTypeOrSelf(match.input.getType());
  if (getElementTypeOrSelf(match.result.getType()) != type)
    return pattern.fail(before, "its result has another type than its input");
  if (!isa<FloatType>(getElementTypeOrSelf(match.weights.getType())))
    return pattern.fail(before, "the weights of its slots are no floats");

  SmallVector<Value> results{match.result};
  if (Operation *user = pattern.findOutsideUse(results))
    return pattern.fail(user, "a value inside of it is used here");

  auto flatten = [&](Value value, int64_t columns) {
    // It may have been flat before.
    for (Value source = value; source;) {
      if (raising.rank(source) == 2 && dims(source)[1].isConstant(columns))
        return source;
      auto reshape = producer<onnx::ReshapeOp>(source);
      source = reshape ? reshape->getOperand(0) : Value();
    }
    return raising.reshape(before, value, {-1, columns});
  };
  Value input = flatten(match.input, *width), ids = flatten(match.ids, match.k),
        weights = flatten(match.weights, match.k);
  if (dims(ids)[0] != dims(input)[0] || dims(weights)[0] != dims(input)[0])
    return pattern.fail(
        before,
        "ids, weights and input differ in tokens: " + dims(ids)[0].str() +
            ", " + dims(weights)[0].str() + ", " + dims(input)[0].str());
  ImplicitLocOpBuilder b = raising.builderBefore(before);
  auto op = MoEExpertsOp::create(
      b, input.getType(), input, ids, weights, match.wGateUp, match.wDown,
      match.bGateUp, match.bDown, activation.activation, match.layout,
      activation.clamp ? b.getF64FloatAttr(*activation.clamp) : FloatAttr(),
      APFloat(activation.alpha), APFloat(activation.beta));
  if (failed(raising.visit(op)))
    return pattern.fail(before, "its sizes contradict each other");
  Value value =
      reshapeAs(raising, before, op.getResult(), match.result, match.input);
  if (!value) {
    raising.eraseIfDead(op);
    return pattern.fail(before, "the shape of its result is not that of its "
                                "input");
  }
  if (match.base)
    value = raising.create(before, "Add", {value, match.base});
  raising.replace(match.result, value, op, match.form, pattern.ops());
  return true;
}
