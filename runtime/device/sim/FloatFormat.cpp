// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FloatFormat.h"

using namespace trine::sim;

namespace {

using Wide = unsigned __int128;

/// value = (-1)^sign · 1.fraction · 2^(field − bias); bits below `shift` are
/// unused.
struct Layout {
  uint8_t storageBits;
  uint8_t exponentBits;
  uint8_t fractionBits;
  uint8_t shift;
  int16_t bias;
  uint64_t canonicalNaN;
  uint64_t largestFinite;
  uint64_t infinity; ///< 0 where the format has none
};

} // namespace

static const Layout layouts[] = {
    {16, 5, 10, 0, 15, 0x7FFF, 0x7BFF, 0x7C00},
    {16, 8, 7, 0, 127, 0x7FFF, 0x7F7F, 0x7F80},
    {32, 8, 10, 13, 127, 0x7FFFFFFF, 0x7F7FE000, 0x7F800000},
    {32, 8, 23, 0, 127, 0x7FFFFFFF, 0x7F7FFFFF, 0x7F800000},
    {64, 11, 52, 0, 1023, 0x7FF8000000000000, 0x7FEFFFFFFFFFFFFF,
     0x7FF0000000000000},
    {8, 4, 3, 0, 7, 0x7F, 0x7E, 0},
    {8, 5, 2, 0, 15, 0x7F, 0x7B, 0x7C},
    {8, 8, 0, 0, 127, 0xFF, 0xFE, 0},
    {4, 2, 1, 0, 1, 0x7, 0x7, 0},
};

static const Layout &getLayout(FloatFormat format) {
  return layouts[static_cast<unsigned>(format)];
}

static uint64_t getSignBit(FloatFormat format) {
  return format == FloatFormat::UE8M0
             ? 0
             : uint64_t(1) << (getLayout(format).storageBits - 1);
}

/// The bits without the sign and without unused low bits.
static uint64_t getMagnitude(FloatFormat format, uint64_t bits) {
  const Layout &layout = getLayout(format);
  uint64_t mask = layout.storageBits == 64
                      ? ~uint64_t(0)
                      : (uint64_t(1) << layout.storageBits) - 1;
  return (bits & mask & ~getSignBit(format)) >> layout.shift << layout.shift;
}

unsigned trine::sim::getStorageBits(FloatFormat format) {
  return getLayout(format).storageBits;
}
unsigned trine::sim::getFractionBits(FloatFormat format) {
  return getLayout(format).fractionBits;
}
uint64_t trine::sim::getCanonicalNaN(FloatFormat format) {
  return getLayout(format).canonicalNaN;
}
uint64_t trine::sim::getLargestFinite(FloatFormat format) {
  return getLayout(format).largestFinite;
}

uint64_t trine::sim::getInfinity(FloatFormat format, bool negative) {
  const Layout &layout = getLayout(format);
  uint64_t magnitude = layout.infinity ? layout.infinity : layout.canonicalNaN;
  return magnitude | (negative ? getSignBit(format) : 0);
}

bool trine::sim::isNaN(FloatFormat format, uint64_t bits) {
  uint64_t magnitude = getMagnitude(format, bits);
  switch (format) {
  case FloatFormat::E4M3:
  case FloatFormat::UE8M0:
    return magnitude == getLayout(format).canonicalNaN;
  case FloatFormat::E2M1:
    return false;
  default:
    return magnitude > getLayout(format).infinity;
  }
}

bool trine::sim::isInfinite(FloatFormat format, uint64_t bits) {
  const Layout &layout = getLayout(format);
  return layout.infinity && getMagnitude(format, bits) == layout.infinity;
}

bool trine::sim::isSubnormal(FloatFormat format, uint64_t bits) {
  if (format == FloatFormat::UE8M0)
    return false;
  const Layout &layout = getLayout(format);
  uint64_t magnitude = getMagnitude(format, bits) >> layout.shift;
  return magnitude && (magnitude >> layout.fractionBits) == 0;
}

bool trine::sim::isNegative(FloatFormat format, uint64_t bits) {
  return (bits & getSignBit(format)) != 0;
}

uint64_t trine::sim::flushSubnormal(FloatFormat format, uint64_t bits) {
  return isSubnormal(format, bits) ? bits & getSignBit(format) : bits;
}

ExactNumber trine::sim::decodeExact(FloatFormat format, uint64_t bits) {
  const Layout &layout = getLayout(format);
  ExactNumber number;
  number.negative = isNegative(format, bits);
  if (isNaN(format, bits)) {
    number.kind = ExactNumber::NaN;
    return number;
  }
  if (isInfinite(format, bits)) {
    number.kind = ExactNumber::Infinite;
    return number;
  }
  uint64_t magnitude = getMagnitude(format, bits) >> layout.shift;
  uint64_t fraction = magnitude & ((uint64_t(1) << layout.fractionBits) - 1);
  int32_t field = static_cast<int32_t>(magnitude >> layout.fractionBits);
  if (format == FloatFormat::UE8M0) {
    number.significand = 1;
    number.exponent = field - layout.bias;
    return number;
  }
  number.significand =
      field ? fraction | (uint64_t(1) << layout.fractionBits) : fraction;
  number.exponent = (field ? field : 1) - layout.bias - layout.fractionBits;
  return number;
}

