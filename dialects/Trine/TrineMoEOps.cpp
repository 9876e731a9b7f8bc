// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verification.h"

using namespace mlir;
using namespace mlir::trine;

LogicalResult MoERouteOp::verify() {
  NamedTensor logits("logits", getLogits()), ids("ids", getIds()),
      weights("weights", getWeights());
  int64_t k = getK(), groups = getGroups(), kept = getKeptGroups();
  // route_c1
  if (failed(verifyRank(*this, logits, 2)))
    return failure();
  if (getBias()) {
    NamedTensor bias("bias", getBias());
    if (failed(verifyRank(*this, bias, 1)) ||
        failed(verifySameSize(*this, bias, 0, logits, 1)))
      return failure();
  }
  int64_t experts = logits.type.getDimSize(1);
  bool known = !ShapedType::isDynamic(experts);
  // route_c2
  if (k < 1 || (known && k > experts))
    return emitOpError()
           << "'k' must be between 1 and the number of experts, got " << k;
  // route_c3
  if (groups < 1 || (known && experts % groups != 0))
    return emitOpError()
           << "the number of experts must be a multiple of 'groups', got "
           << groups << " groups";
  if (kept < 1 || kept > groups)
    return emitOpError() << "kept groups must be between 1 and " << groups
                         << ", got " << kept;
  // route_c4
  if (known && groups > 1 && getGroupScore() == GroupScore::SumTop2 &&
      experts / groups < 2)
    return emitOpError()
           << "sum_top_2 needs at least two experts in a group, got "
           << experts / groups;
  // route_c5
  if (known && experts / groups * kept < k)
    return emitOpError() << "kept groups must hold at least 'k' experts, " << k
                         << ", got " << experts / groups * kept;
  // route_c6
  for (const NamedTensor &result : {ids, weights})
    if (failed(verifyRank(*this, result, 2)) ||
        failed(verifySameSize(*this, result, 0, logits, 0)) ||
        failed(verifySize(*this, result, 1, k)))
      return failure();
  // route_c7
  if (static_cast<bool>(getTable()) != static_cast<bool>(getTokenIds()))
    return emitOpError() << "'table' and 'token_ids' must come together";
  if (getTable()) {
    NamedTensor table("table", getTable()), tokens("token_ids", getTokenIds());
    if (failed(verifyRank(*this, table, 2)) ||
        failed(verifySize(*this, table, 1, k)) ||
        failed(verifyRank(*this, tokens, 1)) ||
        failed(verifySameSize(*this, tokens, 0, logits, 0)))
      return failure();
  }
  // route_c8
  if (getWeightsFromChoice() &&
      (getTable() || getScoring() == Scoring::SoftmaxTopK ||
       getScoring() == Scoring::SigmoidTopK))
    return emitOpError()
           << "'weights_from_choice' goes neither with a table nor with "
              "softmax_top_k or sigmoid_top_k";
  return success();
}

/// Whether act(gate) is multiplied by up.
static bool isGated(Activation activation) {
  return activation == Activation::SiluGated ||
         activation == Activation::GeluGated ||
         activation == Activation::GeluTanhGated ||
         activation == Activation::ReluGated;
}

LogicalResult MoEExpertsOp::verify() {
  NamedTensor input("input", getInput()), ids("ids", getIds()),
      weights("weights", getWeights()), gateUp("w_gate_up", getWGateUp()),
      down("w_down", getWDown());
  // experts_c1
  for (auto [tensor, rank] : {std::pair(&input, 2),
                              {&ids, 2},
                              {&weights, 2},
                              {&gateUp, 3},
                              {&down, 3}})
    if (failed(verifyRank(*this, *tensor, rank)))
      return failure();
  // experts_c2
  if (failed(verifySameSize(*this, ids, 0, input, 0)) ||
      failed(verifySameSize(*this, weights, 0, ids, 0)) ||
      failed(verifySameSize(*this, weights, 1, ids, 1)))
    return failure();
  // experts_c3
  if (failed(verifySameSize(*this, down, 0, gateUp, 0)) ||
      failed(verifySameSize(*this, gateUp, 2, input, 1)) ||
      failed(verifySameSize(*this, down, 1, input, 1)))
    return failure();
  // experts_c4
  bool gatedActivation = isGated(getActivation());
  if (gatedActivation == (getGateUp() == GateUpLayout::UpOnly))
    return emitOpError() << "activation "
                         << stringifyActivation(getActivation())
                         << " does not go with layout "
                         << stringifyGateUpLayout(getGateUp());
  int64_t inner = down.type.getDimSize(2);
  if (!ShapedType::isDynamic(inner) &&
      failed(verifySize(*this, gateUp, 1, gatedActivation ? 2 * inner : inner)))
    return failure();
  // experts_c5
  if (getClamp() && !(getClamp()->convertToDouble() > 0))
    return emitOpError() << "'clamp' must be positive, got "
                         << getClamp()->convertToDouble();
  if (int64_t identity = getIdentityExperts(); identity < 0)
    return emitOpError() << "'identity_experts' must not be negative, got "
                         << identity;
  // experts_c6
  auto verifyBias = [&](StringRef name, Value bias, const NamedTensor &weight) {
    if (!bias)
      return success();
    NamedTensor tensor(name, bias);
    return success(succeeded(verifyRank(*this, tensor, 2)) &&
                   succeeded(verifySameSize(*this, tensor, 0, weight, 0)) &&
                   succeeded(verifySameSize(*this, tensor, 1, weight, 1)));
  };
  if (failed(verifyBias("b_gate_up", getBGateUp(), gateUp)) ||
      failed(verifyBias("b_down", getBDown(), down)))
    return failure();
  // experts_c7
  bool isSilu = getActivation() == Activation::SiluGated ||
                getActivation() == Activation::Silu;
  if (!isSilu && getAlpha().convertToDouble() != 1)
    return emitOpError() << "'alpha' goes with silu only, got "
                         << stringifyActivation(getActivation());
  if (!gatedActivation && getBeta().convertToDouble() != 0)
    return emitOpError() << "'beta' goes with gated activations only, got "
                         << stringifyActivation(getActivation());
  return success();
}

