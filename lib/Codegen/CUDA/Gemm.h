// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Kernels whose root is a matrix product, on the GEMM skeleton
/// (runtime/kernels/Gemm.h).
#ifndef TRINE_LIB_CODEGEN_CUDA_GEMM_H
#define TRINE_LIB_CODEGEN_CUDA_GEMM_H

#include "Products.h"
#include "trine/Codegen/CUDA.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Runtime/KernelConfiguration.h"

namespace mlir::trine::cuda {

/// What a configuration is chosen by. Sizes: -1 when only the step knows.
struct GemmProblem {
  kernels::Element element = kernels::Element::F32;
  int64_t m = -1, n = -1, k = -1;
  /// Operands that can be copied in pieces of 16 bytes.
  bool copiesA = false, copiesB = false;
  kernels::WeightLayout layoutB = kernels::WeightLayout::RowMajor;
  /// Of these, operands that have tensor maps on sm_90a.
  bool mapsA = false, mapsB = false;
};

/// The configuration for a problem on an architecture. Tiles do not depend on
/// the architecture, so that a launch has as many workgroups on each.
kernels::GemmConfiguration configureGemm(const GemmProblem &problem,
                                         kernels::Architecture architecture);

/// Writes `kernel` as a call of the skeleton, and the function that counts its
/// workgroups into `module`. False: the kernel is no such product, for the
/// reason in `why`; nothing has changed then.
bool writeGemm(plan::KernelOp kernel, ModuleOp module,
               ArrayRef<std::string> architectures, CUDAKernel &result,
               std::string &why);

} // namespace mlir::trine::cuda

#endif
