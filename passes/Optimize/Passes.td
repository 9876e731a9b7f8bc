// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that rewrite the linalg level.
#ifndef TRINE_PASSES_OPTIMIZE_PASSES
#define TRINE_PASSES_OPTIMIZE_PASSES

include "mlir/Pass/PassBase.td"

def TrineFuseElementwise : Pass<"trine-fuse-elementwise", "func::FuncOp"> {
  let summary = "Fuse element-wise ops into the ops that use them";
  let description = [{
    Named element-wise, broadcasting, transposing and reducing linalg ops become `linalg.generic`, unit dims are dropped, and element-wise
    producers are fused into element-wise and reducing consumers. A producer with one use is fused when no element is computed twice; one
    that costs next to nothing (a copy, a cast) also into several users or where it is broadcast. Work such as exp, division or a
    gather never moves into a loop with more iterations than its own. Matrix products and convolutions take no producers.
    Every rounding (truncf) stays where it is.

    ```mlir
    %a = linalg.generic ... ins(%x, %y : ...) { arith.mulf }
    %b = linalg.generic ... ins(%a, %z : ...) { arith.addf }
    // becomes
    %b = linalg.generic ... ins(%x, %y, %z : ...) { arith.mulf, arith.addf }
    ```
  }];
  let options = [Option<"maximumOperands", "maximum-operands", "unsigned", "24",
                        "No fusion that gives an op more inputs than this">,
                 Option<"maximumBody", "maximum-body", "unsigned", "96",
                        "No fusion that gives an op more scalar operations than this">];
  let dependentDialects = ["affine::AffineDialect", "arith::ArithDialect", "linalg::LinalgDialect", "tensor::TensorDialect"];
}

def TrineDecomposeComposites : Pass<"trine-decompose-composites", "func::FuncOp"> {
  let summary = "Lower trine ops to linalg on tensors";
  let description = [{
    Every raised op that is still there (norms, rotary embeddings, attention, routes, experts, hashes, lookups, gates, convolutions, mixing)
    becomes linalg in destination style; what linalg cannot say becomes scf loops over tensors. Numerics are those of the op's text. This
    is the plain way down, for ops that no schedule took.

    With `attention-kernels`, `trine.attention` stays an op where a kernel takes it as a whole: on ranges of keys that are joined afterwards by
    their log-sum-exp, so that few queries on a long past are work for many workgroups. Latent attention becomes one on several parts: on keys
    and values made from the latent, or on the latent itself.

    ```mlir
    %y = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast after_weight : tensor<?x64xf32>, tensor<64xf32>
    // becomes
    %s = linalg.generic ... iterator_types = ["parallel", "reduction"] ins(%x : ...) { mulf, addf }
    %y = linalg.generic ... ins(%x, %s, %w : ...) { divf, addf, math.rsqrt, mulf, mulf }
    ```
  }];
  let options = [Option<"attentionKernels", "attention-kernels", "bool", "false", "Keep attention as an op for a kernel of its own">];
  let statistics = [Statistic<"numDecomposed", "num-decomposed", "Composite ops replaced">];
  let dependentDialects = ["affine::AffineDialect", "arith::ArithDialect", "linalg::LinalgDialect", "math::MathDialect", "scf::SCFDialect", "tensor::TensorDialect"];
}

def TrinePromoteState : Pass<"trine-promote-state", "func::FuncOp"> {
  let summary = "Make past and present the state of a session";
  let description = [{
    Arguments and results that `trine-raise-state` paired become one state each, which the session keeps between steps: rows are appended where
    they will be read, so that a step copies nothing of the past. A fixed-size state (a history, a convolution's window) is replaced. All
    states that grow must grow by the same number of rows, from the same length. What cannot be promoted is an error: this pass runs when
    state is asked for.

    ```mlir
    func.func @main(%x: tensor<?x?x8xf32>, %past: tensor<?x?x8xf32> {trine.state = {axis = 1, pair = 0, rule = "append"}, ...})
        -> (tensor<?x?x8xf32> {trine.state = {axis = 1, pair = 0, rule = "append"}, ...}) {
      %a = tensor.insert_slice %past into %e[0, 0, 0] [%b, %p, 8] [1, 1, 1] : ...
      %present = tensor.insert_slice %new into %a[0, %p, 0] [%b, %s, 8] [1, 1, 1] : ...
    // becomes
    func.func @main(%x: tensor<?x?x8xf32>) {
      %s = trine.state.open "past" capacity 0 : !trine.state<tensor<?x?x8xf32>, axis 1>
      %s1 = trine.state.append %s, %new : !trine.state<tensor<?x?x8xf32>, axis 1>, tensor<?x?x8xf32>
      %present, %lengths = trine.state.read %s1 : !trine.state<tensor<?x?x8xf32>, axis 1> -> tensor<?x?x8xf32>, tensor<?xi64>
    ```
  }];
  let statistics = [Statistic<"numAppended", "num-appended", "States that grow">,
                    Statistic<"numReplaced", "num-replaced", "States that are replaced">];
  let dependentDialects = ["::mlir::trine::TrineDialect"];
}

#endif
