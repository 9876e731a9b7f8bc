// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Races on shared memory, by happens-before. Each thread knows, per other
// thread, up to which time that thread's accesses are ordered before its own;
// synchronisation passes knowledge on. Knowledge is shared by pointer, because
// threads that met at a barrier know the same.
#ifndef TRINE_SIM_RACECHECKER_H
#define TRINE_SIM_RACECHECKER_H

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace trine::sim {

struct Instruction;

/// How shared memory is touched.
enum class AccessKind : uint8_t { Read, Write, Atomic };

/// What is known of the accesses of each actor: through the generic proxy, and
/// (after fence.proxy.async) through the asynchronous one.
struct Clocks {
  std::vector<uint32_t> generic, async;
};
using ClockPointer = std::shared_ptr<const Clocks>;

/// Gathers the knowledge of those who arrive at a synchronisation.
struct ClockAccumulator {
  std::shared_ptr<Clocks> held;
  void reset() { held.reset(); }
};

class RaceChecker {
public:
  /// \p actors threads (of all CTAs of a cluster), in warps of 32; \p
  /// sharedBytes per CTA.
  RaceChecker(uint32_t actors, uint32_t ctas, uint32_t sharedBytes);

  /// Set by access(): two lanes of one instruction wrote to one word; that is a
  /// race only if their values differ.
  bool sawDuplicate = false;
  /// An access by one thread to bytes of a CTA's shared memory. Gives a
  /// sentence about the other access when they race, else an empty string.
  std::string access(uint32_t actor, uint32_t cta, uint32_t offset,
                     uint32_t bytes, AccessKind kind,
                     const Instruction *instruction);
  /// A read by the asynchronous proxy on behalf of a thread (wgmma operand,
  /// source of a bulk store): needs a proxy fence after generic writes.
  std::string asyncRead(uint32_t actor, uint32_t cta, uint32_t offset,
                        uint32_t bytes, const Instruction *instruction);
  /// A write by the asynchronous proxy: it must be ordered after all that \p
  /// actor does not know.
  std::string asyncWrite(uint32_t actor, uint32_t cta, uint32_t offset,
                         uint32_t bytes, const Instruction *instruction);
  /// asyncRead() of chunks of 16 bytes by several threads. On a finding, \p
  /// which is the chunk's index and \p reader the thread's.
  std::string asyncReadChunks(const uint32_t *readers, uint32_t count,
                              uint32_t cta, const std::vector<uint32_t> &chunks,
                              const Instruction *instruction, size_t &which,
                              uint32_t &reader);
  /// An asynchronous copy lands, in pieces; who observes the completion of \p
  /// channel is ordered after it.
  void beginLanding(uint32_t channel) { ++channelClocks[channel - actors]; }
  void land(uint32_t channel, uint32_t cta, uint32_t offset, uint32_t bytes,
            const Instruction *instruction);
  /// A write that counts as made by \p actor now, through the generic proxy
  /// (cp.async after its wait).
  void writeNow(uint32_t actor, uint32_t cta, uint32_t offset, uint32_t bytes,
                const Instruction *instruction);

  /// Lanes of the warp of \p firstActor publish what they know and did.
  void release(uint32_t firstActor, uint32_t lanes, ClockAccumulator &into);
  /// The channel's landed copies become part of \p into.
  void releaseChannel(uint32_t channel, ClockAccumulator &into);
  void acquire(uint32_t firstActor, uint32_t lanes, const ClockPointer &from);
  /// A flag in shared memory: a strong write publishes (or, without release
  /// semantics, keeps what it holds), a strong read acquires.
  void publish(uint32_t actor, uint32_t cta, uint32_t offset, bool releases);
  void observe(uint32_t actor, uint32_t cta, uint32_t offset);
  /// bar.warp.sync.
  void syncWarp(uint32_t firstActor, uint32_t lanes);
  /// fence.proxy.async.
  void fenceProxy(uint32_t firstActor, uint32_t lanes);
  uint32_t newChannel() { return actors + 32 + channels++ % channelCount; }

private:
  static constexpr uint32_t channelCount = 256;
  struct Readers {
    uint32_t warp = 0, lanes = 0, clock = 0;
    uint8_t bytes = 0;
    const Instruction *instruction = nullptr;
  };
  struct Cell {
    uint32_t writer = 0; // actor + 1
    uint32_t writeClock = 0;
    const Instruction *writeInstruction = nullptr;
    Readers readers;
    uint8_t writeBytes = 0;
    bool isAtomic = false, isAsync = false, hasMore = false;
  };
  bool ordered(uint32_t actor, uint32_t other, uint32_t clock) const {
    return actor == other || known[actor]->generic[other] >= clock;
  }
  std::string conflict(const char *what, uint32_t other,
                       const Instruction *instruction, bool isAsync) const;
  std::string checkWriter(const Cell &cell, uint32_t actor, uint8_t mask,
                          bool isAtomic) const;
  std::string checkReaders(uint64_t index, const Cell &cell, uint32_t actor,
                           uint8_t mask) const;
  std::string readersConflict(const Readers &readers, uint32_t actor,
                              uint8_t mask) const;
  void setWriter(uint64_t index, uint32_t actor, uint8_t mask, bool isAtomic,
                 bool isAsync, const Instruction *instruction);

  uint32_t actors, words, channels = 0;
  std::vector<Cell> cells;
  std::unordered_map<uint64_t, std::vector<Readers>> more;
  std::unordered_map<uint64_t, ClockAccumulator> flags;
  std::vector<ClockPointer> known;
  /// By warp (and by channel): the time, which goes on at each release.
  std::vector<uint32_t> clocks;
  uint32_t timeOf(uint32_t actor) const {
    return actor < actors ? clocks[actor / 32] : channelClocks[actor - actors];
  }
  std::vector<uint32_t> channelClocks;
};

} // namespace trine::sim

#endif
