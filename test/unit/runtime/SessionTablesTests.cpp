// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What steps ask the tables of a package for: hashes, fetches, announced
/// steps, and what happens when too much is in flight or the disk is late.
#include "ThreadStarts.h"
#include "core/SessionTables.h"
#include "device/host/HostDevice.h"
#include <atomic>
#include <chrono>
#include <cstring>
#include <gmock/gmock.h>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace trine::runtime;
using testing::HasSubstr;

namespace {
constexpr uint64_t kRows = 4000, kWidth = 8;

struct Disk {
  std::atomic<int> milliseconds{0}, reads{0};
  std::atomic<bool> isBroken{false};
};

int64_t readLate(void *context, int file, uint64_t offset, uint64_t bytes,
                 void *buffer) {
  Disk &disk = *static_cast<Disk *>(context);
  ++disk.reads;
  std::this_thread::sleep_for(std::chrono::milliseconds(disk.milliseconds));
  if (disk.isBroken)
    return -5; // EIO
  return pread(file, buffer, bytes, static_cast<off_t>(offset));
}

/// A device with memory of its own, which notes what is asked of it.
class SeparateDevice : public HostDevice {
public:
  SeparateDevice() : HostDevice(nullptr, 0, false) {}

  bool isHostMemory() const override { return false; }
  trine_status submit() override {
    note("submit");
    return TRINE_OK;
  }
  trine_status openPrefetched(uint64_t bytes, uint32_t *slot,
                              void **host) override {
    *host = nullptr;
    for (uint32_t i = 0; i < prefetchSlots && !*host; ++i)
      if (slots[i].empty()) {
        slots[i].resize(bytes);
        *slot = i;
        *host = slots[i].data();
      }
    if (!*host)
      note("full");
    return TRINE_OK;
  }
  trine_status copyPrefetched(uint32_t slot, uint64_t bytes,
                              std::string &problem) override {
    note("copy");
    if (!copyFails)
      return TRINE_OK;
    problem = "the copy failed";
    return TRINE_ERROR_DEVICE;
  }
  trine_status joinPrefetched(uint32_t queue, uint32_t slot, void *destination,
                              uint64_t bytes) override {
    note("join");
    memcpy(destination, slots[slot].data(), bytes);
    slots[slot].clear();
    return TRINE_OK;
  }
  void dropPrefetched(uint32_t slot) override {
    note("drop");
    slots[slot].clear();
  }

  void note(const char *what) {
    std::lock_guard<std::mutex> lock(mutex);
    order += what;
    order += ' ';
  }
  std::string getOrder() {
    std::lock_guard<std::mutex> lock(mutex);
    return order;
  }
  bool isFree() const {
    for (const std::vector<uint8_t> &slot : slots)
      if (!slot.empty())
        return false;
    return true;
  }
  std::atomic<bool> copyFails{false};

private:
  std::vector<uint8_t> slots[prefetchSlots];
  std::mutex mutex;
  std::string order;
};

class SessionTablesTest : public testing::Test {
protected:
  SessionTablesTest() : device(nullptr, 0, false) {}

  void open(uint32_t tickets = 64, uint64_t deadline = 60000) {
    folder = testing::TempDir() + "session-tables";
    trine_engram_table_shape shape = {};
    shape.struct_size = sizeof(shape);
    shape.type = TRINE_ENGRAM_F32;
    shape.name = "memory";
    shape.rows = kRows;
    shape.width = kWidth;
    trine_engram_writer *writer;
    ASSERT_EQ(trine_engram_writer_open(folder.c_str(), &shape, &writer), 0);
    std::vector<float> values(kRows * kWidth);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(i);
    ASSERT_EQ(trine_engram_writer_append(writer, values.data(), nullptr, kRows),
              0);
    ASSERT_EQ(trine_engram_writer_finish(writer), 0);
    trine_engram_writer_close(writer);
    ManifestTable table;
    table.name = "memory";
    table.path = "session-tables";
    table.rows = kRows;
    table.width = kWidth;
    TableOptions options;
    options.tier = TRINE_ENGRAM_TIER_DISK;
    options.cacheBytes = 0;
    options.tickets = tickets;
    options.deadlineMilliseconds = deadline;
    options.read = readLate;
    options.readContext = &disk;
    Status status = TableSet::open(testing::TempDir(), {table}, options, set);
    ASSERT_TRUE(status.ok()) << status.getMessage();
    ASSERT_TRUE(device.start(1).ok());
    ManifestTensor ids, history;
    ids.name = "ids";
    history.name = "history";
    declared = {ids, history};
    tables = std::make_unique<SessionTables>(
        set.get(), isSeparate ? separate : device, declared);
  }

