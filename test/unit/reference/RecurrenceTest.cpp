// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine::reference;

static const std::nullopt_t absent = std::nullopt;

/// Running sums along the second axis of %x, which go to the second axis of the
/// result from its end.
static std::string
scanText(const std::string &attributes,
         const std::string &yielded = "%t, %t : tensor<2xf32>, tensor<2xf32>",
         const std::string &results = "(tensor<2xf32>, tensor<2x?xf32>)") {
  return "func.func @main(%s: tensor<2xf32>, %x: tensor<2x?xf32>) -> "
         "(tensor<2xf32>, tensor<2x?xf32>) {\n  %r:2 = onnx.Scan(%s, %x) {\n  "
         "^bb0(%a: tensor<2xf32>, %b: tensor<2xf32>):\n    %t = onnx.Add(%a, "
         "%b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>\n    "
         "onnx.Yield " +
         yielded + "\n  } attributes {num_scan_inputs = 1 : i64" + attributes +
         "} : (tensor<2xf32>, tensor<2x?xf32>) -> " + results +
         "\n  return %r#0, %r#1 : tensor<2xf32>, tensor<2x?xf32>\n}";
}

TEST(RecurrenceTest, Scan) {
  const std::string columns = ", scan_input_axes = array<i64: 1>, "
                              "scan_output_axes = array<i64: -1>";
  Tensor state = f32({2}, {1, 2}), x = f32({2, 3}, {1, 2, 3, 10, 20, 30});
  Outcome outcome = runText(scanText(columns), {state, x});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {2}, {7, 62});
  expectReals(outcome.results[1], {2, 3}, {2, 4, 7, 12, 32, 62});
  outcome =
      runText(scanText(columns + ", scan_input_directions = array<i64: 1>, "
                                 "scan_output_directions = array<i64: 1>"),
              {state, x});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[1], {2, 3}, {7, 6, 4, 62, 52, 32});
  // Nothing to scan: the type says what a step would give.
  outcome = runText(scanText(columns), {state, f32({2, 0}, {})});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {2}, {1, 2});
  expectReals(outcome.results[1], {2, 0}, {});
  InterpreterOptions few;
  few.maximumIterations = 2;
  expectError(runText(scanText(columns), {state, x}, few),
              "runs for more than 2 iterations");
  expectError(runText(scanText(columns, "%t : tensor<2xf32>"), {state, x}),
              "body must give 2 values, got 1");
}

TEST(RecurrenceTest, ScanOfSeveralInputs) {
  const char *text =
      "func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> "
      "{\n  %r = onnx.Scan(%x, %y) {\n  ^bb0(%a: tensor<f32>, %b: "
      "tensor<f32>):\n    %t = onnx.Add(%a, %b) : (tensor<f32>, tensor<f32>) "
      "-> tensor<f32>\n    onnx.Yield %t : tensor<f32>\n  } attributes "
      "{num_scan_inputs = 2 : i64, scan_input_directions = array<i64: 0, 1>} : "
      "(tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>\n  return %r : "
      "tensor<?xf32>\n}";
  expectReals(only(runText(text, {f32({2}, {1, 2}), f32({2}, {10, 20})})), {2},
              {21, 12});
  expectError(runText(text, {f32({2}, {1, 2}), f32({1}, {10})}),
              "scanned axes must have one size, got 2 and 1");
}

TEST(RecurrenceTest, ScanWithoutItsStates) {
  expectError(
      runText("func.func @main(%s: tensor<f32>, %x: tensor<2xf32>) {\n  "
              "onnx.Scan(%s, %x) {\n  ^bb0(%a: tensor<f32>, %b: tensor<f32>):"
              "\n    onnx.Yield %a : tensor<f32>\n  } attributes "
              "{num_scan_inputs = 1 : i64} : (tensor<f32>, tensor<2xf32>) -> "
              "()\n  return\n}",
              {f32({}, {1}), f32({2}, {1, 2})}),
      "must give at least its 1 states, got 0");
}

