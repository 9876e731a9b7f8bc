// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SizeBounds.h"
#include "Sequence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::trine;

/// Moves what is known at the start of `entry` from `block` there, after
/// `last`.
static void hoistFrom(Block &block, Block &entry,
                      llvm::DenseSet<Operation *> &hoisted, Operation *&last) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto select = dyn_cast<plan::SelectOp>(op)) {
      for (Region *region : select.getRegions())
        hoistFrom(region->front(), entry, hoisted, last);
      continue;
    }
    if (!isScalarOp(&op) || !llvm::all_of(op.getOperands(), [&](Value value) {
          Operation *producer = value.getDefiningOp();
          return !producer || hoisted.contains(producer);
        }))
      continue;
    if (last)
      op.moveAfter(last);
    else
      op.moveBefore(&entry, entry.begin());
    hoisted.insert(&op);
    last = &op;
  }
}

Operation *mlir::trine::hoistSizes(Block &block) {
  llvm::DenseSet<Operation *> hoisted;
  Operation *last = nullptr;
  hoistFrom(block, block, hoisted, last);
  return last;
}

SizeBounds::SizeBounds(Block &block, Operation *last)
    : sizes(block.getParentOp()->getContext()) {
  sizes.setInsertionPointToStart(&block);
  if (!last)
    return;
  for (Operation &op : block) {
    known.insert(op.result_begin(), op.result_end());
    if (&op == last)
      break;
  }
  sizes.setInsertionPointAfter(last);
}

Value SizeBounds::asIndex(Value value) {
  if (value.getType().isIndex())
    return value;
  return arith::IndexCastOp::create(sizes, value.getLoc(), sizes.getIndexType(),
                                    value);
}

/// A constant that is not negative.
static bool isNotNegative(Value value) {
  llvm::APInt constant;
  return value && matchPattern(value, m_ConstantInt(&constant)) &&
         !constant.isNegative();
}

Value SizeBounds::bound(Value value, bool isUpper, unsigned depth) {
  if (isKnown(value))
    return asIndex(value);
  // Deeper chains than this do not come from sizes.
  if (depth > 64)
    return {};
  auto found = bounds[isUpper].find(value);
  if (found != bounds[isUpper].end())
    return found->second;
  Value result = compute(value, isUpper, depth + 1);
  bounds[isUpper][value] = result;
  return result;
}

Value SizeBounds::compute(Value value, bool isUpper, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.getType().isIntOrIndex())
    return {};
  Location loc = op->getLoc();
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return arith::ConstantIndexOp::create(sizes, loc, constant.getSExtValue());
  auto of = [&](unsigned operand, bool upper) {
    return bound(op->getOperand(operand), upper, depth);
  };
  // `closer`: the bound of any operand holds; otherwise those of both are
  // needed.
  auto choose = [&](unsigned first, bool minimum, bool any) -> Value {
    Value a = of(first, isUpper), b = of(first + 1, isUpper);
    if (!a || !b)
      return any ? (a ? a : b) : Value();
    if (minimum)
      return arith::MinSIOp::create(sizes, loc, a, b);
    return arith::MaxSIOp::create(sizes, loc, a, b);
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<arith::IndexCastOp, arith::ExtSIOp>(
          [&](auto) { return of(0, isUpper); })
      .Case([&](arith::MinSIOp) { return choose(0, true, isUpper); })
      .Case([&](arith::MaxSIOp) { return choose(0, false, !isUpper); })
      .Case([&](arith::SelectOp) { return choose(1, !isUpper, false); })
      .Case([&](arith::AddIOp) -> Value {
        Value a = of(0, isUpper), b = of(1, isUpper);
        if (!a || !b)
          return {};
        return arith::AddIOp::create(sizes, loc, a, b);
      })
      .Case([&](arith::SubIOp) -> Value {
        Value a = of(0, isUpper), b = of(1, !isUpper);
        if (!a || !b)
          return {};
        return arith::SubIOp::create(sizes, loc, a, b);
      })
      .Case([&](arith::MulIOp) -> Value {
        // Sizes: both sides are known not to be negative.
        Value a = of(0, isUpper), b = of(1, isUpper);
        Value lowA = of(0, false), lowB = of(1, false);
        bool positive = (isNotNegative(lowA) || isKnown(op->getOperand(0))) &&
                        (isNotNegative(lowB) || isKnown(op->getOperand(1)));
        if (!a || !b || !positive)
          return {};
        return arith::MulIOp::create(sizes, loc, a, b);
      })
      .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp,
            arith::CeilDivSIOp>([&](auto division) -> Value {
        APInt divisor;
        Value a = of(0, isUpper);
        if (!a || !matchPattern(division.getRhs(), m_ConstantInt(&divisor)) ||
            !divisor.isStrictlyPositive() || !isNotNegative(of(0, false)))
          return {};
        Value by =
            arith::ConstantIndexOp::create(sizes, loc, divisor.getSExtValue());
        if (isa<arith::CeilDivSIOp>(op))
          return arith::CeilDivSIOp::create(sizes, loc, a, by);
        return arith::DivSIOp::create(sizes, loc, a, by);
      })
      .Default([](Operation *) { return Value(); });
}
