// Masks that are not laid out as the scores are keep their place: there are as many sequences as heads here, so that another place would be legal, too.
// RUN: rm -rf %t
// RUN: split-file %s %t
// RUN: %python %S/Inputs/random_data.py %t/keys.mlir %t/keys/test_data_set_0 b=4 s=3 t=5
// RUN: trine-verify --reference %t/keys.mlir --data %t/keys --dump %t/keys
// RUN: trine-opt --trine-raise-attention %t/keys.mlir -o %t/keys.raised.mlir
// RUN: FileCheck %s --check-prefix=KEYS --input-file=%t/keys.raised.mlir
// RUN: trine-verify --reference %t/keys.raised.mlir --data %t/keys | FileCheck %s --check-prefix=AGREES
// RUN: %python %S/Inputs/random_data.py %t/rows.mlir %t/rows/test_data_set_0 b=4 s=3 t=5
// RUN: trine-verify --reference %t/rows.mlir --data %t/rows --dump %t/rows
// RUN: trine-opt --trine-raise-attention %t/rows.mlir -o %t/rows.raised.mlir
// RUN: FileCheck %s --check-prefix=ROWS --input-file=%t/rows.raised.mlir
// RUN: trine-verify --reference %t/rows.raised.mlir --data %t/rows | FileCheck %s --check-prefix=AGREES
// RUN: %python %S/Inputs/random_data.py %t/operator.mlir %t/operator/test_data_set_0 b=4 s=3 t=5
// RUN: trine-verify --reference %t/operator.mlir --data %t/operator --dump %t/operator
// RUN: trine-opt --trine-raise-attention %t/operator.mlir -o %t/operator.raised.mlir
// RUN: FileCheck %s --check-prefix=OPERATOR --input-file=%t/operator.raised.mlir
// RUN: trine-verify --reference %t/operator.raised.mlir --data %t/operator | FileCheck %s --check-prefix=AGREES
// RUN: %python %S/Inputs/random_data.py %t/guard.mlir %t/guard/test_data_set_0 b=4 s=3 t=5
// RUN: trine-verify --reference %t/guard.mlir --data %t/guard --dump %t/guard
// RUN: trine-opt --trine-raise-attention %t/guard.mlir -o %t/guard.raised.mlir
// RUN: FileCheck %s --check-prefix=GUARD --input-file=%t/guard.raised.mlir
// RUN: trine-verify --reference %t/guard.raised.mlir --data %t/guard | FileCheck %s --check-prefix=AGREES
// RUN: %python %S/Inputs/random_data.py %t/cast.mlir %t/cast/test_data_set_0 b=4 s=3 t=5
// RUN: trine-verify --reference %t/cast.mlir --data %t/cast --dump %t/cast
// RUN: trine-opt --trine-raise-attention %t/cast.mlir -o %t/cast.raised.mlir
// RUN: FileCheck %s --check-prefix=CAST --input-file=%t/cast.raised.mlir
// RUN: trine-verify --reference %t/cast.raised.mlir --data %t/cast | FileCheck %s --check-prefix=AGREES
// RUN: trine-opt --trine-raise-attention %t/chain.mlir | FileCheck %s --check-prefix=CHAIN
// AGREES: agrees: 1 data sets

// One number for each key of each sequence.
// KEYS: trine.attention {{.*}} mask_values(%{{.*}} : tensor<?x1x1x?xf32>)
// One for each query and key of each sequence.
// ROWS: trine.attention {{.*}} mask_values(%{{.*}} : tensor<?x1x?x?xf32>)
// OPERATOR: trine.attention {{.*}} mask_values(%{{.*}} : tensor<?x1x1x?xf32>)
// With a finite number for masked keys no row is without weights, whatever is asked afterwards.
// GUARD: trine.attention {{.*}} masked_row uniform
// Whole numbers of weights are no weights.
// CAST-NOT: trine.attention
// 64 sums of a mask with itself: looked through once each.
// CHAIN: trine.attention

//--- keys.mlir
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.name = "q", onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.name = "k", onnx.dims = ["b", 4, "t", 24]}, %v: tensor<?x4x?x16xf32> {onnx.name = "v", onnx.dims = ["b", 4, "t", 16]}, %c: tensor<?x?xi1> {onnx.name = "c", onnx.dims = ["b", "t"]}) -> tensor<?x4x?x16xf32> {
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %ax = onnx.Constant dense<[1, 2]> : tensor<2xi64>
  %c4 = onnx.Unsqueeze(%c, %ax) : (tensor<?x?xi1>, tensor<2xi64>) -> tensor<?x1x1x?xi1>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<?x4x24x?xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<?x4x24x?xf32>) -> tensor<?x4x?x?xf32>
  %x = onnx.Where(%c4, %qk, %infinity) : (tensor<?x1x1x?xi1>, tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %o : tensor<?x4x?x16xf32>
}

