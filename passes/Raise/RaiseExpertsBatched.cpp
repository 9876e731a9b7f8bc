// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Experts whose weights are gathered for each slot: "batched" exports.
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

/// weights[ids] for each slot times its column, [slots, out].
struct SlotProduct {
  Value weights; ///< [E, out, in], or [E, in, out] if `transposed`
  bool transposed = false;
  Value bias;    ///< [E, out], or null
  Value ids;     ///< one per slot
  Value columns; ///< one row of `in` values per slot
};

class BatchedMatcher {
public:
  BatchedMatcher(MoEPattern &pattern, int64_t k)
      : pattern(pattern), raising(pattern.raising), k(k) {}

  /// table[ids], along the first axis.
  std::optional<SlotProduct> takeProduct(Value value);
  /// The tokens of `width` columns that were repeated k times each.
  Value takeTokens(Value rows, int64_t width);
  bool match(Value value, ExpertsMatch &match);

private:
  std::optional<SlotProduct> takeMatMul(Value value);

  MoEPattern &pattern;
  Raising &raising;
  int64_t k;
};

} // namespace

/// weights [.., out, in] · column [.., in, 1], or row [.., 1, in] · weights
/// [.., in, out].
std::optional<SlotProduct> BatchedMatcher::takeMatMul(Value value) {
  size_t mark = pattern.mark();
  value = pattern.takeViewsAndWidening(value);
  auto matmul = pattern.take<onnx::MatMulOp>(value);
  if (!matmul)
    return std::nullopt;
  for (bool transposed : {false, true}) {
    Value weights = matmul->getOperand(transposed),
          other = matmul->getOperand(!transposed);
    int64_t rank = raising.rank(other);
    if (rank < 3 ||
        !raising.dims(other)[transposed ? rank - 2 : rank - 1].isConstant(1))
      continue;
    size_t inner = pattern.mark();
    std::optional<std::pair<Value, Value>> gather = pattern.takeRows(weights);
    if (!gather || raising.rank(gather->first) != 3) {
      pattern.rollback(inner);
      continue;
    }
    SlotProduct product;
    product.weights = gather->first;
    product.transposed = transposed;
    product.ids = gather->second;
    product.columns = other;
    return product;
  }
  pattern.rollback(mark);
  return std::nullopt;
}

std::optional<SlotProduct> BatchedMatcher::takeProduct(Value value) {
  size_t mark = pattern.mark();
  if (std::optional<SlotProduct> product = takeMatMul(value))
    return product;
  value = pattern.takeViewsAndWidening(value);
  auto add = pattern.take<onnx::AddOp>(value);
  std::optional<SlotProduct> result;
  if (add)
    matchEitherOrder(add, [&](Value a, Value b) {
      size_t inner = pattern.mark();
      std::optional<SlotProduct> product = takeMatMul(a);
      std::optional<std::pair<Value, Value>> bias;
      if (product)
        bias = pattern.takeRows(b);
      if (!bias || raising.rank(bias->first) != 2 ||
          takeSlotSource(pattern, bias->second, k) !=
              takeSlotSource(pattern, product->ids, k)) {
        pattern.rollback(inner);
        return false;
      }
      product->bias = bias->first;
      result = product;
      return true;
    });
  if (!result)
    pattern.rollback(mark);
  return result;
}

Value BatchedMatcher::takeTokens(Value rows, int64_t width) {
  Value value = pattern.takeViews(rows);
  if (auto expand = pattern.take<onnx::ExpandOp>(value)) {
    // [n, 1, D] to [n, k, D].
    Value input = expand->getOperand(0);
    ArrayRef<SymbolicExpression> from = raising.dims(input),
                                 to = raising.dims(value);
    if (from.size() < 3 || from.size() != to.size())
      return Value();
    // One axis of 1 becomes k; what follows are the columns of one token, or
    // else several tokens would be repeated in turn.
    bool repeated = false;
    SymbolicExpression columns =
        raising.getShapes().getContext().getConstant(1);
    for (auto [a, b] : llvm::zip(from, to)) {
      if (a == b) {
        if (repeated)
          columns = columns * b;
        continue;
      }
      if (repeated || !a.isConstant(1) || !b.isConstant(k))
        return Value();
      repeated = true;
    }
    return repeated && columns.isConstant(width) ? pattern.takeViews(input)
                                                 : Value();
  }
  // Rows that the product broadcasts itself: [n, 1, D, 1] against [n, k, ...].
  ArrayRef<SymbolicExpression> dims = raising.dims(rows);
  if (dims.size() == 4 && dims[1].isConstant(1) && k != 1)
    return value;
  return k == 1 ? value : Value();
}

bool BatchedMatcher::match(Value value, ExpertsMatch &match) {
  // Sum over slots of weight · output.
  auto mul = pattern.take<onnx::MulOp>(pattern.takeViewsAndWidening(value));
  if (!mul)
    return false;
  std::optional<SlotProduct> down;
  Value slotWeights;
  matchEitherOrder(mul, [&](Value a, Value b) {
    down = takeProduct(a);
    slotWeights = b;
    return down.has_value();
  });
  if (!down)
    return false;
  // From here on it looks like experts.
  match.weights = takeSlotSource(pattern, slotWeights, k);
  match.ids = takeSlotSource(pattern, down->ids, k);
  Value hidden = pattern.takeViews(down->columns);
  std::optional<GatedActivation> activation = takeActivation(pattern, hidden);
  if (!activation)
    return pattern.fail(hidden.getDefiningOp() ? hidden.getDefiningOp()
                                               : mul.getOperation(),
                        "the activation is not a known one");
  match.activation = *activation;
  std::optional<SlotProduct> first, second;
  Operation *node = hidden.getDefiningOp();
  auto belong = [&](const SlotProduct &gate, const SlotProduct &up) {
    return gate.columns == up.columns &&
           takeSlotSource(pattern, up.ids, k) == match.ids &&
           static_cast<bool>(gate.bias) == static_cast<bool>(up.bias);
  };
  if (!takeGateAndUp<SlotProduct>(
          pattern, *activation, node, "with the weights of the slot's expert",
          [&](Value value) { return takeProduct(value); }, belong, match, first,
          second))
    return false;
  if (takeSlotSource(pattern, first->ids, k) != match.ids)
    return pattern.fail(node, "the two products take the weights of different "
                              "experts");
  Operation *before = match.result.getDefiningOp();
  std::optional<int64_t> width =
      raising.staticDim(first->weights, first->transposed ? 1 : 2);
  if (!width)
    // No test: weights have known sizes.
    return pattern.fail(before, "the sizes of its weights are not known");
  match.input = takeTokens(first->columns, *width);
  if (!match.input)
    return pattern.fail(first->columns.getDefiningOp(),
                        "the input is not each token repeated " + Twine(k) +
                            " times");
  auto oriented = [&](const SlotProduct &product) {
    return product.transposed
               ? raising.transpose(before, product.weights, {0, 2, 1})
               : product.weights;
  };
  match.wDown = oriented(*down);
  match.bDown = down->bias;
  match.wGateUp = oriented(*first);
  match.bGateUp = first->bias;
  if (second) {
    match.wGateUp =
        raising.concat(before, {match.wGateUp, oriented(*second)}, 1);
    if (match.bGateUp)
      match.bGateUp = raising.concat(before, {match.bGateUp, second->bias}, 1);
  }
  // [n, 1, D, 1] and the like become [n, D].
  if (!raising.dims(match.input).back().isConstant(*width))
    match.input = raising.reshape(before, match.input, {-1, *width});
  match.form = "experts-batched";
  return true;
}

bool mlir::trine::matchBatchedExperts(MoEPattern &pattern,
                                      onnx::ReduceSumOp sum,
                                      ExpertsMatch &match) {
  return takeSumOfSlots(pattern, sum, match) &&
         BatchedMatcher(pattern, match.k).match(sum->getOperand(0), match);
}
