// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-router: what chooses experts and weighs them becomes
// trine.moe.route.
#include "RaiseRouter.h"

#include "mlir/Support/DebugStringHelper.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEROUTER
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// More experts than any router has: what is longer is a vocabulary.
static constexpr int64_t kMaximumExperts = 4096;

/// The x of softplus(x), or of where(x > c, x, softplus(x)) with a c beyond
/// which both are the same number; null for other values.
Value RouterMatcher::takeSoftplus(Value value) {
  if (auto softplus = pattern.take<onnx::SoftplusOp>(value))
    return softplus->getOperand(0);
  auto where = producer<onnx::WhereOp>(value);
  auto greater =
      where ? producer<onnx::GreaterOp>(where->getOperand(0)) : nullptr;
  auto softplus =
      where ? producer<onnx::SoftplusOp>(where->getOperand(2)) : nullptr;
  if (!greater || !softplus)
    return Value();
  Value logits = softplus->getOperand(0);
  std::optional<double> limit = constantNumber(greater->getOperand(1));
  Type type = getElementTypeOrSelf(value.getType());
  if (type.isF64() || !limit || *limit < 16 ||
      greater->getOperand(0) != logits || where->getOperand(1) != logits)
    return Value();
  for (Operation *op :
       {where.getOperation(), greater.getOperation(), softplus.getOperation()})
    pattern.add(op);
  return logits;
}

/// The scoring function that gives `value`; its logits.
bool RouterMatcher::takeScores(Value value) {
  scores = value;
  if (auto sigmoid = pattern.take<onnx::SigmoidOp>(value)) {
    match.scoring = Scoring::Sigmoid;
    match.logits = sigmoid->getOperand(0);
  } else if (auto softmax = producer<onnx::SoftmaxOp>(value);
             softmax && isLastAxis(raising, softmax.getAxis(), value)) {
    pattern.add(softmax);
    match.scoring = Scoring::Softmax;
    match.logits = softmax->getOperand(0);
  } else if (auto root = producer<onnx::SqrtOp>(value)) {
    Value logits = takeSoftplus(root->getOperand(0));
    if (!logits)
      return false;
    pattern.add(root);
    match.scoring = Scoring::SqrtSoftplus;
    match.logits = logits;
  } else {
    return false;
  }
  return true;
}

/// choice = scores + bias, with a bias per expert; gives the scores.
Value RouterMatcher::takeBias(Value value) {
  auto add = producer<onnx::AddOp>(value);
  if (!add)
    return value;
  int64_t experts = raising.dims(value).back().getConstant().value_or(-1);
  for (unsigned i : {1u, 0u}) {
    Value bias = add->getOperand(i), other = add->getOperand(1 - i);
    ArrayRef<SymbolicExpression> dims = raising.dims(bias);
    bool isRow = !dims.empty() && dims.back().isConstant(experts) &&
                 llvm::all_of(dims.drop_back(), [](SymbolicExpression size) {
                   return size.isConstant(1);
                 });
    if (!isRow || raising.dims(other) != raising.dims(value))
      continue;
    pattern.add(add);
    match.bias = bias;
    return other;
  }
  return value;
}

/// From the chosen scores on: softmax, renormalisation, scale.
bool RouterMatcher::takeWeights(Value chosen) {
  match.weights = chosen;
  // The sum of the chosen, and what divides by it.
  auto divisionBy = [&](Value numerator) -> Operation * {
    for (Operation *user : numerator.getUsers())
      if (isa<onnx::DivOp>(user) && user->getOperand(0) == numerator)
        return user;
    return nullptr;
  };
  auto stripCasts = [&](Value value) {
    Value inner = skipFloatCasts(value);
    for (; value != inner; value = value.getDefiningOp()->getOperand(0))
      pattern.add(value.getDefiningOp());
    return inner;
  };
  auto takeDenominator = [&](Value value) {
    if (!raising.isOnePerRow(value, chosen))
      return false;
    size_t mark = pattern.mark();
    double epsilon = 0;
    value = pattern.takeViews(value);
    if (auto add = producer<onnx::AddOp>(value))
      if (std::optional<NumberOperand> parts = splitNumber(add)) {
        pattern.add(add);
        epsilon = parts->number;
        value = pattern.takeViews(parts->other);
      }
    // A sum of 16-bit numbers in f32 is rounded once, as it is without casts.
    value = stripCasts(value);
    auto sum = pattern.take<onnx::ReduceSumOp>(value);
    if (sum && stripCasts(sum->getOperand(0)) == chosen &&
        reducesAxis(raising, sum, -1) && epsilon >= 0) {
      match.epsilon = epsilon;
      return true;
    }
    pattern.rollback(mark);
    return false;
  };
  auto takeScale = [&](Value value) -> Operation * {
    for (Operation *user : value.getUsers())
      if (isa<onnx::MulOp>(user))
        if (std::optional<NumberOperand> parts = splitNumber(user);
            parts && parts->other == value)
          return user;
    return nullptr;
  };
  if (Operation *division = divisionBy(chosen)) {
    if (takeDenominator(division->getOperand(1))) {
      pattern.add(division);
      match.renormalize = true;
      match.weights = division->getResult(0);
    }
  } else if (Operation *mul = takeScale(chosen)) {
    Operation *division = divisionBy(mul->getResult(0));
    if (division && takeDenominator(division->getOperand(1))) {
      pattern.add(mul);
      pattern.add(division);
      match.renormalize = true;
      match.scale = splitNumber(mul)->number;
      match.scalePosition = ScalePosition::BeforeDivision;
      match.weights = division->getResult(0);
      return true;
    }
  }
  // The scale comes last and alone.
  if (Operation *mul = takeScale(match.weights);
      mul && match.weights.hasOneUse()) {
    pattern.add(mul);
    match.scale = splitNumber(mul)->number;
    match.weights = mul->getResult(0);
  }
  return true;
}

