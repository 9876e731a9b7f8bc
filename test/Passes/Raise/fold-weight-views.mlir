// RUN: trine-opt %s --trine-fold-weight-views | FileCheck %s

// Two matrices that are transposed and joined: one weight of two pieces.
// CHECK-LABEL: func.func @joined
// CHECK-NEXT: %[[W:.*]] = trine.assembled_weight "gate" [
// CHECK-SAME: #trine.piece<"m.onnx" at 0 strides[1, 3] into[0, 0] sizes[3, 5]>,
// CHECK-SAME: #trine.piece<"m.onnx" at 60 strides[1, 3] into[3, 0] sizes[3, 5]>] : tensor<6x5xf32>
// CHECK-NEXT: return %[[W]]
func.func @joined() -> tensor<6x5xf32> {
  %gate = onnx.Initializer "gate" from "m.onnx" at 0 length 60 : tensor<5x3xf32>
  %up = onnx.Initializer "up" from "m.onnx" at 60 length 60 : tensor<5x3xf32>
  %t = onnx.Transpose(%gate) {perm = array<i64: 1, 0>} : (tensor<5x3xf32>) -> tensor<3x5xf32>
  %u = onnx.Transpose(%up) {perm = array<i64: 1, 0>} : (tensor<5x3xf32>) -> tensor<3x5xf32>
  %w = onnx.Concat(%t, %u) {axis = 0 : i64} : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<6x5xf32>
  return %w : tensor<6x5xf32>
}

// The two parts of a projection per head: [R, H * (N + V)] as [R, H, N] and [R, H, V].
// CHECK-LABEL: func.func @parts
// CHECK-DAG: %[[K:.*]] = trine.assembled_weight "kv" [#trine.piece<"m.onnx" at 8 strides[14, 7, 1] into[0, 0, 0] sizes[4, 2, 3]>] : tensor<4x2x3xf32>
// CHECK-DAG: %[[V:.*]] = trine.assembled_weight "kv" [#trine.piece<"m.onnx" at 20 strides[14, 7, 1] into[0, 0, 0] sizes[4, 2, 4]>] : tensor<4x2x4xf32>
// CHECK: return %[[K]], %[[V]]
func.func @parts() -> (tensor<4x2x3xf32>, tensor<4x2x4xf32>) {
  %kv = onnx.Initializer "kv" from "m.onnx" at 8 length 224 : tensor<4x14xf32>
  %shape = onnx.Constant dense<[4, 2, 7]> : tensor<3xi64>
  %heads = onnx.Reshape(%kv, %shape) {allowzero = 1 : i64} : (tensor<4x14xf32>, tensor<3xi64>) -> tensor<4x2x7xf32>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %three = onnx.Constant dense<3> : tensor<1xi64>
  %seven = onnx.Constant dense<7> : tensor<1xi64>
  %k = onnx.Slice(%heads, %zero, %three, %two, %one) : (tensor<4x2x7xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x2x3xf32>
  %v = onnx.Slice(%heads, %three, %seven, %two, %one) : (tensor<4x2x7xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x2x4xf32>
  return %k, %v : tensor<4x2x3xf32>, tensor<4x2x4xf32>
}

// Stacked, cut and merged again: the pieces follow.
// CHECK-LABEL: func.func @stacked
// CHECK: trine.assembled_weight "a" [
// CHECK-SAME: #trine.piece<"m.onnx" at 0 strides[3, 1] into[0, 0] sizes[2, 3]>,
// CHECK-SAME: #trine.piece<"m.onnx" at 24 strides[3, 1] into[2, 0] sizes[2, 3]>] : tensor<4x3xf32>
func.func @stacked() -> tensor<4x3xf32> {
  %a = onnx.Initializer "a" from "m.onnx" at 0 length 24 : tensor<2x3xf32>
  %b = onnx.Initializer "b" from "m.onnx" at 24 length 24 : tensor<2x3xf32>
  %one = onnx.Constant dense<[1, 2, 3]> : tensor<3xi64>
  %all = onnx.Constant dense<[4, 3]> : tensor<2xi64>
  %c = onnx.Reshape(%a, %one) {allowzero = 1 : i64} : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<1x2x3xf32>
  %d = onnx.Reshape(%b, %one) {allowzero = 1 : i64} : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<1x2x3xf32>
  %e = onnx.Concat(%c, %d) {axis = 0 : i64} : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<2x2x3xf32>
  %f = onnx.Reshape(%e, %all) {allowzero = 1 : i64} : (tensor<2x2x3xf32>, tensor<2xi64>) -> tensor<4x3xf32>
  return %f : tensor<4x3xf32>
}

// A matrix that is transposed for a product, a range of rows: the plan takes these as they are.
// CHECK-LABEL: func.func @kept
// CHECK-NOT: assembled_weight
func.func @kept(%x: tensor<?x3xf32>) -> (tensor<?x5xf32>, tensor<2x3xf32>) {
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 60 : tensor<5x3xf32>
  %t = onnx.Transpose(%w) {perm = array<i64: 1, 0>} : (tensor<5x3xf32>) -> tensor<3x5xf32>
  %y = onnx.MatMul(%x, %t) : (tensor<?x3xf32>, tensor<3x5xf32>) -> tensor<?x5xf32>
  %v = onnx.Initializer "v" from "m.onnx" at 60 length 60 : tensor<5x3xf32>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %rows = onnx.Slice(%v, %zero, %two, %zero, %one) : (tensor<5x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x3xf32>
  return %y, %rows : tensor<?x5xf32>, tensor<2x3xf32>
}

// A column of a weight that is also used as a whole is not stored again.
// CHECK-LABEL: func.func @shared
// CHECK-NOT: assembled_weight
func.func @shared() -> (tensor<5x1xf32>, tensor<5x3xf32>) {
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 60 : tensor<5x3xf32>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %c = onnx.Slice(%w, %zero, %one, %one, %one) : (tensor<5x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5x1xf32>
  return %c, %w : tensor<5x1xf32>, tensor<5x3xf32>
}
