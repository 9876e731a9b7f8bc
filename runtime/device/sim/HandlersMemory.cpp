// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads and stores.
#include "Cta.h"
#include "LaneLoops.h"

using namespace trine::sim;

namespace {

template <typename T>
inline T at(const uint8_t *host) {
  T value;
  std::memcpy(&value, host, sizeof value);
  return value;
}

/// Bytes of global or local memory that were never written.
void checkDefined(Warp &warp, const Instruction &i, const Access &access,
                  unsigned bytes) {
  for (uint32_t left = access.tracked ? access.lanes & ~access.sharedLanes : 0;
       left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    const uint8_t *defined = access.defined[lane];
    if (!defined)
      continue;
    bool all = true;
    for (unsigned n = 0; n < bytes; ++n)
      all &= defined[n] != 0;
    if (all)
      continue;
    Cta &cta = *warp.cta;
    bool isGlobal = cta.context.memory.find(access.address[lane]) != nullptr;
    cta.report(
        ReportKind::Uninitialised, warp, i, lane, access.address[lane],
        (isGlobal ? cta.context.memory.describe(access.address[lane])
                  : "local memory at " + std::to_string(access.address[lane])) +
            " is read, but was not written");
  }
}

void markDefined(const Access &access, unsigned bytes) {
  for (uint32_t left = access.tracked ? access.lanes & ~access.sharedLanes : 0;
       left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    if (access.defined[lane])
      std::memset(access.defined[lane], 1, bytes);
  }
}

/// Lanes of one store that write different values to one place.
void checkDuplicates(Warp &warp, const Instruction &i, const Access &access) {
  const Reference *from = &warp.frame->function->lists[i.list];
  for (uint32_t left = access.sharedLanes; left; left &= left - 1) {
    unsigned a = unsigned(__builtin_ctz(left));
    for (uint32_t others = left & (left - 1); others; others &= others - 1) {
      unsigned b = unsigned(__builtin_ctz(others));
      if (access.sharedOffset[a] != access.sharedOffset[b] ||
          access.rank[a] != access.rank[b])
        continue;
      bool same = true;
      for (unsigned n = 0; n < i.elements && i.bytes <= 8; ++n) {
        uint64_t difference = laneValue(warp, from[n], i.registerBytes, a) ^
                              laneValue(warp, from[n], i.registerBytes, b);
        same &= i.bytes == 8 ? difference == 0
                             : (difference & ((1ull << 8 * i.bytes) - 1)) == 0;
      }
      if (same)
        continue;
      warp.cta->report(ReportKind::Race, warp, i, b, access.sharedOffset[b],
                       warp.cta->describeShared(access.sharedOffset[b]) +
                           ": lanes " + std::to_string(a) + " and " +
                           std::to_string(b) +
                           " of one instruction write different values");
      return;
    }
  }
}

template <typename T>
inline void loadLanes(Warp &warp, Reference to, const Access &access,
                      unsigned offset) {
  T *d = warp.out<T>(to);
  if (access.lanes == ~0u) {
    for (unsigned l = 0; l < 32; ++l)
      d[l] = at<T>(access.host[l] + offset);
    return;
  }
  for (uint32_t left = access.lanes; left; left &= left - 1) {
    unsigned l = unsigned(__builtin_ctz(left));
    d[l] = at<T>(access.host[l] + offset);
  }
}

template <typename T>
inline void storeLanes(Warp &warp, Reference from, const Access &access,
                       unsigned offset) {
  const T *a = warp.in<T>(from);
  for (uint32_t left = access.lanes; left; left &= left - 1) {
    unsigned l = unsigned(__builtin_ctz(left));
    std::memcpy(access.host[l] + offset, &a[l], sizeof(T));
  }
}

uint64_t extended(const uint8_t *host, unsigned bytes, bool isSigned) {
  switch (bytes) {
  case 1:
    return isSigned ? uint64_t(int64_t(int8_t(*host))) : *host;
  case 2:
    return isSigned ? uint64_t(int64_t(at<int16_t>(host))) : at<uint16_t>(host);
  case 4:
    return isSigned ? uint64_t(int64_t(at<int32_t>(host))) : at<uint32_t>(host);
  default:
    return at<uint64_t>(host);
  }
}

/// All lanes at one address of the kernel's parameters.
bool loadParameter(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  if (i.space != Space::Param || (i.a >> 30) != uint32_t(Base::Constants))
    return false;
  uint64_t address = warp.in<uint64_t>(i.a)[0] + uint64_t(i.offset);
  unsigned total = i.bytes * i.elements;
  if (address > cta.context.parameters.size() ||
      total > cta.context.parameters.size() - address || i.bytes > 8)
    return false;
  for (unsigned n = 0; n < i.elements; ++n) {
    uint64_t value =
        extended(cta.context.parameters.data() + address + n * i.bytes, i.bytes,
                 isSigned(i.type));
    Reference to = warp.frame->function->lists[i.list + n];
    if (i.registerBytes == 8)
      forLanes<uint64_t>(warp, to, [=](unsigned) { return value; });
    else if (i.registerBytes == 4)
      forLanes<uint32_t>(warp, to, [=](unsigned) { return uint32_t(value); });
    else
      forLanes<uint16_t>(warp, to, [=](unsigned) { return uint16_t(value); });
  }
  return true;
}

} // namespace

