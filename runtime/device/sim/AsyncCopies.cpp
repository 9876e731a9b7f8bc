// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cp.async, bulk and tensor copies: issue, landing (as late as the rules allow,
// or at once), groups and waits.
#include "Cta.h"
#include "LaneLoops.h"
#include <algorithm>

using namespace trine::sim;

namespace {

struct AddressOperand {
  Reference reference, displacement, bytes;
  uint64_t value(Warp &warp, unsigned lane) const {
    uint64_t sum = laneValue(warp, reference, bytes, lane) +
                   warp.in<uint64_t>(displacement)[lane];
    return bytes == 4 ? uint32_t(sum) : sum;
  }
};

AddressOperand addressOperand(const Warp &warp, const Instruction &i,
                              unsigned first) {
  const Reference *list = &warp.frame->function->lists[i.list + first];
  return {list[0], list[1], list[2]};
}

bool spansDefined(const uint8_t *state, uint32_t bytes) {
  for (uint32_t n = 0; n < bytes; ++n)
    if (state[n] == 0)
      return false;
  return true;
}

} // namespace

bool Cta::lateCopies() {
  switch (context.launch.options.async) {
  case AsyncPolicy::Early:
    return false;
  case AsyncPolicy::Late:
    return true;
  case AsyncPolicy::Random:
    return cluster.nextRandom() & 1;
  }
  return false;
}

/// Checks that shared memory may be overwritten by the asynchronous proxy from
/// now on, and marks it.
void Cta::beginWrite(Warp &warp, const Instruction &i, unsigned lane,
                     Cta &target, uint32_t offset, uint32_t bytes) {
  if (target.sharedState.empty())
    return;
  for (uint32_t n = 0; n < bytes; ++n) {
    if (target.sharedState[offset + n] == 2) {
      report(ReportKind::MissingWait, warp, i, lane, offset,
             target.describeShared(offset + n) +
                 " is already the destination of an asynchronous copy that is "
                 "not known to be complete");
      break;
    }
  }
  std::memset(&target.sharedState[offset], 2, bytes);
  if (!checks.races)
    return;
  if (target.async.isBeingRead(offset, bytes))
    report(ReportKind::MissingWait, warp, i, lane, offset,
           target.describeShared(offset) +
               " is overwritten while an asynchronous read of it is not known "
               "to be complete");
  std::string race = cluster.races->asyncWrite(actor(warp, lane), target.rank,
                                               offset, bytes, &i);
  if (!race.empty())
    report(ReportKind::Race, warp, i, lane, offset,
           "the copy to " + target.describeShared(offset) + " " + race);
}

/// Checks that shared memory may be read by the asynchronous proxy, on behalf
/// of a thread.
void Cta::beginRead(Warp &warp, const Instruction &i, unsigned lane,
                    Cta &target, uint32_t offset, uint32_t bytes) {
  if (target.sharedState.empty())
    return;
  const uint8_t *state = &target.sharedState[offset];
  if (std::find(state, state + bytes, 2) != state + bytes)
    report(ReportKind::MissingWait, warp, i, lane, offset,
           target.describeShared(offset) +
               " is the destination of an asynchronous copy that is not known "
               "to be complete");
  else if (checks.uninitialised && !spansDefined(state, bytes))
    report(ReportKind::Uninitialised, warp, i, lane, offset,
           target.describeShared(offset) + " is read, but was not written");
  if (!checks.races)
    return;
  std::string race = cluster.races->asyncRead(actor(warp, lane), target.rank,
                                              offset, bytes, &i);
  if (!race.empty())
    report(ReportKind::Race, warp, i, lane, offset,
           target.describeShared(offset) + " " + race);
}

