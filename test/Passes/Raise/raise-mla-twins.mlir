// RUN: trine-opt %s --split-input-file --trine-raise-mla | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-raise-mla --remarks-filter=".*" --remark-policy=all -o %t 2>&1 | FileCheck %s --check-prefix=REMARK

// Values come from another latent.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention
// CHECK-NOT: trine.mla
// REMARK: looks like latent attention, but values come from another latent than keys
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}, %d: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}) -> tensor<?x4x?x16xf32> {
  %wk = onnx.Initializer "wk" from "f.bin" at 0 length 8192 : tensor<32x64xf32>
  %wv = onnx.Initializer "wv" from "f.bin" at 8192 length 8192 : tensor<32x64xf32>
  %knp = onnx.MatMul(%c, %wk) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<*xf32>
  %knbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %knrest = onnx.Constant dense<[4, 16]> : tensor<2xi64>
  %knshape = onnx.Concat(%knbt, %knrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %knh = onnx.Reshape(%knp, %knshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kn = onnx.Transpose(%knh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %vp = onnx.MatMul(%d, %wv) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<*xf32>
  %vbt = onnx.Shape(%d) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %vrest = onnx.Constant dense<[4, 16]> : tensor<2xi64>
  %vshape = onnx.Concat(%vbt, %vrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %vh = onnx.Reshape(%vp, %vshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %v = onnx.Transpose(%vh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// Values are no product.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention
// CHECK-NOT: trine.mla
// REMARK: values are no product with a weight
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}, %v: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "t", 16]}) -> tensor<?x4x?x16xf32> {
  %wk = onnx.Initializer "wk" from "f.bin" at 0 length 8192 : tensor<32x64xf32>
  %knp = onnx.MatMul(%c, %wk) : (tensor<?x?x32xf32>, tensor<32x64xf32>) -> tensor<*xf32>
  %knbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %knrest = onnx.Constant dense<[4, 16]> : tensor<2xi64>
  %knshape = onnx.Concat(%knbt, %knrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %knh = onnx.Reshape(%knp, %knshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %kn = onnx.Transpose(%knh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// The weight is no constant.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention
// CHECK-NOT: trine.mla
// REMARK: the latent is no matrix of rows, or its weight no constant
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}, %w: tensor<32x128xf32> {onnx.dims = [32, 128]}) -> tensor<?x4x?x16xf32> {
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

// Each head has a rotated part of its own.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention
// CHECK-NOT: trine.mla
// REMARK: both parts of the keys differ by head
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}) -> tensor<?x4x?x16xf32> {
  %w = onnx.Initializer "w" from "f.bin" at 0 length 16384 : tensor<32x128xf32>
  %wr = onnx.Initializer "wr" from "f.bin" at 16384 length 4096 : tensor<32x32xf32>
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
  %rrp = onnx.MatMul(%c, %wr) : (tensor<?x?x32xf32>, tensor<32x32xf32>) -> tensor<*xf32>
  %rrbt = onnx.Shape(%c) {start = 0 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<*xi64>
  %rrrest = onnx.Constant dense<[4, 8]> : tensor<2xi64>
  %rrshape = onnx.Concat(%rrbt, %rrrest) {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %rrh = onnx.Reshape(%rrp, %rrshape) {allowzero = 1 : i64} : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  %rr = onnx.Transpose(%rrh) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %k = onnx.Concat(%kn, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

// A bias on the keys.
// CHECK-LABEL: func.func @main
// CHECK: trine.attention
// CHECK-NOT: trine.mla
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "s", 24]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "t", 32]}, %r: tensor<?x1x?x8xf32> {onnx.dims = ["b", 1, "t", 8]}, %bias: tensor<16xf32> {onnx.dims = [16]}) -> tensor<?x4x?x16xf32> {
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
  %kb = onnx.Add(%kn, %bias) : (tensor<*xf32>, tensor<16xf32>) -> tensor<*xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %rr = onnx.Expand(%r, %four) : (tensor<?x1x?x8xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = onnx.Concat(%kb, %rr) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kk = onnx.Identity(%k) : (tensor<*xf32>) -> tensor<?x4x?x24xf32>
  %vv = onnx.Identity(%v) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x24xf32>) key(%kk : tensor<?x4x?x24xf32>) value(%vv : tensor<?x4x?x16xf32>) scale 0.2 mask causal masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x16xf32>
}
