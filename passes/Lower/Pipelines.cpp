// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Passes/Lower.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::trine;

void trine::buildKernelLoweringPipeline(OpPassManager &manager) {
  manager.addNestedPass<plan::KernelOp>(createExpandKernels());
  manager.addNestedPass<plan::KernelOp>(createTileKernels());
  manager.addPass(createLowerLaunches());
  manager.addPass(createBufferizeKernels());
  manager.addPass(createDistributeWorkgroups());
}

void trine::buildDeviceKernelPipeline(OpPassManager &manager) {
  manager.addNestedPass<plan::KernelOp>(createExpandKernels());
  manager.addNestedPass<plan::KernelOp>(createTileKernels());
  manager.addPass(createBufferizeKernels());
  manager.addPass(createDistributeWorkgroups({/*countsOnly=*/true}));
}

void trine::buildLLVMLoweringPipeline(OpPassManager &manager,
                                      unsigned vectorBytes) {
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createVectorizeKernels({vectorBytes}));
  functions.addPass(createSCFToControlFlowPass());
  functions.addPass(memref::createExpandStridedMetadataPass());
  functions.addPass(createLowerAffinePass());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  functions.addPass(arith::createArithExpandOpsPass(expand));
  functions.addPass(createCSEPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertToLLVMPass());
  // Functions of the math library for what has no LLVM intrinsic.
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

namespace {
struct LLVMLoweringOptions : PassPipelineOptions<LLVMLoweringOptions> {
  Option<unsigned> vectorBytes{
      *this, "vector-bytes",
      llvm::cl::desc("Size of a vector register of the processor"),
      llvm::cl::init(64)};
};
} // namespace

void trine::registerLowerPasses() {
  registerTrineLowerPasses();
  PassPipelineRegistration<>(
      "trine-lower-kernels",
      "From a planned module to functions of memrefs and the launch sequence",
      buildKernelLoweringPipeline);
  PassPipelineRegistration<>(
      "trine-lower-device-kernels",
      "The same for a device that has kernels of its own",
      [](OpPassManager &manager) {
        manager.addPass(createLowerLaunches());
        buildDeviceKernelPipeline(manager);
      });
  PassPipelineRegistration<LLVMLoweringOptions>(
      "trine-lower-to-llvm", "From trine-lower-kernels to the LLVM dialect",
      [](OpPassManager &manager, const LLVMLoweringOptions &options) {
        buildLLVMLoweringPipeline(manager, options.vectorBytes);
      });
}
