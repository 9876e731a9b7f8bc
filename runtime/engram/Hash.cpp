// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Hash.h"
#include "core/CpuFeatures.h"
#include <algorithm>
#include <limits>

using namespace trine::runtime;
using namespace trine::runtime::engram;

static constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();

//===----------------------------------------------------------------------===//
// The rule
//===----------------------------------------------------------------------===//

static Status invalid(std::string message) {
  return Status(TRINE_ERROR_INVALID_ARGUMENT, std::move(message));
}

static Status checkRule(const trine_engram_hash_rule &rule) {
  if (rule.order < 2 || rule.order > Hash::kMaxOrder)
    return invalid(concat("'order' must be in [2, ", Hash::kMaxOrder, "], got ",
                          rule.order));
  uint64_t columns = uint64_t(rule.order - 1) * rule.heads;
  if (columns < 1 || columns > Hash::kMaxColumns)
    return invalid(concat("(order - 1) * heads must be in [1, ",
                          Hash::kMaxColumns, "], got ", columns));
  if (!rule.multipliers || !rule.moduli || !rule.offsets)
    return invalid("'multipliers', 'moduli' and 'offsets' must be given");
  if (rule.reset < TRINE_ENGRAM_RESET_NEVER ||
      rule.reset > TRINE_ENGRAM_RESET_NEGATIVE)
    return invalid(concat("'reset' must be in [0, 2], got ", rule.reset));
  if (rule.wrap < TRINE_ENGRAM_WRAP_NON_NEGATIVE ||
      rule.wrap > TRINE_ENGRAM_WRAP_TWOS_COMPLEMENT)
    return invalid(concat("'wrap' must be 0 or 1, got ", rule.wrap));
  if (rule.token_map && rule.token_map_size == 0)
    return invalid("'token_map' must not be empty");
  for (uint64_t c = 0; c < columns; ++c) {
    if (rule.moduli[c] < 1)
      return invalid(
          concat("modulus ", c, " must be positive, got ", rule.moduli[c]));
    if (rule.offsets[c] < 0 || rule.offsets[c] > kGreatest - rule.moduli[c])
      return invalid(concat("offset ", c, " must not be negative, and offset ",
                            "and modulus must fit in 63 bits, got ",
                            rule.offsets[c]));
  }
  return Status();
}

void Hash::layOutColumns(const trine_engram_hash_rule &rule) {
  columns.mixedCount = order - 1;
  columns.count = (order - 1) * rule.heads;
  columns.padded = (columns.count + HashColumns::kLanes - 1) /
                   HashColumns::kLanes * HashColumns::kLanes;
  columns.moduli.assign(columns.padded, 1);
  columns.offsets.assign(columns.padded, 0);
  columns.sources.assign(columns.padded, 0);
  columns.inverses.assign(columns.padded, 1);
  columns.folds.assign(columns.padded, 0);
  for (uint64_t c = 0; c < columns.count; ++c) {
    columns.moduli[c] = rule.moduli[c];
    columns.offsets[c] = rule.offsets[c];
    columns.sources[c] = static_cast<int64_t>(c / rule.heads);
    columns.inverses[c] = 1 / static_cast<double>(rule.moduli[c]);
    columns.folds[c] = (int64_t(1) << 32) % rule.moduli[c];
  }
  columns.groups.clear();
  for (uint64_t c = 0; c < columns.padded; c += 4) {
    HashColumns::Group group = {false, false, true};
    for (uint64_t i = c; i < c + 4; ++i) {
      group.hasSmall |= columns.moduli[i] < HashColumns::kSmallModulus;
      group.hasWide |= columns.moduli[i] >> 32 != 0;
      group.hasOneSource &= columns.sources[i] == columns.sources[c];
    }
    columns.groups.push_back(group);
  }
}

Status Hash::selectVariant(trine_engram_hash_variant variant) {
  reduce = reducePlain;
  if (variant == TRINE_ENGRAM_HASH_PLAIN)
    return Status();
#if defined(__x86_64__)
  bool hasAvx512 = hasCpuFeature("avx512f") && hasCpuFeature("avx512dq") &&
                   hasCpuFeature("avx512vl");
  if ((variant == TRINE_ENGRAM_HASH_BEST ||
       variant == TRINE_ENGRAM_HASH_AVX512) &&
      hasAvx512) {
    reduce = reduceAvx512;
    return Status();
  }
  if ((variant == TRINE_ENGRAM_HASH_BEST ||
       variant == TRINE_ENGRAM_HASH_AVX2) &&
      hasCpuFeature("avx2")) {
    reduce = reduceAvx2;
    return Status();
  }
#endif
  if (variant == TRINE_ENGRAM_HASH_BEST)
    return Status();
  if (variant < TRINE_ENGRAM_HASH_BEST || variant > TRINE_ENGRAM_HASH_AVX512)
    return invalid(concat("'variant' must be in [0, 3], got ", variant));
  return Status(TRINE_ERROR_CPU, concat("this CPU cannot run variant ", variant,
                                        " of the hash"));
}

