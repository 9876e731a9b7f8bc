// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Handlers that the decoder names directly, by family; the lane-wise ones are
// found through Lanes.h.
#ifndef TRINE_SIM_HANDLERS_H
#define TRINE_SIM_HANDLERS_H

#include "Program.h"

namespace trine::sim {

enum class AtomicOp : uint8_t {
  Add,
  Min,
  Max,
  And,
  Or,
  Xor,
  Exchange,
  CompareSwap,
  Increment,
  Decrement
};
enum class ShuffleMode : uint8_t { Up, Down, Butterfly, Index };
enum class VoteMode : uint8_t { All, Any, Uniform, Ballot };
enum class BarrierMode : uint8_t { Sync, Arrive, RedPopc, RedAnd, RedOr };
enum class MbarrierOp : uint8_t {
  Init,
  Invalidate,
  Arrive,
  ArriveDrop,
  ArriveExpect,
  ExpectTx,
  CompleteTx,
  PendingCount
};
enum class FenceKind : uint8_t {
  Thread,
  ProxyAsync,
  ProxyTensormap,
  MbarrierInit,
  Other
};
enum class CopyKind : uint8_t {
  GlobalToShared,
  SharedToGlobal,
  SharedToCluster,
  ReduceToGlobal
};

namespace handlers {

// Registers.
void predicateLogic(Warp &, const Instruction &);
void selectByCompare(Warp &, const Instruction &);
void saturateInteger(Warp &, const Instruction &);
void clampExtremum(Warp &, const Instruction &);
void convertPack(Warp &, const Instruction &);
void pack(Warp &, const Instruction &);
void unpack(Warp &, const Instruction &);
void move128(Warp &, const Instruction &);
void readClock(Warp &, const Instruction &);
void readTimer(Warp &, const Instruction &);
void frameAddress(Warp &, const Instruction &);
void convertAddress(Warp &, const Instruction &);
void isSpace(Warp &, const Instruction &);
void mapAddress(Warp &, const Instruction &);
void constantPolicy(Warp &, const Instruction &);
void nothing(Warp &, const Instruction &);

// Memory.
void load(Warp &, const Instruction &);
void store(Warp &, const Instruction &);
void checkAddress(Warp &, const Instruction &);
void discard(Warp &, const Instruction &);
void atomic(Warp &, const Instruction &);
void atomicVector(Warp &, const Instruction &);

// Warp-wide.
void shuffle(Warp &, const Instruction &);
void vote(Warp &, const Instruction &);
void match(Warp &, const Instruction &);
void reduceAcross(Warp &, const Instruction &);
void activeMask(Warp &, const Instruction &);
void elect(Warp &, const Instruction &);

// Order.
void fence(Warp &, const Instruction &);
void yield(Warp &, const Instruction &);

// Asynchronous copies and mbarriers.
void copyAsync(Warp &, const Instruction &);
void commitCopies(Warp &, const Instruction &);
void waitCopies(Warp &, const Instruction &);
void copyArrive(Warp &, const Instruction &);
void mbarrier(Warp &, const Instruction &);
void mbarrierTest(Warp &, const Instruction &);
void bulkCopy(Warp &, const Instruction &);
void tensorCopy(Warp &, const Instruction &);
void bulkCommit(Warp &, const Instruction &);
void bulkWait(Warp &, const Instruction &);
void storeAsync(Warp &, const Instruction &);
void tensorMapReplace(Warp &, const Instruction &);
void tensorMapCopy(Warp &, const Instruction &);

// Matrices.
void loadMatrix(Warp &, const Instruction &);
void storeMatrix(Warp &, const Instruction &);
void moveMatrix(Warp &, const Instruction &);
void multiplyMatrix(Warp &, const Instruction &);
void warpgroupMultiply(Warp &, const Instruction &);
void warpgroupFence(Warp &, const Instruction &);
void warpgroupCommit(Warp &, const Instruction &);
void warpgroupWait(Warp &, const Instruction &);

} // namespace handlers
} // namespace trine::sim

#endif
