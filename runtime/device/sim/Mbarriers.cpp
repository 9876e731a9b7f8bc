// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mbarrier objects: phases, pending arrivals, transaction counts. Their state
// lies beside shared memory, not in it.
#include "Cta.h"
#include "LaneLoops.h"

using namespace trine::sim;

namespace {
constexpr uint32_t maximumCount = (1u << 20) - 1;

uint64_t addressOf(Warp &warp, const Instruction &i, unsigned lane) {
  uint64_t address =
      (i.has(FlagWideAddress) ? warp.in<uint64_t>(i.a)[lane]
                              : uint64_t(warp.in<uint32_t>(i.a)[lane])) +
      uint64_t(i.offset);
  return i.has(FlagWideAddress) ? address : uint32_t(address);
}

bool done(const Mbarrier &barrier, const Instruction &i, uint64_t operand) {
  return i.has(FlagParity) ? (barrier.phase & 1) != (operand & 1)
                           : barrier.phase != operand;
}

uint64_t waitOperand(Warp &warp, const Instruction &i, unsigned lane) {
  return i.has(FlagParity) ? warp.in<uint32_t>(i.b)[lane]
                           : warp.in<uint64_t>(i.b)[lane];
}
} // namespace

Mbarrier *Cta::mbarrierAt(Warp &warp, const Instruction &i, unsigned lane,
                          uint64_t address, Cta *&owner) {
  uint32_t offset = 0;
  uint64_t tag = address & genericTagMask;
  if (tag != 0 && tag != genericShared) {
    report(ReportKind::OutOfBounds, warp, i, lane, address,
           "an mbarrier lies in shared memory");
    return nullptr;
  }
  owner = sharedTarget(warp, i, lane, address, 8, offset);
  if (!owner)
    return nullptr;
  if (offset % 8) {
    report(ReportKind::Misaligned, warp, i, lane, address,
           "an mbarrier is aligned to 8 bytes");
    return nullptr;
  }
  Mbarrier *found = owner->async.find(offset);
  if (found && found->live)
    return found;
  if (MbarrierOp(i.operation) != MbarrierOp::Init ||
      i.handler != handlers::mbarrier) {
    report(ReportKind::BarrierMisuse, warp, i, lane, address,
           "there is no initialised mbarrier at " +
               owner->describeShared(offset));
    return nullptr;
  }
  return found;
}

void Cta::completePhase(Mbarrier &barrier) {
  if (barrier.pending != 0 || barrier.transactions != 0)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.lastClocks = ClockPointer(barrier.clocks.held);
  barrier.clocks.reset();
  ++changes;
}

void Cta::addTransactions(Mbarrier &barrier, int64_t bytes) {
  barrier.transactions += bytes;
  ++changes;
}

void Cta::arrive(Warp &warp, const Instruction &i, uint32_t lane,
                 Mbarrier &barrier, uint32_t count) {
  if (count > barrier.pending) {
    report(ReportKind::BarrierMisuse, warp, i, lane, barrier.offset,
           "an arrival of " + std::to_string(count) +
               " at an mbarrier that waits for " +
               std::to_string(barrier.pending) + " in this phase");
    count = barrier.pending;
  }
  barrier.pending -= count;
  ++changes;
}

