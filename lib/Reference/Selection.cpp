// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that choose: TopK, ArgMax, ArgMin. Their choices can be forced, to
// compare with a program that rounds otherwise.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// The order of two elements: a number, or NaN, which counts as larger than all
/// numbers.
static int compareElements(const Tensor &data, int64_t i, int64_t j) {
  ElementType type = data.getElementType();
  if (isFloat(type)) {
    double x = data.real(i), y = data.real(j);
    if (std::isnan(x) || std::isnan(y))
      return int(std::isnan(x)) - int(std::isnan(y));
    return (x > y) - (x < y);
  }
  int64_t x = data.integer(i), y = data.integer(j);
  if (type == ElementType::U64)
    return (static_cast<uint64_t>(x) > static_cast<uint64_t>(y)) -
           (static_cast<uint64_t>(x) < static_cast<uint64_t>(y));
  return (x > y) - (x < y);
}

FailureOr<const Tensor *>
reference::forcedIndices(OperatorCall &call, llvm::ArrayRef<int64_t> shape,
                         int64_t size) {
  auto it = call.options.forcedChoices.find(call.op);
  if (it == call.options.forcedChoices.end())
    return nullptr;
  const Tensor &forced = it->second;
  if (forced.getElementType() != ElementType::I64 || forced.getShape() != shape)
    return call.fail("forced choice must be i64 of shape " +
                     describeShape(shape) + ", got " +
                     nameOf(forced.getElementType()) + " of shape " +
                     describeShape(forced.getShape()));
  for (int64_t i = 0, e = forced.getNumElements(); i < e; ++i)
    if (forced.integer(i) < 0 || forced.integer(i) >= size)
      return call.fail("forced choice must lie in [0, " + llvm::Twine(size) +
                       "), got " + llvm::Twine(forced.integer(i)));
  return &forced;
}

/// The k largest or smallest along an axis; equal elements in the order of
/// their indices.
static LogicalResult topK(OperatorCall &call) {
  auto op = cast<onnx::TopKOp>(call.op);
  const Tensor &x = call.operand(0);
  FailureOr<int64_t> axis = call.normalizeAxis(op.getAxis(), x.getRank());
  if (failed(axis))
    return failure();
  int64_t size = x.getDim(*axis), k = call.operand(1).getNumElements() == 1
                                          ? call.operand(1).integer(0)
                                          : -1;
  if (k < 0 || k > size)
    return call.fail(
        "'K' must be one count in [0, " + llvm::Twine(size) + "], got " +
        (call.operand(1).getNumElements() == 1
             ? llvm::Twine(k).str()
             : "shape " + describeShape(call.operand(1).getShape())));
  llvm::SmallVector<int64_t> shape(x.getShape());
  shape[*axis] = k;
  FailureOr<Tensor> values = call.allocate(x.getElementType(), shape),
                    indices = call.allocate(ElementType::I64, shape);
  FailureOr<const Tensor *> forced = forcedIndices(call, shape, size);
  if (failed(values) || failed(indices) || failed(forced))
    return failure();
  int64_t outer = productOf(shape, 0, *axis),
          inner = productOf(shape, *axis + 1, shape.size());
  bool wantsLargest = op.getLargest();
  std::vector<int64_t> order(size);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      auto at = [&](int64_t position) {
        return (o * size + position) * inner + i;
      };
      for (int64_t position = 0; position < size; ++position)
        order[position] = position;
      std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        int comparison = compareElements(x, at(a), at(b));
        if (comparison == 0)
          return a < b;
        return wantsLargest ? comparison > 0 : comparison < 0;
      });
      for (int64_t rank = 0; rank < k; ++rank) {
        int64_t to = (o * k + rank) * inner + i;
        int64_t chosen = *forced ? (*forced)->integer(to) : order[rank];
        indices->setInteger(to, chosen);
        values->copyElement(to, x, at(chosen));
      }
    }
  call.setResult(0, *values);
  call.setResult(1, *indices);
  return success();
}

template <typename Op>
static LogicalResult argumentOfExtreme(OperatorCall &call, int wantedSign) {
  auto op = cast<Op>(call.op);
  const Tensor &data = call.operand(0);
  FailureOr<int64_t> axis = call.normalizeAxis(op.getAxis(), data.getRank());
  if (failed(axis))
    return failure();
  int64_t size = data.getDim(*axis);
  llvm::SmallVector<int64_t> shape(data.getShape());
  if (op.getKeepdims())
    shape[*axis] = 1;
  else
    shape.erase(shape.begin() + *axis);
  FailureOr<Tensor> result = call.allocate(ElementType::I64, shape);
  FailureOr<const Tensor *> forced = forcedIndices(call, shape, size);
  if (failed(result) || failed(forced))
    return failure();
  if (size == 0 && result->getNumElements() > 0)
    return call.fail("cannot choose from the empty axis " + llvm::Twine(*axis));
  int64_t outer = productOf(data.getShape(), 0, *axis),
          inner = productOf(data.getShape(), *axis + 1, data.getRank());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      int64_t best = 0;
      for (int64_t k = 1; k < size; ++k) {
        int comparison =
            wantedSign * compareElements(data, (o * size + k) * inner + i,
                                         (o * size + best) * inner + i);
        if (comparison > 0 || (comparison == 0 && op.getSelectLastIndex()))
          best = k;
      }
      result->setInteger(o * inner + i,
                         *forced ? (*forced)->integer(o * inner + i) : best);
    }
  return call.done(*result);
}

static LogicalResult argMax(OperatorCall &call) {
  return argumentOfExtreme<onnx::ArgMaxOp>(call, 1);
}
static LogicalResult argMin(OperatorCall &call) {
  return argumentOfExtreme<onnx::ArgMinOp>(call, -1);
}

void reference::addSelectionRules(OperatorTable &table) {
  table["onnx.ArgMax"] = argMax;
  table["onnx.ArgMin"] = argMin;
  table["onnx.TopK"] = topK;
}