void handlers::load(Warp &warp, const Instruction &i) {
  if (i.space == Space::Param && loadParameter(warp, i))
    return;
  Cta &cta = *warp.cta;
  Access access;
  unsigned total = i.bytes * i.elements;
  cta.resolve(warp, i, i.a, i.offset, i.has(FlagWideAddress), total, false,
              access);
  if (access.sharedLanes)
    cta.checkShared(warp, i, access, total,
                    i.has(FlagStrong) ? AccessKind::Atomic : AccessKind::Read);
  if (cta.checks.uninitialised)
    checkDefined(warp, i, access, total);
  const Reference *to = &warp.frame->function->lists[i.list];
  for (unsigned n = 0; n < i.elements; ++n) {
    unsigned offset = n * i.bytes;
    if (i.bytes == i.registerBytes && i.bytes >= 2 && i.bytes <= 8) {
      if (i.bytes == 4)
        loadLanes<uint32_t>(warp, to[n], access, offset);
      else if (i.bytes == 8)
        loadLanes<uint64_t>(warp, to[n], access, offset);
      else
        loadLanes<uint16_t>(warp, to[n], access, offset);
    } else if (i.bytes == 16) {
      for (uint32_t left = access.lanes; left; left &= left - 1) {
        unsigned l = unsigned(__builtin_ctz(left));
        std::memcpy(warp.out<uint64_t>(to[n]) + 2 * l, access.host[l] + offset,
                    16);
      }
    } else {
      for (uint32_t left = access.lanes; left; left &= left - 1) {
        unsigned l = unsigned(__builtin_ctz(left));
        setLane(warp, to[n], i.registerBytes, l,
                extended(access.host[l] + offset, i.bytes, isSigned(i.type)));
      }
    }
    // Lanes whose access was refused read zeros.
    for (uint32_t left = warp.mask & ~access.lanes; left; left &= left - 1)
      if (i.registerBytes <= 8)
        setLane(warp, to[n], i.registerBytes, unsigned(__builtin_ctz(left)), 0);
  }
  if (i.has(FlagStrong)) {
    if (i.has(FlagAcquire))
      std::atomic_thread_fence(std::memory_order_acquire);
    if (cta.checks.races && access.sharedLanes)
      cta.strongRead(warp, access);
    warp.yields = true; // it may poll for what others write
  }
}

void handlers::store(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  Access access;
  unsigned total = i.bytes * i.elements;
  cta.resolve(warp, i, i.a, i.offset, i.has(FlagWideAddress), total, true,
              access);
  const Reference *from = &warp.frame->function->lists[i.list];
  if (access.sharedLanes)
    cta.checkShared(warp, i, access, total,
                    i.has(FlagStrong) ? AccessKind::Atomic : AccessKind::Write);
  if (cta.checks.races && access.sharedLanes &&
      cta.cluster.races->sawDuplicate) {
    cta.cluster.races->sawDuplicate = false;
    checkDuplicates(warp, i, access);
  }
  markDefined(access, total);
  if (i.has(FlagStrong)) {
    if (i.has(FlagRelease))
      std::atomic_thread_fence(std::memory_order_release);
    if (cta.checks.races && access.sharedLanes)
      cta.strongWrite(warp, access, i.has(FlagRelease));
    ++cta.changes;
  }
  for (unsigned n = 0; n < i.elements; ++n) {
    unsigned offset = n * i.bytes;
    switch (i.bytes) {
    case 4:
      if (i.registerBytes == 4)
        storeLanes<uint32_t>(warp, from[n], access, offset);
      else // the low half of a wider register
        for (uint32_t left = access.lanes; left; left &= left - 1) {
          unsigned l = unsigned(__builtin_ctz(left));
          auto value = uint32_t(laneValue(warp, from[n], i.registerBytes, l));
          std::memcpy(access.host[l] + offset, &value, 4);
        }
      break;
    case 8:
      storeLanes<uint64_t>(warp, from[n], access, offset);
      break;
    case 16:
      for (uint32_t left = access.lanes; left; left &= left - 1) {
        unsigned l = unsigned(__builtin_ctz(left));
        std::memcpy(access.host[l] + offset, warp.in<uint64_t>(from[n]) + 2 * l,
                    16);
      }
      break;
    default:
      for (uint32_t left = access.lanes; left; left &= left - 1) {
        unsigned l = unsigned(__builtin_ctz(left));
        uint64_t value = laneValue(warp, from[n], i.registerBytes, l);
        std::memcpy(access.host[l] + offset, &value, i.bytes);
      }
    }
  }
}

void handlers::discard(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  Access access;
  cta.resolve(warp, i, i.a, i.offset, i.has(FlagWideAddress), 128, true,
              access);
  for (uint32_t left = access.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    if (access.tracked && access.defined[lane])
      std::memset(access.defined[lane], 0, 128);
  }
}
