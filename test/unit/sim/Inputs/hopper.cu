// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Source of hopper.ptx, which the tests read: nvcc -ptx -arch=sm_90a hopper.cu
// (CUDA 13.0).
#include <cuda.h>
#include <cuda_bf16.h>
#include <stdint.h>
__device__ inline uint32_t sm(const void *p) {
  return (uint32_t)__cvta_generic_to_shared(p);
}
__device__ inline void mbinit(uint32_t b, uint32_t n) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(b), "r"(n));
}
__device__ inline void mbexpect(uint32_t b, uint32_t n) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(b), "r"(n)
      : "memory");
}
__device__ inline void mbarr(uint32_t b) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(b) : "memory");
}
__device__ inline void mbwait(uint32_t b, uint32_t ph) {
  asm volatile(
      "{\n.reg .pred P1;\nLAB_WAIT:\nmbarrier.try_wait.parity.shared::cta.b64 "
      "P1, [%0], %1;\n@P1 bra DONE;\nbra LAB_WAIT;\nDONE:\n}" ::"r"(b),
      "r"(ph)
      : "memory");
}
__device__ inline void tma2(uint32_t d, const void *m, uint32_t b, int x,
                            int y) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::"
               "complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(d),
               "l"(m), "r"(b), "r"(x), "r"(y)
               : "memory");
}
__device__ inline uint64_t desc(uint32_t a) {
  uint64_t d = 0;
  d |= (uint64_t)((a & 0x3FFFF) >> 4);
  d |= (uint64_t)1 << 16;
  d |= (uint64_t)(1024 >> 4) << 32;
  d |= (uint64_t)1 << 62;
  return d;
}
// C[64 x 64] = A[64 x K] B[64 x K]^T, bf16 in, f32 out; K in steps of 64,
// STAGES stages; warp 4 produces.
#define STAGES 2
extern "C" __global__
__launch_bounds__(160) void gemm(const __grid_constant__ CUtensorMap ma,
                                 const __grid_constant__ CUtensorMap mb,
                                 float *C, int K, int ldc) {
  extern __shared__ __align__(1024) uint8_t s[];
  __shared__ __align__(8) uint64_t full[STAGES], empty[STAGES];
  int w = threadIdx.x / 32;
  int row = blockIdx.y * 64, col = blockIdx.x * 64;
  if (threadIdx.x == 0) {
    for (int i = 0; i < STAGES; i++) {
      mbinit(sm(&full[i]), 1);
      mbinit(sm(&empty[i]), 1);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  int steps = K / 64;
  if (w == 4) {
    if ((threadIdx.x & 31) == 0) {
      for (int k = 0; k < steps; k++) {
        int st = k % STAGES;
        if (k >= STAGES)
          mbwait(sm(&empty[st]), ((k / STAGES) - 1) & 1);
        mbexpect(sm(&full[st]), 16384);
        tma2(sm(s + st * 16384), &ma, sm(&full[st]), k * 64, row);
        tma2(sm(s + st * 16384 + 8192), &mb, sm(&full[st]), k * 64, col);
      }
    }
  } else {
    float d[32];
    for (int i = 0; i < 32; i++)
      d[i] = 0;
    for (int k = 0; k < steps; k++) {
      int st = k % STAGES;
      mbwait(sm(&full[st]), (k / STAGES) & 1);
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
      for (int j = 0; j < 4; j++) {
        uint64_t da = desc(sm(s + st * 16384) + j * 32),
                 db = desc(sm(s + st * 16384 + 8192) + j * 32);
        asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, "
                     "0;\nwgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
                     "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%"
                     "16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%"
                     "30,%31}, %32, %33, p, 1, 1, 0, 0;\n}\n"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]),
                       "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
                       "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]),
                       "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
                       "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]),
                       "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
                       "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]),
                       "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
                     : "l"(da), "l"(db), "r"(1));
      }
      asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
      asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
      if (threadIdx.x == 0)
        mbarr(sm(&empty[st]));
    }
    int lane = threadIdx.x & 31;
    for (int i = 0; i < 32; i++) {
      int r = 16 * w + lane / 4 + 8 * ((i >> 1) & 1),
          c = 8 * (i >> 2) + 2 * (lane & 3) + (i & 1);
      C[(row + r) * ldc + col + c] = d[i];
    }
  }
}
extern "C" __global__ void bulk(const float *a, float *o, int n) {
  extern __shared__ __align__(128) float buf[];
  __shared__ __align__(8) uint64_t bar;
  if (threadIdx.x == 0) {
    mbinit(sm(&bar), 1);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    mbexpect(sm(&bar), n * 4);
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::"
                 "bytes [%0], [%1], %2, [%3];" ::"r"(sm(buf)),
                 "l"(a), "r"(n * 4), "r"(sm(&bar))
                 : "memory");
  }
  mbwait(sm(&bar), 0);
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    buf[i] *= 2;
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile(
        "cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(o),
        "r"(sm(buf)), "r"(n * 4)
        : "memory");
    asm volatile("cp.async.bulk.commit_group;");
    asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
  }
}
