// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files, comparisons, tolerances and turned choices.
#include "trine/Reference/Verification.h"
#include "OperatorTesting.h"
#include "mlir/IR/Verifier.h"
#include "trine/Reference/TensorFile.h"
#include "llvm/Support/FileSystem.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::trine::reference;

static std::string errorOf(llvm::StringRef bytes) {
  llvm::Expected<NamedTensor> tensor = parseTensor(bytes);
  return tensor ? "" : llvm::toString(tensor.takeError());
}

TEST(TensorFileTest, RoundTrips) {
  for (Tensor tensor :
       {f32({2, 1}, {1, -2}), i64({}, {-7}), booleans({3}, {1, 0, 1}),
        Tensor::fromReals(ElementType::BF16, {0, 4}, {})}) {
    llvm::Expected<NamedTensor> read =
        parseTensor(serializeTensor("name", tensor));
    ASSERT_TRUE(static_cast<bool>(read)) << llvm::toString(read.takeError());
    EXPECT_EQ(read->name, "name");
    EXPECT_EQ(read->tensor.getElementType(), tensor.getElementType());
    EXPECT_EQ(read->tensor.getShape(), tensor.getShape());
    EXPECT_EQ(read->tensor.getBytes(), tensor.getBytes());
  }
}

TEST(TensorFileTest, ReadsTypedFields) {
  // dims 2 (packed), data_type INT32, int32_data 5 and -1 (packed, ten bytes).
  llvm::Expected<NamedTensor> words =
      parseTensor(llvm::StringRef("\x0a\x01\x02\x10\x06\x2a\x0b\x05\xff\xff\xff"
                                  "\xff\xff\xff\xff\xff\xff\x01",
                                  18));
  ASSERT_TRUE(static_cast<bool>(words)) << llvm::toString(words.takeError());
  expectIntegers(words->tensor, {2}, {5, -1});
  // data_type BFLOAT16, int32_data 0x3f80 (1.0), not packed; no dims: a scalar.
  llvm::Expected<NamedTensor> brain =
      parseTensor(llvm::StringRef("\x10\x10\x28\x80\x7f", 5));
  ASSERT_TRUE(static_cast<bool>(brain)) << llvm::toString(brain.takeError());
  expectReals(brain->tensor, {}, {1});
}

TEST(TensorFileTest, RefusesBadBytes) {
  EXPECT_THAT(
      errorOf(llvm::StringRef("\xff", 1)),
      testing::HasSubstr("not a TensorProto: a field's tag is malformed"));
  EXPECT_THAT(errorOf(llvm::StringRef("\x4a\x7f", 2)),
              testing::HasSubstr("field 9 is malformed"));
  EXPECT_THAT(
      errorOf(llvm::StringRef("\x10\x08", 2)),
      testing::HasSubstr("'data_type' must be a supported type, got 8"));
  EXPECT_THAT(errorOf(llvm::StringRef("\x08\x02\x10\x01\x4a\x01\x00", 7)),
              testing::HasSubstr("'raw_data' must have 8 bytes, got 1"));
  EXPECT_THAT(errorOf(llvm::StringRef("\x08\x02\x10\x01", 4)),
              testing::HasSubstr("expected 2 values of type f32, got 0"));
  EXPECT_THAT(errorOf(llvm::StringRef("\x10\x01\x70\x01", 4)),
              testing::HasSubstr("the values must be in the file itself, not "
                                 "segmented, strings or external data"));
  EXPECT_THAT(errorOf(llvm::StringRef(
                  "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10\x01", 12)),
              testing::HasSubstr("'dims' must be a valid shape"));
}

/// Cut and changed bytes never crash, whatever they give.
TEST(TensorFileTest, SurvivesChangedBytes) {
  std::string good = serializeTensor("name", f32({2, 3}, {1, 2, 3, 4, 5, 6}));
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good.substr(0, random() % (good.size() + 1));
    for (unsigned changes = random() % 3; changes > 0 && !bad.empty();
         --changes)
      bad[random() % bad.size()] = static_cast<char>(random());
    errorOf(bad);
  }
}

