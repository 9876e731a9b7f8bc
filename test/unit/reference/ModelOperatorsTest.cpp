// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operators of com.microsoft for experts and Engram, and control flow.
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const char hashAttributes[] =
    "{max_ngram_size = 3 : i64, n_head_per_ngram = 1 : i64, pad_id = 2 : i64}";

TEST(EngramTest, HashesWithHistory) {
  // Multipliers 3, 5, 7; sizes 11 and 13. Order 2: 3 w0 ^ 5 w1; order 3: that ^
  // 7 w2.
  Tensor multipliers = i64({3}, {3, 5, 7}), sizes = i64({2}, {11, 13});
  auto row = [](int64_t w0, int64_t w1, int64_t w2) {
    int64_t second = 3 * w0 ^ 5 * w1;
    return std::pair<int64_t, int64_t>(second % 11, (second ^ 7 * w2) % 13);
  };
  Outcome outcome =
      runOperator("com.microsoft.NGramHashMapping",
                  {i64({1, 2}, {4, 9}), multipliers, sizes, i64({1, 2}, {6, 8}),
                   std::nullopt, std::nullopt, std::nullopt},
                  hashAttributes, {"i64", "i64"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  auto [a, b] = row(4, 8, 6);
  auto [c, d] = row(9, 4, 8);
  expectIntegers(outcome.results[0], {1, 2, 2}, {a, b, c, d});
  expectIntegers(outcome.results[1], {1, 2}, {4, 9});
  // Without a history there is padding, and an empty step hands the history on.
  outcome = runOperator("com.microsoft.NGramHashMapping",
                        {i64({1, 1}, {4}), multipliers, sizes, std::nullopt,
                         i64({2}, {100, 200}), std::nullopt, std::nullopt},
                        hashAttributes, {"i64", "i64"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  auto [e, f] = row(4, 2, 2);
  expectIntegers(outcome.results[0], {1, 1, 2}, {100 + e, 200 + f});
  expectIntegers(outcome.results[1], {1, 2}, {2, 4});
  outcome =
      runOperator("com.microsoft.NGramHashMapping",
                  {i64({1, 0}, {}), multipliers, sizes, i64({1, 2}, {6, 8}),
                   std::nullopt, std::nullopt, std::nullopt},
                  hashAttributes, {"i64", "i64"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[1], {1, 2}, {6, 8});
}

TEST(EngramTest, HashesNeverAreNegative) {
  // The product wraps to a negative number; the remainder is that of a positive
  // divisor.
  Outcome outcome = runOperator(
      "com.microsoft.NGramHashMapping",
      {i64({1, 1}, {3}), i64({3}, {std::numeric_limits<int64_t>::max(), 0, 0}),
       i64({2}, {11, 13}), std::nullopt, std::nullopt, std::nullopt,
       std::nullopt},
      hashAttributes, {"i64", "i64"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  // 3 (2^63 - 1) wraps to 2^63 - 3.
  int64_t mixed = std::numeric_limits<int64_t>::max() - 2;
  expectIntegers(outcome.results[0], {1, 1, 2}, {mixed % 11, mixed % 13});
  outcome = runOperator("com.microsoft.NGramHashMapping",
                        {i64({1, 1}, {2}),
                         i64({3}, {std::numeric_limits<int64_t>::max(), 0, 0}),
                         i64({2}, {11, 13}), std::nullopt, std::nullopt,
                         std::nullopt, std::nullopt},
                        hashAttributes, {"i64", "i64"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[0], {1, 1, 2},
                 {9, 11}); // -2 mod 11 and mod 13
  expectError(
      runOperator("com.microsoft.NGramHashMapping",
                  {i64({1, 1}, {3}), i64({2}, {1, 1}), i64({2}, {11, 13}),
                   std::nullopt, std::nullopt, std::nullopt, std::nullopt},
                  hashAttributes, {"i64", "i64"}),
      "needs 3 multipliers or more, and 2 sizes and offsets, got 2, 2 "
      "and 0");
  expectError(
      runOperator("com.microsoft.NGramHashMapping",
                  {i64({1, 1}, {3}), i64({3}, {1, 1, 1}), i64({2}, {11, 0}),
                   std::nullopt, std::nullopt, std::nullopt, std::nullopt},
                  hashAttributes, {"i64", "i64"}),
      "'vocab_sizes' must be positive, got 0 at element 1");
}

TEST(EngramTest, HashesStopAtEndsAndSegments) {
  // With the multipliers 1, 10 and 100 and no carry between digits, order 3
  // shows the three tokens that were hashed; what ONNX Runtime 1.31 gives.
  auto run = [](llvm::ArrayRef<int64_t> ids, std::optional<Tensor> past,
                std::optional<Tensor> end, std::optional<Tensor> segments,
                int64_t reset) {
    Outcome outcome = runOperator(
        "com.microsoft.NGramHashMapping",
        {i64({1, int64_t(ids.size())}, ids), i64({4}, {1, 16, 256, 0}),
         i64({2}, {4096, 4096}), past, std::nullopt, end, segments},
        "{max_ngram_size = 3 : i64, n_head_per_ngram = 1 : i64, pad_id = 9 : "
        "i64, reset_on_eos = " +
            std::to_string(reset) + " : i64}",
        {"i64", "i64"});
    EXPECT_TRUE(outcome.succeeded) << outcome.errors;
    llvm::SmallVector<int64_t> windows;
    for (int64_t t = 0; t < int64_t(ids.size()); ++t)
      windows.push_back(outcome.results[0].integer(2 * t + 1));
    return windows;
  };
  using testing::ElementsAre;
  Tensor end = i64({}, {2});
  Tensor segments =
      Tensor::fromIntegers(ElementType::I32, {1, 4}, {5, 5, 6, 6});
  // Digits from the right: the token, the one before, the one before that.
  EXPECT_THAT(run({1, 2, 3, 4}, std::nullopt, std::nullopt, std::nullopt, 0),
              ElementsAre(0x991, 0x912, 0x123, 0x234));
  // Given the token, it stands for what is missing, also without a reset.
  EXPECT_THAT(run({1, 2, 3, 4}, std::nullopt, end, std::nullopt, 0),
              ElementsAre(0x221, 0x212, 0x123, 0x234));
  EXPECT_THAT(run({1, 2, 3, 4}, std::nullopt, end, std::nullopt, 1),
              ElementsAre(0x221, 0x212, 0x223, 0x234));
  // An end in the history hides what lies before it.
  EXPECT_THAT(run({1, 3}, i64({1, 2}, {7, 2}), end, std::nullopt, 1),
              ElementsAre(0x221, 0x213));
  EXPECT_THAT(run({1, 3}, i64({1, 2}, {2, 7}), end, std::nullopt, 1),
              ElementsAre(0x271, 0x713));
  // Segments end within the step only: the history belongs to the first.
  EXPECT_THAT(run({1, 3, 4, 5}, i64({1, 2}, {7, 8}), std::nullopt, segments, 0),
              ElementsAre(0x781, 0x813, 0x994, 0x945));
  EXPECT_THAT(run({1, 3, 4, 5}, i64({1, 2}, {7, 8}), end, segments, 0),
              ElementsAre(0x781, 0x813, 0x224, 0x245));
  expectError(
      runOperator("com.microsoft.NGramHashMapping",
                  {i64({1, 1}, {3}), i64({2}, {1, 1}), i64({1}, {11}),
                   std::nullopt, std::nullopt, i64({2}, {1, 1}), std::nullopt},
                  "{max_ngram_size = 2 : i64, n_head_per_ngram = 1 : "
                  "i64, pad_id = 0 : i64}",
                  {"i64", "none"}),
      "'eos_token_id' must have shape [], got [2]");
}

TEST(EngramTest, HashesOfNarrowIdsWrapInTheirType) {
  auto narrow = [](llvm::ArrayRef<int64_t> shape,
                   llvm::ArrayRef<int64_t> values) {
    return Tensor::fromIntegers(ElementType::I32, shape, values);
  };
  // 3 * 2^31 - 3 wraps to 2^31 - 3; the remainder is that of a signed number.
  Outcome outcome = runOperator(
      "com.microsoft.NGramHashMapping",
      {narrow({1, 1}, {3}), narrow({2}, {2147483647, 0}), narrow({1}, {1000}),
       std::nullopt, std::nullopt, std::nullopt, std::nullopt},
      "{max_ngram_size = 2 : i64, n_head_per_ngram = 1 : i64, pad_id = 0 : "
      "i64}",
      {"i32", "none"});
  expectIntegers(only(outcome), {1, 1, 1}, {645});
}

TEST(EngramTest, Gates) {
  // Keys and queries of equal elements have norm one per element: the dot
  // product is the sum of products of the scales.
  Tensor key = f32({1, 1, 2, 2}, {3, 3, -3, -3}),
         query = f32({1, 1, 2, 2}, {2, 2, 2, 2}),
         value = f32({1, 1, 2}, {1, 10}), ones = f32({2, 2}, {1, 1, 1, 1});
  Outcome outcome =
      runOperator("com.microsoft.EngramGate", {key, query, value, ones, ones},
                  "{epsilon = 0.0 : f32}");
  double gate = std::sqrt(2 / std::sqrt(2.0)), open = 1 / (1 + std::exp(-gate)),
         shut = 1 / (1 + std::exp(gate));
  expectReals(only(outcome), {1, 1, 2, 2}, {open, 10 * open, shut, 10 * shut});
  expectError(runOperator("com.microsoft.EngramGate",
                          {key, query, f32({1, 1, 3}, {1, 2, 3}), ones, ones}),
              "'key' and 'query' must be [B, S, M, D]");
}

TEST(MixtureOfExpertsTest, RoutesAndSums) {
  // Experts scale by 1, 10 and 100; logits 0, ln 2, ln 4 give weights 1/7, 2/7,
  // 4/7.
  Tensor x = f32({1, 1}, {1}),
         router = f32({1, 3}, {0, std::log(2.0), std::log(4.0)}),
         first = f32({3, 1, 1}, {1, 10, 100}),
         second = f32({3, 1, 1}, {1, 1, 1});
  auto moe = [&](llvm::StringRef attributes) {
    return runOperator("com.microsoft.MoE",
                       {x, router, first, std::nullopt, second, std::nullopt,
                        std::nullopt, std::nullopt},
                       attributes);
  };
  expectReals(only(moe("{k = 2 : i64}")), {1, 1}, {420.0 / 7});
  expectReals(only(moe("{k = 2 : i64, normalize_routing_weights = 1 : i64}")),
              {1, 1}, {(10.0 + 200) / 3});
  // GELU is the form with tanh, as in ONNX Runtime: at 1 that is 0.841192,
  // while the exact one is 0.841345.
  Outcome gelu =
      runOperator("com.microsoft.MoE",
                  {x, f32({1, 3}, {9, 0, 0}), first, std::nullopt, second,
                   std::nullopt, std::nullopt, std::nullopt},
                  "{k = 1 : i64, normalize_routing_weights = 1 : i64, "
                  "activation_type = \"gelu\"}");
  expectReals(only(gelu), {1, 1}, {0.8411919906});
  // SwiGLU, interleaved: gate 1 and linear 2 for each expert.
  Tensor pairs = f32({3, 2, 1}, {1, 2, 1, 2, 1, 2});
  Outcome swiglu =
      runOperator("com.microsoft.MoE",
                  {x, router, pairs, std::nullopt, second, std::nullopt,
                   std::nullopt, std::nullopt},
                  "{k = 3 : i64, activation_type = \"swiglu\", swiglu_fusion = "
                  "1 : i64, activation_beta = 1.0 : f32}");
  expectReals(only(swiglu), {1, 1}, {3 / (1 + std::exp(-1.0))});
  expectError(moe("{k = 4 : i64}"), "'k' lie in [1, 3], got 1 and 4");
  expectError(moe("{k = 1 : i64, activation_type = \"tanh\"}"),
              "'activation_type' must be");
}

TEST(ControlFlowTest, If) {
  const char *text =
      "func.func @main(%c: tensor<i1>, %x: tensor<2xf32>) -> tensor<2xf32> {\n"
      "  %r = onnx.If(%c) {\n    %n = onnx.Neg(%x) : (tensor<2xf32>) -> "
      "tensor<2xf32>\n    onnx.Yield %n : tensor<2xf32>\n"
      "  } {\n    onnx.Yield %x : tensor<2xf32>\n  } : (tensor<i1>) -> "
      "tensor<2xf32>\n  return %r : tensor<2xf32>\n}";
  expectReals(only(runText(text, {booleans({}, {1}), f32({2}, {1, 2})})), {2},
              {1, 2}); // the else branch comes first in the text
  expectReals(only(runText(text, {booleans({}, {0}), f32({2}, {1, 2})})), {2},
              {-1, -2});
}

static const char loopText[] =
    "func.func @main(%m: tensor<i64>, %c: tensor<i1>, %x: tensor<i64>) -> "
    "(tensor<i64>, tensor<?xi64>) {\n"
    "  %r:2 = onnx.Loop(%m, %c, %x) {\n  ^bb0(%i: tensor<i64>, %go: "
    "tensor<i1>, %a: tensor<i64>):\n"
    "    %s = onnx.Add(%a, %i) : (tensor<i64>, tensor<i64>) -> tensor<i64>\n"
    "    %limit = onnx.Constant dense<20> : tensor<i64>\n"
    "    %more = onnx.Less(%s, %limit) : (tensor<i64>, tensor<i64>) -> "
    "tensor<i1>\n"
    "    onnx.Yield %more, %s, %s : tensor<i1>, tensor<i64>, tensor<i64>\n"
    "  } : (tensor<i64>, tensor<i1>, tensor<i64>) -> (tensor<i64>, "
    "tensor<?xi64>)\n"
    "  return %r#0, %r#1 : tensor<i64>, tensor<?xi64>\n}";

TEST(ControlFlowTest, Loop) {
  Outcome outcome =
      runText(loopText, {i64({}, {4}), booleans({}, {1}), i64({}, {5})});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[0], {}, {11});
  expectIntegers(outcome.results[1], {4}, {5, 6, 8, 11});
  outcome = runText(loopText, {i64({}, {100}), booleans({}, {1}),
                               i64({}, {18})}); // stops by its condition
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[1], {3}, {18, 19, 21});
  outcome = runText(loopText, {i64({}, {100}), booleans({}, {0}),
                               i64({}, {18})}); // never runs
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[0], {}, {18});
  expectIntegers(outcome.results[1], {0}, {});
  InterpreterOptions few;
  few.maximumIterations = 2;
  expectError(
      runText(loopText, {i64({}, {100}), booleans({}, {1}), i64({}, {0})}, few),
      "runs for more than 2 iterations");
}

TEST(InterpreterTest, Errors) {
  const char *text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n  "
                     "return %x : tensor<2xf32>\n}";
  expectError(runText(text, {}), "expects 1 inputs, got 0");
  expectError(runText(text, {f32({3}, {1, 2, 3})}),
              "input 0 must have the type 'tensor<2xf32>', got f32 of shape "
              "[3]");
  expectError(runText(text, {i64({2}, {1, 2})}),
              "input 0 must have the type 'tensor<2xf32>', got i64");
  expectError(
      runText("func.func @main() -> tensor<2xf32> {\n  %w = onnx.Initializer "
              "\"w\" from \"missing.bin\" at 0 length 8 : tensor<2xf32>\n"
              "  return %w : tensor<2xf32>\n}",
              {}),
      "cannot read its weights: file 'missing.bin' cannot be opened");
  expectError(runText("func.func @main(%x: tensor<2xf32>) -> tensor<3xf32> {\n "
                      " %e = onnx.Exp(%x) : (tensor<2xf32>) -> tensor<3xf32>\n"
                      "  return %e : tensor<3xf32>\n}",
                      {f32({2}, {1, 2})}),
              "result 0 must have the type 'tensor<3xf32>', got shape [2]");
}
