// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators of one operand that work element by element.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// Applies a function of reals to each element; the result has the operand's
/// type.
static LogicalResult mapReals(OperatorCall &call,
                              llvm::function_ref<double(double)> function) {
  const Tensor &input = call.operand(0);
  FailureOr<Tensor> result =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(result))
    return failure();
  if (!isFloat(input.getElementType()))
    return call.fail("'X' must have a float type, got " +
                     nameOf(input.getElementType()));
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
    result->setReal(i, function(input.real(i)));
  return call.done(*result);
}

template <double (*function)(double)>
static LogicalResult mapWith(OperatorCall &call) {
  return mapReals(call, function);
}

/// As mapReals, with a second function for integers.
static LogicalResult
mapNumbers(OperatorCall &call, llvm::function_ref<double(double)> onReals,
           llvm::function_ref<int64_t(int64_t)> onIntegers) {
  const Tensor &input = call.operand(0);
  if (isFloat(input.getElementType()))
    return mapReals(call, onReals);
  FailureOr<Tensor> result =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(result))
    return failure();
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
    result->setInteger(i, onIntegers(input.integer(i)));
  return call.done(*result);
}

static LogicalResult mapToBool(OperatorCall &call,
                               llvm::function_ref<bool(double)> function) {
  const Tensor &input = call.operand(0);
  FailureOr<Tensor> result = call.allocate(ElementType::Bool, input.getShape());
  if (failed(result))
    return failure();
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
    result->setInteger(i, function(input.real(i)));
  return call.done(*result);
}

static double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

static double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

/// NaN goes through, unlike std::max.
static double relu(double x) { return x < 0 ? 0.0 : x; }

static double sign(double x) {
  return std::isnan(x) ? x : double((x > 0) - (x < 0));
}

// Functions of <cmath> are overloaded; these name the one for doubles.
#define TRINE_REAL_FUNCTION(NAME, EXPRESSION)                                  \
  static double NAME(double x) { return EXPRESSION; }
TRINE_REAL_FUNCTION(acosReal, std::acos(x))
TRINE_REAL_FUNCTION(acoshReal, std::acosh(x))
TRINE_REAL_FUNCTION(asinReal, std::asin(x))
TRINE_REAL_FUNCTION(asinhReal, std::asinh(x))
TRINE_REAL_FUNCTION(atanReal, std::atan(x))
TRINE_REAL_FUNCTION(atanhReal, std::atanh(x))
TRINE_REAL_FUNCTION(ceilReal, std::ceil(x))
TRINE_REAL_FUNCTION(cosReal, std::cos(x))
TRINE_REAL_FUNCTION(coshReal, std::cosh(x))
TRINE_REAL_FUNCTION(erfReal, std::erf(x))
TRINE_REAL_FUNCTION(expReal, std::exp(x))
TRINE_REAL_FUNCTION(floorReal, std::floor(x))
TRINE_REAL_FUNCTION(hardSwish, x *std::max(0.0, std::min(1.0, x / 6 + 0.5)))
TRINE_REAL_FUNCTION(logReal, std::log(x))
TRINE_REAL_FUNCTION(mish, x *std::tanh(softplus(x)))
TRINE_REAL_FUNCTION(reciprocal, 1 / x)
TRINE_REAL_FUNCTION(roundToEven, std::nearbyint(x))
TRINE_REAL_FUNCTION(sinReal, std::sin(x))
TRINE_REAL_FUNCTION(sinhReal, std::sinh(x))
TRINE_REAL_FUNCTION(softsign, x / (1 + std::fabs(x)))
TRINE_REAL_FUNCTION(sqrtReal, std::sqrt(x))
TRINE_REAL_FUNCTION(tanReal, std::tan(x))
TRINE_REAL_FUNCTION(tanhReal, std::tanh(x))
#undef TRINE_REAL_FUNCTION

