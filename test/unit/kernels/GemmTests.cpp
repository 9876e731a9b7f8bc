// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Products on the simulator against sums in double precision.
#include "KernelTest.h"
#include <cmath>

using namespace kerneltest;
using namespace trine::kernels;
using trine::sim::Machine;
using trine::sim::Options;

namespace {

struct Shape {
  Index batch, m, n, k, batchesB;
  /// Columns between rows of the result, which must stay as they are.
  Index gap = 0;
};

struct Case {
  const char *kernel;
  GemmConfiguration configuration;
  Element result;
};

/// The configurations of Gemm.cu.
std::vector<Case> cases(Architecture architecture) {
  auto make = [&](Element element, int tileM, int tileN, int stages, Load loadA,
                  Load loadB, WeightLayout layout) {
    GemmConfiguration c;
    c.architecture = architecture;
    c.element = element;
    c.tileM = tileM;
    c.tileN = tileN;
    c.stages = stages;
    c.loadA = loadA;
    c.loadB = loadB;
    c.layoutB = layout;
    return c;
  };
  const Element bf16 = Element::BF16, f16 = Element::F16, f32 = Element::F32;
  const WeightLayout rows = WeightLayout::RowMajor,
                     columns = WeightLayout::Transposed;
  const Load element = Load::Element, vector = Load::Vector,
             map = Load::TensorMap;
  std::vector<Case> all = {
      {"gemm_row_major", make(bf16, 64, 64, 3, vector, vector, rows), bf16},
      {"gemm_transposed", make(f16, 64, 64, 3, vector, vector, columns), f32},
      {"gemm_guarded", make(bf16, 64, 64, 2, element, element, rows), bf16},
      {"gemm_guarded_transposed",
       make(f16, 64, 64, 2, vector, element, columns), f16},
      {"gemm_f32", make(f32, 64, 64, 2, element, element, rows), f32},
      {"gemm_f32_transposed", make(f32, 64, 64, 2, element, element, columns),
       f32}};
  if (architecture == Architecture::SM90a) {
    all.push_back(
        {"gemm_main_row_major", make(bf16, 128, 128, 4, map, map, rows), bf16});
    all.push_back({"gemm_main_transposed",
                   make(f16, 128, 256, 3, map, map, columns), f16});
    all.push_back(
        {"gemm_mixed", make(bf16, 64, 128, 3, vector, map, columns), bf16});
  } else {
    all.push_back({"gemm_main_row_major",
                   make(bf16, 128, 128, 4, vector, vector, rows), bf16});
    all.push_back({"gemm_main_transposed",
                   make(f16, 128, 128, 4, vector, vector, columns), f16});
  }
  return keepSelected(all);
}

Index roundUp(Index size, Index multiple) {
  return divideUp(size, multiple) * multiple;
}

/// One product of one kernel; empty when right.
std::string runGemm(Architecture architecture, const Case &test,
                    const Shape &shape, const Options &options) {
  const GemmConfiguration &c = test.configuration;
  Machine machine;
  const bool rowMajor = c.layoutB == WeightLayout::RowMajor;
  const Index pitchA = c.loadA == Load::Element ? shape.k : roundUp(shape.k, 8);
  const Index widthB = rowMajor ? shape.n : shape.k,
              heightB = rowMajor ? shape.k : shape.n;
  const Index pitchB = c.loadB == Load::Element ? widthB : roundUp(widthB, 8);
  Floats a(machine, c.element, shape.batch * shape.m * pitchA, "A");
  Floats b(machine, c.element, shape.batchesB * heightB * pitchB, "B");
  const Index pitchOut = shape.n + shape.gap;
  Floats out(machine, test.result, shape.batch * shape.m * pitchOut, "C");
  a.randomise(1).spoilPadding(shape.k, pitchA);
  b.randomise(2).spoilPadding(widthB, pitchB);
  Arguments arguments;
  arguments.words = {
      a.address(),           uint64_t(pitchA),        b.address(),
      uint64_t(pitchB),      out.address(),           uint64_t(pitchOut),
      uint64_t(shape.batch), uint64_t(shape.m),       uint64_t(shape.n),
      uint64_t(shape.k),     uint64_t(shape.batchesB)};
  if (c.loadB == Load::TensorMap && shape.k > 0) {
    arguments.maps.push_back(mapOf(a, shape.batch, shape.m, shape.k, pitchA,
                                   shape.m * pitchA, c.tileM));
    arguments.maps.push_back(mapOf(b, shape.batchesB, heightB, widthB, pitchB,
                                   heightB * pitchB, rowMajor ? 64 : c.tileN));
  }
  LaunchShape launch = {gemmWorkgroups(c, shape.batch, shape.m, shape.n),
                        gemmThreads(c), gemmSharedBytes(c)};
  std::string error = run(machine, "Gemm", architecture, test.kernel, launch,
                          arguments, options);
  for (Index i = 0; error.empty() && i < Index(out.size()); ++i) {
    Index column = i % pitchOut, row = i / pitchOut % shape.m,
          batch = i / pitchOut / shape.m;
    if (column >= shape.n) {
      if (!std::isnan(out.get(i)))
        error = "element " + std::to_string(i) + " is not of the result";
      continue;
    }
    double sum = 0, magnitude = 0;
    for (Index k = 0; k < shape.k; ++k) {
      double x = a.get((batch * shape.m + row) * pitchA + k);
      Index base = batch % shape.batchesB * heightB * pitchB;
      double y =
          b.get(base + (rowMajor ? k * pitchB + column : column * pitchB + k));
      sum += x * y;
      magnitude += std::fabs(x * y);
    }
    // Each addition may lose a unit in the last place of the magnitudes so far.
    error = compare("element " + std::to_string(i), out.get(i), sum,
                    double(shape.k) * 0x1p-23 * magnitude +
                        rounding(test.result) * (std::fabs(sum) + 0x1p-13));
  }
  return error;
}

class Gemm : public testing::TestWithParam<Architecture> {};

} // namespace

