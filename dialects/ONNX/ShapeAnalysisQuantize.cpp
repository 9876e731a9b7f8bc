// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Quantised operators: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear,
// QLinearMatMul, MatMulInteger; and BitCast.
#include "ShapeInference.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// Scale (operand 1) and zero point (operand 2) have one shape: a scalar, one
/// element per index of `axis`, or the shape of operand 0 with one element per
/// block of `blockSize` along `axis`.
static LogicalResult inferGranularity(Inference &inference, int64_t axis,
                                      int64_t blockSize) {
  ArrayRef<Expression> input = inference.shape(0), scale = inference.shape(1);
  if (blockSize < 0)
    return inference.error()
           << "'block_size' must not be negative, got " << blockSize;
  if (inference.isPresent(2)) {
    ArrayRef<Expression> zeroPoint = inference.shape(2);
    // One element is a scalar, whatever its rank.
    auto isOne = [](ArrayRef<Expression> shape) {
      return llvm::all_of(shape, [](Expression e) { return e.isConstant(1); });
    };
    if (zeroPoint.size() != scale.size() &&
        !(isOne(zeroPoint) && isOne(scale) && zeroPoint.size() <= 1))
      return inference.error()
             << inference.name(1) << " of shape " << printShape(scale)
             << " and " << inference.name(2) << " of shape "
             << printShape(zeroPoint) << " must have one shape";
    if (zeroPoint.size() == scale.size())
      for (auto [a, b] : llvm::zip_equal(scale, zeroPoint))
        if (failed(inference.unify(a, b,
                                   inference.name(1) + " " + printShape(scale) +
                                       " and " + inference.name(2) + " " +
                                       printShape(zeroPoint))))
          return failure();
  }
  if (scale.empty() || (scale.size() == 1 && scale[0].isConstant(1)))
    return success();
  if (scale.size() == 1 && blockSize == 0) {
    // With rank 1 there is only one axis.
    if (input.size() == 1)
      axis = 0;
    FailureOr<int64_t> along = inference.normaliseAxis(axis, input.size());
    if (failed(along))
      return failure();
    return LogicalResult(
        inference.unify(input[*along], scale[0],
                        inference.name(0) + " " + printShape(input) +
                            " along axis " + Twine(*along) + " and " +
                            inference.name(1) + " " + printShape(scale)));
  }
  if (scale.size() != input.size())
    return inference.error()
           << inference.name(1) << " must be a scalar, "
           << (blockSize ? "or have the rank of "
                         : "a vector, or, with a 'block_size', have the rank "
                           "of ")
           << inference.name(0) << ", " << input.size() << ", got shape "
           << printShape(scale);
  if (blockSize == 0)
    return inference.error()
           << "'block_size' is required for " << inference.name(1)
           << " of shape " << printShape(scale);
  FailureOr<int64_t> along = inference.normaliseAxis(axis, input.size());
  if (failed(along))
    return failure();
  for (auto [dimension, sizes] :
       llvm::enumerate(llvm::zip_equal(input, scale))) {
    Expression size = std::get<0>(sizes), blocks = std::get<1>(sizes);
    if (static_cast<int64_t>(dimension) == *along)
      size = floorDiv(size + (blockSize - 1), inference.constant(blockSize));
    if (failed(inference.unify(size, blocks,
                               inference.name(0) + " " + printShape(input) +
                                   " in blocks of " + Twine(blockSize) +
                                   " and " + inference.name(1) + " " +
                                   printShape(scale))))
      return failure();
  }
  return success();
}

/// The element type that an attribute names; `fallback` when it is 0.
static FailureOr<Type> getNamedType(Inference &inference, StringRef attribute,
                                    int64_t code, Type fallback) {
  if (code == 0)
    return fallback;
  if (Type type = getElementTypeOfCode(inference.op->getContext(), code))
    return type;
  return inference.error()
         << "'" << attribute
         << "' must be the number of a supported element type, got " << code;
}

static LogicalResult inferQuantizeLinear(Inference &inference) {
  auto op = cast<QuantizeLinearOp>(inference.op);
  if (failed(inferGranularity(inference, op.getAxis(), op.getBlockSize())))
    return failure();
  Type given = inference.isPresent(2) ? inference.elementType(2) : Type();
  FailureOr<Type> type = getNamedType(
      inference, "output_dtype", op.getOutputDtype(),
      given
          ? given
          : Type(IntegerType::get(op.getContext(), 8, IntegerType::Unsigned)));
  if (failed(type))
    return failure();
  if (given && *type != given)
    return inference.error()
           << "'output_dtype' must be the element type of 'y_zero_point', "
           << given << ", got " << *type;
  bool isQuantised =
      type->isInteger(2) || type->isInteger(4) || type->isInteger(8) ||
      type->isInteger(16) ||
      (isa<FloatType>(*type) && type->getIntOrFloatBitWidth() <= 8 &&
       !isa<Float8E8M0FNUType>(*type));
  if (!isQuantised)
    return inference.error()
           << "'output_dtype' must be that of a quantised type, got " << *type;
  FailureOr<Type> precision =
      getNamedType(inference, "precision", op.getPrecision(),
                   Float32Type::get(op.getContext()));
  if (failed(precision))
    return failure();
  if (!isa<Float16Type, BFloat16Type, Float32Type>(*precision))
    return inference.error() << "'precision' must be float, float16 or "
                                "bfloat16, got "
                             << *precision;
  inference.setElementType(0, *type);
  inference.setShape(0, inference.shape(0));
  return success();
}

