// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that give the same elements under another shape or order.
#include "LoweringUtils.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;

/// Reshape where the shape operand is data: computes the sizes that only it
/// says.
static void defineReshapeSizes(onnx::ReshapeOp reshape,
                               ONNXLowering &lowering) {
  Value result = reshape.getReshaped();
  SmallVector<Expression> dims = lowering.dims(result);
  if (llvm::all_of(dims,
                   [&](Expression dim) { return lowering.isAvailable(dim); }))
    return;
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  auto compare = [&](arith::CmpIPredicate predicate, Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, predicate, x,
                                 lowering.indexConstant(y));
  };
  SmallVector<Expression> from = lowering.dims(reshape.getData());
  Value one = lowering.indexConstant(1), known = one;
  SmallVector<Value> sizes;
  for (size_t i = 0; i < dims.size(); ++i) {
    Value size = lowering.indexElement(reshape.getShape(), i);
    if (!reshape.getAllowzero() && i < from.size())
      size = arith::SelectOp::create(b, loc,
                                     compare(arith::CmpIPredicate::eq, size, 0),
                                     lowering.sizeValue(from[i]), size);
    sizes.push_back(size);
    known = arith::MulIOp::create(
        b, loc, known,
        arith::SelectOp::create(
            b, loc, compare(arith::CmpIPredicate::eq, size, -1), one, size));
  }
  Value count = lowering.sizeValue(lowering.product(from));
  Value rest = arith::DivSIOp::create(
      b, loc, count, arith::MaxSIOp::create(b, loc, known, one));
  for (auto [i, size] : llvm::enumerate(sizes))
    if (!lowering.isAvailable(dims[i]))
      lowering.defineSize(
          result, i,
          arith::SelectOp::create(
              b, loc, compare(arith::CmpIPredicate::eq, size, -1), rest, size));
}

/// Reshape, Flatten, Squeeze, Unsqueeze, Identity: views.
static LogicalResult lowerReshape(Operation *op, ONNXLowering &lowering) {
  Value data = op->getOperand(0), result = op->getResult(0);
  if (auto reshape = dyn_cast<onnx::ReshapeOp>(op))
    defineReshapeSizes(reshape, lowering);
  lowering.map(result,
               lowering.reshape(lowering.lookup(data), lowering.dims(data),
                                lowering.dims(result)));
  return success();
}

static LogicalResult lowerDropout(Operation *op, ONNXLowering &lowering) {
  auto dropout = cast<onnx::DropoutOp>(op);
  if (!ONNXLowering::isNone(dropout.getTrainingMode())) {
    auto training = lowering.constantIntegers(dropout.getTrainingMode());
    if (!training || llvm::any_of(*training, [](int64_t v) { return v; }))
      return lowering.unsupported(op, "'training_mode' must be constant false");
  }
  lowering.map(dropout.getOutput(), lowering.lookup(dropout.getData()));
  Value mask = dropout.getMask();
  if (!ONNXLowering::isNone(mask))
    lowering.map(mask, lowering.filled(
                           lowering.dims(mask),
                           integerConstant(lowering.builder, lowering.loc,
                                           lowering.builder.getI1Type(), 1)));
  return success();
}

static LogicalResult lowerTranspose(Operation *op, ONNXLowering &lowering) {
  auto transpose = cast<onnx::TransposeOp>(op);
  Value data = transpose.getData(), result = transpose.getTransposed();
  SmallVector<int64_t> permutation;
  if (std::optional<ArrayRef<int64_t>> perm = transpose.getPerm())
    permutation.assign(perm->begin(), perm->end());
  else
    permutation = llvm::to_vector(
        llvm::reverse(llvm::seq<int64_t>(0, lowering.rank(data))));
  for (int64_t &dim : permutation)
    if (dim < 0)
      dim += lowering.rank(data);
  if (llvm::is_sorted(permutation)) {
    lowering.map(result, lowering.lookup(data));
    return success();
  }
  lowering.map(result,
               linalg::TransposeOp::create(lowering.builder, lowering.loc,
                                           lowering.lookup(data),
                                           lowering.empty(result), permutation)
                   .getResult()[0]);
  return success();
}

