// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rows of docs/tolerances.md for the trine level. For each op: what single
// precision gives is within the tolerance and not far below it, and an operand
// that is off by 1 % is told.
#include "OperatorTesting.h"
#include "trine/Reference/Verification.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::trine::reference;

namespace {
/// One function: its arguments %0, %1, ..., of which the first `floats` are
/// random numbers of these shapes, and its body.
struct Case {
  const char *name;
  std::vector<std::vector<int64_t>> shapes;
  std::string body;
  std::vector<std::string> resultTypes;
  /// Arguments that the results hardly depend on, so that no change of them
  /// needs to show.
  std::vector<size_t> spared;
  std::vector<Tensor> integers;
};

class TrineToleranceTest : public testing::TestWithParam<Case> {};
} // namespace

static std::string typeOf(const Tensor &tensor) {
  std::string text = "tensor<";
  for (int64_t size : tensor.getShape())
    text += std::to_string(size) + "x";
  return text + nameOf(tensor.getElementType()).str() + ">";
}

/// Numbers of a normal distribution, not near zero, the same in every run.
static Tensor randomTensor(llvm::ArrayRef<int64_t> shape, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Tensor tensor = f32(shape, {0});
  for (int64_t i = 0; i < tensor.getNumElements(); ++i)
    tensor.setReal(i, normal(random));
  return tensor;
}

static std::string functionText(const Case &test,
                                llvm::ArrayRef<Tensor> inputs) {
  std::string text = "func.func @main(", types, results;
  for (size_t i = 0; i < inputs.size(); ++i)
    text += (i ? ", %" : "%") + std::to_string(i) + ": " + typeOf(inputs[i]);
  for (size_t i = 0; i < test.resultTypes.size(); ++i) {
    types += (i ? ", " : "") + test.resultTypes[i];
    results += (i ? ", %r" + std::to_string(i) : std::string("%r"));
  }
  return text + ") -> (" + types + ") {\n" + test.body + "\nreturn " + results +
         " : " + types + "\n}";
}

TEST_P(TrineToleranceTest, HoldsForRoundingAndForNothingElse) {
  const Case &test = GetParam();
  std::vector<Tensor> inputs;
  for (auto [i, shape] : llvm::enumerate(test.shapes))
    inputs.push_back(randomTensor(shape, 1 + i));
  inputs.insert(inputs.end(), test.integers.begin(), test.integers.end());
  OwningOpRef<ModuleOp> module = parseModule(functionText(test, inputs));
  ASSERT_TRUE(module);
  auto function = module->lookupSymbol<func::FuncOp>("main");
  InterpreterOptions single;
  single.accumulation = Accumulation::F32;
  FailureOr<std::vector<Tensor>> results = interpret(function, inputs, single);
  ASSERT_TRUE(succeeded(results));
  auto judge = [&](llvm::ArrayRef<Tensor> given) {
    FailureOr<Verification> verification =
        verify(function, given, *results, true);
    EXPECT_TRUE(succeeded(verification));
    return *verification;
  };
  Verification same = judge(inputs);
  EXPECT_TRUE(same.passed());
  for (const Comparison &comparison : same.comparisons) {
    if (!isFloat(comparison.type))
      continue;
    // Much wider than a rounding of the result, but not without end.
    EXPECT_GT(comparison.tolerance.relative, 0x1p-24);
    EXPECT_LT(comparison.tolerance.relative, 2e-4) << comparison.name;
  }
  for (size_t changed = 0; changed < test.shapes.size(); ++changed) {
    if (llvm::is_contained(test.spared, changed))
      continue;
    std::vector<Tensor> mutant = inputs;
    Tensor &tensor = mutant[changed];
    for (int64_t i = 0; i < tensor.getNumElements(); ++i)
      tensor.setReal(i, tensor.real(i) * (i % 2 ? 1.01 : 0.99));
    EXPECT_FALSE(judge(mutant).passed()) << "argument " << changed;
  }
}

