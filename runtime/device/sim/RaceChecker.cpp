// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RaceChecker.h"
#include <algorithm>

using namespace trine::sim;

RaceChecker::RaceChecker(uint32_t actors, uint32_t ctas, uint32_t sharedBytes)
    : actors(actors), words((sharedBytes + 3) / 4) {
  cells.resize(size_t(words) * ctas);
  auto none = std::make_shared<Clocks>();
  none->generic.assign(actors + 32 + channelCount, 0);
  none->async = none->generic;
  known.assign(actors, none);
  clocks.assign(actors / 32 + 1, 1);
  channelClocks.assign(32 + channelCount, 0);
}

std::string RaceChecker::conflict(const char *what, uint32_t other,
                                  const Instruction *instruction,
                                  bool isAsync) const {
  (void)instruction;
  std::string text = std::string("races with a ") + what;
  if (other >= actors)
    return text + " by an asynchronous copy whose completion this thread did "
                  "not wait for";
  return text + (isAsync ? " (cp.async)" : "") + " by thread " +
         std::to_string(other) + " of the cluster; nothing orders the two";
}

std::string RaceChecker::checkWriter(const Cell &cell, uint32_t actor,
                                     uint8_t mask, bool isAtomic) const {
  if (!cell.writer || !(cell.writeBytes & mask) || (cell.isAtomic && isAtomic))
    return {};
  if (ordered(actor, cell.writer - 1, cell.writeClock))
    return {};
  return conflict("write", cell.writer - 1, cell.writeInstruction,
                  cell.isAsync);
}

std::string RaceChecker::readersConflict(const Readers &readers, uint32_t actor,
                                         uint8_t mask) const {
  if (!(readers.bytes & mask))
    return {};
  for (uint32_t left = readers.lanes; left; left &= left - 1) {
    uint32_t other = readers.warp * 32 + uint32_t(__builtin_ctz(left));
    if (!ordered(actor, other, readers.clock))
      return conflict("read", other, readers.instruction, false);
  }
  return {};
}

std::string RaceChecker::checkReaders(uint64_t index, const Cell &cell,
                                      uint32_t actor, uint8_t mask) const {
  if (cell.readers.lanes) {
    std::string text = readersConflict(cell.readers, actor, mask);
    if (!text.empty())
      return text;
  }
  if (cell.hasMore) {
    auto found = more.find(index);
    if (found != more.end())
      for (const Readers &each : found->second) {
        std::string text = readersConflict(each, actor, mask);
        if (!text.empty())
          return text;
      }
  }
  return {};
}

void RaceChecker::setWriter(uint64_t index, uint32_t actor, uint8_t mask,
                            bool isAtomic, bool isAsync,
                            const Instruction *instruction) {
  Cell &cell = cells[index];
  if (cell.hasMore)
    more.erase(index);
  // Writes of one thread and time to other bytes of the word add up.
  bool adds = cell.writer == actor + 1 && cell.writeClock == timeOf(actor);
  cell.writer = actor + 1;
  cell.writeClock = timeOf(actor);
  cell.writeBytes = uint8_t(adds ? cell.writeBytes | mask : mask);
  cell.writeInstruction = instruction;
  cell.isAtomic = isAtomic;
  cell.isAsync = isAsync;
  cell.hasMore = false;
  cell.readers = Readers();
}