/// Where sizes of the input may be 1 or what is asked for, which only runs
/// tell: checks it, and reads element 0 where it is 1. False if there are none.
static bool expandByRun(ONNXLowering &lowering, Operation *op,
                        ArrayRef<Expression> from, ArrayRef<Expression> to) {
  ArrayRef<Expression> aligned = to.take_back(from.size());
  SmallVector<bool> isOpen;
  for (auto [size, wanted] : llvm::zip_equal(from, aligned))
    isOpen.push_back(size != wanted && !size.isConstant());
  if (!llvm::is_contained(isOpen, true))
    return false;
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  Value one = lowering.indexConstant(1), zero = lowering.indexConstant(0);
  for (auto [open, size, wanted] : llvm::zip_equal(isOpen, from, aligned)) {
    if (!open)
      continue;
    auto is = [&](Value value) {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                   lowering.sizeValue(size), value);
    };
    lowering.require(
        arith::OrIOp::create(b, loc, is(lowering.sizeValue(wanted)), is(one)),
        "size " + size.str() + " of the input of " +
            ONNXLowering::describe(op) + " must be 1 or " + wanted.str());
  }
  SmallVector<Value> lasts;
  for (Expression size : from) {
    Value last = arith::SubIOp::create(b, loc, lowering.sizeValue(size), one);
    lasts.push_back(arith::MaxSIOp::create(b, loc, last, zero));
  }
  Value source = lowering.lookup(op->getOperand(0)), result = op->getResult(0);
  lowering.map(
      result,
      lowering.generate(
          SmallVector<Expression>(to), lowering.elementType(result),
          [&](OpBuilder &b, Location loc, ValueRange indices) {
            SmallVector<Value> places;
            for (auto [index, last] :
                 llvm::zip_equal(indices.take_back(from.size()), lasts))
              places.push_back(arith::MinSIOp::create(b, loc, index, last));
            return tensor::ExtractOp::create(b, loc, source, places)
                .getResult();
          }));
  return true;
}

static LogicalResult lowerExpand(Operation *op, ONNXLowering &lowering) {
  auto expand = cast<onnx::ExpandOp>(op);
  Value input = expand.getInput(), result = expand.getOutput();
  SmallVector<Expression> from = lowering.dims(input);
  SmallVector<Expression> to = lowering.dims(result);
  int64_t added = (int64_t)to.size() - (int64_t)from.size();
  int64_t missing =
      (int64_t)to.size() -
      (lowering.rank(expand.getShape()) == 0
           ? 1
           : lowering.dims(expand.getShape())[0].getConstant().value_or(
                 to.size()));
  for (int64_t i = 0, e = to.size(); i < e; ++i) {
    if (lowering.isAvailable(to[i]))
      continue;
    // Only a dim that is 1, or that the input has not, takes the size asked
    // for.
    bool isInputs = i >= added && !from[i - added].isConstant(1);
    lowering.defineSize(
        result, i,
        isInputs || i < missing
            ? lowering.sizeValue(from[i - added])
            : lowering.indexElement(expand.getShape(), i - missing));
  }
  if (from == to) {
    lowering.map(result, lowering.lookup(input));
    return success();
  }
  if (expandByRun(lowering, op, from, to))
    return success();
  lowering.map(result,
               lowering.elementwise(
                   input, result,
                   [](OpBuilder &, Location, ValueRange s) { return s[0]; },
                   /*raw=*/true));
  return success();
}

static LogicalResult lowerTile(Operation *op, ONNXLowering &lowering) {
  auto tile = cast<onnx::TileOp>(op);
  Value input = tile.getInput(), result = tile.getOutput();
  SmallVector<Expression> from = lowering.dims(input);
  std::optional<SmallVector<Expression>> repeats =
      lowering.contents(tile.getRepeats());
  if (repeats && repeats->size() == from.size() &&
      llvm::all_of(*repeats, [&](Expression repeat) {
        return lowering.isAvailable(repeat);
      })) {
    // Broadcast along new dims in front of the repeated ones, then a view.
    SmallVector<Expression> source, target;
    for (auto [dim, repeat] : llvm::zip_equal(from, *repeats)) {
      if (!repeat.isConstant(1)) {
        source.push_back(lowering.constantExpression(1));
        target.push_back(repeat);
      }
      source.push_back(dim);
      target.push_back(dim);
    }
    Value view = lowering.reshape(lowering.lookup(input), from, source);
    Value repeated = lowering.elementwise(
        {{view, source}}, target, lowering.elementType(result),
        [](OpBuilder &, Location, ValueRange s) { return s[0]; }, /*raw=*/true);
    lowering.map(result,
                 lowering.reshape(repeated, target, lowering.dims(result)));
    return success();
  }
  SmallVector<Expression> to = lowering.dims(result);
  for (size_t i = 0; i < to.size(); ++i)
    if (!lowering.isAvailable(to[i]))
      lowering.defineSize(
          result, i,
          arith::MulIOp::create(lowering.builder, lowering.loc,
                                lowering.sizeValue(from[i]),
                                lowering.indexElement(tile.getRepeats(), i)));
  Value source = lowering.lookup(input);
  SmallVector<Value> sizes;
  for (Expression dim : from)
    sizes.push_back(lowering.sizeValue(dim));
  lowering.map(
      result,
      lowering.generate(
          to, lowering.elementType(result),
          [&](OpBuilder &b, Location loc, ValueRange indices) -> Value {
            SmallVector<Value> places;
            for (auto [index, size] : llvm::zip_equal(indices, sizes))
              places.push_back(arith::RemUIOp::create(b, loc, index, size));
            return tensor::ExtractOp::create(b, loc, source, places);
          }));
  return success();
}

