// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device/sim/FloatFormat.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace trine::sim;

namespace {

/// The formats with sign, exponent and fraction fields, from their definitions.
struct Definition {
  FloatFormat format;
  int exponentBits, fractionBits, bias;
  double largest;
  bool hasInfinity;
};

} // namespace

static const Definition definitions[] = {
    {FloatFormat::F16, 5, 10, 15, 65504, true},
    {FloatFormat::BF16, 8, 7, 127, 0x1.FEp127, true},
    {FloatFormat::E4M3, 4, 3, 7, 448, false},
    {FloatFormat::E5M2, 5, 2, 15, 57344, true},
    {FloatFormat::E2M1, 2, 1, 1, 6, false},
};

/// (−1)^s · 2^(e − bias) · (1 + f / 2^m), or f / 2^m · 2^(1 − bias) for e = 0.
static double evaluate(const Definition &definition, unsigned bits) {
  int field =
      (bits >> definition.fractionBits) & ((1 << definition.exponentBits) - 1);
  double fraction = std::ldexp(bits & ((1u << definition.fractionBits) - 1),
                               -definition.fractionBits);
  double value = field ? std::ldexp(1 + fraction, field - definition.bias)
                       : std::ldexp(fraction, 1 - definition.bias);
  bool negative =
      (bits >> (definition.exponentBits + definition.fractionBits)) & 1;
  return negative ? -value : value;
}

TEST(FloatFormat, DecodesEveryNumberByItsDefinition) {
  for (const Definition &definition : definitions) {
    unsigned width = 1 + definition.exponentBits + definition.fractionBits;
    ASSERT_EQ(getStorageBits(definition.format), width);
    for (unsigned bits = 0; bits < 1u << width; ++bits) {
      double value = evaluate(definition, bits);
      double decoded = decodeFloat(definition.format, bits);
      if (std::fabs(value) <= definition.largest) {
        EXPECT_EQ(decoded, value) << bits;
        EXPECT_EQ(std::signbit(decoded), std::signbit(value)) << bits;
        EXPECT_EQ(encodeFloat(definition.format, value), bits);
        EXPECT_FALSE(isNaN(definition.format, bits));
        continue;
      }
      bool infinite = definition.hasInfinity &&
                      (bits & ((1u << definition.fractionBits) - 1)) == 0;
      EXPECT_EQ(isInfinite(definition.format, bits), infinite) << bits;
      EXPECT_EQ(isNaN(definition.format, bits), !infinite) << bits;
      EXPECT_EQ(std::isinf(decoded), infinite);
      EXPECT_EQ(std::isnan(decoded), !infinite);
    }
  }
}

TEST(FloatFormat, RoundsBetweenNeighboursInEveryDirection) {
  for (const Definition &definition : definitions) {
    unsigned width = 1 + definition.exponentBits + definition.fractionBits;
    for (unsigned bits = 0; bits + 1 < 1u << (width - 1); ++bits) {
      double low = evaluate(definition, bits);
      double high = evaluate(definition, bits + 1);
      if (high > definition.largest)
        break;
      unsigned sign = 1u << (width - 1);
      for (int quarter = 1; quarter < 4; ++quarter) {
        double value = low + (high - low) * quarter / 4;
        unsigned even = bits & 1 ? bits + 1 : bits;
        unsigned nearest = quarter == 2 ? even : bits + (quarter == 3);
        unsigned away = bits + (quarter >= 2);
        auto encode = [&](double x, Rounding rounding) {
          EncodeOptions options;
          options.rounding = rounding;
          return encodeFloat(definition.format, x, options);
        };
        EXPECT_EQ(encode(value, Rounding::NearestEven), nearest);
        EXPECT_EQ(encode(value, Rounding::NearestAway), away);
        EXPECT_EQ(encode(value, Rounding::TowardZero), bits);
        EXPECT_EQ(encode(value, Rounding::Down), bits);
        EXPECT_EQ(encode(value, Rounding::Up), bits + 1);
        EXPECT_EQ(encode(-value, Rounding::NearestEven), nearest | sign);
        EXPECT_EQ(encode(-value, Rounding::TowardZero), bits | sign);
        EXPECT_EQ(encode(-value, Rounding::Down), (bits + 1) | sign);
        EXPECT_EQ(encode(-value, Rounding::Up), bits | sign);
      }
    }
  }
}