TEST(RecurrenceTest, LinearAttention) {
  // Two steps, one head of two rows and one column.
  Tensor query = f32({1, 2, 2}, {1, 0, 1, 1}),
         key = f32({1, 2, 2}, {1, 2, 0, 1}), value = f32({1, 2, 1}, {3, 5});
  const std::string heads = "{q_num_heads = 1 : i64, kv_num_heads = 1 : i64, "
                            "scale = 2.0 : f32, update_rule = ";
  auto run = [&](llvm::StringRef rule, std::optional<Tensor> past,
                 std::optional<Tensor> decay, std::optional<Tensor> beta) {
    return runOperator("LinearAttention",
                       {query, key, value, past, decay, beta},
                       heads + "\"" + rule.str() + "\"}", {"f32", "f32"});
  };
  Outcome outcome = run("linear", absent, absent, absent);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 2, 1}, {6, 28});
  expectReals(outcome.results[1], {1, 1, 2, 1}, {3, 11});
  // Half of the past stays at each step.
  double half = std::log(0.5);
  outcome = run("gated", f32({1, 1, 2, 1}, {4, 8}),
                f32({1, 2, 1}, {half, half}), absent);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[1], {1, 1, 2, 1}, {2.5, 10});
  expectReals(outcome.results[0], {1, 2, 1}, {10, 25});
  // Each step corrects what the state gives for its key.
  outcome = run("delta", absent, absent, f32({1, 2, 1}, {1, 0.5}));
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[1], {1, 1, 2, 1}, {3, 5.5});
  outcome = run("gated_delta", absent, f32({1, 2, 2}, {0, 0, half, 0}),
                f32({1, 2, 1}, {1, 1}));
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[1], {1, 1, 2, 1}, {1.5, 5});

  expectError(run("gated", absent, f32({1, 2, 3}, {0}), absent),
              "'decay' must have 1 or 2 columns, got 3");
  expectError(run("delta", absent, absent, f32({1, 2, 2}, {0})),
              "'beta' must have 1 columns or 1, got 2");
  expectError(run("linear", f32({1, 1, 1, 1}, {0}), absent, absent),
              "past_state");
  key = f32({1, 2, 1}, {0});
  expectError(run("linear", absent, absent, absent),
              "heads of 'query' and 'key' must have one size, got 2 and 1");
  key = f32({1, 3, 2}, {0});
  expectError(run("linear", absent, absent, absent),
              "'key' must have the shape [1, 2, 1 * width], got [1, 3, 2]");
  query = f32({2, 2}, {0});
  expectError(run("linear", absent, absent, absent),
              "needs a 'query' of rank 3 and a multiple of 1 heads, got [2, 2] "
              "and 1");
}

TEST(RecurrenceTest, LinearAttentionSharesHeads) {
  // Two query heads read one state.
  Outcome outcome = runOperator(
      "LinearAttention",
      {f32({1, 1, 2}, {1, 10}), f32({1, 1, 1}, {2}), f32({1, 1, 2}, {3, 4}),
       absent, absent, absent},
      "{q_num_heads = 2 : i64, kv_num_heads = 1 : i64, update_rule = "
      "\"linear\"}",
      {"f32", "f32"});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 4}, {6, 8, 60, 80});
}

TEST(RecurrenceTest, CausalConvWithState) {
  Tensor x = f32({1, 1, 3}, {1, 2, 3}), weight = f32({1, 1, 3}, {100, 10, 1});
  auto run = [&](std::optional<Tensor> bias, std::optional<Tensor> past,
                 llvm::StringRef attributes = "") {
    return runOperator("CausalConvWithState", {x, weight, bias, past},
                       attributes, {"f32", "f32"});
  };
  Outcome outcome = run(absent, absent);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 3}, {1, 12, 123});
  expectReals(outcome.results[1], {1, 1, 2}, {2, 3});
  outcome = run(f32({1}, {1000}), f32({1, 1, 2}, {8, 9}));
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 3}, {1891, 1912, 1123});
  outcome = run(f32({1}, {-2}), absent, "{activation = \"silu\"}");
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  EXPECT_NEAR(outcome.results[0].real(0), -1 / (1 + std::exp(1.0)), 1e-6);
  // Shorter than the state.
  x = f32({1, 1, 1}, {7});
  outcome = run(absent, f32({1, 1, 2}, {8, 9}));
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[1], {1, 1, 2}, {9, 7});
  weight = f32({2, 1, 3}, {0});
  expectError(run(absent, absent),
              "needs an 'input' [batch, channels, length] and a 'weight' "
              "[channels, 1, taps], got [1, 1, 1] and [2, 1, 3]");
}

TEST(RecurrenceTest, ReverseSequence) {
  Tensor x = f32({3, 2}, {0, 1, 2, 3, 4, 5});
  auto run = [&](Tensor lengths, llvm::StringRef attributes) {
    return runOperator("ReverseSequence", {x, lengths}, attributes);
  };
  const char *time = "{batch_axis = 1 : i64, time_axis = 0 : i64}",
             *batch = "{batch_axis = 0 : i64, time_axis = 1 : i64}";
  expectReals(only(run(i64({2}, {3, 2}), time)), {3, 2}, {4, 3, 2, 1, 0, 5});
  expectReals(only(run(i64({3}, {2, 1, 0}), batch)), {3, 2},
              {1, 0, 2, 3, 4, 5});
  expectError(run(i64({2}, {4, 1}), time),
              "'sequence_lens' must be in [0, 3], got 4");
  expectError(run(i64({2}, {1, 1}), "{batch_axis = 1 : i64, time_axis = 1 : "
                                    "i64}"),
              "needs an 'input' of rank 2 or more and the axes 0 and 1, got "
              "[3, 2] and the axes 1 and 1");
}
