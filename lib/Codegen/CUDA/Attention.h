// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Kernels that hold trine.attention, on the attention skeleton
/// (runtime/kernels/Attention.h).
#ifndef TRINE_LIB_CODEGEN_CUDA_ATTENTION_H
#define TRINE_LIB_CODEGEN_CUDA_ATTENTION_H

#include "trine/Codegen/CUDA.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Runtime/KernelConfiguration.h"

namespace mlir::trine::cuda {

namespace kernels = ::trine::kernels;

/// Completes what the problem leaves free: tiles and stages that fit into
/// shared memory, wgmma where it wastes no rows. Vectors: all rows can be
/// copied in pieces of 16 bytes. False: none fits.
bool configureAttention(kernels::AttentionConfiguration &configuration,
                        kernels::Architecture architecture, bool vectors);

/// As writeGemm.
bool writeAttention(plan::KernelOp kernel, ModuleOp module,
                    ArrayRef<std::string> architectures, CUDAKernel &result,
                    std::string &why);

} // namespace mlir::trine::cuda

#endif
