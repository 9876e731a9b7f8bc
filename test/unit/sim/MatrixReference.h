// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The fragment tables of the PTX ISA ("Matrix Fragments for mma.m...") as the
/// document writes them, shape by shape.
#ifndef TRINE_TEST_UNIT_SIM_MATRIXREFERENCE_H
#define TRINE_TEST_UNIT_SIM_MATRIXREFERENCE_H

#include "device/sim/FloatFormat.h"
#include "device/sim/MatrixWarpgroup.h"
#include <cstring>
#include <utility>
#include <vector>

struct FragmentTable {
  using Position = std::pair<unsigned, unsigned>;
  const char *name;
  unsigned m, k;
  unsigned perRegister; ///< of A and B
  Position (*a)(unsigned lane, unsigned i);
  Position (*b)(unsigned lane, unsigned i);
  Position (*c)(unsigned lane, unsigned i);

  unsigned elementsA() const { return m * k / 32; }
  unsigned elementsB() const { return k * 8 / 32; }
  unsigned elementsC() const { return m * 8 / 32; }
};

namespace fragments {

inline unsigned group(unsigned lane) { return lane >> 2; }
inline unsigned thread(unsigned lane) { return lane % 4; }
using Position = FragmentTable::Position;

/// m16n8: rows groupID for c0, c1 and groupID + 8 for c2, c3.
inline Position c16(unsigned lane, unsigned i) {
  return {i < 2 ? group(lane) : group(lane) + 8, thread(lane) * 2 + (i & 1)};
}
inline Position c8(unsigned lane, unsigned i) {
  return {group(lane), thread(lane) * 2 + i};
}

} // namespace fragments

static const FragmentTable fragmentTables[] = {
    {"m16n8k8.f16", 16, 8, 2,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i < 2 ? group(lane) : group(lane) + 8,
               thread(lane) * 2 + (i & 1)};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) * 2 + i, group(lane)};
     },
     fragments::c16},
    {"m16n8k16.f16", 16, 16, 2,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       bool first = i < 2 || (i >= 4 && i < 6);
       unsigned column = thread(lane) * 2 + (i & 1);
       return {first ? group(lane) : group(lane) + 8,
               i < 4 ? column : column + 8};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       unsigned row = thread(lane) * 2 + (i & 1);
       return {i < 2 ? row : row + 8, group(lane)};
     },
     fragments::c16},
    {"m16n8k4.tf32", 16, 4, 1,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i == 0 ? group(lane) : group(lane) + 8, thread(lane)};
     },
     [](unsigned lane, unsigned) -> fragments::Position {
       using namespace fragments;
       return {thread(lane), group(lane)};
     },
     fragments::c16},
    {"m16n8k8.tf32", 16, 8, 1,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i == 0 || i == 2 ? group(lane) : group(lane) + 8,
               i == 0 || i == 1 ? thread(lane) : thread(lane) + 4};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i == 0 ? thread(lane) : thread(lane) + 4, group(lane)};
     },
     fragments::c16},
    {"m16n8k16.s8", 16, 16, 4,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i < 4 ? group(lane) : group(lane) + 8,
               thread(lane) * 4 + (i & 3)};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) * 4 + (i & 3), group(lane)};
     },
     fragments::c16},
    {"m16n8k32.s8", 16, 32, 4,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       bool first = i < 4 || (i >= 8 && i < 12);
       unsigned column = thread(lane) * 4 + (i & 3);
       return {first ? group(lane) : group(lane) + 8,
               i < 8 ? column : column + 16};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       unsigned row = thread(lane) * 4 + (i & 3);
       return {i < 4 ? row : row + 16, group(lane)};
     },
     fragments::c16},
    {"m8n8k16.s8", 8, 16, 4,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {group(lane), thread(lane) * 4 + i};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) * 4 + i, group(lane)};
     },
     fragments::c8},
    {"m8n8k4.f64", 8, 4, 1,
     [](unsigned lane, unsigned) -> fragments::Position {
       using namespace fragments;
       return {group(lane), thread(lane)};
     },
     [](unsigned lane, unsigned) -> fragments::Position {
       using namespace fragments;
       return {thread(lane), group(lane)};
     },
     fragments::c8},
    {"m16n8k16.f64", 16, 16, 1,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i % 2 == 0 ? group(lane) : group(lane) + 8,
               thread(lane) + 4 * (i / 2)};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) + 4 * i, group(lane)};
     },
     fragments::c16},
};

/// A small integer as an element.
inline uint32_t encodeElement(trine::sim::MatrixType type, int value) {
  using namespace trine::sim;
  switch (type) {
  case MatrixType::F16:
    return static_cast<uint32_t>(encodeFloat(FloatFormat::F16, value));
  case MatrixType::BF16:
    return static_cast<uint32_t>(encodeFloat(FloatFormat::BF16, value));
  case MatrixType::E4M3:
    return static_cast<uint32_t>(encodeFloat(FloatFormat::E4M3, value));
  case MatrixType::E5M2:
    return static_cast<uint32_t>(encodeFloat(FloatFormat::E5M2, value));
  case MatrixType::S8:
  case MatrixType::U8:
    return static_cast<uint8_t>(value);
  case MatrixType::S32:
    return static_cast<uint32_t>(value);
  default:
    return bitsFromFloat(static_cast<float>(value));
  }
}

/// The number in a word of an accumulator (f16: in its low half).
inline double decodeAccumulator(trine::sim::MatrixType type, uint32_t word) {
  using namespace trine::sim;
  if (type == MatrixType::F16)
    return decodeFloat(FloatFormat::F16, word & 0xFFFF);
  return type == MatrixType::S32 ? static_cast<int32_t>(word)
                                 : floatFromBits(word);
}

/// Shared memory from address 0 on.
struct SharedImage {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(1 << 18, 0xEE);
  void write(uint32_t address, trine::sim::MatrixType type, int value) {
    uint32_t bits = encodeElement(type, value);
    std::memcpy(&bytes[address], &bits, trine::sim::getElementBytes(type));
  }
};

/// The tables of wgmma's fragments: element i of a lane of a warp of the
/// warpgroup.
inline FragmentTable::Position findWgmmaA(unsigned elementBytes, unsigned warp,
                                          unsigned lane, unsigned i) {
  unsigned g = lane / 4, t = lane % 4;
  if (elementBytes == 2)
    return {16 * warp + g + 8 * ((i >> 1) & 1), 8 * (i >> 2) + 2 * t + (i & 1)};
  if (elementBytes == 1)
    return {16 * warp + g + 8 * ((i >> 2) & 1),
            16 * (i >> 3) + 4 * t + (i & 3)};
  return {16 * warp + g + 8 * (i & 1), t + 4 * (i >> 1)};
}
inline FragmentTable::Position findWgmmaD(unsigned warp, unsigned lane,
                                          unsigned i) {
  return {16 * warp + lane / 4 + 8 * ((i >> 1) & 1),
          8 * (i >> 2) + 2 * (lane % 4) + (i & 1)};
}

/// Writes extent × k values for a K-major or MN-major operand as a tensor copy
/// (or, without swizzle, core matrices of 8 × 16 bytes) would, and gives the
/// descriptor. value(mn, k).
template <typename Value>
inline trine::sim::MatrixDescriptor
placeTile(SharedImage &image, trine::sim::MatrixType type,
          trine::sim::Swizzle swizzle, bool mnMajor, unsigned extent,
          unsigned k, uint32_t start, Value value) {
  using namespace trine::sim;
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
      image.write(address, type, x);
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

#endif