//--- rows.mlir
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.name = "q", onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.name = "k", onnx.dims = ["b", 4, "t", 24]}, %v: tensor<?x4x?x16xf32> {onnx.name = "v", onnx.dims = ["b", 4, "t", 16]}, %c: tensor<?x?x?xi1> {onnx.name = "c", onnx.dims = ["b", "s", "t"]}) -> tensor<?x4x?x16xf32> {
  %infinity = onnx.Constant dense<0xFF800000> : tensor<f32>
  %ax = onnx.Constant dense<[1]> : tensor<1xi64>
  %c4 = onnx.Unsqueeze(%c, %ax) : (tensor<?x?x?xi1>, tensor<1xi64>) -> tensor<?x1x?x?xi1>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<?x4x24x?xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<?x4x24x?xf32>) -> tensor<?x4x?x?xf32>
  %x = onnx.Where(%c4, %qk, %infinity) : (tensor<?x1x?x?xi1>, tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %o : tensor<?x4x?x16xf32>
}

//--- operator.mlir
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.name = "q", onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.name = "k", onnx.dims = ["b", 4, "t", 24]}, %v: tensor<?x4x?x16xf32> {onnx.name = "v", onnx.dims = ["b", 4, "t", 16]}, %c: tensor<?x?xi1> {onnx.name = "c", onnx.dims = ["b", "t"]}) -> tensor<*xf32> {
  %n = onnx.None
  %ax = onnx.Constant dense<[1, 2]> : tensor<2xi64>
  %c4 = onnx.Unsqueeze(%c, %ax) : (tensor<?x?xi1>, tensor<2xi64>) -> tensor<?x1x1x?xi1>
  %y, %pk, %pv, %qk = onnx.Attention(%q, %k, %v, %c4, %n, %n, %n) : (tensor<?x4x?x24xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>, tensor<?x1x1x?xi1>, none, none, none) -> (tensor<*xf32>, none, none, none)
  return %y : tensor<*xf32>
}

//--- guard.mlir
func.func @main(%q: tensor<4x4x3x24xf32> {onnx.name = "q", onnx.dims = [4, 4, 3, 24]}, %k: tensor<4x4x5x24xf32> {onnx.name = "k", onnx.dims = [4, 4, 5, 24]}, %v: tensor<4x4x5x16xf32> {onnx.name = "v", onnx.dims = [4, 4, 5, 16]}, %c: tensor<4x3x5xi1> {onnx.name = "c", onnx.dims = [4, 3, 5]}) -> tensor<4x4x3x16xf32> {
  %infinity = onnx.Constant dense<-1.0e9> : tensor<f32>
  %sh = onnx.Constant dense<[4, 1, 3, 5]> : tensor<4xi64>
  %c4 = onnx.Reshape(%c, %sh) {allowzero = 1 : i64} : (tensor<4x3x5xi1>, tensor<4xi64>) -> tensor<4x1x3x5xi1>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<4x4x5x24xf32>) -> tensor<4x4x24x5xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<4x4x3x24xf32>, tensor<4x4x24x5xf32>) -> tensor<4x4x3x5xf32>
  %x = onnx.Where(%c4, %qk, %infinity) : (tensor<4x1x3x5xi1>, tensor<4x4x3x5xf32>, tensor<f32>) -> tensor<4x4x3x5xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<4x4x3x5xf32>) -> tensor<4x4x3x5xf32>
  %nan = onnx.IsNaN(%w) : (tensor<4x4x3x5xf32>) -> tensor<4x4x3x5xi1>
  %z = onnx.Constant dense<0.0> : tensor<f32>
  %w2 = onnx.Where(%nan, %z, %w) : (tensor<4x4x3x5xi1>, tensor<f32>, tensor<4x4x3x5xf32>) -> tensor<4x4x3x5xf32>
  %o = onnx.MatMul(%w2, %v) : (tensor<4x4x3x5xf32>, tensor<4x4x5x16xf32>) -> tensor<4x4x3x16xf32>
  return %o : tensor<4x4x3x16xf32>
}

