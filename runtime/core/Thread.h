// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// A thread that may fail to start.
#ifndef TRINE_RUNTIME_CORE_THREAD_H
#define TRINE_RUNTIME_CORE_THREAD_H

#include <cerrno>
#include <memory>
#include <new>
#include <pthread.h>
#include <utility>

namespace trine::runtime {

/// In place of std::thread, which throws when the system has no thread left:
/// here that would end the application. Joined at the latest when it goes.
class Thread {
public:
  Thread() = default;
  ~Thread() { join(); }
  Thread(const Thread &) = delete;
  Thread &operator=(const Thread &) = delete;

  /// Calls `function` on a new thread. Returns 0, or an errno value; nothing
  /// was called then. The thread before, if any, was joined.
  template <typename Function>
  [[nodiscard]] int start(Function function) {
    std::unique_ptr<Function> held(new (std::nothrow)
                                       Function(std::move(function)));
    if (!held) // No test: only when memory runs out.
      return ENOMEM;
    if (int error = pthread_create(&thread, nullptr, run<Function>, held.get()))
      return error;
    held.release(); // the thread's now
    started = true;
    return 0;
  }
  bool isStarted() const { return started; }
  /// Waits for its end; nothing when there is no thread.
  void join() {
    if (started)
      pthread_join(thread, nullptr);
    started = false;
  }

private:
  template <typename Function>
  static void *run(void *argument) {
    std::unique_ptr<Function> function(static_cast<Function *>(argument));
    (*function)();
    return nullptr;
  }

  pthread_t thread = {};
  bool started = false;
};

} // namespace trine::runtime

#endif
