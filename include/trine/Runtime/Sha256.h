// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// SHA-256 as in FIPS 180-4.
#ifndef TRINE_RUNTIME_SHA256_H
#define TRINE_RUNTIME_SHA256_H

#include <cstdint>
#include <string>

namespace trine::runtime {

/// A hash that is fed piece by piece.
class Sha256 {
public:
  /// The processor's SHA instructions are used where it has them, and `allow`
  /// says so (tests do not).
  explicit Sha256(bool allowInstructions = true);

  void update(const void *data, uint64_t size);
  /// 64 lower-case hexadecimal digits. Nothing may be added afterwards.
  std::string finish();

private:
  using ProcessBlocks = void (*)(uint32_t[8], const uint8_t *, uint64_t);

  ProcessBlocks process;
  uint32_t state[8];
  uint64_t total = 0;
  uint8_t rest[64]; // the last total % 64 bytes
};

/// The hash of `size` bytes as 64 lower-case hexadecimal digits.
std::string computeSha256(const void *data, uint64_t size);

} // namespace trine::runtime

#endif
