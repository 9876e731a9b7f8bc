// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The decompositions of trine ops, one function per op; private to the pass.
#ifndef TRINE_PASSES_OPTIMIZE_DECOMPOSECOMPOSITES_H
#define TRINE_PASSES_OPTIMIZE_DECOMPOSECOMPOSITES_H

#include "LinalgBuilder.h"

namespace mlir::trine {

/// Values that replace the results, or failure after an error at the op.
using Decomposed = FailureOr<SmallVector<Value>>;

// DecomposeNorms.cpp
Decomposed decompose(RMSNormOp op, LinalgBuilder &b);

} // namespace mlir::trine

#endif
