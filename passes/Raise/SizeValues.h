// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Symbolic sizes as values of the onnx level.
#ifndef TRINE_PASSES_RAISE_SIZEVALUES_H
#define TRINE_PASSES_RAISE_SIZEVALUES_H

#include "mlir/IR/Builders.h"
#include "trine/Dialect/ONNX/ShapeAnalysis.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Allocator.h"

namespace mlir::trine {

/// Makes constants and sizes at a function's entry, each once: sizes that do
/// not hang on data from those of the function's arguments, so that no value in
/// between has a use for its size alone.
class SizeValues {
public:
  SizeValues(func::FuncOp function, onnx::ShapeAnalysis &shapes)
      : function(function), shapes(shapes), builder(function.getContext()) {}

  /// What now stands for a value that sizes hang on; null when it is gone. For
  /// sizes that hang on data; without it these cannot be made.
  std::function<Value(Value)> current;

  Value constant(DenseElementsAttr value);
  /// A 1-D i64 constant.
  Value integers(ArrayRef<int64_t> values);
  /// Sizes as a 1-D i64 tensor; null where they cannot be made. Sizes that hang
  /// on data are made before `before`, those of one made later stay there.
  Value list(ArrayRef<SymbolicExpression> sizes, Operation *before);
  /// One size as a tensor of rank 0.
  Value scalar(SymbolicExpression size, Operation *before);
  /// The constant for the value of one of the graph: itself, moved to the
  /// entry, or the one that was there.
  Value adopt(Operation *constantOp, Attribute value);
  bool hasFailed() const { return isBroken; }
  /// Whether an op was made here: it may be asked for again, used or not.
  bool owns(Operation *op) const { return made.contains(op); }
  /// Unlinks what was made and is not used, and forgets the rest.
  SmallVector<Operation *> takeUnused();
  /// Whether an expression has a symbol that is no size of an argument.
  bool hangsOnData(SymbolicExpression expression);

private:
  Operation *build(StringRef name, ArrayRef<Value> operands,
                   ArrayRef<NamedAttribute> attributes, bool atEntry);
  Value one(SymbolicExpression size);
  Value make(SymbolicExpression size);
  Value makeAtom(SymbolicAtom atom, bool atEntry);

  func::FuncOp function;
  onnx::ShapeAnalysis &shapes;
  OpBuilder builder;
  Operation *before = nullptr;
  llvm::SetVector<Operation *> made;
  /// The last op made at the entry.
  Operation *last = nullptr;
  llvm::DenseMap<Attribute, Value> constants;
  llvm::DenseMap<SymbolicExpression, Value> values;
  llvm::DenseMap<Value, Value> scalars;
  /// By the expressions' identities.
  llvm::DenseMap<ArrayRef<const void *>, Value> lists;
  llvm::DenseMap<SymbolicExpression, unsigned> arguments;
  llvm::BumpPtrAllocator allocator;
  bool isBroken = false, knowsArguments = false;
};

} // namespace mlir::trine

#endif
