// RUN: trine-opt %s --pass-pipeline='builtin.module(func.func(trine-vectorize-kernels))' | FileCheck %s
// RUN: trine-opt %s --pass-pipeline='builtin.module(func.func(trine-vectorize-kernels{vector-bytes=32}))' | FileCheck %s --check-prefix=NARROW

// Columns are contiguous: blocks of 8 rows by two vectors, four steps of the sum at once, then one block of just as many rows as are left. Panels are asked for
// before they are needed.
// How far ahead the second-level cache is asked follows from the number of blocks: one looks 16 KiB ahead, several share the 8 KiB of the panel behind theirs, in
// equal parts by rows: the block of what is left asks for as much less as it has fewer rows.
// CHECK-LABEL: func.func @columns
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %c8_i64
// CHECK: %[[ONE:.*]] = arith.cmpi ule, %[[BLOCKS]], %c1_i64
// CHECK: %[[START:.*]] = arith.select %[[ONE]], %c16384_i64, %c8192_i64
// CHECK: %[[ROWS:.*]] = arith.maxui %{{.*}}, %c1_i64
// CHECK: arith.divui %c8192_i64, %[[ROWS]]
// CHECK: %[[FAR:.*]] = llvm.getelementptr {{.*}} -> !llvm.ptr, i8
// CHECK: %[[PER_STEP:.*]] = arith.divui %c1024_i64, %[[ROWS]]
// CHECK: scf.for {{.*}} step %c4{{.*}} iter_args
// CHECK: memref.prefetch %{{.*}}, read, locality<3>, data : memref<64x32xf32>
// CHECK: vector.load %{{.*}} : memref<64x32xf32>, vector<16xf32>
// CHECK: %[[AT:.*]] = arith.muli %{{.*}}, %[[PER_STEP]]
// CHECK: %[[LINE:.*]] = llvm.getelementptr %[[FAR]][%[[AT]]]
// CHECK: "llvm.intr.prefetch"(%[[LINE]]) <{cache = 1 : i32, hint = 2 : i32, rw = 0 : i32}>
// CHECK: vector.fma {{.*}} : vector<16xf32>
// CHECK: scf.index_switch
// CHECK: case 1 {
// CHECK: arith.divui %c128_i64, %[[ROWS]]
// CHECK: case 7 {
// CHECK: arith.divui %c896_i64, %[[ROWS]]
// CHECK-NOT: vector.maskedload
// CHECK: return
// NARROW-LABEL: func.func @columns
// NARROW: vector.fma {{.*}} : vector<8xf32>
func.func @columns(%a: memref<?x64xf32>, %b: memref<64x32xf32>, %c: memref<?x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<?x64xf32>, memref<64x32xf32>) outs(%c : memref<?x32xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}

// A long sum is computed in parts for all rows, which so stay in the cache: 5000 steps in 2 of 1672 and one of 1656. Few rows need no parts.
// CHECK-LABEL: func.func @long_sum
// CHECK: scf.for %[[BEGIN:.*]] = %c0{{.*}} to %c5000{{.*}} step %c1672
// CHECK: %[[NEXT:.*]] = arith.addi %[[BEGIN]], %c1672
// CHECK: %[[END:.*]] = arith.minui %[[NEXT]], %c5000
// CHECK: scf.for
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to
// CHECK-LABEL: func.func @long_sum_of_few
// CHECK-NOT: step %c1672
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c5000
// CHECK: return
func.func @long_sum(%a: memref<?x5000xf32>, %b: memref<5000x32xf32>, %c: memref<?x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<?x5000xf32>, memref<5000x32xf32>) outs(%c : memref<?x32xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}
func.func @long_sum_of_few(%a: memref<8x5000xf32>, %b: memref<5000x32xf32>, %c: memref<8x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<8x5000xf32>, memref<5000x32xf32>) outs(%c : memref<8x32xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}

