// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of arith and math on scalars, with the semantics of their types.
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const double infinity = std::numeric_limits<double>::infinity();
static const double notANumber = std::numeric_limits<double>::quiet_NaN();

namespace {
/// An op on scalars of one type: what it gives for the operands.
struct IntegerCase {
  const char *op, *type;
  std::vector<int64_t> operands;
  int64_t expected;
  const char *resultType = nullptr; // that of the operands
};
struct RealCase {
  const char *op, *type;
  std::vector<double> operands;
  double expected;
};
} // namespace

static ElementType typeFromText(llvm::StringRef text) {
  if (text == "index")
    return ElementType::I64;
  return text == "i1" ? ElementType::Bool : *elementTypeFromName(text);
}

static std::string uses(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += (i ? ", %" : " %") + std::to_string(i);
  return text;
}

static Outcome runIntegers(const IntegerCase &test) {
  std::vector<llvm::StringRef> types(test.operands.size(), test.type);
  std::vector<Tensor> inputs;
  for (int64_t operand : test.operands)
    inputs.push_back(
        Tensor::fromIntegers(typeFromText(test.type), {}, {operand}));
  std::string type = test.type;
  if (test.resultType)
    type += " to " + std::string(test.resultType);
  if (llvm::StringRef(test.op).starts_with("arith.cmpi"))
    type = test.type;
  return runBody(types,
                 "%r = " + std::string(test.op) + uses(test.operands.size()) +
                     " : " + type,
                 {test.resultType ? test.resultType : test.type}, inputs);
}

TEST(ScalarTest, Integers) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  const IntegerCase cases[] = {
      {"arith.addi", "i8", {127, 1}, -128},
      {"arith.addi", "i64", {least, -1}, ~least},
      {"arith.addi", "index", {2, 3}, 5},
      {"arith.subi", "i16", {-32768, 1}, 32767},
      {"arith.muli", "i32", {65536, 65536}, 0},
      {"arith.muli", "i64", {3037000500, 3037000500}, -9223372036709301616},
      {"arith.andi", "i8", {-4, 7}, 4},
      {"arith.ori", "i8", {-4, 3}, -1},
      {"arith.xori", "i1", {1, 1}, 0},
      {"arith.maxsi", "i8", {-1, 1}, 1},
      {"arith.maxui", "i8", {-1, 1}, -1},
      {"arith.minsi", "i8", {-1, 1}, -1},
      {"arith.minui", "i8", {-1, 1}, 1},
      {"arith.divsi", "i32", {-7, 2}, -3},
      {"arith.floordivsi", "i32", {-7, 2}, -4},
      {"arith.floordivsi", "i32", {-6, 2}, -3},
      {"arith.ceildivsi", "i32", {7, 2}, 4},
      {"arith.ceildivsi", "i32", {-7, 2}, -3},
      {"arith.divui", "i8", {-2, 2}, 127},
      {"arith.ceildivui", "i8", {-1, 2}, -128},
      {"arith.remsi", "i32", {-7, 2}, -1},
      {"arith.remsi", "i64", {least, -1}, 0},
      {"arith.remui", "i8", {-1, 16}, 15},
      {"arith.shli", "i8", {-127, 1}, 2},
      {"arith.shli", "i8", {1, 8}, 0},
      {"arith.shrui", "i8", {-128, 7}, 1},
      {"arith.shrsi", "i8", {-128, 7}, -1},
      {"arith.shrsi", "i8", {-128, 9}, 0},
      {"arith.extsi", "i1", {1}, -1, "i32"},
      {"arith.extui", "i1", {1}, 1, "i32"},
      {"arith.extui", "i8", {-1}, 255, "i64"},
      {"arith.trunci", "i64", {511}, -1, "i8"},
      {"arith.index_cast", "i32", {-5}, -5, "index"},
      {"arith.index_castui", "i32", {-5}, 4294967291, "index"},
      {"math.absi", "i8", {-128}, -128},
      {"math.absi", "i8", {-5}, 5},
      {"math.ctlz", "i8", {8}, 4},
      {"math.ctlz", "i64", {0}, 64},
      {"math.cttz", "i8", {8}, 3},
      {"math.cttz", "i32", {0}, 32},
      {"math.ctpop", "i8", {-1}, 8},
      {"math.ipowi", "i32", {-3, 3}, -27},
      {"math.ipowi", "i32", {-1, -3}, -1},
      {"math.ipowi", "i8", {2, 9}, 0},
      {"arith.cmpi eq,", "i8", {3, 3}, 1, "i1"},
      {"arith.cmpi ne,", "i8", {3, 3}, 0, "i1"},
      {"arith.cmpi slt,", "i8", {-1, 1}, 1, "i1"},
      {"arith.cmpi slt,", "i1", {1, 0}, 1, "i1"}, // true is -1
      {"arith.cmpi sle,", "i8", {1, 1}, 1, "i1"},
      {"arith.cmpi sgt,", "i8", {-1, 1}, 0, "i1"},
      {"arith.cmpi sge,", "i8", {-1, 1}, 0, "i1"},
      {"arith.cmpi ult,", "i8", {-1, 1}, 0, "i1"},
      {"arith.cmpi ule,", "i8", {-1, 1}, 0, "i1"},
      {"arith.cmpi ugt,", "i8", {-1, 1}, 1, "i1"},
      {"arith.cmpi uge,", "i8", {-1, 1}, 1, "i1"}};
  for (const IntegerCase &test : cases) {
    SCOPED_TRACE(std::string(test.op) + " " + test.type + " " +
                 std::to_string(test.operands[0]));
    expectIntegers(only(runIntegers(test)), {}, {test.expected});
  }
}

