// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static Tensor bytes(ElementType type, llvm::ArrayRef<int64_t> shape,
                    llvm::ArrayRef<int64_t> values) {
  return Tensor::fromIntegers(type, shape, values);
}

static uint8_t codeOf(const Tensor &tensor, int64_t i) {
  return static_cast<uint8_t>(tensor.getBytes()[i]);
}

TEST(QuantizationTest, PerTensor) {
  Tensor x = f32({6}, {0, 2, 3, 1000, -254, -1000});
  expectIntegers(
      only(runOperator("QuantizeLinear",
                       {x, f32({}, {2}), bytes(ElementType::U8, {}, {128})}, "",
                       {"ui8"})),
      {6}, {128, 129, 130, 255, 1, 0});
  // To even, before the zero point is added.
  expectIntegers(only(runOperator("QuantizeLinear",
                                  {f32({3}, {0.5, 1.5, 2.5}), f32({}, {1}),
                                   bytes(ElementType::I8, {}, {1})},
                                  "", {"i8"})),
                 {3}, {1, 3, 3});
  // Without a zero point or a type it is ui8; NaN is 0.
  expectIntegers(
      only(runOperator("QuantizeLinear",
                       {f32({2}, {3, NAN}), f32({1}, {1}), std::nullopt}, "",
                       {"ui8"})),
      {2}, {3, 0});
  expectReals(
      only(runOperator("DequantizeLinear",
                       {bytes(ElementType::U8, {3}, {0, 3, 128}), f32({}, {2}),
                        bytes(ElementType::U8, {}, {128})})),
      {3}, {-256, -250, 0});
}

TEST(QuantizationTest, PerAxisAndBlocks) {
  Tensor x = f32({2, 3}, {2, 4, 6, 2, 4, 6});
  expectIntegers(only(runOperator("QuantizeLinear",
                                  {x, f32({3}, {1, 2, 3}),
                                   bytes(ElementType::I4, {3}, {0, 1, -8})},
                                  "{axis = -1 : i64}", {"i4"})),
                 {2, 3}, {2, 3, -6, 2, 3, -6});
  // The last block is shorter.
  expectReals(
      only(runOperator("DequantizeLinear",
                       {bytes(ElementType::U2, {2, 3}, {0, 1, 2, 3, 2, 1}),
                        f32({2, 2}, {1, 2, 3, 4}), std::nullopt},
                       "{axis = 1 : i64, block_size = 2 : i64}")),
      {2, 3}, {0, 1, 4, 9, 6, 4});
  expectError(runOperator("DequantizeLinear",
                          {bytes(ElementType::U8, {2, 3}, {0, 1, 2, 3, 2, 1}),
                           f32({2, 3}, {1}), std::nullopt},
                          "{axis = 1 : i64, block_size = 2 : i64}"),
              "'scale' must have shape [2, 2], got [2, 3]");
  expectError(runOperator("DequantizeLinear",
                          {bytes(ElementType::U8, {2}, {0, 1}),
                           f32({2}, {1, 2}), bytes(ElementType::U8, {1}, {0})}),
              "'x_zero_point' must have the shape of 'x_scale', [2], got [1]");
  expectError(runOperator("QuantizeLinear",
                          {f32({2}, {0, 1}), f32({2}, {1, 2}),
                           bytes(ElementType::U8, {1}, {0})},
                          "", {"ui8"}),
              "'y_zero_point' must have the shape of 'y_scale', [2], got [1]");
}

TEST(QuantizationTest, SmallFloats) {
  Tensor result = only(
      runOperator("QuantizeLinear",
                  {f32({4}, {1, 3, 1000, -1000}), f32({}, {2}), std::nullopt},
                  "{output_dtype = 17 : i64}", {"f8E4M3FN"}));
  expectReals(result, {4}, {0.5, 1.5, 448, -448});
  result = only(runOperator(
      "QuantizeLinear", {f32({2}, {1, 1000}), f32({}, {2}), std::nullopt},
      "{output_dtype = 17 : i64, saturate = 0 : i64}", {"f8E4M3FN"}));
  EXPECT_EQ(codeOf(result, 1), 0x7f);
  // A scale that is a power of two.
  expectReals(
      only(runOperator("DequantizeLinear",
                       {Tensor::fromReals(ElementType::F4E2M1FN, {2}, {6, -1}),
                        Tensor::fromReals(ElementType::F8E8M0FNU, {}, {4}),
                        std::nullopt},
                       "{output_dtype = 1 : i64}")),
      {2}, {24, -4});
}

TEST(QuantizationTest, Precision) {
  // 2049 is 2048 as a half, and the quotient is rounded to one, too.
  Tensor x = f32({1}, {2049}), scale = f32({}, {1});
  auto run = [&](llvm::StringRef attributes) {
    return only(runOperator("QuantizeLinear",
                            {x, scale, bytes(ElementType::I16, {}, {0})},
                            attributes, {"i16"}))
        .integer(0);
  };
  EXPECT_EQ(run(""), 2049);
  EXPECT_EQ(run("{precision = 10 : i64}"), 2048);
}

