// RUN: trine-opt %s --split-input-file --trine-form-kernels | FileCheck %s

// Ops that are not in destination style are written into the destination.

// CHECK: plan.kernel @concat_0(%[[S:.*]]: index, %[[T:.*]]: index, %[[OUT:.*]]: tensor<2xi64>)
// CHECK: %[[I:.*]] = tensor.insert %{{.*}} into %[[OUT]]
// CHECK: tensor.insert %{{.*}} into %[[I]]
// CHECK: plan.kernel @concat_1
// CHECK: linalg.fill
// CHECK: tensor.insert_slice
// CHECK: plan.kernel @concat_2
// CHECK-COUNT-2: tensor.insert_slice
// CHECK: plan.kernel @copy_0(%[[OUT:.*]]: tensor<?xf32>)
// CHECK: linalg.fill ins(%{{.*}}) outs(%[[OUT]]
// CHECK: plan.kernel @loop_0(
// CHECK: %[[R:.*]] = scf.if
// CHECK: linalg.copy ins(%[[R]] : tensor<4xf32>) outs(%{{.*}} : tensor<4xf32>)
func.func @main(%x: tensor<?xf32>, %z: tensor<4xf32>, %w: tensor<4xf32>, %flag: tensor<i1>)
    -> (tensor<2xi64>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %m = arith.addi %n, %n : index
  %a = arith.index_cast %n : index to i64
  %b = arith.index_cast %m : index to i64
  %elements = tensor.from_elements %a, %b : tensor<2xi64>
  %pad = tensor.pad %x low[0] high[%n] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<?xf32> to tensor<?xf32>
  %both = tensor.concat dim(0) %x, %x : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %splat = tensor.splat %zero[%n] : tensor<?xf32>
  %c = tensor.extract %flag[] : tensor<i1>
  %if = scf.if %c -> tensor<4xf32> {
    scf.yield %z : tensor<4xf32>
  } else {
    scf.yield %w : tensor<4xf32>
  }
  return %elements, %pad, %both, %splat, %if : tensor<2xi64>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<4xf32>
}

// -----

// An accumulation starts from a copy of what it adds to.

// CHECK: plan.kernel @matmul_0(%[[C:.*]]: tensor<4x4xf32>, %[[A:.*]]: tensor<4x8xf32>, %[[B:.*]]: tensor<8x4xf32>, %[[OUT:.*]]: tensor<4x4xf32>)
// CHECK: %[[S:.*]] = linalg.copy ins(%[[C]] : tensor<4x4xf32>) outs(%[[OUT]] : tensor<4x4xf32>)
// CHECK: linalg.matmul ins(%[[A]], %[[B]] : {{.*}}) outs(%[[S]]
func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x4xf32>, %c: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %m = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x4xf32>) outs(%c : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %m : tensor<4x4xf32>
}