//--- cast.mlir
func.func @main(%q: tensor<1x4x3x24xf32> {onnx.name = "q", onnx.dims = [1, 4, 3, 24]}, %k: tensor<1x4x5x24xf32> {onnx.name = "k", onnx.dims = [1, 4, 5, 24]}, %v: tensor<1x4x5x16xf32> {onnx.name = "v", onnx.dims = [1, 4, 5, 16]}) -> tensor<1x4x3x16xf32> {
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x4x5x24xf32>) -> tensor<1x4x24x5xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<1x4x3x24xf32>, tensor<1x4x24x5xf32>) -> tensor<1x4x3x5xf32>
  %w = onnx.Softmax(%qk) {axis = -1 : i64} : (tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %wi = onnx.Cast(%w) {to = 7 : i64} : (tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xi64>
  %wf = onnx.Cast(%wi) {to = 1 : i64} : (tensor<1x4x3x5xi64>) -> tensor<1x4x3x5xf32>
  %o = onnx.MatMul(%wf, %v) : (tensor<1x4x3x5xf32>, tensor<1x4x5x16xf32>) -> tensor<1x4x3x16xf32>
  return %o : tensor<1x4x3x16xf32>
}

//--- chain.mlir
func.func @main(%q: tensor<1x4x3x24xf32> {onnx.name = "q", onnx.dims = [1, 4, 3, 24]}, %k: tensor<1x4x24x5xf32> {onnx.name = "k", onnx.dims = [1, 4, 24, 5]}, %v: tensor<1x4x5x16xf32> {onnx.name = "v", onnx.dims = [1, 4, 5, 16]}, %m0: tensor<1x4x3x5xf32> {onnx.name = "m", onnx.dims = [1, 4, 3, 5]}) -> tensor<1x4x3x16xf32> {
  %m1 = onnx.Add(%m0, %m0) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m2 = onnx.Add(%m1, %m1) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m3 = onnx.Add(%m2, %m2) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m4 = onnx.Add(%m3, %m3) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m5 = onnx.Add(%m4, %m4) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m6 = onnx.Add(%m5, %m5) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m7 = onnx.Add(%m6, %m6) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m8 = onnx.Add(%m7, %m7) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m9 = onnx.Add(%m8, %m8) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m10 = onnx.Add(%m9, %m9) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m11 = onnx.Add(%m10, %m10) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m12 = onnx.Add(%m11, %m11) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m13 = onnx.Add(%m12, %m12) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m14 = onnx.Add(%m13, %m13) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m15 = onnx.Add(%m14, %m14) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m16 = onnx.Add(%m15, %m15) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m17 = onnx.Add(%m16, %m16) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m18 = onnx.Add(%m17, %m17) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m19 = onnx.Add(%m18, %m18) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m20 = onnx.Add(%m19, %m19) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m21 = onnx.Add(%m20, %m20) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m22 = onnx.Add(%m21, %m21) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m23 = onnx.Add(%m22, %m22) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m24 = onnx.Add(%m23, %m23) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m25 = onnx.Add(%m24, %m24) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m26 = onnx.Add(%m25, %m25) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m27 = onnx.Add(%m26, %m26) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m28 = onnx.Add(%m27, %m27) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m29 = onnx.Add(%m28, %m28) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m30 = onnx.Add(%m29, %m29) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m31 = onnx.Add(%m30, %m30) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m32 = onnx.Add(%m31, %m31) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m33 = onnx.Add(%m32, %m32) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m34 = onnx.Add(%m33, %m33) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m35 = onnx.Add(%m34, %m34) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m36 = onnx.Add(%m35, %m35) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m37 = onnx.Add(%m36, %m36) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m38 = onnx.Add(%m37, %m37) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m39 = onnx.Add(%m38, %m38) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m40 = onnx.Add(%m39, %m39) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m41 = onnx.Add(%m40, %m40) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m42 = onnx.Add(%m41, %m41) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m43 = onnx.Add(%m42, %m42) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m44 = onnx.Add(%m43, %m43) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m45 = onnx.Add(%m44, %m44) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m46 = onnx.Add(%m45, %m45) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m47 = onnx.Add(%m46, %m46) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m48 = onnx.Add(%m47, %m47) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m49 = onnx.Add(%m48, %m48) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m50 = onnx.Add(%m49, %m49) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m51 = onnx.Add(%m50, %m50) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m52 = onnx.Add(%m51, %m51) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m53 = onnx.Add(%m52, %m52) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m54 = onnx.Add(%m53, %m53) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m55 = onnx.Add(%m54, %m54) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m56 = onnx.Add(%m55, %m55) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m57 = onnx.Add(%m56, %m56) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m58 = onnx.Add(%m57, %m57) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m59 = onnx.Add(%m58, %m58) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m60 = onnx.Add(%m59, %m59) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m61 = onnx.Add(%m60, %m60) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m62 = onnx.Add(%m61, %m61) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m63 = onnx.Add(%m62, %m62) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %m64 = onnx.Add(%m63, %m63) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %qk = onnx.MatMul(%q, %k) : (tensor<1x4x3x24xf32>, tensor<1x4x24x5xf32>) -> tensor<1x4x3x5xf32>
  %x = onnx.Add(%qk, %m64) : (tensor<1x4x3x5xf32>, tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %o = onnx.MatMul(%w, %v) : (tensor<1x4x3x5xf32>, tensor<1x4x5x16xf32>) -> tensor<1x4x3x16xf32>
  return %o : tensor<1x4x3x16xf32>
}
