// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the inference functions of the operator families share; private to
/// dialects/ONNX.
#ifndef TRINE_DIALECTS_ONNX_SHAPEINFERENCE_H
#define TRINE_DIALECTS_ONNX_SHAPEINFERENCE_H

#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/ONNX/ShapeAnalysis.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Allocator.h"

namespace mlir::trine::onnx {

using Dims = SmallVector<SymbolicExpression, 6>;
/// Elements of a small integer tensor; null ones are not known.
using Elements = SmallVector<SymbolicExpression>;

/// Integer tensors with more elements than this have no contents, only a range.
constexpr int64_t maximumContents = 256;
/// Expressions larger than this become a fresh symbol, so that time and space
/// stay linear in the graph.
constexpr uint32_t maximumExpressionSize = 4096;
/// Bounds are for proofs; larger ones prove nothing in practice.
constexpr uint32_t maximumBoundSize = 256;
/// Subgraphs may nest this deep.
constexpr unsigned maximumNesting = 32;

struct ValueInformation {
  ArrayRef<SymbolicExpression> shape;
  bool hasContents = false;
  ArrayRef<SymbolicExpression> contents;
  IntegerRange range;
  /// The value's elements are distinct integers (a Range, reshaped) and this
  /// data-dependent symbol counts them.
  SymbolicExpression distinctCount;
};

/// One visit of one operation. Operands and results go by position, as in the
/// ONNX schema. Inference functions run only when all present operands have
/// shapes and element types that the schema allows.
class Inference {
public:
  Inference(ShapeAnalysis::Implementation &analysis, Operation *op)
      : analysis(analysis), op(op) {}

  ShapeAnalysis::Implementation &analysis;
  Operation *op;

  SymbolicContext &context() const;
  SymbolicExpression constant(int64_t value) const {
    return context().getConstant(value);
  }
  /// An error at the operation.
  InFlightDiagnostic error() const { return op->emitOpError(); }

  bool isPresent(unsigned operand) const;
  Value operand(unsigned index) const { return op->getOperand(index); }
  ArrayRef<SymbolicExpression> shape(unsigned operand) const;
  int64_t rank(unsigned operand) const { return shape(operand).size(); }
  Type elementType(unsigned operand) const;
  /// The operand's name in the schema, quoted, with its position when it is one
  /// of several.
  std::string name(unsigned operand) const;
  const ValueInformation &information(unsigned operand) const;
  /// The elements of an operand (null ones are not known); nothing when it is
  /// not a small integer tensor.
  std::optional<ArrayRef<SymbolicExpression>> contents(unsigned operand) const;
  /// The operand's only element, when it is one and known.
  SymbolicExpression scalar(unsigned operand) const;
  IntegerRange range(unsigned operand) const;

  /// Records a result's shape. Sizes that are too large to keep become symbols.
  void setShape(unsigned result, ArrayRef<SymbolicExpression> dims);
  /// Where the schema leaves the result's element type open.
  void setElementType(unsigned result, Type type) {
    elementTypes[result] = type;
  }
  Type getResultElementType(unsigned result) const {
    return elementTypes[result];
  }
  void setContents(unsigned result, ArrayRef<SymbolicExpression> elements);
  void setRange(unsigned result, IntegerRange range);
  /// The same for arithmetic that may wrap around: only both bounds together
  /// say that it does not.
  void setWrappingRange(unsigned result, IntegerRange range);
  /// The result has the elements of `operand`, in some order, repeated or not.
  void copyRange(unsigned result, unsigned operand);

  /// The symbol for the size of a result that hangs on data; `bound` may be
  /// null.
  SymbolicExpression freshSize(unsigned result, unsigned dimension,
                               SymbolicExpression bound);

  /// `axis` in [0, rank) from one in [-rank, rank).
  FailureOr<int64_t> normaliseAxis(int64_t axis, int64_t rank,
                                   StringRef attribute = "axis") const;
  LogicalResult requireRank(unsigned operand, int64_t expected) const;
  /// A scalar, or one element of rank 1, which exporters write too.
  LogicalResult requireOneElement(unsigned operand) const;
  LogicalResult requireRankAtLeast(unsigned operand, int64_t expected) const;
  /// The size that two dimensions share, which must be equal. `what` completes
  /// "sizes of <what> must be equal".
  FailureOr<SymbolicExpression> unify(SymbolicExpression a,
                                      SymbolicExpression b, const Twine &what);
  /// The size that two dimensions broadcast to; failure without a message when
  /// they do not.
  FailureOr<SymbolicExpression> broadcastSize(SymbolicExpression a,
                                              SymbolicExpression b);
  /// The shape that operands broadcast to.
  FailureOr<Dims> broadcast(ArrayRef<unsigned> operands);
  /// The shape that shapes broadcast to; `what` completes "<what> cannot be
  /// broadcast".
  FailureOr<Dims> broadcastShapes(ArrayRef<ArrayRef<SymbolicExpression>> shapes,
                                  const Twine &what);

