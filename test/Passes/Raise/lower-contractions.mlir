// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-DAG: #[[LEFT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d4)>
// CHECK-DAG: #[[RIGHT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d4, d3)>

// A product with a weight is one matrix product over all rows.
// CHECK-LABEL: func.func @weight
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0, 1], [2]] : tensor<?x?x64xf32> into tensor<?x64xf32>
// CHECK: %[[ZERO:.*]] = linalg.fill
// CHECK: %[[Y:.*]] = linalg.matmul ins(%[[ROWS]], %{{.*}} : tensor<?x64xf32>, tensor<64x24xf32>) outs(%[[ZERO]]
// CHECK: tensor.expand_shape %[[Y]]
func.func @weight(%a: tensor<?x?x64xf32> {onnx.dims = ["batch", "seq", 64]}) -> tensor<?x?x24xf32> {
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 6144 : tensor<64x24xf32>
  %0 = onnx.MatMul(%a, %w) : (tensor<?x?x64xf32>, tensor<64x24xf32>) -> tensor<?x?x24xf32>
  return %0 : tensor<?x?x24xf32>
}

// CHECK-LABEL: func.func @batches
// CHECK: linalg.batch_matmul ins(%{{.*}}, %{{.*}} : tensor<?x?x16xf32>, tensor<?x16x?xf32>)
func.func @batches(%a: tensor<?x4x?x16xf32> {onnx.dims = ["batch", 4, "seq", 16]}, %b: tensor<?x4x16x?xf32> {onnx.dims = ["batch", 4, 16, "past + seq"]}) -> tensor<?x4x?x?xf32> {
  %0 = onnx.MatMul(%a, %b) : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  return %0 : tensor<?x4x?x?xf32>
}

// Heads that share the right side are rows of it. 16-bit products accumulate in f32 and round once.
// CHECK-LABEL: func.func @shared_right
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0], [1, 2], [3]] : tensor<?x4x?x16xf16> into tensor<?x?x16xf16>
// CHECK: %[[Y:.*]] = linalg.batch_matmul ins(%{{.*}} : tensor<?x?x16xf16>, tensor<?x16x?xf16>) outs(%{{.*}} : tensor<?x?x?xf32>)
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @shared_right(%a: tensor<?x4x?x16xf16> {onnx.dims = ["batch", 4, "seq", 16]}, %b: tensor<?x1x16x?xf16> {onnx.dims = ["batch", 1, 16, "past"]}) -> tensor<?x4x?x?xf16> {
  %0 = onnx.MatMul(%a, %b) : (tensor<?x4x?x16xf16>, tensor<?x1x16x?xf16>) -> tensor<?x4x?x?xf16>
  return %0 : tensor<?x4x?x?xf16>
}

// A left side that heads share is not copied: its map leaves the heads out.
// CHECK-LABEL: func.func @shared_left
// CHECK: linalg.generic {indexing_maps = [#[[LEFT]], #[[RIGHT]],
// CHECK-SAME: "reduction"]
func.func @shared_left(%a: tensor<?x1x?x16xf32> {onnx.dims = ["batch", 1, "seq", 16]}, %b: tensor<?x4x16x?xf32> {onnx.dims = ["batch", 4, 16, "past"]}) -> tensor<?x4x?x?xf32> {
  %0 = onnx.MatMul(%a, %b) : (tensor<?x1x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  return %0 : tensor<?x4x?x?xf32>
}

// CHECK-LABEL: func.func @vectors
// CHECK: linalg.matmul ins(%{{.*}} : tensor<1x16xf32>, tensor<16x1xf32>)
// CHECK: tensor.collapse_shape %{{.*}} [] : tensor<1x1xf32> into tensor<f32>
// CHECK: linalg.matmul ins(%{{.*}} : tensor<48x16xf32>, tensor<16x1xf32>)
func.func @vectors(%a: tensor<16xf32>, %b: tensor<3x16x16xf32>) -> (tensor<f32>, tensor<3x16xf32>) {
  %0 = onnx.MatMul(%a, %a) : (tensor<16xf32>, tensor<16xf32>) -> tensor<f32>
  %1 = onnx.MatMul(%b, %a) : (tensor<3x16x16xf32>, tensor<16xf32>) -> tensor<3x16xf32>
  return %0, %1 : tensor<f32>, tensor<3x16xf32>
}

// CHECK-LABEL: func.func @gemm
// CHECK-DAG: %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: %[[W:.*]] = linalg.transpose ins(%{{.*}} : tensor<12x64xbf16>)
// CHECK: %[[P:.*]] = linalg.matmul ins(%{{.*}}, %[[W]] : tensor<?x64xbf16>, tensor<64x12xbf16>) outs(%{{.*}} : tensor<?x12xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[P]], %{{.*}} : tensor<?x12xf32>, tensor<12xbf16>)
// CHECK: %[[C:.*]] = arith.extf
// CHECK: %[[A:.*]] = arith.mulf %{{.*}}, %[[HALF]]
// CHECK: %[[B:.*]] = arith.mulf %[[C]], %[[TWO]]
// CHECK: %[[S:.*]] = arith.addf %[[A]], %[[B]]
// CHECK: arith.truncf %[[S]] : f32 to bf16
func.func @gemm(%a: tensor<?x64xbf16> {onnx.dims = ["n", 64]}, %c: tensor<12xbf16>) -> tensor<?x12xbf16> {
  %w = onnx.Initializer "w" from "m.onnx" at 0 length 1536 : tensor<12x64xbf16>
  %0 = onnx.Gemm(%a, %w, %c) {alpha = 0.5 : f32, beta = 2.0 : f32, transB = 1 : i64} : (tensor<?x64xbf16>, tensor<12x64xbf16>, tensor<12xbf16>) -> tensor<?x12xbf16>
  return %0 : tensor<?x12xbf16>
}

// CHECK-LABEL: func.func @integers
// CHECK: linalg.matmul ins(%{{.*}} : tensor<2x3xi32>, tensor<3x4xi32>) outs(%{{.*}} : tensor<2x4xi32>)
func.func @integers(%a: tensor<2x3xi32>, %b: tensor<3x4xi32>) -> tensor<2x4xi32> {
  %0 = onnx.MatMul(%a, %b) : (tensor<2x3xi32>, tensor<3x4xi32>) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}
