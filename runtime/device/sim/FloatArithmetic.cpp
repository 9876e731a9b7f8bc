// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FloatArithmetic.h"
#include <cmath>
#include <utility>

using namespace trine::sim;

using Wide = unsigned __int128;

static EncodeOptions getEncodeOptions(const ArithmeticOptions &options) {
  EncodeOptions encode;
  encode.rounding = options.rounding;
  encode.flushToZero = options.flushToZero;
  encode.saturate = options.saturate;
  encode.relu = options.relu;
  return encode;
}

static ExactNumber decodeOperand(FloatFormat format, uint64_t bits,
                                 const ArithmeticOptions &options) {
  return decodeExact(format,
                     options.flushToZero ? flushSubnormal(format, bits) : bits);
}

static ExactNumber makeNaN() {
  ExactNumber number;
  number.kind = ExactNumber::NaN;
  return number;
}

static unsigned getHighestBit(Wide value) {
  uint64_t high = static_cast<uint64_t>(value >> 64);
  return high ? 127 - __builtin_clzll(high)
              : 63 - __builtin_clzll(static_cast<uint64_t>(value));
}

/// Shifts a significand's highest bit to `bit` (upward only).
static void raiseTo(ExactNumber &number, unsigned bit) {
  unsigned top = getHighestBit(number.significand);
  if (top >= bit)
    return;
  number.significand <<= bit - top;
  number.exponent -= static_cast<int32_t>(bit - top);
}

/// Exact but for a tail that is kept as `inexact`. Operands are exact and of at
/// most 106 bits, results have at least 64 bits whenever a tail is lost.
static ExactNumber addExact(ExactNumber a, ExactNumber b, Rounding rounding) {
  if (a.kind == ExactNumber::NaN || b.kind == ExactNumber::NaN)
    return makeNaN();
  if (a.kind == ExactNumber::Infinite || b.kind == ExactNumber::Infinite) {
    if (a.kind == b.kind && a.negative != b.negative)
      return makeNaN();
    return a.kind == ExactNumber::Infinite ? a : b;
  }
  if (a.significand == 0 && b.significand == 0) {
    // A zero sum of opposite signs is +0, or −0 when rounding down.
    if (a.negative != b.negative)
      a.negative = rounding == Rounding::Down;
    return a;
  }
  if (a.significand == 0)
    return b;
  if (b.significand == 0)
    return a;
  raiseTo(a, 125);
  raiseTo(b, 125);
  if (a.exponent < b.exponent ||
      (a.exponent == b.exponent && a.significand < b.significand))
    std::swap(a, b);
  unsigned shift = static_cast<unsigned>(a.exponent - b.exponent);
  bool tail = false;
  if (shift >= 127) {
    tail = true;
    b.significand = 0;
  } else if (shift) {
    tail = (b.significand & ((Wide(1) << shift) - 1)) != 0;
    b.significand >>= shift;
  }
  if (a.negative == b.negative) {
    a.significand += b.significand;
    a.inexact = tail;
    return a;
  }
  // a − (b + tail) = (a − b − 1) + (1 − tail)
  a.significand -= b.significand + (tail ? 1 : 0);
  a.inexact = tail;
  if (a.isZero())
    a.negative = rounding == Rounding::Down;
  return a;
}

static ExactNumber multiplyExact(const ExactNumber &a, const ExactNumber &b) {
  ExactNumber product;
  product.negative = a.negative != b.negative;
  if (a.kind == ExactNumber::NaN || b.kind == ExactNumber::NaN)
    return makeNaN();
  if (a.kind == ExactNumber::Infinite || b.kind == ExactNumber::Infinite) {
    if (a.isZero() || b.isZero())
      return makeNaN();
    product.kind = ExactNumber::Infinite;
    return product;
  }
  product.significand = a.significand * b.significand;
  product.exponent = a.exponent + b.exponent;
  return product;
}

static uint32_t finishF32(float value, bool flushToZero) {
  if (value != value)
    return 0x7FFFFFFF;
  uint32_t bits = bitsFromFloat(value);
  return flushToZero && (bits & 0x7F800000) == 0 ? bits & 0x80000000 : bits;
}

