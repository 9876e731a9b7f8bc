// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_SUPPORT_QUOTE_H
#define TRINE_SUPPORT_QUOTE_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir::trine {

/// `text` in single quotes, unprintable characters escaped, cut after 200
/// characters: for names that come from a file.
std::string quote(llvm::StringRef text);

} // namespace mlir::trine

#endif
