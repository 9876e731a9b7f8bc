// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// TopK: for each row an insertion into the k best so far (small constant k), or
// a stable merge sort of the indices.
//
// Order: better elements first, equal ones by index. A NaN is greater than
// every number, and equal to other NaNs. `sorted` = 0 allows any order, so the
// sorted one is right.
#include "LoweringUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Dims = SmallVector<SymbolicExpression>;

namespace {

/// Up to this k, k comparisons per element beat sorting whole rows.
constexpr int64_t kInsertionLimit = 32;

/// Compares elements of one TopK.
struct Order {
  bool largest, isUnsigned;

  /// An i1: `a` comes strictly before `b` by value.
  Value before(OpBuilder &b, Location loc, Value x, Value y) const {
    if (!largest)
      std::swap(x, y);
    // x > y, with NaN on top.
    if (isa<FloatType>(x.getType())) {
      x = toComputeType(b, loc, x);
      y = toComputeType(b, loc, y);
      Value greater =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UGT, x, y);
      Value number =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, y, y);
      return arith::AndIOp::create(b, loc, greater, number);
    }
    return arith::CmpIOp::create(b, loc,
                                 isUnsigned ? arith::CmpIPredicate::ugt
                                            : arith::CmpIPredicate::sgt,
                                 x, y);
  }
};

/// Row `row` of a rank-2 tensor, as rank 1.
Value takeRow(OpBuilder &b, Location loc, Value matrix, Value row,
              OpFoldResult length) {
  auto type = cast<RankedTensorType>(matrix.getType());
  auto rowType = RankedTensorType::get(type.getShape().drop_front(),
                                       type.getElementType());
  SmallVector<OpFoldResult> offsets{row, b.getIndexAttr(0)},
      sizes{b.getIndexAttr(1), length}, strides(2, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, loc, rowType, matrix, offsets, sizes,
                                        strides);
}

Value toInteger(OpBuilder &b, Location loc, Value index) {
  return arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
}
Value toIndex(OpBuilder &b, Location loc, Value integer) {
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), integer);
}

struct RowSizes {
  Value zero, one, length, count; ///< elements per row, and how many to keep
                                  ///< (never more than there are)
};

/// Keeps the best `count` elements seen so far in `values` and `indices`, in
/// order; `limit` is their length.
std::pair<Value, Value> insertBest(OpBuilder &b, Location loc,
                                   const Order &order, const RowSizes &sizes,
                                   Value row, Value values, Value indices) {
  auto elements = scf::ForOp::create(
      b, loc, sizes.zero, sizes.length, sizes.one, ValueRange{values, indices},
      [&](OpBuilder &b, Location l, Value j, ValueRange best) {
        Value element = tensor::ExtractOp::create(b, l, row, j),
              position = toInteger(b, l, j);
        Value filled = arith::MinSIOp::create(b, l, j, sizes.count);
        Value no = arith::ConstantIntOp::create(b, l, 0, 1);
        // Carry the element along; from its place on it pushes the others back
        // by one.
        auto places = scf::ForOp::create(
            b, l, sizes.zero, filled, sizes.one,
            ValueRange{best[0], best[1], element, position, no},
            [&](OpBuilder &b, Location l, Value p, ValueRange state) {
              Value value = tensor::ExtractOp::create(b, l, state[0], p),
                    index = tensor::ExtractOp::create(b, l, state[1], p);
              Value place = arith::OrIOp::create(
                  b, l, state[4], order.before(b, l, state[2], value));
              Value newValue =
                  arith::SelectOp::create(b, l, place, state[2], value);
              Value newIndex =
                  arith::SelectOp::create(b, l, place, state[3], index);
              Value carriedValue =
                  arith::SelectOp::create(b, l, place, value, state[2]);
              Value carriedIndex =
                  arith::SelectOp::create(b, l, place, index, state[3]);
              Value nextValues =
                  tensor::InsertOp::create(b, l, newValue, state[0], p);
              Value nextIndices =
                  tensor::InsertOp::create(b, l, newIndex, state[1], p);
              scf::YieldOp::create(b, l,
                                   ValueRange{nextValues, nextIndices,
                                              carriedValue, carriedIndex,
                                              place});
            });
        Value room = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, j,
                                           sizes.count);
        auto append = scf::IfOp::create(
            b, l, room,
            [&](OpBuilder &b, Location l) {
              Value nextValues = tensor::InsertOp::create(
                  b, l, places.getResult(2), places.getResult(0), j);
              Value nextIndices = tensor::InsertOp::create(
                  b, l, places.getResult(3), places.getResult(1), j);
              scf::YieldOp::create(b, l, ValueRange{nextValues, nextIndices});
            },
            [&](OpBuilder &b, Location l) {
              scf::YieldOp::create(
                  b, l, ValueRange{places.getResult(0), places.getResult(1)});
            });
        scf::YieldOp::create(b, l, append.getResults());
      });
  return {elements.getResult(0), elements.getResult(1)};
}

