// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the lowerings of ONNX operators share: the value map, symbolic sizes as
/// index values, and helpers that build linalg on tensors. One file per
/// operator family registers handlers; the pass (ConvertONNXToLinalg.cpp) walks
/// the function once, in order, and calls the handler of each op.
#ifndef TRINE_PASSES_RAISE_ONNXLOWERING_H
#define TRINE_PASSES_RAISE_ONNXLOWERING_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/ONNX/ShapeAnalysis.h"
#include "trine/Support/SymbolicExpression.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace mlir::trine {

class ONNXLowering;

/// Lowers one op: maps each result that is not `none` to a tensor of type
/// `lowering.type(result)`, or reports why it cannot with
/// `lowering.unsupported` and fails.
using ONNXLoweringHandler = LogicalResult (*)(Operation *op,
                                              ONNXLowering &lowering);

/// From op name ("Add", "com.microsoft.MoE": without "onnx.") to handler.
class ONNXLoweringRegistry {
public:
  void add(StringRef name, ONNXLoweringHandler handler) {
    handlers[name] = handler;
  }
  void add(ArrayRef<StringRef> names, ONNXLoweringHandler handler) {
    for (StringRef name : names)
      add(name, handler);
  }
  /// The handler of `op`, null if there is none.
  ONNXLoweringHandler find(Operation *op) const;

private:
  llvm::StringMap<ONNXLoweringHandler> handlers;
};

void registerElementwiseLowerings(ONNXLoweringRegistry &registry);
void registerMovementLowerings(ONNXLoweringRegistry &registry);
void registerReductionLowerings(ONNXLoweringRegistry &registry);

/// The state of lowering one function. "onnx value" below is a value of the
/// function before the pass, "lowered" one of the function that is being built.
class ONNXLowering {
public:
  using Expression = SymbolicExpression;

  ONNXLowering(func::FuncOp function, const onnx::ShapeAnalysis &shapes,
               const ONNXLoweringRegistry &registry);

  /// Inserts at the place of the op being lowered, in the new body.
  OpBuilder builder;
  /// The location of the op being lowered.
  Location loc;

  //===--- values
  //----------------------------------------------------------------------------------------------===//

  /// The lowered tensor of an onnx value. Never null for operands of the op
  /// being lowered that are not `none`. Integer tensors whose contents the
  /// shape analysis knows are made from these, so size computations vanish.
  Value lookup(Value onnxValue);
  /// Records the lowered tensor of an onnx value; a `tensor.cast` is added when
  /// its type is not `type(onnxValue)`.
  void map(Value onnxValue, Value lowered);
  /// True for an absent optional operand or result.
  static bool isNone(Value onnxValue) {
    return isa<NoneType>(onnxValue.getType());
  }

  /// The elements of an integer constant (any rank, in row-major order), such
  /// as axes; also those that the shape analysis proves constant. None if it is
  /// not constant.
  std::optional<SmallVector<int64_t>> constantIntegers(Value onnxValue) const;
  /// The elements of a small integer tensor as symbolic expressions; none if
  /// unknown.
  std::optional<SmallVector<Expression>> contents(Value onnxValue) const;
  /// The value of an `onnx.Constant`, null if the value is no constant.
  static DenseElementsAttr constant(Value onnxValue);

  //===--- types and sizes
  //-------------------------------------------------------------------------------------===//

  /// The lowered type: dims from the shape analysis, static where they are
  /// constants; uiN becomes signless iN.
  RankedTensorType type(Value onnxValue) const;
  /// The element type of the lowered tensor.
  Type elementType(Value onnxValue) const {
    return type(onnxValue).getElementType();
  }
  /// True if the elements are unsigned integers (which the lowered type no
  /// longer says).
  static bool isUnsigned(Value onnxValue);
  int64_t rank(Value onnxValue) const { return type(onnxValue).getRank(); }
  /// The dims as symbolic expressions.
  SmallVector<Expression> dims(Value onnxValue) const;
  /// The dims as attributes (constants) and index values.
  SmallVector<OpFoldResult> sizes(Value onnxValue) {
    return sizes(dims(onnxValue));
  }
  SmallVector<OpFoldResult> sizes(ArrayRef<Expression> dims);
  /// An expression as an attribute or an index value. Index arithmetic on sizes
  /// of arguments is built once, at the entry of the function; what depends on
  /// data is built here, from values given to `defineSize`.
  OpFoldResult size(const Expression &expression);
  /// The same, always as an index value.
  Value sizeValue(const Expression &expression);
  Value indexConstant(int64_t value);
  /// The index value of a size or offset.
  Value indexValue(OpFoldResult value);
  /// Gives the value of dimension `dim` of a result whose size depends on data
  /// (a fresh symbol of the shape analysis). Returns the value that was
  /// recorded: `size` clamped to [0, upper bound of the symbol].
  Value defineSize(Value onnxResult, int64_t dim, Value size);

