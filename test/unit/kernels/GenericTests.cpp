// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Element-wise work, reductions, norms, and Engram's small kernels on the
/// simulator.
#include "KernelTest.h"
#include <cmath>

using namespace kerneltest;
using namespace trine::kernels;
using trine::sim::Machine;
using trine::sim::Options;

namespace {

struct Way {
  const char *name;
  ReduceConfiguration configuration;
};
const Way ways[] = {{"thread", {ReduceBy::Thread}},
                    {"warp", {ReduceBy::Warp}},
                    {"workgroup", {ReduceBy::Workgroup}}};

class Generic : public testing::TestWithParam<Architecture> {
protected:
  void launch(Machine &machine, const std::string &kernel, Index workgroups,
              std::vector<uint64_t> words, const Options &options) {
    ASSERT_EQ(run(machine, "Generic", GetParam(), kernel, {workgroups, 256, 0},
                  {words, {}}, options),
              "");
  }
};

} // namespace

TEST_P(Generic, MapsElements) {
  for (Index count : {1, 1024, 2500})
    for (bool few : {false, true}) // fewer workgroups than asked for are right
      for (const Options &options : modes()) {
        Machine machine;
        Floats a(machine, Element::BF16, count, "a");
        Floats b(machine, Element::F16, count, "b");
        Floats out(machine, Element::F32, count, "out");
        a.randomise(1), b.randomise(2, 8);
        launch(machine, "add_scaled", few ? 1 : elementwiseWorkgroups(count),
               {a.address(), b.address(), out.address(), uint64_t(count)},
               options);
        for (Index i = 0; i < count; ++i) {
          double x = b.get(i);
          ASSERT_EQ(compare("element", out.get(i),
                            a.get(i) + 2 * x / (1 + std::exp(-x)),
                            0x1p-21 * (1 + std::fabs(x))),
                    "");
        }
      }
}

TEST_P(Generic, ReducesInThreeWays) {
  const Index shapes[][3] = {{1, 1, 1}, {3, 77, 5}, {2, 700, 1}, {5, 0, 2}};
  for (const Way &way : ways)
    for (const auto &[outer, length, inner] : shapes)
      for (const Options &options : modes()) {
        Machine machine;
        Index elements = outer * inner;
        Floats a(machine, Element::BF16, elements * length, "a");
        Floats out(machine, Element::BF16, elements, "out");
        a.randomise(1);
        launch(machine, std::string("sum_") + way.name,
               reduceWorkgroups(way.configuration, elements),
               {a.address(), out.address(), uint64_t(elements),
                uint64_t(length), uint64_t(inner)},
               options);
        for (Index e = 0; e < elements; ++e) {
          double sum = 0, magnitude = 0;
          for (Index r = 0; r < length; ++r) {
            double x = a.get((e / inner * length + r) * inner + e % inner);
            sum += x, magnitude += std::fabs(x);
          }
          ASSERT_EQ(compare("sum", out.get(e), sum,
                            double(length) * 0x1p-24 * magnitude +
                                rounding(Element::BF16) * std::fabs(sum)),
                    "");
        }
      }
}

TEST_P(Generic, FindsTheFirstOfTheLargest) {
  const Index elements = 3;
  for (const Way &way : ways)
    for (Index length : {1, 45, 600})
      for (const Options &options : modes()) {
        Machine machine;
        Floats a(machine, Element::F32, elements * length, "a");
        std::mt19937 random(4);
        for (Index i = 0; i < elements * length; ++i)
          a.set(i, double(random() % 5)); // ties
        Integers<Index> out(machine, size_t(elements), "out");
        Floats largest(machine, Element::F32, elements, "largest");
        launch(machine, std::string("argmax_") + way.name,
               reduceWorkgroups(way.configuration, elements),
               {a.address(), out.address(), largest.address(),
                uint64_t(elements), uint64_t(length)},
               options);
        for (Index e = 0; e < elements; ++e) {
          Index best = 0;
          for (Index r = 1; r < length; ++r)
            if (a.get(e * length + r) > a.get(e * length + best))
              best = r;
          ASSERT_EQ(out[e], best) << way.name;
          ASSERT_EQ(largest.get(e), a.get(e * length + best));
        }
      }
}

