// RUN: trine-opt %s --trine-schedule-expert-groups --trine-decompose-composites --canonicalize --cse --split-input-file | FileCheck %s
// RUN: trine-opt %s --trine-plan-pipeline --split-input-file | FileCheck %s --check-prefix=PLAN
// RUN: trine-opt %s --trine-plan-pipeline --trine-lower-kernels --split-input-file | FileCheck %s --check-prefix=LOWER

// Sizes without good divisors: still no memory but the stack's.
// RUN: sed -e 's/5x80x24/5x74x24/g; s/5x24x40/5x24x37/g; s/5, 80, 24/5, 74, 24/; s/5, 24, 40/5, 24, 37/' %s | trine-opt --trine-plan-pipeline --trine-lower-kernels --split-input-file | FileCheck %s --check-prefix=LOWER

// What a route chose needs no check where it has no more experts than the operator.
// RUN: sed -n -e '/^func.func @main.*tensor<?x3xf32>/,/^}/p' %s | trine-opt --trine-schedule-expert-groups --trine-decompose-composites | FileCheck %s --check-prefix=SAME
// RUN: sed -n -e '/^func.func @main.*tensor<?x3xf32>/,/^}/p' %s | sed -e 's/tensor<?x3xf32>/tensor<?x4xf32>/; s/dims = \["n", 3\]/dims = ["n", 4]/' | trine-opt --trine-schedule-expert-groups --trine-decompose-composites | FileCheck %s --check-prefix=MORE
// RUN: sed -n -e '/^func.func @main.*tensor<?x3xf32>/,/^}/p' %s | sed -e 's/tensor<?x3xf32>/tensor<?x4xf32>/; s/dims = \["n", 3\]/dims = ["n", 4]/; s/gate_up concatenated :/gate_up concatenated {identity_experts = 1 : i64} :/' | trine-opt --trine-schedule-expert-groups --trine-decompose-composites | FileCheck %s --check-prefix=SAME
// SAME-NOT: trine.require
// SAME: trine.moe.group %
// SAME-NOT: trine.require
// MORE: %[[I:.*]], %{{.*}} = trine.moe.route
// MORE: trine.require %{{.*}}, "ids of experts must be numbers of experts"
// MORE: trine.moe.group %[[I]] experts 3

// A route is a kernel of its own, one workgroup per token, no memory but the stack's.
// CHECK-LABEL: func.func @main(
// CHECK: trine.moe.route
// PLAN: plan.kernel @route_0({{.*}} attributes {skeleton = "route"}
// PLAN: trine.moe.route
// PLAN-LABEL: func.func @main
// PLAN-COUNT-1: plan.launch
// PLAN-NOT: plan.launch
// LOWER-LABEL: func.func private @route_0
// LOWER-NOT: memref.alloc(
// LOWER: scf.for
func.func @main(%l: tensor<?x12xf32> {onnx.name = "l", onnx.dims = ["n", 12]}, %b: tensor<12xf32> {onnx.name = "b", onnx.dims = [12]})
    -> (tensor<?x3xi64> {onnx.name = "i", onnx.dims = ["n", 3]}, tensor<?x3xf32> {onnx.name = "w", onnx.dims = ["n", 3]}) {
  %i, %w = trine.moe.route %l bias(%b : tensor<12xf32>) scoring sigmoid k 3 groups 4 keep 2 by sum_top_2 masked zero
    renormalize epsilon 1.0e-20 scale 2.5 after_division : tensor<?x12xf32> -> tensor<?x3xi64>, tensor<?x3xf32>
  return %i, %w : tensor<?x3xi64>, tensor<?x3xf32>
}

// -----

