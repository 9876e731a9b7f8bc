// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What copies of threads and bulk copies share.
#ifndef TRINE_RUNTIME_DEVICE_SIM_COPYOPERANDS_H
#define TRINE_RUNTIME_DEVICE_SIM_COPYOPERANDS_H

#include "Cta.h"
#include "LaneLoops.h"

namespace trine::sim {

/// An address with its displacement, of 4 or 8 bytes.
struct AddressOperand {
  Reference reference, displacement, bytes;
  uint64_t value(Warp &warp, unsigned lane) const {
    uint64_t sum = laneValue(warp, reference, bytes, lane) +
                   warp.in<uint64_t>(displacement)[lane];
    return bytes == 4 ? uint32_t(sum) : sum;
  }
};

/// The operand at `first` of an instruction's list.
inline AddressOperand addressOperand(const Warp &warp, const Instruction &i,
                                     unsigned first) {
  const Reference *list = &warp.frame->function->lists[i.list + first];
  return {list[0], list[1], list[2]};
}

/// Makes `copy` complete on the mbarrier at `address`, which is in the CTA that
/// it writes to. Reports what is wrong with it, and gives false. `what` is the
/// copy's name in reports.
bool completeOn(Cta &cta, Warp &warp, const Instruction &i, unsigned lane,
                uint64_t address, const char *what, BulkCopy &copy);

/// Whether all of these bytes were written.
inline bool spansDefined(const uint8_t *state, uint32_t bytes) {
  for (uint32_t n = 0; n < bytes; ++n)
    if (state[n] == 0)
      return false;
  return true;
}

} // namespace trine::sim

#endif
