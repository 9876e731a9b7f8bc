// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%q: tensor<2x3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op 'Q' must have rank 3 or 4, got 2}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %n0, %n0, %n0, %n0) : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x3x8xf32>) {
  %n0 = onnx.None
  // expected-error @+3 {{'onnx.Attention' op 'q_num_heads' must be at least 1 when 'Q' has rank 3, got none}}
  // expected-error @+2 {{'onnx.Attention' op 'kv_num_heads' must be at least 1 when 'K' has rank 3, got none}}
  // expected-error @+1 {{'onnx.Attention' op 'kv_num_heads' must be at least 1 when 'V' has rank 3, got none}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %n0, %n0, %n0, %n0) : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x3x8xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op dimension 2 of 'Q' must be a multiple of 'q_num_heads' 3, got 8}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %n0, %n0, %n0, %n0) {q_num_heads = 3 : i64, kv_num_heads = 1 : i64} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x4x3x8xf32>, %k: tensor<2x4x3x6xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op sizes of the head dimension of 'Q' and 'K' must be equal, got 8 and 6}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %k, %k, %n0, %n0, %n0, %n0) : (tensor<2x4x3x8xf32>, tensor<2x4x3x6xf32>, tensor<2x4x3x6xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x4x3x8xf32>, %k: tensor<2x3x3x8xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op heads of 'Q' must be a multiple of those of 'K', got 4 and 3}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %k, %k, %n0, %n0, %n0, %n0) : (tensor<2x4x3x8xf32>, tensor<2x3x3x8xf32>, tensor<2x3x3x8xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x4x3x8xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op 'past_key' and 'past_value' must be given together}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %n0, %q, %n0, %n0) : (tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, none, tensor<2x4x3x8xf32>, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x4x3x8xf32>, %p: tensor<2x4x5x7xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op sizes of dimension 3 of 'K' and 'past_key' must be equal, got 8 and 7}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %n0, %p, %q, %n0) : (tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, none, tensor<2x4x5x7xf32>, tensor<2x4x3x8xf32>, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x4x3x8xf32>, %l: tensor<2xi64>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op 'nonpad_kv_seqlen' must not be given with 'past_key'}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %n0, %q, %q, %l) : (tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, none, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2xi64>) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x4x3x8xf32>, %m: tensor<3xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op 'attn_mask' must have rank 2 to 4, got 1}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %m, %n0, %n0, %n0) : (tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<3xf32>, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%q: tensor<2x4x3x8xf32>, %m: tensor<3x5xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.Attention' op scores and 'attn_mask' of shapes [2, 4, 3, 3] and [3, 5] cannot be broadcast: size 3 is not 5}}
  %f0, %n1, %n2, %n3 = onnx.Attention(%q, %q, %q, %m, %n0, %n0, %n0) : (tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<3x5xf32>, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %c: tensor<2x3x4xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.RotaryEmbedding' op 'X' must have rank 3 or 4, got 2}}
  %f0 = onnx.RotaryEmbedding(%x, %c, %c, %n0) : (tensor<2x3xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x4x3x8xf32>, %c: tensor<2x3x5xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.RotaryEmbedding' op sizes of twice the last dimension of 'cos_cache' and the rotated dimension must be equal, got 10 and 8}}
  %f0 = onnx.RotaryEmbedding(%x, %c, %c, %n0) : (tensor<2x4x3x8xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x4x3x8xf32>, %c: tensor<9x4xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.RotaryEmbedding' op 'cos_cache' must have rank 3, got 2}}
  %f0 = onnx.RotaryEmbedding(%x, %c, %c, %n0) : (tensor<2x4x3x8xf32>, tensor<9x4xf32>, tensor<9x4xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %p: tensor<2x3xi64>, %c: tensor<9x4xf32>) {
  // expected-error @+1 {{'onnx.com.microsoft.RotaryEmbedding' op 'input' must have rank 3 or 4, got 2}}
  %f0 = onnx.com.microsoft.RotaryEmbedding(%x, %p, %c, %c) : (tensor<2x3xf32>, tensor<2x3xi64>, tensor<9x4xf32>, tensor<9x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x4x3x8xf32>, %p: tensor<2x4xi64>, %c: tensor<9x4xf32>) {
  // expected-error @+1 {{'onnx.com.microsoft.RotaryEmbedding' op sizes of the sequence of 'input' and 'position_ids' must be equal, got 3 and 4}}
  %f0 = onnx.com.microsoft.RotaryEmbedding(%x, %p, %c, %c) : (tensor<2x4x3x8xf32>, tensor<2x4xi64>, tensor<9x4xf32>, tensor<9x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3x4xf32>, %w: tensor<5xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.SkipSimplifiedLayerNormalization' op sizes of the last dimension of 'input' and 'gamma' must be equal, got 4 and 5}}
  %f0, %n1, %n2, %n3 = onnx.com.microsoft.SkipSimplifiedLayerNormalization(%x, %x, %w, %n0) : (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<5xf32>, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%x: tensor<3x4xf32>, %y: tensor<2x3x4xf32>, %w: tensor<4xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.SkipSimplifiedLayerNormalization' op 'skip' must have at most rank 2, got 3}}
  %f0, %n1, %n2, %n3 = onnx.com.microsoft.SkipSimplifiedLayerNormalization(%x, %y, %w, %n0) : (tensor<3x4xf32>, tensor<2x3x4xf32>, tensor<4xf32>, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @main(%i: tensor<2x5xi64>, %m: tensor<3xi64>, %v: tensor<4xi64>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.NGramHashMapping' op 'max_ngram_size' must be in [2, 32767], got 1}}
  %i0, %n1 = onnx.com.microsoft.NGramHashMapping(%i, %m, %v, %n0, %n0, %n0, %n0) {max_ngram_size = 1 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<2x5xi64>, tensor<3xi64>, tensor<4xi64>, none, none, none, none) -> (tensor<*xi64>, none)
  return
}

// -----

func.func @main(%i: tensor<2x5xi64>, %m: tensor<3xi64>, %v: tensor<4xi64>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.NGramHashMapping' op 'n_head_per_ngram' must be in [1, 32767], got 0}}
  %i0, %n1 = onnx.com.microsoft.NGramHashMapping(%i, %m, %v, %n0, %n0, %n0, %n0) {max_ngram_size = 3 : i64, n_head_per_ngram = 0 : i64, pad_id = 0 : i64} : (tensor<2x5xi64>, tensor<3xi64>, tensor<4xi64>, none, none, none, none) -> (tensor<*xi64>, none)
  return
}

// -----

func.func @main(%i: tensor<2x5xi64>, %m: tensor<3xi64>, %v: tensor<5xi64>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.NGramHashMapping' op sizes of 'vocab_sizes' and the hashes per token must be equal, got 5 and 4}}
  %i0, %n1 = onnx.com.microsoft.NGramHashMapping(%i, %m, %v, %n0, %n0, %n0, %n0) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<2x5xi64>, tensor<3xi64>, tensor<5xi64>, none, none, none, none) -> (tensor<*xi64>, none)
  return
}

// -----

func.func @main(%k: tensor<2x5x1x64xf32>, %v: tensor<2x5x64xf32>, %w: tensor<1x63xf32>) {
  // expected-error @+1 {{'onnx.com.microsoft.EngramGate' op sizes of dimension 3 of 'key' and 1 of 'key_norm_scale' must be equal, got 64 and 63}}
  %f0 = onnx.com.microsoft.EngramGate(%k, %k, %v, %w, %w) : (tensor<2x5x1x64xf32>, tensor<2x5x1x64xf32>, tensor<2x5x64xf32>, tensor<1x63xf32>, tensor<1x63xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<6x64xf32>, %r: tensor<5x8xf32>, %a: tensor<8x96x64xf32>, %b: tensor<8x64x96xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.MoE' op sizes of the rows of 'input' and 'router_probs' must be equal, got 6 and 5}}
  %f0 = onnx.com.microsoft.MoE(%x, %r, %a, %n0, %b, %n0, %n0, %n0) {k = 2 : i64} : (tensor<6x64xf32>, tensor<5x8xf32>, tensor<8x96x64xf32>, none, tensor<8x64x96xf32>, none, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<6x64xf32>, %r: tensor<6x8xf32>, %a: tensor<8x96x64xf32>, %b: tensor<8x64x96xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.MoE' op 'k' must be in [1, 8], got 9}}
  %f0 = onnx.com.microsoft.MoE(%x, %r, %a, %n0, %b, %n0, %n0, %n0) {k = 9 : i64} : (tensor<6x64xf32>, tensor<6x8xf32>, tensor<8x96x64xf32>, none, tensor<8x64x96xf32>, none, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<64xf32>, %r: tensor<6x8xf32>, %a: tensor<8x96x64xf32>, %b: tensor<8x64x96xf32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.MoE' op 'input' must have rank 2 or 3, got 1}}
  %f0 = onnx.com.microsoft.MoE(%x, %r, %a, %n0, %b, %n0, %n0, %n0) {k = 2 : i64} : (tensor<64xf32>, tensor<6x8xf32>, tensor<8x96x64xf32>, none, tensor<8x64x96xf32>, none, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @main(%i: tensor<2x5xi64>, %m: tensor<2xi64>, %v: tensor<4xi64>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.NGramHashMapping' op 'multipliers' must have 'max_ngram_size' elements or more, got 2 for 3}}
  %i0, %n1 = onnx.com.microsoft.NGramHashMapping(%i, %m, %v, %n0, %n0, %n0, %n0) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<2x5xi64>, tensor<2xi64>, tensor<4xi64>, none, none, none, none) -> (tensor<*xi64>, none)
  return
}

// -----

func.func @main(%i: tensor<2x5xi64>, %m: tensor<3xi64>, %v: tensor<4xi64>, %e: tensor<1xi64>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.NGramHashMapping' op 'eos_token_id' must have rank 0, got 1}}
  %i0, %n1 = onnx.com.microsoft.NGramHashMapping(%i, %m, %v, %n0, %n0, %e, %n0) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<2x5xi64>, tensor<3xi64>, tensor<4xi64>, none, none, tensor<1xi64>, none) -> (tensor<*xi64>, none)
  return
}

// -----

func.func @main(%i: tensor<2x5xi64>, %m: tensor<3xi64>, %v: tensor<4xi64>, %g: tensor<2x4xi32>) {
  %n0 = onnx.None
  // expected-error @+1 {{'onnx.com.microsoft.NGramHashMapping' op sizes of the sequence of 'input_ids' and 'segment_ids' must be equal, got 5 and 4}}
  %i0, %n1 = onnx.com.microsoft.NGramHashMapping(%i, %m, %v, %n0, %n0, %n0, %g) {max_ngram_size = 3 : i64, n_head_per_ngram = 2 : i64, pad_id = 0 : i64} : (tensor<2x5xi64>, tensor<3xi64>, tensor<4xi64>, none, none, none, tensor<2x4xi32>) -> (tensor<*xi64>, none)
  return
}
