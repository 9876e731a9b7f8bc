// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verification.h"

using namespace mlir;
using namespace mlir::trine;

/// All of `values` have one element type.
static LogicalResult verifySameElementType(Operation *op, ValueRange values) {
  Type expected = getElementTypeOrSelf(values[0].getType());
  for (Value value : values)
    if (Type type = getElementTypeOrSelf(value.getType()); type != expected)
      return op->emitOpError()
             << "operands and results must have one element type, got "
             << expected << " and " << type;
  return success();
}

/// Mask values come with additive masks alone, an offset with causal ones
/// alone: one for all sequences, or one for each of those of `query`.
static LogicalResult verifyMask(Operation *op, MaskKind kind, Value mask,
                                Value offset, const NamedTensor &query) {
  if (static_cast<bool>(mask) != (kind == MaskKind::Additive))
    return op->emitOpError()
           << "'mask_values' must be given exactly with an additive mask";
  if (offset && kind != MaskKind::Causal)
    return op->emitOpError() << "'offset' needs a causal mask";
  if (offset && cast<RankedTensorType>(offset.getType()).getRank() == 1)
    return verifySameSize(op, NamedTensor("offset", offset), 0, query, 0);
  return success();
}

/// output is [batch, heads, queries, values' width] and lse the same without
/// the last.
static LogicalResult verifyResults(Operation *op, const NamedTensor &query,
                                   const NamedTensor &value, int64_t valueDim,
                                   Value outputValue, Value lseValue) {
  NamedTensor output("output", outputValue), lse("lse", lseValue);
  if (failed(verifyRank(op, output, 4)) || failed(verifyRank(op, lse, 3)))
    return failure();
  for (int64_t i = 0; i < 3; ++i)
    if (failed(verifySameSize(op, output, i, query, i)) ||
        failed(verifySameSize(op, lse, i, query, i)))
      return failure();
  return verifySameSize(op, output, 3, value, valueDim);
}

/// Sizes aligned at the end are 1 or those of [batch, heads, queries, keys].
static LogicalResult verifyMaskShape(Operation *op, const NamedTensor &mask,
                                     const NamedTensor &query,
                                     const NamedTensor &key, int64_t keyDim) {
  int64_t rank = mask.type.getRank();
  if (rank > 4)
    return op->emitOpError()
           << "'mask_values' must have rank 4 or less, got " << mask.type;
  for (int64_t i = 1; i <= rank; ++i) {
    if (mask.type.getDimSize(rank - i) == 1)
      continue;
    LogicalResult same = i == 1
                             ? verifySameSize(op, mask, rank - 1, key, keyDim)
                             : verifySameSize(op, mask, rank - i, query, 4 - i);
    if (failed(same))
      return failure();
  }
  return success();
}

void AttentionOp::build(OpBuilder &builder, OperationState &state, Type output,
                        Type lse, Value query, Value key, Value value,
                        Value mask, Value offset, APFloat scale,
                        MaskKind maskKind, MaskedRow maskedRow,
                        FloatAttr softCap) {
  build(builder, state, output, lse, query, key, value, mask, offset,
        /*partial=*/Value(), ValueRange(), ValueRange(), scale, maskKind,
        maskedRow, softCap);
}

static SmallVector<Value> withFirst(Value first, ValueRange more) {
  SmallVector<Value> all = {first};
  llvm::append_range(all, more);
  return all;
}

SmallVector<Value> AttentionOp::getQueryParts() {
  return withFirst(getQuery(), getMoreQueries());
}

SmallVector<Value> AttentionOp::getKeyParts() {
  return withFirst(getKey(), getMoreKeys());
}

/// Sizes of one query and its key, against the first query and key.
static LogicalResult verifyPart(AttentionOp op, const NamedTensor &query,
                                const NamedTensor &key) {
  NamedTensor first("query", op.getQuery()), keys("key", op.getKey());
  // attention_c1
  if (failed(verifyRank(op, query, 4)) || failed(verifyRank(op, key, 4)))
    return failure();
  // attention_c2
  for (int64_t i = 0; i < 3; ++i)
    if (failed(verifySameSize(op, query, i, first, i)))
      return failure();
  if (failed(verifySameSize(op, key, 0, first, 0)) ||
      failed(verifySameSize(op, key, 2, keys, 2)) ||
      failed(verifySameSize(op, key, 3, query, 3)))
    return failure();
  // attention_c3
  int64_t heads = first.type.getDimSize(1), groups = key.type.getDimSize(1);
  if (!ShapedType::isDynamic(heads) && !ShapedType::isDynamic(groups) &&
      (groups == 0 || heads % groups != 0))
    return op.emitOpError()
           << "heads of 'query' must be a multiple of those of '" << key.name
           << "', " << groups << ", got " << heads;
  return success();
}

