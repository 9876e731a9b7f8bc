// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixReference.h"
#include "device/sim/FloatFormat.h"
#include "device/sim/MatrixMultiply.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace trine::sim;

namespace {

/// The lanes of an operand: words of 32 bits in registers, or doubles.
struct Registers {
  std::vector<std::vector<uint32_t>> words;
  std::vector<uint32_t *> pointers;
  explicit Registers(unsigned count) : words(count, std::vector<uint32_t>(32)) {
    for (std::vector<uint32_t> &lanes : words)
      pointers.push_back(lanes.data());
  }
  void put(unsigned lane, unsigned element, unsigned bytes, uint32_t bits) {
    unsigned perRegister = 4 / bytes;
    words[element / perRegister][lane] |=
        bits << (8 * bytes * (element % perRegister));
  }
  uint32_t get(unsigned lane, unsigned element, unsigned bytes) const {
    unsigned perRegister = 4 / bytes;
    uint32_t word = words[element / perRegister][lane];
    return bytes == 4 ? word
                      : (word >> (8 * bytes * (element % perRegister))) &
                            ((1u << (8 * bytes)) - 1);
  }
};

} // namespace

static uint32_t encode(MatrixType type, double value) {
  switch (type) {
  case MatrixType::F16:
    return encodeFloat(FloatFormat::F16, value);
  case MatrixType::BF16:
    return encodeFloat(FloatFormat::BF16, value);
  case MatrixType::E4M3:
    return encodeFloat(FloatFormat::E4M3, value);
  case MatrixType::E5M2:
    return encodeFloat(FloatFormat::E5M2, value);
  case MatrixType::S8:
  case MatrixType::U8:
    return static_cast<uint8_t>(static_cast<int>(value));
  case MatrixType::S32:
    return static_cast<uint32_t>(static_cast<int64_t>(value));
  default:
    return bitsFromFloat(static_cast<float>(value));
  }
}

static double decode(MatrixType type, uint32_t bits) {
  if (type == MatrixType::F16)
    return decodeFloat(FloatFormat::F16, bits);
  if (type == MatrixType::S32)
    return static_cast<int32_t>(bits);
  return floatFromBits(bits);
}

static const FragmentTable *findTable(const MmaForm &form) {
  for (const FragmentTable &table : fragmentTables)
    if (table.m == form.m && table.k == form.k &&
        table.perRegister == 4 / getElementBytes(form.a))
      return &table;
  return nullptr;
}

/// Runs a form on matrices given as functions of the position.
template <typename A, typename B, typename C>
static std::vector<double> runForm(const MmaForm &form,
                                   const AccumulateMode &mode, A a, B b, C c) {
  const FragmentTable *table = findTable(form);
  MmaRegisters counts;
  std::string error;
  EXPECT_TRUE(checkMmaForm(form, counts, error)) << error;
  Registers ra(counts.a), rb(counts.b), rc(counts.c), rd(counts.d);
  unsigned bytesA = getElementBytes(form.a), bytesC = getElementBytes(form.c);
  for (unsigned lane = 0; lane < 32; ++lane) {
    for (unsigned i = 0; i < table->elementsA(); ++i) {
      auto [row, k] = table->a(lane, i);
      ra.put(lane, i, bytesA, encode(form.a, a(row, k)));
    }
    for (unsigned i = 0; i < table->elementsB(); ++i) {
      auto [k, column] = table->b(lane, i);
      rb.put(lane, i, bytesA, encode(form.b, b(k, column)));
    }
    for (unsigned i = 0; i < table->elementsC(); ++i) {
      auto [row, column] = table->c(lane, i);
      rc.put(lane, i, bytesC, encode(form.c, c(row, column)));
    }
  }
  multiplyMatrices(form, mode, ra.pointers.data(), rb.pointers.data(),
                   rc.pointers.data(), rd.pointers.data());
  std::vector<double> result(form.m * 8);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < table->elementsC(); ++i) {
      auto [row, column] = table->c(lane, i);
      result[row * 8 + column] = decode(form.d, rd.get(lane, i, bytesC));
    }
  // D may be C.
  multiplyMatrices(form, mode, ra.pointers.data(), rb.pointers.data(),
                   rc.pointers.data(), rc.pointers.data());
  EXPECT_EQ(rc.words, rd.words);
  return result;
}

