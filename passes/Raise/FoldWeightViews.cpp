// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-fold-weight-views: transposes, slices, reshapes and joins of weights
// become weights.
#include "Raising.h"

#include "trine/Passes/Raise.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::trine {
#define GEN_PASS_DEF_FOLDWEIGHTVIEWS
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

/// A box of a weight, see #trine.piece.
struct Piece {
  StringAttr file;
  int64_t offset;
  SmallVector<int64_t> strides, into, sizes;
};

/// A weight as boxes of files.
struct Assembly {
  StringAttr name;
  SmallVector<int64_t> shape;
  std::vector<Piece> pieces;
};

/// An op as a step from weights to a weight.
enum class Step { None, Reshape, Slice, Transpose, Concat };

} // namespace

static Step stepOf(Operation *op) {
  if (isa<onnx::ReshapeOp, onnx::UnsqueezeOp, onnx::SqueezeOp>(op))
    return Step::Reshape;
  if (isa<onnx::SliceOp>(op))
    return Step::Slice;
  if (isa<onnx::TransposeOp>(op))
    return Step::Transpose;
  return isa<onnx::ConcatOp>(op) ? Step::Concat : Step::None;
}

/// The operands that bring elements.
static OperandRange dataOperands(Operation *op) {
  return isa<onnx::ConcatOp>(op) ? OperandRange(op->getOperands())
                                 : op->getOperands().take_front(1);
}

/// Splits the dimensions of two static shapes with as many elements into the
/// smallest groups that have as many elements on both sides. Sizes of 1 join a
/// neighbour. Nothing for empty tensors.
static std::optional<
    SmallVector<std::pair<SmallVector<int64_t>, SmallVector<int64_t>>>>
groupDims(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<std::pair<SmallVector<int64_t>, SmallVector<int64_t>>> groups;
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    auto &[left, right] = groups.emplace_back();
    int64_t a = 1, b = 1;
    do {
      if (a <= b && i < from.size()) {
        if (from[i] == 0)
          return std::nullopt;
        a *= from[i];
        left.push_back(i++);
      } else if (j < to.size()) {
        if (to[j] == 0)
          return std::nullopt;
        b *= to[j];
        right.push_back(j++);
      } else if (i < from.size()) {
        a *= from[i];
        left.push_back(i++);
      } else {
        return std::nullopt;
      }
    } while (a != b);
    // Ones that follow belong here, too.
    while (i < from.size() && from[i] == 1)
      left.push_back(i++);
    while (j < to.size() && to[j] == 1)
      right.push_back(j++);
  }
  return groups;
}

/// A piece under other dimensions; false where it is no box there.
static bool reshapePiece(const Piece &piece, ArrayRef<int64_t> from,
                         ArrayRef<int64_t> to, Piece &result) {
  auto groups = groupDims(from, to);
  if (!groups)
    return false;
  result = {piece.file, piece.offset, SmallVector<int64_t>(to.size(), 1),
            SmallVector<int64_t>(to.size(), 0),
            SmallVector<int64_t>(to.size(), 1)};
  for (auto &[left, right] : *groups) {
    // The group as one dimension: the outermost dim that is not whole, then
    // whole ones with matching strides.
    int64_t stride = 1, into = 0, size = 1, extent = 1;
    bool isFirst = true;
    for (int64_t dim : llvm::reverse(left)) {
      if (from[dim] == 1)
        continue;
      if (isFirst) {
        stride = piece.strides[dim];
        into = piece.into[dim];
        size = piece.sizes[dim];
        extent = from[dim];
        isFirst = false;
        continue;
      }
      if (size == extent && piece.strides[dim] == stride * extent) {
        into = piece.into[dim] * extent;
        size = piece.sizes[dim] * extent;
      } else if (piece.sizes[dim] == 1) {
        into += piece.into[dim] * extent;
      } else {
        return false;
      }
      extent *= from[dim];
    }
    // Cut it again, innermost first.
    int64_t inner = 1;
    for (int64_t dim : llvm::reverse(right)) {
      if (to[dim] == 1)
        continue;
      int64_t width = to[dim];
      result.strides[dim] = stride * inner;
      if (into % width == 0 && size % width == 0) {
        result.sizes[dim] = width;
        into /= width;
        size /= width;
      } else if (into % width + size <= width) {
        result.into[dim] = into % width;
        result.sizes[dim] = size;
        into /= width;
        size = 1;
      } else {
        return false;
      }
      inner *= width;
    }
  }
  return true;
}

/// Of the assemblies of a function. A large model has a few for each matrix; a
/// small file could ask for any number, as weights joined with themselves
/// double.
constexpr size_t mostPieces = 1 << 20;

