// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Engram: hashed n-gram memory, and hyper-connections that go with it.
#ifndef TRINE_DIALECT_TRINE_TRINEENGRAMOPS
#define TRINE_DIALECT_TRINE_TRINEENGRAMOPS

def Trine_EngramHashOp : Trine_TensorOp<"engram.hash", [AttrSizedOperandSegments]> {
  let summary = "Row ids of the hashed n-grams that end at each token";
  let description = [{
    w_s = map[id[t - s]], or `pad` before the history's begin; r_1 = w_0 · m_0; r_n = r_{n-1} xor (w_{n-1} · m_{n-1}), n = 2 .. N;
    rows[t, (n-2)·H + h] = r_n mod moduli[(n-2)·H + h] + offsets[(n-2)·H + h]

    Without a map ids are hashed as they are; one of 32 bits is widened. A negative id counts from the end of the map; one beyond either end is an error.

    int64 exactly: products wrap (`twos_complement`) or are known not to (`non_negative`), and the remainder is not negative. With `after_token` the
    token `reset_token` and everything before it count as `pad` for later tokens. `history` holds the N-1 mapped ids before the first token; `present` is
    the history after the last. (Engram, arXiv 2601.07372; N = max_order, H = heads.)

    Sizes: token_ids [B, S], history [B, N-1], token_map [V]; rows [B, S, (N-1)·H], present [B, N-1].

    Constraints:
    - hash_c1: token_ids and history have rank 2, token_map rank 1, and B agrees;
    - hash_c2: max_order is in [2, 64] and heads in [1, 65536];
    - hash_c3: there are max_order multipliers, and (max_order - 1) · heads moduli and offsets;
    - hash_c4: moduli are positive, offsets not negative;
    - hash_c5: history and present have max_order - 1 columns;
    - hash_c6: rows is [B, S, (max_order - 1) · heads];
    - hash_c7: `reset_token` is given exactly with `after_token`.

    ```mlir
    %rows, %present = trine.engram.hash %ids history(%h : tensor<?x2xi64>) map(%m : tensor<160xi64>) order 3 heads 2
      multipliers [63280230511788609, 3996608348655193, 29694298745574697] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661]
      pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I64]>:$token_ids, Optional<RankedTensorOf<[I64]>>:$history, Optional<RankedTensorOf<[I32, I64]>>:$token_map,
                   I64Attr:$max_order, I64Attr:$heads, DenseI64ArrayAttr:$multipliers, DenseI64ArrayAttr:$moduli, DenseI64ArrayAttr:$offsets, I64Attr:$pad,
                   Trine_HashResetAttr:$reset, OptionalAttr<I64Attr>:$reset_token, Trine_HashWrapAttr:$wrap);
  let results = (outs RankedTensorOf<[I64]>:$rows, RankedTensorOf<[I64]>:$present);
  let assemblyFormat = [{
    $token_ids (`history` `(` $history^ `:` type($history) `)`)? (`map` `(` $token_map^ `:` type($token_map) `)`)? `order` $max_order `heads` $heads
    `multipliers` $multipliers `moduli` $moduli `offsets` $offsets `pad` $pad `reset` $reset (`token` $reset_token^)? `wrap` $wrap attr-dict `:`
    type($token_ids) `->` type($rows) `,` type($present)
  }];
  let hasVerifier = 1;
}

def Trine_EngramLookupOp : Trine_TensorOp<"engram.lookup"> {
  let summary = "Reads table rows by their ids";
  let description = [{
    result[..., :] = table[rows[...], :], times scales[rows[...], i / (width / blocks)] for a table of 8-bit floats

    The table is a weight reference, never bytes in the IR, and may be larger than memory. A negative id counts from the end of the
    table; one beyond either end is an error. Sizes: rows [...], table
    [R, W], scales [R, W / 32] of 8-bit exponents; result [..., W].

    Constraints:
    - lookup_c1: table has rank 2, and result the rows' shape with W appended;
    - lookup_c2: `scales` is given exactly for tables of 8-bit floats, with R rows and a number of columns that divides W;
    - lookup_c3: without scales, the result has the table's element type.

    ```mlir
    %e = trine.engram.lookup %rows, %table : tensor<?x?x4xi64>, tensor<890x16xf32> -> tensor<?x?x4x16xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I64]>:$rows, RankedTensorOf<[AnyFloat]>:$table, Optional<RankedTensorOf<[AnyFloat]>>:$scales);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = "$rows `,` $table (`scales` `(` $scales^ `:` type($scales) `)`)? attr-dict `:` type($rows) `,` type($table) `->` type($result)";
  let hasVerifier = 1;
}

