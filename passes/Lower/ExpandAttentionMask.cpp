// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which keys a query of an attention sees, and what masks add to their scores.
#include "ExpandAttentionImpl.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::attention;

/// [rows] of the workgroup: the number of keys that each query sees, and its
/// head and number where masks are read.
void AttentionExpansion::findSeen() {
  bool isCausal = op.getMaskKind() == MaskKind::Causal;
  if (!isCausal && !op.getMask())
    return;
  auto perRow =
      [&](llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> body) {
        Value tensor = tensor::EmptyOp::create(b, ArrayRef<int64_t>{blockRows},
                                               b.getI64Type());
        return generic({}, tensor, {dims(1, {0})}, "p",
                       [&](ImplicitLocOpBuilder &b, ValueRange) {
                         // Rows behind the last are like the last.
                         Value row = arith::AddIOp::create(
                             b, firstRow, linalg::IndexOp::create(b, 0));
                         Value last = arith::SubIOp::create(
                             b, rows, arith::ConstantIndexOp::create(b, 1));
                         row = arith::MinSIOp::create(b, row, last);
                         return SmallVector<Value>{arith::IndexCastOp::create(
                             b, b.getI64Type(), body(b, row))};
                       })
            .front();
      };
  auto queryOfRow = [&](ImplicitLocOpBuilder &b, Value row) -> Value {
    return repeats == 1 ? row
                        : arith::RemUIOp::create(b, row, length).getResult();
  };
  if (isCausal) {
    seen = perRow([&](ImplicitLocOpBuilder &b, Value row) -> Value {
      Value last = arith::AddIOp::create(b, queryOfRow(b, row), offset);
      return arith::AddIOp::create(b, last,
                                   arith::ConstantIndexOp::create(b, 1));
    });
    return;
  }
  queryOf = perRow(queryOfRow);
  if (repeats > 1)
    headOf = perRow([&](ImplicitLocOpBuilder &b, Value row) -> Value {
      Value head = arith::DivUIOp::create(b, row, length);
      Value before = arith::MulIOp::create(
          b, group, arith::ConstantIndexOp::create(b, repeats));
      return arith::AddIOp::create(b, before, head);
    });
}

/// An element of `offset`, within the bounds beyond which it changes nothing.
Value AttentionExpansion::readOffset(ValueRange place) {
  Value value = arith::IndexCastOp::create(
      b, b.getIndexType(), tensor::ExtractOp::create(b, op.getOffset(), place));
  return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, value, allKeys),
                                arith::SubIOp::create(b, index(0), length));
}

/// The keys of a range that any query of the block sees.
std::pair<Value, Value> AttentionExpansion::findKeys(Value range) {
  Value zero = index(0), one = index(1), unit = index(AttentionOp::kRangeUnit);
  Value units = arith::CeilDivUIOp::create(
      b, allKeys, arith::MulIOp::create(b, ranges, unit));
  Value perRange = arith::MulIOp::create(b, units, unit);
  Value begin = arith::MinUIOp::create(
      b, arith::MulIOp::create(b, range, perRange), allKeys);
  Value end = arith::MinUIOp::create(
      b, arith::AddIOp::create(b, begin, perRange), allKeys);
  if (op.getMaskKind() != MaskKind::Causal)
    return {begin, end};
  // The last and the first query of the block.
  Value lastRow = arith::SubIOp::create(b, length, one), early = zero;
  if (repeats == 1) {
    lastRow = arith::SubIOp::create(
        b, arith::AddIOp::create(b, firstRow, count), one);
    early = firstRow;
  }
  Value visible =
      arith::AddIOp::create(b, arith::AddIOp::create(b, lastRow, offset), one);
  Value cut =
      arith::MaxSIOp::create(b, begin, arith::MinSIOp::create(b, end, visible));
  if (op.getMaskedRow() == MaskedRow::Uniform) {
    // A query without keys counts them all.
    Value none =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                              arith::AddIOp::create(b, early, offset), zero);
    cut = arith::SelectOp::create(b, none, end, cut);
  }
  return {begin, cut};
}

/// What caps and masks make of the scores of the keys from `key` on.
Value AttentionExpansion::maskTile(Value scores, Value key) {
  Value cap =
      op.getSoftCap() ? number(op.getSoftCap()->convertToDouble()) : Value();
  if (!cap && !seen && !queryOf)
    return scores;
  Value infinity = number(-std::numeric_limits<double>::infinity());
  AffineMap row = dims(2, {1});
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (Value perRow : {seen, queryOf, headOf})
    if (perRow) {
      inputs.push_back(first(perRow, {padded}));
      maps.push_back(row);
    }
  maps.push_back(dims(2, {0, 1}));
  return generic(
             inputs, scores, maps, "pp",
             [&](ImplicitLocOpBuilder &b, ValueRange s) {
               Value score = s.back();
               if (cap)
                 score = arith::MulFOp::create(
                     b,
                     math::TanhOp::create(b,
                                          arith::DivFOp::create(b, score, cap)),
                     cap);
               if (!seen && !queryOf)
                 return SmallVector<Value>{score};
               Value at =
                   arith::AddIOp::create(b, key, linalg::IndexOp::create(b, 0));
               if (seen) {
                 Value visible = arith::CmpIOp::create(
                     b, arith::CmpIPredicate::slt,
                     arith::IndexCastOp::create(b, b.getI64Type(), at), s[0]);
                 return SmallVector<Value>{
                     arith::SelectOp::create(b, visible, score, infinity)};
               }
               auto asIndex = [&](Value value) -> Value {
                 return arith::IndexCastOp::create(b, b.getIndexType(), value);
               };
               Value coordinates[] = {batch, headOf ? asIndex(s[1]) : group,
                                      asIndex(s[0]), at};
               auto type = cast<RankedTensorType>(op.getMask().getType());
               SmallVector<Value> indices;
               for (int64_t dim = 0; dim < type.getRank(); ++dim)
                 indices.push_back(
                     type.getDimSize(dim) == 1
                         ? arith::ConstantIndexOp::create(b, 0).getResult()
                         : coordinates[4 - type.getRank() + dim]);
               Value mask = tensor::ExtractOp::create(b, op.getMask(), indices);
               if (mask.getType().getIntOrFloatBitWidth() >
                   compute.getIntOrFloatBitWidth())
                 mask = arith::TruncFOp::create(b, compute, mask);
               return SmallVector<Value>{
                   arith::AddFOp::create(b, score, widen(b, mask))};
             })
      .front();
}
