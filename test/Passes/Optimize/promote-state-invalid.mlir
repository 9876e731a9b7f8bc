// RUN: trine-opt %s --split-input-file --trine-promote-state --verify-diagnostics

// expected-error @+1 {{the model has no state to keep in the session: no result is an argument with new rows, or what replaces one}}
func.func @none(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}

// -----

// The new rows come first.
// expected-error @+1 {{cannot keep state 'past' in the session: result 'present' is not made by joining it and new rows}}
func.func @before(%x: tensor<?x4x8xf32>, %past: tensor<?x?x8xf32> {onnx.name = "past", onnx.dims = ["b", "p", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x?x8xf32> {onnx.name = "present", onnx.dims = ["b", "p + 4", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}}) {
  %0 = tensor.concat dim(1) %x, %past : (tensor<?x4x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// -----

// expected-error @+1 {{argument 0 says that it is a state, but no result with names, sizes and the same 'pair' does}}
func.func @alone(%past: tensor<?x?x8xf32> {onnx.name = "past", onnx.dims = ["b", "p", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}}) {
  return
}

// -----

// expected-error @+1 {{cannot keep state 'past' in the session: dimension 1 must be a symbol, got '6'}}
func.func @fixed(%x: tensor<?x4x8xf32>, %past: tensor<?x6x8xf32> {onnx.name = "past", onnx.dims = ["b", 6, 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x10x8xf32> {onnx.name = "present", onnx.dims = ["b", 10, 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}}) {
  %0 = tensor.concat dim(1) %past, %x : (tensor<?x6x8xf32>, tensor<?x4x8xf32>) -> tensor<?x10x8xf32>
  return %0 : tensor<?x10x8xf32>
}

// -----

// expected-error @+1 {{cannot keep states 'a' and 'b' in one session: they grow differently, from 'p' by '4' and from 'q' by '4'}}
func.func @two(%x: tensor<?x4x8xf32>, %a: tensor<?x?x8xf32> {onnx.name = "a", onnx.dims = ["b", "p", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}},
               %b: tensor<?x?x8xf32> {onnx.name = "b", onnx.dims = ["b", "q", 8], trine.state = {axis = 1 : i64, pair = 1 : i64, rule = "append"}})
    -> (tensor<?x?x8xf32> {onnx.name = "a1", onnx.dims = ["b", "p + 4", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x?x8xf32> {onnx.name = "b1", onnx.dims = ["b", "4 + q", 8], trine.state = {axis = 1 : i64, pair = 1 : i64, rule = "append"}}) {
  %0 = tensor.concat dim(1) %a, %x : (tensor<?x?x8xf32>, tensor<?x4x8xf32>) -> tensor<?x?x8xf32>
  %1 = tensor.concat dim(1) %b, %x : (tensor<?x?x8xf32>, tensor<?x4x8xf32>) -> tensor<?x?x8xf32>
  return %0, %1 : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}
