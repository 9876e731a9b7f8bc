// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TableSet.h"
#include <algorithm>
#include <unistd.h>

using namespace trine::runtime;

/// How long a step waits for room when much is in flight already.
static constexpr uint64_t beginMilliseconds = 60000;

Status trine::runtime::getTableStatus(trine_status code) {
  if (code == TRINE_OK)
    return Status();
  return Status(code, trine_engram_message());
}

TableSet::~TableSet() {
  for (trine_engram_table *table : tables)
    trine_engram_table_close(table);
  trine_engram_store_close(store);
}

/// The tier of tables of `bytes` bytes in all.
static int32_t chooseTier(uint64_t bytes) {
  long pages = sysconf(_SC_PHYS_PAGES), pageBytes = sysconf(_SC_PAGESIZE);
  uint64_t memory =
      pages > 0 && pageBytes > 0
          ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(pageBytes)
          : 0;
  return bytes <= memory / 2 ? TRINE_ENGRAM_TIER_MAPPED
                             : TRINE_ENGRAM_TIER_DISK;
}

Status TableSet::open(const std::string &folder,
                      const std::vector<ManifestTable> &listed,
                      const TableOptions &options,
                      std::unique_ptr<const TableSet> &result) {
  auto set = std::make_unique<TableSet>();
  trine_engram_store_options storeOptions = TRINE_ENGRAM_STORE_OPTIONS_INIT;
  storeOptions.begin_milliseconds = beginMilliseconds;
  Status status =
      getTableStatus(trine_engram_store_open(&storeOptions, &set->store));
  if (!status.ok())
    return status;
  uint64_t bytes = 0;
  for (const ManifestTable &table : listed)
    bytes += table.bytes;
  trine_engram_table_options tableOptions = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  tableOptions.tier = options.tier ? options.tier : chooseTier(bytes);
  tableOptions.cache_bytes = options.cacheBytes;
  for (const ManifestTable &table : listed) {
    trine_engram_table *opened = nullptr;
    status = getTableStatus(
        trine_engram_table_open(set->store, (folder + "/" + table.path).c_str(),
                                &tableOptions, &opened));
    if (!status.ok())
      return status;
    set->tables.push_back(opened);
    trine_engram_table_info info = {};
    info.struct_size = sizeof(info);
    status = getTableStatus(trine_engram_table_describe(opened, &info));
    if (!status.ok())
      return status;
    if (info.rows != table.rows || info.width != table.width)
      return Status(TRINE_ERROR_BAD_PACKAGE,
                    concat(quote(table.path), " must have ", table.rows,
                           " rows of ", table.width, " values, got ", info.rows,
                           " of ", info.width));
    set->rows.push_back(info.rows);
  }
  result = std::move(set);
  return Status();
}

Status TableSet::begin(uint32_t table, const int64_t *ids, uint64_t count,
                       uint64_t session, trine_engram_ticket **ticket) const {
  *ticket = nullptr;
  std::vector<int64_t> counted;
  if (std::any_of(ids, ids + count, [](int64_t id) { return id < 0; })) {
    counted.assign(ids, ids + count);
    for (int64_t &id : counted)
      if (id < 0)
        id += static_cast<int64_t>(rows[table]);
    ids = counted.data();
  }
  return getTableStatus(
      trine_engram_begin(tables[table], ids, count, session, ticket));
}
