// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Joins of weights at compile time.
#ifndef TRINE_PASSES_PLAN_WEIGHTJOINS_H
#define TRINE_PASSES_PLAN_WEIGHTJOINS_H

#include "mlir/IR/Block.h"

namespace mlir::trine {

/// Tensors that weights, or constants, are inserted into until nothing else is
/// left of them become assembled weights, or constants. Gives how many.
unsigned joinWeights(Block &block);

} // namespace mlir::trine

#endif
