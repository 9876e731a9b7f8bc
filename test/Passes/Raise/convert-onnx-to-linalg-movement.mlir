// RUN: trine-opt %s --trine-convert-onnx-to-linalg --trine-check-level-trine | FileCheck %s

// CHECK-LABEL: func.func @concat
// CHECK: %[[E:.*]] = tensor.empty(%[[N:.*]]) : tensor<?x4xf32>
// CHECK: %[[A:.*]] = tensor.insert_slice %{{.*}} into %[[E]][0, 0] [%[[P:.*]], 4] [1, 1]
// CHECK: tensor.insert_slice %{{.*}} into %[[A]][%[[P]], 0] [%{{.*}}, 4] [1, 1]
func.func @concat(%x: tensor<?x4xf32> {onnx.dims = ["past", 4]}, %y: tensor<?x4xf32> {onnx.dims = ["seq", 4]}) -> tensor<?x4xf32> {
  %0 = onnx.Concat(%x, %y) {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @split
// CHECK: tensor.extract_slice %{{.*}}[0, 0] [2, 3] [1, 1]
// CHECK: tensor.extract_slice %{{.*}}[0, 3] [2, 5] [1, 1]
func.func @split(%x: tensor<2x8xf32>) -> (tensor<2x3xf32>, tensor<2x5xf32>) {
  %sizes = onnx.Constant dense<[3, 5]> : tensor<2xi64>
  %0:2 = onnx.Split(%x, %sizes) {axis = 1 : i64} : (tensor<2x8xf32>, tensor<2xi64>) -> (tensor<2x3xf32>, tensor<2x5xf32>)
  return %0#0, %0#1 : tensor<2x3xf32>, tensor<2x5xf32>
}

// The last three of n, every second of 8, and 8 reversed.
// CHECK-LABEL: func.func @slices
// CHECK: tensor.extract_slice %{{.*}}[%{{.*}}, 0] [%{{.*}}, 4] [1, 2]
// CHECK: linalg.generic
// CHECK: tensor.extract %
func.func @slices(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> (tensor<?x4xf32>, tensor<?x8xf32>) {
  %none = onnx.None
  %starts = onnx.Constant dense<[-3, 0]> : tensor<2xi64>
  %ends = onnx.Constant dense<[9223372036854775807, 8]> : tensor<2xi64>
  %axes = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %steps = onnx.Constant dense<[1, 2]> : tensor<2xi64>
  %0 = onnx.Slice(%x, %starts, %ends, %axes, %steps) : (tensor<?x8xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x4xf32>
  %start = onnx.Constant dense<-1> : tensor<1xi64>
  %end = onnx.Constant dense<-9223372036854775808> : tensor<1xi64>
  %axis = onnx.Constant dense<1> : tensor<1xi64>
  %step = onnx.Constant dense<-1> : tensor<1xi64>
  %1 = onnx.Slice(%x, %start, %end, %axis, %step) : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x4xf32>, tensor<?x8xf32>
}

// To the end, from a place that is data: the largest and the smallest number of all are ends like others.
// CHECK-LABEL: func.func @slices_to_ends
// CHECK-DAG: %[[MAX:.*]] = arith.constant 9223372036854775807 : index
// CHECK-DAG: %[[MIN:.*]] = arith.constant -9223372036854775808 : index
// CHECK: arith.cmpi slt, %[[MAX]]
// CHECK: tensor.extract_slice
// CHECK: arith.cmpi slt, %[[MIN]]
// CHECK: linalg.generic
func.func @slices_to_ends(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %start: tensor<1xi64>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %axis = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %back = onnx.Constant dense<-1> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %begin = onnx.Constant dense<-9223372036854775808> : tensor<1xi64>
  %0 = onnx.Slice(%x, %start, %end, %axis, %one) : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  %1 = onnx.Slice(%x, %start, %begin, %axis, %back) : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// A size of which only runs tell whether it is 1 or what is asked for.
// CHECK-LABEL: func.func @expand_by_run
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[N:.*]], %[[M:.*]] : index
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %[[N]], %c1
// CHECK: arith.ori %[[SAME]], %[[ONE]]
// CHECK: trine.require %{{.*}}, "size n of the input of Expand must be 1 or m"
// CHECK: linalg.generic
// CHECK: arith.minsi
// CHECK: tensor.extract %{{.*}} : tensor<?x4xf32>
func.func @expand_by_run(%x: tensor<?x4xf32> {onnx.name = "x", onnx.dims = ["n", 4]}, %y: tensor<?xf32> {onnx.name = "y", onnx.dims = ["m"]}) -> (tensor<?x4xf32> {onnx.name = "out0"}) {
  %m = onnx.Shape(%y) : (tensor<?xf32>) -> tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %shape = onnx.Concat(%m, %four) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %0 = onnx.Expand(%x, %shape) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @transpose
// CHECK: linalg.transpose {{.*}} permutation = [1, 0]
func.func @transpose(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = onnx.Transpose(%x) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// Repeats become one broadcast between two views.
// CHECK-LABEL: func.func @tile
// CHECK: %[[B:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<2x3xf32>) outs(%{{.*}} : tensor<4x2x3xf32>)
// CHECK: tensor.collapse_shape %[[B]] {{\[}}[0, 1], [2]] : tensor<4x2x3xf32> into tensor<8x3xf32>
func.func @tile(%x: tensor<2x3xf32>) -> tensor<8x3xf32> {
  %repeats = onnx.Constant dense<[4, 1]> : tensor<2xi64>
  %0 = onnx.Tile(%x, %repeats) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}

// CHECK-LABEL: func.func @pad
// CHECK: %[[F:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<6xf32>)
// CHECK: tensor.insert_slice %{{.*}} into %[[F]][1] [3] [1]
// CHECK: arith.remsi
func.func @pad(%x: tensor<3xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %none = onnx.None
  %pads = onnx.Constant dense<[1, 2]> : tensor<2xi64>
  %0 = onnx.Pad(%x, %pads, %none, %none) : (tensor<3xf32>, tensor<2xi64>, none, none) -> tensor<6xf32>
  %1 = onnx.Pad(%x, %pads, %none, %none) {mode = "reflect"} : (tensor<3xf32>, tensor<2xi64>, none, none) -> tensor<6xf32>
  return %0, %1 : tensor<6xf32>, tensor<6xf32>
}

// CHECK-LABEL: func.func @triangle
// CHECK: linalg.index 0
// CHECK: linalg.index 1
// CHECK: arith.cmpi sge
func.func @triangle(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %none = onnx.None
  %0 = onnx.Trilu(%x, %none) : (tensor<3x3xf32>, none) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// A pad whose sign only a run tells cuts or fills.
// CHECK-LABEL: func.func @pad_or_cut
// CHECK: %[[N:.*]] = tensor.dim %arg1, %c0
// CHECK: arith.maxsi
// CHECK: %[[S:.*]] = tensor.extract_slice %arg0[%{{.*}}] [%{{.*}}] [1] : tensor<4xf32> to tensor<?xf32>
// CHECK: tensor.insert_slice %[[S]] into %{{.*}}[%{{.*}}] [%{{.*}}] [1]
func.func @pad_or_cut(%x: tensor<4xf32>, %y: tensor<?xf32> {onnx.dims = ["n"]}) -> tensor<?xf32> {
  %none = onnx.None
  %n = onnx.Shape(%y) : (tensor<?xf32>) -> tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %low = onnx.Sub(%n, %four) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %both = onnx.Concat(%low, %four) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %0 = onnx.Pad(%x, %both, %none, %none) : (tensor<4xf32>, tensor<2xi64>, none, none) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
