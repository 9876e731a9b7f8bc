// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Element-wise kernels that overwrite one of their inputs.
#ifndef TRINE_PASSES_PLAN_INPLACEKERNELS_H
#define TRINE_PASSES_PLAN_INPLACEKERNELS_H

#include "mlir/IR/SymbolTable.h"
#include "trine/Dialect/Plan/Plan.h"

namespace mlir::trine {

/// True if every element of input `input` is read only to compute the element
/// of the one result at the same place.
bool canOverwrite(plan::KernelOp kernel, unsigned input);

/// The kernel that finds input `input` in its destination: without that
/// argument, so that no two arguments of a kernel are ever the same memory.
/// Needs `canOverwrite`.
plan::KernelOp makeInPlace(plan::KernelOp kernel, unsigned input,
                           SymbolTable &table);

} // namespace mlir::trine

#endif
