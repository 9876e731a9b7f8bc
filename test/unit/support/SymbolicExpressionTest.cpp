// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Support/SymbolicExpression.h"
#include <gtest/gtest.h>
#include <limits>

using namespace mlir::trine;

namespace {

class SymbolicExpressionTest : public ::testing::Test {
protected:
  SymbolicContext context;
  SymbolicExpression batch = context.getSymbol("batch");
  SymbolicExpression seq = context.getSymbol("seq");
  SymbolicExpression past = context.getSymbol("past");

  SymbolicExpression number(int64_t value) {
    return context.getConstant(value);
  }
  std::string parsed(llvm::StringRef text) { return context.parse(text).str(); }
};

TEST_F(SymbolicExpressionTest, EqualExpressionsAreOneObject) {
  EXPECT_EQ(past + seq, seq + past);
  EXPECT_EQ(batch * seq * 3, number(3) * seq * batch);
  EXPECT_EQ((past + seq) * (past - seq), past * past - seq * seq);
  EXPECT_EQ(seq - seq, number(0));
  EXPECT_NE(past + seq, past);
  EXPECT_EQ(max(past, seq), max(seq, past));
  EXPECT_EQ(min(past, seq), min(seq, past));
  EXPECT_EQ(max(max(past, seq), batch), max(past, max(batch, seq)));
}

TEST_F(SymbolicExpressionTest, ConstantsAndSymbolsAreTold) {
  EXPECT_EQ((seq - seq + 5).getConstant(), 5);
  EXPECT_FALSE((seq + 5).getConstant().has_value());
  EXPECT_TRUE(number(0).isConstant(0));
  EXPECT_TRUE(seq.isSymbol());
  EXPECT_FALSE((seq * 2).isSymbol());
  EXPECT_FALSE((seq * seq).isSymbol());
  EXPECT_FALSE(SymbolicExpression());
}

TEST_F(SymbolicExpressionTest, ExactDivisionDisappears) {
  EXPECT_EQ(floorDiv(batch * seq * 64, number(64)), batch * seq);
  EXPECT_EQ(floorDiv(batch * seq * 64, seq * 16), batch * 4);
  EXPECT_EQ(floorDiv(batch * past + batch * seq, past + seq), batch);
  EXPECT_EQ(divideExactly(past * past - seq * seq, past - seq), past + seq);
  EXPECT_FALSE(divideExactly(seq, number(2)));
  EXPECT_FALSE(divideExactly(seq, past));
  EXPECT_FALSE(divideExactly(seq, number(0)));
  EXPECT_EQ(mod(batch * 64, number(64)), number(0));
  EXPECT_EQ(ceilDiv(batch * 64, number(64)), batch);
}

TEST_F(SymbolicExpressionTest, DivisionByConstantsHasOneForm) {
  EXPECT_EQ(floorDiv(seq * 64 + 3, number(64)), seq);
  EXPECT_EQ(floorDiv(seq * 65 + 3, number(64)),
            seq + floorDiv(seq + 3, number(64)));
  EXPECT_EQ(floorDiv(seq * 2 + 1, number(4)), floorDiv(seq, number(2)));
  EXPECT_EQ(floorDiv(floorDiv(seq, number(2)), number(3)),
            floorDiv(seq, number(6)));
  EXPECT_EQ(ceilDiv(seq, number(2)), floorDiv(seq + 1, number(2)));
  EXPECT_EQ(floorDiv(number(-7), number(2)), number(-4));
  EXPECT_EQ(ceilDiv(number(-7), number(2)), number(-3));
  EXPECT_EQ(mod(number(-7), number(4)), number(1));
  EXPECT_EQ(mod(seq * 5 + 9, number(4)), mod(seq + 1, number(4)));
}

TEST_F(SymbolicExpressionTest, ExtremaDropWhatIsCovered) {
  EXPECT_EQ(max(seq, number(0)), seq);
  EXPECT_EQ(max(seq - 1, number(-1)), seq - 1);
  EXPECT_EQ(min(number(2), seq + 2), number(2));
  EXPECT_EQ(max(seq, past + seq), past + seq);
  EXPECT_EQ(max(number(3), number(5)), number(5));
  EXPECT_EQ(max(seq - 1, number(0)).str(), "max(0, seq - 1)");
  EXPECT_EQ(max(floorDiv(seq, number(2)), seq), seq);
}

TEST_F(SymbolicExpressionTest, SignsAreProved) {
  EXPECT_TRUE(isKnownNonNegative(seq * batch + 3));
  EXPECT_FALSE(isKnownNonNegative(seq - 1));
  EXPECT_TRUE(isKnownPositive(seq + 1));
  EXPECT_FALSE(isKnownPositive(seq));
  EXPECT_TRUE(isKnownLessOrEqual(floorDiv(seq, number(2)), seq));
  EXPECT_TRUE(isKnownNonNegative(seq - ceilDiv(seq, number(2)) + 1));
  EXPECT_TRUE(isKnownLessOrEqual(mod(seq, number(8)), number(7)));
  EXPECT_TRUE(isKnownLessOrEqual(min(seq, number(9)), number(9)));
  EXPECT_FALSE(isKnownLessOrEqual(max(seq, number(9)), number(9)));
  EXPECT_TRUE(isKnownNonNegative(max(seq - 4, number(0))));
  // A product of two things of unknown sign is not known.
  EXPECT_FALSE(isKnownNonNegative((seq - 4) * (past - 4)));
}

TEST_F(SymbolicExpressionTest, TextIsNormalised) {
  EXPECT_EQ(parsed("seq + past"), "past + seq");
  EXPECT_EQ(parsed("3*s44*s70"), "3*s44*s70");
  EXPECT_EQ(parsed("s70 * 3 * s44"), "3*s44*s70");
  EXPECT_EQ(parsed("32"), "32");
  EXPECT_EQ(parsed(" s16 + s70 "), "s16 + s70");
  EXPECT_EQ(parsed("seq - 1"), "seq - 1");
  EXPECT_EQ(parsed("-seq + past"), "past - seq");
  EXPECT_EQ(parsed("(seq + 1)//2"), "(seq + 1) floordiv 2");
  EXPECT_EQ(parsed("2*(seq//3)"), "2*(seq floordiv 3)");
  EXPECT_EQ(parsed("seq % 4"), "seq mod 4");
  EXPECT_EQ(parsed("Max(1, s0)"), "max(1, s0)");
  EXPECT_EQ(parsed("min(a, b, c)"), "min(a, b, c)");
  EXPECT_EQ(parsed("a ceildiv b"), "a ceildiv b");
  EXPECT_FALSE(context.parse("  "));
}

TEST_F(SymbolicExpressionTest, PrintedTextIsReadBack) {
  for (llvm::StringRef text :
       {"past + seq", "2*batch*seq - 3*past + 7", "max(0, seq - 1)",
        "3*((past + seq) floordiv (batch + 1))", "-9223372036854775807",
        "(seq mod 7)*(past floordiv 2)", "max(min(a, b), c) + 1",
        "a ceildiv (b + 1)"}) {
    SymbolicExpression expression = context.parse(text);
    EXPECT_FALSE(expression.isSymbol()) << text.str();
    EXPECT_EQ(context.parse(expression.str()), expression) << text.str();
  }
}

TEST_F(SymbolicExpressionTest, OtherTextIsOneSymbol) {
  for (llvm::StringRef text :
       {"unk__0?", "a b", "f(x)", "a +", "(a", "99999999999999999999", "1a",
        "a*floordiv", "max()", "max(a", "a,b"}) {
    SymbolicExpression expression = context.parse(text);
    EXPECT_EQ(expression.getSymbolName(), text) << text.str();
  }
  std::string deep(1000, '(');
  EXPECT_TRUE(context.parse(deep).isSymbol());
  std::string minus = std::string(4000, '-') + "a";
  EXPECT_EQ(context.parse(minus), context.parse("a"));
  EXPECT_TRUE(context.parse(std::string(100000, 'x')).isSymbol());
}

TEST_F(SymbolicExpressionTest, SubstitutionNormalises) {
  auto put = [&](SymbolicExpression symbol) {
    return symbol == past ? seq * 2 : SymbolicExpression();
  };
  EXPECT_EQ(substitute(past + seq, put), seq * 3);
  EXPECT_EQ(substitute(floorDiv(past, number(2)) + max(past, batch), put),
            seq + max(seq * 2, batch));
}

TEST_F(SymbolicExpressionTest, EvaluationFollowsTheDefinitions) {
  auto value = [](llvm::StringRef name) -> std::optional<int64_t> {
    if (name == "seq")
      return 5;
    if (name == "past")
      return -3;
    return std::nullopt;
  };
  EXPECT_EQ(evaluate(seq * seq + past, value), 22);
  EXPECT_EQ(evaluate(floorDiv(past, number(2)), value), -2);
  EXPECT_EQ(evaluate(ceilDiv(past, seq), value), 0);
  EXPECT_EQ(evaluate(mod(past, seq), value), 2);
  EXPECT_EQ(evaluate(mod(seq, past), value), -1);
  EXPECT_EQ(evaluate(max(seq, past), value), 5);
  EXPECT_EQ(evaluate(min(seq, past), value), -3);
  EXPECT_FALSE(evaluate(batch, value).has_value());
  EXPECT_FALSE(evaluate(floorDiv(seq, past - past), value).has_value());
  EXPECT_FALSE(evaluate(mod(seq, past + 3), value).has_value());
}

TEST_F(SymbolicExpressionTest, OverflowIsKeptAsText) {
  int64_t largest = std::numeric_limits<int64_t>::max();
  int64_t smallest = std::numeric_limits<int64_t>::min();
  auto none = [](llvm::StringRef) -> std::optional<int64_t> { return 0; };
  for (SymbolicExpression e :
       {number(largest) + 1, number(largest) * number(largest),
        number(smallest) * -1, number(smallest) - 1,
        floorDiv(number(smallest), number(-1))}) {
    EXPECT_FALSE(e.getConstant().has_value()) << e.str();
    EXPECT_FALSE(evaluate(e, none).has_value()) << e.str();
  }
  EXPECT_EQ(number(largest) + 1, number(1) + number(largest));
  EXPECT_EQ(number(smallest).str(), "-9223372036854775808");
  // The same with symbols: evaluation sees the overflow.
  auto huge = [&](llvm::StringRef) -> std::optional<int64_t> {
    return largest;
  };
  EXPECT_FALSE(evaluate(seq + past, huge).has_value());
  EXPECT_FALSE(evaluate(seq * 2, huge).has_value());
}

TEST_F(SymbolicExpressionTest, LargeProductsStayBounded) {
  // (s0 + s1 + 1)^n would have more and more terms; powers of one symbol
  // more and more factors.
  SymbolicExpression power = number(1), base = seq + past + 1;
  for (unsigned i = 0; i < 200; ++i) {
    power = power * base;
    EXPECT_LE(power.getTerms().size(), 1024u);
  }
  SymbolicExpression sum = number(0);
  for (unsigned i = 0; i < 1500; ++i)
    sum = sum + context.makeFreshSymbol("u");
  EXPECT_LE(sum.getTerms().size(), 1024u);
  EXPECT_EQ(evaluate(sum, [](llvm::StringRef) { return 1; }), 1500);
}

TEST_F(SymbolicExpressionTest, UpperBoundsReplaceBoundedSymbols) {
  SymbolicExpression u = context.makeFreshSymbol("u");
  SymbolicExpression v = context.makeFreshSymbol("u");
  EXPECT_EQ(u.str(), "u0");
  EXPECT_EQ(v.str(), "u1");
  context.setUpperBound(u, batch * 2);
  context.setUpperBound(v, seq);
  EXPECT_EQ(context.getUpperBound(u + v * 3), batch * 2 + seq * 3);
  EXPECT_EQ(context.getUpperBound(u * v), batch * seq * 2);
  EXPECT_EQ(context.getUpperBound(past - u), past);
  EXPECT_EQ(context.getUpperBound(floorDiv(u, number(2)) + 1), batch + 1);
  EXPECT_EQ(context.getUpperBound(max(u, number(7))),
            max(batch * 2, number(7)));
  EXPECT_EQ(context.getUpperBound(past), past);
  // (u - 4)*v may be large where u is.
  EXPECT_FALSE(context.getUpperBound(floorDiv(past - u, v)));
}

TEST_F(SymbolicExpressionTest, FreshSymbolsAreNew) {
  context.getSymbol("u0");
  EXPECT_EQ(context.makeFreshSymbol("u").str(), "u1");
}

} // namespace
