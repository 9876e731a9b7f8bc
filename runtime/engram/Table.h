// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// An open table: where its rows are, and what is known about them.
#ifndef TRINE_RUNTIME_ENGRAM_TABLE_H
#define TRINE_RUNTIME_ENGRAM_TABLE_H

#include "Blocks.h"
#include "Cache.h"
#include "Memory.h"
#include "Statistics.h"

namespace trine::runtime::engram {

class Store;

class Table {
public:
  Status open(const std::string &path,
              const trine_engram_table_options &options);
  Status openReference(const std::string &folder,
                       const trine_engram_reference &reference,
                       const trine_engram_table_options &options);
  static Status identify(const std::string &folder,
                         trine_engram_reference &reference);

  const std::string &getName() const { return name; }
  const RowLayout &getLayout() const { return layout; }
  const TableFile &getFile() const { return file; }
  trine_engram_tier getTier() const { return tier; }
  bool isInMemory() const { return tier != TRINE_ENGRAM_TIER_DISK; }
  bool checksOnTouch() const { return touchCheck; }
  bool isInPlace() const { return isReference; }

  /// What makes two open tables the same.
  std::string getKey() const;

  /// Whether the row's id is one, or an error that names it.
  Status checkRow(int64_t row) const;
  /// The rows of a table in memory, or the mapped file.
  const uint8_t *getMemory() const { return memory.get(); }
  uint64_t getResidentStride() const { return residentStride; }
  /// Compares the blocks of a row's extents before its first use.
  Status touch(uint64_t row);
  Status verify(uint64_t firstRow, uint64_t count);

  Status saveChecksums(const std::string &path) const;
  Status saveProfile(const std::string &path) const;

  /// Starts an error message: "table 'x': row 5: ".
  std::string describeRow(uint64_t row) const;

  Cache cache;
  mutable Statistics statistics;

private:
  Status prepare(const trine_engram_table_options &options);
  Status loadResident(bool hugePages);
  Status loadPart(uint64_t firstRow, uint64_t count, bool scales);

  std::string name;
  TableFile file;
  RowLayout layout;
  trine_engram_tier tier = TRINE_ENGRAM_TIER_DISK;
  bool touchCheck = false, isReference = false;
  Blocks blocks;
  Memory memory;
  uint64_t residentStride = 0;
};

} // namespace trine::runtime::engram

#endif
