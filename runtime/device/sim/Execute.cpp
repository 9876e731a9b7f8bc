// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interpreter's loop, and control flow: branches, calls, exits.
#include "Cta.h"
#include "Lanes.h"
#include <algorithm>

using namespace trine::sim;

namespace {
constexpr uint32_t maximumCallDepth = 200;
constexpr uint64_t functionTag = 0x4000000000000000ull;
} // namespace

/// The next place, behind the current fragment, where another one stands in the
/// same frame.
uint32_t Cta::stopPc(const Warp &warp) {
  uint32_t stop = ~0u;
  const Fragment &self = warp.fragments[warp.current];
  for (const Fragment &other : warp.fragments)
    if (&other != &self && other.frame == self.frame && other.pc > self.pc &&
        (other.state == FragmentState::Ready ||
         other.state == FragmentState::Converging))
      stop = std::min(stop, other.pc);
  return stop;
}

void Cta::checkGuard(Warp &warp, const Instruction &i, uint32_t lanes) {
  const CheckItem &item = warp.frame->function->checks[i.checkBegin];
  uint32_t &defined = warp.frame->defined[item.reg];
  if (uint32_t bad = lanes & ~defined) {
    report(ReportKind::Uninitialised, warp, i, unsigned(__builtin_ctz(bad)), 0,
           "predicate '" + warp.frame->function->registerNames[item.reg] +
               "' is used, but was not written");
    defined |= bad;
  }
}

void Cta::checkRegisters(Warp &warp, const Instruction &i) {
  Frame &frame = *warp.frame;
  const CheckItem *item = frame.function->checks.data() + i.checkBegin;
  const CheckItem *end = item + i.checkCount;
  uint32_t undefined = 0, lanes = warp.mask;
  for (; item != end; ++item) {
    if (item->role != CheckItem::Destination) {
      uint32_t bad = lanes & ~frame.defined[item->reg];
      if (bad) {
        if (item->choice)
          bad &= item->choice == 1 ? warp.predicate(i.c) : ~warp.predicate(i.c);
        if (item->role == CheckItem::Use && bad && checks.uninitialised) {
          report(ReportKind::Uninitialised, warp, i,
                 unsigned(__builtin_ctz(bad)), 0,
                 "register '" + frame.function->registerNames[item->reg] +
                     "' is used, but was not written");
          frame.defined[item->reg] |= bad;
        } else {
          undefined |= bad;
        }
      }
    }
    if (warp.pendingRegisters && !item->isAsync) {
      uint32_t pending = frame.pendingWrite[item->reg];
      if (item->role == CheckItem::Destination)
        pending |= frame.pendingRead[item->reg];
      pending &= lanes;
      // A copy carries the mark on; compilers make such copies before the wait.
      bool isCopy = i.list == 0 && item->role == CheckItem::Source &&
                    i.handler == laneTable().move(4);
      if (pending && !isCopy) {
        report(ReportKind::MissingWait, warp, i,
               unsigned(__builtin_ctz(pending)), 0,
               "register '" + frame.function->registerNames[item->reg] +
                   "' is touched while a wgmma that uses it is not known to be "
                   "complete");
        frame.pendingWrite[item->reg] = frame.pendingRead[item->reg] = 0;
      }
    }
  }
  warp.undefinedSources = undefined;
}

void Cta::finishRegisters(Warp &warp, const Instruction &i) {
  Frame &frame = *warp.frame;
  const CheckItem *item = frame.function->checks.data() + i.checkBegin;
  const CheckItem *end = item + i.checkCount;
  uint32_t lanes = warp.mask, defined = lanes & ~warp.undefinedSources;
  uint32_t copied = 0;
  if (warp.pendingRegisters && i.handler == laneTable().move(4))
    for (const CheckItem *each = item; each != end; ++each)
      if (each->role == CheckItem::Source)
        copied |= frame.pendingWrite[each->reg] & lanes;
  for (; item != end; ++item)
    if (item->role == CheckItem::Destination) {
      uint32_t &word = frame.defined[item->reg];
      word = (word & ~lanes) | defined;
      if (!frame.unfenced.empty() && !item->isAsync)
        frame.unfenced[item->reg] |= lanes;
      if (copied)
        frame.pendingWrite[item->reg] |= copied;
    }
}

