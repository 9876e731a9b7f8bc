// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows out of every tier, type and engine, and what the store keeps of them.
#include "StoreTesting.h"
#include "ThreadStarts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace trine::test;
using testing::HasSubstr;

namespace {

struct Case {
  trine_engram_type type;
  uint64_t width;
  trine_engram_tier tier;
  trine_engram_engine engine;
};

std::vector<Case> getCases() {
  std::vector<Case> cases;
  for (auto [type, width] :
       {std::pair<int32_t, uint64_t>{TRINE_ENGRAM_E4M3, 256},
        {TRINE_ENGRAM_E4M3, 32},
        {TRINE_ENGRAM_BF16, 80},
        {TRINE_ENGRAM_F16, 13},
        {TRINE_ENGRAM_F32, 64},
        {TRINE_ENGRAM_F32, 700},
        {TRINE_ENGRAM_F32, 9001}})
    for (auto [tier, engine] :
         {std::pair<int32_t, int32_t>{TRINE_ENGRAM_TIER_RESIDENT, 0},
          {TRINE_ENGRAM_TIER_MAPPED, 0},
          {TRINE_ENGRAM_TIER_DISK, TRINE_ENGRAM_ENGINE_AUTO},
          {TRINE_ENGRAM_TIER_DISK, TRINE_ENGRAM_ENGINE_THREADS}})
      cases.push_back({type, width, tier, engine});
  return cases;
}

class StoreCaseTests : public testing::TestWithParam<Case> {};

TEST_P(StoreCaseTests, RowsAreTheRows) {
  TemporaryFolder folder;
  KnownTable known;
  known.type = GetParam().type;
  known.width = GetParam().width;
  known.rows = known.width > 1000 ? 60 : 777;
  int64_t last = static_cast<int64_t>(known.rows) - 1;
  known.write(folder / "t.engram");
  trine_engram_store_options storeOptions = getStoreOptions();
  storeOptions.engine = GetParam().engine;
  StoreHandle store = openStore(storeOptions);
  for (uint64_t cacheBytes : {0, 100000, 100000000})
    for (int32_t check : {0, 1}) {
      trine_engram_table_options options = getTableOptions();
      options.tier = GetParam().tier;
      options.cache_bytes = cacheBytes;
      options.check = check;
      TableHandle table = openTable(store, folder / "t.engram", options);
      ASSERT_TRUE(table);
      expectRows(begin(table, {}), known, {});
      expectRows(begin(table, {0}), known, {0});
      expectRows(begin(table, {last, 0, last, 5, 5}), known,
                 {last, 0, last, 5, 5});
      for (int round = 0; round < 3; ++round) {
        std::vector<int64_t> rows =
            makeRows(round, known.rows + 99, known.rows);
        expectRows(begin(table, rows), known, rows);
      }
      EXPECT_EQ(getStatistics(table).failed, 0u);
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, StoreCaseTests, testing::ValuesIn(getCases()));

TEST(StoreTests, OneRowIsReadOnce) {
  TemporaryFolder folder;
  KnownTable known;
  known.write(folder / "t.engram");
  StoreHandle store = openStore(getStoreOptions());
  TableHandle table = openTable(store, folder / "t.engram", getTableOptions());
  std::vector<int64_t> rows;
  for (int i = 0; i < 400; ++i)
    rows.push_back(17 * (i % 20));
  expectRows(begin(table, rows), known, rows);
  trine_engram_statistics first = getStatistics(table);
  EXPECT_EQ(first.rows, 400u);
  EXPECT_EQ(first.unique_rows, 20u);
  EXPECT_EQ(first.disk_rows, 20u);
  EXPECT_LE(first.reads, 20u);
  expectRows(begin(table, rows), known, rows);
  trine_engram_statistics second = getStatistics(table);
  EXPECT_EQ(second.disk_rows, 20u);
  EXPECT_EQ(second.cache_rows, 20u);
  EXPECT_EQ(second.reads, first.reads);
  EXPECT_EQ(second.tickets, 2u);
}

/// More rows than may be staged come in chunks, and bytes read stay within one
/// unit or two for each row.
TEST(StoreTests, LargeTicketsAreStagedInChunks) {
  TemporaryFolder folder;
  KnownTable known;
  known.rows = 5000;
  known.write(folder / "t.engram");
  trine_engram_store_options storeOptions = getStoreOptions();
  storeOptions.staging_bytes = 64 << 10;
  StoreHandle store = openStore(storeOptions);
  trine_engram_table_options options = getTableOptions();
  options.cache_bytes = 0;
  TableHandle table = openTable(store, folder / "t.engram", options);
  std::vector<int64_t> rows = makeRows(3, 3000, known.rows);
  expectRows(begin(table, rows), known, rows);
  trine_engram_statistics statistics = getStatistics(table);
  EXPECT_EQ(statistics.rows, 3000u);
  EXPECT_LE(statistics.read_bytes, statistics.disk_rows * 1024);
}

TEST(StoreTests, SessionsShareATable) {
  TemporaryFolder folder;
  KnownTable known;
  known.write(folder / "t.engram");
  StoreHandle store = openStore(getStoreOptions());
  TableHandle one = openTable(store, folder / "t.engram", getTableOptions()),
              two = openTable(store, folder / "t.engram", getTableOptions());
  expectRows(begin(one, {1, 2, 3}, 1), known, {1, 2, 3});
  expectRows(begin(two, {1, 2, 3}, 2), known, {1, 2, 3});
  EXPECT_EQ(getStatistics(one).disk_rows, 3u);
  EXPECT_EQ(getStatistics(one).cache_rows, 3u);
  one.reset();
  expectRows(begin(two, {4}), known, {4});
}

TEST(StoreTests, TypesOnDelivery) {
  TemporaryFolder folder;
  KnownTable known;
  known.write(folder / "t.engram");
  StoreHandle store = openStore(getStoreOptions());
  TableHandle table = openTable(store, folder / "t.engram", getTableOptions());
  std::vector<uint16_t> values(256);
  std::vector<float> expected = known.getRow(9);
  ASSERT_EQ(trine_engram_wait(begin(table, {9}), TRINE_ENGRAM_BF16,
                              values.data(), 512, -1),
            TRINE_OK);
  for (int i = 0; i < 256; ++i) {
    // 4 digits fit into bf16.
    uint32_t bits = uint32_t(values[i]) << 16;
    EXPECT_EQ(memcmp(&bits, &expected[i], 4), 0) << i;
  }
  // A ticket is gone when waiting for it fails.
  EXPECT_EQ(trine_engram_wait(begin(table, {9}), TRINE_ENGRAM_E4M3,
                              values.data(), 512, -1),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(),
               "rows can be had as f32, f16 or bf16 (1 to 3), got type 4");
  EXPECT_EQ(trine_engram_wait(begin(table, {9}), TRINE_ENGRAM_F32,
                              values.data(), 512, -1),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(),
               "'destination' must have 1024 bytes, got 512");
  EXPECT_EQ(getStatistics(table).cancelled, 2u);
}

TEST(StoreTests, ProfilesSeedTheCache) {
  TemporaryFolder folder;
  KnownTable known;
  known.write(folder / "t.engram");
  std::vector<int64_t> rows = makeRows(1, 100, known.rows);
  {
    StoreHandle store = openStore(getStoreOptions());
    TableHandle table =
        openTable(store, folder / "t.engram", getTableOptions());
    expectRows(begin(table, rows), known, rows);
    ASSERT_EQ(
        trine_engram_table_save_profile(table.get(), (folder / "hot").c_str()),
        TRINE_OK)
        << trine_engram_message();
  }
  StoreHandle store = openStore(getStoreOptions());
  trine_engram_table_options options = getTableOptions();
  std::string profile = folder / "hot";
  options.profile = profile.c_str();
  TableHandle table = openTable(store, folder / "t.engram", options);
  uint64_t reads = getStatistics(table).reads;
  EXPECT_GT(reads, 0u);
  expectRows(begin(table, rows), known, rows);
  EXPECT_EQ(getStatistics(table).reads, reads);
  table.reset();
  // A pipe must not be waited for.
  ASSERT_EQ(unlink(profile.c_str()), 0);
  ASSERT_EQ(mkfifo(profile.c_str(), 0600), 0);
  EXPECT_THAT(getOpenError(store, folder / "t.engram", TRINE_ERROR_IO, options),
              HasSubstr("must be a regular file"));
  ASSERT_EQ(unlink(profile.c_str()), 0);
  writeFile(profile, {'t', 'r', 'i', 'x'});
  EXPECT_THAT(getOpenError(store, folder / "t.engram",
                           TRINE_ENGRAM_ERROR_BAD_TABLE, options),
              HasSubstr("is no profile of an Engram table"));
  std::string text = "trine engram profile 1\n5 1\nfive\n";
  writeFile(profile, {text.begin(), text.end()});
  EXPECT_THAT(getOpenError(store, folder / "t.engram",
                           TRINE_ENGRAM_ERROR_BAD_TABLE, options),
              HasSubstr("line 3 must be a row and a count, got 'five"));
  text = "trine engram profile 1\n5 1\n1000 1\n";
  writeFile(profile, {text.begin(), text.end()});
  EXPECT_THAT(getOpenError(store, folder / "t.engram",
                           TRINE_ENGRAM_ERROR_BAD_ROW, options),
              HasSubstr("row must be in [0, 1000), got 1000"));
}

TEST(StoreTests, SaysWhichThreadDoesNotStart) {
  trine_engram_store *store = nullptr;
  trine_engram_store_options options = getStoreOptions();
  options.engine = TRINE_ENGRAM_ENGINE_THREADS;
  options.read_threads = 3;
  options.workers = 2;
  const char *const expected[] = {
      "reading thread 1 of 3 of the store cannot be started: Resource "
      "temporarily unavailable",
      nullptr,
      "reading thread 3 of 3 of the store cannot be started: Resource "
      "temporarily unavailable",
      "worker 1 of 2 of the store cannot be started: Resource temporarily "
      "unavailable",
      "worker 2 of 2 of the store cannot be started: Resource temporarily "
      "unavailable"};
  for (int count : {0, 2, 3, 4}) {
    LimitedThreadStarts some(count);
    EXPECT_EQ(trine_engram_store_open(&options, &store),
              TRINE_ERROR_OUT_OF_MEMORY);
    EXPECT_STREQ(trine_engram_message(), expected[count]);
    EXPECT_EQ(store, nullptr);
  }
  LimitedThreadStarts all(5);
  StoreHandle opened = openStore(options);
  EXPECT_NE(opened, nullptr);
}

TEST(StoreTests, RefusesBadOptions) {
  trine_engram_store *store = nullptr;
  trine_engram_store_options options = getStoreOptions();
  options.workers = 0;
  EXPECT_EQ(trine_engram_store_open(&options, &store),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(), "'workers' must be in [1, 256], got 0");
  Storage storage;
  options = getStoreOptions();
  options.engine = TRINE_ENGRAM_ENGINE_URING;
  options.read = Storage::read;
  EXPECT_EQ(trine_engram_store_open(&options, &store), TRINE_ERROR_DEVICE);
  EXPECT_STREQ(trine_engram_message(),
               "'read' and io_uring exclude each other");

  TemporaryFolder folder;
  KnownTable().write(folder / "t.engram");
  StoreHandle open = openStore(getStoreOptions());
  trine_engram_table_options table = getTableOptions();
  table.tier = 4;
  EXPECT_EQ(getOpenError(open, folder / "t.engram",
                         TRINE_ERROR_INVALID_ARGUMENT, table),
            "'tier' must be in [1, 3], got 4");
  table = getTableOptions();
  table.check = 2;
  EXPECT_EQ(getOpenError(open, folder / "t.engram",
                         TRINE_ERROR_INVALID_ARGUMENT, table),
            "'check' must be 0 or 1, got 2");
  TableHandle good = openTable(open, folder / "t.engram", getTableOptions());
  for (int64_t row : {int64_t(-1), int64_t(1000), INT64_MIN}) {
    trine_engram_ticket *ticket;
    int64_t rows[2] = {0, row};
    EXPECT_EQ(trine_engram_begin(good.get(), rows, 2, 0, &ticket),
              TRINE_ENGRAM_ERROR_BAD_ROW);
    EXPECT_EQ(ticket, nullptr);
    EXPECT_EQ(std::string(trine_engram_message()),
              "table 'known': row must be in [0, 1000), got " +
                  std::to_string(row));
  }
}

} // namespace
