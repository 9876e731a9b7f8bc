// RUN: trine-opt %s --trine-convert-onnx-to-linalg | FileCheck %s
// RUN: trine-opt %s --trine-raise-pipeline --trine-plan-pipeline | FileCheck %s --check-prefix=PLAN

// Programs compute on signless integers; the caller's types keep their sign.

// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<4xi8> {onnx.element_type = ui8, onnx.name = "x"}
// CHECK-SAME: tensor<4xi64> {onnx.name = "n"}
// CHECK-SAME: -> (tensor<4xi8> {onnx.element_type = ui8, onnx.name = "y"})
// PLAN: plan.results = [{onnx.element_type = ui8, onnx.name = "y", type = tensor<4xi8>}]
func.func @main(%x: tensor<4xui8> {onnx.name = "x"}, %n: tensor<4xi64> {onnx.name = "n"})
    -> (tensor<4xui8> {onnx.name = "y"}) {
  %y = onnx.Add(%x, %x) : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %y : tensor<4xui8>
}
