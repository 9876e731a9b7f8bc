// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax and its kin, and the norms.
#include "ReductionLowering.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;
using Operand = ONNXLowering::Operand;

/// The dims of `value`, with one (`through` false) or all dims from `axis` on
/// reduced; none, with an error, if the axis is out of range.
static FailureOr<ReducedDims> reduceFrom(Operation *op, Value value,
                                         int64_t axis, bool through,
                                         ONNXLowering &lowering) {
  ReducedDims dims;
  dims.all = lowering.dims(value);
  int64_t rank = dims.all.size();
  int64_t first = axis < 0 ? axis + rank : axis;
  if (first < 0 || first >= rank) {
    (void)ONNXLowering::unexpected(op);
    return failure();
  }
  for (int64_t i = 0; i < rank; ++i)
    dims.isReduced.push_back(through ? i >= first : i == first);
  return dims;
}

//===--- softmax
//------------------------------------------------------------===//

template <bool isLog>
static LogicalResult lowerSoftmax(Operation *op, ONNXLowering &lowering) {
  Value data = op->getOperand(0), result = op->getResult(0);
  auto axis = op->getAttrOfType<IntegerAttr>("axis");
  FailureOr<ReducedDims> dims = reduceFrom(op, data, axis ? axis.getInt() : -1,
                                           /*through=*/false, lowering);
  if (failed(dims))
    return failure();
  Type elementType = lowering.elementType(result);
  Type type = getComputeType(elementType);
  Operand input = lowering.operand(data);
  Value lowest = scalarConstant(lowering.builder, lowering.loc, type,
                                -std::numeric_limits<double>::infinity());
  // NaN makes the whole row NaN, here or in the sum.
  Value greatest =
      reduce(lowering, input, *dims, lowest,
             [](OpBuilder &b, Location loc, ValueRange s) -> Value {
               return arith::MaximumFOp::create(b, loc, s[1], s[0]);
             });
  Operand shift = withOnes(lowering, greatest, *dims);
  auto subtract = [](OpBuilder &b, Location loc, ValueRange s) -> Value {
    return arith::SubFOp::create(b, loc, s[0], s[1]);
  };
  auto exponentiate = [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
    return math::ExpOp::create(b, loc, subtract(b, loc, s));
  };
  if (isLog) {
    Value sum = reduceSum(lowering, {input, shift}, *dims, type, exponentiate);
    Operand total = withOnes(lowering, sum, *dims);
    lowering.map(result,
                 lowering.elementwise(
                     {input, shift, total}, dims->all, elementType,
                     [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                       return arith::SubFOp::create(
                           b, loc, subtract(b, loc, s),
                           math::LogOp::create(b, loc, s[2]));
                     }));
    return success();
  }
  Operand powers{
      lowering.elementwise({input, shift}, dims->all, type, exponentiate),
      dims->all};
  Value sum =
      reduceSum(lowering, powers, *dims, type,
                [](OpBuilder &, Location, ValueRange s) { return s[0]; });
  lowering.map(result,
               lowering.elementwise(
                   {powers, withOnes(lowering, sum, *dims)}, dims->all,
                   elementType,
                   [](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     return arith::DivFOp::create(b, loc, s[0], s[1]);
                   }));
  return success();
}

