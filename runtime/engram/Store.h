// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The store: workers that read tickets' rows, and the bounds they keep.
#ifndef TRINE_RUNTIME_ENGRAM_STORE_H
#define TRINE_RUNTIME_ENGRAM_STORE_H

#include "IoEngine.h"
#include "Ticket.h"
#include "core/Thread.h"
#include <deque>
#include <map>
#include <set>

namespace trine::runtime::engram {

class Store : public std::enable_shared_from_this<Store> {
public:
  ~Store() { close(); }
  Status open(const trine_engram_store_options &options);
  /// Ends tickets in flight with CLOSED, and waits for the workers.
  void close();

  trine_engram_engine getEngine() const { return engineKind; }

  /// The table that is open under this key already, or `table` from now on.
  std::shared_ptr<Table> share(std::shared_ptr<Table> table);

  Status begin(std::shared_ptr<Table> table, const int64_t *rows,
               uint64_t count, uint64_t session, bool isUrgent,
               std::shared_ptr<Ticket> &ticket);
  /// deadline: milliseconds; -1 is the store's.
  Status wait(Ticket &ticket, trine_engram_type type, void *destination,
              uint64_t bytes, int64_t deadline);
  bool isReady(Ticket &ticket);
  void cancel(Ticket &ticket);
  void cancelSession(uint64_t session);

  /// Reads rows into the cache.
  Status seed(const std::shared_ptr<Table> &table, const std::string &profile);

  /// A ticket ends: its room is free again.
  void release(Ticket &ticket);

private:
  Status enter(Ticket &ticket, bool isUrgent);
  Status enqueue(std::shared_ptr<Ticket> ticket);
  void work(std::unique_ptr<IoQueue> queue);
  Status waitForChunk(Ticket &ticket, uint64_t milliseconds);

  trine_engram_store_options options = {};
  trine_engram_engine engineKind = TRINE_ENGRAM_ENGINE_THREADS;
  std::unique_ptr<IoEngine> engine;
  std::vector<Thread> workers;

  std::mutex mutex;
  std::condition_variable hasWork, hasRoom;
  std::deque<std::shared_ptr<Ticket>> queue;
  std::set<Ticket *> live;
  std::map<std::string, std::weak_ptr<Table>> tables;
  uint64_t stagedBytes = 0;
  bool isClosed = false;
};

} // namespace trine::runtime::engram

#endif
