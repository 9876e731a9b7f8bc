// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.attention and trine.merge as products, masks and a softmax, for
// attention that no kernel takes as a whole. Keys and values are read where
// they lie: no repetition of shared heads, no transposed copies.
#include "DecomposeComposites.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = LinalgBuilder::Sizes;

namespace {
/// What masks scores, and what a row without keys gives.
struct Masking {
  MaskKind kind;
  MaskedRow maskedRow;
  Value mask, offset;
  double scale;
  double softCap = 0;
};

/// Weights [B, H, S, T] and log-sum-exp [B, H, S] (null if not asked for).
struct Weights {
  Value weights, lse;
};
} // namespace

/// Scores as the sum of `parts` (each [B, H, S, T]), scaled, capped and masked.
static Value maskScores(LinalgBuilder &b, ArrayRef<Value> parts,
                        const Masking &masking) {
  Sizes sizes = b.sizes(parts[0]);
  Type type = LinalgBuilder::typeOf(parts[0]).getElementType();
  AffineMap identity = b.getMultiDimIdentityMap(4);
  SmallVector<LinalgBuilder::Input> inputs;
  for (Value part : parts)
    inputs.push_back({part, identity});
  if (masking.mask)
    inputs.push_back(b.broadcast(masking.mask, 4));
  Value scale = b.number(masking.scale, type), cap, infinity, offset,
        perSequence;
  if (masking.softCap > 0)
    cap = b.number(masking.softCap, type);
  if (masking.kind == MaskKind::Causal) {
    infinity = b.number(-std::numeric_limits<double>::infinity(), type);
    if (masking.offset && LinalgBuilder::typeOf(masking.offset).getRank() > 0)
      perSequence = masking.offset;
    else if (masking.offset)
      offset = arith::IndexCastOp::create(
          b, b.getIndexType(),
          tensor::ExtractOp::create(b, masking.offset, ValueRange()));
    else
      offset = b.createOrFold<arith::SubIOp>(b.indexOf(sizes[3]),
                                             b.indexOf(sizes[2]));
  }
  return b.map(
      inputs, sizes, type, [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value score = s[0];
        for (Value part : s.slice(1, parts.size() - 1))
          score = arith::AddFOp::create(b, score, part);
        if (masking.scale != 1)
          score = arith::MulFOp::create(b, score, scale);
        if (cap) {
          score = math::TanhOp::create(b, arith::DivFOp::create(b, score, cap));
          score = arith::MulFOp::create(b, score, cap);
        }
        if (masking.mask)
          score = arith::AddFOp::create(
              b, score, LinalgBuilder::convert(b, s.back(), type));
        if (masking.kind == MaskKind::Causal) {
          Value own = offset;
          if (perSequence)
            own = arith::IndexCastOp::create(
                b, b.getIndexType(),
                tensor::ExtractOp::create(
                    b, perSequence, ValueRange{linalg::IndexOp::create(b, 0)}));
          Value last =
              arith::AddIOp::create(b, linalg::IndexOp::create(b, 2), own);
          Value seen =
              arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                    linalg::IndexOp::create(b, 3), last);
          score = arith::SelectOp::create(b, seen, score, infinity);
        }
        return score;
      });
}

