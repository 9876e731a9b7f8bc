// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the rewrites of trine-normalize-onnx share; private to the pass.
#ifndef TRINE_PASSES_RAISE_NORMALIZEONNX_H
#define TRINE_PASSES_RAISE_NORMALIZEONNX_H

#include "Raising.h"
#include "SizeValues.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::trine {

class ONNXNormalizer;

/// Values that replace an op's results; none to keep the op.
using Replacement = SmallVector<Value, 1>;
using NormalizeRewrite = Replacement (*)(Operation *op, ONNXNormalizer &n);
/// Rewrites by name of op, such as "onnx.Add".
using NormalizeTable = llvm::StringMap<SmallVector<NormalizeRewrite, 2>>;

// One file per concern.
void addSliceRewrites(NormalizeTable &table);
void addScatterRewrites(NormalizeTable &table);
void addElementwiseRewrites(NormalizeTable &table);
void addLogicRewrites(NormalizeTable &table);
void addProductRewrites(NormalizeTable &table);
void addViewRewrites(NormalizeTable &table);

/// A position in this distance from the beginning means the end of an axis
/// whose size is not a number.
constexpr int64_t endOfAxis = INT64_MAX;

/// One function on its way to the canonical form: a single walk in order. When
/// an op is reached its operands are in the form already, so that a rewrite
/// only looks at the op and the producers of its operands. Ops made by a
/// rewrite are brought to the form as they are made. Replaced ops stay, unused,
/// until the end: the shape analysis knows them by address.
class ONNXNormalizer {
public:
  explicit ONNXNormalizer(func::FuncOp function);

  /// Fails after reports by the shape analysis.
  LogicalResult run();
  unsigned getNumRewritten() const { return rewritten; }

  //===--- looking --------------------------------------------------------===//

  onnx::ShapeAnalysis &getShapes() { return shapes; }
  SymbolicContext &getSymbols() { return shapes.getContext(); }
  ArrayRef<SymbolicExpression> dims(Value value) const {
    return shapes.getShape(value);
  }
  int64_t rank(Value value) const { return dims(value).size(); }
  SymbolicExpression number(int64_t value) {
    return getSymbols().getConstant(value);
  }
  static Type elementType(Value value) {
    return getElementTypeOrSelf(value.getType());
  }
  /// The attribute of a constant; null for other values.
  static DenseElementsAttr constantOf(Value value);
  /// The scalar constant that a filled tensor repeats: a constant of one
  /// element, or an Expand of one; null for other values.
  static Value filledWith(Value value);
  /// The value that a Concat joins with itself, `count` times along `axis`
  /// (normalised); null for other values.
  Value repeatedBy(Value value, int64_t &axis, int64_t &count) const;

  //===--- building, in the form
  //-------------------------------------------===//

  /// An op `onnx.<name>` before the current one, and what it is in the form.
  Value create(StringRef name, ArrayRef<Value> operands,
               ArrayRef<NamedAttribute> attributes = {});
  Value create(StringRef name, ArrayRef<Value> operands, StringRef attribute,
               int64_t value);
  /// An op as it is, for rewrites that have looked at all there is.
  Value createAsIs(StringRef name, ArrayRef<Value> operands,
                   ArrayRef<NamedAttribute> attributes = {});
  /// `value` as what replaces `op`; nothing when it is an equal op, or null.
  Replacement unlessEqual(Operation *op, Value value);
  /// The same op as `op` on other operands.
  Value createLike(Operation *op, ArrayRef<Value> operands);
  Value constant(DenseElementsAttr value);
  /// A 1-D i64 constant.
  Value integers(ArrayRef<int64_t> values);
  /// The rank-0 constant of a float or integer type nearest to `value`.
  Value scalar(double value, Type elementType);
  /// A 1-D i64 tensor with these sizes, made of the sizes of arguments at the
  /// function's entry where possible; null where it cannot be made.
  Value sizes(ArrayRef<SymbolicExpression> values);
  /// `fallback` gives the target sizes where they cannot be made. Null where
  /// there is none.
  Value reshape(Value value, ArrayRef<SymbolicExpression> target,
                Value fallback = {});
  Value expand(Value value, ArrayRef<SymbolicExpression> target,
               Value fallback = {});
  Value transpose(Value value, ArrayRef<int64_t> permutation);
  /// value[begin:end] along one axis; null where a position cannot be made.
  Value slice(Value value, int64_t axis, SymbolicExpression begin,
              SymbolicExpression end);
  Value concat(ArrayRef<Value> values, int64_t axis);

  Builder &getBuilder() { return builder; }

private:
  Operation *build(StringRef name, ArrayRef<Value> operands,
                   ArrayRef<NamedAttribute> attributes);
  void countAxisFromStart(Operation *op);
  /// The rewritten results of a visited op; none when it is in the form.
  Replacement simplify(Operation *op);
  /// A small integer tensor whose elements are known, from them.
  Value fromContents(Operation *op);
  /// The branch that an If always takes; null if that is not known.
  Region *takenBranch(Operation *op);
  /// Puts the ops of a branch into the place of its If. False where the branch
  /// is not one.
  bool inlineBranch(Operation *op, Region &taken);
  void normalize(Operation *op);
  /// What stands for a value now.
  Value current(Value value) const;
  void eraseDeadOps();
  void eraseDeadOps(Block &block);

  func::FuncOp function;
  onnx::ShapeAnalysis shapes;
  SizeValues sizeValues;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> replacements;
  /// Ifs whose branches took their places.
  SmallVector<Operation *> decided;
  unsigned rewritten = 0, depth = 0;
  bool isBroken = false;
};

} // namespace mlir::trine

#endif
