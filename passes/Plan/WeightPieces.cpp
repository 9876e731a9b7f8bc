// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WeightPieces.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;

namespace {
/// A part of a piece: where it starts, in elements of the file from the start
/// of the piece, and some of its dimensions.
struct Box {
  int64_t start = 0;
  SmallVector<int64_t> strides, into, sizes;
};
} // namespace

/// The boxes that elements [into, into + size) of a dimension are when it
/// becomes dimensions of `shape`.
static SmallVector<Box> splitDim(int64_t into, int64_t size, int64_t stride,
                                 ArrayRef<int64_t> shape) {
  if (shape.size() == 1)
    return {Box{0, {stride}, {into}, {size}}};
  int64_t inner = 1, start = 0;
  for (int64_t extent : shape.drop_front())
    inner *= extent;
  SmallVector<Box> boxes;
  while (size > 0) {
    int64_t row = into / inner, rest = into % inner;
    bool whole = rest == 0 && size >= inner;
    int64_t rows = whole ? size / inner : 1;
    int64_t length = whole ? inner : std::min(size, inner - rest);
    for (Box &box : splitDim(rest, length, stride, shape.drop_front())) {
      box.start += start;
      box.strides.insert(box.strides.begin(), inner * stride);
      box.into.insert(box.into.begin(), row);
      box.sizes.insert(box.sizes.begin(), rows);
      boxes.push_back(box);
    }
    into += rows * length;
    start += rows * length * stride;
    size -= rows * length;
  }
  return boxes;
}

/// The boxes, of one dimension each, that a box is when its dimensions, of a
/// tensor of `shape`, become one.
static FailureOr<SmallVector<Box>> mergeDims(ArrayRef<int64_t> strides,
                                             ArrayRef<int64_t> into,
                                             ArrayRef<int64_t> sizes,
                                             ArrayRef<int64_t> shape) {
  SmallVector<Box> boxes = {
      Box{0, {strides.back()}, {into.back()}, {sizes.back()}}};
  int64_t inner = shape.back();
  for (size_t dim = shape.size() - 1; dim-- > 0; inner *= shape[dim + 1]) {
    Box &first = boxes.front();
    // Rows that lie one after the other, here and in the file, are one.
    if (boxes.size() == 1 && first.sizes[0] == inner &&
        (sizes[dim] == 1 || inner == 1 ||
         strides[dim] == inner * first.strides[0])) {
      if (inner == 1)
        first.strides[0] = strides[dim];
      first.into[0] = into[dim] * inner;
      first.sizes[0] = sizes[dim] * inner;
      continue;
    }
    if (static_cast<size_t>(sizes[dim]) > mostMergedPieces / boxes.size())
      return failure();
    SmallVector<Box> rows;
    for (int64_t row = 0; row < sizes[dim]; ++row)
      for (Box box : boxes) {
        box.start += row * strides[dim];
        box.into[0] += (into[dim] + row) * inner;
        rows.push_back(std::move(box));
      }
    boxes = std::move(rows);
  }
  return boxes;
}

/// All boxes with the dimensions of one of `boxes` and then those of one of
/// `parts`.
static SmallVector<Box> extend(ArrayRef<Box> boxes, ArrayRef<Box> parts) {
  SmallVector<Box> longer;
  for (const Box &box : boxes)
    for (const Box &part : parts) {
      Box joined = box;
      joined.start += part.start;
      joined.strides.append(part.strides);
      joined.into.append(part.into);
      joined.sizes.append(part.sizes);
      longer.push_back(std::move(joined));
    }
  return longer;
}

static void append(SmallVectorImpl<Attribute> &result, WeightPieceAttr piece,
                   ArrayRef<Box> boxes, int64_t elementBytes) {
  for (const Box &box : boxes)
    result.push_back(
        WeightPieceAttr::get(piece.getContext(), piece.getFile(),
                             piece.getOffset() + box.start * elementBytes,
                             box.strides, box.into, box.sizes));
}

ArrayAttr mlir::trine::splitPieces(ArrayAttr pieces, ArrayRef<int64_t> shape,
                                   ArrayRef<ReassociationIndices> groups,
                                   int64_t elementBytes) {
  SmallVector<Attribute> result;
  for (auto piece : pieces.getAsRange<WeightPieceAttr>()) {
    SmallVector<Box> boxes = {Box()};
    for (auto [dim, group] : llvm::enumerate(groups))
      boxes =
          extend(boxes, splitDim(piece.getInto()[dim], piece.getSizes()[dim],
                                 piece.getStrides()[dim],
                                 shape.slice(group.front(), group.size())));
    append(result, piece, boxes, elementBytes);
  }
  return ArrayAttr::get(pieces.getContext(), result);
}

ArrayAttr mlir::trine::mergePieces(ArrayAttr pieces, ArrayRef<int64_t> shape,
                                   ArrayRef<ReassociationIndices> groups,
                                   int64_t elementBytes) {
  SmallVector<Attribute> result;
  for (auto piece : pieces.getAsRange<WeightPieceAttr>()) {
    if (llvm::is_contained(piece.getSizes(), 0))
      continue; // nothing of it is left to merge
    SmallVector<Box> boxes = {Box()};
    for (const ReassociationIndices &group : groups) {
      size_t first = group.front(), count = group.size();
      FailureOr<SmallVector<Box>> merged = mergeDims(
          piece.getStrides().slice(first, count),
          piece.getInto().slice(first, count),
          piece.getSizes().slice(first, count), shape.slice(first, count));
      if (failed(merged) || merged->size() > mostMergedPieces / boxes.size())
        return {};
      boxes = extend(boxes, *merged);
    }
    append(result, piece, boxes, elementBytes);
    if (result.size() > mostMergedPieces)
      return {};
  }
  return ArrayAttr::get(pieces.getContext(), result);
}
