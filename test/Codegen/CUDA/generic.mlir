// Kernels without a skeleton of their own: operations on whole buffers are shared by the threads of a block.

// RUN: trine-translate --emit-cuda %s | FileCheck %s

plan.device @device0

// Element-wise: one point each. Sizes that are known are numbers.
// CHECK-LABEL: // scale: sm_80 256 threads, 0 bytes of dynamic shared memory; 1 workgroups per block
// CHECK: #include "Elementwise.h"
// CHECK: void operator()(Index [[POINT:i[0-9]*]]) const {
// CHECK: [[POINT]] % 64
// CHECK: * 2.0E+0f;
// CHECK: __launch_bounds__(elementwiseThreads) scale(const float *__restrict__ a0, Index a0_0, float *__restrict__ a1, Index a1_0) {
// CHECK-NEXT: elementwise(a1_0 * 64, Each{a0, a0_0, a1, a1_0});
plan.kernel @scale(%x: tensor<?x64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {skeleton = "elementwise"} {
  %two = arith.constant 2.0 : f32
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x64xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %p = arith.mulf %in, %two : f32
    linalg.yield %p : f32
  } -> tensor<?x64xf32>
  plan.return %y : tensor<?x64xf32>
}

// A row's sum is shared by a warp; the block meets before others read it. 16-bit values are computed with in float and rounded once.
// CHECK-LABEL: // normalize:
// CHECK: __shared__ __align__(8) signed char
// CHECK: = 0.0E+0f;
// CHECK: __syncthreads();
// CHECK: threadIdx.x / 32
// CHECK: float [[SUM:sum[0-9]+]] = 0;
// CHECK: (float)toFloat(
// CHECK: fmaf({{.*}}, [[SUM]]);
// CHECK: [[SUM]] = [[SUM]] + __shfl_xor_sync(0xFFFFFFFFu, [[SUM]], {{.*}});
// CHECK: if (threadIdx.x % 32 == 0) {
// CHECK: __syncthreads();
// CHECK: 1 / sqrtf(
// CHECK: roundTo<bfloat>(
plan.kernel @normalize(%x: tensor<?x64xbf16>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> attributes {skeleton = "other"} {
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

// Integers wrap, and a division by a constant stays one.
// CHECK-LABEL: // hash:
// CHECK: = (long long)((unsigned long long){{.*}} * (unsigned long long)10007ll);
// CHECK: = (long long)({{.*}} ^ {{.*}});
// CHECK: % 97ll;
plan.kernel @hash(%x: tensor<?xi64>, %y: tensor<?xi64>, %out: tensor<?xi64>) -> tensor<?xi64> attributes {skeleton = "elementwise"} {
  %m = arith.constant 10007 : i64
  %d = arith.constant 97 : i64
  %h = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<?xi64>, tensor<?xi64>) outs(%out : tensor<?xi64>) {
  ^bb0(%a: i64, %b: i64, %o: i64):
    %p = arith.muli %a, %m : i64
    %q = arith.xori %p, %b : i64
    %r = arith.remsi %q, %d : i64
    linalg.yield %r : i64
  } -> tensor<?xi64>
  plan.return %h : tensor<?xi64>
}

// Where the order of a scalar loop matters, a workgroup is a thread.
// CHECK-LABEL: // running: sm_80 64 threads, 0 bytes of dynamic shared memory; 64 workgroups per block
// CHECK: const Index [[W:w[0-9]+]] = blockIdx.x * 64ll + threadIdx.x;
// CHECK: if ([[W]] >= a0_0)
// CHECK-NEXT: return;
// CHECK: float [[CARRIED:v[0-9]+]] = 0.0E+0f;
// CHECK-NEXT: for (Index [[I:i[0-9]+]] = 0; [[I]] < 8; ++[[I]]) {
// CHECK: [[CARRIED]] = v
// CHECK-NOT: threadIdx
plan.kernel @running(%x: tensor<?x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {skeleton = "loop"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %y = scf.forall (%i) in (%n) shared_outs(%o = %out) -> (tensor<?x8xf32>) {
    %row = tensor.extract_slice %o[%i, 0] [1, 8] [1, 1] : tensor<?x8xf32> to tensor<8xf32>
    %r:2 = scf.for %j = %c0 to %c8 step %c1 iter_args(%t = %row, %s = %zero) -> (tensor<8xf32>, f32) {
      %v = tensor.extract %x[%i, %j] : tensor<?x8xf32>
      %a = arith.addf %s, %v : f32
      %u = tensor.insert %a into %t[%j] : tensor<8xf32>
      scf.yield %u, %a : tensor<8xf32>, f32
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %r#0 into %o[%i, 0] [1, 8] [1, 1] : tensor<8xf32> into tensor<?x8xf32>
    }
  }
  plan.return %y : tensor<?x8xf32>
}

// Temporaries that are too large to declare are given by the launch.
// CHECK-LABEL: // wide: sm_80 256 threads, 81920 bytes of dynamic shared memory
// CHECK: extern __shared__ __align__(16) unsigned char temporaries[];
// CHECK-NEXT: float *t0 = reinterpret_cast<float *>(temporaries + 0);
// CHECK-NEXT: float *t1 = reinterpret_cast<float *>(temporaries + 40960);
plan.kernel @wide(%x: tensor<64x160xf32>, %out: tensor<160x160xf32>) -> tensor<160x160xf32> attributes {skeleton = "other"} {
  %e = tensor.empty() : tensor<64x160xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<64x160xf32>) outs(%e : tensor<64x160xf32>) {
  ^bb0(%in: f32, %o: f32):
    %q = math.exp %in : f32
    linalg.yield %q : f32
  } -> tensor<64x160xf32>
  %e2 = tensor.empty() : tensor<64x160xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<64x160xf32>) outs(%e2 : tensor<64x160xf32>) {
  ^bb0(%in: f32, %o: f32):
    %q = math.sin %in : f32
    linalg.yield %q : f32
  } -> tensor<64x160xf32>
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<160x160xf32>) -> tensor<160x160xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (k, i)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<64x160xf32>, tensor<64x160xf32>) outs(%f : tensor<160x160xf32>) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %p = arith.maximumf %l, %r : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<160x160xf32>
  plan.return %y : tensor<160x160xf32>
}
func.func @main(%x: memref<?x64xf32>) attributes {plan.results = []} {
  return
}
