// RUN: trine-opt %s --trine-fuse-latent-decompression --split-input-file | FileCheck %s
// RUN: trine-opt %s --trine-fuse-latent-decompression --split-input-file --remark-format=emitRemark --remark-policy=all --remarks-filter='.*' 2>&1 >%t | FileCheck %s --check-prefix=REMARK
// RUN: trine-opt %s --trine-fuse-latent-decompression=form=absorbed --split-input-file | FileCheck %s --check-prefix=ABSORBED --implicit-check-not=decompressed --implicit-check-not=by_shape
// RUN: trine-opt %s --trine-fuse-latent-decompression=form=decompressed --split-input-file | FileCheck %s --check-prefix=DECOMPRESSED --implicit-check-not="form absorbed" --implicit-check-not=by_shape
// RUN: trine-opt %s --trine-fuse-latent-decompression="gigaflops=1000 gigabytes=1000000000" --split-input-file | FileCheck %s --check-prefix=ARITHMETIC
// RUN: not trine-opt %s --trine-fuse-latent-decompression=form=folded 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not trine-opt %s --trine-fuse-latent-decompression=gigabytes=0 2>&1 | FileCheck %s --check-prefix=FIGURES

// OPTION: 'form' must be auto, absorbed, decompressed or by-shape, got 'folded'
// FIGURES: machine figures must be positive

// Past and new rows: both forms, and a condition on sizes that are there.
// REMARK: Passed{{.*}}by-shape{{.*}}absorbed where new * (rows + 171) < 171 * rows, else decompressed, by the cost model; at 1 new of 4096 rows absorbed {{[0-9.]+}} MFLOP, {{[0-9.]+}} MB{{.*}}; crossover at 102 new of 256, 146 new of 1024, 164 new of 4096, 169 new of 16384
// CHECK-LABEL: func.func @cached
// CHECK-SAME: (%{{.*}}, %[[SEQ:[a-z0-9]+]]: index, %[[ALL:[a-z0-9]+]]: index
// CHECK-DAG: %[[LIMIT:.*]] = arith.constant 171
// CHECK: %[[SUM:.*]] = arith.addi %[[ALL]], %{{.*}} : index
// CHECK: %[[LEFT:.*]] = arith.muli %[[SEQ]], %[[SUM]] : index
// CHECK: %[[RIGHT:.*]] = arith.muli %[[ALL]], %{{.*}} : index
// CHECK: %[[FEW:.*]] = arith.cmpi slt, %[[LEFT]], %[[RIGHT]] : index
// CHECK: %[[O:.*]] = scf.if %[[FEW]] -> (tensor<1x16x?x128xf32>) {
// CHECK-NEXT: %[[A:.*]], %{{.*}} = trine.mla.attention {{.*}} form absorbed
// CHECK-NEXT: scf.yield %[[A]]
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[D:.*]], %{{.*}} = trine.mla.attention {{.*}} form decompressed
// CHECK-NEXT: scf.yield %[[D]]
// CHECK: trine.choice = ["absorbed", "decompressed"]
// CHECK: return %[[O]]
// ABSORBED-LABEL: func.func @cached
// ABSORBED: trine.mla.attention {{.*}} form absorbed
// DECOMPRESSED-LABEL: func.func @cached
// DECOMPRESSED: trine.mla.attention {{.*}} form decompressed
// ARITHMETIC-LABEL: func.func @cached
// ARITHMETIC: scf.if
func.func @cached(%batch: index, %seq: index, %all: index, %uk: tensor<512x16x128xf32>, %uv: tensor<512x16x128xf32>) -> tensor<1x16x?x128xf32> {
  %qn = tensor.empty(%seq) : tensor<1x16x?x128xf32>
  %qr = tensor.empty(%seq) : tensor<1x16x?x64xf32>
  %c = tensor.empty(%all) : tensor<1x?x512xf32>
  %kr = tensor.empty(%all) : tensor<1x?x64xf32>
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<1x16x?x128xf32>, tensor<1x16x?x64xf32>) cache(%c, %kr : tensor<1x?x512xf32>, tensor<1x?x64xf32>)
    weights(%uk, %uv : tensor<512x16x128xf32>, tensor<512x16x128xf32>) scale 7.2e-2 mask causal masked_row zero form by_shape
    -> tensor<1x16x?x128xf32>, tensor<1x16x?xf32>
  return %o : tensor<1x16x?x128xf32>
}

// -----

// Both results are used.
// CHECK-LABEL: func.func @both
// CHECK: %[[O:.*]]:2 = scf.if
// CHECK: scf.yield %{{.*}}, %{{.*}} : tensor<?x16x?x128xf32>, tensor<?x16x?xf32>
// CHECK: return %[[O]]#0, %[[O]]#1
func.func @both(%qn: tensor<?x16x?x128xf32>, %qr: tensor<?x16x?x64xf32>, %c: tensor<?x?x512xf32>, %kr: tensor<?x?x64xf32>,
    %uk: tensor<512x16x128xf32>, %uv: tensor<512x16x128xf32>) -> (tensor<?x16x?x128xf32>, tensor<?x16x?xf32>) {
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<?x16x?x128xf32>, tensor<?x16x?x64xf32>) cache(%c, %kr : tensor<?x?x512xf32>, tensor<?x?x64xf32>)
    weights(%uk, %uv : tensor<512x16x128xf32>, tensor<512x16x128xf32>) scale 7.2e-2 mask none masked_row zero form by_shape
    -> tensor<?x16x?x128xf32>, tensor<?x16x?xf32>
  return %o, %lse : tensor<?x16x?x128xf32>, tensor<?x16x?xf32>
}

