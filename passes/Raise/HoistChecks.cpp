// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LowerRecurrences.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

/// Whether all that `value` is computed from in `parent` can stand before it:
/// scalars, none of them read from a tensor that `parent` makes.
static bool isInvariant(Value value, Operation *parent, unsigned depth = 0) {
  Operation *op = value.getDefiningOp();
  if (!parent->isAncestor(value.getParentRegion()->getParentOp()))
    return true;
  // Deeper chains than this do not come from sizes.
  if (!op || depth > 64 || op->getNumRegions() != 0 || !isPure(op) ||
      isa<tensor::ExtractOp>(op) ||
      !llvm::all_of(op->getResultTypes(),
                    [](Type type) { return type.isIntOrIndexOrFloat(); }))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return isInvariant(operand, parent, depth + 1);
  });
}

static void moveBefore(Value value, Operation *parent) {
  Operation *op = value.getDefiningOp();
  if (!op || !parent->isProperAncestor(op))
    return;
  for (Value operand : op->getOperands())
    moveBefore(operand, parent);
  op->moveBefore(parent);
}

/// Moves scalars and checks of `block` in front of `parent`. What was checked
/// there holds unless `parent` does not get there, as `isSkipped` says.
static void hoistFrom(Block &block, Operation *parent,
                      llvm::function_ref<Value(OpBuilder &)> isSkipped) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto check = dyn_cast<RequireOp>(op)) {
      auto condition =
          check.getCondition().getDefiningOp<tensor::FromElementsOp>();
      if (!condition || !isInvariant(condition.getElements().front(), parent))
        continue;
      Value holds = condition.getElements().front();
      moveBefore(holds, parent);
      OpBuilder builder(parent);
      Location loc = check.getLoc();
      Value either =
          arith::OrIOp::create(builder, loc, isSkipped(builder), holds);
      Value wrapped = tensor::FromElementsOp::create(
          builder, loc, cast<RankedTensorType>(condition.getType()), either);
      check.getConditionMutable().assign(wrapped);
      check->moveBefore(parent);
      if (condition->use_empty())
        condition->erase();
    } else if (op.getNumResults() == 1 &&
               op.getResult(0).getType().isIntOrIndex() &&
               isInvariant(op.getResult(0), parent)) {
      moveBefore(op.getResult(0), parent);
    }
  }
}

void mlir::trine::hoistChecks(func::FuncOp function) {
  // Inner ones first, whose checks then may leave the outer ones too.
  function.walk([&](Operation *op) {
    Location loc = op->getLoc();
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      hoistFrom(*loop.getBody(), op, [&](OpBuilder &builder) -> Value {
        return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                     loop.getLowerBound(),
                                     loop.getUpperBound());
      });
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      Value condition = branch.getCondition();
      hoistFrom(*branch.thenBlock(), op, [&](OpBuilder &builder) -> Value {
        Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
        return arith::XOrIOp::create(builder, loc, condition, yes);
      });
      if (branch.elseBlock())
        hoistFrom(*branch.elseBlock(), op,
                  [&](OpBuilder &) { return condition; });
    }
  });
}
