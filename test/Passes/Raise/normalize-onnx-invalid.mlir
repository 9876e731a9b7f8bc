// RUN: trine-opt %s --verify-diagnostics --trine-normalize-onnx

// expected-error@+1 {{'main' must have one block at the onnx level}}
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  cf.br ^next
^next:
  return %x : tensor<2xf32>
}
