// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ConvertVectors.h"
#include "Format.h"
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>

using namespace trine::runtime;
using namespace trine::runtime::engram;

#define TRINE_AVX2 __attribute__((target("avx2,f16c")))

template <int32_t From>
TRINE_AVX2 static __m256 load8(const uint8_t *values, __m256 scale) {
  if constexpr (From == TRINE_ENGRAM_F32) {
    return _mm256_loadu_ps(reinterpret_cast<const float *>(values));
  } else if constexpr (From == TRINE_ENGRAM_F16) {
    return _mm256_cvtph_ps(
        _mm_loadu_si128(reinterpret_cast<const __m128i *>(values)));
  } else if constexpr (From == TRINE_ENGRAM_BF16) {
    __m256i bits = _mm256_cvtepu16_epi32(
        _mm_loadu_si128(reinterpret_cast<const __m128i *>(values)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
  } else {
    // e4m3's digits, moved to where f16 has them, are the value over 2^8, also
    // for subnormals. (As f32 they would be subnormal, which costs hundreds of
    // cycles.)
    __m128i bytes = _mm_cvtepu8_epi16(
        _mm_loadl_epi64(reinterpret_cast<const __m128i *>(values)));
    __m128i magnitude = _mm_and_si128(bytes, _mm_set1_epi16(0x7f));
    __m128i sign =
        _mm_slli_epi16(_mm_and_si128(bytes, _mm_set1_epi16(0x80)), 8);
    __m128i isNan = _mm_cmpeq_epi16(magnitude, _mm_set1_epi16(0x7f));
    __m128i half =
        _mm_or_si128(_mm_or_si128(_mm_slli_epi16(magnitude, 7), sign),
                     _mm_and_si128(isNan, _mm_set1_epi16(0x7e00)));
    // Not 2^8 times the scale: that may be too large.
    __m256 value = _mm256_mul_ps(_mm256_cvtph_ps(half), _mm256_set1_ps(0x1p8f));
    return _mm256_mul_ps(value, scale);
  }
}

TRINE_AVX2 static __m128i roundToBf16(__m256 value) {
  __m256i bits = _mm256_castps_si256(value);
  __m256i odd =
      _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  __m256i rounded =
      _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  __m256i isNan =
      _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  __m256i halves =
      _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, isNan), 16);
  __m256i packed =
      _mm256_permute4x64_epi64(_mm256_packus_epi32(halves, halves), 0b11011000);
  return _mm256_castsi256_si128(packed);
}

