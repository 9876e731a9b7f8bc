// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ThreadPool.h"
#include <algorithm>
#include <cerrno>
#include <cfenv>
#include <csignal>
#include <new>
#include <sched.h>
#include <unistd.h>

using namespace trine::runtime;

/// Launches of one step follow each other closely: a thread looks this often
/// for the next loop (some 20 microseconds) before it sleeps.
static constexpr int spinRounds = 500;

static void pauseThread() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

uint32_t ThreadPool::getDefaultThreadCount() {
  cpu_set_t set;
  CPU_ZERO(&set);
  long count = sched_getaffinity(0, sizeof(set), &set) == 0
                   ? CPU_COUNT(&set)
                   : sysconf(_SC_NPROCESSORS_ONLN);
  return static_cast<uint32_t>(std::clamp(count, 1L, long(maximumThreads)));
}

Status ThreadPool::start(uint32_t threads) {
  threadCount = threads;
  if (threads <= 1)
    return Status();
  workers.reset(new (std::nothrow) Worker[threads - 1]);
  if (!workers)
    return Status(TRINE_ERROR_OUT_OF_MEMORY, "no memory for threads");
  // Signals are the application's: its own threads handle them.
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  int error = 0;
  for (; started < threads - 1; ++started) {
    Worker &worker = workers[started];
    worker.pool = this;
    worker.index = started + 1;
    error = pthread_create(&worker.thread, nullptr, workerMain, &worker);
    if (error)
      break;
  }
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  // Until all run, so that no step pays for their beginnings.
  std::unique_lock<std::mutex> lock(mutex);
  finished.wait(lock, [&] { return alive == started; });
  if (error)
    return Status(TRINE_ERROR_OUT_OF_MEMORY,
                  concat("thread ", started + 1, " of ", threads,
                         " cannot be started: ", describeErrno(error)));
  return Status();
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (uint32_t i = 0; i < started; ++i)
    pthread_join(workers[i].thread, nullptr);
}

void *ThreadPool::workerMain(void *argument) {
  Worker *worker = static_cast<Worker *>(argument);
  // Threads inherit modes such as flush-to-zero; a result must not depend on
  // the thread that made it.
  std::fesetenv(FE_DFL_ENV);
  ThreadPool &pool = *worker->pool;
  {
    std::lock_guard<std::mutex> lock(pool.mutex);
    ++pool.alive;
  }
  pool.finished.notify_one();
  pool.work(worker->index);
  return nullptr;
}

void ThreadPool::work(uint32_t thread) {
  while (true) {
    int round = 0;
    while (remaining.load(std::memory_order_relaxed) == 0 &&
           !stopping.load(std::memory_order_relaxed) && round++ < spinRounds)
      pauseThread();
    if (remaining.load() == 0) {
      std::unique_lock<std::mutex> lock(mutex);
      // Before the last look at `remaining`: run() writes that first, and looks
      // for sleepers afterwards.
      ++sleepers;
      wake.wait(lock, [&] { return remaining.load() > 0 || stopping; });
      --sleepers;
    }
    while (runChunk(thread)) {
    }
    if (stopping)
      return;
  }
}

bool ThreadPool::runChunk(uint32_t thread) {
  uint32_t left = remaining.load();
  do {
    if (left == 0)
      return false;
  } while (!remaining.compare_exchange_weak(left, left - 1));
  // The loop cannot end, and its description not change, before this chunk is
  // counted as done.
  uint32_t all = chunks;
  uint64_t index = all - left;
  // Chunks differ in size by at most one.
  uint64_t small = count / all, larger = count % all;
  uint64_t begin = index * small + std::min(index, larger);
  uint64_t end = begin + small + (index < larger ? 1 : 0);
  body(context, begin, end, thread);
  if (done.fetch_add(1) + 1 == all && callerSleeps.load()) {
    std::lock_guard<std::mutex> lock(mutex);
    finished.notify_one();
  }
  return true;
}

void ThreadPool::run(uint64_t loopCount, Body loopBody, void *loopContext) {
  if (loopCount == 0)
    return;
  if (loopCount == 1 || threadCount == 1) {
    loopBody(loopContext, 0, loopCount, 0);
    return;
  }
  body = loopBody;
  context = loopContext;
  count = loopCount;
  // Some chunks for each thread, so that a slow one does not hold up the rest.
  chunks = static_cast<uint32_t>(
      std::min<uint64_t>(loopCount, uint64_t(threadCount) * 4));
  done = 0;
  remaining.store(chunks);
  if (sleepers.load() > 0) {
    // A sleeper is either waiting, or has yet to look at `remaining`.
    {
      std::lock_guard<std::mutex> lock(mutex);
    }
    wake.notify_all();
  }
  while (runChunk(0)) {
  }
  for (int round = 0; done.load() != chunks && round < spinRounds; ++round)
    pauseThread();
  if (done.load() != chunks) {
    std::unique_lock<std::mutex> lock(mutex);
    callerSleeps = true;
    finished.wait(lock, [&] { return done.load() == chunks; });
    callerSleeps = false;
  }
}
