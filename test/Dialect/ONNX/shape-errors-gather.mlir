// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<5> : tensor<i64>
  // expected-error @+1 {{'onnx.Gather' op 'indices' must be in [-3, 3), got 5}}
  %f0 = onnx.Gather(%x, %i0) {axis = 1 : i64} : (tensor<2x3xf32>, tensor<i64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'onnx.Gather' op 'axis' must be in [-2, 2), got -3}}
  %f0 = onnx.Gather(%x, %i) {axis = -3 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<f32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'onnx.Gather' op 'data' must have at least rank 1, got 0}}
  %f0 = onnx.Gather(%x, %i) : (tensor<f32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'onnx.GatherElements' op 'indices' must have rank 2, got 1}}
  %f0 = onnx.GatherElements(%x, %i) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<3x3xi64>) {
  // expected-error @+1 {{'onnx.GatherElements' op dimension 0 of 'indices' must be at most 2, got 3}}
  %f0 = onnx.GatherElements(%x, %i) {axis = 1 : i64} : (tensor<2x3xf32>, tensor<3x3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<4x3xi64>) {
  // expected-error @+1 {{'onnx.GatherND' op the last dimension of 'indices' must be in [1, 2], got 3}}
  %f0 = onnx.GatherND(%x, %i) : (tensor<2x3xf32>, tensor<4x3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<2x1xi64>) {
  // expected-error @+1 {{'onnx.GatherND' op 'batch_dims' must be in [0, 2), got 2}}
  %f0 = onnx.GatherND(%x, %i) {batch_dims = 2 : i64} : (tensor<2x3xf32>, tensor<2x1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>) {
  // expected-error @+1 {{'onnx.GatherND' op sizes of batch dimension 0 of 'data' and 'indices' must be equal, got 2 and 4}}
  %f0 = onnx.GatherND(%x, %i) {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[4]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.TopK' op 'K' must be at most 3, the size of dimension 1, got 4}}
  %f0, %i1 = onnx.TopK(%x, %i0) : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %i0 = onnx.Constant dense<[-1]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.TopK' op 'K' must be at least 0, got -1}}
  %f0, %i1 = onnx.TopK(%x, %i0) : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %k: tensor<2xi64>) {
  // expected-error @+1 {{'onnx.TopK' op 'K' must be a scalar, got shape [2]}}
  %f0, %i1 = onnx.TopK(%x, %k) : (tensor<2x3xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %c: tensor<2x3xi1>) {
  // expected-error @+1 {{'onnx.Compress' op 'condition' must have rank 1, got 2}}
  %f0 = onnx.Compress(%x, %c) : (tensor<2x3xf32>, tensor<2x3xi1>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%i: tensor<2xi64>, %v: tensor<3xf32>) {
  %i0 = onnx.Constant dense<[4]> : tensor<1xi64>
  // expected-error @+1 {{'onnx.OneHot' op 'values' must have 2 elements, got 3}}
  %f0 = onnx.OneHot(%i, %i0, %v) : (tensor<2xi64>, tensor<1xi64>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%i: tensor<2xi64>, %v: tensor<2xf32>) {
  %i0 = onnx.Constant dense<-4> : tensor<i64>
  // expected-error @+1 {{'onnx.OneHot' op 'depth' must be at least 0, got -4}}
  %f0 = onnx.OneHot(%i, %i0, %v) : (tensor<2xi64>, tensor<i64>, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<2x2xi64>, %u: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.ScatterElements' op sizes of dimension 1 of 'indices' and 'updates' must be equal, got 2 and 3}}
  %f0 = onnx.ScatterElements(%x, %i, %u) {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<2x2xi64>, %u: tensor<2x2xf32>) {
  // expected-error @+1 {{'onnx.ScatterElements' op 'reduction' must be none, add, mul, max or min, got 'mean'}}
  %f0 = onnx.ScatterElements(%x, %i, %u) {reduction = "mean"} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2x2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<5x1xi64>, %u: tensor<5x4xf32>) {
  // expected-error @+1 {{'onnx.ScatterND' op sizes of dimension 1 of 'updates' and what 'indices' and 'data' ask for must be equal, got 3 and 4}}
  %f0 = onnx.ScatterND(%x, %i, %u) : (tensor<2x3xf32>, tensor<5x1xi64>, tensor<5x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %i: tensor<5x3xi64>, %u: tensor<5xf32>) {
  // expected-error @+1 {{'onnx.ScatterND' op the last dimension of 'indices' must be in [1, 2], got 3}}
  %f0 = onnx.ScatterND(%x, %i, %u) : (tensor<2x3xf32>, tensor<5x3xi64>, tensor<5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8x4xf32>, %u: tensor<2x9x4xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.TensorScatter' op dimension 1 of 'update' must be at most 8, got 9}}
  %f0 = onnx.TensorScatter(%x, %u, %n0) : (tensor<2x8x4xf32>, tensor<2x9x4xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8x4xf32>, %u: tensor<2x1x4xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.TensorScatter' op 'axis' must not be 0, the batch}}
  %f0 = onnx.TensorScatter(%x, %u, %n0) {axis = 0 : i64} : (tensor<2x8x4xf32>, tensor<2x1x4xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8x4xf32>, %u: tensor<2x1x4xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.TensorScatter' op 'mode' must be linear or circular, got 'ring'}}
  %f0 = onnx.TensorScatter(%x, %u, %n0) {mode = "ring"} : (tensor<2x8x4xf32>, tensor<2x1x4xf32>, none) -> tensor<*xf32>
  return
}
