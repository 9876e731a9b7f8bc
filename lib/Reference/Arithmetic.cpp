// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators of several operands that work element by element, with NumPy's
// broadcasting.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// The forms of one operator on two numbers. An absent form is not legal for
/// that kind of type.
struct BinaryFunction {
  double (*onReals)(double, double) = nullptr;
  int64_t (*onSigned)(int64_t, int64_t) = nullptr;
  uint64_t (*onUnsigned)(uint64_t, uint64_t) = nullptr;
  /// Booleans use the unsigned form when this is set.
  bool onBooleans = false;
};
} // namespace

/// The shape that the operands broadcast to, or an error that names both.
static FailureOr<llvm::SmallVector<int64_t>>
commonShape(OperatorCall &call, const Tensor &a, const Tensor &b) {
  std::optional<llvm::SmallVector<int64_t>> shape =
      broadcastShapes(a.getShape(), b.getShape());
  if (!shape)
    return call.fail("operands must broadcast to one shape, got " +
                     describeShape(a.getShape()) + " and " +
                     describeShape(b.getShape()));
  return *shape;
}

/// Applies the function to two tensors of one type; the result has the given
/// type (that of the operands, or boolean).
static FailureOr<Tensor> combine(OperatorCall &call, const Tensor &a,
                                 const Tensor &b, ElementType resultType,
                                 const BinaryFunction &function) {
  ElementType type = a.getElementType();
  if (failed(call.requireSameType(a, b, "B")))
    return failure();
  FailureOr<llvm::SmallVector<int64_t>> shape = commonShape(call, a, b);
  if (failed(shape))
    return failure();
  FailureOr<Tensor> result = call.allocate(resultType, *shape);
  if (failed(result))
    return failure();
  llvm::SmallVector<int64_t> strides[] = {
      broadcastStrides(a.getShape(), *shape),
      broadcastStrides(b.getShape(), *shape)};
  auto apply = [&](auto visit) { forEachPosition(*shape, strides, visit); };
  if (isFloat(type) && function.onReals)
    apply([&](int64_t i, llvm::ArrayRef<int64_t> at) {
      result->setReal(i, function.onReals(a.real(at[0]), b.real(at[1])));
    });
  else if (isSignedInteger(type) && function.onSigned)
    apply([&](int64_t i, llvm::ArrayRef<int64_t> at) {
      result->setInteger(i,
                         function.onSigned(a.integer(at[0]), b.integer(at[1])));
    });
  else if ((isUnsignedInteger(type) ||
            (type == ElementType::Bool && function.onBooleans)) &&
           function.onUnsigned)
    apply([&](int64_t i, llvm::ArrayRef<int64_t> at) {
      result->setInteger(
          i, function.onUnsigned(a.integer(at[0]), b.integer(at[1])));
    });
  else
    return call.fail("operands of type " + nameOf(type) + " are not supported");
  return *result;
}

static LogicalResult combineInto(OperatorCall &call,
                                 const BinaryFunction &function) {
  FailureOr<Tensor> result =
      combine(call, call.operand(0), call.operand(1),
              call.operand(0).getElementType(), function);
  return failed(result) ? failure() : call.done(*result);
}

static LogicalResult compareInto(OperatorCall &call,
                                 const BinaryFunction &function) {
  FailureOr<Tensor> result = combine(call, call.operand(0), call.operand(1),
                                     ElementType::Bool, function);
  return failed(result) ? failure() : call.done(*result);
}

// Signed sums and products wrap; two's complement makes them the unsigned ones.
static int64_t wrapped(uint64_t x) { return static_cast<int64_t>(x); }

static const BinaryFunction addition = {
    [](double x, double y) { return x + y; },
    [](int64_t x, int64_t y) { return wrapped(uint64_t(x) + uint64_t(y)); },
    [](uint64_t x, uint64_t y) { return x + y; }};
static const BinaryFunction subtraction = {
    [](double x, double y) { return x - y; },
    [](int64_t x, int64_t y) { return wrapped(uint64_t(x) - uint64_t(y)); },
    [](uint64_t x, uint64_t y) { return x - y; }};
static const BinaryFunction multiplication = {
    [](double x, double y) { return x * y; },
    [](int64_t x, int64_t y) { return wrapped(uint64_t(x) * uint64_t(y)); },
    [](uint64_t x, uint64_t y) { return x * y; }};
