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

// -----

// A condition that is known leaves one branch in the place of the If; the first region is else. The other need not even fit.

// CHECK-LABEL: func.func @decided
// CHECK-NOT: onnx.If
// CHECK: %[[A:.*]] = onnx.Mul(%arg0, %arg0) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
// CHECK-NEXT: %[[B:.*]] = onnx.Exp(%[[A]]) : (tensor<5xf32>) -> tensor<5xf32>
// CHECK-NEXT: return %[[B]] : tensor<5xf32>
func.func @decided(%x: tensor<5xf32>) -> tensor<?xf32> {
  %none = onnx.None
  %four = onnx.Constant dense<4> : tensor<i64>
  %size = onnx.Size(%x) : (tensor<5xf32>) -> tensor<i64>
  %isFour = onnx.Equal(%size, %four) : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %0 = onnx.If(%isFour) {
    %1 = onnx.Not(%isFour) : (tensor<i1>) -> tensor<i1>
    %2 = onnx.If(%1) {
      onnx.Yield %x : tensor<5xf32>
    } {
      %two = onnx.Constant dense<2.0> : tensor<f32>
      %3 = onnx.Pow(%x, %two) : (tensor<5xf32>, tensor<f32>) -> tensor<5xf32>
      onnx.Yield %3 : tensor<5xf32>
    } : (tensor<i1>) -> tensor<?xf32>
    onnx.Yield %2 : tensor<?xf32>
  } {
    %1:4 = onnx.Split(%x, %none) {num_outputs = 4 : i64} : (tensor<5xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
    onnx.Yield %1#0 : tensor<*xf32>
  } : (tensor<i1>) -> tensor<?xf32>
  %4 = onnx.Exp(%0) : (tensor<?xf32>) -> tensor<?xf32>
  return %4 : tensor<?xf32>
}

// -----

// In the body of a loop it stays for the lowering.

// CHECK-LABEL: func.func @decided_in_loop
// CHECK: onnx.Loop
// CHECK: onnx.If
// CHECK: onnx.Mul(%{{.*}}, %{{.*}}) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
// CHECK: onnx.Split
func.func @decided_in_loop(%m: tensor<i64>, %c: tensor<i1>, %x: tensor<5xf32>) -> tensor<5xf32> {
  %none = onnx.None
  %four = onnx.Constant dense<4> : tensor<i64>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %0 = onnx.Loop(%m, %c, %x) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: tensor<5xf32>):
    %size = onnx.Size(%v) : (tensor<5xf32>) -> tensor<i64>
    %isFour = onnx.Equal(%size, %four) : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %1 = onnx.If(%isFour) {
      %2 = onnx.Pow(%v, %two) : (tensor<5xf32>, tensor<f32>) -> tensor<5xf32>
      onnx.Yield %2 : tensor<5xf32>
    } {
      %2:4 = onnx.Split(%v, %none) {num_outputs = 4 : i64} : (tensor<5xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
      onnx.Yield %2#0 : tensor<*xf32>
    } : (tensor<i1>) -> tensor<5xf32>
    onnx.Yield %go, %1 : tensor<i1>, tensor<5xf32>
  } : (tensor<i64>, tensor<i1>, tensor<5xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}