template <int32_t From, int32_t To>
TRINE_AVX2 static void convert(const uint8_t *values, const uint8_t *scales,
                               uint64_t width, void *destination) {
  constexpr uint64_t fromBytes = From == TRINE_ENGRAM_F32    ? 4
                                 : From == TRINE_ENGRAM_E4M3 ? 1
                                                             : 2;
  constexpr uint64_t toBytes = To == TRINE_ENGRAM_F32 ? 4 : 2;
  uint8_t *target = static_cast<uint8_t *>(destination);
  __m256 scale = _mm256_set1_ps(1);
  uint64_t i = 0;
  for (; i + 8 <= width; i += 8) {
    if (From == TRINE_ENGRAM_E4M3 && i % kScaledValues == 0)
      scale = _mm256_set1_ps(getScale(scales[i / kScaledValues]));
    __m256 value = load8<From>(values + i * fromBytes, scale);
    uint8_t *at = target + i * toBytes;
    if constexpr (To == TRINE_ENGRAM_F32)
      _mm256_storeu_ps(reinterpret_cast<float *>(at), value);
    else if constexpr (To == TRINE_ENGRAM_BF16)
      _mm_storeu_si128(reinterpret_cast<__m128i *>(at), roundToBf16(value));
    else
      _mm_storeu_si128(reinterpret_cast<__m128i *>(at),
                       _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
  }
  if (i < width) // never for E4M3, whose width is a multiple of 32
    getConversion(From, To, Instructions::Portable)(
        values + i * fromBytes, scales, width - i, target + i * toBytes);
}

namespace {
/// For each scale, what digits moved to their places in bf16 lack: the
/// exponent's offset, or for subnormals n of e4m3 (n * 2^-9) also what makes
/// them normal. By n up to 7, and 8 for all others; low bytes and high bytes.
struct Missing {
  alignas(32) uint8_t bytes[256][2][16] = {};
  Missing() {
    for (unsigned scale = 0; scale < 256; ++scale)
      for (unsigned n = 0; n <= 8; ++n) {
        auto digits = static_cast<uint8_t>(n);
        uint16_t value = engram::roundToBf16(
            widenE4m3(digits) * getScale(static_cast<uint8_t>(scale)));
        auto missing = static_cast<uint16_t>(value - (n << 4));
        bytes[scale][0][n] = static_cast<uint8_t>(missing);
        bytes[scale][1][n] = static_cast<uint8_t>(missing >> 8);
      }
  }
};
const Missing missing;
} // namespace

TRINE_AVX2 static void convertE4m3ToBf16(const uint8_t *values,
                                         const uint8_t *scales, uint64_t width,
                                         void *destination) {
  const __m256i magnitudes = _mm256_set1_epi8(0x7f),
                others = _mm256_set1_epi8(8),
                kept = _mm256_set1_epi16(static_cast<int16_t>(0x87f0)),
                zero = _mm256_setzero_si256();
  auto load = [](const uint8_t *half) TRINE_AVX2 {
    return _mm256_broadcastsi128_si256(
        _mm_load_si128(reinterpret_cast<const __m128i *>(half)));
  };
  uint16_t *target = static_cast<uint16_t *>(destination);
  __m256i greatest = zero;
  bool isPlain = true;
  for (uint64_t i = 0; i < width; i += kScaledValues) {
    uint8_t scale = scales[i / kScaledValues];
    // 2^-9 to 448, times the scale, has a bf16 exponent from 1 to 254: then
    // nothing is rounded.
    isPlain &= scale >= 10 && scale <= 245;
    // Unpacking takes the halves of each 16 bytes apart: this order undoes it.
    __m256i bytes = _mm256_permute4x64_epi64(
        _mm256_loadu_si256(reinterpret_cast<const __m256i *>(values + i)),
        0b11011000);
    __m256i magnitude = _mm256_and_si256(bytes, magnitudes);
    greatest = _mm256_max_epu8(greatest, magnitude);
    __m256i place = _mm256_min_epu8(magnitude, others);
    __m256i low = _mm256_shuffle_epi8(load(missing.bytes[scale][0]), place);
    __m256i high = _mm256_shuffle_epi8(load(missing.bytes[scale][1]), place);
    auto move = [&](__m256i wide, __m256i added, uint16_t *at) TRINE_AVX2 {
      __m256i moved = _mm256_and_si256(_mm256_srai_epi16(wide, 4), kept);
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(at),
                          _mm256_add_epi16(moved, added));
    };
    move(_mm256_unpacklo_epi8(zero, bytes), _mm256_unpacklo_epi8(low, high),
         target + i);
    move(_mm256_unpackhi_epi8(zero, bytes), _mm256_unpackhi_epi8(low, high),
         target + i + 16);
  }
  bool hasNan =
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(greatest, magnitudes)) != 0;
  if (__builtin_expect(!isPlain || hasNan, 0))
    convert<TRINE_ENGRAM_E4M3, TRINE_ENGRAM_BF16>(values, scales, width,
                                                  destination);
}

template <int32_t From>
static ConvertFunction getConversionFrom(trine_engram_type to) {
  switch (to) {
  case TRINE_ENGRAM_F32:
    return convert<From, TRINE_ENGRAM_F32>;
  case TRINE_ENGRAM_F16:
    return convert<From, TRINE_ENGRAM_F16>;
  case TRINE_ENGRAM_BF16:
    return convert<From, TRINE_ENGRAM_BF16>;
  }
  return nullptr;
}

ConvertFunction engram::getAvx2Conversion(trine_engram_type from,
                                          trine_engram_type to) {
  if (from == to)
    return nullptr;
  switch (from) {
  case TRINE_ENGRAM_F32:
    return getConversionFrom<TRINE_ENGRAM_F32>(to);
  case TRINE_ENGRAM_F16:
    return getConversionFrom<TRINE_ENGRAM_F16>(to);
  case TRINE_ENGRAM_BF16:
    return getConversionFrom<TRINE_ENGRAM_BF16>(to);
  case TRINE_ENGRAM_E4M3:
    if (to == TRINE_ENGRAM_BF16)
      return convertE4m3ToBf16;
    return getConversionFrom<TRINE_ENGRAM_E4M3>(to);
  }
  return nullptr;
}
#endif
