// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensors and element-wise linalg.generic over symbolic dims.
#include "ONNXLowering.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;

Value ONNXLowering::empty(ArrayRef<Expression> dims, Type elementType) {
  return tensor::EmptyOp::create(builder, loc, sizes(dims),
                                 type(dims, elementType).getElementType());
}

Value ONNXLowering::empty(Value onnxValue, Type elementType) {
  return empty(dims(onnxValue),
               elementType ? elementType : this->elementType(onnxValue));
}

Value ONNXLowering::filled(ArrayRef<Expression> dims, Value scalar) {
  Value destination = empty(dims, scalar.getType());
  return linalg::FillOp::create(builder, loc, scalar, destination).getResult(0);
}

Value ONNXLowering::extractScalar(Value lowered) {
  int64_t rank = cast<RankedTensorType>(lowered.getType()).getRank();
  SmallVector<Value> indices(rank, rank ? indexConstant(0) : Value());
  return tensor::ExtractOp::create(builder, loc, lowered, indices);
}

AffineMap ONNXLowering::broadcastMap(Operand &operand,
                                     ArrayRef<Expression> to) {
  MLIRContext *context = builder.getContext();
  int64_t rank = operand.dims.size();
  int64_t offset = (int64_t)to.size() - rank;
  // The loop of each dim; none where the dim is 1 and so is always read at 0.
  SmallVector<AffineExpr> loops;
  for (int64_t i = 0; i < rank; ++i)
    loops.push_back(operand.dims[i].isConstant(1) &&
                            !to[offset + i].isConstant(1)
                        ? getAffineConstantExpr(0, context)
                        : getAffineDimExpr(offset + i, context));

  // A view that only adds ones: read what it views.
  while (auto expand = operand.value.getDefiningOp<tensor::ExpandShapeOp>()) {
    SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
    SmallVector<AffineExpr> sourceLoops;
    SmallVector<Expression> sourceDims;
    bool onlyOnes = true;
    for (const ReassociationIndices &group : groups) {
      int64_t kept = group.front();
      int64_t count = 0;
      for (int64_t dim : group)
        if (!operand.dims[dim].isConstant(1)) {
          kept = dim;
          ++count;
        }
      onlyOnes &= count <= 1;
      sourceLoops.push_back(loops[kept]);
      sourceDims.push_back(operand.dims[kept]);
    }
    if (!onlyOnes)
      break;
    operand.value = expand.getSrc();
    operand.dims = std::move(sourceDims);
    loops = std::move(sourceLoops);
  }
  return AffineMap::get(to.size(), 0, loops, context);
}

/// The one value of a constant tensor, null if it is none.
static TypedAttr getSplat(Value lowered) {
  DenseElementsAttr elements;
  if (!matchPattern(lowered, m_Constant(&elements)) || !elements.isSplat())
    return {};
  return dyn_cast<TypedAttr>(elements.getSplatValue<Attribute>());
}

Value ONNXLowering::elementwise(ArrayRef<Operand> inputs,
                                ArrayRef<Expression> dims, Type elementType,
                                ScalarBody body, bool raw) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  SmallVector<TypedAttr> splats;
  for (Operand input : inputs) {
    splats.push_back(getSplat(input.value));
    if (splats.back())
      continue;
    maps.push_back(broadcastMap(input, dims));
    tensors.push_back(input.value);
  }
  maps.push_back(
      AffineMap::getMultiDimIdentityMap(dims.size(), builder.getContext()));
  Value destination = empty(dims, elementType);
  Type resultElementType =
      cast<ShapedType>(destination.getType()).getElementType();
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, destination.getType(), tensors, destination, maps,
      iterators, [&](OpBuilder &b, Location loc, ValueRange arguments) {
        SmallVector<Value> scalars;
        unsigned next = 0;
        for (TypedAttr splat : splats) {
          if (!splat) {
            Value scalar = arguments[next++];
            scalars.push_back(raw ? scalar : toComputeType(b, loc, scalar));
            continue;
          }
          auto number = dyn_cast<FloatAttr>(splat);
          scalars.push_back(
              number && !raw
                  ? scalarConstant(b, loc, getComputeType(number.getType()),
                                   number.getValueAsDouble())
                  : arith::ConstantOp::create(b, loc, splat).getResult());
        }
        Value result = body(b, loc, scalars);
        linalg::YieldOp::create(
            b, loc, fromComputeType(b, loc, result, resultElementType));
      });
  return generic.getResult(0);
}

