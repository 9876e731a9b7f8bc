// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The main loop of f32 products: 64 by 64 results by 256 threads, fused
/// multiply-adds in the order of k. Two tiles of 16 k: while one is used the
/// next one is on its way into registers.
#ifndef TRINE_RUNTIME_KERNELS_GEMMF32_H
#define TRINE_RUNTIME_KERNELS_GEMMF32_H

#include "GemmArguments.h"

namespace trine::kernels {

constexpr int f32Tile = 64, f32TileK = 16, f32Pitch = f32Tile + 4;

/// The thread's results: rows 4 · (thread / 16) and columns 4 · (thread % 16)
/// of the tile, four each. `valueA(row, k)` and `valueB(k, column)` are
/// elements of the tile, zero outside of the operands.
template <class ValueA, class ValueB>
void multiplyF32(float (&sums)[4][4], float *shared, Index k, ValueA valueA,
                 ValueB valueB) {
  const int thread = threadIdx.x;
  const int row = thread / 16 * 4, column = thread % 16 * 4;
  float *const tilesA = shared, *const tilesB =
                                    shared + 2 * f32TileK * f32Pitch;
  const Index steps = divideUp(k, f32TileK);
  float nextA[4], nextB[4];
  auto fetch = [&](Index step) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = thread + 256 * i;
      nextA[i] = valueA(at / f32TileK, step * f32TileK + at % f32TileK);
      nextB[i] = valueB(step * f32TileK + at / f32Tile, at % f32Tile);
    }
  };
  auto put = [&](Index step) {
    float *const a = tilesA + step % 2 * (f32TileK * f32Pitch);
    float *const b = tilesB + step % 2 * (f32TileK * f32Pitch);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = thread + 256 * i;
      a[at % f32TileK * f32Pitch + at / f32TileK] = nextA[i];
      b[at / f32Tile * f32Pitch + at % f32Tile] = nextB[i];
    }
  };
  if (steps > 0) {
    fetch(0);
    put(0);
  }
#pragma unroll 1
  for (Index step = 0; step < steps; ++step) {
    __syncthreads();
    if (step + 1 < steps)
      fetch(step + 1);
    const float *const a = tilesA + step % 2 * (f32TileK * f32Pitch) + row;
    const float *const b = tilesB + step % 2 * (f32TileK * f32Pitch) + column;
#pragma unroll
    for (int inner = 0; inner < f32TileK; ++inner) {
      const float4 x = *reinterpret_cast<const float4 *>(a + inner * f32Pitch);
      const float4 y = *reinterpret_cast<const float4 *>(b + inner * f32Pitch);
      const float xs[4] = {x.x, x.y, x.z, x.w}, ys[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j)
          sums[i][j] = fmaf(xs[i], ys[j], sums[i][j]);
    }
    if (step + 1 < steps)
      put(step + 1);
  }
}

} // namespace trine::kernels

#endif
