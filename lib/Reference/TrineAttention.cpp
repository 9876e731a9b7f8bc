// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.attention, trine.mla.attention and trine.merge.
#include "Operator.h"
#include "trine/Dialect/Trine/Trine.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static constexpr double minusInfinity =
    -std::numeric_limits<double>::infinity();

namespace {
/// Which keys each query sees, and what is added to their scores.
struct Masking {
  const Tensor *mask = nullptr;
  llvm::SmallVector<int64_t> strides;
  bool causal = false;
  int64_t keys = 0;
  llvm::SmallVector<int64_t> offsets; // one, or one for each sequence
  MaskedRow maskedRow = MaskedRow::Zero;
  double cap = 0;

  /// A scaled score within the soft cap.
  double capped(double score) const {
    return cap > 0 ? cap * std::tanh(score / cap) : score;
  }
  /// The number of keys that query `row` of sequence `b` sees; those before it.
  int64_t seenBy(int64_t b, int64_t row) const {
    int64_t offset = offsets[offsets.size() == 1 ? 0 : b];
    return causal ? std::clamp<int64_t>(row + offset + 1, 0, keys) : keys;
  }
  double bias(int64_t b, int64_t h, int64_t row, int64_t key) const {
    return mask ? mask->real(b * strides[0] + h * strides[1] +
                             row * strides[2] + key * strides[3])
                : 0.0;
  }
};

/// The weights of one query: it gives start + the weighted sum of the first
/// `keys` values.
struct RowWeights {
  double lse = minusInfinity, start = 0;
  int64_t keys = 0;
};
} // namespace

template <typename OpType>
static FailureOr<Masking> readMasking(OperatorCall &call, OpType op,
                                      const Tensor *mask, const Tensor *offset,
                                      llvm::ArrayRef<int64_t> scores) {
  Masking masking;
  masking.causal = op.getMaskKind() == MaskKind::Causal;
  masking.maskedRow = op.getMaskedRow();
  masking.cap = op.getSoftCap() ? op.getSoftCap()->convertToDouble() : 0;
  masking.keys = scores[3];
  // Beyond these bounds an offset changes nothing.
  masking.offsets = offset ? offset->integers()
                           : llvm::SmallVector<int64_t>{scores[3] - scores[2]};
  int64_t perSequence = offset && offset->getRank() == 1 ? scores[0] : 1;
  if (static_cast<int64_t>(masking.offsets.size()) != perSequence)
    return call.fail("'offset' must have " + llvm::Twine(perSequence) +
                     " elements, got " + llvm::Twine(masking.offsets.size()));
  for (int64_t &value : masking.offsets)
    value = std::clamp<int64_t>(value, -scores[2], scores[3]);
  if (!mask)
    return masking;
  std::optional<llvm::SmallVector<int64_t>> common =
      broadcastShapes(scores, mask->getShape());
  if (!common || llvm::ArrayRef<int64_t>(*common) != scores)
    return call.fail("'mask_values' must broadcast to " +
                     describeShape(scores) + ", got " +
                     describeShape(mask->getShape()));
  masking.mask = mask;
  masking.strides = broadcastStrides(mask->getShape(), scores);
  return masking;
}

/// Turns the scores of the keys that are seen, which begin the row, into
/// weights.
static RowWeights softmaxRow(llvm::MutableArrayRef<double> row, int64_t seen,
                             MaskedRow maskedRow, bool single) {
  RowWeights weights;
  llvm::MutableArrayRef<double> scores = row.take_front(seen);
  double top = minusInfinity;
  for (double score : scores)
    top = std::isnan(score) || score > top ? score : top;
  if (top == minusInfinity) {
    // A product over no keys at all is 0, whatever the mask would say.
    if (maskedRow == MaskedRow::NaN && !row.empty())
      weights.start = std::numeric_limits<double>::quiet_NaN();
    if (maskedRow == MaskedRow::Uniform && !row.empty()) {
      std::fill(row.begin(), row.end(), 1.0 / row.size());
      weights.keys = row.size();
    }
    return weights;
  }
  Accumulator sum(single);
  for (double &score : scores)
    sum.add(score = std::exp(score - top));
  for (double &score : scores)
    score /= sum.get();
  weights.keys = seen;
  weights.lse = top + std::log(sum.get());
  return weights;
}

namespace {
/// The results of attention.
struct Attended {
  Tensor output, lse;
};
} // namespace

