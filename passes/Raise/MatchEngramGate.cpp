// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How gates of Engram values are written: the root, the normalised product, the
// value.
#include "RaiseEngramGate.h"

#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

//===----------------------------------------------------------------------===//
// The root
//===----------------------------------------------------------------------===//

/// The value before casts between float types: what 16-bit models round on the
/// way, the op computes in f32.
Value GateMatcher::strip(Value value, SmallVectorImpl<Operation *> &nodes) {
  Value inner = skipFloatCasts(value);
  for (; value != inner; value = value.getDefiningOp()->getOperand(0))
    nodes.push_back(value.getDefiningOp());
  return inner;
}

/// sqrt(max(|input|, floor)).
std::optional<double> GateMatcher::readFloor(Value value, Value &input,
                                             GateForm &form) {
  auto root = producer<onnx::SqrtOp>(value);
  if (!root)
    return std::nullopt;
  Operation *limit = strip(root->getOperand(0), form.matched).getDefiningOp();
  std::optional<double> floor;
  Value size;
  if (auto clip = dyn_cast_or_null<onnx::ClipOp>(limit)) {
    if (!isNone(clip.getMax()) || isNone(clip.getMin()))
      return std::nullopt;
    floor = constantNumber(clip.getMin());
    size = clip.getInput();
  } else if (isa_and_nonnull<onnx::MaxOp>(limit)) {
    if (auto parts = splitNumber(limit)) {
      floor = parts->number;
      size = parts->other;
    }
  }
  auto absolute =
      size ? producer<onnx::AbsOp>(strip(size, form.matched)) : nullptr;
  if (!absolute || !floor || *floor < 0)
    return std::nullopt;
  input = strip(absolute->getOperand(0), form.matched);
  form.matched.append({root, limit, absolute});
  return floor;
}

Value GateMatcher::readRoot(Value value, GateForm &form) {
  Operation *op = value.getDefiningOp();
  Value input;
  if (isa_and_nonnull<onnx::MulOp>(op)) {
    bool isRoot = matchEitherOrder(op, [&](Value a, Value b) {
      auto sign = producer<onnx::SignOp>(strip(a, form.matched));
      if (!sign)
        return false;
      auto floor = readFloor(strip(b, form.matched), input, form);
      if (!floor || input != strip(sign->getOperand(0), form.matched)) {
        form.matched.clear();
        return false;
      }
      form.matched.append({op, sign});
      form.root = SignedRoot::Sign;
      form.floor = *floor;
      return true;
    });
    if (!isRoot)
      form.matched.clear();
    return isRoot ? input : value;
  }
  if (auto where = dyn_cast_or_null<onnx::WhereOp>(op)) {
    Value below = where.getX(), above = where.getY();
    Operation *condition = where.getCondition().getDefiningOp();
    if (isa_and_nonnull<onnx::GreaterOrEqualOp>(condition))
      std::swap(below, above);
    else if (!isa_and_nonnull<onnx::LessOp>(condition))
      return value;
    auto negation = producer<onnx::NegOp>(below);
    if (!negation || negation->getOperand(0) != above ||
        !isConstantNumber(condition->getOperand(1), 0))
      return value;
    auto floor = readFloor(above, input, form);
    if (!floor || input != condition->getOperand(0)) {
      form.matched.clear();
      return value;
    }
    form.matched.append({op, condition, negation});
    form.root = SignedRoot::CopySign;
    form.floor = *floor;
    return input;
  }
  return value;
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

/// Numbers for each row: 1 / sqrt(D), the norms, and the sum over D.
bool GateMatcher::readScalars(Value value, bool divides, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 16)
    return false;
  if (std::optional<double> number = constantNumber(value)) {
    factor = divides ? factor / *number : factor * *number;
    return true;
  }
  scalars.push_back(value);
  if (isa<onnx::MulOp>(op)) {
    matched->push_back(op);
    return readScalars(op->getOperand(0), divides, depth + 1) &&
           readScalars(op->getOperand(1), divides, depth + 1);
  }
  if (skipFloatCasts(value) != value)
    return readScalars(strip(value, *matched), divides, depth + 1);
  if (isa<onnx::ReshapeOp>(op)) {
    matched->push_back(op);
    return readScalars(op->getOperand(0), divides, depth + 1);
  }
  // Both 1 / sqrt(x), and a factor divided by sqrt(x).
  if (isa<onnx::DivOp>(op)) {
    matched->push_back(op);
    return readScalars(op->getOperand(0), divides, depth + 1) &&
           readScalars(op->getOperand(1), !divides, depth + 1);
  }
  if (isa<onnx::SqrtOp>(op) && divides) {
    auto norm = matchMeanSquare(raising, op->getOperand(0));
    if (!norm)
      return false;
    matched->push_back(op);
    matched->append(norm->nodes.begin(), norm->nodes.end());
    norms.push_back(*norm);
    return true;
  }
  if (isa<onnx::ReduceSumOp>(op) && !divides && !dot) {
    auto axes = reducedAxes(raising, op);
    Value input = op->getOperand(0);
    if (!axes || axes->size() != 1)
      return false;
    if ((*axes)[0] + 1 != raising.rank(input))
      return fail(op, "the product is not summed over the last dimension");
    matched->push_back(op);
    dot = input;
    return true;
  }
  return false;
}