TEST(ScalarTest, UndefinedDivisions) {
  for (const char *op :
       {"arith.divsi", "arith.floordivsi", "arith.ceildivsi", "arith.remsi",
        "arith.divui", "arith.ceildivui", "arith.remui"})
    expectError(runIntegers({op, "i32", {1, 0}, 0}), "divides by zero");
  expectError(runIntegers({"arith.divsi", "i8", {-128, -1}, 0}),
              "divides -128 by -1, which overflows");
}

TEST(ScalarTest, ExtendedArithmetic) {
  auto run = [](const char *op, int64_t a, int64_t b) {
    std::string type = llvm::StringRef(op).contains("add") ? "i8, i1" : "i8";
    return runBody({"i8", "i8"},
                   "%r, %r1 = " + std::string(op) + " %0, %1 : " + type,
                   {"i8", llvm::StringRef(op).contains("add") ? "i1" : "i8"},
                   {Tensor::fromIntegers(ElementType::I8, {}, {a}),
                    Tensor::fromIntegers(ElementType::I8, {}, {b})});
  };
  auto expect = [&](const char *op, int64_t a, int64_t b, int64_t low,
                    int64_t high) {
    Outcome outcome = run(op, a, b);
    ASSERT_TRUE(outcome.succeeded) << outcome.errors;
    expectIntegers(outcome.results[0], {}, {low});
    expectIntegers(outcome.results[1], {}, {high});
  };
  expect("arith.addui_extended", -1, 2, 1, 1);
  expect("arith.addui_extended", 1, 2, 3, 0);
  expect("arith.mulsi_extended", -100, 100, -16, -40);
  expect("arith.mului_extended", -1, -1, 1, -2);
}

static Outcome runReals(const RealCase &test) {
  std::vector<llvm::StringRef> types(test.operands.size(), test.type);
  std::vector<Tensor> inputs;
  for (double operand : test.operands)
    inputs.push_back(Tensor::fromReals(typeFromText(test.type), {}, {operand}));
  return runBody(types,
                 "%r = " + std::string(test.op) + uses(test.operands.size()) +
                     " : " + test.type,
                 {test.type}, inputs);
}

