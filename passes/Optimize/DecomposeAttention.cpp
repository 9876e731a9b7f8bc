// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.attention, trine.mla.attention and trine.merge as products, masks and
// a softmax. Keys, values and latents are read where they lie: no repetition
// of shared heads, no transposed copies.
#include "DecomposeComposites.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = LinalgBuilder::Sizes;

static Value multiplyAdd(ImplicitLocOpBuilder &b, ValueRange s) {
  return arith::AddFOp::create(b, s[2], arith::MulFOp::create(b, s[0], s[1]));
}

/// Sum over the last of `sizes.size() + 1` loops of a product, in the compute
/// type; the maps of the operands are given as loop numbers.
static Value contract(LinalgBuilder &b, Value left, ArrayRef<int64_t> leftLoops,
                      Value right, ArrayRef<int64_t> rightLoops,
                      ArrayRef<OpFoldResult> sizes) {
  unsigned loops = sizes.size() + 1;
  Type type =
      LinalgBuilder::computeType(LinalgBuilder::typeOf(left).getElementType());
  return b.reduce({{left, b.select(loops, leftLoops)},
                   {right, b.select(loops, rightLoops)}},
                  loops, static_cast<int64_t>(loops) - 1, sizes,
                  b.number(0, type), multiplyAdd);
}

/// `tensor` of `sizes` rounded to `elementType`.
static Value roundTo(LinalgBuilder &b, Value tensor,
                     ArrayRef<OpFoldResult> sizes, Type elementType) {
  if (LinalgBuilder::typeOf(tensor).getElementType() == elementType)
    return tensor;
  return b.map({{tensor, b.getMultiDimIdentityMap(sizes.size())}}, sizes,
               elementType,
               [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
}

static Value expand(LinalgBuilder &b, Value tensor,
                    ArrayRef<OpFoldResult> sizes,
                    ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> dims;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, dims);
  auto type = RankedTensorType::get(
      dims, LinalgBuilder::typeOf(tensor).getElementType());
  return tensor::ExpandShapeOp::create(b, type, tensor, groups, sizes);
}

static Value collapse(LinalgBuilder &b, Value tensor,
                      ArrayRef<ReassociationIndices> groups) {
  return tensor::CollapseShapeOp::create(b, tensor, groups);
}

/// The product of sizes, as arithmetic on indices.
static OpFoldResult multiply(LinalgBuilder &b, ArrayRef<OpFoldResult> sizes) {
  int64_t factor = 1;
  Value product;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> known = getConstantIntValue(size)) {
      factor *= *known;
      continue;
    }
    Value value = b.indexOf(size);
    product = product ? b.createOrFold<arith::MulIOp>(product, value) : value;
  }
  if (!product)
    return b.getIndexAttr(factor);
  if (factor != 1)
    product = b.createOrFold<arith::MulIOp>(product, b.index(factor));
  return product;
}

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
  Value scale = b.number(masking.scale, type), cap, infinity, offset;
  if (masking.softCap > 0)
    cap = b.number(masking.softCap, type);
  if (masking.kind == MaskKind::Causal) {
    infinity = b.number(-std::numeric_limits<double>::infinity(), type);
    if (masking.offset)
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
          Value last =
              arith::AddIOp::create(b, linalg::IndexOp::create(b, 2), offset);
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
  Value scores = collapse(b, masked, {{0, 1, 2}, {3}});
  Sizes rows = {multiply(b, ArrayRef(sizes).drop_back())},
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
  result.weights = expand(b, weights, sizes, {{0, 1, 2}, {3}});
  if (wantsLse) {
    AffineMap row = b.getMultiDimIdentityMap(1);
    Value lse = b.map(
        {{top, row}, {sum, row}}, rows, b.getF32Type(),
        [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
          Value lse =
              arith::AddFOp::create(b, s[0], math::LogOp::create(b, s[1]));
          return arith::SelectOp::create(b, isEmpty(b, s[0]), infinity, lse);
        });
    result.lse = expand(b, lse, ArrayRef(sizes).drop_back(), {{0, 1, 2}});
  }
  return result;
}

