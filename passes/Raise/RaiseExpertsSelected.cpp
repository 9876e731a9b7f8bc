// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Experts that each run on the tokens that chose them, found by NonZero, and
// add their results to the tokens' rows: exports by tracing.
#include "ExpertChoices.h"
#include "RaiseMoE.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

/// One expert's step: sum = scatter-add(sum, tokens, rows).
struct Step {
  int64_t expert = 0;
  Operation *scatter = nullptr;
  Value ids, weights, tokens, output, sumBefore;
};

class StepMatcher {
public:
  explicit StepMatcher(MoEPattern &pattern)
      : pattern(pattern), raising(pattern.raising) {}

  bool match(Operation *scatter, Step &step);
  /// The tokens [N, D] of which `rows` are those at the step's indices.
  Value takeTokenRows(Value rows, const Step &step);

private:
  Value takeMask(Value mask, Step &step, bool &slotsFirst);
  std::optional<std::pair<onnx::NonZeroOp, int64_t>> takeIndices(Value value);
  Value takeOneHot(Value value);
  bool keepsRows(onnx::ExpandOp expand);
  bool takeWeights(Value column, Step &step);
  bool takeFlatWeights(onnx::GatherOp gather, Step &step);
  bool isTokenOf(Value indices, bool isToken) {
    auto index = takeIndices(indices);
    return index && index->first == found &&
           (index->second == tokenRow) == isToken;
  }
  std::optional<Value> takeUpdates(Operation *scatter, Value updates,
                                   const Step &step);

  MoEPattern &pattern;
  Raising &raising;
  onnx::NonZeroOp found;
  /// Which row of NonZero's result holds the tokens.
  int64_t tokenRow = 0;
};

} // namespace

/// Whether an Expand of [u, ...] has u rows: it says so, or asks for one at
/// most.
bool StepMatcher::keepsRows(onnx::ExpandOp expand) {
  Value input = expand->getOperand(0), result = expand->getResult(0);
  if (raising.rank(input) != 2 || raising.rank(result) != 2)
    return false;
  if (raising.dims(input)[0] == raising.dims(result)[0])
    return true;
  auto sizes = raising.getShapes().getContents(expand->getOperand(1));
  return sizes && sizes->size() == 2 &&
         isKnownLessOrEqual(sizes->front(),
                            sizes->front().getContext().getConstant(1));
}

/// A row of NonZero's result, under any shape.
std::optional<std::pair<onnx::NonZeroOp, int64_t>>
StepMatcher::takeIndices(Value value) {
  // A copy of each index for every column: [u, 1] to [u, D].
  value = pattern.takeViews(value);
  if (auto expand = producer<onnx::ExpandOp>(value)) {
    ArrayRef<SymbolicExpression> from = raising.dims(expand->getOperand(0));
    if (from.size() != 2 || !from[1].isConstant(1) || !keepsRows(expand))
      return std::nullopt;
    pattern.add(expand);
    value = pattern.takeViews(expand->getOperand(0));
  }
  std::optional<SliceRange> slice = sliceOf(raising, value);
  if (!slice || slice->step != 1 || slice->end != slice->start + 1)
    return std::nullopt;
  pattern.add(value.getDefiningOp());
  Value source = slice->input;
  int64_t axis = slice->axis;
  if (auto transpose = pattern.take<onnx::TransposeOp>(source)) {
    if (raising.rank(source) != 2)
      return std::nullopt;
    source = transpose->getOperand(0);
    axis = 1 - axis;
  }
  auto nonZero = pattern.take<onnx::NonZeroOp>(source);
  if (!nonZero || axis != 0)
    return std::nullopt;
  return std::pair(nonZero, slice->start);
}

