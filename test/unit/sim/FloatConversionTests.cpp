// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device/sim/FloatConversion.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace trine::sim;

static ConvertOptions withRounding(Rounding rounding) {
  ConvertOptions options;
  options.rounding = rounding;
  return options;
}

TEST(FloatConversion, F32ToBf16IsTheUpperHalfRounded) {
  std::mt19937 random(1);
  for (int i = 0; i < 100000; ++i) {
    uint32_t bits = random();
    if (i % 4 == 0)
      bits = (bits & 0xFFFF0000) | 0x8000; // a tie
    if ((bits & 0x7F800000) == 0x7F800000)
      continue;
    uint32_t low = bits & 0xFFFF, high = bits >> 16;
    uint32_t up = low > 0x8000 || (low == 0x8000 && (high & 1));
    ASSERT_EQ(convertFloat(FloatFormat::BF16, FloatFormat::F32, bits),
              high + up);
    ASSERT_EQ(convertFloat(FloatFormat::BF16, FloatFormat::F32, bits,
                           withRounding(Rounding::TowardZero)),
              high);
  }
  EXPECT_EQ(convertFloat(FloatFormat::BF16, FloatFormat::F32, 0x7F800001),
            0x7FFFu);
  EXPECT_EQ(convertFloat(FloatFormat::BF16, FloatFormat::F32, 0xFF800000),
            0xFF80u);
  EXPECT_EQ(convertFloat(FloatFormat::BF16, FloatFormat::F32, 0x7F7FFFFF),
            0x7F80u);
}

TEST(FloatConversion, WideningIsExact) {
  for (unsigned bits = 0; bits < 0x10000; ++bits)
    for (FloatFormat from : {FloatFormat::F16, FloatFormat::BF16}) {
      uint64_t wide = convertFloat(FloatFormat::F32, from, bits);
      if (isNaN(from, bits)) {
        ASSERT_EQ(wide, 0x7FFFFFFFu);
        continue;
      }
      ASSERT_EQ(floatFromBits(static_cast<uint32_t>(wide)),
                decodeFloat(from, bits));
      ASSERT_EQ(convertFloat(from, FloatFormat::F32, wide), bits);
    }
}

TEST(FloatConversion, DoublesRoundOnce) {
  // 1 + 2^-11 + 2^-40: through F32 it would become a tie, and then 1.
  double value = 1 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(
      convertFloat(FloatFormat::F16, FloatFormat::F64, bitsFromDouble(value)),
      0x3C01u);
  EXPECT_EQ(
      convertFloat(FloatFormat::F32, FloatFormat::F64, bitsFromDouble(0.1)),
      bitsFromFloat(0.1f));
}

TEST(FloatConversion, EightBitPairs) {
  ConvertOptions saturate;
  saturate.satFinite = true;
  // d = {a, b}: a in the upper half.
  EXPECT_EQ(convertToPair(FloatFormat::E4M3, FloatFormat::F32,
                          bitsFromFloat(1.0f), bitsFromFloat(-1000.0f),
                          saturate),
            0x38FEu);
  EXPECT_EQ(convertToPair(FloatFormat::E5M2, FloatFormat::F32,
                          bitsFromFloat(NAN), bitsFromFloat(0.5f), saturate),
            0x7F38u);
  EXPECT_EQ(convertToPair(FloatFormat::BF16, FloatFormat::F32,
                          bitsFromFloat(1.0f), bitsFromFloat(2.0f)),
            0x3F804000u);
  EXPECT_EQ(convertPair(FloatFormat::F16, FloatFormat::E4M3, 0x38FE),
            0x3C00DF00u); // 1, −448
  EXPECT_EQ(
      convertPair(FloatFormat::E4M3, FloatFormat::F16, 0x3C00DF00, saturate),
      0x38FEu);
  ConvertOptions relu = saturate;
  relu.relu = true;
  EXPECT_EQ(convertPair(FloatFormat::E5M2, FloatFormat::F16, 0xBC003C00, relu),
            0x003Cu);
  for (unsigned bits = 0; bits < 256; ++bits)
    for (FloatFormat narrow : {FloatFormat::E4M3, FloatFormat::E5M2}) {
      if (isNaN(narrow, bits) || isInfinite(narrow, bits))
        continue;
      uint64_t half = convertFloat(FloatFormat::F16, narrow, bits);
      EXPECT_EQ(decodeFloat(FloatFormat::F16, half), decodeFloat(narrow, bits));
      EXPECT_EQ(convertFloat(narrow, FloatFormat::F16, half, saturate), bits);
    }
}

TEST(FloatConversion, FlushConcernsF32Alone) {
  ConvertOptions flush;
  flush.flushToZero = true;
  EXPECT_EQ(convertFloat(FloatFormat::F64, FloatFormat::F32, 0x80000001, flush),
            0x8000000000000000u);
  EXPECT_EQ(convertFloat(FloatFormat::F32, FloatFormat::F64,
                         bitsFromDouble(0x1p-130), flush),
            0u);
  EXPECT_EQ(convertFloat(FloatFormat::F16, FloatFormat::F32,
                         bitsFromFloat(0x1p-20f), flush),
            0x0010u);
}

