// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// NVIDIA's assembler of PTX, run where it is found: for what a kernel takes of
/// a multiprocessor, and for its machine code. Nothing needs it: the driver
/// assembles what is run.
#ifndef TRINE_LIB_CODEGEN_CUDA_ASSEMBLER_H
#define TRINE_LIB_CODEGEN_CUDA_ASSEMBLER_H

#include "NVRTC.h"
#include "trine/Codegen/CUDA.h"
#include <optional>

namespace mlir::trine::cuda {

class Assembler {
public:
  /// $TRINE_PTXAS, ptxas of $CUDA_HOME, of the usual toolkit, or in $PATH.
  static std::optional<Assembler> find();

  /// What `ptxas -v` says of the one kernel of `ptx`, kept in `cache`; the
  /// error holds ptxas's words.
  llvm::Expected<CUDAResources> measure(const std::string &ptx,
                                        llvm::StringRef name,
                                        llvm::StringRef architecture,
                                        const KernelCache &cache) const;

  /// Machine code of the one kernel of `ptx`, kept in `cache`.
  llvm::Expected<std::string> assemble(const std::string &ptx,
                                       llvm::StringRef name,
                                       llvm::StringRef architecture,
                                       const KernelCache &cache) const;

  /// Reads what ptxas wrote; none if it names no registers.
  static std::optional<CUDAResources> parse(llvm::StringRef text);

private:
  llvm::Error run(const std::string &ptx, llvm::StringRef name,
                  llvm::StringRef architecture, std::string &text,
                  std::string &code) const;

  std::string program;
};

} // namespace mlir::trine::cuda

#endif
