// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device/sim/FloatArithmetic.h"
#include <cfenv>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace trine::sim;

static const Rounding roundings[] = {
    Rounding::NearestEven, Rounding::TowardZero, Rounding::Down, Rounding::Up};

static ArithmeticOptions withRounding(Rounding rounding) {
  ArithmeticOptions options;
  options.rounding = rounding;
  return options;
}

// F16 against exact integers: every F16 number is a multiple of 2^-24.

static __int128 toUnits(unsigned bits) {
  __int128 fraction = bits & 0x3FF;
  unsigned field = (bits >> 10) & 0x1F;
  __int128 units = field ? (fraction | 0x400) << (field - 1) : fraction;
  return bits & 0x8000 ? -units : units;
}

/// value · 2^-48 to F16 by searching the neighbours.
static unsigned roundUnits(__int128 value, Rounding rounding,
                           bool zeroNegative) {
  if (value == 0)
    return zeroNegative ? 0x8000 : 0;
  bool negative = value < 0;
  __int128 magnitude = negative ? -value : value;
  unsigned low = 0, high = 0x7C00; // as 65536, where infinity stands
  while (high - low > 1) {
    unsigned middle = (low + high) / 2;
    (toUnits(middle) << 24 <= magnitude ? low : high) = middle;
  }
  __int128 below = toUnits(low) << 24, above = toUnits(low + 1) << 24;
  if (low + 1 == 0x7C00)
    above = __int128(65536) << 48;
  bool up = false;
  __int128 left = magnitude - below, right = above - magnitude;
  if (magnitude >= __int128(65536) << 48) {
    up = rounding == Rounding::NearestEven ||
         rounding == (negative ? Rounding::Down : Rounding::Up);
    return (up ? 0x7C00 : 0x7BFF) | (negative ? 0x8000 : 0);
  }
  if (left != 0) {
    if (rounding == Rounding::NearestEven)
      up = left > right || (left == right && (low & 1));
    else
      up = rounding == (negative ? Rounding::Down : Rounding::Up);
  }
  return (low + up) | (negative ? 0x8000 : 0);
}

TEST(FloatArithmetic, F16MatchesExactIntegers) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    unsigned a = random() & 0xFFFF, b = random() & 0xFFFF;
    unsigned c = random() & 0xFFFF;
    if (i % 4 == 0) // near cancellation
      c = (static_cast<unsigned>(encodeFloat(
               FloatFormat::F16, decodeFloat(FloatFormat::F16, a) *
                                     decodeFloat(FloatFormat::F16, b))) ^
           0x8000) +
          random() % 3;
    bool special = false;
    for (unsigned x : {a, b, c})
      special |= (x & 0x7C00) == 0x7C00;
    if (special)
      continue;
    for (Rounding rounding : roundings) {
      bool down = rounding == Rounding::Down;
      __int128 product = toUnits(a) * toUnits(b);
      bool productNegative = (a ^ b) & 0x8000;
      bool cNegative = c & 0x8000;
      bool zeroNegative = productNegative == cNegative ? cNegative : down;
      ASSERT_EQ(
          fuseMultiplyAdd(FloatFormat::F16, a, b, c, withRounding(rounding)),
          roundUnits(product + toUnits(c) * (1 << 24), rounding, zeroNegative))
          << std::hex << a << " " << b << " " << c;
      ASSERT_EQ(multiplyFloats(FloatFormat::F16, a, b, withRounding(rounding)),
                roundUnits(product, rounding, productNegative));
      bool sumZeroNegative = ((a ^ c) & 0x8000) == 0 ? (a & 0x8000) != 0 : down;
      ASSERT_EQ(addFloats(FloatFormat::F16, a, c, withRounding(rounding)),
                roundUnits((toUnits(a) + toUnits(c)) * (1 << 24), rounding,
                           sumZeroNegative));
    }
  }
}

// F32 and F64 against the processor's own rounding modes.

