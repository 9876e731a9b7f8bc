// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelBody.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"

using namespace mlir;
using namespace mlir::trine;

/// The fresh tensor that `value` is computed into, if nothing else uses it.
static tensor::EmptyOp freshTensor(Value value) {
  while (auto result = dyn_cast<OpResult>(value)) {
    if (auto empty = dyn_cast<tensor::EmptyOp>(result.getOwner()))
      return empty;
    auto op = dyn_cast<linalg::LinalgOp>(result.getOwner());
    if (!op)
      return nullptr;
    value = op.getTiedOpOperand(result)->get();
    if (!value.hasOneUse())
      return nullptr;
  }
  return nullptr;
}

/// Makes `input`, a temporary that `op` is the last to read, element by
/// element, live where `op` writes its result.
static bool shareStorage(linalg::GenericOp op, OpOperand *input,
                         OpOperand &init, DominanceInfo &dominance) {
  Value value = input->get();
  Value target = init.get();
  if (value.getType() != target.getType() || target == value)
    return false;
  AffineMap map = op.getMatchingIndexingMap(input);
  if (map != op.getMatchingIndexingMap(&init) || !map.isPermutation() ||
      op.payloadUsesValueFromOperand(&init))
    return false;
  tensor::EmptyOp empty = freshTensor(value);
  if (!empty || empty->getBlock() != op->getBlock() ||
      value.getDefiningOp()->getBlock() != op->getBlock())
    return false;
  for (Operation *user : value.getUsers()) {
    Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*user);
    if (!ancestor || (ancestor != op && op->isBeforeInBlock(ancestor)))
      return false;
  }
  // The destination must exist, unread and unwritten, where the temporary does.
  if (Operation *definition = target.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp>(definition) || !target.hasOneUse())
      return false;
    for (Value operand : definition->getOperands())
      if (!dominance.properlyDominates(operand, empty))
        return false;
    if (definition->getBlock() != op->getBlock())
      return false;
    if (!definition->isBeforeInBlock(empty))
      definition->moveBefore(empty);
  } else if (!target.hasOneUse()) {
    return false;
  }
  empty.getResult().replaceAllUsesWith(target);
  empty->erase();
  init.set(value);
  return true;
}

void trine::reuseDestinations(plan::KernelOp kernel) {
  DominanceInfo dominance(kernel);
  SmallVector<linalg::GenericOp> generics;
  kernel.walk([&](linalg::GenericOp op) {
    if (op.getNumReductionLoops() == 0 && op.hasPureTensorSemantics())
      generics.push_back(op);
  });
  // Last first, so that a chain ends up in the storage of its last result.
  for (linalg::GenericOp op : llvm::reverse(generics))
    for (OpOperand &init : op.getDpsInitsMutable())
      for (OpOperand *input : op.getDpsInputOperands())
        if (shareStorage(op, input, init, dominance))
          break;
}
