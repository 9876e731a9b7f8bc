// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, QLinearMatMul,
// MatMulInteger and BitCast.
#include "Quantization.h"
#include "Product.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// Which element of a scale or zero point goes with an element of the tensor.
class Granularity {
public:
  /// `axis` is in [0, rank); `block` is 0 without blocks. Fails when `scale`
  /// fits neither way.
  static FailureOr<Granularity> create(OperatorCall &call, const Tensor &input,
                                       const Tensor &scale, int64_t axis,
                                       int64_t block) {
    Granularity result;
    llvm::ArrayRef<int64_t> shape = input.getShape();
    if (scale.getNumElements() == 1 && scale.getRank() <= 1)
      return result;
    if (scale.getRank() == 1 && block == 0 && input.getRank() == 1)
      axis = 0;
    FailureOr<int64_t> along = call.normalizeAxis(axis, input.getRank());
    if (failed(along))
      return failure();
    llvm::SmallVector<int64_t> expected;
    if (scale.getRank() == 1 && block == 0) {
      expected = {shape[*along]};
    } else {
      expected.assign(shape.begin(), shape.end());
      if (block > 0)
        expected[*along] = (shape[*along] + block - 1) / block;
    }
    if (failed(call.requireShape(scale, expected, "scale")))
      return failure();
    result.inner = productOf(shape, *along + 1, input.getRank());
    result.size = shape[*along];
    result.block = std::max<int64_t>(block, 1);
    result.blocks = (result.size + result.block - 1) / result.block;
    result.isPerAxis = scale.getRank() == 1 && block == 0;
    result.isScalar = false;
    return result;
  }

  int64_t operator()(int64_t i) const {
    if (isScalar)
      return 0;
    int64_t place = i / inner % size;
    if (isPerAxis)
      return place;
    return (i / inner / size * blocks + place / block) * inner + i % inner;
  }

private:
  bool isScalar = true, isPerAxis = false;
  int64_t inner = 1, size = 1, block = 1, blocks = 1;
};
} // namespace

/// The integers that a type has.
static std::pair<double, double> rangeOf(ElementType type) {
  double count = std::ldexp(1.0, bitsInFile(type));
  return isSignedInteger(type) ? std::pair(-count / 2, count / 2 - 1)
                               : std::pair(0.0, count - 1);
}

/// Stores a quotient that was shifted by the zero point already, or is.
static void storeQuantized(Tensor &result, int64_t i, double quotient,
                           double zeroPoint, bool saturate) {
  ElementType type = result.getElementType();
  if (isSmallFloat(type)) {
    result.getMutableBytes()[i] = static_cast<char>(roundToSmallFloat(
        type, static_cast<float>(quotient + zeroPoint), saturate));
    return;
  }
  auto [lowest, highest] = rangeOf(type);
  double value = std::nearbyint(quotient) + zeroPoint;
  result.setInteger(i, std::isnan(value)
                           ? 0
                           : static_cast<int64_t>(
                                 std::min(std::max(value, lowest), highest)));
}

/// `letter` is that of 'y_scale' and 'y_zero_point'.
static LogicalResult requireShapeOfScale(OperatorCall &call,
                                         const Tensor &scale,
                                         const Tensor *zeroPoint,
                                         llvm::StringRef letter) {
  if (!zeroPoint || zeroPoint->getNumElements() == scale.getNumElements())
    return success();
  return call.fail("'" + letter + "_zero_point' must have the shape of '" +
                   letter + "_scale', " + describeShape(scale.getShape()) +
                   ", got " + describeShape(zeroPoint->getShape()));
}

static LogicalResult quantizeLinear(OperatorCall &call) {
  auto op = cast<onnx::QuantizeLinearOp>(call.op);
  const Tensor &input = call.operand(0), &scale = call.operand(1),
               *zeroPoint = call.optional(2);
  ElementType to =
      zeroPoint ? zeroPoint->getElementType()
      : op.getOutputDtype()
          ? elementTypeFromONNX(op.getOutputDtype()).value_or(ElementType::U8)
          : ElementType::U8;
  // The division has the precision of the scale, unless another is asked for.
  ElementType precision =
      op.getPrecision()
          ? elementTypeFromONNX(op.getPrecision()).value_or(ElementType::F32)
      : scale.getElementType() == ElementType::F16 ||
              scale.getElementType() == ElementType::BF16
          ? scale.getElementType()
          : ElementType::F32;
  FailureOr<Granularity> index =
      Granularity::create(call, input, scale, op.getAxis(), op.getBlockSize());
  FailureOr<Tensor> result = call.allocate(to, input.getShape());
  if (failed(index) || failed(result) ||
      failed(requireShapeOfScale(call, scale, zeroPoint, "y")))
    return failure();
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i) {
    int64_t j = (*index)(i);
    double quotient = roundTo(precision, roundTo(precision, input.real(i)) /
                                             roundTo(precision, scale.real(j)));
    storeQuantized(*result, i, quotient, zeroPoint ? zeroPoint->real(j) : 0,
                   op.getSaturate());
  }
  return call.done(*result);
}

