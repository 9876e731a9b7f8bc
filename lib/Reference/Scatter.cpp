// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that write at positions that are themselves data. Updates are
// applied in row-major order of the indices.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// Puts an update into one element, by the reduction of the operator.
static void update(Tensor &result, int64_t at, const Tensor &updates, int64_t i,
                   llvm::StringRef reduction) {
  if (reduction == "none")
    return result.copyElement(at, updates, i);
  ElementType type = result.getElementType();
  if (isFloat(type)) {
    double x = result.real(at), y = updates.real(i);
    bool keepsX = std::isnan(x) ||
                  (!std::isnan(y) && (reduction == "max" ? x >= y : x <= y));
    result.setReal(at, reduction == "add"   ? x + y
                       : reduction == "mul" ? x * y
                       : keepsX             ? x
                                            : y);
    return;
  }
  auto x = static_cast<uint64_t>(result.integer(at)),
       y = static_cast<uint64_t>(updates.integer(i));
  bool smaller = isSignedInteger(type)
                     ? static_cast<int64_t>(x) < static_cast<int64_t>(y)
                     : x < y;
  uint64_t chosen = (reduction == "max") == smaller ? y : x;
  result.setInteger(at, static_cast<int64_t>(reduction == "add"   ? x + y
                                             : reduction == "mul" ? x * y
                                                                  : chosen));
}

static LogicalResult checkReduction(OperatorCall &call,
                                    llvm::StringRef reduction) {
  if (reduction == "none" || reduction == "add" || reduction == "mul" ||
      reduction == "max" || reduction == "min")
    return success();
  return call.fail(
      "'reduction' must be 'none', 'add', 'mul', 'max' or 'min', got '" +
      reduction + "'");
}

static LogicalResult scatterElements(OperatorCall &call) {
  auto op = cast<onnx::ScatterElementsOp>(call.op);
  const Tensor &data = call.operand(0), &indices = call.operand(1),
               &updates = call.operand(2);
  FailureOr<int64_t> axis = call.normalizeAxis(op.getAxis(), data.getRank());
  if (failed(axis) || failed(checkReduction(call, op.getReduction())) ||
      failed(call.requireSameType(data, updates, "updates")))
    return failure();
  bool fits = indices.getRank() == data.getRank() &&
              indices.getShape() == updates.getShape();
  for (int64_t d = 0; fits && d < data.getRank(); ++d)
    fits = d == *axis || indices.getDim(d) <= data.getDim(d);
  if (!fits)
    return call.fail("'indices' and 'updates' must have one shape that fits " +
                     describeShape(data.getShape()) + ", got " +
                     describeShape(indices.getShape()) + " and " +
                     describeShape(updates.getShape()));
  llvm::SmallVector<int64_t> strides = stridesOf(data.getShape());
  int64_t along = strides[*axis], size = data.getDim(*axis);
  strides[*axis] = 0;
  Tensor result = data;
  LogicalResult status = success();
  forEachPosition(
      indices.getShape(), {strides},
      [&](int64_t i, llvm::ArrayRef<int64_t> at) {
        int64_t index = indices.integer(i);
        if (failed(status))
          return;
        if (index < -size || index >= size)
          status =
              call.fail("'indices' must lie in [" + llvm::Twine(-size) + ", " +
                        llvm::Twine(size) + "), got " + llvm::Twine(index) +
                        " at element " + llvm::Twine(i));
        else
          update(result, at[0] + (index < 0 ? index + size : index) * along,
                 updates, i, op.getReduction());
      });
  return failed(status) ? failure() : call.done(result);
}

