// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arithmetic, comparisons, logic and bits of one element per result element.
#include "ONNXLowering.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::trine;

using Predicate = arith::CmpIPredicate;

/// The value of a scalar that is a constant integer.
static std::optional<APInt> getConstant(Value scalar) {
  APInt value;
  if (matchPattern(scalar, m_ConstantInt(&value)))
    return value;
  return std::nullopt;
}

//===--- division
//-----------------------------------------------------------===//

namespace {
/// A divisor by which division neither traps nor overflows, and the cases that
/// it leaves out (null where they cannot occur).
struct SafeDivisor {
  Value value;
  Value isZero;
  Value isMinusOne;
};
} // namespace

static SafeDivisor makeSafe(OpBuilder &b, Location loc, Value divisor,
                            bool isUnsigned) {
  SafeDivisor safe;
  safe.value = divisor;
  std::optional<APInt> constant = getConstant(divisor);
  Type type = divisor.getType();
  Value one = integerConstant(b, loc, type, 1);
  auto guard = [&](int64_t value) -> Value {
    if (constant && constant->getSExtValue() != value)
      return {};
    Value equal = arith::CmpIOp::create(b, loc, Predicate::eq, divisor,
                                        integerConstant(b, loc, type, value));
    safe.value = arith::SelectOp::create(b, loc, equal, one, safe.value);
    return equal;
  };
  safe.isZero = guard(0);
  if (!isUnsigned)
    safe.isMinusOne = guard(-1);
  return safe;
}

/// Truncating division; x / 0 is 0, and the smallest integer / -1 wraps.
static Value divideIntegers(OpBuilder &b, Location loc, Value x, Value y,
                            bool isUnsigned) {
  SafeDivisor safe = makeSafe(b, loc, y, isUnsigned);
  Value zero = integerConstant(b, loc, x.getType(), 0);
  Value quotient =
      isUnsigned ? arith::DivUIOp::create(b, loc, x, safe.value).getResult()
                 : arith::DivSIOp::create(b, loc, x, safe.value).getResult();
  if (safe.isMinusOne)
    quotient = arith::SelectOp::create(b, loc, safe.isMinusOne,
                                       arith::SubIOp::create(b, loc, zero, x),
                                       quotient);
  if (safe.isZero)
    quotient = arith::SelectOp::create(b, loc, safe.isZero, zero, quotient);
  return quotient;
}

/// The remainder with the sign of the dividend, or of the divisor if `floored`;
/// 0 for divisor 0.
static Value remainder(OpBuilder &b, Location loc, Value x, Value y,
                       bool isUnsigned, bool floored) {
  // x rem 1 is 0, which is right for -1 too.
  SafeDivisor safe = makeSafe(b, loc, y, isUnsigned);
  if (isUnsigned)
    return arith::RemUIOp::create(b, loc, x, safe.value);
  Value result = arith::RemSIOp::create(b, loc, x, safe.value);
  if (!floored)
    return result;
  Value zero = integerConstant(b, loc, x.getType(), 0);
  Value isNegative =
      arith::CmpIOp::create(b, loc, Predicate::slt, result, zero);
  Value differs = isNegative;
  std::optional<APInt> constant = getConstant(y);
  if (!constant || constant->isNegative()) {
    Value divisorIsNegative =
        arith::CmpIOp::create(b, loc, Predicate::slt, safe.value, zero);
    Value signsDiffer =
        arith::XOrIOp::create(b, loc, isNegative, divisorIsNegative);
    Value isNotZero =
        arith::CmpIOp::create(b, loc, Predicate::ne, result, zero);
    differs = arith::AndIOp::create(b, loc, signsDiffer, isNotZero);
  }
  return arith::SelectOp::create(
      b, loc, differs, arith::AddIOp::create(b, loc, result, safe.value),
      result);
}

//===--- arithmetic
//---------------------------------------------------------===//

enum class Arithmetic { Add, Sub, Mul, Div, Max, Min };

