// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scan and LinearAttention: scf.for along the sequence, with the state carried.
#include "LowerRecurrences.h"
#include "LoweringUtils.h"
#include "ReductionLowering.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;
using Operand = ONNXLowering::Operand;
using Dims = SmallVector<Expression>;

/// scf.for over [0, length); `body` gives the next carried values, with the
/// insertion point inside.
static FailureOr<scf::ForOp> buildLoop(
    ONNXLowering &lowering, Value length, ValueRange carried,
    llvm::function_ref<FailureOr<SmallVector<Value>>(Value step, ValueRange)>
        body) {
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  auto loop = scf::ForOp::create(b, loc, lowering.indexConstant(0), length,
                                 lowering.indexConstant(1), carried);
  OpBuilder::InsertionGuard guard(b);
  if (!loop.getBody()->empty())
    loop.getBody()->back().erase();
  b.setInsertionPointToEnd(loop.getBody());
  FailureOr<SmallVector<Value>> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  lowering.loc = loc;
  if (failed(next))
    return failure();
  scf::YieldOp::create(b, loc, *next);
  return loop;
}

/// Place `step` along `axis` of a tensor, which the slice is without.
static Value takeSlice(ONNXLowering &lowering, const Operand &operand,
                       int64_t axis, Value step, Type type) {
  OpBuilder &b = lowering.builder;
  SmallVector<OpFoldResult> sizes = lowering.sizes(operand.dims),
                            offsets(sizes.size(), b.getIndexAttr(0)),
                            strides(sizes.size(), b.getIndexAttr(1));
  offsets[axis] = step;
  sizes[axis] = b.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(b, lowering.loc,
                                        cast<RankedTensorType>(type),
                                        operand.value, offsets, sizes, strides);
}

/// `slice` written at place `step` along `axis` of a tensor of sizes `dims`.
static Value putSlice(ONNXLowering &lowering, Value slice, Value destination,
                      ArrayRef<Expression> dims, int64_t axis, Value step) {
  OpBuilder &b = lowering.builder;
  SmallVector<OpFoldResult> sizes = lowering.sizes(dims),
                            offsets(sizes.size(), b.getIndexAttr(0)),
                            strides(sizes.size(), b.getIndexAttr(1));
  offsets[axis] = step;
  sizes[axis] = b.getIndexAttr(1);
  return tensor::InsertSliceOp::create(b, lowering.loc, slice, destination,
                                       offsets, sizes, strides);
}

//===--- Scan
//---------------------------------------------------------------===//

namespace {
class ScanLowering {
public:
  ScanLowering(onnx::ScanOp op, ONNXLowering &lowering)
      : op(op), lowering(lowering) {}

  LogicalResult run() {
    Block &block = op.getBody().front();
    yield = dyn_cast<onnx::YieldOp>(block.back());
    states = op->getNumOperands() - op.getNumScanInputs();
    if (!yield || yield->getNumOperands() != op->getNumResults())
      return ONNXLowering::unexpected(op);
    for (int64_t i = 0; i < states; ++i) {
      Value argument = block.getArgument(i), next = yield->getOperand(i);
      const onnx::ShapeAnalysis &shapes = lowering.getShapes();
      if (!shapes.hasShape(argument) || !shapes.hasShape(next) ||
          !areEqual(lowering.dims(argument), lowering.dims(next)) ||
          lowering.dims(argument) != lowering.dims(op->getOperand(i)))
        return lowering.unsupported(op, "state #" + Twine(i) +
                                            " must keep its shape");
    }
    for (int64_t i = states; i < op->getNumOperands(); ++i)
      inputs.push_back(lowering.operand(op->getOperand(i)));
    int64_t firstAxis = axisOf(op.getScanInputAxes(), 0, inputs[0].dims.size());
    length = lowering.sizeValue(inputs[0].dims[firstAxis]);
    SmallVector<Value> carried;
    for (int64_t i = 0; i < states; ++i)
      carried.push_back(lowering.castTo(lowering.lookup(op->getOperand(i)),
                                        lowering.type(block.getArgument(i))));
    for (int64_t i = states; i < op->getNumResults(); ++i) {
      Dims dims = lowering.dims(op->getResult(i));
      Dims row = dims;
      row.erase(row.begin() + outputAxis(i));
      if (row != lowering.dims(yield->getOperand(i)) ||
          !llvm::all_of(dims,
                        [&](Expression e) { return lowering.isAvailable(e); }))
        return lowering.unsupported(op, "the size of scan output #" +
                                            Twine(i - states) +
                                            " must be known before the loop");
      carried.push_back(lowering.empty(op->getResult(i)));
    }
    FailureOr<scf::ForOp> loop = buildLoop(
        lowering, length, carried,
        [&](Value step, ValueRange carried) { return runBody(step, carried); });
    if (failed(loop))
      return failure();
    for (auto [result, lowered] :
         llvm::zip_equal(op->getResults(), loop->getResults()))
      lowering.map(result, lowered);
    return success();
  }

private:
  /// Equal as they are, or checked to be before the loop.
  bool areEqual(ArrayRef<Expression> before, ArrayRef<Expression> after) {
    auto isAssumed = [&](Expression a, Expression b) {
      return llvm::any_of(
          lowering.getShapes().getAssumptions(),
          [&](const onnx::ShapeAssumption &assumption) {
            return assumption.operation == op &&
                   ((assumption.chosen == a && assumption.other == b) ||
                    (assumption.chosen == b && assumption.other == a));
          });
    };
    return before.size() == after.size() &&
           llvm::all_of(llvm::zip_equal(before, after), [&](auto sizes) {
             auto [a, b] = sizes;
             return a == b || isAssumed(a, b);
           });
  }

