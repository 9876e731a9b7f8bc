// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions to and from the floating-point types of 16, 8 and 4 bits, in one
// rounding from double precision.
#include "trine/Reference/Tensor.h"
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir::trine::reference;

/// Rounds `value` to a float format of 16 bits with the given number of
/// fraction bits and smallest normal exponent.
static uint16_t roundToFormat(double value, int fractionBits, int minExponent,
                              int maxExponent) {
  const int exponentBits = 15 - fractionBits;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const uint16_t infinity =
      static_cast<uint16_t>(((1u << exponentBits) - 1) << fractionBits);
  if (std::isnan(value))
    return sign | infinity | static_cast<uint16_t>(1u << (fractionBits - 1));
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude))
    return sign | infinity;
  if (magnitude == 0.0)
    return sign;
  int exponent;
  std::frexp(magnitude,
             &exponent); // magnitude = m * 2^exponent with m in [0.5, 1)
  exponent = std::max(exponent - 1, minExponent);
  // In units of the last place the value is exact in double precision, so
  // nearbyint rounds once, to even.
  double units = std::nearbyint(std::ldexp(magnitude, fractionBits - exponent));
  if (units >= std::ldexp(1.0, fractionBits + 1)) {
    units /= 2;
    ++exponent;
  }
  if (exponent > maxExponent)
    return sign | infinity;
  auto bits = static_cast<uint32_t>(units);
  if (bits < (1u << fractionBits)) // subnormal
    return sign | static_cast<uint16_t>(bits);
  uint32_t biased = static_cast<uint32_t>(exponent - minExponent + 1);
  return sign | static_cast<uint16_t>((biased << fractionBits) |
                                      (bits & ((1u << fractionBits) - 1)));
}

uint16_t mlir::trine::reference::roundToHalf(double value) {
  return roundToFormat(value, 10, -14, 15);
}

uint16_t mlir::trine::reference::roundToBFloat16(double value) {
  return roundToFormat(value, 7, -126, 127);
}

double mlir::trine::reference::halfToDouble(uint16_t bits) {
  double sign = bits & 0x8000 ? -1.0 : 1.0;
  int exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 0x1f)
    return fraction ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0)
    return sign * std::ldexp(static_cast<double>(fraction), -24);
  return sign *
         std::ldexp(static_cast<double>(fraction | 0x400), exponent - 25);
}