/// ids = expert, as a comparison or a slice of a one-hot tensor; gives ids and
/// says whether the mask is [k, N] rather than [N, k].
Value StepMatcher::takeMask(Value mask, Step &step, bool &slotsFirst) {
  slotsFirst = false;
  Value value = mask;
  while (true) {
    value = pattern.takeViews(value);
    if (auto cast = pattern.take<onnx::CastOp>(value)) {
      value = cast->getOperand(0);
      continue;
    }
    auto transpose = producer<onnx::TransposeOp>(value);
    if (!transpose || raising.rank(value) != 2)
      break;
    pattern.add(transpose);
    slotsFirst = !slotsFirst;
    value = transpose->getOperand(0);
  }
  if (auto equal = pattern.take<onnx::EqualOp>(value)) {
    if (std::optional<int64_t> number = constantInteger(equal->getOperand(1)))
      if (raising.rank(value) == 2) {
        step.expert = *number;
        return equal->getOperand(0);
      }
    return Value();
  }
  // One row of one-hot, with the experts in front.
  std::optional<SliceRange> slice = sliceOf(raising, value);
  if (!slice || slice->axis != 0 || slice->step != 1 ||
      slice->end != slice->start + 1 || raising.rank(slice->input) != 3)
    return Value();
  auto transpose = producer<onnx::TransposeOp>(slice->input);
  if (!transpose || !transpose.getPerm())
    return Value();
  SmallVector<int64_t> permutation;
  ArrayRef<int64_t> given = *transpose.getPerm();
  permutation.append(given.begin(), given.end());
  bool plain = permutation == SmallVector<int64_t>{2, 0, 1};
  if (!plain && permutation != SmallVector<int64_t>{2, 1, 0})
    return Value();
  Value ids = takeOneHot(transpose->getOperand(0));
  if (!ids)
    return Value();
  pattern.add(value.getDefiningOp());
  slotsFirst ^= !plain;
  step.expert = slice->start;
  return ids;
}

/// The ids of a one-hot tensor [N, k, E], as OneHot or as a comparison with
/// all numbers of experts.
Value StepMatcher::takeOneHot(Value value) {
  while (auto cast = producer<onnx::CastOp>(value))
    value = cast->getOperand(0);
  if (auto oneHot = producer<onnx::OneHotOp>(value)) {
    std::optional<SmallVector<int64_t>> values =
        constantIntegers(oneHot->getOperand(2));
    bool isOneHot = raising.normalAxis(oneHot.getAxis(), value) == 2 &&
                    values && values->size() == 2 && (*values)[0] == 0 &&
                    (*values)[1] != 0;
    return isOneHot ? oneHot->getOperand(0) : Value();
  }
  auto equal = producer<onnx::EqualOp>(value);
  if (!equal)
    return Value();
  Value ids;
  matchEitherOrder(equal, [&](Value slots, Value numbers) {
    std::optional<SmallVector<int64_t>> values = constantIntegers(numbers);
    ArrayRef<SymbolicExpression> dims = raising.dims(slots);
    if (!values || dims.size() != 3 || !dims[2].isConstant(1) ||
        raising.rank(numbers) < 1 ||
        !raising.dims(numbers).back().isConstant(values->size()))
      return false;
    for (auto [index, number] : llvm::enumerate(*values))
      if (number != static_cast<int64_t>(index))
        return false;
    while (auto reshape = producer<onnx::ReshapeOp>(slots))
      slots = reshape->getOperand(0);
    if (raising.rank(slots) != 2 || raising.dims(slots) != dims.drop_back())
      return false;
    ids = slots;
    return true;
  });
  return ids;
}

/// The same as takeWeights from all weights in one row: element
/// token · k + slot.
bool StepMatcher::takeFlatWeights(onnx::GatherOp gather, Step &step) {
  if (gather.getAxis() != 0)
    return false;
  Value weights = pattern.takeViews(gather->getOperand(0));
  if (raising.rank(weights) != 2)
    return false;
  std::optional<int64_t> k = raising.staticDim(weights, 1);
  auto add =
      pattern.take<onnx::AddOp>(pattern.takeViews(gather->getOperand(1)));
  if (!k || !add || !matchEitherOrder(add, [&](Value slot, Value scaled) {
        size_t mark = pattern.mark();
        Value token = pattern.takeViews(scaled);
        if (*k != 1) {
          auto mul = pattern.take<onnx::MulOp>(token);
          std::optional<NumberOperand> parts = splitNumber(mul);
          if (!parts || parts->number != static_cast<double>(*k)) {
            pattern.rollback(mark);
            return false;
          }
          token = parts->other;
        }
        if (isTokenOf(slot, false) && isTokenOf(token, true))
          return true;
        pattern.rollback(mark);
        return false;
      }))
    return false;
  step.weights = weights;
  return true;
}

