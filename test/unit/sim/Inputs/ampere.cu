// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Source of ampere.ptx, which the tests read: nvcc -ptx -arch=sm_80 ampere.cu
// (CUDA 13.0).
#include <cuda_bf16.h>
#include <cuda_pipeline.h>
#include <mma.h>
extern "C" __global__ void cpasync(const float *a, float *o) {
  __shared__ __align__(16) float s[4][128];
  int t = threadIdx.x;
  for (int k = 0; k < 4; k++) {
    if (t < 32)
      __pipeline_memcpy_async(&s[k][t * 4], a + k * 128 + t * 4, 16);
    __pipeline_commit();
  }
  float v = 0;
  __pipeline_wait_prior(2);
  __syncthreads();
  v += s[0][t] + s[1][t];
  __pipeline_wait_prior(0);
  __syncthreads();
  v += s[2][t] + s[3][t];
  o[t] = v;
}
extern "C" __global__ void mma16816(const unsigned *A, const unsigned *B,
                                    float *D) {
  int l = threadIdx.x;
  unsigned a[4], b[2];
  for (int i = 0; i < 4; i++)
    a[i] = A[l * 4 + i];
  for (int i = 0; i < 2; i++)
    b[i] = B[l * 2 + i];
  float d[4] = {0, 0, 0, 0};
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
               "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};\n"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                 "r"(b[1]));
  for (int i = 0; i < 4; i++)
    D[l * 4 + i] = d[i];
}
extern "C" __global__ void addk(const float *a, const float *b, float *c,
                                int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    c[i] = a[i] + b[i] * expf(a[i]);
}
extern "C" __global__ void red(const float *a, float *o, int n) {
  __shared__ float s[32];
  float v = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    v += a[i];
  for (int k = 16; k; k >>= 1)
    v += __shfl_down_sync(~0u, v, k);
  if ((threadIdx.x & 31) == 0)
    s[threadIdx.x >> 5] = v;
  __syncthreads();
  if (threadIdx.x < 32) {
    v = threadIdx.x < blockDim.x / 32 ? s[threadIdx.x] : 0;
    for (int k = 16; k; k >>= 1)
      v += __shfl_down_sync(~0u, v, k);
    if (!threadIdx.x)
      atomicAdd(o, v);
  }
}
