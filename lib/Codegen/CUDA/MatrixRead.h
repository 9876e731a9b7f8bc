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
  /// Where rows are in blocks that lie further apart: rows of a block, and
  /// elements between blocks; row / blockRows · blockStride + row % blockRows ·
  /// pitch takes the place of row · pitch then. Else empty.
  std::string blockRows, blockStride;
  /// Whether columns are the terms of a sum, else rows are.
  bool sumsAreColumns = true;
};

/// `operand` as matrices whose rows begin at multiples of 16 bytes, if it is.
/// `others` are the rows or columns of the product; with `mayHaveBlocks` they
/// may be in blocks.
std::optional<MatrixRead> findMatrixRead(linalg::GenericOp product,
                                         OpOperand *operand, LoopGroup batch,
                                         LoopGroup others, LoopGroup sums,
                                         ElementWriter &sizes,
                                         bool mayHaveBlocks = false);

} // namespace mlir::trine::cuda

#endif