double mlir::trine::reference::bfloat16ToDouble(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

//===----------------------------------------------------------------------===//
// Floats of 8 and 4 bits
//===----------------------------------------------------------------------===//

namespace {
/// What the codes with the largest exponent mean.
enum class Specials {
  Infinities,   ///< as in IEEE 754
  OneNaN,       ///< all bits set is NaN, of either sign
  NegativeZero, ///< only what would be -0 is NaN
  None
};
struct SmallFormat {
  int exponentBits, fractionBits, bias;
  Specials specials;
  /// The largest finite code without its sign, and the code of NaN.
  uint8_t largest, nan;
};
} // namespace

static SmallFormat formatOf(ElementType type) {
  switch (type) {
  case ElementType::F8E4M3FN:
    return {4, 3, 7, Specials::OneNaN, 0x7e, 0x7f};
  case ElementType::F8E4M3FNUZ:
    return {4, 3, 8, Specials::NegativeZero, 0x7f, 0x80};
  case ElementType::F8E5M2:
    return {5, 2, 15, Specials::Infinities, 0x7b, 0x7e};
  case ElementType::F8E5M2FNUZ:
    return {5, 2, 16, Specials::NegativeZero, 0x7f, 0x80};
  default: // f4e2m1fn
    return {2, 1, 1, Specials::None, 0x7, 0x7};
  }
}

uint8_t mlir::trine::reference::roundToScale(double value,
                                             ScaleRounding rounding,
                                             bool saturate) {
  if (std::isnan(value))
    return 0xff;
  // As much precision as float has, like the standard's own implementation.
  float magnitude = std::fabs(static_cast<float>(value));
  if (std::isinf(magnitude))
    return saturate ? 0xfe : 0xff;
  uint32_t bits;
  std::memcpy(&bits, &magnitude, sizeof bits);
  uint32_t exponent = bits >> 23, fraction = bits & 0x7fffff;
  // With exponent 0 the leading bit is explicit: 2^-127 is a fraction.
  uint32_t one = exponent == 0 ? 0x400000 : 0;
  bool increment =
      rounding == ScaleRounding::Up ? fraction > one
      : rounding == ScaleRounding::Nearest
          ? fraction > 0x400000 || (fraction == 0x400000 && exponent > 0)
          : false;
  if (increment && !(saturate && exponent == 0xfe))
    ++exponent;
  return static_cast<uint8_t>(exponent);
}

uint8_t mlir::trine::reference::roundToSmallFloat(ElementType type,
                                                  double value, bool saturate) {
  if (type == ElementType::F8E8M0FNU)
    return roundToScale(value, ScaleRounding::Up, saturate);
  SmallFormat format = formatOf(type);
  uint8_t sign = std::signbit(value)
                     ? 1u << (format.exponentBits + format.fractionBits)
                     : 0;
  if (std::isnan(value)) {
    if (format.specials == Specials::None) // as the standard's tests have it
      return sign ^ 0x8;
    return format.specials == Specials::NegativeZero ? format.nan
                                                     : sign | format.nan;
  }
  double magnitude = std::fabs(value);
  uint8_t code = 0;
  bool isTooLarge = std::isinf(magnitude);
  if (!isTooLarge && magnitude != 0.0) {
    int exponent;
    std::frexp(magnitude, &exponent);
    // Subnormal numbers have the exponent of the smallest normal ones.
    exponent = std::max(exponent - 1, 1 - format.bias);
    double units =
        std::nearbyint(std::ldexp(magnitude, format.fractionBits - exponent));
    if (units >= std::ldexp(1.0, format.fractionBits + 1)) {
      units /= 2;
      ++exponent;
    }
    auto fraction = static_cast<uint32_t>(units);
    // A carry out of the subnormal fractions makes the smallest normal one.
    int biased = exponent + format.bias - 1;
    int64_t whole =
        (static_cast<int64_t>(biased) << format.fractionBits) + fraction;
    isTooLarge = whole > format.largest;
    code = isTooLarge ? 0 : static_cast<uint8_t>(whole);
  }
  if (isTooLarge) {
    if (saturate || format.specials == Specials::None)
      code = format.largest;
    else if (format.specials == Specials::NegativeZero)
      return format.nan;
    else
      code = format.specials == Specials::Infinities ? 0x7c : format.nan;
  }
  if (format.specials == Specials::NegativeZero && code == 0)
    return 0; // there is no -0
  return sign | code;
}

double mlir::trine::reference::smallFloatToDouble(ElementType type,
                                                  uint8_t code) {
  if (type == ElementType::F8E8M0FNU)
    return code == 0xff ? std::numeric_limits<double>::quiet_NaN()
                        : std::ldexp(1.0, code - 127);
  SmallFormat format = formatOf(type);
  int signBit = format.exponentBits + format.fractionBits;
  bool isNegative = (code >> signBit) & 1;
  int magnitude = code & ((1 << signBit) - 1);
  if (format.specials == Specials::NegativeZero && isNegative && !magnitude)
    return std::numeric_limits<double>::quiet_NaN();
  double sign = isNegative ? -1.0 : 1.0;
  if (format.specials != Specials::NegativeZero && magnitude > format.largest) {
    if (format.specials == Specials::Infinities && magnitude == 0x7c)
      return sign * std::numeric_limits<double>::infinity();
    return std::copysign(std::numeric_limits<double>::quiet_NaN(), sign);
  }
  int exponent = magnitude >> format.fractionBits,
      fraction = magnitude & ((1 << format.fractionBits) - 1);
  if (exponent == 0)
    exponent = 1;
  else
    fraction |= 1 << format.fractionBits;
  return sign *
         std::ldexp(fraction, exponent - format.bias - format.fractionBits);
}

double mlir::trine::reference::roundTo(ElementType type, double value) {
  switch (type) {
  case ElementType::F32:
    return static_cast<float>(value);
  case ElementType::F16:
    return halfToDouble(roundToHalf(value));
  case ElementType::BF16:
    return bfloat16ToDouble(roundToBFloat16(value));
  default:
    return isSmallFloat(type)
               ? smallFloatToDouble(type, roundToSmallFloat(type, value))
               : value;
  }
}

double mlir::trine::reference::unitRoundoff(ElementType type) {
  switch (type) {
  case ElementType::F64:
    return 0x1p-53;
  case ElementType::F32:
    return 0x1p-24;
  case ElementType::F16:
    return 0x1p-11;
  case ElementType::BF16:
    return 0x1p-8;
  case ElementType::F8E4M3FN:
  case ElementType::F8E4M3FNUZ:
    return 0x1p-4;
  case ElementType::F8E5M2:
  case ElementType::F8E5M2FNUZ:
    return 0x1p-3;
  case ElementType::F4E2M1FN:
    return 0x1p-2;
  case ElementType::F8E8M0FNU: // rounded up
    return 1.0;
  default:
    return 0.0;
  }
}
