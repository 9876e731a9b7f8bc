// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// D = A·B + C on tiles: what mma and wgmma share. Operands are dense floats, A
/// m × k and B k × n, row-major; accumulators are the words of registers.
#ifndef TRINE_RUNTIME_DEVICE_SIM_MATRIXACCUMULATE_H
#define TRINE_RUNTIME_DEVICE_SIM_MATRIXACCUMULATE_H

#include "MatrixTypes.h"

namespace trine::sim {

/// The F32 accumulators of `rowBlocks` × `columnBlocks` blocks of 8 × 8: block
/// (i, j) is in the registers blocks[2·(i·columnBlocks + j)] (even columns) and
/// the next (odd columns), 32 lanes each: lane l has row l / 4, columns 2·(l %
/// 4) and one more. D may be C; without C, it is zero. A NaN in D is the
/// canonical one.
void accumulateF32(unsigned rowBlocks, unsigned columnBlocks, unsigned k,
                   const float *a, const float *b, const uint32_t *const *c,
                   uint32_t *const *d, const AccumulateMode &mode);

/// Dense F16 accumulators, m × n, in place. Sums of the Exact mode are rounded
/// once.
void accumulateF16(unsigned m, unsigned n, unsigned k, const float *a,
                   const float *b, uint16_t *c, const AccumulateMode &mode);
/// Dense S32 accumulators, in place; A and B are integers of 8 bits. Wraps, or
/// clamps with `saturate`.
void accumulateS32(unsigned m, unsigned n, unsigned k, const float *a,
                   const float *b, uint32_t *c, bool saturate);
/// F64, one fused multiply-add per product, in the order of k.
void accumulateF64(unsigned m, unsigned n, unsigned k, const double *a,
                   const double *b, double *c);

} // namespace trine::sim

#endif
