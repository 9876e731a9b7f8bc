// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Predicates, packing, addresses, clocks, and what the lanes of a warp do
// together.
#include "Cta.h"
#include "LaneLoops.h"
#include "Lanes.h"
#include <chrono>

using namespace trine::sim;

void handlers::predicateLogic(Warp &warp, const Instruction &i) {
  uint32_t a = warp.predicate(i.a);
  switch (IntegerOp(i.operation)) {
  case IntegerOp::And:
    a &= warp.predicate(i.b);
    break;
  case IntegerOp::Or:
    a |= warp.predicate(i.b);
    break;
  case IntegerOp::Xor:
    a ^= warp.predicate(i.b);
    break;
  default:
    a = ~a;
  }
  warp.setPredicate(i.d, a);
}

void handlers::selectByCompare(Warp &warp, const Instruction &i) {
  unsigned bytes = bytesOf(i.type);
  forActiveLanes(warp, [&](unsigned l) {
    uint32_t c = warp.in<uint32_t>(i.c)[l];
    bool first;
    if (i.fromType == Type::S32) {
      first = int32_t(c) >= 0;
    } else {
      float value = i.has(FlagFtz) ? flushed(c) : floatFromBits(c);
      first = value >= 0; // NaN takes the second, -0 the first
    }
    setLane(warp, i.d, bytes, l, laneValue(warp, first ? i.a : i.b, bytes, l));
  });
}

void handlers::pack(Warp &warp, const Instruction &i) {
  const Reference *parts = &warp.frame->function->lists[i.list];
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t words[2] = {0, 0};
    unsigned bits = i.bytes * 8u;
    for (unsigned n = 0; n < i.count; ++n) {
      uint64_t value = laneValue(warp, parts[n], i.bytes, l);
      if (bits < 64)
        value &= (1ull << bits) - 1;
      unsigned at = n * bits;
      words[at / 64] |= value << (at % 64);
    }
    if (i.registerBytes == 16) {
      warp.out<uint64_t>(i.d)[2 * l] = words[0];
      warp.out<uint64_t>(i.d)[2 * l + 1] = words[1];
    } else {
      setLane(warp, i.d, i.registerBytes, l, words[0]);
    }
  });
}

void handlers::unpack(Warp &warp, const Instruction &i) {
  const Reference *parts = &warp.frame->function->lists[i.list];
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t words[2] = {0, 0};
    if (i.registerBytes == 16) {
      words[0] = warp.in<uint64_t>(i.a)[2 * l];
      words[1] = warp.in<uint64_t>(i.a)[2 * l + 1];
    } else {
      words[0] = laneValue(warp, i.a, i.registerBytes, l);
    }
    unsigned bits = i.bytes * 8u;
    for (unsigned n = 0; n < i.count; ++n) {
      unsigned at = n * bits;
      uint64_t value = words[at / 64] >> (at % 64);
      if (bits < 64)
        value &= (1ull << bits) - 1;
      setLane(warp, parts[n], i.bytes, l, value);
    }
  });
}

void handlers::move128(Warp &warp, const Instruction &i) {
  forActiveLanes(warp, [&](unsigned l) {
    warp.out<uint64_t>(i.d)[2 * l] = warp.in<uint64_t>(i.a)[2 * l];
    warp.out<uint64_t>(i.d)[2 * l + 1] = warp.in<uint64_t>(i.a)[2 * l + 1];
  });
}

/// The clock counts the CTA's warp instructions.
void handlers::readClock(Warp &warp, const Instruction &i) {
  uint64_t value = (warp.cta->steps + warp.instructions) >> i.extra;
  forActiveLanes(warp,
                 [&](unsigned l) { setLane(warp, i.d, i.bytes, l, value); });
  warp.yields = true;
}

void handlers::readTimer(Warp &warp, const Instruction &i) {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  uint64_t value =
      uint64_t(
          std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()) >>
      i.extra;
  forActiveLanes(warp,
                 [&](unsigned l) { setLane(warp, i.d, i.bytes, l, value); });
  warp.yields = true;
}

void handlers::frameAddress(Warp &warp, const Instruction &i) {
  uint64_t value = uint64_t(i.offset) + warp.frame->localBase;
  forActiveLanes(warp,
                 [&](unsigned l) { setLane(warp, i.d, i.bytes, l, value); });
}