TEST_P(Gemm, MatchesSums) {
  // One element, one tile, odd, several tiles and batches, fewer k than stages.
  const Shape shapes[] = {{1, 1, 1, 1, 1},     {1, 64, 64, 64, 1},
                          {1, 37, 75, 131, 1}, {2, 130, 70, 200, 2},
                          {3, 5, 9, 13, 1},    {1, 64, 128, 448, 1}};
  for (const Case &test : cases(GetParam()))
    for (const Shape &shape : shapes) {
      // Maps of one matrix for all batches are of rank 3 all the same.
      for (const Options &options : modes())
        ASSERT_EQ(runGemm(GetParam(), test, shape, options), "")
            << test.kernel << " " << shape.batch << "x" << shape.m << "x"
            << shape.n << "x" << shape.k << " " << nameOf(GetParam());
    }
}

/// Every border of a tile falls on every place in it.
TEST_P(Gemm, HasEverySize) {
  for (const Case &test : cases(GetParam())) {
    auto check = [&](const Shape &shape) {
      ASSERT_EQ(runGemm(GetParam(), test, shape, modes()[0]), "")
          << test.kernel << " " << shape.m << "x" << shape.n << "x" << shape.k
          << " " << nameOf(GetParam());
    };
    // Even and odd pitches: pairs are stored together, or one by one. Then the
    // loads: more tiles of k than stages.
    const GemmConfiguration &c = test.configuration;
    const Index deep = c.element == Element::F32 ? 35 : 128 * c.stages + 3;
    for (Index n = 1; n <= c.tileN + 2; ++n) {
      check({1, c.tileM, n, 3, 1, 1});
      check({1, c.tileM, n, 3, 1, 2});
      if (n % 5 == 1)
        check({1, 1, n, deep, 1});
    }
    for (Index m = 1; m <= c.tileM + 2; ++m) {
      check({1, m, c.tileN, 3, 1});
      if (m % 5 == 1)
        check({1, m, 1, deep, 1});
    }
    for (Index k = 1; k <= 66; ++k)
      check({1, 1, 1, k, 1});
  }
}

TEST_P(Gemm, EmptySumsAreZero) {
  for (const Case &test : cases(GetParam()))
    if (test.configuration.loadB != Load::TensorMap) {
      ASSERT_EQ(runGemm(GetParam(), test, {1, 3, 5, 0, 1}, modes()[0]), "")
          << test.kernel;
      ASSERT_EQ(runGemm(GetParam(), test, {1, 0, 5, 4, 1}, modes()[0]), "")
          << test.kernel;
    }
}

