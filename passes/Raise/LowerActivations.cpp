// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of one element: elementary functions and activations.
#include "ONNXLowering.h"

#include <cmath>

using namespace mlir;
using namespace mlir::trine;

namespace {
/// A scalar expression in the making.
class Scalar {
public:
  Scalar(OpBuilder &builder, Location loc, Value value)
      : builder(builder), loc(loc), value(value) {}

  operator Value() const { return value; }
  Scalar make(Value other) const { return {builder, loc, other}; }
  Scalar constant(double number) const {
    return make(scalarConstant(builder, loc, value.getType(), number));
  }
  template <typename OpT>
  Scalar apply() const {
    return make(OpT::create(builder, loc, value));
  }
  template <typename OpT>
  Scalar apply(Value other) const {
    return make(OpT::create(builder, loc, value, other));
  }
  Scalar operator+(Value other) const { return apply<arith::AddFOp>(other); }
  Scalar operator-(Value other) const { return apply<arith::SubFOp>(other); }
  Scalar operator*(Value other) const { return apply<arith::MulFOp>(other); }
  Scalar operator/(Value other) const { return apply<arith::DivFOp>(other); }
  Scalar operator*(double other) const { return *this * constant(other); }
  Scalar operator+(double other) const { return *this + constant(other); }
  Scalar operator-() const { return apply<arith::NegFOp>(); }
  Scalar exp() const { return apply<math::ExpOp>(); }
  /// NaN if either is.
  Scalar max(double other) const {
    return apply<arith::MaximumFOp>(constant(other));
  }
  Scalar min(double other) const {
    return apply<arith::MinimumFOp>(constant(other));
  }
  /// The i1 of an ordered comparison.
  Value compare(arith::CmpFPredicate predicate, double other) const {
    return arith::CmpFOp::create(builder, loc, predicate, value,
                                 constant(other));
  }
  Scalar select(Value condition, Value otherwise) const {
    return make(
        arith::SelectOp::create(builder, loc, condition, value, otherwise));
  }
  /// 1 / (1 + e^-x)
  Scalar sigmoid() const { return constant(1) / ((-*this).exp() + 1); }
  /// ln(1 + e^x), without overflow.
  Scalar softplus() const {
    Scalar magnitude = apply<math::AbsFOp>();
    return max(0) + (-magnitude).exp().apply<math::Log1pOp>();
  }

private:
  OpBuilder &builder;
  Location loc;
  Value value;
};

using Predicate = arith::CmpFPredicate;
using ScalarFunction = Scalar (*)(Operation *op, Scalar x);
} // namespace

/// A float attribute as the f32 that it is, or its default.
static double getFloat(Operation *op, StringRef name, float byDefault) {
  auto attribute = op->getAttrOfType<FloatAttr>(name);
  return attribute ? attribute.getValueAsDouble() : (double)byDefault;
}

template <typename OpT>
static Scalar applyMath(Operation *, Scalar x) {
  return x.apply<OpT>();
}

/// Lowers a function of floats.
template <ScalarFunction function>
static LogicalResult lowerFunction(Operation *op, ONNXLowering &lowering) {
  Value input = op->getOperand(0), result = op->getResult(0);
  if (!isa<FloatType>(lowering.elementType(input)))
    return ONNXLowering::unexpected(op);
  lowering.map(
      result, lowering.elementwise(
                  input, result, [&](OpBuilder &b, Location loc, ValueRange s) {
                    return Value(function(op, Scalar(b, loc, s[0])));
                  }));
  return success();
}

