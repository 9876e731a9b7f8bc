// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// How a kernel's root is cut into workgroups: a pure function of its types.
#ifndef TRINE_PASSES_LOWER_TILEPOLICY_H
#define TRINE_PASSES_LOWER_TILEPOLICY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::trine {

struct TilePolicy {
  /// One per loop of the root; 0 leaves the loop whole.
  SmallVector<int64_t> sizes;
  /// Producers to compute inside the tile.
  DenseSet<Operation *> fused;
};

/// The one operation that computes all of a kernel's results, possibly behind
/// reshapes; null if there is none.
linalg::LinalgOp findRoot(plan::ReturnOp terminator);

TilePolicy chooseTiles(linalg::LinalgOp root);

} // namespace mlir::trine

#endif