static const BinaryFunction division = {
    [](double x, double y) { return x / y; },
    [](int64_t x, int64_t y) {
      return y == -1 ? wrapped(-uint64_t(x)) : x / y;
    },
    [](uint64_t x, uint64_t y) { return x / y; }};

static double smaller(double x, double y) {
  return std::isnan(x) || (!std::isnan(y) && x <= y) ? x : y;
}
static double larger(double x, double y) {
  return std::isnan(x) || (!std::isnan(y) && x >= y) ? x : y;
}

static const BinaryFunction minimum = {
    smaller, [](int64_t x, int64_t y) { return std::min(x, y); },
    [](uint64_t x, uint64_t y) { return std::min(x, y); }};
static const BinaryFunction maximum = {
    larger, [](int64_t x, int64_t y) { return std::max(x, y); },
    [](uint64_t x, uint64_t y) { return std::max(x, y); }};

static LogicalResult add(OperatorCall &call) {
  return combineInto(call, addition);
}
static LogicalResult subtract(OperatorCall &call) {
  return combineInto(call, subtraction);
}
static LogicalResult multiply(OperatorCall &call) {
  return combineInto(call, multiplication);
}

/// Integer division and remainder have no value for a divisor of 0.
static LogicalResult requireNonZeroDivisor(OperatorCall &call) {
  const Tensor &divisor = call.operand(1);
  if (isFloat(divisor.getElementType()) ||
      call.operand(0).getNumElements() == 0)
    return success();
  for (int64_t i = 0, e = divisor.getNumElements(); i < e; ++i)
    if (divisor.integer(i) == 0)
      return call.fail("'B' must not contain 0, got 0 at element " +
                       llvm::Twine(i));
  return success();
}

static LogicalResult divide(OperatorCall &call) {
  return failed(requireNonZeroDivisor(call)) ? failure()
                                             : combineInto(call, division);
}

static LogicalResult modulo(OperatorCall &call) {
  if (failed(requireNonZeroDivisor(call)))
    return failure();
  if (cast<onnx::ModOp>(call.op).getFmod())
    return combineInto(
        call, {[](double x, double y) { return std::fmod(x, y); },
               [](int64_t x, int64_t y) { return y == -1 ? 0 : x % y; },
               [](uint64_t x, uint64_t y) { return x % y; }});
  // The sign is that of the divisor. Floats need fmod = 1 by the specification.
  return combineInto(call, {nullptr,
                            [](int64_t x, int64_t y) {
                              int64_t remainder = y == -1 ? 0 : x % y;
                              return remainder != 0 &&
                                             (remainder < 0) != (y < 0)
                                         ? remainder + y
                                         : remainder;
                            },
                            [](uint64_t x, uint64_t y) { return x % y; }});
}

static LogicalResult bitwiseAnd(OperatorCall &call) {
  return combineInto(call,
                     {nullptr, [](int64_t x, int64_t y) { return x & y; },
                      [](uint64_t x, uint64_t y) { return x & y; }, true});
}
static LogicalResult bitwiseOr(OperatorCall &call) {
  return combineInto(call,
                     {nullptr, [](int64_t x, int64_t y) { return x | y; },
                      [](uint64_t x, uint64_t y) { return x | y; }, true});
}
static LogicalResult bitwiseXor(OperatorCall &call) {
  return combineInto(call,
                     {nullptr, [](int64_t x, int64_t y) { return x ^ y; },
                      [](uint64_t x, uint64_t y) { return x ^ y; }, true});
}

static LogicalResult bitShift(OperatorCall &call) {
  llvm::StringRef direction = cast<onnx::BitShiftOp>(call.op).getDirection();
  // A shift by the whole width or more moves every bit out; wrapping to the
  // type drops the rest.
  if (direction == "LEFT")
    return combineInto(call, {nullptr, nullptr, [](uint64_t x, uint64_t y) {
                                return y < 64 ? x << y : 0;
                              }});
  if (direction == "RIGHT")
    return combineInto(call, {nullptr, nullptr, [](uint64_t x, uint64_t y) {
                                return y < 64 ? x >> y : 0;
                              }});
  return call.fail("'direction' must be 'LEFT' or 'RIGHT', got '" + direction +
                   "'");
}

