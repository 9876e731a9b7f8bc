// RUN: trine-opt %s --trine-convert-onnx-to-linalg --trine-check-level-trine | FileCheck %s

// One linalg.generic per sum; 16-bit sums accumulate in f32 and round once.
// CHECK-LABEL: func.func @mean
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<?xf32>)
// CHECK: linalg.generic {{.*}}"parallel", "reduction"
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}}"parallel"]
// CHECK: arith.divf
// CHECK: arith.truncf
// CHECK: tensor.expand_shape {{.*}} into tensor<?x1xbf16>
func.func @mean(%x: tensor<?x8xbf16> {onnx.dims = ["n", 8]}) -> tensor<?x1xbf16> {
  %axes = onnx.Constant dense<1> : tensor<1xi64>
  %0 = onnx.ReduceMean(%x, %axes) : (tensor<?x8xbf16>, tensor<1xi64>) -> tensor<?x1xbf16>
  return %0 : tensor<?x1xbf16>
}

// CHECK-LABEL: func.func @softmax
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %0 = onnx.Softmax(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @arg_max
// CHECK: linalg.generic {{.*}}"reduction", "parallel"
// CHECK: arith.cmpf ogt
// CHECK: linalg.index 0
func.func @arg_max(%x: tensor<4x5xf32>) -> tensor<5xi64> {
  %0 = onnx.ArgMax(%x) {axis = 0 : i64, keepdims = 0 : i64} : (tensor<4x5xf32>) -> tensor<5xi64>
  return %0 : tensor<5xi64>
}

// CHECK-LABEL: func.func @layer_norm
// CHECK: math.sqrt
// CHECK: arith.subf
// CHECK: return %{{.*}}, %{{.*}} : tensor<4x8xf32>, tensor<4x1xf32>
func.func @layer_norm(%x: tensor<4x8xf32>, %scale: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>) {
  %none = onnx.None
  %0:3 = onnx.LayerNormalization(%x, %scale, %none) : (tensor<4x8xf32>, tensor<8xf32>, none) -> (tensor<4x8xf32>, tensor<4x1xf32>, none)
  return %0#0, %0#1 : tensor<4x8xf32>, tensor<4x1xf32>
}

// CHECK-LABEL: func.func @skip_norm
// CHECK: arith.addf
// CHECK: math.sqrt
func.func @skip_norm(%x: tensor<4x8xf32>, %skip: tensor<4x8xf32>, %scale: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %none = onnx.None
  %0:4 = onnx.com.microsoft.SkipSimplifiedLayerNormalization(%x, %skip, %scale, %none) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<8xf32>, none) -> (tensor<4x8xf32>, none, none, tensor<4x8xf32>)
  return %0#0, %0#3 : tensor<4x8xf32>, tensor<4x8xf32>
}

// CHECK-LABEL: func.func @prefix_sum
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args(%[[OUT:.*]] = %{{.*}}, %[[SUM:.*]] = %{{.*}}) -> (tensor<4x5xf32>, f32)
// CHECK: tensor.insert
func.func @prefix_sum(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %axis = onnx.Constant dense<1> : tensor<i64>
  %0 = onnx.CumSum(%x, %axis) : (tensor<4x5xf32>, tensor<i64>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
