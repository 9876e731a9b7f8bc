// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The swizzle of shared memory that tensor copies and wgmma share.
#ifndef TRINE_RUNTIME_DEVICE_SIM_TENSORSWIZZLE_H
#define TRINE_RUNTIME_DEVICE_SIM_TENSORSWIZZLE_H

#include <cstdint>

namespace trine::sim {

/// Numbers as in CUtensorMapSwizzle.
enum class Swizzle : uint8_t {
  None = 0,
  Bytes32 = 1,
  Bytes64 = 2,
  Bytes128 = 3
};

/// Chunks of 16 bytes in one row of the pattern: 1, 2, 4 or 8.
inline unsigned getSwizzleWidth(Swizzle swizzle) {
  return 1u << static_cast<unsigned>(swizzle);
}

/// Bits 4.. of a shared address are exclusive-ored with bits 7.. of it.
inline uint32_t applySwizzle(Swizzle swizzle, uint32_t address) {
  return address ^ (((address >> 7) & (getSwizzleWidth(swizzle) - 1)) << 4);
}

} // namespace trine::sim

#endif
