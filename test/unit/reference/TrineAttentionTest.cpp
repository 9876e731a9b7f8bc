// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.rms_norm, trine.rope and the attention ops.
#include "OperatorTesting.h"
#include "trine/Dialect/Trine/Trine.h"
#include <cmath>

using namespace mlir::trine::reference;
using mlir::trine::AttentionOp;

/// Values without a pattern, in [-1, 1].
static Tensor spread(llvm::ArrayRef<int64_t> shape, int seed) {
  int64_t count = countElements(shape).value_or(0);
  std::vector<double> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = std::sin(12.9898 * i + 78.233 * seed);
  return f32(shape, values);
}

static Outcome run(const std::string &arguments, const std::string &body,
                   const std::string &returned, const std::string &types,
                   llvm::ArrayRef<Tensor> inputs) {
  return runText("func.func @main(" + arguments + ") -> (" + types + ") {\n" +
                     body + "\nreturn " + returned + " : " + types + "\n}",
                 inputs);
}

TEST(TrineNormTest, RootMeanSquare) {
  auto norm = [](const std::string &type, const std::string &cast,
                 llvm::ArrayRef<Tensor> inputs) {
    std::string x = "tensor<?x2x" + type + ">", w = "tensor<?x" + type + ">";
    return run("%x: " + x + ", %w: " + w,
               "%y = trine.rms_norm %x, %w epsilon 0.5 compute f32 cast " +
                   cast + " : " + x + ", " + w,
               "%y", x, inputs);
  };
  // Mean squares 12.5 + 0.5 and 1 + 0.5.
  double a = 1 / std::sqrt(13.0), b = 1 / std::sqrt(1.5);
  expectReals(only(norm("f32", "after_weight",
                        {f32({2, 2}, {3, 4, -1, 1}), f32({2}, {2, 10})})),
              {2, 2}, {6 * a, 40 * a, -2 * b, 10 * b});
  // In bfloat16 the two ways round differently.
  Tensor x = Tensor::fromReals(ElementType::BF16, {1, 2}, {3, 4}),
         w = Tensor::fromReals(ElementType::BF16, {2}, {1.3984375, 1.0078125});
  auto rounded = [](double value) { return roundTo(ElementType::BF16, value); };
  Tensor before = only(norm("bf16", "before_weight", {x, w})),
         after = only(norm("bf16", "after_weight", {x, w}));
  expectReals(before, {1, 2},
              {rounded(rounded(3 * a) * 1.3984375),
               rounded(rounded(4 * a) * 1.0078125)});
  expectReals(after, {1, 2},
              {rounded(3 * a * 1.3984375), rounded(4 * a * 1.0078125)});
  expectError(
      norm("f32", "after_weight", {f32({1, 2}, {1, 2}), f32({3}, {1, 1, 1})}),
      "'weight' must have shape [2], got [3]");
}

TEST(TrineNormTest, Rope) {
  auto rope = [](const std::string &pairing, const std::string &layout,
                 llvm::ArrayRef<Tensor> inputs) {
    return run("%x: tensor<?x6xf32>, %c: tensor<1x?xf32>, %s: tensor<1x?xf32>",
               "%y = trine.rope %x, %c, %s pairing " + pairing + " layout " +
                   layout +
                   " begin 1 : tensor<?x6xf32>, tensor<1x?xf32>, "
                   "tensor<1x?xf32>",
               "%y", "tensor<?x6xf32>", inputs);
  };
  // A quarter turn of the first pair, and half a turn of the second.
  Tensor x = f32({2, 6}, {9, 1, 2, 3, 4, 8, 7, 5, 6, 7, 8, 6}),
         cos = f32({1, 2}, {0, -1}), sin = f32({1, 2}, {1, 0});
  expectReals(only(rope("half", "in_place", {x, cos, sin})), {2, 6},
              {9, -3, -2, 1, -4, 8, 7, -7, -6, 5, -8, 6});
  expectReals(only(rope("half", "permuted", {x, cos, sin})), {2, 6},
              {9, -3, -2, 1, -4, 8, 7, -7, -6, 5, -8, 6});
  expectReals(only(rope("interleaved", "in_place", {x, cos, sin})), {2, 6},
              {9, -2, 1, -3, -4, 8, 7, -6, 5, -7, -8, 6});
  expectReals(only(rope("interleaved", "permuted", {x, cos, sin})), {2, 6},
              {9, -2, -3, 1, -4, 8, 7, -6, -7, 5, -8, 6});
  Tensor wide = f32({1, 3}, {1, 1, 1});
  expectError(rope("half", "in_place", {x, wide, wide}),
              "rotated range must lie within the last dimension 6, got 6 "
              "elements from 1");
}

