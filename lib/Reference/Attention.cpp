// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ai.onnx Attention, versions 23 and 24.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// A tensor seen as [batch, heads, sequence, width], whether it is that or
/// [batch, sequence, heads * width].
struct HeadView {
  const Tensor *tensor = nullptr;
  int64_t batches = 0, heads = 0, length = 0, width = 0;
  bool packed = false;

  int64_t offset(int64_t batch, int64_t head, int64_t row) const {
    return packed ? ((batch * length + row) * heads + head) * width
                  : ((batch * heads + head) * length + row) * width;
  }
};
} // namespace

static FailureOr<HeadView> viewHeads(OperatorCall &call, unsigned operand,
                                     std::optional<int64_t> heads,
                                     llvm::StringRef name) {
  const Tensor &tensor = call.operand(operand);
  HeadView view;
  view.tensor = &tensor;
  if (tensor.getRank() == 4) {
    view.batches = tensor.getDim(0);
    view.heads = tensor.getDim(1);
    view.length = tensor.getDim(2);
    view.width = tensor.getDim(3);
    return view;
  }
  if (tensor.getRank() != 3)
    return call.fail("'" + name + "' must have rank 3 or 4, got shape " +
                     describeShape(tensor.getShape()));
  if (!heads || *heads <= 0 || tensor.getDim(2) % *heads)
    return call.fail(
        "'" + name + "' of shape " + describeShape(tensor.getShape()) +
        " needs a number of heads that divides its last dimension, got " +
        llvm::Twine(heads.value_or(0)));
  view.packed = true;
  view.batches = tensor.getDim(0);
  view.heads = *heads;
  view.length = tensor.getDim(1);
  view.width = tensor.getDim(2) / *heads;
  return view;
}

/// Past and new rows joined to [batch, heads, past + new, width].
static FailureOr<Tensor> joinCache(OperatorCall &call, const HeadView &added,
                                   const Tensor *past, llvm::StringRef name) {
  int64_t pastLength = 0;
  if (past) {
    if (past->getRank() != 4 || past->getDim(0) != added.batches ||
        past->getDim(1) != added.heads || past->getDim(3) != added.width ||
        past->getElementType() != added.tensor->getElementType())
      return call.fail("'" + name + "' must have the shape [" +
                       llvm::Twine(added.batches) + ", " +
                       llvm::Twine(added.heads) + ", past, " +
                       llvm::Twine(added.width) + "], got " +
                       describeShape(past->getShape()));
    pastLength = past->getDim(2);
  }
  int64_t total = pastLength + added.length;
  FailureOr<Tensor> joined =
      call.allocate(added.tensor->getElementType(),
                    {added.batches, added.heads, total, added.width});
  if (failed(joined))
    return failure();
  for (int64_t b = 0; b < added.batches; ++b)
    for (int64_t h = 0; h < added.heads; ++h)
      for (int64_t row = 0; row < total; ++row)
        for (int64_t i = 0; i < added.width; ++i) {
          int64_t to = ((b * added.heads + h) * total + row) * added.width + i;
          if (row < pastLength)
            joined->copyElement(
                to, *past,
                ((b * added.heads + h) * pastLength + row) * added.width + i);
          else
            joined->copyElement(to, *added.tensor,
                                added.offset(b, h, row - pastLength) + i);
        }
  return joined;
}

namespace {
/// The mask operand, which broadcasts to [batch, heads, query, key]; keys
/// beyond its last dimension are masked.
struct Mask {
  const Tensor *tensor = nullptr;
  llvm::SmallVector<int64_t> strides;
  int64_t keys = 0;

  double bias(int64_t b, int64_t h, int64_t q, int64_t k) const {
    const double masked = -std::numeric_limits<double>::infinity();
    if (!tensor)
      return 0.0;
    if (k >= keys)
      return masked;
    int64_t at =
        b * strides[0] + h * strides[1] + q * strides[2] + k * strides[3];
    if (tensor->getElementType() == ElementType::Bool)
      return tensor->integer(at) ? 0.0 : masked;
    return tensor->real(at);
  }
};
} // namespace

static FailureOr<Mask> readMask(OperatorCall &call, int64_t batches,
                                int64_t heads, int64_t queries, int64_t keys) {
  Mask mask;
  mask.tensor = call.optional(3);
  if (!mask.tensor)
    return mask;
  llvm::ArrayRef<int64_t> shape = mask.tensor->getShape();
  // Only the last dimension may be shorter; 1 broadcasts.
  mask.keys =
      shape.empty() || shape.back() == 1 ? keys : std::min(shape.back(), keys);
  llvm::SmallVector<int64_t> full = {
      batches, heads, queries,
      shape.empty() || shape.back() == 1 ? keys : shape.back()};
  if (shape.size() > 4 || (!shape.empty() && shape.back() > keys) ||
      broadcastShapes(full, shape) !=
          std::optional<llvm::SmallVector<int64_t>>(full) ||
      (mask.tensor->getElementType() != ElementType::Bool &&
       !isFloat(mask.tensor->getElementType())))
    return call.fail("'attn_mask' must be bool or float and broadcast to " +
                     describeShape({batches, heads, queries, keys}) + ", got " +
                     describeShape(shape));
  mask.strides = broadcastStrides(shape, full);
  return mask;
}