void handlers::copyAsync(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  Access access;
  cta.resolve(warp, i, i.a, i.offset, i.has(FlagWideAddress), i.bytes, true,
              access);
  const uint64_t *sources = warp.in<uint64_t>(i.b);
  ThreadCopies copies;
  copies.warp = warp.index;
  copies.bytes = i.bytes;
  copies.instruction = &i;
  copies.sequence = cta.async.sequence++;
  for (uint32_t left = access.lanes & access.sharedLanes; left;
       left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint64_t source = sources[lane] + uint64_t(int64_t(int32_t(i.extra)));
    uint32_t bytes = i.bytes;
    if (i.count == 1)
      bytes = warp.in<uint32_t>(i.c)[lane];
    else if (i.count == 2)
      bytes = warp.predicate(i.c) >> lane & 1 ? 0 : i.bytes;
    if (bytes > i.bytes) {
      cta.report(ReportKind::InvalidOperand, warp, i, lane, source,
                 "the source size of 'cp.async' must be at most " +
                     std::to_string(i.bytes) + ", got " +
                     std::to_string(bytes));
      bytes = i.bytes;
    }
    if (source % i.bytes && bytes && cta.checks.alignment) {
      cta.report(ReportKind::Misaligned, warp, i, lane, source,
                 "the source of 'cp.async' is not aligned to " +
                     std::to_string(i.bytes) + " bytes");
      continue;
    }
    const uint8_t *from = nullptr;
    if (bytes) {
      uint8_t *defined = nullptr;
      from = cta.global(warp, i, lane, source, bytes, false, &defined);
      if (!from)
        continue;
      if (defined && cta.checks.uninitialised && !spansDefined(defined, bytes))
        cta.report(ReportKind::Uninitialised, warp, i, lane, source,
                   cta.context.memory.describe(source) +
                       " is read, but was not written");
    }
    copies.from[lane] = from;
    copies.fromBytes[lane] = bytes;
    copies.to[lane] = access.sharedOffset[lane];
    copies.group[lane] = cta.async.copyGroup[cta.linearThread(warp, lane)];
    copies.lanes |= 1u << lane;
    cta.beginWrite(warp, i, lane, cta, access.sharedOffset[lane], i.bytes);
  }
  uint32_t lanes = copies.lanes;
  if (!lanes)
    return;
  bool late = cta.lateCopies();
  cta.async.threadCopies.push_back(std::move(copies));
  if (!late) {
    // The data moves now; what a wait makes known is the same.
    ThreadCopies &now = cta.async.threadCopies.back();
    cta.moveThreadCopies(now, lanes, ~0u);
    cta.async.threadCopies.pop_back();
  }
}

void Cta::moveThreadCopies(ThreadCopies &copies, uint32_t lanes,
                           uint32_t channel) {
  lanes &= copies.lanes;
  if (checks.races && channel != ~0u)
    cluster.races->beginLanding(channel);
  for (uint32_t left = lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint32_t to = copies.to[lane], bytes = copies.fromBytes[lane];
    if (bytes)
      std::memcpy(shared + to, copies.from[lane], bytes);
    std::memset(shared + to + bytes, 0, copies.bytes - bytes);
    if (!sharedState.empty())
      std::memset(&sharedState[to], 1, copies.bytes);
    if (checks.races) {
      if (channel != ~0u)
        cluster.races->land(channel, rank, to, copies.bytes,
                            copies.instruction);
      else
        cluster.races->writeNow(actor(*warps[copies.warp], lane), rank, to,
                                copies.bytes, copies.instruction);
    }
  }
  copies.lanes &= ~lanes;
  ++changes;
}

void Cta::beginMatrixRead(uint32_t warpgroup, const Instruction &i,
                          const std::vector<uint32_t> &chunks) {
  Warp &first = *warps[warpgroup * 4];
  for (uint32_t offset : chunks) {
    uint64_t words[2];
    std::memcpy(words, &sharedState[offset], 16);
    if (words[0] != 0x0101010101010101ull || words[1] != words[0])
      beginRead(first, i, 0, *this, offset, 16); // says what is wrong
  }
  if (!checks.races)
    return;
  // Each warp must know that the operand is there, not the last one alone.
  uint32_t readers[4], reader = 0;
  for (uint32_t w = 0; w < 4; ++w)
    readers[w] = actor(*warps[warpgroup * 4 + w], 0);
  size_t which = 0;
  std::string race = cluster.races->asyncReadChunks(readers, 4, rank, chunks,
                                                    &i, which, reader);
  if (!race.empty())
    report(ReportKind::Race, *warps[warpgroup * 4 + reader], i, 0,
           chunks[which], describeShared(chunks[which]) + " " + race);
}