bool GateMatcher::isWeight(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return false;
  if (isa<onnx::InitializerOp, onnx::ConstantOp>(op))
    return true;
  return isa<onnx::ReshapeOp, onnx::MulOp, onnx::TransposeOp, onnx::SliceOp,
             onnx::ConcatOp>(op) &&
         op->getNumOperands() <= 2 &&
         llvm::all_of(op->getOperands(), [](Value operand) {
           return isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp>(
               operand.getDefiningOp());
         });
}

/// Factors of the sum's elements: the sides, their weights and norms.
bool GateMatcher::readVectors(Value value, unsigned depth) {
  if (depth > 16)
    return false;
  // What is rounded between the factors; a side is what it is.
  if (Value inner = skipFloatCasts(value);
      isa_and_nonnull<onnx::MulOp, onnx::DivOp, RMSNormOp>(
          inner.getDefiningOp()))
    value = strip(value, *matched);
  value = skipWideningCasts(value);
  Operation *op = value.getDefiningOp();
  if (auto norm = dyn_cast_or_null<RMSNormOp>(op)) {
    Side side;
    side.input = norm.getInput();
    side.epsilon = norm.getEpsilon().convertToDouble();
    if (norm.getWeight())
      side.weights.push_back(norm.getWeight());
    sides.push_back(side);
    matched->push_back(norm);
    return true;
  }
  if (isWeight(value)) {
    weights.push_back(value);
    return true;
  }
  if (isa_and_nonnull<onnx::MulOp>(op)) {
    matched->push_back(op);
    return readVectors(op->getOperand(0), depth + 1) &&
           readVectors(op->getOperand(1), depth + 1);
  }
  // x / sqrt(mean(x²) + epsilon), where no weight follows.
  if (auto division = dyn_cast_or_null<onnx::DivOp>(op)) {
    auto root = producer<onnx::SqrtOp>(division->getOperand(1));
    auto norm =
        root ? matchMeanSquare(raising, root->getOperand(0)) : std::nullopt;
    if (norm) {
      matched->append({op, root});
      matched->append(norm->nodes.begin(), norm->nodes.end());
      norms.push_back(*norm);
      if (raising.rank(root->getResult(0)) != raising.rank(dot))
        return fail(op, "a norm is not one number for each row");
      scalars.push_back(root->getResult(0));
      return isConstantNumber(division->getOperand(0), 1) ||
             readVectors(division->getOperand(0), depth + 1);
    }
  }
  sides.push_back({value, std::nullopt, {}});
  return true;
}

