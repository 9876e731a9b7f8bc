// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Crc32c.h"
#include "core/CpuFeatures.h"
#include <array>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace trine::runtime;

static std::array<uint32_t, 256> makeTable() {
  std::array<uint32_t, 256> table;
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ (value & 1 ? 0x82f63b78 : 0);
    table[i] = value;
  }
  return table;
}

uint32_t engram::computeCrc32cPortably(uint32_t crc, const void *data,
                                       uint64_t size) {
  static const std::array<uint32_t, 256> table = makeTable();
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  crc = ~crc;
  for (uint64_t i = 0; i < size; ++i)
    crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
computeWithInstruction(uint32_t crc, const void *data, uint64_t size) {
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  uint64_t value = ~crc;
  for (; size >= 8; size -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    value = _mm_crc32_u64(value, word);
  }
  uint32_t rest = static_cast<uint32_t>(value);
  for (; size > 0; --size)
    rest = _mm_crc32_u8(rest, *bytes++);
  return ~rest;
}
#endif

uint32_t engram::computeCrc32c(uint32_t crc, const void *data, uint64_t size) {
#if defined(__x86_64__)
  static const bool hasInstruction = hasCpuFeature("sse4.2");
  if (hasInstruction)
    return computeWithInstruction(crc, data, size);
#endif
  return computeCrc32cPortably(crc, data, size);
}