void Cta::landThreadCopies(uint32_t warpIndex, uint32_t lanes,
                           uint32_t groupsLeft, bool all) {
  for (ThreadCopies &copies : async.threadCopies) {
    if (copies.warp != warpIndex)
      continue;
    uint32_t landing = 0;
    for (uint32_t left = lanes & copies.lanes; left; left &= left - 1) {
      unsigned lane = unsigned(__builtin_ctz(left));
      uint32_t open = async.copyGroup[warpIndex * 32 + lane];
      if (all || copies.group[lane] + groupsLeft < open)
        landing |= 1u << lane;
    }
    if (landing)
      moveThreadCopies(copies, landing, ~0u);
  }
  async.threadCopies.erase(
      std::remove_if(async.threadCopies.begin(), async.threadCopies.end(),
                     [](const ThreadCopies &each) { return !each.lanes; }),
      async.threadCopies.end());
}

void handlers::commitCopies(Warp &warp, const Instruction &) {
  forActiveLanes(warp, [&](unsigned l) {
    ++warp.cta->async.copyGroup[warp.index * 32 + l];
  });
}

void handlers::waitCopies(Warp &warp, const Instruction &i) {
  warp.cta->landThreadCopies(warp.index, warp.mask, i.extra, i.has(FlagFull));
}

void handlers::copyArrive(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  forActiveLanes(warp, [&](unsigned lane) {
    uint64_t address =
        laneValue(warp, i.a, i.has(FlagWideAddress) ? 8 : 4, lane) +
        uint64_t(i.offset);
    Cta *owner = nullptr;
    Mbarrier *barrier = cta.mbarrierAt(warp, i, lane, address, owner);
    if (!barrier || owner != &cta)
      return;
    if (!i.has(FlagNoIncrement))
      ++barrier->pending;
    AsyncEngine::PendingArrive arrive;
    arrive.warp = warp.index;
    arrive.lane = lane;
    arrive.mbarrier = barrier->offset;
    arrive.instruction = &i;
    arrive.sequence = cta.async.sequence++;
    cta.async.arrives.push_back(arrive);
    if (!cta.lateCopies())
      cta.finishArrive(cta.async.arrives.size() - 1);
  });
}

void Cta::finishArrive(size_t index) {
  AsyncEngine::PendingArrive arrival = async.arrives[index];
  async.arrives.erase(async.arrives.begin() + long(index));
  Mbarrier *barrier = async.find(arrival.mbarrier);
  if (!barrier || !barrier->live)
    return;
  for (ThreadCopies &copies : async.threadCopies)
    if (copies.warp == arrival.warp && copies.sequence < arrival.sequence &&
        (copies.lanes >> arrival.lane & 1))
      moveThreadCopies(copies, 1u << arrival.lane, barrier->channel);
  if (checks.races) {
    cluster.races->releaseChannel(barrier->channel, barrier->clocks);
    // Copies that moved at once count as writes of their thread.
    if (context.launch.options.async != AsyncPolicy::Late)
      cluster.races->release(actor(*warps[arrival.warp], 0), 1u << arrival.lane,
                             barrier->clocks);
  }
  arrive(*warps[arrival.warp], *arrival.instruction, arrival.lane, *barrier, 1);
  completePhase(*barrier);
}

