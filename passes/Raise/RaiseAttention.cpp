// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-attention: softmax(mask(cap(scale * Q K^T))) V, and the Attention
// operator, become trine.attention.
//
// Anchored on Softmax. From its only consumer, the product with V, everything
// is seen from the indices (batch..., row, column) of that product back to the
// product Q K^T; scales, caps, masks and casts are collected on the way.
#include "MaskAnalysis.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_RAISEATTENTION
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

/// What a match has to say about masking.
struct MaskPlan {
  MaskKind kind = MaskKind::None;
  MaskedRow maskedRow = MaskedRow::NaN;
  Value mask, offset;
};

/// A mask met between scores and softmax.
struct MaskTerm {
  /// Added to the scores, if set; else scores are replaced by `fill` where
  /// `keep` does not hold.
  std::optional<View> added;
  std::optional<Condition> keep;
  double fill = 0;
  Operation *op = nullptr;
};

/// Names of forms: rows of docs/forms.md.
constexpr StringLiteral kDecomposed = "attention-decomposed",
                        kOperator = "attention-operator";

class AttentionMatch {
public:
  AttentionMatch(Raising &raising, Operation *anchor)
      : raising(raising), space(raising), masks(space), anchor(anchor) {}

  bool matchSoftmax(onnx::SoftmaxOp softmax);
  bool matchOperator(onnx::AttentionOp op);
  /// The first condition that failed, once it looked like attention.
  NearMiss miss;
  bool isNear = false;

private:
  bool fail(Operation *node, const Twine &reason) {
    if (miss.reason.empty())
      miss = {node, reason.str()};
    return false;
  }
  bool findValueProduct(onnx::SoftmaxOp softmax);
  bool goToSoftmax(onnx::SoftmaxOp softmax);
  bool goToScoreProduct(onnx::SoftmaxOp softmax);
  bool leadsToProduct(Value value);
  bool takeScores(View view, Operation *op);
  bool readRowGuard();
  bool sortDims();
  /// The earliest tensor that holds a factor of the product in a usable order;
  /// scales on the way go into `scale`.
  View walkBack(View view, ArrayRef<unsigned> order, Type type);
  bool planMask(MaskPlan &plan, Operation *before);
  Value additiveOf(const Condition &keep, Operation *before);
  /// The mask's values in an order that broadcasts to [B, H, S, T].
  Value maskOperand(const View &view, Operation *before);

  Raising &raising;
  IndexSpace space;
  MaskAnalysis masks;
  Operation *anchor;

  SmallVector<Operation *> matched;
  Operation *valueProduct = nullptr, *scoreProduct = nullptr;
  Value result;
  double scale = 1, softCap = 0;
  SmallVector<MaskTerm, 1> terms;
  std::optional<Condition> rowGuard;
  bool nanGuard = false;
  /// The scores' view, while going back.
  View scores;
  unsigned row = 0, column = 0, valueColumn = 0, summed = 0;
  SmallVector<unsigned> outer;
  SmallVector<unsigned> batchDims, keyHeadDims, sharedDims;
};

} // namespace

/// The only op that uses `value`.
static Operation *onlyUser(Value value) {
  if (value.use_empty() || !llvm::all_equal(value.getUsers()))
    return nullptr;
  return *value.getUsers().begin();
}

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

static std::string describe(double number) {
  SmallString<24> text;
  APFloat(number).toString(text, /*FormatPrecision=*/6);
  return text.str().str();
}

//===----------------------------------------------------------------------===//
// From the softmax on to the product with V
//===----------------------------------------------------------------------===//

