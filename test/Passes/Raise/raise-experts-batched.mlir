// RUN: trine-opt %s --trine-raise-experts --split-input-file | FileCheck %s

// Weights gathered for each slot, gate and up in one product, tokens repeated by Expand.
// CHECK-LABEL: func.func @batched
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x24xf32>
// CHECK-SAME: %[[I:[^:]*]]: tensor<?x3xi64>
// CHECK-SAME: %[[W:[^:]*]]: tensor<?x3xf32>
// CHECK: %[[GU:.*]] = onnx.Initializer "gate_up"
// CHECK: %[[D:.*]] = onnx.Initializer "down"
// CHECK-NOT: onnx.MatMul
// CHECK: %[[Y:.*]] = trine.moe.experts %[[X]] routed(%[[I]], %[[W]] : tensor<?x3xi64>, tensor<?x3xf32>) weights(%[[GU]], %[[D]] : tensor<5x20x24xf32>, tensor<5x24x10xf32>)
// CHECK-SAME: activation silu_gated gate_up concatenated {{.*}}trine.form = "experts-batched"
// CHECK: return %[[Y]]
func.func @batched(%x: tensor<?x24xf32> {onnx.name = "x", onnx.dims = ["n", 24]}, %i: tensor<?x3xi64> {onnx.name = "i", onnx.dims = ["n", 3]},
                   %w: tensor<?x3xf32> {onnx.name = "w", onnx.dims = ["n", 3]}) -> tensor<?x24xf32> {
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 9600 : tensor<5x20x24xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 9600 length 4800 : tensor<5x24x10xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c10 = onnx.Constant dense<10> : tensor<1xi64>
  %c20 = onnx.Constant dense<20> : tensor<1xi64>
  %s1 = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %s124 = onnx.Constant dense<[-1, 1, 24]> : tensor<3xi64>
  %e3 = onnx.Constant dense<[1, 3, 1]> : tensor<3xi64>
  %s241 = onnx.Constant dense<[-1, 24, 1]> : tensor<3xi64>
  %s20 = onnx.Constant dense<[-1, 20]> : tensor<2xi64>
  %s101 = onnx.Constant dense<[-1, 10, 1]> : tensor<3xi64>
  %s24 = onnx.Constant dense<[-1, 24]> : tensor<2xi64>
  %s324 = onnx.Constant dense<[-1, 3, 24]> : tensor<3xi64>
  %ids = onnx.Reshape(%i, %s1) {allowzero = 1 : i64} : (tensor<?x3xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %gg = onnx.GatherND(%gu, %ids) : (tensor<5x20x24xf32>, tensor<?x1xi64>) -> tensor<?x20x24xf32>
  %x1 = onnx.Reshape(%x, %s124) {allowzero = 1 : i64} : (tensor<?x24xf32>, tensor<3xi64>) -> tensor<?x1x24xf32>
  %x2 = onnx.Expand(%x1, %e3) : (tensor<?x1x24xf32>, tensor<3xi64>) -> tensor<?x3x24xf32>
  %x3 = onnx.Reshape(%x2, %s241) {allowzero = 1 : i64} : (tensor<?x3x24xf32>, tensor<3xi64>) -> tensor<?x24x1xf32>
  %p = onnx.MatMul(%gg, %x3) : (tensor<?x20x24xf32>, tensor<?x24x1xf32>) -> tensor<?x20x1xf32>
  %p2 = onnx.Reshape(%p, %s20) {allowzero = 1 : i64} : (tensor<?x20x1xf32>, tensor<2xi64>) -> tensor<?x20xf32>
  %g = onnx.Slice(%p2, %c0, %c10, %c1, %c1) : (tensor<?x20xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x10xf32>
  %u = onnx.Slice(%p2, %c10, %c20, %c1, %c1) : (tensor<?x20xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x10xf32>
  %sg = onnx.Sigmoid(%g) : (tensor<?x10xf32>) -> tensor<?x10xf32>
  %a = onnx.Mul(%g, %sg) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %h = onnx.Mul(%a, %u) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %gd = onnx.GatherND(%d, %ids) : (tensor<5x24x10xf32>, tensor<?x1xi64>) -> tensor<?x24x10xf32>
  %h1 = onnx.Reshape(%h, %s101) {allowzero = 1 : i64} : (tensor<?x10xf32>, tensor<3xi64>) -> tensor<?x10x1xf32>
  %o = onnx.MatMul(%gd, %h1) : (tensor<?x24x10xf32>, tensor<?x10x1xf32>) -> tensor<?x24x1xf32>
  %o2 = onnx.Reshape(%o, %s24) {allowzero = 1 : i64} : (tensor<?x24x1xf32>, tensor<2xi64>) -> tensor<?x24xf32>
  %w1 = onnx.Reshape(%w, %s1) {allowzero = 1 : i64} : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %ow = onnx.Mul(%o2, %w1) : (tensor<?x24xf32>, tensor<?x1xf32>) -> tensor<?x24xf32>
  %ow3 = onnx.Reshape(%ow, %s324) {allowzero = 1 : i64} : (tensor<?x24xf32>, tensor<3xi64>) -> tensor<?x3x24xf32>
  %y = onnx.ReduceSum(%ow3, %c1) {keepdims = 0 : i64} : (tensor<?x3x24xf32>, tensor<1xi64>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}

// -----

// Row times matrix, stacks stored the other way round; biases, limits, interleaved gate and up, swish with alpha and beta; weights gathered by [n, k].
// CHECK-LABEL: func.func @biased
// CHECK-DAG: %[[GU:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 0, 2, 1>} : (tensor<5x24x20xf32>) -> tensor<5x20x24xf32>
// CHECK-DAG: %[[D:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 0, 2, 1>} : (tensor<5x10x24xf32>) -> tensor<5x24x10xf32>
// CHECK: trine.moe.experts %arg0 routed(%arg1, %arg2 : tensor<?x2xi64>, tensor<?x2xf32>) weights(%[[GU]], %[[D]]
// CHECK-SAME: gate_up_bias(%{{.*}} : tensor<5x20xf32>) down_bias(%{{.*}} : tensor<5x24xf32>) activation silu_gated gate_up interleaved clamp 7.000000e+00
// CHECK-SAME: alpha = 1.70{{.*}} beta = 1.000000e+00
func.func @biased(%x: tensor<?x24xf32> {onnx.name = "x", onnx.dims = ["n", 24]}, %i: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                  %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x24xf32> {
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 9600 : tensor<5x24x20xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 9600 length 4800 : tensor<5x10x24xf32>
  %bg = onnx.Initializer "gate_up_bias" from "m.onnx" at 14400 length 400 : tensor<5x20xf32>
  %bd = onnx.Initializer "down_bias" from "m.onnx" at 14800 length 480 : tensor<5x24xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c20 = onnx.Constant dense<20> : tensor<1xi64>
  %alpha = onnx.Constant dense<1.702> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %high = onnx.Constant dense<7.0> : tensor<f32>
  %low = onnx.Constant dense<-7.0> : tensor<f32>
  %none = onnx.None
  %s11d = onnx.Constant dense<[-1, 1, 1, 24]> : tensor<4xi64>
  %s1 = onnx.Constant dense<[-1, 2, 1]> : tensor<3xi64>
  %s120 = onnx.Constant dense<[-1, 2, 1, 20]> : tensor<4xi64>
  %s124 = onnx.Constant dense<[-1, 2, 1, 24]> : tensor<4xi64>
  %s24 = onnx.Constant dense<[-1, 2, 24]> : tensor<3xi64>
  %gg = onnx.Gather(%gu, %i) : (tensor<5x24x20xf32>, tensor<?x2xi64>) -> tensor<?x2x24x20xf32>
  %x1 = onnx.Reshape(%x, %s11d) {allowzero = 1 : i64} : (tensor<?x24xf32>, tensor<4xi64>) -> tensor<?x1x1x24xf32>
  %p = onnx.MatMul(%x1, %gg) : (tensor<?x1x1x24xf32>, tensor<?x2x24x20xf32>) -> tensor<?x2x1x20xf32>
  %gb = onnx.Gather(%bg, %i) : (tensor<5x20xf32>, tensor<?x2xi64>) -> tensor<?x2x20xf32>
  %gb2 = onnx.Reshape(%gb, %s120) {allowzero = 1 : i64} : (tensor<?x2x20xf32>, tensor<4xi64>) -> tensor<?x2x1x20xf32>
  %pb = onnx.Add(%p, %gb2) : (tensor<?x2x1x20xf32>, tensor<?x2x1x20xf32>) -> tensor<?x2x1x20xf32>
  %g0 = onnx.Slice(%pb, %c0, %c20, %c3, %c2) : (tensor<?x2x1x20xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2x1x10xf32>
  %u0 = onnx.Slice(%pb, %c1, %c20, %c3, %c2) : (tensor<?x2x1x20xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2x1x10xf32>
  %g = onnx.Clip(%g0, %none, %high) : (tensor<?x2x1x10xf32>, none, tensor<f32>) -> tensor<?x2x1x10xf32>
  %u = onnx.Clip(%u0, %low, %high) : (tensor<?x2x1x10xf32>, tensor<f32>, tensor<f32>) -> tensor<?x2x1x10xf32>
  %ga = onnx.Mul(%g, %alpha) : (tensor<?x2x1x10xf32>, tensor<f32>) -> tensor<?x2x1x10xf32>
  %sg = onnx.Sigmoid(%ga) : (tensor<?x2x1x10xf32>) -> tensor<?x2x1x10xf32>
  %a = onnx.Mul(%g, %sg) : (tensor<?x2x1x10xf32>, tensor<?x2x1x10xf32>) -> tensor<?x2x1x10xf32>
  %u1 = onnx.Add(%u, %one) : (tensor<?x2x1x10xf32>, tensor<f32>) -> tensor<?x2x1x10xf32>
  %h = onnx.Mul(%u1, %a) : (tensor<?x2x1x10xf32>, tensor<?x2x1x10xf32>) -> tensor<?x2x1x10xf32>
  %gd = onnx.Gather(%d, %i) : (tensor<5x10x24xf32>, tensor<?x2xi64>) -> tensor<?x2x10x24xf32>
  %o = onnx.MatMul(%h, %gd) : (tensor<?x2x1x10xf32>, tensor<?x2x10x24xf32>) -> tensor<?x2x1x24xf32>
  %db = onnx.Gather(%bd, %i) : (tensor<5x24xf32>, tensor<?x2xi64>) -> tensor<?x2x24xf32>
  %db2 = onnx.Reshape(%db, %s124) {allowzero = 1 : i64} : (tensor<?x2x24xf32>, tensor<4xi64>) -> tensor<?x2x1x24xf32>
  %ob = onnx.Add(%o, %db2) : (tensor<?x2x1x24xf32>, tensor<?x2x1x24xf32>) -> tensor<?x2x1x24xf32>
  %o3 = onnx.Reshape(%ob, %s24) {allowzero = 1 : i64} : (tensor<?x2x1x24xf32>, tensor<3xi64>) -> tensor<?x2x24xf32>
  %w1 = onnx.Reshape(%w, %s1) {allowzero = 1 : i64} : (tensor<?x2xf32>, tensor<3xi64>) -> tensor<?x2x1xf32>
  %ow = onnx.Mul(%w1, %o3) : (tensor<?x2x1xf32>, tensor<?x2x24xf32>) -> tensor<?x2x24xf32>
  %y = onnx.ReduceSum(%ow, %c1) {keepdims = 0 : i64} : (tensor<?x2x24xf32>, tensor<1xi64>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}

// -----

// Gate and up as columns of pairs: [.., I, 2], both of size 1.
// CHECK-LABEL: func.func @pairs
// CHECK: trine.moe.experts %arg0 routed(%arg1, %arg2 : tensor<?x3xi64>, tensor<?x3xf32>) weights({{.*}} : tensor<5x20x24xf32>, tensor<5x24x10xf32>)
// CHECK-SAME: gate_up interleaved {trine.form = "experts-batched"}
// CHECK-NOT: onnx.MatMul
func.func @pairs(%x: tensor<?x24xf32> {onnx.name = "x", onnx.dims = ["n", 24]}, %i: tensor<?x3xi64> {onnx.name = "i", onnx.dims = ["n", 3]},
                   %w: tensor<?x3xf32> {onnx.name = "w", onnx.dims = ["n", 3]}) -> tensor<?x24xf32> {
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 9600 : tensor<5x20x24xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 9600 length 4800 : tensor<5x24x10xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c10 = onnx.Constant dense<10> : tensor<1xi64>
  %c20 = onnx.Constant dense<20> : tensor<1xi64>
  %s1 = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %s124 = onnx.Constant dense<[-1, 1, 24]> : tensor<3xi64>
  %e3 = onnx.Constant dense<[1, 3, 1]> : tensor<3xi64>
  %s241 = onnx.Constant dense<[-1, 24, 1]> : tensor<3xi64>
  %s20 = onnx.Constant dense<[-1, 20]> : tensor<2xi64>
  %s101 = onnx.Constant dense<[-1, 10, 1]> : tensor<3xi64>
  %s24 = onnx.Constant dense<[-1, 24]> : tensor<2xi64>
  %s324 = onnx.Constant dense<[-1, 3, 24]> : tensor<3xi64>
  %ids = onnx.Reshape(%i, %s1) {allowzero = 1 : i64} : (tensor<?x3xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %gg = onnx.GatherND(%gu, %ids) : (tensor<5x20x24xf32>, tensor<?x1xi64>) -> tensor<?x20x24xf32>
  %x1 = onnx.Reshape(%x, %s124) {allowzero = 1 : i64} : (tensor<?x24xf32>, tensor<3xi64>) -> tensor<?x1x24xf32>
  %x2 = onnx.Expand(%x1, %e3) : (tensor<?x1x24xf32>, tensor<3xi64>) -> tensor<?x3x24xf32>
  %x3 = onnx.Reshape(%x2, %s241) {allowzero = 1 : i64} : (tensor<?x3x24xf32>, tensor<3xi64>) -> tensor<?x24x1xf32>
  %p = onnx.MatMul(%gg, %x3) : (tensor<?x20x24xf32>, tensor<?x24x1xf32>) -> tensor<?x20x1xf32>
  %p2 = onnx.Reshape(%p, %s20) {allowzero = 1 : i64} : (tensor<?x20x1xf32>, tensor<2xi64>) -> tensor<?x20xf32>
  %il = onnx.Constant dense<[-1, 10, 2]> : tensor<3xi64>
  %fl = onnx.Constant dense<[-1, 10]> : tensor<2xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %p3 = onnx.Reshape(%p2, %il) {allowzero = 1 : i64} : (tensor<?x20xf32>, tensor<3xi64>) -> tensor<?x10x2xf32>
  %g0 = onnx.Slice(%p3, %c0, %c1, %c2, %c1) : (tensor<?x10x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x10x1xf32>
  %g = onnx.Reshape(%g0, %fl) {allowzero = 1 : i64} : (tensor<?x10x1xf32>, tensor<2xi64>) -> tensor<?x10xf32>
  %u0 = onnx.Slice(%p3, %c1, %c2, %c2, %c1) : (tensor<?x10x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x10x1xf32>
  %u = onnx.Reshape(%u0, %fl) {allowzero = 1 : i64} : (tensor<?x10x1xf32>, tensor<2xi64>) -> tensor<?x10xf32>
  %sg = onnx.Sigmoid(%g) : (tensor<?x10xf32>) -> tensor<?x10xf32>
  %a = onnx.Mul(%g, %sg) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %h = onnx.Mul(%a, %u) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %gd = onnx.GatherND(%d, %ids) : (tensor<5x24x10xf32>, tensor<?x1xi64>) -> tensor<?x24x10xf32>
  %h1 = onnx.Reshape(%h, %s101) {allowzero = 1 : i64} : (tensor<?x10xf32>, tensor<3xi64>) -> tensor<?x10x1xf32>
  %o = onnx.MatMul(%gd, %h1) : (tensor<?x24x10xf32>, tensor<?x10x1xf32>) -> tensor<?x24x1xf32>
  %o2 = onnx.Reshape(%o, %s24) {allowzero = 1 : i64} : (tensor<?x24x1xf32>, tensor<2xi64>) -> tensor<?x24xf32>
  %w1 = onnx.Reshape(%w, %s1) {allowzero = 1 : i64} : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %ow = onnx.Mul(%o2, %w1) : (tensor<?x24xf32>, tensor<?x1xf32>) -> tensor<?x24xf32>
  %ow3 = onnx.Reshape(%ow, %s324) {allowzero = 1 : i64} : (tensor<?x24xf32>, tensor<3xi64>) -> tensor<?x3x24xf32>
  %y = onnx.ReduceSum(%ow3, %c1) {keepdims = 0 : i64} : (tensor<?x3x24xf32>, tensor<1xi64>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}

// -----

// Four tokens, whose number is known.
// CHECK-LABEL: func.func @fixed
// CHECK: trine.moe.experts %arg0 routed(%arg1, %arg2 : tensor<4x3xi64>, tensor<4x3xf32>)
// CHECK-NOT: onnx.MatMul
func.func @fixed(%x: tensor<4x24xf32> {onnx.name = "x", onnx.dims = [4, 24]}, %i: tensor<4x3xi64>,
                   %w: tensor<4x3xf32> {onnx.name = "w", onnx.dims = [4, 3]}) -> tensor<*xf32> {
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 9600 : tensor<5x20x24xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 9600 length 4800 : tensor<5x24x10xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c10 = onnx.Constant dense<10> : tensor<1xi64>
  %c20 = onnx.Constant dense<20> : tensor<1xi64>
  %s1 = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %s124 = onnx.Constant dense<[4, 1, 1, 24]> : tensor<4xi64>
  %e3 = onnx.Constant dense<[1, 3, 1, 1]> : tensor<4xi64>
  %s241 = onnx.Constant dense<[-1, 24, 1]> : tensor<3xi64>
  %s20 = onnx.Constant dense<[-1, 20]> : tensor<2xi64>
  %s101 = onnx.Constant dense<[-1, 10, 1]> : tensor<3xi64>
  %s24 = onnx.Constant dense<[-1, 24]> : tensor<2xi64>
  %s324 = onnx.Constant dense<[-1, 3, 24]> : tensor<3xi64>
  %ids = onnx.Reshape(%i, %s1) {allowzero = 1 : i64} : (tensor<4x3xi64>, tensor<2xi64>) -> tensor<*xi64>
  %gg = onnx.GatherND(%gu, %ids) : (tensor<5x20x24xf32>, tensor<*xi64>) -> tensor<*xf32>
  %x1 = onnx.Reshape(%x, %s124) {allowzero = 1 : i64} : (tensor<4x24xf32>, tensor<4xi64>) -> tensor<*xf32>
  %x2 = onnx.Expand(%x1, %e3) : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %x3 = onnx.Reshape(%x2, %s241) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  %p = onnx.MatMul(%gg, %x3) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %p2 = onnx.Reshape(%p, %s20) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<2xi64>) -> tensor<*xf32>
  %g = onnx.Slice(%p2, %c0, %c10, %c1, %c1) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %u = onnx.Slice(%p2, %c10, %c20, %c1, %c1) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %sg = onnx.Sigmoid(%g) : (tensor<*xf32>) -> tensor<*xf32>
  %a = onnx.Mul(%g, %sg) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %h = onnx.Mul(%a, %u) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %gd = onnx.GatherND(%d, %ids) : (tensor<5x24x10xf32>, tensor<*xi64>) -> tensor<*xf32>
  %h1 = onnx.Reshape(%h, %s101) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  %o = onnx.MatMul(%gd, %h1) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %o2 = onnx.Reshape(%o, %s24) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<2xi64>) -> tensor<*xf32>
  %w1 = onnx.Reshape(%w, %s1) {allowzero = 1 : i64} : (tensor<4x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  %ow = onnx.Mul(%o2, %w1) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %ow3 = onnx.Reshape(%ow, %s324) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  %y = onnx.ReduceSum(%ow3, %c1) {keepdims = 0 : i64} : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
