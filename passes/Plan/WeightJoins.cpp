// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WeightJoins.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/SmallBitVector.h"
#include <cstring>

using namespace mlir;
using namespace mlir::trine;

namespace {
/// A box of the joined tensor, and what it is filled with.
struct Part {
  Operation *source;
  SmallVector<int64_t> offsets, sizes;
  /// The box's dimensions that the source has.
  SmallVector<int64_t> kept;
};
} // namespace

static bool isConstant(Operation *op) {
  auto constant = dyn_cast<arith::ConstantOp>(op);
  auto elements =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return elements && elements.getElementType().isIntOrFloat() &&
         elements.getElementType().getIntOrFloatBitWidth() % 8 == 0;
}

static bool areDisjoint(const Part &a, const Part &b) {
  for (size_t i = 0; i < a.offsets.size(); ++i)
    if (a.offsets[i] >= b.offsets[i] + b.sizes[i] ||
        b.offsets[i] >= a.offsets[i] + a.sizes[i])
      return true;
  return false;
}

/// The parts of the tensor that `last` completes; none if it is more than
/// weights side by side.
static std::optional<SmallVector<Part>> findParts(tensor::InsertSliceOp last) {
  RankedTensorType type = last.getResultType();
  if (!type.hasStaticShape() || type.getNumElements() == 0)
    return std::nullopt;
  constexpr size_t mostParts = 1024;
  SmallVector<Part> parts;
  int64_t covered = 0;
  for (tensor::InsertSliceOp insert = last;;) {
    Operation *source = insert.getSource().getDefiningOp();
    if (!source || insert.getSourceType().getNumElements() == 0 ||
        !(isa<WeightOp, AssembledWeightOp>(source) || isConstant(source)) ||
        ShapedType::isDynamicShape(insert.getStaticOffsets()) ||
        ShapedType::isDynamicShape(insert.getStaticSizes()) ||
        llvm::any_of(insert.getStaticStrides(),
                     [](int64_t stride) { return stride != 1; }))
      return std::nullopt;
    Part part{source,
              llvm::to_vector(insert.getStaticOffsets()),
              llvm::to_vector(insert.getStaticSizes()),
              {}};
    llvm::SmallBitVector dropped = insert.getDroppedDims();
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (!dropped[i])
        part.kept.push_back(i);
    for (const Part &other : parts)
      if (!areDisjoint(part, other))
        return std::nullopt;
    covered += insert.getSourceType().getNumElements();
    parts.push_back(std::move(part));
    if (isa_and_nonnull<tensor::EmptyOp>(insert.getDest().getDefiningOp()))
      break;
    insert = insert.getDest().getDefiningOp<tensor::InsertSliceOp>();
    if (!insert || parts.size() == mostParts)
      return std::nullopt;
  }
  if (covered != type.getNumElements())
    return std::nullopt;
  return parts;
}

/// The constant that constants make.
static DenseElementsAttr joinConstants(ArrayRef<Part> parts,
                                       RankedTensorType type) {
  int64_t width = type.getElementTypeBitWidth() / 8;
  std::vector<char> bytes(type.getNumElements() * width);
  for (const Part &part : parts) {
    auto elements = cast<DenseElementsAttr>(
        cast<arith::ConstantOp>(part.source).getValue());
    ArrayRef<char> raw = elements.getRawData();
    SmallVector<int64_t> index(part.sizes.size(), 0);
    for (int64_t i = 0, count = elements.getNumElements(); i < count; ++i) {
      int64_t to = 0;
      for (size_t d = 0; d < index.size(); ++d)
        to = to * type.getDimSize(d) + part.offsets[d] + index[d];
      std::memcpy(&bytes[to * width],
                  raw.data() + (elements.isSplat() ? 0 : i * width), width);
      for (size_t d = index.size(); d-- > 0;) {
        if (++index[d] < part.sizes[d])
          break;
        index[d] = 0;
      }
    }
  }
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

/// A piece [B, ...] of a weight that stands for a part of the joined one.
static Attribute movePiece(const Part &part, StringAttr file, int64_t offset,
                           ArrayRef<int64_t> strides, ArrayRef<int64_t> into,
                           ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> allStrides(part.sizes.size(), 1), allInto(part.offsets),
      allSizes(part.sizes.size(), 1);
  for (auto [i, dim] : llvm::enumerate(part.kept)) {
    allStrides[dim] = strides[i];
    allInto[dim] += into[i];
    allSizes[dim] = sizes[i];
  }
  return WeightPieceAttr::get(file.getContext(), file, offset, allStrides,
                              allInto, allSizes);
}

static ArrayAttr joinPieces(ArrayRef<Part> parts, StringAttr &name) {
  SmallVector<Attribute> pieces;
  MLIRContext *context = parts.front().source->getContext();
  for (const Part &part : parts) {
    if (auto weight = dyn_cast<WeightOp>(part.source)) {
      auto type = cast<RankedTensorType>(weight.getType());
      SmallVector<int64_t> strides(type.getRank(), 1);
      for (int64_t i = type.getRank() - 2; i >= 0; --i)
        strides[i] = strides[i + 1] * type.getDimSize(i + 1);
      SmallVector<int64_t> zeros(type.getRank(), 0);
      pieces.push_back(movePiece(part, weight.getFileAttr(), weight.getOffset(),
                                 strides, zeros, type.getShape()));
      name = weight.getNameAttr();
      continue;
    }
    auto weight = cast<AssembledWeightOp>(part.source);
    name = weight.getNameAttr();
    for (auto piece : weight.getPieces().getAsRange<WeightPieceAttr>())
      pieces.push_back(movePiece(part, piece.getFile(), piece.getOffset(),
                                 piece.getStrides(), piece.getInto(),
                                 piece.getSizes()));
  }
  return ArrayAttr::get(context, pieces);
}

unsigned mlir::trine::joinWeights(Block &block) {
  unsigned count = 0;
  SmallVector<tensor::InsertSliceOp> inserts(
      block.getOps<tensor::InsertSliceOp>());
  // The last of a chain comes first, so that its others are dead then.
  for (tensor::InsertSliceOp last : llvm::reverse(inserts)) {
    if (last->use_empty()) {
      last->erase();
      continue;
    }
    std::optional<SmallVector<Part>> parts = findParts(last);
    if (!parts)
      continue;
    bool anyConstant = false, allConstant = true;
    for (const Part &part : *parts) {
      bool constant = isConstant(part.source);
      anyConstant |= constant;
      allConstant &= constant;
    }
    Type element = last.getResultType().getElementType();
    bool inBytes =
        element.isIntOrFloat() && element.getIntOrFloatBitWidth() % 8 == 0;
    if ((anyConstant && !allConstant) || !inBytes)
      continue;
    OpBuilder builder(last);
    Value joined;
    if (allConstant) {
      joined = arith::ConstantOp::create(
          builder, last.getLoc(), joinConstants(*parts, last.getResultType()));
    } else {
      StringAttr name;
      ArrayAttr pieces = joinPieces(*parts, name);
      joined = AssembledWeightOp::create(builder, last.getLoc(),
                                         last.getResultType(), name, pieces);
    }
    last.getResult().replaceAllUsesWith(joined);
    last.erase();
    ++count;
  }
  return count;
}
