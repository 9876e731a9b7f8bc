// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fills the parts of the report that the module tells, level by level.
#ifndef TRINE_LIB_PIPELINES_DESCRIBEMODEL_H
#define TRINE_LIB_PIPELINES_DESCRIBEMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "trine/Pipelines/CompileReport.h"

namespace mlir::trine {

/// Inputs and outputs of a module above the plan level, anew.
void describeSignature(ModuleOp module, CompileReport &report);

/// Signature, operators, layers and weight bytes of an onnx-level module.
void describeModel(ModuleOp module, CompileReport &report);

/// What was raised, per layer, of a trine-level module, before it is planned.
void describeRaised(ModuleOp module, CompileReport &report);

/// From now on near misses of raising passes are added to `report`, and if
/// `all`, the remarks of all passes. It must stay until the context no longer
/// runs passes or collects for another one.
void collectRemarks(MLIRContext &context, CompileReport &report, bool all);

/// Kernels, launches, buffers and packed weight bytes of a plan-level module.
void describePlan(ModuleOp module, CompileReport &report);

} // namespace mlir::trine

#endif
