// RUN: trine-opt %s --split-input-file --trine-plan-scratch --verify-diagnostics | FileCheck %s

// The second buffer of a loop nest is a destination, of the size that the kernel would give it.

// CHECK-LABEL: plan.kernel @swap
// CHECK-SAME: (%[[X:.*]]: tensor<?xi64>, %[[K:.*]]: index, %[[OUT:.*]]: tensor<?xi64>, %[[SCRATCH:.*]]: tensor<?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
// CHECK: %[[START:.*]] = linalg.copy
// CHECK-NOT: tensor.empty
// CHECK: %[[R:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %[[START]], %{{.*}} = %[[SCRATCH]])
// CHECK: plan.return %[[R]]#0, %[[R]]#1
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[A:.*]]: tensor<?x4xi64>
// CHECK: %[[N:.*]] = tensor.dim %[[A]]
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[A]]
// CHECK: %[[N4:.*]] = arith.muli %[[N]], %c4
// CHECK: %[[SIZE:.*]] = arith.addi %[[N4]], %[[N]]
// CHECK: %[[E:.*]] = tensor.empty(%[[SIZE]]) : tensor<?xi64>
// CHECK: %[[L:.*]]:2 = plan.launch @swap {{.*}} outs(%{{.*}}, %[[E]] : tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>, tensor<?xi64>
// CHECK: return %[[L]]#0
plan.device @device0
plan.kernel @swap(%x: tensor<?xi64>, %k: index, %out: tensor<?xi64>) -> tensor<?xi64> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1 : i64
  %n = tensor.dim %x, %c0 : tensor<?xi64>
  %m = arith.addi %n, %k : index
  %start = linalg.copy ins(%x : tensor<?xi64>) outs(%out : tensor<?xi64>) -> tensor<?xi64>
  %e = tensor.empty(%m) : tensor<?xi64>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %start, %b = %e) -> (tensor<?xi64>, tensor<?xi64>) {
    %v = tensor.extract %a[%i] : tensor<?xi64>
    %b1 = tensor.insert %v into %b[%i] : tensor<?xi64>
    %w = tensor.extract %b1[%c0] : tensor<?xi64>
    %s = arith.addi %w, %one : i64
    %a1 = tensor.insert %s into %a[%i] : tensor<?xi64>
    scf.yield %a1, %b1 : tensor<?xi64>, tensor<?xi64>
  }
  plan.return %r#0 : tensor<?xi64>
}
func.func @main(%x: tensor<?x4xi64> {onnx.dims = ["n", 4]}) -> tensor<?xi64> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xi64>
  %flat = tensor.collapse_shape %x [[0, 1]] : tensor<?x4xi64> into tensor<?xi64>
  %c4 = arith.constant 4 : index
  %n4 = arith.muli %n, %c4 : index
  %e = tensor.empty(%n4) : tensor<?xi64>
  %y = plan.launch @swap on @device0 queue 0 ins(%flat, %n : tensor<?xi64>, index) outs(%e : tensor<?xi64>) -> tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

// Workgroups have a temporary each. Equal temporaries of one workgroup, which are one value, become two.

