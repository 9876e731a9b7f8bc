// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Routers that choose among the experts of some groups: the mask of groups, and
// what groups are ranked by.
#include "RaiseRouter.h"

#include <cmath>

using namespace mlir;
using namespace mlir::trine;

/// The mask of kept groups: ones scattered to the chosen groups, or of others,
/// with `keeps` false: zeros scattered into ones. It is repeated for the
/// experts of a group, unless it is `grouped`: one number for each group, seen
/// from
/// [.., G, E/G].
bool RouterMatcher::takeMask(Value mask, bool keeps, int64_t grouped,
                             onnx::TopKOp &groups, int64_t experts) {
  Value value = mask;
  bool sawExpand = false;
  SymbolicExpression repeats; // for the experts of a group
  match.groups = grouped;
  while (Operation *op = value.getDefiningOp()) {
    if (isa<onnx::CastOp, onnx::ReshapeOp>(op)) {
      // [.., G, E/G] becomes [.., E]; [.., G] becomes [.., G, 1].
      pattern.add(op);
      value = op->getOperand(0);
    } else if (isa<onnx::NotOp>(op)) {
      keeps = !keeps;
      pattern.add(op);
      value = op->getOperand(0);
    } else if (auto expand = dyn_cast<onnx::ExpandOp>(op)) {
      ArrayRef<SymbolicExpression> from = raising.dims(expand->getOperand(0)),
                                   to = raising.dims(value);
      if (sawExpand || grouped || from.size() != to.size() || from.empty() ||
          from.drop_back() != to.drop_back() || !from.back().isConstant(1))
        return pattern.fail(op, "the mask of groups is not repeated for each "
                                "expert of a group");
      sawExpand = true;
      repeats = to.back();
      match.groups =
          from.size() > 1 ? from[from.size() - 2].getConstant().value_or(0) : 0;
      pattern.add(op);
      value = expand->getOperand(0);
    } else {
      break;
    }
  }
  auto scatter = producer<onnx::ScatterElementsOp>(value);
  if (!scatter || (!sawExpand && !grouped) ||
      !isLastAxis(raising, scatter.getAxis(), value))
    return false;
  pattern.add(scatter);
  if (scatter.getReduction() != "none" ||
      constantNumber(scatter->getOperand(0)) != (keeps ? 0 : 1) ||
      constantNumber(scatter->getOperand(2)) != (keeps ? 1 : 0))
    return pattern.fail(scatter, "the mask of groups is not one at the chosen "
                                 "groups and zero elsewhere");
  if (match.groups < 1 ||
      !raising.dims(value).back().isConstant(match.groups) ||
      experts % match.groups != 0 ||
      (repeats && !repeats.isConstant(experts / match.groups)))
    return pattern.fail(scatter,
                        "the mask has " + raising.dims(value).back().str() +
                            " groups for " + Twine(experts) + " experts");
  Value indices = scatter->getOperand(1);
  groups = producer<onnx::TopKOp>(indices);
  if (!groups || indices != groups.getIndices() || !groups.getLargest() ||
      !isLastAxis(raising, groups.getAxis(), indices))
    return pattern.fail(scatter, "the groups are not chosen by TopK");
  pattern.add(groups);
  return true;
}

/// The ranks of groups: the largest choice, or the sum of the two largest.
bool RouterMatcher::takeGroupScores(Value ranks, Value choice) {
  Value value = pattern.takeViews(ranks);
  Operation *op = value.getDefiningOp();
  // A sum of two 16-bit numbers in f32 is rounded once, as it is without casts.
  Type type = getElementTypeOrSelf(value.getType());
  auto narrowing = dyn_cast_or_null<onnx::CastOp>(op);
  if (narrowing && (type.isF16() || type.isBF16()) &&
      isa_and_nonnull<onnx::ReduceSumOp>(
          narrowing->getOperand(0).getDefiningOp())) {
    Operation *sum = narrowing->getOperand(0).getDefiningOp();
    auto widening = producer<onnx::CastOp>(sum->getOperand(0));
    if (widening && getElementTypeOrSelf(sum->getResult(0).getType()).isF32() &&
        getElementTypeOrSelf(widening->getOperand(0).getType()) == type) {
      pattern.add(narrowing);
      op = sum;
    }
  }
  Value parts;
  if (isa_and_nonnull<onnx::ReduceMaxOp>(op) && reducesAxis(raising, op, -1)) {
    pattern.add(op);
    match.groupScore = GroupScore::Max;
    parts = op->getOperand(0);
  } else if (isa_and_nonnull<onnx::ReduceSumOp>(op) &&
             reducesAxis(raising, op, -1)) {
    pattern.add(op);
    Value best = op->getOperand(0);
    if (op != value.getDefiningOp()) {
      pattern.add(best.getDefiningOp());
      best = best.getDefiningOp()->getOperand(0);
    }
    auto topK = pattern.take<onnx::TopKOp>(best);
    if (!topK || best != topK.getValues() || !topK.getLargest() ||
        !isLastAxis(raising, topK.getAxis(), best))
      return pattern.fail(op, "the ranks of groups are no sums of the largest");
    if (!raising.dims(best).back().isConstant(2))
      return pattern.fail(topK, "the rank of a group is the sum of its " +
                                    raising.dims(best).back().str() +
                                    " largest");
    match.groupScore = GroupScore::SumTop2;
    parts = topK.getX();
  } else {
    return pattern.fail(op ? op : choice.getDefiningOp(),
                        "the ranks of groups are neither a maximum nor a sum "
                        "of two");
  }
  ArrayRef<SymbolicExpression> dims = raising.dims(parts);
  int64_t experts = *raising.staticDim(choice, raising.rank(choice) - 1);
  if (dims.size() < 2 || !dims[dims.size() - 2].isConstant(match.groups) ||
      !dims.back().isConstant(experts / match.groups) ||
      !raising.dims(ranks).back().isConstant(match.groups))
    return pattern.fail(op, "the ranks are not of the groups that are masked");
  if (pattern.takeViews(parts) != choice)
    return pattern.fail(op, "the ranks of groups are not of what experts are "
                            "chosen by");
  return true;
}