/// Softmax over the last dim of `scores` [B, H, S, T]. It goes over rows
/// [B * H * S, T]: masking then belongs to the product, not to the softmax.
static Weights softmax(LinalgBuilder &b, Value masked, const Masking &masking,
                       bool wantsLse) {
  Sizes sizes = b.sizes(masked);
  Value scores = b.collapse(masked, {{0, 1, 2}, {3}});
  Sizes rows = {b.multiply(ArrayRef(sizes).drop_back())},
        flat = {rows[0], sizes[3]};
  Type type = LinalgBuilder::typeOf(scores).getElementType();
  AffineMap identity = b.getMultiDimIdentityMap(2), perRow = b.select(2, {0});
  Value infinity = b.number(-std::numeric_limits<double>::infinity(), type);
  Value zero = b.number(0, type), one = b.number(1, type);
  // Only a mask can leave a row without keys.
  bool mayBeEmpty = masking.kind != MaskKind::None;
  auto isEmpty = [&](ImplicitLocOpBuilder &b, Value top) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, top, infinity);
  };

  Value top = b.reduce({{scores, identity}}, 2, 1, rows, infinity,
                       [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                         return arith::MaximumFOp::create(b, s[1], s[0]);
                       });
  Value powers = b.map(
      {{scores, identity}, {top, perRow}}, flat, type,
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        if (!mayBeEmpty || masking.maskedRow == MaskedRow::NaN)
          return math::ExpOp::create(b, arith::SubFOp::create(b, s[0], s[1]));
        Value empty = isEmpty(b, s[1]);
        Value shift = arith::SelectOp::create(b, empty, zero, s[1]);
        Value power =
            math::ExpOp::create(b, arith::SubFOp::create(b, s[0], shift));
        if (masking.maskedRow == MaskedRow::Uniform)
          power = arith::SelectOp::create(b, empty, one, power);
        return power;
      });
  Value sum = b.reduce({{powers, identity}}, 2, 1, rows, zero,
                       [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                         return arith::AddFOp::create(b, s[1], s[0]);
                       });
  Value weights =
      b.map({{powers, identity}, {sum, perRow}}, flat, type,
            [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
              Value divisor = s[1];
              if (mayBeEmpty && masking.maskedRow == MaskedRow::Zero) {
                Value empty = arith::CmpFOp::create(
                    b, arith::CmpFPredicate::OEQ, divisor, zero);
                divisor = arith::SelectOp::create(b, empty, one, divisor);
              }
              return arith::DivFOp::create(b, s[0], divisor);
            });
  Weights result;
  result.weights = b.expand(weights, sizes, {{0, 1, 2}, {3}});
  if (wantsLse) {
    AffineMap row = b.getMultiDimIdentityMap(1);
    Value lse = b.map(
        {{top, row}, {sum, row}}, rows, b.getF32Type(),
        [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
          Value lse =
              arith::AddFOp::create(b, s[0], math::LogOp::create(b, s[1]));
          return arith::SelectOp::create(b, isEmpty(b, s[0]), infinity, lse);
        });
    result.lse = b.expand(lse, ArrayRef(sizes).drop_back(), {{0, 1, 2}});
  }
  return result;
}

namespace {
/// Query heads that share the heads of one key or value: they are rows of one
/// product.
struct HeadGroups {
  HeadGroups(LinalgBuilder &b, Sizes query, int64_t heads, int64_t groups)
      : b(b), query(query), group(b.getIndexAttr(groups)), rows(query[2]),
        repeats(groups == 0 ? 1 : heads / groups) {
    if (repeats > 1)
      rows = b.multiply({b.getIndexAttr(repeats), query[2]});
  }
  /// [B, H, S, X] as [B, G, H/G * S, X].
  Value join(Value tensor) const {
    if (repeats == 1)
      return tensor;
    return b.collapse(b.expand(tensor, sizesOf(tensor), kSplit), kJoin);
  }
  /// [B, G, H/G * S, X] as [B, H, S, X].
  Value split(Value tensor) const {
    if (repeats == 1)
      return tensor;
    return b.collapse(b.expand(tensor, sizesOf(tensor), kJoin), kSplit);
  }

  LinalgBuilder &b;
  Sizes query;
  OpFoldResult group, rows;
  int64_t repeats;

private:
  Sizes sizesOf(Value tensor) const {
    return {query[0], group, b.getIndexAttr(repeats), query[2],
            b.size(tensor, 3)};
  }
  SmallVector<ReassociationIndices> kSplit = {{0}, {1, 2}, {3}, {4}},
                                    kJoin = {{0}, {1}, {2, 3}, {4}};
};
} // namespace

