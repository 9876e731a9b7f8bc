// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that join tensors or take parts of them: Concat, Split, Slice, Pad.
#include "ONNXLowering.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;

/// `axis` in [0, rank).
static int64_t normalizeAxis(int64_t axis, int64_t rank) {
  return axis < 0 ? axis + rank : axis;
}

/// tensor.extract_slice for an onnx result; an empty tensor for one that is
/// known to be empty, whose offset need not lie inside.
static Value extractSlice(ONNXLowering &lowering, Value source,
                          Value onnxResult, ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> strides) {
  if (llvm::is_contained(lowering.type(onnxResult).getShape(), 0) ||
      llvm::is_contained(cast<RankedTensorType>(source.getType()).getShape(),
                         0))
    return lowering.empty(onnxResult);
  return tensor::ExtractSliceOp::create(
      lowering.builder, lowering.loc, lowering.type(onnxResult), source,
      offsets, lowering.sizes(onnxResult), strides);
}

/// How many tensors are joined at once.
constexpr size_t kMaximumParts = 32;

/// Tensors and their sizes along `axis`, one behind the other.
static Value joinParts(ArrayRef<std::pair<Value, Expression>> parts,
                       ArrayRef<Expression> dims, int64_t axis,
                       Type elementType, ONNXLowering &lowering) {
  if (parts.size() == 1)
    return parts.front().first;
  OpBuilder &b = lowering.builder;
  Value joined = lowering.empty(dims, elementType);
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(dims.size(), b.getIndexAttr(1));
  Expression offset = lowering.constantExpression(0);
  for (auto [value, size] : parts) {
    SmallVector<Expression> partDims(dims);
    partDims[axis] = size;
    offsets[axis] = lowering.size(offset);
    Value source = lowering.castTo(value, lowering.type(partDims, elementType));
    joined =
        tensor::InsertSliceOp::create(b, lowering.loc, source, joined, offsets,
                                      lowering.sizes(partDims), strides);
    offset = offset + size;
  }
  return joined;
}

static LogicalResult lowerConcat(Operation *op, ONNXLowering &lowering) {
  auto concat = cast<onnx::ConcatOp>(op);
  Value result = concat.getResult();
  SmallVector<Expression> dims = lowering.dims(result);
  int64_t axis = normalizeAxis(concat.getAxis(), dims.size());
  // Parts that are known to be empty add nothing.
  SmallVector<Value> parts;
  for (Value input : concat.getInputs())
    if (!lowering.dims(input)[axis].isConstant(0))
      parts.push_back(input);
  if (llvm::is_contained(lowering.type(result).getShape(), 0)) {
    lowering.map(result, lowering.empty(result));
    return success();
  }
  if (parts.size() == 1) {
    lowering.map(result, lowering.lookup(parts.front()));
    return success();
  }
  SmallVector<std::pair<Value, Expression>> sized;
  for (Value part : parts)
    sized.push_back({lowering.lookup(part), lowering.dims(part)[axis]});
  // Many parts by way of parts of the result: the compile time of a kernel
  // grows with the square of what it joins.
  while (sized.size() > kMaximumParts) {
    SmallVector<std::pair<Value, Expression>> groups;
    for (ArrayRef<std::pair<Value, Expression>> rest = sized; !rest.empty();
         rest = rest.drop_front(std::min(rest.size(), kMaximumParts))) {
      ArrayRef<std::pair<Value, Expression>> group =
          rest.take_front(std::min(rest.size(), kMaximumParts));
      Expression size = lowering.constantExpression(0);
      for (const auto &part : group)
        size = size + part.second;
      SmallVector<Expression> groupDims = dims;
      groupDims[axis] = size;
      groups.push_back({joinParts(group, groupDims, axis,
                                  lowering.elementType(result), lowering),
                        size});
    }
    sized = std::move(groups);
  }
  lowering.map(result, joinParts(sized, dims, axis,
                                 lowering.elementType(result), lowering));
  return success();
}

