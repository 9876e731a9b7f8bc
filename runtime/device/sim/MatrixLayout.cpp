// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixLayout.h"
#include <cstring>

using namespace trine::sim;

void trine::sim::loadMatrices(unsigned count, bool transpose,
                              const uint8_t (*rows)[16],
                              uint32_t *const *registers) {
  for (unsigned matrix = 0; matrix < count; ++matrix) {
    uint16_t elements[8][8];
    std::memcpy(elements, rows[8 * matrix], sizeof(elements));
    for (unsigned lane = 0; lane < lanesPerWarp; ++lane) {
      unsigned group = lane >> 2, pair = 2 * (lane & 3);
      uint32_t low = transpose ? elements[pair][group] : elements[group][pair];
      uint32_t high =
          transpose ? elements[pair + 1][group] : elements[group][pair + 1];
      registers[matrix][lane] = low | high << 16;
    }
  }
}

void trine::sim::storeMatrices(unsigned count, bool transpose,
                               const uint32_t *const *registers,
                               uint8_t (*rows)[16]) {
  for (unsigned matrix = 0; matrix < count; ++matrix) {
    uint16_t elements[8][8];
    for (unsigned lane = 0; lane < lanesPerWarp; ++lane) {
      unsigned group = lane >> 2, pair = 2 * (lane & 3);
      uint32_t value = registers[matrix][lane];
      (transpose ? elements[pair][group] : elements[group][pair]) =
          static_cast<uint16_t>(value);
      (transpose ? elements[pair + 1][group] : elements[group][pair + 1]) =
          static_cast<uint16_t>(value >> 16);
    }
    std::memcpy(rows[8 * matrix], elements, sizeof(elements));
  }
}

void trine::sim::transposeMatrix(const uint32_t *source, uint32_t *result) {
  uint8_t rows[8][16];
  storeMatrices(1, false, &source, rows);
  loadMatrices(1, true, rows, &result);
}
