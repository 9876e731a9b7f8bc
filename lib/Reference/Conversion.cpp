// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cast and CastLike.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// How Cast and CastLike go to small floats.
struct SmallFloatRules {
  bool saturate;
  llvm::StringRef roundMode;
};
} // namespace

static LogicalResult convert(OperatorCall &call, ElementType to,
                             SmallFloatRules rules) {
  const Tensor &input = call.operand(0);
  ElementType from = input.getElementType();
  if (from == to)
    return call.done(input);
  std::optional<ScaleRounding> rounding =
      llvm::StringSwitch<std::optional<ScaleRounding>>(rules.roundMode)
          .Case("up", ScaleRounding::Up)
          .Case("down", ScaleRounding::Down)
          .Case("nearest", ScaleRounding::Nearest)
          .Default(std::nullopt);
  if (!rounding)
    return call.fail("'round_mode' must be 'up', 'down' or 'nearest', got '" +
                     rules.roundMode + "'");
  FailureOr<Tensor> result = call.allocate(to, input.getShape());
  if (failed(result))
    return failure();
  if (isSmallFloat(to)) {
    llvm::MutableArrayRef<char> codes = result->getMutableBytes();
    for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
      codes[i] = static_cast<char>(
          to == ElementType::F8E8M0FNU
              ? roundToScale(input.real(i), *rounding, rules.saturate)
              : roundToSmallFloat(to, input.real(i), rules.saturate));
    return call.done(*result);
  }
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
  auto op = cast<onnx::CastOp>(call.op);
  std::optional<ElementType> type = elementTypeFromONNX(op.getTo());
  if (!type)
    return call.fail("'to' must be a supported data type, got " +
                     llvm::Twine(op.getTo()));
  return convert(call, *type, {op.getSaturate() != 0, op.getRoundMode()});
}

static LogicalResult castLike(OperatorCall &call) {
  auto op = cast<onnx::CastLikeOp>(call.op);
  return convert(call, call.operand(1).getElementType(),
                 {op.getSaturate() != 0, op.getRoundMode()});
}

void reference::addConversionRules(OperatorTable &table) {
  table["onnx.Cast"] = castTo;
  table["onnx.CastLike"] = castLike;
}
