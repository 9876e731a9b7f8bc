// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ldmatrix, stmatrix, movmatrix, mma, wgmma: operands gathered from registers
// and shared memory; the arithmetic is in Matrix*.cpp.
#include "Cta.h"
#include "LaneLoops.h"
#include "MatrixLayout.h"
#include <algorithm>

using namespace trine::sim;

namespace {

bool wholeWarp(Warp &warp, const Instruction &i) {
  if (warp.mask == ~0u)
    return true;
  warp.cta->report(ReportKind::Divergence, warp, i,
                   unsigned(__builtin_ctz(warp.mask)), 0,
                   "a matrix instruction needs all 32 lanes of the warp");
  return false;
}

AccumulateMode accumulateMode(const Cta &cta, MatrixType operand) {
  AccumulateMode mode;
  switch (cta.context.launch.options.matrix) {
  case MatrixMode::Exact:
    break;
  case MatrixMode::Slices:
    mode.kind = AccumulateMode::Sliced;
    mode.sliceLength = 8;
    mode.seed = cta.context.launch.options.seed;
    break;
  case MatrixMode::Truncate:
    return getHopperAccumulateMode(operand);
  }
  return mode;
}

/// The rows of ldmatrix and stmatrix: 16 bytes at the address of each of the
/// first 8 * count lanes.
void resolveRows(Warp &warp, const Instruction &i, bool write, Access &access) {
  Cta &cta = *warp.cta;
  uint32_t mask = warp.mask;
  warp.mask = i.count == 4 ? ~0u : (1u << (8 * i.count)) - 1;
  cta.resolve(warp, i, i.a, i.offset, i.has(FlagWideAddress), 16, write,
              access);
  warp.mask = mask;
  for (uint32_t left = access.lanes & ~access.sharedLanes; left;
       left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    cta.report(ReportKind::OutOfBounds, warp, i, lane, access.address[lane],
               "the rows of a matrix lie in shared memory");
  }
  access.lanes &= access.sharedLanes;
  if (access.sharedLanes)
    cta.checkShared(warp, i, access, 16,
                    write ? AccessKind::Write : AccessKind::Read);
}

} // namespace

void handlers::loadMatrix(Warp &warp, const Instruction &i) {
  if (!wholeWarp(warp, i))
    return;
  Access access;
  resolveRows(warp, i, false, access);
  alignas(16) uint8_t rows[32][16] = {};
  for (uint32_t left = access.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    std::memcpy(rows[lane], access.host[lane], 16);
  }
  uint32_t *registers[4];
  for (unsigned n = 0; n < i.count; ++n)
    registers[n] = warp.out<uint32_t>(warp.frame->function->lists[i.list + n]);
  loadMatrices(i.count, i.has(FlagTransposed), rows, registers);
}

void handlers::storeMatrix(Warp &warp, const Instruction &i) {
  if (!wholeWarp(warp, i))
    return;
  Access access;
  resolveRows(warp, i, true, access);
  alignas(16) uint8_t rows[32][16];
  const uint32_t *registers[4];
  for (unsigned n = 0; n < i.count; ++n)
    registers[n] = warp.in<uint32_t>(warp.frame->function->lists[i.list + n]);
  storeMatrices(i.count, i.has(FlagTransposed), registers, rows);
  for (uint32_t left = access.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    std::memcpy(access.host[lane], rows[lane], 16);
  }
}

void handlers::moveMatrix(Warp &warp, const Instruction &i) {
  if (!wholeWarp(warp, i))
    return;
  transposeMatrix(warp.in<uint32_t>(i.a), warp.out<uint32_t>(i.d));
}

