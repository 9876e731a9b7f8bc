// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention (ai.onnx 23 and 24) as products, masks and a softmax.
//
//   scores = (Q * sqrt(scale)) (K * sqrt(scale))^T
//   scores = softcap * tanh(scores / softcap)
//   Y = softmax(scores + mask) V, where a row with no key to attend to gives 0
//
// Query heads that share a key head stay one group in the products: K and V
// are not repeated.
#include "DecomposeONNX.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

struct AttentionBuilder {
  onnx::AttentionOp op;
  ONNXDecomposer &d;
  bool isFlat = false; ///< 3-D operands
  int64_t queryHeads = 0, keyHeads = 0;
  int64_t group = 1; ///< query heads per key head

  LogicalResult readHeads();
  Value toHeads(Value value, int64_t heads);
  /// [B, Hq, S, x] as [B, Hkv, group, S, x], and back.
  Value splitGroups(Value value);
  Value joinGroups(Value value);
  /// What the keys say about which scores count: an i1 tensor that broadcasts
  /// to the scores, or null.
  Value keepMask(Value query, Value key);
  /// The mask with its last dimension padded to the keys' length.
  Value padMask(Value mask, Value key);
  Decomposition run();
};

LogicalResult AttentionBuilder::readHeads() {
  Value q = op.getQ(), k = op.getK(), v = op.getV();
  isFlat = d.rank(q) == 3;
  if (isFlat) {
    queryHeads = op.getQNumHeads().value_or(0);
    keyHeads = op.getKvNumHeads().value_or(0);
    for (auto [value, heads] :
         {std::pair(q, queryHeads), std::pair(k, keyHeads),
          std::pair(v, keyHeads)}) {
      std::optional<int64_t> hidden = d.constantDim(value, 2);
      if (!hidden)
        return d.unsupported("the last dimension must be a constant, got " +
                             d.dims(value)[2].str());
    }
  } else {
    std::optional<int64_t> query = d.constantDim(q, 1),
                           key = d.constantDim(k, 1);
    if (!query || !key)
      return d.unsupported("the numbers of heads must be constants, got " +
                           d.dims(q)[1].str() + " and " + d.dims(k)[1].str());
    queryHeads = *query;
    keyHeads = *key;
  }
  group = queryHeads / keyHeads;
  return success();
}

Value AttentionBuilder::toHeads(Value value, int64_t heads) {
  if (!isFlat)
    return value;
  int64_t size = *d.constantDim(value, 2) / heads;
  return d.transpose(d.reshape(value, {0, 0, heads, size}), {0, 2, 1, 3});
}

Value AttentionBuilder::splitGroups(Value value) {
  if (group == 1)
    return value;
  return d.reshapeTo(
      value, d.joinSizes({d.shape(value, 0, 1), d.integers({keyHeads, group}),
                          d.shape(value, 2, 4)}));
}

Value AttentionBuilder::joinGroups(Value value) {
  if (group == 1)
    return value;
  return d.reshapeTo(
      value, d.joinSizes({d.shape(value, 0, 1), d.integers({queryHeads}),
                          d.shape(value, 3, 5)}));
}

Value AttentionBuilder::padMask(Value mask, Value key) {
  int64_t last = d.rank(mask) - 1;
  // One column broadcasts.
  if (last < 0 || d.dims(mask)[last] == d.dims(key)[2] ||
      d.dims(mask)[last].isConstant(1))
    return mask;
  Value missing = d.sub(d.shape(key, 2, 3), d.shape(mask, last, last + 1));
  missing = d.create("Max", {missing, d.integers(0)});
  Value pads = d.concat({d.integers(0), missing}, 0);
  Type type = ONNXDecomposer::elementType(mask);
  Value fill =
      type.isInteger(1) ? d.integer(0, type) : d.negativeInfinity(type);
  return d.create("Pad", {mask, pads, fill, d.integers(last)});
}

Value AttentionBuilder::keepMask(Value query, Value key) {
  Value keep;
  auto join = [&](Value mask) {
    keep = keep ? d.create("And", {keep, mask}) : mask;
  };
  Value mask = op.getAttnMask();
  if (!ONNXDecomposer::isNone(mask) &&
      ONNXDecomposer::elementType(mask).isInteger(1))
    join(padMask(mask, key));
  Value keys;
  if (op.getIsCausal() || !ONNXDecomposer::isNone(op.getNonpadKvSeqlen()))
    keys = d.range(d.size(key, 2));
  if (op.getIsCausal()) {
    // Query i of this step sees keys up to past + i.
    Value queries = d.range(d.size(query, 2));
    if (!ONNXDecomposer::isNone(op.getPastKey()))
      queries = d.add(queries, d.size(op.getPastKey(), 2));
    join(d.create("LessOrEqual", {keys, d.unsqueeze(queries, {1})}));
  }
  if (!ONNXDecomposer::isNone(op.getNonpadKvSeqlen()))
    join(d.create("Less",
                  {keys, d.unsqueeze(op.getNonpadKvSeqlen(), {1, 2, 3})}));
  return keep;
}

