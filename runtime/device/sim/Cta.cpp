// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A CTA's state, its memory, and its reports.
#include "Cta.h"
#include <algorithm>

using namespace trine::sim;

namespace {
const char *kindName(ReportKind kind) {
  switch (kind) {
  case ReportKind::OutOfBounds:
    return "out of bounds";
  case ReportKind::Misaligned:
    return "misaligned";
  case ReportKind::Uninitialised:
    return "uninitialised";
  case ReportKind::Race:
    return "race";
  case ReportKind::BarrierMisuse:
    return "barrier misuse";
  case ReportKind::MissingWait:
    return "missing wait";
  case ReportKind::Deadlock:
    return "deadlock";
  case ReportKind::StepLimit:
    return "step limit";
  case ReportKind::Trap:
    return "trap";
  case ReportKind::Divergence:
    return "divergence";
  case ReportKind::InvalidOperand:
    return "invalid operand";
  }
  return "";
}
std::string hex(uint64_t value) {
  char text[32];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}
std::string dimensions(Dim3 dim) {
  return "(" + std::to_string(dim.x) + ", " + std::to_string(dim.y) + ", " +
         std::to_string(dim.z) + ")";
}
} // namespace

std::string Report::str() const {
  std::string text = std::string(kindName(kind)) + " in '" + kernel +
                     "', line " + std::to_string(line);
  if (!source.empty())
    text += " (" + source + ")";
  text += ", block " + dimensions(cta) + ", thread " + dimensions(thread);
  if (address)
    text += ", address " + hex(address);
  text += ": " + message;
  if (!this->text.empty())
    text += "\n  " + this->text;
  return text;
}

std::string Result::text() const {
  std::string all = status == Status::Ok ? "ok" : message;
  for (const Report &report : reports)
    all += "\n" + report.str();
  if (reportsDropped)
    all += "\n(" + std::to_string(reportsDropped) + " more reports)";
  return all;
}

void LaunchContext::raise(Status status) {
  std::lock_guard<std::mutex> guard(mutex);
  if (result.status == Status::Ok || result.status == Status::Reported)
    result.status = status;
}

Cta::Cta(LaunchContext &context, Cluster &cluster, Dim3 id, uint32_t rank)
    : context(context), cluster(cluster), kernel(context.kernel), id(id),
      rank(rank), checks(context.launch.options.checks) {
  const Launch &launch = context.launch;
  threads = launch.block.x * launch.block.y * launch.block.z;
  paddedThreads = (threads + 31) / 32 * 32;
  sharedEnd = kernel.dynamicSharedOffset +
              (kernel.info.usesDynamicShared ? launch.dynamicSharedBytes : 0);
  sharedStorage.assign(sharedEnd + 1024 + 64, 0xcd);
  auto base = reinterpret_cast<uintptr_t>(sharedStorage.data());
  shared = reinterpret_cast<uint8_t *>((base + 1023) / 1024 * 1024);
  if (checks.uninitialised || checks.races)
    sharedState.assign(sharedEnd, checks.uninitialised ? 0 : 1);
  if (checks.races)
    async.reads.assign(sharedEnd / 16 + 1, 0);
  async.mbarrierAt.assign(sharedEnd / 8 + 1, 0);
  async.copyGroup.assign(paddedThreads, 0);
  async.bulkGroup.assign(paddedThreads, 0);
  async.matrixGroup.assign(paddedThreads / 128 + 1, 0);
  for (NamedBarrier &barrier : barriers)
    barrier.lanes.assign(paddedThreads / 32, 0);
  startWarps();
}

Dim3 Cta::threadId(uint32_t linear) const {
  const Dim3 &block = context.launch.block;
  return {linear % block.x, linear / block.x % block.y,
          linear / block.x / block.y};
}