static Scalar reciprocal(Operation *, Scalar x) { return x.constant(1) / x; }
static Scalar sigmoid(Operation *, Scalar x) { return x.sigmoid(); }
static Scalar softplus(Operation *, Scalar x) { return x.softplus(); }
static Scalar softsign(Operation *, Scalar x) {
  return x / (x.apply<math::AbsFOp>() + 1);
}
static Scalar mish(Operation *, Scalar x) {
  return x * x.softplus().apply<math::TanhOp>();
}
static Scalar swish(Operation *op, Scalar x) {
  double alpha = getFloat(op, "alpha", 1.0f);
  return x * (alpha == 1 ? x : x * alpha).sigmoid();
}
static Scalar leakyRelu(Operation *op, Scalar x) {
  Scalar scaled = x * getFloat(op, "alpha", 0.01f);
  return scaled.select(x.compare(Predicate::OLT, 0), x);
}
static Scalar elu(Operation *op, Scalar x) {
  Scalar low = x.apply<math::ExpM1Op>() * getFloat(op, "alpha", 1.0f);
  return low.select(x.compare(Predicate::OLT, 0), x);
}
static Scalar celu(Operation *op, Scalar x) {
  // max(0, x) + min(0, alpha * (e^(x / alpha) - 1))
  double alpha = getFloat(op, "alpha", 1.0f);
  Scalar low = (x / x.constant(alpha)).apply<math::ExpM1Op>() * alpha;
  return x.max(0) + low.min(0);
}
static Scalar selu(Operation *op, Scalar x) {
  double alpha = getFloat(op, "alpha", 1.67326319217681884765625f);
  double gamma = getFloat(op, "gamma", 1.05070102214813232421875f);
  Scalar low = x.apply<math::ExpM1Op>() * alpha;
  return x.select(x.compare(Predicate::OGT, 0), low) * gamma;
}
static Scalar thresholdedRelu(Operation *op, Scalar x) {
  Value isOn = x.compare(Predicate::OGT, getFloat(op, "alpha", 1.0f));
  return x.select(isOn, x.constant(0));
}
static Scalar hardSigmoid(Operation *op, Scalar x) {
  return (x * getFloat(op, "alpha", 0.2f) + getFloat(op, "beta", 0.5f))
      .max(0)
      .min(1);
}
static Scalar hardSwish(Operation *, Scalar x) {
  return x * (x * (1.0 / 6) + 0.5).max(0).min(1);
}
static Scalar gelu(Operation *op, Scalar x) {
  auto approximate = op->getAttrOfType<StringAttr>("approximate");
  if (approximate && approximate.getValue() == "tanh") {
    // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
    Scalar inner = (x + x * x * x * 0.044715) * std::sqrt(2 / M_PI);
    return x * 0.5 * Value(inner.apply<math::TanhOp>() + 1);
  }
  Scalar error = (x * M_SQRT1_2).apply<math::ErfOp>();
  return x * 0.5 * Value(error + 1);
}

//===--- also for integers
//--------------------------------------------------===//

static LogicalResult lowerAbs(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  bool isUnsigned = ONNXLowering::isUnsigned(result);
  lowering.map(result,
               lowering.elementwise(
                   op->getOperand(0), result,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     if (isUnsigned)
                       return s[0];
                     if (isa<FloatType>(s[0].getType()))
                       return math::AbsFOp::create(b, loc, s[0]);
                     return math::AbsIOp::create(b, loc, s[0]);
                   }));
  return success();
}

static LogicalResult lowerNeg(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  lowering.map(result,
               lowering.elementwise(
                   op->getOperand(0), result,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     Type type = s[0].getType();
                     if (isa<FloatType>(type))
                       return arith::NegFOp::create(b, loc, s[0]);
                     return arith::SubIOp::create(
                         b, loc, integerConstant(b, loc, type, 0), s[0]);
                   }));
  return success();
}

static LogicalResult lowerRelu(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  lowering.map(result,
               lowering.elementwise(
                   op->getOperand(0), result,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     Value zero = scalarConstant(b, loc, s[0].getType(), 0);
                     if (isa<FloatType>(s[0].getType()))
                       return arith::MaximumFOp::create(b, loc, s[0], zero);
                     return arith::MaxSIOp::create(b, loc, s[0], zero);
                   }));
  return success();
}

/// -1, 0 or 1; NaN for NaN.
static LogicalResult lowerSign(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  bool isUnsigned = ONNXLowering::isUnsigned(result);
  lowering.map(
      result,
      lowering.elementwise(
          op->getOperand(0), result,
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            Value x = s[0];
            Type type = x.getType();
            Value zero = scalarConstant(b, loc, type, 0);
            Value one = scalarConstant(b, loc, type, 1);
            if (isUnsigned)
              return arith::MinUIOp::create(b, loc, x, one);
            Value minusOne = scalarConstant(b, loc, type, -1);
            if (!isa<FloatType>(type))
              return arith::MinSIOp::create(
                  b, loc, arith::MaxSIOp::create(b, loc, x, minusOne), one);
            auto compare = [&](Predicate predicate) {
              return arith::CmpFOp::create(b, loc, predicate, x, zero);
            };
            Value sign = arith::SelectOp::create(
                b, loc, compare(Predicate::OLT), minusOne, x);
            sign = arith::SelectOp::create(b, loc, compare(Predicate::OGT), one,
                                           sign);
            return arith::SelectOp::create(b, loc, compare(Predicate::OEQ),
                                           zero, sign);
          }));
  return success();
}

