// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reads in flight. What is behind an engine may be late, short or fail; what
/// that means is decided above (Fetch.h), once for all engines.
#ifndef TRINE_RUNTIME_ENGRAM_IOENGINE_H
#define TRINE_RUNTIME_ENGRAM_IOENGINE_H

#include "core/Status.h"
#include "trine/Runtime/engram.h"
#include <cstdint>
#include <memory>

namespace trine::runtime::engram {

struct Read {
  int file;
  uint64_t offset;
  uint64_t bytes;
  uint8_t *memory;
  uint64_t tag;
};

struct Completion {
  uint64_t tag;
  int64_t result; // bytes read, or a negated errno value
};

/// The reads of one worker; used by that worker's thread alone.
class IoQueue {
public:
  virtual ~IoQueue() = default;
  /// Takes a read; there must be room. It may start with the next wait().
  virtual void submit(const Read &read) = 0;
  /// Waits until at least one read is done; gives at most `capacity` of them.
  /// Some read must be in flight.
  virtual uint64_t wait(Completion *completions, uint64_t capacity) = 0;
};

/// What workers' queues share: threads, for example.
class IoEngine {
public:
  virtual ~IoEngine() = default;
  /// A queue with room for `depth` reads; NULL when the system has none left.
  virtual std::unique_ptr<IoQueue> createQueue(uint32_t depth) = 0;
};

/// Threads that read one after the other, by `function` or pread. Fails when
/// one of them cannot be started.
Status createThreadEngine(uint32_t threads, trine_engram_read_function function,
                          void *context, std::unique_ptr<IoEngine> &engine);

/// io_uring, or NULL where library or kernel lack it.
std::unique_ptr<IoEngine> createUringEngine();

} // namespace trine::runtime::engram

#endif
