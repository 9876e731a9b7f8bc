// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const Tensor matrix = f32({2, 3}, {1, -2, 3, 4, 5, -6});
static const double infinity = std::numeric_limits<double>::infinity();

TEST(ReductionTest, OverAxes) {
  Tensor last = i64({1}, {-1});
  expectReals(only(runOperator("ReduceSum", {matrix, last})), {2, 1}, {2, 3});
  expectReals(
      only(runOperator("ReduceSum", {matrix, last}, "{keepdims = 0 : i64}")),
      {2}, {2, 3});
  expectReals(only(runOperator("ReduceMean", {matrix, i64({1}, {0})},
                               "{keepdims = 0 : i64}")),
              {3}, {2.5, 1.5, -1.5});
  expectReals(only(runOperator("ReduceMax", {matrix, last})), {2, 1}, {3, 5});
  expectReals(only(runOperator("ReduceMin", {matrix, last})), {2, 1}, {-2, -6});
  expectReals(only(runOperator("ReduceProd", {matrix, last})), {2, 1},
              {-6, -120});
  expectReals(only(runOperator("ReduceL1", {matrix, last})), {2, 1}, {6, 15});
  expectReals(only(runOperator("ReduceL2", {matrix, last})), {2, 1},
              {3.7416573868, 8.7749643874});
  expectReals(only(runOperator("ReduceSumSquare", {matrix, last})), {2, 1},
              {14, 77});
  expectReals(only(runOperator("ReduceLogSum", {matrix, last})), {2, 1},
              {0.6931471806, 1.0986122887});
  expectReals(only(runOperator("ReduceLogSumExp",
                               {f32({2}, {1000, 1000}), i64({1}, {0})})),
              {1}, {1000.6931471806});
  expectReals(only(runOperator("ReduceSum", {matrix, std::nullopt},
                               "{keepdims = 0 : i64}")),
              {}, {5});
  expectReals(only(runOperator("ReduceSum", {matrix, std::nullopt},
                               "{noop_with_empty_axes = 1 : i64}")),
              {2, 3}, {1, -2, 3, 4, 5, -6});
}

TEST(ReductionTest, OfNothing) {
  Tensor nothing = f32({2, 0}, {}), last = i64({1}, {1});
  expectReals(only(runOperator("ReduceSum", {nothing, last})), {2, 1}, {0, 0});
  expectReals(only(runOperator("ReduceProd", {nothing, last})), {2, 1}, {1, 1});
  expectReals(only(runOperator("ReduceMax", {nothing, last})), {2, 1},
              {-infinity, -infinity});
  expectReals(only(runOperator("ReduceMean", {nothing, last})), {2, 1},
              {NAN, NAN});
  expectReals(only(runOperator("ReduceLogSumExp", {nothing, last})), {2, 1},
              {-infinity, -infinity});
  Tensor bytes = Tensor::fromIntegers(ElementType::I8, {0}, {});
  expectIntegers(
      only(runOperator("ReduceMax", {bytes, i64({1}, {0})}, "", {"i8"})), {1},
      {-128});
  expectIntegers(only(runOperator("ReduceMin", {i64({0}, {}), i64({1}, {0})},
                                  "", {"i64"})),
                 {1}, {std::numeric_limits<int64_t>::max()});
}

TEST(ReductionTest, OfIntegers) {
  expectIntegers(
      only(runOperator(
          "ReduceSum",
          {i64({2}, {std::numeric_limits<int64_t>::max(), 1}), i64({1}, {0})},
          "", {"i64"})),
      {1}, {std::numeric_limits<int64_t>::min()});
  expectIntegers(
      only(runOperator("ReduceMean", {i64({2}, {-3, -4}), i64({1}, {0})}, "",
                       {"i64"})),
      {1}, {-3});
  expectIntegers(
      only(runOperator("ReduceMax", {booleans({2}, {0, 1}), i64({1}, {0})}, "",
                       {"i1"})),
      {1}, {1});
}

TEST(ReductionTest, Accumulates) {
  Tensor x = f32({4}, {1, 2, 3, 4}), axis = i64({}, {0});
  expectReals(only(runOperator("CumSum", {x, axis})), {4}, {1, 3, 6, 10});
  expectReals(only(runOperator("CumSum", {x, axis}, "{exclusive = 1 : i64}")),
              {4}, {0, 1, 3, 6});
  expectReals(only(runOperator("CumSum", {x, axis}, "{reverse = 1 : i64}")),
              {4}, {10, 9, 7, 4});
  expectReals(only(runOperator("CumProd", {x, axis},
                               "{exclusive = 1 : i64, reverse = 1 : i64}")),
              {4}, {24, 12, 4, 1});
}

TEST(ReductionTest, AccumulatesInTheAskedPrecision) {
  // 1 + 2^-25 four times: lost step by step in single precision, not in double.
  Tensor x = f32({5}, {1, 0x1p-25, 0x1p-25, 0x1p-25, 0x1p-25});
  InterpreterOptions single;
  single.accumulation = Accumulation::F32;
  EXPECT_EQ(
      only(runOperator("ReduceSum", {x, std::nullopt}, "{keepdims = 0 : i64}"))
          .real(0),
      1 + 0x1p-23);
  EXPECT_EQ(only(runOperator("ReduceSum", {x, std::nullopt},
                             "{keepdims = 0 : i64}", {"f32"}, single))
                .real(0),
            1.0);
}

TEST(ReductionTest, Errors) {
  expectError(runOperator("ReduceSum", {matrix, i64({1}, {2})}),
              "'axes' must be in [-2, 2), got 2");
  expectError(runOperator("CumSum", {matrix, i64({2}, {0, 1})}),
              "'axis' must be a scalar, got shape [2]");
}