/// The sigmoids or the softmax of the chosen logits, where nothing else reads
/// these; null for other values.
Value RouterMatcher::takeScoresOfChosen(Value chosen) {
  Operation *user = onlyUser(chosen);
  if (!user || raising.rank(chosen) < 2)
    return Value();
  auto cast = dyn_cast<onnx::CastOp>(user);
  if (cast && skipWideningCasts(cast->getResult(0)) == chosen)
    user = onlyUser(cast->getResult(0));
  else
    cast = nullptr;
  if (auto sigmoid = dyn_cast_or_null<onnx::SigmoidOp>(user)) {
    if (cast)
      pattern.add(cast);
    pattern.add(sigmoid);
    match.scoring = Scoring::SigmoidTopK;
    return sigmoid->getResult(0);
  }
  auto softmax = dyn_cast_or_null<onnx::SoftmaxOp>(user);
  if (cast || !softmax || !isLastAxis(raising, softmax.getAxis(), chosen))
    return Value();
  pattern.add(softmax);
  match.scoring = Scoring::SoftmaxTopK;
  return softmax->getResult(0);
}

/// What is read at the chosen ids.
SmallVector<onnx::GatherElementsOp> RouterMatcher::gathersByChoice() {
  SmallVector<onnx::GatherElementsOp> gathers;
  for (Operation *user : match.ids.getUsers())
    if (auto op = dyn_cast<onnx::GatherElementsOp>(user);
        op && op->getOperand(1) == match.ids)
      gathers.push_back(op);
  return gathers;
}

/// A gather along the experts.
bool RouterMatcher::takeGather(onnx::GatherElementsOp gather) {
  if (!isLastAxis(raising, gather.getAxis(), gather->getOperand(0)))
    return pattern.fail(gather, "the weights are gathered along axis " +
                                    Twine((int64_t)gather.getAxis()));
  pattern.add(gather);
  return true;
}

/// Logits that are gathered by a choice among `data`: these, or what they are
/// without a bias.
bool RouterMatcher::takeGathered(onnx::GatherElementsOp gather, Value data,
                                 Value weights) {
  match.logits = gather->getOperand(0);
  if (match.logits != data && takeBias(data) != match.logits)
    return pattern.fail(gather, "the weights are not gathered from the logits");
  // The op adds a bias in f32, unless all of it is rounded.
  Type type = getElementTypeOrSelf(data.getType());
  if (match.bias && type != getElementTypeOrSelf(weights.getType()))
    return pattern.fail(gather, "the bias is added in " + debugString(type));
  match.isGathered = true;
  return takeGather(gather);
}

