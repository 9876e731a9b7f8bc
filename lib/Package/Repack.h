// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Brings a weight's bytes into the order that kernels read.
#ifndef TRINE_LIB_PACKAGE_REPACK_H
#define TRINE_LIB_PACKAGE_REPACK_H

#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::trine {

/// A box of the source tensor and its bytes in memory, see #trine.piece.
struct SourcePiece {
  /// The element at `into`.
  const uint8_t *data;
  llvm::SmallVector<int64_t> strides, into, sizes;
};

/// The whole of a row-major source.
SourcePiece wholeSource(plan::WeightOp weight, const uint8_t *data);

/// Calls `sink` with the stored form of `weight`, block by block in order.
/// `pieces` cover the source tensor, whose elements have `elementBytes`.
/// Elements that the stored form adds at borders are zero.
void repackWeight(plan::WeightOp weight, llvm::ArrayRef<SourcePiece> pieces,
                  uint64_t elementBytes,
                  llvm::function_ref<void(llvm::ArrayRef<uint8_t>)> sink);

/// f32 values rounded to nearest, ties to even, as bf16 or f16.
void narrowElements(llvm::ArrayRef<uint8_t> f32, Type to,
                    std::vector<uint8_t> &result);

} // namespace mlir::trine

#endif
