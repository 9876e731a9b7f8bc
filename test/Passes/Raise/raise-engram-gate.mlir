// RUN: trine-opt %s --trine-raise-engram-gate | FileCheck %s

// The form of the paper, one stream.
// CHECK-LABEL: func.func @single
// CHECK-SAME: %[[K:[a-z0-9]+]]: tensor<?x?x64xf32> {{{.*}}}, %[[Q:[a-z0-9]+]]: tensor<?x?x64xf32> {{{.*}}}, %[[V:[a-z0-9]+]]: tensor<?x?x64xf32>
// CHECK-DAG: %[[KW:.*]] = onnx.Initializer "kw"
// CHECK-DAG: %[[QW:.*]] = onnx.Initializer "qw"
// CHECK-DAG: %[[KW2:.*]] = onnx.Reshape(%[[KW]]
// CHECK-DAG: %[[QW2:.*]] = onnx.Reshape(%[[QW]]
// CHECK-DAG: %[[K4:.*]] = onnx.Reshape(%[[K]]{{.*}} -> tensor<?x?x1x64xf32>
// CHECK-DAG: %[[Q4:.*]] = onnx.Reshape(%[[Q]]{{.*}} -> tensor<?x?x1x64xf32>
// CHECK: %[[U:.*]] = trine.engram.gate %[[K4]], %[[Q4]], %[[V]] weights(%[[KW2]], %[[QW2]] : tensor<1x64xf32>, tensor<1x64xf32>) epsilon 1.000000e-05 root sign floor 9.99999997475242{{.*}}E-7 {trine.form = "engram-gate"}
// CHECK: %[[R:.*]] = onnx.Reshape(%[[U]]
// CHECK-NOT: onnx.{{Sigmoid|ReduceSum|Mul}}
// CHECK: return %[[R]]
func.func @single(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%kn, %qn) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e = onnx.ReduceSum(%d, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g = onnx.Div(%e, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %sign = onnx.Sign(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs = onnx.Abs(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip = onnx.Clip(%abs, %floor, %n) : (tensor<?x?x1xf32>, tensor<f32>, none) -> tensor<?x?x1xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r = onnx.Mul(%sign, %sqrt) : (tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o = onnx.Sigmoid(%r) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %u = onnx.Mul(%o, %v) : (tensor<?x?x1xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %u : tensor<?x?x64xf32>
}

// Operands the other way round, a product with the reciprocal of the root, Max for Clip.
// CHECK-LABEL: func.func @commuted
// CHECK: trine.engram.gate
// CHECK-NOT: onnx.{{Sigmoid|ReduceSum|Mul}}
func.func @commuted(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %inverse = onnx.Constant dense<0.125> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%qn, %kn) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e = onnx.ReduceSum(%d, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g = onnx.Mul(%inverse, %e) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %sign = onnx.Sign(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs = onnx.Abs(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip = onnx.Max(%abs, %floor) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r = onnx.Mul(%sqrt, %sign) : (tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o = onnx.Sigmoid(%r) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %u = onnx.Mul(%v, %o) : (tensor<?x?x64xf32>, tensor<?x?x1xf32>) -> tensor<?x?x64xf32>
  return %u : tensor<?x?x64xf32>
}

// A root that is negated where the product is below zero, and no root at all.
// CHECK-LABEL: func.func @compared
// CHECK: trine.engram.gate {{.*}} root copy_sign floor
// CHECK-NOT: onnx.Sigmoid
func.func @compared(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%kn, %qn) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e = onnx.ReduceSum(%d, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g = onnx.Div(%e, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %below = onnx.Less(%g, %zero) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xi1>
  %abs = onnx.Abs(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip = onnx.Clip(%abs, %floor, %n) : (tensor<?x?x1xf32>, tensor<f32>, none) -> tensor<?x?x1xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %neg = onnx.Neg(%sqrt) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r = onnx.Where(%below, %neg, %sqrt) : (tensor<?x?x1xi1>, tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o = onnx.Sigmoid(%r) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %u = onnx.Mul(%o, %v) : (tensor<?x?x1xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %u : tensor<?x?x64xf32>
}

// CHECK-LABEL: func.func @unrooted
// CHECK: trine.engram.gate {{.*}} root none floor 0
// CHECK-NOT: onnx.Sigmoid
func.func @unrooted(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%kn, %qn) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e = onnx.ReduceSum(%d, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g = onnx.Div(%e, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %o = onnx.Sigmoid(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %u = onnx.Mul(%o, %v) : (tensor<?x?x1xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %u : tensor<?x?x64xf32>
}

// The later form: norms after the sum, both weights multiplied into one, streams as a dimension.
// CHECK-LABEL: func.func @later
// CHECK-DAG: %[[W:.*]] = onnx.Initializer "product"
// CHECK-DAG: %[[ONE:.*]] = onnx.Constant dense<1.000000e+00> : tensor<2x64xf32>
// CHECK: trine.engram.gate %arg{{[01]}}, %arg{{[01]}}, %arg2 weights({{%.*}}, {{%.*}} : tensor<2x64xf32>, tensor<2x64xf32>) epsilon {{.*}}E-21 root sign
// CHECK-NOT: onnx.{{Sigmoid|ReduceSum|ReduceMean|Mul}}
func.func @later(%k: tensor<?x?x2x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 2, 64]}, %h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x2x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-20> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %tail1 = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %tail2 = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %w = onnx.Initializer "product" from "weights" at 0 length 512 : tensor<2x64xf32>
  %hh = onnx.Mul(%h, %h) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %hm = onnx.ReduceMean(%hh, %axis) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %ha = onnx.Add(%hm, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %hs = onnx.Sqrt(%ha) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %hr = onnx.Div(%one, %hs) : (tensor<f32>, tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %kk = onnx.Mul(%k, %k) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %km = onnx.ReduceMean(%kk, %axis) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %ka = onnx.Add(%km, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %ks = onnx.Sqrt(%ka) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %kr = onnx.Div(%one, %ks) : (tensor<f32>, tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %rho = onnx.Mul(%hr, %kr) : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %hw = onnx.Mul(%h, %w) : (tensor<?x?x2x64xf32>, tensor<2x64xf32>) -> tensor<?x?x2x64xf32>
  %hk = onnx.Mul(%hw, %k) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %e = onnx.ReduceSum(%hk, %axis) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %p = onnx.Mul(%e, %rho) : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %g = onnx.Div(%p, %root) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %sign = onnx.Sign(%g) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %abs = onnx.Abs(%g) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %clip = onnx.Clip(%abs, %floor, %n) : (tensor<?x?x2xf32>, tensor<f32>, none) -> tensor<?x?x2xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %r = onnx.Mul(%sign, %sqrt) : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %o = onnx.Sigmoid(%r) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %o4 = onnx.Reshape(%o, %tail1) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %v4 = onnx.Reshape(%v, %tail2) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %u = onnx.Mul(%o4, %v4) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  return %u : tensor<?x?x2x64xf32>
}

// Gates of single streams are one; their keys are one product.
// CHECK-LABEL: func.func @streams
// CHECK: %[[W:.*]] = onnx.Concat({{.*}}) {axis = 1 : i64} : (tensor<32x64xf32>, tensor<32x64xf32>) -> tensor<32x128xf32>
// CHECK: onnx.MatMul(%arg0, %[[W]])
// CHECK: %[[K:.*]] = onnx.Reshape({{.*}} -> tensor<?x?x2x64xf32>
// CHECK: %[[U:.*]] = trine.engram.gate %[[K]], %arg1, %arg2 weights({{.*}} : tensor<2x64xf32>, tensor<2x64xf32>) {{.*}} {trine.form = "engram-gate-streams"}
// CHECK-NOT: onnx.Sigmoid
// CHECK: onnx.Slice(%[[U]]
// CHECK: return %[[U]]
func.func @streams(%rows: tensor<?x?x32xf32> {onnx.name = "rows", onnx.dims = ["b", "s", 32]}, %h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x2x64xf32>, tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %flat = onnx.Constant dense<[0, 0, 64]> : tensor<3xi64>
  %tail = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %wk0 = onnx.Initializer "wk0" from "weights" at 512 length 8192 : tensor<32x64xf32>
  %wk1 = onnx.Initializer "wk1" from "weights" at 8704 length 8192 : tensor<32x64xf32>
  %bk0 = onnx.Initializer "bk0" from "weights" at 16896 length 256 : tensor<64xf32>
  %bk1 = onnx.Initializer "bk1" from "weights" at 17152 length 256 : tensor<64xf32>
  %l0 = onnx.Slice(%h, %c0, %c1, %c2, %c1) : (tensor<?x?x2x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x1x64xf32>
  %q0 = onnx.Reshape(%l0, %flat) : (tensor<?x?x1x64xf32>, tensor<3xi64>) -> tensor<?x?x64xf32>
  %p0 = onnx.MatMul(%rows, %wk0) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<?x?x64xf32>
  %k0 = onnx.Add(%p0, %bk0) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %kn0 = trine.rms_norm %k0, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn0 = trine.rms_norm %q0, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d0 = onnx.Mul(%kn0, %qn0) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e0 = onnx.ReduceSum(%d0, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g0 = onnx.Div(%e0, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %sign0 = onnx.Sign(%g0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs0 = onnx.Abs(%g0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip0 = onnx.Clip(%abs0, %floor, %n) : (tensor<?x?x1xf32>, tensor<f32>, none) -> tensor<?x?x1xf32>
  %sqrt0 = onnx.Sqrt(%clip0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r0 = onnx.Mul(%sign0, %sqrt0) : (tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o0 = onnx.Sigmoid(%r0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %u0 = onnx.Mul(%o0, %v) : (tensor<?x?x1xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %l1 = onnx.Slice(%h, %c1, %c2, %c2, %c1) : (tensor<?x?x2x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x1x64xf32>
  %q1 = onnx.Reshape(%l1, %flat) : (tensor<?x?x1x64xf32>, tensor<3xi64>) -> tensor<?x?x64xf32>
  %p1 = onnx.MatMul(%rows, %wk1) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<?x?x64xf32>
  %k1 = onnx.Add(%p1, %bk1) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %kn1 = trine.rms_norm %k1, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn1 = trine.rms_norm %q1, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d1 = onnx.Mul(%kn1, %qn1) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g1 = onnx.Div(%e1, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %sign1 = onnx.Sign(%g1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs1 = onnx.Abs(%g1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip1 = onnx.Clip(%abs1, %floor, %n) : (tensor<?x?x1xf32>, tensor<f32>, none) -> tensor<?x?x1xf32>
  %sqrt1 = onnx.Sqrt(%clip1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r1 = onnx.Mul(%sign1, %sqrt1) : (tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o1 = onnx.Sigmoid(%r1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %u1 = onnx.Mul(%o1, %v) : (tensor<?x?x1xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %y0 = onnx.Reshape(%u0, %tail) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %y1 = onnx.Reshape(%u1, %tail) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %y = onnx.Concat(%y0, %y1) {axis = 2 : i64} : (tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %after = onnx.Neg(%u1) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %y, %after : tensor<?x?x2x64xf32>, tensor<?x?x64xf32>
}

// Gates that are joined before they multiply the value.
// CHECK-LABEL: func.func @stacked
// CHECK: %[[U:.*]] = trine.engram.gate %{{.*}}, %arg1, %{{.*}} weights({{.*}} : tensor<2x64xf32>, tensor<2x64xf32>) {{.*}} {trine.form = "engram-gate-streams"}
// CHECK-NOT: onnx.Sigmoid
// CHECK: return %[[U]]
func.func @stacked(%rows: tensor<?x?x32xf32> {onnx.name = "rows", onnx.dims = ["b", "s", 32]}, %h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x2x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %flat = onnx.Constant dense<[0, 0, 64]> : tensor<3xi64>
  %tail = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %unit = onnx.Constant dense<[0, 0, 1, 1]> : tensor<4xi64>
  %wk0 = onnx.Initializer "wk0" from "weights" at 512 length 8192 : tensor<32x64xf32>
  %wk1 = onnx.Initializer "wk1" from "weights" at 8704 length 8192 : tensor<32x64xf32>
  %bk0 = onnx.Initializer "bk0" from "weights" at 16896 length 256 : tensor<64xf32>
  %bk1 = onnx.Initializer "bk1" from "weights" at 17152 length 256 : tensor<64xf32>
  %l0 = onnx.Slice(%h, %c0, %c1, %c2, %c1) : (tensor<?x?x2x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x1x64xf32>
  %q0 = onnx.Reshape(%l0, %flat) : (tensor<?x?x1x64xf32>, tensor<3xi64>) -> tensor<?x?x64xf32>
  %p0 = onnx.MatMul(%rows, %wk0) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<?x?x64xf32>
  %k0 = onnx.Add(%p0, %bk0) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %kn0 = trine.rms_norm %k0, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn0 = trine.rms_norm %q0, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d0 = onnx.Mul(%kn0, %qn0) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e0 = onnx.ReduceSum(%d0, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g0 = onnx.Div(%e0, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %sign0 = onnx.Sign(%g0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs0 = onnx.Abs(%g0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip0 = onnx.Clip(%abs0, %floor, %n) : (tensor<?x?x1xf32>, tensor<f32>, none) -> tensor<?x?x1xf32>
  %sqrt0 = onnx.Sqrt(%clip0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r0 = onnx.Mul(%sign0, %sqrt0) : (tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o0 = onnx.Sigmoid(%r0) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %l1 = onnx.Slice(%h, %c1, %c2, %c2, %c1) : (tensor<?x?x2x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x1x64xf32>
  %q1 = onnx.Reshape(%l1, %flat) : (tensor<?x?x1x64xf32>, tensor<3xi64>) -> tensor<?x?x64xf32>
  %p1 = onnx.MatMul(%rows, %wk1) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<?x?x64xf32>
  %k1 = onnx.Add(%p1, %bk1) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %kn1 = trine.rms_norm %k1, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn1 = trine.rms_norm %q1, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d1 = onnx.Mul(%kn1, %qn1) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g1 = onnx.Div(%e1, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %sign1 = onnx.Sign(%g1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs1 = onnx.Abs(%g1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip1 = onnx.Clip(%abs1, %floor, %n) : (tensor<?x?x1xf32>, tensor<f32>, none) -> tensor<?x?x1xf32>
  %sqrt1 = onnx.Sqrt(%clip1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r1 = onnx.Mul(%sign1, %sqrt1) : (tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o1 = onnx.Sigmoid(%r1) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %y0 = onnx.Reshape(%o0, %unit) : (tensor<?x?x1xf32>, tensor<4xi64>) -> tensor<?x?x1x1xf32>
  %y1 = onnx.Reshape(%o1, %unit) : (tensor<?x?x1xf32>, tensor<4xi64>) -> tensor<?x?x1x1xf32>
  %gates = onnx.Concat(%y0, %y1) {axis = 2 : i64} : (tensor<?x?x1x1xf32>, tensor<?x?x1x1xf32>) -> tensor<?x?x2x1xf32>
  %v4 = onnx.Reshape(%v, %tail) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %y = onnx.Mul(%gates, %v4) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  return %y : tensor<?x?x2x64xf32>
}

// CHECK-LABEL: func.func @contrib
// CHECK: trine.engram.gate %arg0, %arg1, %arg2 weights(%arg3, %arg4 : tensor<2x64xf32>, tensor<2x64xf32>) epsilon 9.9999{{.*}}E-6 root sign floor 9.9999{{.*}}E-7 {trine.form = "engram-gate-contrib"}
func.func @contrib(%k: tensor<?x?x2x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 2, 64]}, %h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}, %kw: tensor<2x64xf32>, %qw: tensor<2x64xf32>) -> (tensor<?x?x2x64xf32>) {
  %u = onnx.com.microsoft.EngramGate(%k, %h, %v, %kw, %qw) {epsilon = 1.0e-5 : f32} : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>, tensor<?x?x64xf32>, tensor<2x64xf32>, tensor<2x64xf32>) -> tensor<?x?x2x64xf32>
  return %u : tensor<?x?x2x64xf32>
}

// Norm weights that change places stay with their sides.
// CHECK-LABEL: func.func @swapped
// CHECK: %[[A:.*]] = onnx.Reshape(%[[QW:.*]], %{{.*}}) {{.*}} (tensor<64xf32>, tensor<2xi64>) -> tensor<1x64xf32>
// CHECK: trine.engram.gate %[[K4:.*]], %{{.*}}, %arg2 weights(%[[A]], %{{.*}} :
func.func @swapped(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%kn, %qn) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e = onnx.ReduceSum(%d, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %g = onnx.Div(%e, %root) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %sign = onnx.Sign(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs = onnx.Abs(%g) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %clip = onnx.Clip(%abs, %floor, %n) : (tensor<?x?x1xf32>, tensor<f32>, none) -> tensor<?x?x1xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %r = onnx.Mul(%sign, %sqrt) : (tensor<?x?x1xf32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %o = onnx.Sigmoid(%r) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %u = onnx.Mul(%o, %v) : (tensor<?x?x1xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %u : tensor<?x?x64xf32>
}

// 16 bits, with the casts that torch puts around sums and absolute values.
// CHECK-LABEL: func.func @narrow
// CHECK: trine.engram.gate {{.*}} weights({{.*}} : tensor<1x64xbf16>, tensor<1x64xbf16>) epsilon 1.000000e-05 root sign floor {{.*}} {trine.form = "engram-gate"} : tensor<?x?x1x64xbf16>, tensor<?x?x64xbf16>
// CHECK-NOT: onnx.Sigmoid
func.func @narrow(%k: tensor<?x?x64xbf16> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xbf16> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xbf16> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> tensor<?x?x64xbf16> {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<bf16>
  %floor = onnx.Constant dense<1.0e-6> : tensor<bf16>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 128 : tensor<64xbf16>
  %qw = onnx.Initializer "qw" from "weights" at 128 length 128 : tensor<64xbf16>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast before_weight : tensor<?x?x64xbf16>, tensor<64xbf16>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast before_weight : tensor<?x?x64xbf16>, tensor<64xbf16>
  %d = onnx.Mul(%kn, %qn) : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>) -> tensor<?x?x64xbf16>
  %df = onnx.Cast(%d) {to = 1 : i64} : (tensor<?x?x64xbf16>) -> tensor<?x?x64xf32>
  %ef = onnx.ReduceSum(%df, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %e = onnx.Cast(%ef) {to = 16 : i64} : (tensor<?x?x1xf32>) -> tensor<?x?x1xbf16>
  %g = onnx.Div(%e, %root) : (tensor<?x?x1xbf16>, tensor<bf16>) -> tensor<?x?x1xbf16>
  %sign = onnx.Sign(%g) : (tensor<?x?x1xbf16>) -> tensor<?x?x1xbf16>
  %gf = onnx.Cast(%g) {to = 1 : i64} : (tensor<?x?x1xbf16>) -> tensor<?x?x1xf32>
  %af = onnx.Abs(%gf) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %abs = onnx.Cast(%af) {to = 16 : i64} : (tensor<?x?x1xf32>) -> tensor<?x?x1xbf16>
  %clip = onnx.Max(%abs, %floor) : (tensor<?x?x1xbf16>, tensor<bf16>) -> tensor<?x?x1xbf16>
  %sqrt = onnx.Sqrt(%clip) : (tensor<?x?x1xbf16>) -> tensor<?x?x1xbf16>
  %r = onnx.Mul(%sign, %sqrt) : (tensor<?x?x1xbf16>, tensor<?x?x1xbf16>) -> tensor<?x?x1xbf16>
  %o = onnx.Sigmoid(%r) : (tensor<?x?x1xbf16>) -> tensor<?x?x1xbf16>
  %u = onnx.Mul(%o, %v) : (tensor<?x?x1xbf16>, tensor<?x?x64xbf16>) -> tensor<?x?x64xbf16>
  return %u : tensor<?x?x64xbf16>
}
