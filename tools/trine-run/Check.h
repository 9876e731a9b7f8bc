// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Inputs that are made up, and outputs that are compared: what a machine
/// needs that has a runtime and packages alone.
#ifndef TRINE_TOOLS_TRINE_RUN_CHECK_H
#define TRINE_TOOLS_TRINE_RUN_CHECK_H

#include "Options.h"
#include "trine/Runtime/TensorFile.h"

namespace trine::run {

/// Adds an input of small random numbers, all exact in 16 bits, for each of the
/// package that `tensors` lacks; integers are 0, bools true. Symbols have the
/// sizes of `options`.
bool makeRandomInputs(const Options &options, const trine_package *package,
                      std::vector<runtime::HostTensor> &tensors,
                      std::string &error);

/// Compares outputs with those of the same name in a file, and prints the
/// largest error of each: of floats relative to the largest expected number,
/// against the package's tolerance; others must be equal. False with `error`
/// when one differs.
bool compareOutputs(const std::string &file, const trine_package *package,
                    const std::vector<trine_tensor> &outputs,
                    std::string &error);

} // namespace trine::run

#endif