/// Zeros of [B, H, S, V] and [B, H, S] for a query [B, H, S, ...].
static FailureOr<Attended>
allocateResults(OperatorCall &call, const Tensor &query, int64_t valueWidth) {
  llvm::SmallVector<int64_t> rows(query.getShape().take_front(3));
  llvm::SmallVector<int64_t> shape = rows;
  shape.push_back(valueWidth);
  FailureOr<Tensor> output =
      call.allocate(call.resultType(0, query.getElementType()), shape);
  FailureOr<Tensor> lse = call.allocate(ElementType::F32, rows);
  if (failed(output) || failed(lse))
    return failure();
  return Attended{*output, *lse};
}

namespace {
/// One query and its key, of `groups` heads.
struct AttentionPart {
  const Tensor *query, *key;
  int64_t width, groups;
};
} // namespace

static LogicalResult attention(OperatorCall &call) {
  auto op = cast<AttentionOp>(call.op);
  const Tensor &query = call.operand(0), &key = call.operand(1),
               &value = call.operand(2);
  int64_t batches = query.getDim(0), heads = query.getDim(1),
          length = query.getDim(2), groups = key.getDim(1),
          keys = key.getDim(2), valueWidth = value.getDim(3);
  llvm::SmallVector<AttentionPart> parts;
  for (unsigned part = 0; part <= op.getMoreQueries().size(); ++part) {
    unsigned queryAt = 0, keyAt = 1;
    if (part) {
      queryAt = op.getODSOperandIndexAndLength(6).first + part - 1;
      keyAt = op.getODSOperandIndexAndLength(7).first + part - 1;
    }
    const Tensor &q = call.operand(queryAt), &k = call.operand(keyAt);
    int64_t width = q.getDim(3), partGroups = k.getDim(1);
    if (failed(call.requireShape(q, {batches, heads, length, width},
                                 part ? "more_queries" : "query")) ||
        failed(call.requireShape(k, {batches, partGroups, keys, width},
                                 part ? "more_keys" : "key")))
      return failure();
    if (partGroups == 0 || heads % partGroups)
      return call.fail("query heads must be a multiple of key heads, got " +
                       llvm::Twine(heads) + " and " + llvm::Twine(partGroups));
    parts.push_back({&q, &k, width, partGroups});
  }
  if (failed(call.requireShape(value, {batches, groups, keys, valueWidth},
                               "value")))
    return failure();
  FailureOr<Masking> masking =
      readMasking(call, op, segmentOf(call, op, 3), segmentOf(call, op, 4),
                  {batches, heads, length, keys});
  if (failed(masking))
    return failure();
  // Parts of keys, which somebody joins, or all keys as one.
  const Tensor *partial = segmentOf(call, op, 5);
  int64_t ranges = partial ? partial->getDim(0) : 1,
          rangeKeys = partial ? AttentionOp::keysOfRange(keys, ranges) : keys;
  if (partial &&
      failed(call.requireShape(
          *partial, {ranges, batches, heads, length, valueWidth}, "partial")))
    return failure();
  if (partial && masking->maskedRow == MaskedRow::NaN)
    masking->maskedRow = MaskedRow::Zero;
  llvm::SmallVector<int64_t> shape = {batches, heads, length};
  if (partial)
    shape.insert(shape.begin(), ranges);
  FailureOr<Tensor> lse = call.allocate(ElementType::F32, shape);
  shape.push_back(valueWidth);
  FailureOr<Tensor> output =
      call.allocate(call.resultType(0, partial ? partial->getElementType()
                                               : query.getElementType()),
                    shape);
  if (failed(output) || failed(lse))
    return failure();
  double scale = op.getScale().convertToDouble();
  bool single = call.accumulateInSingle();
  std::vector<double> scores(keys);
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t row = 0; row < length; ++row) {
        int64_t at = (b * heads + h) * length + row,
                valueAt = (b * groups + h / (heads / groups)) * keys;
        int64_t seen = masking->seenBy(b, row);
        for (int64_t t = 0; t < seen; ++t) {
          Accumulator dot(single);
          for (const AttentionPart &part : parts) {
            int64_t keyAt =
                (b * part.groups + h / (heads / part.groups)) * keys;
            for (int64_t i = 0; i < part.width; ++i)
              dot.addProduct(part.query->real(at * part.width + i),
                             part.key->real((keyAt + t) * part.width + i));
          }
          scores[t] =
              masking->capped(scale * dot.get()) + masking->bias(b, h, row, t);
        }
        for (int64_t range = 0; range < ranges; ++range) {
          int64_t begin = std::min(range * rangeKeys, keys),
                  length = std::min(rangeKeys, keys - begin);
          RowWeights weights = softmaxRow(
              llvm::MutableArrayRef<double>(scores).slice(begin, length),
              std::clamp<int64_t>(seen - begin, 0, length), masking->maskedRow,
              single);
          int64_t row = range * batches * heads * query.getDim(2) + at;
          lse->setReal(row, weights.lse);
          for (int64_t i = 0; i < valueWidth; ++i) {
            Accumulator sum(single, weights.start);
            for (int64_t t = begin; t < begin + weights.keys; ++t)
              sum.addProduct(scores[t],
                             value.real((valueAt + t) * valueWidth + i));
            output->setReal(row * valueWidth + i, sum.get());
          }
        }
      }
  call.setResult(0, *output);
  call.setResult(1, *lse);
  return success();
}

