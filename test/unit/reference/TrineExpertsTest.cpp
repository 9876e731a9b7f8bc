// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The trine.moe ops.
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static Outcome route(const std::string &options, llvm::ArrayRef<Tensor> inputs,
                     const std::string &more = "",
                     const std::string &moreUses = "") {
  const std::string types = "tensor<?x?xi64>, tensor<?x?xf32>";
  return runText("func.func @main(%x: tensor<?x?xf32>" + more + ") -> (" +
                     types + ") {\n  %i, %w = trine.moe.route %x " + moreUses +
                     " scoring " + options + " : tensor<?x?xf32> -> " + types +
                     "\n  return %i, %w : " + types + "\n}",
                 inputs);
}

static void expectRoute(const Outcome &outcome, llvm::ArrayRef<int64_t> ids,
                        llvm::ArrayRef<double> weights) {
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  int64_t k = outcome.results[0].getDim(1),
          tokens = static_cast<int64_t>(ids.size()) / k;
  expectIntegers(outcome.results[0], {tokens, k}, ids);
  expectReals(outcome.results[1], {tokens, k}, weights);
}

static const char oneGroup[] = " groups 1 keep 1 by max masked zero ";

TEST(TrineRouteTest, Scoring) {
  Tensor logits = f32({1, 3}, {0, std::log(4.0), std::log(2.0)});
  auto run = [&](const std::string &scoring, const std::string &rest) {
    return route(scoring + " k 2" + oneGroup + rest, {logits});
  };
  expectRoute(run("softmax", "epsilon 0.0 scale 1.0 after_division"), {1, 2},
              {4.0 / 7, 2.0 / 7});
  expectRoute(
      run("softmax", "renormalize epsilon 0.0 scale 3.0 after_division"),
      {1, 2}, {2, 1});
  expectRoute(run("softmax_top_k", "epsilon 0.0 scale 1.0 after_division"),
              {1, 2}, {2.0 / 3, 1.0 / 3});
  expectRoute(run("sigmoid_top_k", "epsilon 0.0 scale 1.0 after_division"),
              {1, 2}, {0.8, 2.0 / 3});
  expectRoute(run("sigmoid", "epsilon 0.0 scale 2.0 before_division"), {1, 2},
              {2 * 0.8, 2 * 2.0 / 3});
  // The sum is that of the scores before they are scaled.
  expectRoute(
      run("sigmoid", "renormalize epsilon 1.0 scale 2.0 before_division"),
      {1, 2}, {1.6 / (0.8 + 2.0 / 3 + 1), 4.0 / 3 / (0.8 + 2.0 / 3 + 1)});
  expectRoute(run("sqrt_softplus", "epsilon 0.0 scale 1.0 after_division"),
              {1, 2}, {std::sqrt(std::log(5.0)), std::sqrt(std::log(3.0))});
}

TEST(TrineRouteTest, Rounded) {
  // 0.8 and 2/3 in f16, their sum and the quotients, each rounded to f16.
  const std::string types = "tensor<?x?xi64>, tensor<?x?xf32>";
  auto run = [&](const std::string &rounded) {
    return runText(
        "func.func @main(%x: tensor<?x?xf32>) -> (" + types +
            ") {\n  %h = onnx.Cast(%x) {to = 10 : i64} : (tensor<?x?xf32>) -> "
            "tensor<?x?xf16>\n  %i, %w = trine.moe.route %h scoring sigmoid k "
            "2" +
            oneGroup + "renormalize epsilon 0.0 scale 1.0 after_division " +
            rounded + " : tensor<?x?xf16> -> " + types +
            "\n  return %i, %w : " + types + "\n}",
        {f32({1, 3}, {0, 1.38671875, 0.693359375})});
  };
  expectRoute(run("rounded"), {1, 2}, {0.54541015625, 0.454345703125});
  // Two scores that differ in f32 only are a tie.
  Outcome tie = runText(
      "func.func @main(%x: tensor<?x?xf32>) -> (" + types +
          ") {\n  %h = onnx.Cast(%x) {to = 10 : i64} : (tensor<?x?xf32>) -> "
          "tensor<?x?xf16>\n  %i, %w = trine.moe.route %h scoring sigmoid k 1" +
          oneGroup +
          "epsilon 0.0 scale 1.0 after_division rounded : "
          "tensor<?x?xf16> -> " +
          types + "\n  return %i, %w : " + types + "\n}",
      {f32({1, 2}, {9, 10})});
  expectRoute(tie, {0}, {1});
}

