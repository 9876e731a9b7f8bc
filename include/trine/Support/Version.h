// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_SUPPORT_VERSION_H
#define TRINE_SUPPORT_VERSION_H

#include "llvm/ADT/StringRef.h"

namespace mlir::trine {

/// As "0.1.0".
llvm::StringRef getVersion();

/// Makes `--version` of a tool print Trine's version and LLVM's.
void printVersionOnRequest();

} // namespace mlir::trine

#endif
