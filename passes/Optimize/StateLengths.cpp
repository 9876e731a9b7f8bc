// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StateLengths.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::trine;

namespace {
class UseFinder {
public:
  StateUses run(ArrayRef<Value> reads);

private:
  void follow(Value value) {
    if (seen.insert(value).second)
      work.push_back(value);
  }
  void stop(Operation *op, const Twine &reason) {
    if (uses.obstacle)
      return;
    uses.obstacle = op;
    uses.reason = reason.str();
  }
  void visitSize(OpOperand &use);
  void visitTensor(OpOperand &use);
  void visitAttention(OpOperand &use);

  StateUses uses;
  llvm::SmallDenseSet<Value> seen;
  SmallVector<Value> work;
};
} // namespace

/// Element-wise, or a transposition: what an entry becomes depends on nothing
/// but itself.
static bool keepsEntriesApart(linalg::LinalgOp op) {
  if (op.getNumLoops() != op.getNumParallelLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return false;
  for (Operation &inner : *op.getBlock()) {
    if (isa<linalg::IndexOp, tensor::ExtractOp>(inner))
      return false;
    for (Value operand : inner.getOperands())
      if (isa<IndexType>(operand.getType()))
        return false;
  }
  return true;
}

/// A number of entries: it may size tensors, and be computed with.
void UseFinder::visitSize(OpOperand &use) {
  Operation *user = use.getOwner();
  bool isSize = llvm::TypeSwitch<Operation *, bool>(user)
                    .Case([](tensor::EmptyOp) { return true; })
                    .Case([](tensor::ExpandShapeOp) { return true; })
                    .Case([&](tensor::ExtractSliceOp op) {
                      return llvm::is_contained(op.getSizes(), use.get()) &&
                             !llvm::is_contained(op.getOffsets(), use.get()) &&
                             !llvm::is_contained(op.getStrides(), use.get());
                    })
                    .Default(false);
  bool isIndex = isa_and_nonnull<arith::ArithDialect>(user->getDialect()) &&
                 !isa_and_nonnull<linalg::LinalgOp>(user->getParentOp()) &&
                 llvm::all_of(user->getResultTypes(), llvm::IsaPred<IndexType>);
  if (!isSize && !isIndex)
    return stop(user, "uses the number of entries as a number");
  for (Value result : user->getResults())
    follow(result);
}

void UseFinder::visitAttention(OpOperand &use) {
  auto check = [&](auto op) {
    bool isOneQuery = false;
    auto type = cast<RankedTensorType>(op->getOperand(0).getType());
    isOneQuery = type.getDimSize(2) == 1;
    // Without a mask, all entries and one new row are what a causal one sees.
    if (op.getMaskKind() == MaskKind::Additive)
      stop(op, "attends with a mask of numbers");
    else if (op.getMaskKind() == MaskKind::None && !isOneQuery)
      stop(op, "attends to several new rows without a causal mask");
    else if (op.getOffset())
      stop(op, "attends with an offset of its own");
    uses.attentions.insert(op);
  };
  Value value = use.get();
  if (auto attention = dyn_cast<AttentionOp>(use.getOwner())) {
    if (llvm::is_contained(attention.getQueryParts(), value) ||
        value == attention.getMask() || value == attention.getPartial())
      return stop(attention, "has them as more than keys and values");
    return check(attention);
  }
  auto attention = cast<MLAAttentionOp>(use.getOwner());
  if ((value != attention.getLatent() && value != attention.getKRope()) ||
      value == attention.getMask())
    return stop(attention, "has them as more than keys and values");
  check(attention);
}

void UseFinder::visitTensor(OpOperand &use) {
  Operation *user = use.getOwner();
  if (isa<AttentionOp, MLAAttentionOp>(user))
    return visitAttention(use);
  // How many slots there are is a number like others.
  if (auto dim = dyn_cast<tensor::DimOp>(user);
      dim && dim.getConstantIndex() == 0 &&
      dim.getSource().getDefiningOp<StateReadOp>())
    return;
  bool isView = isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                    tensor::CastOp, tensor::DimOp, StateReadOp>(user);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(user))
    // Columns of all entries.
    isView =
        slice.getOffsets().empty() && slice.getStrides().empty() &&
        llvm::all_of(llvm::seq<int64_t>(0, slice.getSourceType().getRank()),
                     [&](int64_t dim) {
                       return !slice.getSourceType().isDynamicDim(dim) ||
                              slice.getStaticOffset(dim) == 0;
                     });
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(user))
    isView = keepsEntriesApart(linalgOp);
  if (!isView)
    return stop(user, "uses entries otherwise than as keys and values of "
                      "attention");
  for (Value result : user->getResults())
    follow(result);
}

StateUses UseFinder::run(ArrayRef<Value> reads) {
  for (Value read : reads)
    follow(read);
  while (!work.empty() && !uses.obstacle) {
    Value value = work.pop_back_val();
    for (OpOperand &use : value.getUses())
      if (isa<IndexType>(value.getType()))
        visitSize(use);
      else
        visitTensor(use);
  }
  return std::move(uses);
}

StateUses mlir::trine::findStateUses(ArrayRef<Value> reads) {
  return UseFinder().run(reads);
}
