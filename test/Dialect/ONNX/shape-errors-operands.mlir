// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x3xf32>, %y: tensor<4xf32>) {
  // expected-error @+1 {{'onnx.Add' op 'A' and 'B' of shapes [2, 3] and [4] cannot be broadcast: size 3 is not 4}}
  %f0 = onnx.Add(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}

// -----

// Sizes that differ by a constant are never equal.
func.func @main(%x: tensor<?xf32> {onnx.dims = ["n"]}, %y: tensor<?xf32> {onnx.dims = ["n + 1"]}, %z: tensor<3xf32>) {
  // expected-error @+1 {{'onnx.Add' op 'A' and 'B' of shapes [n] and [n + 1] cannot be broadcast: size n is not n + 1}}
  %f0 = onnx.Add(%x, %y) : (tensor<?xf32>, tensor<?xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?xf32> {onnx.dims = ["n + 4"]}, %n: tensor<?xf32> {onnx.dims = ["n"]}, %y: tensor<3xf32>) {
  // expected-error @+1 {{'onnx.Mul' op 'A' and 'B' of shapes [n + 4] and [3] cannot be broadcast: size n + 4 is not 3}}
  %f0 = onnx.Mul(%x, %y) : (tensor<?xf32>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>, %y: tensor<2xf64>) {
  // expected-error @+1 {{'onnx.Add' op 'A' and 'B' must have one element type, got 'f32' and 'f64'}}
  %f0 = onnx.Add(%x, %y) : (tensor<2xf32>, tensor<2xf64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xi1>) {
  // expected-error @+2 {{'onnx.MatMul' op 'A' must not have element type 'i1'}}
  // expected-error @+1 {{'onnx.MatMul' op 'B' must not have element type 'i1'}}
  %f0 = onnx.MatMul(%x, %x) : (tensor<2xi1>, tensor<2xi1>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>, %y: tensor<2xi64>, %z: tensor<2xi32>) {
  // expected-error @+2 {{'onnx.Max' op 'data_0' 0 and 'data_0' 2 must have one element type, got 'f32' and 'i64'}}
  // expected-error @+1 {{'onnx.Max' op 'data_0' 0 and 'data_0' 3 must have one element type, got 'f32' and 'i32'}}
  %f0 = onnx.Max(%x, %x, %y, %z) : (tensor<2xf32>, tensor<2xf32>, tensor<2xi64>, tensor<2xi32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x1xf32>, %y: tensor<2x3x1xf32>) {
  // expected-error @+1 {{'onnx.PRelu' op 'X' and 'slope' of shapes [2, 1] and [2, 3, 1] cannot be broadcast: size 2 is not 3}}
  %f0 = onnx.PRelu(%x, %y) : (tensor<2x1xf32>, tensor<2x3x1xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.Cast' op 'to' must be the number of a supported element type, got 8}}
  %f0 = onnx.Cast(%x) {to = 8 : i64} : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Clip' op 'min' must be a scalar, got shape [2]}}
  %f0 = onnx.Clip(%x, %y, %n0) : (tensor<2xf32>, tensor<2xf32>, none) -> tensor<*xf32>
  return
}

// -----

// What follows from an error is not reported again.
func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{'onnx.Add' op 'A' and 'B' of shapes [2] and [3] cannot be broadcast: size 2 is not 3}}
  %f0 = onnx.Add(%x, %y) : (tensor<2xf32>, tensor<3xf32>) -> tensor<*xf32>
  %f1 = onnx.Reshape(%f0, %f0) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %f2 = onnx.MatMul(%f1, %x) : (tensor<*xf32>, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

// All errors are reported.
func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{'onnx.Add' op 'A' and 'B' of shapes [2] and [3] cannot be broadcast: size 2 is not 3}}
  %f0 = onnx.Add(%x, %y) : (tensor<2xf32>, tensor<3xf32>) -> tensor<*xf32>
  // expected-error @+1 {{'onnx.Sub' op 'A' and 'B' of shapes [3] and [2] cannot be broadcast: size 3 is not 2}}
  %f1 = onnx.Sub(%y, %x) : (tensor<3xf32>, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main() {
  // expected-error @+1 {{'onnx.Max' op must have at least one operand}}
  %0 = onnx.Max() : () -> tensor<*xf32>
  return
}

// -----

func.func @main() {
  // expected-error @+1 {{'onnx.Mean' op must have at least one operand}}
  %0 = onnx.Mean() : () -> tensor<*xf32>
  return
}

// -----

func.func @main() {
  // expected-error @+1 {{'onnx.Concat' op must have at least one operand}}
  %0 = onnx.Concat() {axis = 0 : i64} : () -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+1 {{'onnx.Split' op must have at least one result}}
  onnx.Split(%x, %none) : (tensor<2xf32>, none) -> ()
  return
}
