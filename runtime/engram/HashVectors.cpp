// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Remainders of 64-bit numbers by constants, several at a time.
///
/// q = r · (1/p), computed in double precision and rounded to the nearest
/// integer, misses r / p by less than 0.5 + |r / p| · 3.01 · 2^-53: r, 1/p and
/// their product are each rounded once. For p >= 2^13 that is below 0.9, so
/// that r - q·p lies in (-p, p) and one conditional addition makes the
/// remainder. Smaller moduli take h · (2^32 mod p) + l in place of r = h · 2^32
/// + l, which is below 2^45 and has the same remainder. (Rounding is to
/// nearest, as C assumes of its callers.)
#include "Hash.h"
#if defined(__x86_64__)
#include <immintrin.h>

using namespace trine::runtime::engram;

//===----------------------------------------------------------------------===//
// AVX-512: 8 columns
//===----------------------------------------------------------------------===//

#define TRINE_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl")))

TRINE_AVX512 static __m512i loadWide(const int64_t *values) {
  return _mm512_loadu_si512(values);
}

TRINE_AVX512 void
trine::runtime::engram::reduceAvx512(const HashColumns &columns,
                                     const int64_t *mixed, uint64_t tokens,
                                     int64_t *rows) {
  const __m512i lowHalf = _mm512_set1_epi64(0xffffffff);
  for (uint64_t c = 0; c < columns.padded; c += 8) {
    __m512i moduli = loadWide(&columns.moduli[c]),
            offsets = loadWide(&columns.offsets[c]),
            sources = loadWide(&columns.sources[c]),
            folds = loadWide(&columns.folds[c]);
    __m512d inverses = _mm512_loadu_pd(&columns.inverses[c]);
    __mmask8 small = _mm512_cmplt_epi64_mask(
        moduli, _mm512_set1_epi64(HashColumns::kSmallModulus));
    uint64_t left = columns.count - c;
    __mmask8 stored = left >= 8 ? 0xff : (1u << left) - 1;
    bool permute = columns.mixedCount <= 8;
    for (uint64_t t = 0; t < tokens; ++t) {
      const int64_t *values = mixed + t * columns.mixedCount;
      __m512i r = permute ? _mm512_permutexvar_epi64(sources, loadWide(values))
                          : _mm512_i64gather_epi64(sources, values, 8);
      if (small)
        r = _mm512_mask_add_epi64(
            r, small, _mm512_and_si512(r, lowHalf),
            _mm512_mul_epi32(_mm512_srli_epi64(r, 32), folds));
      __m512i q =
          _mm512_cvtpd_epi64(_mm512_mul_pd(_mm512_cvtepi64_pd(r), inverses));
      r = _mm512_sub_epi64(r, _mm512_mullo_epi64(q, moduli));
      r = _mm512_mask_add_epi64(r, _mm512_movepi64_mask(r), r, moduli);
      _mm512_mask_storeu_epi64(rows + t * columns.count + c, stored,
                               _mm512_add_epi64(r, offsets));
    }
  }
}

//===----------------------------------------------------------------------===//
// AVX2: 4 columns
//===----------------------------------------------------------------------===//

#define TRINE_AVX2 __attribute__((target("avx2")))

TRINE_AVX2 static __m256i load(const int64_t *values) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(values));
}

/// The nearest doubles. The halves become the low digits of 2^52 and of 2^84,
/// whose difference from those powers is exact; the sum rounds once.
TRINE_AVX2 static __m256d toDouble(__m256i r) {
  __m256i low =
      _mm256_blend_epi32(_mm256_set1_epi64x(0x4330000000000000), r, 0b01010101);
  __m256i high = _mm256_xor_si256(_mm256_srli_epi64(r, 32),
                                  _mm256_set1_epi64x(0x4530000080000000));
  __m256d exact = _mm256_sub_pd(
      _mm256_castsi256_pd(high),
      _mm256_castsi256_pd(_mm256_set1_epi64x(0x4530000080100000)));
  return _mm256_add_pd(exact, _mm256_castsi256_pd(low));
}

