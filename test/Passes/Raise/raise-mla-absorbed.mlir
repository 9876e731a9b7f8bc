// RUN: trine-opt %s --trine-normalize-onnx --trine-raise-attention --trine-raise-mla --split-input-file | FileCheck %s
// Values of another latent, or keys that are weighted behind the attention, are attention on one head of keys and nothing more.
// RUN: sed -n -e '/^func.func @absorbed(/,/^}/p' %s | sed -e 's/onnx.Einsum(%%p, %%c)/onnx.Einsum(%%p, %%other)/; s/  %%s = onnx.Softmax.*/&\n  %%other = onnx.Neg(%%c) : (tensor<?x?x5xf32>) -> tensor<?x?x5xf32>/' | trine-opt --trine-normalize-onnx --trine-raise-attention --trine-raise-mla | FileCheck %s --check-prefix=TWIN
// RUN: sed -n -e '/^func.func @absorbed(/,/^}/p' %s | sed -e 's/, %%y : /, %%o : /; s/) -> (tensor<?x?x4x3xf32>)/) -> (tensor<?x?x4x5xf32>)/; s/return %%y : tensor<?x?x4x3xf32>/return %%o : tensor<?x?x4x5xf32>/' | trine-opt --trine-normalize-onnx --trine-raise-attention --trine-raise-mla | FileCheck %s --check-prefix=TWIN
// TWIN-NOT: trine.mla.attention
// TWIN: trine.attention
// TWIN-NOT: trine.mla.attention

