// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reductions over axes and running sums and products.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "llvm/ADT/SmallBitVector.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// The elements that one result reads, as positions in the operand.
using Group = llvm::ArrayRef<int64_t>;

struct Reduction {
  /// The result for float operands, before rounding.
  double (*onReals)(OperatorCall &call, const Tensor &data, Group group);
  /// The result for integers; where absent, the real result is truncated.
  int64_t (*onIntegers)(const Tensor &data, Group group);
};
} // namespace

/// Calls `visit` with the positions of each group, results in row-major order.
static void forEachGroup(const Tensor &data,
                         const llvm::SmallBitVector &reduced,
                         llvm::function_ref<void(int64_t, Group)> visit) {
  llvm::SmallVector<int64_t> keptShape, keptStrides, reducedShape,
      reducedStrides, strides = stridesOf(data.getShape());
  for (int64_t d = 0; d < data.getRank(); ++d) {
    (reduced[d] ? reducedShape : keptShape).push_back(data.getDim(d));
    (reduced[d] ? reducedStrides : keptStrides).push_back(strides[d]);
  }
  std::vector<int64_t> within, group;
  forEachPosition(
      reducedShape, {reducedStrides},
      [&](int64_t, llvm::ArrayRef<int64_t> at) { within.push_back(at[0]); });
  group.resize(within.size());
  forEachPosition(keptShape, {keptStrides},
                  [&](int64_t i, llvm::ArrayRef<int64_t> at) {
                    for (size_t k = 0; k < within.size(); ++k)
                      group[k] = at[0] + within[k];
                    visit(i, group);
                  });
}

static double sumReals(OperatorCall &call, const Tensor &data, Group group) {
  Accumulator sum(call.accumulateInSingle());
  for (int64_t i : group)
    sum.add(data.real(i));
  return sum.get();
}

static double sumSquares(OperatorCall &call, const Tensor &data, Group group) {
  Accumulator sum(call.accumulateInSingle());
  for (int64_t i : group)
    sum.addProduct(data.real(i), data.real(i));
  return sum.get();
}

static double sumMagnitudes(OperatorCall &call, const Tensor &data,
                            Group group) {
  Accumulator sum(call.accumulateInSingle());
  for (int64_t i : group)
    sum.add(std::fabs(data.real(i)));
  return sum.get();
}

static double multiplyReals(OperatorCall &call, const Tensor &data,
                            Group group) {
  double product = 1;
  for (int64_t i : group)
    product = call.accumulateInSingle()
                  ? static_cast<float>(product * data.real(i))
                  : product * data.real(i);
  return product;
}

static double largest(OperatorCall &, const Tensor &data, Group group) {
  double result = -std::numeric_limits<double>::infinity();
  for (int64_t i : group)
    result =
        std::isnan(result) || result > data.real(i) ? result : data.real(i);
  return result;
}

static double smallest(OperatorCall &, const Tensor &data, Group group) {
  double result = std::numeric_limits<double>::infinity();
  for (int64_t i : group)
    result =
        std::isnan(result) || result < data.real(i) ? result : data.real(i);
  return result;
}

static double logSumExp(OperatorCall &call, const Tensor &data, Group group) {
  double top = largest(call, data, group);
  if (!std::isfinite(top))
    return top;
  Accumulator sum(call.accumulateInSingle());
  for (int64_t i : group)
    sum.add(std::exp(data.real(i) - top));
  return top + std::log(sum.get());
}

static int64_t sumIntegers(const Tensor &data, Group group) {
  uint64_t sum = 0;
  for (int64_t i : group)
    sum += static_cast<uint64_t>(data.integer(i));
  return static_cast<int64_t>(sum);
}

static int64_t sumIntegerSquares(const Tensor &data, Group group) {
  uint64_t sum = 0;
  for (int64_t i : group)
    sum += static_cast<uint64_t>(data.integer(i)) *
           static_cast<uint64_t>(data.integer(i));
  return static_cast<int64_t>(sum);
}

static int64_t sumIntegerMagnitudes(const Tensor &data, Group group) {
  uint64_t sum = 0;
  bool isSigned = isSignedInteger(data.getElementType());
  for (int64_t i : group) {
    int64_t x = data.integer(i);
    sum += isSigned && x < 0 ? -static_cast<uint64_t>(x)
                             : static_cast<uint64_t>(x);
  }
  return static_cast<int64_t>(sum);
}

