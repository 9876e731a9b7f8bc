// RUN: trine-opt %s --split-input-file --trine-promote-state | FileCheck %s

// Rows behind the past: the join becomes an append, and the arguments go.
// CHECK-LABEL: func.func @append(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x8xf32> {onnx.dims = ["b", "s", 8], onnx.name = "x"})
// CHECK-SAME:    -> (tensor<?x?x8xf32> {onnx.dims = ["b", "p + s", 8], onnx.name = "y"})
// CHECK:         %[[S:.*]] = trine.state.open "past" capacity 0 {onnx.dims = ["b", "p", 8], onnx.present = "present", onnx.present_dims = ["b", "p + s", 8]} : !trine.state<tensor<?x?x8xf32>, axis 1>
// CHECK-NOT:     tensor.insert_slice
// CHECK:         %[[S1:.*]] = trine.state.append %[[S]], %[[X]] :
// CHECK:         %[[ALL:.*]], %{{.*}} = trine.state.read %[[S1]]
// CHECK:         %[[Y:.*]] = math.exp %[[ALL]]
// CHECK:         return %[[Y]] : tensor<?x?x8xf32>
func.func @append(%x: tensor<?x?x8xf32> {onnx.name = "x", onnx.dims = ["b", "s", 8]},
                  %past: tensor<?x?x8xf32> {onnx.name = "past", onnx.dims = ["b", "p", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x?x8xf32> {onnx.name = "present", onnx.dims = ["b", "p + s", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x?x8xf32> {onnx.name = "y", onnx.dims = ["b", "p + s", 8]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %p = tensor.dim %past, %c1 : tensor<?x?x8xf32>
  %t = arith.addi %s, %p : index
  %e = tensor.empty(%b, %t) : tensor<?x?x8xf32>
  %0 = tensor.insert_slice %past into %e[0, 0, 0] [%b, %p, 8] [1, 1, 1] : tensor<?x?x8xf32> into tensor<?x?x8xf32>
  %1 = tensor.insert_slice %x into %0[0, %p, 0] [%b, %s, 8] [1, 1, 1] : tensor<?x?x8xf32> into tensor<?x?x8xf32>
  %y = math.exp %1 : tensor<?x?x8xf32>
  return %1, %y : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func.func @replace(
// CHECK-SAME:    tensor<?x2xi64> {onnx.dims = ["b", 2], onnx.name = "x"}) {
// CHECK:         %[[S:.*]] = trine.state.open "history" {{.*}} axis 0>
// CHECK:         %[[OLD:.*]], %{{.*}} = trine.state.read %[[S]]
// CHECK:         %[[NEW:.*]] = arith.addi %{{.*}}, %[[OLD]]
// CHECK:         trine.state.append %[[S]], %[[NEW]]
// CHECK:         return
func.func @replace(%x: tensor<?x2xi64> {onnx.name = "x", onnx.dims = ["b", 2]},
                   %h: tensor<?x2xi64> {onnx.name = "history", onnx.dims = ["b", 2], trine.state = {axis = 0 : i64, pair = 0 : i64, rule = "replace"}})
    -> (tensor<?x2xi64> {onnx.name = "new", onnx.dims = ["b", 2], trine.state = {axis = 0 : i64, pair = 0 : i64, rule = "replace"}}) {
  %0 = arith.addi %x, %h : tensor<?x2xi64>
  return %0 : tensor<?x2xi64>
}
