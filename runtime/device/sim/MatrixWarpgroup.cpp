// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixWarpgroup.h"
#include "MatrixAccumulate.h"
#include "MatrixDecode.h"
#include "MatrixLayout.h"
#include <cstring>

using namespace trine::sim;

static const unsigned warpsPerGroup = 4;
static const unsigned rowsPerGroup = 64;

static const Swizzle swizzleOfField[] = {Swizzle::None, Swizzle::Bytes128,
                                         Swizzle::Bytes64, Swizzle::Bytes32};

MatrixDescriptor trine::sim::decodeMatrixDescriptor(uint64_t bits) {
  MatrixDescriptor descriptor;
  descriptor.start = static_cast<uint32_t>(bits & 0x3FFF) << 4;
  descriptor.leadingOffset = static_cast<uint32_t>((bits >> 16) & 0x3FFF) << 4;
  descriptor.strideOffset = static_cast<uint32_t>((bits >> 32) & 0x3FFF) << 4;
  descriptor.baseOffset = static_cast<uint8_t>((bits >> 49) & 7);
  descriptor.swizzle = swizzleOfField[bits >> 62];
  return descriptor;
}

uint64_t
trine::sim::encodeMatrixDescriptor(const MatrixDescriptor &descriptor) {
  uint64_t field = 0;
  while (swizzleOfField[field] != descriptor.swizzle)
    ++field;
  auto encode = [](uint32_t bytes) {
    return static_cast<uint64_t>((bytes & 0x3FFFF) >> 4);
  };
  return encode(descriptor.start) | encode(descriptor.leadingOffset) << 16 |
         encode(descriptor.strideOffset) << 32 |
         static_cast<uint64_t>(descriptor.baseOffset & 7) << 49 | field << 62;
}

static bool isNarrowFloat(MatrixType type) {
  return type == MatrixType::E4M3 || type == MatrixType::E5M2;
}

static bool isKnownWidth(const WgmmaForm &form) {
  if (form.n < 8 || form.n > 256 || form.n % 8)
    return false;
  // Integer forms have 8, 16, 24, 32, 48, ..., 256.
  return !isIntegerType(form.a) || form.n <= 32 || form.n % 16 == 0;
}

bool trine::sim::checkWgmmaForm(const WgmmaForm &form,
                                WgmmaRegisters &registers, std::string &error) {
  bool isFloatSum = form.d == MatrixType::F32 || form.d == MatrixType::F16;
  bool known = false;
  unsigned bytes = getElementBytes(form.a);
  switch (form.a) {
  case MatrixType::F16:
    known = form.b == form.a && isFloatSum;
    break;
  case MatrixType::BF16:
  case MatrixType::TF32:
    known = form.b == form.a && form.d == MatrixType::F32;
    break;
  case MatrixType::E4M3:
  case MatrixType::E5M2:
    known = isNarrowFloat(form.b) && isFloatSum;
    break;
  case MatrixType::S8:
  case MatrixType::U8:
    known = (form.b == MatrixType::S8 || form.b == MatrixType::U8) &&
            form.d == MatrixType::S32;
    break;
  default:
    break;
  }
  std::string name = "wgmma m64n" + std::to_string(form.n) + "k" +
                     std::to_string(form.k) + " " + getTypeName(form.d) + "." +
                     getTypeName(form.a) + "." + getTypeName(form.b);
  if (!known || form.k != 32 / bytes || !isKnownWidth(form)) {
    error = "'" + name + "' is not a matrix instruction of sm_90a";
    return false;
  }
  if ((form.aTransposed || form.bTransposed) && bytes != 2) {
    error = "'" + name + "' cannot transpose an operand: only 16-bit types can";
    return false;
  }
  if (form.aTransposed && form.aInRegisters) {
    error = "'" + name + "' cannot transpose an operand that is in registers";
    return false;
  }
  if ((form.negateA || form.negateB) && isIntegerType(form.a)) {
    error = "'" + name + "' cannot negate integer operands";
    return false;
  }
  if (form.satFinite && !isIntegerType(form.a)) {
    error = "'.satfinite' of '" + name + "' needs integer operands";
    return false;
  }
  registers.a = 4;
  registers.d = form.n / 2 * getElementBytes(form.d) / 4;
  return true;
}

static bool isTransposed(const WgmmaForm &form, WgmmaOperand operand) {
  return operand == WgmmaOperand::A ? form.aTransposed : form.bTransposed;
}
static unsigned getExtent(const WgmmaForm &form, WgmmaOperand operand) {
  return operand == WgmmaOperand::A ? rowsPerGroup : form.n;
}
static MatrixType getType(const WgmmaForm &form, WgmmaOperand operand) {
  return operand == WgmmaOperand::A ? form.a : form.b;
}

