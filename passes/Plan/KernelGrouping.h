// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Decides which ops of the sequence form one kernel.
#ifndef TRINE_PASSES_PLAN_KERNELGROUPING_H
#define TRINE_PASSES_PLAN_KERNELGROUPING_H

#include "TensorSizes.h"

#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "llvm/ADT/DenseSet.h"
#include <memory>

namespace mlir::trine {

/// What becomes of an op of the sequence.
enum class OpRole {
  Sequence, ///< stays between the launches: sizes, checks, weights, return
  View,     ///< stays between the launches: the same elements under other dims
  Cheap,    ///< is cloned into each kernel that uses it
  Work,     ///< belongs to exactly one kernel
};

/// Ops that one kernel computes; all but the root are used only inside.
struct KernelGroup {
  /// The root first, producers after their users.
  SmallVector<Operation *> members;
  /// How many leading dims of the root's result every member is computed by,
  /// row by row.
  unsigned rows = 0;
  bool hasContraction = false;
  bool hasReduction = false;
  bool isLinalg = false;

  Operation *root() const { return members.front(); }
  /// The form of the kernel, for reports: matmul, batch_matmul, convolution,
  /// attention, route, group, grouped_matmul, row, reduction, elementwise,
  /// gather, concat, loop, copy, other.
  StringRef skeleton() const;
};

class KernelGrouping {
public:
  /// Of one block of the sequence.
  KernelGrouping(Block &block, const TensorSizes &sizes);

  OpRole role(Operation *op) const { return roles.lookup(op); }
  /// In the order of their roots.
  ArrayRef<std::unique_ptr<KernelGroup>> groups() const { return ordered; }
  /// Ops that joined the group of their consumer.
  unsigned numJoined() const { return joined; }

private:
  void findCandidates();
  void assignRole(Operation *op);
  bool isNeededBetweenLaunches(Operation *op) const;
  void assignGroup(Operation *op);
  bool tryJoin(Operation *op, KernelGroup &group);
  bool tryJoinLinalg(linalg::LinalgOp op, KernelGroup &group);

  Block &block;
  const TensorSizes &sizes;
  llvm::DenseMap<Operation *, OpRole> roles;
  /// Slices of larger tensors and expansions of these: no work when cloned.
  llvm::DenseSet<Operation *> sliceChain;
  /// Scalar ops whose value comes from the contents of a tensor.
  llvm::DenseSet<Operation *> dataDependent;
  /// Index values that memory between launches is made from.
  llvm::DenseSet<Value> sequenceSizes;
  llvm::DenseMap<Operation *, KernelGroup *> groupOf;
  /// Loops of a linalg op that run over the rows of its group.
  llvm::DenseMap<Operation *, SmallVector<unsigned>> rowLoops;
  SmallVector<std::unique_ptr<KernelGroup>> ordered;
  unsigned joined = 0;
};

/// True for a product of matrices: a contraction with rows and columns of its
/// own on each side.
bool isMatrixProduct(linalg::LinalgOp op);

/// The tensor that an insertion writes into; null for other ops.
OpOperand *getInsertDestination(Operation *op);

} // namespace mlir::trine

#endif
