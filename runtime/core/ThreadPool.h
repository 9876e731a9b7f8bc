// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// A fixed number of threads that share loops.
#ifndef TRINE_RUNTIME_CORE_THREADPOOL_H
#define TRINE_RUNTIME_CORE_THREADPOOL_H

#include "Status.h"
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <vector>

namespace trine::runtime {

/// Runs one loop at a time. The calling thread works as well: a pool of n has
/// n - 1 threads of its own. Which thread runs which part varies; a loop body
/// must not care.
class ThreadPool {
public:
  /// Runs [begin, end) on thread `thread` (0: the caller).
  using Body = void (*)(void *context, uint64_t begin, uint64_t end,
                        uint32_t thread);

  static constexpr uint32_t maximumThreads = 1024;

  ThreadPool() = default;
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  /// Starts the threads. Called once.
  Status start(uint32_t threads);

  uint32_t getThreadCount() const { return threadCount; }

  /// Runs body over [0, count), and returns when all of it is done. Allocates
  /// nothing. Not to be called from a body.
  void run(uint64_t count, Body body, void *context);

  /// As many threads as this process has CPUs.
  static uint32_t getDefaultThreadCount();

private:
  struct Worker {
    ThreadPool *pool;
    uint32_t index;
    pthread_t thread;
  };
  static void *workerMain(void *worker);
  void work(uint32_t thread);
  /// Runs one chunk of the current loop; false when none is left.
  bool runChunk(uint32_t thread);

  uint32_t threadCount = 1;
  std::unique_ptr<Worker[]> workers;
  uint32_t started = 0;
  uint32_t alive = 0; // of those started; guarded by `mutex`

  // The current loop. Written before `remaining` is, and not again before the
  // last chunk is done: whoever has taken a chunk may read them.
  Body body = nullptr;
  void *context = nullptr;
  uint64_t count = 0;
  uint32_t chunks = 0;

  /// Chunks that nobody has taken yet. On lines of their own: all threads spin
  /// on these.
  alignas(64) std::atomic<uint32_t> remaining{0};
  alignas(64) std::atomic<uint32_t> done{0};
  std::atomic<bool> callerSleeps{false};
  std::atomic<uint32_t> sleepers{0};
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable wake, finished;
};

} // namespace trine::runtime

#endif
