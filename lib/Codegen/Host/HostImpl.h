// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The steps of generateHostProgram below MLIR.
#ifndef TRINE_LIB_CODEGEN_HOST_HOSTIMPL_H
#define TRINE_LIB_CODEGEN_HOST_HOSTIMPL_H

#include "trine/Codegen/Host.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/OptimizationLevel.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>

namespace mlir::trine::host {

/// A processor to compile for.
struct Target {
  /// Part of symbol names and of the manifest.
  std::string name;
  std::string cpu, features;
  /// Bytes of a vector register.
  unsigned vectorBytes = 32;
  /// What a processor must have to run the code, by LLVM's names.
  std::vector<std::string> required;
};

/// The targets of `options`; an error names an unknown processor.
llvm::Expected<std::vector<Target>> chooseTargets(const HostOptions &options);

using Object = llvm::SmallVector<char, 0>;

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(const Target &target);

/// Symbol of kernel `index` in the variant `target`.
std::string kernelSymbol(unsigned index, const Target &target);

/// Gives functions their program-wide names, linkage and target, in place.
/// `kernels` are the kernels' names in table order.
void prepareKernels(llvm::Module &module, llvm::ArrayRef<std::string> kernels,
                    const Target &target, llvm::TargetMachine &machine);

/// Turns bf16 values, which only move at this level, into the integers that
/// hold their bits: rounding them again would need LLVM's compiler library.
void moveBFloatsAsIntegers(llvm::Function &function);

/// Optimises and emits a module.
llvm::Expected<Object> emitObject(llvm::Module &module,
                                  llvm::TargetMachine &machine,
                                  llvm::OptimizationLevel level);

/// Cuts a module into at most `parts` bitcode modules that can be compiled on
/// their own, in a way that depends on the module alone.
std::vector<Object> splitModule(std::unique_ptr<llvm::Module> module,
                                unsigned parts);

/// Adds kernel tables, trine_program structures and trine_program_query to the
/// module that holds trine_program_run. Without targets there is one program,
/// for any processor, whose kernels have no functions.
void addProgramTable(llvm::Module &module, llvm::ArrayRef<HostKernel> kernels,
                     llvm::ArrayRef<Target> targets);

/// Links objects to a shared object that needs libc and libm alone.
llvm::Error linkProgram(llvm::ArrayRef<Object> objects,
                        llvm::SmallVectorImpl<char> &sharedObject);

} // namespace mlir::trine::host

#endif
