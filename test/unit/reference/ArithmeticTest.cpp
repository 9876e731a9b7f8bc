// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const double notANumber = std::numeric_limits<double>::quiet_NaN();

TEST(ArithmeticTest, Broadcasts) {
  Tensor column = f32({2, 1}, {10, 20}), row = f32({3}, {1, 2, 3});
  expectReals(only(runOperator("Add", {column, row})), {2, 3},
              {11, 12, 13, 21, 22, 23});
  expectReals(only(runOperator("Sub", {row, column})), {2, 3},
              {-9, -8, -7, -19, -18, -17});
  expectReals(only(runOperator("Mul", {f32({}, {2}), row})), {3}, {2, 4, 6});
  expectReals(only(runOperator("Add", {f32({2, 0}, {}), f32({1}, {1})})),
              {2, 0}, {});
}

TEST(ArithmeticTest, IntegersWrap) {
  int64_t top = std::numeric_limits<int64_t>::max(),
          bottom = std::numeric_limits<int64_t>::min();
  expectIntegers(
      only(runOperator("Add", {i64({1}, {top}), i64({1}, {1})}, "", {"i64"})),
      {1}, {bottom});
  expectIntegers(
      only(runOperator("Mul", {i64({1}, {top}), i64({1}, {2})}, "", {"i64"})),
      {1}, {-2});
  expectIntegers(only(runOperator("Div", {i64({1}, {bottom}), i64({1}, {-1})},
                                  "", {"i64"})),
                 {1}, {bottom});
  Tensor bytes = Tensor::fromIntegers(ElementType::U8, {1}, {200});
  expectIntegers(only(runOperator("Add", {bytes, bytes}, "", {"ui8"})), {1},
                 {144});
}

TEST(ArithmeticTest, DivisionAndRemainder) {
  Tensor a = i64({4}, {7, -7, 7, -7}), b = i64({4}, {3, 3, -3, -3});
  expectIntegers(only(runOperator("Div", {a, b}, "", {"i64"})), {4},
                 {2, -2, -2, 2});
  expectIntegers(only(runOperator("Mod", {a, b}, "", {"i64"})), {4},
                 {1, 2, -2, -1});
  expectIntegers(only(runOperator("Mod", {a, b}, "{fmod = 1 : i64}", {"i64"})),
                 {4}, {1, -1, 1, -1});
  expectReals(
      only(runOperator("Mod", {f32({2}, {-4.3, 7.25}), f32({2}, {2.1, -3})},
                       "{fmod = 1 : i64}")),
      {2}, {-0.1, 1.25});
  Tensor large = Tensor::fromIntegers(ElementType::U64, {1}, {-2}),
         two = Tensor::fromIntegers(ElementType::U64, {1}, {2});
  expectIntegers(only(runOperator("Div", {large, two}, "", {"ui64"})), {1},
                 {std::numeric_limits<int64_t>::max()});
}

TEST(ArithmeticTest, Power) {
  expectReals(only(runOperator("Pow", {f32({3}, {2, 3, 4}), f32({}, {2})})),
              {3}, {4, 9, 16});
  expectReals(only(runOperator("Pow", {f32({2}, {4, 9}), i64({}, {2})})), {2},
              {16, 81});
  expectIntegers(only(runOperator(
                     "Pow", {i64({4}, {3, 2, -1, 2}), i64({4}, {5, 63, 3, -1})},
                     "", {"i64"})),
                 {4}, {243, std::numeric_limits<int64_t>::min(), -1, 0});
}

TEST(ArithmeticTest, Bits) {
  Tensor a = Tensor::fromIntegers(ElementType::U8, {3}, {0b1100, 1, 255}),
         b = Tensor::fromIntegers(ElementType::U8, {3}, {0b1010, 7, 8});
  expectIntegers(only(runOperator("BitwiseAnd", {a, b}, "", {"ui8"})), {3},
                 {0b1000, 1, 8});
  expectIntegers(only(runOperator("BitwiseXor", {a, b}, "", {"ui8"})), {3},
                 {0b0110, 6, 247});
  expectIntegers(
      only(runOperator("BitShift", {a, b}, "{direction = \"LEFT\"}", {"ui8"})),
      {3}, {0, 128, 0});
  expectIntegers(
      only(runOperator("BitShift", {a, b}, "{direction = \"RIGHT\"}", {"ui8"})),
      {3}, {0, 0, 0});
  expectIntegers(
      only(runOperator("Xor", {booleans({2}, {1, 1}), booleans({2}, {0, 1})},
                       "", {"i1"})),
      {2}, {1, 0});
}