/// 1 at the first greatest element along the axis, 0 elsewhere.
static LogicalResult lowerHardmax(Operation *op, ONNXLowering &lowering) {
  auto hardmax = cast<onnx::HardmaxOp>(op);
  Value data = hardmax.getInput(), result = hardmax.getOutput();
  FailureOr<ReducedDims> dims =
      reduceFrom(op, data, hardmax.getAxis(), /*through=*/false, lowering);
  if (failed(dims))
    return failure();
  Type elementType = lowering.elementType(result);
  Type type = getComputeType(elementType);
  int64_t axis =
      std::distance(dims->isReduced.begin(), llvm::find(dims->isReduced, true));
  Operand input = lowering.operand(data);
  OpBuilder &builder = lowering.builder;
  Value lowest = scalarConstant(builder, lowering.loc, type,
                                -std::numeric_limits<double>::infinity());
  Value greatest =
      reduce(lowering, input, *dims, lowest,
             [](OpBuilder &b, Location loc, ValueRange s) -> Value {
               return arith::MaximumFOp::create(b, loc, s[1], s[0]);
             });
  Operand top = withOnes(lowering, greatest, *dims);
  // The first place that holds it.
  Type i64 = builder.getI64Type();
  Value never = integerConstant(builder, lowering.loc, i64,
                                std::numeric_limits<int64_t>::max());
  auto place = [&](OpBuilder &b, Location loc) -> Value {
    return arith::IndexCastOp::create(b, loc, i64,
                                      linalg::IndexOp::create(b, loc, axis));
  };
  Value first = reduce(lowering, {input, top}, *dims, never,
                       [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                         Value isTop = arith::CmpFOp::create(
                             b, loc, arith::CmpFPredicate::OEQ, s[0], s[1]);
                         Value candidate = arith::SelectOp::create(
                             b, loc, isTop, place(b, loc), s[2]);
                         return arith::MinSIOp::create(b, loc, candidate, s[2]);
                       });
  lowering.map(result,
               lowering.elementwise(
                   {withOnes(lowering, first, *dims)}, dims->all, elementType,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     Value isOn = arith::CmpIOp::create(
                         b, loc, arith::CmpIPredicate::eq, place(b, loc), s[0]);
                     return castScalar(b, loc, isOn, type, true, false);
                   }));
  return success();
}

//===--- norms
//--------------------------------------------------------------===//

namespace {
/// Builds the parts of a norm over `dims`, in the compute type.
class NormBuilder {
public:
  NormBuilder(ONNXLowering &lowering, const ReducedDims &dims, Type type)
      : lowering(lowering), dims(dims), type(type), kept(dims.getKept()),
        count(dims.getCount(lowering)) {
    if (!count.isConstant())
      countValue = lowering.sizeValue(count);
  }

  Value mean(ArrayRef<Operand> inputs, ONNXLowering::ScalarBody term) {
    Value sum = reduceSum(lowering, inputs, dims, type, term);
    return perRow(sum, [&](OpBuilder &b, Location loc, Value s) -> Value {
      return arith::DivFOp::create(b, loc, s,
                                   sizeScalar(b, loc, type, count, countValue));
    });
  }

  /// The mean of the term, plus epsilon, its root.
  Value deviation(ArrayRef<Operand> inputs, double epsilon, bool inverse,
                  ONNXLowering::ScalarBody term) {
    Value sum = reduceSum(lowering, inputs, dims, type, term);
    return perRow(sum, [&](OpBuilder &b, Location loc, Value s) -> Value {
      Value mean = arith::DivFOp::create(
          b, loc, s, sizeScalar(b, loc, type, count, countValue));
      Value sum = arith::AddFOp::create(b, loc, mean,
                                        scalarConstant(b, loc, type, epsilon));
      Value root = math::SqrtOp::create(b, loc, sum);
      if (!inverse)
        return root;
      return arith::DivFOp::create(b, loc, scalarConstant(b, loc, type, 1),
                                   root);
    });
  }

  Operand row(Value value) { return withOnes(lowering, value, dims); }

  /// Maps a result that holds one value per row, if it is asked for.
  void mapRow(Value onnxResult, Value value) {
    if (ONNXLowering::isNone(onnxResult))
      return;
    Type elementType = lowering.elementType(onnxResult);
    if (elementType != type)
      value = lowering.elementwise(
          Operand{value, kept}, kept, elementType,
          [&](OpBuilder &b, Location loc, ValueRange s) {
            return castScalar(b, loc, s[0], elementType, false, false);
          },
          /*raw=*/true);
    lowering.map(onnxResult,
                 lowering.reshape(value, kept, lowering.dims(onnxResult)));
  }

private:
  Value perRow(Value value,
               llvm::function_ref<Value(OpBuilder &, Location, Value)> body) {
    return lowering.elementwise(Operand{value, kept}, kept, type,
                                [&](OpBuilder &b, Location loc, ValueRange s) {
                                  return body(b, loc, s[0]);
                                });
  }

  ONNXLowering &lowering;
  const ReducedDims &dims;
  Type type;
  SmallVector<Expression> kept;
  Expression count;
  Value countValue;
};
} // namespace

/// Rounds to the element type and back, where an operator's definition casts.
static Value roundTo(OpBuilder &b, Location loc, Value scalar,
                     Type elementType) {
  return toComputeType(b, loc, fromComputeType(b, loc, scalar, elementType));
}