static const char attention[] =
    "%r, %r1 = trine.attention query(%0 : tensor<2x4x5x16xf32>) key(%1 : "
    "tensor<2x2x7x16xf32>) value(%2 : tensor<2x2x7x12xf32>) scale 0.25 mask "
    "causal masked_row zero -> tensor<2x4x5x12xf32>, tensor<2x4x5xf32>";
static const char latentAttention[] =
    "%r, %r1 = trine.mla.attention query(%0, %1 : tensor<2x4x5x16xf32>, "
    "tensor<2x4x5x8xf32>) cache(%2, %3 : tensor<2x7x32xf32>, "
    "tensor<2x7x8xf32>) weights(%4, %5 : tensor<32x4x16xf32>, "
    "tensor<32x4x16xf32>) scale 0.02 mask causal masked_row zero form "
    "decompressed -> tensor<2x4x5x16xf32>, tensor<2x4x5xf32>";
static const char rootMeanSquare[] = R"(
  %zero = arith.constant 0.0 : f32
  %n = arith.constant 64.0 : f32
  %epsilon = arith.constant 1.0e-6 : f32
  %e = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (i)>],
      iterator_types = ["parallel", "reduction"]} ins(%0 : tensor<8x64xf32>) outs(%f : tensor<8xf32>) {
  ^bb0(%x: f32, %t: f32):
    %q = arith.mulf %x, %x : f32
    %u = arith.addf %t, %q : f32
    linalg.yield %u : f32
  } -> tensor<8xf32>
  %d = tensor.empty() : tensor<8x64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (i)>, affine_map<(i, k) -> (k)>,
      affine_map<(i, k) -> (i, k)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %s, %1 : tensor<8x64xf32>, tensor<8xf32>, tensor<64xf32>) outs(%d : tensor<8x64xf32>) {
  ^bb0(%x: f32, %t: f32, %w: f32, %o: f32):
    %m = arith.divf %t, %n : f32
    %p = arith.addf %m, %epsilon : f32
    %root = math.sqrt %p : f32
    %y = arith.divf %x, %root : f32
    %z = arith.mulf %y, %w : f32
    linalg.yield %z : f32
  } -> tensor<8x64xf32>)";
static const char runningSum[] = R"(
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %e = tensor.empty() : tensor<64xf32>
  %first = tensor.extract %0[%c0] : tensor<64xf32>
  %start = tensor.insert %first into %e[%c0] : tensor<64xf32>
  %r = scf.for %i = %c1 to %c64 step %c1 iter_args(%t = %start) -> (tensor<64xf32>) {
    %b = arith.subi %i, %c1 : index
    %x = tensor.extract %0[%i] : tensor<64xf32>
    %y = tensor.extract %t[%b] : tensor<64xf32>
    %z = arith.addf %x, %y : f32
    %n = tensor.insert %z into %t[%i] : tensor<64xf32>
    scf.yield %n : tensor<64xf32>
  })";

