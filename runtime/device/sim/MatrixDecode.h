// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Decoding of matrix elements, inlined into the loops that gather tiles.
#ifndef TRINE_RUNTIME_DEVICE_SIM_MATRIXDECODE_H
#define TRINE_RUNTIME_DEVICE_SIM_MATRIXDECODE_H

#include "FloatFormat.h"
#include "MatrixTypes.h"

namespace trine::sim {

/// 256 floats, by the bits of an E4M3 or E5M2 number.
const float *getByteTable(MatrixType type);

/// Calls function(decode, elements of a register): decode takes a word with the
/// element in its low bits, and is inlined.
template <typename Function>
inline void withDecoder(MatrixType type, Function function) {
  switch (type) {
  case MatrixType::F16:
    return function([](uint32_t bits) { return floatFromHalf(bits); });
  case MatrixType::BF16:
    return function([](uint32_t bits) { return floatFromBits(bits << 16); });
  case MatrixType::TF32:
    return function(
        [](uint32_t bits) { return floatFromBits(bits & ~0x1FFFu); });
  case MatrixType::S8:
    return function([](uint32_t bits) {
      return static_cast<float>(static_cast<int8_t>(bits));
    });
  case MatrixType::U8:
    return function([](uint32_t bits) {
      return static_cast<float>(static_cast<uint8_t>(bits));
    });
  case MatrixType::E4M3:
  case MatrixType::E5M2: {
    const float *table = getByteTable(type);
    return function([table](uint32_t bits) { return table[bits & 0xFF]; });
  }
  default:
    return function([](uint32_t bits) { return floatFromBits(bits); });
  }
}

} // namespace trine::sim

#endif
