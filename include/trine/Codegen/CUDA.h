// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// From a planned module to CUDA kernels: source text, PTX, and the launch
/// sequence that goes with them.
#ifndef TRINE_CODEGEN_CUDA_H
#define TRINE_CODEGEN_CUDA_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "trine/Runtime/TensorMapRecord.h"

#include <string>
#include <vector>

namespace mlir::func {
class FuncOp;
}

namespace mlir::trine {

namespace cuda {

/// Who computes a workgroup of a generic kernel.
enum class Granularity {
  /// A block: its threads share every operation on whole buffers.
  Block,
  /// A thread: the kernel has scalar loops whose order matters.
  Thread,
  /// A thread that has what it computes in registers (Rows.h).
  Row
};

/// How a generic kernel is launched.
struct GenericConfiguration {
  Granularity granularity = Granularity::Block;
  /// Threads of a block, a multiple of 32, or 1.
  unsigned threads = 128;
  /// Workgroups that one block computes.
  unsigned workgroupsPerBlock = 1;
};

/// The configuration of a kernel's function (after trine-bufferize-kernels).
/// Depends on the function alone.
GenericConfiguration configureGeneric(func::FuncOp function);

} // namespace cuda

struct CUDAOptions {
  /// "sm_80", "sm_90a".
  std::vector<std::string> architectures;
  /// NVRTC's library; empty: looked for.
  std::string nvrtc;
  /// Where compiled kernels are kept; empty: not kept.
  std::string cacheFolder;
  /// Compiler threads; 0: one per core.
  unsigned threads = 0;
  /// Stop at the source text: no NVRTC is needed, and there is no PTX.
  bool sourceOnly = false;
  /// Assemble the PTX to see what it takes, where ptxas is found.
  bool resources = false;
  /// Make machine code of each kernel, too: by ptxas where it is found, else by
  /// NVRTC.
  bool cubin = false;
};

/// How a kernel is launched on one architecture.
struct CUDALaunch {
  unsigned threads = 0;
  /// Dynamic shared memory.
  int64_t sharedBytes = 0;
  /// Tensor maps that follow the words.
  std::vector<::trine::runtime::TensorMapRecord> maps;
};

/// What a kernel takes of a multiprocessor, as ptxas says. Bytes but for
/// registers; per thread but for shared memory.
struct CUDAResources {
  unsigned registers = 0;
  /// Static; dynamic shared memory is the launch's.
  int64_t sharedBytes = 0;
  int64_t stackBytes = 0;
  /// Stores and loads of registers that did not suffice.
  int64_t spillBytes = 0;
};

/// One kernel of a CUDA program.
struct CUDAKernel {
  std::string name, skeleton;
  /// CUDA C++, for NVRTC and for people.
  std::string source;
  /// By architecture, in the order of the options.
  std::vector<std::string> ptx;
  /// Machine code, as `ptx`; empty when not asked for.
  std::vector<std::string> cubins;
  std::vector<CUDALaunch> launches;
  /// By architecture; empty when not asked for, or without ptxas.
  std::vector<CUDAResources> resources;
  unsigned workgroupsPerBlock = 1;
  /// Why a product, attention or experts are on no skeleton of their own; empty
  /// when they are.
  std::string fallback;
};

struct CUDAProgram {
  std::vector<std::string> architectures;
  /// By the number that launches use.
  std::vector<CUDAKernel> kernels;
  /// `trine_program_run` and the functions that count workgroups.
  OwningOpRef<ModuleOp> sequence;
  /// "13.0"; empty when nothing was compiled.
  std::string nvrtcVersion;
  unsigned cacheHits = 0;
  /// Wall time in seconds: passes and text, NVRTC.
  double passSeconds = 0, nvrtcSeconds = 0;
};

/// Generates the kernels of `planned` (plan level, memref form, with a memory
/// plan), which is not changed. Problems are diagnostics at their kernels.
LogicalResult generateCUDAProgram(ModuleOp planned, const CUDAOptions &options,
                                  CUDAProgram &program);

/// All kernels' sources, each under a line that says how it is launched.
void printCUDA(const CUDAProgram &program, llvm::raw_ostream &stream);

} // namespace mlir::trine

#endif
