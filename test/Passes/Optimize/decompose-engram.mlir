// RUN: trine-opt %s --trine-decompose-composites --canonicalize --cse | FileCheck %s

// Ids beyond the map are told, and never read. One loop computes all columns: a multiplier is 0 where a column's order does not reach.
// CHECK-LABEL: func.func @hash(
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x?xi64>, %[[H:[a-z0-9]+]]: tensor<?x2xi64>, %[[MAP:[a-z0-9]+]]: tensor<160xi64>
// CHECK-DAG: %[[M2:.*]] = arith.constant dense<[0, 0, 29694298745574697, 29694298745574697]> : tensor<4xi64>
// CHECK-DAG: %[[M1:.*]] = arith.constant dense<3996608348655193> : tensor<4xi64>
// CHECK-DAG: %[[P:.*]] = arith.constant dense<[211, 223, 227, 229]> : tensor<4xi64>
// CHECK-DAG: %[[O:.*]] = arith.constant dense<[0, 211, 434, 661]> : tensor<4xi64>
// CHECK: trine.require %{{.*}}, "token ids of an Engram hash must lie in [-160, 160)"
// CHECK: %[[MAPPED:.*]] = linalg.generic {{.*}}["parallel", "parallel"]{{.*}} ins(%[[IDS]]
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: tensor.extract %[[MAP]]
// CHECK: tensor.insert_slice %[[H]] into
// CHECK: %[[ALL:.*]] = tensor.insert_slice %[[MAPPED]] into
// CHECK: %[[W0:.*]] = tensor.extract_slice %[[ALL]][0, 2]
// CHECK: %[[W1:.*]] = tensor.extract_slice %[[ALL]][0, 1]
// CHECK: %[[W2:.*]] = tensor.extract_slice %[[ALL]][0, 0]
// CHECK: %[[ROWS:.*]] = linalg.generic {{.*}}["parallel", "parallel", "parallel"]} ins(%[[W0]], %[[W1]], %[[W2]], %{{.*}}, %[[M1]], %[[M2]], %[[P]], %[[O]]
// CHECK: arith.remsi
// CHECK: %[[PRESENT:.*]] = tensor.extract_slice %[[ALL]][0, %{{.*}}] [%{{.*}}, 2]
// CHECK: return %[[ROWS]], %[[PRESENT]]
func.func @hash(%ids: tensor<?x?xi64>, %h: tensor<?x2xi64>, %m: tensor<160xi64>) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  %rows, %present = trine.engram.hash %ids history(%h : tensor<?x2xi64>) map(%m : tensor<160xi64>) order 3 heads 2
    multipliers [63280230511788609, 3996608348655193, 29694298745574697] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661]
    pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
  return %rows, %present : tensor<?x?x4xi64>, tensor<?x2xi64>
}

// A map of 32-bit ids is widened as it is read.
// CHECK-LABEL: func.func @hash_narrow_map(
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x?xi64>, %[[MAP:[a-z0-9]+]]: tensor<160xi32>
// CHECK: %[[ID:.*]] = tensor.extract %[[MAP]]
// CHECK: arith.extsi %[[ID]] : i32 to i64
func.func @hash_narrow_map(%ids: tensor<?x?xi64>, %m: tensor<160xi32>) -> tensor<?x?x2xi64> {
  %rows, %present = trine.engram.hash %ids map(%m : tensor<160xi32>) order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11]
    pad 2 reset never wrap non_negative : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  return %rows : tensor<?x?x2xi64>
}

