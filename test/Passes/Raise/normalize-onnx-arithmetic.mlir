// RUN: trine-opt %s --trine-normalize-onnx --cse --split-input-file | FileCheck %s

// Constants, then initialisers, come last.
// CHECK-LABEL: func.func @order
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK: %[[C:.*]] = onnx.Constant dense<2.000000e+00>
// CHECK: %[[W:.*]] = onnx.Initializer
// CHECK: onnx.Mul(%[[X]], %[[C]])
// CHECK: onnx.Add(%[[X]], %[[W]])
// CHECK: onnx.Mul(%[[W]], %[[C]])
// CHECK: onnx.Greater(%[[X]], %[[C]])
// CHECK: onnx.Sub(%[[C]], %[[X]])
func.func @order(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xf32>) {
  %c = onnx.Constant dense<2.0> : tensor<f32>
  %w = onnx.Initializer "w" from "w.bin" at 0 length 16 : tensor<4xf32>
  %0 = onnx.Mul(%c, %x) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Add(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = onnx.Mul(%c, %w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = onnx.Less(%c, %x) : (tensor<f32>, tensor<4xf32>) -> tensor<4xi1>
  %4 = onnx.Sub(%c, %x) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xf32>
}

// -----

// Powers, inverses, neutral elements. A sum of floats with 0 turns -0 to 0, and stays.
// CHECK-LABEL: func.func @neutral
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[I:[^:]*]]: tensor<4xi64>
// CHECK-DAG: %[[ONE:.*]] = onnx.Constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG: %[[ZERO:.*]] = onnx.Constant dense<0.000000e+00> : tensor<f32>
// CHECK-DAG: %[[SQUARE:.*]] = onnx.Mul(%[[X]], %[[X]])
// CHECK-DAG: %[[CUBE:.*]] = onnx.Pow
// CHECK-DAG: %[[INVERSE:.*]] = onnx.Div(%[[ONE]], %[[X]])
// CHECK-DAG: %[[SUM:.*]] = onnx.Add(%[[X]], %[[ZERO]])
// CHECK: return %[[SQUARE]], %[[CUBE]], %[[INVERSE]], %[[SUM]], %[[X]], %[[I]]
func.func @neutral(%x: tensor<4xf32>, %i: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi64>) {
  %two = onnx.Constant dense<2> : tensor<i64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %none = onnx.Constant dense<0> : tensor<i64>
  %0 = onnx.Pow(%x, %two) : (tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
  %1 = onnx.Pow(%x, %three) : (tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
  %2 = onnx.Reciprocal(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = onnx.Add(%zero, %x) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = onnx.Mul(%x, %one) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = onnx.Sum(%4) : (tensor<4xf32>) -> tensor<4xf32>
  %6 = onnx.Sub(%i, %none) : (tensor<4xi64>, tensor<i64>) -> tensor<4xi64>
  return %0, %1, %2, %3, %5, %6 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi64>
}

// -----

// Casts: none to the same type, none that widens and comes back, none of a bool on the way. One that rounds stays.
// CHECK-LABEL: func.func @casts
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xbf16>
// CHECK-SAME: %[[F:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<4xi1>
// CHECK: %[[N:.*]] = onnx.Cast(%[[F]]) {to = 16 : i64}
// CHECK: %[[R:.*]] = onnx.Cast(%[[N]]) {to = 1 : i64}
// CHECK: %[[I:.*]] = onnx.Cast(%[[B]]) {to = 7 : i64}
// CHECK: return %[[X]], %[[R]], %[[B]], %[[I]]
func.func @casts(%x: tensor<4xbf16>, %f: tensor<4xf32>, %b: tensor<4xi1>) -> (tensor<4xbf16>, tensor<4xf32>, tensor<4xi1>, tensor<4xi64>) {
  %0 = onnx.Cast(%x) {to = 1 : i64} : (tensor<4xbf16>) -> tensor<4xf32>
  %1 = onnx.Cast(%0) {to = 16 : i64} : (tensor<4xf32>) -> tensor<4xbf16>
  %2 = onnx.Cast(%f) {to = 16 : i64} : (tensor<4xf32>) -> tensor<4xbf16>
  %3 = onnx.CastLike(%2, %f) : (tensor<4xbf16>, tensor<4xf32>) -> tensor<4xf32>
  %4 = onnx.Cast(%b) {to = 1 : i64} : (tensor<4xi1>) -> tensor<4xf32>
  %5 = onnx.Cast(%4) {to = 9 : i64} : (tensor<4xf32>) -> tensor<4xi1>
  %6 = onnx.Cast(%4) {to = 7 : i64} : (tensor<4xf32>) -> tensor<4xi64>
  return %1, %3, %5, %6 : tensor<4xbf16>, tensor<4xf32>, tensor<4xi1>, tensor<4xi64>
}

// -----

// Conditions. Comparisons of floats have no opposite: NaN.
// CHECK-LABEL: func.func @conditions
// CHECK-SAME: %[[B:[^:]*]]: tensor<4xi1>
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[Y:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[I:[^:]*]]: tensor<4xi64>
// CHECK-SAME: %[[J:[^:]*]]: tensor<4xi64>
// CHECK: %[[W:.*]] = onnx.Where(%[[B]], %[[Y]], %[[X]])
// CHECK: %[[G:.*]] = onnx.Greater(%[[I]], %[[J]])
// CHECK: %[[L:.*]] = onnx.Less(%[[X]], %[[Y]])
// CHECK: %[[N:.*]] = onnx.Not(%[[L]])
// CHECK: return %[[W]], %[[G]], %[[N]], %[[B]]
func.func @conditions(%b: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>, %i: tensor<4xi64>, %j: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) {
  %0 = onnx.Not(%b) : (tensor<4xi1>) -> tensor<4xi1>
  %1 = onnx.Where(%0, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = onnx.LessOrEqual(%i, %j) : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1>
  %3 = onnx.Not(%2) : (tensor<4xi1>) -> tensor<4xi1>
  %4 = onnx.Less(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %5 = onnx.Not(%4) : (tensor<4xi1>) -> tensor<4xi1>
  %6 = onnx.Not(%0) : (tensor<4xi1>) -> tensor<4xi1>
  %true = onnx.Constant dense<true> : tensor<i1>
  %7 = onnx.And(%true, %6) : (tensor<i1>, tensor<4xi1>) -> tensor<4xi1>
  return %1, %3, %5, %7 : tensor<4xf32>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}

// -----

// A mask expanded to the batch says nothing that its use does not; it stays where nothing else has the size.
// CHECK-LABEL: func.func @broadcasting
// CHECK-SAME: %[[M:[^:]*]]: tensor<1x?xi1>
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?xf32>
// CHECK: %[[N:.*]] = onnx.Not(%[[M]]) : (tensor<1x?xi1>)
// CHECK: %[[E:.*]] = onnx.Expand(%[[N]], %{{.*}}) : (tensor<1x?xi1>, tensor<2xi64>) -> tensor<?x?xi1>
// CHECK: %[[W:.*]] = onnx.Where(%[[M]], %{{.*}}, %[[X]]) : (tensor<1x?xi1>, tensor<f32>, tensor<?x?xf32>)
// CHECK: return %[[E]], %[[W]]
func.func @broadcasting(%m: tensor<1x?xi1> {onnx.dims = [1, "s"]}, %x: tensor<?x?xf32> {onnx.dims = ["b", "s"]}) -> (tensor<?x?xi1>, tensor<?x?xf32>) {
  %s = onnx.Shape(%x) : (tensor<?x?xf32>) -> tensor<2xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %0 = onnx.Expand(%m, %s) : (tensor<1x?xi1>, tensor<2xi64>) -> tensor<?x?xi1>
  %1 = onnx.Not(%0) : (tensor<?x?xi1>) -> tensor<?x?xi1>
  %2 = onnx.Where(%1, %x, %zero) : (tensor<?x?xi1>, tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  return %1, %2 : tensor<?x?xi1>, tensor<?x?xf32>
}

// -----

// Work on a value joined with itself is done once, and joined.
// CHECK-LABEL: func.func @repeated
// CHECK-SAME: %[[F:[^:]*]]: tensor<?x4xf32>
// CHECK-SAME: %[[G:[^:]*]]: tensor<?x4xf32>
// CHECK: %[[C:.*]] = onnx.Cos(%[[F]])
// CHECK: %[[S:.*]] = onnx.Mul(%[[C]], %{{.*}}) : (tensor<?x4xf32>, tensor<f32>)
// CHECK: %[[J:.*]] = onnx.Concat(%[[S]], %[[S]]) {axis = 1 : i64}
// CHECK: %[[K:.*]] = onnx.Concat(%[[F]], %[[G]])
// CHECK: %[[L:.*]] = onnx.Cos(%[[K]])
// CHECK: return %[[J]], %[[S]], %[[L]]
func.func @repeated(%f: tensor<?x4xf32> {onnx.dims = ["n", 4]}, %g: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> (tensor<?x8xf32>, tensor<?x?xf32>, tensor<?x8xf32>) {
  %scale = onnx.Constant dense<0.5> : tensor<f32>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %0 = onnx.Concat(%f, %f) {axis = -1 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  %1 = onnx.Cos(%0) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %2 = onnx.Mul(%1, %scale) : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %3 = onnx.Slice(%2, %zero, %four, %one, %one) : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  %4 = onnx.Concat(%f, %g) {axis = -1 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  %5 = onnx.Cos(%4) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %2, %3, %5 : tensor<?x8xf32>, tensor<?x?xf32>, tensor<?x8xf32>
}

// -----

// Batch dimensions broadcast as well; with a vector there is none, and a matrix itself must be whole.
// CHECK-LABEL: func.func @products
// CHECK-SAME: %[[A:[^:]*]]: tensor<1x3x4xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<2x4x5xf32>
// CHECK: onnx.MatMul(%[[A]], %[[B]])
// CHECK: %[[V:.*]] = onnx.Expand
// CHECK: onnx.MatMul(%[[V]], %{{.*}}) : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3xf32>
// CHECK: onnx.MatMul(%[[V]], %{{.*}}) : (tensor<3x4xf32>, tensor<2x4x5xf32>)
func.func @products(%a: tensor<1x3x4xf32>, %b: tensor<2x4x5xf32>, %r: tensor<1x4xf32>, %v: tensor<4xf32>) -> (tensor<2x3x5xf32>, tensor<3xf32>, tensor<2x3x5xf32>) {
  %s = onnx.Constant dense<[2, 3, 4]> : tensor<3xi64>
  %0 = onnx.Expand(%a, %s) : (tensor<1x3x4xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  %1 = onnx.MatMul(%0, %b) : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  %t = onnx.Constant dense<[3, 4]> : tensor<2xi64>
  %2 = onnx.Expand(%r, %t) : (tensor<1x4xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  %3 = onnx.MatMul(%2, %v) : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3xf32>
  %4 = onnx.MatMul(%2, %b) : (tensor<3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  return %1, %3, %4 : tensor<2x3x5xf32>, tensor<3xf32>, tensor<2x3x5xf32>
}

// -----

// A sum over an axis that was not expanded is a sum before; over one that was it stays.
// CHECK-LABEL: func.func @reductions
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x4xf32>
// CHECK: %[[E:.*]] = onnx.Expand(%[[X]], %{{.*}}) {{.*}} -> tensor<3x4xf32>
// CHECK: %[[S:.*]] = onnx.ReduceSum(%[[X]], %{{.*}}) {{.*}} -> tensor<1x1xf32>
// CHECK: onnx.Expand(%[[S]], %{{.*}}) {{.*}} -> tensor<3x1xf32>
// CHECK: onnx.ReduceSum(%[[E]], %{{.*}}) {{.*}} -> tensor<1x4xf32>
func.func @reductions(%x: tensor<1x4xf32>) -> (tensor<3x1xf32>, tensor<1x4xf32>) {
  %s = onnx.Constant dense<[3, 4]> : tensor<2xi64>
  %0 = onnx.Expand(%x, %s) : (tensor<1x4xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  %a = onnx.Constant dense<-1> : tensor<1xi64>
  %b = onnx.Constant dense<0> : tensor<1xi64>
  %1 = onnx.ReduceSum(%0, %a) : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.ReduceSum(%0, %b) : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
  return %1, %2 : tensor<3x1xf32>, tensor<1x4xf32>
}