/// weights[token, slot] as a column.
bool StepMatcher::takeWeights(Value column, Step &step) {
  Value value = pattern.takeViewsAndWidening(column);
  if (auto gather = pattern.take<onnx::GatherOp>(value))
    return takeFlatWeights(gather, step);
  auto gather = pattern.take<onnx::GatherNDOp>(value);
  if (!gather || gather.getBatchDims() != 0)
    return false;
  if (auto whole = pattern.take<onnx::TransposeOp>(gather->getOperand(1))) {
    if (whole->getOperand(0) != found->getResult(0) || tokenRow != 0)
      return false;
  } else {
    auto concat = pattern.take<onnx::ConcatOp>(gather->getOperand(1));
    if (!concat || concat->getNumOperands() != 2 || concat.getAxis() != 1 ||
        !isTokenOf(concat->getOperand(0), true) ||
        !isTokenOf(concat->getOperand(1), false))
      return false;
  }
  step.weights = gather->getOperand(0);
  // [N, k, 1] is [N, k].
  if (raising.rank(step.weights) == 3 &&
      raising.dims(step.weights)[2].isConstant(1))
    step.weights = pattern.takeViews(step.weights);
  return raising.rank(step.weights) == 2;
}

/// What a scatter adds to the rows: its updates, or, where it overwrites, what
/// was added to the rows as they were.
std::optional<Value> StepMatcher::takeUpdates(Operation *scatter, Value updates,
                                              const Step &step) {
  auto op = dyn_cast<onnx::ScatterNDOp>(scatter);
  StringRef reduction =
      op ? op.getReduction()
         : cast<onnx::ScatterElementsOp>(scatter).getReduction();
  if (auto expand = producer<onnx::ExpandOp>(updates);
      expand && keepsRows(expand)) {
    pattern.add(expand);
    updates = expand->getOperand(0);
  }
  if (reduction == "add")
    return updates;
  bool isFirst = constantNumber(scatter->getOperand(0)) == 0;
  if (reduction == "none" && isFirst && areDistinctChoices(step.ids) &&
      !producer<onnx::AddOp>(updates))
    return updates;
  auto add = pattern.take<onnx::AddOp>(pattern.takeViews(updates));
  if (reduction != "none" || !op || !add)
    return std::nullopt;
  std::optional<Value> added;
  matchEitherOrder(add, [&](Value rows, Value other) {
    size_t mark = pattern.mark();
    Value indices, source;
    Value value = pattern.takeViews(rows);
    if (auto gather = pattern.take<onnx::GatherOp>(value)) {
      source = gather.getAxis() == 0 ? gather->getOperand(0) : Value();
      indices = gather->getOperand(1);
    } else if (auto gather = pattern.take<onnx::GatherNDOp>(value)) {
      source = gather.getBatchDims() == 0 ? gather->getOperand(0) : Value();
      indices = gather->getOperand(1);
    }
    if (source == scatter->getOperand(0) && isTokenOf(indices, true)) {
      added = other;
      return true;
    }
    pattern.rollback(mark);
    return false;
  });
  if (added && !areDistinctChoices(step.ids)) {
    pattern.fail(scatter, "its rows are overwritten, and a token may have "
                          "chosen an expert twice");
    return std::nullopt;
  }
  return added;
}

