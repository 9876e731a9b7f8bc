// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixReference.h"
#include "device/sim/FloatFormat.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace trine::sim;

/// Runs a form with operands placed as given and compares with the triple loop.
static void checkProduct(const WgmmaForm &form, Swizzle swizzleA,
                         Swizzle swizzleB, bool scaleD,
                         const AccumulateMode &mode = {}) {
  SharedImage image;
  std::mt19937 random(form.n * 7 + static_cast<int>(form.a));
  bool isUnsigned = form.a == MatrixType::U8 || form.b == MatrixType::U8;
  std::vector<int> a(64 * form.k), b(form.n * form.k), c(64 * form.n);
  for (std::vector<int> *values : {&a, &b, &c})
    for (int &value : *values)
      value = static_cast<int>(random() % 7) - (isUnsigned ? 0 : 3);
  auto valueA = [&](unsigned m, unsigned k) { return a[m * form.k + k]; };
  auto valueB = [&](unsigned n, unsigned k) { return b[n * form.k + k]; };

  WgmmaRegisters counts;
  std::string error;
  ASSERT_TRUE(checkWgmmaForm(form, counts, error)) << error;
  std::vector<uint32_t> chunks;
  std::vector<float> tileA, tileB;
  if (form.aInRegisters) {
    unsigned bytes = getElementBytes(form.a), perRegister = 4 / bytes;
    std::vector<std::vector<uint32_t>> words(16, std::vector<uint32_t>(32));
    std::vector<const uint32_t *> pointers;
    for (unsigned reg = 0; reg < 16; ++reg) {
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned sub = 0; sub < perRegister; ++sub) {
          unsigned i = (reg % 4) * perRegister + sub;
          auto [row, k] = findWgmmaA(bytes, reg / 4, lane, i);
          words[reg][lane] |= encodeElement(form.a, valueA(row, k))
                              << (8 * bytes * sub);
        }
      pointers.push_back(words[reg].data());
    }
    gatherRegistersA(form, pointers.data(), tileA);
  } else {
    MatrixDescriptor descriptor = placeTile(
        image, form.a, swizzleA, form.aTransposed, 64, form.k, 0x2000, valueA);
    ASSERT_TRUE(
        listOperandChunks(form, WgmmaOperand::A, descriptor, chunks, error));
    EXPECT_EQ(chunks.size() * 16, 64 * form.k * getElementBytes(form.a));
    gatherOperand(form, WgmmaOperand::A, image.bytes.data(), chunks, tileA);
  }
  MatrixDescriptor descriptor =
      placeTile(image, form.b, swizzleB, form.bTransposed, form.n, form.k,
                0x8000, valueB);
  ASSERT_TRUE(
      listOperandChunks(form, WgmmaOperand::B, descriptor, chunks, error));
  EXPECT_EQ(chunks.size() * 16, form.n * form.k * getElementBytes(form.b));
  gatherOperand(form, WgmmaOperand::B, image.bytes.data(), chunks, tileB);

  unsigned perRegister = form.d == MatrixType::F16 ? 2 : 1;
  ASSERT_EQ(counts.d, form.n / 2 / perRegister);
  std::vector<std::vector<uint32_t>> d(4 * counts.d,
                                       std::vector<uint32_t>(32, 0));
  std::vector<uint32_t *> pointers;
  auto visit = [&](auto function) {
    for (unsigned warp = 0; warp < 4; ++warp)
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned i = 0; i < form.n / 2; ++i) {
          auto [row, column] = findWgmmaD(warp, lane, i);
          function(row, column, d[warp * counts.d + i / perRegister][lane],
                   16 * (i % perRegister));
        }
  };
  visit([&](unsigned row, unsigned column, uint32_t &word, unsigned shift) {
    word |= encodeElement(form.d, c[row * form.n + column]) << shift;
    if (!scaleD)
      word = 0x7FFFFFFF; // must not be read
  });
  for (std::vector<uint32_t> &lanes : d)
    pointers.push_back(lanes.data());
  multiplyTiles(form, mode, scaleD, tileA, tileB, pointers.data());
  int sign = (form.negateA ? -1 : 1) * (form.negateB ? -1 : 1);
  visit([&](unsigned row, unsigned column, uint32_t word, unsigned shift) {
    int sum = 0;
    for (unsigned k = 0; k < form.k; ++k)
      sum += valueA(row, k) * valueB(column, k);
    sum = sign * sum + (scaleD ? c[row * form.n + column] : 0);
    ASSERT_EQ(decodeAccumulator(form.d, word >> shift), sum)
        << "row " << row << " column " << column << " n " << form.n;
  });
}

