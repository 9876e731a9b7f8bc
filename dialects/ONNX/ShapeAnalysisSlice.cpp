// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that cut, join and pad along axes.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// Positions from here on mean "to the end": exporters write the largest int32
/// or int64.
constexpr int64_t farEnd = INT32_MAX;

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

namespace {
/// What Slice does to one axis; null where not known.
struct AxisSlice {
  Expression start, end;
  std::optional<int64_t> step;
};
} // namespace

/// A position as a distance from the beginning, before clamping from below;
/// null when its sign is not known.
static Expression resolvePosition(Expression position, Expression size) {
  if (!position)
    return {};
  if (isKnownNonNegative(position))
    return position;
  if (isKnownNonNegative(position * -1 - 1))
    return position + size;
  return {};
}

/// max(0, e), where the only max or min inside e comes to the top: size -
/// min(2, size) is max(size - 2, 0).
static Expression clampLength(Expression length) {
  std::optional<SymbolicTerm> found;
  for (const SymbolicTerm &term : length.getTerms()) {
    bool isExtremum = llvm::any_of(term.factors, [](SymbolicAtom atom) {
      return atom.getKind() == SymbolicAtom::Kind::Max ||
             atom.getKind() == SymbolicAtom::Kind::Min;
    });
    if (!isExtremum)
      continue;
    bool isPlain = term.factors.size() == 1 &&
                   (term.coefficient == 1 || term.coefficient == -1);
    if (found || !isPlain)
      return max(length, length.getContext().getConstant(0));
    found = term;
  }
  Expression zero = length.getContext().getConstant(0);
  if (!found)
    return max(length, zero);
  SymbolicAtom atom = found->factors[0];
  Expression rest = length - atom.getExpression() * found->coefficient, result;
  bool takesMax =
      (atom.getKind() == SymbolicAtom::Kind::Max) == (found->coefficient > 0);
  for (Expression operand : atom.getOperands()) {
    Expression part = max(rest + operand * found->coefficient, zero);
    result = !result ? part : takesMax ? max(result, part) : min(result, part);
  }
  return result;
}

/// How many elements an axis of `size` keeps; null when it hangs on data.
static Expression getSliceLength(const AxisSlice &slice, Expression size) {
  if (!slice.step)
    return {};
  SymbolicContext &context = size.getContext();
  std::optional<int64_t> startConstant =
      slice.start ? slice.start.getConstant() : std::nullopt;
  std::optional<int64_t> endConstant =
      slice.end ? slice.end.getConstant() : std::nullopt;
  Expression start = resolvePosition(slice.start, size),
             end = resolvePosition(slice.end, size);
  Expression zero = context.getConstant(0);
  bool isForward = *slice.step > 0;
  if (isForward) {
    if (startConstant && *startConstant <= -farEnd)
      start = zero;
    else if (startConstant && *startConstant >= farEnd)
      return zero;
    else if (start)
      start = min(max(start, zero), size);
    if (endConstant && *endConstant >= farEnd)
      end = size;
    else if (endConstant && *endConstant <= -farEnd)
      return zero;
    else if (end)
      end = min(max(end, zero), size);
  } else {
    if (startConstant && *startConstant >= farEnd)
      start = size - 1;
    else if (startConstant && *startConstant != -1 && start)
      start = max(min(start, size - 1), zero);
    else if (start)
      start = min(start, size - 1);
    if (endConstant && *endConstant <= -farEnd)
      end = context.getConstant(-1);
    else if (endConstant && *endConstant >= farEnd)
      return zero;
    else if (end)
      end = min(max(end, context.getConstant(-1)), size - 1);
  }
  if (!start || !end || *slice.step == INT64_MIN)
    return {};
  Expression length = clampLength(isForward ? end - start : start - end);
  return ceilDiv(length,
                 context.getConstant(isForward ? *slice.step : -*slice.step));
}