Value GateMatcher::rootOf(Value value) {
  for (unsigned steps = 0; steps < 8; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<onnx::AddOp, onnx::ReshapeOp, onnx::SliceOp,
                         onnx::MatMulOp, onnx::GemmOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Whether each number of `value` belongs to the row of the product at its
/// place: [.., 1], or [..] where none of its sizes is that of the row.
bool GateMatcher::isPerRow(Value value) {
  ArrayRef<SymbolicExpression> sizes = raising.dims(value),
                               rows = raising.dims(dot).drop_back();
  if (sizes.size() == rows.size() + 1 && sizes.back().isConstant(1))
    sizes = sizes.drop_back();
  return sizes.size() == rows.size() &&
         llvm::all_of(llvm::zip_equal(sizes, rows), [](auto pair) {
           auto [size, row] = pair;
           return size == row || size.isConstant(1);
         });
}

bool GateMatcher::readProduct(Value value, GateForm &form) {
  dot = {};
  factor = 1;
  norms.clear();
  weights.clear();
  sides.clear();
  scalars.clear();
  matched = &form.matched;
  if (!readScalars(value, false, 0) || !dot || !readVectors(dot, 0))
    return false;
  if (sides.size() != 2)
    return fail(dot.getDefiningOp(),
                "the product has " + Twine(sides.size()) + " sides, not two");
  if (sides[0].input == sides[1].input)
    return fail(dot.getDefiningOp(), "both sides are one value");
  for (Value scalar : scalars)
    if (!isPerRow(scalar))
      return fail(scalar.getDefiningOp(),
                  "a norm is not one number for each row");
  // Streams that are still one value (an embedding) are repeated for the norm
  // alone: the product broadcasts them.
  for (Side &side : sides)
    for (const MeanSquare &norm : norms)
      if (auto expand = producer<onnx::ExpandOp>(skipWideningCasts(norm.input));
          expand && expand.getInput() == skipWideningCasts(side.input))
        side.input = expand.getResult();
  int64_t rank = raising.rank(sides[0].input);
  if ((rank != 3 && rank != 4) ||
      !raising.haveSameShape(sides[0].input, sides[1].input))
    return false;
  std::optional<int64_t> width = raising.staticDim(sides[0].input, rank - 1);
  if (!width || *width < 1)
    return false;
  for (const MeanSquare &norm : norms) {
    Value input = skipReshapes(skipWideningCasts(norm.input));
    Side *side = nullptr;
    for (Side &candidate : sides)
      if (skipReshapes(skipWideningCasts(candidate.input)) == input)
        side = &candidate;
    bool isOfRows = raising.rank(norm.input) > 0 &&
                    raising.dims(norm.input).back().isConstant(*width);
    if (!side || !isOfRows)
      return fail(norm.nodes.back(), "a norm is that of another value");
    if (side->epsilon)
      return fail(norm.nodes.back(), "a side is divided by its norm twice");
    side->epsilon = norm.epsilon;
  }
  for (Side &side : sides)
    if (!side.epsilon)
      return fail(dot.getDefiningOp(), "a side of the product is no norm");
  if (sides[0].epsilon != sides[1].epsilon)
    return fail(dot.getDefiningOp(), "its norms have the epsilons " +
                                         describe(*sides[0].epsilon) + " and " +
                                         describe(*sides[1].epsilon));
  double expected = 1 / std::sqrt(static_cast<double>(*width));
  if (!(std::abs(factor - expected) <= 1e-6 * expected))
    return fail(dot.getDefiningOp(),
                "the product is scaled by " + describe(factor) +
                    ", not by 1 / sqrt(" + Twine(*width) + ")");
  // Weights that belong to both sides count for one of them.
  int64_t streams =
      rank == 4 ? raising.staticDim(sides[0].input, 2).value_or(0) : 1;
  for (Value weight : weights) {
    ArrayRef<SymbolicExpression> dims = raising.dims(weight);
    int64_t elements = 1;
    for (SymbolicExpression size : dims)
      elements *= size.getConstant().value_or(0);
    if (dims.empty() || !dims.back().isConstant(*width) ||
        (elements != *width && elements != streams * *width))
      return fail(weight.getDefiningOp(), "a weight has another size");
  }
  sides[0].weights.append(weights);
  if (getElementTypeOrSelf(sides[0].input.getType()) !=
      getElementTypeOrSelf(sides[1].input.getType()))
    return fail(dot.getDefiningOp(),
                "the product's sides have different types");
  for (const Side &side : sides)
    for (Value weight : side.weights)
      if (getElementTypeOrSelf(weight.getType()) !=
          getElementTypeOrSelf(side.weights.front().getType()))
        return fail(weight.getDefiningOp(),
                    "the weights of one side have different types");
  form.key = sides[0];
  form.query = sides[1];
  return true;
}

//===----------------------------------------------------------------------===//
// The result
//===----------------------------------------------------------------------===//

bool GateMatcher::readResult(onnx::SigmoidOp op, GateForm &form) {
  Value gate = op->getResult(0);
  form.matched.push_back(op);
  Operation *user = nullptr;
  // [B, S, M] becomes [B, S, M, 1] somewhere.
  for (unsigned steps = 0; steps < 4; ++steps) {
    if (!gate.hasOneUse())
      return fail(op, "the gate is used more than once");
    user = *gate.getUsers().begin();
    form.matched.push_back(user);
    if (!isa<onnx::ReshapeOp>(user) &&
        (!isa<onnx::CastOp>(user) ||
         !isa<FloatType>(getElementTypeOrSelf(user->getResult(0).getType()))))
      break;
    gate = user->getResult(0);
  }
  if (!isa<onnx::MulOp>(user))
    return fail(user, "the gate does not multiply a value");
  Value value = user->getOperand(user->getOperand(0) == gate ? 1 : 0);
  form.result = user->getResult(0);
  if (!raising.haveSameShape(form.result, form.key.input) ||
      !raising.isOnePerRow(gate, form.result))
    return fail(user, "the value has other sizes than the product's sides");
  if (getElementTypeOrSelf(form.result.getType()) !=
      getElementTypeOrSelf(form.key.input.getType()))
    return fail(user, "the result has another type than the product's sides");
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  SmallVector<SymbolicExpression> expected(raising.dims(form.result));
  if (expected.size() == 4) {
    if (dims.size() != 4 || !dims[2].isConstant(1))
      return fail(user, "the value is not shared by the streams");
    expected.erase(expected.begin() + 2);
    auto reshape = producer<onnx::ReshapeOp>(value);
    if (reshape && raising.dims(reshape->getOperand(0)) ==
                       ArrayRef<SymbolicExpression>(expected))
      value = reshape->getOperand(0);
    form.value = value;
    return true;
  }
  form.value = value;
  return dims == ArrayRef<SymbolicExpression>(expected);
}

std::optional<GateForm> GateMatcher::match(onnx::SigmoidOp op) {
  miss = {};
  GateForm form;
  Value product = readRoot(skipFloatCasts(op->getOperand(0)), form);
  strip(op->getOperand(0), form.matched);
  bool isSpecific = form.root != SignedRoot::None;
  if (!readProduct(product, form) || !readResult(op, form)) {
    // A sigmoid of some quotient is nothing special.
    if (!isSpecific)
      miss = {};
    else
      fail(op, "what is rooted is no product of two norms");
    return std::nullopt;
  }
  // Which side is which does not matter for the numbers.
  Value rows = rootOf(form.value);
  if (rootOf(form.key.input) != rows && rootOf(form.query.input) == rows)
    std::swap(form.key, form.query);
  SmallVector<Operation *> inner(form.matched);
  if (Operation *user = raising.findOutsideUse(inner, form.result)) {
    fail(user, "a part of it is used elsewhere");
    return std::nullopt;
  }
  return form;
}
