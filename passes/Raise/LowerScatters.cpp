// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ScatterElements, ScatterND and TensorScatter: loop nests that insert into the
// data, in the order of the updates.
#include "LoweringUtils.h"

#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

using Dims = SmallVector<SymbolicExpression>;

namespace {

enum class Reduction { None, Add, Multiply, Maximum, Minimum };

/// The shape analysis has checked that it is one of these.
Reduction parseReduction(StringRef text) {
  return llvm::StringSwitch<Reduction>(text)
      .Case("add", Reduction::Add)
      .Case("mul", Reduction::Multiply)
      .Case("max", Reduction::Maximum)
      .Case("min", Reduction::Minimum)
      .Default(Reduction::None);
}

/// Joins the old element and an update; each step rounds to the element type.
Value combine(OpBuilder &b, Location loc, Reduction reduction, Value old,
              Value update, bool isUnsigned) {
  Type type = old.getType();
  if (isa<FloatType>(type)) {
    Value x = toComputeType(b, loc, old), y = toComputeType(b, loc, update),
          result;
    switch (reduction) {
    case Reduction::None:
      return update;
    case Reduction::Add:
      result = arith::AddFOp::create(b, loc, x, y);
      break;
    case Reduction::Multiply:
      result = arith::MulFOp::create(b, loc, x, y);
      break;
    case Reduction::Maximum:
      result = arith::MaximumFOp::create(b, loc, x, y);
      break;
    case Reduction::Minimum:
      result = arith::MinimumFOp::create(b, loc, x, y);
      break;
    }
    return fromComputeType(b, loc, result, type);
  }
  // On booleans addition is "or" and multiplication "and".
  bool isBool = type.isInteger(1);
  switch (reduction) {
  case Reduction::None:
    return update;
  case Reduction::Add:
    return isBool ? Value(arith::OrIOp::create(b, loc, old, update))
                  : Value(arith::AddIOp::create(b, loc, old, update));
  case Reduction::Multiply:
    return isBool ? Value(arith::AndIOp::create(b, loc, old, update))
                  : Value(arith::MulIOp::create(b, loc, old, update));
  case Reduction::Maximum:
    return isUnsigned || isBool
               ? Value(arith::MaxUIOp::create(b, loc, old, update))
               : Value(arith::MaxSIOp::create(b, loc, old, update));
  case Reduction::Minimum:
    return isUnsigned || isBool
               ? Value(arith::MinUIOp::create(b, loc, old, update))
               : Value(arith::MinSIOp::create(b, loc, old, update));
  }
  return update;
}

/// Loops over `dims` that carry one tensor.
Value buildLoops(
    ONNXLowering &lowering, ArrayRef<SymbolicExpression> dims, Value init,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange, Value)> body) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  if (dims.empty())
    return body(builder, loc, {}, init);
  SmallVector<Value> lower(dims.size(), lowering.indexConstant(0)),
      steps(dims.size(), lowering.indexConstant(1)), upper;
  for (SymbolicExpression dim : dims)
    upper.push_back(lowering.sizeValue(dim));
  scf::LoopNest nest =
      scf::buildLoopNest(builder, loc, lower, upper, steps, ValueRange{init},
                         [&](OpBuilder &b, Location l, ValueRange ivs,
                             ValueRange args) -> scf::ValueVector {
                           return {body(b, l, ivs, args[0])};
                         });
  return nest.results[0];
}

/// Inserts unless an indexed axis is empty (then a required check has failed
/// before).
Value insertGuarded(
    OpBuilder &builder, Location loc, Value present, Value tensor,
    ArrayRef<Value> position,
    llvm::function_ref<Value(OpBuilder &, Location, Value old)> element,
    bool needsOld) {
  auto insert = [&](OpBuilder &b, Location l) -> Value {
    Value old = needsOld
                    ? Value(tensor::ExtractOp::create(b, l, tensor, position))
                    : Value();
    return tensor::InsertOp::create(b, l, element(b, l, old), tensor, position);
  };
  if (!present)
    return insert(builder, loc);
  auto guarded = scf::IfOp::create(
      builder, loc, present,
      [&](OpBuilder &b, Location l) {
        scf::YieldOp::create(b, l, insert(b, l));
      },
      [&](OpBuilder &b, Location l) { scf::YieldOp::create(b, l, tensor); });
  return guarded.getResult(0);
}

