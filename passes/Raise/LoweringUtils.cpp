// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LoweringUtils.h"

#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

int64_t mlir::trine::normaliseAxis(int64_t axis, int64_t rank) {
  return axis < 0 ? axis + rank : axis;
}

ONNXLowering::Operand mlir::trine::transpose(ONNXLowering &lowering,
                                             ONNXLowering::Operand operand,
                                             ArrayRef<int64_t> permutation) {
  SmallVector<SymbolicExpression> dims;
  for (int64_t dim : permutation)
    dims.push_back(operand.dims[dim]);
  Value init = lowering.empty(
      dims, cast<RankedTensorType>(operand.value.getType()).getElementType());
  auto op = linalg::TransposeOp::create(lowering.builder, lowering.loc,
                                        operand.value, init, permutation);
  return {op->getResult(0), dims};
}

ONNXLowering::Operand mlir::trine::reshaped(ONNXLowering &lowering,
                                            ONNXLowering::Operand operand,
                                            ArrayRef<SymbolicExpression> dims) {
  return {lowering.reshape(operand.value, operand.dims, dims),
          SmallVector<SymbolicExpression>(dims)};
}

Value mlir::trine::multiplyAdd(OpBuilder &builder, Location loc,
                               Value accumulator, Value a, Value b) {
  if (isa<FloatType>(accumulator.getType())) {
    a = toComputeType(builder, loc, a);
    b = toComputeType(builder, loc, b);
    return arith::AddFOp::create(builder, loc, accumulator,
                                 arith::MulFOp::create(builder, loc, a, b));
  }
  return arith::AddIOp::create(builder, loc, accumulator,
                               arith::MulIOp::create(builder, loc, a, b));
}

Value mlir::trine::roundTo(ONNXLowering &lowering,
                           ONNXLowering::Operand operand, Type elementType) {
  if (cast<RankedTensorType>(operand.value.getType()).getElementType() ==
      elementType)
    return operand.value;
  SmallVector<SymbolicExpression> dims = operand.dims;
  return lowering.elementwise(
      {operand}, dims, elementType,
      [](OpBuilder &, Location, ValueRange scalars) { return scalars[0]; });
}

Value mlir::trine::wrapIndex(OpBuilder &builder, Location loc, Value integer,
                             Value size, bool inRange) {
  Value index = integer;
  if (!index.getType().isIndex())
    index = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                       integer);
  if (inRange)
    return index;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value negative = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::slt, index, zero);
  Value shifted = arith::AddIOp::create(builder, loc, index, size);
  index = arith::SelectOp::create(builder, loc, negative, shifted, index);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value last = arith::SubIOp::create(builder, loc, size, one);
  index = arith::MinSIOp::create(builder, loc, index, last);
  return arith::MaxSIOp::create(builder, loc, index, zero);
}

/// Expressions as they are when a tensor of these dims has an element: symbols
/// that are factors of a dim are at least 1.
static SymbolicExpression assumeNotEmpty(SymbolicExpression expression,
                                         ArrayRef<SymbolicExpression> dims) {
  SmallVector<SymbolicExpression> positive;
  for (SymbolicExpression dim : dims) {
    ArrayRef<SymbolicTerm> terms = dim.getTerms();
    if (terms.size() != 1)
      continue;
    for (SymbolicAtom factor : terms[0].factors)
      if (factor.getKind() == SymbolicAtom::Kind::Symbol)
        positive.push_back(factor.getExpression());
  }
  return substitute(expression, [&](SymbolicExpression symbol) {
    return llvm::is_contained(positive, symbol) ? symbol + 1
                                                : SymbolicExpression();
  });
}

IndexRange mlir::trine::indexRange(ONNXLowering &lowering, Value onnxIndices,
                                   SymbolicExpression size) {
  SymbolicExpression zero = lowering.constantExpression(0);
  if (lowering.getShapes().isInRange(onnxIndices, zero, size))
    return IndexRange::NonNegative;
  if (lowering.getShapes().isInRange(onnxIndices, zero - size, size))
    return IndexRange::Wrapped;
  // There is nothing to read by an empty tensor of indices.
  onnx::IntegerRange range = lowering.getShapes().getRange(onnxIndices);
  if (!range.lower || !range.upper)
    return IndexRange::Unknown;
  SmallVector<SymbolicExpression> dims = lowering.dims(onnxIndices);
  if (!isKnownNonNegative(assumeNotEmpty(size - range.upper - 1, dims)))
    return IndexRange::Unknown;
  if (isKnownNonNegative(assumeNotEmpty(range.lower, dims)))
    return IndexRange::NonNegative;
  return isKnownNonNegative(assumeNotEmpty(range.lower + size, dims))
             ? IndexRange::Wrapped
             : IndexRange::Unknown;
}

Value mlir::trine::allOf(
    ONNXLowering &lowering, Value tensor,
    llvm::function_ref<Value(OpBuilder &, Location, Value)> holds) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
  Value empty = tensor::EmptyOp::create(builder, loc, ArrayRef<int64_t>{},
                                        builder.getI1Type());
  Value init = linalg::FillOp::create(builder, loc, yes, empty).getResult(0);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::reduction);
  AffineMap identity = builder.getMultiDimIdentityMap(rank),
            none = AffineMap::get(rank, 0, builder.getContext());
  auto all = linalg::GenericOp::create(
      builder, loc, TypeRange{init.getType()}, ValueRange{tensor},
      ValueRange{init}, {identity, none}, iterators,
      [&](OpBuilder &b, Location l, ValueRange args) {
        Value result =
            arith::AndIOp::create(b, l, args[1], holds(b, l, args[0]));
        linalg::YieldOp::create(b, l, result);
      });
  return all.getResult(0);
}

void mlir::trine::requireAtMost(ONNXLowering &lowering, SymbolicExpression size,
                                SymbolicExpression limit, const Twine &what) {
  if (isKnownLessOrEqual(size, limit))
    return;
  Value fits = arith::CmpIOp::create(
      lowering.builder, lowering.loc, arith::CmpIPredicate::sle,
      lowering.sizeValue(size), lowering.sizeValue(limit));
  lowering.require(fits, what + " must be at most " + limit.str());
}

std::string mlir::trine::describeIndices(SymbolicExpression size) {
  std::string text = size.str();
  if (size.isConstant() || size.isSymbol())
    return "[-" + text + ", " + text + ")";
  // A sum of many data-dependent sizes says nothing to a reader.
  if (text.size() > 60)
    return "[-n, n) for the n places of the data";
  return "[-(" + text + "), " + text + ")";
}

void mlir::trine::requireIndicesInRange(ONNXLowering &lowering, Operation *op,
                                        Value indices, Value size,
                                        SymbolicExpression sizeExpression,
                                        StringRef what) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  // In 64 bits, so that a size beyond the indices' type does not wrap.
  Type wide = builder.getI64Type();
  Value upper = arith::IndexCastOp::create(builder, loc, wide, size);
  Value lower = arith::SubIOp::create(
      builder, loc, arith::ConstantIntOp::create(builder, loc, 0, 64), upper);
  Value all = allOf(
      lowering, indices, [&](OpBuilder &b, Location l, Value index) -> Value {
        if (index.getType() != wide)
          index = arith::ExtSIOp::create(b, l, wide, index);
        Value above = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge,
                                            index, lower);
        Value below = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt,
                                            index, upper);
        return arith::AndIOp::create(b, l, above, below);
      });
  std::string message = what.str() + " of " + ONNXLowering::describe(op) +
                        " must lie in " + describeIndices(sizeExpression);
  RequireOp::create(builder, loc, all, message);
}
