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
  Index *ids = nullptr;     ///< [tokens, k]; null: not asked for
  float *weights = nullptr; ///< [tokens, k]; null: not asked for
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

/// Which of `Count` elements a warp has taken: bit i of a lane's words stands
/// for element lane + 32 · i.
template <int Count>
struct Taken {
  static constexpr int words = (Count + 2047) / 2048;
  u64 bits[words] = {};

  bool has(int i) const { return bits[i / 64] >> i % 64 & 1; }
  void add(int i) {
#pragma unroll
    for (int word = 0; word < words; ++word)
      if (word == i / 64)
        bits[word] |= 1ull << i % 64;
  }
};

/// The first in rank of `values` (shared by the warp) among those that are not
/// taken; it is then. -1 when all are.
template <int Count>
int takeFirst(const float *values, Taken<Count> &taken) {
  const int lane = laneIndex();
  int best = -1;
  float value = 0;
#pragma unroll 1
  for (int i = 0; i < (Count + 31) / 32; ++i) {
    const int e = lane + 32 * i;
    if (e < Count && !taken.has(i) &&
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
    taken.add(best / 32);
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
  static_assert(C.k <= kMostChosenExperts,
                "a warp holds at most 128 chosen experts");
  static_assert(C.experts <= kMostRoutedExperts,
                "a warp chooses among at most 4096 experts");
  static_assert(C.groups >= 1 && C.experts % C.groups == 0,
                "experts are a multiple of groups");
  static_assert(C.keptGroups >= 1 && C.keptGroups <= C.groups &&
                    C.experts / C.groups * C.keptGroups >= C.k,
                "the kept groups hold k experts or more");
  constexpr int size = C.experts / C.groups;
  static_assert(C.groupScore == GroupScore::Maximum || size >= 2 ||
                    C.groups == 1,
                "a group of which two are summed has two experts");
  // Experts that a lane holds of the chosen ones: those at lane + 32 · i.
  constexpr int each = (C.k + 31) / 32;
  constexpr int tokensPerWorkgroup = routeTokensPerWorkgroup(C);
  __shared__ float scores[tokensPerWorkgroup][C.experts];
  __shared__ float choices[tokensPerWorkgroup][C.experts];
  __shared__ float groupScores[tokensPerWorkgroup][C.groups];
  const int lane = laneIndex(), warp = warpIndex();
  const Index token =
      blockIdx.x * static_cast<Index>(tokensPerWorkgroup) + warp;
  if (token >= arguments.tokens)
    return;
  float *const score = scores[warp], *const choice = choices[warp];
  const Logit *logits = arguments.logits + token * C.experts;
  const auto step = [](float x) {
    return C.rounded ? toFloat(fromFloat<Logit>(x)) : x;
  };

  // The scores; a softmax is over all of them.
  float top = -infinity();
  for (int e = lane; e < C.experts; e += 32) {
    const float x = load(logits, e);
    top = fmaxf(top, x);
    score[e] = C.scoring == Scoring::Sigmoid ? step(sigmoid(x))
               : C.scoring == Scoring::SqrtSoftplus
                   ? step(sqrtf(step(softplus(x))))
                   : x;
  }
  if constexpr (C.scoring == Scoring::Softmax) {
    top = warpMaximum(top);
    float sum = 0;
    for (int e = lane; e < C.experts; e += 32)
      sum += score[e] = expf(score[e] - top);
    sum = warpSum(sum);
    for (int e = lane; e < C.experts; e += 32)
      score[e] = step(score[e] / sum);
  }
  for (int e = lane; e < C.experts; e += 32)
    choice[e] = C.hasBias ? step(score[e] + load(arguments.bias, e)) : score[e];
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
                                 ? step(choice[first] + choice[second])
                                 : choice[first];
    }
    __syncwarp();
    Taken<C.groups> kept;
    for (int i = 0; i < C.keptGroups; ++i)
      takeFirst(groupScores[warp], kept);
    // Each lane knows its own groups: the others learn it through the scores.
    for (int g = lane; g < C.groups; g += 32)
      groupScores[warp][g] = kept.has(g / 32) ? 1.0f : 0.0f;
    __syncwarp();
    for (int e = lane; e < C.experts; e += 32)
      if (groupScores[warp][e / size] == 0.0f)
        choice[e] = C.maskedIsZero ? 0.0f : -infinity();
    if (C.weightsFromChoice)
      __syncwarp(); // else lanes read their own alone
  }

  // The chosen ones: lane j % 32 has the j-th.
  int chosen[each] = {};
  if constexpr (C.hasTable) {
    Index row = arguments.tokenIds[token];
    row = maximum(0, minimum(row, arguments.tableRows - 1));
#pragma unroll
    for (int i = 0; i < each; ++i)
      if (lane + 32 * i < C.k) {
        const Index e = arguments.table[row * C.k + lane + 32 * i];
        chosen[i] = static_cast<int>(maximum(0, minimum(e, C.experts - 1)));
      }
  } else {
    Taken<C.experts> taken;
#pragma unroll
    for (int i = 0; i < each; ++i)
#pragma unroll 1
      for (int j = 0; j < 32 && 32 * i + j < C.k; ++j) {
        const int best = takeFirst(choice, taken);
        if (lane == j)
          chosen[i] = best;
      }
  }
  float weight[each], sum = 0;
#pragma unroll
  for (int i = 0; i < each; ++i) {
    const bool active = lane + 32 * i < C.k;
    weight[i] = !active               ? 0.0f
                : C.weightsFromChoice ? choice[chosen[i]]
                                      : score[chosen[i]];
    if (C.scoring == Scoring::SigmoidTopK && active)
      weight[i] = step(sigmoid(weight[i]));
  }
  if constexpr (C.scoring == Scoring::SoftmaxTopK) {
    float best = -infinity(), all = 0;
#pragma unroll
    for (int i = 0; i < each; ++i)
      if (lane + 32 * i < C.k)
        best = fmaxf(best, weight[i]);
    best = warpMaximum(best);
#pragma unroll
    for (int i = 0; i < each; ++i)
      all += weight[i] = lane + 32 * i < C.k ? expf(weight[i] - best) : 0.0f;
    all = warpSum(all);
#pragma unroll
    for (int i = 0; i < each; ++i)
      weight[i] = step(weight[i] / all);
  }
#pragma unroll
  for (int i = 0; i < each; ++i)
    sum += weight[i];
  sum = step(warpSum(sum));
  if (arguments.epsilon != 0)
    sum = step(sum + arguments.epsilon);
#pragma unroll
  for (int i = 0; i < each; ++i) {
    float value = weight[i];
    if (C.scaleBeforeDivision)
      value = step(value * arguments.scale);
    if (C.renormalize)
      value = step(value / sum);
    if (!C.scaleBeforeDivision)
      value = step(value * arguments.scale);
    const int j = lane + 32 * i;
    if (j < C.k && arguments.ids)
      arguments.ids[token * C.k + j] = chosen[i];
    if (j < C.k && arguments.weights)
      arguments.weights[token * C.k + j] = value;
  }
}

} // namespace trine::kernels

#endif
