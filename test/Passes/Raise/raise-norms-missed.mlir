// Near misses of norms and ropes: each names the first condition that failed.
// RUN: trine-opt %s --trine-raise-rms-norm --trine-raise-rope --split-input-file | FileCheck %s --implicit-check-not=trine.rms_norm --implicit-check-not=trine.rope
// RUN: trine-opt %s --trine-raise-rms-norm --trine-raise-rope --split-input-file --remark-format=emitRemark --remark-policy=all --remarks-filter-missed='.*' 2>&1 >%t | FileCheck %s --check-prefix=REMARK --implicit-check-not=Missed

// REMARK: Missed{{.*}}the root has 2 uses, not one
// CHECK-LABEL: func.func @rootUsed
func.func @rootUsed(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> (tensor<?x8xf32>, tensor<?x1xf32>) {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%x, %3) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %4, %3 : tensor<?x8xf32>, tensor<?x1xf32>
}

// -----

// REMARK: Missed{{.*}}the divided value is not the squared one
// CHECK-LABEL: func.func @otherDivided
func.func @otherDivided(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %y: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%y, %3) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// -----

// REMARK: Missed{{.*}}the root does not divide a value
// CHECK-LABEL: func.func @notDivided
func.func @notDivided(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Mul(%x, %3) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// -----

// REMARK: Missed{{.*}}epsilon is not a constant number
// CHECK-LABEL: func.func @epsilonValue
func.func @epsilonValue(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %v: tensor<f32>) -> tensor<?x8xf32> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %v) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%x, %3) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// -----

// REMARK: Missed{{.*}}epsilon is negative
// CHECK-LABEL: func.func @epsilonNegative
func.func @epsilonNegative(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<-1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%x, %3) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// -----

// REMARK: Missed{{.*}}its result 'inv_std_var' is used
// CHECK-LABEL: func.func @rootResult
func.func @rootResult(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %w: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x1xf32>) {
  %0:2 = onnx.SimplifiedLayerNormalization(%x, %w) : (tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x1xf32>)
  return %0#0, %0#1 : tensor<?x8xf32>, tensor<?x1xf32>
}

// -----

// REMARK: Missed{{.*}}its results 'mean' or 'inv_std_var' are used
// CHECK-LABEL: func.func @skipRootResult
func.func @skipRootResult(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %w: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x1xf32>) {
  %n = onnx.None
  %0:4 = onnx.com.microsoft.SkipSimplifiedLayerNormalization(%x, %x, %w, %n) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<8xf32>, none) -> (tensor<?x8xf32>, none, tensor<?x1xf32>, none)
  return %0#0, %0#2 : tensor<?x8xf32>, tensor<?x1xf32>
}

// -----

// REMARK: Missed{{.*}}'axis' is 0, not the last
// CHECK-LABEL: func.func @otherAxis
func.func @otherAxis(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %w: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.RMSNormalization(%x, %w) {axis = 0 : i64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// REMARK: Missed{{.*}}'stash_type' is 10, not f32
// CHECK-LABEL: func.func @stash
func.func @stash(%x: tensor<?x8xf16> {onnx.dims = ["n", 8]}, %w: tensor<8xf16>) -> tensor<?x8xf16> {
  %0 = onnx.RMSNormalization(%x, %w) {stash_type = 10 : i64} : (tensor<?x8xf16>, tensor<8xf16>) -> tensor<?x8xf16>
  return %0 : tensor<?x8xf16>
}

// -----

// REMARK: Missed{{.*}}the weight is not one number per element
// CHECK-LABEL: func.func @rowWeights
func.func @rowWeights(%x: tensor<3x8xf32>, %w: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %0 = onnx.RMSNormalization(%x, %w) : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

// REMARK: Missed{{.*}}the result has another type than the input
// CHECK-LABEL: func.func @weightType
func.func @weightType(%x: tensor<?x8xf16> {onnx.dims = ["n", 8]}, %w: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.RMSNormalization(%x, %w) : (tensor<?x8xf16>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// REMARK: Missed{{.*}}'is_packed_batching' is not 0 or 'scale' not 1
// CHECK-LABEL: func.func @packed
func.func @packed(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %p: tensor<1xi64>, %pp: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %t: tensor<64x4xf32>, %u: tensor<64x3xf32>) -> tensor<?x?x32xf32> {
  %0 = onnx.com.microsoft.RotaryEmbedding(%x, %pp, %t, %t) {scale = 2.0 : f32} : (tensor<?x?x32xf32>, tensor<?x?xi64>, tensor<64x4xf32>, tensor<64x4xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// -----

// REMARK: Missed{{.*}}the heads do not divide the last dimension
// CHECK-LABEL: func.func @heads
func.func @heads(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %p: tensor<1xi64>, %pp: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %t: tensor<64x4xf32>, %u: tensor<64x3xf32>) -> tensor<?x?x32xf32> {
  %0 = onnx.com.microsoft.RotaryEmbedding(%x, %pp, %t, %t) {num_heads = 5 : i64, rotary_embedding_dim = 8 : i64} : (tensor<?x?x32xf32>, tensor<?x?xi64>, tensor<64x4xf32>, tensor<64x4xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// -----

// REMARK: Missed{{.*}}the tables do not have half of the rotated elements
// CHECK-LABEL: func.func @tableWidth
func.func @tableWidth(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", 32]}, %p: tensor<1xi64>, %pp: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %t: tensor<64x4xf32>, %u: tensor<64x3xf32>) -> tensor<?x?x32xf32> {
  %0 = onnx.com.microsoft.RotaryEmbedding(%x, %pp, %u, %u) {num_heads = 4 : i64, rotary_embedding_dim = 8 : i64} : (tensor<?x?x32xf32>, tensor<?x?xi64>, tensor<64x3xf32>, tensor<64x3xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}