bool RouterMatcher::matchTopK(onnx::TopKOp topK) {
  Value data = topK.getX();
  std::optional<int64_t> experts =
      raising.rank(data) < 1 ? std::nullopt
                             : raising.staticDim(data, raising.rank(data) - 1);
  std::optional<int64_t> k =
      experts ? raising.staticDim(topK.getIndices(), raising.rank(data) - 1)
              : std::nullopt;
  if (!topK.getLargest() || !k || *experts > kMaximumExperts || *k < 1 ||
      !isLastAxis(raising, topK.getAxis(), data) ||
      !isa<FloatType>(getElementTypeOrSelf(data.getType())) ||
      topK.getIndices().use_empty())
    return false;
  pattern.add(topK);
  match.k = *k;
  match.ids = topK.getIndices();
  if (Value weights = takeScoresOfChosen(topK.getValues())) {
    match.logits = data;
    return takeWeights(weights);
  }
  SmallVector<onnx::GatherElementsOp> gathers = gathersByChoice();
  if (topK.getValues().use_empty() && gathers.size() == 1)
    if (Value weights = takeScoresOfChosen(gathers[0]->getResult(0)))
      return takeGathered(gathers[0], data, weights) && takeWeights(weights);
  Value choice = data;
  Masking masking;
  Operation *masked = findMask(data);
  if (masked)
    choice = takeMasked(masked, data, masking);
  if (!takeScores(takeBias(choice)))
    return false;
  // From here on it looks like a router.
  if (masked && !takeGroups(masked, choice, masking))
    return pattern.fail(masked,
                        "the choice is masked by something else than groups");
  // The weights: the scores, or the values of the choice.
  if (gathers.size() > 1)
    return pattern.fail(gathers[1], "two values are gathered by the choice");
  if (!gathers.empty()) {
    onnx::GatherElementsOp gather = gathers.front();
    if (gather->getOperand(0) != scores)
      return pattern.fail(gather, "the weights are not gathered from the "
                                  "scores");
    if (!takeGather(gather))
      return false;
    if (!topK.getValues().use_empty())
      return pattern.fail(topK, "the values of the choice are used too");
    return takeWeights(gather->getResult(0));
  }
  if (topK.getValues().use_empty())
    return pattern.fail(topK, "the choice gives no weights");
  match.fromChoice = match.bias || masked;
  return takeWeights(topK.getValues());
}

bool RouterMatcher::matchTable(onnx::GatherElementsOp gather) {
  if (!isLastAxis(raising, gather.getAxis(), gather->getOperand(0)) ||
      raising.rank(gather->getOperand(0)) != 2)
    return false;
  Value ids = gather->getOperand(1), value = ids;
  // Table rows may be reshaped to [N, k].
  SmallVector<Operation *> views;
  while (auto reshape = producer<onnx::ReshapeOp>(value)) {
    views.push_back(reshape);
    value = reshape->getOperand(0);
  }
  Operation *rows = value.getDefiningOp();
  auto byTuples = dyn_cast_or_null<onnx::GatherNDOp>(rows);
  bool byRows = byTuples
                    ? byTuples.getBatchDims() == 0 &&
                          raising.dims(rows->getOperand(1)).back().isConstant(1)
                    : isa_and_nonnull<onnx::GatherOp>(rows) &&
                          cast<onnx::GatherOp>(rows).getAxis() == 0;
  if (!byRows || !isWeight(rows->getOperand(0)) ||
      raising.rank(rows->getOperand(0)) != 2 ||
      !getElementTypeOrSelf(value.getType()).isInteger(64) ||
      !takeScores(gather->getOperand(0)))
    return false;
  std::optional<int64_t> k = raising.staticDim(rows->getOperand(0), 1);
  if (!k || !raising.dims(ids).back().isConstant(*k))
    return false;
  auto rowsOf = [&](Value value) {
    SymbolicExpression count = raising.dims(value).front();
    for (SymbolicExpression size : raising.dims(value).drop_front().drop_back())
      count = count * size;
    return count;
  };
  if (rowsOf(ids) != rowsOf(scores))
    return pattern.fail(rows, "it has ids of " + rowsOf(ids).str() +
                                  " tokens and scores of " +
                                  rowsOf(scores).str());
  for (Operation *view : views)
    pattern.add(view);
  pattern.add(rows);
  pattern.add(gather);
  match.k = *k;
  match.ids = ids;
  match.table = rows->getOperand(0);
  match.tokenIds = rows->getOperand(1);
  for (Operation *user : ids.getUsers())
    if (user->getBlock() == gather->getBlock() && user->isBeforeInBlock(gather))
      return pattern.fail(user, "the ids are used before the scores are known");
  return takeWeights(gather->getResult(0));
}

