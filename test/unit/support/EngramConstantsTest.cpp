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
