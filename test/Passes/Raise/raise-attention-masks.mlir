// Masks that are not causal, or not provably, stay values.
// RUN: trine-opt %s --split-input-file --trine-raise-attention | FileCheck %s

// Keys from each query on, not up to it.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention {{.*}} mask_values({{.*}}) scale 1.000000e+00 mask {{ *}}additive
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
  %le = onnx.GreaterOrEqual(%keys, %queries) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %m = onnx.Where(%le, %zero, %low) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// A mask value that does not vanish.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention {{.*}} mask_values({{.*}}) scale 1.000000e+00 mask {{ *}}additive
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
  %fill = onnx.Constant dense<-1.0e4> : tensor<f32>
  %le = onnx.LessOrEqual(%keys, %queries) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %m = onnx.Where(%le, %zero, %fill) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// Positions of queries that count twice.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention {{.*}} mask_values({{.*}}) scale 1.000000e+00 mask {{ *}}additive
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
  %i2 = onnx.Constant dense<2> : tensor<i64>
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
  %later = onnx.Mul(%rows, %i2) : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %queries = onnx.Reshape(%later, %column) {allowzero = 1 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %le = onnx.LessOrEqual(%keys, %queries) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %m = onnx.Where(%le, %zero, %low) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// A sliding window besides.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention {{.*}} mask_values({{.*}}) scale 1.000000e+00 mask {{ *}}additive
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
  %window = onnx.Constant dense<8> : tensor<i64>
  %since = onnx.Sub(%queries, %window) : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %le0 = onnx.LessOrEqual(%keys, %queries) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %near = onnx.Greater(%keys, %since) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %le = onnx.And(%le0, %near) : (tensor<*xi1>, tensor<*xi1>) -> tensor<*xi1>
  %m = onnx.Where(%le, %zero, %low) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}

// -----

// One key too few: an offset of its own, made from the sizes of the inputs.
// CHECK-LABEL: func.func @main
// CHECK: onnx.Shape(%arg3) {end = 2 : i64, start = 1 : i64}
// CHECK: trine.attention {{.*}} offset({{.*}}) scale 1.000000e+00 mask {{ *}}causal masked_row {{ *}}nan
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
  %le = onnx.Less(%keys, %queries) : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %m = onnx.Where(%le, %zero, %infinity) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %x = onnx.Add(%qk, %m) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  return %o : tensor<*xf32>
}
