// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Known answers of the published rule: numpy's generator, and the constants of
// the released models.
#include "trine/Support/EngramConstants.h"
#include "gtest/gtest.h"

using namespace mlir::trine;

static std::vector<int64_t> multipliers(uint64_t layer, int64_t vocabulary,
                                        unsigned count) {
  auto list = getEngramMultipliers(0, layer, vocabulary, count);
  return std::vector<int64_t>(list.begin(), list.end());
}

TEST(EngramConstantsTest, GeneratorMatchesNumpy) {
  PermutedGenerator first(10007);
  for (uint64_t expected : {0xd2c3f84026661e33ull, 0x0d4fb6969eb57435ull,
                            0x62e6e1c58c3bd72bull, 0xcb7dd1a94ca96343ull})
    EXPECT_EQ(first.next(), expected);
  PermutedGenerator second(140098);
  for (uint64_t expected : {0xba3ecc29cf07c111ull, 0x8dac4bbe10610b7cull,
                            0x550b7148777ff213ull, 0xe33b7455bc98449eull})
    EXPECT_EQ(second.next(), expected);
}

TEST(EngramConstantsTest, MultipliersOfReleasedModels) {
  EXPECT_EQ(multipliers(1, 99092, 4),
            (std::vector<int64_t>{76632096046245, 4839876093313, 35959672319349,
                                  73987337458391}));
  EXPECT_EQ(multipliers(14, 99092, 4),
            (std::vector<int64_t>{67716810739261, 51510806800915,
                                  30921347202721, 82619226485591}));
  EXPECT_EQ(
      multipliers(15, 98627, 3),
      (std::vector<int64_t>{29055444938695, 56284491166079, 54183298291715}));
  EXPECT_EQ(multipliers(3, 64, 3),
            (std::vector<int64_t>{42620361103583749, 126434023944545587,
                                  16842436837986879}));
}

TEST(EngramConstantsTest, FindsTheLayer) {
  EXPECT_EQ(findEngramLayer(multipliers(14, 99092, 4), 64), 14u);
  EXPECT_EQ(findEngramLayer(multipliers(1, 64, 3), 64), 1u);
  auto changed = multipliers(14, 99092, 4);
  changed[2] += 2;
  EXPECT_EQ(findEngramLayer(changed, 64), std::nullopt);
  // Even and negative ones are no multipliers at all.
  EXPECT_EQ(findEngramLayer({2, 3}, 64), std::nullopt);
  EXPECT_EQ(findEngramLayer({-3, 3}, 64), std::nullopt);
}

TEST(EngramConstantsTest, Primes) {
  for (uint64_t prime : {2ull, 3ull, 37ull, 41ull, 646403ull, 16000057ull,
                         18446744073709551557ull})
    EXPECT_TRUE(isPrime(prime)) << prime;
  for (uint64_t composite :
       {0ull, 1ull, 4ull, 561ull, 16000058ull, 3215031751ull,
        18446744073709551615ull, 4294967291ull * 4294967279ull})
    EXPECT_FALSE(isPrime(composite)) << composite;
}

/// Σ of a layer's moduli is the number of its rows.
TEST(EngramConstantsTest, ModuliOfReleasedModels) {
  auto moduli = getEngramModuli({16000000, 16000000, 16000000}, 8, 2);
  ASSERT_EQ(moduli.size(), 48u);
  std::vector<int64_t> beyond;
  for (int64_t modulus : moduli)
    beyond.push_back(modulus - 16000000);
  EXPECT_EQ(beyond,
            (std::vector<int64_t>{
                57,  79,  81,  97,  121, 129, 133, 183, 189, 207, 211, 253,
                277, 289, 307, 321, 339, 381, 393, 399, 403, 409, 447, 463,
                477, 487, 499, 507, 511, 573, 609, 627, 667, 669, 693, 697,
                711, 729, 759, 769, 781, 799, 813, 819, 841, 877, 879, 889}));
  int64_t first = 0, second = 0;
  for (unsigned i = 0; i < 24; ++i) {
    first += moduli[i];
    second += moduli[24 + i];
  }
  EXPECT_EQ(first, 384006168);
  EXPECT_EQ(second, 384016682);

  auto demonstration = getEngramModuli({646400, 646400}, 8, 2);
  first = second = 0;
  for (unsigned i = 0; i < 16; ++i) {
    first += demonstration[i];
    second += demonstration[16 + i];
  }
  EXPECT_EQ(demonstration[0], 646403);
  EXPECT_EQ(demonstration[31], 646879);
  EXPECT_EQ(first, 10344164);
  EXPECT_EQ(second, 10348242);

  EXPECT_EQ(getEngramModuli({1000, 1000}, 2, 2),
            (llvm::SmallVector<int64_t>{1009, 1013, 1019, 1021, 1031, 1033,
                                        1039, 1049}));
  // Orders of different sizes, of which one runs into the other's primes.
  EXPECT_EQ(getEngramModuli({2, 5}, 3, 1),
            (llvm::SmallVector<int64_t>{2, 3, 5, 7, 11, 13}));
}

TEST(EngramConstantsTest, MultipliersOfTheDemonstration) {
  EXPECT_EQ(
      multipliers(1, 98627, 3),
      (std::vector<int64_t>{76993395940407, 4862694818241, 36129212583461}));
  EXPECT_EQ(multipliers(1, 64, 3),
            (std::vector<int64_t>{118650432209603643, 7493640653728489,
                                  55676810147952557}));
}

TEST(EngramConstantsTest, SaysWhatContradicts) {
  auto published = multipliers(1, 64, 3);
  EXPECT_TRUE(checkEngramConstants(published, {1009, 1013, 1019, 1021},
                                   {0, 1009, 2022, 3041})
                  .empty());
  auto problems = checkEngramConstants({3, 5, 8}, {1009, 1001, 1019, 1013},
                                       {0, 1009, 2011, 3030});
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_EQ(problems[0], "the multipliers are those of no layer below 1024");
  EXPECT_EQ(problems[1], "the modulus 1001 of column 1 is not prime");
  EXPECT_EQ(problems[2], "the offset 2011 of column 2 is not the sum of the "
                         "moduli before it, 2010");
  EXPECT_EQ(problems[3],
            "the modulus 1013 of column 3 is not above the one before it");
}
