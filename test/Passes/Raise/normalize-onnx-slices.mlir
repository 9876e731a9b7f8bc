// RUN: trine-opt %s --trine-normalize-onnx --cse --split-input-file | FileCheck %s

// One axis each, positions from the beginning; a Slice of a Slice is one; a Slice of all is none.
// CHECK-LABEL: func.func @slices
// CHECK-SAME: %[[X:.*]]: tensor<?x12xf32>
// CHECK-DAG: %[[ROWS:.*]] = onnx.Slice(%[[X]], %[[ONE:.*]], %[[END:.*]], %[[ZERO:.*]], %[[ONE]])
// CHECK-DAG: %[[ONE]] = onnx.Constant dense<1> : tensor<1xi64>
// CHECK-DAG: %[[END]] = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
// CHECK-DAG: %[[ZERO]] = onnx.Constant dense<0> : tensor<1xi64>
// CHECK-DAG: %[[FROM:.*]] = onnx.Constant dense<5> : tensor<1xi64>
// CHECK-DAG: %[[TO:.*]] = onnx.Constant dense<10> : tensor<1xi64>
// CHECK: %[[S:.*]] = onnx.Slice(%[[ROWS]], %[[FROM]], %[[TO]], %[[ONE]], %{{.*}}) {{.*}} -> tensor<?x3xf32>
// CHECK-NEXT: return %[[S]], %[[X]]
func.func @slices(%x: tensor<?x12xf32> {onnx.dims = ["n", 12]}) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %starts = onnx.Constant dense<[1, -8]> : tensor<2xi64>
  %ends = onnx.Constant dense<[2147483647, 100]> : tensor<2xi64>
  %none = onnx.None
  %0 = onnx.Slice(%x, %starts, %ends, %none, %none) : (tensor<?x12xf32>, tensor<2xi64>, tensor<2xi64>, none, none) -> tensor<?x?xf32>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %six = onnx.Constant dense<6> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %1 = onnx.Slice(%0, %one, %six, %minus, %two) : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %n = onnx.Shape(%x) {end = 1 : i64} : (tensor<?x12xf32>) -> tensor<1xi64>
  %2 = onnx.Slice(%x, %zero, %n, %zero, %one) : (tensor<?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  return %1, %2 : tensor<?x?xf32>, tensor<?x?xf32>
}

// -----

