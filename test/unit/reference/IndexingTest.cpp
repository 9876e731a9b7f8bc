// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const Tensor matrix = f32({3, 2}, {0, 1, 2, 3, 4, 5});

TEST(IndexingTest, Gathers) {
  expectReals(only(runOperator("Gather", {matrix, i64({2}, {-1, 0})})), {2, 2},
              {4, 5, 0, 1});
  expectReals(
      only(runOperator("Gather", {matrix, i64({}, {1})}, "{axis = 1 : i64}")),
      {3}, {1, 3, 5});
  expectReals(only(runOperator("Gather", {matrix, i64({0}, {})})), {0, 2}, {});
  expectReals(
      only(runOperator("GatherElements", {matrix, i64({1, 2}, {2, -3})})),
      {1, 2}, {4, 1});
  expectReals(only(runOperator("GatherND", {matrix, i64({2, 1}, {2, 0})})),
              {2, 2}, {4, 5, 0, 1});
  expectReals(only(runOperator("GatherND", {matrix, i64({3, 1}, {0, 1, -1})},
                               "{batch_dims = 1 : i64}")),
              {3}, {0, 3, 5});
  expectReals(only(runOperator("Compress", {matrix, booleans({2}, {0, 1})},
                               "{axis = 0 : i64}")),
              {1, 2}, {2, 3});
  expectReals(
      only(runOperator("Compress", {matrix, booleans({4}, {1, 0, 0, 1})})), {2},
      {0, 3});
  expectIntegers(only(runOperator("NonZero", {matrix}, "", {"i64"})), {2, 5},
                 {0, 1, 1, 2, 2, 1, 0, 1, 0, 1});
  expectReals(only(runOperator("OneHot", {i64({2}, {-1, 5}), i64({}, {3}),
                                          f32({2}, {-1, 1})})),
              {2, 3}, {-1, -1, 1, -1, -1, -1});
  expectReals(only(runOperator("OneHot",
                               {i64({1}, {1}), i64({}, {2}), f32({2}, {0, 9})},
                               "{axis = 0 : i64}")),
              {2, 1}, {0, 9});
}

TEST(IndexingTest, Scatters) {
  expectReals(only(runOperator("ScatterElements", {matrix, i64({1, 2}, {2, -1}),
                                                   f32({1, 2}, {8, 9})})),
              {3, 2}, {0, 1, 2, 3, 8, 9});
  expectReals(only(runOperator(
                  "ScatterElements",
                  {f32({2}, {1, 1}), i64({3}, {0, 0, 1}), f32({3}, {2, 3, 4})},
                  "{reduction = \"add\"}")),
              {2}, {6, 5});
  expectReals(
      only(runOperator("ScatterElements",
                       {f32({2}, {1, 9}), i64({2}, {0, 1}), f32({2}, {2, 3})},
                       "{reduction = \"max\"}")),
      {2}, {2, 9});
  expectReals(only(runOperator("ScatterND", {matrix, i64({1, 1}, {-1}),
                                             f32({1, 2}, {7, 8})})),
              {3, 2}, {0, 1, 2, 3, 7, 8});
  expectReals(only(runOperator("ScatterND",
                               {matrix, i64({1, 2}, {1, 1}), f32({1}, {4})},
                               "{reduction = \"mul\"}")),
              {3, 2}, {0, 1, 2, 12, 4, 5});
  expectIntegers(only(runOperator(
                     "ScatterND",
                     {i64({2}, {5, 5}), i64({2, 1}, {0, 1}), i64({2}, {3, 7})},
                     "{reduction = \"min\"}", {"i64"})),
                 {2}, {3, 5});
}

TEST(IndexingTest, WritesIntoCaches) {
  Tensor cache = f32({1, 3, 1}, {1, 2, 3}), update = f32({1, 2, 1}, {8, 9});
  expectReals(
      only(runOperator("TensorScatter", {cache, update, i64({1}, {1})})),
      {1, 3, 1}, {1, 8, 9});
  expectReals(only(runOperator("TensorScatter", {cache, update, i64({1}, {2})},
                               "{mode = \"circular\"}")),
              {1, 3, 1}, {9, 2, 8});
  expectReals(only(runOperator("TensorScatter", {cache, update, std::nullopt})),
              {1, 3, 1}, {8, 9, 3});
  expectError(runOperator("TensorScatter", {cache, update, i64({1}, {2})}),
              "'write_indices' must leave room for 2 rows of 3, got 2");
}

