// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verification.h"

using namespace mlir;
using namespace mlir::trine;

LogicalResult EngramHashOp::verify() {
  NamedTensor tokens("token_ids", getTokenIds()), rows("rows", getRows()),
      present("present", getPresent());
  int64_t order = getMaxOrder(), heads = getHeads();
  // hash_c2
  if (order < 2 || order > 64)
    return emitOpError() << "'max_order' must be between 2 and 64, got "
                         << order;
  if (heads < 1 || heads > 65536)
    return emitOpError() << "'heads' must be between 1 and 65536, got "
                         << heads;
  // hash_c1
  if (failed(verifyRank(*this, tokens, 2)) ||
      failed(verifyRank(*this, present, 2)) ||
      failed(verifySameSize(*this, present, 0, tokens, 0)))
    return failure();
  if (getTokenMap() &&
      failed(verifyRank(*this, NamedTensor("token_map", getTokenMap()), 1)))
    return failure();
  // hash_c5
  if (getHistory()) {
    NamedTensor history("history", getHistory());
    if (failed(verifyRank(*this, history, 2)) ||
        failed(verifySameSize(*this, history, 0, tokens, 0)) ||
        failed(verifySize(*this, history, 1, order - 1)))
      return failure();
  }
  if (failed(verifySize(*this, present, 1, order - 1)))
    return failure();
  // hash_c3
  int64_t columns = (order - 1) * heads;
  if (static_cast<int64_t>(getMultipliers().size()) != order)
    return emitOpError() << "needs " << order << " multipliers, got "
                         << getMultipliers().size();
  if (static_cast<int64_t>(getModuli().size()) != columns ||
      static_cast<int64_t>(getOffsets().size()) != columns)
    return emitOpError() << "needs " << columns << " moduli and offsets, got "
                         << getModuli().size() << " and "
                         << getOffsets().size();
  // hash_c4
  for (auto [modulus, offset] : llvm::zip(getModuli(), getOffsets()))
    if (modulus < 1 || offset < 0)
      return emitOpError()
             << "moduli must be positive and offsets not negative, got "
             << modulus << " and " << offset;
  // hash_c6
  if (failed(verifyRank(*this, rows, 3)) ||
      failed(verifySameSize(*this, rows, 0, tokens, 0)) ||
      failed(verifySameSize(*this, rows, 1, tokens, 1)) ||
      failed(verifySize(*this, rows, 2, columns)))
    return failure();
  // hash_c7
  if (getResetToken().has_value() != (getReset() == HashReset::AfterToken))
    return emitOpError()
           << "'reset_token' must be given exactly with after_token";
  return success();
}

LogicalResult EngramLookupOp::verify() {
  NamedTensor rows("rows", getRows()), table("table", getTable()),
      result("result", getResult());
  // lookup_c1
  if (failed(verifyRank(*this, table, 2)) ||
      failed(verifyRank(*this, result, rows.type.getRank() + 1)))
    return failure();
  for (int64_t i = 0; i < rows.type.getRank(); ++i)
    if (failed(verifySameSize(*this, result, i, rows, i)))
      return failure();
  if (failed(verifySameSize(*this, result, rows.type.getRank(), table, 1)))
    return failure();
  // lookup_c2
  bool needsScales = table.type.getElementTypeBitWidth() <= 8;
  if (needsScales != static_cast<bool>(getScales()))
    return emitOpError() << "'scales' must be given exactly for tables of "
                            "8-bit floats, got a table of "
                         << table.type.getElementType();
  if (getScales()) {
    NamedTensor scales("scales", getScales());
    if (failed(verifyRank(*this, scales, 2)) ||
        failed(verifySameSize(*this, scales, 0, table, 0)))
      return failure();
    int64_t blocks = scales.type.getDimSize(1),
            width = table.type.getDimSize(1);
    if (!ShapedType::isDynamic(blocks) && !ShapedType::isDynamic(width) &&
        (blocks == 0 || width % blocks != 0))
      return emitOpError() << "columns of 'scales' must divide the row width "
                           << width << ", got " << blocks;
    return success();
  }
  // lookup_c3
  if (result.type.getElementType() != table.type.getElementType())
    return emitOpError() << "'result' must have the table's element type "
                         << table.type.getElementType() << ", got "
                         << result.type.getElementType();
  return success();
}

LogicalResult EngramGateOp::verify() {
  NamedTensor key("key", getKey()), value("value", getValue()),
      keyWeight("key_weight", getKeyWeight()),
      queryWeight("query_weight", getQueryWeight());
  // gate_c1
  if (failed(verifyRank(*this, key, 4)) || failed(verifyRank(*this, value, 3)))
    return failure();
  // gate_c2
  if (failed(verifySameSize(*this, value, 0, key, 0)) ||
      failed(verifySameSize(*this, value, 1, key, 1)) ||
      failed(verifySameSize(*this, value, 2, key, 3)))
    return failure();
  for (const NamedTensor &weight : {keyWeight, queryWeight})
    if (failed(verifyRank(*this, weight, 2)) ||
        failed(verifySameSize(*this, weight, 0, key, 2)) ||
        failed(verifySameSize(*this, weight, 1, key, 3)))
      return failure();
  // gate_c3
  if (getEpsilon().isNegative() || getFloor().isNegative())
    return emitOpError() << "'epsilon' and 'floor' must not be negative, got "
                         << getEpsilon().convertToDouble() << " and "
                         << getFloor().convertToDouble();
  return success();
}

