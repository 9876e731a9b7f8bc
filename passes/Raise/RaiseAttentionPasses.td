// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recognition of attention, latent attention and state.
#ifndef TRINE_PASSES_RAISE_RAISEATTENTIONPASSES
#define TRINE_PASSES_RAISE_RAISEATTENTIONPASSES

include "mlir/Pass/PassBase.td"

def TrineRaiseAttention : Pass<"trine-raise-attention", "::mlir::func::FuncOp"> {
  let summary = "Recognises attention";
  let description = [{
    softmax(mask(cap(scale · Q·Kᵀ)))·V written out, and the operator Attention (ai.onnx 23, 24), become `trine.attention`. What lies between the
    two products is read from the softmax in both directions; reshapes, transposes, slices, joins and repetitions are index arithmetic, so
    keys may be transposed, and heads repeated or grouped, in any spelling. The scale may be one factor or several, on the queries, the keys or
    the scores. A mask becomes causal only if its conditions on positions prove it; others stay values that are added. Casts between float types
    vanish: scores, weights and sums are in f32 afterwards, where an f16 or bf16 graph rounded them.

    Attention stays as it is, with a remark, when its weights are used elsewhere, or when its mask says what
    `trine.attention` cannot.

    ```mlir
    // before
    %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : ...
    %s = onnx.MatMul(%q, %kt) : ...
    %t = onnx.Div(%s, %root) : ...
    %m = onnx.Add(%t, %mask) : ...
    %p = onnx.Softmax(%m) : ...
    %o = onnx.MatMul(%p, %v) : ...
    // after
    %o, %lse = trine.attention query(%q : ...) key(%k : ...) value(%v : ...) scale 0.25 mask causal masked_row uniform -> ...
    ```
  }];
  let statistics = [Statistic<"numRaised", "num-raised", "Attentions recognised">,
                    Statistic<"numMissed", "num-missed", "Attentions nearly recognised">];
  let dependentDialects = ["::mlir::trine::TrineDialect"];
}

def TrineRaiseMLA : Pass<"trine-raise-mla", "::mlir::func::FuncOp"> {
  let summary = "Recognises multi-head latent attention";
  let description = [{
    A `trine.attention` whose keys are [latent · w_uk, k_rope] (in either order), k_rope shared by all heads, and whose values are latent · w_uv,
    becomes `trine.mla.attention`. The weights may be two, or parts of one whose columns go head by head or column by column; they become
    views of it. The latent may be what a cache holds, joined with new rows, or new rows alone. Where the function is given cached keys and
    values instead, and the rows behind them come from a latent, the op takes these as `past` and makes the function's new cache.

    ```mlir
    // before
    %kv = onnx.MatMul(%latent, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<?x?x128xf32>
    ...
    %k = onnx.Concat(%k_nope, %k_rope_of_all_heads) {axis = 3 : i64} : ...
    %o, %lse = trine.attention query(%q : ...) key(%k : ...) value(%v : ...) scale 0.2 mask causal masked_row zero -> ...
    // after
    %o, %lse = trine.mla.attention query(%q_nope, %q_rope : ...) cache(%latent, %k_rope : ...) weights(%w_uk, %w_uv : ...)
      scale 0.2 mask causal masked_row zero form by_shape -> ...
    ```
  }];
  let statistics = [Statistic<"numRaised", "num-raised", "Latent attentions recognised">,
                    Statistic<"numMissed", "num-missed", "Latent attentions nearly recognised">];
  let dependentDialects = ["::mlir::trine::TrineDialect"];
}

def TrineRaiseState : Pass<"trine-raise-state", "::mlir::func::FuncOp"> {
  let summary = "Pairs past arguments with present results";
  let description = [{
    A result that is an argument with new rows behind it, or the last rows of that, or what a raised op keeps of it, is the next value of a state.
    Argument and result get the same record `trine.state`: the number of the pair, the rule (`append`: rows grow along `axis`; `replace`: the whole
    is replaced, `axis` 0), as `!trine.state` has it. Neither the computation nor the signature changes.

    ```mlir
    // before
    func.func @main(%past: tensor<?x?x32xf32>, %new: tensor<?x?x32xf32>) -> tensor<?x?x32xf32> {
      %0 = onnx.Concat(%past, %new) {axis = 1 : i64} : ...
    // after
    func.func @main(%past: tensor<?x?x32xf32> {trine.state = {axis = 1, pair = 0, rule = "append"}}, %new: tensor<?x?x32xf32>)
        -> (tensor<?x?x32xf32> {trine.state = {axis = 1, pair = 0, rule = "append"}}) {
    ```
  }];
  let statistics = [Statistic<"numAppended", "num-appended", "Pairs whose rows grow">,
                    Statistic<"numReplaced", "num-replaced", "Pairs that are replaced as a whole">,
                    Statistic<"numMissed", "num-missed", "Pairs nearly recognised">];
}

#endif
