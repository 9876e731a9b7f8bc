// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// NGramHashMapping and EngramGate of com.microsoft.
#include "DecomposeONNX.h"

#include <limits>

using namespace mlir;
using namespace mlir::trine;

/// Whether a segment begins at each position that a look-back may cross: at
/// `before` positions of history, where none does, and at those of this step.
static Value segmentStarts(Value segments, int64_t before, ONNXDecomposer &d) {
  Type boolean = IntegerType::get(segments.getContext(), 1);
  Value batch = d.shape(segments, 0, 1);
  auto zeros = [&](Type type, int64_t columns) {
    return d.create("Expand", {d.integer(0, type),
                               d.joinSizes({batch, d.integers(columns)})});
  };
  // Both have one column too many, of which the last goes: the first token of
  // the step has none before it.
  Value inner =
      d.create("Expand", {d.integer(1, boolean), d.shape(segments, 0, 2)});
  inner = d.slice(d.concat({zeros(boolean, 1), inner}, 1), 1, 0, -1);
  Value first = zeros(ONNXDecomposer::elementType(segments), 1);
  Value previous = d.slice(d.concat({first, segments}, 1), 1, 0, -1);
  Value differs = d.create("Not", {d.create("Equal", {segments, previous})});
  return d.concat({zeros(boolean, before), d.create("And", {inner, differs})},
                  1);
}

/// With w_k the token k places back and m_k its multiplier, the hash of order n
/// is the exclusive or of w_k * m_k for k < n (in the wrapping arithmetic of
/// the ids' type), and a head's row is the hash modulo that head's vocabulary.
/// Where there is no such token, or one of another sequence, w_k is the
/// end-of-sequence token, or the padding token when there is none.
Decomposition
mlir::trine::decomposeNGramHashMapping(onnx::NGramHashMappingOp op,
                                       ONNXDecomposer &d) {
  constexpr int64_t toEnd = std::numeric_limits<int64_t>::max();
  int64_t orders = op.getMaxNgramSize(), heads = op.getNHeadPerNgram();
  Value ids = op.getInputIds(), past = op.getPastIds(),
        endOfSequence = op.getEosTokenId(), segments = op.getSegmentIds();
  const bool hasEnd = !ONNXDecomposer::isNone(endOfSequence),
             resets = hasEnd && op.getResetOnEos() != 0;
  Value fill = hasEnd
                   ? endOfSequence
                   : d.integer(op.getPadId(), ONNXDecomposer::elementType(ids));
  if (ONNXDecomposer::isNone(past))
    past = d.create("Expand", {fill, d.joinSizes({d.shape(ids, 0, 1),
                                                  d.integers(orders - 1)})});
  Value history = d.concat({past, ids}, 1);
  Value present = d.slice(history, 1, -(orders - 1), toEnd);
  Value starts = ONNXDecomposer::isNone(segments)
                     ? Value()
                     : segmentStarts(segments, orders - 1, d);

  Value hash, ended;
  SmallVector<Value> rows;
  for (int64_t k = 0; k < orders; ++k) {
    // The token k places back, for each token of this step.
    Value token = d.slice(history, 1, orders - 1 - k, k == 0 ? toEnd : -k);
    // An end of sequence some places back hides itself and what lies before;
    // the start of a segment, one place further on, what lies before.
    auto hide = [&](Value where) {
      ended = ended ? d.create("Or", {ended, where}) : where;
    };
    if (k > 0 && resets)
      hide(d.create("Equal", {token, endOfSequence}));
    if (k > 0 && starts)
      hide(d.slice(starts, 1, orders - k, k == 1 ? toEnd : 1 - k));
    if (ended)
      token = d.create("Where", {ended, fill, token});
    Value multiplier = d.slice(op.getMultipliers(), 0, k, k + 1);
    Value term = d.mul(token, multiplier);
    hash = hash ? d.create("BitwiseXor", {hash, term}) : term;
    if (k == 0)
      continue;
    Value sizes = d.slice(op.getVocabSizes(), 0, (k - 1) * heads, k * heads);
    rows.push_back(
        d.create("Mod", {d.unsqueeze(hash, {2}), sizes}, {{"fmod", 0}}));
  }
  Value result = rows.size() == 1 ? rows[0] : d.concat(rows, 2);
  if (!ONNXDecomposer::isNone(op.getHeadOffsets()))
    result = d.add(result, op.getHeadOffsets());
  return SmallVector<Value>{result, present};
}

/// output = sigmoid(sign(g) sqrt(max(|g|, 1e-6))) * value, where g is the dot
/// product of the normalised key and query over sqrt(D).
Decomposition mlir::trine::decomposeEngramGate(onnx::EngramGateOp op,
                                               ONNXDecomposer &d) {
  std::optional<int64_t> size =
      d.constantDim(op.getKey(), d.rank(op.getKey()) - 1);
  if (!size || *size < 1) {
    (void)d.unsupported("the last dimension of 'key' must be a constant, got " +
                        d.dims(op.getKey()).back().str());
    return failure();
  }
  // Short floats are computed in f32 as a whole, and rounded once.
  Type type = ONNXDecomposer::elementType(op.getKey()), compute = type;
  if (type.isF16() || type.isBF16())
    compute = Float32Type::get(op.getContext());
  Value epsilon = d.number(op.getEpsilon().convertToDouble(), compute);
  auto normalise = [&](Value value, Value scale) {
    value = d.convert(value, compute);
    Value mean = d.reduce("ReduceMean", d.mul(value, value), -1, /*keep=*/true);
    Value root = d.create("Sqrt", d.add(mean, epsilon));
    return d.mul(d.div(value, root), d.convert(scale, compute));
  };
  Value key = normalise(op.getKey(), op.getKeyNormScale());
  Value query = normalise(op.getQuery(), op.getQueryNormScale());
  Value dot = d.reduce("ReduceSum", d.mul(key, query), -1, /*keep=*/true);
  dot = d.div(dot, d.number(std::sqrt((double)*size), compute));
  Value magnitude = d.create(
      "Sqrt", d.create("Max", {d.create("Abs", dot), d.number(1e-6, compute)}));
  Value gate = d.create("Sigmoid", d.mul(d.create("Sign", dot), magnitude));
  Value value = d.unsqueeze(d.convert(op.getValue(), compute), {-2});
  return SmallVector<Value>{d.convert(d.mul(gate, value), type)};
}
