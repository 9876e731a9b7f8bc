// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

func.func @main(%x: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}, %i: tensor<?x8xi64> {onnx.dims = ["n", 8]}) {
  %i0 = onnx.Constant dense<[-1]> : tensor<1xi64>
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 1]{{$}}
  %f0 = onnx.ReduceMean(%x, %i0) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f1 = onnx.ReduceSum(%x, %i0) {keepdims = 0 : i64} : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, 1, 1]{{$}}
  %f2 = onnx.ReduceL2(%x, %n0) : (tensor<?x?x64xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %f3 = onnx.ReduceMax(%x, %n0) {keepdims = 0 : i64} : (tensor<?x?x64xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f4 = onnx.ReduceSum(%x, %n0) {noop_with_empty_axes = 1 : i64} : (tensor<?x?x64xf32>, none) -> tensor<*xf32>
  %i1 = onnx.Constant dense<> : tensor<0xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, 1, 1]{{$}}
  %f5 = onnx.ReduceMin(%x, %i1) : (tensor<?x?x64xf32>, tensor<0xi64>) -> tensor<*xf32>
  %i2 = onnx.Constant dense<[0, 2]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [seq]{{$}}
  %f6 = onnx.ReduceLogSumExp(%x, %i2) {keepdims = 0 : i64} : (tensor<?x?x64xf32>, tensor<2xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq] range [0, 63]{{$}}
  %i3 = onnx.ArgMax(%x) {axis = -1 : i64, keepdims = 0 : i64} : (tensor<?x?x64xf32>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 1, 64] range [0, seq - 1]{{$}}
  %i4 = onnx.ArgMin(%x) {axis = 1 : i64} : (tensor<?x?x64xf32>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f7 = onnx.Softmax(%x) : (tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f8 = onnx.LogSoftmax(%x) {axis = 0 : i64} : (tensor<?x?x64xf32>) -> tensor<*xf32>
  %i5 = onnx.Constant dense<1> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f9 = onnx.CumSum(%x, %i5) : (tensor<?x?x64xf32>, tensor<i64>) -> tensor<*xf32>
  // Elements of lists.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [3] contents [batch, seq, 64]{{$}}
  %i6 = onnx.Shape(%x) : (tensor<?x?x64xf32>) -> tensor<*xi64>
  %i7 = onnx.Constant dense<[0]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [64*batch*seq]{{$}}
  %i8 = onnx.ReduceProd(%i6, %i7) {keepdims = 0 : i64} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [batch + seq + 64]{{$}}
  %i9 = onnx.ReduceSum(%i6, %i7) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [max(64, batch, seq)]{{$}}
  %i10 = onnx.ReduceMax(%i6, %i7) {keepdims = 0 : i64} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %i11 = onnx.Constant dense<0> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [3] contents [batch, batch + seq, batch + seq + 64]{{$}}
  %i12 = onnx.CumSum(%i6, %i11) : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 8] range [0, 0]{{$}}
  %i13 = onnx.Mod(%i, %i5) : (tensor<?x8xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 1] range [0, 0]{{$}}
  %i14 = onnx.ReduceMax(%i13, %i0) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  return
}

// -----

func.func @main(%x: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}, %w: tensor<64xf32>, %h: tensor<?x64xf16> {onnx.dims = ["n", 64]}, %v: tensor<64xf16>) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]; [batch, seq, 1]; [batch, seq, 1]{{$}}
  %f0, %f1, %f2 = onnx.LayerNormalization(%x, %w, %w) : (tensor<?x?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 64]; [1, 1]; none{{$}}
  %h0, %f3, %n1 = onnx.LayerNormalization(%h, %v, %n0) {axis = 0 : i64} : (tensor<?x64xf16>, tensor<64xf16>, none) -> (tensor<*xf16>, tensor<*xf32>, none)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f4 = onnx.RMSNormalization(%x, %w) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]; [batch, seq, 1]{{$}}
  %f5, %f6 = onnx.SimplifiedLayerNormalization(%x, %w) : (tensor<?x?x64xf32>, tensor<64xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f7 = onnx.LpNormalization(%x) : (tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f8 = onnx.Hardmax(%x) : (tensor<?x?x64xf32>) -> tensor<*xf32>
  return
}