/// Special registers that are the same in all warps of the CTA.
void Cta::fillSpecials(Warp &warp, uint32_t count) {
  const Launch &launch = context.launch;
  Dim3 clusterId{id.x / cluster.size.x, id.y / cluster.size.y,
                 id.z / cluster.size.z};
  Dim3 inCluster{id.x % cluster.size.x, id.y % cluster.size.y,
                 id.z % cluster.size.z};
  auto *table = reinterpret_cast<uint32_t *>(warp.specials.data());
  auto put = [&](Special special, uint32_t lane, uint32_t value) {
    table[size_t(special) * 32 + lane] = value;
  };
  auto set = [&](Special special, uint32_t value) {
    uint32_t *lane = table + size_t(special) * 32;
    std::fill(lane, lane + 32, value);
  };
  auto set3 = [&](Special x, Dim3 value) {
    set(x, value.x);
    set(Special(uint8_t(x) + 1), value.y);
    set(Special(uint8_t(x) + 2), value.z);
  };
  set3(Special::NtidX, launch.block);
  set3(Special::CtaidX, id);
  set3(Special::NctaidX, launch.grid);
  set(Special::Nwarpid, count);
  set(Special::Smid, 0);
  set(Special::Nsmid, 1);
  set(Special::Gridid, 1);
  set3(Special::ClusteridX, clusterId);
  set3(Special::NclusteridX,
       {launch.grid.x / cluster.size.x, launch.grid.y / cluster.size.y,
        launch.grid.z / cluster.size.z});
  set3(Special::ClusterCtaidX, inCluster);
  set3(Special::ClusterNctaidX, cluster.size);
  set(Special::ClusterCtarank, rank);
  set(Special::ClusterNctarank,
      cluster.size.x * cluster.size.y * cluster.size.z);
  set(Special::DynamicSharedSize, launch.dynamicSharedBytes);
  set(Special::TotalSharedSize, sharedEnd - sharedReserved);
  set(Special::WarpSize, 32);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t below = (1u << lane) - 1, self = 1u << lane;
    put(Special::Laneid, lane, lane);
    put(Special::LanemaskEq, lane, self);
    put(Special::LanemaskLt, lane, below);
    put(Special::LanemaskLe, lane, below | self);
    put(Special::LanemaskGt, lane, ~(below | self));
    put(Special::LanemaskGe, lane, ~below);
  }
}

void Cta::startWarps() {
  const Launch &launch = context.launch;
  uint32_t count = paddedThreads / 32;
  for (uint32_t w = 0; w < count; ++w) {
    auto warp = std::make_unique<Warp>();
    warp->cta = this;
    warp->index = w;
    uint32_t lanes = std::min(32u, threads - w * 32);
    warp->live = warp->existing = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warp->perturbs = launch.options.perturbApproximations;
    warp->seed = launch.options.seed;
    if (w == 0) {
      warp->specials.assign(size_t(Special::Count) * 128, 0);
      fillSpecials(*warp, count);
    } else {
      // All warps of a CTA share all but their number and their threads'.
      warp->specials = warps[0]->specials;
    }
    auto *table = reinterpret_cast<uint32_t *>(warp->specials.data());
    for (uint32_t lane = 0; lane < 32; ++lane) {
      Dim3 thread = threadId(w * 32 + lane);
      table[size_t(Special::TidX) * 32 + lane] = thread.x;
      table[size_t(Special::TidY) * 32 + lane] = thread.y;
      table[size_t(Special::TidZ) * 32 + lane] = thread.z;
      table[size_t(Special::Warpid) * 32 + lane] = w;
    }
    Frame *frame = newFrame(*warp, kernel.functions[0], nullptr);
    frame->lanes = warp->live;
    Fragment fragment;
    fragment.mask = warp->live;
    fragment.frame = frame;
    warp->fragments.push_back(fragment);
    warps.push_back(std::move(warp));
  }
  liveWarps = count;
}

std::string Cta::describeShared(uint32_t offset) const {
  for (const SharedVariable &variable : kernel.sharedVariables)
    if (offset >= variable.begin && offset < variable.end)
      return "byte " + std::to_string(offset - variable.begin) +
             " of shared '" + variable.name + "'";
  if (offset >= kernel.dynamicSharedOffset && offset < sharedEnd)
    return "byte " + std::to_string(offset - kernel.dynamicSharedOffset) +
           " of dynamic shared memory";
  return "shared address " + std::to_string(offset) + ", outside of " +
         std::to_string(sharedEnd - sharedReserved) +
         " bytes of shared memory at " + std::to_string(sharedReserved);
}

