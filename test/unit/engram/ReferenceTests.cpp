// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tables in place, inside other files: which files may be opened, and what is
// noticed about them.
#include "StoreTesting.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace trine::test;
using testing::HasSubstr;

namespace {

class ReferenceTests : public testing::Test {
protected:
  /// Values of all rows from 1000 on, scales of all rows after them, as
  /// checkpoints have them.
  ReferenceTests() {
    std::filesystem::create_directory(folder / "models");
    reference.struct_size = sizeof(reference);
    reference.name = "layer 1";
    reference.path = "models/shard.safetensors";
    reference.type = known.type;
    reference.rows = known.rows;
    reference.width = known.width;
    reference.offset = 1000;
    reference.stride = known.getValueBytes();
    reference.scale_offset = 1000 + known.rows * known.getValueBytes() + 13;
    reference.scale_stride = known.getScaleBytes();
    write();
  }

  void write() {
    std::vector<uint8_t> bytes(reference.scale_offset +
                               known.rows * known.getScaleBytes());
    for (uint64_t row = 0; row < known.rows; ++row) {
      std::vector<uint8_t> values = known.makeRow(row);
      memcpy(&bytes[reference.offset + row * reference.stride], values.data(),
             known.getValueBytes());
      memcpy(&bytes[reference.scale_offset + row * reference.scale_stride],
             &values[known.getValueBytes()], known.getScaleBytes());
    }
    writeFile(path, bytes);
    ASSERT_EQ(trine_engram_identify(folder.get().c_str(), &reference), TRINE_OK)
        << trine_engram_message();
  }

  TableHandle open(trine_status expected = TRINE_OK) {
    trine_engram_table *table = nullptr;
    EXPECT_EQ(trine_engram_table_open_reference(store.get(),
                                                folder.get().c_str(),
                                                &reference, &options, &table),
              expected)
        << trine_engram_message();
    return TableHandle(table);
  }
  std::string getError(trine_status expected) {
    open(expected);
    return trine_engram_message();
  }

