// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PTX that CUDA's own compiler made of Inputs/*.cu, run with all checks and
// compared with the host's arithmetic.
#include "FormTest.h"
#include "ThreadStarts.h"
#include "trine/Runtime/PTXTensorMap.h"
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace trine::sim;

namespace {

std::shared_ptr<Module> loadInput(const std::string &name) {
  std::ifstream file(std::string(TRINE_SIM_INPUTS) + "/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  std::vector<Diagnostic> errors;
  auto module = Module::load(text.str(), name, errors);
  for (const Diagnostic &error : errors)
    ADD_FAILURE() << error.str();
  return module;
}

template <typename... Arguments>
Result run(Machine &machine, const Module &module, const char *name,
           Launch launch, Arguments... arguments) {
  const void *pointers[] = {&arguments...};
  return machine.launch(module, name, launch, pointers, sizeof...(arguments));
}

template <typename T>
T *allocate(Machine &machine, size_t count, const char *name,
            bool track = true) {
  auto *made =
      static_cast<T *>(machine.allocate(count * sizeof(T), name, track));
  memset(static_cast<void *>(made), 0, count * sizeof(T));
  return made;
}

template <typename T>
T *filled(Machine &machine, size_t count, const char *name) {
  T *made = allocate<T>(machine, count, name);
  machine.markInitialised(made, count * sizeof(T));
  return made;
}

float fromBf16(uint16_t bits) {
  uint32_t word = uint32_t(bits) << 16;
  float value;
  memcpy(&value, &word, 4);
  return value;
}
uint16_t toBf16(float value) { // exact values only
  uint32_t word;
  memcpy(&word, &value, 4);
  return uint16_t(word >> 16);
}

#define EXPECT_CLEAN(result)                                                   \
  EXPECT_EQ((result).status, Status::Ok) << (result).text()

TEST(PTXCompiledKernels, Math) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  int n = 200;
  float *a = filled<float>(machine, n, "a"),
        *o = allocate<float>(machine, 16 * n, "o");
  for (int i = 0; i < n; ++i)
    a[i] = float(i - 100) * 0.037f;
  Launch launch;
  launch.grid.x = 2;
  launch.block.x = 128;
  EXPECT_CLEAN(run(machine, *module, "math32", launch, a, o, n));
  auto near = [&](int row, int i, double wanted, double ulps) {
    double step = std::ldexp(
        1.0, std::max(std::ilogb(std::fabs(wanted) + 1e-30), -126) - 23);
    EXPECT_LE(std::fabs(double(o[row * n + i]) - wanted), ulps * step)
        << "row " << row << ", input " << a[i] << ", got " << o[row * n + i]
        << ", expected " << wanted;
  };
  for (int i = 0; i < n; ++i) {
    double x = a[i];
    near(0, i, std::tanh(x), 3);
    near(1, i, std::erf(x), 3);
    near(2, i, std::pow(std::fabs(x), double(1.3f)), 5);
    near(3, i, std::sin(double(a[i] * 1000.0f)), 3);
    near(4, i, std::cos(x), 3);
    near(5, i, std::log(double(std::fabs(a[i]) + 1e-3f)), 3);
    near(6, i, double(a[i] / (1 + std::fabs(a[i]))), 0);
    near(7, i, double(std::sqrt(std::fabs(a[i]))), 0);
    near(8, i, 1 / std::sqrt(double(std::fabs(a[i]) + 1)), 3);
    near(9, i, std::exp2(x), 3);
    near(10, i, std::log1p(std::fabs(x)), 3);
    near(11, i,
         double(std::floor(a[i]) + std::ceil(a[i]) * 2 + std::trunc(a[i]) * 3 +
                std::rint(a[i]) * 5 + std::round(a[i])),
         0);
    near(12, i, double(std::fmod(a[i], 0.7f)), 0);
    near(14, i, std::copysign(3.0, x), 0);
    near(15, i, 3, 0);
  }
  auto *d = filled<double>(machine, n, "d");
  auto *p = allocate<double>(machine, 8 * n, "p");
  for (int i = 0; i < n; ++i)
    d[i] = i * 0.13 - 7;
  EXPECT_CLEAN(run(machine, *module, "math64", launch, d, p, n));
  for (int i = 0; i < n; ++i) {
    EXPECT_DOUBLE_EQ(p[i], std::pow(std::fabs(d[i]), 1.5));
    EXPECT_NEAR(p[3 * n + i], std::log(std::fabs(d[i]) + 1e-3), 1e-14);
    EXPECT_NEAR(p[4 * n + i], std::exp(d[i]), 1e-14 * std::exp(d[i]));
    EXPECT_EQ(p[5 * n + i], d[i] / 3);
    EXPECT_EQ(p[6 * n + i], std::sqrt(std::fabs(d[i])));
    EXPECT_EQ(p[7 * n + i], std::floor(d[i]));
  }
}

TEST(PTXCompiledKernels, Integers) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  int n = 64, k = 5;
  int64_t m = 1000003;
  int *a = filled<int>(machine, n, "a");
  auto *u = filled<uint32_t>(machine, n, "u");
  auto *l = filled<int64_t>(machine, n, "l");
  auto *o = allocate<int64_t>(machine, 10 * n, "o");
  for (int i = 0; i < n; ++i) {
    a[i] = i * 7919 - 100000;
    u[i] = uint32_t(i) * 2654435761u + 1;
    l[i] = int64_t(i - 30) * 123456789012345;
  }
  Launch launch;
  launch.block.x = 64;
  EXPECT_CLEAN(run(machine, *module, "ints", launch, a, u, l, o, n, m, k));
  for (int i = 0; i < n; ++i) {
    EXPECT_EQ(o[i], a[i] / k + a[i] % k);
    EXPECT_EQ(o[n + i], int64_t(u[i] / 7 + u[i] % 13));
    EXPECT_EQ(o[2 * n + i], l[i] / m + l[i] % m);
    int high = int((int64_t(a[i]) * a[i]) >> 32);
    uint64_t high64 =
        uint64_t((unsigned __int128)(uint64_t(l[i])) * uint64_t(l[i]) >> 64);
    EXPECT_EQ(uint64_t(o[4 * n + i]), uint64_t(int64_t(high)) + high64);
    EXPECT_EQ(o[6 * n + i],
              std::max(a[i], k) + std::min(a[i], 5) + std::abs(a[i]));
    EXPECT_EQ(uint64_t(o[7 * n + i]), uint64_t(l[i]) / 10007);
    EXPECT_EQ(o[9 * n + i], l[i] % 10007);
  }
  int *s = filled<int>(machine, n, "s"), *r = allocate<int>(machine, n, "r");
  for (int i = 0; i < n; ++i)
    s[i] = i % 9;
  EXPECT_CLEAN(run(machine, *module, "sw", launch, s, r, n));
  for (int i = 0; i < n; ++i) {
    int sum = 0;
    for (int j = 0; j < i; ++j)
      sum += j * s[j];
    const int wanted[] = {5, s[i] * 7, -3, sum, i, 0, 9, 1, 1};
    EXPECT_EQ(r[i], wanted[s[i]]) << i;
  }
}

