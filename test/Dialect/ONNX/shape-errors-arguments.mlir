// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

// expected-error @+1 {{argument 0 must have a rank}}
func.func @main(%x: tensor<*xf32>) {
  %0 = onnx.Abs(%x) : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// expected-error @+1 {{'onnx.dims' of argument 0 must have 2 entries, got 1}}
func.func @main(%x: tensor<?x2xf32> {onnx.dims = ["n"]}) {
  return
}

// -----

// expected-error @+1 {{'onnx.dims' of argument 1 dimension 0 must be 3, got 4}}
func.func @main(%y: tensor<f32>, %x: tensor<3xf32> {onnx.dims = [4]}) {
  return
}

// -----

// expected-error @+1 {{'onnx.dims' of argument 0 dimension 0 must be at least 0, got -4}}
func.func @main(%x: tensor<?xf32> {onnx.dims = [-4]}) {
  return
}

// -----

// expected-error @+1 {{argument 0 of shape [4294967296, 4294967296] has too many elements}}
func.func @main(%x: tensor<4294967296x4294967296xf32>) {
  return
}
