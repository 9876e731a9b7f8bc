// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax and its relatives, and normalisations.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// Hands each line along the axis to `transform`, as reals, and rounds what it
/// leaves there.
static LogicalResult
mapLines(OperatorCall &call, int64_t axisAttribute,
         llvm::function_ref<void(llvm::MutableArrayRef<double>)> transform) {
  const Tensor &input = call.operand(0);
  if (input.getRank() == 0 && (axisAttribute == 0 || axisAttribute == -1)) {
    double value = input.real(0);
    transform(value);
    return call.done(Tensor::fromReals(input.getElementType(), {}, {value}));
  }
  FailureOr<int64_t> axis = call.normalizeAxis(axisAttribute, input.getRank());
  if (failed(axis))
    return failure();
  FailureOr<Tensor> result =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(result))
    return failure();
  int64_t outer = productOf(input.getShape(), 0, *axis),
          size = input.getDim(*axis),
          inner = productOf(input.getShape(), *axis + 1, input.getRank());
  std::vector<double> line(size);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      for (int64_t k = 0; k < size; ++k)
        line[k] = input.real((o * size + k) * inner + i);
      transform(line);
      for (int64_t k = 0; k < size; ++k)
        result->setReal((o * size + k) * inner + i, line[k]);
    }
  return call.done(*result);
}

static double largestOf(llvm::ArrayRef<double> line) {
  double top = -std::numeric_limits<double>::infinity();
  for (double x : line)
    top = std::isnan(x) || x > top ? x : top;
  return top;
}

static LogicalResult softmax(OperatorCall &call) {
  return mapLines(call, cast<onnx::SoftmaxOp>(call.op).getAxis(),
                  [&](llvm::MutableArrayRef<double> line) {
                    double top = largestOf(line);
                    Accumulator sum(call.accumulateInSingle());
                    for (double &x : line)
                      sum.add(x = std::exp(x - top));
                    for (double &x : line)
                      x /= sum.get();
                  });
}

static LogicalResult logSoftmax(OperatorCall &call) {
  return mapLines(call, cast<onnx::LogSoftmaxOp>(call.op).getAxis(),
                  [&](llvm::MutableArrayRef<double> line) {
                    double top = largestOf(line);
                    Accumulator sum(call.accumulateInSingle());
                    for (double x : line)
                      sum.add(std::exp(x - top));
                    for (double &x : line)
                      x = x - top - std::log(sum.get());
                  });
}

/// 1 for the first of the largest elements, 0 elsewhere.
static LogicalResult hardmax(OperatorCall &call) {
  return mapLines(call, cast<onnx::HardmaxOp>(call.op).getAxis(),
                  [](llvm::MutableArrayRef<double> line) {
                    size_t best = 0;
                    for (size_t k = 1; k < line.size(); ++k)
                      if (line[k] > line[best])
                        best = k;
                    for (size_t k = 0; k < line.size(); ++k)
                      line[k] = k == best;
                  });
}

static LogicalResult lpNormalization(OperatorCall &call) {
  auto op = cast<onnx::LpNormalizationOp>(call.op);
  int64_t p = op.getP();
  if (p != 1 && p != 2)
    return call.fail("'p' must be 1 or 2, got " + llvm::Twine(p));
  return mapLines(call, op.getAxis(), [&](llvm::MutableArrayRef<double> line) {
    Accumulator sum(call.accumulateInSingle());
    for (double x : line)
      p == 1 ? sum.add(std::fabs(x)) : sum.addProduct(x, x);
    double norm = p == 1 ? sum.get() : std::sqrt(sum.get());
    for (double &x : line)
      x = norm == 0 ? 0 : x / norm;
  });
}

namespace {
/// What one row of a normalisation gives besides its result.
struct RowStatistics {
  double mean = 0, inverseDeviation = 0;
};
} // namespace