// -----

// One new token at a time: nothing to choose.
// REMARK: Passed{{.*}}absorbed at every shape, by the cost model; at 1 new of 4096 rows
// CHECK-LABEL: func.func @decode
// CHECK-NOT: scf.if
// CHECK: trine.mla.attention {{.*}} form absorbed
func.func @decode(%qn: tensor<?x16x1x128xf32>, %qr: tensor<?x16x1x64xf32>, %c: tensor<?x?x512xf32>, %kr: tensor<?x?x64xf32>,
    %uk: tensor<512x16x128xf32>, %uv: tensor<512x16x128xf32>) -> tensor<?x16x1x128xf32> {
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<?x16x1x128xf32>, tensor<?x16x1x64xf32>) cache(%c, %kr : tensor<?x?x512xf32>, tensor<?x?x64xf32>)
    weights(%uk, %uv : tensor<512x16x128xf32>, tensor<512x16x128xf32>) scale 7.2e-2 mask none masked_row zero form by_shape
    -> tensor<?x16x1x128xf32>, tensor<?x16x1xf32>
  return %o : tensor<?x16x1x128xf32>
}

// -----

// All rows are new: expanding them costs what projecting the queries does.
// REMARK: Passed{{.*}}decompressed at every shape, by the cost model; at 256 new of 256 rows
// CHECK-LABEL: func.func @prompt
// CHECK-NOT: scf.if
// CHECK: trine.mla.attention {{.*}} form decompressed
func.func @prompt(%n: index, %rows: tensor<?x?xf32>, %uk: tensor<512x16x128xf32>, %uv: tensor<512x16x128xf32>) -> tensor<1x16x?x128xf32> {
  %qn = tensor.empty(%n) : tensor<1x16x?x128xf32>
  %q = tensor.empty(%n) : tensor<?x1024xf32>
  %qe = tensor.expand_shape %q [[0], [1, 2, 3]] output_shape [%n, 16, 64, 1] : tensor<?x1024xf32> into tensor<?x16x64x1xf32>
  %qt = tensor.empty(%n) : tensor<1x16x?x64xf32>
  %c = tensor.empty(%n) : tensor<1x?x576xf32>
  %latent = tensor.extract_slice %c[0, 0, 0] [1, %n, 512] [1, 1, 1] : tensor<1x?x576xf32> to tensor<1x?x512xf32>
  %kr = tensor.extract_slice %c[0, 0, 512] [1, %n, 64] [1, 1, 1] : tensor<1x?x576xf32> to tensor<1x?x64xf32>
  %o, %lse = trine.mla.attention query(%qn, %qt : tensor<1x16x?x128xf32>, tensor<1x16x?x64xf32>) cache(%latent, %kr : tensor<1x?x512xf32>, tensor<1x?x64xf32>)
    weights(%uk, %uv : tensor<512x16x128xf32>, tensor<512x16x128xf32>) scale 7.2e-2 mask causal masked_row zero form by_shape
    -> tensor<1x16x?x128xf32>, tensor<1x16x?xf32>
  return %o : tensor<1x16x?x128xf32>
}

// -----

// Just below and just above the border of 164 new of 4096.
// CHECK-LABEL: func.func @below
// CHECK: trine.mla.attention {{.*}} form absorbed
// CHECK-LABEL: func.func @above
// CHECK: trine.mla.attention {{.*}} form decompressed
// ARITHMETIC-LABEL: func.func @below
// ARITHMETIC: trine.mla.attention {{.*}} form absorbed
func.func @below(%qn: tensor<1x16x160x128xf32>, %qr: tensor<1x16x160x64xf32>, %c: tensor<1x4096x512xf32>, %kr: tensor<1x4096x64xf32>,
    %uk: tensor<512x16x128xf32>, %uv: tensor<512x16x128xf32>) -> tensor<1x16x160x128xf32> {
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<1x16x160x128xf32>, tensor<1x16x160x64xf32>) cache(%c, %kr : tensor<1x4096x512xf32>, tensor<1x4096x64xf32>)
    weights(%uk, %uv : tensor<512x16x128xf32>, tensor<512x16x128xf32>) scale 7.2e-2 mask none masked_row zero form by_shape
    -> tensor<1x16x160x128xf32>, tensor<1x16x160xf32>
  return %o : tensor<1x16x160x128xf32>
}
func.func @above(%qn: tensor<1x16x200x128xf32>, %qr: tensor<1x16x200x64xf32>, %c: tensor<1x4096x512xf32>, %kr: tensor<1x4096x64xf32>,
    %uk: tensor<512x16x128xf32>, %uv: tensor<512x16x128xf32>) -> tensor<1x16x200x128xf32> {
  %o, %lse = trine.mla.attention query(%qn, %qr : tensor<1x16x200x128xf32>, tensor<1x16x200x64xf32>) cache(%c, %kr : tensor<1x4096x512xf32>, tensor<1x4096x64xf32>)
    weights(%uk, %uv : tensor<512x16x128xf32>, tensor<512x16x128xf32>) scale 7.2e-2 mask none masked_row zero form by_shape
    -> tensor<1x16x200x128xf32>, tensor<1x16x200xf32>
  return %o : tensor<1x16x200x128xf32>
}
