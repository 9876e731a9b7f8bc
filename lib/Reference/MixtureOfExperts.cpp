// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// com.microsoft MoE: softmax routing to k experts, each a small feed-forward
// network.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
struct ExpertActivation {
  llvm::StringRef type;
  double alpha, beta, limit;

  double apply(double x) const {
    if (type == "relu")
      return x < 0 ? 0.0 : x;
    if (type == "gelu") // the operator's own choice: the form with tanh
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) *
                            (x + 0.044715 * x * x * x)));
    if (type == "silu")
      return x / (1 + std::exp(-x));
    return x; // identity
  }
  /// SwiGLU with clamped gate and linear part: g sigmoid(alpha g) (l + beta).
  double gated(double gate, double linear) const {
    gate = std::min(gate, limit);
    linear = std::min(std::max(linear, -limit), limit);
    return gate / (1 + std::exp(-alpha * gate)) * (linear + beta);
  }
};

/// weights[expert] (rows x columns) times x, plus the expert's bias.
struct ExpertLayer {
  const Tensor *weights = nullptr, *bias = nullptr;
  int64_t rows = 0, columns = 0;

  std::vector<double> apply(int64_t expert, llvm::ArrayRef<double> x,
                            bool single) const {
    std::vector<double> y(rows);
    for (int64_t r = 0; r < rows; ++r) {
      Accumulator sum(single, bias ? bias->real(expert * rows + r) : 0.0);
      for (int64_t c = 0; c < columns; ++c)
        sum.addProduct(weights->real((expert * rows + r) * columns + c), x[c]);
      y[r] = sum.get();
    }
    return y;
  }
};
} // namespace

static FailureOr<ExpertLayer> readLayer(OperatorCall &call, unsigned operand,
                                        int64_t experts, int64_t columns,
                                        llvm::StringRef name) {
  ExpertLayer layer;
  layer.weights = call.optional(operand);
  layer.bias = call.optional(operand + 1);
  if (!layer.weights)
    return layer;
  if (layer.weights->getRank() != 3 || layer.weights->getDim(0) != experts ||
      layer.weights->getDim(2) != columns)
    return call.fail("'" + name + "' must have the shape [" +
                     llvm::Twine(experts) + ", rows, " + llvm::Twine(columns) +
                     "], got " + describeShape(layer.weights->getShape()));
  layer.rows = layer.weights->getDim(1);
  layer.columns = columns;
  if (layer.bias && layer.bias->getNumElements() != experts * layer.rows)
    return call.fail("the bias of '" + name + "' must have the shape [" +
                     llvm::Twine(experts) + ", " + llvm::Twine(layer.rows) +
                     "], got " + describeShape(layer.bias->getShape()));
  return layer;
}

