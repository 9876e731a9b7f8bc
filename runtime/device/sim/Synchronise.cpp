// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Waiting: barriers, bar.warp.sync, cluster barriers, mbarrier waits,
// warpgroups, register pools; and the schedule of a cluster's warps.
#include "Cta.h"
#include "LaneLoops.h"
#include <algorithm>
#include <chrono>
#include <thread>

using namespace trine::sim;

namespace {
/// Rounds without any change after which time is taken to have passed for
/// try_wait, and after which nothing can go on.
constexpr uint64_t expiryRound = 4, deadlockRounds = 64;
/// Register file of an SM, for setmaxnreg.
constexpr uint32_t registerFile = 65536;
} // namespace

void Cta::warpSync(Warp &warp, const Instruction &i, uint32_t lanes) {
  const uint32_t *members = warp.in<uint32_t>(i.e);
  uint32_t mask = members[__builtin_ctz(lanes)];
  for (uint32_t left = lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    if ((members[lane] != mask || !(mask >> lane & 1)) && checks.barriers) {
      report(ReportKind::Divergence, warp, i, lane, 0,
             "the member mask of 'bar.warp.sync' differs among its lanes, or "
             "leaves one out");
      break;
    }
  }
  uint32_t here = lanes;
  for (const Fragment &each : warp.fragments)
    if (each.state == FragmentState::WarpSync && each.waitValue == mask)
      here |= each.mask;
  if (mask & warp.live & ~here) {
    block(warp, lanes, FragmentState::WarpSync);
    warp.fragments[warp.current].waitValue = mask;
    return;
  }
  if (checks.races)
    cluster.races->syncWarp(actor(warp, 0), here);
  splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
  ++warp.fragments[warp.current].pc;
  for (Fragment &each : warp.fragments)
    if (each.state == FragmentState::WarpSync && each.waitValue == mask) {
      each.state = FragmentState::Ready;
      ++each.pc;
    }
  ++changes;
}

void Cta::barrier(Warp &warp, const Instruction &i, uint32_t lanes) {
  unsigned first = unsigned(__builtin_ctz(lanes));
  auto mode = BarrierMode(i.operation);
  uint32_t number = warp.in<uint32_t>(i.a)[first];
  uint32_t count = i.extra ? warp.in<uint32_t>(i.b)[first] : 0;
  if (number >= 16) {
    report(ReportKind::BarrierMisuse, warp, i, first, 0,
           "barrier " + std::to_string(number) +
               " does not exist; there are 16");
    context.stop = true;
    return;
  }
  if (i.has(FlagAligned) && lanes != warp.live)
    return block(warp, lanes, FragmentState::Converging);
  NamedBarrier &barrier = barriers[number];
  if (i.extra && (count % 32 || count == 0) && checks.barriers)
    report(ReportKind::BarrierMisuse, warp, i, first, 0,
           "the thread count of a barrier must be a positive multiple of 32, "
           "got " +
               std::to_string(count));
  if (i.extra && count > paddedThreads && checks.barriers)
    report(ReportKind::BarrierMisuse, warp, i, first, 0,
           "barrier " + std::to_string(number) + " waits for " +
               std::to_string(count) + " threads, but the CTA has " +
               std::to_string(threads));
  bool reduces = mode >= BarrierMode::RedPopc;
  if (barrier.inUse && checks.barriers) {
    if (barrier.hasExplicitCount != bool(i.extra) ||
        (i.extra && barrier.expected != count))
      report(ReportKind::BarrierMisuse, warp, i, first, 0,
             "barrier " + std::to_string(number) +
                 " is used with different thread counts at one time");
    if (reduces != barrier.reduces && mode != BarrierMode::Arrive)
      report(ReportKind::BarrierMisuse, warp, i, first, 0,
             "barrier " + std::to_string(number) +
                 " is used with '.red' and without at one time");
    if (barrier.lanes[warp.index] & lanes)
      report(ReportKind::BarrierMisuse, warp, i, first, 0,
             "a thread arrives at barrier " + std::to_string(number) +
                 " again before it has completed");
  }
  if (!barrier.inUse) {
    barrier.inUse = true;
    barrier.hasExplicitCount = i.extra;
    barrier.expected = count;
    barrier.reduces = reduces;
    barrier.popc = 0;
    barrier.all = true;
    barrier.any = false;
  }
  if (reduces) {
    uint32_t value = warp.predicate(i.c) & lanes;
    barrier.reduces = true;
    barrier.popc += uint32_t(__builtin_popcount(value));
    barrier.all &= value == lanes;
    barrier.any |= value != 0;
  }
  barrier.lanes[warp.index] |= lanes;
  if (checks.races)
    cluster.races->release(actor(warp, 0), lanes, barrier.clocks);
  ++changes;
  if (mode == BarrierMode::Arrive) {
    splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
    ++warp.fragments[warp.current].pc;
  } else {
    block(warp, lanes, FragmentState::Barrier);
    Fragment &fragment = warp.fragments[warp.current];
    fragment.waitId = number;
    fragment.waitValue = barrier.generation;
  }
  checkBarrier(barrier);
}

