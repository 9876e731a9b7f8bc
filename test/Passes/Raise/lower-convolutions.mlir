// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + d3 * 3)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-DAG: #[[XG:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d5, d3 * 2 + d6, d4 * 2 + d7)>
// CHECK-DAG: #[[X1:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>

// Depthwise: no loop over channels.
// CHECK-LABEL: func.func @depthwise
// CHECK: %[[PADDED:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 9]
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[W]], #{{.*}}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[PADDED]], %{{.*}} : tensor<?x8x?xf32>, tensor<8x4xf32>)
func.func @depthwise(%x: tensor<?x8x?xf32> {onnx.dims = ["b", 8, "s"]}, %w: tensor<8x1x4xf32>) -> tensor<?x8x?xf32> {
  %n = onnx.None
  %0 = onnx.Conv(%x, %w, %n) {group = 8 : i64, dilations = array<i64: 3>, pads = array<i64: 9, 0>} : (tensor<?x8x?xf32>, tensor<8x1x4xf32>, none) -> tensor<?x8x?xf32>
  return %0 : tensor<?x8x?xf32>
}

// CHECK-LABEL: func.func @grouped
// CHECK: linalg.generic {indexing_maps = [#[[XG]],
// CHECK: linalg.generic
// CHECK: arith.addf
func.func @grouped(%x: tensor<1x6x9x9xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>) -> tensor<1x4x5x5xf32> {
  %0 = onnx.Conv(%x, %w, %b) {group = 2 : i64, strides = array<i64: 2, 2>, auto_pad = "SAME_UPPER"} : (tensor<1x6x9x9xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x5x5xf32>
  return %0 : tensor<1x4x5x5xf32>
}

// Windows of one element have no loop.
// CHECK-LABEL: func.func @pointwise
// CHECK-NOT: insert_slice
// CHECK: linalg.generic {indexing_maps = [#[[X1]],
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @pointwise(%x: tensor<1x6x9xf16>, %w: tensor<4x6x1xf16>) -> tensor<1x4x9xf16> {
  %n = onnx.None
  %0 = onnx.Conv(%x, %w, %n) : (tensor<1x6x9xf16>, tensor<4x6x1xf16>, none) -> tensor<1x4x9xf16>
  return %0 : tensor<1x4x9xf16>
}

// Windows, channels and filters that only runs tell: no loop is left out but the groups'.
// CHECK-LABEL: func.func @sizes
// CHECK: tensor.insert_slice %arg0 into %{{.*}}[0, 0, %{{.*}}] [%{{.*}}, %{{.*}}, %{{.*}}]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%{{.*}}, %{{.*}} : tensor<?x2x?x?xf32>, tensor<2x?x?x?xf32>)
func.func @sizes(%x: tensor<?x?x?xf32> {onnx.dims = ["b", "2*c", "s"]}, %w: tensor<?x?x?xf32> {onnx.dims = ["2*f", "c", "k"]}) -> tensor<?x?x?xf32> {
  %n = onnx.None
  %0 = onnx.Conv(%x, %w, %n) {group = 2 : i64, strides = array<i64: 3>, auto_pad = "SAME_LOWER"} : (tensor<?x?x?xf32>, tensor<?x?x?xf32>, none) -> tensor<?x?x?xf32>
  return %0 : tensor<?x?x?xf32>
}
