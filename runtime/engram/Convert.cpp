// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Convert.h"
#include "ConvertVectors.h"
#include "Format.h"
#include "core/CpuFeatures.h"
#include <array>
#include <cmath>
#include <cstring>

using namespace trine::runtime;
using namespace trine::runtime::engram;

static uint32_t toBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

static float toFloat(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

uint16_t engram::roundToBf16(float value) {
  uint32_t bits = toBits(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 0x40); // quiet
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t engram::roundToF16(float value) {
  uint32_t bits = toBits(value), sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) // rounds to 2^16 or beyond
    return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x38800000) {
    // Below 2^-14: adding 1/2 leaves the digits of 2^-24 at the end, rounded.
    return static_cast<uint16_t>(
        sign | (toBits(toFloat(magnitude) + 0.5f) - toBits(0.5f)));
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | (magnitude - 0x38000000) >> 13);
}

float engram::widenF16(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00) // NaNs become quiet, as in hardware
    return toFloat(sign | 0x7f800000 | (magnitude & 0x3ff) << 13 |
                   (magnitude > 0x7c00 ? 0x400000 : 0));
  if (magnitude < 0x400)
    return toFloat(sign | toBits(static_cast<float>(magnitude) * 0x1p-24f));
  return toFloat(sign | (magnitude << 13) + 0x38000000);
}

float engram::widenE4m3(uint8_t bits) {
  uint32_t sign = uint32_t(bits & 0x80) << 24, magnitude = bits & 0x7f;
  if (magnitude == 0x7f)
    return toFloat(sign | 0x7fc00000);
  if (magnitude < 8)
    return toFloat(sign | toBits(static_cast<float>(magnitude) * 0x1p-9f));
  return toFloat(sign | (magnitude << 20) + (uint32_t(120) << 23));
}

float engram::getScale(uint8_t byte) {
  if (byte == 255)
    return toFloat(0x7fc00000);
  return toFloat(byte == 0 ? 0x400000 : uint32_t(byte) << 23);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

static float loadF32(const uint8_t *values, uint64_t i) {
  float value;
  memcpy(&value, values + 4 * i, 4);
  return value;
}
static uint16_t load16(const uint8_t *values, uint64_t i) {
  uint16_t bits;
  memcpy(&bits, values + 2 * i, 2);
  return bits;
}

template <int32_t From>
static float load(const uint8_t *values, const uint8_t *scales, uint64_t i) {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> floats;
    for (int byte = 0; byte < 256; ++byte)
      floats[byte] = widenE4m3(static_cast<uint8_t>(byte));
    return floats;
  }();
  if constexpr (From == TRINE_ENGRAM_F32)
    return loadF32(values, i);
  else if constexpr (From == TRINE_ENGRAM_F16)
    return widenF16(load16(values, i));
  else if constexpr (From == TRINE_ENGRAM_BF16)
    return toFloat(uint32_t(load16(values, i)) << 16);
  else
    // Exact: 4 digits, and no smaller than 2^-136; or infinite, as rounded.
    return table[values[i]] * getScale(scales[i / kScaledValues]);
}

template <int32_t From, int32_t To>
static void convert(const uint8_t *values, const uint8_t *scales,
                    uint64_t width, void *destination) {
  if constexpr (From == To) {
    memcpy(destination, values, width * (From == TRINE_ENGRAM_F32 ? 4 : 2));
  } else if constexpr (To == TRINE_ENGRAM_F32) {
    float *target = static_cast<float *>(destination);
    for (uint64_t i = 0; i < width; ++i)
      target[i] = load<From>(values, scales, i);
  } else {
    uint16_t *target = static_cast<uint16_t *>(destination);
    for (uint64_t i = 0; i < width; ++i) {
      float value = load<From>(values, scales, i);
      target[i] =
          To == TRINE_ENGRAM_BF16 ? roundToBf16(value) : roundToF16(value);
    }
  }
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

ConvertFunction engram::getConversion(trine_engram_type from,
                                      trine_engram_type to, Instructions most) {
#if defined(__x86_64__)
  // Asked once: in a virtual machine, CPUID costs as much as hundreds of rows.
  static const bool hasVectors = hasCpuFeature("avx2") && hasCpuFeature("f16c");
  static const bool hasBytes =
      hasVectors && hasCpuFeature("avx512f") && hasCpuFeature("avx512bw") &&
      hasCpuFeature("avx512vl") && hasCpuFeature("avx512vbmi");
  if (most == Instructions::AVX512 && hasBytes)
    if (ConvertFunction function = getAvx512Conversion(from, to))
      return function;
  if (most != Instructions::Portable && hasVectors)
    if (ConvertFunction function = getAvx2Conversion(from, to))
      return function;
#endif
  switch (from) {
  case TRINE_ENGRAM_F32:
    return getConversionFrom<TRINE_ENGRAM_F32>(to);
  case TRINE_ENGRAM_F16:
    return getConversionFrom<TRINE_ENGRAM_F16>(to);
  case TRINE_ENGRAM_BF16:
    return getConversionFrom<TRINE_ENGRAM_BF16>(to);
  case TRINE_ENGRAM_E4M3:
    return getConversionFrom<TRINE_ENGRAM_E4M3>(to);
  }
  return nullptr;
}