void Cta::checkBarrier(NamedBarrier &barrier) {
  if (!barrier.inUse)
    return;
  uint32_t arrived = 0,
           expected = barrier.hasExplicitCount ? barrier.expected : 0;
  for (size_t w = 0; w < warps.size(); ++w) {
    uint32_t lanes = barrier.lanes[w], live = warps[w]->live;
    if (lanes)
      // A warp counts whole when all its live lanes are here.
      arrived +=
          (live & ~lanes) == 0 ? 32 : uint32_t(__builtin_popcount(lanes));
    if (!barrier.hasExplicitCount && (live || lanes))
      expected += 32;
  }
  if (arrived < expected)
    return;
  barrier.inUse = false;
  ++barrier.generation;
  ++changes;
  std::fill(barrier.lanes.begin(), barrier.lanes.end(), 0);
  barrier.lastPopc = barrier.popc;
  barrier.lastAll = barrier.all;
  barrier.lastAny = barrier.any;
  barrier.lastClocks = ClockPointer(barrier.clocks.held);
  barrier.clocks.reset();
}

void Cta::checkBarriersAfterExit() {
  for (NamedBarrier &barrier : barriers)
    checkBarrier(barrier);
}

void Cta::passBarrier(Warp &warp, Fragment &fragment) {
  NamedBarrier &barrier = barriers[fragment.waitId];
  const Instruction &i = fragment.frame->function->code[fragment.pc];
  if (checks.races)
    cluster.races->acquire(actor(warp, 0), fragment.mask, barrier.lastClocks);
  auto mode = BarrierMode(i.operation);
  if (mode >= BarrierMode::RedPopc) {
    warp.useFrame(fragment.frame);
    warp.mask = fragment.mask;
    if (mode == BarrierMode::RedPopc) {
      uint32_t value = barrier.lastPopc;
      forLanes<uint32_t>(warp, i.d, [=](unsigned) { return value; });
    } else {
      warp.setPredicate(
          i.d, (mode == BarrierMode::RedAnd ? barrier.lastAll : barrier.lastAny)
                   ? ~0u
                   : 0);
    }
    if (checks.uninitialised || checks.races) {
      warp.undefinedSources = 0;
      finishRegisters(warp, i);
    }
  }
  fragment.state = FragmentState::Ready;
  ++fragment.pc;
}

void Cta::clusterBarrier(Warp &warp, const Instruction &i, uint32_t lanes) {
  unsigned first = unsigned(__builtin_ctz(lanes));
  if (i.has(FlagAligned) && lanes != warp.live)
    return block(warp, lanes, FragmentState::Converging);
  if (i.operation == 0) {
    for (uint32_t left = lanes; left; left &= left - 1) {
      unsigned lane = unsigned(__builtin_ctz(left));
      if (warp.clusterArrival[lane] == cluster.barrierGeneration + 1 &&
          checks.barriers)
        report(ReportKind::BarrierMisuse, warp, i, lane, 0,
               "a thread arrives at the cluster's barrier twice before it has "
               "completed");
      warp.clusterArrival[lane] = cluster.barrierGeneration + 1;
    }
    cluster.barrierArrived += uint32_t(__builtin_popcount(lanes));
    if (checks.races && i.has(FlagRelease))
      cluster.races->release(actor(warp, 0), lanes, cluster.barrierClocks);
    splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
    ++warp.fragments[warp.current].pc;
    ++changes;
    cluster.checkClusterBarrier();
    return;
  }
  if (warp.clusterArrival[first] == 0 && checks.barriers)
    report(ReportKind::BarrierMisuse, warp, i, first, 0,
           "a thread waits at the cluster's barrier without having arrived");
  if (warp.clusterArrival[first] == cluster.barrierGeneration + 1)
    return block(warp, lanes, FragmentState::ClusterBarrier);
  if (checks.races)
    cluster.races->acquire(actor(warp, 0), lanes, cluster.barrierLastClocks);
  splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
  ++warp.fragments[warp.current].pc;
}

