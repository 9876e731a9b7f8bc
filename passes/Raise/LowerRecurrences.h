// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Operators that carry a state along a sequence.
#ifndef TRINE_PASSES_RAISE_LOWERRECURRENCES_H
#define TRINE_PASSES_RAISE_LOWERRECURRENCES_H

#include "ONNXLowering.h"

namespace mlir::trine {

LogicalResult lowerScanOperator(Operation *op, ONNXLowering &lowering);
LogicalResult lowerLinearAttention(Operation *op, ONNXLowering &lowering);

} // namespace mlir::trine

#endif
