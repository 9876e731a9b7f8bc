// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.mla.attention as trine.attention between products: on keys and values
// made from the latent, or on the latent itself, which is then key and value
// of all heads. Latents and caches are read where they lie.
#include "DecomposeComposites.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = LinalgBuilder::Sizes;

namespace {
/// One latent attention on its way to linalg.
struct LatentAttention {
  LatentAttention(MLAAttentionOp op, LinalgBuilder &b, bool separateRows)
      : op(op), b(b), separateRows(separateRows), query(b.sizes(op.getQNope())),
        latent(b.sizes(op.getLatent())), key(b.sizes(op.getWUk())),
        value(b.sizes(op.getWUv())),
        elementType(LinalgBuilder::typeOf(op.getLatent()).getElementType()) {}

  Decomposed run();

private:
  Value project(Value weight);
  std::pair<Value, Value> keysAndValues();
  AttentionOp attend(ArrayRef<Value> queries, ArrayRef<Value> keys,
                     Value value);
  Value oneHead(Value tensor);
  Decomposed decompressed();
  Decomposed absorbed();
  Decomposed expanded();

  MLAAttentionOp op;
  LinalgBuilder &b;
  bool separateRows;
  Sizes query, latent, key, value;
  Type elementType;
};
} // namespace

/// latent [B, T, R] · weight [R, H, X]: [B, T, H, X], rounded.
Value LatentAttention::project(Value weight) {
  Sizes sizes = b.sizes(weight);
  Value rows = b.collapse(op.getLatent(), {{0, 1}, {2}}),
        columns = b.collapse(weight, {{0}, {1, 2}});
  Type type = LinalgBuilder::computeType(elementType);
  Sizes flat = {b.multiply({latent[0], latent[1]}),
                b.multiply({sizes[1], sizes[2]})};
  Value zeros = b.filled(flat, b.number(0, type));
  Value product = linalg::MatmulOp::create(b, zeros.getType(),
                                           ValueRange{rows, columns}, zeros)
                      .getResult(0);
  return b.expand(b.roundTo(product, flat, elementType),
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

/// [B, T, H, X] as [B, H, T, X].
static Value headsFirst(LinalgBuilder &b, Value tensor) {
  Sizes sizes = b.sizes(tensor);
  return b.map({{tensor, b.select(4, {0, 2, 1, 3})}},
               {sizes[0], sizes[2], sizes[1], sizes[3]},
               LinalgBuilder::typeOf(tensor).getElementType(),
               [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
}

/// Attention of `queries` [B, H, S, K_p] on `keys` [B, G_p, T, K_p] and `value`
/// [B, G, T, V]; output and log-sum-exp.
AttentionOp LatentAttention::attend(ArrayRef<Value> queries,
                                    ArrayRef<Value> keys, Value value) {
  SmallVector<int64_t> lse(
      LinalgBuilder::typeOf(queries[0]).getShape().drop_back()),
      output(lse);
  output.push_back(LinalgBuilder::typeOf(value).getDimSize(3));
  return AttentionOp::create(
      b, RankedTensorType::get(output, elementType),
      RankedTensorType::get(lse, b.getF32Type()), queries[0], keys[0], value,
      op.getMask(), op.getOffset(), /*partial=*/Value(), queries.drop_front(),
      keys.drop_front(), op.getScale(), op.getMaskKind(), op.getMaskedRow(),
      op.getSoftCapAttr());
}

/// A tensor [B, T, X] as that of one head, [B, 1, T, X].
Value LatentAttention::oneHead(Value tensor) {
  Sizes sizes = b.sizes(tensor);
  return b.expand(tensor, {sizes[0], b.getIndexAttr(1), sizes[1], sizes[2]},
                  {{0, 1}, {2}, {3}});
}

Decomposed LatentAttention::decompressed() {
  auto [nope, values] = keysAndValues();
  Value key = headsFirst(b, nope), value = headsFirst(b, values),
        rope = oneHead(op.getKRope());
  AttentionOp attention =
      attend({op.getQNope(), op.getQRope()}, {key, rope}, value);
  return SmallVector<Value>{attention.getOutput(), attention.getLse()};
}

Decomposed LatentAttention::absorbed() {
  Sizes queries = {query[0], query[1], query[2], latent[2]},
        outputs = {query[0], query[1], query[2], value[2]};
  Value onLatent = b.roundTo(
      b.contract(op.getQNope(), {0, 1, 2, 4}, op.getWUk(), {3, 1, 4}, queries),
      queries, elementType);
  Value cache = oneHead(op.getLatent()), rope = oneHead(op.getKRope());
  AttentionOp attention =
      attend({onLatent, op.getQRope()}, {cache, rope}, cache);
  Value output = b.contract(attention.getOutput(), {0, 1, 2, 4}, op.getWUv(),
                            {4, 1, 3}, outputs);
  return SmallVector<Value>{output, attention.getLse()};
}

/// `part` written into `tensor` from (0, 0, row, column) on.
static Value insert(LinalgBuilder &b, Value part, Value tensor,
                    OpFoldResult row, OpFoldResult column) {
  OpFoldResult zero = b.getIndexAttr(0);
  Sizes offsets = {zero, zero, row, column}, strides(4, b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, part, tensor, offsets, b.sizes(part),
                                       strides);
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
               rows = b.add(past, latent[1]);
  Value q = b.empty({query[0], query[1], query[2], width}, elementType);
  q = insert(b, queries[0], q, zero, zero);
  q = insert(b, queries[1], q, zero, first);
  Value k = b.empty({query[0], query[1], rows, width}, elementType);
  k = insert(b, pastKey, k, zero, zero);
  if (separateRows) {
    Value added = b.empty({query[0], query[1], latent[1], width}, elementType);
    added = insert(b, keys[0], added, zero, zero);
    added = insert(b, keys[1], added, zero, first);
    k = insert(b, added, k, past, zero);
  } else {
    k = insert(b, keys[0], k, past, zero);
    k = insert(b, keys[1], k, past, first);
  }
  Value v = b.empty({query[0], query[1], rows, value[2]}, elementType);
  v = insert(b, pastValue, v, zero, zero);
  // The joins show whose rows they extend.
  v = insert(b, headsFirst(b, values), v,
             separateRows ? b.size(pastValue, 2) : past, zero);
  AttentionOp attention = attend(q, k, v);
  return SmallVector<Value>{attention.getOutput(), attention.getLse(), k, v};
}

Decomposed LatentAttention::run() {
  Decomposed values = !op.getPast().empty()                  ? expanded()
                      : op.getForm() == LatentForm::Absorbed ? absorbed()
                                                             : decompressed();
  if (failed(values))
    return failure();
  (*values)[0] =
      b.roundTo((*values)[0], b.sizes((*values)[0]),
                LinalgBuilder::typeOf(op.getOutput()).getElementType());
  return values;
}

Decomposed mlir::trine::decompose(MLAAttentionOp op, LinalgBuilder &b,
                                  bool separateRows) {
  return LatentAttention(op, b, separateRows).run();
}
