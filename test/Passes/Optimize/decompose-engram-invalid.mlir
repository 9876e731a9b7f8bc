// RUN: trine-opt %s --split-input-file --verify-diagnostics --trine-decompose-composites

func.func @many_streams(%h: tensor<?x?x17x2xf32>, %p: tensor<323x34xf32>, %b: tensor<323xf32>) -> tensor<?x?x2xf32> {
  // expected-error@+1 {{'trine.hyper.mix' op has a decomposition for 1 to 16 streams, got 17}}
  %x, %post, %comb = trine.hyper.mix %h, %p bias(%b : tensor<323xf32>) rounds 2 epsilon 0.0 norm_epsilon 0.0
    : tensor<?x?x17x2xf32>, tensor<323x34xf32> -> tensor<?x?x2xf32>, tensor<?x?x17xf32>, tensor<?x?x17x17xf32>
  return %x : tensor<?x?x2xf32>
}

// -----

func.func @unknown_taps(%x: tensor<?x?x64xf32>, %s: tensor<?x?x64xf32>, %w: tensor<64x?xf32>) -> tensor<?x?x64xf32> {
  // expected-error@+1 {{'trine.engram.conv' op has no decomposition when the number of taps is not known}}
  %y, %p = trine.engram.conv %x, %s, %w dilation 3 : tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<64x?xf32>
  return %y : tensor<?x?x64xf32>
}
