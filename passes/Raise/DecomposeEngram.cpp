// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// NGramHashMapping and EngramGate of com.microsoft.
#include "DecomposeONNX.h"

#include <limits>

using namespace mlir;
using namespace mlir::trine;

/// With w_k the token k places back and m_k its multiplier, the hash of order n
/// is the exclusive or of w_k * m_k for k < n (wrapping 64-bit products), and a
/// head's row is the hash modulo that head's vocabulary.
Decomposition
mlir::trine::decomposeNGramHashMapping(onnx::NGramHashMappingOp op,
                                       ONNXDecomposer &d) {
  int64_t orders = op.getMaxNgramSize(), heads = op.getNHeadPerNgram();
  Value ids = op.getInputIds();
  Type integer = IntegerType::get(op.getContext(), 64);
  Value past = op.getPastIds();
  if (ONNXDecomposer::isNone(past))
    past = d.create(
        "Expand", {d.integer(op.getPadId(), ONNXDecomposer::elementType(ids)),
                   d.joinSizes({d.shape(ids, 0, 1), d.integers(orders - 1)})});
  Value history = d.concat({past, ids}, 1);
  Value present =
      d.slice(history, 1, -(orders - 1), std::numeric_limits<int64_t>::max());
  Value wide = d.convert(history, integer);

  Value hash, ended;
  SmallVector<Value> rows;
  for (int64_t k = 0; k < orders; ++k) {
    // The token k places back, for each token of this step.
    Value token = d.slice(wide, 1, orders - 1 - k,
                          k == 0 ? std::numeric_limits<int64_t>::max() : -k);
    // An end of sequence some places back hides itself and what lies before.
    if (k > 0 && op.getEosTokenId()) {
      Value ends = d.create("Equal", {token, d.integer(*op.getEosTokenId())});
      ended = ended ? d.create("Or", {ended, ends}) : ends;
      token = d.create("Where", {ended, d.integer(op.getPadId()), token});
    }
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