TEST(ScalarTest, Reals) {
  const RealCase cases[] = {
      // Each op rounds to its type.
      {"arith.addf", "f32", {1, 0x1p-24}, 1},
      {"arith.addf", "f64", {1, 0x1p-24}, 1 + 0x1p-24},
      {"arith.addf", "bf16", {256, 1}, 256},
      {"arith.addf", "f16", {2048, 1}, 2048},
      {"arith.subf", "f32", {3, 1}, 2},
      {"arith.mulf", "f16", {300, 300}, infinity},
      {"arith.mulf", "bf16", {1.0078125, 1.0078125}, 1.015625},
      {"arith.divf", "f32", {1, 0}, infinity},
      {"arith.divf", "f32", {0, 0}, notANumber},
      {"arith.remf", "f32", {-7, 2}, -1},
      {"arith.negf", "f32", {2}, -2},
      {"arith.maximumf", "f32", {1, notANumber}, notANumber},
      {"arith.maximumf", "f32", {1, 2}, 2},
      {"arith.minimumf", "f32", {notANumber, 1}, notANumber},
      {"arith.minimumf", "f32", {1, 2}, 1},
      {"arith.maxnumf", "f32", {1, notANumber}, 1},
      {"arith.minnumf", "f32", {notANumber, 2}, 2},
      {"math.absf", "f32", {-2}, 2},
      {"math.sqrt", "f32", {2}, static_cast<float>(std::sqrt(2.0))},
      {"math.sqrt", "bf16", {2}, 1.4140625},
      {"math.rsqrt", "f32", {4}, 0.5},
      {"math.cbrt", "f32", {27}, 3},
      {"math.exp", "f32", {1}, std::exp(1.0)},
      {"math.exp2", "f32", {3}, 8},
      {"math.expm1", "f32", {1e-5}, std::expm1(1e-5)},
      {"math.log", "f32", {std::exp(2.0)}, 2},
      {"math.log2", "f32", {8}, 3},
      {"math.log10", "f32", {1000}, 3},
      {"math.log1p", "f32", {1e-5}, std::log1p(1e-5)},
      {"math.sin", "f32", {1}, std::sin(1.0)},
      {"math.cos", "f32", {1}, std::cos(1.0)},
      {"math.tan", "f32", {1}, std::tan(1.0)},
      {"math.asin", "f32", {0.5}, std::asin(0.5)},
      {"math.acos", "f32", {0.5}, std::acos(0.5)},
      {"math.atan", "f32", {0.5}, std::atan(0.5)},
      {"math.sinh", "f32", {0.5}, std::sinh(0.5)},
      {"math.cosh", "f32", {0.5}, std::cosh(0.5)},
      {"math.tanh", "f32", {0.5}, std::tanh(0.5)},
      {"math.asinh", "f32", {0.5}, std::asinh(0.5)},
      {"math.acosh", "f32", {1.5}, std::acosh(1.5)},
      {"math.atanh", "f32", {0.5}, std::atanh(0.5)},
      {"math.atan2", "f32", {1, -1}, std::atan2(1.0, -1.0)},
      {"math.erf", "f32", {0.5}, std::erf(0.5)},
      {"math.erfc", "f32", {0.5}, std::erfc(0.5)},
      {"math.floor", "f32", {-1.5}, -2},
      {"math.ceil", "f32", {-1.5}, -1},
      {"math.trunc", "f32", {-1.5}, -1},
      {"math.round", "f32", {2.5}, 3},
      {"math.roundeven", "f32", {2.5}, 2},
      {"math.copysign", "f32", {2, -3}, -2},
      {"math.powf", "f32", {2, 10}, 1024},
      {"math.clampf", "f32", {5, 0, 3}, 3},
      {"math.clampf", "f32", {-5, 0, 3}, 0},
      // Of the product only the exact value leaves anything.
      {"math.fma", "f32", {1 + 0x1p-23, 1 - 0x1p-23, -1}, -0x1p-46},
      {"math.fma", "f64", {2, 3, 4}, 10}};
  for (const RealCase &test : cases) {
    SCOPED_TRACE(std::string(test.op) + " " + test.type + " " +
                 std::to_string(test.operands[0]));
    Outcome outcome =
        test.op == std::string("math.clampf")
            ? runBody({"f32", "f32", "f32"},
                      "%r = math.clampf %0 to [%1, %2] : f32", {"f32"},
                      {f32({}, {test.operands[0]}), f32({}, {test.operands[1]}),
                       f32({}, {test.operands[2]})})
            : runReals(test);
    expectReals(only(outcome), {}, {test.expected});
  }
  Tensor zero = only(runReals({"arith.maximumf", "f32", {-0.0, 0.0}, 0}));
  EXPECT_FALSE(std::signbit(zero.real(0)));
  zero = only(runReals({"arith.minimumf", "f32", {0.0, -0.0}, 0}));
  EXPECT_TRUE(std::signbit(zero.real(0)));
}

