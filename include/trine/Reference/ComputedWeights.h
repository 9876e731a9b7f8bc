// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Constant programs (`plan.constant_program`), for the interpreter.
#ifndef TRINE_REFERENCE_COMPUTEDWEIGHTS_H
#define TRINE_REFERENCE_COMPUTEDWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::trine::reference {

/// Puts what constant programs compute into `@main`, in place of the weights
/// that `trine-outline-constant-work` has made of it, so that the interpreter
/// computes it, too. A weight that is no whole value of a program is an error,
/// and leaves the module as it was.
LogicalResult inlineComputedWeights(ModuleOp module);

} // namespace mlir::trine::reference

#endif
