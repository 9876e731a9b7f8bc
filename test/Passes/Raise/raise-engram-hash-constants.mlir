// A hash whose constants contradict the published rule is one all the same; what contradicts is told.
// RUN: trine-opt %s --trine-raise-engram-hash --remarks-filter-analyse=trine-raise-engram-hash --remark-format=emitRemark 2>&1 | FileCheck %s
// Sizes that contradict each other in a way that only data would show: no hash, and no crash.
// RUN: sed -e "s/dense<\[0, 0, 1\]>/dense<[0, 0, 101]>/" %s | trine-opt --trine-raise-engram-hash -o /dev/null
// CHECK-NOT: Function=published
// CHECK-DAG: remark: {{.*}}Function=changed{{.*}}by the published rule for constants of a hash, the multipliers are those of no layer below 1024
// CHECK-DAG: remark: {{.*}}Function=changed{{.*}}by the published rule for constants of a hash, the modulus 221 of column 1 is not prime
// CHECK-DAG: remark: {{.*}}Function=changed{{.*}}by the published rule for constants of a hash, the offset 434 of column 2 is not the sum of the moduli before it, 432
// CHECK-COUNT-2: trine.engram.hash

func.func @published(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
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

func.func @changed(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.name = "history_160", onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last2 = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %m0 = onnx.Constant dense<63280230511788609> : tensor<i64>
  %m1 = onnx.Constant dense<3996608348655195> : tensor<i64>
  %m2 = onnx.Constant dense<29694298745574697> : tensor<i64>
  %p0 = onnx.Constant dense<211> : tensor<i64>
  %p1 = onnx.Constant dense<221> : tensor<i64>
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
