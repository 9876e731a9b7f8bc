// RUN: trine-opt %s --trine-raise-experts --split-input-file | FileCheck %s

// All experts on all tokens by one product, biases, limits; weights that are scattered over zeros.
// CHECK-LABEL: func.func @stacked
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
// CHECK-SAME: %[[W:[^:]*]]: tensor<?x2xf32>
// CHECK: %{{.*}}, %[[I:.*]] = onnx.TopK
// CHECK-DAG: %[[GU:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 0, 2, 1>} : (tensor<5x8x12xf32>) -> tensor<5x12x8xf32>
// CHECK-DAG: %[[D:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 0, 2, 1>} : (tensor<5x6x8xf32>) -> tensor<5x8x6xf32>
// CHECK: trine.moe.experts %[[X]] routed(%[[I]], %[[W]] : tensor<?x2xi64>, tensor<?x2xf32>) weights(%[[GU]], %[[D]] : tensor<5x12x8xf32>, tensor<5x8x6xf32>)
// CHECK-SAME: gate_up_bias({{.*}} : tensor<5x12xf32>) down_bias({{.*}} : tensor<5x8xf32>) activation silu_gated gate_up interleaved clamp 7.0{{.*}} {alpha = {{.*}}, beta = 1.000000e+00 : f64, trine.form = "experts-stacked"}
// CHECK-NOT: onnx.MatMul
func.func @stacked(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %r: tensor<?x5xf32> {onnx.name = "r", onnx.dims = ["n", 5]},
                   %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x8xf32> {
  %none = onnx.None
  %wgu = onnx.Initializer "gu" from "m.onnx" at 0 length 1920 : tensor<5x8x12xf32>
  %wd = onnx.Initializer "d" from "m.onnx" at 1920 length 960 : tensor<5x6x8xf32>
  %bgu = onnx.Initializer "bgu" from "m.onnx" at 2880 length 240 : tensor<5x1x12xf32>
  %bd = onnx.Initializer "bd" from "m.onnx" at 3120 length 160 : tensor<5x1x8xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %seven = onnx.Constant dense<7.0> : tensor<f32>
  %low = onnx.Constant dense<-7.0> : tensor<f32>
  %alpha = onnx.Constant dense<1.702> : tensor<f32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c5 = onnx.Constant dense<5> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %rows = onnx.Constant dense<[1, -1, 8]> : tensor<3xi64>
  %column = onnx.Constant dense<[5, -1, 1]> : tensor<3xi64>
  %n = onnx.Shape(%x) {start = 0 : i64, end = 1 : i64} : (tensor<?x8xf32>) -> tensor<1xi64>
  %v, %i = onnx.TopK(%r, %c2) {axis = 1 : i64} : (tensor<?x5xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %n5 = onnx.Concat(%n, %c5) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros = onnx.Expand(%zero, %n5) : (tensor<f32>, tensor<2xi64>) -> tensor<?x5xf32>
  %all = onnx.ScatterElements(%zeros, %i, %w) {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x5xf32>
  %t = onnx.Transpose(%all) {perm = array<i64: 1, 0>} : (tensor<?x5xf32>) -> tensor<5x?xf32>
  %tw = onnx.Reshape(%t, %column) {allowzero = 1 : i64} : (tensor<5x?xf32>, tensor<3xi64>) -> tensor<5x?x1xf32>
  %x3 = onnx.Reshape(%x, %rows) {allowzero = 1 : i64} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<1x?x8xf32>
  %p = onnx.MatMul(%x3, %wgu) : (tensor<1x?x8xf32>, tensor<5x8x12xf32>) -> tensor<5x?x12xf32>
  %pb = onnx.Add(%p, %bgu) : (tensor<5x?x12xf32>, tensor<5x1x12xf32>) -> tensor<5x?x12xf32>
  %g0 = onnx.Slice(%pb, %c0, %c12, %c2, %c2) : (tensor<5x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5x?x6xf32>
  %u0 = onnx.Slice(%pb, %c1, %c12, %c2, %c2) : (tensor<5x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5x?x6xf32>
  %g = onnx.Clip(%g0, %none, %seven) : (tensor<5x?x6xf32>, none, tensor<f32>) -> tensor<5x?x6xf32>
  %u1 = onnx.Clip(%u0, %low, %seven) : (tensor<5x?x6xf32>, tensor<f32>, tensor<f32>) -> tensor<5x?x6xf32>
  %u = onnx.Add(%u1, %one) : (tensor<5x?x6xf32>, tensor<f32>) -> tensor<5x?x6xf32>
  %ga = onnx.Mul(%g, %alpha) : (tensor<5x?x6xf32>, tensor<f32>) -> tensor<5x?x6xf32>
  %s = onnx.Sigmoid(%ga) : (tensor<5x?x6xf32>) -> tensor<5x?x6xf32>
  %a = onnx.Mul(%g, %s) : (tensor<5x?x6xf32>, tensor<5x?x6xf32>) -> tensor<5x?x6xf32>
  %h = onnx.Mul(%u, %a) : (tensor<5x?x6xf32>, tensor<5x?x6xf32>) -> tensor<5x?x6xf32>
  %o = onnx.MatMul(%h, %wd) : (tensor<5x?x6xf32>, tensor<5x6x8xf32>) -> tensor<5x?x8xf32>
  %ob = onnx.Add(%o, %bd) : (tensor<5x?x8xf32>, tensor<5x1x8xf32>) -> tensor<5x?x8xf32>
  %ow = onnx.Mul(%ob, %tw) : (tensor<5x?x8xf32>, tensor<5x?x1xf32>) -> tensor<5x?x8xf32>
  %y = onnx.ReduceSum(%ow, %c0) {keepdims = 0 : i64} : (tensor<5x?x8xf32>, tensor<1xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// The weights multiply the input: each slot is a token of its own, with the weight 1. Two products, two copies of the tokens by Expand.
// CHECK-LABEL: func.func @scaled
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
// CHECK: %[[M:.*]] = onnx.Mul({{.*}}) : (tensor<?x1x8xf32>, tensor<?x2x1xf32>) -> tensor<?x2x8xf32>
// CHECK: %[[S:.*]] = onnx.Reshape(%[[M]], {{.*}}) {{.*}} -> tensor<?x8xf32>
// CHECK: %[[ONES:.*]] = onnx.Expand
// CHECK: %[[Y:.*]] = trine.moe.experts %[[S]] routed(%{{.*}}, %[[ONES]] : tensor<?x1xi64>, tensor<?x1xf32>) weights({{.*}} : tensor<3x12x8xf32>, tensor<3x8x6xf32>) activation silu_gated gate_up concatenated {trine.form = "experts-stacked"}
// CHECK: onnx.ReduceSum({{.*}}) {keepdims = 0 : i64} : (tensor<?x2x8xf32>, tensor<1xi64>) -> tensor<?x8xf32>
func.func @scaled(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %r: tensor<?x3xf32> {onnx.name = "r", onnx.dims = ["n", 3]},
                  %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x8xf32> {
  %wg = onnx.Initializer "g" from "m.onnx" at 0 length 576 : tensor<3x8x6xf32>
  %wu = onnx.Initializer "u" from "m.onnx" at 576 length 576 : tensor<3x8x6xf32>
  %wd = onnx.Initializer "d" from "m.onnx" at 1152 length 576 : tensor<3x6x8xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %rows = onnx.Constant dense<[3, -1, 8]> : tensor<3xi64>
  %column = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %n = onnx.Shape(%x) {start = 0 : i64, end = 1 : i64} : (tensor<?x8xf32>) -> tensor<1xi64>
  %v, %i = onnx.TopK(%r, %c2) {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %n3 = onnx.Concat(%n, %c3) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %s3 = onnx.Concat(%c3, %n, %c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3xi64>
  %zeros = onnx.Expand(%zero, %n3) : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %all = onnx.ScatterElements(%zeros, %i, %w) {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %t = onnx.Transpose(%all) {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %tw = onnx.Reshape(%t, %column) {allowzero = 1 : i64} : (tensor<3x?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %copies = onnx.Expand(%x, %s3) : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<3x?x8xf32>
  %lines = onnx.Reshape(%copies, %flat) {allowzero = 1 : i64} : (tensor<3x?x8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %xs = onnx.Mul(%lines, %tw) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %x3 = onnx.Reshape(%xs, %rows) {allowzero = 1 : i64} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<3x?x8xf32>
  %g = onnx.MatMul(%x3, %wg) : (tensor<3x?x8xf32>, tensor<3x8x6xf32>) -> tensor<3x?x6xf32>
  %u = onnx.MatMul(%x3, %wu) : (tensor<3x?x8xf32>, tensor<3x8x6xf32>) -> tensor<3x?x6xf32>
  %s = onnx.Sigmoid(%g) : (tensor<3x?x6xf32>) -> tensor<3x?x6xf32>
  %a = onnx.Mul(%g, %s) : (tensor<3x?x6xf32>, tensor<3x?x6xf32>) -> tensor<3x?x6xf32>
  %h = onnx.Mul(%u, %a) : (tensor<3x?x6xf32>, tensor<3x?x6xf32>) -> tensor<3x?x6xf32>
  %o = onnx.MatMul(%h, %wd) : (tensor<3x?x6xf32>, tensor<3x6x8xf32>) -> tensor<3x?x8xf32>
  %y = onnx.ReduceSum(%o, %c0) {keepdims = 0 : i64} : (tensor<3x?x8xf32>, tensor<1xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
