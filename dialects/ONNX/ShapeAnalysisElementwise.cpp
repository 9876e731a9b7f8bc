// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Element-wise operators without integer contents: the result has the operand's
// shape, or the operands' broadcast shape.
#include "ShapeInference.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

static LogicalResult inferSameShape(Inference &inference) {
  inference.setShape(0, inference.shape(0));
  return success();
}

static LogicalResult inferBroadcast(Inference &inference) {
  SmallVector<unsigned> operands(inference.op->getNumOperands());
  std::iota(operands.begin(), operands.end(), 0);
  if (operands.empty())
    return inference.error() << "must have at least one operand";
  FailureOr<Dims> dims = inference.broadcast(operands);
  if (failed(dims))
    return failure();
  inference.setShape(0, *dims);
  return success();
}

/// A product of bits: bounded by a constant, non-negative operand.
static LogicalResult inferBitwiseAnd(Inference &inference) {
  if (failed(inferBroadcast(inference)))
    return failure();
  for (unsigned operand : {0, 1}) {
    IntegerRange range = inference.range(operand);
    if (range.lower && isKnownNonNegative(range.lower))
      inference.setRange(0, {inference.constant(0), range.upper});
  }
  return success();
}

/// PRelu: the slope broadcasts to the input, one way.
static LogicalResult inferPRelu(Inference &inference) {
  FailureOr<Dims> dims = inference.broadcast({0, 1});
  if (failed(dims))
    return failure();
  if (inference.rank(1) > inference.rank(0))
    return inference.error()
           << "'slope' must have at most rank " << inference.rank(0) << ", got "
           << inference.rank(1);
  inference.setShape(0, inference.shape(0));
  return success();
}

static LogicalResult inferSign(Inference &inference) {
  inference.setShape(0, inference.shape(0));
  inference.setRange(0, {inference.constant(-1), inference.constant(1)});
  return success();
}

static LogicalResult inferAbs(Inference &inference) {
  inference.setShape(0, inference.shape(0));
  // The smallest number has no positive counterpart.
  if (inference.range(0).lower)
    inference.setRange(0, {inference.constant(0), {}});
  return success();
}

/// Dropout: the mask has the data's shape; ratio and training_mode are scalars.
static LogicalResult inferDropout(Inference &inference) {
  for (unsigned operand : {1, 2})
    if (inference.isPresent(operand) &&
        failed(inference.requireOneElement(operand)))
      return failure();
  inference.setShape(0, inference.shape(0));
  inference.copyRange(0, 0);
  inference.setShape(1, inference.shape(0));
  return success();
}

void mlir::trine::onnx::addElementwiseInference(InferenceTable &table) {
  for (StringRef name : {"Acos",
                         "Acosh",
                         "Asin",
                         "Asinh",
                         "Atan",
                         "Atanh",
                         "BitwiseNot",
                         "Ceil",
                         "Celu",
                         "Cos",
                         "Cosh",
                         "Elu",
                         "Erf",
                         "Exp",
                         "Floor",
                         "Gelu",
                         "HardSigmoid",
                         "HardSwish",
                         "IsInf",
                         "IsNaN",
                         "LeakyRelu",
                         "Log",
                         "Mish",
                         "Reciprocal",
                         "Relu",
                         "Round",
                         "Selu",
                         "Sigmoid",
                         "Sin",
                         "Sinh",
                         "Softplus",
                         "Softsign",
                         "Sqrt",
                         "Swish",
                         "Tan",
                         "Tanh",
                         "ThresholdedRelu"})
    table["onnx." + name.str()] = inferSameShape;
  for (StringRef name :
       {"BitShift", "BitwiseOr", "BitwiseXor", "Mean", "Pow", "Sum"})
    table["onnx." + name.str()] = inferBroadcast;
  table["onnx.Abs"] = inferAbs;
  table["onnx.BitwiseAnd"] = inferBitwiseAnd;
  table["onnx.Dropout"] = inferDropout;
  table["onnx.PRelu"] = inferPRelu;
  table["onnx.Sign"] = inferSign;
}
