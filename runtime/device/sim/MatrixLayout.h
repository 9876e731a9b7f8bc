// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Which lane and register holds which matrix element, for mma.sync and wgmma,
/// and the lane exchange of ldmatrix, stmatrix and movmatrix. Source: PTX ISA,
/// "Warp Level Matrix Instructions" and "Asynchronous Warpgroup Level Matrix
/// Instructions".
#ifndef TRINE_RUNTIME_DEVICE_SIM_MATRIXLAYOUT_H
#define TRINE_RUNTIME_DEVICE_SIM_MATRIXLAYOUT_H

#include <cstdint>

namespace trine::sim {

constexpr unsigned lanesPerWarp = 32;

struct MatrixPosition {
  unsigned row;
  unsigned column;
};

/// Element `sub` of register `reg` of a lane. `perRegister` is the number of
/// elements in one register: 1 (tf32, f32, s32, f64), 2 (16-bit) or 4 (8-bit).
///
/// A is m × k (row, k); m is 8 or 16. For wgmma, of the 16 rows of the lane's
/// warp.
inline MatrixPosition getFragmentA(unsigned m, unsigned perRegister,
                                   unsigned lane, unsigned reg, unsigned sub) {
  // Registers alternate between the upper and the lower eight rows, if there
  // are two.
  unsigned second = m == 16 ? reg & 1 : 0, step = m == 16 ? reg >> 1 : reg;
  return {(lane >> 2) + 8 * second,
          perRegister * ((lane & 3) + 4 * step) + sub};
}

/// B is k × n (k, column).
inline MatrixPosition getFragmentB(unsigned perRegister, unsigned lane,
                                   unsigned reg, unsigned sub) {
  return {perRegister * ((lane & 3) + 4 * reg) + sub, lane >> 2};
}

/// C and D are m × n; perRegister is 2 for f16 and 1 for others. For wgmma, of
/// the 16 rows of the lane's warp, and registers run over all columns.
inline MatrixPosition getFragmentC(unsigned m, unsigned perRegister,
                                   unsigned lane, unsigned reg, unsigned sub) {
  unsigned element = reg * perRegister + sub, pair = element >> 1;
  unsigned second = m == 16 ? pair & 1 : 0, step = m == 16 ? pair >> 1 : pair;
  return {(lane >> 2) + 8 * second, 2 * (lane & 3) + (element & 1) + 8 * step};
}

/// ldmatrix of `count` (1, 2, 4) 8×8 matrices of 16-bit elements. rows[8·j + r]
/// is row r of matrix j (16 bytes), at the address that lane 8·j + r holds; the
/// addresses of other lanes are not used. registers[j] points to 32 lanes.
void loadMatrices(unsigned count, bool transpose, const uint8_t (*rows)[16],
                  uint32_t *const *registers);
/// stmatrix: the inverse.
void storeMatrices(unsigned count, bool transpose,
                   const uint32_t *const *registers, uint8_t (*rows)[16]);
/// movmatrix.sync.aligned.m8n8.trans.b16, over 32 lanes; `result` may be
/// `source`.
void transposeMatrix(const uint32_t *source, uint32_t *result);

} // namespace trine::sim

#endif