/// What masks the scores of groups, perhaps as [.., G, E/G] under [.., E]; null
/// where nothing does.
Operation *RouterMatcher::findMask(Value data) {
  while (auto reshape = producer<onnx::ReshapeOp>(data))
    data = reshape->getOperand(0);
  Operation *op = data.getDefiningOp();
  if (isa_and_nonnull<onnx::WhereOp>(op))
    return op;
  auto isMask = [](Value value) {
    while (isa_and_nonnull<onnx::CastOp, onnx::ReshapeOp, onnx::ExpandOp>(
        value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    return static_cast<bool>(producer<onnx::ScatterElementsOp>(value));
  };
  return isa_and_nonnull<onnx::MulOp>(op) &&
                 llvm::any_of(op->getOperands(), isMask)
             ? op
             : nullptr;
}

/// masked = where(mask, choice, value), where(dropped, value, choice) or choice
/// * mask; gives the choice before it.
Value RouterMatcher::takeMasked(Operation *op, Value data, Masking &masking) {
  pattern.takeViews(data);
  pattern.add(op);
  if (isa<onnx::MulOp>(op)) {
    masking.value = 0;
    matchEitherOrder(op, [&](Value choice, Value mask) {
      masking.choice = choice;
      masking.mask = mask;
      Value source = mask;
      while (isa_and_nonnull<onnx::CastOp, onnx::ReshapeOp, onnx::ExpandOp>(
          source.getDefiningOp()))
        source = source.getDefiningOp()->getOperand(0);
      return static_cast<bool>(producer<onnx::ScatterElementsOp>(source));
    });
  } else {
    masking.mask = op->getOperand(0);
    masking.value = constantNumber(op->getOperand(2));
    masking.choice = op->getOperand(1);
    if (std::optional<double> dropped = constantNumber(masking.choice);
        dropped && !masking.value) {
      masking = {masking.mask, op->getOperand(2), dropped, /*keeps=*/false};
    }
  }
  return pattern.takeViews(masking.choice);
}

/// The groups that `op` masks; `choice` is what experts are chosen by.
bool RouterMatcher::takeGroups(Operation *op, Value choice,
                               const Masking &masking) {
  int64_t experts = *raising.staticDim(choice, raising.rank(choice) - 1);
  ArrayRef<SymbolicExpression> dims = raising.dims(op->getResult(0)),
                               maskDims = raising.dims(masking.mask);
  int64_t grouped = 0;
  if (!dims.back().isConstant(experts) || maskDims.back().isConstant(1)) {
    if (dims.size() < 2 || dims.size() != maskDims.size() ||
        dims.drop_back() != maskDims.drop_back() ||
        !maskDims.back().isConstant(1))
      return pattern.fail(op, "the mask of groups is not repeated for each "
                              "expert of a group");
    grouped = dims[dims.size() - 2].getConstant().value_or(0);
    if (grouped < 1 ||
        !(dims.back() * SymbolicExpression(dims[dims.size() - 2]))
             .isConstant(experts))
      return false;
  }
  onnx::TopKOp groups;
  if (!takeMask(masking.mask, masking.keeps, grouped, groups, experts))
    return false;
  std::optional<double> value = masking.value;
  if (!value)
    return pattern.fail(op, "the masked value is not known");
  if (*value == 0)
    match.maskedScore = MaskedScore::Zero;
  else if (std::isinf(*value) && *value < 0)
    match.maskedScore = MaskedScore::NegativeInfinity;
  else
    return pattern.fail(op, "the masked value is " + std::to_string(*value));
  std::optional<int64_t> kept = raising.staticDim(
      groups.getIndices(), raising.rank(groups.getIndices()) - 1);
  if (!kept)
    return pattern.fail(groups, "the number of kept groups is not known");
  match.kept = *kept;
  if (!takeGroupScores(groups.getX(), choice))
    return false;
  if (match.kept * (experts / match.groups) < match.k)
    return pattern.fail(groups, "the kept groups hold fewer experts than are "
                                "chosen");
  return true;
}