  trine_engram_statistics count() {
    trine_engram_statistics counts = {};
    counts.struct_size = sizeof(counts);
    trine_engram_table_statistics(set->getTable(0), &counts);
    return counts;
  }

  void expectRows(const std::vector<int64_t> &rows,
                  const std::vector<float> &got) {
    ASSERT_EQ(got.size(), rows.size() * kWidth);
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(got[i],
                static_cast<float>(rows[i / kWidth] * kWidth + i % kWidth));
  }

  void awaitRows(uint64_t ticket, const std::vector<int64_t> &rows) {
    std::vector<float> got(rows.size() * kWidth);
    Status status = tables->await(0, ticket, TRINE_TABLE_F32, got.data(),
                                  got.size() * sizeof(float));
    ASSERT_TRUE(status.ok()) << status.getMessage();
    expectRows(rows, got);
  }

  std::string folder;
  Disk disk;
  HostDevice device;
  SeparateDevice separate;
  bool isSeparate = false;
  std::unique_ptr<const TableSet> set;
  std::vector<ManifestTensor> declared;
  std::unique_ptr<SessionTables> tables;
};

/// A program of one hash and one fetch of its rows.
class AnnouncedTest : public SessionTablesTest {
protected:
  /// One step; `atOnce` tells how many fetches are begun when its own is.
  void step(const std::vector<int64_t> &ids, uint64_t atOnce) {
    trine_program_tensor inputs[2] = {};
    inputs[0].data = ids.data();
    inputs[1].data = history;
    std::vector<int64_t> rows(ids.size() * 4);
    int64_t present[2];
    tables->beginStep(inputs);
    Status status =
        tables->hash(0, {rule, nullptr, 0, ids.data(), 1, ids.size(), history,
                         rows.data(), present});
    ASSERT_TRUE(status.ok()) << status.getMessage();
    uint64_t ticket, before = count().tickets;
    status = tables->issue(0, 0, rows.data(), rows.size(), &ticket);
    ASSERT_TRUE(status.ok()) << status.getMessage();
    EXPECT_EQ(count().tickets - before, atOnce);
    awaitRows(ticket, rows);
    tables->endStep(true);
    std::copy(present, present + 2, history);
    lastRows = rows;
  }
  void announce(const std::vector<int64_t> &ids) {
    trine_tensor tensor = {};
    tensor.name = "ids";
    tensor.data = const_cast<int64_t *>(ids.data());
    tensor.bytes = ids.size() * 8;
    tensor.type = TRINE_TYPE_I64;
    tensor.rank = 2;
    tensor.sizes[0] = 1;
    tensor.sizes[1] = static_cast<int64_t>(ids.size());
    Status status = tables->announce(&tensor, 1);
    ASSERT_TRUE(status.ok()) << status.getMessage();
  }

  /// order 3, 2 heads, pad 2, no reset, no map.
  const int64_t rule[17] = {3,   2,   2,   0,   0, 8,   1000003, 70001, 3000017,
                            997, 991, 983, 977, 0, 997, 1988,    2971};
  int64_t history[2] = {2, 2};
  std::vector<int64_t> lastRows;
};
} // namespace

TEST_F(AnnouncedTest, ChunksAreFetchedWhileTheOneBeforeComputes) {
  open();
  std::vector<int64_t> chunks[4] = {
      {5, 9, 5, 63, 7}, {0, 1, 5, 9, 5}, {63, 63}, {8, 8, 8, 1, 2}};
  // The same without announcements.
  std::vector<std::vector<int64_t>> expected;
  for (auto &chunk : chunks) {
    step(chunk, 1);
    expected.push_back(lastRows);
  }
  history[0] = history[1] = 2;
  for (size_t i = 0; i < 4; ++i) {
    if (i + 1 < 4)
      announce(chunks[i + 1]);
    // The first begins its own fetch and the next one's, the last none at all.
    step(chunks[i], i == 0 ? 2 : i < 3 ? 1 : 0);
    EXPECT_EQ(lastRows, expected[i]);
  }
  EXPECT_EQ(count().failed, 0u);
}

