// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators of com.microsoft.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// output = norm(input + skip + bias) * gamma; statistics have size 1 on the
/// last axis.
static LogicalResult inferSkipNormalization(Inference &inference) {
  if (failed(inference.requireRankAtLeast(0, 2)))
    return failure();
  FailureOr<Dims> dims = inference.broadcast({0, 1});
  if (failed(dims))
    return failure();
  if (dims->size() != inference.shape(0).size())
    return inference.error()
           << "'skip' must have at most rank " << inference.rank(0) << ", got "
           << inference.rank(1);
  for (unsigned operand : {2, 3}) {
    if (!inference.isPresent(operand))
      continue;
    if (failed(inference.requireRank(operand, 1)) ||
        failed(inference.unify(
            inference.shape(0).back(), inference.shape(operand)[0],
            "the last dimension of 'input' and " + inference.name(operand))))
      return failure();
  }
  Dims statistics(inference.shape(0));
  statistics.back() = inference.constant(1);
  inference.setShape(0, inference.shape(0));
  inference.setShape(1, statistics);
  inference.setShape(2, statistics);
  inference.setShape(3, inference.shape(0));
  return success();
}

/// input [B, S, H*D] or [B, H, S, D]; position_ids [1] or [B, S]; tables
/// [positions, D/2].
static LogicalResult inferRotaryEmbedding(Inference &inference) {
  if (inference.rank(0) != 3 && inference.rank(0) != 4)
    return inference.error()
           << "'input' must have rank 3 or 4, got " << inference.rank(0);
  if (failed(inference.requireRank(2, 2)) ||
      failed(inference.requireRank(3, 2)))
    return failure();
  for (unsigned dimension : {0u, 1u})
    if (failed(inference.unify(inference.shape(2)[dimension],
                               inference.shape(3)[dimension],
                               "dimension " + Twine(dimension) +
                                   " of 'cos_cache' and 'sin_cache'")))
      return failure();
  if (inference.rank(1) == 2) {
    Expression sequence = inference.shape(0)[inference.rank(0) == 4 ? 2 : 1];
    if (failed(inference.unify(inference.shape(0)[0], inference.shape(1)[0],
                               "the batch of 'input' and 'position_ids'")) ||
        failed(inference.unify(sequence, inference.shape(1)[1],
                               "the sequence of 'input' and 'position_ids'")))
      return failure();
  } else if (failed(inference.requireRank(1, 1))) {
    return failure();
  }
  inference.setShape(0, inference.shape(0));
  return success();
}

/// input_ids [B, S], multipliers [n] or more, vocab_sizes [(n - 1) * heads],
/// past_ids [B, n - 1], eos_token_id [], segment_ids [B, S] -> hash_ids
/// [B, S, (n - 1) * heads], present_ids [B, n - 1].
static LogicalResult inferNGramHashMapping(Inference &inference) {
  auto op = cast<NGramHashMappingOp>(inference.op);
  int64_t order = op.getMaxNgramSize(), heads = op.getNHeadPerNgram();
  if (order < 2 || order > INT16_MAX)
    return inference.error() << "'max_ngram_size' must be in [2, " << INT16_MAX
                             << "], got " << order;
  if (heads < 1 || heads > INT16_MAX)
    return inference.error() << "'n_head_per_ngram' must be in [1, "
                             << INT16_MAX << "], got " << heads;
  if (failed(inference.requireRank(0, 2)) ||
      failed(inference.requireRank(1, 1)) ||
      failed(inference.requireRank(2, 1)))
    return failure();
  Expression columns = inference.constant((order - 1) * heads),
             history = inference.constant(order - 1);
  std::optional<int64_t> multipliers = inference.shape(1)[0].getConstant();
  if (multipliers && *multipliers < order)
    return inference.error()
           << "'multipliers' must have 'max_ngram_size' "
           << "elements or more, got " << *multipliers << " for " << order;
  if ((!multipliers &&
       failed(inference.unify(inference.shape(1)[0], inference.constant(order),
                              "'multipliers' and 'max_ngram_size'"))) ||
      failed(inference.unify(inference.shape(2)[0], columns,
                             "'vocab_sizes' and the hashes per token")))
    return failure();
  Expression batch = inference.shape(0)[0];
  if (inference.isPresent(3)) {
    if (failed(inference.requireRank(3, 2)) ||
        failed(inference.unify(batch, inference.shape(3)[0],
                               "the batch of 'input_ids' and 'past_ids'")) ||
        failed(inference.unify(
            inference.shape(3)[1], history,
            "dimension 1 of 'past_ids' and 'max_ngram_size' - 1")))
      return failure();
  }
  if (inference.isPresent(4)) {
    if (failed(inference.requireRank(4, 1)) ||
        failed(inference.unify(inference.shape(4)[0], columns,
                               "'head_offsets' and the hashes per token")))
      return failure();
  }
  if (inference.isPresent(5) && failed(inference.requireRank(5, 0)))
    return failure();
  if (inference.isPresent(6)) {
    if (failed(inference.requireRank(6, 2)) ||
        failed(inference.unify(batch, inference.shape(6)[0],
                               "the batch of 'input_ids' and "
                               "'segment_ids'")) ||
        failed(
            inference.unify(inference.shape(0)[1], inference.shape(6)[1],
                            "the sequence of 'input_ids' and 'segment_ids'")))
      return failure();
  }
  inference.setShape(0, {batch, inference.shape(0)[1], columns});
  // A hash is reduced by its vocabulary size, then moved by its offset.
  Expression largest;
  IntegerRange sizes = inference.range(2), offsets = inference.range(4);
  if (sizes.lower && isKnownPositive(sizes.lower) && sizes.upper)
    largest = sizes.upper - 1;
  if (!inference.isPresent(4) && largest)
    inference.setRange(0, {inference.constant(0), largest});
  else if (largest && offsets.lower && offsets.upper)
    inference.setWrappingRange(0, {offsets.lower, offsets.upper + largest});
  inference.setShape(1, {batch, history});
  return success();
}

