// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// A bounded cache of hot rows.
///
/// Rows are in sets of 16 slots; a set belongs to one of up to 64 shards with a
/// lock each. A row enters a full set only where it was asked for more often,
/// lately, than the set's least wanted row (TinyLFU, Einziger et al. 2017), so
/// that a scan does not flush what is hot. Counts are those of a sketch of
/// 8-bit counters behind a door (a Bloom filter) that keeps out what comes
/// once; from time to time the counters are halved and the door is emptied.
#ifndef TRINE_RUNTIME_ENGRAM_CACHE_H
#define TRINE_RUNTIME_ENGRAM_CACHE_H

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace trine::runtime::engram {

class Cache {
public:
  Cache() = default;
  ~Cache();
  Cache(const Cache &) = delete;
  Cache &operator=(const Cache &) = delete;

  /// Takes at most `bytes` of memory for rows of `rowBytes`, administration
  /// included; none when not even one set fits. False: no memory.
  bool create(uint64_t bytes, uint64_t rowBytes, bool hugePages);

  /// Counts the row as asked for, and copies it where it is here.
  bool find(uint64_t row, uint8_t *target);
  /// Offers a row that was just read.
  void insert(uint64_t row, const uint8_t *bytes);
  /// Lets a row be wanted as often as `count` times, before it is inserted.
  void addCount(uint64_t row, uint32_t count);

  uint64_t getCapacity() const { return setCount * kWays; }
  /// Calls visit(row, count) for the rows that are here.
  void visit(const std::function<void(uint64_t, uint32_t)> &visit) const;

private:
  static constexpr uint64_t kWays = 16, kEmpty = ~uint64_t(0);
  struct alignas(64) Shard {
    std::mutex mutex;
    uint64_t additions = 0;
  };
  struct Place {
    uint64_t set, shard, hash;
  };
  Place locate(uint64_t row) const;
  bool isKnown(Place place) const;
  uint32_t count(Place place) const;
  void increment(Place place, uint32_t by);
  uint8_t *getSlot(uint64_t slot) const { return slots + slot * rowBytes; }

  uint64_t rowBytes = 0, setCount = 0, setsPerShard = 0, shardCount = 0;
  /// Counters of a shard, and bytes of its door: powers of two.
  uint64_t counters = 0, doorBytes = 0;
  uint64_t mappedBytes = 0;
  uint8_t *slots = nullptr;
  /// Row of each slot.
  std::unique_ptr<uint64_t[]> rows;
  std::unique_ptr<uint8_t[]> sketch, doors;
  std::unique_ptr<Shard[]> shards;
};

} // namespace trine::runtime::engram

#endif
