// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Store.h"
#include "Deadline.h"
#include "Fetch.h"
#include <algorithm>
#include <new>

using namespace trine::runtime;
using namespace trine::runtime::engram;

//===----------------------------------------------------------------------===//
// Beginning and end
//===----------------------------------------------------------------------===//

static Status checkBetween(const char *name, uint64_t value, uint64_t least,
                           uint64_t most) {
  if (value >= least && value <= most)
    return Status();
  return Status(TRINE_ERROR_INVALID_ARGUMENT,
                concat(quote(name), " must be in [", least, ", ", most,
                       "], got ", value));
}

Status Store::open(const trine_engram_store_options &given) {
  options = given;
  for (Status status :
       {checkBetween("workers", options.workers, 1, 256),
        checkBetween("queue_depth", options.queue_depth, 1, 4096),
        checkBetween("read_threads", options.read_threads, 1, 1024),
        checkBetween("tickets", options.tickets, 1, 1 << 20),
        checkBetween("engine", static_cast<uint32_t>(options.engine), 0, 2)})
    if (!status.ok())
      return status;
  if (!options.read && options.engine != TRINE_ENGRAM_ENGINE_THREADS)
    engine = createUringEngine();
  std::vector<std::unique_ptr<IoQueue>> queues;
  auto createQueues = [&] {
    queues.clear();
    for (uint32_t i = 0; engine && i < options.workers; ++i) {
      queues.push_back(engine->createQueue(options.queue_depth));
      if (!queues.back()) {
        queues.clear();
        engine.reset();
      }
    }
  };
  createQueues();
  if (engine) {
    engineKind = TRINE_ENGRAM_ENGINE_URING;
  } else {
    if (options.engine == TRINE_ENGRAM_ENGINE_URING)
      return Status(TRINE_ERROR_DEVICE,
                    options.read ? "'read' and io_uring exclude each other"
                                 : "io_uring is not available here");
    if (Status status = createThreadEngine(options.read_threads, options.read,
                                           options.read_context, engine);
        !status.ok())
      return status;
    createQueues();
  }
  workers = std::vector<Thread>(options.workers);
  for (uint32_t i = 0; i < options.workers; ++i)
    if (int error =
            workers[i].start([this, ready = std::move(queues[i])]() mutable {
              work(std::move(ready));
            }))
      return Status(
          TRINE_ERROR_OUT_OF_MEMORY,
          concat("worker ", i + 1, " of ", options.workers,
                 " of the store cannot be started: ", describeErrno(error)));
  return Status();
}

static Status closedStatus() {
  return Status(TRINE_ENGRAM_ERROR_CLOSED, "the store was closed");
}

void Store::close() {
  // Given back outside of the lock: a ticket's end takes it.
  std::deque<std::shared_ptr<Ticket>> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex);
    isClosed = true;
    dropped.swap(queue);
    // Staged chunks may still be taken over; what is not yet there will not
    // come.
    for (Ticket *ticket : live) {
      bool isStaged;
      {
        std::lock_guard<std::mutex> ticketLock(ticket->mutex);
        isStaged = ticket->state == Ticket::Staged;
      }
      if (!isStaged)
        ticket->fail(closedStatus());
    }
  }
  hasWork.notify_all();
  hasRoom.notify_all();
  for (Thread &worker : workers)
    worker.join();
  workers.clear();
  engine.reset();
}

std::shared_ptr<Table> Store::share(std::shared_ptr<Table> table) {
  std::lock_guard<std::mutex> lock(mutex);
  std::weak_ptr<Table> &known = tables[table->getKey()];
  if (std::shared_ptr<Table> open = known.lock())
    return open;
  known = table;
  return table;
}

//===----------------------------------------------------------------------===//
// Tickets
//===----------------------------------------------------------------------===//

/// What an urgent ticket stages beyond the store's bounds.
static constexpr uint64_t kUrgentBytes = 1 << 20;

/// Waits for room, and takes it; an urgent ticket has room.
Status Store::enter(Ticket &ticket, bool isUrgent) {
  std::unique_lock<std::mutex> lock(mutex);
  auto fits = [&] {
    return isClosed || isUrgent ||
           (live.size() < options.tickets &&
            (stagedBytes == 0 ||
             stagedBytes + ticket.reservedBytes <= options.staging_bytes));
  };
  if (!waitUntil(fits, options.begin_milliseconds, hasRoom, lock)) {
    ++ticket.table->statistics.full;
    return Status(TRINE_ENGRAM_ERROR_FULL,
                  concat("table ", quote(ticket.table->getName()), ": ",
                         live.size(), " tickets with ", stagedBytes,
                         " bytes are in flight, and at most ", options.tickets,
                         " with ", options.staging_bytes, " may be"));
  }
  if (isClosed)
    return closedStatus();
  live.insert(&ticket);
  stagedBytes += ticket.reservedBytes;
  ticket.isCounted = true;
  return Status();
}

