// RUN: trine-opt %s --pass-pipeline='builtin.module(func.func(trine-plan-state))' | FileCheck %s

// A state that a step returns as it came.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<?x8xf32>, %{{.*}}: tensor<?xi64> {{{.*}}}, %{{.*}}: tensor<?xi8> {{{.*}}}, %[[W:.*]]: tensor<?x8xf32> {
// CHECK:         return %[[X]], %[[W]]
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = trine.state.open "w" capacity 0 {onnx.dims = ["b", 8], onnx.present = "n", onnx.present_dims = ["b", 8]} : !trine.state<tensor<?x8xf32>, axis 0>
  %v, %n = trine.state.read %w : !trine.state<tensor<?x8xf32>, axis 0> -> tensor<?x8xf32>, tensor<?xi64>
  %w1 = trine.state.append %w, %v : !trine.state<tensor<?x8xf32>, axis 0>, tensor<?x8xf32>
  return %x : tensor<?x8xf32>
}