/// Centres the row when asked, and divides it by the root of its mean square
/// plus epsilon.
static RowStatistics normalizeRow(llvm::MutableArrayRef<double> row,
                                  double epsilon, bool centre, bool single) {
  RowStatistics statistics;
  if (centre) {
    Accumulator sum(single);
    for (double x : row)
      sum.add(x);
    statistics.mean = sum.get() / row.size();
    for (double &x : row)
      x -= statistics.mean;
  }
  Accumulator squares(single);
  for (double x : row)
    squares.addProduct(x, x);
  statistics.inverseDeviation =
      1 / std::sqrt(squares.get() / row.size() + epsilon);
  for (double &x : row)
    x *= statistics.inverseDeviation;
  return statistics;
}

/// Checks that scale and bias broadcast to the normalised dimensions and reads
/// them there.
static FailureOr<std::vector<double>>
readParameter(OperatorCall &call, const Tensor &parameter,
              llvm::ArrayRef<int64_t> shape, llvm::StringRef name) {
  std::optional<llvm::SmallVector<int64_t>> common =
      broadcastShapes(shape, parameter.getShape());
  if (!common || llvm::ArrayRef<int64_t>(*common) != shape)
    return call.fail("'" + name + "' must broadcast to " +
                     describeShape(shape) + ", got " +
                     describeShape(parameter.getShape()));
  std::vector<double> values(productOf(shape, 0, shape.size()));
  forEachPosition(shape, {broadcastStrides(parameter.getShape(), shape)},
                  [&](int64_t i, llvm::ArrayRef<int64_t> at) {
                    values[i] = parameter.real(at[0]);
                  });
  return values;
}

/// LayerNormalization (centred, with a bias) and RMSNormalization: the first
/// stage over the dimensions from `axis` on.
static LogicalResult normalize(OperatorCall &call, int64_t axisAttribute,
                               double epsilon, int64_t stashType, bool centre,
                               int meanResult, int deviationResult) {
  const Tensor &x = call.operand(0), &scale = call.operand(1),
               *bias = centre ? call.optional(2) : nullptr;
  FailureOr<int64_t> axis = call.normalizeAxis(axisAttribute, x.getRank());
  std::optional<ElementType> stash = elementTypeFromONNX(stashType);
  if (failed(axis))
    return failure();
  if (!stash || !isFloat(*stash))
    return call.fail("'stash_type' must be a float type, got " +
                     llvm::Twine(stashType));
  // Scale and bias may broadcast to the whole tensor, not only to the
  // normalised dimensions.
  FailureOr<std::vector<double>> scales =
      readParameter(call, scale, x.getShape(), "scale");
  FailureOr<std::vector<double>> biases = std::vector<double>();
  if (bias)
    biases = readParameter(call, *bias, x.getShape(), "B");
  if (failed(scales) || failed(biases))
    return failure();
  ElementType type = call.resultType(0, x.getElementType());
  llvm::SmallVector<int64_t> statisticShape(x.getShape());
  for (int64_t d = *axis; d < x.getRank(); ++d)
    statisticShape[d] = 1;
  FailureOr<Tensor> y = call.allocate(type, x.getShape()),
                    mean = call.allocate(*stash, statisticShape),
                    deviation = call.allocate(*stash, statisticShape);
  if (failed(y) || failed(mean) || failed(deviation))
    return failure();
  int64_t rows = productOf(x.getShape(), 0, *axis),
          size = productOf(x.getShape(), *axis, x.getRank());
  std::vector<double> row(size);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < size; ++i)
      row[i] = x.real(r * size + i);
    RowStatistics statistics =
        normalizeRow(row, epsilon, centre, call.accumulateInSingle());
    for (int64_t i = 0; i < size; ++i) {
      int64_t at = r * size + i;
      y->setReal(at, row[i] * (*scales)[at] + (bias ? (*biases)[at] : 0.0));
    }
    mean->setReal(r, statistics.mean);
    deviation->setReal(r, statistics.inverseDeviation);
  }
  call.setResult(0, *y);
  if (meanResult > 0)
    call.setResult(meanResult, *mean);
  if (deviationResult > 0)
    call.setResult(deviationResult, *deviation);
  return success();
}

