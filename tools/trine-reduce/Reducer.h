// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_TOOLS_TRINEREDUCE_REDUCER_H
#define TRINE_TOOLS_TRINEREDUCE_REDUCER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::trine {

/// Shrinks a module for as long as `isInteresting` says yes of what is left,
/// which is always a module that the verifier accepts. Leaves out symbols,
/// returned values, ops (an operand, an argument or another value of the same
/// type takes the place of each result) and arguments; many at once first.
///
/// MLIR's own reduction tree erases ops whose results are used, and crashes on
/// the null operands that are left; hence this one.
OwningOpRef<ModuleOp>
reduceModule(ModuleOp module, llvm::function_ref<bool(ModuleOp)> isInteresting);

} // namespace mlir::trine

#endif
