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

// Many panels: tiles of more rows, so that a panel is read from memory less often.
// CHECK-LABEL: plan.kernel @many_panels
// CHECK: scf.forall ({{.*}}) = (0, 0) to (%{{.*}}, 640) step (256, 32)
plan.kernel @many_panels(%x: tensor<?x64xf32>, %w: tensor<20x64x32xf32>, %out: tensor<?x640xf32>) -> tensor<?x640xf32> attributes {skeleton = "matmul"} {
  %zero = arith.constant 0.0 : f32
  %we = tensor.empty() : tensor<64x640xf32>
  %wl = linalg.unpack %w outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [32] into %we : tensor<20x64x32xf32> -> tensor<64x640xf32>
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x640xf32>) -> tensor<?x640xf32>
  %p = linalg.matmul ins(%x, %wl : tensor<?x64xf32>, tensor<64x640xf32>) outs(%f : tensor<?x640xf32>) -> tensor<?x640xf32>
  plan.return %p : tensor<?x640xf32>
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

// Exponentials of a row do not fit in a result of fewer bits, and the row may be of any length: they are computed twice, without a temporary.
// CHECK-LABEL: plan.kernel @narrow_softmax
// CHECK: scf.forall
// CHECK: arith.maxnumf
// CHECK: math.exp
// CHECK-NEXT: arith.addf
// CHECK-NOT: tensor.empty(
// CHECK: math.exp
// CHECK-NEXT: arith.divf
// CHECK-NEXT: arith.truncf
plan.kernel @narrow_softmax(%x: tensor<?x?xbf16>, %out: tensor<?x?xbf16>) -> tensor<?x?xbf16> attributes {skeleton = "row"} {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c0 : tensor<?x?xbf16>
  %n = tensor.dim %x, %c1 : tensor<?x?xbf16>
  %rows = tensor.empty(%m) : tensor<?xf32>
  %lows = linalg.fill ins(%low : f32) outs(%rows : tensor<?xf32>) -> tensor<?xf32>
  %max = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<?x?xbf16>) outs(%lows : tensor<?xf32>) {
  ^bb0(%a: bf16, %b: f32):
    %w = arith.extf %a : bf16 to f32
    %r = arith.maxnumf %w, %b : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  %exp = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x, %max : tensor<?x?xbf16>, tensor<?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: bf16, %b: f32, %o: f32):
    %w = arith.extf %a : bf16 to f32
    %d = arith.subf %w, %b : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%rows : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
    ins(%exp : tensor<?x?xf32>) outs(%zeros : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %b, %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%exp, %sum : tensor<?x?xf32>, tensor<?xf32>) outs(%out : tensor<?x?xbf16>) {
  ^bb0(%a: f32, %b: f32, %o: bf16):
    %d = arith.divf %a, %b : f32
    %r = arith.truncf %d : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x?xbf16>
  plan.return %y : tensor<?x?xbf16>
}

// What is made from positions alone has no tensor to tell a sum its length: it is made piece by piece.
// CHECK-LABEL: plan.kernel @count
// CHECK-SAME: (%[[LENGTH:.*]]: index, %[[K:.*]]: index
// CHECK: scf.forall
// CHECK: %[[SUM:.*]] = scf.for %[[I:.*]] = %{{.*}} to %[[LENGTH]] step %c2048 iter_args(%[[ACC:.*]] =
// CHECK: %[[PIECE:.*]] = affine.min {{.*}}(%[[I]])[%[[LENGTH]]]
// CHECK: %[[E:.*]] = tensor.empty(%[[PIECE]]) : tensor<1x?xf32>
// CHECK: %[[P:.*]] = linalg.generic {{.*}} outs(%[[E]]
// CHECK: linalg.generic {{.*}} ins(%[[P]] {{.*}} outs(%[[ACC]]
// CHECK: arith.addf
plan.kernel @count(%length: index, %k: index, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "row"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %out, %c0 : tensor<?xf32>
  %e = tensor.empty(%m, %length) : tensor<?x?xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x?xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %last = arith.addi %i, %k : index
    %inside = arith.cmpi sle, %j, %last : index
    %r = arith.uitofp %inside : i1 to f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
    ins(%t : tensor<?x?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %b, %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  plan.return %y : tensor<?xf32>
}

// A loop that starts from an input fills the destination with it and works there.
// CHECK-LABEL: plan.kernel @scatter
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32>, %[[I:.*]]: tensor<?xi64>, %[[OUT:.*]]: tensor<?xf32>)
// CHECK: %[[START:.*]] = bufferization.materialize_in_destination %[[X]] in %[[OUT]]
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[START]])
plan.kernel @scatter(%x: tensor<?xf32>, %indices: tensor<?xi64>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %indices, %c0 : tensor<?xi64>
  %start = linalg.copy ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%o = %start) -> tensor<?xf32> {
    %v = tensor.extract %indices[%i] : tensor<?xi64>
    %at = arith.index_cast %v : i64 to index
    %w = tensor.insert %one into %o[%at] : tensor<?xf32>
    scf.yield %w : tensor<?xf32>
  }
  plan.return %y : tensor<?xf32>
}

