// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Support/Version.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

llvm::StringRef mlir::trine::getVersion() { return TRINE_VERSION_STRING; }

void mlir::trine::printVersionOnRequest() {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "trine " << getVersion() << " (LLVM " LLVM_VERSION_STRING ")\n";
  });
}
