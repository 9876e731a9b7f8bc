// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scatters over a contiguous range or a box (slice-scatter) as Concat, and
// one-hot rows of constants.
#include "NormalizeONNX.h"

#include <limits>

using namespace mlir;
using namespace mlir::trine;

namespace {
/// The integers begin, begin + 1, ..., in row-major order.
struct ContiguousRange {
  SymbolicExpression begin, count;
};
} // namespace

/// Reads a value as a contiguous range, through what keeps its elements in
/// order. Each step looks at one op.
static std::optional<ContiguousRange> matchRange(Value value,
                                                 ONNXNormalizer &n) {
  SymbolicExpression shift = n.number(0), count;
  for (unsigned steps = 0; steps < 8; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (auto numbers = constantIntegers(value)) {
      for (auto [index, number] : llvm::enumerate(*numbers))
        if (number != numbers->front() + static_cast<int64_t>(index))
          return std::nullopt;
      if (numbers->empty())
        return std::nullopt;
      return ContiguousRange{shift + numbers->front(),
                             count ? count : n.number(numbers->size())};
    }
    if (auto range = dyn_cast<onnx::RangeOp>(op)) {
      auto start = n.getShapes().getContents(range.getStart());
      if (!start ||
          constantInteger(range.getDelta()) != std::optional<int64_t>(1))
        return std::nullopt;
      return ContiguousRange{shift + start->front(),
                             count ? count : n.dims(range)[0]};
    }
    if (auto reshape = dyn_cast<onnx::ReshapeOp>(op)) {
      value = reshape.getData();
      continue;
    }
    if (auto slice = dyn_cast<onnx::SliceOp>(op)) {
      auto starts = n.getShapes().getContents(slice.getStarts());
      if (n.rank(slice) != 1 || !starts || starts->size() != 1 ||
          !isKnownNonNegative(starts->front()) ||
          isa<NoneType>(slice.getSteps().getType()) ||
          constantInteger(slice.getSteps()) != std::optional<int64_t>(1))
        return std::nullopt;
      shift = shift + starts->front();
      count = count ? count : n.dims(slice)[0];
      value = slice.getData();
      continue;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

/// `value` cut along its first axis, below a Transpose where there is one, so
/// that transposes meet.
static Value sliceRows(Value value, SymbolicExpression begin,
                       SymbolicExpression end, ONNXNormalizer &n) {
  auto transpose = producer<onnx::TransposeOp>(value);
  if (!transpose || !transpose.getPerm())
    return n.slice(value, 0, begin, end);
  Value part =
      n.slice(transpose.getData(), transpose.getPerm()->front(), begin, end);
  return part ? n.transpose(part, *transpose.getPerm()) : Value();
}

/// Rows joined, below a Transpose that all of them share.
static Value concatRows(ArrayRef<Value> values, ONNXNormalizer &n) {
  SmallVector<Value> inputs;
  std::optional<ArrayRef<int64_t>> permutation;
  // One number has the sizes of any order.
  auto isFilled = [](Value value) {
    return producer<onnx::ExpandOp>(value) && ONNXNormalizer::filledWith(value);
  };
  for (Value value : values)
    if (auto transpose = producer<onnx::TransposeOp>(value);
        transpose && transpose.getPerm())
      permutation = transpose.getPerm();
  if (!permutation)
    return n.concat(values, 0);
  SmallVector<int64_t> inverse(permutation->size());
  for (auto [to, from] : llvm::enumerate(*permutation))
    inverse[from] = to;
  for (Value value : values) {
    auto transpose = producer<onnx::TransposeOp>(value);
    if (isFilled(value))
      inputs.push_back(n.transpose(value, inverse));
    else if (transpose && transpose.getPerm() == permutation)
      inputs.push_back(transpose.getData());
    else
      return n.concat(values, 0);
  }
  return n.transpose(n.concat(inputs, permutation->front()), *permutation);
}

/// Rows [begin, begin + count) of data replaced.
static Replacement replaceRows(Value data, Value updates,
                               const ContiguousRange &range,
                               ONNXNormalizer &n) {
  SymbolicExpression size = n.dims(data)[0], end = range.begin + range.count;
  // Positions outside would be an error, not a longer result.
  if (!isKnownNonNegative(range.begin) || !isKnownLessOrEqual(end, size) ||
      n.dims(updates)[0] != range.count ||
      n.dims(updates).drop_front() != n.dims(data).drop_front())
    return {};
  SmallVector<Value> parts;
  if (!range.begin.isConstant(0))
    parts.push_back(sliceRows(data, n.number(0), range.begin, n));
  parts.push_back(updates);
  if (end != size)
    parts.push_back(sliceRows(data, end, size, n));
  if (llvm::is_contained(parts, Value()))
    return {};
  return {concatRows(parts, n)};
}

/// A range along `axis` of data replaced, all else whole.
static Replacement replaceAlong(Value data, Value updates, int64_t axis,
                                const ContiguousRange &range,
                                ONNXNormalizer &n) {
  SymbolicExpression size = n.dims(data)[axis], end = range.begin + range.count;
  // Positions outside would be an error, not a longer result.
  if (!isKnownNonNegative(range.begin) || !isKnownLessOrEqual(end, size))
    return {};
  for (auto [dim, sizes] :
       llvm::enumerate(llvm::zip_equal(n.dims(data), n.dims(updates)))) {
    auto [whole, part] = sizes;
    if (part != (static_cast<int64_t>(dim) == axis ? range.count : whole))
      return {};
  }
  SmallVector<Value> parts;
  if (!range.begin.isConstant(0))
    parts.push_back(n.slice(data, axis, n.number(0), range.begin));
  parts.push_back(updates);
  if (end != size)
    parts.push_back(n.slice(data, axis, end, size));
  if (llvm::is_contained(parts, Value()))
    return {};
  return {n.concat(parts, axis)};
}

/// One range for each axis, where indices [sizes.., axes] hold the coordinates
/// of a box, one behind the other (torch.onnx: x[..., a:b] = y).
static std::optional<SmallVector<ContiguousRange>> matchBox(Value indices,
                                                            ONNXNormalizer &n) {
  auto concat = producer<onnx::ConcatOp>(indices);
  ArrayRef<SymbolicExpression> sizes = n.dims(indices);
  int64_t rank = static_cast<int64_t>(sizes.size()) - 1;
  if (!concat || rank < 1 ||
      static_cast<int64_t>(concat->getNumOperands()) != rank ||
      (static_cast<int64_t>(concat.getAxis()) != rank &&
       static_cast<int64_t>(concat.getAxis()) != -1))
    return std::nullopt;
  SmallVector<ContiguousRange> ranges;
  for (auto [axis, part] : llvm::enumerate(concat->getOperands())) {
    Value value = part;
    if (auto reshape = producer<onnx::ReshapeOp>(value))
      value = reshape.getData();
    if (n.dims(value) != sizes.drop_back())
      return std::nullopt;
    if (auto expand = producer<onnx::ExpandOp>(value))
      value = expand.getInput();
    int64_t shift = rank - n.rank(value);
    for (auto [dim, size] : llvm::enumerate(n.dims(value)))
      if (static_cast<int64_t>(dim) + shift != static_cast<int64_t>(axis) &&
          !size.isConstant(1))
        return std::nullopt;
    std::optional<ContiguousRange> range = matchRange(value, n);
    if (!range || range->count != sizes[axis])
      return std::nullopt;
    ranges.push_back(*range);
  }
  return ranges;
}

static Replacement rewriteScatterND(Operation *op, ONNXNormalizer &n) {
  auto scatter = cast<onnx::ScatterNDOp>(op);
  Value data = scatter.getData(), updates = scatter.getUpdates();
  ArrayRef<SymbolicExpression> sizes = n.dims(scatter.getIndices());
  if (scatter.getReduction() != "none")
    return {};
  // One position per row: [rows, 1].
  if (sizes.size() == 2 && sizes[1].isConstant(1)) {
    std::optional<ContiguousRange> range = matchRange(scatter.getIndices(), n);
    return range ? replaceRows(data, updates, *range, n) : Replacement();
  }
  // One position per element, which count through a box.
  if (static_cast<int64_t>(sizes.size()) != n.rank(data) + 1 ||
      n.dims(updates) != sizes.drop_back())
    return {};
  std::optional<SmallVector<ContiguousRange>> box =
      matchBox(scatter.getIndices(), n);
  if (!box)
    return {};
  // The axis of which it is a part; the others are checked to be whole.
  int64_t axis = 0;
  for (auto [dim, range] : llvm::enumerate(*box)) {
    if (range.count != n.dims(data)[dim])
      axis = dim;
    else if (!range.begin.isConstant(0))
      return {};
  }
  return replaceAlong(data, updates, axis, (*box)[axis], n);
}

/// Indices that are a range along the axis, the same everywhere else.
static Replacement rewriteScatterElements(Operation *op, ONNXNormalizer &n) {
  auto scatter = cast<onnx::ScatterElementsOp>(op);
  Value data = scatter.getData(), updates = scatter.getUpdates(),
        indices = scatter.getIndices();
  int64_t axis = static_cast<int64_t>(scatter.getAxis());
  if (axis < 0)
    axis += n.rank(data);
  if (auto expand = producer<onnx::ExpandOp>(indices))
    indices = expand.getInput();
  // Aligned at the end with the data.
  int64_t shift = n.rank(data) - n.rank(indices);
  for (auto [dim, size] : llvm::enumerate(n.dims(indices)))
    if (static_cast<int64_t>(dim) + shift != axis && !size.isConstant(1))
      return {};
  if (scatter.getReduction() != "none" || axis < shift)
    return {};
  std::optional<ContiguousRange> range = matchRange(indices, n);
  if (!range)
    return {};
  return replaceAlong(data, updates, axis, *range, n);
}

/// Sigmoid(what is scattered over -infinity) is the sigmoid scattered over
/// zeros.
static Replacement rewriteSigmoid(Operation *op, ONNXNormalizer &n) {
  Value value = op->getOperand(0);
  Type type = ONNXNormalizer::elementType(value);
  auto scatter = producer<onnx::ScatterElementsOp>(skipWideningCasts(value));
  if (!scatter || scatter.getReduction() != "none")
    return {};
  std::optional<double> filling =
      constantNumber(ONNXNormalizer::filledWith(scatter.getData()));
  if (filling != -std::numeric_limits<double>::infinity())
    return {};
  Value updates = scatter.getUpdates();
  if (ONNXNormalizer::elementType(updates) != type) {
    auto cast = value.getDefiningOp<onnx::CastOp>();
    if (!cast)
      return {};
    updates = n.createLike(cast, updates);
  }
  Value zeros = n.expand(n.scalar(0, type), n.dims(scatter.getData()),
                         n.create("Shape", {scatter.getData()}));
  if (!zeros)
    return {};
  SmallVector<Value> operands = {zeros, scatter.getIndices(),
                                 n.create("Sigmoid", {updates})};
  return {n.createLike(scatter, operands)};
}

/// One-hot rows of few constants are constants: torch.onnx makes the repeats of
/// Tile so.
static Replacement rewriteOneHot(Operation *op, ONNXNormalizer &n) {
  auto oneHot = cast<onnx::OneHotOp>(op);
  Value result = op->getResult(0);
  int64_t axis = static_cast<int64_t>(oneHot.getAxis());
  std::optional<SmallVector<int64_t>> places =
                                          constantIntegers(op->getOperand(0)),
                                      values =
                                          constantIntegers(op->getOperand(2));
  std::optional<int64_t> depth = constantInteger(op->getOperand(1));
  if (!places || !values || values->size() != 2 || !depth || *depth < 1 ||
      *depth > 16 || places->size() > 16 ||
      (axis != -1 && axis != n.rank(result) - 1) ||
      !ONNXNormalizer::elementType(result).isSignlessInteger(64))
    return {};
  SmallVector<int64_t> elements;
  for (int64_t place : *places)
    for (int64_t i = 0; i < *depth; ++i)
      elements.push_back((*values)[place == i || place == i - *depth]);
  return {n.reshape(n.integers(elements), n.dims(result))};
}

void mlir::trine::addScatterRewrites(NormalizeTable &table) {
  table["onnx.OneHot"].push_back(rewriteOneHot);
  table["onnx.Sigmoid"].push_back(rewriteSigmoid);
  table["onnx.ScatterND"].push_back(rewriteScatterND);
  table["onnx.ScatterElements"].push_back(rewriteScatterElements);
}
