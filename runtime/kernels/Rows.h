// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reductions over rows and what follows from them for each element: norms,
/// softmax.
#ifndef TRINE_RUNTIME_KERNELS_ROWS_H
#define TRINE_RUNTIME_KERNELS_ROWS_H

#include "Functions.h"
#include "Reduce.h"

namespace trine::kernels {

/// For each row: functor.passes reductions one after the other, each over the
/// row's columns, pass p of functor.map(p, row, column, results of the passes
/// before); then functor.finish(row, column, results) for each column. `pass`
/// is a constant where it is passed on.
template <ReduceConfiguration C, class Functor>
void rows(Index count, Index columns, const Functor &functor) {
  static_assert(C.by != ReduceBy::Thread,
                "a row is the work of a warp or of a workgroup");
  static_assert(Functor::passes >= 1 && Functor::passes <= 4,
                "there are one to four passes");
  constexpr int threads = static_cast<int>(C.by);
  const int thread = threadIdx.x % threads;
  const Index row = blockIdx.x * static_cast<Index>(rowsThreads / threads) +
                    threadIdx.x / threads;
  if (row >= count)
    return;
  typename Functor::Value results[Functor::passes];
#pragma unroll
  for (int pass = 0; pass < Functor::passes; ++pass) {
    auto value = functor.initial(pass);
    for (Index column = thread; column < columns; column += threads)
      value =
          functor.combine(pass, value, functor.map(pass, row, column, results));
    results[pass] =
        reduceTogether<C.by>(value, [&](const auto &a, const auto &b) {
          return functor.combine(pass, a, b);
        });
  }
  for (Index column = thread; column < columns; column += threads)
    functor.finish(row, column, results);
}

} // namespace trine::kernels

#endif