TEST_F(AnnouncedTest, OtherIdsThanAnnouncedAreFetchedAnew) {
  open();
  announce({1, 2, 3});
  step({5, 9, 5}, 2);
  step({1, 2, 4}, 1);
  announce({1, 2, 3});
  EXPECT_TRUE(tables->announce(nullptr, 0).ok()); // taken back
  step({5, 9, 5}, 1);
  EXPECT_EQ(count().cancelled, 1u);
}

TEST_F(AnnouncedTest, SeveralFetchesShareAHistory) {
  open();
  // Two tables' worth of rows from one hash: both are begun ahead.
  trine_program_tensor inputs[2] = {};
  std::vector<int64_t> ids = {5, 9}, rows(8);
  inputs[0].data = ids.data();
  inputs[1].data = history;
  int64_t present[2];
  for (int i = 0; i < 2; ++i) {
    if (i == 0)
      announce(ids);
    tables->beginStep(inputs);
    ASSERT_TRUE(tables
                    ->hash(0, {rule, nullptr, 0, ids.data(), 1, 2, history,
                               rows.data(), present})
                    .ok());
    uint64_t before = count().tickets, tickets[2];
    for (uint64_t &ticket : tickets)
      ASSERT_TRUE(tables->issue(0, 0, rows.data(), 8, &ticket).ok());
    EXPECT_EQ(count().tickets - before, i == 0 ? 4u : 0u);
    for (uint64_t ticket : tickets)
      awaitRows(ticket, rows);
    tables->endStep(true);
    std::copy(present, present + 2, history);
  }
}

TEST_F(AnnouncedTest, RefusesWhatIsNoInput) {
  open();
  trine_tensor tensor = {};
  tensor.name = "other";
  EXPECT_EQ(tables->announce(&tensor, 1).getMessage(),
            "the model has no input 'other'");
  tensor.name = "ids";
  tensor.type = TRINE_TYPE_I64;
  tensor.rank = 1;
  tensor.sizes[0] = 3;
  EXPECT_EQ(tables->announce(&tensor, 1).getMessage(),
            "input 'ids' must have 3 elements of 8 bytes, got 0 bytes");
  tensor.sizes[0] = -1;
  EXPECT_EQ(tables->announce(&tensor, 1).getMessage(),
            "input 'ids' is too large");
  tensor.rank = 9;
  EXPECT_EQ(tables->announce(&tensor, 1).getMessage(),
            "input 'ids': rank must be in [0, 8], got 9");
}

TEST_F(SessionTablesTest, MoreFetchesThanTheStoreTakesWaitAndCostTimeAlone) {
  open(/*tickets=*/2);
  disk.milliseconds = 5;
  auto start = std::chrono::steady_clock::now();
  for (bool backwards : {false, true}) {
    tables->beginStep(nullptr);
    std::vector<std::vector<int64_t>> rows(6);
    std::vector<uint64_t> tickets(6);
    for (int i = 0; i < 6; ++i) {
      rows[i] = {i, 1000 + i, 17, 3999 - i, -1};
      Status status = tables->issue(0, 0, rows[i].data(), 5, &tickets[i]);
      ASSERT_TRUE(status.ok()) << status.getMessage();
      rows[i].back() = kRows - 1; // counted from the end
    }
    EXPECT_EQ(count().full, backwards ? 8u : 4u);
    for (int i = 0; i < 6; ++i)
      awaitRows(tickets[backwards ? 5 - i : i], rows[backwards ? 5 - i : i]);
    tables->endStep(true);
  }
  // Nothing waits for a deadline.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(count().failed, 0u);
}

TEST_F(SessionTablesTest, AFullStoreFailsAfterTheDeadlineAndSaysWhy) {
  open(/*tickets=*/1, /*deadline=*/30);
  disk.milliseconds = 500;
  tables->beginStep(nullptr);
  std::vector<int64_t> rows = {1, 2};
  uint64_t first, second;
  ASSERT_TRUE(tables->issue(0, 0, rows.data(), 2, &first).ok());
  ASSERT_TRUE(tables->issue(0, 0, rows.data(), 2, &second).ok());
  std::vector<float> got(2 * kWidth);
  auto start = std::chrono::steady_clock::now();
  Status status = tables->await(0, second, TRINE_TABLE_F32, got.data(),
                                got.size() * sizeof(float));
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(400));
  EXPECT_EQ(status.getCode(), TRINE_ENGRAM_ERROR_LATE);
  EXPECT_THAT(status.getMessage(),
              HasSubstr("table 'memory': row 1: not there within 30 ms"));
  tables->endStep(false);
}