static Value square(OpBuilder &b, Location loc, ValueRange s) {
  return arith::MulFOp::create(b, loc, s[0], s[0]);
}

static LogicalResult lowerLayerNormalization(Operation *op,
                                             ONNXLowering &lowering) {
  auto norm = cast<onnx::LayerNormalizationOp>(op);
  Value x = norm.getX(), result = norm.getY();
  FailureOr<ReducedDims> dims =
      reduceFrom(op, x, norm.getAxis(), /*through=*/true, lowering);
  if (failed(dims))
    return failure();
  Type elementType = lowering.elementType(result);
  NormBuilder builder(lowering, *dims, getComputeType(elementType));
  Operand input = lowering.operand(x);
  Value mean = builder.mean(
      input, [](OpBuilder &, Location, ValueRange s) { return s[0]; });
  Value inverse = builder.deviation(
      {input, builder.row(mean)}, norm.getEpsilon().convertToDouble(),
      /*inverse=*/true, [](OpBuilder &b, Location loc, ValueRange s) -> Value {
        Value difference = arith::SubFOp::create(b, loc, s[0], s[1]);
        return arith::MulFOp::create(b, loc, difference, difference);
      });
  SmallVector<Operand> inputs{input, builder.row(mean), builder.row(inverse),
                              lowering.operand(norm.getScale())};
  if (!ONNXLowering::isNone(norm.getB()))
    inputs.push_back(lowering.operand(norm.getB()));
  lowering.map(result,
               lowering.elementwise(
                   inputs, dims->all, elementType,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     Value y = arith::SubFOp::create(b, loc, s[0], s[1]);
                     y = arith::MulFOp::create(b, loc, y, s[2]);
                     y = roundTo(b, loc, y, elementType);
                     y = arith::MulFOp::create(b, loc, y, s[3]);
                     if (s.size() > 4)
                       y = arith::AddFOp::create(b, loc, y, s[4]);
                     return y;
                   }));
  builder.mapRow(norm.getMean(), mean);
  builder.mapRow(norm.getInvStdDev(), inverse);
  return success();
}

static LogicalResult lowerRMSNormalization(Operation *op,
                                           ONNXLowering &lowering) {
  auto norm = cast<onnx::RMSNormalizationOp>(op);
  Value x = norm.getX(), result = norm.getY();
  FailureOr<ReducedDims> dims =
      reduceFrom(op, x, norm.getAxis(), /*through=*/true, lowering);
  if (failed(dims))
    return failure();
  Type elementType = lowering.elementType(result);
  NormBuilder builder(lowering, *dims, getComputeType(elementType));
  Operand input = lowering.operand(x);
  Value root = builder.deviation(input, norm.getEpsilon().convertToDouble(),
                                 /*inverse=*/false, square);
  lowering.map(
      result, lowering.elementwise(
                  {input, builder.row(root), lowering.operand(norm.getScale())},
                  dims->all, elementType,
                  [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                    Value y = arith::DivFOp::create(b, loc, s[0], s[1]);
                    y = roundTo(b, loc, y, elementType);
                    return arith::MulFOp::create(b, loc, y, s[2]);
                  }));
  return success();
}

/// y = x * inverse deviation * scale in the compute type, rounded once.
static Value simplifiedNorm(ONNXLowering &lowering, NormBuilder &builder,
                            const ReducedDims &dims, Operand input,
                            Value inverse, Value onnxScale, Type elementType) {
  return lowering.elementwise(
      {input, builder.row(inverse), lowering.operand(onnxScale)}, dims.all,
      elementType, [](OpBuilder &b, Location loc, ValueRange s) -> Value {
        Value y = arith::MulFOp::create(b, loc, s[0], s[1]);
        return arith::MulFOp::create(b, loc, y, s[2]);
      });
}

static LogicalResult lowerSimplifiedNormalization(Operation *op,
                                                  ONNXLowering &lowering) {
  auto norm = cast<onnx::SimplifiedLayerNormalizationOp>(op);
  Value result = norm.getY();
  FailureOr<ReducedDims> dims =
      reduceFrom(op, norm.getX(), norm.getAxis(), /*through=*/true, lowering);
  if (failed(dims))
    return failure();
  Type elementType = lowering.elementType(result);
  NormBuilder builder(lowering, *dims,
                      getComputeType(lowering.elementType(norm.getX())));
  Operand input = lowering.operand(norm.getX());
  Value inverse = builder.deviation(input, norm.getEpsilon().convertToDouble(),
                                    /*inverse=*/true, square);
  lowering.map(result, simplifiedNorm(lowering, builder, *dims, input, inverse,
                                      norm.getScale(), elementType));
  builder.mapRow(norm.getInvStdVar(), inverse);
  return success();
}

