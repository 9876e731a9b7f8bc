// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Kernels of experts: trine.moe.route, trine.moe.group and
/// trine.moe.grouped_matmul, on their skeletons (runtime/kernels/Route.h,
/// Group.h, GroupedGemm.h).
#ifndef TRINE_LIB_CODEGEN_CUDA_EXPERTS_H
#define TRINE_LIB_CODEGEN_CUDA_EXPERTS_H

#include "Products.h"
#include "trine/Codegen/CUDA.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Runtime/KernelConfiguration.h"

namespace mlir::trine::cuda {

/// What a grouped product's configuration is chosen by.
struct GroupedProblem {
  kernels::Element element = kernels::Element::F32;
  /// Columns of the result, terms of a sum; -1 when only the step knows.
  int64_t n = -1, k = -1;
  bool gated = false;
  /// Operands that can be copied in pieces of 16 bytes.
  bool copiesA = false, copiesB = false;
  /// Whether the weight has a tensor map on sm_90a. Rows are gathered.
  bool mapsB = false;
};

/// The configuration for a problem on an architecture. Tiles do not depend on
/// the architecture, so that a launch has as many workgroups on each.
kernels::GemmConfiguration configureGrouped(const GroupedProblem &problem,
                                            kernels::Architecture architecture);

/// As writeGemm.
bool writeExperts(plan::KernelOp kernel, ModuleOp module,
                  ArrayRef<std::string> architectures, CUDAKernel &result,
                  std::string &why);

} // namespace mlir::trine::cuda

#endif