void Cta::report(ReportKind kind, const Warp &warp, const Instruction &i,
                 unsigned lane, uint64_t address, std::string message) {
  std::lock_guard<std::mutex> guard(context.mutex);
  Result &result = context.result;
  if (result.status == Status::Ok)
    result.status = Status::Reported;
  if (result.reports.size() >= context.launch.options.reportLimit ||
      !context.reported.insert({uint32_t(kind), &i}).second) {
    ++result.reportsDropped;
  } else {
    Report made;
    made.kind = kind;
    made.kernel = kernel.info.name;
    for (const Function &function : kernel.functions) {
      // Late work may be reported when its warp is elsewhere.
      if (&i < function.code.data() ||
          &i >= function.code.data() + function.code.size())
        continue;
      auto pc = size_t(&i - function.code.data());
      const LineInfo &info = function.lines[pc];
      made.line = info.line;
      if (info.line > 0 && info.line <= context.module.lines.size())
        made.text = context.module.lines[info.line - 1];
      if (info.sourceLine) {
        auto file = context.module.files.find(info.sourceFile);
        made.source = (file == context.module.files.end()
                           ? std::to_string(info.sourceFile)
                           : file->second) +
                      ":" + std::to_string(info.sourceLine);
      }
    }
    made.cta = id;
    made.thread = threadId(linearThread(warp, lane));
    made.address = address;
    made.message = std::move(message);
    result.reports.push_back(std::move(made));
  }
  if (context.launch.options.stopAtFirstReport)
    context.stop = true;
}

uint8_t *Cta::global(Warp &warp, const Instruction &i, unsigned lane,
                     uint64_t address, uint64_t bytes, bool write,
                     uint8_t **defined) {
  const Allocation *found = lastAllocation;
  if (!found || address < found->begin || address >= found->end) {
    found = context.memory.find(address);
    if (found)
      lastAllocation = found;
  }
  if (!found || bytes > found->end - address) {
    report(ReportKind::OutOfBounds, warp, i, lane, address,
           std::string(write ? "write" : "read") + " of " +
               std::to_string(bytes) +
               " bytes of global memory: " + context.memory.describe(address));
    return nullptr;
  }
  if (write && !found->writable) {
    report(ReportKind::OutOfBounds, warp, i, lane, address,
           "write to read-only memory: " + context.memory.describe(address));
    return nullptr;
  }
  if (defined)
    *defined =
        found->defined ? found->defined + (address - found->begin) : nullptr;
  return reinterpret_cast<uint8_t *>(uintptr_t(address));
}

Cta *Cta::sharedTarget(Warp &warp, const Instruction &i, unsigned lane,
                       uint64_t address, uint64_t bytes, uint32_t &offset) {
  if ((address & genericTagMask) == genericShared)
    address &= ~genericTagMask;
  offset = uint32_t(address) & sharedOffsetMask;
  uint32_t field = uint32_t(address) >> sharedOffsetBits;
  Cta *target = this;
  if (field != 0) {
    if (field - 1 >= cluster.ctas.size()) {
      report(ReportKind::OutOfBounds, warp, i, lane, address,
             "the address names rank " + std::to_string(field - 1) +
                 " of a cluster of " + std::to_string(cluster.ctas.size()));
      return nullptr;
    }
    target = cluster.ctas[field - 1].get();
    if (target->finished()) {
      report(ReportKind::OutOfBounds, warp, i, lane, address,
             "the CTA whose shared memory this is has ended");
      return nullptr;
    }
  }
  if (offset < sharedReserved || offset > target->sharedEnd ||
      bytes > target->sharedEnd - offset) {
    report(ReportKind::OutOfBounds, warp, i, lane, address,
           std::to_string(bytes) + " bytes at " +
               target->describeShared(offset));
    return nullptr;
  }
  return target;
}

