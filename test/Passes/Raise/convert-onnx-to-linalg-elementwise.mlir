// RUN: trine-opt %s --trine-convert-onnx-to-linalg --trine-check-level-trine | FileCheck %s

// Broadcast dims of size 1 are constants in the map, scalars go into the body.
// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (0, d1)>
// CHECK-DAG: #[[KEPT:.*]] = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @broadcast
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[ROW]], #[[ID]]]
// CHECK: %[[M:.*]] = arith.mulf
// CHECK: arith.constant 2.000000e+00 : f32
// CHECK: arith.addf %{{.*}}, %{{.*}} : f32
func.func @broadcast(%x: tensor<?x4xf32> {onnx.dims = ["n", 4]}, %y: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %0 = onnx.Mul(%x, %y) : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.Add(%0, %two) : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// A kept dim of a reduction is no obstacle: the map skips it.
// CHECK-LABEL: func.func @kept_dim
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[KEPT]], #[[ID]]]
func.func @kept_dim(%x: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> tensor<?x4xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %0 = onnx.ReduceSum(%x, %axes) : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %1 = onnx.Div(%x, %0) : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// 16-bit floats are computed in f32.
// CHECK-LABEL: func.func @bf16
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: math.exp %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @bf16(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %0 = onnx.Exp(%x) : (tensor<4xbf16>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// CHECK-LABEL: func.func @power
// CHECK-NOT: math.powf
// CHECK: arith.mulf %[[X:.*]], %[[X]] : f32
// CHECK: math.powf
func.func @power(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %0 = onnx.Pow(%x, %two) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = onnx.Pow(%0, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// A constant modulus needs no guard; one that is data must not trap.
// CHECK-LABEL: func.func @modulus
// CHECK: linalg.generic
// CHECK-NOT: arith.cmpi eq
// CHECK: arith.remsi
// CHECK: linalg.generic
// CHECK: arith.cmpi eq
// CHECK: arith.remsi
func.func @modulus(%x: tensor<4xi64>, %y: tensor<4xi64>) -> tensor<4xi64> {
  %prime = onnx.Constant dense<97> : tensor<i64>
  %0 = onnx.Mod(%x, %prime) : (tensor<4xi64>, tensor<i64>) -> tensor<4xi64>
  %1 = onnx.Mod(%0, %y) : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  return %1 : tensor<4xi64>
}

// CHECK-LABEL: func.func @casts
// CHECK: arith.cmpf une
// CHECK: arith.uitofp %{{.*}} : i1 to f32
// CHECK: arith.fptosi %{{.*}} : f32 to i32
// CHECK: arith.select
func.func @casts(%x: tensor<4xf32>) -> tensor<4xi32> {
  %0 = onnx.Cast(%x) {to = 9 : i64} : (tensor<4xf32>) -> tensor<4xi1>
  %1 = onnx.Cast(%0) {to = 1 : i64} : (tensor<4xi1>) -> tensor<4xf32>
  %2 = onnx.Cast(%1) {to = 6 : i64} : (tensor<4xf32>) -> tensor<4xi32>
  return %2 : tensor<4xi32>
}
