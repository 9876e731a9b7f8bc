// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Passes from the linalg level to the plan level, see passes/Plan/Passes.td.
#ifndef TRINE_PASSES_PLAN_H
#define TRINE_PASSES_PLAN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace mlir::trine {

#define GEN_PASS_DECL
#include "trine/Passes/Plan.h.inc"

#define GEN_PASS_REGISTRATION
#include "trine/Passes/Plan.h.inc"

} // namespace mlir::trine

#endif
