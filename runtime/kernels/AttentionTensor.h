// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Attention of 16-bit types on tensor cores: mma.sync on sm_80, wgmma on
/// sm_90a.
///
/// A workgroup has tileRows rows of queries in shared memory and goes over
/// tiles of keys: scores, online softmax, weights times values. Warps that
/// share rows divide the keys of a tile for the scores and the columns for the
/// output; the weights pass through shared memory (through registers where no
/// warps share). Weights are rounded to the element type; scores and sums are
/// f32.
#ifndef TRINE_RUNTIME_KERNELS_ATTENTIONTENSOR_H
#define TRINE_RUNTIME_KERNELS_ATTENTIONTENSOR_H

#include "AttentionArguments.h"
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#include "Wgmma.h"
#endif

namespace trine::kernels {

template <AttentionConfiguration C>
struct AttentionShape {
  static constexpr bool hopper = C.architecture == Architecture::SM90a;
  static constexpr int threads = attentionThreads(C), warps = threads / 32;
  /// Warps along rows, and warps that share rows.
  static constexpr int warpsM = C.tileRows / 16, sharing = warps / warpsM;
  static constexpr int valueColumns = attentionPadded(C.valueSize);
  static constexpr int queryColumns = attentionQuerySize(C);
  /// Of one warp.
  static constexpr int keysOfWarp = C.tileKeys / sharing;
  static constexpr int columnsOfWarp = valueColumns / sharing;
  static constexpr int queryBoxBytes = C.tileRows * boxRowBytes;
  static constexpr int keyBoxBytes = C.tileKeys * boxRowBytes;
  static constexpr int queryBytes = queryColumns / 64 * queryBoxBytes;
  static constexpr int keyBytes = queryColumns / 64 * keyBoxBytes;
  static constexpr int valueBytes =
      C.valueIsKey ? 0 : valueColumns / 64 * keyBoxBytes;
  static constexpr int stageBytes = keyBytes + valueBytes;
  static constexpr int weightBytes = C.tileRows * boxRowBytes;
  /// wgmma makes this many columns of the output at a time.
  static constexpr int chunk = columnsOfWarp % 256 == 0   ? 256
                               : columnsOfWarp % 128 == 0 ? 128
                                                          : 64;
  /// First column of a part in the rows of the query and key tiles.
  static constexpr int partAt(int part) {
    int at = 0;
    for (int p = 0; p < part; ++p)
      at += attentionPadded(C.partSize[p]);
    return at;
  }
};

template <AttentionConfiguration C>
void checkAttention() {
  using S = AttentionShape<C>;
  static_assert(C.parts >= 1 && C.parts <= 3, "there are one to three parts");
  static_assert(!C.valueIsKey || C.valueSize == C.partSize[0],
                "a value that is the key of part 0 has its size");
  static_assert(C.tileKeys == 32 || C.tileKeys == 64,
                "a tile has 32 or 64 keys");
  static_assert(
      S::hopper ? C.tileRows == 64
                : (C.tileRows == 16 || C.tileRows == 32 || C.tileRows == 64),
      "a tile has 16, 32 or 64 rows, on sm_90a 64");
  static_assert(S::keysOfWarp % 16 == 0 && S::keysOfWarp >= 16,
                "each warp that shares rows needs 16 keys of the tile: more "
                "keys or more rows");
  static_assert(S::columnsOfWarp % (S::hopper ? 64 : 16) == 0,
                "each warp that shares rows needs whole columns of the value");
  static_assert(C.tileRows * S::valueColumns <= 128 * S::threads,
                "a thread holds at most 128 values of the output: fewer rows");
  static_assert(C.stages == 1 || C.stages == 2, "there are one or two stages");
  static_assert(!C.split || C.ranges || C.maskedRow != MaskedRow::Uniform,
                "a split attention does not know the mean of all values");
  static_assert(S::hopper || C.load != Load::TensorMap,
                "tensor maps need sm_90a");
  static_assert(C.load == Load::Element ||
                    (C.partSize[0] % 8 == 0 && C.partSize[1] % 8 == 0 &&
                     C.partSize[2] % 8 == 0 && C.valueSize % 8 == 0),
                "rows that are copied are multiples of 16 bytes: else load by "
                "elements");
  static_assert(attentionSharedBytes(C) <= (S::hopper ? 232448 : 166912),
                "the tiles do not fit into shared memory: fewer keys, rows or "
                "stages");
}

/// Products of a warp (sm_80) or of a warpgroup (sm_90a); fragments hold, for
/// every eight columns, two of row `lane / 4` and two of row `lane / 4 + 8`.
template <AttentionConfiguration C, class T>
struct AttentionProducts {
  using S = AttentionShape<C>;
  static constexpr int scoreCount = S::keysOfWarp / 2;
  static constexpr int outputCount = S::columnsOfWarp / 2;

