// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Floating-point formats of PTX as bit patterns: decoding, and encoding with
/// one rounding in every direction that PTX names. Source: PTX ISA, "Types" and
/// "Floating Point Instructions".
#ifndef TRINE_RUNTIME_DEVICE_SIM_FLOATFORMAT_H
#define TRINE_RUNTIME_DEVICE_SIM_FLOATFORMAT_H

#include <cstdint>
#include <cstring>

namespace trine::sim {

/// TF32 lies in a 32-bit container; its low 13 bits are ignored when read and
/// zero when written (except in the canonical NaN). UE8M0 and E2M1 belong to
/// newer targets than sm_90a and are here for block scales.
enum class FloatFormat : uint8_t {
  F16,
  BF16,
  TF32,
  F32,
  F64,
  E4M3,
  E5M2,
  UE8M0,
  E2M1
};

/// .rn, .rz, .rm, .rp, and .rna (ties away from zero, only in cvt to .tf32).
enum class Rounding : uint8_t {
  NearestEven,
  TowardZero,
  Down,
  Up,
  NearestAway
};

struct EncodeOptions {
  Rounding rounding = Rounding::NearestEven;
  /// Subnormal results become zero of the same sign.
  bool flushToZero = false;
  /// .satfinite: what overflows becomes the largest finite number of its sign.
  bool satFinite = false;
  /// .relu: negative results become +0.
  bool relu = false;
  /// .sat: the result is clamped to [0, 1]; NaN becomes +0.
  bool saturate = false;
};

/// A finite number ±significand·2^exponent, plus a tail in (0, 2^exponent) of
/// the same sign when inexact. Or an infinity, or a NaN.
struct ExactNumber {
  enum Kind : uint8_t { Finite, Infinite, NaN };
  Kind kind = Finite;
  bool negative = false;
  bool inexact = false;
  int32_t exponent = 0;
  unsigned __int128 significand = 0;

  bool isZero() const { return kind == Finite && significand == 0 && !inexact; }
};

/// Bits of storage: 4, 8, 16, 32 or 64.
unsigned getStorageBits(FloatFormat format);
/// Bits of the fraction, without the implicit one.
unsigned getFractionBits(FloatFormat format);

/// The NaN that instructions produce: 0x7FFF for F16 and BF16, 0x7FFFFFFF for
/// F32 and TF32, 0x7F for E4M3 and E5M2. E2M1 has none; gives its largest
/// number.
uint64_t getCanonicalNaN(FloatFormat format);
uint64_t getLargestFinite(FloatFormat format);
/// Formats without infinity give their NaN (or largest number).
uint64_t getInfinity(FloatFormat format, bool negative);

bool isNaN(FloatFormat format, uint64_t bits);
bool isInfinite(FloatFormat format, uint64_t bits);
bool isSubnormal(FloatFormat format, uint64_t bits);
bool isNegative(FloatFormat format, uint64_t bits);
/// Subnormal numbers become zero of the same sign; others stay.
uint64_t flushSubnormal(FloatFormat format, uint64_t bits);

/// The number that the bits stand for; every format fits in a double exactly.
double decodeFloat(FloatFormat format, uint64_t bits);
ExactNumber decodeExact(FloatFormat format, uint64_t bits);

/// The nearest number of the format in the direction asked for, rounded once.
/// NaN gives the canonical NaN.
uint64_t encodeFloat(FloatFormat format, double value,
                     const EncodeOptions &options = {});
uint64_t encodeExact(FloatFormat format, ExactNumber value,
                     const EncodeOptions &options = {});

inline float floatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint32_t bitsFromFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline double doubleFromBits(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint64_t bitsFromDouble(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// An F16 number as a float.
inline float floatFromHalf(uint32_t bits) {
  uint32_t sign = (bits & 0x8000) << 16, magnitude = bits & 0x7FFF;
  if (magnitude >= 0x7C00)
    return floatFromBits(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
  // The exponent field is 112 too small, for subnormals as well.
  float value = floatFromBits(magnitude << 13) * 0x1p112f;
  return sign ? -value : value;
}

} // namespace trine::sim

#endif