/// softmax(mask(query · keyᵀ)) · value for query [B, H, S, K], key [B, G, T, K]
/// and value [B, G, T, V]; the output in the compute type.
static FailureOr<SmallVector<Value>> attend(LinalgBuilder &b, Operation *op,
                                            Value query, Value key, Value value,
                                            const Masking &masking,
                                            bool wantsLse) {
  Sizes q = b.sizes(query), k = b.sizes(key), v = b.sizes(value);
  std::optional<int64_t> heads = getConstantIntValue(q[1]),
                         groups = getConstantIntValue(k[1]);
  if (!heads || !groups)
    return op->emitError() << "'" << op->getName()
                           << "' needs known numbers of heads, got "
                           << query.getType() << " and " << key.getType();
  int64_t repeats = *groups == 0 ? 1 : *heads / *groups;
  // Heads that share a key are rows of one product.
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}, {3}, {4}},
                                    join = {{0}, {1}, {2, 3}, {4}};
  OpFoldResult rows = q[2], group = b.getIndexAttr(*groups),
               repeat = b.getIndexAttr(repeats);
  if (repeats > 1) {
    query = collapse(
        b, expand(b, query, {q[0], group, repeat, q[2], q[3]}, split), join);
    rows = multiply(b, {repeat, q[2]});
  }
  auto toGroups = [&](Value tensor) {
    if (repeats == 1)
      return tensor;
    OpFoldResult width = b.size(tensor, 3);
    return collapse(
        b, expand(b, tensor, {q[0], group, repeat, q[2], width}, split), join);
  };
  auto toHeads = [&](Value tensor) {
    if (repeats == 1)
      return tensor;
    OpFoldResult width = b.size(tensor, 3);
    return collapse(
        b, expand(b, tensor, {q[0], group, repeat, q[2], width}, join), split);
  };
  Value scores = contract(b, query, {0, 1, 2, 4}, key, {0, 1, 3, 4},
                          {q[0], group, rows, k[2]});
  Weights weights =
      softmax(b, maskScores(b, toHeads(scores), masking), masking, wantsLse);
  Value output = contract(b, toGroups(weights.weights), {0, 1, 2, 4}, value,
                          {0, 1, 4, 3}, {q[0], group, rows, v[3]});
  return SmallVector<Value>{toHeads(output), weights.lse};
}

Decomposed mlir::trine::decompose(AttentionOp op, LinalgBuilder &b) {
  Masking masking{op.getMaskKind(), op.getMaskedRow(), op.getMask(),
                  op.getOffset(), op.getScale().convertToDouble()};
  if (op.getSoftCap())
    masking.softCap = op.getSoftCap()->convertToDouble();
  Decomposed values = attend(b, op, op.getQuery(), op.getKey(), op.getValue(),
                             masking, !op.getLse().use_empty());
  if (failed(values))
    return failure();
  (*values)[0] =
      roundTo(b, (*values)[0], b.sizes((*values)[0]),
              LinalgBuilder::typeOf(op.getOutput()).getElementType());
  return values;
}

//===----------------------------------------------------------------------===//
// trine.mla.attention
//===----------------------------------------------------------------------===//

namespace {
/// One latent attention on its way to linalg.
struct LatentAttention {
  LatentAttention(MLAAttentionOp op, LinalgBuilder &b)
      : op(op), b(b), query(b.sizes(op.getQNope())),
        latent(b.sizes(op.getLatent())), key(b.sizes(op.getWUk())),
        value(b.sizes(op.getWUv())),
        elementType(LinalgBuilder::typeOf(op.getLatent()).getElementType()),
        masking{op.getMaskKind(), op.getMaskedRow(), op.getMask(),
                op.getOffset(), op.getScale().convertToDouble()} {}

  Decomposed run();

private:
  Value project(Value weight);
  std::pair<Value, Value> keysAndValues();
  Decomposed decompressed();
  Decomposed absorbed();
  Decomposed expanded();

  MLAAttentionOp op;
  LinalgBuilder &b;
  Sizes query, latent, key, value;
  Type elementType;
  Masking masking;
};
} // namespace

