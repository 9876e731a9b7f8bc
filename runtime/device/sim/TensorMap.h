// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensor maps: the fields that cuTensorMapEncodeTiled takes, the simulator's
/// own 128-byte encoding of them, and tensormap.replace. Source: cuda.h of
/// CUDA 13.0 (parameter rules) and PTX ISA, "Tensors" and "tensormap.replace".
#ifndef TRINE_RUNTIME_DEVICE_SIM_TENSORMAP_H
#define TRINE_RUNTIME_DEVICE_SIM_TENSORMAP_H

#include "TensorSwizzle.h"
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

/// Bytes of one element: 1, 2, 4 or 8.
unsigned getElementBytes(TensorElement element);
bool isFloatElement(TensorElement element);

/// Checks every rule of the CUDA driver and the simulator's limits. All that is
/// wrong is in `error`, joined by "; ".
bool checkTensorMap(const TensorMap &map, std::string &error);

/// The encoding, little-endian: 0 "TRTM", 4 version 1, 5 element, 6 rank - 1,
/// 7 interleave | swizzle << 2 | promotion << 5 | fill << 7, 8 address (8
/// bytes), 16 dimensions - 1 (5 × 4), 36 boxes (5 × 2), 46 element strides (5 ×
/// 1), 51 strides >> 4 (4 × 5), 72 zeros to 120, 120 a hash of the first 120
/// bytes, which shows a map that was changed by anything but the functions
/// here.
void encodeTensorMap(const TensorMap &map, uint8_t (&bytes)[tensorMapBytes]);
/// False with `error` when the bytes are no tensor map. The fields are not
/// checked.
bool decodeTensorMap(const uint8_t *bytes, TensorMap &map, std::string &error);

/// The fields of tensormap.replace.tile.
enum class TensorMapField : uint8_t {
  GlobalAddress,
  Rank, ///< takes rank − 1
  BoxDim,
  GlobalDim,
  GlobalStride,
  ElementStride,
  ElementType,
  InterleaveLayout,
  SwizzleMode,
  FillMode
};

/// Replaces one field of an encoded map; `ordinal` is the dimension, for those
/// fields that have one (of GlobalStride: 0 for dimension 1).
bool replaceTensorMapField(uint8_t *bytes, TensorMapField field,
                           unsigned ordinal, uint64_t value,
                           std::string &error);

} // namespace trine::sim

#endif