void Cta::issue(Warp &warp, const Instruction &i, unsigned lane,
                BulkCopy copy) {
  Cta &target = *copy.target;
  copy.instruction = &i;
  copy.warp = warp.index;
  copy.lane = lane;
  copy.issuer = this;
  if (copy.source)
    beginRead(warp, i, lane, *copy.source, copy.sourceOffset, copy.bytes);
  for (const BulkCopy::Piece &piece : copy.pieces) {
    if (copy.toShared)
      beginWrite(warp, i, lane, target, piece.shared, piece.bytes);
    else
      beginRead(warp, i, lane, target, piece.shared, piece.bytes);
    if (copy.toShared && !piece.fill && piece.globalDefined &&
        checks.uninitialised && !spansDefined(piece.globalDefined, piece.bytes))
      report(ReportKind::Uninitialised, warp, i, lane,
             uint64_t(reinterpret_cast<uintptr_t>(piece.global)),
             context.memory.describe(
                 uint64_t(reinterpret_cast<uintptr_t>(piece.global))) +
                 " is read, but was not written");
  }
  copy.id = ++async.bulkSequence;
  if (!copy.toShared) {
    copy.group = async.bulkGroup[linearThread(warp, lane)];
    for (const BulkCopy::Piece &piece : copy.pieces)
      for (uint32_t at = piece.shared / 16;
           at <= (piece.shared + piece.bytes - 1) / 16; ++at)
        target.async.addRead(at * 16);
  }
  if (copy.toShared ? lateCopies() : true) {
    target.async.bulkCopies.push_back(std::move(copy));
    return;
  }
  target.land(copy);
}

void Cta::land(BulkCopy &copy) {
  Mbarrier *barrier = nullptr;
  if (copy.toShared) {
    barrier = async.find(copy.mbarrier);
    if (barrier && !barrier->live)
      barrier = nullptr;
  }
  if (checks.races && barrier)
    cluster.races->beginLanding(barrier->channel);
  std::unique_lock<std::mutex> lock(context.mutex, std::defer_lock);
  if (copy.reduces)
    lock.lock();
  for (const BulkCopy::Piece &piece : copy.pieces) {
    uint8_t *here = shared + piece.shared;
    if (copy.toShared) {
      if (copy.hasValue) {
        if (copy.adds) {
          uint64_t old = 0, operand = 0;
          std::memcpy(&old, here, piece.bytes);
          std::memcpy(&operand, copy.value, piece.bytes);
          old += operand;
          std::memcpy(here, &old, piece.bytes);
        } else {
          std::memcpy(here, copy.value, piece.bytes);
        }
      } else if (copy.source) {
        std::memcpy(here, copy.source->shared + copy.sourceOffset, piece.bytes);
      } else if (piece.fill) {
        for (uint32_t n = 0; n < piece.bytes; ++n)
          here[n] = uint8_t(copy.fillValue >> 8 * (n % copy.elementBytes));
      } else if (copy.transforms) {
        for (uint32_t n = 0; n + 4 <= piece.bytes; n += 4) {
          uint32_t bits;
          std::memcpy(&bits, piece.global + n, 4);
          bits = transformLoaded(copy.element, bits);
          std::memcpy(here + n, &bits, 4);
        }
      } else {
        std::memcpy(here, piece.global, piece.bytes);
      }
      if (!sharedState.empty())
        std::memset(&sharedState[piece.shared], 1, piece.bytes);
      if (checks.races && barrier)
        cluster.races->land(barrier->channel, rank, piece.shared, piece.bytes,
                            copy.instruction);
      continue;
    }
    if (copy.reduces) {
      for (uint32_t n = 0; n + copy.elementBytes <= piece.bytes;
           n += copy.elementBytes) {
        uint64_t old = 0, operand = 0;
        std::memcpy(&old, piece.global + n, copy.elementBytes);
        std::memcpy(&operand, here + n, copy.elementBytes);
        old = reduceElement(copy.reduction, copy.element, old, operand);
        std::memcpy(piece.global + n, &old, copy.elementBytes);
      }
    } else {
      std::memcpy(piece.global, here, piece.bytes);
    }
    if (piece.globalDefined)
      std::memset(piece.globalDefined, 1, piece.bytes);
  }
  if (lock.owns_lock())
    lock.unlock();
  ++changes;
  if (!copy.toShared) {
    for (const BulkCopy::Piece &piece : copy.pieces)
      for (uint32_t at = piece.shared / 16;
           at <= (piece.shared + piece.bytes - 1) / 16; ++at)
        async.removeRead(at * 16);
    return;
  }
  if (!barrier) {
    Warp &warp = *copy.issuer->warps[copy.warp];
    copy.issuer->report(ReportKind::BarrierMisuse, warp, *copy.instruction,
                        copy.lane, copy.mbarrier,
                        "the copy completes on " +
                            describeShared(copy.mbarrier) +
                            ", where no live mbarrier is");
    return;
  }
  if (checks.races)
    cluster.races->releaseChannel(barrier->channel, barrier->clocks);
  addTransactions(*barrier, -int64_t(copy.bytes));
  completePhase(*barrier);
}

