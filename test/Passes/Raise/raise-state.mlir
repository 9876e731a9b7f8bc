// RUN: trine-opt %s --split-input-file --trine-raise-state | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-raise-state --remarks-filter=".*" --remark-policy=all -o %t 2>&1 | FileCheck %s --check-prefix=REMARK

// Rows behind an argument; the last rows of both together; an argument as it came. Values that are no state stay bare.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %arg0: tensor<?x?x32xf32> {onnx.dims = ["b", "past", 32], trine.state = {axis = 1 : i64, pair = 1 : i64, rule = "append"}}
// CHECK-SAME: %arg1: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}
// CHECK-SAME: %arg2: tensor<?x9x64xf32> {onnx.dims = ["b", 9, 64], trine.state = {axis = 0 : i64, pair = 0 : i64, rule = "replace"}}
// CHECK-SAME: %arg3: tensor<?x?x64xf32> {onnx.dims = ["b", "s", 64]}
// CHECK-SAME: %arg4: tensor<?x3xi64> {onnx.dims = ["b", 3], trine.state = {axis = 0 : i64, pair = 2 : i64, rule = "replace"}}
// CHECK-SAME: -> (tensor<?x9x64xf32> {trine.state = {axis = 0 : i64, pair = 0 : i64, rule = "replace"}}, tensor<?x?x32xf32> {onnx.name = "present", trine.state = {axis = 1 : i64, pair = 1 : i64, rule = "append"}}, tensor<?x?x32xf32>, tensor<?x3xi64> {trine.state = {axis = 0 : i64, pair = 2 : i64, rule = "replace"}})
func.func @main(%past: tensor<?x?x32xf32> {onnx.dims = ["b", "past", 32]}, %new: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %window: tensor<?x9x64xf32> {onnx.dims = ["b", 9, 64]}, %rows: tensor<?x?x64xf32> {onnx.dims = ["b", "s", 64]}, %kept: tensor<?x3xi64> {onnx.dims = ["b", 3]}) -> (tensor<?x9x64xf32>, tensor<?x?x32xf32> {onnx.name = "present"}, tensor<?x?x32xf32>, tensor<?x3xi64>) {
  %all = onnx.Concat(%window, %rows) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %begin = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %axis = onnx.Constant dense<1> : tensor<1xi64>
  %last = onnx.Slice(%all, %begin, %end, %axis, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  %present = onnx.Concat(%past, %new) {axis = -2 : i64} : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %other = onnx.Neg(%present) : (tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %last, %present, %other, %kept : tensor<?x9x64xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x3xi64>
}

// -----

// What raised ops keep.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %arg4: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past", 24], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}}
// CHECK-SAME: %arg5: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past", 16], trine.state = {axis = 2 : i64, pair = 1 : i64, rule = "append"}}
func.func @main(%qn: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "s", 16]}, %qr: tensor<?x4x?x8xf32> {onnx.dims = ["b", 4, "s", 8]}, %c: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %kr: tensor<?x?x8xf32> {onnx.dims = ["b", "s", 8]},
    %pk: tensor<?x4x?x24xf32> {onnx.dims = ["b", 4, "past", 24]}, %pv: tensor<?x4x?x16xf32> {onnx.dims = ["b", 4, "past", 16]}, %uk: tensor<32x4x16xf32> {onnx.dims = [32, 4, 16]}) -> (tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>) {
  %o, %lse, %k, %v = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
    weights(%uk, %uk : tensor<32x4x16xf32>, tensor<32x4x16xf32>) past(%pk, %pv : tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>)
    scale 0.2 mask causal masked_row zero form decompressed -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32> present(tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>)
  return %k, %v : tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>
}

// -----

// New rows before the argument.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.state
// REMARK: looks like state, but new rows come before the argument
func.func @main(%past: tensor<?x?x32xf32> {onnx.dims = ["b", "past", 32]}, %new: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}) -> tensor<?x?x32xf32> {
  %0 = onnx.Neg(%new) : (tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %1 = onnx.Concat(%0, %past) {axis = 1 : i64} : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %1 : tensor<?x?x32xf32>
}

// -----

// Joined as more sequences, not as more rows.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.state
// REMARK: looks like state, but it is joined along axis 0, that of the sequences
func.func @main(%past: tensor<?x8x32xf32> {onnx.dims = ["b", 8, 32]}, %new: tensor<?x8x32xf32> {onnx.dims = ["c", 8, 32]}) -> tensor<?x8x32xf32> {
  %0 = onnx.Concat(%past, %new) {axis = 0 : i64} : (tensor<?x8x32xf32>, tensor<?x8x32xf32>) -> tensor<?x8x32xf32>
  return %0 : tensor<?x8x32xf32>
}

// -----

// A cast between.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.state
// REMARK: looks like state, but the argument is cast before it is joined
func.func @main(%past: tensor<?x?x32xf16> {onnx.dims = ["b", "past", 32]}, %new: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}) -> tensor<?x?x32xf32> {
  %0 = onnx.Cast(%past) {to = 1 : i64} : (tensor<?x?x32xf16>) -> tensor<?x?x32xf32>
  %1 = onnx.Concat(%0, %new) {axis = 1 : i64} : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %1 : tensor<?x?x32xf32>
}

// -----

// The first rows are kept, not the last.
// CHECK-LABEL: func.func @main
// CHECK-NOT: trine.state
// REMARK: looks like state, but it keeps other rows than the last
func.func @main(%window: tensor<?x9x64xf32> {onnx.dims = ["b", 9, 64]}, %rows: tensor<?x?x64xf32> {onnx.dims = ["b", "s", 64]}) -> tensor<?x9x64xf32> {
  %all = onnx.Concat(%window, %rows) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %end = onnx.Constant dense<9> : tensor<1xi64>
  %axis = onnx.Constant dense<1> : tensor<1xi64>
  %first = onnx.Slice(%all, %begin, %end, %axis, %axis) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %first : tensor<?x9x64xf32>
}

// -----

// One argument is the past of one result.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: trine.state
// CHECK-NOT: trine.state
// REMARK: looks like state, but the argument is the past of another result already
func.func @main(%past: tensor<?x?x32xf32> {onnx.dims = ["b", "past", 32]}, %new: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}) -> (tensor<?x?x32xf32>, tensor<?x?x32xf32>) {
  %0 = onnx.Concat(%past, %new) {axis = 1 : i64} : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %1 = onnx.Neg(%new) : (tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %2 = onnx.Concat(%past, %1) {axis = 1 : i64} : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %0, %2 : tensor<?x?x32xf32>, tensor<?x?x32xf32>
}