std::string RaceChecker::access(uint32_t actor, uint32_t cta, uint32_t offset,
                                uint32_t bytes, AccessKind kind,
                                const Instruction *instruction) {
  std::string text;
  for (uint32_t at = offset; at < offset + bytes;) {
    uint32_t word = at / 4, first = at % 4,
             count = std::min(4 - first, offset + bytes - at);
    auto mask = uint8_t(((1u << count) - 1) << first);
    at += count;
    uint64_t index = uint64_t(cta) * words + word;
    if (word >= words || index >= cells.size())
      break;
    Cell &cell = cells[index];
    bool duplicate = kind == AccessKind::Write && cell.writer &&
                     cell.writeInstruction == instruction && !cell.isAsync &&
                     (cell.writer - 1) / 32 == actor / 32 &&
                     cell.writer - 1 != actor &&
                     cell.writeClock == clocks[actor / 32];
    sawDuplicate |= duplicate && (cell.writeBytes & mask);
    if (text.empty() && !duplicate)
      text = checkWriter(cell, actor, mask, kind == AccessKind::Atomic);
    if (kind == AccessKind::Read) {
      uint32_t warp = actor / 32, lane = 1u << (actor % 32),
               clock = clocks[warp];
      Readers &readers = cell.readers;
      if (!readers.lanes ||
          (readers.warp == warp &&
           (readers.clock == clock || (readers.lanes & ~lane) == 0))) {
        bool same = readers.lanes && readers.clock == clock;
        readers.warp = warp;
        readers.lanes = same ? readers.lanes | lane : lane;
        readers.clock = clock;
        readers.bytes = uint8_t(same ? readers.bytes | mask : mask);
        readers.instruction = instruction;
        continue;
      }
      // Others' reads that are ordered before this one need no place of their
      // own.
      bool old = true;
      for (uint32_t left = readers.lanes; left && old; left &= left - 1)
        old = ordered(actor, readers.warp * 32 + uint32_t(__builtin_ctz(left)),
                      readers.clock);
      if (old && !cell.hasMore) {
        readers = {warp, lane, clock, mask, instruction};
        continue;
      }
      std::vector<Readers> &list = more[index];
      cell.hasMore = true;
      bool merged = false;
      for (Readers &each : list)
        if (each.warp == warp && each.clock == clock) {
          each.lanes |= lane;
          each.bytes |= mask;
          merged = true;
        }
      if (!merged && list.size() < 256)
        list.push_back({warp, lane, clock, mask, instruction});
      continue;
    }
    if (text.empty() && kind == AccessKind::Write)
      text = checkReaders(index, cell, actor, mask);
    if (text.empty() && kind == AccessKind::Atomic)
      text = checkReaders(index, cell, actor, mask);
    setWriter(index, actor, mask, kind == AccessKind::Atomic, false,
              instruction);
  }
  return text;
}

std::string RaceChecker::asyncRead(uint32_t actor, uint32_t cta,
                                   uint32_t offset, uint32_t bytes,
                                   const Instruction *instruction) {
  for (uint32_t word = offset / 4;
       word <= (offset + bytes - 1) / 4 && word < words; ++word) {
    const Cell &cell = cells[uint64_t(cta) * words + word];
    if (!cell.writer)
      continue;
    std::string text = checkWriter(cell, actor, 0xf, false);
    if (!text.empty())
      return text;
    uint32_t other = cell.writer - 1;
    if (other < actors && !cell.isAsync &&
        known[actor]->async[other] < cell.writeClock)
      return "was written by thread " + std::to_string(other) +
             " of the cluster without a fence.proxy.async before this "
             "asynchronous read";
  }
  (void)instruction;
  return {};
}

std::string RaceChecker::asyncReadChunks(const uint32_t *readers,
                                         uint32_t count, uint32_t cta,
                                         const std::vector<uint32_t> &chunks,
                                         const Instruction *instruction,
                                         size_t &which, uint32_t &reader) {
  // Most chunks were written by the same copy: what was found good once is
  // good.
  uint32_t goodWriter = 0, goodClock = 0;
  for (which = 0; which < chunks.size(); ++which) {
    uint64_t first = uint64_t(cta) * words + chunks[which] / 4;
    bool good = true;
    for (uint64_t index = first; index < first + 4 && index < cells.size();
         ++index)
      good &= cells[index].writer == goodWriter &&
              cells[index].writeClock == goodClock;
    if (good && goodWriter)
      continue;
    for (uint32_t n = 0; n < count; ++n) {
      reader = n;
      std::string text =
          asyncRead(readers[n], cta, chunks[which], 16, instruction);
      if (!text.empty())
        return text;
    }
    if (first < cells.size()) {
      goodWriter = cells[first].writer;
      goodClock = cells[first].writeClock;
      // A thread's own writes are judged by thread.
      if (goodWriter && goodWriter - 1 < actors)
        goodWriter = 0;
    }
  }
  return {};
}

std::string RaceChecker::asyncWrite(uint32_t actor, uint32_t cta,
                                    uint32_t offset, uint32_t bytes,
                                    const Instruction *) {
  for (uint32_t word = offset / 4;
       word <= (offset + bytes - 1) / 4 && word < words; ++word) {
    uint64_t index = uint64_t(cta) * words + word;
    const Cell &cell = cells[index];
    std::string text = checkWriter(cell, actor, 0xf, false);
    if (text.empty())
      text = checkReaders(index, cell, actor, 0xf);
    if (!text.empty())
      return text;
  }
  return {};
}

void RaceChecker::land(uint32_t channel, uint32_t cta, uint32_t offset,
                       uint32_t bytes, const Instruction *instruction) {
  for (uint32_t word = offset / 4;
       word <= (offset + bytes - 1) / 4 && word < words; ++word)
    setWriter(uint64_t(cta) * words + word, channel, 0xf, false, true,
              instruction);
}

