// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Errors on their way out of the C ABI.
#ifndef TRINE_RUNTIME_ENGRAM_API_H
#define TRINE_RUNTIME_ENGRAM_API_H

#include "core/Status.h"
#include <cstring>

namespace trine::runtime::engram {

/// Keeps the message for trine_engram_message, and returns the code.
trine_status setError(trine_status code, std::string message);
trine_status setError(const Status &status);

/// The caller's options, or defaults where it gave none or knows fewer: what
/// lies beyond its struct_size keeps the default.
template <typename Options>
Options takeOptions(const Options *given, Options defaults) {
  if (given) {
    size_t known = given->struct_size < sizeof(Options) ? given->struct_size
                                                        : sizeof(Options);
    memcpy(&defaults, given, known);
  }
  return defaults;
}

} // namespace trine::runtime::engram

#endif