Cta::Turn Cta::runWarp(Warp &warp, uint64_t budget) {
  bool checked = checks.uninitialised || checks.races;
  return checked ? runLoop<true>(warp, budget) : runLoop<false>(warp, budget);
}

template <bool checked>
Cta::Turn Cta::runLoop(Warp &warp, uint64_t budget) {
  uint64_t done = 0, threadsDone = 0;
  warp.yields = false;
  Turn turn = Turn::Progress;
  while (done < budget) {
    if (warp.fragments.empty()) {
      turn = Turn::Finished;
      break;
    }
    if (!chooseFragment(warp)) {
      turn = Turn::Blocked;
      break;
    }
    Fragment *fragment = &warp.fragments[warp.current];
    warp.useFrame(fragment->frame);
    const Instruction *code = fragment->frame->function->code.data();
    uint32_t pc = fragment->pc, mask = fragment->mask, stop = stopPc(warp);
    const uint8_t *registers = warp.registers;
    while (true) {
      const Instruction &i = code[pc];
      uint32_t lanes = mask;
      if (i.guard != noGuard) {
        if (checked && checks.uninitialised)
          checkGuard(warp, i, mask);
        uint32_t value =
            *reinterpret_cast<const uint32_t *>(registers + i.guard);
        lanes &= i.guardNegated ? ~value : value;
      }
      ++done;
      threadsDone += unsigned(__builtin_popcount(lanes));
      if (i.control == Control::Plain) {
        if (lanes) {
          warp.mask = lanes;
          if (checked)
            checkRegisters(warp, i);
          i.handler(warp, i);
          if (checked)
            finishRegisters(warp, i);
        }
        ++pc;
      } else if (i.control == Control::Branch &&
                 (lanes == 0 || lanes == mask)) {
        pc = lanes ? i.target : pc + 1;
      } else if (lanes == 0) {
        ++pc;
      } else {
        fragment->pc = pc;
        warp.mask = lanes;
        if (checked)
          checkRegisters(warp, i);
        control(warp, i, lanes);
        break;
      }
      if (pc >= stop || done >= budget || warp.yields) {
        fragment->pc = pc;
        break;
      }
    }
    if (warp.yields || context.stop.load(std::memory_order_relaxed))
      break;
  }
  warp.instructions += done;
  warp.threadInstructions += threadsDone;
  steps += done;
  if (turn == Turn::Progress && warp.fragments.empty())
    turn = Turn::Finished;
  if (warp.yields) {
    // Others first, in the warp and in the CTA.
    ++warp.rotation;
    return turn == Turn::Finished ? turn : Turn::Blocked;
  }
  return turn;
}

void Cta::mergeFragments(Warp &warp) {
  for (size_t a = 0; a < warp.fragments.size(); ++a) {
    Fragment &first = warp.fragments[a];
    if (first.state != FragmentState::Ready &&
        first.state != FragmentState::Converging)
      continue;
    for (size_t b = warp.fragments.size(); b-- > a + 1;) {
      Fragment &second = warp.fragments[b];
      if (second.pc != first.pc || second.frame != first.frame ||
          (second.state != FragmentState::Ready &&
           second.state != FragmentState::Converging))
        continue;
      first.mask |= second.mask;
      first.state = FragmentState::Ready;
      warp.fragments.erase(warp.fragments.begin() + long(b));
    }
  }
}

bool Cta::chooseFragment(Warp &warp) {
  if (warp.fragments.size() == 1) {
    warp.current = 0;
    return warp.fragments[0].state == FragmentState::Ready || wake(warp);
  }
  wake(warp);
  mergeFragments(warp);
  size_t ready = 0, best = ~size_t(0);
  for (size_t n = 0; n < warp.fragments.size(); ++n) {
    const Fragment &each = warp.fragments[n];
    if (each.state != FragmentState::Ready)
      continue;
    ++ready;
    // Deeper calls first, then the smaller place: what compilers lay out meets
    // again soonest.
    if (best == ~size_t(0) ||
        each.frame->depth > warp.fragments[best].frame->depth ||
        (each.frame->depth == warp.fragments[best].frame->depth &&
         each.pc < warp.fragments[best].pc))
      best = n;
  }
  if (ready == 0)
    return false;
  warp.current = best;
  bool rotates = warp.rotation != 0 || context.launch.options.randomSchedule;
  if (rotates && ready > 1) {
    size_t wanted =
        (context.launch.options.randomSchedule ? cluster.nextRandom()
                                               : warp.rotation) %
        ready;
    for (size_t n = 0; n < warp.fragments.size(); ++n)
      if (warp.fragments[n].state == FragmentState::Ready && wanted-- == 0) {
        warp.current = n;
        break;
      }
  }
  return true;
}