static LogicalResult lowerSkipNormalization(Operation *op,
                                            ONNXLowering &lowering) {
  auto norm = cast<onnx::SkipSimplifiedLayerNormalizationOp>(op);
  Value result = norm.getOutput();
  // No runtime computes it, but exporters name it.
  if (!norm.getMean().use_empty())
    return lowering.unsupported(op, "its result 'mean' has no definition");
  FailureOr<ReducedDims> dims =
      reduceFrom(op, norm.getInput(), -1, /*through=*/true, lowering);
  if (failed(dims))
    return failure();
  Type elementType = lowering.elementType(result);
  SmallVector<Operand> inputs{lowering.operand(norm.getInput()),
                              lowering.operand(norm.getSkip())};
  if (!ONNXLowering::isNone(norm.getBias()))
    inputs.push_back(lowering.operand(norm.getBias()));
  Operand sum{
      lowering.elementwise(inputs, dims->all, elementType,
                           [](OpBuilder &b, Location loc, ValueRange s) {
                             Value sum = s[0];
                             for (Value next : s.drop_front())
                               sum = arith::AddFOp::create(b, loc, sum, next);
                             return sum;
                           }),
      dims->all};
  NormBuilder builder(lowering, *dims, getComputeType(elementType));
  Value inverse = builder.deviation(sum, norm.getEpsilon().convertToDouble(),
                                    /*inverse=*/true, square);
  lowering.map(result, simplifiedNorm(lowering, builder, *dims, sum, inverse,
                                      norm.getGamma(), elementType));
  builder.mapRow(norm.getInvStdVar(), inverse);
  if (!ONNXLowering::isNone(norm.getInputSkipBiasSum()))
    lowering.map(norm.getInputSkipBiasSum(), sum.value);
  return success();
}

static LogicalResult lowerLpNormalization(Operation *op,
                                          ONNXLowering &lowering) {
  auto norm = cast<onnx::LpNormalizationOp>(op);
  Value result = norm.getOutput();
  int64_t p = norm.getP();
  if (p != 1 && p != 2)
    return lowering.unsupported(op, "'p' must be 1 or 2, got " + Twine(p));
  FailureOr<ReducedDims> dims = reduceFrom(op, norm.getInput(), norm.getAxis(),
                                           /*through=*/false, lowering);
  if (failed(dims))
    return failure();
  Type elementType = lowering.elementType(result);
  Type type = getComputeType(elementType);
  Operand input = lowering.operand(norm.getInput());
  Value sum =
      reduceSum(lowering, input, *dims, type,
                [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                  return p == 1 ? math::AbsFOp::create(b, loc, s[0]).getResult()
                                : square(b, loc, s);
                });
  lowering.map(
      result,
      lowering.elementwise(
          {input, withOnes(lowering, sum, *dims)}, dims->all, elementType,
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            Value length =
                p == 1 ? s[1] : math::SqrtOp::create(b, loc, s[1]).getResult();
            Value zero = scalarConstant(b, loc, type, 0);
            Value isZero = arith::CmpFOp::create(
                b, loc, arith::CmpFPredicate::OEQ, length, zero);
            Value quotient = arith::DivFOp::create(b, loc, s[0], length);
            return arith::SelectOp::create(b, loc, isZero, zero, quotient);
          }));
  return success();
}

void mlir::trine::registerNormalizationLowerings(
    ONNXLoweringRegistry &registry) {
  registry.add("Softmax", lowerSoftmax<false>);
  registry.add("LogSoftmax", lowerSoftmax<true>);
  registry.add("Hardmax", lowerHardmax);
  registry.add("LayerNormalization", lowerLayerNormalization);
  registry.add("RMSNormalization", lowerRMSNormalization);
  registry.add("SimplifiedLayerNormalization", lowerSimplifiedNormalization);
  registry.add("com.microsoft.SkipSimplifiedLayerNormalization",
               lowerSkipNormalization);
  registry.add("LpNormalization", lowerLpNormalization);
}