bool RouterMatcher::raise(Operation *before, StringRef form) {
  Type f32 = Float32Type::get(raising.getContext());
  Type scoreType = getElementTypeOrSelf(match.weights.getType());
  if (!scoreType.isF32() && !scoreType.isF16() && !scoreType.isBF16())
    return pattern.fail(before, "its scores are neither f32 nor of 16 bits");
  match.rounded = scoreType != f32;
  Value results[] = {match.ids, match.weights};
  if (Operation *user = pattern.findOutsideUse(results))
    return pattern.fail(user, "a value inside of it is used here");
  auto flatten = [&](Value value, int64_t columns) {
    if (raising.rank(value) == 2)
      return value;
    return raising.reshape(before, value, {-1, columns});
  };
  // Steps are rounded to the type of the logits.
  Value logits = match.rounded ? match.logits : skipWideningCasts(match.logits);
  int64_t experts = *raising.staticDim(logits, raising.rank(logits) - 1);
  logits = flatten(logits, experts);
  Value bias = match.bias;
  if (bias && raising.rank(bias) != 1)
    bias = raising.reshape(before, bias, {experts});
  Value tokens = match.tokenIds;
  if (tokens && raising.rank(tokens) != 1)
    tokens = raising.reshape(before, tokens, {-1});
  if (tokens)
    tokens = raising.cast(before, tokens,
                          IntegerType::get(raising.getContext(), 64));
  ImplicitLocOpBuilder b = raising.builderBefore(before);
  int64_t rows = cast<RankedTensorType>(logits.getType()).getDimSize(0);
  auto type = [&](Type element) {
    return RankedTensorType::get({rows, match.k}, element);
  };
  auto op = MoERouteOp::create(
      b, type(b.getI64Type()), type(f32), logits, bias, tokens, match.table,
      match.scoring, match.k, match.groups, match.kept, match.groupScore,
      match.maskedScore, match.fromChoice, match.renormalize,
      APFloat(match.epsilon), APFloat(match.scale), match.scalePosition,
      match.rounded);
  if (failed(raising.visit(op)))
    // No test: k and the groups were checked against the experts.
    return pattern.fail(before, "its sizes contradict each other");
  SmallVector<Value> values;
  for (auto [raised, result] : llvm::zip_equal(op->getResults(), results)) {
    Value value = raised;
    // Exact: rounded weights are numbers of the narrow type.
    if (isa<FloatType>(getElementTypeOrSelf(value.getType())))
      value = raising.cast(before, value, scoreType);
    values.push_back(reshapeAs(raising, before, value, result, match.logits));
  }
  if (llvm::is_contained(values, Value())) {
    raising.eraseIfDead(op);
    // No test: they have a row for each token.
    return pattern.fail(before, "the shape of its results is not that of its "
                                "logits");
  }
  raising.replace(results, values, op, form, pattern.ops());
  return true;
}

/// The row of docs/forms.md that a match is.
static StringRef formOf(const RouteMatch &match) {
  if (match.table)
    return "router-table";
  if (match.groups > 1)
    return match.groupScore == GroupScore::SumTop2 ? "router-groups-sum"
                                                   : "router-groups-max";
  switch (match.scoring) {
  case Scoring::Sigmoid:
    return "router-sigmoid";
  case Scoring::Softmax:
    return "router-softmax";
  case Scoring::SqrtSoftplus:
    return "router-sqrt-softplus";
  case Scoring::SoftmaxTopK:
    return match.isGathered ? "router-gathered-softmax"
                            : "router-top-k-softmax";
  case Scoring::SigmoidTopK:
    return match.isGathered ? "router-gathered-sigmoid"
                            : "router-top-k-sigmoid";
  }
  return "router";
}

namespace {
struct RaiseRouter
    : RaisingPass<trine::impl::TrineRaiseRouterBase<RaiseRouter>> {
  void raise(Raising &raising) override {
    auto finish = [&](Operation *anchor, MoEPattern &pattern,
                      RouterMatcher &matcher, bool found) {
      if (found && matcher.raise(anchor, formOf(matcher.match))) {
        ++numRaised;
      } else if (pattern.failed()) {
        raising.missed(anchor, "a router", pattern.miss);
        ++numMissed;
      }
    };
    // The last TopK of a router comes after those of its groups.
    SmallVector<onnx::TopKOp> choices = raising.opsOf<onnx::TopKOp>();
    for (onnx::TopKOp topK : llvm::reverse(choices)) {
      if (!Raising::isLinked(topK))
        continue;
      MoEPattern pattern(raising);
      RouterMatcher matcher(pattern);
      bool found = matcher.matchTopK(topK);
      finish(topK, pattern, matcher, found);
    }
    for (onnx::GatherElementsOp gather :
         raising.opsOf<onnx::GatherElementsOp>()) {
      MoEPattern pattern(raising);
      RouterMatcher matcher(pattern);
      bool found = matcher.matchTable(gather);
      finish(gather, pattern, matcher, found);
    }
  }
};
} // namespace
