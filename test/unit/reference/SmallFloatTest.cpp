// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floats of 8 and 4 bits: every code, and every border between two codes,
// against LLVM's own arithmetic, which shares nothing with this one.
#include "OperatorTesting.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>

using namespace mlir::trine::reference;
using llvm::APFloat;

namespace {
struct SmallType {
  ElementType type;
  const llvm::fltSemantics &semantics;
  unsigned bits;
};
} // namespace

static std::vector<SmallType> smallTypes() {
  return {{ElementType::F8E4M3FN, APFloat::Float8E4M3FN(), 8},
          {ElementType::F8E4M3FNUZ, APFloat::Float8E4M3FNUZ(), 8},
          {ElementType::F8E5M2, APFloat::Float8E5M2(), 8},
          {ElementType::F8E5M2FNUZ, APFloat::Float8E5M2FNUZ(), 8},
          {ElementType::F8E8M0FNU, APFloat::Float8E8M0FNU(), 8},
          {ElementType::F4E2M1FN, APFloat::Float4E2M1FN(), 4}};
}

static double valueOf(const SmallType &small, unsigned code) {
  // LLVM converts this one NaN to infinity.
  if (small.type == ElementType::F8E8M0FNU && code == 0xff)
    return std::numeric_limits<double>::quiet_NaN();
  APFloat value(small.semantics, llvm::APInt(small.bits, code));
  bool lost = false;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return value.convertToDouble();
}

TEST(SmallFloatTest, EveryCodeHasItsValueAndComesBack) {
  for (const SmallType &small : smallTypes())
    for (unsigned code = 0; code < 1u << small.bits; ++code) {
      SCOPED_TRACE(nameOf(small.type).str() + " code " + std::to_string(code));
      double value = smallFloatToDouble(small.type, code);
      double expected = valueOf(small, code);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(value));
        EXPECT_TRUE(std::isnan(smallFloatToDouble(
            small.type, roundToSmallFloat(small.type, value))));
        continue;
      }
      ASSERT_EQ(value, expected);
      ASSERT_EQ(std::signbit(value), std::signbit(expected));
      if (std::isfinite(value)) {
        EXPECT_EQ(roundToSmallFloat(small.type, value), code);
      }
    }
}

/// The points in the middle of neighbours, and the doubles beside them.
TEST(SmallFloatTest, RoundsToNearestEven) {
  for (const SmallType &small : smallTypes()) {
    if (small.type == ElementType::F8E8M0FNU)
      continue; // is rounded up
    std::vector<double> values;
    for (unsigned code = 0; code < 1u << small.bits; ++code)
      if (double value = valueOf(small, code); std::isfinite(value))
        values.push_back(value);
    llvm::sort(values);
    for (size_t i = 0; i + 1 < values.size(); ++i) {
      double middle = (values[i] + values[i + 1]) / 2;
      for (double probe : {std::nextafter(middle, values[i]), middle,
                           std::nextafter(middle, values[i + 1])}) {
        APFloat expected(probe);
        bool lost = false;
        expected.convert(small.semantics, APFloat::rmNearestTiesToEven, &lost);
        ASSERT_EQ(roundToSmallFloat(small.type, probe),
                  expected.bitcastToAPInt().getZExtValue())
            << nameOf(small.type).str() << " of " << probe;
      }
    }
  }
}

/// The tables of ONNX Cast.
TEST(SmallFloatTest, SaturatesOrNot) {
  double infinity = std::numeric_limits<double>::infinity();
  struct Row {
    ElementType type;
    double largest;
    uint8_t overflow, negativeOverflow;
  };
  for (const Row &row : {Row{ElementType::F8E4M3FN, 448, 0x7f, 0xff},
                         Row{ElementType::F8E4M3FNUZ, 240, 0x80, 0x80},
                         Row{ElementType::F8E5M2, 57344, 0x7c, 0xfc},
                         Row{ElementType::F8E5M2FNUZ, 57344, 0x80, 0x80}}) {
    SCOPED_TRACE(nameOf(row.type).str());
    for (double large : {infinity, 1e6, row.largest * 1.1}) {
      EXPECT_EQ(
          smallFloatToDouble(row.type, roundToSmallFloat(row.type, large)),
          row.largest);
      EXPECT_EQ(
          smallFloatToDouble(row.type, roundToSmallFloat(row.type, -large)),
          -row.largest);
      EXPECT_EQ(roundToSmallFloat(row.type, large, false), row.overflow);
      EXPECT_EQ(roundToSmallFloat(row.type, -large, false),
                row.negativeOverflow);
    }
    // Rounds down to the largest, so it is not out of range.
    EXPECT_EQ(
        smallFloatToDouble(
            row.type, roundToSmallFloat(row.type, row.largest * 1.01, false)),
        row.largest);
    EXPECT_TRUE(std::isnan(smallFloatToDouble(
        row.type, roundToSmallFloat(
                      row.type, std::numeric_limits<double>::quiet_NaN()))));
  }
  EXPECT_EQ(roundToSmallFloat(ElementType::F8E4M3FNUZ, -0.0), 0);
  EXPECT_EQ(roundToSmallFloat(ElementType::F8E4M3FN, -0.0), 0x80);
  EXPECT_EQ(roundToSmallFloat(ElementType::F4E2M1FN, 1e6, false), 0x7);
  EXPECT_EQ(roundToSmallFloat(ElementType::F4E2M1FN, -infinity), 0xf);
}

TEST(SmallFloatTest, RoundsScales) {
  auto up = [](double value) { return roundToScale(value, ScaleRounding::Up); };
  EXPECT_EQ(up(0.0), 0);
  EXPECT_EQ(up(0x1p-127), 0);
  EXPECT_EQ(up(0x1p-130), 0);
  EXPECT_EQ(up(0x1.1p-127), 1);
  EXPECT_EQ(up(1.0), 127);
  EXPECT_EQ(up(1.0001), 128);
  EXPECT_EQ(up(-1.5), 128); // the sign is dropped
  EXPECT_EQ(up(0x1.8p127), 0xfe);
  EXPECT_EQ(up(std::numeric_limits<double>::infinity()), 0xfe);
  EXPECT_EQ(up(std::numeric_limits<double>::quiet_NaN()), 0xff);
  EXPECT_EQ(roundToScale(0x1.8p127, ScaleRounding::Up, false), 0xff);
  EXPECT_EQ(roundToScale(1.9, ScaleRounding::Down), 127);
  EXPECT_EQ(roundToScale(1.5, ScaleRounding::Nearest), 128); // ties go up
  EXPECT_EQ(roundToScale(1.4, ScaleRounding::Nearest), 127);
}

TEST(SmallFloatTest, IntegersOfFewBitsWrap) {
  expectIntegers(Tensor::fromReals(ElementType::I4, {4}, {-9, -8, 7, 8}), {4},
                 {7, -8, 7, -8});
  expectIntegers(Tensor::fromIntegers(ElementType::U4, {3}, {-1, 16, 7}), {3},
                 {15, 0, 7});
  expectIntegers(Tensor::fromIntegers(ElementType::I2, {4}, {-3, -2, 1, 2}),
                 {4}, {1, -2, 1, -2});
  expectIntegers(Tensor::fromIntegers(ElementType::U2, {2}, {-1, 5}), {2},
                 {3, 1});
}
