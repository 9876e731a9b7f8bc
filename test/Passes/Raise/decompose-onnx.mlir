// RUN: trine-opt %s --trine-decompose-onnx | FileCheck %s

// Grouped queries: keys and values are not repeated. The bool mask and causality join into one, and a row without a key gives 0.
// CHECK-LABEL: func.func @attention
// CHECK: %[[K:.*]] = onnx.Concat(%{{.*}}) {axis = 2 : i64} : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x2x?x16xf32>
// CHECK: %[[KT:.*]] = onnx.Transpose({{.*}}) {perm = array<i64: 0, 1, 3, 2>}
// CHECK: %[[KG:.*]] = onnx.Unsqueeze(%[[KT]], {{.*}}) : {{.*}} -> tensor<?x2x1x16x?xf32>
// CHECK: onnx.MatMul(%{{.*}}, %[[KG]]) : (tensor<?x2x4x?x16xf32>, tensor<?x2x1x16x?xf32>) -> tensor<?x2x4x?x?xf32>
// CHECK: onnx.Tanh
// CHECK: %[[CAUSAL:.*]] = onnx.LessOrEqual
// CHECK: %[[KEEP:.*]] = onnx.And(%{{.*}}, %[[CAUSAL]])
// CHECK: %[[SCORES:.*]] = onnx.Where(%[[KEEP]],
// CHECK: onnx.Softmax(%[[SCORES]])
// CHECK: %[[EMPTY:.*]] = onnx.Equal
// CHECK: onnx.Where(%[[EMPTY]],
// CHECK: onnx.MatMul
// CHECK-NOT: onnx.Attention
func.func @attention(%q: tensor<?x8x?x16xf32> {onnx.dims = ["b", 8, "s", 16]}, %k: tensor<?x2x?x16xf32> {onnx.dims = ["b", 2, "s", 16]}, %v: tensor<?x2x?x12xf32> {onnx.dims = ["b", 2, "s", 12]}, %m: tensor<?x1x?x?xi1> {onnx.dims = ["b", 1, "s", "past + s"]}, %pk: tensor<?x2x?x16xf32> {onnx.dims = ["b", 2, "past", 16]}, %pv: tensor<?x2x?x12xf32> {onnx.dims = ["b", 2, "past", 12]}) -> (tensor<?x8x?x12xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x12xf32>) {
  %n = onnx.None
  %0, %1, %2, %3 = onnx.Attention(%q, %k, %v, %m, %pk, %pv, %n) {is_causal = 1 : i64, softcap = 2.0 : f32} : (tensor<?x8x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x12xf32>, tensor<?x1x?x?xi1>, tensor<?x2x?x16xf32>, tensor<?x2x?x12xf32>, none) -> (tensor<?x8x?x12xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x12xf32>, none)
  return %0, %1, %2 : tensor<?x8x?x12xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x12xf32>
}

// Interleaved pairs in the first 8 channels of a head.
// CHECK-LABEL: func.func @rotary
// CHECK: onnx.Gather(%{{.*}}) : (tensor<64x4xf32>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
// CHECK: onnx.Concat(%{{.*}}) {axis = 4 : i64}
// CHECK: onnx.Reshape
// CHECK: onnx.Concat(%{{.*}}) {axis = 3 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x12xf32>
func.func @rotary(%x: tensor<?x4x?x12xf32> {onnx.dims = ["b", 4, "s", 12]}, %c: tensor<64x4xf32>, %s: tensor<64x4xf32>, %p: tensor<?x?xi64> {onnx.dims = ["b", "s"]}) -> tensor<?x4x?x12xf32> {
  %0 = onnx.RotaryEmbedding(%x, %c, %s, %p) {interleaved = 1 : i64, rotary_embedding_dim = 8 : i64} : (tensor<?x4x?x12xf32>, tensor<64x4xf32>, tensor<64x4xf32>, tensor<?x?xi64>) -> tensor<?x4x?x12xf32>
  return %0 : tensor<?x4x?x12xf32>
}

// CHECK-LABEL: func.func @hash
// CHECK-COUNT-2: onnx.BitwiseXor
// CHECK: onnx.Mod(
// CHECK: onnx.Concat({{.*}}) {axis = 2 : i64} : (tensor<?x?x2xi64>, tensor<?x?x2xi64>) -> tensor<?x?x4xi64>
func.func @hash(%i: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %h: tensor<?x2xi64> {onnx.dims = ["b", 2]}) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  %m = onnx.Constant dense<[3837465763547, 7263545171, 918273645463]> : tensor<3xi64>
  %s = onnx.Constant dense<[101, 103, 107, 109]> : tensor<4xi64>
  %n = onnx.None
  %0, %1 = onnx.com.microsoft.NGramHashMapping(%i, %m, %s, %h, %n, %n, %n) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<?x?xi64>, tensor<3xi64>, tensor<4xi64>, tensor<?x2xi64>, none, none, none) -> (tensor<?x?x4xi64>, tensor<?x2xi64>)
  return %0, %1 : tensor<?x?x4xi64>, tensor<?x2xi64>
}

// 16-bit gates are computed in f32.
// CHECK-LABEL: func.func @gate
// CHECK: onnx.Cast(%{{.*}}) {to = 1 : i64} : (tensor<1x3x2x8xf16>) -> tensor<1x3x2x8xf32>
// CHECK: onnx.Sign
// CHECK: onnx.Sigmoid
// CHECK: onnx.Cast(%{{.*}}) {to = 10 : i64} : (tensor<1x3x2x8xf32>) -> tensor<1x3x2x8xf16>
func.func @gate(%k: tensor<1x3x2x8xf16>, %v: tensor<1x3x8xf16>, %w: tensor<2x8xf16>) -> tensor<1x3x2x8xf16> {
  %0 = onnx.com.microsoft.EngramGate(%k, %k, %v, %w, %w) : (tensor<1x3x2x8xf16>, tensor<1x3x2x8xf16>, tensor<1x3x8xf16>, tensor<2x8xf16>, tensor<2x8xf16>) -> tensor<1x3x2x8xf16>
  return %0 : tensor<1x3x2x8xf16>
}

// CHECK-LABEL: func.func @experts
// CHECK: onnx.Softmax
// CHECK: onnx.TopK
// CHECK: onnx.Gather(%{{.*}}) : (tensor<5x12x8xf32>, tensor<?xi64>) -> tensor<?x12x8xf32>
// CHECK: onnx.MatMul(%{{.*}}) : (tensor<?x12x8xf32>, tensor<?x8x1xf32>) -> tensor<?x12x1xf32>
// CHECK: onnx.Clip
// CHECK: onnx.ReduceSum
func.func @experts(%x: tensor<?x8xf32> {onnx.dims = ["t", 8]}, %r: tensor<?x5xf32> {onnx.dims = ["t", 5]}, %w1: tensor<5x12x8xf32>, %w2: tensor<5x8x6xf32>) -> tensor<?x8xf32> {
  %n = onnx.None
  %0 = onnx.com.microsoft.MoE(%x, %r, %w1, %n, %w2, %n, %n, %n) {activation_type = "swiglu", swiglu_fusion = 1 : i64, k = 2 : i64, swiglu_limit = 7.0 : f32} : (tensor<?x8xf32>, tensor<?x5xf32>, tensor<5x12x8xf32>, none, tensor<5x8x6xf32>, none, none, none) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
