// RUN: trine-opt %s --trine-outline-constant-work=part=40000 | FileCheck %s

// A program reads and computes 40,000 bytes, and more only for values that share work.

// CHECK:       plan.constant_program @constants0
// CHECK:         plan.computed %{{.*}} at [0] : tensor<64x64xf32>
// CHECK:       plan.constant_program @constants1
// CHECK:         %[[S:.*]] = linalg.exp
// CHECK:         linalg.log ins(%[[S]]
// CHECK:         plan.computed %[[S]], %{{.*}} at [16384, 32768] : tensor<64x64xf32>, tensor<64x64xf32>
// CHECK:       plan.constant_program @constants2
// CHECK:         plan.computed %{{.*}} at [49152] : tensor<64x64xf32>
// CHECK-NOT:   plan.constant_program
func.func @main() -> (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>) {
  %e = tensor.empty() : tensor<64x64xf32>
  %a = trine.weight "a" from "m" at 0 length 16384 : tensor<64x64xf32>
  %b = trine.weight "b" from "m" at 16384 length 16384 : tensor<64x64xf32>
  %c = trine.weight "c" from "m" at 32768 length 16384 : tensor<64x64xf32>
  %0 = linalg.exp ins(%a : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = linalg.exp ins(%b : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = linalg.log ins(%1 : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %3 = linalg.exp ins(%c : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0, %1, %2, %3 : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>
}
