// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Turns one group of ops into a plan.kernel and its plan.launch.
#ifndef TRINE_PASSES_PLAN_KERNELOUTLINING_H
#define TRINE_PASSES_PLAN_KERNELOUTLINING_H

#include "KernelGrouping.h"

#include "mlir/IR/IRMapping.h"
#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::trine {

class KernelOutliner {
public:
  /// Kernels are made at `kernels`' insertion point; launches run on `device`.
  KernelOutliner(const KernelGrouping &grouping, TensorSizes &sizes,
                 OpBuilder kernels, FlatSymbolRefAttr device)
      : grouping(grouping), sizes(sizes), kernels(kernels), device(device) {}

  /// Makes kernel `name` of `group`, launches it before the root, and replaces
  /// the root's results. The group's ops stay, unused.
  LogicalResult outline(const KernelGroup &group, StringRef name);

private:
  /// The kernel that is being built.
  struct State {
    plan::KernelOp kernel;
    Operation *root;
    OpBuilder builder;
    IRMapping mapping;
    llvm::DenseSet<Operation *> members;
    /// Values of the sequence and the arguments they became.
    llvm::MapVector<Value, BlockArgument> arguments;
    unsigned numInputs = 0;
  };

  FailureOr<Value> inside(Value value, State &state);
  FailureOr<Value> positionArgument(OpFoldResult position, State &state);
  FailureOr<bool> cloneElementRead(Operation *op, State &state);
  FailureOr<Value> addArgument(Value value, State &state);
  LogicalResult cloneOp(Operation *op, State &state);
  /// The initial value of the root's result, placed in the destination.
  FailureOr<Value> initialise(Value init, Value destination, State &state);
  LogicalResult cloneRoot(Operation *root, ArrayRef<unsigned> results,
                          State &state, SmallVectorImpl<Value> &returned);
  void sizesFromTensors(State &state);

  const KernelGrouping &grouping;
  TensorSizes &sizes;
  OpBuilder kernels;
  FlatSymbolRefAttr device;
};

/// Erases the ops of a block that only computed values nobody uses.
void eraseDeadOps(Block &block);

} // namespace mlir::trine

#endif
