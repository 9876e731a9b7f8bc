// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The box of a tensor copy by its definition.
#ifndef TRINE_TEST_UNIT_SIM_TENSORREFERENCE_H
#define TRINE_TEST_UNIT_SIM_TENSORREFERENCE_H

#include "device/sim/TensorMap.h"
#include <cmath>
#include <map>

/// Where a byte of shared memory comes from: an address, or the fill.
struct Source {
  bool fill;
  uint64_t address;
  bool operator==(const Source &other) const {
    return fill == other.fill && (fill || address == other.address);
  }
};

/// The definition, element by element: tensor coordinate = start + index ·
/// stride; the box is packed with dimension 0 innermost; the 16-byte chunk of a
/// row of 128 bytes is exclusive-ored with the row's number (of the whole of
/// shared memory).
inline std::map<uint32_t, Source> describeBox(const trine::sim::TensorMap &map,
                                              const int32_t *coordinates,
                                              uint32_t shared) {
  std::map<uint32_t, Source> bytes;
  unsigned elementBytes = trine::sim::getElementBytes(map.element);
  uint32_t counts[5];
  for (unsigned i = 0; i < 5; ++i) {
    unsigned stride = i == 0 ? 1 : map.elementStride[i];
    counts[i] =
        i < map.rank ? unsigned(std::ceil(double(map.boxDim[i]) / stride)) : 1;
  }
  uint32_t linear = 0;
  for (uint32_t e = 0; e < counts[4]; ++e)
    for (uint32_t d = 0; d < counts[3]; ++d)
      for (uint32_t c = 0; c < counts[2]; ++c)
        for (uint32_t b = 0; b < counts[1]; ++b)
          for (uint32_t a = 0; a < counts[0]; ++a) {
            const uint32_t index[] = {a, b, c, d, e};
            bool inside = true;
            uint64_t address = map.globalAddress;
            for (unsigned i = 0; i < map.rank; ++i) {
              int64_t at = coordinates[i] +
                           int64_t(index[i]) * (i ? map.elementStride[i] : 1);
              inside &= at >= 0 && at < int64_t(map.globalDim[i]);
              address += at * int64_t(i ? map.globalStride[i - 1]
                                        : uint64_t(elementBytes));
            }
            for (unsigned i = 0; i < elementBytes; ++i, ++linear) {
              uint32_t at = shared + linear, row = at / 128,
                       chunk = at / 16 % 8;
              const unsigned masks[] = {0, 1, 3, 7};
              chunk ^= row & masks[map.swizzle];
              bytes[row * 128 + chunk * 16 + at % 16] = {!inside, address + i};
            }
          }
  return bytes;
}

#endif
