// RUN: trine-opt %s --trine-convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1)>
// CHECK-DAG: #[[IN:.*]] = affine_map<(d0, d1, d2) -> (d2, d1, d0)>

// CHECK-LABEL: func.func @product
// CHECK: linalg.batch_matmul ins(%{{.*}} : tensor<?x4x4xf32>, tensor<?x4x64xf32>)
func.func @product(%a: tensor<?x?x4x4xf32> {onnx.dims = ["b", "s", 4, 4]}, %b: tensor<?x?x4x64xf32> {onnx.dims = ["b", "s", 4, 64]}) -> tensor<?x?x4x64xf32> {
  %0 = onnx.Einsum(%a, %b) {equation = "bsij,bsjd->bsid"} : (tensor<?x?x4x4xf32>, tensor<?x?x4x64xf32>) -> tensor<?x?x4x64xf32>
  return %0 : tensor<?x?x4x64xf32>
}

// Another order of the result is one generic reduction space.
// CHECK-LABEL: func.func @transposed
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]], #{{.*}}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
func.func @transposed(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>) -> tensor<2x5x3xf32> {
  %0 = onnx.Einsum(%a, %b) {equation = "...ij, ...jd -> ...di"} : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x5x3xf32>
  return %0 : tensor<2x5x3xf32>
}

// CHECK-LABEL: func.func @diagonal
// CHECK: %[[I:.*]] = linalg.index 1
// CHECK: tensor.extract %{{.*}}[%{{.*}}, %[[I]], %[[I]]]
func.func @diagonal(%a: tensor<3x4x4xf32>) -> tensor<3x4xf32> {
  %0 = onnx.Einsum(%a) {equation = "...ii->...i"} : (tensor<3x4x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// Without an arrow: labels that occur once, in alphabetical order.
// CHECK-LABEL: func.func @implicit
// CHECK: linalg.generic {indexing_maps = [#[[IN]], #{{.*}}], iterator_types = ["parallel", "parallel", "parallel"]}
func.func @implicit(%a: tensor<2x3x4xf32>) -> tensor<4x3x2xf32> {
  %0 = onnx.Einsum(%a) {equation = "cba"} : (tensor<2x3x4xf32>) -> tensor<4x3x2xf32>
  return %0 : tensor<4x3x2xf32>
}

// CHECK-LABEL: func.func @three
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4x5xf32>, tensor<5xf32>)
// CHECK: arith.mulf
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @three(%a: tensor<4xf32>, %b: tensor<4x5xf32>, %c: tensor<5xf32>) -> tensor<f32> {
  %0 = onnx.Einsum(%a, %b, %c) {equation = "i,ij,j->"} : (tensor<4xf32>, tensor<4x5xf32>, tensor<5xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