LogicalResult GatedMLPOp::verify() {
  NamedTensor input("input", getInput()), gate("w_gate", getWGate()),
      down("w_down", getWDown()), result("result", getResult());
  // gated_mlp_c1
  int64_t rank = input.type.getRank();
  if (rank < 1)
    return emitOpError() << "'input' must have rank 1 or more";
  if (failed(verifyRank(*this, gate, 2)) || failed(verifyRank(*this, down, 2)))
    return failure();
  // gated_mlp_c2
  if (failed(verifySameSize(*this, gate, 0, input, rank - 1)))
    return failure();
  // gated_mlp_c3
  int64_t inner = down.type.getDimSize(0);
  if (getWUp()) {
    NamedTensor up("w_up", getWUp());
    if (failed(verifyRank(*this, up, 2)) ||
        failed(verifySameSize(*this, up, 0, input, rank - 1)) ||
        failed(verifySameSize(*this, up, 1, down, 0)))
      return failure();
  }
  if (!ShapedType::isDynamic(inner) &&
      failed(verifySize(*this, gate, 1, getWUp() ? inner : 2 * inner)))
    return failure();
  // gated_mlp_c4
  if (failed(verifyRank(*this, result, rank)) ||
      failed(verifySameSize(*this, result, rank - 1, down, 1)))
    return failure();
  for (int64_t i = 0; i + 1 < rank; ++i)
    if (failed(verifySameSize(*this, result, i, input, i)))
      return failure();
  // gated_mlp_c5
  if (getGateUp().has_value() == static_cast<bool>(getWUp()))
    return emitOpError() << "'gate_up' must be given exactly without 'w_up'";
  if (getGateUp() == GateUpLayout::UpOnly || !isGated(getActivation()))
    return emitOpError() << "activation and layout must be gated ones, got "
                         << stringifyActivation(getActivation());
  // gated_mlp_c6
  if (result.type.getElementType() != input.type.getElementType())
    return emitOpError() << "'result' must have the element type of 'input'";
  // gated_mlp_c7
  if (getBUp() && !getWUp())
    return emitOpError() << "'b_up' needs 'w_up'";
  for (auto [name, bias, weight] : {std::tuple("b_gate", getBGate(), &gate),
                                    {"b_up", getBUp(), &gate},
                                    {"b_down", getBDown(), &down}}) {
    if (!bias)
      continue;
    NamedTensor tensor(name, bias);
    if (failed(verifyRank(*this, tensor, 1)) ||
        failed(verifySameSize(*this, tensor, 0, *weight, 1)))
      return failure();
  }
  // gated_mlp_c8
  if (getClamp() && !(getClamp()->convertToDouble() > 0))
    return emitOpError() << "'clamp' must be positive, got "
                         << getClamp()->convertToDouble();
  if (getActivation() != Activation::SiluGated &&
      getAlpha().convertToDouble() != 1)
    return emitOpError() << "'alpha' goes with silu only, got "
                         << stringifyActivation(getActivation());
  return success();
}

LogicalResult MoEGroupOp::verify() {
  NamedTensor ids("ids", getIds()), order("order", getOrder()),
      offsets("offsets", getOffsets()), position("position", getPosition());
  // group_c1
  if (failed(verifyRank(*this, ids, 2)) ||
      failed(verifyRank(*this, order, 1)) ||
      failed(verifyRank(*this, offsets, 1)) ||
      failed(verifyRank(*this, position, 2)))
    return failure();
  // group_c2
  if (int64_t experts = getExperts(); experts < 1)
    return emitOpError() << "'experts' must be positive, got " << experts;
  else if (failed(verifySize(*this, offsets, 0, experts + 1)))
    return failure();
  // group_c3
  if (ids.type.hasStaticShape() &&
      failed(verifySize(*this, order, 0, ids.type.getNumElements())))
    return failure();
  // group_c4
  if (failed(verifySameSize(*this, position, 0, ids, 0)) ||
      failed(verifySameSize(*this, position, 1, ids, 1)))
    return failure();
  // group_c5
  if (int64_t identity = getIdentityExperts(); identity < 0)
    return emitOpError() << "'identity_experts' must not be negative, got "
                         << identity;
  return success();
}