// The token itself counts; those before a reset do not.
// CHECK-LABEL: func.func @hash_reset(
// CHECK-NOT: trine.require
// CHECK: %[[E1:.*]] = arith.cmpi eq, %[[ID1:.*]], %c9_i64
// CHECK: arith.select %[[E1]], %c2_i64, %[[ID1]]
// CHECK: %[[E2:.*]] = arith.cmpi eq, %[[ID2:.*]], %c9_i64
// CHECK: %[[OR:.*]] = arith.ori %[[E1]], %[[E2]]
// CHECK: arith.select %[[OR]], %c2_i64, %[[ID2]]
func.func @hash_reset(%ids: tensor<?x7xi64>) -> tensor<?x7x2xi64> {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11]
    pad 2 reset after_token token 9 wrap non_negative : tensor<?x7xi64> -> tensor<?x7x2xi64>, tensor<?x2xi64>
  return %rows : tensor<?x7x2xi64>
}

// The rows of a hash lie in the table by construction.
// CHECK-LABEL: func.func @lookup_of_hash(
// CHECK-NOT: trine.require
// CHECK: tensor.extract %{{.*}} : tensor<24x16xf32>
func.func @lookup_of_hash(%ids: tensor<?x?xi64>, %t: tensor<24x16xf32>) -> tensor<?x?x2x16xf32> {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11]
    pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %e = trine.engram.lookup %rows, %t : tensor<?x?x2xi64>, tensor<24x16xf32> -> tensor<?x?x2x16xf32>
  return %e : tensor<?x?x2x16xf32>
}

// CHECK-LABEL: func.func @lookup_beyond_table(
// CHECK: trine.require %{{.*}}, "rows of an Engram lookup must lie in [-23, 23)"
func.func @lookup_beyond_table(%ids: tensor<?x?xi64>, %t: tensor<23x16xf32>) -> tensor<?x?x2x16xf32> {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11]
    pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %e = trine.engram.lookup %rows, %t : tensor<?x?x2xi64>, tensor<23x16xf32> -> tensor<?x?x2x16xf32>
  return %e : tensor<?x?x2x16xf32>
}

// 8-bit floats are read as bytes and widened by a table, for any target.
// CHECK-LABEL: func.func @lookup_scaled(
// CHECK: %[[X:.*]] = tensor.extract %{{.*}} : tensor<1000x256xf8E4M3FN>
// CHECK: arith.divui {{.*}}, %c32
// CHECK: %[[S:.*]] = tensor.extract %{{.*}} : tensor<1000x8xf8E8M0FNU>
// CHECK: arith.bitcast %[[S]] : f8E8M0FNU to i8
// CHECK: tensor.extract {{.*}} : tensor<256xf32>
// CHECK: arith.bitcast %[[X]] : f8E4M3FN to i8
// CHECK: arith.mulf
// CHECK: arith.truncf {{.*}} : f32 to bf16
func.func @lookup_scaled(%rows: tensor<?x24xi64>, %t: tensor<1000x256xf8E4M3FN>, %s: tensor<1000x8xf8E8M0FNU>) -> tensor<?x24x256xbf16> {
  %e = trine.engram.lookup %rows, %t scales(%s : tensor<1000x8xf8E8M0FNU>) : tensor<?x24xi64>, tensor<1000x256xf8E4M3FN> -> tensor<?x24x256xbf16>
  return %e : tensor<?x24x256xbf16>
}

// The gate is computed once for each row, not for each of its elements.
// CHECK-LABEL: func.func @gate(
// CHECK-SAME: %[[K:[a-z0-9]+]]: tensor<?x?x2x64xf32>, %[[Q:[a-z0-9]+]]: tensor<?x?x2x64xf32>, %[[V:[a-z0-9]+]]: tensor<?x?x64xf32>
// CHECK: %[[KK:.*]] = linalg.generic {{.*}}"reduction"]} ins(%[[K]] :
// CHECK: %[[QQ:.*]] = linalg.generic {{.*}}"reduction"]} ins(%[[Q]] :
// CHECK: %[[KQ:.*]] = linalg.generic {{.*}}"reduction"]} ins(%[[K]], %{{.*}}, %[[Q]], %{{.*}} :
// CHECK: %[[G:.*]] = linalg.generic {{.*}}["parallel", "parallel", "parallel"]} ins(%[[KK]], %[[QQ]], %[[KQ]]
// CHECK: arith.divf %{{.*}}, %cst{{.*}} : f32
// CHECK: math.absf
// CHECK: math.sqrt
// CHECK: math.exp
// CHECK: linalg.generic {{.*}}["parallel", "parallel", "parallel", "parallel"]} ins(%[[G]], %[[V]]
func.func @gate(%k: tensor<?x?x2x64xf32>, %q: tensor<?x?x2x64xf32>, %v: tensor<?x?x64xf32>, %kw: tensor<2x64xf32>, %qw: tensor<2x64xf32>) -> tensor<?x?x2x64xf32> {
  %u = trine.engram.gate %k, %q, %v weights(%kw, %qw : tensor<2x64xf32>, tensor<2x64xf32>) epsilon 1.0e-5 root sign floor 1.0e-6
    : tensor<?x?x2x64xf32>, tensor<?x?x64xf32>
  return %u : tensor<?x?x2x64xf32>
}

