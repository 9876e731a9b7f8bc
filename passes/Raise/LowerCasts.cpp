// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cast and CastLike.
#include "ONNXLowering.h"
#include "SmallTypes.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::trine;

/// Float to integer, truncating; out of range the nearest value, 0 for NaN.
static Value floatToInteger(OpBuilder &b, Location loc, Value scalar,
                            IntegerType to, bool toUnsigned) {
  Type from = scalar.getType();
  unsigned width = to.getWidth();
  APInt smallest =
      toUnsigned ? APInt::getZero(width) : APInt::getSignedMinValue(width);
  APInt largest =
      toUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  // 2^width or 2^(width - 1): exact in every float type in use but f16, which
  // is computed in f32.
  Value above = scalarConstant(b, loc, from,
                               std::ldexp(1.0, toUnsigned ? width : width - 1));
  Value below = scalarConstant(b, loc, from,
                               toUnsigned ? 0.0 : -std::ldexp(1.0, width - 1));
  Value notLow =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, scalar, below);
  Value notHigh =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, scalar, above);
  Value isHigh =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, scalar, above);
  Value isLow =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, scalar, below);
  Value inRange = arith::AndIOp::create(b, loc, notLow, notHigh);
  Value safe = arith::SelectOp::create(b, loc, inRange, scalar,
                                       scalarConstant(b, loc, from, 0.0));
  Value integer = toUnsigned
                      ? arith::FPToUIOp::create(b, loc, to, safe).getResult()
                      : arith::FPToSIOp::create(b, loc, to, safe).getResult();
  auto constant = [&](const APInt &value) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(to, value));
  };
  integer = arith::SelectOp::create(b, loc, isHigh, constant(largest), integer);
  return arith::SelectOp::create(b, loc, isLow, constant(smallest), integer);
}

Value mlir::trine::castScalar(OpBuilder &b, Location loc, Value scalar, Type to,
                              bool fromUnsigned, bool toUnsigned) {
  Type from = scalar.getType();
  if (from == to)
    return scalar;
  fromUnsigned |= from.isInteger(1);
  if (auto fromFloat = dyn_cast<FloatType>(from)) {
    if (auto toFloat = dyn_cast<FloatType>(to)) {
      // 16-bit types go through f32: f64 to f16 is no single instruction.
      Type f32 = b.getF32Type();
      if (toFloat.getWidth() == 16 && fromFloat.getWidth() != 32)
        scalar = castScalar(b, loc, scalar, f32, false, false);
      else if (fromFloat.getWidth() == 16 && toFloat.getWidth() != 32)
        scalar = castScalar(b, loc, scalar, f32, false, false);
      unsigned width = cast<FloatType>(scalar.getType()).getWidth();
      if (scalar.getType() == to)
        return scalar;
      return toFloat.getWidth() > width
                 ? arith::ExtFOp::create(b, loc, to, scalar).getResult()
                 : arith::TruncFOp::create(b, loc, to, scalar).getResult();
    }
    if (to.isInteger(1)) // NaN is true.
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, scalar,
                                   scalarConstant(b, loc, from, 0.0));
    return floatToInteger(b, loc, toComputeType(b, loc, scalar),
                          cast<IntegerType>(to), toUnsigned);
  }
  if (isa<FloatType>(to)) {
    Type working = getComputeType(to);
    Value number =
        fromUnsigned
            ? arith::UIToFPOp::create(b, loc, working, scalar).getResult()
            : arith::SIToFPOp::create(b, loc, working, scalar).getResult();
    return fromComputeType(b, loc, number, to);
  }
  if (to.isInteger(1))
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, scalar,
                                 integerConstant(b, loc, from, 0));
  unsigned fromWidth = from.getIntOrFloatBitWidth();
  unsigned toWidth = to.getIntOrFloatBitWidth();
  if (toWidth < fromWidth)
    return arith::TruncIOp::create(b, loc, to, scalar);
  return fromUnsigned ? arith::ExtUIOp::create(b, loc, to, scalar).getResult()
                      : arith::ExtSIOp::create(b, loc, to, scalar).getResult();
}

/// Types as the onnx level has them.
static Type originalType(Value onnxValue) {
  return cast<ShapedType>(onnxValue.getType()).getElementType();
}

template <typename OpType>
static FailureOr<CastRules> getRules(Operation *op) {
  auto cast = llvm::cast<OpType>(op);
  std::optional<ScaleRounding> rounding =
      llvm::StringSwitch<std::optional<ScaleRounding>>(cast.getRoundMode())
          .Case("up", ScaleRounding::Up)
          .Case("down", ScaleRounding::Down)
          .Case("nearest", ScaleRounding::Nearest)
          .Default(std::nullopt);
  if (!rounding)
    return ONNXLowering::unsupported(
        op, "'round_mode' must be 'up', 'down' or 'nearest', got '" +
                cast.getRoundMode() + "'");
  return CastRules{cast.getSaturate() != 0, *rounding};
}

static LogicalResult lowerCast(Operation *op, ONNXLowering &lowering) {
  Value input = op->getOperand(0), result = op->getResult(0);
  Type from = originalType(input), to = originalType(result);
  FailureOr<CastRules> rules = isa<onnx::CastOp>(op)
                                   ? getRules<onnx::CastOp>(op)
                                   : getRules<onnx::CastLikeOp>(op);
  if (failed(rules))
    return failure();
  // Between signed and unsigned types of one width nothing changes, but that
  // few bits are held extended by their sign, or not.
  if (from == to ||
      (!isSmallFloat(from) && !isSmallFloat(to) && !isSmallInteger(from) &&
       !isSmallInteger(to) && getHeldType(from) == getHeldType(to))) {
    lowering.map(result, lowering.lookup(input));
    return success();
  }
  lowering.map(result, lowering.elementwise(
                           input, result,
                           [&](OpBuilder &b, Location loc, ValueRange s) {
                             return castElement(b, loc, s[0], from, to, *rules);
                           },
                           /*raw=*/true));
  return success();
}

void mlir::trine::registerCastLowerings(ONNXLoweringRegistry &registry) {
  registry.add({"Cast", "CastLike"}, lowerCast);
}
