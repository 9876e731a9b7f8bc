// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

using namespace trine::sim;

namespace {
constexpr size_t guardBytes = 512;
}

MemoryRegistry::~MemoryRegistry() {
  for (Allocation &each : allocations) {
    std::free(each.owned);
    std::free(each.defined);
  }
}

bool MemoryRegistry::insert(Allocation allocation) {
  auto at =
      std::lower_bound(allocations.begin(), allocations.end(), allocation.begin,
                       [](const Allocation &each, uint64_t address) {
                         return each.begin < address;
                       });
  if (at != allocations.end() && at->begin < allocation.end)
    return false;
  if (at != allocations.begin() && std::prev(at)->end > allocation.begin)
    return false;
  allocations.insert(at, std::move(allocation));
  return true;
}

void *MemoryRegistry::allocate(size_t bytes, std::string_view name,
                               bool track) {
  if (bytes > (size_t(1) << 46))
    return nullptr;
  size_t room =
      (bytes + guardBytes - 1) / guardBytes * guardBytes + 2 * guardBytes;
  void *owned = std::aligned_alloc(guardBytes, room);
  if (!owned)
    return nullptr;
  Allocation made;
  made.owned = owned;
  made.begin = uint64_t(reinterpret_cast<uintptr_t>(owned)) + guardBytes;
  made.end = made.begin + bytes;
  made.name = name;
  std::memset(owned, 0xcd, std::min<size_t>(room, size_t(1) << 16));
  if (track && bytes) {
    made.defined = static_cast<uint8_t *>(std::calloc(bytes, 1));
    if (!made.defined) {
      std::free(owned);
      return nullptr;
    }
  }
  void *address = reinterpret_cast<void *>(uintptr_t(made.begin));
  uint8_t *defined = made.defined;
  if (!insert(std::move(made))) {
    std::free(owned);
    std::free(defined);
    return nullptr;
  }
  return address;
}

bool MemoryRegistry::release(void *address) {
  for (size_t i = 0; i < allocations.size(); ++i)
    if (allocations[i].begin ==
        uint64_t(reinterpret_cast<uintptr_t>(address))) {
      std::free(allocations[i].owned);
      std::free(allocations[i].defined);
      allocations.erase(allocations.begin() + long(i));
      return true;
    }
  return false;
}

bool MemoryRegistry::add(void *address, size_t bytes, std::string_view name,
                         bool writable) {
  Allocation made;
  made.begin = uint64_t(reinterpret_cast<uintptr_t>(address));
  made.end = made.begin + bytes;
  if (!address || made.end < made.begin || made.end > (1ull << 56))
    return false;
  made.name = name;
  made.writable = writable;
  return insert(std::move(made));
}

void MemoryRegistry::markDefined(void *address, size_t bytes) {
  const Allocation *found =
      find(uint64_t(reinterpret_cast<uintptr_t>(address)));
  if (!found || !found->defined)
    return;
  uint64_t offset =
      uint64_t(reinterpret_cast<uintptr_t>(address)) - found->begin;
  std::memset(found->defined + offset, 1,
              std::min<uint64_t>(bytes, found->end - found->begin - offset));
}

const Allocation *MemoryRegistry::find(uint64_t address) const {
  auto at = std::upper_bound(allocations.begin(), allocations.end(), address,
                             [](uint64_t wanted, const Allocation &each) {
                               return wanted < each.begin;
                             });
  if (at == allocations.begin())
    return nullptr;
  --at;
  return address < at->end ? &*at : nullptr;
}

std::string MemoryRegistry::describe(uint64_t address) const {
  const Allocation *best = nullptr;
  uint64_t distance = ~0ull;
  bool before = false;
  for (const Allocation &each : allocations) {
    uint64_t away = address < each.begin  ? each.begin - address
                    : address >= each.end ? address - each.end
                                          : 0;
    if (away < distance) {
      distance = away;
      best = &each;
      before = address < each.begin;
    }
  }
  if (!best || distance > (1ull << 32))
    return "no memory is near";
  std::string name =
      best->name.empty() ? "an allocation" : "'" + best->name + "'";
  name += " of " + std::to_string(best->end - best->begin) + " bytes";
  if (address >= best->begin && address < best->end)
    return "byte " + std::to_string(address - best->begin) + " of " + name;
  return std::to_string(before ? distance : distance + 1) + " bytes " +
         (before ? "before the begin" : "past the last byte") + " of " + name;
}
