// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What products take, how workgroups are mapped to tiles, and how results are
/// stored. Gemm.h is the entrance.
#ifndef TRINE_RUNTIME_KERNELS_GEMMARGUMENTS_H
#define TRINE_RUNTIME_KERNELS_GEMMARGUMENTS_H

#include "Functions.h"
#include "Tile.h"

namespace trine::kernels {

/// out[b, i, j] = epilogue(Σ over k of a[b, i, k] · B[b, k, j]). A member that
/// is 0 by default means a contiguous tensor.
template <class A, class B, class Out>
struct GemmArguments {
  const A *a = nullptr;
  const B *b = nullptr;
  Out *out = nullptr;
  Index m = 0, n = 0, k = 0, batch = 1;
  /// Batch i reads matrix i % batchesA of a and i % batchesB of b. 0: `batch`.
  Index batchesA = 0, batchesB = 1;
  /// Elements between rows; between matrices.
  Index pitchA = 0, pitchB = 0, pitchOut = 0;
  Index strideA = 0, strideB = 0, strideOut = 0;
  /// With Load::TensorMap.
  const TensorMap *mapA = nullptr, *mapB = nullptr;

  /// Fills in what is 0.
  GemmArguments complete(WeightLayout layout) const {
    GemmArguments c = *this;
    if (!c.batchesA)
      c.batchesA = batch;
    if (!c.batchesB)
      c.batchesB = batch;
    if (!c.pitchA)
      c.pitchA = k;
    if (!c.pitchB)
      c.pitchB = layout == WeightLayout::RowMajor ? n : k;
    if (!c.pitchOut)
      c.pitchOut = n;
    if (!c.strideA)
      c.strideA = m * c.pitchA;
    if (!c.strideB)
      c.strideB = (layout == WeightLayout::RowMajor ? k : n) * c.pitchB;
    if (!c.strideOut)
      c.strideOut = m * c.pitchOut;
    return c;
  }
};

/// The tile of this workgroup.
struct TilePlace {
  Index batch, row, column;
};
/// Tiles of up to eight rows of tiles are neighbours, so that what they share
/// of both operands stays in the second-level cache.
inline TilePlace placeTile(Index m, Index n, int tileM, int tileN) {
  constexpr Index band = 8;
  const Index rows = divideUp(m, tileM), columns = divideUp(n, tileN);
  const Index block = blockIdx.x, tile = block % (rows * columns);
  const Index first = tile / (band * columns) * band;
  const Index height = minimum(band, rows - first),
              inner = tile - first * columns;
  return {block / (rows * columns), (first + inner % height) * tileM,
          inner / height * tileN};
}

/// Stores elements (row, column) and (row, column + 1) of a tile, where they
/// exist. `out` is the batch's matrix.
template <class Out, class Epilogue>
void storeSums(Out *out, Index pitch, bool aligned, const Epilogue &epilogue,
               Index batch, Index row, Index column, Index rows, Index columns,
               float first, float second) {
  if (row >= rows || column >= columns)
    return;
  const float a = epilogue(first, batch, row, column);
  if (column + 1 < columns)
    storePair(out, row * pitch + column, a,
              epilogue(second, batch, row, column + 1), aligned);
  else
    store(out, row * pitch + column, a);
}

/// Prologues of Load::Element: element (row, k) of a, (k, column) of B.
template <class A>
struct ReadA {
  const A *a;
  Index batches, stride, pitch;
  float operator()(Index batch, Index row, Index k) const {
    return load(a, batch % batches * stride + row * pitch + k);
  }
};
template <class B, WeightLayout Layout>
struct ReadB {
  const B *b;
  Index batches, stride, pitch;
  float operator()(Index batch, Index k, Index column) const {
    const Index base = batch % batches * stride;
    if constexpr (Layout == WeightLayout::RowMajor)
      return load(b, base + k * pitch + column);
    else
      return load(b, base + column * pitch + k);
  }
};

} // namespace trine::kernels

#endif
