// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TilePolicy.h"

#include "KernelBody.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::trine;

/// Elements of a tile without products: enough to hide the cost of a
/// workgroup, few enough to stay in the first-level cache.
static constexpr int64_t kTileElements = 2048;
/// Rows of a product's tile: its panel of the right matrix is read from memory
/// once per this many rows, which stay in the second-level cache from panel to
/// panel.
static constexpr int64_t kProductRows = 256;
/// The same where there are few panels, or wide ones.
static constexpr int64_t kFewPanelRows = 64;
static constexpr int64_t kFewPanels = 16;
/// Rows of a tile where they are two loops.
static constexpr int64_t kOuterRows = 8;
static constexpr int64_t kLeastInnerRows = 16;
/// Columns of a product's tile: one packed panel.
static constexpr int64_t kPanelColumns = 32;
/// Columns where the right matrix is not packed.
static constexpr int64_t kUnpackedColumns = 128;

linalg::LinalgOp trine::findRoot(plan::ReturnOp terminator) {
  Operation *root = nullptr;
  for (Value value : terminator.getValues()) {
    while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
               value.getDefiningOp()) &&
           value.hasOneUse())
      value = value.getDefiningOp()->getOperand(0);
    Operation *op = value.getDefiningOp();
    if (!op || (root && op != root) || !value.hasOneUse())
      return nullptr;
    root = op;
  }
  return dyn_cast_or_null<linalg::LinalgOp>(root);
}

namespace {
/// For each operation of the tile, which loop of the root each of its own
/// loops follows; -1: it runs over its full range in every tile.
using LoopMap = DenseMap<Operation *, SmallVector<int64_t>>;
} // namespace

/// The loops of `producer`, followed from the use `operand` in a mapped op.
static std::optional<SmallVector<int64_t>>
followUse(OpOperand &operand, linalg::LinalgOp producer, const LoopMap &loops) {
  auto user = dyn_cast<linalg::LinalgOp>(operand.getOwner());
  if (!user)
    return std::nullopt;
  auto known = loops.find(user);
  if (known == loops.end())
    return std::nullopt;
  AffineMap use = user.getMatchingIndexingMap(&operand);
  AffineMap definition =
      producer.getIndexingMapMatchingResult(cast<OpResult>(operand.get()));
  if (!use.isProjectedPermutation() || !definition.isProjectedPermutation())
    return std::nullopt;
  SmallVector<int64_t> result(producer.getNumLoops(), -1);
  for (auto [from, to] : llvm::zip(use.getResults(), definition.getResults()))
    result[cast<AffineDimExpr>(to).getPosition()] =
        known->second[cast<AffineDimExpr>(from).getPosition()];
  return result;
}

/// Finds the producers that can be computed in the root's tiles. Loops of the
/// root that must stay whole for this are cleared in `allowed`.
static LoopMap mapLoops(linalg::LinalgOp root, llvm::SmallBitVector &allowed) {
  LoopMap loops;
  loops[root] = llvm::to_vector(
      llvm::seq<int64_t>(0, static_cast<int64_t>(root.getNumLoops())));
  for (Operation *op = root->getPrevNode(); op; op = op->getPrevNode()) {
    auto producer = dyn_cast<linalg::LinalgOp>(op);
    if (!producer || producer->use_empty())
      continue;
    std::optional<SmallVector<int64_t>> common;
    SmallVector<int64_t> whole;
    bool possible = true;
    for (OpOperand &use : producer->getUses()) {
      if (isa<tensor::DimOp>(use.getOwner()))
        continue;
      std::optional<SmallVector<int64_t>> mapping =
          followUse(use, producer, loops);
      if (!mapping) {
        possible = false;
        break;
      }
      if (!common) {
        common = mapping;
        continue;
      }
      // A row that one user needs element by element and another as a whole
      // is computed once if the root goes over whole rows too.
      for (auto [mine, other] : llvm::zip(*common, *mapping)) {
        if (mine == other)
          continue;
        if (mine >= 0 && other >= 0 && !isCheap(op)) {
          possible = false;
          break;
        }
        for (int64_t loop : {mine, other})
          if (loop >= 0 && !isCheap(op))
            whole.push_back(loop);
        mine = -1;
      }
    }
    if (!possible || !common)
      continue;
    loops[producer] = *common;
    for (int64_t loop : whole)
      allowed.reset(loop);
  }
  return loops;
}

