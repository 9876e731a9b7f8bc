// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// A small k: insertion into the best so far, rows in parallel.
// CHECK-LABEL: func.func @insertion
// CHECK: scf.forall
// CHECK: scf.for
// CHECK: arith.cmpf ugt
// CHECK: arith.cmpf ord
// CHECK: tensor.parallel_insert_slice
func.func @insertion(%t: tensor<?x12xf32> {onnx.dims = ["n", 12]}) -> (tensor<?x3xf32>, tensor<?x3xi64>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %v, %i = onnx.TopK(%t, %k) : (tensor<?x12xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  return %v, %i : tensor<?x3xf32>, tensor<?x3xi64>
}

// Values that nothing reads are local to a row.
// CHECK-LABEL: func.func @indices
// CHECK: scf.forall {{.*}} -> (tensor<?x3xi64>)
// CHECK: tensor.empty() : tensor<3xf32>
func.func @indices(%t: tensor<?x12xf32> {onnx.dims = ["n", 12]}) -> tensor<?x3xi64> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %v, %i = onnx.TopK(%t, %k) : (tensor<?x12xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  return %i : tensor<?x3xi64>
}

// All of a row: a merge sort whose buffers stay in place.
// CHECK-LABEL: func.func @sort
// CHECK: math.ctlz
// CHECK: %{{.*}}:2 = scf.for {{.*}} -> (tensor<?xi64>, tensor<?xi64>)
// CHECK: arith.cmpi sgt
func.func @sort(%t: tensor<?xi64> {onnx.dims = ["3*n"]}) -> (tensor<?xi64>, tensor<?xi64>) {
  %k = onnx.Shape(%t) {start = 0 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %v, %i = onnx.TopK(%t, %k) {largest = 0 : i64} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  return %v, %i : tensor<?xi64>, tensor<?xi64>
}

// Another axis than the last.
// CHECK-LABEL: func.func @axis
// CHECK: linalg.transpose ins(%{{.*}} : tensor<4x100x?xf16>) {{.*}} permutation = [0, 2, 1]
// CHECK: scf.forall
// CHECK: linalg.transpose {{.*}} permutation = [0, 2, 1]
func.func @axis(%t: tensor<4x100x?xf16> {onnx.dims = [4, 100, "n"]}) -> tensor<4x40x?xf16> {
  %k = onnx.Constant dense<40> : tensor<1xi64>
  %v, %i = onnx.TopK(%t, %k) {axis = 1 : i64} : (tensor<4x100x?xf16>, tensor<1xi64>) -> (tensor<4x40x?xf16>, tensor<4x40x?xi64>)
  return %v : tensor<4x40x?xf16>
}

// CHECK-LABEL: func.func @too_many
// CHECK: trine.require %{{.*}}, "'K' of TopK must be at most n"
func.func @too_many(%t: tensor<2x?xf32> {onnx.dims = [2, "n"]}) -> tensor<2x3xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %v, %i = onnx.TopK(%t, %k) : (tensor<2x?xf32>, tensor<1xi64>) -> (tensor<2x3xf32>, tensor<2x3xi64>)
  return %v : tensor<2x3xf32>
}