TEST(TensorFileTest, FindsDataSets) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("trine-data", folder));
  llvm::Expected<std::vector<std::string>> none = findDataSets(folder);
  EXPECT_THAT(
      llvm::toString(none.takeError()),
      testing::HasSubstr("' has no input_0.pb and no folders test_data_set_0, "
                         "test_data_set_1, ..."));
  llvm::Expected<DataSet> nothing = readDataSet(folder);
  EXPECT_THAT(llvm::toString(nothing.takeError()),
              testing::HasSubstr("' has no input_0.pb and no output_0.pb"));
  for (const char *name : {"/test_data_set_10", "/test_data_set_2"}) {
    std::string set = folder.str().str() + name;
    ASSERT_FALSE(llvm::sys::fs::create_directory(set));
    ASSERT_FALSE(static_cast<bool>(
        writeTensorFile(set + "/input_0.pb", "x", f32({1}, {1}))));
  }
  llvm::Expected<std::vector<std::string>> found = findDataSets(folder);
  ASSERT_TRUE(static_cast<bool>(found));
  ASSERT_EQ(found->size(), 2u);
  EXPECT_THAT(found->front(),
              testing::EndsWith("test_data_set_2")); // by number, not by text
  llvm::Expected<DataSet> set = readDataSet(found->front());
  ASSERT_TRUE(static_cast<bool>(set));
  EXPECT_EQ(set->inputs.size(), 1u);
  EXPECT_EQ(set->outputs.size(), 0u);
  llvm::sys::fs::remove_directories(folder);
}

TEST(CompareTest, JudgesByBothForms) {
  std::vector<double> ones(8, 1), near(8, 1.04), far(8, 1.09), single(8, 1);
  single[2] = 1.3;
  Tensor expected = f32({8}, ones);
  Tolerance tolerance{0.1};
  EXPECT_TRUE(
      compareTensors("x", expected, f32({8}, near), tolerance).passed());
  // Every element within the bound on the largest, but too far off together.
  Comparison all = compareTensors("x", expected, f32({8}, far), tolerance);
  EXPECT_FALSE(all.passed());
  EXPECT_NEAR(all.ratio, 0.09 / 0.05, 1e-5);
  Comparison one = compareTensors("x", expected, f32({8}, single), tolerance);
  EXPECT_FALSE(one.passed());
  ASSERT_FALSE(one.worst.empty());
  EXPECT_EQ(one.worst[0].index, 2);
  EXPECT_NEAR(one.ratio, 3, 1e-5);
}

TEST(CompareTest, FewElementsAverageLess) {
  // One element's root mean square is its error: both forms are one.
  Tolerance tolerance{0.1};
  EXPECT_NEAR(tolerance.rootMeanSquare(1), 0.1, 1e-12);
  EXPECT_NEAR(tolerance.rootMeanSquare(2), 0.1 / std::cbrt(2.0), 1e-12);
  EXPECT_NEAR(tolerance.rootMeanSquare(8), 0.05, 1e-12);
  EXPECT_NEAR(tolerance.rootMeanSquare(1000), 0.05, 1e-12);
  EXPECT_TRUE(
      compareTensors("x", f32({1}, {1}), f32({1}, {1.09}), tolerance).passed());
  EXPECT_FALSE(
      compareTensors("x", f32({1}, {1}), f32({1}, {1.11}), tolerance).passed());
}

TEST(CompareTest, SpecialValues) {
  double infinity = std::numeric_limits<double>::infinity();
  Tensor expected = f32({3}, {NAN, infinity, 1});
  EXPECT_TRUE(
      compareTensors("x", expected, f32({3}, {NAN, infinity, 1}), {}).passed());
  EXPECT_EQ(compareTensors("x", expected, f32({3}, {0, -infinity, 1}), {1.0})
                .mismatches,
            2);
  EXPECT_FALSE(
      compareTensors("x", f32({1}, {1}), f32({1}, {NAN}), {1.0}).passed());
  EXPECT_FALSE(compareTensors("x", i64({2}, {1, 2}), i64({2}, {1, 3}), {1.0})
                   .passed()); // integers are exact
  EXPECT_EQ(
      compareTensors("x", f32({2}, {1, 2}), f32({1, 2}, {1, 2}), {}).problem,
      "shape must be [2], got [1, 2]");
  EXPECT_EQ(compareTensors("x", f32({1}, {1}), i64({1}, {1}), {}).problem,
            "element type must be f32, got i64");
  EXPECT_TRUE(compareTensors("x", f32({0}, {}), f32({0}, {}), {}).passed());
  std::string text;
  llvm::raw_string_ostream stream(text);
  printComparisons(stream, {compareTensors("logits", f32({1, 2}, {1, 2}),
                                           f32({1, 2}, {1, 3}), {1e-3})});
  EXPECT_THAT(text, testing::HasSubstr("at [0, 1]: expected 2, got 3"));
  EXPECT_THAT(text, testing::HasSubstr("FAILED"));
}

