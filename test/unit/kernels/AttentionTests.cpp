// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Attention on the simulator against softmax in double precision.
#include "KernelTest.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace kerneltest;
using namespace trine::kernels;
using trine::sim::Machine;
using trine::sim::Options;

namespace {

struct Case {
  const char *kernel;
  AttentionConfiguration configuration;
  /// Query heads, key heads of each part, value heads.
  Index heads, keyHeads[3], valueHeads;
};

/// The configurations of Attention.cu.
std::vector<Case> cases(Architecture architecture) {
  const bool hopper = architecture == Architecture::SM90a;
  auto make = [&](Element element, std::vector<int> sizes, int valueSize,
                  int headsPerGroup) {
    AttentionConfiguration c;
    c.architecture = architecture;
    c.element = element;
    c.parts = int(sizes.size());
    for (size_t i = 0; i < 3; ++i)
      c.partSize[i] = i < sizes.size() ? sizes[i] : 0;
    c.valueSize = valueSize;
    c.headsPerGroup = headsPerGroup;
    return c;
  };
  AttentionConfiguration gqa = make(Element::BF16, {64}, 64, 2);
  gqa.mask = MaskKind::Causal;
  gqa.maskedRow = MaskedRow::NaN;
  AttentionConfiguration prefill = make(Element::F16, {128, 64}, 128, 1);
  prefill.mask = MaskKind::Causal;
  prefill.load = hopper ? Load::TensorMap : Load::Vector;
  AttentionConfiguration few = make(Element::BF16, {512, 64}, 512, 16);
  few.architecture = Architecture::SM80;
  few.valueIsKey = few.split = true;
  few.tileRows = 16;
  few.stages = 1;
  AttentionConfiguration many = make(Element::BF16, {512, 64}, 512, 128);
  many.valueIsKey = many.split = true;
  many.tileRows = hopper ? 64 : 32;
  many.tileKeys = hopper ? 32 : 64;
  many.stages = hopper ? 2 : 1;
  many.load = hopper ? Load::TensorMap : Load::Vector;
  AttentionConfiguration odd = make(Element::F16, {24, 10, 7}, 21, 3);
  odd.tileRows = hopper ? 64 : 32;
  odd.stages = 1;
  odd.mask = MaskKind::Additive;
  odd.maskedRow = MaskedRow::Uniform;
  odd.softCap = true;
  odd.load = Load::Element;
  AttentionConfiguration f32 = make(Element::F32, {24, 10}, 21, 3);
  f32.tileRows = 16, f32.tileKeys = 32;
  f32.mask = MaskKind::Additive;
  f32.maskedRow = MaskedRow::Uniform;
  f32.softCap = true;
  f32.load = Load::Element;
  AttentionConfiguration latent = make(Element::F32, {160, 16}, 160, 4);
  latent.tileRows = 16, latent.tileKeys = 32;
  latent.mask = MaskKind::Causal;
  latent.valueIsKey = latent.split = true;
  latent.load = Load::Element;
  return keepSelected(
      std::vector<Case>{{"attention_gqa", gqa, 4, {2}, 2},
                        {"attention_prefill", prefill, 2, {2, 1}, 2},
                        {"attention_latent_few", few, 16, {1, 1}, 1},
                        {"attention_latent_many", many, 128, {1, 1}, 1},
                        {"attention_odd", odd, 6, {2, 1, 2}, 1},
                        {"attention_f32", f32, 6, {2, 1}, 1},
                        {"attention_f32_latent", latent, 4, {1, 1}, 1}});
}

struct Shape {
  Index batch, queries, keys;
  bool withOffset;
  Index offset; ///< with `withOffset`
  Index splits;
};

uint64_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

std::string runAttention(Architecture architecture, const Case &test,
                         const Shape &shape, const Options &options) {
  const AttentionConfiguration &c = test.configuration;
  const Index batch = shape.batch, heads = test.heads, queries = shape.queries,
              keys = shape.keys, splits = c.split ? shape.splits : 1;
  const double infinity = std::numeric_limits<double>::infinity();
  const float scale = 0.21f, softCap = 1.5f;
  Machine machine;
  std::vector<Floats> query, key;
  int width = 0;
  for (int part = 0; part < c.parts; ++part) {
    query.emplace_back(machine, c.element,
                       batch * heads * queries * c.partSize[part], "query");
    key.emplace_back(machine, c.element,
                     batch * test.keyHeads[part] * keys * c.partSize[part],
                     "key");
    // Sums of many products stay of the order of one.
    double spread = std::min(1.0, 4 / std::sqrt(double(c.partSize[part])));
    query.back().randomise(part + 1, spread);
    key.back().randomise(part + 11);
    width += c.partSize[part];
  }
  Floats ownValue(
      machine, c.element,
      c.valueIsKey ? 1 : batch * test.valueHeads * keys * c.valueSize, "value");
  ownValue.randomise(21);
  // What no query sees may be anything: the padding of a shorter sequence.
  auto spoil = [&](Floats &data, Index matrices, Index size) {
    if (c.mask != MaskKind::Causal || !shape.withOffset)
      return;
    for (Index matrix = 0; matrix < matrices; ++matrix)
      for (Index t = std::max<Index>(0, queries + shape.offset); t < keys; ++t)
        for (Index column = 0; column < size; ++column)
          data.set((matrix * keys + t) * size + column,
                   std::numeric_limits<double>::quiet_NaN());
  };
  for (int part = 0; part < c.parts; ++part)
    spoil(key[part], batch * test.keyHeads[part], c.partSize[part]);
  if (!c.valueIsKey)
    spoil(ownValue, batch * test.valueHeads, c.valueSize);
  const Floats &value = c.valueIsKey ? key[0] : ownValue;
  const bool additive = c.mask == MaskKind::Additive;
  // A mask for each head and query, the same for all batches.
  Floats mask(machine, Element::F32, additive ? heads * queries * keys : 1,
              "mask");
  mask.randomise(31);
  if (additive)
    for (Index i = 0; i < heads * queries * keys; ++i)
      if (i % 5 == 2 || i / keys % queries == 1) // query 1 sees nothing
        mask.set(i, -infinity);
  Integers<Index> offset(machine, std::vector<Index>{shape.offset}, "offset");
  const Index rows = batch * heads * queries;
  Floats out(machine, c.element, rows * c.valueSize, "out");
  Floats lse(machine, Element::F32, rows, "lse");
  Floats scratch(machine, Element::F32,
                 attentionScratchBytes(c, batch, heads, queries, splits) / 4,
                 "scratch");
  Arguments arguments;
  arguments.words = {uint64_t(batch), uint64_t(heads), uint64_t(queries),
                     uint64_t(keys)};
  for (int part = 0; part < 3; ++part) {
    bool given = part < c.parts;
    arguments.words.push_back(given ? query[part].address() : 0);
    arguments.words.push_back(given ? key[part].address() : 0);
    arguments.words.push_back(given ? test.keyHeads[part] : 1);
  }
  for (uint64_t word :
       {value.address(), uint64_t(test.valueHeads), mask.address(), uint64_t(0),
        uint64_t(queries * keys), uint64_t(keys), uint64_t(1),
        shape.withOffset ? offset.address() : uint64_t(0), bitsOf(scale),
        bitsOf(softCap), out.address(), lse.address(), scratch.address(),
        uint64_t(splits)})
    arguments.words.push_back(word);
  if (c.load == Load::TensorMap) {
    auto keyMap = [&](const Floats &data, Index heads, int size) {
      trine::sim::TensorMap map =
          mapOf(data, heads, keys, size, size, keys * size, c.tileKeys);
      map.rank = 4;
      map.globalDim[3] = batch;
      map.globalStride[2] = uint64_t(heads * keys * size) * 2;
      return map;
    };
    for (int part = 0; part < 2; ++part)
      arguments.maps.push_back(
          keyMap(key[part], test.keyHeads[part], c.partSize[part]));
    arguments.maps.push_back(keyMap(value, test.valueHeads, c.valueSize));
  }
  std::string error =
      run(machine, "Attention", architecture, test.kernel,
          {attentionWorkgroups(c, batch, heads, queries, splits),
           attentionThreads(c), attentionSharedBytes(c)},
          arguments, options);
  if (error.empty() && c.split) {
    Arguments merge;
    merge.words = {scratch.address(), uint64_t(splits),  uint64_t(batch),
                   uint64_t(heads),   uint64_t(queries), uint64_t(keys),
                   out.address(),     lse.address()};
    error = run(machine, "Attention", architecture,
                std::string(test.kernel) + "_merge",
                {mergeWorkgroups(rows), mergeThreads, 0}, merge, options);
  }

  // The weights' rounding; f32 has none.
  const double weightError =
      c.element == Element::F32 ? 0x1p-24 : rounding(c.element);
  for (Index row = 0; error.empty() && row < rows; ++row) {
    Index q = row % queries, h = row / queries % heads,
          b = row / queries / heads;
    Index seen = keys;
    if (c.mask == MaskKind::Causal)
      seen = std::clamp<Index>(
          q + (shape.withOffset ? shape.offset : keys - queries) + 1, 0, keys);
    std::vector<double> scores(seen), bounds(seen);
    double top = -infinity;
    for (Index t = 0; t < seen; ++t) {
      double sum = 0, magnitude = 0;
      for (int part = 0; part < c.parts; ++part) {
        Index keyRow =
            (b * test.keyHeads[part] + h / (heads / test.keyHeads[part])) *
                keys +
            t;
        for (int i = 0; i < c.partSize[part]; ++i) {
          double product = query[part].get(row * c.partSize[part] + i) *
                           key[part].get(keyRow * c.partSize[part] + i);
          sum += product, magnitude += std::fabs(product);
        }
      }
      double score = sum * scale;
      bounds[t] = width * 0x1p-23 * magnitude * scale;
      if (c.softCap)
        score = softCap * std::tanh(score / softCap);
      if (additive)
        score += mask.get((h * queries + q) * keys + t);
      // Scaling to powers of two, the mask and tanh: a few roundings.
      if (std::isfinite(score))
        bounds[t] += (std::fabs(score) + 3) * 0x1p-22;
      scores[t] = score;
      top = std::max(top, score);
    }
    double sum = 0, worst = 0;
    for (Index t = 0; t < seen; ++t) {
      sum += std::exp(scores[t] - top);
      worst = std::max(worst, bounds[t]);
    }
    const bool masked = top == -infinity;
    error = compare("lse of row " + std::to_string(row), lse.get(row),
                    masked ? -infinity : top + std::log(sum),
                    worst + (double(keys) + 16) * 0x1p-23 +
                        0x1p-22 * std::fabs(top));
    for (int column = 0; error.empty() && column < c.valueSize; ++column) {
      auto valueAt = [&](Index t) {
        return value.get(
            ((b * test.valueHeads + h / (heads / test.valueHeads)) * keys + t) *
                c.valueSize +
            column);
      };
      double expected = 0, magnitude = 0, largest = 0;
      if (masked && keys > 0 && c.maskedRow == MaskedRow::NaN)
        expected = std::numeric_limits<double>::quiet_NaN();
      if (masked && keys > 0 && c.maskedRow == MaskedRow::Uniform)
        for (Index t = 0; t < keys; ++t) {
          expected += valueAt(t) / double(keys);
          magnitude += std::fabs(valueAt(t)) / double(keys);
        }
      if (!masked)
        for (Index t = 0; t < seen; ++t) {
          double weight = std::exp(scores[t] - top) / sum;
          expected += weight * valueAt(t);
          magnitude += weight * std::fabs(valueAt(t));
          largest = std::max(largest, std::fabs(valueAt(t)));
        }
      // Weights of f16 below its normal numbers lose up to 2^-25 each.
      double tiny = c.element == Element::F16 ? double(keys) * 0x1p-25 : 0;
      error = compare(
          "row " + std::to_string(row) + " column " + std::to_string(column),
          out.get(row * c.valueSize + column), expected,
          magnitude * (2 * worst + weightError +
                       (2 * double(keys) + 40) * 0x1p-23) +
              tiny * largest +
              rounding(c.element) * (std::fabs(expected) + 0x1p-13));
    }
  }
  return error;
}

class Attention : public testing::TestWithParam<Architecture> {};

} // namespace

