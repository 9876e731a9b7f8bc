// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What sizes are taken for at compile time, where memory is reported and costs
/// are compared.
#ifndef TRINE_PASSES_PLAN_NOMINALSIZES_H
#define TRINE_PASSES_PLAN_NOMINALSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::trine {

class NominalSizes {
public:
  /// A symbol without a size of its own is taken for `otherwise`.
  explicit NominalSizes(int64_t otherwise) : otherwise(otherwise) {}

  /// Takes symbols for what `sizes` say ("past=4096"): the sizes of the
  /// arguments of `main` that show them. Fails with an error where one is no
  /// size or names no symbol of the module.
  LogicalResult read(ModuleOp module, func::FuncOp main,
                     ArrayRef<std::string> sizes);

  /// The value of a size: sums, products, quotients, minima and maxima of
  /// symbols and constants.
  int64_t of(Value size);
  int64_t of(OpFoldResult size);

private:
  int64_t otherwise;
  llvm::DenseMap<Value, int64_t> known;
};

} // namespace mlir::trine

#endif
