// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The trine.engram ops and trine.hyper.mix.
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static std::string listOf(llvm::ArrayRef<int64_t> values) {
  std::string text;
  for (int64_t value : values)
    text += (text.empty() ? "" : ", ") + std::to_string(value);
  return "[" + text + "]";
}

namespace {
struct HashConstants {
  int64_t order, heads;
  std::vector<int64_t> multipliers, moduli;
};
} // namespace

/// Offsets are the sums of the moduli before.
static Outcome hash(const HashConstants &constants, const std::string &rest,
                    llvm::ArrayRef<Tensor> inputs, const std::string &more = "",
                    const std::string &moreUses = "") {
  std::vector<int64_t> offsets = {0};
  for (size_t i = 0; i + 1 < constants.moduli.size(); ++i)
    offsets.push_back(offsets[i] + constants.moduli[i]);
  const std::string types = "tensor<?x?x?xi64>, tensor<?x?xi64>";
  return runText("func.func @main(%i: tensor<?x?xi64>" + more + ") -> (" +
                     types + ") {\n  %r, %p = trine.engram.hash %i " +
                     moreUses + " order " + std::to_string(constants.order) +
                     " heads " + std::to_string(constants.heads) +
                     " multipliers " + listOf(constants.multipliers) +
                     " moduli " + listOf(constants.moduli) + " offsets " +
                     listOf(offsets) + " pad 2 " + rest +
                     " : tensor<?x?xi64> -> " + types +
                     "\n  return %r, %p : " + types + "\n}",
                 inputs);
}

/// Constants and row ids of DeepSeek-V4.1's layer 1, which its released code
/// gives for the compressed ids 0 and 3.
TEST(TrineHashTest, KnownAnswers) {
  HashConstants constants{
      4,
      8,
      {76632096046245, 4839876093313, 35959672319349, 73987337458391},
      {16000057, 16000079, 16000081, 16000097, 16000121, 16000129,
       16000133, 16000183, 16000189, 16000207, 16000211, 16000253,
       16000277, 16000289, 16000307, 16000321, 16000339, 16000381,
       16000393, 16000399, 16000403, 16000409, 16000447, 16000463}};
  Outcome outcome =
      hash(constants, "reset never wrap non_negative", {i64({1, 2}, {0, 3})});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(
      outcome.results[0], {1, 2, 24},
      {5702652,   24393184,  39183301,  61503783,  78984481,  90144770,
       103724983, 121476532, 131476717, 152385926, 164143652, 191599181,
       198145581, 217419202, 238329687, 247482304, 257520185, 283540304,
       288689443, 315264704, 322314652, 348890037, 367865216, 380066193,
       13136173,  17031479,  36294826,  62401242,  69561560,  82615312,
       105142365, 122730833, 143666100, 156931932, 165213353, 180168542,
       197858374, 222703855, 235972003, 240958518, 270063682, 283921719,
       297024305, 319576009, 329277020, 351828750, 355986352, 378790237});
  expectIntegers(outcome.results[1], {1, 3}, {2, 0, 3});
}

static const HashConstants small{
    3,
    2,
    {118650432209603643, 7493640653728489, 55676810147952557},
    {1009, 1013, 1019, 1021}};

TEST(TrineHashTest, HistoryAndMap) {
  const std::vector<int64_t> rows = {148,  1153, 2466, 3694, 398,  1780,
                                     2520, 3766, 715,  1752, 2765, 3674,
                                     586,  1136, 2497, 3400};
  const std::string rest = "reset never wrap non_negative";
  Outcome whole = hash(small, rest, {i64({1, 4}, {5, 9, 5, 63})});
  ASSERT_TRUE(whole.succeeded) << whole.errors;
  expectIntegers(whole.results[0], {1, 4, 4}, rows);
  // The same in two steps, through a map that exchanges 5 and 9.
  std::vector<int64_t> map(64);
  for (int64_t i = 0; i < 64; ++i)
    map[i] = i == 5 ? 9 : i == 9 ? 5 : i;
  auto step = [&](llvm::ArrayRef<int64_t> ids, const Tensor &history) {
    return hash(small, rest,
                {i64({1, static_cast<int64_t>(ids.size())}, ids), history,
                 i64({64}, map)},
                ", %h: tensor<?x?xi64>, %m: tensor<?xi64>",
                "history(%h : tensor<?x?xi64>) map(%m : tensor<?xi64>)");
  };
  Outcome first = step({9}, i64({1, 2}, {2, 2}));
  ASSERT_TRUE(first.succeeded) << first.errors;
  expectIntegers(first.results[0], {1, 1, 4},
                 llvm::ArrayRef(rows).take_front(4));
  expectIntegers(first.results[1], {1, 2}, {2, 5});
  Outcome second = step({5, 9, 63}, first.results[1]);
  ASSERT_TRUE(second.succeeded) << second.errors;
  expectIntegers(second.results[0], {1, 3, 4},
                 llvm::ArrayRef(rows).drop_front(4));
  expectIntegers(second.results[1], {1, 2}, {5, 63});
  // A map of 32 bits.
  Tensor narrow = Tensor::fromIntegers(ElementType::I32, {64}, map);
  Outcome same =
      hash(small, rest, {i64({1, 1}, {9}), i64({1, 2}, {2, 2}), narrow},
           ", %h: tensor<?x?xi64>, %m: tensor<?xi32>",
           "history(%h : tensor<?x?xi64>) map(%m : tensor<?xi32>)");
  ASSERT_TRUE(same.succeeded) << same.errors;
  expectIntegers(same.results[0], {1, 1, 4},
                 llvm::ArrayRef(rows).take_front(4));
  expectError(step({64}, i64({1, 2}, {2, 2})),
              "'token_ids' must be in [-64, 64), got 64");
  expectError(step({6}, i64({1, 1}, {2})),
              "'history' must have shape [1, 2], got [1, 1]");
}