static Value applyArithmetic(Arithmetic kind, OpBuilder &b, Location loc,
                             Value x, Value y, bool isUnsigned) {
  bool isFloat = isa<FloatType>(x.getType());
  bool isBoolean = x.getType().isInteger(1);
  switch (kind) {
  case Arithmetic::Add:
    return isFloat ? arith::AddFOp::create(b, loc, x, y).getResult()
                   : arith::AddIOp::create(b, loc, x, y).getResult();
  case Arithmetic::Sub:
    return isFloat ? arith::SubFOp::create(b, loc, x, y).getResult()
                   : arith::SubIOp::create(b, loc, x, y).getResult();
  case Arithmetic::Mul:
    return isFloat ? arith::MulFOp::create(b, loc, x, y).getResult()
                   : arith::MulIOp::create(b, loc, x, y).getResult();
  case Arithmetic::Div:
    return isFloat ? arith::DivFOp::create(b, loc, x, y).getResult()
                   : divideIntegers(b, loc, x, y, isUnsigned);
  case Arithmetic::Max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, x, y);
    return isUnsigned || isBoolean
               ? arith::MaxUIOp::create(b, loc, x, y).getResult()
               : arith::MaxSIOp::create(b, loc, x, y).getResult();
  case Arithmetic::Min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, x, y);
    return isUnsigned || isBoolean
               ? arith::MinUIOp::create(b, loc, x, y).getResult()
               : arith::MinSIOp::create(b, loc, x, y).getResult();
  }
  return {};
}

/// Folds all operands of a binary or variadic op from the left; the sum of f16
/// or bf16 operands rounds once.
template <Arithmetic kind>
static LogicalResult lowerArithmetic(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  bool isUnsigned = ONNXLowering::isUnsigned(result);
  lowering.map(result, lowering.elementwise(
                           op->getOperands(), result,
                           [&](OpBuilder &b, Location loc, ValueRange scalars) {
                             Value value = scalars.front();
                             for (Value next : scalars.drop_front())
                               value = applyArithmetic(kind, b, loc, value,
                                                       next, isUnsigned);
                             return value;
                           }));
  return success();
}

static LogicalResult lowerMean(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  if (!isa<FloatType>(lowering.elementType(result)))
    return ONNXLowering::unexpected(op);
  lowering.map(
      result,
      lowering.elementwise(
          op->getOperands(), result,
          [&](OpBuilder &b, Location loc, ValueRange scalars) {
            Value sum = scalars.front();
            for (Value next : scalars.drop_front())
              sum = arith::AddFOp::create(b, loc, sum, next);
            Value count =
                scalarConstant(b, loc, sum.getType(), op->getNumOperands());
            return arith::DivFOp::create(b, loc, sum, count).getResult();
          }));
  return success();
}

static LogicalResult lowerMod(Operation *op, ONNXLowering &lowering) {
  auto mod = cast<onnx::ModOp>(op);
  Value result = mod.getResult();
  bool isFloat = isa<FloatType>(lowering.elementType(result));
  bool truncated = mod.getFmod() != 0;
  if (isFloat && !truncated)
    return lowering.unsupported(op, "'fmod' must be 1 for floats, got 0");
  bool isUnsigned = ONNXLowering::isUnsigned(result);
  lowering.map(result,
               lowering.elementwise(
                   op->getOperands(), result,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     if (isFloat)
                       return arith::RemFOp::create(b, loc, s[0], s[1]);
                     return remainder(b, loc, s[0], s[1], isUnsigned,
                                      /*floored=*/!truncated);
                   }));
  return success();
}

/// x to the power of a constant that needs no call; null otherwise.
static Value smallPower(OpBuilder &b, Location loc, Value x, Value exponent) {
  double value;
  APFloat number(0.0);
  APInt integer;
  if (matchPattern(exponent, m_ConstantFloat(&number)))
    value = FloatAttr::get(exponent.getType(), number).getValueAsDouble();
  else if (matchPattern(exponent, m_ConstantInt(&integer)) &&
           integer.getSignificantBits() <= 32)
    value = integer.getSExtValue();
  else
    return {};
  if (value != 1 && value != 2 && value != 3)
    return {};
  Value power = x;
  for (int i = 1; i < value; ++i)
    power = applyArithmetic(Arithmetic::Mul, b, loc, power, x, false);
  return power;
}

