// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Asynchronous work of one CTA: copies on their way, groups, mbarriers, and
// shared memory that wgmma is reading.
#ifndef TRINE_SIM_ASYNCENGINE_H
#define TRINE_SIM_ASYNCENGINE_H

#include "RaceChecker.h"
#include "TensorCopy.h"
#include <array>

namespace trine::sim {

class Cta;
struct Warp;
struct Instruction;

struct Mbarrier {
  bool live = false;
  uint32_t offset = 0;
  uint32_t expected = 0, pending = 0;
  int64_t transactions = 0;
  uint64_t phase = 0;
  uint32_t channel = 0;
  /// Of the phase that runs, and of the phase before.
  ClockAccumulator clocks;
  ClockPointer lastClocks;
};

/// cp.async of one warp instruction, on its way.
struct ThreadCopies {
  uint32_t warp = 0, lanes = 0;
  const Instruction *instruction = nullptr;
  uint32_t bytes = 0;
  uint64_t sequence = 0;
  std::array<const uint8_t *, 32> from{};
  std::array<uint32_t, 32> to{}, fromBytes{}, group{};
};

/// One bulk copy, on its way. Source and destination are lists of pieces.
struct BulkCopy {
  const Instruction *instruction = nullptr;
  uint32_t warp = 0, lane = 0;
  struct Piece {
    uint8_t *global = nullptr;
    uint8_t *globalDefined = nullptr;
    uint32_t shared = 0, bytes = 0;
    bool fill = false;
  };
  bool toShared = false;
  bool reduces = false;
  TensorReduction reduction = TensorReduction::Add;
  TensorElement element = TensorElement::U8;
  uint64_t fillValue = 0;
  uint8_t elementBytes = 1;
  bool transforms = false;
  std::vector<Piece> pieces;
  /// The CTA whose shared memory is written or read, and the barrier that is
  /// told.
  Cta *target = nullptr;
  uint32_t mbarrier = 0;
  uint32_t bytes = 0;
  /// Of the issuing thread: the bulk group.
  uint32_t group = 0;
  /// Shared to shared: where the data comes from.
  Cta *source = nullptr;
  uint32_t sourceOffset = 0;
  /// st.async and red.async carry their value.
  Cta *issuer = nullptr;
  uint64_t id = 0;
  bool hasValue = false;
  uint8_t value[16] = {};
  bool adds = false;
};

struct Frame;

/// One wgmma that is not known to be complete.
struct PendingMatrix {
  uint32_t warpgroup = 0;
  uint64_t group = 0;
  /// In Kernel::matrixForms.
  uint32_t form = 0;
  std::array<Frame *, 4> frames{};
  /// Shared memory that it reads, in pieces of 16 bytes.
  std::vector<uint32_t> chunks;
  /// Warps of the warpgroup that waited for it.
  uint32_t waited = 0;
};

struct AsyncEngine {
  std::vector<Mbarrier> mbarriers;
  /// By 8 bytes of shared memory: 1 + the index of the barrier there.
  std::vector<uint32_t> mbarrierAt;
  std::vector<ThreadCopies> threadCopies;
  std::vector<BulkCopy> bulkCopies;
  std::vector<PendingMatrix> matrices;
  /// By 16 bytes of shared memory: asynchronous reads that are not known to be
  /// complete. Empty without checks.
  std::vector<uint16_t> reads;
  /// By thread: the open cp.async group, and the open bulk group.
  std::vector<uint32_t> copyGroup, bulkGroup;
  /// By warpgroup: the open wgmma group.
  std::vector<uint64_t> matrixGroup;
  /// cp.async.mbarrier.arrive, not yet made: by warp and lane.
  struct PendingArrive {
    uint32_t warp = 0, lane = 0, mbarrier = 0;
    uint64_t sequence = 0;
    const Instruction *instruction = nullptr;
  };
  std::vector<PendingArrive> arrives;
  /// Order of cp.async and their arrives; ids of bulk copies.
  uint64_t sequence = 0, bulkSequence = 0;

  void addRead(uint32_t offset) {
    if (offset / 16 < reads.size())
      ++reads[offset / 16];
  }
  void removeRead(uint32_t offset) {
    if (offset / 16 < reads.size())
      --reads[offset / 16];
  }
  bool isBeingRead(uint32_t offset, uint32_t bytes) const {
    for (uint32_t at = offset / 16;
         at <= (offset + bytes - 1) / 16 && at < reads.size(); ++at)
      if (reads[at])
        return true;
    return false;
  }
  Mbarrier *find(uint32_t offset) {
    uint32_t slot = offset / 8;
    return slot < mbarrierAt.size() && mbarrierAt[slot]
               ? &mbarriers[mbarrierAt[slot] - 1]
               : nullptr;
  }
};

} // namespace trine::sim

#endif
