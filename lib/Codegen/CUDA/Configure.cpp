// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How generic kernels are launched.
#include "KernelWriter.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

/// What a dynamic size counts as: the elements of a tile stay around this.
static constexpr int64_t kUnknownSize = 256;
static constexpr unsigned kMostThreads = 256;
/// Threads that are workgroups of their own.
static constexpr unsigned kSeparateThreads = 64;

/// Whether the iterations of `loop` are shared by the threads of a block.
static bool isDistributed(scf::ForallOp loop) {
  if (loop->hasAttr(kWorkgroupsAttr))
    return false;
  bool scalar = true;
  loop.walk([&](Operation *op) {
    scalar &= !isa<linalg::LinalgOp, memref::CopyOp>(op);
  });
  return scalar;
}

/// Points that a block could compute at the same time.
static int64_t countPoints(linalg::LinalgOp op) {
  int64_t points = 1;
  bool reduces = false;
  for (auto [size, kind] :
       llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray())) {
    reduces |= kind != utils::IteratorType::parallel;
    if (kind == utils::IteratorType::parallel)
      points *= ShapedType::isDynamic(size) ? kUnknownSize
                                            : std::max<int64_t>(1, size);
    points = std::min<int64_t>(points, kUnknownSize);
  }
  return reduces ? points * 32 : points;
}

/// Whether a workgroup reads its few elements, computes with scalars, in loops,
/// too, and writes what came out.
static bool isRow(func::FuncOp function) {
  scf::ForallOp groups;
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto loop = dyn_cast<scf::ForallOp>(op);
    if (loop && (groups || !loop->hasAttr(kWorkgroupsAttr)))
      return false;
    if (loop)
      groups = loop;
    else if (op.getNumRegions() != 0 || isa<memref::AllocaOp>(op))
      return false;
  }
  if (!groups)
    return false;
  bool inRegisters = true;
  groups.walk([&](Operation *op) {
    if (op->getParentOp() != groups && op != groups)
      inRegisters &= !isa<memref::LoadOp, memref::StoreOp>(op);
    inRegisters &=
        !isa<memref::AllocaOp, memref::CopyOp, linalg::LinalgOp, scf::WhileOp>(
            op);
  });
  return inRegisters;
}

GenericConfiguration cuda::configureGeneric(func::FuncOp function) {
  GenericConfiguration result;
  bool isOrdered = false, hasWorkgroups = false;
  int64_t points = 1;
  function.walk([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForallOp>(op)) {
      hasWorkgroups |= loop->hasAttr(kWorkgroupsAttr);
      if (isDistributed(loop))
        points = kMostThreads;
    } else if (auto linalg = dyn_cast<linalg::LinalgOp>(op)) {
      points = std::max(points, countPoints(linalg));
    } else if (isa<memref::CopyOp>(op)) {
      points = std::max<int64_t>(points, 128);
    } else if (isa<memref::StoreOp>(op)) {
      auto loop = op->getParentOfType<scf::ForallOp>();
      while (loop && !isDistributed(loop))
        loop = loop->getParentOfType<scf::ForallOp>();
      isOrdered |= !loop;
    }
  });
  if (isOrdered) {
    result.granularity =
        isRow(function) ? Granularity::Row : Granularity::Thread;
    result.threads = hasWorkgroups ? kSeparateThreads : 1;
    result.workgroupsPerBlock = result.threads;
    return result;
  }
  result.threads = 32;
  while (result.threads < kMostThreads && result.threads < points)
    result.threads *= 2;
  return result;
}
