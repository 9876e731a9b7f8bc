// RUN: trine-opt %s --split-input-file --verify-diagnostics

func.func @attention_c1(%q: tensor<4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>) {
  // expected-error@+1 {{'query' must have rank 4}}
  %o, %l = trine.attention query(%q : tensor<4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x20xf32>, %v: tensor<1x2x5x16xf32>) {
  // expected-error@+1 {{'key' dimension 3 must equal 'query' dimension 3, 24, got 20}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x20xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<1x4x3x24xf32>, %k: tensor<1x3x5x24xf32>, %v: tensor<1x3x5x16xf32>) {
  // expected-error@+1 {{heads of 'query' must be a multiple of those of 'key', 3, got 4}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x3x5x24xf32>) value(%v : tensor<1x3x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c4_mask(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>) {
  // expected-error@+1 {{'mask_values' must be given exactly with an additive mask}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask additive masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c4_offset(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %p: tensor<i64>) {
  // expected-error@+1 {{'offset' needs a causal mask}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>) offset(%p : tensor<i64>) scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c4_sequences(%q: tensor<2x4x3x24xf32>, %k: tensor<2x2x5x24xf32>, %v: tensor<2x2x5x16xf32>, %p: tensor<3xi64>) {
  // expected-error@+1 {{'offset' dimension 0 must equal 'query' dimension 0, 2, got 3}}
  %o, %l = trine.attention query(%q : tensor<2x4x3x24xf32>) key(%k : tensor<2x2x5x24xf32>) value(%v : tensor<2x2x5x16xf32>) offset(%p : tensor<3xi64>) scale 1.0 mask causal masked_row zero  -> tensor<2x4x3x16xf32>, tensor<2x4x3xf32>
  return
}

// -----

func.func @attention_c4_rank(%q: tensor<2x4x3x24xf32>, %k: tensor<2x2x5x24xf32>, %v: tensor<2x2x5x16xf32>, %p: tensor<2x1xi64>) {
  // expected-error@+1 {{operand #3 must be 0D/1D tensor of 64-bit signless integer values, but got 'tensor<2x1xi64>'}}
  %o, %l = trine.attention query(%q : tensor<2x4x3x24xf32>) key(%k : tensor<2x2x5x24xf32>) value(%v : tensor<2x2x5x16xf32>) offset(%p : tensor<2x1xi64>) scale 1.0 mask causal masked_row zero  -> tensor<2x4x3x16xf32>, tensor<2x4x3xf32>
  return
}

// -----

func.func @attention_c5(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>) {
  // expected-error@+1 {{'output' dimension 3 must equal 'value' dimension 3, 16, got 24}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x24xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c6(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>) {
  // expected-error@+1 {{'soft_cap' must be positive}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero soft_cap 0.0 -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c7(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %m: tensor<3x6xf32>) {
  // expected-error@+1 {{'mask_values' dimension 1 must equal 'key' dimension 2, 5, got 6}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>) mask_values(%m : tensor<3x6xf32>) scale 1.0 mask additive masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c7_rank(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %m: tensor<1x1x1x3x5xf32>) {
  // expected-error@+1 {{'mask_values' must have rank 4 or less}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>) mask_values(%m : tensor<1x1x1x3x5xf32>) scale 1.0 mask additive masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c2_part(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %q1: tensor<1x4x2x8xf32>, %k1: tensor<1x1x5x8xf32>) {
  // expected-error@+1 {{'more_queries' dimension 2 must equal 'query' dimension 2, 3, got 2}}
  %o, %l = trine.attention query(%q, %q1 : tensor<1x4x3x24xf32>, tensor<1x4x2x8xf32>) key(%k, %k1 : tensor<1x2x5x24xf32>, tensor<1x1x5x8xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c2_part_keys(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %q1: tensor<1x4x3x8xf32>, %k1: tensor<1x1x6x8xf32>) {
  // expected-error@+1 {{'more_keys' dimension 2 must equal 'key' dimension 2, 5, got 6}}
  %o, %l = trine.attention query(%q, %q1 : tensor<1x4x3x24xf32>, tensor<1x4x3x8xf32>) key(%k, %k1 : tensor<1x2x5x24xf32>, tensor<1x1x6x8xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c3_part(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %q1: tensor<1x4x3x8xf32>, %k1: tensor<1x3x5x8xf32>) {
  // expected-error@+1 {{heads of 'query' must be a multiple of those of 'more_keys', 3, got 4}}
  %o, %l = trine.attention query(%q, %q1 : tensor<1x4x3x24xf32>, tensor<1x4x3x8xf32>) key(%k, %k1 : tensor<1x2x5x24xf32>, tensor<1x3x5x8xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c8_part(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %q1: tensor<1x4x3x8xf16>, %k1: tensor<1x1x5x8xf16>) {
  // expected-error@+1 {{operands and results must have one element type, got 'f32' and 'f16'}}
  %o, %l = trine.attention query(%q, %q1 : tensor<1x4x3x24xf32>, tensor<1x4x3x8xf16>) key(%k, %k1 : tensor<1x2x5x24xf32>, tensor<1x1x5x8xf16>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c9(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %q1: tensor<1x4x3x8xf32>) {
  // expected-error@+1 {{needs as many 'more_queries' as 'more_keys', got 1 and 0}}
  %o, %l = trine.attention query(%q, %q1 : tensor<1x4x3x24xf32>, tensor<1x4x3x8xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>)  scale 1.0 mask none masked_row zero  -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c5_partial(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %p: tensor<2x1x4x3x12xf32>) {
  // expected-error@+1 {{'partial' dimension 4 must equal 'value' dimension 3, 16, got 12}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>) partial(%p : tensor<2x1x4x3x12xf32>) scale 1.0 mask none masked_row zero  -> tensor<2x1x4x3x12xf32>, tensor<2x1x4x3xf32>
  return
}

// -----

func.func @attention_c5_partial_lse(%q: tensor<1x4x3x24xf32>, %k: tensor<1x2x5x24xf32>, %v: tensor<1x2x5x16xf32>, %p: tensor<2x1x4x3x16xf32>) {
  // expected-error@+1 {{'lse' dimension 0 must equal 'partial' dimension 0, 2, got 3}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xf32>) key(%k : tensor<1x2x5x24xf32>) value(%v : tensor<1x2x5x16xf32>) partial(%p : tensor<2x1x4x3x16xf32>) scale 1.0 mask none masked_row zero  -> tensor<2x1x4x3x16xf32>, tensor<3x1x4x3xf32>
  return
}

// -----

func.func @attention_c8_partial(%q: tensor<1x4x3x24xbf16>, %k: tensor<1x2x5x24xbf16>, %v: tensor<1x2x5x16xbf16>, %p: tensor<2x1x4x3x16xf64>) {
  // expected-error@+1 {{'partial' must have elements of type f32, got 'tensor<2x1x4x3x16xf64>'}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x24xbf16>) key(%k : tensor<1x2x5x24xbf16>) value(%v : tensor<1x2x5x16xbf16>) partial(%p : tensor<2x1x4x3x16xf64>) scale 1.0 mask none masked_row zero  -> tensor<2x1x4x3x16xf64>, tensor<2x1x4x3xf32>
  return
}

// -----

func.func @mla_c1(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{'latent' must have rank 3}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask none masked_row zero form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c2(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x6x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{'k_rope' dimension 1 must equal 'latent' dimension 1, 5, got 6}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x6x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask none masked_row zero form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c3(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<31x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{'w_uk' dimension 0 must equal 'latent' dimension 2, 32, got 31}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<31x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask none masked_row zero form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c4(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x4xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{'k_rope' dimension 2 must equal 'q_rope' dimension 3, 8, got 4}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x4xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask none masked_row zero form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c5(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{'mask_values' must be given exactly with an additive mask}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask additive masked_row zero form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c6(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{'output' dimension 3 must equal 'w_uv' dimension 2, 12, got 16}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask none masked_row zero form absorbed -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c7(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>, %k: tensor<1x4x7x24xf32>, %v: tensor<1x4x7x12xf32>) {
  // expected-error@+1 {{'past' and 'present' must be keys and values, or absent, got 2 and 0}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) past(%k, %v : tensor<1x4x7x24xf32>, tensor<1x4x7x12xf32>) scale 1.0 mask none masked_row zero form decompressed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c7_rope_first(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>, %k: tensor<1x4x7x24xf32>, %v: tensor<1x4x7x12xf32>) {
  // expected-error@+1 {{'rope_first' needs 'past'}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) rope_first scale 1.0 mask none masked_row zero form decompressed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c7_form(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>, %k: tensor<1x4x7x24xf32>, %v: tensor<1x4x7x12xf32>) {
  // expected-error@+1 {{'form' must be decompressed with 'past', got absorbed}}
  %o, %l, %pk, %pv = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) past(%k, %v : tensor<1x4x7x24xf32>, tensor<1x4x7x12xf32>) scale 1.0 mask none masked_row zero form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32> present(tensor<1x4x12x24xf32>, tensor<1x4x12x12xf32>)
  return
}

// -----

func.func @mla_c8_keys(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>, %k: tensor<1x4x7x16xf32>, %v: tensor<1x4x7x12xf32>) {
  // expected-error@+1 {{'past keys' dimension 3 must be 24, got 16}}
  %o, %l, %pk, %pv = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) past(%k, %v : tensor<1x4x7x16xf32>, tensor<1x4x7x12xf32>) scale 1.0 mask none masked_row zero form decompressed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32> present(tensor<1x4x12x24xf32>, tensor<1x4x12x12xf32>)
  return
}

// -----

func.func @mla_c8_rows(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>, %k: tensor<1x4x7x24xf32>, %v: tensor<1x4x6x12xf32>) {
  // expected-error@+1 {{'past values' dimension 2 must equal 'past keys' dimension 2, 7, got 6}}
  %o, %l, %pk, %pv = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) past(%k, %v : tensor<1x4x7x24xf32>, tensor<1x4x6x12xf32>) scale 1.0 mask none masked_row zero form decompressed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32> present(tensor<1x4x12x24xf32>, tensor<1x4x12x12xf32>)
  return
}

// -----

func.func @mla_c8_present(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>, %k: tensor<1x4x7x24xf32>, %v: tensor<1x4x7x12xf32>) {
  // expected-error@+1 {{'present values' dimension 3 must equal 'past values' dimension 3, 12, got 16}}
  %o, %l, %pk, %pv = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) past(%k, %v : tensor<1x4x7x24xf32>, tensor<1x4x7x12xf32>) scale 1.0 mask none masked_row zero form decompressed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32> present(tensor<1x4x12x24xf32>, tensor<1x4x12x16xf32>)
  return
}

// -----

func.func @mla_c10(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xf32>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{'soft_cap' must be positive}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xf32>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask none masked_row zero soft_cap -1.0 form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @mla_c9(%a: tensor<1x4x3x16xf32>, %b: tensor<1x4x3x8xf32>, %c: tensor<1x5x32xbf16>, %d: tensor<1x5x8xf32>, %e: tensor<32x4x16xf32>, %f: tensor<32x4x12xf32>) {
  // expected-error@+1 {{operands and results must have one element type, got 'f32' and 'bf16'}}
  %o, %l = trine.mla.attention query(%a, %b : tensor<1x4x3x16xf32>, tensor<1x4x3x8xf32>) cache(%c, %d : tensor<1x5x32xbf16>, tensor<1x5x8xf32>) weights(%e, %f : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 1.0 mask none masked_row zero form absorbed -> tensor<1x4x3x12xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @attention_c8(%q: tensor<1x4x3x16xf32>, %k: tensor<1x4x5x16xf64>, %v: tensor<1x4x5x16xf32>) {
  // expected-error@+1 {{operands and results must have one element type, got 'f32' and 'f64'}}
  %o, %l = trine.attention query(%q : tensor<1x4x3x16xf32>) key(%k : tensor<1x4x5x16xf64>) value(%v : tensor<1x4x5x16xf32>) scale 1.0 mask none masked_row zero -> tensor<1x4x3x16xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @merge_c1() {
  // expected-error@+1 {{needs at least one part}}
  %o, %l = "trine.merge"() : () -> (tensor<4x3x16xf32>, tensor<4x3xf32>)
  return
}

// -----

func.func @merge_c2(%a: tensor<4x3x8xf32>, %l: tensor<4x3xf32>) {
  // expected-error@+1 {{parts must have the result's type}}
  %o, %m = trine.merge outputs(%a : tensor<4x3x8xf32>) lses(%l : tensor<4x3xf32>) -> tensor<4x3x16xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @merge_c2_lse(%a: tensor<4x3x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error@+1 {{log-sum-exps must have the result's type}}
  %o, %m = trine.merge outputs(%a : tensor<4x3x8xf32>) lses(%l : tensor<4x2xf32>) -> tensor<4x3x8xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @merge_c3(%a: tensor<4x3x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error@+1 {{'lse' dimension 1 must equal 'output' dimension 1, 3, got 2}}
  %o, %m = trine.merge outputs(%a : tensor<4x3x8xf32>) lses(%l : tensor<4x2xf32>) -> tensor<4x3x8xf32>, tensor<4x2xf32>
  return
}

// -----

func.func @merge_c3_rank(%a: tensor<f32>, %l: tensor<4x2xf32>) {
  // expected-error@+1 {{'output' must have rank 1 or more}}
  %o, %m = trine.merge outputs(%a : tensor<f32>) lses(%l : tensor<4x2xf32>) -> tensor<f32>, tensor<4x2xf32>
  return
}
