// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cp.async: issue, landing (as late as the rules allow, or at once), groups and
// waits.
#include "CopyOperands.h"
#include <algorithm>

using namespace trine::sim;

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