Decomposition AttentionBuilder::run() {
  if (failed(readHeads()))
    return failure();
  bool hasPast = !ONNXDecomposer::isNone(op.getPastKey());
  int64_t mode = op.getQkMatmulOutputMode();
  if (mode < 0 || mode > 3) {
    (void)d.unsupported("'qk_matmul_output_mode' must be in [0, 3], got " +
                        Twine(mode));
    return failure();
  }
  Type type = ONNXDecomposer::elementType(op.getQ());
  Type softmaxType = type;
  if (std::optional<int64_t> precision = op.getSoftmaxPrecision()) {
    MLIRContext *context = op.getContext();
    switch (*precision) {
    case 1:
      softmaxType = Float32Type::get(context);
      break;
    case 10:
      softmaxType = Float16Type::get(context);
      break;
    case 11:
      softmaxType = Float64Type::get(context);
      break;
    case 16:
      softmaxType = BFloat16Type::get(context);
      break;
    default:
      (void)d.unsupported("'softmax_precision' must be a float type (1, 10, 11 "
                          "or 16), got " +
                          Twine(*precision));
      return failure();
    }
  }

  Value query = toHeads(op.getQ(), queryHeads);
  Value key = toHeads(op.getK(), keyHeads),
        value = toHeads(op.getV(), keyHeads);
  if (hasPast) {
    key = d.concat({op.getPastKey(), key}, 2);
    value = d.concat({op.getPastValue(), value}, 2);
  }
  Value presentKey = key, presentValue = value;
  value = d.convert(value, type);
  key = d.convert(key, type);

  std::optional<int64_t> headSize = d.constantDim(query, 3);
  if (!op.getScale() && (!headSize || *headSize < 1)) {
    (void)d.unsupported(
        "without 'scale' the head size must be a constant, got " +
        d.dims(query)[3].str());
    return failure();
  }
  float scale = op.getScale() ? op.getScale()->convertToFloat()
                              : 1.0f / std::sqrt((float)*headSize);
  Value root = d.number(std::sqrt(scale), type);
  Value scaledKey = d.transpose(d.mul(key, root), {0, 1, 3, 2});
  if (group > 1)
    scaledKey = d.unsqueeze(scaledKey, {2});
  Value scores =
      joinGroups(d.matmul(splitGroups(d.mul(query, root)), scaledKey));
  Value output = scores;

  double softcap = op.getSoftcap().convertToDouble();
  if (softcap > 0) {
    Value cap = d.number(softcap, type);
    scores = d.mul(d.create("Tanh", d.div(scores, cap)), cap);
  }
  if (mode == 1)
    output = scores;

  Value mask = op.getAttnMask();
  bool hasFloatMask = !ONNXDecomposer::isNone(mask) &&
                      !ONNXDecomposer::elementType(mask).isInteger(1);
  if (hasFloatMask)
    scores = d.add(scores, d.convert(padMask(mask, presentKey), type));
  Value keep = keepMask(query, presentKey);
  if (keep)
    scores = d.create("Where", {keep, scores, d.negativeInfinity(type)});
  if (mode == 2)
    output = scores;

  Value weights =
      d.create("Softmax", d.convert(scores, softmaxType), {{"axis", -1}});
  weights = d.convert(weights, type);
  // Rows without a key; causal masks alone leave the first one.
  if (hasFloatMask ||
      (keep && (!ONNXDecomposer::isNone(mask) ||
                !ONNXDecomposer::isNone(op.getNonpadKvSeqlen())))) {
    Value highest = d.reduce("ReduceMax", scores, -1, /*keep=*/true);
    Value empty = d.create("Equal", {highest, d.negativeInfinity(type)});
    weights = d.create("Where", {empty, d.number(0, type), weights});
  }
  if (mode == 3)
    output = weights;

  if (group > 1)
    value = d.unsqueeze(value, {2});
  Value result = joinGroups(d.matmul(splitGroups(weights), value));
  if (isFlat) {
    std::optional<int64_t> size = d.constantDim(result, 3);
    if (d.hasFailed() || !size)
      return failure();
    result = d.reshape(d.transpose(result, {0, 2, 1, 3}),
                       {0, 0, queryHeads * *size});
  }
  return SmallVector<Value>{result, presentKey, presentValue, output};
}

} // namespace

Decomposition mlir::trine::decomposeAttention(onnx::AttentionOp op,
                                              ONNXDecomposer &d) {
  return AttentionBuilder{op, d}.run();
}
