// RUN: trine-opt %s --trine-normalize-onnx --cse --split-input-file | FileCheck %s

// Unsqueeze, Squeeze and Flatten are Reshape; a Reshape of one is one.
// CHECK-LABEL: func.func @reshapes
// CHECK-SAME: %[[X:.*]]: tensor<?x6xf32>
// CHECK: %[[SHAPE:.*]] = onnx.Constant dense<[-1, 2, 3]>
// CHECK: %[[R:.*]] = onnx.Reshape(%[[X]], %[[SHAPE]]) {allowzero = 1 : i64}
// CHECK-NEXT: return %[[R]]
func.func @reshapes(%x: tensor<?x6xf32> {onnx.dims = ["n", 6]}) -> tensor<?x?x?xf32> {
  %a = onnx.Constant dense<[0]> : tensor<1xi64>
  %0 = onnx.Unsqueeze(%x, %a) : (tensor<?x6xf32>, tensor<1xi64>) -> tensor<?x?x?xf32>
  %1 = onnx.Flatten(%0) {axis = 2 : i64} : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %s = onnx.Constant dense<[0, 2, 3]> : tensor<3xi64>
  %2 = onnx.Reshape(%1, %s) : (tensor<?x?xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  return %2 : tensor<?x?x?xf32>
}

// -----

// To the same sizes, by whatever route.
// CHECK-LABEL: func.func @noReshape
// CHECK-SAME: %[[X:.*]]: tensor<?x6xf32>
// CHECK-NEXT: return %[[X]]
func.func @noReshape(%x: tensor<?x6xf32> {onnx.dims = ["n", 6]}) -> tensor<?x?xf32> {
  %0 = onnx.Shape(%x) : (tensor<?x6xf32>) -> tensor<2xi64>
  %1 = onnx.Identity(%x) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %2 = onnx.Reshape(%1, %0) : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %2 : tensor<?x?xf32>
}

// -----

// The key of exporters, transposed between two Reshapes.
// CHECK-LABEL: func.func @groups
// CHECK-SAME: %[[X:.*]]: tensor<?x4x?x8xf32>
// CHECK: %[[T:.*]] = onnx.Transpose(%[[X]]) {perm = array<i64: 0, 1, 3, 2>}
// CHECK-NEXT: return %[[T]]
func.func @groups(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %y: tensor<?x4x8x?xf32> {onnx.dims = ["b", 4, 8, "s"]}) -> tensor<?x?x?x?xf32> {
  %s = onnx.Shape(%x) : (tensor<?x4x?x8xf32>) -> tensor<4xi64>
  %i = onnx.Constant dense<[2, 3]> : tensor<2xi64>
  %m = onnx.Constant dense<-1> : tensor<1xi64>
  %last = onnx.Gather(%s, %i) : (tensor<4xi64>, tensor<2xi64>) -> tensor<2xi64>
  %s3 = onnx.Concat(%m, %last) {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %0 = onnx.Reshape(%x, %s3) : (tensor<?x4x?x8xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  %1 = onnx.Transpose(%0) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %t = onnx.Shape(%y) : (tensor<?x4x8x?xf32>) -> tensor<4xi64>
  %2 = onnx.Reshape(%1, %t) : (tensor<?x?x?xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return %2 : tensor<?x?x?x?xf32>
}

// -----

// Other groups than those that were joined: the order of elements is another.
// CHECK-LABEL: func.func @otherGroups
// CHECK: onnx.Reshape
// CHECK: onnx.Transpose
// CHECK: onnx.Reshape
func.func @otherGroups(%x: tensor<2x3x5xf32>) -> tensor<?x?x?xf32> {
  %a = onnx.Constant dense<[6, 5]> : tensor<2xi64>
  %0 = onnx.Reshape(%x, %a) : (tensor<2x3x5xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %1 = onnx.Transpose(%0) : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %b = onnx.Constant dense<[5, 3, 2]> : tensor<3xi64>
  %2 = onnx.Reshape(%1, %b) : (tensor<?x?xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  return %2 : tensor<?x?x?xf32>
}

// -----

// One Transpose of two, none of two that undo each other; none that only moves sizes of 1.
// CHECK-LABEL: func.func @transposes
// CHECK-SAME: %[[X:.*]]: tensor<2x1x?x4xf32>
// CHECK-DAG: %[[T:.*]] = onnx.Transpose(%[[X]]) {perm = array<i64: 0, 3, 1, 2>}
// CHECK-DAG: %[[R:.*]] = onnx.Reshape(%[[X]], %{{.*}}) {{.*}} -> tensor<2x?x1x4xf32>
// CHECK: return %[[T]], %[[R]], %[[X]]
func.func @transposes(%x: tensor<2x1x?x4xf32> {onnx.dims = [2, 1, "s", 4]}) -> (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) {
  %0 = onnx.Transpose(%x) {perm = array<i64: 3, 2, 0, 1>} : (tensor<2x1x?x4xf32>) -> tensor<?x?x?x?xf32>
  %1 = onnx.Transpose(%0) {perm = array<i64: 2, 0, 3, 1>} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %2 = onnx.Transpose(%x) {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x1x?x4xf32>) -> tensor<?x?x?x?xf32>
  %3 = onnx.Transpose(%0) {perm = array<i64: 2, 3, 1, 0>} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  return %1, %2, %3 : tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>
}

// -----

// A Tile of known counts is Reshape, Expand, Reshape; of one it is Expand.
// CHECK-LABEL: func.func @tile
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>
// CHECK: %[[A:.*]] = onnx.Reshape(%[[X]], %{{.*}}) {{.*}} -> tensor<?x1x4xf32>
// CHECK: %[[B:.*]] = onnx.Expand(%[[A]], %{{.*}}) {{.*}} -> tensor<?x3x4xf32>
// CHECK: %[[C:.*]] = onnx.Reshape(%[[B]], %{{.*}}) {{.*}} -> tensor<?x12xf32>
// CHECK: return %[[C]]
func.func @tile(%x: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> tensor<?x?xf32> {
  %r = onnx.Constant dense<[1, 3]> : tensor<2xi64>
  %0 = onnx.Tile(%x, %r) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// A Tile whose counts are data stays.
// CHECK-LABEL: func.func @tileByData
// CHECK: onnx.Tile
func.func @tileByData(%x: tensor<?x4xf32> {onnx.dims = ["n", 4]}, %r: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = onnx.Tile(%x, %r) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// Filled tensors are an Expand of one number, small ones a constant.
// CHECK-LABEL: func.func @filled
// CHECK-DAG: %[[ONE:.*]] = onnx.Constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG: %[[SMALL:.*]] = onnx.Constant dense<1.000000e+00> : tensor<4x3xf32>
// CHECK: %[[E:.*]] = onnx.Expand(%[[ONE]], %{{.*}}) {{.*}} -> tensor<?x4xf32>
// CHECK-NEXT: return %[[E]], %[[SMALL]]
func.func @filled(%x: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %s = onnx.Shape(%x) : (tensor<?x4xf32>) -> tensor<2xi64>
  %0 = onnx.ConstantOfShape(%s) {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %c = onnx.Constant dense<[4, 3]> : tensor<2xi64>
  %1 = onnx.ConstantOfShape(%c) {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<?x?xf32>
}

// -----

// Sizes are made once, at the entry, from those of arguments: no Shape of a value in between.
// CHECK-LABEL: func.func @sizes
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>
// CHECK-SAME: %[[P:[^:]*]]: tensor<?x4xf32>
// CHECK-DAG: %[[N:.*]] = onnx.Shape(%[[X]]) {end = 1 : i64}
// CHECK-DAG: %[[M:.*]] = onnx.Shape(%[[P]]) {end = 1 : i64}
// CHECK: %[[SUM:.*]] = onnx.Add(%{{.*}}, %{{.*}})
// CHECK: %[[LIST:.*]] = onnx.Concat(%[[SUM]],
// CHECK-NOT: onnx.Shape
// CHECK: return %[[LIST]], %[[LIST]]
func.func @sizes(%x: tensor<?x4xf32> {onnx.dims = ["seq", 4]}, %p: tensor<?x4xf32> {onnx.dims = ["past", 4]}) -> (tensor<?xi64>, tensor<?xi64>) {
  %c = onnx.Concat(%p, %x) {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x?xf32>
  %n = onnx.Neg(%c) : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = onnx.Shape(%n) : (tensor<?x?xf32>) -> tensor<?xi64>
  %a = onnx.Shape(%x) {end = 1 : i64} : (tensor<?x4xf32>) -> tensor<?xi64>
  %b = onnx.Shape(%p) {end = 1 : i64} : (tensor<?x4xf32>) -> tensor<?xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %ab = onnx.Add(%a, %b) : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  %t = onnx.Concat(%ab, %four) {axis = 0 : i64} : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>
  return %s, %t : tensor<?xi64>, tensor<?xi64>
}