static const char attentionTypes[] = "tensor<?x?x?x?xf32>, tensor<?x?x?xf32>";

static Outcome attend(const std::string &options, llvm::ArrayRef<Tensor> inputs,
                      const std::string &more = "",
                      const std::string &moreUses = "") {
  const std::string t = "tensor<?x?x?x?xf32>";
  return run("%q: " + t + ", %k: " + t + ", %v: " + t + more,
             "%o, %l = trine.attention query(%q : " + t + ") key(%k : " + t +
                 ") value(%v : " + t + ") " + moreUses + " scale 0.5 mask " +
                 options + " -> " + attentionTypes,
             "%o, %l", attentionTypes, inputs);
}

TEST(TrineAttentionTest, ByHand) {
  // Scores 0, ln 2 and ln 4 after the scale: weights 1/7, 2/7, 4/7.
  double two = 2 * std::log(2.0);
  Tensor q = f32({1, 2, 1, 1}, {1, 0}),
         k = f32({1, 1, 3, 1}, {0, two, 2 * two}),
         v = f32({1, 1, 3, 1}, {7, 70, 700});
  Outcome outcome = attend("none masked_row zero", {q, k, v});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 2, 1, 1}, {421, 259});
  expectReals(outcome.results[1], {1, 2, 1}, {std::log(7.0), std::log(3.0)});
  // An additive mask hides the last key.
  const std::string mask = ", %m: tensor<?xf32>",
                    use = "mask_values(%m : tensor<?xf32>)";
  double none = -std::numeric_limits<double>::infinity();
  outcome = attend("additive masked_row zero",
                   {q, k, v, f32({3}, {0, 0, none})}, mask, use);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 2, 1, 1}, {49, 38.5});
  // A row without keys.
  Tensor hidden = f32({1}, {none});
  for (auto [row, expected] : {std::pair<const char *, double>("zero", 0),
                               {"uniform", 259},
                               {"nan", std::nan("")}}) {
    outcome = attend(std::string("additive masked_row ") + row,
                     {q, k, v, hidden}, mask, use);
    ASSERT_TRUE(outcome.succeeded) << outcome.errors;
    expectReals(outcome.results[0], {1, 2, 1, 1}, {expected, expected});
    expectReals(outcome.results[1], {1, 2, 1}, {none, none});
  }
  // A soft cap of one.
  outcome = attend("none masked_row zero soft_cap 1.0", {q, k, v});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  double sum = 1 + std::exp(std::tanh(std::log(2.0))) +
               std::exp(std::tanh(std::log(4.0)));
  EXPECT_NEAR(outcome.results[1].real(0), std::log(sum), 1e-6);
  expectError(attend("additive masked_row zero", {q, k, v, f32({2}, {0, 0})},
                     mask, use),
              "'mask_values' must broadcast to [1, 2, 1, 3], got [2]");
  expectError(attend("none masked_row zero", {q, k, f32({1, 1, 2, 1}, {1, 2})}),
              "'value' must have shape [1, 1, 3, 1], got [1, 1, 2, 1]");
}

TEST(TrineAttentionTest, Causal) {
  // Equal scores: each query gives the mean of the keys that it sees.
  Tensor q = f32({1, 1, 2, 1}, {0, 0}), k = f32({1, 1, 3, 1}, {1, 2, 3}),
         v = f32({1, 1, 3, 1}, {1, 3, 11});
  Outcome outcome = attend("causal masked_row zero", {q, k, v});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 2, 1}, {2, 5});
  auto withOffset = [&](int64_t offset) {
    return attend("causal masked_row zero", {q, k, v, i64({}, {offset})},
                  ", %f: tensor<i64>", "offset(%f : tensor<i64>)");
  };
  outcome = withOffset(0);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 2, 1}, {1, 2});
  outcome = withOffset(-1);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 2, 1}, {0, 1});
  outcome = withOffset(std::numeric_limits<int64_t>::max());
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 2, 1}, {5, 5});
  outcome = withOffset(std::numeric_limits<int64_t>::min());
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 2, 1}, {0, 0});
}

