// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Mixture of experts: routing, the experts as a whole, and their scheduled form.
#ifndef TRINE_DIALECT_TRINE_TRINEMOEOPS
#define TRINE_DIALECT_TRINE_TRINEMOEOPS

def Trine_MoERouteOp : Trine_TensorOp<"moe.route", [AttrSizedOperandSegments]> {
  let summary = "Chooses k experts for each token";
  let description = [{
    p = scoring(logits); c = p + bias; groups outside the best `kept_groups` have c replaced by `masked_score`; ids = top-k of c; weights = p[ids],
    divided by (their sum + epsilon) if `renormalize`, times `scale`

    All in f32; with `rounded` each step (p, c, the groups' scores, the softmax, sums, every operation on weights) is rounded to the element type of `logits`. Ties go
    to the lower index, for groups and for experts. `softmax_top_k` and `sigmoid_top_k` choose by the logits (and the bias), and take the softmax or the sigmoids
    of the chosen ones only. A group's score is the maximum of its c, or the sum of its two largest. With `before_division` the chosen scores are scaled and then divided by the sum of the scores as they were.
    With `weights_from_choice` the weights are c[ids] instead of p[ids]: they hold the bias, and the masked score where such an expert had to be taken.
    With `table` the choice is table[token_ids] and only the weights come from the logits.

    Sizes: logits [N, E], bias [E], token_ids [N], table [V, k]; ids [N, k] i64, weights [N, k] f32.

    Constraints:
    - route_c1: logits has rank 2; bias, if given, is [E];
    - route_c2: 1 <= k <= E;
    - route_c3: E is a multiple of `groups`, and 1 <= kept_groups <= groups;
    - route_c4: with `sum_top_2` a group has at least two experts;
    - route_c5: the kept groups hold at least k experts;
    - route_c6: ids and weights are [N, k];
    - route_c7: `table` and `token_ids` come together, the table is [V, k] and the ids [N];
    - route_c8: `weights_from_choice` goes neither with `table` nor with `softmax_top_k` nor `sigmoid_top_k`.

    ```mlir
    %ids, %w = trine.moe.route %logits bias(%b : tensor<8xf32>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero
      renormalize epsilon 1.0e-20 scale 2.5 after_division : tensor<?x8xf32> -> tensor<?x3xi64>, tensor<?x3xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$logits, Optional<RankedTensorOf<[AnyFloat]>>:$bias, Optional<RankedTensorOf<[I64]>>:$token_ids,
                   Optional<RankedTensorOf<[I64]>>:$table, Trine_ScoringAttr:$scoring, I64Attr:$k, I64Attr:$groups, I64Attr:$kept_groups,
                   Trine_GroupScoreAttr:$group_score, Trine_MaskedScoreAttr:$masked_score, UnitAttr:$weights_from_choice, UnitAttr:$renormalize, F64Attr:$epsilon, F64Attr:$scale,
                   Trine_ScalePositionAttr:$scale_position, UnitAttr:$rounded);
  let results = (outs RankedTensorOf<[I64]>:$ids, RankedTensorOf<[F32]>:$weights);
  let assemblyFormat = [{
    $logits (`bias` `(` $bias^ `:` type($bias) `)`)? (`token_ids` `(` $token_ids^ `:` type($token_ids) `)`)? (`table` `(` $table^ `:` type($table) `)`)?
    `scoring` $scoring `k` $k `groups` $groups `keep` $kept_groups `by` $group_score `masked` $masked_score (`weights_from_choice` $weights_from_choice^)? (`renormalize` $renormalize^)?
    `epsilon` $epsilon `scale` $scale $scale_position (`rounded` $rounded^)? attr-dict `:` type($logits) `->` type($ids) `,` type($weights)
  }];
  let hasVerifier = 1;
}

def Trine_MoEExpertsOp : Trine_TensorOp<"moe.experts", [AllTypesMatch<["input", "result"]>, AttrSizedOperandSegments]> {
  let summary = "The routed experts of a layer as one computation";
  let description = [{
    result[n] = Σⱼ weights[n, j] · (w_down[e] · activation(w_gate_up[e] · input[n] + b_gate_up[e]) + b_down[e]), e = ids[n, j]

    Gated activations compute act(gate) · (up + beta), where gate and up are the two halves of the first product (`concatenated`) or its even and odd rows
    (`interleaved`); `up_only` has no gate. With `clamp` c, gate is limited to at most c and up to [-c, c]. silu is x · sigmoid(alpha · x), and gelu_tanh the
    approximation of gelu by tanh. The last `identity_experts` ids stand for experts that return their input. An expert that no token chose costs nothing.
    The sum over j runs in slot order, in f32.

    Sizes: input [N, D], ids and weights [N, k], w_gate_up [E, G, D] with G = 2I or I, w_down [E, D, I], b_gate_up [E, G], b_down [E, D].

    Constraints:
    - experts_c1: ranks are 2, 2, 2, 3, 3;
    - experts_c2: N agrees in input, ids and weights, k in ids and weights;
    - experts_c3: E and D agree in w_gate_up and w_down, D in input;
    - experts_c4: G is 2I for gated layouts and I for `up_only`; a gated activation needs a gated layout;
    - experts_c5: `clamp` is positive, `identity_experts` is not negative;
    - experts_c6: the biases have the first two sizes of their weights;
    - experts_c7: `alpha` goes with silu only, `beta` with gated activations only.

    ```mlir
    %y = trine.moe.experts %x routed(%ids, %w : tensor<?x3xi64>, tensor<?x3xf32>) weights(%gu, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>)
      activation silu_gated gate_up concatenated : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input, RankedTensorOf<[I64]>:$ids, RankedTensorOf<[AnyFloat]>:$weights, RankedTensorOf<[AnyFloat]>:$w_gate_up,
                   RankedTensorOf<[AnyFloat]>:$w_down, Optional<RankedTensorOf<[AnyFloat]>>:$b_gate_up, Optional<RankedTensorOf<[AnyFloat]>>:$b_down,
                   Trine_ActivationAttr:$activation, Trine_GateUpLayoutAttr:$gate_up, OptionalAttr<F64Attr>:$clamp, DefaultValuedAttr<F64Attr, "1.0">:$alpha,
                   DefaultValuedAttr<F64Attr, "0.0">:$beta, DefaultValuedAttr<I64Attr, "0">:$identity_experts);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $input `routed` `(` $ids `,` $weights `:` type($ids) `,` type($weights) `)` `weights` `(` $w_gate_up `,` $w_down `:` type($w_gate_up) `,` type($w_down) `)`
    (`gate_up_bias` `(` $b_gate_up^ `:` type($b_gate_up) `)`)? (`down_bias` `(` $b_down^ `:` type($b_down) `)`)? `activation` $activation `gate_up` $gate_up (`clamp` $clamp^)? attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
}

def Trine_GatedMLPOp : Trine_TensorOp<"gated_mlp", [AttrSizedOperandSegments]> {
  let summary = "A gated two-layer network";
  let description = [{
    result = (act(input · w_gate + b_gate) · (input · w_up + b_up + beta)) · w_down + b_down

    Without `w_up`, `w_gate` and `b_gate` hold both: gate and up are the two halves of their columns (`concatenated`) or the even and the odd ones
    (`interleaved`). With `clamp` c, gate is limited to at most c and up (before `beta` is added) to [-c, c]. silu is x · sigmoid(alpha · x). Products
    accumulate in f32 (f64 for f64) and are rounded, with their bias, to the element type of `input`; the activation and the product with it are computed in
    f32 (f64) and rounded once.

    Sizes: input [..., D], w_gate [D, I], or [D, 2I] without `w_up`, w_up [D, I], w_down [I, C], b_gate [I] or [2I], b_up [I], b_down [C]; result [..., C].

    Constraints:
    - gated_mlp_c1: `input` has rank 1 or more, the weights rank 2;
    - gated_mlp_c2: D agrees in `input`, `w_gate` and `w_up`;
    - gated_mlp_c3: `w_gate` has I columns with `w_up`, 2I without, `w_up` has I, `w_down` I rows;
    - gated_mlp_c4: result has the sizes of `input`, but C last;
    - gated_mlp_c5: `gate_up` is given exactly without `w_up`, and is not `up_only`; the activation is a gated one;
    - gated_mlp_c6: result has the element type of `input`;
    - gated_mlp_c7: biases have the number of columns of their weights; `b_up` needs `w_up`;
    - gated_mlp_c8: `clamp` is positive; `alpha` goes with silu only.

    ```mlir
    %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu_gated
      : tensor<?x?x64xf32> -> tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input, RankedTensorOf<[AnyFloat]>:$w_gate, RankedTensorOf<[AnyFloat]>:$w_down,
                   Optional<RankedTensorOf<[AnyFloat]>>:$w_up, Optional<RankedTensorOf<[AnyFloat]>>:$b_gate, Optional<RankedTensorOf<[AnyFloat]>>:$b_up,
                   Optional<RankedTensorOf<[AnyFloat]>>:$b_down, Trine_ActivationAttr:$activation, OptionalAttr<Trine_GateUpLayoutAttr>:$gate_up,
                   OptionalAttr<F64Attr>:$clamp, DefaultValuedAttr<F64Attr, "1.0">:$alpha, DefaultValuedAttr<F64Attr, "0.0">:$beta);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $input `weights` `(` $w_gate `,` $w_down `:` type($w_gate) `,` type($w_down) `)` (`up` `(` $w_up^ `:` type($w_up) `)`)?
    (`gate_bias` `(` $b_gate^ `:` type($b_gate) `)`)? (`up_bias` `(` $b_up^ `:` type($b_up) `)`)? (`down_bias` `(` $b_down^ `:` type($b_down) `)`)?
    `activation` $activation (`gate_up` $gate_up^)? (`clamp` $clamp^)? attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Trine_MoEGroupOp : Trine_TensorOp<"moe.group"> {
  let summary = "Sorts token slots by expert";
  let description = [{
    order = stable argsort of flatten(ids); offsets[e] = number of slots with an expert below e; position[n, j] = r where order[r] = n·k + j

    Rows offsets[e] to offsets[e + 1] of the order belong to expert e; those from the last offset on to identity experts, whose ids are `experts` and more.
    Sizes: ids [N, k]; order [N·k], offsets [E + 1], position [N, k], all i64.

    Constraints:
    - group_c1: ids and position have rank 2, order and offsets rank 1;
    - group_c2: `experts` is positive, offsets has `experts` + 1 elements;
    - group_c3: order has N·k elements where that is known;
    - group_c4: position has the sizes of ids;
    - group_c5: `identity_experts` is not negative.

    ```mlir
    %order, %offsets, %position = trine.moe.group %ids experts 8 : tensor<?x3xi64> -> tensor<?xi64>, tensor<9xi64>, tensor<?x3xi64>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I64]>:$ids, I64Attr:$experts, DefaultValuedAttr<I64Attr, "0">:$identity_experts);
  let results = (outs RankedTensorOf<[I64]>:$order, RankedTensorOf<[I64]>:$offsets, RankedTensorOf<[I64]>:$position);
  let assemblyFormat = "$ids `experts` $experts attr-dict `:` type($ids) `->` type($order) `,` type($offsets) `,` type($position)";
  let hasVerifier = 1;
}

def Trine_MoEGroupedMatMulOp : Trine_TensorOp<"moe.grouped_matmul", [AttrSizedOperandSegments]> {
  let summary = "One matrix product per expert over its rows, with an activation";
  let description = [{
    result[r] = act(weight[e] · input[row(r)] + bias[e]) for offsets[e] <= r < offsets[e + 1]; row(r) = order[r] / slots if `order` is given, else r

    A gated activation has two products: result[r] = act(gate) · (up + beta) with gate = weight[e, 0] · x + bias[e, 0] and up = weight[e, 1] · x + bias[e, 1].
    `clamp`, `alpha` and `beta` are those of `trine.moe.experts`. With `order` the rows of tokens are gathered as they are read. Rows from the last offset on are not
    defined. Products and activations are computed in f32 (f64) and rounded once, to the result's type. `rows_per_expert` is the expected number, for the
    schedule; `tile_order` says whether tiles that share rows or tiles that share weights run next to each other.

    Sizes: input [M, K], offsets [E + 1], weight [E, C, K] or [E, 2, C, K], order [R], bias [E, C] or [E, 2, C]; result [R, C].

    Constraints:
    - grouped_matmul_c1: ranks are 2, 1, and 3 (4 with a gated activation), order has rank 1;
    - grouped_matmul_c2: K agrees in input and weight, offsets has E + 1 elements;
    - grouped_matmul_c3: result is [R, C];
    - grouped_matmul_c4: `slots` is positive, and given with `order` only;
    - grouped_matmul_c5: the second size of a gated weight is 2; the bias has the sizes of the weight but the last;
    - grouped_matmul_c6: `clamp` is positive and goes with an activation, `alpha` with silu, `beta` with gated activations only.

    ```mlir
    %h = trine.moe.grouped_matmul %x, %offsets, %w order(%order : tensor<?xi64>) slots 3 activation silu_gated tiles rows_first
      : tensor<?x64xf32>, tensor<9xi64>, tensor<8x2x32x64xf32> -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input, RankedTensorOf<[I64]>:$offsets, RankedTensorOf<[AnyFloat]>:$weight, Optional<RankedTensorOf<[I64]>>:$order,
                   Optional<RankedTensorOf<[AnyFloat]>>:$bias, OptionalAttr<I64Attr>:$slots, OptionalAttr<Trine_ActivationAttr>:$activation,
                   OptionalAttr<F64Attr>:$clamp, DefaultValuedAttr<F64Attr, "1.0">:$alpha, DefaultValuedAttr<F64Attr, "0.0">:$beta,
                   OptionalAttr<F64Attr>:$rows_per_expert, Trine_TileOrderAttr:$tile_order);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $input `,` $offsets `,` $weight (`order` `(` $order^ `:` type($order) `)`)? (`slots` $slots^)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`activation` $activation^)? (`clamp` $clamp^)? (`rows_per_expert` $rows_per_expert^)? `tiles` $tile_order attr-dict `:`
    type($input) `,` type($offsets) `,` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether two products make one result.
    bool isGated();
  }];
}

def Trine_MoECombineOp : Trine_TensorOp<"moe.combine", [AttrSizedOperandSegments]> {
  let summary = "Sums each token's expert results by their weights";
  let description = [{
    result[n] = Σⱼ weights[n, j] · rows[position[n, j]]

    In slot order, in f32, so that the result does not depend on the schedule. With `identity` a slot whose id is `experts` or more takes input[n] in place of a row.
    Sizes: rows [N·k, D], position, weights and ids [N, k], input [N, D]; result [N, D].

    Constraints:
    - combine_c1: all ranks are 2;
    - combine_c2: position, weights and ids agree in their sizes, and rows has N·k rows where that is known;
    - combine_c3: result is [N, D];
    - combine_c4: `ids`, `input` and `experts` come together; input has the sizes of the result.

    ```mlir
    %y = trine.moe.combine %rows, %position, %w : tensor<?x64xf32>, tensor<?x3xi64>, tensor<?x3xf32> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$rows, RankedTensorOf<[I64]>:$position, RankedTensorOf<[AnyFloat]>:$weights,
                   Optional<RankedTensorOf<[I64]>>:$ids, Optional<RankedTensorOf<[AnyFloat]>>:$input, OptionalAttr<I64Attr>:$experts);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = [{
    $rows `,` $position `,` $weights (`ids` `(` $ids^ `:` type($ids) `)`)? (`identity` `(` $input^ `:` type($input) `)`)? (`experts` $experts^)? attr-dict `:`
    type($rows) `,` type($position) `,` type($weights) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif
