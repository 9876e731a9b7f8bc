// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verification.h"

using namespace mlir;
using namespace mlir::trine;

LogicalResult StateType::verify(function_ref<InFlightDiagnostic()> emitError,
                                RankedTensorType tensor, int64_t axis) {
  // state_c1: there is a dimension for slots, and the growing one is another.
  if (tensor.getRank() < 1)
    return emitError() << "state must have a dimension for sequence slots, got "
                       << tensor;
  if (axis < 0 || axis >= tensor.getRank())
    return emitError() << "'axis' must be in [0, " << tensor.getRank()
                       << "), got " << axis;
  return success();
}

LogicalResult StateOpenOp::verify() {
  // open_c1: the capacity is not negative.
  if (int64_t capacity = getCapacity(); capacity < 0)
    return emitOpError() << "'capacity' must not be negative, got " << capacity;
  return success();
}

/// 'values' has the state's rank and element type.
static LogicalResult verifyValues(Operation *op, StateType state,
                                  const NamedTensor &values) {
  if (failed(verifyRank(op, values, state.getTensor().getRank())))
    return failure();
  Type expected = state.getTensor().getElementType();
  if (values.type.getElementType() != expected)
    return op->emitOpError()
           << "'values' must have the state's element type " << expected
           << ", got " << values.type.getElementType();
  return success();
}

LogicalResult StateAppendOp::verify() {
  auto state = cast<StateType>(getState().getType());
  NamedTensor values("values", getValues());
  // append_c1
  if (failed(verifyValues(*this, state, values)))
    return failure();
  for (int64_t i = 1; i < values.type.getRank(); ++i) {
    int64_t expected = state.getTensor().getDimSize(i);
    if (i != state.getAxis() && !ShapedType::isDynamic(expected) &&
        failed(verifySize(*this, values, i, expected)))
      return failure();
  }
  return success();
}

LogicalResult StateReadOp::verify() {
  // read_c1
  return verifyValues(*this, cast<StateType>(getState().getType()),
                      NamedTensor("values", getValues()));
}
