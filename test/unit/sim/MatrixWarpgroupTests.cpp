// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device/sim/FloatFormat.h"
#include "device/sim/MatrixWarpgroup.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace trine::sim;

namespace {

/// Shared memory, a writer of operand tiles, and the plain product.
struct Machine {
  std::vector<uint8_t> shared = std::vector<uint8_t>(1 << 18, 0xEE);

  void write(uint32_t address, MatrixType type, int value) {
    uint32_t bits = encode(type, value);
    std::memcpy(&shared[address], &bits, getElementBytes(type));
  }
  static uint32_t encode(MatrixType type, int value) {
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
      return static_cast<uint8_t>(value);
    default:
      return bitsFromFloat(static_cast<float>(value));
    }
  }
};

/// How a tile lies in shared memory.
struct Placement {
  Swizzle swizzle;
  bool mnMajor;
  MatrixDescriptor descriptor;
};

} // namespace

/// Writes extent × k values for a K-major or MN-major operand as a tensor copy
/// (or, without swizzle, core matrices of 8 × 16 bytes) would, and gives the
/// descriptor. value(mn, k).
template <typename Value>
static MatrixDescriptor place(Machine &machine, MatrixType type,
                              Swizzle swizzle, bool mnMajor, unsigned extent,
                              unsigned k, uint32_t start, Value value) {
  unsigned bytes = getElementBytes(type), perChunk = 16 / bytes;
  unsigned span = 16 << static_cast<unsigned>(swizzle); // bytes of a row
  MatrixDescriptor descriptor;
  descriptor.start = start;
  descriptor.swizzle = swizzle;
  unsigned lines = mnMajor ? k : extent, along = mnMajor ? extent : k;
  for (unsigned line = 0; line < lines; ++line)
    for (unsigned i = 0; i < along; ++i) {
      uint32_t address;
      if (swizzle == Swizzle::None) {
        // Core matrices: 8 lines of 16 bytes, packed; first along the chunks
        // with a gap of 16 bytes after each 128, then the groups of 8 lines.
        unsigned chunk = i / perChunk, chunks = along / perChunk;
        address = start + (line / 8) * (chunks * 144) + chunk * 144 +
                  (line % 8) * 16 + i % perChunk * bytes;
      } else {
        // Boxes of `span` bytes by all lines; chunk c of line r is at c xor the
        // row of the 128-byte lines that r is in.
        unsigned box = i * bytes / span, inside = i * bytes % span;
        unsigned linear = line * span + inside;
        unsigned chunk = linear / 16 % 8, row = linear / 128 % 8;
        unsigned mask = span / 16 - 1;
        unsigned moved = chunk ^ (row & mask);
        address = start + box * (lines * span) + linear / 128 * 128 +
                  moved * 16 + inside % 16;
      }
      int x = mnMajor ? value(i, line) : value(line, i);
      machine.write(address, type, x);
    }
  unsigned chunks = along / perChunk;
  if (swizzle == Swizzle::None) {
    // K-major: leading = next chunk of k, stride = next 8 rows. MN-major:
    // stride = next chunk of rows, leading = next 8 k.
    descriptor.leadingOffset = mnMajor ? chunks * 144 : 144;
    descriptor.strideOffset = mnMajor ? 144 : chunks * 144;
  } else {
    // Of no meaning for a swizzled K-major operand.
    descriptor.leadingOffset = mnMajor ? lines * span : 0x1230;
    descriptor.strideOffset = 8 * span;
  }
  return descriptor;
}