TEST(TrineAttentionTest, OffsetOfEachSequence) {
  // Sequences see what each of them sees by itself.
  Tensor q = spread({2, 1, 2, 3}, 1), k = spread({2, 1, 5, 3}, 2),
         v = spread({2, 1, 5, 4}, 3);
  auto half = [](const Tensor &tensor, int64_t b) {
    std::vector<double> all = tensor.reals();
    int64_t size = all.size() / 2;
    llvm::SmallVector<int64_t> shape(tensor.getShape());
    shape[0] = 1;
    return f32(shape, llvm::ArrayRef(all).slice(b * size, size));
  };
  const std::string argument = ", %f: tensor<?xi64>",
                    use = "offset(%f : tensor<?xi64>)";
  Outcome both = attend("causal masked_row zero", {q, k, v, i64({2}, {3, 1})},
                        argument, use);
  ASSERT_TRUE(both.succeeded) << both.errors;
  for (int64_t b : {0, 1}) {
    Outcome alone =
        attend("causal masked_row zero",
               {half(q, b), half(k, b), half(v, b), i64({}, {b == 0 ? 3 : 1})},
               ", %f: tensor<i64>", "offset(%f : tensor<i64>)");
    ASSERT_TRUE(alone.succeeded) << alone.errors;
    for (unsigned result : {0, 1})
      EXPECT_EQ(half(both.results[result], b).reals(),
                alone.results[result].reals());
  }
  expectError(attend("causal masked_row zero", {q, k, v, i64({3}, {3, 1, 1})},
                     argument, use),
              "'offset' must have 2 elements, got 3");
}

TEST(TrineAttentionTest, AgreesWithONNX) {
  Tensor q = spread({2, 4, 3, 5}, 1), k = spread({2, 2, 4, 5}, 2),
         v = spread({2, 2, 4, 6}, 3);
  Outcome ours = attend("causal masked_row zero soft_cap 2.0", {q, k, v},
                        ", %f: tensor<i64>", "offset(%f : tensor<i64>)");
  expectError(ours, "expects 4 inputs, got 3");
  ours = attend("causal masked_row zero soft_cap 2.0", {q, k, v, i64({}, {0})},
                ", %f: tensor<i64>", "offset(%f : tensor<i64>)");
  Outcome theirs = runOperator(
      "Attention",
      {q, k, v, std::nullopt, std::nullopt, std::nullopt, std::nullopt},
      "{is_causal = 1 : i64, scale = 0.5 : f32, softcap = 2.0 : f32}",
      {"f32", "none", "none", "none"});
  ASSERT_TRUE(ours.succeeded && theirs.succeeded)
      << ours.errors << theirs.errors;
  expectReals(ours.results[0], {2, 4, 3, 6}, theirs.results[0].reals());
}

TEST(TrineAttentionTest, Parts) {
  // Scores of parts are added: one part of joined columns says the same.
  const int64_t batch = 2, heads = 4, rows = 3, keys = 5, first = 3, more = 2;
  Tensor q0 = spread({batch, heads, rows, first}, 1),
         q1 = spread({batch, heads, rows, more}, 2),
         k0 = spread({batch, 2, keys, first}, 3),
         k1 = spread({batch, 1, keys, more}, 4),
         v = spread({batch, 2, keys, 6}, 5);
  auto join = [&](const Tensor &a, const Tensor &b) {
    // Keys of `b` are those of all heads.
    int64_t groups = a.getDim(1), length = a.getDim(2);
    Tensor joined = f32({batch, groups, length, first + more}, {0});
    for (int64_t row = 0; row < batch * groups * length; ++row) {
      int64_t other = b.getDim(1) == groups
                          ? row
                          : row / (groups * length) * length + row % length;
      for (int64_t i = 0; i < first + more; ++i)
        joined.setReal(row * (first + more) + i,
                       i < first ? a.real(row * first + i)
                                 : b.real(other * more + i - first));
    }
    return joined;
  };
  const std::string t = "tensor<?x?x?x?xf32>";
  auto attendParts = [&](llvm::ArrayRef<Tensor> inputs) {
    return run("%q0: " + t + ", %q1: " + t + ", %k0: " + t + ", %k1: " + t +
                   ", %v: " + t,
               "%o, %l = trine.attention query(%q0, %q1 : " + t + ", " + t +
                   ") key(%k0, %k1 : " + t + ", " + t + ") value(%v : " + t +
                   ") scale 0.5 mask causal masked_row zero -> " +
                   attentionTypes,
               "%o, %l", attentionTypes, inputs);
  };
  Outcome parts = attendParts({q0, q1, k0, k1, v}),
          joined =
              attend("causal masked_row zero", {join(q0, q1), join(k0, k1), v});
  ASSERT_TRUE(parts.succeeded && joined.succeeded)
      << parts.errors << joined.errors;
  expectReals(parts.results[0], {batch, heads, rows, 6},
              joined.results[0].reals());
  expectReals(parts.results[1], {batch, heads, rows},
              joined.results[1].reals());
  expectError(attendParts({q0, q1, k0, spread({batch, 3, keys, more}, 4), v}),
              "query heads must be a multiple of key heads, got 4 and 3");
  expectError(attendParts({q0, q1, k0, spread({batch, 1, 4, more}, 4), v}),
              "'more_keys' must have shape [2, 1, 5, 2], got [2, 1, 4, 2]");
}

