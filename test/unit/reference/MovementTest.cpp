// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"

using namespace mlir::trine::reference;

static Tensor counting(llvm::ArrayRef<int64_t> shape) {
  Tensor tensor = *Tensor::create(ElementType::F32, shape);
  for (int64_t i = 0; i < tensor.getNumElements(); ++i)
    tensor.setReal(i, static_cast<double>(i));
  return tensor;
}

TEST(MovementTest, Transpose) {
  expectReals(only(runOperator("Transpose", {counting({2, 3})})), {3, 2},
              {0, 3, 1, 4, 2, 5});
  expectReals(only(runOperator("Transpose", {counting({1, 2, 3})},
                               "{perm = array<i64: 1, 2, 0>}")),
              {2, 3, 1}, {0, 1, 2, 3, 4, 5});
  expectError(
      runOperator("Transpose", {counting({2, 3})}, "{perm = array<i64: 0, 0>}"),
      "'perm' must be a permutation of 2 axes, got [0, 0]");
}

TEST(MovementTest, ConcatAndSplit) {
  expectReals(only(runOperator("Concat", {counting({2, 1}), counting({2, 2})},
                               "{axis = -1 : i64}")),
              {2, 3}, {0, 0, 1, 1, 2, 3});
  expectReals(only(runOperator("Concat", {counting({0, 2}), counting({1, 2})},
                               "{axis = 0 : i64}")),
              {1, 2}, {0, 1});
  Outcome parts = runOperator("Split", {counting({5}), std::nullopt},
                              "{num_outputs = 2 : i64}", {"f32", "f32"});
  ASSERT_TRUE(parts.succeeded) << parts.errors;
  expectReals(parts.results[0], {3}, {0, 1, 2});
  expectReals(parts.results[1], {2}, {3, 4});
  parts = runOperator("Split", {counting({2, 3}), i64({2}, {0, 3})},
                      "{axis = 1 : i64}", {"f32", "f32"});
  ASSERT_TRUE(parts.succeeded) << parts.errors;
  expectReals(parts.results[0], {2, 0}, {});
  expectReals(parts.results[1], {2, 3}, {0, 1, 2, 3, 4, 5});
  expectError(runOperator("Split", {counting({3}), i64({2}, {1, 1})}, "",
                          {"f32", "f32"}),
              "'split' must be 2 sizes with the sum 3, got [1, 1]");
  expectError(
      runOperator("Concat", {counting({2, 1}), counting({3, 1})},
                  "{axis = 1 : i64}"),
      "operand 1 must have the shape [2, 1] but for axis 1, got [3, 1]");
}

TEST(MovementTest, Slice) {
  Tensor x = counting({10});
  auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return only(runOperator("Slice", {x, i64({1}, {start}), i64({1}, {end}),
                                      i64({1}, {0}), i64({1}, {step})}));
  };
  int64_t top = std::numeric_limits<int64_t>::max(),
          bottom = std::numeric_limits<int64_t>::min();
  expectReals(slice(2, 8, 3), {2}, {2, 5});
  expectReals(slice(-3, top, 1), {3}, {7, 8, 9});
  expectReals(slice(-1, bottom, -4), {3}, {9, 5, 1});
  expectReals(slice(100, 2, -1), {7}, {9, 8, 7, 6, 5, 4, 3});
  expectReals(slice(5, 5, 1), {0}, {});
  expectReals(slice(0, 10, top), {1}, {0});
  expectReals(slice(9, bottom, bottom), {1}, {9});
  expectReals(only(runOperator("Slice", {counting({0}), i64({1}, {-1}),
                                         i64({1}, {bottom}), i64({1}, {0}),
                                         i64({1}, {-1})})),
              {0}, {});
  expectReals(
      only(runOperator("Slice", {counting({2, 3}), i64({1}, {1}), i64({1}, {3}),
                                 i64({1}, {-1}), std::nullopt})),
      {2, 2}, {1, 2, 4, 5});
  expectError(runOperator("Slice", {x, i64({1}, {0}), i64({1}, {1}),
                                    i64({1}, {0}), i64({1}, {0})}),
              "'steps' must not be 0");
  expectError(runOperator("Slice", {x, i64({2}, {0, 0}), i64({2}, {1, 1}),
                                    i64({2}, {0, 0}), std::nullopt}),
              "'axes' must name an axis once");
  expectError(runOperator("Slice", {x, i64({1}, {0}), i64({1}, {1}),
                                    i64({1}, {1}), std::nullopt}),
              "'axes' must be in [-1, 1), got 1");
}

TEST(MovementTest, Reshape) {
  expectReals(
      only(runOperator("Reshape", {counting({2, 3}), i64({2}, {0, -1})})),
      {2, 3}, {0, 1, 2, 3, 4, 5});
  expectReals(only(runOperator("Reshape", {counting({2, 3}), i64({1}, {-1})})),
              {6}, {0, 1, 2, 3, 4, 5});
  expectReals(
      only(runOperator("Reshape", {counting({0, 3}), i64({3}, {3, 4, -1})})),
      {3, 4, 0}, {});
  expectReals(only(runOperator("Reshape", {counting({0, 3}), i64({2}, {0, -1})},
                               "{allowzero = 1 : i64}")),
              {0, 0}, {});
  expectReals(only(runOperator("Reshape", {counting({1}), i64({0}, {})})), {},
              {0});
  expectError(runOperator("Reshape", {counting({2, 3}), i64({2}, {4, -1})}),
              "cannot give [2, 3] the shape [4, -1]");
  expectError(runOperator("Reshape", {counting({2, 3}), i64({2}, {-1, -1})}),
              "'shape' must have at most one -1");
  expectError(runOperator("Reshape", {counting({2}), i64({2}, {2, 0})}),
              "'shape' copies dimension 1 of an operand of rank 1");
}

