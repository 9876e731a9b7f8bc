// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_PASSES_RAISE_PASSES
#define TRINE_PASSES_RAISE_PASSES

include "mlir/Pass/PassBase.td"
include "NormalizePasses.td"
include "RaiseAttentionPasses.td"
include "RaiseEngramPasses.td"
include "RaiseExpertsPasses.td"

def ConvertONNXToLinalg : Pass<"trine-convert-onnx-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "Lowers every onnx op to linalg on tensors";
  let description = [{
    Walks the function once, in order, and builds its new body. Element-wise work, reductions and products become linalg in
    destination style; what linalg cannot say (sorting, scatters, prefix sums) becomes scf loops over tensors. Sizes come from the
    shape analysis: one `tensor.dim` per symbol at the function's entry, index arithmetic on these, so that ONNX computations of
    shapes vanish. f16 and bf16 are computed in f32 and rounded after each ONNX op; sums accumulate in f32 (f64 for f64).
    Unsigned integers become signless. Initialisers become `trine.weight`.

    All ops that cannot be lowered are reported, then the pass fails.

    ```mlir
    // before
    %0 = onnx.Relu(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    // after
    %n = tensor.dim %x, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %0 = linalg.generic {...} ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {...} -> tensor<?x4xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::trine::TrineDialect"
  ];
}

def InferONNXShapes : Pass<"trine-infer-onnx-shapes", "::mlir::func::FuncOp"> {
  let summary = "Infers types of onnx ops and reports symbolic shapes";
  let description = [{
    Runs the shape analysis over a function of onnx ops: element types, ranks and static sizes of all results are inferred anew and
    set, and the function's type follows. Operands that contradict each other are errors. With `print-shapes` each op gets a remark
    with the symbolic shape of its results, and the elements (or bounds of the elements) of integer results where they are known;
    with `print-symbols` each symbol and each assumption about sizes gets one.

    ```mlir
    // before
    func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["batch", 4]}) -> tensor<?x?xf32> {
      %0 = onnx.Relu(%x) : (tensor<?x4xf32>) -> tensor<?x?xf32>
      return %0 : tensor<?x?xf32>
    }
    // after, with the remark "[batch, 4]"
    func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["batch", 4]}) -> tensor<?x4xf32> {
      %0 = onnx.Relu(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let options = [
    Option<"printShapes", "print-shapes", "bool", "false", "Remark on every op with the shapes of its results">,
    Option<"printSymbols", "print-symbols", "bool", "false", "Remark on every symbol and every assumed equality of sizes">
  ];
  let statistics = [Statistic<"numAssumptions", "num-assumptions", "Pairs of sizes assumed to be equal">];
}

def DecomposeONNX : Pass<"trine-decompose-onnx", "::mlir::func::FuncOp"> {
  let summary = "Replaces composite onnx ops by simpler ones";
  let description = [{
    Attention, RotaryEmbedding (also of com.microsoft), NGramHashMapping, EngramGate and MoE become products, element-wise work,
    softmax, gathers and top-k of the onnx dialect, with their types and symbolic sizes. Numerics are those of the operators'
    definitions; query heads that share a key head share it without a copy.

    Modes that no decomposition covers are reported, then the pass fails.

    ```mlir
    // before
    %0 = onnx.RotaryEmbedding(%x, %cos, %sin, %none) : (tensor<1x4x?x8xf32>, tensor<1x?x4xf32>, tensor<1x?x4xf32>, none) -> tensor<1x4x?x8xf32>
    // after (shortened)
    %a = onnx.Slice(%x, ...)
    %b = onnx.Slice(%x, ...)
    %r = onnx.Sub(onnx.Mul(%c, %a), onnx.Mul(%s, %b))
    %i = onnx.Add(onnx.Mul(%s, %a), onnx.Mul(%c, %b))
    %0 = onnx.Concat(%r, %i) {axis = 3 : i64}
    ```
  }];
  let statistics = [Statistic<"numDecomposed", "num-decomposed", "Composite ops replaced">];
}

def FoldWeightViews : Pass<"trine-fold-weight-views", "::mlir::func::FuncOp"> {
  let summary = "Makes transposed, sliced, reshaped and joined weights at compile time";
  let description = [{
    What Transpose, Slice, Reshape and Concat make of initialisers alone becomes `trine.assembled_weight`: boxes of the model's files, which the package
    writer copies once, without holding the weight in memory. Views that cost nothing later stay as they are: contiguous ranges, and matrices that are
    transposed for a product. A part of a weight that is also used as a whole is not stored a second time; joined weights always are.

    ```mlir
    // before
    %t = onnx.Transpose(%gate) {perm = array<i64: 1, 0>} : (tensor<64x32xf32>) -> tensor<32x64xf32>
    %u = onnx.Transpose(%up) {perm = array<i64: 1, 0>} : (tensor<64x32xf32>) -> tensor<32x64xf32>
    %w = onnx.Concat(%t, %u) {axis = 0 : i64} : (tensor<32x64xf32>, tensor<32x64xf32>) -> tensor<64x64xf32>
    // after
    %w = trine.assembled_weight "gate" [#trine.piece<"m.onnx" at 0 strides [1, 32] into [0, 0] sizes [32, 64]>, ...] : tensor<64x64xf32>
    ```
  }];
  let statistics = [Statistic<"numFolded", "num-folded", "Weights assembled">];
  let dependentDialects = ["::mlir::trine::TrineDialect"];
}

def CheckLevelONNX : Pass<"trine-check-level-onnx"> {
  let summary = "Checks that a module is at the onnx level";
  let description = [{
    The border of the onnx level: builtin.module, func, and the onnx dialect are legal. Names the first op that is not, with its
    location. Changes nothing.
  }];
}

def CheckLevelTrine : Pass<"trine-check-level-trine"> {
  let summary = "Checks that a module is at the trine level";
  let description = [{
    The border of the trine level: builtin.module, func, linalg, tensor, arith, math, scf and the trine dialect are legal, on
    tensors, integers, floats and indices. Names the first op or type that is not, with its location. Changes nothing.
  }];
}

#endif
