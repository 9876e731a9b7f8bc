// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Passes/LatentAttentionCost.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

using namespace mlir::trine;

/// Sizes up to here count as admissible.
static constexpr double kLargest = 1 << 20;

namespace {
/// Adds up products that run one after the other.
class Steps {
public:
  Steps(const LatentAttentionSite &site, const MachineFigures &machine)
      : machine(machine), elementBytes(site.elementBytes) {}

  /// A product of so many multiplications and additions that moves so many
  /// elements.
  void add(double multiplyAdds, double elements) {
    double flops = 2 * multiplyAdds, bytes = elementBytes * elements;
    cost.flops += flops;
    cost.bytes += bytes;
    cost.seconds += std::max(flops / machine.flops, bytes / machine.bandwidth);
  }
  LatentAttentionCost cost;

private:
  const MachineFigures &machine;
  double elementBytes;
};
} // namespace

LatentAttentionCost mlir::trine::costOfAbsorbed(const LatentAttentionSite &site,
                                                const MachineFigures &machine,
                                                double queries, double keys) {
  double batch = site.batch, heads = site.heads, rank = site.rank,
         nope = site.nope, rope = site.rope, value = site.value;
  double rows = batch * queries * heads;
  Steps steps(site, machine);
  // Queries onto the latent; each head's weight is read once.
  steps.add(rows * nope * rank, rank * heads * nope + rows * (nope + rank));
  // All heads attend to the same rows.
  steps.add(rows * keys * (rank + rope + rank),
            batch * keys * (rank + rope) + rows * (rank + rope + rank));
  // Weighted latents to values.
  steps.add(rows * rank * value, rank * heads * value + rows * (rank + value));
  return steps.cost;
}

LatentAttentionCost
mlir::trine::costOfDecompressed(const LatentAttentionSite &site,
                                const MachineFigures &machine, double queries,
                                double keys) {
  double batch = site.batch, heads = site.heads, rank = site.rank,
         nope = site.nope, rope = site.rope, value = site.value;
  double rows = batch * queries * heads;
  Steps steps(site, machine);
  // Keys and values of all heads are written,
  steps.add(batch * keys * rank * heads * (nope + value),
            rank * heads * (nope + value) +
                batch * keys * (rank + heads * (nope + value)));
  // and read again.
  steps.add(rows * keys * (nope + rope + value),
            batch * keys * (heads * (nope + value) + rope) +
                rows * (nope + rope + value));
  return steps.cost;
}

double mlir::trine::latentCrossover(const LatentAttentionSite &site,
                                    const MachineFigures &machine,
                                    double keys) {
  auto isAbsorbedFaster = [&](double queries) {
    return costOfAbsorbed(site, machine, queries, keys).seconds <
           costOfDecompressed(site, machine, queries, keys).seconds;
  };
  double low = 0, high = 1024 * kLargest;
  if (isAbsorbedFaster(high))
    return std::numeric_limits<double>::infinity();
  for (unsigned step = 0; step < 64; ++step) {
    double middle = (low + high) / 2;
    (isAbsorbedFaster(middle) ? low : high) = middle;
  }
  return low;
}

LatentFormChoice mlir::trine::fitLatentChoice(const LatentAttentionSite &site,
                                              const MachineFigures &machine) {
  LatentFormChoice choice;
  // The crossover rises with the keys towards `limit`; half of the way up is
  // where the keys are as many.
  double limit = latentCrossover(site, machine, kLargest);
  if (std::isinf(limit)) {
    choice.limit = static_cast<int64_t>(kLargest);
    return choice;
  }
  choice.limit = std::max<int64_t>(1, std::llround(limit));
  double keys = static_cast<double>(choice.limit),
         queries = latentCrossover(site, machine, keys);
  if (queries > 0)
    choice.offset =
        std::max<int64_t>(0, std::llround(keys * (limit / queries - 1)));
  return choice;
}

LatentFormChoice mlir::trine::chooseLatentForm(const LatentAttentionSite &site,
                                               const MachineFigures &machine,
                                               const LatentShapes &shapes,
                                               double tolerance) {
  // A form is left out if it is nowhere faster by more than the tolerance.
  bool needsAbsorbed = false, needsDecompressed = false;
  auto visit = [&](double queries, double keys) {
    double absorbed = costOfAbsorbed(site, machine, queries, keys).seconds,
           decompressed =
               costOfDecompressed(site, machine, queries, keys).seconds;
    needsAbsorbed |= absorbed * (1 + tolerance) < decompressed;
    needsDecompressed |= decompressed * (1 + tolerance) < absorbed;
  };
  for (double keys = 1; keys <= kLargest; keys *= 2) {
    if (shapes.keysAreNew) {
      visit(keys, keys);
      continue;
    }
    double rows = shapes.keys ? static_cast<double>(*shapes.keys) : keys;
    for (double queries = 1; queries <= std::max(rows, 1.0); queries *= 2)
      visit(shapes.queries ? static_cast<double>(*shapes.queries) : queries,
            rows);
  }
  LatentFormChoice choice;
  if (needsAbsorbed && needsDecompressed)
    return fitLatentChoice(site, machine);
  // Nothing to expand, and nothing more to store, where both are as fast.
  choice.kind = needsDecompressed ? LatentFormChoice::Decompressed
                                  : LatentFormChoice::Absorbed;
  return choice;
}
