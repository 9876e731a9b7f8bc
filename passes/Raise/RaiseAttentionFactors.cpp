// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The factors of attention's products, batch and heads, and what masks scores.
#include "RaiseAttention.h"

using namespace mlir;
using namespace mlir::trine;

/// The only op that uses `value`.
static Operation *onlyUser(Value value) {
  if (value.use_empty() || !llvm::all_equal(value.getUsers()))
    return nullptr;
  return *value.getUsers().begin();
}

//===----------------------------------------------------------------------===//
// Factors
//===----------------------------------------------------------------------===//

View AttentionMatch::walkBack(View view, ArrayRef<unsigned> order, Type type) {
  View best = view;
  double found = 1, pending = 1;
  for (unsigned steps = 0; steps < 32; ++steps) {
    Operation *op = view.value.getDefiningOp();
    if (!op)
      break;
    std::optional<View> next;
    bool mustTake = false;
    std::optional<NumberOperand> parts =
        isa<onnx::MulOp, onnx::DivOp>(op) ? splitNumber(op) : std::nullopt;
    if (parts && isFloat(view.value) &&
        (isa<onnx::MulOp>(op) || parts->other == op->getOperand(0)) &&
        raising.haveSameShape(parts->other, view.value)) {
      pending *= isa<onnx::DivOp>(op) ? 1 / parts->number : parts->number;
      next = View{parts->other, view.index};
    } else if (isa<onnx::CastOp>(op) &&
               getElementTypeOrSelf(op->getOperand(0).getType()) == type &&
               skipWideningCasts(view.value) != view.value) {
      next = View{op->getOperand(0), view.index};
      mustTake = true;
    } else {
      next = space.back(view);
    }
    if (!next)
      break;
    view = space.normalize(*next);
    bool isBetter = getElementTypeOrSelf(view.value.getType()) == type &&
                    space.isInOrder(view, order);
    if (isBetter || mustTake || pending != found) {
      best = view;
      found = pending;
    }
  }
  scale *= found;
  return best;
}

/// Batch, key heads, and query heads that share one.
bool AttentionMatch::sortDims() {
  auto view = [&](Value operand, AffineIndex first,
                  AffineIndex second) -> std::optional<View> {
    SmallVector<AffineIndex> index(ArrayRef(scores.index).drop_back(2));
    index.append({std::move(first), std::move(second)});
    return space.broadcast(operand, index);
  };
  Value left = scoreProduct->getOperand(0), right = scoreProduct->getOperand(1);
  if (raising.rank(left) < 2 || raising.rank(right) < 2)
    return fail(scoreProduct, "the scores are a product with a vector");
  summed = space.addDim(raising.dims(left).back());
  size_t rank = scores.index.size();
  std::optional<View> query =
      view(left, scores.index[rank - 2], space.plain(summed));
  std::optional<View> key =
      view(right, space.plain(summed), scores.index[rank - 1]);
  SmallVector<AffineIndex> valueIndex;
  for (unsigned dim : outer)
    valueIndex.push_back(space.plain(dim));
  valueIndex.append({space.plain(column), space.plain(valueColumn)});
  std::optional<View> value =
      space.broadcast(valueProduct->getOperand(1), valueIndex);
  if (!query || !key || !value)
    // No test: ranks below 2 are refused before.
    return fail(scoreProduct, "the product is not one of matrices");

  // Everything that only moves keys and values is seen now: repeated heads
  // show as dims that neither depends on.
  View keySource = space.backAll(*key), valueSource = space.backAll(*value);
  for (View *source : {&keySource, &valueSource}) {
    // Scaled keys: behind the scale.
    Operation *op = source->value.getDefiningOp();
    while (isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::CastOp>(op)) {
      std::optional<NumberOperand> parts =
          isa<onnx::CastOp>(op)
              ? std::optional(NumberOperand{op->getOperand(0), 1})
              : splitNumber(op);
      if (!parts || !raising.haveSameShape(parts->other, source->value))
        break;
      *source = space.backAll(View{parts->other, source->index});
      op = source->value.getDefiningOp();
    }
    *source = space.normalize(*source);
  }
  keySource = space.normalize(keySource);
  SmallVector<unsigned> leaves;
  for (unsigned dim : outer)
    llvm::append_range(leaves, space.leaves(dim));
  for (unsigned dim : {row, column})
    if (space.leaves(dim).size() != 1)
      return fail(scoreProduct, "rows or columns are several dims");
  for (auto [i, dim] : llvm::enumerate(leaves)) {
    bool usedByKey = keySource.dependsOn(dim),
         usedByValue = valueSource.dependsOn(dim);
    bool isUnit = space.extent(dim).isConstant(1);
    if (i == 0 && leaves.size() > 1) {
      batchDims.push_back(dim);
      continue;
    }
    if (usedByKey || usedByValue || isUnit) {
      if (!sharedDims.empty() && !isUnit)
        return fail(scoreProduct, "heads that share keys are not neighbours");
      (leaves.size() == 1 ? batchDims : keyHeadDims).push_back(dim);
    } else {
      sharedDims.push_back(dim);
    }
  }
  hasSwappedRows = swapRows();
  return true;
}

