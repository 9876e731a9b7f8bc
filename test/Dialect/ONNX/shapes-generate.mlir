// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

func.func @main(%x: tensor<?x?xf32> {onnx.dims = ["batch", "seq"]}, %s: tensor<i64>, %u: tensor<2xi64>, %m: tensor<?x?xi64> {onnx.dims = ["batch", "past"]}) {
  %i0 = onnx.Constant dense<0> : tensor<i64>
  %i1 = onnx.Constant dense<1> : tensor<i64>
  %i2 = onnx.Constant dense<3> : tensor<i64>
  %i3 = onnx.Constant dense<-2> : tensor<i64>
  %i4 = onnx.Constant dense<11> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [seq]{{$}}
  %i5 = onnx.Shape(%x) {start = 1 : i64} : (tensor<?x?xf32>) -> tensor<*xi64>
  %i6 = onnx.Constant dense<0> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [seq]{{$}}
  %i7 = onnx.Squeeze(%i5, %i6) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [seq] range [0, seq - 1]{{$}}
  %i8 = onnx.Range(%i0, %i7, %i1) : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [(seq + 2) floordiv 3] range [0, seq - 1]{{$}}
  %i9 = onnx.Range(%i0, %i7, %i2) : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4] contents [1, 4, 7, 10]{{$}}
  %i10 = onnx.Range(%i1, %i4, %i2) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [5] contents [11, 9, 7, 5, 3]{{$}}
  %i11 = onnx.Range(%i4, %i1, %i3) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [0] contents []{{$}}
  %i12 = onnx.Range(%i4, %i1, %i1) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [max(0, seq - 1)] range [1, seq - 1]{{$}}
  %i13 = onnx.Range(%i1, %i7, %i1) : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [past]{{$}}
  %i14 = onnx.Shape(%m) {start = 1 : i64} : (tensor<?x?xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [past]{{$}}
  %i15 = onnx.Squeeze(%i14, %i6) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] contents [past + seq]{{$}}
  %i16 = onnx.Add(%i15, %i7) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [seq] range [past, past + seq - 1]{{$}}
  %i17 = onnx.Range(%i15, %i16, %i1) : (tensor<*xi64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0] range [0, ?]{{$}}
  %i18 = onnx.Range(%i0, %s, %i1) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  %f0 = onnx.Constant dense<1.0> : tensor<f32>
  %f1 = onnx.Constant dense<2.0> : tensor<f32>
  %f2 = onnx.Constant dense<0.25> : tensor<f32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4]{{$}}
  %f3 = onnx.Range(%f0, %f1, %f2) : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [] range [0, 10]{{$}}
  %i19 = onnx.Mod(%s, %i4) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u1] range [0, 10]{{$}}
  %i20 = onnx.Range(%i19, %i4, %i1) : (tensor<*xi64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return
}

// -----

func.func @main(%x: tensor<?x?xf32> {onnx.dims = ["batch", "seq"]}, %u: tensor<2xi64>) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [batch, seq]{{$}}
  %i0 = onnx.Shape(%x) : (tensor<?x?xf32>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f0 = onnx.ConstantOfShape(%i0) : (tensor<*xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq] range [7, 7]{{$}}
  %i1 = onnx.ConstantOfShape(%i0) {value = dense<7> : tensor<1xi64>} : (tensor<*xi64>) -> tensor<*xi64>
  %i2 = onnx.Constant dense<[3]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [3] contents [-1, -1, -1]{{$}}
  %i3 = onnx.ConstantOfShape(%i2) {value = dense<-1> : tensor<1xi64>} : (tensor<1xi64>) -> tensor<*xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0, u1]{{$}}
  %f1 = onnx.ConstantOfShape(%u) : (tensor<2xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f2 = onnx.EyeLike(%x) : (tensor<?x?xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq] range [0, 1]{{$}}
  %i4 = onnx.EyeLike(%x) {dtype = 7 : i64} : (tensor<?x?xf32>) -> tensor<*xi64>
  return
}

// -----

// Constants have contents when they are small, else bounds.
func.func @main(%x: tensor<f32>) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2, 2] range [-5, 9]{{$}}
  %i0 = onnx.Constant dense<[[1, -5], [9, 2]]> : tensor<2x2xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [0] contents []{{$}}
  %i1 = onnx.Constant dense<[]> : tensor<0xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1000] range [3, 3]{{$}}
  %i2 = onnx.Constant dense<3> : tensor<1000xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2]{{$}}
  %i3 = onnx.Constant dense<[18446744073709551615, 3]> : tensor<2xui64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2] contents [1, 0]{{$}}
  %b0 = onnx.Constant dense<[true, false]> : tensor<2xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [4]{{$}}
  %f0 = onnx.Constant dense<1.0> : tensor<4xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [2, 3]{{$}}
  %f1 = onnx.Initializer "w" from "model.onnx" at 64 length 24 : tensor<2x3xf32>
  return
}