TEST(PTXCompiledKernels, HalfPrecision) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  int n = 32;
  auto *a = filled<uint16_t>(machine, n, "a"),
       *b = filled<uint16_t>(machine, n, "b");
  auto *o = allocate<uint16_t>(machine, 4 * n, "o"),
       *p = allocate<uint16_t>(machine, 2 * n, "p");
  for (int i = 0; i < n; ++i) {
    a[i] = uint16_t(0x3c00 + i * 16); // 1 to 1.5
    b[i] = toBf16(1.0f + float(i) / 32);
  }
  Launch launch;
  launch.block.x = 32;
  EXPECT_CLEAN(run(machine, *module, "half16", launch, a, b, o, p, n));
  for (int i = 0; i < n; ++i) {
    float x = 1 + float(i) / 64, y = 1 + float(i) / 32;
    auto half = [](uint16_t bits) {
      return std::ldexp(1.0f + float(bits & 1023) / 1024, int(bits >> 10) - 15);
    };
    EXPECT_NEAR(half(o[i]), std::exp(x) + x * x / 3, 0.005);
    EXPECT_EQ(half(o[n + i]), 2 * x);
    EXPECT_NEAR(half(o[2 * n + i]), std::sqrt(x), 0.001);
    EXPECT_NEAR(fromBf16(p[i]), (y * y + y) / 3, 0.01 * (y * y + y) / 3);
    EXPECT_EQ(fromBf16(p[n + i]), std::max(y, 0.5f));
  }
  float *f = filled<float>(machine, n, "f"),
        *q = allocate<float>(machine, n, "q");
  auto *e = allocate<uint8_t>(machine, n, "e");
  for (int i = 0; i < n; ++i)
    f[i] = float(i) * 0.25f;
  EXPECT_CLEAN(run(machine, *module, "fp8", launch, f, e, q));
  for (int i = 0; i < n; ++i)
    EXPECT_NEAR(q[i], f[i], f[i] / 16 + 0.001);
}