namespace {

struct RoundingScope {
  explicit RoundingScope(Rounding rounding) : saved(fegetround()) {
    const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    fesetround(modes[static_cast<int>(rounding)]);
  }
  ~RoundingScope() { fesetround(saved); }
  int saved;
};

template <typename T>
struct Native;
template <>
struct Native<float> {
  static constexpr FloatFormat format = FloatFormat::F32;
  static uint64_t bits(float x) { return bitsFromFloat(x); }
  static float make(uint64_t random) {
    return floatFromBits(static_cast<uint32_t>(random));
  }
};
template <>
struct Native<double> {
  static constexpr FloatFormat format = FloatFormat::F64;
  static uint64_t bits(double x) { return bitsFromDouble(x); }
  static double make(uint64_t random) { return doubleFromBits(random); }
};

} // namespace

template <typename T>
static void compareWithNative(T a, T b, T c) {
  using N = Native<T>;
  volatile T x = a, y = b, z = c;
  for (Rounding rounding : roundings) {
    T sum, difference, product, fused, quotient, root;
    {
      RoundingScope scope(rounding);
      volatile T r = x + y;
      sum = r;
      r = x - y;
      difference = r;
      r = x * y;
      product = r;
      r = std::fma(x, y, z);
      fused = r;
      r = x / y;
      quotient = r;
      r = std::sqrt(x);
      root = r;
    }
    auto check = [&](uint64_t got, T expected, const char *what) {
      if (expected != expected)
        ASSERT_EQ(got, getCanonicalNaN(N::format)) << what;
      else
        ASSERT_EQ(got, N::bits(expected))
            << what << " " << a << " " << b << " " << c << " "
            << static_cast<int>(rounding);
    };
    ArithmeticOptions options = withRounding(rounding);
    uint64_t p = N::bits(a), q = N::bits(b), r = N::bits(c);
    check(addFloats(N::format, p, q, options), sum, "add");
    check(subtractFloats(N::format, p, q, options), difference, "sub");
    check(multiplyFloats(N::format, p, q, options), product, "mul");
    check(fuseMultiplyAdd(N::format, p, q, r, options), fused, "fma");
    check(divideFloats(N::format, p, q, options), quotient, "div");
    check(takeSquareRoot(N::format, p, options), root, "sqrt");
  }
}

template <typename T>
static void compareMany() {
  std::mt19937_64 random(2);
  const T edges[] = {0,
                     T(-0.0),
                     1,
                     -1,
                     T(1.5),
                     std::numeric_limits<T>::min(),
                     -std::numeric_limits<T>::denorm_min(),
                     std::numeric_limits<T>::max(),
                     std::numeric_limits<T>::infinity(),
                     -std::numeric_limits<T>::infinity(),
                     std::numeric_limits<T>::quiet_NaN(),
                     1 + std::numeric_limits<T>::epsilon()};
  for (T a : edges)
    for (T b : edges)
      for (T c : edges)
        compareWithNative<T>(a, b, c);
  for (int i = 0; i < 20000; ++i) {
    T a = Native<T>::make(random()), b = Native<T>::make(random());
    T c = Native<T>::make(random());
    if (i & 1) { // near one another
      a = 1 + T(random() % 1024) * std::numeric_limits<T>::epsilon();
      b = 1 + T(random() % 1024) * std::numeric_limits<T>::epsilon();
      c = -a * b;
    }
    compareWithNative<T>(a, b, c);
  }
}

TEST(FloatArithmetic, F32MatchesTheProcessor) { compareMany<float>(); }
TEST(FloatArithmetic, F64MatchesTheProcessor) { compareMany<double>(); }

/// BF16 by way of F32 results of the processor: truncated, and made odd when
/// inexact, they round to BF16 as the exact sum does.
TEST(FloatArithmetic, Bf16MatchesTheProcessor) {
  std::mt19937 random(7);
  const FloatFormat f = FloatFormat::BF16;
  for (int i = 0; i < 50000; ++i) {
    uint32_t operands[3];
    for (uint32_t &bits : operands) // exponents 2^-16 .. 2^15
      bits = (random() & 0x807F) | ((111 + random() % 32) << 7);
    if (i & 1) { // c near −a·b
      float product =
          floatFromBits(operands[0] << 16) * floatFromBits(operands[1] << 16);
      operands[2] = ((bitsFromFloat(product) >> 16) ^ 0x8000) + random() % 3;
    }
    volatile float a = floatFromBits(operands[0] << 16);
    volatile float b = floatFromBits(operands[1] << 16);
    volatile float c = floatFromBits(operands[2] << 16);
    float low, high, fused;
    {
      RoundingScope scope(Rounding::Down);
      volatile float r = std::fma(a, b, c);
      low = r;
    }
    {
      RoundingScope scope(Rounding::Up);
      volatile float r = std::fma(a, b, c);
      high = r;
    }
    fused = std::fabs(low) < std::fabs(high) ? low : high;
    if (fused == 0)
      continue; // its sign is another rule
    uint32_t bits = bitsFromFloat(fused) | (low != high);
    uint32_t expected = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    ASSERT_EQ(fuseMultiplyAdd(f, operands[0], operands[1], operands[2]),
              expected)
        << std::hex << operands[0] << " " << operands[1] << " " << operands[2];
  }
}

