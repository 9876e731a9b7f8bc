// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rotary position embedding: ai.onnx and com.microsoft.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// What both operators come down to: each head of `x` is rotated in its first
/// `rotated` channels.
struct Rotation {
  const Tensor *x, *cos, *sin;
  int64_t batches, heads, length, width;
  bool packed; // x is [batch, length, heads * width], not [batch, heads,
               // length, width]
  int64_t rotated;
  bool interleaved;
  /// The row of the caches for a token; a failure when it is out of range.
  llvm::function_ref<FailureOr<int64_t>(int64_t batch, int64_t token)> row;
};
} // namespace

static LogicalResult rotate(OperatorCall &call, const Rotation &r) {
  FailureOr<Tensor> y = call.allocate(r.x->getElementType(), r.x->getShape());
  if (failed(y))
    return failure();
  int64_t half = r.rotated / 2;
  for (int64_t b = 0; b < r.batches; ++b)
    for (int64_t t = 0; t < r.length; ++t) {
      FailureOr<int64_t> row = r.row(b, t);
      if (failed(row))
        return failure();
      for (int64_t h = 0; h < r.heads; ++h) {
        int64_t at = r.packed ? ((b * r.length + t) * r.heads + h) * r.width
                              : ((b * r.heads + h) * r.length + t) * r.width;
        for (int64_t i = 0; i < half; ++i) {
          int64_t first = at + (r.interleaved ? 2 * i : i),
                  second = at + (r.interleaved ? 2 * i + 1 : half + i);
          double c = r.cos->real(*row * half + i),
                 s = r.sin->real(*row * half + i);
          double x = r.x->real(first), z = r.x->real(second);
          y->setReal(first, c * x - s * z);
          y->setReal(second, s * x + c * z);
        }
        for (int64_t i = 2 * half; i < r.width; ++i)
          y->copyElement(at + i, *r.x, at + i);
      }
    }
  return call.done(*y);
}

/// Reads the layout of x and the number of channels to rotate.
static LogicalResult readLayout(OperatorCall &call, Rotation &r,
                                std::optional<int64_t> heads, int64_t rotated) {
  const Tensor &x = *r.x;
  if (x.getRank() != 3 && x.getRank() != 4)
    return call.fail("'X' must have rank 3 or 4, got shape " +
                     describeShape(x.getShape()));
  r.packed = x.getRank() == 3;
  r.batches = x.getDim(0);
  if (r.packed) {
    if (!heads || *heads <= 0 || x.getDim(2) % *heads)
      return call.fail("'num_heads' must divide the last dimension " +
                       llvm::Twine(x.getDim(2)) + ", got " +
                       llvm::Twine(heads.value_or(0)));
    r.heads = *heads;
    r.length = x.getDim(1);
    r.width = x.getDim(2) / *heads;
  } else {
    r.heads = x.getDim(1);
    r.length = x.getDim(2);
    r.width = x.getDim(3);
  }
  r.rotated = rotated ? rotated : r.width;
  if (r.rotated < 0 || r.rotated > r.width || r.rotated % 2)
    return call.fail("'rotary_embedding_dim' must be even and at most " +
                     llvm::Twine(r.width) + ", got " + llvm::Twine(r.rotated));
  if (r.cos->getShape() != r.sin->getShape() || r.cos->getRank() == 0 ||
      r.cos->getShape().back() != r.rotated / 2)
    return call.fail(
        "'cos_cache' and 'sin_cache' must have one shape that ends in " +
        llvm::Twine(r.rotated / 2) + ", got " +
        describeShape(r.cos->getShape()) + " and " +
        describeShape(r.sin->getShape()));
  return success();
}

static LogicalResult rotaryEmbedding(OperatorCall &call) {
  auto op = cast<onnx::RotaryEmbeddingOp>(call.op);
  const Tensor *positions = call.optional(3);
  Rotation r{};
  r.x = &call.operand(0);
  r.cos = &call.operand(1);
  r.sin = &call.operand(2);
  r.interleaved = op.getInterleaved();
  std::optional<int64_t> heads;
  if (op.getNumHeads())
    heads = *op.getNumHeads();
  if (failed(readLayout(call, r, heads, op.getRotaryEmbeddingDim())))
    return failure();
  int64_t rows = productOf(r.cos->getShape(), 0, r.cos->getRank() - 1);
  if (positions ? positions->getNumElements() != r.batches * r.length ||
                      r.cos->getRank() != 2
                : rows != r.batches * r.length)
    return call.fail(
        "needs one position for each of " + llvm::Twine(r.batches) + " x " +
        llvm::Twine(r.length) + " tokens, got " +
        (positions ? "positions of shape " +
                         describeShape(positions->getShape()) + " and"
                   : std::string()) +
        " caches of shape " + describeShape(r.cos->getShape()));
  auto row = [&](int64_t b, int64_t t) -> FailureOr<int64_t> {
    if (!positions)
      return b * r.length + t;
    int64_t position = positions->integer(b * r.length + t);
    if (position < 0 || position >= rows)
      return call.fail("'position_ids' must lie in [0, " + llvm::Twine(rows) +
                       "), got " + llvm::Twine(position));
    return position;
  };
  r.row = row;
  return rotate(call, r);
}

/// As above, but positions may be one offset for all batches.
static LogicalResult microsoftRotaryEmbedding(OperatorCall &call) {
  auto op = cast<onnx::MicrosoftRotaryEmbeddingOp>(call.op);
  const Tensor &positions = call.operand(1);
  if (op.getIsPackedBatching())
    return call.fail("'is_packed_batching' must be 0, got " +
                     llvm::Twine(op.getIsPackedBatching()));
  Rotation r{};
  r.x = &call.operand(0);
  r.cos = &call.operand(2);
  r.sin = &call.operand(3);
  r.interleaved = op.getInterleaved();
  // Its one implementation ignores the scale, so another one has no agreed
  // meaning.
  if (op.getScale().convertToFloat() != 1)
    return call.fail("'scale' must be 1, got " +
                     std::to_string(op.getScale().convertToFloat()));
  // Without 'num_heads' the width of a head is that of the caches.
  int64_t heads = op.getNumHeads(),
          cached = r.cos->getRank() == 2 ? 2 * r.cos->getDim(1) : 0;
  if (heads == 0 && r.x->getRank() == 3 && cached > 0)
    heads = r.x->getDim(2) / cached;
  if (failed(readLayout(call, r, heads, op.getRotaryEmbeddingDim())))
    return failure();
  bool offset = positions.getNumElements() == 1 && r.batches * r.length != 1;
  if ((!offset && positions.getNumElements() != r.batches * r.length) ||
      r.cos->getRank() != 2)
    return call.fail("'position_ids' must have 1 or " +
                     llvm::Twine(r.batches * r.length) + " elements, got " +
                     llvm::Twine(positions.getNumElements()));
  int64_t rows = r.cos->getDim(0);
  auto row = [&](int64_t b, int64_t t) -> FailureOr<int64_t> {
    int64_t position =
        offset ? positions.integer(0) + t : positions.integer(b * r.length + t);
    if (position < 0 || position >= rows)
      return call.fail("'position_ids' must lie in [0, " + llvm::Twine(rows) +
                       "), got " + llvm::Twine(position));
    return position;
  };
  r.row = row;
  return rotate(call, r);
}

void reference::addRotaryRules(OperatorTable &table) {
  table["onnx.RotaryEmbedding"] = rotaryEmbedding;
  table["onnx.com.microsoft.RotaryEmbedding"] = microsoftRotaryEmbedding;
}