static int64_t multiplyIntegers(const Tensor &data, Group group) {
  uint64_t product = 1;
  for (int64_t i : group)
    product *= static_cast<uint64_t>(data.integer(i));
  return static_cast<int64_t>(product);
}

static int64_t meanIntegers(const Tensor &data, Group group) {
  int64_t sum = sumIntegers(data, group), count = group.size();
  if (count == 0)
    return 0;
  return isSignedInteger(data.getElementType())
             ? sum / count
             : static_cast<int64_t>(static_cast<uint64_t>(sum) / count);
}

/// The extreme value of an integer type that the empty group gives.
static int64_t extremeOf(ElementType type, bool largestValue) {
  int64_t bits = type == ElementType::Bool ? 1 : 8 * bytesPerElement(type);
  if (isSignedInteger(type))
    return largestValue ? static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1)
                        : -static_cast<int64_t>(uint64_t(1) << (bits - 2)) * 2;
  return largestValue ? static_cast<int64_t>(~uint64_t(0) >> (64 - bits)) : 0;
}

static int64_t extremeInteger(const Tensor &data, Group group,
                              bool wantLargest) {
  int64_t result = extremeOf(data.getElementType(), !wantLargest);
  bool isUnsigned = data.getElementType() == ElementType::U64;
  for (int64_t i : group) {
    int64_t x = data.integer(i);
    bool above = isUnsigned
                     ? static_cast<uint64_t>(x) > static_cast<uint64_t>(result)
                     : x > result;
    if (x != result && above == wantLargest)
      result = x;
  }
  return result;
}

static int64_t largestInteger(const Tensor &data, Group group) {
  return extremeInteger(data, group, true);
}
static int64_t smallestInteger(const Tensor &data, Group group) {
  return extremeInteger(data, group, false);
}

/// The axes of a reduction: the operand, or all, or none when
/// 'noop_with_empty_axes' says so.
static FailureOr<llvm::SmallBitVector> reducedAxes(OperatorCall &call,
                                                   bool noopWithEmptyAxes) {
  int64_t rank = call.operand(0).getRank();
  llvm::SmallBitVector reduced(rank);
  FailureOr<llvm::SmallVector<int64_t>> axes = llvm::SmallVector<int64_t>();
  if (call.optional(1))
    axes = call.integerList(1, "axes");
  if (failed(axes))
    return failure();
  if (axes->empty() && !noopWithEmptyAxes)
    reduced.set();
  for (int64_t axis : *axes) {
    FailureOr<int64_t> normal = call.normalizeAxis(axis, rank, "axes");
    if (failed(normal))
      return failure();
    reduced.set(*normal);
  }
  return reduced;
}

static llvm::SmallVector<int64_t>
reducedShape(const Tensor &data, const llvm::SmallBitVector &reduced,
             bool keepDims) {
  llvm::SmallVector<int64_t> shape;
  for (int64_t d = 0; d < data.getRank(); ++d)
    if (!reduced[d])
      shape.push_back(data.getDim(d));
    else if (keepDims)
      shape.push_back(1);
  return shape;
}

template <typename Op>
static LogicalResult reduce(OperatorCall &call, const Reduction &reduction) {
  auto op = cast<Op>(call.op);
  const Tensor &data = call.operand(0);
  FailureOr<llvm::SmallBitVector> reduced =
      reducedAxes(call, op.getNoopWithEmptyAxes());
  if (failed(reduced))
    return failure();
  FailureOr<Tensor> result = call.allocate(
      data.getElementType(), reducedShape(data, *reduced, op.getKeepdims()));
  if (failed(result))
    return failure();
  bool integers = !isFloat(data.getElementType()) && reduction.onIntegers;
  forEachGroup(data, *reduced, [&](int64_t i, Group group) {
    if (integers)
      result->setInteger(i, reduction.onIntegers(data, group));
    else
      result->setReal(i, reduction.onReals(call, data, group));
  });
  return call.done(*result);
}