// A concatenation is cut into tiles of the result, 16,384 elements each; each copies what the two arguments have in it.
// CHECK-LABEL: plan.kernel @concatenation
// CHECK-SAME: (%[[A:.*]]: tensor<?x?x512xf32>, %[[B:.*]]: tensor<?x?x512xf32>, %[[OUT:.*]]: tensor<?x1x?x512xf32>)
// CHECK: %[[FIRST:.*]] = tensor.dim %[[A]]
// CHECK: scf.forall (%[[I:.*]], %[[K:.*]]) = (0, 0) to (%{{.*}}, %{{.*}}) step (1, 32) shared_outs(%[[O:.*]] = %[[OUT]])
// CHECK: %[[SIZE:.*]] = affine.min {{.*}}, %[[K]]]
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[O]][%[[I]], {{.*}}, %[[K]], {{.*}}] [1, 1, %[[SIZE]], 512]
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[A]]
// CHECK: %[[ONE:.*]] = tensor.insert_slice %[[PART]] into %[[TILE]]
// CHECK: %[[PART2:.*]] = tensor.extract_slice %[[B]]
// CHECK: %[[TWO:.*]] = tensor.insert_slice %[[PART2]] into %[[ONE]]
// CHECK: tensor.parallel_insert_slice %[[TWO]] into %[[O]][%[[I]], {{.*}}, %[[K]], {{.*}}] [1, 1, %[[SIZE]], 512]
plan.kernel @concatenation(%a: tensor<?x?x512xf32>, %b: tensor<?x?x512xf32>, %out: tensor<?x1x?x512xf32>) -> tensor<?x1x?x512xf32> attributes {skeleton = "concat"} {
  %c1 = arith.constant 1 : index
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %out, %c0 : tensor<?x1x?x512xf32>
  %first = tensor.dim %a, %c1 : tensor<?x?x512xf32>
  %second = tensor.dim %b, %c1 : tensor<?x?x512xf32>
  %one = tensor.insert_slice %a into %out[0, 0, 0, 0] [%batch, 1, %first, 512] [1, 1, 1, 1] : tensor<?x?x512xf32> into tensor<?x1x?x512xf32>
  %two = tensor.insert_slice %b into %one[0, 0, %first, 0] [%batch, 1, %second, 512] [1, 1, 1, 1] : tensor<?x?x512xf32> into tensor<?x1x?x512xf32>
  plan.return %two : tensor<?x1x?x512xf32>
}

// Few elements are one workgroup.
// CHECK-LABEL: plan.kernel @small_concatenation
// CHECK-NOT: scf.forall
// CHECK: plan.return
plan.kernel @small_concatenation(%a: tensor<4x64xf32>, %b: tensor<4x32xf32>, %out: tensor<4x96xf32>) -> tensor<4x96xf32> attributes {skeleton = "concat"} {
  %one = tensor.insert_slice %a into %out[0, 0] [4, 64] [1, 1] : tensor<4x64xf32> into tensor<4x96xf32>
  %two = tensor.insert_slice %b into %one[0, 64] [4, 32] [1, 1] : tensor<4x32xf32> into tensor<4x96xf32>
  plan.return %two : tensor<4x96xf32>
}

// Rows of two loops, the sequences and their tokens: a tile takes 8 of the one and 16 of the other, of one head.
// CHECK-LABEL: plan.kernel @by_heads
// CHECK: scf.forall ({{.*}}) = (0, 0, 0, 0) to (%{{.*}}, 16, %{{.*}}, 512) step (8, 1, 16, 128)
plan.kernel @by_heads(%q: tensor<?x16x?x128xf32>, %w: tensor<16x128x512xf32>, %out: tensor<?x16x?x512xf32>) -> tensor<?x16x?x512xf32> attributes {skeleton = "batch_matmul"} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x16x?x512xf32>) -> tensor<?x16x?x512xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, h, s, n, k) -> (b, h, s, k)>, affine_map<(b, h, s, n, k) -> (h, k, n)>, affine_map<(b, h, s, n, k) -> (b, h, s, n)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%q, %w : tensor<?x16x?x128xf32>, tensor<16x128x512xf32>) outs(%f : tensor<?x16x?x512xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  } -> tensor<?x16x?x512xf32>
  plan.return %y : tensor<?x16x?x512xf32>
}

// Fewer columns than a panel has: the only panel is read where it is stored, as tiles of larger matrices are, and the matrix is never unpacked.
// CHECK-LABEL: plan.kernel @few_columns
// CHECK-SAME: %[[W:[a-z0-9]*]]: tensor<1x1280x32x2xbf16>
// CHECK: scf.forall
// CHECK: %[[PANEL:.*]] = tensor.extract_slice %[[W]][0, 0, 0, 0] [1, 1280, 8, 2] [1, 1, 1, 1] : tensor<1x1280x32x2xbf16> to tensor<1280x8x2xbf16>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[PANEL]] :
// CHECK-NOT: tensor<2560x8xbf16>
// CHECK: plan.return
plan.kernel @few_columns(%x: tensor<?x2560xbf16>, %w: tensor<1x1280x32x2xbf16>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {skeleton = "matmul"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %out, %c0 : tensor<?x8xf32>
  %empty = tensor.empty() : tensor<2560x8xbf16>
  %matrix = linalg.unpack %w outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [32, 2] into %empty : tensor<1x1280x32x2xbf16> -> tensor<2560x8xbf16>
  %sums = tensor.empty(%n) : tensor<?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%sums : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%x, %matrix : tensor<?x2560xbf16>, tensor<2560x8xbf16>) outs(%zeros : tensor<?x8xf32>) -> tensor<?x8xf32>
  %rounded = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%product : tensor<?x8xf32>) outs(%out : tensor<?x8xf32>) {
  ^bb0(%in: f32, %o: f32):
    %b = arith.truncf %in : f32 to bf16
    %f = arith.extf %b : bf16 to f32
    linalg.yield %f : f32
  } -> tensor<?x8xf32>
  plan.return %rounded : tensor<?x8xf32>
}
