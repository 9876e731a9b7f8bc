// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fetch.h"
#include "Crc32c.h"
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

using namespace trine::runtime;
using namespace trine::runtime::engram;

/// Memory that a worker reads into, unless one row needs more.
static constexpr uint64_t kMemoryBytes = 2 << 20;
static constexpr uint64_t kSlotBytes = 16 << 10;
/// How often a read is tried after errors, and after it made progress.
static constexpr uint32_t kMostErrors = 3, kMostRepeats = 1000;

Fetcher::Fetcher(IoQueue &queue, uint32_t depth) : queue(queue), depth(depth) {}

Fetcher::~Fetcher() { free(memory); }

//===----------------------------------------------------------------------===//
// What to read
//===----------------------------------------------------------------------===//

void Fetcher::findPieces(const Ticket &ticket) {
  const RowLayout &layout = ticket.table->getLayout();
  pieces.clear();
  for (uint32_t unique : ticket.missing) {
    uint64_t row = static_cast<uint64_t>(ticket.unique[unique]);
    pieces.push_back({layout.locate(row), unique, false});
    if (layout.hasSeparateScales)
      pieces.push_back({layout.locateScales(row), unique, true});
  }
  std::sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) {
    return a.extent.offset < b.extent.offset;
  });
}

bool Fetcher::prepareSlots(const Table &table) {
  unit = table.getFile().getReadUnit();
  uint64_t largest =
      roundUp(table.getLayout().getRecordBytes() + 2 * unit, kPageBytes);
  slotBytes = std::max(kSlotBytes, largest);
  uint64_t needed =
      std::max(std::min(kMemoryBytes, depth * slotBytes), slotBytes);
  if (needed > memoryBytes) {
    free(memory);
    void *made = nullptr;
    memoryBytes = 0;
    memory = nullptr;
    if (posix_memalign(&made, kPageBytes, needed) != 0)
      return false;
    memory = static_cast<uint8_t *>(made);
    memoryBytes = needed;
  }
  uint64_t count = std::min(depth, memoryBytes / slotBytes);
  flights.assign(count, Flight());
  freeSlots.clear();
  for (uint64_t slot = count; slot-- > 0;)
    freeSlots.push_back(slot);
  return true;
}

/// A read of this piece and of those after it that lie in the same units, or in
/// the next ones.
Fetcher::Flight Fetcher::joinPieces(uint64_t firstPiece) const {
  const Extent &first = pieces[firstPiece].extent;
  uint64_t offset = first.offset / unit * unit;
  uint64_t needed = first.offset + first.bytes, last = firstPiece + 1;
  for (; last < pieces.size(); ++last) {
    const Extent &next = pieces[last].extent;
    uint64_t end = std::max(needed, next.offset + next.bytes);
    if (next.offset / unit * unit > roundUp(needed, unit) ||
        roundUp(end, unit) - offset > slotBytes)
      break;
    needed = end;
  }
  Flight flight = {};
  flight.firstPiece = firstPiece;
  flight.lastPiece = last;
  flight.offset = offset;
  flight.bytes = roundUp(needed, unit) - offset;
  flight.needed = needed - offset;
  return flight;
}

//===----------------------------------------------------------------------===//
// Reads
//===----------------------------------------------------------------------===//

void Fetcher::submit(const Table &table, uint64_t slot) {
  Flight &flight = flights[slot];
  flight.isActive = true;
  // A read that goes on begins where a unit does.
  uint64_t done = flight.got / unit * unit;
  queue.submit({table.getFile().getDirectDescriptor(), flight.offset + done,
                flight.bytes - done, memory + slot * slotBytes + done, slot});
  ++table.statistics.reads;
  table.statistics.readBytes += flight.bytes - done;
}

Status Fetcher::failRow(const Ticket &ticket, const Flight &flight,
                        const std::string &why, trine_status code) const {
  const Piece &piece = pieces[flight.firstPiece];
  const Table &table = *ticket.table;
  return Status(code, concat(table.describeRow(static_cast<uint64_t>(
                                 ticket.unique[piece.unique])),
                             why, " (byte ", piece.extent.offset, " of ",
                             quote(table.getFile().getPath()), ")"));
}

bool Fetcher::repeat(Ticket &ticket, uint64_t slot, uint32_t most) {
  Flight &flight = flights[slot];
  if (++flight.attempts >= most || !firstError.ok())
    return false;
  ++ticket.table->statistics.repeatedReads;
  submit(*ticket.table, slot);
  return true;
}