TEST(MovementTest, ShapesAndAxes) {
  expectIntegers(
      only(runOperator("Shape", {counting({2, 3, 4})},
                       "{start = -2 : i64, end = 100 : i64}", {"i64"})),
      {2}, {3, 4});
  expectIntegers(only(runOperator("Size", {counting({2, 3})}, "", {"i64"})), {},
                 {6});
  expectReals(
      only(runOperator("Squeeze", {counting({1, 2, 1}), i64({1}, {-1})})),
      {1, 2}, {0, 1});
  expectReals(only(runOperator("Squeeze", {counting({1, 2, 1}), std::nullopt})),
              {2}, {0, 1});
  expectReals(
      only(runOperator("Unsqueeze", {counting({2}), i64({2}, {0, -1})})),
      {1, 2, 1}, {0, 1});
  expectReals(
      only(runOperator("Flatten", {counting({2, 1, 3})}, "{axis = 2 : i64}")),
      {2, 3}, {0, 1, 2, 3, 4, 5});
  expectError(runOperator("Squeeze", {counting({2}), i64({1}, {0})}),
              "dimension 0 must be 1 to be squeezed, got 2");
  expectError(runOperator("Unsqueeze", {counting({2}), i64({2}, {0, 0})}),
              "'axes' must name an axis once, got axis 0 twice");
}

TEST(MovementTest, Repeats) {
  expectReals(
      only(runOperator("Expand", {counting({2, 1}), i64({3}, {2, 1, 2})})),
      {2, 2, 2}, {0, 0, 1, 1, 0, 0, 1, 1});
  expectReals(only(runOperator("Expand", {counting({1}), i64({1}, {0})})), {0},
              {});
  expectReals(only(runOperator("Tile", {counting({1, 2}), i64({2}, {2, 2})})),
              {2, 4}, {0, 1, 0, 1, 0, 1, 0, 1});
  expectError(runOperator("Expand", {counting({2}), i64({1}, {3})}),
              "cannot expand [2] to [3]");
  expectError(runOperator("Tile", {counting({2}), i64({1}, {-1})}),
              "'repeats' must be 1 counts, got [-1]");
}

TEST(MovementTest, Pad) {
  Tensor x = counting({3});
  auto pad = [&](llvm::StringRef mode, int64_t low, int64_t high) {
    return only(runOperator(
        "Pad", {x, i64({2}, {low, high}), std::nullopt, std::nullopt},
        ("{mode = \"" + mode + "\"}").str()));
  };
  expectReals(only(runOperator(
                  "Pad", {x, i64({2}, {1, 2}), f32({}, {9}), std::nullopt})),
              {6}, {9, 0, 1, 2, 9, 9});
  expectReals(pad("edge", 2, 1), {6}, {0, 0, 0, 1, 2, 2});
  expectReals(pad("reflect", 2, 2), {7}, {2, 1, 0, 1, 2, 1, 0});
  expectReals(pad("wrap", 2, 1), {6}, {1, 2, 0, 1, 2, 0});
  expectReals(pad("constant", -1, 0), {2}, {1, 2});
  expectReals(only(runOperator("Pad", {counting({2, 2}), i64({2}, {0, 1}),
                                       std::nullopt, i64({1}, {-1})})),
              {2, 3}, {0, 1, 0, 2, 3, 0});
  expectError(
      runOperator("Pad", {x, i64({2}, {-2, -2}), std::nullopt, std::nullopt}),
      "'pads' takes more from axis 0 than it has");
  expectError(
      runOperator("Pad", {x, i64({2}, {1, 1}), std::nullopt, std::nullopt},
                  "{mode = \"mirror\"}"),
      "'mode' must be 'constant', 'edge', 'reflect' or 'wrap', got 'mirror'");
}

TEST(MovementTest, Creates) {
  expectIntegers(
      only(runOperator("Range", {i64({}, {5}), i64({}, {-2}), i64({}, {-3})},
                       "", {"i64"})),
      {3}, {5, 2, -1});
  expectIntegers(
      only(runOperator("Range", {i64({}, {3}), i64({}, {3}), i64({}, {1})}, "",
                       {"i64"})),
      {0}, {});
  expectReals(
      only(runOperator("Range", {f32({}, {0}), f32({}, {1}), f32({}, {0.4})})),
      {3}, {0, 0.4, 0.8});
  expectReals(only(runOperator("ConstantOfShape", {i64({2}, {1, 2})})), {1, 2},
              {0, 0});
  expectIntegers(
      only(runOperator("ConstantOfShape", {i64({1}, {2})},
                       "{value = dense<7> : tensor<1xi64>}", {"i64"})),
      {2}, {7, 7});
  expectReals(only(runOperator("EyeLike", {counting({2, 3})}, "{k = 1 : i64}")),
              {2, 3}, {0, 1, 0, 0, 0, 1});
  expectReals(
      only(runOperator("Trilu", {f32({2, 2}, {1, 2, 3, 4}), std::nullopt},
                       "{upper = 0 : i64}")),
      {2, 2}, {1, 0, 3, 4});
  expectReals(
      only(runOperator("Trilu", {f32({2, 2}, {1, 2, 3, 4}), i64({}, {1})})),
      {2, 2}, {0, 2, 0, 0});
  expectError(runOperator("Range", {i64({}, {0}), i64({}, {1}), i64({}, {0})},
                          "", {"i64"}),
              "'delta' must not be 0");
  expectError(runOperator("ConstantOfShape", {i64({1}, {-2})}),
              "no memory for a result of type f32 and shape [-2]");
}
