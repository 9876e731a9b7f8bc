// RUN: trine-opt %s --split-input-file --trine-form-kernels | FileCheck %s

// A product with its epilogue, a softmax row, a view between, a slice inside.

// CHECK: plan.device @device0
// CHECK-DAG: plan.symbol @n = input 0 dimension 0
// CHECK: plan.kernel @matmul_0(%[[A:.*]]: tensor<?x16xf32>, %[[B:.*]]: tensor<16x24xf32>, %[[BIAS:.*]]: tensor<24xf32>, %[[OUT:.*]]: tensor<?x24xf32>) -> tensor<?x24xf32>
// CHECK-SAME: skeleton = "matmul"
// CHECK: %[[N:.*]] = tensor.dim %[[OUT]]
// CHECK: %[[E:.*]] = tensor.empty(%[[N]])
// CHECK: %[[FILL:.*]] = linalg.fill ins(%{{.*}}) outs(%[[E]]
// CHECK: %[[M:.*]] = linalg.matmul ins(%[[A]], %[[B]] : {{.*}}) outs(%[[FILL]]
// CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%[[M]], %[[BIAS]] : {{.*}}) outs(%[[OUT]]
// CHECK: plan.return %[[R]]

// CHECK: plan.kernel @row_0(%[[X:.*]]: tensor<?x2x12xf32>, %[[OUT:.*]]: tensor<?x2x12xf32>)
// CHECK-SAME: skeleton = "row"
// CHECK-COUNT-4: linalg.generic
// CHECK: plan.return

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x16xf32>
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: %[[D0:.*]] = tensor.empty(%[[N]]) : tensor<?x24xf32>
// CHECK: %[[L0:.*]] = plan.launch @matmul_0 on @device0 queue 0 ins(%[[X]], %{{.*}}) outs(%[[D0]]
// CHECK: %[[V:.*]] = tensor.expand_shape %[[L0]]
// CHECK: %[[D1:.*]] = tensor.empty(%[[N]]) : tensor<?x2x12xf32>
// CHECK: %[[L1:.*]] = plan.launch @row_0 on @device0 queue 0 ins(%[[V]] : {{.*}}) outs(%[[D1]]
// CHECK: %[[L2:.*]] = plan.launch @elementwise_0 on @device0 queue 0 ins(%[[L1]]
// CHECK-NOT: linalg
// CHECK: return %[[L2]]
func.func @main(%x: tensor<?x16xf32> {onnx.name = "x", onnx.dims = ["n", 16]}, %w: tensor<16x24xf32>, %bias: tensor<24xf32>) -> tensor<?x2x6xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x24xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x16xf32>, tensor<16x24xf32>) outs(%f0 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%m, %bias : tensor<?x24xf32>, tensor<24xf32>) outs(%e0 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x24xf32>
  %h = tensor.expand_shape %b [[0], [1, 2]] output_shape [%n, 2, 12] : tensor<?x24xf32> into tensor<?x2x12xf32>
  %e1 = tensor.empty(%n) : tensor<?x2xf32>
  %e2 = tensor.empty(%n) : tensor<?x2x12xf32>
  %f1 = linalg.fill ins(%low : f32) outs(%e1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %max = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%h : tensor<?x2x12xf32>) outs(%f1 : tensor<?x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.maximumf %a, %o : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  %exp = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%h, %max : tensor<?x2x12xf32>, tensor<?x2xf32>) outs(%e2 : tensor<?x2x12xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %d = arith.subf %a, %c : f32
    %s = math.exp %d : f32
    linalg.yield %s : f32
  } -> tensor<?x2x12xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<?x2x12xf32>) outs(%f2 : tensor<?x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %o : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  %soft = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<?x2x12xf32>, tensor<?x2xf32>) outs(%e2 : tensor<?x2x12xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.divf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x2x12xf32>
  %left = tensor.extract_slice %soft[0, 0, 0] [%n, 2, 6] [1, 1, 1] : tensor<?x2x12xf32> to tensor<?x2x6xf32>
  %right = tensor.extract_slice %soft[0, 0, 6] [%n, 2, 6] [1, 1, 1] : tensor<?x2x12xf32> to tensor<?x2x6xf32>
  %e3 = tensor.empty(%n) : tensor<?x2x6xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%left, %right : tensor<?x2x6xf32>, tensor<?x2x6xf32>) outs(%e3 : tensor<?x2x6xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.mulf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x2x6xf32>
  return %y : tensor<?x2x6xf32>
}

