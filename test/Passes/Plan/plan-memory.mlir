// RUN: trine-opt %s --split-input-file --trine-plan-memory=report-size=16 --verify-diagnostics | FileCheck %s

// Three buffers of one size need two slots; a larger one takes the free slot, which grows.

// CHECK-LABEL: func.func @main
// CHECK-SAME: plan.memory = [{buffers = 4 : i64, bytes = 6144 : i64, bytes_without_sharing = 8192 : i64, device = "device0", slots = 2 : i64, space = "device", symbol_size = 16 : i64, unbounded = 0 : i64}]
// CHECK: %[[N:.*]] = memref.dim
// CHECK: %[[S:.*]] = arith.muli %[[N]], %{{.*}}
// CHECK: %[[O1:.*]] = arith.addi %{{.*}}, %[[S]]
// CHECK: %[[L:.*]] = arith.muli %[[N]], %{{.*}}
// CHECK: %[[M:.*]] = arith.maxsi %[[S]], %[[L]]
// CHECK: %[[ALL:.*]] = arith.addi %[[O1]], %[[M]]
// CHECK: %[[ARENA:.*]] = plan.arena(%[[ALL]]) on @device0 space <device> : memref<?xi8>
// CHECK: memref.view %[[ARENA]][%[[O0:.*]]][%[[N]]] : memref<?xi8> to memref<?x16xf32>
// CHECK: memref.view %[[ARENA]][%[[O1]]][%[[N]]] : memref<?xi8> to memref<?x16xf32>
// CHECK: memref.view %[[ARENA]][%[[O0]]][%[[N]]] : memref<?xi8> to memref<?x16xf32>
// CHECK: memref.view %[[ARENA]][%[[O1]]][%[[N]]] : memref<?xi8> to memref<?x80xf32>
plan.device @device0
plan.kernel @f(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {skeleton = "row"} {
  plan.return %x : tensor<?x16xf32>
}
plan.kernel @g(%x: tensor<?x16xf32>, %out: tensor<?x80xf32>) -> tensor<?x80xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<?x80xf32>
}
func.func @main(%x: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %a = plan.buffer(%n) on @device0 space <device> : memref<?x16xf32>
  plan.launch @f on @device0 queue 0 ins(%x : memref<?x16xf32>) outs(%a : memref<?x16xf32>)
  %b = plan.buffer(%n) on @device0 space <device> : memref<?x16xf32>
  plan.launch @f on @device0 queue 0 ins(%a : memref<?x16xf32>) outs(%b : memref<?x16xf32>)
  %c = plan.buffer(%n) on @device0 space <device> : memref<?x16xf32>
  plan.launch @f on @device0 queue 0 ins(%b : memref<?x16xf32>) outs(%c : memref<?x16xf32>)
  %d = plan.buffer(%n) on @device0 space <device> : memref<?x80xf32>
  plan.launch @g on @device0 queue 0 ins(%c : memref<?x16xf32>) outs(%d : memref<?x80xf32>)
  return
}

// -----

// A use through a view keeps a buffer alive; an odd size is rounded up to 64; a bound is what is planned; without one there is an arena of its own.

// CHECK-LABEL: func.func @main
// CHECK-SAME: buffers = 4 : i64
// CHECK-SAME: slots = 3 : i64
// CHECK-SAME: unbounded = 1 : i64
// CHECK-DAG: %[[N:.*]] = memref.dim
// CHECK-DAG: %[[C63:.*]] = arith.constant 63
// CHECK: arith.addi %{{.*}}, %[[C63]]
// CHECK: plan.arena
// CHECK: %[[READ:.*]] = plan.read
// CHECK: %[[S:.*]] = arith.index_cast %[[READ]]
// CHECK: memref.view {{.*}}[%[[S]]] : memref<?xi8> to memref<?xi8>
// CHECK: plan.arena
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[S]]]
plan.device @device0
plan.kernel @f(%x: tensor<?xi8>, %out: tensor<?xi8>) -> tensor<?xi8> attributes {skeleton = "row"} {
  plan.return %x : tensor<?xi8>
}
func.func @main(%x: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xi8>
  %a = plan.buffer(%n) on @device0 space <device> : memref<?xi8>
  plan.launch @f on @device0 queue 0 ins(%x : memref<?xi8>) outs(%a : memref<?xi8>)
  %v = memref.expand_shape %a [[0, 1]] output_shape [1, %n] : memref<?xi8> into memref<1x?xi8>
  %w = memref.collapse_shape %v [[0, 1]] : memref<1x?xi8> into memref<?xi8>
  %b = plan.buffer(%n) on @device0 space <device> : memref<?xi8>
  plan.launch @f on @device0 queue 0 ins(%x : memref<?xi8>) outs(%b : memref<?xi8>)
  %read = plan.read %x[%c0] on @device0 queue 0 : memref<?xi8> -> i8
  %s = arith.index_cast %read : i8 to index
  %d = plan.buffer(%s) bounds(%n) on @device0 space <device> : memref<?xi8>
  plan.launch @f on @device0 queue 0 ins(%b : memref<?xi8>) outs(%d : memref<?xi8>)
  plan.launch @f on @device0 queue 0 ins(%w : memref<?xi8>) outs(%d : memref<?xi8>)
  %e = plan.buffer(%s) on @device0 space <device> : memref<?xi8>
  plan.launch @f on @device0 queue 0 ins(%d : memref<?xi8>) outs(%e : memref<?xi8>)
  return
}

// -----

// expected-error @below {{module must have a function '@main'}}
module {
}

// -----

// expected-error @below {{must have one block}}
func.func @main() {
  cf.br ^next
^next:
  return
}
