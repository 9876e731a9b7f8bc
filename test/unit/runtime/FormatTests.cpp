// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The small parts: hashes, sizes, types, CPU features, texts.
#include "core/CpuFeatures.h"
#include "core/ElementType.h"
#include "core/SizeExpression.h"
#include "core/Status.h"
#include "trine/Runtime/Sha256.h"
#include <gmock/gmock.h>

using namespace trine::runtime;

TEST(Sha256, KnownHashes) {
  // FIPS 180-2, appendix B.
  EXPECT_EQ(computeSha256("abc", 3),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(computeSha256(nullptr, 0),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  std::string text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  EXPECT_EQ(computeSha256(text.data(), text.size()),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  std::string million(1000000, 'a');
  EXPECT_EQ(computeSha256(million.data(), million.size()),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesAndBothWaysAgree) {
  std::string bytes;
  for (int size = 0; size < 300; ++size) {
    std::string expected = computeSha256(bytes.data(), bytes.size());
    Sha256 portable(/*allowInstructions=*/false);
    portable.update(bytes.data(), bytes.size());
    EXPECT_EQ(portable.finish(), expected) << size;
    // Three pieces, cut where blocks are not.
    Sha256 pieces;
    size_t first = size / 5, second = size / 2;
    pieces.update(bytes.data(), first);
    pieces.update(bytes.data() + first, second - first);
    pieces.update(bytes.data() + second, size - second);
    EXPECT_EQ(pieces.finish(), expected) << size;
    bytes += static_cast<char>(size * 7);
  }
}

static int64_t evaluate(const std::string &text) {
  std::vector<std::string> symbols = {"a", "b", "odd name!"};
  SizeExpression expression = SizeExpression::parse(text, symbols);
  return expression.evaluate({3, 5, 7, -1, -1});
}

TEST(SizeExpression, Evaluates) {
  EXPECT_EQ(evaluate("a"), 3);
  EXPECT_EQ(evaluate("42"), 42);
  EXPECT_EQ(evaluate("a + b"), 8);
  EXPECT_EQ(evaluate("a+b*2"), 13);
  EXPECT_EQ(evaluate("2*(a + b) - 1"), 15);
  EXPECT_EQ(evaluate("b - a - 1"), 1);
  EXPECT_EQ(evaluate("-a + b"), 2);
  EXPECT_EQ(evaluate("-(a - b)*3"), 6);
  EXPECT_EQ(evaluate("odd name!"), 7);
}

TEST(SizeExpression, KnowsWhatItDoesNotKnow) {
  EXPECT_EQ(evaluate("unbound"), -1);
  EXPECT_EQ(evaluate("a + unbound"), -1);
  EXPECT_EQ(evaluate("a - b"), -1) << "sizes are not negative";
  for (const char *text :
       {"", " ", "a +", "a b", "(a", "a)", "a floordiv 2", "max(a, b)", "a / 2",
        "1x", "9223372036854775807 + a", "9223372036854775808",
        "4611686018427387904 * a", "+a", "*"})
    EXPECT_EQ(evaluate(text), -1) << text;
  EXPECT_EQ(evaluate(std::string(100000, '(') + "a"), -1);
  EXPECT_EQ(evaluate(std::string(100000, '-') + "a"), -1);
}

TEST(SizeExpression, AddsSymbolsOnlyWhenUnderstood) {
  std::vector<std::string> symbols;
  EXPECT_EQ(SizeExpression::parse("a + b", symbols).getSymbol(), -1);
  EXPECT_EQ(SizeExpression::parse("b", symbols).getSymbol(), 1);
  EXPECT_EQ(SizeExpression::parse("c + d ?", symbols).getSymbol(), -1);
  EXPECT_THAT(symbols, testing::ElementsAre("a", "b"));
}

TEST(ElementType, Names) {
  for (trine_type type = TRINE_TYPE_F64; type <= TRINE_TYPE_F4E2M1FN; ++type) {
    ASSERT_NE(trine_type_name(type), nullptr);
    EXPECT_EQ(parseElementType(trine_type_name(type)), type);
    EXPECT_GT(trine_type_size(type), 0u);
  }
  EXPECT_EQ(trine_type_name(TRINE_TYPE_NONE), nullptr);
  EXPECT_EQ(trine_type_name(24), nullptr);
  EXPECT_EQ(trine_type_name(-1), nullptr);
  EXPECT_EQ(trine_type_size(24), 0u);
  EXPECT_EQ(parseElementType("f33"), TRINE_TYPE_NONE);
  EXPECT_EQ(trine_type_size(TRINE_TYPE_BF16), 2u);
  EXPECT_EQ(trine_type_size(TRINE_TYPE_I4), 1u);
}

TEST(TensorBytes, NoOverflow) {
  uint64_t bytes;
  int64_t sizes[3] = {2, 3, 4};
  ASSERT_TRUE(getTensorBytes(sizes, 3, 8, bytes));
  EXPECT_EQ(bytes, 192u);
  ASSERT_TRUE(getTensorBytes(nullptr, 0, 8, bytes));
  EXPECT_EQ(bytes, 8u);
  int64_t large[3] = {int64_t(1) << 40, int64_t(1) << 40, 0};
  EXPECT_FALSE(getTensorBytes(large, 2, 1, bytes));
  ASSERT_TRUE(getTensorBytes(large, 3, 1, bytes));
  EXPECT_EQ(bytes, 0u);
  int64_t edge[1] = {INT64_MAX};
  EXPECT_TRUE(getTensorBytes(edge, 1, 1, bytes));
  EXPECT_FALSE(getTensorBytes(edge, 1, 2, bytes));
  int64_t negative[2] = {0, -1};
  EXPECT_FALSE(getTensorBytes(negative, 2, 1, bytes));
}

TEST(CpuFeatures, KnowsNames) {
  EXPECT_FALSE(hasCpuFeature("warp-drive"));
  EXPECT_FALSE(hasCpuFeature(""));
#if defined(__x86_64__)
  EXPECT_STREQ(getArchitecture(), "x86_64");
  EXPECT_TRUE(hasCpuFeature("sse2"));
  EXPECT_TRUE(hasCpuFeature("64bit"));
  EXPECT_EQ(hasCpuFeature("avx2"), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(hasCpuFeature("fma"), __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(hasCpuFeature("bmi2"), __builtin_cpu_supports("bmi2") != 0);
  EXPECT_EQ(hasCpuFeature("avx512f"), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(hasCpuFeature("avx512bf16"),
            __builtin_cpu_supports("avx512bf16") != 0);
  EXPECT_EQ(hasCpuFeature("avx512vnni"),
            __builtin_cpu_supports("avx512vnni") != 0);
#endif
}

TEST(Text, QuotesSafely) {
  EXPECT_EQ(quote("a\nb\x7f"), "'a?b?'");
  EXPECT_EQ(quote(std::string(1000, 'x')),
            "'" + std::string(200, 'x') + "...'");
  EXPECT_EQ(concat("a", 1, std::string("b"), uint64_t(2)), "a1b2");
}