/// attention_c5 and attention_c8 of parts to be joined.
static LogicalResult verifyPartial(AttentionOp op, const NamedTensor &query,
                                   const NamedTensor &value) {
  NamedTensor partial("partial", op.getPartial()),
      output("output", op.getOutput()), lse("lse", op.getLse());
  if (failed(verifyRank(op, partial, 5)) || failed(verifyRank(op, output, 5)) ||
      failed(verifyRank(op, lse, 4)))
    return failure();
  for (int64_t i = 0; i < 5; ++i)
    if (failed(verifySameSize(op, output, i, partial, i)) ||
        (i < 4 && failed(verifySameSize(op, lse, i, partial, i))) ||
        (i > 0 && i < 4 &&
         failed(verifySameSize(op, partial, i, query, i - 1))))
      return failure();
  if (failed(verifySameSize(op, partial, 4, value, 3)) ||
      failed(verifySameElementType(op, {op.getPartial(), op.getOutput()})))
    return failure();
  bool isDouble = value.type.getElementType().isF64();
  if (isDouble != partial.type.getElementType().isF64())
    return op.emitOpError()
           << "'partial' must have elements of type "
           << (isDouble ? "f64" : "f32") << ", got " << partial.type;
  return success();
}

LogicalResult AttentionOp::verify() {
  NamedTensor query("query", getQuery()), key("key", getKey()),
      value("value", getValue());
  // attention_c9
  if (getMoreQueries().size() != getMoreKeys().size())
    return emitOpError() << "needs as many 'more_queries' as 'more_keys', got "
                         << getMoreQueries().size() << " and "
                         << getMoreKeys().size();
  // attention_c1, attention_c2
  if (failed(verifyRank(*this, value, 4)) ||
      failed(verifyPart(*this, query, key)) ||
      failed(verifySameSize(*this, value, 0, query, 0)) ||
      failed(verifySameSize(*this, value, 1, key, 1)) ||
      failed(verifySameSize(*this, value, 2, key, 2)))
    return failure();
  for (auto [moreQuery, moreKey] :
       llvm::zip_equal(getMoreQueries(), getMoreKeys()))
    if (failed(verifyPart(*this, NamedTensor("more_queries", moreQuery),
                          NamedTensor("more_keys", moreKey))))
      return failure();
  // attention_c4
  if (failed(verifyMask(*this, getMaskKind(), getMask(), getOffset(), query)))
    return failure();
  // attention_c7
  if (getMask() &&
      failed(verifyMaskShape(*this, NamedTensor("mask_values", getMask()),
                             query, key, 2)))
    return failure();
  // attention_c6
  if (getSoftCap() && !(getSoftCap()->convertToDouble() > 0))
    return emitOpError() << "'soft_cap' must be positive, got "
                         << getSoftCap()->convertToDouble();
  // attention_c8
  SmallVector<Value> values = getQueryParts();
  llvm::append_range(values, getKeyParts());
  values.append({getValue(), getPartial() ? getValue() : getOutput()});
  if (failed(verifySameElementType(*this, values)))
    return failure();
  // attention_c5
  if (getPartial())
    return verifyPartial(*this, query, value);
  return verifyResults(*this, query, value, 3, getOutput(), getLse());
}

/// mla_c8: the cache of expanded keys and values, before and after.
static LogicalResult verifyPast(MLAAttentionOp op, const NamedTensor &qNope,
                                const NamedTensor &qRope,
                                const NamedTensor &wUV) {
  NamedTensor keys("past keys", op.getPast()[0]),
      values("past values", op.getPast()[1]),
      presentKeys("present keys", op.getPresent()[0]),
      presentValues("present values", op.getPresent()[1]);
  for (const NamedTensor *tensor :
       {&keys, &values, &presentKeys, &presentValues})
    if (failed(verifyRank(op, *tensor, 4)) ||
        failed(verifySameSize(op, *tensor, 0, qNope, 0)) ||
        failed(verifySameSize(op, *tensor, 1, qNope, 1)))
      return failure();
  int64_t nope = qNope.type.getDimSize(3), rope = qRope.type.getDimSize(3);
  if (!ShapedType::isDynamic(nope) && !ShapedType::isDynamic(rope) &&
      failed(verifySize(op, keys, 3, nope + rope)))
    return failure();
  if (failed(verifySameSize(op, values, 3, wUV, 2)) ||
      failed(verifySameSize(op, values, 2, keys, 2)) ||
      failed(verifySameSize(op, presentKeys, 3, keys, 3)) ||
      failed(verifySameSize(op, presentValues, 3, values, 3)))
    return failure();
  return verifySameSize(op, presentValues, 2, presentKeys, 2);
}

