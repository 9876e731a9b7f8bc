// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The main loop of 16-bit products on sm_80: cp.async into a ring of tiles,
/// ldmatrix and mma.sync. The same threads load and multiply.
#ifndef TRINE_RUNTIME_KERNELS_GEMMMMA_H
#define TRINE_RUNTIME_KERNELS_GEMMMMA_H

#include "GemmArguments.h"

namespace trine::kernels {

/// Sums of a warp: warpM by 32 results as mma fragments of 16 by 8.
template <GemmConfiguration C>
struct MmaShape {
  static constexpr int warpM = C.tileM / gemmWarpsM(C), warpN = 32;
  static constexpr int fragmentsM = warpM / 16, fragmentsN = warpN / 8;
  static constexpr int tileBytesA = C.tileM * boxRowBytes;
  static constexpr int stageBytes = (C.tileM + C.tileN) * boxRowBytes;
};

/// `fillA(tile, step)` and `fillB(tile, step)` put a tile of 64 k into shared
/// memory, by cp.async (not committed) or at once.
template <GemmConfiguration C, class T, class FillA, class FillB>
void multiplyMma(
    float (&sums)[MmaShape<C>::fragmentsM][MmaShape<C>::fragmentsN][4],
    u32 shared, Index steps, FillA fillA, FillB fillB) {
  using Shape = MmaShape<C>;
  constexpr bool copies = C.loadA == Load::Vector || C.loadB == Load::Vector;
  const int warp = warpIndex();
  const int warpRow = warp % gemmWarpsM(C) * Shape::warpM;
  const int warpColumn = warp / gemmWarpsM(C) * Shape::warpN;
  auto fill = [&](Index step) {
    if (step < steps) {
      const u32 stage =
          shared + static_cast<int>(step % C.stages) * Shape::stageBytes;
      fillA(stage, step);
      fillB(stage + Shape::tileBytesA, step);
    }
    if constexpr (copies)
      copyAsyncCommit();
  };
  for (int stage = 0; stage < C.stages - 1; ++stage)
    fill(stage);
#pragma unroll 1
  for (Index step = 0; step < steps; ++step) {
    if constexpr (copies)
      copyAsyncWait<C.stages - 2>();
    // All copies of this step have landed, and all have done with the step
    // before, whose stage is filled now.
    __syncthreads();
    fill(step + C.stages - 1);
    const u32 tileA =
        shared + static_cast<int>(step % C.stages) * Shape::stageBytes;
    const u32 tileB = tileA + Shape::tileBytesA;
#pragma unroll
    for (int k = 0; k < 64; k += 16) {
      u32 a[Shape::fragmentsM][4], b[Shape::fragmentsN / 2][4];
#pragma unroll
      for (int i = 0; i < Shape::fragmentsM; ++i)
        loadA<C.tileM>(a[i], tileA, warpRow + 16 * i, k);
#pragma unroll
      for (int j = 0; j < Shape::fragmentsN / 2; ++j)
        if constexpr (C.layoutB == WeightLayout::RowMajor)
          loadBRowMajor<64>(b[j], tileB, warpColumn + 16 * j, k);
        else
          loadBTransposed<C.tileN>(b[j], tileB, warpColumn + 16 * j, k);
#pragma unroll
      for (int i = 0; i < Shape::fragmentsM; ++i)
#pragma unroll
        for (int j = 0; j < Shape::fragmentsN; ++j)
          multiply16x8x16<T>(sums[i][j], a[i], b[j / 2][j % 2 * 2],
                             b[j / 2][j % 2 * 2 + 1]);
    }
  }
}

} // namespace trine::kernels

#endif
