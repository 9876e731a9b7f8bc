// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Support/EngramConstants.h"

#include <limits>
#include <set>

using namespace mlir;
using namespace mlir::trine;

using Wide = unsigned __int128;

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

namespace {
/// numpy's SeedSequence for one 64-bit number and nothing else.
class SeedSequence {
public:
  explicit SeedSequence(uint64_t seed) {
    uint32_t words[2] = {static_cast<uint32_t>(seed),
                         static_cast<uint32_t>(seed >> 32)};
    unsigned count = words[1] ? 2 : 1;
    for (unsigned i = 0; i < 4; ++i)
      pool[i] = hash(i < count ? words[i] : 0);
    for (unsigned from = 0; from < 4; ++from)
      for (unsigned to = 0; to < 4; ++to)
        if (from != to)
          pool[to] = mix(pool[to], hash(pool[from]));
  }

  /// Four words of state.
  void generate(uint64_t (&state)[4]) const {
    uint32_t constant = 0x8b51f9dd;
    uint32_t words[8];
    for (unsigned i = 0; i < 8; ++i) {
      uint32_t value = pool[i % 4] ^ constant;
      constant *= 0x58f38ded;
      value *= constant;
      words[i] = value ^ (value >> 16);
    }
    for (unsigned i = 0; i < 4; ++i)
      state[i] = words[2 * i] | (static_cast<uint64_t>(words[2 * i + 1]) << 32);
  }

private:
  uint32_t hash(uint32_t value) {
    value ^= constant;
    constant *= 0x931e8875;
    value *= constant;
    return value ^ (value >> 16);
  }
  static uint32_t mix(uint32_t x, uint32_t y) {
    uint32_t result = 0xca01f9dd * x - 0x4973f715 * y;
    return result ^ (result >> 16);
  }

  uint32_t constant = 0x43b0d7e5;
  uint32_t pool[4];
};
} // namespace

static Wide makeWide(uint64_t high, uint64_t low) {
  return (static_cast<Wide>(high) << 64) | low;
}

static Wide step(Wide state, Wide increment) {
  return state * makeWide(0x2360ed051fc65da4, 0x4385df649fccf645) + increment;
}

PermutedGenerator::PermutedGenerator(uint64_t seed) {
  uint64_t words[4];
  SeedSequence(seed).generate(words);
  increment = (makeWide(words[2], words[3]) << 1) | 1;
  state = step(0, increment);
  state = step(state + makeWide(words[0], words[1]), increment);
}

uint64_t PermutedGenerator::next() {
  state = step(state, increment);
  uint64_t mixed =
      static_cast<uint64_t>(state >> 64) ^ static_cast<uint64_t>(state);
  unsigned turn = static_cast<unsigned>(state >> 122);
  return (mixed >> turn) | (mixed << ((64 - turn) & 63));
}

uint64_t PermutedGenerator::below(uint64_t bound) {
  uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    Wide product = static_cast<Wide>(next()) * bound;
    if (static_cast<uint64_t>(product) >= threshold)
      return static_cast<uint64_t>(product >> 64);
  }
}

//===----------------------------------------------------------------------===//
// The rule
//===----------------------------------------------------------------------===//

static uint64_t seedOfLayer(uint64_t seed, uint64_t layer) {
  return seed + 10007 * layer;
}

llvm::SmallVector<int64_t> trine::getEngramMultipliers(uint64_t seed,
                                                       uint64_t layer,
                                                       int64_t vocabulary,
                                                       unsigned count) {
  int64_t half = std::numeric_limits<int64_t>::max() / vocabulary / 2;
  uint64_t bound = half > 1 ? half : 1;
  PermutedGenerator generator(seedOfLayer(seed, layer));
  llvm::SmallVector<int64_t> multipliers;
  for (unsigned i = 0; i < count; ++i)
    multipliers.push_back(static_cast<int64_t>(generator.below(bound) * 2 + 1));
  return multipliers;
}