namespace {
/// One head of latent attention, in either form.
struct LatentHead {
  const Tensor &queryNope, &latent, &up, &down;
  int64_t heads, head, rank;
  bool single;

  /// Column `i` of this head in a weight [R, H, width].
  int64_t weightAt(int64_t r, int64_t width, int64_t i) const {
    return (r * heads + head) * width + i;
  }
  /// latent rows · weight, for the rows from `row` on: [keys, width].
  std::vector<double> decompress(const Tensor &weight, int64_t row,
                                 int64_t keys) const {
    int64_t width = weight.getDim(2);
    std::vector<double> result(keys * width);
    for (int64_t t = 0; t < keys; ++t)
      for (int64_t i = 0; i < width; ++i) {
        Accumulator sum(single);
        for (int64_t r = 0; r < rank; ++r)
          sum.addProduct(latent.real((row + t) * rank + r),
                         weight.real(weightAt(r, width, i)));
        result[t * width + i] = sum.get();
      }
    return result;
  }
  /// One query · upᵀ: [rank].
  std::vector<double> absorb(int64_t query) const {
    int64_t width = up.getDim(2);
    std::vector<double> result(rank);
    for (int64_t r = 0; r < rank; ++r) {
      Accumulator sum(single);
      for (int64_t i = 0; i < width; ++i)
        sum.addProduct(queryNope.real(query * width + i),
                       up.real(weightAt(r, width, i)));
      result[r] = sum.get();
    }
    return result;
  }
};
} // namespace

