// What only looks like a hyper-connection stays, and is told.
// RUN: trine-opt %s --mlir-disable-threading --trine-raise-hyper-connections --remarks-filter-missed=trine-raise-hyper-connections --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: trine-opt %s --trine-raise-hyper-connections | FileCheck %s
// CHECK-NOT: trine.hyper

// A division too few.
// REMARK: looks like a hyper-connection, but the last Sinkhorn division is one of rows at
func.func @rows_last(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d4, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}

// Rows are divided first: a softmax has done that already.
func.func @rows_first(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}

// Another epsilon in one round.
// REMARK: looks like a hyper-connection, but a Sinkhorn round adds another epsilon at
func.func @epsilon(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %neps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}

// Another epsilon for the weights.
// REMARK: looks like a hyper-connection, but the read weights add 1e-05, the matrix 1e-06 at
func.func @pre_epsilon(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %neps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}

// Three times a sigmoid.
// REMARK: looks like a hyper-connection, but the write weights are not twice a sigmoid at
func.func @once(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<3.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}

// The norm of another value.
// REMARK: looks like a hyper-connection, but the root mean square is that of another value at
func.func @other_norm(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %u = onnx.Neg(%v) : (tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%u, %u) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}

// An inner value is a result, too.
// REMARK: looks like a hyper-connection, but a part of it is used elsewhere at
func.func @inner_used(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>, tensor<?x?x1xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r, %me : tensor<?x?x2x64xf32>, tensor<?x?x1xf32>
}

// The write weights overlap with the read weights.
// REMARK: looks like a hyper-connection, but the weights are cut elsewhere at
func.func @order(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c1, %c3, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %h) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}

// The weights read other streams than the projection.
// REMARK: looks like a hyper-connection, but the read weights multiply other values at
func.func @other_streams(%h: tensor<?x?x2x64xf32> {onnx.name = "h", onnx.dims = ["b", "s", 2, 64]}) -> (tensor<?x?x2x64xf32>) {
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Constant dense<-2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %neps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %flat = onnx.Constant dense<[0, 0, 128]> : tensor<3xi64>
  %square = onnx.Constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %each = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %stream = onnx.Constant dense<[0, 0, 1, 64]> : tensor<4xi64>
  %b0 = onnx.Constant dense<[0.1, 0.2]> : tensor<2xf32>
  %b1 = onnx.Constant dense<[0.3, 0.4]> : tensor<2xf32>
  %b2 = onnx.Constant dense<[0.5, 0.6, 0.7, 0.8]> : tensor<4xf32>
  %w = onnx.Initializer "fn" from "weights" at 0 length 4096 : tensor<128x8xf32>
  %v = onnx.Reshape(%h, %flat) : (tensor<?x?x2x64xf32>, tensor<3xi64>) -> tensor<?x?x128xf32>
  %lin = onnx.MatMul(%v, %w) : (tensor<?x?x128xf32>, tensor<128x8xf32>) -> tensor<?x?x8xf32>
  %sq = onnx.Mul(%v, %v) : (tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %mean = onnx.ReduceMean(%sq, %axis) : (tensor<?x?x128xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %me = onnx.Add(%mean, %neps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %rt = onnx.Sqrt(%me) : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %rs = onnx.Div(%one, %rt) : (tensor<f32>, tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %z = onnx.Mul(%lin, %rs) : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %z0 = onnx.Slice(%z, %c0, %c2, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a0 = onnx.Add(%z0, %b0) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %pre = onnx.Add(%s0, %eps) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z1 = onnx.Slice(%z, %c2, %c4, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x2xf32>
  %a1 = onnx.Add(%z1, %b1) : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %post = onnx.Mul(%s1, %two) : (tensor<?x?x2xf32>, tensor<f32>) -> tensor<?x?x2xf32>
  %z2 = onnx.Slice(%z, %c4, %c8, %c2, %c1) : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %a2 = onnx.Add(%z2, %b2) : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %m = onnx.Reshape(%a2, %square) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %sm = onnx.Softmax(%m) : (tensor<?x?x2x2xf32>) -> tensor<?x?x2x2xf32>
  %d0 = onnx.Add(%sm, %eps) : (tensor<?x?x2x2xf32>, tensor<f32>) -> tensor<?x?x2x2xf32>
  %q0 = onnx.ReduceSum(%d0, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e0 = onnx.Add(%q0, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d1 = onnx.Div(%d0, %e0) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q1 = onnx.ReduceSum(%d1, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e1 = onnx.Add(%q1, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d2 = onnx.Div(%d1, %e1) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q2 = onnx.ReduceSum(%d2, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e2 = onnx.Add(%q2, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d3 = onnx.Div(%d2, %e2) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %q3 = onnx.ReduceSum(%d3, %axis) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x2x1xf32>
  %e3 = onnx.Add(%q3, %eps) : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %d4 = onnx.Div(%d3, %e3) : (tensor<?x?x2x2xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32>
  %q4 = onnx.ReduceSum(%d4, %rows) : (tensor<?x?x2x2xf32>, tensor<1xi64>) -> tensor<?x?x1x2xf32>
  %e4 = onnx.Add(%q4, %eps) : (tensor<?x?x1x2xf32>, tensor<f32>) -> tensor<?x?x1x2xf32>
  %d5 = onnx.Div(%d4, %e4) : (tensor<?x?x2x2xf32>, tensor<?x?x1x2xf32>) -> tensor<?x?x2x2xf32>
  %nh = onnx.Neg(%h) : (tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %w0 = onnx.Reshape(%pre, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %hx = onnx.Mul(%w0, %nh) : (tensor<?x?x2x1xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %x = onnx.ReduceSum(%hx, %c2) {keepdims = 0 : i64} : (tensor<?x?x2x64xf32>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %y = onnx.Neg(%x) : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %w1 = onnx.Reshape(%post, %each) : (tensor<?x?x2xf32>, tensor<4xi64>) -> tensor<?x?x2x1xf32>
  %y1 = onnx.Reshape(%y, %stream) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x1x64xf32>
  %wy = onnx.Mul(%w1, %y1) : (tensor<?x?x2x1xf32>, tensor<?x?x1x64xf32>) -> tensor<?x?x2x64xf32>
  %ch = onnx.Einsum(%d5, %h) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x2x2xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  %r = onnx.Add(%wy, %ch) : (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32>
  return %r : tensor<?x?x2x64xf32>
}
