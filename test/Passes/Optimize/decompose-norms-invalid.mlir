// RUN: trine-opt %s --verify-diagnostics --trine-decompose-composites

func.func @unknown_width(%x: tensor<2x?xf32>, %c: tensor<2x4xf32>) -> tensor<2x?xf32> {
  // expected-error@+1 {{'trine.rope' needs static sizes of its last dimension}}
  %y = trine.rope %x, %c, %c pairing half layout in_place begin 0 : tensor<2x?xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  return %y : tensor<2x?xf32>
}