/// Latent attention whose cache holds keys and values: makes those of the new
/// rows, appends them, and attends to all.
static LogicalResult expandedAttention(OperatorCall &call, MLAAttentionOp op) {
  const Tensor &queryNope = call.operand(0), &queryRope = call.operand(1),
               &latent = call.operand(2), &keyRope = call.operand(3),
               &up = call.operand(4), &down = call.operand(5),
               &pastKey = call.operand(6), &pastValue = call.operand(7);
  int64_t batches = queryNope.getDim(0), heads = queryNope.getDim(1),
          length = queryNope.getDim(2), nope = queryNope.getDim(3),
          rope = queryRope.getDim(3), added = latent.getDim(1),
          rank = latent.getDim(2), valueWidth = down.getDim(2),
          past = pastKey.getDim(2), keys = past + added, width = nope + rope;
  if (failed(call.requireShape(queryRope, {batches, heads, length, rope},
                               "q_rope")) ||
      failed(call.requireShape(latent, {batches, added, rank}, "latent")) ||
      failed(call.requireShape(keyRope, {batches, added, rope}, "k_rope")) ||
      failed(call.requireShape(up, {rank, heads, nope}, "w_uk")) ||
      failed(call.requireShape(down, {rank, heads, valueWidth}, "w_uv")) ||
      failed(call.requireShape(pastKey, {batches, heads, past, width},
                               "past keys")) ||
      failed(call.requireShape(pastValue, {batches, heads, past, valueWidth},
                               "past values")))
    return failure();
  FailureOr<Masking> masking =
      readMasking(call, op, segmentOf(call, op, 7), segmentOf(call, op, 8),
                  {batches, heads, length, keys});
  if (failed(masking))
    return failure();
  FailureOr<Attended> results = allocateResults(call, queryNope, valueWidth);
  FailureOr<Tensor> key =
      call.allocate(pastKey.getElementType(), {batches, heads, keys, width});
  FailureOr<Tensor> value = call.allocate(pastValue.getElementType(),
                                          {batches, heads, keys, valueWidth});
  if (failed(results) || failed(key) || failed(value))
    return failure();
  double scale = op.getScale().convertToDouble();
  bool single = call.accumulateInSingle();
  int64_t nopeAt = op.getRopeFirst() ? rope : 0,
          ropeAt = op.getRopeFirst() ? 0 : nope;
  std::vector<double> scores(keys);
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t head = b * heads + h;
      for (int64_t i = 0; i < past * width; ++i)
        key->setReal(head * keys * width + i,
                     pastKey.real(head * past * width + i));
      for (int64_t i = 0; i < past * valueWidth; ++i)
        value->setReal(head * keys * valueWidth + i,
                       pastValue.real(head * past * valueWidth + i));
      LatentHead latentHead{queryNope, latent, up,   down,
                            heads,     h,      rank, single};
      std::vector<double> newKeys = latentHead.decompress(up, b * added, added);
      std::vector<double> newValues =
          latentHead.decompress(down, b * added, added);
      for (int64_t t = 0; t < added; ++t) {
        int64_t row = head * keys + past + t;
        for (int64_t i = 0; i < nope; ++i)
          key->setReal(row * width + nopeAt + i, newKeys[t * nope + i]);
        for (int64_t i = 0; i < rope; ++i)
          key->setReal(row * width + ropeAt + i,
                       keyRope.real((b * added + t) * rope + i));
        for (int64_t i = 0; i < valueWidth; ++i)
          value->setReal(row * valueWidth + i, newValues[t * valueWidth + i]);
      }
      for (int64_t row = 0; row < length; ++row) {
        int64_t at = head * length + row, seen = masking->seenBy(b, row);
        for (int64_t t = 0; t < seen; ++t) {
          Accumulator dot(single);
          int64_t keyAt = (head * keys + t) * width;
          for (int64_t i = 0; i < nope; ++i)
            dot.addProduct(queryNope.real(at * nope + i),
                           key->real(keyAt + nopeAt + i));
          for (int64_t i = 0; i < rope; ++i)
            dot.addProduct(queryRope.real(at * rope + i),
                           key->real(keyAt + ropeAt + i));
          scores[t] =
              masking->capped(scale * dot.get()) + masking->bias(b, h, row, t);
        }
        RowWeights weights =
            softmaxRow(scores, seen, masking->maskedRow, single);
        results->lse.setReal(at, weights.lse);
        for (int64_t i = 0; i < valueWidth; ++i) {
          Accumulator sum(single, weights.start);
          for (int64_t t = 0; t < weights.keys; ++t)
            sum.addProduct(scores[t],
                           value->real((head * keys + t) * valueWidth + i));
          results->output.setReal(at * valueWidth + i, sum.get());
        }
      }
    }
  call.setResult(0, results->output);
  call.setResult(1, results->lse);
  call.setResult(2, *key);
  call.setResult(3, *value);
  return success();
}