  static int64_t at(std::optional<ArrayRef<int64_t>> list, int64_t i) {
    return list && i < static_cast<int64_t>(list->size()) ? (*list)[i] : 0;
  }
  static int64_t axisOf(std::optional<ArrayRef<int64_t>> list, int64_t i,
                        int64_t rank) {
    return normaliseAxis(at(list, i), rank);
  }
  int64_t outputAxis(int64_t result) {
    return axisOf(op.getScanOutputAxes(), result - states,
                  lowering.rank(op->getResult(result)));
  }
  /// The place of a step, counted from the end if `isReversed`.
  Value placeOf(Value step, bool isReversed) {
    if (!isReversed)
      return step;
    OpBuilder &b = lowering.builder;
    Value last = arith::SubIOp::create(b, lowering.loc, length,
                                       lowering.indexConstant(1));
    return arith::SubIOp::create(b, lowering.loc, last, step);
  }

  FailureOr<SmallVector<Value>> runBody(Value step, ValueRange carried) {
    Block &block = op.getBody().front();
    for (int64_t i = 0; i < states; ++i)
      lowering.map(block.getArgument(i), carried[i]);
    for (auto [i, input] : llvm::enumerate(inputs)) {
      int64_t axis = axisOf(op.getScanInputAxes(), i, input.dims.size());
      Value place = placeOf(step, at(op.getScanInputDirections(), i) != 0);
      Value argument = block.getArgument(states + i);
      lowering.map(argument, takeSlice(lowering, input, axis, place,
                                       lowering.type(argument)));
    }
    SmallVector<Value> next;
    LogicalResult status =
        lowering.lowerBlock(block, [&](Operation *) -> LogicalResult {
          for (auto [i, value] : llvm::enumerate(yield->getOperands())) {
            Value lowered = lowering.lookup(value);
            if (!lowered)
              return failure();
            if (static_cast<int64_t>(i) < states) {
              next.push_back(lowering.castTo(
                  lowered, lowering.type(block.getArgument(i))));
              continue;
            }
            bool isReversed = at(op.getScanOutputDirections(), i - states) != 0;
            next.push_back(putSlice(lowering, lowered, carried[i],
                                    lowering.dims(op->getResult(i)),
                                    outputAxis(i), placeOf(step, isReversed)));
          }
          return success();
        });
    if (failed(status))
      return failure();
    return next;
  }

  onnx::ScanOp op;
  ONNXLowering &lowering;
  onnx::YieldOp yield;
  int64_t states = 0;
  SmallVector<Operand> inputs;
  Value length;
};
} // namespace

LogicalResult mlir::trine::lowerScanOperator(Operation *op,
                                             ONNXLowering &lowering) {
  return ScanLowering(cast<onnx::ScanOp>(op), lowering).run();
}

//===--- LinearAttention
//----------------------------------------------------===//

namespace {
/// Tensors of a step are [batch, heads, width, columns], where the state has
/// `width` rows of `columns` for each head; keys have one column, values one
/// row.
class LinearAttentionLowering {
public:
  LinearAttentionLowering(onnx::LinearAttentionOp op, ONNXLowering &lowering)
      : op(op), lowering(lowering), b(lowering.builder), loc(lowering.loc) {}

