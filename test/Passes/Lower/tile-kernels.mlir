// RUN: trine-opt %s --pass-pipeline='builtin.module(plan.kernel(trine-tile-kernels))' | FileCheck %s

// Rows of 64: a tile is 32 of them.
// CHECK-LABEL: plan.kernel @rows
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[OUT:.*]]: tensor<?x64xf32>)
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: scf.forall (%[[I:.*]]) = (0) to (%[[N]]) step (32) shared_outs(%[[O:.*]] = %[[OUT]])
// CHECK: %[[SIZE:.*]] = affine.min
// CHECK: tensor.extract_slice %[[X]][%[[I]], 0] [%[[SIZE]], 64]
// CHECK: linalg.generic
plan.kernel @rows(%x: tensor<?x64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {skeleton = "elementwise"} {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  plan.return %y : tensor<?x64xf32>
}

// A softmax is cut by rows alone, and keeps its exponentials in the result.
// CHECK-LABEL: plan.kernel @softmax
// CHECK: scf.forall (%{{.*}}) in (%{{.*}}) shared_outs(%[[O:.*]] = %{{.*}})
// CHECK: tensor.extract_slice
// CHECK: arith.maxnumf
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[O]]
// CHECK: %[[EXP:.*]] = linalg.generic {{.*}} outs(%[[ROW]]
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}} ins(%[[EXP]], %{{.*}} outs(%[[EXP]]
// CHECK-NOT: linalg.generic
plan.kernel @softmax(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "row"} {
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) -> tensor<?x?xf32>
  plan.return %y : tensor<?x?xf32>
}

// A product reads one panel of its packed weight per tile; the epilogue is computed on the tile, in place.
// CHECK-LABEL: plan.kernel @product
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[W:.*]]: tensor<4x64x32xf32>, %[[OUT:.*]]: tensor<?x128xf32>)
// CHECK-NOT: linalg.unpack
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) = (0, 0) to (%{{.*}}, 128) step (64, 32) shared_outs(%[[O:.*]] = %[[OUT]])
// CHECK: %[[PANEL:.*]] = affine.apply {{.*}}%[[J]]
// CHECK: tensor.extract_slice %[[W]][%[[PANEL]], 0, 0] [1, 64, 32]
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[O]]
// CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} outs(%[[TILE]]
// CHECK: %[[P:.*]] = linalg.generic {{.*}} outs(%[[ZERO]]
// CHECK: linalg.generic {{.*}} ins(%[[P]] {{.*}} outs(%[[P]]
// CHECK: arith.negf
plan.kernel @product(%x: tensor<?x64xf32>, %w: tensor<4x64x32xf32>, %out: tensor<?x128xf32>) -> tensor<?x128xf32> attributes {skeleton = "matmul"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf32>
  %we = tensor.empty() : tensor<64x128xf32>
  %wl = linalg.unpack %w outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [32] into %we : tensor<4x64x32xf32> -> tensor<64x128xf32>
  %e = tensor.empty(%m) : tensor<?x128xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x128xf32>) -> tensor<?x128xf32>
  %p = linalg.matmul ins(%x, %wl : tensor<?x64xf32>, tensor<64x128xf32>) outs(%f : tensor<?x128xf32>) -> tensor<?x128xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%p : tensor<?x128xf32>) outs(%out : tensor<?x128xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x128xf32>
  plan.return %y : tensor<?x128xf32>
}

// Columns are not cut where each tile would compute the row sums again.
// CHECK-LABEL: plan.kernel @row_scale
// CHECK: scf.forall (%{{.*}}) in (%{{.*}})
// CHECK: arith.addf
// CHECK: arith.divf
plan.kernel @row_scale(%x: tensor<?x9000xf32>, %out: tensor<?x9000xf32>) -> tensor<?x9000xf32> attributes {skeleton = "row"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x9000xf32>
  %e = tensor.empty(%m) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<?x9000xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x, %s : tensor<?x9000xf32>, tensor<?xf32>) outs(%out : tensor<?x9000xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x9000xf32>
  plan.return %y : tensor<?x9000xf32>
}

// A loop whose steps depend on each other is one workgroup.
// CHECK-LABEL: plan.kernel @scan
// CHECK-NOT: scf.forall
// CHECK: plan.return
plan.kernel @scan(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %y:2 = scf.for %i = %c0 to %n step %c1 iter_args(%o = %out, %s = %zero) -> (tensor<?xf32>, f32) {
    %v = tensor.extract %x[%i] : tensor<?xf32>
    %t = arith.addf %s, %v : f32
    %w = tensor.insert %t into %o[%i] : tensor<?xf32>
    scf.yield %w, %t : tensor<?xf32>, f32
  }
  plan.return %y#0 : tensor<?xf32>
}
