// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cache.h"
#include <algorithm>
#include <cstring>
#include <new>
#include <sys/mman.h>

using namespace trine::runtime::engram;

/// Mixes all bits of a row's number (MurmurHash3's finaliser).
static uint64_t scramble(uint64_t value) {
  value = (value ^ value >> 33) * 0xff51afd7ed558ccd;
  value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53;
  return value ^ value >> 33;
}

Cache::~Cache() {
  if (slots)
    munmap(slots, mappedBytes);
}

bool Cache::create(uint64_t bytes, uint64_t newRowBytes, bool hugePages) {
  rowBytes = newRowBytes;
  // A slot: the row, its number, and at most 4 counters and 64 bits of doors.
  uint64_t setBytes = kWays * (rowBytes + sizeof(uint64_t) + 12);
  uint64_t fixed = 64 * (sizeof(Shard) + 64) + 8192;
  setCount = bytes > fixed ? (bytes - fixed) / setBytes : 0;
  if (setCount == 0)
    return true;
  shardCount = std::min<uint64_t>(64, setCount);
  setsPerShard = setCount / shardCount;
  setCount = setsPerShard * shardCount;
  counters = doorBytes = 64;
  while (counters * 2 <= setsPerShard * kWays * 4)
    counters *= 2;
  while (doorBytes * 2 <= setsPerShard * kWays * 8)
    doorBytes *= 2;
  rows.reset(new (std::nothrow) uint64_t[setCount * kWays]);
  sketch.reset(new (std::nothrow) uint8_t[shardCount * counters]());
  doors.reset(new (std::nothrow) uint8_t[shardCount * doorBytes]());
  shards.reset(new (std::nothrow) Shard[shardCount]);
  mappedBytes = setCount * kWays * rowBytes;
  void *memory = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED)
    slots = static_cast<uint8_t *>(memory);
  if (!rows || !sketch || !doors || !shards || !slots) {
    setCount = 0;
    return false;
  }
  if (hugePages)
    madvise(slots, mappedBytes, MADV_HUGEPAGE);
  std::fill_n(rows.get(), setCount * kWays, kEmpty);
  return true;
}

Cache::Place Cache::locate(uint64_t row) const {
  uint64_t hash = scramble(row);
  // The high half chooses the set, by multiplication; the low half counters.
  uint64_t set = (hash >> 32) * setCount >> 32;
  return {set, set / setsPerShard, hash};
}

bool Cache::isKnown(Place place) const {
  const uint8_t *door = doors.get() + place.shard * doorBytes;
  uint64_t hash = scramble(place.hash + 99);
  bool known = true;
  for (int i = 0; i < 3; ++i, hash >>= 20)
    known &= door[hash / 8 % doorBytes] >> (hash % 8) & 1;
  return known;
}

uint32_t Cache::count(Place place) const {
  const uint8_t *counts = sketch.get() + place.shard * counters;
  uint32_t least = 255;
  uint64_t hash = place.hash;
  for (int i = 0; i < 4; ++i, hash = scramble(hash + 1))
    least = std::min<uint32_t>(least, counts[hash & (counters - 1)]);
  return least + isKnown(place);
}

void Cache::increment(Place place, uint32_t by) {
  uint8_t *counts = sketch.get() + place.shard * counters,
          *door = doors.get() + place.shard * doorBytes;
  // What comes once must not fill the counters.
  if (isKnown(place)) {
    uint32_t target = std::min<uint32_t>(255, count(place) - 1 + by);
    uint64_t hash = place.hash;
    for (int i = 0; i < 4; ++i, hash = scramble(hash + 1)) {
      uint8_t &counter = counts[hash & (counters - 1)];
      counter = static_cast<uint8_t>(std::max<uint32_t>(counter, target));
    }
  } else {
    uint64_t hash = scramble(place.hash + 99);
    for (int i = 0; i < 3; ++i, hash >>= 20)
      door[hash / 8 % doorBytes] |= 1 << (hash % 8);
    if (by > 1) {
      increment(place, by - 1);
      return;
    }
  }
  Shard &shard = shards[place.shard];
  if (++shard.additions < 8 * setsPerShard * kWays)
    return;
  for (uint64_t i = 0; i < counters; ++i)
    counts[i] /= 2;
  std::fill_n(door, doorBytes, uint8_t(0));
  shard.additions = 0;
}

bool Cache::find(uint64_t row, uint8_t *target) {
  if (setCount == 0)
    return false;
  Place place = locate(row);
  std::lock_guard<std::mutex> lock(shards[place.shard].mutex);
  increment(place, 1);
  const uint64_t *set = rows.get() + place.set * kWays;
  for (uint64_t way = 0; way < kWays; ++way)
    if (set[way] == row) {
      memcpy(target, getSlot(place.set * kWays + way), rowBytes);
      return true;
    }
  return false;
}

void Cache::insert(uint64_t row, const uint8_t *bytes) {
  if (setCount == 0)
    return;
  Place place = locate(row);
  std::lock_guard<std::mutex> lock(shards[place.shard].mutex);
  uint64_t *set = rows.get() + place.set * kWays;
  uint64_t victim = kWays;
  uint32_t least = ~uint32_t(0);
  for (uint64_t way = 0; way < kWays; ++way) {
    if (set[way] == row)
      return; // another ticket read it meanwhile
    uint32_t wanted = set[way] == kEmpty ? 0 : count(locate(set[way])) + 1;
    if (wanted < least) {
      least = wanted;
      victim = way;
    }
  }
  if (least > 0 && count(place) + 1 <= least)
    return;
  set[victim] = row;
  memcpy(getSlot(place.set * kWays + victim), bytes, rowBytes);
}

void Cache::addCount(uint64_t row, uint32_t by) {
  if (setCount == 0)
    return;
  Place place = locate(row);
  std::lock_guard<std::mutex> lock(shards[place.shard].mutex);
  increment(place, by);
}

void Cache::visit(
    const std::function<void(uint64_t, uint32_t)> &visitor) const {
  for (uint64_t slot = 0; slot < setCount * kWays; ++slot) {
    uint64_t shard = slot / kWays / setsPerShard;
    std::lock_guard<std::mutex> lock(shards[shard].mutex);
    if (rows[slot] != kEmpty)
      visitor(rows[slot], count(locate(rows[slot])));
  }
}
