// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical form of ops that cut and join along an axis.
#include "NormalizeONNX.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = SmallVector<SymbolicExpression>;

/// Exporters write the largest int32 or int64 for "to the end".
constexpr int64_t farEnd = INT32_MAX;

namespace {
/// What a Slice in the form does: one axis, constant step.
struct AxisSlice {
  Value data;
  int64_t axis;
  /// Null where not known.
  SymbolicExpression begin, end;
  Value beginValue, endValue;
  int64_t step;
};
} // namespace

/// The element of a list of positions; null when it is not known.
static SymbolicExpression elementAt(ONNXNormalizer &n, Value list,
                                    int64_t index) {
  auto contents = n.getShapes().getContents(list);
  return contents && index < static_cast<int64_t>(contents->size())
             ? (*contents)[index]
             : SymbolicExpression();
}

/// The Slice that makes `value` where it has one axis and a step in numbers.
static std::optional<AxisSlice> matchAxisSlice(Value value, ONNXNormalizer &n) {
  auto slice = producer<onnx::SliceOp>(value);
  if (!slice || isa<NoneType>(slice.getAxes().getType()) ||
      isa<NoneType>(slice.getSteps().getType()))
    return std::nullopt;
  auto axes = constantIntegers(slice.getAxes());
  auto steps = constantIntegers(slice.getSteps());
  if (!axes || !steps || axes->size() != 1 || steps->size() != 1)
    return std::nullopt;
  int64_t axis = axes->front();
  return AxisSlice{slice.getData(),
                   axis < 0 ? axis + n.rank(slice.getData()) : axis,
                   elementAt(n, slice.getStarts(), 0),
                   elementAt(n, slice.getEnds(), 0),
                   slice.getStarts(),
                   slice.getEnds(),
                   steps->front()};
}

/// A position of a forward slice, counted from the beginning and inside of the
/// axis as far as that is known.
static SymbolicExpression normalPosition(SymbolicExpression position,
                                         SymbolicExpression size,
                                         ONNXNormalizer &n) {
  if (!position)
    return position;
  std::optional<int64_t> length = size.getConstant();
  if (std::optional<int64_t> number = position.getConstant()) {
    if (*number <= -farEnd)
      return n.number(0);
    if (!length)
      return *number >= farEnd ? n.number(endOfAxis) : position;
    int64_t from = *number < 0 ? *number + *length : *number;
    return n.number(std::clamp<int64_t>(from, 0, *length));
  }
  if (isKnownLessOrEqual(size, position) && isKnownNonNegative(position))
    return length ? size : n.number(endOfAxis);
  return position;
}

/// The parts of a Concat from position `begin` to `end`, when these lie at the
/// borders of parts or within one part; null otherwise.
static Value sliceOfConcat(const AxisSlice &slice, ONNXNormalizer &n) {
  auto concat = producer<onnx::ConcatOp>(slice.data);
  if (!concat || slice.step != 1 || !slice.begin || !slice.end)
    return {};
  int64_t axis = static_cast<int64_t>(concat.getAxis());
  if (axis < 0)
    axis += n.rank(slice.data);
  if (axis != slice.axis)
    return {};
  SymbolicExpression at = n.number(0), end = slice.end;
  if (end.isConstant(endOfAxis))
    end = n.dims(slice.data)[axis];
  SmallVector<Value> parts;
  bool isInside = false;
  for (Value part : concat.getInputs()) {
    SymbolicExpression next = at + n.dims(part)[axis];
    if (!isInside && slice.begin == at)
      isInside = true;
    // Within one part, in numbers.
    if (!isInside && parts.empty() && isKnownLessOrEqual(at, slice.begin) &&
        isKnownLessOrEqual(end, next))
      return n.slice(part, axis, slice.begin - at, end - at);
    if (isInside) {
      if (end == at)
        break;
      if (parts.empty() && end != next && isKnownLessOrEqual(end, next))
        return n.slice(part, axis, slice.begin - at, end - at);
      parts.push_back(part);
      if (end == next)
        return parts.size() == 1 ? parts[0] : n.concat(parts, axis);
    }
    at = next;
  }
  return {};
}

