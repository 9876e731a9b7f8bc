// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// trine.moe.group: sorts token slots by expert, stably. Workgroup e counts the
/// slots of lower experts, and places its own behind them in slot order: no
/// atomics, no scratch, one launch.
#ifndef TRINE_RUNTIME_KERNELS_GROUP_H
#define TRINE_RUNTIME_KERNELS_GROUP_H

#include "Functions.h"
#include "PTX.h"

namespace trine::kernels {

struct GroupArguments {
  const Index *ids = nullptr; ///< [slots]
  Index *order = nullptr;     ///< [slots]
  Index *offsets = nullptr;   ///< [experts + 1]
  Index *inverse = nullptr;   ///< [slots] or null: order[inverse[s]] = s
  Index slots = 0, experts = 0;
};

/// Slots whose id is no expert are behind all others; offsets[experts] is where
/// they begin.
inline void group(const GroupArguments &arguments) {
  constexpr int warps = groupThreads / 32;
  __shared__ u32 counts[2][warps];
  const int thread = threadIdx.x, lane = laneIndex(), warp = warpIndex();
  const Index own = blockIdx.x;
  auto key = [&](Index slot) {
    const Index id = arguments.ids[slot];
    return id >= 0 && id < arguments.experts ? id : arguments.experts;
  };
  Index below = 0;
  for (Index slot = thread; slot < arguments.slots; slot += groupThreads)
    below += key(slot) < own;
  __shared__ Index sums[warps];
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    below += __shfl_xor_sync(0xFFFFFFFFu, below, distance);
  if (lane == 0)
    sums[warp] = below;
  __syncthreads();
  Index position = 0;
  for (int w = 0; w < warps; ++w)
    position += sums[w];
  if (thread == 0)
    arguments.offsets[own] = position;

  // Two halves of `counts` in turns: one barrier for each step is enough.
  int half = 0;
  for (Index base = 0; base < arguments.slots; base += groupThreads) {
    const Index slot = base + thread;
    const bool mine = slot < arguments.slots && key(slot) == own;
    const u32 voters = __ballot_sync(0xFFFFFFFFu, mine);
    if (lane == 0)
      counts[half][warp] = __popc(voters);
    __syncthreads();
    u32 before = 0, all = 0;
#pragma unroll
    for (int w = 0; w < warps; ++w) {
      before += w < warp ? counts[half][w] : 0;
      all += counts[half][w];
    }
    if (mine) {
      const Index at = position + before + __popc(voters & ((1u << lane) - 1));
      arguments.order[at] = slot;
      if (arguments.inverse)
        arguments.inverse[slot] = at;
    }
    position += all;
    half ^= 1;
  }
}

} // namespace trine::kernels

#endif