/// Merges runs of `width` indices in `from` to runs of twice the width in `to`.
Value mergeRuns(OpBuilder &b, Location loc, const Order &order,
                const RowSizes &sizes, Value row, Value from, Value to,
                Value width) {
  Value step = arith::AddIOp::create(b, loc, width, width);
  auto runs = scf::ForOp::create(
      b, loc, sizes.zero, sizes.length, step, ValueRange{to},
      [&](OpBuilder &b, Location l, Value begin, ValueRange outer) {
        Value middle = arith::MinSIOp::create(
            b, l, arith::AddIOp::create(b, l, begin, width), sizes.length);
        Value end = arith::MinSIOp::create(
            b, l, arith::AddIOp::create(b, l, begin, step), sizes.length);
        Value last = arith::SubIOp::create(b, l, sizes.length, sizes.one);
        auto merge = scf::ForOp::create(
            b, l, begin, end, sizes.one, ValueRange{begin, middle, outer[0]},
            [&](OpBuilder &b, Location l, Value out, ValueRange state) {
              Value left = state[0], right = state[1];
              Value leftEnded = arith::CmpIOp::create(
                  b, l, arith::CmpIPredicate::sge, left, middle);
              Value rightLeft = arith::CmpIOp::create(
                  b, l, arith::CmpIPredicate::slt, right, end);
              // A run that has ended is read where it is safe, and not used.
              Value leftIndex = tensor::ExtractOp::create(
                  b, l, from,
                  ValueRange{arith::MinSIOp::create(b, l, left, last)});
              Value rightIndex = tensor::ExtractOp::create(
                  b, l, from,
                  ValueRange{arith::MinSIOp::create(b, l, right, last)});
              Value leftValue = tensor::ExtractOp::create(
                  b, l, row, ValueRange{toIndex(b, l, leftIndex)});
              Value rightValue = tensor::ExtractOp::create(
                  b, l, row, ValueRange{toIndex(b, l, rightIndex)});
              Value better = arith::OrIOp::create(
                  b, l, leftEnded, order.before(b, l, rightValue, leftValue));
              Value takeRight = arith::AndIOp::create(b, l, rightLeft, better);
              Value chosen = arith::SelectOp::create(b, l, takeRight,
                                                     rightIndex, leftIndex);
              Value next =
                  tensor::InsertOp::create(b, l, chosen, state[2], out);
              Value nextLeft = arith::SelectOp::create(
                  b, l, takeRight, left,
                  arith::AddIOp::create(b, l, left, sizes.one));
              Value nextRight = arith::SelectOp::create(
                  b, l, takeRight,
                  arith::AddIOp::create(b, l, right, sizes.one), right);
              scf::YieldOp::create(b, l, ValueRange{nextLeft, nextRight, next});
            });
        scf::YieldOp::create(b, l, merge.getResult(2));
      });
  return runs.getResult(0);
}

/// Sorts `indices` (0, 1, ... of a row), with `scratch` as a second buffer.
/// Each step of the loop merges twice, there and back, so that both buffers
/// stay where they are.
Value mergeSort(OpBuilder &b, Location loc, const Order &order,
                const RowSizes &sizes, Value row, Value indices,
                Value scratch) {
  // ceil(log2(length)) merges, two per step.
  Value bits = arith::ConstantIntOp::create(b, loc, 64, 64);
  Value atLeastOne = arith::MaxSIOp::create(b, loc, sizes.length, sizes.one);
  Value last =
      toInteger(b, loc, arith::SubIOp::create(b, loc, atLeastOne, sizes.one));
  Value levels = arith::SubIOp::create(
      b, loc, bits, math::CountLeadingZerosOp::create(b, loc, last));
  Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
  Value steps = arith::ShRUIOp::create(
      b, loc, arith::AddIOp::create(b, loc, levels, one), one);
  auto loop = scf::ForOp::create(
      b, loc, sizes.zero, toIndex(b, loc, steps), sizes.one,
      ValueRange{indices, scratch},
      [&](OpBuilder &b, Location l, Value step, ValueRange buffers) {
        Value shift = arith::AddIOp::create(b, l, step, step);
        Value width = arith::ShLIOp::create(b, l, sizes.one, shift);
        Value there =
            mergeRuns(b, l, order, sizes, row, buffers[0], buffers[1], width);
        Value back = mergeRuns(b, l, order, sizes, row, there, buffers[0],
                               arith::AddIOp::create(b, l, width, width));
        scf::YieldOp::create(b, l, ValueRange{back, there});
      });
  return loop.getResult(0);
}