  LogicalResult run();

private:
  /// [batch, length, x] as [batch, length] and `dims`, which have x elements.
  Operand unpack(Value onnxValue, ArrayRef<Expression> dims);
  /// An operand [batch, length, x] that has either `fewDims` or `dims` behind
  /// [batch, length], of rank 3 and 1 behind the second: as these.
  Operand widen(Value onnxValue, StringRef name, ArrayRef<Expression> fewDims,
                ArrayRef<Expression> dims);
  /// The part of step `t`.
  Operand at(const Operand &operand, Value t);
  Operand step(const Operand &state, Value t);
  Operand read(const Operand &state, Value t);

  onnx::LinearAttentionOp op;
  ONNXLowering &lowering;
  OpBuilder &b;
  Location loc;
  Expression batch, length, heads, group, width, columns, one;
  Type type, compute;
  Operand query, key, value, decay, beta;
  Value scale;
};
} // namespace

Operand LinearAttentionLowering::unpack(Value onnxValue,
                                        ArrayRef<Expression> dims) {
  Operand operand = lowering.operand(onnxValue);
  Dims to{operand.dims[0], operand.dims[1]};
  llvm::append_range(to, dims);
  return reshaped(lowering, operand, to);
}

Operand LinearAttentionLowering::widen(Value onnxValue, StringRef name,
                                       ArrayRef<Expression> fewDims,
                                       ArrayRef<Expression> dims) {
  Operand operand = lowering.operand(onnxValue);
  Expression size = operand.dims[2], few = lowering.product(fewDims),
             full = lowering.product(dims);
  if (size == full)
    return unpack(onnxValue, dims);
  if (size == few)
    return unpack(onnxValue, fewDims);
  // Only a run tells.
  Value columnsOf = lowering.sizeValue(size),
        fewValue = lowering.sizeValue(few);
  auto equals = [&](OpBuilder &b, Location loc, Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
  };
  Value isFew = equals(b, loc, columnsOf, fewValue);
  lowering.require(
      arith::OrIOp::create(b, loc, isFew,
                           equals(b, loc, columnsOf, lowering.sizeValue(full))),
      "'" + name + "' of " + ONNXLowering::describe(op) + " must have " +
          few.str() + " or " + full.str() + " columns");
  Dims all{operand.dims[0], operand.dims[1]};
  llvm::append_range(all, dims);
  Value rest = lowering.sizeValue(dims[1]), zero = lowering.indexConstant(0);
  Value source = operand.value;
  Value wide = lowering.generate(
      all, cast<RankedTensorType>(source.getType()).getElementType(),
      [&](OpBuilder &b, Location loc, ValueRange i) -> Value {
        Value place = arith::AddIOp::create(
            b, loc, arith::MulIOp::create(b, loc, i[2], rest), i[3]);
        Value shared = few.isConstant(1) ? zero : i[2];
        Value column = arith::SelectOp::create(b, loc, isFew, shared, place);
        Value last = arith::SubIOp::create(
            b, loc, columnsOf, arith::ConstantIndexOp::create(b, loc, 1));
        column = arith::MinSIOp::create(b, loc, column, last);
        return tensor::ExtractOp::create(b, loc, source,
                                         ValueRange{i[0], i[1], column});
      });
  return {wide, all};
}

Operand LinearAttentionLowering::at(const Operand &operand, Value t) {
  Dims dims = operand.dims;
  dims.erase(dims.begin() + 1);
  Type elementType =
      cast<RankedTensorType>(operand.value.getType()).getElementType();
  return {takeSlice(lowering, operand, 1, t, lowering.type(dims, elementType)),
          dims};
}

Operand LinearAttentionLowering::step(const Operand &state, Value t) {
  Operand kept = state, added = at(value, t), keys = at(key, t);
  if (decay.value)
    kept.value = lowering.elementwise(
        {state, at(decay, t)}, state.dims, compute,
        [](OpBuilder &b, Location loc, ValueRange s) -> Value {
          return arith::MulFOp::create(b, loc, s[0],
                                       math::ExpOp::create(b, loc, s[1]));
        });
  if (beta.value) {
    ReducedDims rows{state.dims, {false, false, true, false}};
    Operand seen = withOnes(
        lowering,
        reduceSum(lowering, {kept, keys}, rows, compute,
                  [](OpBuilder &b, Location loc, ValueRange s) -> Value {
                    return arith::MulFOp::create(b, loc, s[0], s[1]);
                  }),
        rows);
    added = {lowering.elementwise(
                 {added, seen, at(beta, t)}, seen.dims, compute,
                 [](OpBuilder &b, Location loc, ValueRange s) -> Value {
                   return arith::MulFOp::create(
                       b, loc, s[2], arith::SubFOp::create(b, loc, s[0], s[1]));
                 }),
             seen.dims};
  }
  return {lowering.elementwise(
              {kept, keys, added}, state.dims, compute,
              [](OpBuilder &b, Location loc, ValueRange s) -> Value {
                return arith::AddFOp::create(
                    b, loc, s[0], arith::MulFOp::create(b, loc, s[1], s[2]));
              }),
          state.dims};
}

