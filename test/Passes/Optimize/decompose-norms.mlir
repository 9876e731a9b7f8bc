// RUN: trine-opt %s --trine-decompose-composites --canonicalize --cse | FileCheck %s

// The sum runs in the compute type; the normalised input is rounded before the weight.
// CHECK-LABEL: func.func @rms_norm_before_weight
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W:.*]]: tensor<64xbf16>
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]{{.*}}ins(%[[X]] : tensor<?x64xbf16>) outs({{.*}} : tensor<?xf32>)
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]{{.*}}ins(%[[X]], %[[SUM]], %[[W]]
// CHECK: math.rsqrt
// CHECK: arith.truncf {{.*}} : f32 to bf16
// CHECK: arith.mulf {{.*}} : f32
// CHECK: arith.truncf {{.*}} : f32 to bf16
func.func @rms_norm_before_weight(%x: tensor<?x64xbf16>, %w: tensor<64xbf16>) -> tensor<?x64xbf16> {
  %y = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast before_weight : tensor<?x64xbf16>, tensor<64xbf16>
  return %y : tensor<?x64xbf16>
}

// CHECK-LABEL: func.func @rms_norm_without_weight
// CHECK: math.rsqrt
// CHECK-NEXT: %[[Y:.*]] = arith.mulf
// CHECK-NEXT: linalg.yield %[[Y]] : f32
func.func @rms_norm_without_weight(%x: tensor<?x?x48xf32>) -> tensor<?x?x48xf32> {
  %y = trine.rms_norm %x epsilon 1.0e-5 compute f32 cast after_weight : tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}
