// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention and RotaryEmbedding of ai.onnx.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// [B, H, S, D] of an operand that has these dimensions, or is [B, S, H*D] with
/// a known number of heads.
static FailureOr<Dims> splitHeads(Inference &inference, unsigned operand,
                                  std::optional<int64_t> heads,
                                  StringRef attribute) {
  ArrayRef<Expression> shape = inference.shape(operand);
  if (shape.size() == 4)
    return Dims(shape);
  if (!heads || *heads < 1)
    return LogicalResult(inference.error()
                         << "'" << attribute << "' must be at least 1 when "
                         << inference.name(operand) << " has rank 3, got "
                         << (heads ? std::to_string(*heads) : "none"));
  Expression count = inference.constant(*heads),
             width = divideExactly(shape[2], count);
  if (!width && shape[2].isConstant())
    return LogicalResult(inference.error()
                         << "dimension 2 of " << inference.name(operand)
                         << " must be a multiple of '" << attribute << "' "
                         << *heads << ", got " << shape[2].str());
  return Dims{shape[0], count, shape[1],
              width ? width : floorDiv(shape[2], count)};
}

/// A number of heads, from an attribute that the generated accessors read as
/// unsigned.
static std::optional<int64_t> toHeads(std::optional<uint64_t> value) {
  return value ? std::optional<int64_t>(static_cast<int64_t>(*value))
               : std::nullopt;
}

static LogicalResult inferAttention(Inference &inference) {
  auto op = cast<AttentionOp>(inference.op);
  int64_t rank = inference.rank(0);
  if (rank != 3 && rank != 4)
    return inference.error() << "'Q' must have rank 3 or 4, got " << rank;
  if (failed(inference.requireRank(1, rank)) ||
      failed(inference.requireRank(2, rank)))
    return failure();
  FailureOr<Dims> q =
      splitHeads(inference, 0, toHeads(op.getQNumHeads()), "q_num_heads");
  FailureOr<Dims> k =
      splitHeads(inference, 1, toHeads(op.getKvNumHeads()), "kv_num_heads");
  FailureOr<Dims> v =
      splitHeads(inference, 2, toHeads(op.getKvNumHeads()), "kv_num_heads");
  if (failed(q) || failed(k) || failed(v))
    return failure();
  FailureOr<Expression> batch =
      inference.unify((*q)[0], (*k)[0], "the batch of 'Q' and 'K'");
  if (failed(batch) ||
      failed(inference.unify(*batch, (*v)[0], "the batch of 'Q' and 'V'")) ||
      failed(inference.unify((*k)[1], (*v)[1], "the heads of 'K' and 'V'")) ||
      failed(
          inference.unify((*k)[2], (*v)[2], "the sequence of 'K' and 'V'")) ||
      failed(inference.unify((*q)[3], (*k)[3],
                             "the head dimension of 'Q' and 'K'")))
    return failure();
  std::optional<int64_t> queryHeads = (*q)[1].getConstant(),
                         keyHeads = (*k)[1].getConstant();
  if (queryHeads && keyHeads &&
      (*keyHeads == 0 || *queryHeads % *keyHeads != 0))
    return inference.error()
           << "heads of 'Q' must be a multiple of those of 'K', got "
           << *queryHeads << " and " << *keyHeads;
  Expression total = (*k)[2];
  if (inference.isPresent(4) != inference.isPresent(5))
    return inference.error()
           << "'past_key' and 'past_value' must be given together";
  if (inference.isPresent(4)) {
    if (inference.isPresent(6))
      return inference.error()
             << "'nonpad_kv_seqlen' must not be given with 'past_key'";
    for (unsigned operand : {4u, 5u}) {
      const Dims &current = operand == 4 ? *k : *v;
      if (failed(inference.requireRank(operand, 4)))
        return failure();
      for (unsigned dimension : {0u, 1u, 3u})
        if (failed(inference.unify(current[dimension],
                                   inference.shape(operand)[dimension],
                                   "dimension " + Twine(dimension) + " of " +
                                       inference.name(operand - 3) + " and " +
                                       inference.name(operand))))
          return failure();
    }
    FailureOr<Expression> past =
        inference.unify(inference.shape(4)[2], inference.shape(5)[2],
                        "the sequence of 'past_key' and 'past_value'");
    if (failed(past))
      return failure();
    total = *past + total;
  }
  if (inference.isPresent(6)) {
    if (failed(inference.requireRank(6, 1)) ||
        failed(inference.unify(*batch, inference.shape(6)[0],
                               "the batch of 'Q' and 'nonpad_kv_seqlen'")))
      return failure();
  }
  if (inference.isPresent(3)) {
    ArrayRef<Expression> mask = inference.shape(3);
    if (mask.size() < 2 || mask.size() > 4)
      return inference.error()
             << "'attn_mask' must have rank 2 to 4, got " << mask.size();
    // A mask may end before the keys do; the rest then is masked.
    bool isShort = mask.back().getConstant() && total.getConstant() &&
                   *mask.back().getConstant() < *total.getConstant();
    Dims scores{*batch, (*q)[1], (*q)[2], isShort ? mask.back() : total};
    if (failed(inference.broadcastShapes({scores, mask},
                                         "scores and 'attn_mask'")))
      return failure();
  }
  if (rank == 4)
    inference.setShape(0, {*batch, (*q)[1], (*q)[2], (*v)[3]});
  else
    inference.setShape(0, {*batch, (*q)[2], (*q)[1] * (*v)[3]});
  inference.setShape(1, {*batch, (*k)[1], total, (*k)[3]});
  inference.setShape(2, {*batch, (*k)[1], total, (*v)[3]});
  inference.setShape(3, {*batch, (*q)[1], (*q)[2], total});
  return success();
}

