// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Passes/LatentAttentionCost.h"

#include "gtest/gtest.h"
#include <cmath>

using namespace mlir::trine;

namespace {

/// DeepSeek-V3: 128 heads, rank 512, 128 + 64 columns of a key, 128 of a value.
LatentAttentionSite makeV3() {
  LatentAttentionSite site;
  site.heads = 128;
  site.rank = 512;
  site.nope = 128;
  site.rope = 64;
  site.value = 128;
  site.elementBytes = 2;
  return site;
}

LatentAttentionSite makeV2Lite() {
  LatentAttentionSite site = makeV3();
  site.heads = 16;
  site.elementBytes = 4;
  return site;
}

/// So much bandwidth that arithmetic alone counts.
MachineFigures makeArithmetic() { return {1e12, 1e21}; }

TEST(LatentAttentionCost, countsOperations) {
  LatentAttentionSite site = makeV3();
  // Per head and pair of query and key 2 * (192 + 128) or 2 * (576 + 512);
  // 2 * 512 * 256 to expand a key or to project a query.
  double queries = 3, keys = 1000, heads = 128;
  EXPECT_EQ(costOfDecompressed(site, makeArithmetic(), queries, keys).flops,
            heads * (640 * queries * keys + 262144 * keys));
  EXPECT_EQ(costOfAbsorbed(site, makeArithmetic(), queries, keys).flops,
            heads * (2176 * queries * keys + 262144 * queries));
}

TEST(LatentAttentionCost, countsBytes) {
  LatentAttentionSite site = makeV2Lite();
  site.batch = 2;
  double weights = 512 * 16 * 256, queries = 1, keys = 100, batch = 2;
  // The latent is read once for all heads; queries and results are small.
  double rows = batch * queries * 16;
  EXPECT_EQ(costOfAbsorbed(site, makeArithmetic(), queries, keys).bytes,
            4 * (weights + batch * keys * 576 + rows * (128 + 512) +
                 rows * (576 + 512) + rows * (512 + 128)));
  // Keys and values of all heads are written and read.
  EXPECT_EQ(costOfDecompressed(site, makeArithmetic(), queries, keys).bytes,
            4 * (weights + batch * keys * (512 + 4096) +
                 batch * keys * (4096 + 64) + rows * (192 + 128)));
}

TEST(LatentAttentionCost, crossesWherePublished) {
  // 170.7 * T / (T + 170.7) where arithmetic alone counts, whatever the heads.
  for (LatentAttentionSite site : {makeV3(), makeV2Lite()})
    for (double keys : {256.0, 1024.0, 4096.0, 16384.0})
      EXPECT_NEAR(latentCrossover(site, makeArithmetic(), keys),
                  170.667 * keys / (keys + 170.667), 0.01)
          << keys;
}

TEST(LatentAttentionCost, boundsByMemory) {
  LatentAttentionSite site = makeV2Lite();
  MachineFigures machine{200e9, 20e9};
  // One token reads each head's weight and the cache once, at memory's rate.
  LatentAttentionCost cost = costOfAbsorbed(site, machine, 1, 16);
  EXPECT_NEAR(cost.seconds, cost.bytes / machine.bandwidth, 1e-6);
  // A long prompt is bound by arithmetic.
  cost = costOfDecompressed(site, machine, 4096, 4096);
  EXPECT_NEAR(cost.seconds, cost.flops / machine.flops, 1e-3);
}

TEST(LatentAttentionCost, choosesOneFormWhereItAlwaysWins) {
  MachineFigures machine{200e9, 20e9};
  LatentShapes decode;
  decode.queries = 1;
  EXPECT_EQ(chooseLatentForm(makeV2Lite(), machine, decode).kind,
            LatentFormChoice::Absorbed);
  LatentShapes prompt;
  prompt.keysAreNew = true;
  EXPECT_EQ(chooseLatentForm(makeV2Lite(), machine, prompt).kind,
            LatentFormChoice::Decompressed);
  EXPECT_EQ(chooseLatentForm(makeV2Lite(), machine, {}).kind,
            LatentFormChoice::ByShape);
  // A rank below the heads' columns: attending to latents is always less.
  LatentAttentionSite narrow = makeV2Lite();
  narrow.rank = 64;
  EXPECT_EQ(chooseLatentForm(narrow, makeArithmetic(), {}).kind,
            LatentFormChoice::Absorbed);
}

TEST(LatentAttentionCost, choosesByTheSiteAndTheMachine) {
  // A static number of new tokens on either side of the border.
  LatentShapes shapes;
  shapes.keys = 8192;
  shapes.queries = 64;
  EXPECT_EQ(chooseLatentForm(makeV3(), makeArithmetic(), shapes).kind,
            LatentFormChoice::Absorbed);
  shapes.queries = 512;
  EXPECT_EQ(chooseLatentForm(makeV3(), makeArithmetic(), shapes).kind,
            LatentFormChoice::Decompressed);
  // Where reading the weights bounds both, few keys are soon expanded; a batch
  // shares the weights.
  LatentAttentionSite batched = makeV3();
  batched.batch = 32;
  EXPECT_LT(latentCrossover(makeV3(), {700e12, 4e12}, 256), 60);
  EXPECT_GT(latentCrossover(batched, {700e12, 4e12}, 256), 90);
}

TEST(LatentAttentionCost, conditionFollowsTheModel) {
  struct Case {
    LatentAttentionSite site;
    MachineFigures machine;
  } cases[] = {{makeV3(), makeArithmetic()},
               {makeV3(), {700e12, 4e12}},
               {makeV2Lite(), {200e9, 20e9}},
               {makeV2Lite(), {1500e9, 20e9}}};
  for (const auto &[site, machine] : cases) {
    LatentFormChoice choice = fitLatentChoice(site, machine);
    for (int64_t keys = 1; keys <= 1 << 20; keys *= 2)
      for (int64_t queries = 1; queries <= keys; queries *= 2) {
        double absorbed = costOfAbsorbed(site, machine, queries, keys).seconds,
               decompressed =
                   costOfDecompressed(site, machine, queries, keys).seconds;
        double chosen =
            choice.isAbsorbed(queries, keys) ? absorbed : decompressed;
        // Two integers stand for a curve: near it, the other form may be a
        // little faster.
        EXPECT_LE(chosen, 1.15 * std::min(absorbed, decompressed))
            << queries << " of " << keys;
      }
  }
}

TEST(LatentAttentionCost, fitsThePublishedRule) {
  LatentFormChoice choice = fitLatentChoice(makeV3(), makeArithmetic());
  EXPECT_EQ(choice.limit, 171);
  EXPECT_EQ(choice.offset, 171);
  EXPECT_TRUE(choice.isAbsorbed(164, 4096));
  EXPECT_FALSE(choice.isAbsorbed(165, 4096));
}

} // namespace