Value ONNXLowering::elementwise(ValueRange onnxInputs, Value onnxResult,
                                ScalarBody body, bool raw) {
  SmallVector<Operand> inputs;
  for (Value input : onnxInputs)
    inputs.push_back(operand(input));
  return elementwise(inputs, dims(onnxResult), elementType(onnxResult), body,
                     raw);
}

Value ONNXLowering::generate(ArrayRef<Expression> dims, Type elementType,
                             IndexBody body) {
  Value destination = empty(dims, elementType);
  AffineMap map =
      AffineMap::getMultiDimIdentityMap(dims.size(), builder.getContext());
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, destination.getType(), ValueRange(), destination, map,
      iterators, [&](OpBuilder &b, Location loc, ValueRange) {
        SmallVector<Value> indices;
        for (size_t i = 0; i < dims.size(); ++i)
          indices.push_back(linalg::IndexOp::create(b, loc, i));
        linalg::YieldOp::create(b, loc, body(b, loc, indices));
      });
  return generic.getResult(0);
}

Value ONNXLowering::scalarOf(Value onnxValue) {
  Value lowered = lookup(onnxValue);
  if (TypedAttr splat = getSplat(lowered))
    return arith::ConstantOp::create(builder, loc, splat);
  return extractScalar(lowered);
}

Value ONNXLowering::indexElement(Value onnxValue, int64_t position) {
  if (std::optional<SmallVector<Expression>> elements = contents(onnxValue))
    if (position < (int64_t)elements->size() &&
        isAvailable((*elements)[position]))
      return sizeValue((*elements)[position]);
  SmallVector<Value> indices;
  if (rank(onnxValue) > 0)
    indices.push_back(indexConstant(position));
  Value element =
      tensor::ExtractOp::create(builder, loc, lookup(onnxValue), indices);
  Type index = builder.getIndexType();
  return isUnsigned(onnxValue)
             ? arith::IndexCastUIOp::create(builder, loc, index, element)
                   .getResult()
             : arith::IndexCastOp::create(builder, loc, index, element)
                   .getResult();
}

//===--- scalars
//------------------------------------------------------------===//

Type mlir::trine::getComputeType(Type elementType) {
  return elementType.isF16() || elementType.isBF16()
             ? Float32Type::get(elementType.getContext())
             : elementType;
}

Value mlir::trine::toComputeType(OpBuilder &builder, Location loc,
                                 Value scalar) {
  Type type = getComputeType(scalar.getType());
  return type == scalar.getType()
             ? scalar
             : arith::ExtFOp::create(builder, loc, type, scalar).getResult();
}

Value mlir::trine::fromComputeType(OpBuilder &builder, Location loc,
                                   Value scalar, Type elementType) {
  if (scalar.getType() == elementType ||
      getComputeType(elementType) != scalar.getType())
    return scalar;
  return arith::TruncFOp::create(builder, loc, elementType, scalar);
}

Value mlir::trine::integerConstant(OpBuilder &builder, Location loc, Type type,
                                   int64_t value) {
  if (type.isIndex())
    return arith::ConstantIndexOp::create(builder, loc, value);
  APInt bits = APInt(64, value).sextOrTrunc(type.getIntOrFloatBitWidth());
  return arith::ConstantOp::create(builder, loc,
                                   builder.getIntegerAttr(type, bits));
}

Value mlir::trine::scalarConstant(OpBuilder &builder, Location loc, Type type,
                                  double value) {
  auto floatType = dyn_cast<FloatType>(type);
  if (!floatType)
    return integerConstant(builder, loc, type, (int64_t)value);
  APFloat number(value);
  bool losesInfo;
  number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return arith::ConstantOp::create(builder, loc,
                                   builder.getFloatAttr(floatType, number));
}
