// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Experts that all run on all tokens, as one product with a batch of experts:
// the tokens repeated for each, weights [tokens, experts] that are zero but
// for the chosen ones, on the results or on the inputs, and a sum over experts.
#include "ExpertChoices.h"
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

/// rows [E, N, in] · weight [E, in, out] + bias.
struct BatchedProduct {
  Value rows, weight, bias;
};

class StackedMatcher {
public:
  StackedMatcher(MoEPattern &pattern, int64_t experts)
      : pattern(pattern), raising(pattern.raising), experts(experts) {}

  bool match(onnx::ReduceSumOp sum, ExpertsMatch &match);

private:
  std::optional<BatchedProduct> takeProduct(Value value);
  Value takeBias(Value value);
  Value takeRepeated(Value value);
  bool takeWeights(Value value, ExpertsMatch &match);
  bool takeInput(Value rows, ExpertsMatch &match);
  bool isStackOfWeights(Value value) {
    return raising.rank(value) == 3 && isWeight(value) &&
           raising.dims(value)[0].isConstant(experts);
  }
  Value transposed(Operation *before, Value weight);

  MoEPattern &pattern;
  Raising &raising;
  int64_t experts;
};

} // namespace

/// A bias [E, out] under [E, 1, out]; null if it is none.
Value StackedMatcher::takeBias(Value value) {
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  if (dims.size() < 3 || !dims[0].isConstant(experts) || !isWeight(value))
    return Value();
  for (SymbolicExpression size : dims.drop_front().drop_back())
    if (!size.isConstant(1))
      return Value();
  return value;
}

std::optional<BatchedProduct> StackedMatcher::takeProduct(Value value) {
  size_t mark = pattern.mark();
  BatchedProduct product;
  value = pattern.takeViewsAndWidening(value);
  if (auto add = pattern.take<onnx::AddOp>(value)) {
    for (unsigned i : {1u, 0u})
      if (!product.bias)
        if ((product.bias = takeBias(add->getOperand(i))))
          value = pattern.takeViewsAndWidening(add->getOperand(1 - i));
  }
  auto matmul = pattern.take<onnx::MatMulOp>(value);
  if (!matmul || !isStackOfWeights(matmul->getOperand(1))) {
    pattern.rollback(mark);
    return std::nullopt;
  }
  product.rows = matmul->getOperand(0);
  product.weight = matmul->getOperand(1);
  return product;
}

/// The tokens of which `value`, seen as [E, N, D], is a copy for each expert.
Value StackedMatcher::takeRepeated(Value value) {
  size_t mark = pattern.mark();
  Value source = pattern.takeViews(value);
  if (auto expand = pattern.take<onnx::ExpandOp>(source)) {
    Value input = expand->getOperand(0);
    ArrayRef<SymbolicExpression> from = raising.dims(input),
                                 to = raising.dims(source);
    if (to.size() >= 2 && to[0].isConstant(experts) &&
        (from.size() + 1 == to.size() ||
         (from.size() == to.size() && from[0].isConstant(1))) &&
        from.take_back(to.size() - 1) == to.drop_front())
      return pattern.takeViews(input);
  } else if (auto concat = pattern.take<onnx::ConcatOp>(source)) {
    if (concat->getNumOperands() == static_cast<unsigned>(experts) &&
        llvm::all_equal(concat->getOperands()) &&
        raising.normalAxis(concat.getAxis(), source) == 0)
      return pattern.takeViews(concat->getOperand(0));
  }
  pattern.rollback(mark);
  // Rows that the product repeats itself: [N, D] or [1, N, D].
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  if (dims.size() == 2 || (dims.size() == 3 && dims[0].isConstant(1)))
    return value;
  return Value();
}

/// Weights of all experts, seen as [E, N]: those of the chosen ones scattered
/// over zeros.
bool StackedMatcher::takeWeights(Value value, ExpertsMatch &match) {
  value = pattern.takeViews(value);
  auto transpose = pattern.take<onnx::TransposeOp>(value);
  if (!transpose || raising.rank(value) != 2 ||
      !raising.dims(value)[0].isConstant(experts))
    return false;
  value = pattern.takeViews(transpose->getOperand(0));
  SmallVector<onnx::CastOp> casts;
  while (auto cast = producer<onnx::CastOp>(value)) {
    if (!isa<FloatType>(getElementTypeOrSelf(cast->getOperand(0).getType())))
      return false;
    pattern.add(cast);
    casts.push_back(cast);
    value = pattern.takeViews(cast->getOperand(0));
  }
  auto scatter = producer<onnx::ScatterElementsOp>(value);
  if (!scatter || raising.rank(value) != 2 ||
      raising.normalAxis(scatter.getAxis(), value) != 1)
    return false;
  pattern.add(scatter);
  if (scatter.getReduction() != "none" ||
      constantNumber(scatter->getOperand(0)) != 0)
    return pattern.fail(scatter, "the weights are not zero but for the chosen "
                                 "experts");
  match.ids = scatter->getOperand(1);
  match.weights = scatter->getOperand(2);
  std::optional<int64_t> k = raising.staticDim(match.ids, 1);
  if (!k || *k < 1)
    return pattern.fail(scatter, "the number of slots is not known");
  match.k = *k;
  if (!areDistinctChoices(match.ids))
    return pattern.fail(scatter, "a token may have chosen an expert twice, of "
                                 "which only one weight is kept");
  // Only the chosen ones are rounded.
  for (onnx::CastOp cast : llvm::reverse(casts))
    match.weights =
        raising.create(match.result.getDefiningOp(), "Cast", match.weights,
                       llvm::to_vector(cast->getAttrs()));
  return true;
}