TEST(FloatFormat, OverflowsByRoundingAndSaturation) {
  struct Case {
    double value;
    Rounding rounding;
    bool satFinite;
    unsigned f16, e5m2, e4m3;
  };
  const Rounding nearest = Rounding::NearestEven, zero = Rounding::TowardZero;
  const Case cases[] = {
      {65519, nearest, false, 0x7BFF, 0x7C, 0x7F}, // below the halfway point
      {65520, nearest, false, 0x7C00, 0x7C, 0x7F}, // a tie goes to even: up
      {1e9, zero, false, 0x7BFF, 0x7B, 0x7E},
      {1e9, Rounding::Down, false, 0x7BFF, 0x7B, 0x7E},
      {1e9, Rounding::Up, false, 0x7C00, 0x7C, 0x7F},
      {-1e9, Rounding::Up, false, 0xFBFF, 0xFB, 0xFE},
      {-1e9, Rounding::Down, false, 0xFC00, 0xFC, 0xFF},
      {1e9, nearest, true, 0x7BFF, 0x7B, 0x7E},
      {-1e9, nearest, true, 0xFBFF, 0xFB, 0xFE},
      {INFINITY, nearest, true, 0x7BFF, 0x7B, 0x7E},
      {-INFINITY, nearest, false, 0xFC00, 0xFC, 0xFF},
      {NAN, nearest, true, 0x7FFF, 0x7F, 0x7F},
  };
  for (const Case &test : cases) {
    EncodeOptions options;
    options.rounding = test.rounding;
    options.satFinite = test.satFinite;
    EXPECT_EQ(encodeFloat(FloatFormat::F16, test.value, options), test.f16);
    EXPECT_EQ(encodeFloat(FloatFormat::E5M2, test.value, options), test.e5m2);
    EXPECT_EQ(encodeFloat(FloatFormat::E4M3, test.value, options), test.e4m3);
  }
  EncodeOptions saturate;
  saturate.satFinite = true;
  EXPECT_EQ(encodeFloat(FloatFormat::E4M3, 464, saturate), 0x7Eu);
  EXPECT_EQ(encodeFloat(FloatFormat::E2M1, 100, saturate), 0x7u);
  EXPECT_EQ(encodeFloat(FloatFormat::E2M1, -INFINITY, saturate), 0xFu);
}

TEST(FloatFormat, ClampsAndFlushes) {
  EncodeOptions relu, saturate, flush;
  relu.relu = saturate.saturate = flush.flushToZero = true;
  EXPECT_EQ(encodeFloat(FloatFormat::F16, -1.5, relu), 0u);
  EXPECT_EQ(encodeFloat(FloatFormat::F16, 1.5, relu), 0x3E00u);
  EXPECT_EQ(encodeFloat(FloatFormat::BF16, -INFINITY, relu), 0u);
  EXPECT_EQ(encodeFloat(FloatFormat::BF16, NAN, relu), 0x7FFFu);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, -0.0, relu), 0u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, -0.25, saturate), 0u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, 0.25, saturate), 0x3E800000u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, 1.0, saturate), 0x3F800000u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, 7.0, saturate), 0x3F800000u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, INFINITY, saturate), 0x3F800000u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, NAN, saturate), 0u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, 0x1p-127, flush), 0u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, -0x1p-127, flush), 0x80000000u);
  EXPECT_EQ(encodeFloat(FloatFormat::F32, -0x1p-126, flush), 0x80800000u);
  EXPECT_EQ(flushSubnormal(FloatFormat::F32, 0x807FFFFF), 0x80000000u);
  EXPECT_EQ(flushSubnormal(FloatFormat::F16, 0x0400), 0x0400u);
}

TEST(FloatFormat, Tf32KeepsTenBitsInThirtyTwo) {
  EncodeOptions away;
  away.rounding = Rounding::NearestAway;
  // 1 + 2^-11 is half of a unit above 1.
  EXPECT_EQ(encodeFloat(FloatFormat::TF32, 1 + 0x1p-11, away), 0x3F802000u);
  EXPECT_EQ(encodeFloat(FloatFormat::TF32, 1 + 0x1p-11), 0x3F800000u);
  EXPECT_EQ(encodeFloat(FloatFormat::TF32, -1 - 0x1p-11, away), 0xBF802000u);
  EXPECT_EQ(encodeFloat(FloatFormat::TF32, 0x1.FFFFFEp127, away), 0x7F800000u);
  EXPECT_EQ(encodeFloat(FloatFormat::TF32, NAN), 0x7FFFFFFFu);
  EXPECT_EQ(decodeFloat(FloatFormat::TF32, 0x3F801FFF), 1.0);
  EXPECT_EQ(decodeFloat(FloatFormat::TF32, 0x00002000), 0x1p-136);
}

TEST(FloatFormat, ScalesArePowersOfTwo) {
  for (unsigned bits = 0; bits < 255; ++bits) {
    EXPECT_EQ(decodeFloat(FloatFormat::UE8M0, bits),
              std::ldexp(1.0, static_cast<int>(bits) - 127));
    EXPECT_EQ(encodeFloat(FloatFormat::UE8M0, std::ldexp(1.0, int(bits) - 127)),
              bits);
  }
  EXPECT_TRUE(std::isnan(decodeFloat(FloatFormat::UE8M0, 0xFF)));
  EncodeOptions zero, up;
  zero.rounding = Rounding::TowardZero;
  up.rounding = Rounding::Up;
  EXPECT_EQ(encodeFloat(FloatFormat::UE8M0, 1.5, zero), 127u);
  EXPECT_EQ(encodeFloat(FloatFormat::UE8M0, 1.25, up), 128u);
}
