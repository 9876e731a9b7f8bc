// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs any pass or pipeline of Trine on MLIR text: every stage of the compiler,
// alone.
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "trine/Pipelines/Registration.h"
#include "trine/Support/Version.h"

int main(int argc, char **argv) {
  mlir::trine::printVersionOnRequest();
  mlir::DialectRegistry registry;
  mlir::trine::registerAllDialects(registry);
  mlir::trine::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Trine optimizer driver\n", registry));
}