static LogicalResult absolute(OperatorCall &call) {
  // Negation wraps in unsigned arithmetic: the smallest integer stays what it
  // is.
  bool isUnsigned = isUnsignedInteger(call.operand(0).getElementType());
  return mapNumbers(
      call, [](double x) { return std::fabs(x); },
      [=](int64_t x) {
        return x < 0 && !isUnsigned
                   ? static_cast<int64_t>(-static_cast<uint64_t>(x))
                   : x;
      });
}

static LogicalResult negate(OperatorCall &call) {
  return mapNumbers(
      call, [](double x) { return -x; },
      [](int64_t x) {
        return static_cast<int64_t>(-static_cast<uint64_t>(x));
      });
}

static LogicalResult signOf(OperatorCall &call) {
  bool isUnsigned = isUnsignedInteger(call.operand(0).getElementType());
  return mapNumbers(call, sign, [=](int64_t x) -> int64_t {
    return isUnsigned ? x != 0 : (x > 0) - (x < 0);
  });
}

static LogicalResult rectify(OperatorCall &call) {
  return mapNumbers(call, relu,
                    [](int64_t x) { return std::max<int64_t>(x, 0); });
}

static LogicalResult logicalNot(OperatorCall &call) {
  return mapNumbers(
      call, [](double x) { return x == 0; },
      [](int64_t x) -> int64_t { return x == 0; });
}

static LogicalResult bitwiseNot(OperatorCall &call) {
  if (isFloat(call.operand(0).getElementType()))
    return call.fail("'X' must have an integer type, got " +
                     nameOf(call.operand(0).getElementType()));
  return mapNumbers(
      call, [](double x) { return x; }, [](int64_t x) { return ~x; });
}

static LogicalResult isNaN(OperatorCall &call) {
  return mapToBool(call, [](double x) { return std::isnan(x); });
}

static LogicalResult isInf(OperatorCall &call) {
  auto op = cast<onnx::IsInfOp>(call.op);
  bool negative = op.getDetectNegative(), positive = op.getDetectPositive();
  return mapToBool(call, [=](double x) {
    return std::isinf(x) && (x < 0 ? negative : positive);
  });
}

static LogicalResult identity(OperatorCall &call) {
  return call.done(call.operand(0));
}

static LogicalResult dropout(OperatorCall &call) {
  double ratio = call.optional(1) && call.operand(1).getNumElements() == 1
                     ? call.operand(1).real(0)
                     : 0.5;
  bool training = call.optional(2) && call.operand(2).getNumElements() == 1 &&
                  call.operand(2).integer(0);
  if (training && ratio != 0.0)
    return call.fail(
        "'training_mode' must be false: random results cannot be compared");
  call.setResult(0, call.operand(0));
  FailureOr<Tensor> mask =
      call.allocate(ElementType::Bool, call.operand(0).getShape());
  if (failed(mask))
    return failure();
  for (int64_t i = 0, e = mask->getNumElements(); i < e; ++i)
    mask->setInteger(i, 1);
  call.setResult(1, *mask);
  return success();
}

static LogicalResult gelu(OperatorCall &call) {
  llvm::StringRef approximate = cast<onnx::GeluOp>(call.op).getApproximate();
  if (approximate == "none")
    return mapReals(call, [](double x) {
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    });
  if (approximate == "tanh") {
    const double factor = std::sqrt(2.0 / 3.14159265358979323846);
    return mapReals(call, [=](double x) {
      return 0.5 * x * (1 + std::tanh(factor * (x + 0.044715 * x * x * x)));
    });
  }
  return call.fail("'approximate' must be 'none' or 'tanh', got '" +
                   approximate + "'");
}

static LogicalResult elu(OperatorCall &call) {
  double alpha = cast<onnx::EluOp>(call.op).getAlpha().convertToFloat();
  return mapReals(call,
                  [=](double x) { return x < 0 ? alpha * std::expm1(x) : x; });
}

static LogicalResult celu(OperatorCall &call) {
  double alpha = cast<onnx::CeluOp>(call.op).getAlpha().convertToFloat();
  return mapReals(call, [=](double x) {
    return x < 0 ? alpha * std::expm1(x / alpha) : x;
  });
}