  /// scores = queries · keysᵀ for the warp's rows and keys.
  static void scores(float (&d)[scoreCount], u32 query, u32 keys, int row,
                     int share) {
    if constexpr (S::hopper) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
      wgmmaFence();
      bool accumulate = false;
#pragma unroll
      for (int part = 0; part < C.parts; ++part)
#pragma unroll
        for (int k = 0; k < C.partSize[part]; k += 16) {
          const int box = (S::partAt(part) + k) / 64;
          wgmmaShared<T, S::keysOfWarp, false>(
              d, describeRows(query + box * S::queryBoxBytes, k % 64),
              describeRows(keys + box * S::keyBoxBytes +
                               share * (S::keysOfWarp * boxRowBytes),
                           k % 64),
              accumulate);
          accumulate = true;
        }
      wgmmaCommit();
      wgmmaWait<0>();
      pinRegisters(d);
#endif
    } else {
#pragma unroll
      for (int i = 0; i < scoreCount; ++i)
        d[i] = 0;
#pragma unroll
      for (int part = 0; part < C.parts; ++part)
#pragma unroll 4
        for (int k = 0; k < C.partSize[part]; k += 16) {
          u32 a[4], b[4];
          const int column = S::partAt(part) + k;
          loadA<C.tileRows>(a, query, row, column);
#pragma unroll
          for (int n = 0; n < S::keysOfWarp; n += 16) {
            loadBTransposed<C.tileKeys>(b, keys, share * S::keysOfWarp + n,
                                        column);
            float (&even)[4] = *reinterpret_cast<float (*)[4]>(d + n / 2);
            float (&odd)[4] = *reinterpret_cast<float (*)[4]>(d + n / 2 + 4);
            multiply16x8x16<T>(even, a, b[0], b[1]);
            multiply16x8x16<T>(odd, a, b[2], b[3]);
          }
        }
    }
  }

  /// output += weights · values for the warp's rows and columns; weights are in
  /// registers (one warp has all keys of its rows) or in shared memory.
  static void output(float (&d)[outputCount], u32 (&own)[scoreCount / 2],
                     u32 weights, u32 values, int row, int share) {
    constexpr bool inRegisters = S::sharing == 1;
    if constexpr (S::hopper) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
      pinRegisters(d);
      if constexpr (inRegisters)
        pinRegisters(own);
      wgmmaFence();
#pragma unroll
      for (int k = 0; k < C.tileKeys; k += 16)
#pragma unroll
        for (int c = 0; c < S::columnsOfWarp; c += S::chunk) {
          auto &part = *reinterpret_cast<float (*)[S::chunk / 2]>(d + c / 2);
          const u64 b = describeColumns<C.tileKeys>(
              values + (share * S::columnsOfWarp + c) / 64 * S::keyBoxBytes, k);
          if constexpr (inRegisters) {
            const u32 a[4] = {own[k / 4], own[k / 4 + 1], own[k / 4 + 2],
                              own[k / 4 + 3]};
            wgmmaRegisters<T, S::chunk, true>(part, a, b, true);
          } else
            wgmmaShared<T, S::chunk, true>(part, describeRows(weights, k), b,
                                           true);
        }
      wgmmaCommit();
      wgmmaWait<0>();
      pinRegisters(d);
#endif
    } else {
#pragma unroll
      for (int k = 0; k < C.tileKeys; k += 16) {
        u32 a[4];
        if constexpr (inRegisters) {
#pragma unroll
          for (int i = 0; i < 4; ++i)
            a[i] = own[k / 4 + i];
        } else
          loadA<C.tileRows>(a, weights, row, k);
#pragma unroll
        for (int n = 0; n < S::columnsOfWarp; n += 16) {
          u32 b[4];
          loadBRowMajor<C.tileKeys>(b, values, share * S::columnsOfWarp + n, k);
          float (&even)[4] = *reinterpret_cast<float (*)[4]>(d + n / 2);
          float (&odd)[4] = *reinterpret_cast<float (*)[4]>(d + n / 2 + 4);
          multiply16x8x16<T>(even, a, b[0], b[1]);
          multiply16x8x16<T>(odd, a, b[2], b[3]);
        }
      }
    }
  }
};

