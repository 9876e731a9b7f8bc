// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The published rule for the constants of an n-gram hash (Engram, arXiv
/// 2601.07372, and its demonstration code). A model carries its own constants;
/// these tell whether they follow the rule.
#ifndef TRINE_SUPPORT_ENGRAMCONSTANTS_H
#define TRINE_SUPPORT_ENGRAMCONSTANTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>
#include <string>

namespace mlir::trine {

/// PCG64 (XSL-RR, 128 bits of state) seeded by a number as numpy's
/// default_rng(seed) seeds it.
class PermutedGenerator {
public:
  explicit PermutedGenerator(uint64_t seed);
  /// The next 64 bits.
  uint64_t next();
  /// A number in [0, bound), bound > 0, without bias (Lemire).
  uint64_t below(uint64_t bound);

private:
  unsigned __int128 state, increment;
};

/// Multipliers of a layer (counted from 0) for ids in [0, vocabulary): odd, and
/// small enough that no product leaves 63 bits. vocabulary is 1 or more.
llvm::SmallVector<int64_t> getEngramMultipliers(uint64_t seed, uint64_t layer,
                                                int64_t vocabulary,
                                                unsigned count);

/// The first of `layers` layers whose multipliers, for some vocabulary, begin
/// with these (seed 0).
std::optional<uint64_t> findEngramLayer(llvm::ArrayRef<int64_t> multipliers,
                                        uint64_t layers);

/// Whether a number is prime; exact for all.
bool isPrime(uint64_t number);

/// Moduli of `layers` layers, [layer][order][head]: ascending primes from the
/// size of their order's tables on (`sizes`, one for each order), none of them
/// twice in the model. Sizes are 2 or more.
llvm::SmallVector<int64_t> getEngramModuli(llvm::ArrayRef<int64_t> sizes,
                                           unsigned heads, unsigned layers);

/// What contradicts the rule, one sentence each: multipliers that are no
/// layer's, moduli that are no ascending primes within an order, offsets that
/// are not the sums of the moduli before them.
llvm::SmallVector<std::string>
checkEngramConstants(llvm::ArrayRef<int64_t> multipliers,
                     llvm::ArrayRef<int64_t> moduli,
                     llvm::ArrayRef<int64_t> offsets);

} // namespace mlir::trine

#endif
