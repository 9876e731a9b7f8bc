// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x4x1xf32>) {
  // expected-error @+1 {{'onnx.Concat' op 'inputs' 1 must have rank 2, got 3}}
  %f0 = onnx.Concat(%x, %y) {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4x1xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @+1 {{'onnx.Concat' op sizes of dimension 1 of 'inputs' 0 and 1 must be equal, got 3 and 4}}
  %f0 = onnx.Concat(%x, %y) {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Concat' op 'axis' must be in [-2, 2), got 2}}
  %f0 = onnx.Concat(%x, %x) {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %i1 = onnx.Constant dense<[0]> : tensor<1xi64>
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Slice' op 'ends' must have as many elements as 'starts', 2, got 1}}
  %f0 = onnx.Slice(%x, %i0, %i1, %n0, %n0) : (tensor<2x3xf32>, tensor<2xi64>, tensor<1xi64>, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  %i0 = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Slice' op 'starts' must have at most 1 elements, got 2}}
  %f0 = onnx.Slice(%x, %i0, %i0, %n0, %n0) : (tensor<2xf32>, tensor<2xi64>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[0]> : tensor<1xi64>
  %i1 = onnx.Constant dense<[2]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.Slice' op 'axes' must be in [-2, 2), got 2}}
  %f0 = onnx.Slice(%x, %i0, %i1, %i1, %i1) : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[0]> : tensor<1xi64>
  %i1 = onnx.Constant dense<[2]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.Slice' op 'steps' must not hold 0}}
  %f0 = onnx.Slice(%x, %i0, %i1, %i0, %i0) : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<1xi64>) {
  %i0 = onnx.Constant dense<[0]> : tensor<1xi64>
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Slice' op 'axes' must be known at compile time}}
  %f0 = onnx.Slice(%x, %i0, %i0, %i, %n0) : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<10xf32>) {
  %i0 = onnx.Constant dense<[3, 4]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Split' op 'split' must add up to 10, got 7}}
  %f0:2 = onnx.Split(%x, %i0) {axis = 0 : i64} : (tensor<10xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<10xf32>) {
  %i0 = onnx.Constant dense<[13, -3]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Split' op 'split' must not be negative, got [13, -3]}}
  %f0:2 = onnx.Split(%x, %i0) {axis = 0 : i64} : (tensor<10xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<10xf32>) {
  %i0 = onnx.Constant dense<[3, 4, 3]> : tensor<3xi64>
  // expected-error @+1 {{'onnx.Split' op 'split' must have 2 elements, one per result, got 3}}
  %f0:2 = onnx.Split(%x, %i0) {axis = 0 : i64} : (tensor<10xf32>, tensor<3xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<10xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Split' op dimension 0 of size 10 cannot be split into 3 equal parts}}
  %f0:3 = onnx.Split(%x, %n0) {axis = 0 : i64} : (tensor<10xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<10xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Split' op 'num_outputs' must be the number of results, 3, got 4}}
  %f0:3 = onnx.Split(%x, %n0) {axis = 0 : i64, num_outputs = 4 : i64} : (tensor<10xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<5xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Split' op dimension 0 of size 5 cannot be split into 4 parts of 2}}
  %f0:4 = onnx.Split(%x, %n0) {num_outputs = 4 : i64} : (tensor<5xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[1, 2, 3]> : tensor<3xi64>
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Pad' op 'pads' must have 4 elements, got 3}}
  %f0 = onnx.Pad(%x, %i0, %n0, %n0) : (tensor<2x3xf32>, tensor<3xi64>, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[1, 2, -4, 3]> : tensor<4xi64>
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Pad' op 'pads' must leave at least size 0 of dimension 0, got -1}}
  %f0 = onnx.Pad(%x, %i0, %n0, %n0) : (tensor<2x3xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[1, 2, 4, 3]> : tensor<4xi64>
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Pad' op 'mode' must be constant, reflect, edge or wrap, got 'mirror'}}
  %f0 = onnx.Pad(%x, %i0, %n0, %n0) {mode = "mirror"} : (tensor<2x3xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Trilu' op 'input' must have at least rank 2, got 1}}
  %f0 = onnx.Trilu(%x, %n0) : (tensor<3xf32>, none) -> tensor<*xf32>
  return
}
