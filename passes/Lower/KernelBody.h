// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the passes of this folder know about the bodies of kernels.
#ifndef TRINE_PASSES_LOWER_KERNELBODY_H
#define TRINE_PASSES_LOWER_KERNELBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "trine/Passes/Lower.h"

namespace mlir::trine {

/// True if computing `op` twice costs next to nothing: a fill, or an
/// element-wise op of a few conversions and additions.
bool isCheap(Operation *op);

/// Rewrites operands of generics that unpack a packed matrix so that they
/// read the stored panels.
void foldUnpacks(plan::KernelOp kernel);

/// Whether `value` is a slice of a packed matrix within one tile of dimension
/// `column`, so that foldUnpacks can read it from one panel.
bool isPanelSlice(Value value, int64_t column, int64_t tile);

/// Cuts a kernel that only puts its arguments side by side into tiles of its
/// result. Returns whether it is one, and large enough.
bool tileInsertions(plan::KernelOp kernel);

/// Lets temporaries live in the memory of the result that replaces them.
void reuseDestinations(plan::KernelOp kernel);

/// Temporaries up to this size live on the stack of a worker thread.
inline constexpr int64_t kStackBytes = 64 * 1024;

/// An upper bound of the bytes of a temporary; none if there is no constant
/// bound, or one above `kStackBytes`.
std::optional<int64_t> boundBytes(ShapedType type, ValueRange dynamicSizes);

/// Rewrites users of temporaries that `boundBytes` gives no bound for so that
/// they compute what they read themselves, element by element or in pieces of
/// bounded size. Returns whether anything changed.
bool boundTemporaries(plan::KernelOp kernel);

} // namespace mlir::trine

#endif