namespace {
class FoldWeightViews
    : public trine::impl::FoldWeightViewsBase<FoldWeightViews> {
public:
  void runOnOperation() override;

private:
  const Assembly *assemble(Value value);
  std::optional<Assembly> apply(Operation *op);
  bool isWorthFolding(Operation *op, const Assembly &assembly);

  /// Null for values that are no weights.
  llvm::DenseMap<Value, std::shared_ptr<const Assembly>> assemblies;
  /// Of all assemblies.
  size_t numPieces = 0;
};
} // namespace

/// The assembly of a value whose producers were visited.
const Assembly *FoldWeightViews::assemble(Value value) {
  auto found = assemblies.find(value);
  return found == assemblies.end() ? nullptr : found->second.get();
}

std::optional<Assembly> FoldWeightViews::apply(Operation *op) {
  if (auto weight = dyn_cast<onnx::InitializerOp>(op)) {
    auto type = cast<RankedTensorType>(weight.getOutput().getType());
    Type element = type.getElementType();
    if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0 ||
        type.getRank() == 0 || type.getNumElements() == 0)
      return std::nullopt;
    Piece piece{weight.getFileAttr(), static_cast<int64_t>(weight.getOffset()),
                SmallVector<int64_t>(type.getRank(), 1),
                SmallVector<int64_t>(type.getRank(), 0),
                llvm::to_vector(type.getShape())};
    for (int64_t i = type.getRank() - 2; i >= 0; --i)
      piece.strides[i] = piece.strides[i + 1] * type.getDimSize(i + 1);
    return Assembly{weight.getNameAttr(),
                    llvm::to_vector(type.getShape()),
                    {std::move(piece)}};
  }
  Step step = stepOf(op);
  auto type = step == Step::None
                  ? RankedTensorType()
                  : dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.hasStaticShape() || type.getRank() == 0 ||
      type.getNumElements() == 0)
    return std::nullopt;
  SmallVector<const Assembly *> sources;
  for (Value operand : dataOperands(op)) {
    sources.push_back(assemble(operand));
    if (!sources.back())
      return std::nullopt;
    numPieces += sources.back()->pieces.size();
  }
  if (numPieces > mostPieces)
    return std::nullopt;
  Assembly result{sources[0]->name, llvm::to_vector(type.getShape()), {}};
  int64_t rank = sources[0]->shape.size();
  switch (step) {
  case Step::None:
    return std::nullopt;
  case Step::Reshape:
    for (const Piece &piece : sources[0]->pieces)
      if (!reshapePiece(piece, sources[0]->shape, type.getShape(),
                        result.pieces.emplace_back()))
        return std::nullopt;
    return result;
  case Step::Transpose: {
    SmallVector<int64_t> permutation;
    if (auto perm = op->getAttrOfType<DenseI64ArrayAttr>("perm"))
      permutation = llvm::to_vector(perm.asArrayRef());
    else
      for (int64_t i = 0; i < rank; ++i)
        permutation.push_back(rank - 1 - i);
    for (const Piece &piece : sources[0]->pieces) {
      Piece &moved = result.pieces.emplace_back();
      moved.file = piece.file;
      moved.offset = piece.offset;
      for (int64_t dim : permutation) {
        moved.strides.push_back(piece.strides[dim]);
        moved.into.push_back(piece.into[dim]);
        moved.sizes.push_back(piece.sizes[dim]);
      }
    }
    return result;
  }
  case Step::Concat: {
    int64_t axis = cast<onnx::ConcatOp>(op).getAxis(), begin = 0;
    axis += axis < 0 ? rank : 0;
    for (const Assembly *source : sources) {
      for (Piece piece : source->pieces) {
        piece.into[axis] += begin;
        result.pieces.push_back(std::move(piece));
      }
      begin += source->shape[axis];
    }
    return result;
  }
  case Step::Slice: {
    auto slice = cast<onnx::SliceOp>(op);
    std::optional<SmallVector<int64_t>> starts =
        trine::constantIntegers(slice.getStarts());
    std::optional<SmallVector<int64_t>> axes =
        trine::constantIntegers(slice.getAxes());
    bool hasSteps = !isa<NoneType>(slice.getSteps().getType());
    std::optional<SmallVector<int64_t>> steps =
        trine::constantIntegers(slice.getSteps());
    if (!starts || !axes || starts->size() != axes->size() ||
        (hasSteps && (!steps || llvm::any_of(*steps, [](int64_t step) {
           return step != 1;
         }))))
      return std::nullopt;
    result.pieces = sources[0]->pieces;
    Type element = type.getElementType();
    int64_t width = element.getIntOrFloatBitWidth() / 8;
    for (auto [start, axis] : llvm::zip_equal(*starts, *axes)) {
      int64_t dim = axis < 0 ? axis + rank : axis;
      int64_t size = sources[0]->shape[dim];
      int64_t begin =
          std::clamp<int64_t>(start < 0 ? start + size : start, 0, size);
      int64_t end = begin + type.getDimSize(dim);
      std::vector<Piece> kept;
      for (Piece &piece : result.pieces) {
        int64_t first = std::max(piece.into[dim], begin);
        int64_t last = std::min(piece.into[dim] + piece.sizes[dim], end);
        if (first >= last)
          continue;
        piece.offset += (first - piece.into[dim]) * piece.strides[dim] * width;
        piece.into[dim] = first - begin;
        piece.sizes[dim] = last - first;
        kept.push_back(std::move(piece));
      }
      result.pieces = std::move(kept);
    }
    return result;
  }
  }
  return std::nullopt;
}