static LogicalResult inferDequantizeLinear(Inference &inference) {
  auto op = cast<DequantizeLinearOp>(inference.op);
  if (failed(inferGranularity(inference, op.getAxis(), op.getBlockSize())))
    return failure();
  FailureOr<Type> type = getNamedType(
      inference, "output_dtype", op.getOutputDtype(), inference.elementType(1));
  if (failed(type))
    return failure();
  if (!isa<Float16Type, BFloat16Type, Float32Type>(*type))
    return inference.error()
           << "the result must be of float, float16 or bfloat16, got " << *type
           << "; 'output_dtype' says which";
  inference.setElementType(0, *type);
  inference.setShape(0, inference.shape(0));
  return success();
}

static LogicalResult inferDynamicQuantizeLinear(Inference &inference) {
  inference.setShape(0, inference.shape(0));
  inference.setShape(1, {});
  inference.setShape(2, {});
  return success();
}

/// A scale or zero point of a matrix with rows (or columns) of their own: a
/// scalar, a vector of one element per row, or the shape of the matrix with 1
/// for the other of its two last dimensions.
static LogicalResult checkMatrixGranularity(Inference &inference,
                                            unsigned matrix, unsigned operand,
                                            bool isPerRow) {
  if (!inference.isPresent(operand))
    return success();
  ArrayRef<Expression> shape = inference.shape(operand),
                       full = inference.shape(matrix);
  if (llvm::all_of(shape, [](Expression e) { return e.isConstant(1); }))
    return success();
  auto what = inference.name(operand) + " " + printShape(shape) + " and " +
              inference.name(matrix) + " " + printShape(full);
  if (full.size() < 2)
    return inference.error()
           << inference.name(operand) << " of a vector must be a scalar, got "
           << "shape " << printShape(shape);
  if (shape.size() == 1)
    return LogicalResult(inference.unify(
        shape[0], full[full.size() - (isPerRow ? 2 : 1)], what));
  if (shape.size() != full.size())
    return inference.error()
           << inference.name(operand) << " must be a scalar, a vector, or have "
           << "the rank of " << inference.name(matrix) << ", " << full.size()
           << ", got shape " << printShape(shape);
  for (auto [dimension, sizes] :
       llvm::enumerate(llvm::zip_equal(shape, full))) {
    auto [size, expected] = sizes;
    if (size.isConstant(1))
      continue;
    if (dimension == full.size() - (isPerRow ? 1 : 2))
      return inference.error()
             << inference.name(operand) << " must have one element per "
             << (isPerRow ? "row" : "column") << " of "
             << inference.name(matrix) << ", got shape " << printShape(shape);
    if (failed(inference.unify(size, expected, what)))
      return failure();
  }
  return success();
}

static LogicalResult inferQLinearMatMul(Inference &inference) {
  for (unsigned operand : {1, 2})
    if (failed(checkMatrixGranularity(inference, 0, operand, true)))
      return failure();
  for (unsigned operand : {4, 5})
    if (failed(checkMatrixGranularity(inference, 3, operand, false)))
      return failure();
  for (unsigned operand : {6, 7})
    if (failed(inference.requireOneElement(operand)))
      return failure();
  return inferProduct(inference, 0, 3);
}

static LogicalResult inferMatMulInteger(Inference &inference) {
  if (failed(checkMatrixGranularity(inference, 0, 2, true)) ||
      failed(checkMatrixGranularity(inference, 1, 3, false)))
    return failure();
  return inferProduct(inference, 0, 1);
}

/// The bytes stay, so types must be of one width; sub-byte elements and
/// booleans have the width of their type.
static LogicalResult inferBitCast(Inference &inference) {
  auto op = cast<BitCastOp>(inference.op);
  FailureOr<Type> type = getNamedType(inference, "to", op.getTo(), Type());
  if (failed(type))
    return failure();
  if (!*type)
    return inference.error()
           << "'to' must be the number of a supported element type, got "
           << op.getTo();
  auto width = [](Type type) {
    return type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth();
  };
  Type from = inference.elementType(0);
  if (width(*type) != width(from))
    return inference.error()
           << "'to' must be a type as wide as that of 'input', " << from
           << ", got " << *type;
  inference.setElementType(0, *type);
  inference.setShape(0, inference.shape(0));
  return success();
}

void mlir::trine::onnx::addQuantizeInference(InferenceTable &table) {
  table["onnx.BitCast"] = inferBitCast;
  table["onnx.DequantizeLinear"] = inferDequantizeLinear;
  table["onnx.DynamicQuantizeLinear"] = inferDynamicQuantizeLinear;
  table["onnx.MatMulInteger"] = inferMatMulInteger;
  table["onnx.QLinearMatMul"] = inferQLinearMatMul;
  table["onnx.QuantizeLinear"] = inferQuantizeLinear;
}