static LogicalResult reduceL1(OperatorCall &call) {
  return reduce<onnx::ReduceL1Op>(call, {sumMagnitudes, sumIntegerMagnitudes});
}
static LogicalResult reduceL2(OperatorCall &call) {
  return reduce<onnx::ReduceL2Op>(
      call, {[](OperatorCall &c, const Tensor &data, Group group) {
               return std::sqrt(sumSquares(c, data, group));
             },
             nullptr});
}
static LogicalResult reduceLogSum(OperatorCall &call) {
  return reduce<onnx::ReduceLogSumOp>(
      call, {[](OperatorCall &c, const Tensor &data, Group group) {
               return std::log(sumReals(c, data, group));
             },
             nullptr});
}
static LogicalResult reduceLogSumExp(OperatorCall &call) {
  return reduce<onnx::ReduceLogSumExpOp>(call, {logSumExp, nullptr});
}
static LogicalResult reduceMax(OperatorCall &call) {
  return reduce<onnx::ReduceMaxOp>(call, {largest, largestInteger});
}
static LogicalResult reduceMean(OperatorCall &call) {
  return reduce<onnx::ReduceMeanOp>(
      call, {[](OperatorCall &c, const Tensor &data, Group group) {
               return sumReals(c, data, group) /
                      static_cast<double>(group.size());
             },
             meanIntegers});
}
static LogicalResult reduceMin(OperatorCall &call) {
  return reduce<onnx::ReduceMinOp>(call, {smallest, smallestInteger});
}
static LogicalResult reduceProd(OperatorCall &call) {
  return reduce<onnx::ReduceProdOp>(call, {multiplyReals, multiplyIntegers});
}
static LogicalResult reduceSum(OperatorCall &call) {
  return reduce<onnx::ReduceSumOp>(call, {sumReals, sumIntegers});
}
static LogicalResult reduceSumSquare(OperatorCall &call) {
  return reduce<onnx::ReduceSumSquareOp>(call, {sumSquares, sumIntegerSquares});
}

/// CumSum and CumProd: each element combines those before it on the axis, with
/// itself unless 'exclusive'.
static LogicalResult accumulateAlong(OperatorCall &call, bool exclusive,
                                     bool reverse, bool product) {
  const Tensor &x = call.operand(0);
  if (call.operand(1).getNumElements() != 1)
    return call.fail("'axis' must be a scalar, got shape " +
                     describeShape(call.operand(1).getShape()));
  FailureOr<int64_t> axis =
      call.normalizeAxis(call.operand(1).integer(0), x.getRank());
  if (failed(axis))
    return failure();
  FailureOr<Tensor> result = call.allocate(x.getElementType(), x.getShape());
  if (failed(result))
    return failure();
  int64_t outer = productOf(x.getShape(), 0, *axis), size = x.getDim(*axis),
          inner = productOf(x.getShape(), *axis + 1, x.getRank());
  bool floats = isFloat(x.getElementType()), single = call.accumulateInSingle();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      double real = product ? 1 : 0;
      uint64_t integer = product ? 1 : 0;
      for (int64_t k = 0; k < size; ++k) {
        int64_t at = (o * size + (reverse ? size - 1 - k : k)) * inner + i;
        double previousReal = real;
        uint64_t previousInteger = integer;
        if (floats) {
          real = product ? real * x.real(at) : real + x.real(at);
          real = single ? static_cast<float>(real) : real;
          result->setReal(at, exclusive ? previousReal : real);
        } else {
          auto value = static_cast<uint64_t>(x.integer(at));
          integer = product ? integer * value : integer + value;
          result->setInteger(
              at, static_cast<int64_t>(exclusive ? previousInteger : integer));
        }
      }
    }
  return call.done(*result);
}

static LogicalResult cumulativeSum(OperatorCall &call) {
  auto op = cast<onnx::CumSumOp>(call.op);
  return accumulateAlong(call, op.getExclusive(), op.getReverse(), false);
}
static LogicalResult cumulativeProduct(OperatorCall &call) {
  auto op = cast<onnx::CumProdOp>(call.op);
  return accumulateAlong(call, op.getExclusive(), op.getReverse(), true);
}

void reference::addReductionRules(OperatorTable &table) {
  table["onnx.CumProd"] = cumulativeProduct;
  table["onnx.CumSum"] = cumulativeSum;
  table["onnx.ReduceL1"] = reduceL1;
  table["onnx.ReduceL2"] = reduceL2;
  table["onnx.ReduceLogSum"] = reduceLogSum;
  table["onnx.ReduceLogSumExp"] = reduceLogSumExp;
  table["onnx.ReduceMax"] = reduceMax;
  table["onnx.ReduceMean"] = reduceMean;
  table["onnx.ReduceMin"] = reduceMin;
  table["onnx.ReduceProd"] = reduceProd;
  table["onnx.ReduceSum"] = reduceSum;
  table["onnx.ReduceSumSquare"] = reduceSumSquare;
}
