// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Experts over slots that are sorted by expert, with one product per expert:
// "grouped" exports, unrolled.
#include "RaiseMoE.h"

#include <cmath>

using namespace mlir;
using namespace mlir::trine;

namespace {

class GroupedMatcher {
public:
  GroupedMatcher(MoEPattern &pattern, int64_t k)
      : pattern(pattern), raising(pattern.raising), k(k) {}

  bool match(Value value, ExpertsMatch &match);

private:
  bool takeInverse(Value indices);
  bool takeTokenRows(Value indices);
  Value takeRowBias(Value &value);
  std::optional<Value> takeProducts(Value value, ExpertStack &stack,
                                    Value &bias);
  bool takeBoundaries();
  bool takeBins(Value bins);

  MoEPattern &pattern;
  Raising &raising;
  int64_t k;
  /// The sort of the slots' experts.
  onnx::TopKOp sort;
  /// The ends of the experts' rows, as they were found.
  SmallVector<Value> ends;
};

} // namespace

/// Whether `value` is 0, 1, ... of the sort's length.
static bool isCount(MoEPattern &pattern, Value value, SymbolicExpression size) {
  value = pattern.takeViews(value);
  auto range = pattern.take<onnx::RangeOp>(value);
  return range && constantInteger(range->getOperand(0)) == 0 &&
         constantInteger(range->getOperand(2)) == 1 &&
         pattern.raising.dims(value)[0] == size;
}

/// The inverse of the sort's order: counting numbers scattered to it, or the
/// order of the order.
bool GroupedMatcher::takeInverse(Value indices) {
  Value value = pattern.takeViews(indices);
  if (auto scatter = pattern.take<onnx::ScatterNDOp>(value)) {
    Value order = pattern.takeViews(scatter->getOperand(1));
    sort = order.getDefiningOp<onnx::TopKOp>();
    return sort && order == sort.getIndices() &&
           scatter.getReduction() == "none" &&
           isCount(pattern, scatter->getOperand(2), raising.dims(order)[0]);
  }
  if (auto scatter = pattern.take<onnx::ScatterElementsOp>(value)) {
    Value order = pattern.takeViews(scatter->getOperand(1));
    sort = order.getDefiningOp<onnx::TopKOp>();
    return sort && order == sort.getIndices() && raising.rank(value) == 1 &&
           scatter.getReduction() == "none" &&
           isCount(pattern, scatter->getOperand(2), raising.dims(order)[0]);
  }
  if (auto second = value.getDefiningOp<onnx::TopKOp>();
      second && value == second.getIndices() && second.getLargest() == 0 &&
      raising.dims(value) == raising.dims(second.getX())) {
    pattern.add(second);
    Value order = pattern.takeViews(second.getX());
    sort = order.getDefiningOp<onnx::TopKOp>();
    return sort && order == sort.getIndices();
  }
  return false;
}

/// order / k, rounded down: by an integer division, with or without the
/// correction for negative numbers.
bool GroupedMatcher::takeTokenRows(Value indices) {
  Value value = pattern.takeViews(indices);
  auto takeDivision = [&](Value quotient) {
    auto division = pattern.take<onnx::DivOp>(quotient);
    return division && division->getOperand(0) == sort.getIndices() &&
           constantInteger(division->getOperand(1)) == k;
  };
  if (k == 1 && value == sort.getIndices())
    return true;
  if (takeDivision(value))
    return true;
  auto sub = pattern.take<onnx::SubOp>(value);
  if (!sub || !takeDivision(sub->getOperand(0)))
    return false;
  // The correction is 1 where a number and the divisor differ in sign and the
  // remainder is not 0. The order is never negative, so any "and" with "is it
  // negative, unlike the divisor" is false.
  auto cast = pattern.take<onnx::CastOp>(sub->getOperand(1));
  auto both =
      cast ? pattern.take<onnx::AndOp>(cast->getOperand(0)) : onnx::AndOp();
  if (!both)
    return false;
  return matchEitherOrder(both, [&](Value signs, Value rest) {
    size_t mark = pattern.mark();
    auto isNegative = [&](Value value) {
      auto less = pattern.take<onnx::LessOp>(value);
      return less && less->getOperand(0) == sort.getIndices() &&
             constantInteger(less->getOperand(1)) == 0;
    };
    bool found = isNegative(signs);
    if (!found) {
      // Equal(order < 0, k >= 0), Xor(order < 0, k < 0)
      if (auto equal = pattern.take<onnx::EqualOp>(signs))
        found = matchEitherOrder(equal, [&](Value a, Value b) {
          return constantInteger(b) == 1 && isNegative(a);
        });
      else if (auto differ = pattern.take<onnx::XorOp>(signs))
        found = matchEitherOrder(differ, [&](Value a, Value b) {
          return constantInteger(b) == 0 && isNegative(a);
        });
    }
    if (!found) {
      pattern.rollback(mark);
      return false;
    }
    // What the remainder says does not matter.
    Value value = rest;
    while (Operation *op = value.getDefiningOp()) {
      if (!isa<onnx::CastOp, onnx::ModOp, onnx::NotOp, onnx::EqualOp>(op) ||
          !op->hasOneUse())
        break;
      pattern.add(op);
      value = op->getOperand(0);
    }
    return true;
  });
}

