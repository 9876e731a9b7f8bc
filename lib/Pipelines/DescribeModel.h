// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fills the part of the report that the imported model alone tells.
#ifndef TRINE_LIB_PIPELINES_DESCRIBEMODEL_H
#define TRINE_LIB_PIPELINES_DESCRIBEMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "trine/Pipelines/CompileReport.h"

namespace mlir::trine {

/// Signature, operators, layers and weight bytes of an onnx-level module.
void describeModel(ModuleOp module, CompileReport &report);

/// Kernels, launches, buffers and packed weight bytes of a plan-level module.
void describePlan(ModuleOp module, CompileReport &report);

} // namespace mlir::trine

#endif