void handlers::convertAddress(Warp &warp, const Instruction &i) {
  uint64_t tag = i.space == Space::Shared  ? genericShared
                 : i.space == Space::Local ? genericLocal
                 : i.space == Space::Param ? genericParam
                                           : 0;
  bool to = i.has(FlagClamp);
  if (!i.has(FlagFrame) && i.bytes == 8) {
    const uint64_t *a = warp.in<uint64_t>(i.a);
    uint64_t keep = tag && to ? ~genericTagMask : ~0ull, set = to ? 0 : tag;
    return forLanes<uint64_t>(warp, i.d,
                              [=](unsigned l) { return (a[l] & keep) | set; });
  }
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t value = i.has(FlagFrame)
                         ? uint64_t(i.offset) + warp.frame->localBase
                         : laneValue(warp, i.a, i.bytes, l);
    if (tag)
      value = to ? value & ~genericTagMask : value | tag;
    setLane(warp, i.d, i.bytes, l, value);
  });
}

void handlers::isSpace(Warp &warp, const Instruction &i) {
  uint32_t bits = 0;
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t address = warp.in<uint64_t>(i.a)[l],
             tag = address & genericTagMask;
    bool is = false;
    switch (i.space) {
    case Space::Shared:
      is = tag == genericShared;
      break;
    case Space::Local:
      is = tag == genericLocal;
      break;
    case Space::Param:
      is = tag == genericParam;
      break;
    case Space::Const:
    case Space::Global:
      if (tag == 0) {
        bool isConst = false;
        for (const ModuleVariable &variable :
             warp.cta->context.module.variables)
          isConst |=
              variable.isConst &&
              address -
                      uint64_t(reinterpret_cast<uintptr_t>(variable.address)) <
                  variable.bytes;
        is = isConst == (i.space == Space::Const);
      }
      break;
    default:
      break;
    }
    bits |= uint32_t(is) << l;
  });
  warp.setPredicate(i.d, bits);
}

void handlers::mapAddress(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  forActiveLanes(warp, [&](unsigned l) {
    if (i.operation) { // getctarank
      uint64_t address = i.space == Space::Generic
                             ? warp.in<uint64_t>(i.a)[l]
                             : laneValue(warp, i.a, i.bytes, l);
      uint32_t field = uint32_t(address) >> sharedOffsetBits;
      warp.out<uint32_t>(i.d)[l] = field ? field - 1 : cta.rank;
      return;
    }
    uint64_t address = laneValue(warp, i.a, i.bytes, l);
    uint32_t target = warp.in<uint32_t>(i.b)[l];
    if (target >= cta.cluster.ctas.size())
      cta.report(ReportKind::InvalidOperand, warp, i, l, address,
                 "'mapa' to rank " + std::to_string(target) +
                     " of a cluster of " +
                     std::to_string(cta.cluster.ctas.size()));
    uint64_t mapped = (address & ~(uint64_t(0xff) << sharedOffsetBits)) |
                      uint64_t((target + 1) & 0xff) << sharedOffsetBits;
    setLane(warp, i.d, i.bytes, l, mapped);
  });
}

void handlers::constantPolicy(Warp &warp, const Instruction &i) {
  forLanes<uint64_t>(warp, i.d,
                     [](unsigned) { return uint64_t(0x12f0000000000000); });
}

void handlers::nothing(Warp &, const Instruction &) {}
void handlers::yield(Warp &warp, const Instruction &) { warp.yields = true; }

void handlers::shuffle(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a), *b = warp.in<uint32_t>(i.b),
                 *c = warp.in<uint32_t>(i.c);
  const uint32_t *members = warp.in<uint32_t>(i.e);
  uint32_t result[32], valid = 0, inactive = 0;
  uint32_t lanes = warp.mask;
  for (uint32_t l = 0; l < 32; ++l) {
    uint32_t clamp = c[l] & 31, segment = c[l] >> 8 & 31, low = l & segment,
             limit = low | (clamp & ~segment), amount = b[l] & 31;
    int32_t from;
    bool ok;
    switch (ShuffleMode(i.operation)) {
    case ShuffleMode::Up:
      from = int32_t(l) - int32_t(amount);
      ok = from >= int32_t(limit);
      break;
    case ShuffleMode::Down:
      from = int32_t(l + amount);
      ok = from <= int32_t(limit);
      break;
    case ShuffleMode::Butterfly:
      from = int32_t(l ^ amount);
      ok = from <= int32_t(limit);
      break;
    default:
      from = int32_t(low | (amount & ~segment));
      ok = from <= int32_t(limit);
    }
    if (!ok)
      from = int32_t(l);
    result[l] = a[from & 31];
    valid |= uint32_t(ok) << l;
    // Reading a lane that does not execute, or is no member, is undefined.
    bool missing =
        !(lanes >> (from & 31) & 1) || !(members[l] >> (from & 31) & 1);
    inactive |= uint32_t(missing) << l;
  }
  inactive &= lanes;
  if (inactive && warp.cta->checks.barriers) {
    unsigned lane = unsigned(__builtin_ctz(inactive));
    warp.cta->report(ReportKind::Divergence, warp, i, lane, 0,
                     "'shfl' reads a lane that does not take part");
  }
  if (i.count)
    warp.setPredicate(warp.frame->function->lists[i.list], valid);
  forLanes<uint32_t>(warp, i.d, [&](unsigned l) { return result[l]; });
}