static std::vector<MmaForm> listForms() {
  using T = MatrixType;
  std::vector<MmaForm> forms;
  for (unsigned k : {8u, 16u}) {
    forms.push_back({16, 8, k, T::F32, T::F16, T::F16, T::F32, false});
    forms.push_back({16, 8, k, T::F16, T::F16, T::F16, T::F16, false});
    forms.push_back({16, 8, k, T::F32, T::BF16, T::BF16, T::F32, false});
    forms.push_back({16, 8, k / 2, T::F32, T::TF32, T::TF32, T::F32, false});
    for (T a : {T::S8, T::U8})
      for (T b : {T::S8, T::U8})
        for (bool saturate : {false, true})
          forms.push_back({16, 8, 2 * k, T::S32, a, b, T::S32, saturate});
    for (T a : {T::E4M3, T::E5M2})
      for (T b : {T::E4M3, T::E5M2})
        for (T d : {T::F16, T::F32})
          forms.push_back({16, 8, 2 * k, d, a, b, d, false});
  }
  forms.push_back({8, 8, 16, T::S32, T::U8, T::S8, T::S32, false});
  return forms;
}

TEST(MatrixMultiply, EveryFormIsTheTripleLoop) {
  std::mt19937 random(1);
  AccumulateMode sliced, aligned = getHopperAccumulateMode(MatrixType::E4M3);
  sliced.kind = AccumulateMode::Sliced;
  sliced.sliceLength = 4;
  sliced.seed = 9;
  sliced.truncate = true;
  for (const MmaForm &form : listForms())
    for (const AccumulateMode &mode : {AccumulateMode(), sliced, aligned}) {
      // Small integers: exact under every model.
      bool negative = form.a != MatrixType::U8 && form.b != MatrixType::U8;
      std::vector<int> a(form.m * form.k), b(form.k * 8), c(form.m * 8);
      for (std::vector<int> *values : {&a, &b, &c})
        for (int &value : *values)
          value = static_cast<int>(random() % 9) - (negative ? 4 : 0);
      std::vector<double> result = runForm(
          form, mode, [&](unsigned i, unsigned j) { return a[i * form.k + j]; },
          [&](unsigned i, unsigned j) { return b[i * 8 + j]; },
          [&](unsigned i, unsigned j) { return c[i * 8 + j]; });
      for (unsigned row = 0; row < form.m; ++row)
        for (unsigned column = 0; column < 8; ++column) {
          int sum = c[row * 8 + column];
          for (unsigned k = 0; k < form.k; ++k)
            sum += a[row * form.k + k] * b[k * 8 + column];
          ASSERT_EQ(result[row * 8 + column], sum)
              << getTypeName(form.a) << " k" << form.k;
        }
    }
}

TEST(MatrixMultiply, IntegersWrapOrClamp) {
  MmaForm form = {16,
                  8,
                  32,
                  MatrixType::S32,
                  MatrixType::S8,
                  MatrixType::S8,
                  MatrixType::S32,
                  false};
  auto minus = [](unsigned, unsigned) { return -128; };
  auto plus = [](unsigned, unsigned) { return 127; };
  auto lowest = [](unsigned, unsigned) { return -2147483648.0; };
  // 32 · −128 · 127 below the lowest number.
  EXPECT_EQ(runForm(form, {}, minus, plus, lowest)[5],
            2147483648.0 - 32 * 128 * 127);
  form.satFinite = true;
  EXPECT_EQ(runForm(form, {}, minus, plus, lowest)[5], -2147483648.0);
  auto highest = [](unsigned, unsigned) { return 2147483647.0; };
  EXPECT_EQ(runForm(form, {}, plus, plus, highest)[5], 2147483647.0);
}

