// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical form, and the recognition of norms and rotary embeddings.
#ifndef TRINE_PASSES_RAISE_NORMALIZEPASSES
#define TRINE_PASSES_RAISE_NORMALIZEPASSES

include "mlir/Pass/PassBase.td"

def TrineNormalizeONNX : Pass<"trine-normalize-onnx", "::mlir::func::FuncOp"> {
  let summary = "Brings onnx ops to the form that recognition relies on";
  let description = [{
    One walk over the function; time is linear in its ops. Every rewrite keeps all results bit for bit, -0, infinities and NaN
    included (which NaN may change). Bodies of If, Loop and Scan are brought to the form, too; the branch that an If outside of them always takes
    stands in its place. Left afterwards:

    - Views. `Reshape` (allowzero 1) is the only op that changes sizes alone, for Unsqueeze, Squeeze and Flatten too; one of one, never to
      the same sizes; its target is a constant with at most one -1 where one size at most is no number. One Transpose of one, always with
      `perm`, never of dimensions of size 1 alone (that is a Reshape), never between Reshapes that join and part dimensions again. `Expand`
      of one, never to the same sizes; Tile of known counts is Reshape(Expand(Reshape)).
    - Filled tensors. ConstantOfShape, and any Expand of one number, is `Expand(constant of rank 0, sizes)`, or a constant up to 1 KiB.
    - Cuts. `Slice` has one axis, not negative, with `axes` and `steps` given as constants. Where the axis's size is a number, forward
      positions are in [0, size]; otherwise the end of the axis is 2^63 - 1, and negative constants stay. No Slice of all; one of one along
      an axis where positions are numbers; none of a Concat along its axis at the borders of parts or within one. Split of sizes that do not hang
      on data is Slices. Gather of rows that constants name, upwards one by one, is a Slice (and a Reshape).
    - Joins. Concat has an axis that is not negative, no empty parts, two parts or more, and no parts that were neighbours in one tensor.
      Element-wise work with numbers on Concat(x, x) is Concat of the work with itself; so is a Reshape that moves sizes of 1 only.
    - Axes in attributes are counted from the first dimension (but those of OneHot).
    - ScatterND of whole rows, and ScatterElements along one axis, over a contiguous range inside of the data is Concat(before, updates, after).
    - Operands. Constants, then initialisers, are last in commutative ops with two operands and comparisons. Pow(x, 2) is Mul(x, x),
      Reciprocal(x) is Div(1, x), Sum of two is Add, CastLike is Cast. x * 1, x / 1, integers + 0 and - 0, `and` true, `or` false are gone,
      and so are Identity, Dropout, and Min, Max, Sum, Mean of one.
    - Casts. None to the same type, none that widens and comes back, none of a bool on the way to another type; those of constants are
      made. Others between floats round and stay.
    - Conditions. Where(Not(c), a, b) is Where(c, b, a); Not of Not is gone; Not of a comparison of integers is the opposite comparison.
    - Broadcasting. No Expand of an operand whose op broadcasts to the same sizes without it (element-wise; batch dimensions of MatMul).
      Otherwise an Expand follows element-wise work with numbers, and reductions over other axes.
    - Sizes. An integer tensor whose elements follow from sizes of arguments is made at the function's entry, once for equal elements.
      No Shape of another value is left for that. Integer tensors of known numbers are constants.
    - Constants stand at the entry, equal ones once. Ops without uses are gone.

    ```mlir
    // before
    %0 = onnx.Pow(%x, %two) : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
    %1:2 = onnx.Split(%0, %none) {axis = -1 : i64, num_outputs = 2 : i64} : (tensor<?x8xf32>, none) -> (tensor<?x4xf32>, tensor<?x4xf32>)
    // after
    %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    %1 = onnx.Slice(%0, %c0, %c4, %c1, %c1) : ... -> tensor<?x4xf32>
    %2 = onnx.Slice(%0, %c4, %c8, %c1, %c1) : ... -> tensor<?x4xf32>
    ```
  }];
  let statistics = [Statistic<"numRewritten", "num-rewritten", "Ops that other ops replaced">];
}

def TrineRaiseRMSNorm : Pass<"trine-raise-rms-norm", "::mlir::func::FuncOp"> {
  let summary = "Recognises root-mean-square normalisations";
  let description = [{
    A value multiplied by the inverse root of its mean square over the last dimension becomes `trine.rms_norm`: from ReduceMean, ReduceSum
    with a division by the count, or ReduceSumSquare; Sqrt with Div, 1/Sqrt or Pow(-0.5); a weight in front, behind, or none; the cast back to f16 or
    bf16 before or behind the weight; and from RMSNormalization, SimplifiedLayerNormalization and SkipSimplifiedLayerNormalization. Not
    taken, with a remark: inner values that are used elsewhere, another value scaled than squared, an epsilon that is no
    constant, a root that is not that of the row. The op divides by the root with one rounding less than some forms; that is below the error of the sum.

    ```mlir
    // before
    %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
    %2 = onnx.Add(%1, %epsilon) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
    %4 = onnx.Div(%one, %3) : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    %5 = onnx.Mul(%x, %4) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
    %6 = onnx.Mul(%5, %w) : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    // after
    %6 = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast before_weight : tensor<?x8xf32>, tensor<8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::trine::TrineDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Norms recognised">, Statistic<"numMissed", "num-missed", "Near misses">];
}

def TrineRaiseRope : Pass<"trine-raise-rope", "::mlir::func::FuncOp"> {
  let summary = "Recognises rotary position embeddings";
  let description = [{
    Pairs of elements of the last dimension that are turned by a cosine and a sine become `trine.rope`: a·cos - b·sin joined with b·cos + a·sin, where
    the pairs are halves, evens and odds (by slices with step 2, or as complex numbers [..., m, 2]), written where they were read or
    evens in front; x·cos + Concat(-b, a)·sin; the operators of ai.onnx and com.microsoft. Tables stay values; those that hold every number
    twice (Concat(x, x), or x repeated in place) are taken once, through casts, factors, rows and the cosine itself. Elements behind a
    rotated prefix pass through the op. Not taken, with a remark: other signs, a second half of other values, tables whose halves
    are not seen to be equal, inner values that are used elsewhere.

    ```mlir
    // before
    %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : ... -> tensor<?x4x?x4xf32>
    %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : ... -> tensor<?x4x?x4xf32>
    %re = onnx.Sub(onnx.Mul(%a, %cos), onnx.Mul(%b, %sin))
    %im = onnx.Add(onnx.Mul(%b, %cos), onnx.Mul(%a, %sin))
    %y = onnx.Concat(%re, %im) {axis = 3 : i64} : ... -> tensor<?x4x?x8xf32>
    // after
    %y = trine.rope %x, %cos, %sin pairing interleaved layout permuted begin 0 : tensor<?x4x?x8xf32>, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::trine::TrineDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Rotary embeddings recognised">, Statistic<"numMissed", "num-missed", "Near misses">];
}

#endif