void handlers::vote(Warp &warp, const Instruction &i) {
  uint32_t value = warp.predicate(i.a);
  const uint32_t *members = warp.in<uint32_t>(i.e);
  uint32_t mask = members[__builtin_ctz(warp.mask)];
  uint32_t set = value & warp.mask & mask, all = warp.mask & mask;
  switch (VoteMode(i.operation)) {
  case VoteMode::All:
    return warp.setPredicate(i.d, set == all ? ~0u : 0);
  case VoteMode::Any:
    return warp.setPredicate(i.d, set ? ~0u : 0);
  case VoteMode::Uniform:
    return warp.setPredicate(i.d, set == all || set == 0 ? ~0u : 0);
  case VoteMode::Ballot:
    return forLanes<uint32_t>(warp, i.d, [=](unsigned) { return set; });
  }
}

void handlers::match(Warp &warp, const Instruction &i) {
  uint32_t lanes = warp.mask & warp.in<uint32_t>(i.e)[__builtin_ctz(warp.mask)];
  uint32_t result[32] = {}, same = 0;
  bool all = true;
  uint64_t first =
      laneValue(warp, i.a, i.bytes, unsigned(__builtin_ctz(warp.mask)));
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t value = laneValue(warp, i.a, i.bytes, l);
    all &= value == first;
    uint32_t equal = 0;
    for (uint32_t left = lanes; left; left &= left - 1) {
      unsigned other = unsigned(__builtin_ctz(left));
      equal |= uint32_t(laneValue(warp, i.a, i.bytes, other) == value) << other;
    }
    result[l] = equal;
  });
  if (i.operation) {
    same = all ? lanes : 0;
    forActiveLanes(warp, [&](unsigned l) { result[l] = same; });
    if (i.count)
      warp.setPredicate(warp.frame->function->lists[i.list], all ? ~0u : 0);
  }
  forActiveLanes(warp,
                 [&](unsigned l) { warp.out<uint32_t>(i.d)[l] = result[l]; });
}

void handlers::reduceAcross(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a);
  bool first = true;
  uint32_t value = 0;
  forActiveLanes(warp, [&](unsigned l) {
    uint32_t x = a[l];
    if (first) {
      value = x;
      first = false;
      return;
    }
    switch (AtomicOp(i.operation)) {
    case AtomicOp::Add:
      value += x;
      break;
    case AtomicOp::Min:
      value = isSigned(i.type) ? uint32_t(std::min(int32_t(value), int32_t(x)))
                               : std::min(value, x);
      break;
    case AtomicOp::Max:
      value = isSigned(i.type) ? uint32_t(std::max(int32_t(value), int32_t(x)))
                               : std::max(value, x);
      break;
    case AtomicOp::And:
      value &= x;
      break;
    case AtomicOp::Or:
      value |= x;
      break;
    default:
      value ^= x;
    }
  });
  forLanes<uint32_t>(warp, i.d, [=](unsigned) { return value; });
}

void handlers::activeMask(Warp &warp, const Instruction &i) {
  uint32_t value = warp.mask;
  forLanes<uint32_t>(warp, i.d, [=](unsigned) { return value; });
}

/// The lowest lane of the mask leads.
void handlers::elect(Warp &warp, const Instruction &i) {
  uint32_t members =
      warp.in<uint32_t>(i.e)[__builtin_ctz(warp.mask)] & warp.mask;
  uint32_t leader = members ? uint32_t(__builtin_ctz(members)) : 0;
  if (i.d)
    forLanes<uint32_t>(warp, i.d, [=](unsigned) { return leader; });
  warp.setPredicate(warp.frame->function->lists[i.list], 1u << leader);
}

void handlers::fence(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  if (FenceKind(i.extra) == FenceKind::ProxyAsync && cta.checks.races)
    cta.cluster.races->fenceProxy(cta.actor(warp, 0), warp.mask);
  if (FenceKind(i.extra) == FenceKind::Thread)
    std::atomic_thread_fence(std::memory_order_seq_cst);
}
