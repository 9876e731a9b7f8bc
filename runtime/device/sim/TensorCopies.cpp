// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensor copies, tensormap.replace, st.async and red.async.
#include "CopyOperands.h"

using namespace trine::sim;

namespace {

/// The bytes of a tensor map: in the parameters, in global or in shared memory.
uint8_t *mapBytes(Warp &warp, const Instruction &i, unsigned lane,
                  uint64_t address, bool write) {
  Cta &cta = *warp.cta;
  uint64_t tag = address & genericTagMask;
  if (tag == genericParam || i.space == Space::Param) {
    address &= ~genericTagMask;
    if (write || address > cta.context.parameters.size() ||
        tensorMapBytes > cta.context.parameters.size() - address) {
      cta.report(ReportKind::OutOfBounds, warp, i, lane, address,
                 "a tensor map has 128 bytes, which are not all in the "
                 "kernel's parameters");
      return nullptr;
    }
    return cta.context.parameters.data() + address;
  }
  if (tag == genericShared || i.space == Space::Shared) {
    uint32_t offset = 0;
    Cta *target =
        cta.sharedTarget(warp, i, lane, address, tensorMapBytes, offset);
    return target ? target->shared + offset : nullptr;
  }
  if (address % 64) {
    cta.report(ReportKind::Misaligned, warp, i, lane, address,
               "a tensor map is aligned to 64 bytes");
    return nullptr;
  }
  return cta.global(warp, i, lane, address, tensorMapBytes, write);
}

uint64_t tensorMapAddress(Warp &warp, const Instruction &i, unsigned lane) {
  return laneValue(warp, i.a, i.has(FlagWideAddress) ? 8 : 4, lane) +
         uint64_t(i.offset);
}

} // namespace

void handlers::tensorCopy(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  unsigned rank = i.registerBytes;
  const Reference *list = &warp.frame->function->lists[i.list];
  auto value = [&](unsigned first, unsigned lane) {
    uint64_t sum = laneValue(warp, list[first], list[first + 2], lane) +
                   warp.in<uint64_t>(list[first + 1])[lane];
    return list[first + 2] == 4 ? uint64_t(uint32_t(sum)) : sum;
  };
  forActiveLanes(warp, [&](unsigned lane) {
    uint64_t address = tensorMapAddress(warp, i, lane);
    const uint8_t *bytes = mapBytes(warp, i, lane, address, false);
    if (!bytes)
      return;
    TensorMap map;
    std::string error;
    if (!decodeTensorMap(bytes, map, error)) {
      cta.report(ReportKind::InvalidOperand, warp, i, lane, address,
                 "the tensor map is not valid: " + error);
      return;
    }
    if (map.rank != rank) {
      cta.report(ReportKind::InvalidOperand, warp, i, lane, address,
                 "the tensor map has rank " + std::to_string(map.rank) +
                     ", the instruction " + std::to_string(rank));
      return;
    }
    int32_t coordinates[maxTensorRank] = {};
    for (unsigned n = 0; n < rank; ++n)
      coordinates[n] = int32_t(warp.in<uint32_t>(list[n])[lane]);
    TensorDirection direction = i.operation == 0   ? TensorDirection::Load
                                : i.operation == 1 ? TensorDirection::Store
                                                   : TensorDirection::Reduce;
    uint64_t sharedAddress = value(rank, lane);
    uint32_t mask = i.count ? warp.in<uint16_t>(i.c)[lane] : 1;
    for (uint32_t target = 0; target < 16; ++target) {
      if (!(mask >> target & 1))
        continue;
      uint64_t to = sharedAddress,
               barrierAddress = direction == TensorDirection::Load
                                    ? value(rank + 3, lane)
                                    : 0;
      if (i.count) {
        if (target >= cta.cluster.ctas.size()) {
          cta.report(ReportKind::InvalidOperand, warp, i, lane, to,
                     "the multicast mask names a CTA outside of the cluster");
          return;
        }
        to = (to & sharedOffsetMask) | uint64_t(target + 1) << sharedOffsetBits;
        barrierAddress = (barrierAddress & sharedOffsetMask) |
                         uint64_t(target + 1) << sharedOffsetBits;
      }
      TensorCopyPlan plan;
      if (!planTensorCopy(map, direction, coordinates,
                          uint32_t(to) & sharedOffsetMask, plan, error)) {
        cta.report(ReportKind::InvalidOperand, warp, i, lane, to, error);
        return;
      }
      BulkCopy copy;
      uint32_t offset = 0;
      copy.target = cta.sharedTarget(warp, i, lane, to, plan.boxBytes, offset);
      if (!copy.target)
        return;
      copy.toShared = direction == TensorDirection::Load;
      copy.bytes = plan.boxBytes;
      copy.element = map.element;
      copy.elementBytes = plan.elementBytes;
      copy.fillValue = plan.fillValue;
      copy.transforms = copy.toShared && hasLoadTransform(map.element);
      if (direction == TensorDirection::Reduce) {
        copy.reduces = true;
        copy.reduction = TensorReduction(i.boolean);
        if (!hasReduction(copy.reduction, copy.element)) {
          cta.report(ReportKind::InvalidOperand, warp, i, lane, address,
                     "this reduction does not exist for the tensor's type");
          return;
        }
      }
      if (copy.toShared &&
          !completeOn(cta, warp, i, lane, barrierAddress, "tensor", copy))
        return;
      copy.pieces.reserve(plan.pieces.size());
      for (const TensorPiece &piece : plan.pieces) {
        BulkCopy::Piece made;
        made.shared = piece.sharedAddress;
        made.bytes = piece.bytes;
        made.fill = piece.fill;
        if (uint64_t(made.shared) + made.bytes > copy.target->sharedEnd) {
          cta.report(ReportKind::OutOfBounds, warp, i, lane, made.shared,
                     "the box does not fit at " +
                         copy.target->describeShared(made.shared));
          return;
        }
        if (!piece.fill) {
          made.global =
              cta.global(warp, i, lane, piece.globalAddress, piece.bytes,
                         !copy.toShared, &made.globalDefined);
          if (!made.global)
            return;
        }
        copy.pieces.push_back(made);
      }
      cta.issue(warp, i, lane, std::move(copy));
    }
  });
}

