// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// QuantizeLinear, DequantizeLinear, QLinearMatMul, MatMulInteger and BitCast.
#include "LowerContractions.h"
#include "LoweringUtils.h"
#include "SmallTypes.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = SymbolicExpression;
using Operand = ONNXLowering::Operand;

/// Types as the onnx level has them.
static Type originalType(Value onnxValue) {
  return cast<ShapedType>(onnxValue.getType()).getElementType();
}

/// A held element as f32.
static Value toSingle(OpBuilder &b, Location loc, Value held, Type type) {
  return castElement(b, loc, held, type, b.getF32Type());
}

/// A quotient (f32) as a quantised type: rounded to even, shifted and cut off
/// at the ends of the type. `zeroPoint` is an f32, or null.
static Value quantize(OpBuilder &b, Location loc, Value quotient,
                      Value zeroPoint, Type type, bool saturate) {
  auto shift = [&] {
    if (zeroPoint)
      quotient = arith::AddFOp::create(b, loc, quotient, zeroPoint);
  };
  if (isSmallFloat(type)) {
    shift();
    return encodeSmallFloat(b, loc, quotient, cast<FloatType>(type), saturate);
  }
  auto integer = cast<IntegerType>(type);
  unsigned width = integer.getWidth();
  double count = std::ldexp(1.0, width);
  bool isUnsigned = integer.isUnsigned();
  double lowest = isUnsigned ? 0 : -count / 2,
         highest = isUnsigned ? count - 1 : count / 2 - 1;
  quotient = math::RoundEvenOp::create(b, loc, quotient);
  shift();
  quotient = arith::MaximumFOp::create(
      b, loc, quotient, scalarConstant(b, loc, b.getF32Type(), lowest));
  quotient = arith::MinimumFOp::create(
      b, loc, quotient, scalarConstant(b, loc, b.getF32Type(), highest));
  // NaN becomes 0.
  Type held = getHeldType(type);
  return castScalar(b, loc, quotient, held, false,
                    isUnsigned && width == held.getIntOrFloatBitWidth());
}

//===--- linear quantisation
//------------------------------------------------===//

namespace {
/// Scale and zero point beside the tensor: operands that broadcast to it, or
/// tensors that are read by block.
class Granularity {
public:
  Granularity(ONNXLowering &lowering, Value input, Value scale, Value zeroPoint,
              int64_t axis, int64_t blockSize)
      : lowering(lowering), blockSize(blockSize),
        hasZeroPoint(!ONNXLowering::isNone(zeroPoint)) {
    int64_t rank = lowering.rank(input);
    inputs.push_back(lowering.operand(input));
    parameters.push_back(lowering.operand(scale));
    if (hasZeroPoint)
      parameters.push_back(lowering.operand(zeroPoint));
    this->axis = rank == 0 ? 0 : rank == 1 ? 0 : normaliseAxis(axis, rank);
    ArrayRef<Expression> sizes = parameters[0].dims;
    bool isScalar =
        sizes.empty() || (sizes.size() == 1 && sizes[0].isConstant(1));
    isBlocked = !isScalar && blockSize > 0;
    if (isBlocked)
      return;
    for (Operand &parameter : parameters) {
      SmallVector<Expression> dims;
      if (!isScalar) {
        dims.assign(rank, lowering.constantExpression(1));
        dims[this->axis] = parameter.dims[0];
      }
      inputs.push_back(reshaped(lowering, parameter, dims));
    }
  }

  using Body = llvm::function_ref<Value(OpBuilder &, Location, Value element,
                                        Value scale, Value zeroPoint)>;
  /// The result over the dims of the input; `zeroPoint` may be null.
  Value build(Value result, Body body) {
    return lowering.elementwise(
        inputs, lowering.dims(result), lowering.elementType(result),
        [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
          SmallVector<Value> read(s.drop_front());
          if (isBlocked) {
            SmallVector<Value> place;
            for (int64_t i = 0, e = parameters[0].dims.size(); i < e; ++i)
              place.push_back(linalg::IndexOp::create(b, loc, i));
            place[axis] = arith::DivUIOp::create(
                b, loc, place[axis],
                arith::ConstantIndexOp::create(b, loc, blockSize));
            for (Operand &parameter : parameters)
              read.push_back(
                  tensor::ExtractOp::create(b, loc, parameter.value, place));
          }
          return body(b, loc, s[0], read[0], hasZeroPoint ? read[1] : Value());
        },
        /*raw=*/true);
  }

private:
  ONNXLowering &lowering;
  SmallVector<Operand> inputs, parameters;
  int64_t axis = 0, blockSize;
  bool hasZeroPoint, isBlocked = false;
};
} // namespace

