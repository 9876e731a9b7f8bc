// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the passes that recognise structures share: looking at values, building
/// raised ops, reporting what was and what nearly was recognised.
///
/// These passes see the canonical form that trine-normalize-onnx leaves (see
/// its description). They match values, never names.
#ifndef TRINE_PASSES_RAISE_RAISING_H
#define TRINE_PASSES_RAISE_RAISING_H

#include "SizeValues.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/ONNX/ShapeAnalysis.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::trine {

//===----------------------------------------------------------------------===//
// Looking at values
//===----------------------------------------------------------------------===//

/// The op that makes `value` if it is an `OpTy`, else null.
template <typename OpTy>
OpTy producer(Value value) {
  return value ? value.getDefiningOp<OpTy>() : OpTy();
}

/// The only number that a constant holds (any shape, splat), as a double; also
/// through Cast, Expand and Reshape. Integers beyond 2^53 are not returned.
std::optional<double> constantNumber(Value value);
/// The same for integers and booleans, exactly.
std::optional<int64_t> constantInteger(Value value);
/// All elements of a constant integer tensor in row-major order.
std::optional<SmallVector<int64_t>> constantIntegers(Value value);
/// Whether a constant number equals `expected` after rounding `expected` to the
/// element type of `value`.
bool isConstantNumber(Value value, double expected);

/// For a commutative op with two operands: calls `match(a, b)` with both
/// orders until one holds.
bool matchEitherOrder(Operation *op,
                      llvm::function_ref<bool(Value a, Value b)> match);

/// Of a binary op, the constant number among its operands and the other one.
struct NumberOperand {
  Value other;
  double number;
};
std::optional<NumberOperand> splitNumber(Operation *op);

/// TensorProto.DataType of an element type (f64, f32, f16, bf16, i64, i32, i1),
/// as Cast has it; 0 for others.
int64_t dataTypeOf(Type type);
/// The value before Casts that only widen or keep (f16 or bf16 to f32, i32 to
/// i64): the same numbers.
Value skipWideningCasts(Value value);
/// The value before all Casts between float types.
Value skipFloatCasts(Value value);

/// The sizes that are not 1.
SmallVector<SymbolicExpression> wideSizes(ArrayRef<SymbolicExpression> sizes);

//===----------------------------------------------------------------------===//
// Raising
//===----------------------------------------------------------------------===//

/// Why a structure that looked like a form was not taken: the first condition
/// that failed.
struct NearMiss {
  Operation *node = nullptr;
  std::string reason;
};

/// One attempt to recognise a structure.
class Attempt {
public:
  /// Keeps the first reason; always false.
  bool fail(Operation *node, const Twine &reason) {
    if (miss.reason.empty())
      miss = {node, reason.str()};
    return false;
  }
  bool failed() const { return !miss.reason.empty(); }

  NearMiss miss;
};

/// What raising passes know of a function: its shapes, and ops that one of them
/// unlinked. An analysis that a pass keeps valid for the next by changing the
/// function through Raising alone.
class RaisingState {
public:
  explicit RaisingState(Operation *function);
  ~RaisingState();

  onnx::ShapeAnalysis shapes;
  bool isValid;
  SmallVector<Operation *> unlinked;
};

/// One function while a pass raises structures in it. Ops that became dead are
/// unlinked at once, so that use counts are true, but stay allocated until the
/// end: the shape analysis knows them by address.
class Raising {
public:
  /// `pass` is the pass's argument, for remarks. Runs the shape analysis.
  Raising(func::FuncOp function, StringRef pass);
  /// The same with getAnalysis<RaisingState>(): the pass then says
  /// markAnalysesPreserved<RaisingState>(), and the next need not run it again.
  Raising(func::FuncOp function, StringRef pass, RaisingState &state);
  ~Raising();

  /// Runs the shape analysis; false when it failed (reported).
  bool isValid() const { return state.isValid; }
  func::FuncOp getFunction() const { return function; }
  onnx::ShapeAnalysis &getShapes() { return shapes; }
  MLIRContext *getContext() { return function.getContext(); }

  /// All ops of `OpTy`, in order, that are still linked. Safe against raising
  /// while iterating: ask isLinked.
  template <typename OpTy>
  SmallVector<OpTy> opsOf() {
    SmallVector<OpTy> ops;
    function.walk([&](OpTy op) { ops.push_back(op); });
    return ops;
  }
  static bool isLinked(Operation *op) { return op->getBlock() != nullptr; }

  //===--- shapes -------------------------------------------------------===//

