// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One cooperative thread array while it runs, its cluster, and what all CTAs of
// a launch share.
#ifndef TRINE_SIM_CTA_H
#define TRINE_SIM_CTA_H

#include "AsyncEngine.h"
#include "Handlers.h"
#include "Memory.h"
#include "RaceChecker.h"
#include "Warp.h"
#include <atomic>
#include <mutex>
#include <set>

namespace trine::sim {

/// Shared by the CTAs of a launch; reports and output are guarded by a mutex.
struct LaunchContext {
  LaunchContext(const ModuleContents &module, const Kernel &kernel,
                MemoryRegistry &memory, const Launch &launch)
      : module(module), kernel(kernel), memory(memory), launch(launch) {}
  const ModuleContents &module;
  const Kernel &kernel;
  MemoryRegistry &memory;
  Launch launch;
  std::vector<uint8_t> parameters;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> warpInstructions{0}, threadInstructions{0}, ctas{0};

  std::mutex mutex;
  Result result;
  std::set<std::pair<uint32_t, const Instruction *>> reported;
  void raise(Status status);
};

struct Access {
  uint64_t address[32];
  uint8_t *host[32];
  /// Definedness of the first byte; null when not tracked.
  uint8_t *defined[32];
  /// Whether any entry of `defined` may be set; they are not filled otherwise.
  bool tracked = false;
  /// Lanes whose access is valid.
  uint32_t lanes = 0;
  /// Lanes in shared memory, and the rank of the CTA whose it is.
  uint32_t sharedLanes = 0;
  uint32_t sharedOffset[32];
  uint8_t rank[32];
};

struct NamedBarrier {
  uint32_t arrived = 0;
  uint32_t expected = 0;
  bool hasExplicitCount = false;
  bool inUse = false;
  uint64_t generation = 0;
  BarrierMode reduction = BarrierMode::Sync;
  bool reduces = false;
  uint32_t popc = 0;
  bool all = true, any = false;
  /// By warp: lanes that arrived in this generation.
  std::vector<uint32_t> lanes;
  ClockAccumulator clocks;
  // The result of the last generation.
  uint32_t lastPopc = 0;
  bool lastAll = false, lastAny = false;
  ClockPointer lastClocks;
};

class Cluster;

class Cta {
public:
  Cta(LaunchContext &context, Cluster &cluster, Dim3 id, uint32_t rank);

  // What handlers need.
  LaunchContext &context;
  Cluster &cluster;
  const Kernel &kernel;
  Dim3 id;
  uint32_t rank;
  uint32_t threads, paddedThreads;
  Checks checks;
  std::vector<uint8_t> sharedStorage;
  /// 1024-byte aligned; index by shared address (the reserved bytes included).
  uint8_t *shared = nullptr;
  /// Bytes, the reserved ones included.
  uint32_t sharedEnd = 0;
  /// By byte of shared memory: 0 undefined, 1 defined, 2 an asynchronous copy
  /// is on its way. Null without checks.
  std::vector<uint8_t> sharedState;
  std::vector<std::unique_ptr<Warp>> warps;
  NamedBarrier barriers[16];
  AsyncEngine async;
  /// Of setmaxnreg: registers taken by all warps; 0: not stated.
  uint32_t registersInUse = 0;
  /// Counts what may let a waiting thread go on.
  uint64_t changes = 0;
  uint64_t steps = 0;
  const Allocation *lastAllocation = nullptr;

