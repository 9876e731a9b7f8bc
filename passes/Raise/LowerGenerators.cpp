// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators whose elements follow from their place: ConstantOfShape, Range,
// EyeLike, Trilu, OneHot.
#include "ONNXLowering.h"
#include "SmallTypes.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;

static LogicalResult lowerConstantOfShape(Operation *op,
                                          ONNXLowering &lowering) {
  auto constant = cast<onnx::ConstantOfShapeOp>(op);
  Value result = constant.getOutput();
  SmallVector<Expression> dims = lowering.dims(result);
  for (size_t i = 0; i < dims.size(); ++i)
    if (!lowering.isAvailable(dims[i]))
      lowering.defineSize(result, i,
                          lowering.indexElement(constant.getInput(), i));
  Type elementType = lowering.elementType(result);
  Value scalar = scalarConstant(lowering.builder, lowering.loc, elementType, 0);
  if (std::optional<ElementsAttr> value = constant.getValue()) {
    auto elements = dyn_cast<DenseElementsAttr>(*value);
    if (!elements || elements.getNumElements() != 1)
      return ONNXLowering::unexpected(op);
    elements = holdConstant(elements);
    scalar = arith::ConstantOp::create(
        lowering.builder, lowering.loc,
        cast<TypedAttr>(elements.getSplatValue<Attribute>()));
  }
  lowering.map(result, lowering.filled(dims, scalar));
  return success();
}

//===--- range
//--------------------------------------------------------------===//

/// max(0, ceil((limit - start) / delta)); 0 for delta 0.
static Value countRange(ONNXLowering &lowering, onnx::RangeOp range) {
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  Type elementType = lowering.elementType(range.getOutput());
  Type index = b.getIndexType();
  if (isa<FloatType>(elementType)) {
    // As a float quotient, as the operator says; f64 as other runtimes do. By a
    // kernel: only integers are read between launches.
    SmallVector<ONNXLowering::Operand> inputs;
    for (Value input : {range.getStart(), range.getLimit(), range.getDelta()}) {
      ONNXLowering::Operand operand = lowering.operand(input);
      inputs.push_back({lowering.reshape(operand.value, operand.dims, {}), {}});
    }
    Value count = lowering.elementwise(
        inputs, {}, b.getI64Type(),
        [](OpBuilder &b, Location loc, ValueRange s) -> Value {
          SmallVector<Value> wide;
          for (Value scalar : s)
            wide.push_back(
                castScalar(b, loc, scalar, b.getF64Type(), false, false));
          Value distance = arith::SubFOp::create(b, loc, wide[1], wide[0]);
          Value steps = arith::DivFOp::create(b, loc, distance, wide[2]);
          return castScalar(b, loc, math::CeilOp::create(b, loc, steps),
                            b.getI64Type(), false, false);
        });
    return arith::IndexCastOp::create(b, loc, index,
                                      lowering.extractScalar(count));
  }
  Value start = lowering.indexElement(range.getStart(), 0);
  Value limit = lowering.indexElement(range.getLimit(), 0);
  Value distance = arith::SubIOp::create(b, loc, limit, start);
  auto delta = lowering.constantIntegers(range.getDelta());
  if (delta && delta->size() == 1 && delta->front() == 1)
    return distance;
  Value zero = lowering.indexConstant(0), one = lowering.indexConstant(1);
  Value step = lowering.indexElement(range.getDelta(), 0);
  Value isDown =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, step, zero);
  distance = arith::SelectOp::create(
      b, loc, isDown, arith::SubIOp::create(b, loc, zero, distance), distance);
  step = arith::SelectOp::create(
      b, loc, isDown, arith::SubIOp::create(b, loc, zero, step), step);
  Value isZero =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, step, zero);
  distance = arith::SelectOp::create(b, loc, isZero, zero, distance);
  distance = arith::MaxSIOp::create(b, loc, distance, zero);
  return arith::CeilDivUIOp::create(b, loc, distance,
                                    arith::MaxSIOp::create(b, loc, step, one));
}

static LogicalResult lowerRange(Operation *op, ONNXLowering &lowering) {
  auto range = cast<onnx::RangeOp>(op);
  Value result = range.getOutput();
  if (!lowering.isAvailable(lowering.dims(result)[0]))
    lowering.defineSize(result, 0, countRange(lowering, range));
  SmallVector<ONNXLowering::Operand> inputs;
  for (Value input : {range.getStart(), range.getDelta()}) {
    ONNXLowering::Operand operand = lowering.operand(input);
    operand.value = lowering.reshape(operand.value, operand.dims, {});
    operand.dims.clear();
    inputs.push_back(operand);
  }
  lowering.map(
      result,
      lowering.elementwise(
          inputs, lowering.dims(result), lowering.elementType(result),
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            Value index = linalg::IndexOp::create(b, loc, 0);
            Value place =
                arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
            Type type = s[0].getType();
            place = castScalar(b, loc, place, type, false, false);
            if (isa<FloatType>(type))
              return arith::AddFOp::create(
                  b, loc, s[0], arith::MulFOp::create(b, loc, place, s[1]));
            return arith::AddIOp::create(
                b, loc, s[0], arith::MulIOp::create(b, loc, place, s[1]));
          }));
  return success();
}

//===--- matrices
//-----------------------------------------------------------===//

static LogicalResult lowerEyeLike(Operation *op, ONNXLowering &lowering) {
  auto eye = cast<onnx::EyeLikeOp>(op);
  Value result = eye.getOutput();
  Type elementType = lowering.elementType(result);
  lowering.map(result,
               lowering.generate(
                   lowering.dims(result), elementType,
                   [&](OpBuilder &b, Location loc, ValueRange i) -> Value {
                     Value k =
                         arith::ConstantIndexOp::create(b, loc, eye.getK());
                     Value distance = arith::SubIOp::create(b, loc, i[1], i[0]);
                     Value isOn = arith::CmpIOp::create(
                         b, loc, arith::CmpIPredicate::eq, distance, k);
                     return castScalar(b, loc, isOn, elementType, true, false);
                   }));
  return success();
}

