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

def TrineRecacheLatent : Pass<"trine-recache-latent", "func::FuncOp"> {
  let summary = "Cache latents instead of keys and values of every head";
  let description = [{
    A `trine.mla.attention` whose model caches expanded keys and values makes them from latents that it forgets. This pass makes the model cache
    the latent and the rotated part of the key instead: the function's inputs and outputs change. What was the cached keys becomes the
    latents [batch, rows, rank], named with `.latent` behind it, and what was the values becomes the rotated parts [batch, rows, rope], with `.rope`.
    The attention goes over latents then, and its form is open.

    ```mlir
    func.func @main(%k: tensor<?x4x?x24xf32> {onnx.name = "past.key"}, %v: tensor<?x4x?x16xf32> {onnx.name = "past.value"}, ...) {
      %o, %lse, %present:2 = trine.mla.attention query(...) cache(%c, %kr : ...) ... past(%k, %v : ...) ... form decompressed ...
    // becomes
    func.func @main(%k: tensor<?x?x32xf32> {onnx.name = "past.key.latent"}, %v: tensor<?x?x8xf32> {onnx.name = "past.value.rope"}, ...) {
      %all = tensor.insert_slice %c into ...
      %o, %lse = trine.mla.attention query(...) cache(%all, %allRope : ...) ... form by_shape ...
    ```

    A site is left where a cache is no input, is read elsewhere, or its next one is not an output alone.
  }];
  let statistics = [Statistic<"numRecached", "recached", "Attentions whose cache became latents">];
  let dependentDialects = ["arith::ArithDialect", "tensor::TensorDialect"];
}

def TrineFuseLatentDecompression : Pass<"trine-fuse-latent-decompression", "func::FuncOp"> {
  let summary = "Choose the form of each attention on a latent";
  let description = [{
    A `trine.mla.attention` becomes absorbed (queries are projected onto the latent, which all heads attend to, and the weighted sum is projected
    to values; keys and values are never made), decompressed (keys and values of every head are made first), or both under a
    condition on the number of new tokens S and of latent rows T. The weights of queries and of keys are never multiplied with each other: their
    product has a larger rank.

    The choice is a cost model's (include/trine/Passes/LatentAttentionCost.h) from the site's sizes and the machine's figures. If one
    form is the best at every admissible shape, within `tolerance` of its time, it is the only one; where S is always 1, say. Otherwise the condition
    is S * (T + offset) < limit * T, with two numbers that follow the model's crossover.

    ```mlir
    %o, %lse = trine.mla.attention query(%qn, %qr : ...) cache(%c, %kr : ...) weights(%uk, %uv : ...) ... form by_shape -> ...
    // becomes
    %few = arith.cmpi slt, %left, %right : index
    %o = scf.if %few -> (tensor<?x4x?x16xf32>) {
      %a, %lse = trine.mla.attention ... form absorbed -> ...
      scf.yield %a : tensor<?x4x?x16xf32>
    } else {
      %d, %lse = trine.mla.attention ... form decompressed -> ...
      scf.yield %d : tensor<?x4x?x16xf32>
    }
    ```
  }];
  let options = [Option<"form", "form", "std::string", "\"auto\"", "auto, absorbed, decompressed or by-shape">,
                 Option<"gigaflops", "gigaflops", "double", "200", "What the machine computes in f32 and f64, 10^9 FLOP per second">,
                 Option<"gigaflopsHalf", "gigaflops-half", "double", "200", "The same in 16-bit types">,
                 Option<"gigabytes", "gigabytes", "double", "20", "What the machine reads from memory, 10^9 bytes per second">,
                 Option<"tolerance", "tolerance", "double", "0.05", "How much slower a form may be that is taken at every shape">];
  let statistics = [Statistic<"numAbsorbed", "absorbed", "Sites that are always absorbed">,
                    Statistic<"numDecompressed", "decompressed", "Sites that are always decompressed">,
                    Statistic<"numByShape", "by-shape", "Sites with both forms">];
  let dependentDialects = ["arith::ArithDialect", "scf::SCFDialect", "tensor::TensorDialect"];
}

def TrineScheduleExpertGroups : Pass<"trine-schedule-expert-groups", "func::FuncOp"> {
  let summary = "Write the experts of a layer as grouped products";
  let description = [{
    `trine.moe.experts` becomes a sort of the slots by expert, one grouped product for gate and up with the activation, one for the result, and a weighted sum in slot
    order. Products gather their rows as they read them, so nothing is computed or read for an expert that no token chose. How the rows of an expert are cut is
    decided in the kernel, by how many there are. The halves of `w_gate_up` become weight[e, 0] and weight[e, 1], whatever their layout was: for weights
    in files this changes where bytes are put at compile time, nothing more. A remark says how many rows an expert can expect and what a step reads.

    ```mlir
    %y = trine.moe.experts %x routed(%ids, %w ...) weights(%gu, %d ...) activation silu_gated gate_up concatenated
    // becomes
    %order, %offsets, %position = trine.moe.group %ids experts 8
    %h = trine.moe.grouped_matmul %x, %offsets, %gu2 order(%order) slots 3 activation silu_gated tiles columns_first
    %o = trine.moe.grouped_matmul %h, %offsets, %d tiles columns_first
    %y = trine.moe.combine %o, %position, %w
    ```
  }];
  let statistics = [Statistic<"numScheduled", "num-scheduled", "Layers of experts scheduled">];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect", "tensor::TensorDialect"];
}

def TrineDecomposeComposites : Pass<"trine-decompose-composites", "func::FuncOp"> {
  let summary = "Lower trine ops to linalg on tensors";
  let description = [{
    Every raised op that is still there (norms, rotary embeddings, attention, hashes, lookups, gates, convolutions, mixing, sums over experts)
    becomes linalg in destination style; what linalg cannot say becomes scf loops over tensors. Numerics are those of the op's text. This
    is the plain way down, for ops that no schedule took. Routes, groups and grouped products stay, because they have kernels of their own; checks of
    their operands are written here.

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

    Sequences of one step may have different lengths (`trine.ragged`) where nothing but attention with a causal mask uses what is read: its `offset` becomes
    the lengths before the step, so each sequence's queries see its own keys. Otherwise a remark names the op that needs one length.

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
  let options = [Option<"ragged", "ragged", "bool", "true", "Let sequences of a step have different lengths where that can be">];
  let statistics = [Statistic<"numAppended", "num-appended", "States that grow">,
                    Statistic<"numReplaced", "num-replaced", "States that are replaced">];
  let dependentDialects = ["::mlir::trine::TrineDialect", "arith::ArithDialect", "linalg::LinalgDialect", "math::MathDialect", "tensor::TensorDialect"];
}

#endif
