// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-check-level-onnx, trine-check-level-trine: the borders of the levels.
#include "trine/Passes/Raise.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::trine {
#define GEN_PASS_DEF_CHECKLEVELONNX
#define GEN_PASS_DEF_CHECKLEVELTRINE
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;

/// Finds the first op under `root` whose dialect is not in `dialects`, or which
/// has a result of a type that `isLegalType` refuses, and reports it.
static LogicalResult checkLevel(Operation *root, StringRef level,
                                ArrayRef<StringRef> dialects,
                                llvm::function_ref<bool(Type)> isLegalType) {
  WalkResult result = root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<ModuleOp>(op))
      return WalkResult::advance();
    if (!llvm::is_contained(dialects, op->getName().getDialectNamespace())) {
      op->emitError() << "'" << op->getName() << "' is not legal at the "
                      << level << " level, expected an op of "
                      << llvm::join(dialects, ", ");
      return WalkResult::interrupt();
    }
    for (Type type : op->getResultTypes())
      if (!isLegalType(type)) {
        op->emitError() << "a result of '" << op->getName() << "' has type "
                        << type << ", which is not legal at the " << level
                        << " level";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct CheckLevelONNX : public trine::impl::CheckLevelONNXBase<CheckLevelONNX> {
  void runOnOperation() override {
    auto isLegal = [](Type type) { return isa<TensorType, NoneType>(type); };
    if (failed(checkLevel(getOperation(), "onnx", {"func", "onnx"}, isLegal)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

struct CheckLevelTrine
    : public trine::impl::CheckLevelTrineBase<CheckLevelTrine> {
  void runOnOperation() override {
    auto isLegal = [](Type type) {
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        type = tensor.getElementType();
      return type.isIndex() || type.isSignlessInteger() || isa<FloatType>(type);
    };
    if (failed(checkLevel(
            getOperation(), "trine",
            {"func", "trine", "linalg", "tensor", "arith", "math", "scf"},
            isLegal)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
