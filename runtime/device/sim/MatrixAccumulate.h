// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// D = A·B + C on dense tiles: what mma and wgmma share.
#ifndef TRINE_RUNTIME_DEVICE_SIM_MATRIXACCUMULATE_H
#define TRINE_RUNTIME_DEVICE_SIM_MATRIXACCUMULATE_H

#include "MatrixTypes.h"
#include <vector>

namespace trine::sim {

/// The element as a float; exact for every type of 4 bytes or less but S32.
/// TF32 ignores its low 13 bits.
float decodeElement(MatrixType type, uint32_t bits);

/// c[m][n] += a[m][k]·b[k][n] with F32 accumulators. n is a multiple of 8, m of
/// 4; all dense and row-major. A NaN in c is the canonical one.
void accumulateF32(unsigned m, unsigned n, unsigned k, const float *a,
                   const float *b, float *c, const AccumulateMode &mode);
/// The same with F16 accumulators, as bits. Sums of the Exact mode are rounded
/// once.
void accumulateF16(unsigned m, unsigned n, unsigned k, const float *a,
                   const float *b, uint16_t *c, const AccumulateMode &mode);
/// Integers of 8 bits held as floats. Wraps, or clamps with `saturate`.
void accumulateS32(unsigned m, unsigned n, unsigned k, const float *a,
                   const float *b, uint32_t *c, bool saturate);
/// F64, one fused multiply-add per product, in the order of k.
void accumulateF64(unsigned m, unsigned n, unsigned k, const double *a,
                   const double *b, double *c);

} // namespace trine::sim

#endif
