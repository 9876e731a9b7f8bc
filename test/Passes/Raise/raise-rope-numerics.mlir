// Every form of rotary embedding gives the same numbers as the ops that it was recognised from, raised and as linalg; so do the twins.
// RUN: rm -rf %t && mkdir -p %t
// RUN: %python %source/test/Passes/Raise/Inputs/random_data.py %s %t/test_data_set_0 b=2 s=3
// RUN: trine-verify --reference %s --data %t --dump %t
// RUN: trine-opt %s --trine-normalize-onnx --cse --trine-raise-rope -o %t/raised.mlir
// RUN: grep -c trine.rope %t/raised.mlir | FileCheck %s --check-prefix=TEN
// RUN: trine-verify --reference %t/raised.mlir --data %t | FileCheck %s
// RUN: trine-opt %t/raised.mlir --trine-raise-pipeline --trine-decompose-composites -o %t/linalg.mlir
// RUN: trine-verify --reference %t/linalg.mlir --data %t | FileCheck %s
// TEN: {{^}}10{{$}}
// CHECK: agrees: 1 data sets
func.func @main(%x: tensor<?x4x?x8xf32> {onnx.name = "x", onnx.dims = ["b", 4, "s", 8]}, %z: tensor<?x4x?x12xf32> {onnx.name = "z", onnx.dims = ["b", 4, "s", 12]}, %c: tensor<?x1x?x4xf32> {onnx.name = "c", onnx.dims = ["b", 1, "s", 4]}, %s: tensor<?x1x?x4xf32> {onnx.name = "s", onnx.dims = ["b", 1, "s", 4]}) -> (tensor<?x4x?x8xf32> {onnx.name = "strided"}, tensor<?x4x?x8xf32> {onnx.name = "halfParts"}, tensor<?x4x?x8xf32> {onnx.name = "interleaved"}, tensor<?x4x?x8xf32> {onnx.name = "complex"}, tensor<?x4x?x8xf32> {onnx.name = "rotateHalf"}, tensor<?x4x?x8xf32> {onnx.name = "inverse"}, tensor<?x4x?x8xf32> {onnx.name = "moved"}, tensor<?x4x?x8xf32> {onnx.name = "pairs"}, tensor<?x4x?x12xf32> {onnx.name = "prefix"}, tensor<?x4x?x8xf32> {onnx.name = "suffix"}, tensor<?x4x?x8xf32> {onnx.name = "signTwin"}, tensor<?x4x?x8xf32> {onnx.name = "tableTwin"}, tensor<?x4x?x8xf32> {onnx.name = "halvesTwin"}, tensor<?x4x?x8xf32> {onnx.name = "orderTwin"}) {
  %strided_k = onnx.Constant dense<1.01> : tensor<f32>
  %strided_x = onnx.Mul(%x, %strided_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %strided_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %strided_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %strided_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %strided_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %strided_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %strided_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %strided_a = onnx.Slice(%strided_x, %strided_c0, %strided_c8, %strided_c3, %strided_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %strided_b = onnx.Slice(%strided_x, %strided_c1, %strided_c8, %strided_c3, %strided_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %strided_ac = onnx.Mul(%strided_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %strided_bs = onnx.Mul(%strided_b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %strided_re = onnx.Sub(%strided_ac, %strided_bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %strided_bc = onnx.Mul(%c, %strided_b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %strided_as = onnx.Mul(%strided_a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %strided_im = onnx.Add(%strided_bc, %strided_as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %strided_y = onnx.Concat(%strided_re, %strided_im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %halfParts_k = onnx.Constant dense<1.02> : tensor<f32>
  %halfParts_x = onnx.Mul(%x, %halfParts_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %halfParts_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %halfParts_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %halfParts_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %halfParts_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %halfParts_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %halfParts_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %halfParts_a = onnx.Slice(%halfParts_x, %halfParts_c0, %halfParts_c4, %halfParts_c3, %halfParts_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %halfParts_b = onnx.Slice(%halfParts_x, %halfParts_c4, %halfParts_c8, %halfParts_c3, %halfParts_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %halfParts_ac = onnx.Mul(%halfParts_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %halfParts_bs = onnx.Mul(%halfParts_b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %halfParts_re = onnx.Sub(%halfParts_ac, %halfParts_bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %halfParts_bc = onnx.Mul(%c, %halfParts_b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %halfParts_as = onnx.Mul(%halfParts_a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %halfParts_im = onnx.Add(%halfParts_as, %halfParts_bc) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %halfParts_y = onnx.Concat(%halfParts_re, %halfParts_im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %interleaved_k = onnx.Constant dense<1.03> : tensor<f32>
  %interleaved_x = onnx.Mul(%x, %interleaved_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %interleaved_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %interleaved_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %interleaved_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %interleaved_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %interleaved_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %interleaved_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %interleaved_d0 = onnx.Shape(%interleaved_x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %interleaved_d2 = onnx.Shape(%interleaved_x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %interleaved_s5 = onnx.Concat(%interleaved_d0, %interleaved_c4, %interleaved_d2, %interleaved_c4, %interleaved_c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %interleaved_s51 = onnx.Concat(%interleaved_d0, %interleaved_c4, %interleaved_d2, %interleaved_c4, %interleaved_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %interleaved_s4 = onnx.Concat(%interleaved_d0, %interleaved_c4, %interleaved_d2, %interleaved_c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %interleaved_t51 = onnx.Concat(%interleaved_d0, %interleaved_c1, %interleaved_d2, %interleaved_c4, %interleaved_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %interleaved_a = onnx.Slice(%interleaved_x, %interleaved_c0, %interleaved_c8, %interleaved_c3, %interleaved_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %interleaved_b = onnx.Slice(%interleaved_x, %interleaved_c1, %interleaved_c8, %interleaved_c3, %interleaved_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %interleaved_ac = onnx.Mul(%interleaved_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %interleaved_bs = onnx.Mul(%interleaved_b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %interleaved_re = onnx.Sub(%interleaved_ac, %interleaved_bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %interleaved_bc = onnx.Mul(%c, %interleaved_b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %interleaved_as = onnx.Mul(%interleaved_a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %interleaved_im = onnx.Add(%interleaved_bc, %interleaved_as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %interleaved_re5 = onnx.Reshape(%interleaved_re, %interleaved_s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %interleaved_im5 = onnx.Reshape(%interleaved_im, %interleaved_s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %interleaved_z = onnx.Concat(%interleaved_re5, %interleaved_im5) {axis = 4 : i64} : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x2xf32>
  %interleaved_y = onnx.Reshape(%interleaved_z, %interleaved_s4) {allowzero = 1 : i64} : (tensor<?x4x?x4x2xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  %complex_k = onnx.Constant dense<1.04> : tensor<f32>
  %complex_x = onnx.Mul(%x, %complex_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %complex_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %complex_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %complex_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %complex_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %complex_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %complex_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %complex_d0 = onnx.Shape(%complex_x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %complex_d2 = onnx.Shape(%complex_x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %complex_s5 = onnx.Concat(%complex_d0, %complex_c4, %complex_d2, %complex_c4, %complex_c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %complex_s51 = onnx.Concat(%complex_d0, %complex_c4, %complex_d2, %complex_c4, %complex_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %complex_s4 = onnx.Concat(%complex_d0, %complex_c4, %complex_d2, %complex_c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %complex_t51 = onnx.Concat(%complex_d0, %complex_c1, %complex_d2, %complex_c4, %complex_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %complex_x5 = onnx.Reshape(%complex_x, %complex_s5) {allowzero = 1 : i64} : (tensor<?x4x?x8xf32>, tensor<5xi64>) -> tensor<?x4x?x4x2xf32>
  %complex_c4x = onnx.Constant dense<4> : tensor<1xi64>
  %complex_a = onnx.Slice(%complex_x5, %complex_c0, %complex_c1, %complex_c4, %complex_c1) : (tensor<?x4x?x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4x1xf32>
  %complex_b = onnx.Slice(%complex_x5, %complex_c1, %complex_c2, %complex_c4, %complex_c1) : (tensor<?x4x?x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4x1xf32>
  %complex_ct = onnx.Reshape(%c, %complex_t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %complex_st = onnx.Reshape(%s, %complex_t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %complex_ac = onnx.Mul(%complex_a, %complex_ct) : (tensor<?x4x?x4x1xf32>, tensor<?x1x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %complex_bs = onnx.Mul(%complex_b, %complex_st) : (tensor<?x4x?x4x1xf32>, tensor<?x1x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %complex_re = onnx.Sub(%complex_ac, %complex_bs) : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %complex_bc = onnx.Mul(%complex_ct, %complex_b) : (tensor<?x1x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %complex_as = onnx.Mul(%complex_a, %complex_st) : (tensor<?x4x?x4x1xf32>, tensor<?x1x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %complex_im = onnx.Add(%complex_bc, %complex_as) : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x1xf32>
  %complex_z = onnx.Concat(%complex_re, %complex_im) {axis = 4 : i64} : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x2xf32>
  %complex_y = onnx.Reshape(%complex_z, %complex_s4) {allowzero = 1 : i64} : (tensor<?x4x?x4x2xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  %rotateHalf_k = onnx.Constant dense<1.05> : tensor<f32>
  %rotateHalf_x = onnx.Mul(%x, %rotateHalf_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %rotateHalf_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %rotateHalf_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %rotateHalf_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %rotateHalf_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %rotateHalf_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %rotateHalf_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %rotateHalf_cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %rotateHalf_sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %rotateHalf_a = onnx.Slice(%rotateHalf_x, %rotateHalf_c0, %rotateHalf_c4, %rotateHalf_c3, %rotateHalf_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %rotateHalf_b = onnx.Slice(%rotateHalf_x, %rotateHalf_c4, %rotateHalf_c8, %rotateHalf_c3, %rotateHalf_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %rotateHalf_nb = onnx.Neg(%rotateHalf_b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %rotateHalf_rot = onnx.Concat(%rotateHalf_nb, %rotateHalf_a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %rotateHalf_xc = onnx.Mul(%rotateHalf_x, %rotateHalf_cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rotateHalf_rs = onnx.Mul(%rotateHalf_rot, %rotateHalf_sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %rotateHalf_y = onnx.Add(%rotateHalf_xc, %rotateHalf_rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %inverse_k = onnx.Constant dense<1.06> : tensor<f32>
  %inverse_x = onnx.Mul(%x, %inverse_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %inverse_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %inverse_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %inverse_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %inverse_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %inverse_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %inverse_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %inverse_cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %inverse_sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %inverse_a = onnx.Slice(%inverse_x, %inverse_c0, %inverse_c4, %inverse_c3, %inverse_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %inverse_b = onnx.Slice(%inverse_x, %inverse_c4, %inverse_c8, %inverse_c3, %inverse_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %inverse_nb = onnx.Neg(%inverse_b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %inverse_rot = onnx.Concat(%inverse_nb, %inverse_a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %inverse_xc = onnx.Mul(%inverse_x, %inverse_cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %inverse_rs = onnx.Mul(%inverse_rot, %inverse_sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %inverse_y = onnx.Sub(%inverse_xc, %inverse_rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %moved_k = onnx.Constant dense<1.07> : tensor<f32>
  %moved_x = onnx.Mul(%x, %moved_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %moved_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %moved_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %moved_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %moved_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %moved_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %moved_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %moved_d0 = onnx.Shape(%moved_x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %moved_d2 = onnx.Shape(%moved_x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %moved_s5 = onnx.Concat(%moved_d0, %moved_c4, %moved_d2, %moved_c4, %moved_c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %moved_s51 = onnx.Concat(%moved_d0, %moved_c4, %moved_d2, %moved_c4, %moved_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %moved_s4 = onnx.Concat(%moved_d0, %moved_c4, %moved_d2, %moved_c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %moved_t51 = onnx.Concat(%moved_d0, %moved_c1, %moved_d2, %moved_c4, %moved_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %moved_x5 = onnx.Reshape(%moved_x, %moved_s5) {allowzero = 1 : i64} : (tensor<?x4x?x8xf32>, tensor<5xi64>) -> tensor<?x4x?x4x2xf32>
  %moved_xt = onnx.Transpose(%moved_x5) {perm = array<i64: 0, 1, 2, 4, 3>} : (tensor<?x4x?x4x2xf32>) -> tensor<?x4x?x2x4xf32>
  %moved_xm = onnx.Reshape(%moved_xt, %moved_s4) {allowzero = 1 : i64} : (tensor<?x4x?x2x4xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  %moved_a = onnx.Slice(%moved_xm, %moved_c0, %moved_c4, %moved_c3, %moved_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %moved_b = onnx.Slice(%moved_xm, %moved_c4, %moved_c8, %moved_c3, %moved_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %moved_cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %moved_sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %moved_nb = onnx.Neg(%moved_b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %moved_rot = onnx.Concat(%moved_nb, %moved_a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %moved_xc = onnx.Mul(%moved_xm, %moved_cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %moved_rs = onnx.Mul(%moved_rot, %moved_sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %moved_y = onnx.Add(%moved_xc, %moved_rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %pairs_k = onnx.Constant dense<1.08> : tensor<f32>
  %pairs_x = onnx.Mul(%x, %pairs_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %pairs_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %pairs_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %pairs_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %pairs_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %pairs_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %pairs_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %pairs_d0 = onnx.Shape(%pairs_x) {end = 1 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %pairs_d2 = onnx.Shape(%pairs_x) {end = 3 : i64, start = 2 : i64} : (tensor<?x4x?x8xf32>) -> tensor<1xi64>
  %pairs_s5 = onnx.Concat(%pairs_d0, %pairs_c4, %pairs_d2, %pairs_c4, %pairs_c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %pairs_s51 = onnx.Concat(%pairs_d0, %pairs_c4, %pairs_d2, %pairs_c4, %pairs_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %pairs_s4 = onnx.Concat(%pairs_d0, %pairs_c4, %pairs_d2, %pairs_c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %pairs_t51 = onnx.Concat(%pairs_d0, %pairs_c1, %pairs_d2, %pairs_c4, %pairs_c1) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %pairs_t52 = onnx.Concat(%pairs_d0, %pairs_c1, %pairs_d2, %pairs_c4, %pairs_c2) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %pairs_t4 = onnx.Concat(%pairs_d0, %pairs_c1, %pairs_d2, %pairs_c8) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %pairs_cu = onnx.Reshape(%c, %pairs_t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %pairs_ce = onnx.Expand(%pairs_cu, %pairs_t52) : (tensor<?x1x?x4x1xf32>, tensor<5xi64>) -> tensor<?x1x?x4x2xf32>
  %pairs_cw = onnx.Reshape(%pairs_ce, %pairs_t4) {allowzero = 1 : i64} : (tensor<?x1x?x4x2xf32>, tensor<4xi64>) -> tensor<?x1x?x8xf32>
  %pairs_su = onnx.Reshape(%s, %pairs_t51) {allowzero = 1 : i64} : (tensor<?x1x?x4xf32>, tensor<5xi64>) -> tensor<?x1x?x4x1xf32>
  %pairs_se = onnx.Expand(%pairs_su, %pairs_t52) : (tensor<?x1x?x4x1xf32>, tensor<5xi64>) -> tensor<?x1x?x4x2xf32>
  %pairs_sw = onnx.Reshape(%pairs_se, %pairs_t4) {allowzero = 1 : i64} : (tensor<?x1x?x4x2xf32>, tensor<4xi64>) -> tensor<?x1x?x8xf32>
  %pairs_a = onnx.Slice(%pairs_x, %pairs_c0, %pairs_c8, %pairs_c3, %pairs_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %pairs_b = onnx.Slice(%pairs_x, %pairs_c1, %pairs_c8, %pairs_c3, %pairs_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %pairs_nb = onnx.Neg(%pairs_b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %pairs_n5 = onnx.Reshape(%pairs_nb, %pairs_s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %pairs_a5 = onnx.Reshape(%pairs_a, %pairs_s51) {allowzero = 1 : i64} : (tensor<?x4x?x4xf32>, tensor<5xi64>) -> tensor<?x4x?x4x1xf32>
  %pairs_z = onnx.Concat(%pairs_n5, %pairs_a5) {axis = 4 : i64} : (tensor<?x4x?x4x1xf32>, tensor<?x4x?x4x1xf32>) -> tensor<?x4x?x4x2xf32>
  %pairs_rot = onnx.Reshape(%pairs_z, %pairs_s4) {allowzero = 1 : i64} : (tensor<?x4x?x4x2xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  %pairs_xc = onnx.Mul(%pairs_x, %pairs_cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %pairs_rs = onnx.Mul(%pairs_rot, %pairs_sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %pairs_y = onnx.Add(%pairs_xc, %pairs_rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %prefix_k = onnx.Constant dense<1.09> : tensor<f32>
  %prefix_x = onnx.Mul(%z, %prefix_k) : (tensor<?x4x?x12xf32>, tensor<f32>) -> tensor<?x4x?x12xf32>
  %prefix_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %prefix_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %prefix_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %prefix_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %prefix_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %prefix_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %prefix_c12 = onnx.Constant dense<12> : tensor<1xi64>
  %prefix_a = onnx.Slice(%prefix_x, %prefix_c0, %prefix_c4, %prefix_c3, %prefix_c1) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %prefix_b = onnx.Slice(%prefix_x, %prefix_c4, %prefix_c8, %prefix_c3, %prefix_c1) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %prefix_rest = onnx.Slice(%prefix_x, %prefix_c8, %prefix_c12, %prefix_c3, %prefix_c1) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %prefix_ac = onnx.Mul(%prefix_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %prefix_bs = onnx.Mul(%prefix_b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %prefix_re = onnx.Sub(%prefix_ac, %prefix_bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %prefix_bc = onnx.Mul(%c, %prefix_b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %prefix_as = onnx.Mul(%prefix_a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %prefix_im = onnx.Add(%prefix_bc, %prefix_as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %prefix_t = onnx.Concat(%prefix_re, %prefix_im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %prefix_y = onnx.Concat(%prefix_t, %prefix_rest) {axis = 3 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x12xf32>
  %suffix_k = onnx.Constant dense<1.10> : tensor<f32>
  %suffix_x = onnx.Mul(%z, %suffix_k) : (tensor<?x4x?x12xf32>, tensor<f32>) -> tensor<?x4x?x12xf32>
  %suffix_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %suffix_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %suffix_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %suffix_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %suffix_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %suffix_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %suffix_c12 = onnx.Constant dense<12> : tensor<1xi64>
  %suffix_a = onnx.Slice(%suffix_x, %suffix_c4, %suffix_c12, %suffix_c3, %suffix_c2) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %suffix_c5 = onnx.Constant dense<5> : tensor<1xi64>
  %suffix_b = onnx.Slice(%suffix_x, %suffix_c5, %suffix_c12, %suffix_c3, %suffix_c2) : (tensor<?x4x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %suffix_ac = onnx.Mul(%suffix_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %suffix_bs = onnx.Mul(%suffix_b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %suffix_re = onnx.Sub(%suffix_ac, %suffix_bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %suffix_bc = onnx.Mul(%c, %suffix_b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %suffix_as = onnx.Mul(%suffix_a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %suffix_im = onnx.Add(%suffix_bc, %suffix_as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %suffix_y = onnx.Concat(%suffix_re, %suffix_im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %signTwin_k = onnx.Constant dense<1.11> : tensor<f32>
  %signTwin_x = onnx.Mul(%x, %signTwin_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %signTwin_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %signTwin_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %signTwin_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %signTwin_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %signTwin_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %signTwin_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %signTwin_a = onnx.Slice(%signTwin_x, %signTwin_c0, %signTwin_c8, %signTwin_c3, %signTwin_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %signTwin_b = onnx.Slice(%signTwin_x, %signTwin_c1, %signTwin_c8, %signTwin_c3, %signTwin_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %signTwin_ac = onnx.Mul(%signTwin_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %signTwin_bs = onnx.Mul(%signTwin_b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %signTwin_re = onnx.Add(%signTwin_ac, %signTwin_bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %signTwin_bc = onnx.Mul(%c, %signTwin_b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %signTwin_as = onnx.Mul(%signTwin_a, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %signTwin_im = onnx.Add(%signTwin_bc, %signTwin_as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %signTwin_y = onnx.Concat(%signTwin_re, %signTwin_im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %tableTwin_k = onnx.Constant dense<1.12> : tensor<f32>
  %tableTwin_x = onnx.Mul(%x, %tableTwin_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %tableTwin_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %tableTwin_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %tableTwin_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %tableTwin_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %tableTwin_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %tableTwin_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %tableTwin_a = onnx.Slice(%tableTwin_x, %tableTwin_c0, %tableTwin_c8, %tableTwin_c3, %tableTwin_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %tableTwin_b = onnx.Slice(%tableTwin_x, %tableTwin_c1, %tableTwin_c8, %tableTwin_c3, %tableTwin_c2) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %tableTwin_ac = onnx.Mul(%tableTwin_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %tableTwin_bs = onnx.Mul(%tableTwin_b, %s) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %tableTwin_re = onnx.Sub(%tableTwin_ac, %tableTwin_bs) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %tableTwin_bc = onnx.Mul(%c, %tableTwin_b) : (tensor<?x1x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %tableTwin_as = onnx.Mul(%tableTwin_a, %c) : (tensor<?x4x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x4x?x4xf32>
  %tableTwin_im = onnx.Add(%tableTwin_bc, %tableTwin_as) : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %tableTwin_y = onnx.Concat(%tableTwin_re, %tableTwin_im) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %halvesTwin_k = onnx.Constant dense<1.13> : tensor<f32>
  %halvesTwin_x = onnx.Mul(%x, %halvesTwin_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %halvesTwin_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %halvesTwin_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %halvesTwin_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %halvesTwin_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %halvesTwin_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %halvesTwin_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %halvesTwin_cw = onnx.Concat(%c, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %halvesTwin_sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %halvesTwin_a = onnx.Slice(%halvesTwin_x, %halvesTwin_c0, %halvesTwin_c4, %halvesTwin_c3, %halvesTwin_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %halvesTwin_b = onnx.Slice(%halvesTwin_x, %halvesTwin_c4, %halvesTwin_c8, %halvesTwin_c3, %halvesTwin_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %halvesTwin_nb = onnx.Neg(%halvesTwin_b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %halvesTwin_rot = onnx.Concat(%halvesTwin_nb, %halvesTwin_a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %halvesTwin_xc = onnx.Mul(%halvesTwin_x, %halvesTwin_cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %halvesTwin_rs = onnx.Mul(%halvesTwin_rot, %halvesTwin_sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %halvesTwin_y = onnx.Add(%halvesTwin_xc, %halvesTwin_rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %orderTwin_k = onnx.Constant dense<1.14> : tensor<f32>
  %orderTwin_x = onnx.Mul(%x, %orderTwin_k) : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %orderTwin_c0 = onnx.Constant dense<0> : tensor<1xi64>
  %orderTwin_c1 = onnx.Constant dense<1> : tensor<1xi64>
  %orderTwin_c2 = onnx.Constant dense<2> : tensor<1xi64>
  %orderTwin_c3 = onnx.Constant dense<3> : tensor<1xi64>
  %orderTwin_c4 = onnx.Constant dense<4> : tensor<1xi64>
  %orderTwin_c8 = onnx.Constant dense<8> : tensor<1xi64>
  %orderTwin_cw = onnx.Concat(%c, %c) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %orderTwin_sw = onnx.Concat(%s, %s) {axis = 3 : i64} : (tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) -> tensor<?x1x?x8xf32>
  %orderTwin_a = onnx.Slice(%orderTwin_x, %orderTwin_c0, %orderTwin_c4, %orderTwin_c3, %orderTwin_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %orderTwin_b = onnx.Slice(%orderTwin_x, %orderTwin_c4, %orderTwin_c8, %orderTwin_c3, %orderTwin_c1) : (tensor<?x4x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x4xf32>
  %orderTwin_nb = onnx.Neg(%orderTwin_b) : (tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  %orderTwin_rot = onnx.Concat(%orderTwin_nb, %orderTwin_a) {axis = 3 : i64} : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x8xf32>
  %orderTwin_w = onnx.Neg(%orderTwin_x) : (tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %orderTwin_xc = onnx.Mul(%orderTwin_w, %orderTwin_cw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %orderTwin_rs = onnx.Mul(%orderTwin_rot, %orderTwin_sw) : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %orderTwin_y = onnx.Add(%orderTwin_xc, %orderTwin_rs) : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %strided_y, %halfParts_y, %interleaved_y, %complex_y, %rotateHalf_y, %inverse_y, %moved_y, %pairs_y, %prefix_y, %suffix_y, %signTwin_y, %tableTwin_y, %halvesTwin_y, %orderTwin_y : tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x12xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>
}
