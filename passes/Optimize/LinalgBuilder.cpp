// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Passes/LinalgBuilder.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::trine;

Type LinalgBuilder::computeType(Type elementType) {
  return elementType.isF16() || elementType.isBF16()
             ? Float32Type::get(elementType.getContext())
             : elementType;
}

OpFoldResult LinalgBuilder::size(Value tensor, int64_t dimension) {
  RankedTensorType type = typeOf(tensor);
  if (!type.isDynamicDim(dimension))
    return getIndexAttr(type.getDimSize(dimension));
  return createOrFold<tensor::DimOp>(tensor, dimension);
}

LinalgBuilder::Sizes LinalgBuilder::sizes(Value tensor) {
  Sizes sizes;
  for (int64_t i = 0, rank = typeOf(tensor).getRank(); i < rank; ++i)
    sizes.push_back(size(tensor, i));
  return sizes;
}

Value LinalgBuilder::indexOf(OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(*this, getLoc(), size);
}

Value LinalgBuilder::number(double value, Type type) {
  APFloat rounded(value);
  bool losesInformation;
  rounded.convert(cast<FloatType>(type).getFloatSemantics(),
                  APFloat::rmNearestTiesToEven, &losesInformation);
  return arith::ConstantOp::create(*this, FloatAttr::get(type, rounded));
}

Value LinalgBuilder::empty(ArrayRef<OpFoldResult> sizes, Type elementType) {
  return tensor::EmptyOp::create(*this, sizes, elementType);
}

Value LinalgBuilder::filled(ArrayRef<OpFoldResult> sizes, Value scalar) {
  Value destination = empty(sizes, scalar.getType());
  return linalg::FillOp::create(*this, scalar, destination).getResult(0);
}

AffineMap LinalgBuilder::select(unsigned rank, ArrayRef<int64_t> dims) {
  SmallVector<AffineExpr> expressions;
  for (int64_t dim : dims)
    expressions.push_back(dim < 0 ? getAffineConstantExpr(0)
                                  : getAffineDimExpr(dim));
  return AffineMap::get(rank, 0, expressions, getContext());
}

LinalgBuilder::Input LinalgBuilder::broadcast(Value tensor, unsigned rank) {
  RankedTensorType type = typeOf(tensor);
  SmallVector<int64_t> dims;
  for (int64_t i = 0; i < type.getRank(); ++i)
    dims.push_back(type.getDimSize(i) == 1 ? -1 : rank - type.getRank() + i);
  return {tensor, select(rank, dims)};
}

Value LinalgBuilder::convert(ImplicitLocOpBuilder &b, Value scalar, Type type) {
  auto from = dyn_cast<FloatType>(scalar.getType());
  auto to = dyn_cast<FloatType>(type);
  if (!from || !to || from == to)
    return scalar;
  if (from.getWidth() < to.getWidth())
    return arith::ExtFOp::create(b, type, scalar);
  if (from.getWidth() > to.getWidth())
    return arith::TruncFOp::create(b, type, scalar);
  // bf16 to f16 and back have no common wider result but f32.
  return arith::TruncFOp::create(
      b, type, arith::ExtFOp::create(b, b.getF32Type(), scalar));
}

/// The maps and input tensors of a generic.
static void addInputs(ArrayRef<LinalgBuilder::Input> inputs,
                      SmallVectorImpl<Value> &tensors,
                      SmallVectorImpl<AffineMap> &maps) {
  for (const LinalgBuilder::Input &input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
}

Value LinalgBuilder::map(ArrayRef<Input> inputs, ArrayRef<OpFoldResult> sizes,
                         Type elementType, Body body) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  addInputs(inputs, tensors, maps);
  maps.push_back(getMultiDimIdentityMap(sizes.size()));
  Value destination = empty(sizes, elementType);
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             *this, destination.getType(), tensors, destination, maps,
             iterators,
             [&](OpBuilder &builder, Location loc, ValueRange arguments) {
               ImplicitLocOpBuilder b(loc, builder);
               SmallVector<Value> scalars;
               for (Value argument : arguments.drop_back())
                 scalars.push_back(
                     convert(b, argument, computeType(argument.getType())));
               linalg::YieldOp::create(
                   b, convert(b, body(b, scalars), elementType));
             })
      .getResult(0);
}

