// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TableSet.h"
#include "SessionTables.h"
#include <unistd.h>

using namespace trine::runtime;

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
  storeOptions.tickets = options.tickets;
  storeOptions.deadline_milliseconds = options.deadlineMilliseconds;
  storeOptions.read = options.read;
  storeOptions.read_context = options.readContext;
  Status status =
      getTableStatus(trine_engram_store_open(&storeOptions, &set->store));
  if (!status.ok())
    return status;
  uint64_t bytes = 0;
  for (const ManifestTable &table : listed)
    bytes += table.bytes;
  for (const ManifestTable &table : listed)
    if (status = set->openTable(folder, table, options, chooseTier(bytes));
        !status.ok())
      return status;
  result = std::move(set);
  return Status();
}

Status TableSet::openTable(const std::string &folder,
                           const ManifestTable &table,
                           const TableOptions &options, int32_t bestTier) {
  trine_engram_table_options tableOptions = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  tableOptions.tier = options.tier ? options.tier : bestTier;
  tableOptions.cache_bytes = options.cacheBytes;
  tableOptions.check = options.check;
  std::string checksums =
      concat(options.checksums, "/table", tables.size(), ".checksums");
  if (!options.checksums.empty() && table.isReference)
    tableOptions.checksums = checksums.c_str();
  trine_engram_table *opened = nullptr;
  trine_status code = TRINE_OK;
  if (!table.isReference) {
    code = trine_engram_table_open(store, (folder + "/" + table.path).c_str(),
                                   &tableOptions, &opened);
  } else if (options.folder.empty()) {
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("table ", quote(table.name), " is in file ",
                         quote(table.path),
                         ", which is not part of the package: name the folder "
                         "that it may be opened in (table_folder, "
                         "--table-folder)"));
  } else {
    trine_engram_reference reference = {};
    reference.struct_size = sizeof(reference);
    reference.type = table.type;
    reference.name = table.name.c_str();
    reference.path = table.path.c_str();
    reference.rows = table.rows;
    reference.width = table.width;
    reference.offset = table.offset;
    reference.stride = table.stride;
    reference.scale_offset = table.scaleOffset;
    reference.scale_stride = table.scaleStride;
    reference.file_bytes = table.fileBytes;
    reference.modified_nanoseconds = table.modified;
    table.headerSha256.copy(reference.header_sha256,
                            sizeof(reference.header_sha256) - 1);
    code = trine_engram_table_open_reference(
        store, options.folder.c_str(), &reference, &tableOptions, &opened);
  }
  if (code != TRINE_OK)
    return getTableStatus(code);
  tables.push_back(opened);
  trine_engram_table_info info = {};
  info.struct_size = sizeof(info);
  if (Status status =
          getTableStatus(trine_engram_table_describe(opened, &info));
      !status.ok())
    return status;
  if (info.rows != table.rows || info.width != table.width)
    return Status(TRINE_ERROR_BAD_PACKAGE,
                  concat(quote(table.path), " must have ", table.rows,
                         " rows of ", table.width, " values, got ", info.rows,
                         " of ", info.width));
  rows.push_back(info.rows);
  widths.push_back(info.width);
  return Status();
}
