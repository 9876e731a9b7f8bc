// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What goes wrong ends in the right rows, later, or in a status that says which
// row and why: never in other rows, never in a wait without end.
#include "StoreTesting.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace trine::test;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class FaultTests : public testing::Test {
protected:
  FaultTests() {
    known.write(path);
    tableOptions.cache_bytes = 1 << 20;
  }
  /// A store over `storage`, and the table in it.
  void open() {
    store = openStore(storage, storeOptions);
    table = openTable(store, path, tableOptions);
  }

  TemporaryFolder folder;
  KnownTable known;
  std::string path = folder / "t.engram";
  Storage storage;
  trine_engram_store_options storeOptions = getStoreOptions();
  trine_engram_table_options tableOptions = getTableOptions();
  StoreHandle store;
  TableHandle table;
};

TEST_F(FaultTests, ShortReadsAreContinued) {
  storage.fault = [](uint64_t offset, uint64_t bytes, uint8_t *) -> int64_t {
    return Storage::kRead;
  };
  std::atomic<int> parts{0};
  int file = ::open(path.c_str(), O_RDONLY);
  storage.fault = [&](uint64_t offset, uint64_t bytes, uint8_t *memory) {
    uint64_t part = ++parts % 2 ? (bytes > 512 ? 512 : 100) : bytes;
    return static_cast<int64_t>(pread(file, memory, part, offset));
  };
  open();
  std::vector<int64_t> rows = makeRows(1, 300, known.rows);
  expectRows(begin(table, rows), known, rows);
  EXPECT_GT(getStatistics(table).repeated_reads, 0u);
  close(file);
}

TEST_F(FaultTests, ReadsWithoutProgressEnd) {
  storage.fault = [](uint64_t, uint64_t, uint8_t *) { return int64_t(0); };
  open();
  EXPECT_THAT(
      getWaitError(begin(table, {7}), known, 1, TRINE_ENGRAM_ERROR_CHANGED),
      AllOf(StartsWith("table 'known': row 7: the file ends before it "
                       "(byte "),
            HasSubstr(path)));
  storage.fault = [](uint64_t, uint64_t, uint8_t *) { return int64_t(1); };
  EXPECT_THAT(getWaitError(begin(table, {7}), known, 1, TRINE_ERROR_IO),
              StartsWith("table 'known': row 7: its read makes no progress"));
  storage.fault = [](uint64_t, uint64_t bytes, uint8_t *) {
    return static_cast<int64_t>(bytes + 1);
  };
  EXPECT_THAT(getWaitError(begin(table, {7}), known, 1, TRINE_ERROR_IO),
              StartsWith("table 'known': row 7: more was read than was asked"));
}

TEST_F(FaultTests, ErrorsNameTheRow) {
  storage.fault = [](uint64_t, uint64_t, uint8_t *) { return int64_t(-EIO); };
  open();
  EXPECT_THAT(getWaitError(begin(table, {12}), known, 1, TRINE_ERROR_IO),
              StartsWith("table 'known': row 12: Input/output error (byte "));
  EXPECT_EQ(storage.reads, 3u);
  // Once is no reason to fail; EINTR and EAGAIN never are.
  for (int error : {EIO, EINTR, EAGAIN}) {
    std::atomic<int> count{0};
    storage.fault = [&](uint64_t, uint64_t, uint8_t *) {
      return ++count <= (error == EIO ? 1 : 20) ? int64_t(-error)
                                                : Storage::kRead;
    };
    expectRows(begin(table, {12 + error}), known, {12 + error});
  }
  EXPECT_EQ(getStatistics(table).failed, 1u);
}

TEST_F(FaultTests, OneBadRowOfManyFailsTheTicket) {
  // The record of row 500 is in the page 1 + 500 / 15.
  uint64_t bad = 4096 + 500 / 15 * 4096 + 500 % 15 * 272;
  storage.fault = [&](uint64_t offset, uint64_t bytes, uint8_t *) {
    return offset <= bad && bad < offset + bytes ? int64_t(-EIO)
                                                 : Storage::kRead;
  };
  tableOptions.cache_bytes = 0;
  open();
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < 1000; row += 20)
    rows.push_back(row);
  EXPECT_THAT(
      getWaitError(begin(table, rows), known, rows.size(), TRINE_ERROR_IO),
      StartsWith("table 'known': row 500: Input/output error"));
  rows[25] = 501 + 60;
  expectRows(begin(table, rows), known, rows);
}

