// RUN: trine-opt %s --split-input-file --trine-outline-constant-work=limit=64 | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-outline-constant-work=limit=-1 | FileCheck %s --check-prefix=OFF
// RUN: trine-opt %s --split-input-file --trine-outline-constant-work=limit=64 --remarks-filter=trine-outline-constant-work --remark-policy=all 2>&1 | FileCheck %s --check-prefix=REMARK

// OFF-NOT: plan.constant_program

// A scaled matrix. The step reads its transpose, which is a layout of what is computed.

// REMARK:      16384 bytes become 16384, with 1 operations for an element: computed once (smaller)
// CHECK:       plan.constant_program @constants0 {
// CHECK-NEXT:    %[[W:.*]] = trine.weight "w" from "m" at 0 length 16384 : tensor<64x64xf32>
// CHECK:         %[[Y:.*]] = linalg.generic {{.*}} ins(%[[W]]
// CHECK:         plan.computed %[[Y]] at [0] : tensor<64x64xf32>
// CHECK:       func.func @main(
// CHECK-NEXT:    %[[V:.*]] = trine.weight "w (computed)" from "/computed" at 0 length 16384 : tensor<64x64xf32>
// CHECK-NOT:     linalg.generic
// CHECK:         linalg.transpose ins(%[[V]]
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @main() -> tensor<64x64xf32> {
  %w = trine.weight "w" from "m" at 0 length 16384 : tensor<64x64xf32>
  %s = arith.constant 0.125 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %s : f32
    linalg.yield %0 : f32
  } -> tensor<64x64xf32>
  %t = linalg.transpose ins(%y : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) permutation = [1, 0]
  return %t : tensor<64x64xf32>
}

// -----

// A quarter more than it is made of is taken; one element more is not, unless it has at most 64 bytes.

// REMARK-DAG:  80 bytes become 100, with 8 operations for an element: computed once (smaller)
// REMARK-DAG:  80 bytes would become 104, with 8 operations for an element: computed in each step
// REMARK-DAG:  16 bytes become 64, with 2 operations for an element: computed once (small)
// REMARK-DAG:  17 bytes would become 68, with 2 operations for an element: computed in each step
// CHECK:       plan.computed %{{.*}}, %{{.*}} at [0, 128] : tensor<25xf32>, tensor<16xf32>
// CHECK:       func.func @main
// CHECK-DAG:     trine.weight "i (computed)" from "/computed" at 128 length 64 : tensor<16xf32>
// CHECK-DAG:     trine.weight "w (computed)" from "/computed" at 0 length 100 : tensor<25xf32>
// CHECK:         tensor.pad %{{.*}} low[0] high[6]
// CHECK:         linalg.generic {{.*}} ins(%{{.*}} : tensor<17xi8>)
// CHECK-NOT:     linalg.generic
#one = affine_map<(d0) -> (d0)>
func.func @main() -> (tensor<25xf32>, tensor<26xf32>, tensor<16xf32>, tensor<17xf32>) {
  %w = trine.weight "w" from "m" at 0 length 80 : tensor<20xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %w low[0] high[5] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<20xf32> to tensor<25xf32>
  %q = tensor.pad %w low[0] high[6] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<20xf32> to tensor<26xf32>
  %s = arith.constant 0.125 : f32
  %i = trine.weight "i" from "m" at 128 length 16 : tensor<16xi8>
  %e = tensor.empty() : tensor<16xf32>
  %x = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%i : tensor<16xi8>) outs(%e : tensor<16xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.sitofp %in : i8 to f32
    %1 = arith.mulf %0, %s : f32
    linalg.yield %1 : f32
  } -> tensor<16xf32>
  %j = trine.weight "j" from "m" at 256 length 17 : tensor<17xi8>
  %f = tensor.empty() : tensor<17xf32>
  %y = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%j : tensor<17xi8>) outs(%f : tensor<17xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.sitofp %in : i8 to f32
    %1 = arith.mulf %0, %s : f32
    linalg.yield %1 : f32
  } -> tensor<17xf32>
  return %p, %q, %x, %y : tensor<25xf32>, tensor<26xf32>, tensor<16xf32>, tensor<17xf32>
}

// -----

// A table grows; with cosines it is kept, as a product it is made where it is read, as are positions, which take no weight.

