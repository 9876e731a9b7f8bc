// RUN: trine-opt %s --trine-check-level-onnx --split-input-file --verify-diagnostics
func.func @onnx(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Exp(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @linalg_at_onnx(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{'tensor.cast' is not legal at the onnx level, expected an op of func, onnx}}
  %0 = tensor.cast %x : tensor<2x3xf32> to tensor<?x3xf32>
  %1 = tensor.cast %0 : tensor<?x3xf32> to tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}