TEST(PTXCompiledKernels, WarpsAndAtomics) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  int *a = filled<int>(machine, 32, "a"), *o = filled<int>(machine, 256, "o");
  int ballot = 0, sum = 0, odd = 0;
  for (int i = 0; i < 32; ++i) {
    a[i] = i % 6;
    ballot |= int(a[i] > 3) << i;
    sum += a[i];
    odd |= int(a[i] & 1) << i;
  }
  Launch launch;
  launch.block.x = 32;
  EXPECT_CLEAN(run(machine, *module, "warpops", launch, a, o));
  for (int i = 0; i < 32; ++i) {
    int same = 0;
    for (int j = 0; j < 32; ++j)
      same |= int(a[j] == a[i]) << j;
    EXPECT_EQ(o[i], ballot);
    EXPECT_EQ(o[32 + i], 2);
    EXPECT_EQ(o[64 + i], same);
    EXPECT_EQ(o[96 + i], int(0xffffffffu) + 1);
    EXPECT_EQ(o[128 + i], a[i ^ 5] + a[i < 3 ? i : i - 3] + a[(i & 16) + 7]);
    EXPECT_EQ(o[160 + i], sum + 5);
    if (a[i] & 1) {
      EXPECT_EQ(o[192 + i], odd);
    }
    EXPECT_EQ(o[224 + i], __builtin_popcount(unsigned(odd)) + 2);
  }

  int *g = filled<int>(machine, 8, "g");
  g[5] = -1;
  auto *u = filled<uint32_t>(machine, 2, "u");
  auto *ll = filled<uint64_t>(machine, 2, "ll");
  float *f = filled<float>(machine, 1, "f");
  double *d = filled<double>(machine, 1, "d");
  auto *h = filled<uint32_t>(machine, 1, "h"),
       *b = filled<uint32_t>(machine, 1, "b");
  launch.block.x = 64;
  launch.grid.x = 1;
  EXPECT_CLEAN(run(machine, *module, "atoms", launch, g, u, ll, f, d, h, b));
  EXPECT_EQ(g[0], 64);
  EXPECT_EQ(g[1], 63);
  EXPECT_EQ(g[2], -63);
  EXPECT_EQ(g[3], 0); // the exclusive or of 0..63
  EXPECT_EQ(g[4], -1);
  EXPECT_EQ(g[5], 0);
  EXPECT_EQ(u[0], 64u % 11);
  EXPECT_EQ(ll[0], 320u);
  EXPECT_EQ(ll[1], 63u);
  EXPECT_EQ(*f, 32);
  EXPECT_EQ(*d, 16);
  EXPECT_EQ(*h, 0x54005400u); // 64 in f16
  EXPECT_EQ(*b, 0x42804280u); // 64 in bf16
}

TEST(PTXCompiledKernels, SharedMemory) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  int n = 64;
  float *a = filled<float>(machine, n * n, "a"),
        *o = allocate<float>(machine, n * n, "o");
  for (int i = 0; i < n * n; ++i)
    a[i] = float(i);
  Launch launch;
  launch.grid = {2, 2, 1};
  launch.block = {32, 8, 1};
  EXPECT_CLEAN(run(machine, *module, "transpose", launch, a, o, n));
  for (int i = 0; i < n * n; ++i)
    EXPECT_EQ(o[i], a[i % n * n + i / n]);
  Launch one;
  one.block.x = 256;
  one.dynamicSharedBytes = 1024;
  int count = 200;
  EXPECT_CLEAN(run(machine, *module, "dynred", one, a, o, count));
  EXPECT_EQ(o[0], 199 * 200 / 2);
  one.dynamicSharedBytes = 1020;
  Result tooSmall = run(machine, *module, "dynred", one, a, o, count);
  ASSERT_EQ(tooSmall.status, Status::Reported);
  EXPECT_EQ(tooSmall.reports[0].kind, ReportKind::OutOfBounds);
  EXPECT_EQ(tooSmall.reports[0].thread.x, 255u);
}

