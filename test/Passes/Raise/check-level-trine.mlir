// RUN: trine-opt %s --trine-check-level-trine --split-input-file --verify-diagnostics
func.func @trine(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = trine.weight "w" from "model.onnx" at 0 length 16 : tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @onnx_at_trine(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'onnx.Exp' is not legal at the trine level, expected an op of func, trine, linalg, tensor, arith, math, scf}}
  %0 = onnx.Exp(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @buffer(%x: tensor<4xf32>) {
  // expected-error @below {{'memref.alloc' is not legal at the trine level}}
  %0 = memref.alloc() : memref<4xf32>
  return
}

// -----

func.func @unsigned() {
  // expected-error @below {{a result of 'tensor.empty' has type 'tensor<4xui8>', which is not legal at the trine level}}
  %0 = tensor.empty() : tensor<4xui8>
  return
}
