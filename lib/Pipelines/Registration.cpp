// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Pipelines/Registration.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Transforms/Passes.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Lower.h"
#include "trine/Passes/Optimize.h"
#include "trine/Passes/Plan.h"
#include "trine/Passes/Raise.h"
#include "trine/Pipelines/Compile.h"

void mlir::trine::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<onnx::ONNXDialect, TrineDialect, plan::PlanDialect>();
}

void mlir::trine::registerAllPasses() {
  registerTransformsPasses();
  registerTrineRaisePasses();
  registerLowerPasses();
  registerTrineOptimizePasses();
  registerTrinePlanPasses();
  registerPipelines();
}
