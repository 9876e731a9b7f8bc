// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Conversions with AVX2 and F16C.
#ifndef TRINE_RUNTIME_ENGRAM_CONVERTVECTORS_H
#define TRINE_RUNTIME_ENGRAM_CONVERTVECTORS_H

#include "Convert.h"

namespace trine::runtime::engram {

/// NULL where the plain conversion is as good.
ConvertFunction getAvx2Conversion(trine_engram_type from, trine_engram_type to);

} // namespace trine::runtime::engram

#endif