TEST(TrineRouteTest, TiesAndBias) {
  const std::string rest =
      std::string(" k 2") + oneGroup + "epsilon 0.0 scale 1.0 after_division";
  // In single precision all of these have the score one.
  expectRoute(route("sigmoid" + rest, {f32({1, 4}, {-1, 40, 60, 50})}), {1, 2},
              {1, 1});
  // The bias chooses but does not weigh.
  expectRoute(route("sigmoid" + rest,
                    {f32({2, 3}, {0, 0, 0, 9, 9, 9}), f32({3}, {0, 1, 2})},
                    ", %b: tensor<?xf32>", "bias(%b : tensor<?xf32>)"),
              {2, 1, 2, 1},
              {0.5, 0.5, 1 / (1 + std::exp(-9.0)), 1 / (1 + std::exp(-9.0))});
  expectError(route("sigmoid" + rest,
                    {f32({1, 3}, {0, 0, 0}), f32({2}, {0, 1})},
                    ", %b: tensor<?xf32>", "bias(%b : tensor<?xf32>)"),
              "'bias' must have shape [3], got [2]");
}

TEST(TrineRouteTest, Groups) {
  // Probabilities are the logits' order; groups are {0, 1}, {2, 3}, {4, 5}.
  Tensor logits = f32({1, 6}, {3, -9, 2, 2.5, 2.9, -9}),
         bias = f32({6}, {0, 0, 0, 0, 0, 0});
  auto run = [&](const std::string &by, const std::string &masked, Tensor b) {
    return route("sigmoid k 2 groups 3 keep 1 by " + by + " masked " + masked +
                     " epsilon 0.0 scale 1.0 after_division",
                 {logits, b}, ", %b: tensor<?xf32>",
                 "bias(%b : tensor<?xf32>)");
  };
  auto p = [](double x) { return 1 / (1 + std::exp(-x)); };
  expectRoute(run("max", "negative_infinity", bias), {0, 1}, {p(3), p(-9)});
  expectRoute(run("sum_top_2", "negative_infinity", bias), {3, 2},
              {p(2.5), p(2)});
  // A masked score of zero beats a kept expert below zero, by the lower index.
  Tensor low = f32({6}, {-9, -9, 0, -2, -9, -9});
  expectRoute(run("sum_top_2", "zero", low), {2, 0}, {p(2), p(3)});
  expectRoute(run("sum_top_2", "negative_infinity", low), {2, 3},
              {p(2), p(2.5)});
  // Groups that tie: the lower one is kept.
  expectRoute(route("sigmoid k 1 groups 2 keep 1 by max masked "
                    "negative_infinity epsilon 0.0 scale 1.0 after_division",
                    {f32({1, 4}, {-1, 0, 0, -1})}),
              {1}, {0.5});
  expectError(
      route("sigmoid k 2 groups 2 keep 1 by max masked zero epsilon 0.0 "
            "scale 1.0 after_division",
            {f32({1, 3}, {1, 2, 3})}),
      "the kept groups must hold 'k' experts or more, got 3 experts in "
      "2 groups");
}

TEST(TrineRouteTest, Table) {
  auto run = [](llvm::ArrayRef<int64_t> tokens, llvm::ArrayRef<int64_t> table) {
    return route(
        "sigmoid k 2" + std::string(oneGroup) +
            "renormalize epsilon 0.0 scale 1.0 after_division",
        {f32({1, 3}, {0, std::log(3.0), 9}), i64({1}, tokens),
         i64({2, 2}, table)},
        ", %t: tensor<?xi64>, %table: tensor<?x2xi64>",
        "token_ids(%t : tensor<?xi64>) table(%table : tensor<?x2xi64>)");
  };
  expectRoute(run({1}, {0, 2, 1, 0}), {1, 0}, {0.6, 0.4});
  expectError(run({2}, {0, 2, 1, 0}), "'token_ids' must be in [0, 2), got 2");
  expectError(run({0}, {0, 3, 1, 0}),
              "'table' must hold experts in [0, 3), got 3");
}

