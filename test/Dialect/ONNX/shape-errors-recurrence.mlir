// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.Scan' op 'num_scan_inputs' must be in [1, 1], got 2}}
  %0 = onnx.Scan(%x) {
  ^bb0(%a: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  } attributes {num_scan_inputs = 2 : i64} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.Scan' op 'body' must have 1 arguments, got 2}}
  %0 = onnx.Scan(%x) {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.Scan' op 'body' must yield 1 values, at least 0, got 2 values}}
  %0 = onnx.Scan(%x) {
  ^bb0(%a: tensor<f32>):
    onnx.Yield %a, %a : tensor<f32>, tensor<f32>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.Scan' op 'scan_input_directions' must have 1 elements, got 2}}
  %0 = onnx.Scan(%x) {
  ^bb0(%a: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  } attributes {num_scan_inputs = 1 : i64, scan_input_directions = array<i64: 0, 0>} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.Scan' op 'scan_output_directions' must have elements 0 or 1, got 2}}
  %0 = onnx.Scan(%x) {
  ^bb0(%a: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  } attributes {num_scan_inputs = 1 : i64, scan_output_directions = array<i64: 2>} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'scan_input_axes' must be in [-1, 1), got 1}}
  %0 = onnx.Scan(%x) {
  ^bb0(%a: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  } attributes {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'scan_output_axes' must be in [-1, 1), got -2}}
  %0 = onnx.Scan(%x) {
  ^bb0(%a: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  } attributes {num_scan_inputs = 1 : i64, scan_output_axes = array<i64: -2>} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{sizes of the scanned axes must be equal}}
  %0 = onnx.Scan(%x, %y) {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  } attributes {num_scan_inputs = 2 : i64} : (tensor<2xf32>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%s: tensor<f32>, %x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.Scan' op 'body' must keep the rank of 'initial_state_and_scan_inputs' 0, 0, got 1}}
  %0 = onnx.Scan(%s, %x) {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    onnx.Yield %x : tensor<2xf32>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<f32>, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%q: tensor<1x2x12xf32>) {
  %n = onnx.None
  // expected-error @+1 {{'onnx.LinearAttention' op 'q_num_heads' must be a positive multiple of 'kv_num_heads', got 2 and 3}}
  %0:2 = onnx.LinearAttention(%q, %q, %q, %n, %n, %n) {q_num_heads = 2 : i64, kv_num_heads = 3 : i64, update_rule = "linear"} : (tensor<1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  // expected-error @+1 {{'onnx.LinearAttention' op 'update_rule' must be linear, gated, delta or gated_delta, got 'other'}}
  %1:2 = onnx.LinearAttention(%q, %q, %q, %n, %n, %n) {q_num_heads = 3 : i64, kv_num_heads = 3 : i64, update_rule = "other"} : (tensor<1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  // expected-error @+1 {{'onnx.LinearAttention' op 'decay' must be given with 'update_rule' gated}}
  %2:2 = onnx.LinearAttention(%q, %q, %q, %n, %n, %n) {q_num_heads = 3 : i64, kv_num_heads = 3 : i64, update_rule = "gated"} : (tensor<1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  // expected-error @+1 {{'onnx.LinearAttention' op 'decay' must not be given with 'update_rule' linear}}
  %3:2 = onnx.LinearAttention(%q, %q, %q, %n, %q, %n) {q_num_heads = 3 : i64, kv_num_heads = 3 : i64, update_rule = "linear"} : (tensor<1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>, none, tensor<1x2x12xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  // expected-error @+3 {{'onnx.LinearAttention' op dimension 2 of 'query' must be a multiple of 'q_num_heads' 5, got 12}}
  // expected-error @+2 {{'onnx.LinearAttention' op dimension 2 of 'key' must be a multiple of 'kv_num_heads' 5, got 12}}
  // expected-error @+1 {{'onnx.LinearAttention' op dimension 2 of 'value' must be a multiple of 'kv_num_heads' 5, got 12}}
  %4:2 = onnx.LinearAttention(%q, %q, %q, %n, %n, %n) {q_num_heads = 5 : i64, kv_num_heads = 5 : i64, update_rule = "linear"} : (tensor<1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%q: tensor<1x2x12xf32>, %w: tensor<1x2x7xf32>) {
  %n = onnx.None
  // expected-error @+1 {{'onnx.LinearAttention' op dimension 2 of 'decay' must be 3 or 12, got 7}}
  %0:2 = onnx.LinearAttention(%q, %q, %q, %n, %w, %n) {q_num_heads = 3 : i64, kv_num_heads = 3 : i64, update_rule = "gated"} : (tensor<1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>, none, tensor<1x2x7xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  // expected-error @+1 {{'onnx.LinearAttention' op dimension 2 of 'beta' must be 3 or 1, got 7}}
  %1:2 = onnx.LinearAttention(%q, %q, %q, %n, %n, %w) {q_num_heads = 3 : i64, kv_num_heads = 3 : i64, update_rule = "delta"} : (tensor<1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>, none, none, tensor<1x2x7xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<2x8x5xf32>, %w: tensor<8x1x0xf32>, %u: tensor<8x1x3xf32>) {
  %n = onnx.None
  // expected-error @+1 {{'onnx.CausalConvWithState' op dimension 2 of 'weight' must be at least 1}}
  %0:2 = onnx.CausalConvWithState(%x, %w, %n, %n) : (tensor<2x8x5xf32>, tensor<8x1x0xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  // expected-error @+1 {{'onnx.CausalConvWithState' op 'activation' must be none, silu or swish, got 'gelu'}}
  %1:2 = onnx.CausalConvWithState(%x, %u, %n, %n) {activation = "gelu"} : (tensor<2x8x5xf32>, tensor<8x1x3xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<2x8x5xf32>, %l: tensor<8xi64>) {
  // expected-error @+1 {{'onnx.ReverseSequence' op 'batch_axis' and 'time_axis' must be 0 and 1 or 1 and 0, got 1 and 2}}
  %0 = onnx.ReverseSequence(%x, %l) {batch_axis = 1 : i64, time_axis = 2 : i64} : (tensor<2x8x5xf32>, tensor<8xi64>) -> tensor<*xf32>
  return
}
