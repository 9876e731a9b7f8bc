// RUN: trine-opt %s --trine-decompose-composites --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @mix(
// CHECK-SAME: %[[H:[a-z0-9]+]]: tensor<?x?x4x64xf32>, %[[P:[a-z0-9]+]]: tensor<24x256xf32>
// CHECK: %[[VEC:.*]] = tensor.collapse_shape %[[H]] {{\[}}[0, 1], [2, 3]]
// CHECK: %[[PT:.*]] = linalg.transpose ins(%[[P]]
// CHECK: linalg.matmul ins(%[[VEC]], %[[PT]]
// CHECK: math.rsqrt
// The first round is a softmax and a division of the columns; the others are a loop over scalars, one matrix after the other.
// CHECK: arith.maximumf
// CHECK: scf.forall
// CHECK-COUNT-16: arith.divf
// CHECK-NOT: arith.divf
// CHECK: scf.for %{{.*}} = %c1 to %c20
// CHECK-COUNT-32: arith.divf
// CHECK-NOT: arith.divf
// CHECK: scf.forall.in_parallel
// CHECK: linalg.generic {{.*}}["parallel", "reduction", "parallel"]
func.func @mix(%h: tensor<?x?x4x64xf32>, %p: tensor<24x256xf32>, %s: tensor<3xf32>, %b: tensor<24xf32>) -> (tensor<?x?x64xf32>, tensor<?x?x4xf32>, tensor<?x?x4x4xf32>) {
  %x, %post, %comb = trine.hyper.mix %h, %p scale(%s : tensor<3xf32>) bias(%b : tensor<24xf32>) rounds 20 epsilon 1.0e-6 norm_epsilon 1.0e-6
    : tensor<?x?x4x64xf32>, tensor<24x256xf32> -> tensor<?x?x64xf32>, tensor<?x?x4xf32>, tensor<?x?x4x4xf32>
  return %x, %post, %comb : tensor<?x?x64xf32>, tensor<?x?x4xf32>, tensor<?x?x4x4xf32>
}

// CHECK-LABEL: func.func @combine(
// CHECK: linalg.generic {{.*}}["parallel", "parallel", "parallel", "reduction", "parallel"]
// CHECK: linalg.generic {{.*}}["parallel", "parallel", "parallel", "parallel"]
func.func @combine(%h: tensor<?x?x4x64xf32>, %y: tensor<?x?x64xf32>, %post: tensor<?x?x4xf32>, %comb: tensor<?x?x4x4xf32>) -> tensor<?x?x4x64xf32> {
  %r = trine.hyper.combine %h, %y post(%post : tensor<?x?x4xf32>) comb(%comb : tensor<?x?x4x4xf32>) : tensor<?x?x4x64xf32>, tensor<?x?x64xf32>
  return %r : tensor<?x?x4x64xf32>
}