void handlers::mbarrier(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  auto op = MbarrierOp(i.operation);
  if (op == MbarrierOp::PendingCount)
    return forActiveLanes(warp, [&](unsigned l) {
      warp.out<uint32_t>(i.d)[l] = uint32_t(warp.in<uint64_t>(i.b)[l] >> 40);
    });
  // Knowledge is published once for all lanes that use one barrier.
  uint32_t published = 0;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint64_t address = addressOf(warp, i, lane);
    Cta *owner = nullptr;
    Mbarrier *barrier = cta.mbarrierAt(warp, i, lane, address, owner);
    uint32_t operand = warp.in<uint32_t>(i.b)[lane];
    if (op == MbarrierOp::Init) {
      if (!owner)
        continue;
      uint32_t offset = uint32_t(address) & sharedOffsetMask;
      if (offset % 8)
        continue;
      if (barrier && cta.checks.barriers)
        cta.report(ReportKind::BarrierMisuse, warp, i, lane, address,
                   "'mbarrier.init' of a live mbarrier at " +
                       owner->describeShared(offset));
      if ((operand == 0 || operand > maximumCount) && cta.checks.barriers)
        cta.report(ReportKind::BarrierMisuse, warp, i, lane, address,
                   "the count of an mbarrier must be in [1, " +
                       std::to_string(maximumCount) + "], got " +
                       std::to_string(operand));
      AsyncEngine &async = owner->async;
      uint32_t &slot = async.mbarrierAt[offset / 8];
      if (!slot) {
        async.mbarriers.emplace_back();
        slot = uint32_t(async.mbarriers.size());
        if (cta.checks.races)
          async.mbarriers.back().channel = cta.cluster.races->newChannel();
      }
      Mbarrier &made = async.mbarriers[slot - 1];
      uint32_t channel = made.channel;
      made = Mbarrier();
      made.live = true;
      made.offset = offset;
      made.channel = channel;
      made.expected = made.pending = operand;
      if (!owner->sharedState.empty())
        std::memset(&owner->sharedState[offset], 1, 8);
      if (cta.checks.races)
        cta.cluster.races->access(cta.actor(warp, lane), owner->rank, offset, 8,
                                  AccessKind::Write, &i);
      ++cta.changes;
      continue;
    }
    if (!barrier)
      continue;
    if (cta.checks.races) {
      // The initialisation must be ordered before every use.
      std::string race =
          cta.cluster.races->access(cta.actor(warp, lane), owner->rank,
                                    barrier->offset, 8, AccessKind::Read, &i);
      if (!race.empty())
        cta.report(ReportKind::Race, warp, i, lane, barrier->offset,
                   "the mbarrier's initialisation " + race);
      bool arrives = op == MbarrierOp::Arrive || op == MbarrierOp::ArriveDrop ||
                     op == MbarrierOp::ArriveExpect;
      if (arrives && !i.has(FlagStrong) && !(published >> lane & 1)) {
        uint32_t same = 0;
        for (uint32_t others = left; others; others &= others - 1) {
          unsigned other = unsigned(__builtin_ctz(others));
          same |= uint32_t(addressOf(warp, i, other) == address) << other;
        }
        published |= same;
        cta.cluster.races->release(cta.actor(warp, 0), same, barrier->clocks);
      }
    }
    switch (op) {
    case MbarrierOp::Invalidate:
      barrier->live = false;
      break;
    case MbarrierOp::Arrive:
    case MbarrierOp::ArriveDrop:
    case MbarrierOp::ArriveExpect: {
      uint32_t pendingBefore = barrier->pending;
      if (i.d)
        warp.out<uint64_t>(i.d)[lane] = (barrier->phase & ((1ull << 40) - 1)) |
                                        uint64_t(pendingBefore) << 40;
      bool expects = op == MbarrierOp::ArriveExpect || i.has(FlagFull);
      uint32_t arrivals = expects ? 1 : operand;
      if (expects)
        cta.addTransactions(*barrier, operand);
      if (op == MbarrierOp::ArriveDrop)
        barrier->expected -= std::min(barrier->expected, arrivals);
      cta.arrive(warp, i, lane, *barrier, arrivals);
      if (i.has(FlagNoIncrement) && barrier->pending == 0 &&
          barrier->transactions == 0 && cta.checks.barriers)
        cta.report(ReportKind::BarrierMisuse, warp, i, lane, barrier->offset,
                   "'.noComplete' completes the phase");
      cta.completePhase(*barrier);
      break;
    }
    case MbarrierOp::ExpectTx:
      cta.addTransactions(*barrier, operand);
      break;
    case MbarrierOp::CompleteTx:
      cta.addTransactions(*barrier, -int64_t(operand));
      cta.completePhase(*barrier);
      break;
    default:
      break;
    }
    if (barrier->transactions > int64_t(maximumCount) ||
        barrier->transactions < -int64_t(maximumCount)) {
      if (cta.checks.barriers)
        cta.report(ReportKind::BarrierMisuse, warp, i, lane, barrier->offset,
                   "the transaction count of an mbarrier must stay within " +
                       std::to_string(maximumCount) + ", got " +
                       std::to_string(barrier->transactions));
    }
  }
}