  /// Computes and checks the addresses of a memory instruction. Bad lanes are
  /// reported and left out.
  void resolve(Warp &warp, const Instruction &i, Reference base, int64_t offset,
               bool wideAddress, unsigned bytes, bool write, Access &access);
  /// The host address of \p bytes bytes of global memory, or null after a
  /// report.
  uint8_t *global(Warp &warp, const Instruction &i, unsigned lane,
                  uint64_t address, uint64_t bytes, bool write,
                  uint8_t **defined = nullptr);
  /// The CTA of the cluster that a shared address names, and the offset; null
  /// after a report when [address, address + bytes) is not in it.
  Cta *sharedTarget(Warp &warp, const Instruction &i, unsigned lane,
                    uint64_t address, uint64_t bytes, uint32_t &offset);
  /// Strong accesses to shared memory order others: a read takes, and a write
  /// publishes what was released there.
  void strongRead(Warp &warp, const Access &access);
  void strongWrite(Warp &warp, const Access &access, bool releases);
  /// Operands of a wgmma: chunks of 16 bytes, read for the four warps of a
  /// warpgroup.
  void beginMatrixRead(uint32_t warpgroup, const Instruction &i,
                       const std::vector<uint32_t> &chunks);
  void checkShared(Warp &warp, const Instruction &i, Access &access,
                   unsigned bytes, AccessKind kind);

  void report(ReportKind kind, const Warp &warp, const Instruction &i,
              unsigned lane, uint64_t address, std::string message);
  Dim3 threadId(uint32_t linear) const;
  uint32_t linearThread(const Warp &warp, unsigned lane) const {
    return warp.index * 32 + lane;
  }
  /// The number of a thread in the cluster, for the race checker.
  uint32_t actor(const Warp &warp, unsigned lane) const {
    return rank * paddedThreads + warp.index * 32 + lane;
  }
  uint32_t liveThreads() const;
  bool finished() const { return liveWarps == 0; }
  std::string describeShared(uint32_t offset) const;

