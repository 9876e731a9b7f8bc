// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const double infinity = std::numeric_limits<double>::infinity();

TEST(NormalizationTest, Softmax) {
  Tensor x = f32({1, 3}, {1, 2, 3});
  expectReals(only(runOperator("Softmax", {x})), {1, 3},
              {0.0900305732, 0.2447284711, 0.6652409558});
  expectReals(only(runOperator("Softmax", {x}, "{axis = 0 : i64}")), {1, 3},
              {1, 1, 1});
  expectReals(only(runOperator("LogSoftmax", {x})), {1, 3},
              {-2.4076059644, -1.4076059644, -0.4076059644});
  expectReals(
      only(runOperator("Hardmax", {f32({2, 3}, {1, 3, 3, -1, -2, -3})})),
      {2, 3}, {0, 1, 0, 1, 0, 0});
  expectReals(only(runOperator("Softmax", {f32({1, 2}, {1000, -infinity})})),
              {1, 2}, {1, 0});
  expectReals(
      only(runOperator("Softmax", {f32({1, 2}, {-infinity, -infinity})})),
      {1, 2}, {NAN, NAN});
  expectReals(only(runOperator("Softmax", {f32({2, 0}, {})})), {2, 0}, {});
  expectError(runOperator("Softmax", {x}, "{axis = 2 : i64}"),
              "'axis' must be in [-2, 2), got 2");
}

TEST(NormalizationTest, Norms) {
  Tensor x = f32({1, 2}, {3, 4});
  // Mean square 12.5; deviation from the mean 0.5.
  expectReals(only(runOperator("RMSNormalization", {x, f32({2}, {1, 2})},
                               "{epsilon = 0.0 : f32}")),
              {1, 2}, {0.8485281374, 2.2627416998});
  expectReals(only(runOperator("RMSNormalization", {x, f32({2}, {1, 1})},
                               "{epsilon = 12.5 : f32}")),
              {1, 2}, {0.6, 0.8});
  Outcome layer = runOperator("LayerNormalization",
                              {x, f32({2}, {2, 2}), f32({2}, {10, 10})},
                              "{epsilon = 0.0 : f32}", {"f32", "f32", "f32"});
  ASSERT_TRUE(layer.succeeded) << layer.errors;
  expectReals(layer.results[0], {1, 2}, {8, 12});
  expectReals(layer.results[1], {1, 1}, {3.5});
  expectReals(layer.results[2], {1, 1}, {2});
  expectReals(only(runOperator("LpNormalization", {x})), {1, 2}, {0.6, 0.8});
  expectReals(only(runOperator("LpNormalization", {x}, "{p = 1 : i64}")),
              {1, 2}, {3.0 / 7, 4.0 / 7});
  expectError(runOperator("RMSNormalization", {x, f32({3}, {1, 1, 1})}),
              "'scale' must broadcast to [1, 2], got [3]");
  expectError(runOperator("LpNormalization", {x}, "{p = 3 : i64}"),
              "'p' must be 1 or 2, got 3");
  expectError(runOperator("RMSNormalization", {x, f32({2}, {1, 1})},
                          "{stash_type = 7 : i64}"),
              "'stash_type' must be a float type, got 7");
}

TEST(NormalizationTest, OfOnnxRuntime) {
  Tensor x = f32({1, 1, 2}, {1, 3}), skip = f32({1, 1, 2}, {1, 0}),
         gamma = f32({2}, {1, 2}), bias = f32({2}, {1, 1});
  Outcome simplified = runOperator("SimplifiedLayerNormalization",
                                   {f32({1, 2}, {3, 4}), f32({2}, {1, 1})},
                                   "{epsilon = 0.0 : f32}", {"f32", "f32"});
  ASSERT_TRUE(simplified.succeeded) << simplified.errors;
  expectReals(simplified.results[0], {1, 2}, {0.8485281374, 1.1313708499});
  expectReals(simplified.results[1], {1, 1}, {0.2828427125});
  // 1 + 1 + 1 and 3 + 0 + 1: the sum is (3, 4) again.
  Outcome skipped = runOperator(
      "com.microsoft.SkipSimplifiedLayerNormalization", {x, skip, gamma, bias},
      "{epsilon = 0.0 : f32}", {"f32", "none", "f32", "f32"});
  ASSERT_TRUE(skipped.succeeded) << skipped.errors;
  expectReals(skipped.results[0], {1, 1, 2}, {0.8485281374, 2.2627416998});
  expectReals(skipped.results[1], {1, 1, 1}, {0.2828427125});
  expectReals(skipped.results[2], {1, 1, 2}, {3, 4});
}