static WgmmaForm makeForm(unsigned n, MatrixType d, MatrixType a,
                          MatrixType b) {
  WgmmaForm form;
  form.n = n;
  form.k = 32 / getElementBytes(a);
  form.d = d;
  form.a = a;
  form.b = b;
  return form;
}

static const Swizzle swizzles[] = {Swizzle::None, Swizzle::Bytes32,
                                   Swizzle::Bytes64, Swizzle::Bytes128};

TEST(MatrixWarpgroup, DescriptorBits) {
  // start 0x4400, leading 16, stride 1024, 128-byte swizzle.
  uint64_t bits = 0x440ull | 1ull << 16 | 64ull << 32 | 1ull << 62;
  MatrixDescriptor descriptor = decodeMatrixDescriptor(bits);
  EXPECT_EQ(descriptor.start, 0x4400u);
  EXPECT_EQ(descriptor.leadingOffset, 16u);
  EXPECT_EQ(descriptor.strideOffset, 1024u);
  EXPECT_EQ(descriptor.baseOffset, 0u);
  EXPECT_EQ(descriptor.swizzle, Swizzle::Bytes128);
  EXPECT_EQ(encodeMatrixDescriptor(descriptor), bits);
  EXPECT_EQ(decodeMatrixDescriptor(2ull << 62).swizzle, Swizzle::Bytes64);
  EXPECT_EQ(decodeMatrixDescriptor(3ull << 62).swizzle, Swizzle::Bytes32);
  EXPECT_EQ(decodeMatrixDescriptor(0).swizzle, Swizzle::None);
  EXPECT_EQ(decodeMatrixDescriptor(5ull << 49).baseOffset, 5u);
  // The largest start is 18 bits wide; other bits do not matter.
  EXPECT_EQ(decodeMatrixDescriptor(0xFFFF).start, 0x3FFF0u);
}

TEST(MatrixWarpgroup, EveryTypeAndSwizzleKMajor) {
  using T = MatrixType;
  struct Types {
    T d, a, b;
  };
  const Types types[] = {{T::F32, T::F16, T::F16},   {T::F16, T::F16, T::F16},
                         {T::F32, T::BF16, T::BF16}, {T::F32, T::TF32, T::TF32},
                         {T::F32, T::E4M3, T::E4M3}, {T::F32, T::E4M3, T::E5M2},
                         {T::F16, T::E5M2, T::E4M3}, {T::F32, T::E5M2, T::E5M2},
                         {T::S32, T::S8, T::S8},     {T::S32, T::U8, T::U8},
                         {T::S32, T::S8, T::U8},     {T::S32, T::U8, T::S8}};
  for (const Types &type : types)
    for (Swizzle swizzle : swizzles) {
      checkProduct(makeForm(32, type.d, type.a, type.b), swizzle, swizzle,
                   true);
      WgmmaForm registers = makeForm(16, type.d, type.a, type.b);
      registers.aInRegisters = true;
      checkProduct(registers, swizzle, swizzle, false);
    }
}

TEST(MatrixWarpgroup, EveryMajorAndSwizzle) {
  for (MatrixType type : {MatrixType::F16, MatrixType::BF16})
    for (Swizzle swizzleA : swizzles)
      for (Swizzle swizzleB : swizzles)
        for (int major = 0; major < 4; ++major) {
          WgmmaForm form = makeForm(128, MatrixType::F32, type, type);
          form.aTransposed = major & 1;
          form.bTransposed = major & 2;
          checkProduct(form, swizzleA, swizzleB, true);
        }
}

TEST(MatrixWarpgroup, EveryWidth) {
  for (unsigned n = 8; n <= 256; n += 8) {
    checkProduct(
        makeForm(n, MatrixType::F32, MatrixType::BF16, MatrixType::BF16),
        Swizzle::Bytes128, Swizzle::Bytes128, n % 16 == 0);
    checkProduct(makeForm(n, MatrixType::F16, MatrixType::F16, MatrixType::F16),
                 Swizzle::Bytes64, Swizzle::None, true);
  }
}

TEST(MatrixWarpgroup, Negates) {
  for (int sign = 0; sign < 4; ++sign) {
    WgmmaForm form =
        makeForm(24, MatrixType::F32, MatrixType::F16, MatrixType::F16);
    form.negateA = sign & 1;
    form.negateB = sign & 2;
    checkProduct(form, Swizzle::Bytes128, Swizzle::Bytes128, true);
    form.aInRegisters = true;
    checkProduct(form, Swizzle::Bytes128, Swizzle::Bytes128, true);
  }
}