Value StepMatcher::takeTokenRows(Value rows, const Step &step) {
  Value value = pattern.takeViews(rows);
  Value input, indices;
  if (auto gather = pattern.take<onnx::GatherOp>(value)) {
    input = gather->getOperand(0);
    indices = gather->getOperand(1);
    int64_t axis = raising.normalAxis(gather.getAxis(), input);
    if (axis != raising.rank(input) - 2)
      return Value();
    for (SymbolicExpression size : raising.dims(input).take_front(axis))
      if (!size.isConstant(1))
        return Value();
  } else if (auto gather = pattern.take<onnx::GatherNDOp>(value)) {
    input = gather->getOperand(0);
    indices = gather->getOperand(1);
    if (gather.getBatchDims() != 0 || raising.rank(input) < 2 ||
        !raising.dims(indices).back().isConstant(1))
      return Value();
    for (SymbolicExpression size : raising.dims(input).drop_front().drop_back())
      if (!size.isConstant(1))
        return Value();
  } else {
    return Value();
  }
  auto index = takeIndices(indices);
  if (!index || index->first != found || index->second != tokenRow)
    return Value();
  // [1, N, D] is [N, D].
  while (auto reshape = producer<onnx::ReshapeOp>(input)) {
    Value source = reshape->getOperand(0);
    if (raising.rank(source) < 2 ||
        raising.dims(source).back() != raising.dims(input).back())
      break;
    pattern.add(reshape);
    input = source;
  }
  return input;
}

bool StepMatcher::match(Operation *scatter, Step &step) {
  Value indices = scatter->getOperand(1), updates = scatter->getOperand(2);
  if (auto op = dyn_cast<onnx::ScatterNDOp>(scatter)) {
    if (!raising.dims(indices).back().isConstant(1))
      return false;
  } else {
    auto elements = cast<onnx::ScatterElementsOp>(scatter);
    if (raising.normalAxis(elements.getAxis(), scatter->getOperand(0)) != 0)
      return false;
  }
  if (raising.rank(scatter->getResult(0)) != 2)
    return false;
  auto tokens = takeIndices(indices);
  if (!tokens)
    return false;
  found = tokens->first;
  tokenRow = tokens->second;
  bool slotsFirst;
  step.ids = takeMask(found->getOperand(0), step, slotsFirst);
  if (!step.ids || tokenRow != (slotsFirst ? 1 : 0))
    return false;
  std::optional<Value> added = takeUpdates(scatter, updates, step);
  if (!added)
    return false;
  auto mul = pattern.take<onnx::MulOp>(pattern.takeViewsAndWidening(*added));
  if (!mul || !matchEitherOrder(mul, [&](Value a, Value b) {
        size_t mark = pattern.mark();
        if (takeWeights(b, step)) {
          step.output = a;
          return true;
        }
        pattern.rollback(mark);
        return false;
      }))
    return false;
  pattern.add(scatter);
  step.scatter = scatter;
  step.sumBefore = scatter->getOperand(0);
  return true;
}

