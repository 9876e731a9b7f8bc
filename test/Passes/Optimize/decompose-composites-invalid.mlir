// RUN: trine-opt %s --verify-diagnostics --trine-decompose-composites

// Experts are scheduled before.
func.func @main(%x: tensor<?x64xf32>, %ids: tensor<?x3xi64>, %w: tensor<?x3xf32>, %gu: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) -> tensor<?x64xf32> {
  // expected-error @below {{'trine.moe.experts' has no decomposition to linalg}}
  %y = trine.moe.experts %x routed(%ids, %w : tensor<?x3xi64>, tensor<?x3xf32>) weights(%gu, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>)
    activation silu_gated gate_up concatenated : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
