// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Vector code for products over memrefs.
#ifndef TRINE_PASSES_LOWER_MICROKERNEL_H
#define TRINE_PASSES_LOWER_MICROKERNEL_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::trine {

/// On a product that asks memory for what the next one of its kind reads,
/// evenly while it multiplies: DenseI64Array of the number of an operand (a
/// matrix), how many rows behind its first one to begin, and how many rows to
/// ask for.
inline constexpr llvm::StringLiteral kStreams = "trine.streams";

/// On a product whose number of columns is a multiple of 16, though not known:
/// whatever the vectors, none is cut off.
inline constexpr llvm::StringLiteral kWholeVectors = "trine.whole_vectors";

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