void RaceChecker::writeNow(uint32_t actor, uint32_t cta, uint32_t offset,
                           uint32_t bytes, const Instruction *instruction) {
  for (uint32_t word = offset / 4;
       word <= (offset + bytes - 1) / 4 && word < words; ++word)
    setWriter(uint64_t(cta) * words + word, actor, 0xf, false, false,
              instruction);
}

namespace {
void joinInto(Clocks &into, const Clocks &from) {
  for (size_t i = 0; i < into.generic.size(); ++i) {
    into.generic[i] = std::max(into.generic[i], from.generic[i]);
    into.async[i] = std::max(into.async[i], from.async[i]);
  }
}
} // namespace

void RaceChecker::release(uint32_t firstActor, uint32_t lanes,
                          ClockAccumulator &into) {
  if (!lanes)
    return;
  const Clocks *last = nullptr;
  for (uint32_t left = lanes; left; left &= left - 1) {
    const ClockPointer &mine =
        known[firstActor + uint32_t(__builtin_ctz(left))];
    if (mine.get() == last)
      continue;
    last = mine.get();
    if (!into.held)
      into.held = std::make_shared<Clocks>(*mine);
    else
      joinInto(*into.held, *mine);
  }
  uint32_t &clock = clocks[firstActor / 32];
  for (uint32_t left = lanes; left; left &= left - 1) {
    uint32_t actor = firstActor + uint32_t(__builtin_ctz(left));
    into.held->generic[actor] = std::max(into.held->generic[actor], clock);
  }
  ++clock;
}

void RaceChecker::releaseChannel(uint32_t channel, ClockAccumulator &into) {
  if (!into.held) {
    into.held = std::make_shared<Clocks>();
    into.held->generic.assign(actors + 32 + channelCount, 0);
    into.held->async = into.held->generic;
  }
  uint32_t &entry = into.held->generic[channel];
  entry = std::max(entry, channelClocks[channel - actors]);
  into.held->async[channel] = entry;
}

void RaceChecker::acquire(uint32_t firstActor, uint32_t lanes,
                          const ClockPointer &from) {
  if (!from)
    return;
  const Clocks *last = nullptr;
  ClockPointer made;
  for (uint32_t left = lanes; left; left &= left - 1) {
    ClockPointer &mine = known[firstActor + uint32_t(__builtin_ctz(left))];
    if (mine == from)
      continue;
    if (mine.get() != last || !made) {
      last = mine.get();
      auto joined = std::make_shared<Clocks>(*mine);
      joinInto(*joined, *from);
      // Equal to what is received: share it.
      made = joined->generic == from->generic && joined->async == from->async
                 ? from
                 : ClockPointer(std::move(joined));
    }
    mine = made;
  }
}

void RaceChecker::syncWarp(uint32_t firstActor, uint32_t lanes) {
  ClockAccumulator all;
  release(firstActor, lanes, all);
  acquire(firstActor, lanes, ClockPointer(all.held));
}

void RaceChecker::fenceProxy(uint32_t firstActor, uint32_t lanes) {
  const Clocks *last = nullptr;
  std::shared_ptr<Clocks> made;
  uint32_t clock = clocks[firstActor / 32];
  for (uint32_t left = lanes; left; left &= left - 1) {
    uint32_t actor = firstActor + uint32_t(__builtin_ctz(left));
    ClockPointer &mine = known[actor];
    if (mine.get() != last || !made) {
      last = mine.get();
      made = std::make_shared<Clocks>(*mine);
      made->async = made->generic;
      // Every lane's own accesses so far: each lane writes its own entry of
      // what they share, and reads no other's.
    }
    made->async[actor] = clock;
    mine = made;
  }
  ++clocks[firstActor / 32];
}

void RaceChecker::publish(uint32_t actor, uint32_t cta, uint32_t offset,
                          bool releases) {
  if (releases)
    release(actor / 32 * 32, 1u << (actor % 32),
            flags[uint64_t(cta) << 32 | offset / 4]);
}

void RaceChecker::observe(uint32_t actor, uint32_t cta, uint32_t offset) {
  auto found = flags.find(uint64_t(cta) << 32 | offset / 4);
  if (found == flags.end() || !found->second.held)
    return;
  // A copy: what is published later must not reach those who observed before.
  acquire(actor / 32 * 32, 1u << (actor % 32),
          std::make_shared<const Clocks>(*found->second.held));
}
