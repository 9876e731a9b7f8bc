// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Row ids of hashed n-grams on the host: the rule, and how it is computed.
#ifndef TRINE_RUNTIME_ENGRAM_HASH_H
#define TRINE_RUNTIME_ENGRAM_HASH_H

#include "core/Status.h"
#include "trine/Runtime/engram.h"
#include <cstdint>
#include <vector>

namespace trine::runtime::engram {

/// The columns of a rule, laid out for vectors: arrays are padded to a multiple
/// of 8 columns (modulus 1).
struct HashColumns {
  static constexpr uint64_t kLanes = 8;
  /// Moduli below this are reached in two steps.
  static constexpr int64_t kSmallModulus = 1 << 13;

  uint64_t count = 0, padded = 0;
  /// Mixed values of a token: order - 1.
  uint64_t mixedCount = 0;
  std::vector<int64_t> moduli, offsets;
  /// Which of a token's mixed values a column takes.
  std::vector<int64_t> sources;
  /// 1 / modulus.
  std::vector<double> inverses;
  /// 2^32 mod modulus.
  std::vector<int64_t> folds;
  /// Whether some or all columns of a group of 4 have small moduli, moduli
  /// beyond 32 bits, one source.
  struct Group {
    bool hasSmall, hasWide, hasOneSource;
  };
  std::vector<Group> groups;
};

/// rows[t, c] = mixed[t, source of c] mod modulus + offset, not negative, for
/// `tokens` tokens. 8 values can be read after the end of `mixed`.
using ReduceFunction = void (*)(const HashColumns &columns,
                                const int64_t *mixed, uint64_t tokens,
                                int64_t *rows);
void reducePlain(const HashColumns &columns, const int64_t *mixed,
                 uint64_t tokens, int64_t *rows);
#if defined(__x86_64__)
void reduceAvx2(const HashColumns &columns, const int64_t *mixed,
                uint64_t tokens, int64_t *rows);
void reduceAvx512(const HashColumns &columns, const int64_t *mixed,
                  uint64_t tokens, int64_t *rows);
#endif

/// One rule, ready to run.
class Hash {
public:
  static constexpr uint64_t kMaxOrder = 64, kMaxColumns = 1 << 16;

  Status create(const trine_engram_hash_rule &rule,
                trine_engram_hash_variant variant);
  Status run(const int64_t *tokenIds, uint64_t sequences, uint64_t tokens,
             const int64_t *history, int64_t *rows, int64_t *present) const;

private:
  struct Block;
  Status selectVariant(trine_engram_hash_variant variant);
  void layOutColumns(const trine_engram_hash_rule &rule);
  Status mapToken(int64_t id, int64_t &mapped) const;
  template <bool HasReset>
  void mix(const int64_t *sequence, uint64_t tokens, int64_t *mixed) const;
  Status checkProducts(const int64_t *sequence, uint64_t tokens) const;
  int64_t lookBack(const int64_t *token, uint64_t distance,
                   bool &forgotten) const;

  uint64_t order = 0;
  int32_t reset = 0, wrap = 0;
  int64_t resetToken = 0, pad = 0;
  /// Ids in [0, this] have no product beyond 63 bits.
  int64_t greatestId = 0;
  std::vector<int64_t> multipliers, tokenMap;
  bool hasMap = false;
  HashColumns columns;
  ReduceFunction reduce = nullptr;
};

} // namespace trine::runtime::engram

#endif
