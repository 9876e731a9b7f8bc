// RUN: trine-opt %s --trine-convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @gemm_integers(%a: tensor<2x3xi32>, %b: tensor<3x4xi32>) -> tensor<2x4xi32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Gemm' cannot be lowered: 'alpha' and 'beta' must be 1 for integers, got 0.500000 and 1.000000}}
  %0 = onnx.Gemm(%a, %b, %n) {alpha = 0.5 : f32} : (tensor<2x3xi32>, tensor<3x4xi32>, none) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}

// -----

func.func @conv_same(%x: tensor<1x2x?xf32> {onnx.dims = [1, 2, "s"]}, %w: tensor<2x2x3xf32>) -> tensor<1x2x?xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Conv' cannot be lowered: 'auto_pad' SAME_UPPER with strides needs a constant input size, got s}}
  %0 = onnx.Conv(%x, %w, %n) {auto_pad = "SAME_UPPER", strides = array<i64: 2>} : (tensor<1x2x?xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x?xf32>
  return %0 : tensor<1x2x?xf32>
}

// -----

func.func @conv_channels(%x: tensor<1x?x9xf32> {onnx.dims = [1, "c", 9]}, %w: tensor<2x2x3xf32>) -> tensor<1x2x7xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Conv' cannot be lowered: channels must be constant and divide into 'group' groups, got 'X' with c and 'W' with 2 x 2 for 1 groups}}
  %0 = onnx.Conv(%x, %w, %n) : (tensor<1x?x9xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x7xf32>
  return %0 : tensor<1x2x7xf32>
}

// -----

func.func @conv_kernel(%x: tensor<1x2x9xf32>, %w: tensor<2x2x?xf32> {onnx.dims = [2, 2, "k"]}) -> tensor<1x2x?xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Conv' cannot be lowered: the spatial sizes of 'W' must be positive constants, got k}}
  %0 = onnx.Conv(%x, %w, %n) : (tensor<1x2x9xf32>, tensor<2x2x?xf32>, none) -> tensor<1x2x?xf32>
  return %0 : tensor<1x2x?xf32>
}
