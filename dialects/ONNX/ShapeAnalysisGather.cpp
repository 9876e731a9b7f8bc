// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that read at positions from data, or choose by data: gathers,
// top-k, compress, non-zero.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// Indices that are constants must fit an axis of known size.
static LogicalResult checkIndices(Inference &inference, unsigned operand,
                                  Expression size) {
  std::optional<int64_t> limit = size.getConstant();
  IntegerRange range = inference.range(operand);
  if (!limit || !inference.isPresent(operand))
    return success();
  for (Expression bound : {range.lower, range.upper}) {
    std::optional<int64_t> value = bound ? bound.getConstant() : std::nullopt;
    // Bounds prove an error only where some element has them, as those of a
    // constant do.
    if (!value || !isa_and_nonnull<ConstantOp>(
                      inference.operand(operand).getDefiningOp()))
      continue;
    if (*value < -*limit || *value >= *limit)
      return inference.error()
             << inference.name(operand) << " must be in [" << -*limit << ", "
             << *limit << "), got " << *value;
  }
  return success();
}

/// Indices that are distinct and valid cannot be more than there are positions.
static void boundDistinctIndices(Inference &inference, unsigned operand,
                                 Expression size) {
  Expression symbol = inference.information(operand).distinctCount;
  if (!symbol)
    return;
  auto found = inference.analysis.symbolIndex.find(symbol);
  if (found == inference.analysis.symbolIndex.end())
    return;
  SymbolDefinition &definition = inference.analysis.symbols[found->second];
  // Once for each of many experts, each reading the rows of all: the sum of
  // their counts bounds none better, and takes as long as there are experts.
  if (definition.upperBound && size.getSize() > maximumBoundSize)
    return;
  IntegerRange range = inference.range(operand);
  bool isNonNegative = range.lower && isKnownNonNegative(range.lower);
  Expression bound =
      inference.analysis.getUpperBound(isNonNegative ? size : size * 2);
  if (!bound)
    return;
  if (definition.upperBound &&
      !isKnownLessOrEqual(bound, definition.upperBound))
    return;
  definition.upperBound = bound;
  inference.context().setUpperBound(symbol, bound);
}

static LogicalResult inferGather(Inference &inference) {
  if (failed(inference.requireRankAtLeast(0, 1)))
    return failure();
  ArrayRef<Expression> data = inference.shape(0), indices = inference.shape(1);
  FailureOr<int64_t> axis = inference.normaliseAxis(
      cast<GatherOp>(inference.op).getAxis(), data.size());
  if (failed(axis) || failed(checkIndices(inference, 1, data[*axis])))
    return failure();
  Dims dims(data.take_front(*axis));
  llvm::append_range(dims, indices);
  llvm::append_range(dims, data.drop_front(*axis + 1));
  inference.setShape(0, dims);
  inference.copyRange(0, 0);
  boundDistinctIndices(inference, 1, data[*axis]);
  std::optional<ArrayRef<Expression>> elements = inference.contents(0),
                                      positions = inference.contents(1);
  if (!elements || !positions || data.size() != 1)
    return success();
  Elements gathered;
  for (Expression position : *positions) {
    std::optional<int64_t> index =
        position ? position.getConstant() : std::nullopt;
    int64_t size = elements->size();
    if (index && *index < 0)
      *index += size;
    gathered.push_back(index && *index >= 0 && *index < size
                           ? (*elements)[*index]
                           : Expression());
  }
  inference.setContents(0, gathered);
  return success();
}

static LogicalResult inferGatherElements(Inference &inference) {
  if (failed(inference.requireRankAtLeast(0, 1)) ||
      failed(inference.requireRank(1, inference.rank(0))))
    return failure();
  FailureOr<int64_t> axis = inference.normaliseAxis(
      cast<GatherElementsOp>(inference.op).getAxis(), inference.rank(0));
  if (failed(axis) ||
      failed(checkIndices(inference, 1, inference.shape(0)[*axis])))
    return failure();
  for (auto [dimension, sizes] : llvm::enumerate(
           llvm::zip_equal(inference.shape(0), inference.shape(1)))) {
    auto [data, indices] = sizes;
    if (static_cast<int64_t>(dimension) != *axis && data.isConstant() &&
        indices.isConstant() && *indices.getConstant() > *data.getConstant())
      return inference.error()
             << "dimension " << dimension << " of 'indices' must be at most "
             << data.str() << ", got " << indices.str();
  }
  inference.setShape(0, inference.shape(1));
  inference.copyRange(0, 0);
  return success();
}

static LogicalResult inferGatherND(Inference &inference) {
  if (failed(inference.requireRankAtLeast(0, 1)) ||
      failed(inference.requireRankAtLeast(1, 1)))
    return failure();
  ArrayRef<Expression> data = inference.shape(0), indices = inference.shape(1);
  int64_t batchDims = cast<GatherNDOp>(inference.op).getBatchDims();
  int64_t limit = std::min(data.size(), indices.size());
  if (batchDims < 0 || batchDims >= limit)
    return inference.error()
           << "'batch_dims' must be in [0, " << limit << "), got " << batchDims;
  std::optional<int64_t> depth = indices.back().getConstant();
  int64_t maximumDepth = static_cast<int64_t>(data.size()) - batchDims;
  if (!depth || *depth < 1 || *depth > maximumDepth)
    return inference.error()
           << "the last dimension of 'indices' must be in [1, " << maximumDepth
           << "], got " << indices.back().str();
  Dims dims;
  for (int64_t dimension = 0; dimension < batchDims; ++dimension) {
    FailureOr<Expression> common = inference.unify(
        data[dimension], indices[dimension],
        "batch dimension " + Twine(dimension) + " of 'data' and 'indices'");
    if (failed(common))
      return failure();
    dims.push_back(*common);
  }
  llvm::append_range(dims, indices.drop_front(batchDims).drop_back());
  llvm::append_range(dims, data.drop_front(batchDims + *depth));
  inference.setShape(0, dims);
  inference.copyRange(0, 0);
  if (*depth == 1 && batchDims == 0)
    boundDistinctIndices(inference, 1, data[0]);
  return success();
}

