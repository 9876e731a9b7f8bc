// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "NarrowedWeights.h"

#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"
#include <map>

using namespace mlir;
using namespace mlir::trine;
using llvm::json::Array;

namespace {
/// Bytes [begin, end) of files.
class ByteRanges {
public:
  void add(StringRef file, int64_t begin, int64_t end) {
    if (begin < end)
      files[file.str()].push_back({begin, end});
  }
  void addWeight(plan::WeightOp weight);
  /// Sorts, and joins what touches.
  void normalize();
  /// What is in both; both are normalized.
  ByteRanges intersect(const ByteRanges &other) const;
  Array toJSON() const;
  bool empty() const { return files.empty(); }

private:
  std::map<std::string, std::vector<std::pair<int64_t, int64_t>>> files;
};
} // namespace

/// The bytes that a weight is made of; those of pieces as rows that lie
/// together.
void ByteRanges::addWeight(plan::WeightOp weight) {
  constexpr int64_t elementBytes = 4;
  if (weight.getFile()) {
    add(*weight.getFile(), weight.getOffset(),
        weight.getOffset() + weight.getLength());
    return;
  }
  if (!weight.getPieces())
    return;
  for (auto piece : weight.getPieces()->getAsRange<WeightPieceAttr>()) {
    if (llvm::is_contained(piece.getSizes(), 0))
      continue;
    // Dimensions by stride: what the smaller ones fill is one run.
    SmallVector<std::pair<int64_t, int64_t>> dims;
    for (auto [stride, size] : llvm::zip(piece.getStrides(), piece.getSizes()))
      if (size > 1)
        dims.push_back({stride, size});
    llvm::sort(dims);
    int64_t run = 1;
    size_t first = 0;
    for (; first < dims.size() && dims[first].first == run; ++first)
      run *= dims[first].second;
    SmallVector<int64_t> index(dims.size() - first, 0);
    for (bool more = true; more;) {
      int64_t at = 0;
      for (auto [i, position] : llvm::enumerate(index))
        at += position * dims[first + i].first;
      int64_t begin = piece.getOffset() + at * elementBytes;
      add(piece.getFile().getValue(), begin, begin + run * elementBytes);
      more = false;
      for (size_t i = 0; i < index.size() && !more; ++i) {
        more = ++index[i] < dims[first + i].second;
        if (!more)
          index[i] = 0;
      }
    }
  }
}

void ByteRanges::normalize() {
  for (auto &[file, ranges] : files) {
    llvm::sort(ranges);
    size_t count = 0;
    for (auto [begin, end] : ranges)
      if (count > 0 && begin <= ranges[count - 1].second)
        ranges[count - 1].second = std::max(ranges[count - 1].second, end);
      else
        ranges[count++] = {begin, end};
    ranges.resize(count);
  }
}

ByteRanges ByteRanges::intersect(const ByteRanges &other) const {
  ByteRanges both;
  for (const auto &[file, ranges] : files) {
    auto found = other.files.find(file);
    if (found == other.files.end())
      continue;
    auto a = ranges.begin();
    auto b = found->second.begin();
    while (a != ranges.end() && b != found->second.end()) {
      both.add(file, std::max(a->first, b->first),
               std::min(a->second, b->second));
      if (a->second < b->second)
        ++a;
      else
        ++b;
    }
  }
  return both;
}

Array ByteRanges::toJSON() const {
  Array result;
  for (const auto &[file, ranges] : files)
    for (auto [begin, end] : ranges)
      result.push_back(Array{llvm::json::fixUTF8(file), begin, end - begin});
  return result;
}

/// Whether some of a weight is computed from others.
static bool isComputed(plan::WeightOp weight) {
  if (weight.getFile())
    return *weight.getFile() == plan::ConstantProgramOp::kFile;
  return weight.getPieces() &&
         llvm::any_of(weight.getPieces()->getAsRange<WeightPieceAttr>(),
                      [](WeightPieceAttr piece) {
                        return piece.getFile().getValue() ==
                               plan::ConstantProgramOp::kFile;
                      });
}

std::optional<llvm::json::Object>
mlir::trine::describeNarrowedWeights(ModuleOp planned) {
  ByteRanges narrowed, kept;
  Type type;
  bool computed = false;
  for (auto weight : planned.getOps<plan::WeightOp>()) {
    Type source =
             cast<RankedTensorType>(weight.getSourceType()).getElementType(),
         stored =
             cast<RankedTensorType>(weight.getStoredType()).getElementType();
    if (!source.isF32())
      continue;
    if (source != stored)
      type = stored;
    if (isComputed(weight))
      computed |= source != stored;
    else
      (source == stored ? kept : narrowed).addWeight(weight);
  }
  if (narrowed.empty() && !computed)
    return std::nullopt;
  narrowed.normalize();
  kept.normalize();
  llvm::json::Object described{{"type", type.isBF16() ? "bf16" : "f16"},
                               {"ranges", narrowed.toJSON()},
                               {"kept", narrowed.intersect(kept).toJSON()}};
  if (computed)
    described["computed"] = true;
  return described;
}
