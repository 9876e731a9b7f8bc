// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"

using namespace mlir::trine::reference;

TEST(ProductTest, MatMul) {
  Tensor a = f32({2, 2}, {1, 2, 3, 4}), b = f32({2, 1}, {5, 6});
  expectReals(only(runOperator("MatMul", {a, b})), {2, 1}, {17, 39});
  expectReals(only(runOperator("MatMul", {f32({2}, {1, 2}), a})), {2}, {7, 10});
  expectReals(only(runOperator("MatMul", {f32({2}, {1, 2}), f32({2}, {3, 4})})),
              {}, {11});
  expectReals(only(runOperator("MatMul", {f32({2, 1, 2}, {1, 0, 0, 1}), a})),
              {2, 1, 2}, {1, 2, 3, 4});
  expectReals(only(runOperator("MatMul", {f32({0, 2}, {}), a})), {0, 2}, {});
  expectReals(only(runOperator("MatMul", {f32({1, 0}, {}), f32({0, 2}, {})})),
              {1, 2}, {0, 0}); // an empty sum is 0
  expectIntegers(
      only(runOperator("MatMul", {i64({1, 2}, {1, 2}), i64({2, 1}, {3, 4})}, "",
                       {"i64"})),
      {1, 1}, {11});
  expectError(runOperator("MatMul", {a, f32({3, 1}, {1, 2, 3})}),
              "cannot multiply shapes [2, 2] and [3, 1]");
}

TEST(ProductTest, Gemm) {
  Tensor a = f32({2, 1}, {1, 2}), b = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  expectReals(only(runOperator(
                  "Gemm", {a, b, f32({3}, {1, 1, 1})},
                  "{transA = 1 : i64, alpha = 2.0 : f32, beta = 0.5 : f32}")),
              {1, 3}, {18.5, 24.5, 30.5});
  expectReals(
      only(runOperator("Gemm", {f32({1, 3}, {1, 1, 1}), b, std::nullopt},
                       "{transB = 1 : i64}")),
      {1, 2}, {6, 15});
  expectError(runOperator("Gemm", {a, b, std::nullopt}),
              "cannot multiply shapes [2, 1] and [2, 3]");
  expectError(
      runOperator("Gemm", {a, b, f32({2}, {1, 2})}, "{transA = 1 : i64}"),
      "'C' must broadcast to [1, 3], got [2]");
}

TEST(ProductTest, RoundsOnce) {
  // In bfloat16 256 + 1 is 256; a sum that is rounded at the end alone keeps
  // all ones.
  Tensor ones = Tensor::fromReals(ElementType::BF16, {1, 512}, {1});
  EXPECT_EQ(
      only(runOperator("MatMul", {ones, ones.reshaped({512, 1})}, "", {"bf16"}))
          .real(0),
      512);
}

TEST(ProductTest, Einsum) {
  Tensor a = f32({2, 2}, {1, 2, 3, 4}), b = f32({2, 2}, {5, 6, 7, 8});
  expectReals(
      only(runOperator("Einsum", {a, b}, "{equation = \"ij, jk -> ik\"}")),
      {2, 2}, {19, 22, 43, 50});
  expectReals(only(runOperator("Einsum", {a}, "{equation = \"ii\"}")), {}, {5});
  expectReals(only(runOperator("Einsum", {a}, "{equation = \"ij->ji\"}")),
              {2, 2}, {1, 3, 2, 4});
  expectReals(only(runOperator("Einsum", {a, b}, "{equation = \"...j,...j\"}")),
              {2}, {17, 53});
  expectReals(only(runOperator("Einsum", {f32({2, 1, 2}, {1, 2, 3, 4}), b},
                               "{equation = \"b...d,de->b...e\"}")),
              {2, 1, 2}, {19, 22, 43, 50});
  expectReals(only(runOperator("Einsum", {f32({2, 0}, {}), f32({0, 1}, {})},
                               "{equation = \"ij,jk->ik\"}")),
              {2, 1}, {0, 0});
  expectError(runOperator("Einsum", {a, f32({3, 2}, {0, 0, 0, 0, 0, 0})},
                          "{equation = \"ij,jk\"}"),
              "sizes of one index of 'equation' must agree");
  expectError(runOperator("Einsum", {a}, "{equation = \"ij,jk\"}"),
              "'equation' must have 1 terms, got 'ij,jk'");
  expectError(runOperator("Einsum", {a}, "{equation = \"ijk\"}"),
              "term 'ijk' of 'equation' must have 2 indices");
  expectError(runOperator("Einsum", {a}, "{equation = \"ij->ik\"}"),
              "index 'k' of the result of 'equation' is in no operand");
}

TEST(ProductTest, Conv) {
  Tensor x = f32({1, 1, 4}, {1, 2, 3, 4}), w = f32({1, 1, 2}, {1, 10});
  expectReals(only(runOperator("Conv", {x, w, std::nullopt})), {1, 1, 3},
              {21, 32, 43});
  expectReals(
      only(runOperator("Conv", {x, w, f32({1}, {0.5})},
                       "{pads = array<i64: 1, 0>, strides = array<i64: 2>}")),
      {1, 1, 2}, {10.5, 32.5});
  // Dilated, causal, depthwise: what Engram uses.
  expectReals(only(runOperator("Conv",
                               {f32({1, 2, 3}, {1, 2, 3, 4, 5, 6}),
                                f32({2, 1, 2}, {1, 10, 2, 20}), std::nullopt},
                               "{group = 2 : i64, dilations = array<i64: 2>, "
                               "pads = array<i64: 2, 0>}")),
              {1, 2, 3}, {10, 20, 31, 80, 100, 128});
  expectReals(only(runOperator("Conv",
                               {f32({1, 1, 2, 2}, {1, 2, 3, 4}),
                                f32({1, 1, 2, 2}, {1, 1, 1, 1}), std::nullopt},
                               "{auto_pad = \"SAME_UPPER\"}")),
              {1, 1, 2, 2}, {10, 6, 7, 4});
  expectError(
      runOperator("Conv", {x, f32({1, 2, 2}, {1, 1, 1, 1}), std::nullopt}),
      "does not fit 1 channels in 1 groups");
  expectError(
      runOperator("Conv", {x, w, std::nullopt}, "{strides = array<i64: 0>}"),
      "'strides' must have 1 values of at least 1, got [0]");
}