TEST(IndexingTest, Errors) {
  expectError(runOperator("Gather", {matrix, i64({1}, {3})}),
              "'indices' must lie in [-3, 3), got 3 at element 0");
  expectError(
      runOperator("Gather", {matrix, i64({1}, {0})}, "{axis = 2 : i64}"),
      "'axis' must be in [-2, 2), got 2");
  expectError(runOperator("GatherND", {matrix, i64({1, 2}, {0, 2})}),
              "'indices' must lie in [-2, 2), got 2 at element 1");
  expectError(runOperator("GatherND", {matrix, i64({1, 3}, {0, 0, 0})}),
              "do not fit data of shape [3, 2]");
  expectError(runOperator("ScatterND",
                          {matrix, i64({1, 1}, {-4}), f32({1, 2}, {1, 2})}),
              "'indices' must lie in [-3, 3), got -4");
  expectError(
      runOperator("ScatterND", {matrix, i64({1, 1}, {0}), f32({1}, {1})}),
      "'updates' must have shape [1, 2], got [1]");
  expectError(runOperator("ScatterElements",
                          {matrix, i64({1, 1}, {3}), f32({1, 1}, {1})}),
              "'indices' must lie in [-3, 3), got 3");
  expectError(
      runOperator("OneHot", {i64({1}, {1}), i64({}, {-2}), f32({2}, {0, 9})}),
      "'depth' must be one count");
}

TEST(SelectionTest, TopK) {
  Tensor x = f32({2, 4}, {3, 1, 3, 2, 5, 5, 5, 5});
  Outcome top = runOperator("TopK", {x, i64({1}, {2})}, "", {"f32", "i64"});
  ASSERT_TRUE(top.succeeded) << top.errors;
  expectReals(top.results[0], {2, 2}, {3, 3, 5, 5});
  expectIntegers(top.results[1], {2, 2},
                 {0, 2, 0, 1}); // ties: the lower index first
  top = runOperator("TopK", {x, i64({1}, {4})}, "{largest = 0 : i64}",
                    {"f32", "i64"});
  ASSERT_TRUE(top.succeeded) << top.errors;
  expectIntegers(top.results[1], {2, 4}, {1, 3, 0, 2, 0, 1, 2, 3});
  top = runOperator("TopK", {f32({3, 1}, {1, NAN, 2}), i64({1}, {2})},
                    "{axis = 0 : i64}", {"f32", "i64"});
  ASSERT_TRUE(top.succeeded) << top.errors;
  expectIntegers(top.results[1], {2, 1}, {1, 2});
  expectError(runOperator("TopK", {x, i64({1}, {5})}, "", {"f32", "i64"}),
              "'K' must be one count in [0, 4], got 5");
}

TEST(SelectionTest, ArgumentsOfExtremes) {
  Tensor x = f32({2, 3}, {1, 3, 3, 0, -1, -1});
  expectIntegers(only(runOperator("ArgMax", {x}, "{axis = 1 : i64}", {"i64"})),
                 {2, 1}, {1, 0});
  expectIntegers(
      only(runOperator(
          "ArgMax", {x},
          "{axis = 1 : i64, keepdims = 0 : i64, select_last_index = 1 : i64}",
          {"i64"})),
      {2}, {2, 0});
  expectIntegers(
      only(runOperator("ArgMin", {x}, "{axis = 1 : i64, keepdims = 0 : i64}",
                       {"i64"})),
      {2}, {0, 1});
  expectError(runOperator("ArgMax", {f32({0}, {})}, "", {"i64"}),
              "cannot choose from the empty axis 0");
}

TEST(SelectionTest, ForcedChoices) {
  auto module =
      parseModule("func.func @main(%x: tensor<3xf32>, %k: tensor<1xi64>) -> "
                  "(tensor<2xf32>, tensor<2xi64>) {\n"
                  "  %v, %i = onnx.TopK(%x, %k) : (tensor<3xf32>, "
                  "tensor<1xi64>) -> (tensor<2xf32>, tensor<2xi64>)\n"
                  "  return %v, %i : tensor<2xf32>, tensor<2xi64>\n}");
  auto function = module->lookupSymbol<mlir::func::FuncOp>("main");
  InterpreterOptions options;
  options.forcedChoices[&function.getBody().front().front()] = i64({2}, {2, 1});
  auto results =
      interpret(function, {f32({3}, {5, 4, 3}), i64({1}, {2})}, options);
  ASSERT_TRUE(mlir::succeeded(results));
  expectReals((*results)[0], {2}, {3, 4});
  expectIntegers((*results)[1], {2}, {2, 1});
}
