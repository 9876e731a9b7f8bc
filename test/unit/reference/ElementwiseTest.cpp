// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const double infinity = std::numeric_limits<double>::infinity();
static const double notANumber = std::numeric_limits<double>::quiet_NaN();

TEST(ElementwiseTest, KnowsEveryAcceptedOperator) {
  for (mlir::RegisteredOperationName name :
       testContext().getRegisteredOperationsByDialect("onnx"))
    if (name.getStringRef() != "onnx.Yield")
      EXPECT_TRUE(canInterpret(name.getStringRef()))
          << name.getStringRef().str();
  EXPECT_TRUE(canInterpret("onnx.com.microsoft.EngramGate"));
  EXPECT_FALSE(canInterpret("onnx.Bernoulli"));
}

TEST(ElementwiseTest, FunctionsOfReals) {
  Tensor x = f32({3}, {-1, 0, 2});
  expectReals(only(runOperator("Sigmoid", {x})), {3},
              {0.2689414214, 0.5, 0.8807970780});
  expectReals(only(runOperator("Exp", {x})), {3},
              {0.3678794412, 1, 7.3890560989});
  expectReals(only(runOperator("Erf", {x})), {3},
              {-0.8427007929, 0, 0.9953222650});
  expectReals(only(runOperator("Softplus", {x})), {3},
              {0.3132616875, 0.6931471806, 2.1269280110});
  expectReals(only(runOperator("Gelu", {x})), {3},
              {-0.1586552539, 0, 1.9544997361});
  expectReals(only(runOperator("Gelu", {x}, "{approximate = \"tanh\"}")), {3},
              {-0.1588080094, 0, 1.9545976941});
  expectReals(only(runOperator("Swish", {x}, "{alpha = 2.0 : f32}")), {3},
              {-0.1192029220, 0, 1.9640275800});
  expectReals(only(runOperator("LeakyRelu", {x}, "{alpha = 0.5 : f32}")), {3},
              {-0.5, 0, 2});
  expectReals(only(runOperator("HardSigmoid", {x},
                               "{alpha = 0.5 : f32, beta = 0.25 : f32}")),
              {3}, {0, 0.25, 1});
  expectReals(only(runOperator("Mish", {x})), {3},
              {-0.3034014613, 0, 1.9439589595});
  expectReals(only(runOperator("Sigmoid", {f32({2}, {-1000, 1000})})), {2},
              {0, 1});
  expectReals(only(runOperator("Round", {f32({4}, {0.5, 1.5, -2.5, 2.6})})),
              {4}, {0, 2, -2, 3});
  expectReals(only(runOperator("Sign", {f32({4}, {-3, 0, 5, notANumber})})),
              {4}, {-1, 0, 1, notANumber});
  expectReals(only(runOperator("Relu", {f32({3}, {-3, notANumber, 5})})), {3},
              {0, notANumber, 5});
  expectReals(only(runOperator("Sqrt", {f32({2}, {4, -1})})), {2},
              {2, notANumber});
}

TEST(ElementwiseTest, RoundsOnceToTheResultType) {
  // 1/3 in bfloat16 and half precision.
  Tensor brain = Tensor::fromReals(ElementType::BF16, {1}, {3}),
         half = Tensor::fromReals(ElementType::F16, {1}, {3});
  EXPECT_EQ(only(runOperator("Reciprocal", {brain}, "", {"bf16"})).real(0),
            bfloat16ToDouble(roundToBFloat16(1.0 / 3)));
  EXPECT_EQ(only(runOperator("Reciprocal", {half}, "", {"f16"})).real(0),
            halfToDouble(roundToHalf(1.0 / 3)));
}

TEST(ElementwiseTest, Integers) {
  Tensor x = Tensor::fromIntegers(ElementType::I8, {3}, {-128, -1, 5});
  expectIntegers(only(runOperator("Abs", {x}, "", {"i8"})), {3},
                 {-128, 1, 5}); // the smallest wraps
  expectIntegers(only(runOperator("Neg", {x}, "", {"i8"})), {3}, {-128, 1, -5});
  expectIntegers(only(runOperator("Sign", {x}, "", {"i8"})), {3}, {-1, -1, 1});
  expectIntegers(only(runOperator("BitwiseNot", {x}, "", {"i8"})), {3},
                 {127, 0, -6});
  expectIntegers(only(runOperator("Not", {booleans({2}, {0, 1})}, "", {"i1"})),
                 {2}, {1, 0});
}

TEST(ElementwiseTest, TestsForSpecialValues) {
  Tensor x = f32({4}, {1, notANumber, infinity, -infinity});
  expectIntegers(only(runOperator("IsNaN", {x}, "", {"i1"})), {4},
                 {0, 1, 0, 0});
  expectIntegers(only(runOperator("IsInf", {x}, "", {"i1"})), {4},
                 {0, 0, 1, 1});
  expectIntegers(
      only(runOperator("IsInf", {x}, "{detect_negative = 0 : i64}", {"i1"})),
      {4}, {0, 0, 1, 0});
}

TEST(ElementwiseTest, WorksOnNothing) {
  expectReals(only(runOperator("Exp", {f32({2, 0}, {})})), {2, 0}, {});
}

TEST(ElementwiseTest, Errors) {
  expectError(runOperator("Exp", {i64({1}, {1})}, "", {"i64"}),
              "'X' must have a float type, got i64");
  expectError(runOperator("BitwiseNot", {f32({1}, {1})}),
              "'X' must have an integer type, got f32");
  expectError(runOperator("Gelu", {f32({1}, {1})}, "{approximate = \"fast\"}"),
              "'approximate' must be 'none' or 'tanh', got 'fast'");
  expectError(runOperator("Dropout",
                          {f32({1}, {1}), f32({}, {0.5}), booleans({}, {1})},
                          "", {"f32", "i1"}),
              "'training_mode' must be false");
}