/// 0, 1, ... in an integer tensor.
Value countUp(OpBuilder &b, Location loc, const RowSizes &sizes, Value init) {
  auto loop = scf::ForOp::create(
      b, loc, sizes.zero, sizes.length, sizes.one, ValueRange{init},
      [&](OpBuilder &b, Location l, Value j, ValueRange args) {
        Value next =
            tensor::InsertOp::create(b, l, toInteger(b, l, j), args[0], j);
        scf::YieldOp::create(b, l, next);
      });
  return loop.getResult(0);
}

/// values = row[sorted] for the first `count`; also copies these of `sorted`
/// itself if `indices` is given.
std::pair<Value, Value> takeBest(OpBuilder &b, Location loc,
                                 const RowSizes &sizes, Value row, Value sorted,
                                 Value values, Value indices) {
  SmallVector<Value> inits{values};
  if (indices)
    inits.push_back(indices);
  auto loop = scf::ForOp::create(
      b, loc, sizes.zero, sizes.count, sizes.one, inits,
      [&](OpBuilder &b, Location l, Value j, ValueRange args) {
        Value index = tensor::ExtractOp::create(b, l, sorted, j);
        Value value = tensor::ExtractOp::create(
            b, l, row, ValueRange{toIndex(b, l, index)});
        SmallVector<Value> next{
            tensor::InsertOp::create(b, l, value, args[0], j)};
        if (indices)
          next.push_back(tensor::InsertOp::create(b, l, index, args[1], j));
        scf::YieldOp::create(b, l, next);
      });
  return {loop.getResult(0), indices ? loop.getResult(1) : Value()};
}

/// Values and indices of one row, into destinations of the kept length.
/// `makeBuffer` gives a new i64 buffer of the row's length.
std::pair<Value, Value> selectBest(OpBuilder &b, Location loc,
                                   const Order &order, const RowSizes &sizes,
                                   bool insertion, bool keepsAll, Value row,
                                   Value values, Value indices,
                                   llvm::function_ref<Value()> makeBuffer) {
  if (insertion)
    return insertBest(b, loc, order, sizes, row, values, indices);
  // When all are kept, the result is one of the sort's two buffers.
  Value buffer = keepsAll ? indices : makeBuffer();
  Value sorted = mergeSort(b, loc, order, sizes, row,
                           countUp(b, loc, sizes, buffer), makeBuffer());
  auto [bestValues, bestIndices] = takeBest(b, loc, sizes, row, sorted, values,
                                            keepsAll ? Value() : indices);
  return {bestValues, keepsAll ? sorted : bestIndices};
}