// REMARK-DAG:  64 bytes become 4096, with 16 operations for an element: computed once (costly)
// REMARK-DAG:  64 bytes would become 4096, with 1 operations for an element: computed in each step
// CHECK:       plan.constant_program
// CHECK:         math.cos
// CHECK:         plan.computed %{{.*}} at [0] : tensor<64x16xf32>
// CHECK:       func.func @main
// CHECK-NOT:     math.cos
// CHECK:         linalg.index
// CHECK:         arith.mulf
#column = affine_map<(d0, d1) -> (d1)>
#two = affine_map<(d0, d1) -> (d0, d1)>
#one = affine_map<(d0) -> (d0)>
func.func @main() -> (tensor<64x16xf32>, tensor<64x16xf32>, tensor<64xi64>) {
  %w = trine.weight "w" from "m" at 0 length 64 : tensor<16xf32>
  %n = tensor.empty() : tensor<64xi64>
  %i = linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]} outs(%n : tensor<64xi64>) {
  ^bb0(%out: i64):
    %0 = linalg.index 0 : index
    %1 = arith.index_cast %0 : index to i64
    %c2 = arith.constant 2 : i64
    %2 = arith.muli %1, %c2 : i64
    linalg.yield %2 : i64
  } -> tensor<64xi64>
  %e = tensor.empty() : tensor<64x16xf32>
  %x = linalg.generic {indexing_maps = [#column, #two], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<16xf32>) outs(%e : tensor<64x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.cos %in : f32
    linalg.yield %0 : f32
  } -> tensor<64x16xf32>
  %y = linalg.generic {indexing_maps = [#column, #two], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<16xf32>) outs(%e : tensor<64x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %in : f32
    linalg.yield %0 : f32
  } -> tensor<64x16xf32>
  return %x, %y, %i : tensor<64x16xf32>, tensor<64x16xf32>, tensor<64xi64>
}

// -----

// What depends on an argument, is a copy, a fill or a cast to more bits, or has effects is the step's. What a choice reads is computed all the same.

// CHECK:       plan.constant_program @constants0
// CHECK:         linalg.exp
// CHECK:         linalg.log
// CHECK:         plan.computed %{{.*}}, %{{.*}} at [0, 64] : tensor<4xf32>, tensor<4xf32>
// CHECK-NOT:   plan.constant_program
// CHECK:       func.func @main
// CHECK:         arith.extf
// CHECK:         %[[IF:.*]] = scf.if
// CHECK-NOT:       linalg.exp
// CHECK:         linalg.add
// CHECK:         linalg.fill
// CHECK:         trine.require
#one = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<4xf32>, %flag: i1) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>) {
  %w = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
  %h = trine.weight "h" from "m" at 64 length 16 : tensor<8xf16>
  %e = tensor.empty() : tensor<4xf32>
  %f = tensor.empty() : tensor<8xf32>
  %wide = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%h : tensor<8xf16>) outs(%f : tensor<8xf32>) {
  ^bb0(%in: f16, %out: f32):
    %0 = arith.extf %in : f16 to f32
    linalg.yield %0 : f32
  } -> tensor<8xf32>
  %c = scf.if %flag -> tensor<4xf32> {
    %a = linalg.exp ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  } else {
    %b = linalg.log ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %b : tensor<4xf32>
  }
  %y = linalg.add ins(%w, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %one = arith.constant 1.0 : f32
  %z = linalg.fill ins(%one : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %c0 = arith.constant 0 : index
  %first = tensor.extract %w[%c0] : tensor<4xf32>
  %positive = arith.cmpf ogt, %first, %one : f32
  %flags = tensor.from_elements %positive : tensor<i1>
  trine.require %flags, "no" : tensor<i1>
  return %c, %y, %z, %wide : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>
}

// -----

// A loop is computed if it is known how often it runs, and if that takes less than 10^13 operations.

// REMARK-DAG:  16 bytes would become 16, with 750000000000000 operations for an element: computed in each step
// CHECK:       plan.constant_program
// CHECK:         arith.constant 3 : index
// CHECK:         plan.computed %{{.*}} at [0] : tensor<4xf32>
// CHECK:       func.func @main
// CHECK-COUNT-2: scf.for
// CHECK-NOT:     scf.for
func.func @main(%n: index) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %w = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %many = arith.constant 1000000000000000 : index
  %x = scf.for %i = %c0 to %c3 step %c1 iter_args(%t = %w) -> tensor<4xf32> {
    %0 = tensor.extract %t[%i] : tensor<4xf32>
    %1 = tensor.insert %0 into %t[%c3] : tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  }
  %y = scf.for %i = %c0 to %many step %c1 iter_args(%t = %w) -> tensor<4xf32> {
    %0 = tensor.extract %t[%c0] : tensor<4xf32>
    %1 = tensor.insert %0 into %t[%c3] : tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  }
  %z = scf.for %i = %c0 to %n step %c1 iter_args(%t = %w) -> tensor<4xf32> {
    %0 = tensor.extract %t[%i] : tensor<4xf32>
    %1 = tensor.insert %0 into %t[%c3] : tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  }
  return %x, %y, %z : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
