// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Runtime/Sha256.h"
#include "CpuFeatures.h"
#include <algorithm>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace trine::runtime;

static const uint32_t roundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t value, int count) {
  return value >> count | value << (32 - count);
}

static void processBlocks(uint32_t state[8], const uint8_t *data,
                          uint64_t blocks) {
  for (; blocks > 0; --blocks, data += 64) {
    uint32_t w[64];
    for (int i = 0; i < 16; ++i)
      w[i] = uint32_t(data[4 * i]) << 24 | uint32_t(data[4 * i + 1]) << 16 |
             uint32_t(data[4 * i + 2]) << 8 | data[4 * i + 3];
    for (int i = 16; i < 64; ++i) {
      uint32_t s0 =
          rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
      uint32_t s1 =
          rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t v[8];
    memcpy(v, state, sizeof(v));
    for (int i = 0; i < 64; ++i) {
      uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
      uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      uint32_t t1 = v[7] + s1 + choice + roundConstants[i] + w[i];
      uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
      uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      memmove(v + 1, v, 7 * sizeof(v[0]));
      v[4] += t1;
      v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; ++i)
      state[i] += v[i];
  }
}

#if defined(__x86_64__)
/// The same with the SHA instructions, which are several times as fast: weights
/// are large, and are hashed each time a package is opened.
__attribute__((target("sha,sse4.1,ssse3"))) static void
processBlocksWithShaInstructions(uint32_t state[8], const uint8_t *data,
                                 uint64_t blocks) {
  const __m128i swap =
      _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
  __m128i dcba = _mm_loadu_si128(reinterpret_cast<__m128i *>(state));
  __m128i hgfe = _mm_loadu_si128(reinterpret_cast<__m128i *>(state + 4));
  // The instructions want the halves as ABEF and CDGH.
  __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1);
  __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1B);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
  for (; blocks > 0; --blocks, data += 64) {
    __m128i savedAbef = abef, savedCdgh = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; ++i)
      w[i] = _mm_shuffle_epi8(
          _mm_loadu_si128(reinterpret_cast<const __m128i *>(data) + i), swap);
    for (int group = 0; group < 16; ++group) {
      __m128i current = w[group & 3];
      __m128i sum = _mm_add_epi32(
          current, _mm_loadu_si128(reinterpret_cast<const __m128i *>(
                       roundConstants + 4 * group)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
      // w[group & 3] becomes the four words needed 16 rounds later.
      __m128i next1 = w[(group + 1) & 3], next2 = w[(group + 2) & 3],
              next3 = w[(group + 3) & 3];
      __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(current, next1),
                                _mm_alignr_epi8(next3, next2, 4));
      w[group & 3] = _mm_sha256msg2_epu32(t, next3);
    }
    abef = _mm_add_epi32(abef, savedAbef);
    cdgh = _mm_add_epi32(cdgh, savedCdgh);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state),
                   _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state + 4),
                   _mm_alignr_epi8(dchg, feba, 8));
}
#endif

Sha256::Sha256(bool allowInstructions)
    : process(processBlocks),
      state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {
#if defined(__x86_64__)
  // Asked once: in a virtual machine, CPUID costs as much as hashing 100 KB.
  static const bool hasInstructions =
      hasCpuFeature("sha") && hasCpuFeature("sse4.1");
  if (allowInstructions && hasInstructions)
    process = processBlocksWithShaInstructions;
#endif
}

void Sha256::update(const void *data, uint64_t size) {
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  uint64_t held = total % 64;
  total += size;
  if (held > 0) {
    uint64_t taken = std::min<uint64_t>(size, 64 - held);
    if (taken > 0)
      memcpy(rest + held, bytes, taken);
    bytes += taken;
    size -= taken;
    if (held + taken < 64)
      return;
    process(state, rest, 1);
  }
  process(state, bytes, size / 64);
  if (size % 64 > 0)
    memcpy(rest, bytes + size / 64 * 64, size % 64);
}

std::string Sha256::finish() {
  uint64_t held = total % 64, bits = total * 8;
  uint8_t tail[128] = {0};
  memcpy(tail, rest, held);
  tail[held] = 0x80;
  uint64_t blocks = held < 56 ? 1 : 2;
  for (int i = 0; i < 8; ++i)
    tail[64 * blocks - 1 - i] = static_cast<uint8_t>(bits >> (8 * i));
  process(state, tail, blocks);

  std::string digits;
  for (uint32_t word : state)
    for (int shift = 28; shift >= 0; shift -= 4)
      digits += "0123456789abcdef"[word >> shift & 15];
  return digits;
}

std::string trine::runtime::computeSha256(const void *data, uint64_t size) {
  Sha256 hash;
  hash.update(data, size);
  return hash.finish();
}
