// RUN: trine-opt %s --split-input-file --trine-plan-weights=constant-limit=8 --verify-diagnostics | FileCheck %s

// The right side of a product is stored in panels, its transpose folded; two names for the same bytes are one weight.

// CHECK: plan.weight @w0 "w" from "m" at 64 length 6144 : tensor<24x64xf32> permutation [1, 0] outer [1, 0] inner [1] tiles [32] stored tensor<1x64x32xf32>
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = plan.load_weight @w0 : tensor<1x64x32xf32>
// CHECK: %[[U:.*]] = linalg.unpack %[[S]] outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [32] into %{{.*}} : tensor<1x64x32xf32> -> tensor<64x24xf32>
// CHECK: linalg.matmul ins(%{{.*}}, %[[U]]
// CHECK: linalg.matmul ins(%{{.*}}, %[[U]]
// CHECK-NOT: load_weight
func.func @main(%x: tensor<?x64xf32>, %i: tensor<?x24xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>) {
  %w = trine.weight "w" from "m" at 64 length 6144 : tensor<24x64xf32>
  %v = trine.weight "v" from "m" at 64 length 6144 : tensor<24x64xf32>
  %e = tensor.empty() : tensor<64x24xf32>
  %t = linalg.transpose ins(%w : tensor<24x64xf32>) outs(%e : tensor<64x24xf32>) permutation = [1, 0]
  %u = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<24x64xf32>) outs(%e : tensor<64x24xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<64x24xf32>
  %0 = linalg.matmul ins(%x, %t : tensor<?x64xf32>, tensor<64x24xf32>) outs(%i : tensor<?x24xf32>) -> tensor<?x24xf32>
  %1 = linalg.matmul ins(%x, %u : tensor<?x64xf32>, tensor<64x24xf32>) outs(%i : tensor<?x24xf32>) -> tensor<?x24xf32>
  return %0, %1 : tensor<?x24xf32>, tensor<?x24xf32>
}

// -----

// 16-bit rows in pairs; a product that reads its right side transposed reads it plain after; two ways of use are two symbols.

// CHECK-DAG: plan.weight @w0 "w" {{.*}} : tensor<40x63xbf16> permutation [0, 1] outer [] inner [] tiles [] stored tensor<40x63xbf16>
// CHECK-DAG: plan.weight @w1 "w" {{.*}} : tensor<40x63xbf16> permutation [1, 0] outer [1, 0] inner [1, 0] tiles [32, 2] stored tensor<2x32x32x2xbf16>
// CHECK-LABEL: func.func @main
// CHECK: linalg.unpack %{{.*}} outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [32, 2] into %{{.*}} : tensor<2x32x32x2xbf16> -> tensor<63x40xbf16>
// CHECK: linalg.matmul ins({{.*}} tensor<?x63xbf16>, tensor<63x40xbf16>)
func.func @main(%x: tensor<?x63xbf16>, %i: tensor<?x40xf32>) -> (tensor<?x40xf32>, tensor<40x63xbf16>) {
  %w = trine.weight "w" from "m" at 64 length 5040 : tensor<40x63xbf16>
  %0 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<?x63xbf16>, tensor<40x63xbf16>) outs(%i : tensor<?x40xf32>) -> tensor<?x40xf32>
  return %0, %w : tensor<?x40xf32>, tensor<40x63xbf16>
}

// -----

// Slices of a stacked weight are byte ranges; a slice beside a use of the whole stays a slice.

// CHECK-DAG: plan.weight @w1 "e" from "m" at 3072 length 2048 : tensor<16x32xf32> {{.*}} stored tensor<1x16x32xf32>
// CHECK-DAG: plan.weight @w0 "whole" from "m" at 9000 length 64 : tensor<2x8xf32>
// CHECK-LABEL: func.func @main
// CHECK: tensor.extract_slice
// CHECK-NOT: tensor.extract_slice
func.func @main(%x: tensor<?x16xf32>, %i: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<8xf32>, tensor<2x8xf32>) {
  %w = trine.weight "e" from "m" at 1024 length 8192 : tensor<4x16x32xf32>
  %s = tensor.extract_slice %w[1, 0, 0] [1, 16, 32] [1, 1, 1] : tensor<4x16x32xf32> to tensor<16x32xf32>
  %0 = linalg.matmul ins(%x, %s : tensor<?x16xf32>, tensor<16x32xf32>) outs(%i : tensor<?x32xf32>) -> tensor<?x32xf32>
  %v = trine.weight "whole" from "m" at 9000 length 64 : tensor<2x8xf32>
  %p = tensor.extract_slice %v[1, 0] [1, 8] [1, 1] : tensor<2x8xf32> to tensor<8xf32>
  return %0, %p, %v : tensor<?x32xf32>, tensor<8xf32>, tensor<2x8xf32>
}

// -----

// The left side of a product and a strided slice keep the plain layout; small constants stay, splats become fills, large ones are stored.

// CHECK: plan.weight @w0 "left"{{.*}} tiles [] stored tensor<16x64xf32>
// CHECK: plan.weight @w1 "constant_{{.*}}" value dense<{{.*}}> : tensor<2xi64> {{.*}} stored tensor<2xi64>
// CHECK-LABEL: func.func @main
// CHECK: linalg.matmul
// CHECK: arith.constant dense<[1, 2]> : tensor<2xi8>
// CHECK: linalg.fill
func.func @main(%x: tensor<64x32xf32>, %i: tensor<16x32xf32>) -> (tensor<16x32xf32>, tensor<2xi64>, tensor<2xi8>, tensor<500xf32>) {
  %w = trine.weight "left" from "m" at 0 length 4096 : tensor<16x64xf32>
  %0 = linalg.matmul ins(%w, %x : tensor<16x64xf32>, tensor<64x32xf32>) outs(%i : tensor<16x32xf32>) -> tensor<16x32xf32>
  %big = arith.constant dense<[3, 4]> : tensor<2xi64>
  %small = arith.constant dense<[1, 2]> : tensor<2xi8>
  %splat = arith.constant dense<1.0> : tensor<500xf32>
  return %0, %big, %small, %splat : tensor<16x32xf32>, tensor<2xi64>, tensor<2xi8>, tensor<500xf32>
}

// -----

// expected-error @below {{module must have a function '@main'}}
module {
}
