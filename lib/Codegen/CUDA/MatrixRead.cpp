// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixRead.h"

#include "Scalars.h"

using namespace mlir;
using namespace mlir::trine::cuda;

namespace {
/// Element i of a group is at (i % count) · stride.
struct Line {
  std::string stride = "0", count = "1";
};
} // namespace

/// A group of loops as one index; none if its elements are not evenly apart.
/// With `mayRepeat` outer loops may read the same elements again.
static std::optional<Line>
joinLoops(LoopGroup group, ArrayRef<std::string> strides, bool mayRepeat) {
  Line line;
  bool isFirst = true, repeats = false;
  for (auto [loop, size] :
       llvm::reverse(llvm::zip_equal(group.loops, group.sizes))) {
    const std::string &stride = strides[loop];
    if (size == "1")
      continue;
    if (isFirst) {
      line = {stride, stride == "0" ? "1" : size};
      repeats = stride == "0";
      isFirst = false;
    } else if (stride == "0") {
      repeats = true;
    } else {
      // A row is as far from the next as what lies within it is long.
      if (repeats || stride != productText(line.count, line.stride))
        return std::nullopt;
      line.count = productText(size, line.count);
    }
  }
  if (repeats && !mayRepeat)
    return std::nullopt;
  return line;
}

/// A group of loops as one index within blocks, and one of blocks: as many of
/// the inner loops as one index can say are a block.
static std::optional<std::pair<Line, Line>>
splitLoops(LoopGroup group, ArrayRef<std::string> strides) {
  for (size_t outer = 1; outer < group.loops.size(); ++outer) {
    LoopGroup blocks = {group.loops.take_front(outer),
                        group.sizes.take_front(outer)};
    LoopGroup inner = {group.loops.drop_front(outer),
                       group.sizes.drop_front(outer)};
    std::optional<Line> block = joinLoops(blocks, strides, false),
                        row = joinLoops(inner, strides, false);
    if (block && row && row->count != "1" && block->count != "1")
      return std::pair(*row, *block);
  }
  return std::nullopt;
}

std::optional<MatrixRead>
mlir::trine::cuda::findMatrixRead(linalg::GenericOp product, OpOperand *operand,
                                  LoopGroup batch, LoopGroup others,
                                  LoopGroup sums, ElementWriter &sizes,
                                  bool mayHaveBlocks) {
  std::optional<StridedRead> read = findStridedRead(operand->get(), sizes);
  if (!read || !isMultipleOfEight(read->offset))
    return std::nullopt;
  SmallVector<std::string> strides(product.getNumLoops(), "0");
  for (auto [dim, expression] :
       llvm::enumerate(product.getMatchingIndexingMap(operand).getResults())) {
    if (isa<AffineConstantExpr>(expression))
      continue;
    auto loop = dyn_cast<AffineDimExpr>(expression);
    if (!loop || strides[loop.getPosition()] != "0")
      return std::nullopt;
    strides[loop.getPosition()] = read->strides[dim];
  }
  std::optional<Line> outer = joinLoops(batch, strides, true),
                      row = joinLoops(others, strides, false),
                      sum = joinLoops(sums, strides, false);
  MatrixRead result;
  if (!row && mayHaveBlocks && sum && sum->stride == "1")
    if (std::optional<std::pair<Line, Line>> split =
            splitLoops(others, strides)) {
      row = split->first;
      result.blockRows = row->count;
      result.blockStride = split->second.stride;
      if (!isMultipleOfEight(result.blockStride))
        return std::nullopt;
    }
  if (!outer || !row || !sum)
    return std::nullopt;
  result.pointer = read->pointer();
  result.stride = outer->stride;
  result.batches = outer->count;
  if (sum->stride == "1")
    result.pitch = row->stride;
  else if (row->stride == "1")
    result.pitch = sum->stride;
  else
    return std::nullopt;
  result.sumsAreColumns = sum->stride == "1";
  // A single row has no pitch of its own.
  if (result.pitch == "0")
    result.pitch = "8";
  if (!isMultipleOfEight(result.pitch) || !isMultipleOfEight(result.stride))
    return std::nullopt;
  return result;
}
