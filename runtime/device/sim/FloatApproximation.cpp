// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FloatApproximation.h"
#include "FloatArithmetic.h"
#include <cmath>

using namespace trine::sim;

static const double pi = 3.14159265358979323846;

/// A well mixed function of its argument (the finaliser of splitmix64).
static uint64_t mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

/// One unit in the last place of the format at |value|.
static double getUnit(FloatFormat format, double value) {
  int exponent = 0;
  std::frexp(value, &exponent);
  int smallest = format == FloatFormat::F16   ? -14
                 : format == FloatFormat::F64 ? -1022
                                              : -126;
  int top = exponent - 1 < smallest ? smallest : exponent - 1;
  return std::ldexp(1.0, top - static_cast<int>(getFractionBits(format)));
}

namespace {

/// The exact result (as near as a double comes) and how far from it one may be.
struct Answer {
  double value;
  double bound;
};

} // namespace

/// `exact` marks a result without error.
static Answer computeAnswer(Approximation function, FloatFormat format,
                            double x, bool &exact) {
  exact = false;
  bool narrow = format == FloatFormat::F16 || format == FloatFormat::BF16;
  switch (function) {
  case Approximation::Exp2: {
    exact = std::isinf(x) || x == 0;
    double y = std::exp2(x);
    if (format == FloatFormat::F16)
      return {y, y * std::exp2(-9.9)};
    if (format == FloatFormat::BF16)
      return {y, y * std::exp2(-7)};
    return {y, 2 * getUnit(format, y)};
  }
  case Approximation::Log2: {
    exact = !(x > 0) || std::isinf(x);
    double y = std::log2(x);
    double bound =
        x > 0.5 && x < 2 ? std::exp2(-22) : std::fabs(y) * std::exp2(-22);
    return {x == 0 ? -INFINITY : y, bound};
  }
  case Approximation::Reciprocal: {
    exact = x == 0 || std::isinf(x);
    double y = 1 / x;
    return {y, getUnit(format, y)};
  }
  case Approximation::ReciprocalSqrt: {
    exact = !(x > 0) || std::isinf(x);
    if (x == 0)
      return {std::copysign(INFINITY, x), 0};
    double y = 1 / std::sqrt(x);
    return {y, format == FloatFormat::F64 ? getUnit(format, y)
                                          : y * std::exp2(-22.9)};
  }
  case Approximation::SquareRoot: {
    exact = !(x > 0) || std::isinf(x);
    double y = std::sqrt(x);
    return {y, y * std::exp2(-23)};
  }
  case Approximation::Sine:
  case Approximation::Cosine: {
    exact = x == 0 || std::isinf(x);
    double y = function == Approximation::Sine ? std::sin(x) : std::cos(x);
    double magnitude = std::fabs(x);
    double bound = magnitude <= 2 * pi     ? std::exp2(-20.5)
                   : magnitude <= 100 * pi ? std::exp2(-14.7)
                                           : 2;
    return {std::isinf(x) ? NAN : y, bound};
  }
  case Approximation::Tanh: {
    exact = x == 0 || std::isinf(x);
    double y = std::tanh(x);
    double bound = format == FloatFormat::F16 ? std::exp2(-10.987)
                   : format == FloatFormat::BF16
                       ? std::exp2(-8)
                       : std::fabs(y) * std::exp2(-11);
    return {y, narrow || bound > 0 ? bound : 0};
  }
  }
  return {NAN, 0};
}

/// The result, or the last number of the format that lies within the bound on a
/// side that `choice` picks.
static uint64_t chooseResult(FloatFormat format, const Answer &answer,
                             bool exact, uint64_t choice,
                             const ApproximationOptions &options) {
  EncodeOptions encode;
  encode.flushToZero = options.flushToZero && format != FloatFormat::F16;
  uint64_t rounded = encodeFloat(format, answer.value, encode);
  if (exact || !options.perturb || !std::isfinite(answer.value) ||
      isInfinite(format, rounded))
    return rounded;
  bool up = choice & 1;
  double edge = up ? answer.value + answer.bound : answer.value - answer.bound;
  encode.rounding = up ? Rounding::Down : Rounding::Up;
  uint64_t moved = encodeFloat(format, edge, encode);
  if (isInfinite(format, moved) || isNaN(format, moved))
    return rounded;
  // A coarse format may have no number between the result and the edge.
  double error = std::fabs(decodeFloat(format, moved) - answer.value);
  bool flushed = decodeFloat(format, moved) == 0;
  return error <= answer.bound || flushed ? moved : rounded;
}

