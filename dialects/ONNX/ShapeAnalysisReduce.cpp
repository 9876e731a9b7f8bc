// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reductions, running sums, normalisations.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// Shape with the axes removed, or 1 when kept.
static Dims reduceShape(Inference &inference, ArrayRef<int64_t> axes,
                        bool keepDims) {
  Dims dims;
  for (auto [axis, size] : llvm::enumerate(inference.shape(0))) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      dims.push_back(size);
    else if (keepDims)
      dims.push_back(inference.constant(1));
  }
  return dims;
}

/// Sets the shape, and says which axes are reduced.
static FailureOr<SmallVector<int64_t>> inferReduceShape(Inference &inference) {
  // All Reduce ops have the same operands and attributes.
  auto read = [&](StringRef attribute, int64_t otherwise) {
    auto value =
        dyn_cast_or_null<IntegerAttr>(inference.op->getAttr(attribute));
    return value ? value.getInt() : otherwise;
  };
  int64_t rank = inference.rank(0);
  SmallVector<int64_t> axes;
  bool isEmpty =
      !inference.isPresent(1) ||
      (inference.rank(1) == 1 && inference.shape(1)[0].isConstant(0));
  if (!isEmpty) {
    if (failed(inference.requireRank(1, 1)))
      return failure();
    FailureOr<SmallVector<int64_t>> named = inference.axesFromOperand(1, rank);
    if (failed(named))
      return failure();
    axes = *named;
  } else if (!read("noop_with_empty_axes", 0)) {
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  }
  inference.setShape(0, reduceShape(inference, axes, read("keepdims", 1) != 0));
  return axes;
}

static LogicalResult inferReduce(Inference &inference) {
  return failed(inferReduceShape(inference)) ? failure() : success();
}

/// Folds the elements of a list, or of a scalar.
static LogicalResult inferReduceContents(Inference &inference, int64_t initial,
                                         Expression (*combine)(Expression,
                                                               Expression)) {
  FailureOr<SmallVector<int64_t>> axes = inferReduceShape(inference);
  if (failed(axes))
    return failure();
  std::optional<ArrayRef<Expression>> elements = inference.contents(0);
  if (!elements)
    return success();
  if (axes->empty() || inference.rank(0) == 0) {
    inference.setContents(0, *elements);
    return success();
  }
  Expression result = inference.constant(initial);
  for (Expression element : *elements)
    result = result && element ? combine(result, element) : Expression();
  inference.setContents(0, {result});
  return success();
}

static LogicalResult inferReduceProd(Inference &inference) {
  return inferReduceContents(inference, 1,
                             [](Expression a, Expression b) { return a * b; });
}

static LogicalResult inferReduceSum(Inference &inference) {
  return inferReduceContents(inference, 0,
                             [](Expression a, Expression b) { return a + b; });
}

/// Maximum and minimum are elements, when there are any.
static LogicalResult inferReduceExtremum(Inference &inference) {
  FailureOr<SmallVector<int64_t>> axes = inferReduceShape(inference);
  if (failed(axes))
    return failure();
  bool hasElements = llvm::all_of(*axes, [&](int64_t axis) {
    return isKnownPositive(inference.shape(0)[axis]);
  });
  if (hasElements)
    inference.copyRange(0, 0);
  std::optional<ArrayRef<Expression>> elements = inference.contents(0);
  if (!elements || elements->empty() ||
      llvm::any_of(*elements, [](Expression e) { return !e; }))
    return success();
  if (axes->empty()) {
    inference.setContents(0, *elements);
    return success();
  }
  Expression result = elements->front();
  for (Expression element : *elements)
    result = isa<ReduceMaxOp>(inference.op) ? max(result, element)
                                            : min(result, element);
  inference.setContents(0, {result});
  return success();
}

/// ArgMax, ArgMin: positions along the axis.
template <typename OpTy>
static LogicalResult inferArg(Inference &inference) {
  auto op = cast<OpTy>(inference.op);
  FailureOr<int64_t> axis =
      inference.normaliseAxis(op.getAxis(), inference.rank(0));
  if (failed(axis))
    return failure();
  inference.setShape(0, reduceShape(inference, *axis, op.getKeepdims() != 0));
  inference.setRange(0, {inference.constant(0), inference.shape(0)[*axis] - 1});
  return success();
}

