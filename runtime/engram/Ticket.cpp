// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Ticket.h"
#include "Store.h"
#include <algorithm>
#include <cstring>
#include <new>

using namespace trine::runtime;
using namespace trine::runtime::engram;

Ticket::Ticket(std::shared_ptr<Store> store, std::shared_ptr<Table> table)
    : store(std::move(store)), table(std::move(table)) {}

Ticket::~Ticket() {
  if (isCounted)
    store->release(*this);
}

namespace {
/// Numbers rows in the order in which they first come.
class RowNumbers {
public:
  explicit RowNumbers(uint64_t count) {
    uint64_t size = 64;
    while (size < 2 * count)
      size *= 2;
    if (heads.size() < size)
      heads.resize(size);
    std::fill_n(heads.begin(), size, 0u);
    mask = size - 1;
  }
  uint32_t add(int64_t row, std::vector<int64_t> &unique) {
    uint64_t at = static_cast<uint64_t>(row) * 0x9e3779b97f4a7c15;
    for (at = (at ^ at >> 29) & mask;; at = (at + 1) & mask) {
      uint32_t head = heads[at];
      if (head == 0) {
        unique.push_back(row);
        heads[at] = static_cast<uint32_t>(unique.size());
        return heads[at] - 1;
      }
      if (unique[head - 1] == row)
        return head - 1;
    }
  }

private:
  /// Kept by each thread: most chunks are alike.
  static thread_local std::vector<uint32_t> heads;
  uint64_t mask;
};
thread_local std::vector<uint32_t> RowNumbers::heads;
} // namespace

bool Ticket::plan() {
  const RowLayout &layout = table->getLayout();
  uint64_t rowBytes = layout.getRowBytes();
  end = std::min(count, begin + chunkRows);
  unique.clear();
  missing.clear();
  places.resize(end - begin);
  RowNumbers numbers(end - begin);
  for (uint64_t i = begin; i < end; ++i)
    places[i - begin] = numbers.add(rows[i], unique);
  if (!staging)
    staging.reset(new (std::nothrow)
                      uint8_t[std::min(count, chunkRows) * rowBytes]);
  if (!staging)
    return false;
  for (uint64_t i = 0; i < unique.size(); ++i)
    if (!table->cache.find(static_cast<uint64_t>(unique[i]),
                           staging.get() + i * rowBytes))
      missing.push_back(static_cast<uint32_t>(i));
  table->statistics.uniqueRows += unique.size();
  table->statistics.cacheRows += unique.size() - missing.size();
  isPlanned = true;
  return true;
}

void Ticket::stage() {
  std::lock_guard<std::mutex> lock(mutex);
  lateRow = -1;
  if (state != Failed)
    state = Staged;
  changed.notify_all();
}

void Ticket::fail(const Status &why) {
  std::lock_guard<std::mutex> lock(mutex);
  isAbandoned = true;
  if (state == Failed)
    return;
  state = Failed;
  status = why;
  if (why.getCode() == TRINE_ENGRAM_ERROR_CANCELLED)
    ++table->statistics.cancelled;
  else
    ++table->statistics.failed;
  changed.notify_all();
}

//===----------------------------------------------------------------------===//
// Delivery
//===----------------------------------------------------------------------===//

void engram::deliverChunk(const Ticket &ticket, ConvertFunction convert,
                          uint64_t elementBytes, uint8_t *destination) {
  const RowLayout &layout = ticket.table->getLayout();
  uint64_t rowBytes = layout.getRowBytes();
  for (uint64_t i = ticket.begin; i < ticket.end; ++i) {
    const uint8_t *row =
        ticket.staging.get() + ticket.places[i - ticket.begin] * rowBytes;
    convert(row, row + layout.valueBytes, layout.width,
            destination + i * layout.width * elementBytes);
  }
}

namespace {
/// Bytes of a row that are asked for: of wide rows, the processor finds the
/// rest itself.
constexpr uint64_t kMostAhead = 1024;

/// Asks for a row, into the second cache: requests of the first would hold its
/// few line buffers until memory answers, which loads and stores need.
void fetchRow(const uint8_t *row, uint64_t bytes) {
  for (uint64_t at = 0; at < bytes; at += 64)
    __builtin_prefetch(row + at, 0, 2);
  __builtin_prefetch(row + bytes - 1, 0, 2);
}
} // namespace

/// Calls deliver(i, values) for each row of the ticket; place(row) is where a
/// row is. Rows are asked for in groups, `Ahead` rows before they are read:
/// conversions between requests would leave few of them in the processor's
/// window, and so few pages would be looked up at a time.
template <uint64_t Group, uint64_t Ahead, typename Place, typename Deliver>
static void visitRows(const Ticket &ticket, Place place, Deliver deliver) {
  const uint64_t count = ticket.count;
  const uint64_t bytes =
      std::min(ticket.table->getLayout().getRowBytes(), kMostAhead);
  const int64_t *rows = ticket.rows.get();
  // A place may need a division, so it is found once.
  constexpr uint64_t ring = 2 * std::max(Group, Ahead);
  const uint8_t *places[ring];
  for (uint64_t next = 0; next < count + Ahead; next += Group) {
    for (uint64_t i = next; i < std::min(count, next + Group); ++i) {
      places[i % ring] = place(static_cast<uint64_t>(rows[i]));
      fetchRow(places[i % ring], bytes);
    }
    if (next < Ahead)
      continue;
    uint64_t first = next - Ahead, end = std::min(count, first + Group);
    for (uint64_t i = first; i < end; ++i)
      deliver(i, places[i % ring]);
  }
}

Status engram::deliverFromMemory(const Ticket &ticket, ConvertFunction convert,
                                 uint64_t elementBytes, bool isCopy,
                                 uint8_t *destination) {
  Table &table = *ticket.table;
  const RowLayout &layout = table.getLayout();
  const uint64_t targetBytes = layout.width * elementBytes;
  auto deliver = [&](auto place, auto scalesOf) {
    if (isCopy)
      visitRows<4, 16>(ticket, place, [&](uint64_t i, const uint8_t *values) {
        memcpy(destination + i * targetBytes, values, targetBytes);
      });
    else
      visitRows<32, 32>(ticket, place, [&](uint64_t i, const uint8_t *values) {
        convert(values, scalesOf(static_cast<uint64_t>(ticket.rows[i]), values),
                layout.width, destination + i * targetBytes);
      });
  };
  auto behind = [bytes = layout.valueBytes](uint64_t, const uint8_t *values) {
    return values + bytes;
  };
  const uint8_t *memory = table.getMemory();
  if (table.getTier() == TRINE_ENGRAM_TIER_RESIDENT) {
    deliver([memory, stride = table.getResidentStride()](
                uint64_t row) { return memory + row * stride; },
            behind);
  } else {
    // Beyond the end of a truncated file there is no memory.
    if (Status status = table.getFile().checkUnchanged(table.getName());
        !status.ok())
      return status;
    if (table.checksOnTouch())
      for (uint64_t i = 0; i < ticket.count; ++i)
        if (Status status = table.touch(ticket.rows[i]); !status.ok())
          return status;
    auto place = [memory, &layout](uint64_t row) {
      return memory + layout.getPlace(row);
    };
    if (layout.hasSeparateScales)
      deliver(place, [memory, &layout](uint64_t row, const uint8_t *) {
        return memory + layout.locateScales(row).offset;
      });
    else
      deliver(place, behind);
  }
  table.statistics.memoryRows += ticket.count;
  return Status();
}
