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
/// Rows whose pages are looked up, and rows that are asked for, before they
/// are read.
constexpr uint64_t kPagesAhead = 32, kRowsAhead = 8;
/// Rows that are converted at a time.
constexpr uint64_t kGroup = 16;

/// Asks for the second and further lines of a row, into the second cache:
/// requests of the first would hold its few line buffers until memory answers,
/// which loads and stores need.
void fetchRest(const uint8_t *row, uint64_t bytes) {
  for (uint64_t at = 64; at < bytes; at += 64)
    __builtin_prefetch(row + at, 0, 2);
  // Rows begin at multiples of 8, so up to 8 bytes do not cross a line.
  if ((bytes - 1) % 64 >= 8)
    __builtin_prefetch(row + bytes - 1, 0, 2);
}

/// Where rows are that lie at equal distances.
struct Strided {
  const uint8_t *first;
  uint64_t stride;
  const uint8_t *operator()(uint64_t row) const { return first + row * stride; }
};

/// Where rows are of which some share a page.
struct Paged {
  const uint8_t *first;
  uint64_t stride, rowsPerPage, pageFactor;
  const uint8_t *operator()(uint64_t row) const {
    auto page = static_cast<uint64_t>(
        static_cast<unsigned __int128>(row) * pageFactor >> 64);
    return first + page * kPageBytes + (row - page * rowsPerPage) * stride;
  }
};

/// Calls deliver(i, row) for each row; place(id) is where a row is, `bytes` lie
/// together there. At random, each row is a page to look up, and requests for
/// several lines of a page that is not yet known look it up several times: so
/// one line is asked for long before, and the others when its page is known.
/// Not inlined: the fewer registers are spilled, the more rows are in the
/// processor's window.
template <typename Place, typename Deliver>
[[gnu::noinline]] void visitRows(const int64_t *rows, uint64_t count,
                                 uint64_t bytes, Place place, Deliver deliver) {
  bytes = std::min(bytes, kMostAhead);
  // A place needs some products, so it is found once.
  constexpr uint64_t ring = 2 * kPagesAhead;
  const uint8_t *places[ring];
  for (uint64_t next = 0; next < count + kPagesAhead; ++next) {
    if (next < count) {
      const uint8_t *row = place(static_cast<uint64_t>(rows[next]));
      places[next % ring] = row;
      __builtin_prefetch(row, 0, 2);
    }
    uint64_t asked = next - (kPagesAhead - kRowsAhead);
    if (asked < count) // never of one that lies before the first: it is large
      fetchRest(places[asked % ring], bytes);
    if (next >= kPagesAhead)
      deliver(next - kPagesAhead, places[(next - kPagesAhead) % ring]);
  }
}

/// How rows become what is asked for.
struct Conversion {
  ConvertFunction convert;
  uint64_t width, targetBytes;
  uint8_t *destination;
  /// Scales elsewhere, of row 0, and their distance; or NULL, and how far they
  /// are behind a row's values.
  const uint8_t *scales;
  uint64_t scaleStride;

  void operator()(uint64_t i, int64_t row, const uint8_t *values) const {
    convert(values,
            scales ? scales + static_cast<uint64_t>(row) * scaleStride
                   : values + scaleStride,
            width, destination + i * targetBytes);
  }
};
} // namespace

/// Delivers the ticket's rows, `bytes` of which lie together.
template <typename Place>
static void deliverRows(const Ticket &ticket, uint64_t bytes, Place place,
                        const Conversion &to, bool isCopy) {
  const int64_t *rows = ticket.rows.get();
  const uint64_t count = ticket.count;
  if (isCopy)
    return visitRows(rows, count, bytes, place,
                     [destination = to.destination,
                      bytes = to.targetBytes](uint64_t i, const uint8_t *row) {
                       memcpy(destination + i * bytes, row, bytes);
                     });
  if (bytes > kMostAhead)
    return visitRows(
        rows, count, bytes, place,
        [to, rows](uint64_t i, const uint8_t *row) { to(i, rows[i], row); });
  // A processor looks up only the pages of requests in its window, which a
  // conversion fills by itself: so some rows are copied, then converted from
  // their copies.
  alignas(64) uint8_t copies[kGroup * kMostAhead];
  const uint64_t stride = roundUp(bytes, 64);
  visitRows(rows, count, bytes, place,
            [&to, copies = &copies[0], rows, stride, bytes,
             last = count - 1](uint64_t i, const uint8_t *row) {
              memcpy(copies + i % kGroup * stride, row, bytes);
              if ((i + 1) % kGroup == 0 || i == last)
                for (uint64_t k = i / kGroup * kGroup; k <= i; ++k)
                  to(k, rows[k], copies + k % kGroup * stride);
            });
}

Status engram::deliverFromMemory(const Ticket &ticket, ConvertFunction convert,
                                 uint64_t elementBytes, bool isCopy,
                                 uint8_t *destination) {
  Table &table = *ticket.table;
  const RowLayout &layout = table.getLayout();
  const uint8_t *memory = table.getMemory();
  Conversion to = {convert,     layout.width, layout.width * elementBytes,
                   destination, nullptr,      layout.valueBytes};
  uint64_t bytes = layout.getRowBytes();
  if (table.getTier() == TRINE_ENGRAM_TIER_RESIDENT) {
    deliverRows(ticket, bytes, Strided{memory, table.getResidentStride()}, to,
                isCopy);
  } else {
    // Beyond the end of a truncated file there is no memory.
    if (Status status = table.getFile().checkUnchanged(table.getName());
        !status.ok())
      return status;
    if (table.checksOnTouch())
      for (uint64_t i = 0; i < ticket.count; ++i)
        if (Status status = table.touch(ticket.rows[i]); !status.ok())
          return status;
    if (layout.hasSeparateScales) {
      bytes = layout.valueBytes;
      to.scales = memory + layout.scaleOffset;
      to.scaleStride = layout.scaleStride;
    }
    const uint8_t *first = memory + layout.offset;
    if (layout.rowsPerPage > 1)
      deliverRows(
          ticket, bytes,
          Paged{first, layout.stride, layout.rowsPerPage, layout.pageFactor},
          to, isCopy);
    else
      deliverRows(
          ticket, bytes,
          Strided{first, layout.rowsPerPage ? kPageBytes : layout.stride}, to,
          isCopy);
  }
  table.statistics.memoryRows += ticket.count;
  return Status();
}
