// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rows of docs/tolerances.md for the trine dialect: each op as the graph
// that it stands for, whose intermediate tensors are rounded too.
#include "RoundingModel.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Reference/Tolerance.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static int64_t rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

/// The scores of the experts: the bias, and a group's two best, add one
/// rounding each.
double ToleranceAnalysis::varianceOfScores(Operation &op) const {
  auto route = cast<MoERouteOp>(op);
  // Scores are f32, or rounded at each step.
  double c = varianceOf(0x1p-24), steps = 1, roundings = 0;
  if (route.getRounded())
    roundings = 1 + (route.getScoring() == Scoring::SqrtSoftplus) +
                static_cast<bool>(route.getBias()) +
                (route.getGroupScore() == GroupScore::SumTop2);
  if (route.getScoring() == Scoring::Softmax)
    steps += summed(sizeOf(route.getLogits(), 1)) + 4;
  else if (route.getScoring() == Scoring::Sigmoid)
    steps += 4;
  else if (route.getScoring() == Scoring::SqrtSoftplus)
    steps += 8;
  if (route.getBias())
    steps += 1;
  if (route.getGroupScore() == GroupScore::SumTop2)
    steps += 1;
  return estimateOf(route.getLogits()).variance + steps * c +
         roundings * varianceOf(roundoff(route.getLogits().getType()));
}

ToleranceAnalysis::Estimate
ToleranceAnalysis::estimateRoute(Operation &op) const {
  auto route = cast<MoERouteOp>(op);
  double steps = 1, k = static_cast<double>(route.getK());
  if (route.getScoring() == Scoring::SoftmaxTopK)
    steps += summed(k) + 4;
  else if (route.getScoring() == Scoring::SigmoidTopK)
    steps += 4;
  if (route.getRenormalize())
    steps += k / 2 + 4;
  // The softmax or sigmoid of the chosen, their sum, + epsilon, quotient,
  // scale.
  double roundings = route.getRounded()
                         ? 5 * varianceOf(roundoff(route.getLogits().getType()))
                         : 0;
  return {varianceOfScores(op) + steps * varianceOf(0x1p-24) + roundings, 1.0};
}