static LogicalResult attention(OperatorCall &call) {
  auto op = cast<onnx::AttentionOp>(call.op);
  std::optional<int64_t> qHeads, kvHeads;
  if (op.getQNumHeads())
    qHeads = *op.getQNumHeads();
  if (op.getKvNumHeads())
    kvHeads = *op.getKvNumHeads();
  FailureOr<HeadView> q = viewHeads(call, 0, qHeads, "Q"),
                      k = viewHeads(call, 1, kvHeads, "K"),
                      v = viewHeads(call, 2, kvHeads, "V");
  if (failed(q) || failed(k) || failed(v))
    return failure();
  if (k->batches != q->batches || v->batches != q->batches ||
      k->heads != v->heads || k->length != v->length || k->width != q->width ||
      k->heads == 0 || q->heads % k->heads)
    return call.fail("'Q', 'K' and 'V' of shapes " +
                     describeShape(q->tensor->getShape()) + ", " +
                     describeShape(k->tensor->getShape()) + " and " +
                     describeShape(v->tensor->getShape()) + " do not fit");
  FailureOr<Tensor> keys = joinCache(call, *k, call.optional(4), "past_key"),
                    values =
                        joinCache(call, *v, call.optional(5), "past_value");
  if (failed(keys) || failed(values))
    return failure();
  int64_t past = call.optional(4) ? call.optional(4)->getDim(2) : 0,
          total = past + k->length;
  if (values->getDim(2) != total)
    return call.fail("'past_key' and 'past_value' must have one length, got " +
                     llvm::Twine(past) + " and " +
                     llvm::Twine(values->getDim(2) - v->length));
  const Tensor *lengths = call.optional(6);
  if (lengths && lengths->getNumElements() != q->batches)
    return call.fail("'nonpad_kv_seqlen' must have " + llvm::Twine(q->batches) +
                     " values, got " + llvm::Twine(lengths->getNumElements()));
  FailureOr<Mask> mask = readMask(call, q->batches, q->heads, q->length, total);
  if (failed(mask))
    return failure();
  int64_t mode = op.getQkMatmulOutputMode();
  if (mode < 0 || mode > 3)
    return call.fail("'qk_matmul_output_mode' must be in [0, 3], got " +
                     llvm::Twine(mode));

  ElementType type = q->tensor->getElementType();
  llvm::SmallVector<int64_t> shape = {q->batches, q->heads, q->length,
                                      v->width};
  if (q->packed)
    shape = {q->batches, q->length, q->heads * v->width};
  FailureOr<Tensor> y = call.allocate(type, shape),
                    qk = call.allocate(
                        type, {q->batches, q->heads, q->length, total});
  if (failed(y) || failed(qk))
    return failure();
  double scale = op.getScale() ? op.getScale()->convertToFloat()
                               : 1 / std::sqrt(static_cast<double>(q->width));
  double softcap = op.getSoftcap().convertToFloat();
  bool single = call.accumulateInSingle();
  const double masked = -std::numeric_limits<double>::infinity();
  std::vector<double> scores(total);
  for (int64_t b = 0; b < q->batches; ++b)
    for (int64_t h = 0; h < q->heads; ++h)
      for (int64_t row = 0; row < q->length; ++row) {
        int64_t group = h / (q->heads / k->heads),
                qkAt = ((b * q->heads + h) * q->length + row) * total;
        double top = masked;
        for (int64_t t = 0; t < total; ++t) {
          Accumulator dot(single);
          for (int64_t i = 0; i < q->width; ++i)
            dot.addProduct(
                q->tensor->real(q->offset(b, h, row) + i),
                keys->real(((b * k->heads + group) * total + t) * q->width +
                           i));
          double score = dot.get() * scale;
          if (mode == 0)
            qk->setReal(qkAt + t, score);
          // The cap comes before the mask, so that masked scores stay at minus
          // infinity.
          if (softcap > 0)
            score = softcap * std::tanh(score / softcap);
          if (mode == 1)
            qk->setReal(qkAt + t, score);
          score += mask->bias(b, h, row, t);
          if ((op.getIsCausal() && t > past + row) ||
              (lengths && t >= lengths->integer(b)))
            score = masked;
          if (mode == 2)
            qk->setReal(qkAt + t, score);
          scores[t] = score;
          top = std::isnan(score) || score > top ? score : top;
        }
        // A row with no key to attend to gives zeros.
        Accumulator sum(single);
        for (double &score : scores)
          sum.add(score = top == masked ? 0.0 : std::exp(score - top));
        for (double &score : scores)
          score = top == masked ? 0.0 : score / sum.get();
        if (mode == 3)
          for (int64_t t = 0; t < total; ++t)
            qk->setReal(qkAt + t, scores[t]);
        for (int64_t i = 0; i < v->width; ++i) {
          Accumulator out(single);
          for (int64_t t = 0; t < total; ++t)
            out.addProduct(
                scores[t],
                values->real(((b * k->heads + group) * total + t) * v->width +
                             i));
          int64_t at = q->packed
                           ? ((b * q->length + row) * q->heads + h) * v->width
                           : ((b * q->heads + h) * q->length + row) * v->width;
          y->setReal(at + i, out.get());
        }
      }
  call.setResult(0, *y);
  call.setResult(1, *keys);
  call.setResult(2, *values);
  call.setResult(3, *qk);
  return success();
}

void reference::addAttentionRules(OperatorTable &table) {
  table["onnx.Attention"] = attention;
}
