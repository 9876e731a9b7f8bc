// Bodies of If and Loop are brought to the form, too: constants move to the entry, and sizes are made there.
// RUN: trine-opt %s --trine-normalize-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @branch
// CHECK: %[[C:.*]] = onnx.Constant dense<2.000000e+00> : tensor<f32>
// CHECK: onnx.If
// CHECK-NEXT: %[[A:.*]] = onnx.Mul(%arg1, %[[C]]) : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
// CHECK-NEXT: onnx.Yield %[[A]]
// CHECK: onnx.Mul(%arg1, %arg1)
// CHECK-NEXT: onnx.Yield
func.func @branch(%c: tensor<i1>, %x: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> tensor<?x4xf32> {
  %0 = onnx.If(%c) {
    %two = onnx.Constant dense<2.0> : tensor<f32>
    %1 = onnx.Mul(%two, %x) : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %2 = onnx.Identity(%1) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    onnx.Yield %2 : tensor<?x4xf32>
  } {
    %e = onnx.Constant dense<2.0> : tensor<f32>
    %1 = onnx.Pow(%x, %e) : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
    onnx.Yield %1 : tensor<?x4xf32>
  } : (tensor<i1>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @loop
// CHECK: onnx.Loop
// CHECK: ^bb0
// CHECK-NEXT: %[[A:.*]] = onnx.Add
// CHECK-NEXT: onnx.Yield %{{.*}}, %[[A]]
func.func @loop(%m: tensor<i64>, %c: tensor<i1>, %x: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> tensor<?x4xf32> {
  %0 = onnx.Loop(%m, %c, %x) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: tensor<?x4xf32>):
    %shape = onnx.Shape(%v) : (tensor<?x4xf32>) -> tensor<2xi64>
    %1 = onnx.Reshape(%v, %shape) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
    %2 = onnx.Add(%1, %x) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %dead = onnx.Neg(%2) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    onnx.Yield %go, %2 : tensor<i1>, tensor<?x4xf32>
  } : (tensor<i64>, tensor<i1>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
