// RUN: trine-opt %s --split-input-file --verify-diagnostics

func.func @piece_c1() {
  // expected-error@+1 {{must have as many strides and sizes as positions, 2, got 1 and 2}}
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[1] into[0, 0] sizes[2, 3]>] : tensor<2x3xf32>
  return
}

// -----

func.func @piece_c2() {
  // expected-error@+1 {{must have no negative number}}
  %w = trine.assembled_weight "w" [#trine.piece<"m" at -4 strides[3, 1] into[0, 0] sizes[2, 3]>] : tensor<2x3xf32>
  return
}

// -----

func.func @assembled_weight_c1_rank() {
  // expected-error@+1 {{piece 0 must have the rank of 'tensor<6xf32>', at least 1, got 2}}
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[3, 1] into[0, 0] sizes[2, 3]>] : tensor<6xf32>
  return
}

// -----

func.func @assembled_weight_c1_box() {
  // expected-error@+1 {{piece 1 must lie within 'tensor<2x3xf32>', got #trine.piece<"m" at 12 strides[3, 1] into[1, 1] sizes[1, 3]>}}
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[3, 1] into[0, 0] sizes[1, 3]>, #trine.piece<"m" at 12 strides[3, 1] into[1, 1] sizes[1, 3]>] : tensor<2x3xf32>
  return
}

// -----

func.func @assembled_weight_c2() {
  // expected-error@+1 {{pieces must have 6 elements together, got 3}}
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[3, 1] into[0, 0] sizes[1, 3]>] : tensor<2x3xf32>
  return
}

// -----

func.func @assembled_weight_c3() {
  // expected-error@+1 {{elements must be a whole number of bytes, got 'i4'}}
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[1] into[0] sizes[2]>] : tensor<2xi4>
  return
}
