// A long chain in which one op fails.
func.func @main(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = onnx.Relu(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = onnx.Add(%0, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = onnx.Exp(%1) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = onnx.Mul(%2, %0) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = onnx.Softmax(%3) {axis = 7 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = onnx.Tanh(%4) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = onnx.Sub(%5, %1) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = onnx.Neg(%6) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %7, %2 : tensor<4x8xf32>, tensor<4x8xf32>
}