static LogicalResult lowerSplit(Operation *op, ONNXLowering &lowering) {
  auto split = cast<onnx::SplitOp>(op);
  Value input = split.getInput();
  SmallVector<Expression> dims = lowering.dims(input);
  int64_t axis = normalizeAxis(split.getAxis(), dims.size());
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(dims.size(), b.getIndexAttr(1));
  Expression offset = lowering.constantExpression(0);
  Value source = lowering.lookup(input);
  for (auto [i, result] : llvm::enumerate(split.getOutputs())) {
    Expression size = lowering.dims(result)[axis];
    if (!lowering.isAvailable(size)) {
      // Lengths that are data: what is left is the most there can be.
      Value rest = arith::SubIOp::create(b, loc, lowering.sizeValue(dims[axis]),
                                         lowering.sizeValue(offset));
      Value length = lowering.indexElement(split.getSplit(), i);
      lowering.defineSize(result, axis,
                          arith::MinSIOp::create(b, loc, length, rest));
    }
    offsets[axis] = lowering.size(offset);
    lowering.map(result,
                 extractSlice(lowering, source, result, offsets, strides));
    offset = offset + size;
  }
  return success();
}

//===--- slice
//--------------------------------------------------------------===//

namespace {
/// One axis of a Slice.
struct SliceAxis {
  OpFoldResult offset;
  int64_t step = 1;
};
} // namespace

/// A position of Slice as written (negative: from the end) as one in
/// [lowest, highest].
static Value clampPosition(ONNXLowering &lowering, Value position, Value size,
                           Value lowest, Value highest) {
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  Value isNegative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           position, lowering.indexConstant(0));
  Value fromEnd = arith::AddIOp::create(b, loc, position, size);
  position = arith::SelectOp::create(b, loc, isNegative, fromEnd, position);
  position = arith::MaxSIOp::create(b, loc, position, lowest);
  return arith::MinSIOp::create(b, loc, position, highest);
}

/// Where a slice of `size` elements begins; as an expression where one can say
/// it.
static std::optional<Expression> getStart(ONNXLowering &lowering,
                                          std::optional<Expression> start,
                                          Expression size, int64_t step) {
  if (!start || !lowering.isAvailable(*start))
    return std::nullopt;
  Expression zero = lowering.constantExpression(0);
  Expression last = step > 0 ? size : size - 1;
  if (isKnownNonNegative(*start))
    return trine::min(*start, last);
  if (isKnownNonNegative(zero - *start - 1)) // start <= -1
    return trine::max(size + *start, zero);
  return std::nullopt;
}