/// latent [B, T, R] · weight [R, H, X]: [B, T, H, X], rounded.
Value LatentAttention::project(Value weight) {
  Sizes sizes = b.sizes(weight);
  Value rows = collapse(b, op.getLatent(), {{0, 1}, {2}}),
        columns = collapse(b, weight, {{0}, {1, 2}});
  Type type = LinalgBuilder::computeType(elementType);
  Sizes flat = {multiply(b, {latent[0], latent[1]}),
                multiply(b, {sizes[1], sizes[2]})};
  Value zeros = b.filled(flat, b.number(0, type));
  Value product = linalg::MatmulOp::create(b, zeros.getType(),
                                           ValueRange{rows, columns}, zeros)
                      .getResult(0);
  return expand(b, roundTo(b, product, flat, elementType),
                {latent[0], latent[1], sizes[1], sizes[2]}, {{0, 1}, {2, 3}});
}

/// Where `part` begins in the last dim of the weight it is a slice of, which
/// has nothing else that is left out.
static std::optional<int64_t> beginOf(tensor::ExtractSliceOp part) {
  auto type = part.getSourceType();
  if (!type.hasStaticShape() || type.getRank() != 3 ||
      part.getResultType().getRank() != 3)
    return std::nullopt;
  for (int64_t i = 0; i < 3; ++i)
    if (part.isDynamicOffset(i) || part.isDynamicSize(i) ||
        part.isDynamicStride(i) || part.getStaticStride(i) != 1 ||
        (i < 2 && part.getStaticSize(i) != type.getDimSize(i)))
      return std::nullopt;
  return part.getStaticOffset(2);
}

/// k_nope [B, T, H, N] and v [B, T, H, V]; one product if both weights are
/// parts of one.
std::pair<Value, Value> LatentAttention::keysAndValues() {
  auto up = op.getWUk().getDefiningOp<tensor::ExtractSliceOp>(),
       down = op.getWUv().getDefiningOp<tensor::ExtractSliceOp>();
  if (!up || !down || up.getSource() != down.getSource())
    return {project(op.getWUk()), project(op.getWUv())};
  std::optional<int64_t> upAt = beginOf(up), downAt = beginOf(down);
  if (!upAt || !downAt)
    return {project(op.getWUk()), project(op.getWUv())};
  Value both = project(up.getSource());
  auto part = [&](int64_t begin, OpFoldResult width) {
    Sizes offsets(4, b.getIndexAttr(0)), sizes = b.sizes(both);
    offsets[3] = b.getIndexAttr(begin);
    sizes[3] = width;
    return b.slice(both, offsets, sizes);
  };
  return {part(*upAt, key[2]), part(*downAt, value[2])};
}

Decomposed LatentAttention::decompressed() {
  auto [nope, values] = keysAndValues();
  Sizes scoreSizes = {query[0], query[1], query[2], latent[1]};
  // b h s t and the summed dim
  Value scores[] = {
      contract(b, op.getQNope(), {0, 1, 2, 4}, nope, {0, 3, 1, 4}, scoreSizes),
      contract(b, op.getQRope(), {0, 1, 2, 4}, op.getKRope(), {0, 3, 4},
               scoreSizes)};
  Weights weights = softmax(b, maskScores(b, scores, masking), masking,
                            !op.getLse().use_empty());
  Value output =
      contract(b, weights.weights, {0, 1, 2, 4}, values, {0, 4, 1, 3},
               {query[0], query[1], query[2], value[2]});
  return SmallVector<Value>{output, weights.lse};
}