/// CumSum, CumProd: the axis is an operand; any value is as good as another for
/// the shape.
static LogicalResult inferCumulative(Inference &inference) {
  if (failed(inference.requireRankAtLeast(0, 1)) ||
      failed(inference.requireOneElement(1)))
    return failure();
  Expression axis = inference.scalar(1);
  if (axis && axis.isConstant() &&
      failed(inference.normaliseAxis(*axis.getConstant(), inference.rank(0))))
    return failure();
  inference.setShape(0, inference.shape(0));
  std::optional<ArrayRef<Expression>> elements = inference.contents(0);
  auto op = dyn_cast<CumSumOp>(inference.op);
  if (!elements || !op || op.getExclusive() || op.getReverse())
    return success();
  Elements sums;
  Expression sum = inference.constant(0);
  for (Expression element : *elements) {
    sum = sum && element ? sum + element : Expression();
    sums.push_back(sum);
  }
  inference.setContents(0, sums);
  return success();
}

/// Softmax and others that work along one axis and keep the shape.
template <typename OpTy>
static LogicalResult inferAlongAxis(Inference &inference) {
  // A scalar has no axis to speak of, but is legal with the default.
  if (inference.rank(0) > 0 &&
      failed(inference.normaliseAxis(cast<OpTy>(inference.op).getAxis(),
                                     inference.rank(0))))
    return failure();
  inference.setShape(0, inference.shape(0));
  return success();
}

/// LayerNormalization, RMSNormalization and SimplifiedLayerNormalization: scale
/// and bias broadcast to the input's shape; statistics have size 1 from the
/// axis on and the type of `stash_type`.
template <typename OpTy>
static LogicalResult inferNormalization(Inference &inference) {
  auto op = cast<OpTy>(inference.op);
  ArrayRef<Expression> source = inference.shape(0);
  FailureOr<int64_t> axis =
      inference.normaliseAxis(op.getAxis(), source.size());
  if (failed(axis))
    return failure();
  for (unsigned operand = 1; operand < op->getNumOperands(); ++operand) {
    if (!inference.isPresent(operand))
      continue;
    if (inference.rank(operand) > inference.rank(0))
      return inference.error()
             << inference.name(operand) << " must have at most rank "
             << source.size() << ", got " << inference.rank(operand);
    FailureOr<Dims> dims = inference.broadcast({0, operand});
    if (failed(dims))
      return failure();
    for (auto [kept, size] : llvm::zip_equal(*dims, source))
      if (size.isConstant(1) && !kept.isConstant(1))
        return inference.error() << inference.name(operand) << " of shape "
                                 << printShape(inference.shape(operand))
                                 << " must not be larger than 'X' of shape "
                                 << printShape(source);
  }
  inference.setShape(0, source);
  if (op->getNumResults() == 1)
    return success();
  Type statistics = getElementTypeOfCode(op->getContext(), op.getStashType());
  if (!statistics || !isa<FloatType>(statistics))
    return inference.error()
           << "'stash_type' must be the number of a float type, got "
           << op.getStashType();
  Dims dims(source);
  std::fill(dims.begin() + *axis, dims.end(), inference.constant(1));
  for (unsigned result = 1; result < op->getNumResults(); ++result) {
    inference.setElementType(result, statistics);
    inference.setShape(result, dims);
  }
  return success();
}

void mlir::trine::onnx::addReduceInference(InferenceTable &table) {
  for (StringRef name : {"ReduceL1", "ReduceL2", "ReduceLogSum",
                         "ReduceLogSumExp", "ReduceMean", "ReduceSumSquare"})
    table["onnx." + name.str()] = inferReduce;
  table["onnx.ReduceMax"] = inferReduceExtremum;
  table["onnx.ReduceMin"] = inferReduceExtremum;
  table["onnx.ReduceProd"] = inferReduceProd;
  table["onnx.ReduceSum"] = inferReduceSum;
  table["onnx.ArgMax"] = inferArg<ArgMaxOp>;
  table["onnx.ArgMin"] = inferArg<ArgMinOp>;
  table["onnx.CumProd"] = inferCumulative;
  table["onnx.CumSum"] = inferCumulative;
  table["onnx.Hardmax"] = inferAlongAxis<HardmaxOp>;
  table["onnx.LogSoftmax"] = inferAlongAxis<LogSoftmaxOp>;
  table["onnx.LpNormalization"] = inferAlongAxis<LpNormalizationOp>;
  table["onnx.Softmax"] = inferAlongAxis<SoftmaxOp>;
  table["onnx.LayerNormalization"] = inferNormalization<LayerNormalizationOp>;
  table["onnx.RMSNormalization"] = inferNormalization<RMSNormalizationOp>;
  table["onnx.SimplifiedLayerNormalization"] =
      inferNormalization<SimplifiedLayerNormalizationOp>;
}
