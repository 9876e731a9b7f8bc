// RUN: trine-opt %s --split-input-file --trine-plan-state --verify-diagnostics

func.func @names() {
  // expected-error @+1 {{'trine.state.open' op needs 'onnx.dims', 'onnx.present' and 'onnx.present_dims' to become a package's state}}
  %s = trine.state.open "past" capacity 0 : !trine.state<tensor<?x?x8xf32>, axis 1>
  return
}

// -----

func.func @twice() {
  %s = trine.state.open "w" capacity 0 {onnx.dims = ["b", 8], onnx.present = "n", onnx.present_dims = ["b", 8]} : !trine.state<tensor<?x8xf32>, axis 0>
  %v, %n = trine.state.read %s : !trine.state<tensor<?x8xf32>, axis 0> -> tensor<?x8xf32>, tensor<?xi64>
  %s1 = trine.state.append %s, %v : !trine.state<tensor<?x8xf32>, axis 0>, tensor<?x8xf32>
  // expected-error @+1 {{'trine.state.open' op opens state 'w' again}}
  %t = trine.state.open "w" capacity 0 {onnx.dims = ["b", 8], onnx.present = "n", onnx.present_dims = ["b", 8]} : !trine.state<tensor<?x8xf32>, axis 0>
  return
}

// -----

func.func @unused() {
  // expected-error @+1 {{'trine.state.open' op is never appended to}}
  %s = trine.state.open "w" capacity 0 {onnx.dims = ["b", 8], onnx.present = "n", onnx.present_dims = ["b", 8]} : !trine.state<tensor<?x8xf32>, axis 0>
  return
}

// -----

func.func @counts(%x: tensor<?x?x8xf32>, %n: tensor<?xi64>) {
  %s = trine.state.open "w" capacity 0 {onnx.dims = ["b", "p", 8], onnx.present = "n", onnx.present_dims = ["b", "p + s", 8]} : !trine.state<tensor<?x?x8xf32>, axis 1>
  // expected-error @+1 {{'trine.state.append' op cannot be planned: a step may read a state and append to it once, for all slots}}
  %s1 = trine.state.append %s, %x counts(%n : tensor<?xi64>) : !trine.state<tensor<?x?x8xf32>, axis 1>, tensor<?x?x8xf32>
  return
}
