// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reductions whose parts may be joined in any order.
#ifndef TRINE_LIB_CODEGEN_CUDA_JOINING_H
#define TRINE_LIB_CODEGEN_CUDA_JOINING_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::trine::cuda {

/// How two parts of a reduction join, and the literal of what joins to nothing.
/// Null: the order of the terms matters, or is not understood.
struct Joining {
  Operation *op = nullptr;
  std::string neutral;
};

/// The joining of result number `result` of a reduction.
Joining findJoining(linalg::LinalgOp op, unsigned result);

/// Whether joining with a scalar constant changes nothing.
bool isNeutral(Operation *joining, TypedAttr value);

} // namespace mlir::trine::cuda

#endif
