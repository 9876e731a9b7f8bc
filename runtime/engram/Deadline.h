// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Waiting for at most so many milliseconds, as callers give them.
#ifndef TRINE_RUNTIME_ENGRAM_DEADLINE_H
#define TRINE_RUNTIME_ENGRAM_DEADLINE_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace trine::runtime::engram {

/// Waits for `changed` until `isDone`; false when the time was over before.
/// More than a year (UINT64_MAX: none) is no deadline: it must not overflow
/// one.
template <typename Predicate>
bool waitUntil(Predicate isDone, uint64_t milliseconds,
               std::condition_variable &changed,
               std::unique_lock<std::mutex> &lock) {
  constexpr uint64_t kYear = uint64_t(365) * 24 * 3600 * 1000;
  if (milliseconds <= kYear)
    return changed.wait_for(lock, std::chrono::milliseconds(milliseconds),
                            isDone);
  changed.wait(lock, isDone);
  return true;
}

} // namespace trine::runtime::engram

#endif
