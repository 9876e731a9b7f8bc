// RUN: trine-opt %s --split-input-file --verify-diagnostics

func.func @hash_c1(%i: tensor<5xi64>) {
  // expected-error@+1 {{'token_ids' must have rank 2}}
  %r, %p = trine.engram.hash %i  order 3 heads 2 multipliers [1, 3, 5] moduli [7, 11, 13, 17] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c2(%i: tensor<1x5xi64>) {
  // expected-error@+1 {{'max_order' must be between 2 and 64, got 1}}
  %r, %p = trine.engram.hash %i  order 1 heads 2 multipliers [1, 3, 5] moduli [7, 11, 13, 17] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<1x5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c2_heads(%i: tensor<1x5xi64>) {
  // expected-error@+1 {{'heads' must be between 1 and 65536, got 0}}
  %r, %p = trine.engram.hash %i  order 3 heads 0 multipliers [1, 3, 5] moduli [7, 11, 13, 17] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<1x5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c3(%i: tensor<1x5xi64>) {
  // expected-error@+1 {{needs 3 multipliers, got 2}}
  %r, %p = trine.engram.hash %i  order 3 heads 2 multipliers [1, 3] moduli [7, 11, 13, 17] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<1x5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c3_moduli(%i: tensor<1x5xi64>) {
  // expected-error@+1 {{needs 4 moduli and offsets, got 3 and 4}}
  %r, %p = trine.engram.hash %i  order 3 heads 2 multipliers [1, 3, 5] moduli [7, 11, 13] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<1x5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c4(%i: tensor<1x5xi64>) {
  // expected-error@+1 {{moduli must be positive and offsets not negative, got 0 and 7}}
  %r, %p = trine.engram.hash %i  order 3 heads 2 multipliers [1, 3, 5] moduli [7, 0, 13, 17] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<1x5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c5(%i: tensor<1x5xi64>, %h: tensor<1x3xi64>) {
  // expected-error@+1 {{'history' dimension 1 must be 2, got 3}}
  %r, %p = trine.engram.hash %i history(%h : tensor<1x3xi64>) order 3 heads 2 multipliers [1, 3, 5] moduli [7, 11, 13, 17] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<1x5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c6(%i: tensor<1x5xi64>) {
  // expected-error@+1 {{'rows' dimension 2 must be 4, got 5}}
  %r, %p = trine.engram.hash %i  order 3 heads 2 multipliers [1, 3, 5] moduli [7, 11, 13, 17] offsets [0, 7, 18, 31] pad 0 reset never wrap non_negative : tensor<1x5xi64> -> tensor<1x5x5xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @hash_c7(%i: tensor<1x5xi64>) {
  // expected-error@+1 {{'reset_token' must be given exactly with after_token}}
  %r, %p = trine.engram.hash %i  order 3 heads 2 multipliers [1, 3, 5] moduli [7, 11, 13, 17] offsets [0, 7, 18, 31] pad 0 reset after_token wrap non_negative : tensor<1x5xi64> -> tensor<1x5x4xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @lookup_c1(%r: tensor<5x4xi64>, %t: tensor<890x16xf32>) {
  // expected-error@+1 {{'result' dimension 2 must equal 'table' dimension 1, 16, got 8}}
  %y = trine.engram.lookup %r, %t  : tensor<5x4xi64>, tensor<890x16xf32> -> tensor<5x4x8xf32>
  return
}

// -----

func.func @lookup_c2(%r: tensor<5x4xi64>, %t: tensor<890x16xf8E4M3FN>) {
  // expected-error@+1 {{'scales' must be given exactly for tables of 8-bit floats, got a table of 'f8E4M3FN'}}
  %y = trine.engram.lookup %r, %t  : tensor<5x4xi64>, tensor<890x16xf8E4M3FN> -> tensor<5x4x16xf32>
  return
}

// -----

func.func @lookup_c2_columns(%r: tensor<5x4xi64>, %t: tensor<890x16xf8E4M3FN>, %s: tensor<890x3xf8E8M0FNU>) {
  // expected-error@+1 {{columns of 'scales' must divide the row width 16, got 3}}
  %y = trine.engram.lookup %r, %t scales(%s : tensor<890x3xf8E8M0FNU>) : tensor<5x4xi64>, tensor<890x16xf8E4M3FN> -> tensor<5x4x16xf32>
  return
}

// -----

func.func @lookup_c3(%r: tensor<5x4xi64>, %t: tensor<890x16xf32>) {
  // expected-error@+1 {{'result' must have the table's element type 'f32', got 'bf16'}}
  %y = trine.engram.lookup %r, %t  : tensor<5x4xi64>, tensor<890x16xf32> -> tensor<5x4x16xbf16>
  return
}

// -----

func.func @gate_c1(%k: tensor<1x5x64xf32>, %v: tensor<1x5x64xf32>, %w: tensor<2x64xf32>) {
  // expected-error@+1 {{'key' must have rank 4}}
  %y = trine.engram.gate %k, %k, %v weights(%w, %w : tensor<2x64xf32>, tensor<2x64xf32>) epsilon 0.0 root none floor 0.0 : tensor<1x5x64xf32>, tensor<1x5x64xf32>
  return
}

// -----

func.func @gate_c2(%k: tensor<1x5x2x64xf32>, %v: tensor<1x5x60xf32>, %w: tensor<2x64xf32>) {
  // expected-error@+1 {{'value' dimension 2 must equal 'key' dimension 3, 64, got 60}}
  %y = trine.engram.gate %k, %k, %v weights(%w, %w : tensor<2x64xf32>, tensor<2x64xf32>) epsilon 0.0 root none floor 0.0 : tensor<1x5x2x64xf32>, tensor<1x5x60xf32>
  return
}

// -----

func.func @gate_c3(%k: tensor<1x5x2x64xf32>, %v: tensor<1x5x64xf32>, %w: tensor<2x64xf32>) {
  // expected-error@+1 {{'epsilon' and 'floor' must not be negative}}
  %y = trine.engram.gate %k, %k, %v weights(%w, %w : tensor<2x64xf32>, tensor<2x64xf32>) epsilon -1.0 root none floor 0.0 : tensor<1x5x2x64xf32>, tensor<1x5x64xf32>
  return
}

// -----

func.func @conv_c1(%x: tensor<1x5x64xf32>, %s: tensor<1x9x64xf32>, %w: tensor<64x1x4xf32>) {
  // expected-error@+1 {{'weight' must have rank 2}}
  %y, %p = trine.engram.conv %x, %s, %w dilation 3 : tensor<1x5x64xf32>, tensor<1x9x64xf32>, tensor<64x1x4xf32>
  return
}

// -----

func.func @conv_c2(%x: tensor<1x5x64xf32>, %s: tensor<1x9x64xf32>, %w: tensor<60x4xf32>) {
  // expected-error@+1 {{'weight' dimension 0 must equal 'input' dimension 2, 64, got 60}}
  %y, %p = trine.engram.conv %x, %s, %w dilation 3 : tensor<1x5x64xf32>, tensor<1x9x64xf32>, tensor<60x4xf32>
  return
}

// -----

func.func @conv_c3(%x: tensor<1x5x64xf32>, %s: tensor<1x8x64xf32>, %w: tensor<64x4xf32>) {
  // expected-error@+1 {{'state' dimension 1 must be 9, got 8}}
  %y, %p = trine.engram.conv %x, %s, %w dilation 3 : tensor<1x5x64xf32>, tensor<1x8x64xf32>, tensor<64x4xf32>
  return
}

// -----

func.func @conv_c3_dilation(%x: tensor<1x5x64xf32>, %s: tensor<1x9x64xf32>, %w: tensor<64x4xf32>) {
  // expected-error@+1 {{'dilation' must be at least 1, got 0}}
  %y, %p = trine.engram.conv %x, %s, %w dilation 0 : tensor<1x5x64xf32>, tensor<1x9x64xf32>, tensor<64x4xf32>
  return
}

// -----

func.func @mix_c1(%h: tensor<5x4x64xf32>, %p: tensor<24x256xf32>, %s: tensor<3xf32>, %b: tensor<24xf32>) {
  // expected-error@+1 {{'streams' must have rank 4}}
  %x, %o, %c = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 20 epsilon 0.0 norm_epsilon 0.0 : tensor<5x4x64xf32>, tensor<24x256xf32> -> tensor<1x5x64xf32>, tensor<1x5x4xf32>, tensor<1x5x4x4xf32>
  return
}

// -----

func.func @mix_c2(%h: tensor<1x5x4x64xf32>, %p: tensor<23x256xf32>, %s: tensor<3xf32>, %b: tensor<24xf32>) {
  // expected-error@+1 {{'projection' dimension 0 must be 24, got 23}}
  %x, %o, %c = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 20 epsilon 0.0 norm_epsilon 0.0 : tensor<1x5x4x64xf32>, tensor<23x256xf32> -> tensor<1x5x64xf32>, tensor<1x5x4xf32>, tensor<1x5x4x4xf32>
  return
}

// -----

func.func @mix_c3(%h: tensor<1x5x4x64xf32>, %p: tensor<24x256xf32>, %s: tensor<3xf32>, %b: tensor<24xf32>) {
  // expected-error@+1 {{'comb' dimension 2 must equal 'streams' dimension 2, 4, got 3}}
  %x, %o, %c = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 20 epsilon 0.0 norm_epsilon 0.0 : tensor<1x5x4x64xf32>, tensor<24x256xf32> -> tensor<1x5x64xf32>, tensor<1x5x4xf32>, tensor<1x5x3x4xf32>
  return
}

// -----

func.func @mix_c4(%h: tensor<1x5x4x64xf32>, %p: tensor<24x256xf32>, %s: tensor<3xf32>, %b: tensor<24xf32>) {
  // expected-error@+1 {{'rounds' must be at least 1, got 0}}
  %x, %o, %c = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 0 epsilon 0.0 norm_epsilon 0.0 : tensor<1x5x4x64xf32>, tensor<24x256xf32> -> tensor<1x5x64xf32>, tensor<1x5x4xf32>, tensor<1x5x4x4xf32>
  return
}

// -----

func.func @mix_c4_epsilon(%h: tensor<1x5x4x64xf32>, %p: tensor<24x256xf32>, %s: tensor<3xf32>, %b: tensor<24xf32>) {
  // expected-error@+1 {{epsilons must not be negative}}
  %x, %o, %c = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 20 epsilon -1.0 norm_epsilon 0.0 : tensor<1x5x4x64xf32>, tensor<24x256xf32> -> tensor<1x5x64xf32>, tensor<1x5x4xf32>, tensor<1x5x4x4xf32>
  return
}

// -----

// combine_c2
func.func @combine_c2(%h: tensor<1x5x4x64xf32>, %y: tensor<1x5x32xf32>, %p: tensor<1x5x4xf32>, %c: tensor<1x5x4x4xf32>) {
  // expected-error@+1 {{'output' dimension 2 must equal 'streams' dimension 3, 64, got 32}}
  %r = trine.hyper.combine %h, %y post(%p : tensor<1x5x4xf32>) comb(%c : tensor<1x5x4x4xf32>) : tensor<1x5x4x64xf32>, tensor<1x5x32xf32>
  return
}

// -----

// combine_c1
func.func @combine_c1(%h: tensor<1x5x4x64xf32>, %y: tensor<1x5x64xf32>, %p: tensor<1x5x4xf32>, %c: tensor<5x4x4xf32>) {
  // expected-error@+1 {{'comb' must have rank 4}}
  %r = trine.hyper.combine %h, %y post(%p : tensor<1x5x4xf32>) comb(%c : tensor<5x4x4xf32>) : tensor<1x5x4x64xf32>, tensor<1x5x64xf32>
  return
}
