// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// CUDA's mathematical functions as its compiler expands them (kernels/*.cu):
/// within the errors that the CUDA programming guide states ("Mathematical
/// Functions", maximum ulp error), and not far from them when each approximate
/// instruction gives the worst that it may.
#include "KernelFiles.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace trine::sim;

namespace {

struct Function {
  const char *kernel;
  long double (*exact)(long double x, long double y);
  double low, high; ///< of x; y of functions that have one is in [-8, 8]
  /// Units in the last place from the correctly rounded result: as documented,
  /// and with worst approximations, which no document states.
  double ulp, perturbed;
  bool logarithmic = false; ///< arguments uniform in their exponents
};

} // namespace

static const Function floatFunctions[] = {
    {"f32_exp", [](long double x, long double) { return std::exp(x); }, -80, 80,
     2, 4},
    {"f32_exp2", [](long double x, long double) { return std::exp2(x); }, -120,
     120, 2, 2},
    {"f32_expm1", [](long double x, long double) { return std::expm1(x); }, -4,
     80, 1, 8},
    {"f32_log", [](long double x, long double) { return std::log(x); }, 1e-30,
     1e30, 1, 1, true},
    {"f32_log1p", [](long double x, long double) { return std::log1p(x); },
     -0.9, 10, 1, 1},
    {"f32_tanh", [](long double x, long double) { return std::tanh(x); }, -9, 9,
     2, 4},
    {"f32_erf", [](long double x, long double) { return std::erf(x); }, -4, 4,
     2, 4},
    {"f32_sin", [](long double x, long double) { return std::sin(x); }, -300000,
     300000, 2, 2},
    {"f32_cos", [](long double x, long double) { return std::cos(x); }, -10, 10,
     2, 2},
    {"f32_rsqrt", [](long double x, long double) { return 1 / std::sqrt(x); },
     1e-30, 1e30, 2, 2, true},
    {"f32_sqrt", [](long double x, long double) { return std::sqrt(x); }, 1e-30,
     1e30, 0, 0, true},
    {"f32_reciprocal", [](long double x, long double) { return 1 / x; }, 1e-30,
     1e30, 0, 0, true},
    {"f32_divide", [](long double x, long double y) { return x / y; }, -100,
     100, 0, 0},
    {"f32_pow", [](long double x, long double y) { return std::pow(x, y); },
     0.01, 50, 4, 8},
};

static const Function doubleFunctions[] = {
    {"f64_exp", [](long double x, long double) { return std::exp(x); }, -700,
     700, 1, 1},
    {"f64_log", [](long double x, long double) { return std::log(x); }, 1e-300,
     1e300, 1, 1, true},
    {"f64_rsqrt", [](long double x, long double) { return 1 / std::sqrt(x); },
     1e-300, 1e300, 1, 2, true},
    {"f64_divide", [](long double x, long double y) { return x / y; }, -100,
     100, 0, 0},
};

/// The largest error in units of the last place of T, less the half unit of
/// rounding.
template <typename T>
static double measure(const std::shared_ptr<Module> &module,
                      const Function &function, bool perturb) {
  const int count = 4000;
  std::mt19937_64 random(1);
  Machine machine;
  T *inputs = static_cast<T *>(machine.allocate(2 * count * sizeof(T), "x"));
  T *results = static_cast<T *>(machine.allocate(count * sizeof(T), "y", true));
  for (int i = 0; i < 2 * count; ++i) {
    double part = static_cast<double>(random() >> 11) * 0x1p-53;
    double low = i < count ? function.low : -8;
    double high = i < count ? function.high : 8;
    inputs[i] = static_cast<T>(
        function.logarithmic && i < count
            ? std::exp(std::log(low) + part * (std::log(high) - std::log(low)))
            : low + part * (high - low));
  }
  Launch launch;
  launch.grid = {unsigned(count + 127) / 128, 1, 1};
  launch.block = {128, 1, 1};
  launch.options.perturbApproximations = perturb;
  const void *arguments[] = {&inputs, &results, &count};
  Result result =
      machine.launch(*module, function.kernel, launch, arguments, 3);
  EXPECT_EQ(result.status, Status::Ok) << result.text();
  double worst = 0;
  for (int i = 0; i < count; ++i) {
    long double exact = function.exact(inputs[i], inputs[count + i]);
    int exponent =
        std::max(std::ilogb(exact), std::numeric_limits<T>::min_exponent - 1);
    long double unit =
        std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits + 1);
    double error = static_cast<double>(std::fabs(results[i] - exact) / unit);
    worst = std::max(worst, error);
  }
  return worst;
}

