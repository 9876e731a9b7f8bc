// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The blocks of a launch sequence: that of @main and those of its choices.
#ifndef TRINE_PASSES_PLAN_SEQUENCE_H
#define TRINE_PASSES_PLAN_SEQUENCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::trine {

/// The entry block of `function` and the blocks of the plan.select ops in it,
/// each before those inside it, in their order.
SmallVector<Block *> sequenceBlocks(func::FuncOp function);

/// Turns every scf.if of the sequence whose condition comes from sizes alone,
/// and whose results are tensors, into a plan.select. Returns how many.
unsigned makeChoices(func::FuncOp function);

/// Moves what computes scalars from values outside out of the regions of
/// choices.
void hoistScalarsOfChoices(func::FuncOp function);

/// Clones what costs nothing in a kernel (empty tensors, fills, slices, small
/// constants, unpacked weights) into the regions that use it, so that it is
/// read there as outside, not made before the choice.
void sinkIntoChoices(func::FuncOp function);

/// True for an op that computes scalars alone, has no effects and no regions.
bool isScalarOp(Operation *op);

} // namespace mlir::trine

#endif