// Of two loops over rows, the longer one becomes the rows in registers when the code runs; of known sizes, at once.
// CHECK-LABEL: func.func @two_loops_over_rows
// CHECK: %[[SEQUENCES:.*]] = memref.dim %{{.*}}, %c0
// CHECK: %[[TOKENS:.*]] = memref.dim %{{.*}}, %c1
// CHECK: %[[LONGER:.*]] = arith.cmpi uge, %[[TOKENS]], %[[SEQUENCES]]
// CHECK: scf.if %[[LONGER]] {
// CHECK: %[[OUTER:.*]] = memref.dim %{{.*}}, %c0
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %[[OUTER]] step %c1
// CHECK: } else {
// CHECK: %[[OTHER:.*]] = memref.dim %{{.*}}, %c1
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %[[OTHER]] step %c1
// CHECK-LABEL: func.func @known_loops_over_rows
// CHECK-NOT: scf.if
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c2{{.*}} step %c1
// CHECK: return
func.func @two_loops_over_rows(%a: memref<?x?x64xf32>, %b: memref<64x32xf32>, %c: memref<?x?x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(s, t, n, k) -> (s, t, k)>, affine_map<(s, t, n, k) -> (k, n)>, affine_map<(s, t, n, k) -> (s, t, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<?x?x64xf32>, memref<64x32xf32>) outs(%c : memref<?x?x32xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}
func.func @known_loops_over_rows(%a: memref<8x2x64xf32>, %b: memref<64x32xf32>, %c: memref<8x2x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(s, t, n, k) -> (s, t, k)>, affine_map<(s, t, n, k) -> (k, n)>, affine_map<(s, t, n, k) -> (s, t, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<8x2x64xf32>, memref<64x32xf32>) outs(%c : memref<8x2x32xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}

// One vector of columns takes twice the rows, all read from one address. Rows behind are asked for evenly: 64 by four blocks of 16 are a line for each
// step of the sum.
// CHECK-LABEL: func.func @streams
// CHECK: scf.for {{.*}} step %c16
// CHECK: %[[SHARE:.*]] = arith.muli %{{.*}}, %c8192
// CHECK: scf.for {{.*}} iter_args
// CHECK: %[[AT:.*]] = arith.addi %[[SHARE]]
// CHECK: %[[ROW:.*]] = arith.divui %[[AT]], %c512
// CHECK: %[[BEHIND:.*]] = arith.addi %[[ROW]], %c64
// CHECK: memref.prefetch %{{.*}}[%[[BEHIND]], %{{.*}}], read, locality<2>
// CHECK: %[[LEFT:.*]] = llvm.getelementptr
// CHECK: llvm.load %[[LEFT]]
// CHECK: llvm.getelementptr %[[LEFT]][8640]
// CHECK-COUNT-16: vector.fma
func.func @streams(%a: memref<64x512xf32, strided<[576, 1]>>, %b: memref<512x16xf32>, %c: memref<64x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<64x512xf32, strided<[576, 1]>>, memref<512x16xf32>) outs(%c : memref<64x16xf32>) attrs = {trine.streams = array<i64: 0, 64, 64>} {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}

// Half as many rows are a line for every other step. Rows without gaps are one address. A multiple of 16 columns leaves no vector cut off: no masks.
// CHECK-LABEL: func.func @streams_right
// CHECK-NOT: vector.create_mask
// CHECK: llvm.intr.prefetch
// CHECK: vector.fma
// CHECK-NOT: vector.create_mask
// CHECK: return
func.func @streams_right(%a: memref<16x64xf32>, %b: memref<64x512xf32>, %c: memref<16x512xf32>, %d: memref<64x?xf32>, %e: memref<16x?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<16x64xf32>, memref<64x512xf32>) outs(%c : memref<16x512xf32>) attrs = {trine.streams = array<i64: 1, 96, 32>} {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %d : memref<16x64xf32>, memref<64x?xf32>) outs(%e : memref<16x?xf32>) attrs = {trine.whole_vectors} {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}

// The sum is contiguous in both: dot products, with a mask for the rest.
// CHECK-LABEL: func.func @dots
// CHECK: vector.fma
// CHECK: vector.maskedload
// CHECK: vector.reduction <add>
func.func @dots(%a: memref<3x20xf32>, %b: memref<?x20xf32>, %c: memref<3x?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<3x20xf32>, memref<?x20xf32>) outs(%c : memref<3x?xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}

// Pairs of rows of 16-bit data are widened in registers.
// CHECK-LABEL: func.func @pairs
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> vector<16xi32>
// CHECK: arith.shli
// CHECK: arith.andi
// CHECK: vector.fma
func.func @pairs(%a: memref<1x64xf32>, %b: memref<32x32x2xbf16>, %c: memref<1x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k floordiv 2, n, k mod 2)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<1x64xf32>, memref<32x32x2xbf16>) outs(%c : memref<1x32xf32>) {
  ^bb0(%x: f32, %y: bf16, %s: f32):
    %w = arith.extf %y : bf16 to f32
    %p = arith.mulf %x, %w : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}

// Sums may be reassociated; exp becomes a polynomial.
// CHECK-LABEL: func.func @sum_of_exp
// CHECK: scf.for
// CHECK-NOT: math.exp
// CHECK: arith.addf {{.*}} fastmath<reassoc>
func.func @sum_of_exp(%a: memref<?xf32>, %c: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> ()>], iterator_types = ["reduction"]} ins(%a : memref<?xf32>) outs(%c : memref<f32>) {
  ^bb0(%x: f32, %s: f32):
    %e = math.exp %x : f32
    %r = arith.addf %e, %s : f32
    linalg.yield %r : f32
  }
  return
}

