// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gather, GatherElements and GatherND: linalg.generic over the result that
// extracts from the data in its body.
#include "LoweringUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Dims = SmallVector<SymbolicExpression>;

namespace {

/// An axis of the data that indices step through.
struct IndexedAxis {
  Value size;
  bool inRange;       ///< indices need neither wrapping nor clamping
  bool alwaysPresent; ///< the size is provably positive
};

IndexedAxis indexedAxis(ONNXLowering &lowering, SymbolicExpression size,
                        IndexRange range) {
  return {lowering.sizeValue(size), range == IndexRange::NonNegative,
          isKnownPositive(size) || range != IndexRange::Unknown};
}

/// data[indices], or zero where an indexed axis is empty (a required check has
/// failed before, or there is nothing to compute).
Value extractGuarded(OpBuilder &builder, Location loc, Value data,
                     ArrayRef<Value> indices, ArrayRef<IndexedAxis> axes) {
  Value present;
  for (const IndexedAxis &axis : axes) {
    if (axis.alwaysPresent)
      continue;
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value positive = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::sgt, axis.size, zero);
    present =
        present ? Value(arith::AndIOp::create(builder, loc, present, positive))
                : positive;
  }
  if (!present)
    return tensor::ExtractOp::create(builder, loc, data, indices);
  Type elementType = cast<RankedTensorType>(data.getType()).getElementType();
  auto guarded = scf::IfOp::create(
      builder, loc, present,
      [&](OpBuilder &b, Location l) {
        scf::YieldOp::create(
            b, l, tensor::ExtractOp::create(b, l, data, indices).getResult());
      },
      [&](OpBuilder &b, Location l) {
        Value zero =
            arith::ConstantOp::create(b, l, b.getZeroAttr(elementType));
        scf::YieldOp::create(b, l, zero);
      });
  return guarded.getResult(0);
}

/// A linalg.generic over `dims`, all parallel, with at most one input.
Value generate(
    ONNXLowering &lowering, ArrayRef<SymbolicExpression> dims, Type elementType,
    Value input, AffineMap inputMap,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  OpBuilder &builder = lowering.builder;
  Value init = lowering.empty(dims, elementType);
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  if (input) {
    inputs.push_back(input);
    maps.push_back(inputMap);
  }
  maps.push_back(builder.getMultiDimIdentityMap(dims.size()));
  auto generic = linalg::GenericOp::create(
      builder, lowering.loc, TypeRange{init.getType()}, inputs,
      ValueRange{init}, maps, iterators,
      [&](OpBuilder &b, Location l, ValueRange args) {
        linalg::YieldOp::create(b, l, body(b, l, args));
      });
  return generic.getResult(0);
}

/// A gather of one known position: a slice of the data.
Value takeSlice(ONNXLowering &lowering, const ONNXLowering::Operand &data,
                int64_t axis, OpFoldResult position, RankedTensorType type) {
  OpBuilder &builder = lowering.builder;
  SmallVector<OpFoldResult> sizes = lowering.sizes(data.dims),
                            offsets(sizes.size(), builder.getIndexAttr(0)),
                            strides(sizes.size(), builder.getIndexAttr(1));
  offsets[axis] = position;
  sizes[axis] = builder.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(builder, lowering.loc, type, data.value,
                                        offsets, sizes, strides);
}

/// The start of indices that are start, start + 1, ... as an index value; null
/// for others. Reading places from the start saves making the indices.
Value consecutiveStart(ONNXLowering &lowering, Value onnxIndices) {
  auto range = onnxIndices.getDefiningOp<onnx::RangeOp>();
  if (!range)
    return {};
  auto delta = lowering.constantIntegers(range.getDelta());
  if (!delta || delta->size() != 1 || delta->front() != 1 ||
      !isa<IntegerType>(lowering.elementType(range.getStart())))
    return {};
  return lowering.indexElement(range.getStart(), 0);
}

