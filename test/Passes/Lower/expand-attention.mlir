// RUN: trine-opt %s --split-input-file --pass-pipeline='builtin.module(plan.kernel(trine-expand-kernels))' | FileCheck %s
// RUN: trine-opt %s --split-input-file --pass-pipeline='builtin.module(plan.kernel(trine-expand-kernels,trine-tile-kernels),trine-bufferize-kernels)' | FileCheck %s --check-prefix=MEMORY

// Ranges of keys, batch, groups of heads, blocks of 32 queries. The latent is read as keys and as values, where it lies.
// CHECK-LABEL: plan.kernel @latent
// CHECK-SAME: %[[Q0:.*]]: tensor<?x16x?x512xf32>, %[[Q1:.*]]: tensor<?x16x?x64xf32>, %[[C:.*]]: tensor<?x1x?x512xf32>, %[[R:.*]]: tensor<?x1x?x64xf32>, %[[OUT:.*]]: tensor<?x?x16x?x512xf32>, %[[LSE:.*]]: tensor<?x?x16x?xf32>
// CHECK-NOT: trine.attention
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}}, 1, %{{.*}}) shared_outs(
// Queries as columns, scaled.
// CHECK: scf.for {{.*}} -> (tensor<512x?xf32>)
// CHECK: scf.for {{.*}} -> (tensor<64x?xf32>)
// Tiles of 128 keys; sums, largest scores and totals are carried. Half of the
// next tile is asked for with the scores, the other half with the values.
// CHECK: scf.for {{.*}} step %c128{{.*}} -> (tensor<?x512xf32>, tensor<32xf32>, tensor<32xf32>)
// CHECK: %[[KEYS:.*]] = tensor.extract_slice %[[C]]{{.*}} to tensor<?x512xf32>
// CHECK: linalg.generic {{.*}} ins(%[[KEYS]], {{.*}} {trine.streams = array<i64: 0, 128, 64>, trine.whole_vectors}
// CHECK: %[[ROPE:.*]] = tensor.extract_slice %[[R]]{{.*}} to tensor<?x64xf32>
// CHECK: linalg.generic {{.*}} ins(%[[ROPE]], {{.*}} {trine.streams = array<i64: 0, 128, 128>, trine.whole_vectors}
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: %[[VALUES:.*]] = tensor.extract_slice %[[C]]{{.*}} to tensor<?x512xf32>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[VALUES]] {{.*}} {trine.streams = array<i64: 1, 192, 64>}
// CHECK: scf.forall.in_parallel
// All of it is in the destinations and on the stack.
// MEMORY-LABEL: func.func private @latent
// MEMORY-NOT: memref.alloc(
plan.kernel @latent(%q0: tensor<?x16x?x512xf32>, %q1: tensor<?x16x?x64xf32>, %c: tensor<?x1x?x512xf32>, %r: tensor<?x1x?x64xf32>, %out: tensor<?x?x16x?x512xf32>, %lout: tensor<?x?x16x?xf32>) -> (tensor<?x?x16x?x512xf32>, tensor<?x?x16x?xf32>) attributes {skeleton = "attention"} {
  %o, %l = trine.attention query(%q0, %q1 : tensor<?x16x?x512xf32>, tensor<?x16x?x64xf32>) key(%c, %r : tensor<?x1x?x512xf32>, tensor<?x1x?x64xf32>) value(%c : tensor<?x1x?x512xf32>)
    partial(%out : tensor<?x?x16x?x512xf32>) scale 0.1 mask causal masked_row zero -> tensor<?x?x16x?x512xf32>, tensor<?x?x16x?xf32>
  %0 = linalg.copy ins(%o : tensor<?x?x16x?x512xf32>) outs(%out : tensor<?x?x16x?x512xf32>) -> tensor<?x?x16x?x512xf32>
  %1 = linalg.copy ins(%l : tensor<?x?x16x?xf32>) outs(%lout : tensor<?x?x16x?xf32>) -> tensor<?x?x16x?xf32>
  plan.return %0, %1 : tensor<?x?x16x?x512xf32>, tensor<?x?x16x?xf32>
}

// -----

// Keys whose heads lie behind their rows are read there: nothing is put in order first.
// CHECK-LABEL: plan.kernel @rows_first
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x?x16xf32>, %[[K:.*]]: tensor<?x?x4x16xf32>
// CHECK: tensor.extract_slice %[[K]][%{{.*}}, %{{.*}}, %{{.*}}, 0] [1, %{{.*}}, 1, 16] [1, 1, 1, 1] : tensor<?x?x4x16xf32> to tensor<?x16xf32>
// MEMORY-LABEL: func.func private @rows_first
// MEMORY-NOT: memref.alloc(
plan.kernel @rows_first(%q: tensor<?x4x?x16xf32>, %k: tensor<?x?x4x16xf32>, %out: tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32> attributes {skeleton = "attention"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %k, %c0 : tensor<?x?x4x16xf32>
  %t = tensor.dim %k, %c1 : tensor<?x?x4x16xf32>
  %e = tensor.empty(%b, %t) : tensor<?x4x?x16xf32>
  %h = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%k : tensor<?x?x4x16xf32>) outs(%e : tensor<?x4x?x16xf32>) {
  ^bb0(%in: f32, %x: f32):
    linalg.yield %in : f32
  } -> tensor<?x4x?x16xf32>
  %o, %l = trine.attention query(%q : tensor<?x4x?x16xf32>) key(%h : tensor<?x4x?x16xf32>) value(%h : tensor<?x4x?x16xf32>) scale 0.1 mask none masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  %0 = linalg.copy ins(%o : tensor<?x4x?x16xf32>) outs(%out : tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  plan.return %0 : tensor<?x4x?x16xf32>
}
