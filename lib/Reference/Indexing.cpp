// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that read at positions that are themselves data.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// Brings index number `i` of a tensor into [0, size), or gives an error at the
/// op.
static FailureOr<int64_t> checkedIndex(OperatorCall &call,
                                       const Tensor &indices, int64_t i,
                                       int64_t size) {
  int64_t index = indices.integer(i);
  if (index < -size || index >= size)
    return call.fail("'indices' must lie in [" + llvm::Twine(-size) + ", " +
                     llvm::Twine(size) + "), got " + llvm::Twine(index) +
                     " at element " + llvm::Twine(i));
  return index < 0 ? index + size : index;
}

static LogicalResult gather(OperatorCall &call) {
  const Tensor &data = call.operand(0), &indices = call.operand(1);
  FailureOr<int64_t> axis = call.normalizeAxis(
      cast<onnx::GatherOp>(call.op).getAxis(), data.getRank());
  if (failed(axis))
    return failure();
  llvm::SmallVector<int64_t> shape(data.getShape().take_front(*axis));
  llvm::append_range(shape, indices.getShape());
  llvm::append_range(shape, data.getShape().drop_front(*axis + 1));
  FailureOr<Tensor> result = call.allocate(data.getElementType(), shape);
  if (failed(result))
    return failure();
  int64_t outer = productOf(data.getShape(), 0, *axis),
          size = data.getDim(*axis),
          inner = productOf(data.getShape(), *axis + 1, data.getRank());
  for (int64_t k = 0, e = indices.getNumElements(); k < e; ++k) {
    FailureOr<int64_t> index = checkedIndex(call, indices, k, size);
    if (failed(index))
      return failure();
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i)
        result->copyElement((o * e + k) * inner + i, data,
                            (o * size + *index) * inner + i);
  }
  return call.done(*result);
}

static LogicalResult gatherElements(OperatorCall &call) {
  const Tensor &data = call.operand(0), &indices = call.operand(1);
  FailureOr<int64_t> axis = call.normalizeAxis(
      cast<onnx::GatherElementsOp>(call.op).getAxis(), data.getRank());
  if (failed(axis))
    return failure();
  bool fits = indices.getRank() == data.getRank();
  for (int64_t d = 0; fits && d < data.getRank(); ++d)
    fits = d == *axis || indices.getDim(d) <= data.getDim(d);
  if (!fits)
    return call.fail("'indices' must have at most the shape " +
                     describeShape(data.getShape()) + " but for axis " +
                     llvm::Twine(*axis) + ", got " +
                     describeShape(indices.getShape()));
  FailureOr<Tensor> result =
      call.allocate(data.getElementType(), indices.getShape());
  if (failed(result))
    return failure();
  llvm::SmallVector<int64_t> strides = stridesOf(data.getShape());
  int64_t along = strides[*axis];
  strides[*axis] = 0;
  LogicalResult status = success();
  forEachPosition(indices.getShape(), {strides},
                  [&](int64_t i, llvm::ArrayRef<int64_t> at) {
                    if (failed(status))
                      return;
                    FailureOr<int64_t> index =
                        checkedIndex(call, indices, i, data.getDim(*axis));
                    if (failed(index))
                      status = failure();
                    else
                      result->copyElement(i, data, at[0] + *index * along);
                  });
  return failed(status) ? failure() : call.done(*result);
}

static LogicalResult gatherND(OperatorCall &call) {
  const Tensor &data = call.operand(0), &indices = call.operand(1);
  int64_t batchDims = cast<onnx::GatherNDOp>(call.op).getBatchDims();
  int64_t rank = data.getRank(), indexRank = indices.getRank();
  int64_t depth = indexRank > 0 ? indices.getDim(indexRank - 1) : -1;
  if (batchDims < 0 || batchDims >= std::min(rank, indexRank) || depth < 0 ||
      depth > rank - batchDims)
    return call.fail("'indices' of shape " + describeShape(indices.getShape()) +
                     " do not fit data of shape " +
                     describeShape(data.getShape()) + " with batch_dims " +
                     llvm::Twine(batchDims));
  for (int64_t d = 0; d < batchDims; ++d)
    if (data.getDim(d) != indices.getDim(d))
      return call.fail("batch dimension " + llvm::Twine(d) + " must be " +
                       llvm::Twine(data.getDim(d)) + ", got " +
                       llvm::Twine(indices.getDim(d)));
  llvm::SmallVector<int64_t> shape(indices.getShape().drop_back());
  llvm::append_range(shape, data.getShape().drop_front(batchDims + depth));
  FailureOr<Tensor> result = call.allocate(data.getElementType(), shape);
  if (failed(result))
    return failure();
  int64_t batches = productOf(indices.getShape(), 0, batchDims);
  int64_t perBatch = productOf(indices.getShape(), batchDims, indexRank - 1);
  int64_t dataPerBatch = productOf(data.getShape(), batchDims, rank),
          run = productOf(data.getShape(), batchDims + depth, rank);
  llvm::SmallVector<int64_t> strides = stridesOf(data.getShape());
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t t = 0; t < perBatch; ++t) {
      int64_t tuple = b * perBatch + t, at = b * dataPerBatch;
      for (int64_t k = 0; k < depth; ++k) {
        FailureOr<int64_t> index = checkedIndex(
            call, indices, tuple * depth + k, data.getDim(batchDims + k));
        if (failed(index))
          return failure();
        at += *index * strides[batchDims + k];
      }
      for (int64_t i = 0; i < run; ++i)
        result->copyElement(tuple * run + i, data, at + i);
    }
  return call.done(*result);
}

