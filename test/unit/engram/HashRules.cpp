// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HashRules.h"
#include "gtest/gtest.h"

using namespace trine::test;

void HashRule::setSize(uint32_t order, uint32_t heads) {
  rule.order = order;
  rule.heads = heads;
  offsets.assign((order - 1) * heads, 0);
}

const trine_engram_hash_rule &HashRule::get() {
  rule.struct_size = sizeof(rule);
  rule.multipliers = multipliers.data();
  rule.moduli = moduli.data();
  rule.offsets = offsets.data();
  rule.token_map = tokenMap.empty() ? nullptr : tokenMap.data();
  rule.token_map_size = tokenMap.size();
  return rule;
}

static void addOffsets(HashRule &rule) {
  int64_t sum = 0;
  for (size_t i = 0; i < rule.moduli.size(); ++i) {
    rule.offsets[i] = sum;
    sum += rule.moduli[i];
  }
}

HashRule trine::test::getReleasedRule(int layer) {
  HashRule rule;
  rule.setSize(4, 8);
  rule.rule.pad = 2;
  if (layer == 1) {
    rule.multipliers = {76632096046245, 4839876093313, 35959672319349,
                        73987337458391};
    rule.moduli = {57,  79,  81,  97,  121, 129, 133, 183, 189, 207, 211, 253,
                   277, 289, 307, 321, 339, 381, 393, 399, 403, 409, 447, 463};
  } else {
    rule.multipliers = {67716810739261, 51510806800915, 30921347202721,
                        82619226485591};
    rule.moduli = {477, 487, 499, 507, 511, 573, 609, 627, 667, 669, 693, 697,
                   711, 729, 759, 769, 781, 799, 813, 819, 841, 877, 879, 889};
  }
  for (int64_t &modulus : rule.moduli)
    modulus += 16000000;
  addOffsets(rule);
  return rule;
}

HashRule trine::test::getSmallRule(int layer) {
  HashRule rule;
  rule.setSize(3, 2);
  rule.rule.pad = 2;
  rule.rule.reset = TRINE_ENGRAM_RESET_NEGATIVE;
  if (layer == 1) {
    rule.multipliers = {118650432209603643, 7493640653728489,
                        55676810147952557};
    rule.moduli = {1009, 1013, 1019, 1021};
  } else {
    rule.multipliers = {42620361103583749, 126434023944545587,
                        16842436837986879};
    rule.moduli = {1031, 1033, 1039, 1049};
  }
  addOffsets(rule);
  return rule;
}

HashRule trine::test::getRandomRule(std::mt19937_64 &random) {
  HashRule rule;
  rule.setSize(2 + random() % 11, 1 + random() % 13);
  rule.rule.pad = random() % 5;
  rule.rule.reset = random() % 3;
  rule.rule.reset_token = random() % 50;
  rule.rule.wrap = random() % 2;
  for (uint32_t i = 0; i < rule.rule.order; ++i)
    rule.multipliers.push_back(rule.rule.wrap ==
                                       TRINE_ENGRAM_WRAP_TWOS_COMPLEMENT
                                   ? static_cast<int64_t>(random())
                                   : static_cast<int64_t>(random() >> 7));
  int bits = random() % 50;
  for (int64_t &offset : rule.offsets) {
    rule.moduli.push_back(
        1 + static_cast<int64_t>(random() >> (1 + (bits + random() % 12))));
    offset = static_cast<int64_t>(random() % 1000);
    rule.moduli.back() -= rule.moduli.back() > INT64_MAX - 1000 ? 1000 : 0;
  }
  if (random() % 2) {
    rule.tokenMap.resize(50);
    for (int64_t &mapped : rule.tokenMap)
      mapped = static_cast<int64_t>(random() % 50);
  }
  rule.get();
  return rule;
}

std::vector<int64_t> trine::test::runHash(HashRule rule,
                                          const std::vector<int64_t> &ids,
                                          trine_engram_hash_variant variant) {
  trine_engram_hash *hash;
  EXPECT_EQ(trine_engram_hash_create(&rule.get(), variant, &hash), TRINE_OK)
      << trine_engram_message();
  std::vector<int64_t> rows(ids.size() * rule.moduli.size());
  EXPECT_EQ(trine_engram_hash_run(hash, ids.data(), 1, ids.size(), nullptr,
                                  rows.data(), nullptr),
            TRINE_OK)
      << trine_engram_message();
  trine_engram_hash_destroy(hash);
  return rows;
}

std::string trine::test::getHashError(HashRule rule,
                                      const std::vector<int64_t> &ids,
                                      trine_engram_hash_variant variant) {
  trine_engram_hash *hash;
  EXPECT_EQ(trine_engram_hash_create(&rule.get(), variant, &hash), TRINE_OK);
  std::vector<int64_t> rows(ids.size() * rule.moduli.size());
  EXPECT_EQ(trine_engram_hash_run(hash, ids.data(), 1, ids.size(), nullptr,
                                  rows.data(), nullptr),
            TRINE_ERROR_BAD_INPUT);
  trine_engram_hash_destroy(hash);
  return trine_engram_message();
}

std::vector<int64_t> trine::test::computeOracle(const HashRule &rule,
                                                const std::vector<int64_t> &ids,
                                                uint64_t sequences) {
  std::vector<int64_t> rows;
  uint64_t tokens = ids.size() / sequences, heads = rule.rule.heads;
  for (uint64_t b = 0; b < sequences; ++b)
    for (uint64_t t = 0; t < tokens; ++t) {
      uint64_t mixed = 0;
      bool forgotten = false;
      for (uint64_t s = 0; s < rule.rule.order; ++s) {
        int64_t id = rule.rule.pad;
        if (s <= t) {
          int64_t token = ids[b * tokens + t - s];
          bool isDead =
              rule.rule.reset == TRINE_ENGRAM_RESET_NEGATIVE && token < 0;
          if (!rule.tokenMap.empty() && !isDead)
            token = rule.tokenMap[token];
          forgotten |= isDead;
          if (rule.rule.reset == TRINE_ENGRAM_RESET_NEGATIVE)
            forgotten |= token < 0;
          if (rule.rule.reset == TRINE_ENGRAM_RESET_AFTER_TOKEN)
            forgotten |= s > 0 && token == rule.rule.reset_token;
          if (!forgotten)
            id = token;
        } else if (rule.rule.reset == TRINE_ENGRAM_RESET_AFTER_TOKEN) {
          forgotten |= rule.rule.pad == rule.rule.reset_token;
        }
        mixed ^= static_cast<uint64_t>(id) *
                 static_cast<uint64_t>(rule.multipliers[s]);
        for (uint64_t h = 0; s > 0 && h < heads; ++h) {
          __int128 modulus = rule.moduli[(s - 1) * heads + h];
          __int128 wide = static_cast<int64_t>(mixed);
          rows.push_back(
              static_cast<int64_t>(((wide % modulus) + modulus) % modulus +
                                   rule.offsets[(s - 1) * heads + h]));
        }
      }
    }
  return rows;
}
