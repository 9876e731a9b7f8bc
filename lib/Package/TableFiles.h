// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The Engram tables of a package, each in a file of its own.
#ifndef TRINE_LIB_PACKAGE_TABLEFILES_H
#define TRINE_LIB_PACKAGE_TABLEFILES_H

#include "mlir/IR/BuiltinOps.h"
#include "trine/Support/ModelFolder.h"
#include "llvm/Support/JSON.h"

namespace mlir::trine {

/// Writes every plan.table of the module into `folder`/tables, streamed from
/// the model's files, and gives the manifest's entries for them. With
/// `references`, the model's folder, tables stay in the model's files, and the
/// entries say where. Problems are diagnostics.
FailureOr<llvm::json::Array>
writeTables(ModuleOp module, ModelFolder &modelFolder, llvm::StringRef folder,
            std::optional<llvm::StringRef> references);

} // namespace mlir::trine

#endif
