// RUN: trine-opt %s --split-input-file --trine-decompose-composites --canonicalize --cse | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-decompose-composites=attention-kernels --canonicalize --cse --trine-fuse-elementwise --canonicalize --cse --trine-plan-weights --trine-form-kernels --canonicalize --cse --trine-deduplicate-kernels --trine-plan-scratch --trine-assign-buffers --trine-plan-memory --canonicalize --cse | FileCheck %s --check-prefix=PLAN

// As linalg, and below what a plan makes of it: a kernel for attention, and one that joins its ranges of keys.

// Heads that share a key are rows of one product; keys and values are read where they lie.
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>
// CHECK-DAG: #[[$KEYS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>
// CHECK-DAG: #[[$VALUES:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d4, d3)>
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x?x16xf32>, %[[K:.*]]: tensor<?x2x?x16xf32>, %[[V:.*]]: tensor<?x2x?x12xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-DAG: %[[INFINITY:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0
// CHECK-DAG: %[[SCALE:.*]] = arith.constant 2.500000e-01 : f32
// CHECK: tensor.collapse_shape {{.*}} : tensor<?x2x2x?x16xf32> into tensor<?x2x?x16xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$ROWS]], #[[$KEYS]], {{.*}} ins(%{{.*}}, %[[K]]
// CHECK: tensor.collapse_shape {{.*}} : tensor<?x2x2x?x?xf32> into tensor<?x4x?x?xf32>
// The scale, then the mask: query i sees keys up to i + T - S.
// CHECK: linalg.generic
// CHECK: %[[SCORE:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: %[[ROW:.*]] = linalg.index 2
// CHECK: %[[LAST:.*]] = arith.addi %[[ROW]]
// CHECK: %[[COLUMN:.*]] = linalg.index 3
// CHECK: %[[SEEN:.*]] = arith.cmpi sle, %[[COLUMN]], %[[LAST]]
// CHECK: arith.select %[[SEEN]], %[[SCORE]], %[[INFINITY]]
// CHECK: arith.maximumf
// A row without keys gives zeros: nothing is divided by its sum, 0.
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.select %{{.*}}, %[[ONE]]
// CHECK: arith.divf
// CHECK-NOT: math.log
// CHECK: linalg.generic {indexing_maps = [#[[$ROWS]], #[[$VALUES]], {{.*}} ins(%{{.*}}, %[[V]]
// PLAN: plan.launch @attention_0 on
// PLAN-NOT: plan.launch @{{attention|batch_matmul|matmul|copy}}
// PLAN: {{^ *}}return
func.func @main(%q: tensor<?x4x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x12xf32>) -> tensor<?x4x?x12xf32> {
  %o, %lse = trine.attention query(%q : tensor<?x4x?x16xf32>) key(%k : tensor<?x2x?x16xf32>) value(%v : tensor<?x2x?x12xf32>)
    scale 0.25 mask causal masked_row zero -> tensor<?x4x?x12xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x12xf32>
}

// -----

// The cap comes before the mask, the log-sum-exp only where it is used; 16-bit types are rounded once, at the end.
// CHECK-LABEL: func.func @main
// CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<1x4x3x5xf32>)
// CHECK: ^bb0(%{{.*}}: f32, %[[ADDED:.*]]: bf16, %{{.*}}: f32):
// CHECK: %[[MASK:.*]] = arith.extf %[[ADDED]]
// CHECK: arith.divf
// CHECK: math.tanh
// CHECK: arith.mulf
// CHECK: arith.addf %{{.*}}, %[[MASK]]
// CHECK-NOT: truncf
// CHECK: math.log
// CHECK-NOT: truncf
// CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<1x4x3x16xf32>)
// CHECK: arith.truncf
func.func @main(%q: tensor<1x4x3x16xbf16>, %k: tensor<1x4x5x16xbf16>, %v: tensor<1x4x5x16xbf16>, %m: tensor<3x5xbf16>) -> (tensor<1x4x3x16xbf16>, tensor<1x4x3xf32>) {
  %o, %lse = trine.attention query(%q : tensor<1x4x3x16xbf16>) key(%k : tensor<1x4x5x16xbf16>) value(%v : tensor<1x4x5x16xbf16>) mask_values(%m : tensor<3x5xbf16>)
    scale 0.25 mask additive masked_row nan soft_cap 30.0 -> tensor<1x4x3x16xbf16>, tensor<1x4x3xf32>
  return %o, %lse : tensor<1x4x3x16xbf16>, tensor<1x4x3xf32>
}

// -----

// Both weights are parts of one: a single product makes keys and values. The two parts of the scores are added where they are scaled.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[QN:.*]]: tensor<?x4x?x16xf32>, %[[QR:.*]]: tensor<?x4x?x8xf32>, %[[C:.*]]: tensor<?x?x32xf32>, %[[KR:.*]]: tensor<?x?x8xf32>, %[[W:.*]]: tensor<32x4x28xf32>
// CHECK-DAG: %[[ROWS:.*]] = tensor.collapse_shape %[[C]] {{\[}}[0, 1], [2]]
// CHECK-DAG: %[[COLUMNS:.*]] = tensor.collapse_shape %[[W]] {{\[}}[0], [1, 2]]
// CHECK: %[[KV:.*]] = linalg.matmul ins(%[[ROWS]], %[[COLUMNS]]
// CHECK-NOT: linalg.matmul
// CHECK: %[[EXPANDED:.*]] = tensor.expand_shape %[[KV]]
// CHECK: %[[NOPE:.*]] = tensor.extract_slice %[[EXPANDED]][0, 0, 0, 0] {{.*}} to tensor<?x?x4x16xf32>
// CHECK: %[[V:.*]] = tensor.extract_slice %[[EXPANDED]][0, 0, 0, 16] {{.*}} to tensor<?x?x4x12xf32>
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}} ins(%[[NOPE]]
// CHECK: %[[VALUES:.*]] = linalg.generic {{.*}} ins(%[[V]]
// CHECK: %[[ROPE:.*]] = tensor.expand_shape %[[KR]]
// CHECK: linalg.generic {{.*}} ins(%[[QN]], %[[KEYS]]
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[ROPE]]
// CHECK: math.exp
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[VALUES]]
// In a kernel, what would only put heads first is read where it lies: the product is all that comes before.
// PLAN: plan.kernel @attention_0({{.*}}: tensor<?x?x4x28xf32>
// PLAN: trine.attention query(%{{.*}}, %{{.*}} : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) key(%{{.*}}, %{{.*}} : tensor<?x4x?x16xf32>, tensor<?x1x?x8xf32>)
// PLAN: func.func @main(%{{.*}}: memref<?x4x?x16xf32>, %{{.*}}: memref<?x4x?x8xf32>
// PLAN: plan.launch @matmul_0 on
// PLAN: plan.launch @attention_0 on
// PLAN-NOT: plan.launch @{{attention|batch_matmul|matmul|copy}}
// PLAN: {{^ *}}return
func.func @main(%qn: tensor<?x4x?x16xf32>, %qr: tensor<?x4x?x8xf32>, %c: tensor<?x?x32xf32>, %kr: tensor<?x?x8xf32>, %w: tensor<32x4x28xf32>) -> tensor<?x4x?x12xf32> {
  %uk = tensor.extract_slice %w[0, 0, 0] [32, 4, 16] [1, 1, 1] : tensor<32x4x28xf32> to tensor<32x4x16xf32>
  %uv = tensor.extract_slice %w[0, 0, 16] [32, 4, 12] [1, 1, 1] : tensor<32x4x28xf32> to tensor<32x4x12xf32>
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
    weights(%uk, %uv : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 0.2 mask causal masked_row zero form by_shape -> tensor<?x4x?x12xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x12xf32>
}

// -----

// Neither keys nor values are made.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[QN:.*]]: tensor<?x4x?x16xf32>, %[[QR:.*]]: tensor<?x4x?x8xf32>, %[[C:.*]]: tensor<?x?x32xf32>, %[[KR:.*]]: tensor<?x?x8xf32>, %[[UK:.*]]: tensor<32x4x16xf32>, %[[UV:.*]]: tensor<32x4x12xf32>
// CHECK: linalg.generic {{.*}} ins(%[[QN]], %[[UK]] {{.*}} outs({{.*}} : tensor<?x4x?x32xf32>)
// CHECK: %[[LATENT:.*]] = tensor.expand_shape %[[C]] {{.*}} into tensor<?x1x?x32xf32>
// CHECK: %[[ROPE:.*]] = tensor.expand_shape %[[KR]] {{.*}} into tensor<?x1x?x8xf32>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[LATENT]]
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[ROPE]]
// CHECK: math.exp
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[LATENT]]
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[UV]]
// PLAN: trine.attention query(%{{.*}}, %{{.*}} : tensor<?x4x?x32xf32>, tensor<?x4x?x8xf32>) key(%[[L:.*]], %{{.*}} : tensor<?x1x?x32xf32>, tensor<?x1x?x8xf32>) value(%[[L]] :
// PLAN: plan.launch @batch_matmul_0 on
// PLAN: plan.launch @attention_0 on
// PLAN: plan.launch @batch_matmul_1 on
func.func @main(%qn: tensor<?x4x?x16xf32>, %qr: tensor<?x4x?x8xf32>, %c: tensor<?x?x32xf32>, %kr: tensor<?x?x8xf32>, %uk: tensor<32x4x16xf32>, %uv: tensor<32x4x12xf32>) -> tensor<?x4x?x12xf32> {
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
    weights(%uk, %uv : tensor<32x4x16xf32>, tensor<32x4x12xf32>) scale 0.2 mask causal masked_row zero form absorbed -> tensor<?x4x?x12xf32>, tensor<?x4x?xf32>
  return %o : tensor<?x4x?x12xf32>
}

