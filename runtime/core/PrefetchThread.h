// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Rows of tables on their way to a device with memory of its own.
#ifndef TRINE_RUNTIME_CORE_PREFETCHTHREAD_H
#define TRINE_RUNTIME_CORE_PREFETCHTHREAD_H

#include "Status.h"
#include "Thread.h"
#include "device/Device.h"
#include "trine/Runtime/engram.h"
#include <condition_variable>
#include <deque>
#include <mutex>

namespace trine::runtime {

/// Waits for tickets, one after the other, and begins the copies of their rows
/// as soon as they are there, whatever the thread of the step does meanwhile.
/// The thread is made for the first ticket.
class PrefetchThread {
public:
  struct Job {
    trine_engram_ticket *ticket;
    trine_engram_type type;
    /// Of the device, with its memory.
    uint32_t slot;
    void *host;
    uint64_t bytes;

    enum State { Waiting, Running, Done } state = Waiting;
    Status status; // of Done
  };

  explicit PrefetchThread(Device &device) : device(device) {}
  /// No job is under way.
  ~PrefetchThread();

  /// The job stays where it is until it is done or taken back. Where the system
  /// has no thread left, finish() does it.
  void start(Job &job);
  bool isDone(Job &job);
  /// Does the job on this thread, or waits until it is done. The ticket is gone
  /// then; unless this fails, the device copies the rows, or did.
  Status finish(Job &job);
  /// Ends the job: at once, or once its ticket, which was cancelled, has
  /// failed.
  void cancel(Job &job);

private:
  void run();
  void perform(Job &job);
  bool takeBack(Job &job);
  void waitFor(Job &job);

  Device &device;
  std::mutex mutex;
  std::condition_variable hasWork, hasDone;
  std::deque<Job *> waiting;
  bool isClosed = false;
  Thread thread;
};

} // namespace trine::runtime

#endif
