// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

// Unary operators keep the shape; binary ones broadcast.
func.func @main(%x: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}, %y: tensor<?x1x64xf32> {onnx.dims = ["batch", 1, 64]}, %s: tensor<f32>, %v: tensor<?xf32> {onnx.dims = ["past"]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f0 = onnx.Relu(%x) : (tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f1 = onnx.Add(%x, %y) : (tensor<?x?x64xf32>, tensor<?x1x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f2 = onnx.Mul(%s, %x) : (tensor<f32>, tensor<?x?x64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %b0 = onnx.Greater(%x, %s) : (tensor<?x?x64xf32>, tensor<f32>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f3 = onnx.Where(%b0, %y, %s) : (tensor<*xi1>, tensor<?x1x64xf32>, tensor<f32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f4 = onnx.Sum(%x, %y, %s) : (tensor<?x?x64xf32>, tensor<?x1x64xf32>, tensor<f32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %b1 = onnx.IsNaN(%x) : (tensor<?x?x64xf32>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %h0 = onnx.Cast(%x) {to = 10 : i64} : (tensor<?x?x64xf32>) -> tensor<*xf16>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f5 = onnx.CastLike(%h0, %y) : (tensor<*xf16>, tensor<?x1x64xf32>) -> tensor<*xf32>
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]{{$}}
  %f6 = onnx.Clip(%x, %s, %n0) : (tensor<?x?x64xf32>, tensor<f32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]; [batch, seq, 64]{{$}}
  %f7, %b2 = onnx.Dropout(%x, %n0, %n0) : (tensor<?x?x64xf32>, none, none) -> (tensor<*xf32>, tensor<*xi1>)
  return
}

// -----

// Sizes that differ but must be equal: the simpler one stays.
func.func @main(%x: tensor<?xf32> {onnx.dims = ["seq"]}, %y: tensor<?xf32> {onnx.dims = ["past + seq"]}, %z: tensor<7xf32>, %o: tensor<?xf32> {onnx.dims = ["one"]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [seq]{{$}}
  %f0 = onnx.Add(%y, %x) : (tensor<?xf32>, tensor<?xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [7]{{$}}
  %f1 = onnx.Add(%o, %z) : (tensor<?xf32>, tensor<7xf32>) -> tensor<*xf32>
  return
}

// -----

// Contents and ranges of integers.
func.func @main(%x: tensor<?x?xf32> {onnx.dims = ["batch", "seq"]}, %i: tensor<?xi64> {onnx.dims = ["n"]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, seq]{{$}}
  %i0 = onnx.Shape(%x) : (tensor<?x?xf32>) -> tensor<*xi64>
  %i1 = onnx.Constant dense<[2, 3]> : tensor<2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch + 2, seq + 3]{{$}}
  %i2 = onnx.Add(%i0, %i1) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [2*batch, 3*seq]{{$}}
  %i3 = onnx.Mul(%i0, %i1) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [-batch + 2, -seq + 3]{{$}}
  %i4 = onnx.Sub(%i1, %i0) : (tensor<2xi64>, tensor<*xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, seq]{{$}}
  %i5 = onnx.Div(%i3, %i1) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch floordiv 2, seq floordiv 3]{{$}}
  %i6 = onnx.Div(%i0, %i1) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch mod 2, seq mod 3]{{$}}
  %i7 = onnx.Mod(%i2, %i1) {fmod = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [max(2, batch), max(3, seq)]{{$}}
  %i8 = onnx.Max(%i0, %i1) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, seq]{{$}}
  %i9 = onnx.Min(%i0, %i2) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [-2, -3]{{$}}
  %i10 = onnx.Neg(%i1) : (tensor<2xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [1, 1]{{$}}
  %b0 = onnx.Less(%i0, %i2) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [0, 0]{{$}}
  %b1 = onnx.Equal(%i0, %i2) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2]{{$}}
  %b2 = onnx.GreaterOrEqual(%i0, %i1) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [1, 1]{{$}}
  %b3 = onnx.Not(%b1) : (tensor<*xi1>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [1, 1]{{$}}
  %b4 = onnx.And(%b0, %b3) : (tensor<*xi1>, tensor<*xi1>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, seq]{{$}}
  %i11 = onnx.Where(%b4, %i0, %i1) : (tensor<*xi1>, tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %i12 = onnx.Constant dense<12> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [0, 11]{{$}}
  %i13 = onnx.Mod(%i, %i12) : (tensor<?xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] range [2, 14]{{$}}
  %i14 = onnx.Add(%i13, %i1) : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %i15 = onnx.Constant dense<-3> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [-3, 12]{{$}}
  %i16 = onnx.Clip(%i, %i15, %i12) : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n]{{$}}
  %b5 = onnx.Less(%i13, %i15) : (tensor<*xi64>, tensor<i64>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [0, 0]{{$}}
  %i17 = onnx.Cast(%b5) {to = 7 : i64} : (tensor<*xi1>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [0, 11]{{$}}
  %i18 = onnx.Sub(%i13, %i17) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [0, 12]{{$}}
  %i19 = onnx.BitwiseAnd(%i, %i12) : (tensor<?xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [-11, 11]{{$}}
  %i20 = onnx.Mod(%i, %i12) {fmod = 1 : i64} : (tensor<?xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [0, 0]{{$}}
  %i21 = onnx.Div(%i13, %i12) : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [-1, 1]{{$}}
  %i22 = onnx.Sign(%i) : (tensor<?xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n] range [0, 11]{{$}}
  %j0 = onnx.Cast(%i13) {to = 6 : i64} : (tensor<*xi64>) -> tensor<*xi32>
  return
}

// -----

// What would wrap around is not known.
func.func @main(%i: tensor<?xi64> {onnx.dims = ["n"]}) {
  %i0 = onnx.Constant dense<9223372036854775807> : tensor<i64>
  %i1 = onnx.Constant dense<1> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %i2 = onnx.Add(%i0, %i1) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %i3 = onnx.Mul(%i0, %i0) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %j0 = onnx.Cast(%i0) {to = 6 : i64} : (tensor<i64>) -> tensor<*xi32>
  %i4 = onnx.Constant dense<0> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %i5 = onnx.Div(%i1, %i4) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %i6 = onnx.Mod(%i1, %i4) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return
}
