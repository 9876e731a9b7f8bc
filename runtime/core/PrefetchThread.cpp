// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PrefetchThread.h"
#include "SessionTables.h"
#include <algorithm>
#include <cfenv>

using namespace trine::runtime;

PrefetchThread::~PrefetchThread() {
  if (!thread.isStarted())
    return;
  {
    std::lock_guard<std::mutex> lock(mutex);
    isClosed = true;
  }
  hasWork.notify_all();
  thread.join();
}

void PrefetchThread::start(Job &job) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    waiting.push_back(&job);
  }
  // Without a thread the job waits for finish(), and the next one tries again.
  if (!thread.isStarted() && thread.start([this] { run(); }))
    return;
  hasWork.notify_one();
}

bool PrefetchThread::isDone(Job &job) {
  std::lock_guard<std::mutex> lock(mutex);
  return job.state == Job::Done;
}

bool PrefetchThread::takeBack(Job &job) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = std::find(waiting.begin(), waiting.end(), &job);
  if (found == waiting.end())
    return false;
  waiting.erase(found);
  return true;
}

void PrefetchThread::waitFor(Job &job) {
  std::unique_lock<std::mutex> lock(mutex);
  hasDone.wait(lock, [&] { return job.state == Job::Done; });
}

Status PrefetchThread::finish(Job &job) {
  // One behind others need not wait for them.
  if (takeBack(job)) {
    perform(job);
    job.state = Job::Done;
    return job.status;
  }
  waitFor(job);
  return job.status;
}

void PrefetchThread::cancel(Job &job) {
  if (takeBack(job)) {
    trine_engram_cancel(job.ticket);
    job.ticket = nullptr;
    job.state = Job::Done;
    return;
  }
  waitFor(job);
}

void PrefetchThread::perform(Job &job) {
  trine_status code =
      trine_engram_wait(job.ticket, job.type, job.host, job.bytes,
                        /*deadline_milliseconds=*/-1);
  job.status = getTableStatus(code);
  if (code == TRINE_ENGRAM_ERROR_LATE)
    trine_engram_cancel(job.ticket);
  job.ticket = nullptr;
  if (code != TRINE_OK)
    return;
  std::string problem;
  if (trine_status failed = device.copyPrefetched(job.slot, job.bytes, problem))
    job.status = Status(failed, problem);
}

void PrefetchThread::run() {
  // Rows are converted: not in the modes of whoever made the thread.
  std::fesetenv(FE_DFL_ENV);
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    hasWork.wait(lock, [this] { return isClosed || !waiting.empty(); });
    if (isClosed)
      return;
    Job &job = *waiting.front();
    waiting.pop_front();
    job.state = Job::Running;
    lock.unlock();
    perform(job);
    lock.lock();
    job.state = Job::Done;
    hasDone.notify_all();
  }
}