// Ids of any origin are checked. Slots are sorted by expert; both products gather or read their rows; sums run in slot order.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x24xbf16>
// CHECK-SAME: %[[GU:[^:]*]]: tensor<5x80x24xbf16>
// CHECK-SAME: %[[D:[^:]*]]: tensor<5x24x40xbf16>
// CHECK: %[[HALVES:.*]] = tensor.expand_shape %[[GU]] {{.*}} into tensor<5x2x40x24xbf16>
// CHECK: trine.require %{{.*}}, "ids of experts must be numbers of experts"
// CHECK: %[[ORDER:.*]], %[[OFFSETS:.*]], %[[POSITION:.*]] = trine.moe.group %{{.*}} experts 5
// CHECK: %[[HIDDEN:.*]] = trine.moe.grouped_matmul %[[X]], %[[OFFSETS]], %[[HALVES]] order(%[[ORDER]] : tensor<?xi64>) slots 2 activation {{ *}}silu_gated clamp 7.0
// CHECK-SAME: -> tensor<?x40xf32>
// CHECK: %[[ROWS:.*]] = trine.moe.grouped_matmul %[[HIDDEN]], %[[OFFSETS]], %[[D]] tiles {{ *}}columns_first
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]
// CHECK: tensor.extract %[[ROWS]]
// CHECK: arith.truncf {{.*}} : f32 to bf16
// Sort, two products, sum: four kernels, and the check. None holds gathered rows or weights, all temporaries are on the stack.
// PLAN: plan.kernel @group_0({{.*}} attributes {skeleton = "group"}
// PLAN: plan.kernel @grouped_matmul_0({{.*}} attributes {skeleton = "grouped_matmul"}
// PLAN-LABEL: func.func @main
// PLAN-NOT: tensor<?x80x24xbf16>
// PLAN-COUNT-5: plan.launch
// PLAN-NOT: plan.launch
// PLAN: return
// LOWER-LABEL: func.func private @group_0
// LOWER-NOT: memref.alloc(
// LOWER-LABEL: func.func @trine_program_run
func.func @main(%x: tensor<?x24xbf16> {onnx.name = "x", onnx.dims = ["n", 24]}, %i: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}, %gu: tensor<5x80x24xbf16> {onnx.name = "gu", onnx.dims = [5, 80, 24]},
                %d: tensor<5x24x40xbf16> {onnx.name = "d", onnx.dims = [5, 24, 40]}) -> (tensor<?x24xbf16> {onnx.name = "y", onnx.dims = ["n", 24]}) {
  %y = trine.moe.experts %x routed(%i, %w : tensor<?x2xi64>, tensor<?x2xf32>) weights(%gu, %d : tensor<5x80x24xbf16>, tensor<5x24x40xbf16>)
    activation silu_gated gate_up concatenated clamp 7.0 : tensor<?x24xbf16>
  return %y : tensor<?x24xbf16>
}

// -----