static LogicalResult lowerPow(Operation *op, ONNXLowering &lowering) {
  auto pow = cast<onnx::PowOp>(op);
  Value result = pow.getResult();
  bool xUnsigned = ONNXLowering::isUnsigned(pow.getX());
  bool yUnsigned = ONNXLowering::isUnsigned(pow.getY());
  lowering.map(
      result,
      lowering.elementwise(
          op->getOperands(), result,
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            Type type = s[0].getType();
            if (Value power = smallPower(b, loc, s[0], s[1]))
              return power;
            // Integers go through f64: exact up to 2^53.
            Type working = isa<FloatType>(type) ? type : b.getF64Type();
            Value x = castScalar(b, loc, s[0], working, xUnsigned, false);
            Value y = castScalar(b, loc, s[1], working, yUnsigned, false);
            Value power = math::PowFOp::create(b, loc, x, y);
            return castScalar(b, loc, power, type, false, xUnsigned);
          }));
  return success();
}

static LogicalResult lowerPRelu(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  bool isUnsigned = ONNXLowering::isUnsigned(result);
  lowering.map(
      result,
      lowering.elementwise(
          op->getOperands(), result,
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            if (isUnsigned)
              return s[0];
            Value zero = scalarConstant(b, loc, s[0].getType(), 0);
            Value isNegative =
                isa<FloatType>(s[0].getType())
                    ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT,
                                            s[0], zero)
                          .getResult()
                    : arith::CmpIOp::create(b, loc, Predicate::slt, s[0], zero)
                          .getResult();
            Value scaled = applyArithmetic(Arithmetic::Mul, b, loc, s[0], s[1],
                                           isUnsigned);
            return arith::SelectOp::create(b, loc, isNegative, scaled, s[0]);
          }));
  return success();
}

//===--- comparisons, logic, bits
//-------------------------------------------===//

template <arith::CmpFPredicate forFloats, Predicate forSigned,
          Predicate forUnsigned>
static LogicalResult lowerComparison(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  // Booleans order as 0 and 1.
  bool isUnsigned = ONNXLowering::isUnsigned(op->getOperand(0)) ||
                    lowering.elementType(op->getOperand(0)).isInteger(1);
  lowering.map(
      result,
      lowering.elementwise(
          op->getOperands(), result,
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            if (isa<FloatType>(s[0].getType()))
              return arith::CmpFOp::create(b, loc, forFloats, s[0], s[1]);
            return arith::CmpIOp::create(
                b, loc, isUnsigned ? forUnsigned : forSigned, s[0], s[1]);
          }));
  return success();
}

template <typename ArithOp>
static LogicalResult lowerBits(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  lowering.map(result,
               lowering.elementwise(
                   op->getOperands(), result,
                   [&](OpBuilder &b, Location loc, ValueRange s) {
                     return ArithOp::create(b, loc, s[0], s[1]).getResult();
                   }));
  return success();
}

/// Not and BitwiseNot.
static LogicalResult lowerNot(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  lowering.map(
      result,
      lowering.elementwise(
          op->getOperands(), result,
          [&](OpBuilder &b, Location loc, ValueRange s) {
            Value ones = integerConstant(b, loc, s[0].getType(), -1);
            return arith::XOrIOp::create(b, loc, s[0], ones).getResult();
          }));
  return success();
}

static LogicalResult lowerBitShift(Operation *op, ONNXLowering &lowering) {
  auto shift = cast<onnx::BitShiftOp>(op);
  Value result = shift.getResult();
  bool left = shift.getDirection() == "LEFT";
  if (!left && shift.getDirection() != "RIGHT")
    return lowering.unsupported(op, "'direction' must be LEFT or RIGHT, got '" +
                                        shift.getDirection() + "'");
  lowering.map(
      result,
      lowering.elementwise(
          op->getOperands(), result,
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            Type type = s[0].getType();
            // A shift by the width or more gives 0, not an undefined value.
            Value width =
                integerConstant(b, loc, type, type.getIntOrFloatBitWidth());
            Value inRange =
                arith::CmpIOp::create(b, loc, Predicate::ult, s[1], width);
            Value zero = integerConstant(b, loc, type, 0);
            Value amount = arith::SelectOp::create(b, loc, inRange, s[1], zero);
            Value shifted =
                left ? arith::ShLIOp::create(b, loc, s[0], amount).getResult()
                     : arith::ShRUIOp::create(b, loc, s[0], amount).getResult();
            return arith::SelectOp::create(b, loc, inRange, shifted, zero);
          }));
  return success();
}

