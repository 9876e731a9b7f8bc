// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixWarpgroup.h"
#include "FloatFormat.h"
#include "MatrixAccumulate.h"
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

/// Decodes one chunk of 16 bytes into consecutive floats.
static void decodeChunk(MatrixType type, const uint8_t *bytes, float *values) {
  switch (getElementBytes(type)) {
  case 1:
    for (unsigned i = 0; i < 16; ++i)
      values[i] = decodeElement(type, bytes[i]);
    return;
  case 2: {
    uint16_t words[8];
    std::memcpy(words, bytes, sizeof(words));
    if (type == MatrixType::BF16) {
      for (unsigned i = 0; i < 8; ++i)
        values[i] = floatFromBits(static_cast<uint32_t>(words[i]) << 16);
      return;
    }
    for (unsigned i = 0; i < 8; ++i)
      values[i] = decodeElement(type, words[i]);
    return;
  }
  default: {
    uint32_t words[4];
    std::memcpy(words, bytes, sizeof(words));
    for (unsigned i = 0; i < 4; ++i)
      values[i] = decodeElement(type, words[i]);
  }
  }
}

void trine::sim::gatherOperand(const WgmmaForm &form, WgmmaOperand operand,
                               const uint8_t *shared,
                               const std::vector<uint32_t> &addresses,
                               std::vector<float> &tile) {
  const MatrixType type = getType(form, operand);
  const unsigned perChunk = 16 / getElementBytes(type);
  const unsigned extent = getExtent(form, operand);
  const bool transposed = isTransposed(form, operand);
  const bool negate = operand == WgmmaOperand::A ? form.negateA : form.negateB;
  // A is row × k and B is k × column: a chunk runs along the inner dimension of
  // the tile for K-major A and for MN-major B.
  const bool inner = transposed == (operand == WgmmaOperand::B);
  const unsigned pitch = operand == WgmmaOperand::A ? form.k : form.n;
  const unsigned chunks = (transposed ? extent : form.k) / perChunk;
  const unsigned lines = transposed ? form.k : extent;
  tile.resize(static_cast<size_t>(extent) * form.k);
  size_t next = 0;
  for (unsigned line = 0; line < lines; ++line)
    for (unsigned chunk = 0; chunk < chunks; ++chunk) {
      float values[16];
      decodeChunk(type, shared + addresses[next++], values);
      if (negate)
        for (float &value : values)
          value = -value;
      if (inner) {
        std::memcpy(&tile[line * pitch + chunk * perChunk], values,
                    perChunk * sizeof(float));
        continue;
      }
      for (unsigned i = 0; i < perChunk; ++i)
        tile[(chunk * perChunk + i) * pitch + line] = values[i];
    }
}

void trine::sim::gatherRegistersA(const WgmmaForm &form,
                                  const uint32_t *const *a,
                                  std::vector<float> &tile) {
  const unsigned bytes = getElementBytes(form.a), perRegister = 4 / bytes;
  tile.resize(static_cast<size_t>(rowsPerGroup) * form.k);
  for (unsigned warp = 0; warp < warpsPerGroup; ++warp)
    for (unsigned reg = 0; reg < 4; ++reg)
      for (unsigned lane = 0; lane < lanesPerWarp; ++lane) {
        uint32_t word = a[4 * warp + reg][lane];
        for (unsigned sub = 0; sub < perRegister; ++sub) {
          MatrixPosition at = getFragmentA(16, perRegister, lane, reg, sub);
          float value = decodeElement(form.a, word >> (8 * bytes * sub));
          tile[(16 * warp + at.row) * form.k + at.column] =
              form.negateA ? -value : value;
        }
      }
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
    alignas(64) float tile[rowsPerGroup * 256];
    if (scaleD)
      visitAccumulators(n, 1, d, [&](uint32_t word, unsigned at) {
        tile[at] = floatFromBits(word);
      });
    else
      std::memset(tile, 0, sizeof(float) * m * n);
    accumulateF32(m, n, k, a.data(), b.data(), tile, mode);
    visitAccumulators(n, 1, d, [&](uint32_t &word, unsigned at) {
      word = bitsFromFloat(tile[at]);
    });
  }
  }
}