// Interleaved rows of the weight are sorted into gates and what they gate (of a weight in a file: at compile time); ids beyond the experts take the token.
// CHECK-LABEL: func.func @main(
// CHECK: linalg.transpose ins({{.*}} : tensor<4x8x2x16xf32>) outs({{.*}} : tensor<4x2x8x16xf32>) permutation = [0, 2, 1, 3]
// CHECK: linalg.transpose ins({{.*}} : tensor<4x8x2xf32>) outs({{.*}} : tensor<4x2x8xf32>) permutation = [0, 2, 1]
// CHECK: trine.moe.group {{.*}} experts 4 {identity_experts = 1 : i64}
// CHECK: trine.moe.grouped_matmul {{.*}} bias({{.*}} : tensor<4x2x8xf32>) activation {{.*}} {alpha = 1.702000e+00 : f64, beta = 1.000000e+00 : f64}
// CHECK: trine.moe.grouped_matmul {{.*}} bias({{.*}} : tensor<4x16xf32>)
// CHECK: arith.cmpi sge
// CHECK: arith.select
// LOWER-LABEL: func.func @trine_program_run
func.func @main(%x: tensor<?x16xf32> {onnx.name = "x", onnx.dims = ["n", 16]}, %i: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}, %gu: tensor<4x16x16xf32> {onnx.name = "gu", onnx.dims = [4, 16, 16]},
                %d: tensor<4x16x8xf32> {onnx.name = "d", onnx.dims = [4, 16, 8]}, %bg: tensor<4x16xf32> {onnx.name = "bg", onnx.dims = [4, 16]},
                %bd: tensor<4x16xf32> {onnx.name = "bd", onnx.dims = [4, 16]}) -> (tensor<?x16xf32> {onnx.name = "y", onnx.dims = ["n", 16]}) {
  %y = trine.moe.experts %x routed(%i, %w : tensor<?x2xi64>, tensor<?x2xf32>) weights(%gu, %d : tensor<4x16x16xf32>, tensor<4x16x8xf32>)
    gate_up_bias(%bg : tensor<4x16xf32>) down_bias(%bd : tensor<4x16xf32>)
    activation silu_gated gate_up interleaved {alpha = 1.702, beta = 1.0, identity_experts = 1 : i64} : tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// The scheduled form in a file: its ids are checked.
// CHECK-LABEL: func.func @main(
// CHECK: trine.require
// CHECK: trine.moe.group
// CHECK: trine.moe.grouped_matmul
// CHECK-NOT: trine.moe.combine
// LOWER-LABEL: func.func @trine_program_run
func.func @main(%x: tensor<?x16xf32> {onnx.name = "x", onnx.dims = ["n", 16]}, %i: tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]},
                %w: tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}, %m: tensor<4x16x16xf32> {onnx.name = "m", onnx.dims = [4, 16, 16]})
    -> (tensor<?x16xf32> {onnx.name = "y", onnx.dims = ["n", 16]}) {
  %order, %offsets, %position = trine.moe.group %i experts 4 : tensor<?x2xi64> -> tensor<?xi64>, tensor<5xi64>, tensor<?x2xi64>
  %h = trine.moe.grouped_matmul %x, %offsets, %m order(%order : tensor<?xi64>) slots 2 tiles rows_first
    : tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x16xf32> -> tensor<?x16xf32>
  %y = trine.moe.combine %h, %position, %w : tensor<?x16xf32>, tensor<?x2xi64>, tensor<?x2xf32> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Three products over all rows at once; both gates are rounded before the activation.
// CHECK-LABEL: func.func @main(
// CHECK: tensor.collapse_shape %arg0 {{.*}} : tensor<?x?x16xf32> into tensor<?x16xf32>
// CHECK-COUNT-3: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-NOT: "reduction"
// CHECK: tensor.expand_shape {{.*}} : tensor<?x24xf32> into tensor<?x?x24xf32>
// LOWER-LABEL: func.func @trine_program_run
func.func @main(%x: tensor<?x?x16xf32> {onnx.name = "x", onnx.dims = ["b", "s", 16]}, %g: tensor<16x40xf32> {onnx.name = "g", onnx.dims = [16, 40]},
                %u: tensor<16x40xf32> {onnx.name = "u", onnx.dims = [16, 40]}, %d: tensor<40x24xf32> {onnx.name = "d", onnx.dims = [40, 24]})
    -> (tensor<?x?x24xf32> {onnx.name = "y", onnx.dims = ["b", "s", 24]}) {
  %y = trine.gated_mlp %x weights(%g, %d : tensor<16x40xf32>, tensor<40x24xf32>) up(%u : tensor<16x40xf32>) activation silu_gated
    : tensor<?x?x16xf32> -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// -----

// A route by table: both the rows and the entries of the table are checked.
// CHECK-LABEL: func.func @main(
// CHECK: trine.require %{{.*}}, "token ids of a route must be rows of its table"
// CHECK: trine.require %{{.*}}, "the table of a route must hold numbers of experts"
// LOWER-LABEL: func.func private @route_0
// LOWER: math.log1p
// LOWER: math.sqrt
// LOWER-LABEL: func.func @trine_program_run
func.func @main(%l: tensor<?x6xf32> {onnx.name = "l", onnx.dims = ["n", 6]}, %t: tensor<?xi64> {onnx.name = "t", onnx.dims = ["n"]},
                %m: tensor<9x2xi64> {onnx.name = "m", onnx.dims = [9, 2]})
    -> (tensor<?x2xi64> {onnx.name = "i", onnx.dims = ["n", 2]}, tensor<?x2xf32> {onnx.name = "w", onnx.dims = ["n", 2]}) {
  %i, %w = trine.moe.route %l token_ids(%t : tensor<?xi64>) table(%m : tensor<9x2xi64>) scoring sqrt_softplus k 2 groups 1 keep 1 by max masked zero
    renormalize epsilon 0.0 scale 1.5 before_division : tensor<?x6xf32> -> tensor<?x2xi64>, tensor<?x2xf32>
  return %i, %w : tensor<?x2xi64>, tensor<?x2xf32>
}

// -----

// Weights of files, assembled or interleaved, are stored in panels of 32 columns of each half; pieces are cut where halves meet.
// PLAN: plan.weight {{.*}} : tensor<3x16x40xbf16> permutation [0, 1, 2] outer [] inner [1, 2] tiles [32, 2] stored tensor<3x1x20x32x2xbf16>
// PLAN: plan.weight {{.*}} pieces [#trine.piece<"m.onnx" at 0 strides{{ ?}}[1280, 640, 16, 1] into{{ ?}}[0, 0, 0, 0] sizes{{ ?}}[3, 1, 40, 16]>,
// PLAN-SAME: #trine.piece<"m.onnx" at 2560 strides{{ ?}}[1280, 640, 16, 1] into{{ ?}}[0, 1, 0, 0] sizes{{ ?}}[3, 1, 10, 16]>,
// PLAN-SAME: #trine.piece<"m.onnx" at 3200 strides{{ ?}}[1280, 640, 16, 1] into{{ ?}}[0, 1, 10, 0] sizes{{ ?}}[3, 1, 30, 16]>] : tensor<3x2x40x16xf32>
// PLAN-SAME: inner [2] tiles [32] stored tensor<3x2x2x16x32xf32>
// PLAN: plan.kernel @grouped_matmul_0
// PLAN: linalg.unpack {{.*}} inner_dims_pos = [2] inner_tiles = [32]
// PLAN: trine.moe.grouped_matmul
// LOWER-LABEL: func.func private @grouped_matmul_0
// LOWER-NOT: memref.alloc(
// LOWER-LABEL: func.func private @grouped_matmul_1
func.func @main(%x: tensor<?x16xf32> {onnx.name = "x", onnx.dims = ["n", 16]}, %l: tensor<?x3xf32> {onnx.name = "l", onnx.dims = ["n", 3]})
    -> (tensor<?x16xf32> {onnx.name = "y", onnx.dims = ["n", 16]}) {
  %gu = trine.assembled_weight "gu" [#trine.piece<"m.onnx" at 0 strides [1280, 16, 1] into [0, 0, 0] sizes [3, 50, 16]>,
    #trine.piece<"m.onnx" at 3200 strides [1280, 16, 1] into [0, 50, 0] sizes [3, 30, 16]>] : tensor<3x80x16xf32>
  %d = trine.weight "d" from "m.onnx" at 15360 length 3840 : tensor<3x16x40xbf16>
  %i, %w = trine.moe.route %l scoring softmax k 2 groups 1 keep 1 by max masked zero epsilon 0.0 scale 1.0 after_division
    : tensor<?x3xf32> -> tensor<?x2xi64>, tensor<?x2xf32>
  %y = trine.moe.experts %x routed(%i, %w : tensor<?x2xi64>, tensor<?x2xf32>) weights(%gu, %d : tensor<3x80x16xf32>, tensor<3x16x40xbf16>)
    activation silu_gated gate_up concatenated : tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
