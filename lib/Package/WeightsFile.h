// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Writes weights.safetensors.
#ifndef TRINE_LIB_PACKAGE_WEIGHTSFILE_H
#define TRINE_LIB_PACKAGE_WEIGHTSFILE_H

#include "HashedFile.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::trine {

/// Writes the stored form of every plan.weight of the module at the offsets of
/// placeWeights. `dataOffset` gets the start of the data section in the file, a
/// multiple of the page size. Problems are diagnostics at their weights.
LogicalResult writeWeights(ModuleOp module, llvm::StringRef modelFolder,
                           HashedFile &file, uint64_t &dataOffset);

} // namespace mlir::trine

#endif