TEST(QuantizationTest, Dynamic) {
  Outcome outcome = runOperator("DynamicQuantizeLinear", {f32({3}, {0, 2, -3})},
                                "", {"ui8", "f32", "ui8"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[0], {3}, {153, 255, 0});
  EXPECT_EQ(outcome.results[1].real(0), static_cast<float>(5.0f / 255));
  EXPECT_EQ(outcome.results[2].integer(0), 153);
  // No range: any scale does.
  outcome = runOperator("DynamicQuantizeLinear", {f32({2}, {0, 0})}, "",
                        {"ui8", "f32", "ui8"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[0], {2}, {0, 0});
}

TEST(QuantizationTest, Products) {
  Tensor a = bytes(ElementType::U8, {2, 2}, {11, 7, 10, 6}),
         b = bytes(ElementType::I8, {2, 1}, {1, -2});
  expectIntegers(
      only(runOperator("MatMulInteger", {a, b, std::nullopt, std::nullopt}, "",
                       {"i32"})),
      {2, 1}, {-3, -2});
  // A zero point for each row of the left, and each column of the right one.
  expectIntegers(only(runOperator("MatMulInteger",
                                  {a, b, bytes(ElementType::U8, {2}, {1, 2}),
                                   bytes(ElementType::I8, {1}, {-1})},
                                  "", {"i32"})),
                 {2, 1}, {14, 12});
  expectError(runOperator("MatMulInteger",
                          {a, bytes(ElementType::I8, {3, 1}, {0}), std::nullopt,
                           std::nullopt},
                          "", {"i32"}),
              "cannot multiply shapes [2, 2] and [3, 1]");
  expectError(
      runOperator("MatMulInteger",
                  {a, b, bytes(ElementType::U8, {3}, {0}), std::nullopt}, "",
                  {"i32"}),
      "a zero point of shape [3] does not fit a matrix of shape [2, 2]");
  Tensor zero = bytes(ElementType::U8, {}, {0}),
         zeroB = bytes(ElementType::I8, {}, {0}), one = f32({}, {1});
  expectIntegers(
      only(runOperator("QLinearMatMul",
                       {a, f32({2}, {1, 2}), zero, b, one, zeroB,
                        f32({}, {0.5}), bytes(ElementType::I8, {}, {100})},
                       "", {"i8"})),
      {2, 1}, {94, 92});
  expectError(runOperator("QLinearMatMul",
                          {a, f32({3}, {1, 2, 3}), zero, b, one, zeroB, one,
                           bytes(ElementType::I8, {}, {0})},
                          "", {"i8"}),
              "scales of shapes [3] and [] do not fit a product of shape [2, "
              "1]");
}

TEST(QuantizationTest, BitCasts) {
  expectIntegers(only(runOperator("BitCast", {f32({2}, {1, -0.0})},
                                  "{to = 6 : i64}", {"i32"})),
                 {2}, {0x3f800000, -2147483648});
  expectIntegers(
      only(runOperator("BitCast", {bytes(ElementType::I4, {3}, {-1, -8, 7})},
                       "{to = 21 : i64}", {"ui4"})),
      {3}, {15, 8, 7});
  expectIntegers(
      only(runOperator("BitCast", {bytes(ElementType::U2, {2}, {3, 1})},
                       "{to = 26 : i64}", {"i2"})),
      {2}, {-1, 1});
  expectReals(only(runOperator("BitCast", {bytes(ElementType::U8, {1}, {0x38})},
                               "{to = 17 : i64}", {"f8E4M3FN"})),
              {1}, {1});
  expectError(runOperator("BitCast", {f32({1}, {1})}, "{to = 3 : i64}", {"i8"}),
              "'to' must be a type as wide as f32, got data type 3");
}

TEST(QuantizationTest, CastsToSmallTypes) {
  expectError(runOperator("Cast", {f32({1}, {1})},
                          "{to = 24 : i64, round_mode = \"away\"}",
                          {"f8E8M0FNU"}),
              "'round_mode' must be 'up', 'down' or 'nearest', got 'away'");
  expectReals(only(runOperator("Cast", {f32({3}, {1.2, 1.6, 4})},
                               "{to = 24 : i64, round_mode = \"nearest\"}",
                               {"f8E8M0FNU"})),
              {3}, {1, 2, 4});
  expectIntegers(only(runOperator("Cast", {f32({3}, {-9, 7.9, 300})},
                                  "{to = 22 : i64}", {"i4"})),
                 {3}, {7, 7, -4});
  expectIntegers(
      only(runOperator("CastLike",
                       {i64({2}, {-1, 17}), bytes(ElementType::U4, {1}, {0})},
                       "", {"ui4"})),
      {2}, {15, 1});
}