uint32_t Cta::liveThreads() const {
  uint32_t count = 0;
  for (const auto &warp : warps)
    count += uint32_t(__builtin_popcount(warp->live));
  return count;
}

uint32_t Cluster::liveThreads() const {
  uint32_t count = 0;
  for (const auto &cta : ctas)
    count += cta->liveThreads();
  return count;
}

void Cluster::checkClusterBarrier() {
  if (barrierArrived == 0 || barrierArrived < liveThreads())
    return;
  barrierArrived = 0;
  ++barrierGeneration;
  barrierLastClocks = ClockPointer(barrierClocks.held);
  barrierClocks.reset();
  for (auto &cta : ctas)
    ++cta->changes;
}

void Cta::setMaximumRegisters(Warp &warp, const Instruction &i,
                              uint32_t lanes) {
  if (lanes != warp.live)
    return block(warp, lanes, FragmentState::Converging);
  uint32_t wanted = i.extra;
  if (kernel.maximumRegisters == 0 && kernel.info.maximumBlock[0] == 0 &&
      kernel.info.requiredBlock[0] == 0 && checks.barriers)
    report(ReportKind::InvalidOperand, warp, i, unsigned(__builtin_ctz(lanes)),
           0,
           "'setmaxnreg' needs a kernel with a bound on its registers: "
           ".maxntid, .reqntid or .maxnreg");
  uint32_t held = warp.registerLimit ? warp.registerLimit : startRegisters();
  if (checks.barriers && warp.registerLimit &&
      ((i.operation && wanted < held) || (!i.operation && wanted > held)))
    report(ReportKind::InvalidOperand, warp, i, unsigned(__builtin_ctz(lanes)),
           0,
           std::string("'setmaxnreg.") + (i.operation ? "inc" : "dec") +
               "' to " + std::to_string(wanted) +
               " registers, but the warp has " + std::to_string(held));
  if (registersInUse == 0)
    registersInUse = startRegisters() * 32 * uint32_t(warps.size());
  uint32_t others = registersInUse - held * 32;
  if (i.operation && others + wanted * 32 > registerFile) {
    block(warp, lanes, FragmentState::Registers);
    warp.fragments[warp.current].waitValue = wanted;
    return;
  }
  registersInUse = others + wanted * 32;
  warp.registerLimit = wanted;
  ++changes;
  ++warp.fragments[warp.current].pc;
}

uint32_t Cta::startRegisters() const {
  uint32_t bound = kernel.maximumRegisters
                       ? kernel.maximumRegisters
                       : registerFile / std::max(paddedThreads, 1u) / 8 * 8;
  return std::min(bound, 255u);
}

void Cta::waitMbarrier(Warp &warp, const Instruction &i, uint32_t lanes) {
  Fragment &fragment = warp.fragments[warp.current];
  if (!fragment.released) {
    fragment.waitMask = lanes;
    // Spuriously false now and then, before copies have landed, so that a wait
    // without a loop is found.
    bool spurious =
        context.launch.options.randomSchedule && cluster.nextRandom() % 4 == 0;
    if (!spurious && !mbarrierReady(warp, fragment, i, lanes)) {
      block(warp, lanes, FragmentState::Mbarrier);
      return;
    }
  }
  fragment.released = false;
  i.handler(warp, i);
  if (checks.uninitialised || checks.races)
    finishRegisters(warp, i);
  ++warp.fragments[warp.current].pc;
}

bool Cta::wake(Warp &warp) {
  bool any = false;
  // passBarrier and landing may not add fragments.
  for (size_t n = 0; n < warp.fragments.size(); ++n) {
    Fragment &each = warp.fragments[n];
    switch (each.state) {
    case FragmentState::Ready:
      break;
    case FragmentState::Converging: {
      // Exits may have made it the whole warp; merged fragments are made ready
      // by the merge.
      const Instruction &i = each.frame->function->code[each.pc];
      uint32_t needed = warp.live;
      if (i.control == Control::Collective) {
        warp.useFrame(each.frame);
        needed = warp.in<uint32_t>(i.e)[__builtin_ctz(each.mask)] & warp.live;
      }
      if ((needed & ~each.mask) == 0)
        each.state = FragmentState::Ready;
      break;
    }
    case FragmentState::WarpSync: {
      uint32_t mask = uint32_t(each.waitValue), here = 0;
      for (const Fragment &other : warp.fragments)
        if (other.state == FragmentState::WarpSync && other.waitValue == mask)
          here |= other.mask;
      if ((mask & warp.live & ~here) == 0)
        each.state = FragmentState::Ready; // executes again, and completes
      break;
    }
    case FragmentState::Barrier:
      if (barriers[each.waitId].generation != each.waitValue)
        passBarrier(warp, each);
      break;
    case FragmentState::ClusterBarrier:
      if (warp.clusterArrival[__builtin_ctz(each.mask)] !=
          cluster.barrierGeneration + 1)
        each.state = FragmentState::Ready;
      break;
    case FragmentState::Mbarrier: {
      const Instruction &i = each.frame->function->code[each.pc];
      warp.useFrame(each.frame);
      warp.mask = each.mask;
      if (each.released || mbarrierReady(warp, each, i, each.mask))
        each.state = FragmentState::Ready;
      break;
    }
    case FragmentState::Registers: {
      uint32_t held =
          warp.registerLimit ? warp.registerLimit : startRegisters();
      if (registersInUse - held * 32 + uint32_t(each.waitValue) * 32 <=
          registerFile)
        each.state = FragmentState::Ready;
      break;
    }
    case FragmentState::Warpgroup:
      break;
    }
    any |= each.state == FragmentState::Ready;
  }
  return any;
}