TEST(TrineAttentionTest, Ranges) {
  // Three ranges of 64 keys for 130: joined by hand they are the whole.
  const int64_t keys = 130, ranges = 3, rows = 2, width = 2;
  Tensor q = spread({1, 1, rows, 3}, 1), k = spread({1, 1, keys, 3}, 2),
         v = spread({1, 1, keys, width}, 3);
  EXPECT_EQ(AttentionOp::keysOfRange(keys, ranges), 64);
  EXPECT_EQ(AttentionOp::keysOfRange(keys, 2), 128);
  EXPECT_EQ(AttentionOp::keysOfRange(0, 1), 0);
  const std::string t = "tensor<?x?x?x?xf32>", p = "tensor<?x?x?x?x?xf32>";
  auto attendRanges = [&](const std::string &options, int64_t offset) {
    return run(
        "%q: " + t + ", %k: " + t + ", %v: " + t +
            ", %f: tensor<i64>, %p: " + p,
        "%o, %l = trine.attention query(%q : " + t + ") key(%k : " + t +
            ") value(%v : " + t + ") offset(%f : tensor<i64>) partial(%p : " +
            p + ") scale 0.5 mask causal " + options + " -> " + p + ", " + t,
        "%o, %l", p + ", " + t,
        {q, k, v, i64({}, {offset}), f32({ranges, 1, 1, rows, width}, {0})});
  };
  auto attendAll = [&](const std::string &options, int64_t offset) {
    return attend("causal " + options, {q, k, v, i64({}, {offset})},
                  ", %f: tensor<i64>", "offset(%f : tensor<i64>)");
  };
  Outcome parts = attendRanges("masked_row zero", 70),
          all = attendAll("masked_row zero", 70);
  ASSERT_TRUE(parts.succeeded && all.succeeded) << parts.errors << all.errors;
  std::vector<double> joined;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < width; ++i) {
      double sum = 0;
      for (int64_t range = 0; range < ranges; ++range) {
        int64_t at = range * rows + row;
        sum += std::exp(parts.results[1].real(at) - all.results[1].real(row)) *
               parts.results[0].real(at * width + i);
      }
      joined.push_back(sum);
    }
  expectReals(all.results[0], {1, 1, rows, width}, joined);
  // The last range has keys that no row sees.
  double none = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(parts.results[1].real(2 * rows), none);
  EXPECT_EQ(parts.results[0].real(2 * rows * width), 0);
  // A row without keys: the means of the ranges.
  parts = attendRanges("masked_row uniform", -5);
  all = attendAll("masked_row uniform", -5);
  ASSERT_TRUE(parts.succeeded && all.succeeded) << parts.errors << all.errors;
  EXPECT_NEAR(all.results[0].real(0),
              (64 * parts.results[0].real(0) +
               64 * parts.results[0].real(rows * width) +
               2 * parts.results[0].real(2 * rows * width)) /
                  130,
              1e-6);
}

static Outcome attendLatent(const std::string &form,
                            llvm::ArrayRef<Tensor> inputs,
                            const std::string &cap = "") {
  const std::string t4 = "tensor<?x?x?x?xf32>", t3 = "tensor<?x?x?xf32>";
  return run("%qn: " + t4 + ", %qr: " + t4 + ", %c: " + t3 + ", %kr: " + t3 +
                 ", %uk: " + t3 + ", %uv: " + t3,
             "%o, %l = trine.mla.attention query(%qn, %qr : " + t4 + ", " + t4 +
                 ") cache(%c, %kr : " + t3 + ", " + t3 +
                 ") weights(%uk, %uv : " + t3 + ", " + t3 +
                 ") scale 0.5 mask causal masked_row zero " + cap + "form " +
                 form + " -> " + t4 + ", " + t3,
             "%o, %l", t4 + ", " + t3, inputs);
}

