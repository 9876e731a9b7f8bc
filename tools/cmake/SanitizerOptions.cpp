// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Part of every sanitized program that links MLIR.

/// An installed libMLIR is not instrumented: its containers and allocators do
/// not tell AddressSanitizer what our inlined parts of them believe it was
/// told. Compiled in, as programs also run where the environment is empty. No
/// leak is suppressed.
extern "C" const char *__asan_default_options() {
  return "detect_container_overflow=0:allow_user_poisoning=0";
}
