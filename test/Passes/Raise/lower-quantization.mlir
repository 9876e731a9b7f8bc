// RUN: trine-opt %s --trine-convert-onnx-to-linalg --split-input-file | FileCheck %s

// Types of few bits are held in bytes; the caller's type stays in an attribute.
// CHECK-LABEL: func.func @cast
// CHECK-SAME: tensor<?xi8> {onnx.dims = ["n"], onnx.element_type = f8E4M3FN}
// CHECK-SAME: -> (tensor<?xi8> {onnx.element_type = i4})
// A code above the largest number is NaN.
// CHECK: linalg.generic
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.cmpi ugt
// CHECK: arith.bitcast %{{.*}} : i32 to f32
// CHECK: arith.fptosi %{{.*}} : f32 to i64
// The lower bits of the integer, extended by their sign.
// CHECK: arith.trunci %{{.*}} : i64 to i8
// CHECK: arith.shli
// CHECK: arith.shrsi
// CHECK-NEXT: linalg.yield %{{.*}} : i8
func.func @cast(%x: tensor<?xf8E4M3FN> {onnx.dims = ["n"]}) -> tensor<?xi4> {
  %0 = onnx.Cast(%x) {to = 22 : i64} : (tensor<?xf8E4M3FN>) -> tensor<?xi4>
  return %0 : tensor<?xi4>
}

// -----

// A double is not rounded to single precision first.
// CHECK-LABEL: func.func @from_double
// CHECK: arith.bitcast %{{.*}} : f64 to i64
// CHECK-NOT: arith.truncf
// CHECK: linalg.yield %{{.*}} : i8
func.func @from_double(%x: tensor<3xf64>) -> tensor<3xf8E5M2> {
  %0 = onnx.Cast(%x) {to = 19 : i64} : (tensor<3xf64>) -> tensor<3xf8E5M2>
  return %0 : tensor<3xf8E5M2>
}

// -----

// Between signed and unsigned integers of one width nothing changes but how 4 bits are extended.
// CHECK-LABEL: func.func @signs
// CHECK-NOT: tensor<5xi8>{{.*}}linalg
// CHECK: %[[GENERIC:.*]] = linalg.generic
// CHECK: %[[BITS:.*]] = arith.shrui
// CHECK-NEXT: linalg.yield %[[BITS]]
// CHECK: return %{{.*}}, %[[GENERIC]]
func.func @signs(%x: tensor<5xi8>, %y: tensor<3xi4>) -> (tensor<5xui8>, tensor<3xui4>) {
  %0 = onnx.Cast(%x) {to = 2 : i64} : (tensor<5xi8>) -> tensor<5xui8>
  %1 = onnx.BitCast(%y) {to = 21 : i64} : (tensor<3xi4>) -> tensor<3xui4>
  %2 = onnx.Cast(%1) {to = 21 : i64} : (tensor<3xui4>) -> tensor<3xui4>
  return %0, %2 : tensor<5xui8>, tensor<3xui4>
}

// -----

// Constants are codes, and weights of 4 bits stay packed until they are read.
// CHECK-LABEL: func.func @constants
// CHECK-DAG: arith.constant dense<[-8, 7]> : tensor<2xi8>
// CHECK-DAG: arith.constant dense<[56, 126]> : tensor<2xi8>
// CHECK: %[[PACKED:.*]] = trine.weight "w" from "w.bin" at 0 length 3000 : tensor<3000xi8>
// CHECK: linalg.generic {{.*}} ins(%[[PACKED]] : tensor<3000xi8>) outs(%{{.*}} : tensor<3000x2xi8>)
// CHECK: %[[ODD:.*]] = trine.weight "v" from "w.bin" at 3000 length 1001 : tensor<1001xi8>
// CHECK: tensor.extract %[[ODD]]
func.func @constants() -> (tensor<2xi4>, tensor<2xf8E4M3FN>, tensor<60x100xi4>, tensor<2001xf4E2M1FN>) {
  %0 = onnx.Constant dense<[-8, 7]> : tensor<2xi4>
  %1 = onnx.Constant dense<[1.0, 448.0]> : tensor<2xf8E4M3FN>
  %2 = onnx.Initializer "w" from "w.bin" at 0 length 3000 : tensor<60x100xi4>
  %3 = onnx.Initializer "v" from "w.bin" at 3000 length 1001 : tensor<2001xf4E2M1FN>
  return %0, %1, %2, %3 : tensor<2xi4>, tensor<2xf8E4M3FN>, tensor<60x100xi4>, tensor<2001xf4E2M1FN>
}

// -----

