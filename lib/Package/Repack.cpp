// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Repack.h"

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

/// The stored tensor as a walk over the source.
struct Walk {
  SmallVector<StoredDim> dims;
  /// Of the transposed source.
  SmallVector<int64_t> sizes, strides;
};

} // namespace

static Walk describeWalk(plan::WeightOp weight) {
  Walk walk;
  auto source = cast<RankedTensorType>(weight.getSourceType());
  auto stored = cast<RankedTensorType>(weight.getStoredType());
  SmallVector<int64_t> strides(source.getRank(), 1);
  for (int64_t i = source.getRank() - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * source.getDimSize(i + 1);
  for (int64_t dim : weight.getPermutation()) {
    walk.sizes.push_back(source.getDimSize(dim));
    walk.strides.push_back(strides[dim]);
  }
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

void mlir::trine::repackWeight(plan::WeightOp weight, ArrayRef<uint8_t> source,
                               uint64_t elementBytes,
                               function_ref<void(ArrayRef<uint8_t>)> sink) {
  constexpr uint64_t blockBytes = uint64_t(1) << 20;
  bool identity =
      weight.getInnerTiles().empty() && weight.getOuterDimsPerm().empty() &&
      llvm::equal(weight.getPermutation(),
                  llvm::seq<int64_t>(0, weight.getPermutation().size()));
  auto stored = cast<RankedTensorType>(weight.getStoredType());
  if (identity || stored.getRank() == 0) {
    for (; !source.empty(); source = source.drop_front(
                                std::min<uint64_t>(source.size(), blockBytes)))
      sink(source.take_front(std::min<uint64_t>(source.size(), blockBytes)));
    return;
  }
  if (stored.getNumElements() == 0)
    return;

  Walk walk = describeWalk(weight);
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
    int64_t offset = 0;
    bool inside = true;
    for (auto [at, size, stride] :
         llvm::zip(position, walk.sizes, walk.strides)) {
      inside &= at < size;
      offset += at * stride;
    }
    int64_t left = walk.sizes[inner.dim] - position[inner.dim];
    int64_t count =
        std::min<int64_t>(inner.size, (left + inner.step - 1) / inner.step);
    size_t begin = block.size();
    block.resize(begin + inner.size * elementBytes, 0);
    if (inside && count > 0) {
      int64_t stride = walk.strides[inner.dim] * inner.step;
      uint8_t *to = block.data() + begin;
      const uint8_t *from = source.data() + offset * elementBytes;
      if (stride == 1)
        std::memcpy(to, from, count * elementBytes);
      else
        for (int64_t i = 0; i < count; ++i)
          std::memcpy(to + i * elementBytes, from + i * stride * elementBytes,
                      elementBytes);
    }
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
