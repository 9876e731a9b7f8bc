// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Operators that carry a state along a sequence.
#ifndef TRINE_PASSES_RAISE_LOWERRECURRENCES_H
#define TRINE_PASSES_RAISE_LOWERRECURRENCES_H

#include "ONNXLowering.h"

namespace mlir::trine {

LogicalResult lowerScanOperator(Operation *op, ONNXLowering &lowering);
LogicalResult lowerLinearAttention(Operation *op, ONNXLowering &lowering);

/// Moves the checks of loops and branches, and scalars, to before them where
/// they do not depend on what an iteration makes: kernels hold no checks, and
/// memory is made from sizes that are known before.
void hoistChecks(func::FuncOp function);

} // namespace mlir::trine

#endif
