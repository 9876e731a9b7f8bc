// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Large memory of its own mapping.
#ifndef TRINE_RUNTIME_ENGRAM_MEMORY_H
#define TRINE_RUNTIME_ENGRAM_MEMORY_H

#include <cstdint>

namespace trine::runtime::engram {

/// Pages that are zero until they are written: of huge size where the system
/// gives such, and spread over the memory nodes where there are several.
class Memory {
public:
  Memory() = default;
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  bool allocate(uint64_t bytes, bool hugePages);
  /// Maps a file read-only.
  bool map(int file, uint64_t bytes);

  uint8_t *get() const { return data; }
  uint64_t getBytes() const { return bytes; }

private:
  uint8_t *data = nullptr;
  uint64_t bytes = 0;
};

} // namespace trine::runtime::engram

#endif