// -----

// A concatenation is one kernel; the source of a size is read between launches; a check stays.

// CHECK: plan.kernel @concat_0(%[[P:.*]]: tensor<?x8xf32>, %[[NEW:.*]]: tensor<?x8xf32>, %[[OUT:.*]]: tensor<?x8xf32>)
// CHECK: %[[I0:.*]] = tensor.insert_slice %[[P]] into %[[OUT]]
// CHECK: %[[I1:.*]] = tensor.insert_slice %[[NEW]] into %[[I0]]
// CHECK: plan.return %[[I1]]
// CHECK: plan.kernel @loop_0(%{{.*}}: tensor<?xi64>, %{{.*}}: tensor<?xi64>)
// CHECK: scf.for
// CHECK: plan.kernel @copy_0(%[[L:.*]]: tensor<?xi64>, %[[OUT:.*]]: tensor<?xi64>)
// CHECK: %[[S:.*]] = tensor.extract_slice %[[L]]
// CHECK: linalg.copy ins(%[[S]] : tensor<?xi64>) outs(%[[OUT]]
// CHECK-LABEL: func.func @main
// CHECK: plan.require %{{.*}}, "must be so" on @device0 queue 0 : tensor<i1>
// CHECK: plan.launch @concat_0
// CHECK: %[[C:.*]] = plan.launch @loop_0
// CHECK: %[[READ:.*]] = plan.read %[[C]][%{{.*}}] on @device0 queue 0 : tensor<?xi64> -> i64
// CHECK: %[[COUNT:.*]] = arith.index_cast %[[READ]]
// CHECK: tensor.empty(%[[COUNT]])
// CHECK: plan.launch @copy_0
func.func @main(%past: tensor<?x8xf32> {onnx.dims = ["past", 8]}, %new: tensor<?x8xf32> {onnx.dims = ["seq", 8]}, %ids: tensor<?xi64> {onnx.dims = ["seq"]},
                %ok: tensor<i1>) -> (tensor<?x8xf32>, tensor<?xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %past_size = tensor.dim %past, %c0 : tensor<?x8xf32>
  %seq = tensor.dim %new, %c0 : tensor<?x8xf32>
  %total = arith.addi %past_size, %seq : index
  trine.require %ok, "must be so" : tensor<i1>
  %e = tensor.empty(%total) : tensor<?x8xf32>
  %i0 = tensor.insert_slice %past into %e[0, 0] [%past_size, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
  %i1 = tensor.insert_slice %new into %i0[%past_size, 0] [%seq, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
  %el = tensor.empty(%seq) : tensor<?xi64>
  %sums = scf.for %i = %c1 to %seq step %c1 iter_args(%s = %el) -> tensor<?xi64> {
    %v = tensor.extract %ids[%i] : tensor<?xi64>
    %t = tensor.insert %v into %s[%i] : tensor<?xi64>
    scf.yield %t : tensor<?xi64>
  }
  %n = tensor.extract %sums[%c0] : tensor<?xi64>
  %count = arith.index_cast %n : i64 to index
  %part = tensor.extract_slice %sums[0] [%count] [1] : tensor<?xi64> to tensor<?xi64>
  return %i1, %part : tensor<?x8xf32>, tensor<?xi64>
}

// -----

// What only a kernel reads is read there; several results are several destinations; a scalar that is no size is computed inside.

// CHECK: plan.kernel @loop_0(%[[X:.*]]: tensor<4xf32>, %{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi64>)
// CHECK: plan.kernel @elementwise_0(%[[V:.*]]: tensor<4xf32>, %[[I:.*]]: tensor<4xi64>, %[[OUT:.*]]: tensor<4xf32>)
// CHECK: tensor.extract %[[I]]
// CHECK: linalg.generic
// CHECK-LABEL: func.func @main
// CHECK: plan.launch @loop_0 {{.*}} outs(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>, tensor<4xi64>
// CHECK-NOT: plan.read
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %ev = tensor.empty() : tensor<4xf32>
  %ei = tensor.empty() : tensor<4xi64>
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%v = %ev, %k = %ei) -> (tensor<4xf32>, tensor<4xi64>) {
    %a = tensor.extract %x[%i] : tensor<4xf32>
    %b = arith.index_cast %i : index to i64
    %v2 = tensor.insert %a into %v[%i] : tensor<4xf32>
    %k2 = tensor.insert %b into %k[%i] : tensor<4xi64>
    scf.yield %v2, %k2 : tensor<4xf32>, tensor<4xi64>
  }
  %scalar = tensor.extract %r#1[%c0] : tensor<4xi64>
  %f = arith.sitofp %scalar : i64 to f32
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%r#0 : tensor<4xf32>) outs(%ev : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %f : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A product whose result is also used elsewhere keeps its epilogue out; a product as row input stays a kernel of its own.

// CHECK: plan.kernel @matmul_0
// CHECK-NOT: linalg.generic
// CHECK: plan.return
// CHECK: plan.kernel @elementwise_0
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %m = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%m : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<4x4xf32>
  return %m, %y : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// The place of one element is an argument, so that kernels of different experts are equal.

// CHECK: plan.kernel @elementwise_0(%[[O:.*]]: tensor<12xf32>, %[[P:.*]]: index, %[[X:.*]]: tensor<?xf32>, %[[OUT:.*]]: tensor<?xf32>)
// CHECK: tensor.extract_slice %[[O]][%[[P]]] [1] [1] : tensor<12xf32> to tensor<f32>
// CHECK: plan.kernel @elementwise_1({{.*}}%[[O:[a-z0-9]+]]: tensor<12xf32>, %[[P:[a-z0-9]+]]: index, %{{.*}}: tensor<?xf32>)
// CHECK: tensor.extract %[[O]][%[[P]]]
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<?xf32>, %o: tensor<12xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c7 = arith.constant 7 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %s = tensor.extract_slice %o[5] [1] [1] : tensor<12xf32> to tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> ()>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%s, %x : tensor<f32>, tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %t = tensor.extract %o[%c7] : tensor<12xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%y : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%b: f32, %u: f32):
    %m = arith.mulf %t, %b : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  return %y, %z : tensor<?xf32>, tensor<?xf32>
}