static LogicalResult inferSlice(Inference &inference) {
  ArrayRef<Expression> source = inference.shape(0);
  int64_t rank = source.size();
  for (unsigned operand : {1, 2, 3, 4})
    if (inference.isPresent(operand) &&
        failed(inference.requireRank(operand, 1)))
      return failure();
  std::optional<int64_t> count = inference.shape(1)[0].getConstant();
  for (unsigned operand : {2, 3, 4})
    if (inference.isPresent(operand) &&
        inference.shape(operand)[0] != inference.shape(1)[0])
      return inference.error() << inference.name(operand)
                               << " must have as many elements as 'starts', "
                               << inference.shape(1)[0].str() << ", got "
                               << inference.shape(operand)[0].str();
  if (!count || *count > rank)
    return inference.error()
           << "'starts' must have at most " << rank << " elements, got "
           << inference.shape(1)[0].str();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, *count));
  if (inference.isPresent(3)) {
    FailureOr<SmallVector<int64_t>> named = inference.axesFromOperand(3, rank);
    if (failed(named))
      return failure();
    axes = *named;
  }
  auto element = [&](unsigned operand, int64_t index) {
    std::optional<ArrayRef<Expression>> elements = inference.contents(operand);
    return elements ? (*elements)[index] : Expression();
  };
  Dims dims(source);
  SmallVector<AxisSlice> slices;
  for (auto [index, axis] : llvm::enumerate(axes)) {
    AxisSlice slice{element(1, index), element(2, index), 1};
    if (inference.isPresent(4)) {
      Expression step = element(4, index);
      slice.step = step ? step.getConstant() : std::nullopt;
      if (slice.step && *slice.step == 0)
        return inference.error() << "'steps' must not hold 0";
    }
    slices.push_back(slice);
    Expression length = getSliceLength(slice, source[axis]);
    dims[axis] = length ? length : inference.freshSize(0, axis, source[axis]);
  }
  inference.setShape(0, dims);
  inference.copyRange(0, 0);
  // Contents: constant positions of a list.
  std::optional<ArrayRef<Expression>> elements = inference.contents(0);
  std::optional<int64_t> kept =
      dims.size() == 1 ? dims[0].getConstant() : std::nullopt;
  if (!elements || rank != 1 || !kept)
    return success();
  if (slices.empty() || *kept == 0) {
    inference.setContents(0,
                          slices.empty() ? *elements : ArrayRef<Expression>());
    return success();
  }
  int64_t size = elements->size(), step = *slices[0].step;
  std::optional<int64_t> start =
      slices[0].start ? slices[0].start.getConstant() : std::nullopt;
  if (!start)
    return success();
  int64_t position = std::clamp<int64_t>(*start < 0 ? *start + size : *start, 0,
                                         step > 0 ? size : size - 1);
  Elements sliced;
  for (int64_t i = 0; i < *kept; ++i, position += step) {
    if (position < 0 ||
        position >=
            size) // Cannot be: the length was computed from the same numbers.
      return success();
    sliced.push_back((*elements)[position]);
    if (step > size ||
        step < -size) // The next position is past the end, and may overflow.
      break;
  }
  inference.setContents(0, sliced);
  return success();
}

//===----------------------------------------------------------------------===//
// Concat, Split
//===----------------------------------------------------------------------===//

static LogicalResult inferConcat(Inference &inference) {
  unsigned count = inference.op->getNumOperands();
  if (count == 0)
    return inference.error() << "must have at least one operand";
  Dims dims(inference.shape(0));
  FailureOr<int64_t> axis = inference.normaliseAxis(
      cast<ConcatOp>(inference.op).getAxis(), dims.size());
  if (failed(axis))
    return failure();
  IntegerRange range = inference.range(0);
  Elements elements;
  bool hasContents = dims.size() == 1;
  SmallVector<Expression> parts;
  for (unsigned operand = 0; operand < count; ++operand) {
    if (failed(inference.requireRank(operand, dims.size())))
      return failure();
    ArrayRef<Expression> shape = inference.shape(operand);
    for (auto [index, size] : llvm::enumerate(shape)) {
      if (static_cast<int64_t>(index) == *axis)
        continue;
      FailureOr<Expression> common = inference.unify(
          dims[index], size,
          "dimension " + Twine(index) + " of 'inputs' 0 and " + Twine(operand));
      if (failed(common))
        return failure();
      dims[index] = *common;
    }
    parts.push_back(shape[*axis]);
    if (operand > 0)
      range = Inference::join(range, inference.range(operand));
    std::optional<ArrayRef<Expression>> operandElements =
        inference.contents(operand);
    std::optional<int64_t> size = shape[*axis].getConstant();
    if (operandElements)
      llvm::append_range(elements, *operandElements);
    else if (hasContents && size && *size <= maximumContents)
      elements.append(*size, Expression());
    else
      hasContents = false;
    hasContents &= elements.size() <= static_cast<size_t>(maximumContents);
    if (!hasContents)
      elements.clear();
  }
  dims[*axis] = sum(inference.context(), parts);
  inference.setShape(0, dims);
  inference.setRange(0, range);
  if (hasContents)
    inference.setContents(0, elements);
  return success();
}

