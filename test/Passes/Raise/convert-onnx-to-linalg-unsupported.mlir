// RUN: trine-opt %s --trine-convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @gemm_integers(%a: tensor<2x3xi32>, %b: tensor<3x4xi32>) -> tensor<2x4xi32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Gemm' cannot be lowered: 'alpha' and 'beta' must be 1 for integers, got 0.500000 and 1.000000}}
  %0 = onnx.Gemm(%a, %b, %n) {alpha = 0.5 : f32} : (tensor<2x3xi32>, tensor<3x4xi32>, none) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}

// -----

func.func @conv_kernel(%x: tensor<1x2x9xf32>, %w: tensor<2x2x0xf32>) -> tensor<1x2x10xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Conv' cannot be lowered: the spatial sizes of 'W' must be positive}}
  %0 = onnx.Conv(%x, %w, %n) : (tensor<1x2x9xf32>, tensor<2x2x0xf32>, none) -> tensor<1x2x10xf32>
  return %0 : tensor<1x2x10xf32>
}