def Trine_EngramGateOp : Trine_TensorOp<"engram.gate", [AllTypesMatch<["key", "query", "result"]>]> {
  let summary = "Scales memory values by how well their keys fit the context";
  let description = [{
    g = ⟨norm(key)·key_weight, norm(query)·query_weight⟩ / sqrt(D); g = root(g); result = sigmoid(g) · value

    norm is the root-mean-square norm over D with `epsilon`. root(g) is sign(g)·sqrt(max(|g|, floor)) for `sign`, copysign(sqrt(max(|g|, floor)), g) for `copy_sign`,
    g for `none`. Per stream m; the value is shared. In f32.

    Sizes: key and query [B, S, M, D], value [B, S, D], weights [M, D]; result [B, S, M, D].

    Constraints:
    - gate_c1: ranks are 4, 4, 3, 2 and 2;
    - gate_c2: B, S and D of value, M and D of the weights agree with key;
    - gate_c3: epsilon and floor are not negative.

    ```mlir
    %u = trine.engram.gate %k, %q, %v weights(%kw, %qw : tensor<1x64xf32>, tensor<1x64xf32>) epsilon 1.0e-5 root sign floor 1.0e-6
      : tensor<?x?x1x64xf32>, tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$key, RankedTensorOf<[AnyFloat]>:$query, RankedTensorOf<[AnyFloat]>:$value, RankedTensorOf<[AnyFloat]>:$key_weight,
                   RankedTensorOf<[AnyFloat]>:$query_weight, F64Attr:$epsilon, Trine_SignedRootAttr:$root, F64Attr:$floor);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $key `,` $query `,` $value `weights` `(` $key_weight `,` $query_weight `:` type($key_weight) `,` type($query_weight) `)` `epsilon` $epsilon `root` $root `floor` $floor
    attr-dict `:` type($key) `,` type($value)
  }];
  let hasVerifier = 1;
}

def Trine_EngramConvOp : Trine_TensorOp<"engram.conv", [AllTypesMatch<["input", "result"]>, AllTypesMatch<["state", "present"]>]> {
  let summary = "Dilated causal depthwise convolution with state";
  let description = [{
    x = concat(state, input) in time; result[t, c] = Σ_i weight[c, i] · x[t + i·dilation, c]; present = the last (w-1)·dilation rows of x

    Sizes: input [B, S, C], state [B, (w-1)·dilation, C], weight [C, w]. Sums run over i in order, in f32.

    Constraints:
    - conv_c1: ranks are 3, 3 and 2;
    - conv_c2: B and C agree in input, state and weight;
    - conv_c3: dilation is at least 1, and state has (w-1)·dilation rows.

    ```mlir
    %y, %s1 = trine.engram.conv %x, %s, %w dilation 3 : tensor<?x?x64xf32>, tensor<?x9x64xf32>, tensor<64x4xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input, RankedTensorOf<[AnyFloat]>:$state, RankedTensorOf<[AnyFloat]>:$weight, I64Attr:$dilation);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result, RankedTensorOf<[AnyFloat]>:$present);
  let assemblyFormat = "$input `,` $state `,` $weight `dilation` $dilation attr-dict `:` type($input) `,` type($state) `,` type($weight)";
  let hasVerifier = 1;
}

