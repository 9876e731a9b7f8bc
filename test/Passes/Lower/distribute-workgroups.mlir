// RUN: trine-opt %s --trine-distribute-workgroups | FileCheck %s

// CHECK-LABEL: func.func private @tiles
// CHECK-SAME: (%[[X:.*]]: memref<?x?xf32>, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK: scf.for %[[W:.*]] = %[[BEGIN]] to %[[END]]
// CHECK: %[[J:.*]] = arith.remui %[[W]]
// CHECK: %[[I:.*]] = arith.divui %[[W]]
// CHECK: arith.muli %[[J]], %{{.*}}
// CHECK: memref.store
// CHECK-LABEL: func.func @tiles.entry
// CHECK-SAME: (%[[WORDS:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: llvm.getelementptr %[[WORDS]][0]
// CHECK: llvm.getelementptr %[[WORDS]][1]
// CHECK: llvm.getelementptr %[[WORDS]][2]
// CHECK: call @tiles
// CHECK-LABEL: func.func @tiles.workgroups
// CHECK: affine.apply
// CHECK: return %{{.*}} : i64
func.func private @tiles(%x: memref<?x?xf32>) attributes {plan.skeleton = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %x, %c0 : memref<?x?xf32>
  %n = memref.dim %x, %c1 : memref<?x?xf32>
  scf.forall (%i, %j) = (0, 0) to (%m, %n) step (1, 4) {
    memref.store %zero, %x[%i, %j] : memref<?x?xf32>
  }
  return
}

// What is not a loop over tiles is one workgroup; its inner loops are plain.
// CHECK-LABEL: func.func private @whole
// CHECK-NOT: scf.forall
// CHECK-LABEL: func.func @whole.workgroups
// CHECK: %[[ONE:.*]] = arith.constant 1 : i64
// CHECK: return %[[ONE]]
func.func private @whole(%x: memref<?xf32>) attributes {plan.skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %x, %c0 : memref<?xf32>
  scf.forall (%i) in (%m) {
    memref.store %zero, %x[%i] : memref<?xf32>
  }
  scf.forall (%i) in (%m) {
    memref.store %zero, %x[%i] : memref<?xf32>
  }
  return
}
