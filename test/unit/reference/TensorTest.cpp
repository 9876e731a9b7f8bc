// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

/// Every bit pattern goes to a double and back unchanged; NaN stays NaN.
TEST(FloatTest, RoundTripsEveryPattern) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double half = halfToDouble(bits), brain = bfloat16ToDouble(bits);
    if (std::isnan(half))
      EXPECT_TRUE(std::isnan(halfToDouble(roundToHalf(half))));
    else
      ASSERT_EQ(roundToHalf(half), bits);
    if (std::isnan(brain))
      EXPECT_TRUE(std::isnan(bfloat16ToDouble(roundToBFloat16(brain))));
    else
      ASSERT_EQ(roundToBFloat16(brain), bits);
  }
}

TEST(FloatTest, RoundsToNearestEven) {
  // One unit in the last place above 1 is 2^-10 for halves and 2^-7 for
  // bfloat16.
  EXPECT_EQ(halfToDouble(roundToHalf(1 + 0x1p-11)), 1.0);
  EXPECT_EQ(halfToDouble(roundToHalf(1 + 3 * 0x1p-11)), 1 + 2 * 0x1p-10);
  EXPECT_EQ(halfToDouble(roundToHalf(1 + 0x1p-11 + 0x1p-40)),
            1 + 0x1p-10); // once: not first to single precision
  EXPECT_EQ(bfloat16ToDouble(roundToBFloat16(1 + 0x1p-8)), 1.0);
  EXPECT_EQ(bfloat16ToDouble(roundToBFloat16(-1 - 3 * 0x1p-8)),
            -1 - 2 * 0x1p-7);
  EXPECT_EQ(bfloat16ToDouble(roundToBFloat16(1 + 0x1p-8 + 0x1p-40)),
            1 + 0x1p-7);
}

TEST(FloatTest, RoundsAtTheEnds) {
  EXPECT_EQ(halfToDouble(roundToHalf(65519.0)), 65504.0);
  EXPECT_TRUE(std::isinf(halfToDouble(roundToHalf(65520.0))));
  EXPECT_EQ(halfToDouble(roundToHalf(0x1p-24)), 0x1p-24);
  EXPECT_EQ(halfToDouble(roundToHalf(0x1p-25)), 0.0); // a tie goes to even
  EXPECT_EQ(halfToDouble(roundToHalf(0x1.8p-25)), 0x1p-24);
  EXPECT_TRUE(std::signbit(halfToDouble(roundToHalf(-0.0))));
  EXPECT_TRUE(std::isinf(bfloat16ToDouble(roundToBFloat16(3.4e38 * 1.01))));
}

TEST(TensorTest, RefusesImpossibleShapes) {
  EXPECT_FALSE(Tensor::create(ElementType::F32, {2, -1}));
  EXPECT_FALSE(
      Tensor::create(ElementType::F32, {int64_t(1) << 40, int64_t(1) << 40}));
  EXPECT_EQ(countElements({int64_t(1) << 40, 0, int64_t(1) << 40}), 0);
  EXPECT_EQ(countElements({}), 1);
}

TEST(TensorTest, WrapsIntegers) {
  Tensor bytes = Tensor::fromIntegers(ElementType::I8, {2}, {130, -129});
  expectIntegers(bytes, {2}, {-126, 127});
  Tensor unsignedWord = Tensor::fromIntegers(ElementType::U32, {1}, {-1});
  expectIntegers(unsignedWord, {1}, {4294967295});
  EXPECT_EQ(Tensor::fromIntegers(ElementType::U64, {1}, {-1}).real(0),
            18446744073709551616.0);
}

TEST(TensorTest, CopiesOnWrite) {
  Tensor original = i64({2}, {1, 2}), copy = original;
  copy.setInteger(0, 7);
  expectIntegers(original, {2}, {1, 2});
  expectIntegers(copy, {2}, {7, 2});
  auto owner =
      std::make_shared<std::vector<int64_t>>(std::vector<int64_t>{3, 4});
  Tensor borrowed =
      Tensor::borrow(ElementType::I64, {2},
                     reinterpret_cast<const char *>(owner->data()), owner);
  borrowed.setInteger(1, 9);
  EXPECT_EQ((*owner)[1], 4);
}

TEST(TensorTest, NamesTypes) {
  for (int64_t i = 0; i <= static_cast<int64_t>(ElementType::F4E2M1FN); ++i) {
    auto type = static_cast<ElementType>(i);
    EXPECT_EQ(elementTypeFromName(nameOf(type)), type);
    EXPECT_EQ(elementTypeFromONNX(onnxDataType(type)), type);
  }
  EXPECT_FALSE(elementTypeFromName("f8"));
  EXPECT_FALSE(elementTypeFromONNX(8)); // strings
}
