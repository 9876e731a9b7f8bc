// RUN: trine-opt %s --split-input-file --trine-bufferize-kernels --verify-diagnostics | FileCheck %s

// The loop works in the destination: no memory of its own.
// CHECK-LABEL: func.func private @scan
// CHECK-SAME: (%[[X:.*]]: memref<?xf32>, %[[OUT:.*]]: memref<?xf32>) attributes {plan.skeleton = "loop"}
// CHECK-NOT: alloc
// CHECK: memref.load %[[X]]
// CHECK: memref.store %{{.*}}, %[[OUT]]
// CHECK-NOT: memref.copy
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

// A kernel that gives its input copies it.
// CHECK-LABEL: func.func private @same
// CHECK-SAME: (%[[X:.*]]: memref<?xf32>, %[[OUT:.*]]: memref<?xf32>)
// CHECK: memref.copy %[[X]], %[[OUT]]
plan.kernel @same(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<?xf32>
}

// -----

// A temporary of a known bound is on the stack, whatever its size is then.
// CHECK-LABEL: func.func private @reverse_twice
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<8xf32>
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<400xi8>
// CHECK: memref.view %{{.*}} : memref<400xi8> to memref<?xf32>
// CHECK-NOT: memref.alloc(
#reverse = affine_map<(d0) -> (-d0 + 7)>
plan.kernel @reverse_twice(%x: tensor<?xf32>, %small: tensor<8xf32>, %out: tensor<?xf32>, %out2: tensor<8xf32>) -> (tensor<?xf32>, tensor<8xf32>) attributes {skeleton = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %all = tensor.dim %x, %c0 : tensor<?xf32>
  %n = affine.min affine_map<(d0) -> (d0, 100)>(%all)
  %e = tensor.empty(%n) : tensor<?xf32>
  %xs = tensor.extract_slice %x[0] [%n] [1] : tensor<?xf32> to tensor<?xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%xs : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %last = arith.subi %n, %c1 : index
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%out : tensor<?xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %j = arith.subi %last, %i : index
    %v = tensor.extract %t[%j] : tensor<?xf32>
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %e2 = tensor.empty() : tensor<8xf32>
  %t2 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%small : tensor<8xf32>) outs(%e2 : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %y2 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%out2 : tensor<8xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %j = affine.apply #reverse(%i)
    %v = tensor.extract %t2[%j] : tensor<8xf32>
    linalg.yield %v : f32
  } -> tensor<8xf32>
  plan.return %y, %y2 : tensor<?xf32>, tensor<8xf32>
}

// -----

// A kernel never allocates.
// expected-error @+1 {{kernel needs a temporary of type 'memref<?xf32>' that is not known to fit in 65536 bytes}}
plan.kernel @reverse(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %last = arith.subi %n, %c1 : index
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%out : tensor<?xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %j = arith.subi %last, %i : index
    %v = tensor.extract %t[%j] : tensor<?xf32>
    linalg.yield %v : f32
  } -> tensor<?xf32>
  plan.return %y : tensor<?xf32>
}

// -----