/// 2^exponent for exponents of normal doubles.
static double getPowerOfTwo(int32_t exponent) {
  return doubleFromBits(static_cast<uint64_t>(exponent + 1023) << 52);
}

double trine::sim::decodeFloat(FloatFormat format, uint64_t bits) {
  if (format == FloatFormat::F32)
    return floatFromBits(static_cast<uint32_t>(bits));
  if (format == FloatFormat::F64)
    return doubleFromBits(bits);
  if (format == FloatFormat::BF16)
    return floatFromBits(static_cast<uint32_t>(bits) << 16);
  if (format == FloatFormat::F16)
    return floatFromHalf(static_cast<uint32_t>(bits));
  ExactNumber number = decodeExact(format, bits);
  double value;
  if (number.kind == ExactNumber::NaN)
    value = doubleFromBits(0x7FF8000000000000);
  else if (number.kind == ExactNumber::Infinite)
    value = doubleFromBits(0x7FF0000000000000);
  else
    value = static_cast<double>(static_cast<uint64_t>(number.significand)) *
            getPowerOfTwo(number.exponent);
  return number.negative ? -value : value;
}

static unsigned getHighestBit(uint64_t value) {
  return 63 - __builtin_clzll(value);
}
static unsigned getHighestBit(Wide value) {
  uint64_t high = static_cast<uint64_t>(value >> 64);
  return high ? 64 + getHighestBit(high)
              : getHighestBit(static_cast<uint64_t>(value));
}

/// Whether |value| must grow by one unit, given whether the dropped part is
/// zero, below, at or above half a unit.
static bool mustIncrement(Rounding rounding, bool negative, bool odd, bool half,
                          bool rest) {
  switch (rounding) {
  case Rounding::NearestEven:
    return half && (rest || odd);
  case Rounding::NearestAway:
    return half;
  case Rounding::TowardZero:
    return false;
  case Rounding::Down:
    return negative && (half || rest);
  case Rounding::Up:
    return !negative && (half || rest);
  }
  return false;
}

static uint64_t getOverflow(FloatFormat format, bool negative,
                            const EncodeOptions &options) {
  const Layout &layout = getLayout(format);
  uint64_t sign = negative ? getSignBit(format) : 0;
  bool finite = options.satFinite || options.rounding == Rounding::TowardZero ||
                (options.rounding == Rounding::Down && !negative) ||
                (options.rounding == Rounding::Up && negative);
  if (finite || format == FloatFormat::E2M1)
    return layout.largestFinite | sign;
  return getInfinity(format, negative);
}

/// Powers of two alone: no sign, no zero.
static uint64_t encodePowerOfTwo(const ExactNumber &value,
                                 const EncodeOptions &options) {
  if (value.kind == ExactNumber::NaN)
    return 0xFF;
  if (value.kind == ExactNumber::Infinite)
    return options.satFinite ? 0xFE : 0xFF;
  if (value.significand == 0)
    return 0;
  unsigned top = getHighestBit(value.significand);
  int32_t field = value.exponent + static_cast<int32_t>(top) + 127;
  Wide below = value.significand ^ (Wide(1) << top);
  Wide half = top ? Wide(1) << (top - 1) : 0;
  bool atHalf = top && (below & half);
  bool rest = value.inexact || (top && (below & (half - 1)));
  if (field < 0) {
    atHalf = field == -1;
    rest = true;
    field = 0;
    if (options.rounding == Rounding::Up ||
        options.rounding == Rounding::TowardZero)
      return 0;
  }
  if (mustIncrement(options.rounding, false, (field & 1) != 0, atHalf, rest))
    ++field;
  if (field > 0xFE)
    return options.satFinite || options.rounding == Rounding::TowardZero ? 0xFE
                                                                         : 0xFF;
  return static_cast<uint64_t>(field);
}