/// The type of TensorProto.DataType 1, 10 or 16, which the shape analysis has
/// let through.
static Type getPrecision(Builder &builder, int64_t code) {
  return code == 10   ? Type(builder.getF16Type())
         : code == 16 ? Type(builder.getBF16Type())
                      : builder.getF32Type();
}

static LogicalResult lowerQuantizeLinear(Operation *operation,
                                         ONNXLowering &lowering) {
  auto op = cast<onnx::QuantizeLinearOp>(operation);
  Type from = originalType(op.getX()), scaleType = originalType(op.getYScale()),
       to = originalType(op.getY());
  bool is16Bit = scaleType.isF16() || scaleType.isBF16();
  Type precision = op.getPrecision() || !is16Bit
                       ? getPrecision(lowering.builder, op.getPrecision())
                       : scaleType;
  Granularity granularity(lowering, op.getX(), op.getYScale(),
                          op.getYZeroPoint(), op.getAxis(), op.getBlockSize());
  lowering.map(
      op.getY(), granularity.build(op.getY(), [&](OpBuilder &b, Location loc,
                                                  Value element, Value scale,
                                                  Value zeroPoint) {
        auto rounded = [&](Value value) {
          return toComputeType(b, loc,
                               fromComputeType(b, loc, value, precision));
        };
        Value quotient = rounded(arith::DivFOp::create(
            b, loc, rounded(toSingle(b, loc, element, from)),
            rounded(toSingle(b, loc, scale, scaleType))));
        if (zeroPoint)
          zeroPoint = toSingle(b, loc, zeroPoint, to);
        return quantize(b, loc, quotient, zeroPoint, to, op.getSaturate() != 0);
      }));
  return success();
}

static LogicalResult lowerDequantizeLinear(Operation *operation,
                                           ONNXLowering &lowering) {
  auto op = cast<onnx::DequantizeLinearOp>(operation);
  Type from = originalType(op.getX()), scaleType = originalType(op.getXScale()),
       to = originalType(op.getY());
  Granularity granularity(lowering, op.getX(), op.getXScale(),
                          op.getXZeroPoint(), op.getAxis(), op.getBlockSize());
  lowering.map(op.getY(),
               granularity.build(
                   op.getY(),
                   [&](OpBuilder &b, Location loc, Value element, Value scale,
                       Value zeroPoint) -> Value {
                     Value value = toSingle(b, loc, element, from);
                     if (zeroPoint)
                       value = arith::SubFOp::create(
                           b, loc, value, toSingle(b, loc, zeroPoint, from));
                     value = arith::MulFOp::create(
                         b, loc, value, toSingle(b, loc, scale, scaleType));
                     return castElement(b, loc, value, b.getF32Type(), to);
                   }));
  return success();
}

//===--- products
//-----------------------------------------------------------===//

/// A scale or zero point of a matrix with the dims that broadcast to it: a
/// vector goes along the rows of the left one.
static Operand alongMatrix(ONNXLowering &lowering, Value onnxValue,
                           bool isLeft) {
  Operand operand = lowering.operand(onnxValue);
  if (llvm::all_of(operand.dims, [](Expression e) { return e.isConstant(1); }))
    return reshaped(lowering, operand, {});
  if (isLeft && operand.dims.size() == 1)
    return reshaped(lowering, operand,
                    {operand.dims[0], lowering.constantExpression(1)});
  return operand;
}

/// A matrix less its zero point, in i32 or f32, with rank 2 at least.
static Operand shiftedMatrix(ONNXLowering &lowering, Value matrix,
                             Value zeroPoint, Type type, bool isLeft) {
  Type from = originalType(matrix);
  SmallVector<Operand> inputs{lowering.operand(matrix)};
  if (!ONNXLowering::isNone(zeroPoint))
    inputs.push_back(alongMatrix(lowering, zeroPoint, isLeft));
  SmallVector<Expression> dims = lowering.dims(matrix);
  Operand result;
  result.value = lowering.elementwise(
      inputs, dims, type,
      [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
        Value value = castElement(b, loc, s[0], from, type);
        if (s.size() == 1)
          return value;
        Value zero = castElement(b, loc, s[1], from, type);
        if (isa<FloatType>(type))
          return arith::SubFOp::create(b, loc, value, zero);
        return arith::SubIOp::create(b, loc, value, zero);
      },
      /*raw=*/true);
  result.dims = dims;
  if (dims.size() == 1) {
    Expression one = lowering.constantExpression(1);
    result = isLeft ? reshaped(lowering, result, {one, dims[0]})
                    : reshaped(lowering, result, {dims[0], one});
  }
  return result;
}

