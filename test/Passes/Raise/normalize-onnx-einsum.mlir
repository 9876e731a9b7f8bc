// RUN: trine-opt %s --trine-normalize-onnx --split-input-file | FileCheck %s

// Heads are a batch; the rows of a part that has no heads broadcast.
// CHECK-LABEL: func.func @scores
// CHECK: %[[T:.*]] = onnx.Transpose(%arg1) {perm = array<i64: 0, 2, 1>}
// CHECK: %[[K:.*]] = onnx.Reshape(%[[T]], {{.*}} -> tensor<?x1x6x?xf32>
// CHECK: %[[S:.*]] = onnx.MatMul(%arg0, %[[K]])
// CHECK: return %[[S]]
func.func @scores(%q: tensor<?x?x4x6xf32> {onnx.name = "q", onnx.dims = ["b", "s", 4, 6]}, %k: tensor<?x?x6xf32> {onnx.name = "k", onnx.dims = ["b", "t", 6]}) -> tensor<?x?x4x?xf32> {
  %s = onnx.Einsum(%q, %k) {equation = "bshc, btc -> bsht"} : (tensor<?x?x4x6xf32>, tensor<?x?x6xf32>) -> tensor<?x?x4x?xf32>
  return %s : tensor<?x?x4x?xf32>
}

// -----

// The heads of a weight are columns of one matrix; the weight stands behind.
// CHECK-LABEL: func.func @projection
// CHECK: %[[W:.*]] = onnx.Initializer
// CHECK: %[[T:.*]] = onnx.Transpose(%[[W]]) {perm = array<i64: 2, 0, 1>}
// CHECK: %[[M:.*]] = onnx.Reshape(%[[T]], {{.*}} -> tensor<5x8xf32>
// CHECK: %[[P:.*]] = onnx.MatMul(%arg0, %[[M]])
// CHECK: onnx.Reshape(%[[P]], {{.*}} -> tensor<?x?x4x2xf32>
func.func @projection(%x: tensor<?x?x5xf32> {onnx.name = "x", onnx.dims = ["b", "s", 5]}) -> tensor<?x?x4x2xf32> {
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 160 : tensor<4x2x5xf32>
  %y = onnx.Einsum(%w, %x) {equation = "hkd,bsd->bshk"} : (tensor<4x2x5xf32>, tensor<?x?x5xf32>) -> tensor<?x?x4x2xf32>
  return %y : tensor<?x?x4x2xf32>
}

// -----

// Sums of weighted rows are products and a sum; not in 16 bits, which would round each product.
// CHECK-LABEL: func.func @weighted
// CHECK: onnx.Mul(
// CHECK: onnx.ReduceSum(
func.func @weighted(%x: tensor<?x3x5xf32> {onnx.name = "x", onnx.dims = ["t", 3, 5]}, %w: tensor<?x3xf32> {onnx.name = "w", onnx.dims = ["t", 3]}) -> tensor<?x5xf32> {
  %y = onnx.Einsum(%x, %w) {equation = "ted,te->td"} : (tensor<?x3x5xf32>, tensor<?x3xf32>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: func.func @narrow
// CHECK-NOT: onnx.Mul(
// CHECK: onnx.MatMul({{.*}} : (tensor<?x5x3xbf16>, tensor<?x3x1xbf16>)
func.func @narrow(%x: tensor<?x3x5xbf16> {onnx.name = "x", onnx.dims = ["t", 3, 5]}, %w: tensor<?x3xbf16> {onnx.name = "w", onnx.dims = ["t", 3]}) -> tensor<?x5xbf16> {
  %y = onnx.Einsum(%x, %w) {equation = "ted,te->td"} : (tensor<?x3x5xbf16>, tensor<?x3xbf16>) -> tensor<?x5xbf16>
  return %y : tensor<?x5xbf16>
}

// -----

// What is no such product stays: diagonals, sums over one side, dims of 1 that broadcast, three tensors, integers.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-5: onnx.Einsum
func.func @others(%x: tensor<?x?xf32> {onnx.name = "x", onnx.dims = ["n", "n"]}, %y: tensor<?x1xf32> {onnx.name = "y", onnx.dims = ["n", 1]},
                  %i: tensor<?x?xi32> {onnx.name = "i", onnx.dims = ["n", "n"]}) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xi32>) {
  %a = onnx.Einsum(%x, %x) {equation = "ii,ij->j"} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?xf32>
  %b = onnx.Einsum(%x, %x) {equation = "ij,kj->i"} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?xf32>
  %c = onnx.Einsum(%x, %y) {equation = "ij,ij->ij"} : (tensor<?x?xf32>, tensor<?x1xf32>) -> tensor<?x?xf32>
  %d = onnx.Einsum(%x, %x, %x) {equation = "ij,jk,kl->il"} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %e = onnx.Einsum(%i, %i) {equation = "ij,jk->ik"} : (tensor<?x?xi32>, tensor<?x?xi32>) -> tensor<?x?xi32>
  return %a, %b, %c, %d, %e : tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xi32>
}

// -----

// What lies between two products of stacked experts is not turned and turned back.
// CHECK-LABEL: func.func @hidden
// CHECK: %[[G:.*]] = onnx.MatMul(%arg0,
// CHECK: %[[U:.*]] = onnx.MatMul(%arg0,
// CHECK-DAG: %[[S:.*]] = onnx.Sigmoid(%[[G]])
// CHECK-DAG: %[[A:.*]] = onnx.Mul(%[[G]], %[[S]])
// CHECK: %[[H:.*]] = onnx.Mul(%[[A]], %[[U]])
// CHECK: onnx.MatMul(%[[H]],
func.func @hidden(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> tensor<?x3x8xf32> {
  %wg = onnx.Initializer "wg" from "m.onnx" at 0 length 576 : tensor<3x6x8xf32>
  %wu = onnx.Initializer "wu" from "m.onnx" at 576 length 576 : tensor<3x6x8xf32>
  %wd = onnx.Initializer "wd" from "m.onnx" at 1152 length 576 : tensor<3x8x6xf32>
  %g = onnx.Einsum(%x, %wg) {equation = "td,eid->tei"} : (tensor<?x8xf32>, tensor<3x6x8xf32>) -> tensor<?x3x6xf32>
  %u = onnx.Einsum(%x, %wu) {equation = "td,eid->tei"} : (tensor<?x8xf32>, tensor<3x6x8xf32>) -> tensor<?x3x6xf32>
  %s = onnx.Sigmoid(%g) : (tensor<?x3x6xf32>) -> tensor<?x3x6xf32>
  %a = onnx.Mul(%g, %s) : (tensor<?x3x6xf32>, tensor<?x3x6xf32>) -> tensor<?x3x6xf32>
  %h = onnx.Mul(%a, %u) : (tensor<?x3x6xf32>, tensor<?x3x6xf32>) -> tensor<?x3x6xf32>
  %o = onnx.Einsum(%h, %wd) {equation = "tei,edi->ted"} : (tensor<?x3x6xf32>, tensor<3x8x6xf32>) -> tensor<?x3x8xf32>
  return %o : tensor<?x3x8xf32>
}