TEST(TrineHashTest, ResetsAndWraps) {
  Outcome reset = hash(small, "reset after_token token 9 wrap non_negative",
                       {i64({1, 4}, {5, 9, 5, 63})}),
          fresh = hash(small, "reset never wrap non_negative",
                       {i64({1, 2}, {5, 63})}),
          before = hash(small, "reset never wrap non_negative",
                        {i64({1, 2}, {5, 9})});
  ASSERT_TRUE(reset.succeeded && fresh.succeeded && before.succeeded)
      << reset.errors << fresh.errors << before.errors;
  // Up to the token itself nothing changes; after it the text begins anew.
  llvm::SmallVector<int64_t> expected = before.results[0].integers();
  expected.append(fresh.results[0].integers());
  expectIntegers(reset.results[0], {1, 4, 4}, expected);
  // 2^62 * 3 wraps to -2^62, whose remainder by 3 is 2; xor with 2^62 * 2 and
  // 0.
  HashConstants large{3, 1, {int64_t(1) << 62, 1, 1}, {3, 5}};
  Outcome wrapped =
      hash(large, "reset never wrap twos_complement", {i64({1, 1}, {3})});
  ASSERT_TRUE(wrapped.succeeded) << wrapped.errors;
  // -2^62 xor 2 is -2^62 + 2: remainders 1 by 3, and after xor 2 again 1 by 5.
  expectIntegers(wrapped.results[0], {1, 1, 2}, {1, 3 + 1});
  expectError(hash(large, "reset never wrap non_negative", {i64({1, 1}, {3})}),
              "with wrap non_negative the product of id 3 and multiplier "
              "4611686018427387904 must lie in [0, 2^63)");
}

TEST(TrineLookupTest, Rows) {
  const char *text =
      "func.func @main(%r: tensor<?x?xi64>, %t: tensor<?x2xf32>) -> "
      "tensor<?x?x2xf32> {\n  %e = trine.engram.lookup %r, %t : "
      "tensor<?x?xi64>, tensor<?x2xf32> -> tensor<?x?x2xf32>\n  return %e : "
      "tensor<?x?x2xf32>\n}";
  Tensor table = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  expectReals(only(runText(text, {i64({1, 2}, {2, 0}), table})), {1, 2, 2},
              {5, 6, 1, 2});
  expectError(runText(text, {i64({1, 1}, {3}), table}),
              "'rows' must be in [-3, 3), got 3");
  expectError(runText(text, {i64({1, 1}, {-4}), table}),
              "'rows' must be in [-3, 3), got -4");
  // Negative ids count from the end.
  expectReals(only(runText(text, {i64({1, 1}, {-1}), table})), {1, 1, 2},
              {5, 6});
}

