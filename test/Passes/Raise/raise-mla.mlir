// RUN: trine-opt %s --split-input-file --trine-raise-mla | FileCheck %s

// One weight for keys and values, head by head; the shared part of the keys behind the others.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = onnx.Initializer "w"
// CHECK: %[[W3:.*]] = onnx.Reshape(%[[W]], {{.*}} -> tensor<32x4x32xf32>
// CHECK: %[[UK:.*]] = onnx.Slice(%[[W3]], {{.*}} -> tensor<32x4x16xf32>
// CHECK: %[[UV:.*]] = onnx.Slice(%[[W3]], {{.*}} -> tensor<32x4x16xf32>
// CHECK: trine.mla.attention query(%{{.*}}, %{{.*}} : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%arg1, %{{.*}} : tensor<?x?x32xf32>, tensor<?x?x8xf32>) weights(%[[UK]], %[[UV]] : {{.*}}) scale 2.000000e-01 mask {{ *}}causal masked_row {{ *}}zero form {{ *}}by_shape {trine.form = "mla-latent-cache"}
// CHECK-NOT: trine.attention
// CHECK-NOT: onnx.MatMul
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}) -> tensor<?x4x?x16xf32> {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %kvp = onnx.MatMul(%c, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<*xf32>
  %kvbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %kvrest = onnx.Constant dense<[4, 32]> : tensor<2xi64>
  %kvshape = onnx.Concat(%kvbt, %kvrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %kvh = onnx.Reshape(%kvp, %kvshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kv = onnx.Transpose(%kvh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %knb = onnx.Constant dense<[0]> : tensor<1xi64>
  %kne = onnx.Constant dense<[16]> : tensor<1xi64>
  %kna = onnx.Constant dense<[3]> : tensor<1xi64>
  %kns = onnx.Constant dense<[1]> : tensor<1xi64>
  %kn = onnx.Slice(%kv, %knb, %kne, %kna, %kns) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %vb = onnx.Constant dense<[16]> : tensor<1xi64>
  %ve = onnx.Constant dense<[32]> : tensor<1xi64>
  %va = onnx.Constant dense<[3]> : tensor<1xi64>
  %vs = onnx.Constant dense<[1]> : tensor<1xi64>
  %v = onnx.Slice(%kv, %vb, %ve, %va, %vs) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// Two weights; values before keys does not matter, and the shared part comes first. The latent is four-dimensional.
// CHECK-LABEL: func.func @main
// CHECK: %[[QR:.*]] = onnx.Slice(%arg0, {{.*}} -> tensor<?x4x?x8xf32>
// CHECK: trine.mla.attention query(%{{.*}}, %[[QR]] : tensor<?x4x?x16xf32>, {{.*}}) cache({{.*}}) weights({{.*}} : tensor<32x4x16xf32>, tensor<32x4x16xf32>)
// CHECK-NOT: trine.attention
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c4: tensor<?x1x?x32xf32> {onnx.dims = ["b", 1, "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}) -> tensor<?x4x?x16xf32> {
  %cb = onnx.Shape(%c4) {start = 0 : i64, end = 1 : i64} : (tensor<?x1x?x32xf32>) -> tensor<*xi64>
  %ct = onnx.Shape(%c4) {start = 2 : i64, end = 4 : i64} : (tensor<?x1x?x32xf32>) -> tensor<*xi64>
  %cs = onnx.Concat(%cb, %ct) {axis = 0 : i64} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %c = onnx.Reshape(%c4, %cs) {allowzero = 1 : i64} : (tensor<?x1x?x32xf32>, tensor<*xi64>) -> tensor<?x?x32xf32>
  %wk = onnx.Initializer "wk" from "f.bin" at 0 length 8192 : tensor<32x64xf32>
  %wv = onnx.Initializer "wv" from "f.bin" at 8192 length 8192 : tensor<32x64xf32>
  %knp = onnx.MatMul(%c, %wk) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<*xf32>
  %knbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %knrest = onnx.Constant dense<[4, 16]> : tensor<2xi64>
  %knshape = onnx.Concat(%knbt, %knrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %knh = onnx.Reshape(%knp, %knshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kn = onnx.Transpose(%knh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %vp = onnx.MatMul(%c, %wv) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<*xf32>
  %vbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %vrest = onnx.Constant dense<[4, 16]> : tensor<2xi64>
  %vshape = onnx.Concat(%vbt, %vrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %vh = onnx.Reshape(%vp, %vshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %v = onnx.Transpose(%vh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%rr, %kn) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// All keys before all values in one weight.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = onnx.Initializer "w"
// CHECK: %[[K:.*]] = onnx.Slice(%[[W]], {{.*}} -> tensor<32x64xf32>
// CHECK: %[[UK:.*]] = onnx.Reshape(%[[K]], {{.*}} -> tensor<32x4x16xf32>
// CHECK: %[[V:.*]] = onnx.Slice(%[[W]], {{.*}} -> tensor<32x64xf32>
// CHECK: %[[UV:.*]] = onnx.Reshape(%[[V]], {{.*}} -> tensor<32x4x16xf32>
// CHECK: trine.mla.attention {{.*}} weights(%[[UK]], %[[UV]] :
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}) -> tensor<?x4x?x16xf32> {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %p = onnx.MatMul(%c, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<*xf32>
  %kpb = onnx.Constant dense<[0]> : tensor<1xi64>
  %kpe = onnx.Constant dense<[64]> : tensor<1xi64>
  %kpa = onnx.Constant dense<[2]> : tensor<1xi64>
  %kps = onnx.Constant dense<[1]> : tensor<1xi64>
  %kp = onnx.Slice(%p, %kpb, %kpe, %kpa, %kps) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %vpb = onnx.Constant dense<[64]> : tensor<1xi64>
  %vpe = onnx.Constant dense<[128]> : tensor<1xi64>
  %vpa = onnx.Constant dense<[2]> : tensor<1xi64>
  %vps = onnx.Constant dense<[1]> : tensor<1xi64>
  %vp = onnx.Slice(%p, %vpb, %vpe, %vpa, %vps) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %k0bt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %k0rest = onnx.Constant dense<[4, 16]> : tensor<2xi64>
  %k0shape = onnx.Concat(%k0bt, %k0rest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %k1 = onnx.Reshape(%kp, %k0shape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kn = onnx.Transpose(%k1) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %v1 = onnx.Reshape(%vp, %k0shape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %v = onnx.Transpose(%v1) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// A weight whose columns go through the heads for each of a head's columns.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = onnx.Initializer "w"
// CHECK: %[[K:.*]] = onnx.Slice(%[[W]], {{.*}} -> tensor<32x64xf32>
// CHECK: %[[K3:.*]] = onnx.Reshape(%[[K]], {{.*}} -> tensor<32x16x4xf32>
// CHECK: onnx.Transpose(%[[K3]]) {perm = array<i64: 0, 2, 1>}
// CHECK: trine.mla.attention {{.*}} : tensor<32x4x16xf32>, tensor<32x4x16xf32>)
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}) -> tensor<?x4x?x16xf32> {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %p = onnx.MatMul(%c, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<*xf32>
  %pbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %prest = onnx.Constant dense<[32, 4]> : tensor<2xi64>
  %pshape = onnx.Concat(%pbt, %prest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %ph = onnx.Reshape(%p, %pshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kv = onnx.Transpose(%ph) {perm = array<i64: 0, 3, 1, 2>} : (tensor<*xf32>) -> tensor<*xf32>
  %knb = onnx.Constant dense<[0]> : tensor<1xi64>
  %kne = onnx.Constant dense<[16]> : tensor<1xi64>
  %kna = onnx.Constant dense<[3]> : tensor<1xi64>
  %kns = onnx.Constant dense<[1]> : tensor<1xi64>
  %kn = onnx.Slice(%kv, %knb, %kne, %kna, %kns) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %vb = onnx.Constant dense<[16]> : tensor<1xi64>
  %ve = onnx.Constant dense<[32]> : tensor<1xi64>
  %va = onnx.Constant dense<[3]> : tensor<1xi64>
  %vs = onnx.Constant dense<[1]> : tensor<1xi64>
  %v = onnx.Slice(%kv, %vb, %ve, %va, %vs) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// Cached keys and values: the rows behind them come from the latent, and the op makes the new cache.
// CHECK-LABEL: func.func @main
// CHECK: %[[O:.*]], %{{.*}}, %[[P:.*]]:2 = trine.mla.attention {{.*}} cache(%arg1, {{.*}}) weights({{.*}}) past(%arg3, %arg4 : {{.*}}) scale 2.000000e-01 mask {{ *}}causal masked_row {{ *}}zero form {{ *}}decompressed {trine.form = "mla-expanded-cache"}
// CHECK-NOT: onnx.Concat
// CHECK: return %[[O]], %[[P]]#0, %[[P]]#1
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}, %pk: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past", 24]}, %pv: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past", 16]}) -> (tensor<?x4x?x16xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>) {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %kvp = onnx.MatMul(%c, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<*xf32>
  %kvbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %kvrest = onnx.Constant dense<[4, 32]> : tensor<2xi64>
  %kvshape = onnx.Concat(%kvbt, %kvrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %kvh = onnx.Reshape(%kvp, %kvshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kv = onnx.Transpose(%kvh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %knb = onnx.Constant dense<[0]> : tensor<1xi64>
  %kne = onnx.Constant dense<[16]> : tensor<1xi64>
  %kna = onnx.Constant dense<[3]> : tensor<1xi64>
  %kns = onnx.Constant dense<[1]> : tensor<1xi64>
  %kn = onnx.Slice(%kv, %knb, %kne, %kna, %kns) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %vb = onnx.Constant dense<[16]> : tensor<1xi64>
  %ve = onnx.Constant dense<[32]> : tensor<1xi64>
  %va = onnx.Constant dense<[3]> : tensor<1xi64>
  %vs = onnx.Constant dense<[1]> : tensor<1xi64>
  %v = onnx.Slice(%kv, %vb, %ve, %va, %vs) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Concat(%pk, %k) {axis = 2 : i64} : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Concat(%pv, %v) {axis = 2 : i64} : (tensor<?x4x?x16xf32>, tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o, %kk, %vv : tensor<?x4x?x16xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>
}

// -----

// The same with the shared part first.
// CHECK-LABEL: func.func @main
// CHECK: trine.mla.attention {{.*}} past({{.*}}) rope_first
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}, %pk: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past", 24]}, %pv: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past", 16]}) -> (tensor<?x4x?x16xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>) {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %kvp = onnx.MatMul(%c, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<*xf32>
  %kvbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %kvrest = onnx.Constant dense<[4, 32]> : tensor<2xi64>
  %kvshape = onnx.Concat(%kvbt, %kvrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %kvh = onnx.Reshape(%kvp, %kvshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kv = onnx.Transpose(%kvh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %knb = onnx.Constant dense<[0]> : tensor<1xi64>
  %kne = onnx.Constant dense<[16]> : tensor<1xi64>
  %kna = onnx.Constant dense<[3]> : tensor<1xi64>
  %kns = onnx.Constant dense<[1]> : tensor<1xi64>
  %kn = onnx.Slice(%kv, %knb, %kne, %kna, %kns) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %vb = onnx.Constant dense<[16]> : tensor<1xi64>
  %ve = onnx.Constant dense<[32]> : tensor<1xi64>
  %va = onnx.Constant dense<[3]> : tensor<1xi64>
  %vs = onnx.Constant dense<[1]> : tensor<1xi64>
  %v = onnx.Slice(%kv, %vb, %ve, %va, %vs) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%rr, %kn) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Concat(%pk, %k) {axis = 2 : i64} : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Concat(%pv, %v) {axis = 2 : i64} : (tensor<?x4x?x16xf32>, tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o, %kk, %vv : tensor<?x4x?x16xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>
}

// -----

// A bias is one more row of the weight; the latent has ones for it.
// CHECK-LABEL: func.func @main
// CHECK: %[[ONES:.*]] = onnx.Expand({{.*}}) : (tensor<1x1x1xf32>, tensor<3xi64>) -> tensor<?x?x1xf32>
// CHECK: %[[C:.*]] = onnx.Concat(%arg1, %[[ONES]]) {axis = 2 : i64} : (tensor<?x?x32xf32>, tensor<?x?x1xf32>) -> tensor<?x?x33xf32>
// CHECK: %[[W:.*]] = onnx.Concat({{.*}}) {axis = 0 : i64} : (tensor<32x128xf32>, tensor<1x128xf32>) -> tensor<33x128xf32>
// CHECK: trine.mla.attention query({{.*}}) cache(%[[C]], %{{.*}} : tensor<?x?x33xf32>, tensor<?x?x8xf32>) weights({{.*}} : tensor<33x4x16xf32>, tensor<33x4x16xf32>)
// CHECK-NOT: onnx.MatMul
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}) -> tensor<?x4x?x16xf32> {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %kvp = onnx.MatMul(%c, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<*xf32>
  %b = onnx.Initializer "b" from "f.bin" at 16384 length 512 : tensor<128xf32>
  %kvq = onnx.Add(%kvp, %b) : (tensor<*xf32>, tensor<128xf32>) -> tensor<*xf32>
  %kvbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %kvrest = onnx.Constant dense<[4, 32]> : tensor<2xi64>
  %kvshape = onnx.Concat(%kvbt, %kvrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %kvh = onnx.Reshape(%kvq, %kvshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kv = onnx.Transpose(%kvh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %knb = onnx.Constant dense<[0]> : tensor<1xi64>
  %kne = onnx.Constant dense<[16]> : tensor<1xi64>
  %kna = onnx.Constant dense<[3]> : tensor<1xi64>
  %kns = onnx.Constant dense<[1]> : tensor<1xi64>
  %kn = onnx.Slice(%kv, %knb, %kne, %kna, %kns) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %vb = onnx.Constant dense<[16]> : tensor<1xi64>
  %ve = onnx.Constant dense<[32]> : tensor<1xi64>
  %va = onnx.Constant dense<[3]> : tensor<1xi64>
  %vs = onnx.Constant dense<[1]> : tensor<1xi64>
  %v = onnx.Slice(%kv, %vb, %ve, %va, %vs) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// A soft cap on the scores goes into the op.
// CHECK-LABEL: func.func @main
// CHECK: trine.mla.attention {{.*}} mask causal masked_row zero soft_cap 3.0{{.*}} form by_shape
// CHECK-NOT: trine.attention
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}) -> tensor<?x4x?x16xf32> {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %kvp = onnx.MatMul(%c, %w) : (tensor<?x?x32xf32>, tensor<32x128xf32>) -> tensor<*xf32>
  %kvbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %kvrest = onnx.Constant dense<[4, 32]> : tensor<2xi64>
  %kvshape = onnx.Concat(%kvbt, %kvrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %kvh = onnx.Reshape(%kvp, %kvshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kv = onnx.Transpose(%kvh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %knb = onnx.Constant dense<[0]> : tensor<1xi64>
  %kne = onnx.Constant dense<[16]> : tensor<1xi64>
  %kna = onnx.Constant dense<[3]> : tensor<1xi64>
  %kns = onnx.Constant dense<[1]> : tensor<1xi64>
  %kn = onnx.Slice(%kv, %knb, %kne, %kna, %kns) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %vb = onnx.Constant dense<[16]> : tensor<1xi64>
  %ve = onnx.Constant dense<[32]> : tensor<1xi64>
  %va = onnx.Constant dense<[3]> : tensor<1xi64>
  %vs = onnx.Constant dense<[1]> : tensor<1xi64>
  %v = onnx.Slice(%kv, %vb, %ve, %va, %vs) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero soft_cap 3.0 -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}