Operand LinearAttentionLowering::read(const Operand &state, Value t) {
  Operand queries = at(query, t);
  ReducedDims rows{{batch, heads, group, width, columns},
                   {false, false, false, true, false}};
  Operand seen = reshaped(lowering, state, {batch, heads, one, width, columns});
  Operand sums{reduceSum(lowering, {queries, seen}, rows, compute,
                         [](OpBuilder &b, Location loc, ValueRange s) -> Value {
                           return arith::MulFOp::create(b, loc, s[0], s[1]);
                         }),
               rows.getKept()};
  return {lowering.elementwise(
              {sums}, sums.dims, type,
              [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
                return arith::MulFOp::create(b, loc, s[0], scale);
              }),
          sums.dims};
}

LogicalResult LinearAttentionLowering::run() {
  auto number = [&](int64_t value) {
    return lowering.constantExpression(value);
  };
  Dims queryDims = lowering.dims(op.getQuery());
  batch = queryDims[0];
  length = queryDims[1];
  one = number(1);
  heads = number(op.getKvNumHeads());
  group = number(op.getQNumHeads() / op.getKvNumHeads());
  width = floorDiv(lowering.dims(op.getKey())[2], heads);
  columns = floorDiv(lowering.dims(op.getValue())[2], heads);
  type = lowering.elementType(op.getOutput());
  compute = getComputeType(type);

  query = unpack(op.getQuery(), {heads, group, width, one});
  key = unpack(op.getKey(), {heads, width, one});
  value = unpack(op.getValue(), {heads, one, columns});
  if (!ONNXLowering::isNone(op.getDecay()))
    decay =
        widen(op.getDecay(), "decay", {heads, one, one}, {heads, width, one});
  if (!ONNXLowering::isNone(op.getBeta()))
    beta = widen(op.getBeta(), "beta", {one, one, one}, {heads, one, one});
  double factor = op.getScale().convertToDouble();
  if (factor == 0 && width.isConstant())
    factor = 1 / std::sqrt(static_cast<double>(*width.getConstant()));
  if (factor != 0) {
    scale = scalarConstant(b, loc, compute, factor);
  } else {
    Value size = arith::IndexCastOp::create(b, loc, b.getI64Type(),
                                            lowering.sizeValue(width));
    scale = math::RsqrtOp::create(
        b, loc, castScalar(b, loc, size, compute, false, false));
  }

  Operand state{{}, {batch, heads, width, columns}};
  if (ONNXLowering::isNone(op.getPastState()))
    state.value =
        lowering.filled(state.dims, scalarConstant(b, loc, compute, 0));
  else
    state.value = lowering.elementwise(
        {lowering.operand(op.getPastState())}, state.dims, compute,
        [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
          return castScalar(b, loc, s[0], compute, false, false);
        });
  Dims outDims{batch, length, heads, group, columns};
  FailureOr<scf::ForOp> loop = buildLoop(
      lowering, lowering.sizeValue(length),
      {state.value, lowering.empty(outDims, type)},
      [&](Value t, ValueRange carried) -> FailureOr<SmallVector<Value>> {
        Operand next = step({carried[0], state.dims}, t);
        Operand row = read(next, t);
        return SmallVector<Value>{
            next.value,
            putSlice(lowering, row.value, carried[1], outDims, 1, t)};
      });
  if (failed(loop))
    return failure();
  Operand output{loop->getResult(1), outDims};
  lowering.map(op.getOutput(),
               reshaped(lowering, output, lowering.dims(op.getOutput())).value);
  if (!ONNXLowering::isNone(op.getPresentState())) {
    Operand last{loop->getResult(0), state.dims};
    Type stored = lowering.elementType(op.getPresentState());
    lowering.map(op.getPresentState(), roundTo(lowering, last, stored));
  }
  return success();
}

LogicalResult mlir::trine::lowerLinearAttention(Operation *op,
                                                ONNXLowering &lowering) {
  return LinearAttentionLowering(cast<onnx::LinearAttentionOp>(op), lowering)
      .run();
}
