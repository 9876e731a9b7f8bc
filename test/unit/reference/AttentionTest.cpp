// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention and rotary embedding. The many combinations of modes are covered by
// the ONNX node tests (test/Conformance); here are the points on which
// implementations differ.
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const double infinity = std::numeric_limits<double>::infinity();

/// One batch and one head of width 1, keys 1 and 2, values 10 and 20.
static std::vector<std::optional<Tensor>> smallAttention(int64_t queries) {
  return {f32({1, 1, queries, 1}, std::vector<double>(queries, 1.0)),
          f32({1, 1, 2, 1}, {1, 2}),
          f32({1, 1, 2, 1}, {10, 20}),
          std::nullopt,
          std::nullopt,
          std::nullopt,
          std::nullopt};
}

static const std::vector<llvm::StringRef> onlyY = {"f32", "none", "none",
                                                   "none"};

TEST(AttentionTest, WeighsValues) {
  double first = 1 / (1 + std::exp(1.0));
  expectReals(only(runOperator("Attention", smallAttention(1),
                               "{scale = 1.0 : f32}", onlyY)),
              {1, 1, 1, 1}, {10 * first + 20 * (1 - first)});
}

TEST(AttentionTest, CausalIsAlignedWithThePast) {
  // Without a past query 0 sees key 0 only. With one row of past it sees that
  // row and its own.
  expectReals(
      only(runOperator("Attention", smallAttention(2),
                       "{scale = 0.0 : f32, is_causal = 1 : i64}", onlyY)),
      {1, 1, 2, 1}, {10, 15});
  std::vector<std::optional<Tensor>> operands = smallAttention(2);
  operands[4] = f32({1, 1, 1, 1}, {0});
  operands[5] = f32({1, 1, 1, 1}, {60});
  Outcome outcome = runOperator("Attention", operands,
                                "{scale = 0.0 : f32, is_causal = 1 : i64}",
                                {"f32", "f32", "f32", "none"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 2, 1}, {35, 30});
  expectReals(outcome.results[1], {1, 1, 3, 1}, {0, 1, 2});
  expectReals(outcome.results[2], {1, 1, 3, 1}, {60, 10, 20});
}

TEST(AttentionTest, RowsWithoutKeysGiveZero) {
  std::vector<std::optional<Tensor>> operands = smallAttention(2);
  operands[3] = booleans({2, 2}, {0, 0, 1, 0});
  expectReals(only(runOperator("Attention", operands, "", onlyY)), {1, 1, 2, 1},
              {0, 10});
  operands[3] = f32({2, 2}, {-infinity, -infinity, 0, -infinity});
  expectReals(only(runOperator("Attention", operands, "", onlyY)), {1, 1, 2, 1},
              {0, 10});
  operands[3] = std::nullopt;
  operands[6] = i64({1}, {0});
  expectReals(only(runOperator("Attention", operands, "", onlyY)), {1, 1, 2, 1},
              {0, 0});
}

TEST(AttentionTest, CapsBeforeMasking) {
  std::vector<std::optional<Tensor>> operands = smallAttention(1);
  operands[3] = f32({1, 2}, {0, -infinity});
  for (int mode = 0; mode < 4; ++mode) {
    Outcome outcome = runOperator(
        "Attention", operands,
        "{scale = 1.0 : f32, softcap = 2.0 : f32, qk_matmul_output_mode = " +
            std::to_string(mode) + " : i64}",
        {"f32", "none", "none", "f32"});
    ASSERT_TRUE(outcome.succeeded) << outcome.errors;
    expectReals(outcome.results[0], {1, 1, 1, 1}, {10});
    double capped = 2 * std::tanh(0.5), other = 2 * std::tanh(1.0);
    std::vector<double> expected[] = {
        {1, 2}, {capped, other}, {capped, -infinity}, {1, 0}};
    expectReals(outcome.results[1], {1, 1, 1, 2}, expected[mode]);
  }
}

