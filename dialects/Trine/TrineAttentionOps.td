// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention: general, on a latent cache, and the join of partial results.
#ifndef TRINE_DIALECT_TRINE_TRINEATTENTIONOPS
#define TRINE_DIALECT_TRINE_TRINEATTENTIONOPS

def Trine_AttentionOp : Trine_TensorOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "Scaled dot-product attention with log-sum-exp";
  let description = [{
    s = scale · Σ_p query_p · key_pᵀ; s = soft_cap · tanh(s / soft_cap) if given; output = softmax(s + mask) · value; lse = log Σ exp(s + mask)

    Sizes: query_p [B, H, S, K_p], key_p [B, G_p, T, K_p], value [B, G_0, T, V] with H a multiple of every G_p (query head h reads head
    h / (H / G_p) of key p); output [B, H, S, V]; lse [B, H, S] in f32. There is one part, `query` and `key`, or several: `more_queries` and
    `more_keys`, whose scores are added. So a rotary key that all heads share, or a latent that is key and value, stays where it lies.
    `causal`: query i sees keys j <= i + offset, `offset` (i64, a scalar or [B], one for each sequence) defaulting to T - S. So sequences of
    different lengths are in one batch where `offset` is their lengths before the new rows: keys behind a sequence's own are never seen.
    `additive`: `mask` broadcasts to [B, H, S, T].
    `masked_row` says what a query that the mask leaves without keys gives: zeros, the mean of all values, or NaN; where T is 0 the output is 0.
    Scores, weights and sums are in f32 (f64 for f64); only the results are rounded.

    `partial` [P, B, H, S, V], whose contents are not read, asks for parts to be joined later: the keys are cut into P ranges of
    64 · ceil(T / (64 · P)) keys, the last ones shorter, and part p of the results, output [P, B, H, S, V] in f32 (f64 for f64) and lse
    [P, B, H, S], is the attention to range p alone. A row that sees no key of a range has lse -infinity there and an output of 0; with
    `uniform`, the mean of the range's values if it sees no key at all.

    Constraints:
    - attention_c1: queries, keys and value have rank 4;
    - attention_c2: B agrees in all, H and S in the queries, T in keys and value, G in `key` and `value`, K in the query and the key of a part;
    - attention_c3: H is a multiple of every key's heads;
    - attention_c4: `mask` is given exactly with `additive`, `offset` only with `causal`, as a scalar or [B];
    - attention_c5: `output` is [B, H, S, V] and `lse` [B, H, S]; with `partial` both have P in front;
    - attention_c6: `soft_cap` is positive;
    - attention_c7: `mask` broadcasts to [B, H, S, T];
    - attention_c8: queries, keys, value and output have one element type; with `partial` the output has its type, f32 or for f64 f64;
    - attention_c9: there are as many `more_queries` as `more_keys`.

    ```mlir
    %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%k : tensor<?x2x?x24xf32>) value(%v : tensor<?x2x?x16xf32>)
      scale 2.0e-1 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
    %p, %lse1 = trine.attention query(%qc, %qr : tensor<?x4x?x32xf32>, tensor<?x4x?x8xf32>)
      key(%c, %kr : tensor<?x1x?x32xf32>, tensor<?x1x?x8xf32>) value(%c : tensor<?x1x?x32xf32>)
      scale 2.0e-1 mask causal masked_row zero -> tensor<?x4x?x32xf32>, tensor<?x4x?xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$query, RankedTensorOf<[AnyFloat]>:$key, RankedTensorOf<[AnyFloat]>:$value,
                   Optional<RankedTensorOf<[AnyFloat]>>:$mask, Optional<TensorRankOf<[I64], [0, 1]>>:$offset,
                   Optional<RankedTensorOf<[F32, F64]>>:$partial, Variadic<RankedTensorOf<[AnyFloat]>>:$more_queries,
                   Variadic<RankedTensorOf<[AnyFloat]>>:$more_keys, F64Attr:$scale, Trine_MaskKindAttr:$mask_kind, Trine_MaskedRowAttr:$masked_row, OptionalAttr<F64Attr>:$soft_cap);
  let results = (outs RankedTensorOf<[AnyFloat]>:$output, RankedTensorOf<[F32]>:$lse);
  let assemblyFormat = [{
    `query` `(` $query (`,` $more_queries^)? `:` type($query) (`,` type($more_queries)^)? `)`
    `key` `(` $key (`,` $more_keys^)? `:` type($key) (`,` type($more_keys)^)? `)` `value` `(` $value `:` type($value) `)`
    (`mask_values` `(` $mask^ `:` type($mask) `)`)? (`offset` `(` $offset^ `:` type($offset) `)`)?
    (`partial` `(` $partial^ `:` type($partial) `)`)?
    `scale` $scale `mask` $mask_kind `masked_row` $masked_row (`soft_cap` $soft_cap^)? attr-dict `->` type($output) `,` type($lse)
  }];
  let extraClassDeclaration = [{
    /// `query` and `more_queries`: [B, H, S, K_p] of every part p.
    SmallVector<Value> getQueryParts();
    /// `key` and `more_keys`: [B, G_p, T, K_p] of every part p.
    SmallVector<Value> getKeyParts();
    /// With `partial`: the keys of a range, all but the last ones of which
    /// have this many, for `keys` keys in `parts` ranges. A multiple of this.
    static constexpr int64_t kRangeUnit = 64;
    static int64_t keysOfRange(int64_t keys, int64_t parts) {
      int64_t units = kRangeUnit * (parts < 1 ? 1 : parts);
      return (keys + units - 1) / units * kRangeUnit;
    }
  }];
  let builders = [
    // One query and key.
    OpBuilder<(ins "Type":$output, "Type":$lse, "Value":$query, "Value":$key, "Value":$value, "Value":$mask, "Value":$offset, "APFloat":$scale,
               "MaskKind":$maskKind, "MaskedRow":$maskedRow, "FloatAttr":$softCap)>
  ];
  let hasVerifier = 1;
}

def Trine_MLAAttentionOp : Trine_TensorOp<"mla.attention", [AttrSizedOperandSegments]> {
  let summary = "Multi-head latent attention";
  let description = [{
    k_nope = latent · w_uk, v = latent · w_uv per head; s = scale · (q_nope · k_nopeᵀ + q_rope · k_ropeᵀ); s = soft_cap · tanh(s / soft_cap) if given;
    output = softmax(s + mask) · v

    Sizes: q_nope [B, H, S, N], q_rope [B, H, S, P], latent [B, T, R], k_rope [B, T, P], w_uk [R, H, N], w_uv [R, H, V]; output [B, H, S, V], lse
    [B, H, S]. `decompressed` computes as written; `absorbed` computes (q_nope · w_ukᵀ) · latentᵀ and (p · latent) · w_uv, which never makes keys or
    values; `by_shape` lets the plan choose by S and T at run time. The forms differ in rounding only. (DeepSeek-V2, arXiv 2405.04434.)

    A model may cache keys and values instead of the latent. Then `past` are the cached keys [B, H, C, N + P] and values [B, H, C, V] of earlier
    rows; latent and k_rope have the new rows alone; the attention goes over all C + T rows; and two more results, `present`, are the cache with
    the new rows behind it: keys [k_nope, k_rope] (with `rope_first`: [k_rope, k_nope]) and values. Mask and offset mean C + T keys then.

    Constraints:
    - mla_c1: ranks are 4, 4, 3, 3, 3, 3 in the order above;
    - mla_c2: B, H and S agree in q_nope and q_rope, B and T in latent and k_rope;
    - mla_c3: the latent rank R agrees in latent, w_uk and w_uv;
    - mla_c4: H and N agree in q_nope and w_uk, H in w_uv, P in q_rope and k_rope;
    - mla_c5: `mask` is given exactly with `additive`, `offset` only with `causal`, as a scalar or [B];
    - mla_c6: `output` is [B, H, S, V] and `lse` [B, H, S];
    - mla_c7: `past` and `present` are given together, two each; the form is `decompressed` then; `rope_first` needs them;
    - mla_c8: cached keys are [B, H, C, N + P] and values [B, H, C, V], `present` the same in all but dimension 2;
    - mla_c9: all operands but `mask` and `offset`, and all results but `lse`, have one element type;
    - mla_c10: `soft_cap` is positive.

    ```mlir
    %o, %lse = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
      weights(%uk, %uv : tensor<32x4x16xf32>, tensor<32x4x16xf32>) scale 2.0e-1 mask causal masked_row zero form by_shape
      -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$q_nope, RankedTensorOf<[AnyFloat]>:$q_rope, RankedTensorOf<[AnyFloat]>:$latent,
                   RankedTensorOf<[AnyFloat]>:$k_rope, RankedTensorOf<[AnyFloat]>:$w_uk, RankedTensorOf<[AnyFloat]>:$w_uv,
                   Variadic<RankedTensorOf<[AnyFloat]>>:$past, Optional<RankedTensorOf<[AnyFloat]>>:$mask, Optional<TensorRankOf<[I64], [0, 1]>>:$offset,
                   F64Attr:$scale, Trine_MaskKindAttr:$mask_kind, Trine_MaskedRowAttr:$masked_row, Trine_LatentFormAttr:$form, UnitAttr:$rope_first, OptionalAttr<F64Attr>:$soft_cap);
  let results = (outs RankedTensorOf<[AnyFloat]>:$output, RankedTensorOf<[F32]>:$lse, Variadic<RankedTensorOf<[AnyFloat]>>:$present);
  let assemblyFormat = [{
    `query` `(` $q_nope `,` $q_rope `:` type($q_nope) `,` type($q_rope) `)` `cache` `(` $latent `,` $k_rope `:` type($latent) `,` type($k_rope) `)`
    `weights` `(` $w_uk `,` $w_uv `:` type($w_uk) `,` type($w_uv) `)` (`past` `(` $past^ `:` type($past) `)`)? (`rope_first` $rope_first^)?
    (`mask_values` `(` $mask^ `:` type($mask) `)`)? (`offset` `(` $offset^ `:` type($offset) `)`)?
    `scale` $scale `mask` $mask_kind `masked_row` $masked_row (`soft_cap` $soft_cap^)? `form` $form attr-dict `->` type($output) `,` type($lse)
    (`present` `(` type($present)^ `)`)?
  }];
  let hasVerifier = 1;
}

