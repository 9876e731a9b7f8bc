// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_TOOLS_TRINE_RUN_INFORMATION_H
#define TRINE_TOOLS_TRINE_RUN_INFORMATION_H

#include "trine/Runtime/trine.h"
#include <string>

namespace trine::run {

/// "f32 [batch, seq, 160]"
std::string formatType(const trine_tensor_info &info);
/// "f32 [2, 5, 160]"
std::string formatType(const trine_tensor &tensor);

/// Prints what the package is: for trine-run --info.
void printInformation(const trine_package *package);

} // namespace trine::run

#endif