/// The magnitude's bits, rounded; beyond the largest finite number on overflow.
template <typename Word>
static uint64_t roundSignificand(const Layout &layout, const ExactNumber &value,
                                 Rounding rounding) {
  const int32_t width = 8 * sizeof(Word);
  const Word significand = static_cast<Word>(value.significand);
  // The exponent of one unit in the last place of the result.
  int32_t smallestUnit = 1 - layout.bias - layout.fractionBits;
  int32_t unit = smallestUnit;
  if (significand) {
    int32_t top =
        value.exponent + static_cast<int32_t>(getHighestBit(significand));
    if (top - layout.fractionBits > unit)
      unit = top - layout.fractionBits;
  }
  int32_t shift = unit - value.exponent;
  uint64_t kept;
  bool half = false, rest = value.inexact;
  if (shift <= 0) {
    kept = static_cast<uint64_t>(significand << -shift);
  } else if (shift > width) {
    kept = 0;
    rest |= significand != 0;
  } else {
    kept = shift == width ? 0 : static_cast<uint64_t>(significand >> shift);
    Word halfBit = Word(1) << (shift - 1);
    half = (significand & halfBit) != 0;
    rest |= (significand & (halfBit - 1)) != 0;
  }
  if (mustIncrement(rounding, value.negative, (kept & 1) != 0, half, rest))
    ++kept;
  // A carry out of the fraction moves into the exponent field by itself.
  uint64_t magnitude =
      (static_cast<uint64_t>(unit - smallestUnit) << layout.fractionBits) +
      kept;
  return magnitude << layout.shift;
}

uint64_t trine::sim::encodeExact(FloatFormat format, ExactNumber value,
                                 const EncodeOptions &options) {
  const Layout &layout = getLayout(format);
  if (options.saturate) {
    if (value.kind == ExactNumber::NaN || value.negative)
      return 0;
    bool aboveOne = value.kind == ExactNumber::Infinite;
    if (!aboveOne && value.significand) {
      int32_t top = value.exponent +
                    static_cast<int32_t>(getHighestBit(value.significand));
      aboveOne = top >= 0; // at one, too: the result is the same
    }
    if (aboveOne)
      return encodeExact(format, {ExactNumber::Finite, false, false, 0, 1}, {});
  }
  if (format == FloatFormat::UE8M0)
    return encodePowerOfTwo(value, options);
  if (value.kind == ExactNumber::NaN)
    return layout.canonicalNaN;
  if (options.relu && value.negative)
    return 0;
  uint64_t sign = value.negative ? getSignBit(format) : 0;
  if (value.kind == ExactNumber::Infinite) {
    if (options.satFinite || format == FloatFormat::E2M1)
      return layout.largestFinite | sign;
    return getInfinity(format, value.negative);
  }
  if (value.significand == 0 && !value.inexact)
    return sign;

  // Most significands fit in a word.
  uint64_t magnitude =
      (value.significand >> 64) == 0
          ? roundSignificand<uint64_t>(layout, value, options.rounding)
          : roundSignificand<Wide>(layout, value, options.rounding);
  if (magnitude > layout.largestFinite)
    return getOverflow(format, value.negative, options);
  if (options.flushToZero)
    magnitude = flushSubnormal(format, magnitude);
  return magnitude | sign;
}

/// To nearest even and without other changes: the commonest case, in one word.
static uint64_t encodeNearest(const Layout &layout, double value,
                              bool satFinite) {
  uint64_t bits = bitsFromDouble(value);
  uint64_t sign = bits >> 63 << (layout.storageBits - 1);
  int32_t exponent = static_cast<int32_t>((bits >> 52) & 0x7FF) - 1023;
  uint64_t fraction = bits & 0xFFFFFFFFFFFFF;
  uint64_t infinity = layout.infinity ? layout.infinity : layout.canonicalNaN;
  if (satFinite)
    infinity = layout.largestFinite;
  if (exponent == 1024)
    return fraction ? layout.canonicalNaN : infinity | sign;
  // Below the smallest normal number, units are those of the subnormals.
  int32_t smallest = 1 - layout.bias;
  int32_t shift = 52 - layout.fractionBits +
                  (exponent < smallest ? smallest - exponent : 0);
  uint64_t magnitude = 0;
  if (shift < 55) { // else less than half of the smallest unit
    uint64_t significand = fraction | uint64_t(1) << 52;
    uint64_t odd = (significand >> shift) & 1;
    magnitude =
        (significand + ((uint64_t(1) << (shift - 1)) - 1) + odd) >> shift;
    if (exponent > smallest)
      magnitude += static_cast<uint64_t>(exponent - smallest)
                   << layout.fractionBits;
    magnitude <<= layout.shift;
  }
  return (magnitude > layout.largestFinite ? infinity : magnitude) | sign;
}

uint64_t trine::sim::encodeFloat(FloatFormat format, double value,
                                 const EncodeOptions &options) {
  bool plain = options.rounding == Rounding::NearestEven &&
               !options.flushToZero && !options.relu && !options.saturate;
  if (plain && format != FloatFormat::F64 && format != FloatFormat::UE8M0 &&
      format != FloatFormat::E2M1)
    return encodeNearest(getLayout(format), value, options.satFinite);
  return encodeExact(
      format, decodeExact(FloatFormat::F64, bitsFromDouble(value)), options);
}