void handlers::multiplyMatrix(Warp &warp, const Instruction &i) {
  if (!wholeWarp(warp, i))
    return;
  const MatrixForm &form = warp.cta->kernel.matrixForms[i.extra];
  const Reference *list = &warp.frame->function->lists[i.list];
  unsigned counts[4] = {form.mmaRegisters.a, form.mmaRegisters.b,
                        form.mmaRegisters.c, form.mmaRegisters.d};
  if (form.mma.d == MatrixType::F64) {
    const uint64_t *sources[3][16];
    uint64_t *results[16];
    for (unsigned operand = 0; operand < 4; ++operand)
      for (unsigned n = 0; n < counts[operand]; ++n, ++list) {
        if (operand < 3)
          sources[operand][n] = warp.in<uint64_t>(*list);
        else
          results[n] = warp.out<uint64_t>(*list);
      }
    return multiplyF64Matrices(form.mma, sources[0], sources[1], sources[2],
                               results);
  }
  const uint32_t *sources[3][16];
  uint32_t *results[16];
  for (unsigned operand = 0; operand < 4; ++operand)
    for (unsigned n = 0; n < counts[operand]; ++n, ++list) {
      if (operand < 3)
        sources[operand][n] = warp.in<uint32_t>(*list);
      else
        results[n] = warp.out<uint32_t>(*list);
    }
  multiplyMatrices(form.mma, accumulateMode(*warp.cta, form.mma.a), sources[0],
                   sources[1], sources[2], results);
}

/// Runs once, in the last of the four warps.
void handlers::warpgroupMultiply(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  const MatrixForm &form = cta.kernel.matrixForms[i.extra];
  uint32_t group = warp.index / 4;
  bool checked = !cta.sharedState.empty();
  uint64_t descriptors[2] = {0, warp.in<uint64_t>(i.b)[0]};
  if (!form.wgmma.aInRegisters)
    descriptors[0] = warp.in<uint64_t>(i.a)[0];
  bool scaleD = warp.predicate(i.c) & 1;

  const Reference *list = &warp.frame->function->lists[i.list];
  unsigned aCount = form.wgmma.aInRegisters ? form.wgmmaRegisters.a : 0,
           dCount = form.wgmmaRegisters.d;
  std::vector<const uint32_t *> a;
  std::vector<uint32_t *> d;
  bool differ = false, unfenced = false;
  for (uint32_t w = group * 4; w < group * 4 + 4; ++w) {
    Warp &other = *cta.warps[w];
    Frame &frame = *other.fragments[0].frame;
    other.useFrame(&frame);
    for (unsigned n = 0; n < aCount; ++n)
      a.push_back(other.in<uint32_t>(list[n]));
    for (unsigned n = 0; n < dCount; ++n)
      d.push_back(other.out<uint32_t>(list[aCount + n]));
    for (unsigned l = 0; l < 32; ++l) {
      differ |= other.in<uint64_t>(i.b)[l] != descriptors[1];
      differ |= !form.wgmma.aInRegisters &&
                other.in<uint64_t>(i.a)[l] != descriptors[0];
    }
    uint32_t scale = other.predicate(i.c);
    differ |= scale != (scaleD ? ~0u : 0);
    if (!checked)
      continue;
    for (uint32_t reg : form.dRegisters) {
      if (scaleD && cta.checks.uninitialised && ~frame.defined[reg]) {
        cta.report(ReportKind::Uninitialised, other, i,
                   unsigned(__builtin_ctz(~frame.defined[reg])), 0,
                   "accumulator '" + frame.function->registerNames[reg] +
                       "' is used, but was not written");
        frame.defined[reg] = ~0u;
      }
      unfenced |= !frame.unfenced.empty() && frame.unfenced[reg];
    }
    for (uint32_t reg : form.aRegisters)
      unfenced |= !frame.unfenced.empty() && frame.unfenced[reg];
  }
  if (differ && cta.checks.barriers)
    cta.report(ReportKind::InvalidOperand, warp, i, 0, descriptors[1],
               "descriptors and scale-d must be the same in all lanes of the "
               "warpgroup");
  if (unfenced && cta.checks.races)
    cta.report(ReportKind::MissingWait, warp, i, 0, 0,
               "a register of this wgmma was written (or no wgmma came before) "
               "without "
               "a wgmma.fence since");

  PendingMatrix pending;
  std::vector<float> tiles[2];
  std::string error;
  thread_local std::vector<uint32_t> chunks;
  for (unsigned operand = 0; operand < 2; ++operand) {
    if (operand == 0 && form.wgmma.aInRegisters) {
      gatherRegistersA(form.wgmma, a.data(), tiles[0]);
      continue;
    }
    chunks.clear();
    auto which = operand == 0 ? WgmmaOperand::A : WgmmaOperand::B;
    if (!listOperandChunks(form.wgmma, which,
                           decodeMatrixDescriptor(descriptors[operand]), chunks,
                           error)) {
      cta.report(ReportKind::InvalidOperand, warp, i, 0, descriptors[operand],
                 std::string("the descriptor of ") + (operand ? "B" : "A") +
                     ": " + error);
      return;
    }
    for (uint32_t address : chunks) {
      if (address < sharedReserved || address + 16 > cta.sharedEnd) {
        cta.report(ReportKind::OutOfBounds, warp, i, 0, address,
                   std::string("operand ") + (operand ? "B" : "A") +
                       " reads 16 bytes at " + cta.describeShared(address));
        return;
      }
    }
    if (checked) {
      cta.beginMatrixRead(group, i, chunks);
      pending.chunks.insert(pending.chunks.end(), chunks.begin(), chunks.end());
    }
    gatherOperand(form.wgmma, which, cta.shared, chunks, tiles[operand]);
  }
  multiplyTiles(form.wgmma, accumulateMode(cta, form.wgmma.a), scaleD, tiles[0],
                tiles[1], d.data());
  if (!checked)
    return;
  pending.group = cta.async.matrixGroup[group];
  pending.warpgroup = group;
  pending.form = i.extra;
  for (uint32_t address : pending.chunks)
    cta.async.addRead(address);
  for (uint32_t w = 0; w < 4; ++w) {
    Warp &other = *cta.warps[group * 4 + w];
    pending.frames[w] = other.fragments[0].frame;
    ++other.pendingRegisters;
  }
  cta.markMatrix(pending, 0xf);
  cta.async.matrices.push_back(std::move(pending));
}

