// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Repack.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

#include <cstring>

using namespace mlir;
using namespace mlir::trine;

namespace {

/// One dimension of the stored tensor: a step of one moves `step` along the
/// (transposed) source dimension `dim`.
struct StoredDim {
  int64_t size;
  int64_t dim;
  int64_t step;
};

/// The stored tensor as a walk over the transposed source.
struct Walk {
  SmallVector<StoredDim> dims;
  SmallVector<int64_t> sizes;
  SmallVector<SourcePiece> pieces;
};

/// The piece that holds a position; most positions follow another one in the
/// same piece.
class PieceFinder {
public:
  explicit PieceFinder(ArrayRef<SourcePiece> pieces) : pieces(pieces) {}

  const SourcePiece *find(ArrayRef<int64_t> position) {
    for (size_t tries = 0; tries < pieces.size(); ++tries) {
      const SourcePiece &piece = pieces[last];
      bool holds = true;
      for (auto [at, into, size] : llvm::zip(position, piece.into, piece.sizes))
        holds &= at >= into && at - into < size;
      if (holds)
        return &piece;
      last = last + 1 == pieces.size() ? 0 : last + 1;
    }
    return nullptr;
  }

private:
  ArrayRef<SourcePiece> pieces;
  size_t last = 0;
};

} // namespace

static Walk describeWalk(plan::WeightOp weight, ArrayRef<SourcePiece> pieces) {
  Walk walk;
  auto source = cast<RankedTensorType>(weight.getSourceType());
  auto stored = cast<RankedTensorType>(weight.getStoredType());
  ArrayRef<int64_t> permutation = weight.getPermutation();
  walk.sizes = applyPermutation(source.getShape(), permutation);
  for (const SourcePiece &piece : pieces)
    walk.pieces.push_back(
        {piece.data, applyPermutation(ArrayRef(piece.strides), permutation),
         applyPermutation(ArrayRef(piece.into), permutation),
         applyPermutation(ArrayRef(piece.sizes), permutation)});
  SmallVector<int64_t> tiles(source.getRank(), 1);
  for (auto [dim, tile] :
       llvm::zip(weight.getInnerDimsPos(), weight.getInnerTiles()))
    tiles[dim] = tile;
  for (int64_t i = 0; i < source.getRank(); ++i) {
    int64_t dim =
        weight.getOuterDimsPerm().empty() ? i : weight.getOuterDimsPerm()[i];
    walk.dims.push_back({stored.getDimSize(i), dim, tiles[dim]});
  }
  for (auto [dim, tile] :
       llvm::zip(weight.getInnerDimsPos(), weight.getInnerTiles()))
    walk.dims.push_back({tile, dim, 1});
  return walk;
}

/// The f32 value of these bits as f16, rounded to nearest, ties to even.
static uint16_t toHalf(uint32_t bits) {
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000) // infinity and NaN
    return sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0);
  if (magnitude >= 0x477ff000) // rounds to 2^16 or more
    return sign | 0x7c00;
  if (magnitude < 0x33000001) // at most half of the smallest number
    return sign;
  int32_t exponent = static_cast<int32_t>(magnitude >> 23) - 127;
  uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  // Below 2^-14 numbers have a fixed point.
  uint32_t shift = exponent < -14 ? 13 + (-14 - exponent) : 13;
  uint32_t half = mantissa >> shift, rest = mantissa & ((1u << shift) - 1);
  uint32_t middle = 1u << (shift - 1);
  half += rest > middle || (rest == middle && (half & 1));
  // A carry out of the mantissa moves the exponent up by itself.
  return sign | (exponent < -14 ? half : half + ((exponent + 14) << 10));
}

/// The same as bf16.
static uint16_t toBFloat(uint32_t bits) {
  if ((bits & 0x7fffffff) > 0x7f800000)
    return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

void mlir::trine::narrowElements(ArrayRef<uint8_t> f32, Type to,
                                 std::vector<uint8_t> &result) {
  size_t count = f32.size() / 4;
  result.resize(2 * count);
  bool isHalf = to.isF16();
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, f32.data() + 4 * i, 4);
    uint16_t narrow = isHalf ? toHalf(bits) : toBFloat(bits);
    std::memcpy(result.data() + 2 * i, &narrow, 2);
  }
}

