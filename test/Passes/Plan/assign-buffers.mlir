// RUN: trine-opt %s --split-input-file --trine-assign-buffers --verify-diagnostics --allow-unregistered-dialect | FileCheck %s

// A launch writes its result of the model through the inverse of the views; what is between gets a buffer.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: memref<?x16xf32> {onnx.dims = ["n", 16], onnx.name = "x"})
// CHECK-SAME: plan.results = [{onnx.name = "y", type = tensor<?x4x4xf32>}]
// CHECK: %[[N:.*]] = memref.dim %[[X]]
// CHECK: %[[W:.*]] = plan.load_weight @w : memref<16xf32>
// CHECK: %[[B:.*]] = plan.buffer(%[[N]]) on @device0 space <device> : memref<?x16xf32>
// CHECK: plan.launch @add on @device0 queue 0 ins(%[[X]], %[[W]] : {{.*}}) outs(%[[B]] : memref<?x16xf32>)
// CHECK: %[[Y:.*]] = plan.output 0(%[[N]]) : memref<?x4x4xf32>
// CHECK: %[[V:.*]] = memref.collapse_shape %[[Y]] {{\[\[}}0], [1, 2]] : memref<?x4x4xf32> into memref<?x16xf32>
// CHECK: plan.launch @add on @device0 queue 0 ins(%[[B]], %[[W]] : {{.*}}) outs(%[[V]] : memref<?x16xf32>)
// CHECK: return{{$}}
plan.device @device0
plan.weight @w "w" from "m" at 0 length 64 : tensor<16xf32> permutation [0] outer [] inner [] tiles [] stored tensor<16xf32>
plan.kernel @add(%x: tensor<?x16xf32>, %w: tensor<16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {skeleton = "row"} {
  plan.return %x : tensor<?x16xf32>
}
func.func @main(%x: tensor<?x16xf32> {onnx.name = "x", onnx.dims = ["n", 16]}) -> (tensor<?x4x4xf32> {onnx.name = "y"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %w = plan.load_weight @w : tensor<16xf32>
  %e = tensor.empty(%n) : tensor<?x16xf32>
  %a = plan.launch @add on @device0 queue 0 ins(%x, %w : tensor<?x16xf32>, tensor<16xf32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %b = plan.launch @add on @device0 queue 0 ins(%a, %w : tensor<?x16xf32>, tensor<16xf32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = tensor.expand_shape %b [[0], [1, 2]] output_shape [%n, 4, 4] : tensor<?x16xf32> into tensor<?x4x4xf32>
  return %y : tensor<?x4x4xf32>
}

// -----

// An input, a weight and a second return of one value are copied.

// CHECK: plan.kernel @copy_result_0(%[[IN:.*]]: tensor<?xf32>, %[[OUT:.*]]: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "copy"}
// CHECK: %[[C:.*]] = linalg.copy ins(%[[IN]] : tensor<?xf32>) outs(%[[OUT]] : tensor<?xf32>)
// CHECK: plan.return %[[C]]
// CHECK-LABEL: func.func @main
// CHECK: %[[O1:.*]] = plan.output 1(
// CHECK: plan.launch @f on @device0 queue 0 ins(%{{.*}}) outs(%[[O1]]
// CHECK: %[[O0:.*]] = plan.output 0(
// CHECK: plan.launch @copy_result_0 on @device0 queue 0 ins(%{{.*}}) outs(%[[O0]]
// CHECK: %[[O2:.*]] = plan.output 2(
// CHECK: plan.launch @copy_result_2 on @device0 queue 0 ins(%[[O1]] : {{.*}}) outs(%[[O2]]
// CHECK: %[[O3:.*]] = plan.output 3()
// CHECK: plan.launch @copy_result_3 on @device0 queue 0 ins(%{{.*}}) outs(%[[O3]]
plan.device @device0
plan.weight @w "w" from "m" at 0 length 64 : tensor<16xf32> permutation [0] outer [] inner [] tiles [] stored tensor<16xf32>
plan.kernel @f(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "row"} {
  plan.return %x : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %w = plan.load_weight @w : tensor<16xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %a = plan.launch @f on @device0 queue 0 ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %x, %a, %a, %w : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<16xf32>
}

// -----

// An element-wise launch overwrites its dead input; not an input of the model, not one that is used again, not one read at other places.
// The kernel then finds the input in its destination. A kernel that is only launched in place has no other form.

// CHECK: plan.kernel @neg(%{{.*}}: tensor<?x?xf32>, %{{.*}}: tensor<?x?xf32>) -> tensor<?x?xf32>
// CHECK: plan.kernel @neg_in_place(%[[IO:.*]]: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "elementwise"}
// CHECK: linalg.generic {{.*}} outs(%[[IO]] : tensor<?x?xf32>)
// CHECK-NEXT: ^bb0(%[[ELEMENT:.*]]: f32):
// CHECK-NEXT: arith.negf %[[ELEMENT]]
// CHECK-NOT: plan.kernel @scale(
// CHECK: plan.kernel @scale_in_place(%[[BY:.*]]: tensor<?x?xf32>, %[[IO:.*]]: tensor<?x?xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[MAP:.*]], #[[MAP]]], {{.*}} ins(%[[BY]] : {{.*}} outs(%[[IO]]
// CHECK-NEXT: ^bb0(%[[B:.*]]: f32, %[[A:.*]]: f32):
// CHECK-NEXT: arith.mulf %[[A]], %[[B]]
// CHECK-NEXT: arith.addf %{{.*}}, %[[A]]
// CHECK-LABEL: func.func @main
// CHECK: %[[B0:.*]] = plan.buffer
// CHECK: plan.launch @neg {{.*}} ins(%{{.*}}) outs(%[[B0]]
// CHECK-NOT: plan.buffer
// CHECK: plan.launch @neg_in_place on @device0 queue 0 outs(%[[B0]] : memref<?x?xf32>)
// CHECK: %[[B1:.*]] = plan.buffer
// CHECK: plan.launch @neg {{.*}} ins(%[[B0]] : {{.*}}) outs(%[[B1]]
// CHECK: %[[B2:.*]] = plan.buffer
// CHECK: plan.launch @transpose {{.*}} ins(%[[B1]] : {{.*}}) outs(%[[B2]]
// CHECK: plan.launch @scale_in_place {{.*}} ins(%[[B0]] : {{.*}}) outs(%[[B2]]
// CHECK: %[[O:.*]] = plan.output 0
// CHECK: plan.launch @add {{.*}} ins(%[[B2]], %[[B0]] : {{.*}}) outs(%[[O]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#t = affine_map<(d0, d1) -> (d1, d0)>
plan.device @device0
plan.kernel @neg(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "elementwise"} {
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %b = arith.negf %a : f32
    linalg.yield %b : f32
  } -> tensor<?x?xf32>
  plan.return %r : tensor<?x?xf32>
}
plan.kernel @transpose(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "elementwise"} {
  %r = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %b = arith.negf %a : f32
    linalg.yield %b : f32
  } -> tensor<?x?xf32>
  plan.return %r : tensor<?x?xf32>
}
plan.kernel @add(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "elementwise"} {
  %r = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<?x?xf32>, tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x?xf32>
  plan.return %r : tensor<?x?xf32>
}
plan.kernel @scale(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "elementwise"} {
  %r = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y, %x : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %s = arith.mulf %a, %b : f32
    %t = arith.addf %s, %c : f32
    linalg.yield %t : f32
  } -> tensor<?x?xf32>
  plan.return %r : tensor<?x?xf32>
}
func.func @main(%x: tensor<?x?xf32> {onnx.dims = ["n", "n"]}) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
  %a = plan.launch @neg on @device0 queue 0 ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %b = plan.launch @neg on @device0 queue 0 ins(%a : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %c = plan.launch @neg on @device0 queue 0 ins(%b : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %d = plan.launch @transpose on @device0 queue 0 ins(%c : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %g = plan.launch @scale on @device0 queue 0 ins(%d, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %f = plan.launch @add on @device0 queue 0 ins(%g, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %f : tensor<?x?xf32>
}

// -----

// A size that is read gets its bound; one without a bound has none.

// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = memref.dim
// CHECK: %[[READ:.*]] = plan.read
// CHECK: %[[S:.*]] = arith.index_cast %[[READ]]
// CHECK: %[[MIN:.*]] = arith.minsi %[[S]], %[[N]]
// CHECK: %[[MAX:.*]] = arith.maxsi %[[MIN]]
// CHECK: plan.buffer(%[[MAX]]) bounds(%{{.*}}) on @device0
// CHECK: plan.buffer(%[[S]]) on @device0
plan.device @device0
plan.kernel @f(%x: tensor<?xi64>, %out: tensor<?xi64>) -> tensor<?xi64> attributes {skeleton = "row"} {
  plan.return %out : tensor<?xi64>
}
func.func @main(%x: tensor<?xi64>) -> tensor<?xi64> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xi64>
  %r = plan.read %x[%c0] on @device0 queue 0 : tensor<?xi64> -> i64
  %s = arith.index_cast %r : i64 to index
  %min = arith.minsi %s, %n : index
  %max = arith.maxsi %min, %c0 : index
  %e = tensor.empty(%max) : tensor<?xi64>
  %a = plan.launch @f on @device0 queue 0 ins(%x : tensor<?xi64>) outs(%e : tensor<?xi64>) -> tensor<?xi64>
  %e2 = tensor.empty(%s) : tensor<?xi64>
  %b = plan.launch @f on @device0 queue 0 ins(%a : tensor<?xi64>) outs(%e2 : tensor<?xi64>) -> tensor<?xi64>
  %c = plan.launch @f on @device0 queue 0 ins(%b : tensor<?xi64>) outs(%e : tensor<?xi64>) -> tensor<?xi64>
  return %c : tensor<?xi64>
}

// -----

plan.device @device0
func.func @main(%x: tensor<4xf32>, %o: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{is not an op of the launch sequence: expected launches, views and sizes only}}
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%o : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

plan.device @device0
plan.kernel @f(%x: tensor<4xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %x : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %o: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{destinations must be 'tensor.empty' before memory is assigned}}
  %y = plan.launch @f on @device0 queue 0 ins(%x : tensor<4xf32>) outs(%o : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

plan.device @device0
// expected-error @below {{arguments must be ranked tensors, got 'index'}}
func.func @main(%x: index) {
  return
}

// -----

// expected-error @below {{module must have a function '@main'}}
module {
}

// -----

// expected-error @below {{module must have a 'plan.device'}}
module {
  func.func @main() {
    return
  }
}

// -----

plan.device @device0
// expected-error @below {{must have one block}}
func.func @main() {
  cf.br ^next
^next:
  return
}

// -----

plan.device @device0
// expected-error @below {{must end with a return}}
func.func @main() {
  "test.end"() : () -> ()
}

// -----

plan.device @device0
func.func @main() -> index {
  %c0 = arith.constant 0 : index
  // expected-error @below {{results must be ranked tensors, got 'index'}}
  return %c0 : index
}
