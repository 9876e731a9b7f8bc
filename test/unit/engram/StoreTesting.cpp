// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StoreTesting.h"
#include "gtest/gtest.h"
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

using namespace trine::test;

TemporaryFolder::TemporaryFolder() {
  std::string pattern = testing::TempDir() + "trine-engram-XXXXXX";
  path = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path); }

//===----------------------------------------------------------------------===//
// Known tables
//===----------------------------------------------------------------------===//

uint64_t KnownTable::getValueBytes() const {
  return width * (type == TRINE_ENGRAM_F32    ? 4
                  : type == TRINE_ENGRAM_E4M3 ? 1
                                              : 2);
}

uint64_t KnownTable::getScaleBytes() const {
  return type == TRINE_ENGRAM_E4M3 ? width / 32 : 0;
}

static uint64_t scramble(uint64_t value) {
  value = (value ^ value >> 31) * 0x7fb5d329728ea185;
  value = (value ^ value >> 27) * 0x81dadef4bc2dd44d;
  return value ^ value >> 33;
}

std::vector<uint8_t> KnownTable::makeRow(uint64_t row) const {
  std::vector<uint8_t> bytes;
  for (uint64_t i = 0; i < width; ++i) {
    uint64_t bits = scramble(row * width + i);
    // A value with 4 digits, which every type can hold.
    float value = static_cast<float>(static_cast<int>(bits % 31) - 15);
    uint32_t word;
    memcpy(&word, &value, 4);
    if (type == TRINE_ENGRAM_F32) {
      bytes.insert(bytes.end(), reinterpret_cast<uint8_t *>(&word),
                   reinterpret_cast<uint8_t *>(&word) + 4);
    } else if (type == TRINE_ENGRAM_BF16) {
      bytes.push_back(static_cast<uint8_t>(word >> 16));
      bytes.push_back(static_cast<uint8_t>(word >> 24));
    } else if (type == TRINE_ENGRAM_F16) {
      uint32_t half = value == 0 ? 0
                                 : (word >> 16 & 0x8000) |
                                       ((word >> 13 & 0x3ffff) - (112u << 10));
      bytes.push_back(static_cast<uint8_t>(half));
      bytes.push_back(static_cast<uint8_t>(half >> 8));
    } else {
      uint8_t byte = static_cast<uint8_t>(bits);
      bytes.push_back((byte & 0x7f) == 0x7f ? 0x7e : byte);
    }
  }
  for (uint64_t i = 0; i < getScaleBytes(); ++i)
    bytes.push_back(static_cast<uint8_t>(120 + scramble(row + i) % 15));
  return bytes;
}

std::vector<float> KnownTable::getRow(uint64_t row) const {
  std::vector<float> values;
  std::vector<uint8_t> bytes = makeRow(row);
  for (uint64_t i = 0; i < width; ++i) {
    if (type != TRINE_ENGRAM_E4M3) {
      values.push_back(static_cast<float>(
          static_cast<int>(scramble(row * width + i) % 31) - 15));
      continue;
    }
    int byte = bytes[i], exponent = byte >> 3 & 15, digits = byte & 7;
    double value = exponent == 0 ? std::ldexp(digits, -9)
                                 : std::ldexp(8 + digits, exponent - 10);
    value = std::ldexp(byte & 0x80 ? -value : value,
                       int(bytes[width + i / 32]) - 127);
    values.push_back(static_cast<float>(value));
  }
  return values;
}

void KnownTable::write(const std::string &path) const {
  trine_engram_table_shape shape = {};
  shape.struct_size = sizeof(shape);
  shape.type = type;
  shape.name = name.c_str();
  shape.rows = rows;
  shape.width = width;
  shape.record_bytes = recordBytes;
  trine_engram_writer *writer;
  ASSERT_EQ(trine_engram_writer_open(path.c_str(), &shape, &writer), TRINE_OK)
      << trine_engram_message();
  for (uint64_t row = 0; row < rows; ++row) {
    std::vector<uint8_t> bytes = makeRow(row);
    const uint8_t *scales =
        getScaleBytes() ? bytes.data() + getValueBytes() : nullptr;
    ASSERT_EQ(trine_engram_writer_append(writer, bytes.data(), scales, 1),
              TRINE_OK)
        << trine_engram_message();
  }
  ASSERT_EQ(trine_engram_writer_finish(writer), TRINE_OK)
      << trine_engram_message();
  trine_engram_writer_close(writer);
}

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

void Storage::hold() {
  std::lock_guard<std::mutex> lock(mutex);
  isHeld = true;
}

void Storage::release() {
  std::lock_guard<std::mutex> lock(mutex);
  isHeld = false;
  changed.notify_all();
}

void Storage::waitForHeld(unsigned count) {
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&] { return held >= count; });
}