bool AttentionMatch::findValueProduct(onnx::SoftmaxOp softmax) {
  Value weights = softmax->getResult(0);
  for (unsigned steps = 0; steps < 8; ++steps) {
    // The product comes first; where others use the weights too, that is seen
    // later. In where(isnan(w), 0, w) there are two users.
    Operation *user = nullptr;
    for (Operation *each : weights.getUsers()) {
      if (isa<onnx::MatMulOp>(each) && each->getOperand(0) == weights) {
        user = each;
        break;
      }
      if (!user && !isa<onnx::IsNaNOp>(each) &&
          !each->hasTrait<OpTrait::IsTerminator>())
        user = each;
    }
    if (!user)
      return false;
    if (isa<onnx::MatMulOp>(user)) {
      if (user->getOperand(0) != weights)
        return false;
      valueProduct = user;
      return true;
    }
    if (!isa<onnx::CastOp, onnx::ReshapeOp, onnx::TransposeOp, onnx::WhereOp,
             onnx::UnsqueezeOp, onnx::SqueezeOp>(user))
      return false;
    weights = user->getResult(0);
  }
  return false;
}

/// From the product with V, whose left side is seen as weights[..., row,
/// column], back to the softmax.
bool AttentionMatch::goToSoftmax(onnx::SoftmaxOp softmax) {
  ArrayRef<SymbolicExpression> dims = raising.dims(valueProduct->getResult(0));
  SmallVector<AffineIndex> index;
  for (SymbolicExpression size : dims.drop_back(2)) {
    outer.push_back(space.addDim(size));
    index.push_back(space.plain(outer.back()));
  }
  Value weights = valueProduct->getOperand(0);
  row = space.addDim(dims[dims.size() - 2]);
  valueColumn = space.addDim(dims.back());
  column = space.addDim(raising.dims(weights).back());
  index.append({space.plain(row), space.plain(column)});
  std::optional<View> view = space.broadcast(weights, index);
  matched.push_back(valueProduct);
  for (unsigned steps = 0; view && steps < 8; ++steps) {
    if (view->value == softmax->getResult(0)) {
      scores = space.normalize(*view);
      // The softmax must go along the summed columns.
      int64_t axis = raising.normalAxis(softmax.getAxis(), view->value);
      for (auto [i, at] : llvm::enumerate(scores.index)) {
        bool isColumn = static_cast<int64_t>(i) == axis;
        bool isUnit = raising.dims(view->value)[i].isConstant(1);
        if (isColumn && !isUnit && at.getPlainDim() != column)
          return fail(softmax, "the softmax goes along axis " + Twine(axis) +
                                   ", which is not what the product with the "
                                   "values sums over");
        if (!isColumn && !isUnit && at.dependsOn(column))
          return fail(softmax, "the softmax does not go along all columns");
      }
      if (raising.dims(view->value)[axis] != space.extent(column))
        return fail(softmax, "the softmax goes along a part of the columns");
      return true;
    }
    Operation *op = view->value.getDefiningOp();
    if (!op)
      return false;
    matched.push_back(op);
    if (isa<onnx::CastOp>(op)) {
      view = space.broadcast(op->getOperand(0), view->index);
      continue;
    }
    if (isa<onnx::WhereOp>(op)) {
      // where(isnan(w), 0, w)
      auto isNaN = producer<onnx::IsNaNOp>(op->getOperand(0));
      if (!isNaN || isNaN->getOperand(0) != op->getOperand(2) ||
          !isConstantNumber(op->getOperand(1), 0))
        return fail(op, "the weights are chosen by a condition that is not "
                        "'is NaN'");
      nanGuard = true;
      matched.push_back(isNaN);
      view = space.broadcast(op->getOperand(2), view->index);
      continue;
    }
    view = space.back(*view);
  }
  return false;
}

//===----------------------------------------------------------------------===//
// From the softmax back to Q K^T
//===----------------------------------------------------------------------===//

