// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Conversion of rows on delivery, rounding once, to nearest even.
#ifndef TRINE_RUNTIME_ENGRAM_CONVERT_H
#define TRINE_RUNTIME_ENGRAM_CONVERT_H

#include "trine/Runtime/engram.h"
#include <cstdint>

namespace trine::runtime::engram {

/// Writes `width` values of another type. `scales` is for E4M3 alone: 2^(byte -
/// 127) for each 32 values.
using ConvertFunction = void (*)(const uint8_t *values, const uint8_t *scales,
                                 uint64_t width, void *destination);

/// What a conversion may be made of, if this CPU has it.
enum class Instructions { Portable, AVX2, AVX512 };

/// How rows of type `from` become `to` (F32, F16 or BF16); NULL when there is
/// no such conversion.
ConvertFunction getConversion(trine_engram_type from, trine_engram_type to,
                              Instructions most = Instructions::AVX512);

/// One value each, as bits.
uint16_t roundToBf16(float value);
uint16_t roundToF16(float value);
float widenF16(uint16_t bits);
float widenE4m3(uint8_t bits);
/// 2^(byte - 127); NaN for 255.
float getScale(uint8_t byte);

} // namespace trine::runtime::engram

#endif
