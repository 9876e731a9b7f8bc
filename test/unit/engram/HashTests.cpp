// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hash: published and recomputed known answers, all variants against a
// plain oracle, and every refusal.
#include "HashRules.h"
#include "core/CpuFeatures.h"
#include "trine/Runtime/Sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cstring>
#include <random>

using namespace trine::test;
using testing::ElementsAreArray;
using testing::HasSubstr;

namespace {

std::vector<trine_engram_hash_variant> getVariants() {
  std::vector<trine_engram_hash_variant> variants = {TRINE_ENGRAM_HASH_PLAIN,
                                                     TRINE_ENGRAM_HASH_BEST};
  if (trine::runtime::hasCpuFeature("avx2"))
    variants.push_back(TRINE_ENGRAM_HASH_AVX2);
  if (trine::runtime::hasCpuFeature("avx512dq"))
    variants.push_back(TRINE_ENGRAM_HASH_AVX512);
  return variants;
}

class HashTests : public testing::TestWithParam<trine_engram_hash_variant> {};

TEST_P(HashTests, PublishedRowsOfTheReleasedModel) {
  const std::vector<int64_t> ids = {0, 3};
  std::vector<int64_t> first = runHash(getReleasedRule(1), ids, GetParam()),
                       second = runHash(getReleasedRule(14), ids, GetParam());
  EXPECT_EQ(trine::runtime::computeSha256(first.data(), first.size() * 8),
            "8e0187ea859a7db65517a540eb5210457ec907fd0b2f44042d830366cbedbda5");
  EXPECT_EQ(trine::runtime::computeSha256(second.data(), second.size() * 8),
            "33e046238287e6e8b7c3466bdb4b7b47182ad19f9115afac8a1983ede219ba80");
  // Order token, layer, column.
  std::vector<int64_t> both;
  for (int t = 0; t < 2; ++t)
    for (const auto *rows : {&first, &second})
      both.insert(both.end(), rows->begin() + t * 24,
                  rows->begin() + (t + 1) * 24);
  EXPECT_EQ(trine::runtime::computeSha256(both.data(), both.size() * 8),
            "f5a64799492bea90bc6d87f0cb8a67bb983441e1cd9c12ec2e7b8df6cbcfee1d");
  EXPECT_THAT(
      std::vector<int64_t>(first.begin(), first.begin() + 24),
      ElementsAreArray<int64_t>(
          {5702652,   24393184,  39183301,  61503783,  78984481,  90144770,
           103724983, 121476532, 131476717, 152385926, 164143652, 191599181,
           198145581, 217419202, 238329687, 247482304, 257520185, 283540304,
           288689443, 315264704, 322314652, 348890037, 367865216, 380066193}));
  EXPECT_THAT(
      std::vector<int64_t>(second.begin() + 24, second.end()),
      ElementsAreArray<int64_t>(
          {7976312,   25015455,  32662253,  59094253,  72310297,  85156133,
           108102275, 119576138, 131069797, 145343601, 172623612, 185170695,
           205084594, 221545257, 227646200, 251014423, 260231155, 280143022,
           290296486, 312934632, 326604373, 350427914, 363307643, 379703671}));
}

TEST_P(HashTests, SmallRuleWithADeadToken) {
  const std::vector<int64_t> ids = {5, 9, 5, 63, -1, 7, 0, 1};
  EXPECT_THAT(
      runHash(getSmallRule(1), ids, GetParam()),
      ElementsAreArray<int64_t>(
          {148,  1153, 2466, 3694, 398,  1780, 2520, 3766, 715,  1752, 2765,
           3674, 586,  1136, 2497, 3400, 639,  1150, 2213, 3991, 838,  1796,
           2711, 3483, 560,  1578, 2789, 3904, 905,  1948, 2194, 3058}));
  EXPECT_THAT(
      runHash(getSmallRule(3), ids, GetParam()),
      ElementsAreArray<int64_t>(
          {994,  1881, 3089, 4105, 966,  1592, 2307, 3426, 709,  1563, 2971,
           4042, 13,   1491, 2447, 3436, 695,  1231, 2118, 3674, 136,  1633,
           2504, 3359, 684,  1655, 2519, 3453, 722,  1477, 2568, 3628}));
}

TEST_P(HashTests, ChunksWithHistoryAreTheWhole) {
  std::mt19937_64 random(7);
  for (int32_t reset :
       {TRINE_ENGRAM_RESET_NEVER, TRINE_ENGRAM_RESET_AFTER_TOKEN,
        TRINE_ENGRAM_RESET_NEGATIVE}) {
    HashRule rule = getReleasedRule(14);
    rule.rule.reset = reset;
    rule.rule.reset_token = 11;
    std::vector<int64_t> ids(1000);
    for (int64_t &id : ids)
      id = static_cast<int64_t>(random() % 40) -
           (reset == TRINE_ENGRAM_RESET_NEGATIVE);
    std::vector<int64_t> whole = runHash(rule, ids, GetParam());
    trine_engram_hash *hash;
    ASSERT_EQ(trine_engram_hash_create(&rule.get(), GetParam(), &hash),
              TRINE_OK);
    std::vector<int64_t> history(3, rule.rule.pad), parts(whole.size());
    for (uint64_t at = 0; at < ids.size();) {
      uint64_t count = std::min<uint64_t>(random() % 130, ids.size() - at);
      ASSERT_EQ(trine_engram_hash_run(hash, ids.data() + at, 1, count,
                                      history.data(), parts.data() + at * 24,
                                      history.data()),
                TRINE_OK);
      at += count;
    }
    EXPECT_EQ(parts, whole);
    trine_engram_hash_destroy(hash);
  }
}

TEST_P(HashTests, AllRulesAgreeWithTheOracle) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 400; ++round) {
    HashRule rule = getRandomRule(random);
    uint64_t sequences = 1 + random() % 3, tokens = random() % 150;
    std::vector<int64_t> ids(sequences * tokens);
    bool wraps = rule.rule.wrap == TRINE_ENGRAM_WRAP_TWOS_COMPLEMENT;
    for (int64_t &id : ids)
      id = rule.rule.token_map || !wraps ? static_cast<int64_t>(random() % 50)
                                         : static_cast<int64_t>(random());
    std::vector<int64_t> expected = computeOracle(rule, ids, sequences);
    trine_engram_hash *hash;
    ASSERT_EQ(trine_engram_hash_create(&rule.get(), GetParam(), &hash),
              TRINE_OK)
        << trine_engram_message();
    std::vector<int64_t> rows(expected.size());
    ASSERT_EQ(trine_engram_hash_run(hash, ids.data(), sequences, tokens,
                                    nullptr, rows.data(), nullptr),
              TRINE_OK)
        << trine_engram_message();
    EXPECT_EQ(rows, expected) << "round " << round;
    trine_engram_hash_destroy(hash);
  }
}

