// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Matrix products with fused element-wise work. See README.md for the ABI and
/// an example.
#ifndef TRINE_RUNTIME_KERNELS_GEMM_H
#define TRINE_RUNTIME_KERNELS_GEMM_H

#include "GemmF32.h"
#include "GemmMma.h"
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#include "GemmWgmma.h"
#endif

namespace trine::kernels {

extern __shared__ __align__(16) u8 dynamicShared[];

/// The conditions on a configuration, in one place.
template <GemmConfiguration C>
void checkGemm() {
  constexpr bool f32 = C.element == Element::F32;
  constexpr bool hopper = C.architecture == Architecture::SM90a && !f32;
  static_assert(!f32 || (C.tileM == 64 && C.tileN == 64 && C.stages == 2),
                "f32 products have tiles of 64 by 64 and two stages");
  static_assert(!f32 || (C.loadA == Load::Element && C.loadB == Load::Element),
                "f32 products load element by element");
  static_assert(C.tileM == 64 || C.tileM == 128, "tileM is 64 or 128");
  static_assert(C.tileN == 64 || C.tileN == 128 || (hopper && C.tileN == 256),
                "tileN is 64 or 128, on sm_90a also 256");
  static_assert(C.stages >= 2 && C.stages <= 8, "there are 2 to 8 stages");
  static_assert(hopper ||
                    (C.loadA != Load::TensorMap && C.loadB != Load::TensorMap),
                "tensor maps need sm_90a and 16-bit elements");
  static_assert(gemmSharedBytes(C) <=
                    (C.architecture == Architecture::SM90a ? 232448 : 166912),
                "the tiles do not fit into shared memory: fewer stages");
}

/// Fetches the tensor maps that there are, so that the first copies do not wait
/// for them.
template <bool First, bool Second>
void prefetchMaps(const TensorMap *first, const TensorMap *second) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  if (threadIdx.x == 0) {
    if constexpr (First)
      prefetchMap(first);
    if constexpr (Second)
      prefetchMap(second);
  }
#endif
}

/// The threads that load: all, or on sm_90a one warpgroup.
template <GemmConfiguration C>
constexpr int loadingThreads =
    C.architecture == Architecture::SM90a && C.element != Element::F32
        ? 128
        : gemmThreads(C);

/// One tile of a product, by how its operands are read:
/// `addressA(row)`: address of k = 0 of a row of the tile in A, or null;
/// `addressB(r)`: of row r of B's tile, at the tile's first column with
/// RowMajor (r is then an absolute k), else at k = 0 (r a column of the tile);
/// `valueA(row, k)`, `valueB(k, column)`: elements, guarded, in tile rows,
/// absolute k and tile columns; `copyA(tile, step, barrier)`, `copyB`: tensor
/// copies; `columnsLeft`: columns of B from the tile's first on;
/// `finish(row, column, first, second)`: takes two neighbours of the sums.
template <GemmConfiguration C, class AddressA, class AddressB, class ValueA,
          class ValueB, class CopyA, class CopyB, class Finish>