/// Bits that flip on the way are read again; bits that flipped on the disk end
/// in an error. This fails when checksums are not looked at.
TEST_F(FaultTests, DamageIsFound) {
  std::atomic<bool> damaged{false};
  int file = ::open(path.c_str(), O_RDONLY);
  storage.fault = [&](uint64_t offset, uint64_t bytes, uint8_t *memory) {
    ssize_t got = pread(file, memory, bytes, offset);
    if (!damaged.exchange(true))
      memset(memory, 0, got);
    return static_cast<int64_t>(got);
  };
  open();
  expectRows(begin(table, {3}), known, {3});
  EXPECT_EQ(getStatistics(table).repeated_reads, 1u);
  close(file);
  storage.fault = nullptr;
  damage(path, 4096 + 272 * 4 + 100); // row 4
  EXPECT_THAT(
      getWaitError(begin(table, {3, 4}), known, 2, TRINE_ENGRAM_ERROR_CHECKSUM),
      StartsWith("table 'known': row 4: its checksum is wrong (byte "));
  expectRows(begin(table, {5}), known, {5});
  EXPECT_EQ(trine_engram_table_verify(table.get(), 0, known.rows),
            TRINE_ENGRAM_ERROR_CHECKSUM);
  EXPECT_THAT(trine_engram_message(),
              HasSubstr("do not have the checksum that they had"));
  tableOptions.tier = TRINE_ENGRAM_TIER_RESIDENT;
  EXPECT_THAT(
      getOpenError(store, path, TRINE_ENGRAM_ERROR_CHECKSUM, tableOptions),
      StartsWith("table 'known': row 4: its checksum is wrong"));
  // Mapped memory is compared block by block, before its first use.
  tableOptions.tier = TRINE_ENGRAM_TIER_MAPPED;
  tableOptions.check = TRINE_ENGRAM_CHECK_FIRST_TOUCH;
  TableHandle mapped = openTable(store, path, tableOptions);
  EXPECT_THAT(
      getWaitError(begin(mapped, {5}), known, 1, TRINE_ENGRAM_ERROR_CHECKSUM),
      HasSubstr("do not have the checksum that they had"));
}

/// A record in another's place has the right checksum for the wrong row.
TEST_F(FaultTests, RecordsInTheWrongPlaceAreFound) {
  int file = ::open(path.c_str(), O_RDONLY);
  storage.fault = [&](uint64_t offset, uint64_t bytes, uint8_t *memory) {
    return static_cast<int64_t>(pread(file, memory, bytes, offset + 4096));
  };
  open();
  EXPECT_THAT(
      getWaitError(begin(table, {3}), known, 1, TRINE_ENGRAM_ERROR_CHECKSUM),
      StartsWith("table 'known': row 3: its checksum is wrong"));
  close(file);
}

TEST_F(FaultTests, LateRowsAreLateAndThenRight) {
  open();
  storage.hold();
  trine_engram_ticket *ticket = begin(table, {42, 43});
  storage.waitForHeld(1);
  EXPECT_EQ(trine_engram_ready(ticket), 0);
  EXPECT_EQ(getWaitError(ticket, known, 2, TRINE_ENGRAM_ERROR_LATE, 20),
            "table 'known': row 42: not there within 20 ms: it is being read");
  storage.release();
  expectRows(ticket, known, {42, 43});
  EXPECT_EQ(getStatistics(table).late, 1u);
}

TEST_F(FaultTests, DeadlinesHoldForTicketsWithoutAWorker) {
  storeOptions.workers = 1;
  open();
  storage.hold();
  trine_engram_ticket *first = begin(table, {1}), *second = begin(table, {2});
  storage.waitForHeld(1);
  EXPECT_EQ(getWaitError(second, known, 1, TRINE_ENGRAM_ERROR_LATE, 5),
            "table 'known': row 2: not there within 5 ms: its ticket waits for "
            "a worker");
  storage.release();
  expectRows(first, known, {1});
  expectRows(second, known, {2});
}

