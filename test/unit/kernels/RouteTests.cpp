// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Routing, grouping and combining of experts on the simulator.
#include "KernelTest.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace kerneltest;
using namespace trine::kernels;
using trine::sim::Machine;
using trine::sim::Options;

namespace {

/// Indices by rank: NaN, larger, lower index.
std::vector<int> ranked(const std::vector<double> &values) {
  std::vector<int> order(values.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = int(i);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    bool nanA = std::isnan(values[a]), nanB = std::isnan(values[b]);
    if (nanA != nanB)
      return nanA;
    return values[a] > values[b] || (!(values[a] < values[b]) && a < b);
  });
  return order;
}

double scored(Scoring scoring, double x) {
  return scoring == Scoring::Sigmoid ? 1 / (1 + std::exp(-x))
         : scoring == Scoring::SqrtSoftplus
             ? std::sqrt(std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))))
             : x;
}

void softmax(std::vector<double> &values) {
  double top = *std::max_element(values.begin(), values.end()), sum = 0;
  for (double &value : values)
    sum += value = std::exp(value - top);
  for (double &value : values)
    value /= sum;
}

double roundedTo(Element type, double x) {
  return trine::sim::decodeFloat(format(type),
                                 trine::sim::encodeFloat(format(type), x));
}

struct Chosen {
  std::vector<int> ids;
  std::vector<double> weights;
};

/// trine.moe.route for one token, as its description says. `type` is that of
/// the logits.
Chosen routeToken(const RouteConfiguration &c, Element type,
                  std::vector<double> logits, const std::vector<double> &bias,
                  const std::vector<Index> &forced, double epsilon,
                  double scale) {
  auto step = [&](double x) { return c.rounded ? roundedTo(type, x) : x; };
  std::vector<double> scores, choice;
  for (double x : logits)
    scores.push_back(scored(c.scoring, x));
  if (c.scoring == Scoring::Softmax)
    softmax(scores);
  if (c.scoring != Scoring::SoftmaxTopK && c.scoring != Scoring::SigmoidTopK)
    for (double &score : scores)
      score = step(score);
  for (int e = 0; e < c.experts; ++e)
    choice.push_back(c.hasBias ? step(scores[e] + bias[e]) : scores[e]);
  int size = c.experts / c.groups;
  std::vector<double> groups;
  for (int g = 0; g < c.groups; ++g) {
    std::vector<double> own(choice.begin() + g * size,
                            choice.begin() + (g + 1) * size);
    std::vector<int> order = ranked(own);
    groups.push_back(c.groupScore == GroupScore::SumTop2 && size > 1
                         ? step(own[order[0]] + own[order[1]])
                         : own[order[0]]);
  }
  std::vector<int> kept = ranked(groups);
  for (int g = c.keptGroups; g < c.groups; ++g)
    for (int e = kept[g] * size; e < (kept[g] + 1) * size; ++e)
      choice[e] = c.maskedIsZero ? 0 : -std::numeric_limits<double>::infinity();
  Chosen result;
  std::vector<int> order = ranked(choice);
  for (int j = 0; j < c.k; ++j)
    result.ids.push_back(c.hasTable ? int(forced[j]) : order[j]);
  for (int e : result.ids)
    result.weights.push_back(c.weightsFromChoice ? choice[e] : scores[e]);
  if (c.scoring == Scoring::SoftmaxTopK)
    softmax(result.weights);
  double sum = 0;
  for (double &weight : result.weights) {
    if (c.scoring == Scoring::SigmoidTopK)
      weight = scored(Scoring::Sigmoid, weight);
    if (c.scoring == Scoring::SoftmaxTopK || c.scoring == Scoring::SigmoidTopK)
      weight = step(weight);
    sum += weight;
  }
  sum = step(step(sum) + epsilon);
  for (double &weight : result.weights)
    weight = c.scaleBeforeDivision
                 ? step(step(weight * scale) / (c.renormalize ? sum : 1))
                 : step(step(weight / (c.renormalize ? sum : 1)) * scale);
  return result;
}

uint64_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

struct RouteCase {
  const char *kernel;
  RouteConfiguration configuration;
  Element logits;
};

