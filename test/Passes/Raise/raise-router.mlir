// RUN: trine-opt %s --trine-raise-router --split-input-file | FileCheck %s
// Token ids of 32 bits are widened.
// RUN: sed -n -e '/^func.func @table(/,/^}/p' %s | sed -e 's/tensor<?xi64>/tensor<?xi32>/' | trine-opt --trine-raise-router | FileCheck %s --check-prefix=TOKENS
// TOKENS: %[[T:.*]] = onnx.Cast(%arg1) {to = 7 : i64}
// TOKENS: trine.moe.route %arg0 token_ids(%[[T]] : tensor<?xi64>)

// Sigmoid scores with a bias for the choice; scaled, then divided by the sum of what is not scaled.
// CHECK-LABEL: func.func @sigmoid
// CHECK-SAME: %[[L:[^:]*]]: tensor<?x8xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<8xf32>
// CHECK-NOT: onnx.TopK
// CHECK: %[[I:.*]], %[[W:.*]] = trine.moe.route %[[L]] bias(%[[B]] : tensor<8xf32>) scoring sigmoid k 3 groups 1 keep 1 by max masked zero
// CHECK-SAME: renormalize epsilon 0.000000e+00 scale 2.500000e+00 before_division {trine.form = "router-sigmoid"}
// CHECK: return %[[I]], %[[W]]
func.func @sigmoid(%l: tensor<?x8xf32> {onnx.name = "l", onnx.dims = ["n", 8]}, %b: tensor<8xf32> {onnx.name = "b", onnx.dims = [8]})
    -> (tensor<?x3xi64>, tensor<?x3xf32>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %scale = onnx.Constant dense<2.5> : tensor<f32>
  %s = onnx.Sigmoid(%l) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Add(%b, %s) : (tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK(%c, %k) : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %m = onnx.Mul(%p, %scale) : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %w = onnx.Div(%m, %sum) : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  return %i, %w : tensor<?x3xi64>, tensor<?x3xf32>
}

// -----

// Groups by the sum of two, masked by minus infinity; epsilon; the scale comes last. The logits have more dimensions.
// CHECK-LABEL: func.func @groups
// CHECK: %[[F:.*]] = onnx.Reshape(%{{.*}}) {{.*}} -> tensor<?x12xf32>
// CHECK: %[[I:.*]], %[[W:.*]] = trine.moe.route %[[F]] bias(%{{.*}} : tensor<12xf32>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked negative_infinity
// CHECK-SAME: renormalize epsilon 9.9{{.*}}E-21 scale 2.500000e+00 after_division {trine.form = "router-groups-sum"}
// CHECK-DAG: onnx.Reshape(%[[I]], {{.*}} -> tensor<?x?x3xi64>
// CHECK-DAG: onnx.Reshape(%[[W]], {{.*}} -> tensor<?x?x3xf32>
func.func @groups(%l: tensor<?x?x12xf32> {onnx.name = "l", onnx.dims = ["b", "s", 12]}, %b: tensor<12xf32> {onnx.name = "b", onnx.dims = [12]})
    -> (tensor<?x?x3xi64>, tensor<?x?x3xf32>) {
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %three = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %twelve = onnx.Constant dense<12> : tensor<1xi64>
  %one64 = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %low = onnx.Constant dense<0xFF800000> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-20> : tensor<f32>
  %scale = onnx.Constant dense<2.5> : tensor<f32>
  %bs = onnx.Shape(%l) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x12xf32>) -> tensor<2xi64>
  %d443 = onnx.Concat(%bs, %four, %three) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d4 = onnx.Concat(%bs, %four) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d2 = onnx.Concat(%bs, %two) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d41 = onnx.Concat(%bs, %four, %one64) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d12 = onnx.Concat(%bs, %twelve) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %s = onnx.Sigmoid(%l) : (tensor<?x?x12xf32>) -> tensor<?x?x12xf32>
  %c = onnx.Add(%s, %b) : (tensor<?x?x12xf32>, tensor<12xf32>) -> tensor<?x?x12xf32>
  %g = onnx.Reshape(%c, %d443) {allowzero = 1 : i64} : (tensor<?x?x12xf32>, tensor<4xi64>) -> tensor<?x?x4x3xf32>
  %gv, %gi = onnx.TopK(%g, %two) : (tensor<?x?x4x3xf32>, tensor<1xi64>) -> (tensor<?x?x4x2xf32>, tensor<?x?x4x2xi64>)
  %r = onnx.ReduceSum(%gv, %last) {keepdims = 0 : i64} : (tensor<?x?x4x2xf32>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %rv, %ri = onnx.TopK(%r, %two) {sorted = 0 : i64} : (tensor<?x?x4xf32>, tensor<1xi64>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi64>)
  %zeros = onnx.Expand(%zero, %d4) : (tensor<f32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %ones = onnx.Expand(%one, %d2) : (tensor<f32>, tensor<3xi64>) -> tensor<?x?x2xf32>
  %m0 = onnx.ScatterElements(%zeros, %ri, %ones) {axis = 2 : i64} : (tensor<?x?x4xf32>, tensor<?x?x2xi64>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  %m1 = onnx.Reshape(%m0, %d41) {allowzero = 1 : i64} : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x4x1xf32>
  %m2 = onnx.Expand(%m1, %d443) : (tensor<?x?x4x1xf32>, tensor<4xi64>) -> tensor<?x?x4x3xf32>
  %m3 = onnx.Reshape(%m2, %d12) {allowzero = 1 : i64} : (tensor<?x?x4x3xf32>, tensor<3xi64>) -> tensor<?x?x12xf32>
  %m = onnx.Cast(%m3) {to = 9 : i64} : (tensor<?x?x12xf32>) -> tensor<?x?x12xi1>
  %masked = onnx.Where(%m, %c, %low) : (tensor<?x?x12xi1>, tensor<?x?x12xf32>, tensor<f32>) -> tensor<?x?x12xf32>
  %v, %i = onnx.TopK(%masked, %three) : (tensor<?x?x12xf32>, tensor<1xi64>) -> (tensor<?x?x3xf32>, tensor<?x?x3xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 2 : i64} : (tensor<?x?x12xf32>, tensor<?x?x3xi64>) -> tensor<?x?x3xf32>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x?x3xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %den = onnx.Add(%sum, %eps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %n = onnx.Div(%p, %den) : (tensor<?x?x3xf32>, tensor<?x?x1xf32>) -> tensor<?x?x3xf32>
  %w = onnx.Mul(%scale, %n) : (tensor<f32>, tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  return %i, %w : tensor<?x?x3xi64>, tensor<?x?x3xf32>
}

// -----

// Softmax, then the values of the choice, divided by their sum.
// CHECK-LABEL: func.func @softmax
// CHECK: trine.moe.route %arg0 scoring softmax k 3 groups 1 keep 1 by max masked zero renormalize epsilon {{.*}} after_division {trine.form = "router-softmax"} : tensor<?x12xbf16>
func.func @softmax(%h: tensor<?x12xbf16> {onnx.name = "l", onnx.dims = ["n", 12]}) -> (tensor<?x3xi64>, tensor<?x3xf32>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<1> : tensor<1xi64>
  %l = onnx.Cast(%h) {to = 1 : i64} : (tensor<?x12xbf16>) -> tensor<?x12xf32>
  %s = onnx.Softmax(%l) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  %v, %i = onnx.TopK(%s, %k) {axis = 1 : i64} : (tensor<?x12xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %sum = onnx.ReduceSum(%v, %last) : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %w = onnx.Div(%v, %sum) : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  return %i, %w : tensor<?x3xi64>, tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @top_k_softmax
// CHECK: trine.moe.route %arg0 scoring softmax_top_k k 4 groups 1 keep 1 by max masked zero epsilon {{.*}} {trine.form = "router-top-k-softmax"}
func.func @top_k_softmax(%l: tensor<?x32xf32> {onnx.name = "l", onnx.dims = ["n", 32]}) -> (tensor<?x4xi64>, tensor<?x4xf32>) {
  %k = onnx.Constant dense<4> : tensor<1xi64>
  %v, %i = onnx.TopK(%l, %k) : (tensor<?x32xf32>, tensor<1xi64>) -> (tensor<?x4xf32>, tensor<?x4xi64>)
  %w = onnx.Softmax(%v) {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %i, %w : tensor<?x4xi64>, tensor<?x4xf32>
}

// -----

// Llama 4: the logits choose, and the sigmoids of the chosen weigh.
// CHECK-LABEL: func.func @top_k_sigmoid
// CHECK: trine.moe.route %arg0 scoring sigmoid_top_k k 4 groups 1 keep 1 by max masked zero epsilon {{.*}} after_division {trine.form = "router-top-k-sigmoid"}
// CHECK-NOT: onnx.Sigmoid
func.func @top_k_sigmoid(%l: tensor<?x32xf16> {onnx.name = "l", onnx.dims = ["n", 32]}) -> (tensor<?x4xi64>, tensor<?x4xf32>) {
  %k = onnx.Constant dense<4> : tensor<1xi64>
  %v, %i = onnx.TopK(%l, %k) : (tensor<?x32xf16>, tensor<1xi64>) -> (tensor<?x4xf16>, tensor<?x4xi64>)
  %f = onnx.Cast(%v) {to = 1 : i64} : (tensor<?x4xf16>) -> tensor<?x4xf32>
  %w = onnx.Sigmoid(%f) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %i, %w : tensor<?x4xi64>, tensor<?x4xf32>
}

// -----

// Kolibri: logits and a bias choose, and the sigmoids of the chosen logits weigh.
// CHECK-LABEL: func.func @gathered_sigmoid
// CHECK: trine.moe.route %arg0 bias(%arg1 : tensor<8xf32>) scoring sigmoid_top_k k 3 groups 1 keep 1 by max masked zero renormalize epsilon {{.*}} after_division {trine.form = "router-gathered-sigmoid"}
// CHECK-NOT: onnx.Sigmoid
func.func @gathered_sigmoid(%l: tensor<?x8xf32> {onnx.name = "l", onnx.dims = ["n", 8]}, %b: tensor<8xf32> {onnx.name = "b", onnx.dims = [8]})
    -> (tensor<?x3xi64>, tensor<?x3xf32>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %c = onnx.Add(%l, %b) : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK(%c, %k) : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %g = onnx.GatherElements(%l, %i) {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %p = onnx.Sigmoid(%g) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %w = onnx.Div(%p, %sum) : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  return %i, %w : tensor<?x3xi64>, tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @gathered_softmax
// CHECK: trine.moe.route %arg0 scoring softmax_top_k k 4 groups 1 keep 1 by max masked zero epsilon {{.*}} {trine.form = "router-gathered-softmax"}
func.func @gathered_softmax(%l: tensor<?x32xf32> {onnx.name = "l", onnx.dims = ["n", 32]}) -> (tensor<?x4xi64>, tensor<?x4xf32>) {
  %k = onnx.Constant dense<4> : tensor<1xi64>
  %v, %i = onnx.TopK(%l, %k) : (tensor<?x32xf32>, tensor<1xi64>) -> (tensor<?x4xf32>, tensor<?x4xi64>)
  %g = onnx.GatherElements(%l, %i) {axis = 1 : i64} : (tensor<?x32xf32>, tensor<?x4xi64>) -> tensor<?x4xf32>
  %w = onnx.Softmax(%g) {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %i, %w : tensor<?x4xi64>, tensor<?x4xf32>
}

// -----

// Scores of 16 bits: every step is rounded, and the weights are as narrow.
// CHECK-LABEL: func.func @narrow
// CHECK: %[[IDS:.*]], %[[W:.*]] = trine.moe.route %arg0 bias(%arg1 : tensor<8xf16>) scoring sigmoid k 3 {{.*}} renormalize epsilon 6.10{{.*}}E-5 scale 2.5{{.*}} after_division rounded
// CHECK-SAME: tensor<?x8xf16> -> tensor<?x3xi64>, tensor<?x3xf32>
// CHECK: %[[NARROW:.*]] = onnx.Cast(%[[W]]) {to = 10 : i64}
// CHECK: return %[[IDS]], %[[NARROW]]
func.func @narrow(%l: tensor<?x8xf16> {onnx.name = "l", onnx.dims = ["n", 8]}, %b: tensor<8xf16> {onnx.name = "b", onnx.dims = [8]})
    -> (tensor<?x3xi64>, tensor<?x3xf16>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %scale = onnx.Constant dense<2.5> : tensor<f16>
  %eps = onnx.Constant dense<6.103516e-05> : tensor<f16>
  %s = onnx.Sigmoid(%l) : (tensor<?x8xf16>) -> tensor<?x8xf16>
  %c = onnx.Add(%s, %b) : (tensor<?x8xf16>, tensor<8xf16>) -> tensor<?x8xf16>
  %v, %i = onnx.TopK(%c, %k) : (tensor<?x8xf16>, tensor<1xi64>) -> (tensor<?x3xf16>, tensor<?x3xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 1 : i64} : (tensor<?x8xf16>, tensor<?x3xi64>) -> tensor<?x3xf16>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x3xf16>, tensor<1xi64>) -> tensor<?x1xf16>
  %e = onnx.Add(%sum, %eps) : (tensor<?x1xf16>, tensor<f16>) -> tensor<?x1xf16>
  %d = onnx.Div(%p, %e) : (tensor<?x3xf16>, tensor<?x1xf16>) -> tensor<?x3xf16>
  %w = onnx.Mul(%d, %scale) : (tensor<?x3xf16>, tensor<f16>) -> tensor<?x3xf16>
  return %i, %w : tensor<?x3xi64>, tensor<?x3xf16>
}

// -----

// Groups by their maximum; the weights are the values of the choice, masked ones with it.
// CHECK-LABEL: func.func @group_max
// CHECK: trine.moe.route %arg0 scoring softmax k 2 groups 3 keep 2 by max masked zero weights_from_choice epsilon {{.*}} scale 1.600000e+01 after_division {trine.form = "router-groups-max"}
func.func @group_max(%l: tensor<7x6xf32> {onnx.name = "l", onnx.dims = [7, 6]}) -> (tensor<7x2xi64>, tensor<7x2xf32>) {
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %d32 = onnx.Constant dense<[7, 3, 2]> : tensor<3xi64>
  %d31 = onnx.Constant dense<[7, 3, 1]> : tensor<3xi64>
  %d6 = onnx.Constant dense<[7, 6]> : tensor<2xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<7x3xf32>
  %ones = onnx.Constant dense<1.0> : tensor<7x2xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %scale = onnx.Constant dense<16.0> : tensor<f32>
  %s = onnx.Softmax(%l) : (tensor<7x6xf32>) -> tensor<7x6xf32>
  %g = onnx.Reshape(%s, %d32) {allowzero = 1 : i64} : (tensor<7x6xf32>, tensor<3xi64>) -> tensor<7x3x2xf32>
  %r = onnx.ReduceMax(%g, %last) {keepdims = 0 : i64} : (tensor<7x3x2xf32>, tensor<1xi64>) -> tensor<7x3xf32>
  %rv, %ri = onnx.TopK(%r, %two) : (tensor<7x3xf32>, tensor<1xi64>) -> (tensor<7x2xf32>, tensor<7x2xi64>)
  %m0 = onnx.ScatterElements(%zeros, %ri, %ones) {axis = 1 : i64} : (tensor<7x3xf32>, tensor<7x2xi64>, tensor<7x2xf32>) -> tensor<7x3xf32>
  %m1 = onnx.Reshape(%m0, %d31) {allowzero = 1 : i64} : (tensor<7x3xf32>, tensor<3xi64>) -> tensor<7x3x1xf32>
  %m2 = onnx.Expand(%m1, %d32) : (tensor<7x3x1xf32>, tensor<3xi64>) -> tensor<7x3x2xf32>
  %m3 = onnx.Reshape(%m2, %d6) {allowzero = 1 : i64} : (tensor<7x3x2xf32>, tensor<2xi64>) -> tensor<7x6xf32>
  %m = onnx.Cast(%m3) {to = 9 : i64} : (tensor<7x6xf32>) -> tensor<7x6xi1>
  %masked = onnx.Where(%m, %s, %zero) : (tensor<7x6xi1>, tensor<7x6xf32>, tensor<f32>) -> tensor<7x6xf32>
  %v, %i = onnx.TopK(%masked, %two) : (tensor<7x6xf32>, tensor<1xi64>) -> (tensor<7x2xf32>, tensor<7x2xi64>)
  %w = onnx.Mul(%v, %scale) : (tensor<7x2xf32>, tensor<f32>) -> tensor<7x2xf32>
  return %i, %w : tensor<7x2xi64>, tensor<7x2xf32>
}

// -----

// Chosen by a table of token ids; only the weights come from the scores.
// CHECK-LABEL: func.func @table
// CHECK: trine.moe.route %arg0 token_ids(%{{.*}} : tensor<?xi64>) table(%{{.*}} : tensor<160x2xi64>) scoring sqrt_softplus k 2 groups 1 keep 1 by max masked zero
// CHECK-SAME: renormalize epsilon {{.*}} scale 1.500000e+00 after_division {trine.form = "router-table"}
func.func @table(%l: tensor<?x6xf32> {onnx.name = "l", onnx.dims = ["n", 6]}, %t: tensor<?xi64> {onnx.name = "t", onnx.dims = ["n"]})
    -> (tensor<?x2xi64>, tensor<?x2xf32>) {
  %table = onnx.Initializer "table" from "m.onnx" at 0 length 2560 : tensor<160x2xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %scale = onnx.Constant dense<1.5> : tensor<f32>
  %i = onnx.Gather(%table, %t) : (tensor<160x2xi64>, tensor<?xi64>) -> tensor<?x2xi64>
  %sp = onnx.Softplus(%l) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = onnx.Sqrt(%sp) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = onnx.GatherElements(%s, %i) {axis = 1 : i64} : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x2xf32>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %n = onnx.Div(%p, %sum) : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %w = onnx.Mul(%n, %scale) : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  return %i, %w : tensor<?x2xi64>, tensor<?x2xf32>
}

// -----

// The mask says which groups are dropped, one number for each group.
// CHECK-LABEL: func.func @groups_dropped
// CHECK: %[[F:.*]] = onnx.Reshape(%{{.*}}) {{.*}} -> tensor<?x12xf32>
// CHECK: trine.moe.route %[[F]] bias(%{{.*}} : tensor<12xf32>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked negative_infinity
// CHECK-SAME: {trine.form = "router-groups-sum"}
// CHECK-NOT: onnx.ScatterElements
func.func @groups_dropped(%l: tensor<?x?x12xf32> {onnx.name = "l", onnx.dims = ["b", "s", 12]}, %b: tensor<12xf32> {onnx.name = "b", onnx.dims = [12]})
    -> (tensor<?x?x3xi64>, tensor<?x?x3xf32>) {
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %three = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %twelve = onnx.Constant dense<12> : tensor<1xi64>
  %one64 = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<true> : tensor<i1>
  %one = onnx.Constant dense<false> : tensor<i1>
  %low = onnx.Constant dense<0xFF800000> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-20> : tensor<f32>
  %scale = onnx.Constant dense<2.5> : tensor<f32>
  %bs = onnx.Shape(%l) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x12xf32>) -> tensor<2xi64>
  %d443 = onnx.Concat(%bs, %four, %three) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d4 = onnx.Concat(%bs, %four) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d2 = onnx.Concat(%bs, %two) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d41 = onnx.Concat(%bs, %four, %one64) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d12 = onnx.Concat(%bs, %twelve) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %s = onnx.Sigmoid(%l) : (tensor<?x?x12xf32>) -> tensor<?x?x12xf32>
  %c = onnx.Add(%s, %b) : (tensor<?x?x12xf32>, tensor<12xf32>) -> tensor<?x?x12xf32>
  %g = onnx.Reshape(%c, %d443) {allowzero = 1 : i64} : (tensor<?x?x12xf32>, tensor<4xi64>) -> tensor<?x?x4x3xf32>
  %gv, %gi = onnx.TopK(%g, %two) : (tensor<?x?x4x3xf32>, tensor<1xi64>) -> (tensor<?x?x4x2xf32>, tensor<?x?x4x2xi64>)
  %r = onnx.ReduceSum(%gv, %last) {keepdims = 0 : i64} : (tensor<?x?x4x2xf32>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %rv, %ri = onnx.TopK(%r, %two) {sorted = 0 : i64} : (tensor<?x?x4xf32>, tensor<1xi64>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi64>)
  %ones = onnx.Expand(%zero, %d4) : (tensor<i1>, tensor<3xi64>) -> tensor<?x?x4xi1>
  %zeros = onnx.Expand(%one, %d2) : (tensor<i1>, tensor<3xi64>) -> tensor<?x?x2xi1>
  %m0 = onnx.ScatterElements(%ones, %ri, %zeros) {axis = 2 : i64} : (tensor<?x?x4xi1>, tensor<?x?x2xi64>, tensor<?x?x2xi1>) -> tensor<?x?x4xi1>
  %m = onnx.Reshape(%m0, %d41) {allowzero = 1 : i64} : (tensor<?x?x4xi1>, tensor<4xi64>) -> tensor<?x?x4x1xi1>
  %dropped = onnx.Where(%m, %low, %g) : (tensor<?x?x4x1xi1>, tensor<f32>, tensor<?x?x4x3xf32>) -> tensor<?x?x4x3xf32>
  %masked = onnx.Reshape(%dropped, %d12) {allowzero = 1 : i64} : (tensor<?x?x4x3xf32>, tensor<3xi64>) -> tensor<?x?x12xf32>
  %v, %i = onnx.TopK(%masked, %three) : (tensor<?x?x12xf32>, tensor<1xi64>) -> (tensor<?x?x3xf32>, tensor<?x?x3xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 2 : i64} : (tensor<?x?x12xf32>, tensor<?x?x3xi64>) -> tensor<?x?x3xf32>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x?x3xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %den = onnx.Add(%sum, %eps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %n = onnx.Div(%p, %den) : (tensor<?x?x3xf32>, tensor<?x?x1xf32>) -> tensor<?x?x3xf32>
  %w = onnx.Mul(%scale, %n) : (tensor<f32>, tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  return %i, %w : tensor<?x?x3xi64>, tensor<?x?x3xf32>
}

// -----

// The scores times the mask.
// CHECK-LABEL: func.func @groups_product
// CHECK: %[[F:.*]] = onnx.Reshape(%{{.*}}) {{.*}} -> tensor<?x12xf32>
// CHECK: trine.moe.route %[[F]] bias(%{{.*}} : tensor<12xf32>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero
// CHECK-SAME: {trine.form = "router-groups-sum"}
// CHECK-NOT: onnx.ScatterElements
func.func @groups_product(%l: tensor<?x?x12xf32> {onnx.name = "l", onnx.dims = ["b", "s", 12]}, %b: tensor<12xf32> {onnx.name = "b", onnx.dims = [12]})
    -> (tensor<?x?x3xi64>, tensor<?x?x3xf32>) {
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %three = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %twelve = onnx.Constant dense<12> : tensor<1xi64>
  %one64 = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-20> : tensor<f32>
  %scale = onnx.Constant dense<2.5> : tensor<f32>
  %bs = onnx.Shape(%l) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x12xf32>) -> tensor<2xi64>
  %d443 = onnx.Concat(%bs, %four, %three) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d4 = onnx.Concat(%bs, %four) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d2 = onnx.Concat(%bs, %two) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d41 = onnx.Concat(%bs, %four, %one64) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d12 = onnx.Concat(%bs, %twelve) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %s = onnx.Sigmoid(%l) : (tensor<?x?x12xf32>) -> tensor<?x?x12xf32>
  %c = onnx.Add(%s, %b) : (tensor<?x?x12xf32>, tensor<12xf32>) -> tensor<?x?x12xf32>
  %g = onnx.Reshape(%c, %d443) {allowzero = 1 : i64} : (tensor<?x?x12xf32>, tensor<4xi64>) -> tensor<?x?x4x3xf32>
  %gv, %gi = onnx.TopK(%g, %two) : (tensor<?x?x4x3xf32>, tensor<1xi64>) -> (tensor<?x?x4x2xf32>, tensor<?x?x4x2xi64>)
  %r = onnx.ReduceSum(%gv, %last) {keepdims = 0 : i64} : (tensor<?x?x4x2xf32>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %rv, %ri = onnx.TopK(%r, %two) {sorted = 0 : i64} : (tensor<?x?x4xf32>, tensor<1xi64>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi64>)
  %zeros = onnx.Expand(%zero, %d4) : (tensor<f32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %ones = onnx.Expand(%one, %d2) : (tensor<f32>, tensor<3xi64>) -> tensor<?x?x2xf32>
  %m0 = onnx.ScatterElements(%zeros, %ri, %ones) {axis = 2 : i64} : (tensor<?x?x4xf32>, tensor<?x?x2xi64>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  %m1 = onnx.Reshape(%m0, %d41) {allowzero = 1 : i64} : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x4x1xf32>
  %kept = onnx.Mul(%g, %m1) : (tensor<?x?x4x3xf32>, tensor<?x?x4x1xf32>) -> tensor<?x?x4x3xf32>
  %masked = onnx.Reshape(%kept, %d12) {allowzero = 1 : i64} : (tensor<?x?x4x3xf32>, tensor<3xi64>) -> tensor<?x?x12xf32>
  %v, %i = onnx.TopK(%masked, %three) : (tensor<?x?x12xf32>, tensor<1xi64>) -> (tensor<?x?x3xf32>, tensor<?x?x3xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 2 : i64} : (tensor<?x?x12xf32>, tensor<?x?x3xi64>) -> tensor<?x?x3xf32>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x?x3xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %den = onnx.Add(%sum, %eps) : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %n = onnx.Div(%p, %den) : (tensor<?x?x3xf32>, tensor<?x?x1xf32>) -> tensor<?x?x3xf32>
  %w = onnx.Mul(%scale, %n) : (tensor<f32>, tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  return %i, %w : tensor<?x?x3xi64>, tensor<?x?x3xf32>
}

// -----

// In 16 bits, with the two largest of a group added in f32.
// CHECK-LABEL: func.func @groups_narrow
// CHECK: trine.moe.route {{.*}} scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked negative_infinity {{.*}} rounded
// CHECK-SAME: {trine.form = "router-groups-sum"}
func.func @groups_narrow(%l: tensor<?x?x12xf16> {onnx.name = "l", onnx.dims = ["b", "s", 12]}, %b: tensor<12xf16> {onnx.name = "b", onnx.dims = [12]})
    -> (tensor<?x?x3xi64>, tensor<?x?x3xf16>) {
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %three = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %twelve = onnx.Constant dense<12> : tensor<1xi64>
  %one64 = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f16>
  %one = onnx.Constant dense<1.0> : tensor<f16>
  %low = onnx.Constant dense<0xFC00> : tensor<f16>
  %eps = onnx.Constant dense<6.1e-05> : tensor<f16>
  %scale = onnx.Constant dense<2.5> : tensor<f16>
  %bs = onnx.Shape(%l) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x12xf16>) -> tensor<2xi64>
  %d443 = onnx.Concat(%bs, %four, %three) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d4 = onnx.Concat(%bs, %four) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d2 = onnx.Concat(%bs, %two) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %d41 = onnx.Concat(%bs, %four, %one64) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %d12 = onnx.Concat(%bs, %twelve) {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %s = onnx.Sigmoid(%l) : (tensor<?x?x12xf16>) -> tensor<?x?x12xf16>
  %c = onnx.Add(%s, %b) : (tensor<?x?x12xf16>, tensor<12xf16>) -> tensor<?x?x12xf16>
  %g = onnx.Reshape(%c, %d443) {allowzero = 1 : i64} : (tensor<?x?x12xf16>, tensor<4xi64>) -> tensor<?x?x4x3xf16>
  %gv, %gi = onnx.TopK(%g, %two) : (tensor<?x?x4x3xf16>, tensor<1xi64>) -> (tensor<?x?x4x2xf16>, tensor<?x?x4x2xi64>)
  %gvf = onnx.Cast(%gv) {to = 1 : i64} : (tensor<?x?x4x2xf16>) -> tensor<?x?x4x2xf32>
  %rf = onnx.ReduceSum(%gvf, %last) {keepdims = 0 : i64} : (tensor<?x?x4x2xf32>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %r = onnx.Cast(%rf) {to = 10 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf16>
  %rv, %ri = onnx.TopK(%r, %two) {sorted = 0 : i64} : (tensor<?x?x4xf16>, tensor<1xi64>) -> (tensor<?x?x2xf16>, tensor<?x?x2xi64>)
  %zeros = onnx.Expand(%zero, %d4) : (tensor<f16>, tensor<3xi64>) -> tensor<?x?x4xf16>
  %ones = onnx.Expand(%one, %d2) : (tensor<f16>, tensor<3xi64>) -> tensor<?x?x2xf16>
  %m0 = onnx.ScatterElements(%zeros, %ri, %ones) {axis = 2 : i64} : (tensor<?x?x4xf16>, tensor<?x?x2xi64>, tensor<?x?x2xf16>) -> tensor<?x?x4xf16>
  %m1 = onnx.Reshape(%m0, %d41) {allowzero = 1 : i64} : (tensor<?x?x4xf16>, tensor<4xi64>) -> tensor<?x?x4x1xf16>
  %m2 = onnx.Expand(%m1, %d443) : (tensor<?x?x4x1xf16>, tensor<4xi64>) -> tensor<?x?x4x3xf16>
  %m3 = onnx.Reshape(%m2, %d12) {allowzero = 1 : i64} : (tensor<?x?x4x3xf16>, tensor<3xi64>) -> tensor<?x?x12xf16>
  %m = onnx.Cast(%m3) {to = 9 : i64} : (tensor<?x?x12xf16>) -> tensor<?x?x12xi1>
  %masked = onnx.Where(%m, %c, %low) : (tensor<?x?x12xi1>, tensor<?x?x12xf16>, tensor<f16>) -> tensor<?x?x12xf16>
  %v, %i = onnx.TopK(%masked, %three) : (tensor<?x?x12xf16>, tensor<1xi64>) -> (tensor<?x?x3xf16>, tensor<?x?x3xi64>)
  %p = onnx.GatherElements(%s, %i) {axis = 2 : i64} : (tensor<?x?x12xf16>, tensor<?x?x3xi64>) -> tensor<?x?x3xf16>
  %sum = onnx.ReduceSum(%p, %last) : (tensor<?x?x3xf16>, tensor<1xi64>) -> tensor<?x?x1xf16>
  %den = onnx.Add(%sum, %eps) : (tensor<?x?x1xf16>, tensor<f16>) -> tensor<?x?x1xf16>
  %n = onnx.Div(%p, %den) : (tensor<?x?x3xf16>, tensor<?x?x1xf16>) -> tensor<?x?x3xf16>
  %w = onnx.Mul(%scale, %n) : (tensor<f16>, tensor<?x?x3xf16>) -> tensor<?x?x3xf16>
  return %i, %w : tensor<?x?x3xi64>, tensor<?x?x3xf16>
}