int64_t Storage::read(void *context, int file, uint64_t offset, uint64_t bytes,
                      void *memory) {
  auto *storage = static_cast<Storage *>(context);
  ++storage->reads;
  {
    std::unique_lock<std::mutex> lock(storage->mutex);
    ++storage->held;
    storage->changed.notify_all();
    storage->changed.wait(lock, [&] { return !storage->isHeld; });
    --storage->held;
  }
  if (storage->fault) {
    int64_t result =
        storage->fault(offset, bytes, static_cast<uint8_t *>(memory));
    if (result != kRead)
      return result;
  }
  ssize_t got = pread(file, memory, bytes, static_cast<off_t>(offset));
  return got < 0 ? -errno : got;
}

//===----------------------------------------------------------------------===//
// Handles
//===----------------------------------------------------------------------===//

StoreHandle trine::test::openStore(const trine_engram_store_options &options) {
  trine_engram_store *store = nullptr;
  EXPECT_EQ(trine_engram_store_open(&options, &store), TRINE_OK)
      << trine_engram_message();
  return StoreHandle(store);
}

StoreHandle trine::test::openStore(Storage &storage,
                                   trine_engram_store_options options) {
  options.read = Storage::read;
  options.read_context = &storage;
  return openStore(options);
}

TableHandle trine::test::openTable(const StoreHandle &store,
                                   const std::string &path,
                                   const trine_engram_table_options &options) {
  trine_engram_table *table = nullptr;
  EXPECT_EQ(
      trine_engram_table_open(store.get(), path.c_str(), &options, &table),
      TRINE_OK)
      << trine_engram_message();
  return TableHandle(table);
}

std::string
trine::test::getOpenError(const StoreHandle &store, const std::string &path,
                          trine_status expected,
                          const trine_engram_table_options &options) {
  trine_engram_table *table = nullptr;
  EXPECT_EQ(
      trine_engram_table_open(store.get(), path.c_str(), &options, &table),
      expected);
  EXPECT_EQ(table, nullptr);
  return trine_engram_message();
}

trine_engram_ticket *trine::test::begin(const TableHandle &table,
                                        const std::vector<int64_t> &rows,
                                        uint64_t session) {
  trine_engram_ticket *ticket = nullptr;
  EXPECT_EQ(trine_engram_begin(table.get(), rows.data(), rows.size(), session,
                               &ticket),
            TRINE_OK)
      << trine_engram_message();
  return ticket;
}

void trine::test::expectRows(trine_engram_ticket *ticket,
                             const KnownTable &known,
                             const std::vector<int64_t> &rows) {
  std::vector<float> values(rows.size() * known.width, -77);
  ASSERT_EQ(trine_engram_wait(ticket, TRINE_ENGRAM_F32, values.data(),
                              values.size() * 4, -1),
            TRINE_OK)
      << trine_engram_message();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    std::vector<float> expected = known.getRow(rows[i]);
    ASSERT_EQ(
        memcmp(&values[i * known.width], expected.data(), known.width * 4), 0)
        << "row " << rows[i] << " at " << i;
  }
}

std::string trine::test::getWaitError(trine_engram_ticket *ticket,
                                      const KnownTable &known, uint64_t count,
                                      trine_status expected, int64_t deadline) {
  std::vector<float> values(count * known.width);
  EXPECT_EQ(trine_engram_wait(ticket, TRINE_ENGRAM_F32, values.data(),
                              values.size() * 4, deadline),
            expected)
      << trine_engram_message();
  return trine_engram_message();
}

trine_engram_statistics trine::test::getStatistics(const TableHandle &table) {
  trine_engram_statistics statistics = {};
  statistics.struct_size = sizeof(statistics);
  EXPECT_EQ(trine_engram_table_statistics(table.get(), &statistics), TRINE_OK);
  return statistics;
}

std::vector<int64_t> trine::test::makeRows(uint64_t seed, uint64_t count,
                                           uint64_t bound) {
  std::mt19937_64 random(seed);
  std::vector<int64_t> rows(count);
  for (int64_t &row : rows)
    row = static_cast<int64_t>(random() % bound);
  return rows;
}

void trine::test::writeFile(const std::string &path,
                            const std::vector<uint8_t> &bytes,
                            uint64_t offset) {
  int file = open(path.c_str(), O_WRONLY | O_CREAT, 0666);
  ASSERT_GE(file, 0);
  ASSERT_EQ(pwrite(file, bytes.data(), bytes.size(), offset),
            static_cast<ssize_t>(bytes.size()));
  close(file);
}

void trine::test::damage(const std::string &path, uint64_t offset) {
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  int file = open(path.c_str(), O_RDWR);
  ASSERT_GE(file, 0);
  uint8_t byte = 0;
  ASSERT_EQ(pread(file, &byte, 1, offset), 1);
  byte ^= 4;
  ASSERT_EQ(pwrite(file, &byte, 1, offset), 1);
  timespec times[2] = {info.st_atim, info.st_mtim};
  ASSERT_EQ(futimens(file, times), 0);
  close(file);
}