void multiplyTile(Index k, Index columnsLeft, AddressA addressA,
                  AddressB addressB, ValueA valueA, ValueB valueB, CopyA copyA,
                  CopyB copyB, Finish finish) {
  checkGemm<C>();
  if constexpr (C.element == Element::F32) {
    float sums[4][4] = {};
    multiplyF32(sums, reinterpret_cast<float *>(dynamicShared), k, valueA,
                valueB);
    const int row = threadIdx.x / 16 * 4, column = threadIdx.x % 16 * 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float pairs[2][2] = {{sums[i][0], sums[i][1]},
                                 {sums[i][2], sums[i][3]}};
      finish(row + i, column, pairs);
    }
  } else {
    using T = typename TypeOf<C.element>::Type;
    constexpr int threads = loadingThreads<C>;
    const u32 shared = alignedShared(dynamicShared);
    const Index steps = divideUp(k, 64);
    auto fillA = [&](u32 tile, Index step, int thread) {
      if constexpr (C.loadA == Load::Vector)
        fillAsync<T, C.tileM, 1, threads>(tile, thread, k - step * 64,
                                          [&](int r) {
                                            const T *row = addressA(r);
                                            return row ? row + step * 64 : row;
                                          });
      else
        fillValues<T, C.tileM, 1, threads>(tile, thread, [&](int r, int c) {
          return valueA(r, step * 64 + c);
        });
    };
    auto fillB = [&](u32 tile, Index step, int thread) {
      if constexpr (C.layoutB == WeightLayout::RowMajor) {
        if constexpr (C.loadB == Load::Vector)
          fillAsync<T, 64, C.tileN / 64, threads>(
              tile, thread, columnsLeft,
              [&](int r) { return addressB(step * 64 + r); });
        else
          fillValues<T, 64, C.tileN / 64, threads>(
              tile, thread,
              [&](int r, int c) { return valueB(step * 64 + r, c); });
      } else {
        if constexpr (C.loadB == Load::Vector)
          fillAsync<T, C.tileN, 1, threads>(
              tile, thread, k - step * 64, [&](int r) {
                const T *row = addressB(r);
                return row ? row + step * 64 : row;
              });
        else
          fillValues<T, C.tileN, 1, threads>(tile, thread, [&](int r, int c) {
            return valueB(step * 64 + c, r);
          });
      }
    };
    const int lane = laneIndex();
    if constexpr (C.architecture == Architecture::SM80) {
      using Shape = MmaShape<C>;
      float sums[Shape::fragmentsM][Shape::fragmentsN][4] = {};
      multiplyMma<C, T>(
          sums, shared, steps,
          [&](u32 tile, Index step) { fillA(tile, step, threadIdx.x); },
          [&](u32 tile, Index step) { fillB(tile, step, threadIdx.x); });
      const int warp = warpIndex();
      const int row = warp % gemmWarpsM(C) * Shape::warpM + lane / 4;
      const int column = warp / gemmWarpsM(C) * Shape::warpN + lane % 4 * 2;
#pragma unroll
      for (int i = 0; i < Shape::fragmentsM; ++i)
#pragma unroll
        for (int high = 0; high < 2; ++high) {
          float pairs[Shape::fragmentsN][2];
#pragma unroll
          for (int j = 0; j < Shape::fragmentsN; ++j) {
            pairs[j][0] = sums[i][j][2 * high];
            pairs[j][1] = sums[i][j][2 * high + 1];
          }
          finish(row + 16 * i + 8 * high, column, pairs);
        }
    } else {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
      using Shape = WgmmaShape<C>;
      __shared__ alignas(8) u64 barriers[2 * C.stages];
      const u32 full = sharedAddress(barriers), empty = full + 8 * C.stages;
      if (threadIdx.x == 0) {
        for (int stage = 0; stage < C.stages; ++stage) {
          barrierInitialise(full + 8 * stage,
                            (Shape::anyMap ? 1 : 0) +
                                (Shape::anyThreads ? 128 : 0));
          barrierInitialise(empty + 8 * stage, Shape::consumers / 32);
        }
        barrierInitialised();
      }
      __syncthreads();
      const int group = warpIndex() / 4;
      if (group == Shape::consumers / 128) {
        produceTiles<C>(shared, full, empty, steps, copyA, copyB, fillA, fillB);
        return;
      }
      float sums[C.tileN / 2];
      consumeTiles<C, T>(sums, shared, full, empty, steps);
      if (steps == 0)
#pragma unroll
        for (int i = 0; i < C.tileN / 2; ++i)
          sums[i] = 0;
      const int row = warpIndex() * 16 + lane / 4, column = lane % 4 * 2;
#pragma unroll
      for (int high = 0; high < 2; ++high) {
        float pairs[C.tileN / 8][2];
#pragma unroll
        for (int j = 0; j < C.tileN / 8; ++j) {
          pairs[j][0] = sums[4 * j + 2 * high];
          pairs[j][1] = sums[4 * j + 2 * high + 1];
        }
        finish(row + 8 * high, column, pairs);
      }
#else
      static_assert(C.architecture == Architecture::SM80,
                    "compile a configuration for sm_90a with -arch=sm_90a");
#endif
    }
  }
}

/// Addresses of the rows of an operand's tile.
template <class T>
struct RowAddresses {
  const T *base;
  Index pitch, first, end;
  const T *operator()(Index r) const {
    return first + r < end ? base + (first + r) * pitch : nullptr;
  }
};
/// Rows of A, one behind the other.
struct EvenRows {};
/// Rows of A in blocks that lie further apart than the rows in them: element
/// (row, 0) is at row / blockRows · blockStride + row % blockRows · pitch.
struct BlockedRows {
  Index blockRows, blockStride, pitch;
};
/// As RowAddresses, of blocked rows: `offsets` is in shared memory.
template <class T>
struct BlockedAddresses {
  const T *base;
  const Index *offsets;
  Index first, end;
  const T *operator()(Index r) const {
    return first + r < end ? base + offsets[r] : nullptr;
  }
};
/// The addresses of a tile's rows in A; offsets of blocked ones are found once.
template <GemmConfiguration C, class A>
RowAddresses<A> addressRows(EvenRows, const A *base, Index pitch, Index first,
                            Index end) {
  return {base, pitch, first, end};
}
template <GemmConfiguration C, class A>
BlockedAddresses<A> addressRows(BlockedRows rows, const A *base, Index,
                                Index first, Index end) {
  __shared__ Index offsets[C.tileM];
  for (int r = threadIdx.x; r < C.tileM; r += gemmThreads(C)) {
    const Index row = first + r;
    offsets[r] = row / rows.blockRows * rows.blockStride +
                 row % rows.blockRows * rows.pitch;
  }
  // On sm_90a multiplyTile synchronises once more before it reads.
  if (C.architecture != Architecture::SM90a)
    __syncthreads();
  return {base, offsets, first, end};
}