// expected-error @+1 {{kernel needs temporaries of more than 524288 bytes}}
plan.kernel @many(%x: tensor<16384xf32>, %out: tensor<16384xf32>) -> tensor<16384xf32> attributes {skeleton = "elementwise"} {
  %e0 = tensor.empty() : tensor<16384xf32>
  %t0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e0 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %x[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e1 = tensor.empty() : tensor<16384xf32>
  %t1 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e1 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t0[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e2 = tensor.empty() : tensor<16384xf32>
  %t2 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e2 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t1[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e3 = tensor.empty() : tensor<16384xf32>
  %t3 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e3 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t2[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e4 = tensor.empty() : tensor<16384xf32>
  %t4 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e4 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t3[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e5 = tensor.empty() : tensor<16384xf32>
  %t5 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e5 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t4[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e6 = tensor.empty() : tensor<16384xf32>
  %t6 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e6 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t5[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e7 = tensor.empty() : tensor<16384xf32>
  %t7 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e7 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t6[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %e8 = tensor.empty() : tensor<16384xf32>
  %t8 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e8 : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t7[%i] : tensor<16384xf32>
    linalg.yield %v : f32
  } -> tensor<16384xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%out : tensor<16384xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %v0 = tensor.extract %t0[%i] : tensor<16384xf32>
    %l1 = tensor.extract %t1[%i] : tensor<16384xf32>
    %v1 = arith.addf %v0, %l1 : f32
    %l2 = tensor.extract %t2[%i] : tensor<16384xf32>
    %v2 = arith.addf %v1, %l2 : f32
    %l3 = tensor.extract %t3[%i] : tensor<16384xf32>
    %v3 = arith.addf %v2, %l3 : f32
    %l4 = tensor.extract %t4[%i] : tensor<16384xf32>
    %v4 = arith.addf %v3, %l4 : f32
    %l5 = tensor.extract %t5[%i] : tensor<16384xf32>
    %v5 = arith.addf %v4, %l5 : f32
    %l6 = tensor.extract %t6[%i] : tensor<16384xf32>
    %v6 = arith.addf %v5, %l6 : f32
    %l7 = tensor.extract %t7[%i] : tensor<16384xf32>
    %v7 = arith.addf %v6, %l7 : f32
    %l8 = tensor.extract %t8[%i] : tensor<16384xf32>
    %v8 = arith.addf %v7, %l8 : f32
    linalg.yield %v8 : f32
  } -> tensor<16384xf32>
  plan.return %y : tensor<16384xf32>
}

// -----

// What an iteration makes elsewhere is copied to its place at the end.
// CHECK-LABEL: func.func private @carried
// CHECK-SAME: (%{{.*}}, %[[OUT:.*]]: memref<16xf32>)
// CHECK: %[[T:.*]] = memref.alloca
// CHECK: scf.for
// CHECK: memref.load %[[OUT]]
// CHECK: memref.copy %[[T]], %[[OUT]]
plan.kernel @carried(%x: tensor<?xf32>, %out: tensor<16xf32>) -> tensor<16xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c15 = arith.constant 15 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%o = %out) -> tensor<16xf32> {
    %e = tensor.empty() : tensor<16xf32>
    %t = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e : tensor<16xf32>) {
    ^bb0(%b: f32):
      %k = linalg.index 0 : index
      %j = arith.subi %c15, %k : index
      %v = tensor.extract %o[%j] : tensor<16xf32>
      linalg.yield %v : f32
    } -> tensor<16xf32>
    scf.yield %t : tensor<16xf32>
  }
  plan.return %y : tensor<16xf32>
}

// -----

// expected-error @+1 {{kernel needs a temporary of type 'memref<16xf32>' that outlives an iteration of a loop}}
plan.kernel @handed_on(%x: tensor<16xf32>, %out: tensor<16xf32>) -> tensor<16xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c15 = arith.constant 15 : index
  %zero = arith.constant 0.0 : f32
  %y = scf.while (%o = %out) : (tensor<16xf32>) -> tensor<16xf32> {
    %e = tensor.empty() : tensor<16xf32>
    %t = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e : tensor<16xf32>) {
    ^bb0(%b: f32):
      %k = linalg.index 0 : index
      %j = arith.subi %c15, %k : index
      %v = tensor.extract %o[%j] : tensor<16xf32>
      linalg.yield %v : f32
    } -> tensor<16xf32>
    %first = tensor.extract %t[%c0] : tensor<16xf32>
    %more = arith.cmpf ogt, %first, %zero : f32
    scf.condition(%more) %t : tensor<16xf32>
  } do {
  ^bb0(%t: tensor<16xf32>):
    scf.yield %t : tensor<16xf32>
  }
  plan.return %y : tensor<16xf32>
}