TEST(MatrixMultiply, ModelsRoundDifferently) {
  MmaForm form;
  form.m = 16, form.n = 8, form.k = 16;
  // 1 + 16 · 0.75 · 2^-24: once rounded 1 + 12 · 2^-24, which is 6 units of
  // 2^-23.
  auto a = [](unsigned, unsigned) { return 0x1p-12; };
  auto b = [](unsigned, unsigned) { return 0.75 * 0x1p-12; };
  auto one = [](unsigned, unsigned) { return 1.0; };
  EXPECT_EQ(runForm(form, {}, a, b, one)[0], 1 + 6 * 0x1p-23);
  // One by one and truncated, each is lost; to nearest, each is rounded up to
  // 2^-23 (0.75 · 2^-24 is less than half of 2^-23: lost as well).
  AccumulateMode single;
  single.kind = AccumulateMode::Sliced;
  single.sliceLength = 1;
  EXPECT_EQ(runForm(form, single, a, b, one)[0], 1.0);
  // In fours: 3 · 2^-24 is 1.5 units: two units to nearest (then 1 + 2u + 1.5u
  // = 3.5u, to even 4u, 5.5u to 6u, 7.5u to 8u), one unit truncated.
  single.sliceLength = 4;
  EXPECT_EQ(runForm(form, single, a, b, one)[0], 1 + 8 * 0x1p-23);
  single.truncate = true;
  EXPECT_EQ(runForm(form, single, a, b, one)[0], 1 + 4 * 0x1p-23);
  // Aligned to 24 bits below the one: 0.75 · 2^-24 is cut to nothing.
  AccumulateMode aligned;
  aligned.kind = AccumulateMode::Aligned;
  aligned.sliceLength = 16;
  aligned.fractionBits = 24;
  EXPECT_EQ(runForm(form, aligned, a, b, one)[0], 1.0);
  aligned.fractionBits = 26; // kept: 16 · 0.75 · 2^-24
  EXPECT_EQ(runForm(form, aligned, a, b, one)[0], 1 + 6 * 0x1p-23);
}

TEST(MatrixMultiply, NarrowFloatsKeepThirteenBits) {
  MmaForm form = {16,
                  8,
                  32,
                  MatrixType::F32,
                  MatrixType::E4M3,
                  MatrixType::E4M3,
                  MatrixType::F32,
                  false};
  AccumulateMode mode = getHopperAccumulateMode(MatrixType::E4M3);
  auto one = [](unsigned, unsigned) { return 1.0; };
  auto zero = [](unsigned, unsigned) { return 0.0; };
  // 32 ones and an accumulator of 2^18 + 33: units are 2^(18 − 13) = 32.
  auto c = [](unsigned, unsigned) { return 262144.0 + 33; };
  EXPECT_EQ(runForm(form, mode, one, zero, c)[0], 262144.0 + 32);
  EXPECT_EQ(runForm(form, {}, one, one, c)[0], 262144.0 + 33 + 32);
}

/// The models by their definition, in plain arithmetic.
static double sumByModel(double sum, const std::vector<double> &products,
                         const AccumulateMode &mode) {
  auto truncateTo = [](double value, int bits, int exponent) {
    return std::ldexp(std::trunc(std::ldexp(value, bits - exponent)),
                      exponent - bits);
  };
  unsigned length = mode.sliceLength;
  for (unsigned begin = 0; begin < products.size(); begin += length) {
    std::vector<double> terms(products.begin() + begin,
                              products.begin() + begin + length);
    terms.push_back(sum);
    int greatest = -1000;
    for (double term : terms)
      if (term != 0)
        greatest = std::max(greatest, std::ilogb(term));
    sum = 0;
    for (double term : terms)
      sum += mode.kind == AccumulateMode::Aligned
                 ? truncateTo(term, mode.fractionBits, greatest)
                 : term;
    bool truncate = mode.truncate || mode.kind == AccumulateMode::Aligned;
    if (sum != 0)
      sum = truncate ? truncateTo(sum, 23, std::ilogb(sum))
                     : static_cast<double>(static_cast<float>(sum));
  }
  return sum;
}

