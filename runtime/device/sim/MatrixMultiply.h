// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// mma.sync: D = A·B + C by one warp, operands in registers.
#ifndef TRINE_RUNTIME_DEVICE_SIM_MATRIXMULTIPLY_H
#define TRINE_RUNTIME_DEVICE_SIM_MATRIXMULTIPLY_H

#include "MatrixTypes.h"
#include <string>

namespace trine::sim {

/// mma.sync.aligned.m<m>n<n>k<k>.row.col{.satfinite}.<d>.<a>.<b>.<c>
struct MmaForm {
  unsigned m = 0, n = 0, k = 0;
  MatrixType d = MatrixType::F32, a = MatrixType::F16, b = MatrixType::F16,
             c = MatrixType::F32;
  bool satFinite = false;
};

/// Registers per lane: of 64 bits for f64, else of 32.
struct MmaRegisters {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

/// Whether the instruction exists; otherwise `error` says why not. All shapes
/// of dense f16, bf16, tf32, e4m3, e5m2, f64, s8 and u8 operands of sm_80 to
/// sm_90, but for the m8n8k4 f16 form of sm_70.
bool checkMmaForm(const MmaForm &form, MmaRegisters &registers,
                  std::string &error);

/// Every operand is one pointer per register, to 32 lanes. D may be C. The form
/// must have been checked; f64 forms have their own function.
void multiplyMatrices(const MmaForm &form, const AccumulateMode &mode,
                      const uint32_t *const *a, const uint32_t *const *b,
                      const uint32_t *const *c, uint32_t *const *d);
void multiplyF64Matrices(const MmaForm &form, const uint64_t *const *a,
                         const uint64_t *const *b, const uint64_t *const *c,
                         uint64_t *const *d);

} // namespace trine::sim

#endif