/// An i1 that says whether all sizes are positive; null if that is known.
Value anyEmpty(ONNXLowering &lowering, ArrayRef<SymbolicExpression> sizes) {
  Value present;
  for (SymbolicExpression size : sizes) {
    if (isKnownPositive(size))
      continue;
    Value positive = arith::CmpIOp::create(
        lowering.builder, lowering.loc, arith::CmpIPredicate::sgt,
        lowering.sizeValue(size), lowering.indexConstant(0));
    present = present ? Value(arith::AndIOp::create(
                            lowering.builder, lowering.loc, present, positive))
                      : positive;
  }
  return present;
}

/// Whether nothing is written.
static bool isNothing(const ONNXLowering::Operand &indices) {
  return llvm::any_of(
      indices.dims, [](SymbolicExpression size) { return size.isConstant(0); });
}

LogicalResult lowerScatterElements(Operation *op, ONNXLowering &lowering) {
  auto scatter = cast<onnx::ScatterElementsOp>(op);
  ONNXLowering::Operand data = lowering.operand(scatter.getData()),
                        indices = lowering.operand(scatter.getIndices()),
                        updates = lowering.operand(scatter.getUpdates());
  int64_t axis = normaliseAxis(scatter.getAxis(), data.dims.size());
  if (isNothing(indices)) {
    lowering.map(scatter.getOutput(), data.value);
    return success();
  }
  Reduction reduction = parseReduction(scatter.getReduction());
  for (int64_t i = 0, e = data.dims.size(); i < e; ++i)
    if (i != axis)
      requireAtMost(lowering, indices.dims[i], data.dims[i],
                    "dimension " + Twine(i) + " of the indices of " +
                        ONNXLowering::describe(op));
  SymbolicExpression size = data.dims[axis];
  Value sizeValue = lowering.sizeValue(size);
  IndexRange range = indexRange(lowering, scatter.getIndices(), size);
  Value present;
  if (range == IndexRange::Unknown) {
    requireIndicesInRange(lowering, op, indices.value, sizeValue, size);
    present = anyEmpty(lowering, size);
  }
  bool isUnsigned = ONNXLowering::isUnsigned(scatter.getData());
  Value result = buildLoops(
      lowering, indices.dims, data.value,
      [&](OpBuilder &b, Location l, ValueRange ivs, Value tensor) -> Value {
        Value index = tensor::ExtractOp::create(b, l, indices.value, ivs);
        Value update = tensor::ExtractOp::create(b, l, updates.value, ivs);
        SmallVector<Value> position(ivs);
        if (!position.empty())
          position[axis] = wrapIndex(b, l, index, sizeValue,
                                     range == IndexRange::NonNegative);
        return insertGuarded(
            b, l, present, tensor, position,
            [&](OpBuilder &b, Location l, Value old) {
              return combine(b, l, reduction, old ? old : update, update,
                             isUnsigned);
            },
            reduction != Reduction::None);
      });
  lowering.map(scatter.getOutput(), result);
  return success();
}

