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
/// A bf16 holds each 8-bit float exactly: exponent and three digits in two
/// bytes. The low one (exponent's last bit, digits) depends on the last four
/// bits, and below 2^-6 on all; so it is kept by the last four bits and the
/// first three, of which the first is folded into the third. The high one
/// depends on sign and the five bits behind it. Zero looks like 2^-9, but with
/// a bit set that bf16 values of 8-bit floats do not have.
struct Tables {
  alignas(64) std::array<uint8_t, 64> low, high;
  /// What a scale adds to a bf16's exponent, twice.
  alignas(64) std::array<uint32_t, 256> exponents;
  Tables() {
    auto toBits = [](unsigned magnitude) {
      return roundToBf16(widenE4m3(static_cast<uint8_t>(magnitude)));
    };
    for (unsigned i = 0; i < 64; ++i) {
      low[i] = i == 0 ? 1 : static_cast<uint8_t>(toBits(i));
      unsigned magnitude = (i & 31) << 2;
      high[i] = static_cast<uint8_t>((i & 32) << 2 |
                                     toBits(magnitude ? magnitude : 1) >> 8);
    }
    for (unsigned i = 0; i < 256; ++i)
      exponents[i] = static_cast<uint16_t>((i - 127) * 128) * 0x10001u;
  }
};
const Tables tables;
} // namespace

/// Times 2^(scale - 127), in the exponent; what is marked becomes a zero.
TRINE_VBMI static __m512i addExponent(__m512i value, uint8_t scale) {
  return _mm512_mask_add_epi16(
      _mm512_and_si512(value, _mm512_set1_epi16(int16_t(0x8000))),
      _mm512_testn_epi16_mask(value, _mm512_set1_epi16(1)), value,
      _mm512_set1_epi32(static_cast<int32_t>(tables.exponents[scale])));
}

/// Whether 2^-9 to 448, times the scales, all have bf16 exponents from 1 to
/// 254: then nothing is rounded.
TRINE_VBMI static bool arePlain(const uint8_t *scales, uint64_t count) {
  __mmask64 others = 0;
  for (uint64_t i = 0; i < count; i += 64) {
    __mmask64 kept =
        count - i >= 64 ? ~__mmask64(0) : (__mmask64(1) << (count - i)) - 1;
    __m512i some = _mm512_maskz_loadu_epi8(kept, scales + i);
    others |= _mm512_mask_cmpgt_epu8_mask(
        kept, _mm512_sub_epi8(some, _mm512_set1_epi8(10)),
        _mm512_set1_epi8(char(235)));
  }
  return others == 0;
}

TRINE_VBMI static void convertE4m3ToBf16(const uint8_t *values,
                                         const uint8_t *scales, uint64_t width,
                                         void *destination) {
  const __m512i lows = _mm512_load_si512(tables.low.data()),
                highs = _mm512_load_si512(tables.high.data());
  const __m512i sign = _mm512_set1_epi8(char(0x80)),
                folded = _mm512_set1_epi8(0x10);
  // Unpacking takes the halves of each 16 bytes apart: this order undoes it.
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  uint16_t *target = static_cast<uint16_t *>(destination);
  __m512i greatest = sign;
  uint64_t i = 0;
  for (; i + 64 <= width; i += 64) {
    __m512i given = _mm512_loadu_si512(values + i);
    greatest = _mm512_max_epu8(greatest, _mm512_or_si512(given, sign));
    __m512i bytes = _mm512_permutexvar_epi64(order, given);
    // Of an index, the last six bits count.
    __m512i shifted = _mm512_srli_epi16(bytes, 2);
    __m512i low = _mm512_permutexvar_epi8(
        _mm512_ternarylogic_epi64(bytes, shifted, folded, 0xf8), // b | s & f
        lows);
    __m512i high = _mm512_permutexvar_epi8(shifted, highs);
    _mm512_storeu_si512(target + i, addExponent(_mm512_unpacklo_epi8(low, high),
                                                scales[i / kScaledValues]));
    _mm512_storeu_si512(target + i + 32,
                        addExponent(_mm512_unpackhi_epi8(low, high),
                                    scales[i / kScaledValues + 1]));
  }
  bool hasNan = _mm512_cmpeq_epi8_mask(greatest, _mm512_set1_epi8(-1)) != 0;
  if (__builtin_expect(hasNan || !arePlain(scales, i / kScaledValues), 0))
    i = 0;
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
