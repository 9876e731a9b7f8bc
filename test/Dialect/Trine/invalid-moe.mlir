// RUN: trine-opt %s --split-input-file --verify-diagnostics

func.func @route_c1(%l: tensor<5x8xf32>, %b: tensor<7xf32>) {
  // expected-error@+1 {{'bias' dimension 0 must equal 'logits' dimension 1, 8, got 7}}
  %i, %w = trine.moe.route %l bias(%b : tensor<7xf32>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @route_c2(%l: tensor<5x8xf32>) {
  // expected-error@+1 {{'k' must be between 1 and the number of experts, got 9}}
  %i, %w = trine.moe.route %l  scoring sigmoid k 9 groups 4 keep 2 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x9xi64>, tensor<5x9xf32>
  return
}

// -----

func.func @route_c3(%l: tensor<5x8xf32>) {
  // expected-error@+1 {{the number of experts must be a multiple of 'groups', got 3 groups}}
  %i, %w = trine.moe.route %l  scoring sigmoid k 3 groups 3 keep 2 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @route_c3_kept(%l: tensor<5x8xf32>) {
  // expected-error@+1 {{kept groups must be between 1 and 4, got 5}}
  %i, %w = trine.moe.route %l  scoring sigmoid k 3 groups 4 keep 5 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @route_c4(%l: tensor<5x8xf32>) {
  // expected-error@+1 {{sum_top_2 needs at least two experts in a group, got 1}}
  %i, %w = trine.moe.route %l  scoring sigmoid k 3 groups 8 keep 4 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @route_c5(%l: tensor<5x8xf32>) {
  // expected-error@+1 {{kept groups must hold at least 'k' experts, 3, got 2}}
  %i, %w = trine.moe.route %l  scoring sigmoid k 3 groups 4 keep 1 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @route_c6(%l: tensor<5x8xf32>) {
  // expected-error@+1 {{'ids' dimension 1 must be 3, got 2}}
  %i, %w = trine.moe.route %l  scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x2xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @route_c7(%l: tensor<5x8xf32>, %t: tensor<5xi64>) {
  // expected-error@+1 {{'table' and 'token_ids' must come together}}
  %i, %w = trine.moe.route %l token_ids(%t : tensor<5xi64>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @route_c7_size(%l: tensor<5x8xf32>, %t: tensor<5xi64>, %u: tensor<9x2xi64>) {
  // expected-error@+1 {{'table' dimension 1 must be 3, got 2}}
  %i, %w = trine.moe.route %l token_ids(%t : tensor<5xi64>) table(%u : tensor<9x2xi64>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @experts_c1(%x: tensor<1x5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) {
  // expected-error@+1 {{'input' must have rank 2}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) activation silu_gated gate_up concatenated  : tensor<1x5x64xf32>
  return
}

// -----

func.func @experts_c2(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x2xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) {
  // expected-error@+1 {{'weights' dimension 1 must equal 'ids' dimension 1, 3, got 2}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x2xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) activation silu_gated gate_up concatenated  : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c3(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<7x64x32xf32>) {
  // expected-error@+1 {{'w_down' dimension 0 must equal 'w_gate_up' dimension 0, 8, got 7}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<7x64x32xf32>) activation silu_gated gate_up concatenated  : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c4(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) {
  // expected-error@+1 {{activation silu does not go with layout concatenated}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) activation silu gate_up concatenated  : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c4_size(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x30xf32>) {
  // expected-error@+1 {{'w_gate_up' dimension 1 must be 60, got 64}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x30xf32>) activation silu_gated gate_up concatenated  : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c5(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) {
  // expected-error@+1 {{'clamp' must be positive}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) activation silu_gated gate_up concatenated clamp 0.0 : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c5_identity(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) {
  // expected-error@+1 {{'identity_experts' must not be negative, got -1}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) activation silu_gated gate_up concatenated {identity_experts = -1 : i64} : tensor<5x64xf32>
  return
}

// -----

func.func @group_c1(%i: tensor<15xi64>) {
  // expected-error@+1 {{'ids' must have rank 2}}
  %o, %f, %p = trine.moe.group %i experts 8 : tensor<15xi64> -> tensor<15xi64>, tensor<9xi64>, tensor<5x3xi64>
  return
}

// -----

func.func @group_c2(%i: tensor<5x3xi64>) {
  // expected-error@+1 {{'offsets' dimension 0 must be 9, got 8}}
  %o, %f, %p = trine.moe.group %i experts 8 : tensor<5x3xi64> -> tensor<15xi64>, tensor<8xi64>, tensor<5x3xi64>
  return
}

// -----

func.func @group_c2_experts(%i: tensor<5x3xi64>) {
  // expected-error@+1 {{'experts' must be positive, got 0}}
  %o, %f, %p = trine.moe.group %i experts 0 : tensor<5x3xi64> -> tensor<15xi64>, tensor<9xi64>, tensor<5x3xi64>
  return
}

// -----

func.func @group_c3(%i: tensor<5x3xi64>) {
  // expected-error@+1 {{'order' dimension 0 must be 15, got 14}}
  %o, %f, %p = trine.moe.group %i experts 8 : tensor<5x3xi64> -> tensor<14xi64>, tensor<9xi64>, tensor<5x3xi64>
  return
}

// -----

func.func @grouped_matmul_c1(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<40x64xf32>) {
  // expected-error@+1 {{'weight' must have rank 3}}
  %y = trine.moe.grouped_matmul %x, %f, %w  tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c2(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x60xf32>) {
  // expected-error@+1 {{'weight' dimension 2 must equal 'input' dimension 1, 64, got 60}}
  %y = trine.moe.grouped_matmul %x, %f, %w  tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x60xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c2_offsets(%x: tensor<5x64xf32>, %f: tensor<8xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'offsets' dimension 0 must be 9, got 8}}
  %y = trine.moe.grouped_matmul %x, %f, %w  tiles rows_first : tensor<5x64xf32>, tensor<8xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c3(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'result' dimension 1 must equal 'weight' dimension 1, 40, got 41}}
  %y = trine.moe.grouped_matmul %x, %f, %w  tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x41xf32>
  return
}

// -----

func.func @grouped_matmul_c4(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'slots' must be given exactly with 'order'}}
  %y = trine.moe.grouped_matmul %x, %f, %w slots 3 tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c4_positive(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>, %o: tensor<5xi64>) {
  // expected-error@+1 {{'slots' must be positive, got 0}}
  %y = trine.moe.grouped_matmul %x, %f, %w order(%o : tensor<5xi64>) slots 0 tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @group_c4(%i: tensor<5x3xi64>) {
  // expected-error@+1 {{'position' dimension 1 must equal 'ids' dimension 1, 3, got 2}}
  %o, %f, %p = trine.moe.group %i experts 8 : tensor<5x3xi64> -> tensor<15xi64>, tensor<9xi64>, tensor<5x2xi64>
  return
}

// -----

func.func @group_c5(%i: tensor<5x3xi64>) {
  // expected-error@+1 {{'identity_experts' must not be negative, got -2}}
  %o, %f, %p = trine.moe.group %i experts 8 {identity_experts = -2 : i64} : tensor<5x3xi64> -> tensor<15xi64>, tensor<9xi64>, tensor<5x3xi64>
  return
}

// -----

func.func @grouped_matmul_c1_gated(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'weight' must have rank 4}}
  %y = trine.moe.grouped_matmul %x, %f, %w activation silu_gated tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c5(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x3x40x64xf32>) {
  // expected-error@+1 {{'weight' dimension 1 must be 2, got 3}}
  %y = trine.moe.grouped_matmul %x, %f, %w activation silu_gated tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x3x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c5_bias(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>, %b: tensor<8x41xf32>) {
  // expected-error@+1 {{'bias' dimension 1 must equal 'weight' dimension 1, 40, got 41}}
  %y = trine.moe.grouped_matmul %x, %f, %w bias(%b : tensor<8x41xf32>) tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c6(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'clamp' must be positive, got -1}}
  %y = trine.moe.grouped_matmul %x, %f, %w activation silu clamp -1.0 tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c6_without(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'clamp' must go with an activation}}
  %y = trine.moe.grouped_matmul %x, %f, %w clamp 1.0 tiles rows_first : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c6_alpha(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'alpha' goes with silu only}}
  %y = trine.moe.grouped_matmul %x, %f, %w activation relu tiles rows_first {alpha = 2.0} : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @grouped_matmul_c6_beta(%x: tensor<5x64xf32>, %f: tensor<9xi64>, %w: tensor<8x40x64xf32>) {
  // expected-error@+1 {{'beta' goes with gated activations only}}
  %y = trine.moe.grouped_matmul %x, %f, %w activation silu tiles rows_first {beta = 2.0} : tensor<5x64xf32>, tensor<9xi64>, tensor<8x40x64xf32> -> tensor<5x40xf32>
  return
}

// -----

func.func @combine_c1(%r: tensor<15xf32>, %p: tensor<5x3xi64>, %w: tensor<5x3xf32>) {
  // expected-error@+1 {{'rows' must have rank 2}}
  %y = trine.moe.combine %r, %p, %w : tensor<15xf32>, tensor<5x3xi64>, tensor<5x3xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @combine_c2(%r: tensor<15x64xf32>, %p: tensor<5x2xi64>, %w: tensor<5x3xf32>) {
  // expected-error@+1 {{'position' dimension 1 must equal 'weights' dimension 1, 3, got 2}}
  %y = trine.moe.combine %r, %p, %w : tensor<15x64xf32>, tensor<5x2xi64>, tensor<5x3xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @combine_c2_rows(%r: tensor<14x64xf32>, %p: tensor<5x3xi64>, %w: tensor<5x3xf32>) {
  // expected-error@+1 {{'rows' dimension 0 must be 15, got 14}}
  %y = trine.moe.combine %r, %p, %w : tensor<14x64xf32>, tensor<5x3xi64>, tensor<5x3xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @combine_c3(%r: tensor<15x64xf32>, %p: tensor<5x3xi64>, %w: tensor<5x3xf32>) {
  // expected-error@+1 {{'result' dimension 1 must equal 'rows' dimension 1, 64, got 60}}
  %y = trine.moe.combine %r, %p, %w : tensor<15x64xf32>, tensor<5x3xi64>, tensor<5x3xf32> -> tensor<5x60xf32>
  return
}

// -----

func.func @combine_c4(%r: tensor<15x64xf32>, %p: tensor<5x3xi64>, %w: tensor<5x3xf32>) {
  // expected-error@+1 {{'ids', 'identity' and 'experts' must come together}}
  %y = trine.moe.combine %r, %p, %w experts 4 : tensor<15x64xf32>, tensor<5x3xi64>, tensor<5x3xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @combine_c4_sizes(%r: tensor<15x64xf32>, %p: tensor<5x3xi64>, %w: tensor<5x3xf32>, %x: tensor<4x64xf32>) {
  // expected-error@+1 {{'identity' dimension 0 must equal 'result' dimension 0, 5, got 4}}
  %y = trine.moe.combine %r, %p, %w ids(%p : tensor<5x3xi64>) identity(%x : tensor<4x64xf32>) experts 4
    : tensor<15x64xf32>, tensor<5x3xi64>, tensor<5x3xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @route_c8(%l: tensor<5x8xf32>) {
  // expected-error@+1 {{'weights_from_choice' goes neither with a table nor with softmax_top_k or sigmoid_top_k}}
  %i, %w = trine.moe.route %l scoring softmax_top_k k 3 groups 1 keep 1 by max masked zero weights_from_choice epsilon 0.0 scale 1.0 after_division : tensor<5x8xf32> -> tensor<5x3xi64>, tensor<5x3xf32>
  return
}

// -----

func.func @experts_c6(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>, %b: tensor<8x32xf32>) {
  // expected-error@+1 {{'b_gate_up' dimension 1 must equal 'w_gate_up' dimension 1, 64, got 32}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) gate_up_bias(%b : tensor<8x32xf32>) activation silu_gated gate_up concatenated : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c6_down(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>, %b: tensor<7x64xf32>) {
  // expected-error@+1 {{'b_down' dimension 0 must equal 'w_down' dimension 0, 8, got 7}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) down_bias(%b : tensor<7x64xf32>) activation silu_gated gate_up concatenated : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c7_alpha(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) {
  // expected-error@+1 {{'alpha' goes with silu only, got relu_gated}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>) activation relu_gated gate_up concatenated {alpha = 2.0} : tensor<5x64xf32>
  return
}

// -----

func.func @experts_c7_beta(%x: tensor<5x64xf32>, %i: tensor<5x3xi64>, %w: tensor<5x3xf32>, %g: tensor<8x32x64xf32>, %d: tensor<8x64x32xf32>) {
  // expected-error@+1 {{'beta' goes with gated activations only, got silu}}
  %y = trine.moe.experts %x routed(%i, %w : tensor<5x3xi64>, tensor<5x3xf32>) weights(%g, %d : tensor<8x32x64xf32>, tensor<8x64x32xf32>) activation silu gate_up up_only {beta = 2.0} : tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c1(%x: tensor<f32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>) {
  // expected-error@+1 {{'input' must have rank 1 or more}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu_gated : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @gated_mlp_c2(%x: tensor<5x63xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>) {
  // expected-error@+1 {{'w_gate' dimension 0 must equal 'input' dimension 1, 63, got 64}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu_gated : tensor<5x63xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c3(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>) {
  // expected-error@+1 {{'w_gate' dimension 1 must be 80, got 40}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) activation silu_gated gate_up concatenated : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c3_up(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x41xf32>) {
  // expected-error@+1 {{'w_up' dimension 1 must equal 'w_down' dimension 0, 40, got 41}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x41xf32>) activation silu_gated : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c4(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>) {
  // expected-error@+1 {{'result' dimension 0 must equal 'input' dimension 0, 5, got 4}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu_gated : tensor<5x64xf32> -> tensor<4x64xf32>
  return
}

// -----

func.func @gated_mlp_c5(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>) {
  // expected-error@+1 {{'gate_up' must be given exactly without 'w_up'}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu_gated gate_up concatenated : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c5_activation(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>) {
  // expected-error@+1 {{activation and layout must be gated ones, got silu}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c6(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>) {
  // expected-error@+1 {{'result' must have the element type of 'input'}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu_gated : tensor<5x64xf32> -> tensor<5x64xf16>
  return
}

// -----

func.func @gated_mlp_c7(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>, %b: tensor<40xf32>) {
  // expected-error@+1 {{'b_down' dimension 0 must equal 'w_down' dimension 1, 64, got 40}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) down_bias(%b : tensor<40xf32>) activation silu_gated : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c7_up(%x: tensor<5x64xf32>, %g: tensor<64x80xf32>, %d: tensor<40x64xf32>, %b: tensor<40xf32>) {
  // expected-error@+1 {{'b_up' needs 'w_up'}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x80xf32>, tensor<40x64xf32>) up_bias(%b : tensor<40xf32>) activation silu_gated gate_up concatenated : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c8(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>, %b: tensor<40xf32>) {
  // expected-error@+1 {{'clamp' must be positive, got 0.000000e+00}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation silu_gated clamp 0.0 : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}

// -----

func.func @gated_mlp_c8_alpha(%x: tensor<5x64xf32>, %g: tensor<64x40xf32>, %d: tensor<40x64xf32>, %u: tensor<64x40xf32>, %b: tensor<40xf32>) {
  // expected-error@+1 {{'alpha' goes with silu only, got gelu_gated}}
  %y = trine.gated_mlp %x weights(%g, %d : tensor<64x40xf32>, tensor<40x64xf32>) up(%u : tensor<64x40xf32>) activation gelu_gated {alpha = 2.0} : tensor<5x64xf32> -> tensor<5x64xf32>
  return
}
