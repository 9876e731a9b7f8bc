// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Execution state of one warp: frames of registers, fragments of lanes that run
// together.
#ifndef TRINE_SIM_WARP_H
#define TRINE_SIM_WARP_H

#include "Program.h"
#include <cstring>

namespace trine::sim {

class Cta;

/// Registers and local memory of one activation of a function. Lanes of
/// different fragments share it.
struct Frame {
  const Function *function = nullptr;
  Frame *caller = nullptr;
  uint32_t returnPc = 0;
  uint32_t callSite = 0;
  uint32_t depth = 0;
  uint32_t localBase = 0;
  /// Lanes that have not returned.
  uint32_t lanes = 0;
  std::vector<uint8_t> storage;
  /// 64-byte aligned, in storage.
  uint8_t *registers = nullptr;
  /// By register: lanes that are defined, and lanes that an unfinished wgmma
  /// will write (or reads, for A).
  std::vector<uint32_t> defined, pendingWrite, pendingRead;
  /// By register: lanes written since the last wgmma.fence. Empty for kernels
  /// without wgmma.
  std::vector<uint32_t> unfenced;
};

enum class FragmentState : uint8_t {
  Ready,
  Converging,
  WarpSync,
  Barrier,
  ClusterBarrier,
  Mbarrier,
  Warpgroup,
  Registers
};

/// Lanes at one place of the program.
struct Fragment {
  uint32_t pc = 0;
  uint32_t mask = 0;
  Frame *frame = nullptr;
  FragmentState state = FragmentState::Ready;
  /// Of the wait: lanes executing, barrier id, mbarrier index, and so on.
  uint32_t waitMask = 0;
  uint32_t waitId = 0;
  uint64_t waitValue = 0;
  bool released = false;
};

struct Warp {
  // What handlers use.
  /// Lanes that execute the current instruction.
  uint32_t mask = 0;
  const uint8_t *bases[3] = {};
  uint8_t *registers = nullptr;
  Cta *cta = nullptr;
  Frame *frame = nullptr;
  /// Carry flags of add.cc and the like.
  uint32_t carry = 0;
  /// Lanes whose sources were undefined, for the results.
  uint32_t undefinedSources = 0;
  /// The fragment gives way to others after this instruction.
  bool yields = false;
  /// Of the launch: approximate instructions give results at the edge of what
  /// they promise.
  bool perturbs = false;
  uint64_t seed = 0;

  // What the scheduler uses.
  uint32_t index = 0;
  /// Lanes that exist and have not exited.
  uint32_t live = 0;
  uint32_t existing = 0;
  std::vector<Fragment> fragments;
  size_t current = 0;
  uint32_t rotation = 0;
  /// Unfinished wgmmas whose registers this warp holds, and wgmma.commit_groups
  /// so far.
  uint32_t pendingRegisters = 0;
  uint64_t matrixCommits = 0;
  std::vector<std::unique_ptr<Frame>> frames;
  std::vector<Frame *> freeFrames;
  std::vector<uint8_t> specials;
  std::vector<uint8_t> local, localDefined;
  uint32_t localStride = 0;
  uint64_t instructions = 0, threadInstructions = 0;
  /// Of setmaxnreg; 0: not stated.
  uint32_t registerLimit = 0;
  /// By lane: 1 + the generation of its last barrier.cluster.arrive.
  uint64_t clusterArrival[32] = {};

  template <typename T>
  __attribute__((always_inline)) const T *in(Reference reference) const {
    return reinterpret_cast<const T *>(bases[reference >> 30] +
                                       (reference & offsetMask));
  }
  template <typename T>
  __attribute__((always_inline)) T *out(Reference reference) const {
    return reinterpret_cast<T *>(registers + (reference & offsetMask));
  }
  __attribute__((always_inline)) uint32_t predicate(Reference reference) const {
    uint32_t word = *reinterpret_cast<const uint32_t *>(
        bases[reference >> 30] + (reference & offsetMask));
    return reference & negationBit ? ~word : word;
  }
  /// Writes lanes of `mask` of a predicate.
  __attribute__((always_inline)) void setPredicate(Reference reference,
                                                   uint32_t value) {
    uint32_t *word = out<uint32_t>(reference);
    *word = (*word & ~mask) | (value & mask);
  }
  void useFrame(Frame *to) {
    frame = to;
    registers = to->registers;
    bases[0] = to->registers;
    bases[1] = to->function->constants.data();
    bases[2] = specials.data();
  }
};

// Reading a register of 16, 32 or 64 bits whose width is known only at run
// time.
inline __attribute__((always_inline)) uint64_t laneValue(const Warp &warp,
                                                         Reference reference,
                                                         unsigned bytes,
                                                         unsigned lane) {
  switch (bytes) {
  case 1:
  case 2:
    return warp.in<uint16_t>(reference)[lane];
  case 4:
    return warp.in<uint32_t>(reference)[lane];
  default:
    return warp.in<uint64_t>(reference)[lane];
  }
}

inline __attribute__((always_inline)) void
setLane(Warp &warp, Reference reference, unsigned bytes, unsigned lane,
        uint64_t value) {
  switch (bytes) {
  case 1:
  case 2:
    warp.out<uint16_t>(reference)[lane] = uint16_t(value);
    break;
  case 4:
    warp.out<uint32_t>(reference)[lane] = uint32_t(value);
    break;
  default:
    warp.out<uint64_t>(reference)[lane] = value;
  }
}

} // namespace trine::sim

#endif
