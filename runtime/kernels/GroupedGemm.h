// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// One product for each expert over its rows, in one launch: which rows are
/// whose is read from `offsets` on the device. Rows may be gathered, results
/// scattered; gate and up halves of a gated layer are made together.
#ifndef TRINE_RUNTIME_KERNELS_GROUPEDGEMM_H
#define TRINE_RUNTIME_KERNELS_GROUPEDGEMM_H

#include "Gemm.h"

namespace trine::kernels {

/// out[r, j] = epilogue(Σ over k of a[row(r), k] · weight[e, j, k]) for
/// offsets[e] <= r < offsets[e + 1]; row(r) = order[r] / slots, or r without
/// order. Gated: weight has 2n rows, and out[r, j] = epilogue(gate_j, up_j).
template <class A, class W, class Out>
struct GroupedArguments {
  const A *a = nullptr;
  const W *weight = nullptr;
  Out *out = nullptr;
  /// [experts + 1], ascending, from 0 to `rows`.
  const Index *offsets = nullptr;
  /// [rows], or null.
  const Index *order = nullptr;
  Index slots = 1;
  /// Where row r of the result goes: row scatter[r] of out, or r.
  const Index *scatter = nullptr;
  /// Rows of the result; columns n of it.
  Index rows = 0, experts = 0, n = 0, k = 0;
  /// Elements between rows of a, of the weight, of out. 0: k, k, n.
  Index pitchA = 0, pitchB = 0, pitchOut = 0;
  const TensorMap *mapB = nullptr;
};

/// Which expert's rows a row tile has: the t-th of the tiles that are not
/// empty. False when there are fewer.
inline bool findGroup(const Index *offsets, Index experts, Index tile,
                      int tileM, Index &expert, Index &first, Index &end) {
  const int lane = laneIndex();
  Index before = 0;
  for (Index base = 0; base < experts; base += 32) {
    const Index e = base + lane;
    const Index begin = e < experts ? offsets[e] : 0;
    const Index stop = e < experts ? offsets[e + 1] : 0;
    const Index own = divideUp(stop - begin, tileM);
    Index sum = own;
    for (int distance = 1; distance < 32; distance *= 2) {
      const Index other = __shfl_up_sync(0xFFFFFFFFu, sum, distance);
      sum += lane >= distance ? other : 0;
    }
    const u32 past = __ballot_sync(0xFFFFFFFFu, before + sum > tile);
    if (past) {
      const int owner = __ffs(past) - 1;
      const Index inside = tile - before - (sum - own);
      expert = base + owner;
      first = __shfl_sync(0xFFFFFFFFu, begin + inside * tileM, owner);
      end = __shfl_sync(0xFFFFFFFFu, stop, owner);
      return true;
    }
    before += __shfl_sync(0xFFFFFFFFu, sum, 31);
  }
  return false;
}

/// Rows of A in a tile, gathered: `rows` is in shared memory, -1 for none.
template <class A>
struct GatheredAddresses {
  const A *base;
  Index pitch;
  const Index *rows;
  const A *operator()(Index r) const {
    return rows[r] < 0 ? nullptr : base + rows[r] * pitch;
  }
};

/// Rows of an expert's weight in a tile. Of a gated product rows alternate:
/// gate and up of a column meet in one thread.
template <class W, GateLayout Gate>
struct WeightAddresses {
  const W *base;
  Index pitch, first, n;
  /// -1 outside.
  Index row(Index r) const {
    const Index column = Gate == GateLayout::None ? first + r : first + r / 2;
    if (column >= n)
      return -1;
    if (Gate == GateLayout::Concatenated)
      return r % 2 ? n + column : column;
    return Gate == GateLayout::Interleaved ? 2 * first + r : column;
  }
  const W *operator()(Index r) const {
    const Index at = row(r);
    return at < 0 ? nullptr : base + at * pitch;
  }
};

template <GemmConfiguration C, class A, class W, class Out, class Epilogue>
void groupedGemm(const GroupedArguments<A, W, Out> &g,
                 const Epilogue &epilogue) {
  using T = typename TypeOf<C.element>::Type;
  static_assert(C.layoutB == WeightLayout::Transposed,
                "an expert's weight is [N, K]");
  static_assert(C.loadA != Load::TensorMap,
                "rows of experts begin anywhere: they are not copied by maps");
  static_assert(C.loadA == Load::Element || sameType<A, T>,
                "an operand that is copied has the element type of the "
                "configuration");
  static_assert(C.loadB == Load::Element || sameType<W, T>,
                "an operand that is copied has the element type of the "
                "configuration");
  constexpr bool gated = C.gate != GateLayout::None;
  constexpr int width = gemmTileColumns(C);
  const Index pitchA = g.pitchA ? g.pitchA : g.k;
  const Index pitchB = g.pitchB ? g.pitchB : g.k;
  const Index pitchOut = g.pitchOut ? g.pitchOut : g.n;
  const Index rowTiles = g.rows / C.tileM + minimum(g.rows, g.experts);
  // Tiles of one expert that share columns of the weight are neighbours.
  const Index column = blockIdx.x / rowTiles * width;
  Index expert, first, end;
  if (!findGroup(g.offsets, g.experts, blockIdx.x % rowTiles, C.tileM, expert,
                 first, end))
    return;
  prefetchMaps<false, C.loadB == Load::TensorMap>(nullptr, g.mapB);
  __shared__ Index sourceRows[C.tileM], targetRows[C.tileM];
  for (int r = threadIdx.x; r < C.tileM; r += gemmThreads(C)) {
    const Index row = first + r;
    sourceRows[r] = row >= end ? -1 : (g.order ? g.order[row] / g.slots : row);
    targetRows[r] = row < end && g.scatter ? g.scatter[row] : row;
  }
  // On sm_90a multiplyTile synchronises once more before it reads.
  if (C.architecture != Architecture::SM90a || C.element == Element::F32)
    __syncthreads();
  const Index rowsOfWeight = gated ? 2 * g.n : g.n;
  const W *weight = g.weight + expert * rowsOfWeight * pitchB;
  GatheredAddresses<A> addressA{g.a, pitchA, sourceRows};
  WeightAddresses<W, C.gate> addressB{weight, pitchB, column, g.n};
  multiplyTile<C>(
      g.k, g.n - column, addressA, addressB,
      [&](int row, Index k) {
        const Index source = sourceRows[row];
        return source >= 0 && k < g.k ? load(g.a, source * pitchA + k) : 0.0f;
      },
      [&](Index k, int r) {
        const Index at = addressB.row(r);
        return at >= 0 && k < g.k ? load(weight, at * pitchB + k) : 0.0f;
      },
      [&](u32, Index, u32) {},
      [&](u32 tile, Index step, u32 barrier) {
        const int k = static_cast<int>(step * 64);
        if constexpr (C.gate == GateLayout::Concatenated)
          copyTensor4(tile, g.mapB, k, 0, static_cast<int>(column),
                      static_cast<int>(expert), barrier);
        else
          copyTensor3(tile, g.mapB, k,
                      static_cast<int>(gated ? 2 * column : column),
                      static_cast<int>(expert), barrier);
      },
      [&](int r, int c, const auto &pairs) {
        const Index row = first + r;
        if (row >= end)
          return;
        constexpr int count = sizeof(pairs) / sizeof(pairs[0]);
        constexpr int step = C.element == Element::F32 ? 2 : 8;
        Out *out = g.out + targetRows[r] * pitchOut;
        const bool aligned = pairsAligned(out, 2);
#pragma unroll
        for (int j = 0; j < count; ++j) {
          if constexpr (gated) {
            const Index at = column + (c + step * j) / 2;
            if (at < g.n)
              store(out, at,
                    epilogue(pairs[j][0], pairs[j][1], expert, row, at));
          } else {
            const Index at = column + c + step * j;
            if (at < g.n) {
              const float value = epilogue(pairs[j][0], expert, row, at);
              if (at + 1 < g.n)
                storePair(out, at, value,
                          epilogue(pairs[j][1], expert, row, at + 1), aligned);
              else
                store(out, at, value);
            }
          }
        }
      });
}

} // namespace trine::kernels

#endif