static const char expertTypes[] =
    "%x: tensor<?x?xf32>, %i: tensor<?x?xi64>, %w: tensor<?x?xf32>, %g: "
    "tensor<?x?x?xf32>, %d: tensor<?x?x?xf32>";

static Outcome runExperts(const std::string &options,
                          llvm::ArrayRef<Tensor> inputs) {
  return runText("func.func @main(" + std::string(expertTypes) +
                     ") -> tensor<?x?xf32> {\n  %y = trine.moe.experts %x "
                     "routed(%i, %w : tensor<?x?xi64>, tensor<?x?xf32>) "
                     "weights(%g, %d : tensor<?x?x?xf32>, tensor<?x?x?xf32>) "
                     "activation " +
                     options +
                     " : tensor<?x?xf32>\n  return %y : tensor<?x?xf32>\n}",
                 inputs);
}

TEST(TrineExpertsTest, ByHand) {
  // Expert 0 has gate 1 and up 2 per unit of input, expert 1 gate 3 and up -2.
  Tensor x = f32({1, 1}, {1}), ids = i64({1, 2}, {1, 0}),
         w = f32({1, 2}, {10, 100}), g = f32({2, 2, 1}, {1, 2, 3, -2}),
         d = f32({2, 1, 1}, {1, 5});
  auto silu = [](double v) { return v / (1 + std::exp(-v)); };
  double expected = 100 * silu(1) * 2 + 10 * 5 * silu(3) * -2;
  for (const char *layout : {"concatenated", "interleaved"})
    expectReals(only(runExperts("silu_gated gate_up " + std::string(layout),
                                {x, ids, w, g, d})),
                {1, 1}, {expected});
  expectReals(only(runExperts("silu_gated gate_up interleaved clamp 1.5",
                              {x, ids, w, g, d})),
              {1, 1}, {100 * silu(1) * 1.5 + 50 * silu(1.5) * -1.5});
  expectReals(
      only(runExperts("relu_gated gate_up concatenated", {x, ids, w, g, d})),
      {1, 1}, {100 * 2 - 50 * 3 * 2});
  expectReals(only(runExperts("gelu_gated gate_up concatenated",
                              {x, i64({1, 2}, {0, 0}), w, g, d})),
              {1, 1}, {110 * 2 * 0.8413447461});
  // Two inner rows without a gate.
  Tensor wide = f32({2, 1, 2}, {1, 1, 1, 10});
  expectReals(only(runExperts("relu gate_up up_only", {x, ids, w, g, wide})),
              {1, 1}, {100 * 3 + 10 * 3});
  expectReals(
      only(runExperts("identity gate_up up_only", {x, ids, w, g, wide})),
      {1, 1}, {100 * 3 + 10 * (3 - 20)});
  // Identity experts follow the others.
  Tensor last = i64({1, 2}, {2, 0});
  expectReals(only(runExperts("silu_gated gate_up concatenated "
                              "{identity_experts = 1 : i64}",
                              {x, last, w, g, d})),
              {1, 1}, {10 + 100 * silu(1) * 2});
  expectError(runExperts("silu_gated gate_up concatenated", {x, last, w, g, d}),
              "'ids' must be in [0, 2 + 0), got 2");
  expectError(runExperts("silu_gated gate_up concatenated",
                         {x, ids, w, f32({2, 3, 1}, {1, 2, 3, 4, 5, 6}), d}),
              "'w_gate_up' must have shape [2, 2, 1], got [2, 3, 1]");
}

TEST(TrineRouteTest, WeightsFromChoice) {
  // All of the kept group is zero, so that the tie goes to an expert that is
  // masked; its weight is the masked score, or its own.
  Tensor logits = f32({1, 4}, {40, -40, -900, 0}),
         bias = f32({4}, {0, 0, 9, 0});
  auto run = [&](const std::string &from) {
    return route("sigmoid k 2 groups 2 keep 1 by max masked zero " + from +
                     " epsilon 0.0 scale 1.0 after_division",
                 {logits, bias}, ", %b: tensor<4xf32>",
                 "bias(%b : tensor<4xf32>)");
  };
  expectRoute(run(""), {2, 3}, {0, 0.5});
  expectRoute(run("weights_from_choice"), {2, 3}, {9, 0.5});
}

