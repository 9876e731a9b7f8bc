// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Brings a weight's bytes into the order that kernels read.
#ifndef TRINE_LIB_PACKAGE_REPACK_H
#define TRINE_LIB_PACKAGE_REPACK_H

#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::trine {

/// Calls `sink` with the stored form of `weight`, block by block in order.
/// `source` holds the source tensor, row-major, elements of `elementBytes`.
/// Elements that the stored form adds at borders are zero.
void repackWeight(plan::WeightOp weight, llvm::ArrayRef<uint8_t> source,
                  uint64_t elementBytes,
                  llvm::function_ref<void(llvm::ArrayRef<uint8_t>)> sink);

} // namespace mlir::trine

#endif