bool trine::sim::listOperandChunks(const WgmmaForm &form, WgmmaOperand operand,
                                   const MatrixDescriptor &descriptor,
                                   std::vector<uint32_t> &addresses,
                                   std::string &error) {
  if (descriptor.baseOffset) {
    error = "a matrix descriptor with base offset " +
            std::to_string(descriptor.baseOffset) +
            " is not supported: align the tile to its swizzle pattern";
    return false;
  }
  const unsigned width = getSwizzleWidth(descriptor.swizzle);
  const unsigned perChunk = 16 / getElementBytes(getType(form, operand));
  const unsigned extent = getExtent(form, operand);
  const bool plain = descriptor.swizzle == Swizzle::None;
  addresses.clear();
  if (!isTransposed(form, operand)) {
    // K-major: a chunk holds consecutive k of one row (column of B).
    const unsigned chunks = form.k / perChunk;
    const uint32_t chunkStep = plain ? descriptor.leadingOffset : 16;
    addresses.reserve(extent * chunks);
    for (unsigned index = 0; index < extent; ++index)
      for (unsigned chunk = 0; chunk < chunks; ++chunk) {
        uint32_t offset = 16 * width * (index % 8) +
                          descriptor.strideOffset * (index / 8) +
                          chunkStep * chunk;
        addresses.push_back(
            applySwizzle(descriptor.swizzle, descriptor.start + offset));
      }
    return true;
  }
  // MN-major: a chunk holds consecutive rows (columns of B) of one k. Without
  // swizzle the two offsets change their roles.
  const unsigned chunks = extent / perChunk;
  addresses.reserve(form.k * chunks);
  for (unsigned step = 0; step < form.k; ++step)
    for (unsigned chunk = 0; chunk < chunks; ++chunk) {
      uint32_t offset = plain ? descriptor.strideOffset * chunk +
                                    16 * (step % 8) +
                                    descriptor.leadingOffset * (step / 8)
                              : 16 * (chunk % width) +
                                    descriptor.leadingOffset * (chunk / width) +
                                    16 * width * (step % 8) +
                                    descriptor.strideOffset * (step / 8);
      addresses.push_back(
          applySwizzle(descriptor.swizzle, descriptor.start + offset));
    }
  return true;
}

/// Decodes chunks of 16 bytes, `perChunk` elements each. Element i of chunk c
/// of line l goes to tile[l·linePitch + (c·perChunk + i)·elementPitch].
template <unsigned perChunk, typename Decode>
static void gatherChunks(const uint8_t *shared, const uint32_t *addresses,
                         unsigned lines, unsigned chunks, unsigned linePitch,
                         unsigned elementPitch, Decode decode, float *tile) {
  for (unsigned line = 0; line < lines; ++line)
    for (unsigned chunk = 0; chunk < chunks; ++chunk) {
      uint64_t halves[2];
      std::memcpy(halves, shared + *addresses++, sizeof(halves));
      float *target = tile + line * linePitch + chunk * perChunk * elementPitch;
      constexpr unsigned perHalf = perChunk / 2;
      if (elementPitch == 1) {
        for (unsigned i = 0; i < perChunk; ++i)
          target[i] = decode(static_cast<uint32_t>(
              halves[i / perHalf] >> (64 / perHalf * (i % perHalf))));
        continue;
      }
      for (unsigned i = 0; i < perChunk; ++i)
        target[i * elementPitch] = decode(static_cast<uint32_t>(
            halves[i / perHalf] >> (64 / perHalf * (i % perHalf))));
    }
}

static void negateTile(std::vector<float> &tile) {
  for (float &value : tile)
    value = -value;
}

void trine::sim::gatherOperand(const WgmmaForm &form, WgmmaOperand operand,
                               const uint8_t *shared,
                               const std::vector<uint32_t> &addresses,
                               std::vector<float> &tile) {
  const MatrixType type = getType(form, operand);
  const unsigned bytes = getElementBytes(type);
  const unsigned extent = getExtent(form, operand);
  const bool transposed = isTransposed(form, operand);
  // A is row × k and B is k × column: a chunk runs along the inner dimension of
  // the tile for K-major A and for MN-major B.
  const bool inner = transposed == (operand == WgmmaOperand::B);
  const unsigned pitch = operand == WgmmaOperand::A ? form.k : form.n;
  const unsigned linePitch = inner ? pitch : 1,
                 elementPitch = inner ? 1 : pitch;
  const unsigned chunks = (transposed ? extent : form.k) * bytes / 16;
  const unsigned lines = transposed ? form.k : extent;
  tile.resize(static_cast<size_t>(extent) * form.k);
  withDecoder(type, [&](auto decode) {
    if (bytes == 1)
      gatherChunks<16>(shared, addresses.data(), lines, chunks, linePitch,
                       elementPitch, decode, tile.data());
    else if (bytes == 2)
      gatherChunks<8>(shared, addresses.data(), lines, chunks, linePitch,
                      elementPitch, decode, tile.data());
    else
      gatherChunks<4>(shared, addresses.data(), lines, chunks, linePitch,
                      elementPitch, decode, tile.data());
  });
  if (operand == WgmmaOperand::A ? form.negateA : form.negateB)
    negateTile(tile);
}

