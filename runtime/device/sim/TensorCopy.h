// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What a tensor copy (cp{.reduce}.async.bulk.tensor, tile mode) reads and
/// writes, as a list: the caller moves the bytes, checks and times them.
/// Source: PTX ISA, "Tensors: Tiled Mode" and "Swizzling Modes".
#ifndef TRINE_RUNTIME_DEVICE_SIM_TENSORCOPY_H
#define TRINE_RUNTIME_DEVICE_SIM_TENSORCOPY_H

#include "TensorMap.h"
#include <vector>

namespace trine::sim {

enum class TensorDirection : uint8_t { Load, Store, Reduce };

/// Consecutive bytes in global and in shared memory, whole elements. Never
/// across the 16-byte chunks that a swizzle permutes.
struct TensorPiece {
  uint64_t globalAddress = 0; ///< not used by a fill
  uint32_t sharedAddress = 0;
  uint32_t bytes = 0;
  /// Outside of the tensor: a load writes the fill value. Stores have no such
  /// pieces.
  bool fill = false;
};

struct TensorCopyPlan {
  std::vector<TensorPiece> pieces;
  /// Bytes of the whole box, filled ones included: what complete_tx counts.
  uint32_t boxBytes = 0;
  uint8_t elementBytes = 0;
  /// One element of the fill value, in its low bytes.
  uint64_t fillValue = 0;
};

/// Elements of the box per dimension: ceil(box / element stride).
void getBoxExtents(const TensorMap &map, uint32_t (&extents)[maxTensorRank]);

/// Coordinates are those of the instruction, dimension 0 first. The shared
/// address is in the CTA's shared window. False with `error` when the map is
/// not valid or the shared address not aligned: to 128 bytes, and to the
/// swizzle's period (256, 512, 1024 bytes).
bool planTensorCopy(const TensorMap &map, TensorDirection direction,
                    const int32_t *coordinates, uint32_t sharedAddress,
                    TensorCopyPlan &plan, std::string &error);

/// Loads change the bits of some element types: F32Flush flushes subnormals,
/// TF32 rounds to nearest even on 10 bits of fraction (infinities and NaN
/// stay).
bool hasLoadTransform(TensorElement element);
uint32_t transformLoaded(TensorElement element, uint32_t bits);

/// .add .min .max .inc .dec .and .or .xor of cp.reduce.async.bulk{.tensor}.
enum class TensorReduction : uint8_t { Add, Min, Max, Inc, Dec, And, Or, Xor };

/// Whether the ISA has the pair: add for all integers but none of 8 bits, f16,
/// bf16, f32, f64; min and max for integers, f16 and bf16; inc and dec for u32;
/// the bitwise ones for 32 and 64 bits.
bool hasReduction(TensorReduction reduction, TensorElement element);
/// The new value of one element in memory: old op operand. F16, BF16 and F32
/// keep subnormals (.noftz), F32Flush does not.
uint64_t reduceElement(TensorReduction reduction, TensorElement element,
                       uint64_t old, uint64_t operand);

} // namespace trine::sim

#endif