TEST(ArithmeticTest, Comparisons) {
  Tensor x = f32({3}, {1, 2, notANumber}), y = f32({3}, {2, 2, notANumber});
  expectIntegers(only(runOperator("Less", {x, y}, "", {"i1"})), {3}, {1, 0, 0});
  expectIntegers(only(runOperator("LessOrEqual", {x, y}, "", {"i1"})), {3},
                 {1, 1, 0});
  expectIntegers(only(runOperator("Equal", {x, y}, "", {"i1"})), {3},
                 {0, 1, 0});
  Tensor big = Tensor::fromIntegers(ElementType::U64, {1}, {-1}),
         one = Tensor::fromIntegers(ElementType::U64, {1}, {1});
  expectIntegers(only(runOperator("Greater", {big, one}, "", {"i1"})), {1},
                 {1});
}

TEST(ArithmeticTest, SelectsAndLimits) {
  expectReals(
      only(runOperator("Max", {f32({3}, {1, 5, notANumber}), f32({}, {3})})),
      {3}, {3, 5, notANumber});
  expectReals(
      only(runOperator("Min", {f32({3}, {1, 5, notANumber}), f32({}, {3})})),
      {3}, {1, 3, notANumber});
  expectReals(only(runOperator("Mean", {f32({2}, {1, 2}), f32({2}, {3, 5})})),
              {2}, {2, 3.5});
  expectReals(only(runOperator("Sum", {f32({2}, {1, 2}), f32({2, 1}, {3, 5}),
                                       f32({}, {1})})),
              {2, 2}, {5, 6, 7, 8});
  expectReals(only(runOperator(
                  "Clip", {f32({3}, {-5, 0, 5}), f32({}, {-1}), f32({}, {1})})),
              {3}, {-1, 0, 1});
  expectReals(only(runOperator(
                  "Clip", {f32({3}, {-5, 0, 5}), std::nullopt, f32({}, {1})})),
              {3}, {-5, 0, 1});
  expectReals(
      only(runOperator("Clip", {f32({1}, {0}), f32({}, {2}), f32({}, {1})})),
      {1}, {1}); // high wins
  expectReals(only(runOperator("Where", {booleans({2, 1}, {1, 0}),
                                         f32({2}, {1, 2}), f32({}, {9})})),
              {2, 2}, {1, 2, 9, 9});
  expectReals(only(runOperator("PRelu", {f32({2, 2}, {-1, 1, -2, 2}),
                                         f32({2}, {0.5, 0.1})})),
              {2, 2}, {-0.5, 1, -1, 2});
}

TEST(ArithmeticTest, Converts) {
  Tensor x = f32({4}, {1.9, -1.9, 0, 300});
  expectIntegers(only(runOperator("Cast", {x}, "{to = 7 : i64}", {"i64"})), {4},
                 {1, -1, 0, 300});
  expectIntegers(only(runOperator("Cast", {x}, "{to = 9 : i64}", {"i1"})), {4},
                 {1, 1, 0, 1});
  expectReals(
      only(runOperator("Cast", {booleans({2}, {0, 1})}, "{to = 1 : i64}")), {2},
      {0, 1});
  EXPECT_EQ(only(runOperator("Cast", {i64({1}, {16777217})}, "{to = 1 : i64}"))
                .real(0),
            16777216);
  EXPECT_EQ(only(runOperator("CastLike",
                             {f32({1}, {1 + 0x1p-8}),
                              Tensor::fromReals(ElementType::BF16, {1}, {0})},
                             "", {"bf16"}))
                .real(0),
            1);
}

TEST(ArithmeticTest, Errors) {
  expectError(runOperator("Add", {f32({2}, {1, 2}), f32({3}, {1, 2, 3})}),
              "operands must broadcast to one shape, got [2] and [3]");
  expectError(runOperator("Add", {f32({1}, {1}), i64({1}, {1})}),
              "'B' must have element type f32, got i64");
  expectError(
      runOperator("Div", {i64({2}, {1, 2}), i64({2}, {1, 0})}, "", {"i64"}),
      "'B' must not contain 0, got 0 at element 1");
  expectError(runOperator("Mod", {f32({1}, {1}), f32({1}, {1})}),
              "operands of type f32 are not supported");
  expectError(runOperator("BitShift",
                          {Tensor::fromIntegers(ElementType::U8, {1}, {1}),
                           Tensor::fromIntegers(ElementType::U8, {1}, {1})},
                          "{direction = \"UP\"}", {"ui8"}),
              "'direction' must be 'LEFT' or 'RIGHT', got 'UP'");
  expectError(
      runOperator("Clip", {f32({1}, {1}), f32({2}, {1, 2}), std::nullopt}),
      "'min' must be a scalar, got shape [2]");
  expectError(runOperator("Cast", {f32({1}, {1})}, "{to = 8 : i64}"),
              "'to' must be a supported data type, got 8");
  expectError(runOperator("PRelu", {f32({1}, {1}), f32({2}, {1, 2})}),
              "'slope' must broadcast to the shape [1], got [2]");
}
