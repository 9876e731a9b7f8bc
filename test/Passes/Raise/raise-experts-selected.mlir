// RUN: trine-opt %s --trine-raise-experts --split-input-file | FileCheck %s

// Each expert on the tokens that compare equal, rows added by ScatterND.
// CHECK-LABEL: func.func @selected
// CHECK: %[[I:.*]] = onnx.Clip(%arg1
// CHECK-NOT: onnx.NonZero
// CHECK: %[[Y:.*]] = trine.moe.experts %arg0 routed(%[[I]], %arg2 : tensor<?x2xi64>, tensor<?x2xf32>) weights(%{{.*}}, %{{.*}} : tensor<3x12x8xf32>, tensor<3x8x6xf32>)
// CHECK-SAME: activation silu_gated gate_up concatenated {{.*}}trine.form = "experts-selected"
// CHECK-NEXT: return %[[Y]]
func.func @selected(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %chosen: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                 %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x8xf32> {
  %wg0 = onnx.Initializer "wg0" from "m.onnx" at 0 length 192 : tensor<8x6xf32>
  %wu0 = onnx.Initializer "wu0" from "m.onnx" at 192 length 192 : tensor<8x6xf32>
  %wd0 = onnx.Initializer "wd0" from "m.onnx" at 384 length 192 : tensor<6x8xf32>
  %wg1 = onnx.Initializer "wg1" from "m.onnx" at 576 length 192 : tensor<8x6xf32>
  %wu1 = onnx.Initializer "wu1" from "m.onnx" at 768 length 192 : tensor<8x6xf32>
  %wd1 = onnx.Initializer "wd1" from "m.onnx" at 960 length 192 : tensor<6x8xf32>
  %wg2 = onnx.Initializer "wg2" from "m.onnx" at 1152 length 192 : tensor<8x6xf32>
  %wu2 = onnx.Initializer "wu2" from "m.onnx" at 1344 length 192 : tensor<8x6xf32>
  %wd2 = onnx.Initializer "wd2" from "m.onnx" at 1536 length 192 : tensor<6x8xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %flat = onnx.Constant dense<-1> : tensor<1xi64>
  %col = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %s18 = onnx.Constant dense<[1, -1, 8]> : tensor<3xi64>
  %s8 = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %size = onnx.Shape(%x) : (tensor<?x8xf32>) -> tensor<2xi64>
  %y = onnx.Expand(%f0, %size) : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %i = onnx.Clip(%chosen, %e0, %e2) : (tensor<?x2xi64>, tensor<i64>, tensor<i64>) -> tensor<?x2xi64>
  %m0 = onnx.Equal(%i, %e0) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %nz0 = onnx.NonZero(%m0) : (tensor<?x2xi1>) -> tensor<2x?xi64>
  %tokt0 = onnx.Transpose(%nz0) {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %toks0 = onnx.Slice(%tokt0, %c0, %c1, %c1, %c1) : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %tok0 = onnx.Reshape(%toks0, %flat) {allowzero = 1 : i64} : (tensor<?x1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %tokc0 = onnx.Reshape(%tok0, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %slott0 = onnx.Transpose(%nz0) {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %slots0 = onnx.Slice(%slott0, %c1, %c2, %c1, %c1) : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %slot0 = onnx.Reshape(%slots0, %flat) {allowzero = 1 : i64} : (tensor<?x1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %slotc0 = onnx.Reshape(%slot0, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %r0 = onnx.Gather(%x, %tok0) : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %g0 = onnx.MatMul(%r0, %wg0) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %sg0 = onnx.Sigmoid(%g0) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a0 = onnx.Mul(%g0, %sg0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %u0 = onnx.MatMul(%r0, %wu0) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %h0 = onnx.Mul(%a0, %u0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o0 = onnx.MatMul(%h0, %wd0) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %at0 = onnx.Concat(%tokc0, %slotc0) {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %k00 = onnx.GatherND(%w, %at0) : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %k0 = onnx.Reshape(%k00, %col) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %t0 = onnx.Mul(%o0, %k0) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y0 = onnx.ScatterND(%y, %tokc0, %t0) {reduction = "add"} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = onnx.Equal(%i, %e1) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %nz1 = onnx.NonZero(%m1) : (tensor<?x2xi1>) -> tensor<2x?xi64>
  %tokt1 = onnx.Transpose(%nz1) {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %toks1 = onnx.Slice(%tokt1, %c0, %c1, %c1, %c1) : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %tok1 = onnx.Reshape(%toks1, %flat) {allowzero = 1 : i64} : (tensor<?x1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %tokc1 = onnx.Reshape(%tok1, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %slott1 = onnx.Transpose(%nz1) {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %slots1 = onnx.Slice(%slott1, %c1, %c2, %c1, %c1) : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %slot1 = onnx.Reshape(%slots1, %flat) {allowzero = 1 : i64} : (tensor<?x1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %slotc1 = onnx.Reshape(%slot1, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %r1 = onnx.Gather(%x, %tok1) : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %g1 = onnx.MatMul(%r1, %wg1) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %sg1 = onnx.Sigmoid(%g1) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a1 = onnx.Mul(%g1, %sg1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %u1 = onnx.MatMul(%r1, %wu1) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %h1 = onnx.Mul(%a1, %u1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o1 = onnx.MatMul(%h1, %wd1) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %at1 = onnx.Concat(%tokc1, %slotc1) {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %k01 = onnx.GatherND(%w, %at1) : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %k1 = onnx.Reshape(%k01, %col) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %t1 = onnx.Mul(%o1, %k1) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y1 = onnx.ScatterND(%y0, %tokc1, %t1) {reduction = "add"} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %m2 = onnx.Equal(%i, %e2) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %nz2 = onnx.NonZero(%m2) : (tensor<?x2xi1>) -> tensor<2x?xi64>
  %tokt2 = onnx.Transpose(%nz2) {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %toks2 = onnx.Slice(%tokt2, %c0, %c1, %c1, %c1) : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %tok2 = onnx.Reshape(%toks2, %flat) {allowzero = 1 : i64} : (tensor<?x1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %tokc2 = onnx.Reshape(%tok2, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %slott2 = onnx.Transpose(%nz2) {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %slots2 = onnx.Slice(%slott2, %c1, %c2, %c1, %c1) : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %slot2 = onnx.Reshape(%slots2, %flat) {allowzero = 1 : i64} : (tensor<?x1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %slotc2 = onnx.Reshape(%slot2, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %r2 = onnx.Gather(%x, %tok2) : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %g2 = onnx.MatMul(%r2, %wg2) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %sg2 = onnx.Sigmoid(%g2) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a2 = onnx.Mul(%g2, %sg2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %u2 = onnx.MatMul(%r2, %wu2) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %h2 = onnx.Mul(%a2, %u2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o2 = onnx.MatMul(%h2, %wd2) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %at2 = onnx.Concat(%tokc2, %slotc2) {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %k02 = onnx.GatherND(%w, %at2) : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %k2 = onnx.Reshape(%k02, %col) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %t2 = onnx.Mul(%o2, %k2) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y2 = onnx.ScatterND(%y1, %tokc2, %t2) {reduction = "add"} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y2 : tensor<?x8xf32>
}

// -----

// The same by one-hot with experts in front, rows of a tensor with a leading dimension of 1, and ScatterElements.
// CHECK-LABEL: func.func @one_hot
// CHECK: %[[I:.*]] = onnx.Clip(%arg1
// CHECK-NOT: onnx.NonZero
// CHECK: trine.moe.experts %arg0 routed(%[[I]], %arg2 : tensor<?x2xi64>, tensor<?x2xf32>)
// CHECK-SAME: trine.form = "experts-selected"
// CHECK-NOT: onnx.Scatter
func.func @one_hot(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %chosen: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                 %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x8xf32> {
  %wg0 = onnx.Initializer "wg0" from "m.onnx" at 0 length 192 : tensor<8x6xf32>
  %wu0 = onnx.Initializer "wu0" from "m.onnx" at 192 length 192 : tensor<8x6xf32>
  %wd0 = onnx.Initializer "wd0" from "m.onnx" at 384 length 192 : tensor<6x8xf32>
  %wg1 = onnx.Initializer "wg1" from "m.onnx" at 576 length 192 : tensor<8x6xf32>
  %wu1 = onnx.Initializer "wu1" from "m.onnx" at 768 length 192 : tensor<8x6xf32>
  %wd1 = onnx.Initializer "wd1" from "m.onnx" at 960 length 192 : tensor<6x8xf32>
  %wg2 = onnx.Initializer "wg2" from "m.onnx" at 1152 length 192 : tensor<8x6xf32>
  %wu2 = onnx.Initializer "wu2" from "m.onnx" at 1344 length 192 : tensor<8x6xf32>
  %wd2 = onnx.Initializer "wd2" from "m.onnx" at 1536 length 192 : tensor<6x8xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %flat = onnx.Constant dense<-1> : tensor<1xi64>
  %col = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %s18 = onnx.Constant dense<[1, -1, 8]> : tensor<3xi64>
  %s8 = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %size = onnx.Shape(%x) : (tensor<?x8xf32>) -> tensor<2xi64>
  %y = onnx.Expand(%f0, %size) : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %depth = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %two = onnx.Constant dense<[1, 8]> : tensor<2xi64>
  %m2n = onnx.Constant dense<[2, -1]> : tensor<2xi64>
  %i = onnx.Clip(%chosen, %e0, %e2) : (tensor<?x2xi64>, tensor<i64>, tensor<i64>) -> tensor<?x2xi64>
  %oh = onnx.OneHot(%i, %depth, %offon) : (tensor<?x2xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x2x3xi64>
  %mask = onnx.Transpose(%oh) {perm = array<i64: 2, 1, 0>} : (tensor<?x2x3xi64>) -> tensor<3x2x?xi64>
  %x1 = onnx.Reshape(%x, %s18) {allowzero = 1 : i64} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<1x?x8xf32>
  %ms0 = onnx.Slice(%mask, %c0, %c1, %c0, %c1) : (tensor<3x2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x2x?xi64>
  %m0 = onnx.Reshape(%ms0, %m2n) {allowzero = 1 : i64} : (tensor<1x2x?xi64>, tensor<2xi64>) -> tensor<2x?xi64>
  %nz0 = onnx.NonZero(%m0) : (tensor<2x?xi64>) -> tensor<2x?xi64>
  %toks0 = onnx.Slice(%nz0, %c1, %c2, %c0, %c1) : (tensor<2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %tok0 = onnx.Reshape(%toks0, %flat) {allowzero = 1 : i64} : (tensor<1x?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %tokc0 = onnx.Reshape(%tok0, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %slots0 = onnx.Slice(%nz0, %c0, %c1, %c0, %c1) : (tensor<2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %slot0 = onnx.Reshape(%slots0, %flat) {allowzero = 1 : i64} : (tensor<1x?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %slotc0 = onnx.Reshape(%slot0, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %r00 = onnx.Gather(%x1, %tok0) {axis = 1 : i64} : (tensor<1x?x8xf32>, tensor<?xi64>) -> tensor<1x?x8xf32>
  %r0 = onnx.Reshape(%r00, %s8) {allowzero = 1 : i64} : (tensor<1x?x8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %g0 = onnx.MatMul(%r0, %wg0) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %sg0 = onnx.Sigmoid(%g0) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a0 = onnx.Mul(%g0, %sg0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %u0 = onnx.MatMul(%r0, %wu0) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %h0 = onnx.Mul(%a0, %u0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o0 = onnx.MatMul(%h0, %wd0) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %at0 = onnx.Concat(%tokc0, %slotc0) {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %k00 = onnx.GatherND(%w, %at0) : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %k0 = onnx.Reshape(%k00, %col) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %t0 = onnx.Mul(%o0, %k0) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %ix0 = onnx.Expand(%tokc0, %two) : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x8xi64>
  %y0 = onnx.ScatterElements(%y, %ix0, %t0) {reduction = "add"} : (tensor<?x8xf32>, tensor<?x8xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %ms1 = onnx.Slice(%mask, %c1, %c2, %c0, %c1) : (tensor<3x2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x2x?xi64>
  %m1 = onnx.Reshape(%ms1, %m2n) {allowzero = 1 : i64} : (tensor<1x2x?xi64>, tensor<2xi64>) -> tensor<2x?xi64>
  %nz1 = onnx.NonZero(%m1) : (tensor<2x?xi64>) -> tensor<2x?xi64>
  %toks1 = onnx.Slice(%nz1, %c1, %c2, %c0, %c1) : (tensor<2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %tok1 = onnx.Reshape(%toks1, %flat) {allowzero = 1 : i64} : (tensor<1x?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %tokc1 = onnx.Reshape(%tok1, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %slots1 = onnx.Slice(%nz1, %c0, %c1, %c0, %c1) : (tensor<2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %slot1 = onnx.Reshape(%slots1, %flat) {allowzero = 1 : i64} : (tensor<1x?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %slotc1 = onnx.Reshape(%slot1, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %r01 = onnx.Gather(%x1, %tok1) {axis = 1 : i64} : (tensor<1x?x8xf32>, tensor<?xi64>) -> tensor<1x?x8xf32>
  %r1 = onnx.Reshape(%r01, %s8) {allowzero = 1 : i64} : (tensor<1x?x8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %g1 = onnx.MatMul(%r1, %wg1) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %sg1 = onnx.Sigmoid(%g1) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a1 = onnx.Mul(%g1, %sg1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %u1 = onnx.MatMul(%r1, %wu1) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %h1 = onnx.Mul(%a1, %u1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o1 = onnx.MatMul(%h1, %wd1) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %at1 = onnx.Concat(%tokc1, %slotc1) {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %k01 = onnx.GatherND(%w, %at1) : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %k1 = onnx.Reshape(%k01, %col) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %t1 = onnx.Mul(%o1, %k1) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %ix1 = onnx.Expand(%tokc1, %two) : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x8xi64>
  %y1 = onnx.ScatterElements(%y0, %ix1, %t1) {reduction = "add"} : (tensor<?x8xf32>, tensor<?x8xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %ms2 = onnx.Slice(%mask, %c2, %c3, %c0, %c1) : (tensor<3x2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x2x?xi64>
  %m2 = onnx.Reshape(%ms2, %m2n) {allowzero = 1 : i64} : (tensor<1x2x?xi64>, tensor<2xi64>) -> tensor<2x?xi64>
  %nz2 = onnx.NonZero(%m2) : (tensor<2x?xi64>) -> tensor<2x?xi64>
  %toks2 = onnx.Slice(%nz2, %c1, %c2, %c0, %c1) : (tensor<2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %tok2 = onnx.Reshape(%toks2, %flat) {allowzero = 1 : i64} : (tensor<1x?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %tokc2 = onnx.Reshape(%tok2, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %slots2 = onnx.Slice(%nz2, %c0, %c1, %c0, %c1) : (tensor<2x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %slot2 = onnx.Reshape(%slots2, %flat) {allowzero = 1 : i64} : (tensor<1x?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %slotc2 = onnx.Reshape(%slot2, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %r02 = onnx.Gather(%x1, %tok2) {axis = 1 : i64} : (tensor<1x?x8xf32>, tensor<?xi64>) -> tensor<1x?x8xf32>
  %r2 = onnx.Reshape(%r02, %s8) {allowzero = 1 : i64} : (tensor<1x?x8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %g2 = onnx.MatMul(%r2, %wg2) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %sg2 = onnx.Sigmoid(%g2) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a2 = onnx.Mul(%g2, %sg2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %u2 = onnx.MatMul(%r2, %wu2) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %h2 = onnx.Mul(%a2, %u2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o2 = onnx.MatMul(%h2, %wd2) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %at2 = onnx.Concat(%tokc2, %slotc2) {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %k02 = onnx.GatherND(%w, %at2) : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %k2 = onnx.Reshape(%k02, %col) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %t2 = onnx.Mul(%o2, %k2) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %ix2 = onnx.Expand(%tokc2, %two) : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x8xi64>
  %y2 = onnx.ScatterElements(%y1, %ix2, %t2) {reduction = "add"} : (tensor<?x8xf32>, tensor<?x8xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y2 : tensor<?x8xf32>
}
