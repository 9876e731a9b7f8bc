// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// wgmma.mma_async: D = A·B + D by four warps, B (and A, or not) in shared
/// memory by a 64-bit descriptor. Functions on plain bytes: the caller does the
/// memory access, its checks and its timing. Source: PTX ISA, "Asynchronous
/// Warpgroup Level Matrix Instructions".
#ifndef TRINE_RUNTIME_DEVICE_SIM_MATRIXWARPGROUP_H
#define TRINE_RUNTIME_DEVICE_SIM_MATRIXWARPGROUP_H

#include "MatrixTypes.h"
#include "TensorSwizzle.h"
#include <string>
#include <vector>

namespace trine::sim {

/// Bytes of shared memory, decoded: bits 0-13 start >> 4, 16-29 leading offset
/// >> 4, 32-45 stride offset >> 4, 49-51 base offset, 62-63 swizzle (0 none, 1
/// 128 B, 2 64 B, 3 32 B).
struct MatrixDescriptor {
  uint32_t start = 0;
  uint32_t leadingOffset = 0;
  uint32_t strideOffset = 0;
  uint8_t baseOffset = 0;
  Swizzle swizzle = Swizzle::None;
};

MatrixDescriptor decodeMatrixDescriptor(uint64_t bits);
uint64_t encodeMatrixDescriptor(const MatrixDescriptor &descriptor);

/// wgmma.mma_async.sync.aligned.m64n<n>k<k>.<d>.<a>.<b>{.satfinite}
struct WgmmaForm {
  unsigned n = 0, k = 0;
  MatrixType d = MatrixType::F32, a = MatrixType::F16, b = MatrixType::F16;
  bool aInRegisters = false;
  /// The transpose immediates: MN-major operands in shared memory, 16-bit types
  /// alone.
  bool aTransposed = false, bTransposed = false;
  /// imm-scale of −1.
  bool negateA = false, negateB = false;
  bool satFinite = false;
};

/// Registers per lane, of 32 bits.
struct WgmmaRegisters {
  unsigned a = 0, d = 0;
};

/// Whether the instruction exists; otherwise `error` says why not.
bool checkWgmmaForm(const WgmmaForm &form, WgmmaRegisters &registers,
                    std::string &error);

/// Which operand a descriptor stands for.
enum class WgmmaOperand : uint8_t { A, B };

/// The shared addresses of the 16-byte chunks that an operand is read from, in
/// the order that gatherOperand() takes them; each is a multiple of 16. False
/// with `error` when the descriptor is not one that is understood (base offset,
/// start not aligned).
bool listOperandChunks(const WgmmaForm &form, WgmmaOperand operand,
                       const MatrixDescriptor &descriptor,
                       std::vector<uint32_t> &addresses, std::string &error);

/// The operand as dense floats, A as 64 × k and B as k × n, negated if the form
/// says so. Chunk i lies at shared + addresses[i].
void gatherOperand(const WgmmaForm &form, WgmmaOperand operand,
                   const uint8_t *shared,
                   const std::vector<uint32_t> &addresses,
                   std::vector<float> &tile);
/// A from registers: a[4·warp registers ...], registers of warp 0 first; 32
/// lanes each.
void gatherRegistersA(const WgmmaForm &form, const uint32_t *const *a,
                      std::vector<float> &tile);

/// D = A·B + D, or A·B when not `scaleD` (D is not read then). d: registers of
/// warp 0 first, 32 lanes each.
void multiplyTiles(const WgmmaForm &form, const AccumulateMode &mode,
                   bool scaleD, const std::vector<float> &a,
                   const std::vector<float> &b, uint32_t *const *d);

} // namespace trine::sim

#endif