TEST(PTXCompiledKernels, CallsLocalMemoryAndStructures) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  float *o = allocate<float>(machine, 32, "o");
  Launch launch;
  launch.block.x = 32;
  EXPECT_CLEAN(run(machine, *module, "recur", launch, o));
  const float fibonacci[] = {1, 1, 2, 3, 5, 8, 13, 21, 34, 55};
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(o[i], fibonacci[i % 10]);
  struct alignas(16) V {
    float a[4];
    int b[5];
    double c;
  } v = {{1, 2, 3, 4}, {10, 20, 30, 40, 50}, 0.5};
  int k = 3;
  EXPECT_CLEAN(run(machine, *module, "structs", launch, v, o, k));
  EXPECT_EQ(o[7], 1 + 4 + 40 + 0.5f);
  int *r = allocate<int>(machine, 32, "r");
  EXPECT_CLEAN(run(machine, *module, "localarr", launch, r, k));
  for (int t = 0; t < 32; ++t) {
    int sum = 0;
    for (int i = 0; i < 16; ++i)
      sum += ((i * 7 + t) & 15) * k * i;
    EXPECT_EQ(r[t], sum);
  }
}

TEST(PTXCompiledKernels, FlagsBetweenBlocks) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  for (unsigned threads : {1u, 2u}) {
    int *flag = filled<int>(machine, 1, "flag"),
        *o = allocate<int>(machine, 2, "o");
    Launch launch;
    launch.grid.x = 2;
    launch.options.threads = threads;
    EXPECT_CLEAN(run(machine, *module, "spin", launch, flag, o));
    EXPECT_EQ(o[0], 42);
  }
}

TEST(PTXCompiledKernels, RunWithTheThreadsThatStart) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  for (int started : {0, 1}) {
    trine::test::LimitedThreadStarts some(started);
    int *flag = filled<int>(machine, 1, "flag"),
        *o = allocate<int>(machine, 2, "o");
    Launch launch;
    launch.grid.x = 4;
    launch.options.threads = 4;
    Result result = run(machine, *module, "spin", launch, flag, o);
    EXPECT_EQ(result.statistics.ctas, 4u);
    EXPECT_EQ(o[0], 42);
    EXPECT_EQ(some.getRefused(), 1);
  }
}

