// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Kernels that reduce rows, and compute elements from what came of it: norms,
/// softmax, sums and maxima.
#ifndef TRINE_LIB_CODEGEN_CUDA_ROWS_H
#define TRINE_LIB_CODEGEN_CUDA_ROWS_H

#include "trine/Codegen/CUDA.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Runtime/KernelConfiguration.h"

namespace mlir::trine::cuda {

/// What the choice of a configuration knows of a kernel.
struct RowsProblem {
  /// -1: not known.
  int64_t rows = -1, columns = -1;
  /// Whether neighbours of a row are neighbours in the memory of an operand.
  bool isContiguous = true;
};

/// Who reduces a row.
::trine::kernels::ReduceConfiguration configureRows(const RowsProblem &problem);

/// Writes the kernel as one call of `rows`, and defines its count of workgroups
/// in `module`. False, with the reason in `why`: it has another form.
bool writeRows(plan::KernelOp kernel, ModuleOp module, CUDAKernel &result,
               std::string &why);

} // namespace mlir::trine::cuda

#endif
