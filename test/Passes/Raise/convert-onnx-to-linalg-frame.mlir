// RUN: trine-opt %s --trine-convert-onnx-to-linalg --trine-check-level-trine --split-input-file | FileCheck %s

// Sizes are read once per symbol at the entry; computed shapes vanish.
// CHECK-LABEL: func.func @shapes
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x8xf32> {onnx.dims = ["batch", "seq", 8], onnx.name = "x"})
// CHECK: %[[B:.*]] = tensor.dim %[[X]], %c0
// CHECK: %[[S:.*]] = tensor.dim %[[X]], %c1
// CHECK: %[[BS:.*]] = arith.muli
// CHECK-NOT: tensor.from_elements
// CHECK-NOT: trine.require
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[X]] {{\[}}[0, 1], [2]]
// CHECK: %[[E:.*]] = tensor.expand_shape %[[C]] {{\[}}[0], [1, 2]] output_shape [%[[BS]], 4, 2]
// CHECK: return %[[E]]
func.func @shapes(%x: tensor<?x?x8xf32> {onnx.name = "x", onnx.dims = ["batch", "seq", 8]}) -> tensor<?x4x2xf32> {
  %shape = onnx.Shape(%x) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x8xf32>) -> tensor<2xi64>
  %axes = onnx.Constant dense<0> : tensor<1xi64>
  %rows = "onnx.ReduceProd"(%shape, %axes) {keepdims = 1 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
  %four = onnx.Constant dense<[4, 2]> : tensor<2xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %target = onnx.Concat(%minus, %four) {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %y = onnx.Reshape(%x, %target) : (tensor<?x?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  return %y : tensor<?x4x2xf32>
}

// -----

// Unsigned integers become signless, weights are references, constants stay.
// CHECK-LABEL: func.func @values(
// CHECK-SAME: %[[X:.*]]: tensor<4xi8> {onnx.element_type = ui8}) -> (tensor<4xi8> {onnx.element_type = ui8}, tensor<2x3xf32>)
// CHECK-DAG: arith.constant dense<[1, 2, 3, -1]> : tensor<4xi8>
// CHECK: arith.addi
// CHECK: trine.weight "w" from "model.onnx" at 64 length 24 : tensor<2x3xf32>
func.func @values(%x: tensor<4xui8>) -> (tensor<4xui8>, tensor<2x3xf32>) {
  %c = onnx.Constant dense<[1, 2, 3, 255]> : tensor<4xui8>
  %y = onnx.Add(%x, %c) : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  %w = onnx.Initializer "w" from "model.onnx" at 64 length 24 : tensor<2x3xf32>
  return %y, %w : tensor<4xui8>, tensor<2x3xf32>
}

// -----

// A size that depends on data is computed where it is first needed, and bounded.
// CHECK-LABEL: func.func @data_dependent
// CHECK: %[[V:.*]] = tensor.extract %{{.*}}[] : tensor<i64>
// CHECK: %[[N:.*]] = arith.index_cast %[[V]] : i64 to index
// CHECK: %[[P:.*]] = arith.maxsi %{{.*}}, %c0
// CHECK: tensor.empty(%[[P]]) : tensor<?xi64>
// CHECK: linalg.generic
// CHECK: linalg.index 0
func.func @data_dependent(%n: tensor<i64>) -> tensor<?xi64> {
  %zero = onnx.Constant dense<0> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64>
  %y = onnx.Range(%zero, %n, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

// Sizes that must be equal at run time are checked.
// CHECK-LABEL: func.func @assumed
// CHECK: %[[EQ:.*]] = arith.cmpi eq
// CHECK: %[[T:.*]] = tensor.from_elements %[[EQ]] : tensor<i1>
// CHECK: trine.require %[[T]], "sizes {{.*}} of operands of Add must be equal"
func.func @assumed(%x: tensor<?xf32> {onnx.dims = ["m"]}, %y: tensor<?xf32> {onnx.dims = ["n"]}) -> tensor<?xf32> {
  %0 = onnx.Add(%x, %y) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