/// The nearest integers of numbers below 2^51.
TRINE_AVX2 static __m256i toInteger(__m256d x) {
  const __m256i magic = _mm256_set1_epi64x(0x4338000000000000);
  return _mm256_sub_epi64(
      _mm256_castpd_si256(_mm256_add_pd(x, _mm256_castsi256_pd(magic))), magic);
}

/// Low 64 bits of the products. HasWide: p may exceed 32 bits.
template <bool HasWide>
TRINE_AVX2 static __m256i multiply(__m256i q, __m256i p) {
  __m256i cross = _mm256_mul_epu32(_mm256_srli_epi64(q, 32), p);
  if (HasWide)
    cross =
        _mm256_add_epi64(cross, _mm256_mul_epu32(q, _mm256_srli_epi64(p, 32)));
  return _mm256_add_epi64(_mm256_mul_epu32(q, p), _mm256_slli_epi64(cross, 32));
}

template <bool HasWide>
TRINE_AVX2 static void reduceGroup(const HashColumns &columns, uint64_t c,
                                   const int64_t *mixed, uint64_t tokens,
                                   int64_t *rows) {
  HashColumns::Group group = columns.groups[c / 4];
  const __m256i lowHalf = _mm256_set1_epi64x(0xffffffff),
                zero = _mm256_setzero_si256();
  __m256i moduli = load(&columns.moduli[c]),
          offsets = load(&columns.offsets[c]),
          sources = load(&columns.sources[c]), folds = load(&columns.folds[c]);
  __m256d inverses = _mm256_loadu_pd(&columns.inverses[c]);
  __m256i small = _mm256_cmpgt_epi64(
      _mm256_set1_epi64x(HashColumns::kSmallModulus), moduli);
  int64_t left = static_cast<int64_t>(columns.count - c);
  __m256i stored = _mm256_cmpgt_epi64(_mm256_set1_epi64x(left),
                                      _mm256_set_epi64x(3, 2, 1, 0));
  for (uint64_t t = 0; t < tokens; ++t) {
    const int64_t *values = mixed + t * columns.mixedCount;
    __m256i r =
        group.hasOneSource
            ? _mm256_set1_epi64x(values[columns.sources[c]])
            : _mm256_i64gather_epi64(
                  reinterpret_cast<const long long *>(values), sources, 8);
    if (group.hasSmall) {
      __m256i folded =
          _mm256_add_epi64(_mm256_and_si256(r, lowHalf),
                           _mm256_mul_epi32(_mm256_srli_epi64(r, 32), folds));
      r = _mm256_blendv_epi8(r, folded, small);
    }
    __m256i q = toInteger(_mm256_mul_pd(toDouble(r), inverses));
    r = _mm256_sub_epi64(r, multiply<HasWide>(q, moduli));
    __m256i negative = _mm256_cmpgt_epi64(zero, r);
    r = _mm256_add_epi64(r, _mm256_and_si256(negative, moduli));
    r = _mm256_add_epi64(r, offsets);
    int64_t *target = rows + t * columns.count + c;
    if (left >= 4)
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(target), r);
    else
      _mm256_maskstore_epi64(reinterpret_cast<long long *>(target), stored, r);
  }
}

TRINE_AVX2 void trine::runtime::engram::reduceAvx2(const HashColumns &columns,
                                                   const int64_t *mixed,
                                                   uint64_t tokens,
                                                   int64_t *rows) {
  for (uint64_t c = 0; c < columns.count; c += 4) {
    if (columns.groups[c / 4].hasWide)
      reduceGroup<true>(columns, c, mixed, tokens, rows);
    else
      reduceGroup<false>(columns, c, mixed, tokens, rows);
  }
}
#endif