static LogicalResult scatterND(OperatorCall &call) {
  llvm::StringRef reduction = cast<onnx::ScatterNDOp>(call.op).getReduction();
  const Tensor &data = call.operand(0), &indices = call.operand(1),
               &updates = call.operand(2);
  if (failed(checkReduction(call, reduction)) ||
      failed(call.requireSameType(data, updates, "updates")))
    return failure();
  int64_t rank = data.getRank(),
          depth = indices.getRank() > 0 ? indices.getDim(indices.getRank() - 1)
                                        : rank + 1;
  if (depth > rank)
    return call.fail("'indices' of shape " + describeShape(indices.getShape()) +
                     " do not fit data of shape " +
                     describeShape(data.getShape()));
  llvm::SmallVector<int64_t> expected(indices.getShape().drop_back());
  llvm::append_range(expected, data.getShape().drop_front(depth));
  if (llvm::ArrayRef<int64_t>(expected) != updates.getShape())
    return call.fail("'updates' must have shape " + describeShape(expected) +
                     ", got " + describeShape(updates.getShape()));
  llvm::SmallVector<int64_t> strides = stridesOf(data.getShape());
  int64_t tuples = productOf(indices.getShape(), 0, indices.getRank() - 1),
          run = productOf(data.getShape(), depth, rank);
  Tensor result = data;
  for (int64_t t = 0; t < tuples; ++t) {
    int64_t at = 0;
    for (int64_t k = 0; k < depth; ++k) {
      int64_t index = indices.integer(t * depth + k), size = data.getDim(k);
      if (index < -size || index >= size)
        return call.fail("'indices' must lie in [" + llvm::Twine(-size) + ", " +
                         llvm::Twine(size) + "), got " + llvm::Twine(index) +
                         " at element " + llvm::Twine(t * depth + k));
      at += (index < 0 ? index + size : index) * strides[k];
    }
    for (int64_t i = 0; i < run; ++i)
      update(result, at + i, updates, t * run + i, reduction);
  }
  return call.done(result);
}

/// Writes `update` into the cache along an axis, for each batch from its own
/// index on.
static LogicalResult tensorScatter(OperatorCall &call) {
  auto op = cast<onnx::TensorScatterOp>(call.op);
  const Tensor &cache = call.operand(0), &updates = call.operand(1),
               *starts = call.optional(2);
  FailureOr<int64_t> axis = call.normalizeAxis(op.getAxis(), cache.getRank());
  if (failed(axis) || failed(call.requireSameType(cache, updates, "update")))
    return failure();
  bool circular = op.getMode() == "circular";
  if (!circular && op.getMode() != "linear")
    return call.fail("'mode' must be 'linear' or 'circular', got '" +
                     op.getMode() + "'");
  if (*axis == 0)
    return call.fail("'axis' must not be the batch axis 0");
  bool fits = updates.getRank() == cache.getRank();
  for (int64_t d = 0; fits && d < cache.getRank(); ++d)
    fits = d == *axis ? updates.getDim(d) <= cache.getDim(d)
                      : updates.getDim(d) == cache.getDim(d);
  if (!fits)
    return call.fail("'update' must have at most the shape " +
                     describeShape(cache.getShape()) + ", got " +
                     describeShape(updates.getShape()));
  if (starts && starts->getNumElements() != cache.getDim(0))
    return call.fail("'write_indices' must have " +
                     llvm::Twine(cache.getDim(0)) + " values, got " +
                     llvm::Twine(starts->getNumElements()));
  int64_t size = cache.getDim(*axis), length = updates.getDim(*axis),
          batches = cache.getDim(0);
  int64_t outer = productOf(cache.getShape(), 0, *axis),
          inner = productOf(cache.getShape(), *axis + 1, cache.getRank());
  Tensor result = cache;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t s = 0; s < length; ++s) {
      int64_t start = starts ? starts->integer(o / (outer / batches)) : 0;
      if (start < 0 || start > size || (!circular && start + s >= size))
        return call.fail("'write_indices' must leave room for " +
                         llvm::Twine(length) + " rows of " + llvm::Twine(size) +
                         ", got " + llvm::Twine(start));
      int64_t row = (start + s) % size;
      for (int64_t i = 0; i < inner; ++i)
        result.copyElement((o * size + row) * inner + i, updates,
                           (o * length + s) * inner + i);
    }
  return call.done(result);
}

void reference::addScatterRules(OperatorTable &table) {
  table["onnx.ScatterElements"] = scatterElements;
  table["onnx.ScatterND"] = scatterND;
  table["onnx.TensorScatter"] = tensorScatter;
}
