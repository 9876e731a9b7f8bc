// RUN: trine-opt %s --trine-infer-onnx-shapes | FileCheck %s

// CHECK-LABEL: func.func @quantize
func.func @quantize(%x: tensor<?x?xf32> {onnx.dims = ["m", "k"]}, %s: tensor<?x?xf32> {onnx.dims = ["m", "(k + 31) floordiv 32"]}, %one: tensor<f32>, %z: tensor<1xi4>) {
  %n = onnx.None
  // CHECK: onnx.QuantizeLinear{{.*}} -> tensor<?x?xui8>
  %0 = onnx.QuantizeLinear(%x, %one, %n) : (tensor<?x?xf32>, tensor<f32>, none) -> tensor<*xui8>
  // CHECK: onnx.QuantizeLinear{{.*}} -> tensor<?x?xi4>
  %1 = onnx.QuantizeLinear(%x, %one, %z) : (tensor<?x?xf32>, tensor<f32>, tensor<1xi4>) -> tensor<*xf32>
  // CHECK: onnx.QuantizeLinear{{.*}} -> tensor<?x?xf8E4M3FN>
  %2 = onnx.QuantizeLinear(%x, %s, %n) {axis = 1 : i64, block_size = 32 : i64, output_dtype = 17 : i64} : (tensor<?x?xf32>, tensor<?x?xf32>, none) -> tensor<*xf32>
  // CHECK: onnx.DequantizeLinear{{.*}} -> tensor<?x?xf16>
  %3 = onnx.DequantizeLinear(%2, %s, %n) {block_size = 32 : i64, output_dtype = 10 : i64} : (tensor<*xf32>, tensor<?x?xf32>, none) -> tensor<*xf32>
  // CHECK: onnx.DynamicQuantizeLinear{{.*}} -> (tensor<?x?xui8>, tensor<f32>, tensor<ui8>)
  %4:3 = onnx.DynamicQuantizeLinear(%x) : (tensor<?x?xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return
}

// CHECK-LABEL: func.func @products
func.func @products(%a: tensor<5x4x3xui8>, %b: tensor<3x2xi8>, %v: tensor<3xi8>, %rows: tensor<4xui8>, %scales: tensor<5x4x1xf32>, %one: tensor<f32>, %za: tensor<ui8>, %zb: tensor<i8>, %zy: tensor<ui8>) {
  %n = onnx.None
  // CHECK: onnx.MatMulInteger{{.*}} -> tensor<5x4x2xi32>
  %0 = onnx.MatMulInteger(%a, %b, %rows, %n) : (tensor<5x4x3xui8>, tensor<3x2xi8>, tensor<4xui8>, none) -> tensor<*xi32>
  // CHECK: onnx.MatMulInteger{{.*}} -> tensor<5x4xi32>
  %1 = onnx.MatMulInteger(%a, %v, %n, %n) : (tensor<5x4x3xui8>, tensor<3xi8>, none, none) -> tensor<*xi32>
  // CHECK: onnx.QLinearMatMul{{.*}} -> tensor<5x4x2xui8>
  %2 = onnx.QLinearMatMul(%a, %scales, %za, %b, %one, %zb, %one, %zy) : (tensor<5x4x3xui8>, tensor<5x4x1xf32>, tensor<ui8>, tensor<3x2xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  // CHECK: onnx.BitCast{{.*}} -> tensor<5x4x1xi32>
  %3 = onnx.BitCast(%scales) {to = 6 : i64} : (tensor<5x4x1xf32>) -> tensor<*xf32>
  return
}
