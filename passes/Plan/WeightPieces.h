// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reshapes of assembled weights as reshapes of their pieces.
#ifndef TRINE_PASSES_PLAN_WEIGHTPIECES_H
#define TRINE_PASSES_PLAN_WEIGHTPIECES_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace mlir::trine {

/// The pieces of a weight whose dimension d becomes dimensions groups[d] of
/// `shape`. Elements have `elementBytes` bytes.
ArrayAttr splitPieces(ArrayAttr pieces, ArrayRef<int64_t> shape,
                      ArrayRef<ReassociationIndices> groups,
                      int64_t elementBytes);

/// The pieces of a weight of `shape` whose dimensions groups[d] become
/// dimension d: as few as their strides allow, or null if they would be more
/// than `mostMergedPieces`.
ArrayAttr mergePieces(ArrayAttr pieces, ArrayRef<int64_t> shape,
                      ArrayRef<ReassociationIndices> groups,
                      int64_t elementBytes);

/// More pieces than this would cost more than the view of the whole: heads of
/// a large model are hundreds.
constexpr size_t mostMergedPieces = 4096;

} // namespace mlir::trine

#endif