#define TRINE_COMPARISON(NAME, SYMBOL, BOOLEANS)                               \
  static LogicalResult NAME(OperatorCall &call) {                              \
    return compareInto(                                                        \
        call, {[](double x, double y) -> double { return x SYMBOL y; },        \
               [](int64_t x, int64_t y) -> int64_t { return x SYMBOL y; },     \
               [](uint64_t x, uint64_t y) -> uint64_t { return x SYMBOL y; },  \
               BOOLEANS});                                                     \
  }
TRINE_COMPARISON(equal, ==, true)
TRINE_COMPARISON(greater, >, false)
TRINE_COMPARISON(greaterOrEqual, >=, false)
TRINE_COMPARISON(less, <, false)
TRINE_COMPARISON(lessOrEqual, <=, false)
#undef TRINE_COMPARISON

/// base^exponent with wrap-around; negative exponents give the truncated real
/// value, as integer types allow only that.
static int64_t integerPower(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, factor = base;
  for (; exponent; exponent >>= 1, factor *= factor)
    if (exponent & 1)
      result *= factor;
  return wrapped(result);
}

/// The exponent may have another type than the base, whose type the result has.
static LogicalResult power(OperatorCall &call) {
  const Tensor &base = call.operand(0), &exponent = call.operand(1);
  FailureOr<llvm::SmallVector<int64_t>> shape =
      commonShape(call, base, exponent);
  if (failed(shape))
    return failure();
  FailureOr<Tensor> result = call.allocate(base.getElementType(), *shape);
  if (failed(result))
    return failure();
  bool integers =
      !isFloat(base.getElementType()) && !isFloat(exponent.getElementType());
  llvm::SmallVector<int64_t> strides[] = {
      broadcastStrides(base.getShape(), *shape),
      broadcastStrides(exponent.getShape(), *shape)};
  forEachPosition(*shape, strides, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    if (integers)
      result->setInteger(
          i, integerPower(base.integer(at[0]), exponent.integer(at[1])));
    else
      result->setReal(i, std::pow(base.real(at[0]), exponent.real(at[1])));
  });
  return call.done(*result);
}

static LogicalResult parametricRelu(OperatorCall &call) {
  if (broadcastShapes(call.operand(0).getShape(), call.operand(1).getShape()) !=
      llvm::SmallVector<int64_t>(call.operand(0).getShape()))
    return call.fail("'slope' must broadcast to the shape " +
                     describeShape(call.operand(0).getShape()) + ", got " +
                     describeShape(call.operand(1).getShape()));
  return combineInto(
      call, {[](double x, double slope) { return x < 0 ? slope * x : x; },
             [](int64_t x, int64_t slope) {
               return x < 0 ? wrapped(uint64_t(x) * uint64_t(slope)) : x;
             },
             [](uint64_t x, uint64_t) { return x; }});
}

/// Max and Min: exact, so folding the operands from the left changes nothing.
static LogicalResult foldOperands(OperatorCall &call,
                                  const BinaryFunction &function) {
  if (call.numOperands() == 0)
    return call.fail("needs at least one operand");
  FailureOr<Tensor> result = call.operand(0);
  for (unsigned i = 1; i < call.numOperands() && succeeded(result); ++i)
    result = combine(call, *result, call.operand(i), result->getElementType(),
                     function);
  return failed(result) ? failure() : call.done(*result);
}
static LogicalResult maximumOf(OperatorCall &call) {
  return foldOperands(call, maximum);
}
static LogicalResult minimumOf(OperatorCall &call) {
  return foldOperands(call, minimum);
}