void handlers::tensorMapReplace(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  forActiveLanes(warp, [&](unsigned lane) {
    uint64_t address = tensorMapAddress(warp, i, lane);
    uint8_t *bytes = mapBytes(warp, i, lane, address, true);
    if (!bytes)
      return;
    std::string error;
    if (!replaceTensorMapField(bytes, TensorMapField(i.operation), i.extra,
                               laneValue(warp, i.b, i.bytes, lane), error))
      cta.report(ReportKind::InvalidOperand, warp, i, lane, address,
                 "'tensormap.replace': " + error);
  });
}

/// tensormap.cp_fenceproxy: one copy for the warp, from shared to global
/// memory.
void handlers::tensorMapCopy(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  unsigned lane = unsigned(__builtin_ctz(warp.mask));
  uint64_t source = laneValue(warp, i.b, i.registerBytes, lane) +
                    uint64_t(int64_t(int32_t(i.extra)));
  uint64_t target = tensorMapAddress(warp, i, lane);
  uint32_t offset = 0;
  Cta *owner = cta.sharedTarget(warp, i, lane, source, tensorMapBytes, offset);
  if ((source | target) % 128) {
    cta.report(ReportKind::Misaligned, warp, i, lane, target,
               "'tensormap.cp_fenceproxy' wants addresses aligned to 128 "
               "bytes");
    return;
  }
  uint8_t *defined = nullptr;
  uint8_t *to =
      cta.global(warp, i, lane, target, tensorMapBytes, true, &defined);
  if (!owner || !to)
    return;
  std::memcpy(to, owner->shared + offset, tensorMapBytes);
  if (defined)
    std::memset(defined, 1, tensorMapBytes);
}

void handlers::storeAsync(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  Access access;
  unsigned total = i.bytes * i.elements;
  cta.resolve(warp, i, i.a, i.offset, i.has(FlagWideAddress), total, true,
              access);
  const Reference *list = &warp.frame->function->lists[i.list];
  for (uint32_t left = access.lanes & access.sharedLanes; left;
       left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint64_t barrierAddress =
        uint64_t(laneValue(warp, i.b, i.has(FlagWideAddress) ? 8 : 4, lane)) +
        i.extra;
    Cta *owner = nullptr;
    Mbarrier *barrier =
        cta.mbarrierAt(warp, i, lane, uint32_t(barrierAddress), owner);
    if (!barrier)
      continue;
    BulkCopy copy;
    copy.target = cta.cluster.ctas[access.rank[lane]].get();
    if (owner != copy.target) {
      cta.report(
          ReportKind::InvalidOperand, warp, i, lane, barrierAddress,
          "the mbarrier of 'st.async' must be in the CTA that it writes to");
      continue;
    }
    copy.toShared = true;
    copy.hasValue = true;
    copy.adds = i.operation == 1;
    copy.bytes = total;
    copy.mbarrier = barrier->offset;
    for (unsigned n = 0; n < i.elements; ++n) {
      uint64_t value = laneValue(warp, list[n], i.bytes, lane);
      std::memcpy(copy.value + n * i.bytes, &value, i.bytes);
    }
    BulkCopy::Piece piece;
    piece.shared = access.sharedOffset[lane];
    piece.bytes = total;
    copy.pieces.push_back(piece);
    cta.issue(warp, i, lane, std::move(copy));
  }
}
