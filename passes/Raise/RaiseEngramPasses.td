// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recognition of Engram and hyper-connections.
#ifndef TRINE_PASSES_RAISE_RAISEENGRAMPASSES
#define TRINE_PASSES_RAISE_RAISEENGRAMPASSES

include "mlir/Pass/PassBase.td"

class TrineRaiseEngramPass<string argument, string what> : Pass<argument, "::mlir::func::FuncOp"> {
  let statistics = [
    Statistic<"numRaised", "num-raised", what # " recognised">,
    Statistic<"numMissed", "num-missed", "Structures that only looked like one">
  ];
  let dependentDialects = ["::mlir::trine::TrineDialect"];
}

def TrineRaiseEngramHash : TrineRaiseEngramPass<"trine-raise-engram-hash", "Hashes"> {
  let summary = "Recognises n-gram hashes";
  let description = [{
    Integer work of the form Mod(Mul(token, m0) xor Mul(token one place back, m1) ..., p) + offset, for all columns of a hash, becomes one
    trine.engram.hash. Tokens some places back are slices of Concat(history, tokens), of tokens padded at the front, or the tokens
    themselves; columns may be made one by one, as vectors, or by NGramHashMapping of com.microsoft; their tensor may be a Concat of
    columns, or each may serve a table of its own. Offsets may be missing, and be any numbers. A gather from a token map, slices that
    are the next history, and the replacement of tokens before a reset token are taken in.

    Exact in 64 bits. Walks back from every Mod once.

    ```mlir
    // before
    %cat = onnx.Concat(%history, %mapped) {axis = 1 : i64}
    %w1 = onnx.Slice(%cat, 1, seq + 1, 1, 1)
    %r = onnx.BitwiseXor(onnx.Mul(%mapped, 63280230511788609), onnx.Mul(%w1, 3996608348655193))
    %rows = onnx.Concat(onnx.Mod(%r, 211), onnx.Add(onnx.Mod(%r, 223), 211)) {axis = 2 : i64}
    // after
    %rows, %present = trine.engram.hash %ids history(%history) map(%map) order 2 heads 2 multipliers [...] moduli [211, 223] offsets [0, 211] ...
    ```
  }];
}

def TrineRaiseEngramLookup : TrineRaiseEngramPass<"trine-raise-engram-lookup", "Lookups"> {
  let summary = "Recognises lookups of hashed rows";
  let description = [{
    A Gather or GatherND of rows of a table becomes trine.engram.lookup, if the row ids come from a trine.engram.hash, or if they are
    [B, S, C] ids whose C rows are joined afterwards (a model whose hashes are its inputs). Runs after trine-raise-engram-hash.

    ```mlir
    // before
    %e = onnx.Gather(%table, %rows) {axis = 0 : i64} : (tensor<890x16xf32>, tensor<?x?x4xi64>) -> tensor<?x?x4x16xf32>
    // after
    %e = trine.engram.lookup %rows, %table : tensor<?x?x4xi64>, tensor<890x16xf32> -> tensor<?x?x4x16xf32>
    ```
  }];
}

def TrineRaiseEngramGate : TrineRaiseEngramPass<"trine-raise-engram-gate", "Gates"> {
  let summary = "Recognises gates of Engram values";
  let description = [{
    Sigmoid(root(sum(norm(key) * norm(query)) / sqrt(D))) * value becomes trine.engram.gate: norms as trine.rms_norm, or as factors of the sum
    (before or after it); weights apart or multiplied into one; the signed root as Sign * Sqrt(max(Abs)), by a comparison, or missing.
    Streams are a dimension, or gates one by one, which are joined if all streams of a tensor are there. EngramGate of com.microsoft
    too. Runs after trine-raise-rms-norm. The order of multiplications may change; no rounding to a shorter type is skipped.

    ```mlir
    // before
    %g = onnx.Div(onnx.ReduceSum(onnx.Mul(%kn, %qn), -1), 8.0)
    %s = onnx.Sigmoid(onnx.Mul(onnx.Sign(%g), onnx.Sqrt(onnx.Clip(onnx.Abs(%g), 1.0e-6))))
    %u = onnx.Mul(%s, %v)
    // after
    %u = trine.engram.gate %k, %q, %v weights(%kw, %qw) epsilon 1.0e-5 root sign floor 1.0e-6
    ```
  }];
}

def TrineRaiseEngramConv : TrineRaiseEngramPass<"trine-raise-engram-conv", "Convolutions"> {
  let summary = "Recognises causal depthwise convolutions with state";
  let description = [{
    Conv with one channel per group over Concat(state, x), where the state has (taps - 1) * dilation rows, becomes trine.engram.conv, with the
    Transposes around it, the slice that is the next state, and a bias after it. Without a state, zeros before the first row (from Conv's
    pads or a Pad) are one. Products and sums are those of Conv.

    ```mlir
    // before
    %c = onnx.Concat(%state, %x) {axis = 1 : i64}
    %y = onnx.Transpose(onnx.Conv(onnx.Transpose(%c), %w) {dilations = [3], group = 64}) {perm = [0, 2, 1]}
    // after
    %y, %present = trine.engram.conv %x, %state, %w dilation 3
    ```
  }];
}

def TrineRaiseHyperConnections : TrineRaiseEngramPass<"trine-raise-hyper-connections", "Sites"> {
  let summary = "Recognises manifold-constrained hyper-connections";
  let description = [{
    The weights of a hyper-connection site (a projection of all streams divided by their root mean square; sigmoids for what is read and
    written; a softmax and unrolled Sinkhorn rounds for the matrix between streams) become trine.hyper.mix, the sum that writes the streams
    after the sub-layer trine.hyper.combine. Anchored on the softmax; rounds are counted.

    ```mlir
    // before
    %z = onnx.Mul(onnx.MatMul(%v, %p), onnx.Div(1, onnx.Sqrt(onnx.Add(onnx.ReduceMean(onnx.Mul(%v, %v)), 1.0e-6))))
    %c = onnx.Add(onnx.Softmax(onnx.Reshape(onnx.Add(onnx.Slice(%z, 8, 24), %b2))), 1.0e-6)
    %c1 = onnx.Div(%c, onnx.Add(onnx.ReduceSum(%c, -2), 1.0e-6))
    ...
    // after
    %mixed, %post, %comb = trine.hyper.mix %h, %pt bias(%b) rounds 4 epsilon 1.0e-6 norm_epsilon 1.0e-6
    ...
    %h1 = trine.hyper.combine %h, %y post(%post) comb(%comb)
    ```
  }];
}

#endif