def Trine_MergeOp : Trine_TensorOp<"merge", [SameVariadicOperandSize]> {
  let summary = "Joins partial attentions by their log-sum-exp";
  let description = [{
    lse = log Σᵢ exp(lseᵢ); output = Σᵢ exp(lseᵢ - lse) · outputᵢ

    The result of attending to several disjoint sets of keys. A part whose lse is -infinity adds nothing.

    Constraints:
    - merge_c1: there are as many outputs as lses, at least one;
    - merge_c2: all outputs have the result's type, all lses that of the result lse;
    - merge_c3: an lse has the sizes of an output without its last dimension.

    ```mlir
    %o, %lse = trine.merge outputs(%o0, %o1 : tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) lses(%l0, %l1 : tensor<?x4x?xf32>, tensor<?x4x?xf32>)
      -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
    ```
  }];
  let arguments = (ins Variadic<RankedTensorOf<[AnyFloat]>>:$outputs, Variadic<RankedTensorOf<[F32]>>:$lses);
  let results = (outs RankedTensorOf<[AnyFloat]>:$output, RankedTensorOf<[F32]>:$lse);
  let assemblyFormat = [{
    `outputs` `(` $outputs `:` type($outputs) `)` `lses` `(` $lses `:` type($lses) `)` attr-dict `->` type($output) `,` type($lse)
  }];
  let hasVerifier = 1;
}

#endif
