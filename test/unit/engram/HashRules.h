// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Rules of hashes for tests, and a plain oracle for their rows.
#ifndef TRINE_TEST_UNIT_ENGRAM_HASHRULES_H
#define TRINE_TEST_UNIT_ENGRAM_HASHRULES_H

#include "trine/Runtime/engram.h"
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace trine::test {

struct HashRule {
  std::vector<int64_t> multipliers, moduli, offsets, tokenMap;
  trine_engram_hash_rule rule = {};

  void setSize(uint32_t order, uint32_t heads);
  /// The rule, with pointers to the lists above.
  const trine_engram_hash_rule &get();
};

/// DeepSeek-V4.1-Flash, layer 1 or 14, on compressed ids.
HashRule getReleasedRule(int layer);
/// Vocabulary 64, order 3, 2 heads, layer 1 or 3; negative ids are dead.
HashRule getSmallRule(int layer);
HashRule getRandomRule(std::mt19937_64 &random);

/// Rows of one sequence from its beginning.
std::vector<int64_t> runHash(HashRule rule, const std::vector<int64_t> &ids,
                             trine_engram_hash_variant variant);
/// The message of a run that must fail.
std::string getHashError(HashRule rule, const std::vector<int64_t> &ids,
                         trine_engram_hash_variant variant);
/// The same in the plainest way.
std::vector<int64_t> computeOracle(const HashRule &rule,
                                   const std::vector<int64_t> &ids,
                                   uint64_t sequences);

} // namespace trine::test

#endif
