// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Reference/ComputedWeights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::trine;

LogicalResult mlir::trine::reference::inlineComputedWeights(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return success();
  auto programs = llvm::to_vector(module.getOps<plan::ConstantProgramOp>());
  llvm::DenseMap<int64_t, Value> values;
  for (plan::ConstantProgramOp program : programs)
    for (const ComputedRange &range : getComputedRanges(program))
      values[range.offset] = range.value;
  SmallVector<WeightOp> weights;
  WalkResult found = main.walk([&](WeightOp weight) {
    if (weight.getFile() != plan::ConstantProgramOp::kFile)
      return WalkResult::advance();
    Value value = values.lookup(weight.getOffset());
    if (value && value.getType() == weight.getType()) {
      weights.push_back(weight);
      return WalkResult::advance();
    }
    emitError(weight.getLoc())
        << "weight '" << weight.getName()
        << "' must be a value that a constant program computes";
    return WalkResult::interrupt();
  });
  if (found.wasInterrupted())
    return failure();

  OpBuilder builder = OpBuilder::atBlockBegin(&main.getBody().front());
  IRMapping mapping;
  for (plan::ConstantProgramOp program : programs)
    for (Operation &op : program.getBody().front().without_terminator())
      builder.clone(op, mapping);
  for (WeightOp weight : weights) {
    weight.replaceAllUsesWith(
        mapping.lookup(values.lookup(weight.getOffset())));
    weight.erase();
  }
  for (plan::ConstantProgramOp program : programs)
    program.erase();
  return success();
}
