// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Chooses the next token from logits.
#ifndef TRINE_TOOLS_TRINE_RUN_SAMPLER_H
#define TRINE_TOOLS_TRINE_RUN_SAMPLER_H

#include "Options.h"
#include <cstdint>
#include <vector>

namespace trine::run {

/// One sequence's choices. Without a temperature: the largest logit, of equal
/// ones the lowest token. Otherwise a draw from softmax(logits / temperature),
/// in f64, from the most probable tokens (of equal ones the lowest first) whose
/// probabilities reach `topP` together; the number drawn is the upper 53 bits
/// of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014), whose state begins at the seed plus the sequence's index.
class Sampler {
public:
  Sampler(const GenerateOptions &options, uint64_t sequence)
      : temperature(options.temperature), topP(options.topP),
        state(options.seed + sequence) {}

  /// A token in [0, logits.size()); -1 when a logit is NaN or all are -inf.
  int64_t choose(const std::vector<float> &logits);

private:
  /// In [0, 1).
  double draw();

  double temperature, topP;
  uint64_t state;
  std::vector<std::pair<double, int64_t>> candidates; // probability, token
};

} // namespace trine::run

#endif
