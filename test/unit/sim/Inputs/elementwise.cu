// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Source of elementwise.ptx, which the tests read: nvcc -ptx -arch=sm_80
// elementwise.cu (CUDA 13.0).
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <stdint.h>
extern "C" {
__global__ void math32(const float *a, float *o, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float x = a[i];
  o[i] = tanhf(x);
  o[i + n] = erff(x);
  o[i + 2 * n] = powf(fabsf(x), 1.3f);
  o[i + 3 * n] = sinf(x * 1000);
  o[i + 4 * n] = cosf(x);
  o[i + 5 * n] = logf(fabsf(x) + 1e-3f);
  o[i + 6 * n] = x / (1 + fabsf(x));
  o[i + 7 * n] = sqrtf(fabsf(x));
  o[i + 8 * n] = rsqrtf(fabsf(x) + 1);
  o[i + 9 * n] = exp2f(x);
  o[i + 10 * n] = log1pf(fabsf(x));
  o[i + 11 * n] =
      floorf(x) + ceilf(x) * 2 + truncf(x) * 3 + rintf(x) * 5 + roundf(x);
  o[i + 12 * n] = fmodf(x, 0.7f);
  o[i + 13 * n] = atan2f(x, 2.f) + asinf(x / 10) + expm1f(x);
  o[i + 14 * n] = copysignf(3.f, x);
  o[i + 15 * n] = isnan(x) ? 1 : isinf(x) ? 2 : 3;
}
__global__ void math64(const double *a, double *o, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  double x = a[i];
  o[i] = pow(fabs(x), 1.5);
  o[i + 3 * n] = log(fabs(x) + 1e-3);
  o[i + 4 * n] = exp(x);
  o[i + 5 * n] = x / 3;
  o[i + 6 * n] = sqrt(fabs(x));
  o[i + 7 * n] = floor(x);
}
__global__ void half16(const __half *a, const __nv_bfloat16 *b, __half *o,
                       __nv_bfloat16 *p, int n) {
  int i = threadIdx.x;
  if (i >= n)
    return;
  o[i] = hexp(a[i]) + __hmul(a[i], a[i]) / __float2half(3.f);
  p[i] = __hfma(b[i], b[i], b[i]) / __float2bfloat16(3.f);
  __half2 h = __half2half2(a[i]);
  h = __hadd2(h, h);
  h = __hmax2(h, __float2half2_rn(0.f));
  o[i + n] = __low2half(h);
  p[i + n] = __hmax(b[i], __float2bfloat16(0.5f));
  o[i + 2 * n] = hsqrt(__habs(a[i]));
  o[i + 3 * n] = a[i] < o[i] ? a[i] : __float2half(2);
}
__global__ void ints(const int *a, const unsigned *u, const long long *l,
                     long long *o, int n, long long m, int k) {
  int i = threadIdx.x;
  if (i >= n)
    return;
  o[i] = a[i] / k + a[i] % k;
  o[i + n] = u[i] / 7u + u[i] % 13u;
  o[i + 2 * n] = l[i] / m + l[i] % m;
  o[i + 3 * n] = __clz(u[i]) + __popc(u[i]) + __ffs(a[i]) + __brev(u[i]);
  o[i + 4 * n] = __mulhi(a[i], a[i]) + __umul64hi(l[i], l[i]);
  o[i + 5 * n] = (u[i] << (a[i] & 31)) | (u[i] >> (32 - (a[i] & 31)));
  o[i + 6 * n] = max(a[i], k) + min(a[i], 5) + abs(a[i]);
  o[i + 7 * n] = (unsigned long long)l[i] / 10007;
  o[i + 8 * n] = __byte_perm(a[i], u[i], 0x3210 ^ a[i]);
  o[i + 9 * n] = l[i] % 10007;
}
__global__ void sw(const int *a, int *o, int n) {
  int i = threadIdx.x;
  if (i >= n)
    return;
  int r = 0;
  switch (a[i]) {
  case 0:
    r = 5;
    break;
  case 1:
    r = a[i] * 7;
    break;
  case 2:
    r = -3;
    break;
  case 3:
    for (int j = 0; j < i; j++)
      r += j * a[j];
    break;
  case 4:
    r = i;
    break;
  case 5:
    return;
  case 6:
    r = 9;
    break;
  default:
    r = 1;
  }
  o[i] = r;
}
__global__ void atoms(int *g, unsigned *u, unsigned long long *ll, float *f,
                      double *d, __half2 *h, __nv_bfloat162 *b) {
  int i = threadIdx.x;
  atomicAdd(g, 1);
  atomicMax(g + 1, i);
  atomicMin(g + 2, -i);
  atomicXor(g + 3, i);
  atomicOr(g + 4, 1 << (i & 31));
  atomicAnd(g + 5, ~(1 << (i & 31)));
  atomicExch(g + 6, i);
  atomicCAS(g + 7, 0, i + 1);
  atomicInc(u, 10);
  atomicDec(u + 1, 10);
  atomicAdd(ll, 5ull);
  atomicMax(ll + 1, (unsigned long long)i);
  atomicAdd(f, 0.5f);
  atomicAdd(d, 0.25);
  atomicAdd(h, __float2half2_rn(1.f));
  atomicAdd(b, __float2bfloat162_rn(1.f));
}
__global__ void transpose(const float *a, float *o, int n) {
  __shared__ float t[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    t[threadIdx.y + j][threadIdx.x] = a[(y + j) * n + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    o[(y + j) * n + x] = t[threadIdx.x][threadIdx.y + j];
}
__global__ void warpops(const int *a, int *o) {
  int i = threadIdx.x;
  int v = a[i];
  o[i] = __ballot_sync(~0u, v > 3);
  o[i + 32] = __any_sync(~0u, v == 7) + 2 * __all_sync(~0u, v >= 0);
  o[i + 64] = __match_any_sync(~0u, v);
  int p;
  o[i + 96] = __match_all_sync(~0u, v & 0, &p) + p;
  o[i + 128] = __shfl_xor_sync(~0u, v, 5) + __shfl_up_sync(~0u, v, 3) +
               __shfl_sync(~0u, v, 7, 16);
#if __CUDA_ARCH__ >= 800
  o[i + 160] = __reduce_add_sync(~0u, v) + __reduce_max_sync(~0u, v);
#endif
  if (v & 1)
    o[i + 192] = __activemask();
  __syncwarp();
  o[i + 224] = __syncthreads_count(v & 1) + __syncthreads_or(v == 1) +
               __syncthreads_and(v >= 0);
}
__global__ void fp8(const float *a, __nv_fp8_e4m3 *o, float *p) {
  int i = threadIdx.x;
  o[i] = __nv_fp8_e4m3(a[i]);
  p[i] = float(o[i]);
}
__global__ void spin(volatile int *flag, int *o) {
  if (blockIdx.x == 0) {
    while (*flag == 0)
      ;
    __threadfence();
    o[0] = o[1] + 1;
  } else {
    o[1] = 41;
    __threadfence();
    *flag = 1;
  }
}
extern __shared__ float dyn[];
__global__ void dynred(const float *a, float *o, int n) {
  int t = threadIdx.x;
  dyn[t] = t < n ? a[t] : 0;
  __syncthreads();
  for (int s = blockDim.x / 2; s; s >>= 1) {
    if (t < s)
      dyn[t] += dyn[t + s];
    __syncthreads();
  }
  if (!t)
    o[0] = dyn[0];
}
__device__ __noinline__ float fib(int n) {
  return n < 2 ? 1.f : fib(n - 1) + fib(n - 2);
}
__global__ void recur(float *o) { o[threadIdx.x] = fib(threadIdx.x % 10); }
struct V {
  float4 a;
  int b[5];
  double c;
};
__global__ void structs(V v, float *o, int k) {
  o[threadIdx.x] = v.a.x + v.a.w + v.b[k] + v.c;
}
__global__ void localarr(int *o, int k) {
  int a[16];
  for (int i = 0; i < 16; i++)
    a[i] = i * k;
  int s = 0;
  for (int i = 0; i < 16; i++)
    s += a[(i * 7 + threadIdx.x) & 15] * i;
  o[threadIdx.x] = s;
}
}
#include <assert.h>
#include <stdio.h>
extern "C" __global__ void pr(int n) {
  printf("hi %d %f %s\n", threadIdx.x, 1.5 * n, "str");
  assert(n < 5);
}
