// A reduction over a dim of 1 that a reduction before it left: the loop takes its size from the view that has the dim.
//
// RUN: trine-opt --trine-convert-onnx-to-linalg %s | FileCheck %s

// CHECK-LABEL: func.func @main(
func.func @main(%x: tensor<1x4xf32> {onnx.name = "x", onnx.dims = [1, 4]}) -> (tensor<1x1xf32>, tensor<1x1xi64>) {
  %axis = onnx.Constant dense<[1]> : tensor<1xi64>
  // CHECK: %[[FIRST:.*]] = linalg.generic
  // CHECK: %[[VIEW:.*]] = tensor.expand_shape %[[FIRST]] {{.*}} tensor<1xf32> into tensor<1x1xf32>
  // CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%[[VIEW]] : tensor<1x1xf32>)
  // CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%[[VIEW]] : tensor<1x1xf32>)
  %0 = onnx.ReduceMin(%x, %axis) {keepdims = 1 : i64} : (tensor<1x4xf32>, tensor<1xi64>) -> tensor<1x1xf32>
  %1 = onnx.ReduceMin(%0, %axis) {keepdims = 1 : i64} : (tensor<1x1xf32>, tensor<1xi64>) -> tensor<1x1xf32>
  %2 = onnx.ArgMax(%0) {axis = 1 : i64} : (tensor<1x1xf32>) -> tensor<1x1xi64>
  return %1, %2 : tensor<1x1xf32>, tensor<1x1xi64>
}
