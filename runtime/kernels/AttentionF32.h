// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Attention in f32 by fused multiply-adds, for any sizes and addresses.
#ifndef TRINE_RUNTIME_KERNELS_ATTENTIONF32_H
#define TRINE_RUNTIME_KERNELS_ATTENTIONF32_H

#include "AttentionArguments.h"

namespace trine::kernels {

template <AttentionConfiguration C, class Arguments, class Epilogue>
void attentionF32(const Arguments &a, const Epilogue &epilogue, float *shared) {
  static_assert(C.tileRows == 16 && C.tileKeys == 32,
                "f32 attention has tiles of 16 rows and 32 keys");
  static_assert(C.load == Load::Element, "f32 attention loads by elements");
  constexpr int threads = 128, rows = C.tileRows, keys = C.tileKeys;
  constexpr int width0 = C.partSize[0],
                width1 = C.parts > 1 ? C.partSize[1] : 0,
                width2 = C.parts > 2 ? C.partSize[2] : 0;
  constexpr int width = width0 + width1 + width2;
  constexpr int pitchQ = width + 1;
  constexpr int pitchK = (width > C.valueSize ? width : C.valueSize) + 1;
  constexpr int pitchP = keys;
  constexpr int columns = (C.valueSize + threads - 1) / threads;
  float *const queryTile = shared, *const keyTile = queryTile + rows * pitchQ;
  float *const weights = keyTile + keys * pitchK;
  float *const tops = weights + rows * pitchP, *const sums = tops + rows;
  float *const factors = sums + rows;
  const int thread = threadIdx.x;
  const AttentionPlace<C> place(a);

  // Parts stand behind one another in a row of the tiles.
  auto loadQuery = [&]<int Part, int At>() {
    constexpr int size = C.partSize[Part];
    const Strides s =
        completeStrides(a.part[Part].queryStrides, a.heads, a.queries, size);
    for (int i = thread; i < rows * size; i += threads) {
      const int row = place.first + i / size;
      queryTile[i / size * pitchQ + At + i % size] =
          row < place.rows
              ? a.part[Part]
                    .query[place.batch * s.batch + place.head(row) * s.head +
                           place.query(row) * s.row + i % size]
              : 0.0f;
    }
  };
  loadQuery.template operator()<0, 0>();
  if constexpr (C.parts > 1)
    loadQuery.template operator()<1, width0>();
  if constexpr (C.parts > 2)
    loadQuery.template operator()<2, width0 + width1>();
  if (thread < rows) {
    tops[thread] = -infinity();
    sums[thread] = 0;
  }
  float outputs[columns][rows] = {};
  const int head = place.group * C.headsPerGroup;
  const Strides valueStrides =
      completeStrides(a.valueStrides, a.valueHeads, a.keys, C.valueSize);
  const auto *const value = a.value + place.batch * valueStrides.batch +
                            head / (a.heads / a.valueHeads) * valueStrides.head;

#pragma unroll 1
  for (int begin = place.begin; begin < place.end; begin += keys) {
    __syncthreads();
    auto loadKeys = [&]<int Part, int At>() {
      constexpr int size = C.partSize[Part];
      const Index keyHeads = a.part[Part].keyHeads;
      const Strides s =
          completeStrides(a.part[Part].keyStrides, keyHeads, a.keys, size);
      const auto *const key = a.part[Part].key + place.batch * s.batch +
                              head / (a.heads / keyHeads) * s.head;
      for (int i = thread; i < keys * size; i += threads)
        keyTile[i / size * pitchK + At + i % size] =
            begin + i / size < place.end
                ? key[(begin + i / size) * s.row + i % size]
                : 0.0f;
    };
    loadKeys.template operator()<0, 0>();
    if constexpr (C.parts > 1)
      loadKeys.template operator()<1, width0>();
    if constexpr (C.parts > 2)
      loadKeys.template operator()<2, width0 + width1>();
    __syncthreads();
    // Eight threads have a row: keys thread % 8, + 8, + 16, + 24.
    const int row = thread / 8;
    float scores[keys / 8], top = -infinity();
#pragma unroll
    for (int j = 0; j < keys / 8; ++j) {
      const int key = thread % 8 + 8 * j;
      float product = 0;
      for (int c = 0; c < width; ++c)
        product = fmaf(queryTile[row * pitchQ + c], keyTile[key * pitchK + c],
                       product);
      scores[j] =
          maskScore<C>(a, place, place.first + row, begin + key, product);
      top = fmaxf(top, scores[j]);
    }
#pragma unroll
    for (int distance = 1; distance < 8; distance *= 2)
      top = fmaxf(top, __shfl_xor_sync(0xFFFFFFFFu, top, distance));
    const float before = tops[row];
    top = fmaxf(top, before);
    // Of a row that has seen no key yet all weights are exp2(-infinity) = 0.
    const float base = top == -infinity() ? 0.0f : top;
    float sum = 0;
#pragma unroll
    for (int j = 0; j < keys / 8; ++j) {
      const float weight = exp2f(scores[j] - base);
      weights[row * pitchP + thread % 8 + 8 * j] = weight;
      sum += weight;
    }
#pragma unroll
    for (int distance = 1; distance < 8; distance *= 2)
      sum += __shfl_xor_sync(0xFFFFFFFFu, sum, distance);
    __syncwarp(); // all eight have read the row's maximum
    if (thread % 8 == 0) {
      const float factor = exp2f(before - base);
      factors[row] = factor;
      sums[row] = sums[row] * factor + sum;
      tops[row] = top;
    }
    __syncthreads();
    if constexpr (!C.valueIsKey) {
      for (int i = thread; i < keys * C.valueSize; i += threads) {
        const Index key = begin + i / C.valueSize;
        keyTile[i / C.valueSize * pitchK + i % C.valueSize] =
            key < place.end ? value[key * valueStrides.row + i % C.valueSize]
                            : 0.0f;
      }
      __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < columns; ++j) {
      const int column = thread + threads * j;
      if (column < C.valueSize) {
#pragma unroll
        for (int r = 0; r < rows; ++r)
          outputs[j][r] *= factors[r];
#pragma unroll 4
        for (int key = 0; key < keys; ++key) {
          const float x = keyTile[key * pitchK + column];
#pragma unroll
          for (int r = 0; r < rows; ++r)
            outputs[j][r] = fmaf(weights[r * pitchP + key], x, outputs[j][r]);
        }
      }
    }
  }
  __syncthreads();
  const AttentionSink<C, Arguments, Epilogue> sink(a, place, epilogue);
#pragma unroll
  for (int r = 0; r < rows; ++r) {
    const int row = place.first + r;
    if (row >= place.rows)
      break;
    const bool masked = sums[r] == 0.0f;
    if (thread == 0)
      sink.lse(row, logSumExp(tops[r], sums[r]));
#pragma unroll
    for (int j = 0; j < columns; ++j) {
      const int column = thread + threads * j;
      if (column < C.valueSize)
        sink.value(row, column,
                   !masked   ? outputs[j][r] / sums[r]
                   : C.split ? partialMaskedValue<C>(value, valueStrides.row,
                                                     place, column)
                             : maskedValue<C.maskedRow>(value, valueStrides.row,
                                                        a.keys, column));
    }
  }
}

} // namespace trine::kernels

#endif
