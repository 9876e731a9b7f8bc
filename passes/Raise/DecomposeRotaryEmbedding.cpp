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
  std::optional<int64_t> last = d.constantDim(x, d.rank(x) - 1);
  if (!last ||
      (isFlat && (rotation.heads < 1 || *last % rotation.heads != 0))) {
    (void)d.unsupported("the last dimension must be a constant multiple of "
                        "the heads, got " +
                        d.dims(x).back().str() + " for " +
                        Twine(rotation.heads) + " heads");
    return failure();
  }
  int64_t size = isFlat ? *last / rotation.heads : *last;
  int64_t rotated = rotation.rotated == 0 ? size : rotation.rotated;
  if (rotated < 2 || rotated % 2 != 0 || rotated > size) {
    (void)d.unsupported("'rotary_embedding_dim' must be even and at most the "
                        "head size " +
                        Twine(size) + ", got " + Twine(rotated));
    return failure();
  }
  if (isFlat)
    x = d.reshape(x, {0, 0, rotation.heads, size});
  Value cosine = d.unsqueeze(rotation.cosine, {isFlat ? 2 : 1});
  Value sine = d.unsqueeze(rotation.sine, {isFlat ? 2 : 1});

  Value turned = rotated == size ? x : d.slice(x, 3, 0, rotated);
  int64_t half = rotated / 2;
  Value a, b;
  if (rotation.interleaved) {
    a = d.slice(turned, 3, 0, rotated, 2);
    b = d.slice(turned, 3, 1, rotated, 2);
  } else {
    a = d.slice(turned, 3, 0, half);
    b = d.slice(turned, 3, half, rotated);
  }
  Value real = d.sub(d.mul(cosine, a), d.mul(sine, b));
  Value imaginary = d.add(d.mul(sine, a), d.mul(cosine, b));
  Value result;
  if (rotation.interleaved)
    result = d.reshape(
        d.concat({d.unsqueeze(real, {4}), d.unsqueeze(imaginary, {4})}, 4),
        {0, 0, 0, rotated});
  else
    result = d.concat({real, imaginary}, 3);
  if (rotated != size)
    result = d.concat({result, d.slice(x, 3, rotated, size)}, 3);
  if (isFlat)
    result = d.reshape(result, {0, 0, rotation.heads * size});
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