INSTANTIATE_TEST_SUITE_P(
    Ops, TrineToleranceTest,
    testing::Values(
        Case{"rms_norm",
             {{8, 64}, {64}},
             "%r = trine.rms_norm %0, %1 epsilon 1.0e-6 compute f32 cast "
             "before_weight : tensor<8x64xf32>, tensor<64xf32>",
             {"tensor<8x64xf32>"},
             {},
             {}},
        Case{"rope",
             {{2, 4, 5, 8}, {5, 4}, {5, 4}},
             "%r = trine.rope %0, %1, %2 pairing half layout in_place begin 0 "
             ": tensor<2x4x5x8xf32>, tensor<5x4xf32>, tensor<5x4xf32>",
             {"tensor<2x4x5x8xf32>"},
             {},
             {}},
        Case{"attention",
             {{2, 4, 5, 16}, {2, 2, 7, 16}, {2, 2, 7, 12}},
             attention,
             {"tensor<2x4x5x12xf32>", "tensor<2x4x5xf32>"},
             {},
             {}},
        Case{"mla_attention",
             {{2, 4, 5, 16},
              {2, 4, 5, 8},
              {2, 7, 32},
              {2, 7, 8},
              {32, 4, 16},
              {32, 4, 16}},
             latentAttention,
             {"tensor<2x4x5x16xf32>", "tensor<2x4x5xf32>"},
             {},
             {}},
        Case{"merge",
             {{1, 2, 5, 8}, {1, 2, 5, 8}, {1, 2, 5}, {1, 2, 5}},
             "%r, %r1 = trine.merge outputs(%0, %1 : tensor<1x2x5x8xf32>, "
             "tensor<1x2x5x8xf32>) lses(%2, %3 : tensor<1x2x5xf32>, "
             "tensor<1x2x5xf32>) -> tensor<1x2x5x8xf32>, tensor<1x2x5xf32>",
             {"tensor<1x2x5x8xf32>", "tensor<1x2x5xf32>"},
             {},
             {}},
        Case{"route",
             {{6, 16}},
             "%r, %r1 = trine.moe.route %0 scoring sigmoid k 3 groups 4 keep 2 "
             "by sum_top_2 masked zero renormalize epsilon 1.0e-20 scale 2.5 "
             "after_division : tensor<6x16xf32> -> tensor<6x3xi64>, "
             "tensor<6x3xf32>",
             {"tensor<6x3xi64>", "tensor<6x3xf32>"},
             {},
             {}},
        Case{"experts",
             {{4, 16}, {4, 2}, {3, 24, 16}, {3, 16, 12}},
             "%r = trine.moe.experts %0 routed(%4, %1 : tensor<4x2xi64>, "
             "tensor<4x2xf32>) weights(%2, %3 : tensor<3x24x16xf32>, "
             "tensor<3x16x12xf32>) activation silu_gated gate_up concatenated "
             ": tensor<4x16xf32>",
             {"tensor<4x16xf32>"},
             {},
             {i64({4, 2}, {0, 1, 2, 1, 0, 2, 1, 0})}},
        Case{"gated_mlp",
             {{4, 16}, {16, 12}, {12, 8}, {16, 12}},
             "%r = trine.gated_mlp %0 weights(%1, %2 : tensor<16x12xf32>, "
             "tensor<12x8xf32>) up(%3 : tensor<16x12xf32>) activation "
             "silu_gated : tensor<4x16xf32> -> tensor<4x8xf32>",
             {"tensor<4x8xf32>"},
             {},
             {}},
        Case{"grouped_matmul",
             {{6, 32}, {3, 8, 32}},
             "%r = trine.moe.grouped_matmul %0, %2, %1 tiles rows_first : "
             "tensor<6x32xf32>, tensor<4xi64>, tensor<3x8x32xf32> -> "
             "tensor<6x8xf32>",
             {"tensor<6x8xf32>"},
             {},
             {i64({4}, {0, 2, 3, 6})}},
        Case{"grouped_matmul_gated",
             {{6, 32}, {3, 2, 8, 32}, {3, 2, 8}},
             "%r = trine.moe.grouped_matmul %0, %3, %1 bias(%2 : "
             "tensor<3x2x8xf32>) activation silu_gated tiles rows_first : "
             "tensor<6x32xf32>, tensor<4xi64>, tensor<3x2x8x32xf32> -> "
             "tensor<6x8xf32>",
             {"tensor<6x8xf32>"},
             {},
             {i64({4}, {0, 2, 3, 6})}},
        Case{"combine",
             {{6, 8}, {3, 2}},
             "%r = trine.moe.combine %0, %2, %1 : tensor<6x8xf32>, "
             "tensor<3x2xi64>, tensor<3x2xf32> -> tensor<3x8xf32>",
             {"tensor<3x8xf32>"},
             {},
             {i64({3, 2}, {4, 0, 2, 5, 1, 3})}},
        Case{"engram_gate",
             {{1, 5, 2, 32}, {1, 5, 2, 32}, {1, 5, 32}, {2, 32}, {2, 32}},
             "%r = trine.engram.gate %0, %1, %2 weights(%3, %4 : "
             "tensor<2x32xf32>, tensor<2x32xf32>) epsilon 1.0e-5 root sign "
             "floor 1.0e-6 : tensor<1x5x2x32xf32>, tensor<1x5x32xf32>",
             {"tensor<1x5x2x32xf32>"},
             {},
             {}},
        Case{"engram_conv",
             {{1, 5, 8}, {1, 6, 8}, {8, 3}},
             "%r, %r1 = trine.engram.conv %0, %1, %2 dilation 3 : "
             "tensor<1x5x8xf32>, tensor<1x6x8xf32>, tensor<8x3xf32>\n"
             "%unused = tensor.empty() : tensor<1xf32>",
             {"tensor<1x5x8xf32>"},
             {},
             {}},
        Case{"hyper_mix",
             {{1, 5, 2, 16}, {8, 32}, {3}, {8}},
             "%r, %r1, %r2 = trine.hyper.mix %0, %1 scale(%2 : tensor<3xf32>) "
             "bias(%3 : tensor<8xf32>) rounds 4 epsilon 1.0e-6 norm_epsilon "
             "1.0e-6 : tensor<1x5x2x16xf32>, tensor<8x32xf32> -> "
             "tensor<1x5x16xf32>, tensor<1x5x2xf32>, tensor<1x5x2x2xf32>",
             {"tensor<1x5x16xf32>", "tensor<1x5x2xf32>", "tensor<1x5x2x2xf32>"},
             {},
             {}},
        Case{"hyper_combine",
             {{1, 5, 2, 16}, {1, 5, 16}, {1, 5, 2}, {1, 5, 2, 2}},
             "%r = trine.hyper.combine %0, %1 post(%2 : tensor<1x5x2xf32>) "
             "comb(%3 : tensor<1x5x2x2xf32>) : tensor<1x5x2x16xf32>, "
             "tensor<1x5x16xf32>",
             {"tensor<1x5x2x16xf32>"},
             {},
             {}},
        Case{"matmul",
             {{4, 64}, {64, 8}, {4, 8}},
             "%r = linalg.matmul ins(%0, %1 : tensor<4x64xf32>, "
             "tensor<64x8xf32>) outs(%2 : tensor<4x8xf32>) -> tensor<4x8xf32>",
             {"tensor<4x8xf32>"},
             {},
             {}},
        Case{"softmax",
             {{4, 64}},
             "%e = tensor.empty() : tensor<4x64xf32>\n"
             "%r = linalg.softmax dimension(1) ins(%0 : tensor<4x64xf32>) "
             "outs(%e : tensor<4x64xf32>) -> tensor<4x64xf32>",
             {"tensor<4x64xf32>"},
             {},
             {}},
        Case{"norm_as_linalg",
             {{8, 64}, {64}},
             rootMeanSquare,
             {"tensor<8x64xf32>"},
             {},
             {}},
        Case{"running_sum", {{64}}, runningSum, {"tensor<64xf32>"}, {}, {}}),
    [](const auto &info) { return std::string(info.param.name); });

