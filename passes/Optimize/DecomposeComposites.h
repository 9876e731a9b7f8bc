// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The decompositions of trine ops, one function per op; private to the pass.
#ifndef TRINE_PASSES_OPTIMIZE_DECOMPOSECOMPOSITES_H
#define TRINE_PASSES_OPTIMIZE_DECOMPOSECOMPOSITES_H

#include "trine/Passes/LinalgBuilder.h"

namespace mlir::trine {

/// Values that replace the results, or failure after an error at the op.
using Decomposed = FailureOr<SmallVector<Value>>;

// DecomposeLatentAttention.cpp: leaves a trine.attention. With `separateRows`
// new rows of cached keys are a value by themselves.
Decomposed decompose(MLAAttentionOp op, LinalgBuilder &b,
                     bool separateRows = false);

// ScheduleAttention.cpp
/// Columns of one part of a query and key, in f32, that a kernel takes.
inline constexpr int64_t kAttentionWidth = 1024;
/// Whether a kernel takes the attention as a whole: its heads and columns are
/// known, and not too many.
bool isForKernel(AttentionOp op);
/// An attention on ranges of keys for a kernel, and the join of their results.
Decomposed schedule(AttentionOp op, LinalgBuilder &b);

// DecomposeAttention.cpp
Decomposed decompose(AttentionOp op, LinalgBuilder &b);
Decomposed decompose(MergeOp op, LinalgBuilder &b);
// DecomposeNorms.cpp
Decomposed decompose(RMSNormOp op, LinalgBuilder &b);
Decomposed decompose(RopeOp op, LinalgBuilder &b);

// DecomposeEngram.cpp
Decomposed decompose(EngramHashOp op, LinalgBuilder &b);
Decomposed decompose(EngramLookupOp op, LinalgBuilder &b);
Decomposed decompose(EngramGateOp op, LinalgBuilder &b);
Decomposed decompose(EngramConvOp op, LinalgBuilder &b);
/// Whether the lookup's rows come from a hash that stays inside of the table.
/// To be asked, and kept as kRowsInRange, while the hash is still there.
bool areRowsInRange(EngramLookupOp op);
inline constexpr llvm::StringLiteral kRowsInRange = "trine.rows_in_range";

// DecomposeHyperConnections.cpp
Decomposed decompose(HyperMixOp op, LinalgBuilder &b);
Decomposed decompose(HyperCombineOp op, LinalgBuilder &b);

// DecomposeExperts.cpp
Decomposed decompose(MoECombineOp op, LinalgBuilder &b);
Decomposed decompose(GatedMLPOp op, LinalgBuilder &b);

} // namespace mlir::trine

#endif