static LogicalResult selu(OperatorCall &call) {
  auto op = cast<onnx::SeluOp>(call.op);
  double alpha = op.getAlpha().convertToFloat(),
         gamma = op.getGamma().convertToFloat();
  return mapReals(call, [=](double x) {
    return gamma * (x <= 0 ? alpha * std::expm1(x) : x);
  });
}

static LogicalResult leakyRelu(OperatorCall &call) {
  double alpha = cast<onnx::LeakyReluOp>(call.op).getAlpha().convertToFloat();
  return mapReals(call, [=](double x) { return x < 0 ? alpha * x : x; });
}

static LogicalResult thresholdedRelu(OperatorCall &call) {
  double alpha =
      cast<onnx::ThresholdedReluOp>(call.op).getAlpha().convertToFloat();
  return mapReals(call, [=](double x) { return x <= alpha ? 0.0 : x; });
}

static LogicalResult hardSigmoid(OperatorCall &call) {
  auto op = cast<onnx::HardSigmoidOp>(call.op);
  double alpha = op.getAlpha().convertToFloat(),
         beta = op.getBeta().convertToFloat();
  return mapReals(call, [=](double x) {
    return std::isnan(x) ? x : std::max(0.0, std::min(1.0, alpha * x + beta));
  });
}

static LogicalResult swish(OperatorCall &call) {
  double alpha = cast<onnx::SwishOp>(call.op).getAlpha().convertToFloat();
  return mapReals(call, [=](double x) { return x * sigmoid(alpha * x); });
}

void reference::addElementwiseRules(OperatorTable &table) {
  table["onnx.Abs"] = absolute;
  table["onnx.Acos"] = mapWith<acosReal>;
  table["onnx.Acosh"] = mapWith<acoshReal>;
  table["onnx.Asin"] = mapWith<asinReal>;
  table["onnx.Asinh"] = mapWith<asinhReal>;
  table["onnx.Atan"] = mapWith<atanReal>;
  table["onnx.Atanh"] = mapWith<atanhReal>;
  table["onnx.BitwiseNot"] = bitwiseNot;
  table["onnx.Ceil"] = mapWith<ceilReal>;
  table["onnx.Celu"] = celu;
  table["onnx.Cos"] = mapWith<cosReal>;
  table["onnx.Cosh"] = mapWith<coshReal>;
  table["onnx.Dropout"] = dropout;
  table["onnx.Elu"] = elu;
  table["onnx.Erf"] = mapWith<erfReal>;
  table["onnx.Exp"] = mapWith<expReal>;
  table["onnx.Floor"] = mapWith<floorReal>;
  table["onnx.Gelu"] = gelu;
  table["onnx.HardSigmoid"] = hardSigmoid;
  table["onnx.HardSwish"] = mapWith<hardSwish>;
  table["onnx.Identity"] = identity;
  table["onnx.IsInf"] = isInf;
  table["onnx.IsNaN"] = isNaN;
  table["onnx.LeakyRelu"] = leakyRelu;
  table["onnx.Log"] = mapWith<logReal>;
  table["onnx.Mish"] = mapWith<mish>;
  table["onnx.Neg"] = negate;
  table["onnx.Not"] = logicalNot;
  table["onnx.Reciprocal"] = mapWith<reciprocal>;
  table["onnx.Relu"] = rectify;
  table["onnx.Round"] = mapWith<roundToEven>;
  table["onnx.Selu"] = selu;
  table["onnx.Sigmoid"] = mapWith<sigmoid>;
  table["onnx.Sign"] = signOf;
  table["onnx.Sin"] = mapWith<sinReal>;
  table["onnx.Sinh"] = mapWith<sinhReal>;
  table["onnx.Softplus"] = mapWith<softplus>;
  table["onnx.Softsign"] = mapWith<softsign>;
  table["onnx.Sqrt"] = mapWith<sqrtReal>;
  table["onnx.Swish"] = swish;
  table["onnx.Tan"] = mapWith<tanReal>;
  table["onnx.Tanh"] = mapWith<tanhReal>;
  table["onnx.ThresholdedRelu"] = thresholdedRelu;
}
