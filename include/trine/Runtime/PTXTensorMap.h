// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensor maps for the simulated PTX device: the fields that
/// cuTensorMapEncodeTiled takes, and the device's own 128-byte encoding of
/// them, which a kernel gets as a parameter in place of a CUtensorMap. Source:
/// cuda.h of CUDA 13.0.
#ifndef TRINE_RUNTIME_PTXTENSORMAP_H
#define TRINE_RUNTIME_PTXTENSORMAP_H

#include <cstdint>
#include <string>

namespace trine::sim {

/// Numbers as in CUtensorMapDataType (and .elemtype of tensormap.replace).
enum class TensorElement : uint8_t {
  U8,
  U16,
  U32,
  S32,
  U64,
  S64,
  F16,
  F32,
  F64,
  BF16,
  F32Flush,
  TF32,
  TF32Flush
};

constexpr unsigned maxTensorRank = 5;
constexpr unsigned tensorMapBytes = 128;

struct TensorMap {
  TensorElement element = TensorElement::U8;
  uint8_t rank = 1;
  uint64_t globalAddress = 0;
  /// Elements per dimension, dimension 0 innermost.
  uint64_t globalDim[maxTensorRank] = {1, 1, 1, 1, 1};
  /// Bytes between neighbours of dimension i + 1; dimension 0 is dense.
  uint64_t globalStride[maxTensorRank - 1] = {};
  uint32_t boxDim[maxTensorRank] = {1, 1, 1, 1, 1};
  uint32_t elementStride[maxTensorRank] = {1, 1, 1, 1, 1};
  /// CUtensorMapInterleave; 0 (none) is the one supported.
  uint8_t interleave = 0;
  /// CUtensorMapSwizzle; 0 to 3 are supported.
  uint8_t swizzle = 0;
  /// CUtensorMapL2promotion: no effect.
  uint8_t promotion = 0;
  /// CUtensorMapFloatOOBfill: 0 zeros, 1 NaN.
  uint8_t fill = 0;
};

/// Checks every rule of the CUDA driver and the simulator's limits. All that is
/// wrong is in `error`, joined by "; ".
bool checkTensorMap(const TensorMap &map, std::string &error);

/// Writes the encoding, little-endian:
///     0  "TRTM", and at 4 the version, 1
///     5  element, at 6 rank - 1
///     7  interleave | swizzle << 2 | promotion << 5 | fill << 7
///     8  globalAddress, 8 bytes
///    16  globalDim - 1, 5 times 4 bytes
///    36  boxDim, 5 times 2 bytes
///    46  elementStride, 5 times 1 byte
///    51  globalStride >> 4, 4 times 5 bytes; zeros from 71 on
///   120  a hash of all before: it shows a map that something else wrote into
void encodeTensorMap(const TensorMap &map, uint8_t (&bytes)[tensorMapBytes]);

} // namespace trine::sim

#endif