static LogicalResult lowerIsNaN(Operation *op, ONNXLowering &lowering) {
  Value result = op->getResult(0);
  lowering.map(result, lowering.elementwise(
                           op->getOperand(0), result,
                           [&](OpBuilder &b, Location loc, ValueRange s) {
                             return arith::CmpFOp::create(
                                        b, loc, Predicate::UNO, s[0], s[0])
                                 .getResult();
                           }));
  return success();
}

static LogicalResult lowerIsInf(Operation *op, ONNXLowering &lowering) {
  auto isInf = cast<onnx::IsInfOp>(op);
  Value result = isInf.getResult();
  double infinity = std::numeric_limits<double>::infinity();
  lowering.map(result,
               lowering.elementwise(
                   op->getOperand(0), result,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     Scalar x(b, loc, s[0]);
                     Value found = integerConstant(b, loc, b.getI1Type(), 0);
                     if (isInf.getDetectPositive())
                       found = arith::OrIOp::create(
                           b, loc, found, x.compare(Predicate::OEQ, infinity));
                     if (isInf.getDetectNegative())
                       found = arith::OrIOp::create(
                           b, loc, found, x.compare(Predicate::OEQ, -infinity));
                     return found;
                   }));
  return success();
}

/// Ceil, Floor and Round: integers are whole already.
template <typename OpT>
static LogicalResult lowerRounding(Operation *op, ONNXLowering &lowering) {
  return lowerFunction<applyMath<OpT>>(op, lowering);
}

void mlir::trine::registerActivationLowerings(ONNXLoweringRegistry &registry) {
  registry.add("Abs", lowerAbs);
  registry.add("Neg", lowerNeg);
  registry.add("Relu", lowerRelu);
  registry.add("Sign", lowerSign);
  registry.add("IsNaN", lowerIsNaN);
  registry.add("IsInf", lowerIsInf);
  registry.add("Ceil", lowerRounding<math::CeilOp>);
  registry.add("Floor", lowerRounding<math::FloorOp>);
  registry.add("Round", lowerRounding<math::RoundEvenOp>);
  registry.add("Acos", lowerFunction<applyMath<math::AcosOp>>);
  registry.add("Acosh", lowerFunction<applyMath<math::AcoshOp>>);
  registry.add("Asin", lowerFunction<applyMath<math::AsinOp>>);
  registry.add("Asinh", lowerFunction<applyMath<math::AsinhOp>>);
  registry.add("Atan", lowerFunction<applyMath<math::AtanOp>>);
  registry.add("Atanh", lowerFunction<applyMath<math::AtanhOp>>);
  registry.add("Cos", lowerFunction<applyMath<math::CosOp>>);
  registry.add("Cosh", lowerFunction<applyMath<math::CoshOp>>);
  registry.add("Erf", lowerFunction<applyMath<math::ErfOp>>);
  registry.add("Exp", lowerFunction<applyMath<math::ExpOp>>);
  registry.add("Log", lowerFunction<applyMath<math::LogOp>>);
  registry.add("Sin", lowerFunction<applyMath<math::SinOp>>);
  registry.add("Sinh", lowerFunction<applyMath<math::SinhOp>>);
  registry.add("Sqrt", lowerFunction<applyMath<math::SqrtOp>>);
  registry.add("Tan", lowerFunction<applyMath<math::TanOp>>);
  registry.add("Tanh", lowerFunction<applyMath<math::TanhOp>>);
  registry.add("Reciprocal", lowerFunction<reciprocal>);
  registry.add("Sigmoid", lowerFunction<sigmoid>);
  registry.add("Softplus", lowerFunction<softplus>);
  registry.add("Softsign", lowerFunction<softsign>);
  registry.add("Mish", lowerFunction<mish>);
  registry.add("Swish", lowerFunction<swish>);
  registry.add("LeakyRelu", lowerFunction<leakyRelu>);
  registry.add("Elu", lowerFunction<elu>);
  registry.add("Celu", lowerFunction<celu>);
  registry.add("Selu", lowerFunction<selu>);
  registry.add("ThresholdedRelu", lowerFunction<thresholdedRelu>);
  registry.add("HardSigmoid", lowerFunction<hardSigmoid>);
  registry.add("HardSwish", lowerFunction<hardSwish>);
  registry.add("Gelu", lowerFunction<gelu>);
}
