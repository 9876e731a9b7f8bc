// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Rows that were asked for and are on their way.
///
/// A ticket is fetched in chunks, so that what is staged is bounded however
/// many rows it has: its owner takes a chunk over before the next one is read.
#ifndef TRINE_RUNTIME_ENGRAM_TICKET_H
#define TRINE_RUNTIME_ENGRAM_TICKET_H

#include "Convert.h"
#include "Table.h"
#include <condition_variable>

namespace trine::runtime::engram {

struct Ticket : std::enable_shared_from_this<Ticket> {
  enum State {
    Queued, // for a worker
    Read,   // by a worker, who alone may use the chunk
    Staged, // its owner alone may use the chunk
    Failed
  };

  Ticket(std::shared_ptr<Store> store, std::shared_ptr<Table> table);
  ~Ticket();

  std::shared_ptr<Store> store;
  std::shared_ptr<Table> table;
  uint64_t session = 0;
  std::unique_ptr<int64_t[]> rows;
  uint64_t count = 0;
  /// Of the store's bound, given back at the end.
  uint64_t reservedBytes = 0;
  bool isCounted = false;

  // The chunk: rows [begin, end).
  uint64_t begin = 0, end = 0, chunkRows = 0;
  bool isPlanned = false;
  /// Where chunks before this one went, and as what.
  void *destination = nullptr;
  trine_engram_type type = 0;
  /// Each row's place among the unique ones.
  std::vector<uint32_t> places;
  std::vector<int64_t> unique;
  /// Unique rows that are not yet staged.
  std::vector<uint32_t> missing;
  /// Values and scales of the unique rows.
  std::unique_ptr<uint8_t[]> staging;

  /// A row that is being read, for messages about late ones; -1: none.
  std::atomic<int64_t> lateRow{-1};
  /// Set when nobody wants the rows any more.
  std::atomic<bool> isAbandoned{false};

  std::mutex mutex;
  std::condition_variable changed;
  State state = Queued;
  Status status; // of Failed

  /// Finds what is unique in the chunk, and stages what the cache has. False
  /// when there is no memory.
  bool plan();
  /// Moves on, unless the ticket failed meanwhile.
  void stage();
  void fail(const Status &why);
};

/// Writes a chunk (or rows of a table in memory) to where they were wanted.
void deliverChunk(const Ticket &ticket, ConvertFunction convert,
                  uint64_t elementBytes, uint8_t *destination);
/// `isCopy`: the conversion is none.
Status deliverFromMemory(const Ticket &ticket, ConvertFunction convert,
                         uint64_t elementBytes, bool isCopy,
                         uint8_t *destination);

} // namespace trine::runtime::engram

#endif