static float readF32(uint64_t bits, bool flushToZero) {
  uint32_t word = static_cast<uint32_t>(bits);
  return floatFromBits(
      flushToZero && (word & 0x7F800000) == 0 ? word & 0x80000000 : word);
}

/// Whether the processor's own arithmetic gives the result.
static bool isNative(const ArithmeticOptions &options) {
  return options.rounding == Rounding::NearestEven && !options.saturate &&
         !options.relu;
}

static uint64_t finishF64(double value) {
  return value != value ? getCanonicalNaN(FloatFormat::F64)
                        : bitsFromDouble(value);
}

/// a + b as a double; an inexact sum is rounded to odd, so that a later
/// rounding to fewer bits sees on which side it lies.
static double addToOdd(double a, double b) {
  double sum = a + b, rounded = sum - a;
  double error = (a - (sum - rounded)) + (b - rounded);
  uint64_t bits = bitsFromDouble(sum);
  if (error == 0 || !std::isfinite(sum) || (bits & 1))
    return sum;
  return doubleFromBits((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}

/// F32 results in a direction, from the exact value or one rounded to odd.
static bool isDirectedF32(FloatFormat format,
                          const ArithmeticOptions &options) {
  return format == FloatFormat::F32 &&
         options.rounding != Rounding::NearestEven && !options.saturate &&
         !options.relu;
}

static uint32_t roundDirected(double value, const ArithmeticOptions &options) {
  float nearest = static_cast<float>(value);
  uint32_t bits = bitsFromFloat(nearest);
  bool above = nearest > value, below = nearest < value;
  bool negative = std::signbit(value);
  bool towardZero = options.rounding == Rounding::TowardZero ||
                    (options.rounding == Rounding::Down) != negative;
  // The nearest is at most one step off; a step of the bits is one of
  // magnitude.
  if (towardZero)
    bits -= negative ? below : above;
  else
    bits += negative ? above : below;
  return finishF32(floatFromBits(bits), options.flushToZero);
}

static uint32_t addDirected(double a, double b,
                            const ArithmeticOptions &options) {
  double sum = addToOdd(a, b);
  if (sum == 0 && std::signbit(a) != std::signbit(b))
    sum = options.rounding == Rounding::Down ? -0.0 : 0.0;
  return roundDirected(sum, options);
}

/// F16 and BF16 to nearest go through doubles: products are exact.
static bool isNarrow(FloatFormat format, const ArithmeticOptions &options) {
  return options.rounding == Rounding::NearestEven &&
         (format == FloatFormat::F16 || format == FloatFormat::BF16);
}

static double readNarrow(FloatFormat format, uint64_t bits,
                         const ArithmeticOptions &options) {
  return decodeFloat(format,
                     options.flushToZero ? flushSubnormal(format, bits) : bits);
}

uint64_t trine::sim::addFloats(FloatFormat format, uint64_t a, uint64_t b,
                               const ArithmeticOptions &options) {
  if (isNative(options) && format == FloatFormat::F32)
    return finishF32(readF32(a, options.flushToZero) +
                         readF32(b, options.flushToZero),
                     options.flushToZero);
  if (isNative(options) && format == FloatFormat::F64)
    return finishF64(doubleFromBits(a) + doubleFromBits(b));
  if (isDirectedF32(format, options))
    return addDirected(readF32(a, options.flushToZero),
                       readF32(b, options.flushToZero), options);
  if (isNarrow(format, options))
    return encodeFloat(format,
                       addToOdd(readNarrow(format, a, options),
                                readNarrow(format, b, options)),
                       getEncodeOptions(options));
  return encodeExact(format,
                     addExact(decodeOperand(format, a, options),
                              decodeOperand(format, b, options),
                              options.rounding),
                     getEncodeOptions(options));
}

uint64_t trine::sim::subtractFloats(FloatFormat format, uint64_t a, uint64_t b,
                                    const ArithmeticOptions &options) {
  return addFloats(format, a, b ^ (uint64_t(1) << (getStorageBits(format) - 1)),
                   options);
}

uint64_t trine::sim::multiplyFloats(FloatFormat format, uint64_t a, uint64_t b,
                                    const ArithmeticOptions &options) {
  if (isNative(options) && format == FloatFormat::F32)
    return finishF32(readF32(a, options.flushToZero) *
                         readF32(b, options.flushToZero),
                     options.flushToZero);
  if (isNative(options) && format == FloatFormat::F64)
    return finishF64(doubleFromBits(a) * doubleFromBits(b));
  if (isDirectedF32(format, options))
    return roundDirected(double(readF32(a, options.flushToZero)) *
                             double(readF32(b, options.flushToZero)),
                         options);
  if (isNarrow(format, options))
    return encodeFloat(
        format, readNarrow(format, a, options) * readNarrow(format, b, options),
        getEncodeOptions(options));
  return encodeExact(format,
                     multiplyExact(decodeOperand(format, a, options),
                                   decodeOperand(format, b, options)),
                     getEncodeOptions(options));
}

uint64_t trine::sim::fuseMultiplyAdd(FloatFormat format, uint64_t a, uint64_t b,
                                     uint64_t c,
                                     const ArithmeticOptions &options) {
  if (isNative(options) && format == FloatFormat::F32)
    return finishF32(std::fma(readF32(a, options.flushToZero),
                              readF32(b, options.flushToZero),
                              readF32(c, options.flushToZero)),
                     options.flushToZero);
  if (isNative(options) && format == FloatFormat::F64)
    return finishF64(
        std::fma(doubleFromBits(a), doubleFromBits(b), doubleFromBits(c)));
  if (isDirectedF32(format, options))
    return addDirected(double(readF32(a, options.flushToZero)) *
                           double(readF32(b, options.flushToZero)),
                       readF32(c, options.flushToZero), options);
  if (isNarrow(format, options))
    return encodeFloat(format,
                       addToOdd(readNarrow(format, a, options) *
                                    readNarrow(format, b, options),
                                readNarrow(format, c, options)),
                       getEncodeOptions(options));
  ExactNumber product = multiplyExact(decodeOperand(format, a, options),
                                      decodeOperand(format, b, options));
  return encodeExact(
      format,
      addExact(product, decodeOperand(format, c, options), options.rounding),
      getEncodeOptions(options));
}

uint64_t trine::sim::divideFloats(FloatFormat format, uint64_t a, uint64_t b,
                                  const ArithmeticOptions &options) {
  if (isNative(options) && format == FloatFormat::F32)
    return finishF32(readF32(a, options.flushToZero) /
                         readF32(b, options.flushToZero),
                     options.flushToZero);
  if (isNative(options) && format == FloatFormat::F64)
    return finishF64(doubleFromBits(a) / doubleFromBits(b));
  ExactNumber dividend = decodeOperand(format, a, options),
              divisor = decodeOperand(format, b, options);
  ExactNumber quotient;
  quotient.negative = dividend.negative != divisor.negative;
  bool invalid = dividend.kind == ExactNumber::NaN ||
                 divisor.kind == ExactNumber::NaN ||
                 (dividend.kind == ExactNumber::Infinite &&
                  divisor.kind == ExactNumber::Infinite) ||
                 (dividend.isZero() && divisor.isZero());
  if (invalid) {
    quotient.kind = ExactNumber::NaN;
  } else if (dividend.kind == ExactNumber::Infinite || divisor.isZero()) {
    quotient.kind = ExactNumber::Infinite;
  } else if (divisor.kind == ExactNumber::Finite && !dividend.isZero()) {
    raiseTo(dividend, 127);
    quotient.significand = dividend.significand / divisor.significand;
    quotient.inexact = dividend.significand % divisor.significand != 0;
    quotient.exponent = dividend.exponent - divisor.exponent;
  }
  return encodeExact(format, quotient, getEncodeOptions(options));
}

/// The largest r with r·r <= value, and whether r·r == value.
static uint64_t takeIntegerRoot(Wide value, bool &exact) {
  uint64_t root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    uint64_t trial = root | (uint64_t(1) << bit);
    if (Wide(trial) * trial <= value)
      root = trial;
  }
  exact = Wide(root) * root == value;
  return root;
}

uint64_t trine::sim::takeSquareRoot(FloatFormat format, uint64_t a,
                                    const ArithmeticOptions &options) {
  if (isNative(options) && format == FloatFormat::F32)
    return finishF32(std::sqrt(readF32(a, options.flushToZero)),
                     options.flushToZero);
  if (isNative(options) && format == FloatFormat::F64)
    return finishF64(std::sqrt(doubleFromBits(a)));
  ExactNumber number = decodeOperand(format, a, options);
  if (number.kind == ExactNumber::NaN || (number.negative && !number.isZero()))
    return encodeExact(format, makeNaN(), getEncodeOptions(options));
  if (number.kind == ExactNumber::Finite && !number.isZero()) {
    raiseTo(number, 126);
    if (number.exponent & 1) { // an even exponent has a root
      number.significand >>= 1;
      number.exponent += 1;
    }
    bool exact = false;
    number.significand = takeIntegerRoot(number.significand, exact);
    number.inexact = !exact;
    number.exponent /= 2;
  }
  return encodeExact(format, number, getEncodeOptions(options));
}

static uint64_t selectExtreme(FloatFormat format, uint64_t a, uint64_t b,
                              const MinMaxOptions &options, bool maximum) {
  if (options.flushToZero) {
    a = flushSubnormal(format, a);
    b = flushSubnormal(format, b);
  }
  uint64_t signBit = uint64_t(1) << (getStorageBits(format) - 1);
  uint64_t sign = (a ^ b) & signBit;
  bool aNaN = isNaN(format, a), bNaN = isNaN(format, b);
  if (options.propagateNaN ? aNaN || bNaN : aNaN && bNaN)
    return getCanonicalNaN(format);
  if (options.xorSignAbs) {
    a &= ~signBit;
    b &= ~signBit;
  }
  uint64_t result;
  if (aNaN || bNaN) {
    result = aNaN ? b : a;
  } else {
    double x = decodeFloat(format, a), y = decodeFloat(format, b);
    bool aLess = x < y || (x == y && (a & signBit) > (b & signBit));
    result = aLess != maximum ? a : b;
  }
  return options.xorSignAbs ? result | sign : result;
}

uint64_t trine::sim::takeMinimum(FloatFormat format, uint64_t a, uint64_t b,
                                 const MinMaxOptions &options) {
  return selectExtreme(format, a, b, options, false);
}

uint64_t trine::sim::takeMaximum(FloatFormat format, uint64_t a, uint64_t b,
                                 const MinMaxOptions &options) {
  return selectExtreme(format, a, b, options, true);
}

bool trine::sim::compareFloats(FloatFormat format, FloatComparison comparison,
                               uint64_t a, uint64_t b, bool flushToZero) {
  if (flushToZero) {
    a = flushSubnormal(format, a);
    b = flushSubnormal(format, b);
  }
  double x = decodeFloat(format, a), y = decodeFloat(format, b);
  bool unordered = x != x || y != y;
  switch (comparison) {
  case FloatComparison::EQ:
    return x == y;
  case FloatComparison::NE:
    return !unordered && x != y;
  case FloatComparison::LT:
    return x < y;
  case FloatComparison::LE:
    return x <= y;
  case FloatComparison::GT:
    return x > y;
  case FloatComparison::GE:
    return x >= y;
  case FloatComparison::EQU:
    return unordered || x == y;
  case FloatComparison::NEU:
    return x != y;
  case FloatComparison::LTU:
    return unordered || x < y;
  case FloatComparison::LEU:
    return unordered || x <= y;
  case FloatComparison::GTU:
    return unordered || x > y;
  case FloatComparison::GEU:
    return unordered || x >= y;
  case FloatComparison::NUM:
    return !unordered;
  case FloatComparison::NAN_:
    return unordered;
  }
  return false;
}
