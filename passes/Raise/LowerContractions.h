// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Matrix products as linalg, for the operators that are one.
#ifndef TRINE_PASSES_RAISE_LOWERCONTRACTIONS_H
#define TRINE_PASSES_RAISE_LOWERCONTRACTIONS_H

#include "ONNXLowering.h"

namespace mlir::trine {

/// [batch..., M, K] x [batch..., K, N] -> [batch..., M, N] in accumulation
/// type; batch dims broadcast as numpy does, and are never materialised. With a
/// rank-2 right side it is one linalg.matmul on [prod(batch) * M, K]; with
/// equal batch dims one linalg.batch_matmul; otherwise a linalg.generic whose
/// maps leave broadcast dims out.
ONNXLowering::Operand matrixProduct(ONNXLowering &lowering,
                                    ONNXLowering::Operand a,
                                    ONNXLowering::Operand b);

} // namespace mlir::trine

#endif