/// The tolerance of the one result of a function of this body; `%x` is 4 x 256.
static double toleranceOf(llvm::StringRef type, llvm::StringRef body) {
  std::string text =
      ("func.func @main(%x: tensor<4x256x" + type + ">, %w: tensor<256x256x" +
       type + ">) -> tensor<4x256x" + type + "> {\n" + body +
       "  return %r : tensor<4x256x" + type + ">\n}")
          .str();
  OwningOpRef<ModuleOp> module = parseModule(text);
  return module ? deriveTolerances(module->lookupSymbol<func::FuncOp>("main"))
                      .front()
                      .relative
                : 0;
}

TEST(ToleranceTest, FollowsTypesAndLengths) {
  const char *matMul = "  %r = onnx.MatMul(%x, %w) : (tensor<4x256xf32>, "
                       "tensor<256x256xf32>) -> tensor<4x256xf32>\n";
  // 256 / 2 + 1 roundings of products and sums and one of the result, uniform
  // in [-u, u], two programs, four deviations.
  EXPECT_NEAR(toleranceOf("f32", matMul),
              4 * std::sqrt(2.0 * 130 / 3) * 0x1p-24, 1e-12);
  const char *brain = "  %r = onnx.MatMul(%x, %w) : (tensor<4x256xbf16>, "
                      "tensor<256x256xbf16>) -> tensor<4x256xbf16>\n";
  EXPECT_NEAR(toleranceOf("bf16", brain), 4 * std::sqrt(2.0 / 3) * 0x1p-8,
              1e-6); // sums are in f32: the last rounding rules
  const char *moved =
      "  %r = onnx.Identity(%x) : (tensor<4x256xf32>) -> tensor<4x256xf32>\n";
  EXPECT_EQ(toleranceOf("f32", moved), 0);
}

TEST(ToleranceTest, GrowsSlowlyWithDepth) {
  // A residual stream of blocks, each normalised: the error must grow with a
  // small power of the depth, not exponentially.
  auto depth = [](int layers) {
    std::string body, stream = "%x";
    for (int i = 0; i < layers; ++i) {
      std::string n = std::to_string(i), t = "tensor<4x256xf32>";
      body += "  %n" + n + " = onnx.RMSNormalization(" + stream + ", %w) : (" +
              t + ", tensor<256x256xf32>) -> " + t + "\n";
      body += "  %m" + n + " = onnx.MatMul(%n" + n + ", %w) : (" + t +
              ", tensor<256x256xf32>) -> " + t + "\n";
      body += "  %g" + n + " = onnx.Mul(%m" + n + ", %n" + n + ") : (" + t +
              ", " + t + ") -> " + t + "\n";
      body += "  %s" + n + " = onnx.Add(" + stream + ", %g" + n + ") : (" + t +
              ", " + t + ") -> " + t + "\n";
      stream = "%s" + n;
    }
    return toleranceOf("f32",
                       body + "  %r = onnx.Identity(" + stream +
                           ") : (tensor<4x256xf32>) -> tensor<4x256xf32>\n");
  };
  EXPECT_LT(depth(64) / depth(8), 16);
  EXPECT_LT(depth(64), 0.01);
  EXPECT_GT(depth(64), depth(8));
}

static const char chooser[] =
    "func.func @main(%x: tensor<4xf32>) -> tensor<2xi64> {\n"
    "  %c = onnx.Constant dense<[1.0, 2.0, 3.0, 3.0]> : tensor<4xf32>\n"
    "  %s = onnx.Mul(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> "
    "tensor<4xf32>\n"
    "  %k = onnx.Constant dense<1> : tensor<1xi64>\n"
    "  %v, %i = onnx.TopK(%s, %k) : (tensor<4xf32>, tensor<1xi64>) -> "
    "(tensor<1xf32>, tensor<1xi64>)\n"
    "  %o = onnx.Constant dense<[0, 100]> : tensor<2xi64>\n"
    "  %r = onnx.Add(%i, %o) : (tensor<1xi64>, tensor<2xi64>) -> "
    "tensor<2xi64>\n"
    "  return %r : tensor<2xi64>\n}";