static LogicalResult inferTopK(Inference &inference) {
  auto op = cast<TopKOp>(inference.op);
  if (failed(inference.requireRankAtLeast(0, 1)) ||
      failed(inference.requireOneElement(1)))
    return failure();
  Dims dims(inference.shape(0));
  FailureOr<int64_t> axis = inference.normaliseAxis(op.getAxis(), dims.size());
  if (failed(axis))
    return failure();
  Expression size = dims[*axis], count = inference.scalar(1);
  if (count && count.getConstant() && *count.getConstant() < 0)
    return inference.error() << "'K' must be at least 0, got " << count.str();
  if (count && count.getConstant() && size.getConstant() &&
      *count.getConstant() > *size.getConstant())
    return inference.error()
           << "'K' must be at most " << size.str() << ", the size of dimension "
           << *axis << ", got " << count.str();
  dims[*axis] = count ? count : inference.freshSize(0, *axis, size);
  inference.setShape(0, dims);
  inference.copyRange(0, 0);
  inference.setShape(1, dims);
  if (isa<TensorType>(op->getResult(1).getType()))
    inference.setRange(1, {inference.constant(0), size - 1});
  return success();
}

static LogicalResult inferCompress(Inference &inference) {
  auto op = cast<CompressOp>(inference.op);
  if (failed(inference.requireRank(1, 1)))
    return failure();
  Dims dims(inference.shape(0));
  int64_t axis = 0;
  if (op.getAxis()) {
    FailureOr<int64_t> normalised =
        inference.normaliseAxis(*op.getAxis(), dims.size());
    if (failed(normalised))
      return failure();
    axis = *normalised;
  } else {
    dims = {product(inference.context(), dims)};
  }
  // As many as there are true conditions, and conditions beyond the size do not
  // count.
  Expression count = inference.constant(0);
  if (std::optional<ArrayRef<Expression>> elements = inference.contents(1)) {
    for (Expression element : *elements)
      count = count && element ? count + element : Expression();
    if (count &&
        !(dims[axis].isConstant() &&
          static_cast<int64_t>(elements->size()) <= *dims[axis].getConstant()))
      count = {};
  } else {
    count = {};
  }
  dims[axis] = count ? count
                     : inference.freshSize(
                           0, axis, min(dims[axis], inference.shape(1)[0]));
  inference.setShape(0, dims);
  inference.copyRange(0, 0);
  return success();
}

static LogicalResult inferNonZero(Inference &inference) {
  ArrayRef<Expression> source = inference.shape(0);
  Expression total = product(inference.context(), source);
  Expression count;
  if (std::optional<ArrayRef<Expression>> elements = inference.contents(0);
      elements &&
      llvm::all_of(*elements, [](Expression e) { return e && e.isConstant(); }))
    count = inference.constant(llvm::count_if(
        *elements, [](Expression e) { return !e.isConstant(0); }));
  inference.setShape(0, {inference.constant(source.size()),
                         count ? count : inference.freshSize(0, 1, total)});
  if (source.empty())
    return success();
  Expression largest = source[0];
  for (Expression size : source)
    largest = max(largest, size);
  inference.setRange(0, {inference.constant(0), largest - 1});
  return success();
}

static LogicalResult inferOneHot(Inference &inference) {
  auto op = cast<OneHotOp>(inference.op);
  if (failed(inference.requireOneElement(1)) ||
      failed(inference.requireRank(2, 1)))
    return failure();
  if (inference.shape(2)[0].isConstant() &&
      !inference.shape(2)[0].isConstant(2))
    return inference.error() << "'values' must have 2 elements, got "
                             << inference.shape(2)[0].str();
  Dims dims(inference.shape(0));
  FailureOr<int64_t> axis =
      inference.normaliseAxis(op.getAxis(), dims.size() + 1);
  if (failed(axis))
    return failure();
  Expression depth = inference.scalar(1);
  DenseElementsAttr value;
  if (auto constant = inference.operand(1).getDefiningOp<ConstantOp>())
    value = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!depth && value && isa<FloatType>(value.getElementType())) {
    // A whole number, written as a float.
    llvm::APSInt integer(64, /*isUnsigned=*/false);
    bool isExact = false;
    if ((*value.value_begin<APFloat>())
            .convertToInteger(integer, APFloat::rmTowardZero, &isExact) !=
        APFloat::opInvalidOp)
      depth = inference.constant(integer.getExtValue());
  }
  if (depth && depth.getConstant() && *depth.getConstant() < 0)
    return inference.error()
           << "'depth' must be at least 0, got " << depth.str();
  dims.insert(dims.begin() + *axis,
              depth ? depth : inference.freshSize(0, *axis, {}));
  inference.setShape(0, dims);
  inference.copyRange(0, 2);
  return success();
}

void mlir::trine::onnx::addGatherInference(InferenceTable &table) {
  table["onnx.Compress"] = inferCompress;
  table["onnx.Gather"] = inferGather;
  table["onnx.GatherElements"] = inferGatherElements;
  table["onnx.GatherND"] = inferGatherND;
  table["onnx.NonZero"] = inferNonZero;
  table["onnx.OneHot"] = inferOneHot;
  table["onnx.TopK"] = inferTopK;
}
