// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that go along a sequence: LinearAttention, CausalConvWithState,
// ReverseSequence. (Scan is with Loop.)
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// The size of one of `heads` equal parts of a dimension.
static FailureOr<Expression> splitHeads(Inference &inference, unsigned operand,
                                        int64_t heads, StringRef attribute) {
  Expression width = inference.shape(operand)[2];
  if (width.getConstant() && *width.getConstant() % heads != 0)
    return LogicalResult(inference.error()
                         << "dimension 2 of " << inference.name(operand)
                         << " must be a multiple of '" << attribute << "' "
                         << heads << ", got " << width.str());
  return floorDiv(width, inference.constant(heads));
}

/// 'past_state', where it is given, has the sizes of the state.
static LogicalResult checkPastState(Inference &inference,
                                    ArrayRef<Expression> state) {
  if (!inference.isPresent(3))
    return success();
  if (failed(inference.requireRank(3, state.size())))
    return failure();
  for (auto [dimension, size] : llvm::enumerate(state))
    if (failed(inference.unify(size, inference.shape(3)[dimension],
                               "dimension " + Twine(dimension) +
                                   " of the state and 'past_state'")))
      return failure();
  return success();
}

static LogicalResult inferLinearAttention(Inference &inference) {
  auto op = cast<LinearAttentionOp>(inference.op);
  int64_t queryHeads = op.getQNumHeads(), keyHeads = op.getKvNumHeads();
  if (queryHeads < 1 || keyHeads < 1 || queryHeads % keyHeads != 0)
    return inference.error() << "'q_num_heads' must be a positive multiple of "
                                "'kv_num_heads', got "
                             << queryHeads << " and " << keyHeads;
  StringRef rule = op.getUpdateRule();
  if (!llvm::is_contained({"linear", "gated", "delta", "gated_delta"}, rule))
    return inference.error() << "'update_rule' must be linear, gated, delta or "
                                "gated_delta, got '"
                             << rule << "'";
  for (auto [operand, isUsed] : {std::pair(4u, rule.starts_with("gated")),
                                 std::pair(5u, rule.ends_with("delta"))})
    if (inference.isPresent(operand) != isUsed)
      return inference.error()
             << inference.name(operand) << (isUsed ? " must" : " must not")
             << " be given with 'update_rule' " << rule;
  for (unsigned operand : {0u, 1u, 2u, 4u, 5u})
    if (inference.isPresent(operand) &&
        failed(inference.requireRank(operand, 3)))
      return failure();
  FailureOr<Expression> queryWidth =
      splitHeads(inference, 0, queryHeads, "q_num_heads");
  FailureOr<Expression> keyWidth =
      splitHeads(inference, 1, keyHeads, "kv_num_heads");
  FailureOr<Expression> valueWidth =
      splitHeads(inference, 2, keyHeads, "kv_num_heads");
  if (failed(queryWidth) || failed(keyWidth) || failed(valueWidth))
    return failure();
  FailureOr<Expression> width = inference.unify(
      *queryWidth, *keyWidth, "the head dimension of 'query' and 'key'");
  if (failed(width))
    return failure();
  Expression batch = inference.shape(0)[0], length = inference.shape(0)[1];
  for (unsigned operand : {1u, 2u, 4u, 5u}) {
    if (!inference.isPresent(operand))
      continue;
    for (unsigned dimension : {0u, 1u}) {
      Expression &size = dimension == 0 ? batch : length;
      FailureOr<Expression> common =
          inference.unify(size, inference.shape(operand)[dimension],
                          "dimension " + Twine(dimension) + " of 'query' and " +
                              inference.name(operand));
      if (failed(common))
        return failure();
      size = *common;
    }
  }
  // One number for each head, or for each of its keys' dimensions; one number
  // for each head, or for all.
  auto isOneOf = [&](unsigned operand, Expression a, Expression b) {
    Expression size = inference.shape(operand)[2];
    return !size.isConstant() || !a.isConstant() || !b.isConstant() ||
           size == a || size == b;
  };
  Expression heads = inference.constant(keyHeads);
  if ((inference.isPresent(4) && !isOneOf(4, heads, heads * *width)) ||
      (inference.isPresent(5) && !isOneOf(5, heads, inference.constant(1)))) {
    unsigned operand =
        inference.isPresent(4) && !isOneOf(4, heads, heads * *width) ? 4 : 5;
    return inference.error()
           << "dimension 2 of " << inference.name(operand) << " must be "
           << keyHeads << " or "
           << (operand == 4 ? (heads * *width).str() : std::string("1"))
           << ", got " << inference.shape(operand)[2].str();
  }
  SmallVector<Expression> state{batch, heads, *width, *valueWidth};
  if (failed(checkPastState(inference, state)))
    return failure();
  // Where no past says it, the state has the type of the query.
  inference.setElementType(
      1, inference.elementType(inference.isPresent(3) ? 3 : 0));
  inference.setShape(0, {batch, length, *valueWidth * queryHeads});
  inference.setShape(1, state);
  return success();
}

static LogicalResult inferCausalConv(Inference &inference) {
  auto op = cast<CausalConvWithStateOp>(inference.op);
  if (!llvm::is_contained({"none", "silu", "swish"}, op.getActivation()))
    return inference.error()
           << "'activation' must be none, silu or swish, got '"
           << op.getActivation() << "'";
  if (failed(inference.requireRank(0, 3)) ||
      failed(inference.requireRank(1, 3)))
    return failure();
  ArrayRef<Expression> input = inference.shape(0), weight = inference.shape(1);
  FailureOr<Expression> channels = inference.unify(
      input[1], weight[0], "the channels of 'input' and 'weight'");
  if (failed(channels) ||
      failed(inference.unify(weight[1], inference.constant(1),
                             "dimension 1 of 'weight' and 1")))
    return failure();
  if (weight[2].isConstant(0))
    return inference.error() << "dimension 2 of 'weight' must be at least 1";
  if (inference.isPresent(2) &&
      (failed(inference.requireRank(2, 1)) ||
       failed(inference.unify(*channels, inference.shape(2)[0],
                              "the channels of 'input' and 'bias'"))))
    return failure();
  Dims state{input[0], *channels, weight[2] - 1};
  if (failed(checkPastState(inference, state)))
    return failure();
  inference.setShape(0, {input[0], *channels, input[2]});
  inference.setShape(1, state);
  return success();
}

static LogicalResult inferReverseSequence(Inference &inference) {
  auto op = cast<ReverseSequenceOp>(inference.op);
  if (failed(inference.requireRankAtLeast(0, 2)) ||
      failed(inference.requireRank(1, 1)))
    return failure();
  int64_t batch = op.getBatchAxis(), time = op.getTimeAxis();
  if (batch < 0 || batch > 1 || time != 1 - batch)
    return inference.error()
           << "'batch_axis' and 'time_axis' must be 0 and 1 or 1 and 0, got "
           << batch << " and " << time;
  if (failed(inference.unify(inference.shape(0)[batch], inference.shape(1)[0],
                             "the batch of 'input' and 'sequence_lens'")))
    return failure();
  inference.setShape(0, inference.shape(0));
  inference.copyRange(0, 0);
  return success();
}

void mlir::trine::onnx::addRecurrenceInference(InferenceTable &table) {
  table["onnx.LinearAttention"] = inferLinearAttention;
  table["onnx.CausalConvWithState"] = inferCausalConv;
  table["onnx.ReverseSequence"] = inferReverseSequence;
}
