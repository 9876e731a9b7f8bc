// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instances of attention that AttentionTests.cpp executes.
#include "Attention.h"
using namespace trine::kernels;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool hopper = true;
constexpr Architecture target = Architecture::SM90a;
#else
constexpr bool hopper = false;
constexpr Architecture target = Architecture::SM80;
#endif

// Grouped queries, causal.
constexpr AttentionConfiguration gqa = {.architecture = target, .element = Element::BF16, .parts = 1, .partSize = {64}, .valueSize = 64, .headsPerGroup = 2,
                                        .mask = MaskKind::Causal, .maskedRow = MaskedRow::NaN};
// MLA decompressed: 128 + 64 and 128, a head each; causal.
constexpr AttentionConfiguration prefill = {.architecture = target, .element = Element::F16, .parts = 2, .partSize = {128, 64}, .valueSize = 128,
                                            .mask = MaskKind::Causal, .load = hopper ? Load::TensorMap : Load::Vector};
// MLA on the latent: 512 + 64, the value is the latent; split over keys. 16 heads without padding by mma.sync, on both architectures.
constexpr AttentionConfiguration latentFew = {.architecture = Architecture::SM80, .element = Element::BF16, .parts = 2, .partSize = {512, 64}, .valueSize = 512,
                                              .valueIsKey = true, .headsPerGroup = 16, .tileRows = 16, .stages = 1, .split = true};
// The same with 128 heads.
constexpr AttentionConfiguration latentMany = {.architecture = target, .element = Element::BF16, .parts = 2, .partSize = {512, 64}, .valueSize = 512,
                                               .valueIsKey = true, .headsPerGroup = 128, .tileRows = hopper ? 64 : 32, .tileKeys = hopper ? 32 : 64, .stages = hopper ? 2 : 1,
                                               .split = true, .load = hopper ? Load::TensorMap : Load::Vector};
// Odd sizes, any addresses; additive mask, soft cap.
constexpr AttentionConfiguration odd = {.architecture = target, .element = Element::F16, .parts = 3, .partSize = {24, 10, 7}, .valueSize = 21, .headsPerGroup = 3,
                                        .tileRows = hopper ? 64 : 32, .stages = 1, .mask = MaskKind::Additive, .maskedRow = MaskedRow::Uniform, .softCap = true,
                                        .load = Load::Element};
constexpr AttentionConfiguration f32 = {.architecture = target, .element = Element::F32, .parts = 2, .partSize = {24, 10}, .valueSize = 21, .headsPerGroup = 3,
                                        .tileRows = 16, .tileKeys = 32, .mask = MaskKind::Additive, .maskedRow = MaskedRow::Uniform, .softCap = true,
                                        .load = Load::Element};
constexpr AttentionConfiguration f32Latent = {.architecture = target, .element = Element::F32, .parts = 2, .partSize = {160, 16}, .valueSize = 160, .valueIsKey = true,
                                              .headsPerGroup = 4, .tileRows = 16, .tileKeys = 32, .mask = MaskKind::Causal, .split = true, .load = Load::Element};

#define WORDS(T)                                                                                                                                                       \
  Index batch, Index heads, Index queries, Index keys, const T *query0, const T *key0, Index keyHeads0, const T *query1, const T *key1, Index keyHeads1,               \
      const T *query2, const T *key2, Index keyHeads2, const T *value, Index valueHeads, const float *mask, Index maskBatch, Index maskHead, Index maskQuery,           \
      Index maskKey, const Index *offset, Index scale, Index softCap, T *out, float *lse, float *scratch, Index splits
#define ARGUMENTS(T)                                                                                                                                                   \
  AttentionArguments<T, float, T> arguments = {.batch = batch, .heads = heads, .queries = queries, .keys = keys,                                                       \
                                               .part = {{.query = query0, .key = key0, .keyHeads = keyHeads0},                                                         \
                                                        {.query = query1, .key = key1, .keyHeads = keyHeads1},                                                         \
                                                        {.query = query2, .key = key2, .keyHeads = keyHeads2}},                                                        \
                                               .value = value, .valueHeads = valueHeads, .mask = mask, .maskBatch = maskBatch, .maskHead = maskHead,                   \
                                               .maskQuery = maskQuery, .maskKey = maskKey, .offset = offset, .scale = __uint_as_float(u32(scale)),                     \
                                               .softCap = __uint_as_float(u32(softCap)), .out = out, .lse = lse, .scratch = scratch, .splits = splits}
#define ENTRY(NAME, CONFIGURATION, T)                                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(attentionThreads(CONFIGURATION), 1) NAME(WORDS(T)) {                                                                       \
    ARGUMENTS(T);                                                                                                                                                      \
    attention<CONFIGURATION>(arguments, Identity{});                                                                                                                   \
  }
#define ENTRY_MAPS(NAME, CONFIGURATION, T)                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(attentionThreads(CONFIGURATION), 1)                                                                                        \
      NAME(WORDS(T), const __grid_constant__ TensorMap map0, const __grid_constant__ TensorMap map1, const __grid_constant__ TensorMap mapV) {                         \
    ARGUMENTS(T);                                                                                                                                                      \
    arguments.part[0].keyMap = &map0;                                                                                                                                  \
    arguments.part[1].keyMap = &map1;                                                                                                                                  \
    arguments.valueMap = &mapV;                                                                                                                                        \
    attention<CONFIGURATION>(arguments, Identity{});                                                                                                                   \
  }
#define MERGE(NAME, CONFIGURATION, T)                                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(mergeThreads)                                                                                                           \
      NAME##_merge(const float *scratch, Index splits, Index batch, Index heads, Index queries, Index keys, T *out, float *lse) {                                      \
    attentionMerge<CONFIGURATION.maskedRow>(mergeOfSplits<CONFIGURATION>(scratch, splits, batch, heads, queries, keys, out, lse), Identity{});                         \
  }

ENTRY(attention_gqa, gqa, bfloat)
ENTRY(attention_latent_few, latentFew, bfloat)
MERGE(attention_latent_few, latentFew, bfloat)
ENTRY(attention_odd, odd, half)
ENTRY(attention_f32, f32, float)
ENTRY(attention_f32_latent, f32Latent, float)
MERGE(attention_f32_latent, f32Latent, float)
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
ENTRY_MAPS(attention_prefill, prefill, half)
ENTRY_MAPS(attention_latent_many, latentMany, bfloat)
#else
ENTRY(attention_prefill, prefill, half)
ENTRY(attention_latent_many, latentMany, bfloat)
#endif
MERGE(attention_latent_many, latentMany, bfloat)