static LogicalResult dequantizeLinear(OperatorCall &call) {
  auto op = cast<onnx::DequantizeLinearOp>(call.op);
  const Tensor &input = call.operand(0), &scale = call.operand(1),
               *zeroPoint = call.optional(2);
  ElementType to =
      op.getOutputDtype()
          ? elementTypeFromONNX(op.getOutputDtype()).value_or(ElementType::F32)
          : scale.getElementType();
  FailureOr<Granularity> index =
      Granularity::create(call, input, scale, op.getAxis(), op.getBlockSize());
  FailureOr<Tensor> result = call.allocate(to, input.getShape());
  if (failed(index) || failed(result) ||
      failed(requireShapeOfScale(call, scale, zeroPoint, "x")))
    return failure();
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i) {
    int64_t j = (*index)(i);
    result->setReal(i, (input.real(i) - (zeroPoint ? zeroPoint->real(j) : 0)) *
                           scale.real(j));
  }
  return call.done(*result);
}

/// The range of the input, with 0 in it, in 255 steps; every step in single
/// precision, as the standard's function has it.
static LogicalResult dynamicQuantizeLinear(OperatorCall &call) {
  const Tensor &input = call.operand(0);
  float smallest = 0, largest = 0;
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i) {
    smallest = std::min(smallest, static_cast<float>(input.real(i)));
    largest = std::max(largest, static_cast<float>(input.real(i)));
  }
  float scale = (largest == smallest ? 1.0f : largest - smallest) / 255.0f;
  float zeroPoint =
      std::nearbyint(std::min(std::max(0.0f - smallest / scale, 0.0f), 255.0f));
  FailureOr<Tensor> result = call.allocate(ElementType::U8, input.getShape());
  if (failed(result))
    return failure();
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
    storeQuantized(*result, i, static_cast<float>(input.real(i)) / scale,
                   zeroPoint, true);
  call.setResult(0, *result);
  call.setResult(1, Tensor::fromReals(ElementType::F32, {}, {scale}));
  call.setResult(2, Tensor::fromReals(ElementType::U8, {}, {zeroPoint}));
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The shape with which a scale or zero point broadcasts to its matrix: a
/// vector goes along the rows of the left one.
static llvm::SmallVector<int64_t> alongRows(const Tensor &tensor, bool isLeft) {
  llvm::SmallVector<int64_t> shape(tensor.getShape());
  if (isLeft && shape.size() == 1)
    shape.push_back(1);
  return shape;
}

/// An operand of a product, less its zero point.
static FailureOr<std::vector<double>> shifted(OperatorCall &call,
                                              const Tensor &matrix,
                                              const Tensor *zeroPoint,
                                              bool isLeft) {
  std::vector<double> values = matrix.reals();
  if (!zeroPoint)
    return values;
  if (zeroPoint->getNumElements() == 1) {
    for (double &value : values)
      value -= zeroPoint->real(0);
    return values;
  }
  llvm::SmallVector<int64_t> shape = alongRows(*zeroPoint, isLeft);
  llvm::SmallVector<int64_t> full(matrix.getShape());
  if (broadcastShapes(full, shape) != full)
    return call.fail(
        "a zero point of shape " + describeShape(zeroPoint->getShape()) +
        " does not fit a matrix of shape " + describeShape(matrix.getShape()));
  llvm::SmallVector<int64_t> strides[] = {broadcastStrides(shape, full)};
  forEachPosition(full, strides, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    values[i] -= zeroPoint->real(at[0]);
  });
  return values;
}

namespace {
/// A product of stacks of matrices: its shape, and its sums. Integers are below
/// 2^9 in magnitude, so sums of fewer than 2^35 products are exact.
struct QuantizedProduct : StackedProduct {
  std::vector<double> sums;
};
} // namespace

static FailureOr<QuantizedProduct> multiply(OperatorCall &call, const Tensor &a,
                                            const Tensor *zeroA,
                                            const Tensor &b,
                                            const Tensor *zeroB) {
  FailureOr<StackedProduct> stacked = StackedProduct::create(call, a, b);
  if (failed(stacked))
    return failure();
  FailureOr<std::vector<double>> left = shifted(call, a, zeroA, true),
                                 right = shifted(call, b, zeroB, false);
  if (failed(left) || failed(right))
    return failure();
  QuantizedProduct product{*stacked, {}};
  int64_t m = product.m, k = product.k, n = product.n;
  product.sums.resize(productOf(product.full, 0, product.full.size()));
  forEachPosition(product.batch, product.strides,
                  [&](int64_t index, llvm::ArrayRef<int64_t> at) {
                    for (int64_t i = 0; i < m; ++i)
                      for (int64_t j = 0; j < n; ++j) {
                        double sum = 0;
                        for (int64_t c = 0; c < k; ++c)
                          sum += (*left)[(at[0] * m + i) * k + c] *
                                 (*right)[(at[1] * k + c) * n + j];
                        product.sums[(index * m + i) * n + j] = sum;
                      }
                  });
  return product;
}