/// Shape and Size of a tensor. Their values mostly are known to the shape
/// analysis, and then nobody asks for them here.
static LogicalResult lowerShape(Operation *op, ONNXLowering &lowering) {
  Value data = op->getOperand(0), result = op->getResult(0);
  SmallVector<Expression> dims = lowering.dims(data);
  if (auto shape = dyn_cast<onnx::ShapeOp>(op)) {
    int64_t rank = dims.size();
    auto clamp = [&](int64_t i) {
      return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank);
    };
    int64_t begin = clamp(shape.getStart());
    int64_t end = clamp(shape.getEnd().value_or(rank));
    dims = SmallVector<Expression>(
        ArrayRef(dims).slice(begin, std::max<int64_t>(end - begin, 0)));
  } else {
    dims = {lowering.product(dims)};
  }
  SmallVector<Value> elements;
  for (Expression dim : dims)
    elements.push_back(arith::IndexCastOp::create(
        lowering.builder, lowering.loc, lowering.elementType(result),
        lowering.sizeValue(dim)));
  lowering.map(result,
               tensor::FromElementsOp::create(lowering.builder, lowering.loc,
                                              lowering.type(result), elements));
  return success();
}

/// The first elements along the one axis, as many as the other axis says, the
/// other way round.
static LogicalResult lowerReverseSequence(Operation *op,
                                          ONNXLowering &lowering) {
  auto reverse = cast<onnx::ReverseSequenceOp>(op);
  int64_t batch = reverse.getBatchAxis(), time = reverse.getTimeAxis();
  SmallVector<Expression> dims = lowering.dims(reverse.getInput());
  Value source = lowering.lookup(reverse.getInput()),
        lengths = lowering.lookup(reverse.getSequenceLens());
  Value steps = lowering.sizeValue(dims[time]);
  OpBuilder &builder = lowering.builder;
  // In 64 bits, so that sizes do not wrap.
  auto widen = [](OpBuilder &b, Location l, Value length) -> Value {
    if (length.getType() != b.getI64Type())
      length = arith::ExtSIOp::create(b, l, b.getI64Type(), length);
    return arith::IndexCastOp::create(b, l, b.getIndexType(), length);
  };
  Value zero = lowering.indexConstant(0), one = lowering.indexConstant(1);
  Value all = allOf(lowering, lengths,
                    [&](OpBuilder &b, Location l, Value length) -> Value {
                      length = widen(b, l, length);
                      return arith::AndIOp::create(
                          b, l,
                          arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge,
                                                length, zero),
                          arith::CmpIOp::create(b, l, arith::CmpIPredicate::sle,
                                                length, steps));
                    });
  RequireOp::create(builder, lowering.loc, all,
                    "sequence_lens of " + ONNXLowering::describe(op) +
                        " must lie in [0, " + dims[time].str() + "]");
  lowering.map(
      reverse.getY(),
      lowering.generate(
          lowering.dims(reverse.getY()), lowering.elementType(reverse.getY()),
          [&](OpBuilder &b, Location l, ValueRange indices) -> Value {
            Value length = widen(
                b, l, tensor::ExtractOp::create(b, l, lengths, indices[batch]));
            length = arith::MinSIOp::create(b, l, length, steps);
            Value back = arith::SubIOp::create(
                b, l, arith::SubIOp::create(b, l, length, one), indices[time]);
            Value isInside = arith::CmpIOp::create(
                b, l, arith::CmpIPredicate::sge, back, zero);
            SmallVector<Value> places(indices);
            places[time] =
                arith::SelectOp::create(b, l, isInside, back, indices[time]);
            return tensor::ExtractOp::create(b, l, source, places);
          }));
  return success();
}

void mlir::trine::registerMovementLowerings(ONNXLoweringRegistry &registry) {
  registry.add("ReverseSequence", lowerReverseSequence);
  registry.add({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"},
               lowerReshape);
  registry.add("Dropout", lowerDropout);
  registry.add("Transpose", lowerTranspose);
  registry.add("Expand", lowerExpand);
  registry.add("Tile", lowerTile);
  registry.add({"Shape", "Size"}, lowerShape);
}