TEST(MatrixMultiply, ModelsFollowTheirDefinition) {
  std::mt19937 random(5);
  MmaForm form;
  form.m = 16, form.n = 8, form.k = 16;
  form.a = form.b = MatrixType::BF16;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> a(256), b(128), c(128);
    for (std::vector<double> *values : {&a, &b, &c})
      for (double &value : *values) {
        uint32_t bits = (random() & 0x807F) | ((120 + random() % 15) << 7);
        value =
            round % 5 == 0 && random() % 3 == 0 ? 0 : floatFromBits(bits << 16);
      }
    AccumulateMode mode;
    mode.kind = round & 1 ? AccumulateMode::Sliced : AccumulateMode::Aligned;
    mode.truncate = round & 2;
    mode.sliceLength = 4 << (round / 4 % 3);
    mode.fractionBits = 10 + random() % 18;
    std::vector<double> result = runForm(
        form, mode, [&](unsigned i, unsigned j) { return a[i * 16 + j]; },
        [&](unsigned i, unsigned j) { return b[i * 8 + j]; },
        [&](unsigned i, unsigned j) { return c[i * 8 + j]; });
    for (unsigned row = 0; row < 16; ++row)
      for (unsigned column = 0; column < 8; ++column) {
        std::vector<double> products;
        for (unsigned k = 0; k < 16; ++k)
          products.push_back(a[row * 16 + k] * b[k * 8 + column]);
        ASSERT_EQ(result[row * 8 + column],
                  sumByModel(c[row * 8 + column], products, mode))
            << "round " << round;
      }
  }
}

TEST(MatrixMultiply, InfinitiesStay) {
  for (AccumulateMode::Kind kind :
       {AccumulateMode::Exact, AccumulateMode::Sliced,
        AccumulateMode::Aligned}) {
    AccumulateMode mode;
    mode.kind = kind;
    mode.truncate = true;
    MmaForm form;
    form.m = 16, form.n = 8, form.k = 8;
    auto one = [](unsigned, unsigned) { return 1.0; };
    auto first = [](unsigned row, unsigned) {
      return row == 2 ? -INFINITY : 1.0;
    };
    std::vector<double> result = runForm(form, mode, first, one, one);
    EXPECT_EQ(result[0], 9);
    EXPECT_EQ(result[2 * 8 + 3], -INFINITY);
    // Too little to overflow, or to count.
    auto big = [](unsigned, unsigned) { return 65504.0; };
    auto huge = [](unsigned, unsigned) { return 0x1.FFFFFEp127; };
    EXPECT_EQ(runForm(form, mode, big, big, huge)[7], 0x1.FFFFFEp127);
  }
}

TEST(MatrixMultiply, Tf32IgnoresLowBits) {
  MmaForm form = {16,
                  8,
                  8,
                  MatrixType::F32,
                  MatrixType::TF32,
                  MatrixType::TF32,
                  MatrixType::F32,
                  false};
  auto a = [](unsigned, unsigned) { return 1 + 0x1FFFp-23; };
  auto b = [](unsigned row, unsigned) { return row == 0 ? 1.0 : 0.0; };
  auto zero = [](unsigned, unsigned) { return 0.0; };
  EXPECT_EQ(runForm(form, {}, a, b, zero)[9], 1.0);
}

TEST(MatrixMultiply, NaNIsCanonical) {
  MmaForm form;
  form.m = 16, form.n = 8, form.k = 8;
  uint32_t nan[32], zero[32] = {}, result[4][32];
  for (uint32_t &word : nan)
    word = 0x7E017E01;
  const uint32_t *a[] = {nan, nan}, *b[] = {zero};
  const uint32_t *c[] = {zero, zero, zero, zero};
  uint32_t *d[] = {result[0], result[1], result[2], result[3]};
  multiplyMatrices(form, {}, a, b, c, d);
  EXPECT_EQ(result[3][31], 0x7FFFFFFFu);
}

TEST(MatrixMultiply, ResultsMayOverwriteOperandsInAnyOrder) {
  MmaForm form;
  form.m = 16, form.n = 8, form.k = 16;
  std::mt19937 random(6);
  uint32_t lanes[10][32], copies[10][32], result[4][32];
  for (uint32_t (&lane)[32] : lanes)
    for (uint32_t &word : lane)
      word = 0x3C003C00 + (random() & 0x00FF00FF);
  std::memcpy(copies, lanes, sizeof(lanes));
  // D is C reversed, or registers of A and B.
  uint32_t *r[10], *s[10];
  for (int i = 0; i < 10; ++i)
    r[i] = lanes[i], s[i] = copies[i];
  uint32_t *d[] = {result[0], result[1], result[2], result[3]};
  multiplyMatrices(form, {}, r, r + 4, r + 6, d);
  uint32_t *reversed[] = {s[9], s[8], s[7], s[6]};
  multiplyMatrices(form, {}, s, s + 4, s + 6, reversed);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(std::memcmp(reversed[i], result[i], sizeof(result[i])), 0);
  std::memcpy(copies, lanes, sizeof(lanes));
  uint32_t *operands[] = {s[3], s[0], s[5], s[1]};
  multiplyMatrices(form, {}, s, s + 4, s + 6, operands);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(std::memcmp(operands[i], result[i], sizeof(result[i])), 0);
}

