// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// NonZero and Compress: results whose size depends on data are counted first,
// then filled.
#include "LoweringUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Dims = SmallVector<SymbolicExpression>;

namespace {

/// An i1: the scalar is not zero (a NaN is not).
Value isNonZero(OpBuilder &b, Location loc, Value scalar) {
  Type type = scalar.getType();
  if (type.isInteger(1))
    return scalar;
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  if (isa<FloatType>(type))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, scalar,
                                 zero);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, scalar, zero);
}

/// How many of the first `limit` elements (all, if null) of a tensor are not
/// zero: an index, read from a one-element tensor.
Value countNonZero(ONNXLowering &lowering, Value tensor, Value limit) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  Type integer = builder.getI64Type();
  Value zero = arith::ConstantIntOp::create(builder, loc, 0, 64);
  Value empty =
      tensor::EmptyOp::create(builder, loc, ArrayRef<int64_t>{}, integer);
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::reduction);
  AffineMap identity = builder.getMultiDimIdentityMap(rank),
            none = AffineMap::get(rank, 0, builder.getContext());
  auto count = linalg::GenericOp::create(
      builder, loc, TypeRange{init.getType()}, ValueRange{tensor},
      ValueRange{init}, {identity, none}, iterators,
      [&](OpBuilder &b, Location l, ValueRange args) {
        Value counts = isNonZero(b, l, args[0]);
        if (limit) {
          Value position = linalg::IndexOp::create(b, l, 0);
          counts = arith::AndIOp::create(
              b, l, counts,
              arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, position,
                                    limit));
        }
        Value step = arith::ExtUIOp::create(b, l, integer, counts);
        linalg::YieldOp::create(
            b, l, arith::AddIOp::create(b, l, args[1], step).getResult());
      });
  Value result =
      tensor::ExtractOp::create(builder, loc, count.getResult(0), ValueRange{});
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    result);
}

LogicalResult lowerNonZero(Operation *op, ONNXLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Value onnxInput = op->getOperand(0), onnxResult = op->getResult(0);
  ONNXLowering::Operand input = lowering.operand(onnxInput);
  Value count = lowering.defineSize(onnxResult, 1,
                                    countNonZero(lowering, input.value, {}),
                                    /*mayExceed=*/false);
  Value init = lowering.empty(lowering.dims(onnxResult), builder.getI64Type());
  SmallVector<Value> lower(input.dims.size(), lowering.indexConstant(0)),
      steps(input.dims.size(), lowering.indexConstant(1)), upper;
  for (SymbolicExpression dim : input.dims)
    upper.push_back(lowering.sizeValue(dim));
  Value zero = lowering.indexConstant(0), one = lowering.indexConstant(1);
  scf::LoopNest nest = scf::buildLoopNest(
      builder, loc, lower, upper, steps, ValueRange{zero, init},
      [&](OpBuilder &b, Location l, ValueRange ivs,
          ValueRange args) -> scf::ValueVector {
        Value element = tensor::ExtractOp::create(b, l, input.value, ivs);
        // The count bounds the position, so that what is written stays inside
        // whatever happens.
        Value inside = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt,
                                             args[0], count);
        Value taken =
            arith::AndIOp::create(b, l, isNonZero(b, l, element), inside);
        auto insert = scf::IfOp::create(
            b, l, taken,
            [&](OpBuilder &b, Location l) {
              Value tensor = args[1];
              for (auto [dim, iv] : llvm::enumerate(ivs)) {
                Value coordinate =
                    arith::IndexCastOp::create(b, l, b.getI64Type(), iv);
                Value row = arith::ConstantIndexOp::create(b, l, dim);
                tensor = tensor::InsertOp::create(b, l, coordinate, tensor,
                                                  ValueRange{row, args[0]});
              }
              Value next = arith::AddIOp::create(b, l, args[0], one);
              scf::YieldOp::create(b, l, ValueRange{next, tensor});
            },
            [&](OpBuilder &b, Location l) {
              scf::YieldOp::create(b, l, ValueRange(args));
            });
        return {insert.getResult(0), insert.getResult(1)};
      });
  lowering.map(onnxResult, nest.results[1]);
  return success();
}

LogicalResult lowerCompress(Operation *op, ONNXLowering &lowering) {
  auto compress = cast<onnx::CompressOp>(op);
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  ONNXLowering::Operand input = lowering.operand(compress.getInput()),
                        condition = lowering.operand(compress.getCondition());
  int64_t axis = 0;
  if (std::optional<int64_t> given = compress.getAxis()) {
    axis = normaliseAxis(*given, input.dims.size());
  } else {
    SymbolicExpression total = lowering.product(input.dims);
    input = reshaped(lowering, input, {total});
  }
  Value onnxResult = compress.getOutput();
  // A condition that is longer than the axis says nothing beyond it.
  Value length = lowering.sizeValue(input.dims[axis]),
        given = lowering.sizeValue(condition.dims[0]);
  Value limit = arith::MinSIOp::create(builder, loc, length, given);
  Value count = lowering.defineSize(
      onnxResult, axis, countNonZero(lowering, condition.value, limit),
      /*mayExceed=*/false);
  Dims resultDims = lowering.dims(onnxResult);

  // Which positions are kept, then a gather of these.
  Value zero = lowering.indexConstant(0), one = lowering.indexConstant(1);
  Value init = lowering.empty({resultDims[axis]}, builder.getI64Type());
  auto loop = scf::ForOp::create(
      builder, loc, zero, limit, one, ValueRange{zero, init},
      [&](OpBuilder &b, Location l, Value i, ValueRange args) {
        Value kept = tensor::ExtractOp::create(b, l, condition.value, i);
        Value inside = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt,
                                             args[0], count);
        auto insert = scf::IfOp::create(
            b, l, arith::AndIOp::create(b, l, kept, inside),
            [&](OpBuilder &b, Location l) {
              Value position =
                  arith::IndexCastOp::create(b, l, b.getI64Type(), i);
              Value tensor =
                  tensor::InsertOp::create(b, l, position, args[1], args[0]);
              Value next = arith::AddIOp::create(b, l, args[0], one);
              scf::YieldOp::create(b, l, ValueRange{next, tensor});
            },
            [&](OpBuilder &b, Location l) {
              scf::YieldOp::create(b, l, args);
            });
        scf::YieldOp::create(b, l, insert.getResults());
      });
  Value positions = loop.getResult(1);
  Value empty = lowering.empty(resultDims, lowering.elementType(onnxResult));
  SmallVector<utils::IteratorType> iterators(resultDims.size(),
                                             utils::IteratorType::parallel);
  AffineMap identity = builder.getMultiDimIdentityMap(resultDims.size());
  auto taken = linalg::GenericOp::create(
      builder, loc, TypeRange{empty.getType()}, ValueRange{positions},
      ValueRange{empty}, {identity.getSliceMap(axis, 1), identity}, iterators,
      [&](OpBuilder &b, Location l, ValueRange args) {
        SmallVector<Value> position;
        for (int64_t i = 0, e = resultDims.size(); i < e; ++i)
          position.push_back(i == axis
                                 ? wrapIndex(b, l, args[0], length, true)
                                 : Value(linalg::IndexOp::create(b, l, i)));
        Value element = tensor::ExtractOp::create(b, l, input.value, position);
        linalg::YieldOp::create(b, l, element);
      });
  lowering.map(onnxResult, taken.getResult(0));
  return success();
}

} // namespace

void mlir::trine::registerSelectionLowerings(ONNXLoweringRegistry &registry) {
  registry.add("NonZero", lowerNonZero);
  registry.add("Compress", lowerCompress);
}
