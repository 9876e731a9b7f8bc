// Rows that are reduced, and elements that come of it, are one call of the skeleton for rows; weighted sums of experts' rows are Combine.h's.

// RUN: trine-translate --emit-cuda %s | FileCheck %s

plan.device @device0

// A norm: a warp for each row. What was read for the sum stays in registers: two columns of 64 in each thread.
// CHECK-LABEL: // normalize: sm_80 256 threads, 0 bytes of dynamic shared memory; 1 workgroups per block
// CHECK-NOT: generic
// CHECK: #include "Rows.h"
// CHECK: float v0;
// CHECK: bfloat k0;
// CHECK: int passes = 1;
// CHECK: return 64;
// CHECK: Value add(
// CHECK: const bfloat [[X:e[0-9]+]] = a0[row * 64 + column];
// CHECK: [[W:e[0-9]+]] = (float)toFloat([[X]]);
// CHECK: = fmaf([[W]], [[W]], value.v0);
// CHECK: kept.k0 = [[X]];
// CHECK: void finish(
// CHECK-NOT: a0[
// CHECK: toFloat(kept.k0)
// CHECK: a1[row * 64 + column] =
// CHECK: rows<ReduceConfiguration{ReduceBy::Warp}, 2>(a1_0, Row{a0, a0_0, a1, a1_0});
plan.kernel @normalize(%x: tensor<?x64xbf16>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> attributes {skeleton = "row"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xbf16>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x64xbf16>) outs(%f : tensor<?xf32>) {
  ^bb0(%in: bf16, %o: f32):
    %w = arith.extf %in : bf16 to f32
    %q = arith.mulf %w, %w : f32
    %a = arith.addf %o, %q : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<?x64xbf16>, tensor<?xf32>) outs(%out : tensor<?x64xbf16>) {
  ^bb0(%in: bf16, %sum: f32, %o: bf16):
    %w = arith.extf %in : bf16 to f32
    %r = math.rsqrt %sum : f32
    %p = arith.mulf %w, %r : f32
    %t = arith.truncf %p : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<?x64xbf16>
  plan.return %y : tensor<?x64xbf16>
}

// A softmax over rows of any length, and its logarithm of the sum, which is a result of the row. The second pass sees the first one's.
// CHECK-LABEL: // softmax:
// CHECK: int passes = 2;
// CHECK: Value initial(
// CHECK: if (pass == 0)
// CHECK-NEXT: value.v0 = -__uint_as_float(0x7F800000u);
// CHECK: if (pass == 0) {
// CHECK: nanMaximum(value.v0,
// CHECK: if (pass == 1) {
// CHECK: - results[0].v0;
// CHECK: expf(
// CHECK: Value combine(
// CHECK: nanMaximum(a.v0, b.v0);
// CHECK: a.v0 + b.v0;
// CHECK: void finish(
// CHECK: / results[1].v0;
// CHECK: void finishRow(
// CHECK: logf(results[1].v0)
// CHECK: rows<ReduceConfiguration{ReduceBy::Warp}>(a1_0, Row
plan.kernel @softmax(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>, %logs: tensor<?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) attributes {skeleton = "row"} {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %g = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %top = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%in: f32, %o: f32):
    %a = arith.maximumf %o, %in : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x, %top : tensor<?x?xf32>, tensor<?xf32>) outs(%g : tensor<?xf32>) {
  ^bb0(%in: f32, %t: f32, %o: f32):
    %d = arith.subf %in, %t : f32
    %p = math.exp %d : f32
    %a = arith.addf %o, %p : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %top, %sum : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%in: f32, %t: f32, %s: f32, %o: f32):
    %d = arith.subf %in, %t : f32
    %p = math.exp %d : f32
    %q = arith.divf %p, %s : f32
    linalg.yield %q : f32
  } -> tensor<?x?xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%sum : tensor<?xf32>) outs(%logs : tensor<?xf32>) {
  ^bb0(%s: f32, %o: f32):
    %l = math.log %s : f32
    linalg.yield %l : f32
  } -> tensor<?xf32>
  plan.return %y, %z : tensor<?x?xf32>, tensor<?xf32>
}

