// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Shapes, small integer values and value ranges of the onnx dialect, as
/// expressions over the sizes of a model's inputs.
#ifndef TRINE_DIALECT_ONNX_SHAPEANALYSIS_H
#define TRINE_DIALECT_ONNX_SHAPEANALYSIS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Value.h"
#include "trine/Support/SymbolicExpression.h"

namespace mlir::trine::onnx {

/// A symbol and where its value is found at run time.
struct SymbolDefinition {
  SymbolicExpression symbol;
  /// `value`'s size along `dimension` gives the symbol: symbol = (size -
  /// offset) / divisor, where `offset` has only symbols that come earlier in
  /// the list. For a function argument that holds at entry (offset 0 and
  /// divisor 1 when the size is the symbol alone). For a data-dependent symbol
  /// `value` is the op's result that first has the size; offset is 0 and
  /// divisor 1.
  Value value;
  unsigned dimension = 0;
  SymbolicExpression offset;
  int64_t divisor = 1;
  /// An argument's size, or a size that depends on data.
  bool isArgument = true;
  /// Inclusive, over arguments' symbols; null when none is known. Only for
  /// data-dependent symbols.
  SymbolicExpression upperBound;
};

/// Bounds on the elements of an integer tensor, inclusive; null where not
/// known. Bounds of empty tensors mean nothing.
struct IntegerRange {
  SymbolicExpression lower, upper;
};

/// Two different sizes that must be equal at run time for `operation` to be
/// valid; `chosen` is what the result has.
struct ShapeAssumption {
  Operation *operation;
  SymbolicExpression chosen, other;
};

/// Infers types of onnx ops one by one, in order, and keeps what it learns per
/// value.
///
/// Usage: construct on the function (its arguments must be there), then either
/// visit every operation of its body in order, or run(). The types that results
/// have before the visit are ignored, except that an absent optional result has
/// type none. An op with regions (If, Loop) is visited once, after its regions
/// are complete; that visits the ops inside. Time is linear in the graph.
/// Visited ops must not be erased while the analysis is in use: it knows them
/// by address.
class ShapeAnalysis {
public:
  /// Reads the arguments' types and their `onnx.dims` (integers, or expressions
  /// as strings). Dynamic sizes without one get fresh symbols. Arguments that
  /// contradict their attribute are reported here, and make run() fail.
  explicit ShapeAnalysis(func::FuncOp function);
  ~ShapeAnalysis();
  ShapeAnalysis(const ShapeAnalysis &) = delete;
  ShapeAnalysis &operator=(const ShapeAnalysis &) = delete;

  /// Sets the op's result types (element type, rank, static sizes) and records
  /// shapes, contents and ranges of its results. On contradicting operands
  /// emits an error at the op and fails; its results then are unranked, and
  /// later ops that use them are skipped in silence (visit succeeds). Ops that
  /// are not of the onnx dialect are accepted: their results keep their types.
  LogicalResult visit(Operation *op);
  /// Visits all ops of the function, reports all errors, and refines the types
  /// of the function to those of its body.
  LogicalResult run();

  SymbolicContext &getContext() const;

  /// False for values that were never visited, whose op failed, or that are not
  /// tensors.
  bool hasShape(Value value) const;
  /// One expression per dimension; constants where the size is known. Empty if
  /// !hasShape(value).
  ArrayRef<SymbolicExpression> getShape(Value value) const;
  /// The elements of an integer (or i1) tensor of rank 0 or 1 with at most 256
  /// elements, all known.
  std::optional<ArrayRef<SymbolicExpression>> getContents(Value value) const;
  /// Bounds on an integer tensor's elements; both null when nothing is known.
  IntegerRange getRange(Value value) const;

  /// True when every element of an integer tensor is proved to be in [lower,
  /// upper).
  bool isInRange(Value value, SymbolicExpression lower,
                 SymbolicExpression upper) const;
  /// An expression over arguments' symbols that is at least `expression`; null
  /// when none is known.
  SymbolicExpression getUpperBound(SymbolicExpression expression) const;

  /// Every symbol that shapes and contents use, arguments' first.
  ArrayRef<SymbolDefinition> getSymbols() const;
  /// What was assumed about sizes, each pair once.
  ArrayRef<ShapeAssumption> getAssumptions() const;

  struct Implementation;
  Implementation &getImplementation() { return *implementation; }

private:
  std::unique_ptr<Implementation> implementation;
};

} // namespace mlir::trine::onnx

#endif
