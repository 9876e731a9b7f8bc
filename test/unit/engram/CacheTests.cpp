// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The cache of hot rows: its bound, what it keeps, and what it lets in.
#include "engram/Cache.h"
#include "gtest/gtest.h"
#include <random>
#include <set>
#include <vector>

using namespace trine::runtime::engram;

namespace {

constexpr uint64_t kRowBytes = 264;

std::vector<uint8_t> makeRow(uint64_t row) {
  return std::vector<uint8_t>(kRowBytes, static_cast<uint8_t>(row * 7 + 1));
}

/// Asks for a row, and offers it when it is not there, as the store does.
bool use(Cache &cache, uint64_t row) {
  std::vector<uint8_t> bytes(kRowBytes);
  if (!cache.find(row, bytes.data())) {
    cache.insert(row, makeRow(row).data());
    return false;
  }
  EXPECT_EQ(bytes, makeRow(row));
  return true;
}

TEST(CacheTests, TakesNoMoreThanItsBytes) {
  for (uint64_t bytes : {0, 1, 4096, 20000, 100000, 1 << 20, 256 << 20}) {
    Cache cache;
    ASSERT_TRUE(cache.create(bytes, kRowBytes, false));
    EXPECT_LE(cache.getCapacity() * (kRowBytes + 14), bytes);
    if (bytes >= 100000)
      EXPECT_GE(cache.getCapacity() * (kRowBytes + 14), bytes * 8 / 10);
    for (uint64_t row = 0; row < 1000; ++row)
      use(cache, row);
    uint64_t held = 0;
    std::set<uint64_t> rows;
    cache.visit([&](uint64_t row, uint32_t) {
      ++held;
      rows.insert(row);
    });
    EXPECT_LE(held, cache.getCapacity());
    EXPECT_EQ(rows.size(), held);
  }
}

TEST(CacheTests, KeepsWhatFits) {
  Cache cache;
  ASSERT_TRUE(cache.create(1 << 20, kRowBytes, true));
  uint64_t hits = 0;
  for (int round = 0; round < 2; ++round)
    for (uint64_t row = 0; row < 1000; ++row)
      hits += use(cache, row);
  EXPECT_GE(hits, 990u);
}

TEST(CacheTests, AScanDoesNotFlushIt) {
  Cache cache;
  ASSERT_TRUE(cache.create(1 << 20, kRowBytes, true));
  uint64_t hot = cache.getCapacity() / 2;
  for (int round = 0; round < 4; ++round)
    for (uint64_t row = 0; row < hot; ++row)
      use(cache, row);
  // Four times as many rows as there is room for, each once.
  for (uint64_t row = 0; row < 4 * cache.getCapacity(); ++row)
    use(cache, 1000000 + row);
  uint64_t hits = 0;
  for (uint64_t row = 0; row < hot; ++row)
    hits += use(cache, row);
  EXPECT_GE(hits, hot * 85 / 100);
}

/// What is hot now comes in, although other rows were hot before.
TEST(CacheTests, FollowsWhatIsHot) {
  Cache cache;
  ASSERT_TRUE(cache.create(1 << 20, kRowBytes, true));
  uint64_t hot = cache.getCapacity() / 2;
  for (uint64_t base : {0, 500000}) {
    uint64_t hits = 0;
    for (int round = 0; round < 40; ++round) {
      hits = 0;
      for (uint64_t row = 0; row < hot; ++row)
        hits += use(cache, base + row);
    }
    EXPECT_GE(hits, hot * 85 / 100) << base;
  }
}

/// Rows of a Zipf distribution: close to what the best rows alone would give.
TEST(CacheTests, HitsOfASkewedStream) {
  Cache cache;
  ASSERT_TRUE(cache.create(1 << 20, kRowBytes, true));
  constexpr uint64_t kRows = 100000;
  std::vector<double> weights(kRows);
  double best = 0, all = 0;
  for (uint64_t i = 0; i < kRows; ++i) {
    weights[i] = 1.0 / static_cast<double>(i + 1);
    all += weights[i];
    best += i < cache.getCapacity() ? weights[i] : 0;
  }
  std::discrete_distribution<uint64_t> draw(weights.begin(), weights.end());
  std::mt19937_64 random(5);
  uint64_t hits = 0, asked = 200000;
  for (uint64_t i = 0; i < asked; ++i)
    use(cache, draw(random));
  for (uint64_t i = 0; i < asked; ++i)
    hits += use(cache, draw(random));
  EXPECT_GE(static_cast<double>(hits) / asked, 0.85 * best / all);
}

} // namespace
