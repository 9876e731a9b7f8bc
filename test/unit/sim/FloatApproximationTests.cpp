// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device/sim/FloatApproximation.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace trine::sim;

static uint32_t run(Approximation function, float x, bool perturb = false,
                    bool flush = false) {
  ApproximationOptions options;
  options.perturb = perturb;
  options.flushToZero = flush;
  return static_cast<uint32_t>(
      approximate(function, FloatFormat::F32, bitsFromFloat(x), options));
}

/// 2^(exponent of |x|) · 2^-23, of normal x.
static long double unitOf(long double x) {
  return std::ldexp(1.0L, std::ilogb(x) - 23);
}

namespace {

struct Bound {
  Approximation function;
  long double (*exact)(long double);
  long double (*bound)(long double x, long double y);
  float low, high;
};

} // namespace

static const Bound bounds[] = {
    {Approximation::Exp2, [](long double x) { return std::exp2(x); },
     [](long double, long double y) { return 2 * unitOf(y); }, -120, 120},
    {Approximation::Log2, [](long double x) { return std::log2(x); },
     [](long double, long double) { return 0x1p-22L; }, 0.51f, 1.99f},
    {Approximation::Log2, [](long double x) { return std::log2(x); },
     [](long double, long double y) { return std::fabs(y) * 0x1p-22L; }, 2.01f,
     1e30f},
    {Approximation::Reciprocal, [](long double x) { return 1 / x; },
     [](long double, long double y) { return unitOf(y); }, 1e-3f, 1e3f},
    {Approximation::ReciprocalSqrt,
     [](long double x) { return 1 / std::sqrt(x); },
     [](long double, long double y) { return y * std::exp2(-22.9L); }, 1e-6f,
     1e6f},
    {Approximation::SquareRoot, [](long double x) { return std::sqrt(x); },
     [](long double, long double y) { return y * 0x1p-23L; }, 1e-6f, 1e6f},
    {Approximation::Sine, [](long double x) { return std::sin(x); },
     [](long double, long double) { return std::exp2(-20.5L); }, -6.28f, 6.28f},
    {Approximation::Cosine, [](long double x) { return std::cos(x); },
     [](long double, long double) { return std::exp2(-14.7L); }, 6.29f, 314},
    {Approximation::Tanh, [](long double x) { return std::tanh(x); },
     [](long double, long double y) { return std::fabs(y) * 0x1p-11L; }, -4, 4},
};

TEST(FloatApproximation, StaysInTheBoundAndUsesIt) {
  std::mt19937 random(1);
  for (const Bound &test : bounds) {
    std::uniform_real_distribution<float> inputs(test.low, test.high);
    int wide = 0;
    bool above = false, below = false;
    for (int i = 0; i < 4000; ++i) {
      float x = inputs(random);
      long double y = test.exact(x), bound = test.bound(x, y);
      float rounded = floatFromBits(run(test.function, x));
      ASSERT_EQ(rounded, static_cast<float>(y)) << x;
      float moved = floatFromBits(run(test.function, x, true));
      long double error = moved - y;
      ASSERT_LE(std::fabs(error), bound) << x;
      wide += std::fabs(error) > bound / 4;
      above |= error > bound / 4;
      below |= error < -bound / 4;
      ASSERT_EQ(run(test.function, x, true), bitsFromFloat(moved));
    }
    EXPECT_GT(wide, 2000) << static_cast<int>(test.function);
    EXPECT_TRUE(above && below);
  }
}