/// Builds a forward slice of one axis, in the form.
static Value makeSlice(AxisSlice slice, ONNXNormalizer &n) {
  SymbolicExpression size = n.dims(slice.data)[slice.axis];
  slice.begin = normalPosition(slice.begin, size, n);
  slice.end = normalPosition(slice.end, size, n);
  if (slice.begin && slice.end && slice.step == 1) {
    bool reachesEnd = slice.end == size || slice.end.isConstant(endOfAxis);
    if (slice.begin.isConstant(0) && reachesEnd)
      return slice.data;
  }
  if (Value parts = sliceOfConcat(slice, n))
    return parts;
  std::optional<int64_t> begin, end, length = size.getConstant();
  if (slice.begin)
    begin = slice.begin.getConstant();
  if (slice.end)
    end = slice.end.getConstant();
  // A slice of a slice, in numbers.
  if (auto outer = matchAxisSlice(slice.data, n);
      outer && outer->axis == slice.axis && outer->step > 0 && begin && end &&
      length && *begin < *end && outer->begin) {
    std::optional<int64_t> from = outer->begin.getConstant();
    if (from && *from >= 0) {
      int64_t first = *from + *begin * outer->step;
      int64_t last = *from + (*end - 1) * outer->step;
      return makeSlice({outer->data, slice.axis, n.number(first),
                        n.number(last + 1), Value(), Value(),
                        outer->step * slice.step},
                       n);
    }
  }
  // One number under any sizes.
  if (auto filled = producer<onnx::ExpandOp>(slice.data);
      filled && ONNXNormalizer::filledWith(slice.data) && begin && end &&
      length && slice.step == 1) {
    Sizes target(n.dims(slice.data));
    target[slice.axis] = n.number(std::max<int64_t>(*end - *begin, 0));
    if (Value value = n.expand(filled.getInput(), target))
      return value;
  }
  if (slice.begin && n.sizes(slice.begin))
    slice.beginValue = n.sizes(slice.begin);
  if (slice.end && n.sizes(slice.end))
    slice.endValue = n.sizes(slice.end);
  if (!slice.beginValue || !slice.endValue)
    return {};
  return n.createAsIs("Slice",
                      {slice.data, slice.beginValue, slice.endValue,
                       n.integers(slice.axis), n.integers(slice.step)});
}

Value ONNXNormalizer::slice(Value value, int64_t axis, SymbolicExpression begin,
                            SymbolicExpression end) {
  return makeSlice({value, axis, begin, end, Value(), Value(), 1}, *this);
}

static Replacement rewriteSlice(Operation *op, ONNXNormalizer &n) {
  auto slice = cast<onnx::SliceOp>(op);
  Value data = slice.getData();
  int64_t rank = n.rank(data);
  std::optional<int64_t> count = n.dims(slice.getStarts())[0].getConstant();
  if (!count)
    return {};
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, *count));
  SmallVector<int64_t> steps(*count, 1);
  auto read = [&](Value operand, SmallVector<int64_t> &into) {
    if (isa<NoneType>(operand.getType()))
      return true;
    auto numbers = constantIntegers(operand);
    if (!numbers || static_cast<int64_t>(numbers->size()) != *count)
      return false;
    into = *numbers;
    return true;
  };
  if (!read(slice.getAxes(), axes) || !read(slice.getSteps(), steps))
    return {};
  Value value = data;
  for (int64_t i = 0; i < *count; ++i) {
    int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    auto position = [&](Value list) {
      return *count == 1 ? list
                         : n.slice(list, 0, n.number(i), n.number(i + 1));
    };
    AxisSlice part{value,
                   axis,
                   elementAt(n, slice.getStarts(), i),
                   elementAt(n, slice.getEnds(), i),
                   position(slice.getStarts()),
                   position(slice.getEnds()),
                   steps[i]};
    if (steps[i] > 0) {
      value = makeSlice(part, n);
    } else if (*count == 1) {
      return {};
    } else {
      value = n.createAsIs("Slice", {value, part.beginValue, part.endValue,
                                     n.integers(axis), n.integers(steps[i])});
    }
    if (!value)
      return {};
  }
  return n.unlessEqual(op, value);
}

