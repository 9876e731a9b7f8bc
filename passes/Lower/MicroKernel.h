// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Vector code for products over memrefs.
#ifndef TRINE_PASSES_LOWER_MICROKERNEL_H
#define TRINE_PASSES_LOWER_MICROKERNEL_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::trine {

/// On a product whose left matrix comes from memory rather than from a cache:
/// its next rows are fetched while these are multiplied.
inline constexpr llvm::StringLiteral kStreamsRows = "trine.streams_rows";

/// Replaces `op`, a product for which isFloatProduct holds and whose operands
/// are memrefs, by register-tiled vector code. Fails, and changes nothing, if
/// no pair of its loops is contiguous in memory in a way that suits vectors.
LogicalResult emitMicroKernel(RewriterBase &rewriter, linalg::GenericOp op,
                              unsigned vectorBytes);

/// The same for a product whose left rows are gathered: an operand of `op`
/// holds numbers of rows, and its body loads x[row, k]. Fails for all other
/// ops.
LogicalResult emitGatheredMicroKernel(RewriterBase &rewriter,
                                      linalg::GenericOp op,
                                      unsigned vectorBytes);

} // namespace mlir::trine

#endif
