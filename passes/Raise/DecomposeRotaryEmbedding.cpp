// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RotaryEmbedding of ai.onnx and of com.microsoft as element-wise work.
#include "DecomposeONNX.h"

using namespace mlir;
using namespace mlir::trine;

namespace {
struct Rotation {
  Value input;      ///< [B, S, heads * size] or [B, heads, S, size]
  Value cosine;     ///< [B or 1, S, rotated / 2]
  Value sine;       ///< the same
  int64_t heads;    ///< of a rank-3 input
  int64_t rotated;  ///< the prefix of a head that turns; 0 for all of it
  bool interleaved; ///< pairs are neighbours, not halves
};
} // namespace

static Decomposition rotate(const Rotation &rotation, ONNXDecomposer &d) {
  Value x = rotation.input;
  bool isFlat = d.rank(x) == 3;
  std::optional<int64_t> size = d.constantDim(x, d.rank(x) - 1);
  if (isFlat && (rotation.heads < 1 || (size && *size % rotation.heads != 0))) {
    (void)d.unsupported("the last dimension must be a multiple of the heads, "
                        "got " +
                        d.dims(x).back().str() + " for " +
                        Twine(rotation.heads) + " heads");
    return failure();
  }
  if (isFlat) {
    x = d.reshape(x, {0, 0, rotation.heads, -1});
    if (size)
      size = *size / rotation.heads;
  }
  // Of a head whose size only runs tell, all of it or a constant prefix.
  std::optional<int64_t> rotated =
      rotation.rotated == 0 ? size : rotation.rotated;
  if (rotated &&
      (*rotated < 2 || *rotated % 2 != 0 || (size && *rotated > *size))) {
    (void)d.unsupported("'rotary_embedding_dim' must be even and at most the "
                        "head size " +
                        (size ? Twine(*size) : Twine("of the input")) +
                        ", got " + Twine(*rotated));
    return failure();
  }
  Value cosine = d.unsqueeze(rotation.cosine, {isFlat ? 2 : 1});
  Value sine = d.unsqueeze(rotation.sine, {isFlat ? 2 : 1});

  bool isWhole = rotated == size;
  Value turned = isWhole ? x : d.slice(x, 3, 0, *rotated);
  Value a, b;
  if (rotation.interleaved) {
    a = d.slice(turned, 3, 0, INT64_MAX, 2);
    b = d.slice(turned, 3, 1, INT64_MAX, 2);
  } else {
    Value half = rotated ? d.integers(*rotated / 2)
                         : d.div(d.shape(turned, 3, 4), d.integers(2));
    a = d.slice(turned, 3, d.integers(0), half);
    b = d.slice(turned, 3, half, d.integers(INT64_MAX));
  }
  Value real = d.sub(d.mul(cosine, a), d.mul(sine, b));
  Value imaginary = d.add(d.mul(sine, a), d.mul(cosine, b));
  Value result;
  if (rotation.interleaved)
    result = d.reshape(
        d.concat({d.unsqueeze(real, {4}), d.unsqueeze(imaginary, {4})}, 4),
        {0, 0, 0, -1});
  else
    result = d.concat({real, imaginary}, 3);
  if (!isWhole)
    result = d.concat({result, d.slice(x, 3, *rotated, INT64_MAX)}, 3);
  if (isFlat)
    result = d.reshape(result, {0, 0, -1});
  return SmallVector<Value>{result};
}

static Value takeRows(Value table, Value positions, ONNXDecomposer &d) {
  return d.create("Gather", {table, positions}, {{"axis", 0}});
}

Decomposition mlir::trine::decomposeRotaryEmbedding(onnx::RotaryEmbeddingOp op,
                                                    ONNXDecomposer &d) {
  bool hasPositions = !ONNXDecomposer::isNone(op.getPositionIds());
  Value cosine = op.getCosCache(), sine = op.getSinCache();
  if (hasPositions) {
    cosine = takeRows(cosine, op.getPositionIds(), d);
    sine = takeRows(sine, op.getPositionIds(), d);
  }
  return rotate({op.getX(), cosine, sine, (int64_t)op.getNumHeads().value_or(0),
                 (int64_t)op.getRotaryEmbeddingDim(), op.getInterleaved() != 0},
                d);
}

Decomposition
mlir::trine::decomposeRotaryEmbedding(onnx::MicrosoftRotaryEmbeddingOp op,
                                      ONNXDecomposer &d) {
  Value input = op.getInput(), positions = op.getPositionIds();
  int64_t rank = d.rank(input);
  if (op.getIsPackedBatching() || op.getScale().convertToDouble() != 1) {
    (void)d.unsupported("'is_packed_batching' must be 0 and 'scale' 1");
    return failure();
  }
  // Without a prefix the tables tell the head size.
  int64_t rotated = op.getRotaryEmbeddingDim(), heads = op.getNumHeads();
  if (rank == 3 && heads == 0) {
    std::optional<int64_t> half = d.constantDim(op.getCosCache(), 1);
    std::optional<int64_t> hidden = d.constantDim(input, 2);
    if (rotated != 0 || !half || *half < 1 || !hidden) {
      (void)d.unsupported("'num_heads' must be given with "
                          "'rotary_embedding_dim' " +
                          Twine(rotated));
      return failure();
    }
    heads = *hidden / (2 * *half);
  }
  // One position is that of the first token of every sequence.
  if (d.rank(positions) == 1) {
    Value tokens = d.range(d.size(input, rank == 3 ? 1 : 2));
    positions = d.unsqueeze(d.add(tokens, positions), {0});
  }
  return rotate({input, takeRows(op.getCosCache(), positions, d),
                 takeRows(op.getSinCache(), positions, d), heads, rotated,
                 op.getInterleaved() != 0},
                d);
}