static LogicalResult lowerSlice(Operation *op, ONNXLowering &lowering) {
  auto slice = cast<onnx::SliceOp>(op);
  Value data = slice.getData(), result = slice.getOutput();
  SmallVector<Expression> from = lowering.dims(data);
  SmallVector<Expression> to = lowering.dims(result);
  int64_t rank = from.size();
  std::optional<int64_t> count =
      lowering.rank(slice.getStarts()) == 1
          ? lowering.dims(slice.getStarts())[0].getConstant()
          : std::nullopt;
  if (!count)
    return ONNXLowering::unexpected(op);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, *count));
  SmallVector<int64_t> steps(*count, 1);
  for (auto [operand, list] : {std::pair(slice.getAxes(), &axes),
                               std::pair(slice.getSteps(), &steps)}) {
    if (ONNXLowering::isNone(operand))
      continue;
    auto values = lowering.constantIntegers(operand);
    if (!values || (int64_t)values->size() != *count)
      return ONNXLowering::unexpected(op);
    *list = *values;
  }
  std::optional<SmallVector<Expression>> starts =
      lowering.contents(slice.getStarts());

  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  SmallVector<SliceAxis> parts(rank);
  for (SliceAxis &part : parts)
    part.offset = b.getIndexAttr(0);
  bool anyReversed = false;
  for (int64_t i = 0; i < *count; ++i) {
    int64_t axis = normalizeAxis(axes[i], rank);
    int64_t step = steps[i];
    if (axis < 0 || axis >= rank || step == 0)
      return ONNXLowering::unexpected(op);
    SliceAxis &part = parts[axis];
    part.step = step;
    anyReversed |= step < 0;
    std::optional<Expression> start =
        getStart(lowering,
                 starts && i < (int64_t)starts->size()
                     ? std::optional<Expression>((*starts)[i])
                     : std::nullopt,
                 from[axis], step);
    Value size = lowering.sizeValue(from[axis]);
    Value zero = lowering.indexConstant(0);
    Value last = size;
    if (step < 0)
      last = lowering.sizeValue(from[axis] - 1);
    if (start)
      part.offset = lowering.size(*start);
    else
      part.offset =
          clampPosition(lowering, lowering.indexElement(slice.getStarts(), i),
                        size, zero, last);
    if (lowering.isAvailable(to[axis])) {
      if (!start && step > 0) // The size is known, but not from this start.
        part.offset =
            arith::MinSIOp::create(b, loc, lowering.indexValue(part.offset),
                                   lowering.sizeValue(from[axis] - to[axis]))
                .getResult();
      continue;
    }
    // ceil((end - start) / step)
    Value end =
        clampPosition(lowering, lowering.indexElement(slice.getEnds(), i), size,
                      step > 0 ? zero : lowering.indexConstant(-1), last);
    Value begin = lowering.indexValue(part.offset);
    Value length = step > 0 ? arith::SubIOp::create(b, loc, end, begin)
                            : arith::SubIOp::create(b, loc, begin, end);
    int64_t magnitude = step > 0 ? step : -step;
    length = arith::MaxSIOp::create(b, loc, length, zero);
    if (magnitude != 1)
      length = arith::CeilDivUIOp::create(b, loc, length,
                                          lowering.indexConstant(magnitude));
    lowering.defineSize(result, axis, length, /*mayExceed=*/false);
  }

  Value source = lowering.lookup(data);
  if (!anyReversed) {
    SmallVector<OpFoldResult> offsets, strides;
    for (SliceAxis &part : parts) {
      offsets.push_back(part.offset);
      strides.push_back(b.getIndexAttr(part.step));
    }
    lowering.map(result,
                 extractSlice(lowering, source, result, offsets, strides));
    return success();
  }
  SmallVector<Value> offsets, strides;
  for (SliceAxis &part : parts) {
    offsets.push_back(lowering.indexValue(part.offset));
    strides.push_back(lowering.indexConstant(part.step));
  }
  lowering.map(
      result, lowering.generate(
                  to, lowering.elementType(result),
                  [&](OpBuilder &b, Location loc, ValueRange indices) -> Value {
                    SmallVector<Value> places;
                    for (auto [index, offset, stride] :
                         llvm::zip_equal(indices, offsets, strides))
                      places.push_back(arith::AddIOp::create(
                          b, loc, offset,
                          arith::MulIOp::create(b, loc, index, stride)));
                    return tensor::ExtractOp::create(b, loc, source, places);
                  }));
  return success();
}

//===--- pad
//----------------------------------------------------------------===//

/// The place in [0, size) that index `i` of a padded dim reads.
static Value padPlace(StringRef mode, OpBuilder &b, Location loc, Value i,
                      Value size) {
  Value zero = integerConstant(b, loc, i.getType(), 0);
  Value one = integerConstant(b, loc, i.getType(), 1);
  Value last = arith::SubIOp::create(b, loc, size, one);
  if (mode == "edge")
    return arith::MaxSIOp::create(
        b, loc, arith::MinSIOp::create(b, loc, i, last), zero);
  // Both others repeat with a period.
  Value period = size;
  if (mode == "reflect")
    period = arith::AddIOp::create(b, loc, last, last);
  period = arith::MaxSIOp::create(b, loc, period, one);
  Value place = arith::RemSIOp::create(b, loc, i, period);
  Value isNegative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, place, zero);
  place = arith::SelectOp::create(
      b, loc, isNegative, arith::AddIOp::create(b, loc, place, period), place);
  if (mode == "reflect")
    place = arith::MinSIOp::create(
        b, loc, place, arith::SubIOp::create(b, loc, period, place));
  return place;
}

