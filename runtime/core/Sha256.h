// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// SHA-256 as in FIPS 180-4.
#ifndef TRINE_RUNTIME_CORE_SHA256_H
#define TRINE_RUNTIME_CORE_SHA256_H

#include <cstdint>
#include <string>

namespace trine::runtime {

/// The hash of `size` bytes as 64 lower-case hexadecimal digits.
std::string computeSha256(const void *data, uint64_t size);

/// The same without special instructions, for CPUs that lack them and for
/// tests.
std::string computeSha256Portably(const void *data, uint64_t size);

} // namespace trine::runtime

#endif
