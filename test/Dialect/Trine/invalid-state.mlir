// RUN: trine-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{'axis' must be in [0, 3), got 3}}
func.func private @state_c1(%s: !trine.state<tensor<?x?x512xf32>, axis 3>)

// -----

// expected-error@+1 {{state must have a dimension for sequence slots}}
func.func private @state_c1_rank(%s: !trine.state<tensor<f32>, axis 0>)

// -----

func.func @open_c1() {
  // expected-error@+1 {{'capacity' must not be negative, got -1}}
  %s = trine.state.open "x" capacity -1 : !trine.state<tensor<?x?x512xf32>, axis 1>
  return
}

// -----

func.func @append_c1(%s: !trine.state<tensor<?x?x512xf32>, axis 1>, %v: tensor<2x3x511xf32>) {
  // expected-error@+1 {{'values' dimension 2 must be 512, got 511}}
  %r = trine.state.append %s, %v : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<2x3x511xf32>
  return
}

// -----

func.func @append_c1_type(%s: !trine.state<tensor<?x?x512xf32>, axis 1>, %v: tensor<2x3x512xf16>) {
  // expected-error@+1 {{'values' must have the state's element type 'f32', got 'f16'}}
  %r = trine.state.append %s, %v : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<2x3x512xf16>
  return
}

// -----

func.func @read_c1(%s: !trine.state<tensor<?x?x512xf32>, axis 1>) {
  // expected-error@+1 {{'values' must have rank 3}}
  %v, %n = trine.state.read %s : !trine.state<tensor<?x?x512xf32>, axis 1> -> tensor<?x512xf32>, tensor<?xi64>
  return
}

// -----

func.func @read_c1_type(%s: !trine.state<tensor<?x?x512xf32>, axis 1>) {
  // expected-error@+1 {{'values' must have the state's element type 'f32', got 'f16'}}
  %v, %n = trine.state.read %s : !trine.state<tensor<?x?x512xf32>, axis 1> -> tensor<?x?x512xf16>, tensor<?xi64>
  return
}
