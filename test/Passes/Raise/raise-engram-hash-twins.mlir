// What only looks like a hash stays, and is told.
// RUN: trine-opt %s --mlir-disable-threading --trine-raise-engram-hash --remarks-filter-missed=trine-raise-engram-hash --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: trine-opt %s --trine-raise-engram-hash | FileCheck %s
// CHECK-NOT: trine.engram.hash

// Products are added.
// REMARK: looks like an n-gram hash, but products are added, not mixed by exclusive or at
func.func @added(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %r2 = onnx.Add(%x0, %x1) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
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

// One remainder takes the sign of the dividend.
// REMARK: looks like an n-gram hash, but 'fmod' is 1 at
func.func @fmod(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %a1 = onnx.Mod(%r2, %p1) {fmod = 1 : i64} : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
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

// Order 3 has another multiplier for one token than order 2.
// REMARK: looks like an n-gram hash, but the token 1 places back has the multipliers 3996608348655193 and 434
func.func @multiplier(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %x1b = onnx.Mul(%w1, %o2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r2b = onnx.BitwiseXor(%x0, %x1b) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
  %x2 = onnx.Mul(%w2, %m2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %r3 = onnx.BitwiseXor(%r2b, %x2) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
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

// A token between is left out.
// REMARK: looks like an n-gram hash, but a column reads a token 2 places back, but 2 tokens in all
func.func @order(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %r3 = onnx.BitwiseXor(%x0, %x2) : (tensor<?x?xi64>, tensor<?x?xi64>) -> tensor<?x?xi64>
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

// Three columns of one order, one of the other.
// REMARK: looks like an n-gram hash, but order 3 has 1 heads, but order 2 has 3
func.func @heads(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %a2 = onnx.Mod(%r2, %p2) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
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

// The history comes after the tokens.
// REMARK: looks like an n-gram hash, but the tokens are not a slice of Concat(history, tokens)
func.func @side(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %cat = onnx.Concat(%t, %h) {axis = 1 : i64} : (tensor<?x?xi64>, tensor<?x2xi64>) -> tensor<?x?xi64>
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

// Two places back instead of one.
// REMARK: looks like an n-gram hash, but a column reads a token 2 places back, but 2 tokens in all
func.func @shifted(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %w1 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi64>
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

// The token itself instead of the one before.
// REMARK: looks like an n-gram hash, but a column reads the token 0 places back twice
func.func @twice(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %x1 = onnx.Mul(%t, %m1) : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
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

// An inner value is a result, too.
// REMARK: looks like an n-gram hash, but a part of it is used elsewhere
func.func @used(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>, tensor<?x?xi64>) {
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
  return %rows, %present, %r2 : tensor<?x?x4xi64>, tensor<?x2xi64>, tensor<?x?xi64>
}

// Rows below zero.
// REMARK: looks like an n-gram hash, but the offset -661 is negative
func.func @negative(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %o3 = onnx.Constant dense<-661> : tensor<i64>
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

// A reset hides the reset token alone.
// REMARK: looks like an n-gram hash, but a token 2 places back is hidden by others than those between
func.func @reset_some(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %e2 = onnx.Or(%f2, %f2) : (tensor<?x?xi1>, tensor<?x?xi1>) -> tensor<?x?xi1>
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

// Segments reset the hash.
// REMARK: looks like an n-gram hash, but segments hide older tokens
func.func @segments(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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
  %seg = onnx.Cast(%ids) {to = 6 : i64} : (tensor<?x?xi64>) -> tensor<?x?xi32>
  %g, %u = onnx.com.microsoft.NGramHashMapping(%t, %m, %p, %h, %n, %eos, %seg) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 2 : i64, reset_on_eos = 1 : i64} : (tensor<?x?xi64>, tensor<3xi64>, tensor<4xi64>, tensor<?x2xi64>, none, tensor<i64>, tensor<?x?xi32>) -> (tensor<?x?x4xi64>, tensor<?x2xi64>)
  %rows = onnx.Add(%g, %o) : (tensor<?x?x4xi64>, tensor<4xi64>) -> tensor<?x?x4xi64>
  return %rows, %present : tensor<?x?x4xi64>, tensor<?x2xi64>
}

