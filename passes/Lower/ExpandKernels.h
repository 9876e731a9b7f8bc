// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The expansions of trine ops in kernels, one function per family; private to
/// the pass.
#ifndef TRINE_PASSES_LOWER_EXPANDKERNELS_H
#define TRINE_PASSES_LOWER_EXPANDKERNELS_H

#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Lower.h"

namespace mlir::trine {

/// Where the results of `op` go: the destinations that they are copied into, in
/// the order of the results; null for one that nobody uses. The copies are
/// taken out: their uses become those of the results. Fails with an error if a
/// result is used in another way.
FailureOr<SmallVector<Value>> takeDestinations(Operation *op,
                                               RewriterBase &rewriter);

// ExpandAttention.cpp
LogicalResult expand(AttentionOp op, RewriterBase &rewriter);

// ExpandExperts.cpp
LogicalResult expand(MoERouteOp op, RewriterBase &rewriter);
LogicalResult expand(MoEGroupOp op, RewriterBase &rewriter);
LogicalResult expand(MoEGroupedMatMulOp op, RewriterBase &rewriter);

} // namespace mlir::trine

#endif
