// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.attention for kernels: on ranges of keys, so that few rows on a long
// past are work for many workgroups, and the join of the ranges.
#include "DecomposeComposites.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include <numeric>

using namespace mlir;
using namespace mlir::trine;

using Sizes = LinalgBuilder::Sizes;

/// Workgroups to aim at where the heads and queries alone give fewer. It
/// depends on no machine, so that results do not either.
static constexpr int64_t kWorkgroups = 32;
/// Keys that a range should have at least, so that its queries' preparation
/// and the join of its result cost little beside it.
static constexpr int64_t kRangeKeys = 256;
/// Queries that one workgroup takes.
static constexpr int64_t kRows = 32;

bool mlir::trine::isForKernel(AttentionOp op) {
  auto dims = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getShape();
  };
  bool isDouble = LinalgBuilder::typeOf(op.getValue()).getElementType().isF64();
  if (ShapedType::isDynamic(dims(op.getQuery())[1]) ||
      ShapedType::isDynamic(dims(op.getValue())[3]))
    return false;
  // A block of queries must fit the memory of a workgroup.
  int64_t width = isDouble ? kAttentionWidth / 2 : kAttentionWidth;
  return llvm::all_of(op.getKeyParts(), [&](Value key) {
    return !ShapedType::isDynamic(dims(key)[1]) && dims(key)[1] > 0 &&
           !ShapedType::isDynamic(dims(key)[3]) && dims(key)[3] <= width;
  });
}

/// Heads of keys and values, no two of which belong to one head of all.
static int64_t separateHeads(AttentionOp op) {
  int64_t heads = 1;
  for (Value key : op.getKeyParts())
    heads =
        std::lcm(heads, cast<RankedTensorType>(key.getType()).getDimSize(1));
  return heads;
}

/// How many ranges the keys are cut into.
static Value countRanges(AttentionOp op, LinalgBuilder &b) {
  // A log-sum-exp is an f32: it would cost a join of f64 its precision.
  if (LinalgBuilder::typeOf(op.getValue()).getElementType().isF64())
    return b.index(1);
  Sizes query = b.sizes(op.getQuery());
  int64_t groups = separateHeads(op),
          repeats = *getConstantIntValue(query[1]) / groups;
  Value one = b.index(1);
  auto ceilDiv = [&](Value a, Value by) {
    return b.createOrFold<arith::CeilDivSIOp>(a, by);
  };
  Value blocks =
      ceilDiv(b.indexOf(b.multiply({b.getIndexAttr(repeats), query[2]})),
              b.index(kRows));
  Value others = b.createOrFold<arith::MulIOp>(
      blocks, b.indexOf(b.multiply({query[0], b.getIndexAttr(groups)})));
  Value wanted = ceilDiv(b.index(kWorkgroups),
                         b.createOrFold<arith::MaxSIOp>(others, one));
  Value possible = b.createOrFold<arith::MaxSIOp>(
      ceilDiv(b.indexOf(b.size(op.getKey(), 2)), b.index(kRangeKeys)), one);
  return b.createOrFold<arith::MinSIOp>(wanted, possible);
}

namespace {
/// The join of `output` [P, B, H, S, V] and `lse` [P, B, H, S].
struct Join {
  AttentionOp op;
  LinalgBuilder &b;
  Value output, lse, ranges;
  Sizes rows;
  Type type = b.getF32Type();
  Value infinity =
      b.number(-std::numeric_limits<double>::infinity(), b.getF32Type());
  Value zero = b.number(0, b.getF32Type());
  Value top = {}, sum = {};

  Value isEmpty(ImplicitLocOpBuilder &b, Value top) const {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, top, infinity);
  }
  void reduce();
  Value weights();
  Value joinedLse();
};
} // namespace

/// The largest log-sum-exp of each row, and the sum of all relative to it.
void Join::reduce() {
  AffineMap parts = b.select(4, {3, 0, 1, 2}), row = b.select(4, {0, 1, 2});
  top = b.reduce({{lse, parts}}, 4, 3, rows, infinity,
                 [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                   return arith::MaximumFOp::create(b, s[1], s[0]);
                 });
  sum = b.reduce({{lse, parts}, {top, row}}, 4, 3, rows, zero,
                 [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                   Value shift =
                       arith::SelectOp::create(b, isEmpty(b, s[1]), zero, s[1]);
                   Value power = math::ExpOp::create(
                       b, arith::SubFOp::create(b, s[0], shift));
                   return arith::AddFOp::create(b, s[2], power);
                 });
}

