// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Sampler.h"
#include <algorithm>
#include <cmath>

using namespace trine::run;

double Sampler::draw() {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

int64_t Sampler::choose(const std::vector<float> &logits) {
  int64_t best = -1;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]))
      return -1;
    if (logits[i] > (best < 0 ? -INFINITY : logits[best]))
      best = static_cast<int64_t>(i);
  }
  if (best < 0 || temperature == 0 || std::isinf(logits[best]))
    return best;
  candidates.clear();
  double top = logits[best], sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    double weight = std::exp((logits[i] - top) / temperature);
    sum += weight;
    candidates.emplace_back(weight, static_cast<int64_t>(i));
  }
  std::sort(
      candidates.begin(), candidates.end(), [](const auto &a, const auto &b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
      });
  double kept = 0;
  size_t count = 0;
  while (count < candidates.size() && (count == 0 || kept < topP * sum))
    kept += candidates[count++].first;
  double target = draw() * kept;
  for (size_t i = 0; i + 1 < count; ++i) {
    target -= candidates[i].first;
    if (target < 0)
      return candidates[i].second;
  }
  return candidates[count - 1].second;
}