/// Runs a form with operands placed as given and compares with the triple loop.
static void checkProduct(const WgmmaForm &form, Swizzle swizzleA,
                         Swizzle swizzleB, bool scaleD,
                         const AccumulateMode &mode = {}) {
  Machine machine;
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
    // The table of wgmma's A fragment: 16-bit, 8-bit, 32-bit.
    unsigned bytes = getElementBytes(form.a), perRegister = 4 / bytes;
    std::vector<std::vector<uint32_t>> words(16, std::vector<uint32_t>(32));
    std::vector<const uint32_t *> pointers;
    for (unsigned reg = 0; reg < 16; ++reg) {
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned sub = 0; sub < perRegister; ++sub) {
          unsigned i = (reg % 4) * perRegister + sub;
          unsigned g = lane / 4, t = lane % 4, warp = reg / 4, row, k;
          if (bytes == 2) {
            row = g + 8 * ((i >> 1) & 1), k = 8 * (i >> 2) + 2 * t + (i & 1);
          } else if (bytes == 1) {
            row = g + 8 * ((i >> 2) & 1), k = 16 * (i >> 3) + 4 * t + (i & 3);
          } else {
            row = g + 8 * (i & 1), k = t + 4 * (i >> 1);
          }
          words[reg][lane] |=
              Machine::encode(form.a, valueA(16 * warp + row, k))
              << (8 * bytes * sub);
        }
      pointers.push_back(words[reg].data());
    }
    gatherRegistersA(form, pointers.data(), tileA);
  } else {
    MatrixDescriptor descriptor =
        place(machine, form.a, swizzleA, form.aTransposed, 64, form.k, 0x2000,
              valueA);
    ASSERT_TRUE(
        listOperandChunks(form, WgmmaOperand::A, descriptor, chunks, error));
    EXPECT_EQ(chunks.size() * 16, 64 * form.k * getElementBytes(form.a));
    gatherOperand(form, WgmmaOperand::A, machine.shared.data(), chunks, tileA);
  }
  MatrixDescriptor descriptor =
      place(machine, form.b, swizzleB, form.bTransposed, form.n, form.k, 0x8000,
            valueB);
  ASSERT_TRUE(
      listOperandChunks(form, WgmmaOperand::B, descriptor, chunks, error));
  EXPECT_EQ(chunks.size() * 16, form.n * form.k * getElementBytes(form.b));
  gatherOperand(form, WgmmaOperand::B, machine.shared.data(), chunks, tileB);

  bool half = form.d == MatrixType::F16, integer = form.d == MatrixType::S32;
  unsigned perRegister = half ? 2 : 1;
  ASSERT_EQ(counts.d, form.n / 2 / perRegister);
  std::vector<std::vector<uint32_t>> d(4 * counts.d,
                                       std::vector<uint32_t>(32, 0));
  std::vector<uint32_t *> pointers;
  auto visit = [&](auto function) {
    for (unsigned warp = 0; warp < 4; ++warp)
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned i = 0; i < form.n / 2; ++i) {
          unsigned row = 16 * warp + lane / 4 + 8 * ((i >> 1) & 1);
          unsigned column = 8 * (i >> 2) + 2 * (lane % 4) + (i & 1);
          function(row, column, d[warp * counts.d + i / perRegister][lane],
                   16 * (i % perRegister));
        }
  };
  visit([&](unsigned row, unsigned column, uint32_t &word, unsigned shift) {
    int value = c[row * form.n + column];
    word |= (half      ? encodeFloat(FloatFormat::F16, value)
             : integer ? static_cast<uint32_t>(value)
                       : bitsFromFloat(static_cast<float>(value)))
            << shift;
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
    double got = half ? decodeFloat(FloatFormat::F16, (word >> shift) & 0xFFFF)
                 : integer ? static_cast<int32_t>(word)
                           : floatFromBits(word);
    ASSERT_EQ(got, sum) << "row " << row << " column " << column << " n "
                        << form.n;
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
    Machine machine;
    auto value = [](unsigned mn, unsigned k) {
      return static_cast<int>((mn * 5 + k * 3) % 17) - 8;
    };
    MatrixDescriptor descriptor =
        place(machine, type, Swizzle::Bytes128, mnMajor, 64, 64, 0x400, value);
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
      gatherOperand(form, WgmmaOperand::B, machine.shared.data(), chunks, tile);
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
