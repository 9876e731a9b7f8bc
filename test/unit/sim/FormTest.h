// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs one instruction at a time: inputs as bits, expected results as bits,
// written from the definitions of the PTX ISA.
#ifndef TRINE_TEST_UNIT_SIM_FORMTEST_H
#define TRINE_TEST_UNIT_SIM_FORMTEST_H

#include "trine/Runtime/PTXSimulator.h"
#include <gtest/gtest.h>

struct Form {
  /// Operands are %d (result), %a, %b, %c, %e (sources), %q (a predicate that
  /// is true). Further statements may surround the instruction.
  const char *text;
  /// Register types of d, a, b, c, e: "s32 s32 s32"; "pred" is read and written
  /// as 0 or 1.
  const char *types;
  std::vector<uint64_t> inputs;
  uint64_t expected;
};

/// Runs every form in all lanes, and once more with the odd lanes switched off,
/// whose results must stay what they were.
void checkForms(const std::vector<Form> &forms);

/// Loads \p text, which must be good.
std::shared_ptr<trine::sim::Module> loadText(const std::string &text);
/// "\.version ..." and a kernel `k` with `.param .u64 p0` to `p<count - 1>`
/// around \p body.
std::string kernelText(const std::string &body, unsigned parameters = 1,
                       const std::string &target = "sm_90a",
                       const std::string &before = "",
                       const std::string &directives = "");
/// Launches kernel `k` with pointers.
trine::sim::Result runKernel(trine::sim::Machine &machine,
                             const std::string &text, trine::sim::Launch launch,
                             std::vector<void *> pointers);

inline uint64_t f32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}
inline uint64_t f64(double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  return bits;
}

#endif