void Cta::warpgroup(Warp &warp, const Instruction &i, uint32_t lanes) {
  if (lanes != warp.live)
    return block(warp, lanes, FragmentState::Converging);
  uint32_t group = warp.index / 4;
  unsigned first = unsigned(__builtin_ctz(lanes));
  if ((group + 1) * 4 > warps.size() || lanes != ~0u) {
    report(ReportKind::InvalidOperand, warp, i, first, 0,
           "'wgmma' needs a warpgroup: four whole warps");
    context.stop = true;
    return;
  }
  Fragment &self = warp.fragments[warp.current];
  uint32_t here = 1;
  for (uint32_t w = group * 4; w < group * 4 + 4; ++w) {
    const Warp &other = *warps[w];
    if (&other != &warp && other.fragments.size() == 1 &&
        other.fragments[0].state == FragmentState::Warpgroup &&
        other.fragments[0].pc == self.pc &&
        other.fragments[0].frame->function == self.frame->function)
      ++here;
  }
  if (here < 4) {
    self.state = FragmentState::Warpgroup;
    return;
  }
  // In the last of the four, for all.
  i.handler(warp, i);
  for (uint32_t w = group * 4; w < group * 4 + 4; ++w) {
    Warp &other = *warps[w];
    if (checks.uninitialised || checks.races) {
      other.useFrame(other.fragments[0].frame);
      other.mask = ~0u;
      other.undefinedSources = 0;
      finishRegisters(other, i);
    }
    other.fragments[0].state = FragmentState::Ready;
    ++other.fragments[0].pc;
  }
  ++changes;
}

void Cta::expireWaits() {
  for (auto &warp : warps)
    for (Fragment &each : warp->fragments)
      if (each.state == FragmentState::Mbarrier)
        each.released = true;
}

std::string Cta::describeWaits() const {
  std::string text;
  unsigned listed = 0;
  for (const auto &warp : warps)
    for (const Fragment &each : warp->fragments) {
      if (++listed > 12)
        return text + "; and more";
      if (!text.empty())
        text += "; ";
      const LineInfo &info = each.frame->function->lines[each.pc];
      text += "warp " + std::to_string(warp->index) + " (" +
              std::to_string(__builtin_popcount(each.mask)) +
              " lanes) at line " + std::to_string(info.line);
      switch (each.state) {
      case FragmentState::Ready:
        text += " polls";
        break;
      case FragmentState::Converging:
        text += " waits for " +
                std::to_string(__builtin_popcount(warp->live & ~each.mask)) +
                " other lanes of its warp";
        break;
      case FragmentState::WarpSync:
        text += " waits at 'bar.warp.sync'";
        break;
      case FragmentState::Barrier: {
        const NamedBarrier &barrier = barriers[each.waitId];
        uint32_t arrived = 0;
        for (uint32_t lanes : barrier.lanes)
          arrived += uint32_t(__builtin_popcount(lanes));
        text += " waits at barrier " + std::to_string(each.waitId) + " (" +
                std::to_string(arrived) + " arrived of " +
                std::to_string(barrier.hasExplicitCount ? barrier.expected
                                                        : liveThreads()) +
                ")";
        break;
      }
      case FragmentState::ClusterBarrier:
        text += " waits at the cluster's barrier";
        break;
      case FragmentState::Mbarrier:
        text += " waits for " + describeMbarrier(*warp, each);
        break;
      case FragmentState::Warpgroup:
        text += " waits for the other warps of its warpgroup";
        break;
      case FragmentState::Registers:
        text += " waits for registers";
        break;
      }
    }
  return text;
}

