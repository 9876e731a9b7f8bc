// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Plan.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINECHECKLEVELPLAN
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

static bool isLegalInKernel(Operation *op) {
  if (isa<plan::ReturnOp>(op))
    return true;
  if (isa<WeightOp, RequireOp>(op))
    return false;
  return isa_and_nonnull<linalg::LinalgDialect, tensor::TensorDialect,
                         arith::ArithDialect, math::MathDialect,
                         scf::SCFDialect, affine::AffineDialect, TrineDialect>(
      op->getDialect());
}

static bool isLegalInSequence(Operation *op) {
  if (isa<plan::LaunchOp, plan::LoadWeightOp, plan::ArenaOp, plan::OutputOp,
          plan::ReadOp, plan::RequireOp, plan::YieldOp, plan::PrefetchIssueOp,
          plan::PrefetchAwaitOp, plan::EngramHashOp, func::ReturnOp>(op))
    return true;
  if (isa<plan::SelectOp>(op) && op->getNumResults() == 0)
    return true;
  if (isa<memref::ViewOp, memref::ExpandShapeOp, memref::CollapseShapeOp,
          memref::CastOp, memref::ReinterpretCastOp, memref::DimOp>(op))
    return true;
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect,
                         affine::AffineDialect, scf::SCFDialect>(
             op->getDialect()) &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

namespace {
struct CheckLevelPlan : trine::impl::TrineCheckLevelPlanBase<CheckLevelPlan> {
  void runOnOperation() override {
    if (failed(check()))
      signalPassFailure();
    else
      markAllAnalysesPreserved();
  }

private:
  LogicalResult illegal(Operation *op, StringRef where) {
    return op->emitError() << "'" << op->getName()
                           << "' may not be at the plan level in " << where;
  }

  /// Computed values do not overlap, and what weights take from them is
  /// computed by some program.
  LogicalResult checkComputed() {
    ComputedRanges ranges(getOperation());
    for (size_t i = 1; i < ranges.all().size(); ++i) {
      const ComputedRange &before = ranges.all()[i - 1],
                          &range = ranges.all()[i];
      if (range.offset >= before.offset + before.bytes)
        continue;
      InFlightDiagnostic error =
          emitError(range.value.getLoc())
          << "computed weight at " << range.offset
          << " must begin behind the one before, which ends at "
          << before.offset + before.bytes;
      error.attachNote(before.value.getLoc()) << "the one before is here";
      return error;
    }
    auto isComputed = [&](int64_t begin, int64_t length) {
      const ComputedRange *range = ranges.findFrom(begin);
      if (!range)
        return false;
      int64_t end = range->offset + range->bytes;
      return begin <= end && length <= end - begin;
    };
    for (auto weight : getOperation().getOps<plan::WeightOp>()) {
      bool found = true;
      if (weight.getFile() == plan::ConstantProgramOp::kFile)
        found = isComputed(weight.getOffset(), weight.getLength());
      for (Attribute attribute : weight.getPieces()
                                     ? weight.getPieces()->getValue()
                                     : ArrayRef<Attribute>()) {
        auto piece = cast<WeightPieceAttr>(attribute);
        if (piece.getFile().getValue() == plan::ConstantProgramOp::kFile)
          found &= isComputed(piece.getOffset(), 0);
      }
      if (!found)
        return weight.emitError()
               << "weight '" << weight.getName()
               << "' must lie within what a constant program computes";
    }
    return success();
  }

  LogicalResult check() {
    if (failed(checkComputed()))
      return failure();
    func::FuncOp main;
    for (Operation &op : *getOperation().getBody()) {
      if (auto function = dyn_cast<func::FuncOp>(op);
          function && function.getName() == "main") {
        main = function;
        continue;
      }
      if (!isa<plan::DeviceOp, plan::SymbolOp, plan::WeightOp, plan::TableOp,
               plan::KernelOp, plan::ConstantProgramOp>(op))
        return illegal(&op, "a module");
      if (auto kernel = dyn_cast<plan::KernelOp>(op))
        if (failed(checkBody(kernel.getBody(), isLegalInKernel, "a kernel")))
          return failure();
    }
    if (!main)
      return getOperation().emitError()
             << "module must have a function '@main'";
    if (!llvm::all_of(main.getArgumentTypes(), llvm::IsaPred<MemRefType>) ||
        main.getNumResults() != 0)
      return main.emitError()
             << "'@main' must take memrefs and have no results at the plan "
                "level, got "
             << main.getFunctionType();
    return checkBody(main.getBody(), isLegalInSequence, "'@main'");
  }

  LogicalResult checkBody(Region &body, bool (*isLegal)(Operation *),
                          StringRef where) {
    WalkResult result = body.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isLegal(op))
        return WalkResult::advance();
      (void)illegal(op, where);
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }
};
} // namespace
