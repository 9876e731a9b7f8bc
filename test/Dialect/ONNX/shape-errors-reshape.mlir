// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[4, -1]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Reshape' op 'data' of shape [2, 3] has 6 elements, which is not a multiple of 4}}
  %f0 = onnx.Reshape(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[-1, -1]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Reshape' op 'shape' must hold -1 at most once, got [-1, -1]}}
  %f0 = onnx.Reshape(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[6, 1, 0]> : tensor<3xi64>
  // expected-error @+1 {{'onnx.Reshape' op 'shape' must not hold 0 beyond the operand's rank 2, got [6, 1, 0]}}
  %f0 = onnx.Reshape(%x, %i0) : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[-2, 3]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Reshape' op 'shape' must hold sizes of at least -1, got [-2, 3]}}
  %f0 = onnx.Reshape(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[2, 2]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Reshape' op 'data' of shape [2, 3] cannot become [2, 2]: 6 elements are not 4}}
  %f0 = onnx.Reshape(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[0, -1]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Reshape' op shape [2, 3] cannot become [0, -1]}}
  %f0 = onnx.Reshape(%x, %i0) {allowzero = 1 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<?xi64>) {
  // expected-error @+1 {{'onnx.Reshape' op 'shape' must have a known size, at most 256, got d0}}
  %f0 = onnx.Reshape(%x, %i) : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<2x2xi64>) {
  // expected-error @+1 {{'onnx.Reshape' op 'shape' must have rank 1, got 2}}
  %f0 = onnx.Reshape(%x, %i) : (tensor<2x3xf32>, tensor<2x2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Flatten' op 'axis' must be in [-2, 2], got 3}}
  %f0 = onnx.Flatten(%x) {axis = 3 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[1]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.Squeeze' op dimension 1 must have size 1 to be removed, got 3}}
  %f0 = onnx.Squeeze(%x, %i0) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Squeeze' op must name its 'axes': dimension 0 has size d0, which may be 1 or not}}
  %f0 = onnx.Squeeze(%x, %n0) : (tensor<?x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[0, 4]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Unsqueeze' op 'axes' must be in [-4, 4), got 4}}
  %f0 = onnx.Unsqueeze(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[1, -3]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Unsqueeze' op 'axes' must name each axis once, got -3 again}}
  %f0 = onnx.Unsqueeze(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<1xi64>) {
  // expected-error @+1 {{'onnx.Unsqueeze' op 'axes' must be known at compile time}}
  %f0 = onnx.Unsqueeze(%x, %i) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Transpose' op 'perm' must be a permutation of 0 to 1, got [1, 1]}}
  %f0 = onnx.Transpose(%x) {perm = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[4, 3]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Expand' op 'input' of shape [2, 3] cannot be expanded to [4, 3]: size 2 is not 4}}
  %f0 = onnx.Expand(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x1xf32>) {
  %i0 = onnx.Constant dense<[2, -1]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Expand' op 'shape' must hold sizes of at least 0, got [2, -1]}}
  %f0 = onnx.Expand(%x, %i0) : (tensor<2x1xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[4]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.Tile' op 'repeats' must have 2 elements, one per dimension, got 1}}
  %f0 = onnx.Tile(%x, %i0) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[1, -1]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Tile' op 'repeats' must not be negative, got [1, -1]}}
  %f0 = onnx.Tile(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

// A size that does not fit in 64 bits.
func.func @main(%x: tensor<4x3xf32>) {
  %i0 = onnx.Constant dense<[9223372036854775807, 1]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Tile' op result 0 dimension 0 must be in [0, 2^63), got 4 * 9223372036854775807}}
  %f0 = onnx.Tile(%x, %i0) : (tensor<4x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1xf32>) {
  %i0 = onnx.Constant dense<[4294967296, 4294967296]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.Expand' op result 0 of shape [4294967296, 4294967296] has too many elements}}
  %f0 = onnx.Expand(%x, %i0) : (tensor<1x1xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}