bool AttentionMatch::swapRows() {
  if (sharedDims.size() != 1 || batchDims.size() != 1 ||
      !llvm::all_of(keyHeadDims, [&](unsigned dim) {
        return space.extent(dim).isConstant(1);
      }))
    return false;
  unsigned shared = sharedDims.front();
  auto isMaskedBy = [&](unsigned dim) {
    return llvm::any_of(terms, [&](const MaskTerm &term) {
      return (term.added ? *term.added : term.keep->root).dependsOn(dim);
    });
  };
  bool byShared = isMaskedBy(shared), byRow = isMaskedBy(row);
  // The number of heads is one.
  if (byShared == byRow)
    byShared =
        space.extent(row).isConstant() && !space.extent(shared).isConstant();
  if (!byShared)
    return false;
  sharedDims.front() = row;
  row = shared;
  return true;
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// where(no key is kept, 0, output), if that comes next.
bool AttentionMatch::readRowGuard() {
  result = valueProduct->getResult(0);
  Operation *user = onlyUser(result);
  auto where = dyn_cast_or_null<onnx::WhereOp>(user);
  if (!where)
    return true;
  bool zeroFirst = isConstantNumber(where->getOperand(1), 0),
       zeroSecond = isConstantNumber(where->getOperand(2), 0);
  if (zeroFirst == zeroSecond ||
      where->getOperand(zeroFirst ? 2 : 1) != result ||
      !raising.haveSameShape(where->getResult(0), result))
    return true;
  SmallVector<AffineIndex> index;
  for (unsigned dim : outer)
    index.push_back(space.normalize(space.plain(dim)));
  index.append({space.plain(productRow), space.plain(valueColumn)});
  std::optional<View> condition = space.broadcast(where->getOperand(0), index);
  if (!condition)
    return true;
  // where(some key, output, 0) is left as it is: normalisation turns it.
  if (!zeroFirst)
    return true;
  rowGuard = masks.analyzeEmptyRow(*condition, column);
  if (!rowGuard)
    return true;
  matched.push_back(where);
  result = where->getResult(0);
  return true;
}

Value AttentionMatch::maskOperand(const View &view, Operation *before) {
  if (batchDims.size() == 1 && keyHeadDims.size() == 1 && sharedDims.empty() &&
      space.broadcastsTo(view,
                         {batchDims.front(), keyHeadDims.front(), row, column}))
    return view.value;
  SmallVector<unsigned> heads(keyHeadDims);
  llvm::append_range(heads, sharedDims);
  // A mask of a part of the heads' dims would not broadcast.
  unsigned present = 0;
  for (unsigned dim : heads)
    present += view.dependsOn(dim);
  unsigned wanted = llvm::count_if(
      heads, [&](unsigned dim) { return !space.extent(dim).isConstant(1); });
  if (present != 0 && present != wanted)
    return nullptr;
  return space.materialize(before, view, {batchDims, heads, {row}, {column}});
}

Value AttentionMatch::additiveOf(const Condition &keep, Operation *before) {
  Value condition = maskOperand(keep.root, before);
  if (!condition || !getElementTypeOrSelf(condition.getType()).isInteger(1))
    return nullptr;
  OpBuilder builder(before);
  auto number = [&](double value) {
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return raising.create(
        before, "Constant", {},
        builder.getNamedAttr(
            "value", DenseElementsAttr::get(type, static_cast<float>(value))));
  };
  Value zero = number(0),
        infinity = number(-std::numeric_limits<double>::infinity());
  return raising.create(before, "Where",
                        {condition, keep.negated ? infinity : zero,
                         keep.negated ? zero : infinity});
}

bool AttentionMatch::planMask(MaskPlan &plan, Operation *before) {
  // A condition that says which keys count, and what others get.
  std::optional<Condition> keep;
  double fill = 0;
  bool replaces = false;
  if (terms.size() == 1) {
    MaskTerm &term = terms[0];
    if (term.keep) {
      keep = term.keep;
      fill = term.fill;
      replaces = true;
    } else if (std::optional<TwoValuedMask> mask =
                   masks.analyzeAdditive(*term.added);
               mask && isMaskFill(mask->fill)) {
      keep = mask->keep;
      fill = mask->fill;
    }
  }
  if (rowGuard && (!keep || !keep->isSame(*rowGuard)))
    return fail(anchor, "rows without keys are set to 0 by another condition "
                        "than that of the mask");
  bool isInfinite = fill == -std::numeric_limits<double>::infinity();
  if (terms.empty())
    return true;
  // A finite fill leaves no row without weights.
  plan.maskedRow = rowGuard || (nanGuard && isInfinite) ? MaskedRow::Zero
                   : isInfinite                         ? MaskedRow::NaN
                                                        : MaskedRow::Uniform;
  SymbolicExpression offset =
      keep ? masks.getCausalOffset(*keep, row, column) : SymbolicExpression();
  if (offset) {
    // Adding a finite number to all scores of a row nearly leaves them as they
    // are, unless it is too large for them to count.
    bool mayBeEmpty = !isKnownNonNegative(offset);
    if (!mayBeEmpty || rowGuard || isInfinite || replaces || fill < -1e30) {
      plan.kind = MaskKind::Causal;
      if (offset == space.extent(column) - space.extent(row))
        return true;
      plan.offset = masks.makeScalar(before, offset);
      if (plan.offset)
        return true;
    }
  }
  plan.kind = MaskKind::Additive;
  if (keep && (replaces || rowGuard)) {
    plan.mask = additiveOf(*keep, before);
    if (!plan.mask)
      return fail(terms[0].op, "the mask is laid out in another way");
    return true;
  }
  // The values as they are. Rows of minus infinity alone give NaN.
  plan.maskedRow = rowGuard || nanGuard ? MaskedRow::Zero : MaskedRow::NaN;
  for (MaskTerm &term : terms) {
    if (!term.added)
      return fail(term.op, "scores are masked twice, not only by additions");
    Value value = maskOperand(space.normalize(*term.added), before);
    if (!value)
      return fail(term.op, "the mask is laid out in another way");
    plan.mask =
        plan.mask ? raising.create(before, "Add", {plan.mask, value}) : value;
  }
  return true;
}
