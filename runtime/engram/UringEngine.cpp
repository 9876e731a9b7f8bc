// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "IoEngine.h"
#if defined(TRINE_HAS_LIBURING)
#include <algorithm>
#include <cerrno>
#include <deque>
#include <liburing.h>

using namespace trine::runtime::engram;

namespace {

class UringQueue : public IoQueue {
public:
  ~UringQueue() override {
    if (isOpen)
      io_uring_queue_exit(&ring);
  }

  bool open(uint32_t depth) {
    isOpen = io_uring_queue_init(depth, &ring, 0) == 0;
    return isOpen;
  }

  void submit(const Read &read) override {
    io_uring_sqe *entry = io_uring_get_sqe(&ring);
    if (!entry) { // the ring is full of what was not yet handed over
      io_uring_submit(&ring);
      entry = io_uring_get_sqe(&ring);
    }
    if (!entry) {
      failed.push_back({read.tag, -EAGAIN});
      return;
    }
    io_uring_prep_read(entry, read.file, read.memory,
                       static_cast<unsigned>(read.bytes), read.offset);
    entry->user_data = read.tag;
  }

  uint64_t wait(Completion *completions, uint64_t capacity) override {
    uint64_t count = 0;
    for (; !failed.empty() && count < capacity; ++count) {
      completions[count] = failed.front();
      failed.pop_front();
    }
    io_uring_cqe *entry = nullptr;
    // Interrupted, or out of memory for now: reads in flight go on.
    while (count == 0 && io_uring_submit_and_wait(&ring, 1) < 0 &&
           io_uring_peek_cqe(&ring, &entry) != 0)
      continue;
    if (count > 0)
      io_uring_submit(&ring);
    while (count < capacity && io_uring_peek_cqe(&ring, &entry) == 0) {
      completions[count++] = {entry->user_data, entry->res};
      io_uring_cqe_seen(&ring, entry);
    }
    return count;
  }

private:
  io_uring ring;
  bool isOpen = false;
  std::deque<Completion> failed;
};

class UringEngine : public IoEngine {
public:
  std::unique_ptr<IoQueue> createQueue(uint32_t depth) override {
    auto queue = std::make_unique<UringQueue>();
    if (!queue->open(depth))
      return nullptr;
    return queue;
  }
};

} // namespace

std::unique_ptr<IoEngine> trine::runtime::engram::createUringEngine() {
  auto engine = std::make_unique<UringEngine>();
  // Containers often forbid what the kernel could do.
  if (!engine->createQueue(1))
    return nullptr;
  return engine;
}
#else
std::unique_ptr<trine::runtime::engram::IoEngine>
trine::runtime::engram::createUringEngine() {
  return nullptr;
}
#endif