TEST(TrineExpertsTest, BiasesAndSwish) {
  Tensor x = f32({1, 1}, {1}), ids = i64({1, 1}, {1}), w = f32({1, 1}, {2}),
         g = f32({2, 2, 1}, {1, 2, 3, -2}), d = f32({2, 1, 1}, {1, 5}),
         bg = f32({2, 2}, {0, 0, 0.5, 0.25}), bd = f32({2, 1}, {0, 7});
  Outcome outcome = runText(
      "func.func @main(" + std::string(expertTypes) +
          ", %bg: tensor<?x?xf32>, %bd: tensor<?x?xf32>) -> tensor<?x?xf32> {\n"
          "%y = trine.moe.experts %x routed(%i, %w : tensor<?x?xi64>, "
          "tensor<?x?xf32>) weights(%g, %d : tensor<?x?x?xf32>, "
          "tensor<?x?x?xf32>) gate_up_bias(%bg : tensor<?x?xf32>) "
          "down_bias(%bd : tensor<?x?xf32>) activation silu_gated gate_up "
          "concatenated {alpha = 2.0, beta = 1.0} : tensor<?x?xf32>\n"
          "return %y : tensor<?x?xf32>\n}",
      {x, ids, w, g, d, bg, bd});
  double gate = 3.5 / (1 + std::exp(-7.0)), up = -1.75 + 1;
  expectReals(only(outcome), {1, 1}, {2 * (5 * gate * up + 7)});
}

TEST(TrineGatedMLPTest, ByHand) {
  auto run = [](const std::string &layout, llvm::ArrayRef<Tensor> inputs) {
    bool fused = !layout.empty();
    return runText(
        std::string("func.func @main(%x: tensor<?x?xf32>, %g: "
                    "tensor<?x?xf32>, %d: tensor<?x?xf32>") +
            (fused ? "" : ", %u: tensor<?x?xf32>") +
            ") -> tensor<?x?xf32> {\n%y = trine.gated_mlp %x weights(%g, %d : "
            "tensor<?x?xf32>, tensor<?x?xf32>) " +
            (fused ? "" : "up(%u : tensor<?x?xf32>) ") +
            "activation relu_gated " + layout +
            " : tensor<?x?xf32> -> tensor<?x?xf32>\nreturn %y : "
            "tensor<?x?xf32>\n}",
        inputs);
  };
  // gate (1, -1, 4), up (2, 3, 5)
  Tensor x = f32({1, 2}, {1, 2}), g = f32({2, 3}, {1, 1, 0, 0, -1, 2}),
         u = f32({2, 3}, {0, 1, 1, 1, 1, 2}), d = f32({3, 1}, {1, 10, 100});
  expectReals(only(run("", {x, g, d, u})), {1, 1}, {2 + 2000});
  expectReals(
      only(run("gate_up concatenated",
               {x, f32({2, 6}, {1, 1, 0, 0, 1, 1, 0, -1, 2, 1, 1, 2}), d})),
      {1, 1}, {2 + 2000});
  expectReals(
      only(run("gate_up interleaved",
               {x, f32({2, 6}, {1, 0, 1, 1, 0, 1, 0, 1, -1, 1, 2, 2}), d})),
      {1, 1}, {2 + 2000});
  expectError(run("", {x, g, f32({2, 1}, {1, 1}), u}),
              "'w_gate' must have shape [2, 2], got [2, 3]");
}