void Store::release(Ticket &ticket) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    live.erase(&ticket);
    stagedBytes -= ticket.reservedBytes;
  }
  hasRoom.notify_all();
}

Status Store::enqueue(std::shared_ptr<Ticket> ticket) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (isClosed)
      return closedStatus();
    queue.push_back(std::move(ticket));
  }
  hasWork.notify_one();
  return Status();
}

Status Store::begin(std::shared_ptr<Table> table, const int64_t *rows,
                    uint64_t count, uint64_t session, bool isUrgent,
                    std::shared_ptr<Ticket> &result) {
  bool areRows = true;
  for (uint64_t i = 0; i < count; ++i)
    areRows &= static_cast<uint64_t>(rows[i]) < table->getLayout().rows;
  for (uint64_t i = 0; !areRows && i < count; ++i)
    if (Status status = table->checkRow(rows[i]); !status.ok())
      return status;
  auto ticket = std::make_shared<Ticket>(shared_from_this(), table);
  uint64_t rowBytes = table->getLayout().getRowBytes();
  ticket->rows.reset(new (std::nothrow) int64_t[count]);
  if (!ticket->rows) // No test: only when memory runs out.
    return Status(TRINE_ERROR_OUT_OF_MEMORY, "no memory for a ticket");
  std::copy(rows, rows + count, ticket->rows.get());
  ticket->count = count;
  ticket->session = session;
  // Four tickets may have chunks at the same time, whatever their sizes.
  ticket->chunkRows = std::max<uint64_t>(
      1, (isUrgent ? kUrgentBytes : options.staging_bytes / 4) / rowBytes);
  bool isInMemory = table->isInMemory();
  if (!isInMemory)
    ticket->reservedBytes = std::min(count, ticket->chunkRows) * rowBytes;
  if (Status status = enter(*ticket, isUrgent); !status.ok())
    return status;
  ++table->statistics.tickets;
  table->statistics.rows += count;
  // Few rows are found faster than a worker wakes up.
  constexpr uint64_t kFewRows = 256;
  if (isInMemory || count == 0) {
    ticket->end = count;
    ticket->stage();
  } else if (count <= kFewRows && ticket->plan() && ticket->missing.empty()) {
    Status status = table->getFile().checkUnchanged(table->getName());
    if (!status.ok())
      ticket->fail(status);
    else
      ticket->stage();
  } else if (Status status = enqueue(ticket); !status.ok()) {
    return status;
  }
  result = std::move(ticket);
  return Status();
}

void Store::cancel(Ticket &ticket) {
  ticket.fail(Status(TRINE_ENGRAM_ERROR_CANCELLED, "cancelled"));
}

void Store::cancelSession(uint64_t session) {
  std::lock_guard<std::mutex> lock(mutex);
  for (Ticket *ticket : live)
    if (ticket->session == session)
      ticket->fail(Status(TRINE_ENGRAM_ERROR_CANCELLED,
                          concat("table ", quote(ticket->table->getName()),
                                 ": session ", session, " was cancelled")));
}

bool Store::isReady(Ticket &ticket) {
  std::lock_guard<std::mutex> lock(ticket.mutex);
  return ticket.state == Ticket::Failed ||
         (ticket.state == Ticket::Staged && ticket.end == ticket.count);
}

//===----------------------------------------------------------------------===//
// Workers
//===----------------------------------------------------------------------===//

void Store::work(std::unique_ptr<IoQueue> ioQueue) {
  Fetcher fetcher(*ioQueue, options.queue_depth);
  for (;;) {
    std::shared_ptr<Ticket> ticket;
    {
      std::unique_lock<std::mutex> lock(mutex);
      hasWork.wait(lock, [this] { return isClosed || !queue.empty(); });
      if (queue.empty())
        return;
      ticket = std::move(queue.front());
      queue.pop_front();
    }
    {
      std::lock_guard<std::mutex> lock(ticket->mutex);
      if (ticket->state != Ticket::Queued)
        continue; // cancelled
      ticket->state = Ticket::Read;
    }
    Status status = fetcher.fetch(*ticket);
    if (status.ok())
      ticket->stage();
    else
      ticket->fail(status);
  }
}
