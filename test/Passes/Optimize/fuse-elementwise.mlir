// RUN: trine-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(trine-fuse-elementwise,canonicalize,cse))" | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d0, 0)>
#one = affine_map<(d0) -> (d0)>

// A chain with named ops is one op; roundings stay.

// CHECK-LABEL: func.func @chain
// CHECK-COUNT-1: linalg.generic
// CHECK: arith.mulf
// CHECK-NEXT: arith.truncf
// CHECK-NEXT: arith.extf
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
func.func @chain(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %z: tensor<?x8xf32>, %e: tensor<?x8xf32>, %h: tensor<?x8xbf16>) -> tensor<?x8xf32> {
  %a = linalg.mul ins(%x, %y : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<?x8xf32>) outs(%h : tensor<?x8xbf16>) {
  ^bb0(%p: f32, %o: bf16):
    %t = arith.truncf %p : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<?x8xbf16>
  %c = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%b, %z : tensor<?x8xbf16>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%p: bf16, %q: f32, %o: f32):
    %t = arith.extf %p : bf16 to f32
    %s = arith.addf %t, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %c : tensor<?x8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#one = affine_map<(d0) -> (d0)>

// A square root per row does not move into the loop over the columns; an addition per row does.

// CHECK-LABEL: func.func @per_row
// CHECK: linalg.generic
// CHECK: math.sqrt
// CHECK: linalg.generic
// CHECK-NOT: math.sqrt
// CHECK: arith.negf
// CHECK: arith.mulf
// CHECK-NOT: linalg.generic
func.func @per_row(%x: tensor<?x8xf32>, %v: tensor<?xf32>, %e: tensor<?x8xf32>, %f: tensor<?xf32>) -> tensor<?x8xf32> {
  %r = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%v : tensor<?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %t = math.sqrt %p : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %n = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%r : tensor<?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %t = arith.negf %p : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %m = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%v : tensor<?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %t = arith.negf %p : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %n, %m : tensor<?x8xf32>, tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %u: f32, %o: f32):
    %t = arith.mulf %p, %q : f32
    %s = arith.addf %t, %u : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// An exponential with two users is computed once; a cast with two users goes into both.

// CHECK-LABEL: func.func @users
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
// CHECK-COUNT-2: arith.extf
func.func @users(%x: tensor<?x8xf32>, %y: tensor<?x8xbf16>, %e: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %a = linalg.exp ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y : tensor<?x8xbf16>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%p: bf16, %o: f32):
    %t = arith.extf %p : bf16 to f32
    linalg.yield %t : f32
  } -> tensor<?x8xf32>
  %c = linalg.mul ins(%a, %b : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %d = linalg.add ins(%a, %b : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %c, %d : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#keep = affine_map<(d0, d1) -> (d0, 0)>
#unit = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#sum = affine_map<(d0, d1, d2) -> (d0, d1)>

// A square is fused into its sum; the kept dim of size 1 vanishes, so that sum and use agree on rows.

// CHECK-LABEL: func.func @keep_dims
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK-NOT: shape
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[SUM]] : tensor<?x8xf32>, tensor<?xf32>)
func.func @keep_dims(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>, %n: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %sq = linalg.square ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %r = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.reduce ins(%sq : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
    (%p: f32, %o: f32) {
      %t = arith.addf %p, %o : f32
      linalg.yield %t : f32
    }
  %k = tensor.expand_shape %s [[0, 1]] output_shape [%n, 1] : tensor<?xf32> into tensor<?x1xf32>
  %y = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %k : tensor<?x8xf32>, tensor<?x1xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.divf %p, %q : f32
    linalg.yield %t : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Matrix products take no producers.

// CHECK-LABEL: func.func @product
// CHECK: linalg.generic
// CHECK: linalg.matmul
func.func @product(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = linalg.exp ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = linalg.matmul ins(%a, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %c : tensor<?x8xf32>
}

// -----

#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#bias = affine_map<(d0, d1, d2) -> (d2)>

// What follows a product runs over the product's own rows; the reshapes move to its other inputs and its end.

// CHECK-LABEL: func.func @epilogue
// CHECK: %[[M:.*]] = linalg.matmul
// CHECK: %[[X:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]]
// CHECK: arith.muli
// CHECK-NOT: affine.apply
// CHECK: %[[E:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[M]], %{{.*}}, %[[X]]
// CHECK: tensor.expand_shape %[[E]]
func.func @epilogue(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>, %i: tensor<?x8xf32>, %skip: tensor<?x?x8xf32>, %batch: index, %seq: index) -> tensor<?x?x8xf32> {
  %m = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%i : tensor<?x8xf32>) -> tensor<?x8xf32>
  %r = tensor.expand_shape %m [[0, 1], [2]] output_shape [%batch, %seq, 8] : tensor<?x8xf32> into tensor<?x?x8xf32>
  %e = tensor.empty(%batch, %seq) : tensor<?x?x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #bias, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%r, %b, %skip : tensor<?x?x8xf32>, tensor<8xf32>, tensor<?x?x8xf32>) outs(%e : tensor<?x?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32, %o: f32):
    %t = arith.addf %p, %q : f32
    %u = arith.addf %t, %s : f32
    linalg.yield %u : f32
  } -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// A tensor of one element that is made from a scalar is that scalar.

// CHECK-LABEL: func.func @scalar
// CHECK-SAME: (%{{.*}}: tensor<?xf32>, %[[S:.*]]: f32, %{{.*}}: tensor<?xf32>)
// CHECK-NOT: from_elements
// CHECK: arith.mulf %{{.*}}, %[[S]]
func.func @scalar(%x: tensor<?xf32>, %s: f32, %e: tensor<?xf32>) -> tensor<?xf32> {
  %t = tensor.from_elements %s : tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x, %t : tensor<?xf32>, tensor<f32>) outs(%e : tensor<?xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %m = arith.mulf %p, %q : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// An element of a slice is read from the whole.

// CHECK-LABEL: func.func @element
// CHECK-SAME: (%[[X:.*]]: tensor<12x8xi64>, %[[I:.*]]: index)
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK: %[[M:.*]] = arith.muli %[[I]], %[[C2]]
// CHECK: %[[A:.*]] = arith.addi %[[M]], %[[C1]]
// CHECK-DAG: tensor.extract %[[X]][%[[C4]], %[[A]]]
// CHECK-DAG: tensor.extract %[[X]][%[[C4]], %[[C1]]]
func.func @element(%x: tensor<12x8xi64>, %i: index) -> (i64, i64) {
  %c0 = arith.constant 0 : index
  %s = tensor.extract_slice %x[4, 1] [1, 3] [1, 2] : tensor<12x8xi64> to tensor<3xi64>
  %a = tensor.extract %s[%i] : tensor<3xi64>
  %t = tensor.extract_slice %x[4, 1] [1, 1] [1, 1] : tensor<12x8xi64> to tensor<1xi64>
  %u = tensor.collapse_shape %t [] : tensor<1xi64> into tensor<i64>
  %b = tensor.extract %u[] : tensor<i64>
  return %a, %b : i64, i64
}

// -----

// Dims of size 1 that come and go leave nothing; dims that are split and merged elsewhere stay.

// CHECK-LABEL: func.func @units
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x4xf32>, %[[Y:.*]]: tensor<?x?xf32>
// CHECK: %[[E:.*]] = tensor.expand_shape %[[Y]]
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[E]]
// CHECK: return %[[X]], %[[C]]
func.func @units(%x: tensor<?x?x4xf32>, %y: tensor<?x?xf32>, %n: index, %m: index, %k: index) -> (tensor<?x?x4xf32>, tensor<?x?xf32>) {
  %a = tensor.expand_shape %x [[0, 1], [2], [3, 4]] output_shape [%n, 1, %m, 4, 1] : tensor<?x?x4xf32> into tensor<?x1x?x4x1xf32>
  %b = tensor.collapse_shape %a [[0], [1, 2], [3, 4]] : tensor<?x1x?x4x1xf32> into tensor<?x?x4xf32>
  %f = tensor.expand_shape %y [[0, 1], [2]] output_shape [%n, %m, %k] : tensor<?x?xf32> into tensor<?x?x?xf32>
  %g = tensor.collapse_shape %f [[0], [1, 2]] : tensor<?x?x?xf32> into tensor<?x?xf32>
  return %b, %g : tensor<?x?x4xf32>, tensor<?x?xf32>
}

// -----

// What is read twice is computed once, so a chain of doublings keeps one operation each.

// CHECK-LABEL: func.func @doublings
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32>
// CHECK: linalg.generic
// CHECK-SAME: ins(%[[X]] : tensor<?xf32>)
// CHECK-COUNT-3: arith.addf
// CHECK-NOT: arith.addf
// CHECK: return
#map = affine_map<(d0) -> (d0)>
func.func @doublings(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %e = tensor.empty(%n) : tensor<?xf32>
  %a = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%x, %x : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %s = arith.addf %l, %r : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %b = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%a, %a : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %s = arith.addf %l, %r : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %c = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%b, %b : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %s = arith.addf %l, %r : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %c : tensor<?xf32>
}
