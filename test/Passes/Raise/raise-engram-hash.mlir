// RUN: trine-opt %s --mlir-disable-threading --trine-raise-engram-hash --remarks-filter=trine-raise-engram-hash --remark-format=emitRemark 2>&1 | FileCheck %s
// A map of 32-bit ids that are widened after they are read.
// RUN: sed -n -e '/^func.func @columns(/,/^}/p' %s | sed -e 's/length 1280 : tensor<160xi64>/length 640 : tensor<160xi32>/; s/%%t = onnx.Gather(%%map, %%ids) : (tensor<160xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>/%%tn = onnx.Gather(%%map, %%ids) : (tensor<160xi32>, tensor<?x?xi64>) -> tensor<?x?xi32>\n  %%t = onnx.Cast(%%tn) {to = 7 : i64} : (tensor<?x?xi32>) -> tensor<?x?xi64>/' | trine-opt --trine-raise-engram-hash | FileCheck %s --check-prefix=NARROW
// NARROW: trine.engram.hash %arg0 {{.*}} map(%{{.*}} : tensor<160xi32>)
// NARROW-NOT: onnx.Gather
// Ids that are narrowed on their way may be others than the map's.
// RUN: sed -n -e '/^func.func @columns(/,/^}/p' %s | sed -e 's/%%t = onnx.Gather(%%map, %%ids) : (tensor<160xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>/%%tw = onnx.Gather(%%map, %%ids) : (tensor<160xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>\n  %%tn = onnx.Cast(%%tw) {to = 6 : i64} : (tensor<?x?xi64>) -> tensor<?x?xi32>\n  %%t = onnx.Cast(%%tn) {to = 7 : i64} : (tensor<?x?xi32>) -> tensor<?x?xi64>/' | trine-opt --trine-raise-engram-hash | FileCheck %s --check-prefix=NARROWED
// RUN: sed -n -e '/^func.func @reset(/,/^}/p' %s | %python %S/Inputs/repeat-condition.py e2 | trine-opt --trine-raise-engram-hash | FileCheck %s --check-prefix=CHAIN
// A condition that is asked 64 times is looked through once.
// CHAIN: trine.engram.hash {{.*}}reset
// NARROWED: onnx.Gather
// NARROWED-NOT: map(