bool Cta::mbarrierReady(Warp &warp, const Fragment &, const Instruction &i,
                        uint32_t lanes) {
  for (uint32_t left = lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    Cta *owner = nullptr;
    Mbarrier *barrier =
        mbarrierAt(warp, i, lane, addressOf(warp, i, lane), owner);
    if (!barrier)
      continue;
    uint64_t operand = waitOperand(warp, i, lane);
    if (!i.has(FlagParity))
      operand &= (1ull << 40) - 1;
    uint32_t offset = barrier->offset;
    while (!done(*barrier, i, operand)) {
      if (!owner->landFor(offset))
        return false;
      barrier = owner->async.find(offset);
    }
  }
  return true;
}

void handlers::mbarrierTest(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  uint32_t result = 0, acquired = 0;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    Cta *owner = nullptr;
    uint64_t address = addressOf(warp, i, lane);
    Mbarrier *barrier = cta.mbarrierAt(warp, i, lane, address, owner);
    if (!barrier) {
      result |= 1u << lane;
      continue;
    }
    if (cta.checks.races) {
      std::string race =
          cta.cluster.races->access(cta.actor(warp, lane), owner->rank,
                                    barrier->offset, 8, AccessKind::Read, &i);
      if (!race.empty())
        cta.report(ReportKind::Race, warp, i, lane, barrier->offset,
                   "the mbarrier's initialisation " + race);
    }
    uint64_t operand = waitOperand(warp, i, lane);
    if (!i.has(FlagParity))
      operand &= (1ull << 40) - 1;
    if (i.control == Control::Plain) {
      uint32_t offset = barrier->offset;
      while (!done(*barrier, i, operand) && owner->landFor(offset))
        barrier = owner->async.find(offset);
    }
    if (!done(*barrier, i, operand))
      continue;
    result |= 1u << lane;
    if (!cta.checks.races || i.has(FlagStrong) || (acquired >> lane & 1))
      continue;
    uint32_t same = 0;
    for (uint32_t others = left; others; others &= others - 1) {
      unsigned other = unsigned(__builtin_ctz(others));
      same |=
          uint32_t(addressOf(warp, i, other) == address &&
                   waitOperand(warp, i, other) == waitOperand(warp, i, lane))
          << other;
    }
    acquired |= same;
    cta.cluster.races->acquire(cta.actor(warp, 0), same, barrier->lastClocks);
  }
  warp.setPredicate(i.d, result);
  if (result != warp.mask)
    warp.yields = true;
}

std::string Cta::describeMbarrier(const Warp &warp,
                                  const Fragment &fragment) const {
  const Instruction &i = fragment.frame->function->code[fragment.pc];
  // Registers of the fragment's frame, whatever the warp uses now.
  auto *self = const_cast<Cta *>(this);
  auto &mutableWarp = const_cast<Warp &>(warp);
  mutableWarp.useFrame(fragment.frame);
  unsigned lane = unsigned(__builtin_ctz(fragment.mask));
  uint64_t address = addressOf(mutableWarp, i, lane);
  uint32_t offset = uint32_t(address) & sharedOffsetMask;
  uint32_t field = uint32_t(address) >> sharedOffsetBits;
  Cta *owner = field && field - 1 < cluster.ctas.size()
                   ? cluster.ctas[field - 1].get()
                   : self;
  const Mbarrier *barrier = owner->async.find(offset);
  if (!barrier)
    return "an mbarrier";
  return "the mbarrier at " + owner->describeShared(offset) + " (phase " +
         std::to_string(barrier->phase) + ", " +
         std::to_string(barrier->pending) + " of " +
         std::to_string(barrier->expected) + " arrivals and " +
         std::to_string(barrier->transactions) + " bytes missing)";
}
