// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bulk and tensor copies, once their pieces are known: issue, landing (as late
// as the rules allow, or at once), groups and waits; what is left at the end.
#include "CopyOperands.h"
#include <algorithm>

using namespace trine::sim;

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

bool trine::sim::completeOn(Cta &cta, Warp &warp, const Instruction &i,
                            unsigned lane, uint64_t address, const char *what,
                            BulkCopy &copy) {
  Cta *owner = nullptr;
  Mbarrier *barrier = cta.mbarrierAt(warp, i, lane, address, owner);
  if (!barrier)
    return false;
  if (owner != copy.target) {
    cta.report(ReportKind::InvalidOperand, warp, i, lane, address,
               std::string("the mbarrier of a ") + what +
                   " copy must be in the CTA that it writes to");
    return false;
  }
  copy.mbarrier = barrier->offset;
  return true;
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
        if (!completeOn(cta, warp, i, lane, barrierAddress, "bulk", copy))
          return;
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