Value LinalgBuilder::reduce(ArrayRef<Input> inputs, unsigned loops,
                            ArrayRef<int64_t> reduced,
                            ArrayRef<OpFoldResult> sizes, Value initial,
                            Body body) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  addInputs(inputs, tensors, maps);
  SmallVector<int64_t> kept;
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  for (unsigned i = 0; i < loops; ++i)
    if (llvm::is_contained(reduced, i))
      iterators[i] = utils::IteratorType::reduction;
    else
      kept.push_back(i);
  maps.push_back(select(loops, kept));
  Value accumulator = filled(sizes, initial);
  return linalg::GenericOp::create(
             *this, accumulator.getType(), tensors, accumulator, maps,
             iterators,
             [&](OpBuilder &builder, Location loc, ValueRange arguments) {
               ImplicitLocOpBuilder b(loc, builder);
               SmallVector<Value> scalars;
               for (Value argument : arguments)
                 scalars.push_back(
                     convert(b, argument, computeType(argument.getType())));
               linalg::YieldOp::create(
                   b, convert(b, body(b, scalars), initial.getType()));
             })
      .getResult(0);
}

Value LinalgBuilder::castTo(Value tensor, Type type) {
  return tensor.getType() == type
             ? tensor
             : tensor::CastOp::create(*this, type, tensor).getResult();
}

Value LinalgBuilder::slice(Value tensor, ArrayRef<OpFoldResult> offsets,
                           ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(sizes.size(), getIndexAttr(1));
  return tensor::ExtractSliceOp::create(*this, tensor, offsets, sizes, strides);
}

Value LinalgBuilder::contract(Value left, ArrayRef<int64_t> leftLoops,
                              Value right, ArrayRef<int64_t> rightLoops,
                              ArrayRef<OpFoldResult> sizes) {
  unsigned loops = sizes.size() + 1;
  return reduce(
      {{left, select(loops, leftLoops)}, {right, select(loops, rightLoops)}},
      loops, static_cast<int64_t>(loops) - 1, sizes,
      number(0, computeType(typeOf(left).getElementType())),
      [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        return arith::AddFOp::create(b, s[2],
                                     arith::MulFOp::create(b, s[0], s[1]));
      });
}

Value LinalgBuilder::roundTo(Value tensor, ArrayRef<OpFoldResult> sizes,
                             Type elementType) {
  if (typeOf(tensor).getElementType() == elementType)
    return tensor;
  return map({{tensor, getMultiDimIdentityMap(sizes.size())}}, sizes,
             elementType,
             [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
}

Value LinalgBuilder::expand(Value tensor, ArrayRef<OpFoldResult> sizes,
                            ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> dims;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, dims);
  auto type = RankedTensorType::get(dims, typeOf(tensor).getElementType());
  return tensor::ExpandShapeOp::create(*this, type, tensor, groups, sizes);
}

Value LinalgBuilder::collapse(Value tensor,
                              ArrayRef<ReassociationIndices> groups) {
  return tensor::CollapseShapeOp::create(*this, tensor, groups);
}

OpFoldResult LinalgBuilder::multiply(ArrayRef<OpFoldResult> sizes) {
  int64_t factor = 1;
  Value product;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> known = getConstantIntValue(size)) {
      factor *= *known;
      continue;
    }
    Value value = indexOf(size);
    product = product ? createOrFold<arith::MulIOp>(product, value) : value;
  }
  if (!product)
    return getIndexAttr(factor);
  if (factor != 1)
    product = createOrFold<arith::MulIOp>(product, index(factor));
  return product;
}

OpFoldResult LinalgBuilder::add(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> left = getConstantIntValue(x),
                         right = getConstantIntValue(y);
  if (left && right)
    return getIndexAttr(*left + *right);
  return createOrFold<arith::AddIOp>(indexOf(x), indexOf(y));
}
