// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Writes weights.safetensors.
#ifndef TRINE_LIB_PACKAGE_WEIGHTSFILE_H
#define TRINE_LIB_PACKAGE_WEIGHTSFILE_H

#include "HashedFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Support/ModelFolder.h"

namespace mlir::trine {

/// Hands the stored form of a weight to `sink`, in order and in blocks, without
/// holding more than a little of it in memory. Problems are diagnostics.
LogicalResult
readWeight(plan::WeightOp weight, ModelFolder &modelFolder,
           llvm::function_ref<void(llvm::ArrayRef<uint8_t>)> sink);

/// Writes the stored form of every plan.weight of the module at the offsets of
/// placeWeights. `dataOffset` gets the start of the data section in the file, a
/// multiple of the page size. Problems are diagnostics at their weights.
LogicalResult writeWeights(ModuleOp module, ModelFolder &modelFolder,
                           HashedFile &file, uint64_t &dataOffset);

} // namespace mlir::trine

#endif