def Trine_HyperMixOp : Trine_TensorOp<"hyper.mix"> {
  let summary = "Reads residual streams: weights and the mixed input of a sub-layer";
  let description = [{
    z = projection · vec(streams) · rsqrt(mean(vec(streams)²) + norm_epsilon); pre = σ(scale₀·z[0:M] + bias) + epsilon; post = 2·σ(scale₁·z[M:2M] + bias);
    comb = Sinkhorn(scale₂·z[2M:] + bias); mixed = Σ_m pre_m · streams_m

    The first of the `rounds` of Sinkhorn is a softmax of each row plus epsilon, whose columns are then divided by their sums plus epsilon; each further one
    divides rows, then columns, by their sums plus epsilon. Without `scale` the factors are 1. In f32. (Manifold-constrained hyper-connections.)

    Sizes: streams [B, S, M, D], projection [2M + M², M·D], scale [3], bias [2M + M²]; mixed [B, S, D], post [B, S, M], comb [B, S, M, M].

    Constraints:
    - mix_c1: ranks are 4, 2, 1 and 1;
    - mix_c2: projection is [2M + M², M·D], bias [2M + M²], scale (where given) [3];
    - mix_c3: mixed, post and comb have the sizes above;
    - mix_c4: rounds is at least 1, epsilons are not negative.

    ```mlir
    %x, %post, %comb = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 20 epsilon 1.0e-6 norm_epsilon 1.0e-6
      : tensor<?x?x4x64xf32>, tensor<24x256xf32> -> tensor<?x?x64xf32>, tensor<?x?x4xf32>, tensor<?x?x4x4xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$streams, RankedTensorOf<[AnyFloat]>:$projection, Optional<RankedTensorOf<[AnyFloat]>>:$scale,
                   RankedTensorOf<[AnyFloat]>:$bias, I64Attr:$rounds, F64Attr:$epsilon, F64Attr:$norm_epsilon);
  let results = (outs RankedTensorOf<[AnyFloat]>:$mixed, RankedTensorOf<[AnyFloat]>:$post, RankedTensorOf<[AnyFloat]>:$comb);
  let assemblyFormat = [{
    $streams `,` $projection (`scale` `(` $scale^ `:` type($scale) `)`)? `bias` `(` $bias `:` type($bias) `)` `rounds` $rounds `epsilon` $epsilon
    `norm_epsilon` $norm_epsilon attr-dict `:` type($streams) `,` type($projection) `->` type($mixed) `,` type($post) `,` type($comb)
  }];
  let hasVerifier = 1;
}

def Trine_HyperCombineOp : Trine_TensorOp<"hyper.combine", [AllTypesMatch<["streams", "result"]>]> {
  let summary = "Writes residual streams: the sub-layer's output and the mixed streams";
  let description = [{
    result_i = post_i · output + Σ_j comb_ij · streams_j, in f32. (Manifold-constrained hyper-connections, after the sub-layer.)

    Sizes: streams [B, S, M, D], output [B, S, D], post [B, S, M], comb [B, S, M, M]; result [B, S, M, D].

    Constraints:
    - combine_c1: ranks are 4, 3, 3 and 4;
    - combine_c2: output, post and comb have the sizes above.

    ```mlir
    %h1 = trine.hyper.combine %h, %y post(%post : tensor<?x?x4xf32>) comb(%comb : tensor<?x?x4x4xf32>) : tensor<?x?x4x64xf32>, tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$streams, RankedTensorOf<[AnyFloat]>:$output, RankedTensorOf<[AnyFloat]>:$post, RankedTensorOf<[AnyFloat]>:$comb);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $streams `,` $output `post` `(` $post `:` type($post) `)` `comb` `(` $comb `:` type($comb) `)` attr-dict `:` type($streams) `,` type($output)
  }];
  let hasVerifier = 1;
}

#endif
