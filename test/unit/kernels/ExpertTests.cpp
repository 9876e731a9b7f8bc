// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Grouped products on the simulator against sums in double precision.
#include "KernelTest.h"
#include <cmath>

using namespace kerneltest;
using namespace trine::kernels;
using trine::sim::Machine;
using trine::sim::Options;

namespace {

struct Case {
  const char *kernel;
  GemmConfiguration configuration;
  Element result;
};

/// The configurations of Experts.cu.
std::vector<Case> cases(Architecture architecture) {
  auto make = [&](Element element, int tileN, int stages, Load loadA,
                  Load loadB, GateLayout gate) {
    GemmConfiguration c;
    c.architecture = architecture;
    c.element = element;
    c.tileN = tileN;
    c.stages = stages;
    c.loadA = loadA;
    c.loadB = loadB;
    c.layoutB = WeightLayout::Transposed;
    c.gate = gate;
    return c;
  };
  const Element bf16 = Element::BF16, f16 = Element::F16, f32 = Element::F32;
  const Load element = Load::Element, vector = Load::Vector,
             best = architecture == Architecture::SM90a ? Load::TensorMap
                                                        : Load::Vector;
  const GateLayout none = GateLayout::None, halves = GateLayout::Concatenated;
  return keepSelected(std::vector<Case>{
      {"grouped_plain", make(bf16, 64, 3, vector, vector, none), bf16},
      {"grouped_gated", make(f16, 64, 3, vector, vector, halves), f16},
      {"grouped_odd",
       make(bf16, 64, 2, element, element, GateLayout::Interleaved), f32},
      {"grouped_f32", make(f32, 64, 2, element, element, none), f32},
      {"grouped_f32_gated", make(f32, 64, 2, element, element, halves), f32},
      {"grouped_main_gated", make(bf16, 128, 4, vector, best, halves), bf16},
      {"grouped_main_down", make(bf16, 128, 4, vector, best, none), bf16}});
}

struct Shape {
  std::vector<Index> counts; ///< rows of each expert
  Index n, k;
  Index slots;  ///< 0: rows are not gathered
  bool scatter; ///< results go to slot order
  /// Columns between rows of the result, which must stay as they are.
  Index gap = 0;
};

std::string runGrouped(Architecture architecture, const Case &test,
                       const Shape &shape, const Options &options) {
  const GemmConfiguration &c = test.configuration;
  const bool gated = c.gate != GateLayout::None;
  const Index experts = shape.counts.size(), n = shape.n, k = shape.k;
  std::vector<Index> offsets = {0};
  for (Index count : shape.counts)
    offsets.push_back(offsets.back() + count);
  const Index rows = offsets.back();
  std::vector<Index> order(rows);
  for (Index r = 0; r < rows; ++r)
    order[r] = (r * 7 + 3) % rows; // a permutation unless 7 divides rows
  if (rows % 7 == 0)
    for (Index r = 0; r < rows; ++r)
      order[r] = rows - 1 - r;
  const Index inputs = shape.slots ? divideUp(rows, shape.slots) : rows;
  const Index pitchA = c.loadA == Load::Element ? k : (k + 7) / 8 * 8;
  const Index pitchB = c.loadB == Load::Element ? k : (k + 7) / 8 * 8;
  const Index height = gated ? 2 * n : n;
  Machine machine;
  Floats a(machine, c.element, inputs * pitchA, "A");
  Floats weight(machine, c.element, experts * height * pitchB, "weight");
  const Index pitchOut = n + shape.gap;
  Floats out(machine, test.result, rows * pitchOut, "C");
  Integers<Index> offsetsOnDevice(machine, offsets, "offsets");
  Integers<Index> orderOnDevice(machine, order, "order");
  a.randomise(1).spoilPadding(k, pitchA);
  weight.randomise(2, 0.5).spoilPadding(k, pitchB);
  Arguments arguments;
  arguments.words = {a.address(),
                     uint64_t(pitchA),
                     weight.address(),
                     uint64_t(pitchB),
                     out.address(),
                     uint64_t(pitchOut),
                     offsetsOnDevice.address(),
                     shape.slots ? orderOnDevice.address() : 0,
                     uint64_t(shape.slots),
                     shape.scatter ? orderOnDevice.address() : 0,
                     uint64_t(rows),
                     uint64_t(experts),
                     uint64_t(n),
                     uint64_t(k)};
  if (c.loadB == Load::TensorMap) {
    trine::sim::TensorMap map =
        mapOf(weight, experts, height, k, pitchB, height * pitchB, c.tileN);
    if (gated) {
      map.rank = 4;
      map.globalDim[1] = 2, map.globalDim[2] = n, map.globalDim[3] = experts;
      map.globalStride[0] = n * pitchB * 2;
      map.globalStride[1] = pitchB * 2;
      map.globalStride[2] = height * pitchB * 2;
      map.boxDim[1] = 2, map.boxDim[2] = c.tileN / 2, map.boxDim[3] = 1;
      std::string error;
      EXPECT_TRUE(checkTensorMap(map, error)) << error;
    }
    arguments.maps.push_back(map);
  }
  std::string error = run(machine, "Experts", architecture, test.kernel,
                          {groupedWorkgroups(c, rows, experts, n),
                           gemmThreads(c), gemmSharedBytes(c)},
                          arguments, options);
  for (Index i = 0; error.empty() && i < Index(out.size()); ++i)
    if (i % pitchOut >= n && !std::isnan(out.get(i)))
      error = "element " + std::to_string(i) + " is not of the result";
  for (Index e = 0; e < experts; ++e)
    for (Index r = offsets[e]; r < offsets[e + 1]; ++r) {
      const Index source = shape.slots ? order[r] / shape.slots : r;
      for (Index j = 0; error.empty() && j < n; ++j) {
        double sums[2] = {}, bounds[2] = {};
        for (int half = 0; half < (gated ? 2 : 1); ++half) {
          Index row = !gated                              ? j
                      : c.gate == GateLayout::Interleaved ? 2 * j + half
                                                          : half * n + j;
          double magnitude = 0;
          for (Index i = 0; i < k; ++i) {
            double product = a.get(source * pitchA + i) *
                             weight.get((e * height + row) * pitchB + i);
            sums[half] += product, magnitude += std::fabs(product);
          }
          bounds[half] = double(k) * 0x1p-23 * magnitude;
        }
        double expected = sums[0], bound = bounds[0];
        if (gated) {
          double silu = sums[0] / (1 + std::exp(-sums[0]));
          expected = silu * sums[1];
          // silu's slope is at most 1.1; its own error a few units.
          bound = (1.1 * bounds[0] + 0x1p-21 * std::fabs(sums[0])) *
                      (std::fabs(sums[1]) + bounds[1]) +
                  std::fabs(silu) * bounds[1];
        }
        error = compare(
            "row " + std::to_string(r) + " column " + std::to_string(j),
            out.get((shape.scatter ? order[r] : r) * pitchOut + j), expected,
            bound + rounding(test.result) * (std::fabs(expected) + 0x1p-13));
      }
    }
  return error;
}

class Experts : public testing::TestWithParam<Architecture> {};

} // namespace

