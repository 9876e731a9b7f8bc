// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FloatConversion.h"

using namespace trine::sim;

/// .ftz says nothing about other types than F32.
static ConvertOptions restrictFlush(FloatFormat to, ConvertOptions options) {
  if (to != FloatFormat::F32)
    options.flushToZero = false;
  return options;
}

static uint64_t flushSource(FloatFormat from, uint64_t bits, bool flushToZero) {
  return flushToZero && from == FloatFormat::F32 ? flushSubnormal(from, bits)
                                                 : bits;
}

uint64_t trine::sim::convertFloat(FloatFormat to, FloatFormat from,
                                  uint64_t bits,
                                  const ConvertOptions &options) {
  bits = flushSource(from, bits, options.flushToZero);
  // The commonest case by far: F32 to BF16 to nearest even.
  if (to == FloatFormat::BF16 && from == FloatFormat::F32 &&
      options.rounding == Rounding::NearestEven && !options.relu &&
      !options.satFinite && !options.saturate) {
    uint32_t word = static_cast<uint32_t>(bits);
    if ((word & 0x7FFFFFFF) > 0x7F800000)
      return 0x7FFF;
    return (word + 0x7FFF + ((word >> 16) & 1)) >> 16;
  }
  if (to == FloatFormat::F32 && from == FloatFormat::BF16 && !options.relu &&
      !options.saturate && !options.flushToZero && !isNaN(from, bits))
    return bits << 16;
  // Every number of a format is a double.
  if (from != FloatFormat::F64)
    return encodeFloat(to, decodeFloat(from, bits), restrictFlush(to, options));
  return encodeExact(to, decodeExact(from, bits), restrictFlush(to, options));
}

uint32_t trine::sim::convertToPair(FloatFormat to, FloatFormat from,
                                   uint64_t upper, uint64_t lower,
                                   const ConvertOptions &options) {
  return static_cast<uint32_t>(convertFloat(to, from, upper, options)
                                   << getStorageBits(to) |
                               convertFloat(to, from, lower, options));
}

uint32_t trine::sim::convertPair(FloatFormat to, FloatFormat from,
                                 uint32_t bits, const ConvertOptions &options) {
  unsigned width = getStorageBits(from);
  uint32_t mask = (1u << width) - 1;
  return convertToPair(to, from, (bits >> width) & mask, bits & mask, options);
}

/// |value| as an integer, and whether it does not fit in 64 bits.
static uint64_t roundMagnitude(const ExactNumber &value, Rounding rounding,
                               bool &overflow) {
  overflow = false;
  if (value.significand == 0)
    return 0;
  uint64_t significand =
      static_cast<uint64_t>(value.significand); // of at most 53 bits
  if (value.exponent >= 0) {
    overflow = value.exponent > __builtin_clzll(significand);
    return overflow ? 0 : significand << value.exponent;
  }
  unsigned shift = static_cast<unsigned>(-value.exponent);
  uint64_t kept = shift < 64 ? significand >> shift : 0;
  bool half = shift <= 64 && ((significand >> (shift - 1)) & 1);
  bool rest =
      shift > 64 || (significand & ((uint64_t(1) << (shift - 1)) - 1)) != 0;
  bool up = false;
  switch (rounding) {
  case Rounding::NearestEven:
    up = half && (rest || (kept & 1));
    break;
  case Rounding::NearestAway:
    up = half;
    break;
  case Rounding::TowardZero:
    break;
  case Rounding::Down:
    up = value.negative && (half || rest);
    break;
  case Rounding::Up:
    up = !value.negative && (half || rest);
    break;
  }
  return kept + (up ? 1 : 0);
}

uint64_t trine::sim::roundToIntegral(FloatFormat format, uint64_t bits,
                                     const ConvertOptions &options) {
  bits = flushSource(format, bits, options.flushToZero);
  ExactNumber number = decodeExact(format, bits);
  if (number.kind == ExactNumber::Finite && number.exponent < 0) {
    bool overflow = false;
    number.significand = roundMagnitude(number, options.rounding, overflow);
    number.exponent = 0;
  }
  ConvertOptions encode = restrictFlush(format, options);
  encode.rounding = Rounding::NearestEven; // exact by now
  return encodeExact(format, number, encode);
}

static uint64_t extend(unsigned width, bool isSigned, uint64_t bits) {
  if (width >= 64)
    return bits;
  uint64_t low = bits & ((uint64_t(1) << width) - 1);
  bool negative = isSigned && ((low >> (width - 1)) & 1);
  return negative ? low | ~uint64_t(0) << width : low;
}

uint64_t trine::sim::convertFloatToInteger(unsigned width, bool isSigned,
                                           FloatFormat from, uint64_t bits,
                                           Rounding rounding,
                                           bool flushToZero) {
  ExactNumber number = decodeExact(from, flushSource(from, bits, flushToZero));
  uint64_t highest = isSigned ? (uint64_t(1) << (width - 1)) - 1
                              : ~uint64_t(0) >> (64 - width);
  uint64_t lowest = isSigned ? ~highest : 0; // as 64 bits
  if (number.kind == ExactNumber::NaN) {
    if (from != FloatFormat::F64 && width != 64)
      return 0;
    return extend(width, isSigned, uint64_t(1) << (width - 1));
  }
  if (number.kind == ExactNumber::Infinite)
    return number.negative ? lowest : highest;
  bool overflow = false;
  uint64_t magnitude = roundMagnitude(number, rounding, overflow);
  if (number.negative) {
    uint64_t limit = isSigned ? highest + 1 : 0;
    return overflow || magnitude > limit ? lowest : ~magnitude + 1;
  }
  return overflow || magnitude > highest ? highest : magnitude;
}

uint64_t trine::sim::convertIntegerToFloat(FloatFormat to, unsigned width,
                                           bool isSigned, uint64_t bits,
                                           const ConvertOptions &options) {
  uint64_t value = extend(width, isSigned, bits);
  ExactNumber number;
  number.negative = isSigned && (value >> 63);
  number.significand = number.negative ? ~value + 1 : value;
  return encodeExact(to, number, restrictFlush(to, options));
}
