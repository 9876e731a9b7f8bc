// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-attention: softmax(mask(cap(scale * Q K^T))) V, and the Attention
// operator, become trine.attention.
//
// Anchored on Softmax. From its only consumer, the product with V, everything
// is seen from the indices (batch..., row, column) of that product back to the
// product Q K^T; scales, caps, masks and casts are collected on the way.
#include "RaiseAttention.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEATTENTION
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

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
             onnx::SliceOp, onnx::UnsqueezeOp, onnx::SqueezeOp>(user))
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
  row = productRow = space.addDim(dims[dims.size() - 2]);
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
      bool isLonger = scores.index[axis].dependsOn(column) &&
                      raising.dims(view->value)[axis] != space.extent(column);
      for (auto [i, at] : llvm::enumerate(scores.index)) {
        bool isColumn = static_cast<int64_t>(i) == axis;
        bool isUnit = raising.dims(view->value)[i].isConstant(1);
        if (isColumn && !isUnit && !isLonger && at.getPlainDim() != column)
          return fail(softmax, "the softmax goes along axis " + Twine(axis) +
                                   ", which is not what the product with the "
                                   "values sums over");
        if (!isColumn && !isUnit && at.dependsOn(column))
          return fail(softmax, "the softmax does not go along all columns");
      }
      if (isLonger)
        return readSinks(softmax, axis);
      return true;
    }
    Operation *op = view->value.getDefiningOp();
    if (!op)
      return false;
    matched.push_back(op);
    if (isa<onnx::CastOp>(op)) {
      if (!isFloat(op->getOperand(0)))
        return false;
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
bool AttentionMatch::leadsToProduct(Value start) {
  constexpr size_t mostValues = 256;
  SmallVector<Value> waiting = {start};
  llvm::DenseSet<Value> seen;
  while (!waiting.empty() && seen.size() < mostValues) {
    Value value = waiting.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || !isFloat(value) || !seen.insert(value).second)
      continue;
    if (isa<onnx::MatMulOp>(op))
      return true;
    if (isa<onnx::ConcatOp, onnx::AddOp, onnx::SubOp>(op)) {
      llvm::append_range(waiting, op->getOperands());
    } else if (isa<onnx::WhereOp>(op)) {
      waiting.push_back(constantNumber(op->getOperand(1)) ? op->getOperand(2)
                                                          : op->getOperand(1));
    } else if (isa<onnx::MulOp, onnx::DivOp>(op)) {
      if (std::optional<NumberOperand> parts = splitNumber(op))
        waiting.push_back(parts->other);
    } else if (isa<onnx::CastOp, onnx::TanhOp, onnx::ReshapeOp,
                   onnx::TransposeOp, onnx::UnsqueezeOp, onnx::SqueezeOp>(op)) {
      waiting.push_back(op->getOperand(0));
    }
  }
  return false;
}

bool AttentionMatch::goToScoreProduct(onnx::SoftmaxOp softmax) {
  matched.push_back(softmax);
  std::optional<View> view =
      sinks ? scores : space.broadcast(softmax->getOperand(0), scores.index);
  int64_t axis = raising.normalAxis(softmax.getAxis(), softmax->getResult(0));
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
        return fail(op, "the scores are no product");
      view = at(op->getOperand(0));
      continue;
    }
    if (Value shifted =
            afterMask || !terms.empty() ? Value() : takeShift(op, axis)) {
      view = at(shifted);
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
        // No test: a sum has the sizes of the scores.
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
        // No test: what is chosen has the sizes of the scores.
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
  joinProducts(softmax);
  if (!goToSoftmax(softmax) || !goToScoreProduct(softmax) || !sortDims() ||
      !readRowGuard())
    return fail(softmax, "the weights are laid out in another way");
  if (Operation *user = raising.findOutsideUse(matched, result))
    return fail(user, "scores or weights are used elsewhere");

  Type type = getElementTypeOrSelf(valueProduct->getOperand(1).getType());
  if (!isa<FloatType>(type) || getElementTypeOrSelf(result.getType()) != type)
    // No test: a product has the type of its operands.
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
  Value sink;
  if (sinks) {
    // A row without keys has its sink alone, which adds nothing.
    plan.maskedRow = MaskedRow::Zero;
    sink = space.materialize(before, *sinks, {batchDims, heads, {row}});
    if (!sink || type.isF64())
      return fail(softmax, "the attention sinks are f64, or no tensor of "
                           "heads");
  }
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
  if (!llvm::all_of(ArrayRef<Value>{q, k, v}, [&](Value tensor) {
        return raising.dims(tensor)[1].isConstant();
      }))
    return fail(scoreProduct, "the number of heads is not a number");

  AttentionOp attention = build(before, q, k, v, plan);
  Value output = attention.getOutput();
  if (sink)
    output = addSinks(before, attention, sink);
  // Rows before heads, as the products have them.
  if (hasSwappedRows)
    output = raising.transpose(before, output, {0, 2, 1, 3});
  Value replacement = space.reshapeTo(before, output, raising.dims(result));
  if (!replacement)
    // No test: they are those of the operands.
    return fail(valueProduct, "the output's sizes are unknown");
  raising.replace(result, replacement, attention, sinks ? kSinks : kDecomposed,
                  matched);
  return true;
}

namespace {
struct RaiseAttention
    : RaisingPass<trine::impl::TrineRaiseAttentionBase<RaiseAttention>> {
  void raise(Raising &raising) override {
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