TEST(TrineLookupTest, EightBitFloats) {
  const char *text =
      "func.func @main(%r: tensor<?xi64>, %t: tensor<?x4xf8E4M3FN>, %s: "
      "tensor<?x2xf8E8M0FNU>) -> tensor<?x4xf32> {\n  %e = "
      "trine.engram.lookup %r, %t scales(%s : tensor<?x2xf8E8M0FNU>) : "
      "tensor<?xi64>, tensor<?x4xf8E4M3FN> -> tensor<?x4xf32>\n  return %e : "
      "tensor<?x4xf32>\n}";
  // 0x38 is 1, 0xc4 -3, 0x01 the smallest 2^-9, 0x7e the largest, 448; the
  // exponents 127, 128 and 124 are the scales 1, 2 and 1/8.
  auto codes = [](ElementType type, llvm::ArrayRef<int64_t> shape,
                  llvm::ArrayRef<uint8_t> bytes) {
    return *Tensor::fromBytes(
        type, shape,
        {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
  };
  Tensor table = codes(ElementType::F8E4M3FN, {2, 4},
                       {0, 0, 0, 0, 0x38, 0xc4, 0x01, 0x7e}),
         scales = codes(ElementType::F8E8M0FNU, {2, 2}, {127, 127, 128, 124});
  Tensor rows = i64({1}, {1});
  expectReals(only(runText(text, {rows, table, scales})), {1, 4},
              {2, -6, 0x1p-12, 56});
  expectError(runText(text, {rows, table,
                             codes(ElementType::F8E8M0FNU, {1, 2}, {1, 1})}),
              "'scales' must have shape [2, 2], got [1, 2]");
}

TEST(TrineGateTest, Roots) {
  const std::string k = "tensor<?x?x2x2xf32>", v = "tensor<?x?x2xf32>";
  auto gate = [&](const std::string &root, llvm::ArrayRef<Tensor> inputs) {
    return runText(
        "func.func @main(%k: " + k + ", %q: " + k + ", %v: " + v +
            ", %a: tensor<2x2xf32>, %b: tensor<2x2xf32>) -> " + k +
            " {\n  %u = trine.engram.gate %k, %q, %v weights(%a, %b : "
            "tensor<2x2xf32>, tensor<2x2xf32>) epsilon 0.0 root " +
            root + " floor 0.01 : " + k + ", " + v + "\n  return %u : " + k +
            "\n}",
        inputs);
  };
  // Rows of equal elements have norms of one: <k, q> is 2 and -2; over the root
  // of two that is the gate before its root.
  Tensor key = f32({1, 1, 2, 2}, {3, 3, -3, -3}),
         query = f32({1, 1, 2, 2}, {2, 2, 2, 2}),
         value = f32({1, 1, 2}, {1, 10}), ones = f32({2, 2}, {1, 1, 1, 1}),
         skew = f32({2, 2}, {1, -1, 1, -1});
  auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  auto expected = [&](double a, double b) {
    return std::vector<double>{sigmoid(a), 10 * sigmoid(a), sigmoid(b),
                               10 * sigmoid(b)};
  };
  double g = std::sqrt(2.0), r = std::sqrt(g);
  std::vector<Tensor> inputs = {key, query, value, ones, ones};
  expectReals(only(gate("sign", inputs)), {1, 1, 2, 2}, expected(r, -r));
  expectReals(only(gate("copy_sign", inputs)), {1, 1, 2, 2}, expected(r, -r));
  expectReals(only(gate("none", inputs)), {1, 1, 2, 2}, expected(g, -g));
  // Products of zero: 3 - 3, and -3 + 3 which is 0 as well. The floor shows.
  inputs[3] = skew;
  expectReals(only(gate("sign", inputs)), {1, 1, 2, 2}, expected(0, 0));
  expectReals(only(gate("copy_sign", inputs)), {1, 1, 2, 2},
              expected(0.1, 0.1));
  inputs[2] = f32({1, 2, 2}, {1, 2, 3, 4});
  expectError(gate("sign", inputs),
              "'value' must have shape [1, 1, 2], got [1, 2, 2]");
}

TEST(TrineConvTest, Dilated) {
  auto conv = [](llvm::ArrayRef<Tensor> inputs) {
    const std::string t = "tensor<?x?x?xf32>";
    return runText("func.func @main(%x: " + t + ", %s: " + t +
                       ", %w: tensor<?x?xf32>) -> (" + t + ", " + t +
                       ") {\n  %y, %p = trine.engram.conv %x, %s, %w dilation "
                       "2 : " +
                       t + ", " + t + ", tensor<?x?xf32>\n  return %y, %p : " +
                       t + ", " + t + "\n}",
                   inputs);
  };
  // Channel 0 has 1, 2 | 3, 4, 5 and channel 1 ten times that.
  Tensor input = f32({1, 3, 2}, {3, 30, 4, 40, 5, 50}),
         state = f32({1, 2, 2}, {1, 10, 2, 20}),
         weight = f32({2, 2}, {1, 100, 2, 0});
  Outcome outcome = conv({input, state, weight});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 3, 2}, {301, 20, 402, 40, 503, 60});
  expectReals(outcome.results[1], {1, 2, 2}, {4, 40, 5, 50});
  // Less new input than the state holds.
  outcome = conv({f32({1, 1, 2}, {3, 30}), state, weight});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[1], {1, 2, 2}, {2, 20, 3, 30});
  expectError(conv({input, f32({1, 1, 2}, {1, 10}), weight}),
              "'state' must have shape [1, 2, 2], got [1, 1, 2]");
}