void trine::sim::gatherRegistersA(const WgmmaForm &form,
                                  const uint32_t *const *a,
                                  std::vector<float> &tile) {
  const unsigned bytes = getElementBytes(form.a), perRegister = 4 / bytes;
  tile.resize(static_cast<size_t>(rowsPerGroup) * form.k);
  withDecoder(form.a, [&](auto decode) {
    for (unsigned warp = 0; warp < warpsPerGroup; ++warp)
      for (unsigned reg = 0; reg < 4; ++reg)
        for (unsigned lane = 0; lane < lanesPerWarp; ++lane) {
          MatrixPosition at = getFragmentA(16, perRegister, lane, reg, 0);
          float *target = &tile[(16 * warp + at.row) * form.k + at.column];
          uint32_t word = a[4 * warp + reg][lane];
          for (unsigned sub = 0; sub < perRegister; ++sub)
            target[sub] = decode(word >> (8 * bytes * sub));
        }
  });
  if (form.negateA)
    negateTile(tile);
}

/// Calls visit(word, first element) for every register of D: the register's
/// elements are consecutive in a row for f16 (two), and one element otherwise.
template <typename Visit>
static void visitAccumulators(unsigned n, unsigned perRegister,
                              uint32_t *const *d, Visit visit) {
  const unsigned registers = n / 2 / perRegister;
  for (unsigned warp = 0; warp < warpsPerGroup; ++warp)
    for (unsigned reg = 0; reg < registers; ++reg) {
      uint32_t *lanes = d[warp * registers + reg];
      MatrixPosition first = getFragmentC(16, perRegister, 0, reg, 0);
      unsigned base = (16 * warp + first.row) * n + first.column;
      for (unsigned lane = 0; lane < lanesPerWarp; ++lane)
        visit(lanes[lane], base + (lane >> 2) * n + 2 * (lane & 3));
    }
}

void trine::sim::multiplyTiles(const WgmmaForm &form,
                               const AccumulateMode &mode, bool scaleD,
                               const std::vector<float> &a,
                               const std::vector<float> &b,
                               uint32_t *const *d) {
  const unsigned m = rowsPerGroup, n = form.n, k = form.k;
  switch (form.d) {
  case MatrixType::F16: {
    std::vector<uint16_t> tile(static_cast<size_t>(m) * n, 0);
    if (scaleD)
      visitAccumulators(n, 2, d, [&](uint32_t word, unsigned at) {
        tile[at] = static_cast<uint16_t>(word);
        tile[at + 1] = static_cast<uint16_t>(word >> 16);
      });
    accumulateF16(m, n, k, a.data(), b.data(), tile.data(), mode);
    visitAccumulators(n, 2, d, [&](uint32_t &word, unsigned at) {
      word = tile[at] | uint32_t(tile[at + 1]) << 16;
    });
    return;
  }
  case MatrixType::S32: {
    std::vector<uint32_t> tile(static_cast<size_t>(m) * n, 0);
    if (scaleD)
      visitAccumulators(n, 1, d,
                        [&](uint32_t word, unsigned at) { tile[at] = word; });
    accumulateS32(m, n, k, a.data(), b.data(), tile.data(), form.satFinite);
    visitAccumulators(n, 1, d,
                      [&](uint32_t &word, unsigned at) { word = tile[at]; });
    return;
  }
  default: {
    // Register 4j + 2h + o of a warp holds columns 8j.. of its rows 8h.., even
    // or odd.
    uint32_t *blocks[4 * 128];
    const unsigned columns = n / 8, perWarp = n / 2;
    for (unsigned warp = 0; warp < warpsPerGroup; ++warp)
      for (unsigned reg = 0; reg < perWarp; ++reg) {
        unsigned row = 2 * warp + (reg >> 1 & 1);
        blocks[2 * (row * columns + reg / 4) + (reg & 1)] =
            d[warp * perWarp + reg];
      }
    accumulateF32(m / 8, columns, k, a.data(), b.data(),
                  scaleD ? blocks : nullptr, blocks, mode);
  }
  }
}
