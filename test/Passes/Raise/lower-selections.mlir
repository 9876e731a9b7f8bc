// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Count, then fill.
// CHECK-LABEL: func.func @positions
// CHECK: %[[COUNT:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]
// CHECK: tensor.extract %[[COUNT]][]
// CHECK: %[[OUT:.*]] = tensor.empty(%{{.*}}) : tensor<2x?xi64>
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.cmpf une
// CHECK: scf.if
func.func @positions(%x: tensor<?x5xf32> {onnx.dims = ["n", 5]}) -> tensor<2x?xi64> {
  %0 = onnx.NonZero(%x) : (tensor<?x5xf32>) -> tensor<2x?xi64>
  return %0 : tensor<2x?xi64>
}

// CHECK-LABEL: func.func @compress
// CHECK: arith.minsi
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]
// CHECK: scf.for
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<?xi64>) outs(%{{.*}} : tensor<?x5xf32>)
func.func @compress(%x: tensor<?x5xf32> {onnx.dims = ["n", 5]}, %c: tensor<?xi1> {onnx.dims = ["m"]}) -> tensor<?x5xf32> {
  %0 = onnx.Compress(%x, %c) {axis = 0 : i64} : (tensor<?x5xf32>, tensor<?xi1>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}