/// The bias [E, out] of which each row's own expert's is added; null if none
/// is. `value` becomes what it is added to.
Value GroupedMatcher::takeRowBias(Value &value) {
  auto add = producer<onnx::AddOp>(value);
  Value bias;
  matchEitherOrder(add, [&](Value products, Value rows) {
    size_t mark = pattern.mark();
    std::optional<std::pair<Value, Value>> gathered = pattern.takeRows(rows);
    if (!gathered || raising.rank(gathered->first) != 2 ||
        pattern.takeViews(gathered->second) != sort.getValues()) {
      pattern.rollback(mark);
      return false;
    }
    pattern.add(add);
    bias = gathered->first;
    value = pattern.takeViewsAndWidening(products);
    return true;
  });
  return bias;
}

/// Concat of rows[begin : end] · weight for each expert; gives the rows.
std::optional<Value>
GroupedMatcher::takeProducts(Value value, ExpertStack &stack, Value &bias) {
  bias = takeRowBias(value);
  auto concat = pattern.take<onnx::ConcatOp>(value);
  if (!concat || concat.getAxis() != 0 || raising.rank(value) != 2)
    return std::nullopt;
  Value rows;
  bool isFirst = ends.empty();
  Value begin;
  for (auto [expert, part] : llvm::enumerate(concat->getOperands())) {
    std::optional<LinearLayer> layer = takeLinear(pattern, part);
    auto gather =
        layer ? producer<onnx::GatherOp>(layer->input) : onnx::GatherOp();
    auto range = gather ? producer<onnx::RangeOp>(gather->getOperand(1))
                        : onnx::RangeOp();
    std::string who = "expert " + std::to_string(expert);
    if (!range || gather.getAxis() != 0) {
      pattern.fail(concat, who + " is no product over a range of rows");
      return std::nullopt;
    }
    pattern.add(gather);
    pattern.add(range);
    if (!rows)
      rows = gather->getOperand(0);
    if (rows != gather->getOperand(0)) {
      pattern.fail(gather, who + " reads other rows than expert 0");
      return std::nullopt;
    }
    Value from = range->getOperand(0), to = range->getOperand(1);
    bool startsThere = expert == 0 ? constantInteger(from) == 0 : from == begin;
    if (!startsThere || constantInteger(range->getOperand(2)) != 1) {
      pattern.fail(range, who + " does not start where the one before ends");
      return std::nullopt;
    }
    if (isFirst) {
      ends.push_back(to);
    } else if (expert >= ends.size() || ends[expert] != to) {
      pattern.fail(range, who + " has other rows in its second product");
      return std::nullopt;
    }
    begin = to;
    stack.add(*layer);
  }
  if (ends.size() != concat->getNumOperands()) {
    pattern.fail(concat, "the two products have different numbers of experts");
    return std::nullopt;
  }
  return rows;
}