/// Sums of integers have 32 bits.
static int32_t wrapSum(double sum) {
  return static_cast<int32_t>(
      static_cast<uint32_t>(static_cast<uint64_t>(static_cast<int64_t>(sum))));
}

static LogicalResult matMulInteger(OperatorCall &call) {
  FailureOr<QuantizedProduct> product =
      multiply(call, call.operand(0), call.optional(2), call.operand(1),
               call.optional(3));
  if (failed(product))
    return failure();
  FailureOr<Tensor> result = call.allocate(ElementType::I32, product->shape);
  if (failed(result))
    return failure();
  for (auto [i, sum] : llvm::enumerate(product->sums))
    result->setInteger(i, wrapSum(sum));
  return call.done(*result);
}

/// The sums times the quotient of the scales, in single precision.
static LogicalResult qLinearMatMul(OperatorCall &call) {
  const Tensor &scaleA = call.operand(1), &scaleB = call.operand(4);
  double scaleY = call.operand(6).real(0), zeroY = call.operand(7).real(0);
  FailureOr<QuantizedProduct> product =
      multiply(call, call.operand(0), &call.operand(2), call.operand(3),
               &call.operand(5));
  if (failed(product))
    return failure();
  FailureOr<Tensor> result =
      call.allocate(call.operand(7).getElementType(), product->shape);
  if (failed(result))
    return failure();
  bool isReal = isFloat(call.operand(0).getElementType()) ||
                isFloat(call.operand(3).getElementType());
  llvm::SmallVector<int64_t> rows = alongRows(scaleA, true),
                             columns = alongRows(scaleB, false);
  if (broadcastShapes(product->full, rows) != product->full ||
      broadcastShapes(product->full, columns) != product->full)
    return call.fail("scales of shapes " + describeShape(scaleA.getShape()) +
                     " and " + describeShape(scaleB.getShape()) +
                     " do not fit a product of shape " +
                     describeShape(product->full));
  llvm::SmallVector<int64_t> strides[] = {
      broadcastStrides(rows, product->full),
      broadcastStrides(columns, product->full)};
  forEachPosition(
      product->full, strides, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
        float sum = isReal ? static_cast<float>(product->sums[i])
                           : static_cast<float>(wrapSum(product->sums[i]));
        float factor = static_cast<float>(scaleA.real(at[0])) *
                       static_cast<float>(scaleB.real(at[1]));
        factor /= static_cast<float>(scaleY);
        storeQuantized(*result, i, sum * factor, zeroY, true);
      });
  return call.done(*result);
}

//===----------------------------------------------------------------------===//
// BitCast
//===----------------------------------------------------------------------===//

static LogicalResult bitCast(OperatorCall &call) {
  const Tensor &input = call.operand(0);
  int64_t number = cast<onnx::BitCastOp>(call.op).getTo();
  std::optional<ElementType> to = elementTypeFromONNX(number);
  if (!to || bitsInFile(*to) != bitsInFile(input.getElementType()))
    return call.fail("'to' must be a type as wide as " +
                     nameOf(input.getElementType()) + ", got data type " +
                     llvm::Twine(number));
  FailureOr<Tensor> result = call.allocate(*to, input.getShape());
  if (failed(result))
    return failure();
  int64_t bits = bitsInFile(*to);
  llvm::MutableArrayRef<char> bytes = result->getMutableBytes();
  llvm::copy(input.getBytes(), bytes.begin());
  if (bits < 8 || *to == ElementType::Bool)
    for (char &byte : bytes) {
      auto code = static_cast<uint8_t>(byte);
      if (*to == ElementType::Bool)
        byte = code != 0;
      else if (isSignedInteger(*to))
        byte = static_cast<char>(static_cast<int8_t>(code << (8 - bits)) >>
                                 (8 - bits));
      else
        byte = static_cast<char>(code & ((1 << bits) - 1));
    }
  return call.done(*result);
}

void reference::addQuantizationRules(OperatorTable &table) {
  table["onnx.BitCast"] = bitCast;
  table["onnx.DequantizeLinear"] = dequantizeLinear;
  table["onnx.DynamicQuantizeLinear"] = dynamicQuantizeLinear;
  table["onnx.MatMulInteger"] = matMulInteger;
  table["onnx.QLinearMatMul"] = qLinearMatMul;
  table["onnx.QuantizeLinear"] = quantizeLinear;
}
