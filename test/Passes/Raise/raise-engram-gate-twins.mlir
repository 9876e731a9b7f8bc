// What only looks like a gate stays, and is told.
// RUN: trine-opt %s --mlir-disable-threading --trine-raise-engram-gate --remarks-filter-missed=trine-raise-engram-gate --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: trine-opt %s --trine-raise-engram-gate | FileCheck %s
// CHECK-NOT: trine.engram.gate

// The product is divided by another number than sqrt(D).
// REMARK: looks like a gate of Engram values, but the product is scaled by 0.142857, not by 1 / sqrt(64) at
func.func @scale(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<7.0> : tensor<f32>
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

// One norm has another epsilon.
// REMARK: looks like a gate of Engram values, but its norms have the epsilons 1e-06 and 1e-05 at
func.func @epsilons(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-6 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
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

// Summed over the tokens.
// REMARK: looks like a gate of Engram values, but the product is not summed over the last dimension at
func.func @axis(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%kn, %qn) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %e = onnx.ReduceSum(%d, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>) -> tensor<?x1x64xf32>
  %g = onnx.Div(%e, %root) : (tensor<?x1x64xf32>, tensor<f32>) -> tensor<?x1x64xf32>
  %sign = onnx.Sign(%g) : (tensor<?x1x64xf32>) -> tensor<?x1x64xf32>
  %abs = onnx.Abs(%g) : (tensor<?x1x64xf32>) -> tensor<?x1x64xf32>
  %clip = onnx.Clip(%abs, %floor, %n) : (tensor<?x1x64xf32>, tensor<f32>, none) -> tensor<?x1x64xf32>
  %sqrt = onnx.Sqrt(%clip) : (tensor<?x1x64xf32>) -> tensor<?x1x64xf32>
  %r = onnx.Mul(%sign, %sqrt) : (tensor<?x1x64xf32>, tensor<?x1x64xf32>) -> tensor<?x1x64xf32>
  %o = onnx.Sigmoid(%r) : (tensor<?x1x64xf32>) -> tensor<?x1x64xf32>
  %u = onnx.Mul(%o, %v) : (tensor<?x1x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %u : tensor<?x?x64xf32>
}

// An inner value is a result, too.
// REMARK: looks like a gate of Engram values, but a part of it is used elsewhere at
func.func @inner_used(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>, tensor<?x?x64xf32>) {
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
  return %u, %kn : tensor<?x?x64xf32>, tensor<?x?x64xf32>
}

// The gate itself is a result, too.
// REMARK: looks like a gate of Engram values, but the gate is used more than once at
func.func @gate_used(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>, tensor<?x?x1xf32>) {
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
  return %u, %o : tensor<?x?x64xf32>, tensor<?x?x1xf32>
}

// The query is not normalised.
// REMARK: looks like a gate of Engram values, but a side of the product is no norm at
func.func @one_norm(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%kn, %q) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
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

// A norm times itself.
// REMARK: looks like a gate of Engram values, but both sides are one value at
func.func @itself(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kn = trine.rms_norm %k, %kw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %qn = trine.rms_norm %q, %qw epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x64xf32>, tensor<64xf32>
  %d = onnx.Mul(%kn, %kn) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
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

// Both factors are norms of one side.
// REMARK: looks like a gate of Engram values, but a side is divided by its norm twice at
func.func @other_norm(%k: tensor<?x?x2x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 2, 64]}, %h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x2x64xf32>) {
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
  %kk = onnx.Mul(%h, %h) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
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

// One norm is of 16-bit floats.
// REMARK: looks like a gate of Engram values, but the product's sides have different types at
func.func @short(%k: tensor<?x?x64xf32> {onnx.name = "k", onnx.dims = ["b", "s", 64]}, %q: tensor<?x?x64xf32> {onnx.name = "q", onnx.dims = ["b", "s", 64]}, %v: tensor<?x?x64xf32> {onnx.name = "v", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %root = onnx.Constant dense<8.0> : tensor<f32>
  %floor = onnx.Constant dense<1.0e-6> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kw = onnx.Initializer "kw" from "weights" at 0 length 256 : tensor<64xf32>
  %qw = onnx.Initializer "qw" from "weights" at 256 length 256 : tensor<64xf32>
  %kb = onnx.Cast(%k) {to = 10 : i64} : (tensor<?x?x64xf32>) -> tensor<?x?x64xf16>
  %kwb = onnx.Cast(%kw) {to = 10 : i64} : (tensor<64xf32>) -> tensor<64xf16>
  %kh = trine.rms_norm %kb, %kwb epsilon 1.0e-5 compute f32 cast before_weight : tensor<?x?x64xf16>, tensor<64xf16>
  %kn = onnx.Cast(%kh) {to = 1 : i64} : (tensor<?x?x64xf16>) -> tensor<?x?x64xf32>
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