bool MoEGroupedMatMulOp::isGated() {
  return getActivation() && ::isGated(*getActivation());
}

LogicalResult MoEGroupedMatMulOp::verify() {
  NamedTensor input("input", getInput()), offsets("offsets", getOffsets()),
      weight("weight", getWeight()), result("result", getResult());
  // grouped_matmul_c1
  int64_t rank = isGated() ? 4 : 3;
  if (failed(verifyRank(*this, input, 2)) ||
      failed(verifyRank(*this, offsets, 1)) ||
      failed(verifyRank(*this, weight, rank)) ||
      failed(verifyRank(*this, result, 2)))
    return failure();
  // grouped_matmul_c2
  if (failed(verifySameSize(*this, weight, rank - 1, input, 1)))
    return failure();
  if (int64_t experts = weight.type.getDimSize(0);
      !ShapedType::isDynamic(experts) &&
      failed(verifySize(*this, offsets, 0, experts + 1)))
    return failure();
  // grouped_matmul_c3
  if (failed(verifySameSize(*this, result, 1, weight, rank - 2)))
    return failure();
  if (getOrder()) {
    NamedTensor order("order", getOrder());
    if (failed(verifyRank(*this, order, 1)) ||
        failed(verifySameSize(*this, result, 0, order, 0)))
      return failure();
  } else if (failed(verifySameSize(*this, result, 0, input, 0))) {
    return failure();
  }
  // grouped_matmul_c4
  if (getSlots().has_value() != static_cast<bool>(getOrder()))
    return emitOpError() << "'slots' must be given exactly with 'order'";
  if (getSlots() && static_cast<int64_t>(*getSlots()) < 1)
    return emitOpError() << "'slots' must be positive, got "
                         << static_cast<int64_t>(*getSlots());
  // grouped_matmul_c5
  if (isGated() && failed(verifySize(*this, weight, 1, 2)))
    return failure();
  if (getBias()) {
    NamedTensor bias("bias", getBias());
    if (failed(verifyRank(*this, bias, rank - 1)))
      return failure();
    for (int64_t i = 0; i + 1 < rank; ++i)
      if (failed(verifySameSize(*this, bias, i, weight, i)))
        return failure();
  }
  // grouped_matmul_c6
  if (getClamp() && !(getClamp()->convertToDouble() > 0))
    return emitOpError() << "'clamp' must be positive, got "
                         << getClamp()->convertToDouble();
  if (getClamp() && !getActivation())
    return emitOpError() << "'clamp' must go with an activation";
  bool isSilu = getActivation() == Activation::SiluGated ||
                getActivation() == Activation::Silu;
  if (!isSilu && getAlpha().convertToDouble() != 1)
    return emitOpError() << "'alpha' goes with silu only";
  if (!isGated() && getBeta().convertToDouble() != 0)
    return emitOpError() << "'beta' goes with gated activations only";
  return success();
}

LogicalResult MoECombineOp::verify() {
  NamedTensor rows("rows", getRows()), position("position", getPosition()),
      weights("weights", getWeights()), result("result", getResult());
  // combine_c1
  if (failed(verifyRank(*this, rows, 2)) ||
      failed(verifyRank(*this, position, 2)) ||
      failed(verifyRank(*this, weights, 2)))
    return failure();
  // combine_c2
  if (failed(verifySameSize(*this, position, 0, weights, 0)) ||
      failed(verifySameSize(*this, position, 1, weights, 1)))
    return failure();
  if (position.type.hasStaticShape() &&
      failed(verifySize(*this, rows, 0, position.type.getNumElements())))
    return failure();
  // combine_c3
  if (failed(verifyRank(*this, result, 2)) ||
      failed(verifySameSize(*this, result, 0, weights, 0)) ||
      failed(verifySameSize(*this, result, 1, rows, 1)))
    return failure();
  // combine_c4
  bool hasIdentity = static_cast<bool>(getIds());
  if (static_cast<bool>(getInput()) != hasIdentity ||
      getExperts().has_value() != hasIdentity)
    return emitOpError()
           << "'ids', 'identity' and 'experts' must come together";
  if (!hasIdentity)
    return success();
  NamedTensor ids("ids", getIds()), input("identity", getInput());
  if (failed(verifyRank(*this, ids, 2)) || failed(verifyRank(*this, input, 2)))
    return failure();
  for (int64_t i = 0; i < 2; ++i)
    if (failed(verifySameSize(*this, ids, i, weights, i)) ||
        failed(verifySameSize(*this, input, i, result, i)))
      return failure();
  return success();
}
