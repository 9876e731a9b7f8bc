// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Table files: checksums, headers, layouts, and files that are none.
#include "StoreTesting.h"
#include "engram/Crc32c.h"
#include "engram/Format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cstring>
#include <unistd.h>

using namespace trine::test;
using namespace trine::runtime::engram;
using testing::HasSubstr;

namespace {

TEST(FormatTests, Crc32cOfThePublishedExamples) {
  // RFC 3720, B.4.
  std::vector<uint8_t> zeros(32, 0), ones(32, 0xff), up(32);
  for (int i = 0; i < 32; ++i)
    up[i] = static_cast<uint8_t>(i);
  for (auto compute : {computeCrc32c, computeCrc32cPortably}) {
    EXPECT_EQ(compute(0, zeros.data(), 32), 0x8a9136aau);
    EXPECT_EQ(compute(0, ones.data(), 32), 0x62a8ab43u);
    EXPECT_EQ(compute(0, up.data(), 32), 0x46dd794eu);
    EXPECT_EQ(compute(0, "123456789", 9), 0xe3069283u);
    EXPECT_EQ(compute(compute(0, up.data(), 13), up.data() + 13, 19),
              0x46dd794eu);
  }
}

TEST(FormatTests, RecordsDoNotCrossPagesWhereTheyNeedNot) {
  for (auto [type, width] :
       {std::pair<int32_t, uint64_t>{TRINE_ENGRAM_E4M3, 256},
        {TRINE_ENGRAM_BF16, 80},
        {TRINE_ENGRAM_F32, 1},
        {TRINE_ENGRAM_F32, 250},
        {TRINE_ENGRAM_F32, 700},
        {TRINE_ENGRAM_F32, 5000}}) {
    TableHeader header;
    header.name = "t";
    ASSERT_TRUE(header.layout.setShape(type, 1000, width, "t").ok());
    ASSERT_TRUE(header.place(0).ok());
    const RowLayout &layout = header.layout;
    Extent last = {0, 0};
    uint64_t crossed = 0;
    for (uint64_t row = 0; row < 1000; ++row) {
      Extent extent = layout.locate(row);
      EXPECT_GE(extent.offset, last.offset + last.bytes);
      EXPECT_GE(extent.offset, 4096u);
      crossed +=
          extent.offset / 4096 != (extent.offset + extent.bytes - 1) / 4096;
      last = extent;
    }
    EXPECT_LE(last.offset + last.bytes, 4096 + layout.getDataBytes());
    EXPECT_LE(layout.getDataBytes(), 1.17 * 1000 * (last.bytes + 16) + 4096);
    if (last.bytes <= 512)
      EXPECT_EQ(crossed, 0u) << width;
  }
}

TEST(FormatTests, FilesThatAreNoTables) {
  TemporaryFolder folder;
  KnownTable known;
  known.write(folder / "good");
  StoreHandle store = openStore(getStoreOptions());
  trine_engram_table_options options = getTableOptions();
  auto error = [&](const std::string &name, trine_status expected) {
    return getOpenError(store, folder / name, expected, options);
  };
  EXPECT_THAT(error("none", TRINE_ERROR_NOT_FOUND),
              HasSubstr("cannot be opened: No such file or directory"));
  EXPECT_THAT(error(".", TRINE_ERROR_IO), HasSubstr("must be a regular file"));
  writeFile(folder / "short", std::vector<uint8_t>(100));
  EXPECT_THAT(error("short", TRINE_ENGRAM_ERROR_BAD_TABLE),
              HasSubstr("ends at byte 100, 3996 bytes too early"));
  writeFile(folder / "other", std::vector<uint8_t>(9000));
  EXPECT_THAT(error("other", TRINE_ENGRAM_ERROR_BAD_TABLE),
              HasSubstr("is no Engram table"));
  // Every bit of the header counts.
  for (uint64_t at : {12, 16, 30, 40, 100, 3000, 4050}) {
    known.write(folder / "bad");
    damage(folder / "bad", at);
    EXPECT_THAT(error("bad", TRINE_ENGRAM_ERROR_CHECKSUM),
                HasSubstr("is damaged"));
  }
  known.write(folder / "bad");
  damage(folder / "bad", 8);
  EXPECT_THAT(error("bad", TRINE_ERROR_VERSION),
              HasSubstr("has format 5, this library reads 1"));
  known.write(folder / "bad");
  ASSERT_EQ(truncate((folder / "bad").c_str(), 20000), 0);
  EXPECT_THAT(error("bad", TRINE_ENGRAM_ERROR_BAD_TABLE),
              HasSubstr("bytes, got 20000"));
}

// A header can say anything, and a sparse file can have any size: memory for
// checksums is bounded.
TEST(FormatTests, HeadersOfTablesThatAreTooLarge) {
  TableHeader header;
  header.name = "t";
  ASSERT_TRUE(
      header.layout.setShape(TRINE_ENGRAM_F32, uint64_t(1) << 40, 1024, "t")
          .ok());
  EXPECT_THAT(header.place(0).getMessage(),
              HasSubstr("'t': rows must take at most 17592186044416 bytes, got "
                        "4521191813414912"));
}

TEST(FormatTests, WritersSayWhatIsWrong) {
  TemporaryFolder folder;
  trine_engram_table_shape shape = {};
  shape.struct_size = sizeof(shape);
  shape.type = TRINE_ENGRAM_E4M3;
  shape.name = "t";
  shape.rows = 3;
  shape.width = 64;
  auto error = [&](auto change) {
    trine_engram_table_shape changed = shape;
    change(changed);
    trine_engram_writer *writer;
    EXPECT_NE(
        trine_engram_writer_open((folder / "t").c_str(), &changed, &writer),
        TRINE_OK);
    return std::string(trine_engram_message());
  };
  using Shape = trine_engram_table_shape;
  EXPECT_EQ(error([](Shape &s) { s.type = 9; }),
            "'t': 'type' must be in [1, 4], got 9");
  EXPECT_EQ(error([](Shape &s) { s.width = 0; }),
            "'t': 'width' must be in [1, 1048576], got 0");
  EXPECT_EQ(error([](Shape &s) { s.width = 48; }),
            "'t': 'width' of 8-bit floats must be a multiple of 32, got 48");
  EXPECT_EQ(error([](Shape &s) { s.rows = 0; }),
            "'t': 'rows' must be in [1, 2^40], got 0");
  EXPECT_EQ(error([](Shape &s) { s.record_bytes = 60; }),
            "'t': 'record_bytes' must be in [70, 4236], got 60");
  std::string long_(256, 'x');
  EXPECT_EQ(error([&](Shape &s) { s.name = long_.c_str(); }),
            "'name' must have at most 255 bytes, got 256");

  trine_engram_writer *writer;
  ASSERT_EQ(trine_engram_writer_open((folder / "t").c_str(), &shape, &writer),
            TRINE_OK);
  std::vector<uint8_t> values(4 * 64), scales(4 * 2);
  EXPECT_EQ(trine_engram_writer_append(writer, values.data(), scales.data(), 4),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(), "table 't' has 3 rows, got 4");
  EXPECT_EQ(trine_engram_writer_append(writer, values.data(), nullptr, 1),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(),
               "table 't': 'values' must be given, and 'scales' exactly for "
               "8-bit floats");
  EXPECT_EQ(trine_engram_writer_finish(writer), TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(), "table 't' must have 3 rows, got 0");
  trine_engram_writer_close(writer);
  // What was not finished is not there.
  EXPECT_NE(access((folder / "t").c_str(), F_OK), 0);
  EXPECT_NE(access((folder / "t.part").c_str(), F_OK), 0);
}

TEST(FormatTests, VerificationComparesBlocks) {
  TemporaryFolder folder;
  KnownTable known;
  known.rows = 10000; // 2.6 MiB
  known.write(folder / "t");
  StoreHandle store = openStore(getStoreOptions());
  TableHandle table = openTable(store, folder / "t", getTableOptions());
  EXPECT_EQ(trine_engram_table_verify(table.get(), 0, known.rows), TRINE_OK)
      << trine_engram_message();
  EXPECT_EQ(getStatistics(table).checked_blocks, 3u);
  EXPECT_EQ(trine_engram_table_verify(table.get(), 9999, 2),
            TRINE_ENGRAM_ERROR_BAD_ROW);
  EXPECT_STREQ(trine_engram_message(),
               "table 'known': rows must be in [0, 10000), got 2 from 9999");
  // Padding, which no row's checksum covers, is covered by its block's.
  damage(folder / "t", 4096 + 4095);
  EXPECT_EQ(trine_engram_table_verify(table.get(), 9000, 10), TRINE_OK);
  EXPECT_EQ(trine_engram_table_verify(table.get(), 0, 1),
            TRINE_ENGRAM_ERROR_CHECKSUM);
  EXPECT_THAT(trine_engram_message(), HasSubstr("bytes [4096, 1052672) of "));
}

} // namespace