TEST(VerificationTest, TurnsChoicesBelowTheBoundOnly) {
  OwningOpRef<ModuleOp> module = parseModule(chooser);
  auto function = module->lookupSymbol<func::FuncOp>("main");
  // Elements 2 and 3 differ by one unit in the last place: either choice is
  // right.
  Tensor close = f32({4}, {1, 1, 1, 1 - 0x1p-24});
  for (int64_t chosen : {2, 3}) {
    FailureOr<Verification> verification =
        verify(function, {close}, {i64({2}, {chosen, 100 + chosen})}, true);
    ASSERT_TRUE(succeeded(verification));
    EXPECT_TRUE(verification->passed());
    EXPECT_EQ(verification->nearTies.size(), 1u);
    EXPECT_EQ(verification->forced.size(), chosen == 3 ? 1u : 0u);
  }
  FailureOr<Verification> wrong =
      verify(function, {close}, {i64({2}, {1, 101})}, true);
  ASSERT_TRUE(succeeded(wrong));
  EXPECT_FALSE(wrong->passed());
  // With a clear margin no choice is turned.
  FailureOr<Verification> clear =
      verify(function, {f32({4}, {1, 1, 1, 0.99})}, {i64({2}, {3, 103})}, true);
  ASSERT_TRUE(succeeded(clear));
  EXPECT_FALSE(clear->passed());
  EXPECT_TRUE(clear->nearTies.empty());
}

static const char layered[] =
    "func.func @main(%x: tensor<4xf32> {onnx.name = \"x\"}) -> (tensor<1xi64> "
    "{onnx.name = \"y\"}) {\n"
    "  %e = onnx.Exp(%x) : (tensor<4xf32>) -> tensor<4xf32>\n"
    "  %k = onnx.Constant dense<1> : tensor<1xi64>\n"
    "  %v, %i = onnx.TopK(%e, %k) : (tensor<4xf32>, tensor<1xi64>) -> "
    "(tensor<1xf32>, tensor<1xi64>)\n"
    "  %r = onnx.Identity(%i) : (tensor<1xi64>) -> tensor<1xi64>\n"
    "  return %r : tensor<1xi64>\n}";

TEST(VerificationTest, FindsTheFirstLayerThatDiffers) {
  OwningOpRef<ModuleOp> module = parseModule(layered),
                        exposed = parseModule(layered);
  auto function = module->lookupSymbol<func::FuncOp>("main"),
       program = exposed->lookupSymbol<func::FuncOp>("main");
  exposeIntermediates(program);
  EXPECT_TRUE(succeeded(mlir::verify(*exposed)));
  EXPECT_THAT(outputNames(program),
              testing::ElementsAre("y", "layer 0: onnx.Exp",
                                   "layer 1: onnx.TopK", "layer 2: onnx.TopK",
                                   "layer 3: onnx.Identity"));
  Tensor x = f32({4}, {0, 1, 1 - 0x1p-24, 0});
  auto results = interpret(program, {x});
  ASSERT_TRUE(succeeded(results));
  auto same = verifyLayers(function, {x}, *results);
  ASSERT_TRUE(succeeded(same));
  EXPECT_TRUE(same->differing.empty());
  EXPECT_EQ(same->compared, 4);
  // A near choice made the other way is taken over, and what follows from it
  // agrees.
  std::vector<Tensor> other = *results;
  other[0] = other[3] = other[4] = i64({1}, {2});
  auto turned = verifyLayers(function, {x}, other);
  ASSERT_TRUE(succeeded(turned));
  EXPECT_TRUE(turned->differing.empty());
  EXPECT_EQ(turned->forced.size(), 1u);
  // A choice far off, and an error before it, are named.
  other[3] = i64({1}, {0});
  auto wrong = verifyLayers(function, {x}, other);
  ASSERT_TRUE(succeeded(wrong));
  ASSERT_FALSE(wrong->differing.empty());
  EXPECT_EQ(nodeName(wrong->differing.front().first), "onnx.TopK");
  other[1].setReal(0, 1.01);
  wrong = verifyLayers(function, {x}, other);
  ASSERT_TRUE(succeeded(wrong));
  ASSERT_FALSE(wrong->differing.empty());
  EXPECT_EQ(nodeName(wrong->differing.front().first), "onnx.Exp");
  std::string text;
  llvm::raw_string_ostream stream(text);
  printLayers(stream, *wrong);
  EXPECT_THAT(
      text, testing::HasSubstr("first differs at node 'onnx.Exp' (onnx.Exp)"));
}
