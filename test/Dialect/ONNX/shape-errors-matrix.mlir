// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x3xf32>, %y: tensor<4x2xf32>) {
  // expected-error @+1 {{'onnx.MatMul' op sizes of the inner dimension of 'A' [2, 3] and 'B' [4, 2] must be equal, got 3 and 4}}
  %f0 = onnx.MatMul(%x, %y) : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<f32>, %y: tensor<4x2xf32>) {
  // expected-error @+1 {{'onnx.MatMul' op 'A' must have at least rank 1, got 0}}
  %f0 = onnx.MatMul(%x, %y) : (tensor<f32>, tensor<4x2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<5x2x3xf32>, %y: tensor<4x3x2xf32>) {
  // expected-error @+1 {{'onnx.MatMul' op batch dimensions of shapes [5] and [4] cannot be broadcast: size 5 is not 4}}
  %f0 = onnx.MatMul(%x, %y) : (tensor<5x2x3xf32>, tensor<4x3x2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %y: tensor<4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Gemm' op sizes of the inner dimension of 'A' [2, 3] and 'B' [4, 3] must be equal, got 3 and 4}}
  %f0 = onnx.Gemm(%x, %y, %n0) : (tensor<2x3xf32>, tensor<4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3x1xf32>, %y: tensor<4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Gemm' op 'A' must have rank 2, got 3}}
  %f0 = onnx.Gemm(%x, %y, %n0) : (tensor<2x3x1xf32>, tensor<4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x3xf32>, %y: tensor<3x4xf32>, %c: tensor<2x4xf32>) {
  // expected-error @+1 {{'onnx.Gemm' op 'C' of shape [2, 4] must not be larger than the product of shape [1, 4]}}
  %f0 = onnx.Gemm(%x, %y, %c) : (tensor<1x3xf32>, tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>, %c: tensor<1x2x4xf32>) {
  // expected-error @+1 {{'onnx.Gemm' op 'C' must have at most rank 2, got 3}}
  %f0 = onnx.Gemm(%x, %y, %c) : (tensor<2x3xf32>, tensor<3x4xf32>, tensor<1x2x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Einsum' op 'equation' must have one term per operand, 2, got 1 in 'ij->ij'}}
  %f0 = onnx.Einsum(%x, %x) {equation = "ij->ij"} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Einsum' op 'equation' must hold letters and '...' only, got 'i?->i'}}
  %f0 = onnx.Einsum(%x) {equation = "i?->i"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Einsum' op 'Inputs' must have rank 3 for 'ijk', got 2}}
  %f0 = onnx.Einsum(%x) {equation = "ijk->i"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Einsum' op sizes of 'i' in 'ii->i' must be equal, got 2 and 3}}
  %f0 = onnx.Einsum(%x) {equation = "ii->i"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Einsum' op 'k' must be a letter of the operands, named once after '->' in 'ij->ik'}}
  %f0 = onnx.Einsum(%x) {equation = "ij->ik"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'onnx.Einsum' op 'equation' must hold letters and '...' of its operands after '->', got 'ij->...i'}}
  %f0 = onnx.Einsum(%x) {equation = "ij->...i"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %y: tensor<4x3xf32>) {
  // expected-error @+1 {{'onnx.Einsum' op dimensions of '...' of shapes [2] and [4] cannot be broadcast: size 2 is not 4}}
  %f0 = onnx.Einsum(%x, %y) {equation = "...j,...j->..."} : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x3x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op sizes of the channels of 'X' and 'W' times 'group' must be equal, got 4 and 3}}
  %f0 = onnx.Conv(%x, %w, %n0) : (tensor<1x4x8xf32>, tensor<6x3x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x2x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op 'group' must be at least 1, got 0}}
  %f0 = onnx.Conv(%x, %w, %n0) {group = 0 : i64} : (tensor<1x4x8xf32>, tensor<6x2x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<5x2x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op dimension 0 of 'W' must be a multiple of 'group' 2, got 5}}
  %f0 = onnx.Conv(%x, %w, %n0) {group = 2 : i64} : (tensor<1x4x8xf32>, tensor<5x2x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op 'strides' must have 1 elements, got 2}}
  %f0 = onnx.Conv(%x, %w, %n0) {strides = array<i64: 1, 1>} : (tensor<1x4x8xf32>, tensor<6x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op 'dilations' must be in [1, 2147483647], got 0}}
  %f0 = onnx.Conv(%x, %w, %n0) {dilations = array<i64: 0>} : (tensor<1x4x8xf32>, tensor<6x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op the window of 9 must fit in dimension 2 of 'X', which has 8 with padding of 0 and 0}}
  %f0 = onnx.Conv(%x, %w, %n0) {dilations = array<i64: 4>} : (tensor<1x4x8xf32>, tensor<6x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op sizes of 'kernel_shape' and 'W' must be equal, got 3 and 5}}
  %f0 = onnx.Conv(%x, %w, %n0) {kernel_shape = array<i64: 5>} : (tensor<1x4x8xf32>, tensor<6x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op 'auto_pad' must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, got 'SAME'}}
  %f0 = onnx.Conv(%x, %w, %n0) {auto_pad = "SAME"} : (tensor<1x4x8xf32>, tensor<6x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Conv' op 'pads' must not be given with 'auto_pad' VALID}}
  %f0 = onnx.Conv(%x, %w, %n0) {auto_pad = "VALID", pads = array<i64: 1, 1>} : (tensor<1x4x8xf32>, tensor<6x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'onnx.Conv' op sizes of dimension 0 of 'W' and 'B' must be equal, got 6 and 4}}
  %f0 = onnx.Conv(%x, %w, %b) : (tensor<1x4x8xf32>, tensor<6x4x3xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}
