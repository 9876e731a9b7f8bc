// Numbers of rows that land on columns, and groups of experts that are not whole: sizes that happen to be equal make both legal.
// RUN: trine-opt %s --split-input-file --trine-normalize-onnx --trine-raise-rms-norm --trine-raise-router --trine-raise-engram-gate | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-normalize-onnx --trine-raise-rms-norm --trine-raise-router --trine-raise-engram-gate --remark-format=emitRemark --remarks-filter-missed=.* -o %t 2>&1 | FileCheck %s --check-prefix=MISS

// MISS: looks like rms norm, but the root is not that of the row at node {{[0-9]+}} (Div)
// MISS: looks like a router, but the mask has 2 groups for 8 experts at node {{[0-9]+}} (ScatterElements)
// MISS: looks like a gate of Engram values, but a norm is not one number for each row at node {{[0-9]+}} (Div)
// MISS: looks like a gate of Engram values, but a norm is not one number for each row at node {{[0-9]+}} (Div)

// The root of row i divides column i.
// CHECK-LABEL: func.func @norm
// CHECK-NOT: trine.rms_norm
// CHECK: return
func.func @norm(%x: tensor<8x8xf32>, %w: tensor<8xf32>) -> tensor<8x8xf32> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = onnx.ReduceMean(%0, %last) {keepdims = 0 : i64} : (tensor<8x8xf32>, tensor<1xi64>) -> tensor<8xf32>
  %2 = onnx.Add(%1, %e) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %3 = onnx.Sqrt(%2) : (tensor<8xf32>) -> tensor<8xf32>
  %5 = onnx.Div(%x, %3) : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  %6 = onnx.Mul(%w, %5) : (tensor<8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %6 : tensor<8x8xf32>
}

// -----

// The sum of row i divides column i: a route without it.
// CHECK-LABEL: func.func @sum
// CHECK: trine.moe.route {{.*}} masked zero epsilon 0.0
// CHECK: onnx.Div
func.func @sum(%l: tensor<3x8xf32>, %b: tensor<8xf32>) -> (tensor<3x3xi64>, tensor<3x3xf32>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %s = onnx.Sigmoid(%l) : (tensor<3x8xf32>) -> tensor<3x8xf32>
  %c = onnx.Add(%b, %s) : (tensor<8xf32>, tensor<3x8xf32>) -> tensor<3x8xf32>
  %v, %i = onnx.TopK(%c, %k) : (tensor<3x8xf32>, tensor<1xi64>) -> (tensor<3x3xf32>, tensor<3x3xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 1 : i64} : (tensor<3x8xf32>, tensor<3x3xi64>) -> tensor<3x3xf32>
  %sum = onnx.ReduceSum(%p, %last) {keepdims = 0 : i64} : (tensor<3x3xf32>, tensor<1xi64>) -> tensor<3xf32>
  %w = onnx.Div(%p, %sum) : (tensor<3x3xf32>, tensor<3xf32>) -> tensor<3x3xf32>
  return %i, %w : tensor<3x3xi64>, tensor<3x3xf32>
}

// -----

