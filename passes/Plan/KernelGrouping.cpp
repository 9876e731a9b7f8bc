// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelGrouping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

bool mlir::trine::isMatrixProduct(linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op))
    return false;
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  return succeeded(dims) && !dims->m.empty() && !dims->n.empty();
}

OpOperand *mlir::trine::getInsertDestination(Operation *op) {
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return &insert.getDestMutable();
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return &insert.getDestMutable();
  return nullptr;
}

static bool hasTensorResult(Operation *op) {
  return llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType>);
}

static bool isReshape(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
      op);
}

/// True if the reshape of a strided slice is a view of it: nothing but dims of
/// size 1 is merged.
static bool keepsStrides(Operation *op) {
  auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
  if (!collapse)
    return isa<tensor::ExpandShapeOp, tensor::CastOp>(op);
  return llvm::all_of(
      collapse.getReassociationIndices(), [&](ArrayRef<int64_t> group) {
        return llvm::count_if(group, [&](int64_t dim) {
                 return collapse.getSrcType().getDimSize(dim) != 1;
               }) <= 1;
      });
}

static bool isElementwise(linalg::LinalgOp op) {
  return op.getNumLoops() == op.getNumParallelLoops();
}

static bool readsElsewhere(Operation *op) {
  return op->walk([](tensor::ExtractOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// A linalg op that only moves elements.
static bool isCopy(linalg::LinalgOp op) {
  if (isa<linalg::CopyOp, linalg::FillOp, linalg::TransposeOp,
          linalg::BroadcastOp>(op.getOperation()))
    return true;
  return isElementwise(op) && op->getNumRegions() == 1 &&
         llvm::hasSingleElement(op->getRegion(0).front());
}

/// A tensor of heads in another order of dims: the kernel reads it where it
/// lies, if rows stay rows.
static bool isReadByAttention(linalg::LinalgOp op, AttentionOp attention) {
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic || generic.getNumDpsInputs() != 1 ||
      generic.getNumDpsInits() != 1 || generic.getNumLoops() != 4 ||
      !isCopy(op) || generic.hasIndexSemantics())
    return false;
  auto yield = cast<linalg::YieldOp>(generic.getBody()->getTerminator());
  AffineMap source =
                generic.getMatchingIndexingMap(generic.getDpsInputOperand(0)),
            target =
                generic.getMatchingIndexingMap(generic.getDpsInitOperand(0));
  if (yield.getValues()[0] != generic.getBody()->getArgument(0) ||
      !source.isPermutation() || !target.isIdentity() ||
      source.getDimPosition(3) != 3)
    return false;
  // Queries, keys and values only.
  return llvm::all_of(op->getUses(), [&](OpOperand &use) {
    return use.getOwner() == attention && use.get() != attention.getMask() &&
           use.get() != attention.getPartial();
  });
}

StringRef KernelGroup::skeleton() const {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(root());
      linalgOp && isLinalg) {
    for (Operation *member : members) {
      auto op = cast<linalg::LinalgOp>(member);
      if (isMatrixProduct(op)) {
        FailureOr<linalg::ContractionDimensions> dims =
            linalg::inferContractionDims(op);
        return succeeded(dims) && !dims->batch.empty() ? "batch_matmul"
                                                       : "matmul";
      }
    }
    if (linalg::isaConvolutionOpInterface(linalgOp) && hasReduction)
      return "convolution";
    if (members.size() > 1 &&
        (hasReduction || rows < linalgOp.getNumParallelLoops()))
      return "row";
    if (hasReduction)
      return "reduction";
    if (llvm::any_of(members, readsElsewhere))
      return "gather";
    if (members.size() == 1 && isCopy(linalgOp))
      return "copy";
    return "elementwise";
  }
  if (isa<AttentionOp>(root()))
    return "attention";
  if (isa<MoERouteOp>(root()))
    return "route";
  if (isa<MoEGroupOp>(root()))
    return "group";
  if (isa<MoEGroupedMatMulOp>(root()))
    return "grouped_matmul";
  if (getInsertDestination(root()))
    return "concat";
  if (isa<scf::ForOp, scf::ForallOp, scf::WhileOp, scf::IfOp>(root()))
    return "loop";
  if (isa<tensor::ExtractSliceOp, arith::ConstantOp>(root()))
    return "copy";
  return "other";
}

KernelGrouping::KernelGrouping(Block &block, const TensorSizes &sizes)
    : block(block), sizes(sizes) {
  findCandidates();
  // Users come before producers, so that their roles and groups are known.
  for (Operation &op : llvm::reverse(block)) {
    assignRole(&op);
    if (role(&op) == OpRole::Work)
      assignGroup(&op);
  }
  std::reverse(ordered.begin(), ordered.end());
}

void KernelGrouping::findCandidates() {
  for (Operation &op : block) {
    if (isa<tensor::ExtractSliceOp>(op)) {
      sliceChain.insert(&op);
    } else if (isReshape(&op)) {
      Operation *source = op.getOperand(0).getDefiningOp();
      if (source && sliceChain.contains(source) && keepsStrides(&op))
        sliceChain.insert(&op);
    }
    if (!hasTensorResult(&op)) {
      bool depends = isa<tensor::ExtractOp>(op);
      for (Value operand : op.getOperands())
        if (Operation *producer = operand.getDefiningOp())
          depends |= dataDependent.contains(producer);
      if (depends)
        dataDependent.insert(&op);
    }
  }
}

bool KernelGrouping::isNeededBetweenLaunches(Operation *op) const {
  if (llvm::any_of(op->getResults(), [&](Value result) {
        return sequenceSizes.contains(result);
      }))
    return true;
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    OpRole use = role(block.findAncestorOpInBlock(*user));
    return use == OpRole::Sequence || use == OpRole::View;
  });
}