TEST(FloatArithmetic, Bf16SeesTheSmallestAddend) {
  // 9 · 29 and 3 · 89 lie halfway between two numbers of 8 bits.
  struct Case {
    float a, b, c, expected;
  };
  const Case cases[] = {{9, 29, 0, 260},         {9, 29, 0x1p-70f, 262},
                        {9, 29, -0x1p-70f, 260}, {3, 89, 0, 268},
                        {3, 89, 0x1p-70f, 268},  {3, 89, -0x1p-70f, 266},
                        {-3, 89, 0x1p-70f, -266}};
  for (const Case &test : cases) {
    auto encode = [](float x) { return bitsFromFloat(x) >> 16; };
    EXPECT_EQ(fuseMultiplyAdd(FloatFormat::BF16, encode(test.a), encode(test.b),
                              encode(test.c)),
              encode(test.expected))
        << test.a << " " << test.b << " " << test.c;
  }
}

TEST(FloatArithmetic, AppliesModifiers) {
  ArithmeticOptions flush, saturate, relu;
  flush.flushToZero = saturate.saturate = relu.relu = true;
  // The operand 2^-127 and the result 2^-127 count as zero.
  EXPECT_EQ(addFloats(FloatFormat::F32, 0x00400000, 0x00400000, flush), 0u);
  EXPECT_EQ(addFloats(FloatFormat::F32, 0x00400000, 0x00400000), 0x00800000u);
  EXPECT_EQ(multiplyFloats(FloatFormat::F32, 0x80800000, 0x3F000000, flush),
            0x80000000u);
  EXPECT_EQ(multiplyFloats(FloatFormat::F32, 0x80800000, 0x3F000000),
            0x80400000u);
  EXPECT_EQ(
      fuseMultiplyAdd(FloatFormat::F32, 0x40000000, 0x40000000, 0, saturate),
      0x3F800000u);
  EXPECT_EQ(fuseMultiplyAdd(FloatFormat::BF16, 0xC000, 0x4000, 0, relu), 0u);
  EXPECT_EQ(fuseMultiplyAdd(FloatFormat::BF16, 0x4000, 0x4000, 0, relu),
            0x4080u);
  EXPECT_EQ(fuseMultiplyAdd(FloatFormat::F16, 0x7C00, 0, 0, relu), 0x7FFFu);
}

TEST(FloatArithmetic, MinimumAndMaximum) {
  const FloatFormat f = FloatFormat::F32;
  const uint32_t nan = 0x7FC00001, canonical = 0x7FFFFFFF, one = 0x3F800000;
  const uint32_t minusTwo = 0xC0000000, minusZero = 0x80000000;
  EXPECT_EQ(takeMinimum(f, one, minusTwo), minusTwo);
  EXPECT_EQ(takeMaximum(f, one, minusTwo), one);
  EXPECT_EQ(takeMinimum(f, 0, minusZero), minusZero);
  EXPECT_EQ(takeMinimum(f, minusZero, 0), minusZero);
  EXPECT_EQ(takeMaximum(f, 0, minusZero), 0u);
  EXPECT_EQ(takeMaximum(f, minusZero, 0), 0u);
  EXPECT_EQ(takeMinimum(f, nan, one), one);
  EXPECT_EQ(takeMaximum(f, one, nan), one);
  EXPECT_EQ(takeMaximum(f, nan, nan), canonical);
  MinMaxOptions propagate, flush, xorSign;
  propagate.propagateNaN = flush.flushToZero = xorSign.xorSignAbs = true;
  EXPECT_EQ(takeMinimum(f, nan, one, propagate), canonical);
  EXPECT_EQ(takeMaximum(f, 0x00000001, minusZero, flush), 0u);
  // Magnitudes 1 and 2, signs + and −.
  EXPECT_EQ(takeMaximum(f, one, minusTwo, xorSign), 0xC0000000u);
  EXPECT_EQ(takeMinimum(f, one, minusTwo, xorSign), 0xBF800000u);
  EXPECT_EQ(takeMinimum(f, 0xBF800000, minusTwo, xorSign), one);
  EXPECT_EQ(takeMaximum(FloatFormat::F16, 0x7E00, 0x3C00), 0x3C00u);
  EXPECT_EQ(takeMaximum(FloatFormat::BF16, 0xBF80, 0x8000), 0x8000u);
}

