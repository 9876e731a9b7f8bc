// RUN: trine-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func.func @weight
func.func @weight(%flag: tensor<i1>) -> tensor<160x64xf32> {
  // CHECK: trine.weight "emb" from "model.onnx" at 4096 length 40960 : tensor<160x64xf32>
  %w = trine.weight "emb" from "model.onnx" at 4096 length 40960 : tensor<160x64xf32>
  // CHECK: trine.require %{{.*}}, "indices must lie in [0, 160)" : tensor<i1>
  trine.require %flag, "indices must lie in [0, 160)" : tensor<i1>
  return %w : tensor<160x64xf32>
}

// CHECK-LABEL: func.func @norm
func.func @norm(%x: tensor<?x?x64xbf16>, %w: tensor<64xbf16>) -> tensor<?x?x64xbf16> {
  // CHECK: trine.rms_norm %{{.*}}, %{{.*}} epsilon {{.*}} compute f32 cast before_weight : tensor<?x?x64xbf16>, tensor<64xbf16>
  %y = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast before_weight : tensor<?x?x64xbf16>, tensor<64xbf16>
  // CHECK: trine.rms_norm %{{.*}} epsilon {{.*}} compute f32 cast after_weight : tensor<?x?x64xbf16>
  %z = trine.rms_norm %y epsilon 0.0 compute f32 cast after_weight : tensor<?x?x64xbf16>
  return %z : tensor<?x?x64xbf16>
}

// CHECK-LABEL: func.func @rope
func.func @rope(%x: tensor<?x4x?x8xf32>, %cos: tensor<?x1x?x4xf32>, %sin: tensor<?x1x?x4xf32>) -> tensor<?x4x?x8xf32> {
  // CHECK: trine.rope {{.*}} pairing interleaved layout permuted begin 0
  %y = trine.rope %x, %cos, %sin pairing interleaved layout permuted begin 0 : tensor<?x4x?x8xf32>, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>
  return %y : tensor<?x4x?x8xf32>
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<?x4x?x24xf32>, %k: tensor<?x2x?x24xf32>, %v: tensor<?x2x?x16xf32>, %m: tensor<?x1x?x?xf32>, %p: tensor<i64>)
    -> tensor<?x4x?x16xf32> {
  // CHECK: trine.attention query({{.*}}) key({{.*}}) value({{.*}}) offset({{.*}}) scale {{.*}} mask causal masked_row zero soft_cap
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%k : tensor<?x2x?x24xf32>) value(%v : tensor<?x2x?x16xf32>)
    offset(%p : tensor<i64>) scale 2.0e-1 mask causal masked_row zero soft_cap 3.0e+1 -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  // CHECK: mask_values({{.*}}) scale {{.*}} mask additive masked_row uniform
  %o1, %lse1 = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%k : tensor<?x2x?x24xf32>) value(%v : tensor<?x2x?x16xf32>)
    mask_values(%m : tensor<?x1x?x?xf32>) scale 2.0e-1 mask additive masked_row uniform -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  // CHECK: trine.merge outputs({{.*}}) lses({{.*}}) -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  %o2, %lse2 = trine.merge outputs(%o, %o1 : tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) lses(%lse, %lse1 : tensor<?x4x?xf32>, tensor<?x4x?xf32>)
    -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o2 : tensor<?x4x?x16xf32>
}

// CHECK-LABEL: func.func @attention_of_lengths
func.func @attention_of_lengths(%q: tensor<?x4x?x24xf32>, %k: tensor<?x2x?x24xf32>, %v: tensor<?x2x?x16xf32>, %n: tensor<?xi64>) -> tensor<?x4x?x16xf32> {
  // CHECK: offset(%{{.*}} : tensor<?xi64>) scale {{.*}} mask causal
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%k : tensor<?x2x?x24xf32>) value(%v : tensor<?x2x?x16xf32>)
    offset(%n : tensor<?xi64>) scale 2.0e-1 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// CHECK-LABEL: func.func @attention_of_parts