/// Whether the histogram's bin of expert e is e, for all experts: the value is
/// computed from the sorted (or unsorted) ids by number alone.
bool GroupedMatcher::takeBins(Value bins) {
  SmallVector<Operation *> steps;
  Value value = bins;
  while (value != sort.getValues() && value != sort.getX()) {
    Operation *op = value.getDefiningOp();
    if (!op || !isa<onnx::CastOp, onnx::DivOp, onnx::MulOp, onnx::ClipOp,
                    onnx::FloorOp, onnx::ReshapeOp>(op))
      return pattern.fail(op ? op : sort.getOperation(),
                          "the histogram is not of the slots' experts");
    pattern.add(op);
    steps.push_back(op);
    value = op->getOperand(0);
  }
  for (int64_t expert = 0; expert < static_cast<int64_t>(ends.size());
       ++expert) {
    double x = expert;
    for (Operation *op : llvm::reverse(steps)) {
      Type type = getElementTypeOrSelf(op->getResult(0).getType());
      if (isa<onnx::ReshapeOp>(op))
        continue;
      if (isa<onnx::FloorOp>(op)) {
        x = std::floor(x);
        continue;
      }
      if (isa<onnx::CastOp>(op)) {
        if (isa<IntegerType>(type))
          x = std::trunc(x);
      } else if (auto clip = dyn_cast<onnx::ClipOp>(op)) {
        std::optional<double> low = constantNumber(clip->getOperand(1)),
                              high = constantNumber(clip->getOperand(2));
        if (!low || !high)
          return pattern.fail(op, "the histogram's limits are not known");
        x = std::min(std::max(x, *low), *high);
      } else {
        std::optional<double> number = constantNumber(op->getOperand(1));
        if (!number)
          return pattern.fail(op, "the histogram's bins are not known");
        x = isa<onnx::DivOp>(op) ? x / *number : x * *number;
        if (isa<IntegerType>(type))
          x = std::trunc(x);
      }
      if (type.isF32())
        x = static_cast<float>(x);
      else if (!type.isF64() && !isa<IntegerType>(type))
        return pattern.fail(op, "the histogram's bins are too narrow floats");
    }
    if (x != expert)
      return pattern.fail(steps.front(), "expert " + Twine(expert) +
                                             " is counted in bin " +
                                             std::to_string(x));
  }
  return true;
}

/// The ends of the experts' rows are running sums of a histogram of the
/// experts.
bool GroupedMatcher::takeBoundaries() {
  onnx::CumSumOp sums;
  for (auto [expert, end] : llvm::enumerate(ends)) {
    Value value = pattern.takeViews(end);
    std::optional<SliceRange> range = sliceOf(raising, value);
    std::string who = "the end of expert " + std::to_string(expert);
    Operation *node = value.getDefiningOp();
    if (!range)
      return pattern.fail(node ? node : sort.getOperation(),
                          who + " is no element of the running sums");
    if (range->start != static_cast<int64_t>(expert) ||
        range->end != range->start + 1)
      return pattern.fail(node, who + " is element " + Twine(range->start) +
                                    " of the running sums");
    pattern.add(node);
    Value source = range->input;
    while (auto cast = pattern.take<onnx::CastOp>(source))
      source = cast->getOperand(0);
    auto own = pattern.take<onnx::CumSumOp>(source);
    if (!own || (sums && own != sums) || own.getExclusive() || own.getReverse())
      return pattern.fail(node, who + " is no element of the running sums");
    sums = own;
  }
  Value histogram = sums->getOperand(0);
  if (!raising.dims(histogram)[0].isConstant(ends.size()))
    return pattern.fail(
        sums, "the histogram has " + raising.dims(histogram)[0].str() +
                  " bins for " + Twine(ends.size()) + " experts");
  while (auto cast = pattern.take<onnx::CastOp>(histogram))
    histogram = cast->getOperand(0);
  Value data, bins, updates;
  if (auto scatter = pattern.take<onnx::ScatterElementsOp>(histogram);
      scatter && scatter.getReduction() == "add") {
    data = scatter->getOperand(0);
    bins = scatter->getOperand(1);
    updates = scatter->getOperand(2);
  } else if (auto scatter = pattern.take<onnx::ScatterNDOp>(histogram);
             scatter && scatter.getReduction() == "add") {
    data = scatter->getOperand(0);
    bins = scatter->getOperand(1);
    updates = scatter->getOperand(2);
  } else {
    return pattern.fail(histogram.getDefiningOp() ? histogram.getDefiningOp()
                                                  : sums.getOperation(),
                        "the running sums are not of a histogram");
  }
  if (constantNumber(data) != 0 || constantNumber(updates) != 1)
    return pattern.fail(histogram.getDefiningOp(),
                        "the histogram does not count by ones");
  return takeBins(bins);
}

