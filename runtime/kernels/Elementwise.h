// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Anything that computes each element on its own.
#ifndef TRINE_RUNTIME_KERNELS_ELEMENTWISE_H
#define TRINE_RUNTIME_KERNELS_ELEMENTWISE_H

#include "Functions.h"

namespace trine::kernels {

/// functor(i) for 0 <= i < count. Right for any number of workgroups.
template <class Functor>
void elementwise(Index count, const Functor &functor) {
  constexpr int tile = elementwiseThreads * elementwisePerThread;
  for (Index base = blockIdx.x * static_cast<Index>(tile); base < count;
       base += gridDim.x * static_cast<Index>(tile)) {
#pragma unroll
    for (int j = 0; j < elementwisePerThread; ++j) {
      const Index i = base + threadIdx.x + j * elementwiseThreads;
      if (i < count)
        functor(i);
    }
  }
}

} // namespace trine::kernels

#endif
