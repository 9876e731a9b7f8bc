// RUN: trine-opt %s --trine-raise-rope --split-input-file | FileCheck %s
// RUN: trine-opt %s --trine-raise-rope --split-input-file --remark-format=emitRemark --remark-policy=all --remarks-filter-missed='.*' 2>&1 >%t | FileCheck %s --check-prefix=REMARK --implicit-check-not=Missed

// Evens and odds by slices, evens in front afterwards (DeepSeek-V3).
// CHECK-LABEL: func.func @strided
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: %[[Y:.*]] = trine.rope %[[X]], %[[C]], %[[S]] pairing interleaved layout permuted begin 0 {trine.form = "rope-strided"}
// CHECK-NEXT: return %[[Y]]
func.func @strided(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Halves.
// CHECK-LABEL: func.func @halfParts
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: trine.rope %[[X]], %[[C]], %[[S]] pairing half layout in_place begin 0 {trine.form = "rope-half-parts"}
func.func @halfParts(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%as, %bc) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Evens and odds, written where they were read (paper).
// CHECK-LABEL: func.func @interleaved
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: trine.rope %[[X]], %[[C]], %[[S]] pairing interleaved layout in_place begin 0 {trine.form = "rope-interleaved"}
func.func @interleaved(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %d0 = onnx.Shape(%x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %d2 = onnx.Shape(%x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %s5 = onnx.Concat(%d0, %c4, %d2, %c4, %c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s51 = onnx.Concat(%d0, %c4, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s4 = onnx.Concat(%d0, %c4, %d2, %c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %t51 = onnx.Concat(%d0, %c1, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re5 = onnx.Reshape(%re, %s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %im5 = onnx.Reshape(%im, %s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %z = onnx.Concat(%re5, %im5) {axis = 4 : i64} : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x2xf32>
  %y = onnx.Reshape(%z, %s4) {allowzero = 1 : i64} : (tensor<?x4x?x4x2xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// The pair is joined with what is not rotated in one Concat (TorchScript on DeepSeek-V3).
// CHECK-LABEL: func.func @joined
// CHECK: %[[Y:.*]] = trine.rope {{.*}} pairing interleaved layout permuted {{.*}} {trine.form = "rope-strided"}
// CHECK: onnx.Concat(%arg3, %[[Y]]) {axis = 3 : i64}
// CHECK-NOT: onnx.Mul
func.func @joined(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %n: tensor<?x4x?x5xf32> {onnx.dims = ["b", 4, "s", 5]}) -> tensor<?x4x?x13xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%b, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%n, %re, %im) {axis = 3 : i64} : (tensor<?x4x?x5xf32>, tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x13xf32>
  return %y : tensor<?x4x?x13xf32>
}

// -----

// Complex numbers (DeepSeek-V2).
// CHECK-LABEL: func.func @complex
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: trine.rope %[[X]], %[[C]], %[[S]] pairing interleaved layout in_place begin 0 {trine.form = "rope-complex"}
func.func @complex(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %d0 = onnx.Shape(%x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %d2 = onnx.Shape(%x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %s5 = onnx.Concat(%d0, %c4, %d2, %c4, %c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s51 = onnx.Concat(%d0, %c4, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s4 = onnx.Concat(%d0, %c4, %d2, %c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %t51 = onnx.Concat(%d0, %c1, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %x5 = onnx.Reshape(%x, %s5) {allowzero = 1 : i64} : (tensor<?x4x?x8xf32>, tensor<5xi64>) -> tensor<?x4x?x4x2xf32>
  %c4x = onnx.Constant dense<4> : tensor<1xi64>
  %a = onnx.Slice(%x5, %c0, %c1, %c4, %c1) : (tensor<?x4x?x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4x1xf32>
  %b = onnx.Slice(%x5, %c1, %c2, %c4, %c1) : (tensor<?x4x?x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4x1xf32>
  %ct = onnx.Reshape(%c, %t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %st = onnx.Reshape(%s, %t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %ac = onnx.Mul(%a, %ct) : (tensor<?x4x?x4x1xf32>, tensor<?x1x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %bs = onnx.Mul(%b, %st) : (tensor<?x4x?x4x1xf32>, tensor<?x1x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %bc = onnx.Mul(%ct, %b) : (tensor<?x1x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %as = onnx.Mul(%a, %st) : (tensor<?x4x?x4x1xf32>, tensor<?x1x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %z = onnx.Concat(%re, %im) {axis = 4 : i64} : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x2xf32>
  %y = onnx.Reshape(%z, %s4) {allowzero = 1 : i64} : (tensor<?x4x?x4x2xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// The turned value as a whole; tables of full width (Llama, Qwen).
// CHECK-LABEL: func.func @rotateHalf
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: trine.rope %[[X]], %[[C]], %[[S]] pairing half layout in_place begin 0 {trine.form = "rope-rotate-half"}
func.func @rotateHalf(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %nb = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %rot = onnx.Concat(%nb, %a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%x, %cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// The value had a dimension of one head put in before it was cut.
// CHECK-LABEL: func.func @rotateHalfOfOneHead
// CHECK: trine.rope %{{.+}}, %{{.+}}, %{{.+}} pairing half layout in_place begin 0 {trine.form = "rope-rotate-half"}
func.func @rotateHalfOfOneHead(%k: tensor<?x?x8xf32> {onnx.dims = ["b", "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x1x?x8xf32> {
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %batch = onnx.Shape(%k) {end = 1 : i64} : (tensor<?x?x8xf32>) -> tensor<1xi64>
  %rest = onnx.Constant dense<[1, -1, 8]> : tensor<3xi64>
  %head = onnx.Concat(%batch, %rest) {axis = 0 : i64} : (tensor<1xi64>, tensor<3xi64>) -> tensor<4xi64>
  %x = onnx.Reshape(%k, %head) {allowzero = 0 : i64} : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x1x?x8xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x1x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x1x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1x?x4xf32>
  %nb = onnx.Neg(%b) : (tensor<?x1x?x4xf32>) -> tensor<?x1x?x4xf32>
  %rot = onnx.Concat(%nb, %a) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %xc = onnx.Mul(%x, %cw) : (tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x1x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x1x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x1x?x8xf32>
  return %y : tensor<?x1x?x8xf32>
}

// -----

// The other way round: the sine is negative.
// CHECK-LABEL: func.func @inverse
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: %[[N:.*]] = onnx.Neg(%[[S]])
// CHECK: trine.rope %[[X]], %[[C]], %[[N]] pairing half
func.func @inverse(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %nb = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %rot = onnx.Concat(%nb, %a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%x, %cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Sub(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Tables that hold every number twice, seen through rows, a factor and the cosine.
// CHECK-LABEL: func.func @tables
// CHECK: %[[COS:.*]] = onnx.Cos(%{{.*}}) : (tensor<32x4xf32>)
// CHECK: %[[C:.*]] = onnx.Mul(%[[COS]], %{{.*}})
// CHECK: %[[ROWS:.*]] = onnx.Gather(%[[C]], %{{.*}}) : (tensor<32x4xf32>, tensor<?x?xi64>)
// CHECK: %[[T:.*]] = onnx.Reshape(%[[ROWS]],
// CHECK: trine.rope %{{.*}}, %[[T]], %{{.*}} pairing half layout in_place begin 0 {{.*}} : tensor<?x4x?x8xf32>, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>
func.func @tables(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %f: tensor<32x4xf32>, %p: tensor<?x?xi64> {onnx.dims = ["b", "s"]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %scale = onnx.Constant dense<1.5> : tensor<f32>
  %d0 = onnx.Shape(%x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %d2 = onnx.Shape(%x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %s4 = onnx.Concat(%d0, %c1, %d2, %c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %ff = onnx.Concat(%f, %f) {axis = 1 : i64} : (tensor<32x4xf32>, tensor<32x4xf32>) -> tensor<32x8xf32>
  %cf = onnx.Cos(%ff) : (tensor<32x8xf32>) -> tensor<32x8xf32>
  %sf = onnx.Sin(%ff) : (tensor<32x8xf32>) -> tensor<32x8xf32>
  %cm = onnx.Mul(%cf, %scale) : (tensor<32x8xf32>, tensor<f32>) -> tensor<32x8xf32>
  %cg = onnx.Gather(%cm, %p) : (tensor<32x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  %cw = onnx.Reshape(%cg, %s4) {allowzero = 1 : i64} : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x1x?x8xf32>
  %sm = onnx.Mul(%sf, %scale) : (tensor<32x8xf32>, tensor<f32>) -> tensor<32x8xf32>
  %sg = onnx.Gather(%sm, %p) : (tensor<32x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  %sw = onnx.Reshape(%sg, %s4) {allowzero = 1 : i64} : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %nb = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %rot = onnx.Concat(%nb, %a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%x, %cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Evens moved in front first, then halves (DeepSeek-V3 up to transformers 4.5x).
// CHECK-LABEL: func.func @moved
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: trine.rope %[[X]], %[[C]], %[[S]] pairing interleaved layout permuted begin 0 {trine.form = "rope-rotate-half-moved"}
func.func @moved(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %d0 = onnx.Shape(%x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %d2 = onnx.Shape(%x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %s5 = onnx.Concat(%d0, %c4, %d2, %c4, %c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s51 = onnx.Concat(%d0, %c4, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s4 = onnx.Concat(%d0, %c4, %d2, %c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %t51 = onnx.Concat(%d0, %c1, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %x5 = onnx.Reshape(%x, %s5) {allowzero = 1 : i64} : (tensor<?x4x?x8xf32>, tensor<5xi64>) -> tensor<?x4x?x4x2xf32>
  %xt = onnx.Transpose(%x5) {perm = array<i64: 0, 1, 2, 4, 3>} : (tensor<?x4x?x4x2xf32>) -> tensor<?x4x?x2x4xf32>
  %xm = onnx.Reshape(%xt, %s4) {allowzero = 1 : i64} : (tensor<?x4x?x2x4xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  %a = onnx.Slice(%xm, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%xm, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %nb = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %rot = onnx.Concat(%nb, %a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%xm, %cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Neighbours turned in place, tables repeated in place (DeepSeek-V4).
// CHECK-LABEL: func.func @pairs
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x8xf32>
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x1x?x4xf32>
// CHECK: trine.rope %[[X]], %[[C]], %[[S]] pairing interleaved layout in_place begin 0 {trine.form = "rope-rotate-pairs"}
func.func @pairs(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %d0 = onnx.Shape(%x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %d2 = onnx.Shape(%x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %s5 = onnx.Concat(%d0, %c4, %d2, %c4, %c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s51 = onnx.Concat(%d0, %c4, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %s4 = onnx.Concat(%d0, %c4, %d2, %c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %t51 = onnx.Concat(%d0, %c1, %d2, %c4, %c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %t52 = onnx.Concat(%d0, %c1, %d2, %c4, %c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %t4 = onnx.Concat(%d0, %c1, %d2, %c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %cu = onnx.Reshape(%c, %t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %ce = onnx.Expand(%cu, %t52) : (tensor<?x1x?x4x1xf32>, tensor<5xi64>) -> tensor<?x1x?x4x2xf32>
  %cw = onnx.Reshape(%ce, %t4) {allowzero = 1 : i64} : (tensor<?x1x?x4x2xf32>, tensor<4xi64>) -> tensor<?x1x?x8xf32>
  %su = onnx.Reshape(%s, %t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %se = onnx.Expand(%su, %t52) : (tensor<?x1x?x4x1xf32>, tensor<5xi64>) -> tensor<?x1x?x4x2xf32>
  %sw = onnx.Reshape(%se, %t4) {allowzero = 1 : i64} : (tensor<?x1x?x4x2xf32>, tensor<4xi64>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %nb = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %n5 = onnx.Reshape(%nb, %s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %a5 = onnx.Reshape(%a, %s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %z = onnx.Concat(%n5, %a5) {axis = 4 : i64} : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x2xf32>
  %rot = onnx.Reshape(%z, %s4) {allowzero = 1 : i64} : (tensor<?x4x?x4x2xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%x, %cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// A rotated prefix; the rest passes.
// CHECK-LABEL: func.func @prefix
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x12xf32>
// CHECK: %[[Y:.*]] = trine.rope %[[X]], %{{.*}}, %{{.*}} pairing half layout in_place begin 0
// CHECK-NEXT: return %[[Y]]
func.func @prefix(%x: tensor<?x4x?x12xf32> {onnx.dims = ["b", 4, "s", 12]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x12xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %rest = onnx.Slice(%x, %c8, %c12, %c3, %c1) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %t = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Concat(%t, %rest) {axis = 3 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x12xf32>
  return %y : tensor<?x4x?x12xf32>
}

// -----

// The last elements of a head: they are cut out first.
// CHECK-LABEL: func.func @suffix
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x?x12xf32>
// CHECK: %[[P:.*]] = onnx.Slice(%[[X]], %{{.*}}) {{.*}} -> tensor<?x4x?x8xf32>
// CHECK: %[[Y:.*]] = trine.rope %[[P]], %{{.*}}, %{{.*}} pairing interleaved layout permuted begin 0
// CHECK-NEXT: return %[[Y]]
func.func @suffix(%x: tensor<?x4x?x12xf32> {onnx.dims = ["b", 4, "s", 12]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %a = onnx.Slice(%x, %c4, %c12, %c3, %c2) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %c5 = onnx.Constant dense<5> : tensor<1xi64>
  %b = onnx.Slice(%x, %c5, %c12, %c3, %c2) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// The operators, with heads apart and together.
// CHECK-LABEL: func.func @operators
// CHECK-DAG: trine.rope %arg0, %{{.*}} pairing interleaved layout in_place begin 0 {trine.form = "rope-onnx"} : tensor<?x4x?x12xf32>, tensor<?x1x?x4xf32>
// CHECK-DAG: trine.rope %{{.*}} pairing half layout in_place begin 0 {trine.form = "rope-onnx"} : tensor<?x?x4x8xf32>, tensor<?x?x1x4xf32>
// CHECK-DAG: trine.rope %{{.*}} pairing half layout in_place begin 0 {trine.form = "rope-microsoft"} : tensor<?x?x4x8xf32>, tensor<?x?x1x4xf32>
// CHECK-NOT: RotaryEmbedding
func.func @operators(%x: tensor<?x4x?x12xf32> {onnx.dims = ["b", 4, "s", 12]}, %x3: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %ct: tensor<64x4xf32>, %st: tensor<64x4xf32>, %c: tensor<?x?x4xf32> {onnx.dims = ["b", "s", 4]}, %p: tensor<?x?xi64> {onnx.dims = ["b", "s"]}) -> (tensor<?x4x?x12xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %none = onnx.None
  %y = onnx.RotaryEmbedding(%x, %ct, %st, %p) {interleaved = 1 : i64, rotary_embedding_dim = 8 : i64} : (tensor<?x4x?x12xf32>, tensor<64x4xf32>, tensor<64x4xf32>, tensor<?x?xi64>) -> tensor<?x4x?x12xf32>
  %z = onnx.RotaryEmbedding(%x3, %c, %c, %none) {num_heads = 4 : i64} : (tensor<?x?x32xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, none) -> tensor<?x?x32xf32>
  %w = onnx.com.microsoft.RotaryEmbedding(%x3, %p, %ct, %st) : (tensor<?x?x32xf32>, tensor<?x?xi64>, tensor<64x4xf32>, tensor<64x4xf32>) -> tensor<?x?x32xf32>
  return %y, %z, %w : tensor<?x4x?x12xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>
}

// -----

// Twin: both halves are sums.
// REMARK: Missed{{.*}}looks like rope, but the signs are not those of a rotation at node {{[0-9]+}} (Add)
// CHECK-LABEL: func.func @signTwin
// CHECK-NOT: trine.rope
func.func @signTwin(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Add(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Twin: the second half takes the cosine twice.
// REMARK: Missed{{.*}}looks like rope, but the second half does not mix the same values and tables at node {{[0-9]+}} (Add)
// CHECK-LABEL: func.func @tableTwin
// CHECK-NOT: trine.rope
func.func @tableTwin(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Twin: a table whose halves are two values.
// REMARK: Missed{{.*}}looks like rope, but a table has no halves that are seen to be equal
// CHECK-LABEL: func.func @halvesTwin
// CHECK-NOT: trine.rope
func.func @halvesTwin(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %cw = onnx.Concat(%c, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %nb = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %rot = onnx.Concat(%nb, %a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%x, %cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Twin: a product is a result, too.
// REMARK: Missed{{.*}}looks like rope, but an inner value is used outside at node {{[0-9]+}} (return)
// CHECK-LABEL: func.func @outsideTwin
// CHECK-NOT: trine.rope
func.func @outsideTwin(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> (tensor<?x4x?x8xf32>, tensor<?x4x?x4xf32>) {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  return %y, %ac : tensor<?x4x?x8xf32>, tensor<?x4x?x4xf32>
}

// -----

// Twin: the turned value is not of the rotated one.
// REMARK: Missed{{.*}}looks like rope, but the cosine does not multiply the turned value
// CHECK-LABEL: func.func @orderTwin
// CHECK-NOT: trine.rope
func.func @orderTwin(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %nb = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %rot = onnx.Concat(%nb, %a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %w = onnx.Neg(%x) : (tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%w, %cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%rot, %sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Twin: the parts overlap; nothing looks like a rotation.
// CHECK-LABEL: func.func @overlapTwin
// CHECK-NOT: trine.rope
func.func @overlapTwin(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x8xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b5 = onnx.Slice(%x, %c3, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x5xf32>
  %b = onnx.Slice(%b5, %c0, %c4, %c3, %c1) : (tensor<?x4x?x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// Twin: joined along the sequence.
// CHECK-LABEL: func.func @axisTwin
// CHECK-NOT: trine.rope
func.func @axisTwin(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.dims = ["b", 1, "s", 4]}) -> tensor<?x4x?x4xf32> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %a = onnx.Slice(%x, %c0, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c1, %c8, %c3, %c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %ac = onnx.Mul(%a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bs = onnx.Mul(%b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %re = onnx.Sub(%ac, %bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %bc = onnx.Mul(%c, %b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %as = onnx.Mul(%a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %im = onnx.Add(%bc, %as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %y = onnx.Concat(%re, %im) {axis = 2 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  return %y : tensor<?x4x?x4xf32>
}

// -----

// One offset for all sequences: positions count from it.
// CHECK-LABEL: func.func @offset
// CHECK: %[[C:.*]] = onnx.Range
// CHECK: %[[P:.*]] = onnx.Add(%[[C]], %arg1) : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>
// CHECK: trine.rope %{{.*}}, %{{.*}}, %{{.*}} pairing half layout in_place begin 0 {trine.form = "rope-microsoft"} : tensor<?x?x4x8xf32>, tensor<1x?x1x4xf32>, tensor<1x?x1x4xf32>
func.func @offset(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %p: tensor<1xi64>, %t: tensor<64x4xf32>) -> tensor<?x?x32xf32> {
  %0 = onnx.com.microsoft.RotaryEmbedding(%x, %p, %t, %t) : (tensor<?x?x32xf32>, tensor<1xi64>, tensor<64x4xf32>, tensor<64x4xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// -----

// The tables are a weight whose rows hold each number twice, which the importer has seen; rows are taken of one half.
// CHECK-LABEL: func.func @fullTables
// CHECK: onnx.Slice(%{{.*}}) : (tensor<64x8xf32>, {{.*}}) -> tensor<64x4xf32>
// CHECK: trine.rope {{.*}} pairing half layout in_place begin 0 {trine.form = "rope-rotate-half"} : tensor<?x4x?x8xf32>, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>
func.func @fullTables(%x: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %p: tensor<?x1x?xi64> {onnx.dims = ["b", 1, "s"]}) -> tensor<?x4x?x8xf32> {
  %cos = onnx.Initializer "cos" from "m.onnx" at 0 length 2048 {onnx.repeats = "halves"} : tensor<64x8xf32>
  %sin = onnx.Initializer "sin" from "m.onnx" at 2048 length 2048 {onnx.repeats = "halves"} : tensor<64x8xf32>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %c4 = onnx.Constant dense<4> : tensor<1xi64>
  %c8 = onnx.Constant dense<8> : tensor<1xi64>
  %c = onnx.Gather(%cos, %p) : (tensor<64x8xf32>, tensor<?x1x?xi64>) -> tensor<?x1x?x8xf32>
  %s = onnx.Gather(%sin, %p) : (tensor<64x8xf32>, tensor<?x1x?xi64>) -> tensor<?x1x?x8xf32>
  %a = onnx.Slice(%x, %c0, %c4, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %b = onnx.Slice(%x, %c4, %c8, %c3, %c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %n = onnx.Neg(%b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %r = onnx.Concat(%n, %a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %xc = onnx.Mul(%x, %c) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rs = onnx.Mul(%r, %s) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %y = onnx.Add(%xc, %rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}