TEST(FloatApproximation, SpecialOperandsOfTheTables) {
  const uint32_t nan = 0x7FFFFFFF, inf = 0x7F800000, minusInf = 0xFF800000;
  const uint32_t one = 0x3F800000, minusZero = 0x80000000;
  for (bool perturb : {false, true}) {
    auto check = [&](Approximation function, float x, uint32_t expected) {
      EXPECT_EQ(run(function, x, perturb), expected)
          << static_cast<int>(function) << " " << x;
    };
    check(Approximation::Exp2, -INFINITY, 0);
    check(Approximation::Exp2, -0.0f, one);
    check(Approximation::Exp2, 0.0f, one);
    check(Approximation::Exp2, INFINITY, inf);
    check(Approximation::Exp2, 1000, inf);
    check(Approximation::Log2, -INFINITY, nan);
    check(Approximation::Log2, -1, nan);
    check(Approximation::Log2, -0.0f, minusInf);
    check(Approximation::Log2, 0.0f, minusInf);
    check(Approximation::Log2, INFINITY, inf);
    check(Approximation::Reciprocal, -INFINITY, minusZero);
    check(Approximation::Reciprocal, -0.0f, minusInf);
    check(Approximation::Reciprocal, 0.0f, inf);
    check(Approximation::Reciprocal, INFINITY, 0);
    check(Approximation::ReciprocalSqrt, -INFINITY, nan);
    check(Approximation::ReciprocalSqrt, -1, nan);
    check(Approximation::ReciprocalSqrt, -0.0f, minusInf);
    check(Approximation::ReciprocalSqrt, 0.0f, inf);
    check(Approximation::ReciprocalSqrt, INFINITY, 0);
    check(Approximation::SquareRoot, -INFINITY, nan);
    check(Approximation::SquareRoot, -1, nan);
    check(Approximation::SquareRoot, -0.0f, minusZero);
    check(Approximation::SquareRoot, INFINITY, inf);
    check(Approximation::Sine, INFINITY, nan);
    check(Approximation::Sine, -0.0f, minusZero);
    check(Approximation::Cosine, -INFINITY, nan);
    check(Approximation::Cosine, 0.0f, one);
    check(Approximation::Tanh, -INFINITY, 0xBF800000);
    check(Approximation::Tanh, INFINITY, one);
    check(Approximation::Tanh, -0.0f, minusZero);
    for (Approximation function :
         {Approximation::Exp2, Approximation::Log2, Approximation::Reciprocal,
          Approximation::ReciprocalSqrt, Approximation::SquareRoot,
          Approximation::Sine, Approximation::Cosine, Approximation::Tanh})
      check(function, NAN, nan);
  }
}

TEST(FloatApproximation, Flushes) {
  float tiny = floatFromBits(0x80000001);
  EXPECT_EQ(run(Approximation::Reciprocal, tiny, false, true), 0xFF800000u);
  EXPECT_EQ(run(Approximation::Reciprocal, 0x1p127f, false, true), 0u);
  EXPECT_EQ(run(Approximation::Reciprocal, 0x1p127f), 0x00400000u);
  EXPECT_EQ(run(Approximation::ReciprocalSqrt, tiny, false, true), 0xFF800000u);
  EXPECT_EQ(run(Approximation::Log2, floatFromBits(1), false, true),
            0xFF800000u);
  EXPECT_EQ(run(Approximation::Exp2, -127, false, true), 0u);
  EXPECT_EQ(run(Approximation::Exp2, -127), 0x00400000u);
}

TEST(FloatApproximation, NothingIsPromisedForLargeAngles) {
  int far = 0;
  for (int i = 0; i < 100; ++i) {
    float x = 1000.0f + static_cast<float>(i);
    float y = floatFromBits(run(Approximation::Sine, x, true));
    ASSERT_LE(std::fabs(y), 1);
    far += std::fabs(y - std::sin(x)) > 0.1;
    EXPECT_EQ(floatFromBits(run(Approximation::Sine, x)),
              static_cast<float>(std::sin(static_cast<double>(x))));
  }
  EXPECT_GT(far, 50);
}

