// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ConstantPrograms.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Pipelines/Compile.h"

using namespace mlir;
using namespace mlir::trine;

/// A module whose `@main` has the body of the program, and its values as
/// results.
static OwningOpRef<ModuleOp> makeModule(plan::ConstantProgramOp program) {
  OpBuilder builder(program.getContext());
  Location loc = program.getLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToStart(module->getBody());
  auto computed = cast<plan::ComputedOp>(program.getBody().front().back());
  auto main = func::FuncOp::create(
      builder, loc, "main",
      builder.getFunctionType({}, computed.getValues().getTypes()));
  for (auto [index, value] : llvm::enumerate(computed.getValues())) {
    SmallVector<Attribute> dims;
    for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
      dims.push_back(builder.getI64IntegerAttr(size));
    main.setResultAttr(
        index, "onnx.name",
        builder.getStringAttr("computed_" + std::to_string(index)));
    main.setResultAttr(index, "onnx.dims", builder.getArrayAttr(dims));
  }
  main.getBody().takeBody(program.getBody());
  builder.setInsertionPoint(computed);
  func::ReturnOp::create(builder, computed.getLoc(), computed.getValues());
  computed.erase();
  return module;
}

LogicalResult
mlir::trine::compileConstantPrograms(ModuleOp module, bool isPackage,
                                     unsigned threads,
                                     std::vector<ConstantProgram> &programs) {
  for (auto program :
       llvm::make_early_inc_range(module.getOps<plan::ConstantProgramOp>())) {
    ConstantProgram result;
    for (const ComputedRange &range : getComputedRanges(program))
      result.ranges.push_back({range.offset, range.bytes});
    result.planned = makeModule(program);
    program.erase();
    if (!isPackage)
      continue;
    PassManager manager(module.getContext(), ModuleOp::getOperationName());
    PlanPipelineOptions plan;
    buildKernelPipeline(manager, plan);
    HostOptions host;
    host.cpu = "x86-64-v3";
    host.threads = threads;
    if (failed(manager.run(*result.planned)) ||
        failed(generateHostProgram(*result.planned, host, result.program,
                                   result.host)))
      return failure();
    programs.push_back(std::move(result));
  }
  return success();
}