  /// Axes from an attribute-like operand: normalised, unique, in the operand's
  /// order. Fails when they are not known or are wrong.
  FailureOr<SmallVector<int64_t>> axesFromOperand(unsigned operand,
                                                  int64_t rank) const;

  /// Joins ranges: the smallest that holds both.
  static IntegerRange join(IntegerRange a, IntegerRange b);

  SmallVector<Type> elementTypes;
};

/// `expression` as text of a shape: [batch, 3].
std::string printShape(ArrayRef<SymbolicExpression> shape);
/// a + b + ..., in pairs: one by one would take quadratic time.
SymbolicExpression sum(SymbolicContext &context,
                       ArrayRef<SymbolicExpression> sizes);
/// a * b * ...; the empty product is 1.
SymbolicExpression product(SymbolicContext &context,
                           ArrayRef<SymbolicExpression> dims);
/// The MLIR type of ONNX's TensorProto.DataType; null when the compiler has
/// none.
Type getElementTypeOfCode(MLIRContext *context, int64_t code);

/// Gives result 0 the shape of NumPy's matmul of operands `left` and `right`.
LogicalResult inferProduct(Inference &inference, unsigned left, unsigned right);

/// An operand's name in the schema, quoted; with its position among the
/// variadic ones.
std::string describeOperand(Operation *op, unsigned operand);
/// Checks operands' element types against the schema and gives those of the
/// results that it determines (null for others).
LogicalResult inferElementTypes(Operation *op, SmallVectorImpl<Type> &results);

using InferenceFunction = LogicalResult (*)(Inference &);
using InferenceTable = llvm::StringMap<InferenceFunction>;

// One file per family; keys are op names such as "onnx.Add".
void addElementwiseInference(InferenceTable &table);
void addArithmeticInference(InferenceTable &table);
void addReshapeInference(InferenceTable &table);
void addSliceInference(InferenceTable &table);
void addGatherInference(InferenceTable &table);
void addScatterInference(InferenceTable &table);
void addReduceInference(InferenceTable &table);
void addMatrixInference(InferenceTable &table);
void addConvInference(InferenceTable &table);
void addGenerateInference(InferenceTable &table);
void addAttentionInference(InferenceTable &table);
void addRecurrenceInference(InferenceTable &table);
void addContribInference(InferenceTable &table);
void addQuantizeInference(InferenceTable &table);

} // namespace mlir::trine::onnx

/// Everything known so far.
struct mlir::trine::onnx::ShapeAnalysis::Implementation {
  explicit Implementation(func::FuncOp function) : function(function) {}

  func::FuncOp function;
  SymbolicContext context;
  llvm::BumpPtrAllocator allocator;
  llvm::DenseMap<Value, ValueInformation> values;
  SmallVector<SymbolDefinition> symbols;
  llvm::DenseMap<SymbolicExpression, unsigned> symbolIndex;
  llvm::DenseMap<std::pair<Value, unsigned>, SymbolicExpression> freshSizes;
  SmallVector<ShapeAssumption> assumptions;
  llvm::DenseSet<std::pair<SymbolicExpression, SymbolicExpression>> assumed;
  /// Counts of sizes that equal operands give: Range(start, limit, delta), seen
  /// before.
  llvm::DenseMap<std::tuple<Value, Value, Value>, SymbolicExpression>
      rangeCounts;
  bool hasValidArguments = true;
  unsigned nesting = 0, loopNesting = 0;

  void addArguments();
  LogicalResult visit(Operation *op);
  LogicalResult visitSized(Operation *op);
  LogicalResult visitRegion(Region &region);
  /// Sizes must be numbers of elements that can be.
  LogicalResult checkResults(Operation *op);
  LogicalResult visitIf(Inference &inference);
  LogicalResult visitLoop(Inference &inference);
  LogicalResult visitScan(Inference &inference);
  /// Gives the results of an op that failed, or that uses results of one that
  /// failed, types without a shape.
  void forgetResults(Operation *op, ArrayRef<Type> elementTypes = {});

  ArrayRef<SymbolicExpression> copy(ArrayRef<SymbolicExpression> expressions) {
    return expressions.copy(allocator);
  }
  /// What is known about a value; null for values without a shape. Ranked
  /// tensors seen first get their type's shape.
  ValueInformation *find(Value value);
  void setShape(Value value, Type elementType,
                ArrayRef<SymbolicExpression> dims);
  SymbolicExpression freshSize(Value value, unsigned dimension,
                               SymbolicExpression bound,
                               bool isArgument = false);
  bool isDataDependent(SymbolicExpression symbol) const;
  /// At least `expression`, over arguments' symbols only; null when there is
  /// none.
  SymbolicExpression getUpperBound(SymbolicExpression expression);
  /// Sizes that hang on values inside `op`'s regions mean nothing outside.
  bool isDefinedInside(SymbolicExpression expression, Operation *op) const;
  void assumeEqual(Operation *op, SymbolicExpression chosen,
                   SymbolicExpression other);
  /// The one of two equal sizes to go on with.
  SymbolicExpression chooseSimpler(SymbolicExpression a,
                                   SymbolicExpression b) const;
};

#endif