  // Execution.
  enum class Turn : uint8_t { Progress, Blocked, Finished };
  /// Runs one warp for at most \p budget instructions.
  Turn runWarp(Warp &warp, uint64_t budget);
  /// Lets every blocked try_wait return false: time has passed.
  void expireWaits();
  std::string describeWaits() const;
  void reportDeadlock();
  /// At the end of a CTA: what copies are still on their way, or were never
  /// waited for.
  void finishAsync();
  // Asynchronous work (AsyncCopies.cpp, Mbarriers.cpp).
  /// The barrier at a shared address, in whatever CTA of the cluster; null
  /// after a report.
  Mbarrier *mbarrierAt(Warp &warp, const Instruction &i, unsigned lane,
                       uint64_t address, Cta *&owner);
  void completePhase(Mbarrier &barrier);
  void arrive(Warp &warp, const Instruction &i, uint32_t lane,
              Mbarrier &barrier, uint32_t count);
  void addTransactions(Mbarrier &barrier, int64_t bytes);
  /// Late copies that tell the barrier: one lands. Whether there was one.
  bool landFor(uint32_t mbarrierOffset);
  void land(BulkCopy &copy);
  void landThreadCopies(uint32_t warp, uint32_t lanes, uint32_t groupsLeft,
                        bool all);
  /// Marks the registers of an unfinished wgmma, of the warps given by bits.
  void markMatrix(const PendingMatrix &pending, uint32_t warpsMarked);
  bool lateCopies();
  void issue(Warp &warp, const Instruction &i, unsigned lane, BulkCopy copy);
  void moveThreadCopies(ThreadCopies &copies, uint32_t lanes, uint32_t channel);
  void finishArrive(size_t index);
  void beginWrite(Warp &warp, const Instruction &i, unsigned lane, Cta &target,
                  uint32_t offset, uint32_t bytes);
  void beginRead(Warp &warp, const Instruction &i, unsigned lane, Cta &target,
                 uint32_t offset, uint32_t bytes);
  /// Releases fragments whose wait is over; returns whether any is ready.
  bool wake(Warp &warp);

private:
  template <bool checked>
  Turn runLoop(Warp &warp, uint64_t budget);
  void startWarps();
  void fillSpecials(Warp &warp, uint32_t count);
  bool chooseFragment(Warp &warp);
  void mergeFragments(Warp &warp);
  static uint32_t stopPc(const Warp &warp);
  /// Leaves \p lanes in the fragment; the others go on behind the instruction.
  void splitOff(Warp &warp, size_t index, uint32_t lanes, uint32_t otherPc);
  void block(Warp &warp, uint32_t lanes, FragmentState state);
  void checkRegisters(Warp &warp, const Instruction &i);
  void finishRegisters(Warp &warp, const Instruction &i);
  void checkGuard(Warp &warp, const Instruction &i, uint32_t lanes);
  void call(Warp &warp, const Instruction &i, uint32_t lanes,
            uint32_t function);
  void branchIndexed(Warp &warp, const Instruction &i, uint32_t lanes);
  void callIndirect(Warp &warp, const Instruction &i, uint32_t lanes);
  void callBuiltin(Warp &warp, const Instruction &i);
  void copySlots(Warp &warp, uint32_t lanes, uint32_t fromBase,
                 const std::vector<ParameterSlot> &from, uint32_t toBase,
                 const std::vector<ParameterSlot> &to);
  void functionReturn(Warp &warp, uint32_t lanes);
  void exitLanes(Warp &warp, uint32_t lanes);
  void removeLanes(Warp &warp, uint32_t lanes);
  void reserveLocal(Warp &warp, uint32_t bytes);
  Frame *newFrame(Warp &warp, const Function &function, Frame *caller);
  void checkDivergentGuard(Warp &warp, const Instruction &i, uint32_t lanes);
  /// Executes an instruction whose control is not Plain.
  void control(Warp &warp, const Instruction &i, uint32_t lanes);
  void barrier(Warp &warp, const Instruction &i, uint32_t lanes);
  void checkBarrier(NamedBarrier &barrier);
  void checkBarriersAfterExit();
  void clusterBarrier(Warp &warp, const Instruction &i, uint32_t lanes);
  void waitMbarrier(Warp &warp, const Instruction &i, uint32_t lanes);
  void warpgroup(Warp &warp, const Instruction &i, uint32_t lanes);
  void warpSync(Warp &warp, const Instruction &i, uint32_t lanes);
  void setMaximumRegisters(Warp &warp, const Instruction &i, uint32_t lanes);
  /// Ends a wait: the fragment goes on behind its instruction.
  void passBarrier(Warp &warp, Fragment &fragment);
  /// Whether the wait at \p i would succeed for all lanes; lets late copies
  /// land when it would not.
  bool mbarrierReady(Warp &warp, const Fragment &fragment, const Instruction &i,
                     uint32_t lanes);
  std::string describeMbarrier(const Warp &warp,
                               const Fragment &fragment) const;
  /// Registers per thread at the start of the kernel.
  uint32_t startRegisters() const;

  uint32_t liveWarps = 0;
  friend class Cluster;
};

/// The element and operation of cp.reduce.async.bulk; false when the pair does
/// not exist.
bool describeReduction(const Instruction &i, BulkCopy &copy);

/// CTAs that one host thread runs together: those of a cluster.
class Cluster {
public:
  Cluster(LaunchContext &context, Dim3 first, Dim3 size, uint64_t number);
  LaunchContext &context;
  Dim3 size;
  std::vector<std::unique_ptr<Cta>> ctas;
  std::unique_ptr<RaceChecker> races;
  uint64_t random;

  /// Runs until about \p budget instructions are done; whether the cluster has
  /// ended.
  bool run(uint64_t budget);
  uint32_t nextRandom() {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    return uint32_t(random >> 33);
  }
  /// barrier.cluster.
  uint32_t barrierArrived = 0;
  uint64_t barrierGeneration = 0;
  ClockAccumulator barrierClocks;
  ClockPointer barrierLastClocks;
  uint32_t liveThreads() const;
  void checkClusterBarrier();

private:
  uint64_t stuckRounds = 0;
  uint64_t lastChanges = 0;
};

} // namespace trine::sim

#endif