/// The tolerance of the last result of a function of these arguments.
static double toleranceOf(llvm::ArrayRef<llvm::StringRef> types,
                          llvm::StringRef body, llvm::StringRef result) {
  std::string text = "func.func @main(";
  for (auto [i, type] : llvm::enumerate(types))
    text += (i ? ", %" : "%") + std::to_string(i) + ": " + type.str();
  text += ") -> " + result.str() + " {\n" + body.str() +
          "\nreturn %r : " + result.str() + "\n}";
  OwningOpRef<ModuleOp> module = parseModule(text);
  return module ? deriveTolerances(module->lookupSymbol<func::FuncOp>("main"))
                      .front()
                      .relative
                : 0;
}

/// What so many roundings of single precision allow.
static double roundings(double count) {
  return 4 * std::sqrt(2.0 * count / 3) * 0x1p-24;
}

TEST(TrineToleranceTest, CountsRoundings) {
  const char *matmul =
      "%r = linalg.matmul ins(%0, %1 : tensor<4x?xf32>, tensor<?x8xf32>) "
      "outs(%2 : tensor<4x8xf32>) -> tensor<4x8xf32>";
  // One per product and K / 2 + 1 of the sum, over the assumed 1,024.
  std::string body = "%z = arith.constant 0.0 : f32\n%e = tensor.empty() : "
                     "tensor<4x8xf32>\n%2 = linalg.fill ins(%z : f32) outs(%e "
                     ": tensor<4x8xf32>) -> tensor<4x8xf32>\n" +
                     std::string(matmul);
  EXPECT_NEAR(toleranceOf({"tensor<4x?xf32>", "tensor<?x8xf32>"}, body,
                          "tensor<4x8xf32>"),
              roundings(1024 / 2 + 2), 1e-12);
  // Sums of three tensors: the later addition rounds all, the first its share.
  EXPECT_NEAR(toleranceOf({"tensor<4xf32>"},
                          "%a = arith.mulf %0, %0 : tensor<4xf32>\n"
                          "%r = arith.addf %a, %0 : tensor<4xf32>",
                          "tensor<4xf32>"),
              roundings(2), 1e-12);
  // A loop of 63 additions, of which eight are walked, each of an exact number.
  EXPECT_NEAR(toleranceOf({"tensor<64xf32>"}, runningSum, "tensor<64xf32>"),
              roundings(63), 1e-12);
  // A maximum, a change of shape and a choice of elements round nothing.
  EXPECT_EQ(toleranceOf({"tensor<4x8xf32>"},
                        "%c = tensor.collapse_shape %0 [[0, 1]] : "
                        "tensor<4x8xf32> into tensor<32xf32>\n"
                        "%r = arith.maximumf %c, %c : tensor<32xf32>",
                        "tensor<32xf32>"),
            0);
  // Scores of width 64 have the variance 4 with a scale of 1/4; as many of
  // their errors count: 33 and two tensors. Six keys: two sums of 4, four
  // functions, the probabilities and the result.
  for (auto [scale, expected] :
       {std::pair("0.125", 35 + 8 + 6), std::pair("0.25", 4 * 35 + 8 + 6)})
    EXPECT_NEAR(toleranceOf({"tensor<1x1x2x64xf32>", "tensor<1x1x6x64xf32>",
                             "tensor<1x1x6x8xf32>"},
                            "%r, %l = trine.attention query(%0 : "
                            "tensor<1x1x2x64xf32>) key(%1 : "
                            "tensor<1x1x6x64xf32>) value(%2 : "
                            "tensor<1x1x6x8xf32>) scale " +
                                std::string(scale) +
                                " mask none masked_row zero -> "
                                "tensor<1x1x2x8xf32>, tensor<1x1x2xf32>",
                            "tensor<1x1x2x8xf32>"),
                roundings(expected), 1e-12);
  // A bfloat16 result of a computation in single precision rounds once more.
  EXPECT_NEAR(toleranceOf({"tensor<4xf32>"},
                          "%a = arith.mulf %0, %0 : tensor<4xf32>\n"
                          "%r = arith.truncf %a : tensor<4xf32> to "
                          "tensor<4xbf16>",
                          "tensor<4xbf16>"),
              4 * std::sqrt(2.0 / 3) * 0x1p-8, 1e-6);
}

