// RUN: trine-opt %s --split-input-file --trine-raise-attention | FileCheck %s

// The scale as a division of the scores; no mask.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention query(%arg0 : {{.*}}) key(%arg1 : {{.*}}) value(%arg2 : {{.*}}) scale 2.500000e-01 mask {{ *}}none masked_row {{ *}}nan {trine.form = "attention-decomposed"}
// CHECK-NOT: onnx.Softmax
// CHECK-NOT: onnx.MatMul
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
  %d = onnx.Div(%qk, %four) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %w = onnx.Softmax(%d) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// A causal mask with an offset, as values: query i sees keys up to past + i, which is T - S.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention query(%arg0 : {{.*}}) key(%arg1 : {{.*}}) value(%arg2 : {{.*}}) scale 2.500000e-01 mask {{ *}}causal masked_row {{ *}}uniform
// CHECK-NOT: onnx.Softmax
// CHECK-NOT: onnx.MatMul
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %p: tensor<?x?xf32> {onnx.dims = ["b", "past"]}) -> tensor<*xf32> {
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
  %d = onnx.Mul(%qk, %scale) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%d, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Queries and keys by the root of the scale; Not, casts and a product as mask; rows without keys give zeros.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention query(%arg0 : {{.*}}) key(%arg1 : {{.*}}) value(%arg2 : {{.*}}) scale 2.500000e-01 mask {{ *}}causal masked_row {{ *}}zero
// CHECK-NOT: onnx.Softmax
// CHECK-NOT: onnx.MatMul
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %p: tensor<?x?xf32> {onnx.dims = ["b", "past"]}) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
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
  %gt = onnx.Greater(%keys, %queries) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %le = onnx.Not(%gt) : (tensor<*xi1>) -> tensor<*xi1>
  %drop = onnx.Cast(%gt) {to = 1 : i64} : (tensor<*xi1>) -> tensor<*xf32>
  %m = onnx.Mul(%drop, %lowest) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %kept = onnx.Cast(%le) {to = 1 : i64} : (tensor<*xi1>) -> tensor<*xf32>
  %count = onnx.ReduceSum(%kept, %minus) : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %none = onnx.Less(%count, %one) : (tensor<*xf32>, tensor<f32>) -> tensor<*xi1>
  %qs = onnx.Mul(%q, %root) : (tensor<?x4x?x24xf32>, tensor<f32>) -> tensor<*xf32>
  %ks = onnx.Mul(%kt, %root) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%qs, %ks) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %x = onnx.Add(%m, %qk) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %a = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  %o = onnx.Where(%none, %zero, %a) : (tensor<*xi1>, tensor<f32>, tensor<*xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Scores below the diagonal of a square; rows are as many as columns.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention {{.*}} mask {{ *}}causal masked_row {{ *}}nan
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "n", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "n", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "n", 16]}) -> tensor<*xf32> {
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
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %k1 = onnx.Constant dense<1> : tensor<i64>
  %n1 = onnx.Shape(%q) {start = 2 : i64, end = 3 : i64} : (tensor<?x4x?x24xf32>) -> tensor<*xi64>
  %nn = onnx.Concat(%n1, %n1) {axis = 0 : i64} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %full = onnx.Expand(%infinity, %nn) : (tensor<f32>, tensor<*xi64>) -> tensor<*xf32>
  %m = onnx.Trilu(%full, %k1) {upper = 1 : i64} : (tensor<*xf32>, tensor<i64>) -> tensor<*xf32>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// A mask of truth values that says nothing of positions is added; where it keeps nothing, all keys count.
// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = onnx.Where(%arg3
// CHECK: trine.attention {{.*}} mask_values(%[[M]] : tensor<?x?xf32>) scale 1.000000e+00 mask {{ *}}additive masked_row {{ *}}uniform
// CHECK-NOT: onnx.Softmax
// CHECK-NOT: onnx.MatMul
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
  %x = onnx.Where(%keep, %qk, %lowest) : (tensor<?x?xi1>, tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Positions that come from outside are no causal mask; soft cap; queries first cast.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention {{.*}} mask_values({{.*}}) scale 2.500000e-01 mask {{ *}}additive masked_row {{ *}}nan soft_cap 3.000000e+01
// CHECK-NOT: onnx.Softmax
// CHECK-NOT: onnx.MatMul
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
  %c1 = onnx.Tanh(%c0) : (tensor<*xf32>) -> tensor<*xf32>
  %c2 = onnx.Mul(%c1, %cap) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%c2, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Repeated heads are grouped queries; keys transposed as one matrix per head.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention query(%arg0 : {{.*}}) key(%arg1 : tensor<?x2x?x24xf32>) value(%arg2 : tensor<?x2x?x16xf32>) scale 2.500000e-01 mask {{ *}}none
// CHECK-NOT: onnx.Softmax
// CHECK-NOT: onnx.MatMul
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x2x?x24xf32> {onnx.dims = ["b", 2, "past + s", 24]}, %v: tensor<?x2x?x16xf32> {onnx.dims = ["b", 2, "past + s", 16]}) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %root = onnx.Constant dense<0.5> : tensor<f32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %ones = onnx.Constant dense<[1, 1, 2, 1, 1]> : tensor<5xi64>
  %kt = onnx.Shape(%k) {start = 2 : i64, end = 3 : i64} : (tensor<?x2x?x24xf32>) -> tensor<*xi64>
  %kb = onnx.Shape(%k) {start = 0 : i64, end = 1 : i64} : (tensor<?x2x?x24xf32>) -> tensor<*xi64>
  %kn2 = onnx.Constant dense<2> : tensor<1xi64>
  %kn1 = onnx.Constant dense<1> : tensor<1xi64>
  %kn4 = onnx.Constant dense<4> : tensor<1xi64>
  %knw = onnx.Constant dense<24> : tensor<1xi64>
  %ks5 = onnx.Concat(%kb, %kn2, %kn1, %kt, %knw) {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %ks4 = onnx.Concat(%kb, %kn4, %kt, %knw) {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %k5 = onnx.Reshape(%k, %ks5) {allowzero = 1 : i64} : (tensor<?x2x?x24xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kr = onnx.Expand(%k5, %ones) : (tensor<*xf32>, tensor<5xi64>) -> tensor<*xf32>
  %k4 = onnx.Reshape(%kr, %ks4) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %vt = onnx.Shape(%v) {start = 2 : i64, end = 3 : i64} : (tensor<?x2x?x16xf32>) -> tensor<*xi64>
  %vb = onnx.Shape(%v) {start = 0 : i64, end = 1 : i64} : (tensor<?x2x?x16xf32>) -> tensor<*xi64>
  %vn2 = onnx.Constant dense<2> : tensor<1xi64>
  %vn1 = onnx.Constant dense<1> : tensor<1xi64>
  %vn4 = onnx.Constant dense<4> : tensor<1xi64>
  %vnw = onnx.Constant dense<16> : tensor<1xi64>
  %vs5 = onnx.Concat(%vb, %vn2, %vn1, %vt, %vnw) {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %vs4 = onnx.Concat(%vb, %vn4, %vt, %vnw) {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %v5 = onnx.Reshape(%v, %vs5) {allowzero = 1 : i64} : (tensor<?x2x?x16xf32>, tensor<*xi64>) -> tensor<*xf32>
  %vr = onnx.Expand(%v5, %ones) : (tensor<*xf32>, tensor<5xi64>) -> tensor<*xf32>
  %v4 = onnx.Reshape(%vr, %vs4) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %h = onnx.Shape(%k4) {start = 0 : i64, end = 1 : i64} : (tensor<*xf32>) -> tensor<*xi64>
  %m1 = onnx.Constant dense<-1> : tensor<1xi64>
  %w24 = onnx.Constant dense<24> : tensor<1xi64>
  %flat = onnx.Concat(%m1, %kt, %w24) {axis = 0 : i64} : (tensor<1xi64>, tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %k3 = onnx.Reshape(%k4, %flat) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %k3t = onnx.Transpose(%k3) {perm = array<i64: 0, 2, 1>} : (tensor<*xf32>) -> tensor<*xf32>
  %back = onnx.Concat(%kb, %kn4, %w24, %kt) {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>, tensor<1xi64>, tensor<*xi64>) -> tensor<*xi64>
  %kx = onnx.Reshape(%k3t, %back) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %ks = onnx.Mul(%kx, %scale) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %ks) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%qk) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v4) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Softmax in f32 between products in f16, and NaN turned to zero.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention {{.*}} value({{.*}}xf16>) mask_values({{.*}}) scale 1.000000e+00 mask {{ *}}additive masked_row {{ *}}zero {{.*}} -> tensor<?x4x?x16xf16>
// CHECK-NOT: onnx.Softmax
// CHECK-NOT: onnx.MatMul
func.func @main(%q: tensor<?x4x?x24xf16> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf16> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf16> {onnx.dims = ["b", 4, "past + s", 16]}, %m: tensor<?x?xf32> {onnx.dims = ["s", "past + s"]}) -> tensor<*xf16> {
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf16>) -> tensor<*xf16>
  %zero = onnx.Constant dense<0.0> : tensor<f16>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf16>, tensor<*xf16>) -> tensor<*xf16>
  %c = onnx.Cast(%qk) {to = 1 : i64} : (tensor<*xf16>) -> tensor<*xf32>
  %x = onnx.Add(%c, %m) : (tensor<*xf32>, tensor<?x?xf32>) -> tensor<*xf32>
  %w0 = onnx.Softmax(%x) : (tensor<*xf32>) -> tensor<*xf32>
  %wc = onnx.Cast(%w0) {to = 10 : i64} : (tensor<*xf32>) -> tensor<*xf16>
  %nan = onnx.IsNaN(%wc) : (tensor<*xf16>) -> tensor<*xi1>
  %w = onnx.Where(%nan, %zero, %wc) : (tensor<*xi1>, tensor<f16>, tensor<*xf16>) -> tensor<*xf16>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf16>, tensor<?x4x?x16xf16>) -> tensor<*xf16>
  return %o : tensor<*xf16>
}

// -----

// The operator, causal without a past: an offset of its own.
// CHECK-LABEL: func.func @main
// CHECK: %[[O:.*]] = onnx.Constant dense<0> : tensor<1xi64>
// CHECK: trine.attention query(%arg0 : {{.*}}) key(%arg1 : {{.*}}) value(%arg2 : {{.*}}) offset({{.*}} : tensor<i64>) scale 5.000000e-01 mask {{ *}}causal masked_row {{ *}}zero soft_cap 2.000000e+00 {trine.form = "attention-operator"}
// CHECK-NOT: onnx.Attention
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}) -> tensor<*xf32> {
  %none = onnx.None
  %o, %x1, %x2, %x3 = onnx.Attention(%q, %k, %v, %none, %none, %none, %none) {is_causal = 1 : i64, scale = 0.5 : f32, softcap = 2.0 : f32} : (tensor<?x4x?x24xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return %o : tensor<*xf32>
}

// -----

// With cached keys, three dims, grouped heads and a mask of truth values: a row without keys gives zeros.
// CHECK-LABEL: func.func @main
// CHECK: %[[K:.*]] = onnx.Concat(%arg3, %{{.*}}) {axis = 2
// CHECK: %[[V:.*]] = onnx.Concat(%arg4, %{{.*}}) {axis = 2
// CHECK: %[[O:.*]], %{{.*}} = trine.attention query(%{{.*}} : tensor<?x4x?x24xf32>) key(%[[K]] : tensor<?x2x?x24xf32>) value(%[[V]] : tensor<?x2x?x16xf32>) mask_values({{.*}} : tensor<?x?xf32>) scale 0.20412{{.*}} mask {{ *}}additive masked_row {{ *}}zero
// CHECK: onnx.Transpose(%[[O]])
// CHECK: return %{{.*}}, %[[K]], %[[V]]
func.func @main(%q: tensor<?x?x96xf32> {onnx.dims = ["b", "s", 96]}, %k: tensor<?x?x48xf32> {onnx.dims = ["b", "s", 48]}, %v: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %pk: tensor<?x2x?x24xf32> {onnx.dims = ["b", 2, "past", 24]}, %pv: tensor<?x2x?x16xf32> {onnx.dims = ["b", 2, "past", 16]}, %m: tensor<?x?xi1> {onnx.dims = ["s", "past + s"]}) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  %none = onnx.None
  %o, %nk, %nv, %x = onnx.Attention(%q, %k, %v, %m, %pk, %pv, %none) {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<?x?x96xf32>, tensor<?x?x48xf32>, tensor<?x?x32xf32>, tensor<?x?xi1>, tensor<?x2x?x24xf32>, tensor<?x2x?x16xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, none)
  return %o, %nk, %nv : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// Lengths of their own: minus infinity from each on.
// CHECK-LABEL: func.func @main
// CHECK: %[[L:.*]] = onnx.Reshape(%arg3, {{.*}} -> tensor<?x1x1x1xi64>
// CHECK: %[[SEEN:.*]] = onnx.Less(%{{.*}}, %[[L]]) : (tensor<?xi64>, tensor<?x1x1x1xi64>) -> tensor<?x1x1x?xi1>
// CHECK: %[[M:.*]] = onnx.Where(%[[SEEN]], {{.*}} -> tensor<?x1x1x?xf32>
// CHECK: trine.attention {{.*}} mask_values(%[[M]] : tensor<?x1x1x?xf32>) scale {{.*}} mask {{ *}}additive masked_row {{ *}}zero {trine.form = "attention-operator"}
// CHECK-NOT: onnx.Attention
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %n: tensor<?xi64> {onnx.dims = ["b"]}) -> tensor<*xf32> {
  %none = onnx.None
  %o, %x1, %x2, %x3 = onnx.Attention(%q, %k, %v, %none, %none, %none, %n)  : (tensor<?x4x?x24xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>, none, none, none, tensor<?xi64>) -> (tensor<*xf32>, none, none, none)
  return %o : tensor<*xf32>
}

// -----

// Causal and masked at once: the mask's values, and minus infinity where the key is a later one.
// CHECK-LABEL: func.func @main
// CHECK: %[[SEEN:.*]] = onnx.LessOrEqual({{.*}}) : (tensor<?xi64>, tensor<?x1xi64>) -> tensor<?x?xi1>
// CHECK: %[[M:.*]] = onnx.Where(%[[SEEN]], %arg3, %{{.*}}) : {{.*}} -> tensor<?x?xf32>
// CHECK: trine.attention {{.*}} mask_values(%[[M]] : tensor<?x?xf32>) scale {{.*}} mask {{ *}}additive masked_row {{ *}}zero {trine.form = "attention-operator"}
// CHECK-NOT: onnx.Attention
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past + s", 16]}, %m: tensor<?x?xf32> {onnx.dims = ["s", "past + s"]}) -> tensor<*xf32> {
  %none = onnx.None
  %o, %x1, %x2, %x3 = onnx.Attention(%q, %k, %v, %m, %none, %none, %none) {is_causal = 1 : i64} : (tensor<?x4x?x24xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>, tensor<?x?xf32>, none, none, none) -> (tensor<*xf32>, none, none, none)
  return %o : tensor<*xf32>
}
