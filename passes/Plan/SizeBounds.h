// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Upper bounds of sizes that depend on data, made from sizes that do not.
#ifndef TRINE_PASSES_PLAN_SIZEBOUNDS_H
#define TRINE_PASSES_PLAN_SIZEBOUNDS_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::trine {

/// Moves the ops of `block`, and of the choices in it, that compute scalars
/// from sizes of arguments to the start of the block, in their order. Returns
/// the last of them, null if there is none.
Operation *hoistSizes(Block &block);

class SizeBounds {
public:
  /// Bounds are computed right after `last` (or at the start of `block`), where
  /// all values that `hoistSizes` moved are known.
  SizeBounds(Block &block, Operation *last);

  /// True if the value is known at the start of the step.
  bool isKnown(Value value) const { return known.contains(value); }
  /// The value itself if it is known at the start of the step; otherwise an
  /// index value that it never exceeds, found through min, max, sums, products
  /// and quotients. Null if there is none.
  Value upper(Value value) { return bound(value, /*isUpper=*/true, 0); }
  /// The insertion point for what is computed from bounds.
  OpBuilder &builder() { return sizes; }

private:
  Value bound(Value value, bool isUpper, unsigned depth);
  Value compute(Value value, bool isUpper, unsigned depth);
  Value asIndex(Value value);

  OpBuilder sizes;
  llvm::DenseSet<Value> known;
  llvm::DenseMap<Value, Value> bounds[2]; // lower, upper
};

} // namespace mlir::trine

#endif