// As DeepSeek's own inference code spells it: scores [B, S, H, T] are two products, rows stand before heads, weights are parts of one.
// CHECK-LABEL: func.func @absorbed
// CHECK-SAME: %[[QN:[^:]*]]: tensor<?x?x4x6xf32>
// CHECK-SAME: %[[QR:[^:]*]]: tensor<?x?x4x2xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x?x5xf32>
// CHECK-SAME: %[[KR:[^:]*]]: tensor<?x?x2xf32>
// CHECK: %[[N:.*]] = onnx.Transpose(%[[QN]]) {perm = array<i64: 0, 2, 1, 3>}
// CHECK: %[[R:.*]] = onnx.Transpose(%[[QR]]) {perm = array<i64: 0, 2, 1, 3>}
// CHECK: %[[O:.*]], %{{.*}} = trine.mla.attention query(%[[N]], %[[R]] : tensor<?x4x?x6xf32>, tensor<?x4x?x2xf32>) cache(%[[C]], %[[KR]] :
// CHECK-SAME: weights(%{{.*}}, %{{.*}} : tensor<5x4x6xf32>, tensor<5x4x3xf32>) mask_values({{.*}}) scale 5.000000e-01 mask additive
// CHECK-SAME: trine.form = "mla-absorbed"
// CHECK: %[[Y:.*]] = onnx.Transpose(%[[O]]) {perm = array<i64: 0, 2, 1, 3>}
// CHECK: return %[[Y]]
func.func @absorbed(%qn: tensor<?x?x4x6xf32> {onnx.name = "qn", onnx.dims = ["b", "s", 4, 6]}, %qr: tensor<?x?x4x2xf32> {onnx.name = "qr", onnx.dims = ["b", "s", 4, 2]},
                    %c: tensor<?x?x5xf32> {onnx.name = "c", onnx.dims = ["b", "t", 5]}, %kr: tensor<?x?x2xf32> {onnx.name = "kr", onnx.dims = ["b", "t", 2]},
                    %mask: tensor<?x?xf32> {onnx.name = "mask", onnx.dims = ["s", "t"]}) -> (tensor<?x?x4x3xf32>) {
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 720 : tensor<4x9x5xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %c9 = onnx.Constant dense<9> : tensor<1xi64>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %uk = onnx.Slice(%w, %c0, %c6, %c1, %c1) : (tensor<4x9x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x6x5xf32>
  %uv = onnx.Slice(%w, %c6, %c9, %c1, %c1) : (tensor<4x9x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x3x5xf32>
  %qc = onnx.Einsum(%qn, %uk) {equation = "bshd,hdc->bshc"} : (tensor<?x?x4x6xf32>, tensor<4x6x5xf32>) -> tensor<?x?x4x5xf32>
  %a = onnx.Einsum(%qc, %c) {equation = "bshc,btc->bsht"} : (tensor<?x?x4x5xf32>, tensor<?x?x5xf32>) -> tensor<?x?x4x?xf32>
  %b = onnx.Einsum(%qr, %kr) {equation = "bshr,btr->bsht"} : (tensor<?x?x4x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4x?xf32>
  %sum = onnx.Add(%a, %b) : (tensor<?x?x4x?xf32>, tensor<?x?x4x?xf32>) -> tensor<?x?x4x?xf32>
  %scaled = onnx.Mul(%sum, %half) : (tensor<?x?x4x?xf32>, tensor<f32>) -> tensor<?x?x4x?xf32>
  %m = onnx.Unsqueeze(%mask, %c1) : (tensor<?x?xf32>, tensor<1xi64>) -> tensor<?x1x?xf32>
  %masked = onnx.Add(%scaled, %m) : (tensor<?x?x4x?xf32>, tensor<?x1x?xf32>) -> tensor<?x?x4x?xf32>
  %s = onnx.Softmax(%masked) {axis = -1 : i64} : (tensor<?x?x4x?xf32>) -> tensor<?x?x4x?xf32>
  %p = onnx.Identity(%s) : (tensor<?x?x4x?xf32>) -> tensor<?x?x4x?xf32>
  %o = onnx.Einsum(%p, %c) {equation = "bsht,btc->bshc"} : (tensor<?x?x4x?xf32>, tensor<?x?x5xf32>) -> tensor<?x?x4x5xf32>
  %y = onnx.Einsum(%o, %uv) {equation = "bshc,hdc->bshd"} : (tensor<?x?x4x5xf32>, tensor<4x3x5xf32>) -> tensor<?x?x4x3xf32>
  return %y : tensor<?x?x4x3xf32>
}

// -----

// Joined before the product, heads before rows, the rotated part first.
// CHECK-LABEL: func.func @joined
// CHECK: trine.mla.attention query(%arg0, %arg1 : tensor<?x4x?x6xf32>, tensor<?x4x?x2xf32>) cache(%arg2, %arg3 :
// CHECK-SAME: weights(%{{.*}}, %{{.*}} : tensor<5x4x6xf32>, tensor<5x4x3xf32>) scale 1.000000e+00 mask none
// CHECK-SAME: trine.form = "mla-absorbed"
func.func @joined(%qn: tensor<?x4x?x6xf32> {onnx.name = "qn", onnx.dims = ["b", 4, "s", 6]}, %qr: tensor<?x4x?x2xf32> {onnx.name = "qr", onnx.dims = ["b", 4, "s", 2]},
                  %c: tensor<?x?x5xf32> {onnx.name = "c", onnx.dims = ["b", "t", 5]}, %kr: tensor<?x?x2xf32> {onnx.name = "kr", onnx.dims = ["b", "t", 2]}) -> (tensor<?x4x?x3xf32>) {
  %uk = onnx.Initializer "uk" from "m.onnx" at 0 length 480 : tensor<4x6x5xf32>
  %uv = onnx.Initializer "uv" from "m.onnx" at 480 length 240 : tensor<4x5x3xf32>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %qc = onnx.MatMul(%qn, %uk) : (tensor<?x4x?x6xf32>, tensor<4x6x5xf32>) -> tensor<?x4x?x5xf32>
  %q = onnx.Concat(%qr, %qc) {axis = 3 : i64} : (tensor<?x4x?x2xf32>, tensor<?x4x?x5xf32>) -> tensor<?x4x?x7xf32>
  %k3 = onnx.Concat(%kr, %c) {axis = 2 : i64} : (tensor<?x?x2xf32>, tensor<?x?x5xf32>) -> tensor<?x?x7xf32>
  %k = onnx.Unsqueeze(%k3, %c1) : (tensor<?x?x7xf32>, tensor<1xi64>) -> tensor<?x1x?x7xf32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x1x?x7xf32>) -> tensor<?x1x7x?xf32>
  %v = onnx.Unsqueeze(%c, %c1) : (tensor<?x?x5xf32>, tensor<1xi64>) -> tensor<?x1x?x5xf32>
  %a = onnx.MatMul(%q, %kt) : (tensor<?x4x?x7xf32>, tensor<?x1x7x?xf32>) -> tensor<?x4x?x?xf32>
  %s = onnx.Softmax(%a) {axis = -1 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %o = onnx.MatMul(%s, %v) : (tensor<?x4x?x?xf32>, tensor<?x1x?x5xf32>) -> tensor<?x4x?x5xf32>
  %y = onnx.MatMul(%o, %uv) : (tensor<?x4x?x5xf32>, tensor<4x5x3xf32>) -> tensor<?x4x?x3xf32>
  return %y : tensor<?x4x?x3xf32>
}

// -----

// Scores of two products on keys that heads have of their own: each product has its scale, and the rotated keys are those of all heads.
// CHECK-LABEL: func.func @sum
// CHECK: trine.mla.attention query(%arg0, %arg1 : tensor<?x4x?x6xf32>, tensor<?x4x?x2xf32>) cache(%arg2, %arg3 :
// CHECK-SAME: scale 2.500000e-01 mask none
// CHECK-SAME: trine.form = "mla-latent-cache"
func.func @sum(%qn: tensor<?x4x?x6xf32> {onnx.name = "qn", onnx.dims = ["b", 4, "s", 6]}, %qr: tensor<?x4x?x2xf32> {onnx.name = "qr", onnx.dims = ["b", 4, "s", 2]},
               %c: tensor<?x?x5xf32> {onnx.name = "c", onnx.dims = ["b", "t", 5]}, %kr: tensor<?x?x2xf32> {onnx.name = "kr", onnx.dims = ["b", "t", 2]}) -> (tensor<?x4x?x3xf32>) {
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 720 : tensor<5x36xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %c9 = onnx.Constant dense<9> : tensor<1xi64>
  %heads = onnx.Constant dense<[0, 0, 4, 9]> : tensor<4xi64>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %up = onnx.MatMul(%c, %w) : (tensor<?x?x5xf32>, tensor<5x36xf32>) -> tensor<?x?x36xf32>
  %split = onnx.Reshape(%up, %heads) : (tensor<?x?x36xf32>, tensor<4xi64>) -> tensor<?x?x4x9xf32>
  %kv = onnx.Transpose(%split) {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x4x9xf32>) -> tensor<?x4x?x9xf32>
  %kn = onnx.Slice(%kv, %c0, %c6, %c3, %c1) : (tensor<?x4x?x9xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x6xf32>
  %v = onnx.Slice(%kv, %c6, %c9, %c3, %c1) : (tensor<?x4x?x9xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x3xf32>
  %knt = onnx.Transpose(%kn) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x6xf32>) -> tensor<?x4x6x?xf32>
  %kr4 = onnx.Unsqueeze(%kr, %c1) : (tensor<?x?x2xf32>, tensor<1xi64>) -> tensor<?x1x?x2xf32>
  %krt = onnx.Transpose(%kr4) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x1x?x2xf32>) -> tensor<?x1x2x?xf32>
  %a = onnx.MatMul(%qn, %knt) : (tensor<?x4x?x6xf32>, tensor<?x4x6x?xf32>) -> tensor<?x4x?x?xf32>
  %as = onnx.Div(%a, %four) : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %b = onnx.MatMul(%qr, %krt) : (tensor<?x4x?x2xf32>, tensor<?x1x2x?xf32>) -> tensor<?x4x?x?xf32>
  %bs = onnx.Div(%b, %four) : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %sum = onnx.Add(%as, %bs) : (tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %s = onnx.Softmax(%sum) {axis = -1 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y = onnx.MatMul(%s, %v) : (tensor<?x4x?x?xf32>, tensor<?x4x?x3xf32>) -> tensor<?x4x?x3xf32>
  return %y : tensor<?x4x?x3xf32>
}

// -----

// The Attention operator, on keys and values that are repeated for its heads.
// CHECK-LABEL: func.func @repeated
// CHECK: trine.mla.attention query(%arg0, %arg1 : tensor<?x4x?x6xf32>, tensor<?x4x?x2xf32>) cache(%arg2, %arg3 :
// CHECK-SAME: scale 5.000000e-01 mask none
// CHECK-SAME: trine.form = "mla-absorbed"
func.func @repeated(%qn: tensor<?x4x?x6xf32> {onnx.name = "qn", onnx.dims = ["b", 4, "s", 6]}, %qr: tensor<?x4x?x2xf32> {onnx.name = "qr", onnx.dims = ["b", 4, "s", 2]},
                  %c: tensor<?x?x5xf32> {onnx.name = "c", onnx.dims = ["b", "t", 5]}, %kr: tensor<?x?x2xf32> {onnx.name = "kr", onnx.dims = ["b", "t", 2]}) -> (tensor<?x4x?x3xf32>) {
  %uk = onnx.Initializer "uk" from "m.onnx" at 0 length 480 : tensor<4x6x5xf32>
  %uv = onnx.Initializer "uv" from "m.onnx" at 480 length 240 : tensor<4x5x3xf32>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %qc = onnx.MatMul(%qn, %uk) : (tensor<?x4x?x6xf32>, tensor<4x6x5xf32>) -> tensor<?x4x?x5xf32>
  %q = onnx.Concat(%qr, %qc) {axis = 3 : i64} : (tensor<?x4x?x2xf32>, tensor<?x4x?x5xf32>) -> tensor<?x4x?x7xf32>
  %k3 = onnx.Concat(%kr, %c) {axis = 2 : i64} : (tensor<?x?x2xf32>, tensor<?x?x5xf32>) -> tensor<?x?x7xf32>
  %k = onnx.Unsqueeze(%k3, %c1) : (tensor<?x?x7xf32>, tensor<1xi64>) -> tensor<?x1x?x7xf32>
  %four = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %ks = onnx.Expand(%k, %four) : (tensor<?x1x?x7xf32>, tensor<4xi64>) -> tensor<?x4x?x7xf32>
  %v = onnx.Unsqueeze(%c, %c1) : (tensor<?x?x5xf32>, tensor<1xi64>) -> tensor<?x1x?x5xf32>
  %vs = onnx.Expand(%v, %four) : (tensor<?x1x?x5xf32>, tensor<4xi64>) -> tensor<?x4x?x5xf32>
  %none = onnx.None
  %o, %pk, %pv, %qk = onnx.Attention(%q, %ks, %vs, %none, %none, %none, %none) {scale = 0.5 : f32} : (tensor<?x4x?x7xf32>, tensor<?x4x?x7xf32>, tensor<?x4x?x5xf32>, none, none, none, none) -> (tensor<?x4x?x5xf32>, none, none, none)
  %y = onnx.MatMul(%o, %uv) : (tensor<?x4x?x5xf32>, tensor<4x5x3xf32>) -> tensor<?x4x?x3xf32>
  return %y : tensor<?x4x?x3xf32>
}
