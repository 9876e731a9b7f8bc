// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Parts of engram-bench.
#ifndef TRINE_TOOLS_TRINE_BENCH_ENGRAMBENCH_H
#define TRINE_TOOLS_TRINE_BENCH_ENGRAMBENCH_H

#include "trine/Runtime/engram.h"
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace trine::bench {

/// Seconds since some fixed point.
inline double getTime() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// The least time of several calls, in seconds.
template <typename Function>
double measure(Function function, int rounds = 7) {
  double best = 1e30;
  for (int i = 0; i < rounds; ++i) {
    double start = getTime();
    function();
    double time = getTime() - start;
    best = time < best ? time : best;
  }
  return best;
}

int runHashBench();

} // namespace trine::bench

#endif
