// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random expressions against plain arithmetic: normal forms, proofs of sign,
// text and upper bounds must agree with values.
#include "trine/Support/SymbolicExpression.h"
#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <random>

using namespace mlir::trine;

namespace {

using Result = std::optional<int64_t>;
using Inputs = std::array<int64_t, 3>;

/// An expression, and the same computed step by step. Nothing where a division
/// by 0 occurs.
struct Sample {
  SymbolicExpression expression;
  std::function<Result(const Inputs &)> compute;
};

int64_t divideDown(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && ((a < 0) != (b < 0)));
}

struct Operation {
  SymbolicExpression (*build)(SymbolicExpression, SymbolicExpression);
  Result (*compute)(int64_t, int64_t);
};

const Operation operations[] = {
    {operator+, [](int64_t a, int64_t b) { return Result(a + b); }},
    {operator-, [](int64_t a, int64_t b) { return Result(a - b); }},
    {operator*, [](int64_t a, int64_t b) { return Result(a * b); }},
    {floorDiv,
     [](int64_t a, int64_t b) {
       return b ? Result(divideDown(a, b)) : Result();
     }},
    {ceilDiv,
     [](int64_t a, int64_t b) {
       return b ? Result(divideDown(a, b) + (a % b != 0)) : Result();
     }},
    {mod,
     [](int64_t a, int64_t b) {
       return b ? Result(a - b * divideDown(a, b)) : Result();
     }},
    {max, [](int64_t a, int64_t b) { return Result(std::max(a, b)); }},
    {min, [](int64_t a, int64_t b) { return Result(std::min(a, b)); }},
};

/// Six random operations on three symbols and three small constants.
std::vector<Sample> makeSamples(SymbolicContext &context,
                                std::mt19937 &random) {
  std::vector<Sample> samples;
  for (unsigned i = 0; i < 3; ++i)
    samples.push_back({context.getSymbol(std::string(1, 'a' + i)),
                       [i](const Inputs &x) { return Result(x[i]); }});
  for (unsigned i = 0; i < 3; ++i) {
    int64_t value = static_cast<int64_t>(random() % 13) - 4;
    samples.push_back({context.getConstant(value),
                       [value](const Inputs &) { return Result(value); }});
  }
  for (unsigned i = 0; i < 6; ++i) {
    Sample a = samples[random() % samples.size()];
    Sample b = samples[random() % samples.size()];
    const Operation &operation = operations[random() % std::size(operations)];
    samples.push_back({operation.build(a.expression, b.expression),
                       [a, b, &operation](const Inputs &x) -> Result {
                         Result left = a.compute(x), right = b.compute(x);
                         if (!left || !right)
                           return std::nullopt;
                         return operation.compute(*left, *right);
                       }});
  }
  return samples;
}

Result evaluateAt(SymbolicExpression expression, const Inputs &x) {
  return evaluate(expression, [&](llvm::StringRef name) {
    return Result(x[name.front() - 'a']);
  });
}

TEST(SymbolicExpressionPropertyTest, NormalFormsKeepValues) {
  std::mt19937 random(1);
  unsigned compared = 0, proved = 0;
  for (unsigned round = 0; round < 4000; ++round) {
    SymbolicContext context;
    for (const Sample &sample : makeSamples(context, random)) {
      SymbolicExpression e = sample.expression;
      EXPECT_EQ(context.parse(e.str()), e) << e.str();
      bool isNonNegative = isKnownNonNegative(e);
      proved += isNonNegative;
      for (unsigned i = 0; i < 6; ++i) {
        Inputs x{int64_t(random() % 7), int64_t(random() % 7),
                 int64_t(random() % 40)};
        Result expected = sample.compute(x), found = evaluateAt(e, x);
        if (!expected || !found)
          continue;
        ++compared;
        ASSERT_EQ(*found, *expected)
            << e.str() << " at " << x[0] << ", " << x[1] << ", " << x[2];
        ASSERT_TRUE(!isNonNegative || *expected >= 0)
            << e.str() << " at " << x[0] << ", " << x[1] << ", " << x[2];
      }
    }
  }
  EXPECT_GT(compared, 100000u);
  EXPECT_GT(proved, 5000u);
}

TEST(SymbolicExpressionPropertyTest, UpperBoundsHold) {
  std::mt19937 random(2);
  unsigned compared = 0;
  for (unsigned round = 0; round < 4000; ++round) {
    SymbolicContext context;
    std::vector<Sample> samples = makeSamples(context, random);
    // a is at most 2*b + 1.
    context.setUpperBound(context.getSymbol("a"),
                          context.getSymbol("b") * 2 + 1);
    for (const Sample &sample : samples) {
      SymbolicExpression bound = context.getUpperBound(sample.expression);
      if (!bound)
        continue;
      EXPECT_TRUE(walkSymbols(bound, [](SymbolicExpression symbol) {
        return symbol.getSymbolName() != "a";
      }));
      for (unsigned i = 0; i < 6; ++i) {
        Inputs x{0, int64_t(random() % 7), int64_t(random() % 40)};
        x[0] = random() % (2 * x[1] + 2);
        Result value = evaluateAt(sample.expression, x);
        Result limit = evaluateAt(bound, x);
        if (!value || !limit)
          continue;
        ++compared;
        ASSERT_LE(*value, *limit)
            << sample.expression.str() << " bounded by " << bound.str()
            << " at " << x[0] << ", " << x[1] << ", " << x[2];
      }
    }
  }
  EXPECT_GT(compared, 100000u);
}

} // namespace