static LogicalResult lowerTrilu(Operation *op, ONNXLowering &lowering) {
  auto trilu = cast<onnx::TriluOp>(op);
  Value result = trilu.getOutput();
  int64_t rank = lowering.rank(result);
  SmallVector<ONNXLowering::Operand> inputs{lowering.operand(trilu.getInput())};
  if (!ONNXLowering::isNone(trilu.getK())) {
    ONNXLowering::Operand k = lowering.operand(trilu.getK());
    k.value = lowering.reshape(k.value, k.dims, {});
    k.dims.clear();
    inputs.push_back(k);
  }
  lowering.map(
      result, lowering.elementwise(
                  inputs, lowering.dims(result), lowering.elementType(result),
                  [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                    Value row = linalg::IndexOp::create(b, loc, rank - 2);
                    Value column = linalg::IndexOp::create(b, loc, rank - 1);
                    Value distance = arith::SubIOp::create(b, loc, column, row);
                    Value k = s.size() > 1
                                  ? arith::IndexCastOp::create(
                                        b, loc, b.getIndexType(), s[1])
                                        .getResult()
                                  : arith::ConstantIndexOp::create(b, loc, 0);
                    Value isKept = arith::CmpIOp::create(
                        b, loc,
                        trilu.getUpper() ? arith::CmpIPredicate::sge
                                         : arith::CmpIPredicate::sle,
                        distance, k);
                    Value zero = scalarConstant(b, loc, s[0].getType(), 0);
                    return arith::SelectOp::create(b, loc, isKept, s[0], zero);
                  },
                  /*raw=*/true));
  return success();
}

static LogicalResult lowerOneHot(Operation *op, ONNXLowering &lowering) {
  auto oneHot = cast<onnx::OneHotOp>(op);
  Value result = oneHot.getOutput();
  SmallVector<Expression> dims = lowering.dims(result);
  int64_t axis = oneHot.getAxis();
  if (axis < 0)
    axis += dims.size();
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  Type i64 = b.getI64Type();
  if (!lowering.isAvailable(dims[axis])) {
    Value onnxDepth = oneHot.getDepth();
    bool isUnsigned = ONNXLowering::isUnsigned(onnxDepth);
    Value depth;
    if (isa<FloatType>(lowering.elementType(onnxDepth))) {
      // By a kernel: only integers are read between launches.
      ONNXLowering::Operand scalar = lowering.operand(onnxDepth);
      scalar = {lowering.reshape(scalar.value, scalar.dims, {}), {}};
      depth = lowering.extractScalar(lowering.elementwise(
          scalar, {}, i64, [&](OpBuilder &b, Location loc, ValueRange s) {
            return castScalar(b, loc, s[0], i64, false, false);
          }));
    } else {
      depth = castScalar(b, loc, lowering.scalarOf(onnxDepth), i64, isUnsigned,
                         false);
    }
    lowering.defineSize(
        result, axis,
        arith::IndexCastOp::create(b, loc, b.getIndexType(), depth));
  }
  // The indices with a dim of 1 in place of the new one.
  ONNXLowering::Operand indices = lowering.operand(oneHot.getIndices());
  SmallVector<Expression> widened = indices.dims;
  widened.insert(widened.begin() + axis, lowering.constantExpression(1));
  indices.value = lowering.reshape(indices.value, indices.dims, widened);
  indices.dims = widened;
  SmallVector<ONNXLowering::Operand> inputs{indices};
  // values = [off, on]
  Value values = lowering.lookup(oneHot.getValues());
  auto scalarType =
      RankedTensorType::get({}, lowering.elementType(oneHot.getValues()));
  for (int64_t i : {0, 1}) {
    OpFoldResult offset = b.getIndexAttr(i), one = b.getIndexAttr(1);
    inputs.push_back({tensor::ExtractSliceOp::create(b, loc, scalarType, values,
                                                     offset, one, one),
                      {}});
  }
  bool isUnsigned = ONNXLowering::isUnsigned(oneHot.getIndices());
  Value depth = lowering.sizeValue(dims[axis]);
  lowering.map(
      result, lowering.elementwise(
                  inputs, dims, lowering.elementType(result),
                  [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                    Value chosen =
                        castScalar(b, loc, s[0], i64, isUnsigned, false);
                    Value size = arith::IndexCastOp::create(b, loc, i64, depth);
                    Value zero = integerConstant(b, loc, i64, 0);
                    Value isNegative = arith::CmpIOp::create(
                        b, loc, arith::CmpIPredicate::slt, chosen, zero);
                    chosen = arith::SelectOp::create(
                        b, loc, isNegative,
                        arith::AddIOp::create(b, loc, chosen, size), chosen);
                    Value place = arith::IndexCastOp::create(
                        b, loc, i64, linalg::IndexOp::create(b, loc, axis));
                    Value isOn = arith::CmpIOp::create(
                        b, loc, arith::CmpIPredicate::eq, chosen, place);
                    return arith::SelectOp::create(b, loc, isOn, s[2], s[1]);
                  },
                  /*raw=*/true));
  return success();
}

void mlir::trine::registerGeneratorLowerings(ONNXLoweringRegistry &registry) {
  registry.add("ConstantOfShape", lowerConstantOfShape);
  registry.add("Range", lowerRange);
  registry.add("EyeLike", lowerEyeLike);
  registry.add("Trilu", lowerTrilu);
  registry.add("OneHot", lowerOneHot);
}
