// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @elements
// CHECK: trine.require %{{.*}}, "indices of ScatterElements must lie in [-4, 4)"
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[OLD:.*]] = tensor.extract
// CHECK: %[[NEW:.*]] = arith.addf %[[OLD]]
// CHECK: tensor.insert %[[NEW]]
func.func @elements(%d: tensor<?x4xf32> {onnx.dims = ["n", 4]}, %i: tensor<?x2xi64> {onnx.dims = ["n", 2]}, %u: tensor<?x2xf32> {onnx.dims = ["n", 2]}) -> tensor<?x4xf32> {
  %0 = onnx.ScatterElements(%d, %i, %u) {axis = 1 : i64, reduction = "add"} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// The assignment of a slice.
// CHECK-LABEL: func.func @slice
// CHECK-NOT: scf.for
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[8, 0, 0] [16, 4, %{{.*}}] [1, 1, 1]
func.func @slice(%d: tensor<24x4x?xf32> {onnx.dims = [24, 4, "n"]}, %u: tensor<16x4x?xf32> {onnx.dims = [16, 4, "n"]}) -> tensor<24x4x?xf32> {
  %z = onnx.Constant dense<8> : tensor<i64>
  %o = onnx.Constant dense<1> : tensor<i64>
  %l = onnx.Constant dense<24> : tensor<i64>
  %r = onnx.Range(%z, %l, %o) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<16xi64>
  %a = onnx.Constant dense<-1> : tensor<1xi64>
  %x = onnx.Unsqueeze(%r, %a) : (tensor<16xi64>, tensor<1xi64>) -> tensor<16x1xi64>
  %0 = onnx.ScatterND(%d, %x, %u) : (tensor<24x4x?xf32>, tensor<16x1xi64>, tensor<16x4x?xf32>) -> tensor<24x4x?xf32>
  return %0 : tensor<24x4x?xf32>
}

// Unsigned integers compare as such.
// CHECK-LABEL: func.func @unsigned
// CHECK: scf.for
// CHECK: arith.maxui
func.func @unsigned(%d: tensor<24xui8>, %u: tensor<3xui8>, %i: tensor<3x1xi64>) -> tensor<24xui8> {
  %0 = onnx.ScatterND(%d, %i, %u) {reduction = "max"} : (tensor<24xui8>, tensor<3x1xi64>, tensor<3xui8>) -> tensor<24xui8>
  return %0 : tensor<24xui8>
}

// CHECK-LABEL: func.func @cache
// CHECK: trine.require %{{.*}}, "'write_indices' of TensorScatter must leave room for the update in the cache"
// CHECK: scf.for
// CHECK: arith.remsi
func.func @cache(%d: tensor<?x4x32x8xf32> {onnx.dims = ["b", 4, 32, 8]}, %u: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %i: tensor<?xi64> {onnx.dims = ["b"]}) -> (tensor<?x4x32x8xf32>, tensor<?x4x32x8xf32>) {
  %0 = onnx.TensorScatter(%d, %u, %i) : (tensor<?x4x32x8xf32>, tensor<?x4x?x8xf32>, tensor<?xi64>) -> tensor<?x4x32x8xf32>
  %1 = onnx.TensorScatter(%d, %u, %i) {mode = "circular"} : (tensor<?x4x32x8xf32>, tensor<?x4x?x8xf32>, tensor<?xi64>) -> tensor<?x4x32x8xf32>
  return %0, %1 : tensor<?x4x32x8xf32>, tensor<?x4x32x8xf32>
}

// CHECK-LABEL: func.func @fits
// CHECK: trine.require %{{.*}}, "the update of TensorScatter must be at most 32"
func.func @fits(%d: tensor<2x32xf32>, %u: tensor<2x?xf32> {onnx.dims = [2, "s"]}) -> tensor<2x32xf32> {
  %n = onnx.None
  %0 = onnx.TensorScatter(%d, %u, %n) {axis = 1 : i64} : (tensor<2x32xf32>, tensor<2x?xf32>, none) -> tensor<2x32xf32>
  return %0 : tensor<2x32xf32>
}
