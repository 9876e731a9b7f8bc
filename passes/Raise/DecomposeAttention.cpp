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
  /// Numbers of heads, and query heads per key head, as 1-D tensors.
  Value queryHeads, keyHeads, group;
  bool isGrouped = false; ///< the last is not known to be 1

  void readHeads();
  /// [B, S, heads * size] as [B, heads, S, size].
  Value toHeads(Value value, int64_t heads);
  /// The square root of the scale, of the operands' type.
  Value rootOfScale(Value query, Type type);
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

void AttentionBuilder::readHeads() {
  Value q = op.getQ(), k = op.getK();
  isFlat = d.rank(q) == 3;
  queryHeads =
      isFlat ? d.integers(op.getQNumHeads().value_or(0)) : d.shape(q, 1, 2);
  keyHeads =
      isFlat ? d.integers(op.getKvNumHeads().value_or(0)) : d.shape(k, 1, 2);
  // Of constant heads this is a constant; what is left over for others is a
  // reshape that fails.
  group = d.div(queryHeads, keyHeads);
  std::optional<ArrayRef<SymbolicExpression>> known =
      d.shapes.getContents(group);
  isGrouped = !known || !known->front() || !known->front().isConstant(1);
}

Value AttentionBuilder::toHeads(Value value, int64_t heads) {
  if (!isFlat)
    return value;
  return d.transpose(d.reshape(value, {0, 0, heads, -1}), {0, 2, 1, 3});
}

Value AttentionBuilder::splitGroups(Value value) {
  if (!isGrouped)
    return value;
  return d.reshapeTo(value, d.joinSizes({d.shape(value, 0, 1), keyHeads, group,
                                         d.shape(value, 2, 4)}));
}

Value AttentionBuilder::joinGroups(Value value) {
  if (!isGrouped)
    return value;
  return d.reshapeTo(value, d.joinSizes({d.shape(value, 0, 1), queryHeads,
                                         d.shape(value, 3, 5)}));
}

Value AttentionBuilder::rootOfScale(Value query, Type type) {
  std::optional<int64_t> headSize = d.constantDim(query, 3);
  if (op.getScale() || headSize) {
    float scale = op.getScale() ? op.getScale()->convertToFloat()
                                : 1.0f / std::sqrt((float)*headSize);
    return d.number(std::sqrt(scale), type);
  }
  Value size = d.convert(d.size(query, 3), Float32Type::get(op.getContext()));
  Value scale = d.create("Reciprocal", d.create("Sqrt", size));
  return d.convert(d.create("Sqrt", scale), type);
}

Value AttentionBuilder::padMask(Value mask, Value key) {
  int64_t last = d.rank(mask) - 1;
  // One column broadcasts.
  if (last < 0 || d.dims(mask)[last] == d.dims(key)[2] ||
      d.dims(mask)[last].isConstant(1))
    return mask;
  Value size = d.shape(mask, last, last + 1);
  Value missing = d.sub(d.shape(key, 2, 3), size);
  // Nor is a column that turns out to be the only one padded.
  if (!d.constantDim(mask, last))
    missing = d.mul(
        missing, d.create("Min", {d.sub(size, d.integers(1)), d.integers(1)}));
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
  readHeads();
  if (d.hasFailed())
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

  int64_t flatQueryHeads = op.getQNumHeads().value_or(0),
          flatKeyHeads = op.getKvNumHeads().value_or(0);
  Value query = toHeads(op.getQ(), flatQueryHeads);
  Value key = toHeads(op.getK(), flatKeyHeads),
        value = toHeads(op.getV(), flatKeyHeads);
  if (d.hasFailed())
    return failure();
  if (hasPast) {
    key = d.concat({op.getPastKey(), key}, 2);
    value = d.concat({op.getPastValue(), value}, 2);
  }
  Value presentKey = key, presentValue = value;
  value = d.convert(value, type);
  key = d.convert(key, type);

  Value root = rootOfScale(query, type);
  Value scaledKey = d.transpose(d.mul(key, root), {0, 1, 3, 2});
  if (isGrouped)
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

  if (isGrouped)
    value = d.unsqueeze(value, {2});
  Value result = joinGroups(d.matmul(splitGroups(weights), value));
  if (isFlat) {
    if (d.hasFailed())
      return failure();
    // The sizes of the operands, where a product would be no simpler.
    result =
        d.reshapeTo(d.transpose(result, {0, 2, 1, 3}),
                    d.joinSizes({d.shape(op.getQ(), 0, 2),
                                 d.mul(queryHeads, d.shape(result, 3, 4))}));
  }
  return SmallVector<Value>{result, presentKey, presentValue, output};
}

} // namespace

Decomposition mlir::trine::decomposeAttention(onnx::AttentionOp op,
                                              ONNXDecomposer &d) {
  return AttentionBuilder{op, d}.run();
}