  //===--- builders
  //--------------------------------------------------------------------------------------------===//

  /// tensor.empty of the type and sizes of an onnx value; `elementType`
  /// replaces its own if given.
  Value empty(Value onnxValue, Type elementType = {});
  Value empty(ArrayRef<Expression> dims, Type elementType);
  /// tensor.empty filled with a scalar value.
  Value filled(ArrayRef<Expression> dims, Value scalar);
  /// A scalar of `type` (integer or float); integers are truncated to the
  /// width.
  Value scalar(Type type, double value);
  Value scalarInteger(Type type, int64_t value);
  /// The one element of a tensor with one element (of any rank).
  Value extractScalar(Value lowered);

  /// The same elements under other dims, as views: tensor.collapse_shape and
  /// tensor.expand_shape with groups found by comparing products of `from` and
  /// `to`. Products that cannot be proven equal go through one dimension and a
  /// trine.require.
  Value reshape(Value lowered, ArrayRef<Expression> from,
                ArrayRef<Expression> to);
  /// tensor.cast if the type differs; the value as it is otherwise.
  Value castTo(Value lowered, Type type);

  /// The indexing map of an operand that is broadcast (numpy rules) to `to`:
  /// dims known to be 1 are constant 0.
  AffineMap broadcastMap(ArrayRef<Expression> from, ArrayRef<Expression> to);

  /// The type in which floats are computed: f32 for f16 and bf16, the type
  /// itself otherwise.
  static Type computeType(Type elementType);
  /// Widens a f16 or bf16 scalar to f32, leaves others.
  static Value toComputeType(OpBuilder &builder, Location loc, Value scalar);
  /// Rounds a float scalar to `elementType` if it has another float type.
  static Value fromComputeType(OpBuilder &builder, Location loc, Value scalar,
                               Type elementType);

  /// Computes one result scalar from operand scalars in compute type.
  using ScalarBody = llvm::function_ref<Value(OpBuilder &builder, Location loc,
                                              ValueRange scalars)>;
  /// One linalg.generic, all iterators parallel, over the dims of `onnxResult`;
  /// `onnxInputs` are broadcast to it. Constants with one value become scalars
  /// of the body. Rounds the scalar to the result's type.
  Value elementwise(ValueRange onnxInputs, Value onnxResult, ScalarBody body);
  /// The same on lowered tensors whose dims are given.
  struct Operand {
    Value value;
    SmallVector<Expression> dims;
  };
  Value elementwise(ArrayRef<Operand> inputs, ArrayRef<Expression> dims,
                    Type elementType, ScalarBody body);
  /// The lowered tensor with its dims.
  Operand operand(Value onnxValue) {
    return {lookup(onnxValue), dims(onnxValue)};
  }

  /// Aborts the step with `message` at run time unless the i1 scalar holds
  /// (trine.require).
  void require(Value condition, const Twine &message);

  //===--- control
  //-------------------------------------------------------------------------------------------===//

  /// Reports "'onnx.X' cannot be lowered: reason" at the op. Always fails.
  LogicalResult unsupported(Operation *op, const Twine &reason);

  /// Lowers the ops of a block but its terminator, at the insertion point.
  /// Values made inside are forgotten after `body` (which is called after the
  /// ops, and sees them) returns.
  LogicalResult
  lowerBlock(Block &block,
             llvm::function_ref<LogicalResult(Operation *terminator)> body);

  /// Lowers the whole function in place. Reports every op that cannot be
  /// lowered, then fails.
  LogicalResult run();

private:
  LogicalResult lowerOp(Operation *op);
  Value materialise(const Expression &expression);

  func::FuncOp function;
  const onnx::ShapeAnalysis &shapes;
  const ONNXLoweringRegistry &registry;
};

} // namespace mlir::trine

#endif
