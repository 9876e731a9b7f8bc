// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The main loop of 16-bit products on sm_90a. One warpgroup loads a ring of
/// tiles, by tensor copies or (odd pitches, gathered rows, prologues) by its
/// threads; each other warpgroup multiplies 64 rows by wgmma. mbarriers say
/// which tiles are full and which are empty.
#ifndef TRINE_RUNTIME_KERNELS_GEMMWGMMA_H
#define TRINE_RUNTIME_KERNELS_GEMMWGMMA_H

#include "GemmArguments.h"
#include "Wgmma.h"

namespace trine::kernels {

template <GemmConfiguration C>
struct WgmmaShape {
  static constexpr int consumers = C.tileM / 64 * 128;
  static constexpr int tileBytesA = C.tileM * boxRowBytes;
  static constexpr int stageBytes = (C.tileM + C.tileN) * boxRowBytes;
  static constexpr bool mapsA = C.loadA == Load::TensorMap;
  static constexpr bool mapsB = C.loadB == Load::TensorMap;
  static constexpr bool anyMap = mapsA || mapsB, anyThreads = !(mapsA && mapsB);
  /// A step is published when its copies have landed, this many steps later. A
  /// stage is freed one step after its use: the two together must leave one
  /// stage to fill.
  static constexpr bool copies =
      C.loadA == Load::Vector || C.loadB == Load::Vector;
  static constexpr int lag = copies ? C.stages - 2 : 0;
};

/// The part of the loading warpgroup. `copyA(tile, step, barrier)` and `copyB`
/// start tensor copies, called by one thread; `fillA(tile, step, thread)` and
/// `fillB` are called by all 128.
template <GemmConfiguration C, class CopyA, class CopyB, class FillA,
          class FillB>
void produceTiles(u32 shared, u32 full, u32 empty, Index steps, CopyA copyA,
                  CopyB copyB, FillA fillA, FillB fillB) {
  using Shape = WgmmaShape<C>;
  const int thread = threadIdx.x % 128;
  if (!Shape::anyThreads && thread != 0)
    return;
  // Of step `step`: this thread's copies have landed and wgmma may see them.
  auto publish = [&](Index step) {
    fenceAsyncProxy();
    barrierArrive(full + 8 * static_cast<int>(step % C.stages));
  };
#pragma unroll 1
  for (Index step = 0; step < steps; ++step) {
    const int stage = static_cast<int>(step % C.stages);
    const u32 tile = shared + stage * Shape::stageBytes;
    barrierWait(empty + 8 * stage, static_cast<int>(step / C.stages & 1) ^ 1);
    if (Shape::anyMap && thread == 0) {
      const u32 barrier = full + 8 * stage;
      barrierArriveExpect(barrier,
                          (Shape::mapsA ? C.tileM * boxRowBytes : 0) +
                              (Shape::mapsB ? C.tileN * boxRowBytes : 0));
      if constexpr (Shape::mapsA)
        copyA(tile, step, barrier);
      if constexpr (Shape::mapsB)
        copyB(tile + Shape::tileBytesA, step, barrier);
    }
    if constexpr (Shape::anyThreads) {
      if constexpr (!Shape::mapsA)
        fillA(tile, step, thread);
      if constexpr (!Shape::mapsB)
        fillB(tile + Shape::tileBytesA, step, thread);
      if constexpr (Shape::copies) {
        copyAsyncCommit();
        copyAsyncWait<Shape::lag>();
      }
      if (step >= Shape::lag)
        publish(step - Shape::lag);
    }
  }
  if constexpr (Shape::anyThreads && Shape::lag > 0) {
    copyAsyncWait<0>();
#pragma unroll
    for (int behind = Shape::lag; behind > 0; --behind)
      if (steps >= behind)
        publish(steps - behind);
  }
}

/// The part of a multiplying warpgroup: 64 rows of the tile.
template <GemmConfiguration C, class T>
void consumeTiles(float (&sums)[C.tileN / 2], u32 shared, u32 full, u32 empty,
                  Index steps) {
  using Shape = WgmmaShape<C>;
  const int group = warpIndex() / 4;
  auto release = [&](Index step) {
    // The wait was for all of the warp.
    if (laneIndex() == 0)
      barrierArrive(empty + 8 * static_cast<int>(step % C.stages));
  };
#pragma unroll 1
  for (Index step = 0; step < steps; ++step) {
    const int stage = static_cast<int>(step % C.stages);
    const u32 tileA =
        shared + stage * Shape::stageBytes + group * (64 * boxRowBytes);
    const u32 tileB = shared + stage * Shape::stageBytes + Shape::tileBytesA;
    barrierWait(full + 8 * stage, static_cast<int>(step / C.stages & 1));
    wgmmaFence();
#pragma unroll
    for (int k = 0; k < 64; k += 16) {
      if constexpr (C.layoutB == WeightLayout::RowMajor)
        wgmmaShared<T, C.tileN, true>(sums, describeRows(tileA, k),
                                      describeColumns<64>(tileB, k),
                                      step > 0 || k > 0);
      else
        wgmmaShared<T, C.tileN, false>(sums, describeRows(tileA, k),
                                       describeRows(tileB, k),
                                       step > 0 || k > 0);
    }
    wgmmaCommit();
    // The step before is done: its tiles may be filled again.
    wgmmaWait<1>();
    if (step > 0)
      release(step - 1);
  }
  wgmmaWait<0>();
  pinRegisters(sums);
}

} // namespace trine::kernels

#endif