void KernelGrouping::assignRole(Operation *op) {
  auto roleOf = [&]() -> OpRole {
    if (!hasTensorResult(op)) {
      // Sizes are computed between launches; what only kernels read is read
      // there.
      if (dataDependent.contains(op) && isPure(op) &&
          !isNeededBetweenLaunches(op))
        return OpRole::Cheap;
      return OpRole::Sequence;
    }
    if (isa<plan::LoadWeightOp, plan::SelectOp, WeightOp, plan::PrefetchAwaitOp,
            plan::EngramHashOp>(op))
      return OpRole::Sequence;
    bool outside = isNeededBetweenLaunches(op);
    if (isa<tensor::EmptyOp>(op))
      return outside ? OpRole::Sequence : OpRole::Cheap;
    if (sliceChain.contains(op) && !outside)
      return OpRole::Cheap;
    if (isReshape(op))
      return OpRole::View;
    if (isa<linalg::FillOp, arith::ConstantOp>(op))
      return outside ? OpRole::Work : OpRole::Cheap;
    if (auto unpack = dyn_cast<linalg::UnPackOp>(op))
      if (unpack.getSource().getDefiningOp<plan::LoadWeightOp>() && !outside)
        return OpRole::Cheap;
    return OpRole::Work;
  };
  OpRole found = roleOf();
  roles[op] = found;
  if (found == OpRole::Cheap)
    return;
  // Memory and views are made between the launches, from these values, which
  // are defined before.
  for (Value result : op->getResults())
    if (isa<RankedTensorType>(result.getType()))
      for (OpFoldResult size : sizes.of(result))
        if (auto value = dyn_cast<Value>(size))
          sequenceSizes.insert(value);
}

void KernelGrouping::assignGroup(Operation *op) {
  // The one group that holds all users.
  KernelGroup *group = nullptr;
  bool single = true;
  for (Operation *user : op->getUsers()) {
    KernelGroup *other = groupOf.lookup(user);
    if (!other || (group && other != group)) {
      single = false;
      break;
    }
    group = other;
  }
  if (group && single && tryJoin(op, *group)) {
    group->members.push_back(op);
    groupOf[op] = group;
    ++joined;
    return;
  }
  auto created = std::make_unique<KernelGroup>();
  created->members.push_back(op);
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    created->isLinalg = true;
    created->hasContraction = isMatrixProduct(linalgOp);
    created->hasReduction = !isElementwise(linalgOp);
    SmallVector<unsigned> &loops = rowLoops[op];
    if (linalgOp.getNumDpsInits() > 0) {
      AffineMap map =
          linalgOp.getMatchingIndexingMap(linalgOp.getDpsInitOperand(0));
      for (AffineExpr expression : map.getResults()) {
        auto dim = dyn_cast<AffineDimExpr>(expression);
        if (!dim)
          break;
        loops.push_back(dim.getPosition());
      }
    }
    created->rows = loops.size();
  }
  groupOf[op] = created.get();
  ordered.push_back(std::move(created));
}

bool KernelGrouping::tryJoin(Operation *op, KernelGroup &group) {
  if (getInsertDestination(op)) {
    // Pieces of one result: each writes into what the one before left.
    if (!getInsertDestination(group.root()) || !op->hasOneUse())
      return false;
    OpOperand *next = getInsertDestination(*op->user_begin());
    return next && next->get() == op->getResult(0) &&
           op->use_begin()->getOperandNumber() == next->getOperandNumber();
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (auto attention = dyn_cast<AttentionOp>(group.root()))
    return linalgOp && isReadByAttention(linalgOp, attention);
  return linalgOp && group.isLinalg && tryJoinLinalg(linalgOp, group);
}

bool KernelGrouping::tryJoinLinalg(linalg::LinalgOp op, KernelGroup &group) {
  if (group.hasContraction || op->getNumResults() != 1 ||
      linalg::isaConvolutionOpInterface(op))
    return false;
  AffineMap resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!resultMap.isProjectedPermutation())
    return false;
  unsigned rank = resultMap.getNumResults();
  bool contraction = isMatrixProduct(op);
  unsigned rows = group.rows;
  for (OpOperand &use : op->getUses()) {
    auto user = cast<linalg::LinalgOp>(use.getOwner());
    if (!user.isDpsInput(&use))
      return false;
    AffineMap map = user.getMatchingIndexingMap(&use);
    if (contraction) {
      // An epilogue works on each element of the product where it is.
      if (group.hasReduction || !map.isIdentity() || group.rows != rank ||
          !isElementwise(user))
        return false;
      continue;
    }
    // Leading dims of the operand that are rows of the user.
    ArrayRef<unsigned> loops = rowLoops[user];
    unsigned common = 0;
    while (common < group.rows && common < rank && common < loops.size()) {
      auto dim = dyn_cast<AffineDimExpr>(map.getResult(common));
      if (!dim || dim.getPosition() != loops[common])
        break;
      ++common;
    }
    // Fewer rows than before only if the operand is one value per row.
    if (common < group.rows && common != rank)
      return false;
    rows = std::min(rows, common);
  }
  if (rows == 0)
    return false;
  SmallVector<unsigned> &loops = rowLoops[op];
  for (AffineExpr expression : resultMap.getResults())
    loops.push_back(cast<AffineDimExpr>(expression).getPosition());
  group.rows = rows;
  group.hasContraction |= contraction;
  group.hasReduction |= !isElementwise(op);
  return true;
}
