// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x6xf32>, %s: tensor<2x3xf32>) {
  %n = onnx.None
  // expected-error @+1 {{'block_size' must not be negative, got -2}}
  %0 = onnx.QuantizeLinear(%x, %s, %n) {block_size = -2 : i64} : (tensor<2x6xf32>, tensor<2x3xf32>, none) -> tensor<2x6xui8>
  return
}

// -----

func.func @main(%x: tensor<2x6xf32>, %s: tensor<6xf32>, %z: tensor<1x6xui8>) {
  // expected-error @+1 {{'y_scale' of shape [6] and 'y_zero_point' of shape [1, 6] must have one shape}}
  %0 = onnx.QuantizeLinear(%x, %s, %z) : (tensor<2x6xf32>, tensor<6xf32>, tensor<1x6xui8>) -> tensor<2x6xui8>
  return
}

// -----

func.func @main(%x: tensor<2x6xf32>, %s: tensor<6xf32>, %z: tensor<5xui8>) {
  // expected-error @+1 {{sizes of 'y_scale' [6] and 'y_zero_point' [5] must be equal, got 6 and 5}}
  %0 = onnx.QuantizeLinear(%x, %s, %z) : (tensor<2x6xf32>, tensor<6xf32>, tensor<5xui8>) -> tensor<2x6xui8>
  return
}

// -----

func.func @main(%x: tensor<2x6xf32>, %s: tensor<5xf32>) {
  %n = onnx.None
  // expected-error @+1 {{sizes of 'x' [2, 6] along axis 1 and 'y_scale' [5] must be equal, got 6 and 5}}
  %0 = onnx.QuantizeLinear(%x, %s, %n) : (tensor<2x6xf32>, tensor<5xf32>, none) -> tensor<2x6xui8>
  return
}

// -----

func.func @main(%x: tensor<2x6xf32>, %s: tensor<2x1x3xf32>) {
  %n = onnx.None
  // expected-error @+1 {{'y_scale' must be a scalar, a vector, or, with a 'block_size', have the rank of 'x', 2, got shape [2, 1, 3]}}
  %0 = onnx.QuantizeLinear(%x, %s, %n) : (tensor<2x6xf32>, tensor<2x1x3xf32>, none) -> tensor<2x6xui8>
  return
}

// -----

func.func @main(%x: tensor<2x6xf32>, %s: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+1 {{'y_scale' must be a scalar, or have the rank of 'x', 2, got shape [3]}}
  %0 = onnx.QuantizeLinear(%x, %s, %n) {block_size = 2 : i64} : (tensor<2x6xf32>, tensor<3xf32>, none) -> tensor<2x6xui8>
  return
}

// -----

func.func @main(%x: tensor<2x6xf32>, %s: tensor<2x3xf32>) {
  %n = onnx.None
  // expected-error @+1 {{'block_size' is required for 'y_scale' of shape [2, 3]}}
  %0 = onnx.QuantizeLinear(%x, %s, %n) : (tensor<2x6xf32>, tensor<2x3xf32>, none) -> tensor<2x6xui8>
  return
}

// -----

func.func @main(%x: tensor<2x7xf32>, %s: tensor<2x3xf32>) {
  %n = onnx.None
  // expected-error @+1 {{sizes of 'x' [2, 7] in blocks of 2 and 'y_scale' [2, 3] must be equal, got 4 and 3}}
  %0 = onnx.QuantizeLinear(%x, %s, %n) {block_size = 2 : i64} : (tensor<2x7xf32>, tensor<2x3xf32>, none) -> tensor<2x7xui8>
  return
}

// -----

func.func @main(%x: tensor<2xf32>, %s: tensor<f32>, %z: tensor<ui8>) {
  %n = onnx.None
  // expected-error @+1 {{'output_dtype' must be the element type of 'y_zero_point', 'ui8', got 'i8'}}
  %0 = onnx.QuantizeLinear(%x, %s, %z) {output_dtype = 3 : i64} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xi8>
  // expected-error @+1 {{'output_dtype' must be that of a quantised type, got 'f8E8M0FNU'}}
  %1 = onnx.QuantizeLinear(%x, %s, %n) {output_dtype = 24 : i64} : (tensor<2xf32>, tensor<f32>, none) -> tensor<2xf8E8M0FNU>
  // expected-error @+1 {{'output_dtype' must be the number of a supported element type, got 99}}
  %2 = onnx.QuantizeLinear(%x, %s, %n) {output_dtype = 99 : i64} : (tensor<2xf32>, tensor<f32>, none) -> tensor<2xi8>
  // expected-error @+1 {{'precision' must be float, float16 or bfloat16, got 'f64'}}
  %3 = onnx.QuantizeLinear(%x, %s, %n) {precision = 11 : i64} : (tensor<2xf32>, tensor<f32>, none) -> tensor<2xui8>
  return
}

// -----

func.func @main(%x: tensor<2xi8>, %s: tensor<f8E8M0FNU>) {
  %n = onnx.None
  // expected-error @+1 {{the result must be of float, float16 or bfloat16, got 'f8E8M0FNU'; 'output_dtype' says which}}
  %0 = onnx.DequantizeLinear(%x, %s, %n) : (tensor<2xi8>, tensor<f8E8M0FNU>, none) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a: tensor<4x3xui8>, %b: tensor<3x2xui8>, %v: tensor<3xui8>, %z: tensor<3xui8>, %w: tensor<1x4x1xui8>, %r: tensor<4x3xui8>) {
  %n = onnx.None
  // expected-error @+1 {{sizes of 'a_zero_point' [3] and 'A' [4, 3] must be equal}}
  %0 = onnx.MatMulInteger(%a, %b, %z, %n) : (tensor<4x3xui8>, tensor<3x2xui8>, tensor<3xui8>, none) -> tensor<4x2xi32>
  // expected-error @+1 {{'a_zero_point' of a vector must be a scalar, got shape [3]}}
  %1 = onnx.MatMulInteger(%v, %b, %z, %n) : (tensor<3xui8>, tensor<3x2xui8>, tensor<3xui8>, none) -> tensor<2xi32>
  // expected-error @+1 {{'a_zero_point' must be a scalar, a vector, or have the rank of 'A', 2, got shape [1, 4, 1]}}
  %2 = onnx.MatMulInteger(%a, %b, %w, %n) : (tensor<4x3xui8>, tensor<3x2xui8>, tensor<1x4x1xui8>, none) -> tensor<4x2xi32>
  // expected-error @+1 {{'a_zero_point' must have one element per row of 'A', got shape [4, 3]}}
  %3 = onnx.MatMulInteger(%a, %b, %r, %n) : (tensor<4x3xui8>, tensor<3x2xui8>, tensor<4x3xui8>, none) -> tensor<4x2xi32>
  // expected-error @+1 {{sizes of the inner dimension of 'A' [4, 3] and 'B' [4, 3] must be equal, got 3 and 4}}
  %4 = onnx.MatMulInteger(%a, %r, %n, %n) : (tensor<4x3xui8>, tensor<4x3xui8>, none, none) -> tensor<4x2xi32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'to' must be a type as wide as that of 'input', 'f32', got 'i16'}}
  %0 = onnx.BitCast(%x) {to = 5 : i64} : (tensor<2xf32>) -> tensor<2xi16>
  // expected-error @+1 {{'to' must be the number of a supported element type, got 0}}
  %1 = onnx.BitCast(%x) {to = 0 : i64} : (tensor<2xf32>) -> tensor<2xi16>
  return
}
