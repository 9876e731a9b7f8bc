// RUN: trine-opt %s --split-input-file --verify-diagnostics

// Weights: their place in a file.

func.func @main() -> tensor<2xf32> {
  // expected-error @+1 {{'onnx.Initializer' op offset and length must not be negative, got -4 and 8}}
  %w = onnx.Initializer "w" from "m.onnx" at -4 length 8 : tensor<2xf32>
  return %w : tensor<2xf32>
}

// -----

func.func @main() -> tensor<2xcomplex<f32>> {
  // expected-error @+1 {{'onnx.Initializer' op element type must be an integer or a float, got 'complex<f32>'}}
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 16 : tensor<2xcomplex<f32>>
  return %w : tensor<2xcomplex<f32>>
}

// -----

func.func @main() -> tensor<2xf32> {
  // expected-error @+1 {{'onnx.Initializer' op length must be 8 bytes for 'tensor<2xf32>', got 4}}
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 4 : tensor<2xf32>
  return %w : tensor<2xf32>
}
