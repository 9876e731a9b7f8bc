// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What a manifest says about weights that are stored in a narrower type.
#ifndef TRINE_LIB_PACKAGE_NARROWEDWEIGHTS_H
#define TRINE_LIB_PACKAGE_NARROWEDWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace mlir::trine {

/// {"type": "bf16", "ranges": [[file, offset, bytes], ...], "kept": [...]}:
/// the bytes of the model's f32 weights that are stored as that type, and those
/// of them that are stored as they are, too, for other readers. Ranges are
/// sorted, and none touches another. "computed": true if weights are narrowed
/// that were computed from others. None if no weight is narrowed.
std::optional<llvm::json::Object> describeNarrowedWeights(ModuleOp planned);

} // namespace mlir::trine

#endif
