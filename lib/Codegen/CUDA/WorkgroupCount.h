// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// `@NAME.workgroups` of skeleton kernels, from the words of a launch.
#ifndef TRINE_LIB_CODEGEN_CUDA_WORKGROUPCOUNT_H
#define TRINE_LIB_CODEGEN_CUDA_WORKGROUPCOUNT_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "trine/Dialect/Plan/Plan.h"

namespace mlir::trine::cuda {

/// A product of numbers and words of the launch.
struct LaunchSize {
  int64_t constant = 1;
  SmallVector<unsigned> words;

  /// Multiplies with what ElementWriter calls a size: "64", "a0_1", "a2". False
  /// if it is something else.
  bool multiply(plan::KernelOp kernel, StringRef text);
  /// The number, if no word is in it.
  int64_t known() const { return words.empty() ? constant : -1; }
};

/// Defines the function with the body that `count` writes, which gets the
/// launch's words.
void defineWorkgroups(
    plan::KernelOp kernel, ModuleOp module,
    function_ref<Value(ImplicitLocOpBuilder &, Value words)> count);

/// The value of a size; i64.
Value materialize(ImplicitLocOpBuilder &builder, Value words,
                  const LaunchSize &size);
/// ceil(value / divisor).
Value divideUp(ImplicitLocOpBuilder &builder, Value value, int64_t divisor);

} // namespace mlir::trine::cuda

#endif