bool Cta::landFor(uint32_t offset) {
  for (size_t n = 0; n < async.bulkCopies.size(); ++n)
    if (async.bulkCopies[n].toShared &&
        async.bulkCopies[n].mbarrier == offset) {
      BulkCopy copy = std::move(async.bulkCopies[n]);
      async.bulkCopies.erase(async.bulkCopies.begin() + long(n));
      land(copy);
      return true;
    }
  for (size_t n = 0; n < async.arrives.size(); ++n)
    if (async.arrives[n].mbarrier == offset) {
      finishArrive(n);
      return true;
    }
  return false;
}

void handlers::bulkCopy(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  auto kind = CopyKind(i.operation);
  AddressOperand destination = addressOperand(warp, i, 0),
                 source = addressOperand(warp, i, 3);
  forActiveLanes(warp, [&](unsigned lane) {
    uint64_t to = destination.value(warp, lane),
             from = source.value(warp, lane);
    uint32_t bytes = warp.in<uint32_t>(i.b)[lane];
    if ((bytes | to | from) & 15) {
      cta.report(ReportKind::Misaligned, warp, i, lane, (to & 15) ? to : from,
                 "a bulk copy's addresses and its size of " +
                     std::to_string(bytes) + " bytes must be multiples of 16");
      return;
    }
    if (bytes == 0)
      return;
    uint32_t mask = i.count ? warp.in<uint16_t>(i.c)[lane] : 1;
    for (uint32_t rank = 0; rank < 16; ++rank) {
      if (!(mask >> rank & 1))
        continue;
      BulkCopy copy;
      copy.bytes = bytes;
      BulkCopy::Piece piece;
      piece.bytes = bytes;
      uint32_t offset = 0;
      if (kind == CopyKind::GlobalToShared ||
          kind == CopyKind::SharedToCluster) {
        copy.toShared = true;
        if (i.count && rank >= cta.cluster.ctas.size()) {
          cta.report(ReportKind::InvalidOperand, warp, i, lane, to,
                     "the multicast mask names a CTA outside of the cluster");
          return;
        }
        Cta *base = i.count ? cta.cluster.ctas[rank].get() : nullptr;
        copy.target =
            cta.sharedTarget(warp, i, lane,
                             base ? (to & sharedOffsetMask) |
                                        uint64_t(rank + 1) << sharedOffsetBits
                                  : to,
                             bytes, offset);
        if (!copy.target)
          return;
        piece.shared = offset;
        uint64_t barrierAddress = addressOperand(warp, i, 6).value(warp, lane);
        if (base)
          barrierAddress = (barrierAddress & sharedOffsetMask) |
                           uint64_t(rank + 1) << sharedOffsetBits;
        Cta *owner = nullptr;
        Mbarrier *barrier =
            cta.mbarrierAt(warp, i, lane, barrierAddress, owner);
        if (!barrier)
          return;
        if (owner != copy.target) {
          cta.report(ReportKind::InvalidOperand, warp, i, lane, barrierAddress,
                     "the mbarrier of a bulk copy must be in the CTA that it "
                     "writes to");
          return;
        }
        copy.mbarrier = barrier->offset;
        if (kind == CopyKind::GlobalToShared) {
          piece.global = cta.global(warp, i, lane, from, bytes, false,
                                    &piece.globalDefined);
          if (!piece.global)
            return;
        } else {
          uint32_t sourceOffset = 0;
          copy.source =
              cta.sharedTarget(warp, i, lane, from, bytes, sourceOffset);
          copy.sourceOffset = sourceOffset;
          if (!copy.source)
            return;
        }
      } else {
        copy.target = cta.sharedTarget(warp, i, lane, from, bytes, offset);
        piece.shared = offset;
        piece.global =
            cta.global(warp, i, lane, to, bytes, true, &piece.globalDefined);
        if (!copy.target || !piece.global)
          return;
        if (kind == CopyKind::ReduceToGlobal && !describeReduction(i, copy)) {
          cta.report(ReportKind::InvalidOperand, warp, i, lane, to,
                     "this reduction does not exist for the type");
          return;
        }
      }
      copy.pieces.push_back(piece);
      cta.issue(warp, i, lane, std::move(copy));
    }
  });
}