// CHECK-LABEL: plan.kernel @rows
// CHECK-SAME: (%[[X:.*]]: tensor<?x?xf32>, %[[OUT:.*]]: tensor<?xf32>, %[[S0:.*]]: tensor<?x?xf32>, %[[S1:.*]]: tensor<?x?xf32>)
// CHECK: %[[R:.*]]:3 = scf.forall (%[[I:.*]]) in (%[[ROWS:.*]]) shared_outs(%[[O:.*]] = %[[OUT]], %[[T0:.*]] = %[[S0]], %[[T1:.*]] = %[[S1]])
// CHECK-DAG: %[[ROW0:.*]] = tensor.extract_slice %[[T0]][%[[I]], 0] [1, %[[LENGTH:.*]]] [1, 1] : tensor<?x?xf32> to tensor<?xf32>
// CHECK-DAG: %[[ROW1:.*]] = tensor.extract_slice %[[T1]][%[[I]], 0] [1, %[[LENGTH]]] [1, 1] : tensor<?x?xf32> to tensor<?xf32>
// CHECK: %[[F:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %[[ROW0]], %{{.*}} = %[[ROW1]])
// CHECK: tensor.parallel_insert_slice %{{.*}} into %[[O]]
// CHECK-DAG: tensor.parallel_insert_slice %[[F]]#0 into %[[T0]][%[[I]], 0] [1, %[[LENGTH]]]
// CHECK-DAG: tensor.parallel_insert_slice %[[F]]#1 into %[[T1]][%[[I]], 0] [1, %[[LENGTH]]]
// CHECK: plan.return %[[R]]#0, %[[R]]#1, %[[R]]#2
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = tensor.dim
// CHECK: %[[B:.*]] = tensor.dim
// CHECK: tensor.empty(%[[A]], %[[B]]) : tensor<?x?xf32>
// CHECK: tensor.empty(%[[A]], %[[B]]) : tensor<?x?xf32>
// CHECK: plan.launch @rows
plan.device @device0
plan.kernel @rows(%x: tensor<?x?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = tensor.dim %x, %c0 : tensor<?x?xf32>
  %length = tensor.dim %x, %c1 : tensor<?x?xf32>
  %r = scf.forall (%i) in (%rows) shared_outs(%o = %out) -> tensor<?xf32> {
    %e = tensor.empty(%length) : tensor<?xf32>
    %f:2 = scf.for %j = %c0 to %length step %c1 iter_args(%a = %e, %b = %e) -> (tensor<?xf32>, tensor<?xf32>) {
      %v = tensor.extract %x[%i, %j] : tensor<?x?xf32>
      %a1 = tensor.insert %v into %a[%j] : tensor<?xf32>
      %w = tensor.extract %a1[%c0] : tensor<?xf32>
      %b1 = tensor.insert %w into %b[%j] : tensor<?xf32>
      scf.yield %a1, %b1 : tensor<?xf32>, tensor<?xf32>
    }
    %last = tensor.extract %f#1[%c0] : tensor<?xf32>
    %s = tensor.from_elements %last : tensor<1xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %s into %o[%i] [1] [1] : tensor<1xf32> into tensor<?xf32>
    }
  }
  plan.return %r : tensor<?xf32>
}
func.func @main(%x: tensor<?x?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = plan.launch @rows on @device0 queue 0 ins(%x : tensor<?x?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// Small static temporaries stay, and so does one whose size is only known inside.

// CHECK-LABEL: plan.kernel @local
// CHECK-SAME: (%{{.*}}: tensor<?xi64>, %{{.*}}: tensor<8xi64>) -> tensor<8xi64>
// CHECK-COUNT-2: tensor.empty
plan.device @device0
plan.kernel @local(%x: tensor<?xi64>, %out: tensor<8xi64>) -> tensor<8xi64> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %first = tensor.extract %x[%c0] : tensor<?xi64>
  %n = arith.index_cast %first : i64 to index
  %small = tensor.empty() : tensor<8xi64>
  %unknown = tensor.empty(%n) : tensor<?xi64>
  %r:3 = scf.for %i = %c0 to %c8 step %c1 iter_args(%a = %out, %b = %small, %c = %unknown) -> (tensor<8xi64>, tensor<8xi64>, tensor<?xi64>) {
    %v = tensor.extract %x[%i] : tensor<?xi64>
    %b1 = tensor.insert %v into %b[%i] : tensor<8xi64>
    %d = tensor.insert %v into %c[%c0] : tensor<?xi64>
    %w = tensor.extract %b1[%c0] : tensor<8xi64>
    %a1 = tensor.insert %w into %a[%i] : tensor<8xi64>
    scf.yield %a1, %b1, %d : tensor<8xi64>, tensor<8xi64>, tensor<?xi64>
  }
  plan.return %r#0 : tensor<8xi64>
}

// Kernels without loops are tiled later.

// CHECK-LABEL: plan.kernel @whole
// CHECK-SAME: (%{{.*}}: tensor<?xf32>, %{{.*}}: tensor<?xf32>) -> tensor<?xf32>
// CHECK: tensor.empty
plan.kernel @whole(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %t = linalg.exp ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.exp ins(%t : tensor<?xf32>) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  plan.return %y : tensor<?xf32>
}
func.func @main(%x: tensor<?xi64>, %y: tensor<?xf32>) -> (tensor<8xi64>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %e = tensor.empty() : tensor<8xi64>
  %a = plan.launch @local on @device0 queue 0 ins(%x : tensor<?xi64>) outs(%e : tensor<8xi64>) -> tensor<8xi64>
  %n = tensor.dim %y, %c0 : tensor<?xf32>
  %f = tensor.empty(%n) : tensor<?xf32>
  %b = plan.launch @whole on @device0 queue 0 ins(%y : tensor<?xf32>) outs(%f : tensor<?xf32>) -> tensor<?xf32>
  return %a, %b : tensor<8xi64>, tensor<?xf32>
}

// -----

// expected-error @+1 {{module must have a function '@main'}}
module {
}

// -----

plan.device @device0
// What a loop makes in a temporary from outside is carried by the loop.
// CHECK-LABEL: plan.kernel @inside
// CHECK-SAME: (%{{[^:]*}}: tensor<?xf32>, %[[OUT:[^:]*]]: tensor<?xf32>, %[[SCRATCH:[^:]*]]: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[OUT]], %[[T:.*]] = %[[SCRATCH]])
// CHECK: linalg.copy ins(%{{.*}} : tensor<?xf32>) outs(%[[T]] : tensor<?xf32>)
plan.kernel @inside(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%o = %out) -> tensor<?xf32> {
    %t = linalg.copy ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %s = tensor.extract %t[%i] : tensor<?xf32>
    %z = tensor.insert %s into %o[%i] : tensor<?xf32>
    scf.yield %z : tensor<?xf32>
  }
  plan.return %y : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = plan.launch @inside on @device0 queue 0 ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// A temporary of each iteration is made once, before the loop, which carries it; its size too is known there. One that was made outside is no other.

// CHECK-LABEL: plan.kernel @iterate
// CHECK-SAME: %[[S:[^:]*]]: tensor<?xf32>, %[[X:[^:]*]]: tensor<?x?xf32>, %[[OUT:[^:]*]]: tensor<?xf32>, %[[SCRATCH:[^:]*]]: tensor<?xf32>)
// CHECK-NOT: tensor.empty
// CHECK: %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[A:.*]] = %[[OUT]], %[[T:.*]] = %[[SCRATCH]])
// CHECK: %[[E:.*]] = linalg.exp ins(%{{.*}} : tensor<?xf32>) outs(%[[T]] : tensor<?xf32>)
// CHECK: %[[SUM:.*]] = linalg.add ins(%[[A]], %[[E]] : {{.*}}) outs(%[[A]] :
// CHECK: scf.yield %[[SUM]], %[[E]]
// CHECK: plan.return %[[R]]#0, %[[R]]#1
plan.device @device0
plan.kernel @iterate(%s: tensor<?xf32>, %x: tensor<?x?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %m = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%m) : tensor<?xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %out) -> (tensor<?xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, %m] [1, 1] : tensor<?x?xf32> to tensor<?xf32>
    %exp = linalg.exp ins(%row : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.add ins(%a, %exp : tensor<?xf32>, tensor<?xf32>) outs(%a : tensor<?xf32>) -> tensor<?xf32>
    scf.yield %sum : tensor<?xf32>
  }
  plan.return %r : tensor<?xf32>
}
func.func @main(%s: tensor<?xf32>, %x: tensor<?x?xf32>) -> tensor<?xf32> {
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c1 : tensor<?x?xf32>
  %o = tensor.empty(%m) : tensor<?xf32>
  %r = plan.launch @iterate on @device0 queue 0 ins(%s, %x : tensor<?xf32>, tensor<?x?xf32>) outs(%o : tensor<?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// Slices whose dims are merged are copied; the size is computed before the loop, though it is written inside.

// CHECK-LABEL: plan.kernel @merge
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?x4xf32>, %[[OUT:[^:]*]]: tensor<?xf32>, %[[COPY:[^:]*]]: tensor<?x4xf32>, %[[SCRATCH:[^:]*]]: tensor<?xf32>)
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[OUT]], %[[C:.*]] = %[[COPY]], %[[T:.*]] = %[[SCRATCH]])
// CHECK: %[[WHOLE:.*]] = linalg.copy ins(%{{.*}} : tensor<?x4xf32>) outs(%[[C]] : tensor<?x4xf32>)
// CHECK: tensor.collapse_shape %[[WHOLE]]
// CHECK: linalg.exp ins(%{{.*}}) outs(%[[T]] : tensor<?xf32>)
plan.device @device0
plan.kernel @merge(%x: tensor<?x?x4xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %n = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %m = tensor.dim %x, %c1 : tensor<?x?x4xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %out) -> (tensor<?xf32>) {
    %row = tensor.extract_slice %x[%i, 0, 0] [1, %m, 4] [1, 1, 1] : tensor<?x?x4xf32> to tensor<?x4xf32>
    %flat = tensor.collapse_shape %row [[0, 1]] : tensor<?x4xf32> into tensor<?xf32>
    %all = arith.muli %m, %c4 : index
    %e = tensor.empty(%all) : tensor<?xf32>
    %exp = linalg.exp ins(%flat : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.add ins(%a, %exp : tensor<?xf32>, tensor<?xf32>) outs(%a : tensor<?xf32>) -> tensor<?xf32>
    scf.yield %sum : tensor<?xf32>
  }
  plan.return %r : tensor<?xf32>
}
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?xf32> {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %m = tensor.dim %x, %c1 : tensor<?x?x4xf32>
  %all = arith.muli %m, %c4 : index
  %o = tensor.empty(%all) : tensor<?xf32>
  %r = plan.launch @merge on @device0 queue 0 ins(%x : tensor<?x?x4xf32>) outs(%o : tensor<?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}