static LogicalResult nonZero(OperatorCall &call) {
  const Tensor &input = call.operand(0);
  llvm::SmallVector<int64_t> found;
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
    if (input.real(i) != 0)
      found.push_back(i);
  int64_t count = found.size();
  FailureOr<Tensor> result =
      call.allocate(ElementType::I64, {input.getRank(), count});
  if (failed(result))
    return failure();
  llvm::SmallVector<int64_t> strides = stridesOf(input.getShape());
  for (int64_t k = 0; k < count; ++k)
    for (int64_t d = 0; d < input.getRank(); ++d)
      result->setInteger(d * count + k,
                         found[k] / strides[d] % input.getDim(d));
  return call.done(*result);
}

static LogicalResult compress(OperatorCall &call) {
  Tensor input = call.operand(0);
  const Tensor &condition = call.operand(1);
  int64_t axis = 0;
  if (std::optional<int64_t> given =
          cast<onnx::CompressOp>(call.op).getAxis()) {
    FailureOr<int64_t> normal = call.normalizeAxis(*given, input.getRank());
    if (failed(normal))
      return failure();
    axis = *normal;
  } else {
    input = input.reshaped({input.getNumElements()});
  }
  if (condition.getRank() != 1)
    return call.fail("'condition' must have rank 1, got shape " +
                     describeShape(condition.getShape()));
  llvm::SmallVector<int64_t> kept;
  for (int64_t i = 0; i < std::min(condition.getDim(0), input.getDim(axis));
       ++i)
    if (condition.integer(i))
      kept.push_back(i);
  llvm::SmallVector<int64_t> shape(input.getShape());
  shape[axis] = kept.size();
  FailureOr<Tensor> result = call.allocate(input.getElementType(), shape);
  if (failed(result))
    return failure();
  int64_t outer = productOf(shape, 0, axis),
          inner = productOf(shape, axis + 1, shape.size()), to = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : kept)
      for (int64_t i = 0; i < inner; ++i)
        result->copyElement(to++, input,
                            (o * input.getDim(axis) + index) * inner + i);
  return call.done(*result);
}

/// Indices outside [-depth, depth) give a row of "off" values.
static LogicalResult oneHot(OperatorCall &call) {
  const Tensor &indices = call.operand(0), &values = call.operand(2);
  if (call.operand(1).getNumElements() != 1 || call.operand(1).integer(0) < 0)
    return call.fail("'depth' must be one count, got shape " +
                     describeShape(call.operand(1).getShape()));
  if (values.getNumElements() != 2)
    return call.fail("'values' must have 2 elements, got " +
                     llvm::Twine(values.getNumElements()));
  int64_t depth = call.operand(1).integer(0);
  FailureOr<int64_t> axis = call.normalizeAxis(
      cast<onnx::OneHotOp>(call.op).getAxis(), indices.getRank() + 1);
  if (failed(axis))
    return failure();
  llvm::SmallVector<int64_t> shape(indices.getShape());
  shape.insert(shape.begin() + *axis, depth);
  FailureOr<Tensor> result = call.allocate(values.getElementType(), shape);
  if (failed(result))
    return failure();
  int64_t outer = productOf(shape, 0, *axis),
          inner = productOf(shape, *axis + 1, shape.size());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t i = 0; i < inner; ++i) {
        int64_t index = indices.integer(o * inner + i);
        bool on = index >= -depth && index < depth &&
                  (index < 0 ? index + depth : index) == k;
        result->copyElement((o * depth + k) * inner + i, values, on);
      }
  return call.done(*result);
}

void reference::addIndexingRules(OperatorTable &table) {
  table["onnx.Compress"] = compress;
  table["onnx.Gather"] = gather;
  table["onnx.GatherElements"] = gatherElements;
  table["onnx.GatherND"] = gatherND;
  table["onnx.NonZero"] = nonZero;
  table["onnx.OneHot"] = oneHot;
}
