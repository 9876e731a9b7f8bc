// RUN: trine-opt %s --split-input-file --trine-lower-launches --verify-diagnostics | FileCheck %s

// CHECK-NOT: plan.device
// CHECK-LABEL: func.func @trine_program_run
// CHECK-SAME: (%[[CALL:.*]]: !llvm.ptr) -> i32
// CHECK: %[[WEIGHTS:.*]] = llvm.load
// The second weight starts at the next multiple of 64.
// CHECK: llvm.mlir.constant(64 : i64) : i64
// CHECK: memref.extract_aligned_pointer_as_index
// CHECK: %[[COUNT:.*]] = call @negate.workgroups(%[[WORDS:.*]]) : (!llvm.ptr) -> i64
// Kernel 1, six words: x and y with a size each, the weight, a size.
// CHECK: %[[KERNEL:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK: %[[FAILED:.*]] = arith.cmpi ne
// CHECK: cf.cond_br %[[FAILED]]
// CHECK: return %{{.*}} : i32
// CHECK: func.func private @negate.workgroups(!llvm.ptr) -> i64
// CHECK-NOT: func.func @main
plan.device @device0
plan.weight @w0 "a" from "m" at 0 length 4 : tensor<1xf32> permutation [0] outer [] inner [] tiles [] stored tensor<1xf32>
plan.weight @w1 "b" from "m" at 4 length 64 : tensor<16xf32> permutation [0] outer [] inner [] tiles [] stored tensor<16xf32>
plan.kernel @second(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<?xf32>
}
plan.kernel @negate(%x: tensor<?x16xf32>, %w: tensor<16xf32>, %n: index, %out: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {skeleton = "elementwise"} {
  plan.return %x : tensor<?x16xf32>
}
func.func @main(%x: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %w = plan.load_weight @w1 : memref<16xf32>
  %y = plan.output 0(%n) : memref<?x16xf32>
  plan.launch @negate on @device0 queue 0 ins(%x, %w, %n : memref<?x16xf32>, memref<16xf32>, index) outs(%y : memref<?x16xf32>)
  return
}

// -----

// expected-error @+1 {{module has no launch sequence '@main'}}
module {
}

// -----

plan.device @device0
func.func @main(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  // expected-error @+1 {{must be a view of the arena here: run trine-plan-memory first}}
  %b = plan.buffer(%n) on @device0 space <device> : memref<?xf32>
  return
}

// -----

// expected-error @+1 {{arguments must be contiguous memrefs, got 'memref<?xf32, strided<[2]>>'}}
func.func @main(%x: memref<?xf32, strided<[2]>>) {
  return
}

// -----

// expected-error @+1 {{arguments must have at most 8 dimensions, got 'memref<1x1x1x1x1x1x1x1x1xf32>'}}
func.func @main(%x: memref<1x1x1x1x1x1x1x1x1xf32>) {
  return
}

// -----

plan.weight @w "w" from "m" at 0 length 4 : tensor<1xf32> permutation [0] outer [] inner [] tiles [] stored tensor<1xf32>
func.func @main() {
  // expected-error @+1 {{result must be a memref}}
  %w = plan.load_weight @w : tensor<1xf32>
  return
}

// -----

plan.device @device0
plan.weight @w "w" from "m" at 0 length 4 : tensor<1xf32> permutation [0] outer [] inner [] tiles [] stored tensor<1xf32>
plan.kernel @copy(%x: tensor<1xf32>, %out: tensor<1xf32>) -> tensor<1xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<1xf32>
}
func.func @main() {
  %x = tensor.empty() : tensor<1xf32>
  // expected-error @+1 {{operands must be memrefs, got 'tensor<1xf32>'}}
  %y = plan.launch @copy on @device0 queue 0 ins(%x : tensor<1xf32>) outs(%x : tensor<1xf32>) -> tensor<1xf32>
  return
}

// -----

plan.device @device0
func.func @main(%x: memref<4xf32>, %c: memref<i1>) {
  %few = arith.constant true
  %e = tensor.empty() : tensor<4xf32>
  // expected-error @below {{must have no results here: run trine-assign-buffers first}}
  %y = plan.select %few -> (tensor<4xf32>) {
    plan.yield %e : tensor<4xf32>
  } else {
    plan.yield %e : tensor<4xf32>
  }
  return
}
