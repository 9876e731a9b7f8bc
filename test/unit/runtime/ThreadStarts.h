// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Threads that do not start: pthread_create as this test program and the
/// libraries in it call it. Link TrineTestThreadStarts.
#ifndef TRINE_TEST_UNIT_RUNTIME_THREADSTARTS_H
#define TRINE_TEST_UNIT_RUNTIME_THREADSTARTS_H

namespace trine::test {

/// As long as it lives, this many threads start, and no more (EAGAIN).
class LimitedThreadStarts {
public:
  explicit LimitedThreadStarts(int count);
  ~LimitedThreadStarts();
  /// How many threads were refused.
  int getRefused() const;
};

} // namespace trine::test

#endif
