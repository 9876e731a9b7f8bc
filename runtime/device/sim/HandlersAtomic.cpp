// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// atom and red. Global memory is shared by the host threads that run CTAs, so
// updates are the host's atomics.
#include "Cta.h"
#include "FloatArithmetic.h"
#include "LaneLoops.h"

using namespace trine::sim;

namespace {

uint64_t updateHalf(AtomicOp op, FloatFormat format, uint64_t old,
                    uint64_t operand) {
  switch (op) {
  case AtomicOp::Add:
    return addFloats(format, old, operand);
  case AtomicOp::Min:
    return takeMinimum(format, old, operand);
  default:
    return takeMaximum(format, old, operand);
  }
}

uint64_t update(AtomicOp op, Type type, uint64_t old, uint64_t b, uint64_t c) {
  switch (type) {
  case Type::F32:
    return addFloats(FloatFormat::F32, old, b, {});
  case Type::F64:
    return addFloats(FloatFormat::F64, old, b, {});
  case Type::F16:
  case Type::BF16:
    return updateHalf(
        op, type == Type::F16 ? FloatFormat::F16 : FloatFormat::BF16, old, b);
  case Type::F16x2:
  case Type::BF16x2: {
    FloatFormat format =
        type == Type::F16x2 ? FloatFormat::F16 : FloatFormat::BF16;
    return (updateHalf(op, format, old & 0xffff, b & 0xffff) & 0xffff) |
           updateHalf(op, format, old >> 16 & 0xffff, b >> 16 & 0xffff) << 16;
  }
  default:
    break;
  }
  bool sign = isSigned(type), is64 = bytesOf(type) == 8;
  auto value = [&](uint64_t x) {
    return is64 ? int64_t(x) : int64_t(int32_t(x));
  };
  switch (op) {
  case AtomicOp::Add:
    return old + b;
  case AtomicOp::Min:
    return (sign ? value(b) < value(old) : b < old) ? b : old;
  case AtomicOp::Max:
    return (sign ? value(b) > value(old) : b > old) ? b : old;
  case AtomicOp::And:
    return old & b;
  case AtomicOp::Or:
    return old | b;
  case AtomicOp::Xor:
    return old ^ b;
  case AtomicOp::Exchange:
    return b;
  case AtomicOp::CompareSwap:
    return old == b ? c : old;
  case AtomicOp::Increment:
    return old >= b ? 0 : old + 1;
  case AtomicOp::Decrement:
    return old == 0 || old > b ? b : old - 1;
  }
  return old;
}

template <typename T>
uint64_t apply(uint8_t *host, const Instruction &i, uint64_t b, uint64_t c) {
  T *place = reinterpret_cast<T *>(host);
  T old = __atomic_load_n(place, __ATOMIC_SEQ_CST);
  while (true) {
    T wanted = T(update(AtomicOp(i.operation), i.type, old, b, c));
    if (__atomic_compare_exchange_n(place, &old, wanted, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return old;
  }
}

uint64_t applySized(uint8_t *host, const Instruction &i, uint64_t b,
                    uint64_t c) {
  switch (i.bytes) {
  case 2:
    return apply<uint16_t>(host, i, b, c);
  case 4:
    return apply<uint32_t>(host, i, b, c);
  default:
    return apply<uint64_t>(host, i, b, c);
  }
}

void prepare(Warp &warp, const Instruction &i, unsigned bytes, Access &access) {
  Cta &cta = *warp.cta;
  cta.resolve(warp, i, i.a, i.offset, i.has(FlagWideAddress), bytes, true,
              access);
  // The host's atomics need alignment whatever is checked.
  for (uint32_t left = access.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    if (reinterpret_cast<uintptr_t>(access.host[lane]) % i.bytes)
      access.lanes &= ~(1u << lane);
  }
  access.sharedLanes &= access.lanes;
  if (access.sharedLanes) {
    cta.checkShared(warp, i, access, bytes, AccessKind::Atomic);
    if (cta.checks.races) {
      if (i.has(FlagAcquire))
        cta.strongRead(warp, access);
      cta.strongWrite(warp, access, i.has(FlagRelease));
    }
  }
  if (cta.checks.uninitialised)
    for (uint32_t left = access.tracked ? access.lanes & ~access.sharedLanes
                                        : 0;
         left; left &= left - 1) {
      unsigned lane = unsigned(__builtin_ctz(left));
      uint8_t *defined = access.defined[lane];
      if (!defined)
        continue;
      bool all = true;
      for (unsigned n = 0; n < bytes; ++n)
        all &= defined[n] != 0;
      if (!all && AtomicOp(i.operation) != AtomicOp::Exchange)
        cta.report(ReportKind::Uninitialised, warp, i, lane,
                   access.address[lane],
                   cta.context.memory.describe(access.address[lane]) +
                       " is updated, but was not written");
      std::memset(defined, 1, bytes);
    }
  ++cta.changes;
}

} // namespace

void handlers::atomic(Warp &warp, const Instruction &i) {
  Access access;
  prepare(warp, i, i.bytes, access);
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint64_t old = 0;
    if (access.lanes >> lane & 1)
      old =
          applySized(access.host[lane], i, laneValue(warp, i.b, i.bytes, lane),
                     laneValue(warp, i.c, i.bytes, lane));
    setLane(warp, i.d, i.bytes, lane, old);
  }
  // A loop over an atomic may wait for others.
  warp.yields |= AtomicOp(i.operation) == AtomicOp::CompareSwap ||
                 AtomicOp(i.operation) == AtomicOp::Exchange;
}

void handlers::atomicVector(Warp &warp, const Instruction &i) {
  Access access;
  prepare(warp, i, i.bytes * i.elements, access);
  const Reference *from = &warp.frame->function->lists[i.list];
  for (uint32_t left = access.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    for (unsigned n = 0; n < i.elements; ++n)
      applySized(access.host[lane] + n * i.bytes, i,
                 laneValue(warp, from[n], i.bytes, lane), 0);
  }
}