TEST_P(Attention, MatchesSoftmax) {
  const Shape shapes[] = {
      {1, 1, 1, false, 0, 1},    {2, 3, 70, false, 0, 2},
      {1, 37, 37, false, 0, 3},  // several row tiles where heads share keys
      {1, 2, 200, true, 150, 4}, // the mask ends before the keys do
      {1, 4, 9, true, -2, 2},    // queries without keys
      {1, 3, 70, true, 70, 2},   // a mask that hides nothing
  };
  for (const Case &test : cases(GetParam()))
    for (const Shape &shape : shapes)
      for (const Options &options : modes()) {
        Shape own = shape;
        // 128 heads: as many rows with fewer queries.
        if (test.heads == 128)
          own.queries = std::min<Index>(own.queries, 2);
        ASSERT_EQ(runAttention(GetParam(), test, own, options), "")
            << test.kernel << " batch " << own.batch << ", " << own.queries
            << " queries, " << own.keys << " keys " << nameOf(GetParam());
      }
}

/// Every border of a tile falls on every place in it.
TEST_P(Attention, HasEverySize) {
  for (const Case &test : cases(GetParam())) {
    // The mask ends with the keys, or hides nothing.
    auto check = [&](Index queries, Index keys, bool all = false) {
      ASSERT_EQ(runAttention(GetParam(), test, {1, queries, keys, all, keys, 1},
                             modes()[0]),
                "")
          << test.kernel << " " << queries << " queries, " << keys << " keys "
          << nameOf(GetParam());
    };
    const AttentionConfiguration &c = test.configuration;
    const bool large = test.heads == 128;
    for (Index keys = 1; keys <= c.stages * c.tileKeys + 2;
         keys += large ? 9 : 1) {
      check(1, keys);
      if (c.mask == MaskKind::Causal)
        check(1, keys, true);
    }
    for (Index queries = 2; queries <= c.tileRows / c.headsPerGroup + 2;
         ++queries)
      check(queries, 2);
  }
}

TEST_P(Attention, NoKeysGiveZero) {
  for (const Case &test : cases(GetParam()))
    if (test.configuration.load != Load::TensorMap) {
      ASSERT_EQ(
          runAttention(GetParam(), test, {1, 3, 0, false, 0, 2}, modes()[0]),
          "")
          << test.kernel;
    }
}

TEST_P(Attention, UsesTensorCores) {
  for (const Case &test : cases(GetParam())) {
    std::string text = kernelText("Attention", GetParam(), test.kernel);
    ASSERT_FALSE(text.empty());
    const AttentionConfiguration &c = test.configuration;
    const char *instruction =
        c.architecture == Architecture::SM90a ? "wgmma.mma_async" : "mma.sync";
    EXPECT_EQ(text.find(instruction) != std::string::npos,
              c.element != Element::F32)
        << test.kernel;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Attention,
                         testing::Values(Architecture::SM80,
                                         Architecture::SM90a),
                         [](const auto &info) {
                           return std::string(nameOf(info.param));
                         });
