// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Experts that each run on the tokens that chose them, found by NonZero, and
// add their results to the tokens' rows: exports by tracing.
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
  bool takeWeights(Value column, Step &step);

  MoEPattern &pattern;
  Raising &raising;
  onnx::NonZeroOp found;
  /// Which row of NonZero's result holds the tokens.
  int64_t tokenRow = 0;
};

} // namespace

/// A row of NonZero's result, under any shape.
std::optional<std::pair<onnx::NonZeroOp, int64_t>>
StepMatcher::takeIndices(Value value) {
  // A copy of each index for every column: [u, 1] to [u, D].
  value = pattern.takeViews(value);
  if (auto expand = producer<onnx::ExpandOp>(value)) {
    ArrayRef<SymbolicExpression> from = raising.dims(expand->getOperand(0));
    if (from.size() != 2 || !from[1].isConstant(1) ||
        raising.rank(value) != 2 || raising.dims(value)[0] != from[0])
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
  Value source = transpose->getOperand(0);
  while (auto cast = producer<onnx::CastOp>(source))
    source = cast->getOperand(0);
  auto oneHot = producer<onnx::OneHotOp>(source);
  if (!oneHot || raising.normalAxis(oneHot.getAxis(), source) != 2)
    return Value();
  std::optional<SmallVector<int64_t>> values =
      constantIntegers(oneHot->getOperand(2));
  if (!values || values->size() != 2 || (*values)[0] != 0 || (*values)[1] == 0)
    return Value();
  pattern.add(value.getDefiningOp());
  slotsFirst ^= !plain;
  step.expert = slice->start;
  return oneHot->getOperand(0);
}

/// weights[token, slot] as a column.
bool StepMatcher::takeWeights(Value column, Step &step) {
  Value value = pattern.takeViewsAndWidening(column);
  auto gather = pattern.take<onnx::GatherNDOp>(value);
  if (!gather || gather.getBatchDims() != 0)
    return false;
  auto concat = pattern.take<onnx::ConcatOp>(gather->getOperand(1));
  if (!concat || concat->getNumOperands() != 2 || concat.getAxis() != 1)
    return false;
  for (int64_t i = 0; i < 2; ++i) {
    auto index = takeIndices(concat->getOperand(i));
    if (!index || index->first != found ||
        (index->second == tokenRow) != (i == 0))
      return false;
  }
  step.weights = gather->getOperand(0);
  return raising.rank(step.weights) == 2;
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
    if (gather.getBatchDims() != 0 || raising.rank(input) != 2 ||
        !raising.dims(indices).back().isConstant(1))
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
    if (op.getReduction() != "add" ||
        !raising.dims(indices).back().isConstant(1))
      return false;
  } else {
    auto elements = cast<onnx::ScatterElementsOp>(scatter);
    if (elements.getReduction() != "add" ||
        raising.normalAxis(elements.getAxis(), scatter->getOperand(0)) != 0)
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
  auto mul = pattern.take<onnx::MulOp>(pattern.takeViews(updates));
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
  while (Operation *op = sum.getDefiningOp()) {
    if (!isa<onnx::ScatterNDOp, onnx::ScatterElementsOp>(op))
      break;
    StepMatcher matcher(pattern);
    Step step;
    size_t mark = pattern.mark();
    if (!matcher.match(op, step)) {
      pattern.rollback(mark);
      break;
    }
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
  // The last scatter of a sum is used by something else.
  SmallVector<Operation *> ends;
  raising.getFunction().walk([&](Operation *op) {
    if (isa<onnx::ScatterNDOp, onnx::ScatterElementsOp>(op) &&
        isa<func::FuncOp>(op->getParentOp()) &&
        llvm::none_of(op->getUsers(), [&](Operation *user) {
          return isa<onnx::ScatterNDOp, onnx::ScatterElementsOp>(user) &&
                 user->getOperand(0) == op->getResult(0);
        }))
      ends.push_back(op);
  });
  for (Operation *op : ends) {
    if (!Raising::isLinked(op))
      continue;
    MoEPattern pattern(raising);
    ExpertsMatch match;
    if (matchSteps(pattern, op, match) && raiseExperts(pattern, match)) {
      ++counts.raised;
    } else if (pattern.failed()) {
      raising.missed(op, "selected experts", pattern.reason());
      ++counts.missed;
    }
  }
  return counts;
}
