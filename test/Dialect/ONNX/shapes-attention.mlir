// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

func.func @main(%q: tensor<?x8x?x24xf32> {onnx.dims = ["batch", 8, "seq", 24]}, %k: tensor<?x2x?x24xf32> {onnx.dims = ["batch", 2, "seq", 24]}, %v: tensor<?x2x?x32xf32> {onnx.dims = ["batch", 2, "seq", 32]}, %pk: tensor<?x2x?x24xf32> {onnx.dims = ["batch", 2, "past", 24]}, %pv: tensor<?x2x?x32xf32> {onnx.dims = ["batch", 2, "past", 32]}, %m: tensor<?x?xf32> {onnx.dims = ["seq", "past + seq"]}, %l: tensor<?xi64> {onnx.dims = ["batch"]}) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 8, seq, 32]; [batch, 2, past + seq, 24]; [batch, 2, past + seq, 32]; [batch, 8, seq, past + seq]{{$}}
  %f0, %f1, %f2, %f3 = onnx.Attention(%q, %k, %v, %m, %pk, %pv, %n0) : (tensor<?x8x?x24xf32>, tensor<?x2x?x24xf32>, tensor<?x2x?x32xf32>, tensor<?x?xf32>, tensor<?x2x?x24xf32>, tensor<?x2x?x32xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 8, seq, 32]; none; none; none{{$}}
  %f4, %n1, %n2, %n3 = onnx.Attention(%q, %k, %v, %n0, %n0, %n0, %l) : (tensor<?x8x?x24xf32>, tensor<?x2x?x24xf32>, tensor<?x2x?x32xf32>, none, none, none, tensor<?xi64>) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<?x?x192xf32> {onnx.dims = ["batch", "seq", 192]}, %k: tensor<?x?x48xf32> {onnx.dims = ["batch", "keys", 48]}, %v: tensor<?x?x64xf32> {onnx.dims = ["batch", "keys", 64]}) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 256]; [batch, 2, keys, 24]; none; [batch, 8, seq, keys]{{$}}
  %f4, %f1, %n2, %f3 = onnx.Attention(%q, %k, %v, %n0, %n0, %n0, %n0) {q_num_heads = 8 : i64, kv_num_heads = 2 : i64} : (tensor<?x?x192xf32>, tensor<?x?x48xf32>, tensor<?x?x64xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, none, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<?x4x?x8xf32> {onnx.dims = ["batch", 4, "seq", 8]}, %y: tensor<?x?x32xf32> {onnx.dims = ["batch", "seq", 32]}, %c: tensor<?x?x4xf32> {onnx.dims = ["batch", "seq", 4]}, %t: tensor<512x4xf32>, %p: tensor<?x?xi64> {onnx.dims = ["batch", "seq"]}) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 4, seq, 8]{{$}}
  %f0 = onnx.RotaryEmbedding(%x, %c, %c, %n0) : (tensor<?x4x?x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, none) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 32]{{$}}
  %f1 = onnx.RotaryEmbedding(%y, %t, %t, %p) {num_heads = 4 : i64} : (tensor<?x?x32xf32>, tensor<512x4xf32>, tensor<512x4xf32>, tensor<?x?xi64>) -> tensor<*xf32>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, 4, seq, 8]{{$}}
  %f2 = onnx.com.microsoft.RotaryEmbedding(%x, %p, %t, %t) : (tensor<?x4x?x8xf32>, tensor<?x?xi64>, tensor<512x4xf32>, tensor<512x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}, %w: tensor<64xf32>) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 64]; none; [batch, seq, 1]; [batch, seq, 64]{{$}}
  %f0, %n1, %f1, %f2 = onnx.com.microsoft.SkipSimplifiedLayerNormalization(%x, %x, %w, %n0) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<64xf32>, none) -> (tensor<*xf32>, none, tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%i: tensor<?x?xi64> {onnx.dims = ["batch", "seq"]}, %h: tensor<?x2xi64> {onnx.dims = ["batch", 2]}, %k: tensor<?x?x1x64xf32> {onnx.dims = ["batch", "seq", 1, 64]}, %v: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}, %w: tensor<1x64xf32>) {
  %i0 = onnx.Constant dense<[11, 13, 17]> : tensor<3xi64>
  %i1 = onnx.Constant dense<[101, 103, 107, 109]> : tensor<4xi64>
  %i2 = onnx.Constant dense<[0, 101, 204, 311]> : tensor<4xi64>
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 4] range [0, 419]; [batch, 2]{{$}}
  %i3, %i4 = onnx.com.microsoft.NGramHashMapping(%i, %i0, %i1, %h, %i2, %n0, %n0) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<?x?xi64>, tensor<3xi64>, tensor<4xi64>, tensor<?x2xi64>, tensor<4xi64>, none, none) -> (tensor<*xi64>, tensor<*xi64>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 4] range [0, 108]; none{{$}}
  %i5, %n1 = onnx.com.microsoft.NGramHashMapping(%i, %i0, %i1, %n0, %n0, %n0, %n0) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<?x?xi64>, tensor<3xi64>, tensor<4xi64>, none, none, none, none) -> (tensor<*xi64>, none)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [batch, seq, 1, 64]{{$}}
  %f0 = onnx.com.microsoft.EngramGate(%k, %k, %v, %w, %w) : (tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>, tensor<?x?x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?x64xf32> {onnx.dims = ["n", 64]}, %r: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %a: tensor<8x96x64xf32>, %b: tensor<8x64x96xf32>) {
  %n0 = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 64]{{$}}
  %f0 = onnx.com.microsoft.MoE(%x, %r, %a, %n0, %b, %n0, %n0, %n0) {k = 2 : i64} : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<8x96x64xf32>, none, tensor<8x64x96xf32>, none, none, none) -> tensor<*xf32>
  return
}