void Cta::resolve(Warp &warp, const Instruction &i, Reference base,
                  int64_t displacement, bool wideAddress, unsigned bytes,
                  bool write, Access &access) {
  access.lanes = 0;
  access.sharedLanes = 0;
  uint32_t lanes = warp.mask;
  if (wideAddress) {
    const uint64_t *from = warp.in<uint64_t>(base);
    for (unsigned l = 0; l < 32; ++l)
      access.address[l] = from[l] + uint64_t(displacement);
  } else {
    const uint32_t *from = warp.in<uint32_t>(base);
    for (unsigned l = 0; l < 32; ++l)
      access.address[l] = uint64_t(from[l]) + uint64_t(displacement);
  }
  if (i.has(FlagFrame))
    for (unsigned l = 0; l < 32; ++l)
      access.address[l] += warp.frame->localBase;
  uint64_t low = 0;
  for (uint32_t left = lanes; left; left &= left - 1)
    low |= access.address[__builtin_ctz(left)];
  if (low & (bytes - 1)) {
    // Hardware faults; the access is not made, so that a mutant cannot hide
    // behind it.
    for (uint32_t left = lanes; left; left &= left - 1) {
      unsigned lane = unsigned(__builtin_ctz(left));
      if (!(access.address[lane] & (bytes - 1)))
        continue;
      lanes &= ~(1u << lane);
      if (checks.alignment)
        report(ReportKind::Misaligned, warp, i, lane, access.address[lane],
               "an access of " + std::to_string(bytes) +
                   " bytes is not aligned to its size");
      else
        lanes |= 1u << lane;
    }
  }
  Space space = i.space;
  if ((space == Space::Global || space == Space::Const) && lanes) {
    // Most instructions stay within one allocation: that of their first lane.
    uint64_t first = access.address[__builtin_ctz(lanes)];
    const Allocation *last = lastAllocation;
    if (!last || first - last->begin >= last->end - last->begin)
      if (const Allocation *found = context.memory.find(first))
        last = lastAllocation = found;
    uint64_t begin = last ? last->begin : 1,
             room = last ? last->end - last->begin : 0;
    bool all = last && room >= bytes && (!write || last->writable);
    uint32_t outside = 0;
    for (unsigned l = 0; l < 32; ++l) {
      access.host[l] =
          reinterpret_cast<uint8_t *>(uintptr_t(access.address[l]));
      outside |= uint32_t(access.address[l] - begin > room - bytes) << l;
    }
    if (all && !(outside & lanes)) {
      if (uint8_t *defined = last->defined) {
        access.tracked = true;
        // Lanes that are not active may hold any number: no pointer arithmetic.
        for (unsigned l = 0; l < 32; ++l)
          access.defined[l] =
              reinterpret_cast<uint8_t *>(reinterpret_cast<uintptr_t>(defined) +
                                          uintptr_t(access.address[l] - begin));
      }
      access.lanes = lanes;
      return;
    }
  }
  if (space == Space::Shared) {
    uint32_t outside = 0;
    for (unsigned l = 0; l < 32; ++l) {
      uint32_t address = uint32_t(access.address[l]);
      access.sharedOffset[l] = address;
      access.host[l] = reinterpret_cast<uint8_t *>(
          reinterpret_cast<uintptr_t>(shared) + address);
      access.rank[l] = uint8_t(rank);
      outside |= uint32_t(address - sharedReserved >
                          sharedEnd - sharedReserved - bytes)
                 << l;
    }
    if (sharedEnd - sharedReserved >= bytes && !(outside & lanes)) {
      access.lanes = access.sharedLanes = lanes;
      return;
    }
  }
  access.tracked = true;
  for (uint32_t left = lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint64_t address = access.address[lane];
    Space where = space;
    if (space == Space::Generic) {
      uint64_t tag = address & genericTagMask;
      where = tag == genericShared  ? Space::Shared
              : tag == genericLocal ? Space::Local
              : tag == genericParam ? Space::Param
                                    : Space::Global;
      if (where != Space::Global)
        address &= ~genericTagMask;
    }
    uint8_t *host = nullptr;
    access.defined[lane] = nullptr;
    switch (where) {
    case Space::Shared: {
      uint32_t offset = 0;
      Cta *target = sharedTarget(warp, i, lane, address, bytes, offset);
      if (!target)
        continue;
      host = target->shared + offset;
      access.sharedOffset[lane] = offset;
      access.rank[lane] = uint8_t(target->rank);
      access.sharedLanes |= 1u << lane;
      break;
    }
    case Space::Local:
      if (address > warp.localStride || bytes > warp.localStride - address) {
        report(ReportKind::OutOfBounds, warp, i, lane, address,
               std::to_string(bytes) + " bytes outside of " +
                   std::to_string(warp.localStride) + " bytes of local memory");
        continue;
      }
      host = &warp.local[size_t(lane) * warp.localStride + address];
      if (checks.uninitialised)
        access.defined[lane] =
            &warp.localDefined[size_t(lane) * warp.localStride + address];
      break;
    case Space::Param:
      if (write || address > context.parameters.size() ||
          bytes > context.parameters.size() - address) {
        report(ReportKind::OutOfBounds, warp, i, lane, address,
               std::string(write ? "write to" : "read outside of") +
                   " the kernel's " +
                   std::to_string(context.parameters.size()) +
                   " bytes of parameters");
        continue;
      }
      host = context.parameters.data() + address;
      break;
    default:
      host =
          global(warp, i, lane, address, bytes, write, &access.defined[lane]);
      if (!host)
        continue;
    }
    access.host[lane] = host;
    access.lanes |= 1u << lane;
  }
}