/// All steps from `last` back to the start of the sum.
static bool matchSteps(MoEPattern &pattern, Operation *last,
                       ExpertsMatch &match) {
  Raising &raising = pattern.raising;
  SmallVector<Step> steps;
  UnrolledExperts experts;
  Value sum = last->getResult(0);
  match.result = sum;
  SmallVector<std::pair<Step, ExpertLayers>> found;
  auto isScatter = [](Value value) {
    return isa_and_nonnull<onnx::ScatterNDOp, onnx::ScatterElementsOp>(
        value.getDefiningOp());
  };
  while (Operation *op = sum.getDefiningOp()) {
    size_t mark = pattern.mark();
    Value rest;
    if (auto add = dyn_cast<onnx::AddOp>(op)) {
      // What each expert scattered over zeros, added up.
      pattern.add(add);
      if (std::optional<NumberOperand> parts = splitNumber(add);
          parts && parts->number == 0) {
        sum = parts->other;
        continue;
      }
      if (!matchEitherOrder(add, [&](Value a, Value b) {
            if (!isScatter(b) ||
                constantNumber(b.getDefiningOp()->getOperand(0)) != 0)
              return false;
            rest = a;
            op = b.getDefiningOp();
            return true;
          })) {
        pattern.rollback(mark);
        break;
      }
    }
    if (!isScatter(op->getResult(0)))
      break;
    StepMatcher matcher(pattern);
    Step step;
    if (!matcher.match(op, step)) {
      pattern.rollback(mark);
      break;
    }
    if (rest)
      step.sumBefore = rest;
    std::string who = "expert " + std::to_string(step.expert);
    ExpertLayers layers;
    if (!takeExpertLayers(pattern, step.expert, step.output, op, layers))
      return false;
    step.tokens = matcher.takeTokenRows(layers.first.input, step);
    if (!step.tokens)
      return pattern.fail(op, who + " does not read the rows of its tokens");
    if (!found.empty()) {
      const Step &other = found.front().first;
      if (step.ids != other.ids || step.weights != other.weights ||
          step.tokens != other.tokens)
        return pattern.fail(op, who +
                                    " has other tokens or weights than "
                                    "expert " +
                                    Twine(other.expert));
    }
    found.emplace_back(step, layers);
    sum = step.sumBefore;
  }
  if (found.size() < 2)
    return false;
  if (constantNumber(sum) != 0)
    match.base = sum;
  llvm::sort(found, [](const auto &a, const auto &b) {
    return a.first.expert < b.first.expert;
  });
  for (auto [index, entry] : llvm::enumerate(found)) {
    if (entry.first.expert != static_cast<int64_t>(index))
      return pattern.fail(entry.first.scatter,
                          "expert " + Twine(index) + " is missing");
    if (!experts.add(pattern, entry.second, entry.first.scatter))
      return false;
  }
  const Step &first = found.front().first;
  if (!areChoicesBelow(raising, first.ids, found.size()))
    return pattern.fail(first.scatter, "tokens may choose others than its " +
                                           Twine(found.size()) + " experts");
  std::optional<int64_t> k = raising.staticDim(first.ids, 1);
  if (!k)
    return pattern.fail(last, "the number of slots is not known");
  match.k = *k;
  match.ids = first.ids;
  match.weights = first.weights;
  match.input = first.tokens;
  match.form = "experts-selected";
  return experts.finish(pattern, match);
}

RaiseCounts mlir::trine::raiseSelectedExperts(Raising &raising) {
  RaiseCounts counts;
  // The last scatter of a sum, or the last addition of one, is used by
  // something else.
  llvm::SetVector<Operation *> ends;
  raising.getFunction().walk([&](Operation *op) {
    if (!isa<onnx::ScatterNDOp, onnx::ScatterElementsOp>(op) ||
        !isa<func::FuncOp>(op->getParentOp()) ||
        llvm::any_of(op->getUsers(), [&](Operation *user) {
          return isa<onnx::ScatterNDOp, onnx::ScatterElementsOp>(user) &&
                 user->getOperand(0) == op->getResult(0);
        }))
      return;
    while (op->getResult(0).hasOneUse()) {
      auto add = dyn_cast<onnx::AddOp>(*op->getResult(0).user_begin());
      if (!add)
        break;
      Value other =
          add->getOperand(add->getOperand(0) == op->getResult(0) ? 1 : 0);
      if (!isa_and_nonnull<onnx::ScatterNDOp, onnx::ScatterElementsOp>(
              other.getDefiningOp()) &&
          constantNumber(other) != 0)
        break;
      op = add;
    }
    ends.insert(op);
  });
  for (Operation *op : ends) {
    if (!Raising::isLinked(op))
      continue;
    MoEPattern pattern(raising);
    ExpertsMatch match;
    if (matchSteps(pattern, op, match) && raiseExperts(pattern, match)) {
      ++counts.raised;
    } else if (pattern.failed()) {
      raising.missed(op, "selected experts", pattern.miss);
      ++counts.missed;
    }
  }
  return counts;
}