/// Whether a product is behind `value`, through what lies between scores and
/// softmax.
bool AttentionMatch::leadsToProduct(Value value) {
  for (unsigned steps = 0; steps < 16; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!op || !isFloat(value))
      return false;
    if (isa<onnx::MatMulOp>(op))
      return true;
    if (isa<onnx::AddOp, onnx::SubOp>(op)) {
      if (leadsToProduct(op->getOperand(0)))
        return true;
      value = op->getOperand(1);
      continue;
    }
    if (isa<onnx::WhereOp>(op)) {
      value = constantNumber(op->getOperand(1)) ? op->getOperand(2)
                                                : op->getOperand(1);
      continue;
    }
    if (isa<onnx::MulOp, onnx::DivOp>(op)) {
      std::optional<NumberOperand> parts = splitNumber(op);
      if (!parts)
        return false;
      value = parts->other;
      continue;
    }
    if (!isa<onnx::CastOp, onnx::TanhOp, onnx::ReshapeOp, onnx::TransposeOp,
             onnx::UnsqueezeOp, onnx::SqueezeOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

bool AttentionMatch::goToScoreProduct(onnx::SoftmaxOp softmax) {
  matched.push_back(softmax);
  std::optional<View> view =
      space.broadcast(softmax->getOperand(0), scores.index);
  // Going back: masks, then the cap, then the scale.
  bool afterMask = false;
  for (unsigned steps = 0; view && steps < 24; ++steps) {
    Operation *op = view->value.getDefiningOp();
    if (!op)
      return fail(softmax, "the scores are no product");
    matched.push_back(op);
    auto at = [&](Value operand) {
      return space.broadcast(operand, view->index);
    };
    if (isa<onnx::MatMulOp>(op)) {
      scoreProduct = op;
      scores = space.normalize(*view);
      return true;
    }
    if (isa<onnx::CastOp>(op)) {
      if (!isFloat(op->getOperand(0)))
        return fail(op, "the scores are cast from integers");
      view = at(op->getOperand(0));
      continue;
    }
    if (isa<onnx::AddOp>(op)) {
      bool left = leadsToProduct(op->getOperand(0)),
           right = leadsToProduct(op->getOperand(1));
      if (left == right)
        return fail(op, left ? "two products are added"
                             : "the scores are no product");
      if (afterMask)
        return fail(op, "something is added to the scores before they are "
                        "scaled or capped");
      Value mask = op->getOperand(left ? 1 : 0);
      MaskTerm term;
      term.op = op;
      term.added = at(mask);
      if (!term.added)
        return fail(op, "the mask does not broadcast to the scores");
      terms.push_back(term);
      view = at(op->getOperand(left ? 0 : 1));
      continue;
    }
    if (isa<onnx::WhereOp>(op)) {
      std::optional<double> whenTrue = constantNumber(op->getOperand(1)),
                            whenFalse = constantNumber(op->getOperand(2));
      if (whenTrue.has_value() == whenFalse.has_value())
        return fail(op, "the scores are chosen, but not against a number");
      double fill = whenTrue ? *whenTrue : *whenFalse;
      if (!isMaskFill(fill))
        return fail(op, "masked scores become " + describe(fill) +
                            ", which is not low enough to vanish");
      if (afterMask)
        return fail(op, "scores are masked before they are scaled or capped");
      std::optional<View> condition = at(op->getOperand(0));
      if (!condition)
        return fail(op, "the mask does not broadcast to the scores");
      MaskTerm term;
      term.op = op;
      term.keep = masks.analyzeCondition(*condition);
      term.fill = fill;
      if (whenTrue) {
        term.keep->negated = !term.keep->negated;
        if (term.keep->margin)
          term.keep->margin =
              space.add(space.scale(*term.keep->margin, space.number(-1)),
                        space.constant(-1));
      }
      terms.push_back(term);
      view = at(op->getOperand(whenTrue ? 2 : 1));
      continue;
    }
    if (isa<onnx::MulOp, onnx::DivOp>(op)) {
      std::optional<NumberOperand> parts = splitNumber(op);
      if (!parts || (isa<onnx::DivOp>(op) && parts->other != op->getOperand(0)))
        return fail(op, "the scores are multiplied by something that is not a "
                        "number");
      afterMask = true;
      double factor = isa<onnx::DivOp>(op) ? 1 / parts->number : parts->number;
      auto tanh = producer<onnx::TanhOp>(parts->other);
      if (!tanh) {
        scale *= factor;
        view = at(parts->other);
        continue;
      }
      // cap * tanh(x / cap)
      Operation *inner = tanh->getOperand(0).getDefiningOp();
      std::optional<NumberOperand> divided =
          isa_and_nonnull<onnx::MulOp, onnx::DivOp>(inner) ? splitNumber(inner)
                                                           : std::nullopt;
      if (scale != 1 || softCap != 0 || !divided)
        return fail(tanh, "the hyperbolic tangent is no soft cap");
      matched.push_back(tanh);
      matched.push_back(inner);
      softCap = factor;
      double inverse =
          isa<onnx::DivOp>(inner) ? 1 / divided->number : divided->number;
      if (!(softCap > 0) ||
          (isa<onnx::DivOp>(inner) && divided->other != inner->getOperand(0)))
        return fail(inner, "the hyperbolic tangent is no soft cap");
      // The factor may have a scale in it.
      scale = inverse * softCap;
      if (std::abs(scale - 1) < 1e-6)
        scale = 1;
      view = at(divided->other);
      continue;
    }
    view = space.back(*view);
  }
  return fail(softmax, "the scores are no product of queries and keys");
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
  auto depends = [](const View &view, unsigned dim) {
    return llvm::any_of(view.index, [&](const AffineIndex &index) {
      return index.dependsOn(dim);
    });
  };
  SmallVector<unsigned> leaves;
  for (unsigned dim : outer)
    llvm::append_range(leaves, space.leaves(dim));
  for (unsigned dim : {row, column})
    if (space.leaves(dim).size() != 1)
      return fail(scoreProduct, "rows or columns are several dims");
  for (auto [i, dim] : llvm::enumerate(leaves)) {
    bool usedByKey = depends(keySource, dim),
         usedByValue = depends(valueSource, dim);
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
  index.append({space.plain(row), space.plain(valueColumn)});
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
  if (space.isInOrder(view,
                      [&] {
                        SmallVector<unsigned> order(batchDims);
                        llvm::append_range(order, keyHeadDims);
                        llvm::append_range(order, sharedDims);
                        order.append({row, column});
                        return order;
                      }()) &&
      raising.rank(view.value) <= 4 && keyHeadDims.size() <= 1 &&
      sharedDims.empty() && batchDims.size() + keyHeadDims.size() == 2)
    return view.value;
  SmallVector<unsigned> heads(keyHeadDims);
  llvm::append_range(heads, sharedDims);
  // A mask of a part of the heads' dims would not broadcast.
  unsigned present = 0;
  for (unsigned dim : heads)
    present += llvm::any_of(view.index, [&](const AffineIndex &index) {
      return index.dependsOn(dim);
    });
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
  plan.maskedRow = rowGuard || nanGuard ? MaskedRow::Zero
                   : isInfinite         ? MaskedRow::NaN
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
  if (!rowGuard && !nanGuard)
    plan.maskedRow = MaskedRow::NaN;
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

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

bool AttentionMatch::matchSoftmax(onnx::SoftmaxOp softmax) {
  if (!findValueProduct(softmax) || !leadsToProduct(softmax->getOperand(0)))
    return false;
  if (raising.rank(valueProduct->getResult(0)) < 2 ||
      raising.rank(valueProduct->getOperand(0)) < 2 ||
      raising.rank(valueProduct->getOperand(1)) < 2)
    return false;
  isNear = true;
  if (!goToSoftmax(softmax) || !goToScoreProduct(softmax) || !sortDims() ||
      !readRowGuard())
    return fail(softmax, "the weights are laid out in another way");
  if (Operation *user = raising.findOutsideUse(matched, result))
    return fail(user, "scores or weights are used elsewhere");

  Type type = getElementTypeOrSelf(valueProduct->getOperand(1).getType());
  if (!isa<FloatType>(type) || getElementTypeOrSelf(result.getType()) != type)
    return fail(valueProduct, "values are not of the output's type");
  SmallVector<unsigned> heads(keyHeadDims);
  llvm::append_range(heads, sharedDims);
  auto orderOf = [&](ArrayRef<unsigned> headDims,
                     std::initializer_list<unsigned> last) {
    SmallVector<unsigned> order(batchDims);
    llvm::append_range(order, headDims);
    order.append(last);
    return order;
  };
  size_t rank = scores.index.size();
  SmallVector<AffineIndex> outerIndex(ArrayRef(scores.index).drop_back(2));
  auto factor = [&](Value operand, AffineIndex first, AffineIndex second) {
    SmallVector<AffineIndex> index(outerIndex);
    index.append({first, second});
    return space.normalize(*space.broadcast(operand, index));
  };
  View query = walkBack(factor(scoreProduct->getOperand(0),
                               scores.index[rank - 2], space.plain(summed)),
                        orderOf(heads, {row, summed}), type);
  View key = walkBack(factor(scoreProduct->getOperand(1), space.plain(summed),
                             scores.index[rank - 1]),
                      orderOf(keyHeadDims, {column, summed}), type);
  SmallVector<AffineIndex> valueIndex;
  for (unsigned dim : outer)
    valueIndex.push_back(space.plain(dim));
  valueIndex.append({space.plain(column), space.plain(valueColumn)});
  double beforeValues = scale;
  View value = space.normalize(
      *space.broadcast(valueProduct->getOperand(1), valueIndex));
  View unscaled =
      walkBack(value, orderOf(keyHeadDims, {column, valueColumn}), type);
  if (scale != beforeValues) {
    // Values keep their factors.
    scale = beforeValues;
    while (std::optional<View> next = space.back(value)) {
      value = space.normalize(*next);
      if (space.isInOrder(value, orderOf(keyHeadDims, {column, valueColumn})))
        break;
    }
    value = space.normalize(
        *space.broadcast(valueProduct->getOperand(1), valueIndex));
  } else {
    value = unscaled;
  }

  for (const View *view : {&query, &key, &value})
    if (Type own = getElementTypeOrSelf(view->value.getType()); own != type) {
      std::string text;
      llvm::raw_string_ostream(text)
          << "queries, keys and values are of several types, " << own << " and "
          << type;
      return fail(scoreProduct, text);
    }

  Operation *before = valueProduct;
  MaskPlan plan;
  if (!planMask(plan, before))
    return false;
  Value q =
      space.materialize(before, query, {batchDims, heads, {row}, {summed}});
  Value k = space.materialize(before, key,
                              {batchDims, keyHeadDims, {column}, {summed}});
  Value v = space.materialize(
      before, value, {batchDims, keyHeadDims, {column}, {valueColumn}});
  auto isWhole = [&](Value tensor, ArrayRef<unsigned> dims, int64_t axis) {
    return raising.dims(tensor)[axis] == space.sizeOf(dims);
  };
  if (!q || !k || !v)
    return fail(scoreProduct, "queries, keys or values are laid out in a way "
                              "that is no tensor of heads");
  if (!isWhole(k, batchDims, 0) || !isWhole(v, batchDims, 0) ||
      !isWhole(k, keyHeadDims, 1) || !isWhole(v, keyHeadDims, 1) ||
      !isWhole(q, batchDims, 0) || !isWhole(q, heads, 1))
    return fail(scoreProduct, "keys and values do not have the same heads");

  ImplicitLocOpBuilder builder = raising.builderBefore(before);
  auto sizes = [&](Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getShape();
  };
  SmallVector<int64_t> rows(sizes(q).drop_back()), output(rows);
  output.push_back(sizes(v).back());
  auto attention = AttentionOp::create(
      builder, RankedTensorType::get(output, type),
      RankedTensorType::get(rows, builder.getF32Type()), q, k, v, plan.mask,
      plan.offset, APFloat(scale), plan.kind, plan.maskedRow,
      softCap > 0 ? builder.getF64FloatAttr(softCap) : FloatAttr());
  (void)raising.visit(attention);
  Value replacement =
      space.reshapeTo(before, attention.getOutput(), raising.dims(result));
  if (!replacement)
    return fail(valueProduct, "the output's sizes are unknown");
  raising.replace(result, replacement, attention, kDecomposed, matched);
  return true;
}

bool AttentionMatch::matchOperator(onnx::AttentionOp op) {
  isNear = true;
  auto isNone = [](Value value) { return isa<NoneType>(value.getType()); };
  if (!isNone(op.getNonpadKvSeqlen()))
    return fail(op,
                "'nonpad_kv_seqlen' gives each sequence a length of its own");
  if (!isNone(op.getQkMatmulOutput()) && !op.getQkMatmulOutput().use_empty())
    return fail(op, "scores or weights are used elsewhere");
  Type type = getElementTypeOrSelf(op.getQ().getType());
  for (Value value : {op.getK(), op.getV()})
    if (getElementTypeOrSelf(value.getType()) != type)
      return fail(op, "queries, keys and values are of several types");
  bool isFlat = raising.rank(op.getQ()) == 3,
       hasPast = !isNone(op.getPastKey());
  bool hasMask = !isNone(op.getAttnMask());
  if (op.getIsCausal() && hasMask)
    return fail(op, "it is causal and masked");
  // All that can fail comes before anything is built.
  auto headSize = [&](Value value,
                      std::optional<int64_t> heads) -> std::optional<int64_t> {
    if (!isFlat)
      return raising.dims(value)[3].getConstant();
    std::optional<int64_t> width = raising.dims(value)[2].getConstant();
    if (!width || !heads || *heads <= 0 || *width % *heads != 0)
      return std::nullopt;
    return *width / *heads;
  };
  std::optional<int64_t> queryHeads = op.getQNumHeads(),
                         keyHeads = op.getKvNumHeads(),
                         width = headSize(op.getQ(), queryHeads);
  if (!width || !headSize(op.getV(), keyHeads) ||
      !headSize(op.getK(), keyHeads))
    return fail(op, "the size of a head is not a number");
  scale = op.getScale() ? op.getScale()->convertToFloat()
                        : 1 / std::sqrt(static_cast<double>(*width));
  softCap = op.getSoftcap().convertToDouble();

  SymbolicExpression rows = raising.dims(op.getQ())[isFlat ? 1 : 2],
                     added = raising.dims(op.getK())[isFlat ? 1 : 2],
                     columns = added;
  if (hasPast)
    columns = raising.dims(op.getPastKey())[2] + added;
  outer.push_back(space.addDim(raising.dims(op.getQ())[0]));
  outer.push_back(space.addDim(isFlat ? space.number(*queryHeads)
                                      : raising.dims(op.getQ())[1]));
  batchDims = {outer[0]};
  keyHeadDims = {outer[1]};
  row = space.addDim(rows);
  column = space.addDim(columns);
  valueColumn = space.addDim(space.number(*headSize(op.getV(), keyHeads)));
  valueProduct = op;
  matched.push_back(op);
  if (!isFlat && !readRowGuard())
    return false;
  if (isFlat)
    result = op.getY();

  // Rows without a key give 0, but causal masks alone leave none.
  MaskPlan plan;
  plan.maskedRow = MaskedRow::Zero;
  if (op.getIsCausal()) {
    plan.kind = MaskKind::Causal;
    SymbolicExpression offset =
        hasPast ? raising.dims(op.getPastKey())[2] : space.number(0);
    if (offset != columns - rows) {
      plan.offset = masks.makeScalar(op, offset);
      if (!plan.offset)
        return fail(op, "the number of past keys is not an input's size");
    }
  } else if (hasMask) {
    SmallVector<AffineIndex> index = {space.plain(outer[0]),
                                      space.plain(outer[1]), space.plain(row),
                                      space.plain(column)};
    std::optional<View> view = space.broadcast(op.getAttnMask(), index);
    ArrayRef<SymbolicExpression> dims = raising.dims(op.getAttnMask());
    if (!view || dims.empty() ||
        (dims.back() != columns && !dims.back().isConstant(1)))
      return fail(op, "the mask is shorter than the keys");
    MaskTerm term;
    term.op = op;
    if (isFloat(op.getAttnMask())) {
      term.added = view;
    } else {
      term.keep = masks.analyzeCondition(*view);
      term.fill = -std::numeric_limits<double>::infinity();
    }
    terms.push_back(term);
    nanGuard = true;
    if (!planMask(plan, op))
      return false;
    if (terms[0].added && plan.kind == MaskKind::Causal)
      plan.maskedRow = rowGuard ? MaskedRow::Zero : MaskedRow::Uniform;
  }

  auto toHeads = [&](Value value, std::optional<int64_t> heads) {
    if (!isFlat)
      return value;
    ArrayRef<SymbolicExpression> dims = raising.dims(value);
    Value split = space.reshapeTo(op, value,
                                  {dims[0], dims[1], space.number(*heads),
                                   space.number(*headSize(value, heads))});
    return split ? raising.transpose(op, split, {0, 2, 1, 3}) : Value();
  };
  Value q = toHeads(op.getQ(), queryHeads), k = toHeads(op.getK(), keyHeads),
        v = toHeads(op.getV(), keyHeads);
  if (!q || !k || !v)
    return fail(op, "sizes are unknown");
  Builder attributes(raising.getContext());
  if (hasPast) {
    k = raising.concat(op, {op.getPastKey(), k}, 2);
    v = raising.concat(op, {op.getPastValue(), v}, 2);
  }
  ImplicitLocOpBuilder builder = raising.builderBefore(op);
  auto sizes = [&](Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getShape();
  };
  SmallVector<int64_t> lse(sizes(q).drop_back()), output(lse);
  output.push_back(sizes(v).back());
  auto attention = AttentionOp::create(
      builder, RankedTensorType::get(output, type),
      RankedTensorType::get(lse, builder.getF32Type()), q, k, v, plan.mask,
      plan.offset, APFloat(scale), plan.kind, plan.maskedRow,
      softCap > 0 ? builder.getF64FloatAttr(softCap) : FloatAttr());
  (void)raising.visit(attention);
  Value replacement = attention.getOutput();
  if (isFlat) {
    replacement = raising.transpose(op, replacement, {0, 2, 1, 3});
    replacement = space.reshapeTo(op, replacement, raising.dims(op.getY()));
    if (!replacement)
      return fail(op, "sizes are unknown");
  }
  SmallVector<Value> results = {result}, values = {replacement};
  for (auto [present, made] :
       {std::pair<Value, Value>(op.getPresentKey(), k),
        std::pair<Value, Value>(op.getPresentValue(), v)})
    if (!isNone(present)) {
      results.push_back(present);
      values.push_back(made);
    }
  raising.replace(results, values, attention, kOperator, matched);
  return true;
}

namespace {
struct RaiseAttention : public trine::impl::RaiseAttentionBase<RaiseAttention> {
  void runOnOperation() override {
    Raising raising(getOperation(), getArgument(), getAnalysis<RaisingState>());
    markAnalysesPreserved<RaisingState>();
    if (!raising.isValid())
      return signalPassFailure();
    auto finish = [&](AttentionMatch &match, Operation *op, bool done) {
      if (done) {
        ++numRaised;
      } else if (match.isNear) {
        ++numMissed;
        raising.missed(op, "attention", match.miss);
      }
    };
    for (auto op : raising.opsOf<onnx::SoftmaxOp>()) {
      if (!Raising::isLinked(op))
        continue;
      AttentionMatch match(raising, op);
      bool done = match.matchSoftmax(op);
      finish(match, op, done);
    }
    for (auto op : raising.opsOf<onnx::AttentionOp>()) {
      if (!Raising::isLinked(op))
        continue;
      AttentionMatch match(raising, op);
      bool done = match.matchOperator(op);
      finish(match, op, done);
    }
  }
};
} // namespace
