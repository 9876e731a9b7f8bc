// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MoE of com.microsoft: a router and experts in one node.
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

namespace {
struct ContribMoE {
  Raising &raising;
  onnx::MoEOp op;
  MoEPattern pattern;

  ContribMoE(Raising &raising, onnx::MoEOp op)
      : raising(raising), op(op), pattern(raising) {}

  bool matchActivation(ExpertsMatch &match);
  bool raise();
};
} // namespace

static bool isPresent(Value value) {
  return value && !isa<NoneType>(value.getType());
}

bool ContribMoE::matchActivation(ExpertsMatch &match) {
  GatedActivation &activation = match.activation;
  StringRef type = op.getActivationType();
  bool hasThird = isPresent(op.getFc3ExpertsWeights());
  int64_t fusion = op.getSwigluFusion();
  if (type == "swiglu") {
    activation.activation = Activation::SiluGated;
    activation.alpha = op.getActivationAlpha().convertToDouble();
    activation.beta = op.getActivationBeta().convertToDouble();
    if (op.getSwigluLimit())
      activation.clamp = op.getSwigluLimit()->convertToDouble();
    if (hasThird != (fusion == 0) || fusion < 0 || fusion > 2)
      return pattern.fail(op, "'swiglu_fusion' is " + Twine(fusion) +
                                  (hasThird ? " with" : " without") +
                                  " a third weight");
    match.layout =
        fusion == 1 ? GateUpLayout::Interleaved : GateUpLayout::Concatenated;
    if (activation.clamp && !(*activation.clamp > 0))
      return pattern.fail(op, "'swiglu_limit' is not positive");
    return true;
  }
  if (fusion != 0)
    return pattern.fail(op, "'swiglu_fusion' is " + Twine(fusion) + " with '" +
                                type + "'");
  match.layout = hasThird ? GateUpLayout::Concatenated : GateUpLayout::UpOnly;
  if (type == "silu")
    activation.activation = hasThird ? Activation::SiluGated : Activation::Silu;
  else if (type == "relu")
    activation.activation = hasThird ? Activation::ReluGated : Activation::Relu;
  else if (type == "gelu") // the operator's own choice: the form with tanh
    activation.activation =
        hasThird ? Activation::GeluTanhGated : Activation::GeluTanh;
  else if (type == "identity" && !hasThird)
    activation.activation = Activation::Identity;
  else
    return pattern.fail(op, "the activation is '" + type + "'");
  return true;
}

bool ContribMoE::raise() {
  ExpertsMatch match;
  if (!matchActivation(match))
    return false;
  if (op.getUseSparseMixer())
    return pattern.fail(op, "'use_sparse_mixer' is not 0");
  Value logits = op.getRouterProbs();
  std::optional<int64_t> experts =
      raising.staticDim(logits, raising.rank(logits) - 1);
  int64_t k = op.getK();
  if (!experts || k < 1 || k > *experts)
    return pattern.fail(op, "'k' is " + Twine(k));
  Type f32 = Float32Type::get(op.getContext());
  match.k = k;
  match.wGateUp = op.getFc1ExpertsWeights();
  match.wDown = op.getFc2ExpertsWeights();
  match.input = op.getInput();
  match.result = op->getResult(0);
  auto orNull = [](Value value) { return isPresent(value) ? value : Value(); };
  match.bGateUp = orNull(op.getFc1ExpertsBias());
  match.bDown = orNull(op.getFc2ExpertsBias());
  Value third = orNull(op.getFc3ExpertsWeights()),
        thirdBias = orNull(op.getFc3ExpertsBias());
  Builder b(op.getContext());
  auto join = [&](Value x, Value y) { return raising.concat(op, {x, y}, 1); };
  if (third) {
    if (static_cast<bool>(thirdBias) != static_cast<bool>(match.bGateUp))
      return pattern.fail(op, "only one of gate and up has a bias");
    match.wGateUp = join(match.wGateUp, third);
    if (thirdBias)
      match.bGateUp = join(match.bGateUp, thirdBias);
  }
  if (raising.rank(logits) != 2)
    logits = raising.reshape(op, logits, {-1, *experts});
  ImplicitLocOpBuilder builder = raising.builderBefore(op);
  int64_t rows = cast<RankedTensorType>(logits.getType()).getDimSize(0);
  auto route = MoERouteOp::create(
      builder, RankedTensorType::get({rows, k}, builder.getI64Type()),
      RankedTensorType::get({rows, k}, f32), logits, Value(), Value(), Value(),
      Scoring::Softmax, k, 1, 1, GroupScore::Max, MaskedScore::Zero,
      /*weights_from_choice=*/false, op.getNormalizeRoutingWeights() != 0,
      APFloat(0.0), APFloat(1.0), ScalePosition::AfterDivision);
  if (failed(raising.visit(route)))
    // No test: the operator's own sizes were checked.
    return pattern.fail(op, "the sizes of its router contradict each other");
  match.ids = route.getIds();
  match.weights = route.getWeights();
  match.form = "experts-contrib";
  route->setAttr("trine.form", b.getStringAttr("router-contrib"));
  pattern.add(op);
  if (raiseExperts(pattern, match))
    return true;
  raising.eraseIfDead(route);
  return false;
}

RaiseCounts mlir::trine::raiseContribExperts(Raising &raising) {
  RaiseCounts counts;
  for (onnx::MoEOp op : raising.opsOf<onnx::MoEOp>()) {
    ContribMoE moe(raising, op);
    if (moe.raise()) {
      ++counts.raised;
      continue;
    }
    raising.missed(op, "experts of com.microsoft", moe.pattern.miss);
    ++counts.missed;
  }
  return counts;
}