bool Fetcher::complete(Ticket &ticket, uint64_t slot, int64_t result) {
  Flight &flight = flights[slot];
  auto failWith = [&](const std::string &why, trine_status code) {
    if (firstError.ok())
      firstError = failRow(ticket, flight, why, code);
    return true;
  };
  if (result < 0) {
    bool passes = result == -EINTR || result == -EAGAIN;
    if (repeat(ticket, slot, passes ? kMostRepeats : kMostErrors))
      return false;
    return failWith(describeErrno(static_cast<int>(-result)), TRINE_ERROR_IO);
  }
  uint64_t begun = flight.got / unit * unit;
  uint64_t got = begun + static_cast<uint64_t>(result);
  if (static_cast<uint64_t>(result) > flight.bytes - begun)
    return failWith("more was read than was asked for", TRINE_ERROR_IO);
  if (got < flight.needed) {
    if (got <= flight.got && result == 0)
      return failWith("the file ends before it", TRINE_ENGRAM_ERROR_CHANGED);
    flight.got = std::max(flight.got, got);
    if (repeat(ticket, slot, kMostRepeats))
      return false;
    return failWith("its read makes no progress", TRINE_ERROR_IO);
  }
  Status status = unpack(ticket, flight, memory + slot * slotBytes);
  if (status.ok())
    return true;
  // Damage on the way, unlike damage on the disk, is gone the second time.
  flight.got = 0;
  if (repeat(ticket, slot, kMostErrors))
    return false;
  if (firstError.ok())
    firstError = status;
  return true;
}

Status Fetcher::unpack(Ticket &ticket, const Flight &flight,
                       const uint8_t *source) {
  const RowLayout &layout = ticket.table->getLayout();
  for (uint64_t i = flight.firstPiece; i < flight.lastPiece; ++i) {
    const Piece &piece = pieces[i];
    const uint8_t *bytes = source + (piece.extent.offset - flight.offset);
    uint64_t kept = piece.extent.bytes;
    if (layout.hasChecksum) {
      kept -= 4;
      uint32_t checksum;
      memcpy(&checksum, bytes + kept, 4);
      uint64_t row = static_cast<uint64_t>(ticket.unique[piece.unique]);
      if (computeRecordChecksum(row, bytes, kept) != checksum) {
        Flight failed = flight;
        failed.firstPiece = i;
        return failRow(ticket, failed, "its checksum is wrong",
                       TRINE_ENGRAM_ERROR_CHECKSUM);
      }
    }
    uint8_t *row = ticket.staging.get() + piece.unique * layout.getRowBytes();
    memcpy(row + (piece.isScales ? layout.valueBytes : 0), bytes, kept);
  }
  return Status();
}

void Fetcher::setLateRow(Ticket &ticket) const {
  for (const Flight &flight : flights)
    if (flight.isActive) {
      ticket.lateRow = ticket.unique[pieces[flight.firstPiece].unique];
      return;
    }
  ticket.lateRow = -1;
}

Status Fetcher::pump(Ticket &ticket) {
  firstError = Status();
  uint64_t next = 0, inFlight = 0;
  Completion completions[64];
  for (;;) {
    bool goOn = firstError.ok() && !ticket.isAbandoned;
    while (goOn && next < pieces.size() && !freeSlots.empty()) {
      uint64_t slot = freeSlots.back();
      freeSlots.pop_back();
      flights[slot] = joinPieces(next);
      next = flights[slot].lastPiece;
      submit(*ticket.table, slot);
      ++inFlight;
    }
    if (inFlight == 0)
      break;
    if (ticket.lateRow < 0)
      setLateRow(ticket);
    uint64_t count = queue.wait(completions, 64);
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t slot = completions[i].tag;
      flights[slot].isActive = false;
      if (!complete(ticket, slot, completions[i].result))
        continue;
      freeSlots.push_back(slot);
      --inFlight;
    }
    setLateRow(ticket);
  }
  return firstError;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

Status Fetcher::fetch(Ticket &ticket) {
  Table &table = *ticket.table;
  if (Status status = table.getFile().checkUnchanged(table.getName());
      !status.ok())
    return status;
  bool hasMemory = ticket.isPlanned || ticket.plan();
  if (!hasMemory || !prepareSlots(table)) // No test: only without memory.
    return Status(
        TRINE_ERROR_OUT_OF_MEMORY,
        concat("no memory for rows of table ", quote(table.getName())));
  if (ticket.missing.empty())
    return Status();
  if (table.checksOnTouch())
    for (uint32_t unique : ticket.missing)
      if (Status status =
              table.touch(static_cast<uint64_t>(ticket.unique[unique]));
          !status.ok())
        return status;
  findPieces(ticket);
  if (Status status = pump(ticket); !status.ok())
    return status;
  if (ticket.isAbandoned)
    return Status(TRINE_ENGRAM_ERROR_CANCELLED, "cancelled");
  // Only rows of the file that was opened may be kept.
  if (Status status = table.getFile().checkUnchanged(table.getName());
      !status.ok())
    return status;
  table.statistics.diskRows += ticket.missing.size();
  uint64_t rowBytes = table.getLayout().getRowBytes();
  for (uint32_t unique : ticket.missing)
    table.cache.insert(static_cast<uint64_t>(ticket.unique[unique]),
                       ticket.staging.get() + unique * rowBytes);
  return Status();
}