// A conversion that would need a function of the compiler's own library goes through f32.
// CHECK-LABEL: func.func @to_bf16
// CHECK: %[[WIDE:.*]] = arith.uitofp %{{.*}} : i1 to f32
// CHECK: arith.truncf %[[WIDE]] : f32 to bf16
func.func @to_bf16(%a: memref<?xi1>, %c: memref<?xbf16>) {
  linalg.generic {indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>], iterator_types = ["parallel"]} ins(%a : memref<?xi1>) outs(%c : memref<?xbf16>) {
  ^bb0(%x: i1, %s: bf16):
    %r = arith.uitofp %x : i1 to bf16
    linalg.yield %r : bf16
  }
  return
}

// A view of a scalar has no groups of dimensions.
// CHECK-LABEL: func.func @scalar_view
// CHECK: memref.reinterpret_cast {{.*}} sizes: [1, 1], strides: [1, 1]
func.func @scalar_view(%x: memref<f32>, %y: memref<1x1xf32>) {
  %0 = memref.expand_shape %x [] output_shape [1, 1] : memref<f32> into memref<1x1xf32>
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%0 : memref<1x1xf32>) outs(%y : memref<1x1xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// A row's maximum stays an operation that LLVM knows as a reduction, unless it ignores NaN.
// CHECK-LABEL: func.func @maxima
// CHECK: llvm.intr.maximum
// CHECK: llvm.intr.minimum
// CHECK: arith.maxnumf {{.*}} : f32
// CHECK: arith.maximumf {{.*}} : bf16
func.func @maxima(%a: memref<?xf32>, %b: memref<?xbf16>, %x: memref<f32>, %y: memref<f32>, %z: memref<bf16>) {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]}
    ins(%a : memref<?xf32>) outs(%x, %y : memref<f32>, memref<f32>) {
  ^bb0(%v: f32, %high: f32, %low: f32):
    %h = arith.maximumf %high, %v : f32
    %l = arith.minimumf %v, %low : f32
    linalg.yield %h, %l : f32, f32
  }
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]}
    ins(%a : memref<?xf32>) outs(%x : memref<f32>) {
  ^bb0(%v: f32, %high: f32):
    %h = arith.maxnumf %high, %v : f32
    linalg.yield %h : f32
  }
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]}
    ins(%b : memref<?xbf16>) outs(%z : memref<bf16>) {
  ^bb0(%v: bf16, %high: bf16):
    %h = arith.maximumf %high, %v : bf16
    linalg.yield %h : bf16
  }
  return
}

// Rows that an operand names are gathered as they are read.
// CHECK-LABEL: func.func @gathered
// CHECK-SAME: %[[X:[^:]*]]: memref<?x64xf32>, %[[ROWS:[^:]*]]: memref<?xindex>
// CHECK: scf.for {{.*}} iter_args
// CHECK: %[[ROW:.*]] = memref.load %[[ROWS]]
// CHECK: memref.load %[[X]][%[[ROW]],
// CHECK: vector.fma {{.*}} : vector<16xf32>
// CHECK-NOT: linalg.
// CHECK: return
func.func @gathered(%x: memref<?x64xf32>, %rows: memref<?xindex>, %b: memref<64x32xf32>, %c: memref<?x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%rows, %b : memref<?xindex>, memref<64x32xf32>) outs(%c : memref<?x32xf32>) {
  ^bb0(%row: index, %y: f32, %s: f32):
    %k = linalg.index 2 : index
    %a = memref.load %x[%row, %k] : memref<?x64xf32>
    %p = arith.mulf %a, %y : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  }
  return
}
