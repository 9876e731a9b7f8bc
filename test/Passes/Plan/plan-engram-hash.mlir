// RUN: trine-opt %s --split-input-file --trine-plan-engram-hash | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: trine-opt %s --split-input-file --trine-plan-engram-hash=which=fetched | FileCheck %s --check-prefixes=CHECK,FETCHED
// RUN: trine-opt %s --split-input-file --trine-plan-engram-hash=which=none | FileCheck %s --check-prefix=NONE
// RUN: not trine-opt %s --split-input-file --trine-plan-engram-hash=which=some 2>&1 | FileCheck %s --check-prefix=WHICH
// RUN: trine-opt %s --split-input-file --trine-plan-engram-hash=which=fetched --remarks-filter=trine-plan-engram-hash --remark-policy=all 2>&1 | FileCheck %s --check-prefix=REMARK

// WHICH: error: which 'some' is not known; expected all, fetched or none
// NONE-NOT: plan.engram_hash

// The rows of the first hash are fetched, those of the second are not.

plan.device @device0
plan.weight @values "t" from "m.onnx" at 0 length 2048 : tensor<32x16xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<32x16xf32>
plan.table @table "t" values @values
// CHECK-LABEL: func.func @main
// CHECK: %[[R:.*]] = tensor.empty(%{{.*}}, %{{.*}}) : tensor<?x?x2xi64>
// CHECK: %[[P:.*]] = tensor.empty(%{{.*}}) : tensor<?x2xi64>
// CHECK: %[[H:.*]]:2 = plan.engram_hash %arg0 history(%arg1 : tensor<?x2xi64>) map(%{{.*}} : tensor<160xi32>) outs(%[[R]], %[[P]] : tensor<?x?x2xi64>, tensor<?x2xi64>) order 3 heads 1 multipliers [7, 5, 3] moduli [11, 13] offsets [0, 11] pad 2 reset 1 on @device0 queue 0 : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
// CHECK: plan.prefetch_issue @table rows
// ALL: plan.engram_hash
// FETCHED: trine.engram.hash
// REMARK-DAG: hash of 2 columns is computed by the host's library
// REMARK-DAG: hash of 1 columns is a kernel: no fetch reads its rows
func.func @main(%ids: tensor<?x?xi64>, %history: tensor<?x2xi64>, %e: tensor<?x16xf32>) -> (tensor<?x2xi64>, tensor<?x?x1xi64>, tensor<?x1xi64>, tensor<?x16xf32>) {
  %map = trine.weight "map" from "m.onnx" at 0 length 640 : tensor<160xi32>
  %rows, %present = trine.engram.hash %ids history(%history : tensor<?x2xi64>) map(%map : tensor<160xi32>) order 3 heads 1
    multipliers [7, 5, 3] moduli [11, 13] offsets [0, 11] pad 2 reset after_token token 1 wrap non_negative : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %flat = tensor.collapse_shape %rows [[0, 1, 2]] : tensor<?x?x2xi64> into tensor<?xi64>
  %t = plan.prefetch_issue @table rows(%flat : tensor<?xi64>) on @device0 queue 0
  %v = plan.prefetch_await %t outs(%e : tensor<?x16xf32>) on @device0 queue 0 -> tensor<?x16xf32>
  %more, %last = trine.engram.hash %ids order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 reset never wrap twos_complement
    : tensor<?x?xi64> -> tensor<?x?x1xi64>, tensor<?x1xi64>
  return %present, %more, %last, %v : tensor<?x2xi64>, tensor<?x?x1xi64>, tensor<?x1xi64>, tensor<?x16xf32>
}

// -----

// What the library does not take: a map that is computed, rows beyond 63 bits, and a hash in a branch.

// CHECK-LABEL: func.func @main
// CHECK-NOT: plan.engram_hash
// CHECK-COUNT-3: trine.engram.hash
// REMARK-DAG: hash of 1 columns is a kernel: its token map is computed
// REMARK-DAG: hash of 1 columns is a kernel: its rows do not fit in 63 bits
// REMARK-DAG: hash of 1 columns is a kernel: it is in a branch or loop
func.func @main(%ids: tensor<?x?xi64>, %map: tensor<160xi64>, %c: i1, %z: tensor<?x?x1xi64>) -> (tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>) {
  %a, %pa = trine.engram.hash %ids map(%map : tensor<160xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 reset never wrap twos_complement
    : tensor<?x?xi64> -> tensor<?x?x1xi64>, tensor<?x1xi64>
  %b, %pb = trine.engram.hash %ids order 2 heads 1 multipliers [7, 5] moduli [11] offsets [9223372036854775800] pad 2 reset never wrap twos_complement
    : tensor<?x?xi64> -> tensor<?x?x1xi64>, tensor<?x1xi64>
  %d = scf.if %c -> tensor<?x?x1xi64> {
    %e, %pe = trine.engram.hash %ids order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 reset never wrap twos_complement
      : tensor<?x?xi64> -> tensor<?x?x1xi64>, tensor<?x1xi64>
    scf.yield %e : tensor<?x?x1xi64>
  } else {
    scf.yield %z : tensor<?x?x1xi64>
  }
  return %a, %b, %d : tensor<?x?x1xi64>, tensor<?x?x1xi64>, tensor<?x?x1xi64>
}