/// Looks through ops that only give the elements of a constant rank-1 tensor
/// another shape.
Value skipShapeOps(Value value) {
  for (int steps = 0; steps < 16; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!op || !isa<onnx::UnsqueezeOp, onnx::SqueezeOp, onnx::ReshapeOp,
                    onnx::IdentityOp, onnx::FlattenOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// The first index if `indices` ([n, 1]) are start, start + 1, ...: updates
/// then are one slice of the data.
std::optional<SymbolicExpression> contiguousStart(ONNXLowering &lowering,
                                                  Value onnxIndices) {
  std::optional<SmallVector<SymbolicExpression>> contents =
      lowering.contents(skipShapeOps(onnxIndices));
  if (!contents || contents->empty())
    return std::nullopt;
  for (auto [i, element] : llvm::enumerate(*contents))
    if (element != (*contents)[0] + (int64_t)i)
      return std::nullopt;
  return (*contents)[0];
}

LogicalResult lowerScatterND(Operation *op, ONNXLowering &lowering) {
  auto scatter = cast<onnx::ScatterNDOp>(op);
  ONNXLowering::Operand data = lowering.operand(scatter.getData()),
                        indices = lowering.operand(scatter.getIndices()),
                        updates = lowering.operand(scatter.getUpdates());
  if (isNothing(indices)) {
    lowering.map(scatter.getOutput(), data.value);
    return success();
  }
  Reduction reduction = parseReduction(scatter.getReduction());
  int64_t dataRank = data.dims.size(), indexRank = indices.dims.size();
  // The shape analysis has checked that tuples have one length.
  int64_t depth = *indices.dims.back().getConstant();
  Dims updateDims(indices.dims.begin(), indices.dims.end() - 1);
  updateDims.append(data.dims.begin() + depth, data.dims.end());
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;

  // A run of consecutive rows (how exporters write the assignment of a slice).
  if (depth == 1 && indexRank == 2 && reduction == Reduction::None)
    if (auto start = contiguousStart(lowering, scatter.getIndices());
        start && isKnownNonNegative(*start) &&
        isKnownLessOrEqual(*start + indices.dims[0], data.dims[0])) {
      SmallVector<OpFoldResult> offsets(dataRank, builder.getIndexAttr(0)),
          strides(dataRank, builder.getIndexAttr(1));
      offsets[0] = lowering.size(*start);
      Value inserted = updates.value;
      if (updateDims != data.dims)
        inserted = tensor::InsertSliceOp::create(
            builder, loc, updates.value, data.value, offsets,
            lowering.sizes(updateDims), strides);
      lowering.map(scatter.getOutput(), inserted);
      return success();
    }

  SmallVector<Value> sizes;
  SmallVector<bool> inRange;
  SmallVector<SymbolicExpression> unproven;
  for (int64_t i = 0; i < depth; ++i) {
    SymbolicExpression size = data.dims[i];
    sizes.push_back(lowering.sizeValue(size));
    IndexRange range = indexRange(lowering, scatter.getIndices(), size);
    inRange.push_back(range == IndexRange::NonNegative);
    if (range != IndexRange::Unknown)
      continue;
    unproven.push_back(size);
    RankedTensorType indexType =
        cast<RankedTensorType>(indices.value.getType());
    SmallVector<OpFoldResult> columnSizes = lowering.sizes(indices.dims),
                              offsets(indexRank, builder.getIndexAttr(0)),
                              strides(indexRank, builder.getIndexAttr(1));
    offsets.back() = builder.getIndexAttr(i);
    columnSizes.back() = builder.getIndexAttr(1);
    Value column = tensor::ExtractSliceOp::create(
        builder, loc,
        RankedTensorType::get(indexType.getShape().drop_back(),
                              indexType.getElementType()),
        indices.value, offsets, columnSizes, strides);
    std::string what =
        depth == 1 ? "indices" : "indices of dimension " + std::to_string(i);
    requireIndicesInRange(lowering, op, column, sizes.back(), size, what);
  }
  Value present = anyEmpty(lowering, unproven);
  bool isUnsigned = ONNXLowering::isUnsigned(scatter.getData());
  Dims tupleDims(updateDims.begin(), updateDims.begin() + indexRank - 1),
      sliceDims(updateDims.begin() + indexRank - 1, updateDims.end());
  Value result = buildLoops(
      lowering, tupleDims, data.value,
      [&](OpBuilder &b, Location l, ValueRange tuple, Value outer) -> Value {
        SmallVector<Value> prefix;
        for (int64_t i = 0; i < depth; ++i) {
          SmallVector<Value> at(tuple);
          at.push_back(arith::ConstantIndexOp::create(b, l, i));
          Value index = tensor::ExtractOp::create(b, l, indices.value, at);
          prefix.push_back(wrapIndex(b, l, index, sizes[i], inRange[i]));
        }
        auto inner = [&](OpBuilder &b, Location l, ValueRange rest,
                         Value tensor) -> Value {
          SmallVector<Value> from(tuple), to(prefix);
          from.append(rest.begin(), rest.end());
          to.append(rest.begin(), rest.end());
          Value update = tensor::ExtractOp::create(b, l, updates.value, from);
          return insertGuarded(
              b, l, present, tensor, to,
              [&](OpBuilder &b, Location l, Value old) {
                return combine(b, l, reduction, old ? old : update, update,
                               isUnsigned);
              },
              reduction != Reduction::None);
        };
        if (sliceDims.empty())
          return inner(b, l, {}, outer);
        OpBuilder::InsertionGuard guard(b);
        SmallVector<Value> lower(sliceDims.size(),
                                 arith::ConstantIndexOp::create(b, l, 0)),
            steps(sliceDims.size(), arith::ConstantIndexOp::create(b, l, 1)),
            upper;
        for (int64_t i = 0, e = sliceDims.size(); i < e; ++i)
          upper.push_back(tensor::DimOp::create(b, l, updates.value,
                                                (int64_t)tuple.size() + i));
        return scf::buildLoopNest(b, l, lower, upper, steps, ValueRange{outer},
                                  [&](OpBuilder &b, Location l, ValueRange rest,
                                      ValueRange args) -> scf::ValueVector {
                                    return {inner(b, l, rest, args[0])};
                                  })
            .results[0];
      });
  lowering.map(scatter.getOutput(), result);
  return success();
}

LogicalResult lowerTensorScatter(Operation *op, ONNXLowering &lowering) {
  auto scatter = cast<onnx::TensorScatterOp>(op);
  ONNXLowering::Operand cache = lowering.operand(scatter.getPastCache()),
                        update = lowering.operand(scatter.getUpdate());
  int64_t axis = normaliseAxis(scatter.getAxis(), cache.dims.size());
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  SymbolicExpression size = cache.dims[axis], length = update.dims[axis];
  bool circular = scatter.getMode() == "circular";
  Value sizeValue = lowering.sizeValue(size);
  Value starts = ONNXLowering::isNone(scatter.getWriteIndices())
                     ? Value()
                     : lowering.lookup(scatter.getWriteIndices());
  Value present = anyEmpty(lowering, size);
  if (!starts && !circular)
    requireAtMost(lowering, length, size,
                  "the update of " + ONNXLowering::describe(op));
  if (starts && !circular) {
    // write_indices + length <= size, for each sample.
    onnx::IntegerRange range =
        lowering.getShapes().getRange(scatter.getWriteIndices());
    if (!range.lower || !range.upper || !isKnownNonNegative(range.lower) ||
        !isKnownLessOrEqual(range.upper + length, size)) {
      Value room = arith::SubIOp::create(builder, loc, sizeValue,
                                         lowering.sizeValue(length));
      Value zero = lowering.indexConstant(0);
      Value all = allOf(
          lowering, starts,
          [&](OpBuilder &b, Location l, Value start) -> Value {
            start = arith::IndexCastOp::create(b, l, b.getIndexType(), start);
            Value above = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge,
                                                start, zero);
            Value below = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sle,
                                                start, room);
            return arith::AndIOp::create(b, l, above, below);
          });
      RequireOp::create(builder, loc, all,
                        "'write_indices' of " + ONNXLowering::describe(op) +
                            " must leave room for the update in the cache");
    }
  }
  Value result = buildLoops(
      lowering, update.dims, cache.value,
      [&](OpBuilder &b, Location l, ValueRange ivs, Value tensor) -> Value {
        SmallVector<Value> position(ivs);
        Value index = ivs[axis];
        if (starts) {
          Value start = tensor::ExtractOp::create(b, l, starts, ivs[0]);
          index = arith::AddIOp::create(
              b, l, index,
              arith::IndexCastOp::create(b, l, b.getIndexType(), start));
        }
        // Like numpy's mod: never negative. An empty cache has no position,
        // whatever the divisor.
        Value one = arith::ConstantIndexOp::create(b, l, 1),
              zero = arith::ConstantIndexOp::create(b, l, 0);
        if (circular) {
          Value divisor = arith::MaxSIOp::create(b, l, sizeValue, one);
          index = arith::RemSIOp::create(b, l, index, divisor);
          Value negative = arith::CmpIOp::create(
              b, l, arith::CmpIPredicate::slt, index, zero);
          index = arith::SelectOp::create(
              b, l, negative, arith::AddIOp::create(b, l, index, divisor),
              index);
        } else {
          Value last = arith::SubIOp::create(b, l, sizeValue, one);
          index = arith::MaxSIOp::create(
              b, l, arith::MinSIOp::create(b, l, index, last), zero);
        }
        position[axis] = index;
        Value element = tensor::ExtractOp::create(b, l, update.value, ivs);
        return insertGuarded(
            b, l, present, tensor, position,
            [&](OpBuilder &, Location, Value) { return element; }, false);
      });
  lowering.map(scatter.getPresentCache(), result);
  return success();
}

} // namespace

void mlir::trine::registerScatterLowerings(ONNXLoweringRegistry &registry) {
  registry.add("ScatterElements", lowerScatterElements);
  registry.add("ScatterND", lowerScatterND);
  registry.add("TensorScatter", lowerTensorScatter);
}