TEST(MatrixWarpgroup, RoundingModels) {
  AccumulateMode sliced;
  sliced.kind = AccumulateMode::Sliced;
  sliced.sliceLength = 4;
  sliced.seed = 3;
  WgmmaForm form =
      makeForm(16, MatrixType::F32, MatrixType::BF16, MatrixType::BF16);
  checkProduct(form, Swizzle::Bytes128, Swizzle::Bytes128, true, sliced);
  checkProduct(form, Swizzle::Bytes128, Swizzle::Bytes128, true,
               getHopperAccumulateMode(MatrixType::BF16));
}

/// The K step inside of a swizzled tile: the start moves by 32 bytes, or by 16
/// rows.
TEST(MatrixWarpgroup, StepsInsideATile) {
  const MatrixType type = MatrixType::BF16;
  for (bool mnMajor : {false, true}) {
    SharedImage image;
    auto value = [](unsigned mn, unsigned k) {
      return static_cast<int>((mn * 5 + k * 3) % 17) - 8;
    };
    MatrixDescriptor descriptor = placeTile(image, type, Swizzle::Bytes128,
                                            mnMajor, 64, 64, 0x400, value);
    WgmmaForm form = makeForm(64, MatrixType::F32, type, type);
    form.bTransposed = mnMajor;
    for (unsigned step = 0; step < 4; ++step) {
      MatrixDescriptor moved = descriptor;
      moved.start += mnMajor ? step * 16 * 128 : step * 32;
      std::vector<uint32_t> chunks;
      std::vector<float> tile;
      std::string error;
      ASSERT_TRUE(
          listOperandChunks(form, WgmmaOperand::B, moved, chunks, error));
      gatherOperand(form, WgmmaOperand::B, image.bytes.data(), chunks, tile);
      for (unsigned k = 0; k < 16; ++k)
        for (unsigned n = 0; n < 64; ++n)
          ASSERT_EQ(tile[k * 64 + n], value(n, 16 * step + k));
    }
  }
}

TEST(MatrixWarpgroup, RefusesOtherForms) {
  using T = MatrixType;
  WgmmaRegisters counts;
  std::string error;
  auto refuse = [&](WgmmaForm form, const char *message) {
    EXPECT_FALSE(checkWgmmaForm(form, counts, error));
    EXPECT_EQ(error, message);
  };
  refuse(makeForm(12, T::F32, T::F16, T::F16),
         "'wgmma m64n12k16 f32.f16.f16' is not a matrix instruction of sm_90a");
  refuse(makeForm(264, T::F32, T::F16, T::F16),
         "'wgmma m64n264k16 f32.f16.f16' is not a matrix instruction of "
         "sm_90a");
  refuse(makeForm(40, T::S32, T::S8, T::S8),
         "'wgmma m64n40k32 s32.s8.s8' is not a matrix instruction of sm_90a");
  refuse(makeForm(64, T::F16, T::BF16, T::BF16),
         "'wgmma m64n64k16 f16.bf16.bf16' is not a matrix instruction of "
         "sm_90a");
  WgmmaForm form = makeForm(64, T::F32, T::TF32, T::TF32);
  form.bTransposed = true;
  refuse(form, "'wgmma m64n64k8 f32.tf32.tf32' cannot transpose an operand: "
               "only 16-bit types can");
  form = makeForm(64, T::F32, T::F16, T::F16);
  form.aTransposed = form.aInRegisters = true;
  refuse(form, "'wgmma m64n64k16 f32.f16.f16' cannot transpose an operand that "
               "is in registers");
  form = makeForm(64, T::S32, T::S8, T::S8);
  form.negateA = true;
  refuse(form, "'wgmma m64n64k32 s32.s8.s8' cannot negate integer operands");
  form = makeForm(64, T::F32, T::F16, T::F16);
  form.satFinite = true;
  refuse(form, "'.satfinite' of 'wgmma m64n64k16 f32.f16.f16' needs integer "
               "operands");

  MatrixDescriptor descriptor;
  descriptor.baseOffset = 1;
  std::vector<uint32_t> chunks;
  form.satFinite = false;
  EXPECT_FALSE(
      listOperandChunks(form, WgmmaOperand::B, descriptor, chunks, error));
  EXPECT_EQ(error, "a matrix descriptor with base offset 1 is not supported: "
                   "align the tile to its swizzle pattern");
}