  TemporaryFolder folder;
  KnownTable known;
  std::string path = folder / "models/shard.safetensors";
  trine_engram_reference reference = {};
  trine_engram_table_options options = getTableOptions();
  StoreHandle store = openStore(getStoreOptions());
};

TEST_F(ReferenceTests, RowsOfAllTiersAndCaches) {
  for (int32_t tier : {TRINE_ENGRAM_TIER_RESIDENT, TRINE_ENGRAM_TIER_MAPPED,
                       TRINE_ENGRAM_TIER_DISK})
    for (int32_t check : {0, 1}) {
      options.tier = tier;
      options.check = check;
      options.cache_bytes = check ? 0 : 1 << 20;
      TableHandle table = open();
      std::vector<int64_t> rows = makeRows(tier, 700, known.rows);
      expectRows(begin(table, rows), known, rows);
      expectRows(begin(table, {0, 999}), known, {0, 999});
    }
}

TEST_F(ReferenceTests, OnlyBelowTheFolderAndNeverThroughLinks) {
  writeFile(folder / "outside", std::vector<uint8_t>(100));
  for (const char *bad : {"../outside", "models/../outside", "./outside",
                          "models//shard.safetensors", "models/"}) {
    reference.path = bad;
    EXPECT_THAT(getError(TRINE_ERROR_INVALID_ARGUMENT),
                HasSubstr("must not contain '', '.' or '..' as a part"));
  }
  for (const std::string &bad : {std::string(), path}) {
    reference.path = bad.c_str();
    EXPECT_THAT(getError(TRINE_ERROR_INVALID_ARGUMENT),
                HasSubstr("must be a path relative to its folder"));
  }
  std::filesystem::create_symlink(path, folder / "link");
  std::filesystem::create_directory_symlink(folder / "models",
                                            folder / "linked");
  for (const char *bad : {"link", "linked/shard.safetensors"}) {
    reference.path = bad;
    EXPECT_THAT(getError(TRINE_ERROR_IO),
                HasSubstr("must not lead through a link"));
  }
  reference.path = "models";
  EXPECT_THAT(getError(TRINE_ERROR_IO), HasSubstr("must be a regular file"));
  reference.path = "models/none";
  getError(TRINE_ERROR_NOT_FOUND);
}

TEST_F(ReferenceTests, NeedsAStructSize) {
  reference.struct_size = 8;
  EXPECT_EQ(getError(TRINE_ERROR_INVALID_ARGUMENT),
            "'store', 'folder', 'reference', its 'struct_size' and 'table' "
            "must not be NULL");
  EXPECT_EQ(trine_engram_identify(folder.get().c_str(), &reference),
            TRINE_ERROR_INVALID_ARGUMENT);
}

TEST_F(ReferenceTests, OtherFilesAreNoticed) {
  trine_engram_reference good = reference;
  reference.file_bytes += 1;
  EXPECT_THAT(getError(TRINE_ENGRAM_ERROR_CHANGED),
              HasSubstr("is not the file that was meant: it must have "));
  reference = good;
  reference.modified_nanoseconds -= 1;
  EXPECT_THAT(getError(TRINE_ENGRAM_ERROR_CHANGED),
              HasSubstr("it must have been modified at "));
  reference = good;
  damage(path, 500); // the time stays
  EXPECT_THAT(getError(TRINE_ENGRAM_ERROR_CHANGED),
              HasSubstr("its first 65536 bytes have another SHA-256"));
}

TEST_F(ReferenceTests, RowsMustBeWithinTheFile) {
  trine_engram_reference good = reference;
  for (auto change : std::vector<std::function<void(trine_engram_reference &)>>{
           [](auto &r) { r.rows += 1; }, [](auto &r) { r.scale_offset += 1; },
           [](auto &r) { r.stride -= 1; },
           [](auto &r) { r.stride = UINT64_MAX; },
           [](auto &r) { r.offset = UINT64_MAX - 10; }}) {
    reference = good;
    change(reference);
    EXPECT_THAT(getError(TRINE_ENGRAM_ERROR_BAD_TABLE),
                HasSubstr(", and must not overlap"));
  }
}

/// Rows are read in pieces of a megabyte, of which scales may be far apart.
TEST_F(ReferenceTests, ScalesFarApart) {
  constexpr uint64_t kStride = uint64_t(1) << 28;
  uint64_t bytes = reference.scale_offset + (known.rows - 1) * kStride +
                   known.getScaleBytes();
  if (truncate(path.c_str(), static_cast<off_t>(bytes)) != 0)
    GTEST_SKIP() << "no files of " << bytes << " bytes here";
  reference.scale_stride = kStride;
  ASSERT_EQ(trine_engram_identify(folder.get().c_str(), &reference), TRINE_OK);
  options.tier = TRINE_ENGRAM_TIER_RESIDENT;
  open();
}

TEST_F(ReferenceTests, FilesThatAreTooLarge) {
  std::filesystem::path fast = "/dev/shm/trine-" + std::to_string(getpid());
  std::error_code error;
  std::filesystem::create_directory(fast, error);
  std::ofstream(fast / "t") << "t";
  bool made = truncate((fast / "t").c_str(), (off_t(1) << 44) + 1) == 0;
  reference.path = "t";
  trine_status status = trine_engram_identify(fast.c_str(), &reference);
  trine_engram_table *table = nullptr;
  trine_status opened = trine_engram_table_open_reference(
      store.get(), fast.c_str(), &reference, &options, &table);
  std::filesystem::remove_all(fast, error);
  if (!made || status != TRINE_OK)
    GTEST_SKIP() << "no sparse files of 16 TiB here";
  EXPECT_EQ(opened, TRINE_ENGRAM_ERROR_BAD_TABLE);
  EXPECT_THAT(trine_engram_message(),
              HasSubstr("must have at most 17592186044416 bytes, got "
                        "17592186044417"));
}

/// Checksums come with use, and are compared the next time.
TEST_F(ReferenceTests, ChecksumsAreKept) {
  std::string sums = folder / "sums";
  options.check = TRINE_ENGRAM_CHECK_FIRST_TOUCH;
  options.checksums = sums.c_str();
  options.cache_bytes = 0;
  TableHandle table = open();
  expectRows(begin(table, {900}), known, {900});
  EXPECT_EQ(getStatistics(table).checked_blocks, 1u);
  expectRows(begin(table, {5}), known, {5});
  EXPECT_EQ(getStatistics(table).checked_blocks, 1u);
  ASSERT_EQ(trine_engram_table_save_checksums(table.get(), sums.c_str()),
            TRINE_OK)
      << trine_engram_message();
  table.reset();
  table = open();
  expectRows(begin(table, {900}), known, {900});
  table.reset();
  damage(path, 200000); // beyond the hashed header; the time stays
  table = open();
  EXPECT_THAT(
      getWaitError(begin(table, {3}), known, 1, TRINE_ENGRAM_ERROR_CHECKSUM),
      HasSubstr("do not have the checksum that they had"));
  table.reset();
  damage(sums, 60);
  EXPECT_THAT(getError(TRINE_ENGRAM_ERROR_BAD_TABLE),
              HasSubstr("holds no checksums of this file, or is damaged"));
  options.checksums = nullptr;
  EXPECT_EQ(trine_engram_table_save_checksums(open().get(), "/none/sums"),
            TRINE_ERROR_IO);
}

/// Far larger than memory may be: known rows at random places of a sparse file
/// of 200 GB, and others, within the cache's bytes and 64 MiB.
TEST(SparseTableTests, TwoHundredGigabytesInPlace) {
  TemporaryFolder folder;
  constexpr uint64_t kWidth = 128, kRows = 781250000, kPlaces = 2000;
  std::string path = folder / "sparse";
  int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0666);
  if (ftruncate(file, 4096 + kRows * kWidth * 2) != 0) {
    close(file);
    GTEST_SKIP() << "no files of 200 GB here";
  }
  KnownTable known;
  known.type = TRINE_ENGRAM_BF16;
  known.width = kWidth;
  std::vector<int64_t> places = makeRows(1, kPlaces, kRows);
  for (int64_t place : places) {
    std::vector<uint8_t> row = known.makeRow(place);
    ASSERT_EQ(pwrite(file, row.data(), row.size(),
                     4096 + place * int64_t(row.size())),
              ssize_t(row.size()));
  }
  close(file);
  trine_engram_reference reference = {};
  reference.struct_size = sizeof(reference);
  reference.type = TRINE_ENGRAM_BF16;
  reference.name = reference.path = "sparse";
  reference.rows = kRows;
  reference.width = kWidth;
  reference.offset = 4096;
  reference.stride = kWidth * 2;
  ASSERT_EQ(trine_engram_identify(folder.get().c_str(), &reference), TRINE_OK);
  auto getResident = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.rfind("VmRSS:", 0) == 0)
        return atof(line.c_str() + 6) / 1024;
    return 0.0;
  };
  std::vector<float> values(kPlaces * kWidth, 1);
  double before = getResident();
  StoreHandle store = openStore(getStoreOptions());
  trine_engram_table_options options = getTableOptions();
  options.cache_bytes = 1 << 20;
  auto start = std::chrono::steady_clock::now();
  trine_engram_table *opened = nullptr;
  ASSERT_EQ(trine_engram_table_open_reference(store.get(), folder.get().c_str(),
                                              &reference, &options, &opened),
            TRINE_OK)
      << trine_engram_message();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  TableHandle table(opened);
  for (int round = 0; round < 2; ++round)
    expectRows(begin(table, places), known, places);
  std::set<int64_t> written(places.begin(), places.end());
  std::vector<int64_t> others;
  for (int64_t row : makeRows(2, kPlaces, kRows))
    if (!written.count(row))
      others.push_back(row);
  values.assign(others.size() * kWidth, 1);
  ASSERT_EQ(trine_engram_wait(begin(table, others), TRINE_ENGRAM_F32,
                              values.data(), values.size() * 4, -1),
            TRINE_OK);
  for (float value : values)
    ASSERT_EQ(value, 0);
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) &&     \
    !__has_feature(thread_sanitizer)
  EXPECT_LT(getResident() - before, 1 + 64);
#endif
  trine_engram_statistics counts = getStatistics(table);
  EXPECT_LE(counts.read_bytes, counts.disk_rows * 1024);
}

} // namespace
