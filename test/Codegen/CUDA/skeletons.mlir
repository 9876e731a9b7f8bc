// Products and attention are one call of a skeleton, with functors for what is fused.

// RUN: trine-translate --emit-cuda %s | FileCheck %s

plan.device @device0

// The columns of the right side are gathered by a functor; the bias and the activation are the epilogue.
// CHECK-LABEL: // linear: sm_80 256 threads
// CHECK: #include "Gemm.h"
// CHECK: .element = Element::F32
// CHECK: struct LeftElement {
// CHECK: float operator()(Index batch, Index row, Index k) const {
// CHECK: a0[row * 64 + k]
// CHECK: struct RightElement {
// CHECK: a1[k * 24 + column]
// CHECK: struct Epilogue {
// CHECK: float operator()(float sum, Index batch, Index row, Index column) const {
// CHECK: a2[column]
// CHECK: sum + e
// CHECK: __launch_bounds__(gemmThreads(configuration)) linear(const float *__restrict__ a0, Index a0_0, const float *__restrict__ a1, const float *__restrict__ a2, float *__restrict__ a3, Index a3_0) {
// CHECK: arguments.m = a0_0;
// CHECK: arguments.n = 24;
// CHECK: arguments.k = 64;
// CHECK: arguments.out = a3;
// CHECK: gemm<configuration>(arguments, Epilogue{{[{].*a2[}]}}, LeftElement{{[{]a0.*[}]}}, RightElement{{[{]a1.*[}]}});
plan.kernel @linear(%x: tensor<?x64xf32>, %w: tensor<64x24xf32>, %b: tensor<24xf32>, %out: tensor<?x24xf32>) -> tensor<?x24xf32> attributes {skeleton = "matmul"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x24xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x64xf32>, tensor<64x24xf32>) outs(%f : tensor<?x24xf32>) -> tensor<?x24xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<?x24xf32>, tensor<24xf32>) outs(%out : tensor<?x24xf32>) {
  ^bb0(%s: f32, %c: f32, %o: f32):
    %a = arith.addf %s, %c : f32
    linalg.yield %a : f32
  } -> tensor<?x24xf32>
  plan.return %y : tensor<?x24xf32>
}

// A small matrix and a bias that the kernel holds itself.
// CHECK-LABEL: // small: sm_80 256 threads
// CHECK-NOT: generic
// CHECK: #include "Gemm.h"
// CHECK-DAG: __device__ const float [[MATRIX:values[0-9]+]][6] = {1.0E+0f, 2.0E+0f, 3.0E+0f, 4.0E+0f, 5.0E+0f, 6.0E+0f};
// CHECK-DAG: __device__ const float [[BIAS:values[0-9]+]][2] = {7.0E+0f, 8.0E+0f};
// CHECK: struct RightElement {
// CHECK: [[MATRIX]][k * 2 + column]
// CHECK: struct Epilogue {
// CHECK: [[BIAS]][column]
plan.kernel @small(%x: tensor<?x3xf32>, %out: tensor<?x2xf32>) -> tensor<?x2xf32> attributes {skeleton = "matmul"} {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %b = arith.constant dense<[7.0, 8.0]> : tensor<2xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %e = tensor.empty(%n) : tensor<?x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x2xf32>) outs(%f : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<?x2xf32>, tensor<2xf32>) outs(%out : tensor<?x2xf32>) {
  ^bb0(%s: f32, %c: f32, %o: f32):
    %a = arith.addf %s, %c : f32
    linalg.yield %a : f32
  } -> tensor<?x2xf32>
  plan.return %y : tensor<?x2xf32>
}

// A result in another order of dimensions is stored by the functor.
// CHECK-LABEL: // heads: sm_80
// CHECK: a2[{{.*}}] = sum;
// CHECK-NEXT: return 0;
// CHECK: GemmArguments<float, float, Nowhere> arguments;
// CHECK: arguments.batch = 4;
plan.kernel @heads(%x: tensor<4x?x16xf32>, %w: tensor<4x16x8xf32>, %out: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> attributes {skeleton = "batch_matmul"} {
  %zero = arith.constant 0.0 : f32
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<4x?x16xf32>
  %e = tensor.empty(%n) : tensor<4x?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %p = linalg.batch_matmul ins(%x, %w : tensor<4x?x16xf32>, tensor<4x16x8xf32>) outs(%f : tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(h, i, j) -> (h, i, j)>, affine_map<(h, i, j) -> (i, h, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<4x?x8xf32>) outs(%out : tensor<?x4x8xf32>) {
  ^bb0(%s: f32, %o: f32):
    linalg.yield %s : f32
  } -> tensor<?x4x8xf32>
  plan.return %y : tensor<?x4x8xf32>
}

// What no skeleton takes says why.
// CHECK-LABEL: // twice:
// CHECK-NEXT: // generic: there are several products
plan.kernel @twice(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>, %out: tensor<8x8xf32>) -> tensor<8x8xf32> attributes {skeleton = "matmul"} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
  %p = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%f : tensor<8x8xf32>) -> tensor<8x8xf32>
  %g = linalg.fill ins(%zero : f32) outs(%out : tensor<8x8xf32>) -> tensor<8x8xf32>
  %q = linalg.matmul ins(%p, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%g : tensor<8x8xf32>) -> tensor<8x8xf32>
  plan.return %q : tensor<8x8xf32>
}

// Attention reads slices and transposes of arguments by their strides. The value of a latent is its key.
// CHECK-LABEL: // attend: sm_80 128 threads
// CHECK: #include "Attention.h"
// CHECK: .parts = 2, .partSize = {32, 8, 0}, .valueSize = 32, .valueIsKey = true,
// CHECK: .headsPerGroup = 4, .tileRows = 16, .tileKeys = 32
// CHECK: .mask = MaskKind::Causal, .maskedRow = MaskedRow::Zero, .softCap = false,
// CHECK: arguments.part[0].query = a0;
// CHECK: arguments.part[1].query = a1;
// CHECK: arguments.part[1].keyHeads = 1;
// CHECK: arguments.value = a2;
// CHECK: arguments.out = a4;
// CHECK: attention<configuration>(arguments, Identity{});
plan.kernel @attend(%q: tensor<?x4x?x32xf32>, %r: tensor<?x4x?x8xf32>, %c: tensor<?x1x?x32xf32>, %k: tensor<?x1x?x8xf32>, %out: tensor<?x4x?x32xf32>)
    -> tensor<?x4x?x32xf32> attributes {skeleton = "attention"} {
  %o, %lse = trine.attention query(%q, %r : tensor<?x4x?x32xf32>, tensor<?x4x?x8xf32>) key(%c, %k : tensor<?x1x?x32xf32>, tensor<?x1x?x8xf32>)
    value(%c : tensor<?x1x?x32xf32>) scale 2.0e-1 mask causal masked_row zero -> tensor<?x4x?x32xf32>, tensor<?x4x?xf32>
  %y = linalg.copy ins(%o : tensor<?x4x?x32xf32>) outs(%out : tensor<?x4x?x32xf32>) -> tensor<?x4x?x32xf32>
  plan.return %y : tensor<?x4x?x32xf32>
}

func.func @main(%x: memref<?x64xf32>) attributes {plan.results = []} {
  return
}
