// RUN: trine-opt %s --split-input-file --trine-plan-weights="matrix-type=bf16" | FileCheck %s --check-prefix=BF16
// RUN: trine-opt %s --split-input-file --trine-plan-weights="matrix-type=f16" | FileCheck %s --check-prefix=F16
// RUN: not trine-opt %s --split-input-file --trine-plan-weights=matrix-type=f8 2>&1 | FileCheck %s --check-prefix=WRONG

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

// -----

// Heads that read panels widen them; rows are not in pairs. Where a head's columns are no whole panels the weight as it is is narrowed, too.

// BF16: {{-----}}
// BF16: plan.weight @w0 "kv" {{.*}} stored tensor<8x64x32xbf16>
// BF16: plan.weight @w1 "odd" {{.*}} stored tensor<64x4x20xbf16>
// BF16: %[[P:.*]] = tensor.expand_shape %{{.*}} : tensor<8x64x32xbf16> into tensor<4x2x64x32xbf16>
// BF16: linalg.generic {{.*}} ins(%{{.*}}, %[[P]] : {{.*}}, tensor<4x2x64x32xbf16>)
// BF16: ^bb0(%{{.*}}: f32, %[[W:.*]]: bf16, %{{.*}}: f32):
// BF16: arith.extf %[[W]] : bf16 to f32
// BF16: linalg.generic {{.*}} tensor<64x4x20xbf16>)
// BF16: arith.extf
func.func @main(%q: tensor<4x?x64xf32>, %i: tensor<4x?x64xf32>, %p: tensor<4x?x20xf32>) -> (tensor<4x?x64xf32>, tensor<4x?x64xf32>) {
  %w = trine.weight "kv" from "m" at 0 length 65536 : tensor<64x4x64xf32>
  %v = trine.weight "odd" from "m" at 65536 length 20480 : tensor<64x4x20xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(h, s, r, x) -> (h, s, x)>, affine_map<(h, s, r, x) -> (r, h, x)>, affine_map<(h, s, r, x) -> (h, s, r)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %w : tensor<4x?x64xf32>, tensor<64x4x64xf32>) outs(%i : tensor<4x?x64xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4x?x64xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(h, s, r, x) -> (h, s, x)>, affine_map<(h, s, r, x) -> (r, h, x)>, affine_map<(h, s, r, x) -> (h, s, r)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%p, %v : tensor<4x?x20xf32>, tensor<64x4x20xf32>) outs(%i : tensor<4x?x64xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4x?x64xf32>
  return %a, %b : tensor<4x?x64xf32>, tensor<4x?x64xf32>
}

// -----

// What is computed from matrices of f32 is narrowed as they are; what is made of others is not. Either is stored in panels.

// BF16: {{-----}}
// BF16: plan.weight @w0 "w (computed)" from "/computed" at 0 length 6144 : tensor<64x24xf32> {{.*}} stored tensor<1x32x32x2xbf16>
// BF16: plan.weight @w1 "i (computed)" from "/computed" at 6144 length 6144 : tensor<64x24xf32> {{.*}} stored tensor<1x64x32xf32>
plan.constant_program @constants0 {
  %w = trine.weight "w" from "m" at 0 length 6144 : tensor<64x24xf32>
  %i = trine.weight "i" from "m" at 6144 length 1536 : tensor<64x24xi8>
  %e = tensor.empty() : tensor<64x24xf32>
  %y = linalg.exp ins(%w : tensor<64x24xf32>) outs(%e : tensor<64x24xf32>) -> tensor<64x24xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<64x24xi8>) outs(%e : tensor<64x24xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.sitofp %in : i8 to f32
    linalg.yield %0 : f32
  } -> tensor<64x24xf32>
  plan.computed %y, %z at [0, 6144] : tensor<64x24xf32>, tensor<64x24xf32>
}
func.func @main(%x: tensor<?x64xf32>, %i: tensor<?x24xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>) {
  %w = trine.weight "w (computed)" from "/computed" at 0 length 6144 : tensor<64x24xf32>
  %v = trine.weight "i (computed)" from "/computed" at 6144 length 6144 : tensor<64x24xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<?x64xf32>, tensor<64x24xf32>) outs(%i : tensor<?x24xf32>) -> tensor<?x24xf32>
  %1 = linalg.matmul ins(%x, %v : tensor<?x64xf32>, tensor<64x24xf32>) outs(%i : tensor<?x24xf32>) -> tensor<?x24xf32>
  return %0, %1 : tensor<?x24xf32>, tensor<?x24xf32>
}

// -----

// Heads of a weight of pieces, and the product with all of it: no form stays f32, or the two would not compute with the same numbers.

// BF16: plan.weight @w0 "kv" pieces [{{.*}}sizes[64, 4, 20]>] {{.*}} stored tensor<64x4x20xbf16>
// BF16: plan.weight @w1 "kv" pieces [{{.*}}strides[1, 64] into[0, 0] sizes[64, 80]>] {{.*}} stored tensor<3x32x32x2xbf16>
// BF16-NOT: plan.weight
#query = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#heads = affine_map<(d0, d1, d2, d3) -> (d3, d0, d2)>
#result = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
func.func @main(%q: tensor<4x?x64xf32>, %i: tensor<4x?x20xf32>, %x: tensor<?x64xf32>, %j: tensor<?x80xf32>) -> (tensor<4x?x20xf32>, tensor<?x80xf32>) {
  %w = trine.assembled_weight "kv" [#trine.piece<"m" at 0 strides[1, 1280, 64] into[0, 0, 0] sizes[64, 4, 20]>] : tensor<64x4x20xf32>
  %0 = linalg.generic {indexing_maps = [#query, #heads, #result], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %w : tensor<4x?x64xf32>, tensor<64x4x20xf32>) outs(%i : tensor<4x?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x?x20xf32>
  %m = tensor.collapse_shape %w [[0], [1, 2]] : tensor<64x4x20xf32> into tensor<64x80xf32>
  %1 = linalg.matmul ins(%x, %m : tensor<?x64xf32>, tensor<64x80xf32>) outs(%j : tensor<?x80xf32>) -> tensor<?x80xf32>
  return %0, %1 : tensor<4x?x20xf32>, tensor<?x80xf32>
}
