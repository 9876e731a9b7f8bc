// RUN: trine-opt %s --pass-pipeline='builtin.module(func.func(trine-plan-state))' | FileCheck %s
// RUN: trine-opt %s --trine-plan-pipeline | FileCheck %s --check-prefix=PLAN

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:arg0]]: tensor<?x?x8xf32>
// CHECK-SAME:    %[[LENGTHS:arg1]]: tensor<?xi64> {onnx.dims = ["b"], onnx.name = "state.lengths"}
// CHECK-SAME:    %[[PAST:arg2]]: tensor<?xi8> {onnx.dims = ["p"], onnx.name = "state.past"}
// CHECK-SAME:    %[[STORAGE:arg3]]: tensor<?x?x8xf32> {onnx.dims = ["b", "state.capacity", 8], onnx.name = "past", plan.storage}
// CHECK-SAME:    %[[OLD:arg4]]: tensor<?x8xf32>
// CHECK-SAME:    -> (tensor<?x?x8xf32> {{{.*}}onnx.name = "y"}, tensor<?x8xf32> {{{.*}}onnx.name = "new_window"})
// CHECK-SAME:    plan.states = {entries = [{argument = 3 : i64, axis = 1 : i64, {{.*}}name = "past"{{.*}}}, {argument = 4 : i64, axis = 0 : i64, {{.*}}result = 1 : i64}], lengths = 1 : i64, ragged = false}
// CHECK:         %[[P:.*]] = tensor.dim %[[PAST]]
// CHECK:         %[[S1:.*]] = scf.forall (%[[B:.*]]) in (%{{.*}}) shared_outs(%[[O:.*]] = %[[STORAGE]])
// CHECK:           %[[L:.*]] = tensor.extract %[[LENGTHS]][%[[B]]]
// CHECK:           %[[AT:.*]] = arith.index_cast %[[L]]
// CHECK:           tensor.extract_slice %[[X]][%[[B]], 0, 0] [1, %[[ROWS:.*]], 8]
// CHECK:           tensor.parallel_insert_slice %{{.*}} into %[[O]][%[[B]], %[[AT]], 0] [1, %[[ROWS]], 8]
// CHECK:         %[[T:.*]] = arith.addi %[[ROWS]], %[[P]]
// CHECK:         %[[ALL:.*]] = tensor.extract_slice %[[S1]][0, 0, 0] [%{{.*}}, %[[T]], 8]
// CHECK:         linalg.exp ins(%[[ALL]]
// CHECK:         %[[NEW:.*]] = linalg.exp ins(%[[OLD]]
// CHECK:         return %{{.*}}, %[[NEW]]

// Rows go where they will be read: no copy of the past.
// PLAN:     func.func @main({{.*}}%[[STORAGE:arg3]]: memref<?x?x8xf32> {{{[^}]*}}plan.storage}
// PLAN:     plan.launch @[[APPEND:loop_0]] {{.*}} outs(%[[STORAGE]] : memref<?x?x8xf32>)
// PLAN:     plan.launch {{.*}} ins(%[[STORAGE]]
// PLAN-NOT: plan.launch @copy
func.func @main(%x: tensor<?x?x8xf32> {onnx.name = "x", onnx.dims = ["b", "s", 8]}) -> (tensor<?x?x8xf32> {onnx.name = "y", onnx.dims = ["b", "p + s", 8]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %s = trine.state.open "past" capacity 0 {onnx.dims = ["b", "p", 8], onnx.present = "present", onnx.present_dims = ["b", "p + s", 8]} : !trine.state<tensor<?x?x8xf32>, axis 1>
  %w = trine.state.open "window" capacity 0 {onnx.dims = ["b", 8], onnx.present = "new_window", onnx.present_dims = ["b", 8]} : !trine.state<tensor<?x8xf32>, axis 0>
  %past, %before = trine.state.read %s : !trine.state<tensor<?x?x8xf32>, axis 1> -> tensor<?x?x8xf32>, tensor<?xi64>
  %p = tensor.dim %past, %c1 : tensor<?x?x8xf32>
  %q = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %t = arith.addi %p, %q : index
  %e = tensor.empty(%b, %t) : tensor<?x?x8xf32>
  %f = tensor.empty(%b) : tensor<?x8xf32>
  %s1 = trine.state.append %s, %x : !trine.state<tensor<?x?x8xf32>, axis 1>, tensor<?x?x8xf32>
  %all, %lengths = trine.state.read %s1 : !trine.state<tensor<?x?x8xf32>, axis 1> -> tensor<?x?x8xf32>, tensor<?xi64>
  %y = linalg.exp ins(%all : tensor<?x?x8xf32>) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %old, %n = trine.state.read %w : !trine.state<tensor<?x8xf32>, axis 0> -> tensor<?x8xf32>, tensor<?xi64>
  %new = linalg.exp ins(%old : tensor<?x8xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = trine.state.append %w, %new : !trine.state<tensor<?x8xf32>, axis 0>, tensor<?x8xf32>
  return %y : tensor<?x?x8xf32>
}