void Cta::splitOff(Warp &warp, size_t index, uint32_t lanes, uint32_t otherPc) {
  Fragment other = warp.fragments[index];
  other.mask &= ~lanes;
  if (!other.mask)
    return;
  other.pc = otherPc;
  other.state = FragmentState::Ready;
  warp.fragments[index].mask &= lanes;
  warp.fragments.push_back(other);
}

void Cta::block(Warp &warp, uint32_t lanes, FragmentState state) {
  splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
  Fragment &fragment = warp.fragments[warp.current];
  fragment.state = state;
  fragment.waitMask = lanes;
}

/// Lanes that a guard makes skip an instruction which they would have to
/// execute together with the others.
void Cta::checkDivergentGuard(Warp &warp, const Instruction &i,
                              uint32_t lanes) {
  uint32_t skipping = warp.fragments[warp.current].mask & ~lanes;
  if (!skipping || !checks.barriers)
    return;
  bool together = i.has(FlagAligned) || i.control == Control::Aligned ||
                  i.control == Control::Warpgroup;
  if (i.control == Control::Collective || i.control == Control::WarpSync)
    together = warp.in<uint32_t>(i.e)[__builtin_ctz(lanes)] & skipping;
  if (together)
    report(ReportKind::Divergence, warp, i, unsigned(__builtin_ctz(skipping)),
           0,
           "the instruction's guard is false in a lane that must execute it "
           "together with the others");
}

void Cta::control(Warp &warp, const Instruction &i, uint32_t lanes) {
  Fragment &fragment = warp.fragments[warp.current];
  auto plain = [&] {
    i.handler(warp, i);
    if (checks.uninitialised || checks.races)
      finishRegisters(warp, i);
    ++warp.fragments[warp.current].pc;
  };
  checkDivergentGuard(warp, i, lanes);
  switch (i.control) {
  case Control::Plain:
    break;
  case Control::Branch: {
    uint32_t next = fragment.pc + 1;
    splitOff(warp, warp.current, lanes, next);
    warp.fragments[warp.current].pc = i.target;
    break;
  }
  case Control::BranchIndexed:
    return branchIndexed(warp, i, lanes);
  case Control::Call:
    return call(warp, i, lanes, warp.frame->function->calls[i.target].function);
  case Control::CallIndirect:
    return callIndirect(warp, i, lanes);
  case Control::CallBuiltin:
    callBuiltin(warp, i);
    ++warp.fragments[warp.current].pc;
    return;
  case Control::Return:
    if (warp.frame->caller)
      return functionReturn(warp, lanes);
    return exitLanes(warp, lanes);
  case Control::Exit:
    return exitLanes(warp, lanes);
  case Control::Trap:
    report(ReportKind::Trap, warp, i, unsigned(__builtin_ctz(lanes)), 0,
           "'trap' was executed");
    context.raise(Status::Trap);
    context.stop = true;
    return;
  case Control::Collective: {
    const uint32_t *members = warp.in<uint32_t>(i.e);
    uint32_t needed = 0;
    bool outside = false;
    for (uint32_t left = lanes; left; left &= left - 1) {
      unsigned lane = unsigned(__builtin_ctz(left));
      needed |= members[lane];
      outside |= !(members[lane] >> lane & 1);
    }
    if (outside && checks.barriers)
      report(ReportKind::Divergence, warp, i, unsigned(__builtin_ctz(lanes)), 0,
             "the member mask leaves out a lane that executes the instruction");
    if (needed & warp.live & ~lanes)
      return block(warp, lanes, FragmentState::Converging);
    return plain();
  }
  case Control::Aligned:
    if (lanes != warp.live)
      return block(warp, lanes, FragmentState::Converging);
    return plain();
  case Control::WarpSync:
    return warpSync(warp, i, lanes);
  case Control::Barrier:
    return barrier(warp, i, lanes);
  case Control::ClusterBarrier:
    return clusterBarrier(warp, i, lanes);
  case Control::MbarrierWait:
    return waitMbarrier(warp, i, lanes);
  case Control::Warpgroup:
    return warpgroup(warp, i, lanes);
  case Control::SetMaxRegisters:
    return setMaximumRegisters(warp, i, lanes);
  }
}

