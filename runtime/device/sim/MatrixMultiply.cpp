// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixMultiply.h"
#include "MatrixAccumulate.h"
#include "MatrixDecode.h"
#include "MatrixLayout.h"
#include <cstring>

using namespace trine::sim;

static std::string describe(const MmaForm &form) {
  return "mma.sync m" + std::to_string(form.m) + "n" + std::to_string(form.n) +
         "k" + std::to_string(form.k) + " " + getTypeName(form.d) + "." +
         getTypeName(form.a) + "." + getTypeName(form.b) + "." +
         getTypeName(form.c);
}

static bool hasShape(const MmaForm &form, unsigned m, unsigned n,
                     std::initializer_list<unsigned> ks) {
  if (form.m != m || form.n != n)
    return false;
  for (unsigned k : ks)
    if (form.k == k)
      return true;
  return false;
}

/// The rules of the operand type: which shapes and accumulators it has.
static bool isKnownForm(const MmaForm &form) {
  bool isFloat32 = form.d == MatrixType::F32 && form.c == MatrixType::F32;
  bool isFloat16 = form.d == MatrixType::F16 && form.c == MatrixType::F16;
  switch (form.a) {
  case MatrixType::F16:
    return form.b == form.a && (isFloat32 || isFloat16) &&
           hasShape(form, 16, 8, {8, 16});
  case MatrixType::BF16:
    return form.b == form.a && isFloat32 && hasShape(form, 16, 8, {8, 16});
  case MatrixType::TF32:
    return form.b == form.a && isFloat32 && hasShape(form, 16, 8, {4, 8});
  case MatrixType::E4M3:
  case MatrixType::E5M2:
    return (form.b == MatrixType::E4M3 || form.b == MatrixType::E5M2) &&
           (isFloat32 || isFloat16) && hasShape(form, 16, 8, {16, 32});
  case MatrixType::S8:
  case MatrixType::U8:
    return (form.b == MatrixType::S8 || form.b == MatrixType::U8) &&
           form.c == MatrixType::S32 && form.d == MatrixType::S32 &&
           (hasShape(form, 16, 8, {16, 32}) || hasShape(form, 8, 8, {16}));
  case MatrixType::F64:
    return form.b == form.a && form.c == form.a && form.d == form.a &&
           (hasShape(form, 8, 8, {4}) || hasShape(form, 16, 8, {4, 8, 16}));
  case MatrixType::F32:
  case MatrixType::S32:
    return false;
  }
  return false;
}

bool trine::sim::checkMmaForm(const MmaForm &form, MmaRegisters &registers,
                              std::string &error) {
  if (!isKnownForm(form)) {
    error = "'" + describe(form) +
            "' is not a matrix instruction of sm_80 to sm_90 that is supported";
    return false;
  }
  if (form.satFinite && !isIntegerType(form.a)) {
    error = "'.satfinite' of '" + describe(form) + "' needs integer operands";
    return false;
  }
  unsigned registerBytes = form.a == MatrixType::F64 ? 8 : 4;
  unsigned perLane = registerBytes * 32;
  registers.a = form.m * form.k * getElementBytes(form.a) / perLane;
  registers.b = form.k * form.n * getElementBytes(form.b) / perLane;
  registers.c = form.m * form.n * getElementBytes(form.c) / perLane;
  registers.d = form.m * form.n * getElementBytes(form.d) / perLane;
  return true;
}

/// Calls visit(register, lane, sub, position) for every element of a fragment.
template <typename Locate, typename Visit>
static void visitFragment(unsigned registers, unsigned perRegister,
                          Locate locate, Visit visit) {
  for (unsigned reg = 0; reg < registers; ++reg)
    for (unsigned lane = 0; lane < lanesPerWarp; ++lane)
      for (unsigned sub = 0; sub < perRegister; ++sub)
        visit(reg, lane, sub, locate(lane, reg, sub));
}

/// An operand's elements in a dense tile. Element `sub` of a register lies
/// `sub` steps of k after the first.
template <unsigned perRegister, typename Decode, typename First>
static void gatherFragment(unsigned registers, const uint32_t *const *words,
                           Decode decode, float *tile, unsigned kPitch,
                           First first) {
  for (unsigned reg = 0; reg < registers; ++reg)
    for (unsigned lane = 0; lane < lanesPerWarp; ++lane) {
      uint32_t word = words[reg][lane];
      float *target = tile + first(lane, reg);
      for (unsigned sub = 0; sub < perRegister; ++sub)
        target[sub * kPitch] = decode(word >> (32 / perRegister * sub));
    }
}

template <unsigned perRegister>
static void gatherOperands(const MmaForm &form, const uint32_t *const *a,
                           const uint32_t *const *b, float *aTile,
                           float *bTile) {
  const unsigned k = form.k, n = form.n;
  withDecoder(form.a, [&](auto decode) {
    gatherFragment<perRegister>(form.m * k / (32 * perRegister), a, decode,
                                aTile, 1, [&](unsigned lane, unsigned reg) {
                                  MatrixPosition at = getFragmentA(
                                      form.m, perRegister, lane, reg, 0);
                                  return at.row * k + at.column;
                                });
  });
  withDecoder(form.b, [&](auto decode) {
    gatherFragment<perRegister>(k * n / (32 * perRegister), b, decode, bTile, n,
                                [&](unsigned lane, unsigned reg) {
                                  MatrixPosition at =
                                      getFragmentB(perRegister, lane, reg, 0);
                                  return at.row * n + at.column;
                                });
  });
}