/// Puts a tile of rows [row, columns] into shared memory: 64 columns a box.
/// `address(r)` is the row's first element or null.
template <AttentionConfiguration C, class T, int Rows, int Size, class Address>
void loadTile(u32 tile, Address address) {
  constexpr int threads = attentionThreads(C),
                boxes = attentionPadded(Size) / 64;
  if constexpr (C.load == Load::Element)
    fillValues<T, Rows, boxes, threads>(tile, threadIdx.x, [&](int r, int c) {
      const T *row = address(r);
      return row && c < Size ? load(row, c) : 0.0f;
    });
  else
    fillAsync<T, Rows, boxes, threads>(tile, threadIdx.x, Size, address);
}

template <AttentionConfiguration C, class T, class Arguments, class Epilogue>
void attentionTensor(const Arguments &a, const Epilogue &epilogue,
                     const void *dynamic) {
  checkAttention<C>();
  using S = AttentionShape<C>;
  using Products = AttentionProducts<C, T>;
  constexpr bool maps = C.load == Load::TensorMap;
  constexpr bool copies = C.load == Load::Vector;
  const u32 query = alignedShared(dynamic), stages = query + S::queryBytes;
  const u32 weightTile = stages + C.stages * S::stageBytes;
  __shared__ float sharedTops[S::sharing][C.tileRows];
  const AttentionPlace<C> place(a);
  const int head = place.group * C.headsPerGroup;
  const int lane = laneIndex(), warp = warpIndex();
  const int rowOfWarp = warp % S::warpsM * 16, share = warp / S::warpsM;
  const int row = rowOfWarp + lane / 4; // and row + 8
  const Index valueHead = head / (a.heads / a.valueHeads);
  const Strides valueStrides =
      completeStrides(a.valueStrides, a.valueHeads, a.keys, C.valueSize);
  const T *const value = a.value + place.batch * valueStrides.batch +
                         valueHead * valueStrides.head;

  __shared__ alignas(8) u64 barriers[C.stages];
  const u32 full = sharedAddress(barriers);
  if constexpr (maps) {
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < C.stages; ++stage)
        barrierInitialise(full + 8 * stage, 1);
      barrierInitialised();
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
      for (int part = 0; part < C.parts; ++part)
        prefetchMap(a.part[part].keyMap);
      if constexpr (!C.valueIsKey)
        prefetchMap(a.valueMap);
#endif
    }
    __syncthreads();
  }

  auto loadQuery = [&]<int Part>() {
    const AttentionPart<T> &part = a.part[Part];
    constexpr int size = C.partSize[Part];
    const Strides s =
        completeStrides(part.queryStrides, a.heads, a.queries, size);
    loadTile<C, T, C.tileRows, size>(
        query + S::partAt(Part) / 64 * S::queryBoxBytes,
        [&](int r) -> const T * {
          const int row = place.first + r;
          return row < place.rows
                     ? part.query + place.batch * s.batch +
                           place.head(row) * s.head + place.query(row) * s.row
                     : nullptr;
        });
  };
  auto loadRows = [&]<int Size>(u32 tile, const T *base, Index pitch,
                                int begin) {
    loadTile<C, T, C.tileKeys, Size>(tile, [&](int r) -> const T * {
      return begin + r < place.end
                 ? base + static_cast<Index>(begin + r) * pitch
                 : nullptr;
    });
  };
  auto copyRows = [&]<int Size>(u32 tile, const TensorMap *map, int begin,
                                Index head, u32 barrier) {
#pragma unroll
    for (int box = 0; box < attentionPadded(Size) / 64; ++box)
      copyTensor4(tile + box * S::keyBoxBytes, map, box * 64, begin,
                  static_cast<int>(head), place.batch, barrier);
  };
  // A tile that ends before the keys do is copied by the threads: what lies
  // behind the entries of a shorter sequence may be anything.
  auto endsEarly = [&](int begin) {
    return maps && C.mask == MaskKind::Causal && place.end < a.keys &&
           begin + C.tileKeys > place.end;
  };
  auto loadKeys = [&]<int Part, bool ByMap>(u32 stage, int begin, u32 barrier) {
    const AttentionPart<T> &part = a.part[Part];
    constexpr int size = C.partSize[Part];
    const u32 tile = stage + S::partAt(Part) / 64 * S::keyBoxBytes;
    const Index keyHead = head / (a.heads / part.keyHeads);
    if constexpr (ByMap)
      copyRows.template operator()<size>(tile, part.keyMap, begin, keyHead,
                                         barrier);
    else {
      const Strides s =
          completeStrides(part.keyStrides, part.keyHeads, a.keys, size);
      loadRows.template operator()<size>(
          tile, part.key + place.batch * s.batch + keyHead * s.head, s.row,
          begin);
    }
  };
  auto loadAll = [&]<bool ByMap>(u32 stage, int begin, u32 barrier) {
    loadKeys.template operator()<0, ByMap>(stage, begin, barrier);
    if constexpr (C.parts > 1)
      loadKeys.template operator()<1, ByMap>(stage, begin, barrier);
    if constexpr (C.parts > 2)
      loadKeys.template operator()<2, ByMap>(stage, begin, barrier);
    if constexpr (!C.valueIsKey) {
      if constexpr (ByMap)
        copyRows.template operator()<C.valueSize>(
            stage + S::keyBytes, a.valueMap, begin, valueHead, barrier);
      else
        loadRows.template operator()<C.valueSize>(stage + S::keyBytes, value,
                                                  valueStrides.row, begin);
    }
  };
  // Starts loading the tile of keys and values from `begin` on.
  auto loadStage = [&](int tileIndex, int begin) {
    const int at = tileIndex % C.stages;
    const u32 stage = stages + at * S::stageBytes, barrier = full + 8 * at;
    if (begin < place.end) {
      if constexpr (maps) {
        if (endsEarly(begin)) {
          loadAll.template operator()<false>(stage, begin, barrier);
          copyAsyncCommit();
        } else if (threadIdx.x == 0) {
          barrierArriveExpect(barrier, S::stageBytes);
          loadAll.template operator()<true>(stage, begin, barrier);
        }
      } else
        loadAll.template operator()<false>(stage, begin, barrier);
    }
    if constexpr (copies)
      copyAsyncCommit();
  };

  loadQuery.template operator()<0>();
  if constexpr (C.parts > 1)
    loadQuery.template operator()<1>();
  if constexpr (C.parts > 2)
    loadQuery.template operator()<2>();
  loadStage(0, place.begin);
  if constexpr (maps)
    copyAsyncCommit(); // the queries

  float output[Products::outputCount];
