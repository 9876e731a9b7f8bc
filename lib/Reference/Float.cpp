// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions to and from the 16-bit floating-point types, in one rounding from
// double precision.
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

double mlir::trine::reference::roundTo(ElementType type, double value) {
  switch (type) {
  case ElementType::F32:
    return static_cast<float>(value);
  case ElementType::F16:
    return halfToDouble(roundToHalf(value));
  case ElementType::BF16:
    return bfloat16ToDouble(roundToBFloat16(value));
  default:
    return value;
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
  default:
    return 0.0;
  }
}