Decomposed LatentAttention::absorbed() {
  Value onLatent =
      contract(b, op.getQNope(), {0, 1, 2, 4}, op.getWUk(), {3, 1, 4},
               {query[0], query[1], query[2], latent[2]});
  Sizes scoreSizes = {query[0], query[1], query[2], latent[1]};
  Value scores[] = {contract(b, onLatent, {0, 1, 2, 4}, op.getLatent(),
                             {0, 3, 4}, scoreSizes),
                    contract(b, op.getQRope(), {0, 1, 2, 4}, op.getKRope(),
                             {0, 3, 4}, scoreSizes)};
  Weights weights = softmax(b, maskScores(b, scores, masking), masking,
                            !op.getLse().use_empty());
  Value mixed = contract(b, weights.weights, {0, 1, 2, 4}, op.getLatent(),
                         {0, 4, 3}, {query[0], query[1], query[2], latent[2]});
  Value output = contract(b, mixed, {0, 1, 2, 4}, op.getWUv(), {4, 1, 3},
                          {query[0], query[1], query[2], value[2]});
  return SmallVector<Value>{output, weights.lse};
}

/// Two sizes added.
static OpFoldResult add(LinalgBuilder &b, OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> left = getConstantIntValue(x),
                         right = getConstantIntValue(y);
  if (left && right)
    return b.getIndexAttr(*left + *right);
  return b.createOrFold<arith::AddIOp>(b.indexOf(x), b.indexOf(y));
}

/// `part` written into `tensor` from (0, 0, row, column) on.
static Value insert(LinalgBuilder &b, Value part, Value tensor,
                    OpFoldResult row, OpFoldResult column) {
  OpFoldResult zero = b.getIndexAttr(0);
  Sizes offsets = {zero, zero, row, column}, strides(4, b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, part, tensor, offsets, b.sizes(part),
                                       strides);
}

/// [B, T, H, X] as [B, H, T, X].
static Value headsFirst(LinalgBuilder &b, Value tensor) {
  Sizes sizes = b.sizes(tensor);
  return b.map({{tensor, b.select(4, {0, 2, 1, 3})}},
               {sizes[0], sizes[2], sizes[1], sizes[3]},
               LinalgBuilder::typeOf(tensor).getElementType(),
               [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
}

Decomposed LatentAttention::expanded() {
  auto [nope, values] = keysAndValues();
  Value rope = b.map({{op.getKRope(), b.select(4, {0, 2, 3})}},
                     {latent[0], query[1], latent[1], b.size(op.getKRope(), 2)},
                     elementType,
                     [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
  Value queries[] = {op.getQNope(), op.getQRope()},
        keys[] = {headsFirst(b, nope), rope};
  if (op.getRopeFirst()) {
    std::swap(queries[0], queries[1]);
    std::swap(keys[0], keys[1]);
  }
  Value pastKey = op.getPast()[0], pastValue = op.getPast()[1];
  OpFoldResult zero = b.getIndexAttr(0), first = b.size(keys[0], 3),
               width = b.size(pastKey, 3), past = b.size(pastKey, 2),
               rows = add(b, past, latent[1]);
  Value q = b.empty({query[0], query[1], query[2], width}, elementType);
  q = insert(b, queries[0], q, zero, zero);
  q = insert(b, queries[1], q, zero, first);
  Value k = b.empty({query[0], query[1], rows, width}, elementType);
  k = insert(b, pastKey, k, zero, zero);
  k = insert(b, keys[0], k, past, zero);
  k = insert(b, keys[1], k, past, first);
  Value v = b.empty({query[0], query[1], rows, value[2]}, elementType);
  v = insert(b, pastValue, v, zero, zero);
  v = insert(b, headsFirst(b, values), v, past, zero);
  Decomposed outputs =
      attend(b, op, q, k, v, masking, !op.getLse().use_empty());
  if (failed(outputs))
    return failure();
  outputs->append({k, v});
  return outputs;
}

Decomposed LatentAttention::run() {
  Decomposed values = !op.getPast().empty()                  ? expanded()
                      : op.getForm() == LatentForm::Absorbed ? absorbed()
                                                             : decompressed();
  if (failed(values))
    return failure();
  (*values)[0] =
      roundTo(b, (*values)[0], b.sizes((*values)[0]),
              LinalgBuilder::typeOf(op.getOutput()).getElementType());
  return values;
}

Decomposed mlir::trine::decompose(MLAAttentionOp op, LinalgBuilder &b) {
  return LatentAttention(op, b).run();
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
