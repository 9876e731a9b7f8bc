// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensor maps as the device reads them, and tensormap.replace. Source: PTX
/// ISA, "Tensors" and "tensormap.replace".
#ifndef TRINE_RUNTIME_DEVICE_SIM_TENSORMAP_H
#define TRINE_RUNTIME_DEVICE_SIM_TENSORMAP_H

#include "TensorSwizzle.h"
#include "trine/Runtime/PTXTensorMap.h"

namespace trine::sim {

/// Bytes of one element: 1, 2, 4 or 8.
unsigned getElementBytes(TensorElement element);
bool isFloatElement(TensorElement element);

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
