// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reductions over rows and what follows from them for each element: norms,
/// softmax.
#ifndef TRINE_RUNTIME_KERNELS_ROWS_H
#define TRINE_RUNTIME_KERNELS_ROWS_H

#include "Functions.h"
#include "Reduce.h"

namespace trine::kernels {

/// For each row functor.passes reductions, one after the other, each over its
/// columns; then functor.finish for each column, and functor.finishRow once.
/// A pass sees the results of the passes before it. A thread has the same
/// columns in each pass: with `Steps` it has at most so many, and the functor's
/// `Kept` of each stays in registers from pass to pass (what is read or
/// computed once, and used again). `pass` is a constant where it is passed on.
template <ReduceConfiguration C, int Steps = 0, class Functor>
void rows(Index count, const Functor &functor) {
  static_assert(Functor::passes >= 1 && Functor::passes <= 4,
                "there are one to four passes");
  constexpr int threads = static_cast<int>(C.by);
  const int thread = threadIdx.x % threads;
  const Index row = blockIdx.x * static_cast<Index>(rowsThreads / threads) +
                    threadIdx.x / threads;
  if (row >= count)
    return; // whole groups of threads
  typename Functor::Value results[Functor::passes];
  typename Functor::Kept kept[Steps > 0 ? Steps : 1];
  const auto forColumns = [&](Index columns, const auto &visit) {
    if constexpr (Steps > 0) {
#pragma unroll
      for (int step = 0; step < Steps; ++step)
        if (const Index column = thread + step * threads; column < columns)
          visit(column, kept[step]);
    } else {
      for (Index column = thread; column < columns; column += threads)
        visit(column, kept[0]);
    }
  };
#pragma unroll
  for (int pass = 0; pass < Functor::passes; ++pass) {
    auto value = functor.initial(pass);
    forColumns(functor.columns(pass),
               [&](Index column, typename Functor::Kept &own) {
                 value = functor.add(pass, value, row, column, results, own);
               });
    if constexpr (C.by != ReduceBy::Thread)
      value = reduceTogether<C.by>(value, [&](const auto &a, const auto &b) {
        return functor.combine(pass, a, b);
      });
    results[pass] = value;
  }
  forColumns(functor.columns(Functor::passes),
             [&](Index column, typename Functor::Kept &own) {
               functor.finish(row, column, results, own);
             });
  if (thread == 0)
    functor.finishRow(row, results);
}

/// Rows of a few elements, which a thread has in registers, whatever it does
/// with them: functor(row). `Threads` of a workgroup.
template <int Threads, class Functor>
void rowsInRegisters(Index count, const Functor &functor) {
  const Index row = blockIdx.x * static_cast<Index>(Threads) + threadIdx.x;
  if (row < count)
    functor(row);
}

} // namespace trine::kernels

#endif