// Taps are shifted slices and rows of the turned weight.
// CHECK-LABEL: func.func @conv(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x64xf32>, %[[S:[a-z0-9]+]]: tensor<?x9x64xf32>, %[[W:[a-z0-9]+]]: tensor<64x4xf32>
// CHECK: tensor.insert_slice %[[S]]
// CHECK: %[[ALL:.*]] = tensor.insert_slice %[[X]]
// CHECK: %[[PRESENT:.*]] = tensor.extract_slice %[[ALL]][0, %{{.*}}, 0] [%{{.*}}, 9, 64]
// CHECK: linalg.transpose ins(%[[W]]
// CHECK: tensor.extract_slice %[[ALL]][0, 0, 0]
// CHECK: tensor.extract_slice %[[ALL]][0, 3, 0]
// CHECK: tensor.extract_slice %[[ALL]][0, 6, 0]
// CHECK: tensor.extract_slice %[[ALL]][0, 9, 0]
// CHECK: linalg.generic {{.*}}["parallel", "parallel", "parallel"]}
func.func @conv(%x: tensor<?x?x64xf32>, %s: tensor<?x9x64xf32>, %w: tensor<64x4xf32>) -> (tensor<?x?x64xf32>, tensor<?x9x64xf32>) {
  %y, %p = trine.engram.conv %x, %s, %w dilation 3 : tensor<?x?x64xf32>, tensor<?x9x64xf32>, tensor<64x4xf32>
  return %y, %p : tensor<?x?x64xf32>, tensor<?x9x64xf32>
}

// CHECK-LABEL: func.func @conv_many_taps(
// CHECK: linalg.generic {{.*}}["parallel", "parallel", "parallel", "reduction"]} ins(%{{.*}}, %{{.*}} : tensor<?x?x64xbf16>, tensor<12x64xbf16>) outs(%{{.*}} : tensor<?x?x64xf32>)
// CHECK: arith.truncf {{.*}} : f32 to bf16
func.func @conv_many_taps(%x: tensor<?x?x64xbf16>, %s: tensor<?x11x64xbf16>, %w: tensor<64x12xbf16>) -> tensor<?x?x64xbf16> {
  %y, %p = trine.engram.conv %x, %s, %w dilation 1 : tensor<?x?x64xbf16>, tensor<?x11x64xbf16>, tensor<64x12xbf16>
  return %y : tensor<?x?x64xbf16>
}

// No state at all is taken from within the rows: their end is outside of them.
// CHECK-LABEL: func.func @conv_without_state(
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [2, 0, 6]
func.func @conv_without_state(%x: tensor<2x3x6xf32>, %s: tensor<2x0x6xf32>, %w: tensor<6x1xf32>) -> (tensor<2x3x6xf32>, tensor<2x0x6xf32>) {
  %y, %p = trine.engram.conv %x, %s, %w dilation 3 : tensor<2x3x6xf32>, tensor<2x0x6xf32>, tensor<6x1xf32>
  return %y, %p : tensor<2x3x6xf32>, tensor<2x0x6xf32>
}
