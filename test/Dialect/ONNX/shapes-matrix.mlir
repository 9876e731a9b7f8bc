// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

func.func @main(%x: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}, %w: tensor<64x48xf32>, %q: tensor<?x4x?x24xf32> {onnx.dims = ["batch", 4, "seq", 24]}, %k: tensor<?x1x24x?xf32> {onnx.dims = ["batch", 1, 24, "past + seq"]}, %v: tensor<64xf32>) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 48]{{$}}
  %f0 = onnx.MatMul(%x, %w) : (tensor<?x?x64xf32>, tensor<64x48xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 4, seq, past + seq]{{$}}
  %f1 = onnx.MatMul(%q, %k) : (tensor<?x4x?x24xf32>, tensor<?x1x24x?xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f2 = onnx.MatMul(%x, %v) : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [48]{{$}}
  %f3 = onnx.MatMul(%v, %w) : (tensor<64xf32>, tensor<64x48xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %f4 = onnx.MatMul(%v, %v) : (tensor<64xf32>, tensor<64xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?x64xf32> {onnx.dims = ["n", 64]}, %w: tensor<48x64xf32>, %b: tensor<48xf32>) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 48]{{$}}
  %f0 = onnx.Gemm(%x, %w, %b) {transB = 1 : i64} : (tensor<?x64xf32>, tensor<48x64xf32>, tensor<48xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [48, n]{{$}}
  %f1 = onnx.Gemm(%w, %x, %n0) {transB = 1 : i64} : (tensor<48x64xf32>, tensor<?x64xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [64, 64]{{$}}
  %f2 = onnx.Gemm(%x, %x, %n0) {transA = 1 : i64} : (tensor<?x64xf32>, tensor<?x64xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%a: tensor<?x?x4x8xf32> {onnx.dims = ["batch", "seq", 4, 8]}, %b: tensor<?x?x4x8xf32> {onnx.dims = ["batch", "past", 4, 8]}, %m: tensor<5x5xf32>) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 4, seq, past]{{$}}
  %f0 = onnx.Einsum(%a, %b) {equation = "bqhd,bkhd->bhqk"} : (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
  %f1 = onnx.Einsum(%m) {equation = "ii"} : (tensor<5x5xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [5]{{$}}
  %f2 = onnx.Einsum(%m) {equation = "i...->..."} : (tensor<5x5xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq]{{$}}
  %f3 = onnx.Einsum(%a, %a) {equation = "...hd, ...hd"} : (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [5, 5]{{$}}
  %f4 = onnx.Einsum(%m, %m) {equation = "ij,jk"} : (tensor<5x5xf32>, tensor<5x5xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [5, 5]{{$}}
  %f5 = onnx.Einsum(%m) {equation = "ij->ji"} : (tensor<5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?x64x?xf32> {onnx.dims = ["batch", 64, "seq + 9"]}, %w: tensor<64x1x4xf32>, %b: tensor<64xf32>, %i: tensor<1x3x32x32xf32>, %k: tensor<8x3x3x5xf32>) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 64, seq]{{$}}
  %f0 = onnx.Conv(%x, %w, %b) {group = 64 : i64, dilations = array<i64: 3>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, tensor<64xf32>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, 8, 16, 32]{{$}}
  %f1 = onnx.Conv(%i, %k, %n0) {pads = array<i64: 1, 2, 1, 2>, strides = array<i64: 2, 1>} : (tensor<1x3x32x32xf32>, tensor<8x3x3x5xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, 8, 16, 11]{{$}}
  %f2 = onnx.Conv(%i, %k, %n0) {auto_pad = "SAME_UPPER", strides = array<i64: 2, 3>} : (tensor<1x3x32x32xf32>, tensor<8x3x3x5xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, 8, 30, 28]{{$}}
  %f3 = onnx.Conv(%i, %k, %n0) {auto_pad = "VALID", kernel_shape = array<i64: 3, 5>} : (tensor<1x3x32x32xf32>, tensor<8x3x3x5xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 64, ((seq + 1) floordiv 2) + 3]{{$}}
  %f4 = onnx.Conv(%x, %w, %n0) {group = 64 : i64, strides = array<i64: 2>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<*xf32>
  return
}
