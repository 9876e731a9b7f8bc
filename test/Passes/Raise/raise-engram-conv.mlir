// RUN: trine-opt %s --mlir-disable-threading --trine-raise-engram-conv --remarks-filter-missed=trine-raise-engram-conv --remark-format=emitRemark 2>&1 | FileCheck %s

// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but the state has 9 rows, but 4 taps and dilation 2 need 6 at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but it has 8 zeros before the first row, but 4 taps and dilation 3 need 9 at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but the state and the rows are used together elsewhere at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but a part of it is used elsewhere at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but it reads rows after its own at
// CHECK: remark: {{.*}}looks like a causal depthwise convolution, but the state has s rows, but 4 taps and dilation 3 need 9 at

// CHECK-LABEL: func.func @state
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x64xf32> {{.*}}, %[[S:[a-z0-9]+]]: tensor<?x9x64xf32>
// CHECK: %[[W:.*]] = onnx.Reshape(%{{.*}}) {{.*}} -> tensor<64x4xf32>
// CHECK: %[[Y:.*]], %[[P:.*]] = trine.engram.conv %[[X]], %[[S]], %[[W]] dilation 3 {trine.form = "engram-conv"}
// CHECK-NOT: onnx.{{Conv|Concat|Transpose|Slice}}
// CHECK: return %[[Y]], %[[P]]
func.func @state(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %xt = onnx.Transpose(%cat) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%c) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %present : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}

// Channels first throughout, with a bias.
// CHECK-LABEL: func.func @channels_first
// CHECK: %[[X:.*]] = onnx.Transpose(%arg0) {perm = array<i64: 0, 2, 1>}
// CHECK: %[[S:.*]] = onnx.Transpose(%arg1) {perm = array<i64: 0, 2, 1>}
// CHECK: %[[Y:.*]], %[[P:.*]] = trine.engram.conv %[[X]], %[[S]], %{{.*}} dilation 3
// CHECK-NOT: onnx.Conv
// CHECK: %[[B:.*]] = onnx.Add(%[[Y]]
// CHECK: onnx.Transpose(%[[B]])
// CHECK: onnx.Transpose(%[[P]])
func.func @channels_first(%x: tensor<?x64x?xf32> {onnx.name = "x", onnx.dims = ["b", 64, "s"]}, %s: tensor<?x64x9xf32> {onnx.name = "state", onnx.dims = ["b", 64, 9]}) -> (tensor<?x64x?xf32>, tensor<?x64x9xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %b = onnx.Initializer "bias" from "weights" at 1024 length 256 : tensor<64xf32>
  %cat = onnx.Concat(%s, %x) {axis = 2 : i64} : (tensor<?x64x9xf32>, tensor<?x64x?xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %y = onnx.Conv(%cat, %w, %b) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, tensor<64xf32>) -> tensor<?x64x?xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c2, %c1) : (tensor<?x64x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x64x9xf32>
  return %y, %present : tensor<?x64x?xf32>, tensor<?x64x9xf32>
}

// A prefill graph, padded on both sides and cut.
// CHECK-LABEL: func.func @padded
// CHECK: %[[Z:.*]] = onnx.Expand(%{{.*}}) : {{.*}} -> tensor<?x9x64xf32>
// CHECK: %[[Y:.*]], %{{.*}} = trine.engram.conv %arg0, %[[Z]], %{{.*}} dilation 3 {trine.form = "engram-conv-zeros"}
// CHECK-NOT: onnx.{{Conv|Transpose|Slice}}
// CHECK: return %[[Y]]
func.func @padded(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %xt = onnx.Transpose(%x) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 9, 9>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %cut = onnx.Slice(%c, %c0, %seq, %c2, %c1) : (tensor<?x64x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%cut) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  return %y : tensor<?x?x64xf32>
}

// Twins: another dilation; a row too few; an extra use of the state and rows, and of an inner value; rows that come later; state after the rows;
// more than one channel in a group.
// CHECK-LABEL: func.func @dilation
// CHECK-NOT: trine.engram.conv
func.func @dilation(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %xt = onnx.Transpose(%cat) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 2>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%c) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %present : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}

func.func @zeros(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}) -> (tensor<?x64x?xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %xt = onnx.Transpose(%x) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 8, 9>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %cut = onnx.Slice(%c, %c0, %seq, %c2, %c1) : (tensor<?x64x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%cut) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  return %c : tensor<?x64x?xf32>
}

func.func @sequence_used(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x?x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %xt = onnx.Transpose(%cat) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%c) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %cat : tensor<?x?x64xf32>, tensor<?x?x64xf32>
}

func.func @inner_used(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x64x?xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %xt = onnx.Transpose(%cat) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%c) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %xt : tensor<?x?x64xf32>, tensor<?x64x?xf32>
}

func.func @future(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}) -> (tensor<?x64x?xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %seq = onnx.Shape(%x) {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %xt = onnx.Transpose(%x) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 9, 9>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %cut = onnx.Slice(%c, %c0, %seq, %c2, %c1) : (tensor<?x64x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%cut) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  return %c : tensor<?x64x?xf32>
}

func.func @state_after(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %cat = onnx.Concat(%x, %s) {axis = 1 : i64} : (tensor<?x?x64xf32>, tensor<?x9x64xf32>) -> tensor<?x?x64xf32>
  %xt = onnx.Transpose(%cat) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 1024 : tensor<64x1x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 64 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x1x4xf32>, none) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%c) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y : tensor<?x?x64xf32>
}

func.func @channels(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["b", "s", 64]}, %s: tensor<?x9x64xf32> {onnx.name = "state", onnx.dims = ["b", 9, 64]}) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %n = onnx.None
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %last9 = onnx.Constant dense<-9> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %cat = onnx.Concat(%s, %x) {axis = 1 : i64} : (tensor<?x9x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %xt = onnx.Transpose(%cat) {perm = array<i64: 0, 2, 1>} : (tensor<?x?x64xf32>) -> tensor<?x64x?xf32>
  %w = onnx.Initializer "conv" from "weights" at 0 length 2048 : tensor<64x2x4xf32>
  %c = onnx.Conv(%xt, %w, %n) {dilations = array<i64: 3>, group = 32 : i64, kernel_shape = array<i64: 4>, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<?x64x?xf32>, tensor<64x2x4xf32>, none) -> tensor<?x64x?xf32>
  %y = onnx.Transpose(%c) {perm = array<i64: 0, 2, 1>} : (tensor<?x64x?xf32>) -> tensor<?x?x64xf32>
  %present = onnx.Slice(%cat, %last9, %end, %c1, %c1) : (tensor<?x?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x9x64xf32>
  return %y, %present : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}