/// Whether the elements lie in the order of the file, without gaps.
static bool isContiguous(const Assembly &assembly) {
  if (assembly.pieces.size() != 1)
    return false;
  int64_t stride = 1;
  const Piece &piece = assembly.pieces.front();
  for (int64_t i = assembly.shape.size() - 1; i >= 0; --i) {
    if (piece.sizes[i] != 1 && piece.strides[i] != stride)
      return false;
    stride *= assembly.shape[i];
  }
  return true;
}

/// Views that the plan takes as they are stay: a contiguous range, a matrix
/// that is transposed for a product. A part of a weight that is also used as a
/// whole is not stored again.
bool FoldWeightViews::isWorthFolding(Operation *op, const Assembly &assembly) {
  if (isContiguous(assembly))
    return false;
  if (isa<onnx::TransposeOp>(op) && assembly.shape.size() == 2 &&
      op->getOperand(0).getDefiningOp<onnx::InitializerOp>())
    return false;
  SmallVector<Operation *> worklist{op};
  while (!worklist.empty()) {
    Operation *next = worklist.pop_back_val();
    if (isa<onnx::ConcatOp>(next) && assembly.pieces.size() > 1)
      return true;
    for (Value operand : dataOperands(next)) {
      Operation *producer = operand.getDefiningOp();
      if (isa<onnx::InitializerOp>(producer)) {
        for (Operation *user : producer->getUsers())
          if (user->getNumResults() != 1 || !assemble(user->getResult(0)))
            return false;
        continue;
      }
      worklist.push_back(producer);
    }
  }
  return true;
}

/// The two weights of a latent attention as parts of one: the attention
/// multiplies by all of it at once.
static bool isPartOfLatentWeight(Operation *op) {
  if (!isa<onnx::SliceOp>(op) || op->use_empty())
    return false;
  return llvm::all_of(op->getUsers(), [&](Operation *user) {
    auto attention = dyn_cast<MLAAttentionOp>(user);
    if (!attention)
      return false;
    auto up = attention.getWUk().getDefiningOp<onnx::SliceOp>(),
         down = attention.getWUv().getDefiningOp<onnx::SliceOp>();
    return up && down && up->getOperand(0) == down->getOperand(0);
  });
}

void FoldWeightViews::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isExternal())
    return;
  assemblies.clear();
  numPieces = 0;
  SmallVector<Operation *> views;
  function.walk([&](Operation *op) {
    if (op->getNumResults() != 1)
      return;
    std::optional<Assembly> assembly = apply(op);
    if (!assembly)
      return;
    assemblies[op->getResult(0)] =
        std::make_shared<const Assembly>(std::move(*assembly));
    if (!isa<onnx::InitializerOp>(op))
      views.push_back(op);
  });
  // Of a chain of views the last is made, where something else uses it.
  auto isOutside = [&](Operation *user) {
    return user->getNumResults() != 1 || !assemble(user->getResult(0)) ||
           isPartOfLatentWeight(user);
  };
  SmallVector<Operation *> roots;
  for (Operation *op : views)
    if (!isPartOfLatentWeight(op) && llvm::any_of(op->getUsers(), isOutside) &&
        isWorthFolding(op, *assemble(op->getResult(0))))
      roots.push_back(op);
  for (Operation *op : roots) {
    const Assembly &assembly = *assemble(op->getResult(0));
    OpBuilder builder(op);
    SmallVector<Attribute> pieces;
    for (const Piece &piece : assembly.pieces)
      pieces.push_back(WeightPieceAttr::get(&getContext(), piece.file,
                                            piece.offset, piece.strides,
                                            piece.into, piece.sizes));
    auto type = RankedTensorType::get(
        assembly.shape, getElementTypeOrSelf(op->getResult(0).getType()));
    auto weight =
        AssembledWeightOp::create(builder, op->getLoc(), type, assembly.name,
                                  builder.getArrayAttr(pieces));
    // Views of it stay views of weights, and go when nothing uses them.
    op->getResult(0).replaceUsesWithIf(
        weight, [&](OpOperand &use) { return isOutside(use.getOwner()); });
    ++numFolded;
  }
  for (Operation *op : llvm::reverse(views))
    if (op->use_empty())
      op->erase();
  for (auto weight : llvm::make_early_inc_range(
           function.getBody().front().getOps<onnx::InitializerOp>()))
    if (weight->use_empty())
      weight->erase();
}