//===----------------------------------------------------------------------===//
// Split, Gather
//===----------------------------------------------------------------------===//

static Replacement rewriteSplit(Operation *op, ONNXNormalizer &n) {
  auto split = cast<onnx::SplitOp>(op);
  Value input = split.getInput();
  int64_t axis = static_cast<int64_t>(split.getAxis());
  if (axis < 0)
    axis += n.rank(input);
  if (split.getOutputs().size() == 1)
    return {input};
  Replacement parts;
  SymbolicExpression begin = n.number(0);
  for (Value result : split.getOutputs()) {
    SymbolicExpression end = begin + n.dims(result)[axis];
    Value part = n.slice(input, axis, begin, end);
    if (!part)
      return {};
    parts.push_back(part);
    begin = end;
  }
  return parts;
}

/// Rows that a constant names one by one, upwards, are a slice.
static Replacement rewriteGather(Operation *op, ONNXNormalizer &n) {
  auto gather = cast<onnx::GatherOp>(op);
  Value data = gather.getData();
  int64_t axis = static_cast<int64_t>(gather.getAxis());
  if (axis < 0)
    axis += n.rank(data);
  SymbolicExpression size = n.dims(data)[axis];
  auto rows = constantIntegers(gather.getIndices());
  if (!rows || rows->empty())
    return {};
  std::optional<int64_t> length = size.getConstant();
  for (int64_t &row : *rows) {
    if (row < 0 && length)
      row += *length;
    if (row < 0 || !isKnownLessOrEqual(n.number(row) + 1, size) ||
        row != rows->front() + (&row - rows->data()))
      return {};
  }
  Value value =
      n.slice(data, axis, n.number(rows->front()), n.number(rows->back()) + 1);
  if (value)
    value = n.reshape(value, n.dims(gather));
  return value ? Replacement{value} : Replacement();
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

/// Two neighbours that are cut from one value side by side, as one; null for
/// others.
static Value joinNeighbours(Value a, Value b, int64_t axis, ONNXNormalizer &n) {
  std::optional<AxisSlice> first = matchAxisSlice(a, n),
                           second = matchAxisSlice(b, n);
  if (!first || !second || first->data != second->data || first->axis != axis ||
      second->axis != axis || first->step != 1 || second->step != 1 ||
      !first->begin || !first->end || !second->begin || !second->end)
    return {};
  // The sizes say that both lie inside.
  auto isInside = [&](const AxisSlice &slice, Value value) {
    SymbolicExpression end =
        slice.end.isConstant(endOfAxis) ? n.dims(slice.data)[axis] : slice.end;
    return isKnownNonNegative(slice.begin) &&
           n.dims(value)[axis] == end - slice.begin;
  };
  if (first->end != second->begin || !isInside(*first, a) ||
      !isInside(*second, b))
    return {};
  return n.slice(first->data, axis, first->begin, second->end);
}

Value ONNXNormalizer::concat(ArrayRef<Value> values, int64_t axis) {
  SmallVector<Value> parts;
  for (Value value : values) {
    if (dims(value)[axis].isConstant(0))
      continue;
    if (!parts.empty())
      if (Value joined = joinNeighbours(parts.back(), value, axis, *this)) {
        parts.back() = joined;
        continue;
      }
    parts.push_back(value);
  }
  if (parts.empty())
    parts.push_back(values.front());
  if (parts.size() == 1)
    return parts[0];
  return createAsIs(
      "Concat", parts,
      builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis)));
}

static Replacement rewriteConcat(Operation *op, ONNXNormalizer &n) {
  auto concat = cast<onnx::ConcatOp>(op);
  int64_t axis = static_cast<int64_t>(concat.getAxis());
  if (axis < 0)
    axis += n.rank(concat);
  return n.unlessEqual(op, n.concat(llvm::to_vector(concat.getInputs()), axis));
}

void mlir::trine::addSliceRewrites(NormalizeTable &table) {
  table["onnx.Slice"].push_back(rewriteSlice);
  table["onnx.Split"].push_back(rewriteSplit);
  table["onnx.Gather"].push_back(rewriteGather);
  table["onnx.Concat"].push_back(rewriteConcat);
}