static LogicalResult lowerWhere(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  lowering.map(result, lowering.elementwise(
                           op->getOperands(), result,
                           [&](OpBuilder &b, Location loc, ValueRange s) {
                             return arith::SelectOp::create(b, loc, s[0], s[1],
                                                            s[2])
                                 .getResult();
                           },
                           /*raw=*/true));
  return success();
}

static LogicalResult lowerClip(Operation *op, ONNXLowering &lowering) {
  auto clip = cast<onnx::ClipOp>(op);
  Value result = clip.getResult();
  bool isUnsigned = ONNXLowering::isUnsigned(result);
  SmallVector<ONNXLowering::Operand> inputs{lowering.operand(clip.getInput())};
  SmallVector<Arithmetic> steps;
  // The upper bound comes last, so that it wins where the bounds cross.
  for (auto [bound, kind] : {std::pair(clip.getMin(), Arithmetic::Max),
                             std::pair(clip.getMax(), Arithmetic::Min)}) {
    if (ONNXLowering::isNone(bound))
      continue;
    // One element, of whatever rank.
    ONNXLowering::Operand operand = lowering.operand(bound);
    operand.value = lowering.reshape(operand.value, operand.dims, {});
    operand.dims.clear();
    inputs.push_back(operand);
    steps.push_back(kind);
  }
  lowering.map(
      result,
      lowering.elementwise(
          inputs, lowering.dims(result), lowering.elementType(result),
          [&](OpBuilder &b, Location loc, ValueRange s) {
            Value value = s[0];
            for (auto [kind, bound] : llvm::zip_equal(steps, s.drop_front()))
              value = applyArithmetic(kind, b, loc, value, bound, isUnsigned);
            return value;
          }));
  return success();
}

void mlir::trine::registerElementwiseLowerings(ONNXLoweringRegistry &registry) {
  using FP = arith::CmpFPredicate;
  registry.add("Add", lowerArithmetic<Arithmetic::Add>);
  registry.add("Sum", lowerArithmetic<Arithmetic::Add>);
  registry.add("Sub", lowerArithmetic<Arithmetic::Sub>);
  registry.add("Mul", lowerArithmetic<Arithmetic::Mul>);
  registry.add("Div", lowerArithmetic<Arithmetic::Div>);
  registry.add("Max", lowerArithmetic<Arithmetic::Max>);
  registry.add("Min", lowerArithmetic<Arithmetic::Min>);
  registry.add("Mean", lowerMean);
  registry.add("Mod", lowerMod);
  registry.add("Pow", lowerPow);
  registry.add("PRelu", lowerPRelu);
  registry.add("Equal", lowerComparison<FP::OEQ, Predicate::eq, Predicate::eq>);
  registry.add("Less",
               lowerComparison<FP::OLT, Predicate::slt, Predicate::ult>);
  registry.add("LessOrEqual",
               lowerComparison<FP::OLE, Predicate::sle, Predicate::ule>);
  registry.add("Greater",
               lowerComparison<FP::OGT, Predicate::sgt, Predicate::ugt>);
  registry.add("GreaterOrEqual",
               lowerComparison<FP::OGE, Predicate::sge, Predicate::uge>);
  registry.add({"And", "BitwiseAnd"}, lowerBits<arith::AndIOp>);
  registry.add({"Or", "BitwiseOr"}, lowerBits<arith::OrIOp>);
  registry.add({"Xor", "BitwiseXor"}, lowerBits<arith::XOrIOp>);
  registry.add({"Not", "BitwiseNot"}, lowerNot);
  registry.add("BitShift", lowerBitShift);
  registry.add("Where", lowerWhere);
  registry.add("Clip", lowerClip);
}