#pragma unroll
  for (int i = 0; i < Products::outputCount; ++i)
    output[i] = 0;
  // Of rows `row` and `row + 8`; sums are of this thread's keys alone.
  float tops[2] = {-infinity(), -infinity()}, sums[2] = {0, 0};

  int tileIndex = 0;
#pragma unroll 1
  for (int begin = place.begin; begin < place.end;
       begin += C.tileKeys, ++tileIndex) {
    const int at = tileIndex % C.stages;
    const u32 stage = stages + at * S::stageBytes;
    const bool early = endsEarly(begin);
    if (copies || (maps && (early || tileIndex == 0)))
      copyAsyncWait<0>();
    // wgmma reads what cp.async wrote: queries, and tiles without maps.
    if (S::hopper && (!maps || early || tileIndex == 0))
      fenceAsyncProxy();
    if constexpr (maps)
      if (!early)
        barrierWait(full + 8 * at, tileIndex / C.stages & 1);
    // The tile has landed for all, and all have done with the tile before.
    __syncthreads();
    if constexpr (C.stages == 2)
      loadStage(tileIndex + 1, begin + C.tileKeys);

    float scores[Products::scoreCount];
    Products::scores(scores, query, stage, rowOfWarp, share);
    float own[2] = {-infinity(), -infinity()};
#pragma unroll
    for (int i = 0; i < Products::scoreCount; ++i) {
      const int half = i / 2 % 2;
      const int key = share * S::keysOfWarp + i / 4 * 8 + lane % 4 * 2 + i % 2;
      scores[i] = maskScore<C>(a, place, place.first + row + 8 * half,
                               begin + key, scores[i]);
      own[half] = fmaxf(own[half], scores[i]);
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      own[half] = fmaxf(own[half], __shfl_xor_sync(0xFFFFFFFFu, own[half], 1));
      own[half] = fmaxf(own[half], __shfl_xor_sync(0xFFFFFFFFu, own[half], 2));
      if constexpr (S::sharing > 1)
        if (lane % 4 == 0)
          sharedTops[share][row + 8 * half] = own[half];
    }
    if constexpr (S::sharing > 1)
      __syncthreads();
    // Of a row that has seen no key yet all weights are exp2(-infinity) = 0.
    float factors[2], bases[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float top = fmaxf(tops[half], own[half]);
      if constexpr (S::sharing > 1)
#pragma unroll
        for (int other = 0; other < S::sharing; ++other)
          top = fmaxf(top, sharedTops[other][row + 8 * half]);
      bases[half] = top == -infinity() ? 0.0f : top;
      factors[half] = exp2f(tops[half] - bases[half]);
      tops[half] = top;
      sums[half] *= factors[half];
    }
    u32 weights[Products::scoreCount / 2];
#pragma unroll
    for (int i = 0; i < Products::scoreCount; i += 2) {
      const int half = i / 2 % 2;
      const float first = exp2f(scores[i] - bases[half]);
      const float second = exp2f(scores[i + 1] - bases[half]);
      sums[half] += first + second;
      weights[i / 2] = packPair<T>(first, second);
      if constexpr (S::sharing > 1)
        storeShared4(elementAddress<C.tileRows>(weightTile, row + 8 * half,
                                                share * S::keysOfWarp +
                                                    i / 4 * 8 + lane % 4 * 2),
                     weights[i / 2]);
    }
#pragma unroll
    for (int i = 0; i < Products::outputCount; ++i)
      output[i] *= factors[i / 2 % 2];
    if constexpr (S::sharing > 1) {
      if constexpr (S::hopper)
        fenceAsyncProxy();
      __syncthreads();
    }
    Products::output(output, weights, weightTile,
                     C.valueIsKey ? stage : stage + S::keyBytes, rowOfWarp,
                     share);
    if constexpr (C.stages == 1) {
      __syncthreads();
      loadStage(tileIndex + 1, begin + C.tileKeys);
    }
  }

  // The sums of all keys.
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    sums[half] += __shfl_xor_sync(0xFFFFFFFFu, sums[half], 1);
    sums[half] += __shfl_xor_sync(0xFFFFFFFFu, sums[half], 2);
  }
  if constexpr (S::sharing > 1) {
    // All have read the maxima: they shared the weights after that.
    if (lane % 4 == 0) {
      sharedTops[share][row] = sums[0];
      sharedTops[share][row + 8] = sums[1];
    }
    __syncthreads();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      sums[half] = 0;
#pragma unroll
      for (int other = 0; other < S::sharing; ++other)
        sums[half] += sharedTops[other][row + 8 * half];
    }
  }
  const AttentionSink<C, Arguments, Epilogue> sink(a, place, epilogue);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int at = place.first + row + 8 * half;
    if (at >= place.rows)
      continue;
    const bool masked = sums[half] == 0.0f;
    if (share == 0 && lane % 4 == 0)
      sink.lse(at, logSumExp(tops[half], sums[half]));
    const float scale = masked ? 0.0f : 1.0f / sums[half];
#pragma unroll
    for (int i = 2 * half; i < Products::outputCount; i += 4)
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const int column =
            share * S::columnsOfWarp + i / 4 * 8 + lane % 4 * 2 + j;
        if (S::valueColumns == C.valueSize || column < C.valueSize)
          sink.value(at, column,
                     !masked   ? output[i + j] * scale
                     : C.split ? partialMaskedValue<C>(value, valueStrides.row,
                                                       place, column)
                               : maskedValue<C.maskedRow>(
                                     value, valueStrides.row, a.keys, column));
      }
  }
}

} // namespace trine::kernels

#endif