Status Hash::create(const trine_engram_hash_rule &rule,
                    trine_engram_hash_variant variant) {
  if (Status status = checkRule(rule); !status.ok())
    return status;
  if (Status status = selectVariant(variant); !status.ok())
    return status;
  order = rule.order;
  reset = rule.reset;
  wrap = rule.wrap;
  resetToken = rule.reset_token;
  pad = rule.pad;
  multipliers.assign(rule.multipliers, rule.multipliers + order);
  greatestId = kGreatest;
  for (int64_t multiplier : multipliers)
    if (multiplier < 0)
      greatestId = 0;
    else if (multiplier > 0)
      greatestId = std::min(greatestId, kGreatest / multiplier);
  hasMap = rule.token_map != nullptr;
  if (hasMap)
    tokenMap.assign(rule.token_map, rule.token_map + rule.token_map_size);
  layOutColumns(rule);
  return Status();
}

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

Status Hash::mapToken(int64_t id, int64_t &mapped) const {
  mapped = id;
  if (!hasMap)
    return Status();
  if (id < 0 && reset == TRINE_ENGRAM_RESET_NEGATIVE)
    return Status(); // dead
  int64_t size = static_cast<int64_t>(tokenMap.size());
  if (id < -size || id >= size)
    return Status(
        TRINE_ERROR_BAD_INPUT,
        concat("'token_ids' must be in [-", size, ", ", size, "), got ", id));
  mapped = tokenMap[id < 0 ? id + size : id];
  return Status();
}

/// What the id `distance` places before `token` counts as. Asked for distances
/// 0, 1, 2 .. in turn.
int64_t Hash::lookBack(const int64_t *token, uint64_t distance,
                       bool &forgotten) const {
  int64_t id = *(token - distance);
  if (reset == TRINE_ENGRAM_RESET_AFTER_TOKEN)
    forgotten |= distance > 0 && id == resetToken;
  else if (reset == TRINE_ENGRAM_RESET_NEGATIVE)
    forgotten |= id < 0;
  return forgotten ? pad : id;
}

template <bool HasReset>
void Hash::mix(const int64_t *sequence, uint64_t tokens, int64_t *mixed) const {
  for (uint64_t t = 0; t < tokens; ++t) {
    const int64_t *token = sequence + t;
    bool forgotten = false;
    uint64_t value = 0;
    for (uint64_t s = 0; s < order; ++s) {
      int64_t id = HasReset ? lookBack(token, s, forgotten) : *(token - s);
      value ^=
          static_cast<uint64_t>(id) * static_cast<uint64_t>(multipliers[s]);
      if (s > 0)
        mixed[t * (order - 1) + s - 1] = static_cast<int64_t>(value);
    }
  }
}

/// The slow and exact look at a block in which some id might be too large.
Status Hash::checkProducts(const int64_t *sequence, uint64_t tokens) const {
  for (uint64_t t = 0; t < tokens; ++t) {
    bool forgotten = false;
    for (uint64_t s = 0; s < order; ++s) {
      int64_t id = lookBack(sequence + t, s, forgotten), product;
      if (__builtin_mul_overflow(id, multipliers[s], &product) || product < 0)
        return Status(TRINE_ERROR_BAD_INPUT,
                      concat("with wrap non_negative the product of id ", id,
                             " and multiplier ", multipliers[s],
                             " must lie in [0, 2^63)"));
    }
  }
  return Status();
}

Status Hash::run(const int64_t *tokenIds, uint64_t sequences, uint64_t tokens,
                 const int64_t *history, int64_t *rows,
                 int64_t *present) const {
  constexpr uint64_t kBlock = 64;
  uint64_t before = order - 1;
  int64_t sequence[kMaxOrder + kBlock];
  int64_t mixed[kBlock * kMaxOrder + HashColumns::kLanes];
  for (uint64_t b = 0; b < sequences; ++b) {
    // sequence[before + t] is the mapped token at `at` + t.
    for (uint64_t i = 0; i < before; ++i)
      sequence[i] = history ? history[b * before + i] : pad;
    for (uint64_t at = 0; at < tokens; at += kBlock) {
      uint64_t count = std::min(kBlock, tokens - at);
      const int64_t *ids = tokenIds + b * tokens + at;
      for (uint64_t t = 0; t < count; ++t)
        if (Status status = mapToken(ids[t], sequence[before + t]);
            !status.ok())
          return status;
      if (wrap == TRINE_ENGRAM_WRAP_NON_NEGATIVE) {
        bool fits = pad >= 0 && pad <= greatestId;
        for (uint64_t i = 0; i < before + count; ++i)
          fits &= static_cast<uint64_t>(sequence[i]) <=
                  static_cast<uint64_t>(greatestId);
        if (!fits)
          if (Status status = checkProducts(sequence + before, count);
              !status.ok())
            return status;
      }
      if (reset == TRINE_ENGRAM_RESET_NEVER)
        mix<false>(sequence + before, count, mixed);
      else
        mix<true>(sequence + before, count, mixed);
      reduce(columns, mixed, count, rows + (b * tokens + at) * columns.count);
      std::copy(sequence + count, sequence + count + before, sequence);
    }
    if (present)
      std::copy(sequence, sequence + before, present + b * before);
  }
  return Status();
}

void engram::reducePlain(const HashColumns &columns, const int64_t *mixed,
                         uint64_t tokens, int64_t *rows) {
  for (uint64_t t = 0; t < tokens; ++t)
    for (uint64_t c = 0; c < columns.count; ++c) {
      int64_t remainder = mixed[t * columns.mixedCount + columns.sources[c]] %
                          columns.moduli[c];
      remainder += remainder < 0 ? columns.moduli[c] : 0;
      rows[t * columns.count + c] = remainder + columns.offsets[c];
    }
}