TEST_P(Generic, NormalisesRows) {
  const Index shapes[][2] = {{1, 1}, {9, 75}, {3, 1030}};
  for (const Way &way : ways)
    for (const auto &[count, columns] : shapes)
      for (const Options &options : modes()) {
        // A thread keeps 75 columns of its row.
        if (way.configuration.by == ReduceBy::Thread && columns > 75)
          continue;
        Machine machine;
        Floats x(machine, Element::BF16, count * columns, "x");
        Floats weight(machine, Element::BF16, columns, "weight");
        Floats out(machine, Element::BF16, count * columns, "out");
        Floats logits(machine, Element::F32, count * columns, "logits");
        Floats shares(machine, Element::F32, count * columns, "shares");
        Floats logSums(machine, Element::F32, count, "logSums");
        x.randomise(1), weight.randomise(2), logits.randomise(3, 9);
        Index workgroups = rowsWorkgroups(way.configuration, count);
        launch(machine, std::string("rms_norm_") + way.name, workgroups,
               {x.address(), weight.address(), out.address(), uint64_t(count),
                uint64_t(columns)},
               options);
        launch(machine, std::string("softmax_") + way.name, workgroups,
               {logits.address(), shares.address(), logSums.address(),
                uint64_t(count), uint64_t(columns)},
               options);
        for (Index row = 0; row < count; ++row) {
          double squares = 0, sum = 0, top = -1e9;
          for (Index c = 0; c < columns; ++c) {
            squares += std::pow(x.get(row * columns + c), 2);
            top = std::max(top, logits.get(row * columns + c));
          }
          for (Index c = 0; c < columns; ++c)
            sum += std::exp(logits.get(row * columns + c) - top);
          ASSERT_EQ(compare("log of sum", logSums.get(row), top + std::log(sum),
                            (double(columns) + 16) * 0x1p-24 *
                                (1 + std::fabs(top) + std::log(sum))),
                    "");
          for (Index c = 0; c < columns; ++c) {
            Index i = row * columns + c;
            double norm =
                x.get(i) / std::sqrt(squares / columns + 1e-6) * weight.get(c);
            // Sums of non-negative terms lose at most their length in units;
            // the root halves that.
            ASSERT_EQ(compare("norm", out.get(i), norm,
                              ((double(columns) / 2 + 6) * 0x1p-24 +
                               rounding(Element::BF16)) *
                                  std::fabs(norm)),
                      "");
            double share = std::exp(logits.get(i) - top) / sum;
            ASSERT_EQ(compare("share", shares.get(i), share,
                              (double(columns) + 16) * 0x1p-24 * share),
                      "");
          }
        }
      }
}

TEST_P(Generic, HashesTokensExactly) {
  const Index batch = 3, tokens = 50;
  for (bool withHistory : {false, true})
    for (const Options &options : modes()) {
      Machine machine;
      std::vector<Index> ids, history;
      std::mt19937_64 random(9);
      for (Index i = 0; i < batch * tokens; ++i)
        ids.push_back(Index(random() % 129280));
      for (Index i = 0; i < batch * 2; ++i)
        history.push_back(Index(random() % 129280));
      Integers<Index> idsOnDevice(machine, ids, "ids");
      Integers<Index> historyOnDevice(machine, history, "history");
      Integers<Index> rows(machine, size_t(batch * tokens * 4), "rows");
      launch(machine, "token_hash", elementwiseWorkgroups(batch * tokens),
             {idsOnDevice.address(),
              withHistory ? historyOnDevice.address() : 0, rows.address(),
              uint64_t(batch), uint64_t(tokens)},
             options);
      const uint64_t multipliers[] = {63280230511788609u, 3996608348655193u,
                                      29694298745574697u};
      const Index moduli[] = {211, 223, 227, 229},
                  offsets[] = {0, 211, 434, 661};
      for (Index b = 0; b < batch; ++b)
        for (Index t = 0; t < tokens; ++t) {
          auto word = [&](Index i) -> uint64_t {
            return i >= 0        ? ids[b * tokens + i]
                   : withHistory ? history[b * 2 + 2 + i]
                                 : 2;
          };
          uint64_t mixed = word(t) * multipliers[0];
          for (int n = 2; n <= 3; ++n) {
            mixed ^= word(t - n + 1) * multipliers[n - 1];
            for (int h = 0; h < 2; ++h) {
              int at = (n - 2) * 2 + h;
              __int128 rest = __int128(Index(mixed)) % moduli[at];
              if (rest < 0)
                rest += moduli[at];
              ASSERT_EQ(rows[(b * tokens + t) * 4 + at],
                        Index(rest) + offsets[at]);
            }
          }
        }
    }
}

TEST_P(Generic, GathersRowsWithinTheTable) {
  const Index tableRows = 37, count = 50;
  for (bool chunks : {true, false})
    for (const Options &options : modes()) {
      Machine machine;
      const Index columns = chunks ? 24 : 13; // 24 bf16 are three chunks
      Floats table(machine, Element::BF16, tableRows * columns, "table");
      Floats result(machine, Element::BF16, count * columns, "result");
      table.randomise(1);
      for (bool wrong : {false, true}) {
        std::vector<Index> rows;
        for (Index i = 0; i < count; ++i)
          rows.push_back(i * 11 % tableRows);
        rows[3] = -1; // from the end
        if (wrong)
          rows[5] = tableRows, rows[6] = -tableRows - 1;
        Integers<Index> rowsOnDevice(machine, rows, "rows");
        Integers<int> error(machine, std::vector<int>{0}, "error");
        launch(machine, chunks ? "gather_chunks" : "gather_elements",
               elementwiseWorkgroups(count * (chunks ? 3 : columns)),
               {rowsOnDevice.address(), table.address(), result.address(),
                uint64_t(count), uint64_t(chunks ? 3 : columns),
                uint64_t(tableRows), error.address()},
               options);
        ASSERT_EQ(error[0], wrong ? 1 : 0);
        for (Index i = 0; i < count * columns; ++i) {
          Index row = rows[i / columns];
          row = row == -1 ? tableRows - 1
                : row < 0 ? 0
                          : std::min(row, tableRows - 1);
          ASSERT_EQ(result.get(i), table.get(row * columns + i % columns));
        }
      }
    }
}