static LogicalResult mixtureOfExperts(OperatorCall &call) {
  auto op = cast<onnx::MoEOp>(call.op);
  const Tensor &input = call.operand(0), &router = call.operand(1);
  if (input.getRank() < 2 || router.getRank() != 2)
    return call.fail(
        "'input' must have rank 2 or 3 and 'router_probs' rank 2, got shapes " +
        describeShape(input.getShape()) + " and " +
        describeShape(router.getShape()));
  int64_t width = input.getShape().back(),
          tokens = productOf(input.getShape(), 0, input.getRank() - 1);
  int64_t experts = router.getDim(1), k = op.getK(),
          fusion = op.getSwigluFusion();
  if (router.getDim(0) != tokens || k < 1 || k > experts)
    return call.fail("'router_probs' must have " + llvm::Twine(tokens) +
                     " rows and 'k' lie in [1, " + llvm::Twine(experts) +
                     "], got " + llvm::Twine(router.getDim(0)) + " and " +
                     llvm::Twine(k));
  if (op.getUseSparseMixer())
    return call.fail("'use_sparse_mixer' must be 0, got " +
                     llvm::Twine(op.getUseSparseMixer()));
  ExpertActivation activation{
      op.getActivationType(), op.getActivationAlpha().convertToFloat(),
      op.getActivationBeta().convertToFloat(),
      op.getSwigluLimit() ? op.getSwigluLimit()->convertToFloat()
                          : std::numeric_limits<double>::infinity()};
  if (!llvm::is_contained({"relu", "gelu", "silu", "swiglu", "identity"},
                          activation.type))
    return call.fail("'activation_type' must be 'relu', 'gelu', 'silu', "
                     "'swiglu' or 'identity', got '" +
                     activation.type + "'");
  bool swiglu = activation.type == "swiglu";
  if (fusion < 0 || fusion > 2 || (!swiglu && fusion != 0))
    return call.fail(
        "'swiglu_fusion' must be 0, 1 or 2, and 0 without 'swiglu', got " +
        llvm::Twine(fusion));
  FailureOr<ExpertLayer> fc1 = readLayer(call, 2, experts, width,
                                         "fc1_experts_weights"),
                         fc3 = readLayer(call, 6, experts, width,
                                         "fc3_experts_weights");
  if (failed(fc1) || failed(fc3))
    return failure();
  bool paired = swiglu && fusion != 0;
  if (paired && fc1->rows % 2)
    return call.fail(
        "'fc1_experts_weights' must have an even number of rows, got " +
        llvm::Twine(fc1->rows));
  if ((swiglu && !paired && !fc3->weights) ||
      (fc3->weights && (paired || fc3->rows != fc1->rows)))
    return call.fail("'fc3_experts_weights' must be as 'fc1_experts_weights', "
                     "and absent when SwiGLU is fused");
  int64_t inner = paired ? fc1->rows / 2 : fc1->rows;
  FailureOr<ExpertLayer> fc2 =
      readLayer(call, 4, experts, inner, "fc2_experts_weights");
  if (failed(fc2))
    return failure();
  if (fc2->rows != width)
    return call.fail("'fc2_experts_weights' must have " + llvm::Twine(width) +
                     " rows, got " + llvm::Twine(fc2->rows));
  FailureOr<Tensor> output =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(output))
    return failure();
  bool single = call.accumulateInSingle();
  std::vector<int64_t> order(experts);
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<double> x(width), sum(width, 0.0);
    for (int64_t i = 0; i < width; ++i)
      x[i] = input.real(t * width + i);
    for (int64_t e = 0; e < experts; ++e)
      order[e] = e;
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      double x = router.real(t * experts + a), y = router.real(t * experts + b);
      // A total order also with NaN, which comes first.
      if (std::isnan(x) || std::isnan(y))
        return std::isnan(x) && (!std::isnan(y) || a < b);
      return x > y || (x == y && a < b);
    });
    // Softmax over all experts, or over the chosen ones when the weights are
    // normalised.
    double top = router.real(t * experts + order[0]), total = 0;
    for (int64_t e = 0; e < (op.getNormalizeRoutingWeights() ? k : experts);
         ++e)
      total += std::exp(router.real(t * experts + order[e]) - top);
    for (int64_t rank = 0; rank < k; ++rank) {
      int64_t expert = order[rank];
      std::vector<double> first = fc1->apply(expert, x, single), hidden(inner),
                          third;
      if (fc3->weights)
        third = fc3->apply(expert, x, single);
      for (int64_t i = 0; i < inner; ++i) {
        if (paired) // interleaved, or gates before linear parts
          hidden[i] = fusion == 1
                          ? activation.gated(first[2 * i], first[2 * i + 1])
                          : activation.gated(first[i], first[inner + i]);
        else if (swiglu)
          hidden[i] = activation.gated(first[i], third[i]);
        else
          hidden[i] =
              activation.apply(first[i]) * (fc3->weights ? third[i] : 1.0);
      }
      double weight = std::exp(router.real(t * experts + expert) - top) / total;
      std::vector<double> result = fc2->apply(expert, hidden, single);
      for (int64_t i = 0; i < width; ++i)
        sum[i] += weight * result[i];
    }
    for (int64_t i = 0; i < width; ++i)
      output->setReal(t * width + i, sum[i]);
  }
  return call.done(*output);
}

void reference::addMixtureOfExpertsRules(OperatorTable &table) {
  table["onnx.com.microsoft.MoE"] = mixtureOfExperts;
}