std::optional<uint64_t>
trine::findEngramLayer(llvm::ArrayRef<int64_t> multipliers, uint64_t layers) {
  for (int64_t multiplier : multipliers)
    if (multiplier < 1 || multiplier % 2 == 0)
      return std::nullopt;
  for (uint64_t layer = 0; layer < layers; ++layer) {
    // Each multiplier, 2 floor(u · bound / 2^64) + 1 for the drawn u, bounds
    // the bound. (That a draw is rejected is too rare to matter.)
    PermutedGenerator generator(seedOfLayer(0, layer));
    Wide lowest = 1, highest = std::numeric_limits<uint64_t>::max();
    bool fits = true;
    for (int64_t multiplier : multipliers) {
      uint64_t drawn = generator.next();
      Wide draw = static_cast<Wide>(multiplier / 2) << 64;
      Wide next = draw + (static_cast<Wide>(1) << 64) - 1;
      if (drawn == 0) {
        fits &= multiplier == 1;
        continue;
      }
      Wide low = (draw + drawn - 1) / drawn, high = next / drawn;
      lowest = low > lowest ? low : lowest;
      highest = high < highest ? high : highest;
    }
    if (fits && lowest <= highest)
      return layer;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Primes
//===----------------------------------------------------------------------===//

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
  uint64_t result = 1;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1)
      result =
          static_cast<uint64_t>(static_cast<Wide>(result) * base % modulus);
    base = static_cast<uint64_t>(static_cast<Wide>(base) * base % modulus);
  }
  return result;
}

bool trine::isPrime(uint64_t number) {
  // These witnesses decide for all 64-bit numbers (Miller and Rabin).
  static const uint64_t witnesses[] = {2,  3,  5,  7,  11, 13,
                                       17, 19, 23, 29, 31, 37};
  if (number < 2)
    return false;
  for (uint64_t witness : witnesses)
    if (number % witness == 0)
      return number == witness;
  uint64_t odd = number - 1;
  unsigned twos = 0;
  for (; odd % 2 == 0; odd /= 2)
    ++twos;
  for (uint64_t witness : witnesses) {
    uint64_t value = power(witness, odd, number);
    bool passes = value == 1 || value == number - 1;
    for (unsigned i = 1; i < twos && !passes; ++i) {
      value = static_cast<uint64_t>(static_cast<Wide>(value) * value % number);
      passes = value == number - 1;
    }
    if (!passes)
      return false;
  }
  return true;
}

llvm::SmallVector<int64_t> trine::getEngramModuli(llvm::ArrayRef<int64_t> sizes,
                                                  unsigned heads,
                                                  unsigned layers) {
  llvm::SmallVector<int64_t> moduli;
  std::set<uint64_t> taken;
  for (unsigned layer = 0; layer < layers; ++layer)
    for (int64_t size : sizes) {
      // Every order begins again at its size; what is taken is passed over.
      uint64_t candidate = static_cast<uint64_t>(size) - 1;
      for (unsigned head = 0; head < heads; ++head) {
        do
          ++candidate;
        while (!isPrime(candidate) || !taken.insert(candidate).second);
        moduli.push_back(static_cast<int64_t>(candidate));
      }
    }
  return moduli;
}

llvm::SmallVector<std::string>
trine::checkEngramConstants(llvm::ArrayRef<int64_t> multipliers,
                            llvm::ArrayRef<int64_t> moduli,
                            llvm::ArrayRef<int64_t> offsets) {
  static constexpr uint64_t kLayers = 1024;
  llvm::SmallVector<std::string> problems;
  if (!findEngramLayer(multipliers, kLayers))
    problems.push_back("the multipliers are those of no layer below " +
                       std::to_string(kLayers));
  size_t heads =
      multipliers.size() > 1 ? moduli.size() / (multipliers.size() - 1) : 0;
  uint64_t sum = 0;
  for (size_t i = 0; i < moduli.size(); ++i) {
    auto describe = [&](const char *name, int64_t value) {
      return std::string("the ") + name + " " + std::to_string(value) +
             " of column " + std::to_string(i);
    };
    if (moduli[i] < 1 || !isPrime(static_cast<uint64_t>(moduli[i])))
      problems.push_back(describe("modulus", moduli[i]) + " is not prime");
    else if (heads && i % heads != 0 && moduli[i] <= moduli[i - 1])
      problems.push_back(describe("modulus", moduli[i]) +
                         " is not above the one before it");
    if (static_cast<uint64_t>(offsets[i]) != sum) {
      problems.push_back(describe("offset", offsets[i]) +
                         " is not the sum of the moduli before it, " +
                         std::to_string(sum));
      // The same distance from there on is no further problem.
      sum = static_cast<uint64_t>(offsets[i]);
    }
    sum += static_cast<uint64_t>(moduli[i]);
  }
  return problems;
}
