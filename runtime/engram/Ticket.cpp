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
/// Rows on their way into the processor's cache at the same time.
constexpr uint64_t kAhead = 16;
/// The widest rows that are copied before they are converted.
constexpr uint64_t kMostCopied = 1024;

void fetchRow(const uint8_t *row, uint64_t bytes) {
  for (uint64_t at = 0; at < bytes; at += 64)
    __builtin_prefetch(row + at);
  __builtin_prefetch(row + bytes - 1);
}
} // namespace

/// Rows of a table in memory that are delivered as they are. place(row) is
/// where its values are.
template <typename Place>
static void copyRows(const Ticket &ticket, uint8_t *destination, Place place) {
  const uint64_t count = ticket.count;
  const uint64_t bytes = ticket.table->getLayout().valueBytes;
  const int64_t *rows = ticket.rows.get();
  const uint8_t *ahead[kAhead] = {};
  for (uint64_t i = 0; i < count + kAhead; ++i) {
    const uint8_t *values = ahead[i % kAhead];
    if (i < count) {
      ahead[i % kAhead] = place(static_cast<uint64_t>(rows[i]));
      fetchRow(ahead[i % kAhead], std::min(bytes, kMostCopied));
    }
    if (i >= kAhead)
      memcpy(destination + (i - kAhead) * bytes, values, bytes);
  }
}

/// The same with a conversion. A group of rows is asked for, the group before
/// it copied, and then converted: a processor that waits for memory gets no
/// further than some rows of conversions, but many rows of copies.
template <typename Place, typename Scales>
static void convertRows(const Ticket &ticket, ConvertFunction convert,
                        uint64_t targetBytes, uint8_t *destination, Place place,
                        Scales scalesOf) {
  const RowLayout &layout = ticket.table->getLayout();
  const uint64_t count = ticket.count, width = layout.width;
  const uint64_t valueBytes = layout.valueBytes, bytes = layout.getRowBytes();
  const bool isCopied = bytes <= kMostCopied;
  const int64_t *rows = ticket.rows.get();
  const uint64_t stride = roundUp(bytes, 64);
  alignas(64) uint8_t copies[kAhead * kMostCopied];
  const uint8_t *asked[2][kAhead] = {};
  for (uint64_t i = 0; i < count + kAhead; i += kAhead) {
    const uint8_t **next = asked[i / kAhead % 2],
                  **last = asked[(i / kAhead + 1) % 2];
    for (uint64_t j = i; j < std::min(count, i + kAhead); ++j) {
      next[j - i] = place(static_cast<uint64_t>(rows[j]));
      fetchRow(next[j - i], std::min(bytes, kMostCopied));
    }
    if (i == 0)
      continue;
    const uint64_t first = i - kAhead, some = std::min(kAhead, count - first);
    for (uint64_t j = 0; isCopied && j < some; ++j) {
      uint8_t *copy = copies + j * stride;
      memcpy(copy, last[j], valueBytes);
      memcpy(copy + valueBytes,
             scalesOf(static_cast<uint64_t>(rows[first + j]), last[j]),
             layout.scaleBytes);
    }
    for (uint64_t j = 0; j < some; ++j) {
      const uint8_t *values = isCopied ? copies + j * stride : last[j];
      convert(values,
              isCopied
                  ? values + valueBytes
                  : scalesOf(static_cast<uint64_t>(rows[first + j]), values),
              width, destination + (first + j) * targetBytes);
    }
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
      copyRows(ticket, destination, place);
    else
      convertRows(ticket, convert, targetBytes, destination, place, scalesOf);
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
