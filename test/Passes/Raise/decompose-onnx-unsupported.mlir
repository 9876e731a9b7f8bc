// RUN: trine-opt %s --trine-decompose-onnx --split-input-file --verify-diagnostics

func.func @mode(%q: tensor<1x2x3x8xf32>) -> tensor<1x2x3x8xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Attention' cannot be decomposed: 'qk_matmul_output_mode' must be in [0, 3], got 4}}
  %0, %1, %2, %3 = onnx.Attention(%q, %q, %q, %n, %n, %n, %n) {qk_matmul_output_mode = 4 : i64} : (tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, none, none, none, none) -> (tensor<1x2x3x8xf32>, none, none, none)
  return %0 : tensor<1x2x3x8xf32>
}

// -----

func.func @precision(%q: tensor<1x2x3x8xf32>) -> tensor<1x2x3x8xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.Attention' cannot be decomposed: 'softmax_precision' must be a float type (1, 10, 11 or 16), got 7}}
  %0, %1, %2, %3 = onnx.Attention(%q, %q, %q, %n, %n, %n, %n) {softmax_precision = 7 : i64} : (tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, none, none, none, none) -> (tensor<1x2x3x8xf32>, none, none, none)
  return %0 : tensor<1x2x3x8xf32>
}

// -----

func.func @rotated(%x: tensor<1x2x3x4xf32>, %c: tensor<1x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.RotaryEmbedding' cannot be decomposed: 'rotary_embedding_dim' must be even and at most the head size 4, got 8}}
  %0 = onnx.RotaryEmbedding(%x, %c, %c, %n) {rotary_embedding_dim = 8 : i64} : (tensor<1x2x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>, none) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

func.func @heads(%x: tensor<1x3x8xf32>, %p: tensor<1xi64>, %c: tensor<9x4xf32>) -> tensor<1x3x8xf32> {
  // expected-error @below {{'onnx.com.microsoft.RotaryEmbedding' cannot be decomposed: the last dimension must be a multiple of the heads, got 8 for 3 heads}}
  %0 = onnx.com.microsoft.RotaryEmbedding(%x, %p, %c, %c) {num_heads = 3 : i64} : (tensor<1x3x8xf32>, tensor<1xi64>, tensor<9x4xf32>, tensor<9x4xf32>) -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}

// -----

func.func @packed(%x: tensor<1x3x8xf32>, %p: tensor<1xi64>, %c: tensor<9x4xf32>) -> tensor<1x3x8xf32> {
  // expected-error @below {{'onnx.com.microsoft.RotaryEmbedding' cannot be decomposed: 'is_packed_batching' must be 0 and 'scale' 1}}
  %0 = onnx.com.microsoft.RotaryEmbedding(%x, %p, %c, %c) {scale = 2.0 : f32} : (tensor<1x3x8xf32>, tensor<1xi64>, tensor<9x4xf32>, tensor<9x4xf32>) -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}

// -----

func.func @prefix(%x: tensor<1x3x16xf32>, %p: tensor<1xi64>, %c: tensor<9x2xf32>) -> tensor<1x3x16xf32> {
  // expected-error @below {{'onnx.com.microsoft.RotaryEmbedding' cannot be decomposed: 'num_heads' must be given with 'rotary_embedding_dim' 4}}
  %0 = onnx.com.microsoft.RotaryEmbedding(%x, %p, %c, %c) {rotary_embedding_dim = 4 : i64} : (tensor<1x3x16xf32>, tensor<1xi64>, tensor<9x2xf32>, tensor<9x2xf32>) -> tensor<1x3x16xf32>
  return %0 : tensor<1x3x16xf32>
}

// -----

func.func @gate(%k: tensor<1x3x2x?xf32> {onnx.dims = [1, 3, 2, "d"]}, %v: tensor<1x3x?xf32> {onnx.dims = [1, 3, "d"]}, %w: tensor<2x?xf32> {onnx.dims = [2, "d"]}) -> tensor<1x3x2x?xf32> {
  // expected-error @below {{'onnx.com.microsoft.EngramGate' cannot be decomposed: the last dimension of 'key' must be a constant, got d}}
  %0 = onnx.com.microsoft.EngramGate(%k, %k, %v, %w, %w) : (tensor<1x3x2x?xf32>, tensor<1x3x2x?xf32>, tensor<1x3x?xf32>, tensor<2x?xf32>, tensor<2x?xf32>) -> tensor<1x3x2x?xf32>
  return %0 : tensor<1x3x2x?xf32>
}

// -----

func.func @mixer(%x: tensor<3x8xf32>, %r: tensor<3x5xf32>, %w1: tensor<5x6x8xf32>, %w2: tensor<5x8x6xf32>) -> tensor<3x8xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.com.microsoft.MoE' cannot be decomposed: 'use_sparse_mixer' must be 0, got 1}}
  %0 = onnx.com.microsoft.MoE(%x, %r, %w1, %n, %w2, %n, %n, %n) {use_sparse_mixer = 1 : i64} : (tensor<3x8xf32>, tensor<3x5xf32>, tensor<5x6x8xf32>, none, tensor<5x8x6xf32>, none, none, none) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

func.func @activation(%x: tensor<3x8xf32>, %r: tensor<3x5xf32>, %w1: tensor<5x6x8xf32>, %w2: tensor<5x8x6xf32>) -> tensor<3x8xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.com.microsoft.MoE' cannot be decomposed: 'activation_type' must be relu, gelu, silu, identity or swiglu, got 'mish'}}
  %0 = onnx.com.microsoft.MoE(%x, %r, %w1, %n, %w2, %n, %n, %n) {activation_type = "mish"} : (tensor<3x8xf32>, tensor<3x5xf32>, tensor<5x6x8xf32>, none, tensor<5x8x6xf32>, none, none, none) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

func.func @fusion(%x: tensor<3x8xf32>, %r: tensor<3x5xf32>, %w1: tensor<5x6x8xf32>, %w2: tensor<5x8x6xf32>) -> tensor<3x8xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.com.microsoft.MoE' cannot be decomposed: 'swiglu_fusion' must be 0, 1 or 2, and 0 without swiglu, got 3}}
  %0 = onnx.com.microsoft.MoE(%x, %r, %w1, %n, %w2, %n, %n, %n) {activation_type = "swiglu", swiglu_fusion = 3 : i64} : (tensor<3x8xf32>, tensor<3x5xf32>, tensor<5x6x8xf32>, none, tensor<5x8x6xf32>, none, none, none) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

func.func @third(%x: tensor<3x8xf32>, %r: tensor<3x5xf32>, %w1: tensor<5x6x8xf32>, %w2: tensor<5x8x6xf32>) -> tensor<3x8xf32> {
  %n = onnx.None
  // expected-error @below {{'onnx.com.microsoft.MoE' cannot be decomposed: 'fc3_experts_weights' must be absent when swiglu is fused, and present when it is not}}
  %0 = onnx.com.microsoft.MoE(%x, %r, %w1, %n, %w2, %n, %n, %n) {activation_type = "swiglu"} : (tensor<3x8xf32>, tensor<3x5xf32>, tensor<5x6x8xf32>, none, tensor<5x8x6xf32>, none, none, none) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
