// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the two forms of attention on a latent cost, and which one to take.
///
/// Decompressed: keys and values of all heads are made from the latent, then
/// attended to. Absorbed: the query is projected onto the latent, the latent is
/// attended to by all heads as one key of rank + rope columns, and the weighted
/// sum is projected to values (DeepSeek-V2, arXiv 2405.04434, section 2.1).
#ifndef TRINE_PASSES_LATENTATTENTIONCOST_H
#define TRINE_PASSES_LATENTATTENTIONCOST_H

#include <cstdint>
#include <optional>

namespace mlir::trine {

/// What a machine sustains on large products and long streams.
struct MachineFigures {
  /// Floating-point operations per second; a multiplication and an addition
  /// are two.
  double flops = 200e9;
  /// Bytes per second between memory and the processor.
  double bandwidth = 20e9;
};

/// The sizes of one site that do not change from step to step.
struct LatentAttentionSite {
  int64_t batch = 1, heads = 1;
  /// Columns of the latent, of a head's part of a key that the latent makes, of
  /// the rotated part, and of a head's values.
  int64_t rank = 0, nope = 0, rope = 0, value = 0;
  /// Bytes of an element in memory.
  int64_t elementBytes = 4;
};

struct LatentAttentionCost {
  double flops = 0, bytes = 0;
  /// The sum over products that run one after the other, each bounded by
  /// arithmetic or by memory.
  double seconds = 0;
};

/// One step with `queries` new tokens per sequence over `keys` latent rows.
LatentAttentionCost costOfAbsorbed(const LatentAttentionSite &site,
                                   const MachineFigures &machine,
                                   double queries, double keys);
LatentAttentionCost costOfDecompressed(const LatentAttentionSite &site,
                                       const MachineFigures &machine,
                                       double queries, double keys);

/// The number of new tokens from which on the decompressed form is faster at
/// `keys` rows; infinite if it never is.
double latentCrossover(const LatentAttentionSite &site,
                       const MachineFigures &machine, double keys);

/// Which form to compute: absorbed if queries * (keys + offset) < limit * keys
/// where both may be best.
struct LatentFormChoice {
  enum Kind { Absorbed, Decompressed, ByShape };
  Kind kind = ByShape;
  int64_t limit = 0, offset = 0;

  bool isAbsorbed(int64_t queries, int64_t keys) const {
    return kind == Absorbed ||
           (kind == ByShape && queries * (keys + offset) < limit * keys);
  }
};

/// The shapes that a site may see: a number where it is known; all keys may be
/// new ones, as where nothing is cached.
struct LatentShapes {
  std::optional<int64_t> queries, keys;
  bool keysAreNew = false;
};

/// The form that is best at every shape within `tolerance` of its time, else a
/// choice by shape that follows the crossover.
LatentFormChoice chooseLatentForm(const LatentAttentionSite &site,
                                  const MachineFigures &machine,
                                  const LatentShapes &shapes,
                                  double tolerance = 0.05);

/// The choice by shape itself, for where it is forced.
LatentFormChoice fitLatentChoice(const LatentAttentionSite &site,
                                 const MachineFigures &machine);

} // namespace mlir::trine

#endif
