// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// C[m][n] = sum over k of A[m][k] · B[n][k]: tiles of 64 × 64 × 32 by four warps,
// cp.async into two stages, ldmatrix, mma.sync m16n8k16. Any m and n; k is a multiple
// of 8. GemmSm80.ptx is this file by
//   nvcc -arch=sm_80 -ptx GemmSm80.cu -o GemmSm80.ptx       (CUDA 13.0)
typedef unsigned int uint32;

constexpr int tileM = 64, tileN = 64, tileK = 32, threads = 128;
constexpr int rowBytes = tileK * 2;              // 64: four chunks of 16 bytes
constexpr int stageBytes = (tileM + tileN) * rowBytes;

__device__ uint32 sharedAddress(const void *pointer) {
  return static_cast<uint32>(__cvta_generic_to_shared(pointer));
}

/// Chunks of a row are permuted by the row, so that ldmatrix meets no bank twice.
__device__ uint32 chunkOffset(int row, int chunk) {
  return row * rowBytes + ((chunk ^ (row >> 1 & 3)) * 16);
}

__device__ void copyChunk(uint32 target, const void *source, bool inside) {
  int bytes = inside ? 16 : 0; // the rest is filled with zeros
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target),
               "l"(source), "r"(bytes));
}

/// One stage: rows of A, then rows of B; four chunks of each row.
__device__ void loadStage(uint32 stage, const unsigned short *a,
                          const unsigned short *b, int m, int n, int k,
                          int rowA, int rowB, int column) {
  for (int i = threadIdx.x; i < (tileM + tileN) * 4; i += threads) {
    int row = i / 4, chunk = i % 4, at = column + chunk * 8;
    bool isA = row < tileM;
    int line = isA ? rowA + row : rowB + row - tileM;
    bool inside = line < (isA ? m : n) && at < k;
    const unsigned short *matrix = isA ? a : b;
    const unsigned short *source = inside ? matrix + (long long)line * k + at : matrix;
    copyChunk(stage + chunkOffset(row, chunk), source, inside);
  }
}

__device__ void loadFragments(uint32 address, uint32 (&x)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(address));
}

template <bool isBFloat16>
__device__ void multiply(float (&c)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
  if (isBFloat16)
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <bool isBFloat16>
__device__ void gemm(const unsigned short *a, const unsigned short *b, float *c,
                     int m, int n, int k) {
  __shared__ alignas(16) unsigned char shared[2 * stageBytes];
  const uint32 base = sharedAddress(shared);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int rowA = blockIdx.y * tileM, rowB = blockIdx.x * tileN;
  const int warpM = warp / 2 * 32, warpN = warp % 2 * 32; // 32 × 32 of the tile
  float sums[2][4][4] = {};

  const int steps = (k + tileK - 1) / tileK;
  loadStage(base, a, b, m, n, k, rowA, rowB, 0);
  asm volatile("cp.async.commit_group;");
  for (int step = 0; step < steps; ++step) {
    if (step + 1 < steps)
      loadStage(base + (step + 1) % 2 * stageBytes, a, b, m, n, k, rowA, rowB,
                (step + 1) * tileK);
    asm volatile("cp.async.commit_group;");
    asm volatile("cp.async.wait_group 1;" ::: "memory");
    __syncthreads();
    const uint32 stage = base + step % 2 * stageBytes;
    for (int inner = 0; inner < tileK / 16; ++inner) {
      uint32 x[2][4], y[2][4];
      for (int i = 0; i < 2; ++i) {
        // Four 8 × 8 matrices: rows 0-7 and 8-15, k 0-7 and then 8-15.
        int row = warpM + 16 * i + lane % 16, chunk = 2 * inner + lane / 16;
        loadFragments(stage + chunkOffset(row, chunk), x[i]);
      }
      for (int j = 0; j < 2; ++j) {
        // Columns 0-7 with k 0-7 and 8-15, then columns 8-15.
        int row = tileM + warpN + 16 * j + lane % 8 + lane / 16 * 8;
        int chunk = 2 * inner + lane / 8 % 2;
        loadFragments(stage + chunkOffset(row, chunk), y[j]);
      }
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j)
          multiply<isBFloat16>(sums[i][j], x[i], y[j / 2][j % 2 * 2],
                               y[j / 2][j % 2 * 2 + 1]);
    }
    __syncthreads();
  }
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int e = 0; e < 4; ++e) {
        int row = rowA + warpM + 16 * i + lane / 4 + e / 2 * 8;
        int column = rowB + warpN + 8 * j + lane % 4 * 2 + e % 2;
        if (row < m && column < n)
          c[(long long)row * n + column] = sums[i][j][e];
      }
}

extern "C" __global__ void __launch_bounds__(threads)
    gemm_bf16(const unsigned short *a, const unsigned short *b, float *c, int m, int n, int k) {
  gemm<true>(a, b, c, m, n, k);
}

extern "C" __global__ void __launch_bounds__(threads)
    gemm_f16(const unsigned short *a, const unsigned short *b, float *c, int m, int n, int k) {
  gemm<false>(a, b, c, m, n, k);
}