// Per axis the scale broadcasts; by blocks it is read where it is.
// CHECK-LABEL: func.func @quantize
// CHECK-SAME: %{{[a-z0-9]+}}: tensor<4x64xf32>, %[[AXIS:[a-z0-9]+]]: tensor<4xf32>, %{{[a-z0-9]+}}: tensor<4xi8>, %[[BLOCKS:[a-z0-9]+]]: tensor<4x2xf16>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[AXIS]], %{{.*}} : tensor<4x64xf32>, tensor<4xf32>, tensor<4xi8>)
// CHECK: arith.divf
// CHECK: math.roundeven
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK: arith.minimumf
// CHECK: linalg.generic
// CHECK: %[[BLOCK:.*]] = arith.divui
// CHECK: tensor.extract %[[BLOCKS]][%{{.*}}, %[[BLOCK]]] : tensor<4x2xf16>
// The precision of the scale is that of the division.
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @quantize(%x: tensor<4x64xf32>, %s: tensor<4xf32>, %z: tensor<4xi8>, %b: tensor<4x2xf16>) -> (tensor<4x64xi8>, tensor<4x64xf4E2M1FN>) {
  %none = onnx.None
  %0 = onnx.QuantizeLinear(%x, %s, %z) {axis = 0 : i64} : (tensor<4x64xf32>, tensor<4xf32>, tensor<4xi8>) -> tensor<4x64xi8>
  %1 = onnx.QuantizeLinear(%x, %b, %none) {axis = 1 : i64, block_size = 32 : i64, output_dtype = 23 : i64} : (tensor<4x64xf32>, tensor<4x2xf16>, none) -> tensor<4x64xf4E2M1FN>
  return %0, %1 : tensor<4x64xi8>, tensor<4x64xf4E2M1FN>
}

// -----

// CHECK-LABEL: func.func @products
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.subi
// CHECK: arith.extsi %{{.*}} : i8 to i32
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<4x8xi32>, tensor<8x3xi32>) outs(%{{.*}} : tensor<4x3xi32>)
func.func @products(%a: tensor<4x8xui8>, %b: tensor<8x3xi8>, %z: tensor<4xui8>) -> tensor<4x3xi32> {
  %none = onnx.None
  %0 = onnx.MatMulInteger(%a, %b, %z, %none) : (tensor<4x8xui8>, tensor<8x3xi8>, tensor<4xui8>, none) -> tensor<4x3xi32>
  return %0 : tensor<4x3xi32>
}

// -----

// Raised ops know the floats that tables have.
// CHECK-LABEL: func.func @table
// CHECK-DAG: %[[TABLE:.*]] = trine.weight "t" from "w.bin" at 0 length 400 : tensor<100x4xf8E4M3FN>
// CHECK-DAG: %[[SCALES:.*]] = trine.weight "s" from "w.bin" at 400 length 100 : tensor<100x1xf8E8M0FNU>
// CHECK: trine.engram.lookup %{{.*}}, %[[TABLE]] scales(%[[SCALES]] : tensor<100x1xf8E8M0FNU>) : tensor<?xi64>, tensor<100x4xf8E4M3FN> -> tensor<?x4xf32>
func.func @table(%rows: tensor<?xi64> {onnx.dims = ["n"]}) -> tensor<?x4xf32> {
  %0 = onnx.Initializer "t" from "w.bin" at 0 length 400 : tensor<100x4xf8E4M3FN>
  %1 = onnx.Initializer "s" from "w.bin" at 400 length 100 : tensor<100x1xf8E8M0FNU>
  %2 = trine.engram.lookup %rows, %0 scales(%1 : tensor<100x1xf8E8M0FNU>) : tensor<?xi64>, tensor<100x4xf8E4M3FN> -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// -----

// A small table is a constant: its bytes become floats one by one.
// CHECK-LABEL: func.func @small_table
// CHECK-DAG: arith.bitcast %{{.*}} : i8 to f8E4M3FN
// CHECK-DAG: arith.bitcast %{{.*}} : i8 to f8E8M0FNU
// CHECK: trine.engram.lookup %{{.*}}, %{{.*}} scales(%{{.*}} : tensor<2x1xf8E8M0FNU>) : tensor<?xi64>, tensor<2x4xf8E4M3FN> -> tensor<?x4xf32>
func.func @small_table(%rows: tensor<?xi64> {onnx.dims = ["n"]}) -> tensor<?x4xf32> {
  %0 = onnx.Constant dense<[[0x38, 0x39, 0x3a, 0x3b], [0x3c, 0x3d, 0x3e, 0x3f]]> : tensor<2x4xf8E4M3FN>
  %1 = onnx.Constant dense<[[0x7f], [0x80]]> : tensor<2x1xf8E8M0FNU>
  %2 = trine.engram.lookup %rows, %0 scales(%1 : tensor<2x1xf8E8M0FNU>) : tensor<?xi64>, tensor<2x4xf8E4M3FN> -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}