template <typename T, size_t count>
static void checkFunctions(const Function (&functions)[count]) {
  std::string error;
  std::shared_ptr<Module> module =
      loadKernels(readKernelFile("MathFunctions.ptx"), error);
  ASSERT_NE(module, nullptr) << error;
  for (const Function &function : functions) {
    double plain = measure<T>(module, function, false);
    double perturbed = measure<T>(module, function, true);
    EXPECT_LE(plain, function.ulp + 0.5001) << function.kernel;
    EXPECT_LE(perturbed, function.perturbed + 0.5001) << function.kernel;
    testing::Test::RecordProperty(function.kernel,
                                  std::to_string(plain) + " ulp, perturbed " +
                                      std::to_string(perturbed));
  }
}

TEST(MathKernel, SinglePrecision) { checkFunctions<float>(floatFunctions); }
TEST(MathKernel, DoublePrecision) { checkFunctions<double>(doubleFunctions); }

TEST(MathKernel, SpecialValues) {
  std::string error;
  std::shared_ptr<Module> module =
      loadKernels(readKernelFile("MathFunctions.ptx"), error);
  ASSERT_NE(module, nullptr) << error;
  struct Case {
    const char *kernel;
    float x, y, expected;
  };
  const float inf = INFINITY, nan = NAN;
  const Case cases[] = {
      {"f32_exp", -inf, 0, 0},       {"f32_exp", inf, 0, inf},
      {"f32_exp", 200, 0, inf},      {"f32_exp", 0, 0, 1},
      {"f32_exp", nan, 0, nan},      {"f32_log", 0, 0, -inf},
      {"f32_log", -1, 0, nan},       {"f32_log", 1, 0, 0},
      {"f32_log", inf, 0, inf},      {"f32_tanh", inf, 0, 1},
      {"f32_tanh", -50, 0, -1},      {"f32_erf", -inf, 0, -1},
      {"f32_sin", inf, 0, nan},      {"f32_cos", 0, 0, 1},
      {"f32_rsqrt", 0, 0, inf},      {"f32_sqrt", -1, 0, nan},
      {"f32_reciprocal", 0, 0, inf}, {"f32_reciprocal", -inf, 0, -0.0f},
      {"f32_divide", 0, 0, nan},     {"f32_divide", -1, 0, -inf},
      {"f32_pow", 0, 0, 1},          {"f32_pow", -2, 3, -8},
      {"f32_pow", -2, 0.5f, nan},    {"f32_pow", 2, 1000, inf},
      {"f32_pow", 0, -1, inf},       {"f32_expm1", -inf, 0, -1},
      {"f32_log1p", -1, 0, -inf},    {"f32_exp2", -200, 0, 0},
  };
  for (const Case &test : cases) {
    Machine machine;
    float *inputs = static_cast<float *>(machine.allocate(8, "x"));
    float *results = static_cast<float *>(machine.allocate(4, "y"));
    inputs[0] = test.x, inputs[1] = test.y;
    int one = 1;
    const void *arguments[] = {&inputs, &results, &one};
    Launch launch;
    Result result = machine.launch(*module, test.kernel, launch, arguments, 3);
    ASSERT_EQ(result.status, Status::Ok) << result.text();
    if (test.expected != test.expected) {
      EXPECT_TRUE(std::isnan(results[0])) << test.kernel << " " << test.x;
      continue;
    }
    EXPECT_EQ(results[0], test.expected) << test.kernel << " " << test.x;
    EXPECT_EQ(std::signbit(results[0]), std::signbit(test.expected));
  }
}