TEST(TrineToleranceTest, NormsForgetSharedErrors) {
  // x / rms(x) keeps the error of x once; the same quotient by another tensor's
  // norm keeps both.
  auto normalized = [](const char *divisor) {
    std::string body =
        R"(
  %zero = arith.constant 0.0 : f32
  %x = math.exp %0 : tensor<64xf32>
  %y = math.exp %1 : tensor<64xf32>
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %s = linalg.reduce { arith.addf } ins()" +
        std::string(divisor) +
        R"( : tensor<64xf32>) outs(%f : tensor<f32>) dimensions = [0]
  %d = tensor.empty() : tensor<64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]} ins(%x, %s : tensor<64xf32>, tensor<f32>) outs(%d : tensor<64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %q = arith.divf %a, %b : f32
    linalg.yield %q : f32
  } -> tensor<64xf32>)";
    return toleranceOf({"tensor<64xf32>", "tensor<64xf32>"}, body,
                       "tensor<64xf32>");
  };
  // exp: 5; the sum 32 and 1 more; the quotient 1.
  EXPECT_NEAR(normalized("%y"), roundings(5 + 5 + 33 + 1), 1e-12);
  EXPECT_NEAR(normalized("%x"), roundings(5 + 36 + 1), 1e-12);
}

static const char router[] =
    "func.func @main(%x: tensor<1x8xf32>) -> tensor<1x2xi64> {\n"
    "  %i, %w = trine.moe.route %x scoring sigmoid k 2 groups 4 keep 2 by max "
    "masked zero renormalize epsilon 1.0e-20 scale 1.0 after_division : "
    "tensor<1x8xf32> -> tensor<1x2xi64>, tensor<1x2xf32>\n"
    "  return %i : tensor<1x2xi64>\n}";