// Sums whose terms are far apart: a thread for each, so that neighbours read neighbours.
// CHECK-LABEL: // columns:
// CHECK: rows<ReduceConfiguration{ReduceBy::Thread}>(500, Row
plan.kernel @columns(%x: tensor<?x500xf32>, %out: tensor<500xf32>) -> tensor<500xf32> attributes {skeleton = "reduction"} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<500xf32>) -> tensor<500xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x500xf32>) outs(%f : tensor<500xf32>) {
  ^bb0(%in: f32, %o: f32):
    %a = arith.addf %o, %in : f32
    linalg.yield %a : f32
  } -> tensor<500xf32>
  plan.return %s : tensor<500xf32>
}

// Two long sums of one pass, of several types, over two dimensions: a workgroup for the only row.
// CHECK-LABEL: // both:
// CHECK: int v0;
// CHECK: long long v1;
// CHECK: return a0_0 * 700;
// CHECK: value.v0 = true;
// CHECK: const Index c1 = column % 700, o1 = column / 700;
// CHECK: void finishRow(
// CHECK-DAG: a1[0] = results[0].v0;
// CHECK-DAG: a2[0] = results[0].v1;
// CHECK: rows<ReduceConfiguration{ReduceBy::Workgroup}>(1, Row
plan.kernel @both(%x: tensor<?x700xi64>, %all: tensor<i1>, %total: tensor<i64>) -> (tensor<i1>, tensor<i64>) attributes {skeleton = "reduction"} {
  %true = arith.constant true
  %zero = arith.constant 0 : i64
  %f = linalg.fill ins(%true : i1) outs(%all : tensor<i1>) -> tensor<i1>
  %g = linalg.fill ins(%zero : i64) outs(%total : tensor<i64>) -> tensor<i64>
  %a = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x700xi64>) outs(%f : tensor<i1>) {
  ^bb0(%in: i64, %o: i1):
    %p = arith.cmpi sge, %in, %zero : i64
    %q = arith.andi %o, %p : i1
    linalg.yield %q : i1
  } -> tensor<i1>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x700xi64>) outs(%g : tensor<i64>) {
  ^bb0(%in: i64, %o: i64):
    %q = arith.addi %o, %in : i64
    linalg.yield %q : i64
  } -> tensor<i64>
  plan.return %a, %s : tensor<i1>, tensor<i64>
}

// The experts' rows by their weights, once for each column, and the norm of that. The sum is kept.
// CHECK-LABEL: // combine_norm:
// CHECK: #include "Combine.h"
// CHECK: #include "Rows.h"
// CHECK: Value add(
// CHECK: const float [[SUM:e[0-9]+]] = combined(a2, a1, a0, 3, 48, a3, row, column);
// CHECK: kept.k0 = [[SUM]];
// CHECK: void finish(
// CHECK-NOT: combined(
// CHECK: rows<ReduceConfiguration{ReduceBy::Warp}, 2>(a4_0, Row
plan.kernel @combine_norm(%w: tensor<?x3xf32>, %position: tensor<?x3xi64>, %rows: tensor<?x48xbf16>, %last: index, %out: tensor<?x48xf32>) -> tensor<?x48xf32> attributes {skeleton = "row"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %out, %c0 : tensor<?x48xf32>
  %e = tensor.empty(%n) : tensor<?x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x48xf32>) -> tensor<?x48xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(i, s, j) -> (i, s)>, affine_map<(i, s, j) -> (i, s)>, affine_map<(i, s, j) -> (i, j)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%w, %position : tensor<?x3xf32>, tensor<?x3xi64>) outs(%f : tensor<?x48xf32>) {
  ^bb0(%a: f32, %p: i64, %o: f32):
    %i = arith.index_cast %p : i64 to index
    %m = arith.minsi %i, %last : index
    %r = arith.maxsi %m, %c0 : index
    %j = linalg.index 2 : index
    %x = tensor.extract %rows[%r, %j] : tensor<?x48xbf16>
    %y = arith.extf %x : bf16 to f32
    %q = arith.mulf %a, %y : f32
    %t = arith.addf %o, %q : f32
    linalg.yield %t : f32
  } -> tensor<?x48xf32>
  %re = tensor.empty(%n) : tensor<?xf32>
  %rf = linalg.fill ins(%zero : f32) outs(%re : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%sum : tensor<?x48xf32>) outs(%rf : tensor<?xf32>) {
  ^bb0(%in: f32, %o: f32):
    %q = arith.mulf %in, %in : f32
    %a = arith.addf %o, %q : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %squares : tensor<?x48xf32>, tensor<?xf32>) outs(%out : tensor<?x48xf32>) {
  ^bb0(%in: f32, %q: f32, %o: f32):
    %r = math.rsqrt %q : f32
    %p = arith.mulf %in, %r : f32
    linalg.yield %p : f32
  } -> tensor<?x48xf32>
  plan.return %y : tensor<?x48xf32>
}

