// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reductions. The order of combining depends on sizes alone, so results are
/// the same in every run; combine must be associative and commutative up to
/// rounding.
#ifndef TRINE_RUNTIME_KERNELS_REDUCE_H
#define TRINE_RUNTIME_KERNELS_REDUCE_H

#include "PTX.h"

namespace trine::kernels {

/// A value from the lane whose index differs by `mask`, word by word.
template <class Value>
Value shuffleXor(const Value &value, int mask) {
  static_assert(sizeof(Value) % 4 == 0,
                "a value that is reduced is a multiple of four bytes");
  Value result;
  u32 words[sizeof(Value) / 4];
  memcpy(words, &value, sizeof(Value));
#pragma unroll
  for (u32 &word : words)
    word = __shfl_xor_sync(0xFFFFFFFFu, word, mask);
  memcpy(&result, words, sizeof(Value));
  return result;
}

/// The threads that reduce together, 1, 32 or 256 of a workgroup of 256, all
/// get the result. With 32 and 256 all of their lanes must come here.
template <ReduceBy By, class Value, class Combine>
Value reduceTogether(Value value, const Combine &combine) {
  static_assert(By != ReduceBy::Thread, "one thread has the result already");
  const int lane = laneIndex();
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const Value other = shuffleXor(value, distance);
    // The lower lane's value stands first in both.
    value = lane & distance ? combine(other, value) : combine(value, other);
  }
  if constexpr (By == ReduceBy::Workgroup) {
    constexpr int warps = reduceThreads / 32;
    __shared__ Value partial[warps];
    const int warp = warpIndex();
    __syncthreads(); // all have read what an earlier reduction left there
    if (lane == 0)
      partial[warp] = value;
    __syncthreads();
    value = partial[0];
#pragma unroll
    for (int w = 1; w < warps; ++w)
      value = combine(value, partial[w]);
  }
  return value;
}

/// For each element: functor.finish(element, the combination of
/// functor.map(element, r) for 0 <= r < length). functor.initial() is neutral,
/// and the result where length is 0.
template <ReduceConfiguration C, class Functor>
void reduce(Index elements, Index length, const Functor &functor) {
  constexpr int threads = static_cast<int>(C.by);
  const int thread = threadIdx.x % threads;
  const Index element =
      blockIdx.x * static_cast<Index>(reduceThreads / threads) +
      threadIdx.x / threads;
  if (element >= elements)
    return; // whole groups of threads
  auto value = functor.initial();
  for (Index r = thread; r < length; r += threads)
    value = functor.combine(value, functor.map(element, r));
  if constexpr (C.by != ReduceBy::Thread)
    value = reduceTogether<C.by>(value, [&](const auto &a, const auto &b) {
      return functor.combine(a, b);
    });
  if (thread == 0)
    functor.finish(element, value);
}

} // namespace trine::kernels

#endif