TEST_P(Generic, ConvolvesBehindAState) {
  const Index batch = 2, channels = 37, width = 4, dilation = 3, before = 9;
  for (Index tokens : {1, 7, 20})
    for (const Options &options : modes()) {
      Machine machine;
      Floats input(machine, Element::BF16, batch * tokens * channels, "input");
      Floats state(machine, Element::BF16, batch * before * channels, "state");
      Floats weight(machine, Element::BF16, channels * width, "weight");
      Floats result(machine, Element::BF16, batch * tokens * channels,
                    "result");
      Floats present(machine, Element::BF16, batch * before * channels,
                     "present");
      input.randomise(1), state.randomise(2), weight.randomise(3);
      launch(machine, "convolution",
             elementwiseWorkgroups(batch * (tokens + before) * channels),
             {input.address(), state.address(), weight.address(),
              result.address(), present.address(), uint64_t(batch),
              uint64_t(tokens), uint64_t(channels), uint64_t(width),
              uint64_t(dilation)},
             options);
      for (Index b = 0; b < batch; ++b)
        for (Index c = 0; c < channels; ++c) {
          auto all = [&](Index row) {
            return row < before
                       ? state.get((b * before + row) * channels + c)
                       : input.get((b * tokens + row - before) * channels + c);
          };
          for (Index t = 0; t < tokens; ++t) {
            double sum = 0, magnitude = 0;
            for (Index j = 0; j < width; ++j) {
              double product =
                  weight.get(c * width + j) * all(t + j * dilation);
              sum += product, magnitude += std::fabs(product);
            }
            ASSERT_EQ(compare("result",
                              result.get((b * tokens + t) * channels + c), sum,
                              4 * 0x1p-24 * magnitude +
                                  rounding(Element::BF16) * std::fabs(sum)),
                      "");
          }
          for (Index row = 0; row < before; ++row)
            ASSERT_EQ(present.get((b * before + row) * channels + c),
                      all(tokens + row));
        }
    }
}

TEST_P(Generic, CopiesAndAppends) {
  for (const Options &options : modes()) {
    Machine machine;
    // Two operands of a concatenation in the middle.
    Floats a(machine, Element::F32, 3 * 10, "a");
    Floats b(machine, Element::F32, 3 * 4, "b");
    Floats whole(machine, Element::F32, 3 * 14, "whole");
    a.randomise(1), b.randomise(2);
    launch(machine, "copy_rows", elementwiseWorkgroups(30),
           {a.address(), whole.address(), 3, 10, 14, 0}, options);
    launch(machine, "copy_rows", elementwiseWorkgroups(12),
           {b.address(), whole.address(), 3, 4, 14, 10}, options);
    for (Index i = 0; i < 42; ++i)
      ASSERT_EQ(whole.get(i), i % 14 < 10 ? a.get(i / 14 * 10 + i % 14)
                                          : b.get(i / 14 * 4 + i % 14 - 10));
    // Two new rows of width 5 behind 3, 0 and 7 of a capacity of 8.
    const Index capacity = 8, width = 5;
    Floats source(machine, Element::F16, 3 * 2 * width, "source");
    Floats state(machine, Element::F16, 3 * capacity * width, "state");
    source.randomise(3);
    Integers<Index> lengths(machine, {3, 0, 7}, "lengths");
    launch(machine, "append_rows", elementwiseWorkgroups(3 * 2 * width),
           {source.address(), state.address(), lengths.address(), 3, 2,
            uint64_t(width), uint64_t(capacity)},
           options);
    for (Index sequence = 0; sequence < 3; ++sequence)
      for (Index row = 0; row < capacity; ++row)
        for (Index c = 0; c < width; ++c) {
          Index t = row - lengths[sequence];
          double got = state.get((sequence * capacity + row) * width + c);
          if (t >= 0 && t < 2)
            ASSERT_EQ(got, source.get((sequence * 2 + t) * width + c));
          else
            ASSERT_TRUE(std::isnan(got)); // as it was
        }
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Generic,
                         testing::Values(Architecture::SM80,
                                         Architecture::SM90a),
                         [](const auto &info) {
                           return std::string(nameOf(info.param));
                         });