/// Sum and Mean: added in the order of the operands, rounded once.
static LogicalResult sumOperands(OperatorCall &call, bool mean) {
  if (call.numOperands() == 0)
    return call.fail("needs at least one operand");
  llvm::SmallVector<int64_t> shape(call.operand(0).getShape());
  for (unsigned i = 1; i < call.numOperands(); ++i) {
    if (failed(call.requireSameType(call.operand(0), call.operand(i),
                                    "data_" + std::to_string(i))))
      return failure();
    std::optional<llvm::SmallVector<int64_t>> common =
        broadcastShapes(shape, call.operand(i).getShape());
    if (!common)
      return call.fail("operands must broadcast to one shape, got " +
                       describeShape(shape) + " and " +
                       describeShape(call.operand(i).getShape()));
    shape = *common;
  }
  FailureOr<Tensor> result =
      call.allocate(call.operand(0).getElementType(), shape);
  if (failed(result))
    return failure();
  llvm::SmallVector<llvm::SmallVector<int64_t>> strides;
  for (unsigned i = 0; i < call.numOperands(); ++i)
    strides.push_back(broadcastStrides(call.operand(i).getShape(), shape));
  forEachPosition(shape, strides, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    Accumulator sum(call.accumulateInSingle());
    for (unsigned k = 0; k < call.numOperands(); ++k)
      sum.add(call.operand(k).real(at[k]));
    result->setReal(i, mean ? sum.get() / call.numOperands() : sum.get());
  });
  return call.done(*result);
}
static LogicalResult sumOf(OperatorCall &call) {
  return sumOperands(call, false);
}
static LogicalResult meanOf(OperatorCall &call) {
  return sumOperands(call, true);
}

static LogicalResult where(OperatorCall &call) {
  const Tensor &condition = call.operand(0), &x = call.operand(1),
               &y = call.operand(2);
  if (failed(call.requireSameType(x, y, "Y")))
    return failure();
  FailureOr<llvm::SmallVector<int64_t>> shape = commonShape(call, x, y);
  if (failed(shape))
    return failure();
  std::optional<llvm::SmallVector<int64_t>> common =
      broadcastShapes(*shape, condition.getShape());
  if (!common)
    return call.fail("operands must broadcast to one shape, got " +
                     describeShape(condition.getShape()) + " and " +
                     describeShape(*shape));
  FailureOr<Tensor> result = call.allocate(x.getElementType(), *common);
  if (failed(result))
    return failure();
  llvm::SmallVector<int64_t> strides[] = {
      broadcastStrides(condition.getShape(), *common),
      broadcastStrides(x.getShape(), *common),
      broadcastStrides(y.getShape(), *common)};
  forEachPosition(*common, strides, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    bool first = condition.integer(at[0]) != 0;
    result->copyElement(i, first ? x : y, first ? at[1] : at[2]);
  });
  return call.done(*result);
}

/// min(max(input, low), high): where low is above high, high wins.
static LogicalResult clip(OperatorCall &call) {
  FailureOr<Tensor> result = call.operand(0);
  for (unsigned i : {1u, 2u}) {
    const Tensor *bound = call.optional(i);
    if (!bound)
      continue;
    if (bound->getNumElements() != 1)
      return call.fail(llvm::Twine(i == 1 ? "'min'" : "'max'") +
                       " must be a scalar, got shape " +
                       describeShape(bound->getShape()));
    result = combine(call, *result, bound->reshaped({}),
                     result->getElementType(), i == 1 ? maximum : minimum);
    if (failed(result))
      return failure();
  }
  return call.done(*result);
}

void reference::addArithmeticRules(OperatorTable &table) {
  table["onnx.Add"] = add;
  table["onnx.And"] = bitwiseAnd;
  table["onnx.BitShift"] = bitShift;
  table["onnx.BitwiseAnd"] = bitwiseAnd;
  table["onnx.BitwiseOr"] = bitwiseOr;
  table["onnx.BitwiseXor"] = bitwiseXor;
  table["onnx.Clip"] = clip;
  table["onnx.Div"] = divide;
  table["onnx.Equal"] = equal;
  table["onnx.Greater"] = greater;
  table["onnx.GreaterOrEqual"] = greaterOrEqual;
  table["onnx.Less"] = less;
  table["onnx.LessOrEqual"] = lessOrEqual;
  table["onnx.Max"] = maximumOf;
  table["onnx.Mean"] = meanOf;
  table["onnx.Min"] = minimumOf;
  table["onnx.Mod"] = modulo;
  table["onnx.Mul"] = multiply;
  table["onnx.Or"] = bitwiseOr;
  table["onnx.PRelu"] = parametricRelu;
  table["onnx.Pow"] = power;
  table["onnx.Sub"] = subtract;
  table["onnx.Sum"] = sumOf;
  table["onnx.Where"] = where;
  table["onnx.Xor"] = bitwiseXor;
}
