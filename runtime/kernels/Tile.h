// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tiles of 16-bit elements in shared memory, and how threads fill them.
///
/// A box is R rows of 128 bytes (64 elements); the 16-byte chunk c of row r
/// lies at chunk c ^ (r % 8): what tensor copies call 128-byte swizzle.
/// ldmatrix reads it without bank conflicts, and wgmma's descriptors know it. A
/// box begins at a multiple of 1,024 bytes. A tile of more columns is boxes one
/// behind another.
#ifndef TRINE_RUNTIME_KERNELS_TILE_H
#define TRINE_RUNTIME_KERNELS_TILE_H

#include "PTX.h"

namespace trine::kernels {

constexpr int boxColumns = 64;
constexpr int boxRowBytes = 128;

/// Address of chunk `chunk` of row `row` of a tile of `Rows` rows at `tile`.
template <int Rows>
u32 chunkAddress(u32 tile, int row, int chunk) {
  return tile + chunk / 8 * (Rows * boxRowBytes) + row * boxRowBytes +
         ((chunk ^ row) & 7) * 16;
}
/// Address of an element.
template <int Rows>
u32 elementAddress(u32 tile, int row, int column) {
  return chunkAddress<Rows>(tile, row, column / 8) + column % 8 * 2;
}

/// The first multiple of 1,024 in dynamic shared memory.
inline u32 alignedShared(const void *shared) {
  return (sharedAddress(shared) + 1023) & ~1023u;
}

/// Calls body(row, chunk) for every chunk of a tile, shared out among threads.
template <int Rows, int Boxes, int Threads, class Body>
void forEachChunk(int thread, Body body) {
  constexpr int chunks = Rows * Boxes * 8,
                rounds = (chunks + Threads - 1) / Threads;
#pragma unroll 4
  for (int round = 0; round < rounds; ++round) {
    const int i = thread + round * Threads;
    if (chunks % Threads == 0 || i < chunks)
      body(i / (Boxes * 8), i % (Boxes * 8));
  }
}

/// Starts cp.async copies of a tile of `Rows` rows and `Boxes` * 64 columns.
/// `row(r)` is the address of column 0 of the tile's row r in global memory, or
/// null for a row of zeros; `columns` are left from there on (may be < 1).
template <class T, int Rows, int Boxes, int Threads, class RowAddress>
void fillAsync(u32 tile, int thread, Index columns, RowAddress row) {
  constexpr int bytesOfElement = sizeof(T);
  const int left = static_cast<int>(maximum(0, minimum(columns, Boxes * 64)) *
                                    bytesOfElement);
  forEachChunk<Rows, Boxes, Threads>(thread, [&](int r, int chunk) {
    const T *address = row(r);
    const int bytes = min(max(left - chunk * 16, 0), 16);
    // Of no bytes the address does not matter.
    copyAsync16(chunkAddress<Rows>(tile, r, chunk), address + chunk * 8,
                address == nullptr ? 0 : bytes);
  });
}

/// Fills such a tile with `value(r, column)`, a float for any row and column of
/// the tile (0 outside of the operand).
template <class T, int Rows, int Boxes, int Threads, class Value>
void fillValues(u32 tile, int thread, Value value) {
  forEachChunk<Rows, Boxes, Threads>(thread, [&](int r, int chunk) {
    u32 pairs[4];
#pragma unroll
    for (int j = 0; j < 4; ++j)
      pairs[j] = packPair<T>(value(r, chunk * 8 + 2 * j),
                             value(r, chunk * 8 + 2 * j + 1));
    storeShared16(chunkAddress<Rows>(tile, r, chunk), pairs[0], pairs[1],
                  pairs[2], pairs[3]);
  });
}

/// A fragments of mma: 16 rows from `row`, 16 columns from `column`.
template <int Rows>
void loadA(u32 (&a)[4], u32 tile, int row, int column) {
  const int lane = laneIndex();
  loadMatrix4(
      a, chunkAddress<Rows>(tile, row + lane % 16, column / 8 + lane / 16));
}
/// B fragments of 16 columns n and 16 k, of a tile whose rows are n: registers
/// 0 and 1 are columns 0 .. 7, 2 and 3 columns 8 .. 15.
template <int Rows>
void loadBTransposed(u32 (&b)[4], u32 tile, int n, int k) {
  const int lane = laneIndex();
  loadMatrix4(b, chunkAddress<Rows>(tile, n + lane % 8 + lane / 16 * 8,
                                    k / 8 + lane / 8 % 2));
}
/// The same of a tile whose rows are k.
template <int Rows>
void loadBRowMajor(u32 (&b)[4], u32 tile, int n, int k) {
  const int lane = laneIndex();
  loadMatrix4Transposed(
      b, chunkAddress<Rows>(tile, k + lane % 16, n / 8 + lane / 16));
}

/// sm_90a: descriptor of an operand of wgmma whose rows are M or N ("K-major"),
/// 16 k from `k`.
inline u64 describeRows(u32 tile, int k) {
  return static_cast<u64>(((tile + k * 2) & 0x3FFFF) >> 4) | 1ull << 16 |
         static_cast<u64>(1024 >> 4) << 32 | 1ull << 62;
}
/// sm_90a: descriptor of an operand whose rows are k, in boxes of 64 columns N
/// ("MN-major"), `Rows` rows in a box.
template <int Rows>
u64 describeColumns(u32 tile, int k) {
  return static_cast<u64>(((tile + k * boxRowBytes) & 0x3FFFF) >> 4) |
         static_cast<u64>((Rows * boxRowBytes) >> 4) << 16 |
         static_cast<u64>(1024 >> 4) << 32 | 1ull << 62;
}

} // namespace trine::kernels

#endif
