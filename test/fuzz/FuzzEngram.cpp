// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Files of the Engram store. The first byte says which: t, a table (the header
/// follows without its hash, then records); p, a profile; c, checksums of a
/// file's blocks (without their hash).
#include "FuzzTarget.h"
#include "engram/Blocks.h"
#include "engram/Format.h"
#include "engram/Profile.h"
#include "engram/Table.h"
#include "trine/Runtime/Sha256.h"
#include <algorithm>
#include <cstring>
#include <vector>

using namespace trine::runtime;
using namespace trine::runtime::engram;
using trine::fuzz::MemoryFile;

static constexpr uint64_t kRawHeaderBytes = 328, kDigitsOffset = 4096 - 64;
static constexpr uint64_t kFileBytesOffset = 64;

/// Touches every byte, for the sanitizers.
static void read(const uint8_t *bytes, uint64_t count) {
  volatile uint8_t sum = 0;
  for (uint64_t i = 0; i < count; ++i)
    sum = sum + bytes[i];
}

/// Opens the table file, and reads what its header promises.
static void openTable(const std::string &path, uint8_t kind) {
  trine_engram_table_options options = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  options.cache_bytes = 4096;
  options.tier = kind % 3;
  options.check =
      kind & 4 ? TRINE_ENGRAM_CHECK_FIRST_TOUCH : TRINE_ENGRAM_CHECK_ON_DEMAND;
  Table table;
  Status status = table.open(path, options);
  TRINE_FUZZ_EXPECT(status.ok() == status.getMessage().empty());
  if (!status.ok())
    return;
  const RowLayout &layout = table.getLayout();
  TRINE_FUZZ_EXPECT(!table.checkRow(-1).ok());
  TRINE_FUZZ_EXPECT(!table.checkRow(int64_t(layout.rows)).ok());
  for (uint64_t row : {uint64_t(0), layout.rows / 2, layout.rows - 1}) {
    Extent extent = layout.locate(row);
    TRINE_FUZZ_EXPECT(extent.offset + extent.bytes <=
                      table.getFile().getIdentity().bytes);
    (void)table.touch(row);
    if (!table.isInMemory())
      continue;
    if (table.getTier() == TRINE_ENGRAM_TIER_RESIDENT) {
      read(table.getMemory() + row * table.getResidentStride(),
           layout.getRowBytes());
      continue;
    }
    read(table.getMemory() + extent.offset, extent.bytes);
    if (layout.hasSeparateScales) {
      Extent scales = layout.locateScales(row);
      read(table.getMemory() + scales.offset, scales.bytes);
    }
  }
  (void)table.verify(0, std::min<uint64_t>(layout.rows, 16));
}

static void fuzzTable(const uint8_t *data, size_t size) {
  static MemoryFile file;
  if (size < 1)
    return;
  uint8_t kind = data[0];
  ++data;
  --size;
  std::vector<uint8_t> bytes(kPageBytes);
  uint64_t head = std::min<uint64_t>(size, kRawHeaderBytes);
  memcpy(bytes.data(), data, head);
  std::string digits = computeSha256(bytes.data(), kDigitsOffset);
  memcpy(bytes.data() + kDigitsOffset, digits.data(), digits.size());
  bytes.insert(bytes.end(), data + head, data + size);
  // As long as the header says, if that is not too much.
  uint64_t wanted;
  memcpy(&wanted, bytes.data() + kFileBytesOffset, 8);
  if (wanted > bytes.size() && wanted <= (1 << 20))
    bytes.resize(wanted);
  file.set(bytes.data(), bytes.size());
  openTable(file.getPath(), kind);
}

/// A table of 10 rows of 8 floats.
static const std::string &getSmallTable() {
  static MemoryFile file;
  static bool written = [] {
    TableHeader header;
    header.name = "small";
    TRINE_FUZZ_EXPECT(
        header.layout.setShape(TRINE_ENGRAM_F32, 10, 8, "small").ok());
    TRINE_FUZZ_EXPECT(header.place(0).ok());
    uint8_t page[kPageBytes];
    header.encode(page);
    std::vector<uint8_t> bytes(page, page + kPageBytes);
    bytes.resize(header.fileBytes);
    file.set(bytes.data(), bytes.size());
    return true;
  }();
  TRINE_FUZZ_EXPECT(written);
  return file.getPath();
}

static void fuzzProfile(const uint8_t *data, size_t size) {
  static MemoryFile file;
  static const Table *table = [] {
    auto *made = new Table();
    trine_engram_table_options options = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
    TRINE_FUZZ_EXPECT(made->open(getSmallTable(), options).ok());
    return made;
  }();
  file.set(data, size);
  std::vector<HotRow> rows;
  if (readProfile(file.getPath(), *table, rows).ok())
    for (const HotRow &row : rows)
      TRINE_FUZZ_EXPECT(row.row >= 0 && row.row < 10);
}

static void fuzzChecksums(const uint8_t *data, size_t size) {
  static MemoryFile file;
  static TableFile *table = [] {
    auto *made = new TableFile();
    TRINE_FUZZ_EXPECT(made->open(getSmallTable()).ok());
    return made;
  }();
  std::vector<uint8_t> bytes(data, data + size);
  // Which file it is for: right as the fuzzer cannot know it.
  if (size >= 32) {
    memcpy(bytes.data() + 16, &table->getIdentity().bytes, 8);
    memcpy(bytes.data() + 24, &table->getIdentity().modified, 8);
  }
  std::string digits = computeSha256(bytes.data(), size);
  for (int i = 0; i < 32; ++i)
    bytes.push_back(static_cast<uint8_t>(
        strtoul(digits.substr(size_t(2) * i, 2).c_str(), nullptr, 16)));
  file.set(bytes.data(), bytes.size());
  Blocks blocks;
  blocks.create(4096, 4096 + (3 << 20));
  (void)blocks.load(*table, file.getPath());
  TRINE_FUZZ_EXPECT(blocks.getCount() == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  switch (data[0]) {
  case 't':
    fuzzTable(data + 1, size - 1);
    break;
  case 'p':
    fuzzProfile(data + 1, size - 1);
    break;
  case 'c':
    fuzzChecksums(data + 1, size - 1);
    break;
  default:
    return -1; // keep out of the corpus
  }
  return 0;
}
