// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Identical rows however reads are delayed, whoever asks, whatever is cached.
#include "StoreTesting.h"
#include "gtest/gtest.h"
#include <chrono>
#include <deque>
#include <random>
#include <thread>

using namespace trine::test;

namespace {

/// One thread of a schedule: begins, waits and cancels at random.
class Session {
public:
  Session(const TableHandle &table, const KnownTable &known, uint64_t seed)
      : table(table), known(known), seed(seed), random(seed) {}

  void run() {
    for (int step = 0; step < 4; ++step) {
      // Half of the rows are from a few hot ones.
      std::vector<int64_t> rows(random() % 3 ? random() % 12 : random() % 200);
      for (int64_t &row : rows)
        row = random() % (random() % 2 ? 20 : known.rows);
      tickets.emplace_back(beginSomehow(rows), rows);
      while (tickets.size() > random() % 4)
        finishOldest();
    }
    while (!tickets.empty())
      finishOldest();
  }

private:
  /// Who finds the store full waits for what it has itself begun.
  trine_engram_ticket *beginSomehow(const std::vector<int64_t> &rows) {
    for (;;) {
      trine_engram_ticket *ticket = nullptr;
      trine_status status = trine_engram_begin(table.get(), rows.data(),
                                               rows.size(), seed, &ticket);
      if (status != TRINE_ENGRAM_ERROR_FULL) {
        EXPECT_EQ(status, TRINE_OK) << trine_engram_message();
        return ticket;
      }
      if (tickets.empty())
        std::this_thread::yield();
      else
        finishOldest();
    }
  }

  void finishOldest() {
    auto [ticket, rows] = tickets.front();
    tickets.pop_front();
    if (random() % 8 == 0)
      trine_engram_cancel(ticket);
    else
      expectRows(ticket, known, rows);
  }

  const TableHandle &table;
  const KnownTable &known;
  uint64_t seed;
  std::mt19937_64 random;
  std::deque<std::pair<trine_engram_ticket *, std::vector<int64_t>>> tickets;
};

void runSchedule(const std::string &path, const KnownTable &known,
                 uint64_t seed) {
  std::mt19937_64 random(seed);
  Storage storage;
  std::atomic<uint64_t> draws{seed};
  storage.fault = [&](uint64_t, uint64_t, uint8_t *) -> int64_t {
    std::mt19937_64 draw(draws += 0x9e3779b97f4a7c15);
    draw.discard(2);
    uint64_t kind = draw() % 16;
    if (kind == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(draw() % 300));
    else if (kind < 4)
      std::this_thread::yield();
    return Storage::kRead;
  };
  static const uint64_t cacheSizes[] = {0,        16 << 10,  24 << 10,
                                        64 << 10, 256 << 10, 4 << 20};
  trine_engram_store_options options = getStoreOptions();
  options.workers = 1 + random() % 4;
  options.queue_depth = 1 + random() % 32;
  options.read_threads = 1 + random() % 4;
  options.staging_bytes = random() % 4 ? 1 << 20 : 40 << 10;
  options.tickets = random() % 4 ? 64 : 3;
  StoreHandle store = openStore(storage, options);
  trine_engram_table_options tableOptions = getTableOptions();
  tableOptions.cache_bytes = cacheSizes[random() % 6];
  TableHandle table = openTable(store, path, tableOptions);
  std::vector<std::thread> threads;
  uint64_t count = 1 + seed % 8;
  for (uint64_t i = 0; i < count; ++i)
    threads.emplace_back(
        [&, i] { Session(table, known, seed * 64 + i).run(); });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(getStatistics(table).failed, 0u);
}

TEST(ScheduleTests, ThousandRandomSchedules) {
  TemporaryFolder folder;
  KnownTable known;
  known.rows = 500;
  known.width = 64;
  known.write(folder / "t.engram");
  for (uint64_t seed = 0; seed < 1000 && !testing::Test::HasFailure(); ++seed)
    runSchedule(folder / "t.engram", known, seed);
}

} // namespace
