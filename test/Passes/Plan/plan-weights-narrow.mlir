// RUN: trine-opt %s --trine-plan-weights="matrix-type=bf16" | FileCheck %s --check-prefix=BF16
// RUN: trine-opt %s --trine-plan-weights="matrix-type=f16" | FileCheck %s --check-prefix=F16
// RUN: not trine-opt %s --trine-plan-weights=matrix-type=f8 2>&1 | FileCheck %s --check-prefix=WRONG

// What is looked up and what has few columns stays f32; a product widens the rest.

// BF16: plan.weight @w0 "w" from "m" at 64 length 6144 : tensor<64x24xf32> permutation [0, 1] outer [1, 0] inner [1, 0] tiles [32, 2] stored tensor<1x32x32x2xbf16>
// BF16: plan.weight @w1 "thin" from "m" at 0 length 1024 : tensor<64x4xf32> {{.*}} stored tensor<64x4xf32>
// BF16: %[[U:.*]] = linalg.unpack {{.*}} -> tensor<64x24xbf16>
// BF16: linalg.generic {{.*}} ins(%{{.*}}, %[[U]] : tensor<?x64xf32>, tensor<64x24xbf16>)
// BF16: ^bb0(%{{.*}}: f32, %[[W:.*]]: bf16, %{{.*}}: f32):
// BF16: arith.extf %[[W]] : bf16 to f32
// F16: stored tensor<1x32x32x2xf16>
// WRONG: 'matrix-type' must be 'bf16' or 'f16', got 'f8'
func.func @main(%x: tensor<?x64xf32>, %i: tensor<?x24xf32>, %j: tensor<?x4xf32>) -> (tensor<?x24xf32>, tensor<?x4xf32>) {
  %w = trine.weight "w" from "m" at 64 length 6144 : tensor<64x24xf32>
  %v = trine.weight "thin" from "m" at 0 length 1024 : tensor<64x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<?x64xf32>, tensor<64x24xf32>) outs(%i : tensor<?x24xf32>) -> tensor<?x24xf32>
  %1 = linalg.matmul ins(%x, %v : tensor<?x64xf32>, tensor<64x4xf32>) outs(%j : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0, %1 : tensor<?x24xf32>, tensor<?x4xf32>
}
