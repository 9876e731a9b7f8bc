// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MLIR's language server, knowing Trine's dialects.
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "trine/Pipelines/Registration.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::trine::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry)) ? 1 : 0;
}
