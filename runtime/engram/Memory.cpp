// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"
#include <cstdio>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace trine::runtime::engram;

Memory::~Memory() {
  if (data)
    munmap(data, bytes);
}

/// A bit for each memory node, from "0" or "0-3" (or 0 for what is longer).
static unsigned long getNodes() {
  FILE *file = fopen("/sys/devices/system/node/online", "re");
  if (!file)
    return 0;
  unsigned first = 0, last = 0;
  int read = fscanf(file, "%u-%u", &first, &last);
  fclose(file);
  if (read != 2 || last >= 63 || first > last)
    return 0;
  return ((2ul << last) - 1) & ~((1ul << first) - 1);
}

bool Memory::allocate(uint64_t size, bool hugePages) {
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  data = static_cast<uint8_t *>(memory);
  bytes = size;
  if (hugePages)
    madvise(data, size, MADV_HUGEPAGE);
#if defined(SYS_mbind)
  // Rows are asked for at random, by threads of all nodes.
  constexpr int interleave = 3; // MPOL_INTERLEAVE
  if (unsigned long nodes = getNodes())
    syscall(SYS_mbind, data, size, interleave, &nodes, 64, 0);
#endif
  return true;
}

bool Memory::map(int file, uint64_t size) {
  void *memory = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED)
    return false;
  data = static_cast<uint8_t *>(memory);
  bytes = size;
  // Rows are far from each other: what is around one is of no use.
  madvise(data, size, MADV_RANDOM);
  return true;
}