// -----

// Keys [k_rope, k_nope] and values of the new rows go behind those that are cached.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[PK:[^:]*]]: tensor<?x4x?x24xf32>, %[[PV:[^:]*]]: tensor<?x4x?x12xf32>
// CHECK-COUNT-2: linalg.matmul
// CHECK: tensor.insert_slice %[[PK]] into
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, %[[PAST:.*]], 0] {{.*}}tensor<?x4x?x8xf32>
// CHECK: %[[K:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, %[[PAST]], 8] {{.*}}tensor<?x4x?x16xf32>
// CHECK: tensor.insert_slice %[[PV]] into
// CHECK: %[[V:.*]] = tensor.insert_slice
// CHECK: return %{{.*}}, %[[K]], %[[V]]
func.func @main(%qn: tensor<?x4x?x16xf32>, %qr: tensor<?x4x?x8xf32>, %c: tensor<?x?x32xf32>, %kr: tensor<?x?x8xf32>, %uk: tensor<32x4x16xf32>, %uv: tensor<32x4x12xf32>,
    %pk: tensor<?x4x?x24xf32>, %pv: tensor<?x4x?x12xf32>) -> (tensor<?x4x?x12xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x12xf32>) {
  %o, %lse, %k, %v = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
    weights(%uk, %uv : tensor<32x4x16xf32>, tensor<32x4x12xf32>) past(%pk, %pv : tensor<?x4x?x24xf32>, tensor<?x4x?x12xf32>) rope_first
    scale 0.2 mask causal masked_row zero form decompressed -> tensor<?x4x?x12xf32>, tensor<?x4x?xf32> present(tensor<?x4x?x24xf32>, tensor<?x4x?x12xf32>)
  return %o, %k, %v : tensor<?x4x?x12xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x12xf32>
}

// -----

// A part without keys adds nothing.
// CHECK-LABEL: func.func @main
// CHECK: arith.maximumf
// CHECK: %[[LSE:.*]] = math.log
// CHECK: arith.subf
// CHECK: math.exp
// CHECK: %[[TERM:.*]] = arith.mulf
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[TERM]]
func.func @main(%a: tensor<?x4x16xf32>, %b: tensor<?x4x16xf32>, %la: tensor<?x4xf32>, %lb: tensor<?x4xf32>) -> (tensor<?x4x16xf32>, tensor<?x4xf32>) {
  %o, %lse = trine.merge outputs(%a, %b : tensor<?x4x16xf32>, tensor<?x4x16xf32>) lses(%la, %lb : tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4x16xf32>, tensor<?x4xf32>
  return %o, %lse : tensor<?x4x16xf32>, tensor<?x4xf32>
}
