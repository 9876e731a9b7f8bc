// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The Engram tables of a package, in one store that its sessions share.
#ifndef TRINE_RUNTIME_CORE_TABLESET_H
#define TRINE_RUNTIME_CORE_TABLESET_H

#include "Manifest.h"
#include "Status.h"
#include "trine/Runtime/engram.h"
#include <memory>
#include <string>
#include <vector>

namespace trine::runtime {

struct TableOptions {
  /// A trine_engram_tier; 0: mapped where the tables are at most half of the
  /// machine's memory, else from disk.
  int32_t tier = 0;
  uint64_t cacheBytes = 256u << 20; // of each table that is on disk
  /// Where referenced tables may be; "": nowhere.
  std::string folder;
  int32_t check = 0; // a trine_engram_check
  uint32_t tickets = 64;
  uint64_t deadlineMilliseconds = 60000;
  std::string checksums; // their folder; "": none
  trine_engram_read_function read = nullptr;
  void *readContext = nullptr;
};

class TableSet {
public:
  TableSet() = default;
  TableSet(const TableSet &) = delete;
  TableSet &operator=(const TableSet &) = delete;
  ~TableSet();

  /// Opens the tables that the manifest lists, in `folder`.
  static Status open(const std::string &folder,
                     const std::vector<ManifestTable> &tables,
                     const TableOptions &options,
                     std::unique_ptr<const TableSet> &result);

  uint32_t size() const { return static_cast<uint32_t>(tables.size()); }
  trine_engram_table *getTable(uint32_t index) const { return tables[index]; }

  trine_engram_store *getStore() const { return store; }
  uint64_t getRows(uint32_t index) const { return rows[index]; }
  uint64_t getWidth(uint32_t index) const { return widths[index]; }

private:
  Status openTable(const std::string &folder, const ManifestTable &table,
                   const TableOptions &options, int32_t bestTier);

  trine_engram_store *store = nullptr;
  std::vector<trine_engram_table *> tables;
  std::vector<uint64_t> rows, widths;
};

} // namespace trine::runtime

#endif
