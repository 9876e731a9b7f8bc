// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What global memory there is. Device addresses are host addresses.
#ifndef TRINE_SIM_MEMORY_H
#define TRINE_SIM_MEMORY_H

#include "trine/Runtime/PTXSimulator.h"

namespace trine::sim {

struct Allocation {
  uint64_t begin = 0, end = 0;
  std::string name;
  bool writable = true;
  /// One byte per byte: whether it was written. Null: not tracked.
  uint8_t *defined = nullptr;
  /// What free() releases; null for memory of others.
  void *owned = nullptr;
};

/// Allocations by address; changed between launches only.
class MemoryRegistry {
public:
  ~MemoryRegistry();
  void *allocate(size_t bytes, std::string_view name, bool track);
  bool release(void *address);
  bool add(void *address, size_t bytes, std::string_view name, bool writable);
  void markDefined(void *address, size_t bytes);
  /// The allocation that holds \p address, or null.
  const Allocation *find(uint64_t address) const;
  /// "x + 16 bytes", or what is nearest, for reports.
  std::string describe(uint64_t address) const;

private:
  bool insert(Allocation allocation);
  std::vector<Allocation> allocations;
};

} // namespace trine::sim

#endif
