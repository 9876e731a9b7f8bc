// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="latency=50 row-rate=1e9" | FileCheck %s --check-prefixes=CHECK,FAST
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="latency=600 row-rate=1e9" | FileCheck %s --check-prefixes=CHECK,MIDDLE
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="latency=600 row-rate=1e9 memory-rate=100" | FileCheck %s --check-prefixes=CHECK,SLOW
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="latency=5000" | FileCheck %s --check-prefixes=CHECK,SLOW
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="latency=0 row-rate=20000 size=n=1" | FileCheck %s --check-prefixes=CHECK,FAST
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="latency=0 row-rate=20000 size=n=64" | FileCheck %s --check-prefixes=CHECK,SLOW
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early" | FileCheck %s --check-prefixes=CHECK,SLOW
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=inline" | FileCheck %s --check-prefixes=INLINE
// RUN: not trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=late" 2>&1 | FileCheck %s --check-prefix=POSITION
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch --remarks-filter=trine-hoist-engram-prefetch --remark-policy=all 2>&1 | FileCheck %s --check-prefix=REMARK

// POSITION: error: position 'late' is not known; expected auto, early or inline

// Three layers of 16 MiB each (839 us at 20 GB/s) come before the rows are used. A fetch that takes little is issued before the last of them, one of 600 us
// before the one before, and one that nothing hides, or of more rows, before the first. A faster machine hides less. The wait is where the rows are read.

plan.device @device0
plan.symbol @n = input 0 dimension 0 range [0, 1000000] divisor 1
plan.weight @layer "l" from "m.onnx" at 0 length 16777216 : tensor<2048x2048xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<2048x2048xf32>
plan.weight @values "t" from "m.onnx" at 0 length 2048 : tensor<32x16xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<32x16xf32>
plan.table @table "t" values @values
plan.kernel @hash(%ids: tensor<?xi64>, %out: tensor<?xi64>) -> tensor<?xi64> attributes {skeleton = "elementwise"} {
  plan.return %out : tensor<?xi64>
}
plan.kernel @work(%x: tensor<4xf32>, %w: tensor<2048x2048xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
plan.kernel @use(%x: tensor<4xf32>, %e: tensor<?x16xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// SLOW: plan.launch @hash
// SLOW: plan.prefetch_issue
// CHECK: plan.launch @work
// MIDDLE: plan.launch @hash
// MIDDLE: plan.prefetch_issue
// CHECK: plan.launch @work
// FAST: plan.launch @hash
// FAST: plan.prefetch_issue
// CHECK: plan.launch @work
// CHECK: plan.prefetch_await
// CHECK-NEXT: plan.launch @use
// INLINE-COUNT-3: plan.launch @work
// INLINE: plan.launch @hash
// INLINE: plan.prefetch_await
// INLINE-NEXT: plan.launch @use
// REMARK: 64 rows of 64 bytes of 'table' are fetched in {{[0-9]+}} us behind {{[0-9]}} launches of {{[0-9]+}} us
func.func @main(%ids: tensor<?xi64> {onnx.dims = ["n"]}, %x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %ids, %c0 : tensor<?xi64>
  %w = plan.load_weight @layer : tensor<2048x2048xf32>
  %e0 = tensor.empty() : tensor<4xf32>
  %h0 = plan.launch @work on @device0 queue 0 ins(%x, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %e1 = tensor.empty() : tensor<4xf32>
  %h1 = plan.launch @work on @device0 queue 0 ins(%h0, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e1 : tensor<4xf32>) -> tensor<4xf32>
  %e2 = tensor.empty() : tensor<4xf32>
  %h2 = plan.launch @work on @device0 queue 0 ins(%h1, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e2 : tensor<4xf32>) -> tensor<4xf32>
  %er = tensor.empty(%n) : tensor<?xi64>
  %rows = plan.launch @hash on @device0 queue 0 ins(%ids : tensor<?xi64>) outs(%er : tensor<?xi64>) -> tensor<?xi64>
  %t = plan.prefetch_issue @table rows(%rows : tensor<?xi64>) on @device0 queue 0
  %ee = tensor.empty(%n) : tensor<?x16xf32>
  %v = plan.prefetch_await %t outs(%ee : tensor<?x16xf32>) on @device0 queue 0 -> tensor<?x16xf32>
  %e3 = tensor.empty() : tensor<4xf32>
  %y = plan.launch @use on @device0 queue 0 ins(%h2, %v : tensor<4xf32>, tensor<?x16xf32>) outs(%e3 : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Rows that are computed from activations stay where they are.

plan.device @device0
plan.symbol @n = input 1 dimension 0 range [0, 1000000] divisor 1
plan.weight @values "t" from "m.onnx" at 0 length 2048 : tensor<32x16xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<32x16xf32>
plan.table @table "t" values @values
plan.kernel @choose(%x: tensor<4xf32>, %out: tensor<4xi64>) -> tensor<4xi64> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xi64>
}
plan.kernel @work(%x: tensor<4xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
plan.kernel @use(%x: tensor<4xf32>, %e: tensor<4x16xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: plan.launch @work
// CHECK: plan.launch @choose
// CHECK: plan.prefetch_issue
// CHECK: plan.prefetch_await
// CHECK: plan.launch @work
// REMARK: rows of 'table' depend on activations: on a value of floating-point numbers
func.func @main(%x: tensor<4xf32>, %ids: tensor<?xi64> {onnx.dims = ["n"]}) -> tensor<4xf32> {
  %e0 = tensor.empty() : tensor<4xf32>
  %h0 = plan.launch @work on @device0 queue 0 ins(%x : tensor<4xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %er = tensor.empty() : tensor<4xi64>
  %rows = plan.launch @choose on @device0 queue 0 ins(%h0 : tensor<4xf32>) outs(%er : tensor<4xi64>) -> tensor<4xi64>
  %t = plan.prefetch_issue @table rows(%rows : tensor<4xi64>) on @device0 queue 0
  %ee = tensor.empty() : tensor<4x16xf32>
  %v = plan.prefetch_await %t outs(%ee : tensor<4x16xf32>) on @device0 queue 0 -> tensor<4x16xf32>
  %e1 = tensor.empty() : tensor<4xf32>
  %h1 = plan.launch @work on @device0 queue 0 ins(%h0 : tensor<4xf32>) outs(%e1 : tensor<4xf32>) -> tensor<4xf32>
  %e3 = tensor.empty() : tensor<4xf32>
  %y = plan.launch @use on @device0 queue 0 ins(%h1, %v : tensor<4xf32>, tensor<4x16xf32>) outs(%e3 : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
