// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Normalisation and rotary embedding.
#ifndef TRINE_DIALECT_TRINE_TRINENORMOPS
#define TRINE_DIALECT_TRINE_TRINENORMOPS

def Trine_RMSNormOp : Trine_TensorOp<"rms_norm", [AllTypesMatch<["input", "result"]>]> {
  let summary = "Root-mean-square normalisation over the last dimension";
  let description = [{
    result = input · rsqrt(mean(input²) + epsilon) · weight

    The mean runs over the last dimension in `compute_type`; if that has 16 bits, the sum is in f32 and each step (squares, mean, + epsilon, root, quotient, the
    normalised input) is rounded to it. With `before_weight` the normalised input is rounded to the result type and then multiplied
    (Llama, DeepSeek); with `after_weight` the product is rounded once.

    Constraints:
    - rms_norm_c1: `weight` has rank 1 and the size of `input`'s last dimension;
    - rms_norm_c2: `epsilon` is not negative;
    - rms_norm_c3: `compute_type` is a float at least as wide as `input`'s element type;
    - rms_norm_c4: `input` has rank 1 or more.

    ```mlir
    %y = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast before_weight : tensor<?x?x64xbf16>, tensor<64xbf16>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input, Optional<RankedTensorOf<[AnyFloat]>>:$weight, F64Attr:$epsilon, TypeAttrOf<AnyFloat>:$compute_type,
                   Trine_CastPositionAttr:$cast);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $input (`,` $weight^)? `epsilon` $epsilon `compute` $compute_type `cast` $cast attr-dict `:` type($input) (`,` type($weight)^)?
  }];
  let hasVerifier = 1;
}

def Trine_RopeOp : Trine_TensorOp<"rope", [AllTypesMatch<["input", "result"]>]> {
  let summary = "Rotary position embedding";
  let description = [{
    (a', b') = (a·cos - b·sin, b·cos + a·sin) for each pair (a, b) of input[..., begin : begin + 2m], m = the tables' last size; other elements pass.

    `half` pairs element i with i + m, `interleaved` 2i with 2i + 1. `in_place` writes a pair where it was read; `permuted` writes all a' first, then all b'
    (what strided exports of interleaved models leave in the cache). Tables broadcast to the leading dimensions of `input`. Products and sums are each
    rounded to the result's type.

    Constraints:
    - rope_c1: `cos` and `sin` have the same type;
    - rope_c2: [begin, begin + 2m) lies within the last dimension;
    - rope_c3: the tables' rank is at most that of `input`, and their leading sizes are 1 or those of `input`, aligned at the end.

    ```mlir
    %y = trine.rope %x, %cos, %sin pairing interleaved layout in_place begin 0 : tensor<?x4x?x8xf32>, tensor<?x1x?x4xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input, RankedTensorOf<[AnyFloat]>:$cos, RankedTensorOf<[AnyFloat]>:$sin, Trine_RopePairingAttr:$pairing,
                   Trine_RopeLayoutAttr:$layout, I64Attr:$begin);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $input `,` $cos `,` $sin `pairing` $pairing `layout` $layout `begin` $begin attr-dict `:` type($input) `,` type($cos) `,` type($sin)
  }];
  let hasVerifier = 1;
}

#endif