static LogicalResult lowerMatMulInteger(Operation *operation,
                                        ONNXLowering &lowering) {
  auto op = cast<onnx::MatMulIntegerOp>(operation);
  Type i32 = lowering.builder.getI32Type();
  Operand product = matrixProduct(
      lowering,
      shiftedMatrix(lowering, op.getA(), op.getAZeroPoint(), i32, true),
      shiftedMatrix(lowering, op.getB(), op.getBZeroPoint(), i32, false));
  lowering.map(op.getY(),
               reshaped(lowering, product, lowering.dims(op.getY())).value);
  return success();
}

static LogicalResult lowerQLinearMatMul(Operation *operation,
                                        ONNXLowering &lowering) {
  auto op = cast<onnx::QLinearMatMulOp>(operation);
  Builder &builder = lowering.builder;
  bool isReal = isSmallFloat(originalType(op.getA())) ||
                isSmallFloat(originalType(op.getB()));
  Type type = isReal ? Type(builder.getF32Type()) : builder.getI32Type();
  Operand product = matrixProduct(
      lowering,
      shiftedMatrix(lowering, op.getA(), op.getAZeroPoint(), type, true),
      shiftedMatrix(lowering, op.getB(), op.getBZeroPoint(), type, false));
  Type scaleType = originalType(op.getAScale()), to = originalType(op.getY());
  SmallVector<Operand> inputs{
      product, alongMatrix(lowering, op.getAScale(), true),
      alongMatrix(lowering, op.getBScale(), false),
      reshaped(lowering, lowering.operand(op.getYScale()), {}),
      reshaped(lowering, lowering.operand(op.getYZeroPoint()), {})};
  product.value = lowering.elementwise(
      inputs, product.dims, getHeldType(to),
      [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
        Value factor = arith::DivFOp::create(
            b, loc,
            arith::MulFOp::create(b, loc, toSingle(b, loc, s[1], scaleType),
                                  toSingle(b, loc, s[2], scaleType)),
            toSingle(b, loc, s[3], scaleType));
        Value quotient =
            arith::MulFOp::create(b, loc, toSingle(b, loc, s[0], type), factor);
        return quantize(b, loc, quotient, toSingle(b, loc, s[4], to), to,
                        /*saturate=*/true);
      },
      /*raw=*/true);
  lowering.map(op.getY(),
               reshaped(lowering, product, lowering.dims(op.getY())).value);
  return success();
}

//===--- bits
//---------------------------------------------------------------===//

/// The shape analysis has checked that both types have as many bits.
static LogicalResult lowerBitCast(Operation *operation,
                                  ONNXLowering &lowering) {
  auto op = cast<onnx::BitCastOp>(operation);
  Value input = op.getInput(), result = op.getOutput();
  Type from = originalType(input), to = originalType(result);
  Type heldFrom = getHeldType(from), heldTo = getHeldType(to);
  bool isSigned = isa<IntegerType>(to) && !to.isUnsignedInteger();
  int64_t unused =
      to.isInteger(1) ? 0 : 8 - int64_t(to.getIntOrFloatBitWidth());
  bool changesHeld = heldFrom != heldTo || (unused > 0 && from != to);
  if (!changesHeld) {
    lowering.map(result, lowering.lookup(input));
    return success();
  }
  lowering.map(result,
               lowering.elementwise(
                   input, result,
                   [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                     if (from.isInteger(1))
                       return arith::ExtUIOp::create(b, loc, heldTo, s[0]);
                     if (to.isInteger(1))
                       return arith::CmpIOp::create(
                           b, loc, arith::CmpIPredicate::ne, s[0],
                           integerConstant(b, loc, heldFrom, 0));
                     if (heldFrom != heldTo)
                       return arith::BitcastOp::create(b, loc, heldTo, s[0]);
                     // Few bits: extended by their sign, or not.
                     Value by = integerConstant(b, loc, heldTo, unused);
                     Value code = arith::ShLIOp::create(b, loc, s[0], by);
                     if (isSigned)
                       return arith::ShRSIOp::create(b, loc, code, by);
                     return arith::ShRUIOp::create(b, loc, code, by);
                   },
                   /*raw=*/true));
  return success();
}

void mlir::trine::registerQuantizationLowerings(
    ONNXLoweringRegistry &registry) {
  registry.add("BitCast", lowerBitCast);
  registry.add("DequantizeLinear", lowerDequantizeLinear);
  registry.add("MatMulInteger", lowerMatMulInteger);
  registry.add("QLinearMatMul", lowerQLinearMatMul);
  registry.add("QuantizeLinear", lowerQuantizeLinear);
}