static LogicalResult layerNormalization(OperatorCall &call) {
  auto op = cast<onnx::LayerNormalizationOp>(call.op);
  return normalize(call, op.getAxis(), op.getEpsilon().convertToFloat(),
                   op.getStashType(), true, 1, 2);
}

static LogicalResult rmsNormalization(OperatorCall &call) {
  auto op = cast<onnx::RMSNormalizationOp>(call.op);
  return normalize(call, op.getAxis(), op.getEpsilon().convertToFloat(),
                   op.getStashType(), false, 0, 0);
}

static LogicalResult simplifiedLayerNormalization(OperatorCall &call) {
  auto op = cast<onnx::SimplifiedLayerNormalizationOp>(call.op);
  return normalize(call, op.getAxis(), op.getEpsilon().convertToFloat(),
                   op.getStashType(), false, 0, 1);
}

/// RMS normalisation of input + skip + bias over the last axis; that sum is
/// itself a result.
static LogicalResult skipSimplifiedLayerNormalization(OperatorCall &call) {
  auto op = cast<onnx::SkipSimplifiedLayerNormalizationOp>(call.op);
  const Tensor &input = call.operand(0), &skip = call.operand(1),
               &gamma = call.operand(2), *bias = call.optional(3);
  if (input.getRank() < 1 || failed(call.requireSameType(input, skip, "skip")))
    return call.fail(
        "'input' must have rank 1 or more and the type of 'skip', got shape " +
        describeShape(input.getShape()));
  llvm::ArrayRef<int64_t> shape = input.getShape(), last = shape.take_back();
  FailureOr<std::vector<double>> skips =
                                     readParameter(call, skip, shape, "skip"),
                                 scales =
                                     readParameter(call, gamma, last, "gamma");
  FailureOr<std::vector<double>> biases = std::vector<double>(last[0], 0.0);
  if (bias)
    biases = readParameter(call, *bias, last, "bias");
  if (failed(skips) || failed(scales) || failed(biases))
    return failure();
  ElementType type = input.getElementType();
  llvm::SmallVector<int64_t> statisticShape(shape.drop_back());
  statisticShape.push_back(1);
  FailureOr<Tensor> output = call.allocate(type, shape),
                    sum = call.allocate(type, shape),
                    mean = call.allocate(ElementType::F32, statisticShape),
                    deviation = call.allocate(ElementType::F32, statisticShape);
  if (failed(output) || failed(sum) || failed(mean) || failed(deviation))
    return failure();
  int64_t size = last[0], rows = productOf(shape, 0, shape.size() - 1);
  std::vector<double> row(size);
  for (int64_t r = 0; r < rows; ++r) {
    Accumulator total(call.accumulateInSingle());
    for (int64_t i = 0; i < size; ++i) {
      row[i] = input.real(r * size + i) + (*skips)[r * size + i] + (*biases)[i];
      sum->setReal(r * size + i, row[i]);
      total.add(row[i]);
    }
    RowStatistics statistics =
        normalizeRow(row, op.getEpsilon().convertToFloat(), false,
                     call.accumulateInSingle());
    for (int64_t i = 0; i < size; ++i)
      output->setReal(r * size + i, row[i] * (*scales)[i]);
    mean->setReal(r, total.get() / size);
    deviation->setReal(r, statistics.inverseDeviation);
  }
  call.setResult(0, *output);
  call.setResult(1, *mean);
  call.setResult(2, *deviation);
  call.setResult(3, *sum);
  return success();
}

void reference::addNormalizationRules(OperatorTable &table) {
  table["onnx.Hardmax"] = hardmax;
  table["onnx.LayerNormalization"] = layerNormalization;
  table["onnx.LogSoftmax"] = logSoftmax;
  table["onnx.LpNormalization"] = lpNormalization;
  table["onnx.RMSNormalization"] = rmsNormalization;
  table["onnx.SimplifiedLayerNormalization"] = simplifiedLayerNormalization;
  table["onnx.Softmax"] = softmax;
  table["onnx.com.microsoft.SkipSimplifiedLayerNormalization"] =
      skipSimplifiedLayerNormalization;
}
