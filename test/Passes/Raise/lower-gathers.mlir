// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Indices from the caller are checked, wrapped and clamped.
// CHECK-LABEL: func.func @rows
// CHECK: %[[ALL:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]
// CHECK: trine.require %[[ALL]], "indices of Gather must lie in [-160, 160)"
// CHECK: linalg.generic
// CHECK: %[[NEGATIVE:.*]] = arith.cmpi slt
// CHECK: arith.select %[[NEGATIVE]]
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: tensor.extract
func.func @rows(%t: tensor<160x64xf32>, %i: tensor<?x?xi64> {onnx.dims = ["b", "s"]}) -> tensor<?x?x64xf32> {
  %0 = onnx.Gather(%t, %i) : (tensor<160x64xf32>, tensor<?x?xi64>) -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}

// A size that may be 0 guards the read.
// CHECK-LABEL: func.func @dynamic
// CHECK: trine.require %{{.*}}, "indices of GatherElements must lie in [-n, n)"
// CHECK: scf.if %{{.*}} -> (f32)
// CHECK: tensor.extract
func.func @dynamic(%t: tensor<?xf32> {onnx.dims = ["n"]}, %i: tensor<3xi32>) -> tensor<3xf32> {
  %0 = onnx.GatherElements(%t, %i) : (tensor<?xf32>, tensor<3xi32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @known
// CHECK: tensor.extract_slice %{{.*}}[0, 61] [160, 1] [1, 1] : tensor<160x64xf32> to tensor<160xf32>
func.func @known(%t: tensor<160x64xf32>) -> tensor<160xf32> {
  %c = onnx.Constant dense<-3> : tensor<i64>
  %0 = onnx.Gather(%t, %c) {axis = 1 : i64} : (tensor<160x64xf32>, tensor<i64>) -> tensor<160xf32>
  return %0 : tensor<160xf32>
}

// What TopK chose lies in range.
// CHECK-LABEL: func.func @chosen
// CHECK-NOT: trine.require
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<?x3xi64>)
// CHECK-NOT: arith.minsi
// CHECK: tensor.extract
func.func @chosen(%t: tensor<?x12xf32> {onnx.dims = ["n", 12]}) -> tensor<?x3xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %v, %i = onnx.TopK(%t, %k) : (tensor<?x12xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %0 = onnx.GatherElements(%t, %i) {axis = 1 : i64} : (tensor<?x12xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// Rows of one expert: places from the start, no tensor of indices.
// CHECK-LABEL: func.func @consecutive
// CHECK: %[[FIRST:.*]] = tensor.extract %{{.*}}[]
// CHECK: trine.require %{{.*}}, "indices of Gather must lie in [-n, n)"
// CHECK: linalg.generic {indexing_maps = [#{{[a-z0-9]*}}], iterator_types = ["parallel", "parallel"]} outs
// CHECK: linalg.index 0
// CHECK: tensor.extract
func.func @consecutive(%t: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %first: tensor<i64>, %end: tensor<i64>) -> tensor<?x8xf32> {
  %one = onnx.Constant dense<1> : tensor<i64>
  %r = onnx.Range(%first, %end, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %0 = onnx.Gather(%t, %r) : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @slices
// CHECK: trine.require %{{.*}}, "indices of GatherND must lie in [-12, 12)"
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<?xi64>) outs(%{{.*}} : tensor<?x80x64xf32>)
func.func @slices(%t: tensor<12x80x64xf32>, %i: tensor<?x1xi64> {onnx.dims = ["n", 1]}) -> tensor<?x80x64xf32> {
  %0 = onnx.GatherND(%t, %i) : (tensor<12x80x64xf32>, tensor<?x1xi64>) -> tensor<?x80x64xf32>
  return %0 : tensor<?x80x64xf32>
}

// CHECK-LABEL: func.func @tuples
// CHECK: trine.require %{{.*}}, "indices of dimension 1 of GatherND must lie in [-80, 80)"
// CHECK: trine.require %{{.*}}, "indices of dimension 2 of GatherND must lie in [-64, 64)"
// CHECK: %[[B:.*]] = linalg.index 0
// CHECK: tensor.extract %{{.*}}[%[[B]], %{{.*}}, %{{.*}}] : tensor<12x80x64xf32>
func.func @tuples(%t: tensor<12x80x64xf32>, %i: tensor<12x5x2xi64>) -> tensor<12x5xf32> {
  %0 = onnx.GatherND(%t, %i) {batch_dims = 1 : i64} : (tensor<12x80x64xf32>, tensor<12x5x2xi64>) -> tensor<12x5xf32>
  return %0 : tensor<12x5xf32>
}

// Sizes that only the caller knows.
// CHECK-LABEL: func.func @smaller
// CHECK: trine.require %{{.*}}, "dimension 0 of the indices of GatherElements must be at most n"
func.func @smaller(%d: tensor<?x4xf32> {onnx.dims = ["n", 4]}, %i: tensor<?x4xi64> {onnx.dims = ["m", 4]}) -> tensor<?x4xf32> {
  %0 = onnx.GatherElements(%d, %i) {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x4xi64>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
