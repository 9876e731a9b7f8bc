// RUN: trine-opt %s --split-input-file --trine-raise-attention | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-raise-attention --remarks-filter=".*" --remark-policy=all -o %t 2>&1 | FileCheck %s --check-prefix=REMARK

// Six rows of the product with the values are rows of three heads of the scores.
// REMARK: looks like attention, but rows or columns are several dims
// CHECK-LABEL: func.func @rows_of_heads
// CHECK-NOT: trine.attention
func.func @rows_of_heads(%q: tensor<?x12x2x24xf32> {onnx.dims = ["b", 12, 2, 24]}, %k: tensor<?x12x?x24xf32> {onnx.dims = ["b", 12, "t", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "t", 16]}) -> tensor<?x4x6x16xf32> {
  %b = onnx.Shape(%v) {start = 0 : i64, end = 1 : i64} : (tensor<?x4x?x16xf32>) -> tensor<1xi64>
  %t = onnx.Shape(%v) {start = 2 : i64, end = 3 : i64} : (tensor<?x4x?x16xf32>) -> tensor<1xi64>
  %rows = onnx.Constant dense<[4, 6]> : tensor<2xi64>
  %shape = onnx.Concat(%b, %rows, %t) {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>, tensor<1xi64>) -> tensor<4xi64>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x12x?x24xf32>) -> tensor<?x12x24x?xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x12x2x24xf32>, tensor<?x12x24x?xf32>) -> tensor<?x12x2x?xf32>
  %w = onnx.Softmax(%qk) {axis = -1 : i64} : (tensor<?x12x2x?xf32>) -> tensor<?x12x2x?xf32>
  %w6 = onnx.Reshape(%w, %shape) {allowzero = 1 : i64} : (tensor<?x12x2x?xf32>, tensor<4xi64>) -> tensor<?x4x6x?xf32>
  %o = onnx.MatMul(%w6, %v) : (tensor<?x4x6x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x6x16xf32>
  return %o : tensor<?x4x6x16xf32>
}

// -----

// As many past keys as data says: the offset of the causal mask is no size of an input.
// REMARK: looks like attention, but the number of past keys is not an input's size
// CHECK-LABEL: func.func @counted_past
// CHECK-NOT: trine.attention
func.func @counted_past(%q: tensor<?x2x?x8xf32> {onnx.dims = ["b", 2, "s", 8]}, %k: tensor<?x2x?x8xf32> {onnx.dims = ["b", 2, "t", 8]}, %p: tensor<?x2x?x8xf32> {onnx.dims = ["b", 2, "past", 8]}, %n: tensor<1xi64> {onnx.dims = [1]}) -> tensor<?x2x?x8xf32> {
  %none = onnx.None
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %past = onnx.Slice(%p, %zero, %n, %two, %one) : (tensor<?x2x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2x?x8xf32>
  %0, %1, %2, %3 = onnx.Attention(%q, %k, %k, %none, %past, %past, %none) {is_causal = 1 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, none, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, none) -> (tensor<?x2x?x8xf32>, none, none, none)
  return %0 : tensor<?x2x?x8xf32>
}