void Cta::branchIndexed(Warp &warp, const Instruction &i, uint32_t lanes) {
  const std::vector<uint32_t> &targets = warp.frame->function->tables[i.target];
  size_t index = warp.current;
  splitOff(warp, index, lanes, warp.fragments[index].pc + 1);
  const uint32_t *values = warp.in<uint32_t>(i.a);
  uint32_t left = lanes;
  while (left) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint32_t same = 0;
    for (uint32_t each = left; each; each &= each - 1)
      if (values[__builtin_ctz(each)] == values[lane])
        same |= each & (~each + 1);
    left &= ~same;
    uint32_t place = values[lane];
    if (place >= targets.size()) {
      report(ReportKind::InvalidOperand, warp, i, lane, 0,
             "index " + std::to_string(place) +
                 " of 'brx.idx' is outside of its table of " +
                 std::to_string(targets.size()));
      place = 0;
      if (targets.empty()) {
        context.stop = true;
        return;
      }
    }
    if (left == 0) {
      warp.fragments[index].mask = same;
      warp.fragments[index].pc = targets[place];
    } else {
      Fragment other = warp.fragments[index];
      other.mask = same;
      other.pc = targets[place];
      warp.fragments.push_back(other);
    }
  }
}

Frame *Cta::newFrame(Warp &warp, const Function &function, Frame *caller) {
  Frame *frame;
  if (warp.freeFrames.empty()) {
    warp.frames.push_back(std::make_unique<Frame>());
    frame = warp.frames.back().get();
  } else {
    frame = warp.freeFrames.back();
    warp.freeFrames.pop_back();
  }
  frame->function = &function;
  frame->caller = caller;
  frame->depth = caller ? caller->depth + 1 : 0;
  frame->localBase =
      caller ? caller->localBase + caller->function->localBytes : 0;
  frame->storage.assign(function.registerBytes + 64, 0);
  auto base = reinterpret_cast<uintptr_t>(frame->storage.data());
  frame->registers = reinterpret_cast<uint8_t *>((base + 63) / 64 * 64);
  if (checks.uninitialised || checks.races) {
    frame->defined.assign(function.registerOffsets.size(),
                          checks.uninitialised ? 0 : ~0u);
    frame->pendingWrite.assign(function.registerOffsets.size(), 0);
    frame->pendingRead.assign(function.registerOffsets.size(), 0);
    // The first wgmma needs a wgmma.fence, too.
    frame->unfenced.assign(
        kernel.matrixForms.empty() ? 0 : function.registerOffsets.size(), ~0u);
  }
  reserveLocal(warp, frame->localBase + function.localBytes);
  return frame;
}

void Cta::reserveLocal(Warp &warp, uint32_t bytes) {
  if (bytes <= warp.localStride)
    return;
  uint32_t stride = std::max((bytes + 63) / 64 * 64, warp.localStride * 2);
  std::vector<uint8_t> bigger(size_t(stride) * 32),
      biggerState(checks.uninitialised ? size_t(stride) * 32 : 0);
  for (unsigned lane = 0; lane < 32 && warp.localStride; ++lane) {
    std::copy_n(&warp.local[size_t(lane) * warp.localStride], warp.localStride,
                &bigger[size_t(lane) * stride]);
    if (checks.uninitialised)
      std::copy_n(&warp.localDefined[size_t(lane) * warp.localStride],
                  warp.localStride, &biggerState[size_t(lane) * stride]);
  }
  warp.local = std::move(bigger);
  warp.localDefined = std::move(biggerState);
  warp.localStride = stride;
}