TEST_F(SessionTablesTest, SaysWhatAProgramDoesWrong) {
  open();
  tables->beginStep(nullptr);
  std::vector<int64_t> rows = {1};
  uint64_t ticket;
  EXPECT_EQ(tables->issue(0, 1, rows.data(), 1, &ticket).getMessage(),
            "the program asked for rows of table 1, but the package has 1");
  ASSERT_TRUE(tables->issue(0, 0, rows.data(), 1, &ticket).ok());
  awaitRows(ticket, rows);
  float row[kWidth];
  for (uint64_t wrong : {ticket, ticket + 1})
    EXPECT_EQ(
        tables->await(0, wrong, TRINE_TABLE_F32, row, sizeof(row)).getMessage(),
        "the program awaited ticket " + std::to_string(wrong) +
            ", which is not in flight");
  rows[0] = kRows;
  EXPECT_THAT(tables->issue(0, 0, rows.data(), 1, &ticket).getMessage(),
              HasSubstr("table 'memory': row must be in [0, 4000), got 4000"));
  tables->endStep(false);
}

//===----------------------------------------------------------------------===//
// Devices with memory of their own
//===----------------------------------------------------------------------===//

namespace {
class SentRowsTest : public SessionTablesTest {
protected:
  SentRowsTest() { isSeparate = true; }

  uint64_t issue(const std::vector<int64_t> &rows, bool isSent = true) {
    uint64_t ticket = 0;
    Status status = tables->issue(0, 0, rows.data(), rows.size(), &ticket);
    EXPECT_TRUE(status.ok()) << status.getMessage();
    if (isSent) {
      status = tables->send(ticket, TRINE_TABLE_F32);
      EXPECT_TRUE(status.ok()) << status.getMessage();
    }
    return ticket;
  }
  /// Waits until the device was asked for this, while the step does nothing.
  void expectOrder(const std::string &expected) {
    for (int i = 0; i < 2000 && separate.getOrder() != expected; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(separate.getOrder(), expected);
  }
  Status await(uint64_t ticket, uint32_t type = TRINE_TABLE_F32) {
    float row[kWidth];
    return tables->await(0, ticket, type, row, sizeof row);
  }
};
} // namespace

TEST_F(SentRowsTest, AreCopiedAsSoonAsTheyAreThere) {
  open();
  tables->beginStep(nullptr);
  uint64_t first = issue({1, 2}), second = issue({3});
  // Nothing was awaited.
  expectOrder("copy copy ");
  awaitRows(second, {3});
  awaitRows(first, {1, 2});
  expectOrder("copy copy join join ");
  tables->endStep(true);
  EXPECT_TRUE(separate.isFree());
}

TEST_F(SentRowsTest, WorkIsSubmittedBeforeTheHostWaits) {
  open();
  disk.milliseconds = 100;
  tables->beginStep(nullptr);
  uint64_t ticket = issue({1});
  awaitRows(ticket, {1});
  expectOrder("submit copy join ");
  tables->endStep(true);
}

TEST_F(SentRowsTest, WithoutAWordAreSentWhenTheyAreAwaited) {
  open();
  tables->beginStep(nullptr);
  uint64_t ticket = issue({1}, /*isSent=*/false);
  expectOrder("");
  awaitRows(ticket, {1});
  tables->endStep(true);
  EXPECT_THAT(separate.getOrder(), testing::EndsWith("copy join "));
}

TEST_F(SentRowsTest, WithoutAThreadAreCopiedWhenTheyAreAwaited) {
  open();
  tables->beginStep(nullptr);
  {
    trine::test::LimitedThreadStarts none(0);
    uint64_t first = issue({1, 2}), second = issue({3});
    EXPECT_EQ(none.getRefused(), 2);
    EXPECT_EQ(separate.getOrder(), "");
    awaitRows(second, {3});
    awaitRows(first, {1, 2});
    EXPECT_EQ(separate.getOrder(), "submit copy join submit copy join ");
    issue({4}); // ends with the step
  }
  tables->endStep(false);
  EXPECT_TRUE(separate.isFree());
  // The next one has a thread again.
  tables->beginStep(nullptr);
  uint64_t ticket = issue({5});
  expectOrder("submit copy join submit copy join drop copy ");
  awaitRows(ticket, {5});
  tables->endStep(true);
}

TEST_F(SentRowsTest, MoreThanThereAreSlots) {
  open();
  disk.milliseconds = 2;
  for (bool isBackwards : {false, true}) {
    tables->beginStep(nullptr);
    std::vector<uint64_t> tickets;
    constexpr int64_t most = Device::prefetchSlots + 3;
    for (int64_t i = 0; i < most; ++i)
      tickets.push_back(issue({i, 100 * i}));
    for (int64_t i = 0; i < most; ++i) {
      int64_t at = isBackwards ? most - 1 - i : i;
      awaitRows(tickets[at], {at, 100 * at});
    }
    tables->endStep(true);
    EXPECT_TRUE(separate.isFree());
  }
  EXPECT_THAT(separate.getOrder(), HasSubstr("full "));
}

TEST_F(SentRowsTest, MoreThanTheStoreTakes) {
  open(/*tickets=*/2);
  disk.milliseconds = 2;
  tables->beginStep(nullptr);
  std::vector<uint64_t> tickets;
  for (int64_t i = 0; i < 6; ++i)
    tickets.push_back(issue({i}));
  for (int64_t i = 5; i >= 0; --i)
    awaitRows(tickets[i], {i});
  tables->endStep(true);
  EXPECT_TRUE(separate.isFree());
}

TEST_F(SentRowsTest, AFailedStepEndsThem) {
  open();
  disk.milliseconds = 2000;
  auto start = std::chrono::steady_clock::now();
  tables->beginStep(nullptr);
  for (int64_t i = 0; i < 3; ++i)
    issue({i});
  tables->endStep(false);
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(1500));
  EXPECT_TRUE(separate.isFree());
  EXPECT_EQ(separate.getOrder(), "drop drop drop ");
  // The next step asks anew; a session may end with rows on their way.
  disk.milliseconds = 0;
  tables->beginStep(nullptr);
  awaitRows(issue({7}), {7});
  issue({8});
  tables.reset();
  EXPECT_TRUE(separate.isFree());
}