bool trine::sim::describeReduction(const Instruction &i, BulkCopy &copy) {
  copy.reduces = true;
  copy.reduction = TensorReduction(i.boolean);
  switch (i.type) {
  case Type::F32:
    copy.element = TensorElement::F32;
    break;
  case Type::F64:
    copy.element = TensorElement::F64;
    break;
  case Type::F16:
    copy.element = TensorElement::F16;
    break;
  case Type::BF16:
    copy.element = TensorElement::BF16;
    break;
  case Type::U32:
  case Type::B32:
    copy.element = TensorElement::U32;
    break;
  case Type::S32:
    copy.element = TensorElement::S32;
    break;
  case Type::U64:
  case Type::B64:
    copy.element = TensorElement::U64;
    break;
  case Type::S64:
    copy.element = TensorElement::S64;
    break;
  default:
    return false;
  }
  copy.elementBytes = uint8_t(getElementBytes(copy.element));
  return hasReduction(copy.reduction, copy.element);
}

void handlers::bulkCommit(Warp &warp, const Instruction &) {
  forActiveLanes(warp, [&](unsigned l) {
    ++warp.cta->async.bulkGroup[warp.index * 32 + l];
  });
}

void handlers::bulkWait(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  forActiveLanes(warp, [&](unsigned l) {
    uint32_t open = cta.async.bulkGroup[warp.index * 32 + l];
    for (size_t n = 0; n < cta.async.bulkCopies.size();) {
      BulkCopy &each = cta.async.bulkCopies[n];
      if (each.toShared || each.issuer != &cta || each.warp != warp.index ||
          each.lane != l || each.group + i.extra >= open) {
        ++n;
        continue;
      }
      BulkCopy copy = std::move(each);
      cta.async.bulkCopies.erase(cta.async.bulkCopies.begin() + long(n));
      cta.land(copy);
    }
  });
}

void Cta::finishAsync() {
  // cp.async without a wait is legal, if useless.
  for (ThreadCopies &copies : async.threadCopies)
    moveThreadCopies(copies, copies.lanes, ~0u);
  async.threadCopies.clear();
  std::vector<BulkCopy> left = std::move(async.bulkCopies);
  async.bulkCopies.clear();
  for (BulkCopy &copy : left) {
    Warp &warp = *copy.issuer->warps[copy.warp];
    if (checks.races || checks.barriers)
      copy.issuer->report(
          ReportKind::MissingWait, warp, *copy.instruction, copy.lane,
          copy.pieces.empty() ? 0 : copy.pieces[0].shared,
          copy.toShared ? "the CTA ended before anything waited for this copy"
                        : "the CTA ended without a wait for this copy, which "
                          "reads its shared memory");
    land(copy);
  }
}