void Cta::copySlots(Warp &warp, uint32_t lanes, uint32_t fromBase,
                    const std::vector<ParameterSlot> &from, uint32_t toBase,
                    const std::vector<ParameterSlot> &to) {
  for (size_t n = 0; n < from.size() && n < to.size(); ++n)
    for (uint32_t left = lanes; left; left &= left - 1) {
      size_t base = size_t(__builtin_ctz(left)) * warp.localStride;
      uint32_t bytes = std::min(from[n].bytes, to[n].bytes);
      std::memmove(&warp.local[base + toBase + to[n].offset],
                   &warp.local[base + fromBase + from[n].offset], bytes);
      if (checks.uninitialised)
        std::memmove(&warp.localDefined[base + toBase + to[n].offset],
                     &warp.localDefined[base + fromBase + from[n].offset],
                     bytes);
    }
}

void Cta::call(Warp &warp, const Instruction &i, uint32_t lanes,
               uint32_t number) {
  splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
  Fragment &fragment = warp.fragments[warp.current];
  if (fragment.frame->depth >= maximumCallDepth) {
    report(ReportKind::Trap, warp, i, unsigned(__builtin_ctz(lanes)), 0,
           "calls are nested more than " + std::to_string(maximumCallDepth) +
               " deep");
    context.raise(Status::Trap);
    context.stop = true;
    return;
  }
  const Function &function = kernel.functions[number];
  Frame *caller = fragment.frame;
  Frame *frame = newFrame(warp, function, caller);
  frame->returnPc = fragment.pc + 1;
  frame->callSite = i.target;
  frame->lanes = lanes;
  copySlots(warp, lanes, caller->localBase,
            caller->function->calls[i.target].arguments, frame->localBase,
            function.parameters);
  fragment.frame = frame;
  fragment.pc = 0;
}

void Cta::callIndirect(Warp &warp, const Instruction &i, uint32_t lanes) {
  const uint64_t *targets = warp.in<uint64_t>(i.a);
  unsigned lane = unsigned(__builtin_ctz(lanes));
  uint64_t target = targets[lane];
  uint32_t same = 0;
  for (uint32_t left = lanes; left; left &= left - 1)
    if (targets[__builtin_ctz(left)] == target)
      same |= left & (~left + 1);
  // Lanes with other targets come here again.
  if (same != lanes) {
    uint32_t pc = warp.fragments[warp.current].pc;
    splitOff(warp, warp.current, same, pc);
  } else {
    splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
  }
  const CallSite &site = warp.frame->function->calls[i.target];
  uint32_t number = ~0u;
  if ((target & functionTag) &&
      (target & ~functionTag) < context.module.functionNames.size()) {
    const std::string &name =
        context.module.functionNames[target & ~functionTag];
    for (size_t n = 1; n < kernel.functions.size(); ++n)
      if (kernel.functions[n].name == name)
        number = uint32_t(n);
  }
  bool fits =
      number != ~0u &&
      kernel.functions[number].parameters.size() == site.arguments.size() &&
      kernel.functions[number].results.size() == site.results.size();
  if (!fits) {
    report(
        ReportKind::InvalidOperand, warp, i, lane, target,
        "the address of an indirect call is no function of these parameters");
    context.stop = true;
    return;
  }
  call(warp, i, same, number);
}

void Cta::functionReturn(Warp &warp, uint32_t lanes) {
  splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
  Fragment &fragment = warp.fragments[warp.current];
  Frame *frame = fragment.frame, *caller = frame->caller;
  copySlots(warp, lanes, frame->localBase, frame->function->results,
            caller->localBase,
            caller->function->calls[frame->callSite].results);
  fragment.frame = caller;
  fragment.pc = frame->returnPc;
  frame->lanes &= ~lanes;
  if (!frame->lanes)
    warp.freeFrames.push_back(frame);
}

void Cta::exitLanes(Warp &warp, uint32_t lanes) {
  splitOff(warp, warp.current, lanes, warp.fragments[warp.current].pc + 1);
  removeLanes(warp, lanes);
}

void Cta::removeLanes(Warp &warp, uint32_t lanes) {
  warp.live &= ~lanes;
  ++changes;
  warp.fragments.erase(warp.fragments.begin() + long(warp.current));
  warp.current = 0;
  if (warp.fragments.empty()) {
    --liveWarps;
    if (liveWarps == 0)
      finishAsync();
  }
  checkBarriersAfterExit();
  cluster.checkClusterBarrier();
}