TEST_P(Experts, GroupedProductsMatchSums) {
  const Shape shapes[] = {
      {{1}, 1, 1, 0, false},
      {{64}, 64, 64, 0, false},
      {{3, 0, 70, 1, 0, 65}, 75, 131, 0, false},
      {{0, 0, 5, 0, 4}, 70, 72, 3, false},
      {{13, 7, 0, 20}, 40, 200, 2, true},
      // More experts than lanes, most of them empty.
      {{0, 1, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1},
       24,
       40,
       2,
       false},
  };
  for (const Case &test : cases(GetParam()))
    for (const Shape &shape : shapes)
      for (const Options &options : modes())
        ASSERT_EQ(runGrouped(GetParam(), test, shape, options), "")
            << test.kernel << " " << shape.counts.size() << " experts, n "
            << shape.n << ", k " << shape.k << " " << nameOf(GetParam());
}

/// Every border of a tile falls on every place in it.
TEST_P(Experts, HaveEverySize) {
  for (const Case &test : cases(GetParam())) {
    auto check = [&](const Shape &shape) {
      ASSERT_EQ(runGrouped(GetParam(), test, shape, modes()[0]), "")
          << test.kernel << " " << shape.counts[0] << "x" << shape.n << "x"
          << shape.k << " " << nameOf(GetParam());
    };
    // Even and odd pitches: pairs are stored together, or one by one. Then the
    // loads: more tiles of k than stages.
    const GemmConfiguration &c = test.configuration;
    const Index columns = gemmTileColumns(c);
    const Index deep = c.element == Element::F32 ? 35 : 128 * c.stages + 3;
    for (Index n = 1; n <= columns + 2; ++n) {
      check({{c.tileM}, n, 3, 0, false, 1});
      check({{c.tileM}, n, 3, 0, false, 2});
      if (n % 5 == 1)
        check({{1}, n, deep, 0, false});
    }
    for (Index m = 1; m <= c.tileM + 2; ++m) {
      check({{m}, columns, 3, 0, false});
      if (m % 5 == 1)
        check({{m}, 1, deep, m % 2 ? 2 : 0, false});
    }
    for (Index k = 1; k <= 66; ++k)
      check({{1}, 1, k, 0, false});
  }
}

TEST_P(Experts, NoRowsNoWork) {
  for (const Case &test : cases(GetParam()))
    EXPECT_EQ(groupedWorkgroups(test.configuration, 0, 8, 64), 0);
}

TEST_P(Experts, UseTensorCores) {
  for (const Case &test : cases(GetParam())) {
    std::string text = kernelText("Experts", GetParam(), test.kernel);
    bool f32 = test.configuration.element == Element::F32;
    const char *instruction =
        GetParam() == Architecture::SM90a ? "wgmma.mma_async" : "mma.sync";
    EXPECT_EQ(text.find(instruction) != std::string::npos, !f32) << test.kernel;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Experts,
                         testing::Values(Architecture::SM80,
                                         Architecture::SM90a),
                         [](const auto &info) {
                           return std::string(nameOf(info.param));
                         });
