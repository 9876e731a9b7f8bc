// RUN: trine-opt %s --trine-convert-onnx-to-linalg --trine-check-level-trine | FileCheck %s

// CHECK-LABEL: func.func @branch
// CHECK: %[[C:.*]] = tensor.extract %{{.*}}[] : tensor<i1>
// CHECK: scf.if %[[C]] -> (tensor<4xf32>) {
// CHECK: math.exp
// CHECK: scf.yield
// CHECK: } else {
// CHECK: math.log
func.func @branch(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.If(%c) {
    %1 = onnx.Log(%x) : (tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %1 : tensor<4xf32>
  } {
    %1 = onnx.Exp(%x) : (tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %1 : tensor<4xf32>
  } : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @counted
// CHECK: scf.for
// CHECK: arith.addf
func.func @counted(%x: tensor<4xf32>) -> tensor<4xf32> {
  %m = onnx.Constant dense<3> : tensor<i64>
  %true = onnx.Constant dense<true> : tensor<i1>
  %0 = onnx.Loop(%m, %true, %x) {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<4xf32>):
    %1 = onnx.Add(%v, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %2 = onnx.Identity(%c) : (tensor<i1>) -> tensor<i1>
    onnx.Yield %c, %1 : tensor<i1>, tensor<4xf32>
  } : (tensor<i64>, tensor<i1>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @until
// CHECK: scf.while
// CHECK: scf.condition
// CHECK: arith.cmpi slt
func.func @until(%x: tensor<i64>) -> tensor<i64> {
  %none = onnx.None
  %limit = onnx.Constant dense<100> : tensor<i64>
  %true = onnx.Constant dense<true> : tensor<i1>
  %0 = onnx.Loop(%none, %true, %x) {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<i64>):
    %1 = onnx.Add(%v, %v) : (tensor<i64>, tensor<i64>) -> tensor<i64>
    %2 = onnx.Less(%1, %limit) : (tensor<i64>, tensor<i64>) -> tensor<i1>
    onnx.Yield %2, %1 : tensor<i1>, tensor<i64>
  } : (none, tensor<i1>, tensor<i64>) -> tensor<i64>
  return %0 : tensor<i64>
}

// A condition that follows from sizes leaves one branch; the other one need not fit.
// CHECK-LABEL: func.func @decided
// CHECK-NOT: scf.if
// CHECK: arith.negf
// CHECK-NOT: scf.if
// CHECK: return
func.func @decided(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %n = onnx.Shape(%x) {end = 1 : i64} : (tensor<5x4xf32>) -> tensor<1xi64>
  %one = onnx.Constant dense<[1]> : tensor<1xi64>
  %axes = onnx.Constant dense<[0]> : tensor<1xi64>
  %c = onnx.Equal(%n, %one) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi1>
  %0 = onnx.If(%c) {
    %1 = onnx.Neg(%x) : (tensor<5x4xf32>) -> tensor<5x4xf32>
    onnx.Yield %1 : tensor<5x4xf32>
  } {
    %1 = onnx.Squeeze(%x, %axes) : (tensor<5x4xf32>, tensor<1xi64>) -> tensor<*xf32>
    onnx.Yield %1 : tensor<*xf32>
  } : (tensor<1xi1>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}
