// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Sequence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

SmallVector<Block *> mlir::trine::sequenceBlocks(func::FuncOp function) {
  SmallVector<Block *> blocks = {&function.getBody().front()};
  for (size_t i = 0; i < blocks.size(); ++i)
    for (auto select : blocks[i]->getOps<plan::SelectOp>())
      for (Region *region : select.getRegions())
        blocks.push_back(&region->front());
  return blocks;
}

bool mlir::trine::isScalarOp(Operation *op) {
  return op->getNumResults() > 0 && op->getNumRegions() == 0 && isPure(op) &&
         llvm::all_of(op->getResultTypes(),
                      [](Type type) { return type.isIntOrIndexOrFloat(); });
}

/// True if `value` is arithmetic on sizes of tensors. `known` holds what was
/// found before.
static bool isFromSizes(Value value, llvm::DenseMap<Value, bool> &known,
                        unsigned depth = 0) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  Operation *op = value.getDefiningOp();
  // Deeper chains than this do not come from sizes.
  if (!op || depth > 64)
    return false;
  bool result = isa<tensor::DimOp>(op);
  if (!result && !isa<tensor::ExtractOp>(op) && isScalarOp(op))
    result = llvm::all_of(op->getOperands(), [&](Value operand) {
      return isFromSizes(operand, known, depth + 1);
    });
  return known[value] = result;
}

unsigned mlir::trine::makeChoices(func::FuncOp function) {
  llvm::DenseMap<Value, bool> known;
  unsigned made = 0;
  SmallVector<Block *> blocks = {&function.getBody().front()};
  while (!blocks.empty()) {
    Block *block = blocks.pop_back_val();
    for (auto branch : llvm::make_early_inc_range(block->getOps<scf::IfOp>())) {
      if (branch.getNumResults() == 0 ||
          !llvm::all_of(branch.getResultTypes(),
                        llvm::IsaPred<RankedTensorType>) ||
          !isFromSizes(branch.getCondition(), known))
        continue;
      OpBuilder builder(branch);
      auto select = plan::SelectOp::create(builder, branch.getLoc(),
                                           branch.getResultTypes(),
                                           branch.getCondition());
      select->setDiscardableAttrs(branch->getDiscardableAttrDictionary());
      for (auto [from, to] :
           llvm::zip(branch->getRegions(), select->getRegions())) {
        to.takeBody(from);
        blocks.push_back(&to.front());
        Operation *yield = to.front().getTerminator();
        OpBuilder end(yield);
        plan::YieldOp::create(end, yield->getLoc(), yield->getOperands());
        yield->erase();
      }
      branch.replaceAllUsesWith(select.getOutputs());
      branch.erase();
      ++made;
    }
  }
  return made;
}

void mlir::trine::hoistScalarsOfChoices(func::FuncOp function) {
  // What leaves an inner choice may leave the outer one too.
  SmallVector<Block *> blocks = sequenceBlocks(function);
  for (Block *block : llvm::reverse(blocks)) {
    auto select = dyn_cast<plan::SelectOp>(block->getParentOp());
    if (!select)
      continue;
    for (Operation &op : llvm::make_early_inc_range(*block))
      // What is read from a tensor may be asked for on one side only.
      if (isScalarOp(&op) && !isa<tensor::ExtractOp>(op) &&
          llvm::all_of(op.getOperands(), [&](Value operand) {
            return operand.getParentBlock() != block;
          }))
        op.moveBefore(select);
  }
}

/// True for what a kernel has for nothing.
static bool costsNothing(Operation *op) {
  if (isa<tensor::EmptyOp, tensor::ExtractSliceOp, linalg::FillOp>(op))
    return true;
  if (isa<arith::ConstantOp>(op))
    return isa<TensorType>(op->getResult(0).getType());
  if (auto unpack = dyn_cast<linalg::UnPackOp>(op))
    return unpack.getSource().getDefiningOp<plan::LoadWeightOp>() != nullptr;
  // Views of slices are read like slices.
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op))
    if (Operation *source = op->getOperand(0).getDefiningOp())
      return !isa<arith::ConstantOp>(source) && costsNothing(source);
  return false;
}

namespace {
/// Clones of ops outside of one block, at its start.
class Sinking {
public:
  explicit Sinking(Block &block)
      : block(block), builder(OpBuilder::atBlockBegin(&block)) {}

  void run() {
    SmallVector<OpOperand *> uses;
    block.walk([&](Operation *op) {
      for (OpOperand &operand : op->getOpOperands())
        uses.push_back(&operand);
    });
    for (OpOperand *use : uses)
      if (isOutside(use->get()))
        use->set(inside(use->get()));
  }

private:
  bool isOutside(Value value) const {
    return !block.getParent()->isAncestor(value.getParentRegion());
  }
  Value inside(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !isOutside(value) || !costsNothing(op))
      return value;
    if (Value known = mapping.lookupOrNull(value))
      return known;
    for (Value operand : op->getOperands())
      mapping.map(operand, inside(operand));
    return builder.clone(*op, mapping)
        ->getResult(cast<OpResult>(value).getResultNumber());
  }

  Block &block;
  OpBuilder builder;
  IRMapping mapping;
};
} // namespace

void mlir::trine::sinkIntoChoices(func::FuncOp function) {
  for (Block *block : sequenceBlocks(function))
    if (isa<plan::SelectOp>(block->getParentOp()))
      Sinking(*block).run();
}