std::vector<RouteCase> routeCases() {
  RouteConfiguration softmax{8, 3}, groups{16, 4}, v3{256, 8}, chosen{40, 5},
      choice{12, 2}, table{12, 3}, sigmoids{24, 4}, rounded{16, 4},
      roundedChosen{24, 4}, many{2100, 37};
  sigmoids.scoring = Scoring::SigmoidTopK;
  sigmoids.renormalize = sigmoids.hasBias = true;
  rounded.scoring = Scoring::Sigmoid, many.scoring = Scoring::SqrtSoftplus;
  rounded.groups = 4, rounded.keptGroups = 2;
  rounded.groupScore = GroupScore::SumTop2;
  rounded.renormalize = rounded.hasBias = rounded.rounded = true;
  roundedChosen.scoring = Scoring::SoftmaxTopK, roundedChosen.rounded = true;
  many.groups = 70, many.keptGroups = 40, many.renormalize = true;
  groups.scoring = v3.scoring = Scoring::Sigmoid;
  groups.groups = 4, groups.keptGroups = 2, v3.groups = 8, v3.keptGroups = 4;
  groups.groupScore = v3.groupScore = GroupScore::SumTop2;
  groups.maskedIsZero = groups.renormalize = groups.hasBias = true;
  v3.renormalize = v3.scaleBeforeDivision = v3.hasBias = true;
  chosen.scoring = Scoring::SoftmaxTopK;
  choice.scoring = table.scoring = Scoring::SqrtSoftplus;
  choice.groups = 3;
  choice.weightsFromChoice = choice.hasBias = true;
  table.renormalize = table.hasTable = true;
  return keepSelected(std::vector<RouteCase>{
      {"route_softmax", softmax, Element::F32},
      {"route_groups", groups, Element::F32},
      {"route_v3", v3, Element::BF16},
      {"route_chosen", chosen, Element::F32},
      {"route_chosen_sigmoids", sigmoids, Element::F32},
      {"route_rounded", rounded, Element::BF16},
      {"route_rounded_chosen", roundedChosen, Element::F16},
      {"route_many", many, Element::F32},
      {"route_choice_weights", choice, Element::F32},
      {"route_table", table, Element::F32}});
}

class Route : public testing::TestWithParam<Architecture> {};

} // namespace

/// What `values` hold: random, or many equal ones.
static void fillLogits(Floats &logits, Index tokens, int experts, bool ties) {
  // Steps of 1/64 are exact in bf16 below 2 and far apart for every scoring.
  std::mt19937 random(5);
  for (Index n = 0; n < tokens; ++n) {
    std::vector<int> steps(experts);
    for (int e = 0; e < experts; ++e)
      steps[e] = ties ? int(random() % 3) : e;
    std::shuffle(steps.begin(), steps.end(), random);
    // Every place of a warp's lanes comes first at times.
    for (int e : {int(n * 32 % experts), int(n % experts)})
      std::swap(steps[e], *std::max_element(steps.begin(), steps.end()));
    for (int e = 0; e < experts; ++e)
      logits.set(n * experts + e, steps[e] / 64.0 - 1);
  }
}

TEST_P(Route, ChoosesAsDescribed) {
  for (const RouteCase &test : routeCases())
    for (Index tokens : {1, 4, 11})
      for (bool ties : {false, true})
        for (const Options &options : modes()) {
          const RouteConfiguration &c = test.configuration;
          Machine machine;
          Floats logits(machine, test.logits, tokens * c.experts, "logits");
          Floats bias(machine, Element::F32, c.experts, "bias");
          fillLogits(logits, tokens, c.experts, ties);
          // Ties of choices need equal biases; negative ones meet masked zeros.
          for (int e = 0; e < c.experts; ++e)
            bias.set(e, ties ? -0.75 : (e * 37 % c.experts) * 0.25 - 2);
          std::vector<Index> tokenIds, table;
          for (Index n = 0; n < tokens; ++n)
            tokenIds.push_back(n * 5 % 7);
          for (Index i = 0; i < 7 * c.k; ++i)
            table.push_back(i * 5 % c.experts);
          Integers<Index> tokenIdsOnDevice(machine, tokenIds, "tokens");
          Integers<Index> tableOnDevice(machine, table, "table");
          Integers<Index> ids(machine, size_t(tokens * c.k), "ids");
          Floats weights(machine, Element::F32, tokens * c.k, "weights");
          const float epsilon = 1e-20f, scale = 2.5f;
          Arguments arguments;
          arguments.words = {logits.address(),
                             bias.address(),
                             tokenIdsOnDevice.address(),
                             tableOnDevice.address(),
                             7,
                             ids.address(),
                             weights.address(),
                             uint64_t(tokens),
                             bitsOf(epsilon),
                             bitsOf(scale)};
          ASSERT_EQ(run(machine, "Experts", GetParam(), test.kernel,
                        {routeWorkgroups(c, tokens), routeThreads(c), 0},
                        arguments, options),
                    "");
          for (Index n = 0; n < tokens; ++n) {
            std::vector<double> own, biases;
            for (int e = 0; e < c.experts; ++e) {
              own.push_back(logits.get(n * c.experts + e));
              biases.push_back(bias.get(e));
            }
            std::vector<Index> forced(table.begin() + tokenIds[n] * c.k,
                                      table.begin() + (tokenIds[n] + 1) * c.k);
            Chosen expected =
                routeToken(c, test.logits, own, biases, forced, epsilon, scale);
            for (int j = 0; j < c.k; ++j) {
              ASSERT_EQ(ids[n * c.k + j], expected.ids[j])
                  << test.kernel << " token " << n << " slot " << j;
              // exp and log are good to 2 units, sums of experts add one each.
              double weight = expected.weights[j];
              ASSERT_EQ(compare("weight", weights.get(n * c.k + j), weight,
                                ((12 + c.experts) * 0x1p-24 +
                                 (c.rounded ? 5 * rounding(test.logits) : 0)) *
                                    std::max(1.0, std::fabs(weight))),
                        "")
                  << test.kernel << " token " << n << " slot " << j;
            }
          }
        }
}

