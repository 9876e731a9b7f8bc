// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

func.func @main(%x: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}, %u: tensor<2xi64>) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [seq, 64]{{$}}
  %i0 = onnx.Shape(%x) {start = 1 : i64} : (tensor<?x?x64xf32>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, seq]{{$}}
  %i1 = onnx.Shape(%x) {end = -1 : i64} : (tensor<?x?x64xf32>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [64*batch*seq]{{$}}
  %i2 = onnx.Size(%x) : (tensor<?x?x64xf32>) -> tensor<*xi64>
  %i3 = onnx.Constant dense<[-1, 64]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch*seq, 64]{{$}}
  %f0 = onnx.Reshape(%x, %i3) : (tensor<?x?x64xf32>, tensor<2xi64>) -> tensor<*xf32>
  // 0 copies the operand's size.
  %i4 = onnx.Constant dense<[0, 0, 4, -1]> : tensor<4xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 4, 16]{{$}}
  %f1 = onnx.Reshape(%x, %i4) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<*xf32>
  %i5 = onnx.Constant dense<0> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [batch]{{$}}
  %i6 = onnx.Gather(%i1, %i5) : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %i7 = onnx.Constant dense<[0]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [batch]{{$}}
  %i8 = onnx.Unsqueeze(%i6, %i7) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %i9 = onnx.Constant dense<[-1]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, -1]{{$}}
  %i10 = onnx.Concat(%i8, %i9) {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 64*seq]{{$}}
  %f2 = onnx.Reshape(%x, %i10) : (tensor<?x?x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  // Sizes from data: bounded by the number of elements.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0, u1]{{$}}
  %f3 = onnx.Reshape(%x, %u) : (tensor<?x?x64xf32>, tensor<2xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch*seq, 64]{{$}}
  %f4 = onnx.Flatten(%x) {axis = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, 64*batch*seq]{{$}}
  %f5 = onnx.Flatten(%x) {axis = -3 : i64} : (tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, batch, seq, 64]{{$}}
  %f6 = onnx.Unsqueeze(%x, %i7) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f7 = onnx.Squeeze(%f6, %i7) : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [batch]{{$}}
  %i11 = onnx.Squeeze(%i8, %i7) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [64, batch, seq]{{$}}
  %f8 = onnx.Transpose(%x) {perm = array<i64: 2, 0, 1>} : (tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [64, seq, batch]{{$}}
  %f9 = onnx.Transpose(%x) : (tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f10 = onnx.Identity(%x) : (tensor<?x?x64xf32>) -> tensor<*xf32>
  return
}

// -----

// allowzero keeps 0; a single unknown size follows from the others.
func.func @main(%x: tensor<0x3xf32>, %y: tensor<?x6xf32> {onnx.dims = ["n", 6]}, %u: tensor<1xi64>) {
  %i0 = onnx.Constant dense<[3, 0]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [3, 0]{{$}}
  %f0 = onnx.Reshape(%x, %i0) {allowzero = 1 : i64} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  %i1 = onnx.Constant dense<[3]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2]{{$}}
  %i2 = onnx.Concat(%u, %i1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2*n, 3]{{$}}
  %f1 = onnx.Reshape(%y, %i2) : (tensor<?x6xf32>, tensor<*xi64>) -> tensor<*xf32>
  // Sizes that are not exact stay divisions.
  %i3 = onnx.Constant dense<[4, -1]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4, (n floordiv 2) + n]{{$}}
  %f2 = onnx.Reshape(%y, %i3) : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?x1x64xf32> {onnx.dims = ["batch", 1, 64]}, %y: tensor<?x?xf32> {onnx.dims = ["batch", "seq"]}, %s: tensor<i64>) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, seq]{{$}}
  %i0 = onnx.Shape(%y) : (tensor<?x?xf32>) -> tensor<*xi64>
  %i1 = onnx.Constant dense<[64]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [3] contents [batch, seq, 64]{{$}}
  %i2 = onnx.Concat(%i0, %i1) {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f0 = onnx.Expand(%x, %i2) : (tensor<?x1x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  %i3 = onnx.Constant dense<[1, 1, 1]> : tensor<3xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 1, 64]{{$}}
  %f1 = onnx.Expand(%x, %i3) : (tensor<?x1x64xf32>, tensor<3xi64>) -> tensor<*xf32>
  %i4 = onnx.Constant dense<[4]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4]{{$}}
  %i5 = onnx.Expand(%s, %i4) : (tensor<i64>, tensor<1xi64>) -> tensor<*xi64>
  %i6 = onnx.Constant dense<7> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4] contents [7, 7, 7, 7]{{$}}
  %i7 = onnx.Expand(%i6, %i4) : (tensor<i64>, tensor<1xi64>) -> tensor<*xi64>
  %i99 = onnx.Constant dense<[4, 1]> : tensor<2xi64>
  // What is asked for may be more than 1 while the size is 1.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4, seq]{{$}}
  %f99 = onnx.Expand(%y, %i99) : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<*xf32>
  %i8 = onnx.Constant dense<[1, 3, 2]> : tensor<3xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 3, 128]{{$}}
  %f2 = onnx.Tile(%x, %i8) : (tensor<?x1x64xf32>, tensor<3xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch*batch, seq*seq]{{$}}
  %f3 = onnx.Tile(%y, %i0) : (tensor<?x?xf32>, tensor<*xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4] contents [4, 4, 4, 4]{{$}}
  %i9 = onnx.Tile(%i4, %i4) : (tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  return
}

// -----

// Two orders of the same computation give the same shape.
func.func @main(%x: tensor<?x?x12x24xf32> {onnx.dims = ["batch", "past + seq", 12, 24]}, %q: tensor<?x?x12xf32> {onnx.dims = ["batch", "seq", 12]}) {
  %i0 = onnx.Constant dense<[0, -1, 288]> : tensor<3xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, past + seq, 288]{{$}}
  %f0 = onnx.Reshape(%x, %i0) : (tensor<?x?x12x24xf32>, tensor<3xi64>) -> tensor<*xf32>
  %i1 = onnx.Constant dense<[-1, 12, 24]> : tensor<3xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch*past + batch*seq, 12, 24]{{$}}
  %f1 = onnx.Reshape(%f0, %i1) : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [batch]{{$}}
  %i2 = onnx.Shape(%q) {start = 0 : i64, end = 1 : i64} : (tensor<?x?x12xf32>) -> tensor<*xi64>
  %i3 = onnx.Constant dense<[-1, 12, 24]> : tensor<3xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4] contents [batch, -1, 12, 24]{{$}}
  %i4 = onnx.Concat(%i2, %i3) {axis = 0 : i64} : (tensor<*xi64>, tensor<3xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, past + seq, 12, 24]{{$}}
  %f2 = onnx.Reshape(%f1, %i4) : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, past + seq, 12, 24]{{$}}
  %f3 = onnx.Add(%f2, %x) : (tensor<*xf32>, tensor<?x?x12x24xf32>) -> tensor<*xf32>
  return
}