TEST_F(FaultTests, AFullStoreSaysSo) {
  storeOptions.tickets = 2;
  open();
  storage.hold();
  trine_engram_ticket *first = begin(table, {1}), *second = begin(table, {2}),
                      *third = nullptr;
  int64_t row = 3;
  EXPECT_EQ(trine_engram_begin(table.get(), &row, 1, 0, &third),
            TRINE_ENGRAM_ERROR_FULL);
  EXPECT_STREQ(trine_engram_message(),
               "table 'known': 2 tickets with 528 bytes are in flight, and at "
               "most 2 with 33554432 may be");
  trine_engram_cancel(second);
  storage.release();
  // The cancelled ticket's room is free when its read is over.
  trine_status status = TRINE_ENGRAM_ERROR_FULL;
  for (int i = 0; i < 5000 && status != TRINE_OK; ++i) {
    status = trine_engram_begin(table.get(), &row, 1, 0, &third);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_EQ(status, TRINE_OK);
  expectRows(first, known, {1});
  expectRows(third, known, {3});
}

TEST_F(FaultTests, AFullStoreMayBeWaitedFor) {
  storeOptions.tickets = 1;
  // The last one, as nanoseconds of a clock, is before now.
  for (uint64_t milliseconds : {uint64_t(20000), UINT64_MAX}) {
    storeOptions.begin_milliseconds = milliseconds;
    table.reset();
    open();
    trine_engram_ticket *first = begin(table, {1});
    std::thread owner([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      expectRows(first, known, {1});
    });
    expectRows(begin(table, {2}), known, {2});
    owner.join();
  }
}

TEST_F(FaultTests, CancelledSessionsEnd) {
  open();
  storage.hold();
  trine_engram_ticket *mine = begin(table, {1}, 5),
                      *other = begin(table, {2}, 6);
  storage.waitForHeld(2);
  std::thread waiting([&] {
    EXPECT_EQ(getWaitError(mine, known, 1, TRINE_ENGRAM_ERROR_CANCELLED),
              "table 'known': session 5 was cancelled");
  });
  trine_engram_cancel_session(store.get(), 5);
  waiting.join();
  storage.release();
  expectRows(other, known, {2});
  EXPECT_EQ(getStatistics(table).cancelled, 1u);
}

TEST_F(FaultTests, ShutdownInFlight) {
  storeOptions.workers = 2;
  open();
  storage.hold();
  std::vector<trine_engram_ticket *> tickets;
  for (int64_t row = 0; row < 6; ++row)
    tickets.push_back(begin(table, {row}));
  storage.waitForHeld(2);
  std::thread waiting([&] {
    for (trine_engram_ticket *ticket : tickets)
      EXPECT_EQ(getWaitError(ticket, known, 1, TRINE_ENGRAM_ERROR_CLOSED),
                "the store was closed");
  });
  std::thread closing([&] { store.reset(); });
  waiting.join(); // although no read is over
  storage.release();
  closing.join();
  trine_engram_ticket *ticket;
  int64_t row = 1;
  EXPECT_EQ(trine_engram_begin(table.get(), &row, 1, 0, &ticket),
            TRINE_ENGRAM_ERROR_CLOSED);
}

TEST_F(FaultTests, ChangedFilesAreNotRead) {
  for (int32_t tier : {TRINE_ENGRAM_TIER_DISK, TRINE_ENGRAM_TIER_MAPPED}) {
    known.write(path);
    tableOptions.tier = tier;
    open();
    expectRows(begin(table, {1}), known, {1});
    ASSERT_EQ(truncate(path.c_str(), 100000), 0);
    // Cached or not, small or large.
    for (uint64_t count : {1, 600}) {
      std::vector<int64_t> rows(count, 1);
      EXPECT_THAT(getWaitError(begin(table, rows), known, count,
                               TRINE_ENGRAM_ERROR_CHANGED),
                  AllOf(StartsWith("table 'known': file "),
                        HasSubstr("bytes when it was opened, and has 100000")));
    }
    table.reset();
    EXPECT_THAT(
        getOpenError(store, path, TRINE_ENGRAM_ERROR_BAD_TABLE, tableOptions),
        HasSubstr("bytes, got 100000"));
  }
  known.write(path);
  tableOptions.tier = TRINE_ENGRAM_TIER_DISK;
  open();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  writeFile(path, {1, 2, 3}, 5000);
  EXPECT_THAT(
      getWaitError(begin(table, {1}), known, 1, TRINE_ENGRAM_ERROR_CHANGED),
      HasSubstr("was modified after it was opened"));
}

/// A file that changes while it is read: nothing of it is delivered or kept.
TEST_F(FaultTests, FilesThatChangeWhileTheyAreRead) {
  open();
  std::atomic<bool> once{false};
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  storage.fault = [&](uint64_t, uint64_t, uint8_t *) {
    if (!once.exchange(true))
      writeFile(path, {0}, 4090);
    return Storage::kRead;
  };
  EXPECT_THAT(
      getWaitError(begin(table, {1}), known, 1, TRINE_ENGRAM_ERROR_CHANGED),
      HasSubstr("was modified after it was opened"));
}

/// The same faults with io_uring, which no function can stand in for.
TEST_F(FaultTests, TruncatedBehindIoUring) {
  store = openStore(storeOptions);
  if (trine_engram_store_engine(store.get()) != TRINE_ENGRAM_ENGINE_URING)
    GTEST_SKIP() << "no io_uring here";
  table = openTable(store, path, tableOptions);
  damage(path, 4096 + 272 * 4 + 100);
  EXPECT_THAT(
      getWaitError(begin(table, {4}), known, 1, TRINE_ENGRAM_ERROR_CHECKSUM),
      StartsWith("table 'known': row 4: its checksum is wrong"));
  ASSERT_EQ(truncate(path.c_str(), 5000), 0);
  EXPECT_THAT(
      getWaitError(begin(table, {900}), known, 1, TRINE_ENGRAM_ERROR_CHANGED),
      HasSubstr("and has 5000"));
}

} // namespace
