// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The sizes of the tensors of a launch sequence, as attributes and index
/// values, so that memory for a result can be made before the op that
/// computes it.
#ifndef TRINE_PASSES_PLAN_TENSORSIZES_H
#define TRINE_PASSES_PLAN_TENSORSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::trine {

/// Index constants and products that exist already, so that equal sizes stay
/// one value. Only values that come before the insertion point are recorded.
class KnownProducts {
public:
  void record(Operation *op);
  Value constant(OpBuilder &builder, Location loc, int64_t value);
  Value multiply(OpBuilder &builder, Location loc, Value a, Value b);

private:
  llvm::DenseMap<int64_t, Value> constants;
  llvm::DenseMap<std::pair<Value, Value>, Value> products;
};

/// True for an argument of the sequence that launches write to: the storage of
/// a state.
bool isStorage(Value value);

/// The operand that a result of a while loop starts as; null unless the loop's
/// condition hands on what it gets.
OpOperand *getTiedInit(scf::WhileOp loop, unsigned result);

class TensorSizes {
public:
  /// Walks the entry block of `function` in order, and the regions of the
  /// choices in it; sizes of what a choice yields are values before it. Sizes
  /// of arguments are `tensor.dim` ops at the entry, one per symbol of
  /// `onnx.dims` (existing ones are used where there are); products for
  /// collapsed dims are built right after the collapse. Fails with an error at
  /// the first op whose result sizes do not follow from its operands.
  LogicalResult analyse(func::FuncOp function);

  /// The sizes of a tensor of the sequence.
  ArrayRef<OpFoldResult> of(Value tensor) const;
  /// The dynamic ones among them, in order.
  SmallVector<Value> dynamicOf(Value tensor) const;
  /// Gives the sizes of a tensor that was added after `analyse`.
  void set(Value tensor, SmallVector<OpFoldResult> tensorSizes) {
    sizes[tensor] = std::move(tensorSizes);
  }

  /// Says that `to` has the sizes of `from`.
  void alias(Value from, Value to);

private:
  void analyseArguments(func::FuncOp function);
  LogicalResult analyseBlock(Block &block);
  LogicalResult analyseOp(Operation *op);
  LogicalResult analyseChoice(plan::SelectOp select);

  llvm::DenseMap<Value, SmallVector<OpFoldResult>> sizes;
  KnownProducts products;
};

} // namespace mlir::trine

#endif
