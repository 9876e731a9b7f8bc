// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Taking rows over.
#include "Convert.h"
#include "Deadline.h"
#include "Profile.h"
#include "Store.h"
#include <algorithm>
#include <chrono>

using namespace trine::runtime;
using namespace trine::runtime::engram;

Status Store::waitForChunk(Ticket &ticket, uint64_t milliseconds) {
  Stopwatch watch(ticket.table->statistics.waitNanoseconds);
  std::unique_lock<std::mutex> lock(ticket.mutex);
  auto isDone = [&] {
    return ticket.state == Ticket::Staged || ticket.state == Ticket::Failed;
  };
  if (!waitUntil(isDone, milliseconds, ticket.changed, lock)) {
    ++ticket.table->statistics.late;
    int64_t row = ticket.lateRow;
    return Status(TRINE_ENGRAM_ERROR_LATE,
                  concat(ticket.table->describeRow(
                             row >= 0 ? row : ticket.rows[ticket.begin]),
                         "not there within ", milliseconds, " ms: ",
                         row >= 0 ? "it is being read"
                                  : "its ticket waits for a worker"));
  }
  return ticket.state == Ticket::Failed ? ticket.status : Status();
}

Status Store::wait(Ticket &ticket, trine_engram_type type, void *destination,
                   uint64_t bytes, int64_t deadline) {
  const RowLayout &layout = ticket.table->getLayout();
  ConvertFunction convert = getConversion(layout.type, type);
  uint64_t elementBytes = getValueBytes(type);
  if (!convert)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("rows can be had as f32, f16 or bf16 (1 to 3), got "
                         "type ",
                         type));
  uint64_t needed = ticket.count * layout.width * elementBytes;
  if (bytes < needed || (!destination && needed > 0))
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'destination' must have ", needed, " bytes, got ",
                         destination ? bytes : 0));
  uint8_t *target = static_cast<uint8_t *>(destination);
  if (ticket.begin > 0 &&
      (ticket.destination != destination || ticket.type != type))
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  "rows were delivered before the deadline: 'destination' and "
                  "'type' must be the same again");
  ticket.destination = destination;
  ticket.type = type;
  uint64_t milliseconds = deadline < 0 ? options.deadline_milliseconds
                                       : static_cast<uint64_t>(deadline);
  for (;;) {
    if (Status status = waitForChunk(ticket, milliseconds); !status.ok())
      return status;
    Stopwatch watch(ticket.table->statistics.deliverNanoseconds);
    if (ticket.table->isInMemory()) {
      Status status = deliverFromMemory(ticket, convert, elementBytes,
                                        type == layout.type, target);
      if (!status.ok())
        ticket.fail(status);
      return status;
    }
    deliverChunk(ticket, convert, elementBytes, target);
    if (ticket.end == ticket.count)
      return Status();
    {
      std::lock_guard<std::mutex> lock(ticket.mutex);
      if (ticket.state == Ticket::Failed)
        return ticket.status;
      ticket.begin = ticket.end;
      ticket.isPlanned = false;
      ticket.state = Ticket::Queued;
    }
    if (Status status = enqueue(ticket.shared_from_this()); !status.ok()) {
      ticket.fail(status);
      return status;
    }
  }
}

Status Store::seed(const std::shared_ptr<Table> &table,
                   const std::string &path) {
  std::vector<HotRow> hot;
  if (Status status = readProfile(path, *table, hot); !status.ok())
    return status;
  uint64_t width = table->getLayout().width;
  constexpr uint64_t kStep = 1024;
  std::vector<float> values(std::min<uint64_t>(kStep, hot.size()) * width);
  for (uint64_t at = 0; at < hot.size(); at += kStep) {
    std::vector<int64_t> rows;
    for (uint64_t i = at; i < std::min<uint64_t>(at + kStep, hot.size()); ++i) {
      table->cache.addCount(static_cast<uint64_t>(hot[i].row), hot[i].count);
      rows.push_back(hot[i].row);
    }
    std::shared_ptr<Ticket> ticket;
    if (Status status =
            begin(table, rows.data(), rows.size(), 0, false, ticket);
        !status.ok())
      return status;
    if (Status status = wait(*ticket, TRINE_ENGRAM_F32, values.data(),
                             values.size() * 4, -1);
        !status.ok())
      return status;
  }
  return Status();
}
