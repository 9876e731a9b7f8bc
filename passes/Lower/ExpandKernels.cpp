// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-expand-kernels: trine ops in kernels become loops.
#include "ExpandKernels.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::trine {
#define GEN_PASS_DEF_EXPANDKERNELS
#include "trine/Passes/Lower.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

FailureOr<SmallVector<Value>> trine::takeDestinations(Operation *op,
                                                      RewriterBase &rewriter) {
  SmallVector<Value> destinations;
  for (OpResult result : op->getResults()) {
    if (result.use_empty()) {
      destinations.push_back(Value());
      continue;
    }
    auto copy = result.hasOneUse()
                    ? dyn_cast<linalg::CopyOp>(*result.user_begin())
                    : linalg::CopyOp();
    if (!copy || copy.getInputs()[0] != result ||
        !isa<BlockArgument>(copy.getOutputs()[0]))
      return op->emitOpError()
             << "must give its results to destinations of the kernel";
    destinations.push_back(copy.getOutputs()[0]);
    rewriter.replaceOp(copy, result);
  }
  return destinations;
}

namespace {
struct ExpandKernels : trine::impl::ExpandKernelsBase<ExpandKernels> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<TrineDialect>(op->getDialect()))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops) {
      rewriter.setInsertionPoint(op);
      LogicalResult expanded =
          llvm::TypeSwitch<Operation *, LogicalResult>(op)
              .Case<AttentionOp, MoERouteOp, MoEGroupOp, MoEGroupedMatMulOp>(
                  [&](auto op) { return expand(op, rewriter); })
              .Default([](Operation *op) {
                return op->emitOpError() << "has no form for the host";
              });
      if (failed(expanded))
        return signalPassFailure();
      ++numExpanded;
    }
  }
};
} // namespace