bool GroupedMatcher::match(Value value, ExpertsMatch &match) {
  // Back in the order of slots.
  std::optional<std::pair<Value, Value>> unsorted =
      pattern.takeRows(pattern.takeViewsAndWidening(value));
  if (!unsorted || !takeInverse(unsorted->second))
    return false;
  if (sort.getLargest() != 0 || raising.rank(sort.getX()) != 1 ||
      raising.dims(sort.getX()) != raising.dims(sort.getValues()))
    return false;
  pattern.add(sort);
  auto mul = pattern.take<onnx::MulOp>(pattern.takeViews(unsorted->first));
  if (!mul)
    return false;
  // The weights of the slots, sorted as they are.
  ExpertStack down;
  std::optional<Value> hidden;
  Value slotWeights;
  matchEitherOrder(mul, [&](Value a, Value b) {
    Value products = pattern.takeViewsAndWidening(a);
    if (!producer<onnx::ConcatOp>(products) && !producer<onnx::AddOp>(products))
      return false;
    slotWeights = b;
    hidden = takeProducts(products, down, match.bDown);
    return hidden.has_value() || pattern.failed();
  });
  if (!hidden)
    return false;
  // From here on it looks like experts.
  std::optional<std::pair<Value, Value>> weights =
      pattern.takeRows(pattern.takeViewsAndWidening(slotWeights));
  if (!weights || pattern.takeViews(weights->second) != sort.getIndices())
    return pattern.fail(mul, "the weights are not sorted like the slots");
  match.weights = takeSlotSource(pattern, weights->first, k);
  match.ids = takeSlotSource(pattern, sort.getX(), k);
  std::optional<GatedActivation> activation = takeActivation(pattern, *hidden);
  Operation *node = hidden->getDefiningOp();
  if (!activation)
    return pattern.fail(node ? node : mul.getOperation(),
                        "the activation is not a known one");
  match.activation = *activation;
  ExpertStack first, second;
  Value upBias;
  std::optional<Value> rows;
  match.layout = GateUpLayout::Concatenated;
  if (!activation->gate) {
    match.layout = GateUpLayout::UpOnly;
    rows = takeProducts(activation->up, first, match.bGateUp);
  } else if (std::optional<FusedHalves> halves =
                 takeHalves(pattern, activation->gate, activation->up)) {
    match.layout = halves->layout;
    rows = takeProducts(pattern.takeViewsAndWidening(halves->product), first,
                        match.bGateUp);
  } else if (!pattern.failed()) {
    rows = takeProducts(activation->gate, first, match.bGateUp);
    std::optional<Value> other = takeProducts(activation->up, second, upBias);
    if (rows && rows != other)
      return pattern.fail(node, "gate and up read different rows");
  }
  if (!rows)
    return pattern.fail(node, "the activation's input is not one product for "
                              "each expert");
  std::optional<std::pair<Value, Value>> tokens = pattern.takeRows(*rows);
  if (!tokens || !takeTokenRows(tokens->second))
    return pattern.fail(rows->getDefiningOp() ? rows->getDefiningOp() : node,
                        "the rows are not the tokens of the sorted slots");
  match.input = tokens->first;
  if (!takeBoundaries())
    return false;
  if (!down.check(pattern) || !first.check(pattern) ||
      (second.size() && !second.check(pattern)))
    return false;
  Operation *before = match.result.getDefiningOp();
  match.wDown = down.build(pattern, before);
  match.wGateUp = first.build(pattern, before);
  if (!match.bDown)
    match.bDown = down.buildBias(raising, before);
  if (!match.bGateUp)
    match.bGateUp = first.buildBias(raising, before);
  if (second.size()) {
    match.wGateUp = raising.concat(
        before, {match.wGateUp, second.build(pattern, before)}, 1);
    if (!upBias)
      upBias = second.buildBias(raising, before);
    if (static_cast<bool>(upBias) != static_cast<bool>(match.bGateUp))
      return pattern.fail(node, "only one of gate and up has a bias");
    if (upBias)
      match.bGateUp = raising.concat(before, {match.bGateUp, upBias}, 1);
  }
  match.form = "experts-grouped";
  return true;
}

bool mlir::trine::matchGroupedExperts(MoEPattern &pattern,
                                      onnx::ReduceSumOp sum,
                                      ExpertsMatch &match) {
  return takeSumOfSlots(pattern, sum, match) &&
         GroupedMatcher(pattern, match.k).match(sum->getOperand(0), match);
}
