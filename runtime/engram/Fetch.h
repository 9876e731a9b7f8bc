// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reads the missing rows of a chunk: sorted, joined where they share what the
/// disk reads at once, many at a time.
#ifndef TRINE_RUNTIME_ENGRAM_FETCH_H
#define TRINE_RUNTIME_ENGRAM_FETCH_H

#include "IoEngine.h"
#include "Ticket.h"

namespace trine::runtime::engram {

/// One worker's means to read.
class Fetcher {
public:
  Fetcher(IoQueue &queue, uint32_t depth);
  ~Fetcher();

  /// Stages the ticket's chunk. Nothing is in flight any more when it returns,
  /// however it ends.
  Status fetch(Ticket &ticket);

private:
  /// What a row needs from the file: its record, or its values or scales.
  struct Piece {
    Extent extent;
    uint32_t unique;
    bool isScales;
  };
  /// A read of some pieces, in flight in a slot of memory.
  struct Flight {
    uint64_t firstPiece, lastPiece; // [first, last)
    uint64_t offset, bytes;
    uint64_t needed; // bytes that the pieces need
    uint64_t got;
    uint32_t attempts;
    bool isActive;
  };

  void findPieces(const Ticket &ticket);
  bool prepareSlots(const Table &table);
  Flight joinPieces(uint64_t firstPiece) const;
  void submit(const Table &table, uint64_t slot);
  /// Takes the result of a read. False: it goes on in the same slot.
  bool complete(Ticket &ticket, uint64_t slot, int64_t result);
  bool repeat(Ticket &ticket, uint64_t slot, uint32_t most);
  Status unpack(Ticket &ticket, const Flight &flight, const uint8_t *memory);
  void setLateRow(Ticket &ticket) const;
  Status pump(Ticket &ticket);
  Status failRow(const Ticket &ticket, const Flight &flight,
                 const std::string &why, trine_status code) const;

  IoQueue &queue;
  uint64_t depth;
  uint64_t unit = 1;
  std::vector<Piece> pieces;
  std::vector<Flight> flights;
  std::vector<uint64_t> freeSlots;
  uint8_t *memory = nullptr;
  uint64_t memoryBytes = 0, slotBytes = 0;
  Status firstError;
};

} // namespace trine::runtime::engram

#endif