void Cta::reportDeadlock() {
  for (auto &warp : warps) {
    if (warp->fragments.empty())
      continue;
    // Named after what is most telling: lanes that wait for their own warp.
    Fragment *chosen = &warp->fragments[0];
    for (Fragment &each : warp->fragments)
      if (each.state == FragmentState::Converging)
        chosen = &each;
    warp->useFrame(chosen->frame);
    const Instruction &i = chosen->frame->function->code[chosen->pc];
    bool diverged = chosen->state == FragmentState::Converging;
    report(diverged ? ReportKind::Divergence : ReportKind::Deadlock, *warp, i,
           unsigned(__builtin_ctz(chosen->mask)), 0,
           (diverged ? "not all lanes that must reach this instruction "
                       "together can reach it: "
                     : "no thread can go on: ") +
               describeWaits());
    break;
  }
  context.raise(Status::Deadlock);
  context.stop = true;
}

Cluster::Cluster(LaunchContext &context, Dim3 first, Dim3 size, uint64_t number)
    : context(context), size(size),
      random(context.launch.options.seed * 0x9e3779b97f4a7c15ull + number) {
  uint32_t count = size.x * size.y * size.z;
  const Launch &launch = context.launch;
  uint32_t padded =
      (launch.block.x * launch.block.y * launch.block.z + 31) / 32 * 32;
  for (uint32_t r = 0; r < count; ++r) {
    Dim3 id{first.x + r % size.x, first.y + r / size.x % size.y,
            first.z + r / size.x / size.y};
    ctas.push_back(std::make_unique<Cta>(context, *this, id, r));
  }
  if (launch.options.checks.races)
    races = std::make_unique<RaceChecker>(padded * count, count,
                                          ctas[0]->sharedEnd);
}

bool Cluster::run(uint64_t budget) {
  const Options &options = context.launch.options;
  uint64_t before = 0;
  for (auto &cta : ctas)
    before += cta->steps;
  while (true) {
    bool progress = false, finished = true;
    uint64_t changes = 0, steps = 0;
    for (auto &cta : ctas) {
      size_t count = cta->warps.size();
      size_t start = options.randomSchedule ? nextRandom() % count : 0;
      for (size_t n = 0; n < count; ++n) {
        Warp &warp = *cta->warps[(start + n) % count];
        if (warp.fragments.empty())
          continue;
        uint64_t slice = options.randomSchedule ? 1 + nextRandom() % 64 : 4096;
        Cta::Turn turn = cta->runWarp(warp, slice);
        progress |= turn == Cta::Turn::Progress || turn == Cta::Turn::Finished;
        if (context.stop.load(std::memory_order_relaxed))
          return true;
      }
      finished &= cta->finished();
      changes += cta->changes;
      steps += cta->steps;
      if (cta->steps > options.stepLimit) {
        for (auto &warp : cta->warps)
          if (!warp->fragments.empty()) {
            const Fragment &fragment = warp->fragments[0];
            warp->useFrame(fragment.frame);
            cta->report(ReportKind::StepLimit, *warp,
                        fragment.frame->function->code[fragment.pc],
                        unsigned(__builtin_ctz(fragment.mask)), 0,
                        "the CTA has executed " + std::to_string(cta->steps) +
                            " warp instructions, the limit of the launch");
            break;
          }
        context.raise(Status::StepLimit);
        context.stop = true;
        return true;
      }
    }
    if (finished)
      return true;
    if (progress || changes != lastChanges) {
      stuckRounds = 0;
      lastChanges = changes;
    } else {
      ++stuckRounds;
      bool polls = false;
      for (auto &cta : ctas)
        for (auto &warp : cta->warps)
          for (Fragment &each : warp->fragments)
            polls |= each.state == FragmentState::Ready;
      if (polls) {
        // Threads that poll memory may wait for another CTA: others first, and
        // the step limit ends it.
        if (stuckRounds > deadlockRounds) {
          for (auto &cta : ctas)
            cta->steps += 1000;
          if (stuckRounds % 64 == 0)
            std::this_thread::sleep_for(std::chrono::microseconds(100));
          return false;
        }
      } else if (stuckRounds > deadlockRounds) {
        for (auto &cta : ctas)
          if (!cta->finished()) {
            cta->reportDeadlock();
            return true;
          }
      }
      if (stuckRounds % expiryRound == 0)
        for (auto &cta : ctas)
          cta->expireWaits();
    }
    if (steps - before > budget)
      return false;
  }
}