/// What each range counts, [B, H, S, P].
Value Join::weights() {
  AffineMap parts = b.select(4, {3, 0, 1, 2}), row = b.select(4, {0, 1, 2});
  Sizes all = rows;
  all.push_back(b.size(lse, 0));
  Value keys = b.indexOf(b.size(op.getKey(), 2)), none = b.index(0),
        unit = b.index(AttentionOp::kRangeUnit), perRange, total;
  if (op.getMaskedRow() == MaskedRow::Uniform) {
    Value units = b.createOrFold<arith::CeilDivSIOp>(
        keys, b.createOrFold<arith::MulIOp>(ranges, unit));
    perRange = b.createOrFold<arith::MulIOp>(units, unit);
    auto word = b.getI64Type();
    total = arith::SIToFPOp::create(
        b, type,
        arith::IndexCastOp::create(
            b, word, arith::MaxSIOp::create(b, keys, b.index(1)).getResult()));
  }
  // Where there are no keys at all, the output is 0.
  Value whereEmpty = zero;
  if (op.getMaskedRow() == MaskedRow::NaN) {
    Value hasKeys =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, keys, none);
    whereEmpty = arith::SelectOp::create(
        b, hasKeys, b.number(std::numeric_limits<double>::quiet_NaN(), type),
        zero);
  }
  return b.map(
      {{lse, parts}, {top, row}, {sum, row}}, all,
      LinalgBuilder::typeOf(output).getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value empty = isEmpty(b, s[1]);
        Value power =
            math::ExpOp::create(b, arith::SubFOp::create(b, s[0], s[1]));
        Value weight = arith::DivFOp::create(b, power, s[2]);
        Value other = whereEmpty;
        if (op.getMaskedRow() == MaskedRow::Uniform) {
          // The mean of all values, from those of the ranges.
          Value begin =
              arith::MulIOp::create(b, linalg::IndexOp::create(b, 3), perRange);
          Value left = arith::MaxSIOp::create(
              b, arith::SubIOp::create(b, keys, begin), none);
          Value count = arith::SIToFPOp::create(
              b, type,
              arith::IndexCastOp::create(
                  b, b.getI64Type(),
                  arith::MinSIOp::create(b, left, perRange).getResult()));
          other = arith::DivFOp::create(b, count, total);
        }
        return arith::SelectOp::create(b, empty, other, weight);
      });
}

Value Join::joinedLse() {
  AffineMap row = b.getMultiDimIdentityMap(3);
  return b.map(
      {{top, row}, {sum, row}}, rows, type,
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value lse =
            arith::AddFOp::create(b, s[0], math::LogOp::create(b, s[1]));
        return arith::SelectOp::create(b, isEmpty(b, s[0]), infinity, lse);
      });
}

Decomposed mlir::trine::schedule(AttentionOp op, LinalgBuilder &b) {
  Value ranges = countRanges(op, b);
  OpFoldResult count = getAsOpFoldResult(ranges);
  Sizes sizes = b.sizes(op.getQuery());
  sizes.back() = b.size(op.getValue(), 3);
  Sizes rows(ArrayRef(sizes).drop_back());
  sizes.insert(sizes.begin(), count);
  Type elementType = LinalgBuilder::typeOf(op.getValue()).getElementType();
  Value partial = b.empty(sizes, LinalgBuilder::computeType(elementType));
  auto type = LinalgBuilder::typeOf(partial);
  auto parts = AttentionOp::create(
      b, type,
      RankedTensorType::get(type.getShape().drop_back(), b.getF32Type()),
      op.getQuery(), op.getKey(), op.getValue(), op.getMask(), op.getOffset(),
      partial, op.getMoreQueries(), op.getMoreKeys(), op.getScale(),
      op.getMaskKind(), op.getMaskedRow(), op.getSoftCapAttr());
  Join join{op, b, parts.getOutput(), parts.getLse(), ranges, rows};
  join.reduce();
  Sizes outputs = rows;
  outputs.push_back(sizes.back());
  Value output = b.contract(parts.getOutput(), {4, 0, 1, 2, 3}, join.weights(),
                            {0, 1, 2, 4}, outputs);
  Value result = b.roundTo(
      output, outputs, LinalgBuilder::typeOf(op.getOutput()).getElementType());
  return SmallVector<Value>{result, op.getLse().use_empty() ? Value()
                                                            : join.joinedLse()};
}
