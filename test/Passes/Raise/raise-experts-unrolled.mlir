// RUN: trine-opt %s --trine-raise-experts --split-input-file | FileCheck %s

// Slots sorted by expert, one product per expert over a range of rows: rows by a histogram and its running sums.
// CHECK-LABEL: func.func @grouped
// CHECK-DAG: %[[GU:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 0, 2, 1>} : (tensor<3x8x12xf32>) -> tensor<3x12x8xf32>
// CHECK-DAG: %[[D:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 0, 2, 1>} : (tensor<3x6x8xf32>) -> tensor<3x8x6xf32>
// CHECK-NOT: onnx.MatMul
// CHECK: %[[Y:.*]] = trine.moe.experts %arg0 routed(%arg1, %arg2 : tensor<?x2xi64>, tensor<?x2xf32>) weights(%[[GU]], %[[D]] : tensor<3x12x8xf32>, tensor<3x8x6xf32>)
// CHECK-SAME: activation silu_gated gate_up concatenated {{.*}}trine.form = "experts-grouped"
// CHECK-NOT: onnx.TopK
// CHECK: return %[[Y]]
func.func @grouped(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %i: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                   %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x8xf32> {
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 1152 : tensor<3x8x12xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 1152 length 576 : tensor<3x6x8xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64>
  %top = onnx.Constant dense<2> : tensor<i64>
  %k2 = onnx.Constant dense<2> : tensor<i64>
  %k3 = onnx.Constant dense<3> : tensor<i64>
  %no = onnx.Constant dense<false> : tensor<i1>
  %true = onnx.Constant dense<true> : tensor<i1>
  %width = onnx.Constant dense<0.666666687> : tensor<f32>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %scalar = onnx.Constant dense<> : tensor<0xi64>
  %flat = onnx.Constant dense<-1> : tensor<1xi64>
  %col = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %s812 = onnx.Constant dense<[8, 12]> : tensor<2xi64>
  %s68 = onnx.Constant dense<[6, 8]> : tensor<2xi64>
  %s28 = onnx.Constant dense<[-1, 2, 8]> : tensor<3xi64>
  %wf = onnx.Reshape(%w, %flat) {allowzero = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %if = onnx.Reshape(%i, %flat) {allowzero = 1 : i64} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %all = onnx.Shape(%if) : (tensor<?xi64>) -> tensor<1xi64>
  %alls = onnx.Reshape(%all, %scalar) {allowzero = 1 : i64} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %sorted, %order = onnx.TopK(%if, %all) {largest = 0 : i64} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %neg = onnx.Less(%order, %zero) : (tensor<?xi64>, tensor<i64>) -> tensor<?xi1>
  %sign = onnx.Equal(%neg, %true) : (tensor<?xi1>, tensor<i1>) -> tensor<?xi1>
  %rem = onnx.Mod(%order, %k2) : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %remb = onnx.Cast(%rem) {to = 9 : i64} : (tensor<?xi64>) -> tensor<?xi1>
  %both = onnx.And(%sign, %remb) : (tensor<?xi1>, tensor<?xi1>) -> tensor<?xi1>
  %fix = onnx.Cast(%both) {to = 7 : i64} : (tensor<?xi1>) -> tensor<?xi64>
  %quot = onnx.Div(%order, %k2) : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %token = onnx.Sub(%quot, %fix) : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  %tokenc = onnx.Reshape(%token, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND(%x, %tokenc) : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x8xf32>
  %orderc = onnx.Reshape(%order, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %ws = onnx.GatherND(%wf, %orderc) : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %sf = onnx.Cast(%sorted) {to = 1 : i64} : (tensor<?xi64>) -> tensor<?xf32>
  %sb = onnx.Div(%sf, %width) : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %si = onnx.Cast(%sb) {to = 7 : i64} : (tensor<?xf32>) -> tensor<?xi64>
  %bin = onnx.Clip(%si, %zero, %top) : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand(%f1, %all) : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %hist = onnx.ScatterElements(%zeros, %bin, %ones) {reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %hi = onnx.Cast(%hist) {to = 6 : i64} : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum(%hi, %zero) : (tensor<3xi32>, tensor<i64>) -> tensor<3xi32>
  %ends = onnx.Cast(%sums) {to = 7 : i64} : (tensor<3xi32>) -> tensor<3xi64>
  %e0 = onnx.Slice(%ends, %c0, %c1, %c0, %c1) : (tensor<3xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %b0 = onnx.Reshape(%e0, %scalar) {allowzero = 1 : i64} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %r0 = onnx.Range(%zero, %b0, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %e1 = onnx.Slice(%ends, %c1, %c2, %c0, %c1) : (tensor<3xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %b1 = onnx.Reshape(%e1, %scalar) {allowzero = 1 : i64} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %r1 = onnx.Range(%b0, %b1, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %e2 = onnx.Slice(%ends, %c2, %c3, %c0, %c1) : (tensor<3xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %b2 = onnx.Reshape(%e2, %scalar) {allowzero = 1 : i64} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %r2 = onnx.Range(%b1, %b2, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ps0 = onnx.Slice(%gu, %c0, %c1, %c0, %c1) : (tensor<3x8x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x12xf32>
  %pw0 = onnx.Reshape(%ps0, %s812) {allowzero = 1 : i64} : (tensor<1x8x12xf32>, tensor<2xi64>) -> tensor<8x12xf32>
  %px0 = onnx.Gather(%xs, %r0) : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %pp0 = onnx.MatMul(%px0, %pw0) : (tensor<?x8xf32>, tensor<8x12xf32>) -> tensor<?x12xf32>
  %ps1 = onnx.Slice(%gu, %c1, %c2, %c0, %c1) : (tensor<3x8x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x12xf32>
  %pw1 = onnx.Reshape(%ps1, %s812) {allowzero = 1 : i64} : (tensor<1x8x12xf32>, tensor<2xi64>) -> tensor<8x12xf32>
  %px1 = onnx.Gather(%xs, %r1) : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %pp1 = onnx.MatMul(%px1, %pw1) : (tensor<?x8xf32>, tensor<8x12xf32>) -> tensor<?x12xf32>
  %ps2 = onnx.Slice(%gu, %c2, %c3, %c0, %c1) : (tensor<3x8x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x12xf32>
  %pw2 = onnx.Reshape(%ps2, %s812) {allowzero = 1 : i64} : (tensor<1x8x12xf32>, tensor<2xi64>) -> tensor<8x12xf32>
  %px2 = onnx.Gather(%xs, %r2) : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %pp2 = onnx.MatMul(%px2, %pw2) : (tensor<?x8xf32>, tensor<8x12xf32>) -> tensor<?x12xf32>
  %p = onnx.Concat(%pp0, %pp1, %pp2) {axis = 0 : i64} : (tensor<?x12xf32>, tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x12xf32>
  %g = onnx.Slice(%p, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u = onnx.Slice(%p, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg = onnx.Sigmoid(%g) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a = onnx.Mul(%g, %sg) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h = onnx.Mul(%a, %u) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %os0 = onnx.Slice(%d, %c0, %c1, %c0, %c1) : (tensor<3x6x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x6x8xf32>
  %ow0 = onnx.Reshape(%os0, %s68) {allowzero = 1 : i64} : (tensor<1x6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  %ox0 = onnx.Gather(%h, %r0) : (tensor<?x6xf32>, tensor<?xi64>) -> tensor<?x6xf32>
  %op0 = onnx.MatMul(%ox0, %ow0) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %os1 = onnx.Slice(%d, %c1, %c2, %c0, %c1) : (tensor<3x6x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x6x8xf32>
  %ow1 = onnx.Reshape(%os1, %s68) {allowzero = 1 : i64} : (tensor<1x6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  %ox1 = onnx.Gather(%h, %r1) : (tensor<?x6xf32>, tensor<?xi64>) -> tensor<?x6xf32>
  %op1 = onnx.MatMul(%ox1, %ow1) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %os2 = onnx.Slice(%d, %c2, %c3, %c0, %c1) : (tensor<3x6x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x6x8xf32>
  %ow2 = onnx.Reshape(%os2, %s68) {allowzero = 1 : i64} : (tensor<1x6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  %ox2 = onnx.Gather(%h, %r2) : (tensor<?x6xf32>, tensor<?xi64>) -> tensor<?x6xf32>
  %op2 = onnx.MatMul(%ox2, %ow2) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %o = onnx.Concat(%op0, %op1, %op2) {axis = 0 : i64} : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %wsc = onnx.Reshape(%ws, %col) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %ow = onnx.Mul(%o, %wsc) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %blank = onnx.Expand(%zero, %all) : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %count = onnx.Range(%zero, %alls, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %inv = onnx.ScatterND(%blank, %orderc, %count) : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %invc = onnx.Reshape(%inv, %col) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND(%ow, %invc) : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x8xf32>
  %back3 = onnx.Reshape(%back, %s28) {allowzero = 1 : i64} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x8xf32>
  %y = onnx.ReduceSum(%back3, %c1) {keepdims = 0 : i64} : (tensor<?x2x8xf32>, tensor<1xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Every expert on all tokens; a fused product by Gemm; slices of one stack.
// CHECK-LABEL: func.func @dense
// CHECK: %[[I:.*]] = onnx.Clip(%arg1
// CHECK: trine.moe.experts %arg0 routed(%[[I]], %arg2 : tensor<?x2xi64>, tensor<?x2xf32>) weights(%{{.*}}, %{{.*}} : tensor<3x12x8xf32>, tensor<3x8x6xf32>)
// CHECK-SAME: activation silu_gated gate_up concatenated {{.*}}trine.form = "experts-dense"
// CHECK-NOT: onnx.Gemm
func.func @dense(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %chosen: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                 %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x8xf32> {
  %none = onnx.None
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 1152 : tensor<3x12x8xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 1152 length 576 : tensor<3x8x6xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %e5 = onnx.Constant dense<5> : tensor<i64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %s128 = onnx.Constant dense<[12, 8]> : tensor<2xi64>
  %s86 = onnx.Constant dense<[8, 6]> : tensor<2xi64>
  %wgs0 = onnx.Slice(%gu, %c0, %c1, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg0 = onnx.Reshape(%wgs0, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds0 = onnx.Slice(%d, %c0, %c1, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd0 = onnx.Reshape(%wds0, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %wgs1 = onnx.Slice(%gu, %c1, %c2, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg1 = onnx.Reshape(%wgs1, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds1 = onnx.Slice(%d, %c1, %c2, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd1 = onnx.Reshape(%wds1, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %wgs2 = onnx.Slice(%gu, %c2, %c3, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg2 = onnx.Reshape(%wgs2, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds2 = onnx.Slice(%d, %c2, %c3, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd2 = onnx.Reshape(%wds2, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %i = onnx.Clip(%chosen, %e0, %e2) : (tensor<?x2xi64>, tensor<i64>, tensor<i64>) -> tensor<?x2xi64>
  %eq0 = onnx.Equal(%i, %e0) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Where(%eq0, %w, %f0) : (tensor<?x2xi1>, tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %k0 = onnx.ReduceSum(%m0, %last) : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p0 = onnx.Gemm(%x, %wg0, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g0 = onnx.Slice(%p0, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u0 = onnx.Slice(%p0, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg0 = onnx.Sigmoid(%g0) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a0 = onnx.Mul(%g0, %sg0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h0 = onnx.Mul(%a0, %u0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o0 = onnx.Gemm(%h0, %wd0, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t0 = onnx.Mul(%k0, %o0) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y0 = onnx.Add(%t0, %f0) : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %eq1 = onnx.Equal(%i, %e1) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Where(%eq1, %w, %f0) : (tensor<?x2xi1>, tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %k1 = onnx.ReduceSum(%m1, %last) : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p1 = onnx.Gemm(%x, %wg1, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g1 = onnx.Slice(%p1, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u1 = onnx.Slice(%p1, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg1 = onnx.Sigmoid(%g1) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a1 = onnx.Mul(%g1, %sg1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h1 = onnx.Mul(%a1, %u1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o1 = onnx.Gemm(%h1, %wd1, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t1 = onnx.Mul(%k1, %o1) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y1 = onnx.Add(%y0, %t1) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %eq2 = onnx.Equal(%i, %e2) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m2 = onnx.Where(%eq2, %w, %f0) : (tensor<?x2xi1>, tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %k2 = onnx.ReduceSum(%m2, %last) : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p2 = onnx.Gemm(%x, %wg2, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g2 = onnx.Slice(%p2, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u2 = onnx.Slice(%p2, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg2 = onnx.Sigmoid(%g2) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a2 = onnx.Mul(%g2, %sg2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h2 = onnx.Mul(%a2, %u2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o2 = onnx.Gemm(%h2, %wd2, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t2 = onnx.Mul(%k2, %o2) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y2 = onnx.Add(%y1, %t2) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y2 : tensor<?x8xf32>
}

// -----

// Every expert has weights of its own, gate and up apart: they are joined once, at compile time. The sum starts with something else.
// CHECK-LABEL: func.func @separate
// CHECK: %[[G:.*]] = onnx.Concat(%{{.*}}, %{{.*}}) {axis = 0 : i64} : (tensor<1x8x6xf32>, tensor<1x8x6xf32>) -> tensor<2x8x6xf32>
// CHECK: onnx.Concat({{.*}}) {axis = 1 : i64} : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x12x8xf32>
// CHECK: %[[Y:.*]] = trine.moe.experts %arg0
// CHECK: onnx.Add(%[[Y]], %arg3)
func.func @separate(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %chosen: tensor<?x1xi64> {onnx.name = "i", onnx.dims = ["n", 1]},
                    %w: tensor<?x1xf32> {onnx.name = "w", onnx.dims = ["n", 1]}, %z: tensor<?x8xf32> {onnx.name = "z", onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %wg0 = onnx.Initializer "wg0" from "m.onnx" at 0 length 192 : tensor<8x6xf32>
  %wu0 = onnx.Initializer "wu0" from "m.onnx" at 192 length 192 : tensor<8x6xf32>
  %wd0 = onnx.Initializer "wd0" from "m.onnx" at 384 length 192 : tensor<6x8xf32>
  %wg1 = onnx.Initializer "wg1" from "m.onnx" at 576 length 192 : tensor<8x6xf32>
  %wu1 = onnx.Initializer "wu1" from "m.onnx" at 768 length 192 : tensor<8x6xf32>
  %wd1 = onnx.Initializer "wd1" from "m.onnx" at 960 length 192 : tensor<6x8xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %i = onnx.Clip(%chosen, %e0, %e1) : (tensor<?x1xi64>, tensor<i64>, tensor<i64>) -> tensor<?x1xi64>
  %eq0 = onnx.Equal(%i, %e0) : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %m0 = onnx.Where(%eq0, %w, %f0) : (tensor<?x1xi1>, tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %k0 = onnx.ReduceSum(%m0, %last) : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %g0 = onnx.MatMul(%x, %wg0) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %u0 = onnx.MatMul(%x, %wu0) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %a0 = onnx.Relu(%g0) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %h0 = onnx.Mul(%u0, %a0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o0 = onnx.MatMul(%h0, %wd0) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %t0 = onnx.Mul(%o0, %k0) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y0 = onnx.Add(%z, %t0) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %eq1 = onnx.Equal(%i, %e1) : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %m1 = onnx.Where(%eq1, %w, %f0) : (tensor<?x1xi1>, tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %k1 = onnx.ReduceSum(%m1, %last) : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %g1 = onnx.MatMul(%x, %wg1) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %u1 = onnx.MatMul(%x, %wu1) : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
  %a1 = onnx.Relu(%g1) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %h1 = onnx.Mul(%u1, %a1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o1 = onnx.MatMul(%h1, %wd1) : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %t1 = onnx.Mul(%o1, %k1) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y1 = onnx.Add(%y0, %t1) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y1 : tensor<?x8xf32>
}

// -----

// The weights times whether the slot chose the expert.
// CHECK-LABEL: func.func @dense_products
// CHECK: %[[I:.*]] = onnx.Clip(%arg1
// CHECK: trine.moe.experts %arg0 routed(%[[I]], %arg2 : tensor<?x2xi64>, tensor<?x2xf32>)
// CHECK-SAME: trine.form = "experts-dense"
// CHECK-NOT: onnx.Gemm
func.func @dense_products(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %chosen: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                          %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) -> tensor<?x8xf32> {
  %none = onnx.None
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 1152 : tensor<3x12x8xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 1152 length 576 : tensor<3x8x6xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %e5 = onnx.Constant dense<5> : tensor<i64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %s128 = onnx.Constant dense<[12, 8]> : tensor<2xi64>
  %s86 = onnx.Constant dense<[8, 6]> : tensor<2xi64>
  %wgs0 = onnx.Slice(%gu, %c0, %c1, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg0 = onnx.Reshape(%wgs0, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds0 = onnx.Slice(%d, %c0, %c1, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd0 = onnx.Reshape(%wds0, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %wgs1 = onnx.Slice(%gu, %c1, %c2, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg1 = onnx.Reshape(%wgs1, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds1 = onnx.Slice(%d, %c1, %c2, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd1 = onnx.Reshape(%wds1, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %wgs2 = onnx.Slice(%gu, %c2, %c3, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg2 = onnx.Reshape(%wgs2, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds2 = onnx.Slice(%d, %c2, %c3, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd2 = onnx.Reshape(%wds2, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %i = onnx.Clip(%chosen, %e0, %e2) : (tensor<?x2xi64>, tensor<i64>, tensor<i64>) -> tensor<?x2xi64>
  %eq0 = onnx.Equal(%i, %e0) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %c_0 = onnx.Cast(%eq0) {to = 1 : i64} : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %m0 = onnx.Mul(%w, %c_0) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %k0 = onnx.ReduceSum(%m0, %last) : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p0 = onnx.Gemm(%x, %wg0, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g0 = onnx.Slice(%p0, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u0 = onnx.Slice(%p0, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg0 = onnx.Sigmoid(%g0) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a0 = onnx.Mul(%g0, %sg0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h0 = onnx.Mul(%a0, %u0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o0 = onnx.Gemm(%h0, %wd0, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t0 = onnx.Mul(%k0, %o0) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y0 = onnx.Add(%t0, %f0) : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %eq1 = onnx.Equal(%i, %e1) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %c_1 = onnx.Cast(%eq1) {to = 1 : i64} : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %m1 = onnx.Mul(%w, %c_1) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %k1 = onnx.ReduceSum(%m1, %last) : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p1 = onnx.Gemm(%x, %wg1, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g1 = onnx.Slice(%p1, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u1 = onnx.Slice(%p1, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg1 = onnx.Sigmoid(%g1) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a1 = onnx.Mul(%g1, %sg1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h1 = onnx.Mul(%a1, %u1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o1 = onnx.Gemm(%h1, %wd1, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t1 = onnx.Mul(%k1, %o1) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y1 = onnx.Add(%y0, %t1) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %eq2 = onnx.Equal(%i, %e2) : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %c_2 = onnx.Cast(%eq2) {to = 1 : i64} : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %m2 = onnx.Mul(%w, %c_2) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %k2 = onnx.ReduceSum(%m2, %last) : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p2 = onnx.Gemm(%x, %wg2, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g2 = onnx.Slice(%p2, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u2 = onnx.Slice(%p2, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg2 = onnx.Sigmoid(%g2) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a2 = onnx.Mul(%g2, %sg2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h2 = onnx.Mul(%a2, %u2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o2 = onnx.Gemm(%h2, %wd2, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t2 = onnx.Mul(%k2, %o2) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y2 = onnx.Add(%y1, %t2) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y2 : tensor<?x8xf32>
}

// -----

// Columns of the chosen weights, scattered over zeros.
// CHECK-LABEL: func.func @dense_columns
// CHECK: %[[W:.*]], %[[I:.*]] = onnx.TopK(
// CHECK: trine.moe.experts %arg0 routed(%[[I]], %[[W]] : tensor<?x2xi64>, tensor<?x2xf32>)
// CHECK-SAME: trine.form = "experts-dense"
// CHECK-NOT: onnx.Gemm
func.func @dense_columns(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %l: tensor<?x3xf32> {onnx.name = "l", onnx.dims = ["n", 3]}) -> tensor<?x8xf32> {
  %none = onnx.None
  %gu = onnx.Initializer "gate_up" from "m.onnx" at 0 length 1152 : tensor<3x12x8xf32>
  %d = onnx.Initializer "down" from "m.onnx" at 1152 length 576 : tensor<3x8x6xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %e5 = onnx.Constant dense<5> : tensor<i64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %s128 = onnx.Constant dense<[12, 8]> : tensor<2xi64>
  %s86 = onnx.Constant dense<[8, 6]> : tensor<2xi64>
  %wgs0 = onnx.Slice(%gu, %c0, %c1, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg0 = onnx.Reshape(%wgs0, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds0 = onnx.Slice(%d, %c0, %c1, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd0 = onnx.Reshape(%wds0, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %wgs1 = onnx.Slice(%gu, %c1, %c2, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg1 = onnx.Reshape(%wgs1, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds1 = onnx.Slice(%d, %c1, %c2, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd1 = onnx.Reshape(%wds1, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %wgs2 = onnx.Slice(%gu, %c2, %c3, %c0, %c1) : (tensor<3x12x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x12x8xf32>
  %wg2 = onnx.Reshape(%wgs2, %s128) {allowzero = 1 : i64} : (tensor<1x12x8xf32>, tensor<2xi64>) -> tensor<12x8xf32>
  %wds2 = onnx.Slice(%d, %c2, %c3, %c0, %c1) : (tensor<3x8x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x6xf32>
  %wd2 = onnx.Reshape(%wds2, %s86) {allowzero = 1 : i64} : (tensor<1x8x6xf32>, tensor<2xi64>) -> tensor<8x6xf32>
  %w, %i = onnx.TopK(%l, %c2) : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %size = onnx.Shape(%l) : (tensor<?x3xf32>) -> tensor<2xi64>
  %empty = onnx.Expand(%f0, %size) : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %full = onnx.ScatterElements(%empty, %i, %w) {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %k0 = onnx.Slice(%full, %c0, %c1, %c1, %c1) : (tensor<?x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xf32>
  %p0 = onnx.Gemm(%x, %wg0, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g0 = onnx.Slice(%p0, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u0 = onnx.Slice(%p0, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg0 = onnx.Sigmoid(%g0) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a0 = onnx.Mul(%g0, %sg0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h0 = onnx.Mul(%a0, %u0) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o0 = onnx.Gemm(%h0, %wd0, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t0 = onnx.Mul(%k0, %o0) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y0 = onnx.Add(%t0, %f0) : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %k1 = onnx.Slice(%full, %c1, %c2, %c1, %c1) : (tensor<?x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xf32>
  %p1 = onnx.Gemm(%x, %wg1, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g1 = onnx.Slice(%p1, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u1 = onnx.Slice(%p1, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg1 = onnx.Sigmoid(%g1) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a1 = onnx.Mul(%g1, %sg1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h1 = onnx.Mul(%a1, %u1) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o1 = onnx.Gemm(%h1, %wd1, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t1 = onnx.Mul(%k1, %o1) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y1 = onnx.Add(%y0, %t1) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %k2 = onnx.Slice(%full, %c2, %c3, %c1, %c1) : (tensor<?x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xf32>
  %p2 = onnx.Gemm(%x, %wg2, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<12x8xf32>, none) -> tensor<?x12xf32>
  %g2 = onnx.Slice(%p2, %c0, %c6, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %u2 = onnx.Slice(%p2, %c6, %c12, %c1, %c1) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %sg2 = onnx.Sigmoid(%g2) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %a2 = onnx.Mul(%g2, %sg2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %h2 = onnx.Mul(%a2, %u2) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  %o2 = onnx.Gemm(%h2, %wd2, %none) {transB = 1 : i64} : (tensor<?x6xf32>, tensor<8x6xf32>, none) -> tensor<?x8xf32>
  %t2 = onnx.Mul(%k2, %o2) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y2 = onnx.Add(%y1, %t2) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y2 : tensor<?x8xf32>
}

// -----

// As many experts as the choice has columns.
// CHECK-LABEL: func.func @all_columns
// CHECK: %[[W:.*]], %[[I:.*]] = onnx.TopK(
// CHECK: trine.moe.experts %arg0 routed(%[[I]], %[[W]] : tensor<?x1xi64>, tensor<?x1xf32>)
// CHECK-SAME: trine.form = "experts-dense"
// CHECK-NOT: onnx.Where
func.func @all_columns(%x: tensor<?x8xf32> {onnx.name="x", onnx.dims=["n",8]}, %l: tensor<?x2xf32> {onnx.name="l", onnx.dims=["n",2]}) -> tensor<?x8xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %p = onnx.Softmax(%l) {axis = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %i = onnx.TopK(%p, %k) : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %g0 = onnx.Initializer "g0" from "m.onnx" at 0 length 128 : tensor<8x4xf32>
  %u0 = onnx.Initializer "u0" from "m.onnx" at 128 length 128 : tensor<8x4xf32>
  %d0 = onnx.Initializer "d0" from "m.onnx" at 256 length 128 : tensor<4x8xf32>
  %a0 = onnx.MatMul(%x, %g0) : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %b0 = onnx.MatMul(%x, %u0) : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %s0 = onnx.Sigmoid(%a0) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %t0 = onnx.Mul(%a0, %s0) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h0 = onnx.Mul(%t0, %b0) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %o0 = onnx.MatMul(%h0, %d0) : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %q0 = onnx.Equal(%i, %c0) : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %v0 = onnx.Where(%q0, %w, %zero) : (tensor<?x1xi1>, tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %z0 = onnx.ReduceSum(%v0, %last) : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %y0 = onnx.Mul(%o0, %z0) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %g1 = onnx.Initializer "g1" from "m.onnx" at 1024 length 128 : tensor<8x4xf32>
  %u1 = onnx.Initializer "u1" from "m.onnx" at 1152 length 128 : tensor<8x4xf32>
  %d1 = onnx.Initializer "d1" from "m.onnx" at 1280 length 128 : tensor<4x8xf32>
  %a1 = onnx.MatMul(%x, %g1) : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %b1 = onnx.MatMul(%x, %u1) : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %s1 = onnx.Sigmoid(%a1) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %t1 = onnx.Mul(%a1, %s1) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h1 = onnx.Mul(%t1, %b1) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %o1 = onnx.MatMul(%h1, %d1) : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Equal(%i, %c1) : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %v1 = onnx.Where(%q1, %w, %zero) : (tensor<?x1xi1>, tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %z1 = onnx.ReduceSum(%v1, %last) : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %y1 = onnx.Mul(%o1, %z1) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y = onnx.Add(%y0, %y1) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