// -----

// Heads are merged before the slice, not after: no copy. Merging a dim that is cut needs one.

// CHECK: plan.kernel @copy_0
// CHECK: plan.kernel @batch_matmul_0(%{{.*}}: tensor<?x?x?xf32>, %[[KV:.*]]: tensor<?x?x28xf32>, %{{.*}}: tensor<?x?x12xf32>)
// CHECK: tensor.extract_slice %[[KV]][0, 0, 16]
// CHECK-NOT: plan.kernel
// CHECK-LABEL: func.func @main
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2], [3]] : tensor<?x4x?x28xf32> into tensor<?x?x28xf32>
func.func @main(%p: tensor<?x?x?xf32>, %kv: tensor<?x4x?x28xf32>) -> (tensor<?x?x12xf32>, tensor<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %kv, %c0 : tensor<?x4x?x28xf32>
  %t = tensor.dim %kv, %c2 : tensor<?x4x?x28xf32>
  %s = tensor.dim %p, %c1 : tensor<?x?x?xf32>
  %heads = arith.muli %n, %c4 : index
  %v = tensor.extract_slice %kv[0, 0, 0, 16] [%n, 4, %t, 12] [1, 1, 1, 1] : tensor<?x4x?x28xf32> to tensor<?x4x?x12xf32>
  %m = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<?x4x?x12xf32> into tensor<?x?x12xf32>
  %e = tensor.empty(%heads, %s) : tensor<?x?x12xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x12xf32>) -> tensor<?x?x12xf32>
  %y = linalg.batch_matmul ins(%p, %m : tensor<?x?x?xf32>, tensor<?x?x12xf32>) outs(%f : tensor<?x?x12xf32>) -> tensor<?x?x12xf32>
  %w = tensor.collapse_shape %v [[0, 1], [2, 3]] : tensor<?x4x?x12xf32> into tensor<?x?xf32>
  return %y, %w : tensor<?x?x12xf32>, tensor<?x?xf32>
}
