// RUN: trine-opt %s --mlir-disable-threading --trine-raise-engram-conv --remarks-filter-missed=trine-raise-engram-conv --remark-format=emitRemark 2>&1 | FileCheck %s

// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but its taps are not equally far from each other at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but its taps are not equally far from each other at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but a term is no weighted row of the state and input at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but a part of it is used elsewhere at

// Taps as shifted slices; the last one is the rows themselves.
// CHECK-LABEL: func.func @slices
// CHECK: %[[W:.*]] = onnx.Concat({{.*}}) {axis = 1 : i64} : (tensor<64x1xf32>, tensor<64x1xf32>, tensor<64x1xf32>, tensor<64x1xf32>) -> tensor<64x4xf32>
// CHECK: %[[Y:.*]], %[[P:.*]] = trine.engram.conv %arg0, %arg1, %[[W]] dilation 3 {trine.form = "engram-conv-slices"}
// CHECK-NOT: onnx.{{Mul|Slice}}
// CHECK: return %[[Y]], %[[P]]
func.func @slices(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %e3 = onnx.Add(%seq, %c3) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %e6 = onnx.Add(%seq, %c6) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %w0 = onnx.Initializer "w0" from "weights" at 0 length 256 : tensor<64xf32>
  %w1 = onnx.Initializer "w1" from "weights" at 256 length 256 : tensor<64xf32>
  %w2 = onnx.Initializer "w2" from "weights" at 512 length 256 : tensor<1x1x64xf32>
  %w3 = onnx.Initializer "w3" from "weights" at 768 length 256 : tensor<64xf32>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %t0 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t1 = onnx.Slice(%cat, %c3, %e3, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t2 = onnx.Slice(%cat, %c6, %e6, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %m0 = onnx.Mul(%t0, %w0) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m1 = onnx.Mul(%t1, %w1) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m2 = onnx.Mul(%w2, %t2) : (tensor<1x1x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %m3 = onnx.Mul(%x, %w3) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %a1 = onnx.Add(%m0, %m1) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %a2 = onnx.Add(%a1, %m2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %y = onnx.Add(%m3, %a2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %present : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}

// Twins: another distance; a tap subtracted; a row without a weight; an inner value used elsewhere.
// CHECK-LABEL: func.func @distance
// CHECK-NOT: trine.engram.conv
func.func @distance(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %c3 = onnx.Constant dense<2> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %e3 = onnx.Add(%seq, %c3) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %e6 = onnx.Add(%seq, %c6) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %w0 = onnx.Initializer "w0" from "weights" at 0 length 256 : tensor<64xf32>
  %w1 = onnx.Initializer "w1" from "weights" at 256 length 256 : tensor<64xf32>
  %w2 = onnx.Initializer "w2" from "weights" at 512 length 256 : tensor<1x1x64xf32>
  %w3 = onnx.Initializer "w3" from "weights" at 768 length 256 : tensor<64xf32>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %t0 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t1 = onnx.Slice(%cat, %c3, %e3, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t2 = onnx.Slice(%cat, %c6, %e6, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %m0 = onnx.Mul(%t0, %w0) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m1 = onnx.Mul(%t1, %w1) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m2 = onnx.Mul(%w2, %t2) : (tensor<1x1x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %m3 = onnx.Mul(%x, %w3) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %a1 = onnx.Add(%m0, %m1) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %a2 = onnx.Add(%a1, %m2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %y = onnx.Add(%m3, %a2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %present : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}

func.func @subtracted(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %e3 = onnx.Add(%seq, %c3) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %e6 = onnx.Add(%seq, %c6) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %w0 = onnx.Initializer "w0" from "weights" at 0 length 256 : tensor<64xf32>
  %w1 = onnx.Initializer "w1" from "weights" at 256 length 256 : tensor<64xf32>
  %w2 = onnx.Initializer "w2" from "weights" at 512 length 256 : tensor<1x1x64xf32>
  %w3 = onnx.Initializer "w3" from "weights" at 768 length 256 : tensor<64xf32>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %t0 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t1 = onnx.Slice(%cat, %c3, %e3, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t2 = onnx.Slice(%cat, %c6, %e6, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %m0 = onnx.Mul(%t0, %w0) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m1 = onnx.Mul(%t1, %w1) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m2 = onnx.Mul(%w2, %t2) : (tensor<1x1x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %m3 = onnx.Mul(%x, %w3) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %a1 = onnx.Add(%m0, %m1) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %a2 = onnx.Sub(%a1, %m2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %y = onnx.Add(%m3, %a2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %present : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}

func.func @unweighted(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %e3 = onnx.Add(%seq, %c3) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %e6 = onnx.Add(%seq, %c6) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %w0 = onnx.Initializer "w0" from "weights" at 0 length 256 : tensor<64xf32>
  %w1 = onnx.Initializer "w1" from "weights" at 256 length 256 : tensor<64xf32>
  %w2 = onnx.Initializer "w2" from "weights" at 512 length 256 : tensor<1x1x64xf32>
  %w3 = onnx.Initializer "w3" from "weights" at 768 length 256 : tensor<64xf32>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %t0 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t1 = onnx.Slice(%cat, %c3, %e3, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t2 = onnx.Slice(%cat, %c6, %e6, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %m0 = onnx.Mul(%t0, %w0) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m1 = onnx.Mul(%t1, %w1) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m2 = onnx.Mul(%w2, %t2) : (tensor<1x1x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %m3 = onnx.Mul(%x, %w3) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %a1 = onnx.Add(%m0, %m1) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %a2 = onnx.Add(%a1, %m2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %y = onnx.Add(%x, %a2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %present : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}

func.func @inner_used(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x?x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %e3 = onnx.Add(%seq, %c3) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %e6 = onnx.Add(%seq, %c6) : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %w0 = onnx.Initializer "w0" from "weights" at 0 length 256 : tensor<64xf32>
  %w1 = onnx.Initializer "w1" from "weights" at 256 length 256 : tensor<64xf32>
  %w2 = onnx.Initializer "w2" from "weights" at 512 length 256 : tensor<1x1x64xf32>
  %w3 = onnx.Initializer "w3" from "weights" at 768 length 256 : tensor<64xf32>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %t0 = onnx.Slice(%cat, %c0, %seq, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t1 = onnx.Slice(%cat, %c3, %e3, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %t2 = onnx.Slice(%cat, %c6, %e6, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x64xf32>
  %m0 = onnx.Mul(%t0, %w0) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m1 = onnx.Mul(%t1, %w1) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %m2 = onnx.Mul(%w2, %t2) : (tensor<1x1x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %m3 = onnx.Mul(%x, %w3) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %a1 = onnx.Add(%m0, %m1) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %a2 = onnx.Add(%a1, %m2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %y = onnx.Add(%m3, %a2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %m1 : tensor<?x?x64xf32>, tensor<?x?x64xf32>
}
