// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ThreadStarts.h"
#include "core/Thread.h"
#include "core/ThreadPool.h"
#include "device/host/HostDevice.h"
#include <gtest/gtest.h>
#include <thread>

using namespace trine::runtime;

namespace {
struct Loop {
  explicit Loop(size_t count) : visits(count) {}
  std::vector<std::atomic<int>> visits;
  std::atomic<uint32_t> threads{0}; // one bit each
  int delay = 0;                    // microseconds in each chunk
};
} // namespace

static void visit(void *context, uint64_t begin, uint64_t end,
                  uint32_t thread) {
  Loop *loop = static_cast<Loop *>(context);
  loop->threads |= 1u << thread;
  for (uint64_t i = begin; i < end; ++i)
    ++loop->visits[i];
  if (loop->delay)
    std::this_thread::sleep_for(std::chrono::microseconds(loop->delay));
}

TEST(ThreadPool, RunsEachPartOnce) {
  for (uint32_t threads : {1, 2, 3, 7}) {
    ThreadPool pool;
    ASSERT_TRUE(pool.start(threads).ok());
    EXPECT_EQ(pool.getThreadCount(), threads);
    for (uint64_t count : {0, 1, 2, 3, 5, 8, 27, 28, 29, 1000})
      for (int repeat = 0; repeat < 20; ++repeat) {
        Loop loop(count);
        pool.run(count, visit, &loop);
        for (uint64_t i = 0; i < count; ++i)
          ASSERT_EQ(loop.visits[i], 1) << i << " of " << count;
      }
  }
}

TEST(ThreadPool, OnePartRunsOnTheCaller) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(4).ok());
  std::thread::id where;
  pool.run(
      1,
      [](void *context, uint64_t, uint64_t, uint32_t thread) {
        EXPECT_EQ(thread, 0u);
        *static_cast<std::thread::id *>(context) = std::this_thread::get_id();
      },
      &where);
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(ThreadPool, UsesItsThreads) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(3).ok());
  Loop loop(12);
  loop.delay = 20000;
  pool.run(12, visit, &loop);
  EXPECT_EQ(loop.threads, 7u);
}

TEST(ThreadPool, WakesAfterSleep) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(2).ok());
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    Loop loop(100);
    loop.delay = 100;
    pool.run(100, visit, &loop);
    for (auto &visits : loop.visits)
      ASSERT_EQ(visits, 1);
  }
}

TEST(ThreadPool, SurvivesManyShortLoops) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(4).ok());
  Loop loop(16);
  for (int i = 0; i < 20000; ++i)
    pool.run(16, visit, &loop);
  for (auto &visits : loop.visits)
    EXPECT_EQ(visits, 20000);
}

TEST(ThreadPool, StopsAtOnce) {
  for (int i = 0; i < 50; ++i) {
    ThreadPool pool;
    ASSERT_TRUE(pool.start(4).ok());
  }
}

TEST(ThreadPool, SaysWhichThreadDoesNotStart) {
  ThreadPool pool;
  trine::test::LimitedThreadStarts two(2);
  Status status = pool.start(5);
  EXPECT_EQ(status.getCode(), TRINE_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(status.getMessage(), "thread 3 of 5 cannot be started: Resource "
                                 "temporarily unavailable");
}

TEST(Thread, StartsOrSaysWhyNot) {
  std::atomic<int> calls{0};
  Thread thread;
  {
    trine::test::LimitedThreadStarts none(0);
    EXPECT_EQ(thread.start([&] { ++calls; }), EAGAIN);
    EXPECT_FALSE(thread.isStarted());
    thread.join();
  }
  for (int i = 1; i <= 2; ++i) {
    ASSERT_EQ(thread.start([&] { ++calls; }), 0);
    EXPECT_TRUE(thread.isStarted());
    thread.join();
    EXPECT_FALSE(thread.isStarted());
    EXPECT_EQ(calls, i);
  }
}

TEST(HostDevice, HasNoDisk) {
  HostDevice device(nullptr, 0, /*profile=*/false);
  ASSERT_TRUE(device.start(1).ok());
  void *memory = &device;
  EXPECT_EQ(device.allocate(TRINE_SPACE_DISK, 64, &memory), TRINE_ERROR_DEVICE);
  EXPECT_EQ(device.getMessage(), "device 'host' has no memory space 3");
  EXPECT_EQ(memory, nullptr);
}

TEST(ThreadPool, KnowsCpus) {
  EXPECT_GE(ThreadPool::getDefaultThreadCount(), 1u);
}
