// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/IR/OperationSupport.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Passes/Plan.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEDEDUPLICATEKERNELS
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Equal kernels have equal hashes: names of ops, attributes, types and how
/// often values are used, but no locations and no symbol name.
static llvm::hash_code hashKernel(plan::KernelOp kernel) {
  llvm::hash_code hash =
      llvm::hash_combine(kernel.getFunctionType(), kernel.getSkeletonAttr());
  // Numbers of values in order of definition stand for the values.
  llvm::DenseMap<Value, unsigned> numbers;
  auto define = [&](ValueRange values) {
    for (Value value : values)
      numbers.try_emplace(value, numbers.size());
  };
  kernel.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    hash = llvm::hash_combine(hash, op->getName(), op->getAttrDictionary(),
                              op->getNumRegions());
    for (Type type : op->getResultTypes())
      hash = llvm::hash_combine(hash, type);
    for (Value operand : op->getOperands())
      hash = llvm::hash_combine(hash, numbers.lookup(operand));
    define(op->getResults());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        define(block.getArguments());
  });
  return hash;
}

static bool areEqual(plan::KernelOp lhs, plan::KernelOp rhs) {
  return lhs.getFunctionType() == rhs.getFunctionType() &&
         lhs.getSkeletonAttr() == rhs.getSkeletonAttr() &&
         lhs.getArgAttrsAttr() == rhs.getArgAttrsAttr() &&
         lhs.getResAttrsAttr() == rhs.getResAttrsAttr() &&
         lhs->getDiscardableAttrDictionary() ==
             rhs->getDiscardableAttrDictionary() &&
         OperationEquivalence::isRegionEquivalentTo(
             &lhs.getBody(), &rhs.getBody(),
             OperationEquivalence::IgnoreLocations);
}

namespace {
struct DeduplicateKernels
    : trine::impl::TrineDeduplicateKernelsBase<DeduplicateKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::DenseMap<llvm::hash_code, SmallVector<plan::KernelOp, 1>> seen;
    llvm::DenseMap<StringAttr, StringAttr> renamed;
    for (plan::KernelOp kernel :
         llvm::make_early_inc_range(module.getOps<plan::KernelOp>())) {
      SmallVector<plan::KernelOp, 1> &bucket = seen[hashKernel(kernel)];
      auto equal = llvm::find_if(bucket, [&](plan::KernelOp other) {
        return areEqual(other, kernel);
      });
      if (equal == bucket.end()) {
        bucket.push_back(kernel);
        continue;
      }
      renamed[kernel.getSymNameAttr()] = equal->getSymNameAttr();
      kernel.erase();
      ++numErased;
    }
    module.walk([&](plan::LaunchOp launch) {
      auto found = renamed.find(launch.getKernelAttr().getAttr());
      if (found != renamed.end())
        launch.setKernelAttr(FlatSymbolRefAttr::get(found->second));
    });
  }
};
} // namespace
