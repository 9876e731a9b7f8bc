// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[2]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.ReduceSum' op 'axes' must be in [-2, 2), got 2}}
  %f0 = onnx.ReduceSum(%x, %i0) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[1, 1]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.ReduceSum' op 'axes' must name each axis once, got 1 again}}
  %f0 = onnx.ReduceSum(%x, %i0) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<1xi64>) {
  // expected-error @+1 {{'onnx.ReduceMean' op 'axes' must be known at compile time}}
  %f0 = onnx.ReduceMean(%x, %i) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.ArgMax' op 'axis' must be in [-2, 2), got 2}}
  %i0 = onnx.ArgMax(%x) {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<*xi64>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Softmax' op 'axis' must be in [-2, 2), got -3}}
  %f0 = onnx.Softmax(%x) {axis = -3 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<5> : tensor<i64>
  // expected-error @+1 {{'onnx.CumSum' op 'axis' must be in [-2, 2), got 5}}
  %f0 = onnx.CumSum(%x, %i0) : (tensor<2x3xf32>, tensor<i64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{'onnx.RMSNormalization' op 'X' and 'scale' of shapes [2, 3] and [4] cannot be broadcast: size 3 is not 4}}
  %f0 = onnx.RMSNormalization(%x, %w) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %w: tensor<1x2x3xf32>) {
  // expected-error @+1 {{'onnx.RMSNormalization' op 'scale' must have at most rank 2, got 3}}
  %f0 = onnx.RMSNormalization(%x, %w) : (tensor<2x3xf32>, tensor<1x2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x1xf32>, %w: tensor<3xf32>) {
  // expected-error @+1 {{'onnx.RMSNormalization' op 'scale' of shape [3] must not be larger than 'X' of shape [2, 1]}}
  %f0 = onnx.RMSNormalization(%x, %w) : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %w: tensor<3xf32>) {
  // expected-error @+1 {{'onnx.LayerNormalization' op 'stash_type' must be the number of a float type, got 7}}
  %f0, %f1, %f2 = onnx.LayerNormalization(%x, %w, %w) {stash_type = 7 : i64} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return
}