void Cta::checkShared(Warp &warp, const Instruction &i, Access &access,
                      unsigned bytes, AccessKind kind) {
  if (sharedState.empty())
    return;
  for (uint32_t left = access.sharedLanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    uint32_t offset = access.sharedOffset[lane];
    Cta &target =
        access.rank[lane] == rank ? *this : *cluster.ctas[access.rank[lane]];
    uint8_t *state = &target.sharedState[offset];
    uint8_t least = 1, most = 1;
    for (unsigned n = 0; n < bytes; ++n) {
      least = std::min(least, state[n]);
      most = std::max(most, state[n]);
    }
    if (most == 2)
      report(ReportKind::MissingWait, warp, i, lane, offset,
             target.describeShared(offset) +
                 " is the destination of an asynchronous copy that is not "
                 "known to be complete");
    else if (least == 0 && kind != AccessKind::Write && checks.uninitialised)
      report(ReportKind::Uninitialised, warp, i, lane, offset,
             target.describeShared(offset) + " is read, but was not written");
    if (kind == AccessKind::Write || kind == AccessKind::Atomic || least == 0)
      for (unsigned n = 0; n < bytes; ++n)
        if (state[n] != 2)
          state[n] = 1;
    if (target.async.mbarrierAt[offset / 8] &&
        target.async.find(offset)->live && checks.barriers)
      report(ReportKind::BarrierMisuse, warp, i, lane, offset,
             target.describeShared(offset) + " holds a live mbarrier");
    if (!checks.races)
      continue;
    if (kind != AccessKind::Read && target.async.isBeingRead(offset, bytes))
      report(ReportKind::MissingWait, warp, i, lane, offset,
             target.describeShared(offset) +
                 " is written while an asynchronous read of it is not known to "
                 "be complete");
    std::string race = cluster.races->access(actor(warp, lane), target.rank,
                                             offset, bytes, kind, &i);
    if (!race.empty())
      report(ReportKind::Race, warp, i, lane, offset,
             target.describeShared(offset) + ": " + race);
  }
}

void Cta::strongRead(Warp &warp, const Access &access) {
  for (uint32_t left = access.sharedLanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    cluster.races->observe(actor(warp, lane), access.rank[lane],
                           access.sharedOffset[lane]);
  }
}

void Cta::strongWrite(Warp &warp, const Access &access, bool releases) {
  for (uint32_t left = access.sharedLanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    cluster.races->publish(actor(warp, lane), access.rank[lane],
                           access.sharedOffset[lane], releases);
  }
}