TEST(TrineGatedMLPTest, BiasesAndLimits) {
  auto run = [](const std::string &biases, llvm::ArrayRef<Tensor> inputs) {
    return runText("func.func @main(%x: tensor<?x?xf32>, %g: tensor<?x?xf32>, "
                   "%d: tensor<?x?xf32>, %u: tensor<?x?xf32>, %bg: "
                   "tensor<?xf32>, %bu: tensor<?xf32>, %bd: tensor<?xf32>) -> "
                   "tensor<?x?xf32> {\n%y = trine.gated_mlp %x weights(%g, %d "
                   ": tensor<?x?xf32>, tensor<?x?xf32>) up(%u : "
                   "tensor<?x?xf32>) " +
                       biases +
                       " activation silu_gated clamp 3.5 {alpha = 2.0, beta = "
                       "1.0} : tensor<?x?xf32> -> tensor<?x?xf32>\nreturn %y : "
                       "tensor<?x?xf32>\n}",
                   inputs);
  };
  const std::string all =
      "gate_bias(%bg : tensor<?xf32>) up_bias(%bu : tensor<?xf32>) "
      "down_bias(%bd : tensor<?xf32>)";
  // gate 2 · 2 + 1 = 5, limited to 3.5; up 2 · -3 + 1 = -5, to -3.5.
  Tensor x = f32({1, 1}, {2}), g = f32({1, 1}, {2}), u = f32({1, 1}, {-3}),
         d = f32({1, 1}, {10}), bg = f32({1}, {1}), bu = f32({1}, {1}),
         bd = f32({1}, {7});
  double gate = 3.5 / (1 + std::exp(-7.0)), up = -3.5 + 1;
  expectReals(only(run(all, {x, g, d, u, bg, bu, bd})), {1, 1},
              {10 * gate * up + 7});
  expectError(run(all, {x, g, d, u, bg, bu, f32({2}, {7, 7})}),
              "'b_down' must have shape [1], got [2]");
}

TEST(TrineExpertsTest, ScheduledForm) {
  // With an activation that changes nothing, experts are two grouped products.
  auto spread = [](llvm::ArrayRef<int64_t> shape, int seed) {
    std::vector<double> values(countElements(shape).value_or(0));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = std::sin(12.9898 * i + 78.233 * seed);
    return f32(shape, values);
  };
  std::vector<Tensor> inputs = {
      spread({4, 3}, 1), i64({4, 2}, {2, 0, 0, 2, 3, 2, 0, 3}),
      spread({4, 2}, 2), spread({4, 5, 3}, 3), spread({4, 3, 5}, 4)};
  Outcome whole = runExperts("identity gate_up up_only", inputs);
  const std::string body =
      "  %o, %f, %p = trine.moe.group %i experts 4 : tensor<?x?xi64> -> "
      "tensor<?xi64>, tensor<5xi64>, tensor<?x?xi64>\n"
      "  %h = trine.moe.grouped_matmul %x, %f, %g order(%o : tensor<?xi64>) "
      "slots 2 tiles rows_first : tensor<?x?xf32>, tensor<5xi64>, "
      "tensor<?x?x?xf32> -> tensor<?x?xf32>\n"
      "  %e = trine.moe.grouped_matmul %h, %f, %d tiles columns_first : "
      "tensor<?x?xf32>, tensor<5xi64>, tensor<?x?x?xf32> -> tensor<?x?xf32>\n"
      "  %y = trine.moe.combine %e, %p, %w : tensor<?x?xf32>, tensor<?x?xi64>, "
      "tensor<?x?xf32> -> tensor<?x?xf32>\n"
      "  return %y, %o, %f, %p : tensor<?x?xf32>, tensor<?xi64>, "
      "tensor<5xi64>, tensor<?x?xi64>\n}";
  Outcome parts = runText("func.func @main(" + std::string(expertTypes) +
                              ") -> (tensor<?x?xf32>, tensor<?xi64>, "
                              "tensor<5xi64>, tensor<?x?xi64>) {\n" +
                              body,
                          inputs);
  ASSERT_TRUE(whole.succeeded) << whole.errors;
  ASSERT_TRUE(parts.succeeded) << parts.errors;
  expectIntegers(parts.results[1], {8}, {1, 2, 6, 0, 3, 5, 4, 7});
  expectIntegers(parts.results[2], {5}, {0, 3, 3, 6, 8});
  expectIntegers(parts.results[3], {4, 2}, {3, 0, 1, 4, 6, 5, 2, 7});
  expectReals(parts.results[0], {4, 3}, whole.results[0].reals());
}