// The form of the paper, as torch.onnx writes it: an offset of 0 is missing, the token itself is no slice, one gather serves all.
// CHECK-LABEL: func.func @columns
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x?xi64> {{{.*}}}, %[[H:[a-z0-9]+]]: tensor<?x2xi64>
// CHECK: %[[MAP:.*]] = onnx.Initializer "map"
// CHECK: %[[ROWS:.*]], %[[PRESENT:.*]] = trine.engram.hash %[[IDS]] history(%[[H]] : tensor<?x2xi64>) map(%[[MAP]] : tensor<160xi64>) order 3 heads 2 multipliers [63280230511788609, 3996608348655193, 29694298745574697] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661] pad 0 reset never wrap twos_complement {trine.form = "engram-hash"} : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
// CHECK-NOT: onnx.{{Mod|BitwiseXor|Mul|Gather|Concat|Slice}}
// CHECK: return %[[ROWS]], %[[PRESENT]]
func.func @columns(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last2 = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %m0 = onnx.Constant dense<63280230511788609> : tensor<i64>
  %m1 = onnx.Constant dense<3996608348655193> : tensor<i64>
  %m2 = onnx.Constant dense<29694298745574697> : tensor<i64>
  %p0 = onnx.Constant dense<211> : tensor<i64>
  %p1 = onnx.Constant dense<223> : tensor<i64>
  %p2 = onnx.Constant dense<227> : tensor<i64>
  %p3 = onnx.Constant dense<229> : tensor<i64>
  %o2 = onnx.Constant dense<434> : tensor<i64>
  %o3 = onnx.Constant dense<661> : tensor<i64>
  %column = onnx.Constant dense<[0, 0, 1]> : tensor<3xi64>
  %map = onnx.Initializer "map" from "weights" at 0 length 1280 : tensor<160xi64>
  %seq = onnx.Shape(%ids) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %seq1 = onnx.Add(%seq, %c1) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %t = onnx.Gather(%map, %ids) : (tensor<160xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %cat = onnx.Concat(%h, %t) {axis = 1 : i64} : (tensor<?x2xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %w1 = onnx.Slice(%cat, %c1, %seq1, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %w2 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %x0 = onnx.Mul(%t, %m0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %x1 = onnx.Mul(%w1, %m1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r2 = onnx.BitwiseXor(%x0, %x1) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %x2 = onnx.Mul(%w2, %m2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r3 = onnx.BitwiseXor(%r2, %x2) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %a0 = onnx.Mod(%r2, %p0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a1 = onnx.Mod(%r2, %p1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b1 = onnx.Add(%a1, %p0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a2 = onnx.Mod(%r3, %p2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b2 = onnx.Add(%a2, %o2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a3 = onnx.Mod(%r3, %p3) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b3 = onnx.Add(%a3, %o3) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %s0 = onnx.Reshape(%a0, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s1 = onnx.Reshape(%b1, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s2 = onnx.Reshape(%b2, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s3 = onnx.Reshape(%b3, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %rows = onnx.Concat(%s0, %s1, %s2, %s3) {axis = 2 : i64} : (tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>) -> tensor<?x?x4xi64>
  %present = onnx.Slice(%cat, %last2, %end, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xi64>
  return %rows, %present : tensor<?x?x4xi64>, tensor<?x2xi64>
}

// Moduli and offsets as vectors, operands the other way round, the map read by GatherND.
// CHECK-LABEL: func.func @vectors
// CHECK: trine.engram.hash %{{.*}} history({{.*}}) map({{.*}}) order 3 heads 2 multipliers [63280230511788609, 3996608348655193, 29694298745574697] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661]
// CHECK-NOT: onnx.{{Mod|BitwiseXor|Mul|Gather|Concat|Slice}}
func.func @vectors(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last2 = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %m0 = onnx.Constant dense<63280230511788609> : tensor<i64>
  %m1 = onnx.Constant dense<3996608348655193> : tensor<i64>
  %m2 = onnx.Constant dense<29694298745574697> : tensor<i64>
  %p0 = onnx.Constant dense<211> : tensor<i64>
  %p1 = onnx.Constant dense<223> : tensor<i64>
  %p2 = onnx.Constant dense<227> : tensor<i64>
  %p3 = onnx.Constant dense<229> : tensor<i64>
  %o2 = onnx.Constant dense<434> : tensor<i64>
  %o3 = onnx.Constant dense<661> : tensor<i64>
  %column = onnx.Constant dense<[0, 0, 1]> : tensor<3xi64>
  %map = onnx.Initializer "map" from "weights" at 0 length 1280 : tensor<160xi64>
  %seq = onnx.Shape(%ids) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %seq1 = onnx.Add(%seq, %c1) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %pairs = onnx.Constant dense<[0, 0, 1]> : tensor<3xi64>
  %q2 = onnx.Constant dense<[211, 223]> : tensor<2xi64>
  %q3 = onnx.Constant dense<[[[227, 229]]]> : tensor<1x1x2xi64>
  %offsets = onnx.Constant dense<[0, 211, 434, 661]> : tensor<4xi64>
  %tuple = onnx.Reshape(%ids, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %t = onnx.GatherND(%map, %tuple) : (tensor<160xi64>, tensor<?x?x1xi64>) -> tensor<?x?xi64>
  %cat = onnx.Concat(%h, %t) {axis = 1 : i64} : (tensor<?x2xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %w1 = onnx.Slice(%cat, %c1, %seq1, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %w2 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %x0 = onnx.Mul(%m0, %t) : (tensor<i64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %x1 = onnx.Mul(%w1, %m1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %x2 = onnx.Mul(%m2, %w2) : (tensor<i64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %r2 = onnx.BitwiseXor(%x1, %x0) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %r3 = onnx.BitwiseXor(%x2, %r2) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %v2 = onnx.Reshape(%r2, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %v3 = onnx.Reshape(%r3, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %d2 = onnx.Mod(%v2, %q2) : (tensor<?x?x1xi64>, tensor<2xi64>) -> tensor<?x?x2xi64>
  %d3 = onnx.Mod(%v3, %q3) : (tensor<?x?x1xi64>, tensor<1x1x2xi64>) -> tensor<?x?x2xi64>
  %all = onnx.Concat(%d2, %d3) {axis = -1 : i64} : (tensor<?x?x2xi64>, tensor<?x?x2xi64>) -> tensor<?x?x4xi64>
  %rows = onnx.Add(%offsets, %all) : (tensor<4xi64>, tensor<?x?x4xi64>) -> tensor<?x?x4xi64>
  %present = onnx.Slice(%cat, %last2, %end, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xi64>
  return %rows, %present : tensor<?x?x4xi64>, tensor<?x2xi64>
}

// The operator of com.microsoft with offsets after it; the next history is a concatenation of its own, before it.
// CHECK-LABEL: func.func @contrib
// CHECK: %[[ROWS:.*]], %[[PRESENT:.*]] = trine.engram.hash %{{.*}} history({{.*}}) map({{.*}}) order 3 heads 2 multipliers [63280230511788609, 3996608348655193, 29694298745574697] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661] pad 9 reset after_token token 9 wrap twos_complement {trine.form = "engram-hash-contrib"}
// CHECK-NOT: onnx.{{com|Add|Concat|Slice}}
// CHECK: return %[[ROWS]], %[[PRESENT]]
func.func @contrib(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last2 = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %m0 = onnx.Constant dense<63280230511788609> : tensor<i64>
  %m1 = onnx.Constant dense<3996608348655193> : tensor<i64>
  %m2 = onnx.Constant dense<29694298745574697> : tensor<i64>
  %p0 = onnx.Constant dense<211> : tensor<i64>
  %p1 = onnx.Constant dense<223> : tensor<i64>
  %p2 = onnx.Constant dense<227> : tensor<i64>
  %p3 = onnx.Constant dense<229> : tensor<i64>
  %o2 = onnx.Constant dense<434> : tensor<i64>
  %o3 = onnx.Constant dense<661> : tensor<i64>
  %column = onnx.Constant dense<[0, 0, 1]> : tensor<3xi64>
  %map = onnx.Initializer "map" from "weights" at 0 length 1280 : tensor<160xi64>
  %seq = onnx.Shape(%ids) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %seq1 = onnx.Add(%seq, %c1) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %t = onnx.Gather(%map, %ids) : (tensor<160xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %cat = onnx.Concat(%h, %t) {axis = 1 : i64} : (tensor<?x2xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %present = onnx.Slice(%cat, %last2, %end, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xi64>
  %n = onnx.None
  %m = onnx.Constant dense<[63280230511788609, 3996608348655193, 29694298745574697]> : tensor<3xi64>
  %p = onnx.Constant dense<[211, 223, 227, 229]> : tensor<4xi64>
  %o = onnx.Constant dense<[0, 211, 434, 661]> : tensor<4xi64>
  %eos = onnx.Constant dense<9> : tensor<i64>
  %g, %u = onnx.com.microsoft.NGramHashMapping(%t, %m, %p, %h, %n, %eos, %n) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 2 : i64, reset_on_eos = 1 : i64} : (tensor<?x?xi64>, tensor<3xi64>, tensor<4xi64>, tensor<?x2xi64>, none, tensor<i64>, none) -> (tensor<?x?x4xi64>, tensor<?x2xi64>)
  %rows = onnx.Add(%g, %o) : (tensor<?x?x4xi64>, tensor<4xi64>) -> tensor<?x?x4xi64>
  return %rows, %present : tensor<?x?x4xi64>, tensor<?x2xi64>
}

// The reset rule with plain operators.
// CHECK-LABEL: func.func @reset
// CHECK: trine.engram.hash {{.*}} pad 2 reset after_token token 9
// CHECK-NOT: onnx.{{Mod|Equal|Or|Where}}
func.func @reset(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last2 = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %m0 = onnx.Constant dense<63280230511788609> : tensor<i64>
  %m1 = onnx.Constant dense<3996608348655193> : tensor<i64>
  %m2 = onnx.Constant dense<29694298745574697> : tensor<i64>
  %p0 = onnx.Constant dense<211> : tensor<i64>
  %p1 = onnx.Constant dense<223> : tensor<i64>
  %p2 = onnx.Constant dense<227> : tensor<i64>
  %p3 = onnx.Constant dense<229> : tensor<i64>
  %o2 = onnx.Constant dense<434> : tensor<i64>
  %o3 = onnx.Constant dense<661> : tensor<i64>
  %column = onnx.Constant dense<[0, 0, 1]> : tensor<3xi64>
  %map = onnx.Initializer "map" from "weights" at 0 length 1280 : tensor<160xi64>
  %seq = onnx.Shape(%ids) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %seq1 = onnx.Add(%seq, %c1) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %t = onnx.Gather(%map, %ids) : (tensor<160xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %cat = onnx.Concat(%h, %t) {axis = 1 : i64} : (tensor<?x2xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %w1 = onnx.Slice(%cat, %c1, %seq1, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %w2 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %eos = onnx.Constant dense<9> : tensor<i64>
  %pad = onnx.Constant dense<2> : tensor<i64>
  %e1 = onnx.Equal(%w1, %eos) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi1>
  %k1 = onnx.Where(%e1, %pad, %w1) : (tensor<?x?xi1>, tensor<i64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %f2 = onnx.Equal(%w2, %eos) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi1>
  %e2 = onnx.Or(%f2, %e1) : (tensor<?x?xi1>, tensor<?x?xi1>) -> tensor<?x?xi1>
  %k2 = onnx.Where(%e2, %pad, %w2) : (tensor<?x?xi1>, tensor<i64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %x0 = onnx.Mul(%t, %m0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %x1 = onnx.Mul(%k1, %m1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r2 = onnx.BitwiseXor(%x0, %x1) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %x2 = onnx.Mul(%k2, %m2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r3 = onnx.BitwiseXor(%r2, %x2) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %a0 = onnx.Mod(%r2, %p0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a1 = onnx.Mod(%r2, %p1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b1 = onnx.Add(%a1, %p0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a2 = onnx.Mod(%r3, %p2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b2 = onnx.Add(%a2, %o2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a3 = onnx.Mod(%r3, %p3) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b3 = onnx.Add(%a3, %o3) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %s0 = onnx.Reshape(%a0, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s1 = onnx.Reshape(%b1, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s2 = onnx.Reshape(%b2, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s3 = onnx.Reshape(%b3, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %rows = onnx.Concat(%s0, %s1, %s2, %s3) {axis = 2 : i64} : (tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>) -> tensor<?x?x4xi64>
  %present = onnx.Slice(%cat, %last2, %end, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xi64>
  return %rows, %present : tensor<?x?x4xi64>, tensor<?x2xi64>
}

// A prefill graph: tokens padded at the front, each order apart.
// CHECK-LABEL: func.func @padded
// CHECK: trine.engram.hash %{{[a-z0-9]+}} map({{.*}}) order 3 heads 2 {{.*}} pad 2 reset never
// CHECK-NOT: onnx.{{Mod|Pad|Slice}}
func.func @padded(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}) -> (tensor<?x?x4xi64>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last2 = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %m0 = onnx.Constant dense<63280230511788609> : tensor<i64>
  %m1 = onnx.Constant dense<3996608348655193> : tensor<i64>
  %m2 = onnx.Constant dense<29694298745574697> : tensor<i64>
  %p0 = onnx.Constant dense<211> : tensor<i64>
  %p1 = onnx.Constant dense<223> : tensor<i64>
  %p2 = onnx.Constant dense<227> : tensor<i64>
  %p3 = onnx.Constant dense<229> : tensor<i64>
  %o2 = onnx.Constant dense<434> : tensor<i64>
  %o3 = onnx.Constant dense<661> : tensor<i64>
  %column = onnx.Constant dense<[0, 0, 1]> : tensor<3xi64>
  %map = onnx.Initializer "map" from "weights" at 0 length 1280 : tensor<160xi64>
  %seq = onnx.Shape(%ids) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %seq1 = onnx.Add(%seq, %c1) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %t = onnx.Gather(%map, %ids) : (tensor<160xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %two = onnx.Constant dense<2> : tensor<i64>
  %n = onnx.None
  %pads1 = onnx.Constant dense<[0, 1, 0, 0]> : tensor<4xi64>
  %pads2 = onnx.Constant dense<[0, 2, 0, 0]> : tensor<4xi64>
  %f1 = onnx.Pad(%t, %pads1, %two, %n) : (tensor<?x?xi64>, tensor<4xi64>, tensor<i64>, none) -> tensor<?x?xi64>
  %f2 = onnx.Pad(%t, %pads2, %two, %n) : (tensor<?x?xi64>, tensor<4xi64>, tensor<i64>, none) -> tensor<?x?xi64>
  %w1 = onnx.Slice(%f1, %c0, %seq, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %w2 = onnx.Slice(%f2, %c0, %seq, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %x0 = onnx.Mul(%t, %m0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %x1 = onnx.Mul(%w1, %m1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r2 = onnx.BitwiseXor(%x0, %x1) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %x2 = onnx.Mul(%w2, %m2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r3 = onnx.BitwiseXor(%r2, %x2) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %a0 = onnx.Mod(%r2, %p0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a1 = onnx.Mod(%r2, %p1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b1 = onnx.Add(%a1, %p0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a2 = onnx.Mod(%r3, %p2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b2 = onnx.Add(%a2, %o2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a3 = onnx.Mod(%r3, %p3) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %b3 = onnx.Add(%a3, %o3) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %s0 = onnx.Reshape(%a0, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s1 = onnx.Reshape(%b1, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s2 = onnx.Reshape(%b2, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %s3 = onnx.Reshape(%b3, %column) : (tensor<?x?xi64>, tensor<3xi64>) -> tensor<?x?x1xi64>
  %rows = onnx.Concat(%s0, %s1, %s2, %s3) {axis = 2 : i64} : (tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>) -> tensor<?x?x4xi64>
  return %rows : tensor<?x?x4xi64>
}

// A table for each head; a history that is longer than needed; ids without a map.
// CHECK-LABEL: func.func @tables
// CHECK: %[[H:.*]] = onnx.Slice(%arg1
// CHECK: %[[ROWS:.*]], %{{.*}} = trine.engram.hash %arg0 history(%[[H]] : tensor<?x2xi64>) order 3 heads 1 {{.*}} moduli [211, 229] offsets [0, 0]
// CHECK-NOT: onnx.Mod
// CHECK-DAG: onnx.Slice(%[[ROWS]]
// CHECK-DAG: onnx.Slice(%[[ROWS]]
// CHECK: onnx.Gather
// CHECK: onnx.Gather
func.func @tables(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x3xi64> {onnx.name = "history_160", onnx.dims = ["b", 3]}) -> (tensor<?x?x16xf32>, tensor<?x?x16xf32>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last2 = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %m0 = onnx.Constant dense<63280230511788609> : tensor<i64>
  %m1 = onnx.Constant dense<3996608348655193> : tensor<i64>
  %m2 = onnx.Constant dense<29694298745574697> : tensor<i64>
  %p0 = onnx.Constant dense<211> : tensor<i64>
  %p1 = onnx.Constant dense<223> : tensor<i64>
  %p2 = onnx.Constant dense<227> : tensor<i64>
  %p3 = onnx.Constant dense<229> : tensor<i64>
  %o2 = onnx.Constant dense<434> : tensor<i64>
  %o3 = onnx.Constant dense<661> : tensor<i64>
  %column = onnx.Constant dense<[0, 0, 1]> : tensor<3xi64>
  %seq = onnx.Shape(%ids) {start = 1 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %seq2 = onnx.Add(%seq, %c2) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %seq1 = onnx.Add(%seq, %c1) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %cat = onnx.Concat(%h, %ids) {axis = 1 : i64} : (tensor<?x3xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %w1 = onnx.Slice(%cat, %c2, %seq2, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %w2 = onnx.Slice(%cat, %c1, %seq1, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %x0 = onnx.Mul(%ids, %m0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %x1 = onnx.Mul(%w1, %m1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r2 = onnx.BitwiseXor(%x0, %x1) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %x2 = onnx.Mul(%w2, %m2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r3 = onnx.BitwiseXor(%r2, %x2) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %a3 = onnx.Mod(%r3, %p3) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %a0 = onnx.Mod(%r2, %p0) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %t3 = onnx.Initializer "three" from "weights" at 0 length 14656 : tensor<229x16xf32>
  %t2 = onnx.Initializer "two" from "weights" at 14656 length 13504 : tensor<211x16xf32>
  %e3 = onnx.Gather(%t3, %a3) : (tensor<229x16xf32>, tensor<?x?xi64>) -> tensor<?x?x16xf32>
  %e2 = onnx.Gather(%t2, %a0) : (tensor<211x16xf32>, tensor<?x?xi64>) -> tensor<?x?x16xf32>
  return %e2, %e3 : tensor<?x?x16xf32>, tensor<?x?x16xf32>
}
