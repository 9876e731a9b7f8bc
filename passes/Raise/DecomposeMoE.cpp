// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MoE of com.microsoft: softmax routing, then each token's experts by gathered
// weights.
#include "DecomposeONNX.h"

#include <limits>

using namespace mlir;
using namespace mlir::trine;

namespace {

struct MoEBuilder {
  onnx::MoEOp op;
  ONNXDecomposer &d;

  LogicalResult check();
  /// One layer of each row's expert: weights[ids] x rows + bias[ids].
  Value layer(Value rows, Value ids, Value weights, Value bias);
  Value activate(Value x);
  /// SwiGLU with clamped parts: gate sigmoid(alpha gate) (linear + beta).
  Value gate(Value gate, Value linear);
  Value hiddenLayer(Value rows, Value ids);
  Decomposition run();
};

bool isPresent(Value value) { return !ONNXDecomposer::isNone(value); }

LogicalResult MoEBuilder::check() {
  int64_t rank = d.rank(op.getInput());
  if (!d.constantDim(op.getInput(), rank - 1))
    return d.unsupported("the last dimension of 'input' must be a constant, "
                         "got " +
                         d.dims(op.getInput()).back().str());
  if (op.getUseSparseMixer())
    return d.unsupported("'use_sparse_mixer' must be 0, got " +
                         Twine((int64_t)op.getUseSparseMixer()));
  StringRef type = op.getActivationType();
  bool isSwiglu = type == "swiglu";
  if (!isSwiglu &&
      !llvm::is_contained({"relu", "gelu", "silu", "identity"}, type))
    return d.unsupported("'activation_type' must be relu, gelu, silu, identity "
                         "or swiglu, got '" +
                         type + "'");
  int64_t fusion = op.getSwigluFusion();
  if (fusion < 0 || fusion > 2 || (!isSwiglu && fusion != 0))
    return d.unsupported("'swiglu_fusion' must be 0, 1 or 2, and 0 without "
                         "swiglu, got " +
                         Twine(fusion));
  if (isSwiglu && (fusion == 0) != isPresent(op.getFc3ExpertsWeights()))
    return d.unsupported("'fc3_experts_weights' must be absent when swiglu is "
                         "fused, and present when it is not");
  if (fusion != 0 && !d.constantDim(op.getFc1ExpertsWeights(), 1))
    return d.unsupported("the rows of 'fc1_experts_weights' must be constant, "
                         "got " +
                         d.dims(op.getFc1ExpertsWeights())[1].str());
  return success();
}

Value MoEBuilder::layer(Value rows, Value ids, Value weights, Value bias) {
  Value chosen = d.create("Gather", {weights, ids}, {{"axis", 0}});
  Value result = d.squeeze(d.matmul(chosen, d.unsqueeze(rows, {2})), {2});
  if (isPresent(bias))
    result = d.add(result, d.create("Gather", {bias, ids}, {{"axis", 0}}));
  return result;
}

Value MoEBuilder::activate(Value x) {
  StringRef type = op.getActivationType();
  if (type == "identity")
    return x;
  if (type == "relu")
    return d.create("Relu", x);
  if (type == "silu")
    return d.mul(x, d.create("Sigmoid", x));
  return d.create(
      "Gelu", x, {},
      NamedAttribute(StringAttr::get(op.getContext(), "approximate"),
                     StringAttr::get(op.getContext(), "tanh")));
}

Value MoEBuilder::gate(Value gate, Value linear) {
  Type elementType = ONNXDecomposer::elementType(gate);
  if (op.getSwigluLimit()) {
    double limit = op.getSwigluLimit()->convertToDouble();
    Value high = d.number(limit, elementType);
    gate = d.create("Min", {gate, high});
    linear = d.create("Clip", {linear, d.number(-limit, elementType), high});
  }
  Value alpha =
      d.number(op.getActivationAlpha().convertToDouble(), elementType);
  Value beta = d.number(op.getActivationBeta().convertToDouble(), elementType);
  Value swish = d.mul(gate, d.create("Sigmoid", d.mul(alpha, gate)));
  return d.mul(swish, d.add(linear, beta));
}

Value MoEBuilder::hiddenLayer(Value rows, Value ids) {
  Value x = layer(rows, ids, op.getFc1ExpertsWeights(), op.getFc1ExpertsBias());
  Value linear;
  if (isPresent(op.getFc3ExpertsWeights()))
    linear =
        layer(rows, ids, op.getFc3ExpertsWeights(), op.getFc3ExpertsBias());
  if (op.getActivationType() != "swiglu")
    return linear ? d.mul(activate(x), linear) : activate(x);
  constexpr int64_t end = std::numeric_limits<int64_t>::max();
  switch (op.getSwigluFusion()) {
  case 1: // neighbours
    return gate(d.slice(x, 1, 0, end, 2), d.slice(x, 1, 1, end, 2));
  case 2: { // halves
    int64_t half = *d.constantDim(op.getFc1ExpertsWeights(), 1) / 2;
    return gate(d.slice(x, 1, 0, half), d.slice(x, 1, half, end));
  }
  default:
    return gate(x, linear);
  }
}

Decomposition MoEBuilder::run() {
  if (failed(check()))
    return failure();
  Value input = op.getInput();
  int64_t rank = d.rank(input), width = *d.constantDim(input, rank - 1);
  int64_t k = op.getK();
  Type type = ONNXDecomposer::elementType(input);
  Value tokens = input;
  if (rank == 3)
    tokens = d.reshapeTo(
        input, d.joinSizes({d.mul(d.shape(input, 0, 1), d.shape(input, 1, 2)),
                            d.integers(width)}));

  Value scores = d.create("Softmax", op.getRouterProbs(), {{"axis", -1}});
  SmallVector<Value> best =
      d.createMany("TopK", {scores, d.integers(k)}, 2,
                   {{"axis", -1}, {"largest", 1}, {"sorted", 1}});
  Value weights = best[0];
  if (op.getNormalizeRoutingWeights())
    weights = d.div(weights, d.reduce("ReduceSum", weights, -1, /*keep=*/true));

  // Token and expert of each of the tokens * k rows.
  Value count = d.shape(tokens, 0, 1);
  Value rowCount = d.mul(count, d.integers(k));
  Value ids = d.reshapeTo(best[1], rowCount);
  Value repeated =
      d.create("Expand", {d.unsqueeze(tokens, {1}),
                          d.joinSizes({count, d.integers({k, width})})});
  Value rows =
      d.reshapeTo(repeated, d.joinSizes({rowCount, d.integers(width)}));

  Value hidden = hiddenLayer(rows, ids);
  Value outputs =
      layer(hidden, ids, op.getFc2ExpertsWeights(), op.getFc2ExpertsBias());
  outputs = d.reshapeTo(
      outputs, d.joinSizes({count, d.integers({k}), d.shape(outputs, 1, 2)}));
  Value weighted = d.mul(outputs, d.unsqueeze(d.convert(weights, type), {2}));
  Value result = d.reduce("ReduceSum", weighted, 1, /*keep=*/false);
  if (rank == 3)
    result = d.reshapeTo(
        result, d.joinSizes({d.shape(input, 0, 2), d.shape(result, 1, 2)}));
  return SmallVector<Value>{result};
}

} // namespace

Decomposition mlir::trine::decomposeMoE(onnx::MoEOp op, ONNXDecomposer &d) {
  return MoEBuilder{op, d}.run();
}