/// Gathers rows start, start + 1, ... along an axis.
Value gatherConsecutive(ONNXLowering &lowering, Operation *op,
                        const ONNXLowering::Operand &data, int64_t axis,
                        Value start, ArrayRef<SymbolicExpression> dims,
                        bool inRange) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Value size = lowering.sizeValue(data.dims[axis]);
  Value zero = lowering.indexConstant(0);
  if (!inRange) {
    Value count = lowering.sizeValue(dims[axis]);
    Value end = arith::AddIOp::create(builder, loc, start, count);
    Value isEmpty = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, count, zero);
    // From both ends, as negative indices count from the back.
    Value lowest = arith::SubIOp::create(builder, loc, zero, size);
    Value above = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                        start, lowest);
    Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle,
                                        end, size);
    Value inside = arith::AndIOp::create(builder, loc, above, below);
    lowering.require(arith::OrIOp::create(builder, loc, isEmpty, inside),
                     "indices of " + ONNXLowering::describe(op) +
                         " must lie in " + describeIndices(data.dims[axis]));
  }
  IndexedAxis indexed{size, inRange,
                      inRange || isKnownPositive(data.dims[axis])};
  Type elementType =
      cast<RankedTensorType>(data.value.getType()).getElementType();
  return generate(lowering, dims, elementType, {}, {},
                  [&](OpBuilder &b, Location l, ValueRange) {
                    SmallVector<Value> position;
                    for (int64_t i = 0, e = data.dims.size(); i < e; ++i)
                      position.push_back(linalg::IndexOp::create(b, l, i));
                    Value place =
                        arith::AddIOp::create(b, l, position[axis], start);
                    position[axis] = wrapIndex(b, l, place, size, inRange);
                    return extractGuarded(b, l, data.value, position, indexed);
                  });
}

LogicalResult lowerGather(Operation *op, ONNXLowering &lowering) {
  auto gather = cast<onnx::GatherOp>(op);
  ONNXLowering::Operand data = lowering.operand(gather.getData());
  int64_t axis = normaliseAxis(gather.getAxis(), data.dims.size());
  Value onnxIndices = gather.getIndices(), onnxResult = gather.getOutput();
  SymbolicExpression size = data.dims[axis];
  Dims indexDims = lowering.dims(onnxIndices),
       resultDims = lowering.dims(onnxResult);
  RankedTensorType resultType = lowering.type(onnxResult);

  // One known position: a slice.
  if (indexDims.empty())
    if (auto contents = lowering.contents(onnxIndices)) {
      SymbolicExpression position = (*contents)[0];
      if (isKnownLessOrEqual(position + 1, lowering.constantExpression(0)))
        position = position + size;
      if (isKnownNonNegative(position) &&
          isKnownLessOrEqual(position + 1, size)) {
        lowering.map(onnxResult,
                     takeSlice(lowering, data, axis, lowering.size(position),
                               resultType));
        return success();
      }
    }

  IndexRange range = indexRange(lowering, onnxIndices, size);
  if (Value start = consecutiveStart(lowering, onnxIndices)) {
    lowering.map(onnxResult,
                 gatherConsecutive(lowering, op, data, axis, start, resultDims,
                                   range == IndexRange::NonNegative));
    return success();
  }
  Value indices = lowering.lookup(onnxIndices);
  IndexedAxis indexed = indexedAxis(lowering, size, range);
  if (range == IndexRange::Unknown)
    requireIndicesInRange(lowering, op, indices, indexed.size, size);
  OpBuilder &builder = lowering.builder;
  AffineMap indexMap = builder.getMultiDimIdentityMap(resultDims.size())
                           .getSliceMap(axis, indexDims.size());
  lowering.map(
      onnxResult,
      generate(lowering, resultDims, resultType.getElementType(), indices,
               indexMap, [&](OpBuilder &b, Location l, ValueRange args) {
                 SmallVector<Value> position;
                 for (int64_t i = 0, e = data.dims.size(); i < e; ++i) {
                   if (i == axis)
                     position.push_back(wrapIndex(b, l, args[0], indexed.size,
                                                  indexed.inRange));
                   else
                     position.push_back(linalg::IndexOp::create(
                         b, l,
                         i < axis ? i : i + (int64_t)indexDims.size() - 1));
                 }
                 return extractGuarded(b, l, data.value, position, indexed);
               }));
  return success();
}