TEST(PTXCompiledKernels, PrintAndAssert) {
  auto module = loadInput("elementwise.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  Launch launch;
  launch.block.x = 2;
  Result result = run(machine, *module, "pr", launch, 3);
  EXPECT_CLEAN(result);
  EXPECT_EQ(result.output, "hi 0 4.500000 str\nhi 1 4.500000 str\n");
  result = run(machine, *module, "pr", launch, 7);
  EXPECT_EQ(result.status, Status::Trap);
  EXPECT_NE(result.text().find("device assertion 'n"), std::string::npos)
      << result.text();
}

TEST(PTXCompiledKernels, Ampere) {
  auto module = loadInput("ampere.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  float *a = filled<float>(machine, 512, "a"),
        *o = allocate<float>(machine, 128, "o");
  for (int i = 0; i < 512; ++i)
    a[i] = float(i);
  Launch launch;
  launch.block.x = 128;
  EXPECT_CLEAN(run(machine, *module, "cpasync", launch, a, o));
  for (int i = 0; i < 128; ++i)
    EXPECT_EQ(o[i], 4 * i + 128 * 6);
  auto *ra = filled<uint32_t>(machine, 128, "ra"),
       *rb = filled<uint32_t>(machine, 64, "rb");
  float *d = allocate<float>(machine, 128, "d");
  // A[r][k] = r + k, B[k][n] = k == n (and k == n + 8): D[r][n] = A[r][n] +
  // A[r][n + 8].
  for (unsigned l = 0; l < 32; ++l) {
    unsigned g = l / 4, t = l % 4;
    for (unsigned i = 0; i < 8; ++i) {
      unsigned row = g + 8 * (i / 2 % 2), k = 2 * t + i % 2 + 8 * (i / 4);
      ra[l * 4 + i / 2] |= uint32_t(toBf16(float(row + k))) << 16 * (i % 2);
    }
    for (unsigned i = 0; i < 4; ++i) {
      unsigned k = 2 * t + i % 2 + 8 * (i / 2);
      rb[l * 2 + i / 2] |= uint32_t(toBf16(k % 8 == g ? 1.0f : 0.0f))
                           << 16 * (i % 2);
    }
  }
  launch.block.x = 32;
  EXPECT_CLEAN(run(machine, *module, "mma16816", launch, ra, rb, d));
  for (unsigned l = 0; l < 32; ++l)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = l / 4 + 8 * (i / 2), n = 2 * (l % 4) + i % 2;
      EXPECT_EQ(d[l * 4 + i], float(2 * row + 2 * n + 8));
    }
  int n = 1000;
  float *x = filled<float>(machine, n, "x"),
        *y = filled<float>(machine, n, "y"),
        *z = allocate<float>(machine, n, "z"),
        *s = filled<float>(machine, 1, "s");
  float sum = 0;
  for (int i = 0; i < n; ++i) {
    x[i] = float(i % 10);
    y[i] = 1;
    sum += x[i];
  }
  launch.block.x = 256;
  launch.grid.x = 4;
  EXPECT_CLEAN(run(machine, *module, "addk", launch, x, y, z, n));
  for (int i = 0; i < n; ++i)
    EXPECT_NEAR(z[i], x[i] + std::exp(x[i]), 2e-6 * std::exp(x[i]));
  launch.grid.x = 1;
  EXPECT_CLEAN(run(machine, *module, "red", launch, x, s, n));
  EXPECT_EQ(*s, sum);
}

TEST(PTXCompiledKernels, HopperBulkCopy) {
  auto module = loadInput("hopper.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  int n = 512;
  float *a = filled<float>(machine, n, "a"),
        *o = allocate<float>(machine, n, "o");
  for (int i = 0; i < n; ++i)
    a[i] = float(i);
  for (AsyncPolicy policy :
       {AsyncPolicy::Early, AsyncPolicy::Late, AsyncPolicy::Random}) {
    Launch launch;
    launch.block.x = 128;
    launch.dynamicSharedBytes = uint32_t(n) * 4;
    launch.options.async = policy;
    EXPECT_CLEAN(run(machine, *module, "bulk", launch, a, o, n));
    for (int i = 0; i < n; ++i)
      EXPECT_EQ(o[i], 2 * a[i]);
  }
}

TEST(PTXCompiledKernels, HopperGemm) {
  auto module = loadInput("hopper.ptx");
  ASSERT_TRUE(module);
  Machine machine;
  int rows = 128, columns = 64, k = 320;
  auto *a = filled<uint16_t>(machine, size_t(rows) * k, "a"),
       *b = filled<uint16_t>(machine, size_t(columns) * k, "b");
  float *c = allocate<float>(machine, size_t(rows) * columns, "c");
  for (int i = 0; i < rows * k; ++i)
    a[i] = toBf16(float(i % 7 - 3));
  for (int i = 0; i < columns * k; ++i)
    b[i] = toBf16(float(i % 5 - 2));
  struct alignas(64) Map {
    uint8_t bytes[tensorMapBytes];
  } maps[2];
  for (int operand = 0; operand < 2; ++operand) {
    TensorMap map;
    map.element = TensorElement::BF16;
    map.rank = 2;
    map.globalAddress = uint64_t(reinterpret_cast<uintptr_t>(operand ? b : a));
    map.globalDim[0] = uint64_t(k);
    map.globalDim[1] = uint64_t(operand ? columns : rows);
    map.globalStride[0] = uint64_t(k) * 2;
    map.boxDim[0] = map.boxDim[1] = 64;
    map.swizzle = 3;
    std::string error;
    ASSERT_TRUE(checkTensorMap(map, error)) << error;
    encodeTensorMap(map, maps[operand].bytes);
  }
  for (bool random : {false, true}) {
    Launch launch;
    launch.grid = {1, 2, 1};
    launch.block.x = 160;
    launch.dynamicSharedBytes = 2 * 16384;
    launch.options.randomSchedule = random;
    if (random)
      launch.options.async = AsyncPolicy::Random;
    memset(c, 0, size_t(rows) * columns * 4);
    EXPECT_CLEAN(
        run(machine, *module, "gemm", launch, maps[0], maps[1], c, k, columns));
    for (int r = 0; r < rows; ++r)
      for (int n = 0; n < columns; ++n) {
        float sum = 0;
        for (int i = 0; i < k; ++i)
          sum += fromBf16(a[r * k + i]) * fromBf16(b[n * k + i]);
        ASSERT_EQ(c[r * columns + n], sum) << r << ", " << n;
      }
  }
}

} // namespace