TEST_P(Gemm, FusesEpilogues) {
  if (!selected("gemm_fused"))
    return;
  GemmConfiguration c;
  c.architecture = GetParam();
  const Index batch = 2, m = 41, n = 72, k = 72;
  for (const Options &options : modes()) {
    Machine machine;
    Floats a(machine, Element::BF16, batch * m * k, "A");
    Floats b(machine, Element::BF16, k * n, "B");
    Floats bias(machine, Element::F32, n, "bias");
    Floats residual(machine, Element::BF16, batch * m * n, "residual");
    Floats out(machine, Element::BF16, batch * m * n, "C");
    Floats sums(machine, Element::F32, batch * m * n, "sums");
    a.randomise(1), b.randomise(2), bias.randomise(3), residual.randomise(4);
    Arguments arguments;
    arguments.words = {a.address(),        b.address(),   bias.address(),
                       residual.address(), out.address(), sums.address(),
                       uint64_t(batch),    uint64_t(m),   uint64_t(n),
                       uint64_t(k)};
    ASSERT_EQ(run(machine, "Gemm", GetParam(), "gemm_fused",
                  {gemmWorkgroups(c, batch, m, n), gemmThreads(c),
                   gemmSharedBytes(c)},
                  arguments, options),
              "");
    for (Index i = 0; i < batch * m * n; ++i) {
      double sum = 0, magnitude = 0;
      for (Index j = 0; j < k; ++j) {
        double product = a.get(i / n * k + j) * b.get(j * n + i % n);
        sum += product, magnitude += std::fabs(product);
      }
      double error = double(k) * 0x1p-23 * magnitude;
      ASSERT_EQ(compare("sum " + std::to_string(i), sums.get(i), sum, error),
                "");
      double x = sum + bias.get(i % n);
      double expected = x / (1 + std::exp(-x)) + residual.get(i);
      // silu's slope is below 1.1; a few units of f32; the result is rounded.
      ASSERT_EQ(compare("element " + std::to_string(i), out.get(i), expected,
                        1.1 * error + 0x1p-21 * (1 + std::fabs(x)) +
                            rounding(Element::BF16) * std::fabs(expected)),
                "");
    }
  }
}

TEST_P(Gemm, FusesPrologues) {
  if (!selected("gemm_prologue"))
    return;
  GemmConfiguration c;
  c.architecture = GetParam();
  c.stages = 2;
  c.loadA = c.loadB = Load::Element;
  const Index m = 33, n = 21, k = 91;
  Machine machine;
  Floats a(machine, Element::F32, m * k, "A");
  Floats factors(machine, Element::F32, m, "factors");
  Floats b(machine, Element::BF16, k * n, "B");
  Floats out(machine, Element::BF16, m * n, "C");
  a.randomise(1), b.randomise(2), factors.randomise(3);
  Arguments arguments;
  arguments.words = {a.address(), factors.address(), b.address(), out.address(),
                     uint64_t(m), uint64_t(n),       uint64_t(k)};
  ASSERT_EQ(
      run(machine, "Gemm", GetParam(), "gemm_prologue",
          {gemmWorkgroups(c, 1, m, n), gemmThreads(c), gemmSharedBytes(c)},
          arguments, modes()[1]),
      "");
  for (Index i = 0; i < m * n; ++i) {
    double sum = 0, magnitude = 0;
    for (Index j = 0; j < k; ++j) {
      double product =
          a.get(i / n * k + j) * factors.get(i / n) * b.get(j * n + i % n);
      sum += product, magnitude += std::fabs(product);
    }
    // a is rounded to bf16 once more.
    ASSERT_EQ(compare("element " + std::to_string(i), out.get(i), sum,
                      (double(k) * 0x1p-23 + 1.01 * rounding(Element::BF16)) *
                              magnitude +
                          rounding(Element::BF16) * std::fabs(sum)),
              "");
  }
}

TEST_P(Gemm, UsesTensorCores) {
  for (const Case &test : cases(GetParam())) {
    std::string text = kernelText("Gemm", GetParam(), test.kernel);
    ASSERT_FALSE(text.empty());
    auto has = [&](const char *what) {
      return text.find(what) != std::string::npos;
    };
    bool hopper = GetParam() == Architecture::SM90a;
    bool f32 = test.configuration.element == Element::F32;
    EXPECT_EQ(has("wgmma.mma_async"), hopper && !f32) << test.kernel;
    EXPECT_EQ(has("mma.sync"), !hopper && !f32) << test.kernel;
    EXPECT_EQ(has("cp.async.bulk.tensor"),
              test.configuration.loadB == Load::TensorMap)
        << test.kernel;
    EXPECT_FALSE(has("tf32")) << test.kernel;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Gemm,
                         testing::Values(Architecture::SM80,
                                         Architecture::SM90a),
                         [](const auto &info) {
                           return std::string(nameOf(info.param));
                         });