LogicalResult EngramConvOp::verify() {
  NamedTensor input("input", getInput()), state("state", getState()),
      weight("weight", getWeight());
  // conv_c1
  if (failed(verifyRank(*this, input, 3)) ||
      failed(verifyRank(*this, state, 3)) ||
      failed(verifyRank(*this, weight, 2)))
    return failure();
  // conv_c2
  if (failed(verifySameSize(*this, state, 0, input, 0)) ||
      failed(verifySameSize(*this, state, 2, input, 2)) ||
      failed(verifySameSize(*this, weight, 0, input, 2)))
    return failure();
  // conv_c3
  int64_t dilation = getDilation(), width = weight.type.getDimSize(1);
  if (dilation < 1 || dilation > (int64_t(1) << 31))
    return emitOpError() << "'dilation' must be at least 1, got " << dilation;
  if (!ShapedType::isDynamic(width) && width >= 1 && width < (int64_t(1) << 31))
    return verifySize(*this, state, 1, (width - 1) * dilation);
  return success();
}

LogicalResult HyperMixOp::verify() {
  NamedTensor streams("streams", getStreams()),
      projection("projection", getProjection()), bias("bias", getBias()),
      mixed("mixed", getMixed()), post("post", getPost()),
      comb("comb", getComb());
  // mix_c1
  if (failed(verifyRank(*this, streams, 4)) ||
      failed(verifyRank(*this, projection, 2)) ||
      failed(verifyRank(*this, bias, 1)))
    return failure();
  // mix_c2
  int64_t count = streams.type.getDimSize(2),
          width = streams.type.getDimSize(3);
  if (!ShapedType::isDynamic(count) && count >= 1 && count < 65536) {
    int64_t outputs = 2 * count + count * count;
    if (failed(verifySize(*this, projection, 0, outputs)) ||
        failed(verifySize(*this, bias, 0, outputs)))
      return failure();
    if (!ShapedType::isDynamic(width) && width < (int64_t(1) << 40) &&
        failed(verifySize(*this, projection, 1, count * width)))
      return failure();
  }
  if (getScale()) {
    NamedTensor scale("scale", getScale());
    if (failed(verifyRank(*this, scale, 1)) ||
        failed(verifySize(*this, scale, 0, 3)))
      return failure();
  }
  // mix_c3
  if (failed(verifyRank(*this, mixed, 3)) ||
      failed(verifyRank(*this, post, 3)) || failed(verifyRank(*this, comb, 4)))
    return failure();
  for (const NamedTensor &result : {mixed, post, comb})
    if (failed(verifySameSize(*this, result, 0, streams, 0)) ||
        failed(verifySameSize(*this, result, 1, streams, 1)))
      return failure();
  if (failed(verifySameSize(*this, mixed, 2, streams, 3)) ||
      failed(verifySameSize(*this, post, 2, streams, 2)) ||
      failed(verifySameSize(*this, comb, 2, streams, 2)) ||
      failed(verifySameSize(*this, comb, 3, streams, 2)))
    return failure();
  // mix_c4
  if (int64_t rounds = getRounds(); rounds < 1)
    return emitOpError() << "'rounds' must be at least 1, got " << rounds;
  if (getEpsilon().isNegative() || getNormEpsilon().isNegative())
    return emitOpError() << "epsilons must not be negative, got "
                         << getEpsilon().convertToDouble() << " and "
                         << getNormEpsilon().convertToDouble();
  return success();
}

LogicalResult HyperCombineOp::verify() {
  NamedTensor streams("streams", getStreams()), output("output", getOutput()),
      post("post", getPost()), comb("comb", getComb());
  // combine_c1
  if (failed(verifyRank(*this, streams, 4)) ||
      failed(verifyRank(*this, output, 3)) ||
      failed(verifyRank(*this, post, 3)) || failed(verifyRank(*this, comb, 4)))
    return failure();
  // combine_c2
  for (const NamedTensor &operand : {output, post, comb})
    if (failed(verifySameSize(*this, operand, 0, streams, 0)) ||
        failed(verifySameSize(*this, operand, 1, streams, 1)))
      return failure();
  if (failed(verifySameSize(*this, output, 2, streams, 3)) ||
      failed(verifySameSize(*this, post, 2, streams, 2)) ||
      failed(verifySameSize(*this, comb, 2, streams, 2)) ||
      failed(verifySameSize(*this, comb, 3, streams, 2)))
    return failure();
  return success();
}
