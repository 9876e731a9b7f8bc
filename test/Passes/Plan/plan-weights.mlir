// RUN: trine-opt %s --split-input-file --trine-plan-weights=constant-limit=8 --verify-diagnostics | FileCheck %s
// RUN: not trine-opt %s --split-input-file --trine-plan-weights=constant-limit=8 --remark-format=emitRemark --remark-policy=all --remarks-filter='.*' 2>&1 >%t | FileCheck %s --check-prefix=REMARK
// REMARK: weight 'w' of tensor<40x63xbf16> is stored in two layouts

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

// -----

// Products of heads, as the absorbed form of latent attention has them, read the panels of the product with the whole matrix.

// CHECK: plan.weight @w0 "kv" from "m" at 0 length 131072 : tensor<64x512xf32> {{.*}} outer [1, 0] inner [1] tiles [32] stored tensor<16x64x32xf32>
// CHECK-NOT: plan.weight
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = plan.load_weight @w0 : tensor<16x64x32xf32>
// CHECK: %[[U:.*]] = linalg.unpack %[[S]]
// CHECK-NOT: load_weight
// CHECK: linalg.matmul ins(%{{.*}}, %[[U]]
// CHECK: %[[H:.*]] = tensor.expand_shape %[[S]] {{\[\[}}0, 1], [2], [3]] {{.*}} into tensor<4x4x64x32xf32>
// CHECK: %[[UP:.*]] = tensor.extract_slice %[[H]][0, 0, 0, 0] [4, 2, 64, 32]
// CHECK: %[[Q:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] {{.*}} : tensor<4x?x64xf32> into tensor<4x?x2x32xf32>
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%[[Q]], %[[UP]]
// CHECK: %[[DOWN:.*]] = tensor.extract_slice %{{.*}}[0, 2, 0, 0] [4, 2, 64, 32]
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[DOWN]] : {{.*}}) outs(%{{.*}} : tensor<4x?x2x32xf32>)
// CHECK: tensor.collapse_shape %[[O]] {{\[\[}}0], [1], [2, 3]]
func.func @main(%c: tensor<?x64xf32>, %i: tensor<?x512xf32>, %q: tensor<4x?x64xf32>, %m: tensor<4x?x64xf32>, %n: index)
    -> (tensor<?x512xf32>, tensor<4x?x64xf32>, tensor<4x?x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %w = trine.weight "kv" from "m" at 0 length 131072 : tensor<64x512xf32>
  %all = linalg.matmul ins(%c, %w : tensor<?x64xf32>, tensor<64x512xf32>) outs(%i : tensor<?x512xf32>) -> tensor<?x512xf32>
  %h = tensor.expand_shape %w [[0], [1, 2]] output_shape [64, 4, 128] : tensor<64x512xf32> into tensor<64x4x128xf32>
  %uk = tensor.extract_slice %h[0, 0, 0] [64, 4, 64] [1, 1, 1] : tensor<64x4x128xf32> to tensor<64x4x64xf32>
  %uv = tensor.extract_slice %h[0, 0, 64] [64, 4, 64] [1, 1, 1] : tensor<64x4x128xf32> to tensor<64x4x64xf32>
  %e = tensor.empty(%n) : tensor<4x?x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x?x64xf32>) -> tensor<4x?x64xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(h, s, r, x) -> (h, s, x)>, affine_map<(h, s, r, x) -> (r, h, x)>, affine_map<(h, s, r, x) -> (h, s, r)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %uk : tensor<4x?x64xf32>, tensor<64x4x64xf32>) outs(%f : tensor<4x?x64xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4x?x64xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(h, s, v, r) -> (h, s, r)>, affine_map<(h, s, v, r) -> (r, h, v)>, affine_map<(h, s, v, r) -> (h, s, v)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%m, %uv : tensor<4x?x64xf32>, tensor<64x4x64xf32>) outs(%f : tensor<4x?x64xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4x?x64xf32>
  return %all, %a, %b : tensor<?x512xf32>, tensor<4x?x64xf32>, tensor<4x?x64xf32>
}