/// key, query [B, S, N, D], value [B, S, D], scales [N, D] -> [B, S, N, D].
static LogicalResult inferEngramGate(Inference &inference) {
  int64_t rank = inference.rank(0);
  if (failed(inference.requireRankAtLeast(0, 3)) ||
      failed(inference.requireRank(1, rank)) ||
      failed(inference.requireRank(2, rank - 1)) ||
      failed(inference.requireRank(3, 2)) ||
      failed(inference.requireRank(4, 2)))
    return failure();
  ArrayRef<Expression> key = inference.shape(0);
  for (int64_t dimension = 0; dimension < rank; ++dimension)
    if (failed(inference.unify(key[dimension], inference.shape(1)[dimension],
                               "dimension " + Twine(dimension) +
                                   " of 'key' and 'query'")))
      return failure();
  for (int64_t dimension = 0; dimension < rank - 1; ++dimension) {
    int64_t keyDimension = dimension == rank - 2 ? rank - 1 : dimension;
    if (failed(inference.unify(key[keyDimension], inference.shape(2)[dimension],
                               "dimension " + Twine(keyDimension) +
                                   " of 'key' and " + Twine(dimension) +
                                   " of 'value'")))
      return failure();
  }
  for (unsigned operand : {3, 4})
    for (unsigned dimension : {0, 1})
      if (failed(inference.unify(
              key[rank - 2 + dimension], inference.shape(operand)[dimension],
              "dimension " + Twine(rank - 2 + dimension) + " of 'key' and " +
                  Twine(dimension) + " of " + inference.name(operand))))
        return failure();
  inference.setShape(0, key);
  return success();
}

/// input [rows, D] or [B, S, D], router_probs [rows, E], fc1 [E, ., .], fc2 [E,
/// ., .] -> the input's shape.
static LogicalResult inferMoE(Inference &inference) {
  if (inference.rank(0) != 2 && inference.rank(0) != 3)
    return inference.error()
           << "'input' must have rank 2 or 3, got " << inference.rank(0);
  if (failed(inference.requireRank(1, 2)))
    return failure();
  Expression rows =
      product(inference.context(), inference.shape(0).drop_back());
  Expression experts = inference.shape(1)[1];
  if (failed(inference.unify(rows, inference.shape(1)[0],
                             "the rows of 'input' and 'router_probs'")))
    return failure();
  for (unsigned operand : {2, 4, 6}) {
    if (!inference.isPresent(operand))
      continue;
    if (failed(inference.requireRank(operand, 3)) ||
        failed(inference.unify(experts, inference.shape(operand)[0],
                               "the experts of 'router_probs' and " +
                                   inference.name(operand))))
      return failure();
    if (!inference.isPresent(operand + 1))
      continue;
    if (failed(inference.requireRank(operand + 1, 2)) ||
        failed(inference.unify(experts, inference.shape(operand + 1)[0],
                               "the experts of 'router_probs' and " +
                                   inference.name(operand + 1))))
      return failure();
  }
  int64_t count = cast<MoEOp>(inference.op).getK();
  if (count < 1 || (experts.getConstant() && count > *experts.getConstant()))
    return inference.error()
           << "'k' must be in [1, " << experts.str() << "], got " << count;
  inference.setShape(0, inference.shape(0));
  return success();
}

void mlir::trine::onnx::addContribInference(InferenceTable &table) {
  table["onnx.com.microsoft.EngramGate"] = inferEngramGate;
  table["onnx.com.microsoft.MoE"] = inferMoE;
  table["onnx.com.microsoft.NGramHashMapping"] = inferNGramHashMapping;
  table["onnx.com.microsoft.RotaryEmbedding"] = inferRotaryEmbedding;
  table["onnx.com.microsoft.SkipSimplifiedLayerNormalization"] =
      inferSkipNormalization;
}
