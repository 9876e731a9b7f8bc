// RUN: trine-opt %s --trine-convert-onnx-to-linalg --trine-check-level-trine --canonicalize --cse | FileCheck %s

// The second input comes from its end, the second output goes there.
// CHECK-LABEL: func.func @scan
// CHECK: %[[T:.*]] = tensor.dim %arg1, %c1
// CHECK: %[[R:.*]]:3 = scf.for %[[I:.*]] = %c0 to %[[T]] step %c1 iter_args(%[[S:.*]] = %arg0, %[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}})
// CHECK: tensor.extract_slice %arg1[0, %[[I]]] [4, 1] [1, 1] : tensor<4x?xf32> to tensor<4xf32>
// CHECK: %[[BACK:.*]] = arith.subi %{{.*}}, %[[I]]
// CHECK: tensor.extract_slice %arg2[%[[BACK]], 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
// CHECK: arith.addf
// CHECK: tensor.insert_slice %{{.*}} into %[[A]][0, %[[I]]] [4, 1] [1, 1]
// CHECK: tensor.insert_slice %{{.*}} into %[[B]][%[[BACK]], 0] [1, 4] [1, 1]
// CHECK: scf.yield
func.func @scan(%s: tensor<4xf32>, %x: tensor<4x?xf32> {onnx.dims = [4, "t"]}, %y: tensor<?x4xf32> {onnx.dims = ["t", 4]}) -> (tensor<4xf32>, tensor<4x?xf32>, tensor<?x4xf32>) {
  %r:3 = onnx.Scan(%s, %x, %y) {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>):
    %sum = onnx.Sum(%a, %b, %c) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %sum, %sum, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  } attributes {num_scan_inputs = 2 : i64, scan_input_axes = array<i64: 1, 0>, scan_output_axes = array<i64: 1, 0>, scan_input_directions = array<i64: 0, 1>, scan_output_directions = array<i64: 0, 1>} : (tensor<4xf32>, tensor<4x?xf32>, tensor<?x4xf32>) -> (tensor<4xf32>, tensor<4x?xf32>, tensor<?x4xf32>)
  return %r#0, %r#1, %r#2 : tensor<4xf32>, tensor<4x?xf32>, tensor<?x4xf32>
}

// The state is f32 within the loop, and rounded once.
// CHECK-LABEL: func.func @linear_attention
// CHECK: scf.for {{.*}} -> (tensor<?x2x3x4xf32>, tensor<?x?x2x2x4xf16>)
// CHECK: math.exp
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK: scf.yield
// CHECK: arith.truncf
func.func @linear_attention(%q: tensor<?x?x12xf16> {onnx.dims = ["b", "t", 12]}, %k: tensor<?x?x6xf16> {onnx.dims = ["b", "t", 6]}, %v: tensor<?x?x8xf16> {onnx.dims = ["b", "t", 8]}, %g: tensor<?x?x2xf16> {onnx.dims = ["b", "t", 2]}, %e: tensor<?x?x1xf16> {onnx.dims = ["b", "t", 1]}) -> (tensor<?x?x16xf16>, tensor<?x2x3x4xf16>) {
  %n = onnx.None
  %0:2 = onnx.LinearAttention(%q, %k, %v, %n, %g, %e) {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<?x?x12xf16>, tensor<?x?x6xf16>, tensor<?x?x8xf16>, none, tensor<?x?x2xf16>, tensor<?x?x1xf16>) -> (tensor<?x?x16xf16>, tensor<?x2x3x4xf16>)
  return %0#0, %0#1 : tensor<?x?x16xf16>, tensor<?x2x3x4xf16>
}

// How many columns the decay has decides when it runs.
// CHECK-LABEL: func.func @decay
// CHECK: trine.require %{{.*}}, "'decay' of {{.*}} must have 2 or 6 columns"
// CHECK: scf.for
func.func @decay(%q: tensor<1x?x6xf32> {onnx.dims = [1, "t", 6]}, %g: tensor<1x?x?xf32> {onnx.dims = [1, "t", "w"]}) -> tensor<1x?x6xf32> {
  %n = onnx.None
  %0:2 = onnx.LinearAttention(%q, %q, %q, %n, %g, %n) {q_num_heads = 2 : i64, kv_num_heads = 2 : i64, update_rule = "gated"} : (tensor<1x?x6xf32>, tensor<1x?x6xf32>, tensor<1x?x6xf32>, none, tensor<1x?x?xf32>, none) -> (tensor<1x?x6xf32>, tensor<1x2x3x3xf32>)
  return %0#0 : tensor<1x?x6xf32>
}

// CHECK-LABEL: func.func @causal
// CHECK: tensor.insert_slice %arg2 into %{{.*}}[0, 0, 0]
// CHECK: %[[X:.*]] = tensor.insert_slice %arg0 into %{{.*}}[0, 0, 2]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[X]],
// CHECK: math.exp
// CHECK: tensor.extract_slice %[[X]][0, 0, %{{.*}}] [%{{.*}}, 8, 2] [1, 1, 1]
func.func @causal(%x: tensor<?x8x?xf32> {onnx.dims = ["b", 8, "t"]}, %w: tensor<8x1x3xf32>, %p: tensor<?x8x2xf32> {onnx.dims = ["b", 8, 2]}) -> (tensor<?x8x?xf32>, tensor<?x8x2xf32>) {
  %n = onnx.None
  %0:2 = onnx.CausalConvWithState(%x, %w, %n, %p) {activation = "silu"} : (tensor<?x8x?xf32>, tensor<8x1x3xf32>, none, tensor<?x8x2xf32>) -> (tensor<?x8x?xf32>, tensor<?x8x2xf32>)
  return %0#0, %0#1 : tensor<?x8x?xf32>, tensor<?x8x2xf32>
}

// CHECK-LABEL: func.func @reverse
// CHECK: trine.require %{{.*}}, "sequence_lens of {{.*}} must lie in [0, t]"
// CHECK: linalg.generic
// CHECK: tensor.extract %arg1
// CHECK: tensor.extract %arg0
func.func @reverse(%x: tensor<?x?x3xi8> {onnx.dims = ["t", "b", 3]}, %l: tensor<?xi64> {onnx.dims = ["b"]}) -> tensor<?x?x3xi8> {
  %0 = onnx.ReverseSequence(%x, %l) {batch_axis = 1 : i64, time_axis = 0 : i64} : (tensor<?x?x3xi8>, tensor<?xi64>) -> tensor<?x?x3xi8>
  return %0 : tensor<?x?x3xi8>
}