LogicalResult lowerTopK(Operation *op, ONNXLowering &lowering) {
  auto topK = cast<onnx::TopKOp>(op);
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  ONNXLowering::Operand input = lowering.operand(topK.getX());
  int64_t rank = input.dims.size();
  int64_t axis = normaliseAxis(topK.getAxis(), rank);
  // A k that only data tells is the size of the results.
  if (!lowering.contents(topK.getK())) {
    Value k = toIndex(builder, loc,
                      lowering.extractScalar(lowering.lookup(topK.getK())));
    lowering.defineSize(topK.getValues(), axis, k);
  }
  SymbolicExpression k = lowering.dims(topK.getValues())[axis];

  // Rows along the last axis.
  SmallVector<int64_t> permutation, inverse(rank);
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      permutation.push_back(i);
  permutation.push_back(axis);
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  bool moved = axis != rank - 1;
  if (moved)
    input = transpose(lowering, input, permutation);
  SymbolicExpression length = input.dims.back(),
                     rows = lowering.product(ArrayRef(input.dims).drop_back());
  Value matrix = lowering.reshape(input.value, input.dims, {rows, length});

  RowSizes sizes{lowering.indexConstant(0), lowering.indexConstant(1),
                 lowering.sizeValue(length), lowering.sizeValue(k)};
  if (!isKnownLessOrEqual(k, length)) {
    requireAtMost(lowering, k, length, "'K' of " + ONNXLowering::describe(op));
    sizes.count =
        arith::MinSIOp::create(builder, loc, sizes.count, sizes.length);
  }

  Type elementType = lowering.elementType(topK.getX());
  Type indexType = builder.getI64Type();
  Order order{topK.getLargest() != 0, ONNXLowering::isUnsigned(topK.getX())};
  std::optional<int64_t> constant = k.getConstant();
  bool insertion = constant && *constant <= kInsertionLimit;
  bool keepsAll = k == length;
  OpFoldResult rowLength = lowering.size(length), kept = lowering.size(k);

  Value results[2];
  if (rows.isConstant(1)) {
    Value row = lowering.reshape(matrix, {rows, length}, {length});
    auto [values, indices] =
        selectBest(builder, loc, order, sizes, insertion, keepsAll, row,
                   lowering.empty(k, elementType), lowering.empty(k, indexType),
                   [&] { return lowering.empty(length, indexType); });
    results[0] = lowering.reshape(values, {k}, {rows, k});
    results[1] = lowering.reshape(indices, {k}, {rows, k});
  } else {
    // One row per iteration; a result that nothing reads stays local to it.
    SmallVector<Value> inits;
    bool isRead[] = {!topK.getValues().use_empty(),
                     !topK.getIndices().use_empty()};
    Type types[] = {elementType, indexType};
    for (int i = 0; i < 2; ++i)
      if (isRead[i])
        inits.push_back(lowering.empty({rows, k}, types[i]));
    if (inits.empty())
      return success();
    auto loop = scf::ForallOp::create(
        builder, loc, ArrayRef<OpFoldResult>{lowering.size(rows)}, inits,
        std::nullopt, [&](OpBuilder &b, Location l, ValueRange args) {
          Value index = args[0];
          ValueRange outs = args.drop_front();
          Value row = takeRow(b, l, matrix, index, rowLength);
          Value destinations[2];
          for (int i = 0, next = 0; i < 2; ++i)
            destinations[i] =
                isRead[i] ? takeRow(b, l, outs[next++], index, kept)
                          : Value(tensor::EmptyOp::create(
                                b, l, ArrayRef<OpFoldResult>{kept}, types[i]));
          auto best = selectBest(
              b, l, order, sizes, insertion, keepsAll, row, destinations[0],
              destinations[1], [&]() -> Value {
                return tensor::EmptyOp::create(
                    b, l, ArrayRef<OpFoldResult>{rowLength}, indexType);
              });
          SmallVector<Value> made;
          if (isRead[0])
            made.push_back(best.first);
          if (isRead[1])
            made.push_back(best.second);
          auto terminator = scf::InParallelOp::create(b, l);
          b.setInsertionPointToStart(terminator.getBody());
          for (auto [result, out] : llvm::zip(made, outs)) {
            SmallVector<OpFoldResult> offsets{index, b.getIndexAttr(0)},
                rowSizes{b.getIndexAttr(1), kept},
                strides(2, b.getIndexAttr(1));
            tensor::ParallelInsertSliceOp::create(b, l, result, out, offsets,
                                                  rowSizes, strides);
          }
        });
    for (int i = 0, next = 0; i < 2; ++i)
      if (isRead[i])
        results[i] = loop.getResult(next++);
  }

  Value onnxResults[] = {topK.getValues(), topK.getIndices()};
  for (auto [i, onnxResult] : llvm::enumerate(onnxResults)) {
    if (!results[i])
      continue;
    Dims dims(input.dims.begin(), input.dims.end() - 1);
    dims.push_back(k);
    ONNXLowering::Operand result{lowering.reshape(results[i], {rows, k}, dims),
                                 dims};
    if (moved)
      result = transpose(lowering, result, inverse);
    lowering.map(onnxResult, result.value);
  }
  return success();
}

} // namespace

void mlir::trine::registerTopKLowerings(ONNXLoweringRegistry &registry) {
  registry.add("TopK", lowerTopK);
}
