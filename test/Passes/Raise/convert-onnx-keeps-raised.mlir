// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// A raised op stays; its sizes are symbols like those of any op.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: %[[NORM:.*]] = trine.rms_norm %[[RELU:.*]], %{{.*}} epsilon
// CHECK-NOT: tensor.dim
// CHECK: linalg.generic {{.*}} ins(%[[NORM]]
func.func @main(%x: tensor<?x64xf32> {onnx.dims = ["n", 64]}, %w: tensor<64xf32>) -> tensor<?x64xf32> {
  %0 = onnx.Relu(%x) : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = trine.rms_norm %0, %w epsilon 1.0e-6 compute f32 cast after_weight : tensor<?x64xf32>, tensor<64xf32>
  %2 = onnx.Neg(%1) : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %2 : tensor<?x64xf32>
}
