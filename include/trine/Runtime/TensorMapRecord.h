// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What a device makes the tensor maps of a launch from: the compiler writes
/// these records into the manifest, devices read them. See "Tensor maps" in
/// runtime/kernels/README.md.
#ifndef TRINE_RUNTIME_TENSORMAPRECORD_H
#define TRINE_RUNTIME_TENSORMAPRECORD_H

#include <cstdint>
#include <vector>

namespace trine::runtime {

/// A number times words of the launch (by their numbers).
struct WordProduct {
  int64_t factor = 1;
  std::vector<uint32_t> words;
};

enum class MapElement : uint8_t { F16, BF16 };
/// Bytes of an element, of both types.
constexpr int64_t mapElementBytes = 2;
/// Dimensions that a map may have.
constexpr unsigned leastMapRank = 2, mostMapRank = 5;
/// Words of a launch.
constexpr uint32_t mostLaunchWords = 256;
/// Rows of a box.
constexpr uint32_t mostMapBox = 256;
/// Coordinates are signed 32-bit numbers.
constexpr int64_t mostMapSize = INT32_MAX;
/// Bytes between neighbours, and what they and the address are multiples of.
constexpr int64_t mostMapStride = (int64_t(1) << 40) - 1;
constexpr int64_t mapAlignment = 16;

/// One map: 128-byte swizzle, zeros outside, 256-byte promotion.
struct TensorMapRecord {
  MapElement element = MapElement::BF16;
  /// The word that is the address of the tensor, and bytes from there to the
  /// first element.
  uint32_t word = 0;
  WordProduct offset = {0, {}};
  /// Elements, innermost dimension first.
  std::vector<WordProduct> sizes;
  /// Bytes between neighbours of dimension 1 and so on: one less than sizes.
  std::vector<WordProduct> strides;
  /// As many as sizes; the first is 64, the width of the swizzle.
  std::vector<uint32_t> box;
};

} // namespace trine::runtime

#endif
