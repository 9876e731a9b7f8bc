// RUN: trine-opt %s --split-input-file --verify-diagnostics

func.func @rms_norm_c1(%x: tensor<2x64xf32>, %w: tensor<32xf32>) {
  // expected-error@+1 {{'weight' dimension 0 must equal 'input' dimension 1, 64, got 32}}
  %y = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast before_weight : tensor<2x64xf32>, tensor<32xf32>
  return
}

// -----

func.func @rms_norm_c1_rank(%x: tensor<2x64xf32>, %w: tensor<1x64xf32>) {
  // expected-error@+1 {{'weight' must have rank 1, got}}
  %y = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast before_weight : tensor<2x64xf32>, tensor<1x64xf32>
  return
}

// -----

func.func @rms_norm_c2(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{'epsilon' must not be negative}}
  %y = trine.rms_norm %x epsilon -1.0 compute f32 cast before_weight : tensor<2x64xf32>
  return
}

// -----

func.func @rms_norm_c3(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{'compute_type' must be at least as wide as 'f32', got 'f16'}}
  %y = trine.rms_norm %x epsilon 1.0e-6 compute f16 cast before_weight : tensor<2x64xf32>
  return
}

// -----

func.func @rms_norm_c4(%x: tensor<f32>) {
  // expected-error@+1 {{'input' must have rank 1 or more}}
  %y = trine.rms_norm %x epsilon 1.0e-6 compute f32 cast before_weight : tensor<f32>
  return
}

// -----

func.func @rope_c1(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x2xf32>) {
  // expected-error@+1 {{'cos' and 'sin' must have the same type}}
  %y = trine.rope %x, %c, %s pairing half layout in_place begin 0 : tensor<4x8xf32>, tensor<4x4xf32>, tensor<4x2xf32>
  return
}

// -----

func.func @rope_c2(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>) {
  // expected-error@+1 {{rotated range must lie within the last dimension 8, got 8 elements from 2}}
  %y = trine.rope %x, %c, %s pairing half layout in_place begin 2 : tensor<4x8xf32>, tensor<4x4xf32>, tensor<4x4xf32>
  return
}

// -----

func.func @rope_c3_rank(%x: tensor<8xf32>, %c: tensor<1x4xf32>, %s: tensor<1x4xf32>) {
  // expected-error@+1 {{'cos' must have a rank between 1 and 1}}
  %y = trine.rope %x, %c, %s pairing half layout in_place begin 0 : tensor<8xf32>, tensor<1x4xf32>, tensor<1x4xf32>
  return
}

// -----

func.func @rope_c3_size(%x: tensor<4x8xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) {
  // expected-error@+1 {{'cos' dimension 0 must equal 'input' dimension 0, 4, got 3}}
  %y = trine.rope %x, %c, %s pairing half layout in_place begin 0 : tensor<4x8xf32>, tensor<3x4xf32>, tensor<3x4xf32>
  return
}
