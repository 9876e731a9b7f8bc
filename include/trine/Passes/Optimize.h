// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Passes that rewrite the linalg level, see passes/Optimize/Passes.td.
#ifndef TRINE_PASSES_OPTIMIZE_H
#define TRINE_PASSES_OPTIMIZE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace mlir::trine {

#define GEN_PASS_DECL
#include "trine/Passes/Optimize.h.inc"

#define GEN_PASS_REGISTRATION
#include "trine/Passes/Optimize.h.inc"

} // namespace mlir::trine

#endif