func.func @attention_of_parts(%qc: tensor<?x4x?x32xf32>, %qr: tensor<?x4x?x8xf32>, %c: tensor<?x1x?x32xf32>, %kr: tensor<?x1x?x8xf32>) -> tensor<?x4x?x32xf32> {
  // CHECK: trine.attention query(%{{.*}}, %{{.*}} : tensor<?x4x?x32xf32>, tensor<?x4x?x8xf32>) key(%[[C:.*]], %{{.*}} : {{.*}}) value(%[[C]] : {{.*}}) scale
  %o, %lse = trine.attention query(%qc, %qr : tensor<?x4x?x32xf32>, tensor<?x4x?x8xf32>) key(%c, %kr : tensor<?x1x?x32xf32>, tensor<?x1x?x8xf32>)
    value(%c : tensor<?x1x?x32xf32>) scale 2.0e-1 mask causal masked_row zero -> tensor<?x4x?x32xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x32xf32>
}

// CHECK-LABEL: func.func @latent
func.func @latent(%qn: tensor<?x4x?x16xf32>, %qr: tensor<?x4x?x8xf32>, %c: tensor<?x?x32xf32>, %kr: tensor<?x?x8xf32>, %uk: tensor<32x4x16xf32>,
                  %uv: tensor<32x4x12xf32>) -> tensor<?x4x?x12xf32> {
  // CHECK: trine.mla.attention query({{.*}}) cache({{.*}}) weights({{.*}}) scale {{.*}} mask causal masked_row zero form by_shape
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
    weights(%uk, %uv : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 2.0e-1 mask causal masked_row zero form by_shape
    -> tensor<?x4x?x12xf32>, tensor<?x4x?xf32>
  // CHECK: trine.mla.attention {{.*}} masked_row zero soft_cap 3.0{{.*}} form absorbed
  %p, %lse2 = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
    weights(%uk, %uv : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 2.0e-1 mask causal masked_row zero soft_cap 30.0 form absorbed
    -> tensor<?x4x?x12xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x12xf32>
}

// CHECK-LABEL: func.func @experts
func.func @experts(%logits: tensor<?x8xf32>, %b: tensor<8xf32>, %x: tensor<?x64xf32>, %gu: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>,
                   %gu2: tensor<8x2x32x64xf32>, %b2: tensor<8x2x32xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: trine.moe.route {{.*}} bias({{.*}}) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero renormalize epsilon {{.*}} scale {{.*}} after_division
  %ids, %w = trine.moe.route %logits bias(%b : tensor<8xf32>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero
    renormalize epsilon 1.0e-20 scale 2.5 after_division : tensor<?x8xf32> -> tensor<?x3xi64>, tensor<?x3xf32>
  // CHECK: trine.moe.experts {{.*}} routed({{.*}}) weights({{.*}}) activation silu_gated gate_up concatenated clamp
  %y = trine.moe.experts %x routed(%ids, %w : tensor<?x3xi64>, tensor<?x3xf32>) weights(%gu, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>)
    activation silu_gated gate_up concatenated clamp 1.0e+1 : tensor<?x64xf32>
  // CHECK: trine.moe.group {{.*}} experts 8
  %order, %offsets, %position = trine.moe.group %ids experts 8 : tensor<?x3xi64> -> tensor<?xi64>, tensor<9xi64>, tensor<?x3xi64>
  // CHECK: trine.moe.grouped_matmul {{.*}} order({{.*}}) slots 3 tiles rows_first
  %h = trine.moe.grouped_matmul %x, %offsets, %gu order(%order : tensor<?xi64>) slots 3 tiles rows_first
    : tensor<?x64xf32>, tensor<9xi64>, tensor<8x64x64xf32> -> tensor<?x64xf32>
  // CHECK: trine.moe.grouped_matmul {{.*}} order({{.*}}) slots 3 bias({{.*}}) activation silu_gated clamp {{.*}} tiles columns_first
  %h2 = trine.moe.grouped_matmul %x, %offsets, %gu2 order(%order : tensor<?xi64>) slots 3 bias(%b2 : tensor<8x2x32xf32>) activation silu_gated clamp 7.0
    tiles columns_first : tensor<?x64xf32>, tensor<9xi64>, tensor<8x2x32x64xf32> -> tensor<?x32xf32>
  // CHECK: trine.moe.combine
  %z = trine.moe.combine %h, %position, %w : tensor<?x64xf32>, tensor<?x3xi64>, tensor<?x3xf32> -> tensor<?x64xf32>
  // CHECK: trine.moe.combine {{.*}} ids({{.*}}) identity({{.*}}) experts 8
  %z2 = trine.moe.combine %h, %position, %w ids(%ids : tensor<?x3xi64>) identity(%x : tensor<?x64xf32>) experts 8
    : tensor<?x64xf32>, tensor<?x3xi64>, tensor<?x3xf32> -> tensor<?x64xf32>
  return %y, %z : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @biased_experts
func.func @biased_experts(%logits: tensor<?x8xf32>, %x: tensor<?x64xf32>, %gu: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>, %b: tensor<8x64xf32>)
    -> tensor<?x64xf32> {
  // CHECK: trine.moe.route {{.*}} masked zero weights_from_choice epsilon
  %ids, %w = trine.moe.route %logits scoring softmax k 3 groups 4 keep 2 by max masked zero weights_from_choice epsilon 0.0 scale 1.0 after_division
    : tensor<?x8xf32> -> tensor<?x3xi64>, tensor<?x3xf32>
  // CHECK: trine.moe.experts {{.*}} gate_up_bias({{.*}}) down_bias({{.*}}) activation silu_gated gate_up interleaved clamp {{.*}} {alpha = {{.*}}, beta = 1.000000e+00 : f64}
  %y = trine.moe.experts %x routed(%ids, %w : tensor<?x3xi64>, tensor<?x3xf32>) weights(%gu, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>)
    gate_up_bias(%b : tensor<8x64xf32>) down_bias(%b : tensor<8x64xf32>) activation silu_gated gate_up interleaved clamp 7.0 {alpha = 1.702, beta = 1.0}
    : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @gated_mlp
func.func @gated_mlp(%x: tensor<?x?x64xf16>, %g: tensor<64x40xf16>, %d: tensor<40x32xf16>, %gu: tensor<64x80xf16>) -> tensor<?x?x32xf16> {
  // CHECK: trine.gated_mlp %{{.*}} weights(%{{.*}}, %{{.*}} : tensor<64x40xf16>, tensor<40x32xf16>) up(%{{.*}} : tensor<64x40xf16>) activation silu_gated :
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf16>, tensor<40x32xf16>) up(%g : tensor<64x40xf16>) activation silu_gated
    : tensor<?x?x64xf16> -> tensor<?x?x32xf16>
  // CHECK: trine.gated_mlp {{.*}} activation gelu_tanh_gated gate_up interleaved :
  %z = trine.gated_mlp %x weights(%gu, %d : tensor<64x80xf16>, tensor<40x32xf16>) activation gelu_tanh_gated gate_up interleaved
    : tensor<?x?x64xf16> -> tensor<?x?x32xf16>
  return %z : tensor<?x?x32xf16>
}

// CHECK-LABEL: func.func @biased_mlp
func.func @biased_mlp(%x: tensor<?x64xf16>, %w: tensor<64x40xf16>, %d: tensor<40x32xf16>, %b: tensor<40xf16>, %bd: tensor<32xf16>, %l: tensor<?x8xf16>)
    -> (tensor<?x32xf16>, tensor<?x2xf32>) {
  // CHECK: trine.gated_mlp {{.*}} up({{.*}}) gate_bias(%{{.*}} : tensor<40xf16>) up_bias(%{{.*}} : tensor<40xf16>) down_bias(%{{.*}} : tensor<32xf16>) activation silu_gated clamp {{.*}} {alpha = {{.*}}, beta = 1.000000e+00 : f64} :
  %y = trine.gated_mlp %x weights(%w, %d : tensor<64x40xf16>, tensor<40x32xf16>) up(%w : tensor<64x40xf16>) gate_bias(%b : tensor<40xf16>)
    up_bias(%b : tensor<40xf16>) down_bias(%bd : tensor<32xf16>) activation silu_gated clamp 7.0 {alpha = 1.702, beta = 1.0} : tensor<?x64xf16> -> tensor<?x32xf16>
  // CHECK: trine.moe.route {{.*}} scoring sigmoid_top_k k 2 {{.*}} after_division rounded :
  %i, %r = trine.moe.route %l scoring sigmoid_top_k k 2 groups 1 keep 1 by max masked zero epsilon 0.0 scale 1.0 after_division rounded
    : tensor<?x8xf16> -> tensor<?x2xi64>, tensor<?x2xf32>
  return %y, %r : tensor<?x32xf16>, tensor<?x2xf32>
}

// CHECK-LABEL: func.func @table_route
func.func @table_route(%logits: tensor<?x8xf32>, %t: tensor<?xi64>, %table: tensor<160x2xi64>) -> tensor<?x2xi64> {
  // CHECK: trine.moe.route {{.*}} token_ids({{.*}}) table({{.*}}) scoring sqrt_softplus
  %ids, %w = trine.moe.route %logits token_ids(%t : tensor<?xi64>) table(%table : tensor<160x2xi64>) scoring sqrt_softplus k 2 groups 1 keep 1 by max
    masked negative_infinity epsilon 0.0 scale 1.0 before_division : tensor<?x8xf32> -> tensor<?x2xi64>, tensor<?x2xf32>
  return %ids : tensor<?x2xi64>
}

// CHECK-LABEL: func.func @engram
func.func @engram(%ids: tensor<?x?xi64>, %hist: tensor<?x2xi64>, %map: tensor<160xi64>, %table: tensor<890x16xf32>, %k: tensor<?x?x1x64xf32>,
                  %q: tensor<?x?x1x64xf32>, %v: tensor<?x?x64xf32>, %kw: tensor<1x64xf32>, %s: tensor<?x9x64xf32>, %cw: tensor<64x4xf32>)
    -> (tensor<?x?x4x16xf32>, tensor<?x?x1x64xf32>, tensor<?x?x64xf32>) {
  // CHECK: trine.engram.hash {{.*}} history({{.*}}) map({{.*}}) order 3 heads 2 multipliers [{{.*}}] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661] pad 2 reset never wrap twos_complement
  %rows, %present = trine.engram.hash %ids history(%hist : tensor<?x2xi64>) map(%map : tensor<160xi64>) order 3 heads 2
    multipliers [63280230511788609, 3996608348655193, 29694298745574697] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661]
    pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
  // CHECK: trine.engram.lookup
  %e = trine.engram.lookup %rows, %table : tensor<?x?x4xi64>, tensor<890x16xf32> -> tensor<?x?x4x16xf32>
  // CHECK: trine.engram.gate {{.*}} epsilon {{.*}} root sign floor
  %u = trine.engram.gate %k, %q, %v weights(%kw, %kw : tensor<1x64xf32>, tensor<1x64xf32>) epsilon 1.0e-5 root sign floor 1.0e-6
    : tensor<?x?x1x64xf32>, tensor<?x?x64xf32>
  // CHECK: trine.engram.conv {{.*}} dilation 3
  %c, %s1 = trine.engram.conv %v, %s, %cw dilation 3 : tensor<?x?x64xf32>, tensor<?x9x64xf32>, tensor<64x4xf32>
  return %e, %u, %c : tensor<?x?x4x16xf32>, tensor<?x?x1x64xf32>, tensor<?x?x64xf32>
}

// CHECK-LABEL: func.func @scaled_lookup
func.func @scaled_lookup(%rows: tensor<?x24xi64>, %table: tensor<384006168x256xf8E4M3FN>, %scales: tensor<384006168x8xf8E8M0FNU>) -> tensor<?x24x256xbf16> {
  // CHECK: trine.engram.lookup {{.*}} scales({{.*}})
  %e = trine.engram.lookup %rows, %table scales(%scales : tensor<384006168x8xf8E8M0FNU>) : tensor<?x24xi64>, tensor<384006168x256xf8E4M3FN> -> tensor<?x24x256xbf16>
  return %e : tensor<?x24x256xbf16>
}

// CHECK-LABEL: func.func @hyper
func.func @hyper(%h: tensor<?x?x4x64xf32>, %p: tensor<24x256xf32>, %s: tensor<3xf32>, %b: tensor<24xf32>) -> tensor<?x?x64xf32> {
  // CHECK: trine.hyper.mix {{.*}} scale({{.*}}) bias({{.*}}) rounds 20 epsilon
  %x, %post, %comb = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 20 epsilon 1.0e-6 norm_epsilon 1.0e-6
    : tensor<?x?x4x64xf32>, tensor<24x256xf32> -> tensor<?x?x64xf32>, tensor<?x?x4xf32>, tensor<?x?x4x4xf32>
  // CHECK: trine.hyper.mix %{{[a-z0-9]+}}, %{{[a-z0-9]+}} bias(
  %x1, %post1, %comb1 = trine.hyper.mix %h, %p bias(%b : tensor<24xf32>) rounds 20 epsilon 1.0e-6 norm_epsilon 1.0e-6
    : tensor<?x?x4x64xf32>, tensor<24x256xf32> -> tensor<?x?x64xf32>, tensor<?x?x4xf32>, tensor<?x?x4x4xf32>
  // CHECK: trine.hyper.combine {{.*}} post({{.*}}) comb({{.*}}) :
  %h1 = trine.hyper.combine %h, %x1 post(%post : tensor<?x?x4xf32>) comb(%comb : tensor<?x?x4x4xf32>) : tensor<?x?x4x64xf32>, tensor<?x?x64xf32>
  return %x : tensor<?x?x64xf32>
}

// CHECK-LABEL: func.func @state
func.func @state(%new: tensor<?x?x512xf32>, %n: tensor<?xi64>) -> tensor<?x?x512xf32> {
  // CHECK: trine.state.open "layer0.latent" capacity 4096 : !trine.state<tensor<?x?x512xf32>, axis 1>
  %s = trine.state.open "layer0.latent" capacity 4096 : !trine.state<tensor<?x?x512xf32>, axis 1>
  // CHECK: trine.state.append {{.*}} counts(
  %s1 = trine.state.append %s, %new counts(%n : tensor<?xi64>) : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?x?x512xf32>
  // CHECK: trine.state.truncate
  %s2 = trine.state.truncate %s1, %n : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?xi64>
  // CHECK: trine.state.fork
  %s3 = trine.state.fork %s2, %n : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?xi64>
  // CHECK: trine.state.reset
  %s4 = trine.state.reset %s3, %n : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?xi64>
  // CHECK: trine.state.read
  %v, %lengths = trine.state.read %s4 : !trine.state<tensor<?x?x512xf32>, axis 1> -> tensor<?x?x512xf32>, tensor<?xi64>
  return %v : tensor<?x?x512xf32>
}

// CHECK-LABEL: func.func @weights
func.func @weights() -> tensor<2x6xf32> {
  // CHECK: trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[1, 2] into[0, 0] sizes[2, 3]>, #trine.piece<"m" at 24 strides[3, 1] into[0, 3] sizes[2, 3]>]
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[1, 2] into[0, 0] sizes[2, 3]>, #trine.piece<"m" at 24 strides[3, 1] into[0, 3] sizes[2, 3]>] : tensor<2x6xf32>
  return %w : tensor<2x6xf32>
}