TEST(FloatApproximation, HalfPrecision) {
  ApproximationOptions perturb;
  perturb.perturb = true;
  struct Case {
    Approximation function;
    FloatFormat format;
    double absolute, relative;
  };
  const Case cases[] = {
      {Approximation::Exp2, FloatFormat::F16, 0, std::exp2(-9.9)},
      {Approximation::Exp2, FloatFormat::BF16, 0, std::exp2(-7.0)},
      {Approximation::Tanh, FloatFormat::F16, std::exp2(-10.987), 0},
      {Approximation::Tanh, FloatFormat::BF16, std::exp2(-8.0), 0}};
  for (const Case &test : cases)
    for (double x = -8; x < 8; x += 1.0 / 64) {
      uint64_t bits = encodeFloat(test.format, x);
      double input = decodeFloat(test.format, bits);
      bool exp = test.function == Approximation::Exp2;
      double y = exp ? std::exp2(input) : std::tanh(input);
      double bound = test.absolute + test.relative * y;
      ApproximationOptions plain;
      for (const ApproximationOptions &options : {plain, perturb}) {
        double got =
            decodeFloat(test.format,
                        approximate(test.function, test.format, bits, options));
        ASSERT_LE(std::fabs(got - y), bound) << x;
      }
    }
  EXPECT_FALSE(hasApproximation(Approximation::Log2, FloatFormat::F16));
  EXPECT_FALSE(hasApproximation(Approximation::Exp2, FloatFormat::E4M3));
}

TEST(FloatApproximation, UpperWordsOfDoubles) {
  std::mt19937_64 random(5);
  ApproximationOptions options;
  options.flushToZero = true;
  for (int i = 0; i < 2000; ++i) {
    options.perturb = i & 1;
    double x = std::ldexp(1 + double(random() >> 12) * 0x1p-52,
                          static_cast<int>(random() % 200) - 100);
    double read = doubleFromBits(bitsFromDouble(x) & 0xFFFFFFFF00000000);
    for (bool root : {false, true}) {
      uint64_t bits = approximate(root ? Approximation::ReciprocalSqrt
                                       : Approximation::Reciprocal,
                                  FloatFormat::F64, bitsFromDouble(x), options);
      ASSERT_EQ(bits & 0xFFFFFFFF, 0u);
      double y = root ? 1 / std::sqrt(read) : 1 / read;
      ASSERT_LE(std::fabs(doubleFromBits(bits) - y), y * 0x1.8p-20);
    }
  }
  EXPECT_EQ(approximate(Approximation::Reciprocal, FloatFormat::F64,
                        bitsFromDouble(-0.0), options),
            bitsFromDouble(-INFINITY));
}

TEST(FloatApproximation, Quotients) {
  std::mt19937 random(6);
  ApproximationOptions perturb;
  perturb.perturb = true;
  for (int i = 0; i < 4000; ++i) {
    float a = std::ldexp(1 + float(random() % 1000) / 999, random() % 60);
    float b = std::ldexp(1 + float(random() % 1000) / 999, random() % 60);
    long double y = static_cast<long double>(a) / b;
    for (bool full : {false, true}) {
      EXPECT_EQ(floatFromBits(approximateQuotient(bitsFromFloat(a),
                                                  bitsFromFloat(b), full)),
                a / b);
      float moved = floatFromBits(approximateQuotient(
          bitsFromFloat(a), bitsFromFloat(b), full, perturb));
      ASSERT_LE(std::fabs(moved - y), 2 * unitOf(y));
    }
  }
  const uint32_t huge = bitsFromFloat(0x1p127f), one = bitsFromFloat(1);
  EXPECT_EQ(approximateQuotient(one, huge, false), 0u);
  EXPECT_EQ(approximateQuotient(one ^ 0x80000000, huge, false), 0x80000000u);
  EXPECT_EQ(approximateQuotient(0x7F800000, huge, false), 0x7FFFFFFFu);
  EXPECT_EQ(approximateQuotient(one, huge, true), 0x00400000u);
  EXPECT_EQ(approximateQuotient(0, 0, false), 0x7FFFFFFFu);
  EXPECT_EQ(approximateQuotient(one, 0x80000000, false), 0xFF800000u);
}
