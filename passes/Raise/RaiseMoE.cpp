// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

//===----------------------------------------------------------------------===//
// Views, weights, slices, products
//===----------------------------------------------------------------------===//

Value MoEPattern::takeViews(Value value) {
  while (auto reshape = take<onnx::ReshapeOp>(value))
    value = reshape->getOperand(0);
  return value;
}

std::optional<std::pair<Value, Value>> MoEPattern::takeRows(Value value) {
  size_t start = mark();
  value = takeViews(value);
  if (auto gather = take<onnx::GatherOp>(value)) {
    if (raising.normalAxis(gather.getAxis(), gather->getOperand(0)) == 0)
      return std::pair(gather->getOperand(0), gather->getOperand(1));
  } else if (auto gather = take<onnx::GatherNDOp>(value)) {
    Value indices = gather->getOperand(1);
    if (gather.getBatchDims() == 0 &&
        raising.dims(indices).back().isConstant(1))
      return std::pair(gather->getOperand(0), indices);
  }
  rollback(start);
  return std::nullopt;
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

bool mlir::trine::isColumnBias(Raising &raising, Value bias, Value product) {
  ArrayRef<SymbolicExpression> sizes = raising.dims(bias);
  bool isRow = sizes.size() == 2 && sizes[0].isConstant(1);
  return (sizes.size() == 1 || isRow) && raising.rank(product) > 0 &&
         sizes.back() == raising.dims(product).back();
}

Value mlir::trine::columnBias(Raising &raising, Operation *before, Value bias) {
  return bias && raising.rank(bias) == 2 ? raising.reshape(before, bias, {-1})
                                         : bias;
}

std::optional<LinearLayer> mlir::trine::takeLinear(MoEPattern &pattern,
                                                   Value value) {
  size_t mark = pattern.mark();
  LinearLayer layer;
  if (auto add = producer<onnx::AddOp>(value)) {
    for (unsigned i : {1u, 0u}) {
      Value bias = add->getOperand(i), product = add->getOperand(1 - i);
      if (isWeight(bias) && pattern.raising.rank(bias) == 1 &&
          isa_and_nonnull<onnx::MatMulOp>(product.getDefiningOp()) &&
          isColumnBias(pattern.raising, bias, product)) {
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
      if (gemm.getBeta().convertToDouble() != 1 ||
          !isColumnBias(pattern.raising, gemm->getOperand(2), value)) {
        pattern.rollback(mark);
        return std::nullopt;
      }
      layer.bias = gemm->getOperand(2);
    }
  }
  // Not the product with a vector, nor a batch of products.
  if (!layer.weight || pattern.raising.rank(layer.weight) != 2) {
    pattern.rollback(mark);
    return std::nullopt;
  }
  return layer;
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
  if (Value reshaped = raising.reshape(before, value, dims))
    return reshaped;
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

/// Each slot becomes a token of its own, whose row is scaled; its weight is 1.
static void scaleInput(Raising &raising, Operation *before, int64_t k,
                       Value &input, Value &ids, Value &weights) {
  if (k != 1) {
    int64_t width = *raising.staticDim(input, 1);
    input = raising.reshape(before, input, {-1, 1, width});
    weights = raising.reshape(before, weights, {-1, k, 1});
  }
  input = raising.create(before, "Mul", {input, weights});
  if (k != 1) {
    int64_t width = *raising.staticDim(input, 2);
    input = raising.reshape(before, input, {-1, width});
    ids = raising.reshape(before, ids, {-1, 1});
  }
  Builder b(raising.getContext());
  auto type = RankedTensorType::get({1, 1}, b.getF32Type());
  Value one = raising.create(
      before, "Constant", {},
      b.getNamedAttr("value", DenseElementsAttr::get(type, 1.0f)));
  Value shape = raising.create(before, "Shape", {ids});
  weights = raising.create(before, "Expand", {one, shape});
}

bool mlir::trine::raiseExperts(MoEPattern &pattern, ExpertsMatch match) {
  Raising &raising = pattern.raising;
  Operation *before = match.result.getDefiningOp();
  const GatedActivation &activation = match.activation;
  bool hasGate = match.layout != GateUpLayout::UpOnly;
  // Sizes of the weights.
  auto dims = [&](Value value) { return raising.dims(value); };
  if (raising.rank(match.wGateUp) != 3 || raising.rank(match.wDown) != 3)
    // No test: the forms and the operator say so.
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
    // No test: they multiply floats.
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
  bool splitsSlots = match.weightsOnInput && match.k != 1;
  if (match.weightsOnInput)
    scaleInput(raising, before, match.k, input, ids, weights);
  ImplicitLocOpBuilder b = raising.builderBefore(before);
  auto op = MoEExpertsOp::create(
      b, input.getType(), input, ids, weights, match.wGateUp, match.wDown,
      match.bGateUp, match.bDown, activation.activation, match.layout,
      activation.clamp ? b.getF64FloatAttr(*activation.clamp) : FloatAttr(),
      APFloat(activation.alpha), APFloat(activation.beta));
  if (failed(raising.visit(op))) {
    raising.eraseIfDead(op);
    // No test: all were compared above.
    return pattern.fail(before, "its sizes contradict each other");
  }
  Value value = op.getResult();
  if (splitsSlots)
    value =
        raising.create(before, "ReduceSum",
                       {raising.reshape(before, value, {-1, match.k, *width}),
                        raising.integers(before, 1)},
                       b.getNamedAttr("keepdims", b.getI64IntegerAttr(0)));
  value = reshapeAs(raising, before, value, match.result, match.input);
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
