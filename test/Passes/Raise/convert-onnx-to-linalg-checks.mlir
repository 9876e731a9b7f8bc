// RUN: trine-opt %s --trine-convert-onnx-to-linalg --trine-check-level-trine | FileCheck %s

// Kernels hold no checks: that of a loop's body stands before the loop, and is for loops that have an iteration.

// CHECK-LABEL: func.func @scan
// CHECK: %[[N:.*]] = tensor.dim %arg1, %{{.*}} : tensor<?x?xf32>
// CHECK: %[[SAME:.*]] = arith.cmpi eq
// CHECK: %[[NONE:.*]] = arith.cmpi sge, %{{.*}}, %[[N]] : index
// CHECK: %[[HOLDS:.*]] = arith.ori %[[NONE]], %[[SAME]] : i1
// CHECK: %[[TENSOR:.*]] = tensor.from_elements %[[HOLDS]] : tensor<i1>
// CHECK: trine.require %[[TENSOR]], "sizes a and b of operands of Add must be equal"
// CHECK: scf.for
// CHECK-NOT: trine.require
func.func @scan(%s: tensor<?xf32> {onnx.dims = ["a"], onnx.name = "s"}, %x: tensor<?x?xf32> {onnx.dims = ["n", "b"], onnx.name = "x"}) -> tensor<?xf32> {
  %r = onnx.Scan(%s, %x) {
  ^bb0(%state: tensor<?xf32>, %row: tensor<?xf32>):
    %1 = onnx.Add(%state, %row) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    onnx.Yield %1 : tensor<?xf32>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<?xf32>, tensor<?x?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// A state keeps its shape; what only looks different is compared before the loop.

// CHECK-LABEL: func.func @state
// CHECK: trine.require %{{.*}}, "sizes {{.*}} of operands of Scan must be equal"
// CHECK: scf.for
func.func @state(%s: tensor<?xf32> {onnx.dims = ["a"], onnx.name = "s"}, %x: tensor<?x?xf32> {onnx.dims = ["n", "b"], onnx.name = "x"}) -> tensor<?xf32> {
  %r = onnx.Scan(%s, %x) {
  ^bb0(%state: tensor<?xf32>, %row: tensor<?xf32>):
    %1 = onnx.Exp(%row) : (tensor<?xf32>) -> tensor<?xf32>
    onnx.Yield %1 : tensor<?xf32>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<?xf32>, tensor<?x?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// What one branch needs is not asked of the other; what follows is asked again.

// CHECK-LABEL: func.func @branch
// CHECK: %[[C:.*]] = tensor.extract %arg0[] : tensor<i1>
// CHECK: %[[SAME:.*]] = arith.cmpi eq
// CHECK: arith.ori %[[C]], %[[SAME]] : i1
// CHECK: trine.require
// CHECK: scf.if %[[C]]
// CHECK-NOT: trine.require
// CHECK: }
// CHECK: trine.require %{{.*}}, "sizes a and b of operands of Add must be equal"
// CHECK: return
func.func @branch(%c: tensor<i1>, %x: tensor<?xf32> {onnx.dims = ["a"], onnx.name = "x"}, %y: tensor<?xf32> {onnx.dims = ["b"], onnx.name = "y"}) -> (tensor<?xf32>, tensor<?xf32>) {
  %r = onnx.If(%c) {
    %1 = onnx.Add(%x, %y) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    onnx.Yield %1 : tensor<?xf32>
  } {
    onnx.Yield %x : tensor<?xf32>
  } : (tensor<i1>) -> tensor<?xf32>
  %s = onnx.Add(%x, %y) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %r, %s : tensor<?xf32>, tensor<?xf32>
}
