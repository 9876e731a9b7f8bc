// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ThreadStarts.h"
#include <atomic>
#include <cerrno>
#include <climits>
#include <pthread.h>

static std::atomic<int> left{INT_MAX}, refused{0};

// The linker's --wrap: a sanitizer's own pthread_create stays the real one.
extern "C" int __real_pthread_create(pthread_t *thread,
                                     const pthread_attr_t *attributes,
                                     void *(*function)(void *), void *argument);
extern "C" int __wrap_pthread_create(pthread_t *thread,
                                     const pthread_attr_t *attributes,
                                     void *(*function)(void *),
                                     void *argument) {
  if (left != INT_MAX && left-- <= 0) {
    ++refused;
    return EAGAIN;
  }
  return __real_pthread_create(thread, attributes, function, argument);
}

trine::test::LimitedThreadStarts::LimitedThreadStarts(int count) {
  refused = 0;
  left = count;
}
trine::test::LimitedThreadStarts::~LimitedThreadStarts() { left = INT_MAX; }
int trine::test::LimitedThreadStarts::getRefused() const { return refused; }