// One of two pairs of each half of the experts.
// CHECK-LABEL: func.func @pairs
// CHECK-NOT: trine.moe.route
// CHECK: return
func.func @pairs(%l: tensor<3x8xf32>) -> (tensor<3x2xi64>, tensor<3x2xf32>) {
  %one64 = onnx.Constant dense<1> : tensor<1xi64>
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %zeros = onnx.Constant dense<0.0> : tensor<6x2xf32>
  %ones = onnx.Constant dense<1.0> : tensor<6x1xf32>
  %s = onnx.Sigmoid(%l) : (tensor<3x8xf32>) -> tensor<3x8xf32>
  %sh = onnx.Constant dense<[6, 2, 2]> : tensor<3xi64>
  %g = onnx.Reshape(%s, %sh) {allowzero = 1 : i64} : (tensor<3x8xf32>, tensor<3xi64>) -> tensor<6x2x2xf32>
  %m = onnx.ReduceMax(%g, %last) {keepdims = 0 : i64} : (tensor<6x2x2xf32>, tensor<1xi64>) -> tensor<6x2xf32>
  %gv, %gi = onnx.TopK(%m, %one64) : (tensor<6x2xf32>, tensor<1xi64>) -> (tensor<6x1xf32>, tensor<6x1xi64>)
  %mask = onnx.ScatterElements(%zeros, %gi, %ones) {axis = 1 : i64} : (tensor<6x2xf32>, tensor<6x1xi64>, tensor<6x1xf32>) -> tensor<6x2xf32>
  %s21 = onnx.Constant dense<[6, 2, 1]> : tensor<3xi64>
  %m3 = onnx.Reshape(%mask, %s21) {allowzero = 1 : i64} : (tensor<6x2xf32>, tensor<3xi64>) -> tensor<6x2x1xf32>
  %e = onnx.Constant dense<[1, 1, 2]> : tensor<3xi64>
  %m4 = onnx.Expand(%m3, %e) : (tensor<6x2x1xf32>, tensor<3xi64>) -> tensor<6x2x2xf32>
  %s8 = onnx.Constant dense<[3, 8]> : tensor<2xi64>
  %m5 = onnx.Reshape(%m4, %s8) {allowzero = 1 : i64} : (tensor<6x2x2xf32>, tensor<2xi64>) -> tensor<3x8xf32>
  %m6 = onnx.Cast(%m5) {to = 9 : i64} : (tensor<3x8xf32>) -> tensor<3x8xi1>
  %c = onnx.Where(%m6, %s, %zero) : (tensor<3x8xi1>, tensor<3x8xf32>, tensor<f32>) -> tensor<3x8xf32>
  %v, %i = onnx.TopK(%c, %k) : (tensor<3x8xf32>, tensor<1xi64>) -> (tensor<3x2xf32>, tensor<3x2xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 1 : i64} : (tensor<3x8xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
  return %i, %p : tensor<3x2xi64>, tensor<3x2xf32>
}

// -----

// The gate of position i scales column i.
// CHECK-LABEL: func.func @gate
// CHECK-NOT: trine.engram.gate
// CHECK: return
func.func @gate(%k: tensor<1x8x8xf32>, %q: tensor<1x8x8xf32>, %v: tensor<1x8x8xf32>) -> (tensor<1x8x8xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<2.8284271247461903> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 32 : tensor<8xf32>
  %qw = onnx.Initializer "qw" from "weights" at 32 length 32 : tensor<8xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<1x8x8xf32>, tensor<8xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<1x8x8xf32>, tensor<8xf32>
  %d = onnx.Mul(%kn, %qn) : (tensor<1x8x8xf32>, tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
  %e = onnx.ReduceSum(%d, %axis) {keepdims = 0 : i64} : (tensor<1x8x8xf32>, tensor<1xi64>) -> tensor<1x8xf32>
  %g = onnx.Div(%e, %root) : (tensor<1x8xf32>, tensor<f32>) -> tensor<1x8xf32>
  %o = onnx.Sigmoid(%g) : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %u = onnx.Mul(%o, %v) : (tensor<1x8xf32>, tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
  return %u : tensor<1x8x8xf32>
}

// -----

// The norm of all streams, not of each.
// CHECK-LABEL: func.func @streams
// CHECK-NOT: trine.engram.gate
// CHECK: return
func.func @streams(%k: tensor<?x?x16xf32> {onnx.dims=["b","s",16]}, %q: tensor<?x?x2x8xf32> {onnx.dims=["b","s",2,8]}, %v: tensor<?x?x1x8xf32> {onnx.dims=["b","s",1,8]}) -> (tensor<?x?x2x8xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<2.8284271247461903> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %s28 = onnx.Constant dense<[0, 0, 2, 8]> : tensor<4xi64>
  %s11 = onnx.Constant dense<[0, 0, 1, 1]> : tensor<4xi64>
  %k4 = onnx.Reshape(%k, %s28) : (tensor<?x?x16xf32>, tensor<4xi64>) -> tensor<?x?x2x8xf32>
  %kk = onnx.Mul(%k, %k) : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %km = onnx.ReduceMean(%kk, %axis) : (tensor<?x?x16xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %ke = onnx.Add(%km, %eps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %ks = onnx.Sqrt(%ke) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %ks4 = onnx.Reshape(%ks, %s11) : (tensor<?x?x1xf32>, tensor<4xi64>) -> tensor<?x?x1x1xf32>
  %qq = onnx.Mul(%q, %q) : (tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>) -> tensor<?x?x2x8xf32>
  %qm = onnx.ReduceMean(%qq, %axis) : (tensor<?x?x2x8xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %qe = onnx.Add(%qm, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %qs = onnx.Sqrt(%qe) : (tensor<?x?x2x1xf32>) -> tensor<?x?x2x1xf32>
  %d = onnx.Mul(%k4, %q) : (tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>) -> tensor<?x?x2x8xf32>
  %e = onnx.ReduceSum(%d, %axis) : (tensor<?x?x2x8xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Div(%e, %ks4) : (tensor<?x?x2x1xf32>, tensor<?x?x1x1xf32>) -> tensor<?x?x2x1xf32>
  %e2 = onnx.Div(%e1, %qs) : (tensor<?x?x2x1xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x1xf32>
  %g = onnx.Div(%e2, %root) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %o = onnx.Sigmoid(%g) : (tensor<?x?x2x1xf32>) -> tensor<?x?x2x1xf32>
  %u = onnx.Mul(%o, %v) : (tensor<?x?x2x1xf32>, tensor<?x?x1x8xf32>) -> tensor<?x?x2x8xf32>
  return %u : tensor<?x?x2x8xf32>
}

// -----

// Norms of positions that divide columns: of the product, and of one of its sides.
// CHECK-LABEL: func.func @rooted
// CHECK-NOT: trine.engram.gate
// CHECK: return
func.func @rooted(%k: tensor<1x2x2x2xf32>, %h: tensor<1x2x2x2xf32>, %v: tensor<1x2x1x2xf32>) -> tensor<1x2x2x2xf32> {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<1.41421354> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-20> : tensor<f32>
  %hh = onnx.Mul(%h, %h) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %hm = onnx.ReduceMean(%hh, %axis) {keepdims = 0 : i64} : (tensor<1x2x2x2xf32>, tensor<1xi64>) -> tensor<1x2x2xf32>
  %ha = onnx.Add(%hm, %eps) : (tensor<1x2x2xf32>, tensor<f32>) -> tensor<1x2x2xf32>
  %hs = onnx.Sqrt(%ha) : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %kk = onnx.Mul(%k, %k) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %km = onnx.ReduceMean(%kk, %axis) : (tensor<1x2x2x2xf32>, tensor<1xi64>) -> tensor<1x2x2x1xf32>
  %ka = onnx.Add(%km, %eps) : (tensor<1x2x2x1xf32>, tensor<f32>) -> tensor<1x2x2x1xf32>
  %ks = onnx.Sqrt(%ka) : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %hk = onnx.Mul(%h, %k) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %e = onnx.ReduceSum(%hk, %axis) : (tensor<1x2x2x2xf32>, tensor<1xi64>) -> tensor<1x2x2x1xf32>
  %e1 = onnx.Div(%e, %ks) : (tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %e2 = onnx.Div(%e1, %hs) : (tensor<1x2x2x1xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %g = onnx.Div(%e2, %root) : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %sign = onnx.Sign(%g) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %abs = onnx.Abs(%g) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %clip = onnx.Clip(%abs, %floor, %n) : (tensor<1x2x2x2xf32>, tensor<f32>, none) -> tensor<1x2x2x2xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %r = onnx.Mul(%sign, %sqrt) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %o = onnx.Sigmoid(%r) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %u = onnx.Mul(%o, %v) : (tensor<1x2x2x2xf32>, tensor<1x2x1x2xf32>) -> tensor<1x2x2x2xf32>
  return %u : tensor<1x2x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @divided
// CHECK-NOT: trine.engram.gate
// CHECK: return
func.func @divided(%k: tensor<1x2x2x2xf32>, %h: tensor<1x2x2x2xf32>, %v: tensor<1x2x1x2xf32>) -> tensor<1x2x2x2xf32> {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<1.41421354> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-20> : tensor<f32>
  %hh = onnx.Mul(%h, %h) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %hm = onnx.ReduceMean(%hh, %axis) {keepdims = 0 : i64} : (tensor<1x2x2x2xf32>, tensor<1xi64>) -> tensor<1x2x2xf32>
  %ha = onnx.Add(%hm, %eps) : (tensor<1x2x2xf32>, tensor<f32>) -> tensor<1x2x2xf32>
  %hs = onnx.Sqrt(%ha) : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %kk = onnx.Mul(%k, %k) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %km = onnx.ReduceMean(%kk, %axis) : (tensor<1x2x2x2xf32>, tensor<1xi64>) -> tensor<1x2x2x1xf32>
  %ka = onnx.Add(%km, %eps) : (tensor<1x2x2x1xf32>, tensor<f32>) -> tensor<1x2x2x1xf32>
  %ks = onnx.Sqrt(%ka) : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %hn = onnx.Div(%h, %hs) : (tensor<1x2x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %kn = onnx.Div(%k, %ks) : (tensor<1x2x2x2xf32>, tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32>
  %hk = onnx.Mul(%hn, %kn) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %e = onnx.ReduceSum(%hk, %axis) : (tensor<1x2x2x2xf32>, tensor<1xi64>) -> tensor<1x2x2x1xf32>
  %g = onnx.Div(%e, %root) : (tensor<1x2x2x1xf32>, tensor<f32>) -> tensor<1x2x2x1xf32>
  %sign = onnx.Sign(%g) : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %abs = onnx.Abs(%g) : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %clip = onnx.Clip(%abs, %floor, %n) : (tensor<1x2x2x1xf32>, tensor<f32>, none) -> tensor<1x2x2x1xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %r = onnx.Mul(%sign, %sqrt) : (tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %o = onnx.Sigmoid(%r) : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %u = onnx.Mul(%o, %v) : (tensor<1x2x2x1xf32>, tensor<1x2x1x2xf32>) -> tensor<1x2x2x2xf32>
  return %u : tensor<1x2x2x2xf32>
}