LogicalResult MLAAttentionOp::verify() {
  NamedTensor qNope("q_nope", getQNope()), qRope("q_rope", getQRope()),
      latent("latent", getLatent()), kRope("k_rope", getKRope()),
      wUK("w_uk", getWUk()), wUV("w_uv", getWUv());
  // mla_c1
  for (auto [tensor, rank] : {std::pair(&qNope, 4),
                              {&qRope, 4},
                              {&latent, 3},
                              {&kRope, 3},
                              {&wUK, 3},
                              {&wUV, 3}})
    if (failed(verifyRank(*this, *tensor, rank)))
      return failure();
  // mla_c2
  for (int64_t i = 0; i < 3; ++i)
    if (failed(verifySameSize(*this, qRope, i, qNope, i)))
      return failure();
  if (failed(verifySameSize(*this, latent, 0, qNope, 0)) ||
      failed(verifySameSize(*this, kRope, 0, latent, 0)) ||
      failed(verifySameSize(*this, kRope, 1, latent, 1)))
    return failure();
  // mla_c3
  if (failed(verifySameSize(*this, wUK, 0, latent, 2)) ||
      failed(verifySameSize(*this, wUV, 0, latent, 2)))
    return failure();
  // mla_c4
  if (failed(verifySameSize(*this, wUK, 1, qNope, 1)) ||
      failed(verifySameSize(*this, wUK, 2, qNope, 3)) ||
      failed(verifySameSize(*this, wUV, 1, qNope, 1)) ||
      failed(verifySameSize(*this, kRope, 2, qRope, 3)))
    return failure();
  // mla_c5
  if (failed(verifyMask(*this, getMaskKind(), getMask(), getOffset(), qNope)))
    return failure();
  // mla_c7
  if (getPast().size() != getPresent().size() ||
      (!getPast().empty() && getPast().size() != 2))
    return emitOpError() << "'past' and 'present' must be keys and values, or "
                            "absent, got "
                         << getPast().size() << " and " << getPresent().size();
  if (getPast().empty() && getRopeFirst())
    return emitOpError() << "'rope_first' needs 'past'";
  if (!getPast().empty() && getForm() != LatentForm::Decompressed)
    return emitOpError() << "'form' must be decompressed with 'past', got "
                         << stringifyLatentForm(getForm());
  if (!getPast().empty() && failed(verifyPast(*this, qNope, qRope, wUV)))
    return failure();
  if (getMask()) {
    NamedTensor keys = getPast().empty()
                           ? latent
                           : NamedTensor("present keys", getPresent()[0]);
    if (failed(verifyMaskShape(*this, NamedTensor("mask_values", getMask()),
                               qNope, keys, getPast().empty() ? 1 : 2)))
      return failure();
  }
  // mla_c9
  SmallVector<Value> values(getOperands().take_front(6));
  llvm::append_range(values, getPast());
  values.push_back(getOutput());
  llvm::append_range(values, getPresent());
  if (failed(verifySameElementType(*this, values)))
    return failure();
  // mla_c10
  if (getSoftCap() && !(getSoftCap()->convertToDouble() > 0))
    return emitOpError() << "'soft_cap' must be positive, got "
                         << getSoftCap()->convertToDouble();
  // mla_c6
  return verifyResults(*this, qNope, wUV, 2, getOutput(), getLse());
}

LogicalResult MergeOp::verify() {
  // merge_c1: SameVariadicOperandSize makes the counts equal.
  if (getOutputs().empty())
    return emitOpError() << "needs at least one part";
  // merge_c2
  for (Value part : getOutputs())
    if (part.getType() != getOutput().getType())
      return emitOpError() << "parts must have the result's type "
                           << getOutput().getType() << ", got "
                           << part.getType();
  for (Value part : getLses())
    if (part.getType() != getLse().getType())
      return emitOpError() << "log-sum-exps must have the result's type "
                           << getLse().getType() << ", got " << part.getType();
  // merge_c3
  NamedTensor output("output", getOutput()), lse("lse", getLse());
  if (output.type.getRank() < 1)
    return emitOpError() << "'output' must have rank 1 or more, got "
                         << output.type;
  if (failed(verifyRank(*this, lse, output.type.getRank() - 1)))
    return failure();
  for (int64_t i = 0; i < lse.type.getRank(); ++i)
    if (failed(verifySameSize(*this, lse, i, output, i)))
      return failure();
  return success();
}
