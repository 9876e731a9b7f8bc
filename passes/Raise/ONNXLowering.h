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
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace mlir::trine {

class ONNXLowering;

/// Lowers one op: calls `lowering.map` for each result that is not `none`, or
/// reports why it cannot with `lowering.unsupported` and fails.
using ONNXLoweringHandler = LogicalResult (*)(Operation *op, ONNXLowering &);

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

/// One per family; ConvertONNXToLinalg.cpp calls them all.
void registerActivationLowerings(ONNXLoweringRegistry &registry);
void registerCastLowerings(ONNXLoweringRegistry &registry);
void registerContractionLowerings(ONNXLoweringRegistry &registry);
void registerControlFlowLowerings(ONNXLoweringRegistry &registry);
void registerConvolutionLowerings(ONNXLoweringRegistry &registry);
void registerEinsumLowerings(ONNXLoweringRegistry &registry);
void registerElementwiseLowerings(ONNXLoweringRegistry &registry);
void registerGatherLowerings(ONNXLoweringRegistry &registry);
void registerGeneratorLowerings(ONNXLoweringRegistry &registry);
void registerMovementLowerings(ONNXLoweringRegistry &registry);
void registerNormalizationLowerings(ONNXLoweringRegistry &registry);
void registerReductionLowerings(ONNXLoweringRegistry &registry);
void registerScanLowerings(ONNXLoweringRegistry &registry);
void registerScatterLowerings(ONNXLoweringRegistry &registry);
void registerSelectionLowerings(ONNXLoweringRegistry &registry);
void registerSliceLowerings(ONNXLoweringRegistry &registry);
void registerTopKLowerings(ONNXLoweringRegistry &registry);

/// The state of lowering one function. Below, an "onnx value" is a value of the
/// function before the pass, a "lowered" one belongs to what is being built.
class ONNXLowering {
public:
  using Expression = SymbolicExpression;

  /// `shapes` must have visited the whole function. Where that has failed, ops
  /// without shapes were reported already.
  ONNXLowering(func::FuncOp function, const onnx::ShapeAnalysis &shapes,
               const ONNXLoweringRegistry &registry);

  /// Inserts at the place of the op being lowered, in the new body.
  OpBuilder builder;
  /// The location of the op being lowered.
  Location loc;

  //===--- values ---------------------------------------------------------===//

  /// The lowered tensor of an onnx value. Never null for operands of the op
  /// being lowered that are not `none`. Integer tensors whose contents the
  /// shape analysis knows are made from these, so size computations vanish.
  Value lookup(Value onnxValue);
  /// Records the lowered tensor of an onnx value; a tensor.cast is added when
  /// its type is not `type(onnxValue)`.
  void map(Value onnxValue, Value lowered);
  /// True for an absent optional operand or result.
  static bool isNone(Value onnxValue) {
    return isa<NoneType>(onnxValue.getType());
  }

  /// The elements of a constant integer tensor in row-major order, such as
  /// axes; also of one that the shape analysis proves constant. None if not
  /// constant.
  std::optional<SmallVector<int64_t>> constantIntegers(Value onnxValue) const;
  /// The elements of a small integer tensor (rank 0 or 1) as symbolic
  /// expressions; none if unknown.
  std::optional<SmallVector<Expression>> contents(Value onnxValue) const;
  /// The value of an `onnx.Constant`, null if it is none or not dense.
  static DenseElementsAttr constant(Value onnxValue);
  /// The shape analysis, for ranges of values.
  const onnx::ShapeAnalysis &getShapes() const { return shapes; }

  //===--- types and sizes ------------------------------------------------===//

  /// The lowered type: dims from the shape analysis, static where they are
  /// constants; uiN becomes signless iN.
  RankedTensorType type(Value onnxValue) const;
  RankedTensorType type(ArrayRef<Expression> dims, Type elementType) const;
  Type elementType(Value onnxValue) const {
    return type(onnxValue).getElementType();
  }
  /// True if the elements are unsigned (the lowered type no longer says it).
  static bool isUnsigned(Value onnxValue);
  int64_t rank(Value onnxValue) const { return dims(onnxValue).size(); }
  /// The dims as symbolic expressions.
  SmallVector<Expression> dims(Value onnxValue) const;
  /// An expression that is a constant.
  Expression constantExpression(int64_t value) const;
  /// The product; 1 for none.
  Expression product(ArrayRef<Expression> dims) const;

  /// True if every symbol of the expression has a value at this point; false
  /// for a size that `defineSize` must give first.
  bool isAvailable(Expression expression) const;

  /// The dims as attributes (constants) and index values.
  SmallVector<OpFoldResult> sizes(Value onnxValue) {
    return sizes(dims(onnxValue));
  }
  SmallVector<OpFoldResult> sizes(ArrayRef<Expression> dims);
  /// An expression as an attribute or an index value. Index arithmetic on sizes
  /// of arguments is built once, at the function's entry; what depends on data
  /// is built here, from the values given to `defineSize`.
  OpFoldResult size(Expression expression);
  /// The same, always as an index value.
  Value sizeValue(Expression expression);
  /// A constant index value, made once at the function's entry.
  Value indexConstant(int64_t value);
  /// An attribute or index value as an index value.
  Value indexValue(OpFoldResult value);
  /// For the op that first has a size that depends on data: gives that size. It
  /// is clamped to [0, the symbol's upper bound]; `mayExceed` adds a
  /// trine.require that the bound holds (leave it out where it always does).
  /// Returns the size to use; must come before `empty(onnxResult)`. Where the
  /// analysis knows the size after all, returns what it knows.
  Value defineSize(Value onnxResult, int64_t dim, Value size,
                   bool mayExceed = true);

  //===--- builders -------------------------------------------------------===//

  /// tensor.empty of the type and sizes of an onnx value; `elementType`
  /// replaces its element type if given.
  Value empty(Value onnxValue, Type elementType = {});
  Value empty(ArrayRef<Expression> dims, Type elementType);
  /// tensor.empty filled with a scalar value (linalg.fill).
  Value filled(ArrayRef<Expression> dims, Value scalar);
  /// The element of a tensor that has one (of any rank), by tensor.extract.
  Value extractScalar(Value lowered);

  /// The same elements under other dims, as views: tensor.collapse_shape and
  /// tensor.expand_shape with groups found by comparing products of `from` and
  /// `to`. Products that cannot be proven equal get a trine.require.
  Value reshape(Value lowered, ArrayRef<Expression> from,
                ArrayRef<Expression> to);
  /// tensor.cast if the type differs; the value as it is otherwise.
  Value castTo(Value lowered, Type type);

  /// A lowered tensor with its dims.
  struct Operand {
    Value value;
    SmallVector<Expression> dims;
  };
  Operand operand(Value onnxValue) {
    return {lookup(onnxValue), dims(onnxValue)};
  }
  /// The map of an operand of a linalg.generic over the dims `to` that is
  /// broadcast to them (numpy rules): dims known to be 1 are constant 0.
  /// Replaces the operand by the source of a tensor.expand_shape that only
  /// added ones.
  AffineMap broadcastMap(Operand &operand, ArrayRef<Expression> to);

  /// Computes one result scalar from operand scalars.
  using ScalarBody = llvm::function_ref<Value(OpBuilder &builder, Location loc,
                                              ValueRange scalars)>;
  /// One linalg.generic, all iterators parallel, over the dims of `onnxResult`,
  /// to which the inputs are broadcast. Constants of one value become scalars
  /// of the body. f16 and bf16 scalars are widened to f32 for the body and its
  /// result is rounded to the result's type, unless `raw`.
  Value elementwise(ValueRange onnxInputs, Value onnxResult, ScalarBody body,
                    bool raw = false);
  /// The same on lowered tensors.
  Value elementwise(ArrayRef<Operand> inputs, ArrayRef<Expression> dims,
                    Type elementType, ScalarBody body, bool raw = false);

  /// Computes one result scalar from the indices of its place.
  using IndexBody = llvm::function_ref<Value(OpBuilder &builder, Location loc,
                                             ValueRange indices)>;
  /// One linalg.generic without inputs over `dims`, for what reads tensors at
  /// computed places (tensor.extract in the body) or needs only the indices.
  Value generate(ArrayRef<Expression> dims, Type elementType, IndexBody body);

  /// The value of a tensor with one element as a scalar outside of bodies: a
  /// constant, or tensor.extract.
  Value scalarOf(Value onnxValue);
  /// Element `position` of an integer tensor of rank 0 or 1 as an index value:
  /// from its symbolic contents if known, else by tensor.extract.
  Value indexElement(Value onnxValue, int64_t position);

  /// Ends the step with `message` at run time unless the i1 holds.
  void require(Value condition, const Twine &message);
  /// "node 'name' (Gather)" for messages at run time.
  static std::string describe(Operation *op);

  //===--- control --------------------------------------------------------===//

  /// Reports "'onnx.X' cannot be lowered: reason" at the op. Always fails.
  static LogicalResult unsupported(Operation *op, const Twine &reason);

  /// For what the op's verifier and the shape analysis have refused already.
  static LogicalResult unexpected(Operation *op) {
    return unsupported(op, "its operands or attributes are not legal");
  }

  /// Lowers the ops of a block but its terminator, at the insertion point, then
  /// calls `finish`. What was mapped inside is forgotten afterwards.
  LogicalResult
  lowerBlock(Block &block,
             llvm::function_ref<LogicalResult(Operation *terminator)> finish);

  /// Lowers the whole function in place. Reports every op that cannot be
  /// lowered, then fails; fails as well, after the reports, unless `isValid`.
  LogicalResult run(bool isValid);

private:
  LogicalResult lowerOp(Operation *op);
  LogicalResult keepOp(Operation *op);
  /// True if the expression uses sizes of arguments only.
  bool isInvariant(Expression expression) const;
  Value materialise(Expression expression);
  Value lookupOrNull(Value onnxValue);
  Value buildContents(Value onnxValue, ArrayRef<Expression> elements);

  func::FuncOp function;
  const onnx::ShapeAnalysis &shapes;
  const ONNXLoweringRegistry &registry;
  /// Inserts before `anchor`, at the end of the entry section.
  OpBuilder entry;
  Operation *anchor = nullptr;
  bool usedUnknownSize = false;
  DenseMap<Value, Value> values;
  DenseMap<Expression, Value> indices;
  DenseMap<int64_t, Value> constants;
  DenseMap<Expression, const onnx::SymbolDefinition *> definitions;
  DenseMap<std::pair<Value, unsigned>, const onnx::SymbolDefinition *>
      dataDefinitions;
  DenseMap<Operation *, SmallVector<const onnx::ShapeAssumption *, 1>>
      assumptions;
};

//===--- scalars, for bodies
//------------------------------------------------===//

/// The type in which floats are computed: f32 for f16 and bf16, else itself.
Type getComputeType(Type elementType);
/// Widens a f16 or bf16 scalar to f32, leaves others.
Value toComputeType(OpBuilder &builder, Location loc, Value scalar);
/// Rounds a f32 scalar to `elementType` if that is f16 or bf16.
Value fromComputeType(OpBuilder &builder, Location loc, Value scalar,
                      Type elementType);
/// A constant of a float type (rounded to it) or an integer type.
Value scalarConstant(OpBuilder &builder, Location loc, Type type, double value);
/// A constant of an integer type, truncated to its width, or of index type.
Value integerConstant(OpBuilder &builder, Location loc, Type type,
                      int64_t value);
/// Element type conversion by the rules of ONNX Cast; `fromUnsigned` and
/// `toUnsigned` say what signless integers stand for. Floats out of range of an
/// integer type give its nearest value, NaN gives 0. i1 is boolean.
Value castScalar(OpBuilder &builder, Location loc, Value scalar, Type to,
                 bool fromUnsigned, bool toUnsigned);

} // namespace mlir::trine

#endif