bool trine::sim::hasApproximation(Approximation function, FloatFormat format) {
  switch (format) {
  case FloatFormat::F32:
    return true;
  case FloatFormat::F64:
    return function == Approximation::Reciprocal ||
           function == Approximation::ReciprocalSqrt;
  case FloatFormat::F16:
  case FloatFormat::BF16:
    return function == Approximation::Exp2 || function == Approximation::Tanh;
  default:
    return false;
  }
}

/// rcp.approx.ftz.f64, rsqrt.approx.ftz.f64: from the upper word to the upper
/// word.
static uint64_t approximateUpperWord(Approximation function, uint64_t bits,
                                     const ApproximationOptions &options) {
  const uint64_t upper = 0xFFFFFFFF00000000;
  bits = flushSubnormal(FloatFormat::F64, bits & upper);
  double x = doubleFromBits(bits);
  if (x != x)
    return getCanonicalNaN(FloatFormat::F64);
  bool exact = false;
  double y = computeAnswer(function, FloatFormat::F64, x, exact).value;
  if (y != y)
    return getCanonicalNaN(FloatFormat::F64);
  uint64_t result = bitsFromDouble(y);
  if (exact)
    return result & upper;
  result = (result + 0x80000000) & upper;
  if (options.perturb && std::isfinite(doubleFromBits(result)))
    result += mix(bits ^ options.seed) & 1 ? 0x100000000 : -0x100000000;
  return flushSubnormal(FloatFormat::F64, result);
}

uint64_t trine::sim::approximate(Approximation function, FloatFormat format,
                                 uint64_t bits,
                                 const ApproximationOptions &options) {
  if (!hasApproximation(function, format) || isNaN(format, bits))
    return getCanonicalNaN(format);
  if (format == FloatFormat::F64 && options.flushToZero)
    return approximateUpperWord(function, bits, options);
  if (options.flushToZero)
    bits = flushSubnormal(format, bits);
  double x = decodeFloat(format, bits);
  bool exact = false;
  Answer answer = computeAnswer(function, format, x, exact);
  if (answer.value != answer.value)
    return getCanonicalNaN(format);
  uint64_t choice =
      mix(bits ^ mix(options.seed + static_cast<uint64_t>(function)));
  bool unbounded =
      (function == Approximation::Sine || function == Approximation::Cosine) &&
      answer.bound >= 2;
  if (unbounded && options.perturb && !exact)
    return encodeFloat(format,
                       static_cast<double>(static_cast<int64_t>(choice)) /
                           9223372036854775808.0);
  return chooseResult(format, answer, exact, choice, options);
}

uint32_t trine::sim::approximateQuotient(uint32_t a, uint32_t b, bool full,
                                         const ApproximationOptions &options) {
  const FloatFormat format = FloatFormat::F32;
  if (options.flushToZero) {
    a = static_cast<uint32_t>(flushSubnormal(format, a));
    b = static_cast<uint32_t>(flushSubnormal(format, b));
  }
  double x = floatFromBits(a), y = floatFromBits(b);
  double quotient = x / y;
  if (x != x || y != y || quotient != quotient)
    return 0x7FFFFFFF;
  uint32_t sign = (a ^ b) & 0x80000000;
  double magnitude = std::fabs(y);
  bool exact = x == 0 || y == 0 || std::isinf(x) || std::isinf(y);
  if (!full && magnitude > std::exp2(126) && !std::isinf(y))
    return std::isinf(x) ? 0x7FFFFFFF : sign;
  Answer answer = {quotient, 2 * getUnit(format, quotient)};
  uint64_t choice = mix((uint64_t(a) << 32 | b) ^ mix(options.seed));
  return static_cast<uint32_t>(
      chooseResult(format, answer, exact, choice, options));
}