TEST(TrineAttentionTest, LatentForms) {
  const int64_t heads = 3, keys = 5, rank = 4, nope = 2, rope = 2, width = 3;
  Tensor qn = spread({2, heads, 2, nope}, 1),
         qr = spread({2, heads, 2, rope}, 2),
         latent = spread({2, keys, rank}, 3), kr = spread({2, keys, rope}, 4),
         uk = spread({rank, heads, nope}, 5),
         uv = spread({rank, heads, width}, 6);
  std::vector<Tensor> inputs = {qn, qr, latent, kr, uk, uv};
  Outcome written = attendLatent("decompressed", inputs),
          absorbed = attendLatent("absorbed", inputs),
          either = attendLatent("by_shape", inputs);
  ASSERT_TRUE(written.succeeded) << written.errors;
  ASSERT_TRUE(absorbed.succeeded && either.succeeded)
      << absorbed.errors << either.errors;
  // Ordinary attention on the keys and values that the latent stands for.
  Tensor q = f32({2, heads, 2, nope + rope}, {0}),
         k = f32({2, heads, keys, nope + rope}, {0}),
         v = f32({2, heads, keys, width}, {0});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t row = 0; row < 2; ++row)
        for (int64_t i = 0; i < nope + rope; ++i) {
          int64_t at = (b * heads + h) * 2 + row;
          q.setReal(at * (nope + rope) + i,
                    i < nope ? qn.real(at * nope + i)
                             : qr.real(at * rope + i - nope));
        }
      for (int64_t t = 0; t < keys; ++t) {
        int64_t at = (b * heads + h) * keys + t;
        for (int64_t r = 0; r < rank; ++r) {
          double c = latent.real((b * keys + t) * rank + r);
          for (int64_t i = 0; i < nope; ++i)
            k.setReal(at * (nope + rope) + i,
                      k.real(at * (nope + rope) + i) +
                          c * uk.real((r * heads + h) * nope + i));
          for (int64_t i = 0; i < width; ++i)
            v.setReal(at * width + i,
                      v.real(at * width + i) +
                          c * uv.real((r * heads + h) * width + i));
        }
        for (int64_t i = 0; i < rope; ++i)
          k.setReal(at * (nope + rope) + nope + i,
                    kr.real((b * keys + t) * rope + i));
      }
    }
  Outcome plain = attend("causal masked_row zero", {q, k, v});
  ASSERT_TRUE(plain.succeeded) << plain.errors;
  for (const Outcome *form : {&written, &absorbed, &either})
    for (int i : {0, 1})
      expectReals(form->results[i], plain.results[i].getShape(),
                  plain.results[i].reals());
  // Scores within a soft cap, which changes them.
  Outcome capped = attend("causal masked_row zero soft_cap 0.25", {q, k, v});
  ASSERT_TRUE(capped.succeeded) << capped.errors;
  EXPECT_GT(std::fabs(capped.results[1].real(0) - plain.results[1].real(0)),
            1e-3);
  for (const char *form : {"decompressed", "absorbed", "by_shape"}) {
    Outcome latentForm = attendLatent(form, inputs, "soft_cap 0.25 ");
    ASSERT_TRUE(latentForm.succeeded) << latentForm.errors;
    for (int i : {0, 1})
      expectReals(latentForm.results[i], capped.results[i].getShape(),
                  capped.results[i].reals());
  }
  // The first three rows cached as keys and values, the others new.
  auto rows = [](const Tensor &tensor, int64_t outer, int64_t begin,
                 int64_t end, llvm::ArrayRef<int64_t> shape) {
    std::vector<double> all = tensor.reals(), part;
    int64_t width = tensor.getShape().back(), size = all.size() / outer;
    for (int64_t i = 0; i < outer; ++i)
      part.insert(part.end(), all.begin() + i * size + begin * width,
                  all.begin() + i * size + end * width);
    return f32(shape, part);
  };
  const std::string t4 = "tensor<?x?x?x?xf32>", t3 = "tensor<?x?x?xf32>";
  for (bool ropeFirst : {false, true}) {
    Tensor cached = k;
    for (int64_t at = 0; ropeFirst && at < 2 * heads * keys; ++at)
      for (int64_t i = 0; i < nope + rope; ++i)
        cached.setReal(
            at * (nope + rope) + i,
            k.real(at * (nope + rope) + (i < rope ? nope + i : i - rope)));
    Outcome expanded = run(
        "%qn: " + t4 + ", %qr: " + t4 + ", %c: " + t3 + ", %kr: " + t3 +
            ", %uk: " + t3 + ", %uv: " + t3 + ", %pk: " + t4 + ", %pv: " + t4,
        "%o, %l, %k, %v = trine.mla.attention query(%qn, %qr : " + t4 + ", " +
            t4 + ") cache(%c, %kr : " + t3 + ", " + t3 +
            ") weights(%uk, %uv : " + t3 + ", " + t3 + ") past(%pk, %pv : " +
            t4 + ", " + t4 + ") " + (ropeFirst ? "rope_first " : "") +
            "scale 0.5 mask causal masked_row zero form decompressed -> " + t4 +
            ", " + t3 + " present(" + t4 + ", " + t4 + ")",
        "%o, %l, %k, %v", t4 + ", " + t3 + ", " + t4 + ", " + t4,
        {qn, qr, rows(latent, 2, 3, keys, {2, keys - 3, rank}),
         rows(kr, 2, 3, keys, {2, keys - 3, rope}), uk, uv,
         rows(cached, 2 * heads, 0, 3, {2, heads, 3, nope + rope}),
         rows(v, 2 * heads, 0, 3, {2, heads, 3, width})});
    ASSERT_TRUE(expanded.succeeded) << expanded.errors;
    for (int i : {0, 1})
      expectReals(expanded.results[i], plain.results[i].getShape(),
                  plain.results[i].reals());
    expectReals(expanded.results[2], cached.getShape(), cached.reals());
    expectReals(expanded.results[3], v.getShape(), v.reals());
  }
  inputs[3] = spread({2, keys + 1, rope}, 4);
  expectError(attendLatent("absorbed", inputs),
              "'k_rope' must have shape [2, 5, 2], got [2, 6, 2]");
}

