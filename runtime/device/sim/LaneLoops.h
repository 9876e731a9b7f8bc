// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loops over the 32 lanes of a warp.
#ifndef TRINE_SIM_LANELOOPS_H
#define TRINE_SIM_LANELOOPS_H

#include "Warp.h"

// A result may be one of the operands: then the same lane of it, so lanes do
// not depend on each other.
#if defined(__clang__)
#define LANE_LOOP                                                              \
  _Pragma("clang loop vectorize(assume_safety) interleave(disable)")
#elif defined(__GNUC__)
#define LANE_LOOP _Pragma("GCC ivdep")
#else
#define LANE_LOOP
#endif

// Inlined always: a copy shared by the parts compiled for different hosts could
// hold instructions that this one lacks.
#define LANE_INLINE inline __attribute__((always_inline))

namespace trine::sim {

/// d[l] = value(l) for the lanes of the mask.
template <typename T, typename Value>
LANE_INLINE void forLanes(Warp &warp, Reference to, Value value) {
  T *d = warp.out<T>(to);
  uint32_t mask = warp.mask;
  if (mask == ~0u) {
    LANE_LOOP
    for (unsigned l = 0; l < 32; ++l)
      d[l] = value(l);
    return;
  }
  T made[32];
  LANE_LOOP
  for (unsigned l = 0; l < 32; ++l)
    made[l] = value(l);
  for (uint32_t left = mask; left; left &= left - 1) {
    unsigned l = unsigned(__builtin_ctz(left));
    d[l] = made[l];
  }
}

template <typename Function>
LANE_INLINE void forActiveLanes(const Warp &warp, Function function) {
  for (uint32_t left = warp.mask; left; left &= left - 1)
    function(unsigned(__builtin_ctz(left)));
}

/// Bit l of the result is bytes[l] (0 or 1).
LANE_INLINE uint32_t packBits(const uint8_t *bytes) {
  uint32_t bits = 0;
  for (unsigned n = 0; n < 4; ++n) {
    uint64_t eight;
    std::memcpy(&eight, bytes + 8 * n, 8);
    // Each byte's bit moves to the top byte, lane order kept.
    bits |= uint32_t((eight * 0x0102040810204080ull) >> 56) << 8 * n;
  }
  return bits;
}

LANE_INLINE float flushed(uint32_t bits) {
  bits = (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

} // namespace trine::sim

#endif
