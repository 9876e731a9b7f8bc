// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

func.func @main(%x: tensor<?x160x64xf32> {onnx.dims = ["n", 160, 64]}, %i: tensor<?x?xi64> {onnx.dims = ["batch", "seq"]}, %e: tensor<?x8x64xi64> {onnx.dims = ["n", 8, 64]}, %d: tensor<?x5x2xi64> {onnx.dims = ["n", 5, 2]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, batch, seq, 64]{{$}}
  %f0 = onnx.Gather(%x, %i) {axis = 1 : i64} : (tensor<?x160x64xf32>, tensor<?x?xi64>) -> tensor<*xf32>
  %i0 = onnx.Constant dense<3> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 160]{{$}}
  %f1 = onnx.Gather(%x, %i0) {axis = -1 : i64} : (tensor<?x160x64xf32>, tensor<i64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 8, 64]{{$}}
  %f2 = onnx.GatherElements(%x, %e) {axis = 1 : i64} : (tensor<?x160x64xf32>, tensor<?x8x64xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 5, 64]{{$}}
  %f3 = onnx.GatherND(%x, %d) : (tensor<?x160x64xf32>, tensor<?x5x2xi64>) -> tensor<*xf32>
  %i1 = onnx.Constant dense<[[1], [-1]]> : tensor<2x1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2, 160, 64]{{$}}
  %f4 = onnx.GatherND(%x, %i1) : (tensor<?x160x64xf32>, tensor<2x1xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 5, 2] range [0, 2]{{$}}
  %i2 = onnx.Mod(%d, %i0) : (tensor<?x5x2xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 5]{{$}}
  %f5 = onnx.GatherND(%x, %i2) {batch_dims = 1 : i64} : (tensor<?x160x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  // Elements of a list, from either end.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [3] contents [n, 160, 64]{{$}}
  %i3 = onnx.Shape(%x) : (tensor<?x160x64xf32>) -> tensor<*xi64>
  %i4 = onnx.Constant dense<[-1, 0]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [64, n]{{$}}
  %i5 = onnx.Gather(%i3, %i4) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  return
}

// -----

func.func @main(%x: tensor<?x12xf32> {onnx.dims = ["n", 12]}, %k: tensor<1xi64>, %c: tensor<?xi1> {onnx.dims = ["m"]}, %i: tensor<?xi64> {onnx.dims = ["n"]}) {
  %i0 = onnx.Constant dense<[3]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 3]; [n, 3] range [0, 11]{{$}}
  %f0, %i1 = onnx.TopK(%x, %i0) : (tensor<?x12xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0, 12]; [u0, 12] range [0, n - 1]{{$}}
  %f1, %i2 = onnx.TopK(%x, %k) {axis = 0 : i64} : (tensor<?x12xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, u1]{{$}}
  %f2 = onnx.Compress(%x, %c) {axis = 1 : i64} : (tensor<?x12xf32>, tensor<?xi1>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u2]{{$}}
  %f3 = onnx.Compress(%x, %c) : (tensor<?x12xf32>, tensor<?xi1>) -> tensor<*xf32>
  %b0 = onnx.Constant dense<[true, false, true]> : tensor<3xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 2]{{$}}
  %f4 = onnx.Compress(%x, %b0) {axis = 1 : i64} : (tensor<?x12xf32>, tensor<3xi1>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2, u3] range [0, max(12, n) - 1]{{$}}
  %i3 = onnx.NonZero(%x) : (tensor<?x12xf32>) -> tensor<*xi64>
  %i4 = onnx.Constant dense<[4, 0, 6]> : tensor<3xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, 2] range [0, 2]{{$}}
  %i5 = onnx.NonZero(%i4) : (tensor<3xi64>) -> tensor<*xi64>
  %i6 = onnx.Constant dense<10> : tensor<i64>
  %i7 = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 10] range [0, 1]{{$}}
  %i8 = onnx.OneHot(%i, %i6, %i7) : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<*xi64>
  %f5 = onnx.Constant dense<10.0> : tensor<f32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [10, n] range [0, 1]{{$}}
  %i9 = onnx.OneHot(%i, %f5, %i7) {axis = 0 : i64} : (tensor<?xi64>, tensor<f32>, tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, u4] range [0, 1]{{$}}
  %i10 = onnx.OneHot(%i, %k, %i7) : (tensor<?xi64>, tensor<1xi64>, tensor<2xi64>) -> tensor<*xi64>
  return
}

// -----

func.func @main(%x: tensor<24x4x?xf32> {onnx.dims = [24, 4, "n"]}, %i: tensor<16x1xi64>, %u: tensor<16x4x?xf32> {onnx.dims = [16, 4, "n"]}, %j: tensor<24x2x?xi64> {onnx.dims = [24, 2, "n"]}, %v: tensor<24x2x?xf32> {onnx.dims = [24, 2, "n"]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [24, 4, n]{{$}}
  %f0 = onnx.ScatterND(%x, %i, %u) : (tensor<24x4x?xf32>, tensor<16x1xi64>, tensor<16x4x?xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [24, 4, n]{{$}}
  %f1 = onnx.ScatterElements(%x, %j, %v) {axis = 1 : i64, reduction = "add"} : (tensor<24x4x?xf32>, tensor<24x2x?xi64>, tensor<24x2x?xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%c: tensor<?x4x128x32xf32> {onnx.dims = ["batch", 4, 128, 32]}, %u: tensor<?x4x?x32xf32> {onnx.dims = ["batch", 4, "seq", 32]}, %w: tensor<?xi64> {onnx.dims = ["batch"]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 4, 128, 32]{{$}}
  %f0 = onnx.TensorScatter(%c, %u, %w) : (tensor<?x4x128x32xf32>, tensor<?x4x?x32xf32>, tensor<?xi64>) -> tensor<*xf32>
  return
}

// -----

// Rows of one of several parts: a Range over data, its size bounded by the axis that it indexes.
func.func @main(%x: tensor<?x64xf32> {onnx.dims = ["rows", 64]}, %s: tensor<i64>, %e: tensor<i64>) {
  %i0 = onnx.Constant dense<1> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0]{{$}}
  %i1 = onnx.Range(%s, %e, %i0) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0, 64]{{$}}
  %f0 = onnx.Gather(%x, %i1) : (tensor<?x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  // The same operands give the same size.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0]{{$}}
  %i2 = onnx.Range(%s, %e, %i0) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0, 64]{{$}}
  %f1 = onnx.Gather(%x, %i2) : (tensor<?x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  // Not negative: half as many.
  %i3 = onnx.Constant dense<0> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] range [0, ?]{{$}}
  %i4 = onnx.Max(%s, %i3) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u1] range [0, ?]{{$}}
  %i5 = onnx.Range(%i4, %e, %i0) : (tensor<*xi64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  %i6 = onnx.Constant dense<[-1]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u1, 1] range [0, ?]{{$}}
  %i7 = onnx.Unsqueeze(%i5, %i6) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u1, 64]{{$}}
  %f2 = onnx.GatherND(%x, %i7) : (tensor<?x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0 + u1, 64]{{$}}
  %f3 = onnx.Concat(%f0, %f2) {axis = 0 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [rows, 64]{{$}}
  %f4 = onnx.Add(%f3, %x) : (tensor<*xf32>, tensor<?x64xf32>) -> tensor<*xf32>
  return
}
