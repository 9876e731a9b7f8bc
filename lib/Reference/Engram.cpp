// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// com.microsoft NGramHashMapping and EngramGate.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// For the token at t, order n in 2..N and head h of that order, with w_s the
/// id s places back: (w_0 m_0 xor ... xor w_(n-1) m_(n-1)) mod the size of
/// column (n-2) H + h, plus its offset. Products wrap in the ids' type; the
/// remainder is never negative. Where there is no such id, or it lies beyond an
/// end of sequence or the start of a segment of this step, w_s is the
/// end-of-sequence id, or the padding id when there is none. (As ONNX
/// Runtime 1.31 on the CPU, with which a random test agreed on all modes.)
static LogicalResult nGramHashMapping(OperatorCall &call) {
  auto op = cast<onnx::NGramHashMappingOp>(call.op);
  const Tensor &ids = call.operand(0), &multipliers = call.operand(1),
               &sizes = call.operand(2);
  const Tensor *past = call.optional(3), *offsets = call.optional(4),
               *end = call.optional(5), *segments = call.optional(6);
  int64_t order = op.getMaxNgramSize(), heads = op.getNHeadPerNgram();
  if (order < 2 || order > 64 || heads < 1 || heads > (1 << 20))
    return call.fail("'max_ngram_size' must be in [2, 64] and "
                     "'n_head_per_ngram' at least 1, got " +
                     llvm::Twine(order) + " and " + llvm::Twine(heads));
  int64_t columns = (order - 1) * heads;
  if (ids.getRank() != 2)
    return call.fail("'input_ids' must have rank 2, got shape " +
                     describeShape(ids.getShape()));
  if (multipliers.getNumElements() < order ||
      sizes.getNumElements() != columns ||
      (offsets && offsets->getNumElements() != columns))
    return call.fail("needs " + llvm::Twine(order) +
                     " multipliers or more, and " + llvm::Twine(columns) +
                     " sizes and offsets, got " +
                     llvm::Twine(multipliers.getNumElements()) + ", " +
                     llvm::Twine(sizes.getNumElements()) + " and " +
                     llvm::Twine(offsets ? offsets->getNumElements() : 0));
  int64_t batches = ids.getDim(0), length = ids.getDim(1);
  if (past && (past->getRank() != 2 || past->getDim(0) != batches ||
               past->getDim(1) != order - 1))
    return call.fail("'past_ids' must have shape [" + llvm::Twine(batches) +
                     ", " + llvm::Twine(order - 1) + "], got " +
                     describeShape(past->getShape()));
  if ((end && failed(call.requireShape(*end, {}, "eos_token_id"))) ||
      (segments &&
       failed(call.requireShape(*segments, {batches, length}, "segment_ids"))))
    return failure();
  for (int64_t c = 0; c < columns; ++c)
    if (sizes.integer(c) <= 0)
      return call.fail("'vocab_sizes' must be positive, got " +
                       llvm::Twine(sizes.integer(c)) + " at element " +
                       llvm::Twine(c));
  FailureOr<Tensor> hashes = call.allocate(ids.getElementType(),
                                           {batches, length, columns}),
                    present = call.allocate(ids.getElementType(),
                                            {batches, order - 1});
  if (failed(hashes) || failed(present))
    return failure();
  const int64_t fill = end ? end->integer(0) : op.getPadId();
  const bool resets = end && op.getResetOnEos() != 0,
             isNarrow = ids.getElementType() == ElementType::I32;
  // Position p of history followed by the sequence.
  auto idAt = [&](int64_t b, int64_t p) {
    return p >= order - 1 ? ids.integer(b * length + p - (order - 1))
           : past         ? past->integer(b * (order - 1) + p)
                          : fill;
  };
  auto startsSegment = [&](int64_t b, int64_t t) {
    return t > 0 && segments->integer(b * length + t) !=
                        segments->integer(b * length + t - 1);
  };
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t t = 0; t < length; ++t) {
      uint64_t mixed = 0;
      bool ended = false;
      for (int64_t s = 0; s < order; ++s) {
        int64_t id = idAt(b, t + order - 1 - s);
        // An end of sequence s places back hides itself and what lies before
        // it, the start of a segment what lies before it.
        ended |= s > 0 && ((resets && id == fill) ||
                           (segments && startsSegment(b, t - s + 1)));
        mixed ^= static_cast<uint64_t>(ended ? fill : id) *
                 static_cast<uint64_t>(multipliers.integer(s));
        int64_t hash = isNarrow ? static_cast<int32_t>(mixed)
                                : static_cast<int64_t>(mixed);
        for (int64_t h = 0; s > 0 && h < heads; ++h) {
          int64_t column = (s - 1) * heads + h, size = sizes.integer(column);
          int64_t remainder = hash % size;
          remainder += remainder < 0 ? size : 0;
          hashes->setInteger((b * length + t) * columns + column,
                             remainder +
                                 (offsets ? offsets->integer(column) : 0));
        }
      }
    }
    for (int64_t p = 0; p < order - 1; ++p)
      present->setInteger(b * (order - 1) + p, idAt(b, length + p));
  }
  call.setResult(0, *hashes);
  call.setResult(1, *present);
  return success();
}