TEST(TrineMixTest, ByHand) {
  auto mix = [](const std::string &options, llvm::ArrayRef<Tensor> inputs) {
    const std::string types =
        "tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?x?xf32>";
    return runText(
        "func.func @main(%h: tensor<?x?x?x?xf32>, %p: tensor<?x?xf32>, %s: "
        "tensor<?xf32>, %b: tensor<?xf32>) -> (" +
            types +
            ") {\n  %x, %o, %c = trine.hyper.mix %h, %p "
            "scale(%s : tensor<?xf32>) bias(%b : tensor<?xf32>) " +
            options + " : tensor<?x?x?x?xf32>, tensor<?x?xf32> -> " + types +
            "\n  return %x, %o, %c : " + types + "\n}",
        inputs);
  };
  // Streams 3 and 4 have the mean square 12.5. Only the first weight reads
  // them; the others are their biases.
  double ln3 = std::log(3.0);
  std::vector<double> projection(16, 0.0);
  projection[0] = 1;
  std::vector<Tensor> inputs = {f32({1, 1, 2, 1}, {3, 4}),
                                f32({8, 2}, projection), f32({3}, {2, 1, 1}),
                                f32({8}, {0, ln3, ln3, 0, 0, ln3, 0, 0})};
  Outcome outcome = mix("rounds 1 epsilon 0.0 norm_epsilon 0.5", inputs);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  double pre = 1 / (1 + std::exp(-6 / std::sqrt(13.0)));
  expectReals(outcome.results[0], {1, 1, 1}, {3 * pre + 4 * 0.75});
  expectReals(outcome.results[1], {1, 1, 2}, {1.5, 1});
  // Softmax gives 1/4, 3/4 and 1/2, 1/2; columns sum to 3/4 and 5/4.
  expectReals(outcome.results[2], {1, 1, 2, 2},
              {1.0 / 3, 3.0 / 5, 2.0 / 3, 2.0 / 5});
  outcome = mix("rounds 2 epsilon 0.0 norm_epsilon 0.5", inputs);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[2], {1, 1, 2, 2},
              {4.0 / 11, 12.0 / 19, 7.0 / 11, 7.0 / 19});
  // Many rounds make rows and columns sum to one.
  outcome = mix("rounds 60 epsilon 0.0 norm_epsilon 0.5", inputs);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  EXPECT_NEAR(outcome.results[2].real(0) + outcome.results[2].real(1), 1, 1e-6);
  EXPECT_NEAR(outcome.results[2].real(0) + outcome.results[2].real(2), 1, 1e-6);
  // Epsilon joins the weights, the softmax and each sum.
  outcome = mix("rounds 1 epsilon 0.25 norm_epsilon 0.5", inputs);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 1}, {3 * (pre + 0.25) + 4});
  expectReals(outcome.results[2], {1, 1, 2, 2},
              {0.5 / 1.5, 1.0 / 2, 0.75 / 1.5, 0.75 / 2});
  inputs[3] = f32({6}, {0});
  expectError(mix("rounds 1 epsilon 0.0 norm_epsilon 0.5", inputs),
              "'bias' must have shape [8], got [6]");
}

TEST(TrineMixTest, CombinesByHand) {
  const std::string type = "tensor<?x?x?x?xf32>";
  // Two streams of width 2, with the output 10, 20.
  Outcome outcome = runText(
      "func.func @main(%h: " + type +
          ", %y: tensor<?x?x?xf32>, %p: tensor<?x?x?xf32>, %c: " + type +
          ") -> " + type +
          " {\n  %r = trine.hyper.combine %h, %y post(%p : "
          "tensor<?x?x?xf32>) comb(%c : " +
          type + ") : " + type + ", tensor<?x?x?xf32>\n  return %r : " + type +
          "\n}",
      {f32({1, 1, 2, 2}, {1, 2, 3, 4}), f32({1, 1, 2}, {10, 20}),
       f32({1, 1, 2}, {1, 0.5}), f32({1, 1, 2, 2}, {0.5, 2, 1, 0})});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[0], {1, 1, 2, 2}, {16.5, 29, 6, 12});
}