ToleranceAnalysis::Estimate
ToleranceAnalysis::estimateTrine(Operation &op, unsigned result) const {
  Type type = op.getResult(result).getType();
  const double rounding = varianceOf(roundoff(type)),
               compute = varianceOf(computeRoundoff(type));
  double total = 0, largest = 0;
  for (Value operand : op.getOperands()) {
    total += estimateOf(operand).variance;
    largest = std::max(largest, estimateOf(operand).variance);
  }
  // What comes in, the roundings of the computation, and those of the graph's
  // tensors: its result and so many before it.
  auto give = [&](double variance, double steps, double tensors = 0) {
    return Estimate{variance + steps * compute + (1 + tensors) * rounding, 1.0};
  };
  auto variance = [&](Value value) { return estimateOf(value).variance; };
  auto lastOf = [&](Value value) { return sizeOf(value, rankOf(value) - 1); };
  return llvm::TypeSwitch<Operation *, Estimate>(&op)
      .Case([&](RMSNormOp norm) {
        bool roundsTwice =
            norm.getWeight() && norm.getCast() == CastPosition::BeforeWeight;
        return give(total, summed(lastOf(norm.getInput())) + 4, roundsTwice);
      })
      // a cos - b sin
      .Case([&](RopeOp) { return give(total, 3); })
      // Scores, scaled scores, probabilities.
      .Case([&](AttentionOp attention) {
        double width = 0, keys = sizeOf(attention.getKey(), 2);
        for (Value query : attention.getQueryParts())
          width += lastOf(query);
        if (result == 1)
          return give(total - variance(attention.getValue()),
                      summed(width) + summed(keys) + 4, 2);
        double scores = total - variance(attention.getValue()) +
                        summed(width) * compute + 2 * rounding;
        return give(variance(attention.getValue()) +
                        spreadOfScores(toDouble(attention.getScale()), width) *
                            scores,
                    2 * summed(keys) + 4, 1);
      })
      // The latent makes keys and values: two more tensors and products.
      .Case([&](MLAAttentionOp attention) {
        double latent = lastOf(attention.getLatent()),
               width =
                   lastOf(attention.getQNope()) + lastOf(attention.getQRope()),
               keys = sizeOf(attention.getLatent(), 1);
        if (result == 1)
          return give(total - variance(attention.getWUv()),
                      summed(latent) + summed(width) + summed(keys) + 4, 3);
        double values = variance(attention.getLatent()) +
                        variance(attention.getWUv()),
               scores = total - variance(attention.getWUv()) +
                        (summed(latent) + summed(width)) * compute +
                        3 * rounding;
        return give(values +
                        spreadOfScores(toDouble(attention.getScale()), width) *
                            scores,
                    summed(latent) + 2 * summed(keys) + 4, 2);
      })
      .Case([&](MergeOp merge) {
        double parts = static_cast<double>(merge.getOutputs().size());
        return give(2 * largest, summed(parts) + 4);
      })
      .Case([&](MoERouteOp) { return estimateRoute(op); })
      // As onnx.com.microsoft.MoE: gate, up, their product, the second product.
      .Case([&](MoEExpertsOp experts) {
        double width = lastOf(experts.getInput()),
               inner = sizeOf(experts.getWDown(), 2),
               chosen = sizeOf(experts.getIds(), 1);
        return give(2 * variance(experts.getInput()) +
                        2 * variance(experts.getWGateUp()) +
                        variance(experts.getWDown()) +
                        variance(experts.getWeights()),
                    2 * summed(width) + summed(inner) + summed(chosen) + 8, 4);
      })
      .Case([&](GatedMLPOp network) {
        double up =
            variance(network.getWUp() ? network.getWUp() : network.getWGate());
        return give(2 * variance(network.getInput()) +
                        variance(network.getWGate()) + up +
                        variance(network.getWDown()),
                    2 * summed(lastOf(network.getInput())) +
                        summed(sizeOf(network.getWDown(), 0)) + 8,
                    3 + 2 * static_cast<bool>(network.getBGate()) +
                        static_cast<bool>(network.getBDown()));
      })
      // With an activation: what the first layer of the experts adds.
      .Case([&](MoEGroupedMatMulOp matmul) {
        double products = matmul.isGated() ? 2 : 1;
        return give(products * total,
                    products * summed(lastOf(matmul.getInput())) +
                        (matmul.getActivation() ? 8 : 0) +
                        (matmul.getBias() ? products : 0));
      })
      .Case([&](MoECombineOp combine) {
        return give(total, summed(sizeOf(combine.getWeights(), 1)));
      })
      .Case([&](EngramLookupOp lookup) {
        return lookup.getScales() ? give(total, 0)
                                  : Estimate{variance(lookup.getTable()), 1.0};
      })
      // The root halves relative errors; the sigmoid does not increase them.
      .Case([&](EngramGateOp gate) {
        double fit = variance(gate.getKey()) + variance(gate.getQuery()) +
                     variance(gate.getKeyWeight()) +
                     variance(gate.getQueryWeight());
        if (gate.getRoot() != SignedRoot::None)
          fit /= 4;
        // 16-bit graphs round the norms, the product, its sum, the root and the
        // sigmoid.
        return give(fit + variance(gate.getValue()),
                    3 * summed(lastOf(gate.getKey())) + 8, 6);
      })
      .Case([&](EngramConvOp conv) {
        if (result == 1)
          return Estimate{
              std::max(variance(conv.getInput()), variance(conv.getState())),
              1.0};
        return give(
            std::max(variance(conv.getInput()), variance(conv.getState())) +
                variance(conv.getWeight()),
            summed(lastOf(conv.getWeight())));
      })
      .Case([&](HyperMixOp mix) {
        double streams = sizeOf(mix.getStreams(), 2),
               width = lastOf(mix.getProjection());
        // z: a product with the norm taken out; then scale, bias, sigmoid.
        double steps = summed(width) + width / 2 + 4 + 2 + 4;
        if (result == 0)
          return give(total + variance(mix.getStreams()),
                      steps + summed(streams));
        if (result == 1)
          return give(total, steps);
        double rounds = static_cast<double>(mix.getRounds());
        return give(total, steps + 2 * rounds * (summed(streams) + 1));
      })
      // A sum of the output and the streams, by what each contributes.
      .Case([&](HyperCombineOp combine) {
        Estimate streams = estimateOf(combine.getStreams()),
                 output = estimateOf(combine.getOutput());
        streams.variance += variance(combine.getComb()) +
                            summed(sizeOf(combine.getStreams(), 2)) * compute;
        output.variance += variance(combine.getPost()) + compute;
        double terms = streams.terms + output.terms;
        Estimate sum = give((streams.terms * streams.variance +
                             output.terms * output.variance) /
                                terms,
                            1);
        sum.terms = terms;
        return sum;
      })
      .Case<WeightOp, AssembledWeightOp>([](Operation *) { return Estimate(); })
      // States hold what was written to them.
      .Case([&](StateReadOp) { return Estimate{largest, 1.0}; })
      .Default([&](Operation *) { return give(total, 4); });
}
