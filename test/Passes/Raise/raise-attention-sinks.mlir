// RUN: trine-opt %s --split-input-file --trine-raise-attention | FileCheck %s

// gpt-oss: each head has one more score in its softmax, whose weight is dropped. The output is scaled by what the other weights sum to.
// CHECK-LABEL: func.func @main
// CHECK: %[[SINK:.*]] = onnx.Reshape(%arg3, {{.*}} -> tensor<1x4x1xf32>
// CHECK: %[[O:.*]], %[[LSE:.*]] = trine.attention {{.*}} scale 2.5{{.*}} mask causal masked_row zero {trine.form = "attention-sinks"}
// CHECK: %[[D:.*]] = onnx.Sub(%[[LSE]], %[[SINK]])
// CHECK: %[[P:.*]] = onnx.Sigmoid(%[[D]])
// CHECK: %[[COLUMN:.*]] = onnx.Reshape(%[[P]]
// CHECK: onnx.Mul(%[[O]], %[[COLUMN]])
// CHECK-NOT: onnx.Softmax
func.func @main(%q: tensor<?x4x?x24xf32> {onnx.name = "q", onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.name = "k", onnx.dims = ["b", 4, "past + s", 24]}, %v: tensor<?x4x?x16xf32> {onnx.name = "v", onnx.dims = ["b", 4, "past + s", 16]}, %sink: tensor<4xf32> {onnx.name = "sink", onnx.dims = [4]}) -> (tensor<?x4x?x16xf32> {onnx.name = "out0"}) {
  %none = onnx.None
  %scale = onnx.Constant dense<0.25> : tensor<f32>
  %fill = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %keep = onnx.Constant dense<0.0> : tensor<f32>
  %i0 = onnx.Constant dense<0> : tensor<i64>
  %i1 = onnx.Constant dense<1> : tensor<i64>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %axis = onnx.Constant dense<3> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %pads = onnx.Constant dense<[0, 0, 0, 0, 0, 0, 0, 1]> : tensor<8xi64>
  %rowShape = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %s4shape = onnx.Constant dense<[1, 4, 1, 1]> : tensor<4xi64>
  %b = onnx.Shape(%q) {start = 0 : i64, end = 1 : i64} : (tensor<?x4x?x24xf32>) -> tensor<1xi64>
  %s = onnx.Shape(%q) {start = 2 : i64, end = 3 : i64} : (tensor<?x4x?x24xf32>) -> tensor<1xi64>
  %t = onnx.Shape(%k) {start = 2 : i64, end = 3 : i64} : (tensor<?x4x?x24xf32>) -> tensor<1xi64>
  %empty = onnx.Constant dense<> : tensor<0xi64>
  %s0 = onnx.Reshape(%s, %empty) {allowzero = 1 : i64} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %t0 = onnx.Reshape(%t, %empty) {allowzero = 1 : i64} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %p0 = onnx.Sub(%t0, %s0) : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %columns = onnx.Range(%i0, %t0, %i1) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %rows0 = onnx.Range(%i0, %s0, %i1) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %rows1 = onnx.Add(%rows0, %p0) : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %rows = onnx.Reshape(%rows1, %rowShape) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %sees = onnx.LessOrEqual(%columns, %rows) : (tensor<?xi64>, tensor<?x1xi64>) -> tensor<*xi1>
  %mask = onnx.Where(%sees, %keep, %fill) : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %scaled = onnx.Mul(%qk, %scale) : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %masked = onnx.Add(%scaled, %mask) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %s4 = onnx.Reshape(%sink, %s4shape) {allowzero = 1 : i64} : (tensor<4xf32>, tensor<4xi64>) -> tensor<1x4x1x1xf32>
  %wide = onnx.Concat(%b, %one, %s, %one) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %sinks = onnx.Expand(%s4, %wide) : (tensor<1x4x1x1xf32>, tensor<4xi64>) -> tensor<*xf32>
  %all = onnx.Concat(%masked, %sinks) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %largest = onnx.ReduceMax(%all, %last) : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %shifted = onnx.Sub(%all, %largest) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%shifted) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %kept = onnx.Slice(%w, %zero, %last, %axis, %one) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %o = onnx.MatMul(%kept, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  %out = onnx.Identity(%o) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  return %out : tensor<?x4x?x16xf32>
}

// -----

// The sink may stand in front, and the maximum need not be subtracted before.
// CHECK-LABEL: func.func @first
// CHECK: trine.attention {{.*}} mask none masked_row zero {trine.form = "attention-sinks"}
// CHECK-NOT: onnx.Softmax
func.func @first(%q: tensor<?x4x?x24xf32> {onnx.name = "q", onnx.dims = ["b", 4, "s", 24]}, %k: tensor<?x4x?x24xf32> {onnx.name = "k", onnx.dims = ["b", 4, "t", 24]}, %v: tensor<?x4x?x16xf32> {onnx.name = "v", onnx.dims = ["b", 4, "t", 16]}) -> (tensor<?x4x?x16xf32> {onnx.name = "out0"}) {
  %sink = onnx.Constant dense<0.5> : tensor<1x1x1x1xf32>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %axis = onnx.Constant dense<3> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %b = onnx.Shape(%q) {start = 0 : i64, end = 1 : i64} : (tensor<?x4x?x24xf32>) -> tensor<1xi64>
  %s = onnx.Shape(%q) {start = 2 : i64, end = 3 : i64} : (tensor<?x4x?x24xf32>) -> tensor<1xi64>
  %kt = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x24xf32>) -> tensor<*xf32>
  %qk = onnx.MatMul(%q, %kt) : (tensor<?x4x?x24xf32>, tensor<*xf32>) -> tensor<*xf32>
  %wide = onnx.Concat(%b, %four, %s, %one) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %sinks = onnx.Expand(%sink, %wide) : (tensor<1x1x1x1xf32>, tensor<4xi64>) -> tensor<*xf32>
  %all = onnx.Concat(%sinks, %qk) {axis = 3 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %w = onnx.Softmax(%all) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %kept = onnx.Slice(%w, %one, %end, %axis, %one) : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %o = onnx.MatMul(%kept, %v) : (tensor<*xf32>, tensor<?x4x?x16xf32>) -> tensor<*xf32>
  %out = onnx.Identity(%o) : (tensor<*xf32>) -> tensor<?x4x?x16xf32>
  return %out : tensor<?x4x?x16xf32>
}