LogicalResult lowerGatherElements(Operation *op, ONNXLowering &lowering) {
  auto gather = cast<onnx::GatherElementsOp>(op);
  ONNXLowering::Operand data = lowering.operand(gather.getData());
  Value onnxIndices = gather.getIndices(), onnxResult = gather.getOutput();
  Dims indexDims = lowering.dims(onnxIndices);
  int64_t axis = normaliseAxis(gather.getAxis(), data.dims.size());
  for (int64_t i = 0, e = data.dims.size(); i < e; ++i)
    if (i != axis)
      requireAtMost(lowering, indexDims[i], data.dims[i],
                    "dimension " + Twine(i) + " of the indices of " +
                        ONNXLowering::describe(op));
  SymbolicExpression size = data.dims[axis];
  Value indices = lowering.lookup(onnxIndices);
  IndexRange range = indexRange(lowering, onnxIndices, size);
  IndexedAxis indexed = indexedAxis(lowering, size, range);
  if (range == IndexRange::Unknown)
    requireIndicesInRange(lowering, op, indices, indexed.size, size);
  lowering.map(
      onnxResult,
      generate(lowering, indexDims, lowering.elementType(onnxResult), indices,
               lowering.builder.getMultiDimIdentityMap(indexDims.size()),
               [&](OpBuilder &b, Location l, ValueRange args) {
                 SmallVector<Value> position;
                 for (int64_t i = 0, e = data.dims.size(); i < e; ++i)
                   position.push_back(
                       i == axis ? wrapIndex(b, l, args[0], indexed.size,
                                             indexed.inRange)
                                 : Value(linalg::IndexOp::create(b, l, i)));
                 return extractGuarded(b, l, data.value, position, indexed);
               }));
  return success();
}

LogicalResult lowerGatherND(Operation *op, ONNXLowering &lowering) {
  auto gather = cast<onnx::GatherNDOp>(op);
  ONNXLowering::Operand data = lowering.operand(gather.getData()),
                        indices = lowering.operand(gather.getIndices());
  Value onnxResult = gather.getOutput();
  int64_t batchDims = gather.getBatchDims(), dataRank = data.dims.size(),
          indexRank = indices.dims.size();
  // The shape analysis has checked that tuples have one length.
  int64_t depth = *indices.dims.back().getConstant();
  OpBuilder &builder = lowering.builder;
  Dims resultDims = lowering.dims(onnxResult),
       tupleDims(indices.dims.begin(), indices.dims.end() - 1);

  SmallVector<IndexedAxis> axes;
  for (int64_t i = 0; i < depth; ++i) {
    SymbolicExpression size = data.dims[batchDims + i];
    IndexRange range = indexRange(lowering, gather.getIndices(), size);
    axes.push_back(indexedAxis(lowering, size, range));
    if (range != IndexRange::Unknown)
      continue;
    // The indices for this axis alone: column i.
    Value column =
        takeSlice(lowering, indices, indexRank - 1, builder.getIndexAttr(i),
                  RankedTensorType::get(
                      lowering.type(gather.getIndices()).getShape().drop_back(),
                      lowering.elementType(gather.getIndices())));
    std::string what =
        depth == 1 ? "indices"
                   : "indices of dimension " + std::to_string(batchDims + i);
    requireIndicesInRange(lowering, op, column, axes.back().size, size, what);
  }

  // With one index per tuple the indices are an input of the generic; longer
  // tuples are read in its body.
  Value input;
  AffineMap inputMap;
  if (depth == 1) {
    input = lowering.reshape(indices.value, indices.dims, tupleDims);
    inputMap = builder.getMultiDimIdentityMap(resultDims.size())
                   .getSliceMap(0, tupleDims.size());
  }
  lowering.map(
      onnxResult,
      generate(lowering, resultDims, lowering.elementType(onnxResult), input,
               inputMap, [&](OpBuilder &b, Location l, ValueRange args) {
                 SmallVector<Value> position, tuple;
                 for (int64_t i = 0; i < batchDims; ++i)
                   position.push_back(linalg::IndexOp::create(b, l, i));
                 if (depth > 1)
                   for (int64_t i = 0; i < indexRank - 1; ++i)
                     tuple.push_back(linalg::IndexOp::create(b, l, i));
                 for (int64_t i = 0; i < depth; ++i) {
                   Value index = args[0];
                   if (depth > 1) {
                     SmallVector<Value> full(tuple);
                     full.push_back(arith::ConstantIndexOp::create(b, l, i));
                     index =
                         tensor::ExtractOp::create(b, l, indices.value, full);
                   }
                   position.push_back(
                       wrapIndex(b, l, index, axes[i].size, axes[i].inRange));
                 }
                 for (int64_t i = batchDims + depth; i < dataRank; ++i)
                   position.push_back(linalg::IndexOp::create(
                       b, l, i - batchDims - depth + indexRank - 1));
                 return extractGuarded(b, l, data.value, position, axes);
               }));
  return success();
}

} // namespace

void mlir::trine::registerGatherLowerings(ONNXLoweringRegistry &registry) {
  registry.add("Gather", lowerGather);
  registry.add("GatherElements", lowerGatherElements);
  registry.add("GatherND", lowerGatherND);
}