TEST(AttentionTest, GroupsHeadsAndTakesThreeDimensions) {
  // Four query heads on two key heads: heads 0 and 1 use the first, 2 and 3 the
  // second. One key each, so values come through.
  Outcome outcome =
      runOperator("Attention",
                  {f32({1, 1, 4}, {1, 1, 1, 1}), f32({1, 1, 2}, {1, 1}),
                   f32({1, 1, 4}, {1, 2, 3, 4}), std::nullopt, std::nullopt,
                   std::nullopt, std::nullopt},
                  "{q_num_heads = 4 : i64, kv_num_heads = 2 : i64}", onlyY);
  expectReals(only(outcome), {1, 1, 8}, {1, 2, 1, 2, 3, 4, 3, 4});
}

TEST(AttentionTest, Errors) {
  std::vector<std::optional<Tensor>> operands = smallAttention(1);
  operands[2] = f32({1, 1, 3, 1}, {1, 2, 3});
  expectError(runOperator("Attention", operands, "", onlyY),
              "'Q', 'K' and 'V' of shapes [1, 1, 1, 1], [1, 1, 2, 1] and [1, "
              "1, 3, 1] do not fit");
  operands = smallAttention(1);
  operands[3] = f32({1, 3}, {0, 0, 0});
  expectError(runOperator("Attention", operands, "", onlyY),
              "'attn_mask' must be bool or float and broadcast to [1, 1, 1, "
              "2], got [1, 3]");
  operands = smallAttention(1);
  operands[4] = f32({1, 1, 1, 2}, {0, 0});
  expectError(
      runOperator("Attention", operands, "", onlyY),
      "'past_key' must have the shape [1, 1, past, 1], got [1, 1, 1, 2]");
  expectError(runOperator("Attention", smallAttention(1),
                          "{qk_matmul_output_mode = 4 : i64}", onlyY),
              "'qk_matmul_output_mode' must be in [0, 3], got 4");
}

TEST(RotaryTest, RotatesPairs) {
  // A quarter turn maps (a, b) to (-b, a).
  Tensor x = f32({1, 1, 1, 4}, {1, 2, 3, 4}), cos = f32({1, 1, 2}, {0, 1}),
         sin = f32({1, 1, 2}, {1, 0});
  expectReals(only(runOperator("RotaryEmbedding", {x, cos, sin, std::nullopt})),
              {1, 1, 1, 4}, {-3, 2, 1, 4});
  expectReals(only(runOperator("RotaryEmbedding", {x, cos, sin, std::nullopt},
                               "{interleaved = 1 : i64}")),
              {1, 1, 1, 4}, {-2, 1, 3, 4});
  Tensor one = f32({1, 1, 1}, {0}), quarter = f32({1, 1, 1}, {1});
  expectReals(
      only(runOperator("RotaryEmbedding", {x, one, quarter, std::nullopt},
                       "{rotary_embedding_dim = 2 : i64}")),
      {1, 1, 1, 4}, {-2, 1, 3, 4});
  Tensor table = f32({2, 2}, {1, 1, 0, 0}), sines = f32({2, 2}, {0, 0, 1, 1});
  expectReals(only(runOperator("RotaryEmbedding",
                               {f32({1, 2, 4}, {1, 2, 3, 4, 1, 2, 3, 4}), table,
                                sines, i64({1, 2}, {1, 0})},
                               "{num_heads = 1 : i64}")),
              {1, 2, 4}, {-3, -4, 1, 2, 1, 2, 3, 4});
  expectReals(only(runOperator(
                  "com.microsoft.RotaryEmbedding",
                  {f32({1, 1, 4}, {1, 2, 3, 4}), i64({1}, {1}), table, sines})),
              {1, 1, 4}, {-3, -4, 1, 2});
  expectError(
      runOperator("RotaryEmbedding", {x, table, sines, i64({1, 1}, {2})}),
      "'position_ids' must lie in [0, 2), got 2");
  expectError(runOperator("RotaryEmbedding", {x, one, sines, std::nullopt}),
              "'cos_cache' and 'sin_cache' must have one shape that ends in 2");
  expectError(
      runOperator("com.microsoft.RotaryEmbedding",
                  {f32({1, 1, 4}, {1, 2, 3, 4}), i64({1}, {1}), table, sines},
                  "{scale = 2.0 : f32}"),
      "'scale' must be 1, got 2");
}