void Cta::markMatrix(const PendingMatrix &pending, uint32_t warpsMarked) {
  const MatrixForm &form = kernel.matrixForms[pending.form];
  for (uint32_t w = 0; w < 4; ++w) {
    if (!(warpsMarked >> w & 1))
      continue;
    for (uint32_t reg : form.dRegisters)
      pending.frames[w]->pendingWrite[reg] = ~0u;
    for (uint32_t reg : form.aRegisters)
      pending.frames[w]->pendingRead[reg] = ~0u;
  }
}

void handlers::warpgroupFence(Warp &warp, const Instruction &) {
  if (!warp.frame->unfenced.empty())
    std::fill(warp.frame->unfenced.begin(), warp.frame->unfenced.end(), 0);
}

void handlers::warpgroupCommit(Warp &warp, const Instruction &) {
  // Each warp commits; the group is the warpgroup's, counted in its first warp.
  Cta &cta = *warp.cta;
  uint32_t group = warp.index / 4;
  ++warp.matrixCommits;
  cta.async.matrixGroup[group] =
      std::max(cta.async.matrixGroup[group], warp.matrixCommits);
}

void handlers::warpgroupWait(Warp &warp, const Instruction &i) {
  Cta &cta = *warp.cta;
  uint32_t group = warp.index / 4, self = warp.index % 4;
  bool any = false;
  for (PendingMatrix &each : cta.async.matrices) {
    if (each.warpgroup != group || (each.waited >> self & 1) ||
        each.group + i.extra >= warp.matrixCommits)
      continue;
    // One warp's wait proves that the reads of shared memory are over.
    if (!each.waited)
      for (uint32_t address : each.chunks)
        cta.async.removeRead(address);
    each.waited |= 1u << self;
    --warp.pendingRegisters;
    any = true;
  }
  if (!any)
    return;
  std::vector<PendingMatrix> &all = cta.async.matrices;
  std::fill(warp.frame->pendingWrite.begin(), warp.frame->pendingWrite.end(),
            0);
  std::fill(warp.frame->pendingRead.begin(), warp.frame->pendingRead.end(), 0);
  for (const PendingMatrix &each : all)
    if (each.warpgroup == group && !(each.waited >> self & 1))
      cta.markMatrix(each, 1u << self);
  all.erase(std::remove_if(
                all.begin(), all.end(),
                [](const PendingMatrix &each) { return each.waited == 0xf; }),
            all.end());
}
