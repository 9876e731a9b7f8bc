// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instances of gemm that the tests execute; GemmTests.cpp names their
// configurations. Gemm.sm_*.ptx are written by tools/scripts/compile_kernels.py.
#include "Gemm.h"
using namespace trine::kernels;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr Architecture target = Architecture::SM90a;
#else
constexpr Architecture target = Architecture::SM80;
#endif

// bf16, B [K, N], 16-byte copies; sizes are free, pitches multiples of 8.
constexpr GemmConfiguration rowMajor = {.architecture = target, .element = Element::BF16, .tileM = 64, .tileN = 64, .stages = 3,
                                        .loadA = Load::Vector, .loadB = Load::Vector, .layoutB = WeightLayout::RowMajor};
// f16, B [N, K].
constexpr GemmConfiguration transposed = {.architecture = target, .element = Element::F16, .tileM = 64, .tileN = 64, .stages = 3,
                                          .loadA = Load::Vector, .loadB = Load::Vector, .layoutB = WeightLayout::Transposed};
// Any pitch.
constexpr GemmConfiguration guarded = {.architecture = target, .element = Element::BF16, .tileM = 64, .tileN = 64, .stages = 2,
                                       .loadA = Load::Element, .loadB = Load::Element, .layoutB = WeightLayout::RowMajor};
constexpr GemmConfiguration guardedTransposed = {.architecture = target, .element = Element::F16, .tileM = 64, .tileN = 64, .stages = 2,
                                                 .loadA = Load::Vector, .loadB = Load::Element, .layoutB = WeightLayout::Transposed};
constexpr GemmConfiguration f32 = {.architecture = target, .element = Element::F32, .tileM = 64, .tileN = 64, .stages = 2,
                                   .loadA = Load::Element, .loadB = Load::Element, .layoutB = WeightLayout::RowMajor};
constexpr GemmConfiguration f32Transposed = {.architecture = target, .element = Element::F32, .tileM = 64, .tileN = 64, .stages = 2,
                                             .loadA = Load::Element, .loadB = Load::Element, .layoutB = WeightLayout::Transposed};

// Main configurations.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr GemmConfiguration mainRowMajor = {.architecture = target, .element = Element::BF16, .tileM = 128, .tileN = 128, .stages = 4,
                                            .loadA = Load::TensorMap, .loadB = Load::TensorMap, .layoutB = WeightLayout::RowMajor};
constexpr GemmConfiguration mainTransposed = {.architecture = target, .element = Element::F16, .tileM = 128, .tileN = 256, .stages = 3,
                                              .loadA = Load::TensorMap, .loadB = Load::TensorMap, .layoutB = WeightLayout::Transposed};
// Gathered or odd rows of A beside weights by tensor copies.
constexpr GemmConfiguration mixed = {.architecture = target, .element = Element::BF16, .tileM = 64, .tileN = 128, .stages = 3,
                                     .loadA = Load::Vector, .loadB = Load::TensorMap, .layoutB = WeightLayout::Transposed};
#else
constexpr GemmConfiguration mainRowMajor = {.architecture = target, .element = Element::BF16, .tileM = 128, .tileN = 128, .stages = 4,
                                            .loadA = Load::Vector, .loadB = Load::Vector, .layoutB = WeightLayout::RowMajor};
constexpr GemmConfiguration mainTransposed = {.architecture = target, .element = Element::F16, .tileM = 128, .tileN = 128, .stages = 4,
                                              .loadA = Load::Vector, .loadB = Load::Vector, .layoutB = WeightLayout::Transposed};
#endif

// out = silu(sum + bias[column]) + residual, and the sum itself as a second result.
struct Fused {
  const float *bias;
  const bfloat *residual;
  float *sums;
  Index m, n;
  float operator()(float sum, Index batch, Index row, Index column) const {
    const Index at = (batch * m + row) * n + column;
    sums[at] = sum;
    return silu(sum + bias[column]) + load(residual, at);
  }
};
// A prologue: a is f32, scaled by a factor for each row.
struct Scaled {
  const float *a, *factors;
  Index pitch;
  float operator()(Index, Index row, Index k) const { return a[row * pitch + k] * factors[row]; }
};

#define ENTRY(NAME, CONFIGURATION, T, OUT)                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(gemmThreads(CONFIGURATION))                                                                                             \
      NAME(const T *a, Index pitchA, const T *b, Index pitchB, OUT *out, Index pitchOut, Index batch, Index m, Index n, Index k, Index batchesB) {                                     \
    gemm<CONFIGURATION>(                                                                                                                                               \
        GemmArguments<T, T, OUT>{.a = a, .b = b, .out = out, .m = m, .n = n, .k = k, .batch = batch, .batchesB = batchesB, .pitchA = pitchA, .pitchB = pitchB, .pitchOut = pitchOut},         \
        Identity{});                                                                                                                                                   \
  }
#define ENTRY_MAPS(NAME, CONFIGURATION, T, OUT)                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(gemmThreads(CONFIGURATION))                                                                                             \
      NAME(const T *a, Index pitchA, const T *b, Index pitchB, OUT *out, Index pitchOut, Index batch, Index m, Index n, Index k, Index batchesB,                                       \
           const __grid_constant__ TensorMap mapA, const __grid_constant__ TensorMap mapB) {                                                                           \
    gemm<CONFIGURATION>(GemmArguments<T, T, OUT>{.a = a, .b = b, .out = out, .m = m, .n = n, .k = k, .batch = batch, .batchesB = batchesB, .pitchA = pitchA,            \
                                                 .pitchB = pitchB, .pitchOut = pitchOut, .mapA = &mapA, .mapB = &mapB},                                                                      \
                        Identity{});                                                                                                                                   \
  }

ENTRY(gemm_row_major, rowMajor, bfloat, bfloat)
ENTRY(gemm_transposed, transposed, half, float)
ENTRY(gemm_guarded, guarded, bfloat, bfloat)
ENTRY(gemm_guarded_transposed, guardedTransposed, half, half)
ENTRY(gemm_f32, f32, float, float)
ENTRY(gemm_f32_transposed, f32Transposed, float, float)
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
ENTRY_MAPS(gemm_main_row_major, mainRowMajor, bfloat, bfloat)
ENTRY_MAPS(gemm_main_transposed, mainTransposed, half, half)
ENTRY_MAPS(gemm_mixed, mixed, bfloat, bfloat)
#else
ENTRY(gemm_main_row_major, mainRowMajor, bfloat, bfloat)
ENTRY(gemm_main_transposed, mainTransposed, half, half)
#endif

extern "C" __global__ void __launch_bounds__(gemmThreads(rowMajor))
gemm_fused(const bfloat *a, const bfloat *b, const float *bias, const bfloat *residual, bfloat *out, float *sums, Index batch, Index m, Index n, Index k) {
  gemm<rowMajor>(GemmArguments<bfloat, bfloat, bfloat>{.a = a, .b = b, .out = out, .m = m, .n = n, .k = k, .batch = batch}, Fused{bias, residual, sums, m, n});
}

extern "C" __global__ void __launch_bounds__(gemmThreads(guarded))
gemm_prologue(const float *a, const float *factors, const bfloat *b, bfloat *out, Index m, Index n, Index k) {
  gemm<guarded>(GemmArguments<float, bfloat, bfloat>{.a = a, .b = b, .out = out, .m = m, .n = n, .k = k}, Identity{}, Scaled{a, factors, k},
                ReadB<bfloat, WeightLayout::RowMajor>{b, 1, 0, n});
}
