// RUN: trine-opt %s --trine-raise-experts --split-input-file | FileCheck %s
// In 16 bits: the router's weights are f32 all the same.
// RUN: sed -n -e '/^func.func @silu(/,/^}/p' %s | sed -e 's/f32/f16/g' | trine-opt --trine-raise-experts | FileCheck %s --check-prefix=HALF
// HALF: trine.moe.route %arg1 scoring softmax {{.*}} : tensor<?x4xf16> -> tensor<?x1xi64>, tensor<?x1xf32>
// HALF: trine.moe.experts
// RUN: sed -e 's/activation_type = "swiglu"/activation_type = "identity"/; s/swiglu_fusion = 1 : i64/swiglu_fusion = 2 : i64/' %s | trine-opt --trine-raise-experts --split-input-file --remark-format=emitRemark --remarks-filter-missed=.* 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: looks like experts of com.microsoft, but 'swiglu_fusion' is 2 with 'identity'

// A router of its own, and experts with biases and the clamped swish of gpt-oss.
// CHECK-LABEL: func.func @swiglu
// CHECK: %[[I:.*]], %[[W:.*]] = trine.moe.route %arg1 scoring softmax k 2 groups 1 keep 1 by max masked zero renormalize epsilon {{.*}}trine.form = "router-contrib"
// CHECK: %[[L:.*]] = onnx.Reshape(%arg0
// CHECK: %[[Y:.*]] = trine.moe.experts %[[L]] routed(%[[I]], %[[W]]
// CHECK-SAME: gate_up_bias(%arg3 : tensor<4x12xf32>) down_bias(%arg5 : tensor<4x8xf32>) activation silu_gated gate_up interleaved clamp 7.0
// CHECK-SAME: alpha = 1.70{{.*}} beta = 1.0
// CHECK: onnx.Reshape(%[[Y]]
func.func @swiglu(%x: tensor<?x?x8xf32> {onnx.name = "x", onnx.dims = ["b", "s", 8]}, %p: tensor<?x4xf32> {onnx.name = "p", onnx.dims = ["b*s", 4]},
                  %w1: tensor<4x12x8xf32> {onnx.name = "w1", onnx.dims = [4, 12, 8]}, %b1: tensor<4x12xf32> {onnx.name = "b1", onnx.dims = [4, 12]},
                  %w2: tensor<4x8x6xf32> {onnx.name = "w2", onnx.dims = [4, 8, 6]}, %b2: tensor<4x8xf32> {onnx.name = "b2", onnx.dims = [4, 8]}) -> tensor<?x?x8xf32> {
  %n = onnx.None
  %y = onnx.com.microsoft.MoE(%x, %p, %w1, %b1, %w2, %b2, %n, %n) {activation_alpha = 1.702 : f32, activation_beta = 1.0 : f32, activation_type = "swiglu", k = 2 : i64,
    normalize_routing_weights = 1 : i64, swiglu_fusion = 1 : i64, swiglu_limit = 7.0 : f32}
    : (tensor<?x?x8xf32>, tensor<?x4xf32>, tensor<4x12x8xf32>, tensor<4x12xf32>, tensor<4x8x6xf32>, tensor<4x8xf32>, none, none) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// A third weight is the one that is not activated.
// CHECK-LABEL: func.func @silu
// CHECK: %[[GU:.*]] = onnx.Concat(%arg2, %arg4) {axis = 1 : i64}
// CHECK: trine.moe.experts %arg0 {{.*}} weights(%[[GU]], %arg3 : tensor<4x12x8xf32>, tensor<4x8x6xf32>) activation silu_gated gate_up concatenated
func.func @silu(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %p: tensor<?x4xf32> {onnx.name = "p", onnx.dims = ["n", 4]},
                %w1: tensor<4x6x8xf32> {onnx.name = "w1", onnx.dims = [4, 6, 8]}, %w2: tensor<4x8x6xf32> {onnx.name = "w2", onnx.dims = [4, 8, 6]},
                %w3: tensor<4x6x8xf32> {onnx.name = "w3", onnx.dims = [4, 6, 8]}) -> tensor<?x8xf32> {
  %n = onnx.None
  %y = onnx.com.microsoft.MoE(%x, %p, %w1, %n, %w2, %n, %w3, %n) {activation_type = "silu", k = 1 : i64}
    : (tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x6x8xf32>, none, tensor<4x8x6xf32>, none, tensor<4x6x8xf32>, none) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