void trine::sim::multiplyMatrices(
    const MmaForm &form, const AccumulateMode &mode, const uint32_t *const *a,
    const uint32_t *const *b, const uint32_t *const *c, uint32_t *const *d) {
  const unsigned m = form.m, n = form.n, k = form.k;
  float aTile[16 * 32], bTile[32 * 8];
  switch (getElementBytes(form.a)) {
  case 1:
    gatherOperands<4>(form, a, b, aTile, bTile);
    break;
  case 2:
    gatherOperands<2>(form, a, b, aTile, bTile);
    break;
  default:
    gatherOperands<1>(form, a, b, aTile, bTile);
    break;
  }
  if (form.d == MatrixType::F32) {
    // Registers 2i and 2i + 1 are those of the block of rows 8i. D may name C's
    // registers in another order: read all of them first.
    uint32_t lanes[4][lanesPerWarp];
    const uint32_t *start[4];
    for (unsigned reg = 0; reg < 4; ++reg) {
      std::memcpy(lanes[reg], c[reg], sizeof(lanes[reg]));
      start[reg] = lanes[reg];
    }
    accumulateF32(m / 8, 1, k, aTile, bTile, start, d, mode);
    return;
  }
  if (form.d == MatrixType::F16) {
    uint16_t tile[16 * 8];
    auto locate = [&](unsigned lane, unsigned reg, unsigned sub) {
      return getFragmentC(m, 2, lane, reg, sub);
    };
    visitFragment(
        m * n / 64, 2, locate,
        [&](unsigned reg, unsigned lane, unsigned sub, MatrixPosition at) {
          tile[at.row * n + at.column] =
              static_cast<uint16_t>(c[reg][lane] >> (16 * sub));
        });
    accumulateF16(m, n, k, aTile, bTile, tile, mode);
    visitFragment(
        m * n / 64, 2, locate,
        [&](unsigned reg, unsigned lane, unsigned sub, MatrixPosition at) {
          uint32_t keep = sub ? d[reg][lane] & 0xFFFF : 0;
          d[reg][lane] = keep | uint32_t(tile[at.row * n + at.column])
                                    << (16 * sub);
        });
    return;
  }
  uint32_t words[16 * 8];
  auto locate = [&](unsigned lane, unsigned reg, unsigned sub) {
    return getFragmentC(m, 1, lane, reg, sub);
  };
  visitFragment(m * n / 32, 1, locate,
                [&](unsigned reg, unsigned lane, unsigned, MatrixPosition at) {
                  words[at.row * n + at.column] = c[reg][lane];
                });
  accumulateS32(m, n, k, aTile, bTile, words, form.satFinite);
  visitFragment(m * n / 32, 1, locate,
                [&](unsigned reg, unsigned lane, unsigned, MatrixPosition at) {
                  d[reg][lane] = words[at.row * n + at.column];
                });
}

void trine::sim::multiplyF64Matrices(const MmaForm &form,
                                     const uint64_t *const *a,
                                     const uint64_t *const *b,
                                     const uint64_t *const *c,
                                     uint64_t *const *d) {
  const unsigned m = form.m, n = form.n, k = form.k;
  double aTile[16 * 16], bTile[16 * 8], tile[16 * 8];
  visitFragment(
      m * k / 32, 1,
      [&](unsigned lane, unsigned reg, unsigned sub) {
        return getFragmentA(m, 1, lane, reg, sub);
      },
      [&](unsigned reg, unsigned lane, unsigned, MatrixPosition at) {
        aTile[at.row * k + at.column] = doubleFromBits(a[reg][lane]);
      });
  visitFragment(
      k * n / 32, 1,
      [&](unsigned lane, unsigned reg, unsigned sub) {
        return getFragmentB(1, lane, reg, sub);
      },
      [&](unsigned reg, unsigned lane, unsigned, MatrixPosition at) {
        bTile[at.row * n + at.column] = doubleFromBits(b[reg][lane]);
      });
  auto locate = [&](unsigned lane, unsigned reg, unsigned sub) {
    return getFragmentC(m, 1, lane, reg, sub);
  };
  visitFragment(m * n / 32, 1, locate,
                [&](unsigned reg, unsigned lane, unsigned, MatrixPosition at) {
                  tile[at.row * n + at.column] = doubleFromBits(c[reg][lane]);
                });
  accumulateF64(m, n, k, aTile, bTile, tile);
  visitFragment(m * n / 32, 1, locate,
                [&](unsigned reg, unsigned lane, unsigned, MatrixPosition at) {
                  d[reg][lane] = bitsFromDouble(tile[at.row * n + at.column]);
                });
}
