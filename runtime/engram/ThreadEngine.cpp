// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "IoEngine.h"
#include "core/Thread.h"
#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <unistd.h>
#include <vector>

using namespace trine::runtime;
using namespace trine::runtime::engram;

namespace {

class ThreadQueue;

class ThreadEngine : public IoEngine {
public:
  ThreadEngine(uint32_t count, trine_engram_read_function function,
               void *context)
      : function(function), context(context), threads(count) {}
  ~ThreadEngine() override {
    {
      std::lock_guard<std::mutex> lock(mutex);
      closing = true;
    }
    hasWork.notify_all();
    for (Thread &thread : threads)
      thread.join();
  }
  Status start();
  std::unique_ptr<IoQueue> createQueue(uint32_t depth) override;

private:
  friend class ThreadQueue;
  void work();
  int64_t perform(const Read &read);

  trine_engram_read_function function;
  void *context;
  std::mutex mutex;
  std::condition_variable hasWork;
  std::deque<std::pair<Read, ThreadQueue *>> waiting;
  bool closing = false;
  std::vector<Thread> threads;
};

class ThreadQueue : public IoQueue {
public:
  explicit ThreadQueue(ThreadEngine &engine) : engine(engine) {}

  void submit(const Read &read) override {
    {
      std::lock_guard<std::mutex> lock(engine.mutex);
      engine.waiting.emplace_back(read, this);
    }
    engine.hasWork.notify_one();
  }

  uint64_t wait(Completion *completions, uint64_t capacity) override {
    std::unique_lock<std::mutex> lock(mutex);
    hasDone.wait(lock, [this] { return !done.empty(); });
    uint64_t count = std::min<uint64_t>(capacity, done.size());
    std::copy(done.begin(), done.begin() + count, completions);
    done.erase(done.begin(), done.begin() + count);
    return count;
  }

  void complete(Completion completion) {
    // Notified under the lock: the queue may be gone right after it.
    std::lock_guard<std::mutex> lock(mutex);
    done.push_back(completion);
    hasDone.notify_one();
  }

private:
  ThreadEngine &engine;
  std::mutex mutex;
  std::condition_variable hasDone;
  std::vector<Completion> done;
};

} // namespace

Status ThreadEngine::start() {
  for (size_t i = 0; i < threads.size(); ++i)
    if (int error = threads[i].start([this] { work(); }))
      return Status(
          TRINE_ERROR_OUT_OF_MEMORY,
          concat("reading thread ", i + 1, " of ", threads.size(),
                 " of the store cannot be started: ", describeErrno(error)));
  return Status();
}

int64_t ThreadEngine::perform(const Read &read) {
  if (function)
    return function(context, read.file, read.offset, read.bytes, read.memory);
  ssize_t got = pread(read.file, read.memory, read.bytes,
                      static_cast<off_t>(read.offset));
  return got < 0 ? -errno : got;
}

void ThreadEngine::work() {
  for (;;) {
    std::unique_lock<std::mutex> lock(mutex);
    hasWork.wait(lock, [this] { return closing || !waiting.empty(); });
    if (waiting.empty())
      return;
    auto [read, queue] = waiting.front();
    waiting.pop_front();
    lock.unlock();
    queue->complete({read.tag, perform(read)});
  }
}

std::unique_ptr<IoQueue> ThreadEngine::createQueue(uint32_t depth) {
  return std::make_unique<ThreadQueue>(*this);
}

Status trine::runtime::engram::createThreadEngine(
    uint32_t threads, trine_engram_read_function function, void *context,
    std::unique_ptr<IoEngine> &engine) {
  auto created = std::make_unique<ThreadEngine>(threads, function, context);
  Status status = created->start();
  if (status.ok())
    engine = std::move(created);
  return status;
}