static LogicalResult inferSplit(Inference &inference) {
  auto op = cast<SplitOp>(inference.op);
  int64_t count = op->getNumResults();
  if (count == 0)
    return inference.error() << "must have at least one result";
  Dims dims(inference.shape(0));
  FailureOr<int64_t> axis = inference.normaliseAxis(op.getAxis(), dims.size());
  if (failed(axis))
    return failure();
  Expression size = dims[*axis];
  SmallVector<Expression> parts;
  if (inference.isPresent(1)) {
    if (failed(inference.requireRank(1, 1)))
      return failure();
    std::optional<int64_t> entries = inference.shape(1)[0].getConstant();
    if (!entries || *entries != count)
      return inference.error() << "'split' must have " << count
                               << " elements, one per result, got "
                               << inference.shape(1)[0].str();
    std::optional<ArrayRef<Expression>> elements = inference.contents(1);
    for (int64_t i = 0; i < count; ++i) {
      Expression part = elements ? (*elements)[i] : Expression();
      if (part && part.getConstant() && *part.getConstant() < 0)
        return inference.error()
               << "'split' must not be negative, got " << printShape(*elements);
      parts.push_back(part ? part : inference.freshSize(i, *axis, size));
    }
    Expression total = sum(inference.context(), parts);
    if (total != size && (total - size).isConstant())
      return inference.error() << "'split' must add up to " << size.str()
                               << ", got " << total.str();
    if (total != size)
      inference.analysis.assumeEqual(op, size, total);
  } else {
    if (op.getNumOutputs() &&
        static_cast<int64_t>(*op.getNumOutputs()) != count)
      return inference.error()
             << "'num_outputs' must be the number of results, " << count
             << ", got " << *op.getNumOutputs();
    // Without 'num_outputs' the parts are equal.
    std::optional<int64_t> known = size.getConstant();
    if (!op.getNumOutputs() && known && *known % count != 0)
      return inference.error()
             << "dimension " << *axis << " of size " << *known
             << " cannot be split into " << count << " equal parts";
    // All parts have one size but the last, which may be smaller.
    Expression chunk = ceilDiv(size, inference.constant(count));
    Expression last = size - chunk * (count - 1);
    if (last.getConstant() && *last.getConstant() < 0)
      return inference.error() << "dimension " << *axis << " of size "
                               << size.str() << " cannot be split into "
                               << count << " parts of " << chunk.str();
    parts.assign(count - 1, chunk);
    parts.push_back(last);
  }
  std::optional<ArrayRef<Expression>> elements = inference.contents(0);
  size_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    dims[*axis] = parts[i];
    inference.setShape(i, dims);
    inference.copyRange(i, 0);
    std::optional<int64_t> length = parts[i].getConstant();
    if (!elements || !length || offset + *length > elements->size()) {
      elements = std::nullopt;
      continue;
    }
    inference.setContents(i, elements->slice(offset, *length));
    offset += *length;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pad, Trilu
//===----------------------------------------------------------------------===//

static LogicalResult inferPad(Inference &inference) {
  ArrayRef<Expression> source = inference.shape(0);
  StringRef mode = cast<PadOp>(inference.op).getMode();
  if (mode != "constant" && mode != "reflect" && mode != "edge" &&
      mode != "wrap")
    return inference.error()
           << "'mode' must be constant, reflect, edge or wrap, got '" << mode
           << "'";
  if (inference.isPresent(2) && failed(inference.requireOneElement(2)))
    return failure();
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, source.size()));
  if (inference.isPresent(3)) {
    FailureOr<SmallVector<int64_t>> named =
        inference.axesFromOperand(3, source.size());
    if (failed(named))
      return failure();
    axes = *named;
  }
  if (failed(inference.requireRank(1, 1)))
    return failure();
  if (inference.shape(1)[0].isConstant() &&
      !inference.shape(1)[0].isConstant(2 * axes.size()))
    return inference.error()
           << "'pads' must have " << 2 * axes.size() << " elements, got "
           << inference.shape(1)[0].str();
  std::optional<ArrayRef<Expression>> pads = inference.contents(1);
  Dims dims(source);
  for (auto [index, axis] : llvm::enumerate(axes)) {
    Expression before = pads ? (*pads)[index] : Expression();
    Expression after = pads ? (*pads)[index + axes.size()] : Expression();
    dims[axis] = before && after ? source[axis] + before + after
                                 : inference.freshSize(0, axis, {});
    if (dims[axis].getConstant() && *dims[axis].getConstant() < 0)
      return inference.error()
             << "'pads' must leave at least size 0 of dimension " << axis
             << ", got " << *dims[axis].getConstant();
  }
  inference.setShape(0, dims);
  IntegerRange range = inference.range(0);
  if (mode == "constant") {
    IntegerRange zero{inference.constant(0), inference.constant(0)};
    range = Inference::join(range,
                            inference.isPresent(2) ? inference.range(2) : zero);
  }
  inference.setRange(0, range);
  return success();
}

static LogicalResult inferTrilu(Inference &inference) {
  if (failed(inference.requireRankAtLeast(0, 2)) ||
      (inference.isPresent(1) && failed(inference.requireOneElement(1))))
    return failure();
  inference.setShape(0, inference.shape(0));
  inference.setRange(
      0, Inference::join(inference.range(0),
                         {inference.constant(0), inference.constant(0)}));
  return success();
}

void mlir::trine::onnx::addSliceInference(InferenceTable &table) {
  table["onnx.Concat"] = inferConcat;
  table["onnx.Pad"] = inferPad;
  table["onnx.Slice"] = inferSlice;
  table["onnx.Split"] = inferSplit;
  table["onnx.Trilu"] = inferTrilu;
}
