// RUN: trine-opt %s --verify-roundtrip | FileCheck %s

// CHECK:       plan.constant_program @constants0 {
// CHECK-NEXT:    %[[W:.*]] = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
// CHECK:         plan.computed %{{.*}}, %[[W]] at [0, 64] : tensor<4xf32>, tensor<4xf32>
plan.constant_program @constants0 {
  %w = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  plan.computed %y, %w at [0, 64] : tensor<4xf32>, tensor<4xf32>
}

// CHECK:       plan.constant_program @nothing {
// CHECK-NEXT:    plan.computed at []
plan.constant_program @nothing {
  plan.computed at []
}

// CHECK:       plan.weight @w0 "w (computed)" from "/computed" at 0 length 16
plan.weight @w0 "w (computed)" from "/computed" at 0 length 16 : tensor<4xf32> permutation [0] outer [] inner [] tiles [] stored tensor<4xf32>
