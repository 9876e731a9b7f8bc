// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// F32 arithmetic on whole registers. The same loop is compiled for the
/// baseline and for AVX2 with fused multiply-add; both give the same bits.
#include "FloatArithmetic.h"
#include <cmath>

using namespace trine::sim;

#if defined(__x86_64__)
#define TRINE_SIM_AVX2 __attribute__((target("avx2,fma")))
static bool hasAvx2() {
  static const bool has =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}
#endif

namespace {

struct Add {
  static inline __attribute__((always_inline)) float apply(float a, float b,
                                                           float) {
    return a + b;
  }
};
struct Multiply {
  static inline __attribute__((always_inline)) float apply(float a, float b,
                                                           float) {
    return a * b;
  }
};
struct Fuse {
  static inline __attribute__((always_inline)) float apply(float a, float b,
                                                           float c) {
    return __builtin_fmaf(a, b, c);
  }
};

} // namespace

static inline __attribute__((always_inline)) uint32_t flush(uint32_t bits,
                                                            bool flushToZero) {
  return flushToZero && (bits & 0x7F800000) == 0 ? bits & 0x80000000 : bits;
}

template <typename Operation>
static inline __attribute__((always_inline)) void
applyLanes(const uint32_t *a, const uint32_t *b, const uint32_t *c,
           uint32_t *result, unsigned count, bool flushToZero) {
  for (unsigned i = 0; i < count; ++i) {
    float value = Operation::apply(floatFromBits(flush(a[i], flushToZero)),
                                   floatFromBits(flush(b[i], flushToZero)),
                                   floatFromBits(flush(c[i], flushToZero)));
    uint32_t bits = bitsFromFloat(value);
    bool nan = (bits & 0x7FFFFFFF) > 0x7F800000;
    result[i] = nan ? 0x7FFFFFFF : flush(bits, flushToZero);
  }
}

template <typename Operation>
static void applyBaseline(const uint32_t *a, const uint32_t *b,
                          const uint32_t *c, uint32_t *result, unsigned count,
                          bool flushToZero) {
  applyLanes<Operation>(a, b, c, result, count, flushToZero);
}

#if defined(__x86_64__)
template <typename Operation>
TRINE_SIM_AVX2 static void applyAvx2(const uint32_t *a, const uint32_t *b,
                                     const uint32_t *c, uint32_t *result,
                                     unsigned count, bool flushToZero) {
  if (flushToZero)
    applyLanes<Operation>(a, b, c, result, count, true);
  else
    applyLanes<Operation>(a, b, c, result, count, false);
}
#endif

template <typename Operation>
static void dispatch(const uint32_t *a, const uint32_t *b, const uint32_t *c,
                     uint32_t *result, unsigned count, bool flushToZero) {
#if defined(__x86_64__)
  if (hasAvx2())
    return applyAvx2<Operation>(a, b, c, result, count, flushToZero);
#endif
  applyBaseline<Operation>(a, b, c, result, count, flushToZero);
}

void trine::sim::addFloatLanes(const uint32_t *a, const uint32_t *b,
                               uint32_t *result, unsigned count,
                               bool flushToZero) {
  dispatch<Add>(a, b, a, result, count, flushToZero);
}

void trine::sim::multiplyFloatLanes(const uint32_t *a, const uint32_t *b,
                                    uint32_t *result, unsigned count,
                                    bool flushToZero) {
  dispatch<Multiply>(a, b, a, result, count, flushToZero);
}

void trine::sim::fuseMultiplyAddLanes(const uint32_t *a, const uint32_t *b,
                                      const uint32_t *c, uint32_t *result,
                                      unsigned count, bool flushToZero) {
  dispatch<Fuse>(a, b, c, result, count, flushToZero);
}
