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

// One generic turns all pairs: it reads both parts side by side and chooses by the part that it writes. Every product is rounded.
// CHECK-LABEL: func.func @rope
// CHECK-SAME: %[[X:.*]]: tensor<?x8xbf16>, %[[C:.*]]: tensor<?x4xbf16>, %[[S:.*]]: tensor<?x4xbf16>
// CHECK: %[[P:.*]] = tensor.expand_shape %[[X]] {{\[}}[0], [1, 2]] output_shape [%{{.*}}, 4, 2]
// CHECK: %[[A:.*]] = tensor.extract_slice %[[P]][0, 0, 0]
// CHECK: %[[B:.*]] = tensor.extract_slice %[[P]][0, 0, 1]
// CHECK: %[[G:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]{{.*}}ins(%[[A]], %[[B]], %[[C]], %[[S]] {{.*}} outs(%{{.*}} : tensor<?x2x4xbf16>)
// CHECK: linalg.index 1
// CHECK-COUNT-3: arith.truncf
// CHECK: %[[Y:.*]] = tensor.collapse_shape %[[G]]
// CHECK-NOT: linalg.generic
// CHECK: return %[[Y]]
func.func @rope(%x: tensor<?x8xbf16>, %c: tensor<?x4xbf16>, %s: tensor<?x4xbf16>) -> tensor<?x8xbf16> {
  %y = trine.rope %x, %c, %s pairing interleaved layout permuted begin 0 : tensor<?x8xbf16>, tensor<?x4xbf16>, tensor<?x4xbf16>
  return %y : tensor<?x8xbf16>
}

// Elements in front of and behind the turned ones pass.
// CHECK-LABEL: func.func @rope_range
// CHECK: %[[R:.*]] = tensor.extract_slice %{{.*}}[0, 2] [%{{.*}}, 8]
// CHECK: linalg.generic
// CHECK: tensor.insert_slice
// CHECK: tensor.insert_slice
// CHECK: tensor.insert_slice
func.func @rope_range(%x: tensor<?x12xf32>, %c: tensor<?x4xf32>, %s: tensor<?x4xf32>) -> tensor<?x12xf32> {
  %y = trine.rope %x, %c, %s pairing half layout in_place begin 2 : tensor<?x12xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  return %y : tensor<?x12xf32>
}