static LogicalResult inferRotaryEmbedding(Inference &inference) {
  auto op = cast<RotaryEmbeddingOp>(inference.op);
  int64_t rank = inference.rank(0);
  if (rank != 3 && rank != 4)
    return inference.error() << "'X' must have rank 3 or 4, got " << rank;
  FailureOr<Dims> x =
      splitHeads(inference, 0, toHeads(op.getNumHeads()), "num_heads");
  if (failed(x))
    return failure();
  bool hasPositions = inference.isPresent(3);
  // With positions the tables are [positions, D/2]; without, [B, S, D/2].
  for (unsigned operand : {1u, 2u}) {
    if (failed(inference.requireRank(operand, hasPositions ? 2 : 3)))
      return failure();
    int64_t rotary = static_cast<int64_t>(op.getRotaryEmbeddingDim());
    Expression width = rotary != 0 ? inference.constant(rotary) : (*x)[3];
    if (failed(inference.unify(inference.shape(operand).back() * 2, width,
                               "twice the last dimension of " +
                                   inference.name(operand) +
                                   " and the rotated dimension")))
      return failure();
    if (hasPositions)
      continue;
    if (failed(inference.unify((*x)[0], inference.shape(operand)[0],
                               "the batch of 'X' and " +
                                   inference.name(operand))) ||
        failed(inference.unify((*x)[2], inference.shape(operand)[1],
                               "the sequence of 'X' and " +
                                   inference.name(operand))))
      return failure();
  }
  if (hasPositions) {
    if (failed(inference.requireRank(3, 2)) ||
        failed(inference.unify((*x)[0], inference.shape(3)[0],
                               "the batch of 'X' and 'position_ids'")) ||
        failed(inference.unify((*x)[2], inference.shape(3)[1],
                               "the sequence of 'X' and 'position_ids'")))
      return failure();
  }
  inference.setShape(0, inference.shape(0));
  return success();
}

void mlir::trine::onnx::addAttentionInference(InferenceTable &table) {
  table["onnx.Attention"] = inferAttention;
  table["onnx.RotaryEmbedding"] = inferRotaryEmbedding;
}
