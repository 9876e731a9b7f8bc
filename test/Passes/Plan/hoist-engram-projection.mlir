// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=600 row-rate=1e9" | FileCheck %s --check-prefixes=CHECK,STAYS
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=600 row-rate=1e9 overlap=0.5" | FileCheck %s --check-prefixes=CHECK,AHEAD
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=600 row-rate=1e9 projection=always" | FileCheck %s --check-prefixes=CHECK,AHEAD
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=600 row-rate=1e9 overlap=1 projection=never" | FileCheck %s --check-prefixes=CHECK,STAYS
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=1500 row-rate=1e9 overlap=1" | FileCheck %s --check-prefixes=CHECK,LATER
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=2600 row-rate=1e9 projection=always" | FileCheck %s --check-prefixes=CHECK,STAYS
// RUN: not trine-opt %s --split-input-file --trine-hoist-engram-prefetch="projection=maybe" 2>&1 | FileCheck %s --check-prefix=CHOICE
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=600 row-rate=1e9" --remarks-filter=trine-hoist-engram-prefetch --remark-policy=all 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=600 row-rate=1e9 overlap=0.5" --remarks-filter=trine-hoist-engram-prefetch --remark-policy=all 2>&1 | FileCheck %s --check-prefix=PAYS
// RUN: trine-opt %s --split-input-file --trine-hoist-engram-prefetch="position=early latency=2600 row-rate=1e9 projection=always" --remarks-filter=trine-hoist-engram-prefetch --remark-policy=all 2>&1 | FileCheck %s --check-prefix=SHORT

// CHOICE: error: projection 'maybe' is not known; expected auto, always or never

// Three layers of 839 us come before the rows are read by a projection (839 us) and a norm of its result, which depend on rows and weights alone, and then by
// a gate, which does not. Computed ahead on the same processor these two hide nothing: they stay. On one of its own they go to the first layer before which the
// fetch is over, with the wait, and the gate stays.

plan.device @device0
plan.weight @layer "l" from "m.onnx" at 0 length 16777216 : tensor<2048x2048xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<2048x2048xf32>
plan.weight @project "p" from "m.onnx" at 0 length 16777216 : tensor<2048x2048xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<2048x2048xf32>
plan.weight @values "t" from "m.onnx" at 0 length 2048 : tensor<32x16xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<32x16xf32>
plan.table @table "t" values @values
plan.kernel @work(%x: tensor<4xf32>, %w: tensor<2048x2048xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
plan.kernel @key(%e: tensor<?x16xf32>, %w: tensor<2048x2048xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<?x64xf32>
}
plan.kernel @norm(%k: tensor<?x64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<?x64xf32>
}
plan.kernel @gate(%h: tensor<4xf32>, %k: tensor<?x64xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: plan.prefetch_issue
// CHECK: plan.launch @work
// AHEAD: plan.prefetch_await
// AHEAD: plan.launch @key
// AHEAD: plan.launch @norm
// CHECK: plan.launch @work
// LATER: plan.prefetch_await
// LATER: plan.launch @key
// LATER: plan.launch @norm
// CHECK: plan.launch @work
// STAYS: plan.prefetch_await
// STAYS: plan.launch @key
// STAYS: plan.launch @norm
// CHECK: plan.launch @gate
// REMARK: 2 launches of {{8..}} us depend on rows of 'table' alone: ahead of 1677 us of launches they hide 0 us: they stay
// PAYS: 2 launches of {{8..}} us depend on rows of 'table' alone: ahead of 1677 us of launches they hide {{4..}} us: they are computed ahead
// SHORT: they stay, as the fetch is not over before
func.func @main(%ids: tensor<?xi64> {onnx.dims = ["n"]}, %x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %ids, %c0 : tensor<?xi64>
  %w = plan.load_weight @layer : tensor<2048x2048xf32>
  %e0 = tensor.empty() : tensor<4xf32>
  %h0 = plan.launch @work on @device0 queue 0 ins(%x, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %h1 = plan.launch @work on @device0 queue 0 ins(%h0, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %h2 = plan.launch @work on @device0 queue 0 ins(%h1, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %t = plan.prefetch_issue @table rows(%ids : tensor<?xi64>) on @device0 queue 0
  %ee = tensor.empty(%n) : tensor<?x16xf32>
  %v = plan.prefetch_await %t outs(%ee : tensor<?x16xf32>) on @device0 queue 0 -> tensor<?x16xf32>
  %p = plan.load_weight @project : tensor<2048x2048xf32>
  %ek = tensor.empty(%n) : tensor<?x64xf32>
  %k = plan.launch @key on @device0 queue 0 ins(%v, %p : tensor<?x16xf32>, tensor<2048x2048xf32>) outs(%ek : tensor<?x64xf32>) -> tensor<?x64xf32>
  %kn = plan.launch @norm on @device0 queue 0 ins(%k : tensor<?x64xf32>) outs(%ek : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = plan.launch @gate on @device0 queue 0 ins(%h2, %kn : tensor<4xf32>, tensor<?x64xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// What reads rows and activations never moves, however it is asked for.

plan.device @device0
plan.weight @layer "l" from "m.onnx" at 0 length 16777216 : tensor<2048x2048xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<2048x2048xf32>
plan.weight @values "t" from "m.onnx" at 0 length 2048 : tensor<32x16xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<32x16xf32>
plan.table @table "t" values @values
plan.kernel @work(%x: tensor<4xf32>, %w: tensor<2048x2048xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
plan.kernel @use(%x: tensor<4xf32>, %e: tensor<3x16xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK-COUNT-3: plan.launch @work
// CHECK: plan.prefetch_await
// CHECK-NEXT: plan.launch @use
// CHECK: plan.launch @use
func.func @main(%ids: tensor<3xi64>, %x: tensor<4xf32>, %state: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %w = plan.load_weight @layer : tensor<2048x2048xf32>
  %e0 = tensor.empty() : tensor<4xf32>
  %h0 = plan.launch @work on @device0 queue 0 ins(%x, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %h1 = plan.launch @work on @device0 queue 0 ins(%h0, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %h2 = plan.launch @work on @device0 queue 0 ins(%h1, %w : tensor<4xf32>, tensor<2048x2048xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %t = plan.prefetch_issue @table rows(%ids : tensor<3xi64>) on @device0 queue 0
  %ee = tensor.empty() : tensor<3x16xf32>
  %v = plan.prefetch_await %t outs(%ee : tensor<3x16xf32>) on @device0 queue 0 -> tensor<3x16xf32>
  %y = plan.launch @use on @device0 queue 0 ins(%h2, %v : tensor<4xf32>, tensor<3x16xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  %z = plan.launch @use on @device0 queue 0 ins(%state, %v : tensor<4xf32>, tensor<3x16xf32>) outs(%e0 : tensor<4xf32>) -> tensor<4xf32>
  return %y, %z : tensor<4xf32>, tensor<4xf32>
}
