// RUN: trine-opt %s --split-input-file --trine-plan-weights | FileCheck %s

// Dimensions that lie one after the other in the file merge within a piece.

// CHECK: plan.weight @w0 "w" pieces [#trine.piece<"m" at 16 strides[1, 6] into[0, 0] sizes[6, 54]>] : tensor<6x54xf32>
// CHECK: plan.load_weight @w0 : tensor<6x54xf32>
func.func @main() -> tensor<6x54xf32> {
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 16 strides[1, 108, 6] into[0, 0, 0] sizes[6, 3, 18]>] : tensor<6x3x18xf32>
  %0 = tensor.collapse_shape %w [[0], [1, 2]] : tensor<6x3x18xf32> into tensor<6x54xf32>
  return %0 : tensor<6x54xf32>
}

// -----

// What has a gap between its rows becomes a piece for each. (Bytes, 16 bits each: 200 elements are 400.)

// CHECK: plan.weight @w0 "w" pieces [#trine.piece<"m" at 0 strides[1, 6] into[0, 0] sizes[6, 18]>, #trine.piece<"m" at 400 strides[1, 6] into[0, 18] sizes[6, 18]>, #trine.piece<"m" at 800 strides[1, 6] into[0, 36] sizes[6, 18]>] : tensor<6x54xf16>
func.func @main() -> tensor<6x54xf16> {
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[1, 200, 6] into[0, 0, 0] sizes[6, 3, 18]>] : tensor<6x3x18xf16>
  %0 = tensor.collapse_shape %w [[0], [1, 2]] : tensor<6x3x18xf16> into tensor<6x54xf16>
  return %0 : tensor<6x54xf16>
}

// -----

// A part of the inner dimension is no row; the first dimension is in two pieces.

// CHECK:      plan.weight @w0 "w" pieces [
// CHECK-SAME: #trine.piece<"a" at 0 strides[1] into[0] sizes[2]>, #trine.piece<"a" at 8 strides[1] into[4] sizes[2]>,
// CHECK-SAME: #trine.piece<"b" at 0 strides[1] into[2] sizes[2]>, #trine.piece<"b" at 8 strides[1] into[6] sizes[2]>,
// CHECK-SAME: #trine.piece<"c" at 64 strides[1] into[8] sizes[8]>] : tensor<16xf32>
func.func @main() -> tensor<16xf32> {
  %w = trine.assembled_weight "w" [#trine.piece<"a" at 0 strides[2, 1] into[0, 0] sizes[2, 2]>, #trine.piece<"b" at 0 strides[2, 1] into[0, 2] sizes[2, 2]>,
                                   #trine.piece<"c" at 64 strides[4, 1] into[2, 0] sizes[2, 4]>] : tensor<4x4xf32>
  %0 = tensor.collapse_shape %w [[0, 1]] : tensor<4x4xf32> into tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

// Dimensions of one element merge with any other.

// CHECK: plan.weight @w0 "w" pieces [#trine.piece<"m" at 0 strides[7] into[0] sizes[5]>] : tensor<5xf32>
func.func @main() -> tensor<5xf32> {
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[99, 7, 3] into[0, 0, 0] sizes[1, 5, 1]>] : tensor<1x5x1xf32>
  %0 = tensor.collapse_shape %w [[0, 1, 2]] : tensor<1x5x1xf32> into tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// Too many pieces, or none with a dimension: the view of the whole stays.

// CHECK: plan.weight @w0 "w" {{.*}} sizes[4097, 2]>] : tensor<4097x2xf32>
// CHECK: plan.weight @w1 "one" {{.*}} sizes[1]>] : tensor<1xf32>
// CHECK-DAG: tensor.collapse_shape %{{.*}} {{\[\[}}0, 1]] : tensor<4097x2xf32> into tensor<8194xf32>
// CHECK-DAG: tensor.collapse_shape %{{.*}} [] : tensor<1xf32> into tensor<f32>
func.func @main() -> (tensor<8194xf32>, tensor<f32>) {
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[3, 1] into[0, 0] sizes[4097, 2]>] : tensor<4097x2xf32>
  %0 = tensor.collapse_shape %w [[0, 1]] : tensor<4097x2xf32> into tensor<8194xf32>
  %v = trine.assembled_weight "one" [#trine.piece<"m" at 0 strides[1] into[0] sizes[1]>] : tensor<1xf32>
  %1 = tensor.collapse_shape %v [] : tensor<1xf32> into tensor<f32>
  return %0, %1 : tensor<8194xf32>, tensor<f32>
}

// -----

// Heads of a weight of pieces read the panels of the product with all of it.

// CHECK:     plan.weight @w0 "w" pieces [#trine.piece<"m" at 0 strides[1, 64] into[0, 0] sizes[64, 128]>] : tensor<64x128xf32> permutation [0, 1] outer [1, 0] inner [1] tiles [32] stored tensor<4x64x32xf32>
// CHECK-NOT: plan.weight
// CHECK:     tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2], [3]] {{.*}} : tensor<4x64x32xf32> into tensor<2x2x64x32xf32>
#query = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#heads = affine_map<(d0, d1, d2, d3) -> (d2, d0, d3)>
#result = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
func.func @main(%q: tensor<2x?x64xf32>, %i: tensor<2x?x64xf32>, %x: tensor<?x64xf32>, %j: tensor<?x128xf32>) -> (tensor<2x?x64xf32>, tensor<?x128xf32>) {
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides[1, 4096, 64] into[0, 0, 0] sizes[64, 2, 64]>] : tensor<64x2x64xf32>
  %0 = linalg.generic {indexing_maps = [#query, #heads, #result], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %w : tensor<2x?x64xf32>, tensor<64x2x64xf32>) outs(%i : tensor<2x?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x?x64xf32>
  %m = tensor.collapse_shape %w [[0], [1, 2]] : tensor<64x2x64xf32> into tensor<64x128xf32>
  %1 = linalg.matmul ins(%x, %m : tensor<?x64xf32>, tensor<64x128xf32>) outs(%j : tensor<?x128xf32>) -> tensor<?x128xf32>
  return %0, %1 : tensor<2x?x64xf32>, tensor<?x128xf32>
}