TEST(RouteVerificationTest, TurnsNearExpertsAndGroups) {
  OwningOpRef<ModuleOp> module = parseModule(router);
  auto function = module->lookupSymbol<func::FuncOp>("main");
  auto judge = [&](llvm::ArrayRef<double> logits,
                   llvm::ArrayRef<int64_t> chosen) {
    FailureOr<Verification> verification =
        verify(function, {f32({1, 8}, logits)}, {i64({1, 2}, chosen)}, true);
    EXPECT_TRUE(succeeded(verification));
    return *verification;
  };
  const double near = 1 - 0x1p-23;
  // Experts 1 and 3, in kept groups, are equal but for rounding.
  std::vector<double> experts = {2, near, -1, 1, -9, -9, -9, -9};
  EXPECT_TRUE(judge(experts, {0, 3}).forced.empty());
  Verification turned = judge(experts, {0, 1});
  EXPECT_TRUE(turned.passed());
  EXPECT_EQ(turned.forced.size(), 1u);
  EXPECT_FALSE(judge(experts, {0, 2}).passed());
  // Groups 1 and 2 (experts 2, 3 and 4, 5) are: with the other one, another
  // expert is chosen.
  std::vector<double> groups = {2, -9, 1, -9, near, -9, -9, -9};
  EXPECT_TRUE(judge(groups, {0, 2}).forced.empty());
  turned = judge(groups, {0, 4});
  EXPECT_TRUE(turned.passed());
  EXPECT_EQ(turned.forced.size(), 1u);
  // With clear margins nothing is turned.
  Verification clear = judge({2, -9, 1, -9, 0.9, -9, -9, -9}, {0, 4});
  EXPECT_FALSE(clear.passed());
  EXPECT_TRUE(clear.nearTies.empty());
}

TEST(RouteVerificationTest, RefusesForcedChoicesThatDoNotFit) {
  OwningOpRef<ModuleOp> module = parseModule(router);
  auto function = module->lookupSymbol<func::FuncOp>("main");
  InterpreterOptions options;
  auto forced = [&](Tensor ids) {
    function.walk([&](Operation *op) {
      if (op->getName().getStringRef() == "trine.moe.route")
        options.forcedChoices[op] = ids;
    });
    std::string errors;
    ScopedDiagnosticHandler handler(&testContext(), [&](Diagnostic &d) {
      errors += d.str();
      return success();
    });
    EXPECT_TRUE(failed(interpret(function, {f32({1, 8}, {0})}, options)));
    return errors;
  };
  EXPECT_THAT(forced(i64({2, 1}, {0, 0})),
              testing::HasSubstr(
                  "forced choice must be i64 of shape [1, 2], got i64 of "
                  "shape [2, 1]"));
  EXPECT_THAT(forced(i64({1, 2}, {0, 8})),
              testing::HasSubstr("forced choice must lie in [0, 8), got 8"));
}
