// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

// A slice of a joined axis has the size of a part.
func.func @main(%x: tensor<?x?xf32> {onnx.dims = ["batch", "seq"]}, %h: tensor<?x9xf32> {onnx.dims = ["batch", 9]}, %s: tensor<1xi64>) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq + 9]{{$}}
  %f0 = onnx.Concat(%h, %x) {axis = 1 : i64} : (tensor<?x9xf32>, tensor<?x?xf32>) -> tensor<*xf32>
  %i0 = onnx.Constant dense<[-9]> : tensor<1xi64>
  %i1 = onnx.Constant dense<[9223372036854775807]> : tensor<1xi64>
  %i2 = onnx.Constant dense<[1]> : tensor<1xi64>
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 9]{{$}}
  %f1 = onnx.Slice(%f0, %i0, %i1, %i2, %n0) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  %i3 = onnx.Constant dense<[2]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [seq]{{$}}
  %i4 = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xf32>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [seq + 2]{{$}}
  %i5 = onnx.Add(%i4, %i3) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f2 = onnx.Slice(%f0, %i3, %i5, %i2, %n0) : (tensor<*xf32>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  %i6 = onnx.Constant dense<[0]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f3 = onnx.Slice(%f0, %i6, %i0, %i2, %n0) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  // From the third on of "seq": none when there are fewer.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, max(0, seq - 2)]{{$}}
  %f4 = onnx.Slice(%x, %i3, %i1, %i2, %n0) : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, min(2, seq)]{{$}}
  %f5 = onnx.Slice(%x, %i6, %i3, %i2, %n0) : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  // Every second one, and backwards.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, (seq floordiv 2) + 5]{{$}}
  %f6 = onnx.Slice(%f0, %i6, %i1, %i2, %i3) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %i7 = onnx.Constant dense<[-1]> : tensor<1xi64>
  %i8 = onnx.Constant dense<[-9223372036854775808]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f7 = onnx.Slice(%x, %i7, %i8, %i2, %i7) : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  // Positions from data: at most what there is.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, u0]{{$}}
  %f8 = onnx.Slice(%x, %s, %i1, %i2, %n0) : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  // "seq - 1" may be negative, and then would count from the end.
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [seq - 1]{{$}}
  %i9 = onnx.Sub(%i4, %i2) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, u1]{{$}}
  %f9 = onnx.Slice(%x, %i6, %i9, %i2, %n0) : (tensor<?x?xf32>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  return
}

// -----

// Constants clamp.
func.func @main(%x: tensor<10xf32>) {
  %i0 = onnx.Constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]> : tensor<10xi64>
  %i1 = onnx.Constant dense<[-100]> : tensor<1xi64>
  %i2 = onnx.Constant dense<[100]> : tensor<1xi64>
  %i3 = onnx.Constant dense<[0]> : tensor<1xi64>
  %i4 = onnx.Constant dense<[3]> : tensor<1xi64>
  %i5 = onnx.Constant dense<[-2]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4] contents [0, 3, 6, 9]{{$}}
  %i6 = onnx.Slice(%i0, %i1, %i2, %i3, %i4) : (tensor<10xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [5] contents [9, 7, 5, 3, 1]{{$}}
  %i7 = onnx.Slice(%i0, %i2, %i1, %i3, %i5) : (tensor<10xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [3, 6]{{$}}
  %i8 = onnx.Slice(%i0, %i4, %i5, %i3, %i4) : (tensor<10xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [0] contents []{{$}}
  %i9 = onnx.Slice(%i0, %i2, %i2, %i3, %i4) : (tensor<10xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [5] contents [3, 4, 5, 6, 7]{{$}}
  %i10 = onnx.Slice(%i0, %i4, %i5, %n0, %n0) : (tensor<10xi64>, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<*xi64>
  return
}

// -----

func.func @main(%x: tensor<?x10xf32> {onnx.dims = ["n", 10]}, %s: tensor<2xi64>) {
  %i0 = onnx.Constant dense<[3, 7]> : tensor<2xi64>
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 3]; [n, 7]{{$}}
  %f0:2 = onnx.Split(%x, %i0) {axis = 1 : i64} : (tensor<?x10xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 3]; [n, 3]; [n, 3]; [n, 1]{{$}}
  %f1:4 = onnx.Split(%x, %n0) {axis = -1 : i64, num_outputs = 4 : i64} : (tensor<?x10xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 5]; [n, 5]{{$}}
  %f2:2 = onnx.Split(%x, %n0) {axis = 1 : i64} : (tensor<?x10xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [(n + 1) floordiv 2, 10]; [n - ((n + 1) floordiv 2), 10]{{$}}
  %f3:2 = onnx.Split(%x, %n0) {num_outputs = 2 : i64} : (tensor<?x10xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0, 10]; [u1, 10]{{$}}
  %f4:2 = onnx.Split(%x, %s) {axis = 0 : i64} : (tensor<?x10xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  %i1 = onnx.Constant dense<[4, 5, 6]> : tensor<3xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [4, 5]; [1] contents [6]{{$}}
  %i2:2 = onnx.Split(%i1, %n0) {num_outputs = 2 : i64} : (tensor<3xi64>, none) -> (tensor<*xi64>, tensor<*xi64>)
  return
}

// -----

func.func @main(%x: tensor<?x10xf32> {onnx.dims = ["n", 10]}, %p: tensor<2xi64>) {
  %i0 = onnx.Constant dense<[1, 2, 3, 4]> : tensor<4xi64>
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n + 4, 16]{{$}}
  %f0 = onnx.Pad(%x, %i0, %n0, %n0) : (tensor<?x10xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
  %i1 = onnx.Constant dense<[-1]> : tensor<1xi64>
  %i2 = onnx.Constant dense<[2, -3]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 9]{{$}}
  %f1 = onnx.Pad(%x, %i2, %n0, %i1) {mode = "edge"} : (tensor<?x10xf32>, tensor<2xi64>, none, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, u0]{{$}}
  %f2 = onnx.Pad(%x, %p, %n0, %i1) : (tensor<?x10xf32>, tensor<2xi64>, none, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 10]{{$}}
  %f3 = onnx.Trilu(%x, %n0) {upper = 0 : i64} : (tensor<?x10xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [3*n, 10]{{$}}
  %f4 = onnx.Concat(%x, %f3, %x) {axis = 0 : i64} : (tensor<?x10xf32>, tensor<*xf32>, tensor<?x10xf32>) -> tensor<*xf32>
  return
}
