// RUN: trine-opt %s --split-input-file --trine-raise-attention | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-raise-attention --remarks-filter=".*" --remark-policy=all -o %t 2>&1 | FileCheck %s --check-prefix=REMARK

// The weights are returned as well.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.attention
// CHECK: onnx.Softmax
// REMARK: looks like attention, but scores or weights are used elsewhere
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}) -> (tensor<*xf32>, tensor<*xf32>) {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%qk) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o, %w : tensor<*xf32>, tensor<*xf32>
}

// -----

// The scores are returned as well.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.attention
// CHECK: onnx.Softmax
// REMARK: scores or weights are used elsewhere
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}) -> (tensor<*xf32>, tensor<*xf32>) {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%qk) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o, %qk : tensor<*xf32>, tensor<*xf32>
}

// -----

// The softmax goes over the queries.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.attention
// CHECK: onnx.Softmax
// REMARK: the softmax goes along axis 2, which is not what the product with the values sums over
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%qk) {axis = 2 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Something is added before the scores are scaled.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.attention
// CHECK: onnx.Softmax
// REMARK: something is added to the scores before they are scaled or capped
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %m: tensor<?x?xf32> {onnx.dims = ["s", "past + s"]}) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<?x?xf32>) -> tensor<*xf32>
  %d = onnx.Mul(%x, %scale) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %w = onnx.Softmax(%d) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Masked scores are not low enough to vanish.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.attention
// CHECK: onnx.Softmax
// REMARK: masked scores become -100, which is not low enough to vanish
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %keep: tensor<?x?xi1> {onnx.dims = ["s", "past + s"]}) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %fill = onnx.Constant dense<-100.0> : tensor<f32>
  %x = onnx.Where(%keep, %qk, %fill) : (tensor<?x?xi1>, tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Rows are set to zero by another condition than that of the mask.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.attention
// CHECK: onnx.Softmax
// REMARK: rows without keys are set to 0 by another condition than that of the mask
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %p: tensor<?x?xf32> {onnx.dims = ["b", "past"]}, %other: tensor<?x?xi1> {onnx.dims = ["s", "past + s"]}) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %i0 = onnx.Constant dense<0> : tensor<i64>
  %i1 = onnx.Constant dense<1> : tensor<i64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %column = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %past1 = onnx.Shape(%p) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xf32>) -> tensor<*xi64>
  %scalar = onnx.Constant dense<> : tensor<0xi64>
  %past = onnx.Reshape(%past1, %scalar) {allowzero = 1 : i64} : (tensor<*xi64>, tensor<0xi64>) -> tensor<*xi64>
  %s1 = onnx.Shape(%q) {start = 2 : i64, end = 3 : i64} : (tensor<?x4x?x24xf32>) -> tensor<*xi64>
  %s = onnx.Reshape(%s1, %scalar) {allowzero = 1 : i64} : (tensor<*xi64>, tensor<0xi64>) -> tensor<*xi64>
  %t = onnx.Add(%past, %s) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %keys = onnx.Range(%i0, %t, %i1) : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows = onnx.Range(%i0, %s, %i1) : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %later = onnx.Add(%rows, %past) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %queries = onnx.Reshape(%later, %column) {allowzero = 1 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %le = onnx.LessOrEqual(%keys, %queries) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %m = onnx.Where(%le, %zero, %low) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %kept = onnx.Cast(%other) {to = 1 : i64} : (tensor<?x?xi1>) -> tensor<*xf32>
  %count = onnx.ReduceSum(%kept, %minus) : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %none = onnx.Less(%count, %one) : (tensor<*xf32>, tensor<f32>) -> tensor<*xi1>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %a = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  %o = onnx.Where(%none, %zero, %a) : (tensor<*xi1>, tensor<f32>, tensor<*xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// A router is no attention, and nothing is said of it.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.attention
// CHECK: onnx.Softmax
func.func @main(%x: tensor<?x64xf32> {onnx.dims = ["n", 64]}, %g: tensor<64x8xf32> {onnx.dims = [64, 8]}) -> tensor<*xf32> {
  %l = onnx.MatMul(%x, %g) : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%l) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  return %w : tensor<*xf32>
}
// REMARK-NOT: looks like

// -----

// Another curve than a soft cap's: what is before the mask stays.
// CHECK-LABEL: func.func @main
// CHECK-NOT: soft_cap
// CHECK: onnx.Sigmoid
// CHECK-NOT: soft_cap
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %keys: tensor<?xi64> {onnx.dims = ["past + s"]}, %queries: tensor<?x1xi64> {onnx.dims = ["s", 1]}) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %cap = onnx.Constant dense<30.0> : tensor<f32>
  %le = onnx.LessOrEqual(%keys, %queries) : (tensor<?xi64>, tensor<?x1xi64>) -> tensor<*xi1>
  %m = onnx.Where(%le, %zero, %infinity) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %d = onnx.Mul(%qk, %scale) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %c0 = onnx.Div(%d, %cap) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %c1 = onnx.Sigmoid(%c0) : (tensor<*xf32>) -> tensor<*xf32>
  %c2 = onnx.Mul(%c1, %cap) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%c2, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}