/// A product by one workgroup's tile. Prologues replace the reading of an
/// operand with Load::Element: prologueA(batch, row, k), prologueB(batch, k,
/// column) are called inside of the operand only. `rowsA`: how rows of A lie,
/// with Load::Vector.
template <GemmConfiguration C, class A, class B, class Out, class Epilogue,
          class PrologueA, class PrologueB, class RowsA = EvenRows>
void gemm(const GemmArguments<A, B, Out> &given, const Epilogue &epilogue,
          const PrologueA &prologueA, const PrologueB &prologueB,
          RowsA rowsA = {}) {
  static_assert(C.gate == GateLayout::None,
                "gated products are made by groupedGemm");
  using T = typename TypeOf<C.element>::Type;
  static_assert(C.loadA == Load::Element || sameType<A, T>,
                "an operand that is copied has the element type of the "
                "configuration");
  static_assert(C.loadB == Load::Element || sameType<B, T>,
                "an operand that is copied has the element type of the "
                "configuration");
  const GemmArguments<A, B, Out> g = given.complete(C.layoutB);
  const TilePlace place = placeTile(g.m, g.n, C.tileM, C.tileN);
  prefetchMaps<C.loadA == Load::TensorMap, C.loadB == Load::TensorMap>(g.mapA,
                                                                       g.mapB);
  const Index batch = place.batch;
  const A *a = g.a + batch % g.batchesA * g.strideA;
  const B *b = g.b + batch % g.batchesB * g.strideB;
  Out *out = g.out + batch * g.strideOut;
  const bool aligned = pairsAligned(out, g.pitchOut);
  static_assert(C.loadA == Load::Vector || sameType<RowsA, EvenRows>,
                "rows in blocks are copied by cp.async");
  const auto addressA = addressRows<C>(rowsA, a, g.pitchA, place.row, g.m);
  constexpr bool rowMajor = C.layoutB == WeightLayout::RowMajor;
  RowAddresses<B> addressB{rowMajor ? b + place.column : b, g.pitchB,
                           rowMajor ? 0 : place.column, rowMajor ? g.k : g.n};
  multiplyTile<C>(
      g.k, g.n - place.column, addressA, addressB,
      [&](int row, Index k) {
        return place.row + row < g.m && k < g.k
                   ? prologueA(batch, place.row + row, k)
                   : 0.0f;
      },
      [&](Index k, int column) {
        return place.column + column < g.n && k < g.k
                   ? prologueB(batch, k, place.column + column)
                   : 0.0f;
      },
      [&](u32 tile, Index step, u32 barrier) {
        copyTensor3(tile, g.mapA, static_cast<int>(step * 64),
                    static_cast<int>(place.row),
                    static_cast<int>(batch % g.batchesA), barrier);
      },
      [&](u32 tile, Index step, u32 barrier) {
        const int k = static_cast<int>(step * 64);
        const int column = static_cast<int>(place.column);
        const int matrix = static_cast<int>(batch % g.batchesB);
        if constexpr (rowMajor) {
#pragma unroll
          for (int box = 0; box < C.tileN / 64; ++box)
            copyTensor3(tile + box * (64 * boxRowBytes), g.mapB,
                        column + 64 * box, k, matrix, barrier);
        } else
          copyTensor3(tile, g.mapB, k, column, matrix, barrier);
      },
      [&](int row, int column, const auto &pairs) {
        constexpr int count = sizeof(pairs) / sizeof(pairs[0]);
        // f32 threads have four neighbours, others two of every eight columns.
        constexpr int step = C.element == Element::F32 ? 2 : 8;
#pragma unroll
        for (int j = 0; j < count; ++j)
          storeSums(out, g.pitchOut, aligned, epilogue, batch, place.row + row,
                    place.column + column + step * j, g.m, g.n, pairs[j][0],
                    pairs[j][1]);
      });
}

template <GemmConfiguration C, class A, class B, class Out, class Epilogue>
void gemm(const GemmArguments<A, B, Out> &given, const Epilogue &epilogue) {
  const GemmArguments<A, B, Out> g = given.complete(C.layoutB);
  gemm<C>(given, epilogue, ReadA<A>{g.a, g.batchesA, g.strideA, g.pitchA},
          ReadB<B, C.layoutB>{g.b, g.batchesB, g.strideB, g.pitchB});
}

} // namespace trine::kernels

#endif
