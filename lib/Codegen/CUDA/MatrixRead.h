// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Operands of products that lie in memory as matrices, so that pieces of rows
/// can be copied.
#ifndef TRINE_LIB_CODEGEN_CUDA_MATRIXREAD_H
#define TRINE_LIB_CODEGEN_CUDA_MATRIXREAD_H

#include "StridedRead.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::trine::cuda {

/// Loops that a skeleton sees as one index, outermost first, with their sizes
/// as texts.
struct LoopGroup {
  ArrayRef<unsigned> loops;
  ArrayRef<std::string> sizes;
};

/// Element (batch, row, column) is
/// pointer[batch % batches · stride + row · pitch + column].
struct MatrixRead {
  std::string pointer, pitch, stride, batches;
  /// Whether columns are the terms of a sum, else rows are.
  bool sumsAreColumns = true;
};

/// `operand` as matrices whose rows begin at multiples of 16 bytes, if it is.
/// `others` are the rows or columns of the product.
std::optional<MatrixRead> findMatrixRead(linalg::GenericOp product,
                                         OpOperand *operand, LoopGroup batch,
                                         LoopGroup others, LoopGroup sums,
                                         ElementWriter &sizes);

} // namespace mlir::trine::cuda

#endif
