// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "trine/Passes/Optimize.h"
#include "trine/Passes/Plan.h"
#include "trine/Passes/Raise.h"
#include "trine/Pipelines/Compile.h"

using namespace mlir;
using namespace mlir::trine;

void mlir::trine::buildRaisePipeline(OpPassManager &manager) {
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createTrineNormalizeONNX());
  functions.addPass(createCSEPass());
  functions.addPass(createTrineRaiseRMSNorm());
  functions.addPass(createTrineRaiseRope());
  functions.addPass(createTrineRaiseAttention());
  functions.addPass(createTrineRaiseMLA());
  functions.addPass(createTrineRaiseRouter());
  functions.addPass(createTrineRaiseExperts());
  functions.addPass(createTrineRaiseGatedMLP());
  functions.addPass(createTrineRaiseEngramHash());
  functions.addPass(createTrineRaiseEngramLookup());
  functions.addPass(createTrineRaiseEngramGate());
  functions.addPass(createTrineRaiseEngramConv());
  functions.addPass(createTrineRaiseHyperConnections());
  functions.addPass(createTrineRaiseState());
  functions.addPass(createDecomposeONNX());
  functions.addPass(createFoldWeightViews());
  functions.addPass(createConvertONNXToLinalg());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  manager.addPass(createCheckLevelTrine());
}

void mlir::trine::buildOptimizePipeline(OpPassManager &manager,
                                        const PlanPipelineOptions &options) {
  if (options.recacheLatent)
    manager.addNestedPass<func::FuncOp>(createTrineRecacheLatent());
  TrineFuseLatentDecompressionOptions latent;
  latent.form = options.latentAttention;
  manager.addNestedPass<func::FuncOp>(
      createTrineFuseLatentDecompression(latent));
}

void mlir::trine::buildPlanPipeline(OpPassManager &manager,
                                    const PlanPipelineOptions &options) {
  manager.addNestedPass<func::FuncOp>(createTrinePlanState());
  TrinePlanTablesOptions tables;
  tables.limit = options.tableLimit;
  manager.addPass(createTrinePlanTables(std::move(tables)));
  TrinePlanEngramHashOptions hash;
  hash.which = options.hostHash == "auto" ? std::string("all")
                                          : options.hostHash.getValue();
  manager.addPass(createTrinePlanEngramHash(std::move(hash)));
  manager.addNestedPass<func::FuncOp>(createTrineScheduleExpertGroups());
  TrineDecomposeCompositesOptions composites;
  composites.attentionKernels = true;
  manager.addNestedPass<func::FuncOp>(
      createTrineDecomposeComposites(composites));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  TrineOutlineConstantWorkOptions constants;
  constants.limit = options.constantLimit;
  manager.addPass(createTrineOutlineConstantWork(std::move(constants)));
  buildKernelPipeline(manager, options);
}

void mlir::trine::buildKernelPipeline(OpPassManager &manager,
                                      const PlanPipelineOptions &options) {
  manager.addNestedPass<func::FuncOp>(createTrineFuseElementwise());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  TrinePlanWeightsOptions weights;
  weights.packMatrices = options.packMatrices;
  weights.matrixType = options.weights;
  manager.addPass(createTrinePlanWeights(weights));
  manager.addPass(createTrineFormKernels());
  // Equal kernels look equal only when nothing is left over in them.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createTrineDeduplicateKernels());
  TrineHoistEngramPrefetchOptions hoist;
  hoist.position = options.prefetch;
  hoist.latency = options.tableLatency;
  hoist.projection = options.projection;
  llvm::append_range(hoist.symbolSizes, options.sizes);
  manager.addPass(createTrineHoistEngramPrefetch(std::move(hoist)));
  manager.addPass(createTrinePlanScratch());
  manager.addPass(createTrineAssignBuffers());
  TrinePlanMemoryOptions memory;
  llvm::append_range(memory.sizes, options.sizes);
  manager.addPass(createTrinePlanMemory(std::move(memory)));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createTrineCheckLevelPlan());
}

void mlir::trine::registerPipelines() {
  PassPipelineRegistration<>(
      "trine-raise-pipeline",
      "From the onnx level to the trine level: linalg, tensor and trine ops",
      buildRaisePipeline);
  PassPipelineRegistration<PlanPipelineOptions>(
      "trine-plan-pipeline",
      "From the trine level to the plan level: kernels, launches and memory",
      [](OpPassManager &manager, const PlanPipelineOptions &options) {
        buildOptimizePipeline(manager, options);
        buildPlanPipeline(manager, options);
      });
}