static LogicalResult latentAttention(OperatorCall &call) {
  auto op = cast<MLAAttentionOp>(call.op);
  const Tensor &queryNope = call.operand(0), &queryRope = call.operand(1),
               &latent = call.operand(2), &keyRope = call.operand(3),
               &up = call.operand(4), &down = call.operand(5);
  int64_t batches = queryNope.getDim(0), heads = queryNope.getDim(1),
          length = queryNope.getDim(2), nope = queryNope.getDim(3),
          rope = queryRope.getDim(3), keys = latent.getDim(1),
          rank = latent.getDim(2), valueWidth = down.getDim(2);
  if (!op.getPast().empty())
    return expandedAttention(call, op);
  if (failed(call.requireShape(queryRope, {batches, heads, length, rope},
                               "q_rope")) ||
      failed(call.requireShape(latent, {batches, keys, rank}, "latent")) ||
      failed(call.requireShape(keyRope, {batches, keys, rope}, "k_rope")) ||
      failed(call.requireShape(up, {rank, heads, nope}, "w_uk")) ||
      failed(call.requireShape(down, {rank, heads, valueWidth}, "w_uv")))
    return failure();
  FailureOr<Masking> masking =
      readMasking(call, op, segmentOf(call, op, 7), segmentOf(call, op, 8),
                  {batches, heads, length, keys});
  if (failed(masking))
    return failure();
  FailureOr<Attended> results = allocateResults(call, queryNope, valueWidth);
  if (failed(results))
    return failure();
  double scale = op.getScale().convertToDouble();
  bool single = call.accumulateInSingle();
  // `by_shape` leaves the choice to a plan; here it is as written.
  bool absorbed = op.getForm() == LatentForm::Absorbed;
  std::vector<double> scores(keys), keysOfHead, values;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      LatentHead head{queryNope, latent, up, down, heads, h, rank, single};
      if (!absorbed) {
        keysOfHead = head.decompress(up, b * keys, keys);
        values = head.decompress(down, b * keys, keys);
      }
      for (int64_t row = 0; row < length; ++row) {
        int64_t at = (b * heads + h) * length + row;
        int64_t seen = masking->seenBy(b, row);
        std::vector<double> query;
        if (absorbed)
          query = head.absorb(at);
        for (int64_t t = 0; t < seen; ++t) {
          Accumulator dot(single);
          if (absorbed)
            for (int64_t r = 0; r < rank; ++r)
              dot.addProduct(query[r], latent.real((b * keys + t) * rank + r));
          else
            for (int64_t i = 0; i < nope; ++i)
              dot.addProduct(queryNope.real(at * nope + i),
                             keysOfHead[t * nope + i]);
          for (int64_t i = 0; i < rope; ++i)
            dot.addProduct(queryRope.real(at * rope + i),
                           keyRope.real((b * keys + t) * rope + i));
          scores[t] =
              masking->capped(scale * dot.get()) + masking->bias(b, h, row, t);
        }
        RowWeights weights =
            softmaxRow(scores, seen, masking->maskedRow, single);
        results->lse.setReal(at, weights.lse);
        std::vector<double> mixed(absorbed ? rank : 0);
        for (int64_t r = 0; r < static_cast<int64_t>(mixed.size()); ++r) {
          Accumulator sum(single);
          for (int64_t t = 0; t < weights.keys; ++t)
            sum.addProduct(scores[t], latent.real((b * keys + t) * rank + r));
          mixed[r] = sum.get();
        }
        for (int64_t i = 0; i < valueWidth; ++i) {
          Accumulator sum(single, weights.start);
          for (int64_t r = 0; r < static_cast<int64_t>(mixed.size()); ++r)
            sum.addProduct(mixed[r],
                           down.real(head.weightAt(r, valueWidth, i)));
          for (int64_t t = 0; !absorbed && t < weights.keys; ++t)
            sum.addProduct(scores[t], values[t * valueWidth + i]);
          results->output.setReal(at * valueWidth + i, sum.get());
        }
      }
    }
  call.setResult(0, results->output);
  call.setResult(1, results->lse);
  return success();
}

static LogicalResult merge(OperatorCall &call) {
  unsigned parts = call.numOperands() / 2;
  const Tensor &first = call.operand(0), &firstLse = call.operand(parts);
  for (unsigned part = 0; part < parts; ++part)
    if (failed(call.requireShape(call.operand(part), first.getShape(),
                                 "outputs")) ||
        failed(call.requireShape(call.operand(parts + part),
                                 first.getShape().drop_back(), "lses")))
      return failure();
  FailureOr<Tensor> output =
      call.allocate(first.getElementType(), first.getShape());
  FailureOr<Tensor> lse =
      call.allocate(firstLse.getElementType(), firstLse.getShape());
  if (failed(output) || failed(lse))
    return failure();
  int64_t width = first.getShape().back();
  bool single = call.accumulateInSingle();
  for (int64_t row = 0; row < firstLse.getNumElements(); ++row) {
    double top = minusInfinity;
    for (unsigned part = 0; part < parts; ++part) {
      double x = call.operand(parts + part).real(row);
      top = std::isnan(x) || x > top ? x : top;
    }
    lse->setReal(row, top);
    if (top == minusInfinity)
      continue; // no part adds anything
    Accumulator sum(single);
    for (unsigned part = 0; part < parts; ++part)
      sum.add(std::exp(call.operand(parts + part).real(row) - top));
    double joined = top + std::log(sum.get());
    lse->setReal(row, joined);
    for (int64_t i = 0; i < width; ++i) {
      Accumulator out(single);
      for (unsigned part = 0; part < parts; ++part) {
        double own = call.operand(parts + part).real(row);
        if (own != minusInfinity)
          out.addProduct(std::exp(own - joined),
                         call.operand(part).real(row * width + i));
      }
      output->setReal(row * width + i, out.get());
    }
  }
  call.setResult(0, *output);
  call.setResult(1, *lse);
  return success();
}

void reference::addTrineAttentionRules(OperatorTable &table) {
  table["trine.attention"] = attention;
  table["trine.mla.attention"] = latentAttention;
  table["trine.merge"] = merge;
}