TEST_F(SentRowsTest, FailWhereTheyAreAwaited) {
  open();
  tables->beginStep(nullptr);
  disk.isBroken = true;
  Status status = await(issue({5}));
  EXPECT_THAT(status.getMessage(), HasSubstr("table 'memory': row 5"));
  disk.isBroken = false;
  separate.copyFails = true;
  uint64_t ticket = issue({6});
  status = await(ticket);
  EXPECT_EQ(status.getCode(), TRINE_ERROR_DEVICE);
  EXPECT_EQ(status.getMessage(), "the copy failed");
  EXPECT_EQ(await(ticket).getMessage(), "the program awaited ticket " +
                                            std::to_string(ticket) +
                                            ", which is not in flight");
  tables->endStep(false);
  EXPECT_TRUE(separate.isFree());
}

TEST_F(SentRowsTest, FailWhenTheyAreLate) {
  open(/*tickets=*/64, /*deadline=*/30);
  disk.milliseconds = 500;
  tables->beginStep(nullptr);
  Status status = await(issue({5}));
  EXPECT_EQ(status.getCode(), TRINE_ENGRAM_ERROR_LATE);
  EXPECT_THAT(status.getMessage(), HasSubstr("row 5: not there within 30 ms"));
  tables->endStep(false);
  EXPECT_TRUE(separate.isFree());
}

TEST_F(SentRowsTest, SaysWhatAProgramDoesWrong) {
  open();
  tables->beginStep(nullptr);
  EXPECT_EQ(tables->send(0, TRINE_TABLE_F32).getMessage(),
            "the program sent ticket 0, which is not in flight");
  uint64_t ticket = issue({1});
  EXPECT_EQ(tables->send(ticket, TRINE_TABLE_F32).getMessage(),
            "the program sent ticket 0, which is not in flight");
  EXPECT_EQ(await(ticket, TRINE_TABLE_BF16).getMessage(),
            "the program sent ticket 0 as type 1 and 32 bytes, and awaited "
            "type 3 and 32 bytes");
  tables->endStep(false);
  EXPECT_TRUE(separate.isFree());
}
