// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Conversions with AVX2 and F16C, or AVX-512 VBMI.
#ifndef TRINE_RUNTIME_ENGRAM_CONVERTVECTORS_H
#define TRINE_RUNTIME_ENGRAM_CONVERTVECTORS_H

#include "Convert.h"

namespace trine::runtime::engram {

/// NULL where the plain conversion is as good.
ConvertFunction getAvx2Conversion(trine_engram_type from, trine_engram_type to);
/// Needs avx512f, avx512bw, avx512vl, avx512vbmi, and what AVX2's need. NULL
/// where those are as good.
ConvertFunction getAvx512Conversion(trine_engram_type from,
                                    trine_engram_type to);

} // namespace trine::runtime::engram

#endif