/// For each stream: sigmoid of the signed root of <norm(key), norm(query)> /
/// sqrt(D), times the value that streams share.
static LogicalResult engramGate(OperatorCall &call) {
  const Tensor &key = call.operand(0), &query = call.operand(1),
               &value = call.operand(2), &keyScale = call.operand(3),
               &queryScale = call.operand(4);
  double epsilon =
      cast<onnx::EngramGateOp>(call.op).getEpsilon().convertToFloat();
  bool fits = key.getRank() == 4 && query.getShape() == key.getShape() &&
              value.getRank() == 3;
  fits = fits && value.getDim(0) == key.getDim(0) &&
         value.getDim(1) == key.getDim(1) && value.getDim(2) == key.getDim(3);
  fits = fits && keyScale.getShape() == key.getShape().take_back(2) &&
         queryScale.getShape() == key.getShape().take_back(2);
  if (!fits)
    return call.fail("'key' and 'query' must be [B, S, M, D], 'value' [B, S, "
                     "D] and the scales [M, D], got " +
                     describeShape(key.getShape()) + ", " +
                     describeShape(query.getShape()) + ", " +
                     describeShape(value.getShape()) + ", " +
                     describeShape(keyScale.getShape()) + " and " +
                     describeShape(queryScale.getShape()));
  int64_t tokens = key.getDim(0) * key.getDim(1), streams = key.getDim(2),
          width = key.getDim(3);
  FailureOr<Tensor> output =
      call.allocate(value.getElementType(), key.getShape());
  if (failed(output))
    return failure();
  bool single = call.accumulateInSingle();
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t m = 0; m < streams; ++m) {
      int64_t at = (t * streams + m) * width;
      Accumulator keySquares(single), querySquares(single), dot(single);
      for (int64_t i = 0; i < width; ++i) {
        keySquares.addProduct(key.real(at + i), key.real(at + i));
        querySquares.addProduct(query.real(at + i), query.real(at + i));
        dot.addProduct(key.real(at + i) * keyScale.real(m * width + i),
                       query.real(at + i) * queryScale.real(m * width + i));
      }
      double gate = dot.get() / std::sqrt(keySquares.get() / width + epsilon) /
                    std::sqrt(querySquares.get() / width + epsilon) /
                    std::sqrt(static_cast<double>(width));
      // The sign of 0 is 0: a gate of exactly 0 opens half way.
      gate = double((gate > 0) - (gate < 0)) *
             std::sqrt(std::max(std::fabs(gate), 1e-6));
      for (int64_t i = 0; i < width; ++i)
        output->setReal(at + i,
                        value.real(t * width + i) / (1 + std::exp(-gate)));
    }
  return call.done(*output);
}

void reference::addEngramRules(OperatorTable &table) {
  table["onnx.com.microsoft.EngramGate"] = engramGate;
  table["onnx.com.microsoft.NGramHashMapping"] = nGramHashMapping;
}