/// The root's loops that carry a product's rows, columns and batch.
static bool applyProduct(linalg::GenericOp product, ArrayRef<int64_t> rootLoops,
                         const llvm::SmallBitVector &allowed,
                         SmallVectorImpl<int64_t> &sizes) {
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(product);
  if (failed(dims))
    return false;
  auto set = [&](unsigned dim, int64_t size) {
    int64_t loop = rootLoops[dim];
    if (loop >= 0 && allowed[loop])
      sizes[loop] = size;
  };
  SmallVector<int64_t> extents = product.getStaticLoopRanges();
  bool packed = llvm::any_of(product.getDpsInputs(), [](Value input) {
    return isa_and_nonnull<linalg::UnPackOp>(input.getDefiningOp());
  });
  // Unknown numbers of columns are those of activations: few.
  int64_t columns = 1;
  for (unsigned dim : dims->n)
    columns *= std::max<int64_t>(extents[dim], 1);
  int64_t rows = packed && columns >= kFewPanels * kPanelColumns
                     ? kProductRows
                     : kFewPanelRows;
  for (unsigned dim : dims->batch)
    set(dim, 1);
  // Of two loops over rows either may be the short one, as sequences and their
  // tokens are: a tile takes some of both.
  SmallVector<unsigned> rowLoops;
  for (unsigned dim : dims->m)
    if (extents[dim] != 1)
      rowLoops.push_back(dim);
  for (auto [index, dim] : llvm::enumerate(rowLoops)) {
    size_t after = rowLoops.size() - index - 1;
    if (rowLoops.size() == 1)
      set(dim, rows);
    else if (after == 0)
      set(dim, std::max(rows / kOuterRows, kLeastInnerRows));
    else
      set(dim, after == 1 ? kOuterRows : 1);
  }
  for (auto [index, dim] : llvm::enumerate(dims->n))
    set(dim, index + 1 == dims->n.size()
                 ? (packed ? kPanelColumns : kUnpackedColumns)
                 : 1);
  return true;
}

TilePolicy trine::chooseTiles(linalg::LinalgOp root) {
  TilePolicy policy;
  policy.sizes.assign(root.getNumLoops(), 0);
  SmallVector<int64_t> extents = root.getStaticLoopRanges();
  llvm::SmallBitVector allowed(root.getNumLoops());
  for (auto [loop, kind] : llvm::enumerate(root.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel && extents[loop] != 1)
      allowed.set(loop);

  LoopMap loops = mapLoops(root, allowed);

  // Cutting a loop that an expensive producer does not follow would compute
  // the producer again in every tile.
  linalg::GenericOp product;
  for (auto &[op, mapping] : loops) {
    policy.fused.insert(op);
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (generic && isFloatProduct(generic) &&
        (!product || product->isBeforeInBlock(op)))
      product = generic;
    if (op == root || isCheap(op))
      continue;
    llvm::SmallBitVector followed(root.getNumLoops());
    for (int64_t loop : mapping)
      if (loop >= 0)
        followed.set(loop);
    allowed &= followed;
  }
  if (product && applyProduct(product, loops[product], allowed, policy.sizes)) {
    // Loops that the product does not have are outer rows of its epilogue.
    return policy;
  }

  // Innermost loops stay whole as long as a tile stays small.
  int64_t elements = 1;
  bool full = false;
  for (int64_t loop = static_cast<int64_t>(root.getNumLoops()) - 1; loop >= 0;
       --loop) {
    int64_t extent = extents[loop];
    if (!allowed[loop]) {
      if (ShapedType::isDynamic(extent))
        full = true;
      else
        elements *= extent;
      full |= elements >= kTileElements;
      continue;
    }
    if (full) {
      policy.sizes[loop] = 1;
      continue;
    }
    int64_t fitting =
        std::max<int64_t>(1, kTileElements / std::max<int64_t>(1, elements));
    if (!ShapedType::isDynamic(extent) && extent <= fitting) {
      elements *= extent;
      full |= elements >= kTileElements;
      continue;
    }
    policy.sizes[loop] = fitting;
    full = true;
  }
  return policy;
}
