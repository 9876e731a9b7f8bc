// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// D[m][n] = sum over k of A[m][k] · B, bf16, with B as B[n][k] or as B[k][n]. A
// producer warp fills three stages by tensor copies; four warps multiply tiles of
// 64 × 128 × 64 by wgmma, put the result into shared memory by stmatrix, and a tensor
// copy stores it. Sizes are those of the tensor maps; all maps have boxes of 64 × 64
// (128 bytes wide, 128-byte swizzle), so that B takes two boxes.
// GemmSm90.ptx is this file by
//   nvcc -arch=sm_90a -ptx GemmSm90.cu -o GemmSm90.ptx      (CUDA 13.0)
typedef unsigned int uint32;
typedef unsigned long long uint64;

struct alignas(64) TensorMap {
  unsigned char bytes[128];
};

constexpr int tileM = 64, tileN = 128, tileK = 64, stages = 3;
constexpr int boxBytes = 64 * 128;
constexpr int stageBytes = 3 * boxBytes; // one box of A, two of B
constexpr int consumers = 128, threads = consumers + 32;

__device__ uint32 sharedAddress(const void *pointer) {
  return static_cast<uint32>(__cvta_generic_to_shared(pointer));
}

__device__ void initBarrier(uint32 barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count));
}

__device__ void waitBarrier(uint32 barrier, int parity) {
  asm volatile("{\n.reg .pred done;\n"
               "again:\n"
               "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
               "@!done bra again;\n}" ::"r"(barrier),
               "r"(parity)
               : "memory");
}

__device__ void loadBox(uint32 target, const TensorMap &map, int x, int y, uint32 barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
               "[%0], [%1, {%2, %3}], [%4];" ::"r"(target),
               "l"(&map), "r"(x), "r"(y), "r"(barrier)
               : "memory");
}

/// K-major: 8 rows of 128 bytes follow each other. MN-major: likewise 8 steps of k, and
/// the next 64 columns are in the next box.
__device__ uint64 makeDescriptor(uint32 address, uint32 leadingBytes) {
  return (uint64)((address & 0x3FFFF) >> 4) | (uint64)(leadingBytes >> 4) << 16 |
         (uint64)(1024 >> 4) << 32 | 1ull << 62;
}

template <int transposeB>
__device__ void multiply(float (&d)[64], uint64 a, uint64 b, int accumulate) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, p, 1, 1, 0, %67;\n}"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]),
        "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]),
        "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]),
        "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
        "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]),
        "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]),
        "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]),
        "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]),
        "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]),
        "+f"(d[54]), "+f"(d[55]), "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]),
        "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
      : "l"(a), "l"(b), "r"(accumulate), "n"(transposeB));
}

__device__ uint32 packPair(float low, float high) {
  uint32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

template <bool bIsKMajor>
__device__ void produce(uint32 tiles, uint32 full, uint32 empty, const TensorMap &a,
                        const TensorMap &b, int row, int column, int steps) {
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    const int stage = step % stages, phase = step / stages & 1;
    const uint32 target = tiles + stage * stageBytes, barrier = full + 8 * stage;
    waitBarrier(empty + 8 * stage, phase ^ 1);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier),
                 "r"(stageBytes)
                 : "memory");
    const int k = step * tileK;
    loadBox(target, a, k, row, barrier);
    for (int half = 0; half < 2; ++half)
      loadBox(target + (1 + half) * boxBytes, b, bIsKMajor ? k : column + 64 * half,
              bIsKMajor ? column + 64 * half : k, barrier);
  }
}

template <bool bIsKMajor>
__device__ void gemm(const TensorMap &a, const TensorMap &b, const TensorMap &d, int k) {
  extern __shared__ __align__(1024) unsigned char shared[];
  __shared__ alignas(8) uint64 barriers[2 * stages];
  const uint32 tiles = sharedAddress(shared);
  const uint32 full = sharedAddress(barriers), empty = full + 8 * stages;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int row = blockIdx.y * tileM, column = blockIdx.x * tileN;
  const int steps = (k + tileK - 1) / tileK;

  if (threadIdx.x == 0) {
    for (int stage = 0; stage < stages; ++stage) {
      initBarrier(full + 8 * stage, 1);
      initBarrier(empty + 8 * stage, consumers);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();

  if (warp == consumers / 32) {
    uint32 leader;
    asm volatile("{\n.reg .pred p;\nelect.sync _|p, 0xFFFFFFFF;\n"
                 "selp.u32 %0, 1, 0, p;\n}"
                 : "=r"(leader));
    if (leader)
      produce<bIsKMajor>(tiles, full, empty, a, b, row, column, steps);
    return;
  }

  float sums[64] = {};
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    const int stage = step % stages, phase = step / stages & 1;
    const uint32 tileA = tiles + stage * stageBytes, tileB = tileA + boxBytes;
    waitBarrier(full + 8 * stage, phase);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int inner = 0; inner < tileK / 16; ++inner) {
      uint64 x = makeDescriptor(tileA + 32 * inner, 16);
      uint64 y = bIsKMajor ? makeDescriptor(tileB + 32 * inner, 16)
                           : makeDescriptor(tileB + 16 * 128 * inner, boxBytes);
      multiply<bIsKMajor ? 0 : 1>(sums, x, y, step + inner > 0);
    }
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(empty + 8 * stage)
                 : "memory");
  }

  // Every load was waited for, and after the barrier every product as well: the tiles
  // are free. Two boxes of 64 columns, swizzled like those of the loads.
  asm volatile("bar.sync 1, 128;" ::: "memory");
#pragma unroll
  for (int part = 0; part < 8; ++part) {
    // Matrices: rows 0-7 and 8-15 of 8 columns, then of the next 8.
    uint32 pairs[4];
    for (int i = 0; i < 4; ++i)
      pairs[i] = packPair(sums[8 * part + 2 * i], sums[8 * part + 2 * i + 1]);
    const int line = 16 * warp + lane % 16, chunk = 2 * part + lane / 16;
    const uint32 address = tiles + chunk / 8 * boxBytes + line * 128 +
                           ((chunk ^ line) % 8) * 16;
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address),
                 "r"(pairs[0]), "r"(pairs[1]), "r"(pairs[2]), "r"(pairs[3])
                 : "memory");
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  asm volatile("bar.sync 1, 128;" ::: "memory");
  if (threadIdx.x == 0) {
    for (int half = 0; half < 2; ++half)
      asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&d),
                   "r"(column + 64 * half), "r"(row), "r"(tiles + half * boxBytes)
                   : "memory");
    asm volatile("cp.async.bulk.commit_group;");
    asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
  }
}

extern "C" __global__ void __launch_bounds__(threads)
    gemm_k_major(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b,
                 const __grid_constant__ TensorMap d, int k) {
  gemm<true>(a, b, d, k);
}

extern "C" __global__ void __launch_bounds__(threads)
    gemm_n_major(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b,
                 const __grid_constant__ TensorMap d, int k) {
  gemm<false>(a, b, d, k);
}
