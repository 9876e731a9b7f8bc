// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recognition of routers, experts and gated MLPs.
#ifndef TRINE_PASSES_RAISE_RAISEEXPERTSPASSES
#define TRINE_PASSES_RAISE_RAISEEXPERTSPASSES

include "mlir/Pass/PassBase.td"

class TrineRaiseExpertsPass<string argument> : Pass<argument, "::mlir::func::FuncOp"> {
  let dependentDialects = ["::mlir::trine::TrineDialect", "::mlir::trine::onnx::ONNXDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Structures replaced by one op">,
                    Statistic<"numMissed", "num-missed", "Structures that nearly were">];
}

def TrineRaiseRouter : TrineRaiseExpertsPass<"trine-raise-router"> {
  let summary = "Recognises routers: scores, groups, choice and weights";
  let description = [{
    From the last TopK (or the Gather of a table) back to the logits, and forward to the weights: sigmoid, softmax and sqrt-softplus scores; a bias
    for the choice; groups ranked by their maximum or the sum of two, masked by zero or minus infinity; softmax over the chosen; weights from the scores
    or from the choice; renormalisation with or without epsilon, scale before or after it. The product that gives the logits stays.

    ```mlir
    // before
    %s = onnx.Sigmoid(%logits)
    %c = onnx.Add(%s, %bias)
    %v, %ids = onnx.TopK(%c, %k)
    %p = onnx.GatherElements(%s, %ids) {axis = 1 : i64}
    %w = onnx.Div(%p, onnx.ReduceSum(%p, %last))
    // after
    %ids, %w = trine.moe.route %logits bias(%bias : tensor<8xf32>) scoring sigmoid k 3 groups 1 keep 1 by max masked zero renormalize
      epsilon 0.0 scale 1.0 after_division : tensor<?x8xf32> -> tensor<?x3xi64>, tensor<?x3xf32>
    ```
  }];
}

def TrineRaiseExperts : TrineRaiseExpertsPass<"trine-raise-experts"> {
  let summary = "Recognises routed experts in the forms that exporters write";
  let description = [{
    Batched (weights gathered for each slot), grouped (slots sorted by expert, one product for each expert over a range of rows), dense (all experts on all
    tokens, weights mostly zero), selected (each expert on the tokens that NonZero found, added up by scatters) and MoE of com.microsoft become `trine.moe.experts`. In unrolled forms every expert must be like the first and have its
    own slice of the stacked weights, or weights of its own; the remark about a near miss names the expert that differs.

    ```mlir
    // before (batched, shortened)
    %gu = onnx.GatherND(%w_gate_up, %ids)
    %h = onnx.MatMul(%gu, %repeated)
    %a = onnx.Mul(silu(onnx.Slice(%h, ...)), onnx.Slice(%h, ...))
    %y = onnx.MatMul(onnx.GatherND(%w_down, %ids), %a)
    %r = onnx.ReduceSum(onnx.Mul(%y, %w), %slots)
    // after
    %r = trine.moe.experts %x routed(%ids, %w : ...) weights(%w_gate_up, %w_down : ...) activation silu_gated gate_up concatenated : tensor<?x64xf32>
    ```
  }];
}

def TrineRaiseGatedMLP : TrineRaiseExpertsPass<"trine-raise-gated-mlp"> {
  let summary = "Recognises dense gated networks (SwiGLU and relatives)";
  let description = [{
    (act(x · gate) · (x · up)) · down with weights known at compile time, by MatMul or Gemm, with gate and up as two products or as the halves of one. Shared
    experts and the dense layers of MoE models are such networks. Biases, limits, alpha and beta are taken.

    ```mlir
    // before
    %g = onnx.MatMul(%x, %wg)
    %u = onnx.MatMul(%x, %wu)
    %h = onnx.Mul(onnx.Mul(%g, onnx.Sigmoid(%g)), %u)
    %y = onnx.MatMul(%h, %wd)
    // after
    %y = trine.gated_mlp %x weights(%wg, %wd : ...) up(%wu : ...) activation silu_gated : tensor<?x?x64xf32> -> tensor<?x?x64xf32>
    ```
  }];
}

#endif
