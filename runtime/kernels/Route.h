// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// trine.moe.route: which experts each token takes. A warp for each token.
#ifndef TRINE_RUNTIME_KERNELS_ROUTE_H
#define TRINE_RUNTIME_KERNELS_ROUTE_H

#include "Functions.h"
#include "PTX.h"

namespace trine::kernels {

template <class Logit, class Bias>
struct RouteArguments {
  const Logit *logits = nullptr;                     ///< [tokens, experts]
  const Bias *bias = nullptr;                        ///< [experts]
  const Index *tokenIds = nullptr, *table = nullptr; ///< [tokens], [rows, k]
  Index tableRows = 0;
  Index *ids = nullptr;     ///< [tokens, k]
  float *weights = nullptr; ///< [tokens, k]
  Index tokens = 0;
  float epsilon = 0, scale = 1;
};

/// Whether (a, at i) ranks before (b, at j): NaN first, then the larger, then
/// the lower index.
inline bool ranksBefore(float a, int i, float b, int j) {
  const bool nanA = a != a, nanB = b != b;
  if (nanA != nanB)
    return nanA;
  if (a > b)
    return true;
  return !(a < b) && i < j;
}

/// The first in rank of `values` (shared by the warp) among those whose bit in
/// `taken` is not set: bit i of a lane stands for element lane + 32 · i. The
/// winner's bit is set. -1 when all are taken.
template <int Count>
int takeFirst(const float *values, u64 &taken) {
  const int lane = laneIndex();
  int best = -1;
  float value = 0;
#pragma unroll 1
  for (int i = 0; i < (Count + 31) / 32; ++i) {
    const int e = lane + 32 * i;
    if (e < Count && !(taken >> i & 1) &&
        (best < 0 || ranksBefore(values[e], e, value, best))) {
      best = e;
      value = values[e];
    }
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    const int other = __shfl_xor_sync(0xFFFFFFFFu, best, distance);
    const float otherValue = __shfl_xor_sync(0xFFFFFFFFu, value, distance);
    if (other >= 0 &&
        (best < 0 || ranksBefore(otherValue, other, value, best))) {
      best = other;
      value = otherValue;
    }
  }
  if (best >= 0 && best % 32 == lane)
    taken |= 1ull << best / 32;
  return best;
}

inline float warpMaximum(float value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFu, value, distance));
  return value;
}
inline float warpSum(float value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xFFFFFFFFu, value, distance);
  return value;
}

template <RouteConfiguration C, class Logit, class Bias>
void route(const RouteArguments<Logit, Bias> &arguments) {
  static_assert(C.k >= 1 && C.k <= C.experts, "1 <= k <= experts");
  static_assert(C.k <= 32, "a warp holds at most 32 chosen experts");
  static_assert(C.experts <= 2048, "a warp chooses among at most 2048 experts");
  static_assert(C.groups >= 1 && C.experts % C.groups == 0,
                "experts are a multiple of groups");
  static_assert(C.keptGroups >= 1 && C.keptGroups <= C.groups &&
                    C.experts / C.groups * C.keptGroups >= C.k,
                "the kept groups hold k experts or more");
  constexpr int size = C.experts / C.groups;
  static_assert(C.groupScore == GroupScore::Maximum || size >= 2 ||
                    C.groups == 1,
                "a group of which two are summed has two experts");
  __shared__ float scores[routeTokensPerWorkgroup][C.experts];
  __shared__ float choices[routeTokensPerWorkgroup][C.experts];
  __shared__ float groupScores[routeTokensPerWorkgroup][C.groups];
  const int lane = laneIndex(), warp = warpIndex();
  const Index token =
      blockIdx.x * static_cast<Index>(routeTokensPerWorkgroup) + warp;
  if (token >= arguments.tokens)
    return;
  float *const score = scores[warp], *const choice = choices[warp];
  const Logit *logits = arguments.logits + token * C.experts;

  // The scores; a softmax is over all of them.
  float top = -infinity();
  for (int e = lane; e < C.experts; e += 32) {
    const float x = load(logits, e);
    top = fmaxf(top, x);
    score[e] = C.scoring == Scoring::Sigmoid        ? sigmoid(x)
               : C.scoring == Scoring::SqrtSoftplus ? sqrtf(softplus(x))
                                                    : x;
  }
  if constexpr (C.scoring == Scoring::Softmax) {
    top = warpMaximum(top);
    float sum = 0;
    for (int e = lane; e < C.experts; e += 32)
      sum += score[e] = expf(score[e] - top);
    sum = warpSum(sum);
    for (int e = lane; e < C.experts; e += 32)
      score[e] /= sum;
  }
  for (int e = lane; e < C.experts; e += 32)
    choice[e] = C.hasBias ? score[e] + load(arguments.bias, e) : score[e];
  __syncwarp();

  // Groups.
  if constexpr (C.groups > 1) {
    for (int g = lane; g < C.groups; g += 32) {
      int first = g * size, second = -1;
      for (int e = g * size + 1; e < (g + 1) * size; ++e)
        if (ranksBefore(choice[e], e, choice[first], first)) {
          second = first;
          first = e;
        } else if (second < 0 ||
                   ranksBefore(choice[e], e, choice[second], second))
          second = e;
      groupScores[warp][g] = C.groupScore == GroupScore::SumTop2 && second >= 0
                                 ? choice[first] + choice[second]
                                 : choice[first];
    }
    __syncwarp();
    u64 kept = 0;
    for (int i = 0; i < C.keptGroups; ++i)
      takeFirst<C.groups>(groupScores[warp], kept);
    // Each lane knows its own groups: the others learn it through the scores.
    for (int g = lane; g < C.groups; g += 32)
      groupScores[warp][g] = kept >> g / 32 & 1 ? 1.0f : 0.0f;
    __syncwarp();
    for (int e = lane; e < C.experts; e += 32)
      if (groupScores[warp][e / size] == 0.0f)
        choice[e] = C.maskedIsZero ? 0.0f : -infinity();
    if (C.weightsFromChoice)
      __syncwarp(); // else lanes read their own alone
  }

  // The chosen ones: lane j has the j-th.
  u64 taken = 0;
  int chosen = 0;
  if constexpr (C.hasTable) {
    if (lane < C.k) {
      Index row = arguments.tokenIds[token];
      row = maximum(0, minimum(row, arguments.tableRows - 1));
      const Index e = arguments.table[row * C.k + lane];
      chosen = static_cast<int>(maximum(0, minimum(e, C.experts - 1)));
    }
  } else {
#pragma unroll 1
    for (int j = 0; j < C.k; ++j) {
      const int best = takeFirst<C.experts>(choice, taken);
      if (lane == j)
        chosen = best;
    }
  }
  const bool active = lane < C.k;
  float weight = !active               ? 0.0f
                 : C.weightsFromChoice ? choice[chosen]
                                       : score[chosen];
  if constexpr (C.scoring == Scoring::SoftmaxTopK) {
    const float best = warpMaximum(active ? weight : -infinity());
    weight = active ? expf(weight - best) : 0.0f;
    weight /= warpSum(weight);
  }
  const float sum = warpSum(weight);
  if (C.scaleBeforeDivision)
    weight *= arguments.scale;
  if (C.renormalize)
    weight /= sum + arguments.epsilon;
  if (!C.scaleBeforeDivision)
    weight *= arguments.scale;
  if (active) {
    arguments.ids[token * C.k + lane] = chosen;
    arguments.weights[token * C.k + lane] = weight;
  }
}

} // namespace trine::kernels

#endif
