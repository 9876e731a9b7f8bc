// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Kernels whose elements are computed one by one: maps, copies, gathers,
/// joins, and sums of few terms (the combination of experts), on the skeleton
/// runtime/kernels/Elementwise.h.
#ifndef TRINE_LIB_CODEGEN_CUDA_ELEMENTWISE_H
#define TRINE_LIB_CODEGEN_CUDA_ELEMENTWISE_H

#include "trine/Codegen/CUDA.h"
#include "trine/Dialect/Plan/Plan.h"

namespace mlir::trine::cuda {

/// As writeGemm.
bool writeElementwise(plan::KernelOp kernel, ModuleOp module,
                      CUDAKernel &result, std::string &why);

} // namespace mlir::trine::cuda

#endif