/// The tokens, or the tokens times the weights of the experts.
bool StackedMatcher::takeInput(Value rows, ExpertsMatch &match) {
  if (match.ids) {
    match.input = takeRepeated(rows);
    return static_cast<bool>(match.input) ||
           pattern.fail(rows.getDefiningOp(),
                        "the input is not all tokens for each expert");
  }
  auto mul = pattern.take<onnx::MulOp>(pattern.takeViews(rows));
  if (!mul)
    return false;
  match.weightsOnInput = matchEitherOrder(mul, [&](Value a, Value b) {
    size_t mark = pattern.mark();
    match.input = takeRepeated(a);
    if (match.input && raising.dims(b).back().isConstant(1) &&
        takeWeights(b, match))
      return true;
    pattern.rollback(mark);
    return false;
  });
  return match.weightsOnInput;
}

/// [E, in, out] as [E, out, in].
Value StackedMatcher::transposed(Operation *before, Value weight) {
  if (auto transpose = producer<onnx::TransposeOp>(weight);
      transpose && transpose.getPerm() &&
      *transpose.getPerm() == ArrayRef<int64_t>{0, 2, 1})
    return transpose->getOperand(0);
  return raising.transpose(before, weight, {0, 2, 1});
}

bool StackedMatcher::match(onnx::ReduceSumOp sum, ExpertsMatch &match) {
  Value value = pattern.takeViewsAndWidening(sum->getOperand(0));
  match.result = sum->getResult(0);
  std::optional<BatchedProduct> down;
  if (auto mul = producer<onnx::MulOp>(value)) {
    pattern.add(mul);
    bool found = matchEitherOrder(mul, [&](Value a, Value b) {
      size_t mark = pattern.mark();
      if (raising.dims(b).back().isConstant(1) && (down = takeProduct(a)) &&
          takeWeights(b, match))
        return true;
      pattern.rollback(mark);
      return false;
    });
    if (!found)
      return false;
  } else {
    down = takeProduct(value);
    if (!down)
      return false;
  }
  Value hidden = pattern.takeViews(down->rows);
  std::optional<GatedActivation> activation = takeActivation(pattern, hidden);
  Operation *node = down->rows.getDefiningOp();
  // A product of weights by expert alone is no sign of experts.
  if (!activation)
    return match.ids ? pattern.fail(node ? node : sum.getOperation(),
                                    "the activation is not a known one")
                     : false;
  match.activation = *activation;
  std::optional<BatchedProduct> first, second;
  auto belong = [](const BatchedProduct &gate, const BatchedProduct &up) {
    return gate.rows == up.rows &&
           static_cast<bool>(gate.bias) == static_cast<bool>(up.bias);
  };
  if (!takeGateAndUp<BatchedProduct>(
          pattern, *activation, node, "with all experts' weights",
          [&](Value value) { return takeProduct(value); }, belong, match, first,
          second))
    return false;
  if (!takeInput(first->rows, match))
    return false;
  // Without its weights an expert of zeros must give zeros.
  if (match.weightsOnInput && (first->bias || down->bias))
    return pattern.fail(sum, "its experts have biases, and weights on their "
                             "input");
  Operation *before = sum;
  match.wDown = transposed(before, down->weight);
  match.wGateUp = transposed(before, first->weight);
  auto flat = [&](Value bias) {
    return bias ? raising.reshape(
                      before, bias,
                      {experts,
                       raising.dims(bias).back().getConstant().value_or(-1)})
                : Value();
  };
  match.bDown = flat(down->bias);
  match.bGateUp = flat(first->bias);
  if (second) {
    match.wGateUp = raising.concat(
        before, {match.wGateUp, transposed(before, second->weight)}, 1);
    if (match.bGateUp)
      match.bGateUp =
          raising.concat(before, {match.bGateUp, flat(second->bias)}, 1);
  }
  match.form = "experts-stacked";
  return true;
}

bool mlir::trine::matchStackedExperts(MoEPattern &pattern,
                                      onnx::ReduceSumOp sum,
                                      ExpertsMatch &match) {
  Raising &raising = pattern.raising;
  Value input = sum->getOperand(0);
  std::optional<SmallVector<int64_t>> axes = reducedAxes(raising, sum);
  if (raising.rank(input) < 3 || !axes || *axes != SmallVector<int64_t>{0})
    return false;
  std::optional<int64_t> experts = raising.staticDim(input, 0);
  if (!experts || *experts < 2)
    return false;
  pattern.add(sum);
  return StackedMatcher(pattern, *experts).match(sum, match);
}