  /// The symbolic sizes of a value; empty also for rank 0.
  ArrayRef<SymbolicExpression> dims(Value value) {
    return shapes.getShape(value);
  }
  int64_t rank(Value value) { return dims(value).size(); }
  /// A size that is a number.
  std::optional<int64_t> staticDim(Value value, int64_t dimension) {
    return dims(value)[dimension].getConstant();
  }
  /// Whether both have the same symbolic sizes.
  bool haveSameShape(Value a, Value b) { return dims(a) == dims(b); }
  /// Whether `value`, broadcast to `tensor`, is one number for each of its rows
  /// (of the last dimension).
  bool isOnePerRow(Value value, Value tensor);
  /// The same value before Reshapes that only add, drop or move sizes of 1.
  Value skipUnitReshapes(Value value);
  /// An axis attribute or operand in [0, rank).
  int64_t normalAxis(int64_t axis, Value value) {
    return axis < 0 ? axis + rank(value) : axis;
  }

  //===--- building -----------------------------------------------------===//

  /// A builder that inserts before `op`, with its location.
  ImplicitLocOpBuilder builderBefore(Operation *op) {
    return ImplicitLocOpBuilder(op->getLoc(), op);
  }
  /// Tells the shape analysis of an op made now; its result types are refined.
  LogicalResult visit(Operation *op) { return shapes.visit(op); }
  /// An onnx op made before `before`, visited: `onnx.<name>` with one result.
  Value create(Operation *before, StringRef name, ArrayRef<Value> operands,
               ArrayRef<NamedAttribute> attributes = {});
  /// A 1-D i64 constant made before `before`.
  Value integers(Operation *before, ArrayRef<int64_t> values);
  /// `value` under other sizes (numbers, or one -1), as an onnx.Reshape.
  Value reshape(Operation *before, Value value, ArrayRef<int64_t> sizes);
  /// `value` under these sizes; null where they hang on data and are more than
  /// one.
  Value reshape(Operation *before, Value value,
                ArrayRef<SymbolicExpression> sizes);
  /// `value` under the sizes of `like`, whatever its symbols.
  Value reshapeLike(Operation *before, Value value, Value like);
  /// `value` in another element type, as an onnx.Cast; itself if it has it.
  Value cast(Operation *before, Value value, Type type);
  Value transpose(Operation *before, Value value,
                  ArrayRef<int64_t> permutation);
  /// The parts one behind the other along an axis; a single part as it is.
  Value concat(Operation *before, ArrayRef<Value> parts, int64_t axis);
  /// value[begin:end] along one axis.
  Value slice(Operation *before, Value value, int64_t axis, int64_t begin,
              int64_t end);

  /// Whether some op of `matched`, other than those that make `results`, is
  /// used outside of `matched`: then it may not vanish. Gives the user. Views
  /// and casts of what comes from outside are cheap: with `sharesViews` they
  /// may be used by others.
  Operation *findOutsideUse(ArrayRef<Operation *> matched, ValueRange results,
                            bool sharesViews = false);

  /// Puts a raised op in the place of what was matched: `results` get its
  /// results, its location fuses those of `matched`, it carries `form` (a row
  /// of docs/forms.md) as the attribute `trine.form`, ops that became dead
  /// vanish, and a remark says so.
  void replace(ValueRange results, Operation *raised, StringRef form,
               ArrayRef<Operation *> matched);
  /// The same where the new values are not the raised op's own results (a
  /// reshape follows it).
  void replace(ValueRange results, ValueRange values, Operation *raised,
               StringRef form, ArrayRef<Operation *> matched);
  /// Unlinks `op` and its producers where nothing uses them any more.
  void eraseIfDead(Operation *op);

  //===--- reporting ----------------------------------------------------===//

  /// A remark: `what` was nearly recognised at `anchor`, but ... At most once
  /// for each anchor and pass.
  void missed(Operation *anchor, StringRef what, const NearMiss &miss);

private:
  func::FuncOp function;
  std::string pass;
  std::unique_ptr<RaisingState> ownState;
  RaisingState &state;
  onnx::ShapeAnalysis &shapes;
  SizeValues sizeValues;
  llvm::DenseSet<Operation *> missedAnchors;
};

/// A pass that raises structures in a function: `raise` sees a function whose
/// shapes are known. `Base` is the class that the pass's record generates.
template <typename Base>
class RaisingPass : public Base {
public:
  using Base::Base;

  void runOnOperation() final {
    func::FuncOp function = this->getOperation();
    if (function.isExternal() || !hasAnchor(function))
      return this->markAllAnalysesPreserved();
    Raising raising(function, this->getArgument(),
                    this->template getAnalysis<RaisingState>());
    this->template markAnalysesPreserved<RaisingState>();
    if (!raising.isValid())
      return this->signalPassFailure();
    raise(raising);
  }

protected:
  /// Whether the function has anything to look at.
  virtual bool hasAnchor(func::FuncOp function) const { return true; }
  virtual void raise(Raising &raising) = 0;

  /// Whether a function has an op of one of these kinds.
  template <typename... OpTypes>
  static bool contains(func::FuncOp function) {
    return function
        .walk([](Operation *op) {
          return isa<OpTypes...>(op) ? WalkResult::interrupt()
                                     : WalkResult::advance();
        })
        .wasInterrupted();
  }
};

} // namespace mlir::trine

#endif
