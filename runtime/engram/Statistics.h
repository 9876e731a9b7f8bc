// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Counts of a table, as trine_engram_statistics.
#ifndef TRINE_RUNTIME_ENGRAM_STATISTICS_H
#define TRINE_RUNTIME_ENGRAM_STATISTICS_H

#include <atomic>
#include <chrono>
#include <cstdint>

namespace trine::runtime::engram {

struct Statistics {
  std::atomic<uint64_t> tickets{0}, rows{0}, uniqueRows{0}, memoryRows{0},
      cacheRows{0}, diskRows{0}, reads{0}, readBytes{0}, repeatedReads{0},
      checkedBlocks{0}, waitNanoseconds{0}, deliverNanoseconds{0}, failed{0},
      cancelled{0}, late{0}, full{0};
};

/// Adds the time of its life to a count.
class Stopwatch {
public:
  explicit Stopwatch(std::atomic<uint64_t> &count)
      : count(count), start(std::chrono::steady_clock::now()) {}
  ~Stopwatch() {
    count += static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::steady_clock::now() - start)
            .count());
  }

private:
  std::atomic<uint64_t> &count;
  std::chrono::steady_clock::time_point start;
};

} // namespace trine::runtime::engram

#endif