// A sum of experts alone is a map of elements.
// CHECK-LABEL: // combine:
// CHECK: #include "Combine.h"
// CHECK: #include "Elementwise.h"
// CHECK: combined(a2, a1, a0, 3, 48, a3,
plan.kernel @combine(%w: tensor<?x3xf32>, %position: tensor<?x3xi64>, %rows: tensor<?x48xf32>, %last: index, %out: tensor<?x48xf32>) -> tensor<?x48xf32> attributes {skeleton = "reduction"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x48xf32>) -> tensor<?x48xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(i, s, j) -> (i, s)>, affine_map<(i, s, j) -> (i, s)>, affine_map<(i, s, j) -> (i, j)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%w, %position : tensor<?x3xf32>, tensor<?x3xi64>) outs(%f : tensor<?x48xf32>) {
  ^bb0(%a: f32, %p: i64, %o: f32):
    %i = arith.index_cast %p : i64 to index
    %m = arith.minsi %i, %last : index
    %r = arith.maxsi %m, %c0 : index
    %j = linalg.index 2 : index
    %x = tensor.extract %rows[%r, %j] : tensor<?x48xf32>
    %q = arith.mulf %a, %x : f32
    %t = arith.addf %o, %q : f32
    linalg.yield %t : f32
  } -> tensor<?x48xf32>
  plan.return %sum : tensor<?x48xf32>
}

// An identity expert has no row: the token's own element stands for it, and nothing else is read.
// CHECK-LABEL: // combine_identity:
// CHECK: const bfloat [[OWN:e[0-9]+]] = a5[
// CHECK: combined(a3, a1, a0, 3, 48, a4, {{.*}}, {{.*}}, a2, 6ll, toFloat([[OWN]]))
plan.kernel @combine_identity(%w: tensor<?x3xf32>, %position: tensor<?x3xi64>, %ids: tensor<?x3xi64>, %rows: tensor<?x48xbf16>, %last: index, %input: tensor<?x48xbf16>, %out: tensor<?x48xf32>) -> tensor<?x48xf32> attributes {skeleton = "reduction"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %six = arith.constant 6 : i64
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x48xf32>) -> tensor<?x48xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(i, s, j) -> (i, s)>, affine_map<(i, s, j) -> (i, s)>, affine_map<(i, s, j) -> (i, s)>, affine_map<(i, s, j) -> (i, j)>, affine_map<(i, s, j) -> (i, j)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%w, %position, %ids, %input : tensor<?x3xf32>, tensor<?x3xi64>, tensor<?x3xi64>, tensor<?x48xbf16>) outs(%f : tensor<?x48xf32>) {
  ^bb0(%a: f32, %p: i64, %id: i64, %own: bf16, %o: f32):
    %i = arith.index_cast %p : i64 to index
    %m = arith.minsi %i, %last : index
    %r = arith.maxsi %m, %c0 : index
    %j = linalg.index 2 : index
    %x = tensor.extract %rows[%r, %j] : tensor<?x48xbf16>
    %y = arith.extf %x : bf16 to f32
    %is = arith.cmpi sge, %id, %six : i64
    %mine = arith.extf %own : bf16 to f32
    %z = arith.select %is, %mine, %y : f32
    %q = arith.mulf %a, %z : f32
    %t = arith.addf %o, %q : f32
    linalg.yield %t : f32
  } -> tensor<?x48xf32>
  plan.return %sum : tensor<?x48xf32>
}

// What depends on the order of terms stays with the blocks, and the report says so.
// CHECK-LABEL: // last:
// CHECK-NEXT: // generic: the order of a reduction's terms matters
plan.kernel @last(%x: tensor<?x64xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "reduction"} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x64xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%in: f32, %o: f32):
    %a = arith.subf %in, %o : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  plan.return %s : tensor<?xf32>
}

func.func @main(%x: memref<?x64xf32>) attributes {plan.results = []} {
  return
}
