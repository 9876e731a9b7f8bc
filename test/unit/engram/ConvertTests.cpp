// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions on delivery against an oracle in double precision, which rounds
// once; both forms of each.
#include "engram/Convert.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

using namespace trine::runtime::engram;

namespace {

struct Format {
  int digits, leastExponent, greatestExponent;
};
constexpr Format kF32 = {24, -126, 127}, kF16 = {11, -14, 15},
                 kBf16 = {8, -126, 127};

/// The nearest number of a format, ties to even.
double roundTo(Format format, double value) {
  if (std::isnan(value) || std::isinf(value) || value == 0)
    return value;
  int exponent = std::max(std::ilogb(value), format.leastExponent);
  double unit = std::ldexp(1.0, exponent - format.digits + 1);
  double rounded = std::nearbyint(value / unit) * unit;
  if (std::fabs(rounded) >= std::ldexp(1.0, format.greatestExponent + 1))
    return std::copysign(INFINITY, value);
  return rounded;
}

/// A number of a format with that many bits.
double decode(Format format, int bits, uint32_t word) {
  int digits = format.digits - 1, exponents = bits - 1 - digits;
  double sign = word >> (bits - 1) & 1 ? -1 : 1;
  uint32_t exponent = word >> digits & ((1u << exponents) - 1);
  uint32_t fraction = word & ((1u << digits) - 1);
  if (exponent == (1u << exponents) - 1)
    return fraction ? NAN : sign * INFINITY;
  if (exponent == 0)
    return sign * std::ldexp(fraction, format.leastExponent - digits);
  return sign * std::ldexp(fraction + (1u << digits),
                           static_cast<int>(exponent) - 1 +
                               format.leastExponent - digits);
}

double decodeE4m3(uint8_t byte) {
  if ((byte & 0x7f) == 0x7f)
    return NAN;
  int exponent = byte >> 3 & 15, fraction = byte & 7;
  double value = exponent == 0 ? std::ldexp(fraction, -9)
                               : std::ldexp(8 + fraction, exponent - 10);
  return byte & 0x80 ? -value : value;
}

void expectRow(trine_engram_type from, const std::vector<uint8_t> &row,
               const std::vector<uint8_t> &scales,
               const std::vector<double> &values) {
  for (Instructions most :
       {Instructions::Portable, Instructions::AVX2, Instructions::AVX512})
    for (int32_t to : {TRINE_ENGRAM_F32, TRINE_ENGRAM_F16, TRINE_ENGRAM_BF16}) {
      int bytes = to == TRINE_ENGRAM_F32 ? 4 : 2;
      Format format = to == TRINE_ENGRAM_F32   ? kF32
                      : to == TRINE_ENGRAM_F16 ? kF16
                                               : kBf16;
      std::vector<uint8_t> result(values.size() * bytes + 1, 0xab);
      ConvertFunction convert = getConversion(from, to, most);
      ASSERT_TRUE(convert);
      convert(row.data(), scales.data(), values.size(), result.data());
      EXPECT_EQ(result.back(), 0xab);
      for (size_t i = 0; i < values.size(); ++i) {
        uint32_t word = 0;
        memcpy(&word, &result[i * bytes], bytes);
        double got = decode(format, 8 * bytes, word),
               expected = roundTo(format, values[i]);
        ASSERT_TRUE(std::isnan(expected)
                        ? std::isnan(got)
                        : got == expected &&
                              std::signbit(got) == std::signbit(expected))
            << "type " << from << " to " << to << ", instructions " << int(most)
            << ": " << values[i] << " became " << got << ", expected "
            << expected;
      }
    }
}

TEST(ConvertTests, EveryScaledByte) {
  // All bytes with all scales: 255 is NaN, and 0 and 254 leave the types.
  for (int scale = 0; scale < 256; ++scale) {
    std::vector<uint8_t> row(256), scales(8, static_cast<uint8_t>(scale));
    std::vector<double> values(256);
    for (int i = 0; i < 256; ++i) {
      row[i] = static_cast<uint8_t>(i);
      values[i] =
          scale == 255 ? NAN : std::ldexp(decodeE4m3(row[i]), scale - 127);
    }
    expectRow(TRINE_ENGRAM_E4M3, row, scales, values);
  }
}

TEST(ConvertTests, EachGroupHasItsScale) {
  std::vector<uint8_t> row(96, 0x38), scales = {127, 130, 120}; // ones
  std::vector<double> values(96);
  for (int i = 0; i < 96; ++i)
    values[i] = std::ldexp(1.0, scales[i / 32] - 127);
  expectRow(TRINE_ENGRAM_E4M3, row, scales, values);
}

TEST(ConvertTests, EveryHalf) {
  for (auto [type, format] :
       {std::pair<int32_t, Format>{TRINE_ENGRAM_F16, kF16},
        {TRINE_ENGRAM_BF16, kBf16}}) {
    std::vector<uint8_t> row(2 * 65536);
    std::vector<double> values(65536);
    for (uint32_t word = 0; word < 65536; ++word) {
      memcpy(&row[2 * word], &word, 2);
      values[word] = decode(format, 16, word);
    }
    expectRow(type, row, {}, values);
  }
}

TEST(ConvertTests, SinglesAtTheBorders) {
  std::mt19937_64 random(3);
  std::vector<uint8_t> row;
  std::vector<double> values;
  auto add = [&](uint32_t word) {
    const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&word);
    row.insert(row.end(), bytes, bytes + 4);
    values.push_back(decode(kF32, 32, word));
  };
  for (int i = 0; i < 200000; ++i)
    add(static_cast<uint32_t>(random()));
  // What lies between two numbers of 16 bits, and right beside that.
  for (uint32_t high = 0; high < 65536; high += 7)
    for (uint32_t low : {0x0000, 0x0001, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000,
                         0x8001, 0xffff})
      add(high << 16 | low);
  expectRow(TRINE_ENGRAM_F32, row, {}, values);
}

TEST(ConvertTests, ScalesOfOneRowDiffer) {
  // Widths that are no multiple of what vectors take at once, and scales that
  // only some of a vector's values can be moved by.
  for (int blocks : {1, 2, 3, 5, 8}) {
    std::vector<uint8_t> row(32 * blocks), scales(blocks);
    std::vector<double> values(row.size());
    for (int seed = 0; seed < 64; ++seed) {
      for (int b = 0; b < blocks; ++b)
        scales[b] =
            static_cast<uint8_t>((seed * 37 + b * 101) % (seed % 3 ? 255 : 20));
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] = static_cast<uint8_t>(i * 89 + seed * 17);
        values[i] = std::ldexp(decodeE4m3(row[i]), scales[i / 32] - 127);
      }
      expectRow(TRINE_ENGRAM_E4M3, row, scales, values);
    }
  }
}

TEST(ConvertTests, OtherTypesHaveNone) {
  EXPECT_EQ(getConversion(TRINE_ENGRAM_F32, TRINE_ENGRAM_E4M3), nullptr);
  EXPECT_EQ(getConversion(0, TRINE_ENGRAM_F32), nullptr);
  EXPECT_EQ(getConversion(5, TRINE_ENGRAM_F32), nullptr);
}

} // namespace