TEST(FloatArithmetic, Comparisons) {
  const double values[] = {-1, 0, 2, NAN};
  for (double x : values)
    for (double y : values) {
      uint64_t a = encodeFloat(FloatFormat::F16, x);
      uint64_t b = encodeFloat(FloatFormat::F16, y);
      bool unordered = std::isnan(x) || std::isnan(y);
      auto compare = [&](FloatComparison comparison) {
        return compareFloats(FloatFormat::F16, comparison, a, b);
      };
      EXPECT_EQ(compare(FloatComparison::EQ), x == y);
      EXPECT_EQ(compare(FloatComparison::NE), !unordered && x != y);
      EXPECT_EQ(compare(FloatComparison::LT), x < y);
      EXPECT_EQ(compare(FloatComparison::LE), x <= y);
      EXPECT_EQ(compare(FloatComparison::GT), x > y);
      EXPECT_EQ(compare(FloatComparison::GE), x >= y);
      EXPECT_EQ(compare(FloatComparison::EQU), unordered || x == y);
      EXPECT_EQ(compare(FloatComparison::NEU), unordered || x != y);
      EXPECT_EQ(compare(FloatComparison::LTU), unordered || x < y);
      EXPECT_EQ(compare(FloatComparison::LEU), unordered || x <= y);
      EXPECT_EQ(compare(FloatComparison::GTU), unordered || x > y);
      EXPECT_EQ(compare(FloatComparison::GEU), unordered || x >= y);
      EXPECT_EQ(compare(FloatComparison::NUM), !unordered);
      EXPECT_EQ(compare(FloatComparison::NAN_), unordered);
    }
  EXPECT_TRUE(compareFloats(FloatFormat::F32, FloatComparison::EQ, 1,
                            0x80000000, true));
  EXPECT_FALSE(
      compareFloats(FloatFormat::F32, FloatComparison::EQ, 1, 0x80000000));
}

TEST(FloatArithmetic, LanesMatchScalars) {
  std::mt19937 random(3);
  uint32_t a[45], b[45], c[45], result[45];
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 45; ++i) {
      a[i] = random();
      b[i] = random();
      c[i] = random();
      if (i % 3 == 0) // subnormal operands, products near the smallest normal
        a[i] &= 0x807FFFFF;
      if (i % 5 == 0)
        b[i] = (b[i] & 0x807FFFFF) | 0x3F000000;
    }
    for (bool flush : {false, true}) {
      ArithmeticOptions options;
      options.flushToZero = flush;
      addFloatLanes(a, b, result, 45, flush);
      for (int i = 0; i < 45; ++i)
        ASSERT_EQ(result[i], addFloats(FloatFormat::F32, a[i], b[i], options));
      multiplyFloatLanes(a, b, result, 45, flush);
      for (int i = 0; i < 45; ++i)
        ASSERT_EQ(result[i],
                  multiplyFloats(FloatFormat::F32, a[i], b[i], options));
      fuseMultiplyAddLanes(a, b, c, result, 45, flush);
      for (int i = 0; i < 45; ++i)
        ASSERT_EQ(result[i],
                  fuseMultiplyAdd(FloatFormat::F32, a[i], b[i], c[i], options));
    }
  }
}