TEST(TrineAttentionTest, MergeOfParts) {
  Tensor q = spread({1, 2, 3, 4}, 1), k = spread({1, 1, 5, 4}, 2),
         v = spread({1, 1, 5, 2}, 3);
  auto part = [&](int64_t begin, int64_t end) {
    std::vector<double> keys = k.reals(), values = v.reals();
    return attend(
        "none masked_row zero",
        {q,
         f32({1, 1, end - begin, 4},
             llvm::ArrayRef(keys).slice(4 * begin, 4 * (end - begin))),
         f32({1, 1, end - begin, 2},
             llvm::ArrayRef(values).slice(2 * begin, 2 * (end - begin)))});
  };
  Outcome whole = part(0, 5), first = part(0, 2), second = part(2, 5),
          nothing = part(5, 5);
  const std::string t4 = "tensor<?x?x?x?xf32>", t3 = "tensor<?x?x?xf32>";
  const std::string threeO = t4 + ", " + t4 + ", " + t4,
                    threeL = t3 + ", " + t3 + ", " + t3;
  auto merge = [&](llvm::ArrayRef<Tensor> inputs) {
    return run("%a: " + t4 + ", %b: " + t4 + ", %c: " + t4 + ", %d: " + t3 +
                   ", %e: " + t3 + ", %f: " + t3,
               "%o, %l = trine.merge outputs(%a, %b, %c : " + threeO +
                   ") lses(%d, %e, %f : " + threeL + ") -> " + attentionTypes,
               "%o, %l", attentionTypes, inputs);
  };
  ASSERT_TRUE(nothing.succeeded && first.succeeded) << nothing.errors;
  Outcome merged =
      merge({first.results[0], nothing.results[0], second.results[0],
             first.results[1], nothing.results[1], second.results[1]});
  ASSERT_TRUE(merged.succeeded) << merged.errors;
  for (int i : {0, 1})
    expectReals(merged.results[i], whole.results[i].getShape(),
                whole.results[i].reals());
  // Nothing in any part stays nothing.
  merged = merge({nothing.results[0], nothing.results[0], nothing.results[0],
                  nothing.results[1], nothing.results[1], nothing.results[1]});
  ASSERT_TRUE(merged.succeeded) << merged.errors;
  expectReals(merged.results[0], {1, 2, 3, 2}, std::vector<double>(12, 0.0));
  expectError(merge({first.results[0], whole.results[0], second.results[0],
                     first.results[1], f32({1, 1, 1}, {0}), second.results[1]}),
              "'lses' must have shape [1, 2, 3], got [1, 1, 1]");
}
