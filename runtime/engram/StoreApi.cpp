// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The C ABI of stores, tables and tickets.
#include "Api.h"
#include "Store.h"
#include <new>

using namespace trine::runtime;
using namespace trine::runtime::engram;

struct trine_engram_store {
  std::shared_ptr<Store> store;
};
struct trine_engram_table {
  std::shared_ptr<Store> store;
  std::shared_ptr<Table> table;
};
struct trine_engram_ticket {
  std::shared_ptr<Ticket> ticket;
};

static trine_status missing(const char *what) {
  return setError(TRINE_ERROR_INVALID_ARGUMENT,
                  concat(what, " must not be NULL"));
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

extern "C" trine_status
trine_engram_store_open(const trine_engram_store_options *options,
                        trine_engram_store **store) {
  if (!store)
    return missing("'store'");
  *store = nullptr;
  auto made = std::make_shared<Store>();
  trine_engram_store_options defaults = TRINE_ENGRAM_STORE_OPTIONS_INIT;
  if (Status status = made->open(takeOptions(options, defaults)); !status.ok())
    return setError(status);
  *store = new trine_engram_store{std::move(made)};
  return TRINE_OK;
}

extern "C" void trine_engram_store_close(trine_engram_store *store) {
  if (!store)
    return;
  store->store->close();
  delete store;
}

extern "C" trine_engram_engine
trine_engram_store_engine(const trine_engram_store *store) {
  return store->store->getEngine();
}

extern "C" void trine_engram_cancel_session(trine_engram_store *store,
                                            uint64_t session) {
  if (store)
    store->store->cancelSession(session);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// Shares the table with who has it open, or makes it ready.
static trine_status finishOpening(trine_engram_store *store,
                                  std::shared_ptr<Table> opened,
                                  const char *profile,
                                  trine_engram_table **table) {
  std::shared_ptr<Table> shared = store->store->share(opened);
  if (shared == opened && profile && !shared->isInMemory())
    if (Status status = store->store->seed(shared, profile); !status.ok())
      return setError(status);
  *table = new trine_engram_table{store->store, std::move(shared)};
  return TRINE_OK;
}

extern "C" trine_status
trine_engram_table_open(trine_engram_store *store, const char *path,
                        const trine_engram_table_options *options,
                        trine_engram_table **table) {
  if (!store || !path || !table)
    return missing("'store', 'path' and 'table'");
  *table = nullptr;
  trine_engram_table_options defaults = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  defaults = takeOptions(options, defaults);
  auto opened = std::make_shared<Table>();
  if (Status status = opened->open(path, defaults); !status.ok())
    return setError(status);
  return finishOpening(store, std::move(opened), defaults.profile, table);
}

extern "C" trine_status
trine_engram_identify(const char *folder, trine_engram_reference *reference) {
  if (!folder || !reference || reference->struct_size < sizeof(*reference) ||
      !reference->path)
    return missing("'folder', 'reference', its 'struct_size' and its 'path'");
  return setError(Table::identify(folder, *reference));
}

extern "C" trine_status
trine_engram_table_open_reference(trine_engram_store *store, const char *folder,
                                  const trine_engram_reference *reference,
                                  const trine_engram_table_options *options,
                                  trine_engram_table **table) {
  if (!store || !folder || !reference || !table ||
      reference->struct_size < sizeof(*reference))
    return missing("'store', 'folder', 'reference', its 'struct_size' and "
                   "'table'");
  *table = nullptr;
  trine_engram_table_options defaults = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  defaults = takeOptions(options, defaults);
  auto opened = std::make_shared<Table>();
  if (Status status = opened->openReference(folder, *reference, defaults);
      !status.ok())
    return setError(status);
  return finishOpening(store, std::move(opened), defaults.profile, table);
}

extern "C" void trine_engram_table_close(trine_engram_table *table) {
  delete table;
}

extern "C" trine_status
trine_engram_table_describe(const trine_engram_table *table,
                            trine_engram_table_info *info) {
  if (!table || !info)
    return missing("'table' and 'info'");
  const Table &inner = *table->table;
  trine_engram_table_info full = {};
  full.struct_size = info->struct_size;
  full.type = inner.getLayout().type;
  full.tier = inner.getTier();
  full.name = inner.getName().c_str();
  full.rows = inner.getLayout().rows;
  full.width = inner.getLayout().width;
  full.record_bytes = inner.getLayout().stride;
  full.file_bytes = inner.getFile().getIdentity().bytes;
  full.cache_rows = inner.cache.getCapacity();
  full.is_reference = inner.isInPlace();
  memcpy(info, &full, std::min<size_t>(info->struct_size, sizeof(full)));
  return TRINE_OK;
}

extern "C" trine_status trine_engram_table_verify(trine_engram_table *table,
                                                  uint64_t first_row,
                                                  uint64_t row_count) {
  if (!table)
    return missing("'table'");
  return setError(table->table->verify(first_row, row_count));
}

extern "C" trine_status
trine_engram_table_save_checksums(const trine_engram_table *table,
                                  const char *path) {
  if (!table || !path)
    return missing("'table' and 'path'");
  return setError(table->table->saveChecksums(path));
}

extern "C" trine_status
trine_engram_table_save_profile(const trine_engram_table *table,
                                const char *path) {
  if (!table || !path)
    return missing("'table' and 'path'");
  return setError(table->table->saveProfile(path));
}

extern "C" trine_status
trine_engram_table_statistics(const trine_engram_table *table,
                              trine_engram_statistics *statistics) {
  if (!table || !statistics)
    return missing("'table' and 'statistics'");
  const Statistics &counts = table->table->statistics;
  trine_engram_statistics full = {};
  full.struct_size = statistics->struct_size;
  full.tickets = counts.tickets;
  full.rows = counts.rows;
  full.unique_rows = counts.uniqueRows;
  full.memory_rows = counts.memoryRows;
  full.cache_rows = counts.cacheRows;
  full.disk_rows = counts.diskRows;
  full.reads = counts.reads;
  full.read_bytes = counts.readBytes;
  full.repeated_reads = counts.repeatedReads;
  full.checked_blocks = counts.checkedBlocks;
  full.wait_nanoseconds = counts.waitNanoseconds;
  full.deliver_nanoseconds = counts.deliverNanoseconds;
  full.failed = counts.failed;
  full.cancelled = counts.cancelled;
  full.late = counts.late;
  full.full = counts.full;
  memcpy(statistics, &full,
         std::min<size_t>(statistics->struct_size, sizeof(full)));
  return TRINE_OK;
}

//===----------------------------------------------------------------------===//
// Tickets
//===----------------------------------------------------------------------===//

static trine_status begin(trine_engram_table *table, const int64_t *rows,
                          uint64_t count, uint64_t session, bool isUrgent,
                          trine_engram_ticket **ticket) {
  if (!table || !ticket || (!rows && count > 0))
    return missing("'table', 'rows' and 'ticket'");
  *ticket = nullptr;
  std::shared_ptr<Ticket> begun;
  if (Status status = table->store->begin(table->table, rows, count, session,
                                          isUrgent, begun);
      !status.ok())
    return setError(status);
  *ticket = new trine_engram_ticket{std::move(begun)};
  return TRINE_OK;
}

extern "C" trine_status trine_engram_begin(trine_engram_table *table,
                                           const int64_t *rows, uint64_t count,
                                           uint64_t session,
                                           trine_engram_ticket **ticket) {
  return begin(table, rows, count, session, /*isUrgent=*/false, ticket);
}

extern "C" trine_status
trine_engram_begin_urgent(trine_engram_table *table, const int64_t *rows,
                          uint64_t count, uint64_t session,
                          trine_engram_ticket **ticket) {
  return begin(table, rows, count, session, /*isUrgent=*/true, ticket);
}

extern "C" trine_status trine_engram_wait(trine_engram_ticket *ticket,
                                          trine_engram_type type,
                                          void *destination, uint64_t bytes,
                                          int64_t deadline_milliseconds) {
  if (!ticket)
    return missing("'ticket'");
  Status status = ticket->ticket->store->wait(
      *ticket->ticket, type, destination, bytes, deadline_milliseconds);
  if (status.getCode() == TRINE_ENGRAM_ERROR_LATE)
    return setError(status);
  // After a mistake of the caller its rows may still be on their way.
  if (status.getCode() == TRINE_ERROR_INVALID_ARGUMENT)
    ticket->ticket->store->cancel(*ticket->ticket);
  delete ticket;
  return setError(status);
}

extern "C" int32_t trine_engram_ready(trine_engram_ticket *ticket) {
  return ticket && ticket->ticket->store->isReady(*ticket->ticket);
}

extern "C" void trine_engram_cancel(trine_engram_ticket *ticket) {
  if (!ticket)
    return;
  ticket->ticket->store->cancel(*ticket->ticket);
  delete ticket;
}