/// Remainders at the borders: multiples of a modulus and their neighbours, with
/// moduli of every length.
TEST_P(HashTests, RemaindersAtTheBorders) {
  std::mt19937_64 random(13);
  for (int bits = 0; bits < 63; ++bits)
    for (int round = 0; round < 20; ++round) {
      int64_t modulus = static_cast<int64_t>(
          (uint64_t(1) << bits) | (random() & ((uint64_t(1) << bits) - 1)));
      HashRule rule;
      rule.setSize(2, 1);
      rule.multipliers = {1, 0}; // r_2 is the id itself
      rule.moduli = {modulus};
      rule.rule.wrap = TRINE_ENGRAM_WRAP_TWOS_COMPLEMENT;
      rule.rule.pad = 0;
      std::vector<int64_t> ids = {
          0, 1, -1, INT64_MAX, INT64_MIN, INT64_MIN + 1, INT64_MAX - 1};
      int64_t most = INT64_MAX / modulus;
      for (int i = 0; i < 30; ++i) {
        int64_t multiple =
            static_cast<int64_t>(random() % (static_cast<uint64_t>(most) + 1)) *
            modulus;
        if (i == 0)
          multiple = most * modulus;
        for (int64_t d : {-1, 0, 1}) {
          ids.push_back(static_cast<int64_t>(uint64_t(multiple) + d));
          ids.push_back(static_cast<int64_t>(0 - uint64_t(multiple) + d));
        }
      }
      EXPECT_EQ(runHash(rule, ids, GetParam()), computeOracle(rule, ids, 1))
          << "modulus " << modulus;
    }
}

TEST_P(HashTests, SaysWhichIdIsOutOfRange) {
  HashRule rule = getReleasedRule(1);
  rule.tokenMap = {4, 5, 6};
  EXPECT_EQ(runHash(rule, {0, -3}, GetParam()),
            runHash(getReleasedRule(1), {4, 4}, GetParam()));
  EXPECT_THAT(getHashError(rule, {0, 3}, GetParam()),
              HasSubstr("'token_ids' must be in [-3, 3), got 3"));
  rule.tokenMap.clear();
  EXPECT_THAT(getHashError(rule, {int64_t(1) << 62}, GetParam()),
              HasSubstr("with wrap non_negative the product of id "
                        "4611686018427387904 and multiplier 76632096046245"));
  EXPECT_THAT(getHashError(rule, {-1}, GetParam()), HasSubstr("id -1"));
}

INSTANTIATE_TEST_SUITE_P(Variants, HashTests, testing::ValuesIn(getVariants()));

TEST(HashRuleTests, RefusesWhatIsNoRule) {
  auto message = [](auto change) {
    HashRule rule = getReleasedRule(1);
    change(rule);
    trine_engram_hash *hash;
    EXPECT_EQ(trine_engram_hash_create(&rule.get(), 0, &hash),
              TRINE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(hash, nullptr);
    return std::string(trine_engram_message());
  };
  trine_engram_hash *none;
  EXPECT_EQ(trine_engram_hash_create(nullptr, 0, &none),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(),
               "'rule' must be given, with its struct_size");
  EXPECT_EQ(message([](HashRule &r) { r.rule.order = 1; }),
            "'order' must be in [2, 64], got 1");
  EXPECT_EQ(message([](HashRule &r) { r.rule.heads = 0; }),
            "(order - 1) * heads must be in [1, 65536], got 0");
  EXPECT_EQ(message([](HashRule &r) { r.moduli[3] = 0; }),
            "modulus 3 must be positive, got 0");
  EXPECT_EQ(message([](HashRule &r) { r.offsets[2] = -1; }),
            "offset 2 must not be negative, and offset and modulus must fit in "
            "63 bits, got -1");
  EXPECT_EQ(message([](HashRule &r) { r.rule.reset = 3; }),
            "'reset' must be in [0, 2], got 3");
  EXPECT_EQ(message([](HashRule &r) { r.rule.wrap = 2; }),
            "'wrap' must be 0 or 1, got 2");
  trine_engram_hash *hash;
  HashRule rule = getReleasedRule(1);
  EXPECT_EQ(trine_engram_hash_create(&rule.get(), 9, &hash),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_engram_message(), "'variant' must be in [0, 3], got 9");
}

} // namespace