SourcePiece mlir::trine::wholeSource(plan::WeightOp weight,
                                     const uint8_t *data) {
  auto type = cast<RankedTensorType>(weight.getSourceType());
  SourcePiece piece{data, SmallVector<int64_t>(type.getRank(), 1),
                    SmallVector<int64_t>(type.getRank(), 0),
                    llvm::to_vector(type.getShape())};
  for (int64_t i = type.getRank() - 2; i >= 0; --i)
    piece.strides[i] = piece.strides[i + 1] * type.getDimSize(i + 1);
  return piece;
}

/// Copies `count` elements, every `step` along `dim` from `position` on;
/// `position` moves along.
static void copyRun(PieceFinder &finder, MutableArrayRef<int64_t> position,
                    int64_t dim, int64_t step, int64_t count,
                    uint64_t elementBytes, uint8_t *to) {
  while (count > 0) {
    const SourcePiece *piece = finder.find(position);
    if (!piece)
      return; // the verifier has counted the pieces: they overlap
    int64_t left = piece->into[dim] + piece->sizes[dim] - position[dim];
    int64_t here = std::min<int64_t>(count, (left + step - 1) / step);
    int64_t offset = 0;
    for (auto [at, into, stride] :
         llvm::zip(position, piece->into, piece->strides))
      offset += (at - into) * stride;
    int64_t stride = piece->strides[dim] * step;
    const uint8_t *from = piece->data + offset * elementBytes;
    if (stride == 1)
      std::memcpy(to, from, here * elementBytes);
    else
      for (int64_t i = 0; i < here; ++i)
        std::memcpy(to + i * elementBytes, from + i * stride * elementBytes,
                    elementBytes);
    to += here * elementBytes;
    position[dim] += here * step;
    count -= here;
  }
}

void mlir::trine::repackWeight(plan::WeightOp weight,
                               ArrayRef<SourcePiece> pieces,
                               uint64_t elementBytes,
                               function_ref<void(ArrayRef<uint8_t>)> sink) {
  constexpr uint64_t blockBytes = uint64_t(1) << 20;
  bool identity =
      !weight.getPieces() && weight.getInnerTiles().empty() &&
      weight.getOuterDimsPerm().empty() &&
      llvm::equal(weight.getPermutation(),
                  llvm::seq<int64_t>(0, weight.getPermutation().size()));
  auto stored = cast<RankedTensorType>(weight.getStoredType());
  if (identity || stored.getRank() == 0) {
    ArrayRef<uint8_t> source(pieces.front().data,
                             stored.getNumElements() * elementBytes);
    for (; !source.empty(); source = source.drop_front(
                                std::min<uint64_t>(source.size(), blockBytes)))
      sink(source.take_front(std::min<uint64_t>(source.size(), blockBytes)));
    return;
  }
  if (stored.getNumElements() == 0)
    return;

  Walk walk = describeWalk(weight, pieces);
  PieceFinder finder(walk.pieces);
  StoredDim inner = walk.dims.pop_back_val();
  SmallVector<int64_t> index(walk.dims.size(), 0);
  std::vector<uint8_t> block;
  block.reserve(blockBytes + inner.size * elementBytes);
  SmallVector<int64_t> position(walk.sizes.size());
  for (bool more = true; more;) {
    // Where the row of the innermost dimension begins in the source, and how
    // many of its elements lie inside.
    std::fill(position.begin(), position.end(), 0);
    for (auto [dim, at] : llvm::zip(walk.dims, index))
      position[dim.dim] += at * dim.step;
    bool inside = true;
    for (auto [at, size] : llvm::zip(position, walk.sizes))
      inside &= at < size;
    int64_t left = walk.sizes[inner.dim] - position[inner.dim];
    int64_t count =
        std::min<int64_t>(inner.size, (left + inner.step - 1) / inner.step);
    size_t begin = block.size();
    block.resize(begin + inner.size * elementBytes, 0);
    if (inside)
      copyRun(finder, position, inner.dim, inner.step, count, elementBytes,
              block.data() + begin);
    if (block.size() >= blockBytes) {
      sink(block);
      block.clear();
    }
    more = false;
    for (int64_t i = index.size() - 1; i >= 0; --i) {
      if (++index[i] < walk.dims[i].size) {
        more = true;
        break;
      }
      index[i] = 0;
    }
  }
  if (!block.empty())
    sink(block);
}
