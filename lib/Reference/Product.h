// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What matrix products of every element type have in common.
#ifndef TRINE_LIB_REFERENCE_PRODUCT_H
#define TRINE_LIB_REFERENCE_PRODUCT_H

#include "Operator.h"

namespace mlir::trine::reference {

/// The sizes of NumPy's matmul of `a` and `b`: batch dimensions broadcast;
/// operands of rank 1 are a row on the left, a column on the right.
struct StackedProduct {
  /// Fails, as the operator, where the shapes cannot be multiplied.
  static FailureOr<StackedProduct> create(OperatorCall &call, const Tensor &a,
                                          const Tensor &b);

  int64_t m, k, n;
  llvm::SmallVector<int64_t> batch;
  /// Of the matrices of `a` and of `b`, for each dimension of `batch`.
  std::array<llvm::SmallVector<int64_t>, 2> strides;
  /// The result's shape; `full` has both of the matrices' dimensions.
  llvm::SmallVector<int64_t> shape, full;
};

} // namespace mlir::trine::reference

#endif