TEST_P(Route, GroupsStably) {
  if (!selected("group_slots"))
    return;
  for (Index slots : {1, 31, 255, 256, 257, 700, 1024, 2100})
    for (Index experts : {1, 5, 40})
      for (const Options &options : modes()) {
        Machine machine;
        std::vector<Index> ids;
        std::mt19937 random(3);
        for (Index s = 0; s < slots; ++s)
          ids.push_back(random() % experts);
        if (slots > 100) // no experts: they come last
          ids[7] = -1, ids[99] = experts + 3;
        Integers<Index> idsOnDevice(machine, ids, "ids");
        Integers<Index> order(machine, size_t(slots), "order");
        Integers<Index> inverse(machine, size_t(slots), "inverse");
        Integers<Index> offsets(machine, size_t(experts + 1), "offsets");
        Arguments arguments;
        arguments.words = {idsOnDevice.address(), uint64_t(slots),
                           order.address(),       offsets.address(),
                           inverse.address(),     uint64_t(experts)};
        ASSERT_EQ(run(machine, "Experts", GetParam(), "group_slots",
                      {groupWorkgroups(experts), groupThreads, 0}, arguments,
                      options),
                  "");
        std::vector<Index> expected;
        for (Index e = 0; e <= experts; ++e) {
          ASSERT_EQ(offsets[e], Index(expected.size()));
          for (Index s = 0; s < slots; ++s)
            if (ids[s] == e ||
                (e == experts && (ids[s] < 0 || ids[s] > experts)))
              expected.push_back(s);
        }
        for (Index p = 0; p < slots; ++p) {
          ASSERT_EQ(order[p], expected[p]);
          ASSERT_EQ(inverse[expected[p]], p);
        }
      }
}

TEST_P(Route, CombinesInSlotOrder) {
  if (!selected("combine_rows"))
    return;
  const Index tokens = 7, slots = 3, columns = 203;
  for (const Options &options : modes()) {
    Machine machine;
    Floats rows(machine, Element::BF16, tokens * slots * columns, "rows");
    Floats weights(machine, Element::F32, tokens * slots, "weights");
    Floats out(machine, Element::BF16, tokens * columns, "out");
    std::vector<Index> inverse;
    for (Index s = 0; s < tokens * slots; ++s)
      inverse.push_back(s * 5 % (tokens * slots));
    Integers<Index> inverseOnDevice(machine, inverse, "inverse");
    rows.randomise(1), weights.randomise(2);
    Arguments arguments;
    arguments.words = {rows.address(),    inverseOnDevice.address(),
                       weights.address(), out.address(),
                       uint64_t(tokens),  uint64_t(slots),
                       uint64_t(columns)};
    ASSERT_EQ(
        run(machine, "Experts", GetParam(), "combine_rows",
            {elementwiseWorkgroups(tokens * columns), elementwiseThreads, 0},
            arguments, options),
        "");
    for (Index i = 0; i < tokens * columns; ++i) {
      // The same operations in the same order: equal bits.
      float sum = 0;
      for (Index s = 0; s < slots; ++s) {
        Index slot = i / columns * slots + s;
        sum = std::fma(float(weights.get(slot)),
                       float(rows.get(inverse[slot] * columns + i % columns)),
                       sum);
      }
      uint64_t bits =
          trine::sim::encodeFloat(trine::sim::FloatFormat::BF16, sum);
      ASSERT_EQ(out.get(i),
                trine::sim::decodeFloat(trine::sim::FloatFormat::BF16, bits));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Route,
                         testing::Values(Architecture::SM80,
                                         Architecture::SM90a),
                         [](const auto &info) {
                           return std::string(nameOf(info.param));
                         });
