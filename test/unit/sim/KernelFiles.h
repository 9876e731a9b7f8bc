// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The checked-in PTX of kernels/.
#ifndef TRINE_TEST_UNIT_SIM_KERNELFILES_H
#define TRINE_TEST_UNIT_SIM_KERNELFILES_H

#include "trine/Runtime/PTXSimulator.h"
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

/// Empty when the file is missing.
inline std::string readKernelFile(const char *name) {
  std::ifstream file(std::string(TRINE_SIM_KERNEL_DIRECTORY) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Null, and the first problem, when the text is not understood.
inline std::shared_ptr<trine::sim::Module> loadKernels(const std::string &text,
                                                       std::string &error) {
  std::vector<trine::sim::Diagnostic> errors;
  std::shared_ptr<trine::sim::Module> module =
      trine::sim::Module::load(text, "kernels.ptx", errors);
  if (!module)
    error = errors.empty() ? "no module" : errors.front().str();
  return module;
}

#endif
