// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FloatApproximation.h"
#include "FloatArithmetic.h"
#include <algorithm>
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
  int smallest = format == FloatFormat::F16   ? -14
                 : format == FloatFormat::F64 ? -1022
                                              : -126;
  int top = value == 0 || !std::isfinite(value) ? smallest : std::ilogb(value);
  return std::ldexp(1.0, std::max(top, smallest) -
                             static_cast<int>(getFractionBits(format)));
}

/// The exact result, as near as a double comes. `exact` marks one without
/// error.
static double computeValue(Approximation function, double x, bool &exact) {
  exact = x == 0 || std::isinf(x);
  switch (function) {
  case Approximation::Exp2:
    return std::exp2(x);
  case Approximation::Log2:
    return x == 0 ? -INFINITY : std::log2(x);
  case Approximation::Reciprocal:
    return 1 / x;
  case Approximation::ReciprocalSqrt:
    // In doubles, it would be rounded twice.
    return x == 0 ? std::copysign(INFINITY, x)
                  : static_cast<double>(1 /
                                        std::sqrt(static_cast<long double>(x)));
  case Approximation::SquareRoot:
    return std::sqrt(x);
  case Approximation::Sine:
    return std::isinf(x) ? NAN : std::sin(x);
  case Approximation::Cosine:
    return std::isinf(x) ? NAN : std::cos(x);
  case Approximation::Tanh:
    return std::tanh(x);
  }
  return NAN;
}

static bool hasNoBound(Approximation function, double x) {
  return (function == Approximation::Sine ||
          function == Approximation::Cosine) &&
         std::fabs(x) > 100 * pi;
}

/// How far from the exact result y of x one may be.
static double computeBound(Approximation function, FloatFormat format, double x,
                           double y) {
  switch (function) {
  case Approximation::Exp2:
    if (format == FloatFormat::F16)
      return y * std::exp2(-9.9);
    return format == FloatFormat::BF16 ? y * 0x1p-7 : 2 * getUnit(format, y);
  case Approximation::Log2:
    return x > 0.5 && x < 2 ? 0x1p-22 : std::fabs(y) * 0x1p-22;
  case Approximation::Reciprocal:
    return getUnit(format, y);
  case Approximation::ReciprocalSqrt:
    return format == FloatFormat::F64 ? getUnit(format, y)
                                      : y * std::exp2(-22.9);
  case Approximation::SquareRoot:
    return y * 0x1p-23;
  case Approximation::Sine:
  case Approximation::Cosine:
    return std::exp2(std::fabs(x) <= 2 * pi ? -20.5 : -14.7);
  case Approximation::Tanh:
    if (format == FloatFormat::F16)
      return std::exp2(-10.987);
    return format == FloatFormat::BF16 ? 0x1p-8 : std::fabs(y) * 0x1p-11;
  }
  return 0;
}

/// The last number of the format that lies within the bound, on a side that
/// `choice` picks.
static uint64_t perturbResult(FloatFormat format, double value, double bound,
                              uint64_t choice, bool flushToZero) {
  EncodeOptions encode;
  encode.flushToZero = flushToZero;
  uint64_t rounded = encodeFloat(format, value, encode);
  if (isInfinite(format, rounded))
    return rounded;
  bool up = choice & 1;
  encode.rounding = up ? Rounding::Down : Rounding::Up;
  uint64_t moved =
      encodeFloat(format, up ? value + bound : value - bound, encode);
  if (isInfinite(format, moved))
    return rounded;
  // A coarse format may have no number between the result and the edge.
  double result = decodeFloat(format, moved);
  return std::fabs(result - value) <= bound || result == 0 ? moved : rounded;
}

static uint64_t roundResult(FloatFormat format, double value,
                            bool flushToZero) {
  if (format == FloatFormat::F32) {
    uint32_t bits = bitsFromFloat(static_cast<float>(value));
    return flushToZero ? flushSubnormal(format, bits) : bits;
  }
  EncodeOptions encode;
  encode.flushToZero = flushToZero;
  return encodeFloat(format, value, encode);
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
  bool exact = false;
  double y = computeValue(function, doubleFromBits(bits), exact);
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
  double y = computeValue(function, x, exact);
  if (y != y)
    return getCanonicalNaN(format);
  if (!options.perturb || exact || std::isinf(y))
    return roundResult(format, y, options.flushToZero);
  uint64_t choice =
      mix(bits ^ mix(options.seed + static_cast<uint64_t>(function)));
  if (hasNoBound(function, x))
    return encodeFloat(format,
                       static_cast<double>(static_cast<int64_t>(choice)) /
                           9223372036854775808.0);
  return perturbResult(format, y, computeBound(function, format, x, y), choice,
                       options.flushToZero);
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
  if (quotient != quotient)
    return 0x7FFFFFFF;
  if (!full && std::fabs(y) > 0x1p126 && !std::isinf(y))
    return std::isinf(x) ? 0x7FFFFFFF : (a ^ b) & 0x80000000;
  bool exact = x == 0 || y == 0 || std::isinf(x) || std::isinf(y);
  if (!options.perturb || exact)
    return static_cast<uint32_t>(
        roundResult(format, quotient, options.flushToZero));
  uint64_t choice = mix((uint64_t(a) << 32 | b) ^ mix(options.seed));
  return static_cast<uint32_t>(perturbResult(format, quotient,
                                             2 * getUnit(format, quotient),
                                             choice, options.flushToZero));
}
