// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// 8-bit floats to bf16 by two tables in registers (AVX-512 VBMI).
#include "ConvertVectors.h"
#include "Format.h"
#include <array>
#if defined(__x86_64__)
#include <immintrin.h>

using namespace trine::runtime;
using namespace trine::runtime::engram;

#define TRINE_VBMI                                                             \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi")))

namespace {
/// The two bytes of each magnitude as bf16, which holds all of them exactly,
/// and for each scale what it adds to a bf16's exponent, twice.
struct Tables {
  alignas(64) std::array<uint8_t, 128> low, high;
  alignas(64) std::array<uint32_t, 256> exponents;
  Tables() {
    for (unsigned i = 0; i < 128; ++i) {
      uint16_t bits = roundToBf16(widenE4m3(static_cast<uint8_t>(i)));
      low[i] = static_cast<uint8_t>(bits);
      high[i] = static_cast<uint8_t>(bits >> 8);
    }
    for (unsigned i = 0; i < 256; ++i)
      exponents[i] = static_cast<uint16_t>((i - 127) * 128) * 0x10001u;
  }
};
const Tables tables;
} // namespace

/// Times 2^(scale - 127), in the exponent; zeros stay.
TRINE_VBMI static __m512i addExponent(__m512i value, uint8_t scale) {
  return _mm512_mask_add_epi16(
      value, _mm512_test_epi16_mask(value, _mm512_set1_epi16(0x7fff)), value,
      _mm512_set1_epi32(static_cast<int32_t>(tables.exponents[scale])));
}

TRINE_VBMI static void convertE4m3ToBf16(const uint8_t *values,
                                         const uint8_t *scales, uint64_t width,
                                         void *destination) {
  const __m512i low0 = _mm512_load_si512(tables.low.data()),
                low1 = _mm512_load_si512(tables.low.data() + 64),
                high0 = _mm512_load_si512(tables.high.data()),
                high1 = _mm512_load_si512(tables.high.data() + 64);
  const __m512i sign = _mm512_set1_epi8(char(0x80)), nan = _mm512_set1_epi8(-1);
  // Unpacking takes the halves of each 16 bytes apart: this order undoes it.
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  uint16_t *target = static_cast<uint16_t *>(destination);
  // 2^-9 to 448, times the scale, must have a bf16 exponent from 1 to 254.
  auto isPlain = [](uint8_t scale) { return uint8_t(scale - 10) <= 235; };
  uint64_t i = 0;
  for (; i + 64 <= width; i += 64) {
    uint8_t first = scales[i / kScaledValues],
            second = scales[i / kScaledValues + 1];
    __m512i given = _mm512_loadu_si512(values + i);
    bool hasNan =
        _mm512_cmpeq_epi8_mask(_mm512_or_si512(given, sign), nan) != 0;
    if (__builtin_expect(!isPlain(first) | !isPlain(second) | hasNan, 0)) {
      getAvx2Conversion(TRINE_ENGRAM_E4M3, TRINE_ENGRAM_BF16)(
          values + i, scales + i / kScaledValues, 64, target + i);
      continue;
    }
    __m512i bytes = _mm512_permutexvar_epi64(order, given);
    __m512i low = _mm512_permutex2var_epi8(low0, bytes, low1);
    __m512i high = _mm512_permutex2var_epi8(high0, bytes, high1);
    high = _mm512_ternarylogic_epi64(high, bytes, sign, 0xf8); // high | b & s
    _mm512_storeu_si512(target + i,
                        addExponent(_mm512_unpacklo_epi8(low, high), first));
    _mm512_storeu_si512(target + i + 32,
                        addExponent(_mm512_unpackhi_epi8(low, high), second));
  }
  if (i < width)
    getAvx2Conversion(TRINE_ENGRAM_E4M3, TRINE_ENGRAM_BF16)(
        values + i, scales + i / kScaledValues, width - i, target + i);
}

ConvertFunction engram::getAvx512Conversion(trine_engram_type from,
                                            trine_engram_type to) {
  return from == TRINE_ENGRAM_E4M3 && to == TRINE_ENGRAM_BF16
             ? convertE4m3ToBf16
             : nullptr;
}
#endif
