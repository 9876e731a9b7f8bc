// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%c: tensor<i1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.If' op branches must yield 1 values, got 2}}
  %0 = onnx.If(%c) {
    onnx.Yield %x : tensor<2xf32>
  } {
    onnx.Yield %x, %x : tensor<2xf32>, tensor<2xf32>
  } : (tensor<i1>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<2xf32>, %y: tensor<2x1xf32>) {
  // expected-error @+1 {{'onnx.If' op branches must yield one rank for result 0, got 1 and 2}}
  %0 = onnx.If(%c) {
    onnx.Yield %y : tensor<2x1xf32>
  } {
    onnx.Yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<2xf32>, %y: tensor<2xi64>) {
  // expected-error @+1 {{'onnx.If' op branches must yield one element type for result 0, got 'f32' and 'i64'}}
  %0 = onnx.If(%c) {
    onnx.Yield %y : tensor<2xi64>
  } {
    onnx.Yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%c: tensor<2xi1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.If' op 'cond' must be a scalar, got shape [2]}}
  %0 = onnx.If(%c) {
    onnx.Yield %x : tensor<2xf32>
  } {
    onnx.Yield %x : tensor<2xf32>
  } : (tensor<2xi1>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+1 {{'onnx.If' op regions must yield tensors, got 'none' as value 0}}
  %0 = onnx.If(%c) {
    onnx.Yield %x : tensor<2xf32>
  } {
    onnx.Yield %none : none
  } : (tensor<i1>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.If' op must have regions of one block that ends with 'onnx.Yield'}}
  %0 = onnx.If(%c) {
    onnx.Yield %x : tensor<2xf32>
  } {
    llvm.unreachable
  } : (tensor<i1>) -> tensor<*xf32>
  return
}

// -----

// An error inside is reported once.
func.func @main(%c: tensor<i1>, %x: tensor<2xf32>, %y: tensor<3xf32>) {
  %0 = onnx.If(%c) {
    // expected-error @+1 {{'onnx.Add' op 'A' and 'B' of shapes [2] and [3] cannot be broadcast: size 2 is not 3}}
    %1 = onnx.Add(%x, %y) : (tensor<2xf32>, tensor<3xf32>) -> tensor<*xf32>
    onnx.Yield %1 : tensor<*xf32>
  } {
    onnx.Yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<*xf32>
  %2 = onnx.Abs(%0) : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%m: tensor<i64>, %x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+1 {{'onnx.Loop' op 'body' must have 3 arguments, got 2}}
  %0 = onnx.Loop(%m, %none, %x) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>):
    onnx.Yield %go, %x : tensor<i1>, tensor<2xf32>
  } : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%m: tensor<i64>, %x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+1 {{'onnx.Loop' op 'body' must yield the condition and 1 values, at least 1, got 3 values}}
  %0 = onnx.Loop(%m, %none, %x) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %a: tensor<2xf32>):
    onnx.Yield %go, %a, %a : tensor<i1>, tensor<2xf32>, tensor<2xf32>
  } : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%m: tensor<i64>, %x: tensor<2xf32>) {
  %none = onnx.None
  %axes = onnx.Constant dense<[0]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.Loop' op 'body' must keep the rank of 'v_initial' 0, 1, got 2}}
  %0 = onnx.Loop(%m, %none, %x) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %a: tensor<*xf32>):
    %1 = onnx.Unsqueeze(%a, %axes) : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
    onnx.Yield %go, %1 : tensor<i1>, tensor<*xf32>
  } : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%m: tensor<i64>, %x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+1 {{'onnx.Loop' op 'body' must keep the element type of 'v_initial' 0, 'f32', got 'f64'}}
  %0 = onnx.Loop(%m, %none, %x) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %a: tensor<*xf32>):
    %1 = onnx.Cast(%a) {to = 11 : i64} : (tensor<*xf32>) -> tensor<*xf64>
    onnx.Yield %go, %1 : tensor<i1>, tensor<*xf64>
  } : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32>
  return
}
