// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cast and CastLike.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static LogicalResult convert(OperatorCall &call, ElementType to) {
  const Tensor &input = call.operand(0);
  ElementType from = input.getElementType();
  if (from == to)
    return call.done(input);
  FailureOr<Tensor> result = call.allocate(to, input.getShape());
  if (failed(result))
    return failure();
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i) {
    if (isFloat(from))
      result->setReal(i, input.real(i));
    else if (from == ElementType::U64 && isFloat(to))
      result->setReal(i, input.real(i));
    else
      result->setInteger(i, input.integer(i));
  }
  return call.done(*result);
}

static LogicalResult castTo(OperatorCall &call) {
  int64_t to = cast<onnx::CastOp>(call.op).getTo();
  std::optional<ElementType> type = elementTypeFromONNX(to);
  if (!type)
    return call.fail("'to' must be a supported data type, got " +
                     llvm::Twine(to));
  return convert(call, *type);
}

static LogicalResult castLike(OperatorCall &call) {
  return convert(call, call.operand(1).getElementType());
}

void reference::addConversionRules(OperatorTable &table) {
  table["onnx.Cast"] = castTo;
  table["onnx.CastLike"] = castLike;
}