TEST(ScalarTest, ClassesAndComparisonsOfReals) {
  auto holds = [](const std::string &op, const std::string &type,
                  std::vector<double> operands) {
    std::vector<llvm::StringRef> types(operands.size(), type);
    std::vector<Tensor> inputs;
    for (double operand : operands)
      inputs.push_back(Tensor::fromReals(typeFromText(type), {}, {operand}));
    return only(runBody(types,
                        "%r = " + op + uses(operands.size()) + " : " + type,
                        {"i1"}, inputs))
               .integer(0) != 0;
  };
  // Per predicate: for less, equal, greater, unordered.
  const std::pair<const char *, const char *> predicates[] = {
      {"false", "...."}, {"true", "TTTT"}, {"ord", "TTT."}, {"uno", "...T"},
      {"oeq", ".T.."},   {"one", "T.T."},  {"olt", "T..."}, {"ole", "TT.."},
      {"ogt", "..T."},   {"oge", ".TT."},  {"ueq", ".T.T"}, {"une", "T.TT"},
      {"ult", "T..T"},   {"ule", "TT.T"},  {"ugt", "..TT"}, {"uge", ".TTT"}};
  for (auto [predicate, expected] : predicates) {
    std::string op = "arith.cmpf " + std::string(predicate) + ",", actual;
    for (std::vector<double> operands :
         {std::vector<double>{1, 2}, {2, 2}, {3, 2}, {notANumber, 2}})
      actual += holds(op, "f32", operands) ? 'T' : '.';
    EXPECT_EQ(actual, expected) << predicate;
  }
  EXPECT_TRUE(holds("math.isnan", "f32", {notANumber}));
  EXPECT_FALSE(holds("math.isnan", "f32", {infinity}));
  EXPECT_TRUE(holds("math.isinf", "f32", {-infinity}));
  EXPECT_FALSE(holds("math.isinf", "f32", {notANumber}));
  EXPECT_TRUE(holds("math.isfinite", "f32", {1}));
  EXPECT_FALSE(holds("math.isfinite", "f32", {infinity}));
  EXPECT_TRUE(holds("math.isnormal", "f32", {0x1p-126}));
  EXPECT_FALSE(holds("math.isnormal", "f32", {0x1p-127}));
  EXPECT_FALSE(holds("math.isnormal", "f16", {0x1p-15}));
}

