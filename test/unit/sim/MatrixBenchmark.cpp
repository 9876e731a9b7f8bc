// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// How fast one core multiplies matrices as wgmma and mma.sync do, and computes
/// on registers of 32 lanes. Prints; checks nothing.
#include "device/sim/FloatApproximation.h"
#include "device/sim/FloatArithmetic.h"
#include "device/sim/FloatConversion.h"
#include "device/sim/MatrixMultiply.h"
#include "device/sim/MatrixWarpgroup.h"
#include <algorithm>
#include <cstdio>
#include <ctime>

using namespace trine::sim;

/// Processor seconds of one call, the best of five groups.
template <typename Function>
static double measure(unsigned repetitions, Function function) {
  double best = 1e9;
  for (int group = 0; group < 5; ++group) {
    std::clock_t start = std::clock();
    for (unsigned i = 0; i < repetitions; ++i)
      function();
    double time = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = std::min(best, time / repetitions);
  }
  return best;
}

static void measureWgmma(unsigned n, MatrixType type, MatrixType sum,
                         bool transposed, const AccumulateMode &mode) {
  WgmmaForm form;
  form.n = n;
  form.k = 32 / getElementBytes(type);
  form.d = sum;
  form.a = form.b = type;
  form.bTransposed = transposed;
  WgmmaRegisters counts;
  std::string error;
  if (!checkWgmmaForm(form, counts, error))
    return;
  std::vector<uint8_t> shared(1 << 18, 0x3C);
  MatrixDescriptor descriptor;
  descriptor.strideOffset = 1024;
  descriptor.leadingOffset = 8192;
  descriptor.swizzle = Swizzle::Bytes128;
  std::vector<std::vector<uint32_t>> d(4 * counts.d, std::vector<uint32_t>(32));
  std::vector<uint32_t *> pointers;
  for (std::vector<uint32_t> &lanes : d)
    pointers.push_back(lanes.data());
  std::vector<uint32_t> chunks;
  std::vector<float> a, b;
  double seconds = measure(mode.kind == AccumulateMode::Exact ? 200 : 3, [&] {
    listOperandChunks(form, WgmmaOperand::A, descriptor, chunks, error);
    gatherOperand(form, WgmmaOperand::A, shared.data(), chunks, a);
    listOperandChunks(form, WgmmaOperand::B, descriptor, chunks, error);
    gatherOperand(form, WgmmaOperand::B, shared.data(), chunks, b);
    multiplyTiles(form, mode, true, a, b, pointers.data());
  });
  std::printf("wgmma m64n%uk%u %s.%s%s%s: %.1f us, %.1f GFLOP/s\n", n, form.k,
              getTypeName(sum), getTypeName(type),
              transposed ? " mn-major" : "",
              mode.kind == AccumulateMode::Exact ? "" : " aligned",
              seconds * 1e6, 2.0 * 64 * n * form.k / seconds / 1e9);
}

static void measureMma(unsigned k, MatrixType type, MatrixType sum) {
  MmaForm form;
  form.m = 16, form.n = 8, form.k = k;
  form.a = form.b = type;
  form.c = form.d = sum;
  uint32_t lanes[4][4][32] = {}, *pointers[4][4];
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      pointers[i][j] = lanes[i][j];
  double seconds = measure(5000, [&] {
    multiplyMatrices(form, {}, pointers[0], pointers[1], pointers[2],
                     pointers[3]);
  });
  std::printf("mma m16n8k%u %s.%s: %.2f us, %.1f GFLOP/s\n", k,
              getTypeName(sum), getTypeName(type), seconds * 1e6,
              2.0 * 16 * 8 * k / seconds / 1e9);
}

template <typename Function>
static void measureLanes(const char *name, Function function) {
  uint32_t a[32], b[32];
  for (uint32_t i = 0; i < 32; ++i) {
    a[i] = bitsFromFloat(1.5f + float(i) / 32);
    b[i] = bitsFromFloat(0.75f + float(i) / 64);
  }
  double seconds = measure(20000, [&] { function(a, b); });
  std::printf("%s of 32 lanes: %.1f ns\n", name, seconds * 1e9);
}

int main() {
  using T = MatrixType;
  measureWgmma(256, T::BF16, T::F32, false, {});
  measureWgmma(256, T::BF16, T::F32, true, {});
  measureWgmma(64, T::BF16, T::F32, false, {});
  measureWgmma(128, T::E4M3, T::F32, false, {});
  measureWgmma(128, T::TF32, T::F32, false, {});
  measureWgmma(128, T::S8, T::S32, false, {});
  measureWgmma(128, T::F16, T::F16, false, {});
  measureWgmma(128, T::BF16, T::F32, false, getHopperAccumulateMode(T::BF16));
  measureMma(16, T::BF16, T::F32);
  measureMma(16, T::F16, T::F16);
  measureMma(8, T::TF32, T::F32);
  measureMma(32, T::S8, T::S32);
  measureLanes("fma.rn.f32", [](uint32_t *a, uint32_t *b) {
    fuseMultiplyAddLanes(a, b, b, b, 32);
  });
  measureLanes("fma.rz.f32", [](uint32_t *a, uint32_t *b) {
    ArithmeticOptions options;
    options.rounding = Rounding::TowardZero;
    for (int i = 0; i < 32; ++i)
      b[i] = fuseMultiplyAdd(FloatFormat::F32, a[i], b[i], b[i], options);
  });
  measureLanes("fma.rn.bf16", [](uint32_t *a, uint32_t *b) {
    for (int i = 0; i < 32; ++i)
      b[i] = fuseMultiplyAdd(FloatFormat::BF16, a[i] >> 16, b[i], b[i]);
  });
  measureLanes("cvt.rn.bf16.f32", [](uint32_t *a, uint32_t *b) {
    for (int i = 0; i < 32; ++i)
      b[i] = convertFloat(FloatFormat::BF16, FloatFormat::F32, a[i]);
  });
  measureLanes("cvt.rn.f16.f32", [](uint32_t *a, uint32_t *b) {
    for (int i = 0; i < 32; ++i)
      b[i] = convertFloat(FloatFormat::F16, FloatFormat::F32, a[i]);
  });
  for (bool perturb : {false, true})
    measureLanes(perturb ? "perturbed ex2.approx.f32" : "ex2.approx.f32",
                 [&](uint32_t *a, uint32_t *b) {
                   ApproximationOptions options;
                   options.perturb = perturb;
                   for (int i = 0; i < 32; ++i)
                     b[i] = approximate(Approximation::Exp2, FloatFormat::F32,
                                        a[i], options);
                 });
}
