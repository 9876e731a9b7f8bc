// RUN: trine-opt %s --split-input-file --trine-plan-tables=limit=1000 | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-plan-tables=limit=1000000 | FileCheck %s --check-prefix=NONE
// RUN: trine-opt %s --split-input-file --trine-plan-tables | FileCheck %s --check-prefix=NONE
// RUN: trine-opt %s --split-input-file --trine-plan-tables=limit=1000 --remarks-filter=trine-plan-tables --remark-policy=all 2>&1 | FileCheck %s --check-prefix=REMARK

// NONE-NOT: plan.table
// NONE: trine.engram.lookup
// NONE-NOT: plan.table

// A table above the limit is a file of its own; two lookups share it.

// CHECK: plan.weight @table0_values "t" from "m.onnx" at 64 length 2048 : tensor<32x16xf32> permutation [0, 1] {{.*}} stored tensor<32x16xf32>
// CHECK: plan.table @table0 "t" values @table0_values
// CHECK-NOT: plan.table
// CHECK-LABEL: func.func @main
// CHECK: %[[T:.*]] = plan.prefetch_issue @table0 rows(%arg0 : tensor<?x4xi64>) on @device0 queue 0
// CHECK: %[[E:.*]] = tensor.empty(%{{.*}}) : tensor<?x4x16xf32>
// CHECK: %[[A:.*]] = plan.prefetch_await %[[T]] outs(%[[E]] : tensor<?x4x16xf32>) on @device0 queue 0 -> tensor<?x4x16xf32>
// CHECK: plan.prefetch_issue @table0 rows(%arg1 : tensor<3xi64>)
// CHECK: trine.engram.lookup %arg1, %{{.*}} tensor<2x16xf32>
// REMARK-DAG: table of 2048 bytes is served by the store
// REMARK-DAG: table of 128 bytes stays a weight: the limit is 1000
func.func @main(%rows: tensor<?x4xi64>, %more: tensor<3xi64>) -> (tensor<?x4x16xf32>, tensor<3x16xf32>, tensor<3x16xf32>) {
  %table = trine.weight "t" from "m.onnx" at 64 length 2048 : tensor<32x16xf32>
  %small = trine.weight "s" from "m.onnx" at 0 length 128 : tensor<2x16xf32>
  %a = trine.engram.lookup %rows, %table : tensor<?x4xi64>, tensor<32x16xf32> -> tensor<?x4x16xf32>
  %b = trine.engram.lookup %more, %table : tensor<3xi64>, tensor<32x16xf32> -> tensor<3x16xf32>
  %c = trine.engram.lookup %more, %small : tensor<3xi64>, tensor<2x16xf32> -> tensor<3x16xf32>
  return %a, %b, %c : tensor<?x4x16xf32>, tensor<3x16xf32>, tensor<3x16xf32>
}

// -----

// 8-bit floats come with their scales.

// CHECK: plan.table @table0 "t" values @table0_values scales @table0_scales
func.func @main(%rows: tensor<3xi64>) -> tensor<3x64xbf16> {
  %table = trine.weight "t" from "m.onnx" at 64 length 2048 : tensor<32x64xf8E4M3FN>
  %scales = trine.weight "s" from "m.onnx" at 4096 length 64 : tensor<32x2xf8E8M0FNU>
  %a = trine.engram.lookup %rows, %table scales(%scales : tensor<32x2xf8E8M0FNU>) : tensor<3xi64>, tensor<32x64xf8E4M3FN> -> tensor<3x64xbf16>
  return %a : tensor<3x64xbf16>
}

// -----

// What a store does not hold stays: a table that is computed, a type, another block of scales.

// CHECK-NOT: plan.table
// REMARK-DAG: table of 4096 bytes stays a weight: a store holds f32, f16, bf16 and f8E4M3FN only
// REMARK-DAG: table of 2048 bytes stays a weight: the table is computed
// REMARK-DAG: table of 2176 bytes stays a weight: a store holds one f8E8M0FNU scale for 32 values
func.func @main(%rows: tensor<3xi64>, %x: tensor<32x16xf32>) -> (tensor<3x16xf64>, tensor<3x16xf32>, tensor<3x64xbf16>) {
  %double = trine.weight "t" from "m.onnx" at 64 length 4096 : tensor<32x16xf64>
  %a = trine.engram.lookup %rows, %double : tensor<3xi64>, tensor<32x16xf64> -> tensor<3x16xf64>
  %b = trine.engram.lookup %rows, %x : tensor<3xi64>, tensor<32x16xf32> -> tensor<3x16xf32>
  %table = trine.weight "t" from "m.onnx" at 64 length 2048 : tensor<32x64xf8E4M3FN>
  %scales = trine.weight "s" from "m.onnx" at 4096 length 128 : tensor<32x4xf8E8M0FNU>
  %c = trine.engram.lookup %rows, %table scales(%scales : tensor<32x4xf8E8M0FNU>) : tensor<3xi64>, tensor<32x64xf8E4M3FN> -> tensor<3x64xbf16>
  return %a, %b, %c : tensor<3x16xf64>, tensor<3x16xf32>, tensor<3x64xbf16>
}
