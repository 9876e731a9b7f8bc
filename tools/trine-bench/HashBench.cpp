// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench hash: rows of the hash per second, by variant, against a plain
/// loop of remainders.
#include "EngramBench.h"
#include <algorithm>
#include <cinttypes>
#include <ctime>
#include <random>

using namespace trine::bench;

namespace {
/// The constants of DeepSeek-V4.1-Flash, layer 1.
struct ReleasedRule {
  int64_t multipliers[4] = {76632096046245, 4839876093313, 35959672319349,
                            73987337458391};
  int64_t moduli[24] = {57,  79,  81,  97,  121, 129, 133, 183,
                        189, 207, 211, 253, 277, 289, 307, 321,
                        339, 381, 393, 399, 403, 409, 447, 463};
  int64_t offsets[24];

  ReleasedRule() {
    int64_t sum = 0;
    for (int i = 0; i < 24; ++i) {
      moduli[i] += 16000000;
      offsets[i] = sum;
      sum += moduli[i];
    }
  }
};
} // namespace

/// The rule as one would write it down. The constants are not known to the
/// compiler, as they are not to the library.
static void hashPlainly(const ReleasedRule &rule, const int64_t *ids,
                        uint64_t tokens, int64_t *rows) {
  for (uint64_t t = 0; t < tokens; ++t) {
    int64_t mixed = ids[t] * rule.multipliers[0];
    for (uint64_t s = 1; s < 4; ++s) {
      mixed ^= (t >= s ? ids[t - s] : 2) * rule.multipliers[s];
      for (uint64_t h = 0; h < 8; ++h) {
        uint64_t c = (s - 1) * 8 + h;
        rows[t * 24 + c] = mixed % rule.moduli[c] + rule.offsets[c];
      }
    }
  }
}

/// Seconds of this thread on a processor.
static double getThreadTime() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

int trine::bench::runHashBench() {
  const ReleasedRule released;
  trine_engram_hash_rule rule = {};
  rule.struct_size = sizeof(rule);
  rule.order = 4;
  rule.heads = 8;
  rule.pad = 2;
  rule.multipliers = released.multipliers;
  rule.moduli = released.moduli;
  rule.offsets = released.offsets;
  static const char *const names[] = {"best", "plain", "avx2", "avx512"};
  printf("hash, DeepSeek-V4.1 constants (24 columns), one thread\n");
  printf("%8s %10s %12s %12s %8s\n", "tokens", "variant", "ns/token", "Mrows/s",
         "speed");
  std::mt19937_64 random(1);
  for (uint64_t tokens :
       {uint64_t(1), uint64_t(64), uint64_t(2048), uint64_t(65536)}) {
    std::vector<int64_t> ids(tokens), rows(tokens * 24), expected(tokens * 24);
    for (int64_t &id : ids)
      id = static_cast<int64_t>(random() % 99092);
    // A loop of 65,536 tokens of each in turns, by processor time: other work
    // on the machine meets all alike.
    const uint64_t repeats = std::max<uint64_t>(1, 65536 / tokens);
    struct Variant {
      const char *name;
      trine_engram_hash *hash;
      double seconds;
    };
    std::vector<Variant> variants = {{"% loop", nullptr, 1e30}};
    for (int variant = 1; variant <= 3; ++variant) {
      trine_engram_hash *hash;
      if (trine_engram_hash_create(&rule, variant, &hash) == TRINE_OK)
        variants.push_back({names[variant], hash, 1e30});
      else
        printf("%8" PRIu64 " %10s %s\n", tokens, names[variant],
               trine_engram_message());
    }
    bool areRight = true;
    for (int round = 0; round < 15; ++round)
      for (Variant &variant : variants) {
        if (round == 0)
          std::fill(rows.begin(), rows.end(), -1);
        double start = getThreadTime();
        for (uint64_t i = 0; i < repeats; ++i)
          if (variant.hash)
            trine_engram_hash_run(variant.hash, ids.data(), 1, tokens, nullptr,
                                  rows.data(), nullptr);
          else
            hashPlainly(released, ids.data(), tokens, rows.data());
        double time = (getThreadTime() - start) / repeats;
        variant.seconds = std::min(variant.seconds, time);
        if (round > 0)
          continue;
        if (!variant.hash)
          expected = rows;
        areRight &= rows == expected;
      }
    for (Variant &variant : variants) {
      printf("%8" PRIu64 " %10s %12.1f %12.1f %8.2f\n", tokens, variant.name,
             variant.seconds / tokens * 1e9,
             24 * tokens / variant.seconds / 1e6,
             variants[0].seconds / variant.seconds);
      trine_engram_hash_destroy(variant.hash);
    }
    if (!areRight) {
      printf("WRONG ROWS\n");
      return 1;
    }
  }
  return 0;
}