static LogicalResult lowerPad(Operation *op, ONNXLowering &lowering) {
  auto pad = cast<onnx::PadOp>(op);
  Value data = pad.getData(), result = pad.getOutput();
  StringRef mode = pad.getMode();
  SmallVector<Expression> from = lowering.dims(data);
  SmallVector<Expression> to = lowering.dims(result);
  int64_t rank = from.size();
  if (!llvm::is_contained({"constant", "edge", "reflect", "wrap"}, mode))
    return ONNXLowering::unexpected(op);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (!ONNXLowering::isNone(pad.getAxes())) {
    auto values = lowering.constantIntegers(pad.getAxes());
    if (!values)
      return ONNXLowering::unexpected(op);
    axes = *values;
  }
  std::optional<SmallVector<Expression>> pads =
      lowering.contents(pad.getPads());
  if (!pads || pads->size() != 2 * axes.size() ||
      !llvm::all_of(*pads,
                    [&](Expression e) { return lowering.isAvailable(e); }))
    return lowering.unsupported(op, "'pads' must be known from sizes");
  Expression zero = lowering.constantExpression(0);
  SmallVector<Expression> low(rank, zero), high(rank, zero);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t dim = normalizeAxis(axis, rank);
    if (dim < 0 || dim >= rank)
      return ONNXLowering::unexpected(op);
    low[dim] = (*pads)[i];
    high[dim] = (*pads)[i + axes.size()];
  }
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  Value source = lowering.lookup(data);
  if (mode != "constant") {
    SmallVector<Value> offsets, sizes;
    for (int64_t i = 0; i < rank; ++i) {
      offsets.push_back(lowering.sizeValue(low[i]));
      sizes.push_back(lowering.sizeValue(from[i]));
      if (!isKnownPositive(from[i]) && from[i] != to[i])
        lowering.require(
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, sizes[i],
                                  lowering.indexConstant(0)),
            "dimension " + Twine(i) + " of the operand of " +
                ONNXLowering::describe(op) + " must not be empty");
    }
    lowering.map(
        result,
        lowering.generate(
            to, lowering.elementType(result),
            [&](OpBuilder &b, Location loc, ValueRange indices) -> Value {
              SmallVector<Value> places;
              for (int64_t i = 0; i < rank; ++i)
                places.push_back(
                    from[i] == to[i]
                        ? indices[i]
                        : padPlace(mode, b, loc,
                                   arith::SubIOp::create(b, loc, indices[i],
                                                         offsets[i]),
                                   sizes[i]));
              return tensor::ExtractOp::create(b, loc, source, places);
            }));
    return success();
  }

  // What stays of the source, and where it goes. Negative pads take away.
  SmallVector<OpFoldResult> sourceOffsets, resultOffsets;
  SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
  SmallVector<Expression> kept;
  for (int64_t i = 0; i < rank; ++i) {
    kept.push_back(from[i]);
    // A pad of unknown sign does the one or the other when it runs.
    auto cutBy = [&](Expression amount) {
      return isKnownNonNegative(amount) ? zero
                                        : trine::max(zero - amount, zero);
    };
    Expression cut = cutBy(low[i]);
    kept[i] = kept[i] - cut - cutBy(high[i]);
    sourceOffsets.push_back(lowering.size(trine::min(cut, from[i])));
    resultOffsets.push_back(lowering.size(
        isKnownNonNegative(low[i]) ? low[i] : trine::max(low[i], zero)));
    if (kept[i] != from[i])
      kept[i] = trine::max(kept[i], zero);
  }
  Type elementType = lowering.elementType(result);
  if (kept != from &&
      llvm::none_of(kept, [](Expression dim) { return dim.isConstant(0); }))
    source = tensor::ExtractSliceOp::create(
        b, loc, lowering.type(kept, elementType), source, sourceOffsets,
        lowering.sizes(kept), strides);
  Value value = ONNXLowering::isNone(pad.getConstantValue())
                    ? scalarConstant(b, loc, elementType, 0.0)
                    : lowering.scalarOf(pad.getConstantValue());
  if (kept == to) {
    lowering.map(result, source);
    return success();
  }
  Value filled = lowering.filled(to, value);
  if (llvm::any_of(kept, [](Expression dim) { return dim.isConstant(0); })) {
    lowering.map(result, filled);
    return success();
  }
  lowering.map(result, tensor::InsertSliceOp::create(
                           b, loc, source, filled, resultOffsets,
                           lowering.sizes(kept), strides));
  return success();
}

void mlir::trine::registerSliceLowerings(ONNXLoweringRegistry &registry) {
  registry.add("Concat", lowerConcat);
  registry.add("Split", lowerSplit);
  registry.add("Slice", lowerSlice);
  registry.add("Pad", lowerPad);
}