TEST(TrineExpertsTest, ScheduledGatesAndIdentities) {
  // Expert 0: gate 2x and up 3x + 1; ids from 1 on are identities.
  Outcome outcome = runText(
      "func.func @main(%x: tensor<?x1xf32>, %i: tensor<?x?xi64>, %w: "
      "tensor<?x?xf32>, %g: tensor<1x2x1x1xf32>, %b: tensor<1x2x1xf32>) -> "
      "(tensor<?x1xf32>, tensor<?xi64>, tensor<2xi64>) {\n"
      "  %o, %f, %p = trine.moe.group %i experts 1 {identity_experts = 2 : "
      "i64} : tensor<?x?xi64> -> tensor<?xi64>, tensor<2xi64>, "
      "tensor<?x?xi64>\n"
      "  %h = trine.moe.grouped_matmul %x, %f, %g order(%o : tensor<?xi64>) "
      "slots 2 bias(%b : tensor<1x2x1xf32>) activation relu_gated clamp 10.0 "
      "tiles rows_first {beta = 1.0} : tensor<?x1xf32>, tensor<2xi64>, "
      "tensor<1x2x1x1xf32> -> tensor<?x1xf32>\n"
      "  %y = trine.moe.combine %h, %p, %w ids(%i : tensor<?x?xi64>) "
      "identity(%x : tensor<?x1xf32>) experts 1 : tensor<?x1xf32>, "
      "tensor<?x?xi64>, tensor<?x?xf32> -> tensor<?x1xf32>\n"
      "  return %y, %o, %f : tensor<?x1xf32>, tensor<?xi64>, "
      "tensor<2xi64>\n}",
      {f32({2, 1}, {1, 6}), i64({2, 2}, {2, 0, 0, 1}),
       f32({2, 2}, {1, 1, 1, 0.5}), f32({1, 2, 1, 1}, {2, 3}),
       f32({1, 2, 1}, {0, 1})});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  // 1 + 2 * (4 + 1); clamped: 10 * (10 + 1) + 0.5 * 6.
  expectReals(outcome.results[0], {2, 1}, {11, 113});
  expectIntegers(outcome.results[1], {4}, {1, 2, 0, 3});
  expectIntegers(outcome.results[2], {2}, {0, 2});
}

TEST(TrineExpertsTest, ErrorsOfTheScheduledForm) {
  expectError(
      runText("func.func @main(%i: tensor<?x?xi64>) -> tensor<?xi64> {\n  %o, "
              "%f, %p = trine.moe.group %i experts 2 : tensor<?x?xi64> -> "
              "tensor<?xi64>, tensor<3xi64>, tensor<?x?xi64>\n  return %o : "
              "tensor<?xi64>\n}",
              {i64({1, 2}, {0, 2})}),
      "'ids' must be in [0, 2 + 0), got 2");
  auto product = [](llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> order) {
    return runText(
        "func.func @main(%x: tensor<?x1xf32>, %f: tensor<?xi64>, %w: "
        "tensor<?x1x1xf32>, %o: tensor<?xi64>) -> tensor<?x1xf32> {\n  %y = "
        "trine.moe.grouped_matmul %x, %f, %w order(%o : tensor<?xi64>) slots 1 "
        "tiles rows_first : tensor<?x1xf32>, tensor<?xi64>, tensor<?x1x1xf32> "
        "-> tensor<?x1xf32>\n  return %y : tensor<?x1xf32>\n}",
        {f32({2, 1}, {1, 2}), i64({3}, offsets), f32({2, 1, 1}, {3, 5}),
         i64({2}, order)});
  };
  expectReals(only(product({0, 1, 2}, {1, 0})), {2, 1}, {6, 5});
  expectError(product({0, 1, 3}, {1, 0}),
              "'offsets' must rise from 0 to at most 2, got 3 at element 2");
  expectError(product({0, 1, 2}, {1, 2}),
              "'order' must be in [0, 2 * 1), got 2");
  expectError(
      runText("func.func @main(%x: tensor<?x1xf32>, %p: tensor<?x?xi64>, %w: "
              "tensor<?x?xf32>) -> tensor<?x1xf32> {\n  %y = trine.moe.combine "
              "%x, %p, %w : tensor<?x1xf32>, tensor<?x?xi64>, tensor<?x?xf32> "
              "-> tensor<?x1xf32>\n  return %y : tensor<?x1xf32>\n}",
              {f32({2, 1}, {1, 2}), i64({1, 2}, {1, 2}), f32({1, 2}, {1, 1})}),
      "'position' must be in [0, 2), got 2");
}
