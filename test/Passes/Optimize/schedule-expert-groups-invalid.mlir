// RUN: trine-opt %s --verify-diagnostics --trine-schedule-expert-groups

func.func @main(%x: tensor<?x64xf32>, %ids: tensor<?x?xi64>, %w: tensor<?x?xf32>, %gu: tensor<8x64x64xf32>, %d: tensor<8x64x32xf32>) -> tensor<?x64xf32> {
  // expected-error @below {{the numbers of experts and of choices per token must be known, got 'tensor<?x?xi64>' and 'tensor<8x64x32xf32>'}}
  %y = trine.moe.experts %x routed(%ids, %w : tensor<?x?xi64>, tensor<?x?xf32>) weights(%gu, %d : tensor<8x64x64xf32>, tensor<8x64x32xf32>)
    activation silu_gated gate_up concatenated : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
