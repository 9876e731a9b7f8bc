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

// A small temporary is on the stack, one without a bound is freed at its end and counted.
// CHECK-LABEL: func.func private @reverse_twice
// CHECK-SAME: plan.heap_temporaries = 1
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<8xf32>
// CHECK: memref.alloc(%{{.*}}) {{.*}} : memref<?xf32>
// CHECK: memref.dealloc
#reverse = affine_map<(d0) -> (-d0 + 7)>
plan.kernel @reverse_twice(%x: tensor<?xf32>, %small: tensor<8xf32>, %out: tensor<?xf32>, %out2: tensor<8xf32>) -> (tensor<?xf32>, tensor<8xf32>) attributes {skeleton = "elementwise"} {
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

// expected-error @+1 {{kernel needs a temporary of type 'memref<?xf32>' that outlives an iteration of a loop}}
plan.kernel @carried(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%o = %out) -> tensor<?xf32> {
    %e = tensor.empty(%n) : tensor<?xf32>
    %t = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%e : tensor<?xf32>) {
    ^bb0(%b: f32):
      %k = linalg.index 0 : index
      %j = arith.subi %i, %k : index
      %v = tensor.extract %o[%j] : tensor<?xf32>
      linalg.yield %v : f32
    } -> tensor<?xf32>
    scf.yield %t : tensor<?xf32>
  }
  plan.return %y : tensor<?xf32>
}