// Backwards: as it is.
// CHECK-LABEL: func.func @backwards
// CHECK: onnx.Constant dense<-2> : tensor<1xi64>
// CHECK: onnx.Slice
func.func @backwards(%x: tensor<12xf32>) -> tensor<?xf32> {
  %start = onnx.Constant dense<-1> : tensor<1xi64>
  %end = onnx.Constant dense<-13> : tensor<1xi64>
  %axis = onnx.Constant dense<0> : tensor<1xi64>
  %step = onnx.Constant dense<-2> : tensor<1xi64>
  %0 = onnx.Slice(%x, %start, %end, %axis, %step) : (tensor<12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// A Slice of a Concat at the borders of parts, or within one; not over a border.
// CHECK-LABEL: func.func @sliceOfConcat
// CHECK-SAME: %[[P:[^:]*]]: tensor<?x4xf32>
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>
// CHECK-SAME: %[[A:[^:]*]]: tensor<3xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<5xf32>
// CHECK: %[[J:.*]] = onnx.Concat(%[[A]], %[[B]])
// CHECK: %[[IN:.*]] = onnx.Slice(%[[B]], {{.*}} -> tensor<2xf32>
// CHECK: %[[OVER:.*]] = onnx.Slice(%[[J]], {{.*}} -> tensor<2xf32>
// CHECK: return %[[X]], %[[P]], %[[IN]], %[[OVER]]
func.func @sliceOfConcat(%p: tensor<?x4xf32> {onnx.dims = ["past", 4]}, %x: tensor<?x4xf32> {onnx.dims = ["seq", 4]}, %a: tensor<3xf32>, %b: tensor<5xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %far = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %past = onnx.Shape(%p) {end = 1 : i64} : (tensor<?x4xf32>) -> tensor<1xi64>
  %c = onnx.Concat(%p, %x) {axis = -2 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x?xf32>
  %0 = onnx.Slice(%c, %past, %far, %zero, %one) : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  %1 = onnx.Slice(%c, %zero, %past, %zero, %one) : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  %d = onnx.Concat(%a, %b) {axis = 0 : i64} : (tensor<3xf32>, tensor<5xf32>) -> tensor<?xf32>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %six = onnx.Constant dense<6> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %2 = onnx.Slice(%d, %four, %six, %zero, %one) : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  %3 = onnx.Slice(%d, %two, %four, %zero, %one) : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %0, %1, %2, %3 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
}

// -----

// Split of known sizes is Slices; joined again in order it is the whole.
// CHECK-LABEL: func.func @split
// CHECK-SAME: %[[X:.*]]: tensor<?x7xf32>
// CHECK-DAG: %[[A:.*]] = onnx.Slice(%[[X]], {{.*}} -> tensor<?x4xf32>
// CHECK-DAG: %[[B:.*]] = onnx.Slice(%[[X]], {{.*}} -> tensor<?x3xf32>
// CHECK: %[[C:.*]] = onnx.Concat(%[[B]], %[[A]])
// CHECK-NEXT: return %[[C]], %[[X]]
func.func @split(%x: tensor<?x7xf32> {onnx.dims = ["n", 7]}) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %none = onnx.None
  %0:2 = onnx.Split(%x, %none) {axis = -1 : i64, num_outputs = 2 : i64} : (tensor<?x7xf32>, none) -> (tensor<?x?xf32>, tensor<?x?xf32>)
  %1 = onnx.Concat(%0#1, %0#0) {axis = 1 : i64} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %2 = onnx.Concat(%0#0, %0#1) {axis = 1 : i64} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %1, %2 : tensor<?x?xf32>, tensor<?x?xf32>
}

// -----

// Gather of a row, or of rows in order, is a Slice; in another order, or of an axis of unknown size, it stays.
// CHECK-LABEL: func.func @gather
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>
// CHECK: %[[S:.*]] = onnx.Slice(%[[X]], {{.*}} -> tensor<?x1xf32>
// CHECK: %[[R:.*]] = onnx.Reshape(%[[S]], {{.*}} -> tensor<?xf32>
// CHECK: %[[T:.*]] = onnx.Slice(%[[X]], {{.*}} -> tensor<?x2xf32>
// CHECK: %[[G:.*]] = onnx.Gather(%[[X]], %{{.*}}) {axis = 1 : i64} {{.*}} -> tensor<?x2xf32>
// CHECK: %[[H:.*]] = onnx.Gather(%[[X]], %{{.*}}) : {{.*}} -> tensor<4xf32>
// CHECK: return %[[R]], %[[T]], %[[G]], %[[H]]
func.func @gather(%x: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> (tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>) {
  %i = onnx.Constant dense<-2> : tensor<i64>
  %j = onnx.Constant dense<[1, 2]> : tensor<2xi64>
  %k = onnx.Constant dense<[2, 1]> : tensor<2xi64>
  %z = onnx.Constant dense<0> : tensor<i64>
  %0 = onnx.Gather(%x, %i) {axis = 1 : i64} : (tensor<?x4xf32>, tensor<i64>) -> tensor<?xf32>
  %1 = onnx.Gather(%x, %j) {axis = 1 : i64} : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %2 = onnx.Gather(%x, %k) {axis = 1 : i64} : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %3 = onnx.Gather(%x, %z) {axis = 0 : i64} : (tensor<?x4xf32>, tensor<i64>) -> tensor<?xf32>
  return %0, %1, %2, %3 : tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
}

// -----

// The key of exporters: two slice-scatters into an empty tensor, below transposes, are a Concat.
// CHECK-LABEL: func.func @sliceScatter
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x16xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<?x8xf32>
// CHECK: %[[C:.*]] = onnx.Concat(%[[A]], %[[B]]) {axis = 1 : i64}
// CHECK-NEXT: return %[[C]]
func.func @sliceScatter(%a: tensor<?x16xf32> {onnx.dims = ["n", 16]}, %b: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> tensor<?x?xf32> {
  %n = onnx.Shape(%a) {end = 1 : i64} : (tensor<?x16xf32>) -> tensor<1xi64>
  %w = onnx.Constant dense<24> : tensor<1xi64>
  %s = onnx.Concat(%n, %w) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %fill = onnx.ConstantOfShape(%s) : (tensor<2xi64>) -> tensor<?x?xf32>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64>
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c16 = onnx.Constant dense<16> : tensor<1xi64>
  %far = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %width = onnx.Constant dense<24> : tensor<i64>
  %r = onnx.Range(%zero, %width, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %r0 = onnx.Slice(%r, %c0, %c16, %c0, %c1) : (tensor<?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %i0 = onnx.Unsqueeze(%r0, %last) : (tensor<?xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %r1 = onnx.Slice(%r, %c16, %far, %c0, %c1) : (tensor<?xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xi64>
  %i1 = onnx.Unsqueeze(%r1, %last) : (tensor<?xi64>, tensor<1xi64>) -> tensor<?x?xi64>
  %ta = onnx.Transpose(%a) {perm = array<i64: 1, 0>} : (tensor<?x16xf32>) -> tensor<?x?xf32>
  %tf = onnx.Transpose(%fill) {perm = array<i64: 1, 0>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %0 = onnx.ScatterND(%tf, %i0, %ta) : (tensor<?x?xf32>, tensor<?x?xi64>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = onnx.Transpose(%0) {perm = array<i64: 1, 0>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %tb = onnx.Transpose(%b) {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<?x?xf32>
  %t1 = onnx.Transpose(%1) {perm = array<i64: 1, 0>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %2 = onnx.ScatterND(%t1, %i1, %tb) : (tensor<?x?xf32>, tensor<?x?xi64>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %3 = onnx.Transpose(%2) {perm = array<i64: 1, 0>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %3 : tensor<?x?xf32>
}

// -----

// Rows in another order, and sums, are scatters.
// CHECK-LABEL: func.func @scatterTwins
// CHECK: onnx.ScatterND
// CHECK: onnx.ScatterND(%{{.*}}) {reduction = "add"}
func.func @scatterTwins(%x: tensor<4x2xf32>, %u: tensor<2x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %i = onnx.Constant dense<[[1], [0]]> : tensor<2x1xi64>
  %j = onnx.Constant dense<[[0], [1]]> : tensor<2x1xi64>
  %0 = onnx.ScatterND(%x, %i, %u) : (tensor<4x2xf32>, tensor<2x1xi64>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %1 = onnx.ScatterND(%x, %j, %u) {reduction = "add"} : (tensor<4x2xf32>, tensor<2x1xi64>, tensor<2x2xf32>) -> tensor<4x2xf32>
  return %0, %1 : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// Elements of an axis replaced in order, at the end.
// CHECK-LABEL: func.func @scatterElements
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x5xf32>
// CHECK-SAME: %[[U:[^:]*]]: tensor<?x2xf32>
// CHECK: %[[S:.*]] = onnx.Slice(%[[X]], {{.*}} -> tensor<?x3xf32>
// CHECK: %[[C:.*]] = onnx.Concat(%[[S]], %[[U]]) {axis = 1 : i64}
// CHECK: %[[T:.*]] = onnx.ScatterElements(
// CHECK: return %[[C]], %[[T]]
func.func @scatterElements(%x: tensor<?x5xf32> {onnx.dims = ["n", 5]}, %u: tensor<?x2xf32> {onnx.dims = ["n", 2]}) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %s = onnx.Shape(%u) : (tensor<?x2xf32>) -> tensor<2xi64>
  %i = onnx.Constant dense<[3, 4]> : tensor<2xi64>
  %j = onnx.Constant dense<[4, 3]> : tensor<2xi64>
  %i2 = onnx.Expand(%i, %s) : (tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xi64>
  %j2 = onnx.Expand(%j, %s) : (tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xi64>
  %0 = onnx.ScatterElements(%x, %i2, %u) {axis = -1 : i64} : (tensor<?x5xf32>, tensor<?x?xi64>, tensor<?x2xf32>) -> tensor<?x?xf32>
  %1 = onnx.ScatterElements(%x, %j2, %u) {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x?xi64>, tensor<?x2xf32>) -> tensor<?x?xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<?x?xf32>
}

// -----

// Axes are counted from the first dimension, but OneHot's, which is one of its result.
// CHECK-LABEL: func.func @axes
// CHECK: onnx.Softmax({{.*}}) {axis = 1 : i64}
// The defaults, 0 and -1, are not printed.
// CHECK: onnx.Gather(%{{.*}}, %{{.*}}) : 
// CHECK: onnx.OneHot(%{{.*}}, %{{.*}}, %{{.*}}) : 
func.func @axes(%x: tensor<?x12xf32> {onnx.dims = ["n", 12]}, %i: tensor<5xi64>, %v: tensor<2xf32>) -> (tensor<?x12xf32>, tensor<5x12xf32>, tensor<5x3xf32>) {
  %0 = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<?x12xf32>) -> tensor<?x12xf32>
  %1 = onnx.Gather(%x, %i) {axis = -2 : i64} : (tensor<?x12xf32>, tensor<5xi64>) -> tensor<5x12xf32>
  %d = onnx.Constant dense<3> : tensor<i64>
  %2 = onnx.OneHot(%i, %d, %v) {axis = -1 : i64} : (tensor<5xi64>, tensor<i64>, tensor<2xf32>) -> tensor<5x3xf32>
  return %0, %1, %2 : tensor<?x12xf32>, tensor<5x12xf32>, tensor<5x3xf32>
}

// -----

// TorchScript's x[..., 0:2] = a; x[..., 2:5] = b: each element has its coordinates.
// CHECK-LABEL: func.func @boxes
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<?x3x2xf32>
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<?x3x3xf32>
// CHECK: %[[R:.*]] = onnx.Concat(%[[A]], %[[B]]) {axis = 2 : i64}
// CHECK-NOT: onnx.ScatterND
// CHECK: return %[[R]]
func.func @boxes(%a: tensor<?x3x2xf32> {onnx.dims = ["b", 3, 2]}, %b: tensor<?x3x3xf32> {onnx.dims = ["b", 3, 3]}) -> tensor<?x3x5xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %i0 = onnx.Constant dense<0> : tensor<i64>
  %i1 = onnx.Constant dense<1> : tensor<i64>
  %scalar = onnx.Constant dense<> : tensor<0xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %rest = onnx.Constant dense<[3, 5]> : tensor<2xi64>
  %restA = onnx.Constant dense<[3, 2]> : tensor<2xi64>
  %restB = onnx.Constant dense<[3, 3]> : tensor<2xi64>
  %column = onnx.Constant dense<[-1, 1, 1]> : tensor<3xi64>
  %heads = onnx.Constant dense<[[0], [1], [2]]> : tensor<3x1xi64>
  %firsts = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %lasts = onnx.Constant dense<[2, 3, 4]> : tensor<3xi64>
  %n = onnx.Shape(%a) {start = 0 : i64, end = 1 : i64} : (tensor<?x3x2xf32>) -> tensor<1xi64>
  %n0 = onnx.Reshape(%n, %scalar) {allowzero = 1 : i64} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %range = onnx.Range(%i0, %n0, %i1) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %batches = onnx.Reshape(%range, %column) {allowzero = 1 : i64} : (tensor<?xi64>, tensor<3xi64>) -> tensor<?x1x1xi64>
  %all = onnx.Concat(%n, %rest) {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %new = onnx.Expand(%zero, %all) : (tensor<f32>, tensor<3xi64>) -> tensor<?x3x5xf32>
  %sizesA = onnx.Concat(%n, %restA) {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %eachA = onnx.Concat(%sizesA, %one) {axis = 0 : i64} : (tensor<3xi64>, tensor<1xi64>) -> tensor<4xi64>
  %a0 = onnx.Expand(%batches, %sizesA) : (tensor<?x1x1xi64>, tensor<3xi64>) -> tensor<?x3x2xi64>
  %a1 = onnx.Expand(%heads, %sizesA) : (tensor<3x1xi64>, tensor<3xi64>) -> tensor<?x3x2xi64>
  %a2 = onnx.Expand(%firsts, %sizesA) : (tensor<2xi64>, tensor<3xi64>) -> tensor<?x3x2xi64>
  %a3 = onnx.Reshape(%a0, %eachA) {allowzero = 1 : i64} : (tensor<?x3x2xi64>, tensor<4xi64>) -> tensor<?x3x2x1xi64>
  %a4 = onnx.Reshape(%a1, %eachA) {allowzero = 1 : i64} : (tensor<?x3x2xi64>, tensor<4xi64>) -> tensor<?x3x2x1xi64>
  %a5 = onnx.Reshape(%a2, %eachA) {allowzero = 1 : i64} : (tensor<?x3x2xi64>, tensor<4xi64>) -> tensor<?x3x2x1xi64>
  %ia = onnx.Concat(%a3, %a4, %a5) {axis = -1 : i64} : (tensor<?x3x2x1xi64>, tensor<?x3x2x1xi64>, tensor<?x3x2x1xi64>) -> tensor<?x3x2x3xi64>
  %with = onnx.ScatterND(%new, %ia, %a) : (tensor<?x3x5xf32>, tensor<?x3x2x3xi64>, tensor<?x3x2xf32>) -> tensor<?x3x5xf32>
  %sizesB = onnx.Concat(%n, %restB) {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %eachB = onnx.Concat(%sizesB, %one) {axis = 0 : i64} : (tensor<3xi64>, tensor<1xi64>) -> tensor<4xi64>
  %b0 = onnx.Expand(%batches, %sizesB) : (tensor<?x1x1xi64>, tensor<3xi64>) -> tensor<?x3x3xi64>
  %b1 = onnx.Expand(%heads, %sizesB) : (tensor<3x1xi64>, tensor<3xi64>) -> tensor<?x3x3xi64>
  %b2 = onnx.Expand(%lasts, %sizesB) : (tensor<3xi64>, tensor<3xi64>) -> tensor<?x3x3xi64>
  %b3 = onnx.Reshape(%b0, %eachB) {allowzero = 1 : i64} : (tensor<?x3x3xi64>, tensor<4xi64>) -> tensor<?x3x3x1xi64>
  %b4 = onnx.Reshape(%b1, %eachB) {allowzero = 1 : i64} : (tensor<?x3x3xi64>, tensor<4xi64>) -> tensor<?x3x3x1xi64>
  %b5 = onnx.Reshape(%b2, %eachB) {allowzero = 1 : i64} : (tensor<?x3x3xi64>, tensor<4xi64>) -> tensor<?x3x3x1xi64>
  %ib = onnx.Concat(%b3, %b4, %b5) {axis = -1 : i64} : (tensor<?x3x3x1xi64>, tensor<?x3x3x1xi64>, tensor<?x3x3x1xi64>) -> tensor<?x3x3x3xi64>
  %both = onnx.ScatterND(%with, %ib, %b) : (tensor<?x3x5xf32>, tensor<?x3x3x3xi64>, tensor<?x3x3xf32>) -> tensor<?x3x5xf32>
  return %both : tensor<?x3x5xf32>
}

// -----

// Coordinates out of order, and heads that begin at 1, are no box that covers the others.
// CHECK-LABEL: func.func @no_boxes
// CHECK: onnx.ScatterND
// CHECK: onnx.ScatterND
func.func @no_boxes(%x: tensor<3x5xf32>, %a: tensor<3x2xf32>, %b: tensor<2x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  %rows = onnx.Constant dense<[[[0], [0]], [[1], [1]], [[2], [2]]]> : tensor<3x2x1xi64>
  %turned = onnx.Constant dense<[[[1], [0]], [[1], [0]], [[1], [0]]]> : tensor<3x2x1xi64>
  %ia = onnx.Concat(%rows, %turned) {axis = 2 : i64} : (tensor<3x2x1xi64>, tensor<3x2x1xi64>) -> tensor<3x2x2xi64>
  %0 = onnx.ScatterND(%x, %ia, %a) : (tensor<3x5xf32>, tensor<3x2x2xi64>, tensor<3x2xf32>) -> tensor<3x5xf32>
  %shape = onnx.Constant dense<[2, 5]> : tensor<2xi64>
  %each = onnx.Constant dense<[2, 5, 1]> : tensor<3xi64>
  %some = onnx.Constant dense<[[0], [2]]> : tensor<2x1xi64>
  %columns = onnx.Constant dense<[0, 1, 2, 3, 4]> : tensor<5xi64>
  %b0 = onnx.Expand(%some, %shape) : (tensor<2x1xi64>, tensor<2xi64>) -> tensor<2x5xi64>
  %b1 = onnx.Expand(%columns, %shape) : (tensor<5xi64>, tensor<2xi64>) -> tensor<2x5xi64>
  %b2 = onnx.Reshape(%b0, %each) {allowzero = 1 : i64} : (tensor<2x5xi64>, tensor<3xi64>) -> tensor<2x5x1xi64>
  %b3 = onnx.Reshape(%b1, %each) {allowzero = 1 : i64} : (tensor<2x5xi64>, tensor<3xi64>) -> tensor<2x5x1xi64>
  %ib = onnx.Concat(%b2, %b3) {axis = 2 : i64} : (tensor<2x5x1xi64>, tensor<2x5x1xi64>) -> tensor<2x5x2xi64>
  %1 = onnx.ScatterND(%x, %ib, %b) : (tensor<3x5xf32>, tensor<2x5x2xi64>, tensor<2x5xf32>) -> tensor<3x5xf32>
  return %0, %1 : tensor<3x5xf32>, tensor<3x5xf32>
}

// -----

// TorchScript's repeat_interleave: the repeats are a one-hot row.
// CHECK-LABEL: func.func @one_hot_repeats
// CHECK: onnx.Expand(%{{.*}} -> tensor<?x3x4xf32>
// CHECK-NOT: onnx.OneHot
// CHECK-NOT: onnx.Tile
func.func @one_hot_repeats(%x: tensor<?x4xf32> {onnx.dims = ["n", 4]}) -> tensor<?x3x4xf32> {
  %place = onnx.Constant dense<1> : tensor<1xi64>
  %depth = onnx.Constant dense<3> : tensor<i64>
  %values = onnx.Constant dense<[1, 3]> : tensor<2xi64>
  %flat = onnx.Constant dense<-1> : tensor<1xi64>
  %each = onnx.Constant dense<[-1, 1, 4]> : tensor<3xi64>
  %rows = onnx.OneHot(%place, %depth, %values) : (tensor<1xi64>, tensor<i64>, tensor<2xi64>) -> tensor<1x3xi64>
  %repeats = onnx.Reshape(%rows, %flat) {allowzero = 1 : i64} : (tensor<1x3xi64>, tensor<1xi64>) -> tensor<3xi64>
  %x3 = onnx.Reshape(%x, %each) {allowzero = 1 : i64} : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x1x4xf32>
  %y = onnx.Tile(%x3, %repeats) : (tensor<?x1x4xf32>, tensor<3xi64>) -> tensor<*xf32>
  %z = onnx.Identity(%y) : (tensor<*xf32>) -> tensor<?x3x4xf32>
  return %z : tensor<?x3x4xf32>
}
