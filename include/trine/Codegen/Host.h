// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// From a planned module to program.so for x86-64 processors.
#ifndef TRINE_CODEGEN_HOST_H
#define TRINE_CODEGEN_HOST_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace mlir::trine {

struct HostOptions {
  /// Empty: code for x86-64-v3 and x86-64-v4 in one program, chosen by the
  /// processor it runs on. Otherwise one variant: "native", or a processor by
  /// LLVM's name, such as "znver4" or "x86-64-v4".
  std::string cpu;
  /// Compiler threads; 0: one per core. The result does not depend on it.
  unsigned threads = 0;
};

/// One set of kernels in the program.
struct HostVariant {
  std::string name;
  /// Processor features that the code needs, by LLVM's names.
  std::vector<std::string> features;
};

struct HostKernel {
  std::string name, skeleton;
};

/// What was compiled, for the manifest and for people.
struct HostReport {
  std::vector<HostVariant> variants;
  /// In the order of the program's kernel table.
  std::vector<HostKernel> kernels;
  /// Wall time in seconds: passes, LLVM with object code, link.
  double passSeconds = 0, llvmSeconds = 0, linkSeconds = 0;
};

/// Compiles `planned` (plan level, memref form, with a memory plan) to a
/// shared object that follows include/trine/Runtime/ProgramABI.h. `planned`
/// is not changed. Problems are reported as diagnostics at their kernels. The
/// same module and options give the same bytes.
LogicalResult generateHostProgram(ModuleOp planned, const HostOptions &options,
                                  SmallVectorImpl<char> &sharedObject,
                                  HostReport &report);

/// Compiles a launch sequence alone, for a device whose kernels are not host
/// code: `sequence` holds `trine_program_run` and the functions that count
/// workgroups, and is consumed. The kernels of the program's table have names
/// and no functions. The code runs on every x86-64 processor.
LogicalResult generateSequenceProgram(ModuleOp sequence,
                                      ArrayRef<HostKernel> kernels,
                                      SmallVectorImpl<char> &sharedObject);

} // namespace mlir::trine

#endif