/// softmax(mask(sum of query · keyᵀ)) · value for queries [B, H, S, K_p], keys
/// [B, G_p, T, K_p] and value [B, G, T, V]; the output in the compute type.
static FailureOr<SmallVector<Value>> attend(LinalgBuilder &b, Operation *op,
                                            ArrayRef<Value> queries,
                                            ArrayRef<Value> keys, Value value,
                                            const Masking &masking,
                                            bool wantsLse) {
  Sizes query = b.sizes(queries[0]), values = b.sizes(value);
  std::optional<int64_t> heads = getConstantIntValue(query[1]);
  auto groupsOf = [&](Value tensor) -> FailureOr<HeadGroups> {
    std::optional<int64_t> groups = getConstantIntValue(b.size(tensor, 1));
    if (!heads || !groups)
      return op->emitError()
             << "'" << op->getName() << "' needs known numbers of heads, got "
             << queries[0].getType() << " and " << tensor.getType();
    return HeadGroups(b, query, *heads, *groups);
  };
  SmallVector<Value> parts;
  for (auto [part, key] : llvm::zip_equal(queries, keys)) {
    FailureOr<HeadGroups> groups = groupsOf(key);
    if (failed(groups))
      return failure();
    Value scores =
        b.contract(groups->join(part), {0, 1, 2, 4}, key, {0, 1, 3, 4},
                   {query[0], groups->group, groups->rows, b.size(key, 2)});
    parts.push_back(groups->split(scores));
  }
  FailureOr<HeadGroups> groups = groupsOf(value);
  if (failed(groups))
    return failure();
  Weights weights =
      softmax(b, maskScores(b, parts, masking), masking, wantsLse);
  Value output = b.contract(groups->join(weights.weights), {0, 1, 2, 4}, value,
                            {0, 1, 4, 3},
                            {query[0], groups->group, groups->rows, values[3]});
  return SmallVector<Value>{groups->split(output), weights.lse};
}

Decomposed mlir::trine::decompose(AttentionOp op, LinalgBuilder &b) {
  Masking masking{op.getMaskKind(), op.getMaskedRow(), op.getMask(),
                  op.getOffset(), op.getScale().convertToDouble()};
  if (op.getSoftCap())
    masking.softCap = op.getSoftCap()->convertToDouble();
  Decomposed values = attend(b, op, op.getQueryParts(), op.getKeyParts(),
                             op.getValue(), masking, !op.getLse().use_empty());
  if (failed(values))
    return failure();
  (*values)[0] =
      b.roundTo((*values)[0], b.sizes((*values)[0]),
                LinalgBuilder::typeOf(op.getOutput()).getElementType());
  return values;
}

//===----------------------------------------------------------------------===//
// trine.merge
//===----------------------------------------------------------------------===//

Decomposed mlir::trine::decompose(MergeOp op, LinalgBuilder &b) {
  Sizes sizes = b.sizes(op.getOutput()), rows = b.sizes(op.getLse());
  unsigned rank = sizes.size();
  size_t parts = op.getOutputs().size();
  Type type = b.getF32Type();
  Value infinity = b.number(-std::numeric_limits<double>::infinity(), type),
        zero = b.number(0, type);
  auto isEmpty = [&](ImplicitLocOpBuilder &b, Value lse) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, lse, infinity);
  };
  SmallVector<LinalgBuilder::Input> inputs;
  for (Value lse : op.getLses())
    inputs.push_back({lse, b.getMultiDimIdentityMap(rank - 1)});
  Value joined = b.map(
      inputs, rows, type, [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value top = s[0];
        for (Value lse : s.drop_front())
          top = arith::MaximumFOp::create(b, top, lse);
        Value empty = isEmpty(b, top);
        Value shift = arith::SelectOp::create(b, empty, zero, top);
        Value sum;
        for (Value lse : s) {
          Value power =
              math::ExpOp::create(b, arith::SubFOp::create(b, lse, shift));
          sum = sum ? arith::AddFOp::create(b, sum, power).getResult() : power;
        }
        Value lse = arith::AddFOp::create(b, top, math::LogOp::create(b, sum));
        return arith::SelectOp::create(b, empty, infinity, lse);
      });

  SmallVector<int64_t> outer = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  AffineMap identity = b.getMultiDimIdentityMap(rank),
            perRow = b.select(rank, outer);
  inputs.clear();
  for (Value output : op.getOutputs())
    inputs.push_back({output, identity});
  for (Value lse : op.getLses())
    inputs.push_back({lse, perRow});
  inputs.push_back({joined, perRow});
  Value output = b.map(
      inputs, sizes, LinalgBuilder::typeOf(op.getOutput()).getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value sum;
        for (size_t part = 0; part < parts; ++part) {
          Value lse = s[parts + part], empty = isEmpty(b, lse);
          Value weight =
              math::ExpOp::create(b, arith::SubFOp::create(b, lse, s.back()));
          Value term = arith::MulFOp::create(
              b, LinalgBuilder::convert(b, weight, s[part].getType()), s[part]);
          // Such a part adds nothing, whatever its output is.
          term = arith::SelectOp::create(
              b, empty, LinalgBuilder::convert(b, zero, term.getType()), term);
          sum = sum ? arith::AddFOp::create(b, sum, term).getResult() : term;
        }
        return sum;
      });
  return SmallVector<Value>{output, joined};
}