TEST(ScalarTest, Conversions) {
  auto cast = [](const std::string &op, const std::string &from,
                 const std::string &to, Tensor input) {
    return only(runBody({from}, "%r = " + op + " %0 : " + from + " to " + to,
                        {to}, {input}));
  };
  auto integer = [](ElementType type, int64_t value) {
    return Tensor::fromIntegers(type, {}, {value});
  };
  expectReals(cast("arith.extf", "bf16", "f32",
                   Tensor::fromReals(ElementType::BF16, {}, {1.5})),
              {}, {1.5});
  expectReals(cast("arith.truncf", "f32", "bf16", f32({}, {1.005859375})), {},
              {1.0078125});
  expectReals(cast("arith.sitofp", "i1", "f32", integer(ElementType::Bool, 1)),
              {}, {-1});
  expectReals(cast("arith.uitofp", "i1", "f32", integer(ElementType::Bool, 1)),
              {}, {1});
  expectReals(cast("arith.uitofp", "i8", "f32", integer(ElementType::I8, -1)),
              {}, {255});
  // One rounding: by way of double precision this would be 2^54.
  EXPECT_EQ(cast("arith.sitofp", "i64", "f32",
                 integer(ElementType::I64,
                         (int64_t(1) << 54) + (int64_t(1) << 30) + 1))
                .real(0),
            0x1p54 + 0x1p31);
  expectIntegers(cast("arith.fptosi", "f32", "i8", f32({}, {-3.9})), {}, {-3});
  expectIntegers(cast("arith.fptosi", "f32", "i8", f32({}, {1000})), {}, {127});
  expectIntegers(cast("arith.fptosi", "f32", "i64", f32({}, {notANumber})), {},
                 {0});
  expectIntegers(cast("arith.fptoui", "f32", "i8", f32({}, {200.5})), {},
                 {-56});
  expectIntegers(cast("arith.fptoui", "f32", "i8", f32({}, {-5})), {}, {0});
  expectIntegers(cast("arith.bitcast", "f32", "i32", f32({}, {1})), {},
                 {0x3f800000});
  expectReals(
      cast("arith.bitcast", "i16", "bf16", integer(ElementType::I16, 0x3f80)),
      {}, {1});
}

TEST(ScalarTest, SelectsAndPowers) {
  for (int64_t condition : {0, 1})
    expectIntegers(
        only(runBody({"i1", "i64", "i64"}, "%r = arith.select %0, %1, %2 : i64",
                     {"i64"},
                     {booleans({}, {condition}), i64({}, {5}), i64({}, {7})})),
        {}, {condition ? 5 : 7});
  expectReals(
      only(runBody(
          {"f32", "i32"}, "%r = math.fpowi %0, %1 : f32, i32", {"f32"},
          {f32({}, {2}), Tensor::fromIntegers(ElementType::I32, {}, {-2})})),
      {}, {0.25});
  Outcome outcome = runBody({"f32"}, "%r, %r1 = math.sincos %0 : f32",
                            {"f32", "f32"}, {f32({}, {1})});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {}, {std::sin(1.0)});
  expectReals(outcome.results[1], {}, {std::cos(1.0)});
}

TEST(ScalarTest, OnTensors) {
  Tensor a = i64({2, 2}, {1, 2, 3, 4}), b = i64({2, 2}, {9, 1, 9, 1});
  std::string type = "tensor<?x?xi64>";
  expectIntegers(only(runBody({type, type}, "%r = arith.maxsi %0, %1 : " + type,
                              {type}, {a, b})),
                 {2, 2}, {9, 2, 9, 4});
  // One condition for all elements.
  expectIntegers(
      only(runBody({type, type, "i1"}, "%r = arith.select %2, %0, %1 : " + type,
                   {type}, {a, b, booleans({}, {1})})),
      {2, 2}, {1, 2, 3, 4});
  expectError(runBody({type, type}, "%r = arith.addi %0, %1 : " + type, {type},
                      {a, i64({1, 2}, {1, 2})}),
              "operands must have one shape, got [2, 2] and [1, 2]");
  expectError(runBody({type, type}, "%r = arith.divsi %0, %1 : " + type, {type},
                      {a, i64({2, 2}, {1, 1, 1, 0})}),
              "divides by zero");
}

TEST(ScalarTest, UnsupportedTypes) {
  expectError(runBody({"i64"},
                      "%v = arith.trunci %0 : i64 to i5\n"
                      "%r = arith.extsi %v : i5 to i64",
                      {"i64"}, {i64({}, {1})}),
              "works on types that the reference interpreter does not have: "
              "('i64') -> ('i5')");
  expectError(runBody({},
                      "%v = arith.constant dense<1> : tensor<2xi5>\n"
                      "%r = arith.extsi %v : tensor<2xi5> to tensor<2xi64>",
                      {"tensor<2xi64>"}, {}),
              "value of type 'tensor<2xi5>' is not supported");
}
