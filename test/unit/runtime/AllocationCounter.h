// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Counts the heap allocations of the whole test process.
#ifndef TRINE_TEST_UNIT_RUNTIME_ALLOCATIONCOUNTER_H
#define TRINE_TEST_UNIT_RUNTIME_ALLOCATIONCOUNTER_H

#include <cstdint>

namespace trine::runtime::test {

/// Calls of malloc and its kin (so of operator new too), by all threads, so
/// far.
uint64_t getAllocationCount();

} // namespace trine::runtime::test

#endif
