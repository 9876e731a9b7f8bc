// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// program.so, loaded into this process.
#ifndef TRINE_RUNTIME_CORE_PROGRAM_H
#define TRINE_RUNTIME_CORE_PROGRAM_H

#include "Status.h"
#include "trine/Runtime/ProgramABI.h"
#include <string>

namespace trine::runtime {

class Program {
public:
  Program() = default;
  ~Program();
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  /// Loads the library at `path`, asks for its program, and checks that it
  /// speaks this runtime's ABI.
  Status load(const std::string &path);

  const trine_program &get() const { return *program; }

private:
  std::string registered; // canonical path, when counted as loaded
  void *library = nullptr;
  const trine_program *program = nullptr;
};

} // namespace trine::runtime

#endif