TEST(FloatConversion, RoundsToIntegers) {
  struct Case {
    float value;
    int nearest, zero, down, up;
  };
  const Case cases[] = {{0.5f, 0, 0, 0, 1},
                        {1.5f, 2, 1, 1, 2},
                        {2.5f, 2, 2, 2, 3},
                        {-0.5f, 0, 0, -1, 0},
                        {-1.5f, -2, -1, -2, -1},
                        {-2.75f, -3, -2, -3, -2},
                        {3.25f, 3, 3, 3, 4},
                        {1e-30f, 0, 0, 0, 1},
                        {-1e-30f, 0, 0, -1, 0},
                        {4194304.5f, 4194304, 4194304, 4194304, 4194305}};
  const Rounding roundings[] = {Rounding::NearestEven, Rounding::TowardZero,
                                Rounding::Down, Rounding::Up};
  for (const Case &test : cases) {
    const int expected[] = {test.nearest, test.zero, test.down, test.up};
    for (int i = 0; i < 4; ++i) {
      uint32_t bits = bitsFromFloat(test.value);
      EXPECT_EQ(static_cast<int32_t>(convertFloatToInteger(
                    32, true, FloatFormat::F32, bits, roundings[i])),
                expected[i])
          << test.value;
      uint64_t integral =
          roundToIntegral(FloatFormat::F32, bits, withRounding(roundings[i]));
      float result = floatFromBits(static_cast<uint32_t>(integral));
      EXPECT_EQ(result, static_cast<float>(expected[i]));
      EXPECT_EQ(std::signbit(result), std::signbit(test.value));
    }
  }
  EXPECT_EQ(roundToIntegral(FloatFormat::F32, 0x7F800001,
                            withRounding(Rounding::TowardZero)),
            0x7FFFFFFFu);
  EXPECT_EQ(roundToIntegral(FloatFormat::F64, bitsFromDouble(-1e300),
                            withRounding(Rounding::Down)),
            bitsFromDouble(-1e300));
}

TEST(FloatConversion, IntegersAreClamped) {
  auto convert = [](unsigned width, bool isSigned, double value) {
    return convertFloatToInteger(width, isSigned, FloatFormat::F64,
                                 bitsFromDouble(value), Rounding::TowardZero);
  };
  EXPECT_EQ(convert(8, true, 1000), 127u);
  EXPECT_EQ(convert(8, true, -1000), static_cast<uint64_t>(-128));
  EXPECT_EQ(convert(8, false, 300), 255u);
  EXPECT_EQ(convert(16, false, -1), 0u);
  EXPECT_EQ(convert(32, true, 2147483647.9), 2147483647u);
  EXPECT_EQ(convert(32, true, -2147483648.9),
            static_cast<uint64_t>(INT64_C(-2147483648)));
  EXPECT_EQ(convert(32, false, 4294967296.0), 0xFFFFFFFFu);
  EXPECT_EQ(convert(64, true, 0x1p63), 0x7FFFFFFFFFFFFFFFu);
  EXPECT_EQ(convert(64, true, -0x1p63), 0x8000000000000000u);
  EXPECT_EQ(convert(64, false, 0x1p64), 0xFFFFFFFFFFFFFFFFu);
  EXPECT_EQ(convert(64, false, 0x1.8p63), 0xC000000000000000u);
  EXPECT_EQ(convert(64, true, INFINITY), 0x7FFFFFFFFFFFFFFFu);
  EXPECT_EQ(convert(32, false, -INFINITY), 0u);
  // NaN: zero, but the lone upper bit for F64 sources and 64-bit results.
  EXPECT_EQ(convertFloatToInteger(32, true, FloatFormat::F32, 0x7FC00000,
                                  Rounding::NearestEven),
            0u);
  EXPECT_EQ(convertFloatToInteger(64, false, FloatFormat::F32, 0x7FC00000,
                                  Rounding::NearestEven),
            0x8000000000000000u);
  EXPECT_EQ(convert(32, false, NAN), 0x80000000u);
  // Subnormals are tiny, not zero, unless flushed.
  EXPECT_EQ(convertFloatToInteger(32, true, FloatFormat::F32, 1, Rounding::Up),
            1u);
  EXPECT_EQ(
      convertFloatToInteger(32, true, FloatFormat::F32, 1, Rounding::Up, true),
      0u);
}

TEST(FloatConversion, IntegersToFloats) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 20000; ++i) {
    uint64_t value = random() >> (random() % 60);
    ASSERT_EQ(convertIntegerToFloat(FloatFormat::F32, 64, false, value),
              bitsFromFloat(static_cast<float>(value)));
    ASSERT_EQ(convertIntegerToFloat(FloatFormat::F64, 64, true, value),
              bitsFromDouble(static_cast<double>(int64_t(value))));
    ASSERT_EQ(convertIntegerToFloat(FloatFormat::F32, 32, true, value),
              bitsFromFloat(static_cast<float>(int32_t(value))));
    ASSERT_EQ(convertIntegerToFloat(FloatFormat::F32, 8, true, value),
              bitsFromFloat(static_cast<float>(int8_t(value))));
  }
  EXPECT_EQ(convertIntegerToFloat(FloatFormat::F16, 32, true, 100000), 0x7C00u);
  EXPECT_EQ(convertIntegerToFloat(FloatFormat::F32, 32, false, 0x01000001,
                                  withRounding(Rounding::Up)),
            bitsFromFloat(16777218.0f));
  EXPECT_EQ(convertIntegerToFloat(FloatFormat::F32, 32, true, 0), 0u);
}
