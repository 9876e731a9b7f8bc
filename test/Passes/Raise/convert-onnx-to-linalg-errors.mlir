// RUN: trine-opt %s --trine-convert-onnx-to-linalg --split-input-file --verify-diagnostics

// All ops that cannot be lowered are reported; what depends on them is not.
func.func @all_at_once(%x: tensor<4xf32>, %axes: tensor<1xi64>, %b: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %none = onnx.None
  // expected-error @below {{'onnx.Mod' cannot be lowered: 'fmod' must be 1 for floats, got 0}}
  %0 = onnx.Mod(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Exp(%0) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{'onnx.LpNormalization' cannot be lowered: 'p' must be 1 or 2, got 3}}
  %2 = onnx.LpNormalization(%x) {p = 3 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}