TEST(MatrixMultiply, DoublesAreTheTripleLoop) {
  std::mt19937 random(2);
  for (const FragmentTable &table : fragmentTables) {
    if (table.perRegister != 1)
      continue;
    MmaForm form = {table.m,         8,
                    table.k,         MatrixType::F64,
                    MatrixType::F64, MatrixType::F64,
                    MatrixType::F64, false};
    MmaRegisters counts;
    std::string error;
    ASSERT_TRUE(checkMmaForm(form, counts, error)) << error;
    EXPECT_EQ(counts.a, table.elementsA());
    EXPECT_EQ(counts.b, table.elementsB());
    EXPECT_EQ(counts.d, table.elementsC());
    std::vector<double> a(table.m * table.k), b(table.k * 8), c(table.m * 8);
    for (std::vector<double> *values : {&a, &b, &c})
      for (double &value : *values)
        value = static_cast<double>(random() % 100) / 4;
    uint64_t words[3][8][32], *pointers[3][8];
    for (int operand = 0; operand < 3; ++operand)
      for (int reg = 0; reg < 8; ++reg)
        pointers[operand][reg] = words[operand][reg];
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned i = 0; i < table.elementsA(); ++i) {
        auto [row, k] = table.a(lane, i);
        words[0][i][lane] = bitsFromDouble(a[row * table.k + k]);
      }
      for (unsigned i = 0; i < table.elementsB(); ++i) {
        auto [k, column] = table.b(lane, i);
        words[1][i][lane] = bitsFromDouble(b[k * 8 + column]);
      }
      for (unsigned i = 0; i < table.elementsC(); ++i) {
        auto [row, column] = table.c(lane, i);
        words[2][i][lane] = bitsFromDouble(c[row * 8 + column]);
      }
    }
    multiplyF64Matrices(form, pointers[0], pointers[1], pointers[2],
                        pointers[2]);
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < table.elementsC(); ++i) {
        auto [row, column] = table.c(lane, i);
        double sum = c[row * 8 + column];
        for (unsigned k = 0; k < table.k; ++k)
          sum += a[row * table.k + k] * b[k * 8 + column];
        ASSERT_EQ(doubleFromBits(words[2][i][lane]), sum) << table.name;
      }
  }
}

TEST(MatrixMultiply, RefusesOtherForms) {
  using T = MatrixType;
  const MmaForm forms[] = {
      {8, 8, 4, T::F32, T::F16, T::F16, T::F32, false},
      {16, 8, 16, T::F16, T::BF16, T::BF16, T::F16, false},
      {16, 8, 16, T::F32, T::F16, T::BF16, T::F32, false},
      {16, 8, 16, T::F32, T::TF32, T::TF32, T::F32, false},
      {16, 8, 8, T::F32, T::E4M3, T::E4M3, T::F32, false},
      {16, 8, 32, T::F32, T::S8, T::S8, T::F32, false},
      {16, 16, 16, T::F32, T::F16, T::F16, T::F32, false},
      {16, 8, 16, T::F32, T::F16, T::F16, T::F16, false},
  };
  MmaRegisters counts;
  std::string error;
  for (const MmaForm &form : forms)
    EXPECT_FALSE(checkMmaForm(form, counts, error));
  EXPECT_EQ(error, "'mma.sync m16n8k16 f32.f16.f16.f16' is not a matrix "
                   "instruction of sm_80 to sm_90 that is supported");
  MmaForm saturated = {16, 8, 16, T::F32, T::F16, T::F16, T::F32, true};
  EXPECT_FALSE(checkMmaForm(saturated, counts, error));
  EXPECT_EQ(error, "'.satfinite' of 'mma.sync m16n8k16 f32.f16.f16.f32' needs "
                   "integer operands");
}
