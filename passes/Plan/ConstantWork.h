// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Which ops of a function depend on weights and constants alone, and what
/// their values are made of.
#ifndef TRINE_PASSES_PLAN_CONSTANTWORK_H
#define TRINE_PASSES_PLAN_CONSTANTWORK_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::trine {

/// True for ops that make no number: views, copies, fills, and casts to more
/// bits. They fuse with what reads them, or are said by `plan.weight`.
bool isMove(Operation *op);

/// Operations that an op takes for all its elements: 16 for a division, a
/// function or an element that is looked up, 8 for a copy that fuses with
/// nothing, else 1.
double countOperations(Operation *op);

/// Bytes of what a constant or a weight brings; 0 for one number.
int64_t dataBytes(Operation *leaf);

/// What a value is computed from.
struct ConstantCone {
  /// Weights and constants.
  llvm::SetVector<Operation *> leaves;
  /// All else.
  llvm::SetVector<Operation *> work;
  /// Of the leaves.
  int64_t bytes = 0;
  double operations = 0;
  bool hasWeight = false;
};

/// The ops between launches of a function: of its body and of its choices.
class ConstantWork {
public:
  explicit ConstantWork(func::FuncOp function);

  /// In the order in which they are computed.
  ArrayRef<Operation *> all() const { return ops; }
  /// Whether the op is pure, of fixed sizes, and reads constants alone.
  bool isConstant(Operation *op) const { return constants.contains(op); }
  /// The op of `all()` that a use belongs to.
  Operation *ownerOf(OpOperand &use) const;
  unsigned positionOf(Operation *op) const { return positions.lookup(op); }
  /// Everything that `op`, a constant, is computed from, and itself.
  ConstantCone coneOf(Operation *op) const;

private:
  void collect(Block &block);
  bool readsConstants(Operation *op) const;
  SmallVector<Operation *> producersOf(Operation *op) const;

  SmallVector<Operation *> ops;
  llvm::DenseMap<Operation *, unsigned> positions;
  llvm::DenseSet<Operation *> constants;
};

/// Which computed weights of a module are made of the model's matrices of f32:
/// they may be stored as narrow as these are.
class ComputedMatrices {
public:
  explicit ComputedMatrices(ModuleOp module);

  /// Whether the byte of `file` belongs to one, or to no computed weight.
  bool mayNarrow(StringRef file, int64_t offset) const;

private:
  ComputedRanges ranges;
  /// Of the constant programs.
  llvm::DenseSet<Operation *> madeOfMatrices;
};

} // namespace mlir::trine

#endif
